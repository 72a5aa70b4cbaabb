//! Operations on several items: batches, which are not atomic, and transactions, which are.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Map;
use serde_json::Value as Json;
use serde_json::json;

use super::items::Effect;
use super::items::Write;
use super::items::fetch;
use super::items::reason;
use super::ready;
use super::value::Key;
use super::value::item_to_json;
use crate::aws::json::Args;
use crate::aws::json::Fault;
use crate::aws::json::structure;
use crate::state::LabState;

/// Most keys of `BatchGetItem`, and most parts of a transaction.
const MAX_PARTS: usize = 100;
/// Most writes of `BatchWriteItem`.
const MAX_WRITES: usize = 25;
/// Most bytes in one answer of `BatchGetItem`; the rest is returned as unprocessed.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// How long a `ClientRequestToken` is valid.
const TOKEN_LIFE: Duration = Duration::from_secs(600);

/// `BatchGetItem`.
///
/// # Errors
/// DynamoDB's error.
pub fn get(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let tables = args.need_object("RequestItems")?;
    let mut keys = 0;
    for request in tables.values() {
        keys += structure(request, "RequestItems")?.list("Keys")?.len();
    }
    if keys == 0 || keys > MAX_PARTS {
        return Err(Fault::validation(
            "Too many items requested for the BatchGetItem call, or none",
        ));
    }
    let mut responses = Map::new();
    let mut unprocessed = Map::new();
    let mut bytes = 0;
    for (table, request) in tables {
        let request = structure(request, table)?;
        super::refuse_legacy(request)?;
        let mut seen: Vec<&Json> = Vec::new();
        let mut found = Vec::new();
        let mut left = Vec::new();
        ready(lab, region, table)?;
        for key in request.list("Keys")? {
            if seen.contains(&key) {
                return Err(Fault::validation(
                    "Provided list of item keys contains duplicates",
                ));
            }
            seen.push(key);
            let mut one = request.0.clone();
            one.remove("Keys");
            one.insert("Key".to_owned(), key.clone());
            match fetch(lab, region, table, Args(&one))? {
                Some((size, _)) if bytes + size > MAX_ANSWER => left.push(key.clone()),
                Some((size, item)) => {
                    bytes += size;
                    found.push(item_to_json(&item));
                }
                None => {}
            }
        }
        responses.insert(super::table_name(table).to_owned(), Json::from(found));
        if !left.is_empty() {
            let mut rest = request.0.clone();
            rest.insert("Keys".to_owned(), Json::from(left));
            unprocessed.insert(table.clone(), Json::Object(rest));
        }
    }
    Ok(json!({ "Responses": responses, "UnprocessedKeys": unprocessed }))
}

/// `BatchWriteItem`.
///
/// # Errors
/// DynamoDB's error; nothing is written then.
pub fn write(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let mut writes = Vec::new();
    for (table, requests) in args.need_object("RequestItems")? {
        for request in requests.as_array().into_iter().flatten() {
            let request = structure(request, table)?;
            let (Some(inner), None) = (request.0.iter().next(), request.0.iter().nth(1)) else {
                return Err(Fault::validation(
                    "Supplied WriteRequest has not exactly one of PutRequest and DeleteRequest",
                ));
            };
            let mut one = structure(inner.1, inner.0)?.0.clone();
            one.insert("TableName".to_owned(), json!(table));
            writes.push(match inner.0.as_str() {
                "PutRequest" => Write::put(lab, region, Args(&one))?,
                "DeleteRequest" => Write::delete(lab, region, Args(&one))?,
                other => {
                    return Err(Fault::validation(format!("unknown write request {other}")));
                }
            });
        }
    }
    if writes.is_empty() || writes.len() > MAX_WRITES {
        return Err(Fault::validation(format!(
            "1 validation error detected: Value at 'requestItems' failed to satisfy constraint: Member must have \
             length less than or equal to {MAX_WRITES}, and at least 1"
        )));
    }
    distinct(&writes, "Provided list of item keys contains duplicates")?;
    for write in &writes {
        let table = ready(lab, region, &write.table)?;
        let effect = write.effect(table)?;
        write.apply(table, &effect);
    }
    Ok(json!({ "UnprocessedItems": {} }))
}

