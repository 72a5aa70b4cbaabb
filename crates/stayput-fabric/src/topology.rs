//! What does not change while routes and machines do: who is attached to what, interned.

mod advertised;
mod aws;
mod flow;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::AttachmentId;
use stayput_estate::Cidr;
use stayput_estate::DxGatewayId;
use stayput_estate::EdgeKind;
use stayput_estate::EdgeName;
use stayput_estate::EniId;
use stayput_estate::Estate;
use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::PrefixListId;
use stayput_estate::Region;
use stayput_estate::RouteTableId;
use stayput_estate::SiteName;
use stayput_estate::SubnetId;
use stayput_estate::TgwId;
use stayput_estate::TgwRouteTableId;
use stayput_estate::VmExtId;
use stayput_estate::VpcId;
use stayput_estate::VpnId;
use stayput_world::World;

use crate::index::Arena;
use crate::index::AttIx;
use crate::index::EdgeIx;
use crate::index::EniIx;
use crate::index::FlowIx;
use crate::index::ListIx;
use crate::index::RegionIx;
use crate::index::SiteIx;
use crate::index::SubnetIx;
use crate::index::TgwIx;
use crate::index::TgwTableIx;
use crate::index::VmIx;
use crate::index::VpcIx;
use crate::index::VpcTableIx;
use crate::prefix_map::PrefixMap;

/// A Transit Gateway.
#[derive(Debug)]
pub(crate) struct TgwNode {
    pub(crate) id: TgwId,
    pub(crate) region: RegionIx,
}

/// A Transit Gateway route table.
#[derive(Debug)]
pub(crate) struct TgwTableNode {
    pub(crate) id: TgwRouteTableId,
    pub(crate) tgw: TgwIx,
    /// Prefix lists it refers to whose contents were not observed.
    pub(crate) unknown_lists: Vec<PrefixListId>,
}

/// One side of an attachment.
#[derive(Debug)]
pub(crate) struct AttNode {
    pub(crate) id: AttachmentId,
    pub(crate) tgw: TgwIx,
    pub(crate) kind: AttKind,
    /// Whether its state forwards packets as observed.
    pub(crate) forwards: bool,
    pub(crate) association: Option<TgwTableIx>,
    /// The estate's edge behind it.
    pub(crate) edge: Option<EdgeIx>,
}

/// What is behind an attachment.
#[derive(Debug)]
pub(crate) enum AttKind {
    Vpc {
        id: VpcId,
        /// `None` when the VPC was not observed, as with one of another account.
        vpc: Option<VpcIx>,
        /// Attachment subnets, one for each route table among them.
        entries: Vec<SubnetIx>,
        /// Zones that have an attachment subnet; empty when not observed.
        zones: Vec<String>,
    },
    Vpn {
        id: VpnId,
        static_routes_only: bool,
        private: bool,
    },
    DirectConnect {
        gateway: DxGatewayId,
    },
    Peering {
        region: Region,
        tgw: TgwId,
        /// The same attachment on the far side, once observed.
        far: Option<AttIx>,
    },
    Unknown {
        resource_type: String,
        resource_id: String,
    },
}

/// A VPC.
#[derive(Debug)]
pub(crate) struct VpcNode {
    pub(crate) id: VpcId,
    pub(crate) region: RegionIx,
    pub(crate) cidrs: Vec<Cidr>,
    pub(crate) main: Option<VpcTableIx>,
    /// The site whose VPC it is.
    pub(crate) site: Option<SiteIx>,
    pub(crate) subnets: Vec<SubnetIx>,
}

/// A VPC route table.
#[derive(Debug)]
pub(crate) struct VpcTableNode {
    pub(crate) id: RouteTableId,
    pub(crate) vpc: VpcIx,
    /// Prefix lists it routes by whose contents were not observed.
    pub(crate) unknown_lists: Vec<PrefixListId>,
}

/// A VPC subnet.
#[derive(Debug)]
pub(crate) struct SubnetNode {
    pub(crate) id: SubnetId,
    pub(crate) vpc: VpcIx,
    pub(crate) cidr: Cidr,
    pub(crate) zone: String,
    /// Its explicit table, else the VPC's main one (AWS reference §3 item 1).
    pub(crate) table: Option<VpcTableIx>,
    /// Interfaces of instances in it, lowest id first.
    pub(crate) instance_enis: Vec<EniIx>,
}

