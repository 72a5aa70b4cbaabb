//! Whether a goal that the engine calls reached is reached, by the lab's own state.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::Estate;
use stayput_estate::Network;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_lab::aws::model::InstanceState;
use stayput_lab::state::LabState;
use stayput_messages::Message;
use stayput_plan::FailoverMode;
use stayput_plan::Goal;

use super::truth::Holder;
use super::truth::Machine;
use super::truth::Truth;
use super::truth::addresses_of_vm;

/// What is missing of a goal.
pub(crate) fn not_reached(
    lab: &LabState,
    truth: &Truth,
    goal: &Goal,
    estate: &Estate,
) -> Vec<Message> {
    let machines = machines(truth, goal, estate);
    match goal {
        Goal::Capture { .. } => Vec::new(),
        Goal::Move { .. } | Goal::Failback { .. } => {
            at_network_site(lab, truth, &machines, estate, |network| {
                Some(&network.primary)
            })
        }
        Goal::Failover {
            to,
            mode: FailoverMode::Planned | FailoverMode::Unplanned,
            ..
        } => machines
            .iter()
            .flat_map(|(id, machine, _)| not_at(lab, truth, id, machine, to.as_str()))
            .collect(),
        Goal::Failover {
            to,
            mode: FailoverMode::Test,
            ..
        } => {
            let site = lab.pcs.iter().find(|site| site.name == to.as_str());
            let copies = site.into_iter().flat_map(|site| &site.vms);
            copies
                .filter(|(_, vm)| vm.test_of.is_some())
                .map(|(_, vm)| {
                    Message::new("broken-test-copy-left")
                        .with("vm", &vm.name)
                        .with("site", to)
                })
                .collect()
        }
        Goal::Protect { .. } => machines
            .iter()
            .filter_map(|(id, machine, network)| {
                let network = estate.networks.get(network)?;
                let recovery = network.recovery.as_ref()?;
                not_protected(
                    lab,
                    id,
                    machine,
                    [network.primary.as_str(), recovery.as_str()],
                )
            })
            .collect(),
        Goal::Rollback { of, .. } => match &**of {
            Goal::Move { .. } => machines
                .iter()
                .flat_map(|(id, machine, _)| not_in_ec2(lab, truth, id, machine))
                .collect(),
            Goal::Failover {
                mode: FailoverMode::Planned | FailoverMode::Unplanned,
                ..
            } => at_network_site(lab, truth, &machines, estate, |network| {
                Some(&network.primary)
            }),
            Goal::Failback { .. } => at_network_site(lab, truth, &machines, estate, |network| {
                network.recovery.as_ref()
            }),
            // They move no machine.
            Goal::Capture { .. }
            | Goal::Protect { .. }
            | Goal::Failover {
                mode: FailoverMode::Test,
                ..
            }
            | Goal::CleanUp { .. }
            | Goal::Rollback { .. } => Vec::new(),
        },
        Goal::CleanUp { site, .. } => {
            let Some(pc) = lab.pcs.iter().position(|pc| pc.name == site.as_str()) else {
                return Vec::new();
            };
            let stale = lab.pcs[pc]
                .vms
                .iter()
                .filter(|(id, vm)| vm.on && lab.pcs[pc].stale.contains(*id));
            stale
                .map(|(_, vm)| {
                    Message::new("broken-old-vm-runs")
                        .with("vm", &vm.name)
                        .with("site", site)
                })
                .collect()
        }
    }
}

/// Why machines are not at that site of their networks.
fn at_network_site(
    lab: &LabState,
    truth: &Truth,
    machines: &[(&str, &Machine, NetworkName)],
    estate: &Estate,
    site: impl Fn(&Network) -> Option<&SiteName>,
) -> Vec<Message> {
    machines
        .iter()
        .filter_map(|(id, machine, network)| {
            let site = site(estate.networks.get(network)?)?;
            Some(not_at(lab, truth, id, machine, site.as_str()))
        })
        .flatten()
        .collect()
}

