//! A lab that starts from a saved world instead of a scenario.
//!
//! The state is built from the snapshot directly and not through scenario text, because a snapshot holds things that no scenario
//! can express. Everything that affects routing is carried over, and whatever else the lab models. Left out, because a snapshot
//! does not hold enough of it: recovery plans with their jobs, protection policies, recovery points, Move's plans, and all
//! credentials, which the caller sets before serving.
//!
//! Assumptions, where a snapshot is silent:
//!
//! - attachments are as old as the order of their ids says (snapshots carry no times, AWS reference §1.1);
//! - an edge whose routes could not have been seen announces every on-prem prefix: its session or its attachment was down, or in
//!   every table it propagates to a better route of the same prefix hides it (AWS reference §1.2, "only the winner is visible");
//! - the interface by which a cluster is joined to its AWS VPC when the snapshot was taken stays the same (see `nc2.rs`);
//! - an interface that is attached to nothing is left out: it answers no packets, and a route to it drops packets whether it
//!   exists or not;
//! - a VPC route to a gateway of a kind that the lab does not have becomes one to an internet gateway: packets that take it are
//!   lost.

mod aws;
mod prism;

#[cfg(test)]
mod tests;

use std::time::Duration;

use stayput_estate::Estate;
use stayput_world::World;
use stayput_world::mv::MoveProviderKind;

use crate::clock::Clock;
use crate::clock::VTime;
use crate::mv::model::MoveState;
use crate::mv::model::Provider;
use crate::mv::model::ProviderKind;
use crate::nc2;
use crate::state::LabState;
use crate::state::Timing;

/// Age of everything in a snapshot when the lab starts.
const AGE: Duration = Duration::from_secs(30 * 24 * 3600);
/// Lifetime of a Move token (Move reference §2).
const TOKEN_TTL_SECS: u64 = 900;

/// Builds a lab in the state of a snapshot, at the clock's time.
///
/// The estate adds what no API returns: the on-prem prefixes, the preference of the edges, and which VPC the cluster of a Prism
/// Central is in. The Prism Centrals are in the order of their sites' names.
pub fn from_world(world: &World, estate: &Estate, clock: Clock) -> LabState {
    let mut lab = LabState::new(clock, Timing::default());
    let mut past = PastTimes::before(lab.now());
    aws::fill(&mut lab, &mut past, world, estate);
    prism::fill(&mut lab, &mut past, world, estate);
    for pc in &mut lab.pcs {
        let region = lab.aws.regions.get(&pc.aws.0);
        let gateway = region.and_then(|region| nc2::gateway(region, pc));
        pc.gateway = gateway.map(str::to_owned);
    }
    for (site, appliance) in &world.moves {
        let pc = lab.pcs.iter().position(|pc| pc.name == site.as_str());
        let Some(pc) = pc else {
            continue;
        };
        let providers = appliance.providers.iter().map(|(id, provider)| {
            let kind = match &provider.kind {
                MoveProviderKind::Aws => ProviderKind::Aws {
                    access_key: String::new(),
                },
                // An unknown kind of provider is treated as a target.
                MoveProviderKind::Aos | MoveProviderKind::Unknown(_) => ProviderKind::Aos {
                    address: provider.name.clone(),
                },
            };
            let name = provider.name.clone();
            (id.to_string(), Provider { name, kind })
        });
        lab.moves.push(MoveState {
            name: site.to_string(),
            pc,
            token_ttl_secs: TOKEN_TTL_SECS,
            providers: providers.collect(),
            ..MoveState::default()
        });
    }
    lab
}

/// Instants before the lab's start, each a second later than the one before.
struct PastTimes(VTime);

impl PastTimes {
    fn before(start: VTime) -> Self {
        let age = u64::try_from(AGE.as_millis()).unwrap_or(0);
        Self(VTime(start.0.saturating_sub(age)))
    }

    fn next(&mut self) -> VTime {
        self.0 = self.0.after(Duration::from_secs(1));
        self.0
    }
}
