//! What stands between a process and the lab: it numbers the calls, remembers them, and kills the process where it is told to.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use async_trait::async_trait;
use stayput_ambient::Clock;
use stayput_lab::Exchange;
use stayput_lab::Lab;
use stayput_lab::Service;
use stayput_lab::faults::Call;
use stayput_lab::faults::CallKind;
use stayput_lab::http::Request;
use stayput_ledger::LedgerError;
use stayput_ledger::Write;
use stayput_ledger::WriteGate;
use tokio::sync::Notify;

use crate::disaster::ClockStep;
use crate::disaster::Disaster;
use crate::judge::Judge;

/// Where a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KillAt {
    /// Before the call with this number is sent, from 1 over all processes of the story.
    BeforeCall(u64),
    /// After the call with this number was applied, before its answer arrives.
    AfterCall(u64),
    /// Before the ledger write with this number, from 1 over all processes of the story.
    BeforeWrite(u64),
}

/// One call, as the record of a story has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// What was called.
    pub call: Call,
    /// How many calls of the same service, site, region and name came before it, and it; from 1.
    pub nth: u64,
}

/// Calls and writes so far, over all processes of a story.
#[derive(Debug, Default)]
struct Counts {
    calls: u64,
    writes: u64,
    record: Vec<CallRecord>,
    by_name: std::collections::BTreeMap<(String, Option<String>, Option<String>, String), u64>,
    kills: Vec<KillAt>,
}

/// The gate of a story.
pub(crate) struct Gate {
    lab: Arc<Lab>,
    judge: Arc<Judge>,
    counts: Mutex<Counts>,
    clock: Clock,
    steps: Vec<ClockStep>,
    killed: Notify,
}

impl Gate {
    pub(crate) fn new(
        lab: &Arc<Lab>,
        judge: &Arc<Judge>,
        clock: &Clock,
        disaster: &Disaster,
    ) -> Arc<Self> {
        Arc::new(Self {
            lab: Arc::clone(lab),
            judge: Arc::clone(judge),
            counts: Mutex::new(Counts {
                kills: disaster.kills.clone(),
                ..Counts::default()
            }),
            clock: clock.clone(),
            steps: disaster.clock_steps.clone(),
            killed: Notify::new(),
        })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every call so far.
    pub(crate) fn record(&self) -> Vec<CallRecord> {
        self.counts().record.clone()
    }

    /// How many writes of the ledger were begun so far.
    pub(crate) fn writes(&self) -> u64 {
        self.counts().writes
    }

    /// Completes when the process is to be killed.
    pub(crate) async fn killed(&self) {
        self.killed.notified().await;
    }

    async fn die<T>(&self) -> T {
        self.killed.notify_one();
        std::future::pending().await
    }

    /// Sends one request of the process.
    pub(crate) async fn exchange(&self, service: Service, request: Request) -> Exchange {
        let call = self.lab.call(service, &request);
        let (before, after) = {
            let mut counts = self.counts();
            counts.calls += 1;
            let number = counts.calls;
            for step in self.steps.iter().filter(|step| step.at_call == number) {
                self.clock.step(step.by);
            }
            let name = (
                call.service.clone(),
                call.site.clone(),
                call.region.clone(),
                call.name.clone(),
            );
            let nth = counts.by_name.entry(name).or_default();
            *nth += 1;
            let nth = *nth;
            counts.record.push(CallRecord {
                call: call.clone(),
                nth,
            });
            (
                counts.kills.contains(&KillAt::BeforeCall(number)),
                counts.kills.contains(&KillAt::AfterCall(number)),
            )
        };
        if before {
            return self.die().await;
        }
        if call.kind == CallKind::Change {
            self.judge.before_change(&call, &request);
        }
        let exchange = self.lab.exchange(service, &request).await;
        if after {
            return self.die().await;
        }
        exchange
    }
}

/// The gate before the writes of a process's ledger.
pub(crate) struct LedgerGate(pub(crate) Arc<Gate>);

#[async_trait]
impl WriteGate for LedgerGate {
    async fn before(&self, _: Write) -> Result<(), LedgerError> {
        let is_killed = {
            let mut counts = self.0.counts();
            counts.writes += 1;
            let number = counts.writes;
            counts.kills.contains(&KillAt::BeforeWrite(number))
        };
        match is_killed {
            true => self.0.die().await,
            false => Ok(()),
        }
    }
}
