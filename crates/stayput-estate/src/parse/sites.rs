//! `[source.NAME]` and `[sites.NAME]`.

use std::collections::BTreeMap;

use stayput_messages::Message;
use stayput_messages::list;

use crate::Appliance;
use crate::Ec2Site;
use crate::MoveConfig;
use crate::Nc2Site;
use crate::Region;
use crate::SiteName;
use crate::TgwId;
use crate::VpcId;
use crate::config::At;
use crate::config::DEFAULT_CONTAINER;
use crate::config::DEFAULT_TEST_VPC;
use crate::config::DEFAULT_TRANSIT_VPC;
use crate::config::Field;
use crate::config::Named;
use crate::config::RawAppliance;
use crate::config::RawEstate;
use crate::config::RawMove;
use crate::config::RawSite;
use crate::config::RawSource;
use crate::error::Choices;
use crate::error::ConfigError;
use crate::error::RelationFault;

use super::reader::Reader;
use super::reader::in_file_order;
use super::reader::pairs;
use super::text;

/// The valid parts of the sites.
pub(super) struct Sites {
    /// Where each site is in AWS, in the order of the file; the EC2 source before the NC2 sites.
    pub locations: Vec<SiteLocation>,
    source: Option<Ec2Site>,
    sites: Option<BTreeMap<SiteName, Nc2Site>>,
}

/// Where a site is in AWS, with the locations of these keys.
pub(super) struct SiteLocation {
    pub name: At<SiteName>,
    pub region: Option<At<Region>>,
    pub vpc: Option<At<VpcId>>,
    pub tgw: Option<At<TgwId>>,
    pub kind: SiteLocationKind,
}

/// The kind of a site.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SiteLocationKind {
    Source,
    Nc2,
}

impl Sites {
    /// Returns the NC2 site with this name.
    pub fn nc2(&self, name: &SiteName) -> Option<&SiteLocation> {
        self.locations
            .iter()
            .find(|place| place.kind != SiteLocationKind::Source && place.name.value() == name)
    }

    /// Whether there is an EC2 source.
    pub fn has_source(&self) -> bool {
        self.locations
            .iter()
            .any(|place| place.kind == SiteLocationKind::Source)
    }

    /// Whether there is any NC2 site.
    pub fn has_nc2(&self) -> bool {
        self.locations
            .iter()
            .any(|place| place.kind != SiteLocationKind::Source)
    }

    /// Whether this is the EC2 source.
    pub fn is_source(&self, name: &SiteName) -> bool {
        self.locations
            .iter()
            .any(|place| place.kind == SiteLocationKind::Source && place.name.value() == name)
    }

    /// Returns the names of the NC2 sites, as suggestions for a wrong name.
    pub fn choices(&self, wrong: &SiteName) -> Choices {
        let names = self
            .locations
            .iter()
            .filter(|place| place.kind != SiteLocationKind::Source)
            .map(|place| place.name.value().as_str());
        Choices::new(Message::new("estate-nc2-sites"), wrong.as_str(), names)
    }

    pub fn finish(self) -> Option<(Ec2Site, BTreeMap<SiteName, Nc2Site>)> {
        self.source.zip(self.sites)
    }
}

pub(super) fn read(reader: &mut Reader<'_>, raw: &RawEstate) -> Sites {
    let mut locations = Vec::new();
    let source = raw
        .source
        .as_ref()
        .and_then(|table| source(reader, table, &mut locations));
    let sites = raw
        .sites
        .as_ref()
        .and_then(|table| nc2_sites(reader, table, &mut locations));
    let sites = Sites {
        locations,
        source,
        sites,
    };
    check_locations(reader, &sites.locations);
    sites
}

