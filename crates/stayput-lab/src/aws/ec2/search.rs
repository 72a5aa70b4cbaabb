//! `SearchTransitGatewayRoutes`, the only way to read a Transit Gateway table (AWS reference §1.4).

use std::net::Ipv4Addr;

use stayput_estate::Cidr;

use super::Answer;
use super::Call;
use super::attachments;
use super::list::page;
use super::list::rule;
use super::list::unknown_filter;
use crate::aws::model::AttachmentKind;
use crate::aws::model::RegionState;
use crate::aws::query::Fault;
use crate::aws::query::Filter;
use crate::aws::routing;
use crate::aws::routing::Origin;
use crate::aws::routing::RouteState;
use crate::aws::routing::TgwRoute;
use crate::aws::xml::Xml;

/// A parsed filter with its values.
enum Test {
    Attachment(Filter),
    ResourceId(Filter),
    ResourceType(Filter),
    PrefixList(Filter),
    Exact(Vec<Cidr>),
    LongestMatch(Vec<Ipv4Addr>),
    SubnetOf(Vec<Cidr>),
    SupernetOf(Vec<Cidr>),
    State(Filter),
    Type(Filter),
}

fn cidrs(filter: &Filter) -> Result<Vec<Cidr>, Fault> {
    filter
        .values
        .iter()
        .map(|text| {
            text.parse().map_err(|_| {
                Fault::invalid(format!(
                    "Value ({text}) for filter {} is invalid.",
                    filter.name
                ))
            })
        })
        .collect()
}

fn addresses(filter: &Filter) -> Result<Vec<Ipv4Addr>, Fault> {
    filter
        .values
        .iter()
        .map(|text| {
            text.parse().map_err(|_| {
                Fault::invalid(format!(
                    "Value ({text}) for filter {} is invalid. It takes an IP address.",
                    filter.name
                ))
            })
        })
        .collect()
}

fn test(filter: Filter) -> Result<Test, Fault> {
    Ok(match filter.name.as_str() {
        "attachment.transit-gateway-attachment-id" => Test::Attachment(filter),
        "attachment.resource-id" => Test::ResourceId(filter),
        "attachment.resource-type" => Test::ResourceType(filter),
        "prefix-list-id" => Test::PrefixList(filter),
        "route-search.exact-match" => Test::Exact(cidrs(&filter)?),
        "route-search.longest-prefix-match" => Test::LongestMatch(addresses(&filter)?),
        "route-search.subnet-of-match" => Test::SubnetOf(cidrs(&filter)?),
        "route-search.supernet-of-match" => Test::SupernetOf(cidrs(&filter)?),
        "state" => Test::State(filter),
        "type" => Test::Type(filter),
        other => return Err(unknown_filter(other)),
    })
}

fn type_name(origin: Origin) -> &'static str {
    match origin {
        // An entry of a prefix list has type static (inferred), with the id of its list.
        Origin::Static | Origin::PrefixList => "static",
        Origin::Vpc | Origin::DirectConnect | Origin::PrivateVpn | Origin::Vpn => "propagated",
    }
}

fn state_name(state: RouteState) -> &'static str {
    match state {
        RouteState::Active => "active",
        RouteState::Pending => "pending",
        RouteState::Blackhole => "blackhole",
    }
}

fn kinds<'a>(region: &'a RegionState, route: &TgwRoute) -> Vec<&'a AttachmentKind> {
    route
        .attachments
        .iter()
        .filter_map(|id| region.attachments.get(id))
        .map(|attachment| &attachment.kind)
        .collect()
}

