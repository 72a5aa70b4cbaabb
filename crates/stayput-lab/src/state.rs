//! The lab's whole state and its events.
//!
//! There is one lock and no thread: every request first runs the events that are due, in virtual order, and is then answered
//! synchronously. Everything that takes time is an event in the queue.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::aws;
use crate::aws::model::AwsState;
use crate::clock::Clock;
use crate::clock::VTime;
use crate::faults::Fate;
use crate::faults::Policy;
use crate::gate;
use crate::gate::Service;
use crate::http::Request;
use crate::mv;
use crate::mv::model::MoveState;
use crate::prism;
use crate::prism::model::PcState;

/// How long an event of a region that is down waits before it is tried again.
const DEAD_REGION_RETRY: Duration = Duration::from_secs(60);

/// The whole state of a lab. Its clone is a snapshot that shares nothing with it.
#[derive(Debug, Clone)]
pub struct LabState {
    /// Virtual time. Read [`LabState::now`] instead.
    pub clock: Clock,
    now: VTime,
    queue: BinaryHeap<Reverse<(VTime, u64, LabEvent)>>,
    sequence: u64,
    ids: u64,
    /// How long things take.
    pub timing: Timing,
    /// AWS.
    pub aws: AwsState,
    /// Prism Centrals.
    pub pcs: Vec<PcState>,
    /// Move appliances.
    pub moves: Vec<MoveState>,
    /// Guests that run scripts.
    pub guests: aws::ssm::guest::Guests,
    /// What the caller may do.
    pub policy: Policy,
    /// What becomes of the tasks that the request being handled starts; `None`: they run as usual.
    pub(crate) fate: Option<Fate>,
    /// Who is shown every change.
    observer: Option<Observer>,
}

/// Who is shown the state after every change, with the instant of the change.
#[derive(Clone)]
struct Observer(Arc<dyn Fn(&LabState) + Send + Sync>);

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// How long operations take, in virtual time. The defaults are the middle of the ranges in the reference pages.
#[derive(Debug, Clone)]
pub struct Timing {
    /// An ordinary Prism task.
    pub prism_task: Duration,
    /// From the write of a TGW route until it is active.
    pub tgw_route: Duration,
    /// Until NC2 has written an externally routable prefix into the VPC tables.
    pub nc2_route: Duration,
    /// Until an instance has started or stopped.
    pub instance: Duration,
    /// Until Move has prepared a guest.
    pub move_prepare: Duration,
    /// Bytes that Move copies a second for each VM.
    pub move_bytes_per_second: u64,
    /// Move's cutover after the source has stopped.
    pub move_cutover: Duration,
    /// Until a recovery plan has started one stage of machines.
    pub recovery_stage: Duration,
    /// Update of a Direct Connect association.
    pub dx_update: Duration,
    /// An SSM command.
    pub ssm_command: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            prism_task: Duration::from_secs(2),
            tgw_route: Duration::from_secs(2),
            nc2_route: Duration::from_secs(10),
            instance: Duration::from_secs(30),
            move_prepare: Duration::from_secs(120),
            move_bytes_per_second: 20_000_000,
            move_cutover: Duration::from_secs(240),
            recovery_stage: Duration::from_secs(180),
            dx_update: Duration::from_secs(300),
            ssm_command: Duration::from_secs(5),
        }
    }
}

/// An event that is due at a virtual instant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LabEvent {
    /// An event of AWS.
    Aws(aws::AwsEvent),
    /// An event of the Prism Central with this index.
    Prism(usize, prism::PrismEvent),
    /// An event of the Move appliance with this index.
    Move(usize, mv::MoveEvent),
    /// A site that a fault has taken down returns: index of its Prism Central.
    SiteReturns(usize),
    /// A region that a fault has taken down returns: its name.
    RegionReturns(String),
    /// A request that was held on its way arrives; its caller gets no answer.
    Arrives(Service, Box<Request>),
}

