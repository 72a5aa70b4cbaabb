//! A message: an id and its arguments.

use std::fmt;

use smol_str::SmolStr;

use crate::Catalogue;
use crate::clean;

/// Which message, with its arguments. `Display` is its text in English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    id: &'static str,
    arguments: Vec<(&'static str, Argument)>,
}

/// What stands for a variable of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Argument {
    /// A text that is the same in every language, such as a name, or that has no id yet.
    Text(String),
    /// How many: selects the plural.
    Count(u64),
    /// Another message, in the same language.
    Message(Message),
}

impl Message {
    /// The message with this id, as yet without arguments.
    pub fn new(id: &'static str) -> Self {
        Self {
            id,
            arguments: Vec::new(),
        }
    }

    /// Adds a text: a name, an address, or a key that the message selects by. What is not safe to show in it becomes escapes.
    #[must_use]
    pub fn with(self, name: &'static str, text: impl fmt::Display) -> Self {
        self.argument(name, Argument::Text(clean(&text.to_string())))
    }

    /// Adds a number of things, by which the message can select the plural. It is written with all its digits and no separator unless the
    /// message says `GROUPED`. Numbers above 2^53 are not exact.
    #[must_use]
    pub fn count(self, name: &'static str, number: impl TryInto<u64>) -> Self {
        let number = number.try_into().unwrap_or(u64::MAX);
        self.argument(name, Argument::Count(number))
    }

    /// Adds another message as a part of this one.
    #[must_use]
    pub fn part(self, name: &'static str, message: Self) -> Self {
        self.argument(name, Argument::Message(message))
    }

    /// The id: stable, the same in every language.
    pub fn id(&self) -> &'static str {
        self.id
    }

    pub(crate) fn arguments(&self) -> &[(&'static str, Argument)] {
        &self.arguments
    }

    fn argument(mut self, name: &'static str, argument: Argument) -> Self {
        self.arguments.push((name, argument));
        self
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&Catalogue::english().text(self))
    }
}

/// The text in English.
impl From<Message> for String {
    fn from(message: Message) -> Self {
        message.to_string()
    }
}

/// The text in English.
impl From<Message> for SmolStr {
    fn from(message: Message) -> Self {
        message.to_string().into()
    }
}
