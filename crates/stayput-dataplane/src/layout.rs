//! What the kernel must contain for a state of the lab: nodes, links, addresses, tables and rules. Pure: computed from the state,
//! and compared with what exists.
//!
//! A node is a network namespace. The tables of a router hold what its Transit Gateway, subnet or Flow VPC decides. A rule
//! selects the table by the link a packet came in on. Where the lab's walk may choose, the first route is taken, as
//! [`stayput_lab::walk::walk`] does.

mod flow;
mod on_prem;
mod tgw;
mod vpc;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;

use stayput_estate::Cidr;
use stayput_lab::aws::model::AttachmentKind;
use stayput_lab::aws::routing;
use stayput_lab::state::LabState;

/// A network namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeId {
    /// The on-prem router, with the prober behind it.
    OnPrem,
    /// A Transit Gateway.
    Tgw(String),
    /// A VPC's router.
    Vpc(String),
    /// A cluster's transit VPC, by the Prism Central's index.
    Transit(usize),
    /// A user VPC of a cluster.
    Flow(usize, String),
    /// An EC2 instance.
    Instance(String),
    /// An interface of a service.
    Service(String),
    /// A VM.
    Vm(usize, String),
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnPrem => f.write_str("on-prem"),
            Self::Tgw(id) | Self::Vpc(id) | Self::Instance(id) | Self::Service(id) => {
                f.write_str(id)
            }
            Self::Transit(pc) => write!(f, "transit VPC {pc}"),
            Self::Flow(_, id) | Self::Vm(_, id) => f.write_str(id),
        }
    }
}

/// A pair of virtual Ethernet interfaces that joins two nodes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkId {
    /// An attachment of a Transit Gateway; a peering's two sides are one link.
    Attachment(String),
    /// From a cluster's transit VPC to its AWS VPC.
    Gateway(usize),
    /// From a user VPC to its transit VPC.
    Flow(usize, String),
    /// From an interface of EC2 to its VPC.
    Eni(String),
    /// From a VM to a user VPC.
    Nic(usize, String, String),
    /// Between two VPCs that have a route to a VPC peering connection.
    VpcPeering(String, String),
}

/// What a route does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hop {
    /// Sends over a link.
    Over(LinkId),
    /// Delivers locally: the address is the node's own.
    Local,
    /// Drops.
    Drop,
}

/// A kernel table of a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableId {
    /// Packets that the node itself sends, and packets that no rule matches.
    Main,
    /// A Transit Gateway route table.
    Tgw(String),
    /// A subnet's table, for packets that pass through it.
    Through(String),
    /// A subnet's table, for packets of its hosts: the subnet is on-link.
    From(String),
    /// Addresses inside the Flow VPC only.
    Inside,
    /// Packets that an interface of a machine sends.
    Eni(String),
}

/// Which packets a rule matches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// Packets that came in over a link.
    In(LinkId),
    /// Packets from an address of the node.
    From(Ipv4Addr),
}

/// Routes of a table.
pub type Routes = BTreeMap<Cidr, Hop>;

/// Content of a namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Its addresses: it answers at these.
    pub addresses: BTreeSet<Ipv4Addr>,
    /// Tables.
    pub tables: BTreeMap<TableId, Routes>,
    /// Which table is used for which packets. Packets that no rule matches use the main table.
    pub rules: BTreeMap<Match, TableId>,
}

impl Node {
    fn route(&mut self, table: TableId, prefix: Cidr, hop: Hop) {
        self.tables.entry(table).or_default().insert(prefix, hop);
    }

    /// Uses a table for the packets of a link, and creates the table.
    fn rule(&mut self, packets: Match, table: TableId) {
        self.tables.entry(table.clone()).or_default();
        self.rules.insert(packets, table);
    }
}

/// The whole data plane.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// Namespaces.
    pub nodes: BTreeMap<NodeId, Node>,
    /// Links, with the two nodes they join.
    pub links: BTreeMap<LinkId, (NodeId, NodeId)>,
    /// Source address of the prober.
    pub prober: Option<Ipv4Addr>,
}

impl Layout {
    /// Computes what the kernel must contain for a lab.
    pub fn of(lab: &LabState) -> Self {
        let mut layout = Self::default();
        layout.nodes.insert(NodeId::OnPrem, Node::default());
        for (name, region) in &lab.aws.regions {
            for id in region.tgws.keys() {
                layout.node(NodeId::Tgw(id.clone()));
            }
            for id in region.vpcs.keys() {
                layout.node(NodeId::Vpc(id.clone()));
            }
            for (id, attachment) in &region.attachments {
                let far = match &attachment.kind {
                    AttachmentKind::Vpc { vpc, .. } => NodeId::Vpc(vpc.clone()),
                    AttachmentKind::Vpn(_) | AttachmentKind::DirectConnect(_) => NodeId::OnPrem,
                    AttachmentKind::Peering { tgw, .. } => NodeId::Tgw(tgw.clone()),
                };
                if routing::forwards(attachment) {
                    layout.link(
                        LinkId::Attachment(id.clone()),
                        NodeId::Tgw(attachment.tgw.clone()),
                        far,
                    );
                }
            }
            if !lab.aws.down_regions.contains(name) {
                tgw::build(lab, name, region, &mut layout);
            }
            vpc::build(lab, name, region, &mut layout);
        }
        flow::build(lab, &mut layout);
        on_prem::build(lab, &mut layout);
        layout.with_dead_ends_dropped()
    }

    fn node(&mut self, id: NodeId) -> &mut Node {
        self.nodes.entry(id).or_default()
    }

    fn link(&mut self, id: LinkId, a: NodeId, b: NodeId) {
        self.node(a.clone());
        self.node(b.clone());
        self.links.entry(id).or_insert((a, b));
    }

    /// The layout without these links.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "no address there")
    )]
    pub(super) fn without_links(mut self, links: &[LinkId]) -> Self {
        self.links.retain(|link, _| !links.contains(link));
        self.with_dead_ends_dropped()
    }

    /// Replaces routes and rules over a link that does not exist or does not end here: they drop. What the table of a rule has no
    /// route for drops too; the kernel would otherwise continue with the main table.
    fn with_dead_ends_dropped(mut self) -> Self {
        let links = &self.links;
        for (id, node) in &mut self.nodes {
            let ends_here =
                |link: &LinkId| links.get(link).is_some_and(|(a, b)| a == id || b == id);
            node.rules.retain(|packets, _| match packets {
                Match::In(link) => ends_here(link),
                Match::From(_) => true,
            });
            for (table, routes) in &mut node.tables {
                if *table != TableId::Main {
                    routes.entry(Cidr::ALL).or_insert(Hop::Drop);
                }
            }
            for hop in node.tables.values_mut().flat_map(BTreeMap::values_mut) {
                if let Hop::Over(link) = hop
                    && !ends_here(link)
                {
                    *hop = Hop::Drop;
                }
            }
        }
        self
    }
}

#[cfg(test)]
mod tests;
