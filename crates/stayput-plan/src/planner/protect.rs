//! Protection: everything a failover needs, standing beforehand at the recovery site.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::Estate;
use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_messages::Message;

use super::Draft;
use super::protection::Protected;
use super::protection::Purpose;
use super::protection::Standing;
use crate::Action;
use crate::Obstacle;
use crate::StepId;
use crate::object;
use crate::step::OverlayKind;
use crate::survey::Place;
use crate::survey::flow_vpc;
use crate::survey::overlay_subnet;

/// Name of the protection policy and of the recovery plan of a network.
pub fn recovery_name(estate: &Estate, network: &NetworkName) -> String {
    format!("stayput-{}-{network}", estate.name)
}

impl Draft<'_> {
    pub(super) fn protect(&mut self) {
        let survey = self.survey;
        for network in &survey.networks {
            if network.recovery.is_none() {
                self.obstacle(Obstacle::NoRecoverySite {
                    network: network.name.clone(),
                });
            }
        }
        for (id, place) in &survey.places {
            if *place == Place::Ec2 {
                let label = survey.label(id);
                let (at, wanted) = (survey.estate.source.name.clone(), self.primary_of(id));
                self.obstacle(Obstacle::Elsewhere {
                    machine: id.clone(),
                    label,
                    at,
                    wanted,
                });
            }
        }
        self.capture();
        for (recovery, networks) in self.networks_by(|network| network.recovery.clone()) {
            let mut standing = self.prepare_overlay(&recovery, &networks);
            let sites: BTreeSet<_> = networks
                .iter()
                .filter_map(|name| Some(survey.estate.networks.get(name)?.primary.clone()))
                .chain([recovery.clone()])
                .collect();
            for site in &sites {
                let vpc: BTreeSet<_> = self.test_vpc(site).into_iter().collect();
                for network in &networks {
                    standing.extend(self.subnet(site, network, OverlayKind::Test, &vpc));
                }
                standing.extend(vpc);
            }
            for network in &networks {
                self.compare_at_primary(network);
                self.protect_network(network, &networks, &recovery, &standing);
            }
        }
    }

    /// The overlay subnet a network's machines are on, or come back to: made by the move, and compared with what is planned.
    fn compare_at_primary(&mut self, network: &NetworkName) {
        let survey = self.survey;
        let Some(definition) = survey.estate.networks.get(network) else {
            return;
        };
        let (site, kind) = (&definition.primary, OverlayKind::Production);
        let prism = survey.world.prism.get(site);
        let found = prism.map(|prism| overlay_subnet(survey.estate, prism, site, kind, network));
        if let Some(Ok(Some((id, subnet)))) = found {
            self.compare_subnet(site, kind, definition, id, subnet);
        }
    }

    fn primary_of(&self, id: &InstanceId) -> SiteName {
        self.survey
            .machines
            .get(id)
            .and_then(|machine| {
                self.survey
                    .estate
                    .networks
                    .get(&machine.nics.first()?.network)
            })
            .map_or_else(
                || self.survey.estate.source.name.clone(),
                |network| network.primary.clone(),
            )
    }

    fn test_vpc(&mut self, site: &SiteName) -> Option<StepId> {
        let survey = self.survey;
        let (prism, config) = (
            survey.world.prism.get(site)?,
            survey.estate.sites.get(site)?,
        );
        let name = config.test_vpc.clone();
        match flow_vpc(prism, &name) {
            Ok(Some(_)) => {
                self.is_isolated(site, &name);
                None
            }
            Ok(None) => {
                let id = StepId(format!("vpc/{site}/test").into());
                // Networks that fail over to each other's homes share it.
                if self.steps.iter().any(|step| step.id == id) {
                    return Some(id);
                }
                let action = Action::EnsureFlowVpc {
                    site: site.clone(),
                    name,
                };
                let why = Message::new("why-test-vpc");
                Some(self.step(id.0, &BTreeSet::new(), action, why))
            }
            Err(count) => {
                self.obstacle(Obstacle::NotUnique {
                    site: site.clone(),
                    what: object::flow_vpc(name).into(),
                    count,
                });
                None
            }
        }
    }

    /// Refuses a test VPC that packets may come into or leave: copies there have the addresses of machines that run.
    pub(super) fn is_isolated(&mut self, site: &SiteName, name: &str) {
        let survey = self.survey;
        let prism = survey.world.prism.get(site);
        let vpc = prism.and_then(|prism| Some(&prism.vpcs[flow_vpc(prism, name).ok()??]));
        let Some(vpc) = vpc else {
            return;
        };
        if !vpc.erps.is_empty() || !vpc.external_subnets.is_empty() {
            self.obstacle(Obstacle::Differs {
                site: site.clone(),
                what: object::flow_vpc(name).into(),
                property: Message::new("property-isolation").into(),
                expected: Message::new("value-isolated").into(),
                found: Message::new("value-not-isolated")
                    .count("subnets", vpc.external_subnets.len())
                    .count("prefixes", vpc.erps.len())
                    .into(),
                uncovered: BTreeSet::new(),
            });
        }
    }

    fn protect_network(
        &mut self,
        network: &NetworkName,
        networks: &BTreeSet<NetworkName>,
        recovery: &SiteName,
        standing: &BTreeSet<StepId>,
    ) {
        let survey = self.survey;
        let estate = survey.estate;
        let Some(definition) = estate.networks.get(network) else {
            return;
        };
        let machines = self.first_nic_in(network);
        if machines.is_empty() {
            return;
        }
        // Protection is set where the machines are now; it serves both directions. A failover that was cut short leaves them at two sites.
        let mut at: BTreeMap<SiteName, BTreeSet<InstanceId>> = BTreeMap::new();
        for id in &machines {
            if let Some(Place::At(site, _)) = survey.places.get(id) {
                at.entry(site.clone()).or_default().insert(id.clone());
            }
        }
        let site = at.keys().next().unwrap_or(&definition.primary).clone();
        let other = if site == *recovery {
            definition.primary.clone()
        } else {
            recovery.clone()
        };
        self.paired(&site, &other);
        let Some(prism) = survey.world.prism.get(&site) else {
            return;
        };
        let of = Protected {
            network,
            site: &site,
            other: &other,
        };
        self.category_is_its_own(of, &machines);
        let (key, value) = (estate.protection.category.clone(), network.to_string());
        let name = recovery_name(estate, network);

        let mut needs = standing.clone();
        let mut changed = false;
        for (at, machines) in &at {
            let category = survey
                .world
                .prism
                .get(at)
                .and_then(|prism| self.category_id(prism, network));
            let carries = |id: &InstanceId| {
                let vm = survey.vm_at(id, at).zip(category);
                vm.is_some_and(|((_, vm), category)| vm.categories.contains(category))
            };
            let bare = machines.iter().filter(|id| !carries(id));
            let bare: BTreeSet<_> = bare.cloned().collect();
            if bare.is_empty() {
                continue;
            }
            let action = Action::Categorize {
                site: at.clone(),
                key: key.clone(),
                value: value.clone(),
                machines: bare,
            };
            let id = at_site(format!("category/{network}"), at, &site);
            let why = Message::new("why-category");
            needs.insert(self.step(id, standing, action, why));
            changed = true;
        }
        if self.compare_policy(of) == Standing::Absent {
            let action = Action::ProtectionPolicy {
                site: site.clone(),
                recovery: other.clone(),
                name: name.clone(),
                key: key.clone(),
                value: value.clone(),
                rpo_seconds: estate.protection.rpo.as_secs(),
                retention: estate.protection.retention,
            };
            let why = Message::new("why-policy");
            let step = self.step(format!("policy/{network}"), &needs.clone(), action, why);
            needs.insert(step);
            changed = true;
        }
        if self.compare_recovery_plan(of, networks, Purpose::Protect) != Standing::Whole {
            // One that is completed keeps its direction.
            let existing = prism.recovery_plans.values();
            let mut existing = existing.filter(|plan| plan.name == name);
            let from = existing.next().and_then(|plan| self.site_of(&plan.primary));
            let (site, recovery) = match from {
                Some(from) if *from == other => (other.clone(), site.clone()),
                Some(_) | None => (site.clone(), other.clone()),
            };
            let action = Action::RecoveryPlan {
                site,
                recovery,
                name,
                key,
                value,
                networks: networks.clone(),
            };
            let why = Message::new("why-recovery-plan");
            let step = self.step(
                format!("recovery-plan/{network}"),
                &needs.clone(),
                action,
                why,
            );
            needs.insert(step);
            changed = true;
        }
        for (at, machines) in at {
            let to = match at == site {
                true => other.clone(),
                false => site.clone(),
            };
            let points = survey.world.prism.get(&to);
            let points = points.map(|prism| &prism.recovery_points);
            let has_point = |id: &InstanceId| {
                let vm = survey.vm_at(id, &at).zip(points);
                vm.is_some_and(|((vm, _), points)| points.contains_key(vm))
            };
            let unprotected: BTreeSet<_> = machines
                .into_iter()
                .filter(|id| changed || !has_point(id))
                .collect();
            if unprotected.is_empty() {
                continue;
            }
            let id = at_site(format!("recovery-points/{network}"), &at, &site);
            let action = Action::AwaitRecoveryPoints {
                site: at,
                recovery: to,
                machines: unprotected,
            };
            let why = Message::new("why-recovery-points");
            self.step(id, &needs, action, why);
        }
    }
}

/// The id of a step at a site; where all machines of a network are at one, it has no site.
fn at_site(id: String, at: &SiteName, first: &SiteName) -> String {
    match at == first {
        true => id,
        false => format!("{id}/{at}"),
    }
}
