//! A run is taken back from every state that it can be killed in, and what cannot be restored is refused.

use std::collections::BTreeMap;

use proptest::prelude::*;
use stayput_estate::InstanceId;
use stayput_estate::MovePlanId;
use stayput_estate::SiteName;
use stayput_fabric::Fabric;
use stayput_fabric::Source;
use stayput_plan::Action;
use stayput_plan::AttemptEnd;
use stayput_plan::Attempted;
use stayput_plan::EntryPath;
use stayput_plan::Goal;
use stayput_plan::NotUndone;
use stayput_plan::Obstacle;
use stayput_plan::Phase;
use stayput_plan::PowerAfter;
use stayput_plan::RunRecord;
use stayput_plan::Step;
use stayput_plan::Survey;
use stayput_world::Silence;
use stayput_world::aws::InstanceState;
use stayput_world::prism::JobStatus;
use stayput_world::prism::PowerState;
use stayput_world::prism::RecoveryAction;
use stayput_world::prism::RecoveryJob;

use crate::fixture::*;
use crate::resume::applied;

/// What a run of these steps has in its journal.
fn record<'s>(steps: impl IntoIterator<Item = &'s Step>) -> RunRecord {
    let mut record = RunRecord::default();
    for step in steps {
        record.add(Attempted {
            action: &step.action,
            inverse: step.inverse.as_ref(),
            at: "2026-11-23T00:00:00Z",
            end: AttemptEnd::MayBeDone,
            job: None,
        });
    }
    record
}

fn rollback(of: &Goal, did: RunRecord) -> Goal {
    Goal::Rollback {
        networks: of.networks().clone(),
        run: "4a81cb7a".into(),
        of: Box::new(of.clone()),
        did: Box::new(did),
    }
}

/// A run of a goal until it was killed, and the goal that takes it back.
fn killed(setup: &Setup, goal: &Goal, done: usize) -> (Setup, Goal) {
    let steps = &setup.plan(goal).unwrap().steps[..done];
    (applied(setup, steps), rollback(goal, record(steps)))
}

/// A run of a goal to its end, and the goal that takes it back.
pub fn reached(setup: &Setup, goal: &Goal) -> (Setup, Goal) {
    killed(setup, goal, setup.plan(goal).unwrap().steps.len())
}

#[test]
fn a_move_after_a_rollback_that_was_cut_short_frees_the_addresses_first() {
    let goal = move_in(&["app"]);
    let (moved, back) = reached(&Setup::small(), &goal);
    let rest = moved.plan(&back).unwrap().steps;
    let until_verified: Vec<_> = rest
        .iter()
        .take_while(|step| step.phase < Phase::Close)
        .collect();
    let cut_short = applied(&moved, until_verified);
    let plan = cut_short.plan(&goal).unwrap();
    let frees = |step: &&Step| matches!(step.action, Action::ReleaseNics { .. });
    let freed: Vec<_> = plan.steps.iter().filter(frees).collect();
    assert_eq!(freed.len(), 1);
    assert!(freed.iter().all(|step| step.phase == Phase::Prepare));
    let again = cut_short.after(std::slice::from_ref(&goal));
    assert!(again.plan(&goal).unwrap().steps.is_empty());
}

#[test]
fn a_cutover_that_move_may_still_begin_is_cancelled_first() {
    let setup = Setup::small();
    let goal = move_in(&["app"]);
    let steps = setup.plan(&goal).unwrap().steps;
    let cutover = steps
        .iter()
        .position(|step| matches!(step.action, Action::Cutover { .. }));
    let until = cutover.unwrap();
    let seeded = applied(&setup, &steps[..until]);
    let is_cancel = |step: &Step| matches!(step.action, Action::CancelMovePlan { .. });

    let asked = seeded.plan(&rollback(&goal, record(&steps[..=until])));
    let asked = asked.unwrap().steps;
    assert!(is_cancel(&asked[0]) && asked[0].phase == Phase::Prepare);
    assert!(matches!(asked[1].action, Action::Verify { .. }));
    assert_eq!(asked.len(), 2);

    // Also while Move's inventory lacks the machine.
    let mut lacking = applied(&setup, &steps[..until]);
    lacking.mv().workloads.clear();
    let back = rollback(&goal, record(&steps[..=until]));
    assert!(lacking.plan(&back).unwrap().steps.iter().any(is_cancel));

    // Not asked: the plan goes on, as its warning says.
    let not_asked = seeded.plan(&rollback(&goal, record(&steps[..until])));
    assert!(!not_asked.unwrap().steps.iter().any(is_cancel));
}

