//! Other ways to change a home than the whole network in peace: canaries, path B, a lost cluster, a lost region, a zombie.

use stayput_estate::EdgeKind;
use stayput_fabric::Fabric;
use stayput_fabric::Source;
use stayput_fabric::Verdict;
use stayput_plan::Action;
use stayput_plan::EntryPath;
use stayput_plan::FailoverMode;
use stayput_plan::Finding;
use stayput_plan::Goal;
use stayput_plan::Obstacle;
use stayput_plan::Plan;
use stayput_plan::RecoveryRun;
use stayput_plan::Survey;
use stayput_world::Silence;
use stayput_world::aws::TgwTarget;
use stayput_world::prism::PowerState;

use crate::fixture::*;

/// Two machines in one network, of which one goes ahead.
fn pair() -> Setup {
    let mut setup = Setup::small();
    setup.machine("api", &["172.30.1.20"], true);
    setup
}

fn routes(plan: &Plan) -> Vec<String> {
    let routes = plan.steps.iter().filter_map(|step| match &step.action {
        Action::TgwRoute {
            table, cidr, to, ..
        } => Some(format!(
            "{table}: {cidr} → {}",
            to.as_ref().map_or("absent".to_owned(), ToString::to_string)
        )),
        _ => None,
    });
    routes.collect()
}

fn position(plan: &Plan, is: impl Fn(&Action) -> bool) -> usize {
    let mut steps = plan.steps.iter();
    steps.position(|step| is(&step.action)).unwrap()
}

/// How on-prem reaches an address when the plan is done.
fn on_prem_after(setup: &Setup, plan: &Plan, address: &str) -> String {
    let mut setup = setup.clone();
    plan.steps.iter().for_each(|step| setup.apply(step));
    let survey = Survey::of_goal(&setup.estate, &setup.world, &setup.facts, &plan.goal);
    let trace = survey.fabric().trace(&Source::OnPrem, ip(address));
    let edge = trace.hops.iter().find_map(|hop| match &hop.at {
        stayput_fabric::Node::Edge(edge) => Some(edge.to_string()),
        _ => None,
    });
    let site = trace.verdict.site().map_or("nowhere", |site| site.as_str());
    format!("by {} to {site}", edge.unwrap_or_default())
}

// Canaries (AWS reference §8.3)

#[test]
fn a_canary_goes_ahead_by_a_route_of_its_own() {
    let setup = pair();
    let plan = setup.plan(&canary(&["app"], &["web"])).unwrap();
    insta::assert_snapshot!("a_canary", setup.shown(&canary(&["app"], &["web"])));
    assert!(
        routes(&plan)
            .iter()
            .all(|route| route.contains("172.30.1.34/32 → tgw-attach-nc2t")),
        "{:?}",
        routes(&plan)
    );
    assert_eq!(
        on_prem_after(&setup, &plan, "172.30.1.34"),
        "by tokyo to tokyo"
    );
    assert_eq!(
        on_prem_after(&setup, &plan, "172.30.1.20"),
        "by tokyo to ec2"
    );
}

#[test]
fn neighbours_of_a_canary_lose_the_canary_and_not_its_network() {
    let mut setup = pair();
    setup.machine("other", &["172.30.2.30"], true);
    let plan = setup.plan(&canary(&["app"], &["web"])).unwrap();
    let lose: Vec<_> = plan
        .findings
        .iter()
        .filter(|finding| matches!(finding, Finding::NeighboursLose { .. }))
        .collect();
    let [Finding::NeighboursLose { canaries, .. }] = lose[..] else {
        panic!("{:#?}", plan.findings);
    };
    assert_eq!(*canaries, ["web".to_owned()].into());
    let told = lose[0].to_string();
    assert!(
        told.contains("cannot reach web")
            && told.contains("the rest of the network are reached as before"),
        "{told}"
    );
}

