//! The shape check: compares a document with the JSON Schema of the raw types.
//!
//! Serde stops at its first error. This check reports every unknown key, missing key, wrong type and number out of range at once,
//! and removes from the document what it refuses, so that deserialization succeeds and the other checks can report further
//! errors.

mod tree;

use std::collections::BTreeSet;
use std::ops::Range;

use stayput_messages::Message;
use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

use crate::error::Choices;
use crate::error::ConfigError;
use crate::error::Limit;
use crate::error::ShapeFault;

use tree::Key;
use tree::Shape;

/// Tables from which the shape check removed a key. What they lack may only be misspelt, so its absence is not reported.
#[derive(Debug, Default)]
pub(crate) struct RemovedKeys(BTreeSet<String>);

impl RemovedKeys {
    /// Whether the table with this dotted path is unchanged.
    pub fn is_unchanged(&self, table: &str) -> bool {
        !self.0.contains(table)
    }
}

/// Reports everything that differs from the shape of `stayput.toml`, and removes it from the document.
pub(crate) fn check(
    document: &mut DeTable<'_>,
    end: Range<usize>,
    errors: &mut Vec<ConfigError>,
) -> RemovedKeys {
    let mut walk = Walk {
        errors,
        removed_keys: RemovedKeys::default(),
    };
    if let Shape::Table(keys) = Shape::of(&crate::schema::inlined()) {
        walk.table(&keys, "", end, document);
    }
    walk.removed_keys
}

struct Walk<'a> {
    errors: &'a mut Vec<ConfigError>,
    removed_keys: RemovedKeys,
}

