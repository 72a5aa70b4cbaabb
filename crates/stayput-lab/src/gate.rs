//! The gate: the one place through which every request to an emulated service goes.
//!
//! The HTTPS server calls [`Lab::exchange`] for what arrives on a port, and a simulator calls it directly, without sockets, files or
//! threads. Faults (`faults.rs`) apply here and nowhere else. Waiting is done with tokio's clock; the lock of the state is never held
//! meanwhile.

mod passing;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::ops::DerefMut;
use std::panic;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use self::passing::Passing;
use crate::aws;
use crate::aws::ssm::guest::GuestShell;
use crate::clock::Clock;
use crate::clock::VTime;
use crate::data_plane::DataPlane;
use crate::estate_file;
use crate::faults;
use crate::faults::Call;
use crate::faults::FaultReport;
use crate::faults::Faults;
use crate::faults::Rule;
use crate::faults::RuleError;
use crate::faults::RuleId;
use crate::faults::Verdict;
use crate::guests::GuestPool;
use crate::http::Request;
use crate::http::Response;
use crate::mv;
use crate::prism;
use crate::run::Credentials;
use crate::run::Endpoints;
use crate::scenario::Built;
use crate::scenario::BulkNetwork;
use crate::scenario::Scenario;
use crate::scenario::ScenarioError;
use crate::state::LabState;

/// AWS services whose requests are counted by name.
const AWS_SERVICES: [&str; 6] = ["ec2", "sts", "dynamodb", "ssm", "directconnect", "iam"];

/// An emulated service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// AWS, all regions and services.
    Aws,
    /// The Prism Central with this index in [`LabState::pcs`].
    Prism(usize),
    /// The Move appliance with this index in [`LabState::moves`].
    Move(usize),
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exchange {
    /// It is answered.
    Answer(Response),
    /// The connection was refused before the request was sent; nothing was applied.
    NotSent,
    /// It is never answered, and the connection stays open. It may have been applied, or may still be.
    Silent,
    /// The connection is closed after the request was sent, without an answer. It may have been applied.
    Broken,
    /// It is answered, but the connection is closed after this many bytes of the body, which the header announces whole.
    Cut(Response, usize),
}

/// A lab without servers: its state, its faults, and the one way to call its services.
///
/// It can be used from any thread. In a runtime with paused time, at speed 1, its virtual time is that of the runtime, and the same
/// requests at the same times have the same answers, byte for byte.
#[derive(Debug)]
pub struct Lab {
    state: Arc<Mutex<LabState>>,
    // Locked only while `state` is locked, or alone.
    faults: Mutex<Faults>,
    data_plane: Option<Box<dyn DataPlane>>,
    guests: Option<GuestPool>,
    latency_ms: AtomicU64,
    requests: Mutex<BTreeMap<String, u64>>,
    machines: usize,
    bulk: Vec<BulkNetwork>,
    started: VTime,
}

impl Lab {
    /// Builds the lab of a scenario at the virtual time `start`, which then runs `speed` times as fast as tokio's clock (0: it is
    /// stopped). `machines` move; `None`: as many as the scenario lists. The faults of the scenario are in force.
    ///
    /// # Errors
    /// [`ScenarioError`] when the scenario contradicts itself or has fewer machines.
    pub fn new(
        scenario: &Scenario,
        start: VTime,
        speed: f64,
        machines: Option<usize>,
    ) -> Result<Self, ScenarioError> {
        let built = scenario.build(Clock::new(start, speed), machines)?;
        Ok(Self::of(built, None))
    }

    /// Continues from a snapshot of a state, at speed 1 on the clock of the current runtime, without faults.
    ///
    /// It has no estate file and no bulk networks: those of the lab that the snapshot is from are the same.
    pub fn resume(mut state: LabState, machines: usize) -> Self {
        state.clock = Clock::new(state.now(), 1.0);
        let built = Built {
            lab: state,
            machines,
            bulk: Vec::new(),
            faults: Vec::new(),
        };
        Self::of(built, None)
    }

    /// Takes a lab that was built, and its data plane if it has one.
    pub(crate) fn of(built: Built, data_plane: Option<Box<dyn DataPlane>>) -> Self {
        let now = built.lab.now();
        let mut faults = Faults::default();
        for rule in built.faults {
            faults.add(rule, now);
        }
        Self {
            started: now,
            state: Arc::new(Mutex::new(built.lab)),
            faults: Mutex::new(faults),
            data_plane,
            guests: None,
            latency_ms: AtomicU64::new(0),
            requests: Mutex::default(),
            machines: built.machines,
            bulk: built.bulk,
        }
    }

    /// Lets a shell run the scripts of guests from now on.
    pub(crate) fn set_guest_shell(&mut self, shell: &Arc<dyn GuestShell>) {
        self.guests = Some(GuestPool::start(shell, &self.state));
    }