#[test]
fn the_whole_move_takes_a_canary_over_without_a_gap() {
    let setup = pair().after(&[canary(&["app"], &["web"])]);
    let goal = move_in(&["app"]);
    let plan = setup.plan(&goal).unwrap();
    insta::assert_snapshot!("a_move_after_its_canary", setup.shown(&goal));
    let routes = routes(&plan);
    let whole = routes
        .iter()
        .position(|route| route.contains("172.30.1.0/24"));
    let gone = routes
        .iter()
        .position(|route| route.ends_with("/32 → absent"));
    assert!(whole < gone, "{routes:?}");
    // On-prem reaches the canary all the time.
    let canary = ip("172.30.1.34");
    let mut holes = plan.proof.holes.iter().filter(|hole| hole.is_of_on_prem());
    assert!(!holes.any(|hole| hole.ranges.iter().any(|range| range.contains(canary))));
    let mut done = setup.clone();
    plan.steps.iter().for_each(|step| done.apply(step));
    assert!(done.plan(&goal).unwrap().steps.is_empty());
}

/// So many machines in one network with their names, and a spoke that reaches them by a table of its own.
fn many(count: u8) -> (Setup, Vec<String>) {
    let mut setup = Setup::small();
    setup.spoke("t", "spoke", &[(cidr(LEGACY), to("tgw-attach-legacy"))]);
    let names: Vec<_> = (0..count).map(|number| format!("web-{number}")).collect();
    for (number, name) in (50..).zip(&names) {
        setup.machine(name, &[format!("172.30.1.{number}")], true);
    }
    (setup, names)
}

#[test]
fn hundreds_of_calls_for_canaries_are_ordered_prefix_by_prefix() {
    // Three tables for each canary, and the prefix of the network once: 64, 100 and 301 calls.
    for count in [21, 33, 100] {
        let (setup, names) = many(count);
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let goal = canary(&["app"], &names);
        let plan = setup.plan(&goal).unwrap();
        assert_eq!(routes(&plan).len(), 3 * usize::from(count));
        let setup = setup.after(&[goal]);
        // The whole move deletes as many routes when its own has been verified.
        let plan = setup.plan(&move_in(&["app"])).unwrap();
        let gone = routes(&plan);
        let gone = gone.iter().filter(|route| route.ends_with("/32 → absent"));
        assert_eq!(gone.count(), 3 * usize::from(count));
    }
}

#[test]
fn a_canary_blocks_a_failover_until_the_network_has_been_moved() {
    let setup = pair().after(&[move_in(&["app"]), protect(&["app"])]);
    let mut left = setup.clone();
    let target = to("tgw-attach-nc2t");
    let edges = left.table("t-edges");
    edges.static_routes.insert(cidr("172.30.1.34/32"), target);
    let goal = failover(&["app"], OSAKA);
    let obstacles = left.plan(&goal).unwrap_err();
    let [Obstacle::MoreSpecific { cidr: route, .. }] = obstacles.as_slice() else {
        panic!("{obstacles:#?}");
    };
    assert_eq!(*route, cidr("172.30.1.34/32"));
    // Moving the network, which is where it shall be, takes the route away and nothing else.
    let left = left.after(&[move_in(&["app"])]);
    assert_eq!(
        left.plan(&goal).unwrap().steps,
        setup.plan(&goal).unwrap().steps
    );
}

#[test]
fn a_canary_is_one_machine_of_the_networks() {
    for (name, found) in [("absent", 0), ("twin", 2)] {
        let mut setup = pair();
        setup.machine("twin", &["172.30.1.50"], true);
        setup.machine("other", &["172.30.1.51"], true);
        let other = setup.instance("other");
        other.tags.insert("Name".to_owned(), "twin".to_owned());
        let obstacles = setup.plan(&canary(&["app"], &[name])).unwrap_err();
        let [Obstacle::NoSuchMachine { found: is, .. }] = obstacles.as_slice() else {
            panic!("{obstacles:#?}");
        };
        assert_eq!(*is, found);
    }
}

// Paths A and B (AWS reference §8.4)

fn protected() -> Setup {
    Setup::small().after(&[move_in(&["app"]), protect(&["app"])])
}

fn by_path_b() -> Goal {
    failover_by(&["app"], OSAKA, FailoverMode::Planned, EntryPath::B)
}

