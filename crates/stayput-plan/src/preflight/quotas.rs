//! What AWS allows (AWS reference §1.5, §3 item 6).

use std::collections::BTreeSet;

use stayput_world::aws::RouteDestination;
use stayput_world::aws::VpcRouteTarget;

use super::Look;
use crate::Finding;

/// Routes over all tables of a Transit Gateway.
const TGW_ROUTES: usize = 10_000;
/// Routes of a VPC route table, by default.
const VPC_ROUTES: usize = 50;

impl Look<'_> {
    pub(super) fn quotas(&self, found: &mut BTreeSet<Finding>) {
        let estate = self.survey.estate;
        let sites = estate.sites.values().map(|site| (&site.region, &site.tgw));
        let tgws: BTreeSet<_> = sites
            .chain([(&estate.source.region, &estate.source.tgw)])
            .collect();
        for (region, tgw) in tgws {
            let routes = self.end.routes_of_tgw(region, tgw);
            if routes > TGW_ROUTES && routes > self.now.routes_of_tgw(region, tgw) {
                found.insert(Finding::TooManyRoutes {
                    region: region.clone(),
                    tgw: tgw.clone(),
                    routes,
                    allowed: TGW_ROUTES,
                });
            }
        }
        self.vpc_tables(found);
    }

    /// The main tables of the homes' VPCs, with what NC2 will write.
    fn vpc_tables(&self, found: &mut BTreeSet<Finding>) {
        for (_, site) in &self.homes {
            let Some(aws) = self.survey.world.aws.get(&site.region) else {
                continue;
            };
            let tables = aws.route_tables.iter();
            for (id, table) in tables.filter(|(_, table)| table.vpc == site.vpc && table.main) {
                let own = table
                    .routes
                    .iter()
                    .filter(|route| !route.propagated && route.target != VpcRouteTarget::Local);
                let coming = self.homes.iter().filter(|(network, home)| {
                    let destination = RouteDestination::Cidr(network.cidr);
                    home.name == site.name
                        && !table
                            .routes
                            .iter()
                            .any(|route| route.destination == destination)
                });
                let (coming, routes) = (coming.count(), own.count());
                if coming > 0 && routes + coming > VPC_ROUTES {
                    found.insert(Finding::FullVpcTable {
                        site: site.name.clone(),
                        table: id.clone(),
                        routes: routes + coming,
                        allowed: VPC_ROUTES,
                    });
                }
            }
        }
    }
}
