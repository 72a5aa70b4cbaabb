//! Errors that are found before values are checked: syntax, keys, types.

use std::fmt;

use miette::Diagnostic;

/// The file is not TOML, or its keys and types are not those of `stayput.toml`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum ShapeFault {
    /// Not TOML.
    #[error("this is not TOML: {message}")]
    #[diagnostic(
        code(config::syntax),
        help("correct this first: the other checks run once the file can be read as TOML")
    )]
    Syntax {
        /// What the TOML parser says.
        message: String,
    },
    /// An unknown key.
    #[error("unknown key `{key}` in {table}")]
    #[diagnostic(code(config::unknown_key), help("{known}"))]
    UnknownKey {
        /// The key.
        key: String,
        /// The table that contains it.
        table: String,
        /// The known keys.
        known: Choices,
    },
    /// A required key of a table is missing.
    #[error("{table} has no {key}")]
    #[diagnostic(code(config::missing_key), help("{remedy}"))]
    MissingKey {
        /// The key, in backticks, or the table, in brackets.
        key: String,
        /// The table.
        table: String,
        /// What to write, and what it means.
        remedy: String,
    },
    /// A value whose type is not that of the key.
    #[error("`{key}` must be {wanted}, but this is {found}")]
    #[diagnostic(code(config::wrong_type), help("{remedy}"))]
    WrongType {
        /// The key with the path to it.
        key: String,
        /// The type it must have.
        wanted: String,
        /// The type it has.
        found: &'static str,
        /// What to write, and its meaning.
        remedy: String,
    },
    /// A word that is not one of a key's values.
    #[error("`{text}` is not a value of `{key}`")]
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
    #[error("`{key}` is {number}, but must be {limit}")]
    #[diagnostic(code(config::out_of_range), help("{remedy}"))]
    OutOfRange {
        /// The key with the path to it.
        key: String,
        /// What was given.
        number: String,
        /// The exceeded limit.
        limit: Limit,
        /// What to write, and what it means.
        remedy: String,
    },
    /// The file passed every check and still cannot be read; a defect of stayput.
    #[error("this could not be read: {message}")]
    #[diagnostic(
        code(config::unreadable),
        help("this is an error in stayput: please report it with the file")
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

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(min) => write!(f, "at least {min}"),
            Self::AtMost(max) => write!(f, "at most {max}"),
        }
    }
}

/// The known words, and the one that was probably meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choices {
    /// Description of the words, such as `keys of [estate]`.
    pub what: String,
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
        what: impl Into<String>,
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
        Self {
            what: what.into(),
            known,
            near,
        }
    }
}

impl fmt::Display for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(near) = &self.near {
            write!(f, "did you mean `{near}`? ")?;
        }
        write!(f, "{}: ", self.what)?;
        if self.known.is_empty() {
            f.write_str("none")
        } else {
            f.write_str(&self.known.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_spelling_is_suggested_for_a_misspelt_word() {
        let near = |wrong| Choices::new("", wrong, ["cidr", "ec2-subnet", "primary"]).near;
        assert_eq!(near("cdir").as_deref(), Some("cidr"));
        assert_eq!(near("ec2_subnet").as_deref(), Some("ec2-subnet"));
        assert_eq!(near("primary-site").as_deref(), Some("primary"));
        assert_eq!(near("colour"), None);
    }

    #[test]
    fn an_unrelated_word_is_not_suggested() {
        assert_eq!(Choices::new("", "osaka", ["tokyo"]).near, None);
    }
}
