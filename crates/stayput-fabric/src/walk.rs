//! Walking a packet: state by state, until it ends or reaches a state again.
//!
//! A state is a node with the route table that decides there; the next state depends on nothing else but the destination. So
//! reaching a state twice is a loop, and states that were walked once need not be walked again. Where there are several equal
//! ways (tables of several attachment subnets, equal learned routes) all are walked and the worst ending counts.
//!
//! The walk itself moves small copyable values; names and sentences are made afterwards, by `explain`, for who asks.

mod flow;
mod on_prem;
mod tgw;
mod vpc;

use std::net::Ipv4Addr;

use stayput_estate::Cidr;

use crate::assumptions::Assumptions;
use crate::holders::Location;
use crate::index::AttIx;
use crate::index::EdgeIx;
use crate::index::EniIx;
use crate::index::FlowIx;
use crate::index::Id;
use crate::index::ListIx;
use crate::index::RegionIx;
use crate::index::SiteIx;
use crate::index::SubnetIx;
use crate::index::TgwIx;
use crate::index::TgwTableIx;
use crate::index::VpcIx;
use crate::index::VpcTableIx;
use crate::reason::DeadEniCause;
use crate::reason::Origin;
use crate::state::Fixed;
use crate::state::State;
use crate::topology::Topology;

pub(crate) use on_prem::KnownPrefix;

/// Where a packet is, with everything its next move depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum At {
    /// The on-prem router, free to choose or bound to one edge.
    OnPrem { only: Option<EdgeIx> },
    /// An edge, on the way into AWS.
    EdgeIn(EdgeIx),
    /// An edge, on the way out of AWS.
    EdgeOut(EdgeIx),
    /// A Transit Gateway with the table associated with the attachment it came in by.
    Tgw {
        tgw: TgwIx,
        table: Option<TgwTableIx>,
    },
    /// A VPC, to be routed by a subnet's table.
    Vpc {
        vpc: VpcIx,
        table: Option<VpcTableIx>,
        subnet: Option<SubnetIx>,
        /// Whether it came in from a Transit Gateway or overlay rather than from an interface of the VPC.
        transit: bool,
    },
    /// The far VPC of a VPC peering.
    Peer(VpcIx),
    /// A Flow transit VPC; `below` when it came up from that user VPC.
    Transit { site: SiteIx, below: Option<FlowIx> },
    /// A Flow user VPC; `below` when one of its own VMs sent it.
    User { flow: FlowIx, below: bool },
    /// The segment of an overlay subnet, from a VM on it.
    Segment { flow: FlowIx, prefix: Cidr },
}

impl At {
    /// The VPC route table that decides here, if one does.
    pub(crate) fn vpc_table(self) -> Option<VpcTableIx> {
        if let Self::Vpc { table, .. } = self {
            table
        } else {
            None
        }
    }

    /// The Transit Gateway table that decides here, if one does.
    pub(crate) fn tgw_table(self) -> Option<TgwTableIx> {
        if let Self::Tgw { table, .. } = self {
            table
        } else {
            None
        }
    }
}

/// Which rule decided at a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    OwnPrefix(Cidr),
    Announced(KnownPrefix),
    NothingAnnounced,
    Enters(AttIx),
    ToOnPrem,
    EdgeNotObserved(EdgeIx),
    SessionDown,
    AttachmentDown(AttIx),
    NotAssociated,
    TgwRoute {
        prefix: Cidr,
        origin: Origin,
        list: Option<ListIx>,
        attachment: AttIx,
        ways: usize,
    },
    TgwBlackhole(Cidr, Fixed, Option<ListIx>),
    NoMatch,
    NoTable,
    VpcRoute(Cidr),
    VpcRouteDead(Cidr),
    NotAttached(Cidr),
    ZoneNotAttached(Cidr, SubnetIx),
    DeadEni(Cidr, DeadEniCause),
    PeeringRefuses(Cidr),
    PeerLocal,
    TransitPrefix(Cidr, FlowIx),
    NoTransitPrefix,
    NoUserPrefix(Cidr),
    TransitUplink(EniIx),
    NoGateway,
    OverlaySubnet(Cidr, FlowIx),
    NoOverlaySubnet,
    NoNatUplink,
    NatUplink,
    NoUplink,
    OnLink(Cidr),
    OffLink,
    RegionDown,
    NotObserved,
}

