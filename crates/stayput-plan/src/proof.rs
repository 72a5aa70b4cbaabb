//! The proof of a plan: where packets go in every state between now and done.
//!
//! Each step's effect is applied to the fabric in plan order, and every address is traced from on-prem, one trace for each
//! class of addresses that behave alike. Steps that touch one machine each (cutover, NICs) are judged as a group: a
//! machine's own steps are the only ones among them that touch its addresses, so "before" and "after" cover every mix.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::SiteName;
use stayput_fabric::Change;
use stayput_fabric::Fabric;
use stayput_fabric::Source;
use stayput_fabric::Verdict;

use crate::Action;
use crate::Goal;
use crate::Obstacle;
use crate::Step;
use crate::step::ErpScope;
use crate::step::RecoveryRun;
use crate::survey::Survey;

/// Where packets go in every state of a plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// Addresses traced.
    pub addresses: usize,
    /// Classes of addresses that behave alike.
    pub classes: usize,
    /// The states, the present first.
    pub states: Vec<ProofState>,
    /// Times in which addresses are not reached.
    pub holes: Vec<Hole>,
}

/// One state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProofState {
    /// After what.
    pub after: String,
    /// Addresses delivered, by site.
    pub delivered: BTreeMap<SiteName, usize>,
    /// Addresses not delivered, by verdict.
    pub undelivered: BTreeMap<String, usize>,
}

/// A time in which addresses are not reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hole {
    /// What opens it.
    pub opens: String,
    /// What closes it; `None`: it was open before and stays so.
    pub closes: Option<String>,
    /// How many addresses are in it.
    pub addresses: usize,
    /// What happens to packets in it.
    pub verdict: String,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (classes, states) = (self.classes, self.states.len());
        write!(
            f,
            "proof: {} addresses in {classes} classes × {states} states: no loops, no wrong site, ",
            self.addresses
        )?;
        match self.holes.as_slice() {
            [] => write!(f, "no holes"),
            [one] => write!(f, "1 hole ({one})"),
            many => write!(f, "{} holes", many.len()),
        }
    }
}

impl fmt::Display for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let closes = self.closes.as_deref().unwrap_or("—");
        write!(
            f,
            "{} → {closes}: {} addresses, {}",
            self.opens, self.addresses, self.verdict
        )
    }
}

/// One group of steps between two states.
struct Transition {
    label: String,
    /// Whether it moves machines; otherwise it only changes where packets go.
    moves_machines: bool,
    changes: Vec<Change>,
}

/// Proves the steps. The obstacles are what the proof refuses: a loop in any state; an address that a change of routes
/// takes away from its machine, to a site where it is not; a bystander that is harmed; a machine unreachable at the end.
pub fn prove(survey: &Survey<'_>, steps: &[Step], goal: &Goal) -> (Proof, BTreeSet<Obstacle>) {
    let mut fabric = Fabric::new(survey.estate, survey.world);
    let source = Source::OnPrem;
    let movers = running_addresses(survey);
    let transitions = transitions(survey, steps);
    // Addresses that nobody answers for now, and that are no machine's of this goal, prove nothing.
    let bystanders: BTreeSet<_> = fabric
        .addresses_of_interest()
        .into_iter()
        .filter(|address| !movers.contains_key(address))
        .filter(|address| fabric.trace(&source, *address).verdict.is_delivered())
        .collect();
    let all: BTreeSet<_> = movers
        .keys()
        .copied()
        .chain(bystanders.iter().copied())
        .collect();

    let mut obstacles = BTreeSet::new();
    let mut proof = Proof {
        addresses: all.len(),
        ..Proof::default()
    };
    let mut before: BTreeMap<Ipv4Addr, Verdict> = BTreeMap::new();
    let mut open: BTreeMap<Ipv4Addr, (String, String)> = BTreeMap::new();
    let mut holes: BTreeMap<(String, Option<String>, String), usize> = BTreeMap::new();
    let start = Transition {
        label: "now".to_owned(),
        moves_machines: true,
        changes: Vec::new(),
    };
    for transition in std::iter::once(&start).chain(&transitions) {
        for change in &transition.changes {
            fabric.apply(change);
        }
        let mut state = ProofState {
            after: transition.label.clone(),
            delivered: BTreeMap::new(),
            undelivered: BTreeMap::new(),
        };
        let classes = fabric.classes(all.iter().copied());
        proof.classes = proof.classes.max(classes.len());
        for class in classes {
            let verdict = fabric.trace(&source, class.representative).verdict;
            match verdict.site().filter(|_| verdict.is_delivered()) {
                Some(site) => {
                    *state.delivered.entry(site.clone()).or_default() += class.members.len()
                }
                None => {
                    *state.undelivered.entry(verdict.to_string()).or_default() +=
                        class.members.len()
                }
            }
            for address in class.members {
                let was_delivered = before.get(&address).is_some_and(Verdict::is_delivered);
                let strays = was_delivered && !verdict.is_delivered() && !transition.moves_machines;
                let harmed =
                    was_delivered && !verdict.is_delivered() && bystanders.contains(&address);
                if matches!(verdict, Verdict::Loop { .. }) || (strays && verdict.is_harmful()) || harmed {
                    obstacles.insert(Obstacle::Unsafe {
                        state: format!("after {}", transition.label),
                        from: source.to_string(),
                        address,
                        verdict: verdict.to_string(),
                    });
                }
                if verdict.is_delivered() {
                    if let Some((opens, what)) = open.remove(&address) {
                        *holes
                            .entry((opens, Some(transition.label.clone()), what))
                            .or_default() += 1;
                    }
                } else {
                    open.entry(address)
                        .or_insert_with(|| (transition.label.clone(), verdict.to_string()));
                }
                before.insert(address, verdict.clone());
            }
        }
        proof.states.push(state);
    }
    for (opens, what) in open.into_values() {
        *holes.entry((opens, None, what)).or_default() += 1;
    }
    proof.holes = holes
        .into_iter()
        .map(|((opens, closes, verdict), addresses)| Hole {
            opens,
            closes,
            addresses,
            verdict,
        })
        .collect();

    if let Some(home) = home_after(goal) {
        for (address, label) in &movers {
            let network = survey.estate.network_of(*address);
            let expected = network.map(|network| home(network));
            let verdict = before.get(address);
            let arrives =
                verdict.is_some_and(|v| v.is_delivered() && v.site() == expected.as_ref());
            if !arrives {
                obstacles.insert(Obstacle::Unreachable {
                    from: source.to_string(),
                    address: *address,
                    label: label.clone(),
                    verdict: verdict.map(ToString::to_string).unwrap_or_default(),
                });
            }
        }
    }
    (proof, obstacles)
}