fn source(
    reader: &mut Reader<'_>,
    table: &At<Named<RawSource>>,
    locations: &mut Vec<SiteLocation>,
) -> Option<Ec2Site> {
    let sources = in_file_order(table.value());
    let mut read: Vec<Option<Ec2Site>> = Vec::new();
    for (name, raw) in &sources {
        let raw = raw.value();
        let named = reader.read(name, text::name);
        let place = SiteLocation {
            name: At::new(name.span(), SiteName::new(name.value())),
            region: reader.required(&raw.region, text::region),
            vpc: reader.required(&raw.vpc, text::aws_id),
            tgw: reader.required(&raw.tgw, text::aws_id),
            kind: SiteLocationKind::Source,
        };
        let document = reader.optional(&raw.capture_document, text::document);
        read.push(named.and_then(|_name| {
            Some(Ec2Site {
                name: place.name.value().clone(),
                region: place.region.as_ref()?.value().clone(),
                vpc: place.vpc.as_ref()?.value().clone(),
                tgw: place.tgw.as_ref()?.value().clone(),
                capture_document: document?.map(At::into_value),
            })
        }));
        locations.push(place);
    }
    match sources.as_slice() {
        [] => {
            none_declared(reader, "source", table);
            None
        }
        [_one] => read.pop().flatten(),
        [(first, _), others @ ..] => {
            let names: Vec<&str> = sources
                .iter()
                .map(|(name, _)| name.value().as_str())
                .collect();
            let fault = RelationFault::SeveralSources {
                count: sources.len(),
                names: list::commas(names),
            };
            for (name, _) in others.iter().take(1) {
                let error = ConfigError::new(
                    name.span(),
                    Message::new("estate-label-another-source"),
                    fault.clone(),
                )
                .also(first.span(), Message::new("estate-label-first-source"));
                reader.report(error);
            }
            None
        }
    }
}

/// Reports that a table of named tables is empty, unless the shape check removed a table from it.
pub(super) fn none_declared<T>(reader: &mut Reader<'_>, table: &'static str, at: &At<Named<T>>) {
    if reader.is_whole(table) {
        let fault = RelationFault::NoneDeclared { table };
        reader.report(ConfigError::new(
            at.span(),
            Message::new("estate-label-is-empty"),
            fault,
        ));
    }
}

fn nc2_sites(
    reader: &mut Reader<'_>,
    table: &At<Named<RawSite>>,
    locations: &mut Vec<SiteLocation>,
) -> Option<BTreeMap<SiteName, Nc2Site>> {
    if table.value().is_empty() {
        none_declared(reader, "sites", table);
    }
    let mut sites = Vec::new();
    for (name, raw) in in_file_order(table.value()) {
        sites.push(nc2_site(reader, name, raw.value(), locations));
    }
    sites
        .into_iter()
        .map(|site| site.map(|site| (site.name.clone(), site)))
        .collect()
}

fn nc2_site(
    reader: &mut Reader<'_>,
    name: &At<String>,
    raw: &RawSite,
    locations: &mut Vec<SiteLocation>,
) -> Option<Nc2Site> {
    let named = reader.read(name, text::name);
    let place = SiteLocation {
        name: At::new(name.span(), SiteName::new(name.value())),
        region: reader.required(&raw.region, text::region),
        vpc: reader.required(&raw.vpc, text::aws_id),
        tgw: reader.required(&raw.tgw, text::aws_id),
        kind: SiteLocationKind::Nc2,
    };
    let flow_vpc = reader.required(&raw.flow_vpc, text::filled);
    let transit_vpc = reader.text_or(&raw.transit_vpc, DEFAULT_TRANSIT_VPC);
    let test_vpc = reader.text_or(&raw.test_vpc, DEFAULT_TEST_VPC);
    let flow_vpcs: Vec<(&'static str, &At<String>)> = [
        ("flow-vpc", &flow_vpc),
        ("transit-vpc", &transit_vpc),
        ("test-vpc", &test_vpc),
    ]
    .into_iter()
    .filter_map(|(key, vpc)| Some((key, vpc.as_ref()?)))
    .collect();
    check_flow_vpcs(reader, &place.name, &flow_vpcs);
    let dns_servers = reader.list(&raw.dns_servers, text::address);
    let prism = raw
        .prism
        .value()
        .and_then(|raw: &RawAppliance| appliance(reader, &raw.url, &raw.ca_file));
    let mv = match raw.mv.value() {
        Some(raw) => move_config(reader, raw).map(Some),
        None => Some(None),
    };
    let site = named.and_then(|_name| {
        Some(Nc2Site {
            name: place.name.value().clone(),
            region: place.region.as_ref()?.value().clone(),
            vpc: place.vpc.as_ref()?.value().clone(),
            tgw: place.tgw.as_ref()?.value().clone(),
            flow_vpc: flow_vpc?.into_value(),
            transit_vpc: transit_vpc?.into_value(),
            test_vpc: test_vpc?.into_value(),
            dns_servers: dns_servers?.into_iter().map(At::into_value).collect(),
            prism: prism?,
            mv: mv?,
        })
    });
    locations.push(place);
    site
}

