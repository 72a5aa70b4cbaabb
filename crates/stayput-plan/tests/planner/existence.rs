//! What exists is not therefore right: overlay subnets and protection are compared in every property that matters.

use stayput_estate::CategoryExtId;
use stayput_plan::EntryPath;
use stayput_plan::Goal;
use stayput_plan::Obstacle;
use stayput_world::ObjectKind;
use stayput_world::Unreadable;
use stayput_world::UnreadableExtent;
use stayput_world::prism::Category;
use stayput_world::prism::JobStatus;
use stayput_world::prism::NetworkMapping;
use stayput_world::prism::RecoveryAction;
use stayput_world::prism::RecoveryJob;

use crate::fixture::*;

const APP: &[&str] = &["app"];
const APP_CIDR: &str = "172.30.1.0/24";
/// Has none of the machines' addresses.
const POOL: &str = "172.30.1.200-172.30.1.220";

fn moved() -> Setup {
    Setup::small().after(&[move_in(APP)])
}

fn protected() -> Setup {
    moved().after(&[protect(APP)])
}

/// Every obstacle on the way to the goal, as shown.
fn told(setup: &Setup, goal: &Goal) -> Vec<String> {
    match setup.plan(goal) {
        Ok(_) => Vec::new(),
        Err(obstacles) => obstacles.iter().map(ToString::to_string).collect(),
    }
}

/// The only obstacle on the way to the goal, as shown.
fn only(setup: &Setup, goal: &Goal) -> String {
    let told = told(setup, goal);
    let [one] = told.as_slice() else {
        panic!("{goal}: {told:#?}");
    };
    one.clone()
}

// Overlay subnets

#[test]
fn an_overlay_subnet_made_by_a_person_is_taken_when_it_is_right() {
    let mut setup = Setup::small();
    setup.overlay("app", APP_CIDR, &[POOL]);
    let plan = setup.plan(&move_in(APP)).unwrap();
    assert!(
        plan.steps
            .iter()
            .all(|step| !step.id.0.starts_with("subnet/")),
        "{plan:#?}"
    );
}

#[test]
fn an_overlay_subnet_without_a_dhcp_pool_is_not_taken() {
    let mut setup = Setup::small();
    setup.overlay("app", APP_CIDR, &[]);
    assert_eq!(
        only(&setup, &move_in(APP)),
        "the DHCP pool of overlay subnet app at tokyo has 0 free addresses, 1 needed"
    );
}

#[test]
fn a_pool_of_one_address_does_not_do_for_eight_machines() {
    let mut setup = Setup::without_machines();
    for last in 10..18 {
        setup.machine(&format!("m{last}"), &[format!("172.30.1.{last}")], true);
    }
    setup.overlay("app", APP_CIDR, &["172.30.1.200-172.30.1.200"]);
    let obstacles = setup.plan(&move_in(APP)).unwrap_err();
    let [obstacle @ Obstacle::PoolExhausted { free, needed, .. }] = obstacles.as_slice() else {
        panic!("{obstacles:#?}");
    };
    assert_eq!((*free, *needed), (1, 8));
    assert_eq!(
        obstacle.remedy(),
        "set the DHCP pool of overlay subnet app to 172.30.1.18-172.30.1.254, which are free"
    );
}

#[test]
fn addresses_of_a_pool_that_are_reserved_or_in_use_are_not_free() {
    let with = |bend: &dyn Fn(&mut Setup)| {
        let mut setup = Setup::small();
        setup.machine("api", &["172.30.1.35"], true);
        setup.overlay("app", APP_CIDR, &["172.30.1.200-172.30.1.201"]);
        bend(&mut setup);
        told(&setup, &move_in(APP))
    };
    let too_few = "the DHCP pool of overlay subnet app at tokyo has 1 free address, 2 needed";
    assert_eq!(with(&|_| {}), [""; 0]);
    assert_eq!(
        with(&|setup| {
            let subnet = setup.overlay("app", APP_CIDR, &["172.30.1.200-172.30.1.201"]);
            subnet.reserved = [ip("172.30.1.201")].into();
        }),
        [too_few]
    );
    assert_eq!(
        with(&|setup| {
            let native = vm("native", "overlay-app", "172.30.1.200");
            setup.prism(TOKYO).vms.insert("vm-native".into(), native);
        })
        .first()
        .map(String::as_str),
        Some(too_few)
    );
}

