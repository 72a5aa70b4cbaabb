use super::super::super::envelope::One;
use super::super::super::envelope::Page;
use super::*;

/// Prism reference §6.2, with the id a server adds.
const POLICY: &str = r#"{"extId":"p","name":"pp-app","description":"","categoryIds":["bbc3555a-133b-4348-9764-bfff196e84e4"],
 "replicationLocations":[
  {"label":"recovery","domainManagerExtId":"22222222-2222-4222-8222-222222222222","isPrimary":false},
  {"label":"primary","domainManagerExtId":"11111111-1111-4111-8111-111111111111","isPrimary":true,
   "replicationSubLocation":{"$objectType":"datapolicies.v4.config.NutanixCluster","clusterExtIds":["0006200e-fe43-236a-0000-00000000601e"]}}],
 "replicationConfigurations":[
  {"sourceLocationLabel":"primary","remoteLocationLabel":"recovery","schedule":{"recoveryPointType":"CRASH_CONSISTENT",
    "recoveryPointObjectiveTimeSeconds":3600,"startTime":"00h:00m",
    "retention":{"$objectType":"datapolicies.v4.config.LinearRetention","local":2,"remote":2}}},
  {"sourceLocationLabel":"recovery","remoteLocationLabel":"primary","schedule":{"recoveryPointType":"CRASH_CONSISTENT",
    "recoveryPointObjectiveTimeSeconds":3600,"startTime":"00h:00m",
    "retention":{"$objectType":"datapolicies.v4.config.LinearRetention","local":2,"remote":2}}}]}"#;

/// Prism reference §8.8, with the id a server adds.
const PLAN: &str = r#"{"extId":"r","name":"rp-app","description":"","primaryLocation":{"domainManagerExtId":"11111111-1111-4111-8111-111111111111"},"recoveryLocation":{"domainManagerExtId":"22222222-2222-4222-8222-222222222222"}}"#;

/// Prism reference §8.8.
const MAPPING: &str = r#"{"primaryNetwork":{"subnetExtId":"0ccc7c20-4028-4665-81ea-6021ca45c462","vpc":{"extId":"78de692d-750b-4206-8c08-ba26f39edc3d"},"ipConfig":{"ipv4":{"defaultGatewayIp":"10.0.1.1","prefixLength":24}}},
 "recoveryNetwork":{"subnetExtId":"0ccc7c20-4028-4665-81ea-6021ca45c463","vpc":{"extId":"78de692d-750b-4206-8c08-ba26f39edc3e"},"ipConfig":{"ipv4":{"defaultGatewayIp":"10.0.1.1","prefixLength":24}}},
 "primaryTestNetwork":{"subnetName":"app-subnet-test","vpc":{"extId":"78de692d-750b-4206-8c08-ba26f39edc40"}},
 "recoveryTestNetwork":{"subnetName":"app-subnet-test","vpc":{"extId":"78de692d-750b-4206-8c08-ba26f39edc41"}},
 "isIpMappingEnabled":true}"#;

/// Prism reference §8.8.
const STAGE: &str = r#"{"entityType":"VM","categoryExtIds":["bbc3555a-133b-4348-9764-bfff196e84e4"],"priority":1,"postActions":[{"config":{"$objectType":"datapolicies.v4.config.DelayAction","delaySecs":30}}]}"#;

/// Prism reference §8.10.
const JOB: &str = r#"{"data":{"$objectType":"dataprotection.v4.config.RecoveryPlanJob","$reserved":{"$fv":"v4.r2"},"extId":"9c0d3a52-6a0e-4b55-8a4e-0d5c0f1b2c3d","name":"rp-app-planned-1","recoveryPlanExtId":"b2fe0a67-3be2-407c-8e83-9b5d6af14cec","actionType":"PLANNED_FAILOVER",
 "failoverDirections":[{"sourceDomainManagerExtId":"11111111-1111-4111-8111-111111111111","targetDomainManagerExtId":"22222222-2222-4222-8222-222222222222"}],
 "startTime":"2026-11-20T10:00:05Z","endTime":"2026-11-20T10:04:41Z","status":"SUCCEEDED","percentageComplete":100,"validationStatus":{"status":"SUCCEEDED","percentageComplete":100},
 "executionPhases":[{"phaseType":"PRE_PROCESSING","status":"SUCCEEDED","percentageComplete":100},{"phaseType":"ENTITY_RECOVERY","status":"SUCCEEDED","percentageComplete":100,"stages":[{"stageExtId":"7f0f2a3b-6d0f-4f0b-9a51-0a1b2c3d4e5f","status":"SUCCEEDED","percentageComplete":100}]},{"phaseType":"POST_PROCESSING","status":"SUCCEEDED","percentageComplete":100}],
 "isInitiatedByWitness":false,"isLiveMigrateVMs":false},"metadata":{"flags":[{"name":"hasError","value":false}]}}"#;

