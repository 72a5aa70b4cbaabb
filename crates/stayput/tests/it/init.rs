//! `stayput init`: from a lab's systems to a file with which a move can be planned.

use std::path::PathBuf;

use serde_json::Value;

use crate::lab::Answer;
use crate::lab::Lab;

/// A folder without an estate file, and the flags that name what AWS does not show.
struct Empty<'l> {
    lab: &'l Lab,
    file: PathBuf,
    flags: Vec<String>,
}

impl<'l> Empty<'l> {
    fn new(lab: &'l Lab) -> Self {
        let folder = lab.folder().join("new");
        std::fs::create_dir(&folder).unwrap();
        std::fs::copy(lab.lab_dir().join("ca.pem"), folder.join("ca.pem")).unwrap();
        let endpoints = lab.endpoints();
        let mut flags = vec![
            "--no-input".to_owned(),
            format!("--aws-endpoint={}", endpoints.aws),
            "--aws-ca-file=ca.pem".to_owned(),
            "--ca-file=ca.pem".to_owned(),
        ];
        flags.extend(
            endpoints
                .prism
                .iter()
                .map(|(site, url)| format!("--prism={site}={url}")),
        );
        flags.extend(
            endpoints
                .moves
                .iter()
                .map(|(site, url)| format!("--move={site}={url}")),
        );
        Self {
            lab,
            file: folder.join("stayput.toml"),
            flags,
        }
    }

    fn run(&self, args: &[&str]) -> Answer {
        let file = ["--file", self.file.to_str().unwrap(), "--json", "--quiet"];
        self.lab.run(&[args, &file].concat())
    }

    fn init(&self, args: &[&str]) -> Answer {
        let flags: Vec<_> = self.flags.iter().map(String::as_str).collect();
        self.run(&[&["init"], flags.as_slice(), args].concat())
    }
}

/// The VPC that the lab's own estate file names as source.
fn source(lab: &Lab) -> String {
    lab.estate().source.vpc.to_string()
}

#[test]
fn a_proposed_file_is_complete_and_a_move_can_be_planned_with_it() {
    let lab = Lab::fast();
    let new = Empty::new(&lab);
    let vpc = source(&lab);
    let answer = new.init(&["--source", &vpc]).exits(0).json();
    assert_eq!(answer["written"], true);
    assert_eq!(answer["gaps"], Value::Array(Vec::new()));
    assert_eq!(answer["is_valid"], true);
    assert_eq!(answer["unread"], Value::Array(Vec::new()));
    new.run(&["config", "check"]).exits(0);
    let check = new.run(&["check"]).exits(0).json();
    assert_eq!(check["errors"], 0);

    let text = std::fs::read_to_string(&new.file).unwrap();
    let proposed = stayput_estate::parse("stayput.toml", &text, lab.folder()).unwrap();
    let known = lab.estate();
    assert_eq!(proposed.source.vpc, known.source.vpc);
    assert_eq!(proposed.source.tgw, known.source.tgw);
    assert_eq!(proposed.networks, known.networks);
    assert_eq!(proposed.on_prem, known.on_prem);
    let of_sites = |estate: &stayput_estate::Estate| -> Vec<_> {
        let sites = estate.sites.values();
        sites
            .map(|site| {
                (
                    site.vpc.clone(),
                    site.tgw.clone(),
                    site.flow_vpc.clone(),
                    site.mv.clone().map(|mv| mv.target_provider),
                )
            })
            .collect()
    };
    assert_eq!(of_sites(&proposed), of_sites(&known));
    let attachments = |estate: &stayput_estate::Estate| -> Vec<_> {
        let mut all: Vec<_> = estate
            .edges
            .values()
            .map(|edge| edge.attachment.clone())
            .collect();
        all.sort();
        all
    };
    assert_eq!(attachments(&proposed), attachments(&known));
    assert!(text.contains("Not proposed: [networks.dmz]"), "{text}");

    new.run(&["capture"]).exits(0);
    let plan = new.run(&["plan", "move", "app", "db"]).exits(0).json();
    assert!(plan["plan"]["steps"].as_array().unwrap().len() > 5);
}

#[test]
fn a_second_run_shows_the_difference_and_overwrites_nothing() {
    let lab = Lab::fast();
    let new = Empty::new(&lab);
    let vpc = source(&lab);
    new.init(&["--source", &vpc]).exits(0);
    let same = new.init(&["--source", &vpc]).exits(0).json();
    assert_eq!(
        (&same["written"], &same["diff"]),
        (&Value::Bool(false), &Value::String(String::new()))
    );
    let text = std::fs::read_to_string(&new.file).unwrap();
    let mine = text.replace("rpo = \"1h\"", "rpo = \"30m\"");
    std::fs::write(&new.file, &mine).unwrap();
    let other = new.init(&["--source", &vpc]).exits(0).json();
    let diff = other["diff"].as_str().unwrap();
    assert!(
        diff.contains("-rpo = \"30m\"") && diff.contains("+rpo = \"1h\""),
        "{diff}"
    );
    assert_eq!(std::fs::read_to_string(&new.file).unwrap(), mine);
}

#[test]
fn what_cannot_be_seen_is_a_gap_that_config_check_lists() {
    let lab = Lab::fast();
    let mut new = Empty::new(&lab);
    new.flags.retain(|flag| !flag.starts_with("--prism=osaka"));
    let answer = new.init(&[]).exits(0).json();
    let gaps = answer["gaps"].as_array().unwrap();
    let keys: Vec<_> = gaps
        .iter()
        .map(|gap| gap["key"].as_str().unwrap())
        .collect();
    assert_eq!(
        keys,
        [
            "source.ec2.vpc",
            "sites.osaka.flow-vpc",
            "sites.osaka.prism",
            "networks"
        ]
    );
    let refused = new.run(&["config", "check"]).exits(2);
    refused.says(&[
        "[source.ec2] has no `vpc`",
        "[sites.osaka] has no `prism`",
        "[networks.NAME]",
    ]);
}

#[test]
fn a_system_that_does_not_answer_leaves_a_gap_and_is_named() {
    let lab = Lab::fast();
    let new = Empty::new(&lab);
    lab.fault(
        &serde_json::json!({ "service": "prism", "site": "osaka", "refuse": 503, "forever": true }),
    );
    let answer = new.init(&["--source", &source(&lab)]).exits(0).json();
    assert_eq!(answer["gaps"][0]["key"], "sites.osaka.flow-vpc");
    assert!(
        answer["unread"][0].as_str().unwrap().contains("osaka"),
        "{answer}"
    );
}

#[test]
fn wrong_answers_are_usage_errors_and_nothing_is_written() {
    let lab = Lab::fast();
    let new = Empty::new(&lab);
    new.init(&["--prism", "kyoto=https://kyoto.example:9440"])
        .exits(2)
        .says(&["kyoto", "tokyo", "osaka"]);
    new.init(&["--source", "vpc-0123456789abcdef0"])
        .exits(2)
        .says(&["vpc-0123456789abcdef0", "candidates"]);
    new.init(&["--prism", "tokyo"]).exits(2);
    assert!(!new.file.exists());
}
