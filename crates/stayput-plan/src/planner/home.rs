//! Changing a network's home: the prefix and the routes in the order the proof likes best, observation, the old home's prefix.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use stayput_estate::Cidr;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_fabric::Fabric;
use stayput_fabric::Reachability;
use stayput_messages::Message;

use super::Draft;
use super::Prepared;
use super::entry::Entry;
use crate::Action;
use crate::Call;
use crate::EntryPath;
use crate::Obstacle;
use crate::Phase;
use crate::StepId;
use crate::order;
use crate::proof::of_routing;
use crate::proof::transitions;
use crate::routes::Part;
use crate::routes::RouteWrite;
use crate::routes::fence;
use crate::routes::routes_for_home;
use crate::step::ErpScope;

/// How long a Transit Gateway route takes until packets follow it: unpublished, seconds to tens of seconds (memory, AWS reference §1.5).
/// Orders are weighed by it, nothing waits for it.
const ROUTE_LASTS: Duration = Duration::from_secs(10);

/// How long NC2 takes until a prefix of the transit VPC is in the route tables of its AWS VPC (inferred, AWS reference §4).
const PREFIX_LASTS: Duration = Duration::from_secs(30);

/// A network's calls in the order they are made.
pub(super) struct Chain {
    calls: Vec<Prepared>,
    addresses: usize,
    lasts: Duration,
}

/// Networks, and where they shall be served.
pub(super) struct HomeChange<'c> {
    pub(super) home: &'c SiteName,
    pub(super) networks: &'c BTreeSet<NetworkName>,
    /// Where they were served; `None` when they come from EC2.
    pub(super) old_home: Option<&'c SiteName>,
    /// As the goal says it.
    pub(super) path: EntryPath,
}

/// Calls that bring one network home, in no particular order, and those for afterwards.
#[derive(Default)]
struct Calls {
    now: Vec<Prepared>,
    afterwards: Vec<Prepared>,
}

