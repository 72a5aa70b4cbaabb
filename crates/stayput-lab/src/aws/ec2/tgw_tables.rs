//! Transit Gateway route tables, their associations and propagations.

use super::Answer;
use super::Call;
use super::attachments;
use super::list::Field;
use super::list::Kind;
use super::list::Listed;
use super::list::one;
use super::list::page;
use super::list::rule;
use super::list::select;
use super::list::unknown_filter;
use super::tgws;
use super::write_tags;
use crate::aws::model::TgwRouteTable;
use crate::aws::query::Fault;
use crate::aws::routing;
use crate::aws::xml::Xml;

/// Route tables a Transit Gateway may have (AWS reference §1.5).
const MOST: usize = 20;

const FIELDS: &[Field<TgwRouteTable>] = &[
    ("transit-gateway-route-table-id", |i| one(i.id)),
    ("transit-gateway-id", |i| one(&i.resource.tgw)),
    ("state", |_| one("available")),
    ("default-association-route-table", |i| {
        one(tgws::association_default(i.region, &i.resource.tgw) == Some(i.id))
    }),
    ("default-propagation-route-table", |i| {
        one(tgws::propagation_default(i.region, &i.resource.tgw) == Some(i.id))
    }),
];

const KIND: Kind<TgwRouteTable> = Kind {
    ids: "TransitGatewayRouteTableIds",
    id: rule::TGW_TABLE,
    fields: FIELDS,
    tags: Some(|it| &it.tags),
};

fn write(xml: &mut Xml, table: &Listed<'_, TgwRouteTable>) {
    let is = |default: Option<&str>| default == Some(table.id);
    let tgw = &table.resource.tgw;
    xml.text("transitGatewayRouteTableId", table.id)
        .text("transitGatewayId", tgw)
        .text("state", "available")
        .text(
            "defaultAssociationRouteTable",
            is(tgws::association_default(table.region, tgw)),
        )
        .text(
            "defaultPropagationRouteTable",
            is(tgws::propagation_default(table.region, tgw)),
        );
    write_tags(xml, &table.resource.tags);
}

pub(super) fn describe(call: &mut Call<'_>) -> Answer {
    let (page, token) = select(call, &KIND, &call.region_state().tgw_route_tables)?;
    let mut xml = Xml::new();
    xml.list("transitGatewayRouteTables", &page, write)
        .maybe("nextToken", token);
    Ok(xml)
}

