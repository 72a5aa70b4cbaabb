//! Values with their position in the file.

use std::borrow::Cow;
use std::ops::Range;

use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Deserialize;
use serde::Deserializer;
use toml::Spanned;

/// A value and the bytes of the file it was read from. Compares by value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent, bound = "T: Deserialize<'de>")]
pub(crate) struct At<T>(Spanned<T>);

impl<T> At<T> {
    pub fn new(span: Range<usize>, value: T) -> Self {
        Self(Spanned::new(span, value))
    }

    pub fn span(&self) -> Range<usize> {
        self.0.span()
    }

    pub fn value(&self) -> &T {
        self.0.get_ref()
    }

    pub fn into_value(self) -> T {
        self.0.into_inner()
    }
}

/// A key's value, or `None` where the file does not have the key.
///
/// Unlike an `Option` it counts as required in the JSON Schema unless marked `#[serde(default)]`.
#[derive(Debug, Clone)]
pub(crate) struct Field<T>(Option<At<T>>);

impl<T> Field<T> {
    pub fn as_ref(&self) -> Option<&At<T>> {
        self.0.as_ref()
    }

    pub fn value(&self) -> Option<&T> {
        self.as_ref().map(At::value)
    }
}

impl<T> Default for Field<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    /// Uses `Option`, because serde makes a missing field `None`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self)
    }
}

/// The schema of a located value is the schema of the value.
macro_rules! schema_of_the_value {
    ($name:ident) => {
        impl<T: JsonSchema> JsonSchema for $name<T> {
            fn inline_schema() -> bool {
                T::inline_schema()
            }

            fn schema_name() -> Cow<'static, str> {
                T::schema_name()
            }

            fn schema_id() -> Cow<'static, str> {
                T::schema_id()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                T::json_schema(generator)
            }
        }
    };
}

schema_of_the_value!(At);
schema_of_the_value!(Field);
