use serde_json::json;

use super::*;

/// An answer with its keys folded, as `decode` does it.
fn read<T: serde::de::DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(fold_keys(json)).unwrap()
}

const UUID: &str = "bdbbad7a-a401-4f9a-a789-2b8406905b56";

fn plan(meta: Value) -> (MovePlan, bool) {
    read::<WirePlan>(json!({"MetaData": meta})).into_plan()
}

fn vm(wire: Value) -> MoveVm {
    read::<WireVm>(wire).into()
}

#[test]
fn a_target_provider_is_read_with_its_inventory() {
    let wire: WireProvider = read(json!({
        "MetaData": {"UUID": "p1", "NumDiscoveredWorkloads": 42},
        "Spec": {"UUID": "p1", "Name": "nc2", "Type": "AOS", "Version": "7.0",
            "AOSAccessInfo": {"IPorFQDN": "pc", "Port": 9440, "RegisteredVCAccessInfo": null},
            "AOSProperties": {"Clusters": [{"UUID": "0006200E-fe43-236a-0000-00000000601e", "Name": "tokyo",
                "Containers": [{"UUID": "c1", "Name": "default"}],
                "Networks": [{"UUID": "0CCC7C20-4028-4665-81EA-6021CA45C462", "Name": "app-subnet"}]}]}},
        "Status": {"State": "OK"}
    }));
    assert_eq!(wire.id(), Some("p1".into()));
    let provider: MoveProvider = wire.into();
    assert_eq!(provider.kind, MoveProviderKind::Aos);
    let cluster = &provider.clusters[&"0006200e-fe43-236a-0000-00000000601e".into()];
    assert_eq!(cluster.containers["default"], "c1");
    assert_eq!(
        cluster.networks[&"0ccc7c20-4028-4665-81ea-6021ca45c462".into()],
        "app-subnet"
    );
}

#[test]
fn a_source_provider_has_no_clusters_and_null_lists_are_empty() {
    let provider: MoveProvider = read::<WireProvider>(json!({
        "MetaData": null, "Spec": {"UUID": "p2", "Name": "aws", "Type": "AWS", "AOSProperties": null}
    }))
    .into();
    assert_eq!(provider.kind, MoveProviderKind::Aws);
    assert!(provider.clusters.is_empty());
}

#[test]
fn the_number_of_a_plan_state_wins_over_its_words() {
    let state = |meta| plan(meta).0.state;
    assert_eq!(
        state(json!({"State": 4, "StateString": "Completed"})),
        MovePlanState::InProgress
    );
    assert_eq!(
        state(json!({"StateString": "MigrationPlanStateCompleted"})),
        MovePlanState::Completed
    );
    assert_eq!(
        state(json!({"StateString": "MigrationPlanStateInProgress"})),
        MovePlanState::InProgress
    );
    assert_eq!(
        state(json!({"State": 42, "StatusString": "StatusFailed"})),
        MovePlanState::Failed
    );
    assert_eq!(
        state(json!({"State": 42, "StateString": "Hovering"})),
        MovePlanState::Unknown("Hovering".to_owned())
    );
    assert_eq!(
        state(json!({"State": 42})),
        MovePlanState::Unknown("42".to_owned())
    );
}

#[test]
fn a_plan_says_whether_it_told_about_its_vms() {
    let (_, told) = plan(json!({"UUID": "p", "Name": "wave1", "State": 0, "VMStatus": null}));
    assert!(!told);
    let (plan, told) = plan(
        json!({"UUID": "p", "Name": "wave1", "State": 4, "VMStatus": [{"UUID": "w1", "StateString": "SeedingData"}]}),
    );
    assert!(told);
    assert_eq!(plan.vms.len(), 1);
}

#[test]
fn seeding_progress_is_absent_before_it_starts() {
    assert_eq!(vm(json!({"UUID": "w"})).progress, None);
    assert_eq!(
        vm(json!({"UUID": "w", "Progress": 99.9})).progress,
        Some(99)
    );
    assert_eq!(
        vm(json!({"UUID": "w", "ProgressPercentage": 100})).progress,
        Some(100)
    );
}

