//! YAML as a tree with lines. Depth is bounded, and aliases are refused: a file of a guest must not cost more than its length.

use saphyr_parser::Event;
use saphyr_parser::Parser;
use saphyr_parser::ScalarStyle;

/// Deeper trees are refused. Network configurations have fewer than ten levels.
const DEPTH_MAX: usize = 64;

/// A value with the line where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) line: u32,
    pub(crate) value: Value,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// A collection that is not complete.
struct Open {
    line: u32,
    is_map: bool,
    items: Vec<Node>,
}

/// Reads the first document. An empty text is an empty mapping.
pub(crate) fn read(text: &str) -> Result<Node, String> {
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| error.to_string())?;
        let line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
        let done = match event {
            Event::Scalar(text, style, ..) => {
                let is_null = style == ScalarStyle::Plain && matches!(&*text, "~" | "null");
                let text = if is_null {
                    String::new()
                } else {
                    text.into_owned()
                };
                let value = Value::Text(text);
                Node { line, value }
            }
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                if open.len() >= DEPTH_MAX {
                    return Err(format!("line {line}: more than {DEPTH_MAX} levels"));
                }
                open.push(Open {
                    line,
                    is_map: matches!(event, Event::MappingStart(..)),
                    items: Vec::new(),
                });
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => match open.pop() {
                Some(complete) => complete.close(),
                None => continue,
            },
            Event::Alias(_) => return Err(format!("line {line}: an alias")),
            _ => continue,
        };
        match open.last_mut() {
            Some(outer) => outer.items.push(done),
            None => return Ok(done),
        }
    }
    let value = Value::Map(Vec::new());
    Ok(Node { line: 1, value })
}

impl Open {
    fn close(self) -> Node {
        let value = if self.is_map {
            let mut all = Vec::new();
            let mut items = self.items.into_iter();
            while let (Some(key), Some(value)) = (items.next(), items.next()) {
                if let Value::Text(name) = key.value {
                    // The line of a setting is that of its key.
                    let line = key.line;
                    all.push((name, Node { line, ..value }));
                }
            }
            Value::Map(all)
        } else {
            Value::List(self.items)
        };
        Node {
            line: self.line,
            value,
        }
    }
}

impl Node {
    /// Returns a member of a mapping.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        let named = self.members().iter().find(|(key, _)| key == name);
        named.map(|(_, value)| value)
    }

    /// Returns the members of a mapping; of other values none.
    pub(crate) fn members(&self) -> &[(String, Self)] {
        match &self.value {
            Value::Map(all) => all,
            Value::Text(_) | Value::List(_) => &[],
        }
    }

    /// Returns the items of a list; of other values none.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(all) => all,
            Value::Text(_) | Value::Map(_) => &[],
        }
    }

    /// Returns a text or number as it stands there. Empty texts are none.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) if !text.is_empty() => Some(text),
            Value::Text(_) | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Returns the texts of a list, or a single text. Items that are mappings count with their keys.
    pub(crate) fn texts(&self) -> Vec<&str> {
        let items = self.items().iter().flat_map(|item| {
            let keys = item.members().iter().map(|(key, _)| key.as_str());
            item.text().into_iter().chain(keys)
        });
        self.text().into_iter().chain(items).collect()
    }

    /// Whether it says yes, in a form that YAML 1.1 or 1.2 knows.
    pub(crate) fn is_true(&self) -> bool {
        let text = self.text().map(str::to_ascii_lowercase);
        matches!(text.as_deref(), Some("true" | "yes" | "on" | "y"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_lines_of_their_keys() {
        let root = read("a:\n  b:\n    - c\n    - {d: e}\n").unwrap();
        let b = root.member("a").unwrap().member("b").unwrap();
        assert_eq!(b.line, 2);
        assert_eq!(b.texts(), ["c", "d"]);
    }

    #[test]
    fn aliases_and_deep_trees_are_refused() {
        assert!(read("a: &x [1]\nb: *x\n").is_err());
        assert!(read(&"[".repeat(1000)).is_err());
        assert!(read(&format!("{}{}", "[".repeat(70), "]".repeat(70))).is_err());
    }

    #[test]
    fn json_is_read_like_yaml() {
        let root = read("{\"a\": {\"b\": \"06:1a\", \"c\": null}}").unwrap();
        let a = root.member("a").unwrap();
        assert_eq!(a.member("b").unwrap().text(), Some("06:1a"));
        assert_eq!(a.member("c").unwrap().text(), None);
    }
}
