//! What a change names, and what the remote systems would refuse.

use stayput_estate::AttachmentId;
use stayput_estate::Cidr;
use stayput_estate::EdgeKind;
use stayput_estate::EdgeName;
use stayput_estate::Region;
use stayput_estate::RouteTableId;
use stayput_estate::SiteName;
use stayput_estate::TgwRouteTableId;
use stayput_world::aws::VpcRouteTarget;

use crate::change::ErpScope;
use crate::change::Refused;
use crate::fabric::Fabric;
use crate::index::AttIx;
use crate::index::EdgeIx;
use crate::index::FlowIx;
use crate::index::Id;
use crate::index::RegionIx;
use crate::index::SiteIx;
use crate::index::TgwTableIx;
use crate::index::VpcTableIx;

impl Fabric {
    pub(super) fn check_vpc_route(
        &self,
        table: VpcTableIx,
        cidr: Cidr,
        target: Option<&VpcRouteTarget>,
    ) -> Result<(), Refused> {
        let node = &self.topology.vpc_tables[table];
        let vpc = &self.topology.vpcs[node.vpc];
        let is_local = vpc.cidrs.iter().any(|local| local.covers(cidr));
        let whole_subnet = vpc
            .subnets
            .iter()
            .any(|subnet| self.topology.subnets[*subnet].cidr == cidr);
        let fine = match target {
            None => !vpc.cidrs.contains(&cidr),
            Some(VpcRouteTarget::Eni(_)) => {
                !is_local || (whole_subnet && !vpc.cidrs.contains(&cidr))
            }
            // Inside the VPC a NAT gateway or a load balancer's endpoint will do, no other gateway.
            Some(VpcRouteTarget::Gateway(id))
                if id.starts_with("nat-") || id.starts_with("vpce-") =>
            {
                !is_local || (whole_subnet && !vpc.cidrs.contains(&cidr))
            }
            Some(
                VpcRouteTarget::Local
                | VpcRouteTarget::Gateway(_)
                | VpcRouteTarget::Tgw(_)
                | VpcRouteTarget::Peering(_)
                | VpcRouteTarget::Unknown(_),
            ) => !is_local,
        };
        if fine {
            Ok(())
        } else {
            Err(Refused::LocalToVpc {
                cidr,
                table: node.id.clone(),
            })
        }
    }

    pub(super) fn check_announcement(
        &self,
        ix: EdgeIx,
        cidr: Cidr,
        present: bool,
    ) -> Result<(), Refused> {
        let edge = &self.topology.edges[ix];
        match &edge.kind {
            EdgeKind::BgpVpn => Err(Refused::AnnouncesItsTable {
                edge: edge.name.clone(),
            }),
            EdgeKind::StaticVpn { .. } => Ok(()),
            EdgeKind::DirectConnect { gateway } => {
                let same_gateway = self.topology.edges.iter().filter(|(other, node)| {
                    *other != ix
                        && matches!(&node.kind, EdgeKind::DirectConnect { gateway: of } if of == gateway)
                });
                for (other, node) in same_gateway.filter(|_| present) {
                    let taken = self.state.allowed[other.position()]
                        .iter()
                        .map(|(taken, ())| taken)
                        .find(|taken| taken.overlaps(cidr));
                    if let Some(taken) = taken {
                        return Err(Refused::AllowedPrefixOverlap {
                            cidr,
                            other: taken,
                            edge: node.name.clone(),
                        });
                    }
                }
                Ok(())
            }
        }
    }

    pub(crate) fn region(&self, name: &Region) -> Result<RegionIx, Refused> {
        observed(self.topology.region_ids.get(name).copied(), name)
    }

    pub(crate) fn tgw_table(
        &self,
        region: RegionIx,
        id: &TgwRouteTableId,
    ) -> Result<TgwTableIx, Refused> {
        let ix = self.topology.tgw_table_ids.get(&(region, id.clone()));
        observed(ix.copied(), id)
    }

    pub(crate) fn vpc_table(&self, id: &RouteTableId) -> Result<VpcTableIx, Refused> {
        observed(self.topology.vpc_table_ids.get(id).copied(), id)
    }

    pub(super) fn attachment(&self, region: RegionIx, id: &AttachmentId) -> Result<AttIx, Refused> {
        let ix = self.topology.attachment_ids.get(&(region, id.clone()));
        observed(ix.copied(), id)
    }

    pub(crate) fn edge(&self, name: &EdgeName) -> Result<EdgeIx, Refused> {
        observed(self.topology.edge_ids.get(name).copied(), name)
    }

    pub(crate) fn known_site(&self, name: &SiteName) -> Result<SiteIx, Refused> {
        observed(self.site(name), name)
    }

    pub(crate) fn flow_of(&self, site: &SiteName, scope: ErpScope) -> Result<FlowIx, Refused> {
        let nc2 = self.topology.sites[self.known_site(site)?].nc2.as_ref();
        nc2.and_then(|nc2| match scope {
            ErpScope::UserVpc => nc2.user,
            ErpScope::TransitVpc => nc2.transit,
        })
        .ok_or_else(|| Refused::NoFlowVpc {
            site: site.clone(),
            scope,
        })
    }
}

fn observed<T>(found: Option<T>, what: impl std::fmt::Display) -> Result<T, Refused> {
    found.ok_or_else(|| Refused::NotObserved {
        what: what.to_string(),
    })
}
