//! Tags of documents.

use serde_json::Value as Json;
use serde_json::json;

use super::Document;
use crate::aws::json::Args;
use crate::aws::json::Fault;
use crate::aws::json::structure;
use crate::aws::model::Tags;
use crate::state::LabState;

/// Most tags of a document.
const MOST: usize = 50;

/// Reads a list of tags.
///
/// # Errors
/// `ValidationException`, `SerializationException`.
pub fn read(args: Args<'_>) -> Result<Tags, Fault> {
    let mut tags = Tags::new();
    for tag in args.list("Tags")? {
        let tag = structure(tag, "Tags")?;
        let (key, value) = (tag.need_text("Key")?, tag.need_text("Value")?);
        tags.insert(key.to_owned(), value.to_owned());
    }
    if tags.len() > MOST {
        return Err(too_many());
    }
    Ok(tags)
}

/// Returns tags as the API lists them.
pub fn shown(tags: &Tags) -> Json {
    tags.iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect()
}

fn too_many() -> Fault {
    Fault::new(
        "TooManyTagsError",
        format!("A resource can have at most {MOST} tags."),
    )
}

/// Returns the document that a call about tags names. The lab has tags of documents only.
fn named<'a>(
    lab: &'a mut LabState,
    region: &str,
    args: Args<'_>,
) -> Result<&'a mut Document, Fault> {
    let kind = args.need_text("ResourceType")?;
    if kind != "Document" {
        return Err(Fault::new(
            "InvalidResourceType",
            format!("The lab has tags of documents only, not of {kind}."),
        ));
    }
    let name = super::bare(args.need_text("ResourceId")?);
    lab.aws
        .regions
        .get_mut(region)
        .and_then(|place| place.documents.get_mut(name))
        .ok_or_else(|| Fault::new("InvalidResourceId", ""))
}

/// `AddTagsToResource`.
///
/// # Errors
/// `InvalidResourceType`, `InvalidResourceId`, `TooManyTagsError`.
pub fn add(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let new = read(args)?;
    let document = named(lab, region, args)?;
    let mut tags = document.tags.clone();
    tags.extend(new);
    if tags.len() > MOST {
        return Err(too_many());
    }
    document.tags = tags;
    Ok(json!({}))
}

/// `RemoveTagsFromResource`.
///
/// # Errors
/// `InvalidResourceType`, `InvalidResourceId`.
pub fn remove(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let keys = args.texts("TagKeys")?;
    let document = named(lab, region, args)?;
    document.tags.retain(|key, _| !keys.contains(&key.as_str()));
    Ok(json!({}))
}

/// `ListTagsForResource`.
///
/// # Errors
/// `InvalidResourceType`, `InvalidResourceId`.
pub fn list(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    Ok(json!({ "TagList": shown(&named(lab, region, args)?.tags) }))
}
