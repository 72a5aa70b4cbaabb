//! The client over an HTTP client of the test, in virtual time: no socket, no waiting.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::HttpClient;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::http::HttpConnectorFuture;
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use jiff::SignedDuration;
use jiff::Timestamp;
use stayput_ambient::Ambient;
use stayput_aws::AwsClient;
use stayput_aws::AwsError;
use stayput_aws::TimeoutPhase;
use stayput_estate::Region;
use tokio::time::Instant;

const CALL_TIMEOUT: Duration = Duration::from_secs(30);

const CALLER: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
    <GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/op</Arn><UserId>AIDA</UserId>\
    <Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";

const STARTED: &str = "<StartInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
    <instancesSet><item><instanceId>i-1</instanceId><currentState><code>0</code><name>pending</name></currentState>\
    </item></instancesSet></StartInstancesResponse>";

/// What becomes of one request.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// It is answered with this status and body.
    Say(u16, &'static str),
    /// The connection breaks after it was sent.
    Lost,
    /// No answer ever comes.
    Hang,
    /// There is no connection.
    Refused,
    /// There is no connection in time.
    Unreachable,
}

/// Requests have these fates, one after the other; the last one stays.
#[derive(Debug, Clone)]
struct FakeHttp {
    fates: Arc<Mutex<VecDeque<Fate>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    began: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    /// Since the HTTP client was made.
    at: Duration,
    date: String,
    authorization: String,
}