/// Prism reference §8.10.
const STEPS: &str = r#"{"data":[{"$objectType":"dataprotection.v4.config.RecoveryPlanJobExecutionStep","$reserved":{"$fv":"v4.r2"},"extId":"1f3d5a77-0000-4000-8000-000000000001","phase":"ENTITY_RECOVERY","operationType":"ENTITY_MIGRATION","stepDescription":"Migrating VM app01","stageExtId":"7f0f2a3b-6d0f-4f0b-9a51-0a1b2c3d4e5f","status":"SUCCEEDED","percentageComplete":100,"startTime":"2026-11-20T10:01:05Z","endTime":"2026-11-20T10:03:00Z",
 "affectedEntities":[{"extId":"bdbbad7a-a401-4f9a-a789-2b8406905b56","name":"app01","entityType":"VM"}],
 "executionStepResults":[{"result":{"$objectType":"dataprotection.v4.config.EntityRecoveryResult","sourceEntityExtId":"bdbbad7a-a401-4f9a-a789-2b8406905b56","recoveredEntityExtId":"bdbbad7a-a401-4f9a-a789-2b8406905b57","name":"app01","entityType":"VM"}}]}],
 "metadata":{"flags":[{"name":"hasError","value":false}],"totalAvailableResults":1}}"#;

/// Prism reference §8.10.
const FINDINGS: &str = r#"{"data":[{"$objectType":"dataprotection.v4.config.RecoveryPlanValidationError","$reserved":{"$fv":"v4.r2"},"extId":"1f3d5a77-0000-4000-8000-000000000002","errorCode":"DRP-40001","errorGroup":"NETWORK","severity":"WARNING","message":"IP address cannot be preserved for one or more VMs",
 "affectedEntities":[{"extId":"bdbbad7a-a401-4f9a-a789-2b8406905b56","name":"app01","entityType":"VM"}],"rootCauseAnalysis":{"cause":"Target network has a different prefix","resolutions":["Map to a subnet with the same CIDR"],"impacts":["VM may recover with another address"]}}],
 "metadata":{"flags":[{"name":"hasError","value":false}],"totalAvailableResults":1}}"#;

fn manager(digit: char) -> DomainManagerId {
    let text = "11111111-1111-4111-8111-111111111111";
    DomainManagerId::new(if digit == '2' {
        text.replace('1', "2")
    } else {
        text.to_owned()
    })
}

#[test]
fn a_policy_lists_its_primary_first_and_both_directions() {
    let policy: ProtectionPolicy = serde_json::from_str::<WirePolicy>(POLICY).unwrap().into();
    assert_eq!(policy.locations, vec![manager('1'), manager('2')]);
    assert_eq!(policy.replications.len(), 2);
    let back = &policy.replications[1];
    assert_eq!((&back.source, &back.target), (&manager('2'), &manager('1')));
    assert_eq!((back.rpo_seconds, back.retention), (Some(3600), Some(2)));
}

#[test]
fn a_policy_with_rollup_retention_has_no_count() {
    let json = POLICY.replace(
        r#""remote":2"#,
        r#""remote":{"snapshotIntervalType":"DAILY","frequency":7}"#,
    );
    let policy: ProtectionPolicy = serde_json::from_str::<WirePolicy>(&json).unwrap().into();
    assert_eq!(policy.replications[0].retention, None);
    assert_eq!(policy.replications[0].local_retention, Some(2));
}

#[test]
fn a_policy_that_does_not_tell_its_schedule_has_an_unknown_one() {
    let json = r#"{"extId":"p","replicationLocations":[{"label":"a","domainManagerExtId":"1"},{"label":"b","domainManagerExtId":"2"}],
      "replicationConfigurations":[{"sourceLocationLabel":"a","remoteLocationLabel":"b"}]}"#;
    let policy: ProtectionPolicy = serde_json::from_str::<WirePolicy>(json).unwrap().into();
    let replication = &policy.replications[0];
    assert_eq!(
        (replication.rpo_seconds, replication.retention),
        (None, None)
    );
}

