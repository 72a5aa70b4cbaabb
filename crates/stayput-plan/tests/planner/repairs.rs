//! Worlds that once made a wrong plan, or none.

use std::collections::BTreeSet;

use stayput_plan::Action;
use stayput_plan::Goal;
use stayput_plan::Plan;
use stayput_plan::RecoveryRun;
use stayput_plan::StepId;

use crate::fixture::*;

fn ids(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.id.0.as_str()).collect()
}

#[test]
fn osaka_needs_no_route_beforehand_for_what_comes_over_the_peering() {
    let mut setup = Setup::small();
    for table in ["o-edges", "o-vpcs"] {
        setup.table(table).static_routes.remove(&cidr(LEGACY));
    }
    let setup = setup.after(&[move_in(&["app"]), protect(&["app"])]);
    let goal = failover(&["app"], OSAKA);
    let plan = setup.plan(&goal).unwrap();
    let routes: Vec<_> = ids(&plan)
        .into_iter()
        .filter(|id| id.starts_with("route/"))
        .collect();
    assert_eq!(
        routes,
        [
            "route/ap-northeast-3/tgw-rtb-o-vpcs/172.30.1.0/24/tgw-attach-nc2o",
            "route/ap-northeast-1/tgw-rtb-t-edges/172.30.1.0/24/tgw-attach-peer",
            "route/ap-northeast-1/tgw-rtb-t-vpcs/172.30.1.0/24/tgw-attach-peer",
        ]
    );
    let setup = setup.after(&[goal, protect(&["app"]), failback(&["app"])]);
    assert_eq!(setup.plan(&failback(&["app"])).unwrap().steps, []);
}

/// One network with its home in Tokyo, one with its home in Osaka, each protected by the other.
fn crossed() -> Setup {
    let mut setup = Setup::without_machines();
    setup.machine("web", &["172.30.1.34"], true);
    setup.machine("postgres", &["172.30.3.10"], true);
    let appliance = setup.mv().clone();
    setup.world.moves.insert(OSAKA.into(), appliance);
    let both: &[&str] = &["app", "db"];
    let mut setup = setup.after(&[
        move_in(both),
        protect(both),
        failover(&["db"], OSAKA),
        protect(both),
    ]);
    let db = setup.network("db");
    db.primary = OSAKA.into();
    db.recovery = Some(TOKYO.into());
    setup
}

#[test]
fn failback_of_networks_with_different_homes_leaves_each_where_it_belongs() {
    let both: &[&str] = &["app", "db"];
    let setup = crossed();
    assert_eq!(setup.plan(&failback(both)).unwrap().steps, []);
    let away = setup
        .clone()
        .after(&[failover(&["app"], OSAKA), failover(&["db"], TOKYO)]);
    let back = away.after(&[protect(both), failback(both)]);
    assert_eq!(back.plan(&failback(both)).unwrap().steps, []);
    for (site, vm) in [(TOKYO, "vm-tokyo-i-web"), (OSAKA, "vm-osaka-i-postgres")] {
        assert!(back.world.prism[&site.into()].vms.contains_key(&vm.into()));
    }
}

#[test]
fn facts_lost_from_the_ledger_are_captured_once_and_before_anything_is_restored() {
    let both: &[&str] = &["app", "db"];
    let mut setup = crossed().after(&[
        failover(&["app"], OSAKA),
        failover(&["db"], TOKYO),
        protect(both),
    ]);
    setup.facts.machines.clear();
    let plan = setup.plan(&failback(both)).unwrap();
    let unique: BTreeSet<_> = ids(&plan).into_iter().collect();
    assert_eq!(unique.len(), plan.steps.len(), "{:?}", ids(&plan));
    assert_eq!(plan.steps[0].id, StepId("capture".into()));
    for step in &plan.steps {
        if matches!(step.action, Action::RestoreNics { .. }) {
            assert!(crate::invariants::needs_of(&plan.steps, step).contains(&plan.steps[0].id));
        }
    }
}

#[test]
fn protecting_networks_with_different_homes_makes_each_test_vpc_once() {
    let both: &[&str] = &["app", "db"];
    let mut setup = crossed();
    for site in [TOKYO, OSAKA] {
        setup.prism(site).vpcs.remove(&"flow-test".into());
        setup
            .prism(site)
            .subnets
            .retain(|id, _| !id.as_str().starts_with("overlay-test"));
    }
    let plan = setup.plan(&protect(both)).unwrap();
    let unique: BTreeSet<_> = ids(&plan).into_iter().collect();
    assert_eq!(unique.len(), plan.steps.len(), "{:?}", ids(&plan));
    let setup = setup.after(&[protect(both)]);
    assert_eq!(setup.plan(&protect(both)).unwrap().steps, []);
}

