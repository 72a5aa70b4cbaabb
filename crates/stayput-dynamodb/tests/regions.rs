//! A table in two regions of which one stops to answer, in virtual time.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::collections::BTreeMap;
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
use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;
use stayput_ambient::Ambient;
use stayput_aws::AwsClient;
use stayput_dynamodb::TableLog;
use stayput_estate::LedgerTable;
use stayput_ledger::LeaseScope::Estate;
use stayput_ledger::LeaseTimes;
use stayput_ledger::Ledger;
use stayput_ledger::LedgerError;
use stayput_ledger::LogLedger;
use stayput_plan::Goal;

/// What becomes of requests to Tokyo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tokyo {
    Answers,
    /// There is no connection.
    Refuses,
    /// No answer ever comes, and nothing is done.
    Hangs,
    /// It is done, and the connection breaks.
    LosesAnswers,
}

/// One strongly consistent table, seen from two regions.
#[derive(Debug, Clone)]
struct Table {
    items: Arc<Mutex<BTreeMap<(String, u64), Value>>>,
    tokyo: Arc<Mutex<Tokyo>>,
}

impl Table {
    fn new(tokyo: Tokyo) -> Self {
        Self {
            items: Arc::default(),
            tokyo: Arc::new(Mutex::new(tokyo)),
        }
    }

    fn becomes(&self, tokyo: Tokyo) {
        *self.tokyo.lock().unwrap() = tokyo;
    }

    async fn worker(&self, seed: u64) -> LogLedger {
        let ambient = Ambient::simulated(at(0), seed);
        let limit = Duration::from_secs(30);
        let endpoint = "https://aws.test";
        let aws = AwsClient::over(self.clone(), endpoint, limit, "AKID", "secret", &ambient);
        let table = LedgerTable {
            name: "stayput".to_owned(),
            region: "ap-northeast-1".into(),
            others: vec!["ap-northeast-3".into()],
        };
        let log = TableLog::open(aws.unwrap(), table, "acme", ambient).await;
        LogLedger::new(Arc::new(log.unwrap()), LeaseTimes::default())
    }

    /// The answer to a request, made.
    fn serve(&self, operation: &str, input: &Value) -> (u16, Value) {
        let mut items = self.items.lock().unwrap();
        let key = |of: &Value| {
            let sort = of["sk"]["N"].as_str().unwrap().parse().unwrap();
            (of["pk"]["S"].as_str().unwrap().to_owned(), sort)
        };
        let number = |of: &Value| -> u64 { of["N"].as_str().unwrap().parse().unwrap() };
        match operation {
            "DescribeTable" => {
                let attribute = |name, of| json!({ "AttributeName": name, "AttributeType": of });
                let part = |name, of| json!({ "AttributeName": name, "KeyType": of });
                let region = |name| json!({ "RegionName": name });
                let table = json!({
                    "TableStatus": "ACTIVE",
                    "KeySchema": [part("pk", "HASH"), part("sk", "RANGE")],
                    "AttributeDefinitions": [attribute("pk", "S"), attribute("sk", "N")],
                    "Replicas": [region("ap-northeast-1"), region("ap-northeast-3")],
                    "MultiRegionConsistency": "STRONG",
                });
                (200, json!({ "Table": table }))
            }
            "PutItem" => {
                let item = &input["Item"];
                let allowed = match (items.get(&key(item)), &input["ExpressionAttributeValues"]) {
                    (None, _) => true,
                    (Some(_), Value::Null) => false,
                    (Some(there), values) => number(&there["epoch"]) <= number(&values[":epoch"]),
                };
                if !allowed {
                    let kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
                    return (400, json!({ "__type": kind, "message": "as asked" }));
                }
                items.insert(key(item), item.clone());
                (200, json!({}))
            }
            "GetItem" => match items.get(&key(&input["Key"])) {
                Some(item) => (200, json!({ "Item": item })),
                None => (200, json!({})),
            },
            "Query" => {
                let values = &input["ExpressionAttributeValues"];
                let partition = values[":pk"]["S"].as_str().unwrap();
                let after = number(&values[":after"]);
                let found = items
                    .iter()
                    .filter(|((of, at), _)| of == partition && *at > after);
                let found: Vec<_> = found.map(|(_, item)| item).collect();
                (200, json!({ "Items": found }))
            }
            other => panic!("{other}"),
        }
    }
}

