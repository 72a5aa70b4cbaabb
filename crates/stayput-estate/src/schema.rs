//! The JSON Schema of `stayput.toml`, for editors and for our own shape check.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::config::RawEstate;

/// JSON Schema (draft 2020-12) of `stayput.toml`, for editors that complete and check TOML by one.
///
/// It covers keys, types and ranges; what one key must mean to another is checked by [`parse`](crate::parse) only.
pub fn json_schema() -> Value {
    generate(false)
}

/// The same without `$ref`s, so that it can be walked beside a document.
pub(crate) fn inlined() -> Value {
    generate(true)
}

fn generate(inline: bool) -> Value {
    SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = inline)
        .into_generator()
        .into_root_schema_for::<RawEstate>()
        .to_value()
}
