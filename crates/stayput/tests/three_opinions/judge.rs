//! Compares the fabric's verdict on a packet with its end in the kernel.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use stayput_dataplane::NodeId;
use stayput_dataplane::Outcome;
use stayput_dataplane::Plane;
use stayput_dataplane::Privilege;
use stayput_dataplane::TestPacket;
use stayput_fabric::*;
use stayput_lab::aws::routing;
use stayput_lab::state::LabState;
use stayput_lab::walk;
use stayput_lab::walk::Origin;

use crate::changes::Both;
use crate::changes::pc_of;
use crate::places::*;
use crate::tape::Tape;

/// Pairs checked in each state. Most of them are not sent: no machine has the address, or no router knows it.
pub const PAIRS: usize = 400;
/// Packets sent in each state that should be heard, and as many that should not.
const PACKETS: usize = 40;
/// How long they may take: in the kernel of one machine a round trip takes well below a millisecond.
const PATIENCE: Duration = Duration::from_millis(15);
/// How long one may take that was said to arrive and did not: the machine may have been busy.
const LONG_PATIENCE: Duration = Duration::from_millis(500);

/// Kinds of end that must have been among the packets.
const ENDS: [&str; 6] = [
    "at a VM and back",
    "at an EC2 machine and back",
    "at on-prem and back",
    "there and not back",
    "lost",
    "loop",
];

/// The data plane, and what was seen of it.
pub struct Kernel {
    plane: Plane,
    privilege: Privilege,
    states: u64,
    packets: u64,
    ends: BTreeMap<&'static str, u64>,
}

/// A packet with what the fabric says of it.
struct Case {
    asked: TestPacket,
    there: Trace,
    /// Who should get it.
    heard_by: Option<NodeId>,
    /// Whether the answer should come back; `None` where the fabric's answer goes elsewhere than this sender's.
    answered: Option<bool>,
    loops: bool,
}

impl Kernel {
    pub fn new(privilege: Privilege) -> Self {
        Self {
            plane: Plane::new(privilege).unwrap(),
            privilege,
            states: 0,
            packets: 0,
            ends: BTreeMap::new(),
        }
    }

    /// Sends packets between random pairs.
    pub fn compare(&mut self, both: &Both, tape: &mut Tape) -> Result<(), String> {
        self.plane.follow(&both.lab);
        if let Some(failure) = self.plane.failures().first() {
            return Err(format!("the kernel refused: {failure}"));
        }
        let prober = self.plane.layout().prober.unwrap();
        let senders = senders(&both.lab, prober);
        let mut to = known(&both.lab);
        to.push(prober);
        let pairs = (0..PAIRS).map(|_| (tape.pick(&senders), tape.pick(&to)));
        // A packet to the sender's own address is not sent.
        let nodes = &self.plane.layout().nodes;
        let to_others = pairs.filter(|(from, to)| !nodes[&from.node].addresses.contains(to));
        let (mut cases, mut unheard): (Vec<_>, Vec<_>) = to_others
            .filter_map(|(from, to)| case(both, prober, from, to))
            .partition(|case| case.heard_by.is_some());
        cases.truncate(PACKETS);
        unheard.truncate(PACKETS);
        cases.extend(unheard);
        let before = self.plane.router_drops().ttl_exceeded;
        let outcomes = ask(&mut self.plane, &cases, PATIENCE);
        let looped = self.plane.router_drops().ttl_exceeded > before;
        for (case, outcome) in cases.iter().zip(outcomes) {
            if !agree(case, &outcome) {
                self.settle(both, case)?;
            }
            self.count(case);
        }
        let expected = cases.iter().any(|case| case.loops);
        // Answers that are not followed here may loop or not.
        if expected != looped && cases.iter().all(|case| case.answered.is_some()) {
            return Err(format!(
                "looping packets: fabric {expected}, kernel {looped}"
            ));
        }
        self.states += 1;
        Ok(())
    }

    /// A packet with an unexpected end is sent once more with a longer timeout, and then through a new data plane.
    fn settle(&mut self, both: &Both, case: &Case) -> Result<(), String> {
        let again = ask(&mut self.plane, std::slice::from_ref(case), LONG_PATIENCE);
        if again.iter().all(|outcome| agree(case, outcome)) {
            return Ok(());
        }
        let mut fresh = Plane::new(self.privilege).unwrap();
        fresh.follow(&both.lab);
        let fresh = ask(&mut fresh, std::slice::from_ref(case), LONG_PATIENCE);
        let walked = walk::walk(&both.lab, Origin::Address(case.asked.source), case.asked.to);
        Err(format!(
            "{:?}\nfabric: {}\n{:?}, answered: {:?}\nkernel: {again:?}\nkernel, built again: {fresh:?}\nlab: {walked:#?}",
            case.asked, case.there, case.heard_by, case.answered
        ))
    }

    fn count(&mut self, case: &Case) {
        self.packets += 1;
        let end = match (&case.heard_by, case.answered) {
            (Some(_), Some(false)) => "there and not back",
            (Some(NodeId::Vm(..)), _) => "at a VM and back",
            (Some(NodeId::OnPrem), _) => "at on-prem and back",
            (Some(_), _) => "at an EC2 machine and back",
            (None, _) if case.loops => "loop",
            (None, _) => "lost",
        };
        *self.ends.entry(end).or_default() += 1;
    }

    pub fn has_seen_everything(&self) -> bool {
        ENDS.iter().all(|end| self.ends.contains_key(end))
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} states, {} packets (", self.states, self.packets)?;
        for (n, (end, count)) in self.ends.iter().enumerate() {
            write!(f, "{}{count} {end}", if n == 0 { "" } else { ", " })?;
        }
        f.write_str("), no disagreement")
    }
}

