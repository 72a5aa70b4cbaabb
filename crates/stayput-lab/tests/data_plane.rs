//! A data plane that the caller of the lab brings: when the lab calls it, and with what.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;

use reqwest::Certificate;
use reqwest::Client;
use reqwest::Method;
use serde_json::json;
use stayput_lab::DataPlane;
use stayput_lab::LabError;
use stayput_lab::LabOptions;
use stayput_lab::RunningLab;
use stayput_lab::http::Request;
use stayput_lab::http::Response;
use stayput_lab::state::LabState;
use tempfile::TempDir;

/// What the lab has asked of a data plane.
#[derive(Debug, Default)]
struct Calls {
    /// The regions that were down at each change that it followed.
    followed: Vec<Vec<String>>,
    /// Method and path of each request that it answered.
    handled: Vec<String>,
    stopped: bool,
}

/// A data plane that only records.
#[derive(Debug, Clone, Default)]
struct Recorder(Arc<Mutex<Calls>>);

impl DataPlane for Recorder {
    fn follow(&self, lab: &LabState) {
        let down = lab.aws.down_regions.iter().cloned().collect();
        self.0.lock().unwrap().followed.push(down);
    }

    fn handle(&self, request: &Request) -> Response {
        let asked = format!("{} {}", request.method, request.path);
        self.0.lock().unwrap().handled.push(asked);
        Response::json(200, &json!({ "recorded": true }))
    }

    fn stop(&self) {
        self.0.lock().unwrap().stopped = true;
    }
}

fn options(dir: &Path) -> LabOptions {
    LabOptions {
        speed: 0.0,
        dir: dir.join("lab"),
        ..LabOptions::default()
    }
}

async fn lab() -> (TempDir, RunningLab, Recorder) {
    // A second test in the process finds the provider installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (dir, recorder) = (tempfile::tempdir().unwrap(), Recorder::default());
    let ours = recorder.clone();
    let lab = stayput_lab::start_with_data_plane(options(dir.path()), |_| Ok(ours));
    (dir, lab.await.unwrap(), recorder)
}

async fn ask(lab: &RunningLab, method: Method, path: &str, token: &str) -> (u16, String) {
    let endpoints = lab.endpoints();
    let pem = std::fs::read(&endpoints.ca).unwrap();
    let client = Client::builder()
        .tls_certs_only([Certificate::from_pem(&pem).unwrap()])
        .build()
        .unwrap();
    let response = client
        .request(method, format!("{}{path}", endpoints.admin))
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn the_data_plane_follows_a_change_before_the_lab_goes_on() {
    let (_dir, lab, recorder) = lab().await;
    let region = "ap-northeast-1".to_owned();
    let down = region.clone();
    lab.lab()
        .with(move |state| state.aws.down_regions.insert(down));
    let calls = recorder.0.lock().unwrap();
    assert_eq!(calls.followed.last(), Some(&vec![region]));
}

#[tokio::test]
async fn the_data_plane_answers_its_requests_only_with_the_token() {
    let (_dir, lab, recorder) = lab().await;
    let token = lab.endpoints().admin_token.clone();
    let (status, _) = ask(&lab, Method::GET, "/kernel", "another").await;
    assert_eq!(status, 401);
    let (status, _) = ask(&lab, Method::GET, "/kernels", &token).await;
    assert_eq!(status, 404);
    assert!(recorder.0.lock().unwrap().handled.is_empty());
    for (method, path) in [(Method::GET, "/kernel"), (Method::POST, "/kernel/probe")] {
        let (status, text) = ask(&lab, method, path, &token).await;
        assert_eq!((status, text.as_str()), (200, r#"{"recorded":true}"#));
    }
    let calls = recorder.0.lock().unwrap();
    assert_eq!(calls.handled, ["GET /kernel", "POST /kernel/probe"]);
}

#[tokio::test]
async fn a_shut_down_lab_has_stopped_its_data_plane() {
    let (_dir, lab, recorder) = lab().await;
    assert!(!recorder.0.lock().unwrap().stopped);
    lab.shutdown().await;
    assert!(recorder.0.lock().unwrap().stopped);
}

#[tokio::test]
async fn a_lab_whose_data_plane_cannot_be_built_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |_: &LabState| Err::<Recorder, _>(io::Error::other("refused"));
    let started = stayput_lab::start_with_data_plane(options(dir.path()), refused).await;
    let error = started.unwrap_err();
    assert!(matches!(error, LabError::DataPlane(_)), "{error}");
    assert!(!dir.path().join("lab").exists());
}

#[tokio::test]
async fn a_data_plane_is_built_for_the_state_that_the_lab_starts_in() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dir = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    let lab = stayput_lab::start_with_data_plane(options(dir.path()), |lab| {
        seen.extend(lab.pcs.iter().map(|pc| pc.name.clone()));
        Ok(Recorder::default())
    });
    lab.await.unwrap().shutdown().await;
    assert_eq!(seen, ["osaka", "tokyo"]);
}
