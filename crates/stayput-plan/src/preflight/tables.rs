//! Routes that exist and cause harm: aggregates, summaries, overlaps, peerings without a route table, prefixes held elsewhere.

use std::collections::BTreeSet;

use stayput_estate::Cidr;
use stayput_estate::EdgeKind;
use stayput_estate::Nc2Site;
use stayput_estate::Network;
use stayput_estate::SiteName;
use stayput_estate::SubnetId;
use stayput_world::AwsRegion;
use stayput_world::aws::AttachmentKind;
use stayput_world::aws::TgwTarget;

use super::Look;
use crate::EntryPath;
use crate::Finding;
use crate::Goal;
use crate::routes::is_forwarding;
use crate::routes::leads_to;

impl Look<'_> {
    pub(super) fn tables(&self, found: &mut BTreeSet<Finding>) {
        for (network, site) in &self.homes {
            self.peerings(site, found);
            self.overlaps(network, found);
            self.held_by_direct_connect(network, site, found);
        }
        self.summaries(found);
    }

    /// Routes from a Transit Gateway to an NC2 VPC that are wider than a network and take others along.
    fn summaries(&self, found: &mut BTreeSet<Finding>) {
        let estate = self.survey.estate;
        for (region, aws) in &self.survey.world.aws {
            for (id, table) in &aws.tgw_route_tables {
                for (prefix, target) in &table.static_routes {
                    let TgwTarget::Attachment(attachment) = target else {
                        continue;
                    };
                    let Some(site) = self.nc2_behind(aws, attachment) else {
                        continue;
                    };
                    let mut networks = estate.networks.values();
                    if networks.any(|network| network.cidr == *prefix) {
                        continue;
                    }
                    let mut captured = self.living_elsewhere(site, *prefix);
                    captured.retain(|cidr| leads_to(aws, table, *cidr, attachment));
                    if !captured.is_empty() {
                        found.insert(Finding::WideSummary {
                            region: region.clone(),
                            table: id.clone(),
                            name: table.name.clone(),
                            prefix: *prefix,
                            site: site.clone(),
                            captured,
                        });
                    }
                }
            }
        }
    }

    fn nc2_behind(
        &self,
        aws: &AwsRegion,
        attachment: &stayput_estate::AttachmentId,
    ) -> Option<&SiteName> {
        let AttachmentKind::Vpc { vpc, .. } = &aws.attachments.get(attachment)?.kind else {
            return None;
        };
        let mut sites = self.survey.estate.sites.values();
        sites.find(|site| site.vpc == *vpc).map(|site| &site.name)
    }

    /// Networks, and subnets of the source VPC that are none, inside a prefix, that are not served at a site when the plan is done.
    fn living_elsewhere(&self, site: &SiteName, prefix: Cidr) -> BTreeSet<Cidr> {
        let estate = self.survey.estate;
        let inside = |cidr: &Cidr| prefix.covers(*cidr) && prefix != *cidr;
        let networks = estate.networks.values();
        let elsewhere = networks
            .filter(|network| inside(&network.cidr) && self.answers_elsewhere(network, site));
        let mut found: BTreeSet<Cidr> = elsewhere.map(|network| network.cidr).collect();
        if let Some(source) = self.survey.world.aws.get(&estate.source.region) {
            let subnets = source.subnets.iter();
            let staying = subnets.filter(|(id, subnet)| {
                subnet.vpc == estate.source.vpc
                    && inside(&subnet.cidr)
                    && self.is_inhabited(source, id)
                    && !estate
                        .networks
                        .values()
                        .any(|network| network.cidr.overlaps(subnet.cidr))
            });
            found.extend(staying.map(|(_, subnet)| subnet.cidr));
        }
        found
    }

    /// Whether, when the plan is done, a machine answers for an address of the network, and not at this site: only then is there something to
    /// take.
    fn answers_elsewhere(&self, network: &Network, site: &SiteName) -> bool {
        let addresses = self.end.addresses_of_interest();
        let mut inside = addresses
            .iter()
            .filter(|address| network.cidr.contains(**address));
        inside.any(|address| {
            let at = self.end.served_at(*address);
            !at.is_empty() && !at.contains(site)
        })
    }

    /// Peerings of the home's Transit Gateway that are associated with no route table on its side, with the networks that on-prem does not reach for it.
    fn peerings(&self, site: &Nc2Site, found: &mut BTreeSet<Finding>) {
        let Some(aws) = self.survey.world.aws.get(&site.region) else {
            return;
        };
        for (id, attachment) in &aws.attachments {
            let is_peering = matches!(attachment.kind, AttachmentKind::Peering { .. });
            if is_peering
                && attachment.tgw == site.tgw
                && is_forwarding(attachment)
                && attachment.association.is_none()
            {
                found.insert(Finding::PeeringNotAssociated {
                    region: site.region.clone(),
                    tgw: site.tgw.clone(),
                    attachment: id.clone(),
                    cut_off: self.dropped_at(site),
                });
            }
        }
    }

    fn is_inhabited(&self, source: &AwsRegion, subnet: &SubnetId) -> bool {
        let mut enis = source.enis.values();
        enis.any(|eni| eni.subnet == *subnet && eni.attached_to.is_some())
    }

    /// VPCs on the estate's Transit Gateways that have the network's addresses as their own; the source VPC is meant to.
    fn overlaps(&self, network: &Network, found: &mut BTreeSet<Finding>) {
        let estate = self.survey.estate;
        for aws in self.survey.world.aws.values() {
            let attached =
                aws.attachments
                    .values()
                    .filter_map(|attachment| match &attachment.kind {
                        AttachmentKind::Vpc { vpc, .. } if is_forwarding(attachment) => Some(vpc),
                        _ => None,
                    });
            let sites = estate.sites.values().map(|site| &site.vpc);
            let vpcs: BTreeSet<_> = attached.chain(sites).collect();
            for vpc in vpcs.into_iter().filter(|vpc| **vpc != estate.source.vpc) {
                let cidrs = aws.vpcs.get(vpc).into_iter().flat_map(|vpc| &vpc.cidrs);
                for cidr in cidrs.filter(|cidr| cidr.overlaps(network.cidr)) {
                    let site = estate.sites.values().find(|site| site.vpc == *vpc);
                    found.insert(Finding::OverlappingCidr {
                        network: network.name.clone(),
                        vpc: vpc.clone(),
                        cidr: *cidr,
                        site: site.map(|site| site.name.clone()),
                    });
                }
            }
        }
    }

    /// Path B needs an announcement at the home; a Direct Connect gateway shared with another Transit Gateway that holds the prefix refuses it.
    fn held_by_direct_connect(
        &self,
        network: &Network,
        site: &Nc2Site,
        found: &mut BTreeSet<Finding>,
    ) {
        let by_path_b = matches!(
            self.goal,
            Goal::Failover {
                path: EntryPath::B,
                ..
            }
        );
        let edges = self.survey.estate.edges.values();
        for edge in edges.filter(|edge| by_path_b && edge.tgw == site.tgw) {
            let EdgeKind::DirectConnect { gateway } = &edge.kind else {
                continue;
            };
            let regions = self.survey.world.aws.values();
            for association in regions.flat_map(|aws| &aws.dx_associations) {
                if association.gateway != *gateway || association.tgw == site.tgw {
                    continue;
                }
                let held = association.allowed_prefixes.iter();
                for prefix in held.filter(|prefix| prefix.overlaps(network.cidr)) {
                    found.insert(Finding::DxOverlap {
                        network: network.name.clone(),
                        gateway: gateway.clone(),
                        site: site.name.clone(),
                        held_by: association.tgw.clone(),
                        prefix: *prefix,
                    });
                }
            }
        }
    }
}
