//! Applying changes, and finding what undoes them.

mod check;
mod in_flight;

pub use in_flight::ChangePart;
pub use in_flight::InFlight;
pub use in_flight::Visibility;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use stayput_estate::Cidr;
use stayput_estate::SiteName;
use stayput_world::aws::TgwTarget;
use stayput_world::aws::VpcRouteTarget;

use crate::change::Change;
use crate::change::ErpScope;
use crate::change::Refused;
use crate::fabric::Fabric;
use crate::holders::Holder;
use crate::holders::Location;
use crate::index::AttIx;
use crate::index::Id;
use crate::index::SiteIx;
use crate::index::TgwTableIx;
use crate::state;
use crate::state::Fixed;
use crate::state::Learned;
use crate::state::VpcEntry;
use crate::state::VpcHop;
use crate::state::VpcOrigin;
use crate::topology::Topology;

impl Fabric {
    /// Makes a change; one that would be refused changes nothing, so that a trace shows what is missing. See
    /// [`Fabric::try_apply`] for why.
    pub fn apply(&mut self, change: &Change) {
        // A refused change changes nothing; callers that need the reason use `try_apply`.
        let _ = self.try_apply(change);
    }

    /// Makes a change.
    ///
    /// # Errors
    ///
    /// What names something unobserved, and what the remote system would refuse. Nothing has changed then.
    pub fn try_apply(&mut self, change: &Change) -> Result<(), Refused> {
        match change {
            Change::TgwRoute {
                region,
                table,
                cidr,
                target,
            } => {
                let region = self.region(region)?;
                let ix = self.tgw_table(region, table)?;
                let fixed = match target {
                    None => None,
                    Some(target) => {
                        let attachments = &self.topology.attachment_ids;
                        let fixed = state::fixed(
                            target,
                            |id| attachments.get(&(region, id.clone())).copied(),
                            Arc::make_mut(&mut self.state.gone),
                        );
                        if let Fixed::Attachment(attachment) = fixed
                            && self.topology.attachments[attachment].tgw
                                != self.topology.tgw_tables[ix].tgw
                        {
                            return Err(Refused::OtherTgw {
                                attachment: self.topology.attachments[attachment].id.clone(),
                                table: table.clone(),
                            });
                        }
                        Some(fixed)
                    }
                };
                let routes = &mut self.state.tgw_tables[ix.position()].fixed;
                if routes.get(*cidr).copied() != fixed {
                    Arc::make_mut(routes).put(*cidr, fixed);
                }
            }
            Change::Erp {
                site,
                scope,
                cidr,
                present,
            } => self.set_erp(site, *scope, *cidr, *present)?,
            Change::Serve {
                site,
                address,
                serving,
            } => {
                let site = self.known_site(site)?;
                self.serve(site, *address, *serving);
            }
            Change::Subnet {
                site,
                cidr,
                name,
                present,
            } => {
                let flow = self.flow_of(site, ErpScope::UserVpc)?;
                let subnets = &mut self.state.flows[flow.position()].subnets;
                if subnets.get(*cidr).is_some() != *present {
                    Arc::make_mut(subnets).put(*cidr, present.then(|| name.clone()));
                }
            }
            Change::VpcRoute {
                table,
                cidr,
                target,
                ..
            } => {
                let ix = self.vpc_table(table)?;
                self.check_vpc_route(ix, *cidr, target.as_ref())?;
                let entry = match target {
                    Some(target) => Some(VpcEntry {
                        hop: state::vpc_hop(&self.topology, target),
                        usable: true,
                        origin: VpcOrigin::Written,
                    }),
                    // What the written one covered counts again (AWS reference §3 item 1).
                    None => self.state.uncovered(ix, *cidr).cloned(),
                };
                Arc::make_mut(&mut self.state.vpc_tables[ix.position()]).put(*cidr, entry);
                // The prefix was written by other means: what NC2 had there before does not apply any more.
                let site = self.topology.vpcs[self.topology.vpc_tables[ix].vpc].site;
                if let Some(site) = site {
                    Arc::make_mut(&mut self.state.erp_memory).remove(&(site, *cidr));
                }
            }
            Change::Announce {
                edge,
                cidr,
                present,
            } => {
                let ix = self.edge(edge)?;
                self.check_announcement(ix, *cidr, *present)?;
                let prefixes = &mut self.state.allowed[ix.position()];
                if prefixes.get(*cidr).is_some() != *present {
                    Arc::make_mut(prefixes).put(*cidr, present.then_some(()));
                }
            }
            Change::Edge { edge, up } => {
                let ix = self.edge(edge)?;
                put(&mut self.state.down_edges, ix, !*up);
            }
            Change::Attachment {
                region,
                attachment,
                attached,
            } => {
                let region = self.region(region)?;
                let ix = self.attachment(region, attachment)?;
                if self.state.is_attached(ix) != *attached {
                    Arc::make_mut(&mut self.state.attached)[ix.position()] = *attached;
                }
            }
            Change::Propagation {
                region,
                table,
                attachment,
                enabled,
            } => {
                let region = self.region(region)?;
                let table = self.tgw_table(region, table)?;
                let attachment = self.attachment(region, attachment)?;
                self.propagate(table, attachment, *enabled);
            }
            Change::Region { region, up } => {
                let ix = self.region(region)?;
                put(&mut self.state.down_regions, ix, !*up);
            }
        }
        Ok(())
    }

