//! `connect` with the ecosystem's settings. The environment is a process's own, so each case runs in a child process: this
//! test binary again, told by a variable to play the child.

#![allow(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use stayput_aws::AwsClient;
use stayput_aws::AwsError;
use stayput_estate::AwsAccess;
use stayput_estate::Region;

/// Set for the child: the profile to use, or nothing.
const CHILD: &str = "STAYPUT_AWS_TEST_CHILD";

const ANSWER: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/u</Arn>\
    <Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";

#[tokio::test]
async fn child() {
    let Ok(profile) = std::env::var(CHILD) else {
        return;
    };
    let access = AwsAccess {
        profile: Some(profile).filter(|profile| !profile.is_empty()),
        ..AwsAccess::default()
    };
    match AwsClient::connect(&access, Duration::from_secs(10)).await {
        Ok(client) => {
            let caller = client.caller(&Region::new("ap-northeast-3")).await.unwrap();
            println!("child: account {}", caller.account);
        }
        Err(error @ AwsError::Credentials { .. }) => println!("child: credentials: {error}"),
        Err(error) => println!("child: {error}"),
    }
}

/// Runs the child with nothing of AWS in its environment but these; gives what it said.
fn run(profile: &str, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]);
    for (name, _) in std::env::vars() {
        if name.starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    let output = command
        .env(CHILD, profile)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let from = said.find("child: ").unwrap_or_else(|| {
        panic!("{said}{}", String::from_utf8_lossy(&output.stderr));
    });
    said[from..].lines().next().unwrap_or_default().to_owned()
}

/// Answers one request well; gives its URL and the way to the request's head.
fn one_answer() -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = String::new();
        let mut buffer = [0; 4096];
        while !request.contains("GetCallerIdentity") {
            let count = stream.read(&mut buffer).unwrap();
            assert_ne!(count, 0, "request cut off: {request}");
            request += &String::from_utf8_lossy(&buffer[..count]);
        }
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
            ANSWER.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(ANSWER.as_bytes()).unwrap();
        request
    });
    (url, thread)
}

#[test]
fn keys_and_endpoint_come_from_the_environment() {
    let (url, server) = one_answer();
    let said = run(
        "",
        &[
            ("AWS_ACCESS_KEY_ID", "AKIDENV"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("AWS_SESSION_TOKEN", "of-a-role"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            ("AWS_ENDPOINT_URL_STS", &url),
        ],
    );
    assert_eq!(said, "child: account 123456789012");
    let request = server.join().unwrap();
    assert!(request.contains("Credential=AKIDENV/"), "{request}");
    assert!(request.contains("/ap-northeast-3/sts/aws4_request"));
    assert!(request.contains("x-amz-security-token: of-a-role"));
}

#[test]
fn a_profile_may_name_a_command_that_gives_the_keys() {
    let (url, server) = one_answer();
    let path = std::env::temp_dir().join(format!("stayput-aws-config-{}", std::process::id()));
    let answer = r#"{"Version":1,"AccessKeyId":"AKIDCMD","SecretAccessKey":"s"}"#;
    std::fs::write(
        &path,
        format!("[profile dr]\ncredential_process = echo '{answer}'\nendpoint_url = {url}\n"),
    )
    .unwrap();
    let said = run("dr", &[("AWS_CONFIG_FILE", path.to_str().unwrap())]);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(said, "child: account 123456789012");
    assert!(server.join().unwrap().contains("Credential=AKIDCMD/"));
}

#[test]
fn no_credentials_is_one_clear_error_before_any_call() {
    let said = run("", &[]);
    assert_eq!(
        said,
        "child: credentials: no AWS credentials from the environment, profiles or instance metadata"
    );
    let said = run("missing", &[]);
    assert_eq!(
        said,
        "child: credentials: no AWS credentials from profile `missing`"
    );
}

#[test]
fn an_unreadable_ca_bundle_or_an_endpoint_that_is_no_url_is_named() {
    let said = run("", &[("AWS_CA_BUNDLE", "/nonexistent/ca.pem")]);
    assert_eq!(
        said,
        "child: the CA file /nonexistent/ca.pem cannot be read"
    );
    let said = run(
        "",
        &[
            ("AWS_ACCESS_KEY_ID", "AKIDENV"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("AWS_ENDPOINT_URL_EC2", "lab:4566"),
        ],
    );
    assert!(
        said.starts_with("child: `lab:4566` is not an endpoint")
            && said.contains("AWS_ENDPOINT_URL_EC2"),
        "{said}"
    );
}

/// A proxy on loopback, where every request to another host goes. Returns its URL and its listener.
fn proxy() -> (String, TcpListener) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (url, listener)
}

fn is_quiet(listener: &TcpListener) -> bool {
    listener
        .accept()
        .is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

const KEYS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKIDENV"),
    (
        "AWS_SECRET_ACCESS_KEY",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ),
    ("AWS_SESSION_TOKEN", "of-a-role-and-long-enough"),
];

#[test]
fn nothing_is_sent_in_clear_beyond_loopback_whatever_the_settings_say() {
    for setting in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"] {
        let (url, listener) = proxy();
        let mut variables = KEYS.to_vec();
        variables.push((setting, "http://aws.example"));
        variables.push(("HTTP_PROXY", &url));
        let said = run("", &variables);
        assert!(
            said.contains("http://aws.example is plain HTTP") && said.contains("loopback"),
            "{said}"
        );
        assert!(is_quiet(&listener), "{setting}: a request was sent");
    }
}

#[test]
fn a_profile_with_an_endpoint_in_clear_sends_nothing_either() {
    let (url, listener) = proxy();
    let path = std::env::temp_dir().join(format!("stayput-aws-clear-{}", std::process::id()));
    std::fs::write(&path, "[profile dr]\nendpoint_url = http://aws.example\n").unwrap();
    let mut variables = KEYS.to_vec();
    variables.push(("AWS_CONFIG_FILE", path.to_str().unwrap()));
    variables.push(("HTTP_PROXY", &url));
    let said = run("dr", &variables);
    std::fs::remove_file(&path).unwrap();
    assert!(said.contains("http://aws.example is plain HTTP"), "{said}");
    assert!(is_quiet(&listener), "a request was sent");
}

#[test]
fn the_chain_itself_sends_nothing_in_clear() {
    let (url, listener) = proxy();
    let path = std::env::temp_dir().join(format!("stayput-aws-role-{}", std::process::id()));
    // Assuming the role takes a call to STS, at the address that is configured for it.
    std::fs::write(
        &path,
        "[profile dr]\nrole_arn = arn:aws:iam::123456789012:role/r\ncredential_source = Environment\n\
         services = clear\n[services clear]\nsts =\n  endpoint_url = http://sts.example\n",
    )
    .unwrap();
    let mut variables = KEYS.to_vec();
    variables.push(("AWS_CONFIG_FILE", path.to_str().unwrap()));
    variables.push(("AWS_ENDPOINT_URL_STS", "http://sts.example"));
    variables.push(("HTTP_PROXY", &url));
    variables.push(("HTTPS_PROXY", &url));
    let said = run("dr", &variables);
    std::fs::remove_file(&path).unwrap();
    assert!(!said.contains("account"), "{said}");
    assert!(is_quiet(&listener), "a request was sent: {said}");
}
