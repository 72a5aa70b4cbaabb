//! Checks of a recovery plan job before it changes anything (Prism reference §6.6, §7).

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::prism::members::Member;
use crate::prism::members::StageMembers;
use crate::prism::members::replaced_originals;
use crate::prism::model::Action;
use crate::prism::model::Finding;
use crate::prism::model::FindingGroup;
use crate::prism::model::Job;
use crate::prism::model::Nic;
use crate::prism::model::Plan;
use crate::prism::pairing;
use crate::prism::placement::Direction;
use crate::prism::placement::Occupancy;
use crate::prism::placement::PlacementError;
use crate::prism::protection;
use crate::state::LabState;

/// Validates a job. The findings have no ids yet.
pub fn validate(
    lab: &LabState,
    target: usize,
    plan_id: &str,
    plan: &Plan,
    job: &Job,
    stages: &[StageMembers],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let source = pairing::peer(lab, target, &job.source);
    let reachable = source.is_some_and(|source| pairing::connected(lab, target, source));
    match job.action {
        Action::Validate | Action::Planned if !reachable => {
            findings.push(Finding::error(
                FindingGroup::Connectivity,
                "The source location cannot be reached",
                Vec::new(),
                [
                    "The Prism Centrals are not paired, or the connection between them is down",
                    "Restore the connection, or run an unplanned failover",
                    "No entity can be migrated",
                ],
            ));
            return findings;
        }
        Action::Validate | Action::Planned | Action::Unplanned | Action::Test => {}
    }
    check_members(lab, source, job, stages, &mut findings);
    if job.action == Action::Test {
        check_test_copies(lab, target, plan_id, &mut findings);
    }
    let direction = Direction {
        plan,
        source,
        target,
        forward: plan.primary == job.source,
        test: job.action == Action::Test,
    };
    check_networks(lab, &direction, stages, &mut findings);
    findings
}

fn named(members: &[&Member]) -> Vec<(String, String)> {
    members
        .iter()
        .map(|member| (member.id.clone(), member.vm.name.clone()))
        .collect()
}

/// Finds empty stages, VMs named twice, and VMs without protection or recovery point.
fn check_members(
    lab: &LabState,
    source: Option<usize>,
    job: &Job,
    stages: &[StageMembers],
    findings: &mut Vec<Finding>,
) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, stage) in stages.iter().enumerate() {
        if stage.members.is_empty() {
            findings.push(Finding::warning(
                FindingGroup::Entity,
                &format!("No entity found for recovery for a stage {}.", index + 1),
                Vec::new(),
                [
                    "Category has no members",
                    "Assign the category to the VMs of the stage",
                    &format!("No entity will be recovered for stage {}", index + 1),
                ],
            ));
        }
        for member in &stage.members {
            *seen.entry(member.id.as_str()).or_default() += 1;
        }
    }
    if stages.is_empty() {
        findings.push(Finding::warning(
            FindingGroup::Entity,
            "The recovery plan has no stages.",
            Vec::new(),
            [
                "No stage is defined",
                "Add a stage",
                "No entity will be recovered",
            ],
        ));
    }
    let members: BTreeMap<&str, &Member> = stages
        .iter()
        .flat_map(|stage| &stage.members)
        .map(|member| (member.id.as_str(), member))
        .collect();
    let which = |test: &dyn Fn(&Member) -> bool| -> Vec<&Member> {
        members
            .values()
            .copied()
            .filter(|member| test(member))
            .collect()
    };

    let twice = which(&|member| seen.get(member.id.as_str()).is_some_and(|times| *times > 1));
    if !twice.is_empty() {
        findings.push(Finding::warning(
            FindingGroup::Entity,
            "Entities are part of more than one stage.",
            named(&twice),
            [
                "An entity is named more than once, explicitly or by category",
                "Name each entity in one stage only",
                "The entity is recovered with the first stage that has it",
            ],
        ));
    }
    let policies = |member: &Member| {
        source.map_or(0, |source| {
            let there = &lab.pcs[source];
            there.vms.get(&member.id).map_or(0, |vm| {
                protection::policies_of(there, &member.id, vm).count()
            })
        })
    };
    let unprotected = which(&|member| member.live && policies(member) == 0);
    if !unprotected.is_empty() {
        findings.push(Finding::error(
            FindingGroup::Entity,
            "Entities are not protected by any protection policy.",
            named(&unprotected),
            [
                "No protection policy has a category of the entity",
                "Add the entity's category to a protection policy",
                "The entity cannot be recovered",
            ],
        ));
    }
    let twice_protected = which(&|member| member.live && policies(member) > 1);
    if !twice_protected.is_empty() {
        findings.push(Finding::error(
            FindingGroup::Entity,
            "Entities are protected by more than one protection policy.",
            named(&twice_protected),
            [
                "Several protection policies match the entity",
                "Leave the entity in one protection policy",
                "The entity cannot be recovered",
            ],
        ));
    }
    let without_point = which(&|member| !member.has_point);
    // A planned failover takes a final point of every VM; a validation without an action only warns.
    if !without_point.is_empty() && job.action != Action::Planned {
        findings.push(Finding::new(
            job.action != Action::Validate,
            FindingGroup::RecoveryPoint,
            "No recovery point is available for entities.",
            named(&without_point),
            [
                "No recovery point of the entity has been replicated to the recovery location",
                "Wait until the first recovery point is replicated",
                "The entity cannot be recovered from a recovery point",
            ],
        ));
    }
    if members.is_empty() && matches!(job.action, Action::Unplanned | Action::Test) {
        findings.push(Finding::error(
            FindingGroup::RecoveryPoint,
            "No recovery point is available for any entity of the recovery plan.",
            Vec::new(),
            [
                "Nothing of the recovery plan has been replicated to the recovery location",
                "Wait until the first recovery points are replicated",
                "No entity can be recovered",
            ],
        ));
    }
}

