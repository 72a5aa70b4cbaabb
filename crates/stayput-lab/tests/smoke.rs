//! Calls every service of the lab once over the network, in the way of its real clients.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::SignableBody;
use aws_sigv4::http_request::SignableRequest;
use aws_sigv4::http_request::SigningSettings;
use aws_sigv4::http_request::sign;
use aws_sigv4::sign::v4;
use reqwest::Certificate;
use reqwest::Client;
use serde_json::Value;
use serde_json::json;
use stayput_lab::Endpoints;
use stayput_lab::LabOptions;
use stayput_lab::RunningLab;
use tempfile::TempDir;

struct Lab {
    running: RunningLab,
    client: Client,
    _dir: TempDir,
}

async fn lab() -> Lab {
    // A second test in the process finds the provider installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dir = tempfile::tempdir().unwrap();
    let running = stayput_lab::start(LabOptions {
        dir: dir.path().to_path_buf(),
        ..LabOptions::default()
    })
    .await
    .unwrap();
    let pem = std::fs::read(&running.endpoints().ca).unwrap();
    let client = Client::builder()
        .tls_certs_only([Certificate::from_pem(&pem).unwrap()])
        .build()
        .unwrap();
    Lab {
        running,
        client,
        _dir: dir,
    }
}

impl Lab {
    fn endpoints(&self) -> &Endpoints {
        self.running.endpoints()
    }

    /// Calls an AWS service with this body, signed by the SDK's signer.
    async fn aws(
        &self,
        secret: &str,
        service: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, String) {
        let endpoints = self.endpoints();
        let key = &endpoints.credentials.access_key;
        let identity = Credentials::new(key, secret, None, None, "test").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("ap-northeast-1")
            .name(service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let url = format!("{}/", endpoints.aws);
        let signable = SignableRequest::new(
            "POST",
            &url,
            headers.iter().copied(),
            SignableBody::Bytes(body.as_bytes()),
        );
        let (signed, _) = sign(signable.unwrap(), &params).unwrap().into_parts();
        let mut request = self.client.post(&url).body(body.to_owned());
        for (name, value) in headers.iter().copied().chain(signed.headers()) {
            request = request.header(name, value);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn query(&self, service: &str, body: &str) -> (u16, String) {
        let headers = [(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        )];
        let secret = &self.endpoints().credentials.secret_key;
        self.aws(secret, service, &headers, body).await
    }

    async fn json(&self, service: &str, target: &str, body: Value) -> Value {
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target),
        ];
        let secret = &self.endpoints().credentials.secret_key;
        let (status, text) = self.aws(secret, service, &headers, &body.to_string()).await;
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }
}

#[tokio::test]
async fn ec2_answers_signed_requests_and_refuses_a_wrong_secret() {
    let lab = lab().await;
    let body =
        "Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=tag:Name&Filter.1.Value.1=legacy";
    let (status, xml) = lab.query("ec2", body).await;
    assert_eq!(status, 200, "{xml}");
    assert!(
        xml.contains("<cidrBlock>172.30.0.0/16</cidrBlock>"),
        "{xml}"
    );
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let (status, xml) = lab.aws("wrong", "ec2", &headers, body).await;
    assert_eq!(status, 403, "{xml}");
    assert!(xml.contains("SignatureDoesNotMatch"), "{xml}");
    lab.running.shutdown().await;
}

#[tokio::test]
async fn sts_returns_the_identity_of_the_caller() {
    let lab = lab().await;
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    let (status, xml) = lab.query("sts", body).await;
    assert_eq!(status, 200, "{xml}");
    assert!(xml.contains("<Account>111122223333</Account>"), "{xml}");
    lab.running.shutdown().await;
}

#[tokio::test]
async fn the_json_services_of_aws_answer() {
    let lab = lab().await;
    let tables = lab
        .json("dynamodb", "DynamoDB_20120810.ListTables", json!({}))
        .await;
    assert_eq!(tables["TableNames"], json!([]));
    let agents = lab
        .json("ssm", "AmazonSSM.DescribeInstanceInformation", json!({}))
        .await;
    assert!(agents["InstanceInformationList"].is_array(), "{agents}");
    let gateways = lab
        .json(
            "directconnect",
            "OvertureService.DescribeDirectConnectGateways",
            json!({}),
        )
        .await;
    assert_eq!(gateways["directConnectGateways"], json!([]));
    lab.running.shutdown().await;
}

#[tokio::test]
async fn prism_central_lists_vms_with_the_right_password_only() {
    let lab = lab().await;
    let (user, password) = lab.endpoints().credentials.prism.clone().unwrap();
    for url in lab.endpoints().prism.values() {
        let url = format!("{url}/api/vmm/v4.2/ahv/config/vms?$limit=1");
        let refused = lab.client.get(&url).send().await.unwrap();
        assert_eq!(refused.status(), 401);
        let answer = lab.client.get(&url).basic_auth(&user, Some(&password));
        let answer: Value = answer.send().await.unwrap().json().await.unwrap();
        let total = answer["metadata"]["totalAvailableResults"].as_u64();
        assert!(total.is_some_and(|total| total >= 110), "{answer}");
    }
    lab.running.shutdown().await;
}

#[tokio::test]
async fn move_lists_its_two_providers_after_login() {
    let lab = lab().await;
    let (user, password) = lab.endpoints().credentials.mv.clone().unwrap();
    let base = format!("{}/move/v2", lab.endpoints().moves["tokyo"]);
    let login = lab.client.post(format!("{base}/users/login"));
    let login = login.json(&json!({ "Spec": { "UserName": user, "Password": password } }));
    let login: Value = login.send().await.unwrap().json().await.unwrap();
    let token = login["Status"]["Token"].as_str().unwrap();
    let list = lab.client.post(format!("{base}/providers/list"));
    let list = list.bearer_auth(token).json(&json!({}));
    let list: Value = list.send().await.unwrap().json().await.unwrap();
    assert_eq!(list["MetaData"]["Count"], 2, "{list}");
    lab.running.shutdown().await;
}

#[tokio::test]
async fn the_control_api_follows_packets_from_on_prem_to_their_end() {
    let lab = lab().await;
    let endpoints = lab.endpoints().clone();
    let walk = async |from: &str, to: &str| -> (u16, Value) {
        let url = format!("{}/walk?from={from}&to={to}", endpoints.admin);
        let asked = lab.client.get(url).bearer_auth(&endpoints.admin_token);
        let answer = asked.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    };
    for (from, to, end) in [
        ("on-prem", "172.30.1.10", "delivered"),
        ("on-prem", "172.30.1.111", "delivered"),
        ("on-prem", "172.30.2.10", "delivered"),
        ("10.200.1.10", "172.30.3.10", "delivered"),
        ("172.30.1.10", "10.0.0.1", "delivered"),
        ("on-prem", "172.30.1.99", "no-machine"),
        ("on-prem", "10.210.0.10", "no-route"),
        ("10.210.0.10", "172.30.1.10", "nat-lost"),
    ] {
        let (status, answer) = walk(from, to).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["end"], end, "{from} to {to}: {answer}");
        assert!(!answer["hops"].as_array().unwrap().is_empty());
    }
    for (from, to) in [("nowhere", "10.0.0.1"), ("on-prem", "somewhere")] {
        assert_eq!(walk(from, to).await.0, 400);
    }
    lab.running.shutdown().await;
}
