//! The steps of a plan, judged one after the other.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::AddrRange;
use stayput_estate::SiteName;
use stayput_fabric::Fabric;
use stayput_fabric::Node;
use stayput_fabric::Reachability;
use stayput_fabric::RoundTrip;
use stayput_fabric::Shift;
use stayput_fabric::Source;
use stayput_fabric::Trace;

use super::Asymmetry;
use super::ClassTrace;
use super::Hole;
use super::Proof;
use super::ProofState;
use super::Shifted;
use super::ends::unreached;
use super::in_flight::harm_in_flight;
use super::transitions::Transition;
use super::transitions::transitions;
use super::words::brief;
use super::words::in_a_hole;
use super::words::says;
use crate::Goal;
use crate::Obstacle;
use crate::Step;
use crate::StepId;
use crate::fate::Claim;
use crate::fate::Fate;
use crate::fate::is_hypothetical;
use crate::fate::is_refused;
use crate::fate::is_refused_of_move;
use crate::survey::Survey;

/// Proves the steps. The obstacles are what the proof refuses: a loop that a step makes; packets that a change of routes sends to a
/// wrong site, or takes from who answers for them; a bystander that is harmed; an address that a step makes two machines answer for; a
/// machine that is not reached at the end. What is wrong now already is listed as a hole: a plan may be the way out.
pub(crate) fn prove(
    survey: &Survey<'_>,
    steps: &[Step],
    goal: &Goal,
) -> (Proof, BTreeSet<Obstacle>) {
    let movers = running_addresses(survey);
    let transitions = transitions(survey, steps);
    let fabric = survey.fabric();
    let left_out = survey.left_out_addresses();
    let matrix = matrix(fabric, &movers, &left_out, &transitions);
    let mut judge = Judge::new(matrix, &movers);
    for transition in &transitions {
        judge.judge(transition);
    }
    let mut obstacles = unreached(survey, goal, &movers, &judge.matrix, &judge.worked);
    let (proof, mut refused) = judge.finish();
    obstacles.append(&mut refused);
    (proof, obstacles)
}

/// Addresses of the goal's machines that run, with the machine's name.
pub(crate) fn running_addresses(survey: &Survey<'_>) -> BTreeMap<Ipv4Addr, String> {
    survey
        .machines
        .iter()
        .filter(|(id, _)| survey.moving.contains(*id) && survey.runs(id))
        .flat_map(|(id, machine)| {
            machine
                .addresses()
                .map(move |address| (address, machine.label(id)))
        })
        .collect()
}

/// Who sends, now or at the end, to the goal's machines and to whom anybody reaches now: an address that nobody answers for, and that
/// is no machine's of this goal, proves nothing; nor does one of a machine that is left out, whose network goes without it. One partition holds in all states, so that a step costs what it changes.
fn matrix(
    fabric: Fabric,
    movers: &BTreeMap<Ipv4Addr, String>,
    left_out: &BTreeSet<Ipv4Addr>,
    transitions: &[Transition],
) -> Reachability {
    let mut end = fabric.clone();
    for change in transitions.iter().flat_map(|step| &step.changes) {
        end.apply(change);
    }
    let mut sources = fabric.sources();
    let later = end.sources().into_iter();
    sources.extend(
        later
            .filter(|source| !sources.contains(source))
            .collect::<Vec<_>>(),
    );
    let others = fabric.addresses_of_interest().into_iter();
    let others =
        others.filter(|address| !movers.contains_key(address) && !left_out.contains(address));
    let others = fabric.classes(others);
    let reached = others.into_iter().filter(|class| {
        let mut senders = sources
            .iter()
            .filter(|source| !is_hypothetical(source) && fabric.is_populated(source));
        senders.any(|source| fabric.verdict(source, class.representative).is_delivered())
    });
    let bystanders: Vec<_> = reached.flat_map(|class| class.members).collect();
    let all = movers.keys().copied().chain(bystanders);
    let steps = transitions.iter().map(|step| &*step.changes);
    let classes = fabric.classes_across(all, steps);
    Reachability::new(fabric, sources, classes)
}

