//! A small XML writer: elements and escaped text.

use std::fmt::Display;
use std::fmt::Write as _;

/// XML under construction: a sequence of elements.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Xml(String);

impl Xml {
    /// Creates an empty sequence.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `<name>value</name>`.
    pub fn text(&mut self, name: &str, value: impl Display) -> &mut Self {
        let text = value.to_string();
        self.open(name);
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                // Not allowed in XML 1.0.
                c if c < ' ' && !matches!(c, '\t' | '\n' | '\r') => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
        self.close(name)
    }

    /// Adds [`Xml::text`] if there is a value.
    pub fn maybe(&mut self, name: &str, value: Option<impl Display>) -> &mut Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// Adds `<name>…</name>` with elements inside.
    pub fn node(&mut self, name: &str, inside: impl FnOnce(&mut Self)) -> &mut Self {
        self.open(name);
        inside(self);
        self.close(name)
    }

    /// Adds `<name><item>…</item>…</name>`.
    pub fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut inside: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.open(name);
        for item in items {
            self.node("item", |xml| inside(xml, item));
        }
        self.close(name)
    }

    /// Appends other elements.
    pub fn append(&mut self, other: &Self) -> &mut Self {
        self.0.push_str(&other.0);
        self
    }

    /// Returns the text, without an XML declaration.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn open(&mut self, name: &str) {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "<{name}>");
    }

    fn close(&mut self, name: &str) -> &mut Self {
        // The closing tag repeats the name without attributes.
        let bare = name.split(' ').next().unwrap_or(name);
        let _ = write!(self.0, "</{bare}>");
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_lists_have_items() {
        let mut xml = Xml::new();
        xml.list("set", ["a&b", "<\u{1}>"], |xml, value| {
            xml.text("v", value);
        });
        assert_eq!(
            xml.as_str(),
            "<set><item><v>a&amp;b</v></item><item><v>&lt;\u{fffd}&gt;</v></item></set>"
        );
    }
}
