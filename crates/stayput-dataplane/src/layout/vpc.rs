//! A VPC: for each subnet one kernel table for packets that pass through it and one for packets of its hosts, and the hosts
//! themselves.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use stayput_estate::Cidr;
use stayput_lab::aws::model::AttachmentKind;
use stayput_lab::aws::model::Eni;
use stayput_lab::aws::model::RegionState;
use stayput_lab::aws::model::RouteTarget;
use stayput_lab::aws::model::Subnet;
use stayput_lab::aws::routing;
use stayput_lab::aws::routing::is_up;
use stayput_lab::state::LabState;
use stayput_lab::walk::nc2::cluster_in;

use super::Hop;
use super::Layout;
use super::LinkId;
use super::Match;
use super::NodeId;
use super::Routes;
use super::TableId;

pub(super) fn build(lab: &LabState, place: &str, region: &RegionState, layout: &mut Layout) {
    for vpc in region.vpcs.keys() {
        hosts(region, vpc, layout);
        if lab.aws.down_regions.contains(place) {
            continue;
        }
        let view = View {
            lab,
            place,
            region,
            vpc,
            holders: holders(region, vpc),
        };
        view.build(layout);
    }
}

/// Adds every interface of a VPC that has an address, as a separate host or as part of its instance.
fn hosts(region: &RegionState, vpc: &str, layout: &mut Layout) {
    for (id, eni) in region.enis.iter().filter(|(_, eni)| eni.vpc == vpc) {
        let host = match &eni.instance {
            Some((instance, _)) => NodeId::Instance(instance.clone()),
            None => NodeId::Service(id.clone()),
        };
        let link = LinkId::Eni(id.clone());
        layout.link(link.clone(), host.clone(), NodeId::Vpc(vpc.to_owned()));
        let first = match &eni.instance {
            Some((instance, _)) => region
                .instances
                .get(instance)
                .and_then(|instance| instance.enis.values().next())
                .is_none_or(|first| first == id),
            None => true,
        };
        let node = layout.node(host);
        if first {
            node.route(TableId::Main, Cidr::ALL, Hop::Over(link.clone()));
        }
        let table = TableId::Eni(id.clone());
        node.route(table.clone(), Cidr::ALL, Hop::Over(link));
        if is_up(region, eni) {
            for address in addresses(eni) {
                node.addresses.insert(address);
                node.rule(Match::From(address), table.clone());
            }
        }
    }
}

fn addresses(eni: &Eni) -> impl Iterator<Item = Ipv4Addr> {
    std::iter::once(eni.primary).chain(eni.secondary.iter().copied())
}

/// Returns which interface answers at each address of a VPC.
fn holders(region: &RegionState, vpc: &str) -> BTreeMap<Ipv4Addr, LinkId> {
    region
        .enis
        .iter()
        .filter(|(_, eni)| eni.vpc == vpc && is_up(region, eni))
        .flat_map(|(id, eni)| addresses(eni).map(|address| (address, LinkId::Eni(id.clone()))))
        .collect()
}

/// A route of a VPC table; `local` is one of them.
#[derive(Clone, Copy)]
enum Target<'a> {
    Local,
    Written(&'a RouteTarget),
}

/// Which packets use a subnet's table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sender {
    /// A host of the subnet.
    Host,
    /// Packets that enter the subnet from outside.
    Elsewhere,
}

struct View<'a> {
    lab: &'a LabState,
    place: &'a str,
    region: &'a RegionState,
    vpc: &'a str,
    holders: BTreeMap<Ipv4Addr, LinkId>,
}

