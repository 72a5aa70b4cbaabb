//! Interning the sites and their Prism Centrals.

use std::collections::BTreeSet;

use stayput_estate::Estate;
use stayput_estate::Nc2Site;
use stayput_world::Prism;
use stayput_world::World;
use stayput_world::prism::FlowVpc;

use super::FlowNode;
use super::Nc2Node;
use super::SiteNode;
use super::Topology;
use super::VmNode;
use crate::assumptions;
use crate::index::FlowIx;
use crate::index::SiteIx;

impl Topology {
    pub(super) fn add_sites(&mut self, estate: &Estate, world: &World) {
        let source = self.vpc(&estate.source.vpc);
        self.source_vpc = source;
        let ix = self.sites.push(SiteNode {
            name: estate.source.name.clone(),
            vpc: source,
            nc2: None,
        });
        self.site_ids.insert(estate.source.name.clone(), ix);
        self.claim_vpc(ix);
        for (name, site) in &estate.sites {
            let ix = self.sites.push(SiteNode {
                name: name.clone(),
                vpc: self.vpc(&site.vpc),
                nc2: Some(Nc2Node::default()),
            });
            self.site_ids.insert(name.clone(), ix);
            self.claim_vpc(ix);
            if let Some(prism) = world.prism.get(name) {
                self.add_prism(ix, site, prism, world);
            }
        }
    }

    fn claim_vpc(&mut self, site: SiteIx) {
        if let Some(vpc) = self.sites[site].vpc
            && let Some(node) = self.vpcs.get_mut(vpc)
        {
            node.site = Some(site);
        }
    }

    fn add_prism(&mut self, ix: SiteIx, site: &Nc2Site, prism: &Prism, world: &World) {
        let mut nc2 = Nc2Node {
            observed: true,
            ..Nc2Node::default()
        };
        let mut transit_erps = BTreeSet::new();
        for vpc in prism.vpcs.values() {
            let has_uplink = |wanted_nat: bool| {
                vpc.external_subnets.iter().any(|subnet| {
                    prism
                        .subnets
                        .get(subnet)
                        .is_some_and(|subnet| subnet.external && subnet.nat == wanted_nat)
                })
            };
            let flow = self.flows.push(FlowNode {
                site: ix,
                name: vpc.name.clone(),
                transit: is_transit(site, vpc),
                test: vpc.name == site.test_vpc,
                no_nat: has_uplink(false),
                nat: has_uplink(true),
            });
            nc2.flows.push(flow);
            if is_transit(site, vpc) && nc2.transit.is_none() {
                nc2.transit = Some(flow);
                transit_erps = vpc.erps.clone();
            } else if vpc.name == site.flow_vpc && nc2.user.is_none() {
                nc2.user = Some(flow);
            }
        }
        for (id, vm) in &prism.vms {
            let vm = self.vms.push(VmNode {
                id: id.clone(),
                name: vm.name.clone(),
            });
            self.vm_ids.insert((ix, id.clone()), vm);
        }
        if let Some(aws) = world.aws.get(&site.region) {
            nc2.gateway = assumptions::gateway_interface(aws, &site.vpc, &transit_erps)
                .and_then(|eni| self.eni_ids.get(&eni).copied());
            nc2.erp_tables = assumptions::tables_nc2_writes(aws, &site.vpc, &transit_erps)
                .into_iter()
                .filter_map(|table| self.vpc_table_ids.get(&table).copied())
                .collect();
        }
        if let Some(node) = self.sites.get_mut(ix) {
            node.nc2 = Some(nc2);
        }
    }

    /// The Flow VPCs of a site with the snapshot they came from, in the same order.
    pub(crate) fn flows_of<'a>(
        &self,
        site: SiteIx,
        prism: &'a Prism,
    ) -> Vec<(FlowIx, &'a stayput_estate::FlowVpcExtId, &'a FlowVpc)> {
        let flows = self.sites[site]
            .nc2
            .as_ref()
            .map_or(&[][..], |nc2| nc2.flows.as_slice());
        flows
            .iter()
            .zip(&prism.vpcs)
            .map(|(flow, (id, vpc))| (*flow, id, vpc))
            .collect()
    }
}

/// Names are not unique in Prism; a transit VPC is one that says so *and* has the name (older snapshots may lack the flag
/// on the only VPC of that name, so the name alone is enough for a VPC that is not the user VPC).
fn is_transit(site: &Nc2Site, vpc: &FlowVpc) -> bool {
    vpc.name == site.transit_vpc && (vpc.transit || vpc.name != site.flow_vpc)
}