/// Where on-prem's packets to each captured address go.
fn deliveries(setup: &Setup) -> BTreeMap<std::net::Ipv4Addr, Option<SiteName>> {
    let fabric = Fabric::new(&setup.estate, &setup.world);
    let facts = stayput_plan::observe_facts(
        &setup.estate,
        &setup.world,
        &setup.estate.networks.keys().cloned().collect(),
    )
    .0;
    let machines = facts.values().filter(|machine| machine.was_running);
    machines
        .flat_map(|machine| machine.addresses())
        .map(|address| {
            let verdict = fabric.verdict(&Source::OnPrem, address);
            (address, verdict.site().cloned())
        })
        .collect()
}

/// What is as it was: instances, routes, and what NC2 writes.
fn outside(setup: &Setup) -> serde_json::Value {
    serde_json::to_value(&setup.world.aws).unwrap()
}

fn why(setup: &Setup, goal: &Goal) -> Vec<NotUndone> {
    let obstacles = setup.plan(goal).unwrap_err();
    let reasons = obstacles.into_iter().map(|obstacle| match obstacle {
        Obstacle::NotUndone { why, .. } => *why,
        other => panic!("{other:?}"),
    });
    reasons.collect()
}

fn id(name: &str) -> InstanceId {
    InstanceId::new(format!("i-{name}"))
}

#[test]
fn a_move_killed_after_any_step_is_taken_back_and_made_again() {
    let goal = move_in(&["app", "db"]);
    let setup = Setup::new().after(&[capture(&["app", "db"])]);
    let steps = setup.plan(&goal).unwrap().steps.len();
    for done in 0..=steps {
        let (state, back) = killed(&setup, &goal, done);
        let plan = state
            .plan(&back)
            .unwrap_or_else(|obstacles| panic!("after {done}: {obstacles:#?}"));
        let home = applied(&state, &plan.steps);
        assert_eq!(outside(&home), outside(&setup), "after {done}");
        assert_eq!(deliveries(&home), deliveries(&setup), "after {done}");
        for vm in home.world.prism[&TOKYO.into()].vms.values() {
            let is_machine = vm.cluster == Some("cluster-t".into());
            assert!(
                !is_machine || vm.power == PowerState::Off,
                "after {done}: {vm:?}"
            );
        }
        assert_eq!(home.plan(&back).unwrap().steps, [], "after {done}");
        // Killed again, in the middle of it.
        for half in (done % 3..plan.steps.len()).step_by(3) {
            let state = applied(&state, &plan.steps[..half]);
            let rest = state
                .plan(&back)
                .unwrap_or_else(|obstacles| panic!("after {done}, {half}: {obstacles:#?}"));
            let end = applied(&state, &rest.steps);
            assert_eq!(outside(&end), outside(&setup), "after {done}, {half}");
            assert_eq!(end.plan(&back).unwrap().steps, [], "after {done}, {half}");
        }
        let again = home.after(std::slice::from_ref(&goal));
        assert_eq!(again.plan(&goal).unwrap().steps, [], "after {done}");
        let delivered = deliveries(&again);
        let moved = again.estate.networks.values();
        let moved: Vec<_> = moved.filter(|network| network.recovery.is_some()).collect();
        for (address, site) in delivered {
            if moved.iter().any(|network| network.cidr.contains(address)) {
                assert_eq!(site, Some(TOKYO.into()), "{address} after {done}");
            }
        }
    }
}

#[test]
fn a_canary_is_taken_back_with_its_route_and_prefix() {
    let goal = canary(&["app"], &["web"]);
    let setup = Setup::new().after(&[capture(&["app", "db"])]);
    let (state, back) = reached(&setup, &goal);
    insta::assert_snapshot!("a_canary_taken_back", state.shown(&back));
    let plan = state.plan(&back).unwrap();
    assert!(
        warnings(&plan).iter().any(|text| text.contains(
            "web (i-web): what was written since its cutover began at 2026-11-23T00:00:00Z is lost"
        )),
        "{:#?}",
        plan.warnings
    );
    let home = applied(&state, &plan.steps);
    assert_eq!(outside(&home), outside(&setup));
    let done = home.plan(&back).unwrap();
    assert_eq!(done.steps, []);
}

