//! All errors of one `stayput.toml`.
//!
//! [`ConfigErrors`] is the whole report and owns the text. Each [`ConfigError`] in it has a [`Reason`] as data, locations in the
//! file, and a remedy. They implement [`miette::Diagnostic`]; the caller renders them.

mod relation;
mod shape;
mod text;

use std::fmt;
use std::ops::Range;

use miette::Diagnostic;
use miette::LabeledSpan;
use miette::NamedSource;
use miette::SourceCode;
use stayput_messages::Message;

pub use relation::RelationFault;
pub use shape::Choices;
pub use shape::Limit;
pub use shape::ShapeFault;
pub use text::DurationProblem;
pub use text::IdKind;
pub use text::TextFault;
pub use text::UrlProblem;

/// All errors found in one file, in the order of the file; at least one.
#[derive(Debug, Clone)]
pub struct ConfigErrors {
    source: NamedSource<String>,
    errors: Vec<ConfigError>,
}

/// One error: what is wrong, where, and a remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ConfigError {
    reason: Reason,
    /// The first is the location of the error; the others are what it conflicts with.
    labels: Vec<(Range<usize>, Message)>,
}

/// Why a file is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum Reason {
    /// It is not TOML, or does not have the right keys and types.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Shape(#[from] ShapeFault),
    /// A value is not valid.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Text(#[from] TextFault),
    /// Values conflict with each other.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Relation(#[from] RelationFault),
}

/// A position in the file: line and column from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl ConfigErrors {
    pub(crate) fn new(file_name: &str, text: &str, mut errors: Vec<ConfigError>) -> Self {
        errors.sort_by_key(|error| error.span().start);
        // A password must not reach a terminal or a log with the line that contains it.
        let mut shown = text.to_owned();
        for error in &errors {
            let span = error.span();
            if let Reason::Text(TextFault::Url { .. }) = error.reason
                && let Some(url) = text.get(span.clone())
            {
                shown.replace_range(span, &without_credentials(url));
            }
        }
        Self {
            source: NamedSource::new(file_name, shown).with_language("TOML"),
            errors,
        }
    }

    /// Returns the errors in the order of the file.
    pub fn errors(&self) -> &[ConfigError] {
        &self.errors
    }

    /// Returns the name of the file.
    pub fn file_name(&self) -> &str {
        self.source.name()
    }

    /// Returns where an error starts.
    pub fn position(&self, error: &ConfigError) -> Position {
        let text = self.source.inner();
        let before = text.get(..error.span().start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = Message::new("estate-errors")
            .with("file", self.file_name())
            .count("count", self.errors.len());
        errors.fmt(f)
    }
}

impl std::error::Error for ConfigErrors {}

impl Diagnostic for ConfigErrors {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new("config"))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(
            self.errors.iter().map(|error| error as &dyn Diagnostic),
        ))
    }
}

impl ConfigError {
    pub(crate) fn new(span: Range<usize>, label: Message, reason: impl Into<Reason>) -> Self {
        Self {
            reason: reason.into(),
            labels: vec![(span, label)],
        }
    }

    /// Adds another location.
    pub(crate) fn also(mut self, span: Range<usize>, label: Message) -> Self {
        self.labels.push((span, label));
        self
    }

    /// Returns what is wrong.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// Returns where the error is, in bytes of the file.
    pub fn span(&self) -> Range<usize> {
        self.labels
            .first()
            .map_or(0..0, |(span, _label)| span.clone())
    }
}

impl Diagnostic for ConfigError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.reason.code()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.reason.help()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().map(|(span, label)| {
            LabeledSpan::new_with_span(Some(label.to_string()), span.clone())
        })))
    }
}

/// Returns the text with everything before an `@` replaced by stars, at the same length.
pub(crate) fn without_credentials(url: &str) -> String {
    let start = url.find("://").map_or(0, |scheme| scheme + "://".len());
    match url.rfind('@') {
        Some(end) if start < end => {
            format!(
                "{}{}{}",
                &url[..start],
                "*".repeat(end - start),
                &url[end..]
            )
        }
        Some(_) | None => url.to_owned(),
    }
}
