//! The overlay: transit VPC, user VPCs, segments (AWS reference §4).

use stayput_estate::Cidr;

use super::At;
use super::Decision;
use super::Ending;
use super::PlaceIx;
use super::Sender;
use super::Step;
use super::Walker;
use crate::holders::Location;
use crate::index::FlowIx;
use crate::index::Id;
use crate::index::SiteIx;
use crate::reason::DeadEniCause;
use crate::state::Flow;

impl Walker<'_> {
    fn flow(&self, flow: FlowIx) -> Option<&Flow> {
        self.state.flows.get(flow.position())
    }

    /// The transit VPC: down to a user VPC by externally routable prefixes of both, else, for what came up, out into the AWS VPC.
    pub(super) fn at_transit(&self, site: SiteIx, below: Option<FlowIx>) -> Step {
        let Some(nc2) = &self.topology.sites[site].nc2 else {
            return Step::End(Decision::NotObserved, Ending::Unmodelled);
        };
        if let Some(vpc) = self.topology.sites[site].vpc {
            let region = self.topology.vpcs[vpc].region;
            if self.region_is_down(region) {
                return Step::End(Decision::RegionDown, Ending::RegionDown(region));
            }
        }
        if !nc2.observed {
            return Step::End(Decision::NotObserved, Ending::Unmodelled);
        }
        let prefix = nc2
            .transit
            .and_then(|transit| self.flow(transit))
            .and_then(|transit| transit.erps.longest(self.to))
            .map(|(prefix, ())| prefix);
        let user = nc2
            .flows
            .iter()
            .copied()
            .filter(|flow| {
                let node = &self.topology.flows[*flow];
                !node.transit && node.no_nat
            })
            .filter_map(|flow| {
                let (prefix, ()) = self.flow(flow)?.erps.longest(self.to)?;
                Some((flow, prefix))
            })
            // Prism lets no two user VPCs have overlapping prefixes; should they, the longest and first decides.
            .min_by_key(|(_, prefix)| std::cmp::Reverse(prefix.len()))
            .map(|(flow, _)| flow);
        match (prefix, user) {
            (Some(prefix), Some(flow)) => Step::On(
                Decision::TransitPrefix(prefix, flow),
                At::User { flow, below: false },
            ),
            (Some(prefix), None) => Step::End(Decision::NoUserPrefix(prefix), Ending::NoRoute),
            (None, _) if below.is_none() => Step::End(Decision::NoTransitPrefix, Ending::NoRoute),
            (None, _) => self.up_and_out(nc2.gateway),
        }
    }

    /// From the transit VPC by its gateway interface into the AWS VPC, where the table of that interface's subnet decides.
    fn up_and_out(&self, gateway: Option<crate::index::EniIx>) -> Step {
        let Some(eni) = gateway else {
            return Step::End(Decision::NoGateway, Ending::NoRoute);
        };
        let node = &self.topology.enis[eni];
        let cause = if !node.in_use {
            Some(DeadEniCause::Detached)
        } else if !node.running {
            Some(DeadEniCause::InstanceDown)
        } else if node.source_dest_check {
            // It would also drop what it sends in another's name.
            Some(DeadEniCause::SourceDestCheck)
        } else {
            None
        };
        let taken = Decision::TransitUplink(eni);
        match cause {
            Some(cause) => Step::End(taken, Ending::DeadEni(cause)),
            None => Step::On(
                taken,
                At::Vpc {
                    vpc: node.vpc,
                    table: match node.subnet {
                        Some(subnet) => self.topology.subnets[subnet].table,
                        None => self.topology.vpcs[node.vpc].main,
                    },
                    subnet: node.subnet,
                    transit: true,
                },
            ),
        }
    }

    /// A user VPC: to its own subnets, else, for what its VMs sent, out by the uplink.
    pub(super) fn at_user(&self, flow: FlowIx, below: bool) -> Step {
        let node = &self.topology.flows[flow];
        let subnet = self
            .flow(flow)
            .and_then(|flow| flow.subnets.longest(self.to))
            .map(|(prefix, _)| prefix);
        if let Some(prefix) = subnet {
            return Step::End(Decision::OverlaySubnet(prefix, flow), self.in_flow(flow));
        }
        if !below {
            return Step::End(Decision::NoOverlaySubnet, Ending::NoRoute);
        }
        if node.no_nat {
            let up = At::Transit {
                site: node.site,
                below: Some(flow),
            };
            Step::On(Decision::NoNatUplink, up)
        } else if node.nat {
            Step::End(Decision::NatUplink, Ending::LeavesByNat)
        } else {
            Step::End(Decision::NoUplink, Ending::NoRoute)
        }
    }

    /// The sender's own segment: the whole prefix is on-link, whether or not its machines are here.
    pub(super) fn at_segment(&self, flow: FlowIx, prefix: Cidr) -> Step {
        let site = self.topology.flows[flow].site;
        if let Some(vpc) = self.topology.sites[site].vpc {
            let region = self.topology.vpcs[vpc].region;
            if self.region_is_down(region) {
                return Step::End(Decision::RegionDown, Ending::RegionDown(region));
            }
        }
        if prefix.contains(self.to) {
            Step::End(Decision::OnLink(prefix), self.in_flow(flow))
        } else {
            Step::On(Decision::OffLink, At::User { flow, below: true })
        }
    }

    /// Delivery inside a Flow VPC: to the VM that has the address.
    fn in_flow(&self, flow: FlowIx) -> Ending {
        let site = self.topology.flows[flow].site;
        let user = self.topology.sites[site]
            .nc2
            .as_ref()
            .and_then(|nc2| nc2.user);
        let is_here = |location: Location| match location {
            Location::Vm { flow: of, .. } => of == flow,
            Location::Planned(at) => at == site && user == Some(flow),
            Location::Eni(_) => false,
        };
        self.delivered(PlaceIx::Site(site), is_here, Sender::Flow(flow))
    }
}