fn passes(
    test: &Test,
    region: &RegionState,
    longest: &[Cidr],
    cidr: Cidr,
    route: &TgwRoute,
) -> bool {
    match test {
        Test::Attachment(filter) => filter.accepts(&route.attachments.iter().collect::<Vec<_>>()),
        Test::ResourceId(filter) => {
            let ids = kinds(region, route)
                .into_iter()
                .map(attachments::resource_id);
            filter.accepts(&ids.collect::<Vec<_>>())
        }
        Test::ResourceType(filter) => {
            let types = kinds(region, route)
                .into_iter()
                .map(attachments::resource_type);
            filter.accepts(&types.collect::<Vec<_>>())
        }
        Test::PrefixList(filter) => {
            let list = route.list.as_deref();
            filter.accepts(list.as_slice())
        }
        Test::Exact(wanted) => wanted.contains(&cidr),
        Test::LongestMatch(_) => longest.contains(&cidr),
        Test::SubnetOf(wanted) => wanted.iter().any(|outer| outer.covers(cidr)),
        Test::SupernetOf(wanted) => wanted.iter().any(|inner| cidr.covers(*inner)),
        Test::State(filter) => filter.accepts(&[state_name(route.state)]),
        Test::Type(filter) => filter.accepts(&[type_name(route.origin)]),
    }
}

pub(super) fn search(call: &mut Call<'_>) -> Answer {
    let id = call.need("TransitGatewayRouteTableId")?;
    rule::TGW_TABLE.find(&call.region_state().tgw_route_tables, &id)?;
    let filters = call.params.filters()?;
    if filters.is_empty() {
        return Err(Fault::missing("Filters"));
    }
    let tests: Vec<Test> = filters.into_iter().map(test).collect::<Result<_, _>>()?;
    call.dry_run()?;
    let region = call.region_state();
    let table = routing::table(call.lab, &call.region, &id);
    let longest: Vec<Cidr> = tests
        .iter()
        .flat_map(|test| match test {
            Test::LongestMatch(addresses) => addresses.as_slice(),
            Test::Attachment(_)
            | Test::ResourceId(_)
            | Test::ResourceType(_)
            | Test::PrefixList(_)
            | Test::Exact(_)
            | Test::SubnetOf(_)
            | Test::SupernetOf(_)
            | Test::State(_)
            | Test::Type(_) => &[],
        })
        .filter_map(|address| {
            let all = table.iter().map(|(cidr, route)| (*cidr, route));
            routing::longest_match(all, *address).map(|(cidr, _)| cidr)
        })
        .collect();
    let found: Vec<(Cidr, TgwRoute)> = table
        .into_iter()
        .filter(|(cidr, route)| {
            tests
                .iter()
                .all(|test| passes(test, region, &longest, *cidr, route))
        })
        .collect();
    let (routes, token) = page(&call.params, call.lab.aws.page_cap, found, |(cidr, _)| {
        cidr.to_string()
    })?;
    let mut xml = Xml::new();
    xml.list("routeSet", &routes, |xml, (cidr, route)| {
        write_route(xml, region, *cidr, route);
    })
    .text("additionalRoutesAvailable", token.is_some())
    .maybe(
        "nextToken",
        token.filter(|_| !call.lab.aws.search_without_token),
    );
    Ok(xml)
}

/// Writes a route as in `routeSet`.
pub(super) fn write_route(xml: &mut Xml, region: &RegionState, cidr: Cidr, route: &TgwRoute) {
    write_route_in_state(xml, region, cidr, route, state_name(route.state));
}

/// Writes a route with another state.
pub(super) fn write_route_in_state(
    xml: &mut Xml,
    region: &RegionState,
    cidr: Cidr,
    route: &TgwRoute,
    state: &str,
) {
    xml.text("destinationCidrBlock", cidr)
        .maybe("prefixListId", route.list.as_ref());
    // Clients take a route without this element as a blackhole.
    if !route.attachments.is_empty() {
        xml.list(
            "transitGatewayAttachments",
            &route.attachments,
            |xml, id| {
                if let Some(attachment) = region.attachments.get(id) {
                    xml.text("resourceId", attachments::resource_id(&attachment.kind));
                    xml.text("transitGatewayAttachmentId", id)
                        .text("resourceType", attachments::resource_type(&attachment.kind));
                }
            },
        );
    }
    xml.text("type", type_name(route.origin))
        .text("state", state);
}
