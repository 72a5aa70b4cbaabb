//! An unplanned failover: what must be known of the sites it leaves, and what it leaves undone there (AWS reference §8.4).

use std::collections::BTreeMap;

use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_messages::Message;
use stayput_messages::list::arguments;
use stayput_messages::list::commas;
use stayput_messages::list::first_of;
use stayput_world::Silence;
use stayput_world::System;

use super::Draft;
use crate::Goal;
use crate::Obstacle;
use crate::Warning;
use crate::survey::Place;
use crate::survey::Power;
use crate::survey::power_of;

/// Machines named in a warning before the rest is only counted.
const NAMED: usize = 5;

impl Draft<'_> {
    /// Refuses to leave sites that may still serve the networks, unless they are declared lost, and warns of what is left undone there.
    pub(super) fn leave_sites(&mut self, goal: &Goal) {
        let Goal::Failover { to, .. } = goal else {
            return;
        };
        for site in self.survey.left.clone() {
            let is_lost = self.survey.lost.contains(&site);
            if !is_lost {
                self.no_machine_runs_at(&site, to, goal);
                self.can_be_fenced(&site);
            }
            self.warn_of(&site, is_lost, goal);
        }
    }

    /// Silence is what a lost site gives. One that answers must say that the machines are off; one that refuses us says nothing.
    fn no_machine_runs_at(&mut self, site: &SiteName, to: &SiteName, goal: &Goal) {
        let world = self.survey.world;
        if world.prism.contains_key(site) {
            let machines = self.not_off_at(site);
            if !machines.is_empty() {
                self.obstacle(Obstacle::StillRuns {
                    site: site.clone(),
                    to: to.clone(),
                    networks: goal.networks().clone(),
                    machines,
                });
            }
            return;
        }
        let system = System::PrismCentral(site.clone());
        let known = world.unobserved(&system);
        match known.map(|known| known.silence) {
            Some(Silence::Silent) => {}
            silence @ (Some(Silence::Refused | Silence::Faulty) | None) => {
                self.obstacle(Obstacle::NotObserved {
                    system,
                    silence,
                    why: known.map_or_else(String::new, |known| known.why.clone()),
                    otherwise: Some(Message::new("remedy-add-lost").with("site", site).into()),
                });
            }
        }
    }

    /// Machines of the goal that are at a site and not seen to be off, with their names.
    fn not_off_at(&self, site: &SiteName) -> BTreeMap<InstanceId, String> {
        let survey = self.survey;
        let here = survey
            .places
            .iter()
            .filter(|(_, place)| matches!(place, Place::At(at, _) if at == site));
        here.filter(|(id, _)| survey.power(id) != Power::Off)
            .map(|(id, _)| (id.clone(), survey.label(id)))
            .collect()
    }

    /// The routes to the site can be written, as far as its region answers.
    fn can_be_fenced(&mut self, site: &SiteName) {
        let survey = self.survey;
        let Some(region) = survey.estate.sites.get(site).map(|site| &site.region) else {
            return;
        };
        if survey.world.aws.contains_key(region) {
            return;
        }
        let known = survey.world.unobserved(&System::Aws(region.clone()));
        self.obstacle(Obstacle::FenceNotPossible {
            site: site.clone(),
            region: region.clone(),
            silence: known.map(|known| known.silence),
            why: known.map_or_else(String::new, |known| known.why.clone()),
        });
    }

    /// Says what is not done at a site that is left, and what must happen when it returns.
    fn warn_of(&mut self, site: &SiteName, is_lost: bool, goal: &Goal) {
        let machines = self.machines_left(site);
        let routes = self.routes_left(site, goal);
        let networks = goal.networks();
        let warnings = [
            match is_lost {
                true => Message::new("warning-declared-lost")
                    .with("site", site)
                    .part("machines", machines),
                false => Message::new("warning-left")
                    .with("site", site)
                    .part("machines", machines),
            },
            Message::new("warning-routes-of-site")
                .with("site", site)
                .part("routes", routes),
            Message::new("warning-site-returns")
                .with("site", site)
                .with("networks", arguments(networks)),
        ];
        self.warnings.extend(warnings.map(Warning::general));
        let survey = self.survey;
        let added = survey.added_to_former(site).into_iter();
        self.warnings.extend(added.map(|(machine, addresses)| {
            Warning::general(
                Message::new("warning-added-to-former")
                    .with("label", survey.label(machine))
                    .with("site", site)
                    .with("addresses", commas(addresses)),
            )
        }));
    }

    /// What becomes of machines at a site that is left.
    fn machines_left(&self, site: &SiteName) -> Message {
        let world = self.survey.world;
        if !world.prism.contains_key(site) {
            let known = world.unobserved(&System::PrismCentral(site.clone()));
            return match known {
                Some(known) => Message::new("left-prism-silent").with("verb", known.silence.verb()),
                None => Message::new("left-prism-not-observed"),
            };
        }
        let running = self.seen_on_at(site);
        if running.is_empty() {
            return Message::new("left-none-runs");
        }
        Message::new("left-running")
            .count("machines", running.len())
            .part("names", first_of(NAMED, &running))
    }

    /// What becomes of the routes to a site that is left.
    fn routes_left(&self, site: &SiteName, goal: &Goal) -> Message {
        let survey = self.survey;
        let region = survey.estate.sites.get(site).map(|site| &site.region);
        match region.filter(|region| !survey.world.aws.contains_key(*region)) {
            Some(region) => {
                let known = survey.world.unobserved(&System::Aws(region.clone()));
                match known {
                    Some(known) => Message::new("left-routes-silent")
                        .with("region", region)
                        .with("verb", known.silence.verb())
                        .with("goal", goal),
                    None => Message::new("left-routes-not-observed")
                        .with("region", region)
                        .with("goal", goal),
                }
            }
            None => Message::new("left-routes-fenced"),
        }
    }

    /// Names of the goal's machines of which a VM is seen running at a site, whether they are that VM or were.
    fn seen_on_at(&self, site: &SiteName) -> Vec<String> {
        let survey = self.survey;
        let vms = survey.world.prism.get(site).map(|prism| &prism.vms);
        let is_on = |vm| {
            vms.and_then(|vms| vms.get(vm))
                .is_some_and(|vm| power_of(&vm.power) != Power::Off)
        };
        let runs_here = |id: &&InstanceId| {
            let is = matches!(survey.places.get(*id), Some(Place::At(at, vm)) if at == site && is_on(vm));
            let former = survey.former.get(*id).into_iter().flatten();
            is || former.into_iter().any(|(at, vm)| at == site && is_on(vm))
        };
        let ids = survey.machines.keys();
        ids.filter(runs_here).map(|id| survey.label(id)).collect()
    }
}
