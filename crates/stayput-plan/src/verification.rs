//! Whether a home serves what it should: every machine that ran before runs there, with its own addresses, and is reached; and nothing
//! else answers for them. Pure: `verify` and `status` look at the same.

mod addresses;
mod in_ec2;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;

use serde::Serialize;
use stayput_estate::EdgeName;
use stayput_estate::Estate;
use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_estate::mutants::Mutant;
use stayput_fabric::Fabric;
use stayput_fabric::Source;
use stayput_fabric::Verdict;
use stayput_messages::Message;
use stayput_messages::list::commas;
use stayput_messages::list::text;
use stayput_world::Facts;
use stayput_world::MachineFacts;
use stayput_world::Silence;
use stayput_world::System;
use stayput_world::Unobserved;
use stayput_world::World;
use stayput_world::aws::InstanceState;
use stayput_world::aws::TgwTarget;
use stayput_world::prism::PowerState;
use stayput_world::prism::Vm;

use crate::ExpectedRoute;
use crate::Goal;
use crate::Obstacle;
use crate::proof::home_after;
use crate::survey::Place;
use crate::survey::Survey;
pub use addresses::wrong_addresses;

/// What was expected at a home, what was found, and everything that is wrong.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Verification {
    /// Machines that were looked for.
    pub machines: usize,
    /// Those of them that ran when they were captured, and so must run.
    pub expected: usize,
    /// Those of the expected that run at the home.
    pub found: usize,
    /// Addresses of the expected machines.
    pub addresses: usize,
    /// Those of them that on-prem reaches at the home.
    pub delivered: usize,
    /// Edges that were not read and were taken as down, because their site is declared lost.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub taken_as_down: BTreeSet<EdgeName>,
    /// What is wrong. Empty: all is as it must be.
    pub wrong: Vec<Wrong>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "wrong")]
pub enum Wrong {
    /// A system that must be known for this could not be read.
    Unobserved {
        /// Which, and why.
        system: Unobserved,
    },
    /// Nothing was looked for: a check over nothing is not a pass.
    NoMachines,
    /// It is not known which VM a machine is, or not sure.
    Unknown {
        /// Why.
        obstacle: Box<Obstacle>,
    },
    /// A machine is somewhere else.
    Elsewhere {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// Where it is.
        at: SiteName,
    },
    /// A machine that ran before does not run.
    NotRunning {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// The power state of its VM as reported; `None` if the VM is not listed.
        power: Option<String>,
    },
    /// A machine's NICs do not have exactly its own addresses.
    WrongAddresses {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// What its VM has on the estate's overlay subnets.
        has: BTreeSet<Ipv4Addr>,
        /// What was captured.
        wants: BTreeSet<Ipv4Addr>,
    },
    /// On-prem does not reach an address at the home, or its replies are lost.
    NotReached {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// The address.
        address: Ipv4Addr,
        /// What becomes of packets to it, or of the replies.
        verdict: String,
        /// Whether it is only the reply that is lost.
        reply: bool,
    },
    /// The EC2 instance of a machine that is a VM runs again: its addresses are served twice.
    ServedTwice {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// The state of the instance as reported.
        state: String,
    },
    /// An address was assigned to a machine in EC2 after its addresses were compared for the last time before its cutover: its VM does not
    /// have it.
    AddedInEc2 {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// The addresses.
        addresses: BTreeSet<Ipv4Addr>,
    },
    /// A static route that must be there is not.
    NoRoute {
        /// Which, and where it must lead.
        route: ExpectedRoute,
        /// Where it leads; `None` if it is absent.
        leads: Option<TgwTarget>,
    },
}

