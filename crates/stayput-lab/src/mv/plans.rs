//! Migration plans: create, read, update, delete.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use serde_json::json;

use super::events;
use super::inventory;
use super::inventory::Workload;
use super::model::Phase;
use super::model::Plan;
use super::model::PlanVm;
use super::model::ProviderKind;
use super::providers;
use super::status;
use super::wire;
use super::wire::Answer;
use super::wire::Fault;
use crate::http::Request;
use crate::state::LabState;

/// Most VMs in a plan.
const MAX_VMS: usize = 50;

/// Plan states, as the integers of Move reference §7.
pub mod state {
    /// Created, not started.
    pub const UNINITIALIZED: u8 = 0;
    /// Guests are being prepared.
    pub const PREPARATION: u8 = 3;
    /// Copying, or ready to cut over.
    pub const IN_PROGRESS: u8 = 4;
    /// Suspended.
    pub const PAUSED: u8 = 5;
    /// Cancelled.
    pub const ABORTED: u8 = 6;
    /// All VMs have completed.
    pub const COMPLETED: u8 = 7;
    /// A VM failed and none is in progress.
    pub const FAILED: u8 = 8;
}

impl Plan {
    /// Whether the plan has ended.
    pub fn ended(&self) -> bool {
        matches!(
            self.state,
            state::ABORTED | state::COMPLETED | state::FAILED
        )
    }

    /// Whether the plan may be deleted.
    pub fn deletable(&self) -> bool {
        self.ended() || self.state == state::UNINITIALIZED
    }
}

/// `POST /plans`.
pub fn create(lab: &mut LabState, mv: usize, body: &Json) -> Result<Answer, Fault> {
    let plan = read(lab, mv, body, None)?;
    let id = lab.uuid();
    lab.moves[mv].plans.insert(id.clone(), plan);
    events::record(lab, mv, &id, None, "Migration plan created", None);
    get(lab, mv, &id).map(Answer::into_created)
}

/// `POST /plans/list`.
pub fn list(lab: &LabState, mv: usize, request: &Request, body: &Json) -> Answer {
    let asked = |name: &str| {
        request.query.iter().any(|(key, value)| {
            key.eq_ignore_ascii_case(name) && value.eq_ignore_ascii_case("true")
        })
    };
    let details = asked("IncludeVMDetails")
        || asked("IncludeEntityDetails")
        || wire::at(body, &["Spec", "IncludeVMDetails"]).and_then(Json::as_bool) == Some(true);
    let entities: Vec<Json> = lab.moves[mv]
        .plans
        .iter()
        .map(|(id, plan)| {
            json!({
                "MetaData": status::metadata(lab, mv, id, plan, details),
                "Spec": plan.spec,
                "Status": { "State": plan.state },
            })
        })
        .collect();
    Answer::ok(json!({
        "MetaData": { "Count": entities.len() },
        "Entities": wire::null_if_empty(entities),
    }))
}

/// `GET /plans/{id}`.
pub fn get(lab: &LabState, mv: usize, id: &str) -> Result<Answer, Fault> {
    let plan = find(lab, mv, id)?;
    Ok(Answer::ok(json!({
        "MetaData": status::metadata(lab, mv, id, plan, true),
        "Spec": plan.spec,
        "Status": { "State": plan.state },
    })))
}

/// `PUT /plans/{id}`.
pub fn update(lab: &mut LabState, mv: usize, id: &str, body: &Json) -> Result<Answer, Fault> {
    let plan = find(lab, mv, id)?;
    if plan.state != state::UNINITIALIZED {
        return Err(Fault::conflict(format!(
            "update not allowed in current state {}",
            status::state_name(plan.state)
        )));
    }
    let plan = read(lab, mv, body, Some(id))?;
    lab.moves[mv].plans.insert(id.to_owned(), plan);
    get(lab, mv, id)
}