    /// The change that brings back what is true now, once the given one has been made.
    ///
    /// # Errors
    ///
    /// The change names something unobserved, so there is nothing to bring back.
    pub fn inverse_of(&self, change: &Change) -> Result<Change, Refused> {
        let mut inverse = change.clone();
        match &mut inverse {
            Change::TgwRoute {
                region,
                table,
                cidr,
                target,
            } => {
                let region = self.region(region)?;
                let table = self.tgw_table(region, table)?;
                let fixed = self.state.tgw_tables[table.position()].fixed.get(*cidr);
                *target = fixed.map(|fixed| self.target(*fixed));
            }
            Change::Erp {
                site,
                scope,
                cidr,
                present,
            } => {
                let flow = self.flow_of(site, *scope)?;
                let erps = &self.state.flows[flow.position()].erps;
                *present = erps.get(*cidr).is_some();
            }
            Change::Serve {
                site,
                address,
                serving,
            } => {
                let site = self.known_site(site)?;
                *serving = self.is_served(site, *address);
            }
            Change::Subnet {
                site,
                cidr,
                name,
                present,
            } => {
                let flow = self.flow_of(site, ErpScope::UserVpc)?;
                let before = self.state.flows[flow.position()].subnets.get(*cidr);
                *present = before.is_some();
                if let Some(before) = before {
                    name.clone_from(before);
                }
            }
            Change::VpcRoute {
                table,
                cidr,
                target,
                ..
            } => {
                let table = self.vpc_table(table)?;
                let entry = self.state.vpc_tables[table.position()].get(*cidr);
                let written = entry.filter(|entry| entry.origin == VpcOrigin::Written);
                *target = written.map(|entry| match &entry.hop {
                    VpcHop::Local => VpcRouteTarget::Local,
                    VpcHop::Tgw(id) => VpcRouteTarget::Tgw(id.clone()),
                    VpcHop::Eni { id, .. } => VpcRouteTarget::Eni(id.clone()),
                    VpcHop::Gateway(id) => VpcRouteTarget::Gateway(id.clone()),
                    VpcHop::Peering(id) => VpcRouteTarget::Peering(id.clone()),
                    VpcHop::Unknown(text) => VpcRouteTarget::Unknown(text.clone()),
                });
            }
            Change::Announce {
                edge,
                cidr,
                present,
            } => {
                let edge = self.edge(edge)?;
                *present = self.state.allowed[edge.position()].get(*cidr).is_some();
            }
            Change::Edge { edge, up } => {
                *up = !self.state.down_edges.contains(&self.edge(edge)?);
            }
            Change::Attachment {
                region,
                attachment,
                attached,
            } => {
                let region = self.region(region)?;
                *attached = self.state.is_attached(self.attachment(region, attachment)?);
            }
            Change::Propagation {
                region,
                table,
                attachment,
                enabled,
            } => {
                let region = self.region(region)?;
                let table = self.tgw_table(region, table)?;
                let attachment = self.attachment(region, attachment)?;
                let propagations = &self.state.tgw_tables[table.position()].propagations;
                *enabled = propagations.contains(&attachment);
            }
            Change::Region { region, up } => {
                *up = !self.state.down_regions.contains(&self.region(region)?);
            }
        }
        Ok(inverse)
    }

    fn target(&self, fixed: Fixed) -> TgwTarget {
        match fixed {
            Fixed::Blackhole => TgwTarget::Blackhole,
            Fixed::Attachment(attachment) => {
                TgwTarget::Attachment(self.topology.attachments[attachment].id.clone())
            }
            Fixed::Gone(at) => self
                .state
                .gone
                .get(at as usize)
                .map_or(TgwTarget::Blackhole, |id| TgwTarget::Attachment(id.clone())),
        }
    }

    /// Setting a prefix on the transit VPC makes NC2 write it into the AWS route tables, removing it removes it there (AWS reference §4).
    /// Each table keeps in mind what it had, so that switching back restores it exactly.
    fn set_erp(
        &mut self,
        site: &SiteName,
        scope: ErpScope,
        cidr: Cidr,
        present: bool,
    ) -> Result<(), Refused> {
        let flow = self.flow_of(site, scope)?;
        let ix = self.known_site(site)?;
        let erps = &mut self.state.flows[flow.position()].erps;
        if erps.get(cidr).is_some() == present {
            return Ok(());
        }
        Arc::make_mut(erps).put(cidr, present.then_some(()));
        match scope {
            ErpScope::UserVpc => {}
            ErpScope::TransitVpc => self.write_erp_routes(ix, cidr, present),
        }
        Ok(())
    }

