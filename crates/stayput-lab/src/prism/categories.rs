//! Categories, one entity for each key and value (`prism`, Prism reference §5), and their ids on the paired Prism Central.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use crate::http::Response;
use crate::prism::answer::Answer;
use crate::prism::answer::Call;
use crate::prism::answer::Problem;
use crate::prism::answer::etag;
use crate::prism::body;
use crate::prism::body::Object;
use crate::state::LabState;

/// `$objectType` of a category.
const CATEGORY: &str = "prism.v4.config.Category";

/// Characters that are not allowed in keys and values.
const FORBIDDEN: &str = "/,!\"#%'()*+:;=?\\|[]^&";

/// Serves `prism/v4.N/config/categories…`.
///
/// # Errors
/// An unknown category, an invalid body, a duplicate, or a category in use.
pub fn serve(lab: &mut LabState, pc: usize, call: &Call<'_>, path: &[&str]) -> Answer {
    let method = call.request.method.as_str();
    let id = match path {
        [] => {
            return match method {
                "GET" => {
                    let ids = lab.pcs[pc].categories.keys().collect();
                    call.list(ids, |id| render(lab, pc, call, id))
                }
                "POST" => create(lab, pc, call),
                other => Err(Problem::method(other)),
            };
        }
        [id] => *id,
        _ => return Err(Problem::no_route(&call.request.path)),
    };
    let Some((key, value)) = lab.pcs[pc].categories.get(id).cloned() else {
        return Err(Problem::not_found("Category", id));
    };
    let note = lab.pcs[pc].category_descriptions.get(id);
    let tag = etag(&format!("{id} {key} {value} {note:?}"), 0);
    match method {
        "GET" => Ok(call.entity(200, render(lab, pc, call, id), Some(&tag))),
        "PUT" => {
            let sent = call.body()?;
            let (new_key, new_value) = key_and_value(&sent)?;
            call.if_match(&[tag])?;
            if new_key != key {
                return Err(Problem::argument("the key of a category cannot be changed"));
            }
            if new_value != value {
                unique(lab, pc, &new_key, &new_value)?;
            }
            let state = &mut lab.pcs[pc];
            state.categories.insert(id.to_owned(), (new_key, new_value));
            describe(&mut state.category_descriptions, id, &sent);
            let done = call.tag(
                "prism.v4.error.AppMessage",
                json!({"message": "Category updated", "severity": "INFO", "code": "PRISM-0", "locale": "en-US"}),
            );
            Ok(call.entity(200, json!([done]), None))
        }
        "DELETE" => {
            call.if_match(&[tag])?;
            let state = &mut lab.pcs[pc];
            let used = state.vms.values().any(|vm| vm.categories.contains(id))
                || state
                    .policies
                    .values()
                    .any(|policy| policy.categories.contains(id));
            if used {
                return Err(Problem::conflict(
                    "CATEGORY_IN_USE",
                    format!("Category {key}/{value} is in use"),
                ));
            }
            state.categories.remove(id);
            state.category_descriptions.remove(id);
            Ok(Response::empty(204))
        }
        other => Err(Problem::method(other)),
    }
}

fn create(lab: &mut LabState, pc: usize, call: &Call<'_>) -> Answer {
    let sent = call.body()?;
    let (key, value) = key_and_value(&sent)?;
    unique(lab, pc, &key, &value)?;
    let id = lab.uuid();
    let state = &mut lab.pcs[pc];
    state.categories.insert(id.clone(), (key, value));
    describe(&mut state.category_descriptions, &id, &sent);
    // The answer is the entity itself and not a task; 201 is inferred.
    Ok(call.entity(201, render(lab, pc, call, &id), None))
}

fn describe(descriptions: &mut BTreeMap<String, String>, id: &str, sent: &Object) {
    match body::text(sent, "description") {
        Some(text) if !text.is_empty() => descriptions.insert(id.to_owned(), text.to_owned()),
        Some(_) | None => descriptions.remove(id),
    };
}

fn key_and_value(sent: &Object) -> Result<(String, String), Problem> {
    let part = |name: &str| {
        let text = body::required_text(sent, name, 64)?;
        if text.starts_with('$') || text.contains(|c| FORBIDDEN.contains(c)) {
            return Err(Problem::schema(name, "has characters that are not allowed"));
        }
        Ok(text)
    };
    Ok((part("key")?, part("value")?))
}

fn unique(lab: &LabState, pc: usize, key: &str, value: &str) -> Result<(), Problem> {
    if find(lab, pc, key, value).is_some() {
        return Err(Problem::conflict(
            "CATEGORY_EXISTS",
            format!("Category {key}/{value} already exists"),
        ));
    }
    Ok(())
}

fn find<'a>(lab: &'a LabState, pc: usize, key: &str, value: &str) -> Option<&'a String> {
    lab.pcs[pc]
        .categories
        .iter()
        .find(|(_, (k, v))| k == key && v == value)
        .map(|(id, _)| id)
}

/// Returns the other Prism Central's id of each category here, for those it has.
pub fn translation(lab: &LabState, from: usize, to: usize) -> BTreeMap<String, String> {
    let there: BTreeMap<&(String, String), &String> = lab.pcs[to]
        .categories
        .iter()
        .map(|(id, pair)| (pair, id))
        .collect();
    lab.pcs[from]
        .categories
        .iter()
        .filter_map(|(id, pair)| Some((id.clone(), (*there.get(pair)?).clone())))
        .collect()
}

/// Makes sure that the other Prism Central has a category, and returns its id there.
///
/// Assumption: categories are copied with the objects that refer to them, matched by key and value. A category that the other
/// side does not have is created there under the same id. One that it has keeps its id, and the ids in the copies of policies and
/// plans are translated.
pub fn ensure_category(lab: &mut LabState, from: usize, to: usize, id: &str) -> Option<String> {
    let (key, value) = lab.pcs[from].categories.get(id)?.clone();
    if let Some(there) = find(lab, to, &key, &value) {
        return Some(there.clone());
    }
    lab.pcs[to].categories.insert(id.to_owned(), (key, value));
    Some(id.to_owned())
}

fn render(lab: &LabState, pc: usize, call: &Call<'_>, id: &str) -> Value {
    let state = &lab.pcs[pc];
    let (key, value) = state.categories.get(id).cloned().unwrap_or_default();
    call.tag(
        CATEGORY,
        json!({
            "extId": id,
            "key": key,
            "value": value,
            "type": "USER",
            "description": state.category_descriptions.get(id).map_or("", String::as_str),
            "ownerUuid": "00000000-0000-0000-0000-000000000000",
        }),
    )
}
