//! References of Transit Gateway route tables to prefix lists: one call moves every prefix of a list (AWS reference §1.4).

use super::Answer;
use super::Call;
use super::attachments;
use super::list::page;
use super::list::rule;
use super::list::unknown_filter;
use super::tgw_routes;
use crate::aws::model::RegionState;
use crate::aws::model::TgwRouteTable;
use crate::aws::model::TgwStatic;
use crate::aws::query::Fault;
use crate::aws::routing;
use crate::aws::xml::Xml;

/// Table and list that a call names.
struct Named {
    table: String,
    list: String,
}

fn named(call: &Call<'_>) -> Result<Named, Fault> {
    let table = call.need("TransitGatewayRouteTableId")?;
    let list = call.need("PrefixListId")?;
    rule::TGW_TABLE.find(&call.region_state().tgw_route_tables, &table)?;
    rule::PREFIX_LIST.find(&call.region_state().prefix_lists, &list)?;
    Ok(Named { table, list })
}

fn table<'a>(call: &'a Call<'_>, id: &str) -> Result<&'a TgwRouteTable, Fault> {
    rule::TGW_TABLE.find(&call.region_state().tgw_route_tables, id)
}

/// The code is like that for propagations (inferred).
fn not_there(named: &Named) -> Fault {
    Fault::bad(
        "TransitGatewayPrefixListReference.NotFound",
        format!(
            "Transit Gateway Route Table {} has no reference to {}.",
            named.table, named.list
        ),
    )
}

pub(super) fn create(call: &mut Call<'_>) -> Answer {
    let named = named(call)?;
    let tgw = table(call, &named.table)?.tgw.clone();
    let target = tgw_routes::target(call, &tgw)?;
    call.dry_run()?;
    if table(call, &named.table)?
        .prefix_lists
        .contains_key(&named.list)
    {
        return Err(Fault::bad(
            "TransitGatewayPrefixListReference.Duplicate",
            format!(
                "Transit Gateway Route Table {} already refers to {}.",
                named.table, named.list
            ),
        ));
    }
    let list = rule::PREFIX_LIST.find(&call.region_state().prefix_lists, &named.list)?;
    tgw_routes::check_limit(call, &named.table, list.entries.len())?;
    put(call, &named, target.as_ref())
}

pub(super) fn modify(call: &mut Call<'_>) -> Answer {
    let named = named(call)?;
    let tgw = table(call, &named.table)?.tgw.clone();
    let target = tgw_routes::target(call, &tgw)?;
    call.dry_run()?;
    if !table(call, &named.table)?
        .prefix_lists
        .contains_key(&named.list)
    {
        return Err(not_there(&named));
    }
    put(call, &named, target.as_ref())
}

fn put(call: &mut Call<'_>, named: &Named, target: Option<&String>) -> Answer {
    let standing = table(call, &named.table)?.prefix_lists.get(&named.list);
    let entry = tgw_routes::written(call, target, standing);
    let tables = &mut call.region_state_mut().tgw_route_tables;
    rule::TGW_TABLE
        .find_mut(tables, &named.table)?
        .prefix_lists
        .insert(named.list.clone(), entry.clone());
    answer(call, named, &entry, None)
}

pub(super) fn delete(call: &mut Call<'_>) -> Answer {
    let named = named(call)?;
    call.dry_run()?;
    let tables = &mut call.region_state_mut().tgw_route_tables;
    let gone = rule::TGW_TABLE
        .find_mut(tables, &named.table)?
        .prefix_lists
        .remove(&named.list)
        .ok_or_else(|| not_there(&named))?;
    answer(call, &named, &gone, Some("deleting"))
}

fn answer(call: &Call<'_>, named: &Named, entry: &TgwStatic, state: Option<&str>) -> Answer {
    let mut xml = Xml::new();
    xml.node("transitGatewayPrefixListReference", |xml| {
        write(xml, call, named, entry, state);
    });
    Ok(xml)
}

fn state_of(call: &Call<'_>, entry: &TgwStatic) -> &'static str {
    if call.lab.now() < entry.active_from {
        "pending"
    } else {
        "available"
    }
}

/// Returns the attachment that a reference leads to now, if it still exists.
fn attachment_of<'a>(
    region: &RegionState,
    tgw: &str,
    entry: &'a TgwStatic,
    now: crate::clock::VTime,
) -> Option<&'a str> {
    let id = entry.attachment.as_deref()?;
    // Its target is also returned while it is pending.
    let settled = TgwStatic {
        active_from: now,
        ..entry.clone()
    };
    let shown = routing::shown_static(region, tgw, &settled, now);
    shown.attachments.contains(id).then_some(id)
}

fn write(xml: &mut Xml, call: &Call<'_>, named: &Named, entry: &TgwStatic, state: Option<&str>) {
    let region = call.region_state();
    let tgw = region
        .tgw_route_tables
        .get(&named.table)
        .map_or("", |table| table.tgw.as_str());
    let attachment = attachment_of(region, tgw, entry, call.lab.now());
    xml.text("transitGatewayRouteTableId", &named.table)
        .text("prefixListId", &named.list)
        .text("prefixListOwnerId", &call.lab.aws.account)
        .text("state", state.unwrap_or_else(|| state_of(call, entry)))
        .text("blackhole", attachment.is_none());
    let found = attachment.and_then(|id| Some((id, region.attachments.get(id)?)));
    if let Some((id, attachment)) = found {
        xml.node("transitGatewayAttachment", |xml| {
            xml.text("transitGatewayAttachmentId", id)
                .text("resourceType", attachments::resource_type(&attachment.kind))
                .text("resourceId", attachments::resource_id(&attachment.kind));
        });
    }
}

pub(super) fn list(call: &mut Call<'_>) -> Answer {
    let id = call.need("TransitGatewayRouteTableId")?;
    let references = table(call, &id)?.prefix_lists.clone();
    let filters = call.params.filters()?;
    let names = [
        "attachment.resource-id",
        "attachment.resource-type",
        "attachment.transit-gateway-attachment-id",
        "prefix-list-id",
        "prefix-list-owner-id",
        "state",
    ];
    if let Some(other) = filters
        .iter()
        .find(|filter| !names.contains(&filter.name.as_str()))
    {
        return Err(unknown_filter(&other.name));
    }
    call.dry_run()?;
    let region = call.region_state();
    let found: Vec<(String, TgwStatic)> = references
        .into_iter()
        .filter(|(list, entry)| {
            let attachment = entry.attachment.as_deref();
            let kind = attachment
                .and_then(|id| region.attachments.get(id))
                .map(|found| &found.kind);
            filters.iter().all(|filter| match filter.name.as_str() {
                "prefix-list-id" => filter.accepts(&[list]),
                "prefix-list-owner-id" => filter.accepts(&[&call.lab.aws.account]),
                "state" => filter.accepts(&[state_of(call, entry)]),
                "attachment.resource-id" => {
                    filter.accepts(kind.map(attachments::resource_id).as_slice())
                }
                "attachment.resource-type" => {
                    filter.accepts(kind.map(attachments::resource_type).as_slice())
                }
                _ => filter.accepts(attachment.as_slice()),
            })
        })
        .collect();
    let (found, token) = page(&call.params, call.lab.aws.page_cap, found, |(list, _)| {
        list.clone()
    })?;
    let mut xml = Xml::new();
    xml.list(
        "transitGatewayPrefixListReferenceSet",
        &found,
        |xml, (list, entry)| {
            let named = Named {
                table: id.clone(),
                list: list.clone(),
            };
            write(xml, call, &named, entry, None);
        },
    )
    .maybe("nextToken", token);
    Ok(xml)
}