#[test]
fn only_the_machines_of_the_run_go_back_and_an_earlier_canary_stays() {
    let first = canary(&["app"], &["web"]);
    let setup = Setup::new()
        .after(&[capture(&["app", "db"])])
        .after(std::slice::from_ref(&first));
    let (state, back) = reached(&setup, &move_in(&["app", "db"]));
    let home = applied(&state, &state.plan(&back).unwrap().steps);
    assert_eq!(outside(&home), outside(&setup));
    assert_eq!(deliveries(&home), deliveries(&setup));
    let web = deliveries(&home)[&ip("172.30.1.35")].clone();
    assert_eq!(web, Some(EC2.into()));
    assert!(home.facts.vms.contains_key(&id("web")));
    assert!(home.facts.has_returned(&id("api")));
}

#[test]
fn a_machine_that_has_returned_is_not_the_vm_that_move_made() {
    let goal = move_in(&["app", "db"]);
    let setup = Setup::new().after(&[capture(&["app", "db"])]);
    let (state, back) = reached(&setup, &goal);
    let mut home = applied(&state, &state.plan(&back).unwrap().steps);
    let networks = names(&["app", "db"]);
    let survey = Survey::new(&home.estate, &home.world, &home.facts, &networks);
    assert_eq!(survey.told_by_a_system(&home.facts), BTreeMap::new());
    assert_eq!(survey.served_twice().count(), 0);
    // What EC2 shows holds again.
    home.eni("web", 0).secondary = vec![ip("172.30.1.36")];
    let plan = home.plan(&capture(&["app"])).unwrap();
    assert_eq!(plan.steps.len(), 1, "{:#?}", plan.warnings);
    // A person powers the old VM on.
    let vm = home.facts.was[&id("web")].first().unwrap().clone();
    home.prism(TOKYO).vms.get_mut(&vm.1).unwrap().power = PowerState::On;
    let obstacles = home.plan(&goal).unwrap_err();
    assert!(
        matches!(obstacles.as_slice(), [Obstacle::FormerVmRuns { machine, .. }] if *machine == id("web")),
        "{obstacles:#?}"
    );
}

#[test]
fn what_is_not_in_ec2_any_more_cannot_come_back() {
    let (state, back) = reached(&Setup::small(), &move_in(&["app"]));
    for gone in [InstanceState::Terminated, InstanceState::ShuttingDown] {
        let mut state = state.clone();
        state.instance("web").state = gone;
        let reasons = why(&state, &back);
        assert!(
            matches!(reasons.as_slice(), [NotUndone::SourceGone { .. }]),
            "{reasons:?}"
        );
    }
    let mut other = state.clone();
    other.eni("web", 0).primary = Some(ip("172.30.1.99"));
    let reasons = why(&other, &back);
    assert!(
        matches!(reasons.as_slice(), [NotUndone::SourceDiffers { .. }]),
        "{reasons:?}"
    );
}

#[test]
fn a_machine_that_is_protected_by_now_is_not_taken_back() {
    let (state, back) = reached(&Setup::small(), &move_in(&["app"]));
    let state = state.after(&[protect(&["app"])]);
    let reasons = why(&state, &back);
    assert!(
        matches!(reasons.as_slice(), [NotUndone::Protected { .. }]),
        "{reasons:?}"
    );
    insta::assert_snapshot!("a_rollback_refused", state.shown(&back));
}

