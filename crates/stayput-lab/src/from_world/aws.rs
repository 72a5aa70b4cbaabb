//! The AWS part of a snapshot.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::AttachmentId;
use stayput_estate::Cidr;
use stayput_estate::Edge;
use stayput_estate::EdgeKind;
use stayput_estate::Estate;
use stayput_estate::Region;
use stayput_estate::TgwRouteTableId;
use stayput_world::AwsRegion;
use stayput_world::World;
use stayput_world::aws as seen;

use super::PastTimes;
use crate::aws::model;
use crate::aws::model::RegionState;
use crate::aws::model::RouteTarget;
use crate::clock::VTime;
use crate::state::LabEvent;
use crate::state::LabState;

/// On-prem preference of an edge for which the estate gives none: BGP's default local preference.
const USUAL_PREFERENCE: u32 = 100;
/// Size of an instance's volumes, which a snapshot does not hold: 30 GiB.
const DISK_BYTES: u64 = 30 << 30;

/// Fills in every region and the on-prem side.
pub(super) fn fill(lab: &mut LabState, past: &mut PastTimes, world: &World, estate: &Estate) {
    lab.aws.on_prem = estate.on_prem.clone();
    for (name, aws) in &world.aws {
        if let Some(account) = &aws.account {
            lab.aws.account = account.to_string();
        }
        let mut region = RegionState::default();
        vpcs(&mut region, aws);
        prefix_lists(&mut region, aws);
        machines(&mut region, past, aws);
        transit(&mut region, past, aws);
        vpns(&mut region, name, aws, estate);
        // Attachments and instances that were in transition when the snapshot was taken complete it.
        for (id, instance) in &region.instances {
            if matches!(
                instance.state,
                model::InstanceState::Pending | model::InstanceState::Stopping
            ) {
                let settles = crate::aws::AwsEvent::InstanceSettles(name.to_string(), id.clone());
                lab.after(lab.timing.instance, LabEvent::Aws(settles));
            }
        }
        lab.aws.regions.insert(name.to_string(), region);
        direct_connect(lab, name, aws, estate);
    }
}

fn vpcs(region: &mut RegionState, aws: &AwsRegion) {
    for (id, vpc) in &aws.vpcs {
        let vpc = model::Vpc {
            cidrs: vpc.cidrs.clone(),
            tags: vpc.tags.clone(),
        };
        region.vpcs.insert(id.to_string(), vpc);
    }
    for (id, subnet) in &aws.subnets {
        let subnet = model::Subnet {
            vpc: subnet.vpc.to_string(),
            cidr: subnet.cidr,
            az: subnet.availability_zone.clone(),
            tags: BTreeMap::new(),
        };
        region.subnets.insert(id.to_string(), subnet);
    }
    for (id, table) in &aws.route_tables {
        let associations = table.subnets.iter().map(|subnet| {
            let key = subnet.as_str().trim_start_matches("subnet-");
            (format!("rtbassoc-{key}"), subnet.to_string())
        });
        let mut routes = BTreeMap::new();
        let mut list_routes = BTreeMap::new();
        let mut propagated = BTreeMap::new();
        for route in &table.routes {
            let Some(target) = route_target(&route.target) else {
                continue;
            };
            match &route.destination {
                seen::RouteDestination::Cidr(cidr) if route.propagated => {
                    propagated.insert(*cidr, target);
                }
                seen::RouteDestination::Cidr(cidr) => {
                    routes.insert(*cidr, target);
                }
                seen::RouteDestination::PrefixList(list) => {
                    list_routes.insert(list.to_string(), target);
                }
                seen::RouteDestination::Ipv6(_) => {}
            }
        }
        let table = model::RouteTable {
            vpc: table.vpc.to_string(),
            main: table.main,
            associations: associations.collect(),
            routes,
            list_routes,
            propagated,
            tags: BTreeMap::new(),
        };
        region.route_tables.insert(id.to_string(), table);
    }
}

/// Returns `None` for `local`, which every table has anyway.
fn route_target(target: &seen::VpcRouteTarget) -> Option<RouteTarget> {
    match target {
        seen::VpcRouteTarget::Local => None,
        seen::VpcRouteTarget::Tgw(id) => Some(RouteTarget::Tgw(id.to_string())),
        seen::VpcRouteTarget::Eni(id) => Some(RouteTarget::Eni(id.to_string())),
        seen::VpcRouteTarget::Gateway(id) if id.starts_with("nat-") => {
            Some(RouteTarget::Nat(id.clone()))
        }
        seen::VpcRouteTarget::Gateway(id) | seen::VpcRouteTarget::Unknown(id) => {
            Some(RouteTarget::Igw(id.clone()))
        }
        seen::VpcRouteTarget::Peering(id) => Some(RouteTarget::Pcx(id.clone())),
    }
}