impl Walk<'_> {
    /// A table with known keys. `span` is its header, or the end of the file for the document itself.
    fn table(
        &mut self,
        keys: &tree::Keys,
        path: &str,
        span: Range<usize>,
        table: &mut DeTable<'_>,
    ) {
        let mut wrong = Vec::new();
        // Keys that are present under a misspelt name are not also reported as missing.
        let mut misspelt = BTreeSet::new();
        for (name, value) in table.iter_mut() {
            let key_span = name.span();
            let name = name.get_ref().as_ref();
            match keys.get(name) {
                Some(key) => {
                    if !self.value(&key.shape, key, &join(path, name), value) {
                        wrong.push(name.to_owned());
                    }
                }
                None => {
                    let place = display(path);
                    let what = if path.is_empty() {
                        Message::new("estate-tables-of-file")
                    } else {
                        Message::new("estate-keys-of-table").part("table", place.clone())
                    };
                    let known = Choices::new(what, name, keys.keys());
                    misspelt.extend(known.near.clone());
                    wrong.push(name.to_owned());
                    let fault = ShapeFault::UnknownKey {
                        key: name.to_owned(),
                        table: place,
                        known,
                    };
                    self.errors.push(ConfigError::new(
                        key_span,
                        Message::new("estate-label-unknown-key"),
                        fault,
                    ));
                }
            }
        }
        for (name, key) in keys {
            if key.required && !table.contains_key(name.as_str()) && !misspelt.contains(name) {
                let (key_name, label) = if path.is_empty() {
                    let table = key.header();
                    let label = Message::new("estate-label-missing-table").with("table", &table);
                    (table, label)
                } else {
                    let label = Message::new("estate-label-missing-key").with("key", name);
                    (format!("`{name}`"), label)
                };
                let fault = ShapeFault::MissingKey {
                    key: key_name,
                    table: display(path),
                    remedy: key.remedy(),
                };
                self.errors
                    .push(ConfigError::new(span.clone(), label, fault));
            }
        }
        self.prune(table, path, wrong);
    }

    /// Checks a table of values of one shape with names chosen by the operator.
    fn names(&mut self, shape: &Shape, key: &Key, path: &str, table: &mut DeTable<'_>) {
        let mut wrong = Vec::new();
        for (name, value) in table.iter_mut() {
            let name = name.get_ref().as_ref();
            if !self.value(shape, key, &join(path, name), value) {
                wrong.push(name.to_owned());
            }
        }
        self.prune(table, path, wrong);
    }

    fn prune(&mut self, table: &mut DeTable<'_>, path: &str, wrong: Vec<String>) {
        if !wrong.is_empty() {
            self.removed_keys.0.insert(path.to_owned());
        }
        for name in wrong {
            table.remove(name.as_str());
        }
    }

    /// Checks a value and reports a wrong shape. Errors further inside are reported and removed.
    fn value(
        &mut self,
        shape: &Shape,
        key: &Key,
        path: &str,
        value: &mut Spanned<DeValue<'_>>,
    ) -> bool {
        let span = value.span();
        match (shape, value.get_mut()) {
            (Shape::Any, _) | (Shape::Text, DeValue::String(_)) => true,
            (Shape::Table(keys), DeValue::Table(table)) => {
                self.table(keys, path, span, table);
                true
            }
            (Shape::Names(inner), DeValue::Table(table)) => {
                self.names(inner, key, path, table);
                true
            }
            (Shape::List(inner), DeValue::Array(items)) => {
                // Checks all items: `all` would stop at the first wrong one.
                let wrong = items
                    .iter_mut()
                    .filter_map(|item| (!self.value(inner, key, path, item)).then_some(()))
                    .count();
                wrong == 0
            }
            (Shape::Word(words), DeValue::String(text)) => {
                if words.iter().any(|word| word == text) {
                    return true;
                }
                let fault = ShapeFault::UnknownValue {
                    key: path.to_owned(),
                    text: text.to_string(),
                    known: Choices::new(
                        Message::new("estate-values-of-key").with("key", path),
                        text,
                        words,
                    ),
                };
                self.errors.push(ConfigError::new(
                    span,
                    Message::new("estate-label-unknown-value"),
                    fault,
                ));
                false
            }
            (Shape::Integer { min, max }, DeValue::Integer(number)) => {
                let value = i64::from_str_radix(number.as_str(), number.radix());
                // A number beyond an i64 is beyond every limit; its sign decides which one.
                let below = match &value {
                    Ok(value) => value < min,
                    Err(_) => number.as_str().starts_with('-'),
                };
                let limit = match &value {
                    _ if below => Limit::AtLeast(*min),
                    Ok(value) if value <= max => return true,
                    Ok(_) | Err(_) => Limit::AtMost(*max),
                };
                let fault = ShapeFault::OutOfRange {
                    key: path.to_owned(),
                    number: number.to_string(),
                    limit,
                    remedy: key.correction(path),
                };
                self.errors.push(ConfigError::new(
                    span,
                    Message::new("estate-label-out-of-range"),
                    fault,
                ));
                false
            }
            (shape, found) => {
                let wanted = shape.message();
                let label = Message::new("estate-label-wrong-type").part("wanted", wanted.clone());
                let fault = ShapeFault::WrongType {
                    key: path.to_owned(),
                    wanted,
                    found: type_name(found),
                    remedy: key.correction(path),
                };
                self.errors.push(ConfigError::new(span, label, fault));
                false
            }
        }
    }
}

fn type_name(value: &DeValue<'_>) -> Message {
    match value {
        DeValue::String(_) => Message::new("type-string"),
        DeValue::Integer(_) => Message::new("type-integer"),
        DeValue::Float(_) => Message::new("type-decimal"),
        DeValue::Boolean(_) => Message::new("type-boolean"),
        DeValue::Datetime(_) => Message::new("type-time"),
        DeValue::Array(_) => Message::new("type-list"),
        DeValue::Table(_) => Message::new("type-table"),
    }
}

/// Returns the dotted path of a key in a table, with quotes where TOML requires them.
pub(crate) fn join(table: &str, key: &str) -> String {
    let bare = !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    let key = if bare {
        key.to_owned()
    } else {
        format!("\"{}\"", key.escape_default())
    };
    if table.is_empty() {
        key
    } else {
        format!("{table}.{key}")
    }
}

fn display(table: &str) -> Message {
    if table.is_empty() {
        Message::new("estate-whole-file")
    } else {
        Message::new("estate-table").with("path", table)
    }
}