/// A place where packets end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum PlaceIx {
    Site(SiteIx),
    Vpc(VpcIx),
    OnPrem,
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answerer {
    Location(Location),
    OnPrem,
    Sender,
}

/// How a walk ended, at its last state. Ordered from best to worst by [`Ending::badness`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Delivered(PlaceIx, Answerer),
    NoRoute,
    Blackhole,
    DeadEni(DeadEniCause),
    LeavesByNat,
    /// No machine answers here; whether that is a wrong site depends on the machines elsewhere.
    NoAnswer(PlaceIx),
    WrongSite {
        reached: PlaceIx,
        machine: SiteIx,
        steerable: bool,
    },
    NoMachine(PlaceIx),
    /// Back at the state of this position in the path.
    Loop(usize),
    RegionDown(RegionIx),
    Unmodelled,
}

impl Ending {
    fn badness(self) -> u8 {
        match self {
            Self::Delivered(..) => 0,
            Self::NoAnswer(_) | Self::NoMachine(_) => 1,
            Self::RegionDown(_) => 2,
            Self::DeadEni(_) => 3,
            Self::Blackhole => 4,
            Self::NoRoute => 5,
            Self::LeavesByNat => 6,
            Self::Unmodelled => 7,
            Self::WrongSite {
                steerable: false, ..
            } => 8,
            Self::WrongSite {
                steerable: true, ..
            } => 9,
            Self::Loop(_) => 10,
        }
    }
}

/// A finished walk. Never empty.
#[derive(Debug, Clone)]
pub(crate) struct Walked {
    pub(crate) path: Vec<(At, Decision)>,
    pub(crate) ending: Ending,
}

impl Walked {
    fn worse(self, other: Self) -> Self {
        if other.ending.badness() > self.ending.badness() {
            other
        } else {
            self
        }
    }

    /// Whether it ends worse than another.
    pub(crate) fn is_worse_than(&self, other: &Self) -> bool {
        self.ending.badness() > other.ending.badness()
    }
}

/// What to do at a state.
pub(crate) enum Step {
    On(Decision, At),
    /// Several equal ways; never empty.
    Fork(Decision, Vec<At>),
    /// Several equal ways, each for a reason of its own; never empty.
    Split(Vec<Step>),
    End(Decision, Ending),
}

/// The place of a sender at whose address no machine is known: a reply to it counts as arrived there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    Vpc(VpcIx),
    Flow(FlowIx),
}

/// One packet on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walker<'a> {
    pub(crate) topology: &'a Topology,
    pub(crate) state: &'a State,
    pub(crate) assumptions: Assumptions,
    pub(crate) to: Ipv4Addr,
    pub(crate) sender: Option<Sender>,
}

