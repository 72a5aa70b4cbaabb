//! Shows the narration and progress of a rehearsal on the terminal of this process.

use std::io::Write;

use stayput_engine::Event;
use stayput_rehearsal::Narrator;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

use crate::cli::Global;
use crate::ui;

/// Narration that is part of the result: on standard output for people, on standard error beside JSON.
pub struct Story<'a>(pub &'a Global);

impl Narrator for Story<'_> {
    fn say(&self, text: &str) {
        if !self.0.json {
            let _ = writeln!(anstream::stdout(), "{}", ui::clean_lines(text));
        } else if !self.0.quiet {
            let _ = writeln!(anstream::stderr(), "{}", ui::clean_lines(text));
        }
    }

    fn follow(&self, events: UnboundedReceiver<Event>) -> JoinHandle<()> {
        ui::show(events, self.0.quiet)
    }
}

/// Narration that only reports progress: on standard error.
pub struct Progress<'a>(pub &'a Global);

impl Narrator for Progress<'_> {
    fn say(&self, text: &str) {
        if !self.0.quiet {
            let _ = writeln!(anstream::stderr(), "{}", ui::clean_lines(text));
        }
    }

    fn follow(&self, events: UnboundedReceiver<Event>) -> JoinHandle<()> {
        ui::show(events, self.0.quiet)
    }
}
