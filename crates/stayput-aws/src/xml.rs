//! Reading EC2's XML: elements by name, with errors that say where.

use std::fmt;
use std::str::FromStr;

use roxmltree::Document;
use roxmltree::Node;
use stayput_messages::Message;

use crate::bounds::check_document;

/// The answer was not what the API documents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Malformed {
    /// Where in the answer: element or field names from the outside in.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
    /// What kind of fault it is.
    pub kind: MalformedKind,
}

/// What is wrong with an answer that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MalformedKind {
    /// It is not in the API's form: not its document, a member missing, a value that is none. The next answer may be.
    Unrecognised,
    /// It is larger, deeper or longer than anything that AWS sends: asking again would only cost the same again.
    TooLarge,
}

impl Malformed {
    pub(crate) fn new(place: impl Into<String>, problem: impl fmt::Display) -> Self {
        Self {
            place: place.into(),
            problem: problem.to_string(),
            kind: MalformedKind::Unrecognised,
        }
    }

    pub(crate) fn too_large(place: impl Into<String>, problem: impl fmt::Display) -> Self {
        Self {
            kind: MalformedKind::TooLarge,
            ..Self::new(place, problem)
        }
    }

    pub(crate) fn is_too_large(&self) -> bool {
        match self.kind {
            MalformedKind::TooLarge => true,
            MalformedKind::Unrecognised => false,
        }
    }

    /// The same complaint, with the entry it is about in front.
    pub(crate) fn of(mut self, entry: impl fmt::Display) -> Self {
        self.place = format!("{entry}: {}", self.place);
        self
    }
}

/// Parses a document and hands its root element to `read`.
///
/// # Errors
/// It is no XML document, is beyond a limit, or `read` complains.
pub(crate) fn read_document<T>(
    body: &[u8],
    read: impl FnOnce(Element<'_, '_>) -> Result<T, Malformed>,
) -> Result<T, Malformed> {
    let no_xml = |why: &dyn fmt::Display| {
        let problem = match excerpt(body, 80) {
            Some(begin) => Message::new("answer-no-xml")
                .with("why", why)
                .with("begin", begin),
            None => Message::new("answer-empty"),
        };
        Malformed::new(Message::new("answer-place"), problem)
    };
    let text = std::str::from_utf8(body).map_err(|error| no_xml(&error))?;
    check_document(text)?;
    let document = Document::parse(text).map_err(|error| no_xml(&error))?;
    read(Element(document.root_element()))
}

/// Parses the answer to a Query action and hands its root element to `read`.
///
/// # Errors
/// It is no XML document, its root is not the one this action's answers have, or `read` complains.
pub(crate) fn read_answer<T>(
    body: &[u8],
    action: &str,
    read: impl FnOnce(Element<'_, '_>) -> Result<T, Malformed>,
) -> Result<T, Malformed> {
    read_document(body, |root| {
        let wanted = format!("{action}Response");
        if root.name() == wanted {
            read(root)
        } else {
            let problem = Message::new("answer-other-root")
                .with("root", root.name())
                .with("wanted", wanted);
            Err(Malformed::new(Message::new("answer-place"), problem))
        }
    })
}

/// The beginning of a body on one line, so many characters of it; `None` if there is nothing in it.
pub(crate) fn excerpt(body: &[u8], length: usize) -> Option<String> {
    // Every character takes at most four bytes, and space is folded: what lies far behind cannot show.
    let near = body.get(..body.len().min(length * 64)).unwrap_or_default();
    let text = String::from_utf8_lossy(near);
    let words: Vec<&str> = text.split_whitespace().collect();
    let line: String = words.join(" ").chars().take(length).collect();
    (!line.is_empty()).then_some(line)
}

/// One element. Names are matched without namespace: EC2's differs by API version.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a, 'input>(Node<'a, 'input>);

