//! The context of a step: clients, world, ledger and events.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use stayput_ambient::Ambient;
use stayput_estate::Estate;
use stayput_estate::FlowVpcExtId;
use stayput_estate::InstanceId;
use stayput_estate::MoveConfig;
use stayput_estate::Nc2Site;
use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_estate::mutants::Mutant;
use stayput_ledger::Attempt;
use stayput_ledger::By;
use stayput_ledger::Lease;
use stayput_ledger::Ledger;
use stayput_ledger::Outcome;
use stayput_ledger::RunId;
use stayput_ledger::Who;
use stayput_messages::Message;
use stayput_nutanix::MoveClient;
use stayput_nutanix::PrismClient;
use stayput_nutanix::RequestId;
use stayput_plan::StepId;
use stayput_world::AwsRegion;
use stayput_world::MachineFacts;
use stayput_world::MoveAppliance;
use stayput_world::Prism;
use stayput_world::System;
use stayput_world::Unobserved;
use stayput_world::World;

use crate::Clients;
use crate::Event;
use crate::Events;
use crate::StepError;
use crate::catalog::Catalog;
use crate::clock::Stopwatch;
use crate::stop::Stop;
use crate::watch::Watcher;

/// How long a wait continues although every read fails with a transient error: a restart of Move or Prism Central takes minutes, and
/// the operation that is waited for continues meanwhile.
const READS_MAY_FAIL_FOR: Duration = Duration::from_secs(600);

/// What the steps of one phase share.
#[derive(Clone)]
pub struct PhaseContext {
    pub estate: Arc<Estate>,
    pub clients: Clients,
    pub ledger: Arc<dyn Ledger>,
    pub lease: Arc<Lease>,
    pub events: Events,
    pub ambient: Ambient,
    pub stop: Stop,
    pub run: RunId,
    pub who: Who,
    pub catalog: Arc<Catalog>,
    pub watcher: Arc<Watcher>,
    /// As it was read when the phase began.
    pub world: Arc<World>,
    /// Systems of sites that the goal declares lost, and that did not answer then.
    pub lost: Arc<[Unobserved]>,
}

/// One attempt at one step.
pub struct StepContext {
    shared: PhaseContext,
    step: StepId,
    attempt: Attempt,
    /// Whether the request of this attempt was answered: what it found afterwards is the outcome of the step.
    is_answered: AtomicBool,
}

impl std::ops::Deref for StepContext {
    type Target = PhaseContext;

    fn deref(&self) -> &PhaseContext {
        &self.shared
    }
}

impl PhaseContext {
    /// Whether a system is of a site that the goal declares lost, and did not answer when the phase began.
    pub fn is_lost(&self, system: &System) -> bool {
        let mut lost = self.lost.iter();
        lost.any(|known| known.system == *system)
    }

    /// The time now, for records.
    pub fn now(&self) -> Timestamp {
        self.ambient.clock.now()
    }
}

impl StepContext {
    pub fn new(shared: PhaseContext, step: StepId, attempt: Attempt) -> Self {
        Self {
            shared,
            step,
            attempt,
            is_answered: AtomicBool::new(false),
        }
    }

    /// The request of this attempt was answered, and with it that of an earlier attempt in doubt, which had the same id.
    pub fn answered(&self) {
        self.is_answered.store(true, Ordering::Relaxed);
    }

    /// Whether an earlier attempt may have sent a request of which nothing is known, also not by this attempt.
    pub fn leaves_doubt(&self) -> bool {
        let is_unknown_before = self.attempt.number > self.attempt.concluded + 1;
        is_unknown_before && !self.is_answered.load(Ordering::Relaxed)
    }

    /// The id of one request of this step: the same while the outcome of earlier attempts is unknown, a new one after a known outcome.
    /// It is unique to this run.
    pub fn request(&self, part: &str) -> RequestId {
        if Mutant::RequestIdAlwaysNew.is_chosen() {
            return RequestId::new(&self.ambient.entropy);
        }
        let concluded = match Mutant::RequestIdWithoutAttempts.is_chosen() {
            true => 0,
            false => self.attempt.concluded,
        };
        self.request_of(&self.run, &self.step, part, concluded)
    }

    /// The id that a request of any run's step has, after so many attempts with a known outcome.
    pub fn request_of(&self, run: &RunId, step: &StepId, part: &str, concluded: u32) -> RequestId {
        let run = uuid::Uuid::try_parse(run.as_str()).unwrap_or_default();
        let name = format!("{step}/{part}/{concluded}");
        // Marked as version 4, which is what Prism documents.
        let bytes = uuid::Uuid::new_v5(&run, name.as_bytes()).into_bytes();
        let id = uuid::Builder::from_random_bytes(bytes)
            .into_uuid()
            .to_string();
        id.parse()
            .unwrap_or_else(|_| RequestId::new(&self.ambient.entropy))
    }

    /// Records in the journal what the step observed.
    pub async fn record(&self, observed: &serde_json::Value) -> Result<(), StepError> {
        let sequence = self.attempt.sequence;
        Ok(self.ledger.observe(sequence, observed).await?)
    }

    /// How many earlier attempts at this step in this run have a known outcome.
    pub fn concluded(&self) -> u32 {
        self.attempt.concluded
    }

