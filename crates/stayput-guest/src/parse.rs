//! Finding and reading the report in the output of a command.

use serde_json::Value;
use serde_path_to_error::Path;
use serde_path_to_error::Segment;
use stayput_messages::Message;

use crate::GuestReport;
use crate::report::Problem;

/// Systems Manager returns so many characters of the output of a command.
const OUTPUT_CHARACTERS_MAX: usize = 24_000;

/// The most values that are left out of a report before it counts as unreadable.
const PROBLEMS_MAX: usize = 200;

/// How the line of a report begins.
const BEGINNING: &str = "{\"stayput_guest\"";

/// Why an output has no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// There is no output.
    #[error("{}", Message::new("guest-empty"))]
    Empty,
    /// No line is a report.
    #[error("{}", Message::new("guest-no-report").with("first", .first))]
    NoReport {
        /// The start of the output.
        first: String,
    },
    /// The report is cut off.
    #[error("{}", Message::new("guest-cut").count("characters", *.characters))]
    Cut {
        /// Length of the output.
        characters: usize,
    },
    /// The line is not JSON, or not a report.
    #[error("{}", Message::new("guest-not-json").with("why", .why))]
    NotJson {
        /// Why.
        why: String,
    },
    /// Another version of the format.
    #[error("{}", Message::new("guest-version").with("found", .found))]
    Version {
        /// The version as it stands there.
        found: String,
    },
    /// Reports that differ.
    #[error("{}", Message::new("guest-several").count("reports", *.reports))]
    Several {
        /// How many.
        reports: usize,
    },
}

impl GuestReport {
    /// Reads the report in the output of `capture.sh` or `capture.ps1`. Other lines, a byte order mark and ends of lines of Windows do not
    /// matter. A member whose value is not valid becomes one of [`GuestReport::problems`].
    ///
    /// # Errors
    ///
    /// If the output has not exactly one complete report of version 1.
    pub fn parse(stdout: &str) -> Result<Self, ReportError> {
        if stdout.trim_matches(is_blank).is_empty() {
            return Err(ReportError::Empty);
        }
        let mut found: Vec<Value> = Vec::new();
        let mut cut = false;
        let mut why = None;
        for line in stdout.split(['\n', '\r']) {
            let Some(start) = beginning(line) else {
                continue;
            };
            let mut values = serde_json::Deserializer::from_str(&line[start..]).into_iter();
            match values.next() {
                Some(Ok(value)) if found.contains(&value) => {}
                Some(Ok(value)) => found.push(value),
                Some(Err(error)) if error.is_eof() => cut = true,
                Some(Err(error)) => why = Some(error.to_string()),
                None => {}
            }
        }
        let characters = stdout.chars().count();
        match (found.len(), why) {
            (1, _) => typed(found.remove(0)),
            (0, _) if cut => Err(ReportError::Cut { characters }),
            // The mark of the agent stands behind what is cut.
            (0, Some(_)) if characters >= OUTPUT_CHARACTERS_MAX => {
                Err(ReportError::Cut { characters })
            }
            (0, Some(why)) => Err(ReportError::NotJson { why }),
            (0, None) => {
                let first = stdout.trim_matches(is_blank).chars().take(120).collect();
                Err(ReportError::NoReport { first })
            }
            (reports, _) => Err(ReportError::Several { reports }),
        }
    }
}

fn is_blank(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '\u{feff}' | '\0')
}

/// Where a report begins in a line. Its first member may be another one if it was stored in between.
fn beginning(line: &str) -> Option<usize> {
    let any_order = || {
        let start = line.find(|letter| !is_blank(letter))?;
        (line[start..].starts_with('{') && line.contains("\"stayput_guest\"")).then_some(start)
    };
    line.find(BEGINNING).or_else(any_order)
}

/// Takes the values that are valid.
fn typed(mut value: Value) -> Result<GuestReport, ReportError> {
    match value.get("stayput_guest") {
        Some(version) if version.as_u64() == Some(1) => {}
        version => {
            let found = version.map_or_else(|| "-".to_owned(), ToString::to_string);
            return Err(ReportError::Version { found });
        }
    }
    if let Some(members) = value.as_object_mut() {
        members.remove("problems");
    }
    let mut problems = Vec::new();
    loop {
        let error = match serde_path_to_error::deserialize::<_, GuestReport>(&value) {
            Ok(report) => return Ok(GuestReport { problems, ..report }),
            Err(error) => error,
        };
        let member = error.path().to_string();
        let why = error.inner().to_string();
        if problems.len() >= PROBLEMS_MAX || !remove(&mut value, error.path()) {
            return Err(ReportError::NotJson {
                why: format!("{member}: {why}"),
            });
        }
        problems.push(Problem { member, why });
    }
}

/// Removes a value. The innermost part of a path may be one that JSON does not have, such as the variant of an enumeration.
fn remove(value: &mut Value, path: &Path) -> bool {
    let segments: Vec<_> = path.iter().collect();
    remove_at(value, &segments)
}

fn remove_at(value: &mut Value, segments: &[&Segment]) -> bool {
    let Some((first, rest)) = segments.split_first() else {
        return false;
    };
    match (first, value) {
        (Segment::Map { key }, Value::Object(members)) => match members.get_mut(key) {
            Some(member) => remove_at(member, rest) || members.remove(key).is_some(),
            None => false,
        },
        (Segment::Seq { index }, Value::Array(items)) => match items.get_mut(*index) {
            Some(item) => {
                if !remove_at(item, rest) {
                    items.remove(*index);
                }
                true
            }
            None => false,
        },
        _ => false,
    }
}
