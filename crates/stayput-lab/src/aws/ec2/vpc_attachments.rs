//! Attachments of VPCs to Transit Gateways.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Answer;
use super::Call;
use super::attachments;
use super::attachments::Item;
use super::launch;
use super::list::Field;
use super::list::Kind;
use super::list::Listed;
use super::list::one;
use super::list::rule;
use super::list::select;
use super::tgws;
use super::write_tags;
use crate::aws::model::Attachment;
use crate::aws::model::AttachmentKind;
use crate::aws::model::Eni;
use crate::aws::model::Tags;
use crate::aws::query::Fault;
use crate::aws::xml::Xml;
use crate::state::LabState;

/// `interfaceType` of the interfaces in attachment subnets.
const INTERFACE_KIND: &str = "transit_gateway";

const FIELDS: &[Field<Attachment>] = &[
    ("transit-gateway-attachment-id", |i| one(i.id)),
    ("transit-gateway-id", |i| one(&i.resource.tgw)),
    ("vpc-id", |i| {
        one(attachments::resource_id(&i.resource.kind))
    }),
    ("state", |i| one(&i.resource.state)),
];

const KIND: Kind<Attachment> = Kind {
    ids: "TransitGatewayAttachmentIds",
    id: rule::TGW_ATTACHMENT,
    fields: FIELDS,
    tags: Some(|it| &it.tags),
};

const OPTIONS: [&str; 4] = [
    "DnsSupport",
    "SecurityGroupReferencingSupport",
    "Ipv6Support",
    "ApplianceModeSupport",
];

fn parts(kind: &AttachmentKind) -> Option<(&String, &BTreeSet<String>)> {
    match kind {
        AttachmentKind::Vpc { vpc, subnets } => Some((vpc, subnets)),
        AttachmentKind::Vpn(_)
        | AttachmentKind::DirectConnect(_)
        | AttachmentKind::Peering { .. } => None,
    }
}

fn write(xml: &mut Xml, attachment: &Item<'_>) {
    let Some((vpc, subnets)) = parts(&attachment.resource.kind) else {
        return;
    };
    let asked = |name: &str, default| {
        tgws::option(attachment.region, attachment.id, name, default).to_owned()
    };
    xml.text("transitGatewayAttachmentId", attachment.id)
        .text("transitGatewayId", &attachment.resource.tgw)
        .text("vpcId", vpc)
        .text("vpcOwnerId", &attachment.lab.aws.account)
        .text("state", &attachment.resource.state)
        .node("subnetIds", |xml| {
            for subnet in subnets {
                xml.text("item", subnet);
            }
        })
        .text("creationTime", attachment.resource.created.rfc3339())
        .node("options", |xml| {
            xml.text("dnsSupport", asked("DnsSupport", "enable"))
                .text(
                    "securityGroupReferencingSupport",
                    asked("SecurityGroupReferencingSupport", "enable"),
                )
                .text("ipv6Support", asked("Ipv6Support", "disable"))
                .text(
                    "applianceModeSupport",
                    asked("ApplianceModeSupport", "disable"),
                );
        });
    write_tags(xml, &attachment.resource.tags);
}

pub(super) fn describe(call: &mut Call<'_>) -> Answer {
    let of_vpcs = call
        .region_state()
        .attachments
        .iter()
        .filter(|(_, attachment)| parts(&attachment.kind).is_some());
    let (page, token) = select(call, &KIND, of_vpcs)?;
    let mut xml = Xml::new();
    xml.list("transitGatewayVpcAttachments", &page, write)
        .maybe("nextToken", token);
    Ok(xml)
}

fn answer(call: &Call<'_>, id: &str) -> Answer {
    let region = call.region_state();
    let it = rule::TGW_ATTACHMENT.find(&region.attachments, id)?;
    let mut xml = Xml::new();
    xml.node("transitGatewayVpcAttachment", |xml| {
        let seen = Listed {
            lab: call.lab,
            region_name: &call.region,
            region,
            id,
            resource: it,
        };
        write(xml, &seen);
    });
    Ok(xml)
}

/// Checks the subnets of an attachment: all of its VPC, one per availability zone.
fn check_subnets(call: &Call<'_>, vpc: &str, subnets: &BTreeSet<String>) -> Result<(), Fault> {
    let mut zones = BTreeMap::new();
    for id in subnets {
        let subnet = rule::SUBNET.find(&call.region_state().subnets, id)?;
        if subnet.vpc != vpc {
            return Err(Fault::bad(
                rule::SUBNET.not_found,
                format!("The subnet ID '{id}' does not exist in VPC {vpc}"),
            ));
        }
        if let Some(other) = zones.insert(&subnet.az, id) {
            return Err(Fault::bad(
                "DuplicateSubnetsInSameZone",
                format!("Duplicate Subnets for same AZ: {other}, {id}"),
            ));
        }
    }
    Ok(())
}