impl Draft<'_> {
    /// Prefixes and routes that lead to the new homes, proof by observation, and what the old homes leave behind removed.
    pub(super) fn make_homes(&mut self, changes: Vec<HomeChange<'_>>) {
        let mut steps = self.steps.len();
        // A home without a step of its own may still have had its machines brought.
        let brought = self.homes_with_work();
        self.phase = Phase::Route;
        let mut homes = Vec::new();
        for change in changes {
            let leftovers = self.lead_to(&change);
            let has_work = self.steps.len() > steps || brought.contains(change.home);
            steps = self.steps.len();
            homes.push((change, leftovers, has_work));
        }
        self.phase = Phase::Verify;
        for (change, leftovers, has_work) in &homes {
            let mut leftovers = leftovers.iter();
            let mut stale = self.stale(change).into_iter();
            if *has_work
                || leftovers.any(|(_, calls)| !calls.is_empty())
                || stale.any(|(old, network)| self.is_caught_at(old, network))
            {
                let is_whole = !self.survey.are_canaries && self.survey.left_out.is_empty();
                let machines = match is_whole {
                    true => BTreeSet::new(),
                    false => self.survey.moving.clone(),
                };
                let action = Action::Verify {
                    site: change.home.clone(),
                    networks: change.networks.clone(),
                    machines,
                    lost: self.survey.lost.clone(),
                    routes: self.halves_to_verify(change),
                };
                let why = Message::new("why-verify");
                self.step(
                    format!("verify/{}", change.home),
                    &BTreeSet::new(),
                    action,
                    why,
                );
            }
        }
        self.phase = Phase::Close;
        for (change, leftovers, _) in homes {
            let fabric = self.fabric_so_far();
            let addresses = self.addresses_of_interest(&fabric);
            let now = Reachability::of(fabric, []);
            let mut chains = Vec::new();
            for (network, calls) in leftovers {
                chains.extend(self.chain(&now, &addresses, network, change.home, calls));
            }
            let last = self.link(chains);
            for (old, network) in self.stale(&change) {
                self.erp(old, network, ErpScope::Transit, false, &last);
            }
        }
    }

    /// The calls that lead packets to a new home. Gives those that are made when it is verified, by network.
    fn lead_to<'c>(&mut self, change: &HomeChange<'c>) -> Vec<(&'c NetworkName, Vec<Prepared>)> {
        let fabric = self.fabric_so_far();
        let addresses = self.addresses_of_interest(&fabric);
        let now = Reachability::of(fabric, []);
        let (mut chains, mut leftovers) = (Vec::new(), Vec::new());
        for network in change.networks {
            let calls = self.calls_for(change, network, now.fabric());
            chains.extend(self.chain(&now, &addresses, network, change.home, calls.now));
            leftovers.push((network, calls.afterwards));
        }
        // Each network's hole stays open until its calls are made: many addresses in little time come first.
        chains.sort_by_key(|chain| {
            let weight = chain.addresses as u128 * u128::from(u32::MAX);
            std::cmp::Reverse(weight / chain.lasts.as_millis().max(1))
        });
        self.link(chains);
        leftovers
    }

    /// Sites that steps so far do something for.
    fn homes_with_work(&self) -> BTreeSet<SiteName> {
        let sites = self.steps.iter().filter_map(|step| match &step.action {
            Action::EnsureSubnet { site, .. }
            | Action::Erp { site, .. }
            | Action::Replicate { site, .. }
            | Action::Cutover { site, .. }
            | Action::RestoreNics { site, .. } => Some(site),
            Action::RunRecovery { to, .. } => Some(to),
            Action::ShutDown { .. }
            | Action::StartSource { .. }
            | Action::CancelMovePlan { .. }
            | Action::ReleaseNics { .. }
            | Action::RemoveCopies { .. }
            | Action::Capture { .. }
            | Action::EnsureFlowVpc { .. }
            | Action::TgwRoute { .. }
            | Action::Categorize { .. }
            | Action::ProtectionPolicy { .. }
            | Action::RecoveryPlan { .. }
            | Action::AwaitRecoveryPoints { .. }
            | Action::PowerOff { .. }
            | Action::DeleteVm { .. }
            | Action::Verify { .. } => None,
        });
        sites.cloned().collect()
    }

    /// Old homes whose prefix goes when the new one is verified; nothing is asked of one that an unplanned failover leaves.
    fn stale<'c>(&self, change: &HomeChange<'c>) -> Vec<(&'c SiteName, &'c NetworkName)> {
        let old = change.old_home.into_iter();
        let old = old.filter(|old| !self.survey.left.contains(*old));
        old.flat_map(|old| change.networks.iter().map(move |network| (old, network)))
            .collect()
    }

    /// Adds chains of calls, and gives the steps that end them. Routes are written one after the other, never two tables at once.
    pub(super) fn link(&mut self, chains: Vec<Chain>) -> BTreeSet<StepId> {
        let mut last = BTreeSet::new();
        for chain in chains {
            let mut before = BTreeSet::new();
            for call in chain.calls {
                let writes_route = matches!(call.action, Action::TgwRoute { .. });
                if writes_route {
                    before.append(&mut last);
                }
                before = [self.add(call, &before)].into();
                if writes_route {
                    last = before.clone();
                }
            }
            last.extend(before);
        }
        last
    }

    /// Where packets go when the steps so far are done.
    pub(super) fn fabric_so_far(&mut self) -> Fabric {
        let (done, mut fabric) = self.so_far.take().unwrap_or((0, self.survey.fabric()));
        for transition in transitions(self.survey, &self.steps[done..]) {
            for change in &transition.changes {
                fabric.apply(change);
            }
        }
        self.so_far = Some((self.steps.len(), fabric.clone()));
        fabric
    }

    /// Addresses that the order of calls is judged by: those of machines that run, and all that any source may reach, without those
    /// that the goal does not keep.
    pub(super) fn addresses_of_interest(&self, fabric: &Fabric) -> BTreeSet<Ipv4Addr> {
        let not_kept = self.survey.addresses_not_kept();
        let mut addresses = fabric.addresses_of_interest();
        addresses.extend(self.survey.running_addresses().keys());
        addresses.retain(|address| !not_kept.contains(address));
        addresses
    }

    /// Routes of a site that is lost made to drop packets, before machines start elsewhere.
    pub(super) fn fence(&mut self, lost: &SiteName, networks: &BTreeSet<NetworkName>) {
        let survey = self.survey;
        let mut last = BTreeSet::new();
        for network in networks {
            let Some(definition) = survey.estate.networks.get(network) else {
                continue;
            };
            for write in fence(survey.estate, survey.world, definition, lost) {
                let why = Message::new("why-fence");
                let mut step = self.route_step(write, why);
                step.id = format!("fence/{}", step.id).into();
                last = [self.add(step, &last)].into();
            }
        }
    }

    /// The step that writes a route, from what the steps so far leave there.
    pub(super) fn route_step(&self, write: RouteWrite, why: Message) -> Prepared {
        let route = (write.region.clone(), write.table.clone(), write.cidr);
        let from = self.last_route.get(&route).unwrap_or(&write.from).clone();
        let action = |from, to| Action::TgwRoute {
            region: write.region.clone(),
            table: write.table.clone(),
            cidr: write.cidr,
            from,
            to,
        };
        let target = match &write.to {
            Some(target) => target.to_string(),
            None => "absent".to_owned(),
        };
        Prepared {
            id: format!(
                "route/{}/{}/{}/{target}",
                write.region, write.table, write.cidr
            )
            .into(),
            action: action(from.clone(), write.to.clone()),
            why: why.into(),
            inverse: Some(action(write.to.clone(), from)),
        }
    }

    /// What has to be called so that the network, or the canaries in it, are served from their home.
    fn calls_for(
        &mut self,
        change: &HomeChange<'_>,
        network: &NetworkName,
        fabric: &Fabric,
    ) -> Calls {
        let survey = self.survey;
        let mut calls = Calls::default();
        let prefix = self.prepare_erp(change.home, network, ErpScope::Transit, true);
        calls.now.extend(prefix);
        let Some(definition) = survey.estate.networks.get(network) else {
            return calls;
        };
        let path = self.entry_path(change, definition);
        let parts: Vec<_> = match (survey.are_canaries, path) {
            (true, _) => {
                let canaries = survey.machines_in(network);
                canaries
                    .filter(|(id, _)| survey.moving.contains(*id))
                    .flat_map(|(_, machine)| machine.addresses())
                    .filter(|address| definition.cidr.contains(*address))
                    .map(|address| Part::Inside(Cidr::host(address)))
                    .collect()
            }
            (false, Entry::OldRegion) if survey.left.is_empty() => vec![Part::Whole],
            (false, Entry::OldRegion | Entry::OwnRegion) => vec![Part::WholeWithHalves],
        };
        let why = Message::new("why-route");
        for part in parts {
            match routes_for_home(survey.estate, survey.world, definition, change.home, part) {
                Ok(routes) => {
                    let writes = routes.writes.into_iter();
                    calls
                        .now
                        .extend(writes.map(|write| self.route_step(write, why.clone())));
                    let halves = definition.cidr.halves().unwrap_or([definition.cidr; 2]);
                    let leftovers = routes.leftovers.into_iter().map(|write| {
                        let why = match halves.contains(&write.cidr) {
                            true => Message::new("why-remove-half"),
                            false => Message::new("why-remove-part"),
                        };
                        self.route_step(write, why)
                    });
                    calls.afterwards.extend(leftovers);
                }
                Err(mut obstacles) => self.obstacles.append(&mut obstacles),
            }
        }
        self.draw_on_prem(change, path, definition, fabric, &mut calls.now);
        calls
    }

    /// These calls in the best safe order.
    pub(super) fn chain(
        &mut self,
        now: &Reachability,
        of_interest: &BTreeSet<Ipv4Addr>,
        network: &NetworkName,
        home: &SiteName,
        mut prepared: Vec<Prepared>,
    ) -> Option<Chain> {
        if prepared.is_empty() {
            return None;
        }
        let calls: Vec<_> = prepared
            .iter()
            .filter_map(|prepared| {
                let lasts = match &prepared.action {
                    Action::Erp { .. } => PREFIX_LASTS,
                    _ => ROUTE_LASTS,
                };
                Some(Call {
                    change: of_routing(&prepared.action)?,
                    lasts,
                })
            })
            .collect();
        let prefixes: BTreeSet<_> = calls
            .iter()
            .filter_map(|call| call.change.prefix())
            .collect();
        let addresses: BTreeSet<_> = prefixes
            .iter()
            .flat_map(|prefix| of_interest.range(prefix.network()..=prefix.broadcast()))
            .copied()
            .collect();
        let count = addresses.len();
        match order(now, addresses, &calls) {
            Ok(places) => {
                let mut slots: Vec<_> = prepared.drain(..).map(Some).collect();
                let in_order = places
                    .into_iter()
                    .filter_map(|at| slots.get_mut(at)?.take());
                Some(Chain {
                    calls: in_order.collect(),
                    addresses: count,
                    lasts: calls.iter().map(|call| call.lasts).sum(),
                })
            }
            Err(why) => {
                self.no_order.insert(Obstacle::NoSafeOrder {
                    network: network.clone(),
                    home: home.clone(),
                    calls: calls.len(),
                    why,
                });
                None
            }
        }
    }

    /// Whether the site's transit VPC still has the network's prefix.
    fn is_caught_at(&self, site: &SiteName, network: &NetworkName) -> bool {
        let estate = self.survey.estate;
        let (Some(prism), Some(config), Some(definition)) = (
            self.survey.world.prism.get(site),
            estate.sites.get(site),
            estate.networks.get(network),
        ) else {
            return false;
        };
        prism
            .vpcs
            .values()
            .any(|vpc| vpc.name == config.transit_vpc && vpc.erps.contains(&definition.cidr))
    }
}
