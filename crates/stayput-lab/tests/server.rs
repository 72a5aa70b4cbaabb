//! The lab over the network, used by a client that shares no code with it.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Certificate;
use reqwest::Client;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use serde_json::json;
use stayput_lab::Endpoints;
use stayput_lab::LabError;
use stayput_lab::LabOptions;
use stayput_lab::RunningLab;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

async fn lab() -> (TempDir, RunningLab) {
    // A second test in the process finds the provider installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dir = tempfile::tempdir().unwrap();
    let options = LabOptions {
        dir: dir.path().join("lab"),
        ..LabOptions::default()
    };
    let lab = stayput_lab::start(options).await.unwrap();
    (dir, lab)
}

fn client(ca: &Path) -> Client {
    let pem = std::fs::read(ca).unwrap();
    Client::builder()
        .tls_certs_only([Certificate::from_pem(&pem).unwrap()])
        .build()
        .unwrap()
}

async fn status(client: &Client, endpoints: &Endpoints) -> Value {
    client
        .get(format!("{}/status", endpoints.admin))
        .bearer_auth(&endpoints.admin_token)
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap()
        .json()
        .await
        .unwrap()
}

fn all_urls(endpoints: &Endpoints) -> Vec<String> {
    [&endpoints.aws, &endpoints.admin]
        .into_iter()
        .chain(endpoints.prism.values())
        .chain(endpoints.moves.values())
        .cloned()
        .collect()
}

#[tokio::test]
async fn every_service_answers_to_a_client_that_trusts_the_labs_ca() {
    let (_dir, lab) = lab().await;
    let endpoints = lab.endpoints().clone();
    let client = client(&endpoints.ca);
    assert_eq!(all_urls(&endpoints).len(), 5);
    for url in all_urls(&endpoints) {
        let by_name = url.replace("127.0.0.1", "localhost");
        for url in [url, by_name] {
            let response = client.get(&url).send().await.unwrap();
            assert_eq!(response.version(), reqwest::Version::HTTP_2, "{url}");
        }
    }
    lab.shutdown().await;
}

#[tokio::test]
async fn a_client_that_trusts_another_ca_cannot_connect() {
    let (_dir, ours) = lab().await;
    let (_other_dir, other) = lab().await;
    let client = client(&other.endpoints().ca);
    for url in all_urls(ours.endpoints()) {
        assert!(client.get(url).send().await.unwrap_err().is_connect());
    }
    ours.shutdown().await;
    other.shutdown().await;
}

#[tokio::test]
async fn http_1_1_keeps_connections_and_answers_expect_continue() {
    let (_dir, lab) = lab().await;
    let endpoints = lab.endpoints();
    let mut stream = plain_http_1_1(endpoints).await;
    for _ in 0..2 {
        let body = r#"{"speed": 60}"#;
        let head = format!(
            "POST /speed HTTP/1.1\r\nhost: lab\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
            endpoints.admin_token,
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let go_on = read_head(&mut stream).await;
        assert!(go_on.starts_with("HTTP/1.1 100 "), "{go_on}");
        stream.write_all(body.as_bytes()).await.unwrap();
        let head = read_head(&mut stream).await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let mut answer = [0; r#"{"speed":60.0}"#.len()];
        stream.read_exact(&mut answer).await.unwrap();
    }
    drop(stream);
    lab.shutdown().await;
}

async fn plain_http_1_1(endpoints: &Endpoints) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(&endpoints.ca).unwrap())
        .unwrap();
    let tls = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let address = endpoints.admin.strip_prefix("https://").unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    TlsConnector::from(Arc::new(tls))
        .connect(ServerName::try_from("localhost").unwrap(), stream)
        .await
        .unwrap()
}

/// Reads up to the empty line.
async fn read_head(stream: &mut TlsStream<TcpStream>) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn the_control_api_requires_the_token() {
    let (_dir, lab) = lab().await;
    let endpoints = lab.endpoints();
    let client = client(&endpoints.ca);
    let url = format!("{}/status", endpoints.admin);
    let without = client.get(&url).send().await.unwrap();
    assert_eq!(without.status(), 401);
    let wrong = client.get(&url).bearer_auth("guess").send().await.unwrap();
    assert_eq!(wrong.status(), 401);
    let status = status(&client, endpoints).await;
    assert_eq!(status["scenario"], "tokyo-osaka");
    assert_eq!(status["machines"], 12);
    assert_eq!(status["speed"], 3600.0);
    assert_eq!(status["pid"], std::process::id());
    lab.shutdown().await;
}

#[tokio::test]
async fn requests_are_counted_by_the_service_they_are_signed_for() {
    let (_dir, lab) = lab().await;
    let endpoints = lab.endpoints();
    let client = client(&endpoints.ca);
    let scope = "AWS4-HMAC-SHA256 Credential=K/20261123/ap-northeast-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
    let signed = client
        .post(&endpoints.aws)
        .header("authorization", scope)
        .send();
    signed.await.unwrap();
    client.get(&endpoints.prism["osaka"]).send().await.unwrap();
    let status = status(&client, endpoints).await;
    assert_eq!(
        status["requests"],
        json!({ "dynamodb": 1, "prism-osaka": 1 })
    );
    lab.shutdown().await;
}

