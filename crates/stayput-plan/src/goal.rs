//! What the operator wants.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;

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
    },
    /// Bring the networks back to their primary site.
    Failback {
        /// These networks.
        networks: BTreeSet<NetworkName>,
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
}

impl Goal {
    /// The networks the goal is about.
    pub fn networks(&self) -> &BTreeSet<NetworkName> {
        match self {
            Self::Capture { networks }
            | Self::Move { networks }
            | Self::Protect { networks }
            | Self::Failover { networks, .. }
            | Self::Failback { networks } => networks,
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
            Self::Move { .. } => write!(f, "move {networks}"),
            Self::Protect { .. } => write!(f, "protect {networks}"),
            Self::Failover {
                to,
                mode: FailoverMode::Planned,
                ..
            } => write!(f, "failover {networks} --to {to}"),
            Self::Failover {
                to,
                mode: FailoverMode::Test,
                ..
            } => write!(f, "failover {networks} --to {to} --mode test"),
            Self::Failback { .. } => write!(f, "failback {networks}"),
        }
    }
}
