//! Scenarios: from a file with names to a [`LabState`].
//!
//! `format` is the file format, `source` reads files and locates lines, `merge` implements `extends`, `ids` derives ids from
//! names. The other modules build the lab: `build` calls `vpc`, `transit`, `instances`, `crowd`, `prism` and `appliance` for
//! their parts.

mod agent;
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
use stayput_messages::Message;

use crate::clock::Clock;
use crate::faults::Rule;
use crate::state::LabState;

pub(crate) use build::find;
pub use source::Location;

/// The built-in scenarios: name and text.
const BUILT_IN: [(&str, &str); 3] = [
    ("tokyo-osaka", include_str!("../scenarios/tokyo-osaka.toml")),
    (
        "dmz-obstacle",
        include_str!("../scenarios/dmz-obstacle.toml"),
    ),
    (
        "large-estate",
        include_str!("../scenarios/large-estate.toml"),
    ),
];

/// A built-in scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScenarioInfo {
    /// Its name.
    pub name: String,
    /// One sentence that describes it.
    pub summary: String,
}

/// Returns the built-in scenarios.
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
    #[error("{}", Message::new("scenario-unknown").with("name", name).with("known", known))]
    Unknown {
        /// The name or path given.
        name: String,
        /// The built-in names.
        known: String,
    },
    /// The file cannot be read.
    #[error("{}", Message::new("scenario-unread").with("path", path.display()))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file contains something that is not valid.
    #[error("{}{message}{}", at(place.as_deref()), line(place.as_deref()))]
    Bad {
        /// Where.
        place: Option<Box<Location>>,
        /// What is wrong.
        message: String,
    },
    /// No machine is requested, or more than the scenario has.
    #[error("{}", Message::new("scenario-machines").with("scenario", scenario).with("most", most).with("asked", asked))]
    Machines {
        /// The scenario.
        scenario: String,
        /// How many were requested.
        asked: usize,
        /// How many it has at most.
        most: usize,
    },
}

fn at(place: Option<&Location>) -> String {
    place.map_or_else(String::new, |place| {
        format!("{}:{}:{}: ", place.file, place.line, place.column)
    })
}

fn line(place: Option<&Location>) -> String {
    place.map_or_else(String::new, |place| {
        format!("\n{:>5} | {}", place.line, place.text)
    })
}

/// A mistake in a scenario, before it is known which file its span is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    span: Option<Range<usize>>,
    message: String,
}

impl Fault {
    /// Creates a fault without a location.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            span: None,
            message: message.into(),
        }
    }

    /// Creates a fault at a location.
    pub(crate) fn at(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span: Some(span),
            message: message.into(),
        }
    }
}

/// A scenario as read, with everything that it extends.
#[derive(Debug)]
pub struct Scenario {
    /// Its name: that of a built-in scenario, or the file name without extension.
    pub name: String,
    file: format::File,
    sources: source::Sources,
}

/// A network of generated machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkNetwork {
    /// Its name, such as `bulk-1`; also the name of its subnet and the value of its machines' `Wave` tag.
    pub name: String,
    /// Its CIDR.
    pub cidr: stayput_estate::Cidr,
    /// How many machines are in it.
    pub machines: usize,
}

/// A lab built from a scenario.
#[derive(Debug)]
pub struct Built {
    /// The lab.
    pub lab: LabState,
    /// How many machines move.
    pub machines: usize,
    /// The networks of generated machines.
    pub bulk: Vec<BulkNetwork>,
    /// The faults that are in force at the start.
    pub faults: Vec<Rule>,
}

impl Scenario {
    /// Reads a scenario by its built-in name or the path of its file.
    ///
    /// # Errors
    /// [`ScenarioError`] when the scenario is unknown, cannot be read, or is not valid.
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

    /// Returns the faults that are in force at the start.
    pub fn faults(&self) -> impl Iterator<Item = &Rule> {
        self.file.faults.iter().map(toml::Spanned::get_ref)
    }

    /// Reads a scenario from its text. It can extend built-in scenarios only, so no file is read.
    ///
    /// # Errors
    /// [`ScenarioError`] when it is not valid.
    pub fn from_text(name: &str, text: &str) -> Result<Self, ScenarioError> {
        let mut sources = source::Sources::default();
        let file = sources.read_text(name.to_owned(), text.to_owned(), None)?;
        Ok(Self {
            name: name.to_owned(),
            file,
            sources,
        })
    }

    /// The same with at most so many objects of other teams of each kind: lists are shorter, and no other object differs.
    #[must_use]
    pub fn with_crowds_of_at_most(mut self, most: u32) -> Self {
        for crowd in self.file.crowds.values_mut() {
            crowd.vpcs = crowd.vpcs.min(most);
            crowd.instances_per_vpc = crowd.instances_per_vpc.min(most);
            crowd.attached = crowd.attached.min(crowd.vpcs);
        }
        for prism in self.file.prisms.values_mut() {
            if let Some(crowd) = &mut prism.crowd {
                crowd.vms = crowd.vms.min(most);
                *crowd.vlans.get_mut() = crowd.vlans.get_ref().min(&most).to_owned();
                crowd.categories = crowd.categories.min(most);
            }
        }
        self
    }

    /// Checks the number of machines that are requested; `None` is always valid.
    ///
    /// # Errors
    /// [`ScenarioError::Machines`] for none, and for more than the scenario has.
    pub fn check_machines(&self, asked: Option<usize>) -> Result<(), ScenarioError> {
        let most = build::most_machines(&self.file);
        match asked {
            Some(asked) if asked == 0 || asked > most => Err(ScenarioError::Machines {
                scenario: self.name.clone(),
                asked,
                most,
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// Builds the lab at the clock's time with the first `machines` machines (`None`: those that the file lists).
    ///
    /// # Errors
    /// [`ScenarioError`] when the file refers to something that it does not define or contradicts itself, or when it has fewer
    /// machines.
    pub fn build(&self, clock: Clock, machines: Option<usize>) -> Result<Built, ScenarioError> {
        self.check_machines(machines)?;
        let machines = machines.unwrap_or(self.file.machines.len());
        build::build(&self.file, clock, machines).map_err(|fault| self.sources.point(fault))
    }

    /// Returns the region of the estate's EC2 side, or the first region when there is no estate.
    pub(crate) fn source_region(&self) -> String {
        let source = self.file.estate.as_ref().and_then(|e| e.source.as_ref());
        source
            .and_then(|source| self.file.vpcs.get(source.vpc.get_ref()))
            .map(|vpc| vpc.region.get_ref())
            .or(self.file.regions.first())
            .cloned()
            .unwrap_or_default()
    }

    /// Returns the parsed file.
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
