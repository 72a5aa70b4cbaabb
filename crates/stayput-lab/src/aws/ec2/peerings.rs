//! Peering attachments between Transit Gateways of two regions: one id, with a record on each side.

use super::Answer;
use super::Call;
use super::attachments;
use super::attachments::Item;
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
use crate::aws::model::Tags;
use crate::aws::query::Fault;
use crate::aws::xml::Xml;

const FIELDS: &[Field<Attachment>] = &[
    ("transit-gateway-attachment-id", |i| one(i.id)),
    ("transit-gateway-id", |i| one(&i.resource.tgw)),
    ("local-owner-id", |i| one(&i.lab.aws.account)),
    ("remote-owner-id", |i| one(&i.lab.aws.account)),
    ("state", |i| one(&i.resource.state)),
];

const KIND: Kind<Attachment> = Kind {
    ids: "TransitGatewayAttachmentIds",
    id: rule::TGW_ATTACHMENT,
    fields: FIELDS,
    tags: Some(|it| &it.tags),
};

const DYNAMIC_ROUTING: &str = "DynamicRouting";

/// Returns the far side: region, Transit Gateway, and whether this side is the requester.
fn far(kind: &AttachmentKind) -> Option<(&String, &String, bool)> {
    match kind {
        AttachmentKind::Peering {
            region,
            tgw,
            requester,
        } => Some((region, tgw, *requester)),
        AttachmentKind::Vpc { .. } | AttachmentKind::Vpn(_) | AttachmentKind::DirectConnect(_) => {
            None
        }
    }
}

/// Returns code and message in `status` for a state.
fn status(state: &str) -> (&'static str, &'static str) {
    match state {
        "initiatingRequest" => ("initiating-request", "Initiating Request"),
        "pendingAcceptance" => ("pending-acceptance", "Pending Acceptance"),
        "pending" => ("provisioning", "Provisioning"),
        "available" => ("available", "Available"),
        "rejecting" | "rejected" => ("rejected", "Rejected"),
        "deleting" => ("deleting", "Deleting"),
        "deleted" => ("deleted", "Deleted"),
        _ => ("unknown", "Unknown"),
    }
}

fn write(xml: &mut Xml, attachment: &Item<'_>) {
    let Some((region, tgw, requester)) = far(&attachment.resource.kind) else {
        return;
    };
    let here = (attachment.region_name, attachment.resource.tgw.as_str());
    let there = (region.as_str(), tgw.as_str());
    let (asker, accepter) = if requester {
        (here, there)
    } else {
        (there, here)
    };
    xml.text("transitGatewayAttachmentId", attachment.id);
    for (element, (region, tgw)) in [("requesterTgwInfo", asker), ("accepterTgwInfo", accepter)] {
        xml.node(element, |xml| {
            xml.text("transitGatewayId", tgw)
                .text("ownerId", &attachment.lab.aws.account)
                .text("region", region);
        });
    }
    let (code, message) = status(&attachment.resource.state);
    // Only returned when it was set: Terraform would replace a peering with options that it did not set.
    let dynamic = tgws::option(attachment.region, attachment.id, DYNAMIC_ROUTING, "");
    if !dynamic.is_empty() {
        xml.node("options", |xml| {
            xml.text("dynamicRouting", dynamic);
        });
    }
    xml.node("status", |xml| {
        xml.text("code", code).text("message", message);
    })
    .text("state", &attachment.resource.state)
    .text("creationTime", attachment.resource.created.rfc3339());
    write_tags(xml, &attachment.resource.tags);
}

pub(super) fn describe(call: &mut Call<'_>) -> Answer {
    let peerings = call
        .region_state()
        .attachments
        .iter()
        .filter(|(_, attachment)| far(&attachment.kind).is_some());
    let (page, token) = select(call, &KIND, peerings)?;
    let mut xml = Xml::new();
    xml.list("transitGatewayPeeringAttachments", &page, write)
        .maybe("nextToken", token);
    Ok(xml)
}

