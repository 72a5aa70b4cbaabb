//! A story: the commands of one life of an estate, in their order, and how each ended.

use std::collections::BTreeSet;

use stayput_estate::Estate;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_plan::EntryPath;
use stayput_plan::FailoverMode;
use stayput_plan::Goal;

/// One act of a story.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// `stayput apply GOAL`, again until it is done.
    Apply(Goal),
    /// A region goes dark, with everything in it.
    RegionDown(String),
    /// It returns as it was.
    RegionUp(String),
}

/// The whole life of the estate: capture, a canary, the move, protection, a drill, a failover by each path, a failback after each, the loss
/// of the primary's region, its return, and the way home.
///
/// `machines` is the id of each machine with its network. A network without machines is not in the story.
pub fn whole(estate: &Estate, machines: &[(String, NetworkName)]) -> Vec<Act> {
    let networks: BTreeSet<NetworkName> = machines
        .iter()
        .map(|(_, network)| network.clone())
        .collect();
    let network = networks.first().and_then(|name| estate.networks.get(name));
    let (Some(network), Some((canary, _))) = (network, machines.first()) else {
        return Vec::new();
    };
    let (home, away) = (network.primary.clone(), network.recovery.clone());
    let moved = |canaries: BTreeSet<String>| Goal::Move {
        networks: networks.clone(),
        canaries,
        leave_out: BTreeSet::new(),
    };
    let mut acts = vec![
        Act::Apply(Goal::Capture {
            networks: networks.clone(),
        }),
        Act::Apply(moved([canary.clone()].into())),
        Act::Apply(moved(BTreeSet::new())),
    ];
    let Some(away) = away else {
        return acts;
    };
    let protect = || {
        Act::Apply(Goal::Protect {
            networks: networks.clone(),
        })
    };
    let failover = |mode, path, lost: BTreeSet<SiteName>| {
        Act::Apply(Goal::Failover {
            networks: networks.clone(),
            to: away.clone(),
            mode,
            path,
            lost,
        })
    };
    let failback = || {
        Act::Apply(Goal::Failback {
            networks: networks.clone(),
        })
    };
    acts.extend([
        protect(),
        failover(FailoverMode::Test, EntryPath::Keep, BTreeSet::new()),
        failover(FailoverMode::Planned, EntryPath::A, BTreeSet::new()),
        protect(),
        failback(),
        protect(),
        failover(FailoverMode::Planned, EntryPath::B, BTreeSet::new()),
        protect(),
        failback(),
        protect(),
    ]);
    if let Some(site) = estate.sites.get(&home) {
        let region = site.region.to_string();
        acts.extend([
            Act::RegionDown(region.clone()),
            failover(FailoverMode::Unplanned, EntryPath::A, [home.clone()].into()),
            Act::RegionUp(region),
            failover(FailoverMode::Unplanned, EntryPath::A, [home.clone()].into()),
            Act::Apply(Goal::CleanUp {
                networks: networks.clone(),
                site: home,
                remove: true,
            }),
            protect(),
            failback(),
        ]);
    }
    acts
}
