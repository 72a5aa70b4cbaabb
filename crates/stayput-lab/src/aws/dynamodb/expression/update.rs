//! Updates.

use std::collections::BTreeSet;

use super::Kind;
use super::Path;
use super::Step;
use crate::aws::dynamodb::number::Number;
use crate::aws::dynamodb::value::Item;
use crate::aws::dynamodb::value::Value;
use crate::aws::json::Fault;

/// An update: what to set, remove, add and delete.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Update {
    /// `SET path = term`.
    pub set: Vec<(Path, Term)>,
    /// `REMOVE path`.
    pub remove: Vec<Path>,
    /// `ADD path value`: a number is added, a set united.
    pub add: Vec<(Path, Value)>,
    /// `DELETE path value`: a set is subtracted.
    pub delete: Vec<(Path, Value)>,
}

/// The right-hand side of an assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// A value.
    Of(Source),
    /// `+`
    Sum(Source, Source),
    /// `-`
    Difference(Source, Source),
}

/// A value of an assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The item's value at the path.
    Path(Path),
    /// A constant.
    Value(Value),
    /// The item's value at the path, or the other when it is missing.
    IfNotExists(Path, Box<Self>),
    /// One list after another.
    Append(Box<Self>, Box<Self>),
}

impl Update {
    /// Returns the paths that it writes.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.set
            .iter()
            .map(|(path, _)| path)
            .chain(&self.remove)
            .chain(self.add.iter().map(|(path, _)| path))
            .chain(self.delete.iter().map(|(path, _)| path))
    }

    /// Checks that no two written paths overlap.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let paths: Vec<&Path> = self.paths().collect();
        for (index, one) in paths.iter().enumerate() {
            for two in &paths[index + 1..] {
                if one.overlaps(two) {
                    return Err(Kind::Update.invalid(format_args!(
                        "Two document paths overlap with each other; must remove or rewrite one of these paths; \
                         path one: {one}, path two: {two}"
                    )));
                }
                if one.conflicts(two) {
                    return Err(Kind::Update.invalid(format_args!(
                        "Two document paths conflict with each other; must remove or rewrite one of these paths; \
                         path one: {one}, path two: {two}"
                    )));
                }
            }
        }
        Ok(())
    }

    /// Returns the item after the update. All values are read from the item before it.
    ///
    /// # Errors
    /// `ValidationException` when a required attribute is missing or of the wrong type.
    pub fn apply(&self, before: &Item) -> Result<Item, Fault> {
        let mut after = before.clone();
        for (path, term) in &self.set {
            assign(&mut after, path, term.value(before)?)?;
        }
        for (path, value) in &self.add {
            let sum = match (path.resolve(before), value) {
                (None, value) => value.clone(),
                (Some(Value::N(old)), Value::N(value)) => {
                    Value::N(old.add(value).map_err(arithmetic)?)
                }
                (Some(Value::Ss(old)), Value::Ss(value)) => Value::Ss(old | value),
                (Some(Value::Ns(old)), Value::Ns(value)) => Value::Ns(old | value),
                (Some(Value::Bs(old)), Value::Bs(value)) => Value::Bs(old | value),
                (Some(_), _) => return Err(wrong_type()),
            };
            assign(&mut after, path, sum)?;
        }
        for (path, value) in &self.delete {
            let rest = match (path.resolve(before), value) {
                (None, _) => continue,
                (Some(Value::Ss(old)), Value::Ss(value)) => less(old, value).map(Value::Ss),
                (Some(Value::Ns(old)), Value::Ns(value)) => less(old, value).map(Value::Ns),
                (Some(Value::Bs(old)), Value::Bs(value)) => less(old, value).map(Value::Bs),
                (Some(_), _) => return Err(wrong_type()),
            };
            // A set is never empty: without elements the attribute is removed.
            match rest {
                Some(rest) => assign(&mut after, path, rest)?,
                None => remove(&mut after, path)?,
            }
        }
        // Removes later elements first, so that the other indices remain valid.
        let mut removals: Vec<&Path> = self.remove.iter().collect();
        removals.sort();
        for path in removals.into_iter().rev() {
            remove(&mut after, path)?;
        }
        Ok(after)
    }
}

