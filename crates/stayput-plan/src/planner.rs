//! The planner: from world, facts and goal to a plan, or to everything that stands in the way. Pure.

mod age;
mod clean_up;
mod drill;
mod entry;
mod fitness;
mod home;
mod leave;
mod machines;
mod nics;
mod overlay;
mod protect;
mod protection;
mod readable;
mod relocate;
mod returns;
mod rollback;
mod systems;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Arc;

use smol_str::SmolStr;
use stayput_estate::AddrRange;
use stayput_estate::Cidr;
use stayput_estate::Estate;
use stayput_estate::NetworkName;
use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_estate::TgwRouteTableId;
use stayput_estate::VpcId;
use stayput_fabric::Fabric;
use stayput_messages::Message;
use stayput_messages::clean;
use stayput_messages::list::commas;
use stayput_messages::list::text;
use stayput_world::Facts;
use stayput_world::World;
use stayput_world::aws::AttachmentKind;
use stayput_world::aws::TgwTarget;

use crate::Action;
use crate::EntryPath;
use crate::FailoverMode;
use crate::Finding;
use crate::Goal;
use crate::Names;
use crate::Obstacle;
use crate::PLAN_VERSION;
use crate::Phase;
use crate::Plan;
use crate::Step;
use crate::StepId;
use crate::Warning;
use crate::capture;
use crate::outage::outages;
use crate::preflight;
use crate::proof;
use crate::step::ErpScope;
use crate::survey::Place;
use crate::survey::Survey;
use home::HomeChange;
use rollback::Undo;

/// Makes the plan that leads from `world` to `goal`.
///
/// The same inputs give the same plan. A goal that is reached already gives a plan without steps.
///
/// # Errors
/// Every obstacle found, in a stable order.
pub fn plan(
    estate: &Estate,
    world: &World,
    facts: &Facts,
    goal: &Goal,
) -> Result<Plan, Vec<Obstacle>> {
    let survey = Survey::of_goal(estate, world, facts, goal);
    let mut draft = Draft::new(&survey);
    draft.machines_are_fine(goal);
    // What was not observed is unknown: whatever else could be said of it would be a guess.
    let unobserved = draft.not_observed(goal);
    if !unobserved.is_empty() {
        draft.obstacles.extend(unobserved);
        return Err(draft.obstacles.into_iter().collect());
    }
    draft.leave_sites(goal);
    for network in goal.networks() {
        if !estate.networks.contains_key(network) {
            let network = network.clone();
            draft.obstacles.insert(Obstacle::NoMachines { network });
        }
    }
    // Of a VPC that is not seen the machines are unknown, not absent.
    let unseen = |obstacle: &Obstacle| matches!(obstacle, Obstacle::SourceNotSeen { .. });
    let is_source_seen = !draft.obstacles.iter().any(unseen);
    for network in &survey.networks {
        if is_source_seen && !survey.has_machines_in(&network.name) {
            draft.obstacles.insert(Obstacle::NoMachines {
                network: network.name.clone(),
            });
        }
    }
    match goal {
        Goal::Capture { .. } => draft.capture(),
        Goal::Move { .. } => draft.move_in(),
        Goal::Protect { .. } => draft.protect(),
        Goal::Failover { to, mode, path, .. } => {
            for network in &survey.networks {
                if network.recovery.as_ref() != Some(to) && network.primary != *to {
                    let obstacle = Obstacle::NotRecoverySite {
                        network: network.name.clone(),
                        site: to.clone(),
                    };
                    draft.obstacles.insert(obstacle);
                }
            }
            match mode {
                FailoverMode::Planned | FailoverMode::Unplanned => {
                    let networks = draft.networks_by(|network| {
                        let serves =
                            network.primary == *to || network.recovery.as_ref() == Some(to);
                        serves.then(|| to.clone())
                    });
                    draft.relocate_each(networks, *path);
                }
                FailoverMode::Test => draft.test_failover(to),
            }
        }
        Goal::Failback { .. } => {
            let networks = draft.networks_by(|network| Some(network.primary.clone()));
            draft.relocate_each(networks, EntryPath::A);
        }
        Goal::CleanUp { site, remove, .. } => draft.clean_up(site, *remove),
        Goal::Rollback { run, of, did, .. } => draft.roll_back(&Undo { run, of, did }),
    }

    let end = draft.fabric_so_far();
    let Draft {
        steps,
        mut obstacles,
        mut no_order,
        warnings,
        ..
    } = draft;
    if obstacles.is_empty() {
        obstacles.append(&mut no_order);
    }
    let mut proof = None;
    if obstacles.is_empty() {
        let (proven, refused) = proof::prove(&survey, &steps, goal, &end);
        obstacles = refused;
        proof = Some(proven);
    }
    let mut findings = preflight::findings(&survey, end, goal);
    findings.extend(
        proof
            .iter()
            .flat_map(|proof| &proof.asymmetric)
            .map(Finding::from),
    );
    let findings = preflight::weigh(estate, findings, &mut obstacles);
    let (Some(proof), true) = (proof, obstacles.is_empty()) else {
        return Err(obstacles.into_iter().collect());
    };
    Ok(Plan {
        outages: outages(&survey, &steps),
        version: PLAN_VERSION,
        estate: estate.name.clone(),
        goal: goal.clone(),
        names: names(&survey),
        steps,
        proof,
        warnings,
        findings,
    })
}

