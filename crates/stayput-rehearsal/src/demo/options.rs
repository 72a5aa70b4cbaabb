//! What a demo is asked for.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use crate::error::RehearsalError;
use crate::lab_process::DataPlane;
use crate::lab_process::LabLaunch;
use crate::program::ChildProgress;
use crate::program::Program;

/// Virtual seconds in a second at which a demo can be run: from the wall clock's own speed to the lab's fastest.
pub const SPEEDS: RangeInclusive<f64> = 1.0..=stayput_lab::MAX_SPEED;

/// Whose order of steps a demo runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Stayput's own.
    Stayput,
    /// Stayput's, then the article's on the same machines: detach the EC2 VPC, then the static route; Tokyo's table first at failover; a
    /// /16 in Osaka.
    Article,
}

/// What becomes of the labs when a demo is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterDemo {
    /// They stop, however the demo ends.
    StopLab,
    /// They go on, however the demo ends.
    KeepLab,
}

/// What a demo is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoOptions {
    /// The stayput program; the demo runs its commands.
    pub program: Program,
    /// How many machines move; at least one.
    pub machines: usize,
    /// Virtual seconds in a second, within [`SPEEDS`].
    pub speed: f64,
    /// The lab's folder; `None`: a temporary one, removed when the demo is over.
    pub dir: Option<PathBuf>,
    /// What becomes of the labs.
    pub after: AfterDemo,
    /// Whose order of steps is run.
    pub order: Order,
    /// What carries packets.
    pub data_plane: DataPlane,
    /// Whether the commands show their progress.
    pub progress: ChildProgress,
    /// Who asks, for the journal.
    pub operator: String,
}

impl DemoOptions {
    /// How a lab of the demo is started.
    pub(super) fn launch(&self, dir: PathBuf) -> LabLaunch {
        LabLaunch {
            speed: self.speed,
            data_plane: self.data_plane,
            ..LabLaunch::new(self.machines, dir)
        }
    }

    /// Checks the ranges before anything is started.
    pub(super) fn check(&self) -> Result<(), RehearsalError> {
        if SPEEDS.contains(&self.speed) {
            // The folder does not matter to what is checked.
            return Ok(self.launch(PathBuf::new()).check()?);
        }
        Err(RehearsalError::Speed {
            given: self.speed,
            allowed: SPEEDS,
        })
    }
}
