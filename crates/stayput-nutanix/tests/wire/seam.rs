//! The clients over a wire of the test, in virtual time: no socket, no waiting.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use http::Response;
use serde_json::Value;
use serde_json::json;
use stayput_ambient::Entropy;
use stayput_estate::SiteName;
use stayput_nutanix::ConnectError;
use stayput_nutanix::Credentials;
use stayput_nutanix::DoubtReason;
use stayput_nutanix::MoveClient;
use stayput_nutanix::MoveError;
use stayput_nutanix::PrismClient;
use stayput_nutanix::PrismError;
use stayput_nutanix::RequestId;
use stayput_nutanix::TlsProblem;
use stayput_nutanix::Wire;
use stayput_nutanix::WireError;
use tokio::time::Instant;

const CALL_TIMEOUT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_secs(2);

/// What becomes of one request.
#[derive(Clone)]
enum Fate {
    /// It is answered with this status and body.
    Say(u16, Value),
    /// The same, with `Retry-After` in seconds.
    Busy(u64),
    /// The connection breaks after it was sent.
    Lost,
    /// No answer ever comes.
    Hang,
    /// There is no connection.
    Refused(Option<TlsProblem>),
    /// There is no connection in time.
    Unreachable,
    /// The answer is longer than may be read.
    TooLong,
}

fn ok(body: Value) -> Fate {
    Fate::Say(200, body)
}

type Answerer = Box<dyn Fn(&str) -> Fate + Send + Sync>;

/// A wire whose requests have the fates that a closure gives them, by `METHOD path`.
struct FakeWire {
    answer: Answerer,
    asked: Mutex<Vec<Request<Bytes>>>,
}

impl FakeWire {
    fn new(answer: impl Fn(&str) -> Fate + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            answer: Box::new(answer),
            asked: Mutex::default(),
        })
    }

    /// Header values of the requests with this method.
    fn header_of(&self, method: &str, header: &str) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        let asked = asked.iter().filter(|asked| asked.method() == method);
        asked
            .map(|asked| {
                let value = asked.headers().get(header);
                value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
            })
            .collect()
    }

    fn count(&self, method: &str) -> usize {
        self.header_of(method, "accept").len()
    }
}

impl fmt::Debug for FakeWire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeWire")
    }
}

#[async_trait]
impl Wire for FakeWire {
    fn url(&self) -> &str {
        "https://appliance.test:9440"
    }

    async fn exchange(
        &self,
        request: Request<Bytes>,
        longest: usize,
    ) -> Result<Response<Bytes>, WireError> {
        let line = format!("{} {}", request.method(), request.uri().path());
        self.asked.lock().unwrap().push(request);
        let source = || io::Error::from(io::ErrorKind::ConnectionReset).into();
        let response = |status, body| {
            let mut response = Response::new(body);
            *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
            response
        };
        match (self.answer)(&line) {
            Fate::Say(status, body) => Ok(response(status, Bytes::from(body.to_string()))),
            Fate::Busy(seconds) => {
                let mut busy = response(503, Bytes::new());
                busy.headers_mut().insert("retry-after", seconds.into());
                Ok(busy)
            }
            Fate::Lost => Err(WireError::Broken { source: source() }),
            Fate::Hang => std::future::pending().await,
            Fate::Refused(tls) => Err(WireError::NotSent {
                tls,
                source: source(),
            }),
            Fate::Unreachable => Err(WireError::ConnectTimeout),
            // A careless wire: the client must look at the length itself.
            Fate::TooLong => Ok(response(200, Bytes::from(vec![b' '; longest + 1]))),
        }
    }
}

fn prism(wire: &Arc<FakeWire>, seed: u64) -> PrismClient {
    PrismClient::over(
        &SiteName::new("tokyo"),
        wire.clone(),
        &Credentials::new("admin", "secret"),
        CALL_TIMEOUT,
        POLL,
        &Entropy::seeded(seed),
    )
    .unwrap()
}

fn mv(wire: &Arc<FakeWire>) -> MoveClient {
    MoveClient::over(
        &SiteName::new("tokyo"),
        wire.clone(),
        &Credentials::new("nutanix", "secret"),
        CALL_TIMEOUT,
        POLL,
        &Entropy::seeded(1),
    )
    .unwrap()
}

