//! Failures: the endpoint, what was tried, exit code 1, nothing changed. A wrong file: exit code 2, no system contacted.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tokio::net::TcpSocket;

use crate::lab::Answer;
use crate::lab::Lab;

/// Commands that must not work when a system cannot be reached; the last would change things.
const COMMANDS: [&[&str]; 4] = [
    &["status"],
    &["trace", "on-prem", "172.30.1.34"],
    &["plan", "move", "app", "db"],
    &["apply", "move", "app", "db", "--yes"],
];

/// Runs commands while a system cannot be read: status names it and shows the rest, commands that need it are refused, and nothing changes.
#[track_caller]
fn is_named(
    lab: &Lab,
    file: Option<&Path>,
    change: impl Fn(&mut Command),
    needs_it: &[&str],
    says: &[&str],
) {
    let world = lab.observe();
    let looked = run(lab, &["status"], file, &change).exits(0);
    for text in says {
        assert!(looked.out.contains(text), "no `{text}` in\n{}", looked.out);
    }
    assert!(looked.out.contains("is unknown"), "{}", looked.out);
    let refused = run(lab, needs_it, file, &change).exits(4);
    refused
        .says(says)
        .says(&["was not observed", "nothing was changed"]);
    for answer in [&looked, &refused] {
        // People paste this into tickets.
        for secret in secrets(lab) {
            let text = format!("{}{}", answer.out, answer.err);
            assert!(!text.contains(&secret), "a secret is in\n{text}");
        }
    }
    let answer = run(lab, &["status", "--json"], file, &change).exits(0);
    let unobserved = &answer.json()["unobserved"];
    assert!(
        unobserved.as_array().is_some_and(|list| !list.is_empty()),
        "{unobserved}"
    );
    assert_eq!(lab.observe(), world);
    let runs = lab.json(&["journal"]);
    assert_eq!(runs["runs"], serde_json::json!([]));
}

/// A goal that needs AWS, the Prism Central of Tokyo and Move.
const MOVE: &[&str] = &["apply", "move", "app", "db", "--yes"];
/// A goal that needs both Prism Centrals.
const PROTECT: &[&str] = &["apply", "protect", "app", "db", "--yes"];

fn run(lab: &Lab, args: &[&str], file: Option<&Path>, change: impl Fn(&mut Command)) -> Answer {
    let mut command = lab.command(args);
    if let Some(file) = file {
        command.arg("--file").arg(file);
    }
    change(&mut command);
    Answer::new(args.join(" "), command.output().unwrap())
}

fn secrets(lab: &Lab) -> Vec<String> {
    let credentials = &lab.endpoints().credentials;
    let passwords = [&credentials.prism, &credentials.mv].map(|account| account.clone().unwrap().1);
    let mut secrets = vec![credentials.secret_key.clone()];
    secrets.extend(passwords);
    secrets
}

/// `127.0.0.1:PORT` of a URL.
fn host(url: &str) -> &str {
    url.strip_prefix("https://").unwrap()
}

#[test]
fn wrong_credentials_are_reported_with_their_system() {
    let lab = Lab::fast();
    let endpoints = lab.endpoints().clone();
    is_named(
        &lab,
        None,
        |command| {
            command.env("AWS_SECRET_ACCESS_KEY", "not/the/right/one");
        },
        MOVE,
        &[host(&endpoints.aws), "SignatureDoesNotMatch"],
    );
    is_named(
        &lab,
        None,
        |command| {
            command.env("PRISM_CENTRAL_PASSWORD_OSAKA", "wrong");
        },
        PROTECT,
        &[host(&endpoints.prism["osaka"]), "Prism Central of osaka"],
    );
    is_named(
        &lab,
        None,
        |command| {
            command.env("PRISM_CENTRAL_PASSWORD", "wrong");
        },
        MOVE,
        &["Prism Central of tokyo"],
    );
    is_named(
        &lab,
        None,
        |command| {
            command.env("MOVE_PASSWORD", "wrong");
        },
        MOVE,
        &[host(&endpoints.moves["tokyo"]), "Move of tokyo"],
    );
}

