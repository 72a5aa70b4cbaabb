//! Reading EC2's XML: elements by name, with errors that say where.

use std::fmt;
use std::str::FromStr;

use roxmltree::Document;
use roxmltree::Node;

/// The answer was not what the API documents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Malformed {
    /// Where in the answer: element or field names from the outside in.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
}

impl Malformed {
    pub(crate) fn new(place: impl Into<String>, problem: impl fmt::Display) -> Self {
        Self {
            place: place.into(),
            problem: problem.to_string(),
        }
    }
}

/// Parses a document and hands its root element to `read`.
pub(crate) fn read_document<T>(
    body: &[u8],
    read: impl FnOnce(Element<'_, '_>) -> Result<T, Malformed>,
) -> Result<T, Malformed> {
    let text = std::str::from_utf8(body).map_err(|error| Malformed::new("answer", error))?;
    let document = Document::parse(text).map_err(|error| Malformed::new("answer", error))?;
    read(Element(document.root_element()))
}

/// One element. Names are matched without namespace: EC2's differs by API version.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a, 'input>(Node<'a, 'input>);

impl<'a, 'input> Element<'a, 'input> {
    /// The element's own name.
    pub(crate) fn name(self) -> &'a str {
        self.0.tag_name().name()
    }

    /// Child elements.
    pub(crate) fn children(self) -> impl Iterator<Item = Self> {
        self.0.children().filter(Node::is_element).map(Self)
    }

    /// The first child of this name.
    pub(crate) fn child(self, name: &str) -> Option<Self> {
        self.children().find(|child| child.name() == name)
    }

    /// The entries of the list `name`: EC2 wraps each in `item`. An absent list is an empty one.
    pub(crate) fn items(self, name: &str) -> impl Iterator<Item = Self> {
        self.child(name)
            .into_iter()
            .flat_map(Self::children)
            .filter(|child| child.name() == "item")
    }

    /// This element's own text, without surrounding space; `None` when there is none.
    pub(crate) fn own_text(self) -> Option<&'a str> {
        self.0.text().map(str::trim).filter(|text| !text.is_empty())
    }

    /// The text of the child `name`; an empty element counts as absent.
    pub(crate) fn text(self, name: &str) -> Option<&'a str> {
        self.child(name).and_then(Self::own_text)
    }

    /// The text of the child `name`, which must be there.
    pub(crate) fn required(self, name: &str) -> Result<&'a str, Malformed> {
        self.text(name)
            .ok_or_else(|| Malformed::new(self.place(name), "missing"))
    }

    /// The text of the child `name` as some type, if it is there.
    pub(crate) fn optional<T>(self, name: &str) -> Result<Option<T>, Malformed>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        self.text(name)
            .map(|text| {
                text.parse()
                    .map_err(|error| Malformed::new(self.place(name), error))
            })
            .transpose()
    }

    /// The text of the child `name` as some type.
    pub(crate) fn parsed<T>(self, name: &str) -> Result<T, Malformed>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        self.optional(name)?
            .ok_or_else(|| Malformed::new(self.place(name), "missing"))
    }

    /// Whether the child `name` says `true`. Absent is false.
    pub(crate) fn flag(self, name: &str) -> bool {
        self.text(name) == Some("true")
    }

    /// Where the child `name` is or would be.
    pub(crate) fn place(self, name: &str) -> String {
        let mut names: Vec<&str> = self
            .0
            .ancestors()
            .filter(Node::is_element)
            .map(|node| node.tag_name().name())
            .collect();
        names.reverse();
        names.push(name);
        names.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &[u8] = br#"<?xml version="1.0" encoding="UTF-8"?>
        <R xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
          <set><item><n>1</n></item><item><n>x</n><empty/></item></set>
        </R>"#;

    #[test]
    fn an_error_says_where_it_is() {
        let error = read_document(SAMPLE, |root| {
            root.items("set")
                .map(|item| item.parsed::<u32>("n"))
                .collect::<Result<Vec<_>, _>>()
        })
        .unwrap_err();
        assert_eq!(error.place, "R/set/item/n");
    }

    #[test]
    fn an_empty_element_counts_as_absent() {
        let missing = read_document(SAMPLE, |root| {
            let last = root.items("set").last().unwrap();
            last.required("empty").map(str::to_owned)
        })
        .unwrap_err();
        assert_eq!(missing.to_string(), "R/set/item/empty: missing");
    }

    #[test]
    fn what_is_not_xml_is_an_error_not_a_panic() {
        assert!(read_document(b"<html><body>", |_| Ok(())).is_err());
        assert!(read_document(&[0xff, 0xfe], |_| Ok(())).is_err());
    }
}