fn appliance(
    reader: &mut Reader<'_>,
    url: &Field<String>,
    ca_file: &Field<String>,
) -> Option<Appliance> {
    let url = reader.required(url, text::url);
    let trust = reader.trust(ca_file);
    Some(Appliance {
        url: url?.into_value(),
        trust: trust?,
    })
}

fn move_config(reader: &mut Reader<'_>, raw: &RawMove) -> Option<MoveConfig> {
    let appliance = appliance(reader, &raw.url, &raw.ca_file);
    let source_provider = reader.required(&raw.source_provider, text::filled);
    let target_provider = reader.required(&raw.target_provider, text::filled);
    let container = reader.text_or(&raw.container, DEFAULT_CONTAINER);
    Some(MoveConfig {
        appliance: appliance?,
        source_provider: source_provider?.into_value(),
        target_provider: target_provider?.into_value(),
        container: container?.into_value(),
    })
}

/// Checks that the three Flow VPCs of a site differ: a test in the production VPC would not be isolated.
fn check_flow_vpcs(
    reader: &mut Reader<'_>,
    site: &At<SiteName>,
    vpcs: &[(&'static str, &At<String>)],
) {
    for ((other_key, other), (key, vpc)) in pairs(vpcs) {
        if vpc == other {
            let fault = RelationFault::FlowVpcUsedTwice {
                site: site.value().clone(),
                vpc: vpc.value().clone(),
                key,
                other_key,
            };
            // A default has no location in the file; the other key then has the error.
            let mut written = [vpc.span(), other.span()]
                .into_iter()
                .filter(|span| !span.is_empty());
            let span = written.next().unwrap_or_else(|| site.span());
            let mut error =
                ConfigError::new(span, Message::new("estate-label-used-for-both"), fault);
            if let Some(span) = written.next() {
                error = error.also(span, Message::new("estate-label-also-here"));
            }
            reader.report(error);
        }
    }
}

fn check_locations(reader: &mut Reader<'_>, locations: &[SiteLocation]) {
    for (earlier, later) in pairs(locations) {
        let (other, site) = (earlier.name.value(), later.name.value());
        if site == other {
            let fault = RelationFault::SiteNamedTwice { site: site.clone() };
            reader.report(
                ConfigError::new(
                    later.name.span(),
                    Message::new("estate-label-nc2-site"),
                    fault,
                )
                .also(earlier.name.span(), Message::new("estate-label-source")),
            );
        }
        if let (Some(other_vpc), Some(vpc)) = (&earlier.vpc, &later.vpc)
            && vpc == other_vpc
        {
            let fault = RelationFault::VpcUsedTwice {
                site: site.clone(),
                other: other.clone(),
            };
            reader.report(
                ConfigError::new(vpc.span(), Message::new("estate-label-same-vpc"), fault).also(
                    other_vpc.span(),
                    Message::new("estate-label-vpc-of").with("other", other),
                ),
            );
        }
    }
    for (index, later) in locations.iter().enumerate() {
        let earlier = locations.iter().take(index);
        check_tgw_region(reader, &later.tgw, &later.region, earlier);
    }
}

/// Checks that all sites and edges with the same Transit Gateway are in one region. Compares with the first such site.
pub(super) fn check_tgw_region<'a>(
    reader: &mut Reader<'_>,
    tgw: &Option<At<TgwId>>,
    region: &Option<At<Region>>,
    others: impl IntoIterator<Item = &'a SiteLocation>,
) {
    let (Some(tgw), Some(region)) = (tgw, region) else {
        return;
    };
    let other = others.into_iter().find_map(|place| {
        let same = place.tgw.as_ref()? == tgw;
        same.then_some((place.name.value(), place.region.as_ref()?))
    });
    if let Some((other, other_region)) = other
        && region != other_region
    {
        let fault = RelationFault::TgwInTwoRegions {
            tgw: tgw.value().clone(),
            region: region.value().clone(),
            other: other.clone(),
            other_region: other_region.value().clone(),
        };
        reader.report(
            ConfigError::new(
                region.span(),
                Message::new("estate-label-another-region"),
                fault,
            )
            .also(
                other_region.span(),
                Message::new("estate-label-region-at").with("other", other),
            ),
        );
    }
}