impl LabState {
    /// Creates an empty lab at the clock's time.
    pub fn new(clock: Clock, timing: Timing) -> Self {
        let now = clock.now();
        Self {
            clock,
            now,
            queue: BinaryHeap::new(),
            sequence: 0,
            ids: 0,
            timing,
            aws: AwsState::default(),
            pcs: Vec::new(),
            moves: Vec::new(),
            guests: aws::ssm::guest::Guests::default(),
            policy: Policy::default(),
            fate: None,
            observer: None,
        }
    }

    /// Returns the virtual instant of the state.
    pub fn now(&self) -> VTime {
        self.now
    }

    /// Returns when the next event is due.
    pub fn next_due(&self) -> Option<VTime> {
        self.queue.peek().map(|Reverse((due, ..))| *due)
    }

    /// Queues an event `delay` of virtual time from now. What a request starts that was chosen never to end is not queued.
    pub fn after(&mut self, delay: Duration, event: LabEvent) {
        if self.fate == Some(Fate::NeverEnds) {
            return;
        }
        self.sequence += 1;
        self.queue
            .push(Reverse((self.now.after(delay), self.sequence, event)));
    }

    /// Runs all events that are due by the clock's time.
    pub fn catch_up(&mut self) {
        let present = self.clock.now();
        while let Some(Reverse((due, _, event))) = self.queue.pop_if_due(present) {
            self.now = self.now.max(due);
            match event {
                LabEvent::Aws(event) if self.is_frozen(&event) => {
                    self.after(DEAD_REGION_RETRY, LabEvent::Aws(event));
                }
                LabEvent::Aws(event) => aws::handle_event(self, event),
                LabEvent::Prism(pc, event) => prism::handle_event(self, pc, event),
                LabEvent::Move(mv, event) => mv::handle_event(self, mv, event),
                LabEvent::SiteReturns(pc) => {
                    if let Some(pc) = self.pcs.get_mut(pc) {
                        pc.down = false;
                    }
                }
                LabEvent::RegionReturns(region) => {
                    self.aws.down_regions.remove(&region);
                }
                LabEvent::Arrives(service, request) => {
                    gate::arrive(self, service, &request);
                }
            }
            self.changed();
        }
        self.now = self.now.max(present);
    }

    /// Whether an event is one of a region that is down: it waits until the region is up.
    fn is_frozen(&self, event: &aws::AwsEvent) -> bool {
        event
            .region()
            .is_some_and(|region| self.aws.down_regions.contains(region))
    }

    /// Shows the state to an observer after every change from now on: event, call that may change something, or act of a person. The observer
    /// must not call the lab.
    pub fn observe(&mut self, observer: impl Fn(&Self) + Send + Sync + 'static) {
        self.observer = Some(Observer(Arc::new(observer)));
    }

    /// Shows the state to the observer.
    pub(crate) fn changed(&self) {
        if let Some(observer) = &self.observer {
            (observer.0)(self);
        }
    }

    /// Returns a new number. The same run gives the same numbers.
    pub fn next_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// Returns a new AWS-like id: prefix and 17 hex digits.
    pub fn aws_id(&mut self, prefix: &str) -> String {
        let id = self.next_id();
        let mixed = uuid::Uuid::new_v5(
            &uuid::Uuid::NAMESPACE_OID,
            format!("{prefix}{id}").as_bytes(),
        );
        format!("{prefix}{}", &mixed.simple().to_string()[..17])
    }

    /// Returns a new UUID. The same run gives the same UUIDs.
    pub fn uuid(&mut self) -> String {
        let id = self.next_id();
        uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, id.to_string().as_bytes()).to_string()
    }
}

#[cfg(test)]
impl LabState {
    /// Advances virtual time by this much and runs the events that become due.
    pub fn advance(&mut self, by: Duration) {
        self.clock.skip(by);
        self.catch_up();
    }
}

trait PopIfDue {
    fn pop_if_due(&mut self, present: VTime) -> Option<Reverse<(VTime, u64, LabEvent)>>;
}

impl PopIfDue for BinaryHeap<Reverse<(VTime, u64, LabEvent)>> {
    fn pop_if_due(&mut self, present: VTime) -> Option<Reverse<(VTime, u64, LabEvent)>> {
        if self.peek()?.0.0 <= present {
            self.pop()
        } else {
            None
        }
    }
}