/// Proves steps in the order given, also those that the planner did not make: a plan from a file, or an order to be refused.
///
/// # Errors
/// What the proof refuses, in a stable order.
pub fn prove(
    estate: &Estate,
    world: &World,
    facts: &Facts,
    goal: &Goal,
    steps: &[Step],
) -> Result<proof::Proof, Vec<Obstacle>> {
    let survey = Survey::of_goal(estate, world, facts, goal);
    let end = proof::end(&survey, steps);
    let (proof, obstacles) = proof::prove(&survey, steps, goal, &end);
    if obstacles.is_empty() {
        Ok(proof)
    } else {
        Err(obstacles.into_iter().collect())
    }
}

/// Names for people of what a plan may mention.
fn names(survey: &Survey<'_>) -> Names {
    let estate = survey.estate;
    let mut names = BTreeMap::new();
    for (id, machine) in &survey.machines {
        names.extend(
            machine
                .name
                .as_deref()
                .map(|name| (id.to_string(), clean(name))),
        );
    }
    let vpc_name = |vpc: &VpcId| {
        let sites = estate.sites.values().map(|site| (&site.vpc, &site.name));
        let mut all = sites.chain([(&estate.source.vpc, &estate.source.name)]);
        all.find(|(id, _)| *id == vpc)
            .map_or_else(|| vpc.to_string(), |(_, name)| name.to_string())
    };
    for region in survey.world.aws.values() {
        for (id, table) in &region.tgw_route_tables {
            names.extend(
                table
                    .name
                    .as_deref()
                    .map(|name| (id.to_string(), clean(name))),
            );
        }
    }
    for region in survey.world.aws.values() {
        for (id, attachment) in &region.attachments {
            let name = match &attachment.kind {
                AttachmentKind::Vpc { vpc, .. } => Message::new("name-vpc-attachment")
                    .with("site", vpc_name(vpc))
                    .into(),
                AttachmentKind::Peering { .. } => Message::new("name-peering").into(),
                AttachmentKind::Vpn(_) => Message::new("name-vpn").into(),
                AttachmentKind::DirectConnect(_) => Message::new("name-direct-connect").into(),
                AttachmentKind::Unknown { resource_type, .. } => resource_type.clone(),
            };
            names.insert(id.to_string(), name);
        }
    }
    Names(names)
}

/// A plan in the making.
struct Draft<'s> {
    survey: &'s Survey<'s>,
    /// The phase that steps are being added to.
    phase: Phase,
    /// In order of their phases, as the planner goes through these one by one.
    steps: Vec<Step>,
    /// The phase of each step so far; only looked up.
    phases: HashMap<StepId, Phase>,
    obstacles: BTreeSet<Obstacle>,
    /// Networks whose calls have no safe order: said only where nothing else is in the way, which may be why.
    no_order: BTreeSet<Obstacle>,
    warnings: Vec<Warning>,
    /// The last step that changes the prefixes of a Flow VPC. Prism takes the whole list, so changes of one VPC must not
    /// overlap: a task accepted with a good ETag may still be overtaken before it runs.
    last_erp: BTreeMap<(SiteName, ErpScope), StepId>,
    /// What the last step that writes a static route leaves there.
    last_route: BTreeMap<(Region, TgwRouteTableId, Cidr), Option<TgwTarget>>,
    /// Where packets go when the first so many steps are done.
    so_far: Option<(usize, Fabric)>,
    /// DHCP pools of production overlay subnets, by site and network: looked up for every machine, so found once.
    pools: BTreeMap<(SiteName, NetworkName), Vec<AddrRange>>,
}

