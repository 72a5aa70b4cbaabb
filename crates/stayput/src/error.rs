//! Errors as shown to the user: what happened, the causes, what to do, and the exit code. Only this module knows exit codes.

mod rehearsal;

use std::fmt::Write;
use std::process::ExitCode;

use miette::Diagnostic;
use serde::Serialize;
use stayput_engine::EngineError;
use stayput_estate::ConfigErrors;
use stayput_ledger::LedgerError;
use stayput_plan::Obstacle;
use stayput_plan::counted;

/// What kind of failure it is; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something failed: exit code 1.
    Failed,
    /// Wrong usage or configuration: exit code 2; nothing was contacted.
    Usage,
    /// The world is not what the plan was made for: exit code 3.
    WorldChanged,
    /// There are obstacles: exit code 4; nothing was changed.
    Obstacles,
    /// Another process works on this estate: exit code 5.
    Held,
}

impl Kind {
    /// The process's exit code.
    pub fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::WorldChanged => 3,
            Self::Obstacles => 4,
            Self::Held => 5,
        })
    }

    fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::WorldChanged => "world-changed",
            Self::Obstacles => "obstacles",
            Self::Held => "held",
        }
    }
}

/// One error in the estate file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileError {
    /// The file as named by the user.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
    /// What kind of error, such as `config::host_bits`.
    pub code: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// Who reads a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// A person at a terminal.
    Person,
    /// A program, or a person who reads its log.
    Program,
}

/// The error of a command.
#[derive(Debug)]
pub struct CommandError {
    /// What kind of failure.
    pub kind: Kind,
    /// The text for people, ready to print.
    pub message: String,
    /// Causes, outermost first.
    pub causes: Vec<String>,
    /// What to do.
    pub hints: Vec<String>,
    /// Obstacles, if the plan failed on them.
    pub obstacles: Vec<Obstacle>,
    /// Errors in the estate file, in the order of the file.
    pub file_errors: Vec<FileError>,
    /// A report of them with the lines of the file, for a terminal.
    report: Option<String>,
}

impl CommandError {
    /// An error without causes.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            causes: Vec::new(),
            hints: Vec::new(),
            obstacles: Vec::new(),
            file_errors: Vec::new(),
            report: None,
        }
    }

    /// An error with the causes of another.
    pub fn from_error(kind: Kind, error: &dyn std::error::Error) -> Self {
        let mut this = Self::new(kind, error.to_string());
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if this.causes.last() != Some(&text) && this.message != text {
                this.causes.push(text);
            }
            source = cause.source();
        }
        this
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// As text, without colour; for a person with the lines of the estate file that are wrong.
    pub fn render(&self, reader: Reader) -> String {
        let mut text = String::new();
        match (&self.report, reader) {
            (Some(report), Reader::Person) => {
                let _ = writeln!(text, "{}\n", report.trim_end());
            }
            (None, Reader::Person) | (_, Reader::Program) => {
                let _ = writeln!(text, "error: {}", self.message);
                for error in &self.file_errors {
                    let (line, column) = (error.line, error.column);
                    let _ = writeln!(text, "  {}:{line}:{column}: {}", error.file, error.message);
                    if let Some(help) = &error.help {
                        let _ = writeln!(text, "      → {help}");
                    }
                }
            }
        }
        for cause in &self.causes {
            let _ = writeln!(text, "  because: {cause}");
        }
        for obstacle in &self.obstacles {
            let _ = writeln!(text, "  ✗ {obstacle}\n      → {}", obstacle.remedy());
        }
        for hint in &self.hints {
            let _ = writeln!(text, "hint: {hint}");
        }
        text
    }

    /// As JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "ok": false,
            "error": {
                "kind": self.kind.word(),
                "message": self.message,
                "causes": self.causes,
                "hints": self.hints,
                "errors": self.file_errors,
                "obstacles": self.obstacles.iter().map(|obstacle| serde_json::json!({
                    "obstacle": obstacle,
                    "id": obstacle.message().id(),
                    "message": obstacle.to_string(),
                    "remedy": obstacle.remedy(),
                })).collect::<Vec<_>>(),
            },
        })
    }
}

impl From<ConfigErrors> for CommandError {
    fn from(errors: ConfigErrors) -> Self {
        let mut this = Self::new(Kind::Usage, errors.to_string())
            .hint("nothing was contacted and nothing was changed");
        let text =
            |part: Option<Box<dyn std::fmt::Display + '_>>| part.map(|part| part.to_string());
        for error in errors.errors() {
            let position = errors.position(error);
            this.file_errors.push(FileError {
                file: errors.file_name().to_owned(),
                line: position.line,
                column: position.column,
                code: text(error.code()),
                message: error.to_string(),
                help: text(error.help()),
            });
        }
        let handler =
            miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor())
                // Keys and ids have hyphens and must not be broken there.
                .with_word_splitter(textwrap::WordSplitter::NoHyphenation)
                .with_width(100);
        let mut report = String::new();
        if handler.render_report(&mut report, &errors).is_ok() {
            this.report = Some(report);
        }
        this
    }
}