impl Term {
    fn value(&self, item: &Item) -> Result<Value, Fault> {
        match self {
            Self::Of(source) => source.value(item),
            Self::Sum(a, b) => a
                .number(item)?
                .add(&b.number(item)?)
                .map(Value::N)
                .map_err(arithmetic),
            Self::Difference(a, b) => a
                .number(item)?
                .subtract(&b.number(item)?)
                .map(Value::N)
                .map_err(arithmetic),
        }
    }
}

impl Source {
    fn value(&self, item: &Item) -> Result<Value, Fault> {
        match self {
            Self::Path(path) => path.resolve(item).cloned().ok_or_else(|| {
                Fault::validation(
                    "The provided expression refers to an attribute that does not exist in the item",
                )
            }),
            Self::Value(value) => Ok(value.clone()),
            Self::IfNotExists(path, default) => match path.resolve(item) {
                Some(value) => Ok(value.clone()),
                None => default.value(item),
            },
            Self::Append(first, second) => match (first.value(item)?, second.value(item)?) {
                (Value::L(mut first), Value::L(second)) => {
                    first.extend(second);
                    Ok(Value::L(first))
                }
                _ => Err(wrong_type()),
            },
        }
    }

    fn number(&self, item: &Item) -> Result<Number, Fault> {
        match self.value(item)? {
            Value::N(number) => Ok(number),
            _ => Err(wrong_type()),
        }
    }
}

fn less<T: Ord + Clone>(old: &BTreeSet<T>, value: &BTreeSet<T>) -> Option<BTreeSet<T>> {
    let rest = old - value;
    (!rest.is_empty()).then_some(rest)
}

fn arithmetic(error: crate::aws::dynamodb::number::NumberError) -> Fault {
    Fault::validation(error.to_string())
}

fn wrong_type() -> Fault {
    Fault::validation("An operand in the update expression has an incorrect data type")
}

fn bad_path() -> Fault {
    Fault::validation("The document path provided in the update expression is invalid for update")
}

/// The container of the last step of a path: a map, or a list.
enum Parent<'a> {
    Map(&'a mut Item, &'a str),
    List(&'a mut Vec<Value>, usize),
}

fn parent<'a>(item: &'a mut Item, path: &'a Path) -> Option<Parent<'a>> {
    let (last, steps) = path.steps().split_last()?;
    let Some((Step::Attribute(first), between)) = steps.split_first() else {
        return match last {
            Step::Attribute(name) => Some(Parent::Map(item, name)),
            Step::Index(_) => None,
        };
    };
    let mut value = item.get_mut(first)?;
    for step in between {
        value = match (step, value) {
            (Step::Attribute(name), Value::M(map)) => map.get_mut(name)?,
            (Step::Index(index), Value::L(list)) => list.get_mut(*index)?,
            (Step::Attribute(_) | Step::Index(_), _) => return None,
        };
    }
    match (last, value) {
        (Step::Attribute(name), Value::M(map)) => Some(Parent::Map(map, name)),
        (Step::Index(index), Value::L(list)) => Some(Parent::List(list, *index)),
        (Step::Attribute(_) | Step::Index(_), _) => None,
    }
}

fn assign(item: &mut Item, path: &Path, value: Value) -> Result<(), Fault> {
    match parent(item, path).ok_or_else(bad_path)? {
        Parent::Map(map, name) => {
            map.insert(name.to_owned(), value);
        }
        // An index beyond the end appends.
        Parent::List(list, index) => match list.get_mut(index) {
            Some(element) => *element = value,
            None => list.push(value),
        },
    }
    Ok(())
}

/// Removing a missing value changes nothing, if its parent exists.
fn remove(item: &mut Item, path: &Path) -> Result<(), Fault> {
    match parent(item, path).ok_or_else(bad_path)? {
        Parent::Map(map, name) => {
            map.remove(name);
        }
        Parent::List(list, index) => {
            if index < list.len() {
                list.remove(index);
            }
        }
    }
    Ok(())
}
