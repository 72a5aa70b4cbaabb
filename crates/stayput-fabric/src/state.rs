//! What changes: routes, prefixes, who answers, what is up. Copies share everything that did not change.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use stayput_estate::AttachmentId;
use stayput_estate::Cidr;
use stayput_estate::EdgeKind;
use stayput_estate::EniId;
use stayput_estate::TgwId;
use stayput_world::AwsRegion;
use stayput_world::World;
use stayput_world::aws::RouteDestination;
use stayput_world::aws::TgwTarget;
use stayput_world::aws::VpcRoute;
use stayput_world::aws::VpcRouteState;
use stayput_world::aws::VpcRouteTable;
use stayput_world::aws::VpcRouteTarget;
use stayput_world::prism::PowerState;

use crate::holders::Holder;
use crate::holders::Holders;
use crate::holders::Location;
use crate::index::AttIx;
use crate::index::EdgeIx;
use crate::index::EniIx;
use crate::index::Id;
use crate::index::ListIx;
use crate::index::RegionIx;
use crate::index::SiteIx;
use crate::index::TgwIx;
use crate::index::VpcIx;
use crate::index::VpcTableIx;
use crate::listed;
use crate::prefix_map::PrefixMap;
use crate::topology::AttKind;
use crate::topology::Topology;
use crate::trace::Origin;

/// Where a static Transit Gateway route leads. Small and copyable, so that a table of ten thousand copies in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fixed {
    Attachment(AttIx),
    Blackhole,
    /// An attachment that does not exist: the route stays and drops (AWS reference §1.3). Position in [`State::gone`].
    Gone(u32),
}

/// A route that a prefix list brings into a Transit Gateway table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Listed {
    pub(crate) list: ListIx,
    pub(crate) fixed: Fixed,
}

/// One learned route of a Transit Gateway table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Learned {
    /// Its kind, which is its rank (AWS reference §1.2).
    pub(crate) origin: Origin,
    pub(crate) attachment: AttIx,
}

/// A Transit Gateway route table. Learned routes are those it would have if no static route hid them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TgwTable {
    pub(crate) fixed: Arc<PrefixMap<Fixed>>,
    /// Below static routes, above learned ones. No change touches them.
    pub(crate) listed: Arc<PrefixMap<Listed>>,
    /// Entries of all its prefix lists, equal ones counted as often as they are listed.
    pub(crate) entries: usize,
    /// The static routes that are advertised to BGP neighbours, while they differ from `fixed`: a change in flight.
    pub(crate) advertised_fixed: Option<Arc<PrefixMap<Fixed>>>,
    /// By prefix, best first.
    pub(crate) learned: Arc<PrefixMap<Vec<Learned>>>,
    pub(crate) propagations: Arc<BTreeSet<AttIx>>,
}

/// One route of a VPC table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VpcEntry {
    pub(crate) hop: VpcHop,
    pub(crate) usable: bool,
    pub(crate) origin: VpcOrigin,
}

impl VpcEntry {
    /// The prefix list it is an entry of.
    pub(crate) fn list(&self) -> Option<ListIx> {
        match self.origin {
            VpcOrigin::Listed(list) => Some(list),
            VpcOrigin::Written | VpcOrigin::Propagated => None,
        }
    }
}

/// Where a VPC route comes from, in the order in which one beats another of equal length (AWS reference §3 item 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum VpcOrigin {
    /// Written through the API, by NC2 for example, or the VPC's own `local`.
    Written,
    /// An entry of a prefix list.
    Listed(ListIx),
    /// Propagated from a virtual private gateway.
    Propagated,
}

/// Where a VPC route leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum VpcHop {
    Local,
    Tgw(TgwId),
    Eni { id: EniId, eni: Option<EniIx> },
    Gateway(String),
    Peering(String),
    Unknown(String),
}

/// What a Flow VPC routes by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Flow {
    /// Externally routable prefixes.
    pub(crate) erps: Arc<PrefixMap<()>>,
    /// Overlay subnets with their names.
    pub(crate) subnets: Arc<PrefixMap<String>>,
}