#[test]
fn an_overlay_subnet_with_another_gateway_is_not_taken_at_either_site() {
    let mut setup = Setup::small();
    setup.overlay("app", APP_CIDR, &[POOL]).gateway = Some(ip("172.30.1.254"));
    assert_eq!(
        only(&setup, &move_in(APP)),
        "overlay subnet app at tokyo is not as planned: gateway is 172.30.1.254, expected 172.30.1.1"
    );
    for (id, what) in [("overlay-app", "overlay"), ("overlay-test-app", "test")] {
        for site in [TOKYO, OSAKA] {
            let mut setup = protected();
            let subnet = setup.prism(site).subnets.get_mut(&id.into());
            subnet.unwrap().gateway = None;
            assert_eq!(
                only(&setup, &protect(APP)),
                format!(
                    "{what} subnet app at {site} is not as planned: gateway is none, expected 172.30.1.1"
                )
            );
        }
    }
    let mut setup = protected();
    let subnet = setup.prism(OSAKA).subnets.get_mut(&"overlay-app".into());
    subnet.unwrap().gateway = Some(ip("172.30.1.254"));
    assert_eq!(told(&setup, &failover(APP, OSAKA)).len(), 1);
}

#[test]
fn a_pool_must_hold_no_address_that_is_captured_or_used_in_ec2() {
    let pool = &["172.30.1.30-172.30.1.60"];
    let mut setup = Setup::small();
    setup.overlay("app", APP_CIDR, pool);
    assert_eq!(
        only(&setup, &move_in(APP)),
        "overlay subnet app at tokyo is not as planned: DHCP pool is 172.30.1.30-172.30.1.60 with 172.30.1.34, expected ranges without the addresses in use"
    );
    // One that is held back is not handed out.
    setup.overlay("app", APP_CIDR, pool).reserved = [ip("172.30.1.34")].into();
    assert_eq!(told(&setup, &move_in(APP)), [""; 0]);
    // An interface of no machine.
    let spare = eni("vpc-legacy", "subnet-app", ip("172.30.1.50"));
    setup.tokyo().enis.insert("eni-spare".into(), spare);
    setup
        .tokyo()
        .enis
        .get_mut(&"eni-spare".into())
        .unwrap()
        .in_use = false;
    assert!(only(&setup, &move_in(APP)).contains("with 172.30.1.50"));
}

#[test]
fn a_pool_outside_of_the_network_is_not_taken() {
    let mut setup = Setup::small();
    setup.overlay("app", APP_CIDR, &[POOL, "172.30.2.10-172.30.2.20"]);
    assert_eq!(
        only(&setup, &move_in(APP)),
        "overlay subnet app at tokyo is not as planned: DHCP pool is 172.30.2.10-172.30.2.20, expected a range inside 172.30.1.0/24"
    );
}

#[test]
fn a_subnet_of_another_name_with_the_networks_addresses_is_named() {
    let mut setup = Setup::small();
    setup.overlay("mgmt", "172.30.1.0/25", &[]);
    assert_eq!(
        only(&setup, &move_in(APP)),
        "172.30.1.0/24 of network app overlaps 172.30.1.0/25 of subnet mgmt (overlay-mgmt) of Flow VPC prod at tokyo"
    );
    let mut setup = Setup::small();
    let uplink = setup.prism(TOKYO).subnets.get_mut(&"uplink".into());
    uplink.unwrap().cidr = Some(cidr(APP_CIDR));
    assert!(only(&setup, &move_in(APP)).contains("subnet nonat (uplink) of Flow VPC prod"));
    // In a VPC of its own it does not matter.
    let mut setup = Setup::small();
    setup.overlay("mgmt", APP_CIDR, &[]).vpc = Some("flow-other".into());
    assert_eq!(told(&setup, &move_in(APP)), [""; 0]);
}

