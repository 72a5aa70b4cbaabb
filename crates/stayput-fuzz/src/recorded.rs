//! Seeds of the corpora that are recorded from the lab: requests, answers, a world, plans.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use stayput_ambient::Ambient;
use stayput_engine::saved::SavedWorld;
use stayput_estate::Estate;
use stayput_lab::Service;
use stayput_lab::faults::Call;

use crate::clients;
use crate::clients::Input;
use crate::requests;
use crate::stage::Scene;
use crate::stage::Stage;
use crate::stage::ambient;
use crate::stage::in_virtual_time;
use crate::wires::Recorded;
use crate::wires::Systems;

/// The largest recorded request or answer that becomes a seed, in bytes.
const SEED_BYTES_MAX: usize = 6 * 1024;

/// How many entries a map of a recorded world may have before it is shortened.
const ENTRIES_MAX: usize = 40;

/// A file of a corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// The target.
    pub target: &'static str,
    /// The name of the file.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Every seed that is recorded.
pub fn recorded() -> Vec<Seed> {
    let stage = Stage::get();
    let mut seeds = Vec::new();
    let wanted = wanted(&stage.estate, &stage.after);
    for (name, scene) in [("before", &stage.before), ("after", &stage.after)] {
        let mut world = serde_json::to_value(saved(stage, scene)).expect("it can be saved");
        shorten(&mut world, &wanted);
        seeds.push(json("world", name, &world));
    }
    for plan in &stage.plans {
        let name = format!("{:?}", plan.goal);
        let name = name.split(' ').next().unwrap_or_default().to_lowercase();
        seeds.push(json("plan", &name, plan));
    }
    let mut requests: BTreeMap<(&'static str, String), Vec<u8>> = BTreeMap::new();
    for one in &stage.calls {
        let scope = match one.service {
            Service::Aws => one.call.region.as_deref().zip(scope_of(&one.call)),
            Service::Prism(_) | Service::Move(_) => None,
        };
        let bytes = requests::write(&one.request, scope);
        let target = match one.service {
            Service::Aws => "lab_aws",
            Service::Prism(_) => "lab_prism",
            Service::Move(_) => "lab_move",
        };
        // A login has the password of the lab.
        if one.call.name.contains("login") || bytes.len() > SEED_BYTES_MAX {
            continue;
        }
        requests
            .entry((target, file_name(&one.call.name)))
            .or_insert(bytes);
    }
    seeds.extend(requests.into_iter().map(|((target, name), bytes)| Seed {
        target,
        name,
        bytes,
    }));
    seeds.extend(answers(stage));
    seeds
}

fn saved(stage: &Stage, scene: &Scene) -> SavedWorld {
    SavedWorld {
        observed: "2026-03-01T00:00:00Z".to_owned(),
        estate: stage.estate.name.clone(),
        world: (*scene.world).clone(),
        facts: (*scene.facts).clone(),
    }
}

/// The ids of the machines that move, and of what they have to do with.
fn wanted(estate: &Estate, scene: &Scene) -> BTreeSet<String> {
    // The interfaces in the VPCs of NC2 are next hops of routes.
    let vpcs = estate.sites.values().map(|site| &site.vpc);
    let vpcs = vpcs.chain([&estate.source.vpc]);
    let mut wanted: BTreeSet<_> = vpcs.map(ToString::to_string).collect();
    for (id, machine) in &scene.facts.machines {
        wanted.insert(id.to_string());
        wanted.extend(machine.nics.iter().map(|nic| nic.eni.to_string()));
    }
    let vms = scene.facts.vms.values().flat_map(|at| at.values());
    wanted.extend(vms.map(ToString::to_string));
    for prism in scene.world.prism.values() {
        for job in prism.jobs.values() {
            wanted.extend(job.recovered.values().map(ToString::to_string));
        }
        let plans = prism.recovery_plans.values();
        for mapping in plans.flat_map(|plan| &plan.mappings) {
            let subnets = [
                &mapping.primary,
                &mapping.recovery,
                &mapping.primary_test,
                &mapping.recovery_test,
            ];
            wanted.extend(subnets.into_iter().flatten().map(ToString::to_string));
        }
        // The subnets that connect Flow VPCs with the outside.
        for (id, subnet) in &prism.subnets {
            if subnet.external {
                wanted.insert(id.to_string());
            }
        }
        for policy in prism.policies.values() {
            wanted.extend(policy.categories.iter().map(ToString::to_string));
        }
    }
    wanted
}

/// Leaves out of long maps what has nothing to do with the machines that move, except two entries of each.
fn shorten(value: &mut Value, wanted: &BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if map.len() > ENTRIES_MAX {
                let mut others = 0;
                map.retain(|key, value| {
                    let text = format!("{key} {value}");
                    let is_wanted = wanted.iter().any(|id| text.contains(id.as_str()));
                    others += usize::from(!is_wanted);
                    is_wanted || others <= 2
                });
            }
            for value in map.values_mut() {
                shorten(value, wanted);
            }
        }
        Value::Array(values) => {
            for value in values {
                shorten(value, wanted);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn json(target: &'static str, name: &str, value: &impl Serialize) -> Seed {
    Seed {
        target,
        name: format!("{name}.json"),
        bytes: serde_json::to_vec(value).expect("it can be saved"),
    }
}

/// The service that an AWS call is signed for.
fn scope_of(call: &Call) -> Option<&str> {
    Some(call.service.as_str())
}

/// The name of a call as a file name.
fn file_name(call: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = call.chars().map(plain).collect();
    let parts: Vec<&str> = name.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-").to_lowercase()
}

/// For each operation of the clients, the answers that the lab gives to its calls.
fn answers(stage: &Stage) -> Vec<Seed> {
    let mut seen: BTreeMap<(&'static str, String), Seed> = BTreeMap::new();
    let mut keep = |target: &'static str, operation: &str, calls: Vec<Recorded>| {
        for one in calls {
            let name = &one.call.name;
            if name.contains("login") || one.response.body.len() > SEED_BYTES_MAX {
                continue;
            }
            let status = one.response.status;
            let bytes = Input::write(operation, status, name, &one.response.body);
            let seed = Seed {
                target,
                name: format!("{operation}-{}", file_name(name)),
                bytes,
            };
            // One seed for each call, by the first operation that makes it.
            seen.entry((target, name.clone())).or_insert(seed);
        }
    };
    for operation in clients::aws::OPERATIONS {
        keep("aws", operation, clients::aws::calls(stage, operation));
    }
    for operation in clients::prism::OPERATIONS {
        keep("prism", operation, clients::prism::calls(stage, operation));
    }
    for operation in clients::mv::OPERATIONS {
        keep("mv", operation, clients::mv::calls(stage, operation));
    }
    seen.into_values().collect()
}

/// The calls of one operation.
pub(crate) fn of_operation(
    stage: &Stage,
    operation: impl AsyncFnOnce(&Arc<Systems>, Ambient),
) -> Vec<Recorded> {
    in_virtual_time(async {
        let systems = Systems::recording(stage.after.lab());
        operation(&systems, ambient()).await;
        systems.record()
    })
}
