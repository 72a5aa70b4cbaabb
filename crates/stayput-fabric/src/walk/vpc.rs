//! VPCs: a subnet's table, local delivery, interfaces, gateways (AWS reference §3).

use stayput_estate::Cidr;

use super::Answerer;
use super::At;
use super::Decision;
use super::Ending;
use super::Sender;
use super::Step;
use super::Walker;
use crate::assumptions;
use crate::holders::Location;
use crate::index::EniIx;
use crate::index::Id;
use crate::index::SubnetIx;
use crate::index::TgwIx;
use crate::index::VpcIx;
use crate::index::VpcTableIx;
use crate::prefix_map::PrefixMap;
use crate::reason::DeadEniCause;
use crate::state;
use crate::state::VpcEntry;
use crate::state::VpcHop;
use crate::topology::AttKind;

impl Walker<'_> {
    pub(super) fn at_vpc(
        &self,
        vpc: VpcIx,
        table: Option<VpcTableIx>,
        subnet: Option<SubnetIx>,
        transit: bool,
    ) -> Step {
        let region = self.topology.vpcs[vpc].region;
        if self.region_is_down(region) {
            return Step::End(Decision::RegionDown, Ending::RegionDown(region));
        }
        let Some(routes) = table.and_then(|table| self.vpc_routes(table)) else {
            return Step::End(Decision::NoTable, Ending::NoRoute);
        };
        let Some((prefix, entry)) = routes.longest(self.to) else {
            return Step::End(Decision::NoMatch, Ending::NoRoute);
        };
        if let Some(own) = subnet.filter(|_| !transit && entry.hop != VpcHop::Local) {
            let own = self.topology.subnets[own].cidr;
            if own.contains(self.to) {
                return Step::End(Decision::OnLink(own), self.in_vpc(vpc));
            }
        }
        if let VpcHop::Eni { eni, .. } = &entry.hop {
            return self.by_eni(prefix, *eni, entry.usable);
        }
        if !entry.usable {
            return Step::End(Decision::VpcRouteDead(prefix), Ending::Blackhole);
        }
        let taken = Decision::VpcRoute(prefix);
        match &entry.hop {
            VpcHop::Local => Step::End(taken, self.in_vpc(vpc)),
            VpcHop::Eni { eni, .. } => self.by_eni(prefix, *eni, true),
            VpcHop::Tgw(id) => match state::tgw_of(self.topology, region, id) {
                Some(tgw) => self.by_tgw(prefix, vpc, subnet, tgw),
                None => Step::End(Decision::NotAttached(prefix), Ending::Blackhole),
            },
            VpcHop::Gateway(id) if assumptions::leaves_private_space(id) => {
                Step::End(taken, Ending::LeavesByNat)
            }
            VpcHop::Peering(_) => self.by_peering(prefix, vpc, transit),
            VpcHop::Gateway(_) | VpcHop::Unknown(_) => Step::End(taken, Ending::Unmodelled),
        }
    }

    pub(crate) fn vpc_routes(&self, table: VpcTableIx) -> Option<&PrefixMap<VpcEntry>> {
        self.state
            .vpc_tables
            .get(table.position())
            .map(|routes| &**routes)
    }

    /// Local delivery in a VPC: to the interface that owns the address.
    pub(super) fn in_vpc(&self, vpc: VpcIx) -> Ending {
        let region = self.topology.vpcs[vpc].region;
        if self.region_is_down(region) {
            return Ending::RegionDown(region);
        }
        let place = self.place_of_vpc(vpc);
        let answers = |location: Location| match location {
            Location::Eni(eni) => self.topology.enis[eni].vpc == vpc,
            Location::Planned(site) => {
                let site = &self.topology.sites[site];
                site.nc2.is_none() && site.vpc == Some(vpc)
            }
            Location::Vm { .. } => false,
        };
        self.delivered(place, answers, Sender::Vpc(vpc))
    }

    /// The holder of the address that is here and answers.
    pub(super) fn delivered(
        &self,
        place: super::PlaceIx,
        is_here: impl Fn(Location) -> bool,
        here: Sender,
    ) -> Ending {
        let holder = self
            .state
            .holders
            .of(self.to)
            .iter()
            .find(|holder| holder.answers && is_here(holder.location));
        match holder {
            Some(holder) => Ending::Delivered(place, Answerer::Location(holder.location)),
            None if self.sender == Some(here) => Ending::Delivered(place, Answerer::Sender),
            None => Ending::NoAnswer(place),
        }
    }

    fn by_eni(&self, prefix: Cidr, eni: Option<EniIx>, usable: bool) -> Step {
        let dead = |cause| Step::End(Decision::DeadEni(prefix, cause), Ending::DeadEni(cause));
        let Some(ix) = eni else {
            return dead(DeadEniCause::Missing);
        };
        let node = &self.topology.enis[ix];
        if !usable || !node.in_use {
            return dead(DeadEniCause::Detached);
        }
        let taken = Decision::VpcRoute(prefix);
        let holders = self.state.holders.of(self.to);
        // Of its own address it is known whether it answers now, of others only whether it ran when observed.
        match holders
            .iter()
            .find(|holder| holder.location == Location::Eni(ix))
        {
            Some(owner) if owner.answers => return Step::End(taken, self.in_vpc(node.vpc)),
            None if node.running => {}
            Some(_) | None => return dead(DeadEniCause::InstanceDown),
        }
        if node.source_dest_check {
            return dead(DeadEniCause::SourceDestCheck);
        }
        match self.topology.vpcs[node.vpc].site {
            Some(site) if self.topology.sites[site].nc2.is_some() => {
                Step::On(taken, At::Transit { site, below: None })
            }
            // An appliance of the VPC: what it does with the packet is not modelled.
            Some(_) | None => Step::End(taken, Ending::Unmodelled),
        }
    }

    fn by_tgw(&self, prefix: Cidr, vpc: VpcIx, subnet: Option<SubnetIx>, tgw: TgwIx) -> Step {
        let attachment = self
            .topology
            .vpc_attachments
            .get(&(tgw, vpc))
            .copied()
            .filter(|attachment| self.state.is_attached(*attachment));
        let Some(attachment) = attachment else {
            return Step::End(Decision::NotAttached(prefix), Ending::Blackhole);
        };
        // Zones are only compared where both sides of the comparison were observed.
        if let AttKind::Vpc { zones, .. } = &self.topology.attachments[attachment].kind
            && let Some(subnet) = subnet
            && !zones.is_empty()
            && !zones.contains(&self.topology.subnets[subnet].zone)
        {
            return Step::End(Decision::ZoneNotAttached(prefix, subnet), Ending::NoRoute);
        }
        Step::On(Decision::VpcRoute(prefix), self.entering(attachment))
    }

    /// A snapshot does not name the far VPC of a peering. It is taken to be the only other VPC that owns the address, as a
    /// peering carries nothing else (see `assumptions`).
    fn by_peering(&self, prefix: Cidr, vpc: VpcIx, transit: bool) -> Step {
        let mut owners = self
            .topology
            .vpcs
            .iter()
            .filter(|(ix, node)| *ix != vpc && node.cidrs.iter().any(|cidr| cidr.contains(self.to)))
            .map(|(ix, _)| ix);
        match (owners.next(), owners.next()) {
            _ if transit => Step::End(Decision::PeeringRefuses(prefix), Ending::NoRoute),
            (None, _) => Step::End(Decision::PeeringRefuses(prefix), Ending::NoRoute),
            (Some(only), None) => Step::On(Decision::VpcRoute(prefix), At::Peer(only)),
            (Some(_), Some(_)) => Step::End(Decision::VpcRoute(prefix), Ending::Unmodelled),
        }
    }
}