#[test]
fn path_a_enters_by_the_old_region_and_path_b_by_the_new_one() {
    let setup = protected();
    let a = setup.plan(&failover(&["app"], OSAKA)).unwrap();
    let b = setup.plan(&by_path_b()).unwrap();
    insta::assert_snapshot!("a_failover_by_path_b", setup.shown(&by_path_b()));
    assert_eq!(
        on_prem_after(&setup, &a, "172.30.1.34"),
        "by tokyo to osaka"
    );
    assert_eq!(
        on_prem_after(&setup, &b, "172.30.1.34"),
        "by osaka to osaka"
    );
    // By path A the reply leaves Osaka by Osaka's own edge, which is said.
    assert!(!a.proof.asymmetric.is_empty());
    assert!(b.proof.asymmetric.is_empty());
}

#[test]
fn failback_after_path_b_takes_the_halves_away() {
    let setup = protected().after(&[by_path_b(), protect(&["app"])]);
    let plan = setup.plan(&failback(&["app"])).unwrap();
    let gone = |half: &str| {
        routes(&plan)
            .iter()
            .any(|route| *route == format!("tgw-rtb-o-edges: {half} → absent"))
    };
    assert!(
        gone("172.30.1.0/25") && gone("172.30.1.128/25"),
        "{:?}",
        routes(&plan)
    );
    assert_eq!(
        on_prem_after(&setup, &plan, "172.30.1.34"),
        "by tokyo to tokyo"
    );
}

/// The steps of a plan up to the first for which this holds, done.
fn done_until(setup: &Setup, plan: &Plan, at: impl Fn(&Action) -> bool) -> Setup {
    let mut setup = setup.clone();
    let steps = plan.steps.iter();
    for step in steps.take_while(|step| !at(&step.action)) {
        setup.apply(step);
    }
    setup
}

fn is_half(action: &Action) -> bool {
    matches!(action, Action::TgwRoute { cidr, .. } if cidr.len() == 25)
}

const HALVES: [&str; 2] = [
    "tgw-rtb-o-edges: 172.30.1.0/25 → tgw-attach-nc2o",
    "tgw-rtb-o-edges: 172.30.1.128/25 → tgw-attach-nc2o",
];

#[test]
fn a_failover_by_path_b_that_is_resumed_writes_the_other_half() {
    let setup = protected();
    for (goal, lost) in [
        (by_path_b(), false),
        // The same without a path: what was begun is kept and finished.
        (failover(&["app"], OSAKA), false),
        (
            failover_by(&["app"], OSAKA, FailoverMode::Unplanned, EntryPath::B),
            true,
        ),
    ] {
        let setup = match lost {
            true => cluster_lost(),
            false => setup.clone(),
        };
        let mode = match lost {
            true => FailoverMode::Unplanned,
            false => FailoverMode::Planned,
        };
        let plan = setup
            .plan(&failover_by(&["app"], OSAKA, mode, EntryPath::B))
            .unwrap();
        // Killed between the halves.
        let mut killed = done_until(&setup, &plan, is_half);
        let first = plan.steps.iter().find(|step| is_half(&step.action));
        killed.apply(first.unwrap());
        let rest = killed.plan(&goal).unwrap();
        let left = routes(&rest);
        let left = left.iter().filter(|route| route.contains("/25"));
        assert_eq!(left.count(), 1, "{goal}: {:?}", routes(&rest));
        assert_eq!(
            killed
                .after(std::slice::from_ref(&goal))
                .plan(&goal)
                .unwrap()
                .steps,
            []
        );
    }
}

#[test]
fn path_b_writes_its_halves_although_the_old_region_is_lost() {
    let goal = unplanned_without_tokyo(&["app"], EntryPath::B);
    let plan = region_lost().plan(&goal).unwrap();
    for half in HALVES {
        assert!(routes(&plan).iter().any(|route| route == half), "{plan:#?}");
    }
}

