//! The parts of a JSON Schema that the shape check uses, as a tree.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use stayput_messages::Message;
use stayput_messages::list;

/// Shape of a value.
#[derive(Debug)]
pub(super) enum Shape {
    /// A table with these keys and no others.
    Table(Keys),
    /// A table with any keys and values of one shape.
    Names(Box<Shape>),
    /// A list of values of one shape.
    List(Box<Shape>),
    /// Any string.
    Text,
    /// One of these strings.
    Word(Vec<String>),
    /// A whole number in this range.
    Integer {
        /// The least it may be.
        min: i64,
        /// The most it may be.
        max: i64,
    },
    /// A part of the schema that is not checked here.
    Any,
}

/// The keys of a table by name.
pub(super) type Keys = BTreeMap<String, Key>;

/// One key of a table.
#[derive(Debug)]
pub(super) struct Key {
    name: String,
    /// Shape of its value.
    pub shape: Shape,
    /// Whether it is required.
    pub required: bool,
    /// Its meaning, from the doc comment.
    description: String,
    /// An example value, as TOML.
    example: Option<String>,
}

impl Shape {
    /// Reads a schema without references.
    pub fn of(schema: &Value) -> Self {
        if let Some(words) = words(schema) {
            return Self::Word(words);
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("string") => Self::Text,
            Some("integer") => Self::Integer {
                min: bound(schema, "minimum").unwrap_or(i64::MIN),
                max: bound(schema, "maximum").unwrap_or(i64::from(u32::MAX)),
            },
            Some("array") => Self::List(Box::new(schema.get("items").map_or(Self::Any, Self::of))),
            Some("object") => match schema.get("properties").and_then(Value::as_object) {
                Some(properties) => {
                    let required = schema.get("required").and_then(Value::as_array);
                    let is_required = |name: &str| {
                        required.is_some_and(|names| names.iter().any(|known| known == name))
                    };
                    Self::Table(
                        properties
                            .iter()
                            .map(|(name, schema)| {
                                (name.clone(), Key::of(name, schema, is_required(name)))
                            })
                            .collect(),
                    )
                }
                None => Self::Names(Box::new(
                    schema
                        .get("additionalProperties")
                        .map_or(Self::Any, Self::of),
                )),
            },
            Some(_) | None => Self::Any,
        }
    }
}

impl Shape {
    fn is_text(&self) -> bool {
        matches!(self, Self::Text)
    }

    /// Returns the type, for "must be …".
    pub fn message(&self) -> Message {
        match self {
            Self::Table(_) => Message::new("type-table"),
            Self::Names(inner) if inner.is_text() => Message::new("type-table-of-strings"),
            Self::Names(_) => Message::new("type-table-of-tables"),
            Self::List(inner) if inner.is_text() => Message::new("type-list-of-strings"),
            Self::List(_) => Message::new("type-list"),
            Self::Text | Self::Word(_) => Message::new("type-string"),
            Self::Integer { .. } => Message::new("type-whole-number"),
            Self::Any => Message::new("type-other"),
        }
    }
}

impl Key {
    fn of(name: &str, schema: &Value, required: bool) -> Self {
        let description = schema
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let value = schema
            .get("examples")
            .and_then(|examples| examples.get(0))
            .or_else(|| schema.get("default"));
        Self {
            name: name.to_owned(),
            shape: Shape::of(schema),
            required,
            // Doc comments are wrapped; help texts are not.
            description: description.replace('\n', " "),
            example: value.and_then(|value| {
                toml::Value::deserialize(value)
                    .ok()
                    .map(|value| value.to_string())
            }),
        }
    }

    /// Returns how this table of the document is written.
    pub fn header(&self) -> String {
        let name = &self.name;
        if matches!(self.shape, Shape::Names(_)) {
            format!("[{name}.NAME]")
        } else {
            format!("[{name}]")
        }
    }

    /// Returns a remedy for its absence.
    pub fn remedy(&self) -> Message {
        let description = &self.description;
        match (&self.example, self.required_keys()) {
            (Some(example), _) => Message::new("estate-add-key")
                .with("key", &self.name)
                .with("example", example)
                .with("description", description),
            (None, None) => Message::new("estate-add-table")
                .with("table", self.header())
                .with("description", description),
            (None, Some(keys)) => Message::new("estate-add-table-with-keys")
                .with("table", self.header())
                .with("keys", keys)
                .with("description", description),
        }
    }

    /// Returns what to write at this path: the key itself, or a key in it.
    pub fn correction(&self, path: &str) -> Message {
        let description = &self.description;
        let table = if path == self.name {
            self.header()
        } else {
            format!("[{path}]")
        };
        match (&self.example, self.required_keys()) {
            (Some(example), _) => Message::new("estate-correct-key")
                .with("key", &self.name)
                .with("example", example)
                .with("description", description),
            (None, None) => Message::new("estate-correct-table")
                .with("table", table)
                .with("description", description),
            (None, Some(keys)) => Message::new("estate-correct-table-with-keys")
                .with("table", table)
                .with("keys", keys)
                .with("description", description),
        }
    }

    /// Returns the required keys of this table, or of each named table in it, in backticks with commas between; `None` if there are none.
    fn required_keys(&self) -> Option<String> {
        let keys = self.inner_keys().into_iter().flatten();
        let required = keys.filter(|(_name, key)| key.required);
        let names = list::commas(required.map(|(name, _key)| format!("`{name}`")));
        (!names.is_empty()).then_some(names)
    }

    /// Returns the keys of this table, or of each named table in it.
    fn inner_keys(&self) -> Option<&Keys> {
        let shape = match &self.shape {
            Shape::Names(inner) => inner,
            shape => shape,
        };
        match shape {
            Shape::Table(keys) => Some(keys),
            Shape::Names(_)
            | Shape::List(_)
            | Shape::Text
            | Shape::Word(_)
            | Shape::Integer { .. }
            | Shape::Any => None,
        }
    }
}

/// Returns the words of an enum: `enum`, or `oneOf` constants when the variants have descriptions.
fn words(schema: &Value) -> Option<Vec<String>> {
    let texts = |values: &Vec<Value>, word: fn(&Value) -> Option<&str>| {
        values
            .iter()
            .map(|value| word(value).map(str::to_owned))
            .collect::<Option<Vec<_>>>()
    };
    let listed = schema
        .get("enum")
        .and_then(Value::as_array)
        .and_then(|values| texts(values, Value::as_str));
    listed.or_else(|| {
        texts(schema.get("oneOf")?.as_array()?, |variant| {
            variant.get("const")?.as_str()
        })
    })
}

fn bound(schema: &Value, name: &str) -> Option<i64> {
    schema.get(name)?.as_i64()
}
