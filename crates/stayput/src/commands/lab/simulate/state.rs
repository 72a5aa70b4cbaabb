//! The file in which a long simulation remembers what it has told, so that it can be continued another day.

use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use stayput_messages::Message;
use stayput_simulator::Report;
use stayput_simulator::Totals;

use crate::error::CommandError;
use crate::error::Kind;
use crate::saved;

/// The largest file that is read.
const BYTES_MAX: u64 = 16 * 1024 * 1024;
/// The only format so far.
const FORMAT: u32 = 1;

/// What is in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Remembered {
    format: u32,
    /// Which stories: a file is continued only with the same ones.
    asked: String,
    /// How many of them were told, in their order.
    told: usize,
    /// What became of them, by all versions that told some.
    totals: Totals,
    /// Numbers of the bad ones.
    bad: Vec<u64>,
}

/// What was told so far.
pub(super) struct State {
    file: Option<PathBuf>,
    remembered: Remembered,
    report: Report,
}

impl State {
    /// What a file remembers; nothing if there is none yet.
    ///
    /// # Errors
    /// The file cannot be read, or is of other stories.
    pub(super) fn read(file: Option<&Path>, asked: String) -> Result<Self, CommandError> {
        let mut remembered = Remembered {
            format: FORMAT,
            asked,
            told: 0,
            totals: Totals::default(),
            bad: Vec::new(),
        };
        if let Some(file) = file.filter(|file| file.exists()) {
            let wrong = |error: String| {
                let what = Message::new("simulate-state-unreadable")
                    .with("file", file.display())
                    .with("error", error);
                CommandError::new(Kind::Usage, what)
            };
            let bytes = saved::read_at_most(file, BYTES_MAX);
            let bytes = bytes.map_err(|error| wrong(error.to_string()))?;
            let known: Remembered =
                serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
            if known.format != FORMAT || known.asked != remembered.asked {
                let what = Message::new("simulate-state-of-others")
                    .with("file", file.display())
                    .with("has", known.asked)
                    .with("asked", remembered.asked);
                let hint = Message::new("hint-simulate-state");
                return Err(CommandError::new(Kind::Usage, what).hint(hint));
            }
            remembered = known;
        }
        Ok(Self {
            file: file.map(Path::to_owned),
            remembered,
            report: Report::default(),
        })
    }

    /// How many stories were told.
    pub(super) fn told(&self) -> usize {
        self.remembered.told
    }

    /// Further stories were told.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn add(&mut self, told: usize, report: Report) -> Result<(), CommandError> {
        let bad = report.bad.iter().map(|bad| bad.number);
        self.remembered.bad.extend(bad);
        self.remembered.told += told;
        self.remembered.totals.add(&report.totals);
        self.report.bad.extend(report.bad);
        if let Some(file) = &self.file {
            // A kill in the middle must not take what is remembered.
            let next = file.with_extension("next");
            saved::write(&next, &self.remembered)?;
            std::fs::rename(&next, file).map_err(|error| {
                let what = Message::new("file-unwritable")
                    .with("file", file.display())
                    .with("error", error);
                CommandError::new(Kind::Failed, what)
            })?;
        }
        Ok(())
    }

    /// All that was told, with the bad stories of this process.
    pub(super) fn into_report(self) -> Report {
        Report {
            totals: self.remembered.totals,
            ..self.report
        }
    }
}
