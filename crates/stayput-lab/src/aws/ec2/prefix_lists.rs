//! Customer-managed prefix lists: prefixes that route tables use together.

use std::collections::BTreeMap;

use stayput_estate::Cidr;
use stayput_estate::CidrError;

use super::Answer;
use super::Call;
use super::list::Field;
use super::list::Kind;
use super::list::Listed;
use super::list::one;
use super::list::page;
use super::list::rule;
use super::list::select;
use super::tgw_routes;
use super::write_tags;
use crate::aws::model::PrefixList;
use crate::aws::query::Fault;
use crate::aws::xml::Xml;

/// Most entries with which a list can be created.
const MOST_ENTRIES: usize = 1000;

type Item<'a> = Listed<'a, PrefixList>;

const FIELDS: &[Field<PrefixList>] = &[
    ("prefix-list-id", |i| one(i.id)),
    ("prefix-list-name", |i| one(&i.resource.name)),
    ("owner-id", |i| one(&i.lab.aws.account)),
];

const KIND: Kind<PrefixList> = Kind {
    ids: "PrefixListId",
    id: rule::PREFIX_LIST,
    fields: FIELDS,
    tags: Some(|it| &it.tags),
};

fn write(xml: &mut Xml, list: &Item<'_>, state: &str) {
    let account = &list.lab.aws.account;
    let (region_name, id) = (list.region_name, list.id);
    xml.text("prefixListId", id)
        .text("addressFamily", "IPv4")
        .text("state", state)
        .text(
            "prefixListArn",
            format!("arn:aws:ec2:{region_name}:{account}:prefix-list/{id}"),
        )
        .text("prefixListName", &list.resource.name)
        .text("maxEntries", list.resource.max_entries)
        .text("version", list.resource.version)
        .text("ownerId", account);
    write_tags(xml, &list.resource.tags);
}

fn answer(call: &Call<'_>, id: &str, state: &str) -> Answer {
    let region = call.region_state();
    let it = rule::PREFIX_LIST.find(&region.prefix_lists, id)?;
    let mut xml = Xml::new();
    xml.node("prefixList", |xml| {
        let list = Listed {
            lab: call.lab,
            region_name: &call.region,
            region,
            id,
            resource: it,
        };
        write(xml, &list, state);
    });
    Ok(xml)
}

pub(super) fn describe(call: &mut Call<'_>) -> Answer {
    let (page, token) = select(call, &KIND, &call.region_state().prefix_lists)?;
    let mut xml = Xml::new();
    xml.list("prefixListSet", &page, |xml, list| {
        write(xml, list, "create-complete");
    })
    .maybe("nextToken", token);
    Ok(xml)
}

/// Reads `name.N.Cidr` with `name.N.Description`. An entry with host bits is refused.
fn entries_of(call: &Call<'_>, name: &str) -> Result<Vec<(Cidr, Option<String>)>, Fault> {
    call.params
        .members(name)
        .into_iter()
        .map(|member| {
            let text = call.params.need(&format!("{member}.Cidr"))?;
            let cidr = text.parse().map_err(|error| match error {
                CidrError::HostBits { .. }
                | CidrError::LeadingZeros { .. }
                | CidrError::Syntax(_) => Fault::invalid(format!(
                    "The CIDR ({text}) is not valid in an IPv4 prefix list."
                )),
            })?;
            let description = call.params.get(&format!("{member}.Description"));
            Ok((cidr, description.map(str::to_owned)))
        })
        .collect()
}

fn check_size(list: &PrefixList) -> Result<(), Fault> {
    if list.entries.len() > list.max_entries {
        Err(Fault::bad(
            "PrefixListMaxEntriesExceeded",
            format!(
                "You've reached the maximum number of entries for the prefix list ({}).",
                list.max_entries
            ),
        ))
    } else {
        Ok(())
    }
}

fn max_entries(call: &Call<'_>) -> Result<Option<usize>, Fault> {
    let wanted: Option<usize> = call.params.parsed("MaxEntries")?;
    match wanted {
        Some(wanted) if !(1..=MOST_ENTRIES).contains(&wanted) => Err(Fault::invalid(format!(
            "MaxEntries must be between 1 and {MOST_ENTRIES}."
        ))),
        Some(_) | None => Ok(wanted),
    }
}

pub(super) fn create(call: &mut Call<'_>) -> Answer {
    let name = call.need("PrefixListName")?;
    if call.need("AddressFamily")? != "IPv4" {
        // The lab routes IPv4 only.
        return Err(Fault::invalid("AddressFamily must be IPv4 in this lab."));
    }
    let max_entries = max_entries(call)?.ok_or_else(|| Fault::missing("MaxEntries"))?;
    let list = PrefixList {
        name,
        max_entries,
        version: 1,
        entries: entries_of(call, "Entry")?.into_iter().collect(),
        tags: call.params.tags_for("prefix-list"),
    };
    check_size(&list)?;
    call.dry_run()?;
    let id = call.lab.aws_id("pl-");
    call.region_state_mut()
        .prefix_lists
        .insert(id.clone(), list);
    answer(call, &id, "create-complete")
}

