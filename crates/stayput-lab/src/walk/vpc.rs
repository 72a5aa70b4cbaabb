//! A VPC: the table of the subnet that a packet is in decides (AWS reference §3).

use std::net::Ipv4Addr;

use super::At;
use super::End;
use super::SiteKind;
use super::Walker;
use super::nc2::cluster_in;
use crate::aws::model::Eni;
use crate::aws::model::RegionState;
use crate::aws::model::RouteTarget;
use crate::aws::model::Subnet;
use crate::aws::routing;
use crate::aws::routing::is_up;

fn has(eni: &Eni, address: Ipv4Addr) -> bool {
    eni.primary == address || eni.secondary.contains(&address)
}

/// A route of a VPC table; `local` is one of them.
enum Target<'a> {
    Local,
    Written(&'a RouteTarget),
}

impl Walker<'_> {
    /// The first decision of a host: its own subnet is on-link, independent of the tables.
    pub(super) fn host_sends(&mut self, region: String, subnet: String) -> Result<At, End> {
        self.check_up(&region)?;
        let on_link = self
            .lab
            .aws
            .regions
            .get(&region)
            .and_then(|state| state.subnets.get(&subnet).map(|found| (state, found)))
            .filter(|(_, found)| found.cidr.contains(self.to));
        match on_link {
            Some((state, found)) => {
                self.hop(format!("{subnet}: {} is on-link", found.cidr));
                Err(self.deliver_in_vpc(&region, state, &found.vpc))
            }
            None => Ok(At::Subnet {
                region,
                subnet,
                starts: true,
            }),
        }
    }

    pub(super) fn subnet(&mut self, region_name: &str, id: &str, starts: bool) -> Result<At, End> {
        let to = self.to;
        self.check_up(region_name)?;
        let Some(region) = self.lab.aws.regions.get(region_name) else {
            return Err(End::NoRoute);
        };
        let found = region.subnets.get(id);
        let table = routing::subnet_table(region, id).and_then(|id| {
            let table = region.route_tables.get(id)?;
            Some((id, table))
        });
        let (Some(subnet), Some((table_id, table))) = (found, table) else {
            self.hop(format!("{id}: no route table"));
            return Err(End::NoRoute);
        };
        let local = region
            .vpcs
            .get(&subnet.vpc)
            .into_iter()
            .flat_map(|vpc| &vpc.cidrs)
            .map(|cidr| (*cidr, Target::Local));
        let written = routing::vpc_routes(region, table)
            .map(|(cidr, target)| (cidr, Target::Written(target)));
        let Some((prefix, target)) = routing::longest_match(written.chain(local), to) else {
            self.hop(format!("{id} {table_id}: no route to {to}"));
            return Err(End::NoRoute);
        };
        match target {
            Target::Local => {
                self.hop(format!("{id} {table_id}: {prefix} → local"));
                Err(self.deliver_in_vpc(region_name, region, &subnet.vpc))
            }
            Target::Written(target) => {
                self.hop(format!("{id} {table_id}: {prefix} → {}", target_id(target)));
                self.follow(region_name, region, subnet, target, starts)
            }
        }
    }

    fn follow(
        &mut self,
        region_name: &str,
        region: &RegionState,
        subnet: &Subnet,
        target: &RouteTarget,
        starts: bool,
    ) -> Result<At, End> {
        match target {
            RouteTarget::Tgw(tgw) => self.enter_tgw(region_name, region, subnet, tgw),
            RouteTarget::Eni(eni) => self.enter_interface(region_name, region, subnet, eni),
            RouteTarget::Nat(_) | RouteTarget::Igw(_) => Err(End::NatLost),
            RouteTarget::Pcx(_) if starts => Err(self.over_peering(&subnet.vpc)),
            RouteTarget::Pcx(_) => {
                self.hop("a VPC peering carries only packets that start in its VPCs".to_owned());
                Err(End::NoRoute)
            }
        }
    }

    /// A VPC peering carries only packets that start in one of its VPCs and end in the other's CIDR (AWS reference §3.3). The lab
    /// has no peering connections: the other VPC is the one that owns the address, if there is exactly one.
    fn over_peering(&mut self, from: &str) -> End {
        let to = self.to;
        let lab = self.lab;
        let mut owners = lab.aws.regions.iter().flat_map(|(name, region)| {
            region
                .vpcs
                .iter()
                .filter(|(id, vpc)| {
                    id.as_str() != from && vpc.cidrs.iter().any(|cidr| cidr.contains(to))
                })
                .map(move |(id, _)| (name, region, id))
        });
        match (owners.next(), owners.next()) {
            (Some((region_name, region, vpc)), None) => {
                self.hop(format!("over the VPC peering into {vpc}"));
                match self.check_up(region_name) {
                    Ok(()) => self.deliver_in_vpc(region_name, region, vpc),
                    Err(end) => end,
                }
            }
            (None, _) | (Some(_), Some(_)) => {
                self.hop("a VPC peering does not carry this address".to_owned());
                End::NoRoute
            }
        }
    }

    fn enter_tgw(
        &mut self,
        region_name: &str,
        region: &RegionState,
        subnet: &Subnet,
        tgw: &str,
    ) -> Result<At, End> {
        let Some((ingress, subnets)) = routing::vpc_attachment(region, &subnet.vpc, tgw) else {
            self.hop(format!("{}: not attached to {tgw}", subnet.vpc));
            return Err(End::Blackhole);
        };
        // A zone without an attachment subnet does not reach the Transit Gateway (AWS reference §1.1).
        let reachable = subnets
            .iter()
            .filter_map(|id| region.subnets.get(id))
            .any(|attached| attached.az == subnet.az);
        if !reachable {
            self.hop(format!("{ingress}: no subnet in zone {}", subnet.az));
            return Err(End::NoRoute);
        }
        Ok(At::Tgw {
            region: region_name.to_owned(),
            tgw: tgw.to_owned(),
            ingress: ingress.to_owned(),
        })
    }

    fn enter_interface(
        &mut self,
        region_name: &str,
        region: &RegionState,
        subnet: &Subnet,
        id: &str,
    ) -> Result<At, End> {
        let eni = region
            .enis
            .get(id)
            .filter(|eni| eni.vpc == subnet.vpc && is_up(region, eni));
        let Some(eni) = eni else {
            self.hop(format!("{id}: deleted, or its machine is off"));
            return Err(End::DeadEni);
        };
        if has(eni, self.to) {
            return Err(delivered(region_name, id, eni));
        }
        if eni.source_dest_check {
            self.hop(format!("{id}: source/destination check drops the packet"));
            return Err(End::DeadEni);
        }
        match cluster_in(self.lab, region_name, &eni.vpc) {
            Some(pc) if self.lab.pcs.get(pc).is_some_and(|site| site.down) => {
                self.hop(format!("{id}: the cluster is down"));
                Err(End::DeadEni)
            }
            Some(pc) => {
                self.hop(format!("{id}: the cluster's gateway"));
                Ok(At::TransitVpc { pc })
            }
            None => {
                self.hop(format!("{id}: the lab does not model what it forwards"));
                Err(End::NoMachine)
            }
        }
    }

    /// Delivers to the interface in the VPC that has the address, if there is one.
    fn deliver_in_vpc(&mut self, region_name: &str, region: &RegionState, vpc: &str) -> End {
        let to = self.to;
        let found = region
            .enis
            .iter()
            .filter(|(_, eni)| eni.vpc == vpc && has(eni, to))
            // Prefers one that runs.
            .max_by_key(|(_, eni)| is_up(region, eni));
        match found {
            Some((id, eni)) if is_up(region, eni) => delivered(region_name, id, eni),
            Some((id, _)) => {
                self.hop(format!("{id}: its machine is off"));
                End::NoMachine
            }
            None => {
                self.hop(format!("{vpc}: no interface has {to}"));
                End::NoMachine
            }
        }
    }
}

fn delivered(region_name: &str, id: &str, eni: &Eni) -> End {
    End::Delivered {
        site: SiteKind::Ec2,
        holder: eni
            .instance
            .as_ref()
            .map_or_else(|| id.to_owned(), |(instance, _)| instance.clone()),
        region: Some(region_name.to_owned()),
    }
}

fn target_id(target: &RouteTarget) -> &str {
    match target {
        RouteTarget::Tgw(id)
        | RouteTarget::Eni(id)
        | RouteTarget::Nat(id)
        | RouteTarget::Igw(id)
        | RouteTarget::Pcx(id) => id,
    }
}