#[test]
fn an_externally_routable_prefix_over_the_network_is_named() {
    for (vpc, name) in [("flow-prod", "prod"), ("flow-transit", "transit-vpc")] {
        let mut setup = Setup::small();
        let vpc = setup.prism(TOKYO).vpcs.get_mut(&vpc.into()).unwrap();
        vpc.erps.insert(cidr("172.30.0.0/16"));
        assert_eq!(
            only(&setup, &move_in(APP)),
            format!(
                "172.30.1.0/24 of network app overlaps 172.30.0.0/16 of an externally routable prefix of Flow VPC {name} at tokyo"
            )
        );
    }
}

#[test]
fn a_vm_that_has_a_machines_address_at_the_recovery_site_stops_the_failover() {
    let mut setup = protected();
    let native = vm("native", "overlay-app", "172.30.1.34");
    setup.prism(OSAKA).vms.insert("vm-native".into(), native);
    let told = told(&setup, &failover(APP, OSAKA));
    assert!(
        told.contains(
            &"172.30.1.34 of web (i-web) is taken at osaka by VM native (vm-native)".to_owned()
        ),
        "{told:#?}"
    );
}

#[test]
fn a_network_without_free_addresses_asks_for_some_and_not_for_smaller_waves() {
    let mut setup = Setup::without_machines();
    let tiny = cidr("172.30.1.0/28");
    setup.network("app").cidr = tiny;
    let subnet = setup.tokyo().subnets.get_mut(&"subnet-app".into());
    subnet.unwrap().cidr = tiny;
    for last in 4..15 {
        setup.machine(&format!("m{last}"), &[format!("172.30.1.{last}")], true);
    }
    let shown = setup.shown(&move_in(APP));
    assert!(
        shown.starts_with(
            "network app has 0 free addresses for a DHCP pool, 11 needed for the machines in flight\n  → 11 addresses are missing"
        ),
        "{shown}"
    );
    assert!(shown.contains("--leave-out"), "{shown}");
    assert!(!shown.contains("wave"), "{shown}");
}

// Protection

/// The category of the network as the fixture names it.
fn category() -> CategoryExtId {
    "category-stayput-app".into()
}

#[test]
fn a_policy_that_is_otherwise_is_no_protection() {
    type Bend = fn(&mut stayput_world::prism::ProtectionPolicy);
    let cases: [(Bend, &str); 7] = [
        (
            |policy| policy.replications[0].rpo_seconds = None,
            "RPO of replication tokyo → osaka is not told, expected 3600 s",
        ),
        (
            |policy| policy.categories.clear(),
            "category is none, expected stayput=app",
        ),
        (
            |policy| policy.locations = vec!["dm-t".into(), "dm-elsewhere".into()],
            "locations is dm-elsewhere, tokyo, expected tokyo and osaka",
        ),
        (
            |policy| policy.replications.truncate(1),
            "replication osaka → tokyo is absent, expected present",
        ),
        (
            |policy| policy.replications.remove(0).rpo_seconds = Some(0),
            "replication tokyo → osaka is absent, expected present",
        ),
        (
            |policy| policy.replications[0].rpo_seconds = Some(86400),
            "RPO of replication tokyo → osaka is 86400 s, expected 3600 s",
        ),
        (
            |policy| policy.replications[1].retention = Some(1),
            "retention of replication osaka → tokyo is 1, expected 2",
        ),
    ];
    for (bend, difference) in cases {
        let mut setup = protected();
        setup.prism(TOKYO).policies.values_mut().for_each(bend);
        let expected = format!(
            "protection policy stayput-acme-app at tokyo is not as planned: {difference}; not protected by it: web"
        );
        for goal in [
            protect(APP),
            failover(APP, OSAKA),
            test_failover(APP, OSAKA),
        ] {
            assert_eq!(only(&setup, &goal), expected, "{goal}");
        }
    }
}

