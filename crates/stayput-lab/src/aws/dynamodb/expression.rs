//! DynamoDB's expressions: condition, filter, key condition, update and projection.
//!
//! Placeholders are resolved while an expression is parsed, so what is evaluated has only names and values. As in the real
//! service, every placeholder that is sent must be used by an expression of the call.

pub mod condition;
pub mod key_condition;
mod lex;
mod parse;
pub mod projection;
pub mod update;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use super::value::Item;
use super::value::Value;
use crate::aws::json::Args;
use crate::aws::json::Fault;
use condition::Condition;
use parse::Parser;
use projection::Projection;
use update::Update;

/// Words that cannot be used as attribute names without a placeholder, in upper case.
const RESERVED: &str = include_str!("expression/reserved.txt");

/// Longest expression text, in bytes.
const MAX_LENGTH: usize = 4096;

/// Kind of an expression; named in errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Of a write.
    Condition,
    /// Of a read, after the page was cut.
    Filter,
    /// Of a query.
    KeyCondition,
    /// Of an update.
    Update,
    /// Of a read.
    Projection,
}

impl Kind {
    /// Returns the member of the call that contains it.
    pub fn member(self) -> &'static str {
        match self {
            Self::Condition => "ConditionExpression",
            Self::Filter => "FilterExpression",
            Self::KeyCondition => "KeyConditionExpression",
            Self::Update => "UpdateExpression",
            Self::Projection => "ProjectionExpression",
        }
    }

    /// Returns a `ValidationException` about this expression.
    pub fn invalid(self, message: impl fmt::Display) -> Fault {
        Fault::validation(format!("Invalid {}: {message}", self.member()))
    }
}

/// One step of a document path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Attribute of an item or map.
    Attribute(String),
    /// Element of a list.
    Index(usize),
}

/// A document path; never empty, and its first step is an attribute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(Vec<Step>);

impl Path {
    /// Returns its top-level attribute.
    pub fn attribute(&self) -> &str {
        match self.0.first() {
            Some(Step::Attribute(name)) => name,
            Some(Step::Index(_)) | None => "",
        }
    }

    /// Returns its steps.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Returns the value at the path.
    pub fn resolve<'a>(&self, item: &'a Item) -> Option<&'a Value> {
        let mut value = item.get(self.attribute())?;
        for step in self.0.iter().skip(1) {
            value = match (step, value) {
                (Step::Attribute(name), Value::M(map)) => map.get(name)?,
                (Step::Index(index), Value::L(list)) => list.get(*index)?,
                (Step::Attribute(_) | Step::Index(_), _) => return None,
            };
        }
        Some(value)
    }

    /// Whether one of the two paths is equal to the other or below it.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a == b)
    }

    /// Whether one of the two paths needs a map where the other needs a list.
    pub fn conflicts(&self, other: &Self) -> bool {
        let common = self.0.iter().zip(&other.0).find(|(a, b)| a != b);
        matches!(
            common,
            Some((Step::Attribute(_), Step::Index(_)) | (Step::Index(_), Step::Attribute(_)))
        )
    }
}

impl fmt::Display for Path {
    /// Formats as DynamoDB's messages do: `[a, b, [1]]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<String> = self
            .0
            .iter()
            .map(|step| match step {
                Step::Attribute(name) => name.clone(),
                Step::Index(index) => format!("[{index}]"),
            })
            .collect();
        write!(f, "[{}]", steps.join(", "))
    }
}

/// The placeholders of one call.
#[derive(Debug, Default)]
pub struct Bindings {
    names: BTreeMap<String, String>,
    values: BTreeMap<String, Value>,
    used: BTreeSet<String>,
}