/// A step whose place in the plan is not known yet.
#[derive(Debug, Clone)]
struct Prepared {
    id: SmolStr,
    action: Action,
    why: SmolStr,
    inverse: Option<Action>,
}

impl<'s> Draft<'s> {
    fn new(survey: &'s Survey<'s>) -> Self {
        Self {
            survey,
            phase: Phase::Prepare,
            steps: Vec::new(),
            phases: HashMap::new(),
            obstacles: survey.obstacles.clone(),
            no_order: BTreeSet::new(),
            warnings: Vec::new(),
            last_erp: BTreeMap::new(),
            last_route: BTreeMap::new(),
            so_far: None,
            pools: BTreeMap::new(),
        }
    }

    /// The set, shared with the step before if that has the same.
    fn shared(&self, needs: &BTreeSet<StepId>) -> Arc<BTreeSet<StepId>> {
        match self.steps.last() {
            Some(last) if *last.needs == *needs => Arc::clone(&last.needs),
            _ => Arc::new(needs.clone()),
        }
    }

    /// Adds a step and gives its id.
    fn step(
        &mut self,
        id: impl Into<SmolStr>,
        needs: &BTreeSet<StepId>,
        action: Action,
        why: impl Into<SmolStr>,
    ) -> StepId {
        let prepared = Prepared {
            id: id.into(),
            action,
            why: why.into(),
            inverse: None,
        };
        self.add(prepared, needs)
    }

    /// Adds a step that has been prepared. Changes of one Flow VPC's prefixes also wait for each other.
    fn add(&mut self, prepared: Prepared, needs: &BTreeSet<StepId>) -> StepId {
        let Prepared {
            id,
            action,
            why,
            inverse,
        } = prepared;
        let id = StepId(id);
        let mut needs = needs.clone();
        if let Action::Erp { site, scope, .. } = &action {
            let last = self.last_erp.insert((site.clone(), *scope), id.clone());
            needs.extend(last);
        }
        if let Action::TgwRoute {
            region,
            table,
            cidr,
            to,
            ..
        } = &action
        {
            let route = (region.clone(), table.clone(), *cidr);
            self.last_route.insert(route, to.clone());
        }
        // What belongs to an earlier phase is done before this one begins.
        needs.retain(|need| self.phases.get(need) == Some(&self.phase));
        self.phases.insert(id.clone(), self.phase);
        self.steps.push(Step {
            id: id.clone(),
            phase: self.phase,
            needs: self.shared(&needs),
            action,
            why,
            inverse,
        });
        id
    }

    fn obstacle(&mut self, obstacle: Obstacle) {
        self.obstacles.insert(obstacle);
    }

    /// Writes what is not yet in the ledger.
    fn capture(&mut self) {
        let machines = &self.survey.uncaptured;
        if machines.is_empty() {
            return;
        }
        let why = Message::new("why-capture");
        let action = Action::Capture {
            machines: machines.clone(),
        };
        self.step("capture".to_owned(), &BTreeSet::new(), action, why);
    }

