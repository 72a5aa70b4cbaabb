//! Which calls a rule applies to, what it counts, and the caller's policy.

use std::fs;
use std::time::Duration;

use serde_json::json;
use stayput_lab::Exchange;
use stayput_lab::Lab;
use stayput_lab::Scenario;
use stayput_lab::Service;
use stayput_lab::faults::Policy;
use stayput_lab::faults::Rule;
use stayput_lab::http::Request;

use crate::fixture::MOVE_TOKYO;
use crate::fixture::OSAKA;
use crate::fixture::PRISM_OSAKA;
use crate::fixture::PRISM_TOKYO;
use crate::fixture::START;
use crate::fixture::TOKYO;
use crate::fixture::VMS;
use crate::fixture::add;
use crate::fixture::answer;
use crate::fixture::ec2;
use crate::fixture::lab;
use crate::fixture::lab_with;
use crate::fixture::login;
use crate::fixture::mv;
use crate::fixture::pass;
use crate::fixture::prism;
use crate::fixture::samples;
use crate::fixture::sts;
use crate::fixture::target;
use crate::fixture::text;

/// Whether a rule that loses requests applies to this one.
async fn hits(rule: &str, service: Service, request: &Request) -> bool {
    let lab = lab_with(&format!("{rule}\nlose-request = true"));
    lab.exchange(service, request).await == Exchange::Silent
}

#[tokio::test(start_paused = true)]
async fn a_rule_matches_by_service_place_call_object_and_kind() {
    let describe = ec2(TOKYO, "Action=DescribeVpcs&VpcId.1=vpc-1");
    let vms = prism(
        "GET",
        &format!("{VMS}/0b5f2f0e-1d4b-4a3c-9d52-3f2b8f1f1a11"),
        &json!(null),
    );
    let list = mv(
        "POST",
        "/plans/list",
        &json!({ "Spec": { "Name": "wave/1" } }),
    );
    for (rule, service, request, is_hit) in [
        ("", Service::Aws, &describe, true),
        ("service = 'ec2'", Service::Aws, &describe, true),
        ("service = 'aws'", Service::Aws, &describe, true),
        ("service = 'aws'", PRISM_TOKYO, &vms, false),
        ("service = 'ssm'", Service::Aws, &describe, false),
        ("region = 'ap-northeast-1'", Service::Aws, &describe, true),
        ("region = 'ap-northeast-3'", Service::Aws, &describe, false),
        ("region = 'ap-northeast-1'", PRISM_TOKYO, &vms, true),
        ("site = 'tokyo'", PRISM_TOKYO, &vms, true),
        ("site = 'tokyo'", PRISM_OSAKA, &vms, false),
        ("site = 'tokyo'", MOVE_TOKYO, &list, true),
        ("site = 'tokyo'", Service::Aws, &describe, false),
        ("call = 'Describe*'", Service::Aws, &describe, true),
        ("call = 'describevpcs'", Service::Aws, &describe, false),
        ("call = 'GET */vms/{id}'", PRISM_TOKYO, &vms, true),
        ("call = 'GET */vms'", PRISM_TOKYO, &vms, false),
        ("call = 'POST /move/v2/plans/list'", MOVE_TOKYO, &list, true),
        ("object = '9d52-3f2b'", PRISM_TOKYO, &vms, true),
        ("object = 'vpc-1'", Service::Aws, &describe, true),
        ("object = 'vpc-2'", Service::Aws, &describe, false),
        ("object = 'wave/1'", MOVE_TOKYO, &list, true),
        ("kind = 'read'", MOVE_TOKYO, &list, true),
        ("kind = 'change'", MOVE_TOKYO, &list, false),
        ("kind = 'read'", Service::Aws, &describe, true),
    ] {
        assert_eq!(hits(rule, service, request).await, is_hit, "{rule}");
    }
    // A value that is escaped in a form.
    let create = ec2(OSAKA, "Action=CreateVpc&CidrBlock=10.77.0.0%2F16");
    assert!(hits("object = '10.77.0.0/16'", Service::Aws, &create).await);
    // A dry run changes nothing.
    let dry = ec2(TOKYO, "Action=CreateVpc&CidrBlock=10.77.0.0/16&DryRun=true");
    assert!(hits("kind = 'read'", Service::Aws, &dry).await);
    assert!(!hits("kind = 'change'", Service::Aws, &dry).await);
}

#[tokio::test(start_paused = true)]
async fn a_rule_applies_from_the_nth_call_for_so_many_times() {
    let lab = lab();
    let id = add(
        &lab,
        "service = 'sts'\nnth = 2\ntimes = 2\nlose-request = true",
    );
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(lab.exchange(Service::Aws, &sts()).await == Exchange::Silent);
    }
    assert_eq!(seen, [false, true, true, false, false]);
    let [report] = lab.list_faults().try_into().unwrap();
    assert_eq!((report.id, report.matched, report.hits), (id, 5, 2));
    assert!(!report.active);
    let last = report.last.unwrap();
    assert_eq!(last.service, "sts");
    assert_eq!(last.call, "GetCallerIdentity");
    assert_eq!(last.region.as_deref(), Some(TOKYO));
}

