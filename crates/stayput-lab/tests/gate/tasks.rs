//! Tasks that fail, never end or vanish.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use stayput_lab::Lab;
use stayput_lab::Service;

use crate::fixture::PRISM_TOKYO;
use crate::fixture::TASKS;
use crate::fixture::VMS;
use crate::fixture::answer;
use crate::fixture::body;
use crate::fixture::lab_with;
use crate::fixture::pass;
use crate::fixture::prism;
use crate::fixture::samples;
use crate::fixture::target;

/// Longer than any task.
const LONG: Duration = Duration::from_secs(600);

/// Starts a task that powers a VM on, and returns its id and the VM's.
async fn power_on(lab: &Lab) -> (String, String) {
    let (id, on) = lab.with(|state| {
        let vms = &mut state.pcs[1].vms;
        let (id, vm) = vms.iter_mut().next().unwrap();
        vm.on = false;
        (id.clone(), vm.on)
    });
    assert!(!on);
    let path = format!("{VMS}/{id}");
    let read = answer(lab, PRISM_TOKYO, &prism("GET", &path, &json!(null))).await;
    let etag = read.header("etag").unwrap().to_owned();
    let mut request = prism("POST", &format!("{path}/$actions/power-on"), &json!({}));
    request.headers.insert("if-match".to_owned(), etag);
    let response = answer(lab, PRISM_TOKYO, &request).await;
    let task = body(&response)["data"]["extId"].as_str().map(str::to_owned);
    (task.unwrap(), id)
}

async fn task(lab: &Lab, id: &str) -> (u16, Value) {
    let request = prism("GET", &format!("{TASKS}/{id}"), &json!(null));
    let response = answer(lab, PRISM_TOKYO, &request).await;
    (response.status, body(&response)["data"].clone())
}

fn is_on(lab: &Lab, vm: &str) -> bool {
    lab.with(|state| state.pcs[1].vms[vm].on)
}

#[tokio::test(start_paused = true)]
async fn a_prism_task_fails_or_never_ends_or_vanishes_as_the_rule_says() {
    let rule = |fate: &str| format!("call = 'POST */power-on'\ntask = '{fate}'");

    let lab = lab_with(&rule("fails"));
    let (id, vm) = power_on(&lab).await;
    pass(LONG).await;
    let (_, failed) = task(&lab, &id).await;
    assert_eq!(failed["status"], "FAILED");
    assert!(failed["errorMessages"][0]["message"].is_string());
    assert!(!is_on(&lab, &vm));
    // The next call is not affected.
    let (id, vm) = power_on(&lab).await;
    pass(LONG).await;
    assert_eq!(task(&lab, &id).await.1["status"], "SUCCEEDED");
    assert!(is_on(&lab, &vm));

    let lab = lab_with(&rule("never-ends"));
    let (id, vm) = power_on(&lab).await;
    pass(LONG).await;
    assert_eq!(task(&lab, &id).await.1["status"], "QUEUED");
    assert!(!is_on(&lab, &vm));

    let lab = lab_with(&rule("vanishes"));
    let (id, vm) = power_on(&lab).await;
    assert_eq!(task(&lab, &id).await.0, 200);
    pass(LONG).await;
    assert_eq!(task(&lab, &id).await.0, 404);
    assert!(is_on(&lab, &vm));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_another_call_starts_is_not_affected() {
    let lab = lab_with("call = 'POST */power-off'\ntask = 'fails'");
    let (id, vm) = power_on(&lab).await;
    pass(LONG).await;
    assert_eq!(task(&lab, &id).await.1["status"], "SUCCEEDED");
    assert!(is_on(&lab, &vm));
}

#[tokio::test(start_paused = true)]
async fn a_command_fails_or_never_ends_or_vanishes_as_the_rule_says() {
    for (fate, statuses) in [
        ("fails", &["Failed"][..]),
        ("never-ends", &["InProgress"]),
        ("vanishes", &[]),
    ] {
        let lab = lab_with(&format!("call = 'SendCommand'\ntask = '{fate}'"));
        let [_, ssm, ..] = samples();
        let sent = answer(&lab, Service::Aws, &(ssm.change)()).await;
        let command = body(&sent)["Command"]["CommandId"].clone();
        assert!(command.is_string(), "{}", body(&sent));
        pass(LONG).await;
        let list = json!({ "CommandId": command });
        let list = target("ssm", "AmazonSSM.ListCommandInvocations", list);
        let list = body(&answer(&lab, Service::Aws, &list).await);
        let found: Vec<&str> = list["CommandInvocations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["Status"].as_str().unwrap())
            .collect();
        assert_eq!(found, statuses, "{fate}");
    }
}
