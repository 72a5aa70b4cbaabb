//! What happens while a plan runs, as data. Displays only render it.

use serde::Serialize;
use stayput_plan::StepId;
use tokio::sync::mpsc;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event {
    /// Something is being read before planning.
    Observing {
        /// What.
        what: String,
    },
    /// Something that need not answer does not.
    Unobserved {
        /// What.
        what: String,
        /// Why not.
        why: String,
    },
    /// A run starts, or goes on.
    RunStarted {
        /// Its id.
        run: String,
        /// What it reaches.
        goal: String,
        /// How many steps.
        steps: usize,
    },
    /// A step starts.
    StepStarted {
        /// The step.
        step: StepId,
        /// One line for people.
        title: String,
    },
    /// A step is on its way.
    StepProgress {
        /// The step.
        step: StepId,
        /// Per cent, if it can be said.
        percent: Option<u8>,
        /// What it waits for or does.
        note: String,
    },
    /// A step is over and well.
    StepDone {
        /// The step.
        step: StepId,
        /// One line for people.
        title: String,
        /// Whether it changed anything.
        changed: bool,
        /// Wall time it took, in milliseconds.
        ms: u64,
    },
    /// A step failed.
    StepFailed {
        /// The step.
        step: StepId,
        /// One line for people.
        title: String,
        /// Why.
        error: String,
    },
    /// The run is over.
    RunDone {
        /// Its id.
        run: String,
        /// Steps done.
        done: usize,
        /// Whether its goal is reached.
        ok: bool,
        /// Wall time it took, in milliseconds.
        ms: u64,
    },
}

/// Where events go. Nobody listening is fine.
#[derive(Debug, Clone, Default)]
pub struct Events(Option<mpsc::UnboundedSender<Event>>);

impl Events {
    /// Events, and the end where they come out.
    pub fn channel() -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(Some(sender)), receiver)
    }

    /// Events that nobody listens to.
    pub fn none() -> Self {
        Self(None)
    }

    /// Tells what happened.
    pub fn send(&self, event: Event) {
        if let Some(sender) = &self.0 {
            // A display that went away must not stop the work.
            let _ = sender.send(event);
        }
    }
}