#[test]
fn a_failover_without_a_path_keeps_path_b_and_says_how_to_leave_it() {
    let setup = protected().after(&[by_path_b()]);
    let kept = setup.plan(&failover(&["app"], OSAKA)).unwrap();
    assert_eq!(kept.steps, []);
    assert_eq!(
        warning_texts(&kept),
        [
            "on-prem comes in to app by the region of osaka (path b): 172.30.1.0/25 and 172.30.1.128/25 stay; `stayput apply failover app --to osaka --path a` removes them"
        ]
    );
    let path_a = failover_by(&["app"], OSAKA, FailoverMode::Planned, EntryPath::A);
    let left = setup.plan(&path_a).unwrap();
    assert_eq!(
        routes(&left),
        [
            "tgw-rtb-o-edges: 172.30.1.0/25 → absent",
            "tgw-rtb-o-edges: 172.30.1.128/25 → absent",
        ]
    );
    assert!(left.warnings.is_empty(), "{:?}", left.warnings);
    let setup = setup.after(std::slice::from_ref(&path_a));
    assert_eq!(setup.plan(&path_a).unwrap().steps, []);
    assert_eq!(setup.plan(&failover(&["app"], OSAKA)).unwrap().steps, []);
}

#[test]
fn the_verification_of_path_b_asks_for_both_halves() {
    let plan = protected().plan(&by_path_b()).unwrap();
    let mut verified = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Verify { routes, .. } => Some(routes.clone()),
        _ => None,
    });
    let wanted: Vec<_> = verified.next().unwrap();
    let prefixes: Vec<_> = wanted.iter().map(|route| route.cidr.to_string()).collect();
    assert_eq!(prefixes, ["172.30.1.0/25", "172.30.1.128/25"]);

    let mut setup = protected().after(&[by_path_b()]);
    let passed = stayput_plan::Verification::default();
    assert!(passed.clone().of_routes(&setup.world, &wanted).is_passed());
    setup
        .table("o-edges")
        .static_routes
        .remove(&cidr("172.30.1.128/25"));
    let failed = passed.of_routes(&setup.world, &wanted);
    assert_eq!(
        failed.wrong[0].to_string(),
        "172.30.1.128/25 in tgw-rtb-o-edges (ap-northeast-3) is absent, expected tgw-attach-nc2o"
    );
}

#[test]
fn path_b_needs_an_edge_that_announces_what_is_written() {
    let mut setup = protected();
    let edge = setup.estate.edges.get_mut(&OSAKA.into()).unwrap();
    edge.kind = EdgeKind::StaticVpn {
        on_prem_routes: Vec::new(),
    };
    let obstacles = setup.plan(&by_path_b()).unwrap_err();
    let [obstacle @ Obstacle::NoAnnouncement { .. }] = obstacles.as_slice() else {
        panic!("{obstacles:#?}");
    };
    assert!(
        obstacle
            .remedy()
            .contains("172.30.1.0/25 and 172.30.1.128/25")
    );
}

// Losses (AWS reference §8.4)

/// Tokyo's cluster has died; its region answers.
fn cluster_lost() -> Setup {
    let mut setup = protected();
    setup.without_prism(TOKYO, Silence::Silent);
    setup.without_move(TOKYO, Silence::Silent);
    setup
}

/// Tokyo's region has died.
fn region_lost() -> Setup {
    let mut setup = cluster_lost();
    setup.without_region("ap-northeast-1", Silence::Silent);
    setup
}

#[test]
fn a_lost_cluster_is_fenced_before_its_machines_start_elsewhere() {
    let setup = cluster_lost();
    let goal = unplanned(&["app"], OSAKA);
    let plan = setup.plan(&goal).unwrap();
    insta::assert_snapshot!("a_failover_from_a_lost_cluster", setup.shown(&goal));
    let fence = position(&plan, |action| {
        matches!(
            action,
            Action::TgwRoute {
                to: Some(TgwTarget::Blackhole),
                ..
            }
        )
    });
    let start = position(&plan, |action| {
        matches!(
            action,
            Action::RunRecovery {
                run: RecoveryRun::Unplanned,
                ..
            }
        )
    });
    assert!(fence < start);
    assert!(
        plan.steps.iter().all(|step| !matches!(
            &step.action,
            Action::Erp { site, .. } if site.as_str() == TOKYO
        )),
        "nothing is asked of the cluster"
    );
}

