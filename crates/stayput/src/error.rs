//! Errors as shown to the user: what happened, the causes, what to do, and the exit code. Only this module knows exit codes.

mod rehearsal;

use std::fmt::Write;
use std::process::ExitCode;

use miette::Diagnostic;
use serde::Serialize;
use stayput_dynamodb::Misfit;
use stayput_engine::EngineError;
use stayput_estate::ConfigErrors;
use stayput_ledger::LedgerError;
use stayput_messages::Message;
use stayput_plan::Obstacle;

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
                let _ = writeln!(text, "{} {}", Message::new("error"), self.message);
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
            let _ = writeln!(text, "  {} {cause}", Message::new("because"));
        }
        for obstacle in &self.obstacles {
            let _ = writeln!(text, "  ✗ {obstacle}\n      → {}", obstacle.remedy());
        }
        for hint in &self.hints {
            let _ = writeln!(text, "{} {hint}", Message::new("hint"));
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
        let mut this =
            Self::new(Kind::Usage, errors.to_string()).hint(Message::new("hint-nothing-contacted"));
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
            Kind::Held => this.hint(Message::new("hint-wait-for-holder")),
            _ => this,
        }
    }
}

impl From<Misfit> for CommandError {
    fn from(misfit: Misfit) -> Self {
        let error = Self::from_error(Kind::Failed, &misfit);
        match misfit {
            Misfit::Missing { .. } => error.hint(Message::new("hint-ledger-init")),
            Misfit::NotStrong { .. } | Misfit::NoReplica { .. } => {
                error.hint(Message::new("hint-strong-table"))
            }
            Misfit::Keys { .. } => error.hint(Message::new("hint-other-table")),
            Misfit::NotActive { .. } | Misfit::Aws(_) => error,
        }
    }
}

impl From<EngineError> for CommandError {
    fn from(error: EngineError) -> Self {
        let stale = error.is_stale_world();
        let kind = match &error {
            _ if stale => Kind::WorldChanged,
            EngineError::Obstacles(_) | EngineError::OtherScript { .. } => Kind::Obstacles,
            EngineError::Ledger(LedgerError::Held { .. }) => Kind::Held,
            // Nothing was contacted: the file or the environment must be corrected.
            EngineError::NoCredentials { .. } => Kind::Usage,
            EngineError::Aws(error) if error.call().is_none() => Kind::Usage,
            EngineError::Prism(error) if error.call().is_none() => Kind::Usage,
            EngineError::Move(error) if error.call().is_none() => Kind::Usage,
            _ => Kind::Failed,
        };
        let mut this = Self::from_error(kind, &error);
        match error {
            EngineError::Steps { failed, done, left } => {
                if let [one] = failed.as_slice() {
                    this.causes = causes(&one.error);
                } else {
                    this.causes = failed
                        .iter()
                        .map(|failed| {
                            format!("{}: {}", failed.title, causes(&failed.error).join(": "))
                        })
                        .collect();
                }
                let in_doubt = failed.iter().any(|failed| failed.error.is_in_doubt());
                if in_doubt {
                    this = this.hint(Message::new("hint-check-doubt"));
                }
                if let Some(left) = left {
                    this = this.hint(
                        Message::new("hint-left-unreached")
                            .with("run", left.run)
                            .count("addresses", left.addresses),
                    );
                }
                this.hint(
                    Message::new("hint-resume")
                        .with("done", done.0)
                        .count("steps", done.1),
                )
            }
            EngineError::WorldChanged {
                differences,
                obstacles,
                done,
                ..
            } => {
                this.causes = differences;
                this.obstacles = obstacles;
                this.hint(Message::new("hint-look-again").count("steps", done))
            }
            EngineError::Interrupted {
                goes_on,
                done,
                in_outage,
                ..
            } => {
                this.causes = goes_on
                    .iter()
                    .map(|what| {
                        Message::new("goes-on-without-stayput")
                            .with("what", what)
                            .into()
                    })
                    .collect();
                this.hint(match in_outage {
                    true => Message::new("hint-resume-at-once")
                        .with("done", done.0)
                        .count("steps", done.1),
                    false => Message::new("hint-resume")
                        .with("done", done.0)
                        .count("steps", done.1),
                })
            }
            EngineError::Obstacles(obstacles) => obstacles.into(),
            EngineError::Ledger(error) => error.into(),
            EngineError::NoCredentials { .. } => this.hint(Message::new("hint-nothing-contacted")),
            EngineError::NotAllowed { call, .. } => {
                this.hint(Message::new("hint-allow-call").with("call", call))
            }
            EngineError::OtherScript { .. } => this.hint(Message::new("hint-other-script")),
            EngineError::MayNotStart { .. } => this.hint(Message::new("hint-allow-start")),
            EngineError::Undone { .. } => this.hint(Message::new("hint-find-who-undoes")),
            EngineError::NotVerified { verification, .. } => {
                this.causes = verification.wrong.iter().map(ToString::to_string).collect();
                this.hint(Message::new("hint-run-stays-open"))
            }
            EngineError::NotALab(_) | EngineError::Internal(_) => this,
            EngineError::Aws(_) | EngineError::Prism(_) | EngineError::Move(_) => {
                this.hint(Message::new("hint-nothing-changed"))
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
        let mut this = Self::new(
            Kind::Obstacles,
            Message::new("no-plan").count("obstacles", obstacles.len()),
        );
        this.obstacles = obstacles;
        this
    }
}