#[test]
fn a_machine_that_move_cuts_over_now_is_waited_for() {
    let goal = move_in(&["app"]);
    let setup = Setup::small();
    let plan = setup.plan(&goal).unwrap();
    let cutover = plan
        .steps
        .iter()
        .position(|step| step.id.0.starts_with("cutover/"));
    let (mut state, _) = killed(&setup, &goal, cutover.unwrap());
    let back = rollback(&goal, record(&plan.steps[..=cutover.unwrap()]));
    state.instance("web").state = InstanceState::Stopping;
    let plan = state.mv().plans.values_mut().next().unwrap();
    let vm = plan.vms.values_mut().next().unwrap();
    (vm.state, vm.actions) = ("CutoverInProgress".into(), Vec::new());
    let reasons = why(&state, &back);
    assert!(
        matches!(reasons.as_slice(), [NotUndone::CutOverNow { .. }]),
        "{reasons:?}"
    );
    // It fails: the source is only started again.
    state.instance("web").state = InstanceState::Stopped;
    let plan = state.mv().plans.values_mut().next().unwrap();
    let vm = plan.vms.values_mut().next().unwrap();
    (vm.state, vm.error) = ("Failed".into(), Some("no space".into()));
    let plan = state.plan(&back).unwrap();
    let steps: Vec<_> = plan.steps.iter().map(|step| step.id.to_string()).collect();
    assert_eq!(steps, ["start-source/i-web", "verify/ec2"]);
}

#[test]
fn a_route_that_a_person_has_changed_since_is_not_overwritten() {
    let (mut state, back) = reached(&Setup::small(), &move_in(&["app"]));
    let prefix = cidr("172.30.1.0/24");
    let routes = &mut state.table("t-vpcs").static_routes;
    assert!(routes.insert(prefix, to("tgw-attach-peer")).is_some());
    let reasons = why(&state, &back);
    assert!(
        matches!(reasons.as_slice(), [NotUndone::RouteChanged { cidr, before: None, .. }] if *cidr == prefix),
        "{reasons:?}"
    );
    // Where the person has restored it, nothing is left of it.
    state.table("t-vpcs").static_routes.remove(&prefix);
    let left = state.plan(&back).unwrap().steps;
    let routes = left.iter().filter(|step| step.id.0.contains("t-vpcs"));
    assert_eq!(routes.count(), 0);
}

#[test]
fn a_planned_failover_killed_after_any_step_goes_home() {
    let setup = Setup::new().after(&[move_in(&["app", "db"]), protect(&["app", "db"])]);
    let goal = failover(&["app", "db"], OSAKA);
    let steps = setup.plan(&goal).unwrap().steps.len();
    for done in 0..=steps {
        let (mut state, back) = killed(&setup, &goal, done);
        // Recovery points of what has come to Osaka are at Tokyo.
        for (machine, vms) in state.facts.vms.clone() {
            if let Some(vm) = vms.get(&OSAKA.into()) {
                let at = "2026-01-01T00:00:00Z".to_owned();
                state.prism(TOKYO).recovery_points.insert(vm.clone(), at);
            }
            assert!(state.facts.machines.contains_key(&machine));
        }
        let plan = state
            .plan(&back)
            .unwrap_or_else(|obstacles| panic!("after {done}: {obstacles:#?}"));
        let home = applied(&state, &plan.steps);
        let sites = deliveries_of_ledger(&home);
        assert!(
            sites.values().all(|site| *site == Some(TOKYO.into())),
            "after {done}: {sites:?}"
        );
        assert_eq!(home.plan(&back).unwrap().steps, [], "after {done}");
        assert_eq!(home.plan(&failback(&["app", "db"])).unwrap().steps, []);
    }
}

/// Where on-prem's packets to the addresses in the ledger go.
fn deliveries_of_ledger(setup: &Setup) -> BTreeMap<std::net::Ipv4Addr, Option<SiteName>> {
    let fabric = Fabric::new(&setup.estate, &setup.world);
    let machines = setup.facts.machines.values();
    let running = machines.filter(|machine| machine.was_running);
    running
        .flat_map(|machine| machine.addresses())
        .map(|address| {
            let verdict = fabric.verdict(&Source::OnPrem, address);
            (address, verdict.site().cloned())
        })
        .collect()
}

#[test]
fn a_failover_without_recovery_points_at_home_names_protect_as_remedy() {
    let setup = Setup::new().after(&[move_in(&["app", "db"]), protect(&["app", "db"])]);
    let (state, back) = reached(&setup, &failover(&["app", "db"], OSAKA));
    let obstacles = state.plan(&back).unwrap_err();
    for obstacle in obstacles {
        assert!(
            obstacle.remedy().contains("stayput apply protect app db"),
            "{obstacle}"
        );
    }
}