/// What each table had, and has again when the prefix is switched back.
type ErpMemory = BTreeMap<(SiteIx, Cidr), Vec<(VpcTableIx, Option<VpcEntry>)>>;

/// Everything a change can change. Vectors are indexed by the matching id.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) tgw_tables: Vec<TgwTable>,
    /// The route that counts for each prefix.
    pub(crate) vpc_tables: Vec<Arc<PrefixMap<VpcEntry>>>,
    /// What counts for a prefix when nothing is written for it, best first: entries of prefix lists, propagated routes. No change
    /// touches these.
    pub(crate) vpc_under: Arc<Vec<PrefixMap<Vec<VpcEntry>>>>,
    pub(crate) flows: Vec<Flow>,
    pub(crate) holders: Holders,
    /// Whether each attachment is there and forwards.
    pub(crate) attached: Arc<Vec<bool>>,
    pub(crate) down_edges: BTreeSet<EdgeIx>,
    pub(crate) down_regions: BTreeSet<RegionIx>,
    /// Allowed prefixes of Direct Connect edges.
    pub(crate) allowed: Vec<Arc<PrefixMap<()>>>,
    /// Attachments that only routes still name.
    pub(crate) gone: Arc<Vec<AttachmentId>>,
    pub(crate) erp_memory: Arc<ErpMemory>,
}

impl State {
    pub(crate) fn new(topology: &Topology, world: &World) -> Self {
        let mut gone = Vec::new();
        let vpc_under = vpc_under(topology, world);
        Self {
            vpc_tables: vpc_tables(topology, world, &vpc_under),
            vpc_under: Arc::new(vpc_under),
            flows: flows(topology, world),
            holders: Holders::new(holders(topology, world)),
            attached: Arc::new(
                topology
                    .attachments
                    .iter()
                    .map(|(_, node)| node.forwards)
                    .collect(),
            ),
            down_edges: down_edges(topology, world),
            down_regions: BTreeSet::new(),
            allowed: allowed(topology, world),
            tgw_tables: tgw_tables(topology, world, &mut gone),
            gone: Arc::new(gone),
            erp_memory: Arc::default(),
        }
    }

    /// The route of a VPC table that counts for a prefix once nothing is written for it.
    pub(crate) fn uncovered(&self, table: VpcTableIx, cidr: Cidr) -> Option<&VpcEntry> {
        self.vpc_under.get(table.position())?.get(cidr)?.first()
    }

    pub(crate) fn is_attached(&self, attachment: AttIx) -> bool {
        self.attached
            .get(attachment.position())
            .copied()
            .unwrap_or(false)
    }
}

/// The rank of what an attachment advertises, or `None` when it advertises nothing (AWS reference §1.1, §1.2).
pub(crate) fn origin_of(kind: &AttKind) -> Option<Origin> {
    match kind {
        AttKind::Vpc { .. } => Some(Origin::Vpc),
        AttKind::Vpn { private: true, .. } => Some(Origin::PrivateVpn),
        AttKind::Vpn { private: false, .. } => Some(Origin::Vpn),
        AttKind::DirectConnect { .. } => Some(Origin::DirectConnect),
        AttKind::Peering { .. } => None,
        AttKind::Unknown { resource_type, .. } if resource_type == "connect" => {
            Some(Origin::Connect)
        }
        AttKind::Unknown { .. } => Some(Origin::Other),
    }
}

