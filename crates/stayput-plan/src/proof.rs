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
use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_fabric::Change;
use stayput_fabric::Fabric;
use stayput_fabric::Source;
use stayput_fabric::Verdict;

use crate::Action;
use crate::Goal;
use crate::Obstacle;
use crate::OverlayKind;
use crate::Step;
use crate::StepId;
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
    /// After this step; `None`: now.
    pub after: Option<StepId>,
    /// Addresses delivered, by site.
    pub delivered: BTreeMap<SiteName, usize>,
    /// Addresses not delivered, by verdict.
    pub undelivered: BTreeMap<String, usize>,
    /// The way of a packet from on-prem to each class of addresses.
    pub traces: Vec<ClassTrace>,
}

/// The way of a packet to any address of a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassTrace {
    /// The address that stands for the class.
    pub representative: Ipv4Addr,
    /// How many addresses are in it.
    pub addresses: usize,
    /// By these nodes.
    pub path: Vec<String>,
    /// Ending so.
    pub verdict: String,
}

/// A time in which addresses are not reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hole {
    /// The step that opens it; `None`: it is open now.
    pub opens: Option<StepId>,
    /// The step that closes it; `None`: it stays open.
    pub closes: Option<StepId>,
    /// How many addresses are in it.
    pub addresses: usize,
    /// What happens to packets in it.
    pub what: String,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (classes, states) = (self.classes, self.states.len());
        let loops_now = self.states.first().is_some_and(|state| {
            let mut verdicts = state.undelivered.keys();
            verdicts.any(|verdict| verdict.starts_with("loop"))
        });
        let loops = if loops_now {
            "no new loops"
        } else {
            "no loops"
        };
        write!(
            f,
            "proof: {} addresses in {classes} classes × {states} states: {loops}, no wrong site, ",
            self.addresses
        )?;
        match self.holes.as_slice() {
            [] => write!(f, "no holes"),
            [_] => write!(f, "1 hole"),
            many => write!(f, "{} holes", many.len()),
        }
    }
}

/// One group of steps between two states.
struct Transition {
    /// Its first and last step; `None`: the present.
    steps: Option<(StepId, StepId)>,
    /// Whether it moves machines; otherwise it only changes where packets go.
    moves_machines: bool,
    changes: Vec<Change>,
}

/// A hole while it is open: since which step, and what happens in it.
type Opened = (Option<StepId>, String);

/// Proves the steps. The obstacles are what the proof refuses: a loop that a step makes; an address that a change of
/// routes takes away from who answers for it; a bystander that is harmed; an address that a step makes two machines
/// answer for; a machine unreachable at the end. What is wrong now already is listed as a hole: a plan may be the way out.
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
        .filter(|address| fabric.verdict(&source, *address).is_delivered())
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
    // One partition for all states, so that every state costs one trace for each class, however many addresses there are.
    let steps = transitions.iter().map(|transition| &*transition.changes);
    let classes = fabric.classes_across(all, steps);
    proof.classes = classes.len();
    let mut before: Vec<Option<Verdict>> = vec![None; classes.len()];
    let mut open: Vec<Option<Opened>> = vec![None; classes.len()];
    let mut holes: BTreeMap<(Opened, Option<StepId>), usize> = BTreeMap::new();
    let present = Transition {
        steps: None,
        moves_machines: true,
        changes: Vec::new(),
    };
    let mut twice = fabric.served_twice();
    for transition in std::iter::once(&present).chain(&transitions) {
        for change in &transition.changes {
            fabric.apply(change);
        }
        let (first, last) = transition.steps.clone().unzip();
        if transition.moves_machines && last.is_some() {
            let now_twice = fabric.served_twice();
            let made = now_twice.iter().filter(|(address, sites)| {
                movers.contains_key(address) && twice.get(address) != Some(sites)
            });
            obstacles.extend(made.map(|(address, sites)| Obstacle::Unsafe {
                state: state_after(last.as_ref()),
                from: source.to_string(),
                address: *address,
                verdict: served_at_once(sites),
            }));
            twice = now_twice;
        }
        let mut state = ProofState {
            after: last.clone(),
            delivered: BTreeMap::new(),
            undelivered: BTreeMap::new(),
            traces: Vec::new(),
        };
        for ((class, before), open) in classes.iter().zip(&mut before).zip(&mut open) {
            let trace = fabric.trace(&source, class.representative);
            let verdict = &trace.verdict;
            state.traces.push(ClassTrace {
                representative: class.representative,
                addresses: class.members.len(),
                path: trace.hops.iter().map(|hop| hop.at.to_string()).collect(),
                verdict: verdict.to_string(),
            });
            let members = class.members.len();
            match verdict.site().filter(|_| verdict.is_delivered()) {
                Some(site) => *state.delivered.entry(site.clone()).or_default() += members,
                None => *state.undelivered.entry(verdict.to_string()).or_default() += members,
            }
            let lost =
                before.as_ref().is_some_and(Verdict::is_delivered) && !verdict.is_delivered();
            let taken_away = lost && !transition.moves_machines;
            let is_loop = |verdict: &Verdict| matches!(verdict, Verdict::Loop { .. });
            let begins_to_loop =
                is_loop(verdict) && before.as_ref().is_some_and(|before| !is_loop(before));
            let unsafe_for_all = begins_to_loop || taken_away;
            for address in class.members.iter().filter(|_| unsafe_for_all || lost) {
                if !unsafe_for_all && !bystanders.contains(address) {
                    continue;
                }
                obstacles.insert(Obstacle::Unsafe {
                    state: state_after(last.as_ref()),
                    from: source.to_string(),
                    address: *address,
                    verdict: verdict.to_string(),
                });
            }
            if verdict.is_delivered() {
                if let Some(opened) = open.take() {
                    *holes.entry((opened, last.clone())).or_default() += members;
                }
            } else {
                open.get_or_insert_with(|| (first.clone(), in_a_hole(verdict)));
            }
            *before = Some(verdict.clone());
        }
        proof.states.push(state);
    }
    for (class, opened) in classes.iter().zip(open) {
        if let Some(opened) = opened {
            *holes.entry((opened, None)).or_default() += class.members.len();
        }
    }
    let at_the_end: BTreeMap<_, _> = classes
        .iter()
        .zip(&before)
        .flat_map(|(class, verdict)| class.members.iter().map(move |address| (*address, verdict)))
        .filter_map(|(address, verdict)| Some((address, verdict.as_ref()?)))
        .collect();
    proof.holes = holes
        .into_iter()
        .map(|(((opens, what), closes), addresses)| Hole {
            opens,
            closes,
            addresses,
            what,
        })
        .collect();
    obstacles.append(&mut unreached(survey, goal, &movers, &at_the_end));
    (proof, obstacles)
}

