use std::collections::BTreeSet;

use stayput_world::NicFacts;

use super::*;
use crate::EstateLock;

fn machine(address: &str) -> MachineFacts {
    MachineFacts {
        name: Some("web-01".to_owned()),
        platform: "Linux/UNIX".to_owned(),
        instance_type: "m5.large".to_owned(),
        was_running: true,
        nics: vec![NicFacts {
            device_index: 0,
            eni: "eni-1".into(),
            mac: "06:00:00:00:00:01".parse().unwrap(),
            subnet: "subnet-1".into(),
            network: "app".into(),
            primary: address.parse().unwrap(),
            secondary: vec!["172.30.1.110".parse().unwrap()],
        }],
        tags: [("Wave".to_owned(), "1".to_owned())].into(),
    }
}

fn goal(network: &str) -> Goal {
    Goal::Move {
        networks: BTreeSet::from([network.into()]),
        canaries: BTreeSet::new(),
        leave_out: BTreeSet::new(),
    }
}

fn ledger() -> (tempfile::TempDir, SqliteLedger) {
    let dir = tempfile::tempdir().unwrap();
    let ledger = SqliteLedger::open(&dir.path().join("stayput.db")).unwrap();
    (dir, ledger)
}

#[test]
fn facts_survive_the_process_that_wrote_them() {
    let (dir, ledger) = ledger();
    let machines = [(InstanceId::from("i-1"), machine("172.30.1.10"))].into();
    ledger
        .put_machines(&machines, "2026-11-23T00:00:00Z")
        .unwrap();
    ledger
        .put_vm(
            &"i-1".into(),
            &"tokyo".into(),
            &"vm-a".into(),
            "2026-11-23T00:00:01Z",
        )
        .unwrap();
    drop(ledger);
    let facts = SqliteLedger::open(&dir.path().join("stayput.db"))
        .unwrap()
        .facts()
        .unwrap();
    assert_eq!(facts.machines, machines);
    assert_eq!(
        facts.vms[&InstanceId::from("i-1")][&SiteName::from("tokyo")],
        VmExtId::from("vm-a")
    );
}

#[test]
fn where_a_machine_became_a_vm_last_is_known() {
    let (_dir, ledger) = ledger();
    let newest = || ledger.facts().unwrap().newest[&InstanceId::from("i-1")].clone();
    for (site, vm, at) in [
        ("tokyo", "vm-a", "2026-11-23T00:00:01Z"),
        ("osaka", "vm-b", "2026-11-23T00:00:01.25Z"),
        // As text `…01Z` is later than `…01.25Z`.
        ("tokyo", "vm-c", "2026-11-23T00:00:01.5Z"),
        ("osaka", "vm-d", "2026-11-23T00:00:02Z"),
    ] {
        let (machine, site) = ("i-1".into(), site.into());
        ledger.put_vm(&machine, &site, &vm.into(), at).unwrap();
        assert_eq!(newest(), site);
    }
}

#[test]
fn capturing_again_replaces_what_is_known() {
    let (_dir, ledger) = ledger();
    for address in ["172.30.1.10", "172.30.1.11"] {
        ledger
            .put_machines(&[(InstanceId::from("i-1"), machine(address))].into(), "t")
            .unwrap();
    }
    assert_eq!(
        ledger.facts().unwrap().machines[&InstanceId::from("i-1")],
        machine("172.30.1.11")
    );
}

#[test]
fn an_unfinished_run_is_gone_on_with_and_a_finished_one_is_not() {
    let (_dir, ledger) = ledger();
    let first = ledger.open_run(&goal("app"), "run-1", "kim", "t1").unwrap();
    assert_eq!(
        ledger.open_run(&goal("app"), "run-2", "kim", "t2").unwrap(),
        first
    );
    assert_eq!(
        ledger
            .open_run(&goal("db"), "run-3", "kim", "t3")
            .unwrap()
            .id,
        "run-3"
    );
    ledger.close_run("run-1", "t4").unwrap();
    assert_eq!(
        ledger
            .open_run(&goal("app"), "run-5", "kim", "t5")
            .unwrap()
            .id,
        "run-5"
    );
}

#[test]
fn the_journal_tells_what_was_intended_seen_and_done() {
    let (_dir, ledger) = ledger();
    ledger.open_run(&goal("app"), "run-1", "kim", "t1").unwrap();
    let step = StepId("restore/tokyo/i-1".to_owned());
    let sequence = ledger
        .intend("run-1", &step, &serde_json::json!({"do": "restore"}), "t2")
        .unwrap();
    ledger
        .observe(sequence, &serde_json::json!({"before": 1}))
        .unwrap();
    ledger
        .conclude(
            sequence,
            &Outcome::Failed {
                error: "address in use".to_owned(),
            },
        )
        .unwrap();
    assert_eq!(ledger.failures("run-1", &step).unwrap(), 1);
    ledger
        .intend("run-1", &step, &serde_json::json!({"do": "restore"}), "t3")
        .unwrap();
    let journal = ledger.journal("run-1").unwrap();
    assert_eq!(journal.len(), 2);
    assert_eq!(journal[0].observed, [serde_json::json!({"before": 1})]);
    assert_eq!(journal[1].outcome, None);
}

#[test]
fn a_second_worker_is_told_who_holds_the_estate() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stayput.db");
    let held = EstateLock::take(&path, "kim").unwrap();
    assert!(
        matches!(EstateLock::take(&path, "lee"), Err(LedgerError::Held { holder }) if holder.starts_with("kim"))
    );
    drop(held);
    EstateLock::take(&path, "lee").unwrap();
}

#[test]
fn a_ledger_of_a_newer_build_is_left_alone() {
    let (dir, ledger) = ledger();
    ledger
        .connection()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    drop(ledger);
    let error = SqliteLedger::open(&dir.path().join("stayput.db")).unwrap_err();
    assert!(matches!(error, LedgerError::TooNew { found: 99, .. }));
}
