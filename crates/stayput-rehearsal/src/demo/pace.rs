//! How fast time runs in the lab while packets are watched: figures about outages mean something only if the lab's time does
//! not run away between two looks. So time runs fast while nothing that touches traffic happens, slower while machines move, and
//! slowest from the first prefix to the last route.

use std::time::Duration;

use serde::Serialize;
use stayput_ledger::Entry;
use stayput_ledger::Ledger;
use stayput_ledger::Run;
use stayput_ledger::Sequence;
use stayput_ledger::SqliteLedger;
use stayput_messages::Message;
use stayput_plan::Action;
use stayput_plan::ErpScope;
use stayput_plan::RecoveryRun;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::control::Control;
use crate::error::RehearsalError;

/// How often the journal is looked at: at most this long after a step has begun, time runs as the step needs it.
const LOOK: Duration = Duration::from_millis(5);

/// Virtual seconds in a second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pace {
    /// While nothing touches traffic: replication, protection, rehearsals.
    pub idle: f64,
    /// While machines are stopped, moved and started.
    pub moving: f64,
    /// From the first prefix to the last route in use.
    pub switching: f64,
}

impl Pace {
    /// So that the lab's own walk, asked again and again, sees every change of a route. Never faster than `speed`.
    pub fn for_walks(speed: f64) -> Self {
        Self {
            idle: speed.min(1200.0),
            moving: speed.min(60.0),
            switching: speed.min(10.0),
        }
    }

    /// So that packets sent in wall time mean something: while routes change, a second is a second.
    pub fn for_packets(speed: f64) -> Self {
        Self {
            switching: 1.0,
            ..Self::for_walks(speed)
        }
    }

    /// One sentence for people.
    pub fn describe(&self) -> Message {
        Message::new("demo-pace")
            .with("idle", self.idle)
            .with("moving", self.moving)
            .with("switching", self.switching)
    }

    fn of(&self, urgency: Urgency) -> f64 {
        match urgency {
            Urgency::Idle => self.idle,
            Urgency::Moving => self.moving,
            Urgency::Switching => self.switching,
        }
    }
}

/// What a run is doing to traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Urgency {
    Idle,
    Moving,
    Switching,
}

/// What a run does to traffic once this step of it has begun, if that differs from what it did before.
fn urgency_of(action: &Action) -> Option<Urgency> {
    match action {
        Action::Cutover { .. }
        | Action::RestoreNics { .. }
        | Action::RunRecovery {
            run: RecoveryRun::Planned,
            ..
        } => Some(Urgency::Moving),
        Action::Erp {
            scope: ErpScope::Transit,
            present: true,
            ..
        }
        | Action::TgwRoute { .. } => Some(Urgency::Switching),
        Action::Verify { .. } => Some(Urgency::Idle),
        Action::Capture { .. }
        | Action::PowerOff { .. }
        | Action::DeleteVm { .. }
        | Action::ShutDown { .. }
        | Action::StartSource { .. }
        | Action::CancelMovePlan { .. }
        | Action::ReleaseNics { .. }
        | Action::RemoveCopies { .. }
        | Action::EnsureFlowVpc { .. }
        | Action::EnsureSubnet { .. }
        | Action::Erp { .. }
        | Action::Replicate { .. }
        | Action::Categorize { .. }
        | Action::ProtectionPolicy { .. }
        | Action::RecoveryPlan { .. }
        | Action::AwaitRecoveryPoints { .. }
        | Action::RunRecovery { .. } => None,
    }
}

/// Follows the runs of a lab's ledger and sets the lab's speed by what they do, until it is ended.
pub struct Pacer {
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), RehearsalError>>,
}

impl Pacer {
    /// Begins to follow.
    pub fn follow(control: Control, ledger: SqliteLedger, pace: Pace) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(follow(control, ledger, pace, stopped));
        Self { stop, task }
    }

    /// Stops following; time then runs at the pace of an idle lab.
    pub async fn end(self) -> Result<(), RehearsalError> {
        self.stop.send_replace(true);
        self.task.await?
    }
}

async fn follow(
    control: Control,
    ledger: SqliteLedger,
    pace: Pace,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), RehearsalError> {
    let mut speed = pace.idle;
    control.set_speed(speed).await?;
    let mut journal = JournalReader::default();
    while !*stopped.borrow() {
        let wanted = pace.of(journal.look(&ledger).await?);
        if wanted != speed {
            control.set_speed(wanted).await?;
            speed = wanted;
        }
        tokio::select! {
            _ = stopped.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    Ok(control.set_speed(pace.idle).await?)
}

/// How far the journal has been read, and what it said.
struct JournalReader {
    sequence: Option<Sequence>,
    urgency: Urgency,
}

impl Default for JournalReader {
    fn default() -> Self {
        Self {
            sequence: None,
            urgency: Urgency::Idle,
        }
    }
}

impl JournalReader {
    async fn look(&mut self, ledger: &SqliteLedger) -> Result<Urgency, RehearsalError> {
        // The open run, if there is one: the newest.
        let open = ledger.runs().await?.into_iter().next().filter(Run::is_open);
        let Some(run) = open else {
            self.urgency = Urgency::Idle;
            return Ok(self.urgency);
        };
        for entry in ledger.journal(&run.id).await? {
            self.read(&entry);
        }
        Ok(self.urgency)
    }

    fn read(&mut self, entry: &Entry) {
        if Some(entry.sequence) <= self.sequence {
            return;
        }
        self.sequence = Some(entry.sequence);
        let action = serde_json::from_value::<Action>(entry.intent["action"].clone());
        if let Some(urgency) = action.ok().as_ref().and_then(urgency_of) {
            self.urgency = urgency;
        }
    }
}
