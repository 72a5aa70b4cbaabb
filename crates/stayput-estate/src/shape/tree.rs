//! The parts of a JSON Schema that the shape check uses, as a tree.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

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
}

impl fmt::Display for Shape {
    /// Formats the type for "must be …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(_) => f.write_str("a table"),
            Self::Names(inner) if inner.is_text() => f.write_str("a table of strings"),
            Self::Names(_) => f.write_str("a table of named tables"),
            Self::List(inner) if inner.is_text() => f.write_str("a list of strings"),
            Self::List(_) => f.write_str("a list"),
            Self::Text | Self::Word(_) => f.write_str("a string"),
            Self::Integer { .. } => f.write_str("a whole number"),
            Self::Any => f.write_str("something else"),
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
    pub fn remedy(&self) -> String {
        match &self.example {
            Some(example) => {
                let name = &self.name;
                format!("add for example `{name} = {example}`. {}", self.description)
            }
            None => self.table_remedy("add", &self.header()),
        }
    }

    /// Returns what to write at this path: the key itself, or a key in it.
    pub fn correction(&self, path: &str) -> String {
        match &self.example {
            Some(example) => {
                let name = &self.name;
                format!("for example `{name} = {example}`. {}", self.description)
            }
            None if path == self.name => self.table_remedy("write it as", &self.header()),
            None => self.table_remedy("write it as", &format!("[{path}]")),
        }
    }

    fn table_remedy(&self, verb: &str, header: &str) -> String {
        let required: Vec<String> = self
            .inner_keys()
            .into_iter()
            .flatten()
            .filter(|(_name, key)| key.required)
            .map(|(name, _key)| format!("`{name}`"))
            .collect();
        let with = if required.is_empty() {
            String::new()
        } else {
            format!(" with {}", required.join(", "))
        };
        format!("{verb} {header}{with}. {}", self.description)
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
