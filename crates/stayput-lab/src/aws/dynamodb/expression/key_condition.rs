//! Key conditions: a condition restricted to one partition and, at most, one range of sort keys.

use super::Kind;
use super::condition::Comparator;
use super::condition::Condition;
use super::condition::Operand;
use crate::aws::dynamodb::value::Item;
use crate::aws::dynamodb::value::KeyValue;
use crate::aws::dynamodb::value::Value;
use crate::aws::json::Fault;

/// The key condition of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyCondition {
    /// Partition key.
    pub hash: KeyValue,
    /// Condition on the sort key.
    range: Option<Condition>,
}

impl KeyCondition {
    /// Creates a key condition from a parsed condition, for a table or index with these key attributes.
    ///
    /// # Errors
    /// `ValidationException` when it is not a key condition.
    pub fn of(condition: Condition, hash: &str, range: Option<&str>) -> Result<Self, Fault> {
        let conditions = match condition {
            Condition::All(all) => all,
            Condition::Any(_) => {
                return Err(Kind::KeyCondition
                    .invalid("Invalid operator used in KeyConditionExpression: OR"));
            }
            Condition::Not(_) => {
                return Err(Kind::KeyCondition
                    .invalid("Invalid operator used in KeyConditionExpression: NOT"));
            }
            one @ (Condition::Compare(..)
            | Condition::Between(..)
            | Condition::In(..)
            | Condition::Exists(_)
            | Condition::HasType(..)
            | Condition::BeginsWith(..)
            | Condition::Contains(..)) => vec![one],
        };
        if conditions.len() > 2 {
            return Err(Fault::validation("Conditions can be of length 1 or 2 only"));
        }
        let mut found_hash = None;
        let mut found_range = None;
        for condition in conditions {
            let condition = path_first(condition);
            let attribute = match &condition {
                Condition::Compare(Operand::Path(path), comparator, Operand::Value(_))
                    if *comparator != Comparator::NotEqual && path.steps().len() == 1 =>
                {
                    path.attribute()
                }
                Condition::Between(Operand::Path(path), Operand::Value(_), Operand::Value(_))
                | Condition::BeginsWith(Operand::Path(path), Operand::Value(_))
                    if path.steps().len() == 1 =>
                {
                    path.attribute()
                }
                _ => return Err(Fault::validation("Query key condition not supported")),
            };
            if attribute == hash && found_hash.is_none() {
                let Condition::Compare(_, Comparator::Equal, Operand::Value(value)) = &condition
                else {
                    return Err(Fault::validation("Query key condition not supported"));
                };
                found_hash = Some(key_value(value)?);
            } else if Some(attribute) == range && found_range.is_none() {
                found_range = Some(condition);
            } else {
                return Err(missed(
                    range.filter(|_| found_hash.is_some()).unwrap_or(hash),
                ));
            }
        }
        Ok(Self {
            hash: found_hash.ok_or_else(|| missed(hash))?,
            range: found_range,
        })
    }

    /// Whether an item of the partition matches.
    pub fn wants(&self, item: &Item) -> bool {
        self.range
            .as_ref()
            .is_none_or(|condition| condition.holds(item))
    }
}

/// `:v = key` means `key = :v`.
fn path_first(condition: Condition) -> Condition {
    match condition {
        Condition::Compare(Operand::Value(value), comparator, Operand::Path(path)) => {
            let turned = match comparator {
                Comparator::Equal | Comparator::NotEqual => comparator,
                Comparator::Less => Comparator::Greater,
                Comparator::LessOrEqual => Comparator::GreaterOrEqual,
                Comparator::Greater => Comparator::Less,
                Comparator::GreaterOrEqual => Comparator::LessOrEqual,
            };
            Condition::Compare(Operand::Path(path), turned, Operand::Value(value))
        }
        other => other,
    }
}

fn key_value(value: &Value) -> Result<KeyValue, Fault> {
    KeyValue::of(value).ok_or_else(|| {
        Fault::validation(
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        )
    })
}

fn missed(attribute: &str) -> Fault {
    Fault::validation(format!(
        "Query condition missed key schema element: {attribute}"
    ))
}
