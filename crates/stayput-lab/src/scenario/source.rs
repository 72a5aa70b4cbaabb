//! Reads scenario files and maps every span to its file and line.
//!
//! A scenario can consist of several files. Each one is parsed after as many line breaks as the files before it have bytes, so
//! that a span identifies its file as well as its position.

use std::fs;
use std::io;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;

use stayput_messages::Message;

use super::BUILT_IN;
use super::Fault;
use super::ScenarioError;
use super::format::File;
use super::format::Text;

/// The most files of one scenario: a path can be spelled in many ways, so that not every cycle is seen.
const FILES_MAX: usize = 16;
/// The largest file.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A location in a scenario file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file's name.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The line's text.
    pub text: String,
}

/// The files read so far.
#[derive(Debug, Default)]
pub(super) struct Sources {
    files: Vec<Source>,
}

#[derive(Debug)]
struct Source {
    name: String,
    text: String,
    base: usize,
}

impl Sources {
    /// Reads a scenario and what it extends. Paths are relative to `beside`.
    pub(super) fn read(&mut self, name: &str, beside: &Path) -> Result<File, ScenarioError> {
        if is_path(name) {
            let path = beside.join(name);
            let text = read_file(&path).map_err(|source| ScenarioError::Read {
                path: path.clone(),
                source,
            })?;
            let beside = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
            self.read_text(path.display().to_string(), text, Some(&beside))
        } else {
            self.read_built_in(name)
        }
    }

    fn read_built_in(&mut self, name: &str) -> Result<File, ScenarioError> {
        let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) else {
            return Err(ScenarioError::Unknown {
                name: name.to_owned(),
                known: BUILT_IN.map(|(name, _)| format!("`{name}`")).join(", "),
            });
        };
        self.read_text(name.to_owned(), (*text).to_owned(), Some(Path::new(".")))
    }

    /// Reads a scenario whose text is there. It can extend files relative to `beside`; `None`: built-in scenarios only.
    pub(super) fn read_text(
        &mut self,
        name: String,
        text: String,
        beside: Option<&Path>,
    ) -> Result<File, ScenarioError> {
        let file = self.parse(name, text)?;
        let Some(base) = file.extends.clone() else {
            return Ok(file);
        };
        self.refuse_cycle(&base, beside.unwrap_or(Path::new(".")))?;
        let base = match beside {
            Some(beside) => self.read(base.get_ref(), beside)?,
            None => self.read_built_in(base.get_ref())?,
        };
        Ok(file.over(base))
    }

    fn parse(&mut self, name: String, text: String) -> Result<File, ScenarioError> {
        let base = self
            .files
            .last()
            .map_or(0, |last| last.base + last.text.len() + 1);
        let padded = "\n".repeat(base) + &text;
        self.files.push(Source { name, text, base });
        toml::from_str(&padded).map_err(|error| {
            self.point(Fault {
                span: error.span(),
                message: error.message().trim_end().to_owned(),
            })
        })
    }

    fn refuse_cycle(&self, base: &Text, beside: &Path) -> Result<(), ScenarioError> {
        let by_path = beside.join(base.get_ref()).display().to_string();
        let read_before = self
            .files
            .iter()
            .any(|file| file.name == *base.get_ref() || file.name == by_path);
        let message = if read_before {
            Message::new("scenario-extends-itself").with("name", base.get_ref())
        } else if self.files.len() >= FILES_MAX {
            Message::new("scenario-too-many-files").with("files", FILES_MAX)
        } else {
            return Ok(());
        };
        Err(self.point(Fault::at(base.span(), message)))
    }

    /// Turns a fault into an error that names file and line.
    pub(super) fn point(&self, fault: Fault) -> ScenarioError {
        ScenarioError::Bad {
            place: fault.span.and_then(|span| self.place(&span)).map(Box::new),
            message: fault.message,
        }
    }

    fn place(&self, span: &Range<usize>) -> Option<Location> {
        let file = self
            .files
            .iter()
            .rev()
            .find(|file| file.base <= span.start)?;
        let offset = span.start - file.base;
        let before = file.text.get(..offset.min(file.text.len()))?;
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        Some(Location {
            file: file.name.clone(),
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
            text: file.text[start..].lines().next().unwrap_or("").to_owned(),
        })
    }
}

fn read_file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = fs::File::open(path)?
        .take(BYTES_MAX + 1)
        .read_to_string(&mut text)?;
    if read as u64 > BYTES_MAX {
        let problem = Message::new("file-too-long").with("bytes", BYTES_MAX);
        return Err(io::Error::other(problem.to_string()));
    }
    Ok(text)
}

/// Whether a scenario is called by the path of its file.
fn is_path(name: &str) -> bool {
    let is_built_in = BUILT_IN.iter().any(|(known, _)| *known == name);
    !is_built_in && (name.ends_with(".toml") || name.contains('/'))
}

/// Returns the name of a scenario file: its stem, converted to a valid estate name (`a-z0-9-`, at most 40).
pub(super) fn estate_name(path: &Path) -> String {
    let stem = path
        .file_stem()
        .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let name: String = stem
        .chars()
        .map(|c| c.to_ascii_lowercase())
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(40)
        .collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "lab" } else { name }.to_owned()
}