/// A network interface.
#[derive(Debug)]
pub(crate) struct EniNode {
    pub(crate) id: EniId,
    pub(crate) vpc: VpcIx,
    /// `None` when its subnet was not observed.
    pub(crate) subnet: Option<SubnetIx>,
    pub(crate) kind: String,
    pub(crate) primary: Ipv4Addr,
    pub(crate) in_use: bool,
    pub(crate) source_dest_check: bool,
    /// The instance it is attached to, with its `Name` tag.
    pub(crate) instance: Option<(InstanceId, Option<String>)>,
    /// Whether that instance runs; an attached interface of anything else counts as running.
    pub(crate) running: bool,
}

/// A site of the estate.
#[derive(Debug)]
pub(crate) struct SiteNode {
    pub(crate) name: SiteName,
    pub(crate) vpc: Option<VpcIx>,
    /// `None` for the EC2 site.
    pub(crate) nc2: Option<Nc2Node>,
}

/// The Nutanix side of an NC2 site.
#[derive(Debug, Default)]
pub(crate) struct Nc2Node {
    /// Whether its Prism Central was observed.
    pub(crate) observed: bool,
    pub(crate) user: Option<FlowIx>,
    pub(crate) transit: Option<FlowIx>,
    /// Every Flow VPC of the site.
    pub(crate) flows: Vec<FlowIx>,
    /// Where new externally routable prefixes would be routed to.
    pub(crate) gateway: Option<EniIx>,
    /// The VPC route tables NC2 writes them into.
    pub(crate) erp_tables: Vec<VpcTableIx>,
}

/// A Flow VPC.
#[derive(Debug)]
pub(crate) struct FlowNode {
    pub(crate) site: SiteIx,
    pub(crate) name: String,
    pub(crate) transit: bool,
    /// Whether it is the isolated VPC of test failovers, whose machines must not be reachable.
    pub(crate) test: bool,
    /// Whether a no-NAT uplink is attached; prefixes are routable only then (AWS reference §4).
    pub(crate) no_nat: bool,
    /// Whether a NAT uplink is attached.
    pub(crate) nat: bool,
}

/// A VM.
#[derive(Debug)]
pub(crate) struct VmNode {
    pub(crate) id: VmExtId,
    pub(crate) name: String,
}

/// An edge of the estate.
#[derive(Debug)]
pub(crate) struct EdgeNode {
    pub(crate) name: EdgeName,
    pub(crate) region: Region,
    pub(crate) tgw: TgwId,
    pub(crate) attachment_id: AttachmentId,
    /// Its attachment, if observed.
    pub(crate) attachment: Option<AttIx>,
    /// Whether its region was observed. Of another it is not known what the edge announces.
    pub(crate) is_read: bool,
    pub(crate) kind: EdgeKind,
    pub(crate) local_preference: u32,
}

/// Everything that stays as it was observed.
#[derive(Debug)]
pub(crate) struct Topology {
    pub(crate) regions: Arena<RegionIx, Region>,
    pub(crate) tgws: Arena<TgwIx, TgwNode>,
    pub(crate) tgw_tables: Arena<TgwTableIx, TgwTableNode>,
    pub(crate) attachments: Arena<AttIx, AttNode>,
    pub(crate) vpcs: Arena<VpcIx, VpcNode>,
    pub(crate) vpc_tables: Arena<VpcTableIx, VpcTableNode>,
    pub(crate) subnets: Arena<SubnetIx, SubnetNode>,
    pub(crate) enis: Arena<EniIx, EniNode>,
    pub(crate) sites: Arena<SiteIx, SiteNode>,
    pub(crate) flows: Arena<FlowIx, FlowNode>,
    pub(crate) vms: Arena<VmIx, VmNode>,
    pub(crate) edges: Arena<EdgeIx, EdgeNode>,
    pub(crate) lists: Arena<ListIx, PrefixListId>,