#[test]
fn a_resumed_failover_looks_once_more_before_it_closes_the_old_home() {
    let setup = Setup::small().after(&[move_in(&["app"]), protect(&["app"])]);
    let goal = failover(&["app"], OSAKA);
    let plan = setup.plan(&goal).unwrap();
    let mut killed = setup.clone();
    for step in plan
        .steps
        .iter()
        .take_while(|step| !matches!(step.action, Action::Erp { present: false, .. }))
    {
        killed.apply(step);
    }
    let rest = killed.plan(&goal).unwrap();
    assert_eq!(ids(&rest), ["verify/osaka", "erp/tokyo/transit/app/off"]);
    assert!(rest.steps[0].phase < rest.steps[1].phase);
}

#[test]
fn a_machine_that_came_later_gets_a_move_plan_of_its_own() {
    let mut setup = Setup::small();
    let goal = move_in(&["app"]);
    let plan = setup.plan(&goal).unwrap();
    for step in plan
        .steps
        .iter()
        .take_while(|step| !matches!(step.action, Action::Cutover { .. }))
    {
        setup.apply(step);
    }
    // An address the pool does not have.
    setup.machine("api", &["172.30.1.20"], true);
    let rest = setup.plan(&goal).unwrap();
    let batches: Vec<_> = ids(&rest)
        .into_iter()
        .filter(|id| id.starts_with("replicate/"))
        .collect();
    // Move cannot add a machine to a plan that has started.
    assert_eq!(
        batches,
        [
            "replicate/stayput-acme-app-app-1",
            "replicate/stayput-acme-app-app-1-retry2"
        ]
    );
    let setup = setup.after(std::slice::from_ref(&goal));
    assert_eq!(setup.plan(&goal).unwrap().steps, []);
}

#[test]
fn a_failed_move_plan_is_tried_again_under_another_name() {
    let mut setup = Setup::small();
    let goal = move_in(&["app"]);
    let plan = setup.plan(&goal).unwrap();
    for step in plan
        .steps
        .iter()
        .take_while(|step| !matches!(step.action, Action::Cutover { .. }))
    {
        setup.apply(step);
    }
    for plan in setup.mv().plans.values_mut() {
        plan.state = stayput_world::mv::MovePlanState::Failed;
    }
    let rest = setup.plan(&goal).unwrap();
    assert!(
        ids(&rest).contains(&"replicate/stayput-acme-app-app-1-retry2"),
        "{:?}",
        ids(&rest)
    );
    let setup = setup.after(std::slice::from_ref(&goal));
    assert_eq!(setup.plan(&goal).unwrap().steps, []);
}

/// A move of two machines, replicated, of which Move gave up on one while its plan goes on.
fn one_failed_in_move(state: &str, error: Option<&str>, actions: &[&str]) -> Setup {
    let mut setup = Setup::small();
    setup.machine("api", &["172.30.1.35"], true);
    let plan = setup.plan(&move_in(&["app"])).unwrap();
    for step in plan
        .steps
        .iter()
        .take_while(|step| !matches!(step.action, Action::Cutover { .. }))
    {
        setup.apply(step);
    }
    for plan in setup.mv().plans.values_mut() {
        let vm = plan.vms.get_mut(&"mv-api".into()).unwrap();
        vm.state = state.into();
        vm.error = error.map(str::to_owned);
        vm.actions = actions.iter().map(ToString::to_string).collect();
    }
    setup
}

#[test]
fn a_machine_that_failed_in_move_is_tried_again_although_its_plan_goes_on() {
    let again = "stayput-acme-app-app-1-retry2";
    for (state, error, actions, expected) in [
        ("Failed", Some("no space"), &["RETRY", "DISCARD"][..], None),
        ("Failed", Some("no space"), &["DISCARD"][..], Some(again)),
        ("Aborted", None, &[][..], Some(again)),
    ] {
        let setup = one_failed_in_move(state, error, actions);
        let goal = move_in(&["app"]);
        let plan = setup.plan(&goal).unwrap();
        let of = |machine: &str| {
            let mut steps = plan.steps.iter();
            steps.find_map(|step| match &step.action {
                Action::Replicate {
                    move_plan,
                    machines,
                    ..
                } if machines.contains(&machine.into()) => Some(move_plan.clone()),
                _ => None,
            })
        };
        assert_eq!(of("i-web").unwrap(), "stayput-acme-app-app-1", "{state}");
        let expected = expected.unwrap_or("stayput-acme-app-app-1");
        assert_eq!(of("i-api").unwrap(), expected, "{state} {actions:?}");
        let why = error.unwrap_or(state);
        let [warning] = plan.warnings.as_slice() else {
            panic!("{:?}", plan.warnings);
        };
        if state == "Aborted" {
            assert!(
                warning.text.starts_with(
                    "api (i-api): its copy was cancelled in Move plan stayput-acme-app-app-1; "
                ),
                "{warning}"
            );
            continue;
        }
        assert!(
            warning.text.starts_with(&format!(
                "api (i-api) failed in Move plan stayput-acme-app-app-1: {why}; "
            )),
            "{warning}"
        );
        assert!(warning.text.contains("--leave-out i-api"), "{warning}");
    }
}