impl<'a, 'input> Element<'a, 'input> {
    /// The element's own name.
    pub(crate) fn name(self) -> &'a str {
        self.0.tag_name().name()
    }

    /// How many bytes of the document it takes.
    pub(crate) fn size(self) -> usize {
        self.0.range().len()
    }

    /// Child elements.
    pub(crate) fn children(self) -> impl Iterator<Item = Self> {
        self.0.children().filter(Node::is_element).map(Self)
    }

    /// The first child of this name.
    pub(crate) fn child(self, name: &str) -> Option<Self> {
        self.children().find(|child| child.name() == name)
    }

    /// The entries of the list `name`, which must be there: EC2 sends an empty element for an empty list, and wraps each entry in `item`.
    pub(crate) fn items(self, name: &str) -> Result<Vec<Self>, Malformed> {
        if self.child(name).is_some() {
            self.optional_items(name)
        } else {
            Err(Malformed::new(
                self.place(name),
                Message::new("answer-missing"),
            ))
        }
    }

    /// The entries of the list `name`, none if it is absent. For lists inside an entry that EC2 leaves out when they are empty; which these
    /// are is said where they are read.
    pub(crate) fn optional_items(self, name: &str) -> Result<Vec<Self>, Malformed> {
        let Some(list) = self.child(name) else {
            return Ok(Vec::new());
        };
        if list.own_text().is_some() {
            return Err(Malformed::new(
                self.place(name),
                Message::new("answer-text-for-list"),
            ));
        }
        list.children()
            .map(|child| match child.name() {
                "item" => Ok(child),
                other => Err(Malformed::new(
                    list.place(other),
                    Message::new("answer-no-entry"),
                )),
            })
            .collect()
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
            .ok_or_else(|| Malformed::new(self.place(name), Message::new("answer-missing")))
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
            .ok_or_else(|| Malformed::new(self.place(name), Message::new("answer-missing")))
    }

    /// Whether the child `name` says `true`. Absent is false.
    pub(crate) fn flag(self, name: &str) -> Result<bool, Malformed> {
        Ok(self.optional(name)?.unwrap_or(false))
    }

    /// The child `name`, which must be there.
    pub(crate) fn required_child(self, name: &str) -> Result<Self, Malformed> {
        self.child(name)
            .ok_or_else(|| Malformed::new(self.place(name), Message::new("answer-missing")))
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
            let items = root.items("set")?;
            items
                .into_iter()
                .map(|item| item.parsed::<u32>("n"))
                .collect::<Result<Vec<_>, _>>()
        })
        .unwrap_err();
        assert_eq!(error.place, "R/set/item/n");
        assert_eq!(
            error.of("i-1").to_string(),
            "i-1: R/set/item/n: invalid digit found in string"
        );
    }

    #[test]
    fn an_empty_element_counts_as_an_absent_value() {
        let missing = read_document(SAMPLE, |root| {
            let last = root.items("set")?.remove(1);
            last.required("empty").map(str::to_owned)
        })
        .unwrap_err();
        assert_eq!(missing.to_string(), "R/set/item/empty: missing");
    }

    #[test]
    fn a_list_must_be_there_and_hold_nothing_but_entries() {
        let read = |text: &str| {
            read_document(text.as_bytes(), |root| Ok(root.items("set")?.len()))
                .map_err(|error| error.to_string())
        };
        assert_eq!(read("<R><set/></R>"), Ok(0));
        assert_eq!(read("<R><set> <item/>\n</set></R>"), Ok(1));
        assert_eq!(read("<R/>"), Err("R/set: missing".to_owned()));
        assert_eq!(
            read("<R><set><error/></set></R>"),
            Err("R/set/error: not an entry of a list".to_owned())
        );
        assert_eq!(
            read("<R><set>denied</set></R>"),
            Err("R/set: text where a list belongs".to_owned())
        );
    }

    #[test]
    fn only_the_answer_of_the_action_is_accepted_in_any_namespace() {
        let read =
            |text: &[u8]| read_answer(text, "Look", |_| Ok(())).map_err(|error| error.problem);
        assert_eq!(read(b"<LookResponse/>"), Ok(()));
        assert_eq!(read(b"<a:LookResponse xmlns:a=\"urn:any\"/>"), Ok(()));
        let other = |root: &str| Err(format!("the outermost element is {root}, not LookResponse"));
        assert_eq!(read(b"<html><body/></html>"), other("html"));
        assert_eq!(read(b"<Look/>"), other("Look"));
        assert_eq!(read(b"<Response><Errors/></Response>"), other("Response"));
    }

    #[test]
    fn what_is_not_xml_is_an_error_that_shows_its_beginning() {
        let read = |text: &[u8]| read_document(text, |_| Ok(())).unwrap_err().problem;
        assert_eq!(read(b""), "is empty");
        assert_eq!(read(b" \n "), "is empty");
        for (body, begin) in [
            (&b"<html><body>"[..], "it begins: <html><body>"),
            (b"{\"a\":\n 1}", "it begins: {\"a\": 1}"),
            (
                b"<!DOCTYPE html><html></html>",
                "it begins: <!DOCTYPE html>",
            ),
            (b"<LookResponse><set><item>", "it begins: <LookResponse>"),
            (&[0xff, 0xfe], "is no XML"),
        ] {
            let problem = read(body);
            assert!(problem.contains(begin), "{problem}");
        }
    }

    #[test]
    fn a_flag_is_true_or_false_and_nothing_else() {
        let read = |text: &str| read_document(text.as_bytes(), |root| root.flag("f"));
        assert_eq!(read("<R><f>true</f></R>"), Ok(true));
        assert_eq!(read("<R><f>false</f></R>"), Ok(false));
        assert_eq!(read("<R/>"), Ok(false));
        assert!(read("<R><f>maybe</f></R>").is_err());
    }
}
