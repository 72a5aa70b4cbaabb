//! Conditions and filters.

use std::cmp::Ordering;

use super::Path;
use crate::aws::dynamodb::number::Number;
use crate::aws::dynamodb::value::Item;
use crate::aws::dynamodb::value::Value;

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// All of them are true.
    All(Vec<Self>),
    /// One of them is true.
    Any(Vec<Self>),
    /// It is not true.
    Not(Box<Self>),
    /// Comparison.
    Compare(Operand, Comparator, Operand),
    /// Lower and upper bound, both inclusive.
    Between(Operand, Operand, Operand),
    /// Equal to one of a list.
    In(Operand, Vec<Operand>),
    /// The attribute exists.
    Exists(Path),
    /// The attribute exists and has this type.
    HasType(Path, String),
    /// Text or bytes begin with others.
    BeginsWith(Operand, Operand),
    /// Text or bytes contain others, or a set or list an element.
    Contains(Operand, Operand),
}

/// An operand of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// The item's value at the path.
    Path(Path),
    /// A constant.
    Value(Value),
    /// Length of text, bytes, set, list or map.
    Size(Box<Self>),
}

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparator {
    /// Whether the comparison is true. Values of different types are unequal and have no order.
    pub fn holds(self, left: &Value, right: &Value) -> bool {
        let order = order(left, right);
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::S(left), Value::S(right)) => Some(left.cmp(right)),
        (Value::N(left), Value::N(right)) => Some(left.cmp(right)),
        (Value::B(left), Value::B(right)) => Some(left.cmp(right)),
        (
            Value::S(_)
            | Value::N(_)
            | Value::B(_)
            | Value::Bool(_)
            | Value::Null
            | Value::L(_)
            | Value::M(_)
            | Value::Ss(_)
            | Value::Ns(_)
            | Value::Bs(_),
            _,
        ) => None,
    }
}

impl Operand {
    fn value(&self, item: &Item) -> Option<Value> {
        match self {
            Self::Path(path) => path.resolve(item).cloned(),
            Self::Value(value) => Some(value.clone()),
            Self::Size(inner) => {
                let length = match inner.value(item)? {
                    Value::S(text) => text.chars().count(),
                    Value::B(bytes) => bytes.len(),
                    Value::L(list) => list.len(),
                    Value::M(map) => map.len(),
                    Value::Ss(set) => set.len(),
                    Value::Ns(set) => set.len(),
                    Value::Bs(set) => set.len(),
                    Value::N(_) | Value::Bool(_) | Value::Null => return None,
                };
                length.to_string().parse::<Number>().ok().map(Value::N)
            }
        }
    }

    /// Collects the top-level attributes that it names.
    fn attributes<'a>(&'a self, into: &mut Vec<&'a str>) {
        match self {
            Self::Path(path) => into.push(path.attribute()),
            Self::Value(_) => {}
            Self::Size(inner) => inner.attributes(into),
        }
    }
}

impl Condition {
    /// Whether the condition is true for an item; a missing item counts as empty.
    ///
    /// A comparison with a missing attribute is false, except `<>`, which is true.
    pub fn holds(&self, item: &Item) -> bool {
        match self {
            Self::All(all) => all.iter().all(|condition| condition.holds(item)),
            Self::Any(any) => any.iter().any(|condition| condition.holds(item)),
            Self::Not(condition) => !condition.holds(item),
            Self::Compare(left, comparator, right) => match (left.value(item), right.value(item)) {
                (Some(left), Some(right)) => comparator.holds(&left, &right),
                (None, _) | (_, None) => *comparator == Comparator::NotEqual,
            },
            Self::Between(value, low, high) => {
                match (value.value(item), low.value(item), high.value(item)) {
                    (Some(value), Some(low), Some(high)) => {
                        Comparator::GreaterOrEqual.holds(&value, &low)
                            && Comparator::LessOrEqual.holds(&value, &high)
                    }
                    (None, ..) | (_, None, _) | (.., None) => false,
                }
            }
            Self::In(value, list) => value.value(item).is_some_and(|value| {
                list.iter()
                    .any(|element| element.value(item).as_ref() == Some(&value))
            }),
            Self::Exists(path) => path.resolve(item).is_some(),
            Self::HasType(path, kind) => {
                path.resolve(item).is_some_and(|value| value.kind() == kind)
            }
            Self::BeginsWith(value, prefix) => match (value.value(item), prefix.value(item)) {
                (Some(Value::S(value)), Some(Value::S(prefix))) => value.starts_with(&prefix),
                (Some(Value::B(value)), Some(Value::B(prefix))) => value.starts_with(&prefix),
                _ => false,
            },
            Self::Contains(whole, part) => match (whole.value(item), part.value(item)) {
                (Some(whole), Some(part)) => contains(&whole, &part),
                (None, _) | (_, None) => false,
            },
        }
    }

    /// Returns the top-level attributes that it names.
    pub fn attributes(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.collect_attributes(&mut names);
        names
    }

    fn collect_attributes<'a>(&'a self, into: &mut Vec<&'a str>) {
        match self {
            Self::All(conditions) | Self::Any(conditions) => {
                for condition in conditions {
                    condition.collect_attributes(into);
                }
            }
            Self::Not(condition) => condition.collect_attributes(into),
            Self::Compare(a, _, b) | Self::BeginsWith(a, b) | Self::Contains(a, b) => {
                a.attributes(into);
                b.attributes(into);
            }
            Self::Between(a, b, c) => {
                a.attributes(into);
                b.attributes(into);
                c.attributes(into);
            }
            Self::In(a, list) => {
                a.attributes(into);
                for operand in list {
                    operand.attributes(into);
                }
            }
            Self::Exists(path) | Self::HasType(path, _) => into.push(path.attribute()),
        }
    }
}

fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::S(whole), Value::S(part)) => whole.contains(part.as_str()),
        (Value::B(whole), Value::B(part)) => {
            part.is_empty() || whole.windows(part.len()).any(|window| window == part)
        }
        (Value::Ss(set), Value::S(part)) => set.contains(part),
        (Value::Ns(set), Value::N(part)) => set.contains(part),
        (Value::Bs(set), Value::B(part)) => set.contains(part),
        (Value::L(list), part) => list.contains(part),
        (
            Value::S(_)
            | Value::B(_)
            | Value::N(_)
            | Value::Bool(_)
            | Value::Null
            | Value::M(_)
            | Value::Ss(_)
            | Value::Ns(_)
            | Value::Bs(_),
            _,
        ) => false,
    }
}
