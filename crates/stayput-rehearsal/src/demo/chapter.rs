//! What happened when in one chapter, in either order: what watchers of packets compare their packets with.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use stayput_engine::StepReport;
use stayput_plan::Plan;

use super::demo_lab::DemoLab;
use super::pace::Pace;
use super::pace::Pacer;
use super::watch::Seen;
use super::watch::Watch;
use super::watchlist::Watchlist;
use crate::error::RehearsalError;
use crate::lab_engine;

/// Wall time, in milliseconds since the Unix epoch.
pub type WallMs = u64;

/// The wall time now.
pub fn wall_now() -> WallMs {
    millis(jiff::Timestamp::now())
}

fn millis(at: jiff::Timestamp) -> WallMs {
    u64::try_from(at.as_millisecond()).unwrap_or(0)
}

fn wall(text: &str) -> Option<WallMs> {
    text.parse().ok().map(millis)
}

/// A step and when it was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Timed {
    /// Its id.
    pub step: String,
    /// One line for people, where it has one.
    pub title: String,
    /// When it began.
    pub began_ms: WallMs,
    /// When it ended.
    pub ended_ms: WallMs,
}

impl Timed {
    /// One that begins now.
    pub fn begin(step: String, title: String) -> Self {
        let now = wall_now();
        Self {
            step,
            title,
            began_ms: now,
            ended_ms: now,
        }
    }

    /// It ends now.
    pub fn end(&mut self) {
        self.ended_ms = wall_now();
    }

    /// Its title if it has one, else its id.
    pub fn name(&self) -> &str {
        if self.title.is_empty() {
            &self.step
        } else {
            &self.title
        }
    }

    /// Whether it is work on routes of Transit Gateways.
    pub fn is_routing(&self) -> bool {
        self.step.starts_with("route/") || self.step.starts_with("article/")
    }

    /// As the engine reported it.
    pub fn of(report: &StepReport) -> Option<Self> {
        Some(Self {
            step: report.step.to_string(),
            title: String::new(),
            began_ms: wall(&report.began)?,
            ended_ms: wall(&report.ended)?,
        })
    }

    /// As `apply --json` reported it.
    pub fn of_json(report: &Value) -> Option<Self> {
        Some(Self {
            step: report["step"].as_str()?.to_owned(),
            title: String::new(),
            began_ms: wall(report["began"].as_str()?)?,
            ended_ms: wall(report["ended"].as_str()?)?,
        })
    }
}

/// One chapter.
#[derive(Debug, Clone)]
pub struct Chapter {
    /// Its name.
    pub name: &'static str,
    /// Stayput's plan of it.
    pub plan: Plan,
    /// When it began.
    pub began_ms: WallMs,
    /// When it ended.
    pub ended_ms: WallMs,
    /// Its steps.
    pub steps: Vec<Timed>,
    /// Times in which the lab's clock was stopped for a look.
    pub stills: Vec<(WallMs, WallMs)>,
    /// What the lab's own walk saw.
    pub seen: Seen,
}

impl Chapter {
    /// One that begins now.
    pub fn begin(name: &'static str, plan: Plan) -> Self {
        let now = wall_now();
        Self {
            name,
            plan,
            began_ms: now,
            ended_ms: now,
            steps: Vec::new(),
            stills: Vec::new(),
            seen: Seen::new(),
        }
    }

    /// The lab's clock stands still from now on.
    pub fn stands_still(&self) -> WallMs {
        wall_now()
    }

    /// It goes on, having stood still since then.
    pub fn goes_on(&mut self, since: WallMs) {
        self.stills.push((since, wall_now()));
    }

    /// It is over.
    pub fn end(&mut self, seen: Seen) {
        self.ended_ms = wall_now();
        self.seen = seen;
    }
}

/// How a lab is watched.
#[derive(Debug, Clone)]
pub struct Watching {
    /// How fast its time runs.
    pub pace: Pace,
    /// Whose addresses are watched.
    pub watchlist: Watchlist,
    /// Pause between two looks of the lab's own walk at every address.
    pub look_every: Duration,
}

impl Watching {
    /// Begins to watch every address by the lab's own walk.
    pub async fn watch(&self, lab: &DemoLab<'_>) -> Result<Watch, RehearsalError> {
        let addresses = self.watchlist.0.keys().copied();
        Watch::begin(lab.control().clone(), addresses, self.look_every).await
    }

    /// Lets time run by what the lab's runs do.
    pub fn pace_by(&self, lab: &DemoLab<'_>) -> Result<Pacer, RehearsalError> {
        let ledger = lab_engine::open_ledger(&lab.estate)?;
        Ok(Pacer::follow(lab.control().clone(), ledger, self.pace))
    }
}
