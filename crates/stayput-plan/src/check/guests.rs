//! What captured guests say: how they differ from EC2, and what they lose on the NICs of the VM.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::Rule;
use stayput_guest::Advice;
use stayput_guest::Consequence;
use stayput_guest::GuestReport;
use stayput_guest::When;
use stayput_messages::Message;
use stayput_messages::list::first_of;
use stayput_world::Facts;
use stayput_world::GuestCapture;
use stayput_world::MachineFacts;

use super::CheckFinding;

/// Machines that a finding names before the rest is only counted.
const NAMED: usize = 5;

/// What was found in the guests of the machines of these networks, worst first. Machines that are VMs are not looked at: their guests have
/// started there already.
pub fn check_guests(
    facts: &Facts,
    names: &BTreeSet<NetworkName>,
    guests: &BTreeMap<InstanceId, GuestCapture>,
) -> BTreeSet<CheckFinding> {
    let mut found = BTreeSet::new();
    let mut not_captured: BTreeMap<&NetworkName, Vec<String>> = BTreeMap::new();
    for (id, machine) in machines_in_ec2(facts, names) {
        match guests.get(id) {
            Some(guest) => found.extend(of_guest(id, machine, guest)),
            None => {
                let mut networks = machine.nics.iter().map(|nic| &nic.network);
                let network = networks.find(|network| names.contains(*network));
                if let Some(network) = network {
                    let machines = not_captured.entry(network).or_default();
                    machines.push(machine.label(id));
                }
            }
        }
    }
    for (network, machines) in not_captured {
        let what = Message::new("check-guest-not-captured")
            .with("network", network)
            .count("count", machines.len())
            .part("machines", first_of(NAMED, machines));
        let object = network.as_str();
        found.insert(CheckFinding::new(Rule::GuestNotCaptured, object, what));
    }
    found
}

/// The machines of these networks that are their EC2 instances.
pub fn machines_in_ec2<'f>(
    facts: &'f Facts,
    names: &BTreeSet<NetworkName>,
) -> impl Iterator<Item = (&'f InstanceId, &'f MachineFacts)> {
    let machines = facts.machines.iter();
    machines
        .filter(|(id, _)| !facts.vms.contains_key(*id))
        .filter(|(_, machine)| machine.nics.iter().any(|nic| names.contains(&nic.network)))
        .map(|(id, machine)| (id, &**machine))
}

fn of_guest(id: &InstanceId, machine: &MachineFacts, guest: &GuestCapture) -> Vec<CheckFinding> {
    let label = machine.label(id);
    let of = |rule: Rule, problem: Message| {
        let what = Message::new("check-of-guest")
            .with("label", &label)
            .part("problem", problem);
        CheckFinding::new(rule, id.as_str(), what)
    };
    let report = match GuestReport::parse(&guest.output) {
        Ok(report) => report,
        Err(error) => {
            let problem = Message::new("check-guest-unreadable").with("why", error);
            return vec![of(Rule::GuestNotKnown, problem)];
        }
    };
    let of = |rule: Rule, problem: Message| {
        let what = match &report.captured_at {
            Some(at) => Message::new("check-of-guest-at")
                .with("label", &label)
                .with("at", at)
                .part("problem", problem),
            None => return of(rule, problem),
        };
        CheckFinding::new(rule, id.as_str(), what)
    };
    let mut found = Vec::new();
    for problem in &report.problems {
        let problem = Message::new("check-guest-value")
            .with("member", &problem.member)
            .with("why", &problem.why);
        found.push(of(Rule::GuestNotKnown, problem));
    }
    for difference in stayput_guest::compare(id, machine, &report) {
        let rule = match difference.is_unknown() {
            true => Rule::GuestNotKnown,
            false => Rule::GuestDiffers,
        };
        found.push(of(rule, difference.message()));
    }
    for advice in stayput_guest::advise(&report) {
        let Advice {
            path, line, fix, ..
        } = &advice;
        let problem = match (path, line) {
            (Some(path), Some(line)) => Message::new("check-guest-line")
                .part("problem", advice.message())
                .with("path", path)
                .with("line", line),
            (Some(path), None) => Message::new("check-guest-path")
                .part("problem", advice.message())
                .with("path", path),
            (None, _) => advice.message(),
        };
        let remedy = match fix.when {
            When::BeforeMove => Message::new("check-guest-before").part("note", fix.note.clone()),
            When::FirstBoot => Message::new("check-guest-after").part("note", fix.note.clone()),
        };
        found.push(CheckFinding {
            remedy: remedy.into(),
            commands: fix.commands.clone(),
            ..of(rule_of(&advice.consequence), problem)
        });
    }
    found
}

fn rule_of(consequence: &Consequence) -> Rule {
    match consequence {
        Consequence::LosesAddresses(_) => Rule::GuestLosesAddress,
        Consequence::LosesBoot => Rule::GuestLosesBoot,
        Consequence::LosesName | Consequence::LosesRoutes | Consequence::LosesDns => {
            Rule::GuestLosesSettings
        }
        Consequence::LosesService => Rule::GuestLosesService,
        Consequence::LosesNothingNow => Rule::GuestStaleSetting,
        Consequence::Unknown => Rule::GuestNotKnown,
    }
}
