//! Query and scan: pages of at most 1 MB, cut before the filter.

use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value as Json;
use serde_json::json;

use super::Keys;
use super::Table;
use super::capacity;
use super::expression::Bindings;
use super::expression::Kind;
use super::expression::condition::Condition;
use super::expression::key_condition::KeyCondition;
use super::expression::projection::Projection;
use super::read_units;
use super::ready;
use super::value::Item;
use super::value::Key;
use super::value::KeyValue;
use super::value::item_from_json;
use super::value::item_size;
use super::value::item_to_json;
use crate::aws::json::Args;
use crate::aws::json::Fault;
use crate::state::LabState;

/// Most bytes that one page evaluates.
const PAGE: usize = 1024 * 1024;

/// Position of an item: its key in the index (or table), then its key in the table.
type Position = (Key, Key);

/// The parameters of a read other than the keys.
struct ReadOptions {
    filter: Option<Condition>,
    projection: Option<Projection>,
    limit: Option<usize>,
    start: Option<Item>,
    forward: bool,
    count_only: bool,
    consistent: bool,
}

/// `Query`.
///
/// # Errors
/// DynamoDB's error.
pub fn query(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let mut bindings = Bindings::of(args)?;
    let condition = bindings
        .condition(args, Kind::KeyCondition)?
        .ok_or_else(|| {
            Fault::validation(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
            )
        })?;
    let options = options(args, bindings)?;
    let table = ready(lab, region, args.need_text("TableName")?)?;
    let keys = keys(table, args, options.consistent)?;
    if let Some(attribute) = options
        .filter
        .iter()
        .flat_map(Condition::attributes)
        .find(|attribute| keys.names().any(|name| name == *attribute))
    {
        return Err(Fault::validation(format!(
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: {attribute}"
        )));
    }
    let condition = KeyCondition::of(condition, &keys.hash, keys.range.as_deref())?;
    let positions = positions(table, &keys, args, Some(&condition.hash))?;
    let positions = positions
        .into_iter()
        .filter(|(position, item)| position.0.hash == condition.hash && condition.wants(item));
    if options.forward {
        page(table, &keys, args, &options, positions)
    } else {
        let turned: Vec<_> = positions.collect();
        page(table, &keys, args, &options, turned.into_iter().rev())
    }
}

/// `Scan`.
///
/// # Errors
/// DynamoDB's error.
pub fn scan(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let bindings = Bindings::of(args)?;
    let mut options = options(args, bindings)?;
    options.forward = true;
    let segments = segments(args)?;
    let table = ready(lab, region, args.need_text("TableName")?)?;
    let keys = keys(table, args, options.consistent)?;
    let positions = positions(table, &keys, args, None)?
        .into_iter()
        .filter(|(position, _)| {
            segments.is_none_or(|(segment, total)| position.0.bucket % total == segment)
        });
    page(table, &keys, args, &options, positions)
}

fn options(args: Args<'_>, mut bindings: Bindings) -> Result<ReadOptions, Fault> {
    let filter = bindings.condition(args, Kind::Filter)?;
    let projection = bindings.projection(args)?;
    bindings.all_used()?;
    let limit = args
        .integer("Limit")?
        .map(|limit| {
            usize::try_from(limit)
                .ok()
                .filter(|limit| *limit > 0)
                .ok_or_else(|| {
                    Fault::validation(format!(
                        "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: \
                         Member must have value greater than or equal to 1"
                    ))
                })
        })
        .transpose()?;
    let forward = args.get("ScanIndexForward").is_none() || args.flag("ScanIndexForward")?;
    Ok(ReadOptions {
        filter,
        projection,
        limit,
        start: args
            .object("ExclusiveStartKey")?
            .map(item_from_json)
            .transpose()?,
        forward,
        count_only: args.text("Select")? == Some("COUNT"),
        consistent: args.flag("ConsistentRead")?,
    })
}

/// Returns segment and total of a parallel scan.
fn segments(args: Args<'_>) -> Result<Option<(u32, u32)>, Fault> {
    let read = |name| -> Result<Option<u32>, Fault> {
        Ok(args
            .integer(name)?
            .map(|number| u32::try_from(number).unwrap_or(u32::MAX)))
    };
    match (read("Segment")?, read("TotalSegments")?) {
        (None, None) => Ok(None),
        (Some(segment), Some(total)) if segment < total && total <= 1_000_000 => {
            Ok(Some((segment, total)))
        }
        _ => Err(Fault::validation(
            "The Segment parameter is required and must be less than TotalSegments",
        )),
    }
}

/// Returns the keys of the table or index that is read.
fn keys(table: &Table, args: Args<'_>, consistent: bool) -> Result<Keys, Fault> {
    let Some(name) = args.text("IndexName")? else {
        return Ok(table.keys.clone());
    };
    let index = table.indexes.get(name).ok_or_else(|| {
        Fault::validation(format!(
            "The table does not have the specified index: {name}"
        ))
    })?;
    if index.global && consistent {
        return Err(Fault::validation(
            "Consistent reads are not supported on global secondary indexes",
        ));
    }
    Ok(index.keys.clone())
}