/// `TransactGetItems`.
///
/// # Errors
/// DynamoDB's error.
pub fn transact_get(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let parts = args.list("TransactItems")?;
    if parts.is_empty() || parts.len() > MAX_PARTS {
        return Err(too_many_parts());
    }
    let mut responses = Vec::new();
    for part in parts {
        let get = Args(structure(part, "TransactItems")?.need_object("Get")?);
        let found = fetch(lab, region, get.need_text("TableName")?, get)?;
        responses.push(match found {
            Some((_, item)) => json!({ "Item": item_to_json(&item) }),
            None => json!({}),
        });
    }
    Ok(json!({ "Responses": responses }))
}

/// `TransactWriteItems`: all or nothing.
///
/// # Errors
/// `TransactionCanceledException` with a reason for each part; `IdempotentParameterMismatchException`; others before any part is
/// tried.
pub fn transact_write(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let parts = args.list("TransactItems")?;
    if parts.is_empty() || parts.len() > MAX_PARTS {
        return Err(too_many_parts());
    }
    if already_done(lab, region, args)? {
        return Ok(json!({}));
    }
    let mut writes = Vec::new();
    for part in parts {
        let part = structure(part, "TransactItems")?;
        let (Some((kind, body)), None) = (part.0.iter().next(), part.0.iter().nth(1)) else {
            return Err(Fault::validation(
                "TransactItems can only contain one of Check, Put, Update or Delete",
            ));
        };
        let body = structure(body, kind)?;
        writes.push(match kind.as_str() {
            "Put" => Write::put(lab, region, body)?,
            "Update" => Write::update(lab, region, body)?,
            "Delete" => Write::delete(lab, region, body)?,
            "ConditionCheck" => Write::check_only(lab, region, body)?,
            other => {
                return Err(Fault::validation(format!(
                    "unknown transaction part {other}"
                )));
            }
        });
    }
    distinct(
        &writes,
        "Transaction request cannot include multiple operations on one item",
    )?;
    let mut effects: Vec<Result<Effect, Fault>> = Vec::new();
    for write in &writes {
        let table = ready(lab, region, &write.table)?;
        effects.push(write.effect(table));
    }
    if effects.iter().any(Result::is_err) {
        let reasons: Vec<Json> = effects
            .iter()
            .map(|effect| reason(effect.as_ref().err()))
            .collect();
        let codes: Vec<&str> = reasons
            .iter()
            .filter_map(|reason| reason["Code"].as_str())
            .collect();
        return Err(Fault::new(
            "TransactionCanceledException",
            format!(
                "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
                codes.join(", ")
            ),
        )
        .with("CancellationReasons", Json::from(reasons)));
    }
    for (write, effect) in writes.iter().zip(effects.iter().flatten()) {
        write.apply(ready(lab, region, &write.table)?, effect);
    }
    if let Some(token) = args.text("ClientRequestToken")? {
        let now = lab.now();
        if let Some(region) = lab.aws.regions.get_mut(region) {
            region
                .transactions
                .insert(token.to_owned(), (now, fingerprint(args)));
        }
    }
    Ok(json!({}))
}

/// Whether the token was used in the last ten minutes with the same request.
fn already_done(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<bool, Fault> {
    let now = lab.now();
    let Some(token) = args.text("ClientRequestToken")? else {
        return Ok(false);
    };
    let Some(region) = lab.aws.regions.get_mut(region) else {
        return Ok(false);
    };
    region
        .transactions
        .retain(|_, (done, _)| now.since(*done) < TOKEN_LIFE);
    match region.transactions.get(token) {
        None => Ok(false),
        Some((_, seen)) if *seen == fingerprint(args) => Ok(true),
        Some(_) => Err(Fault::new(
            "IdempotentParameterMismatchException",
            "The request token was used with other parameters",
        )),
    }
}

fn fingerprint(args: Args<'_>) -> u32 {
    let text = args
        .get("TransactItems")
        .map(ToString::to_string)
        .unwrap_or_default();
    crc32fast::hash(text.as_bytes())
}

fn too_many_parts() -> Fault {
    Fault::validation(
        "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length \
         less than or equal to 100, and at least 1",
    )
}

fn distinct(writes: &[Write], message: &str) -> Result<(), Fault> {
    let keys: BTreeSet<(&str, &Key)> = writes
        .iter()
        .map(|write| (write.table.as_str(), &write.key))
        .collect();
    if keys.len() < writes.len() {
        Err(Fault::validation(message))
    } else {
        Ok(())
    }
}