impl View<'_> {
    fn build(&self, layout: &mut Layout) {
        let router = NodeId::Vpc(self.vpc.to_owned());
        let subnets = || {
            let all = self.region.subnets.iter();
            all.filter(|(_, subnet)| subnet.vpc == self.vpc)
        };
        for (id, subnet) in subnets() {
            let through = self.table(id, subnet, Sender::Elsewhere, layout);
            let mut from = self.table(id, subnet, Sender::Host, layout);
            // A host's own subnet is on-link, independent of the tables.
            from.retain(|prefix, _| !subnet.cidr.covers(*prefix));
            from.insert(subnet.cidr, Hop::Drop);
            self.put_holders(&mut from, |address| subnet.cidr.contains(address));
            let node = layout.node(router.clone());
            node.tables.insert(TableId::Through(id.clone()), through);
            node.tables.insert(TableId::From(id.clone()), from);
        }
        let mut inside = Routes::new();
        self.put_holders(&mut inside, |_| true);
        let node = layout.node(router);
        node.tables.insert(TableId::Inside, inside);
        for (id, eni) in &self.region.enis {
            if eni.vpc == self.vpc {
                let packets = Match::In(LinkId::Eni(id.clone()));
                node.rule(packets, TableId::From(eni.subnet.clone()));
            }
        }
        for (id, attachment) in &self.region.attachments {
            if let AttachmentKind::Vpc { vpc, subnets } = &attachment.kind
                && vpc == self.vpc
                // Which subnet depends on zones; the first, as in the lab's walk.
                && let Some(subnet) = subnets.first()
            {
                let packets = Match::In(LinkId::Attachment(id.clone()));
                node.rule(packets, TableId::Through(subnet.clone()));
            }
        }
    }

    fn put_holders(&self, routes: &mut Routes, wanted: impl Fn(Ipv4Addr) -> bool) {
        for (address, link) in &self.holders {
            if wanted(*address) {
                routes.insert(Cidr::host(*address), Hop::Over(link.clone()));
            }
        }
    }

    fn table(&self, id: &str, subnet: &Subnet, sender: Sender, layout: &mut Layout) -> Routes {
        let table =
            routing::subnet_table(self.region, id).and_then(|id| self.region.route_tables.get(id));
        let Some(table) = table else {
            return Routes::new();
        };
        let local = self.region.vpcs.get(self.vpc).into_iter();
        let local = local.flat_map(|vpc| &vpc.cidrs);
        let targets: BTreeMap<Cidr, Target<'_>> = routing::vpc_routes(self.region, table)
            .map(|(cidr, target)| (cidr, Target::Written(target)))
            .chain(local.map(|cidr| (*cidr, Target::Local)))
            .collect();
        let mut routes: Routes = targets
            .iter()
            .map(|(prefix, target)| (*prefix, self.hop(subnet, *target)))
            .collect();
        for (prefix, target) in &targets {
            if let Target::Written(RouteTarget::Pcx(_)) = target
                && sender == Sender::Host
            {
                for (part, hop) in self.over_peerings(*prefix, layout) {
                    if longest(&targets, part) == Some(*prefix) {
                        routes.insert(part, hop);
                    }
                }
            }
        }
        self.put_holders(&mut routes, |address| {
            matches!(
                longest(&targets, Cidr::host(address)).and_then(|prefix| targets.get(&prefix)),
                Some(Target::Local)
            )
        });
        self.put_interfaces(&mut routes, &targets);
        routes
    }

    /// A route to an interface that has the destination address itself delivers there.
    fn put_interfaces(&self, routes: &mut Routes, targets: &BTreeMap<Cidr, Target<'_>>) {
        for (prefix, target) in targets {
            if let Target::Written(RouteTarget::Eni(id)) = target
                && let Some(eni) = self.usable(id)
            {
                for address in addresses(eni) {
                    let address = Cidr::host(address);
                    if longest(targets, address) == Some(*prefix) {
                        routes.insert(address, Hop::Over(LinkId::Eni(id.clone())));
                    }
                }
            }
        }
    }

    fn usable(&self, eni: &str) -> Option<&Eni> {
        self.region
            .enis
            .get(eni)
            .filter(|eni| eni.vpc == self.vpc && is_up(self.region, eni))
    }

    fn hop(&self, subnet: &Subnet, target: Target<'_>) -> Hop {
        let link = match target {
            Target::Local => None,
            Target::Written(RouteTarget::Tgw(tgw)) => self.attachment(subnet, tgw),
            Target::Written(RouteTarget::Eni(eni)) => self.cluster(eni),
            Target::Written(RouteTarget::Nat(_) | RouteTarget::Igw(_) | RouteTarget::Pcx(_)) => {
                None
            }
        };
        link.map_or(Hop::Drop, Hop::Over)
    }

    /// A zone without an attachment subnet does not reach the Transit Gateway (AWS reference §1.1).
    fn attachment(&self, subnet: &Subnet, tgw: &str) -> Option<LinkId> {
        let (id, subnets) = routing::vpc_attachment(self.region, self.vpc, tgw)?;
        let mut attached = subnets.iter().filter_map(|id| self.region.subnets.get(id));
        attached
            .any(|attached| attached.az == subnet.az)
            .then(|| LinkId::Attachment(id.to_owned()))
    }

    /// Returns the link through a host's interface into the cluster.
    fn cluster(&self, eni: &str) -> Option<LinkId> {
        let eni = self.usable(eni)?;
        let pc = cluster_in(self.lab, self.place, &eni.vpc)?;
        let up = self.lab.pcs.get(pc).is_some_and(|site| !site.down);
        (up && !eni.source_dest_check).then_some(LinkId::Gateway(pc))
    }

    /// Returns the parts of a route to a VPC peering connection that another VPC owns (AWS reference §3.3). The lab has no
    /// peering connections: the other VPC is the one that owns the address, if there is exactly one.
    fn over_peerings(&self, prefix: Cidr, layout: &mut Layout) -> Vec<(Cidr, Hop)> {
        let others = || {
            let regions = self.lab.aws.regions.iter();
            regions.flat_map(|(place, region)| {
                let vpcs = region.vpcs.iter();
                vpcs.filter(|(id, _)| *id != self.vpc)
                    .map(move |(id, vpc)| (place, id, vpc))
            })
        };
        let parts = others()
            .flat_map(|(_, _, vpc)| &vpc.cidrs)
            .filter(|cidr| cidr.overlaps(prefix))
            .map(|cidr| if prefix.covers(*cidr) { *cidr } else { prefix });
        let mut routes = Vec::new();
        for part in parts {
            let mut owners =
                others().filter(|(_, _, vpc)| vpc.cidrs.iter().any(|cidr| cidr.covers(part)));
            let hop = match (owners.next(), owners.next()) {
                (Some((place, far, _)), None) if !self.lab.aws.down_regions.contains(place) => {
                    let (a, b) = (self.vpc.min(far), self.vpc.max(far));
                    let link = LinkId::VpcPeering(a.to_owned(), b.to_owned());
                    let (here, there) =
                        (NodeId::Vpc(self.vpc.to_owned()), NodeId::Vpc(far.clone()));
                    layout.link(link.clone(), here.clone(), there.clone());
                    for end in [here, there] {
                        let node = layout.node(end);
                        node.rule(Match::In(link.clone()), TableId::Inside);
                    }
                    Hop::Over(link)
                }
                (_, _) => Hop::Drop,
            };
            routes.push((part, hop));
        }
        routes
    }
}

/// Returns the longest prefix that covers all of `part`.
fn longest<T>(targets: &BTreeMap<Cidr, T>, part: Cidr) -> Option<Cidr> {
    targets
        .keys()
        .filter(|prefix| prefix.covers(part))
        .max_by_key(|prefix| prefix.len())
        .copied()
}
