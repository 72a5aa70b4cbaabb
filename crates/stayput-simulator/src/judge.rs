//! The judge: reads the lab's own state after every change, and never the engine's opinion of it.
//!
//! Plans and journal are claims: a plan says which addresses may be unreachable while it runs, the journal says what was begun. The judge
//! compares both with what the lab shows, at the virtual instant of each change.

mod announced;
mod goal;
mod packets;
mod truth;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use serde::Serialize;
use stayput_estate::Estate;
use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_lab::aws::model::InstanceState;
use stayput_lab::clock::VTime;
use stayput_lab::faults::Call;
use stayput_lab::http::Request;
use stayput_lab::state::LabState;
use stayput_lab::walk::End;
use stayput_ledger::MemoryLedger;
use stayput_messages::Message;
use stayput_plan::Goal;
use stayput_plan::Plan;

use crate::hands::Deleted;
use crate::hands::DeletedRoute;
use crate::hands::Effect;

use self::announced::Announced;
use self::packets::Undelivered;
use self::packets::outages;
use self::packets::two_answers;
use self::packets::undelivered;
pub(crate) use self::truth::Truth;

/// A source that a person started this long ago must have been seen, whatever faults delayed the call that follows.
const SEEN_WITHIN: Duration = Duration::from_secs(90);
/// The same where no fault has taken effect since.
const SEEN_AT_ONCE: Duration = Duration::from_secs(5);

/// A promise that was not kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Violation {
    /// Virtual time, RFC 3339.
    pub at: String,
    /// Which promise.
    pub promise: Promise,
    /// What was seen.
    pub what: String,
}

/// The promises that are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Promise {
    /// No captured address is lost.
    KeepsAddresses,
    /// No address is answered by two machines that one source can reach.
    OneAnswer,
    /// No packet is lost, or sent to another site, beyond what the plan announced.
    AnnouncedOutage,
    /// No packet loops.
    NoLoop,
    /// Nothing is made twice.
    MakesOnce,
    /// What is no machine of the goal stays as it is.
    HarmsNoOther,
    /// Every change is on record before it is made.
    OnRecord,
    /// Processes with the same ledger change things one after the other.
    OneAtATime,
    /// Exit code 0 only if the goal is reached.
    TellsTruth,
}

/// When a person started an instance.
#[derive(Debug, Clone, Copy)]
struct Started {
    at: VTime,
    /// How often faults had taken effect by then.
    hits: u64,
}

/// What happened this many milliseconds before a command ended may be unseen: its last look may last that long, where a list is read again.
const UNSEEN_FOR_MS: u64 = 60_000;

/// What the judge knows of a story.
#[derive(Clone)]
struct Seen {
    truth: Arc<Truth>,
    ledger: MemoryLedger,
    /// Addresses that may be undelivered.
    announced: Announced,
    /// Addresses that on-prem did not reach at the last look.
    undelivered: BTreeMap<Ipv4Addr, Undelivered>,
    /// Whether people or outages have changed the world since the last plan was shown: holes are then not this tool's doing.
    disturbed: bool,
    /// Sites and regions that are down.
    down: BTreeSet<String>,
    /// When they changed last, or a person did something.
    disturbed_at: Option<VTime>,
    /// Machines whose instance a person started: until a command calls their goal reached, two machines may answer.
    started: BTreeMap<String, Started>,
    /// Routes that a person deleted.
    deleted: Vec<DeletedRoute>,
    /// VMs that a person deleted and that are not restored, with their machine, and when.
    vms_deleted: Vec<(String, VTime, Deleted)>,
    /// Machines that a person gave an address, and when.
    given_address: BTreeMap<String, VTime>,
    /// Machines whose VM a person gave another NIC, or took one, and when.
    nics_changed: BTreeMap<String, VTime>,
    /// Machines that a person powered off since the last command began, and when.
    turned_off: BTreeMap<String, VTime>,
    /// The process that has changed something and has not ended.
    changing: Option<u32>,
    looks: u64,
    violations: BTreeSet<Violation>,
}

