//! Recovery points: taken on schedule for VMs with a category of a policy, replicated, and kept for the policy's retention.

use std::time::Duration;

use crate::prism::PrismEvent;
use crate::prism::categories;
use crate::prism::model::PcState;
use crate::prism::model::RecoveryPoint;
use crate::prism::model::Schedule;
use crate::prism::model::Vm;
use crate::prism::pairing;
use crate::state;
use crate::state::LabState;

/// Time from the protection of a VM to its first recovery point.
const FIRST_POINT: Duration = Duration::from_secs(60);
/// Time from a recovery point to the completion of its replica; shorter when the RPO is.
const REPLICATION: Duration = Duration::from_secs(300);
/// How long replication waits while the other side cannot be reached.
const RETRY: Duration = Duration::from_secs(60);
/// Interval of a synchronous schedule (RPO 0): the lab has no continuous mirroring.
const SYNCHRONOUS_PERIOD_SECS: u64 = 60;

/// Returns the policies that protect a VM here, by id. Test copies and originals left behind by a failover are not protected.
pub fn policies_of<'a>(
    pc: &'a PcState,
    id: &str,
    vm: &'a Vm,
) -> impl Iterator<Item = &'a String> + use<'a> {
    let eligible = vm.test_of.is_none() && !pc.stale.contains(id);
    pc.policies
        .iter()
        .filter(move |(_, policy)| {
            eligible
                && policy
                    .categories
                    .iter()
                    .any(|category| vm.categories.contains(category))
        })
        .map(|(id, _)| id)
}

/// Starts the schedules of every VM.
pub fn protect_all(lab: &mut LabState, pc: usize) {
    let vms: Vec<String> = lab.pcs[pc].vms.keys().cloned().collect();
    for vm in vms {
        protect(lab, pc, &vm);
    }
}

/// Starts the schedules of a VM's categories, unless they run already.
pub fn protect(lab: &mut LabState, pc: usize, id: &str) {
    let state = &lab.pcs[pc];
    let Some(vm) = state.vms.get(id) else {
        return;
    };
    let wanted: Vec<(String, String, String)> = policies_of(state, id, vm)
        .filter_map(|policy| Some((policy, state.policies.get(policy)?)))
        .flat_map(|(policy_id, policy)| {
            policy
                .schedules
                .iter()
                .filter(|schedule| schedule.source == state.domain_manager)
                .map(move |schedule| (policy_id.clone(), schedule.target.clone()))
        })
        .map(|(policy, target)| (id.to_owned(), policy, target))
        .collect();
    for key in wanted {
        if lab.pcs[pc].schedules.insert(key.clone()) {
            let event = PrismEvent::TakePoint(key.0, key.1, key.2);
            lab.after(FIRST_POINT, state::LabEvent::Prism(pc, event));
        }
    }
}

/// A schedule is due: takes a recovery point and starts its replication, or ends when it no longer applies.
pub fn take_scheduled(lab: &mut LabState, pc: usize, vm: String, policy: String, target: String) {
    let state = &lab.pcs[pc];
    let schedule = state
        .vms
        .get(&vm)
        .filter(|machine| policies_of(state, &vm, machine).any(|id| *id == policy))
        .and_then(|_| schedule(state, &policy, &target))
        .cloned();
    let key = (vm, policy, target);
    let Some(schedule) = schedule else {
        lab.pcs[pc].schedules.remove(&key);
        return;
    };
    let (vm, policy, target) = key;
    let period = period(&schedule);
    // A site that is down takes no points; its schedule continues when it is up.
    if !lab.is_site_down(pc)
        && let Some(point) = take(lab, pc, &vm, &schedule)
        && target != lab.pcs[pc].domain_manager
    {
        let event = PrismEvent::Replicate(point, policy.clone(), target.clone());
        let delay = REPLICATION.min(period / 4);
        lab.after(delay, state::LabEvent::Prism(pc, event));
    }
    let event = PrismEvent::TakePoint(vm, policy, target);
    lab.after(period, state::LabEvent::Prism(pc, event));
}

