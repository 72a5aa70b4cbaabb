//! What happens while a plan runs, as data. Displays only render it; any number of them may listen.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde::Serialize;
use stayput_ledger::RunId;
use stayput_plan::Phase;
use stayput_plan::StepId;
use tokio::sync::mpsc;

/// A step, as displays name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepName {
    /// Its id.
    pub step: StepId,
    /// Its number in the plan that was shown; `None` for one that is not in it.
    pub number: Option<usize>,
    /// One line for people: what it makes true.
    pub title: String,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event {
    /// A system is being read.
    Observing {
        /// Which.
        what: String,
    },
    /// A system could not be read. What is its part is unknown.
    Unobserved {
        /// Which.
        what: String,
        /// Why not.
        why: String,
    },
    /// A run starts, or goes on.
    RunStarted {
        /// Its id.
        run: RunId,
        /// What it reaches.
        goal: String,
        /// How many steps.
        steps: usize,
    },
    /// An older run is closed, because the goal of this one makes its goal moot.
    RunAbandoned {
        /// The older run.
        run: RunId,
        /// What it was to reach.
        goal: String,
    },
    /// A phase of the run starts.
    PhaseStarted {
        /// Which.
        phase: Phase,
        /// How many of its steps are left.
        steps: usize,
    },
    /// A phase waits for a time.
    Waiting {
        /// Which phase.
        phase: Phase,
        /// Until then (RFC 3339).
        until: String,
    },
    /// The world was read again between two phases and differs from what was approved, in a way that does not stop the run.
    Changed {
        /// How, one line each.
        what: Vec<String>,
    },
    /// A step starts.
    StepStarted {
        /// The step.
        #[serde(flatten)]
        name: StepName,
    },
    /// A step is under way.
    StepProgress {
        /// The step.
        step: StepId,
        /// Per cent, if it can be said.
        percent: Option<u8>,
        /// What it waits for or does.
        note: String,
    },
    /// An attempt at a step failed, and it is tried again.
    StepRetried {
        /// The step.
        #[serde(flatten)]
        name: StepName,
        /// Why the attempt failed.
        error: String,
    },
    /// A step is done.
    StepDone {
        /// The step.
        #[serde(flatten)]
        name: StepName,
        /// Whether it changed anything.
        changed: bool,
        /// Wall time it took, in milliseconds.
        ms: u64,
    },
    /// A step failed.
    StepFailed {
        /// The step.
        #[serde(flatten)]
        name: StepName,
        /// Why.
        error: String,
        /// Whether it may have taken effect all the same.
        in_doubt: bool,
    },
    /// The run is over.
    RunDone {
        /// Its id.
        run: RunId,
        /// Steps done.
        done: usize,
        /// Whether it did what was asked.
        ok: bool,
        /// Wall time it took, in milliseconds.
        ms: u64,
    },
}

/// Where events go. Without a listener they are dropped.
#[derive(Debug, Clone, Default)]
pub struct Events(Arc<Mutex<Vec<mpsc::UnboundedSender<Event>>>>);

impl Events {
    /// Events without a listener yet.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a listener; it gets every event from now on, in order, until [`Events::close`].
    pub fn listen(&self) -> mpsc::UnboundedReceiver<Event> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.listeners().push(sender);
        receiver
    }

    /// Ends what all listeners get.
    pub fn close(&self) {
        self.listeners().clear();
    }

    /// Tells what happened.
    pub fn send(&self, event: Event) {
        // A display that went away must not stop the work.
        self.listeners()
            .retain(|listener| listener.send(event.clone()).is_ok());
    }

    fn listeners(&self) -> std::sync::MutexGuard<'_, Vec<mpsc::UnboundedSender<Event>>> {
        // A list of channels is whole whenever it is unlocked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listener_gets_every_event_and_a_closed_one_stops_nobody() {
        let events = Events::none();
        let (mut first, second) = (events.listen(), events.listen());
        drop(second);
        let mut third = events.listen();
        let event = Event::Observing { what: "AWS".into() };
        events.send(event.clone());
        events.close();
        for listener in [&mut first, &mut third] {
            assert_eq!(listener.try_recv(), Ok(event.clone()));
            assert_eq!(
                listener.try_recv(),
                Err(mpsc::error::TryRecvError::Disconnected)
            );
        }
    }
}