fn machines(region: &mut RegionState, past: &mut PastTimes, aws: &AwsRegion) {
    for (id, eni) in &aws.enis {
        if !eni.in_use && eni.attached_to.is_none() {
            continue;
        }
        // The lab's interfaces are of IPv4.
        let Some(primary) = eni.primary else {
            continue;
        };
        for (private, public) in &eni.public {
            let address = model::Address {
                public: *public,
                association: Some((id.to_string(), *private)),
                tags: BTreeMap::new(),
            };
            let allocation = format!("eipalloc-{:08x}", u32::from(*public));
            region.addresses.insert(allocation, address);
        }
        let eni = model::Eni {
            vpc: eni.vpc.to_string(),
            subnet: eni.subnet.to_string(),
            mac: eni.mac,
            kind: eni.interface_type.clone(),
            description: eni.description.clone(),
            requester_managed: eni.requester_managed,
            instance: eni
                .attached_to
                .as_ref()
                .map(|(instance, index)| (instance.to_string(), *index)),
            source_dest_check: eni.source_dest_check,
            primary,
            secondary: eni.secondary.clone(),
            tags: BTreeMap::new(),
        };
        region.enis.insert(id.to_string(), eni);
    }
    for (id, instance) in &aws.instances {
        let enis = region.enis.iter().filter_map(|(eni, found)| {
            let (of, index) = found.instance.as_ref()?;
            (of == id.as_str()).then(|| (*index, eni.clone()))
        });
        let instance = model::Instance {
            state: instance_state(&instance.state),
            instance_type: instance.instance_type.clone(),
            architecture: instance.architecture.clone(),
            platform_details: instance.platform.clone(),
            image: String::new(),
            launched: past.next(),
            enis: enis.collect(),
            ssm_agent: model::SsmAgent::Online,
            guest: None,
            metadata_token_required: false,
            disk_bytes: DISK_BYTES,
            traits: instance.traits.as_deref().cloned().unwrap_or_default(),
            tags: instance.tags.clone(),
        };
        region.instances.insert(id.to_string(), instance);
    }
}

fn instance_state(state: &seen::InstanceState) -> model::InstanceState {
    match state {
        seen::InstanceState::Pending => model::InstanceState::Pending,
        seen::InstanceState::Running => model::InstanceState::Running,
        seen::InstanceState::Stopping => model::InstanceState::Stopping,
        // Of an unknown state it is only known that the instance does not run.
        seen::InstanceState::Stopped | seen::InstanceState::Unknown(_) => {
            model::InstanceState::Stopped
        }
        seen::InstanceState::ShuttingDown | seen::InstanceState::Terminated => {
            model::InstanceState::Terminated
        }
    }
}

/// Creates a reference or static route that has existed for long.
fn old_route(target: &seen::TgwTarget) -> model::TgwStatic {
    model::TgwStatic {
        attachment: match target {
            seen::TgwTarget::Attachment(id) => Some(id.to_string()),
            seen::TgwTarget::Blackhole => None,
        },
        active_from: VTime::default(),
        before: None,
    }
}

fn prefix_lists(region: &mut RegionState, aws: &AwsRegion) {
    for (id, list) in &aws.prefix_lists {
        let list = model::PrefixList {
            name: id.to_string(),
            max_entries: list.entries.len().max(1),
            version: 1,
            entries: list.entries.iter().map(|cidr| (*cidr, None)).collect(),
            tags: BTreeMap::new(),
        };
        region.prefix_lists.insert(id.to_string(), list);
    }
}

