//! Errors that are found before values are checked: syntax, keys, types.

use std::fmt;

use miette::Diagnostic;
use stayput_messages::Message;
use stayput_messages::list;

/// The file is not TOML, or its keys and types are not those of `stayput.toml`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum ShapeFault {
    /// Not TOML.
    #[error("{}", Message::new("estate-syntax").with("problem", .message))]
    #[diagnostic(code(config::syntax), help("{}", Message::new("estate-syntax-remedy")))]
    Syntax {
        /// What the TOML parser says.
        message: String,
    },
    /// An unknown key.
    #[error(
        "{}",
        Message::new("estate-unknown-key")
            .with("key", .key)
            .part("table", .table.clone())
    )]
    #[diagnostic(code(config::unknown_key), help("{known}"))]
    UnknownKey {
        /// The key.
        key: String,
        /// The table that contains it.
        table: Message,
        /// The known keys.
        known: Choices,
    },
    /// A required key of a table is missing.
    #[error(
        "{}",
        Message::new("estate-missing-key")
            .part("table", .table.clone())
            .with("key", .key)
    )]
    #[diagnostic(code(config::missing_key), help("{remedy}"))]
    MissingKey {
        /// The key, in backticks, or the table, in brackets.
        key: String,
        /// The table.
        table: Message,
        /// What to write, and what it means.
        remedy: Message,
    },
    /// A value whose type is not that of the key.
    #[error(
        "{}",
        Message::new("estate-wrong-type")
            .with("key", .key)
            .part("wanted", .wanted.clone())
            .part("found", .found.clone())
    )]
    #[diagnostic(code(config::wrong_type), help("{remedy}"))]
    WrongType {
        /// The key with the path to it.
        key: String,
        /// The type it must have.
        wanted: Message,
        /// The type it has.
        found: Message,
        /// What to write, and its meaning.
        remedy: Message,
    },
    /// A word that is not one of a key's values.
    #[error("{}", Message::new("estate-unknown-value").with("text", .text).with("key", .key))]
    #[diagnostic(code(config::unknown_value), help("{known}"))]
    UnknownValue {
        /// The key with the path to it.
        key: String,
        /// What was given.
        text: String,
        /// The known values.
        known: Choices,
    },
    /// A number too small or too large.
    #[error("{}", .limit.exceeded(.key, .number))]
    #[diagnostic(code(config::out_of_range), help("{remedy}"))]
    OutOfRange {
        /// The key with the path to it.
        key: String,
        /// What was given.
        number: String,
        /// The exceeded limit.
        limit: Limit,
        /// What to write, and what it means.
        remedy: Message,
    },
    /// The file passed every check and still cannot be read; a defect of stayput.
    #[error("{}", Message::new("estate-unreadable").with("problem", .message))]
    #[diagnostic(
        code(config::unreadable),
        help("{}", Message::new("estate-unreadable-remedy"))
    )]
    Unreadable {
        /// What the deserializer says.
        message: String,
    },
}

/// A bound on a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// This or more.
    AtLeast(i64),
    /// This or less.
    AtMost(i64),
}

impl Limit {
    /// Returns what is wrong with the number of a key that exceeds this.
    fn exceeded(self, key: &str, number: &str) -> Message {
        match self {
            Self::AtLeast(min) => Message::new("estate-below-limit")
                .with("key", key)
                .with("number", number)
                .with("limit", min),
            Self::AtMost(max) => Message::new("estate-above-limit")
                .with("key", key)
                .with("number", number)
                .with("limit", max),
        }
    }
}

/// The known words, and the one that was probably meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choices {
    /// Description of the words, such as `keys of [estate]`.
    pub what: Message,
    /// All known words.
    pub known: Vec<String>,
    /// The most similar word, if one is similar enough.
    pub near: Option<String>,
}

/// Similarity (Jaro, 0 to 1) from which a word is suggested. Above that of unrelated short words ("tokyo", "osaka": 0.6), below
/// that of words with swapped, missing or changed letters (0.8 and more).
const ALIKE: f64 = 0.75;

impl Choices {
    /// Collects the known words and chooses the one most similar to `wrong`.
    pub fn new(
        what: Message,
        wrong: &str,
        known: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let known: Vec<String> = known.into_iter().map(Into::into).collect();
        let near = known
            .iter()
            .map(|word| (strsim::jaro(wrong, word), word))
            .filter(|(score, _word)| *score > ALIKE)
            .max_by(|(a, _), (b, _)| a.total_cmp(b))
            .map(|(_score, word)| word.clone());
        Self { what, known, near }
    }
}

impl fmt::Display for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, known) = (self.what.clone(), list::commas(&self.known));
        let message = match &self.near {
            Some(near) => Message::new("estate-choices-with-near")
                .with("near", near)
                .part("what", what)
                .with("known", known),
            None if known.is_empty() => Message::new("estate-choices-none").part("what", what),
            None => Message::new("estate-choices")
                .part("what", what)
                .with("known", known),
        };
        message.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_spelling_is_suggested_for_a_misspelt_word() {
        let near =
            |wrong| Choices::new(list::text(""), wrong, ["cidr", "ec2-subnet", "primary"]).near;
        assert_eq!(near("cdir").as_deref(), Some("cidr"));
        assert_eq!(near("ec2_subnet").as_deref(), Some("ec2-subnet"));
        assert_eq!(near("primary-site").as_deref(), Some("primary"));
        assert_eq!(near("colour"), None);
    }

    #[test]
    fn an_unrelated_word_is_not_suggested() {
        assert_eq!(Choices::new(list::text(""), "osaka", ["tokyo"]).near, None);
    }
}