pub(super) fn modify(call: &mut Call<'_>) -> Answer {
    let id = call.need("PrefixListId")?;
    let mut list = rule::PREFIX_LIST
        .find(&call.region_state().prefix_lists, &id)?
        .clone();
    let added = entries_of(call, "AddEntry")?;
    let removed = entries_of(call, "RemoveEntry")?;
    let version: Option<i64> = call.params.parsed("CurrentVersion")?;
    if let Some(name) = call.params.get("PrefixListName") {
        name.clone_into(&mut list.name);
    }
    let resized = max_entries(call)?;
    if !added.is_empty() || !removed.is_empty() {
        if resized.is_some() {
            return Err(Fault::bad(
                "InvalidParameterCombination",
                "MaxEntries cannot be changed together with entries.",
            ));
        }
        let version = version.ok_or_else(|| Fault::missing("CurrentVersion"))?;
        if version != list.version {
            return Err(Fault::bad(
                "PrefixListVersionMismatch",
                "The prefix list has the incorrect version number.",
            ));
        }
        for (cidr, _) in removed {
            if list.entries.remove(&cidr).is_none() {
                return Err(Fault::invalid(format!("{cidr} is not in {id}.")));
            }
        }
        for (cidr, description) in added {
            if list.entries.insert(cidr, description).is_some() {
                return Err(Fault::invalid(format!("{cidr} is in {id} already.")));
            }
        }
        list.version += 1;
    }
    list.max_entries = resized.unwrap_or(list.max_entries);
    check_size(&list)?;
    check_routes(call, &id, list.entries.len())?;
    call.dry_run()?;
    call.region_state_mut()
        .prefix_lists
        .insert(id.clone(), list);
    answer(call, &id, "modify-complete")
}

/// Checks that every table that uses the list can take its new size.
fn check_routes(call: &Call<'_>, id: &str, size: usize) -> Result<(), Fault> {
    let before = rule::PREFIX_LIST
        .find(&call.region_state().prefix_lists, id)?
        .entries
        .len();
    let mut more: BTreeMap<&str, (&String, usize)> = BTreeMap::new();
    for (table, found) in &call.region_state().tgw_route_tables {
        if found.prefix_lists.contains_key(id) {
            let (_, sum) = more.entry(&found.tgw).or_insert((table, 0));
            *sum += size.saturating_sub(before);
        }
    }
    more.into_values()
        .try_for_each(|(table, more)| tgw_routes::check_limit(call, table, more))
}

pub(super) fn delete(call: &mut Call<'_>) -> Answer {
    let id = call.need("PrefixListId")?;
    let region = call.region_state();
    rule::PREFIX_LIST.find(&region.prefix_lists, &id)?;
    call.dry_run()?;
    let of_tgw = region.tgw_route_tables.values();
    let of_vpc = region.route_tables.values();
    let in_use = of_tgw
        .into_iter()
        .any(|table| table.prefix_lists.contains_key(&id))
        || of_vpc
            .into_iter()
            .any(|table| table.list_routes.contains_key(&id));
    if in_use {
        return Err(Fault::bad(
            "DependencyViolation",
            format!("The prefix list {id} is in use by a route table."),
        ));
    }
    let answer = answer(call, &id, "delete-in-progress")?;
    call.region_state_mut().prefix_lists.remove(&id);
    Ok(answer)
}

pub(super) fn entries(call: &mut Call<'_>) -> Answer {
    let id = call.need("PrefixListId")?;
    let list = rule::PREFIX_LIST.find(&call.region_state().prefix_lists, &id)?;
    let entries: Vec<(Cidr, Option<String>)> = list.entries.clone().into_iter().collect();
    let wanted: Option<i64> = call.params.parsed("TargetVersion")?;
    if let Some(other) = wanted.filter(|wanted| *wanted != list.version) {
        return Err(Fault::invalid(format!(
            "The lab keeps only the current version of {id}, not {other}."
        )));
    }
    call.dry_run()?;
    let (entries, token) = page(&call.params, call.lab.aws.page_cap, entries, |(cidr, _)| {
        cidr.to_string()
    })?;
    let mut xml = Xml::new();
    xml.list("entrySet", &entries, |xml, (cidr, description)| {
        xml.text("cidr", cidr)
            .maybe("description", description.as_ref());
    })
    .maybe("nextToken", token);
    Ok(xml)
}