impl Bindings {
    /// Reads `ExpressionAttributeNames` and `ExpressionAttributeValues`.
    ///
    /// # Errors
    /// When a placeholder or a value is not valid.
    pub fn of(args: Args<'_>) -> Result<Self, Fault> {
        let mut bindings = Self::default();
        for (key, name) in args
            .object("ExpressionAttributeNames")?
            .into_iter()
            .flatten()
        {
            if !placeholder(key, '#') {
                return Err(Fault::validation(format!(
                    "ExpressionAttributeNames contains invalid key: Syntax error; key: \"{key}\""
                )));
            }
            let name = name.as_str().ok_or_else(|| {
                Fault::new(
                    "SerializationException",
                    "an expression attribute name is not a string",
                )
            })?;
            bindings.names.insert(key.clone(), name.to_owned());
        }
        for (key, value) in args
            .object("ExpressionAttributeValues")?
            .into_iter()
            .flatten()
        {
            if !placeholder(key, ':') {
                return Err(Fault::validation(format!(
                    "ExpressionAttributeValues contains invalid key: Syntax error; key: \"{key}\""
                )));
            }
            let value = Value::from_json(value).map_err(|fault| {
                Fault::validation(format!(
                    "ExpressionAttributeValues contains invalid value: {} for key {key}",
                    fault.message
                ))
            })?;
            bindings.values.insert(key.clone(), value);
        }
        Ok(bindings)
    }

    /// Returns the condition or filter of a call, if it has one.
    ///
    /// # Errors
    /// `ValidationException` with the position of the error.
    pub fn condition(&mut self, args: Args<'_>, kind: Kind) -> Result<Option<Condition>, Fault> {
        self.parsed(args, kind, |parser| parser.condition())
    }

    /// Returns the update of a call, if it has one.
    ///
    /// # Errors
    /// `ValidationException` with the position of the error.
    pub fn update(&mut self, args: Args<'_>) -> Result<Option<Update>, Fault> {
        self.parsed(args, Kind::Update, |parser| parser.update())
    }

    /// Returns the projection of a call, if it has one.
    ///
    /// # Errors
    /// `ValidationException` with the position of the error.
    pub fn projection(&mut self, args: Args<'_>) -> Result<Option<Projection>, Fault> {
        self.parsed(args, Kind::Projection, |parser| parser.projection())
    }

    /// Checks at the end that every placeholder was used.
    ///
    /// # Errors
    /// `ValidationException` that names those that were not.
    pub fn all_used(self) -> Result<(), Fault> {
        for (member, keys) in [
            (
                "ExpressionAttributeNames",
                self.names.keys().collect::<Vec<_>>(),
            ),
            (
                "ExpressionAttributeValues",
                self.values.keys().collect::<Vec<_>>(),
            ),
        ] {
            let unused: Vec<&str> = keys
                .into_iter()
                .filter(|key| !self.used.contains(*key))
                .map(String::as_str)
                .collect();
            if !unused.is_empty() {
                return Err(Fault::validation(format!(
                    "Value provided in {member} unused in expressions: keys: {{{}}}",
                    unused.join(", ")
                )));
            }
        }
        Ok(())
    }

    fn parsed<T>(
        &mut self,
        args: Args<'_>,
        kind: Kind,
        read: impl FnOnce(&mut Parser<'_>) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        let Some(text) = args.text(kind.member())? else {
            return Ok(None);
        };
        if text.trim().is_empty() {
            return Err(kind.invalid("The expression can not be empty;"));
        }
        if text.len() > MAX_LENGTH {
            return Err(kind.invalid(format_args!(
                "Expression size has exceeded the maximum allowed size; expression size: {}",
                text.len()
            )));
        }
        let mut parser = Parser::new(kind, text, self)?;
        let parsed = read(&mut parser)?;
        parser.end()?;
        Ok(Some(parsed))
    }

    fn name(&mut self, key: &str, kind: Kind) -> Result<String, Fault> {
        self.used.insert(key.to_owned());
        self.names.get(key).cloned().ok_or_else(|| {
            kind.invalid(format_args!(
                "An expression attribute name used in the document path is not defined; attribute name: {key}"
            ))
        })
    }

    fn value(&mut self, key: &str, kind: Kind) -> Result<Value, Fault> {
        self.used.insert(key.to_owned());
        self.values.get(key).cloned().ok_or_else(|| {
            kind.invalid(format_args!(
                "An expression attribute value used in expression is not defined; attribute value: {key}"
            ))
        })
    }
}

fn placeholder(key: &str, mark: char) -> bool {
    key.strip_prefix(mark).is_some_and(|rest| {
        !rest.is_empty()
            && rest
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || char == '_')
    })
}

fn reserved(word: &str) -> bool {
    RESERVED
        .lines()
        .any(|reserved| reserved.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests;
