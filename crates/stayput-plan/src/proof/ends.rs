//! What must be true when all is done.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::Estate;
use stayput_estate::Network;
use stayput_estate::SiteName;
use stayput_fabric::Reachability;
use stayput_fabric::Source;

use crate::Delivery;
use crate::FailoverMode;
use crate::Goal;
use crate::Obstacle;
use crate::outcome::Outcome;
use crate::survey::Survey;

/// Machines that on-prem would not reach at their home, and those that a spoke reached in the beginning and would no longer reach.
pub(super) fn unreached(
    survey: &Survey<'_>,
    goal: &Goal,
    movers: &BTreeMap<Ipv4Addr, String>,
    matrix: &Reachability,
    worked: &BTreeSet<(usize, usize)>,
) -> BTreeSet<Obstacle> {
    let Some(home) = home_after(survey.estate, goal) else {
        return BTreeSet::new();
    };
    let mut obstacles = BTreeSet::new();
    for (class, of) in matrix.classes().iter().enumerate() {
        for (source, from) in matrix.sources().iter().enumerate() {
            let outcome = Outcome::of(matrix.cell_state(source, class));
            let must = match from {
                Source::OnPrem => true,
                Source::Spoke { .. } => {
                    worked.contains(&(source, class)) && outcome != Outcome::Unsteerable
                }
                Source::OnPremVia { .. }
                | Source::Ec2Subnet { .. }
                | Source::Nc2Vpc { .. }
                | Source::Overlay { .. }
                | Source::Machine { .. } => false,
            };
            if !must {
                continue;
            }
            let verdict = matrix.verdict(source, class);
            for address in &of.members {
                let Some(label) = movers.get(address) else {
                    continue;
                };
                let network = survey.estate.network_of(*address);
                // A machine may also have an address in a network that is no longer part of the run, because its cutover failed.
                let is_of_goal = network.is_none_or(|of| goal.networks().contains(&of.name));
                if !is_of_goal && !worked.contains(&(source, class)) {
                    continue;
                }
                let expected = network.map(&home);
                if outcome != Outcome::Works || verdict.site() != expected.as_ref() {
                    obstacles.insert(Obstacle::Unreachable {
                        from: from.clone(),
                        address: *address,
                        label: label.clone(),
                        delivery: Delivery::of(matrix, source, class),
                    });
                }
            }
        }
    }
    obstacles
}

pub(crate) type HomeOf<'g> = Box<dyn Fn(&Network) -> SiteName + 'g>;

/// Where a network's machines that move are served when the goal is reached; `None` when the goal moves nothing.
pub(crate) fn home_after<'g>(estate: &'g Estate, goal: &'g Goal) -> Option<HomeOf<'g>> {
    match goal {
        Goal::Rollback { of, .. } => match &**of {
            Goal::Move { .. } => Some(Box::new(|_| estate.source.name.clone())),
            of => Some(Box::new(home_before(of)?)),
        },
        Goal::Move { .. } | Goal::Failback { .. } => {
            Some(Box::new(|network| network.primary.clone()))
        }
        Goal::Failover {
            to,
            mode: FailoverMode::Planned | FailoverMode::Unplanned,
            ..
        } => Some(Box::new(|_| to.clone())),
        Goal::Failover {
            mode: FailoverMode::Test,
            ..
        }
        | Goal::Capture { .. }
        | Goal::Protect { .. }
        | Goal::CleanUp { .. } => None,
    }
}

/// Where a network was served before a run to this goal; `None` when the goal moves nothing between sites.
pub(crate) fn home_before(goal: &Goal) -> Option<impl Fn(&Network) -> SiteName> {
    let to = match goal {
        Goal::Failover {
            to,
            mode: FailoverMode::Planned | FailoverMode::Unplanned,
            ..
        } => Some(to.clone()),
        Goal::Failback { .. } => None,
        Goal::Failover {
            mode: FailoverMode::Test,
            ..
        }
        | Goal::Capture { .. }
        | Goal::Move { .. }
        | Goal::Protect { .. }
        | Goal::CleanUp { .. }
        | Goal::Rollback { .. } => return None,
    };
    Some(move |network: &Network| {
        let to = to.as_ref().unwrap_or(&network.primary);
        match &network.recovery {
            Some(recovery) if *to == network.primary => recovery.clone(),
            Some(_) | None => network.primary.clone(),
        }
    })
}