    /// Sends one request to a service and returns what becomes of it.
    ///
    /// Delays pass on tokio's clock before this returns. A caller that stops waiting is a client that has given up: a request that
    /// was still delayed on its way is then not applied.
    pub async fn exchange(&self, service: Service, request: &Request) -> Exchange {
        let (call, verdict) = {
            let lab = self.present();
            let call = Call::of(&lab, service, request);
            self.count(counted_as(&lab, service, request));
            if is_down(&lab, service, &call) {
                return Exchange::Silent;
            }
            let verdict = self.faults().decide(&call, request, lab.now());
            (call, verdict)
        };
        let Verdict {
            request_delay,
            answer_delay,
            effect,
        } = verdict;
        wait(request_delay).await;
        let exchange = {
            let mut lab = self.present();
            if is_down(&lab, service, &call) {
                Exchange::Silent
            } else {
                let passing = Passing {
                    gate: self,
                    service,
                    call: &call,
                    request,
                };
                passing.apply(&mut lab, effect)
            }
        };
        wait(answer_delay.saturating_add(self.latency())).await;
        exchange
    }

    /// Returns every service with its name: `aws`, `prism-SITE`, `move-NAME`.
    pub fn services(&self) -> Vec<(Service, String)> {
        let lab = self.present();
        let prisms = (0..lab.pcs.len()).map(Service::Prism);
        let moves = (0..lab.moves.len()).map(Service::Move);
        std::iter::once(Service::Aws)
            .chain(prisms)
            .chain(moves)
            .map(|service| (service, name(&lab, service)))
            .collect()
    }

    /// Adds a rule; it is in force at once.
    ///
    /// # Errors
    /// [`RuleError`] when it names a site or region that the lab does not have.
    pub fn add_fault(&self, rule: Rule) -> Result<RuleId, RuleError> {
        let lab = self.present();
        rule.check(&lab)?;
        Ok(self.faults().add(rule, lab.now()))
    }

    /// Returns the rules and what they have done.
    pub fn list_faults(&self) -> Vec<FaultReport> {
        let lab = self.present();
        self.faults().reports(lab.now())
    }

    /// Removes a rule, or all. Sites and regions that a rule has taken down stay down. Returns how many rules were removed.
    pub fn clear_faults(&self, id: Option<RuleId>) -> usize {
        self.faults().clear(id)
    }

    /// Locks the state, runs the events that are due, and returns what `look` makes of it.
    ///
    /// A simulator changes the world with it as people do: see [`LabState::set_site`], [`LabState::set_region`],
    /// [`LabState::set_vm_power`], [`LabState::set_instance`].
    pub fn with<T>(&self, look: impl FnOnce(&mut LabState) -> T) -> T {
        let mut lab = self.present();
        let made = look(&mut lab);
        lab.changed();
        made
    }

    /// Looks at the state without changing it.
    pub fn look<T>(&self, look: impl FnOnce(&LabState) -> T) -> T {
        look(&self.present())
    }

    /// Describes a request as rules see it.
    pub fn call(&self, service: Service, request: &Request) -> Call {
        let lab = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Call::of(&lab, service, request)
    }

    /// Returns when the next event is due; `None`: nothing happens until a request arrives.
    pub fn next_due(&self) -> Option<VTime> {
        self.present().next_due()
    }

    /// Returns where clients find this lab if `url` is where each service can be reached; with the credentials that the services
    /// accept. Without servers there is no control API, and no file is written: `dir` is only named.
    pub fn endpoints(
        &self,
        scenario: &Scenario,
        dir: &Path,
        url: impl Fn(Service) -> String,
    ) -> Endpoints {
        let lab = self.present();
        let (access_key, secret_key) = lab
            .aws
            .keys
            .first_key_value()
            .map(|(key, secret)| (key.clone(), secret.clone()))
            .unwrap_or_default();
        let prisms = lab.pcs.iter().enumerate();
        let moves = lab.moves.iter().enumerate();
        Endpoints {
            aws: url(Service::Aws),
            prism: prisms
                .map(|(index, pc)| (pc.name.clone(), url(Service::Prism(index))))
                .collect(),
            moves: moves
                .map(|(index, mv)| (mv.name.clone(), url(Service::Move(index))))
                .collect(),
            admin: String::new(),
            admin_token: String::new(),
            ca: dir.join(estate_file::CA_FILE),
            estate_file: dir.join(estate_file::ESTATE_FILE),
            dir: dir.to_path_buf(),
            scenario: scenario.name.clone(),
            pid: 0,
            credentials: Credentials {
                access_key,
                secret_key,
                region: scenario.source_region(),
                prism: lab.pcs.first().map(|pc| pc.credentials.clone()),
                mv: lab.moves.first().map(|mv| mv.credentials.clone()),
            },
        }
    }

