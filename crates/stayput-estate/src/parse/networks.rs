//! `[on-prem]` and `[networks.NAME]`.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use stayput_messages::Message;

use crate::Cidr;
use crate::Network;
use crate::NetworkName;
use crate::SiteName;
use crate::SubnetId;
use crate::config::At;
use crate::config::Named;
use crate::config::RawNetwork;
use crate::config::RawOnPrem;
use crate::error::ConfigError;
use crate::error::RelationFault;

use super::reader::Reader;
use super::reader::in_file_order;
use super::reader::pairs;
use super::sites::SiteLocation;
use super::sites::Sites;
use super::sites::none_declared;
use super::text;

/// The shortest and longest externally routable prefix (Prism reference §3.1).
const SIZES: std::ops::RangeInclusive<u8> = 16..=28;

/// Returns the no-NAT external subnet of the transit VPC, 100.64.10.0/24 (AWS reference §4). Overlay traffic leaves through it,
/// so its addresses have another meaning at every site.
fn no_nat_subnet() -> Cidr {
    Cidr::containing(Ipv4Addr::new(100, 64, 10, 0), 24)
}

/// Returns the valid on-prem prefixes.
pub(super) fn on_prem(reader: &mut Reader<'_>, raw: Option<&RawOnPrem>) -> Vec<At<Cidr>> {
    let Some(list) = raw.and_then(|raw| raw.prefixes.as_ref()) else {
        return Vec::new();
    };
    if list.value().is_empty() {
        let error = ConfigError::new(
            list.span(),
            Message::new("estate-label-lists-nothing"),
            RelationFault::NoOnPrem,
        );
        reader.report(error);
    }
    let mut prefixes = Vec::new();
    for text in list.value() {
        let Some(prefix) = reader.read(text, text::cidr) else {
            continue;
        };
        if prefix.value().overlaps(no_nat_subnet()) {
            let fault = RelationFault::OnPremOverlapsNoNat {
                prefix: *prefix.value(),
                no_nat: no_nat_subnet(),
            };
            reader.report(ConfigError::new(
                prefix.span(),
                Message::new("estate-label-overlaps-it"),
                fault,
            ));
        }
        prefixes.push(prefix);
    }
    prefixes
}

/// The valid parts of a network.
struct Parts {
    name: At<NetworkName>,
    cidr: Option<At<Cidr>>,
    ec2_subnet: Option<At<SubnetId>>,
    primary: Option<At<SiteName>>,
    recovery: Option<At<SiteName>>,
}

pub(super) fn read(
    reader: &mut Reader<'_>,
    table: Option<&At<Named<RawNetwork>>>,
    sites: &Sites,
    on_prem: &[At<Cidr>],
) -> Option<BTreeMap<NetworkName, Network>> {
    let table = table?;
    if table.value().is_empty() {
        none_declared(reader, "networks", table);
    }
    let mut all = Vec::new();
    let mut networks = Vec::new();
    for (name, raw) in in_file_order(table.value()) {
        let raw = raw.value();
        let named = reader.read(name, text::name);
        let site = |text: &str| Ok(SiteName::new(text));
        let parts = Parts {
            name: At::new(name.span(), NetworkName::new(name.value())),
            cidr: reader.required(&raw.cidr, text::cidr),
            ec2_subnet: reader.required(&raw.ec2_subnet, text::aws_id),
            primary: reader.required(&raw.primary, site),
            recovery: reader.required(&raw.recovery, site),
        };
        check_addresses(reader, &parts, on_prem);
        check_sites(reader, &parts, sites);
        networks.push(named.and_then(|_name| {
            Some(Network {
                name: parts.name.value().clone(),
                cidr: *parts.cidr.as_ref()?.value(),
                ec2_subnet: parts.ec2_subnet.as_ref()?.value().clone(),
                primary: parts.primary.as_ref()?.value().clone(),
                recovery: parts.recovery.as_ref().map(|site| site.value().clone()),
            })
        }));
        all.push(parts);
    }
    check_pairs(reader, &all);
    networks
        .into_iter()
        .map(|network| network.map(|network| (network.name.clone(), network)))
        .collect()
}