fn tgw_tables(topology: &Topology, world: &World, gone: &mut Vec<AttachmentId>) -> Vec<TgwTable> {
    let mut tables = Vec::new();
    for (_, node) in topology.tgw_tables.iter() {
        let region = topology.tgws[node.tgw].region;
        let observed = world
            .aws
            .get(&topology.regions[region])
            .and_then(|aws| aws.tgw_route_tables.get(&node.id));
        let attachment =
            |id: &AttachmentId| topology.attachment_ids.get(&(region, id.clone())).copied();
        let static_routes = observed
            .into_iter()
            .flat_map(|table| &table.static_routes)
            .map(|(cidr, target)| (*cidr, fixed(target, attachment, gone)))
            .collect();
        let listed = world
            .aws
            .get(&topology.regions[region])
            .zip(observed)
            .into_iter()
            .flat_map(|(aws, table)| listed::in_tgw_table(aws, table))
            .filter_map(|(cidr, (list, target))| {
                let list = *topology.list_ids.get(list)?;
                let fixed = fixed(target, attachment, gone);
                Some((cidr, Listed { list, fixed }))
            })
            .collect();
        let listed_entries = world
            .aws
            .get(&topology.regions[region])
            .zip(observed)
            .map_or(0, |(aws, table)| listed::entries(aws, table));
        let propagations: BTreeSet<AttIx> = observed
            .into_iter()
            .flat_map(|table| &table.propagations)
            .filter_map(attachment)
            .collect();
        let mut learned: BTreeMap<Cidr, BTreeSet<Learned>> = BTreeMap::new();
        let mut learn = |cidr: Cidr, from: AttIx| {
            if let Some(origin) = origin_of(&topology.attachments[from].kind) {
                learned.entry(cidr).or_default().insert(Learned {
                    origin,
                    attachment: from,
                });
            }
        };
        for from in &propagations {
            for cidr in topology.advertised.get(from).into_iter().flatten() {
                learn(*cidr, *from);
            }
        }
        for (cidr, from) in observed.into_iter().flat_map(|table| &table.learned_routes) {
            for from in from.iter().filter_map(attachment) {
                learn(*cidr, from);
            }
        }
        tables.push(TgwTable {
            fixed: Arc::new(static_routes),
            listed: Arc::new(listed),
            entries: listed_entries,
            advertised_fixed: None,
            learned: Arc::new(
                learned
                    .into_iter()
                    .map(|(cidr, from)| (cidr, from.into_iter().collect()))
                    .collect(),
            ),
            propagations: Arc::new(propagations),
        });
    }
    tables
}

/// A static route's target as it is kept here.
pub(crate) fn fixed(
    target: &TgwTarget,
    attachment: impl Fn(&AttachmentId) -> Option<AttIx>,
    gone: &mut Vec<AttachmentId>,
) -> Fixed {
    match target {
        TgwTarget::Blackhole => Fixed::Blackhole,
        TgwTarget::Attachment(id) => attachment(id).map_or_else(
            || {
                let at = gone
                    .iter()
                    .position(|known| known == id)
                    .unwrap_or_else(|| {
                        gone.push(id.clone());
                        gone.len() - 1
                    });
                Fixed::Gone(u32::try_from(at).unwrap_or(u32::MAX))
            },
            Fixed::Attachment,
        ),
    }
}

/// Which AWS region a VPC table is in, and the table as observed.
fn observed_table<'a>(
    topology: &Topology,
    world: &'a World,
    table: VpcTableIx,
) -> Option<(&'a AwsRegion, &'a VpcRouteTable)> {
    let node = &topology.vpc_tables[table];
    let region = topology.vpcs[node.vpc].region;
    let aws = world.aws.get(&topology.regions[region])?;
    Some((aws, aws.route_tables.get(&node.id)?))
}

fn vpc_entry(topology: &Topology, vpc: VpcIx, route: &VpcRoute, origin: VpcOrigin) -> VpcEntry {
    VpcEntry {
        hop: vpc_hop(topology, &route.target),
        usable: match route.state {
            VpcRouteState::Active => true,
            VpcRouteState::Blackhole => comes_back(topology, vpc, &route.target),
            VpcRouteState::Unknown(_) => false,
        },
        origin,
    }
}

/// The routes to one prefix each, propagated or written.
fn plain(table: &VpcRouteTable, propagated: bool) -> impl Iterator<Item = (Cidr, &VpcRoute)> {
    table
        .routes
        .iter()
        .filter(move |route| route.propagated == propagated)
        .filter_map(|route| match route.destination {
            RouteDestination::Cidr(cidr) => Some((cidr, route)),
            RouteDestination::PrefixList(_) | RouteDestination::Ipv6(_) => None,
        })
}

