//! What could not be observed. A world may be partial: one system that does not answer makes its part unknown, not the command fail.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::Region;
use stayput_estate::SiteName;

/// A system that is observed as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "system", content = "of")]
pub enum System {
    /// AWS in one region.
    Aws(Region),
    /// The Prism Central of a site.
    PrismCentral(SiteName),
    /// The Move appliance of a site.
    Move(SiteName),
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aws(region) => write!(f, "AWS {region}"),
            Self::PrismCentral(site) => write!(f, "Prism Central of {site}"),
            Self::Move(site) => write!(f, "Move of {site}"),
        }
    }
}

/// How a system failed to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Silence {
    /// Nothing answered: no connection, or no answer in time. The only one that a lost site gives.
    Silent,
    /// It answered and refused us: credentials, rights or certificate.
    Refused,
    /// It answered, but with errors of its own or with something that could not be understood.
    Faulty,
}

impl Silence {
    /// What it does, after the name of the system.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Silent => "does not answer",
            Self::Refused => "refuses these credentials",
            Self::Faulty => "answers with errors",
        }
    }
}

/// A system that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unobserved {
    /// Which.
    #[serde(flatten)]
    pub system: System,
    /// How.
    pub silence: Silence,
    /// The error and its causes, in one line.
    pub why: String,
}

impl fmt::Display for Unobserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.system, self.silence.verb(), self.why)
    }
}
