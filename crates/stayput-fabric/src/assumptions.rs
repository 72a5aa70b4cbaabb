//! What the model assumes because no source shows it.
//!
//! Everything that the AWS reference marks *(inferred)* or *(memory)* and that decides where a packet goes is either a field of
//! [`Assumptions`], so that a proof can be made with either answer, or a function of this module. The others:
//!
//! - an attachment without association drops what enters from it (AWS reference §1.1);
//! - of two VPCs with one CIDR the attachment with the lower id counts as the earlier (snapshots carry no times), and while that forwards
//!   the later one is propagated into no table, not even one the earlier does not propagate to (§1.1, literally);
//! - of two prefix lists with the same entry that a table refers to, the one with the lower id adds the route (§1.2 does not say; for VPC
//!   tables AWS documents that it chooses once and keeps the choice);
//! - a host reaches its own subnet directly: a route more specific than `local` steers what goes between subnets (§3 item 2);
//! - the attachment of a Direct Connect gateway is one with its association: without it nothing is announced (§2.1);
//! - when a transit VPC's prefix goes, NC2 takes its routes out of the tables it writes and of no others (§4);
//! - an attachment propagates the same prefixes into every table it propagates to (§1.1), and the on-prem
//!   routers announce every on-prem prefix over every BGP edge unless a table would show it and does not: so a learned route returns
//!   that a better one hid, or that was absent because the session was down (§1.2);
//! - what decides between learned routes of one kind (AS paths, MEDs, the communities 7224:7100 to 7300) is in no snapshot: those a table shows
//!   together are equal, and one that it does not show beside another of its kind is not announced, so that it does not return when the
//!   other is removed. If this is wrong, a predicted hole does not occur (§1.2 rule 3, §2.1);
//! - a packet from the AWS VPC that matches no externally routable prefix of the Flow transit VPC is dropped there; one that matches but
//!   is no user VPC's is too, wherever it came from (§4);
//! - a user VPC attached to a no-NAT uplink sends by it, else by the NAT one, which loses the packet's address (§4);
//! - a VPC peering carries only packets that start in one of its VPCs and end in the other's CIDR (§3.3).

use std::collections::BTreeSet;

use stayput_estate::Cidr;
use stayput_estate::EniId;
use stayput_estate::RouteTableId;
use stayput_estate::VpcId;
use stayput_world::AwsRegion;
use stayput_world::aws::AttachmentKind;
use stayput_world::aws::Eni;
use stayput_world::aws::InstanceState;
use stayput_world::aws::RouteDestination;
use stayput_world::aws::VpcRouteTarget;

/// Open questions of the reference that change verdicts, with the answer that is assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assumptions {
    /// Whether a BGP VPN announces blackhole routes of its table. Unknown (AWS reference §2.3). `true` predicts the larger
    /// hole: on-prem keeps sending to the side that drops.
    pub blackholes_are_announced: bool,
    /// Whether equal learned routes are all used at once: those of one kind in a Transit Gateway table (AWS reference §1.2 rule 3), and on the
    /// on-prem router the edges with one local preference behind which it knows one prefix. What else may decide (AS paths, MEDs,
    /// router ids, communities) cannot be observed. `true` follows each of them and reports the worst.
    pub equal_learned_routes_share: bool,
}

impl Default for Assumptions {
    /// The cautious answers.
    fn default() -> Self {
        Self {
            blackholes_are_announced: true,
            equal_learned_routes_share: true,
        }
    }
}

/// The VPC route tables NC2 writes an externally routable prefix into: the main table, and the tables of attachment
/// subnets that hold such a route today (memory; AWS reference §4, "which RTs").
pub(crate) fn tables_nc2_writes(
    region: &AwsRegion,
    vpc: &VpcId,
    erps: &BTreeSet<Cidr>,
) -> BTreeSet<RouteTableId> {
    let attachment_subnets: BTreeSet<_> = region
        .attachments
        .values()
        .filter_map(|attachment| match &attachment.kind {
            AttachmentKind::Vpc { vpc: of, subnets } if of == vpc => Some(subnets),
            AttachmentKind::Vpc { .. }
            | AttachmentKind::Vpn(_)
            | AttachmentKind::DirectConnect(_)
            | AttachmentKind::Peering { .. }
            | AttachmentKind::Unknown { .. } => None,
        })
        .flatten()
        .collect();
    region
        .route_tables
        .iter()
        .filter(|(_, table)| table.vpc == *vpc)
        .filter(|(_, table)| {
            let holds_one = table.routes.iter().any(|route| {
                matches!(route.target, VpcRouteTarget::Eni(_))
                    && matches!(route.destination, RouteDestination::Cidr(cidr) if erps.contains(&cidr))
            });
            let of_attachment = table
                .subnets
                .iter()
                .any(|subnet| attachment_subnets.contains(subnet));
            table.main || (of_attachment && holds_one)
        })
        .map(|(id, _)| id.clone())
        .collect()
}

/// The interface by which a cluster is joined to its AWS VPC: where new externally routable prefixes are routed to, and where its VMs'
/// packets come out (inferred; AWS reference §4 states only that it belongs to a host, is in the Flow subnet, and may change).
///
/// Of the interfaces that forward what is not their own: the one that routes of the transit VPC's prefixes name, else routes of others
/// outside the VPC, whether or not its host runs, for NC2 has yet to notice; else one of a host that runs. Failing all, the one
/// that routes name though it does not forward.
pub(crate) fn gateway_interface(
    region: &AwsRegion,
    vpc: &VpcId,
    erps: &BTreeSet<Cidr>,
) -> Option<EniId> {
    let outside = |cidr: Cidr| {
        region
            .vpcs
            .get(vpc)
            .is_none_or(|vpc| !vpc.cidrs.iter().any(|own| own.overlaps(cidr)))
    };
    let mut routed: Vec<_> = region
        .route_tables
        .iter()
        .filter(|(_, table)| table.vpc == *vpc)
        .flat_map(|(id, table)| table.routes.iter().map(move |route| (id, route)))
        .filter_map(|(table, route)| {
            let (RouteDestination::Cidr(cidr), VpcRouteTarget::Eni(id)) =
                (&route.destination, &route.target)
            else {
                return None;
            };
            let eni = region.enis.get(id).filter(|eni| eni.in_use)?;
            outside(*cidr).then_some((!erps.contains(cidr), table, *cidr, id, eni))
        })
        .collect();
    routed.sort_by_key(|(other, table, cidr, ..)| (*other, *table, *cidr));
    let forwards = |eni: &Eni| eni.vpc == *vpc && eni.in_use && !eni.source_dest_check;
    let in_use = routed
        .iter()
        .find(|(.., eni)| forwards(eni))
        .map(|(.., id, _)| *id);
    let host = || {
        region
            .enis
            .iter()
            .filter(|(_, eni)| forwards(eni))
            .filter_map(|(id, eni)| {
                let (host, _) = eni.attached_to.as_ref()?;
                let host = region.instances.get(host)?;
                (host.state == InstanceState::Running)
                    .then(|| (!host.instance_type.contains(".metal"), id))
            })
            .min()
            .map(|(_, id)| id)
    };
    in_use
        .or_else(host)
        .or_else(|| routed.first().map(|(.., id, _)| *id))
        .cloned()
}

/// Whether a gateway id leads out of private address space, where a packet to a kept address is lost: NAT, internet and
/// egress-only gateways.
pub(crate) fn leaves_private_space(gateway: &str) -> bool {
    ["nat-", "igw-", "eigw-"]
        .iter()
        .any(|prefix| gateway.starts_with(prefix))
}