fn ask(plane: &mut Plane, cases: &[Case], patience: Duration) -> Vec<Outcome> {
    let asked: Vec<TestPacket> = cases.iter().map(|case| case.asked.clone()).collect();
    plane.ask(&asked, patience).unwrap()
}

fn agree(case: &Case, outcome: &Outcome) -> bool {
    outcome.heard_by == case.heard_by
        && case
            .answered
            .is_none_or(|answered| answered == outcome.answered)
}

/// One way to send, and its address in the three opinions.
#[derive(Clone)]
struct Sender {
    node: NodeId,
    address: Ipv4Addr,
    source: Source,
    origin: Origin,
}

/// What the fabric says of a packet; `None` where routers may choose, or snapshots do not say.
fn case(both: &Both, prober: Ipv4Addr, from: Sender, to: Ipv4Addr) -> Option<Case> {
    // Of on-prem only the prober answers.
    if to != prober && both.lab.aws.on_prem.iter().any(|own| own.contains(to)) {
        return None;
    }
    let trip = both.fabric.round_trip(&from.source, to);
    let there = trip.forward;
    if walk::ways(&both.lab, &from.origin, to).len() > 1 || is_ambiguous(&there.verdict) {
        return None;
    }
    let heard_by = match &there.verdict {
        Verdict::Delivered { place, holder } => Some(node(both, place, holder, to)?),
        _ => None,
    };
    let mut loops = is_loop(&there.verdict);
    let answered = match (&heard_by, &trip.back) {
        (None, _) => Some(false),
        (Some(node), Some(_)) => {
            let back = reply(both, node, to, from.address);
            loops |= back.as_ref().is_some_and(|back| is_loop(&back.verdict));
            back.map(|back| back.verdict.is_delivered() && reaches(both, &back, &from))
        }
        (Some(_), None) => None,
    };
    Some(Case {
        asked: TestPacket {
            from: from.node,
            source: from.address,
            to,
        },
        there,
        heard_by,
        answered,
        loops,
    })
}

/// The reply to this very address, as the fabric sees it; `None` where routers may choose.
fn reply(both: &Both, node: &NodeId, from: Ipv4Addr, to: Ipv4Addr) -> Option<Trace> {
    let sender = senders(&both.lab, from)
        .into_iter()
        .find(|sender| sender.node == *node && sender.address == from)?;
    if walk::ways(&both.lab, &sender.origin, to).len() > 1 {
        return None;
    }
    let back = both.fabric.round_trip(&sender.source, to).forward;
    (!is_ambiguous(&back.verdict)).then_some(back)
}

/// Whether a reply reaches its asker, and not another machine with the same address.
fn reaches(both: &Both, back: &Trace, asker: &Sender) -> bool {
    match &back.verdict {
        Verdict::Delivered { place, holder } => {
            node(both, place, holder, asker.address).as_ref() == Some(&asker.node)
        }
        _ => false,
    }
}

fn is_loop(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Loop { .. })
}

/// Over a VPC peering to an address that several VPCs own: snapshots do not show which of them is peered, and the fabric reports this.
fn is_ambiguous(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Unmodelled { .. })
}

fn node(both: &Both, place: &Place, holder: &Holder, address: Ipv4Addr) -> Option<NodeId> {
    let vm = |id: String| Some(NodeId::Vm(pc_of(&both.lab, place.site()?.as_str()), id));
    match holder {
        Holder::OnPrem => Some(NodeId::OnPrem),
        Holder::Vm { id, .. } => vm(id.to_string()),
        Holder::Planned => vm(format!("planned-{address}")),
        Holder::Instance { id, .. } => Some(NodeId::Instance(id.to_string())),
        Holder::Interface { id, .. } => Some(NodeId::Service(id.to_string())),
        Holder::Sender => None,
    }
}

/// All senders, by each of their addresses.
fn senders(lab: &LabState, prober: Ipv4Addr) -> Vec<Sender> {
    let mut senders = Vec::new();
    if lab.aws.on_prem.iter().any(|own| own.contains(prober)) {
        senders.push(Sender {
            node: NodeId::OnPrem,
            address: prober,
            source: Source::OnPrem,
            origin: Origin::OnPrem,
        });
    }
    for (region, state) in &lab.aws.regions {
        for (id, eni) in &state.enis {
            if !routing::is_up(state, eni) {
                continue;
            }
            let node = match &eni.instance {
                Some((instance, _)) => NodeId::Instance(instance.clone()),
                None => NodeId::Service(id.clone()),
            };
            for address in std::iter::once(eni.primary).chain(eni.secondary.iter().copied()) {
                senders.push(Sender {
                    node: node.clone(),
                    address,
                    source: Source::Ec2Subnet {
                        vpc: eni.vpc.as_str().into(),
                        subnet: eni.subnet.as_str().into(),
                    },
                    origin: Origin::Subnet {
                        region: region.clone(),
                        subnet: eni.subnet.clone(),
                    },
                });
            }
        }
    }
    for (pc, state) in lab.pcs.iter().enumerate() {
        for (id, vm) in state.vms.iter().filter(|(_, vm)| vm.on) {
            let nic = &vm.nics[0];
            let vpc = state.subnets[&nic.subnet].vpc.as_deref().unwrap();
            // Copies of test failovers are not the machine with that address.
            if vpc.starts_with("fv-test") || !nic.connected {
                continue;
            }
            senders.push(Sender {
                node: NodeId::Vm(pc, id.clone()),
                address: nic.address.unwrap(),
                source: Source::Machine {
                    place: Place::Site(state.name.as_str().into()),
                    address: nic.address.unwrap(),
                },
                origin: Origin::Vm { pc, vm: id.clone() },
            });
        }
    }
    senders
}