/// Judges one story.
pub(crate) struct Judge(Mutex<Seen>);

impl Judge {
    /// Takes the lab before anything was done as the truth about who has which address.
    pub(crate) fn new(
        lab: &LabState,
        ledger: &MemoryLedger,
        networks: &[stayput_estate::Cidr],
    ) -> Self {
        Self(Mutex::new(Seen {
            truth: Arc::new(Truth::of(lab, networks)),
            ledger: ledger.clone(),
            announced: Announced::default(),
            changing: None,
            undelivered: BTreeMap::new(),
            disturbed: false,
            down: BTreeSet::new(),
            disturbed_at: None,
            started: BTreeMap::new(),
            deleted: Vec::new(),
            vms_deleted: Vec::new(),
            given_address: BTreeMap::new(),
            nics_changed: BTreeMap::new(),
            turned_off: BTreeMap::new(),
            looks: 0,
            violations: BTreeSet::new(),
        }))
    }

    /// A judge who knows what this one knows, for a story that goes on from here with another ledger.
    pub(crate) fn fork(&self, ledger: &MemoryLedger) -> Self {
        let mut seen = self.seen().clone();
        seen.ledger = ledger.clone();
        seen.looks = 0;
        Self(Mutex::new(seen))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of each machine that one network has alone, with the network; of the others one of their networks.
    pub(crate) fn machines(&self, estate: &Estate) -> Vec<(String, NetworkName)> {
        let seen = self.seen();
        let mut machines: Vec<(usize, String, NetworkName)> = Vec::new();
        for (id, machine) in &seen.truth.machines {
            let networks = estate.networks.values().filter(|network| {
                let mut addresses = machine.addresses.iter();
                addresses.any(|address| network.cidr.contains(*address))
            });
            let networks: Vec<_> = networks.collect();
            machines.extend(
                networks
                    .iter()
                    .map(|network| (networks.len(), id.clone(), network.name.clone())),
            );
        }
        machines.sort();
        machines
            .into_iter()
            .map(|(_, id, network)| (id, network))
            .collect()
    }

    /// Who has which address.
    pub(crate) fn truth(&self) -> Arc<Truth> {
        Arc::clone(&self.seen().truth)
    }

    /// A person did something by hand.
    pub(crate) fn by_hand(&self, effect: &Effect, at: VTime, hits: u64) {
        let mut seen = self.seen();
        seen.disturbed = true;
        seen.disturbed_at = Some(at);
        match effect {
            Effect::Starts(machine) => {
                let started = Started { at, hits };
                seen.started.insert(machine.clone(), started);
                // One that was off is moved as it is found.
                let machine = Arc::make_mut(&mut seen.truth).machines.get_mut(machine);
                if let Some(machine) = machine.filter(|machine| !machine.ran) {
                    machine.power_open = true;
                }
            }
            Effect::IsOff(machine) => {
                seen.turned_off.insert(machine.clone(), at);
            }
            Effect::HasAddress(machine, address) => {
                seen.given_address.insert(machine.clone(), at);
                Arc::make_mut(&mut seen.truth).add_address(machine, *address);
            }
            Effect::VmDeleted(machine, vm) => {
                seen.vms_deleted.push((machine.clone(), at, vm.clone()));
            }
            Effect::RoutesDeleted(routes) => seen.deleted.extend(routes.iter().cloned()),
            Effect::NicsChanged(machine) => {
                seen.nics_changed.insert(machine.clone(), at);
            }
            Effect::Changed => {}
        }
    }

    /// Routes that a person deleted; from now on they are forgotten.
    pub(crate) fn take_deleted(&self) -> Vec<DeletedRoute> {
        std::mem::take(&mut self.seen().deleted)
    }

    /// A VM that a person deleted; from now on it is forgotten.
    pub(crate) fn take_deleted_vm(&self, id: &str) -> Option<Deleted> {
        let deleted = &mut self.seen().vms_deleted;
        let at = deleted.iter().position(|(.., vm)| vm.id == id)?;
        Some(deleted.remove(at).2)
    }

    /// A command begins: a machine that a person powered off before may stay off.
    pub(crate) fn begins(&self) {
        let mut seen = self.seen();
        let off = std::mem::take(&mut seen.turned_off);
        seen.may_be_off(off.into_keys());
    }

    /// The ledger was replaced: its process crashed.
    pub(crate) fn ledger(&self, ledger: &MemoryLedger) {
        self.seen().ledger = ledger.clone();
    }

    /// A plan is shown and about to be applied: what it announces may happen from now on. A site that went down or up since `looked_at`, when
    /// the look began that it was made from, may be in it as it was before.
    pub(crate) fn approved(&self, plan: &Plan, looked_at: VTime) {
        let mut seen = self.seen();
        let Seen {
            announced,
            undelivered,
            ledger,
            truth,
            ..
        } = &mut *seen;
        let captured = truth.addresses().collect();
        announced.plan(plan, &captured, undelivered.keys().copied(), ledger);
        // The plan does not know of what happened since the look that it was made from began.
        seen.disturbed = seen.disturbed_at.is_some_and(|at| at >= looked_at);
    }

    /// A goal is reached, as the engine says: from now on only what is unreachable now may be.
    pub(crate) fn settled(&self) {
        let mut seen = self.seen();
        let seen = &mut *seen;
        seen.announced
            .only(seen.undelivered.keys().copied(), &seen.ledger);
    }

    /// People or an outage have changed the world: what becomes unreachable by it is not this tool's doing.
    pub(crate) fn disturbed(&self) {
        self.seen().disturbed = true;
    }

    /// Every violation so far.
    pub(crate) fn violations(&self) -> Vec<Violation> {
        self.seen().violations.iter().cloned().collect()
    }

    /// How many states were looked at.
    pub(crate) fn looks(&self) -> u64 {
        self.seen().looks
    }

    /// Looks at the lab after a change.
    pub(crate) fn look(&self, lab: &LabState) {
        let mut seen = self.seen();
        seen.looks += 1;
        let down = outages(lab);
        if down != seen.down {
            seen.down = down;
            seen.disturbed_at = Some(lab.now());
            seen.disturbed = true;
        }
        let at = lab.now().rfc3339();
        let holders = seen.truth.holders(lab);
        let mut found = Vec::new();
        found.extend(two_answers(lab, &holders, |address| {
            let owner = seen.truth.owner(address);
            owner.is_some_and(|owner| seen.started.contains_key(owner))
        }));
        let undelivered = undelivered(lab, &seen.truth, &holders);
        for (address, why) in &undelivered {
            let is_new = !seen.undelivered.contains_key(address);
            let owner = seen.truth.owner(*address);
            if owner.is_some_and(|owner| seen.turned_off.contains_key(owner)) {
                continue;
            }
            if is_new && !seen.disturbed && !seen.announced.contains(*address) {
                let what = Message::new("broken-unannounced")
                    .with("address", address)
                    .with("why", why);
                found.push((Promise::AnnouncedOutage, what.into()));
            }
            let loops = |why: &Undelivered| why.end == End::TtlExceeded;
            let looped = seen.undelivered.get(address).is_some_and(loops);
            if loops(why) && !looped && !seen.disturbed {
                let what = Message::new("broken-loop")
                    .with("address", address)
                    .with("why", why);
                found.push((Promise::NoLoop, what.into()));
            }
        }
        let ledger = seen.ledger.clone();
        for (step, over) in seen.announced.ended(&ledger) {
            let late = over
                .iter()
                .filter_map(|address| Some((address, undelivered.get(address)?)))
                .filter(|(address, _)| !seen.disturbed && !seen.is_power_open(**address));
            found.extend(late.map(|(address, why)| {
                let what = Message::new("broken-still-unreached")
                    .with("address", address)
                    .with("step", &step)
                    .with("why", why);
                (Promise::AnnouncedOutage, what.into())
            }));
        }
        seen.undelivered = undelivered;
        if seen.disturbed {
            let seen = &mut *seen;
            seen.announced.excuse(seen.undelivered.keys().copied());
        }
        found.extend(seen.truth.others_harmed(lab));
        found.extend(truth::made_twice(lab));
        seen.add(&at, found);
    }

    /// A process has ended, or its command has.
    pub(crate) fn ended(&self, process: u32) {
        let changing = &mut self.seen().changing;
        if *changing == Some(process) {
            *changing = None;
        }
    }

    /// A process is about to send a call that changes something.
    pub(crate) fn before_change(
        &self,
        lab: &LabState,
        process: u32,
        call: &Call,
        request: &Request,
        hits: u64,
    ) {
        self.before_address(lab, call, request, hits);
        let mut seen = self.seen();
        let other = *seen.changing.get_or_insert(process);
        if other != process {
            let what = Message::new("broken-two-processes");
            seen.add("", vec![(Promise::OneAtATime, what.into())]);
        }
        if call.service == "prism" && call.name.contains("/nics") {
            let facts = seen.ledger.facts_on_disk();
            let mut ids = seen.truth.machines.keys();
            let missing =
                ids.find(|id| !facts.machines.contains_key(&InstanceId::new(id.as_str())));
            if let Some(missing) = missing {
                let what = Message::new("broken-facts-not-on-disk").with("machine", missing);
                seen.add("", vec![(Promise::OnRecord, what.into())]);
            }
        }
        if !seen.ledger.has_open_attempt_on_disk() {
            let body = String::from_utf8_lossy(&request.body);
            let body: String = body.chars().take(80).collect();
            let place = call.site.as_deref().or(call.region.as_deref());
            let what = Message::new("broken-not-on-record")
                .with("service", &call.service)
                .with("call", &call.name)
                .with("place", place.unwrap_or("?"))
                .with("body", body);
            seen.add("", vec![(Promise::OnRecord, what.into())]);
        }
    }

    /// A VM is about to get an address: its source must not have run for long.
    fn before_address(&self, lab: &LabState, call: &Call, request: &Request, hits: u64) {
        if call.service != "prism" || request.method != "POST" || !request.path.ends_with("/nics") {
            return;
        }
        let mut seen = self.seen();
        let started = seen.started.clone();
        for (index, pc) in lab.pcs.iter().enumerate() {
            let vms = pc.vms.keys().filter(|id| request.path.contains(*id));
            for vm in vms {
                let Some(machine) = Truth::instance_of(lab, index, vm) else {
                    continue;
                };
                let Some(start) = started.get(&machine) else {
                    continue;
                };
                let mut regions = lab.aws.regions.values();
                let runs = regions.any(|region| {
                    let instance = region.instances.get(&machine);
                    instance.is_some_and(|instance| instance.state == InstanceState::Running)
                });
                let since = Duration::from_millis(lab.now().0.saturating_sub(start.at.0));
                let longest = match start.hits == hits {
                    true => SEEN_AT_ONCE,
                    false => SEEN_WITHIN,
                };
                if runs && since > longest {
                    let what = Message::new("broken-instance-runs").with("machine", &machine);
                    let found = vec![(Promise::OneAnswer, what.into())];
                    seen.add(&lab.now().rfc3339(), found);
                }
            }
        }
    }

    /// The engine says that a goal is reached.
    pub(crate) fn reached(&self, lab: &LabState, goal: &Goal, estate: &Estate) {
        let mut seen = self.seen();
        // What a person powered off when the last look was over cannot be known.
        let now = lab.now().0;
        let is_new = |at: &VTime| now.saturating_sub(at.0) < UNSEEN_FOR_MS;
        let off: Vec<_> = seen
            .turned_off
            .iter()
            .filter(|(_, at)| is_new(at))
            .map(|(id, _)| id.clone())
            .collect();
        seen.may_be_off(off);
        let lost = seen.not_kept(goal, estate, |id| {
            seen.given_address.get(id).is_some_and(is_new)
        });
        // A source that a person started then, too, or a VM that a person deleted, or whose NICs a person changed.
        let mut truth = Truth::clone(&seen.truth);
        truth.machines.retain(|id, _| {
            let start = seen.started.get(id).map(|start| start.at);
            let deleted = seen.vms_deleted.iter().filter(|(of, ..)| of == id);
            let deleted = deleted.map(|(_, at, _)| *at);
            let nics = seen.nics_changed.get(id).copied();
            let mut times = start.into_iter().chain(deleted).chain(nics);
            !times.any(|at| is_new(&at))
        });
        for (id, ..) in goal::machines(&truth, goal, estate) {
            seen.started.remove(id);
        }
        let mut missing = goal::not_reached(lab, &truth, goal, estate);
        if goal::brings_packets(goal) {
            let holders = truth.holders(lab);
            let undelivered = undelivered(lab, &truth, &holders);
            for (id, machine, _) in goal::machines(&truth, goal, estate) {
                let own = machine.addresses.iter();
                let not = own.filter_map(|address| Some((address, undelivered.get(address)?)));
                missing.extend(not.map(|(address, why)| {
                    Message::new("broken-address-not-reached")
                        .with("address", address)
                        .with("machine", id)
                        .with("why", why)
                }));
            }
        }
        let found = missing
            .into_iter()
            .map(|what| {
                let what = Message::new("broken-not-reached")
                    .with("goal", goal)
                    .part("what", what);
                (Promise::TellsTruth, what.into())
            })
            .chain(
                lost.into_iter()
                    .map(|what| (Promise::KeepsAddresses, what.into())),
            )
            .collect();
        let at = lab.now().rfc3339();
        seen.add(&at, found);
    }
}

impl Seen {
    /// A person powered these machines off: they may be off or on.
    fn may_be_off(&mut self, ids: impl IntoIterator<Item = String>) {
        let truth = Arc::make_mut(&mut self.truth);
        for id in ids {
            if let Some(machine) = truth.machines.get_mut(&id) {
                machine.power_open = true;
            }
        }
    }