impl HttpClient for Table {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Table {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let header = |name| request.headers().get(name).unwrap_or_default().to_owned();
        let target = header("x-amz-target");
        let operation = target.split('.').next_back().unwrap().to_owned();
        let is_tokyo = header("authorization").contains("/ap-northeast-1/");
        let input = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let (table, tokyo) = (self.clone(), *self.tokyo.lock().unwrap());
        HttpConnectorFuture::new(async move {
            let failed = |kind| Err(ConnectorError::io(io::Error::from(kind).into()));
            let tokyo = if is_tokyo { tokyo } else { Tokyo::Answers };
            match tokyo {
                Tokyo::Refuses => return failed(io::ErrorKind::ConnectionRefused),
                Tokyo::Hangs => std::future::pending().await,
                Tokyo::Answers | Tokyo::LosesAnswers => {}
            }
            let (status, body) = table.serve(&operation, &input);
            if tokyo == Tokyo::LosesAnswers {
                return failed(io::ErrorKind::ConnectionReset);
            }
            let body = SdkBody::from(body.to_string());
            Ok(HttpResponse::new(status.try_into().unwrap(), body))
        })
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn goal() -> Goal {
    Goal::Protect {
        networks: ["app".into()].into(),
    }
}

#[tokio::test(start_paused = true)]
async fn what_one_region_does_not_answer_is_written_once_in_the_other() {
    for trouble in [Tokyo::Refuses, Tokyo::Hangs, Tokyo::LosesAnswers] {
        let table = Table::new(Tokyo::Answers);
        let ledger = table.worker(1).await;
        ledger.runs().await.unwrap();
        table.becomes(trouble);
        let run = ledger
            .open_run(&goal(), &"run-1".into(), &"kim".into(), at(1))
            .await;
        assert_eq!(run.unwrap().id.as_str(), "run-1", "{trouble:?}");
        assert_eq!(table.items.lock().unwrap().len(), 1, "{trouble:?}");
        // The next command finds it although the first region is still away.
        let runs = table.worker(2).await.runs().await.unwrap();
        assert_eq!(runs.len(), 1, "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_holder_whose_first_region_hangs_keeps_its_lease() {
    let table = Table::new(Tokyo::Answers);
    let (first, second) = (table.worker(1).await, table.worker(2).await);
    let lease = first.acquire(&Estate, &"kim".into(), at(1)).await.unwrap();
    second.runs().await.unwrap();
    table.becomes(Tokyo::Hangs);
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let taken = second.acquire(&Estate, &"lee".into(), at(2)).await;
        assert!(matches!(taken, Err(LedgerError::Held { .. })), "{taken:?}");
    }
    first.check_lease(&lease).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_former_holder_learns_of_the_takeover_by_its_sign_of_life() {
    let table = Table::new(Tokyo::Answers);
    let first = table.worker(1).await;
    let old = first.acquire(&Estate, &"kim".into(), at(1)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert!(old.guard().is_held());
    // Another worker has taken the lease over, while this one was suspended.
    let beat = |item: &Value| item.get("count").is_some();
    for item in table
        .items
        .lock()
        .unwrap()
        .values_mut()
        .filter(|item| beat(item))
    {
        item["epoch"] = json!({ "N": "2" });
        item["count"] = json!({ "N": "1" });
    }
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert!(!old.guard().is_held());
    first.check_lease(&old).await.unwrap_err();
    // Its late signs of life did not replace those of the new holder.
    let items = table.items.lock().unwrap();
    let found: Vec<_> = items.values().filter(|item| beat(item)).collect();
    assert_eq!(found[0]["epoch"]["N"], "2");
}