#[tokio::test(start_paused = true)]
async fn a_rule_ends_with_its_time_or_when_it_is_cleared() {
    let lab = lab();
    add(&lab, "lose-request = true\nforever = true\nlasts = '1m'");
    let id = add(
        &lab,
        "lose-request = true\nforever = true\ncall = 'GetCaller*'",
    );
    pass(Duration::from_secs(60)).await;
    let describe = ec2(TOKYO, "Action=DescribeVpcs");
    answer(&lab, Service::Aws, &describe).await;
    assert_eq!(lab.exchange(Service::Aws, &sts()).await, Exchange::Silent);
    let active: Vec<bool> = lab.list_faults().iter().map(|fault| fault.active).collect();
    assert_eq!(active, [false, true]);
    assert_eq!(lab.clear_faults(Some(id)), 1);
    assert_eq!(lab.clear_faults(Some(id)), 0);
    answer(&lab, Service::Aws, &sts()).await;
    assert_eq!(lab.clear_faults(None), 1);
    assert!(lab.list_faults().is_empty());
    // Numbers are not used again.
    assert_eq!(add(&lab, "twice = true"), 3);
}

#[tokio::test(start_paused = true)]
async fn of_two_rules_the_first_has_priority_and_the_second_is_kept() {
    let lab = lab_with("refuse = 500");
    add(&lab, "refuse = 503");
    for status in [500, 503, 200] {
        assert_eq!(answer(&lab, Service::Aws, &sts()).await.status, status);
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_requests_at_the_same_times_have_the_same_bytes() {
    let story = async || {
        let lab = lab_with("kind = 'change'\nlose-answer = true\nnth = 2");
        add(&lab, "service = 'ec2'\nthrottle = true\nnth = 2");
        let mut exchanges = Vec::new();
        let token = login(&lab).await;
        for _ in 0..2 {
            for sample in samples() {
                exchanges.push(lab.exchange(sample.service, &(sample.change)()).await);
                pass(Duration::from_secs(7)).await;
                exchanges.push(lab.exchange(sample.service, &(sample.read)()).await);
            }
        }
        let present = lab.with(|state| format!("{:?}", (&state.aws, &state.pcs, &state.moves)));
        (token, exchanges, present)
    };
    let first = story().await;
    pass(Duration::from_secs(1000)).await;
    let second = story().await;
    assert_eq!(first.0, second.0);
    assert_eq!(first.1, second.1);
    assert!(first.2 == second.2, "the states differ");
}

#[tokio::test(start_paused = true)]
async fn an_action_that_the_policy_denies_has_the_error_of_its_service() {
    let lab = lab();
    lab.with(|state| {
        state.policy = Policy {
            allow: vec!["*".to_owned()],
            deny: vec![
                "ec2:Create*".to_owned(),
                "ssm:SendCommand".to_owned(),
                "dynamodb:PutItem".to_owned(),
                "prism:POST */categories".to_owned(),
            ],
        };
    });
    let [ec2_sample, ssm, _, prism_sample, _] = samples();
    let create = answer(&lab, Service::Aws, &(ec2_sample.change)()).await;
    assert_eq!(create.status, 403);
    let said = text(&create);
    assert!(
        said.contains("<Code>UnauthorizedOperation</Code>"),
        "{said}"
    );
    assert!(
        said.contains("is not authorized to perform: ec2:CreateVpc with an explicit deny"),
        "{said}"
    );
    // The right is checked before the dry run.
    let dry = ec2(TOKYO, "Action=CreateVpc&CidrBlock=10.77.0.0/16&DryRun=true");
    let dry = answer(&lab, Service::Aws, &dry).await;
    assert!(text(&dry).contains("UnauthorizedOperation"));
    let sent = answer(&lab, Service::Aws, &(ssm.change)()).await;
    assert_eq!(sent.status, 400);
    assert!(text(&sent).contains("\"AccessDeniedException\""));
    let put = json!({ "TransactItems": [{ "Put": {} }] });
    let put = target("dynamodb", "DynamoDB_20120810.TransactWriteItems", put);
    let put = answer(&lab, Service::Aws, &put).await;
    assert!(
        text(&put).contains("#AccessDeniedException"),
        "{}",
        text(&put)
    );
    let category = answer(&lab, PRISM_TOKYO, &(prism_sample.change)()).await;
    assert_eq!(category.status, 403);
    // What is not denied is allowed.
    for sample in samples().iter().take(4) {
        let read = answer(&lab, sample.service, &(sample.read)()).await;
        assert_eq!(read.status, 200, "{}", sample.rule);
    }
    lab.with(|state| state.policy.allow.clear());
    let read = answer(&lab, Service::Aws, &(ec2_sample.read)()).await;
    assert!(text(&read).contains("because no identity-based policy allows"));
    assert_eq!(answer(&lab, Service::Aws, &sts()).await.status, 200);
}

/// Loads a scenario file with this text added.
fn scenario(text: &str) -> Result<Lab, String> {
    file(&format!("summary = 'x'\nextends = 'tokyo-osaka'\n{text}"))
}

/// Loads a scenario file.
fn file(text: &str) -> Result<Lab, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("faulty.toml");
    fs::write(&path, text).unwrap();
    let scenario = Scenario::load(path.to_str().unwrap());
    let scenario = scenario.map_err(|wrong| wrong.to_string())?;
    Lab::new(&scenario, START, 1.0, None).map_err(|wrong| wrong.to_string())
}

#[tokio::test(start_paused = true)]
async fn the_faults_and_the_policy_of_a_scenario_are_in_force_at_the_start() {
    let lab = scenario(
        "[[faults]]\nservice = 'sts'\nthrottle = true\n\n[policy]\ndeny = ['ec2:DescribeVpcs']",
    );
    let lab = lab.unwrap();
    assert_eq!(answer(&lab, Service::Aws, &sts()).await.status, 400);
    assert_eq!(answer(&lab, Service::Aws, &sts()).await.status, 200);
    let describe = ec2(TOKYO, "Action=DescribeVpcs");
    assert_eq!(answer(&lab, Service::Aws, &describe).await.status, 403);
}

#[test]
fn a_wrong_rule_of_a_scenario_is_refused_with_its_place_and_a_remedy() {
    for (text, says) in [
        ("[[faults]]\nservice = 'sts'", "give one of refuse, "),
        (
            "[[faults]]\nhang = true\ntwice = true",
            "`hang` and `twice` are both effects",
        ),
        (
            "[[faults]]\nhang = true\nretry-after = 3",
            "`retry-after` has no meaning without `refuse`",
        ),
        (
            "[[faults]]\nhang = true\nservice = 'prsm'",
            "did you mean `prism`?",
        ),
        (
            "[[faults]]\nhang = true\nsite = 'tokio'",
            "did you mean `tokyo`?",
        ),
        (
            "[[faults]]\nhang = true\nregion = 'mars'",
            "there are `ap-northeast-1`",
        ),
        ("[[faults]]\nrefuse = 200", "400 to 599, not 200"),
        (
            "[[faults]]\nhang = true\nnth = 0",
            "`nth` must be at least 1",
        ),
        ("[[faults]]\nhangs = true", "unknown field `hangs`"),
        ("[[faults]]\nstale = '-3s'", "not negative"),
        (
            "[[faults]]\nhang = true\ntimes = 2\nforever = true",
            "exclude each other",
        ),
        ("[policy]\ndeny = ['ReplaceRoute']", "write SERVICE:ACTION"),
        (
            "[policy]\ndeny = ['ec3:ReplaceRoute']",
            "the services are ec2",
        ),
    ] {
        let wrong = scenario(text).unwrap_err();
        assert!(wrong.contains(says), "{text}: {wrong}");
        assert!(wrong.contains("faulty.toml:"), "{text}: {wrong}");
    }
}

#[test]
fn a_rule_is_written_as_it_was_read() {
    let rule = "service = 'prism'\ncall = 'POST *'\nlose-answer = true\nclose = true\nlasts = '5m'";
    let rule: Rule = toml::from_str(rule).unwrap();
    let json = serde_json::to_value(&rule).unwrap();
    assert_eq!(
        json,
        json!({ "service": "prism", "call": "POST *", "lose-answer": true, "close": true, "lasts": "5m" })
    );
    assert_eq!(serde_json::from_value::<Rule>(json).unwrap(), rule);
}

#[test]
fn a_rule_is_read_from_one_line_or_from_several() {
    let one = Rule::from_toml("service = 'ec2', call = 'Describe*', hang = true");
    let several = Rule::from_toml("service = 'ec2'\ncall = 'Describe*'\nhang = true\n");
    assert_eq!(one, several);
    assert!(one.is_ok());
    let wrong = Rule::from_toml("hung = true").unwrap_err();
    assert!(wrong.starts_with("unknown field `hung`"), "{wrong}");
}

#[tokio::test(start_paused = true)]
async fn the_scenarios_in_the_documents_can_be_used() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/lab.md");
    let page = fs::read_to_string(page).unwrap();
    let blocks: Vec<&str> = page
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(blocks.len(), 3);
    let faults: Vec<usize> = blocks
        .iter()
        .map(|block| file(block).unwrap().list_faults().len())
        .collect();
    assert_eq!(faults, [0, 2, 0]);
}
