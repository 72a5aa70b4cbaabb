//! Taking back what a run did: machines that were moved go back to EC2, machines that were failed over go home, and routes lead where they led.
//! What cannot be restored is refused with the reason.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_fabric::Reachability;
use stayput_messages::Message;
use stayput_messages::list::first_of;
use stayput_world::aws::TgwTarget;
use stayput_world::prism::JobStatus;
use stayput_world::prism::RecoveryAction;

use super::Draft;
use super::Prepared;
use super::protect::recovery_name;
use crate::Action;
use crate::EntryPath;
use crate::ExpectedRoute;
use crate::FailoverMode;
use crate::Goal;
use crate::NotUndone;
use crate::Obstacle;
use crate::Phase;
use crate::RouteRecord;
use crate::RunId;
use crate::RunRecord;
use crate::Warning;
use crate::proof::home_before;
use crate::routes::RouteWrite;
use crate::step::ErpScope;
use crate::survey::Place;

/// Things that a warning names before the rest is only counted.
const NAMED: usize = 5;

/// A run that is taken back.
pub(super) struct Undo<'g> {
    pub(super) run: &'g RunId,
    pub(super) of: &'g Goal,
    pub(super) did: &'g RunRecord,
}

impl Draft<'_> {
    /// Takes back what a run did.
    pub(super) fn roll_back(&mut self, undo: &Undo<'_>) {
        match undo.of {
            Goal::Capture { .. } => {
                let text = Message::new("warning-facts-stay");
                self.warnings.push(Warning::general(text));
            }
            Goal::Move { .. } => self.return_to_ec2(undo),
            Goal::Failover {
                mode: FailoverMode::Planned,
                ..
            }
            | Goal::Failback { .. } => self.home_again(undo),
            Goal::Failover {
                to,
                mode: FailoverMode::Unplanned,
                ..
            } => self.undo_unplanned(undo, to),
            Goal::Failover {
                to,
                mode: FailoverMode::Test,
                ..
            } => self.remove_copies(undo, to),
            Goal::Protect { .. } if undo.did.made.is_empty() => {}
            Goal::Protect { .. } => {
                let made = undo.did.made.clone();
                self.not_undone(undo, NotUndone::Protection { made });
            }
            Goal::CleanUp { .. } if undo.did.put_away.is_empty() => {}
            Goal::CleanUp { .. } => {
                let vms = undo.did.put_away.clone();
                self.not_undone(undo, NotUndone::PutAway { vms });
            }
            Goal::Rollback { of, .. } => {
                let of = of.to_string();
                self.not_undone(undo, NotUndone::IsRollback { of });
            }
        }
    }

    pub(super) fn not_undone(&mut self, undo: &Undo<'_>, why: NotUndone) {
        self.obstacle(Obstacle::NotUndone {
            run: undo.run.clone(),
            why: Box::new(why),
        });
    }

    /// Machines that are at a site go home. Those that have not left are there already.
    fn home_again(&mut self, undo: &Undo<'_>) {
        let Some(home) = home_before(undo.of) else {
            return;
        };
        self.no_recovery_runs(undo);
        let networks = self.networks_by(|network| Some(home(network)));
        for (to, names) in &networks {
            if let Some(from) = self.where_away(names, to) {
                let text = Message::new("warning-nothing-is-lost").with("at", from);
                self.warnings.push(Warning::general(text));
            }
        }
        let path = match undo.of {
            Goal::Failback { .. } if self.led_by_halves(undo.did) => EntryPath::B,
            Goal::Failback { .. } => EntryPath::Keep,
            _ => EntryPath::A,
        };
        self.relocate_each(networks, path);
    }

    /// Whether the run removed halves of a network: on-prem came in by the region of its home before.
    fn led_by_halves(&self, did: &RunRecord) -> bool {
        let mut removed = did.routes.iter().filter(|route| route.before.is_some());
        removed.any(|route| {
            let mut networks = self.survey.networks.iter();
            networks.any(|network| {
                let mut halves = network.cidr.halves().into_iter().flatten();
                halves.any(|half| half == route.cidr)
            })
        })
    }

    /// A site other than `home` where a machine of these networks is.
    fn where_away(&self, networks: &BTreeSet<NetworkName>, home: &SiteName) -> Option<SiteName> {
        let mut machines = networks
            .iter()
            .flat_map(|network| self.first_nic_in(network));
        machines.find_map(|id| match self.survey.places.get(&id) {
            Some(Place::At(at, _)) if at != home => Some(at.clone()),
            Some(Place::At(..) | Place::Ec2) | None => None,
        })
    }

    /// Refuses while a recovery plan of these networks moves machines: where they will be is not known yet.
    fn no_recovery_runs(&mut self, undo: &Undo<'_>) {
        let survey = self.survey;
        let plans: BTreeSet<_> = survey
            .networks
            .iter()
            .map(|network| recovery_name(survey.estate, &network.name))
            .collect();
        let mut found = BTreeSet::new();
        for (site, prism) in &survey.world.prism {
            for job in prism.jobs.values().filter(|job| runs(&job.status)) {
                let plan = prism.recovery_plans.get(&job.plan);
                let plan = plan.filter(|plan| plans.contains(&plan.name));
                if let Some(plan) = plan
                    && job.action != RecoveryAction::Validate
                {
                    found.insert((site.clone(), plan.name.clone()));
                }
            }
        }
        for (site, plan) in found {
            self.not_undone(undo, NotUndone::RecoveryRuns { site, plan });
        }
    }

    /// Before a machine has started elsewhere only routes are taken back; then the old site is behind.
    fn undo_unplanned(&mut self, undo: &Undo<'_>, to: &SiteName) {
        self.no_recovery_runs(undo);
        let Some(home) = home_before(undo.of) else {
            return;
        };
        let mut old = BTreeMap::new();
        for network in &self.survey.networks {
            let machines = self.first_nic_in(&network.name);
            let is_there = |id: &InstanceId| matches!(self.survey.places.get(id), Some(Place::At(at, _)) if at == to);
            let started = machines.iter().any(is_there);
            let names: &mut (BTreeSet<_>, bool) = old.entry(home(network)).or_default();
            names.0.insert(network.name.clone());
            names.1 |= started;
        }
        let mut all_at_home = true;
        for (site, (networks, started)) in &old {
            if *started {
                all_at_home = false;
                let why = NotUndone::OldSiteLost {
                    site: site.clone(),
                    at: to.clone(),
                    networks: networks.clone(),
                };
                self.not_undone(undo, why);
            }
        }
        if !all_at_home {
            return;
        }
        self.routes_back(undo);
        let has_work = !self.steps.is_empty();
        self.phase = Phase::Verify;
        for (site, (networks, _)) in old.into_iter().filter(|_| has_work) {
            let text = Message::new("warning-failover-undone-before-recovery").with("home", &site);
            self.warnings.push(Warning::general(text));
            self.verify_at(&site, networks, BTreeSet::new(), undo.did);
        }
    }

    /// Removes the copies that the run's tests have made.
    fn remove_copies(&mut self, undo: &Undo<'_>, site: &SiteName) {
        self.no_recovery_runs(undo);
        let Some(prism) = self.survey.world.prism.get(site) else {
            return;
        };
        self.phase = Phase::Close;
        for (plan, jobs) in &undo.did.tests {
            let own = jobs.iter().filter_map(|job| prism.jobs.get(job));
            let mut copies = own.flat_map(|job| job.recovered.values());
            if copies.any(|copy| prism.vms.contains_key(copy)) {
                let action = Action::RemoveCopies {
                    plan: plan.clone(),
                    site: site.clone(),
                    jobs: jobs.clone(),
                };
                let why = Message::new("why-remove-copies");
                let id = format!("remove-copies/{plan}/{site}");
                self.step(id, &BTreeSet::new(), action, why);
            }
        }
    }

    /// Routes and prefixes as they were before the run, in the best safe order.
    pub(super) fn routes_back(&mut self, undo: &Undo<'_>) {
        self.phase = Phase::Route;
        let fabric = self.fabric_so_far();
        let addresses = self.addresses_of_interest(&fabric);
        let now = Reachability::of(fabric, []);
        let home = &self.survey.estate.source.name;
        let mut chains = Vec::new();
        for network in self.survey.networks.clone() {
            let mut calls = Vec::new();
            for (site, cidr) in &undo.did.prefixes {
                if *cidr == network.cidr {
                    let prefix = self.prepare_erp(site, &network.name, ErpScope::Transit, false);
                    calls.extend(prefix);
                }
            }
            let routes = undo.did.routes.iter();
            for route in routes.filter(|route| network.cidr.covers(route.cidr)) {
                calls.extend(self.route_back(undo, route));
            }
            chains.extend(self.chain(&now, &addresses, &network.name, home, calls));
        }
        self.link(chains);
    }

    /// The call that makes a route what it was.
    fn route_back(&mut self, undo: &Undo<'_>, route: &RouteRecord) -> Option<Prepared> {
        let RouteRecord {
            region,
            table,
            cidr,
            before,
            written,
            is_written,
        } = route;
        let known = self.survey.world.aws.get(region)?;
        let known = known.tgw_route_tables.get(table);
        let found = known.and_then(|table| table.static_routes.get(cidr).cloned());
        if found == *before {
            return None;
        }
        if !written.contains(&found) {
            // What the run never changed is not its to take back.
            if *is_written {
                let why = NotUndone::RouteChanged {
                    region: region.clone(),
                    table: table.clone(),
                    cidr: *cidr,
                    found,
                    before: before.clone(),
                };
                self.not_undone(undo, why);
            }
            return None;
        }
        let write = RouteWrite {
            region: region.clone(),
            table: table.clone(),
            cidr: *cidr,
            from: found,
            to: before.clone(),
        };
        Some(self.route_step(write, Message::new("why-route-back")))
    }

    /// Everything is observed again: the machines are reached where they are, and routes that were there before are there.
    pub(super) fn verify_at(
        &mut self,
        site: &SiteName,
        networks: BTreeSet<NetworkName>,
        machines: BTreeSet<InstanceId>,
        did: &RunRecord,
    ) {
        let estate = self.survey.estate;
        let of_networks = |route: &&RouteRecord| {
            let mut networks = networks.iter().filter_map(|name| estate.networks.get(name));
            route.is_written && networks.any(|network| network.cidr.covers(route.cidr))
        };
        let routes = did.routes.iter().filter(of_networks);
        let routes: Vec<_> = routes
            .filter_map(|route| {
                let to: TgwTarget = route.before.clone()?;
                Some(ExpectedRoute {
                    region: route.region.clone(),
                    table: route.table.clone(),
                    cidr: route.cidr,
                    to,
                })
            })
            .collect();
        let action = Action::Verify {
            site: site.clone(),
            networks,
            machines,
            lost: BTreeSet::new(),
            routes,
        };
        let why = Message::new("why-verify-rollback");
        self.step(format!("verify/{site}"), &BTreeSet::new(), action, why);
    }

    /// Says what stays of what the run made.
    pub(super) fn made_stays(&mut self, did: &RunRecord) {
        if !did.made.is_empty() {
            let made = first_of(NAMED, &did.made);
            let text = Message::new("warning-made-stays").part("made", made);
            self.warnings.push(Warning::general(text));
        }
    }
}

fn runs(status: &JobStatus) -> bool {
    match status {
        JobStatus::Queued | JobStatus::Running | JobStatus::Unknown(_) => true,
        JobStatus::Succeeded
        | JobStatus::SucceededWithWarnings
        | JobStatus::Failed
        | JobStatus::Aborted => false,
    }
}
