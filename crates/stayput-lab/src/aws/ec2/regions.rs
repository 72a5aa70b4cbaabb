//! Regions and availability zones.

use std::collections::BTreeMap;

use super::Answer;
use super::Call;
use super::list::Kind;
use super::list::matching;
use super::list::one;
use crate::aws::query::Fault;
use crate::aws::xml::Xml;

/// Returns the three zones of a region, by name.
pub(super) fn zone_names(region: &str) -> Vec<String> {
    ["a", "c", "d"]
        .iter()
        .map(|letter| format!("{region}{letter}"))
        .collect()
}

/// Returns a zone's id: letters of its region and a number, such as `apne1-az4`. Real numbers differ between accounts.
pub(super) fn zone_id(zone: &str) -> String {
    let (region, letter) = zone.split_at(zone.len().saturating_sub(1));
    let mut parts = region.split('-');
    let area = parts.next().unwrap_or_default();
    let direction: String = match parts.next().unwrap_or_default() {
        compound @ ("northeast" | "northwest" | "southeast" | "southwest") => {
            let (ns, ew) = compound.split_at(5);
            ns.chars().take(1).chain(ew.chars().take(1)).collect()
        }
        simple => simple.chars().take(1).collect(),
    };
    let number = parts.next().unwrap_or_default();
    let index = letter
        .bytes()
        .next()
        .map_or(1, |b| b.saturating_sub(b'a') + 1);
    format!("{area}{direction}{number}-az{index}")
}

#[derive(Debug)]
struct Zone {
    region: String,
}

const ZONES: Kind<Zone> = Kind {
    ids: "ZoneName",
    // AWS has only this code for a name that does not exist.
    id: super::list::IdRule {
        prefix: "",
        noun: "availability zone",
        malformed: "InvalidParameterValue",
        not_found: "InvalidParameterValue",
    },
    fields: &[
        ("zone-name", |i| one(i.id)),
        ("zone-id", |i| one(zone_id(i.id))),
        ("zone-type", |_| one("availability-zone")),
        ("group-name", |i| one(&i.resource.region)),
        ("region-name", |i| one(&i.resource.region)),
        ("state", |_| one("available")),
        ("opt-in-status", |_| one("opt-in-not-required")),
    ],
    tags: None,
};

pub(super) fn zones(call: &mut Call<'_>) -> Answer {
    // Zones of the scenario's subnets exist, with any letter.
    let zones: BTreeMap<String, Zone> = zone_names(&call.region)
        .into_iter()
        .chain(
            call.region_state()
                .subnets
                .values()
                .map(|subnet| subnet.az.clone()),
        )
        .map(|zone| {
            let region = call.region.clone();
            (zone, Zone { region })
        })
        .collect();
    let wanted = call.params.list("ZoneId");
    let mut page = matching(call, &ZONES, &zones)?;
    page.retain(|zone| wanted.is_empty() || wanted.contains(&zone_id(zone.id).as_str()));
    let mut xml = Xml::new();
    xml.list("availabilityZoneInfo", &page, |xml, zone| {
        xml.text("optInStatus", "opt-in-not-required")
            .text("zoneName", zone.id)
            .text("zoneId", zone_id(zone.id))
            .text("zoneState", "available")
            .text("zoneType", "availability-zone")
            .text("regionName", &zone.resource.region)
            .text("groupName", &zone.resource.region)
            .text("networkBorderGroup", &zone.resource.region)
            .list("messageSet", None::<()>, |_, ()| {});
    });
    Ok(xml)
}

#[derive(Debug)]
struct RegionEntry;

const REGIONS: Kind<RegionEntry> = Kind {
    ids: "RegionName",
    id: super::list::IdRule {
        prefix: "",
        noun: "region",
        malformed: "InvalidParameterValue",
        not_found: "InvalidParameterValue",
    },
    fields: &[
        ("region-name", |i| one(i.id)),
        ("endpoint", |i| one(endpoint(i.id))),
        ("opt-in-status", |_| one("opt-in-not-required")),
    ],
    tags: None,
};

fn endpoint(region: &str) -> String {
    format!("ec2.{region}.amazonaws.com")
}

/// The lab's regions: those of its scenario, and those that were called.
pub(super) fn regions(call: &mut Call<'_>) -> Answer {
    let entries: BTreeMap<String, RegionEntry> = call
        .lab
        .aws
        .regions
        .keys()
        .map(|name| (name.clone(), RegionEntry))
        .collect();
    let page = matching(call, &REGIONS, &entries)?;
    let mut xml = Xml::new();
    xml.list("regionInfo", &page, |xml, entry| {
        xml.text("regionName", entry.id)
            .text("regionEndpoint", endpoint(entry.id))
            .text("optInStatus", "opt-in-not-required");
    });
    Ok(xml)
}

/// Only the supported platforms are returned.
pub(super) fn account_attributes(call: &mut Call<'_>) -> Answer {
    let known = [("supported-platforms", "VPC"), ("default-vpc", "none")];
    let wanted = call.params.list("AttributeName");
    if let Some(other) = wanted
        .iter()
        .find(|name| !known.iter().any(|(known, _)| known == *name))
    {
        return Err(Fault::invalid(format!(
            "Value ({other}) for parameter attributeName is invalid."
        )));
    }
    call.dry_run()?;
    let shown = known
        .into_iter()
        .filter(|(name, _)| wanted.is_empty() || wanted.contains(name));
    let mut xml = Xml::new();
    xml.list("accountAttributeSet", shown, |xml, (name, value)| {
        xml.text("attributeName", name)
            .list("attributeValueSet", [value], |xml, value| {
                xml.text("attributeValue", value);
            });
    });
    Ok(xml)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_ids_have_the_format_of_aws() {
        assert_eq!(zone_id("ap-northeast-1a"), "apne1-az1");
        assert_eq!(zone_id("us-east-1c"), "use1-az3");
    }
}