pub(super) fn create(call: &mut Call<'_>) -> Answer {
    let tgw = call.need("TransitGatewayId")?;
    let vpc = call.need("VpcId")?;
    let subnets: BTreeSet<String> = call
        .params
        .list("SubnetIds")
        .into_iter()
        .map(str::to_owned)
        .collect();
    if subnets.is_empty() {
        return Err(Fault::missing("SubnetIds"));
    }
    let options = tgws::switches(call, &OPTIONS)?;
    rule::TGW.find(&call.region_state().tgws, &tgw)?;
    rule::VPC.find(&call.region_state().vpcs, &vpc)?;
    check_subnets(call, &vpc, &subnets)?;
    call.dry_run()?;
    let duplicate = call
        .region_state()
        .attachments
        .iter()
        .find(|(_, attachment)| {
            attachment.tgw == tgw
                && attachment.state != "deleted"
                && parts(&attachment.kind).is_some_and(|(attached, _)| *attached == vpc)
        });
    if let Some((id, _)) = duplicate {
        return Err(Fault::bad(
            "DuplicateTransitGatewayAttachment",
            format!("{tgw} has non-deleted Transit Gateway Attachments with same VPC ID: {id}."),
        ));
    }
    let id = call.lab.aws_id("tgw-attach-");
    let attachment = Attachment {
        tgw,
        kind: AttachmentKind::Vpc { vpc, subnets },
        state: "pending".to_owned(),
        created: call.lab.now(),
        tags: call.params.tags_for("transit-gateway-attachment"),
    };
    let region = call.region_state_mut();
    region.attachments.insert(id.clone(), attachment);
    region.tgw_options.insert(id.clone(), options);
    attachments::settle(call.lab, &call.region, &id);
    answer(call, &id)
}

/// Returns a VPC attachment that is `available`.
fn available<'a>(call: &'a Call<'_>, id: &str) -> Result<&'a Attachment, Fault> {
    let attachment = rule::TGW_ATTACHMENT.find(&call.region_state().attachments, id)?;
    if parts(&attachment.kind).is_none() {
        return Err(rule::TGW_ATTACHMENT.refuse(id));
    }
    if attachment.state == "available" {
        Ok(attachment)
    } else {
        Err(attachments::incorrect_state(id, attachment))
    }
}

pub(super) fn modify(call: &mut Call<'_>) -> Answer {
    let id = call.need("TransitGatewayAttachmentId")?;
    let attachment = available(call, &id)?;
    let Some((vpc, subnets)) = parts(&attachment.kind) else {
        return Err(rule::TGW_ATTACHMENT.refuse(&id));
    };
    let mut changed = subnets.clone();
    for subnet in call.params.list("RemoveSubnetIds") {
        if !changed.remove(subnet) {
            return Err(rule::SUBNET.refuse(subnet));
        }
    }
    changed.extend(
        call.params
            .list("AddSubnetIds")
            .into_iter()
            .map(str::to_owned),
    );
    if changed.is_empty() {
        return Err(Fault::bad(
            "InsufficientSubnetsException",
            "An attachment must have at least one subnet.",
        ));
    }
    check_subnets(call, vpc, &changed)?;
    let options = tgws::switches(call, &OPTIONS)?;
    call.dry_run()?;
    let region = call.region_state_mut();
    region
        .tgw_options
        .entry(id.clone())
        .or_default()
        .extend(options);
    let attachment = rule::TGW_ATTACHMENT.find_mut(&mut region.attachments, &id)?;
    if let AttachmentKind::Vpc { subnets, .. } = &mut attachment.kind {
        *subnets = changed;
    }
    "modifying".clone_into(&mut attachment.state);
    attachments::settle(call.lab, &call.region, &id);
    answer(call, &id)
}

/// Creates the interface that AWS has in each subnet of a VPC attachment, and deletes those in subnets that it no longer has, or
/// all of them when it is deleted.
pub(super) fn place_interfaces(lab: &mut LabState, region: &str, id: &str) {
    let Some(state) = lab.aws.regions.get_mut(region) else {
        return;
    };
    let Some(attachment) = state.attachments.get(id) else {
        return;
    };
    let (vpc, wanted) = match parts(&attachment.kind) {
        Some((vpc, subnets)) if attachment.state != "deleted" => (vpc.clone(), subnets.clone()),
        Some((vpc, _)) => (vpc.clone(), BTreeSet::new()),
        None => return,
    };
    let description = format!("Network Interface for Transit Gateway Attachment {id}");
    let is_ours = |eni: &Eni| eni.kind == INTERFACE_KIND && eni.description == description;
    state
        .enis
        .retain(|_, eni| !is_ours(eni) || wanted.contains(&eni.subnet));
    let placed: BTreeSet<String> = state
        .enis
        .values()
        .filter(|eni| is_ours(eni))
        .map(|eni| eni.subnet.clone())
        .collect();
    for subnet in wanted.difference(&placed) {
        let eni = lab.aws_id("eni-");
        let Some(state) = lab.aws.regions.get_mut(region) else {
            return;
        };
        // In AWS a full subnet fails the attachment. The lab creates it without an interface.
        let Ok(primary) = launch::free(state, subnet) else {
            continue;
        };
        let made = Eni {
            vpc: vpc.clone(),
            subnet: subnet.clone(),
            mac: launch::mac(&eni),
            kind: INTERFACE_KIND.to_owned(),
            description: description.clone(),
            requester_managed: true,
            instance: None,
            source_dest_check: true,
            primary,
            secondary: Vec::new(),
            tags: Tags::new(),
        };
        state.enis.insert(eni, made);
    }
}

pub(super) fn delete(call: &mut Call<'_>) -> Answer {
    let id = call.need("TransitGatewayAttachmentId")?;
    available(call, &id)?;
    call.dry_run()?;
    attachments::begin_delete(call.lab, &call.region, &id);
    answer(call, &id)
}