/// A state in a message.
fn state_after(step: Option<&StepId>) -> String {
    step.map_or_else(|| "now".to_owned(), |step| format!("after step {step}"))
}

/// What is wrong with an address that machines answer for at several sites.
fn served_at_once(sites: &BTreeSet<SiteName>) -> String {
    let sites: Vec<_> = sites.iter().map(SiteName::as_str).collect();
    format!("is answered for at {} at once", sites.join(" and "))
}

/// What happens to packets in a hole. When machines have moved and routes have not yet, that is no wrong turn: the
/// packets go where they went before, and nobody is there any more.
fn in_a_hole(verdict: &Verdict) -> String {
    match verdict {
        Verdict::WrongSite {
            delivered_to,
            lives_at,
            ..
        } => {
            format!("still sent to {delivered_to} while the machine is at {lives_at} already")
        }
        other => other.to_string(),
    }
}

/// Machines that would not be reached at their home when all is done.
fn unreached(
    survey: &Survey<'_>,
    goal: &Goal,
    movers: &BTreeMap<Ipv4Addr, String>,
    at_the_end: &BTreeMap<Ipv4Addr, &Verdict>,
) -> BTreeSet<Obstacle> {
    let Some(home) = home_after(goal) else {
        return BTreeSet::new();
    };
    movers
        .iter()
        .filter_map(|(address, label)| {
            let expected = survey.estate.network_of(*address).map(&home);
            let verdict = at_the_end.get(address);
            let arrives =
                verdict.is_some_and(|v| v.is_delivered() && v.site() == expected.as_ref());
            (!arrives).then(|| Obstacle::Unreachable {
                from: Source::OnPrem.to_string(),
                address: *address,
                label: label.clone(),
                verdict: verdict.map(ToString::to_string).unwrap_or_default(),
            })
        })
        .collect()
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
    let serve = |id: &InstanceId, site: &SiteName, serving: bool| -> Vec<Change> {
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
    let mut steps = steps.iter().peekable();
    while let Some(step) = steps.next() {
        match &step.action {
            Action::Cutover { .. } | Action::RestoreNics { .. } => {
                let kind = std::mem::discriminant(&step.action);
                let mut changes = of_machine(step, source, &serve);
                let mut last = step;
                while let Some(next) =
                    steps.next_if(|next| std::mem::discriminant(&next.action) == kind)
                {
                    changes.extend(of_machine(next, source, &serve));
                    last = next;
                }
                transitions.push(Transition {
                    steps: Some((step.id.clone(), last.id.clone())),
                    moves_machines: true,
                    changes,
                });
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
                let changes = stops.chain(starts).collect();
                transitions.push(Transition {
                    steps: Some((step.id.clone(), step.id.clone())),
                    moves_machines: true,
                    changes,
                });
            }
            action => {
                if let Some(change) = of_routing(action) {
                    transitions.push(Transition {
                        steps: Some((step.id.clone(), step.id.clone())),
                        moves_machines: false,
                        changes: vec![change],
                    });
                }
            }
        }
    }
    transitions
}

/// What a step of one machine changes.
fn of_machine(
    step: &Step,
    source: &SiteName,
    serve: &impl Fn(&InstanceId, &SiteName, bool) -> Vec<Change>,
) -> Vec<Change> {
    match &step.action {
        Action::Cutover { machine, .. } => serve(machine, source, false),
        Action::RestoreNics { site, machine } => serve(machine, site, true),
        _ => Vec::new(),
    }
}

/// What a step changes about where packets go, if it moves no machine.
fn of_routing(action: &Action) -> Option<Change> {
    match action {
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
            Some(Change::Erp {
                site: site.clone(),
                scope,
                cidr: *cidr,
                present: *present,
            })
        }
        Action::TgwRoute {
            region,
            table,
            cidr,
            to,
            ..
        } => Some(Change::TgwRoute {
            region: region.clone(),
            table: table.clone(),
            cidr: *cidr,
            target: to.clone(),
        }),
        Action::EnsureSubnet {
            site,
            kind: OverlayKind::Production,
            network,
            cidr,
            ..
        } => Some(Change::Subnet {
            site: site.clone(),
            cidr: *cidr,
            name: network.to_string(),
            present: true,
        }),
        Action::Capture { .. }
        | Action::EnsureFlowVpc { .. }
        | Action::EnsureSubnet { .. }
        | Action::Replicate { .. }
        | Action::Cutover { .. }
        | Action::RestoreNics { .. }
        | Action::Categorize { .. }
        | Action::ProtectionPolicy { .. }
        | Action::RecoveryPlan { .. }
        | Action::AwaitRecoveryPoints { .. }
        | Action::RunRecovery { .. }
        | Action::Verify { .. } => None,
    }
}
