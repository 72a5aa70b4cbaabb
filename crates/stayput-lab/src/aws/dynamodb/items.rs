//! One item: put, get, update, delete.

use serde_json::Map;
use serde_json::Value as Json;
use serde_json::json;

use super::Table;
use super::capacity;
use super::check_size;
use super::expression::Bindings;
use super::expression::Kind;
use super::expression::condition::Condition;
use super::expression::update::Update;
use super::read_units;
use super::ready;
use super::value::Item;
use super::value::Key;
use super::value::item_from_json;
use super::value::item_size;
use super::value::item_to_json;
use super::write_units;
use crate::aws::json::Args;
use crate::aws::json::Fault;
use crate::state::LabState;

/// A write of one item, parsed and validated but not applied; used by single writes and transactions.
#[derive(Debug)]
pub struct Write {
    /// Table as named in the call.
    pub table: String,
    /// Key of the item.
    pub key: Key,
    condition: Option<Condition>,
    show_old_on_failure: bool,
    change: Change,
}

#[derive(Debug)]
enum Change {
    Put(Item),
    Update { key: Item, update: Update },
    Delete,
    Nothing,
}

/// The effect of a write.
#[derive(Debug)]
pub struct Effect {
    before: Option<Item>,
    after: Option<Item>,
}

impl Write {
    /// Parses `PutItem` or a `Put`.
    ///
    /// # Errors
    /// DynamoDB's error.
    pub fn put(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Self, Fault> {
        let name = args.need_text("TableName")?;
        let item = item_from_json(args.need_object("Item")?)?;
        let (condition, ()) = expressions(args, |_| Ok(()))?;
        let table = ready(lab, region, name)?;
        let key = table.key_of_item(&item)?;
        check_size(&item)?;
        Self::of(args, key, condition, Change::Put(item))
    }

    /// Parses `UpdateItem` or an `Update`.
    ///
    /// # Errors
    /// DynamoDB's error.
    pub fn update(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Self, Fault> {
        let name = args.need_text("TableName")?;
        let key_item = item_from_json(args.need_object("Key")?)?;
        let (condition, update) = expressions(args, |bindings| bindings.update(args))?;
        let table = ready(lab, region, name)?;
        let key = table.key_of_argument(&key_item)?;
        let update = update.unwrap_or_default();
        let of_key = update
            .paths()
            .map(super::expression::Path::attribute)
            .find(|attribute| table.keys.names().any(|name| name == *attribute));
        if let Some(attribute) = of_key {
            return Err(Fault::validation(format!(
                "One or more parameter values were invalid: Cannot update attribute {attribute}. This attribute is \
                 part of the key"
            )));
        }
        Self::of(
            args,
            key,
            condition,
            Change::Update {
                key: key_item,
                update,
            },
        )
    }

    /// Parses `DeleteItem` or a `Delete`.
    ///
    /// # Errors
    /// DynamoDB's error.
    pub fn delete(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Self, Fault> {
        Self::without_change(lab, region, args, Change::Delete)
    }

    /// Parses a `ConditionCheck`.
    ///
    /// # Errors
    /// DynamoDB's error.
    pub fn check_only(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Self, Fault> {
        args.need_text("ConditionExpression")?;
        Self::without_change(lab, region, args, Change::Nothing)
    }

    fn without_change(
        lab: &mut LabState,
        region: &str,
        args: Args<'_>,
        change: Change,
    ) -> Result<Self, Fault> {
        let name = args.need_text("TableName")?;
        let key = item_from_json(args.need_object("Key")?)?;
        let (condition, ()) = expressions(args, |_| Ok(()))?;
        let key = ready(lab, region, name)?.key_of_argument(&key)?;
        Self::of(args, key, condition, change)
    }

    fn of(
        args: Args<'_>,
        key: Key,
        condition: Option<Condition>,
        change: Change,
    ) -> Result<Self, Fault> {
        Ok(Self {
            table: super::table_name(args.need_text("TableName")?).to_owned(),
            key,
            condition,
            show_old_on_failure: args.text("ReturnValuesOnConditionCheckFailure")?
                == Some("ALL_OLD"),
            change,
        })
    }

    /// Returns what the write would change.
    ///
    /// # Errors
    /// `ConditionalCheckFailedException`, or `ValidationException` of the update.
    pub fn effect(&self, table: &Table) -> Result<Effect, Fault> {
        let before = table.items.get(&self.key);
        let holds = self
            .condition
            .as_ref()
            .is_none_or(|condition| condition.holds(before.unwrap_or(&Item::new())));
        if !holds {
            let fault = Fault::new(
                "ConditionalCheckFailedException",
                "The conditional request failed",
            );
            return Err(match before {
                Some(item) if self.show_old_on_failure => fault.with("Item", item_to_json(item)),
                Some(_) | None => fault,
            });
        }
        let after = match &self.change {
            Change::Put(item) => Some(item.clone()),
            Change::Update { key, update } => {
                let after = update.apply(before.unwrap_or(key))?;
                table.key_of_item(&after)?;
                check_size(&after)?;
                Some(after)
            }
            Change::Delete => None,
            Change::Nothing => before.cloned(),
        };
        Ok(Effect {
            before: before.cloned(),
            after,
        })
    }

    /// Applies the write.
    pub fn apply(&self, table: &mut Table, effect: &Effect) {
        match &effect.after {
            Some(item) => table.items.insert(self.key.clone(), item.clone()),
            None => table.items.remove(&self.key),
        };
    }

    fn run(
        &self,
        lab: &mut LabState,
        region: &str,
        args: Args<'_>,
        allowed: &[&str],
    ) -> Result<Json, Fault> {
        let mode = args.text("ReturnValues")?.unwrap_or("NONE");
        if !allowed.contains(&mode) {
            return Err(Fault::validation(format!(
                "Return values set to invalid value: {mode}; allowed: {}",
                allowed.join(", ")
            )));
        }
        let table = ready(lab, region, &self.table)?;
        let effect = self.effect(table)?;
        self.apply(table, &effect);
        let mut answer = Map::new();
        if let Some(attributes) = self.returned(mode, &effect)
            && !attributes.is_empty()
        {
            answer.insert("Attributes".to_owned(), item_to_json(&attributes));
        }
        let size = |item: &Option<Item>| item.as_ref().map_or(0, item_size);
        let bytes = size(&effect.before).max(size(&effect.after));
        capacity(&mut answer, args, write_units(bytes))?;
        Ok(Json::Object(answer))
    }

    fn returned(&self, mode: &str, effect: &Effect) -> Option<Item> {
        let touched = |item: &Item| -> Item {
            let Change::Update { update, .. } = &self.change else {
                return item.clone();
            };
            item.iter()
                .filter(|(name, _)| update.paths().any(|path| path.attribute() == *name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect()
        };
        match mode {
            "ALL_OLD" => effect.before.clone(),
            "ALL_NEW" => effect.after.clone(),
            "UPDATED_OLD" => effect.before.as_ref().map(touched),
            "UPDATED_NEW" => effect.after.as_ref().map(touched),
            _ => None,
        }
    }
}

/// Reads a write's expressions and checks that all placeholders are used.
fn expressions<T>(
    args: Args<'_>,
    more: impl FnOnce(&mut Bindings) -> Result<T, Fault>,
) -> Result<(Option<Condition>, T), Fault> {
    let mut bindings = Bindings::of(args)?;
    let other = more(&mut bindings)?;
    let condition = bindings.condition(args, Kind::Condition)?;
    bindings.all_used()?;
    Ok((condition, other))
}

/// `PutItem`.
///
/// # Errors
/// DynamoDB's error.
pub fn put(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    Write::put(lab, region, args)?.run(lab, region, args, &["NONE", "ALL_OLD"])
}

/// `UpdateItem`.
///
/// # Errors
/// DynamoDB's error.
pub fn update(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    Write::update(lab, region, args)?.run(
        lab,
        region,
        args,
        &["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"],
    )
}

/// `DeleteItem`.
///
/// # Errors
/// DynamoDB's error.
pub fn delete(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    Write::delete(lab, region, args)?.run(lab, region, args, &["NONE", "ALL_OLD"])
}

/// `GetItem`.
///
/// # Errors
/// DynamoDB's error.
pub fn get(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let name = args.need_text("TableName")?;
    let mut answer = Map::new();
    let mut bytes = 0;
    if let Some(item) = fetch(lab, region, name, args)? {
        bytes = item.0;
        answer.insert("Item".to_owned(), item_to_json(&item.1));
    }
    let units = read_units(bytes, args.flag("ConsistentRead")?);
    capacity(&mut answer, args, units)?;
    Ok(Json::Object(answer))
}

/// Returns the projected item that a `Key` names, with the size of the whole item.
///
/// # Errors
/// DynamoDB's error.
pub fn fetch(
    lab: &mut LabState,
    region: &str,
    table: &str,
    args: Args<'_>,
) -> Result<Option<(usize, Item)>, Fault> {
    let key = item_from_json(args.need_object("Key")?)?;
    let mut bindings = Bindings::of(args)?;
    let projection = bindings.projection(args)?;
    bindings.all_used()?;
    let table = ready(lab, region, table)?;
    let key = table.key_of_argument(&key)?;
    Ok(table.items.get(&key).map(|item| {
        let shown = match &projection {
            Some(projection) => projection.item(item),
            None => item.clone(),
        };
        (item_size(item), shown)
    }))
}

/// Returns the cancellation reason of one part of a transaction.
pub fn reason(fault: Option<&Fault>) -> Json {
    match fault {
        None => json!({ "Code": "None" }),
        Some(fault) => {
            let code = match fault.code {
                "ConditionalCheckFailedException" => "ConditionalCheckFailed",
                "ValidationException" => "ValidationError",
                other => other,
            };
            let mut reason = Json::Object(fault.fields.clone());
            reason["Code"] = json!(code);
            reason["Message"] = json!(fault.message);
            reason
        }
    }
}