fn answer(call: &Call<'_>, id: &str) -> Answer {
    let region = call.region_state();
    let it = rule::TGW_ATTACHMENT.find(&region.attachments, id)?;
    let mut xml = Xml::new();
    xml.node("transitGatewayPeeringAttachment", |xml| {
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

pub(super) fn create(call: &mut Call<'_>) -> Answer {
    let tgw = call.need("TransitGatewayId")?;
    let peer = call.need("PeerTransitGatewayId")?;
    let account = call.need("PeerAccountId")?;
    let peer_region = call.need("PeerRegion")?;
    let options = tgws::switches(call, &[DYNAMIC_ROUTING])?;
    rule::TGW.find(&call.region_state().tgws, &tgw)?;
    if account != call.lab.aws.account {
        return Err(Fault::invalid(format!(
            "The lab has one account, and {account} is another."
        )));
    }
    let far_tgws = call
        .lab
        .aws
        .regions
        .get(&peer_region)
        .map(|region| &region.tgws);
    if !far_tgws.is_some_and(|tgws| tgws.contains_key(&peer)) {
        return Err(rule::TGW.refuse(&peer));
    }
    call.dry_run()?;
    let duplicate = call
        .region_state()
        .attachments
        .iter()
        .find(|(_, attachment)| {
            attachment.tgw == tgw
                && !matches!(attachment.state.as_str(), "deleted" | "rejected" | "failed")
                && far(&attachment.kind).is_some_and(|(_, tgw, _)| *tgw == peer)
        });
    if let Some((id, _)) = duplicate {
        return Err(Fault::bad(
            "DuplicateTransitGatewayAttachment",
            format!("{tgw} has non-deleted Transit Gateway Attachments with same peer: {id}."),
        ));
    }
    let id = call.lab.aws_id("tgw-attach-");
    let created = call.lab.now();
    let sides = [
        (
            call.region.clone(),
            tgw.clone(),
            peer_region.clone(),
            peer.clone(),
            true,
        ),
        (peer_region, peer, call.region.clone(), tgw, false),
    ];
    for (region, near, far_region, far, requester) in sides {
        let attachment = Attachment {
            tgw: near,
            kind: AttachmentKind::Peering {
                region: far_region,
                tgw: far,
                requester,
            },
            state: "initiatingRequest".to_owned(),
            created,
            // Each side has its own tags; the call sets only those of the requester.
            tags: if requester {
                call.params.tags_for("transit-gateway-attachment")
            } else {
                Tags::new()
            },
        };
        if let Some(state) = call.lab.aws.regions.get_mut(&region) {
            state.attachments.insert(id.clone(), attachment);
            state.tgw_options.insert(id.clone(), options.clone());
        }
        attachments::settle(call.lab, &region, &id);
    }
    answer(call, &id)
}

/// Changes the state of both sides of a peering in `pendingAcceptance`. This side must be the accepter.
fn decide(call: &mut Call<'_>, state: &str) -> Answer {
    let id = call.need("TransitGatewayAttachmentId")?;
    let attachment = rule::TGW_ATTACHMENT.find(&call.region_state().attachments, &id)?;
    let Some((far_region, _, requester)) = far(&attachment.kind) else {
        return Err(rule::TGW_ATTACHMENT.refuse(&id));
    };
    let far_region = far_region.clone();
    if attachment.state != "pendingAcceptance" || requester {
        return Err(attachments::incorrect_state(&id, attachment));
    }
    call.dry_run()?;
    for region in [call.region.clone(), far_region] {
        let side = call
            .lab
            .aws
            .regions
            .get_mut(&region)
            .and_then(|region| region.attachments.get_mut(&id));
        if let Some(side) = side {
            state.clone_into(&mut side.state);
        }
        attachments::settle(call.lab, &region, &id);
    }
    answer(call, &id)
}

pub(super) fn accept(call: &mut Call<'_>) -> Answer {
    decide(call, "pending")
}

pub(super) fn reject(call: &mut Call<'_>) -> Answer {
    decide(call, "rejecting")
}

pub(super) fn delete(call: &mut Call<'_>) -> Answer {
    let id = call.need("TransitGatewayAttachmentId")?;
    let attachment = rule::TGW_ATTACHMENT.find(&call.region_state().attachments, &id)?;
    let Some((far_region, _, _)) = far(&attachment.kind) else {
        return Err(rule::TGW_ATTACHMENT.refuse(&id));
    };
    let far_region = far_region.clone();
    if !matches!(
        attachment.state.as_str(),
        "available" | "pendingAcceptance" | "rejected"
    ) {
        return Err(attachments::incorrect_state(&id, attachment));
    }
    call.dry_run()?;
    for region in [call.region.clone(), far_region] {
        attachments::begin_delete(call.lab, &region, &id);
    }
    answer(call, &id)
}
