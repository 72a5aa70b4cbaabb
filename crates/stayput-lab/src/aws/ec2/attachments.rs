//! Transit Gateway attachments of every type: common parts, life cycle, and the list over all types.

use std::time::Duration;

use super::Answer;
use super::Call;
use super::list::Field;
use super::list::Kind;
use super::list::Listed;
use super::list::one;
use super::list::page;
use super::list::rule;
use super::list::select;
use super::list::some;
use super::list::unknown_filter;
use super::tgws;
use super::vpc_attachments;
use super::write_tags;
use crate::aws::AwsEvent;
use crate::aws::model::Attachment;
use crate::aws::model::AttachmentKind;
use crate::aws::query::Fault;
use crate::aws::routing;
use crate::aws::xml::Xml;
use crate::state::LabEvent;
use crate::state::LabState;

/// How long a deleted attachment stays listed: about two hours (AWS reference §1.1).
const DELETED_LISTED: Duration = Duration::from_secs(2 * 3600);

pub(super) type Item<'a> = Listed<'a, Attachment>;

const FIELDS: &[Field<Attachment>] = &[
    ("transit-gateway-attachment-id", |i| one(i.id)),
    ("transit-gateway-id", |i| one(&i.resource.tgw)),
    ("transit-gateway-owner-id", |i| one(&i.lab.aws.account)),
    ("resource-owner-id", |i| one(&i.lab.aws.account)),
    ("resource-type", |i| one(resource_type(&i.resource.kind))),
    ("resource-id", |i| one(resource_id(&i.resource.kind))),
    ("state", |i| one(&i.resource.state)),
    ("association.state", |i| {
        some(association(i).map(|_| "associated"))
    }),
    ("association.transit-gateway-route-table-id", |i| {
        some(association(i))
    }),
];

const KIND: Kind<Attachment> = Kind {
    ids: "TransitGatewayAttachmentIds",
    id: rule::TGW_ATTACHMENT,
    fields: FIELDS,
    tags: Some(|it| &it.tags),
};

/// `resourceType`.
pub(super) fn resource_type(kind: &AttachmentKind) -> &'static str {
    match kind {
        AttachmentKind::Vpc { .. } => "vpc",
        AttachmentKind::Vpn(_) => "vpn",
        AttachmentKind::DirectConnect(_) => "direct-connect-gateway",
        AttachmentKind::Peering { .. } => "peering",
    }
}

/// `resourceId`; for a peering the far Transit Gateway.
pub(super) fn resource_id(kind: &AttachmentKind) -> &str {
    match kind {
        AttachmentKind::Vpc { vpc, .. } => vpc,
        AttachmentKind::Vpn(vpn) => vpn,
        AttachmentKind::DirectConnect(gateway) => gateway,
        AttachmentKind::Peering { tgw, .. } => tgw,
    }
}

fn association<'a>(attachment: &'a Item<'_>) -> Option<&'a str> {
    routing::associated_table(attachment.region, attachment.id)
}

pub(super) fn describe(call: &mut Call<'_>) -> Answer {
    let (page, token) = select(call, &KIND, &call.region_state().attachments)?;
    let mut xml = Xml::new();
    xml.list("transitGatewayAttachments", &page, |xml, found| {
        let account = &found.lab.aws.account;
        xml.text("transitGatewayAttachmentId", found.id)
            .text("transitGatewayId", &found.resource.tgw)
            .text("transitGatewayOwnerId", account)
            .text("resourceOwnerId", account)
            .text("resourceType", resource_type(&found.resource.kind))
            .text("resourceId", resource_id(&found.resource.kind))
            .text("state", &found.resource.state);
        if let Some(table) = association(found) {
            xml.node("association", |xml| {
                xml.text("transitGatewayRouteTableId", table)
                    .text("state", "associated");
            });
        }
        xml.text("creationTime", found.resource.created.rfc3339());
        write_tags(xml, &found.resource.tags);
    })
    .maybe("nextToken", token);
    Ok(xml)
}

pub(super) fn propagations(call: &mut Call<'_>) -> Answer {
    let id = call.need("TransitGatewayAttachmentId")?;
    let region = call.region_state();
    rule::TGW_ATTACHMENT.find(&region.attachments, &id)?;
    let filters = call.params.filters()?;
    if let Some(other) = filters
        .iter()
        .find(|filter| filter.name != "transit-gateway-route-table-id")
    {
        return Err(unknown_filter(&other.name));
    }
    call.dry_run()?;
    let tables: Vec<&String> = region
        .tgw_route_tables
        .iter()
        .filter(|(_, table)| table.propagations.contains(&id))
        .map(|(table, _)| table)
        .filter(|table| filters.iter().all(|filter| filter.accepts(&[table])))
        .collect();
    let (tables, token) = page(&call.params, call.lab.aws.page_cap, tables, |id| {
        (*id).clone()
    })?;
    let mut xml = Xml::new();
    xml.list(
        "transitGatewayAttachmentPropagations",
        tables,
        |xml, table| {
            xml.text("transitGatewayRouteTableId", table)
                .text("state", "enabled");
        },
    )
    .maybe("nextToken", token);
    Ok(xml)
}

