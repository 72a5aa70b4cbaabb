//! Lists, as messages of the catalogue.

use std::fmt::Display;

use stayput_messages::Message;

/// All of them with `and` before each but the first. Nothing is the empty text.
pub(crate) fn and(all: impl IntoIterator<Item = impl Display>) -> Message {
    let mut all = all.into_iter();
    let first = all
        .next()
        .map_or_else(String::new, |first| first.to_string());
    let first = Message::new("list-one").with("item", first);
    all.fold(first, |first, next| {
        Message::new("list-and")
            .part("first", first)
            .with("next", next)
    })
}

/// All of them, with commas.
pub(crate) fn commas(all: impl IntoIterator<Item = impl Display>) -> String {
    joined(all, ", ")
}

/// All of them, as arguments of a command.
pub(crate) fn arguments(all: impl IntoIterator<Item = impl Display>) -> String {
    joined(all, " ")
}

/// The first so many, with commas, and how many more there are.
pub(crate) fn first_of(
    named: usize,
    all: impl IntoIterator<Item = impl Display, IntoIter: ExactSizeIterator>,
) -> Message {
    let all = all.into_iter();
    let more = all.len().saturating_sub(named);
    let names = commas(all.take(named));
    match more {
        0 => Message::new("list-one").with("item", names),
        more => Message::new("list-more")
            .with("names", names)
            .count("more", more),
    }
}

fn joined(all: impl IntoIterator<Item = impl Display>, separator: &str) -> String {
    let all: Vec<_> = all.into_iter().map(|one| one.to_string()).collect();
    all.join(separator)
}
