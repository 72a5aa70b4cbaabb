//! One look at every watched address: what the fabric says of it from a fresh observation, and what the lab's own walk says.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use stayput_engine::Engine;
use stayput_fabric::Fabric;
use stayput_fabric::Holder;
use stayput_fabric::Source;
use stayput_fabric::Verdict;
use stayput_world::World;

use super::demo_lab::DemoLab;
use super::watchlist::Watchlist;
use crate::control::Control;
use crate::error::RehearsalError;
use crate::lab_engine;

/// What becomes of packets to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// They arrive.
    Delivered,
    /// They are dropped on the way, or no machine has the address where they arrive.
    Lost,
    /// They loop until their TTL expires.
    Looping,
    /// They are sent to a site where their machine is not.
    WrongSite,
}

impl Fate {
    fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Delivered { .. } => Self::Delivered,
            Verdict::Loop { .. } => Self::Looping,
            Verdict::WrongSite { .. } => Self::WrongSite,
            Verdict::NoRoute { .. }
            | Verdict::Blackhole { .. }
            | Verdict::DeadEni { .. }
            | Verdict::LeavesByNat { .. }
            | Verdict::NoMachine { .. }
            | Verdict::RegionDown { .. }
            | Verdict::Unmodelled { .. } => Self::Lost,
        }
    }
}

/// What is said of one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sighting {
    /// What becomes of packets from on-prem, by the fabric.
    pub fate: Fate,
    /// The fabric's verdict.
    pub verdict: Verdict,
    /// How the lab's own walk ended.
    pub walk: WalkEnd,
    /// Whether the two say the same.
    pub agree: bool,
}

/// How the lab's own walk ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct WalkEnd {
    /// Its kind, as the lab calls it.
    pub end: String,
    /// Who answered.
    pub holder: Option<String>,
}

/// How many addresses have each fate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// They are reached.
    pub delivered: usize,
    /// Packets are dropped, or no machine has the address where they arrive.
    pub lost: usize,
    /// Packets loop.
    pub looping: usize,
    /// Packets are sent to a site where the machine is not.
    pub wrong_site: usize,
}

/// What is said of every address at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Look(pub BTreeMap<Ipv4Addr, Sighting>);

impl Look {
    /// How many addresses have each fate.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for sight in self.0.values() {
            match sight.fate {
                Fate::Delivered => counts.delivered += 1,
                Fate::Lost => counts.lost += 1,
                Fate::Looping => counts.looping += 1,
                Fate::WrongSite => counts.wrong_site += 1,
            }
        }
        counts
    }

    /// An address's fate, lost if it was not looked at.
    pub fn fate(&self, address: Ipv4Addr) -> Fate {
        self.0.get(&address).map_or(Fate::Lost, |sight| sight.fate)
    }

    /// Addresses the two opinions differ on.
    pub fn disagreements(&self) -> Vec<Ipv4Addr> {
        let differ = self.0.iter().filter(|(_, sight)| !sight.agree);
        differ.map(|(address, _)| *address).collect()
    }
}

/// What looks at a lab from this process.
pub struct Observer {
    /// The engine of the lab's estate.
    pub engine: Engine,
    control: Control,
}

impl Observer {
    /// Prepares; contacts nothing.
    pub fn open(lab: &DemoLab<'_>) -> Result<Self, RehearsalError> {
        Ok(Self {
            engine: lab_engine::engine(lab.endpoints(), Arc::clone(&lab.estate))?,
            control: lab.control().clone(),
        })
    }

    /// Looks at every watched address, and gives the world it was seen in.
    pub async fn look(&self, watchlist: &Watchlist) -> Result<(Arc<World>, Look), RehearsalError> {
        let world = self.engine.look().await?.world;
        let fabric = Fabric::new(&self.engine.estate, &world);
        let mut look = Look::default();
        for address in watchlist.0.keys() {
            let verdict = fabric.verdict(&Source::OnPrem, *address);
            let path = format!("/walk?from=on-prem&to={address}");
            let walk = self.control.get(&path).await?;
            let walk = WalkEnd::of_json(&walk);
            let sight = Sighting {
                fate: Fate::of(&verdict),
                agree: WalkEnd::expected(&verdict) == walk,
                walk,
                verdict,
            };
            look.0.insert(*address, sight);
        }
        Ok((world, look))
    }
}

/// The verdicts of a fabric that was not observed but foreseen.
pub fn foreseen(fabric: &Fabric, watchlist: &Watchlist) -> BTreeMap<Ipv4Addr, Verdict> {
    let verdicts = watchlist.0.keys().map(|address| {
        let verdict = fabric.verdict(&Source::OnPrem, *address);
        (*address, verdict)
    });
    verdicts.collect()
}

impl WalkEnd {
    fn of_json(walk: &Value) -> Self {
        Self {
            end: walk["end"].as_str().unwrap_or("?").to_owned(),
            holder: walk["holder"].as_str().map(str::to_owned),
        }
    }

    /// How the walk ends where the fabric has this verdict.
    fn expected(verdict: &Verdict) -> Self {
        let (end, holder) = match verdict {
            Verdict::Delivered { holder, .. } => {
                let holder = match holder {
                    Holder::Instance { id, .. } => Some(id.to_string()),
                    Holder::Interface { id, .. } => Some(id.to_string()),
                    Holder::Vm { id, .. } => Some(id.to_string()),
                    Holder::OnPrem => Some("on-prem".to_owned()),
                    Holder::Planned | Holder::Sender => None,
                };
                ("delivered", holder)
            }
            Verdict::NoRoute { .. } => ("no-route", None),
            Verdict::Blackhole { .. } => ("blackhole", None),
            Verdict::DeadEni { .. } => ("dead-eni", None),
            Verdict::LeavesByNat { .. } => ("nat-lost", None),
            // The walk does not know where else a machine might be.
            Verdict::WrongSite { .. } | Verdict::NoMachine { .. } => ("no-machine", None),
            Verdict::Loop { .. } => ("ttl-exceeded", None),
            Verdict::RegionDown { .. } => ("region-down", None),
            Verdict::Unmodelled { .. } => ("unmodelled", None),
        };
        Self {
            end: end.to_owned(),
            holder,
        }
    }
}
