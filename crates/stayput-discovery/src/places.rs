//! Which VPCs are which: those of NC2 clusters, and those that machines could leave.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_estate::TgwId;
use stayput_estate::VpcId;
use stayput_world::AwsRegion;
use stayput_world::aws::AttachmentKind;
use stayput_world::aws::Instance;

use crate::names;

/// A VPC with bare-metal hosts, which is taken for that of an NC2 cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nc2Vpc {
    /// The name of the site: the city of its region.
    pub name: SiteName,
    /// Its region.
    pub region: Region,
    /// The VPC.
    pub vpc: VpcId,
    /// The Transit Gateway that it is attached to; `None` if there is none, or more than one.
    pub tgw: Option<TgwId>,
}

/// A VPC with machines that are no bare-metal hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceVpc {
    /// Its region.
    pub region: Region,
    /// The VPC.
    pub vpc: VpcId,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The Transit Gateway that it is attached to; `None` if there is none, or more than one.
    pub tgw: Option<TgwId>,
    /// How many machines are in it.
    pub machines: usize,
}

/// The VPCs of NC2 clusters, in the order of their regions: those in which at least half of the instances are bare-metal hosts. The VPC that
/// machines leave is none of them.
pub fn nc2_vpcs(aws: &BTreeMap<Region, AwsRegion>, source: Option<&VpcId>) -> Vec<Nc2Vpc> {
    let mut taken = BTreeSet::new();
    let mut found = Vec::new();
    for (region, seen) in aws {
        let mut vpcs: BTreeMap<&VpcId, (usize, usize)> = BTreeMap::new();
        for instance in seen.instances.values() {
            if let Some(vpc) = instance.vpc.as_ref() {
                let (hosts, all) = vpcs.entry(vpc).or_default();
                *hosts += usize::from(is_host(instance));
                *all += 1;
            }
        }
        vpcs.retain(|vpc, (hosts, all)| *hosts * 2 >= *all && Some(*vpc) != source);
        for vpc in vpcs.into_keys() {
            let name = names::unique(&mut taken, names::city(region));
            found.push(Nc2Vpc {
                name: SiteName::new(name),
                region: region.clone(),
                vpc: vpc.clone(),
                tgw: tgw_of(seen, vpc),
            });
        }
    }
    found
}

/// The VPCs that machines could leave, those with most machines first. A VPC of an NC2 cluster is none of them, unless it is named as `source`.
pub fn sources(aws: &BTreeMap<Region, AwsRegion>, source: Option<&VpcId>) -> Vec<SourceVpc> {
    let nc2 = nc2_vpcs(aws, source).into_iter();
    let nc2: BTreeSet<VpcId> = nc2.map(|site| site.vpc).collect();
    let mut found = Vec::new();
    for (region, seen) in aws {
        let mut machines: BTreeMap<&VpcId, usize> = BTreeMap::new();
        for vpc in seen.instances.values().filter_map(|it| it.vpc.as_ref()) {
            *machines.entry(vpc).or_default() += 1;
        }
        machines.retain(|vpc, _| !nc2.contains(*vpc));
        found.extend(machines.into_iter().map(|(vpc, machines)| {
            SourceVpc {
                region: region.clone(),
                vpc: vpc.clone(),
                name: seen
                    .vpcs
                    .get(vpc)
                    .and_then(|vpc| vpc.tags.get("Name").cloned()),
                tgw: tgw_of(seen, vpc),
                machines,
            }
        }));
    }
    found.sort_by(|a, b| b.machines.cmp(&a.machines).then_with(|| a.vpc.cmp(&b.vpc)));
    found
}

/// Whether an instance is a host of a cluster: NC2 runs on bare metal only (AWS reference §4.1).
fn is_host(instance: &Instance) -> bool {
    let size = instance.instance_type.split_once('.');
    size.is_some_and(|(_, size)| size.starts_with("metal"))
        && !instance.architecture.ends_with("_mac")
}

/// The only Transit Gateway that a VPC is attached to.
fn tgw_of(seen: &AwsRegion, vpc: &VpcId) -> Option<TgwId> {
    let attachments = seen.attachments.values();
    let tgws: BTreeSet<&TgwId> = attachments
        .filter(|attachment| {
            matches!(&attachment.kind, AttachmentKind::Vpc { vpc: of, .. } if of == vpc)
        })
        .map(|attachment| &attachment.tgw)
        .collect();
    let mut tgws = tgws.into_iter();
    match (tgws.next(), tgws.next()) {
        (Some(tgw), None) => Some(tgw.clone()),
        _ => None,
    }
}
