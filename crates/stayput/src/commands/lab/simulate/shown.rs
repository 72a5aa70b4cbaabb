//! What is shown while stories are told.

use std::io::IsTerminal;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;
use stayput_messages::Message;
use stayput_simulator::Bad;

use crate::ui;

/// How often a line says how far it is, where no bar can be shown.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// A bar on a terminal, and lines else.
pub(super) struct Shown {
    bar: ProgressBar,
    count: usize,
    is_quiet: bool,
    bad: AtomicUsize,
    /// When a line was written last.
    last: Mutex<Instant>,
}

impl Shown {
    /// Shows nothing yet.
    pub(super) fn new(count: usize, is_quiet: bool) -> Self {
        let bar = ProgressBar::new(count as u64);
        if is_quiet || !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        if let Ok(style) = ProgressStyle::with_template(&Message::new("simulate-bar").to_string()) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self {
            bar,
            count,
            is_quiet,
            bad: AtomicUsize::new(0),
            last: Mutex::new(Instant::now()),
        }
    }

    /// A story is told; `bad`: a promise was not kept, or it is stuck.
    pub(super) fn told(&self, done: usize, bad: Option<&Bad>) {
        self.bar.inc(1);
        if let Some(bad) = bad {
            self.bad.fetch_add(1, Ordering::Relaxed);
            let line = Message::new("simulate-story-is-bad")
                .with("number", bad.number)
                .with("what", &bad.what);
            self.line(&line);
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if self.bar.is_hidden() && last.elapsed() >= LINE_EVERY {
            *last = Instant::now();
            let line = Message::new("simulate-progress")
                .with("done", done)
                .with("count", self.count)
                .with("bad", self.bad.load(Ordering::Relaxed));
            self.line(&line);
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn line(&self, line: &Message) {
        if !self.is_quiet {
            let line = ui::clean_lines(&line.to_string());
            self.bar
                .suspend(|| drop(writeln!(anstream::stderr(), "{line}")));
        }
    }
}
