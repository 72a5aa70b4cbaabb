//! Scenarios: from a file that names things to a [`LabState`] full of them.
//!
//! `format` is the file, `source` reads files and points at lines, `merge` is `extends`, `ids` makes ids from names; the rest
//! builds: `build` leads, `vpc`, `transit`, `instances`, `crowd`, `prism` and `appliance` each make their part.

mod appliance;
mod build;
mod crowd;
pub(crate) mod format;
pub(crate) mod ids;
mod instances;
mod merge;
mod prism;
mod source;
mod transit;
mod vpc;

use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;

use serde::Serialize;

use crate::clock::Clock;
use crate::state::LabState;

pub(crate) use build::find;
pub use source::Place;

/// The scenarios that come with the lab: name and text.
const BUILT_IN: [(&str, &str); 2] = [
    ("tokyo-osaka", include_str!("../scenarios/tokyo-osaka.toml")),
    (
        "dmz-obstacle",
        include_str!("../scenarios/dmz-obstacle.toml"),
    ),
];

/// A scenario that comes with the lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScenarioInfo {
    /// Its name.
    pub name: String,
    /// What it is, in one sentence.
    pub summary: String,
}

/// The scenarios that come with the lab.
pub fn scenarios() -> Vec<ScenarioInfo> {
    BUILT_IN
        .iter()
        .filter_map(|(name, _)| Scenario::load(name).ok())
        .map(|scenario| ScenarioInfo {
            summary: scenario.file.summary.clone(),
            name: scenario.name,
        })
        .collect()
}

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// Neither a built-in name nor a path.
    #[error("no scenario is called `{name}`: there are {known}, or give the path of a .toml file")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The file cannot be read.
    #[error("cannot read scenario {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file says something that cannot be.
    #[error("{}{message}{}", at(place.as_deref()), line(place.as_deref()))]
    Bad {
        /// Where.
        place: Option<Box<Place>>,
        /// What is wrong.
        message: String,
    },
    /// More machines are wanted than the scenario has.
    #[error("scenario `{scenario}` has at most {most} machines, {asked} were asked for")]
    TooManyMachines {
        /// The scenario.
        scenario: String,
        /// How many were asked for.
        asked: usize,
        /// How many there can be.
        most: usize,
    },
}

fn at(place: Option<&Place>) -> String {
    place.map_or_else(String::new, |place| {
        format!("{}:{}:{}: ", place.file, place.line, place.column)
    })
}

fn line(place: Option<&Place>) -> String {
    place.map_or_else(String::new, |place| {
        format!("\n{:>5} | {}", place.line, place.text)
    })
}

/// Something wrong in a scenario, before it is known which file a span is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    span: Option<Range<usize>>,
    message: String,
}

impl Fault {
    /// A fault that no single place is to blame for.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            span: None,
            message: message.into(),
        }
    }

    /// A fault at a place.
    pub(crate) fn at(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span: Some(span),
            message: message.into(),
        }
    }
}

/// A scenario as read, with everything it extends.
#[derive(Debug)]
pub struct Scenario {
    /// Its name: the built-in one, or the file's stem.
    pub name: String,
    file: format::File,
    sources: source::Sources,
}

/// A network of on-demand machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkNetwork {
    /// Its name, such as `bulk-1`; also its subnet's and the value of its machines' `Wave` tag.
    pub name: String,
    /// Its addresses.
    pub cidr: stayput_estate::Cidr,
    /// How many machines are in it.
    pub machines: usize,
}

/// A scenario come to life.
#[derive(Debug)]
pub struct Built {
    /// The lab.
    pub lab: LabState,
    /// How many machines move.
    pub machines: usize,
    /// The networks of on-demand machines.
    pub bulk: Vec<BulkNetwork>,
}

impl Scenario {
    /// Reads a scenario by its built-in name or the path of its file.
    ///
    /// # Errors
    /// The scenario is unknown, cannot be read, or its text is not a scenario.
    pub fn load(name_or_path: &str) -> Result<Self, ScenarioError> {
        let mut sources = source::Sources::default();
        let file = sources.read(name_or_path, Path::new("."))?;
        let is_built_in = BUILT_IN.iter().any(|(name, _)| *name == name_or_path);
        let name = if is_built_in {
            name_or_path.to_owned()
        } else {
            source::estate_name(Path::new(name_or_path))
        };
        Ok(Self {
            name,
            file,
            sources,
        })
    }

    /// Builds the lab at the clock's time with the first `machines` machines (`None`: those the file lists).
    ///
    /// # Errors
    /// Something in the file refers to what is not there or contradicts something else, or it has not that many machines.
    pub fn build(&self, clock: Clock, machines: Option<usize>) -> Result<Built, ScenarioError> {
        let machines = machines.unwrap_or(self.file.machines.len());
        let most = build::most_machines(&self.file);
        if machines > most {
            return Err(ScenarioError::TooManyMachines {
                scenario: self.name.clone(),
                asked: machines,
                most,
            });
        }
        build::build(&self.file, clock, machines).map_err(|fault| self.sources.point(fault))
    }

    /// The region of the estate's EC2 side; else the first region.
    pub(crate) fn source_region(&self) -> String {
        let source = self.file.estate.as_ref().and_then(|e| e.source.as_ref());
        source
            .and_then(|source| self.file.vpcs.get(source.vpc.get_ref()))
            .map(|vpc| vpc.region.get_ref())
            .or(self.file.regions.first())
            .cloned()
            .unwrap_or_default()
    }

    /// What the file says, for whoever writes something about it.
    pub(crate) fn file(&self) -> &format::File {
        &self.file
    }

    /// Turns a fault into an error that names file and line.
    pub(crate) fn point(&self, fault: Fault) -> ScenarioError {
        self.sources.point(fault)
    }
}

#[cfg(test)]
mod tests;
