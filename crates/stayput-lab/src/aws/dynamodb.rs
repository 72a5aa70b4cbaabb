//! DynamoDB: tables, items, conditions, pages (AWS reference §6).
//!
//! Exact: conditional writes, decimal numbers, 1 MB pages that are cut *before* the filter, `LastEvaluatedKey` also when the
//! limit is reached at the end, and an arbitrary order of partitions. Not implemented, and refused with an error: the legacy
//! parameters, streams and global tables.

pub mod batch;
pub mod expression;
pub mod items;
pub mod number;
pub mod read;
pub mod tables;
pub mod value;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Map;
use serde_json::Value as Json;
use serde_json::json;

use super::json::Args;
use super::json::Fault;
use super::json::unknown_operation;
use crate::clock::VTime;
use crate::state::LabState;
use value::Item;
use value::Key;
use value::KeyValue;
use value::Value;

/// How long a table is `CREATING` (memory: some seconds).
const TABLE_SETTLES: Duration = Duration::from_secs(3);
/// Largest item, names included.
const MAX_ITEM: usize = 400 * 1024;

/// A DynamoDB table.
#[derive(Debug, Clone)]
pub struct Table {
    /// Key attributes.
    pub keys: Keys,
    /// Types of the key attributes of table and indexes: name to `S`, `N` or `B`.
    pub definitions: BTreeMap<String, String>,
    /// Secondary indexes by name.
    pub indexes: BTreeMap<String, Index>,
    /// Time of creation.
    pub created: VTime,
    /// `PAY_PER_REQUEST`, or `PROVISIONED` with read and write units.
    pub provisioned: Option<(i64, i64)>,
    /// Whether `DeleteTable` is refused.
    pub protected: bool,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Items.
    pub items: BTreeMap<Key, Item>,
}

/// Names of the key attributes of a table or index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// Partition key.
    pub hash: String,
    /// Sort key.
    pub range: Option<String>,
}

/// A secondary index.
#[derive(Debug, Clone)]
pub struct Index {
    /// Its keys.
    pub keys: Keys,
    /// Whether it has its own partition key.
    pub global: bool,
    /// The projected attributes other than keys; `None`: all.
    pub projected: Option<BTreeSet<String>>,
}

impl Keys {
    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [Some(self.hash.as_str()), self.range.as_deref()]
            .into_iter()
            .flatten()
    }

    /// Returns the key schema as JSON.
    fn schema(&self) -> Json {
        let mut schema = vec![json!({"AttributeName": self.hash, "KeyType": "HASH"})];
        if let Some(range) = &self.range {
            schema.push(json!({"AttributeName": range, "KeyType": "RANGE"}));
        }
        Json::from(schema)
    }
}

impl Table {
    /// Creates an empty on-demand table with text keys, with an old creation time; for scenarios.
    pub fn new(hash: &str, range: Option<&str>) -> Self {
        let keys = Keys {
            hash: hash.to_owned(),
            range: range.map(str::to_owned),
        };
        Self {
            definitions: keys
                .names()
                .map(|name| (name.to_owned(), "S".to_owned()))
                .collect(),
            keys,
            indexes: BTreeMap::new(),
            created: VTime(0),
            provisioned: None,
            protected: false,
            tags: BTreeMap::new(),
            items: BTreeMap::new(),
        }
    }

    /// Puts an item without conditions.
    ///
    /// # Errors
    /// `ValidationException` when its key or size is not valid.
    pub fn put(&mut self, item: Item) -> Result<Option<Item>, Fault> {
        let key = self.key_of_item(&item)?;
        check_size(&item)?;
        Ok(self.items.insert(key, item))
    }

    /// Returns the key of a whole item.
    ///
    /// # Errors
    /// `ValidationException` when a key attribute is missing, of the wrong type or empty, also for indexes.
    fn key_of_item(&self, item: &Item) -> Result<Key, Fault> {
        for index in self.indexes.values() {
            for name in index.keys.names() {
                if let Some(value) = item.get(name) {
                    self.key_value(name, value)?;
                }
            }
        }
        let part = |name: &str| {
            let value = item.get(name).ok_or_else(|| {
                Fault::validation(format!(
                    "One or more parameter values were invalid: Missing the key {name} in the item"
                ))
            })?;
            self.key_value(name, value)
        };
        Ok(Key::new(
            part(&self.keys.hash)?,
            self.keys.range.as_deref().map(part).transpose()?,
        ))
    }

    /// Returns the key of a `Key` argument, which must be exactly the key attributes.
    ///
    /// # Errors
    /// `ValidationException` when it is not.
    fn key_of_argument(&self, key: &Item) -> Result<Key, Fault> {
        let mismatch = || Fault::validation("The provided key element does not match the schema");
        if key.len() != self.keys.names().count() {
            return Err(mismatch());
        }
        let part = |name: &str| {
            let value = key.get(name).ok_or_else(mismatch)?;
            if self.definitions.get(name).map(String::as_str) != Some(value.kind()) {
                return Err(mismatch());
            }
            self.key_value(name, value)
        };
        Ok(Key::new(
            part(&self.keys.hash)?,
            self.keys.range.as_deref().map(part).transpose()?,
        ))
    }

