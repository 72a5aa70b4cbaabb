//! The JSON Schema of `stayput.toml`, for editors and for the shape check.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::config::RawEstate;

/// Returns the JSON Schema (draft 2020-12) of `stayput.toml`, for editors.
///
/// It covers keys, types and ranges. Relations between keys are checked by [`parse`](crate::parse) only.
pub fn json_schema() -> Value {
    generate(false)
}

/// Returns the schema without `$ref`s, so that it can be compared with a document.
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