#[test]
fn a_machine_that_was_off_is_found_where_it_was_recovered() {
    let mut setup = Setup::small();
    setup.machine("old", &["172.30.1.60"], false);
    let mut setup = setup.after(&[move_in(&["app"]), protect(&["app"])]);
    setup.without_prism(TOKYO, Silence::Silent);
    let goal = unplanned(&["app"], OSAKA);
    let mut done = setup.clone();
    for step in setup.plan(&goal).unwrap().steps {
        done.apply(&step);
    }
    let old = done.facts.vms[&"i-old".into()][&OSAKA.into()].clone();
    let vm = done.prism(OSAKA).vms.get_mut(&old).unwrap();
    vm.power = PowerState::Off;
    assert_eq!(done.plan(&goal).unwrap().steps, []);
}

#[test]
fn a_cluster_declared_lost_may_answer_and_is_left_all_the_same() {
    let goal = unplanned_without_tokyo(&["app"], EntryPath::A);
    let mut setup = protected();
    // Killed after any step, the run goes on from there.
    loop {
        let rest = setup.plan(&goal).unwrap().steps;
        let Some(step) = rest.first() else {
            break;
        };
        setup.apply(step);
    }
    assert!(
        setup
            .prism(TOKYO)
            .vms
            .contains_key(&"vm-tokyo-i-web".into())
    );
    assert_eq!(
        setup.facts.newest[&"i-web".into()].as_str(),
        OSAKA,
        "it was recovered"
    );
}

#[test]
fn what_a_recovered_machine_was_stops_a_failback_while_it_runs() {
    let setup = protected().after(&[unplanned_without_tokyo(&["app"], EntryPath::A)]);
    let obstacles = setup.plan(&failback(&["app"])).unwrap_err();
    let [Obstacle::RunsTwice { site, at, vm, .. }] = obstacles.as_slice() else {
        panic!("{obstacles:#?}");
    };
    assert_eq!((site.as_str(), at.as_str()), (OSAKA, TOKYO));
    assert_eq!(vm.as_str(), "vm-tokyo-i-web");
    assert!(setup.plan(&capture(&["app"])).is_ok());

    let mut off = setup.clone();
    let old = off.prism(TOKYO).vms.get_mut(&"vm-tokyo-i-web".into());
    old.unwrap().power = PowerState::Off;
    let off = off.after(&[protect(&["app"])]);
    let plan = off.plan(&failback(&["app"])).unwrap();
    assert!(!plan.steps.is_empty());
}

#[test]
fn a_lost_region_is_left_by_calls_of_the_recovery_region_alone() {
    let setup = region_lost();
    let goal = unplanned_without_tokyo(&["app"], EntryPath::A);
    let plan = setup.plan(&goal).unwrap();
    insta::assert_snapshot!("a_failover_from_a_lost_region", setup.shown(&goal));
    for step in &plan.steps {
        if let Action::TgwRoute { region, .. } = &step.action {
            assert_eq!(region.as_str(), "ap-northeast-3", "{}", step.id);
        }
    }
    assert_eq!(
        on_prem_after(&setup, &plan, "172.30.1.34"),
        "by osaka to osaka"
    );
}

#[test]
fn a_region_that_returns_with_old_routes_is_led_away_by_the_failover() {
    let before = protected();
    let goal = unplanned_without_tokyo(&["app"], EntryPath::A);
    let away = region_lost().after(std::slice::from_ref(&goal));
    // All of it as it was, machines too; its edge is kept down.
    let mut back = away.clone();
    let tokyo = "ap-northeast-1".into();
    let region = before.world.aws[&tokyo].clone();
    back.world.aws.insert(tokyo, region);
    let cluster = before.world.prism[&TOKYO.into()].clone();
    back.world.prism.insert(TOKYO.into(), cluster);
    back.world.moves.clone_from(&before.world.moves);
    for vpn in back.tokyo().vpns.values_mut() {
        vpn.tunnels_up = 0;
    }
    let plan = back.plan(&goal).unwrap();
    assert!(
        plan.steps.iter().all(|step| matches!(
            &step.action,
            Action::TgwRoute { region, .. } if region.as_str() == "ap-northeast-1"
        ) || matches!(step.action, Action::Verify { .. })),
        "{plan:#?}"
    );
    let led = routes(&plan);
    assert!(
        led.iter().any(|route| route.contains("172.30.1.0/24")),
        "{led:#?}"
    );
    let mut back = back.after(std::slice::from_ref(&goal));
    assert_eq!(back.plan(&goal).unwrap().steps, []);
    // The edge comes up again: no packet is drawn to the old cluster.
    for vpn in back.tokyo().vpns.values_mut() {
        vpn.tunnels_up = 1;
    }
    let fabric = Fabric::new(&back.estate, &back.world);
    let verdict = fabric.verdict(&Source::OnPrem, ip("172.30.1.34"));
    assert_eq!(
        verdict.site().map(|site| site.as_str()),
        Some(OSAKA),
        "{verdict}"
    );
}