fn vpc_under(topology: &Topology, world: &World) -> Vec<PrefixMap<Vec<VpcEntry>>> {
    let mut tables = Vec::new();
    for (ix, node) in topology.vpc_tables.iter() {
        let mut under: BTreeMap<Cidr, Vec<VpcEntry>> = BTreeMap::new();
        if let Some((aws, table)) = observed_table(topology, world, ix) {
            let listed = listed::in_vpc_table(aws, table);
            let listed = listed.into_iter().filter_map(|(cidr, (list, route))| {
                let list = *topology.list_ids.get(list)?;
                Some((cidr, route, VpcOrigin::Listed(list)))
            });
            let propagated =
                plain(table, true).map(|(cidr, route)| (cidr, route, VpcOrigin::Propagated));
            for (cidr, route, origin) in listed.chain(propagated) {
                let entry = vpc_entry(topology, node.vpc, route, origin);
                under.entry(cidr).or_default().push(entry);
            }
        }
        tables.push(under.into_iter().collect());
    }
    tables
}

fn vpc_tables(
    topology: &Topology,
    world: &World,
    under: &[PrefixMap<Vec<VpcEntry>>],
) -> Vec<Arc<PrefixMap<VpcEntry>>> {
    let mut tables = Vec::new();
    for (ix, node) in topology.vpc_tables.iter() {
        let under = under
            .get(ix.position())
            .into_iter()
            .flat_map(PrefixMap::iter)
            .filter_map(|(cidr, entries)| Some((cidr, entries.first()?.clone())));
        // Every table has its VPC's CIDRs as local routes, whether or not the snapshot lists them (AWS reference §3 item 2).
        let local = topology.vpcs[node.vpc].cidrs.iter().map(|cidr| {
            let entry = VpcEntry {
                hop: VpcHop::Local,
                usable: true,
                origin: VpcOrigin::Written,
            };
            (*cidr, entry)
        });
        let written = observed_table(topology, world, ix)
            .into_iter()
            .flat_map(|(_, table)| plain(table, false))
            .map(|(cidr, route)| {
                let entry = vpc_entry(topology, node.vpc, route, VpcOrigin::Written);
                (cidr, entry)
            });
        // Of one prefix the last stays.
        tables.push(Arc::new(under.chain(local).chain(written).collect()));
    }
    tables
}

/// Whether a route is `blackhole` only because an attachment is missing: the walk looks for that by itself, and finds it when it comes
/// back (AWS reference §3 item 3).
fn comes_back(topology: &Topology, vpc: VpcIx, target: &VpcRouteTarget) -> bool {
    let VpcRouteTarget::Tgw(id) = target else {
        return false;
    };
    let tgw = tgw_of(topology, topology.vpcs[vpc].region, id);
    let attachment = tgw.and_then(|tgw| topology.vpc_attachments.get(&(tgw, vpc)));
    attachment.is_none_or(|attachment| !topology.attachments[*attachment].forwards)
}

/// A VPC route's target as it is kept here.
pub(crate) fn vpc_hop(topology: &Topology, target: &VpcRouteTarget) -> VpcHop {
    match target {
        VpcRouteTarget::Local => VpcHop::Local,
        VpcRouteTarget::Tgw(id) => VpcHop::Tgw(id.clone()),
        VpcRouteTarget::Eni(id) => VpcHop::Eni {
            id: id.clone(),
            eni: topology.eni_ids.get(id).copied(),
        },
        VpcRouteTarget::Gateway(id) => VpcHop::Gateway(id.clone()),
        VpcRouteTarget::Peering(id) => VpcHop::Peering(id.clone()),
        VpcRouteTarget::Unknown(text) => VpcHop::Unknown(text.clone()),
    }
}

fn flows(topology: &Topology, world: &World) -> Vec<Flow> {
    let mut flows = vec![Flow::default(); topology.flows.iter().count()];
    for (site, node) in topology.sites.iter() {
        let Some(prism) = world.prism.get(&node.name) else {
            continue;
        };
        for (ix, id, vpc) in topology.flows_of(site, prism) {
            let subnets = prism
                .subnets
                .values()
                .filter(|subnet| !subnet.external && subnet.vpc.as_ref() == Some(id))
                .filter_map(|subnet| Some((subnet.cidr?, subnet.name.clone())));
            flows[ix.position()] = Flow {
                erps: Arc::new(vpc.erps.iter().map(|cidr| (*cidr, ())).collect()),
                subnets: Arc::new(subnets.collect()),
            };
        }
    }
    flows
}

