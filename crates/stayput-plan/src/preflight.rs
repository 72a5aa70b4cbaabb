//! What is wrong with the routing for a goal, before anything is done: asked of the model, in the present and in the state the plan leads to.

mod neighbours;
mod quotas;
mod tables;
mod ways;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::Estate;
use stayput_estate::Nc2Site;
use stayput_estate::Network;
use stayput_fabric::Fabric;

use crate::Finding;
use crate::Goal;
use crate::Obstacle;
use crate::finding::Bearing;
use crate::proof::home_after;
use crate::survey::Survey;

/// What a goal is looked at with.
struct Look<'a> {
    survey: &'a Survey<'a>,
    goal: &'a Goal,
    /// The present.
    now: Fabric,
    /// When the plan is done.
    end: Fabric,
    /// Networks that get a home, with that home.
    homes: Vec<(&'a Network, &'a Nc2Site)>,
}

/// Everything found; `end` is where packets go when the plan is done. A goal that changes no routes gives nothing.
pub(crate) fn findings(survey: &Survey<'_>, end: Fabric, goal: &Goal) -> BTreeSet<Finding> {
    let Some(home) = home_after(survey.estate, goal) else {
        return BTreeSet::new();
    };
    let homes = survey.networks.iter().filter_map(|network| {
        let site = survey.estate.sites.get(&home(network))?;
        let mut moving = survey.machines_in(&network.name);
        moving
            .any(|(id, _)| survey.moving.contains(id))
            .then_some((*network, site))
    });
    let look = Look {
        survey,
        goal,
        now: survey.fabric(),
        end,
        homes: homes.collect(),
    };
    let mut found = BTreeSet::new();
    look.ways(&mut found);
    look.tables(&mut found);
    look.neighbours(&mut found);
    look.quotas(&mut found);
    found
}

impl Look<'_> {
    /// An address of the network whose machine runs and moves; failing that, one that might.
    fn representative(&self, network: &Network) -> Option<Ipv4Addr> {
        let machines = self.survey.machines_in(&network.name);
        let mut running = machines
            .filter(|(id, _)| self.survey.moving.contains(*id) && self.survey.runs(id))
            .flat_map(|(_, machine)| machine.addresses())
            .filter(|address| network.cidr.contains(*address));
        running.next()
    }
}

/// What of the findings stops a plan, beside what already does; the rest is told with it. What a finding says with the reason is not said
/// a second time in general words.
pub(crate) fn weigh(
    estate: &Estate,
    findings: BTreeSet<Finding>,
    obstacles: &mut BTreeSet<Obstacle>,
) -> Vec<Finding> {
    let (stops, told): (Vec<_>, Vec<_>) = findings.into_iter().partition(|finding| {
        let mut bearings = obstacles
            .iter()
            .map(|obstacle| finding.bearing(obstacle, estate));
        finding.always_stops() || bearings.any(|bearing| bearing != Bearing::None)
    });
    obstacles.retain(|obstacle| {
        let mut bearings = stops
            .iter()
            .map(|finding| finding.bearing(obstacle, estate));
        !bearings.any(|bearing| bearing == Bearing::Replaces)
    });
    obstacles.extend(stops.into_iter().map(|finding| Obstacle::Found {
        finding: Box::new(finding),
    }));
    told
}
