//! Which machines are replicated together.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::InstanceId;
use stayput_world::AwsRegion;

use crate::names;

/// A wave: one value of the tag, or machines by id.
pub(crate) struct Wave {
    pub(crate) name: String,
    pub(crate) select: Select,
}

pub(crate) enum Select {
    Tag { key: String, value: String },
    Ids(BTreeSet<InstanceId>),
}

/// One wave for each value of a tag, and one for the machines without it.
pub(crate) fn waves(seen: &AwsRegion, machines: &BTreeSet<&InstanceId>, key: &str) -> Vec<Wave> {
    let mut values: BTreeMap<&str, usize> = BTreeMap::new();
    let mut rest = BTreeSet::new();
    for id in machines {
        let instance = seen.instances.get(*id);
        let value = instance.and_then(|instance| instance.tags.get(key));
        match value.filter(|value| !value.is_empty()) {
            Some(value) => *values.entry(value).or_default() += 1,
            None => {
                rest.insert((*id).clone());
            }
        }
    }
    let mut taken = BTreeSet::new();
    let mut found: Vec<_> = values
        .into_keys()
        .map(|value| {
            let name = names::name(&format!("wave-{value}"));
            let name = name.unwrap_or_else(|| "wave".to_owned());
            Wave {
                name: names::unique(&mut taken, &name),
                select: Select::Tag {
                    key: key.to_owned(),
                    value: value.to_owned(),
                },
            }
        })
        .collect();
    if !rest.is_empty() {
        found.push(Wave {
            name: names::unique(&mut taken, "other"),
            select: Select::Ids(rest),
        });
    }
    found
}