fn holders(topology: &Topology, world: &World) -> Vec<(std::net::Ipv4Addr, Holder)> {
    let mut holders = Vec::new();
    for (id, eni) in world.aws.values().flat_map(|aws| &aws.enis) {
        let Some(ix) = topology.eni_ids.get(id).copied() else {
            continue;
        };
        let node = &topology.enis[ix];
        let holder = Holder {
            location: Location::Eni(ix),
            answers: node.in_use && node.running,
        };
        holders.extend(eni.addresses().map(|address| (address, holder)));
    }
    for (site, node) in topology.sites.iter() {
        let Some(prism) = world.prism.get(&node.name) else {
            continue;
        };
        let flow_ids: BTreeMap<_, _> = topology
            .flows_of(site, prism)
            .into_iter()
            .map(|(flow, id, _)| (id, flow))
            .collect();
        for (id, vm) in &prism.vms {
            let Some(ix) = topology.vm_ids.get(&(site, id.clone())).copied() else {
                continue;
            };
            for nic in &vm.nics {
                let flow = nic
                    .subnet
                    .as_ref()
                    .and_then(|subnet| prism.subnets.get(subnet)?.vpc.as_ref())
                    .and_then(|vpc| flow_ids.get(vpc).copied());
                let Some(flow) = flow else {
                    continue;
                };
                let holder = Holder {
                    location: Location::Vm { vm: ix, flow },
                    answers: nic.connected && vm.power == PowerState::On,
                };
                let addresses = nic.address.iter().chain(&nic.secondary);
                holders.extend(addresses.map(|address| (*address, holder)));
            }
        }
    }
    holders
}

/// Edges whose VPN shows no tunnel up. Direct Connect sessions are not in a snapshot and count as up.
fn down_edges(topology: &Topology, world: &World) -> BTreeSet<EdgeIx> {
    topology
        .edges
        .iter()
        .filter(|(_, edge)| {
            let vpn = edge
                .attachment
                .and_then(|ix| match &topology.attachments[ix].kind {
                    AttKind::Vpn { id, .. } => world.aws.get(&edge.region)?.vpns.get(id),
                    AttKind::Vpc { .. }
                    | AttKind::DirectConnect { .. }
                    | AttKind::Peering { .. }
                    | AttKind::Unknown { .. } => None,
                });
            vpn.is_some_and(|vpn| vpn.tunnels_up == 0)
        })
        .map(|(ix, _)| ix)
        .collect()
}

/// What each Direct Connect edge originates (AWS reference §2.1). An association being updated still announces.
fn allowed(topology: &Topology, world: &World) -> Vec<Arc<PrefixMap<()>>> {
    let mut allowed = Vec::new();
    for (_, edge) in topology.edges.iter() {
        let prefixes = match &edge.kind {
            EdgeKind::DirectConnect { gateway } => world
                .aws
                .get(&edge.region)
                .into_iter()
                .flat_map(|aws| &aws.dx_associations)
                .filter(|association| {
                    association.gateway == *gateway
                        && association.tgw == edge.tgw
                        && ["associated", "updating"].contains(&association.state.as_str())
                })
                .flat_map(|association| &association.allowed_prefixes)
                .map(|cidr| (*cidr, ()))
                .collect(),
            EdgeKind::BgpVpn => PrefixMap::default(),
            EdgeKind::StaticVpn { on_prem_routes } => {
                on_prem_routes.iter().map(|cidr| (*cidr, ())).collect()
            }
        };
        allowed.push(Arc::new(prefixes));
    }
    allowed
}

/// The attachment of a VPC on a Transit Gateway named by a VPC route.
pub(crate) fn tgw_of(topology: &Topology, region: RegionIx, id: &TgwId) -> Option<TgwIx> {
    topology.tgw_ids.get(&(region, id.clone())).copied()
}