#[test]
fn a_failback_is_taken_back_to_the_recovery_site() {
    let both: &[&str] = &["app", "db"];
    let setup = Setup::new().after(&[
        move_in(both),
        protect(both),
        failover(both, OSAKA),
        protect(both),
    ]);
    let (state, back) = reached(&setup, &failback(both));
    let state = state.after(&[protect(both)]);
    let home = applied(&state, &state.plan(&back).unwrap().steps);
    let sites = deliveries_of_ledger(&home);
    assert!(
        sites.values().all(|site| *site == Some(OSAKA.into())),
        "{sites:?}"
    );
}

#[test]
fn a_machine_that_a_recovery_has_shut_down_is_powered_on_and_verified() {
    let app: &[&str] = &["app"];
    let setup = Setup::small().after(&[
        move_in(app),
        protect(app),
        failover(app, OSAKA),
        protect(app),
    ]);
    let goal = failback(app);
    let steps = setup.plan(&goal).unwrap().steps;
    let asked = steps
        .iter()
        .take_while(|step| step.phase <= Phase::CutOver)
        .filter(|step| matches!(step.action, Action::RunRecovery { .. }));
    let back = rollback(&goal, record(asked));
    let mut state = setup;
    let prism = state.world.prism.get_mut(&SiteName::from(OSAKA)).unwrap();
    for vm in prism.vms.values_mut() {
        vm.power = PowerState::Off;
    }
    let steps = state.plan(&back).unwrap().steps;
    let is_started = |step: &Step| matches!(&step.action, Action::RestoreNics { power, .. } if *power == PowerAfter::On);
    let is_verified =
        |step: &Step| matches!(&step.action, Action::Verify { site, .. } if *site == OSAKA.into());
    assert!(steps.iter().any(is_started), "{steps:?}");
    assert!(steps.iter().any(is_verified), "{steps:?}");
}

#[test]
fn a_running_recovery_plan_is_waited_for_before_anything_is_planned() {
    let setup = Setup::new().after(&[move_in(&["app", "db"]), protect(&["app", "db"])]);
    for (goal, action) in [
        (
            failover(&["app", "db"], OSAKA),
            RecoveryAction::PlannedFailover,
        ),
        (
            test_failover(&["app", "db"], OSAKA),
            RecoveryAction::TestFailover,
        ),
    ] {
        let (mut state, back) = killed(&setup, &goal, 0);
        let plan = state
            .prism(OSAKA)
            .recovery_plans
            .keys()
            .next()
            .unwrap()
            .clone();
        let job = RecoveryJob {
            plan,
            action,
            status: JobStatus::Running,
            source: None,
            target: None,
            started: None,
            ended: None,
            name: None,
            recovered: BTreeMap::new(),
        };
        state.prism(OSAKA).jobs.insert("job-1".into(), job);
        let reasons = why(&state, &back);
        assert!(
            matches!(reasons.as_slice(), [NotUndone::RecoveryRuns { .. }]),
            "{reasons:?}"
        );
    }
}

#[test]
fn an_unplanned_failover_is_taken_back_only_before_a_machine_has_started() {
    let setup = Setup::new().after(&[move_in(&["app", "db"]), protect(&["app", "db"])]);
    let goal = unplanned_without_tokyo(&["app", "db"], EntryPath::A);
    let plan = setup.plan(&goal).unwrap();
    let started = plan
        .steps
        .iter()
        .position(|step| step.id.0.contains("/unplanned/"))
        .unwrap();
    assert!(started > 0, "it begins with fences");
    let (state, back) = killed(&setup, &goal, started);
    let home = applied(&state, &state.plan(&back).unwrap().steps);
    assert_eq!(outside(&home), outside(&setup));
    let (state, back) = reached(&setup, &goal);
    let obstacles = state.plan(&back).unwrap_err();
    let remedies: Vec<_> = obstacles.iter().map(Obstacle::remedy).collect();
    let home = "stayput apply clean-up app db --site tokyo, then stayput apply protect app db, then stayput apply failback app db";
    assert!(
        remedies.iter().any(|remedy| remedy.contains(home)),
        "{remedies:#?}"
    );
}

