//! Changing a network's home: the prefix and the routes in the order the proof likes best, observation, the old home's prefix.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_fabric::Fabric;

use super::Draft;
use super::Prepared;
use crate::Action;
use crate::Call;
use crate::Obstacle;
use crate::StepId;
use crate::order;
use crate::proof::of_routing;
use crate::proof::running_addresses;
use crate::proof::transitions;
use crate::routes::routes_for_home;
use crate::step::ErpScope;

/// How long a Transit Gateway route takes until packets follow it: unpublished, seconds to tens of seconds (memory, AWS reference §1.5).
/// Orders are weighed by it, nothing waits for it.
const ROUTE_LASTS: Duration = Duration::from_secs(10);

/// How long NC2 takes until a prefix of the transit VPC is in the route tables of its AWS VPC (inferred, AWS reference §4).
const PREFIX_LASTS: Duration = Duration::from_secs(30);

/// A network's calls in the order they are made.
struct Chain {
    calls: Vec<Prepared>,
    addresses: usize,
    lasts: Duration,
}

impl Draft<'_> {
    /// Prefix, routes, proof by observation, and the old home's prefix removed.
    pub(super) fn make_home(
        &mut self,
        home: &SiteName,
        networks: &BTreeSet<NetworkName>,
        old_home: Option<&SiteName>,
        after: &BTreeSet<StepId>,
    ) {
        let steps_before = self.steps.len();
        let fabric = self.fabric_so_far();
        let mut chains = Vec::new();
        for network in networks {
            let calls = self.calls_for(home, network);
            chains.extend(self.chain(&fabric, network, home, calls));
        }
        // Each network's hole stays open until its calls are made: many addresses in little time come first.
        chains.sort_by_key(|chain| {
            let weight = chain.addresses as u128 * u128::from(u32::MAX);
            std::cmp::Reverse(weight / chain.lasts.as_millis().max(1))
        });
        let mut last = after.clone();
        for chain in chains {
            let mut before = after.clone();
            for call in chain.calls {
                let writes_route = matches!(call.action, Action::TgwRoute { .. });
                if writes_route {
                    // One after the other, never two tables at once.
                    before.append(&mut last);
                }
                before = [self.add(call, &before)].into();
                if writes_route {
                    last = before.clone();
                }
            }
            last.extend(before);
        }
        let stale: Vec<_> = old_home
            .into_iter()
            .flat_map(|old| networks.iter().map(move |network| (old, network)))
            .collect();
        let changed = self.steps.len() > steps_before || !after.is_empty();
        if changed
            || stale
                .iter()
                .any(|(old, network)| self.is_caught_at(old, network))
        {
            let action = Action::Verify {
                site: home.clone(),
                networks: networks.clone(),
            };
            let why = "the world is observed again and every address traced before the old home is closed";
            last = [self.step(format!("verify/{home}"), &last, action, why)].into();
        }
        for (old, network) in stale {
            self.erp(old, network, ErpScope::Transit, false, &last);
        }
    }

    /// Where packets go when the steps so far are done.
    fn fabric_so_far(&self) -> Fabric {
        let mut fabric = Fabric::new(self.survey.estate, self.survey.world);
        for transition in transitions(self.survey, &self.steps) {
            for change in &transition.changes {
                fabric.apply(change);
            }
        }
        fabric
    }

    /// What has to be called so that the network is served from `home`, in no particular order.
    fn calls_for(&mut self, home: &SiteName, network: &NetworkName) -> Vec<Prepared> {
        let survey = self.survey;
        let mut calls = Vec::new();
        calls.extend(self.prepare_erp(home, network, ErpScope::Transit, true));
        let Some(definition) = survey.estate.networks.get(network) else {
            return calls;
        };
        match routes_for_home(survey.estate, survey.world, definition, home) {
            Ok(writes) => calls.extend(writes.into_iter().map(|write| {
                let action = |from, to| Action::TgwRoute {
                    region: write.region.clone(),
                    table: write.table.clone(),
                    cidr: write.cidr,
                    from,
                    to,
                };
                let to = Some(write.to.clone());
                Prepared {
                    id: format!(
                        "route/{}/{}/{}/{}",
                        write.region, write.table, write.cidr, write.to
                    ),
                    action: action(write.from.clone(), to.clone()),
                    why: "one table at a time, in the safe order with the shortest holes"
                        .to_owned(),
                    inverse: Some(action(to, write.from.clone())),
                }
            })),
            Err(mut obstacles) => self.obstacles.append(&mut obstacles),
        }
        calls
    }

    /// These calls in the best safe order.
    fn chain(
        &mut self,
        fabric: &Fabric,
        network: &NetworkName,
        home: &SiteName,
        mut prepared: Vec<Prepared>,
    ) -> Option<Chain> {
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
        let movers = running_addresses(self.survey).into_keys();
        let touched = |address: &Ipv4Addr| {
            let mut prefixes = calls.iter().filter_map(|call| call.change.prefix());
            prefixes.any(|prefix| prefix.contains(*address))
        };
        let of_interest = fabric.addresses_of_interest().into_iter().chain(movers);
        let addresses: BTreeSet<_> = of_interest.filter(touched).collect();
        match order(fabric, addresses.clone(), &calls) {
            Ok(places) => {
                let mut slots: Vec<_> = prepared.drain(..).map(Some).collect();
                let in_order = places
                    .into_iter()
                    .filter_map(|at| slots.get_mut(at)?.take());
                Some(Chain {
                    calls: in_order.collect(),
                    addresses: addresses.len(),
                    lasts: calls.iter().map(|call| call.lasts).sum(),
                })
            }
            Err(why) => {
                self.no_order.insert(Obstacle::NoSafeOrder {
                    network: network.clone(),
                    home: home.clone(),
                    calls: calls.len(),
                    why: *why,
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