fn check_addresses(reader: &mut Reader<'_>, network: &Parts, on_prem: &[At<Cidr>]) {
    let Some(at) = &network.cidr else { return };
    let (name, cidr) = (network.name.value().clone(), *at.value());
    if !SIZES.contains(&cidr.len()) {
        let remedy = if cidr.len() < *SIZES.start() {
            Message::new("estate-network-too-large-remedy")
        } else {
            Message::new("estate-network-too-small-remedy")
        };
        let fault = RelationFault::NetworkSize {
            network: name.clone(),
            cidr,
            remedy,
        };
        reader.report(ConfigError::new(
            at.span(),
            Message::new("estate-label-network-size"),
            fault,
        ));
    }
    for prefix in on_prem {
        if cidr.overlaps(*prefix.value()) {
            let fault = RelationFault::NetworkOverlapsOnPrem {
                network: name.clone(),
                cidr,
                prefix: *prefix.value(),
            };
            reader.report(
                ConfigError::new(
                    at.span(),
                    Message::new("estate-label-overlaps-on-prem"),
                    fault,
                )
                .also(prefix.span(), Message::new("estate-label-on-prem-prefix")),
            );
        }
    }
    if cidr.overlaps(no_nat_subnet()) {
        let fault = RelationFault::NetworkOverlapsNoNat {
            network: name,
            cidr,
            no_nat: no_nat_subnet(),
        };
        reader.report(ConfigError::new(
            at.span(),
            Message::new("estate-label-overlaps-it"),
            fault,
        ));
    }
}

fn check_sites(reader: &mut Reader<'_>, network: &Parts, sites: &Sites) {
    let primary = find_site(reader, network.primary.as_ref(), sites);
    if let (Some(at), Some(recovery)) = (&network.primary, &network.recovery)
        && at == recovery
    {
        let fault = RelationFault::RecoveryIsPrimary {
            network: network.name.value().clone(),
            site: recovery.value().clone(),
        };
        reader.report(
            ConfigError::new(
                recovery.span(),
                Message::new("estate-label-same-site"),
                fault,
            )
            .also(at.span(), Message::new("estate-label-primary-site")),
        );
        return;
    }
    let recovery = find_site(reader, network.recovery.as_ref(), sites);
    if let (Some(primary), Some(recovery), Some(at)) = (primary, recovery, &network.recovery)
        && let (Some(primary_tgw), Some(recovery_tgw)) = (&primary.tgw, &recovery.tgw)
        && primary_tgw == recovery_tgw
    {
        let fault = RelationFault::RecoveryOnSameTgw {
            network: network.name.value().clone(),
            primary: primary.name.value().clone(),
            recovery: recovery.name.value().clone(),
            tgw: recovery_tgw.value().clone(),
        };
        reader.report(
            ConfigError::new(
                at.span(),
                Message::new("estate-label-recovery-on-same-tgw"),
                fault,
            )
            .also(
                primary_tgw.span(),
                Message::new("estate-label-tgw-of-primary"),
            )
            .also(
                recovery_tgw.span(),
                Message::new("estate-label-tgw-of-recovery"),
            ),
        );
    }
}

fn find_site<'a>(
    reader: &mut Reader<'_>,
    name: Option<&At<SiteName>>,
    sites: &'a Sites,
) -> Option<&'a SiteLocation> {
    let at = name?;
    let (site, found) = (at.value(), sites.nc2(at.value()));
    if found.is_none() && sites.has_nc2() && reader.is_whole("sites") {
        let known = sites.choices(site);
        let site = site.clone();
        let error = if sites.is_source(&site) {
            let fault = RelationFault::SourceAsTarget { site, known };
            ConfigError::new(
                at.span(),
                Message::new("estate-label-source-as-target"),
                fault,
            )
        } else {
            let fault = RelationFault::UnknownSite { site, known };
            ConfigError::new(at.span(), Message::new("estate-label-unknown-site"), fault)
        };
        reader.report(error);
    }
    found
}

fn check_pairs(reader: &mut Reader<'_>, networks: &[Parts]) {
    for (earlier, later) in pairs(networks) {
        let (other, network) = (earlier.name.value(), later.name.value());
        if let (Some(other_cidr), Some(cidr)) = (&earlier.cidr, &later.cidr)
            && cidr.value().overlaps(*other_cidr.value())
        {
            let fault = RelationFault::NetworksOverlap {
                network: network.clone(),
                cidr: *cidr.value(),
                other: other.clone(),
                other_cidr: *other_cidr.value(),
            };
            reader.report(
                ConfigError::new(
                    cidr.span(),
                    Message::new("estate-label-overlaps").with("other", other),
                    fault,
                )
                .also(
                    other_cidr.span(),
                    Message::new("estate-label-addresses-of").with("other", other),
                ),
            );
        }
        if let (Some(other_subnet), Some(subnet)) = (&earlier.ec2_subnet, &later.ec2_subnet)
            && subnet == other_subnet
        {
            let fault = RelationFault::SubnetUsedTwice {
                network: network.clone(),
                other: other.clone(),
            };
            reader.report(
                ConfigError::new(
                    subnet.span(),
                    Message::new("estate-label-same-subnet"),
                    fault,
                )
                .also(
                    other_subnet.span(),
                    Message::new("estate-label-subnet-of").with("other", other),
                ),
            );
        }
    }
}
