//! Routes that managed prefix lists bring into route tables (AWS reference §1.2, §1.4, §3 item 1).
//!
//! A table that refers to a list has each entry of the list as a route, below a written one of the same prefix and above a
//! learned one. Nothing the fabric changes adds or removes such a route: a static route covers it and uncovers it again.

use std::collections::BTreeMap;

use stayput_estate::Cidr;
use stayput_estate::PrefixListId;
use stayput_world::AwsRegion;
use stayput_world::aws::RouteDestination;
use stayput_world::aws::TgwRouteTable;
use stayput_world::aws::TgwTarget;
use stayput_world::aws::VpcRoute;
use stayput_world::aws::VpcRouteTable;

/// The entries that lists bring into a Transit Gateway table, each with its list and where that leads. Of two lists with one prefix the
/// lower id counts (see `assumptions`).
pub(crate) fn in_tgw_table<'a>(
    aws: &'a AwsRegion,
    table: &'a TgwRouteTable,
) -> BTreeMap<Cidr, (&'a PrefixListId, &'a TgwTarget)> {
    let mut routes = BTreeMap::new();
    for (id, target) in &table.prefix_list_references {
        for cidr in aws
            .prefix_lists
            .get(id)
            .into_iter()
            .flat_map(|list| &list.entries)
        {
            routes.entry(*cidr).or_insert((id, target));
        }
    }
    routes
}

/// How many routes the lists of a Transit Gateway table count for (AWS reference §1.4).
pub(crate) fn entries(aws: &AwsRegion, table: &TgwRouteTable) -> usize {
    table
        .prefix_list_references
        .keys()
        .filter_map(|id| aws.prefix_lists.get(id))
        .map(|list| list.entries.len())
        .sum()
}

/// Lists that a Transit Gateway table refers to and whose contents were not observed.
pub(crate) fn unknown_in_tgw_table(aws: &AwsRegion, table: &TgwRouteTable) -> Vec<PrefixListId> {
    let referred = table.prefix_list_references.keys();
    referred
        .filter(|id| !aws.prefix_lists.contains_key(*id))
        .cloned()
        .collect()
}

/// The lists a VPC table routes by, lowest id first.
fn lists(table: &VpcRouteTable) -> BTreeMap<&PrefixListId, &VpcRoute> {
    table
        .routes
        .iter()
        .filter_map(|route| match &route.destination {
            RouteDestination::PrefixList(list) => Some((list, route)),
            RouteDestination::Cidr(_) | RouteDestination::Ipv6(_) => None,
        })
        .collect()
}

/// The entries that lists bring into a VPC table. Of two lists with one prefix the lower id counts: AWS chooses once and stays with it.
pub(crate) fn in_vpc_table<'a>(
    aws: &'a AwsRegion,
    table: &'a VpcRouteTable,
) -> BTreeMap<Cidr, (&'a PrefixListId, &'a VpcRoute)> {
    let mut routes = BTreeMap::new();
    for (id, route) in lists(table) {
        for cidr in aws
            .prefix_lists
            .get(id)
            .into_iter()
            .flat_map(|list| &list.entries)
        {
            routes.entry(*cidr).or_insert((id, route));
        }
    }
    routes
}

/// Lists that a VPC table routes by and whose contents were not observed.
pub(crate) fn unknown_in_vpc_table(aws: &AwsRegion, table: &VpcRouteTable) -> Vec<PrefixListId> {
    lists(table)
        .into_keys()
        .filter(|id| !aws.prefix_lists.contains_key(*id))
        .cloned()
        .collect()
}