#[test]
fn the_vm_of_a_machine_is_only_known_once_it_is_over() {
    let link = format!("https://pc:9440/console/vm/{UUID}/proxy");
    let at = |state: &str| vm(json!({"UUID": "w", "StateString": state, "VmConsoleLink": link}));
    assert_eq!(at("TestVMReady").vm, None);
    assert_eq!(at("Completed").vm, Some(UUID.into()));
    assert!(at("Completed").completed);
    assert!(!at("SeedingCompleted").completed);
}

#[test]
fn a_machine_with_an_error_is_not_completed_whatever_its_state() {
    let failed = vm(json!({"UUID": "w", "StateString": "Completed", "ErrorMessage": "no NIC"}));
    assert!(!failed.completed);
    assert_eq!(failed.error.as_deref(), Some("no NIC"));
    let well = vm(json!({"UUID": "w", "StateString": "Completed", "ErrorMessage": ""}));
    assert!(well.completed);
}

#[test]
fn actions_are_compared_in_upper_case() {
    let vm = vm(json!({"UUID": "w", "Actions": ["cutover", "TEST"]}));
    assert_eq!(vm.actions, ["CUTOVER", "TEST"]);
}

#[test]
fn preparation_is_decided_when_nothing_is_in_progress() {
    let decided = |result: Value| {
        read::<Prepared>(json!({"Status": {"Result": result}}))
            .decided()
            .is_some()
    };
    assert!(!decided(
        json!({"Passed": null, "Failed": null, "InstallationInProgress": [{"UUID": "w"}]})
    ));
    assert!(!decided(json!({"Passed": null, "Failed": null})));
    assert!(!decided(json!(null)));
    assert!(!decided(
        json!({"Passed": [{"UUID": "v"}], "InstallationInProgress": [{"UUID": "w"}]})
    ));
    assert!(decided(
        json!({"Passed": [{"Status": "ok"}], "Failed": null, "InstallationInProgress": null})
    ));
    assert!(decided(
        json!({"Passed": null, "Failed": [{"Status": "x", "Message": "y"}]})
    ));
}

#[test]
fn readiness_collects_the_problems_of_the_plan_and_of_its_machines() {
    let problems = |json: Value| read::<Readiness>(json).problems().map(|list| list.len());
    let both = json!({"Status": {
        "Passed": [{"CheckType": "a", "Message": ""}],
        "Failed": [{"CheckType": "Network", "Message": "none"}],
        "VMChecksResult": {"Passed": null, "Failed": [{"UUID": "w", "CheckType": "Disk", "Message": "too big"}]},
    }});
    assert_eq!(problems(both), Some(2));
    let well = json!({"Status": {"Failed": null, "VMChecksResult": {"Failed": null}}});
    assert_eq!(problems(well), Some(0));
}

#[test]
fn an_answer_without_any_checks_does_not_say_that_a_plan_is_ready() {
    let problems = |json: Value| read::<Readiness>(json).problems().is_some();
    assert!(!problems(json!({"Status": {}})));
    assert!(!problems(json!({"Status": {"VMChecksResult": null}})));
    assert!(serde_json::from_value::<Readiness>(json!({})).is_err());
}

#[test]
fn a_plan_that_has_vms_and_lists_none_did_not_tell() {
    let (_, told) = plan(json!({"UUID": "p", "NumVMs": 2, "VMStatus": []}));
    assert!(!told);
    let (_, told) = plan(json!({"UUID": "p", "NumVMs": 0, "VMStatus": []}));
    assert!(told);
}

#[test]
fn the_vms_of_a_plan_must_be_told_and_null_is_none() {
    let status = |json: Value| serde_json::from_value::<WorkloadStatus>(fold_keys(json));
    assert!(
        status(json!({"Status": {"VMStatus": null}}))
            .unwrap()
            .vms()
            .is_empty()
    );
    assert!(status(json!({"Status": {"Actions": null}})).is_err());
    assert!(status(json!({})).is_err());
}

#[test]
fn keys_and_percentages_are_read_in_every_form() {
    let vm = vm(json!({"uuid": "w", "STATESTRING": "SeedingData", "progress": "45.5 %"}));
    assert_eq!(vm.state, "SeedingData");
    assert_eq!(vm.progress, Some(45));
}
