//! What the operator wants.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::Estate;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;

use crate::RunId;
use crate::RunRecord;

/// What the operator wants for some networks. Networks that share machines must be named together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "goal")]
pub enum Goal {
    /// Write down who the machines are and which addresses they have.
    Capture {
        /// For the machines in these networks.
        networks: BTreeSet<NetworkName>,
    },
    /// Bring the networks from EC2 to their primary site.
    Move {
        /// These networks.
        networks: BTreeSet<NetworkName>,
        /// Of their machines only these, by id or `Name` tag, each routed by a prefix of its own; all machines if none is named.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        canaries: BTreeSet<String>,
        /// Machines that stay behind although their network moves, by id or `Name` tag: their addresses are not reached afterwards.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        leave_out: BTreeSet<String>,
    },
    /// Make the networks ready to fail over to their recovery site.
    Protect {
        /// These networks.
        networks: BTreeSet<NetworkName>,
    },
    /// Bring the networks to another NC2 site.
    Failover {
        /// These networks.
        networks: BTreeSet<NetworkName>,
        /// To here.
        to: SiteName,
        /// How.
        mode: FailoverMode,
        /// By which region on-prem comes in afterwards.
        #[serde(default)]
        path: EntryPath,
        /// Sites that the operator declares lost, for an unplanned failover: what answers there, or cannot be fenced, does not stop it.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        lost: BTreeSet<SiteName>,
    },
    /// Bring the networks back to their primary site.
    Failback {
        /// These networks.
        networks: BTreeSet<NetworkName>,
    },
    /// Old VMs of the networks' machines at a site are powered off, as after an unplanned failover whose old site returned (Prism reference
    /// §6.8). Never the VM that a machine is.
    CleanUp {
        /// These networks.
        networks: BTreeSet<NetworkName>,
        /// The site the old VMs are at.
        site: SiteName,
        /// Whether they are removed, too.
        #[serde(default)]
        remove: bool,
    },
    /// What a run did is taken back, as far as that is possible.
    Rollback {
        /// The networks of the run.
        networks: BTreeSet<NetworkName>,
        /// The run.
        run: RunId,
        /// Its goal.
        of: Box<Goal>,
        /// What it did, and runs before it that were not finished.
        did: Box<RunRecord>,
    },
}

/// How to fail over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailoverMode {
    /// Copies of the machines in an isolated Flow VPC; no route changes; cleaned up afterwards.
    Test,
    /// Both sites work: machines are shut down, synced and started at the other site.
    Planned,
    /// The old site, or its whole region, is lost: machines start from their recovery points, and nothing is asked of what is lost.
    /// What still answers there is fenced in routing first.
    Unplanned,
}

/// By which region on-prem comes in after a failover.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryPath {
    /// As it is: path B where the two halves of the network lead to the recovery site already, otherwise path A.
    #[default]
    Keep,
    /// Path A: through the Transit Gateway of the old region and its peering. Halves that an earlier path B left are removed.
    A,
    /// Path B: straight into the recovery region, drawn there by two more specific halves of each network that it announces.
    B,
}

impl Goal {
    /// The networks the goal is about.
    pub fn networks(&self) -> &BTreeSet<NetworkName> {
        match self {
            Self::Capture { networks }
            | Self::Move { networks, .. }
            | Self::Protect { networks }
            | Self::Failover { networks, .. }
            | Self::Failback { networks }
            | Self::CleanUp { networks, .. }
            | Self::Rollback { networks, .. } => networks,
        }
    }

    /// The same goal for other networks.
    #[must_use]
    pub fn with_networks(&self, these: BTreeSet<NetworkName>) -> Self {
        let mut goal = self.clone();
        match &mut goal {
            Self::Capture { networks }
            | Self::Move { networks, .. }
            | Self::Protect { networks }
            | Self::Failover { networks, .. }
            | Self::Failback { networks }
            | Self::CleanUp { networks, .. }
            | Self::Rollback { networks, .. } => *networks = these,
        }
        goal
    }

    /// Sites that an unplanned failover leaves: those of its networks that it does not lead to. Nothing is asked of their Prism Centrals,
    /// and their routes are fenced. Empty for every other goal.
    pub fn leaves(&self, estate: &Estate) -> BTreeSet<SiteName> {
        let Self::Failover {
            networks,
            to,
            mode: FailoverMode::Unplanned,
            ..
        } = self
        else {
            return BTreeSet::new();
        };
        let networks = networks.iter().filter_map(|name| estate.networks.get(name));
        networks
            .flat_map(|network| network.recovery.iter().chain([&network.primary]))
            .filter(|site| *site != to)
            .cloned()
            .collect()
    }

    /// Sites that the operator declares lost: what is seen there counts for nothing. Empty for every goal but an unplanned failover.
    pub fn declared_lost(&self) -> &BTreeSet<SiteName> {
        static NONE: BTreeSet<SiteName> = BTreeSet::new();
        match self {
            Self::Failover {
                mode: FailoverMode::Unplanned,
                lost,
                ..
            } => lost,
            Self::Failover { .. }
            | Self::Capture { .. }
            | Self::Move { .. }
            | Self::Protect { .. }
            | Self::Failback { .. }
            | Self::CleanUp { .. }
            | Self::Rollback { .. } => &NONE,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let networks = self
            .networks()
            .iter()
            .map(NetworkName::as_str)
            .collect::<Vec<_>>()
            .join(" ");
        match self {
            Self::Capture { .. } => write!(f, "capture {networks}"),
            Self::Move {
                canaries,
                leave_out,
                ..
            } => {
                write!(f, "move {networks}")?;
                let mut canaries = canaries.iter();
                canaries.try_for_each(|canary| write!(f, " --canary {canary}"))?;
                let mut left = leave_out.iter();
                left.try_for_each(|machine| write!(f, " --leave-out {machine}"))
            }
            Self::Protect { .. } => write!(f, "protect {networks}"),
            Self::Failover {
                to,
                mode,
                path,
                lost,
                ..
            } => {
                write!(f, "failover {networks} --to {to}")?;
                f.write_str(match mode {
                    FailoverMode::Test => " --mode test",
                    FailoverMode::Planned => "",
                    FailoverMode::Unplanned => " --mode unplanned",
                })?;
                f.write_str(match path {
                    EntryPath::Keep => "",
                    EntryPath::A => " --path a",
                    EntryPath::B => " --path b",
                })?;
                let mut lost = lost.iter();
                lost.try_for_each(|site| write!(f, " --lost {site}"))
            }
            Self::Failback { .. } => write!(f, "failback {networks}"),
            Self::CleanUp { site, remove, .. } => {
                write!(f, "clean-up {networks} --site {site}")?;
                f.write_str(if *remove { " --remove" } else { "" })
            }
            Self::Rollback { run, .. } => write!(f, "rollback {run}"),
        }
    }
}