fn transit(region: &mut RegionState, past: &mut PastTimes, aws: &AwsRegion) {
    for (id, tgw) in &aws.tgws {
        let tgw = model::Tgw {
            asn: tgw.asn.unwrap_or_default(),
            default_table: tgw
                .default_association_table
                .as_ref()
                .map(ToString::to_string),
            tags: BTreeMap::new(),
        };
        region.tgws.insert(id.to_string(), tgw);
    }
    for (id, table) in &aws.tgw_route_tables {
        let statics = table.static_routes.iter();
        let lists = table.prefix_list_references.iter();
        let table = model::TgwRouteTable {
            tgw: table.tgw.to_string(),
            associations: BTreeSet::new(),
            propagations: table.propagations.iter().map(ToString::to_string).collect(),
            statics: statics
                .map(|(cidr, target)| (*cidr, old_route(target)))
                .collect(),
            prefix_lists: lists
                .map(|(id, target)| (id.to_string(), old_route(target)))
                .collect(),
            tags: table
                .name
                .iter()
                .map(|name| ("Name".to_owned(), name.clone()))
                .collect(),
        };
        region.tgw_route_tables.insert(id.to_string(), table);
    }
    for (id, attachment) in &aws.attachments {
        let made = past.next();
        let Some(kind) = attachment_kind(id, attachment) else {
            continue;
        };
        if let Some(table) = association(aws, id, attachment)
            && let Some(table) = region.tgw_route_tables.get_mut(table.as_str())
        {
            table.associations.insert(id.to_string());
        }
        let attachment = model::Attachment {
            tgw: attachment.tgw.to_string(),
            kind,
            state: attachment_state(&attachment.state),
            created: made,
            tags: BTreeMap::new(),
        };
        region.attachments.insert(id.to_string(), attachment);
    }
}

/// Returns `None` for a kind that the lab does not have: packets to it are dropped, as with a deleted attachment.
fn attachment_kind(
    id: &AttachmentId,
    attachment: &seen::TgwAttachment,
) -> Option<model::AttachmentKind> {
    match &attachment.kind {
        seen::AttachmentKind::Vpc { vpc, subnets } => Some(model::AttachmentKind::Vpc {
            vpc: vpc.to_string(),
            subnets: subnets.iter().map(ToString::to_string).collect(),
        }),
        seen::AttachmentKind::Vpn(vpn) => Some(model::AttachmentKind::Vpn(vpn.to_string())),
        seen::AttachmentKind::DirectConnect(gateway) => {
            Some(model::AttachmentKind::DirectConnect(gateway.to_string()))
        }
        seen::AttachmentKind::Peering { region, tgw } => Some(model::AttachmentKind::Peering {
            region: region.to_string(),
            tgw: tgw.to_string(),
            // Which side requested the peering is not observed: the lower id counts as the requester.
            requester: (attachment.tgw.as_str(), id.as_str()) < (tgw.as_str(), id.as_str()),
        }),
        seen::AttachmentKind::Unknown { .. } => None,
    }
}

fn attachment_state(state: &seen::AttachmentState) -> String {
    match state {
        seen::AttachmentState::Available => "available".to_owned(),
        seen::AttachmentState::Modifying => "modifying".to_owned(),
        seen::AttachmentState::PendingAcceptance => "pendingAcceptance".to_owned(),
        seen::AttachmentState::Other(text) => text.clone(),
    }
}

/// Returns the table that routes what enters by an attachment: the one that the attachment names, else the one that names the
/// attachment.
fn association<'a>(
    aws: &'a AwsRegion,
    id: &AttachmentId,
    attachment: &'a seen::TgwAttachment,
) -> Option<&'a TgwRouteTableId> {
    attachment.association.as_ref().or_else(|| {
        aws.tgw_route_tables
            .iter()
            .find(|(_, table)| table.tgw == attachment.tgw && table.associations.contains(id))
            .map(|(table, _)| table)
    })
}

fn vpns(region: &mut RegionState, name: &Region, aws: &AwsRegion, estate: &Estate) {
    for (id, vpn) in &aws.vpns {
        let attachment = aws.attachments.iter().find(
            |(_, attachment)| matches!(&attachment.kind, seen::AttachmentKind::Vpn(of) if of == id),
        );
        let edge = attachment.and_then(|(id, _)| edge_of(estate, name, id));
        let on_prem_statics = match edge.map(|edge| &edge.kind) {
            Some(EdgeKind::StaticVpn { on_prem_routes }) => {
                on_prem_routes.iter().copied().collect()
            }
            Some(EdgeKind::BgpVpn | EdgeKind::DirectConnect { .. }) | None => BTreeSet::new(),
        };
        let on_prem = match attachment {
            Some((id, _)) if !vpn.static_routes_only => {
                let session_up = vpn.tunnels_up > 0;
                announced_on_prem(aws, id, session_up, edge.is_some(), &estate.on_prem)
            }
            Some(_) | None => BTreeSet::new(),
        };
        let tgw = vpn
            .tgw
            .as_ref()
            .or_else(|| attachment.map(|(_, attachment)| &attachment.tgw));
        let vpn = model::Vpn {
            tgw: tgw.map_or_else(String::new, ToString::to_string),
            static_only: vpn.static_routes_only,
            private: vpn.private,
            tunnels_up: vpn.tunnels_up,
            on_prem,
            on_prem_statics,
            local_preference: edge.map_or(USUAL_PREFERENCE, |edge| edge.local_preference),
            customer_gateway: String::new(),
            tags: BTreeMap::new(),
        };
        region.vpns.insert(id.to_string(), vpn);
    }
}