    fn write_erp_routes(&mut self, site: SiteIx, cidr: Cidr, present: bool) {
        let memory = Arc::make_mut(&mut self.state.erp_memory);
        let remembered = memory.remove(&(site, cidr));
        let is_new = remembered.is_none();
        let mut writes = remembered.unwrap_or_default();
        if is_new {
            let node = &self.topology.sites[site];
            let nc2 = node.nc2.as_ref();
            if present {
                let gateway = nc2.and_then(|nc2| nc2.gateway);
                let entry = gateway.map(|eni| VpcEntry {
                    hop: VpcHop::Eni {
                        id: self.topology.enis[eni].id.clone(),
                        eni: Some(eni),
                    },
                    usable: true,
                    origin: VpcOrigin::Written,
                });
                let tables = nc2.map_or(&[][..], |nc2| nc2.erp_tables.as_slice());
                writes.extend(
                    tables
                        .iter()
                        .filter(|_| entry.is_some())
                        .map(|table| (*table, entry.clone())),
                );
            } else {
                // What was written elsewhere stays.
                for table in nc2.map_or(&[][..], |nc2| nc2.erp_tables.as_slice()) {
                    let table = *table;
                    let entry = self.state.vpc_tables[table.position()].get(cidr);
                    let nc2s = |entry: &VpcEntry| {
                        entry.origin == VpcOrigin::Written
                            && matches!(entry.hop, VpcHop::Eni { .. })
                    };
                    if entry.is_some_and(nc2s) {
                        writes.push((table, self.state.uncovered(table, cidr).cloned()));
                    }
                }
            }
        }
        for (table, entry) in &mut writes {
            let routes = Arc::make_mut(&mut self.state.vpc_tables[table.position()]);
            *entry = routes.put(cidr, entry.take());
        }
        // Also that nothing was written: where a person had replaced the route, undoing the removal brings no route of NC2's.
        Arc::make_mut(&mut self.state.erp_memory).insert((site, cidr), writes);
    }

    fn is_served(&self, site: SiteIx, address: Ipv4Addr) -> bool {
        self.state
            .holders
            .of(address)
            .iter()
            .any(|holder| holder.answers && is_served_by(&self.topology, site, holder.location))
    }

    fn serve(&mut self, site: SiteIx, address: Ipv4Addr, serving: bool) {
        if self.is_served(site, address) == serving {
            return;
        }
        let topology = &self.topology;
        self.state.holders.edit(address, |holders| {
            let known = holders
                .iter_mut()
                .filter(|holder| is_served_by(topology, site, holder.location));
            if serving {
                match known.into_iter().next() {
                    Some(holder) => holder.answers = true,
                    None => holders.push(Holder {
                        location: Location::Planned(site),
                        answers: true,
                    }),
                }
            } else {
                known.for_each(|holder| holder.answers = false);
                holders.retain(|holder| holder.location != Location::Planned(site));
            }
        });
    }

    fn propagate(&mut self, table: TgwTableIx, attachment: AttIx, enabled: bool) {
        let advertised = self.topology.advertised.get(&attachment);
        let Some(origin) = state::origin_of(&self.topology.attachments[attachment].kind) else {
            return;
        };
        let table = &mut self.state.tgw_tables[table.position()];
        if table.propagations.contains(&attachment) == enabled {
            return;
        }
        put(Arc::make_mut(&mut table.propagations), attachment, enabled);
        let learned = Arc::make_mut(&mut table.learned);
        let new = Learned { origin, attachment };
        for cidr in advertised.into_iter().flatten().copied() {
            let mut of_prefix: BTreeSet<_> =
                learned.get(cidr).into_iter().flatten().copied().collect();
            put(&mut of_prefix, new, enabled);
            let of_prefix: Vec<_> = of_prefix.into_iter().collect();
            learned.put(cidr, (!of_prefix.is_empty()).then_some(of_prefix));
        }
    }
}

/// Whether a holder is one that [`Change::Serve`] switches at a site.
fn is_served_by(topology: &Topology, site: SiteIx, location: Location) -> bool {
    let node = &topology.sites[site];
    match (location, &node.nc2) {
        (Location::Planned(at), _) => at == site,
        (Location::Eni(eni), None) => Some(topology.enis[eni].vpc) == node.vpc,
        (Location::Vm { flow, .. }, Some(nc2)) => nc2.user == Some(flow),
        (Location::Eni(_), Some(_)) | (Location::Vm { .. }, None) => false,
    }
}

/// Puts a value into a set or takes it out.
fn put<T: Ord>(set: &mut BTreeSet<T>, value: T, present: bool) {
    if present {
        set.insert(value);
    } else {
        set.remove(&value);
    }
}