/// A hole while it is open: since which step, and what happens in it.
type Opened = (Option<StepId>, String);

/// A hole, by whose it is and when it is open.
type Key = (usize, Opened, Option<StepId>);

struct Judge<'m> {
    matrix: Reachability,
    movers: &'m BTreeMap<Ipv4Addr, String>,
    /// How on-prem's packets to each class end, and the site if they are delivered.
    ends: Vec<(String, Option<SiteName>)>,
    /// Sources and classes whose packets arrived in the beginning.
    worked: BTreeSet<(usize, usize)>,
    open: BTreeMap<(usize, usize), Opened>,
    holes: BTreeMap<Key, BTreeSet<Ipv4Addr>>,
    twice: BTreeMap<Ipv4Addr, BTreeSet<SiteName>>,
    states: Vec<ProofState>,
    obstacles: BTreeSet<Obstacle>,
}

impl<'m> Judge<'m> {
    /// Looks at the present.
    fn new(matrix: Reachability, movers: &'m BTreeMap<Ipv4Addr, String>) -> Self {
        let twice = matrix.fabric().served_twice();
        let mut judge = Self {
            matrix,
            movers,
            ends: Vec::new(),
            worked: BTreeSet::new(),
            open: BTreeMap::new(),
            holes: BTreeMap::new(),
            twice,
            states: Vec::new(),
            obstacles: BTreeSet::new(),
        };
        let on_prem = judge.on_prem();
        let classes = judge.matrix.classes().len();
        for class in 0..classes {
            judge.ends.push(judge.end(class));
            for source in 0..judge.matrix.sources().len() {
                let works = Fate::of(judge.matrix.standing(source, class)) == Fate::Works;
                if works {
                    judge.worked.insert((source, class));
                } else if source == on_prem {
                    let what = in_a_hole(&judge.matrix, source, class);
                    judge.open.insert((source, class), (None, what));
                }
            }
        }
        judge.state(None, (0..classes).collect(), Vec::new());
        judge
    }

    fn on_prem(&self) -> usize {
        let mut sources = self.matrix.sources().iter();
        sources
            .position(|source| *source == Source::OnPrem)
            .unwrap_or_default()
    }

    fn end(&self, class: usize) -> (String, Option<SiteName>) {
        let on_prem = self.on_prem();
        let verdict = self.matrix.verdict(on_prem, class);
        let works = Fate::of(self.matrix.standing(on_prem, class)) == Fate::Works;
        let site = verdict.site().filter(|_| works).cloned();
        (says(&self.matrix, on_prem, class), site)
    }

    fn judge(&mut self, transition: &Transition) {
        self.while_it_spreads(transition);
        let shifts = self.matrix.apply(&transition.changes);
        self.served_twice(transition);
        self.refuse(transition, &shifts);
        let on_prem = self.on_prem();
        let mut turned = Vec::new();
        for shift in &shifts {
            self.open_or_close(transition, shift);
            if shift.source == on_prem {
                self.ends[shift.class] = self.end(shift.class);
                turned.push(shift.class);
            }
        }
        let shifts = self.shifted(&shifts);
        self.state(Some(&transition.last), turned, shifts);
    }

    /// Refuses a single call that does harm before it is seen everywhere.
    fn while_it_spreads(&mut self, transition: &Transition) {
        let [change] = transition.changes.as_slice() else {
            return;
        };
        if let Some(harm) = harm_in_flight(&self.matrix, change) {
            self.obstacles.insert(Obstacle::Unsafe {
                state: format!("while step {} spreads", transition.last),
                from: harm.from.to_string(),
                address: harm.address,
                more: harm.addresses.saturating_sub(1),
                verdict: harm.verdict,
            });
        }
    }

    /// Refuses that a step makes two machines answer for an address.
    fn served_twice(&mut self, transition: &Transition) {
        if !transition.moves_machines {
            return;
        }
        let twice = self.matrix.fabric().served_twice();
        for (address, sites) in &twice {
            if self.movers.contains_key(address) && self.twice.get(address) != Some(sites) {
                let sites: Vec<_> = sites.iter().map(SiteName::as_str).collect();
                self.obstacles.insert(Obstacle::Unsafe {
                    state: format!("after step {}", transition.last),
                    from: Source::OnPrem.to_string(),
                    address: *address,
                    more: 0,
                    verdict: format!("is answered for at {} at once", sites.join(" and ")),
                });
            }
        }
        self.twice = twice;
    }

