//! A lab that starts from a saved world instead of a scenario.
//!
//! Own code, not by way of a scenario's text: a snapshot holds what no scenario can say. Whatever routing needs is carried over;
//! beyond that, what the lab has a place for. Left out, because a snapshot does not hold enough of it: recovery plans with their
//! jobs, protection policies, recovery points, Move's plans, and everybody's credentials, which the caller sets before serving.
//!
//! Beliefs, where a snapshot does not say:
//!
//! - attachments are as old as the order of their ids says (snapshots carry no times, AWS reference §1.1);
//! - an edge whose routes could not have been seen announces every on-prem prefix: its session or its attachment was down, or in every table it
//!   propagates to a better route of the same prefix hides it (only the winner is visible, AWS reference §1.2);
//! - the interface by which a cluster is joined to its AWS VPC when the snapshot was taken stays that (see `nc2.rs`);
//! - an interface attached to nothing is left out: nobody answers there, and a route to it drops, whether it is there or not;
//! - a VPC route to a gateway of a kind the lab does not have becomes one to an internet gateway: what takes it is gone.

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

/// Everything of a snapshot is older than the lab that starts from it.
const AGE: Duration = Duration::from_secs(30 * 24 * 3600);
/// Lifetime of a Move token (Move reference §2).
const TOKEN_TTL_SECS: u64 = 900;

/// A lab in the state of a snapshot, at the clock's time. What the estate adds is what no API tells: the on-prem prefixes, how the
/// edges are preferred, which VPC a Prism Central's cluster lives in. The Prism Centrals are in the order of their sites' names.
pub fn from_world(world: &World, estate: &Estate, clock: Clock) -> LabState {
    let mut lab = LabState::new(clock, Timing::default());
    let mut past = Past::before(lab.now());
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
                // Whatever else it is, it is a target to Move.
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
struct Past(VTime);

impl Past {
    fn before(start: VTime) -> Self {
        let age = u64::try_from(AGE.as_millis()).unwrap_or(0);
        Self(VTime(start.0.saturating_sub(age)))
    }

    fn next(&mut self) -> VTime {
        self.0 = self.0.after(Duration::from_secs(1));
        self.0
    }
}