    /// Returns the text of the estate file of this lab's scenario.
    ///
    /// # Errors
    /// [`ScenarioError`] when the scenario has no estate.
    pub fn estate_text(
        &self,
        scenario: &Scenario,
        endpoints: &Endpoints,
    ) -> Result<String, ScenarioError> {
        estate_file::render(scenario, &self.bulk, endpoints)
    }

    /// Returns how many machines move.
    pub fn machines(&self) -> usize {
        self.machines
    }

    /// Returns the virtual time at the start.
    pub fn started(&self) -> VTime {
        self.started
    }

    /// Returns how many requests each service has received.
    pub fn requests(&self) -> BTreeMap<String, u64> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Returns the time on the caller's clock by which every answer is delayed.
    pub fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms.load(Ordering::Relaxed))
    }

    /// Sets the time by which answers are delayed from now on.
    pub fn set_latency(&self, latency: Duration) {
        let millis = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        self.latency_ms.store(millis, Ordering::Relaxed);
    }

    /// Returns the state. While it is locked, no request is answered.
    pub(crate) fn state(&self) -> Arc<Mutex<LabState>> {
        Arc::clone(&self.state)
    }

    /// Returns the data plane; `None`: the lab only computes where packets would go.
    pub(crate) fn data_plane(&self) -> Option<&dyn DataPlane> {
        self.data_plane.as_deref()
    }

    /// Locks the state and runs the events that are due. A handler that panicked before does not stop the lab.
    pub(crate) fn present(&self) -> LockedState<'_> {
        let mut lab = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        lab.catch_up();
        LockedState {
            lab,
            data_plane: self.data_plane(),
            guests: self.guests.as_ref(),
        }
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, service: String) {
        *self
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(service)
            .or_default() += 1;
    }
}

/// The locked state. Before the lock is released, the data plane applies what has changed, so that no client gets an answer to a
/// change that is not in force.
pub(crate) struct LockedState<'a> {
    lab: MutexGuard<'a, LabState>,
    data_plane: Option<&'a dyn DataPlane>,
    guests: Option<&'a GuestPool>,
}

impl Deref for LockedState<'_> {
    type Target = LabState;

    fn deref(&self) -> &LabState {
        &self.lab
    }
}

impl DerefMut for LockedState<'_> {
    fn deref_mut(&mut self) -> &mut LabState {
        &mut self.lab
    }
}

impl Drop for LockedState<'_> {
    fn drop(&mut self) {
        if let Some(guests) = self.guests {
            guests.take(&mut self.lab);
        }
        if let Some(data_plane) = self.data_plane {
            data_plane.follow(&self.lab);
        }
    }
}

async fn wait(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// Lets a service handle a request, without faults.
pub(crate) fn handle(lab: &mut LabState, service: Service, request: &Request) -> Response {
    let handled = panic::catch_unwind(AssertUnwindSafe(|| match service {
        Service::Aws => aws::handle(lab, request),
        Service::Prism(index) => prism::handle(lab, index, request),
        Service::Move(index) => mv::handle(lab, index, request),
    }));
    // A defect of the lab must not look like a network error: it is answered, with the cause.
    handled.unwrap_or_else(|_| Response {
        status: 500,
        headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
        body: b"the lab has an internal error; see its output".to_vec(),
    })
}

/// Lets a request arrive late: its caller gets no answer, and at a place that is down it is lost.
pub(crate) fn arrive(lab: &mut LabState, service: Service, request: &Request) {
    let call = Call::of(lab, service, request);
    if !is_down(lab, service, &call) {
        handle(lab, service, request);
    }
}

/// Whether the service is at a site or in a region that is down.
fn is_down(lab: &LabState, service: Service, call: &Call) -> bool {
    match service {
        Service::Aws => call
            .region
            .as_deref()
            .is_some_and(|region| lab.aws.down_regions.contains(region)),
        Service::Prism(index) => lab.is_site_down(index),
        Service::Move(index) => lab
            .moves
            .get(index)
            .is_some_and(|mv| lab.is_site_down(mv.pc)),
    }
}

fn counted_as(lab: &LabState, service: Service, request: &Request) -> String {
    match service {
        Service::Aws => {
            let signed = faults::signed_service(request);
            let known = AWS_SERVICES.iter().find(|known| signed == Some(known));
            known.map_or("aws", |known| known).to_owned()
        }
        Service::Prism(_) | Service::Move(_) => name(lab, service),
    }
}

fn name(lab: &LabState, service: Service) -> String {
    match service {
        Service::Aws => "aws".to_owned(),
        Service::Prism(index) => {
            let name = lab.pcs.get(index).map_or("", |pc| pc.name.as_str());
            format!("prism-{name}")
        }
        Service::Move(index) => {
            let name = lab.moves.get(index).map_or("", |mv| mv.name.as_str());
            format!("move-{name}")
        }
    }
}