fn schedule<'a>(pc: &'a PcState, policy: &str, target: &str) -> Option<&'a Schedule> {
    pc.policies
        .get(policy)?
        .schedules
        .iter()
        .find(|schedule| schedule.source == pc.domain_manager && schedule.target == target)
}

fn period(schedule: &Schedule) -> Duration {
    Duration::from_secs(match schedule.rpo_secs {
        0 => SYNCHRONOUS_PERIOD_SECS,
        secs => secs,
    })
}

/// Takes a recovery point of a VM now. Returns its id.
fn take(lab: &mut LabState, pc: usize, vm: &str, schedule: &Schedule) -> Option<String> {
    let snapshot = lab.pcs[pc].vms.get(vm)?.clone();
    let now = lab.now();
    let kept = u32::try_from(schedule.local.max(schedule.remote)).unwrap_or(u32::MAX);
    let point = RecoveryPoint {
        location_agnostic: lab.uuid(),
        vm: vm.to_owned(),
        snapshot,
        source: lab.pcs[pc].domain_manager.clone(),
        created: now,
        expires: now.after(period(schedule).saturating_mul(kept)),
    };
    let id = lab.uuid();
    keep(&mut lab.pcs[pc], id.clone(), point, schedule.local);
    Some(id)
}

/// A replica is due: copies the point to the target, or tries again while the target cannot be reached.
pub fn replicate(lab: &mut LabState, pc: usize, point: String, policy: String, target: String) {
    let state = &lab.pcs[pc];
    let (Some(found), Some(schedule)) = (
        state.recovery_points.get(&point).cloned(),
        schedule(state, &policy, &target).cloned(),
    ) else {
        return;
    };
    match pairing::peer(lab, pc, &target) {
        Some(peer) if pairing::connected(lab, pc, peer) => {
            receive(lab, pc, peer, found, schedule.remote);
        }
        Some(_) | None => {
            let event = PrismEvent::Replicate(point, policy, target);
            lab.after(RETRY, state::LabEvent::Prism(pc, event));
        }
    }
}

fn receive(lab: &mut LabState, from: usize, to: usize, mut point: RecoveryPoint, kept: usize) {
    point.snapshot.categories = point
        .snapshot
        .categories
        .iter()
        .filter_map(|category| categories::ensure_category(lab, from, to, category))
        .collect();
    let id = lab.uuid();
    keep(&mut lab.pcs[to], id, point, kept);
}

/// Takes a recovery point of a VM and copies it to the other side at once: the final synchronisation of a planned failover.
pub fn synchronise(lab: &mut LabState, from: usize, to: usize, vm: &str) {
    let (source, target) = (
        lab.pcs[from].domain_manager.clone(),
        lab.pcs[to].domain_manager.clone(),
    );
    let state = &lab.pcs[from];
    let Some(machine) = state.vms.get(vm) else {
        return;
    };
    let schedule = policies_of(state, vm, machine)
        .find_map(|policy| schedule(state, policy, &target))
        .cloned()
        .unwrap_or(Schedule {
            source,
            target,
            rpo_secs: 3600,
            local: 1,
            remote: 1,
        });
    if let Some(id) = take(lab, from, vm, &schedule)
        && let Some(point) = lab.pcs[from].recovery_points.get(&id).cloned()
    {
        receive(lab, from, to, point, schedule.remote);
    }
}

/// Stores a point and deletes the oldest ones of its VM beyond `kept`.
fn keep(pc: &mut PcState, id: String, point: RecoveryPoint, kept: usize) {
    let ids = pc.points_of.entry(point.vm.clone()).or_default();
    ids.push(id.clone());
    pc.recovery_points.insert(id, point);
    while ids.len() > kept.max(1) {
        let oldest = ids.remove(0);
        pc.recovery_points.remove(&oldest);
    }
}
