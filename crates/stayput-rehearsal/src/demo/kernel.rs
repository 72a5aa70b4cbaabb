//! Real packets through the story: the lab's prober sends one to every address of the watchlist every few milliseconds, from on-prem through
//! the kernel's namespaces to the machine and back, and the demo says what became of them, step by step.

mod account;
mod announced;
mod table;

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::json;
use stayput_dataplane::report::Changes;
use stayput_dataplane::report::Report;
use stayput_dataplane::report::Status;
use stayput_messages::Message;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use self::account::Account;
pub use self::account::Judged;
use self::account::Sample;
pub use self::account::account;
pub use self::table::render;
pub use self::table::render_switches;
use super::chapter::wall_now;
use super::demo_lab::DemoLab;
use super::watchlist::Watchlist;
use crate::control::Control;
use crate::error::RehearsalError;

/// Pause between two packets to one address. A hundred a second to each of twenty is well within what one slow core sends.
const INTERVAL_MS: u64 = 10;
/// Pause between two looks at the prober's counters: what was sent in a step is read from these.
const SAMPLE: Duration = Duration::from_millis(100);
/// How long the prober may take to decide what is in flight when it has stopped, beyond a packet's own time.
const DECIDED_WITHIN: Duration = Duration::from_secs(10);

/// A prober that sends.
pub struct Probes {
    control: Control,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<Vec<Sample>, RehearsalError>>,
}

/// What a prober said when it was over.
#[derive(Debug, Clone)]
pub struct Packets {
    /// Its report.
    report: Report,
    /// Its counters on the way.
    samples: Vec<Sample>,
    /// What was changed in the kernel meanwhile.
    changes: Changes,
    /// The data plane.
    status: Status,
}

impl Probes {
    /// Begins to send to every watched address.
    pub async fn begin(lab: &DemoLab<'_>, watchlist: &Watchlist) -> Result<Self, RehearsalError> {
        let control = lab.control().clone();
        let targets: Vec<_> = watchlist.0.keys().collect();
        let wanted = json!({ "targets": targets, "interval_ms": INTERVAL_MS });
        control.tell("/kernel/probe", &wanted).await?;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(sample(control.clone(), stopped));
        Ok(Self {
            control,
            stop,
            task,
        })
    }

    /// Stops sending, waits for what is on its way, and gives what was seen.
    pub async fn end(self) -> Result<Packets, RehearsalError> {
        self.stop.send_replace(true);
        let samples = self.task.await??;
        let stopped = self.control.post("/kernel/probe/stop").await?;
        let mut report: Report = read(stopped)?;
        let limit = Duration::from_millis(report.timeout_ms) + DECIDED_WITHIN;
        let since = std::time::Instant::now();
        while report.in_flight > 0 {
            if since.elapsed() > limit {
                return Err(RehearsalError::Undecided {
                    packets: report.in_flight,
                    limit,
                });
            }
            tokio::time::sleep(SAMPLE).await;
            report = ask(&self.control, "/kernel/probe").await?;
        }
        Ok(Packets {
            report,
            samples,
            changes: ask(&self.control, "/kernel/changes").await?,
            status: ask(&self.control, "/kernel").await?,
        })
    }
}

async fn sample(
    control: Control,
    mut stopped: watch::Receiver<bool>,
) -> Result<Vec<Sample>, RehearsalError> {
    let mut samples = Vec::new();
    loop {
        let last = *stopped.borrow();
        let before = wall_now();
        let report: Report = ask(&control, "/kernel/probe").await?;
        let after = wall_now();
        let status: Status = ask(&control, "/kernel").await?;
        samples.push(Sample {
            at_ms: before + (after - before.min(after)) / 2,
            sent: report.sent,
            ttl_exceeded: status.swallowed.ttl_exceeded,
        });
        if last {
            return Ok(samples);
        }
        tokio::select! {
            _ = stopped.changed() => {}
            () = tokio::time::sleep(SAMPLE) => {}
        }
    }
}

async fn ask<T: DeserializeOwned>(control: &Control, path: &str) -> Result<T, RehearsalError> {
    read(control.get(path).await?)
}

fn read<T: DeserializeOwned>(answer: serde_json::Value) -> Result<T, RehearsalError> {
    serde_json::from_value(answer).map_err(|source| RehearsalError::Form {
        what: Message::new("rehearsal-form-kernel"),
        source,
    })
}
