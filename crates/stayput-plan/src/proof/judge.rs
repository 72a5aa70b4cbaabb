//! The steps of a plan, judged one after the other.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::AddrRange;
use stayput_estate::SiteName;
use stayput_estate::mutants::Mutant;
use stayput_fabric::Fabric;
use stayput_fabric::Reachability;
use stayput_fabric::RoundTrip;
use stayput_fabric::Shift;
use stayput_fabric::Source;
use stayput_fabric::Waypoint;

use super::Asymmetry;
use super::ClassTrace;
use super::Hole;
use super::Proof;
use super::ProofState;
use super::Shifted;
use super::StateKind;
use super::Undelivered;
use super::ends::unreached;
use super::in_flight::harm_in_flight;
use super::transitions::Transition;
use super::transitions::transitions;
use crate::Action;
use crate::Delivery;
use crate::Goal;
use crate::Harm;
use crate::Moment;
use crate::Obstacle;
use crate::Step;
use crate::StepId;
use crate::outcome::Outcome;
use crate::outcome::Requirement;
use crate::outcome::is_hypothetical;
use crate::outcome::is_refused;
use crate::outcome::is_refused_of_move;
use crate::survey::Survey;

/// Proves the steps. The obstacles are what the proof refuses: a loop that a step makes; packets that a change of routes sends to a
/// wrong site, or takes from where they arrive; harm to a machine that does not move; an address that a step makes two machines answer
/// for; a machine that is not reached at the end. What is wrong already now is listed as a hole: a plan may be the repair.
///
/// `end` is where packets go when the steps are done.
pub(crate) fn prove(
    survey: &Survey<'_>,
    steps: &[Step],
    goal: &Goal,
    end: &Fabric,
) -> (Proof, BTreeSet<Obstacle>) {
    let movers = survey.running_addresses();
    let transitions = transitions(survey, steps);
    let fabric = survey.fabric();
    let mut not_kept = survey.addresses_not_kept();
    for step in steps {
        match &step.action {
            Action::RestoreNics { nics, .. } => not_kept.extend(nics.from_pools()),
            // Its own addresses are the machine's, which are kept; others are from pools.
            Action::ShutDown { addresses, .. } => not_kept.extend(addresses),
            _ => {}
        }
    }
    let matrix = matrix(fabric, end, movers, &not_kept, &transitions);
    let mut judge = Judge::new(matrix, movers);
    for transition in &transitions {
        judge.judge(transition);
    }
    let mut obstacles = unreached(survey, goal, movers, &judge.matrix, &judge.worked);
    let (proof, mut refused) = judge.finish();
    obstacles.append(&mut refused);
    (proof, obstacles)
}

/// Where packets go when the steps are done.
pub(crate) fn end(survey: &Survey<'_>, steps: &[Step]) -> Fabric {
    let mut end = survey.fabric();
    for transition in transitions(survey, steps) {
        for change in &transition.changes {
            end.apply(change);
        }
    }
    end
}

/// Every source, now or at the end, with the goal's machines and all that any source reaches now: an address where no machine answers, and
/// that is no machine's of this goal, proves nothing; nor does one that is not to be kept: of a machine that is left out, whose network goes
/// without it, or of a NIC that is removed. One partition holds in all states, so that a step costs what it changes.
fn matrix(
    fabric: Fabric,
    end: &Fabric,
    movers: &BTreeMap<Ipv4Addr, String>,
    not_kept: &BTreeSet<Ipv4Addr>,
    transitions: &[Transition],
) -> Reachability {
    let mut sources = fabric.sources();
    let later = end.sources().into_iter();
    sources.extend(
        later
            .filter(|source| !sources.contains(source))
            .collect::<Vec<_>>(),
    );
    let others = fabric.addresses_of_interest().into_iter();
    let others =
        others.filter(|address| !movers.contains_key(address) && !not_kept.contains(address));
    let others = fabric.classes(others);
    let reached = others.into_iter().filter(|class| {
        let mut senders = sources
            .iter()
            .filter(|source| !is_hypothetical(source) && fabric.is_populated(source));
        senders.any(|source| fabric.verdict(source, class.representative).is_delivered())
    });
    let others: Vec<_> = reached.flat_map(|class| class.members).collect();
    let all = movers.keys().copied().chain(others);
    let steps = transitions.iter().map(|step| &*step.changes);
    let classes = fabric.classes_across(all, steps);
    Reachability::new(fabric, sources, classes)
}