#[test]
fn copies_of_the_tests_of_the_run_are_removed_and_no_others() {
    let setup = Setup::new().after(&[move_in(&["app", "db"]), protect(&["app", "db"])]);
    let goal = test_failover(&["app", "db"], OSAKA);
    let (mut state, _) = killed(&setup, &goal, 0);
    let plan = state
        .prism(OSAKA)
        .recovery_plans
        .keys()
        .next()
        .unwrap()
        .clone();
    for (job, copy) in [("job-own", "copy-own"), ("job-other", "copy-other")] {
        let of = RecoveryJob {
            plan: plan.clone(),
            action: RecoveryAction::TestFailover,
            status: JobStatus::Succeeded,
            source: None,
            target: None,
            started: None,
            ended: None,
            name: None,
            recovered: [("vm-tokyo-i-web".into(), copy.into())].into(),
        };
        state.prism(OSAKA).jobs.insert(job.into(), of);
        let vm = state.vm("web", TOKYO).clone();
        state.prism(OSAKA).vms.insert(copy.into(), vm);
    }
    let mut did = RunRecord::default();
    did.tests
        .insert("stayput-test-app".into(), ["job-own".into()].into());
    let back = rollback(&goal, did);
    let left = applied(&state, &state.plan(&back).unwrap().steps);
    let vms = &left.world.prism[&OSAKA.into()].vms;
    assert!(!vms.contains_key(&"copy-own".into()));
    assert!(vms.contains_key(&"copy-other".into()));
    assert_eq!(left.plan(&back).unwrap().steps, []);
}

#[test]
fn what_only_looks_or_prepares_is_told_or_refused() {
    let (state, back) = reached(&Setup::new(), &capture(&["app", "db"]));
    let plan = state.plan(&back).unwrap();
    assert_eq!(plan.steps, []);
    assert_eq!(
        warnings(&plan),
        ["what was captured stays in the ledger: nothing is taken back"]
    );
    let setup = state.after(&[move_in(&["app", "db"])]);
    let (state, back) = reached(&setup, &protect(&["app", "db"]));
    let reasons = why(&state, &back);
    assert!(
        matches!(reasons.as_slice(), [NotUndone::Protection { made }] if made.iter().any(|made| made.contains("recovery plan"))),
        "{reasons:?}"
    );
    let (state, back) = killed(&setup, &protect(&["app", "db"]), 0);
    assert_eq!(state.plan(&back).unwrap().steps, []);
}

#[test]
fn a_clean_up_is_not_taken_back() {
    let setup = Setup::small().after(&[
        move_in(&["app"]),
        protect(&["app"]),
        unplanned_without_tokyo(&["app"], EntryPath::A),
    ]);
    let (state, back) = reached(&setup, &clean_up(&["app"], TOKYO, true));
    let reasons = why(&state, &back);
    assert!(
        matches!(reasons.as_slice(), [NotUndone::PutAway { vms }] if vms.len() == 2),
        "{reasons:?}"
    );
}

#[test]
fn seeded_machines_run_on_and_their_move_plans_are_named() {
    let goal = move_in(&["app", "db"]);
    let setup = Setup::new();
    let plan = setup.plan(&goal).unwrap();
    let seeded = plan.steps.iter().filter(|step| step.phase < Phase::CutOver);
    let (state, back) = killed(&setup, &goal, seeded.count());
    let plan = state.plan(&back).unwrap();
    assert_eq!(plan.steps, []);
    let told = warnings(&plan);
    assert!(
        told.iter()
            .any(|text| text.starts_with("Move plans of the run go on")),
        "{told:#?}"
    );
}

#[test]
fn a_move_plan_that_has_cut_over_a_part_is_cancelled() {
    let goal = move_in(&["app", "db"]);
    let setup = Setup::new();
    let plan = setup.plan(&goal).unwrap();
    let first = plan
        .steps
        .iter()
        .position(|step| step.id.0.starts_with("cutover/"));
    let (state, back) = killed(&setup, &goal, first.unwrap() + 1);
    let plan = state.plan(&back).unwrap();
    let cancels = plan
        .steps
        .iter()
        .filter(|step| step.id.0.starts_with("cancel/"));
    assert_eq!(cancels.count(), 1, "{}", state.shown(&back));
    let home = applied(&state, &plan.steps);
    let plans = &home.world.moves[&TOKYO.into()].plans;
    let first = plans.keys().next().unwrap().clone();
    // The same machines are in a new plan when they move again.
    let again = home.after(std::slice::from_ref(&goal));
    let plans = &again.world.moves[&TOKYO.into()].plans;
    assert!(plans.contains_key(&first));
    assert!(
        plans.contains_key(&MovePlanId::new(format!("{first}-retry2"))),
        "{:?}",
        plans.keys()
    );
}

