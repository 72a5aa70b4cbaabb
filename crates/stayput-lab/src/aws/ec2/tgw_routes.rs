//! Static routes of Transit Gateway route tables (AWS reference §1.4).

use stayput_estate::Cidr;

use super::Answer;
use super::Call;
use super::attachments;
use super::list::rule;
use super::search;
use crate::aws::model::TgwStatic;
use crate::aws::query::Fault;
use crate::aws::routing;
use crate::aws::xml::Xml;

/// Quota of static and dynamic routes over all tables of a Transit Gateway (AWS reference §1.5).
const MOST: usize = 10_000;

struct Write {
    table: String,
    cidr: Cidr,
    /// `None`: blackhole.
    attachment: Option<String>,
}

/// Returns the target of a call that names a table: an attachment of its Transit Gateway, or blackhole.
pub(super) fn target(call: &Call<'_>, tgw: &str) -> Result<Option<String>, Fault> {
    let blackhole = call.params.flag("Blackhole")?;
    match (call.params.get("TransitGatewayAttachmentId"), blackhole) {
        (Some(_), true) => Err(Fault::bad(
            "InvalidParameterCombination",
            "TransitGatewayAttachmentId and Blackhole cannot be given together",
        )),
        (None, false) => Err(Fault::missing("TransitGatewayAttachmentId")),
        (None, true) => Ok(None),
        (Some(id), false) => {
            attachments::usable(call, id, Some(tgw))?;
            Ok(Some(id.to_owned()))
        }
    }
}

fn write(call: &Call<'_>) -> Result<Write, Fault> {
    let table = call.need("TransitGatewayRouteTableId")?;
    let cidr = call.params.cidr("DestinationCidrBlock")?;
    let found = rule::TGW_TABLE.find(&call.region_state().tgw_route_tables, &table)?;
    let attachment = target(call, &found.tgw)?;
    call.dry_run()?;
    Ok(Write {
        table,
        cidr,
        attachment,
    })
}

/// Returns the route after a write: the data plane uses it after `timing.tgw_route`, and the old one until then.
pub(super) fn written(
    call: &Call<'_>,
    attachment: Option<&String>,
    existing: Option<&TgwStatic>,
) -> TgwStatic {
    let now = call.lab.now();
    match existing {
        // Writing an existing route again changes nothing, not even for a short time.
        Some(same) if same.attachment.as_ref() == attachment => same.clone(),
        Some(_) | None => TgwStatic {
            attachment: attachment.cloned(),
            active_from: now.after(call.lab.timing.tgw_route),
            before: existing
                .and_then(|entry| routing::effective_static(entry, now))
                .map(|target| target.map(str::to_owned)),
        },
    }
}

fn put(call: &mut Call<'_>, write: &Write) -> Answer {
    let table = rule::TGW_TABLE.find(&call.region_state().tgw_route_tables, &write.table)?;
    let tgw = table.tgw.clone();
    let existing = table.statics.get(&write.cidr);
    let entry = written(call, write.attachment.as_ref(), existing);
    let tables = &mut call.region_state_mut().tgw_route_tables;
    rule::TGW_TABLE
        .find_mut(tables, &write.table)?
        .statics
        .insert(write.cidr, entry.clone());
    let route = routing::shown_static(call.region_state(), &tgw, &entry, call.lab.now());
    let mut xml = Xml::new();
    xml.node("route", |xml| {
        search::write_route(xml, call.region_state(), write.cidr, &route);
    });
    Ok(xml)
}

/// Refuses additional routes when the Transit Gateway of this table has reached its quota.
pub(super) fn check_limit(call: &Call<'_>, table: &str, more: usize) -> Result<(), Fault> {
    let table_of = call.region_state().tgw_route_tables.get(table);
    let routes = table_of.map_or(0, |table| {
        routing::count(call.lab, &call.region, &table.tgw)
    });
    if routes + more > MOST {
        Err(Fault::bad(
            "RouteLimitExceeded",
            format!("The transit gateway of {table} has reached its limit of {MOST} routes"),
        ))
    } else {
        Ok(())
    }
}

pub(super) fn create(call: &mut Call<'_>) -> Answer {
    let write = write(call)?;
    let table = rule::TGW_TABLE.find(&call.region_state().tgw_route_tables, &write.table)?;
    // Only a static route conflicts; an equal propagated one becomes hidden (inferred for the API).
    if table.statics.contains_key(&write.cidr) {
        return Err(Fault::bad(
            "RouteAlreadyExists",
            format!(
                "Route {} already exists in Transit Gateway Route Table {}.",
                write.cidr, write.table
            ),
        ));
    }
    check_limit(call, &write.table, 1)?;
    put(call, &write)
}

/// An upsert (1 src).
pub(super) fn replace(call: &mut Call<'_>) -> Answer {
    let write = write(call)?;
    let table = rule::TGW_TABLE.find(&call.region_state().tgw_route_tables, &write.table)?;
    if !table.statics.contains_key(&write.cidr) {
        check_limit(call, &write.table, 1)?;
    }
    put(call, &write)
}

pub(super) fn delete(call: &mut Call<'_>) -> Answer {
    let id = call.need("TransitGatewayRouteTableId")?;
    let cidr = call.params.cidr("DestinationCidrBlock")?;
    rule::TGW_TABLE.find(&call.region_state().tgw_route_tables, &id)?;
    call.dry_run()?;
    let now = call.lab.now();
    let table = rule::TGW_TABLE.find_mut(&mut call.region_state_mut().tgw_route_tables, &id)?;
    let tgw = table.tgw.clone();
    let deleted = table.statics.remove(&cidr).ok_or_else(|| {
        Fault::bad(
            "InvalidRoute.NotFound",
            format!("Route {cidr} was not found in Transit Gateway Route Table {id}."),
        )
    })?;
    let route = routing::shown_static(call.region_state(), &tgw, &deleted, now);
    let mut xml = Xml::new();
    xml.node("route", |xml| {
        search::write_route_in_state(xml, call.region_state(), cidr, &route, "deleted");
    });
    Ok(xml)
}