/// A hole while it is open: since which step, and what happens in it.
type Opened = (Option<StepId>, Delivery);

/// A hole, by whose it is and when it is open.
type Key = (usize, Opened, Option<StepId>);

/// Positions of classes. No class is cut while a plan is judged ([`matrix`]), so its position stands for its addresses.
type Classes = BTreeSet<usize>;

/// How many addresses, and which.
type Covered = (usize, Vec<AddrRange>);

struct Judge<'m> {
    matrix: Reachability,
    movers: &'m BTreeMap<Ipv4Addr, String>,
    /// Position of on-prem among the sources.
    on_prem: usize,
    /// What happens to on-prem's packets to each class.
    deliveries: Vec<Delivery>,
    /// Sources and classes whose packets arrived in the beginning.
    worked: BTreeSet<(usize, usize)>,
    open: BTreeMap<(usize, usize), Opened>,
    holes: BTreeMap<Key, Classes>,
    /// Addresses of sets of classes: many sources see the same ones change.
    covered: BTreeMap<Classes, Covered>,
    twice: BTreeMap<Ipv4Addr, BTreeSet<SiteName>>,
    loops_now: BTreeSet<Source>,
    states: Vec<ProofState>,
    obstacles: BTreeSet<Obstacle>,
}

impl<'m> Judge<'m> {
    /// Looks at the present.
    fn new(matrix: Reachability, movers: &'m BTreeMap<Ipv4Addr, String>) -> Self {
        let twice = matrix.fabric().served_twice();
        let mut sources = matrix.sources().iter();
        let on_prem = sources
            .position(|source| *source == Source::OnPrem)
            .unwrap_or_default();
        let mut judge = Self {
            matrix,
            movers,
            on_prem,
            deliveries: Vec::new(),
            worked: BTreeSet::new(),
            open: BTreeMap::new(),
            holes: BTreeMap::new(),
            covered: BTreeMap::new(),
            twice,
            loops_now: BTreeSet::new(),
            states: Vec::new(),
            obstacles: BTreeSet::new(),
        };
        let classes = judge.matrix.classes().len();
        for class in 0..classes {
            let delivery = judge.delivery(on_prem, class);
            for source in 0..judge.matrix.sources().len() {
                judge.look_at(source, class, &delivery);
            }
            judge.deliveries.push(delivery);
        }
        let state = judge.state(None, StateKind::Present, (0..classes).collect(), Vec::new());
        judge.states.push(state);
        judge
    }

    /// Notes what happens to a source's packets in the beginning.
    fn look_at(&mut self, source: usize, class: usize, from_on_prem: &Delivery) {
        let outcome = Outcome::of(self.matrix.cell_state(source, class));
        if outcome == Outcome::Works {
            self.worked.insert((source, class));
        } else if source == self.on_prem {
            let opened = (None, from_on_prem.clone());
            self.open.insert((source, class), opened);
        }
        let from = &self.matrix.sources()[source];
        if outcome == Outcome::Loops && !is_hypothetical(from) {
            self.loops_now.insert(from.clone());
        }
    }

    fn delivery(&self, source: usize, class: usize) -> Delivery {
        Delivery::of(&self.matrix, source, class)
    }

    fn judge(&mut self, transition: &Transition) {
        self.while_it_spreads(transition);
        let shifts = self.matrix.apply(&transition.changes);
        self.served_twice(transition);
        self.refuse(transition, &shifts);
        let mut turned = Vec::new();
        for shift in &shifts {
            self.open_or_close(transition, shift);
            if shift.source == self.on_prem {
                self.deliveries[shift.class] = self.delivery(shift.source, shift.class);
                turned.push(shift.class);
            }
        }
        let shifts = self.shifted(&shifts);
        // The steps are not done: this is no state to stop in.
        if transition.is_halfway {
            return;
        }
        let kind = if transition.moves_machines {
            StateKind::Machines
        } else {
            StateKind::Routing
        };
        let state = self.state(Some(&transition.last), kind, turned, shifts);
        self.states.push(state);
    }

