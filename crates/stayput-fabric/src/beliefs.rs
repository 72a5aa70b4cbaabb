//! What the model takes for true although no source shows it.
//!
//! Everything the AWS reference marks *(inferred)* or *(memory)* and that decides where a packet goes is either a field of
//! [`Beliefs`], so that a proof can be made under both readings, or a function of this module. The plain ones:
//!
//! - an attachment without association drops what enters from it (§1.1);
//! - of two VPCs with one CIDR the attachment with the lower id counts as the earlier (§1.1; snapshots carry no times);
//! - what one attachment teaches one route table, it teaches every table it propagates to (§1.1), and the on-prem
//!   routers announce every on-prem prefix over every BGP edge: so a learned route that a static one hides comes back (§1.2);
//! - a packet that reaches a Flow transit VPC without a matching externally routable prefix is dropped there (§4);
//! - a user VPC attached to a no-NAT uplink sends by it, else by the NAT one, which loses the packet's address (§4);
//! - a VPC peering carries only packets that start in one of its VPCs and end in the other's CIDR (§3.3).

use std::collections::BTreeSet;

use stayput_estate::Cidr;
use stayput_estate::EniId;
use stayput_estate::RouteTableId;
use stayput_estate::VpcId;
use stayput_world::AwsRegion;
use stayput_world::aws::AttachmentKind;
use stayput_world::aws::InstanceState;
use stayput_world::aws::RouteDestination;
use stayput_world::aws::VpcRouteTarget;

/// Open questions of the reference that change verdicts, with the answer to prove under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beliefs {
    /// Whether a BGP VPN announces blackhole routes of its table. Unknown (AWS reference §2.3). `true` predicts the larger
    /// hole: on-prem keeps sending to the side that drops.
    pub blackholes_are_announced: bool,
    /// Whether equal learned routes of one kind are all used at once (AWS reference §1.2 rule 3). `true` follows each of
    /// them and reports the worst.
    pub equal_learned_routes_share: bool,
}

impl Default for Beliefs {
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

/// The interface NC2 would route a new externally routable prefix to: the one existing such routes name; else one that
/// any out-of-VPC route names; else an interface of a running bare-metal host that forwards what is not its own (inferred; AWS
/// reference §4 says only that it is a host interface in the Flow subnet, and that it may change).
pub(crate) fn gateway_interface(
    region: &AwsRegion,
    vpc: &VpcId,
    erps: &BTreeSet<Cidr>,
) -> Option<EniId> {
    let routed = || {
        region
            .route_tables
            .values()
            .filter(|table| table.vpc == *vpc)
            .flat_map(|table| &table.routes)
            .filter_map(|route| {
                let (RouteDestination::Cidr(cidr), VpcRouteTarget::Eni(eni)) =
                    (&route.destination, &route.target)
                else {
                    return None;
                };
                Some((*cidr, eni))
            })
    };
    let outside = |cidr: Cidr| {
        region
            .vpcs
            .get(vpc)
            .is_none_or(|vpc| !vpc.cidrs.iter().any(|own| own.overlaps(cidr)))
    };
    let forwards = || {
        region
            .enis
            .iter()
            .filter(|(_, eni)| eni.vpc == *vpc && eni.in_use && !eni.source_dest_check)
            .filter_map(|(id, eni)| {
                let (host, _) = eni.attached_to.as_ref()?;
                let host = region.instances.get(host)?;
                (host.state == InstanceState::Running)
                    .then(|| (!host.instance_type.contains(".metal"), id))
            })
            .min()
            .map(|(_, id)| id)
    };
    routed()
        .find(|(cidr, _)| erps.contains(cidr))
        .or_else(|| routed().find(|(cidr, _)| outside(*cidr)))
        .map(|(_, eni)| eni)
        .or_else(forwards)
        .cloned()
}

/// Whether a gateway id leads out of private address space, where a packet to a kept address is lost: NAT, internet and
/// egress-only gateways.
pub(crate) fn leaves_private_space(gateway: &str) -> bool {
    ["nat-", "igw-", "eigw-"]
        .iter()
        .any(|prefix| gateway.starts_with(prefix))
}
