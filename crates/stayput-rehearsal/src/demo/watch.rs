//! Watches addresses while something is done to them: the lab's own packet walk is asked about each again and again, with what
//! virtual time it is there.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::control::Control;
use crate::error::RehearsalError;

/// A time in which an address was not reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Outage {
    /// Whether the address was still not reached when the watch ended. First: such an outage is worse than any that ended.
    pub goes_on: bool,
    /// How long, in virtual milliseconds; until the watch ended if `goes_on`.
    pub virtual_ms: u64,
    /// It may have been so much shorter or longer: what passed between the looks around its ends.
    pub within_virtual_ms: u64,
}

/// What was seen of one address.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Watched {
    /// Whether it was reached at the first look.
    pub reached_at_first: bool,
    /// Whether it was reached at the last look.
    pub reached_at_last: bool,
    /// Its longest outage.
    pub longest: Option<Outage>,
    /// Whether packets to it looped at some time.
    pub looped: bool,
    #[serde(skip)]
    since: Option<Since>,
}

/// An outage that goes on.
#[derive(Debug, Clone, Copy)]
struct Since {
    virtual_ms: u64,
    within: u64,
}

impl Watched {
    fn see(&mut self, walk: &Value, now: u64, gap: u64, first: bool) {
        let reached = walk["end"] == "delivered";
        self.looped |= walk["end"] == "ttl-exceeded";
        self.reached_at_first |= first && reached;
        self.reached_at_last = reached;
        match (self.since, reached) {
            (None, false) => {
                self.since = Some(Since {
                    virtual_ms: now,
                    within: gap,
                });
            }
            (Some(since), true) => {
                self.close(since, now, gap, false);
                self.since = None;
            }
            (None, true) | (Some(_), false) => {}
        }
    }

    fn close(&mut self, since: Since, now: u64, gap: u64, goes_on: bool) {
        let outage = Outage {
            virtual_ms: now.saturating_sub(since.virtual_ms),
            within_virtual_ms: since.within + gap,
            goes_on,
        };
        self.longest = self.longest.max(Some(outage));
    }
}

/// Everything that was seen, by address.
pub type Seen = BTreeMap<Ipv4Addr, Watched>;

/// A watch that goes on.
pub struct Watch {
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<Seen, RehearsalError>>,
}

impl Watch {
    /// Begins to watch these addresses from on-prem, with a pause between two rounds. The first look is done when this returns.
    pub async fn begin(
        control: Control,
        addresses: impl IntoIterator<Item = Ipv4Addr>,
        pause: Duration,
    ) -> Result<Self, RehearsalError> {
        let mut seen: Seen = addresses
            .into_iter()
            .map(|address| (address, Watched::default()))
            .collect();
        let mut before = control.virtual_ms().await?;
        round(&control, &mut seen, &mut before, true).await?;
        let (stop, mut stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            loop {
                let last = *stopped.borrow();
                round(&control, &mut seen, &mut before, false).await?;
                if last {
                    break;
                }
                tokio::select! {
                    _ = stopped.changed() => {}
                    () = tokio::time::sleep(pause) => {}
                }
            }
            for watched in seen.values_mut() {
                if let Some(since) = watched.since.take() {
                    watched.close(since, before, 0, true);
                }
            }
            Ok(seen)
        });
        Ok(Self { stop, task })
    }

    /// Looks a last time and says what was seen.
    pub async fn end(self) -> Result<Seen, RehearsalError> {
        self.stop.send_replace(true);
        self.task.await?
    }
}

/// One look at every address.
async fn round(
    control: &Control,
    seen: &mut Seen,
    before: &mut u64,
    first: bool,
) -> Result<(), RehearsalError> {
    let this = control.virtual_ms().await?;
    let gap = this.saturating_sub(*before);
    for (address, watched) in seen.iter_mut() {
        let walk = control
            .get(&format!("/walk?from=on-prem&to={address}"))
            .await?;
        watched.see(&walk, this, gap, first);
    }
    *before = this;
    Ok(())
}