/// Whether the addresses on record are enough when a goal is reached. After a rollback of a move the machine is in EC2, where a person may
/// have assigned more, which the next move captures; what was captured may not be lost.
pub(crate) fn are_kept(goal: &Goal, has: &BTreeSet<Ipv4Addr>, machine: &Machine) -> bool {
    match goal {
        Goal::Rollback { of, .. } if matches!(**of, Goal::Move { .. }) => {
            !has.is_empty() && has.is_subset(&machine.addresses)
        }
        // Nothing is on record of machines that a killed capture did not reach.
        Goal::Rollback { of, .. } if matches!(**of, Goal::Capture { .. }) => {
            has.is_subset(&machine.addresses)
        }
        _ => *has == machine.addresses,
    }
}

/// Whether packets from on-prem reach the machines of a goal at the site where it brings them.
pub(crate) fn brings_packets(goal: &Goal) -> bool {
    match goal {
        Goal::Move { canaries, .. } => canaries.is_empty(),
        Goal::Failover { mode, .. } => *mode != FailoverMode::Test,
        Goal::Failback { .. } => true,
        Goal::Rollback { of, .. } => brings_packets(of),
        Goal::Capture { .. } | Goal::Protect { .. } | Goal::CleanUp { .. } => false,
    }
}

/// The machines that a goal is about, with the network of each.
pub(crate) fn machines<'t>(
    truth: &'t Truth,
    goal: &Goal,
    estate: &Estate,
) -> Vec<(&'t str, &'t Machine, NetworkName)> {
    let (canaries, left) = match goal {
        Goal::Move {
            canaries,
            leave_out,
            ..
        } => (canaries.clone(), leave_out.clone()),
        _ => (BTreeSet::new(), BTreeSet::new()),
    };
    // The rollback of a move is about what returns; machines that other runs brought stay where they are, whatever befalls their site.
    let returns = |id: &str| match goal {
        Goal::Rollback { of, did, .. } if matches!(**of, Goal::Move { .. }) => {
            did.machines.keys().any(|machine| machine.as_str() == id)
        }
        _ => true,
    };
    let is_named = |names: &BTreeSet<String>, id: &str, machine: &Machine| {
        names.contains(id) || names.contains(&machine.name)
    };
    let mut found = Vec::new();
    for (id, machine) in &truth.machines {
        let network = goal.networks().iter().find(|name| {
            let network = estate.networks.get(*name);
            network.is_some_and(|network| {
                machine
                    .addresses
                    .iter()
                    .any(|address| network.cidr.contains(*address))
            })
        });
        let Some(network) = network else {
            continue;
        };
        if (canaries.is_empty() || is_named(&canaries, id, machine))
            && !is_named(&left, id, machine)
            && returns(id)
        {
            found.push((id.as_str(), machine, network.clone()));
        }
    }
    found
}

/// Why a machine is not at a site with exactly its own addresses, running if it ran, and alone.
fn not_at(lab: &LabState, truth: &Truth, id: &str, machine: &Machine, site: &str) -> Vec<Message> {
    let mut wrong = Vec::new();
    let name = format!("{} ({id})", machine.name);
    let Some(pc) = lab.pcs.iter().position(|pc| pc.name == site) else {
        return vec![Message::new("broken-no-site").with("site", site)];
    };
    let own = lab.pcs[pc].vms.iter().filter(|(vm_id, vm)| {
        vm.test_of.is_none() && Truth::instance_of(lab, pc, vm_id).as_deref() == Some(id)
    });
    let own: Vec<_> = own.collect();
    let current: Vec<_> = own
        .iter()
        .filter(|(_, vm)| {
            let runs = vm.on == machine.ran || machine.power_open;
            runs && addresses_of_vm(vm) == machine.addresses
        })
        .collect();
    if current.is_empty() {
        let seen: Vec<_> = own
            .iter()
            .map(|(_, vm)| (vm.on, addresses_of_vm(vm)))
            .collect();
        wrong.push(
            Message::new("broken-not-at-site")
                .with("machine", &name)
                .with("site", site)
                .with("addresses", format_args!("{:?}", machine.addresses))
                .with("ran", machine.ran)
                .with("vms", format_args!("{seen:?}")),
        );
    }
    let holders = truth.holders(lab);
    wrong.extend(answered_by_others(lab, truth, &holders, &name, machine));
    for address in machine.addresses.iter().filter(|_| machine.ran) {
        for holder in holders.get(address).into_iter().flatten() {
            if let Holder::Instance { id, .. } = holder {
                wrong.push(
                    Message::new("broken-answered-by-instance")
                        .with("address", address)
                        .with("instance", id),
                );
            }
        }
    }
    // What a region does that is down cannot be known.
    let regions = lab.aws.regions.iter();
    for (_, region) in regions.filter(|(name, _)| !lab.aws.down_regions.contains(*name)) {
        if let Some(instance) = region.instances.get(id)
            && instance.state == InstanceState::Running
        {
            wrong.push(Message::new("broken-source-runs").with("machine", &name));
        }
    }
    wrong
}

