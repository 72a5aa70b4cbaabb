//! Interning one AWS region.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::Region;
use stayput_estate::TgwId;
use stayput_world::AwsRegion;
use stayput_world::aws::AttachmentKind;
use stayput_world::aws::AttachmentState;
use stayput_world::aws::Eni;
use stayput_world::aws::InstanceState;
use stayput_world::aws::TgwAttachment;

use super::AttKind;
use super::AttNode;
use super::EniNode;
use super::SubnetNode;
use super::TgwNode;
use super::TgwTableNode;
use super::Topology;
use super::VpcNode;
use super::VpcTableNode;
use crate::index::RegionIx;
use crate::index::TgwIx;
use crate::index::VpcIx;
use crate::listed;

impl Topology {
    pub(super) fn add_region(&mut self, name: &Region, aws: &AwsRegion) {
        let region = self.regions.push(name.clone());
        self.region_ids.insert(name.clone(), region);
        for id in aws.prefix_lists.keys() {
            let lists = &mut self.lists;
            let new = || lists.push(id.clone());
            self.list_ids.entry(id.clone()).or_insert_with(new);
        }
        self.add_vpcs(region, aws);
        self.add_enis(aws);
        self.add_tgw_tables(region, aws);
        // In order of their ids, which makes the order of indices the order of ids: see `assumptions` on which is earlier.
        for (id, attachment) in &aws.attachments {
            let association = attachment.association.as_ref().or_else(|| {
                aws.tgw_route_tables
                    .iter()
                    .find(|(_, table)| {
                        table.tgw == attachment.tgw && table.associations.contains(id)
                    })
                    .map(|(table, _)| table)
            });
            let node = AttNode {
                id: id.clone(),
                tgw: self.tgw(region, &attachment.tgw),
                kind: self.attachment_kind(attachment, aws),
                forwards: match attachment.state {
                    AttachmentState::Available | AttachmentState::Modifying => true,
                    AttachmentState::PendingAcceptance | AttachmentState::Other(_) => false,
                },
                association: association
                    .and_then(|table| self.tgw_table_ids.get(&(region, table.clone())).copied()),
                edge: None,
            };
            let vpc = match &node.kind {
                AttKind::Vpc { vpc: Some(vpc), .. } => Some((node.tgw, *vpc, node.forwards)),
                AttKind::Vpc { vpc: None, .. }
                | AttKind::Vpn { .. }
                | AttKind::DirectConnect { .. }
                | AttKind::Peering { .. }
                | AttKind::Unknown { .. } => None,
            };
            let ix = self.attachments.push(node);
            self.attachment_ids.insert((region, id.clone()), ix);
            if let Some((tgw, vpc, forwards)) = vpc {
                // A failed attachment may still be listed beside the one that works.
                if forwards || !self.vpc_attachments.contains_key(&(tgw, vpc)) {
                    self.vpc_attachments.insert((tgw, vpc), ix);
                }
            }
        }
    }

    fn add_vpcs(&mut self, region: RegionIx, aws: &AwsRegion) {
        for (id, vpc) in &aws.vpcs {
            let ix = self.vpcs.push(VpcNode {
                id: id.clone(),
                region,
                cidrs: vpc.cidrs.clone(),
                main: None,
                site: None,
                subnets: Vec::new(),
            });
            self.vpc_ids.insert(id.clone(), ix);
        }
        let mut explicit = BTreeMap::new();
        for (id, table) in &aws.route_tables {
            let Some(vpc) = self.vpc_ids.get(&table.vpc).copied() else {
                continue;
            };
            let ix = self.vpc_tables.push(VpcTableNode {
                id: id.clone(),
                vpc,
                unknown_lists: listed::unknown_in_vpc_table(aws, table),
            });
            self.vpc_table_ids.insert(id.clone(), ix);
            for subnet in &table.subnets {
                explicit.insert(subnet, ix);
            }
            if table.main
                && let Some(vpc) = self.vpcs.get_mut(vpc)
            {
                vpc.main = Some(ix);
            }
        }
        for (id, subnet) in &aws.subnets {
            let Some(vpc) = self.vpc_ids.get(&subnet.vpc).copied() else {
                continue;
            };
            let ix = self.subnets.push(SubnetNode {
                id: id.clone(),
                vpc,
                cidr: subnet.cidr,
                zone: subnet.availability_zone.clone(),
                table: explicit.get(id).copied().or(self.vpcs[vpc].main),
                instance_enis: Vec::new(),
            });
            self.subnet_ids.insert(id.clone(), ix);
            if let Some(vpc) = self.vpcs.get_mut(vpc) {
                vpc.subnets.push(ix);
            }
        }
    }