#[test]
fn a_recovery_plan_that_is_otherwise_is_no_protection() {
    type Bend = fn(&mut stayput_world::prism::RecoveryPlan);
    let cases: [(Bend, &str); 9] = [
        (
            |plan| plan.in_several_stages = plan.categories.clone(),
            "category of its stage is in several stages, expected stayput=app",
        ),
        (
            |plan| plan.categories.extend(["category-other".into()]),
            "category of its stage is category-other, stayput=app, expected stayput=app",
        ),
        (
            |plan| plan.recovery = "dm-elsewhere".into(),
            "locations is tokyo, dm-elsewhere, expected tokyo and osaka",
        ),
        (
            |plan| plan.mappings[0].keeps_addresses = Some(false),
            "network mapping of app, IP mapping is disabled, expected enabled",
        ),
        (
            |plan| plan.mappings[0].recovery = Some("overlay-other".into()),
            "network mapping of app, recovery side is subnet overlay-other, expected subnet overlay-app",
        ),
        (
            |plan| plan.mappings[0].recovery = None,
            "network mapping of app, recovery side is no subnet, expected subnet overlay-app",
        ),
        (
            |plan| plan.mappings[0].recovery_test = None,
            "network mapping of app, test network at the recovery side is no subnet, expected subnet overlay-test-app",
        ),
        (
            |plan| plan.mappings[0].primary_test = Some("overlay-app".into()),
            "network mapping of app, test network at the primary side is subnet overlay-app, expected subnet overlay-test-app",
        ),
        (
            |plan| plan.mappings.extend(plan.mappings.clone()),
            "network mapping of app is 2 mappings, expected one mapping",
        ),
    ];
    for (bend, difference) in cases {
        let mut setup = protected();
        for site in [TOKYO, OSAKA] {
            setup.prism(site).recovery_plans.values_mut().for_each(bend);
        }
        let expected = format!(
            "recovery plan stayput-acme-app at tokyo is not as planned: {difference}; not protected by it: web"
        );
        for goal in [
            protect(APP),
            failover(APP, OSAKA),
            test_failover(APP, OSAKA),
        ] {
            assert_eq!(only(&setup, &goal), expected, "{goal}");
        }
    }
}

#[test]
fn what_a_recovery_plan_lacks_is_added_and_stops_a_failover_until_then() {
    type Bend = fn(&mut stayput_world::prism::RecoveryPlan);
    let cases: [(Bend, &str); 2] = [
        (
            |plan| plan.mappings.clear(),
            "network mapping of app is absent",
        ),
        (
            |plan| plan.categories.clear(),
            "category of its stage is none",
        ),
    ];
    for (bend, lack) in cases {
        let mut setup = protected();
        for site in [TOKYO, OSAKA] {
            setup.prism(site).recovery_plans.values_mut().for_each(bend);
        }
        let refused = only(&setup, &failover(APP, OSAKA));
        assert!(refused.contains(lack), "{refused}");
        let setup = setup.after(&[protect(APP)]);
        assert_eq!(setup.plan(&protect(APP)).unwrap().steps, []);
        assert!(setup.plan(&failover(APP, OSAKA)).is_ok());
    }
}

#[test]
fn a_mapping_of_other_networks_is_of_no_concern() {
    let mut setup = protected();
    let foreign = NetworkMapping {
        primary: Some("overlay-foreign".into()),
        recovery: Some("overlay-foreign".into()),
        primary_test: None,
        recovery_test: None,
        keeps_addresses: Some(false),
    };
    for plan in setup.prism(TOKYO).recovery_plans.values_mut() {
        plan.mappings.push(foreign.clone());
    }
    assert_eq!(told(&setup, &failover(APP, OSAKA)), [""; 0]);
}

#[test]
fn a_recovery_plan_completed_after_a_failover_keeps_its_direction() {
    let mut setup = protected().after(&[failover(APP, OSAKA)]);
    for site in [TOKYO, OSAKA] {
        let plans = setup.prism(site).recovery_plans.values_mut();
        plans.for_each(|plan| plan.mappings.clear());
    }
    let plan = setup.plan(&protect(APP)).unwrap();
    let ends = plan.steps.iter().find_map(|step| match &step.action {
        stayput_plan::Action::RecoveryPlan { site, recovery, .. } => {
            Some((site.as_str(), recovery.as_str()))
        }
        _ => None,
    });
    assert_eq!(ends, Some((TOKYO, OSAKA)));
}