/// Returns an attachment that can be used: of this Transit Gateway if one is given, and neither deleted nor being deleted.
///
/// # Errors
/// `InvalidTransitGatewayAttachmentID.NotFound`, also when it is on another Transit Gateway; `IncorrectState`.
pub(super) fn usable<'a>(
    call: &'a Call<'_>,
    id: &str,
    tgw: Option<&str>,
) -> Result<&'a Attachment, Fault> {
    let attachment = rule::TGW_ATTACHMENT.find(&call.region_state().attachments, id)?;
    if tgw.is_some_and(|tgw| attachment.tgw != tgw) {
        return Err(Fault::bad(
            rule::TGW_ATTACHMENT.not_found,
            format!("Transit Gateway Attachment {id} was not found on this transit gateway."),
        ));
    }
    if routing::forwards(attachment) {
        Ok(attachment)
    } else {
        Err(incorrect_state(id, attachment))
    }
}

/// Returns the error for an attachment in a wrong state. A deleted one is still listed, but calls treat it as missing.
pub(super) fn incorrect_state(id: &str, attachment: &Attachment) -> Fault {
    if attachment.state == "deleted" {
        Fault::bad(
            rule::TGW_ATTACHMENT.not_found,
            format!("Transit Gateway Attachment {id} was deleted or does not exist."),
        )
    } else {
        Fault::bad(
            "IncorrectState",
            format!("{id} is in invalid state: {}", attachment.state),
        )
    }
}

/// Queues the end of an attachment's transition.
pub(super) fn settle(lab: &mut LabState, region: &str, id: &str) {
    let event = AwsEvent::AttachmentSettles(region.to_owned(), id.to_owned());
    lab.after(lab.timing.tgw_route, LabEvent::Aws(event));
}

/// Starts deleting an attachment: it is removed from its tables at once, and static routes that name it become `blackhole`.
pub(super) fn begin_delete(lab: &mut LabState, region: &str, id: &str) {
    let Some(state) = lab.aws.regions.get_mut(region) else {
        return;
    };
    if let Some(attachment) = state.attachments.get_mut(id) {
        attachment.state = "deleting".to_owned();
    }
    for table in state.tgw_route_tables.values_mut() {
        table.associations.remove(id);
        table.propagations.remove(id);
    }
    settle(lab, region, id);
}

/// Ends an attachment's transition. A new one is added to its Transit Gateway's default table.
pub(in crate::aws) fn attachment_settles(lab: &mut LabState, region: &str, id: &str) {
    let Some(state) = lab.aws.regions.get_mut(region) else {
        return;
    };
    let Some(attachment) = state.attachments.get_mut(id) else {
        return;
    };
    let peering = matches!(attachment.kind, AttachmentKind::Peering { .. });
    let tgw = attachment.tgw.clone();
    match attachment.state.as_str() {
        "initiatingRequest" => "pendingAcceptance".clone_into(&mut attachment.state),
        "modifying" => {
            "available".clone_into(&mut attachment.state);
            vpc_attachments::place_interfaces(lab, region, id);
        }
        "rejecting" => "rejected".clone_into(&mut attachment.state),
        "pending" => {
            "available".clone_into(&mut attachment.state);
            let associate = tgws::association_default(state, &tgw).map(str::to_owned);
            // A peering propagates nothing, so it is not added.
            let propagate = tgws::propagation_default(state, &tgw)
                .filter(|_| !peering)
                .map(str::to_owned);
            let joins = associate.filter(|_| routing::associated_table(state, id).is_none());
            if let Some(table) = joins.and_then(|id| state.tgw_route_tables.get_mut(&id)) {
                table.associations.insert(id.to_owned());
            }
            if let Some(table) = propagate.and_then(|id| state.tgw_route_tables.get_mut(&id)) {
                table.propagations.insert(id.to_owned());
            }
            vpc_attachments::place_interfaces(lab, region, id);
        }
        "deleting" => {
            "deleted".clone_into(&mut attachment.state);
            vpc_attachments::place_interfaces(lab, region, id);
            let Some(state) = lab.aws.regions.get_mut(region) else {
                return;
            };
            state.tgw_options.remove(id);
            let event = AwsEvent::AttachmentForgotten(region.to_owned(), id.to_owned());
            lab.after(DELETED_LISTED, LabEvent::Aws(event));
        }
        // Already changed by another call.
        _ => {}
    }
}