    /// Whether a person decides if the machine of an address is on.
    fn is_power_open(&self, address: Ipv4Addr) -> bool {
        let Some(owner) = self.truth.owner(address) else {
            return false;
        };
        let machine = self.truth.machines.get(owner);
        machine.is_some_and(|machine| machine.power_open) || self.turned_off.contains_key(owner)
    }

    /// Addresses of the goal's machines that the ledger has not as they were, or would not have if the computer lost power now.
    fn not_kept(
        &self,
        goal: &Goal,
        estate: &Estate,
        is_excused: impl Fn(&str) -> bool,
    ) -> Vec<Message> {
        let facts = self.ledger.facts_on_disk();
        goal::machines(&self.truth, goal, estate)
            .into_iter()
            .filter(|(id, ..)| !is_excused(id))
            .filter_map(|(id, machine, _)| {
                let known = facts.machines.get(&InstanceId::new(id));
                let has: BTreeSet<_> = known.iter().flat_map(|facts| facts.addresses()).collect();
                (!goal::are_kept(goal, &has, machine)).then(|| {
                    Message::new("broken-ledger-differs")
                        .with("machine", id)
                        .with("addresses", format_args!("{:?}", machine.addresses))
                        .with("recorded", format_args!("{has:?}"))
                })
            })
            .collect()
    }

    fn add(&mut self, at: &str, found: Vec<(Promise, String)>) {
        for (promise, what) in found {
            // The same fault is seen at every change until it is over.
            if self
                .violations
                .iter()
                .any(|known| known.promise == promise && known.what == what)
            {
                continue;
            }
            self.violations.insert(Violation {
                at: at.to_owned(),
                promise,
                what,
            });
        }
    }
}