/// Addresses of a machine that ran which another one answers for.
fn answered_by_others(
    lab: &LabState,
    truth: &Truth,
    holders: &BTreeMap<Ipv4Addr, Vec<Holder>>,
    name: &str,
    machine: &Machine,
) -> Vec<Message> {
    let mut wrong = Vec::new();
    for address in machine.addresses.iter().filter(|_| machine.ran) {
        for holder in holders.get(address).into_iter().flatten() {
            if !truth.is_owner(lab, *address, holder) {
                wrong.push(
                    Message::new("broken-answered-by-other")
                        .with("address", address)
                        .with("machine", name)
                        .with("holder", holder.name()),
                );
            }
        }
    }
    wrong
}

/// Why a machine is not in EC2 again, running if it ran, and alone.
fn not_in_ec2(lab: &LabState, truth: &Truth, id: &str, machine: &Machine) -> Vec<Message> {
    let mut wrong = Vec::new();
    let name = format!("{} ({id})", machine.name);
    let mut instances = lab.aws.regions.values();
    let runs = instances.any(|region| {
        let instance = region.instances.get(id);
        instance.is_some_and(|instance| instance.state == InstanceState::Running)
    });
    if machine.ran && !runs {
        wrong.push(Message::new("broken-not-running-in-ec2").with("machine", &name));
    }
    for (pc, site) in lab.pcs.iter().enumerate() {
        for (vm_id, vm) in site.vms.iter().filter(|(_, vm)| vm.on) {
            if Truth::instance_of(lab, pc, vm_id).as_deref() == Some(id) {
                wrong.push(
                    Message::new("broken-also-runs")
                        .with("machine", &name)
                        .with("vm", &vm.name)
                        .with("site", &site.name),
                );
            }
        }
    }
    let holders = truth.holders(lab);
    wrong.extend(answered_by_others(lab, truth, &holders, &name, machine));
    wrong
}

/// Whether a machine has no recovery point at the site where it does not run; of a machine that is off, at the site where its VM is not.
fn not_protected(lab: &LabState, id: &str, machine: &Machine, sites: [&str; 2]) -> Option<Message> {
    let [one, other] = sites.map(|site| lab.pcs.iter().position(|pc| pc.name == site));
    let (one, other) = (one?, other?);
    let mut own = Vec::new();
    for (here, there) in [(one, other), (other, one)] {
        let vms = lab.pcs[here].vms.iter();
        let vms =
            vms.filter(|(vm_id, _)| Truth::instance_of(lab, here, vm_id).as_deref() == Some(id));
        own.extend(vms.map(|(vm_id, vm)| (there, vm_id, vm.on)));
    }
    let runs = own.iter().any(|(.., on)| *on);
    let mut own = own.into_iter().filter(|(.., on)| *on || !runs);
    let has_points = |(there, vm, _): (usize, &String, bool)| {
        let points = lab.pcs[there].points_of.get(vm);
        points.is_some_and(|points| !points.is_empty())
    };
    (!own.any(has_points)).then(|| {
        Message::new("broken-no-recovery-point")
            .with("name", &machine.name)
            .with("machine", id)
    })
}