#[test]
fn a_mapping_that_does_not_say_whether_it_keeps_addresses_is_unknown() {
    let mapping: WireMapping =
        serde_json::from_str(r#"{"primaryNetwork":{"subnetExtId":"s"}}"#).unwrap();
    assert_eq!(mapping.is_ip_mapping_enabled, None);
}

#[test]
fn a_recovery_plan_is_read_with_its_parts() {
    let plan: WirePlan = serde_json::from_str(PLAN).unwrap();
    assert_eq!(plan.primary_location.domain_manager_ext_id, manager('1'));
    let mapping: WireMapping = serde_json::from_str(MAPPING).unwrap();
    assert_eq!(mapping.is_ip_mapping_enabled, Some(true));
    let test = mapping.recovery_test_network.unwrap();
    assert_eq!(test.subnet_ext_id, None);
    assert_eq!(test.subnet_name.as_deref(), Some("app-subnet-test"));
    let stage: WireStage = serde_json::from_str(STAGE).unwrap();
    assert_eq!(stage.category_ext_ids.len(), 1);
}

#[test]
fn a_job_says_what_it_does_and_how_far_it_is() {
    let wire = serde_json::from_str::<One<WireJob>>(JOB).unwrap().data;
    assert_eq!(wire.percent(), Some(100));
    let job: RecoveryJob = wire.into();
    assert_eq!(job.action, RecoveryAction::PlannedFailover);
    assert_eq!(job.status, JobStatus::Succeeded);
    assert_eq!(job.target, Some(manager('2')));
    assert_eq!(job.name.as_deref(), Some("rp-app-planned-1"));
    assert_eq!(job.started.as_deref(), Some("2026-11-20T10:00:05Z"));
    assert_eq!(job.ended.as_deref(), Some("2026-11-20T10:04:41Z"));
}

#[test]
fn a_job_with_words_of_a_later_version_keeps_them() {
    let json = JOB.replace("PLANNED_FAILOVER", "LIVE_FAILOVER").replace(
        r#""endTime":"2026-11-20T10:04:41Z","status":"SUCCEEDED""#,
        r#""status":"PAUSED""#,
    );
    let job: RecoveryJob = serde_json::from_str::<One<WireJob>>(&json)
        .unwrap()
        .data
        .into();
    assert_eq!(
        job.action,
        RecoveryAction::Unknown("LIVE_FAILOVER".to_owned())
    );
    assert_eq!(job.status, JobStatus::Unknown("PAUSED".to_owned()));
}

#[test]
fn the_steps_of_a_job_tell_what_a_vm_became() {
    let page: Page<WireStep> = serde_json::from_str(STEPS).unwrap();
    let recovered: Vec<_> = page
        .data
        .unwrap()
        .into_iter()
        .flat_map(WireStep::recovered)
        .collect();
    assert_eq!(
        recovered,
        [(
            "bdbbad7a-a401-4f9a-a789-2b8406905b56".into(),
            "bdbbad7a-a401-4f9a-a789-2b8406905b57".into()
        )]
    );
}

#[test]
fn a_lost_address_is_a_network_warning() {
    let page: Page<WireFinding> = serde_json::from_str(FINDINGS).unwrap();
    let finding: Finding = page.data.unwrap().into_iter().next().unwrap().into();
    assert_eq!(finding.severity, FindingSeverity::Warning);
    assert_eq!(finding.group, FindingGroup::Network);
    assert_eq!(finding.resolutions, ["Map to a subnet with the same CIDR"]);
    assert_eq!(finding.affected[0].name.as_deref(), Some("app01"));
}

#[test]
fn only_prism_centrals_count_as_paired() {
    let registration = |kind: &str| {
        let json = format!(
            r#"{{"extId":"r","remoteClusterExtId":"pc2","connectivityStatus":"PENDING","remoteClusterDetails":{{"clusterType":"{kind}"}}}}"#
        );
        serde_json::from_str::<WireRegistration>(&json)
            .unwrap()
            .paired()
    };
    assert_eq!(registration("AOS"), None);
    assert_eq!(
        registration("DOMAIN_MANAGER"),
        Some(("pc2".into(), Connectivity::Unknown("PENDING".to_owned())))
    );
}