    /// EC2 → primary site.
    fn move_in(&mut self) {
        let estate = self.survey.estate;
        if let Some(region) = self.survey.world.aws.get(&estate.source.region) {
            let networks = self.survey.networks.iter();
            let networks = networks.map(|network| network.name.clone()).collect();
            self.obstacles
                .extend(capture::other_cidrs(estate, region, &networks));
            self.warnings
                .extend(capture::left_behind(estate, region, &networks));
            self.warnings.extend(region.unreadable.iter().map(|odd| {
                Warning::general(
                    Message::new("warning-not-looked-at")
                        .with("kind", &odd.kind)
                        .with("id", &odd.id)
                        .with("region", &estate.source.region)
                        .with("why", &odd.why),
                )
            }));
            for (id, machine) in &self.survey.machines {
                if self.survey.moving.contains(id)
                    && self.survey.places.get(id) == Some(&Place::Ec2)
                {
                    self.warnings.extend(capture::losses(region, id, machine));
                }
            }
        }
        for (id, place) in &self.survey.places {
            if let Place::At(site, _) = place
                && let Some(machine) = self.survey.machines.get(id)
                && let Some(primary) = machine
                    .nics
                    .first()
                    .and_then(|nic| estate.networks.get(&nic.network))
                && primary.primary != *site
                && self.survey.moving.contains(id)
            {
                self.obstacles.insert(Obstacle::Elsewhere {
                    machine: id.clone(),
                    label: machine.label(id),
                    at: site.clone(),
                    wanted: primary.primary.clone(),
                });
            }
        }
        self.left_out();
        self.capture();
        let survey = self.survey;
        let by_primary = self.networks_by(|network| {
            let mut moving = survey.machines_in(&network.name);
            let any = moving.any(|(id, _)| survey.moving.contains(id));
            (any || !survey.are_canaries).then(|| network.primary.clone())
        });
        for (site, networks) in &by_primary {
            self.prepare_overlay(site, networks);
        }
        self.finish_returns(by_primary.keys().cloned());
        self.phase = Phase::Seed;
        let batches: Vec<_> = by_primary
            .iter()
            .map(|(site, networks)| {
                if self.can_be_migrated_to(site, networks) {
                    self.seed(site, networks)
                } else {
                    machines::Batches::new()
                }
            })
            .collect();
        self.phase = Phase::CutOver;
        for ((site, networks), batches) in by_primary.iter().zip(&batches) {
            self.cut_over(site, networks, batches);
        }
        let changes = by_primary.iter().map(|(site, networks)| HomeChange {
            home: site,
            networks,
            old_home: None,
            path: EntryPath::A,
        });
        self.make_homes(changes.collect());
    }

    /// Whether machines can be migrated to a site, or none of these networks has to be: without any, Move is not needed.
    fn can_be_migrated_to(&mut self, site: &SiteName, networks: &BTreeSet<NetworkName>) -> bool {
        let survey = self.survey;
        if survey
            .estate
            .sites
            .get(site)
            .is_none_or(|site| site.mv.is_some())
        {
            return true;
        }
        let firsts = networks
            .iter()
            .flat_map(|network| self.first_nic_in(network));
        let machines = firsts
            .filter(|id| survey.moving.contains(id) && survey.places.get(id) == Some(&Place::Ec2))
            .count();
        if machines > 0 {
            let site = site.clone();
            self.obstacle(Obstacle::NoMove { site, machines });
        }
        machines == 0
    }

    /// Says what becomes of machines that are left out of the move of their network.
    fn left_out(&mut self) {
        let survey = self.survey;
        for id in &survey.left_out {
            let label = match survey.machines.get(id) {
                Some(facts) => Message::new("machine-with-id")
                    .with("label", facts.label(id))
                    .with("machine", id),
                None => text(id),
            };
            let facts = survey.machines.get(id);
            let addresses = facts.into_iter().flat_map(|facts| facts.addresses());
            let addresses: Vec<_> = addresses.collect();
            let warning = match survey.places.get(id) {
                Some(Place::At(site, vm)) => Message::new("warning-left-out-at-site")
                    .part("machine", label)
                    .with("vm", vm)
                    .with("site", site),
                Some(Place::Ec2) => Message::new("warning-left-out-in-ec2")
                    .part("machine", label)
                    .count("count", addresses.len())
                    .with("addresses", commas(addresses)),
                None => Message::new("warning-left-out").part("machine", label),
            };
            self.warnings.push(Warning::general(warning));
        }
    }

    /// Networks from where they are to the NC2 sites they are listed by.
    fn relocate_each(
        &mut self,
        networks: BTreeMap<SiteName, BTreeSet<NetworkName>>,
        path: EntryPath,
    ) {
        self.capture();
        let mut relocations = Vec::new();
        for (site, networks) in &networks {
            relocations.extend(self.prepare_relocation(site, networks));
        }
        self.phase = Phase::CutOver;
        for relocation in &relocations {
            self.recover(relocation);
        }
        let changes = relocations.iter().map(|relocation| HomeChange {
            home: relocation.to,
            networks: relocation.networks,
            old_home: Some(&relocation.from),
            path,
        });
        let changes: Vec<_> = changes.collect();
        for change in &changes {
            self.path_is_kept(change);
        }
        self.make_homes(changes);
    }

    /// The goal's networks grouped by a site of theirs.
    fn networks_by(
        &self,
        site: impl Fn(&stayput_estate::Network) -> Option<SiteName>,
    ) -> BTreeMap<SiteName, BTreeSet<NetworkName>> {
        let mut groups: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for network in &self.survey.networks {
            if let Some(site) = site(network) {
                groups.entry(site).or_default().insert(network.name.clone());
            }
        }
        groups
    }
}