/// A Prism Central with one VM; `otherwise` answers what is neither negotiation nor `GET` of the VM.
fn with_vm(
    power: Arc<Mutex<&'static str>>,
    otherwise: impl Fn(&str) -> Fate + Send + Sync + 'static,
) -> Arc<FakeWire> {
    FakeWire::new(move |line| match line {
        _ if line.starts_with("OPTIONS ") => ok(json!({"data": "v4.1"})),
        _ if line.starts_with("GET ") && line.ends_with("/vms/v1") => {
            let power = *power.lock().unwrap();
            ok(
                json!({"data": {"extId": "v1", "name": "app01", "powerState": power, "nics": [],
                "$reserved": {"ETag": "e1"}}}),
            )
        }
        _ => otherwise(line),
    })
}

/// Fates one after the other; the last one stays.
fn in_turn(fates: Vec<Fate>) -> impl Fn() -> Fate + Send + Sync {
    let fates = Mutex::new(VecDeque::from(fates));
    move || {
        let mut fates = fates.lock().unwrap();
        match fates.len() {
            1 => fates[0].clone(),
            _ => fates.pop_front().unwrap(),
        }
    }
}

/// A Prism Central whose every answer is the next of these.
fn answering(fates: Vec<Fate>) -> Arc<FakeWire> {
    let next = in_turn(fates);
    FakeWire::new(move |_| next())
}

fn minor() -> Fate {
    ok(json!({"data": "v4.1"}))
}

async fn negotiate(wire: &Arc<FakeWire>) -> Result<(), PrismError> {
    let prism = prism(wire, 1);
    prism
        .minor(stayput_nutanix::Namespace::Vmm)
        .await
        .map(|_| ())
}