    /// Refuses a single call that does harm before it is visible everywhere.
    fn while_it_spreads(&mut self, transition: &Transition) {
        let [change] = transition.changes.as_slice() else {
            return;
        };
        if let Some(harm) = harm_in_flight(&self.matrix, change) {
            self.obstacles.insert(Obstacle::Unsafe {
                moment: Moment::During(transition.last.clone()),
                from: harm.from,
                address: harm.address,
                more: harm.addresses.saturating_sub(1),
                harm: harm.harm,
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
            // Where fewer answer than before, it is not the step that makes them.
            let before = self.twice.get(address);
            let are_fewer = before.is_some_and(|before| sites.is_subset(before));
            if self.movers.contains_key(address) && !are_fewer {
                self.obstacles.insert(Obstacle::Unsafe {
                    moment: Moment::After(transition.last.clone()),
                    from: Source::OnPrem,
                    address: *address,
                    more: 0,
                    harm: Harm::ServedTwice {
                        sites: sites.clone(),
                    },
                });
            }
        }
        self.twice = twice;
    }

    /// Refuses what a step may not do to packets.
    fn refuse(&mut self, transition: &Transition, shifts: &[Shift]) {
        let mut refused: BTreeMap<(usize, Delivery), BTreeSet<Ipv4Addr>> = BTreeMap::new();
        for shift in shifts {
            let source = &self.matrix.sources()[shift.source];
            let before = Outcome::of(shift.before);
            let after = Outcome::of(self.matrix.cell_state(shift.source, shift.class));
            let is_harmed = |is_moving: bool| {
                if transition.moves_machines {
                    is_refused_of_move(source, is_moving, before, after)
                } else {
                    is_refused(Requirement::of(source), before, after)
                }
            };
            let [of_movers, of_others] = [true, false].map(is_harmed);
            if !of_movers && !of_others {
                continue;
            }
            let members = self.matrix.classes()[shift.class].members.iter();
            let harmed: BTreeSet<_> = members
                .filter(|address| match self.movers.contains_key(address) {
                    true => of_movers,
                    false => of_others,
                })
                .copied()
                .collect();
            if !harmed.is_empty() {
                let key = (shift.source, self.delivery(shift.source, shift.class));
                refused.entry(key).or_default().extend(harmed);
            }
        }
        for ((source, delivery), addresses) in refused {
            if let Some(address) = addresses.first() {
                self.obstacles.insert(Obstacle::Unsafe {
                    moment: Moment::After(transition.last.clone()),
                    from: self.matrix.sources()[source].clone(),
                    address: *address,
                    more: addresses.len() - 1,
                    harm: Harm::Settled(delivery),
                });
            }
        }
    }

    fn open_or_close(&mut self, transition: &Transition, shift: &Shift) {
        let cell = (shift.source, shift.class);
        if is_hypothetical(&self.matrix.sources()[shift.source]) {
            return;
        }
        match Outcome::of(self.matrix.cell_state(shift.source, shift.class)) {
            Outcome::Works | Outcome::NoSender => {
                if let Some(opened) = self.open.remove(&cell) {
                    let closes = Some(transition.last.clone());
                    let hole = self
                        .holes
                        .entry((shift.source, opened, closes))
                        .or_default();
                    hole.insert(shift.class);
                }
            }
            Outcome::Lost | Outcome::Unsteerable | Outcome::WrongSite | Outcome::Loops => {
                if Outcome::of(shift.before) == Outcome::Works {
                    let delivery = self.delivery(shift.source, shift.class);
                    self.open
                        .insert(cell, (Some(transition.first.clone()), delivery));
                }
            }
        }
    }

    /// What changed for any source.
    fn shifted(&mut self, shifts: &[Shift]) -> Vec<Shifted> {
        let mut found: BTreeMap<(usize, Delivery, Delivery), Classes> = BTreeMap::new();
        for shift in shifts {
            let cell_state = self.matrix.cell_state(shift.source, shift.class);
            let source = &self.matrix.sources()[shift.source];
            if is_hypothetical(source) || !cell_state.populated && !shift.before.populated {
                continue;
            }
            let from = Delivery::before(shift);
            let to = self.delivery(shift.source, shift.class);
            let found = found.entry((shift.source, from, to)).or_default();
            found.insert(shift.class);
        }
        found
            .into_iter()
            .map(|((source, from, to), classes)| {
                let (addresses, ranges) = self.covered(classes);
                Shifted {
                    source: self.matrix.sources()[source].clone(),
                    addresses,
                    ranges,
                    from,
                    to,
                }
            })
            .collect()
    }

    /// The addresses of these classes.
    fn covered(&mut self, classes: Classes) -> Covered {
        if let Some(known) = self.covered.get(&classes) {
            return known.clone();
        }
        let all = self.matrix.classes();
        let members = classes.iter().flat_map(|class| &all[*class].members);
        let addresses: BTreeSet<_> = members.copied().collect();
        let covered = (addresses.len(), AddrRange::covering(&addresses));
        self.covered.insert(classes, covered.clone());
        covered
    }

    /// A state, with the paths of on-prem's packets that have turned.
    fn state(
        &self,
        after: Option<&StepId>,
        kind: StateKind,
        turned: Vec<usize>,
        shifts: Vec<Shifted>,
    ) -> ProofState {
        let mut state = ProofState {
            after: after.cloned(),
            kind,
            delivered: BTreeMap::new(),
            undelivered: Vec::new(),
            traces: Vec::new(),
            shifts,
        };
        let classes = self.matrix.classes();
        let mut undelivered: BTreeMap<&Delivery, usize> = BTreeMap::new();
        for (delivery, class) in self.deliveries.iter().zip(classes) {
            let members = class.members.len();
            match delivery.site() {
                Some(site) => *state.delivered.entry(site.clone()).or_default() += members,
                None => *undelivered.entry(delivery).or_default() += members,
            }
        }
        let undelivered = undelivered.into_iter();
        state.undelivered = undelivered
            .map(|(delivery, addresses)| Undelivered {
                delivery: delivery.clone(),
                addresses,
            })
            .collect();
        for class in turned {
            let trace = self.matrix.trace(self.on_prem, class);
            state.traces.push(ClassTrace {
                representative: classes[class].representative,
                addresses: classes[class].members.len(),
                path: trace.hops.into_iter().map(|hop| hop.at).collect(),
                verdict: trace.verdict,
            });
        }
        state
    }

    fn finish(mut self) -> (Proof, BTreeSet<Obstacle>) {
        for ((source, class), opened) in std::mem::take(&mut self.open) {
            let hole = self.holes.entry((source, opened, None)).or_default();
            hole.insert(class);
        }
        // What happens to on-prem's packets stands for what happens to all.
        let of_on_prem = |obstacle: &Obstacle| {
            matches!(
                obstacle,
                Obstacle::Unsafe {
                    from: Source::OnPrem,
                    ..
                }
            )
        };
        if self.obstacles.iter().any(of_on_prem) {
            self.obstacles.retain(of_on_prem);
        }
        let asymmetric = self.asymmetric();
        if Mutant::HolesNotAnnounced.is_chosen() {
            self.holes.clear();
        }
        let holes: Vec<_> = std::mem::take(&mut self.holes)
            .into_iter()
            .map(|(key, classes)| (key, self.covered(classes)))
            .collect();
        let (classes, sources) = (self.matrix.classes(), self.matrix.sources());
        let populated = sources
            .iter()
            .filter(|source| !is_hypothetical(source))
            .cloned();
        let proof = Proof {
            addresses: classes.iter().map(|class| class.members.len()).sum(),
            classes: classes.len() * sources.len(),
            sources: populated.collect(),
            loops_now: self.loops_now,
            holes: holes
                .into_iter()
                .map(
                    |((source, (opens, delivery), closes), (addresses, ranges))| Hole {
                        source: sources[source].clone(),
                        opens,
                        closes,
                        addresses,
                        ranges,
                        delivery,
                    },
                )
                .collect(),
            asymmetric,
            states: self.states,
        };
        (proof, self.obstacles)
    }

    /// Addresses that on-prem reaches in the end, and whose replies take another path.
    fn asymmetric(&self) -> Vec<Asymmetry> {
        let on_prem = self.on_prem;
        let mut found: BTreeMap<(Vec<Waypoint>, Vec<Waypoint>), BTreeSet<Ipv4Addr>> =
            BTreeMap::new();
        for (class, of) in self.matrix.classes().iter().enumerate() {
            let cell_state = self.matrix.cell_state(on_prem, class);
            if cell_state.symmetric || !cell_state.there.is_delivered() {
                continue;
            }
            let RoundTrip { forward, back, .. } = self.matrix.round_trip(on_prem, class);
            let Some(back) = back.filter(|back| back.verdict.is_delivered()) else {
                continue;
            };
            let found = found
                .entry((forward.waypoints(), back.waypoints()))
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
