//! JSON and API of recovery points and protected resources (`dataprotection`, Prism reference §6.7).

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use crate::prism::answer::Answer;
use crate::prism::answer::Call;
use crate::prism::answer::Problem;
use crate::prism::model::RecoveryPoint;
use crate::prism::pairing;
use crate::prism::protection;
use crate::state::LabState;

/// The first dataprotection minor whose recovery points have their source location.
const SOURCE_LOCATION_SINCE: u32 = 2;

/// Serves `dataprotection/v4.N/config/recovery-points…`, read only.
///
/// # Errors
/// An unknown point or path.
pub fn serve(lab: &LabState, pc: usize, call: &Call<'_>, path: &[&str]) -> Answer {
    if call.request.method != "GET" {
        return Err(Problem::method(&call.request.method));
    }
    let points = &lab.pcs[pc].recovery_points;
    let find = |id: &str| {
        points
            .get(id)
            .ok_or_else(|| Problem::not_found("Recovery point", id))
    };
    match path {
        [] => {
            let peek = |(id, point): &(&String, &RecoveryPoint), path: &str| match path {
                "extId" => Some(json!(id)),
                "name" => Some(json!(name(point))),
                "creationTime" => Some(json!(point.created.rfc3339())),
                "status" => Some(json!("COMPLETE")),
                "locationAgnosticId" => Some(json!(point.location_agnostic)),
                _ => None,
            };
            call.list_by(points.iter().collect(), peek, |(id, point)| {
                render(lab, pc, call, id, point)
            })
        }
        [id] => Ok(call.entity(200, render(lab, pc, call, id, find(id)?), None)),
        [id, "vm-recovery-points", of_vm] => {
            let point = find(id)?;
            if vm_point_id(id) == *of_vm {
                Ok(call.entity(200, vm_point(call, id, point), None))
            } else {
                Err(Problem::not_found("VM recovery point", of_vm))
            }
        }
        _ => Err(Problem::no_route(&call.request.path)),
    }
}

fn name(point: &RecoveryPoint) -> String {
    format!("{}-{}", point.snapshot.name, point.created.rfc3339())
}

fn vm_point_id(point: &str) -> String {
    let name = format!("vm recovery point {point}");
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
}

fn vm_point(call: &Call<'_>, id: &str, point: &RecoveryPoint) -> Value {
    call.tag(
        "dataprotection.v4.config.VmRecoveryPoint",
        json!({
            "extId": vm_point_id(id),
            "locationAgnosticId": point.location_agnostic,
            "name": name(point),
            "creationTime": point.created.rfc3339(),
            "expirationTime": point.expires.rfc3339(),
            "status": "COMPLETE",
            "recoveryPointType": "CRASH_CONSISTENT",
            "hypervisorType": "AHV",
            "vmExtId": point.vm,
            "vmCategories": point.snapshot.categories,
        }),
    )
}

fn render(lab: &LabState, pc: usize, call: &Call<'_>, id: &str, point: &RecoveryPoint) -> Value {
    let mut json = json!({
        "extId": id,
        "locationAgnosticId": point.location_agnostic,
        "name": name(point),
        "creationTime": point.created.rfc3339(),
        "expirationTime": point.expires.rfc3339(),
        "status": "COMPLETE",
        "recoveryPointType": "CRASH_CONSISTENT",
        "locationReferences": [call.tag("dataprotection.v4.config.LocationReference", json!({
            "locationExtId": lab.pcs[pc].cluster.0,
        }))],
        "vmRecoveryPoints": [vm_point(call, id, point)],
    });
    if call.minor >= SOURCE_LOCATION_SINCE {
        let clusters: Vec<&str> = lab
            .pcs
            .iter()
            .filter(|other| other.domain_manager == point.source)
            .map(|other| other.cluster.0.as_str())
            .collect();
        json["sourceLocation"] = call.tag(
            "dataprotection.v4.config.DisasterRecoveryLocation",
            json!({"domainManagerExtId": point.source, "clusterExtIds": clusters}),
        );
    }
    call.tag("dataprotection.v4.config.RecoveryPoint", json)
}