#[test]
fn a_move_after_a_rollback_that_was_cut_short_ends_its_move_plan_first() {
    let goal = move_in(&["app", "db"]);
    let setup = Setup::new();
    let plan = setup.plan(&goal).unwrap();
    let mut steps = plan.steps.iter();
    let first = steps.position(|step| step.id.0.starts_with("cutover/"));
    let (state, back) = killed(&setup, &goal, first.unwrap() + 1);
    let plan = state.plan(&back).unwrap();
    let until_verified = plan.steps.iter();
    let until_verified = until_verified.take_while(|step| step.phase < Phase::Close);
    let cut_short = applied(&state, until_verified);

    let plan = cut_short.plan(&goal).unwrap();
    let cancels: Vec<_> = plan
        .steps
        .iter()
        .filter(|step| step.id.0.starts_with("cancel/"))
        .collect();
    assert_eq!(cancels.len(), 1, "{}", cut_short.shown(&goal));
    assert_eq!(cancels[0].phase, Phase::Prepare);
    assert!(
        warnings(&plan)
            .iter()
            .any(|text| text.contains("are cancelled"))
    );
    // All its machines are copied again: the cancelled plan holds none.
    let replicated = |plan: &stayput_plan::Plan| -> Vec<_> {
        let steps = plan.steps.iter();
        steps
            .filter(|step| step.id.0.starts_with("replicate/"))
            .map(|step| (step.id.clone(), step.action.machines()))
            .collect()
    };
    let cancelled = applied(&cut_short, cancels);
    let then = cancelled.plan(&goal).unwrap();
    assert_eq!(replicated(&then), replicated(&plan));
    let again = cut_short.after(std::slice::from_ref(&goal));
    assert!(again.plan(&goal).unwrap().steps.is_empty());
}

#[test]
fn what_was_not_observed_is_named_before_anything_is_planned() {
    let (mut state, back) = reached(&Setup::small(), &move_in(&["app"]));
    state.without_prism(TOKYO, Silence::Silent);
    let obstacles = state.plan(&back).unwrap_err();
    assert!(
        matches!(obstacles.as_slice(), [Obstacle::NotObserved { .. }]),
        "{obstacles:#?}"
    );
}

#[test]
fn a_rollback_is_data_that_is_saved_and_read_back() {
    let (state, back) = reached(&Setup::small(), &move_in(&["app"]));
    let plan = state.plan(&back).unwrap();
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(
        serde_json::from_str::<stayput_plan::Plan>(&text).unwrap(),
        plan
    );
    assert_eq!(plan.goal.to_string(), "rollback 4a81cb7a");
    assert_eq!(
        stayput_plan::prove(
            &state.estate,
            &state.world,
            &state.facts,
            &back,
            &plan.steps
        ),
        Ok(plan.proof)
    );
}

proptest! {
    #![proptest_config(crate::cases(12))]

    /// Wherever the move, the rollback and the second move are killed, the end is the same.
    #[test]
    fn a_move_taken_back_at_random_moments_ends_where_it_began(
        kills in prop::collection::vec((0.0..1.0f64, 0.0..1.0f64), 1..4),
    ) {
        let goal = move_in(&["app", "db"]);
        let start = Setup::new().after(&[capture(&["app", "db"])]);
        let mut state = start.clone();
        for (of_move, of_rollback) in kills {
            let plan = state.plan(&goal).unwrap();
            let (killed, back) = killed(&state, &goal, share(plan.steps.len(), of_move));
            let plan = killed.plan(&back).unwrap();
            let half = applied(&killed, &plan.steps[..share(plan.steps.len(), of_rollback)]);
            state = applied(&half, &half.plan(&back).unwrap().steps);
            prop_assert_eq!(outside(&state), outside(&start));
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a share of a small number"
)]
fn share(of: usize, part: f64) -> usize {
    (of as f64 * part) as usize
}