#[test]
fn one_machine_that_is_not_protected_stops_planned_test_and_failback() {
    let mut setup = Setup::small();
    setup.machine("api", &["172.30.1.35"], true);
    let setup = setup.after(&[move_in(APP), protect(APP)]);
    let away = setup.clone().after(&[failover(APP, OSAKA), protect(APP)]);
    for (setup, goal, at, to) in [
        (setup.clone(), failover(APP, OSAKA), TOKYO, OSAKA),
        (setup, test_failover(APP, OSAKA), TOKYO, OSAKA),
        (away, failback(APP), OSAKA, TOKYO),
    ] {
        assert_eq!(told(&setup, &goal), [""; 0]);
        let mut bare = setup.clone();
        bare.vm("api", at).categories.clear();
        assert_eq!(
            only(&bare, &goal),
            format!(
                "api (i-api) is not protected: its VM at {at} does not carry category stayput=app"
            )
        );
        let mut pointless = setup;
        let vm = pointless.facts.vms[&"i-api".into()][&at.into()].clone();
        pointless.prism(to).recovery_points.remove(&vm);
        assert_eq!(
            only(&pointless, &goal),
            format!("api (i-api) is not protected: {to} has no recovery point of it")
        );
    }
}

#[test]
fn a_recovery_point_much_older_than_the_others_is_told_of() {
    let mut setup = Setup::small();
    setup.machine("api", &["172.30.1.35"], true);
    let mut setup = setup.after(&[move_in(APP), protect(APP)]);
    let vm = setup.facts.vms[&"i-api".into()][&TOKYO.into()].clone();
    for (time, is_told) in [
        ("2025-12-31T22:30:00Z", false),
        ("2026-01-01T00:00:00+01:30", false),
        ("2025-12-31T20:00:00.5Z", true),
    ] {
        let points = &mut setup.prism(OSAKA).recovery_points;
        points.insert(vm.clone(), time.to_owned());
        let plan = setup.plan(&failover(APP, OSAKA)).unwrap();
        let told: Vec<_> = plan.warnings.iter().map(ToString::to_string).collect();
        let of_api = told
            .iter()
            .find(|warning| warning.contains("recovery point of api"));
        assert_eq!(of_api.is_some(), is_told, "{time}: {told:?}");
        if let Some(warning) = of_api {
            assert_eq!(
                warning,
                "the newest recovery point of api at osaka is of 2025-12-31T20:00:00.5Z, 240 min older than that of other machines (RPO 60 min)"
            );
        }
    }
}

#[test]
fn an_unplanned_failover_only_warns_of_a_machine_without_a_recovery_point() {
    let mut setup = Setup::small();
    setup.machine("api", &["172.30.1.35"], true);
    let mut setup = setup.after(&[move_in(APP), protect(APP)]);
    let vm = setup.facts.vms[&"i-api".into()][&TOKYO.into()].clone();
    setup.prism(OSAKA).recovery_points.remove(&vm);
    let goal = unplanned_without_tokyo(APP, EntryPath::Keep);
    let plan = setup.plan(&goal).unwrap();
    assert!(
        plan.warnings.iter().any(|warning| warning
            .text
            .starts_with("api (i-api) of network app has no recovery point at osaka")),
        "{:?}",
        plan.warnings
    );
}

#[test]
fn a_foreign_vm_with_the_networks_category_is_named() {
    let mut setup = protected();
    let mut native = vm("native", "elsewhere", "10.0.0.9");
    native.categories = [category()].into();
    setup.prism(TOKYO).vms.insert("vm-native".into(), native);
    for goal in [
        protect(APP),
        failover(APP, OSAKA),
        test_failover(APP, OSAKA),
    ] {
        assert_eq!(
            only(&setup, &goal),
            "VM native (vm-native) at tokyo carries category stayput=app but is no machine of network app"
        );
    }
}

#[test]
fn a_test_network_that_packets_can_leave_stops_the_test() {
    let mut setup = protected();
    let test = setup.prism(OSAKA).vpcs.get_mut(&"flow-test".into());
    test.unwrap().external_subnets.insert("uplink".into());
    assert_eq!(
        only(&setup, &test_failover(APP, OSAKA)),
        "Flow VPC test at osaka is not as planned: isolation is 1 external subnet and 0 externally routable prefixes, expected no external subnet and no externally routable prefix"
    );
}

