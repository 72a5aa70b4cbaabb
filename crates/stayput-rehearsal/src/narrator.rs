//! Who is told how far a rehearsal is.

use stayput_engine::Event;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

/// Shows what a rehearsal tells while it runs; where and how is its own business.
pub trait Narrator: Send + Sync {
    /// Takes a piece of narration: one line or several, without the last line's end.
    fn say(&self, text: &str);

    /// Shows the events of a run that the rehearsal executes itself, until their senders are gone. The rehearsal waits for the task
    /// before it says more.
    fn follow(&self, events: UnboundedReceiver<Event>) -> JoinHandle<()>;
}