fn check_test_copies(lab: &LabState, target: usize, plan_id: &str, findings: &mut Vec<Finding>) {
    let left: Vec<(String, String)> = lab.pcs[target]
        .vms
        .iter()
        .filter(|(_, vm)| vm.test_of.as_deref() == Some(plan_id))
        .map(|(id, vm)| (id.clone(), vm.name.clone()))
        .collect();
    if !left.is_empty() {
        findings.push(Finding::error(
            FindingGroup::Entity,
            "Entities of an earlier test failover have not been cleaned up.",
            left,
            [
                "The last test failover was not cleaned up",
                "Run clean-up-resources",
                "A test failover cannot be run",
            ],
        ));
    }
}

/// Finds missing networks and addresses that would be lost.
fn check_networks(
    lab: &LabState,
    direction: &Direction<'_>,
    stages: &[StageMembers],
    findings: &mut Vec<Finding>,
) {
    let replaced_originals = if direction.test {
        BTreeSet::new()
    } else {
        replaced_originals(lab, direction.target, stages)
    };
    let mut occupancy = Occupancy::of(&lab.pcs[direction.target], &replaced_originals);
    let (mut unmapped, mut no_target, mut lost) = (Vec::new(), Vec::new(), Vec::new());
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for member in stages.iter().flat_map(|stage| &stage.members) {
        if !done.insert(&member.id) {
            continue;
        }
        let mut problems = BTreeSet::new();
        for nic in &member.vm.nics {
            match direction.place(lab, &occupancy, &member.names, nic) {
                Ok(place) => {
                    if place.lost {
                        problems.insert(0);
                    }
                    occupancy.add(&Nic {
                        subnet: place.subnet,
                        address: place.address,
                        secondary: place.secondary,
                        ..nic.clone()
                    });
                }
                Err(PlacementError::Unmapped) => {
                    problems.insert(1);
                }
                Err(PlacementError::NoTarget) => {
                    problems.insert(2);
                }
            }
        }
        for problem in problems {
            match problem {
                0 => lost.push(member),
                1 => unmapped.push(member),
                _ => no_target.push(member),
            }
        }
    }
    if !unmapped.is_empty() {
        findings.push(Finding::error(
            FindingGroup::Network,
            "Network mapping is missing for networks of one or more VMs",
            named(&unmapped),
            [
                "The network of a NIC is in no network mapping of the recovery plan",
                "Add a network mapping",
                "The NIC cannot be recovered",
            ],
        ));
    }
    if !no_target.is_empty() {
        let kind = if direction.test { "test" } else { "recovery" };
        findings.push(Finding::error(
            FindingGroup::Network,
            &format!(
                "The {kind} network of one or more VMs does not exist at the recovery location"
            ),
            named(&no_target),
            [
                "A network mapping has no network for this direction, or the network was not found",
                "Create the network and name it in the network mapping",
                "The NIC cannot be recovered",
            ],
        ));
    }
    if !lost.is_empty() {
        findings.push(Finding::warning(
            FindingGroup::Network,
            "IP address cannot be preserved for one or more VMs",
            named(&lost),
            [
                "Target network has a different prefix, the address is in use there, or IP mapping is not enabled",
                "Map to a subnet with the same CIDR where the address is free, with isIpMappingEnabled",
                "VM may recover with another address",
            ],
        ));
    }
}

impl Finding {
    fn error(
        group: FindingGroup,
        message: &str,
        vms: Vec<(String, String)>,
        analysis: [&str; 3],
    ) -> Self {
        Self::new(true, group, message, vms, analysis)
    }

    fn warning(
        group: FindingGroup,
        message: &str,
        vms: Vec<(String, String)>,
        analysis: [&str; 3],
    ) -> Self {
        Self::new(false, group, message, vms, analysis)
    }

    fn new(
        error: bool,
        group: FindingGroup,
        message: &str,
        vms: Vec<(String, String)>,
        [cause, remedy, impact]: [&str; 3],
    ) -> Self {
        Self {
            id: String::new(),
            group,
            error,
            message: message.to_owned(),
            vms,
            analysis: (cause.to_owned(), remedy.to_owned(), impact.to_owned()),
        }
    }
}