    fn key_value(&self, name: &str, value: &Value) -> Result<KeyValue, Fault> {
        let expected = self
            .definitions
            .get(name)
            .map(String::as_str)
            .unwrap_or_default();
        if value.kind() != expected {
            return Err(Fault::validation(format!(
                "One or more parameter values were invalid: Type mismatch for key {name} expected: {expected} \
                 actual: {}",
                value.kind()
            )));
        }
        let empty = match value {
            Value::S(text) => text.is_empty(),
            Value::B(bytes) => bytes.is_empty(),
            Value::N(_)
            | Value::Bool(_)
            | Value::Null
            | Value::L(_)
            | Value::M(_)
            | Value::Ss(_)
            | Value::Ns(_)
            | Value::Bs(_) => false,
        };
        match KeyValue::of(value) {
            Some(value) if !empty => Ok(value),
            _ => Err(Fault::validation(format!(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot \
                 contain an empty string value. Key: {name}"
            ))),
        }
    }

    /// Returns the key attributes of an item.
    fn key_part(&self, item: &Item) -> Item {
        self.keys
            .names()
            .filter_map(|name| Some((name.to_owned(), item.get(name)?.clone())))
            .collect()
    }

    fn active(&self, now: VTime) -> bool {
        self.created.0 == 0 || now.since(self.created) >= TABLE_SETTLES
    }
}

/// Answers one operation.
///
/// # Errors
/// DynamoDB's error.
pub fn handle(
    lab: &mut LabState,
    region: &str,
    operation: &str,
    args: Args<'_>,
) -> Result<Json, Fault> {
    refuse_legacy(args)?;
    match operation {
        "CreateTable" => tables::create(lab, region, args),
        "DescribeTable" => tables::describe(lab, region, args),
        "DeleteTable" => tables::delete(lab, region, args),
        "ListTables" => tables::list(lab, region, args),
        "UpdateTable" => tables::update(lab, region, args),
        "DescribeTimeToLive" => tables::time_to_live(lab, region, args),
        "DescribeContinuousBackups" => tables::backups(lab, region, args),
        "ListTagsOfResource" => tables::tags(lab, region, args),
        "TagResource" => tables::tag(lab, region, args),
        "UntagResource" => tables::untag(lab, region, args),
        "PutItem" => items::put(lab, region, args),
        "GetItem" => items::get(lab, region, args),
        "UpdateItem" => items::update(lab, region, args),
        "DeleteItem" => items::delete(lab, region, args),
        "Query" => read::query(lab, region, args),
        "Scan" => read::scan(lab, region, args),
        "BatchGetItem" => batch::get(lab, region, args),
        "BatchWriteItem" => batch::write(lab, region, args),
        "TransactGetItems" => batch::transact_get(lab, region, args),
        "TransactWriteItems" => batch::transact_write(lab, region, args),
        _ => Err(unknown_operation()),
    }
}

/// Refuses the legacy parameters, which the lab does not implement.
fn refuse_legacy(args: Args<'_>) -> Result<(), Fault> {
    for member in [
        "AttributeUpdates",
        "AttributesToGet",
        "ConditionalOperator",
        "Expected",
        "KeyConditions",
        "QueryFilter",
        "ScanFilter",
    ] {
        if args.get(member).is_some() {
            return Err(Fault::validation(format!(
                "the lab does not support the legacy parameter {member}; use expressions"
            )));
        }
    }
    Ok(())
}

/// Returns the name in a `TableName`, which may be an ARN.
fn table_name(text: &str) -> &str {
    text.rsplit_once(":table/").map_or(text, |(_, name)| name)
}

fn no_table() -> Fault {
    Fault::new("ResourceNotFoundException", "Requested resource not found")
}

/// Returns a table that is ready, by name or ARN.
fn ready<'a>(lab: &'a mut LabState, region: &str, name: &str) -> Result<&'a mut Table, Fault> {
    let now = lab.now();
    lab.aws
        .regions
        .get_mut(region)
        .and_then(|region| region.tables.get_mut(table_name(name)))
        .filter(|table| table.active(now))
        .ok_or_else(no_table)
}

fn check_size(item: &Item) -> Result<(), Fault> {
    if value::item_size(item) > MAX_ITEM {
        Err(Fault::validation(
            "Item size has exceeded the maximum allowed size",
        ))
    } else {
        Ok(())
    }
}

/// Adds `ConsumedCapacity` when the request asks for it.
fn capacity(answer: &mut Map<String, Json>, args: Args<'_>, units: f64) -> Result<(), Fault> {
    let mode = args.text("ReturnConsumedCapacity")?.unwrap_or("NONE");
    if mode != "NONE" {
        let mut consumed = json!({
            "TableName": table_name(args.need_text("TableName")?),
            "CapacityUnits": units,
        });
        if mode == "INDEXES" {
            consumed["Table"] = json!({ "CapacityUnits": units });
        }
        answer.insert("ConsumedCapacity".to_owned(), consumed);
    }
    Ok(())
}

/// Returns the units of a write: one for each started KB.
fn write_units(bytes: usize) -> f64 {
    f64::from(u32::try_from(bytes.div_ceil(1024).max(1)).unwrap_or(u32::MAX))
}

/// Returns the units of a read: one for each started 4 KB, half of it without consistency.
fn read_units(bytes: usize, consistent: bool) -> f64 {
    let units = f64::from(u32::try_from(bytes.div_ceil(4096).max(1)).unwrap_or(u32::MAX));
    if consistent { units } else { units / 2.0 }
}

#[cfg(test)]
mod tests;
