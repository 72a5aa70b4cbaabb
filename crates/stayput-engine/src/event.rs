//! Events of a run, as data. Displays render them; there can be any number of listeners.

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
    /// One line for people: what it achieves.
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
    /// Guests are being captured.
    Guests {
        /// In how many the script has ended.
        ended: usize,
        /// To how many it was sent.
        of: usize,
    },
    /// A system could not be read. The state of its objects is unknown.
    Unobserved {
        /// Which.
        what: String,
        /// Why not.
        why: String,
    },
    /// A run starts or is resumed.
    RunStarted {
        /// Its id.
        run: RunId,
        /// Its goal.
        goal: String,
        /// How many steps.
        steps: usize,
    },
    /// An older run is closed, because the goal of this one supersedes its goal.
    RunAbandoned {
        /// The older run.
        run: RunId,
        /// Its goal.
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
    /// Systems of a lost site that did not answer are asked again before the run is called done. Each may take its time limit.
    AskingAgain {
        /// Which.
        what: Vec<String>,
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
        /// Percentage, if known.
        percent: Option<u8>,
        /// What it waits for or does.
        note: String,
    },
    /// An attempt at a step failed and is retried.
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
        /// Whether it may have taken effect nevertheless.
        in_doubt: bool,
    },
    /// The run has ended.
    RunDone {
        /// Its id.
        run: RunId,
        /// Steps done.
        done: usize,
        /// Whether it did what was requested.
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

    /// Closes the channels of all listeners.
    pub fn close(&self) {
        self.listeners().clear();
    }

    /// Sends an event to all listeners.
    pub fn send(&self, event: Event) {
        // A closed display must not stop the run.
        self.listeners()
            .retain(|listener| listener.send(event.clone()).is_ok());
    }

    fn listeners(&self) -> std::sync::MutexGuard<'_, Vec<mpsc::UnboundedSender<Event>>> {
        // A panic cannot leave the list of channels inconsistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listener_gets_every_event_and_a_closed_one_stops_no_other() {
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
