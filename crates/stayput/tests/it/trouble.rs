//! Trouble: which endpoint, what was tried, exit code 1, nothing changed. A wrong file: exit code 2, nobody contacted.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::lab::Answer;
use crate::lab::Lab;

/// Commands that must not work when a system cannot be reached; the last would change things.
const COMMANDS: [&[&str]; 4] = [
    &["status"],
    &["trace", "on-prem", "172.30.1.34"],
    &["plan", "move", "app", "db"],
    &["apply", "move", "app", "db", "--yes"],
];

/// Runs commands that must fail, saying this; asserts that nothing changed.
#[track_caller]
fn fails(lab: &Lab, file: Option<&Path>, change: impl Fn(&mut Command), says: &[&str]) {
    let world = lab.observe();
    for args in [COMMANDS[0], COMMANDS[3]] {
        let answer = run(lab, args, file, &change).exits(1);
        answer.says(says).says(&["nothing was changed"]);
        // Nobody's secrets are in what people paste into tickets.
        for secret in secrets(lab) {
            assert!(
                !answer.err.contains(&secret),
                "a secret is in\n{}",
                answer.err
            );
        }
    }
    let answer = run(lab, &["status", "--json"], file, &change).exits(1);
    let error = &answer.json()["error"];
    assert_eq!(error["kind"], "failed");
    assert_eq!(error["obstacles"], serde_json::json!([]));
    assert!(
        error["hints"]
            .as_array()
            .is_some_and(|hints| !hints.is_empty())
    );
    assert_eq!(lab.observe(), world);
    let runs = lab.json(&["journal"]);
    assert_eq!(runs["runs"], serde_json::json!([]));
}

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
fn wrong_credentials_are_told_apart_by_whose_they_are() {
    let lab = Lab::fast();
    let endpoints = lab.endpoints().clone();
    fails(
        &lab,
        None,
        |command| {
            command.env("AWS_SECRET_ACCESS_KEY", "not/the/right/one");
        },
        &[host(&endpoints.aws), "SignatureDoesNotMatch"],
    );
    fails(
        &lab,
        None,
        |command| {
            command.env("PRISM_CENTRAL_PASSWORD_OSAKA", "wrong");
        },
        &[
            host(&endpoints.prism["osaka"]),
            "Prism Central of site `osaka`",
        ],
    );
    fails(
        &lab,
        None,
        |command| {
            command.env("PRISM_CENTRAL_PASSWORD", "wrong");
        },
        &["Prism Central of site `"],
    );
    fails(
        &lab,
        None,
        |command| {
            command.env("MOVE_PASSWORD", "wrong");
        },
        &[host(&endpoints.moves["tokyo"]), "Move of site `tokyo`"],
    );
}

#[test]
fn credentials_that_are_not_set_are_asked_for_by_name_and_nobody_is_contacted() {
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
            .exits(1)
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
        .exits(1)
        .says(&["no AWS credentials", "nothing was changed"]);
    assert_eq!(lab.requests(), before);
}

#[test]
fn an_endpoint_whose_ca_is_not_ours_is_not_talked_to() {
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
    fails(
        &lab,
        Some(&file),
        no_bundle,
        // Asked once: a certificate does not get better by asking again.
        &[
            &format!("({}): certificate not trusted", endpoints.aws),
            "its issuer",
        ],
    );

    for (url, name) in [
        (&endpoints.prism["tokyo"], "Prism Central of site `tokyo`"),
        (&endpoints.moves["tokyo"], "Move of site `tokyo`"),
    ] {
        let theirs = format!("url = \"{url}\", ca-file = \"ca.pem\"");
        let file = lab.edited(
            "trust.toml",
            &[(&theirs, &theirs.replace("ca.pem", "other.pem"))],
        );
        let says = [host(url), name, "not signed by a trusted CA"];
        fails(&lab, Some(&file), |_| {}, &says);
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
        answer.exits(1).says(&[name]);
        assert_eq!(lab.requests(), before);
    }
}

#[test]
fn a_host_that_is_down_is_named() {
    let lab = Lab::fast();
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    for url in urls(&lab) {
        let file = lab.edited("down.toml", &[(host(&url), &closed)]);
        fails(&lab, Some(&file), without_endpoint, &[&closed]);
    }
    let mut lab = lab;
    lab.down();
    for args in COMMANDS {
        lab.run(args)
            .exits(1)
            .says(&["127.0.0.1:", "nothing was changed"]);
    }
}

#[test]
fn a_host_that_hangs_is_waited_for_as_long_as_the_file_says() {
    let lab = Lab::fast();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    for url in urls(&lab) {
        let changes = [
            (host(&url), address.as_str()),
            ("[engine]\n", "[engine]\ncall-timeout = \"1s\"\n"),
        ];
        let file = lab.edited("hangs.toml", &changes);
        let world = lab.observe();
        let args = ["apply", "move", "app", "db", "--yes"];
        let answer = run(&lab, &args, Some(&file), without_endpoint).exits(1);
        answer.says(&[&address, "nothing was changed", "1 s"]);
        assert_eq!(lab.observe(), world);
    }
}

/// The file alone says where AWS is.
fn without_endpoint(command: &mut Command) {
    command.env_remove("AWS_ENDPOINT_URL");
}

fn urls(lab: &Lab) -> [String; 3] {
    let endpoints = lab.endpoints();
    [
        endpoints.aws.clone(),
        endpoints.prism["osaka"].clone(),
        endpoints.moves["tokyo"].clone(),
    ]
}

/// What it is called, what is replaced by what in the file, and what must be said.
type Mistake<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

#[test]
fn a_wrong_file_is_explained_and_nobody_is_contacted() {
    let lab = Lab::fast();
    let before = lab.requests();
    let wrong: [Mistake; 5] = [
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
        let answer = answer.json();
        assert_eq!(answer["ok"], false, "{name}");
        assert_error_object(&answer["error"], "usage");
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
    for list in ["causes", "hints", "obstacles"] {
        assert!(error[list].is_array(), "{list}");
    }
}

#[test]
fn an_apply_that_nobody_can_confirm_changes_nothing() {
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
