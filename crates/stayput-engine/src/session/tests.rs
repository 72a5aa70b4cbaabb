//! A session with everything outside replaced: no file, no environment, no socket, and no waiting.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use aws_smithy_runtime_api::client::http::HttpClient;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::http::HttpConnectorFuture;
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use bytes::Bytes;
use jiff::SignedDuration;
use stayput_ambient::Ambient;
use stayput_aws::AwsClient;
use stayput_estate::SiteName;
use stayput_ledger::GatedLedger;
use stayput_ledger::LedgerError;
use stayput_ledger::MemoryLedger;
use stayput_ledger::Write;
use stayput_ledger::WriteGate;
use stayput_ledger::WriteKind;
use stayput_nutanix::Credentials;
use stayput_nutanix::MoveClient;
use stayput_nutanix::PrismClient;
use stayput_nutanix::Wire;
use stayput_nutanix::WireError;
use stayput_plan::Action;
use stayput_plan::Step;
use stayput_plan::StepId;
use stayput_world::Silence;
use stayput_world::System;
use tokio::time::Instant;

use super::*;
use crate::Clients;
use crate::Events;
use crate::catalog::Catalog;
use crate::context::PhaseContext;
use crate::error::chain;
use crate::event::StepName;
use crate::watch::Watcher;

/// Systems that never answer.
#[derive(Debug, Clone)]
struct Silent;

#[async_trait]
impl Wire for Silent {
    fn url(&self) -> &str {
        "https://appliance.test"
    }

    async fn exchange(
        &self,
        _: http::Request<Bytes>,
        _: usize,
    ) -> Result<http::Response<Bytes>, WireError> {
        std::future::pending().await
    }
}

impl HttpClient for Silent {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Self)
    }
}

impl HttpConnector for Silent {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(std::future::pending())
    }
}

fn start() -> Timestamp {
    "2026-03-01T00:00:00Z".parse().unwrap()
}

fn clients(estate: &stayput_estate::Estate, ambient: &Ambient) -> Clients {
    let (limit, interval) = (estate.engine.call_timeout, estate.engine.poll_interval);
    let account = Credentials::new("admin", "secret");
    let (mut prism, mut moves) = (BTreeMap::new(), BTreeMap::new());
    for (name, site) in &estate.sites {
        let (wire, entropy) = (Arc::new(Silent), &ambient.entropy);
        let client = PrismClient::over(name, wire.clone(), &account, limit, interval, entropy);
        prism.insert(name.clone(), client.unwrap());
        if site.mv.is_some() {
            let client = MoveClient::over(name, wire, &account, limit, interval, entropy);
            moves.insert(name.clone(), client.unwrap());
        }
    }
    let aws = AwsClient::over(Silent, "https://aws.test", limit, "AKID", "secret", ambient);
    Clients {
        aws: aws.unwrap(),
        prism,
        moves,
    }
}

fn session(ledger: &MemoryLedger, ambient: &Ambient) -> Session {
    let estate = stayput_estate::parse("stayput.toml", stayput_estate::TEMPLATE, Path::new(""));
    let estate = estate.unwrap();
    let engine = Engine {
        clients: clients(&estate, ambient),
        estate: Arc::new(estate),
        ledger: Arc::new(ledger.clone()),
        events: Events::none(),
        ambient: ambient.clone(),
    };
    Session::new(engine, "kim@desk", Stop::never())
}

#[tokio::test(start_paused = true)]
async fn systems_that_never_answer_are_named_after_virtual_time() {
    let ambient = Ambient::simulated(start(), 1);
    let session = session(&MemoryLedger::new(), &ambient);
    let began = Instant::now();
    let seen = session.look().await.unwrap();
    // Two regions, two Prism Centrals, one Move.
    assert_eq!(
        seen.world.unobserved.len(),
        5,
        "{:?}",
        seen.world.unobserved
    );
    for unobserved in &seen.world.unobserved {
        assert_eq!(unobserved.silence, Silence::Silent, "{unobserved}");
        // Each is named once: the error follows its name.
        let shown = unobserved.to_string();
        let name = match &unobserved.system {
            System::Aws(region) => region.to_string(),
            System::PrismCentral(site) | System::Move(site) => site.to_string(),
        };
        assert_eq!(shown.matches(&name).count(), 1, "{shown}");
    }
    assert!(began.elapsed() >= session.engine().estate.engine.call_timeout);
}

#[tokio::test(start_paused = true)]
async fn stamps_in_the_ledger_are_of_the_injected_wall_clock() {
    let (ledger, ambient) = (MemoryLedger::new(), Ambient::simulated(start(), 1));
    let session = session(&ledger, &ambient);
    ambient.clock.step(SignedDuration::from_hours(-1));
    let _locked = session.lock().await.unwrap();
    let holder = ledger_of(&session).holder(&LeaseScope::Estate).await;
    let since = holder.unwrap().unwrap().since;
    assert_eq!(since, Some(start() - SignedDuration::from_hours(1)));
}