#[test]
fn missing_credentials_are_named_and_no_system_is_contacted() {
    let lab = Lab::fast();
    let before = lab.requests();
    for (variable, says) in [
        (
            "PRISM_CENTRAL_PASSWORD",
            "PRISM_CENTRAL_USERNAME and PRISM_CENTRAL_PASSWORD",
        ),
        ("MOVE_USERNAME", "MOVE_USERNAME and MOVE_PASSWORD"),
    ] {
        let answer = run(&lab, &["status"], None, |command| {
            command.env_remove(variable);
        });
        answer
            .exits(2)
            .says(&[says, "nothing was contacted and nothing was changed"]);
    }
    let answer = run(&lab, &["status"], None, |command| {
        for variable in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            command.env_remove(variable);
        }
        // Not on a cloud machine, whatever this one is.
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("HOME", lab.folder());
    });
    answer
        .exits(2)
        .says(&["no AWS credentials", "nothing was changed"]);
    // Nor are any sent to an endpoint without TLS.
    let endpoint = format!("endpoint = \"{}\"\n", lab.endpoints().aws);
    let file = lab.edited("by-environment.toml", &[(&endpoint, "")]);
    let answer = run(&lab, &["status"], Some(&file), |command| {
        command.env("AWS_ENDPOINT_URL", "http://192.0.2.1");
    });
    answer
        .exits(2)
        .says(&["http://192.0.2.1", "nothing was changed"]);
    assert_eq!(lab.requests(), before);
}

#[test]
fn an_endpoint_with_an_untrusted_ca_is_refused() {
    let lab = Lab::fast();
    let other = Lab::fast();
    let pem = lab.lab_dir().join("other.pem");
    fs::copy(&other.endpoints().ca, &pem).unwrap();
    let endpoints = lab.endpoints().clone();

    let aws = format!("endpoint = \"{}\"\nca-file = \"ca.pem\"", endpoints.aws);
    let file = lab.edited("aws.toml", &[(&aws, &aws.replace("ca.pem", "other.pem"))]);
    // The SDK's own variable would trust the right CA.
    let no_bundle = |command: &mut Command| {
        command.env_remove("AWS_CA_BUNDLE");
    };
    is_named(
        &lab,
        Some(&file),
        no_bundle,
        MOVE,
        // Requested once: a retry does not change a certificate.
        &[
            &format!("({}): certificate not trusted", endpoints.aws),
            "its issuer",
        ],
    );

    for (url, name) in [
        (&endpoints.prism["tokyo"], "Prism Central of tokyo"),
        (&endpoints.moves["tokyo"], "Move of tokyo"),
    ] {
        let theirs = format!("url = \"{url}\", ca-file = \"ca.pem\"");
        let file = lab.edited(
            "trust.toml",
            &[(&theirs, &theirs.replace("ca.pem", "other.pem"))],
        );
        let says = [host(url), name, "not signed by a trusted CA"];
        is_named(&lab, Some(&file), |_| {}, MOVE, &says);
    }

    let theirs = format!(
        "url = \"{}\", ca-file = \"ca.pem\"",
        endpoints.prism["tokyo"]
    );
    for (name, content) in [
        ("absent.pem", None),
        ("garbage.pem", Some("no certificate")),
    ] {
        if let Some(content) = content {
            fs::write(lab.lab_dir().join(name), content).unwrap();
        }
        let file = lab.edited(
            "unreadable.toml",
            &[(&theirs, &theirs.replace("ca.pem", name))],
        );
        let before = lab.requests();
        let answer = run(&lab, &["status"], Some(&file), |_| {});
        answer.exits(2).says(&[name]);
        assert_eq!(lab.requests(), before);
    }
}

#[test]
fn a_host_that_is_down_is_named() {
    let lab = Lab::fast();
    let (_held, closed) = closed_port();
    for (url, needs_it) in urls(&lab) {
        let file = lab.edited("down.toml", &[(host(&url), &closed)]);
        is_named(&lab, Some(&file), without_endpoint, needs_it, &[&closed]);
    }
    let endpoints = lab.endpoints();
    let all: Vec<&String> = [&endpoints.aws]
        .into_iter()
        .chain(endpoints.prism.values())
        .chain(endpoints.moves.values())
        .collect();
    let changes: Vec<_> = all.iter().map(|url| (host(url), closed.as_str())).collect();
    let file = lab.edited("all-down.toml", &changes);
    let requests = lab.requests();
    for args in COMMANDS {
        let failed = run(&lab, args, Some(&file), without_endpoint).exits(1);
        failed.says(&[&closed, "nothing was changed"]);
        // Not only the first.
        failed.says(&[
            "AWS ap-northeast-1 does not answer",
            "AWS ap-northeast-3 does not answer",
            "Prism Central of tokyo does not answer",
            "Prism Central of osaka does not answer",
            "Move of tokyo does not answer",
        ]);
    }
    assert_eq!(lab.requests(), requests);
}

/// A local port that refuses connections. While the socket exists, no other test can be given the port.
fn closed_port() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

#[test]
fn a_host_that_hangs_is_waited_for_until_the_timeout() {
    let lab = Lab::fast();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    for (url, needs_it) in urls(&lab) {
        let changes = [
            (host(&url), address.as_str()),
            ("[engine]\n", "[engine]\ncall-timeout = \"1s\"\n"),
        ];
        let file = lab.edited("hangs.toml", &changes);
        let world = lab.observe();
        let answer = run(&lab, needs_it, Some(&file), without_endpoint).exits(4);
        answer.says(&[&address, "nothing was changed", "1 s"]);
        assert_eq!(lab.observe(), world);
    }
}