    /// Refuses what a step may not do to packets.
    fn refuse(&mut self, transition: &Transition, shifts: &[Shift]) {
        let mut refused: BTreeMap<(usize, String), BTreeSet<Ipv4Addr>> = BTreeMap::new();
        for shift in shifts {
            let source = &self.matrix.sources()[shift.source];
            let before = Fate::of(shift.before);
            let after = Fate::of(self.matrix.standing(shift.source, shift.class));
            let members = &self.matrix.classes()[shift.class].members;
            let suffers = |address: &&Ipv4Addr| -> bool {
                if transition.moves_machines {
                    let is_on_its_way = self.movers.contains_key(address);
                    is_refused_of_move(source, is_on_its_way, before, after)
                } else {
                    is_refused(Claim::of(source), before, after)
                }
            };
            let suffering: BTreeSet<_> = members.iter().filter(suffers).copied().collect();
            if !suffering.is_empty() {
                let key = (shift.source, says(&self.matrix, shift.source, shift.class));
                refused.entry(key).or_default().extend(suffering);
            }
        }
        for ((source, verdict), addresses) in refused {
            if let Some(address) = addresses.first() {
                self.obstacles.insert(Obstacle::Unsafe {
                    state: format!("after step {}", transition.last),
                    from: self.matrix.sources()[source].to_string(),
                    address: *address,
                    more: addresses.len() - 1,
                    verdict,
                });
            }
        }
    }

    fn open_or_close(&mut self, transition: &Transition, shift: &Shift) {
        let cell = (shift.source, shift.class);
        if is_hypothetical(&self.matrix.sources()[shift.source]) {
            return;
        }
        match Fate::of(self.matrix.standing(shift.source, shift.class)) {
            Fate::Works | Fate::Absent => {
                if let Some(opened) = self.open.remove(&cell) {
                    let members = &self.matrix.classes()[shift.class].members;
                    let closes = Some(transition.last.clone());
                    let hole = self
                        .holes
                        .entry((shift.source, opened, closes))
                        .or_default();
                    hole.extend(members);
                }
            }
            Fate::Lost | Fate::Stuck | Fate::Astray | Fate::Loops => {
                if Fate::of(shift.before) == Fate::Works {
                    let what = in_a_hole(&self.matrix, shift.source, shift.class);
                    self.open
                        .insert(cell, (Some(transition.first.clone()), what));
                }
            }
        }
    }

    /// What became otherwise for anybody, in few words.
    fn shifted(&self, shifts: &[Shift]) -> Vec<Shifted> {
        let mut found: BTreeMap<(usize, String, String), BTreeSet<Ipv4Addr>> = BTreeMap::new();
        for shift in shifts {
            let standing = self.matrix.standing(shift.source, shift.class);
            let source = &self.matrix.sources()[shift.source];
            if is_hypothetical(source) || !standing.populated && !shift.before.populated {
                continue;
            }
            let from = brief(&shift.was, shift.before);
            let mut to = brief(&self.matrix.verdict(shift.source, shift.class), standing);
            if from == to {
                to.push_str(" by another way");
            }
            let members = &self.matrix.classes()[shift.class].members;
            let found = found.entry((shift.source, from, to)).or_default();
            found.extend(members);
        }
        found
            .into_iter()
            .map(|((source, from, to), addresses)| Shifted {
                source: self.matrix.sources()[source].to_string(),
                addresses: addresses.len(),
                ranges: AddrRange::covering(&addresses),
                from,
                to,
            })
            .collect()
    }