fn ledger_of(session: &Session) -> &dyn stayput_ledger::Ledger {
    &*session.engine().ledger
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_run_ids() {
    let goal = Goal::Protect {
        networks: ["app".into()].into(),
    };
    let mut ids = Vec::new();
    for seed in [1, 1, 2] {
        let session = session(&MemoryLedger::new(), &Ambient::simulated(start(), seed));
        let (run, _) = runs::open(session.engine(), &goal, &session.who)
            .await
            .unwrap();
        ids.push(run.id);
    }
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_time_follows_the_wall_clock_when_it_is_set() {
    let ambient = Ambient::simulated(start(), 1);
    let session = session(&MemoryLedger::new(), &ambient);
    let locked = session.lock().await.unwrap();
    let began = Instant::now();
    let hour = start() + SignedDuration::from_hours(1);
    assert!(locked.wait_for(Phase::CutOver, hour).await);
    assert_eq!(began.elapsed(), Duration::from_secs(3600));
    // The time has passed.
    assert!(!locked.wait_for(Phase::CutOver, hour).await);

    // Set back by half an hour after ten minutes, the wait takes longer; set forward, it ends soon.
    for (step, minutes) in [(-30, 90), (50, 10)] {
        let until = ambient.clock.now() + SignedDuration::from_hours(1);
        let began = Instant::now();
        let setting = async {
            tokio::time::sleep(Duration::from_secs(600)).await;
            ambient.clock.step(SignedDuration::from_mins(step));
        };
        futures::join!(locked.wait_for(Phase::CutOver, until), setting);
        let expected = Duration::from_secs(60 * minutes);
        let late = began.elapsed().checked_sub(expected);
        assert!(
            late.is_some_and(|late| late < Duration::from_secs(16)),
            "{late:?}"
        );
    }
}

/// A ledger that was deleted when an outcome is to be written.
struct NoOutcome;

#[async_trait]
impl WriteGate for NoOutcome {
    async fn before(&self, write: Write) -> Result<(), LedgerError> {
        if write.kind != WriteKind::Conclude {
            return Ok(());
        }
        let place = "stayput.db".to_owned();
        Err(LedgerError::Replaced { place })
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_journal_write_hides_no_error_of_its_step() {
    let ambient = Ambient::simulated(start(), 1);
    let mut session = session(&MemoryLedger::new(), &ambient);
    session.engine.ledger = Arc::new(GatedLedger::new(
        Arc::clone(&session.engine.ledger),
        Arc::new(NoOutcome),
    ));
    let locked = session.lock().await.unwrap();
    let engine = session.engine();
    let goal = Goal::Protect {
        networks: ["app".into()].into(),
    };
    let (run, _) = runs::open(engine, &goal, &session.who).await.unwrap();
    let seen = session.look().await.unwrap();
    let survey = Survey::of_goal(&engine.estate, &seen.world, &seen.facts, &goal);
    let shared = PhaseContext {
        estate: Arc::clone(&engine.estate),
        clients: engine.clients.clone(),
        ledger: Arc::clone(&engine.ledger),
        lease: Arc::clone(&locked.lease),
        events: Events::none(),
        ambient: ambient.clone(),
        stop: Stop::never(),
        run: run.id,
        who: session.who.clone(),
        catalog: Arc::new(Catalog::new(&engine.estate, &seen.world, &survey)),
        watcher: Arc::new(Watcher::new(engine.estate.engine.poll_interval)),
        world: Arc::clone(&seen.world),
        lost: [].into(),
    };
    let site = SiteName::from("tokyo");
    let step = Step {
        id: StepId("verify/tokyo".into()),
        phase: Phase::Verify,
        needs: Arc::default(),
        action: Action::Verify {
            site,
            networks: ["app".into()].into(),
            machines: [].into(),
            lost: [].into(),
            routes: Vec::new(),
        },
        why: "".into(),
        inverse: None,
    };
    let name = |step: &Step| StepName {
        step: step.id.clone(),
        number: None,
        title: "verify".to_owned(),
    };
    let began = Instant::now();
    let end = crate::phase::run(&shared, &[&step], &name).await;
    let [failed] = end.failed.as_slice() else {
        panic!("{end:?}");
    };
    let told = chain(&failed.error);
    // What was not read is not verified, and the wait for it ends.
    assert!(
        told.contains("every machine runs and is reached at tokyo"),
        "{told}"
    );
    assert!(
        told.contains("; then the ledger stayput.db was deleted or replaced"),
        "{told}"
    );
    assert!(began.elapsed() < Duration::from_secs(3600));
}