/// Only the file gives the endpoint of AWS.
fn without_endpoint(command: &mut Command) {
    command.env_remove("AWS_ENDPOINT_URL");
}

/// Systems by their URLs, each with a goal that needs it.
fn urls(lab: &Lab) -> [(String, &'static [&'static str]); 3] {
    let endpoints = lab.endpoints();
    [
        (endpoints.aws.clone(), MOVE),
        (endpoints.prism["osaka"].clone(), PROTECT),
        (endpoints.moves["tokyo"].clone(), MOVE),
    ]
}

/// Its name, the replacements in the file, and the expected texts.
type Mistake<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

#[test]
fn a_wrong_file_is_explained_and_no_system_is_contacted() {
    let lab = Lab::fast();
    let before = lab.requests();
    let wrong: [Mistake; 7] = [
        (
            "unknown key",
            &[("flow-vpc = ", "flow-vcp = ")],
            &["flow-vcp", "did you mean", "flow-vpc"],
        ),
        (
            "bad prefix",
            &[("172.30.1.0/24", "172.30.1.34/24")],
            &["172.30.1.34/24", "172.30.1.0/24"],
        ),
        (
            "leading zeros",
            &[("172.30.1.0/24", "172.30.010.0/24")],
            &["leading zeros", "172.30.10.0/24"],
        ),
        (
            "leading zeros of an address",
            &[("dns-servers = [\"10.", "dns-servers = [\"010.")],
            &["leading zeros", "write `10."],
        ),
        (
            "overlap",
            &[("172.30.3.0/24", "172.30.1.128/25")],
            &["172.30.1.128/25"],
        ),
        (
            "no such site",
            &[("primary = \"tokyo\"", "primary = \"tokio\"")],
            &["tokio", "tokyo"],
        ),
        ("not TOML", &[("[engine]", "[engine")], &["[engine"]),
    ];
    for (name, changes, says) in wrong {
        let file = lab.edited("wrong.toml", changes);
        for args in [
            &["config", "check"][..],
            COMMANDS[0],
            COMMANDS[2],
            COMMANDS[3],
            &["capture"],
        ] {
            let answer = run(&lab, args, Some(&file), |_| {}).exits(2);
            answer
                .says(says)
                .says(&["wrong.toml", "nothing was contacted"]);
        }
        let answer = run(&lab, &["status", "--json"], Some(&file), |_| {}).exits(2);
        assert!(!answer.err.contains('│'), "{}", answer.err);
        let answer = answer.json();
        assert_eq!(answer["ok"], false, "{name}");
        assert_error_object(&answer["error"], "usage");
        let error = &answer["error"];
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("wrong.toml has "), "{error}");
        let text = fs::read_to_string(&file).unwrap();
        let errors = error["errors"].as_array().unwrap();
        assert!(!errors.is_empty(), "{error}");
        for one in errors {
            assert!(
                one["file"].as_str().unwrap().ends_with("wrong.toml"),
                "{one}"
            );
            let at = |key: &str| usize::try_from(one[key].as_u64().unwrap()).unwrap();
            let line = text.lines().nth(at("line") - 1).unwrap();
            assert!(
                (1..=line.chars().count() + 1).contains(&at("column")),
                "{one}"
            );
            assert!(
                one["code"].as_str().unwrap().starts_with("config::"),
                "{one}"
            );
            for key in ["message", "help"] {
                let text = one[key].as_str().unwrap_or_default();
                assert!(!text.is_empty() && !text.contains(['│', '\n']), "{one}");
            }
        }
    }
    let absent = lab.lab_dir().join("absent.toml");
    let answer = run(&lab, &["status"], Some(&absent), |_| {}).exits(2);
    answer.says(&["absent.toml", "stayput config init"]);
    assert_eq!(lab.requests(), before);
}

#[track_caller]
fn assert_error_object(error: &Value, kind: &str) {
    assert_eq!(error["kind"], kind);
    assert!(error["message"].is_string());
    for list in ["causes", "hints", "obstacles", "errors"] {
        assert!(error[list].is_array(), "{list}");
    }
}

#[test]
fn an_apply_without_a_confirmation_changes_nothing() {
    let lab = Lab::fast();
    let world = lab.observe();
    for more in [&[][..], &["--no-input"], &["--json"]] {
        let mut args = vec!["apply", "move", "app", "db"];
        args.extend(more);
        let answer = lab.run(&args).exits(2);
        answer.says(&["no terminal to confirm on", "--yes"]);
        if more == ["--json"] {
            assert_error_object(&answer.json()["error"], "usage");
        }
    }
    assert_eq!(lab.observe(), world);
    assert_eq!(lab.json(&["journal"])["runs"], serde_json::json!([]));
}