impl FakeHttp {
    fn new(fates: &[Fate]) -> Self {
        Self {
            fates: Arc::new(Mutex::new(fates.iter().copied().collect())),
            asked: Arc::default(),
            began: Instant::now(),
        }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl HttpClient for FakeHttp {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for FakeHttp {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let header = |name| request.headers().get(name).unwrap_or_default().to_owned();
        self.asked.lock().unwrap().push(Asked {
            at: self.began.elapsed(),
            date: header("x-amz-date"),
            authorization: header("authorization"),
        });
        let mut fates = self.fates.lock().unwrap();
        let fate = match fates.len() {
            1 => fates[0],
            _ => fates.pop_front().unwrap(),
        };
        HttpConnectorFuture::new(async move {
            let failed = |kind| Err(ConnectorError::io(io::Error::from(kind).into()));
            match fate {
                Fate::Say(status, body) => Ok(HttpResponse::new(
                    status.try_into().unwrap(),
                    SdkBody::from(body),
                )),
                Fate::Lost => failed(io::ErrorKind::ConnectionReset),
                Fate::Refused => failed(io::ErrorKind::ConnectionRefused),
                Fate::Hang => std::future::pending().await,
                Fate::Unreachable => Err(ConnectorError::timeout(
                    io::Error::from(io::ErrorKind::TimedOut).into(),
                )),
            }
        })
    }
}

fn start() -> Timestamp {
    "2026-03-01T00:00:00Z".parse().unwrap()
}

fn client(http: &FakeHttp, ambient: &Ambient) -> AwsClient {
    AwsClient::over(
        http.clone(),
        "https://aws.test",
        CALL_TIMEOUT,
        "AKIDEXAMPLE",
        "secret",
        ambient,
    )
    .unwrap()
}

fn tokyo() -> Region {
    Region::new("ap-northeast-1")
}

async fn caller(http: &FakeHttp, seed: u64) -> Result<(), AwsError> {
    let ambient = Ambient::simulated(start(), seed);
    client(http, &ambient).caller(&tokyo()).await.map(|_| ())
}

/// A call that changes something.
async fn start_instance(http: &FakeHttp) -> Result<(), AwsError> {
    let ambient = Ambient::simulated(start(), 1);
    let client = client(http, &ambient);
    client.start_instances(&tokyo(), &["i-1".into()]).await
}

#[tokio::test(start_paused = true)]
async fn an_http_client_that_never_answers_times_out_in_virtual_time() {
    let started = Instant::now();
    let http = FakeHttp::new(&[Fate::Hang]);
    let error = caller(&http, 1).await.unwrap_err();
    assert!(
        matches!(
            error,
            AwsError::Timeout {
                phase: TimeoutPhase::Answer,
                ..
            }
        ),
        "{error:?}"
    );
    // The whole call may take three times as long as one attempt.
    assert_eq!(started.elapsed(), 3 * CALL_TIMEOUT);
    assert!(http.asked().len() > 1);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_is_refused_lost_or_unreachable_is_made_again() {
    let fates = [
        Fate::Say(503, ""),
        Fate::Lost,
        Fate::Refused,
        Fate::Unreachable,
        Fate::Say(200, CALLER),
    ];
    let http = FakeHttp::new(&fates);
    caller(&http, 1).await.unwrap();
    assert_eq!(http.asked().len(), fates.len());
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_answer_is_lost_is_in_doubt_and_not_sent_again() {
    for fate in [Fate::Lost, Fate::Hang, Fate::Say(503, "")] {
        let http = FakeHttp::new(&[fate]);
        let error = start_instance(&http).await.unwrap_err();
        assert!(error.may_have_taken_effect(), "{fate:?}: {error:?}");
        assert_eq!(http.asked().len(), 1, "{fate:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_was_never_sent_is_sent_again() {
    let http = FakeHttp::new(&[Fate::Refused, Fate::Unreachable, Fate::Say(200, STARTED)]);
    start_instance(&http).await.unwrap();
    assert_eq!(http.asked().len(), 3);
    let http = FakeHttp::new(&[Fate::Refused]);
    let error = start_instance(&http).await.unwrap_err();
    assert!(!error.may_have_taken_effect(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_pauses_and_signatures() {
    let story = async |seed| {
        let unavailable = Fate::Say(503, "");
        let http = FakeHttp::new(&[unavailable, unavailable, Fate::Say(200, CALLER)]);
        caller(&http, seed).await.unwrap();
        http.asked()
    };
    let first = story(1).await;
    assert_eq!(first.len(), 3);
    assert_eq!(story(1).await, first);
    assert_ne!(story(2).await, first);
}

#[tokio::test(start_paused = true)]
async fn signatures_have_the_time_of_the_injected_wall_clock() {
    let ambient = Ambient::simulated(start(), 1);
    let http = FakeHttp::new(&[Fate::Say(200, CALLER)]);
    let client = client(&http, &ambient);
    client.caller(&tokyo()).await.unwrap();
    tokio::time::advance(Duration::from_secs(3600)).await;
    client.caller(&tokyo()).await.unwrap();
    ambient.clock.step(SignedDuration::from_hours(-2));
    client.caller(&tokyo()).await.unwrap();
    let dates: Vec<_> = http.asked().into_iter().map(|asked| asked.date).collect();
    assert_eq!(
        dates,
        ["20260301T000000Z", "20260301T010000Z", "20260228T230000Z"]
    );
}

#[tokio::test(start_paused = true)]
async fn clients_in_one_process_do_not_share_a_retry_quota() {
    let down = FakeHttp::new(&[Fate::Lost]);
    let ambient = Ambient::simulated(start(), 1);
    let exhausted = client(&down, &ambient);
    // A lasting fault uses up the quota of its client, and calls then fail at the first attempt.
    loop {
        let before = down.asked().len();
        exhausted.caller(&tokyo()).await.unwrap_err();
        if down.asked().len() == before + 1 {
            break;
        }
    }
    // Another region of the same client has its own.
    let before = down.asked().len();
    let osaka = Region::new("ap-northeast-3");
    exhausted.caller(&osaka).await.unwrap_err();
    assert!(down.asked().len() > before + 1);
    // So has another client.
    let http = FakeHttp::new(&[Fate::Lost, Fate::Say(200, CALLER)]);
    caller(&http, 1).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn plain_http_beyond_this_machine_is_refused_over_any_http_client() {
    let http = FakeHttp::new(&[Fate::Say(200, CALLER)]);
    let ambient = Ambient::simulated(start(), 1);
    let over = |endpoint| {
        AwsClient::over(
            http.clone(),
            endpoint,
            CALL_TIMEOUT,
            "AKIDEXAMPLE",
            "secret",
            &ambient,
        )
    };
    assert!(matches!(
        over("http://aws.test"),
        Err(AwsError::Config { .. })
    ));
    let client = over("http://127.0.0.1:1").unwrap();
    client.caller(&tokyo()).await.unwrap();
}