#[tokio::test(start_paused = true)]
async fn a_wire_that_never_answers_times_out_in_virtual_time() {
    let started = Instant::now();
    let wire = answering(vec![Fate::Hang]);
    let error = negotiate(&wire).await.unwrap_err();
    assert!(
        matches!(&error, PrismError::Timeout(timeout)
            if timeout.connected && timeout.after == CALL_TIMEOUT),
        "{error}"
    );
    assert!(error.to_string().ends_with("no answer within 30 s"));
    // One silence of a read says little, so it was read twice.
    assert_eq!(wire.count("OPTIONS"), 2);
    assert!(started.elapsed() >= 2 * CALL_TIMEOUT);
    assert!(started.elapsed() < 3 * CALL_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_is_refused_for_a_while_is_made_again() {
    let unavailable = || Fate::Say(503, json!({}));
    let wire = answering(vec![unavailable(), Fate::Lost, unavailable(), minor()]);
    negotiate(&wire).await.unwrap();
    assert_eq!(wire.count("OPTIONS"), 4);
    // The same call, for the server's logs.
    let ids = wire.header_of("OPTIONS", "ntnx-request-id");
    assert!(ids.windows(2).all(|ids| ids[0] == ids[1]), "{ids:?}");

    let started = Instant::now();
    negotiate(&answering(vec![Fate::Busy(7), minor()]))
        .await
        .unwrap();
    assert_eq!(started.elapsed(), Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_answer_is_lost_is_found_done_and_not_sent_again() {
    let power = Arc::new(Mutex::new("ON"));
    let switched = power.clone();
    let wire = with_vm(power, move |_| {
        *switched.lock().unwrap() = "OFF";
        Fate::Lost
    });
    let id = RequestId::new(&Entropy::seeded(9));
    prism(&wire, 1).power_off(&"v1".into(), id).await.unwrap();
    assert_eq!(wire.header_of("POST", "ntnx-request-id"), [id.to_string()]);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_hangs_each_time_is_in_doubt_under_one_request_id() {
    let wire = with_vm(Arc::new(Mutex::new("ON")), |_| Fate::Hang);
    let id = RequestId::new(&Entropy::seeded(9));
    let error = prism(&wire, 1)
        .power_off(&"v1".into(), id)
        .await
        .unwrap_err();
    assert!(error.may_have_taken_effect(), "{error}");
    let ids = wire.header_of("POST", "ntnx-request-id");
    assert!(ids.len() > 1, "{ids:?}");
    assert!(ids.iter().all(|sent| *sent == id.to_string()), "{ids:?}");
}

#[tokio::test(start_paused = true)]
async fn a_change_that_was_never_sent_has_no_effect_and_says_why() {
    type Case = (fn() -> Fate, fn(&PrismError) -> bool, &'static str);
    let cases: [Case; 3] = [
        (
            || Fate::Refused(None),
            |error| {
                matches!(
                    error,
                    PrismError::Connect(ConnectError {
                        tls: None,
                        sent: false,
                        ..
                    })
                )
            },
            "no connection: connection reset",
        ),
        (
            || Fate::Refused(Some(TlsProblem::Expired)),
            |error| {
                matches!(
                    error,
                    PrismError::Connect(ConnectError {
                        tls: Some(TlsProblem::Expired),
                        ..
                    })
                )
            },
            "its certificate has expired",
        ),
        (
            || Fate::Unreachable,
            |error| matches!(error, PrismError::Timeout(timeout) if !timeout.connected),
            "no connection within 10 s",
        ),
    ];
    for (fate, is_expected, text) in cases {
        let wire = with_vm(Arc::new(Mutex::new("ON")), move |_| fate());
        let prism = prism(&wire, 1);
        let result = prism.power_off(&"v1".into(), RequestId::random()).await;
        let error = result.unwrap_err();
        assert!(is_expected(&error), "{error:?}");
        assert!(error.to_string().ends_with(text), "{error}");
        assert!(!error.may_have_taken_effect(), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_beyond_the_limit_is_refused_on_any_wire() {
    let error = negotiate(&answering(vec![Fate::TooLong]))
        .await
        .unwrap_err();
    let source = std::error::Error::source(&error).map(ToString::to_string);
    assert!(matches!(error, PrismError::Decode(_)), "{error:?}");
    assert!(
        source.is_some_and(|text| text.contains("longer than 67108864 bytes")),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_pauses_and_request_ids() {
    let story = async |seed| {
        let started = Instant::now();
        let unavailable = || Fate::Say(503, json!({}));
        let wire = answering(vec![unavailable(), unavailable(), minor()]);
        let prism = prism(&wire, seed);
        let vmm = stayput_nutanix::Namespace::Vmm;
        prism.minor(vmm).await.unwrap();
        let ids = wire.header_of("OPTIONS", "ntnx-request-id");
        (started.elapsed(), ids)
    };
    let first = story(1).await;
    assert_eq!(story(1).await, first);
    let other = story(2).await;
    assert_ne!(other.0, first.0);
    assert_ne!(other.1, first.1);
}

#[tokio::test(start_paused = true)]
async fn move_over_a_wire_survives_a_lost_answer_a_hang_and_a_refusal() {
    let state = Arc::new(Mutex::new(0));
    let begun = state.clone();
    let logins = in_turn(vec![
        Fate::Say(503, json!({})),
        ok(json!({"Status": {"Token": "t"}})),
    ]);
    let looks = in_turn(vec![Fate::Hang, Fate::Lost, ok(Value::Null)]);
    let wire = FakeWire::new(move |line| match line {
        "POST /move/v2/users/login" => logins(),
        "POST /move/v2/plans/p/start" => {
            *begun.lock().unwrap() = 4;
            Fate::Lost
        }
        _ => match looks() {
            Fate::Say(..) => {
                let state = *state.lock().unwrap();
                ok(json!({"MetaData": {"UUID": "p", "State": state, "VMStatus": []}}))
            }
            other => other,
        },
    });
    let started = Instant::now();
    mv(&wire).start(&"p".into()).await.unwrap();
    let posts = wire.header_of("POST", "authorization");
    // Two logins and one start.
    assert_eq!(posts, ["", "", "Bearer t"]);
    assert!(started.elapsed() >= CALL_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_move_that_never_answers_a_change_leaves_it_in_doubt() {
    let wire = FakeWire::new(|line| match line {
        "POST /move/v2/users/login" => ok(json!({"Status": {"Token": "t"}})),
        _ => Fate::Hang,
    });
    let error = mv(&wire).start(&"p".into()).await.unwrap_err();
    assert!(error.may_have_taken_effect(), "{error}");
    let MoveError::InDoubt(doubt) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(doubt.reason, DoubtReason::NotLookedUp);
}