impl Wrong {
    /// What is wrong, as a message of the catalogue.
    pub fn message(&self) -> Message {
        match self {
            Self::Unobserved { system } => Message::new("wrong-unobserved")
                .with("system", &system.system)
                .with("verb", system.silence.verb())
                .with("why", &system.why),
            Self::NoMachines => Message::new("wrong-no-machines"),
            Self::Unknown { obstacle } => obstacle.message(),
            Self::Elsewhere { label, at, .. } => Message::new("wrong-elsewhere")
                .with("label", label)
                .with("at", at),
            Self::NotRunning {
                label,
                power: Some(power),
                ..
            } => Message::new("wrong-not-running")
                .with("label", label)
                .with("power", power),
            Self::NotRunning {
                label, power: None, ..
            } => Message::new("wrong-not-running-not-listed").with("label", label),
            Self::WrongAddresses {
                label, has, wants, ..
            } => Message::new("wrong-addresses")
                .with("label", label)
                .part("has", list(has))
                .part("wants", list(wants)),
            Self::NotReached {
                label,
                address,
                verdict,
                reply: false,
                ..
            } => Message::new("wrong-not-reached")
                .with("label", label)
                .with("address", address)
                .with("verdict", verdict),
            Self::NotReached {
                label,
                address,
                verdict,
                reply: true,
                ..
            } => Message::new("wrong-reply-lost")
                .with("label", label)
                .with("address", address)
                .with("verdict", verdict),
            Self::ServedTwice {
                machine,
                label,
                state,
            } => Message::new("wrong-served-twice")
                .with("label", label)
                .with("machine", machine)
                .with("state", state),
            Self::AddedInEc2 {
                machine,
                label,
                addresses,
            } => Message::new("wrong-added-in-ec2")
                .with("label", label)
                .with("machine", machine)
                .with("addresses", commas(addresses)),
            Self::NoRoute { route, leads: None } => Message::new("wrong-no-route")
                .with("cidr", route.cidr)
                .with("table", &route.table)
                .with("region", &route.region)
                .with("to", &route.to),
            Self::NoRoute {
                route,
                leads: Some(leads),
            } => Message::new("wrong-other-route")
                .with("cidr", route.cidr)
                .with("table", &route.table)
                .with("region", &route.region)
                .with("leads", leads)
                .with("to", &route.to),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

fn list(addresses: &BTreeSet<Ipv4Addr>) -> Message {
    match addresses.is_empty() {
        true => Message::new("no-address"),
        false => text(commas(addresses)),
    }
}

impl Verification {
    /// Whether all is as it must be.
    pub fn is_passed(&self) -> bool {
        self.wrong.is_empty() || Mutant::VerificationAlwaysPasses.is_chosen()
    }

    /// Adds those of these routes that are not there. A region that was not observed has none.
    pub fn of_routes(mut self, world: &World, routes: &[ExpectedRoute]) -> Self {
        for route in routes {
            let region = world.aws.get(&route.region);
            let table = region.and_then(|region| region.tgw_route_tables.get(&route.table));
            let leads = table.and_then(|table| table.static_routes.get(&route.cidr));
            if leads != Some(&route.to) {
                self.wrong.push(Wrong::NoRoute {
                    route: route.clone(),
                    leads: leads.cloned(),
                });
            }
        }
        self
    }

    /// One line: how many were expected, found and reached.
    pub fn summary(&self) -> String {
        let summary = Message::new("verification-summary")
            .with("found", self.found)
            .with("expected", self.expected)
            .with("delivered", self.delivered)
            .with("addresses", self.addresses);
        if self.taken_as_down.is_empty() {
            return summary.to_string();
        }
        Message::new("verification-summary-assumed")
            .part("summary", summary)
            .with("edges", commas(&self.taken_as_down))
            .to_string()
    }
}

/// Verifies every home that a goal places machines at; empty for a goal that places none.
pub fn verify_goal(
    estate: &Estate,
    world: &World,
    facts: &Facts,
    goal: &Goal,
) -> BTreeMap<SiteName, Verification> {
    let Some(home) = home_after(estate, goal) else {
        return BTreeMap::new();
    };
    let mut networks: BTreeMap<SiteName, BTreeSet<NetworkName>> = BTreeMap::new();
    for network in goal
        .networks()
        .iter()
        .filter_map(|name| estate.networks.get(name))
    {
        let names = networks.entry(home(network)).or_default();
        names.insert(network.name.clone());
    }
    networks
        .into_iter()
        .filter_map(|(site, names)| {
            let survey = Survey::of_goal(estate, world, facts, &goal.with_networks(names));
            let machines = match survey.are_canaries || site == estate.source.name {
                true => survey.moving.clone(),
                false => BTreeSet::new(),
            };
            // A rollback of a run that moved no machine brings none back.
            if machines.is_empty() && site == estate.source.name {
                return None;
            }
            let verification = verify(&survey, &site, &machines);
            Some((site, verification))
        })
        .collect()
}

/// Verifies that `site` serves the machines of a survey's networks; of them only `machines`, if any are named. The source's name stands for
/// EC2.
pub fn verify(
    survey: &Survey<'_>,
    site: &SiteName,
    machines: &BTreeSet<InstanceId>,
) -> Verification {
    let fabric = survey.fabric();
    let wanted = |id: &InstanceId| machines.is_empty() || machines.contains(id);
    let mut found = Verification {
        taken_as_down: survey.edges_taken_as_down().cloned().collect(),
        ..Verification::default()
    };
    found.wrong.extend(unobserved(survey, site));
    let unknown = survey.obstacles.iter().filter(|obstacle| {
        let whose = obstacle.whose_place_is_unknown();
        whose.is_some_and(wanted)
    });
    let mut of_unknown = 0;
    for obstacle in unknown {
        of_unknown += 1;
        found.wrong.push(Wrong::Unknown {
            obstacle: Box::new(obstacle.clone()),
        });
    }
    for (id, facts) in survey.machines.iter().filter(|(id, _)| wanted(id)) {
        found.machines += 1;
        match *site == survey.estate.source.name {
            true => in_ec2::machine(survey, &fabric, id, facts, &mut found),
            false => machine(survey, &fabric, site, id, facts, &mut found),
        }
    }
    if found.machines + of_unknown == 0 {
        found.wrong.push(Wrong::NoMachines);
    }
    found
}

/// Systems without which nothing can be said about the home.
fn unobserved(survey: &Survey<'_>, site: &SiteName) -> Vec<Wrong> {
    let world = survey.world;
    let source = &survey.estate.source.region;
    let mut needed = match site == &survey.estate.source.name {
        // What the machines were must be off.
        true => in_ec2::former_sites(survey)
            .into_iter()
            .map(System::PrismCentral)
            .collect(),
        false => vec![System::PrismCentral(site.clone())],
    };
    needed.extend(
        survey
            .estate
            .sites
            .get(site)
            .map(|site| System::Aws(site.region.clone())),
    );
    // Whether a source runs again cannot be asked of a region that is lost.
    if survey.lost.is_empty() {
        needed.push(System::Aws(source.clone()));
    }
    needed.dedup();
    let missing = needed.iter().filter_map(|system| world.unobserved(system));
    // A region that answers is up, whatever is declared of its site: packets may enter there.
    let sites = survey.lost.iter();
    let answering = sites
        .filter_map(|site| survey.estate.sites.get(site))
        .filter_map(|site| world.unobserved(&System::Aws(site.region.clone())))
        .filter(|system| system.silence != Silence::Silent);
    missing
        .chain(answering)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(|system| Wrong::Unobserved {
            system: system.clone(),
        })
        .collect()
}

fn machine(
    survey: &Survey<'_>,
    fabric: &Fabric,
    site: &SiteName,
    id: &InstanceId,
    facts: &MachineFacts,
    found: &mut Verification,
) {
    let label = || facts.label(id);
    let at = match survey.places.get(id) {
        Some(Place::At(at, _)) => at.clone(),
        Some(Place::Ec2) | None => survey.estate.source.name.clone(),
    };
    let must_run = facts.was_running;
    found.expected += usize::from(must_run);
    if must_run {
        found.addresses += facts.addresses().count();
    }
    if at != *site {
        found.wrong.push(Wrong::Elsewhere {
            machine: id.clone(),
            label: label(),
            at,
        });
        return;
    }
    let vm = survey.vm_at(id, site).map(|(_, vm)| vm);
    let runs = vm.is_some_and(|vm| vm.power == PowerState::On);
    found.found += usize::from(must_run && runs);
    if must_run && !runs {
        found.wrong.push(Wrong::NotRunning {
            machine: id.clone(),
            label: label(),
            power: vm.map(power),
        });
    }
    found.wrong.extend(addresses::nics(survey, id));
    if let Some(state) = survey.runs_in_ec2_again(id) {
        found.wrong.push(Wrong::ServedTwice {
            machine: id.clone(),
            label: label(),
            state,
        });
    }
    if survey.compares_source {
        found.wrong.extend(addresses::added(survey, id));
    }
    if runs {
        reach(survey, fabric, site, id, facts, found);
    }
}

/// Whether on-prem reaches every address of a machine at a site.
fn reach(
    survey: &Survey<'_>,
    fabric: &Fabric,
    site: &SiteName,
    id: &InstanceId,
    facts: &MachineFacts,
    found: &mut Verification,
) {
    let must_run = facts.was_running;
    for address in facts.addresses() {
        let trip = fabric.round_trip(&Source::OnPrem, address);
        let forward = &trip.forward.verdict;
        let arrives = forward.is_delivered() && forward.site() == Some(site);
        let lost = match &trip.back {
            _ if !arrives => Some((forward, false)),
            Some(back) if is_lost(&back.verdict) => Some((&back.verdict, true)),
            Some(_) | None => None,
        };
        match lost {
            None => found.delivered += usize::from(must_run),
            Some((verdict, reply)) => found.wrong.push(Wrong::NotReached {
                machine: id.clone(),
                label: survey.label(id),
                address,
                verdict: verdict.to_string(),
                reply,
            }),
        }
    }
}

/// Whether a reply with this end does not arrive. One that leaves what is modelled is not known to be lost.
fn is_lost(verdict: &Verdict) -> bool {
    !verdict.is_delivered() && !matches!(verdict, Verdict::Unmodelled { .. })
}

fn power(vm: &Vm) -> String {
    match &vm.power {
        PowerState::On => "on".to_owned(),
        PowerState::Off => "off".to_owned(),
        PowerState::Other(other) => other.clone(),
    }
}

impl Survey<'_> {
    /// The state of a machine's EC2 instance, if the machine is a VM and the instance may answer for its addresses besides.
    pub fn runs_in_ec2_again(&self, id: &InstanceId) -> Option<String> {
        match self.places.get(id)? {
            Place::At(..) => {}
            Place::Ec2 => return None,
        }
        let source = self.world.aws.get(&self.estate.source.region)?;
        match &source.instances.get(id)?.state {
            InstanceState::Running => Some("running".to_owned()),
            InstanceState::Pending => Some("pending".to_owned()),
            InstanceState::Unknown(state) => Some(state.clone()),
            InstanceState::Stopping
            | InstanceState::Stopped
            | InstanceState::ShuttingDown
            | InstanceState::Terminated => None,
        }
    }
}
