//! Lists, for messages to quote.

use std::fmt::Display;

use crate::Message;

/// All of them with `and` before each but the first. Nothing is the empty text.
pub fn and(all: impl IntoIterator<Item = impl Display>) -> Message {
    let all = all.into_iter().map(text).reduce(|first, next| {
        Message::new("list-and")
            .part("first", first)
            .part("next", next)
    });
    all.unwrap_or_else(|| text(""))
}

/// All of them with `or` before each but the first. Nothing is the empty text.
pub fn or(all: impl IntoIterator<Item = impl Display>) -> Message {
    let all = all.into_iter().map(text).reduce(|first, next| {
        Message::new("list-or")
            .part("first", first)
            .part("next", next)
    });
    all.unwrap_or_else(|| text(""))
}

/// All of these messages with `; ` before each but the first. None is the empty text.
pub fn semicolons(all: impl IntoIterator<Item = Message>) -> Message {
    let joined = all.into_iter().reduce(|first, next| {
        Message::new("list-semicolon")
            .part("first", first)
            .part("next", next)
    });
    joined.unwrap_or_else(|| text(""))
}

/// All of these messages with `; or ` before each but the first. None is the empty text.
pub fn alternatives(all: impl IntoIterator<Item = Message>) -> Message {
    let joined = all.into_iter().reduce(|first, next| {
        Message::new("list-alternative")
            .part("first", first)
            .part("next", next)
    });
    joined.unwrap_or_else(|| text(""))
}

/// All of them, with commas.
pub fn commas(all: impl IntoIterator<Item = impl Display>) -> String {
    joined(all, ", ")
}

/// All of them, with arrows from each to the next.
pub fn arrows(all: impl IntoIterator<Item = impl Display>) -> String {
    joined(all, " → ")
}

/// All of them, as arguments of a command.
pub fn arguments(all: impl IntoIterator<Item = impl Display>) -> String {
    joined(all, " ")
}

/// The first so many, with commas, and how many more there are.
pub fn first_of(
    named: usize,
    all: impl IntoIterator<Item = impl Display, IntoIter: ExactSizeIterator>,
) -> Message {
    let all = all.into_iter();
    let more = all.len().saturating_sub(named);
    let names = commas(all.take(named));
    match more {
        0 => text(names),
        more => Message::new("list-more")
            .with("names", names)
            .count("more", more),
    }
}

/// A text that is the same in every language, as a message.
pub fn text(text: impl Display) -> Message {
    Message::new("list-one").with("item", text)
}

fn joined(all: impl IntoIterator<Item = impl Display>, separator: &str) -> String {
    let all: Vec<_> = all.into_iter().map(|one| one.to_string()).collect();
    all.join(separator)
}