type HomeOf<'g> = Box<dyn Fn(&stayput_estate::Network) -> SiteName + 'g>;

/// Where a network is served when the goal is reached; `None` when the goal moves nothing.
fn home_after(goal: &Goal) -> Option<HomeOf<'_>> {
    match goal {
        Goal::Move { .. } | Goal::Failback { .. } => {
            Some(Box::new(|network| network.primary.clone()))
        }
        Goal::Failover {
            to,
            mode: crate::FailoverMode::Planned,
            ..
        } => Some(Box::new(|_| to.clone())),
        Goal::Failover {
            mode: crate::FailoverMode::Test,
            ..
        }
        | Goal::Capture { .. }
        | Goal::Protect { .. } => None,
    }
}

/// Addresses of the goal's machines that run, with the machine's name.
fn running_addresses(survey: &Survey<'_>) -> BTreeMap<Ipv4Addr, String> {
    survey
        .machines
        .iter()
        .filter(|(id, _)| survey.runs(id))
        .flat_map(|(id, machine)| {
            machine
                .addresses()
                .map(move |address| (address, machine.label(id)))
        })
        .collect()
}

fn transitions(survey: &Survey<'_>, steps: &[Step]) -> Vec<Transition> {
    let source = &survey.estate.source.name;
    let serve = |id: &stayput_estate::InstanceId, site: &SiteName, serving: bool| -> Vec<Change> {
        let machine = survey.machines.get(id).filter(|_| survey.runs(id));
        let addresses = machine.into_iter().flat_map(|machine| machine.addresses());
        addresses
            .map(|address| Change::Serve {
                site: site.clone(),
                address,
                serving,
            })
            .collect()
    };
    let mut transitions: Vec<Transition> = Vec::new();
    let mut group =
        |label: &str, changes: Vec<Change>, moves_machines: bool, joins: bool| match transitions
            .last_mut()
        {
            Some(last) if joins && last.label == label => last.changes.extend(changes),
            _ => transitions.push(Transition {
                label: label.to_owned(),
                moves_machines,
                changes,
            }),
        };
    for step in steps {
        match &step.action {
            Action::Cutover { machine, .. } => {
                group("cutover", serve(machine, source, false), true, true)
            }
            Action::RestoreNics { site, machine } => {
                group("restore", serve(machine, site, true), true, true)
            }
            Action::RunRecovery {
                run: RecoveryRun::Planned,
                from,
                to,
                machines,
                ..
            } => {
                let stops = machines.iter().flat_map(|id| serve(id, from, false));
                let starts = machines.iter().flat_map(|id| serve(id, to, true));
                group(&step.id.0, stops.chain(starts).collect(), true, false);
            }
            Action::Erp {
                site,
                scope,
                cidr,
                present,
            } => {
                let scope = match scope {
                    ErpScope::User => stayput_fabric::ErpScope::UserVpc,
                    ErpScope::Transit => stayput_fabric::ErpScope::TransitVpc,
                };
                let change = Change::Erp {
                    site: site.clone(),
                    scope,
                    cidr: *cidr,
                    present: *present,
                };
                group(&step.id.0, vec![change], false, false);
            }
            Action::TgwRoute {
                region,
                table,
                cidr,
                to,
                ..
            } => {
                let change = Change::TgwRoute {
                    region: region.clone(),
                    table: table.clone(),
                    cidr: *cidr,
                    target: to.clone(),
                };
                group(&step.id.0, vec![change], false, false);
            }
            Action::EnsureSubnet {
                site,
                kind: crate::OverlayKind::Production,
                network,
                cidr,
                ..
            } => {
                let change = Change::Subnet {
                    site: site.clone(),
                    cidr: *cidr,
                    name: network.to_string(),
                    present: true,
                };
                group(&step.id.0, vec![change], false, false);
            }
            Action::Capture { .. }
            | Action::EnsureFlowVpc { .. }
            | Action::EnsureSubnet { .. }
            | Action::Replicate { .. }
            | Action::Categorize { .. }
            | Action::ProtectionPolicy { .. }
            | Action::RecoveryPlan { .. }
            | Action::AwaitRecoveryPoints { .. }
            | Action::RunRecovery { .. }
            | Action::Verify { .. } => {}
        }
    }
    transitions
}