    pub(crate) region_ids: BTreeMap<Region, RegionIx>,
    pub(crate) tgw_ids: BTreeMap<(RegionIx, TgwId), TgwIx>,
    pub(crate) tgw_table_ids: BTreeMap<(RegionIx, TgwRouteTableId), TgwTableIx>,
    pub(crate) attachment_ids: BTreeMap<(RegionIx, AttachmentId), AttIx>,
    pub(crate) vpc_ids: BTreeMap<VpcId, VpcIx>,
    pub(crate) vpc_table_ids: BTreeMap<RouteTableId, VpcTableIx>,
    pub(crate) subnet_ids: BTreeMap<SubnetId, SubnetIx>,
    pub(crate) eni_ids: BTreeMap<EniId, EniIx>,
    pub(crate) vm_ids: BTreeMap<(SiteIx, VmExtId), VmIx>,
    pub(crate) site_ids: BTreeMap<SiteName, SiteIx>,
    pub(crate) edge_ids: BTreeMap<EdgeName, EdgeIx>,
    pub(crate) list_ids: BTreeMap<PrefixListId, ListIx>,
    /// By which attachment a VPC is on a Transit Gateway; there is at most one (AWS reference §1.1).
    pub(crate) vpc_attachments: BTreeMap<(TgwIx, VpcIx), AttIx>,

    /// What each attachment advertises to the tables it propagates to.
    pub(crate) advertised: BTreeMap<AttIx, BTreeSet<Cidr>>,
    /// Earlier VPC attachments of the same Transit Gateway with the same CIDR: while one of them forwards, the later one is not
    /// propagated (AWS reference §1.1).
    pub(crate) earlier: BTreeMap<(AttIx, Cidr), Vec<AttIx>>,
    pub(crate) on_prem: PrefixMap<()>,
    pub(crate) on_prem_list: Vec<Cidr>,
    pub(crate) networks: BTreeMap<NetworkName, Cidr>,
    pub(crate) source_vpc: Option<VpcIx>,
}

impl Topology {
    /// Interns an estate and a snapshot. What is missing is left out and appears in the verdict of a packet that needs it.
    pub(crate) fn new(estate: &Estate, world: &World) -> Self {
        let mut topology = Self {
            regions: Arena::new(),
            tgws: Arena::new(),
            tgw_tables: Arena::new(),
            attachments: Arena::new(),
            vpcs: Arena::new(),
            vpc_tables: Arena::new(),
            subnets: Arena::new(),
            enis: Arena::new(),
            sites: Arena::new(),
            flows: Arena::new(),
            vms: Arena::new(),
            edges: Arena::new(),
            lists: Arena::new(),
            region_ids: BTreeMap::new(),
            tgw_ids: BTreeMap::new(),
            tgw_table_ids: BTreeMap::new(),
            attachment_ids: BTreeMap::new(),
            vpc_ids: BTreeMap::new(),
            vpc_table_ids: BTreeMap::new(),
            subnet_ids: BTreeMap::new(),
            eni_ids: BTreeMap::new(),
            vm_ids: BTreeMap::new(),
            site_ids: BTreeMap::new(),
            edge_ids: BTreeMap::new(),
            list_ids: BTreeMap::new(),
            vpc_attachments: BTreeMap::new(),
            advertised: BTreeMap::new(),
            earlier: BTreeMap::new(),
            on_prem: estate.on_prem.iter().map(|cidr| (*cidr, ())).collect(),
            on_prem_list: estate.on_prem.clone(),
            networks: estate
                .networks
                .iter()
                .map(|(name, network)| (name.clone(), network.cidr))
                .collect(),
            source_vpc: None,
        };
        for (region, aws) in &world.aws {
            topology.add_region(region, aws);
        }
        topology.join_peerings();
        topology.add_edges(estate);
        topology.add_sites(estate, world);
        topology.learn(world);
        topology
    }

    /// The attachment an edge of the estate is behind.
    fn add_edges(&mut self, estate: &Estate) {
        for (name, edge) in &estate.edges {
            let attachment = self
                .region_ids
                .get(&edge.region)
                .and_then(|region| self.attachment_ids.get(&(*region, edge.attachment.clone())))
                .copied();
            let id = self.edges.push(EdgeNode {
                name: name.clone(),
                region: edge.region.clone(),
                tgw: edge.tgw.clone(),
                attachment_id: edge.attachment.clone(),
                attachment,
                is_read: self.region_ids.contains_key(&edge.region),
                kind: edge.kind.clone(),
                local_preference: edge.local_preference,
            });
            self.edge_ids.insert(name.clone(), id);
            if let Some(node) = attachment.and_then(|ix| self.attachments.get_mut(ix)) {
                node.edge = Some(id);
            }
        }
    }

    /// The region of a Transit Gateway attachment.
    pub(crate) fn region_of(&self, attachment: AttIx) -> RegionIx {
        self.tgws[self.attachments[attachment].tgw].region
    }
}