fn answer(call: &Call<'_>, id: &str) -> Answer {
    let region = call.region_state();
    let it = rule::TGW_TABLE.find(&region.tgw_route_tables, id)?;
    let mut xml = Xml::new();
    xml.node("transitGatewayRouteTable", |xml| {
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
    rule::TGW.find(&call.region_state().tgws, &tgw)?;
    call.dry_run()?;
    let tables = &call.region_state().tgw_route_tables;
    if tables.values().filter(|table| table.tgw == tgw).count() >= MOST {
        return Err(Fault::bad(
            "TransitGatewayRouteTableLimitExceeded",
            format!("{tgw} has reached its limit of route tables"),
        ));
    }
    let id = call.lab.aws_id("tgw-rtb-");
    let tags = call.params.tags_for("transit-gateway-route-table");
    call.region_state_mut()
        .tgw_route_tables
        .insert(id.clone(), tgws::empty_table(&tgw, tags));
    answer(call, &id)
}

pub(super) fn delete(call: &mut Call<'_>) -> Answer {
    let id = call.need("TransitGatewayRouteTableId")?;
    let region = call.region_state();
    let table = rule::TGW_TABLE.find(&region.tgw_route_tables, &id)?;
    call.dry_run()?;
    let default = region
        .tgws
        .get(&table.tgw)
        .is_some_and(|tgw| tgw.default_table.as_ref() == Some(&id));
    if default || !table.associations.is_empty() {
        return Err(Fault::bad(
            "IncorrectState",
            format!("{id} is in use: it is a default route table or has associations."),
        ));
    }
    let answer = answer(call, &id)?;
    call.region_state_mut().tgw_route_tables.remove(&id);
    Ok(answer)
}

/// Returns the table and the attachment that a call names, both of one Transit Gateway.
fn pair(call: &Call<'_>) -> Result<(String, String), Fault> {
    let table_id = call.need("TransitGatewayRouteTableId")?;
    let attachment_id = call.need("TransitGatewayAttachmentId")?;
    let table = rule::TGW_TABLE.find(&call.region_state().tgw_route_tables, &table_id)?;
    attachments::usable(call, &attachment_id, Some(&table.tgw))?;
    call.dry_run()?;
    Ok((table_id, attachment_id))
}

fn write_pair(
    call: &Call<'_>,
    element: &str,
    table: &str,
    attachment: &str,
    state: &str,
) -> Answer {
    let mut xml = Xml::new();
    xml.node(element, |xml| {
        xml.text("transitGatewayRouteTableId", table)
            .text("transitGatewayAttachmentId", attachment);
        write_resource(xml, call, attachment);
        xml.text("state", state);
    });
    Ok(xml)
}

fn write_resource(xml: &mut Xml, call: &Call<'_>, attachment: &str) {
    if let Some(found) = call.region_state().attachments.get(attachment) {
        xml.text("resourceId", attachments::resource_id(&found.kind))
            .text("resourceType", attachments::resource_type(&found.kind));
    }
}

pub(super) fn associate(call: &mut Call<'_>) -> Answer {
    let (table, attachment) = pair(call)?;
    if routing::associated_table(call.region_state(), &attachment).is_some() {
        return Err(Fault::bad(
            "Resource.AlreadyAssociated",
            format!(
                "Transit Gateway Attachment {attachment} is already associated to a route table."
            ),
        ));
    }
    let tables = &mut call.region_state_mut().tgw_route_tables;
    rule::TGW_TABLE
        .find_mut(tables, &table)?
        .associations
        .insert(attachment.clone());
    write_pair(call, "association", &table, &attachment, "associating")
}

pub(super) fn disassociate(call: &mut Call<'_>) -> Answer {
    let (table, attachment) = pair(call)?;
    let tables = &mut call.region_state_mut().tgw_route_tables;
    let removed = rule::TGW_TABLE
        .find_mut(tables, &table)?
        .associations
        .remove(&attachment);
    if !removed {
        return Err(Fault::bad(
            "InvalidAssociation.NotFound",
            format!("The association of {attachment} with {table} does not exist"),
        ));
    }
    write_pair(call, "association", &table, &attachment, "disassociating")
}

pub(super) fn enable_propagation(call: &mut Call<'_>) -> Answer {
    let (table, attachment) = pair(call)?;
    let tables = &mut call.region_state_mut().tgw_route_tables;
    let added = rule::TGW_TABLE
        .find_mut(tables, &table)?
        .propagations
        .insert(attachment.clone());
    if !added {
        return Err(Fault::bad(
            "TransitGatewayRouteTablePropagation.Duplicate",
            format!("Propagation of {attachment} to {table} already exists."),
        ));
    }
    write_pair(call, "propagation", &table, &attachment, "enabled")
}

pub(super) fn disable_propagation(call: &mut Call<'_>) -> Answer {
    let (table, attachment) = pair(call)?;
    let tables = &mut call.region_state_mut().tgw_route_tables;
    let removed = rule::TGW_TABLE
        .find_mut(tables, &table)?
        .propagations
        .remove(&attachment);
    if !removed {
        return Err(Fault::bad(
            "TransitGatewayRouteTablePropagation.NotFound",
            format!("Propagation of {attachment} to {table} does not exist."),
        ));
    }
    write_pair(call, "propagation", &table, &attachment, "disabled")
}

/// Lists the attachments of a table, filtered and paged. `element` and `state` are those of the call.
fn members(
    call: &Call<'_>,
    element: &str,
    state: &str,
    of: fn(&TgwRouteTable) -> &std::collections::BTreeSet<String>,
) -> Answer {
    let id = call.need("TransitGatewayRouteTableId")?;
    let table = rule::TGW_TABLE.find(&call.region_state().tgw_route_tables, &id)?;
    let filters = call.params.filters()?;
    if let Some(other) = filters.iter().find(|filter| {
        !matches!(
            filter.name.as_str(),
            "resource-id" | "resource-type" | "transit-gateway-attachment-id"
        )
    }) {
        return Err(unknown_filter(&other.name));
    }
    call.dry_run()?;
    let found: Vec<&String> = of(table)
        .iter()
        .filter(|id| {
            let kind = call
                .region_state()
                .attachments
                .get(*id)
                .map(|found| &found.kind);
            filters.iter().all(|filter| match filter.name.as_str() {
                "resource-id" => {
                    kind.is_some_and(|kind| filter.accepts(&[attachments::resource_id(kind)]))
                }
                "resource-type" => {
                    kind.is_some_and(|kind| filter.accepts(&[attachments::resource_type(kind)]))
                }
                _ => filter.accepts(&[id]),
            })
        })
        .collect();
    let (found, token) = page(&call.params, call.lab.aws.page_cap, found, |id| {
        (*id).clone()
    })?;
    let mut xml = Xml::new();
    xml.list(element, found, |xml, id| {
        xml.text("transitGatewayAttachmentId", id);
        write_resource(xml, call, id);
        xml.text("state", state);
    })
    .maybe("nextToken", token);
    Ok(xml)
}

pub(super) fn associations(call: &mut Call<'_>) -> Answer {
    members(call, "associations", "associated", |table| {
        &table.associations
    })
}

pub(super) fn propagations(call: &mut Call<'_>) -> Answer {
    members(
        call,
        "transitGatewayRouteTablePropagations",
        "enabled",
        |table| &table.propagations,
    )
}