fn edge_of<'a>(estate: &'a Estate, region: &Region, attachment: &AttachmentId) -> Option<&'a Edge> {
    estate
        .edges
        .values()
        .find(|edge| edge.region == *region && edge.attachment == *attachment)
}

/// Returns the prefixes that on-prem announces over an edge: those that a table shows as learned from it, and those that no table
/// could have shown.
fn announced_on_prem(
    aws: &AwsRegion,
    id: &AttachmentId,
    session_up: bool,
    is_edge: bool,
    on_prem: &[Cidr],
) -> BTreeSet<Cidr> {
    let shown = aws
        .tgw_route_tables
        .values()
        .flat_map(|table| &table.learned_routes)
        .filter(|(_, from)| from.contains(id))
        .map(|(cidr, _)| *cidr);
    let forwards = aws
        .attachments
        .get(id)
        .is_some_and(|attachment| match attachment.state {
            seen::AttachmentState::Available | seen::AttachmentState::Modifying => true,
            seen::AttachmentState::PendingAcceptance | seen::AttachmentState::Other(_) => false,
        });
    let invisible = on_prem.iter().copied().filter(|cidr| {
        let mut tables = aws
            .tgw_route_tables
            .values()
            .filter(|table| table.propagations.contains(id));
        let can_be_seen = session_up && forwards;
        is_edge && (!can_be_seen || tables.all(|table| is_hidden(aws, table, id, *cidr)))
    });
    shown.chain(invisible).collect()
}

/// Whether a table shows another route for this prefix that has priority over one learned from this attachment.
fn is_hidden(aws: &AwsRegion, table: &seen::TgwRouteTable, id: &AttachmentId, cidr: Cidr) -> bool {
    // Of learned routes, Direct Connect has priority, then private VPNs, then the others.
    let place = |id: &AttachmentId| match aws.attachments.get(id).map(|found| &found.kind) {
        Some(seen::AttachmentKind::DirectConnect(_)) => 0,
        Some(seen::AttachmentKind::Vpn(vpn))
            if aws.vpns.get(vpn).is_some_and(|vpn| vpn.private) =>
        {
            1
        }
        Some(_) | None => 2,
    };
    let better_learned = || {
        let from = table.learned_routes.get(&cidr);
        from.is_some_and(|from| from.iter().any(|other| place(other) < place(id)))
    };
    let listed = || {
        let lists = table.prefix_list_references.keys();
        let mut lists = lists.filter_map(|id| aws.prefix_lists.get(id));
        lists.any(|list| list.entries.contains(&cidr))
    };
    table.static_routes.contains_key(&cidr) || listed() || better_learned()
}

/// Gateways are global: one that serves two regions learns from both.
fn direct_connect(lab: &mut LabState, name: &Region, aws: &AwsRegion, estate: &Estate) {
    for association in &aws.dx_associations {
        let attachment = aws.attachments.iter().find(|(_, attachment)| {
            attachment.tgw == association.tgw
                && matches!(&attachment.kind, seen::AttachmentKind::DirectConnect(of) if *of == association.gateway)
        });
        let edge = attachment.and_then(|(id, _)| edge_of(estate, name, id));
        let gateway = lab
            .aws
            .dx_gateways
            .entry(association.gateway.to_string())
            .or_insert_with(|| model::DxGateway {
                name: association.gateway.to_string(),
                asn: 0,
                on_prem: BTreeSet::new(),
                local_preference: edge.map_or(USUAL_PREFERENCE, |edge| edge.local_preference),
            });
        if let Some((id, _)) = attachment {
            let announced_on_prem =
                announced_on_prem(aws, id, true, edge.is_some(), &estate.on_prem);
            gateway.on_prem.extend(announced_on_prem);
        }
        lab.aws.dx_associations.insert(
            association.id.clone(),
            model::DxAssociation {
                gateway: association.gateway.to_string(),
                region: name.to_string(),
                tgw: association.tgw.to_string(),
                state: association.state.clone(),
                allowed: association.allowed_prefixes.clone(),
            },
        );
    }
}