#[test]
fn other_dns_servers_than_configured_are_named() {
    let mut setup = Setup::small();
    setup.overlay("app", APP_CIDR, &[POOL]).dns = Some(vec![ip("10.0.0.54")]);
    assert_eq!(
        only(&setup, &move_in(APP)),
        "overlay subnet app at tokyo is not as planned: DNS servers is 10.0.0.54, expected 10.0.0.53"
    );
    // Where it is not said, or nothing is configured, nothing is compared.
    setup.overlay("app", APP_CIDR, &[POOL]).dns = None;
    assert_eq!(told(&setup, &move_in(APP)), [""; 0]);
}

#[test]
fn an_address_that_a_foreign_guest_uses_is_taken() {
    let mut setup = Setup::small();
    setup.overlay("app", APP_CIDR, &[POOL]);
    let mut native = vm("native", "overlay-app", "172.30.1.9");
    native.nics[0].address = None;
    native.nics[0].learned = vec![ip("172.30.1.34")];
    setup.prism(TOKYO).vms.insert("vm-native".into(), native);
    assert_eq!(
        only(&setup, &move_in(APP)),
        "172.30.1.34 of web (i-web) is taken at tokyo by VM native (vm-native)"
    );
}

fn odd(kind: ObjectKind, name: Option<&str>, id: &str, extent: UnreadableExtent) -> Unreadable {
    Unreadable {
        kind,
        ext_id: Some(id.to_owned()),
        name: name.map(str::to_owned),
        path: "odd".to_owned(),
        reason: "it is a number".to_owned(),
        extent,
    }
}

#[test]
fn what_is_listed_and_cannot_be_read_is_neither_absent_nor_right() {
    let whole = |kind, name| odd(kind, Some(name), "id", UnreadableExtent::Whole);
    let mut setup = Setup::small();
    let prism = setup.prism(TOKYO);
    prism.unreadable = vec![whole(ObjectKind::Subnet, "app")];
    assert_eq!(
        only(&setup, &move_in(APP)),
        "tokyo: an object that this goal needs cannot be read: subnet `app` (id) cannot be read at `odd`: it is a number"
    );
    // Of another name it is of no concern.
    let prism = setup.prism(TOKYO);
    prism.unreadable = vec![whole(ObjectKind::Subnet, "mgmt")];
    assert_eq!(told(&setup, &move_in(APP)), [""; 0]);

    for kind in [ObjectKind::ProtectionPolicy, ObjectKind::RecoveryPlan] {
        let mut setup = moved();
        setup.prism(TOKYO).unreadable = vec![whole(kind, "stayput-acme-app")];
        let told = only(&setup, &protect(APP));
        assert!(told.contains("`stayput-acme-app`"), "{told}");
    }
    let mut setup = protected();
    let id = setup.facts.vms[&"i-web".into()][&TOKYO.into()].to_string();
    let property = odd(ObjectKind::Vm, None, &id, UnreadableExtent::Property);
    setup.prism(TOKYO).unreadable = vec![property];
    assert!(only(&setup, &failover(APP, OSAKA)).contains(&id));
}

/// A test of the network's recovery plan, with a copy in its test network.
fn tested(setup: &mut Setup, name: Option<&str>, status: JobStatus) {
    let copy = vm("web", "overlay-test-app", "172.30.1.34");
    let prism = setup.prism(OSAKA);
    prism.vms.insert("vm-copy".into(), copy);
    let has_ended = status != JobStatus::Running;
    let job = RecoveryJob {
        plan: "plan-stayput-acme-app".into(),
        action: RecoveryAction::TestFailover,
        status,
        source: None,
        target: None,
        started: Some("2026-01-01T00:00:00Z".into()),
        ended: None,
        name: name.map(str::to_owned),
        recovered: has_ended
            .then(|| ("vm-tokyo-i-web".into(), "vm-copy".into()))
            .into_iter()
            .collect(),
    };
    prism.jobs.insert("job-test".into(), job);
}