/// `DELETE /plans/{id}`.
pub fn delete(lab: &mut LabState, mv: usize, id: &str) -> Result<Answer, Fault> {
    let plan = find(lab, mv, id)?;
    if !plan.deletable() {
        return Err(Fault::conflict(format!(
            "delete not allowed in current state {}",
            status::state_name(plan.state)
        )));
    }
    events::record(lab, mv, id, None, "Migration plan deleted", None);
    lab.moves[mv].plans.remove(id);
    Ok(Answer::ok(json!({})))
}

/// Returns a plan.
pub fn find<'a>(lab: &'a LabState, mv: usize, id: &str) -> Result<&'a Plan, Fault> {
    lab.moves[mv]
        .plans
        .get(id)
        .ok_or_else(|| Fault::not_found(format!("migration plan {id} does not exist")))
}

/// Returns the plan that contains a VM and has not ended, other than `except`.
pub fn active_with<'a>(
    lab: &'a LabState,
    mv: usize,
    vm: &str,
    except: Option<&str>,
) -> Option<&'a Plan> {
    lab.moves[mv]
        .plans
        .iter()
        .filter(|(id, plan)| Some(id.as_str()) != except && !plan.ended())
        .map(|(_, plan)| plan)
        .find(|plan| plan.vms.contains_key(vm))
}

/// Reads a plan. Everything it names must exist. `known` is the id of the plan that it replaces.
fn read(lab: &LabState, mv: usize, body: &Json, known: Option<&str>) -> Result<Plan, Fault> {
    let spec = wire::spec(body)?;
    let name = wire::need(spec, &["Name"])?.to_owned();
    if lab.moves[mv]
        .plans
        .iter()
        .any(|(id, other)| Some(id.as_str()) != known && other.name == name)
    {
        return Err(Fault::conflict(format!(
            "a migration plan named {name} exists"
        )));
    }
    let region = source(lab, mv, spec)?;
    check_target(lab, mv, spec)?;
    let mappings = mappings(lab, mv, spec)?;
    let requested = wire::list(spec, &["Workload", "VMs"]);
    if requested.is_empty() || requested.len() > MAX_VMS {
        return Err(Fault::unprocessable(format!(
            "a migration plan has 1 to {MAX_VMS} VMs, not {}",
            requested.len()
        )));
    }
    let workloads = inventory::all(lab, Some(&region));
    let mut vms = BTreeMap::new();
    for requested in requested {
        let workload = workload(&workloads, requested)?;
        let key = inventory::key(workload.id);
        if let Some(other) = active_with(lab, mv, &key, known) {
            return Err(Fault::conflict(format!(
                "VM {} is already in the migration plan {}",
                workload.name(),
                other.name
            )));
        }
        if !workload.eligible() {
            return Err(Fault::unprocessable(format!(
                "VM {} cannot be migrated: its architecture is {}",
                workload.name(),
                workload.instance.architecture
            )));
        }
        if let Some(network) = workload
            .networks()
            .into_iter()
            .find(|network| !mappings.contains_key(*network))
        {
            return Err(Fault::unprocessable(format!(
                "the source network {network} of VM {} is not mapped",
                workload.name()
            )));
        }
        let vm = PlanVm {
            instance: workload.id.to_owned(),
            name: workload.name().to_owned(),
            phase: Phase::NotStarted,
            bytes: workload.instance.disk_bytes,
            seeding_from: None,
            seeding_until: None,
            synced: None,
            due: None,
            generation: 0,
            was_running: false,
            test_vm: None,
            vm: None,
            error: None,
            fate: None,
        };
        if vms.insert(key, vm).is_some() {
            return Err(Fault::unprocessable(format!(
                "VM {} is in the plan twice",
                workload.name()
            )));
        }
    }
    Ok(Plan {
        name,
        spec: spec.clone(),
        region,
        mappings,
        prepares: 0,
        state: state::UNINITIALIZED,
        created: lab.now(),
        paused_at: None,
        vms,
    })
}