/// Serves `dataprotection/v4.N/config/protected-resources/{vm}`.
///
/// # Errors
/// When the VM is not here or not protected.
pub fn protected_resource(lab: &LabState, pc: usize, call: &Call<'_>, id: &str) -> Answer {
    if call.request.method != "GET" {
        return Err(Problem::method(&call.request.method));
    }
    let state = &lab.pcs[pc];
    let unprotected = || Problem::not_found("Protected resource", id);
    let vm = state.vms.get(id).ok_or_else(unprotected)?;
    let site = |manager: &str, cluster: &str| {
        call.tag(
            "dataprotection.v4.config.DataProtectionSiteReference",
            json!({"domainManagerExtId": manager, "clusterExtId": cluster}),
        )
    };
    let cluster_of = |manager: &str| {
        lab.pcs
            .iter()
            .find(|other| other.domain_manager == manager)
            .map_or("", |other| other.cluster.0.as_str())
    };
    let own = state.domain_manager.as_str();
    let mut states = Vec::new();
    let mut sites: BTreeMap<&str, Value> = BTreeMap::new();
    sites.insert(own, recovery_info(lab, pc, call, id));
    for policy_id in protection::policies_of(state, id, vm) {
        let Some(policy) = state.policies.get(policy_id) else {
            continue;
        };
        for schedule in &policy.schedules {
            if schedule.source != own || schedule.target == own {
                continue;
            }
            let peer = pairing::peer(lab, pc, &schedule.target);
            let replica = peer
                .and_then(|peer| lab.pcs[peer].points_of.get(id))
                .is_some_and(|points| !points.is_empty());
            states.push(call.tag(
                "dataprotection.v4.config.ReplicationState",
                json!({
                    "protectionPolicyExtId": policy_id,
                    "recoveryPointObjectiveSeconds": schedule.rpo_secs,
                    "replicationStatus": if replica { "IN_SYNC" } else { "SYNCING" },
                    "targetSiteReference": site(&schedule.target, cluster_of(&schedule.target)),
                }),
            ));
            if let Some(peer) = peer {
                sites.insert(&schedule.target, recovery_info(lab, peer, call, id));
            }
        }
    }
    if states.is_empty() {
        return Err(unprotected());
    }
    let sites: Vec<Value> = sites
        .into_iter()
        .map(|(manager, info)| {
            call.tag(
                "dataprotection.v4.config.SiteProtectionInfo",
                json!({
                    "locationReference": site(manager, cluster_of(manager)),
                    "recoveryInfo": info,
                }),
            )
        })
        .collect();
    let categories: Vec<String> = vm
        .categories
        .iter()
        .filter_map(|category| state.categories.get(category))
        .map(|(key, value)| format!("{key}/{value}"))
        .collect();
    let resource = call.tag(
        "dataprotection.v4.config.ProtectedResource",
        json!({
            "extId": id,
            "entityExtId": id,
            "entityType": "VM",
            "sourceSiteReference": site(own, &state.cluster.0),
            "siteProtectionInfo": sites,
            "replicationStates": states,
            "categoryFqNames": categories,
        }),
    );
    Ok(call.entity(200, resource, None))
}

/// Returns the time range to which a site can restore a VM.
fn recovery_info(lab: &LabState, pc: usize, call: &Call<'_>, vm: &str) -> Value {
    let state = &lab.pcs[pc];
    let times: Vec<_> = state
        .points_of
        .get(vm)
        .into_iter()
        .flatten()
        .filter_map(|id| state.recovery_points.get(id))
        .map(|point| point.created)
        .collect();
    let ranges: Vec<Value> = match (times.first(), times.last()) {
        (Some(first), Some(last)) => vec![call.tag(
            "dataprotection.v4.config.RestorableTimeRange",
            json!({"startTime": first.rfc3339(), "endTime": last.rfc3339()}),
        )],
        _ => Vec::new(),
    };
    call.tag(
        "dataprotection.v4.config.RecoveryInfo",
        json!({"restorableTimeRanges": ranges}),
    )
}