    fn add_enis(&mut self, aws: &AwsRegion) {
        for (id, eni) in &aws.enis {
            // Without an IPv4 address it neither sends, answers nor forwards anything that is modelled.
            let (Some(vpc), Some(primary)) = (self.vpc_ids.get(&eni.vpc).copied(), eni.primary)
            else {
                continue;
            };
            let subnet = self.subnet_ids.get(&eni.subnet).copied();
            let instance = eni.attached_to.as_ref().map(|(instance, _)| {
                let name = aws
                    .instances
                    .get(instance)
                    .and_then(|instance| instance.name())
                    .map(str::to_owned);
                (instance.clone(), name)
            });
            let of_instance = instance.is_some();
            let ix = self.enis.push(EniNode {
                id: id.clone(),
                vpc,
                subnet,
                kind: eni.interface_type.clone(),
                primary,
                in_use: eni.in_use,
                source_dest_check: eni.source_dest_check,
                instance,
                running: runs(aws, eni),
            });
            self.eni_ids.insert(id.clone(), ix);
            if of_instance && let Some(node) = subnet.and_then(|ix| self.subnets.get_mut(ix)) {
                node.instance_enis.push(ix);
            }
        }
    }

    fn add_tgw_tables(&mut self, region: RegionIx, aws: &AwsRegion) {
        for (id, table) in &aws.tgw_route_tables {
            let tgw = self.tgw(region, &table.tgw);
            let ix = self.tgw_tables.push(TgwTableNode {
                id: id.clone(),
                tgw,
                unknown_lists: listed::unknown_in_tgw_table(aws, table),
            });
            self.tgw_table_ids.insert((region, id.clone()), ix);
        }
    }

    fn tgw(&mut self, region: RegionIx, id: &TgwId) -> TgwIx {
        let tgws = &mut self.tgws;
        *self.tgw_ids.entry((region, id.clone())).or_insert_with(|| {
            tgws.push(TgwNode {
                id: id.clone(),
                region,
            })
        })
    }

    fn attachment_kind(&self, attachment: &TgwAttachment, aws: &AwsRegion) -> AttKind {
        match &attachment.kind {
            AttachmentKind::Vpc { vpc: id, subnets } => {
                let known: Vec<_> = subnets
                    .iter()
                    .filter_map(|subnet| self.subnet_ids.get(subnet).copied())
                    .collect();
                // One entry per table: two subnets of one table route alike.
                let entries: BTreeMap<_, _> = known
                    .iter()
                    .rev()
                    .map(|subnet| (self.subnets[*subnet].table, *subnet))
                    .collect();
                let zones: BTreeSet<_> = known
                    .iter()
                    .map(|subnet| self.subnets[*subnet].zone.clone())
                    .collect();
                AttKind::Vpc {
                    id: id.clone(),
                    vpc: self.vpc_ids.get(id).copied(),
                    entries: entries.into_values().collect(),
                    zones: zones.into_iter().collect(),
                }
            }
            AttachmentKind::Vpn(id) => AttKind::Vpn {
                id: id.clone(),
                static_routes_only: aws.vpns.get(id).is_some_and(|vpn| vpn.static_routes_only),
                private: aws.vpns.get(id).is_some_and(|vpn| vpn.private),
            },
            AttachmentKind::DirectConnect(gateway) => AttKind::DirectConnect {
                gateway: gateway.clone(),
            },
            AttachmentKind::Peering { region, tgw } => AttKind::Peering {
                region: region.clone(),
                tgw: tgw.clone(),
                far: None,
            },
            AttachmentKind::Unknown {
                resource_type,
                resource_id,
            } => AttKind::Unknown {
                resource_type: resource_type.clone(),
                resource_id: resource_id.clone(),
            },
        }
    }

    /// Finds the far side of each peering: the same attachment id on the named Transit Gateway (AWS reference §1.4).
    pub(super) fn join_peerings(&mut self) {
        let mut pairs = Vec::new();
        for (near, node) in self.attachments.iter() {
            if let AttKind::Peering { region, tgw, .. } = &node.kind
                && let Some(region) = self.region_ids.get(region)
                && let Some(far) = self.attachment_ids.get(&(*region, node.id.clone()))
                && self.tgws[self.attachments[*far].tgw].id == *tgw
            {
                pairs.push((near, *far));
            }
        }
        for (near, other) in pairs {
            if let Some(node) = self.attachments.get_mut(near)
                && let AttKind::Peering { far, .. } = &mut node.kind
            {
                *far = Some(other);
            }
        }
    }

    /// The VPC an interface is in, for the sites that only know a name.
    pub(super) fn vpc(&self, id: &stayput_estate::VpcId) -> Option<VpcIx> {
        self.vpc_ids.get(id).copied()
    }
}

/// Whether what an interface is attached to runs. An instance that was not observed counts as running.
fn runs(aws: &AwsRegion, eni: &Eni) -> bool {
    eni.attached_to
        .as_ref()
        .and_then(|(instance, _)| aws.instances.get(instance))
        .is_none_or(|instance| match instance.state {
            InstanceState::Running => true,
            InstanceState::Pending
            | InstanceState::Stopping
            | InstanceState::Stopped
            | InstanceState::ShuttingDown
            | InstanceState::Terminated
            | InstanceState::Unknown(_) => false,
        })
}
