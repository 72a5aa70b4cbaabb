//! How long each network is expected to be unreachable: an estimate from named durations, for the operator to choose a window by.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_messages::Message;

use crate::Action;
use crate::Phase;
use crate::Step;
use crate::StepId;
use crate::step::ErpScope;
use crate::step::RecoveryRun;
use crate::survey::Survey;

/// Seconds Move takes to stop a guest, copy the rest, import it and start the VM: "minutes" (Move reference §10, documented without a
/// figure). Cutovers of a phase run side by side.
const CUTOVER: u64 = 300;
/// Seconds to add one NIC and delete one: two tasks (inferred).
const RESTORE: u64 = 15;
/// Restores that run side by side, as the engine does by default.
const RESTORES_AT_ONCE: u64 = 16;
/// Seconds a recovery plan takes to stop, sync, restore and start its machines: minutes (Prism reference §6, inferred).
const RECOVERY: u64 = 600;
/// Seconds a guest takes to shut down on NC2, and its instance to start in EC2: minutes (inferred). Machines of a phase go side by side.
const RETURN: u64 = 180;
/// Seconds until NC2 has written a prefix into the tables of the AWS VPC (AWS reference §4, inferred).
const PREFIX: u64 = 60;
/// Seconds until packets follow a Transit Gateway route (AWS reference §1.5, memory).
const ROUTE: u64 = 10;

/// The time in which a network's machines are off, or on and not reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// The network.
    pub network: NetworkName,
    /// The first step that stops one of its machines.
    pub opens: StepId,
    /// The step after which on-prem reaches all of them again.
    pub closes: StepId,
    /// How long that is expected to take. An estimate: no duration in it was measured in a real estate.
    pub seconds: u64,
}

/// The outages that these steps make, by network.
pub(crate) fn outages(survey: &Survey<'_>, steps: &[Step]) -> Vec<Outage> {
    let networks: BTreeMap<&InstanceId, BTreeSet<&NetworkName>> = survey
        .machines
        .iter()
        .map(|(id, machine)| (id, machine.nics.iter().map(|nic| &nic.network).collect()))
        .collect();
    let of = |id: &InstanceId| networks.get(id).into_iter().flatten().copied();
    let mut opens: BTreeMap<&NetworkName, &StepId> = BTreeMap::new();
    let (mut cutovers, mut recoveries, mut returns, mut restores) = (false, false, false, 0);
    for step in steps.iter().filter(|step| step.phase == Phase::CutOver) {
        match &step.action {
            Action::Cutover { machine, .. } => {
                cutovers = true;
                for network in of(machine) {
                    opens.entry(network).or_insert(&step.id);
                }
            }
            Action::RunRecovery {
                run: RecoveryRun::Planned | RecoveryRun::Unplanned,
                machines,
                ..
            } => {
                recoveries = true;
                for network in machines.iter().flat_map(of) {
                    opens.entry(network).or_insert(&step.id);
                }
            }
            Action::RestoreNics { machine, nics, .. } => {
                restores += 1;
                if survey.runs(machine) && !nics.interrupted().is_empty() {
                    for network in of(machine) {
                        opens.entry(network).or_insert(&step.id);
                    }
                }
            }
            Action::ShutDown { machine, .. } => {
                returns = true;
                for network in of(machine) {
                    opens.entry(network).or_insert(&step.id);
                }
            }
            _ => {}
        }
    }
    let machines = [
        u64::from(cutovers) * CUTOVER,
        u64::from(recoveries) * RECOVERY,
        u64::from(returns) * RETURN,
        u64::div_ceil(restores, RESTORES_AT_ONCE) * RESTORE,
    ];
    let machines: u64 = machines.iter().sum();
    let mut found = Vec::new();
    for (network, opens) in opens {
        let Some(definition) = survey.estate.networks.get(network) else {
            continue;
        };
        // Routes are written one after the other, so those of networks before this one are waited for.
        let (mut seconds, mut closed) = (machines, None);
        let mut so_far = machines;
        for step in steps.iter().filter(|step| step.phase == Phase::Route) {
            let cidr = match &step.action {
                Action::TgwRoute { cidr, .. } => {
                    so_far += ROUTE;
                    cidr
                }
                Action::Erp {
                    scope: ErpScope::Transit,
                    cidr,
                    ..
                } => {
                    so_far += PREFIX;
                    cidr
                }
                _ => continue,
            };
            if definition.cidr.covers(*cidr) || cidr.covers(definition.cidr) {
                (seconds, closed) = (so_far, Some(&step.id));
            }
        }
        let last = steps.iter().rfind(|step| step.phase == Phase::CutOver);
        let Some(closes) = closed.or(last.map(|step| &step.id)) else {
            continue;
        };
        found.push(Outage {
            network: network.clone(),
            opens: opens.clone(),
            closes: closes.clone(),
            seconds,
        });
    }
    found
}

/// A duration as people say it when it is an estimate.
pub(crate) fn about(seconds: u64) -> Message {
    match seconds {
        0..90 => Message::new("about-seconds").count("seconds", seconds),
        90..5400 => Message::new("about-minutes").count("minutes", seconds.div_ceil(60)),
        _ => Message::new("about-hours").count("hours", seconds.div_ceil(3600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_rounded_up_to_what_people_say() {
        let cases = [
            (45, "about 45 s"),
            (301, "about 6 min"),
            (7200, "about 2 h"),
        ];
        for (seconds, text) in cases {
            assert_eq!(about(seconds).to_string(), text);
        }
    }
}