#[test]
fn a_recovery_plan_of_one_network_stays_valid_when_a_second_is_protected() {
    let mut setup = Setup::without_machines();
    setup.machine("web", &["172.30.1.34"], true);
    setup.machine("postgres", &["172.30.3.10"], true);
    let both: &[&str] = &["app", "db"];
    let setup = setup.after(&[
        move_in(both),
        protect(&["app"]),
        protect(&["db"]),
        protect(both),
    ]);
    assert_eq!(setup.plan(&protect(both)).unwrap().steps, []);
    // And each alone again.
    assert_eq!(setup.plan(&protect(&["db"])).unwrap().steps, []);
}

#[test]
fn machines_captured_stopped_fail_over_with_the_rest() {
    let mut setup = Setup::small();
    setup.machine("old", &["172.30.1.60"], false);
    let goals: [Goal; 5] = [
        move_in(&["app"]),
        protect(&["app"]),
        failover(&["app"], OSAKA),
        protect(&["app"]),
        failback(&["app"]),
    ];
    for (index, goal) in goals.iter().enumerate() {
        let setup = setup.clone().after(&goals[..=index]);
        assert_eq!(setup.plan(goal).unwrap().steps, [], "{goal}");
    }
}

#[test]
fn a_test_failover_is_not_run_towards_where_the_machines_are() {
    let setup = Setup::small().after(&[
        move_in(&["app"]),
        protect(&["app"]),
        failover(&["app"], OSAKA),
    ]);
    let shown = setup.shown(&test_failover(&["app"], OSAKA));
    assert!(
        shown.starts_with("web (i-web) is at osaka, not at tokyo"),
        "{shown}"
    );
    let setup = setup.after(&[protect(&["app"])]);
    assert!(setup.plan(&test_failover(&["app"], TOKYO)).is_ok());
}

#[test]
fn an_address_that_recovery_lost_is_restored_and_nothing_else_is() {
    let mut setup = Setup::small();
    setup.machine("api", &["172.30.1.35"], true);
    let mut setup = setup.after(&[move_in(&["app"]), protect(&["app"])]);
    let goal = failover(&["app"], OSAKA);
    for step in setup.plan(&goal).unwrap().steps {
        setup.apply(&step);
        if matches!(
            step.action,
            Action::RunRecovery {
                run: RecoveryRun::Planned,
                ..
            }
        ) {
            break;
        }
    }
    let lost = setup
        .prism(OSAKA)
        .vms
        .get_mut(&"vm-osaka-i-web".into())
        .unwrap();
    lost.nics = vec![nic("overlay-app", ip("172.30.1.200"), &[])];
    let rest = setup.plan(&goal).unwrap();
    let restored: Vec<_> = ids(&rest)
        .into_iter()
        .filter(|id| id.starts_with("restore/"))
        .collect();
    assert_eq!(restored, ["restore/osaka/i-web"]);
    let setup = setup.after(std::slice::from_ref(&goal));
    assert_eq!(setup.plan(&goal).unwrap().steps, []);
}

/// The goals of a network's life after the move.
fn goals_in_nc2() -> [Goal; 4] {
    let app: &[&str] = &["app"];
    [
        protect(app),
        failover(app, OSAKA),
        protect(app),
        failback(app),
    ]
}

#[test]
fn everything_works_from_the_ledger_when_the_sources_are_deleted() {
    let mut setup = Setup::small().after(&[move_in(&["app"])]);
    let aws = setup.tokyo();
    aws.instances.remove(&"i-web".into());
    aws.enis.remove(&"eni-web-0".into());
    setup.mv().plans.clear();
    setup.mv().workloads.clear();
    assert_eq!(setup.plan(&move_in(&["app"])).unwrap().steps, []);
    for goal in goals_in_nc2() {
        setup = setup.after(std::slice::from_ref(&goal));
        assert_eq!(setup.plan(&goal).unwrap().steps, [], "{goal}");
    }
}

#[test]
fn a_machines_vm_is_followed_through_move_and_recovery_jobs_without_the_ledger() {
    let mut setup = Setup::small().after(&[move_in(&["app"])]);
    for goal in goals_in_nc2() {
        let mut forgetful = setup.clone();
        forgetful.facts.vms.clear();
        assert_eq!(forgetful.plan(&goal), setup.plan(&goal), "{goal}");
        setup = setup.after(std::slice::from_ref(&goal));
    }
}
