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
use stayput_ledger::Crash;
use stayput_ledger::LedgerError;
use stayput_ledger::Write;
use stayput_ledger::WriteGate;
use tokio::sync::Notify;

use crate::disaster::ClockStep;
use crate::disaster::Disaster;
use crate::disaster::Kill;
use crate::hands::ByHand;
use crate::hands::hits;
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
    /// How the process that is about to be killed ends.
    crash: Option<Crash>,
    /// What people did that changed anything.
    done_by_hand: u64,
}

/// The gate of a story.
pub(crate) struct Gate {
    lab: Arc<Lab>,
    judge: Arc<Judge>,
    counts: Mutex<Counts>,
    clock: Clock,
    steps: Vec<ClockStep>,
    kills: Vec<Kill>,
    by_hand: Vec<ByHand>,
    second: Option<u64>,
    second_comes: Notify,
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
            counts: Mutex::default(),
            clock: clock.clone(),
            steps: disaster.clock_steps.clone(),
            kills: disaster.kills.clone(),
            by_hand: disaster.by_hand.clone(),
            second: disaster.second,
            second_comes: Notify::new(),
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

    /// How often people did something that changed anything.
    pub(crate) fn done_by_hand(&self) -> u64 {
        self.counts().done_by_hand
    }

    /// Completes when the process is to be killed; returns how it ends.
    pub(crate) async fn killed(&self) -> Crash {
        self.killed.notified().await;
        let crash = self.counts().crash.take();
        crash.unwrap_or(Crash::ProcessKilled)
    }

    /// Completes when the second operator comes.
    pub(crate) async fn second_comes(&self) {
        self.second_comes.notified().await;
    }

    async fn die_at(&self, at: KillAt) {
        if let Some(kill) = self.kills.iter().find(|kill| kill.at == at) {
            self.counts().crash = Some(kill.crash);
            self.killed.notify_one();
            std::future::pending().await
        }
    }

    /// How many calls were made so far.
    pub(crate) fn calls(&self) -> u64 {
        self.counts().calls
    }

    /// Sends one request of a process.
    pub(crate) async fn exchange(
        &self,
        process: u32,
        service: Service,
        request: Request,
    ) -> Exchange {
        let call = self.lab.call(service, &request);
        let number = {
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
            number
        };
        if self.second == Some(number) {
            self.second_comes.notify_one();
        }
        for act in self.by_hand.iter().filter(|act| act.at_call == number) {
            if act.carry_out(&self.lab, &self.judge) {
                self.counts().done_by_hand += 1;
            }
        }
        self.die_at(KillAt::BeforeCall(number)).await;
        if call.kind == CallKind::Change {
            let judge = &self.judge;
            let hits = hits(&self.lab);
            self.lab
                .look(|state| judge.before_change(state, process, &call, &request, hits));
        }
        let exchange = self.lab.exchange(service, &request).await;
        self.die_at(KillAt::AfterCall(number)).await;
        exchange
    }
}

/// The gate before the writes of a process's ledger.
pub(crate) struct LedgerGate(pub(crate) Arc<Gate>);

#[async_trait]
impl WriteGate for LedgerGate {
    async fn before(&self, _: Write) -> Result<(), LedgerError> {
        let number = {
            let mut counts = self.0.counts();
            counts.writes += 1;
            counts.writes
        };
        self.0.die_at(KillAt::BeforeWrite(number)).await;
        Ok(())
    }
}