/// Returns the source region.
fn source(lab: &LabState, mv: usize, spec: &Json) -> Result<String, Fault> {
    let id = wire::need(spec, &["SourceInfo", "ProviderUUID"])?;
    match lab.moves[mv].providers.get(id).map(|found| &found.kind) {
        Some(ProviderKind::Aws { .. }) => {}
        Some(ProviderKind::Aos { .. }) | None => {
            return Err(Fault::unprocessable(format!(
                "source provider {id} is not an AWS provider"
            )));
        }
    }
    let region = wire::need(spec, &["SourceInfo", "AWSProviderAttrs", "RegionID"])?;
    if lab.aws.regions.contains_key(region) {
        Ok(region.to_owned())
    } else {
        Err(Fault::unprocessable(format!("unknown region {region}")))
    }
}

fn check_target(lab: &LabState, mv: usize, spec: &Json) -> Result<(), Fault> {
    let id = wire::need(spec, &["TargetInfo", "ProviderUUID"])?;
    match providers::find(lab, mv, id).map(|found| &found.kind) {
        Ok(ProviderKind::Aos { .. }) => {}
        Ok(ProviderKind::Aws { .. }) | Err(_) => {
            return Err(Fault::unprocessable(format!(
                "target provider {id} is not an AOS provider"
            )));
        }
    }
    let cluster = wire::need(spec, &["TargetInfo", "AOSProviderAttrs", "ClusterUUID"])?;
    let container = wire::need(spec, &["TargetInfo", "AOSProviderAttrs", "ContainerUUID"])?;
    let known = lab
        .pcs
        .get(lab.moves[mv].pc)
        .map(|pc| pc.cluster.0.as_str());
    if known != Some(cluster) {
        Err(Fault::unprocessable(format!(
            "target cluster {cluster} does not exist"
        )))
    } else if providers::container(cluster) != container {
        Err(Fault::unprocessable(format!(
            "target container {container} does not exist"
        )))
    } else {
        Ok(())
    }
}

/// Returns the target subnet by source network; one for each VPC.
fn mappings(lab: &LabState, mv: usize, spec: &Json) -> Result<BTreeMap<String, String>, Fault> {
    let check = |network: &str| -> Result<(), Fault> {
        let known = lab
            .pcs
            .get(lab.moves[mv].pc)
            .and_then(|pc| pc.subnets.get(network))
            .is_some_and(|subnet| !subnet.external);
        if known {
            Ok(())
        } else {
            Err(Fault::unprocessable(format!(
                "target network {network} does not exist"
            )))
        }
    };
    let mut mappings = BTreeMap::new();
    for mapping in wire::list(spec, &["NetworkMappings"]) {
        let source = wire::need(mapping, &["SourceNetworkID"])?;
        let target = wire::need(mapping, &["TargetNetworkID"])?;
        check(target)?;
        if let Some(test) = wire::text(mapping, &["TestNetworkID"]) {
            if test == target {
                return Err(Fault::unprocessable(
                    "test network must not be the same as the target network",
                )
                .numbered(wire::SAME_TEST_NETWORK));
            }
            check(test)?;
        }
        if mappings
            .insert(source.to_owned(), target.to_owned())
            .is_some()
        {
            return Err(Fault::unprocessable(format!(
                "source network {source} is mapped twice"
            )));
        }
    }
    Ok(mappings)
}

/// Returns the test subnet by source network, for those that have one.
pub fn test_mappings(plan: &Plan) -> BTreeMap<&str, &str> {
    wire::list(&plan.spec, &["NetworkMappings"])
        .iter()
        .filter_map(|mapping| {
            Some((
                wire::text(mapping, &["SourceNetworkID"])?,
                wire::text(mapping, &["TestNetworkID"])?,
            ))
        })
        .collect()
}

fn workload<'a, 'b>(
    workloads: &'b [Workload<'a>],
    requested: &Json,
) -> Result<&'b Workload<'a>, Fault> {
    let key = wire::need(requested, &["VMReference", "UUID"])?;
    let found = workloads
        .iter()
        .find(|workload| inventory::key(workload.id) == key)
        .ok_or_else(|| Fault::unprocessable(format!("VM {key} does not exist at the source")))?;
    match wire::text(requested, &["VMReference", "VMID"]) {
        Some(id) if id != found.id => Err(Fault::unprocessable(format!(
            "VM {key} is {}, not {id}",
            found.id
        ))),
        Some(_) | None => Ok(found),
    }
}