    /// Notes a state, with the ways of on-prem's packets that have turned.
    fn state(&mut self, after: Option<&StepId>, turned: Vec<usize>, shifts: Vec<Shifted>) {
        let mut state = ProofState {
            after: after.cloned(),
            delivered: BTreeMap::new(),
            undelivered: BTreeMap::new(),
            traces: Vec::new(),
            shifts,
        };
        let classes = self.matrix.classes();
        for ((verdict, site), class) in self.ends.iter().zip(classes) {
            let members = class.members.len();
            match site {
                Some(site) => *state.delivered.entry(site.clone()).or_default() += members,
                None => *state.undelivered.entry(verdict.clone()).or_default() += members,
            }
        }
        let on_prem = self.on_prem();
        for class in turned {
            let trace = self.matrix.trace(on_prem, class);
            state.traces.push(ClassTrace {
                representative: classes[class].representative,
                addresses: classes[class].members.len(),
                path: trace.hops.iter().map(|hop| hop.at.to_string()).collect(),
                verdict: trace.verdict.to_string(),
            });
        }
        self.states.push(state);
    }

    fn finish(mut self) -> (Proof, BTreeSet<Obstacle>) {
        for ((source, class), opened) in std::mem::take(&mut self.open) {
            let hole = self.holes.entry((source, opened, None)).or_default();
            hole.extend(&self.matrix.classes()[class].members);
        }
        // What happens to on-prem's packets stands for what happens to all.
        let of_on_prem = |obstacle: &Obstacle| matches!(obstacle, Obstacle::Unsafe { from, .. } if *from == Source::OnPrem.to_string());
        if self.obstacles.iter().any(of_on_prem) {
            self.obstacles.retain(of_on_prem);
        }
        let asymmetric = self.asymmetric();
        let (classes, sources) = (self.matrix.classes(), self.matrix.sources());
        let populated = sources
            .iter()
            .filter(|source| !is_hypothetical(source))
            .map(ToString::to_string);
        let holes = self.holes.into_iter();
        let proof = Proof {
            addresses: classes.iter().map(|class| class.members.len()).sum(),
            classes: classes.len() * sources.len(),
            sources: populated.collect(),
            holes: holes
                .map(|((source, (opens, what), closes), addresses)| Hole {
                    source: sources[source].to_string(),
                    opens,
                    closes,
                    addresses: addresses.len(),
                    ranges: AddrRange::covering(&addresses),
                    what,
                })
                .collect(),
            asymmetric,
            states: self.states,
        };
        (proof, self.obstacles)
    }

    /// Addresses that on-prem reaches in the end, and whose replies take another way.
    fn asymmetric(&self) -> Vec<Asymmetry> {
        let on_prem = self.on_prem();
        let mut found: BTreeMap<(Vec<String>, Vec<String>), BTreeSet<Ipv4Addr>> = BTreeMap::new();
        for (class, of) in self.matrix.classes().iter().enumerate() {
            let standing = self.matrix.standing(on_prem, class);
            if standing.symmetric || !standing.there.is_delivered() {
                continue;
            }
            let RoundTrip { forward, back, .. } = self.matrix.round_trip(on_prem, class);
            let Some(back) = back.filter(|back| back.verdict.is_delivered()) else {
                continue;
            };
            let found = found
                .entry((waypoints(&forward), waypoints(&back)))
                .or_default();
            found.extend(&of.members);
        }
        found
            .into_iter()
            .map(|((there, back), addresses)| Asymmetry {
                addresses: addresses.len(),
                ranges: AddrRange::covering(&addresses),
                there,
                back,
            })
            .collect()
    }
}

/// The edges and Transit Gateways of a way.
fn waypoints(trace: &Trace) -> Vec<String> {
    let passed = trace.hops.iter().filter_map(|hop| match &hop.at {
        Node::Edge(edge) => Some(format!("edge {edge}")),
        Node::Tgw { tgw, .. } => Some(tgw.to_string()),
        Node::OnPrem
        | Node::Vpc { .. }
        | Node::FlowTransit { .. }
        | Node::FlowVpc { .. }
        | Node::Overlay { .. }
        | Node::Machine { .. }
        | Node::Nowhere(_) => None,
    });
    let mut passed: Vec<_> = passed.collect();
    passed.dedup();
    passed
}
