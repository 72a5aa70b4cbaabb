//! The shape check: a document beside the JSON Schema of the raw types.
//!
//! Serde stops at its first error. This walk reports every unknown key, missing key, wrong type and number out of range
//! at once, and takes what it refuses out of the document, so that deserialization gets through and the remaining checks
//! can report what is wrong with the rest.

mod tree;

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

use crate::error::Choices;
use crate::error::ConfigError;
use crate::error::Limit;
use crate::error::ShapeFault;

use tree::Key;
use tree::Shape;

/// Which tables lost something to the shape check: what they lack may only be misspelt, so that nobody else should
/// complain about its absence.
#[derive(Debug, Default)]
pub(crate) struct Damage(BTreeSet<String>);

impl Damage {
    /// Whether the table with this dotted path is as its author wrote it.
    pub fn spares(&self, table: &str) -> bool {
        !self.0.contains(table)
    }
}

/// Reports everything of another shape than `stayput.toml` has, and removes it from the document.
pub(crate) fn check(
    document: &mut DeTable<'_>,
    end: Range<usize>,
    errors: &mut Vec<ConfigError>,
) -> Damage {
    let mut walk = Walk {
        errors,
        damage: Damage::default(),
    };
    if let Shape::Table(keys) = Shape::of(&crate::schema::inlined()) {
        walk.table(&keys, "", end, document);
    }
    walk.damage
}

struct Walk<'a> {
    errors: &'a mut Vec<ConfigError>,
    damage: Damage,
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
        // Keys that are there under a misspelt name are not also reported as missing.
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
                        "tables of the file".to_owned()
                    } else {
                        format!("keys of {place}")
                    };
                    let known = Choices::new(what, name, keys.keys());
                    misspelt.extend(known.near.clone());
                    wrong.push(name.to_owned());
                    let fault = ShapeFault::UnknownKey {
                        key: name.to_owned(),
                        table: place,
                        known,
                    };
                    self.errors
                        .push(ConfigError::new(key_span, "unknown key", fault));
                }
            }
        }
        for (name, key) in keys {
            if key.required && !table.contains_key(name.as_str()) && !misspelt.contains(name) {
                let (key_name, label) = if path.is_empty() {
                    let table = key.header();
                    let label = format!("the file ends without {table}");
                    (table, label)
                } else {
                    (format!("`{name}`"), format!("has no `{name}`"))
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

    /// A table of values of one shape under names of the operator's choosing.
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
            self.damage.0.insert(path.to_owned());
        }
        for name in wrong {
            table.remove(name.as_str());
        }
    }

    /// Whether the value has the shape; if not, that is reported. What is wrong deeper inside is reported and removed.
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
                // All of them are looked at: `all` would stop at the first that is wrong.
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
                    known: Choices::new(format!("values of `{path}`"), text, words),
                };
                self.errors
                    .push(ConfigError::new(span, "not a value of this key", fault));
                false
            }
            (Shape::Integer { min, max }, DeValue::Integer(number)) => {
                let value = i64::from_str_radix(number.as_str(), number.radix());
                // What is beyond an i64 is beyond every limit, on the side its sign says.
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
                self.errors
                    .push(ConfigError::new(span, "out of range", fault));
                false
            }
            (shape, found) => {
                let wanted = shape.to_string();
                let label = format!("must be {wanted}");
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

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The dotted path of a key in a table, with quotes where TOML wants them.
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

fn display(table: &str) -> String {
    if table.is_empty() {
        "the file".to_owned()
    } else {
        format!("[{table}]")
    }
}