/// Returns positions, and items as the table or index contains them, in order.
fn positions(
    table: &Table,
    keys: &Keys,
    args: Args<'_>,
    partition: Option<&KeyValue>,
) -> Result<Vec<(Position, Item)>, Fault> {
    let index = args
        .text("IndexName")?
        .and_then(|name| table.indexes.get(name));
    let Some(index) = index else {
        let from = partition.map(|hash| Key::new(hash.clone(), None));
        let rows: Box<dyn Iterator<Item = (&Key, &Item)>> = match &from {
            Some(from) => Box::new(
                table
                    .items
                    .range(from..)
                    .take_while(|(key, _)| key.hash == from.hash),
            ),
            None => Box::new(table.items.iter()),
        };
        return Ok(rows
            .map(|(key, item)| ((key.clone(), key.clone()), item.clone()))
            .collect());
    };
    let shown: Option<BTreeSet<&str>> = index.projected.as_ref().map(|projected| {
        projected
            .iter()
            .map(String::as_str)
            .chain(keys.names())
            .chain(table.keys.names())
            .collect()
    });
    let mut rows: Vec<(Position, Item)> = table
        .items
        .iter()
        .filter_map(|(key, item)| {
            let part = |name: &str| item.get(name).and_then(KeyValue::of);
            let range = match &keys.range {
                Some(name) => Some(part(name)?),
                None => None,
            };
            let position = Key::new(part(&keys.hash)?, range);
            let item = item
                .iter()
                .filter(|(name, _)| {
                    shown
                        .as_ref()
                        .is_none_or(|shown| shown.contains(name.as_str()))
                })
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            Some(((position, key.clone()), item))
        })
        .collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(rows)
}

fn page(
    table: &Table,
    keys: &Keys,
    args: Args<'_>,
    options: &ReadOptions,
    rows: impl Iterator<Item = (Position, Item)>,
) -> Result<Json, Fault> {
    let start = options
        .start
        .as_ref()
        .map(|start| start_position(table, keys, start))
        .transpose()?;
    let after_start = |position: &Position| match &start {
        None => true,
        Some(start) if options.forward => position > start,
        Some(start) => position < start,
    };
    let mut items = Vec::new();
    let (mut count, mut scanned, mut bytes) = (0_usize, 0_usize, 0_usize);
    let mut last = None;
    let mut cut = false;
    for (_, item) in rows.filter(|(position, _)| after_start(position)) {
        let size = item_size(&item);
        if options.limit == Some(scanned) || (scanned > 0 && bytes + size > PAGE) {
            cut = true;
            break;
        }
        bytes += size;
        scanned += 1;
        last = Some(last_key(table, keys, &item));
        if options
            .filter
            .as_ref()
            .is_none_or(|filter| filter.holds(&item))
        {
            count += 1;
            if !options.count_only {
                items.push(match &options.projection {
                    Some(projection) => item_to_json(&projection.item(&item)),
                    None => item_to_json(&item),
                });
            }
        }
    }
    // A page that reaches its limit has a last key even when nothing follows.
    let full = options.limit == Some(scanned);
    let mut answer = Map::new();
    answer.insert("Count".to_owned(), json!(count));
    answer.insert("ScannedCount".to_owned(), json!(scanned));
    if !options.count_only {
        answer.insert("Items".to_owned(), Json::from(items));
    }
    if let Some(last) = last.filter(|_| cut || full) {
        answer.insert("LastEvaluatedKey".to_owned(), item_to_json(&last));
    }
    capacity(&mut answer, args, read_units(bytes, options.consistent))?;
    Ok(Json::Object(answer))
}

/// Returns the key to continue from: of the table, and of the index when one is read.
fn last_key(table: &Table, keys: &Keys, item: &Item) -> Item {
    let mut key = table.key_part(item);
    key.extend(
        keys.names()
            .filter_map(|name| Some((name.to_owned(), item.get(name)?.clone()))),
    );
    key
}

fn start_position(table: &Table, keys: &Keys, start: &Item) -> Result<Position, Fault> {
    let invalid = || Fault::validation("The provided starting key is invalid");
    let names: BTreeSet<&str> = table.keys.names().chain(keys.names()).collect();
    if start.keys().map(String::as_str).collect::<BTreeSet<_>>() != names {
        return Err(invalid());
    }
    let position = |keys: &Keys| -> Result<Key, Fault> {
        let part = |name: &str| {
            start
                .get(name)
                .ok_or_else(invalid)
                .and_then(|value| table.key_value(name, value).map_err(|_| invalid()))
        };
        Ok(Key::new(
            part(&keys.hash)?,
            keys.range.as_deref().map(part).transpose()?,
        ))
    };
    Ok((position(keys)?, position(&table.keys)?))
}
