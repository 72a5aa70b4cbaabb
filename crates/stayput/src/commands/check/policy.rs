//! The least statements of an IAM policy that are missing.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Serialize;
use stayput_engine::ObjectRight;
use stayput_estate::Region;
use stayput_world::World;

use super::access::Row;
use super::access::is_denied;

/// One statement of a policy, as IAM writes it.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Statement {
    effect: &'static str,
    action: BTreeSet<String>,
    resource: BTreeSet<String>,
}

impl Statement {
    fn allow(action: BTreeSet<String>, resource: BTreeSet<String>) -> Self {
        Self {
            effect: "Allow",
            action,
            resource,
        }
    }
}

/// The statements that would add every right that is missing: reads on everything, because EC2 knows no resources for them; writes on their
/// objects.
pub(super) fn statements(world: &World, systems: &[Row], rights: &[ObjectRight]) -> Vec<Statement> {
    let mut reads: BTreeSet<String> = systems
        .iter()
        .flat_map(|row| row.rights_denied.iter().cloned())
        .collect();
    let mut writes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for denied in rights.iter().filter(|of| is_denied(&of.right)) {
        let action = denied.right.action.clone();
        match super::access::is_write(&action) {
            true => {
                let resources = [Some(&denied.resource), denied.other_resource.as_ref()];
                let arns = resources.into_iter().flatten();
                let arns = arns.map(|resource| arn(world, &denied.region, resource));
                writes.entry(action).or_default().extend(arns);
            }
            false => {
                reads.insert(action);
            }
        }
    }
    // Calls about the same objects share a statement.
    let mut shared: BTreeMap<BTreeSet<String>, BTreeSet<String>> = BTreeMap::new();
    for (action, resources) in writes {
        shared.entry(resources).or_default().insert(action);
    }
    let all = BTreeSet::from(["*".to_owned()]);
    let reads = (!reads.is_empty()).then(|| Statement::allow(reads, all));
    let writes = shared
        .into_iter()
        .map(|(resources, actions)| Statement::allow(actions, resources));
    reads.into_iter().chain(writes).collect()
}

fn arn(world: &World, region: &Region, resource: &str) -> String {
    let seen = world.aws.get(region).and_then(|seen| seen.account.as_ref());
    let account = seen.map_or("*", |account| account.as_str());
    format!("arn:aws:ec2:{region}:{account}:{resource}")
}
