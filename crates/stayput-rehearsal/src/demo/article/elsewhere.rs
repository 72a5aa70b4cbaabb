//! Who else reaches the addresses: other VPCs on the Transit Gateways, and the NC2 clusters' own. By the fabric alone; the lab's walk is
//! asked about on-prem.

use std::collections::BTreeMap;

use serde::Serialize;
use stayput_estate::Estate;
use stayput_fabric::Fabric;
use stayput_fabric::Source;
use stayput_messages::Message;
use stayput_world::World;

use crate::demo::watchlist::Watchlist;

/// What a source reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Reached {
    /// Addresses of machines that move.
    pub moving: usize,
    /// Addresses that stay in EC2.
    pub staying: usize,
}

/// The sources that reached any of the addresses when the story began.
pub struct Elsewhere(Vec<(Source, String)>);

impl Elsewhere {
    /// Looks for them.
    pub fn find(estate: &Estate, world: &World, watchlist: &Watchlist) -> Self {
        let fabric = Fabric::new(estate, world);
        let sources = fabric.sources().into_iter().filter(is_elsewhere);
        let sources = sources.filter(|source| {
            let reached = reached(&fabric, watchlist, source);
            fabric.is_populated(source) && reached.moving + reached.staying > 0
        });
        Self(
            sources
                .map(|source| {
                    let name = name(&source, world);
                    (source, name)
                })
                .collect(),
        )
    }

    /// What each reaches now, by its name.
    pub fn look(
        &self,
        estate: &Estate,
        world: &World,
        watchlist: &Watchlist,
    ) -> BTreeMap<String, Reached> {
        let fabric = Fabric::new(estate, world);
        let looked = self.0.iter();
        looked
            .map(|(source, name)| (name.clone(), reached(&fabric, watchlist, source)))
            .collect()
    }
}

/// What changed, for people.
pub fn difference(
    before: &BTreeMap<String, Reached>,
    after: &BTreeMap<String, Reached>,
) -> Vec<String> {
    let changed = after.iter().filter_map(|(name, now)| {
        let was = before.get(name).filter(|was| *was != now)?;
        let changed = Message::new("demo-elsewhere")
            .with("source", name)
            .with("moving", was.moving)
            .with("staying", was.staying)
            .with("moving_now", now.moving)
            .with("staying_now", now.staying);
        Some(changed.into())
    });
    changed.collect()
}

fn is_elsewhere(source: &Source) -> bool {
    match source {
        Source::Spoke { .. } | Source::Nc2Vpc { .. } => true,
        Source::OnPrem
        | Source::OnPremVia { .. }
        | Source::Ec2Subnet { .. }
        | Source::Overlay { .. }
        | Source::Machine { .. } => false,
    }
}

fn reached(fabric: &Fabric, watchlist: &Watchlist, source: &Source) -> Reached {
    let mut reached = Reached {
        moving: 0,
        staying: 0,
    };
    for address in watchlist.0.keys() {
        if !fabric.verdict(source, *address).is_delivered() {
            continue;
        }
        if watchlist.stays(*address) {
            reached.staying += 1;
        } else {
            reached.moving += 1;
        }
    }
    reached
}

fn name(source: &Source, world: &World) -> String {
    if let Source::Spoke { vpc } = source {
        let found = world.aws.values().find_map(|region| region.vpcs.get(vpc));
        if let Some(name) = found.and_then(|vpc| vpc.tags.get("Name")) {
            return format!("VPC {name}");
        }
    }
    source.to_string()
}
