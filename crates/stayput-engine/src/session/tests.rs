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
use stayput_ledger::MemoryLedger;
use stayput_nutanix::Credentials;
use stayput_nutanix::MoveClient;
use stayput_nutanix::PrismClient;
use stayput_nutanix::Wire;
use stayput_nutanix::WireError;
use stayput_world::Silence;
use tokio::time::Instant;

use super::*;
use crate::Clients;
use crate::Events;

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
