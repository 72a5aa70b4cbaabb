//! The lab's data plane in the kernel: changes through the lab's API apply to real packets.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::lab::FAST;
use crate::lab::Lab;
use crate::lab::stayput;

const MACHINE: &str = "172.30.1.34";
const UNUSED_ADDRESS: &str = "172.30.1.250";

/// Whether network namespaces are available; if not, reports that the test is skipped.
fn namespaces() -> bool {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("lab");
    let tried = stayput()
        .args([
            "lab",
            "up",
            "--dataplane",
            "kernel",
            "--machines",
            "1",
            "--dir",
        ])
        .arg(&dir)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&tried.stderr).into_owned();
    if said.contains("this process cannot create network namespaces") {
        assert_eq!(tried.status.code(), Some(1));
        assert!(said.contains("--dataplane none"), "{said}");
        eprintln!("skipped: {said}");
        return false;
    }
    assert!(tried.status.success(), "{said}");
    let down = stayput().args(["lab", "down", "--dir"]).arg(&dir).output();
    assert!(down.unwrap().status.success());
    true
}

fn probe(lab: &Lab) {
    let wanted = json!({ "targets": [MACHINE, UNUSED_ADDRESS], "interval_ms": 5 });
    lab.tell("/kernel/probe", &wanted);
}

/// The number of attempts before giving up, and the pause between two.
const ATTEMPTS: usize = 1200;
const PAUSE: Duration = Duration::from_millis(50);

/// Polls until there is a value.
fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..ATTEMPTS {
        if let Some(seen) = look() {
            return seen;
        }
        std::thread::sleep(PAUSE);
    }
    panic!("timed out");
}

/// The prober's report once some packets were answered.
fn answered(lab: &Lab) -> Value {
    until(|| {
        let report = lab.ask("/kernel/probe");
        (report["answered"].as_u64() > Some(20)).then_some(report)
    })
}

fn answerers(report: &Value) -> Vec<&str> {
    let by = report["targets"][MACHINE]["answered_by"]
        .as_object()
        .unwrap();
    by.keys().map(String::as_str).collect()
}

#[test]
fn real_packets_follow_a_machine_and_the_lab_leaves_nothing() {
    if !namespaces() {
        return;
    }
    let mut lab = Lab::up(&["--dataplane", "kernel", "--speed", FAST]);
    let status = lab.status();
    let machines = status["machines"].as_array().unwrap();
    let machine = machines
        .iter()
        .find(|machine| machine["addresses"] == json!([MACHINE]));
    let instance = machine.unwrap()["instance_id"].as_str().unwrap();

    probe(&lab);
    let before = answered(&lab);
    assert_eq!(answerers(&before), [instance]);
    assert_eq!(before["targets"][MACHINE]["losses"], json!([]));
    assert_eq!(before["targets"][UNUSED_ADDRESS]["answered_by"], json!({}));

    lab.apply(&["move"]);
    probe(&lab);
    let after = answered(&lab);
    assert_ne!(answerers(&after), [instance]);
    assert_eq!(answerers(&after).len(), 1);

    let kernel = lab.ask("/kernel");
    assert_eq!(kernel["failures"], json!([]));
    assert!(kernel["delay_us"]["count"].as_u64() > Some(0), "{kernel}");
    let changes = lab.ask("/kernel/changes");
    let changes = changes["changes"].as_array().unwrap();
    assert!(
        changes
            .iter()
            .all(|change| change["routes"].as_u64() > Some(0))
    );

    let stopped = lab.tell("/kernel/probe/stop", &json!({}));
    assert!(stopped["sent"].as_u64() > Some(0));
    let pid = lab.endpoints().pid;
    lab.down();
    // Only the process holds the namespaces; after its end it may remain until its parent reads its exit status.
    until(|| {
        let state = std::fs::read_to_string(format!("/proc/{pid}/status"));
        let ended = state.map_or(true, |state| state.contains("State:\tZ"));
        ended.then_some(())
    });
}

#[test]
fn a_prober_refuses_invalid_requests_and_labs_without_a_kernel() {
    let lab = Lab::fast();
    let refused = lab.refused("/kernel", None);
    assert_eq!(
        refused,
        (404, "this lab's data plane is not the kernel".to_owned())
    );
    if !namespaces() {
        return;
    }
    let lab = Lab::up(&["--dataplane", "kernel", "--machines", "1"]);
    for (body, says) in [
        (json!({}), "the body must be"),
        (
            json!({ "targets": [], "interval_ms": 10 }),
            "must not be empty",
        ),
        (
            json!({ "targets": [MACHINE], "interval_ms": 0 }),
            "interval_ms",
        ),
        (
            json!({ "targets": ["x"], "interval_ms": 10 }),
            "the body must be",
        ),
    ] {
        let (status, said) = lab.refused("/kernel/probe", Some(&body));
        assert_eq!(status, 400, "{body}");
        assert!(said.contains(says), "{body}: {said}");
    }
    let (status, _) = lab.refused("/kernel/probe", None);
    assert_eq!(status, 404, "there is no prober yet");
}