#[test]
fn a_test_of_another_client_is_left_alone() {
    let goal = test_failover(APP, OSAKA);
    for (name, status, found) in [
        (
            Some("colleague's test"),
            JobStatus::Succeeded,
            "job colleague's test has left 1 VM: web (vm-copy)",
        ),
        (
            None,
            JobStatus::Succeeded,
            "job without a name has left 1 VM: web (vm-copy)",
        ),
        (Some("t"), JobStatus::Running, "job t runs"),
    ] {
        let mut setup = protected();
        tested(&mut setup, name, status);
        let told = told(&setup, &goal);
        assert!(
            told.contains(&format!(
                "recovery plan stayput-acme-app at osaka is in use by a test that is not known to be stayput's: {found}"
            )),
            "{told:#?}"
        );
    }
    // Copies whose job did not say what it made.
    let mut setup = protected();
    tested(&mut setup, None, JobStatus::Succeeded);
    setup.prism(OSAKA).jobs.clear();
    assert_eq!(
        only(&setup, &goal),
        "test subnet app at osaka is in use by a test that is not known to be stayput's: it has 1 VM: web (vm-copy)"
    );
    // Its own test, killed before the copies were removed, goes on.
    for status in [JobStatus::Running, JobStatus::Succeeded, JobStatus::Failed] {
        let mut setup = protected();
        tested(
            &mut setup,
            Some("stayput-test-failover-0123"),
            status.clone(),
        );
        assert_eq!(told(&setup, &goal), [""; 0]);
        // What it has left is named, because the test may remove it.
        let warned = warnings(&setup.plan(&goal).unwrap()).join("\n");
        let is_named = warned.contains("has left 1 VM: web (vm-copy) at osaka");
        assert_eq!(is_named, status != JobStatus::Running, "{warned}");
    }
    // The copy of a machine with NICs in two networks is made by the test of the other network's recovery plan.
    let mut setup = protected();
    tested(
        &mut setup,
        Some("stayput-test-failover-0123"),
        JobStatus::Succeeded,
    );
    let job = setup.prism(OSAKA).jobs.get_mut(&"job-test".into()).unwrap();
    job.plan = "plan-of-the-other-network".into();
    assert_eq!(told(&setup, &goal), [""; 0]);
    // What such a test left unnamed long ago excuses nothing after a later one that ended well.
    let job = setup.prism(OSAKA).jobs.get_mut(&"job-test".into()).unwrap();
    (job.status, job.recovered) = (JobStatus::Failed, [].into());
    let failed = job.clone();
    assert_eq!(told(&setup, &goal), [""; 0]);
    let later = RecoveryJob {
        status: JobStatus::Succeeded,
        started: Some("2026-01-02T00:00:00Z".into()),
        ..failed
    };
    setup.prism(OSAKA).jobs.insert("job-later".into(), later);
    assert_eq!(
        only(&setup, &goal),
        "test subnet app at osaka is in use by a test that is not known to be stayput's: it has 1 VM: web (vm-copy)"
    );
    // One that was cleaned up is history.
    let mut setup = protected();
    tested(&mut setup, None, JobStatus::Succeeded);
    setup.prism(OSAKA).vms.remove(&"vm-copy".into());
    assert_eq!(told(&setup, &goal), [""; 0]);
}

#[test]
fn a_category_of_another_policy_does_not_make_ours_wrong() {
    let mut setup = protected();
    let other = Category {
        key: "stayput".into(),
        value: "other".into(),
    };
    setup
        .prism(TOKYO)
        .categories
        .insert("category-2".into(), other);
    setup
        .vm("web", TOKYO)
        .categories
        .insert("category-2".into());
    assert_eq!(told(&setup, &failover(APP, OSAKA)), [""; 0]);
}

#[test]
fn a_remedy_names_every_network_that_machines_link() {
    let both: &[&str] = &["app", "db"];
    let setup = Setup::new().after(&[move_in(both), protect(both)]);
    let mut bare = setup;
    bare.vm("web", TOKYO).categories.clear();
    let refused = bare.plan(&failover(both, OSAKA)).unwrap_err();
    let remedies: Vec<_> = refused.iter().map(|obstacle| obstacle.remedy()).collect();
    assert_eq!(
        remedies,
        ["run `stayput apply protect app db`, which waits until every machine is protected"]
    );
}