impl Walker<'_> {
    /// Walks from a state to the worst ending it can have.
    pub(crate) fn walk(&self, start: At) -> Walked {
        self.walk_noting(start, &mut Vec::new())
    }

    /// The same, noting every state that was evaluated, on the worst path and on the others.
    pub(crate) fn walk_noting(&self, start: At, passed: &mut Vec<At>) -> Walked {
        passed.clear();
        // The first walk prunes nothing, so there is one.
        self.follow(start, Vec::new(), passed).unwrap_or(Walked {
            path: vec![(start, Decision::NotObserved)],
            ending: Ending::Unmodelled,
        })
    }

    /// `None` when an earlier way has already walked from here: whatever is reachable was counted there.
    fn follow(
        &self,
        mut at: At,
        mut path: Vec<(At, Decision)>,
        walked: &mut Vec<At>,
    ) -> Option<Walked> {
        loop {
            if let Some(first) = path.iter().position(|(seen, _)| *seen == at) {
                return Some(Walked {
                    path,
                    ending: Ending::Loop(first),
                });
            }
            if walked.contains(&at) {
                return None;
            }
            walked.push(at);
            match self.step(at) {
                Step::On(decision, next) => {
                    path.push((at, decision));
                    at = next;
                }
                step @ (Step::Fork(..) | Step::Split(_) | Step::End(..)) => {
                    return self.branch(at, step, path, walked);
                }
            }
        }
    }

    fn branch(
        &self,
        at: At,
        step: Step,
        mut path: Vec<(At, Decision)>,
        walked: &mut Vec<At>,
    ) -> Option<Walked> {
        match step {
            Step::On(decision, next) => {
                path.push((at, decision));
                self.follow(next, path, walked)
            }
            Step::Fork(decision, ways) => {
                path.push((at, decision));
                ways.into_iter()
                    .filter_map(|next| self.follow(next, path.clone(), walked))
                    .reduce(Walked::worse)
            }
            Step::Split(steps) => steps
                .into_iter()
                .filter_map(|step| self.branch(at, step, path.clone(), walked))
                .reduce(Walked::worse),
            Step::End(decision, ending) => {
                path.push((at, decision));
                let ending = self.judge(ending, &path);
                Some(Walked { path, ending })
            }
        }
    }

    fn step(&self, at: At) -> Step {
        match at {
            At::OnPrem { only } => self.at_on_prem(only),
            At::EdgeIn(edge) => self.at_edge_in(edge),
            At::EdgeOut(edge) => self.at_edge_out(edge),
            At::Tgw { tgw, table } => self.at_tgw(tgw, table),
            At::Vpc {
                vpc,
                table,
                subnet,
                transit,
            } => self.at_vpc(vpc, table, subnet, transit),
            At::Peer(vpc) => Step::End(Decision::PeerLocal, self.in_vpc(vpc)),
            At::Transit { site, below } => self.at_transit(site, below),
            At::User { flow, below } => self.at_user(flow, below),
            At::Segment { flow, prefix } => self.at_segment(flow, prefix),
        }
    }

    /// Decides what it means that no machine answers.
    fn judge(&self, ending: Ending, path: &[(At, Decision)]) -> Ending {
        let Ending::NoAnswer(place) = ending else {
            return ending;
        };
        // A machine at this very site, though in another Flow VPC or behind another interface, is no matter of sites.
        match self.machine_at().find(|site| PlaceIx::Site(*site) != place) {
            Some(machine) => Ending::WrongSite {
                reached: place,
                machine,
                steerable: path.iter().any(|(at, _)| match at {
                    At::OnPrem { .. }
                    | At::EdgeIn(_)
                    | At::EdgeOut(_)
                    | At::Tgw { .. }
                    | At::Transit { .. } => true,
                    At::Vpc { .. } | At::Peer(_) | At::User { .. } | At::Segment { .. } => false,
                }),
            },
            None => Ending::NoMachine(place),
        }
    }

    /// Sites where a machine answers for the destination.
    fn machine_at(&self) -> impl Iterator<Item = SiteIx> {
        let (topology, state, to) = (self.topology, self.state, self.to);
        state
            .holders
            .of(to)
            .iter()
            .filter(|holder| holder.answers)
            .filter_map(move |holder| site_of_location(topology, state, holder.location, to))
    }

    fn region_is_down(&self, region: RegionIx) -> bool {
        self.state.down_regions.contains(&region)
    }

    pub(crate) fn place_of_vpc(&self, vpc: VpcIx) -> PlaceIx {
        self.topology.vpcs[vpc]
            .site
            .map_or(PlaceIx::Vpc(vpc), PlaceIx::Site)
    }
}

/// The site that a holder counts for. A copy in a test VPC or in a Flow VPC that nothing routes to counts for none:
/// it cannot be reached and does not count (promise 2 of README.md).
pub(crate) fn site_of_location(
    topology: &Topology,
    state: &State,
    location: Location,
    address: Ipv4Addr,
) -> Option<SiteIx> {
    match location {
        Location::Eni(eni) => topology.vpcs[topology.enis[eni].vpc].site,
        Location::Planned(site) => Some(site),
        Location::Vm { flow, .. } => {
            let node = &topology.flows[flow];
            let user = topology.sites[node.site]
                .nc2
                .as_ref()
                .and_then(|nc2| nc2.user);
            let routed = || {
                !node.test
                    && state
                        .flows
                        .get(flow.position())
                        .is_some_and(|flow| flow.erps.covers(address))
            };
            (user == Some(flow) || routed()).then_some(node.site)
        }
    }
}