#[tokio::test]
async fn time_can_be_stopped_and_started_and_never_goes_back() {
    let (_dir, lab) = lab().await;
    let endpoints = lab.endpoints();
    let client = client(&endpoints.ca);
    let set = async |speed: Value| {
        client
            .post(format!("{}/speed", endpoints.admin))
            .bearer_auth(&endpoints.admin_token)
            .json(&json!({ "speed": speed }))
            .send()
            .await
            .unwrap()
            .status()
    };
    assert_eq!(set(json!(0)).await, 200);
    let stopped = status(&client, endpoints).await["virtual_ms"].clone();
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(status(&client, endpoints).await["virtual_ms"], stopped);
    assert_eq!(set(json!(1_000_000)).await, 200);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let later = status(&client, endpoints).await["virtual_ms"].clone();
    assert!(later.as_u64() > stopped.as_u64(), "{later} after {stopped}");
    for wrong in [json!(-1), json!(1e300), json!("fast")] {
        assert_eq!(set(wrong).await, 400);
    }
    lab.shutdown().await;
}

#[tokio::test]
async fn answers_are_delayed_by_the_latency_that_was_set() {
    let (_dir, lab) = lab().await;
    let endpoints = lab.endpoints();
    let client = client(&endpoints.ca);
    let set = async |body: Value| {
        client
            .post(format!("{}/latency", endpoints.admin))
            .bearer_auth(&endpoints.admin_token)
            .json(&body)
            .send()
            .await
            .unwrap()
            .status()
    };
    assert_eq!(status(&client, endpoints).await["latency_ms"], 0);
    assert_eq!(set(json!({ "ms": 300_000 })).await, 200);
    assert_eq!(status(&client, endpoints).await["latency_ms"], 300_000);
    let held = client
        .get(&endpoints.prism["tokyo"])
        .timeout(Duration::from_millis(50));
    assert!(held.send().await.unwrap_err().is_timeout());
    for wrong in [
        json!({ "ms": -1 }),
        json!({ "ms": 600_001 }),
        json!({ "seconds": 1 }),
    ] {
        assert_eq!(set(wrong).await, 400);
    }
    assert_eq!(set(json!({ "ms": 0 })).await, 200);
    assert_eq!(
        client
            .get(&endpoints.prism["tokyo"])
            .send()
            .await
            .unwrap()
            .status(),
        401
    );
    lab.shutdown().await;
}

#[tokio::test]
async fn a_running_lab_is_found_by_its_directory_until_it_is_shut_down() {
    let (dir, lab) = lab().await;
    let lab_dir = dir.path().join("lab");
    let endpoints = Endpoints::read(&lab_dir).unwrap();
    assert_eq!(&endpoints, lab.endpoints());
    let client = client(&endpoints.ca);
    let answer: Value = client
        .post(format!("{}/shutdown", endpoints.admin))
        .bearer_auth(&endpoints.admin_token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(answer, json!({ "stopping": true }));
    lab.wait().await;
    lab.shutdown().await;
    assert!(client.get(&endpoints.aws).send().await.is_err());
    assert!(matches!(
        Endpoints::read(&lab_dir),
        Err(LabError::NotRunning { .. })
    ));
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_with_the_token_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, lab) = lab().await;
    let file = dir.path().join("lab/lab.json");
    let mode = std::fs::metadata(file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    lab.shutdown().await;
}

#[tokio::test]
async fn a_site_that_is_down_does_not_answer_and_the_other_does() {
    let (_dir, lab) = lab().await;
    let endpoints = lab.endpoints();
    let client = client(&endpoints.ca);
    let state = lab.state();
    for pc in &mut state.lock().unwrap().pcs {
        pc.down = pc.name == "tokyo";
    }
    let timeout = Duration::from_millis(200);
    for dead in [&endpoints.prism["tokyo"], &endpoints.moves["tokyo"]] {
        let error = client.get(dead).timeout(timeout).send().await.unwrap_err();
        assert!(error.is_timeout(), "{error}");
    }
    client.get(&endpoints.prism["osaka"]).send().await.unwrap();
    lab.shutdown().await;
}

#[tokio::test]
async fn a_region_that_is_down_and_its_cluster_do_not_answer() {
    let (_dir, lab) = lab().await;
    let endpoints = lab.endpoints();
    let client = client(&endpoints.ca);
    let state = lab.state();
    let tokyo = "ap-northeast-1".to_owned();
    state.lock().unwrap().aws.down_regions.insert(tokyo);
    let timeout = Duration::from_millis(200);
    let ask = |region: &str| {
        let scope = format!("AWS4-HMAC-SHA256 Credential=K/20261123/{region}/ec2/aws4_request");
        client
            .post(&endpoints.aws)
            .header("authorization", scope)
            .timeout(timeout)
            .send()
    };
    let error = ask("ap-northeast-1").await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    let prism = client.get(&endpoints.prism["tokyo"]).timeout(timeout);
    let error = prism.send().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    // Osaka's endpoint is the same port: the region comes from the signature.
    ask("ap-northeast-3").await.unwrap();
    client.get(&endpoints.prism["osaka"]).send().await.unwrap();
    lab.shutdown().await;
}

#[tokio::test]
async fn the_environment_has_every_variable_that_clients_need() {
    let (_dir, lab) = lab().await;
    let endpoints = lab.endpoints();
    let env = endpoints.env();
    let names: Vec<&str> = env.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "AWS_ENDPOINT_URL",
            "AWS_CA_BUNDLE",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_DEFAULT_REGION",
            "AWS_REGION",
            "PRISM_CENTRAL_USERNAME",
            "PRISM_CENTRAL_PASSWORD",
            "MOVE_USERNAME",
            "MOVE_PASSWORD",
            "STAYPUT_FILE",
        ]
    );
    assert!(env.iter().all(|(_, value)| !value.is_empty()));
    lab.shutdown().await;
}