#[test]
fn a_floating_summary_of_the_recovery_region_takes_over_by_itself() {
    // Osaka always announces the EC2 VPC's prefix, shorter than what Tokyo announces.
    let setup = region_lost();
    let edges =
        &setup.world.aws[&"ap-northeast-3".into()].tgw_route_tables[&"tgw-rtb-o-edges".into()];
    assert_eq!(
        edges.static_routes.get(&cidr(LEGACY)),
        Some(&to("tgw-attach-peer"))
    );
    let plan = setup
        .plan(&unplanned_without_tokyo(&["app"], EntryPath::A))
        .unwrap();
    let halves = routes(&plan)
        .into_iter()
        .filter(|route| route.contains("/25"));
    assert_eq!(halves.collect::<Vec<_>>(), [""; 0]);
    assert_eq!(
        on_prem_after(&setup, &plan, "172.30.1.34"),
        "by osaka to osaka"
    );
}

#[test]
fn a_zombie_that_still_draws_on_prem_is_beaten_by_two_halves() {
    // The cluster is lost, its region's edge still announces the network, and nothing can be written there.
    let setup = cluster_lost();
    let goal = failover_by(&["app"], OSAKA, FailoverMode::Unplanned, EntryPath::B);
    let plan = setup.plan(&goal).unwrap();
    let halves: Vec<_> = routes(&plan)
        .into_iter()
        .filter(|route| route.contains("/25"))
        .collect();
    assert_eq!(
        halves,
        [
            "tgw-rtb-o-edges: 172.30.1.0/25 → tgw-attach-nc2o",
            "tgw-rtb-o-edges: 172.30.1.128/25 → tgw-attach-nc2o"
        ]
    );
    // Even if Tokyo's routes were never written.
    let mut zombie = setup.clone();
    let tokyos = |step: &&stayput_plan::Step| matches!(&step.action, Action::TgwRoute { region, .. } if region.as_str() == "ap-northeast-1");
    for step in plan.steps.iter().filter(|step| !tokyos(step)) {
        zombie.apply(step);
    }
    let fabric = Fabric::new(&zombie.estate, &zombie.world);
    let verdict = fabric.verdict(&Source::OnPrem, ip("172.30.1.34"));
    assert_eq!(
        verdict.site().map(|site| site.as_str()),
        Some(OSAKA),
        "{verdict}"
    );
}

#[test]
fn where_packets_enter_is_unknown_while_a_region_is_neither_read_nor_lost() {
    let setup = region_lost();
    let fabric = Fabric::new(&setup.estate, &setup.world);
    let verdict = fabric.verdict(&Source::OnPrem, ip("172.30.1.34"));
    assert!(matches!(verdict, Verdict::Unmodelled { .. }), "{verdict}");
    let lost = [TOKYO.into()].into();
    let names = ["app".into()].into();
    let survey = Survey::without(&setup.estate, &setup.world, &setup.facts, &names, lost);
    let trace = survey.fabric().trace(&Source::OnPrem, ip("172.30.1.34"));
    let enters = |hop: &stayput_fabric::Hop| matches!(hop.at, stayput_fabric::Node::Edge(_));
    assert!(trace.hops.iter().any(enters), "{trace}");
    let verification = stayput_plan::verify(&survey, &OSAKA.into(), &[].into());
    assert_eq!(verification.taken_as_down, ["tokyo".into()].into());
}