    /// Whether this step was done earlier in this run, by a process that ended later.
    pub async fn was_done(&self) -> Result<bool, StepError> {
        let journal = self.ledger.journal(&self.run).await?;
        Ok(journal
            .iter()
            .any(|entry| entry.step == self.step && entry.outcome == Some(Outcome::Done)))
    }

    /// The author of what this step writes into the ledger.
    pub fn by(&self) -> By {
        By::run(self.who.clone(), self.run.clone())
    }

    /// Writes which VM a machine has become.
    pub async fn became(
        &self,
        machine: &InstanceId,
        site: &SiteName,
        vm: &stayput_estate::VmExtId,
    ) -> Result<(), StepError> {
        self.ledger
            .put_vm(machine, site, vm, self.now(), &self.by())
            .await?;
        self.catalog.put_vm(machine, site, vm.clone());
        Ok(())
    }

    /// Checks that no other stayput process has taken over. Call it right before a call that the remote system cannot fence.
    pub async fn holds_the_lease(&self) -> Result<(), StepError> {
        Ok(self.ledger.check_lease(&self.lease).await?)
    }

    /// The Prism Central of a site.
    pub fn prism(&self, site: &SiteName) -> Result<&PrismClient, StepError> {
        self.clients
            .prism
            .get(site)
            .ok_or_else(|| missing(Message::new("object-prism-central"), site))
    }

    /// What a Prism Central held when the phase began.
    pub fn prism_world(&self, site: &SiteName) -> Result<&Prism, StepError> {
        self.world
            .prism
            .get(site)
            .ok_or_else(|| missing(Message::new("object-held-by-prism-central"), site))
    }

    /// The Move appliance of a site.
    pub fn move_client(&self, site: &SiteName) -> Result<&MoveClient, StepError> {
        self.clients
            .moves
            .get(site)
            .ok_or_else(|| missing(Message::new("object-move"), site))
    }

    /// What Move held when the phase began.
    pub fn move_world(&self, site: &SiteName) -> Result<&MoveAppliance, StepError> {
        self.world
            .moves
            .get(site)
            .ok_or_else(|| missing(Message::new("object-held-by-move"), site))
    }

    /// What AWS held when the phase began.
    pub fn aws_world(&self, region: &Region) -> Result<&AwsRegion, StepError> {
        self.world.aws.get(region).ok_or_else(|| {
            StepError::Refused(
                Message::new("refused-not-observed")
                    .with("region", region)
                    .into(),
            )
        })
    }

    /// A site as configured.
    pub fn site(&self, site: &SiteName) -> Result<&Nc2Site, StepError> {
        self.estate
            .sites
            .get(site)
            .ok_or_else(|| missing(Message::new("object-site"), site))
    }

    /// A site's Move as configured.
    pub fn move_config(&self, site: &SiteName) -> Result<&MoveConfig, StepError> {
        self.site(site)?
            .mv
            .as_ref()
            .ok_or_else(|| missing(Message::new("object-move-of-site"), site))
    }

    /// A Flow VPC of a site.
    pub fn flow_vpc(&self, site: &SiteName, name: &str) -> Result<FlowVpcExtId, StepError> {
        let found = self.catalog.vpc(site, name);
        found.ok_or_else(|| missing(Message::new("object-flow-vpc").with("name", name), site))
    }

    /// A machine's facts, from the ledger.
    pub async fn machine(&self, machine: &InstanceId) -> Result<MachineFacts, StepError> {
        let facts = self.ledger.machine(machine).await?;
        facts.ok_or_else(|| {
            StepError::Refused(
                Message::new("refused-not-in-ledger")
                    .with("machine", machine)
                    .into(),
            )
        })
    }

    /// Reports the progress of the step.
    pub fn progress(&self, percent: Option<u8>, note: impl Into<String>) {
        self.events.send(Event::StepProgress {
            step: self.step.clone(),
            percent,
            note: note.into(),
        });
    }

    /// The pause between two reads, which ends when the run is asked to stop.
    async fn pause(&self, what: &str) -> Result<(), StepError> {
        tokio::select! {
            biased;
            () = self.stop.asked() => Err(StepError::Interrupted { what: what.to_owned() }),
            () = tokio::time::sleep(self.estate.engine.poll_interval) => Ok(()),
        }
    }

    /// Calls `look` until it returns a value, for at most `limit` of wall time. A call that fails with a transient error is repeated for
    /// a limited time.
    pub async fn until<T>(
        &self,
        what: &str,
        limit: Duration,
        mut look: impl AsyncFnMut() -> Result<Option<T>, StepError>,
    ) -> Result<T, StepError> {
        let started = Stopwatch::start();
        let mut failing: Option<Stopwatch> = None;
        loop {
            match look().await {
                Ok(Some(value)) => return Ok(value),
                Ok(None) => failing = None,
                Err(error) if error.is_transient() => {
                    let since = *failing.get_or_insert_with(Stopwatch::start);
                    if since.elapsed() > READS_MAY_FAIL_FOR {
                        return Err(error);
                    }
                    self.progress(None, Message::new("note-retries").with("error", error));
                }
                Err(error) => return Err(error),
            }
            if started.elapsed() > limit {
                return Err(StepError::TooSlow {
                    what: what.to_owned(),
                    seconds: limit.as_secs(),
                });
            }
            self.pause(what).await?;
        }
    }
}

fn missing(what: Message, site: &SiteName) -> StepError {
    StepError::Missing {
        what: what.into(),
        site: site.clone(),
    }
}
