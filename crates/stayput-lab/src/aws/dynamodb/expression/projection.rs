//! Projections.

use std::collections::BTreeMap;

use super::Kind;
use super::Path;
use super::Step;
use crate::aws::dynamodb::value::Item;
use crate::aws::dynamodb::value::Value;
use crate::aws::json::Fault;

/// The projected paths of an item, as a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Projection {
    attributes: BTreeMap<String, Self>,
    indices: BTreeMap<usize, Self>,
}

impl Projection {
    /// Creates a projection of paths that do not overlap.
    ///
    /// # Errors
    /// `ValidationException` when two paths overlap.
    pub fn of(paths: Vec<Path>) -> Result<Self, Fault> {
        for (index, one) in paths.iter().enumerate() {
            if let Some(two) = paths[index + 1..].iter().find(|two| one.overlaps(two)) {
                return Err(Kind::Projection.invalid(format_args!(
                    "Two document paths overlap with each other; must remove or rewrite one of these paths; \
                     path one: {one}, path two: {two}"
                )));
            }
        }
        let mut root = Self::default();
        for path in paths {
            let mut node = &mut root;
            for step in path.0 {
                node = match step {
                    Step::Attribute(name) => node.attributes.entry(name).or_default(),
                    Step::Index(index) => node.indices.entry(index).or_default(),
                };
            }
        }
        Ok(root)
    }

    /// Returns the projected part of an item.
    pub fn item(&self, item: &Item) -> Item {
        self.attributes
            .iter()
            .filter_map(|(name, below)| Some((name.clone(), below.value(item.get(name)?)?)))
            .collect()
    }

    fn value(&self, value: &Value) -> Option<Value> {
        if self.attributes.is_empty() && self.indices.is_empty() {
            return Some(value.clone());
        }
        match value {
            Value::M(map) => {
                let part = self.item(map);
                (!part.is_empty()).then_some(Value::M(part))
            }
            Value::L(list) => {
                let part: Vec<Value> = self
                    .indices
                    .iter()
                    .filter_map(|(index, below)| below.value(list.get(*index)?))
                    .collect();
                (!part.is_empty()).then_some(Value::L(part))
            }
            Value::S(_)
            | Value::N(_)
            | Value::B(_)
            | Value::Bool(_)
            | Value::Null
            | Value::Ss(_)
            | Value::Ns(_)
            | Value::Bs(_) => None,
        }
    }
}