#[tokio::test]
async fn a_lab_with_impossible_options_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for speed in [f64::NAN, f64::INFINITY, -1.0, 1e9] {
        let options = LabOptions {
            speed,
            dir: dir.path().to_path_buf(),
            ..LabOptions::default()
        };
        let error = stayput_lab::start(options).await.unwrap_err();
        assert!(matches!(error, LabError::Speed(_)));
    }
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let options = LabOptions {
        dir: file,
        ..LabOptions::default()
    };
    let error = stayput_lab::start(options).await.unwrap_err();
    assert!(matches!(error, LabError::Write { .. }));
}

/// Adds a fault to the first call of EC2.
fn fault(lab: &RunningLab, effect: &str) {
    let rule = stayput_lab::faults::Rule::from_toml(&format!("service = 'ec2'\n{effect}"));
    lab.lab().add_fault(rule.unwrap()).unwrap();
}

#[tokio::test]
async fn a_broken_connection_and_a_cut_answer_are_seen_as_such_by_a_client() {
    let (_dir, lab) = lab().await;
    let endpoints = lab.endpoints();
    let scope = "AWS4-HMAC-SHA256 Credential=K/20261123/ap-northeast-1/ec2/aws4_request";
    let pem = std::fs::read(&endpoints.ca).unwrap();
    let http_1 = Client::builder()
        .tls_certs_only([Certificate::from_pem(&pem).unwrap()])
        .http1_only()
        .build()
        .unwrap();
    for client in [http_1, client(&endpoints.ca)] {
        let ask = || {
            let request = client.post(&endpoints.aws);
            request.header("authorization", scope).send()
        };
        for effect in ["lose-answer = true\nclose = true", "not-sent = true"] {
            fault(&lab, effect);
            let error = ask().await.unwrap_err();
            assert!(error.is_request() && !error.is_timeout(), "{error:?}");
        }
        fault(&lab, "cut = 10");
        let mut cut = ask().await.unwrap();
        assert!(cut.content_length() > Some(10));
        assert_eq!(cut.chunk().await.unwrap().unwrap().len(), 10);
        cut.chunk().await.unwrap_err();
        assert_eq!(ask().await.unwrap().status(), 403);
    }
    lab.shutdown().await;
}

#[tokio::test]
async fn faults_are_added_listed_and_removed_over_the_control_api() {
    let (_dir, lab) = lab().await;
    let endpoints = lab.endpoints();
    let client = client(&endpoints.ca);
    let call = async |method: reqwest::Method, path: &str, body: Value| {
        let request = client.request(method, format!("{}{path}", endpoints.admin));
        let request = request.bearer_auth(&endpoints.admin_token);
        let answer = request.json(&body).send().await.unwrap();
        (
            answer.status().as_u16(),
            answer.json::<Value>().await.unwrap(),
        )
    };
    let (get, post, delete) = (
        reqwest::Method::GET,
        reqwest::Method::POST,
        reqwest::Method::DELETE,
    );
    let rule = json!({ "service": "ec2", "throttle": true });
    assert_eq!(
        call(post.clone(), "/faults", rule.clone()).await,
        (200, json!({ "id": 1 }))
    );
    let (_, listed) = call(get, "/faults", Value::Null).await;
    assert_eq!(listed["faults"][0]["rule"], rule);
    assert_eq!(listed["faults"][0]["hits"], 0);
    for (path, body) in [
        ("/faults", json!({ "service": "ec2" })),
        ("/faults", json!({ "throttles": true })),
        ("/sites", json!({ "name": "osaka" })),
        ("/vms", json!({})),
    ] {
        let (status, said) = call(post.clone(), path, body).await;
        assert_eq!(status, 400, "{said}");
        assert!(!said["error"].as_str().unwrap().is_empty());
    }
    let site = json!({ "name": "kobe", "state": "down" });
    assert_eq!(call(post, "/sites", site).await.0, 404);
    assert_eq!(call(delete.clone(), "/faults/2", Value::Null).await.0, 404);
    assert_eq!(
        call(delete, "/faults/1", Value::Null).await,
        (200, json!({ "cleared": 1 }))
    );
    lab.shutdown().await;
}