impl From<LedgerError> for CommandError {
    fn from(error: LedgerError) -> Self {
        let kind = if matches!(error, LedgerError::Held { .. }) {
            Kind::Held
        } else {
            Kind::Failed
        };
        let this = Self::from_error(kind, &error);
        match kind {
            Kind::Held => this.hint(
                "wait until it has ended; a killed process releases its lock, so this one is still running",
            ),
            _ => this,
        }
    }
}

impl From<EngineError> for CommandError {
    fn from(error: EngineError) -> Self {
        let stale = error.is_stale_world();
        let kind = match &error {
            _ if stale => Kind::WorldChanged,
            EngineError::Obstacles(_) => Kind::Obstacles,
            EngineError::Ledger(LedgerError::Held { .. }) => Kind::Held,
            // Nothing was contacted: the file or the environment must be corrected.
            EngineError::NoCredentials { .. } => Kind::Usage,
            EngineError::Aws(error) if error.call().is_none() => Kind::Usage,
            EngineError::Prism(error) if error.call().is_none() => Kind::Usage,
            EngineError::Move(error) if error.call().is_none() => Kind::Usage,
            _ => Kind::Failed,
        };
        let mut this = Self::from_error(kind, &error);
        let done_of =
            |(done, of): (usize, usize)| format!("{done} of {of} steps are done and kept");
        match error {
            EngineError::Steps { failed, done } => {
                if let [one] = failed.as_slice() {
                    this.causes = causes(&one.error);
                } else {
                    this.causes = failed
                        .iter()
                        .map(|failed| format!("{}: {}", failed.title, causes(&failed.error).join(": ")))
                        .collect();
                }
                let in_doubt = failed.iter().any(|failed| failed.error.is_in_doubt());
                if in_doubt {
                    this = this.hint(
                        "it is not known whether the call took effect; run the same command again: it checks this first",
                    );
                }
                this.hint(format!(
                    "{}; run the same command again to resume from here",
                    done_of(done)
                ))
            }
            EngineError::WorldChanged {
                differences,
                obstacles,
                done,
                ..
            } => {
                this.causes = differences;
                this.obstacles = obstacles;
                this.hint(format!(
                    "{}; run the same command again: it shows the new plan and asks before it applies it",
                    match done {
                        1 => "1 step is done and kept".to_owned(),
                        many => format!("{many} steps are done and kept"),
                    }
                ))
            }
            EngineError::Interrupted {
                goes_on,
                done,
                in_outage,
                ..
            } => {
                this.causes = goes_on
                    .iter()
                    .map(|what| format!("continues without stayput: {what}"))
                    .collect();
                let outage = match in_outage {
                    true => {
                        "; machines may not be reached until the routes are written: continue at once"
                    }
                    false => "",
                };
                this.hint(format!(
                    "{}; run the same command again to resume from here{outage}",
                    done_of(done)
                ))
            }
            EngineError::Obstacles(obstacles) => obstacles.into(),
            EngineError::Ledger(error) => error.into(),
            EngineError::NoCredentials { .. } => {
                this.hint("nothing was contacted and nothing was changed")
            }
            EngineError::NotAllowed { call, .. } => {
                this.hint(format!("allow ec2:{call} on it; nothing was changed"))
            }
            EngineError::MayNotStart { .. } => this.hint(
                "allow ec2:StartInstances on them, as for every rollback of a move; nothing was changed",
            ),
            EngineError::Undone { .. } => {
                this.hint("find out who changes it, with the audit log of that system, then run the same command again")
            }
            EngineError::NotVerified { verification, .. } => {
                this.causes = verification.wrong.iter().map(ToString::to_string).collect();
                this.hint("check with `stayput status`; the run stays open until the verification passes")
            }
            EngineError::NotALab(_) | EngineError::Internal(_) => this,
            EngineError::Aws(_) | EngineError::Prism(_) | EngineError::Move(_) => {
                this.hint("nothing was changed")
            }
        }
    }
}

/// An error and its causes, outermost first.
fn causes(error: &dyn std::error::Error) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        source = cause.source();
    }
    texts
}

impl From<Vec<Obstacle>> for CommandError {
    fn from(obstacles: Vec<Obstacle>) -> Self {
        let count = counted(obstacles.len(), "obstacle");
        let mut this = Self::new(
            Kind::Obstacles,
            format!("no plan: {count}; nothing was changed"),
        );
        this.obstacles = obstacles;
        this
    }
}
