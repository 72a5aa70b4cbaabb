//! Tags of every resource.

use super::Answer;
use super::Call;
use super::done;
use super::list::page;
use super::list::unknown_filter;
use crate::aws::model::RegionState;
use crate::aws::model::Tags;
use crate::aws::query::Fault;
use crate::aws::xml::Xml;

/// A resource with tags: its type in this API, its id, its tags.
type Tagged<'a> = (&'static str, &'a str, &'a Tags);

fn all(region: &RegionState) -> Vec<Tagged<'_>> {
    let mut all: Vec<Tagged<'_>> = Vec::new();
    macro_rules! collect {
        ($($map:ident: $kind:literal),* $(,)?) => {
            $(all.extend(region.$map.iter().map(|(id, it)| ($kind, id.as_str(), &it.tags)));)*
        };
    }
    collect! {
        vpcs: "vpc",
        subnets: "subnet",
        route_tables: "route-table",
        instances: "instance",
        enis: "network-interface",
        addresses: "elastic-ip",
        tgws: "transit-gateway",
        attachments: "transit-gateway-attachment",
        tgw_route_tables: "transit-gateway-route-table",
        vpns: "vpn-connection",
        prefix_lists: "prefix-list",
    }
    all.sort_by_key(|(_, id, _)| *id);
    all
}

fn tags_mut<'a>(region: &'a mut RegionState, id: &str) -> Option<&'a mut Tags> {
    macro_rules! find {
        ($($map:ident),* $(,)?) => {
            $(if let Some(it) = region.$map.get_mut(id) {
                return Some(&mut it.tags);
            })*
        };
    }
    find!(
        vpcs,
        subnets,
        route_tables,
        instances,
        enis,
        addresses,
        tgws,
        attachments,
        tgw_route_tables,
        vpns,
        prefix_lists,
    );
    None
}

pub(super) fn describe(call: &mut Call<'_>) -> Answer {
    let filters = call.params.filters()?;
    if let Some(filter) = filters.iter().find(|filter| {
        let name = filter.name.as_str();
        !matches!(name, "key" | "value" | "resource-id" | "resource-type")
            && !name.starts_with("tag:")
    }) {
        return Err(unknown_filter(&filter.name));
    }
    call.dry_run()?;
    let rows: Vec<(&str, &str, &String, &String)> = all(call.region_state())
        .into_iter()
        .flat_map(|(kind, id, tags)| tags.iter().map(move |(key, value)| (kind, id, key, value)))
        .filter(|(kind, id, key, value)| {
            filters.iter().all(|filter| match filter.name.as_str() {
                "key" => filter.accepts(&[key]),
                "value" => filter.accepts(&[value]),
                "resource-id" => filter.accepts(&[id]),
                "resource-type" => filter.accepts(&[kind]),
                tag => tag.strip_prefix("tag:") == Some(key) && filter.accepts(&[value]),
            })
        })
        .collect();
    let (rows, token) = page(
        &call.params,
        call.lab.aws.page_cap,
        rows,
        |(_, id, key, _)| format!("{id} {key}"),
    )?;
    let mut xml = Xml::new();
    xml.list("tagSet", rows, |xml, (kind, id, key, value)| {
        xml.text("resourceId", id)
            .text("resourceType", kind)
            .text("key", key)
            .text("value", value);
    })
    .maybe("nextToken", token);
    Ok(xml)
}

/// Returns the resources that a call names, all of which exist.
fn named(call: &mut Call<'_>) -> Result<Vec<String>, Fault> {
    let ids: Vec<String> = call
        .params
        .list("ResourceId")
        .into_iter()
        .map(str::to_owned)
        .collect();
    if ids.is_empty() {
        return Err(Fault::missing("ResourceIdSet"));
    }
    for id in &ids {
        if tags_mut(call.region_state_mut(), id).is_none() {
            return Err(Fault::bad(
                "InvalidID",
                format!("The ID '{id}' is not valid"),
            ));
        }
    }
    call.dry_run()?;
    Ok(ids)
}

/// Most tags a resource may have.
const MOST: usize = 50;

pub(super) fn create(call: &mut Call<'_>) -> Answer {
    let ids = named(call)?;
    let new = call.params.tags("Tag");
    if new.is_empty() {
        return Err(Fault::missing("TagSet"));
    }
    if let Some((key, _)) = new.iter().find(|(key, _)| key.starts_with("aws:")) {
        return Err(Fault::invalid(format!(
            "Tag keys starting with 'aws:' are reserved for internal use: {key}"
        )));
    }
    for id in ids {
        if let Some(tags) = tags_mut(call.region_state_mut(), &id) {
            let mut changed = tags.clone();
            changed.extend(new.iter().cloned());
            if changed.len() > MOST {
                return Err(Fault::bad(
                    "TagLimitExceeded",
                    "The maximum number of Tags for a resource has been reached.",
                ));
            }
            *tags = changed;
        }
    }
    done()
}

/// A tag given without a value is deleted whatever its value is, one with a value only if it has that value. Without any tags in
/// the call, all are deleted.
pub(super) fn delete(call: &mut Call<'_>) -> Answer {
    let ids = named(call)?;
    let given: Vec<(String, Option<String>)> = call
        .params
        .members("Tag")
        .into_iter()
        .filter_map(|member| {
            let key = call.params.get(&format!("{member}.Key"))?.to_owned();
            let value = format!("{member}.Value");
            let value = call
                .params
                .sent(&value)
                .then(|| call.params.get(&value).unwrap_or_default().to_owned());
            Some((key, value))
        })
        .collect();
    for id in ids {
        if let Some(tags) = tags_mut(call.region_state_mut(), &id) {
            tags.retain(|key, has| {
                !given.is_empty()
                    && !given.iter().any(|(wanted, value)| {
                        wanted == key && value.as_ref().is_none_or(|value| value == has)
                    })
            });
        }
    }
    done()
}
