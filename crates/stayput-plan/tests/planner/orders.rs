//! Orders that are wrong, each with what AWS reference §8 says happens: refused, or a hole that is announced.

use stayput_fabric::Source;
use stayput_fabric::Verdict;
use stayput_plan::Action;
use stayput_plan::Delivery;
use stayput_plan::ErpScope;
use stayput_plan::Goal;
use stayput_plan::Obstacle;
use stayput_plan::Proof;
use stayput_plan::Step;
use stayput_world::aws::VpcRouteTarget;

use crate::fixture::*;

/// The same steps, those for which `early` holds first.
fn early(steps: &[Step], early: impl Fn(&Action) -> bool) -> Vec<Step> {
    let (mut first, rest): (Vec<_>, Vec<_>) =
        steps.iter().cloned().partition(|step| early(&step.action));
    first.extend(rest);
    first
}

fn prove(setup: &Setup, goal: &Goal, steps: &[Step]) -> Result<Proof, Vec<Obstacle>> {
    stayput_plan::prove(&setup.estate, &setup.world, &setup.facts, goal, steps)
}

/// What the proof refuses, as texts.
fn refused(setup: &Setup, goal: &Goal, steps: &[Step]) -> Vec<String> {
    match prove(setup, goal, steps) {
        Ok(proof) => panic!("proven: {proof}"),
        Err(obstacles) => obstacles.iter().map(ToString::to_string).collect(),
    }
}

fn holes(setup: &Setup, goal: &Goal, steps: &[Step]) -> Vec<String> {
    let proof = prove(setup, goal, steps).unwrap();
    let step =
        |id: &Option<stayput_plan::StepId>| id.as_ref().map_or("-".to_owned(), ToString::to_string);
    let holes = proof.holes.iter().filter(|hole| hole.is_of_on_prem());
    holes
        .map(|hole| {
            format!(
                "{} … {}: {}",
                step(&hole.opens),
                step(&hole.closes),
                hole.what()
            )
        })
        .collect()
}

fn is_route(action: &Action) -> bool {
    matches!(action, Action::TgwRoute { .. })
}

fn is_transit_prefix(action: &Action) -> bool {
    matches!(
        action,
        Action::Erp {
            scope: ErpScope::Transit,
            ..
        }
    )
}

/// A move's steps, and the world they start from.
fn a_move() -> (Setup, Goal, Vec<Step>) {
    let (setup, goal) = (Setup::small(), move_in(&["app"]));
    let steps = setup.plan(&goal).unwrap().steps;
    (setup, goal, steps)
}

fn a_failover() -> (Setup, Goal, Vec<Step>) {
    let setup = Setup::small().after(&[move_in(&["app"]), protect(&["app"])]);
    let goal = failover(&["app"], OSAKA);
    let steps = setup.plan(&goal).unwrap().steps;
    (setup, goal, steps)
}

fn outside_in(steps: &[Step]) -> Vec<Step> {
    let mut routes: Vec<_> = steps
        .iter()
        .filter(|step| is_route(&step.action))
        .cloned()
        .rev()
        .collect();
    let mut steps = steps.to_vec();
    for slot in steps.iter_mut().rev().filter(|step| is_route(&step.action)) {
        *slot = routes.remove(routes.len() - 1);
    }
    steps
}

// §8.2

#[test]
fn the_planners_own_order_has_one_hole_from_the_stop_to_the_edges_route() {
    let (setup, goal, steps) = a_move();
    assert_eq!(
        holes(&setup, &goal, &steps),
        [
            "cutover/i-web … route/ap-northeast-1/tgw-rtb-t-edges/172.30.1.0/24/tgw-attach-nc2t: no machine answers at ec2 or at any other site"
        ]
    );
}

#[test]
fn the_route_before_the_stop_is_refused_because_the_source_still_runs() {
    let (setup, goal, steps) = a_move();
    let order = early(&steps, |action| {
        !matches!(action, Action::Cutover { .. } | Action::RestoreNics { .. })
    });
    assert_eq!(
        refused(&setup, &goal, &order),
        [
            "after step route/ap-northeast-1/tgw-rtb-t-edges/172.30.1.0/24/tgw-attach-nc2t: on-prem → 172.30.1.34: wrong site: sent to tokyo, where no machine answers; its machine is at ec2"
        ]
    );
}

#[test]
fn the_route_before_stop_and_prefix_is_refused_because_packets_leave_by_nat() {
    let (setup, goal, steps) = a_move();
    let order = early(&steps, is_route);
    assert_eq!(
        refused(&setup, &goal, &order),
        [
            "after step route/ap-northeast-1/tgw-rtb-t-edges/172.30.1.0/24/tgw-attach-nc2t: on-prem → 172.30.1.34: lost: leaves through nat-t at vpc-nc2t / rtb-vpc-nc2t"
        ]
    );
}

#[test]
fn the_route_before_the_prefix_is_a_hole_when_the_source_is_stopped_already() {
    let (setup, goal, steps) = a_move();
    let order = early(&steps, |action| !is_transit_prefix(action));
    assert_eq!(
        holes(&setup, &goal, &order),
        [
            "cutover/i-web … erp/tokyo/transit/app/on: no machine answers at ec2 or at any other site"
        ]
    );
}

#[test]
fn the_route_before_the_prefix_is_refused_when_an_aggregate_makes_it_loop() {
    let (mut setup, goal, steps) = a_move();
    let aggregate = vpc_route(cidr("172.16.0.0/12"), VpcRouteTarget::Tgw("tgw-t".into()));
    let table = setup
        .tokyo()
        .route_tables
        .get_mut(&"rtb-vpc-nc2t".into())
        .unwrap();
    table.routes.push(aggregate);
    // With the planner's order the aggregate does no harm.
    assert_eq!(setup.plan(&goal).unwrap().steps, steps);
    let order = early(&steps, |action| !is_transit_prefix(action));
    assert_eq!(
        refused(&setup, &goal, &order),
        [
            "after step route/ap-northeast-1/tgw-rtb-t-vpcs/172.30.1.0/24/tgw-attach-nc2t: on-prem → 172.30.1.34: loop: vpc-nc2t / rtb-vpc-nc2t → tgw-t / tgw-rtb-t-vpcs → vpc-nc2t / rtb-vpc-nc2t"
        ]
    );
}

#[test]
fn the_target_before_the_stop_is_refused_because_the_address_would_be_served_twice() {
    let (setup, goal, steps) = a_move();
    let order = early(&steps, |action| {
        matches!(action, Action::RestoreNics { .. })
    });
    assert_eq!(
        refused(&setup, &goal, &order),
        [
            "after step restore/tokyo/i-web: on-prem → 172.30.1.34: machines at ec2 and tokyo answer at once"
        ]
    );
}

#[test]
fn a_move_without_its_routes_is_refused_because_no_packet_arrives() {
    let (setup, goal, mut steps) = a_move();
    steps.retain(|step| !is_route(&step.action));
    assert_eq!(
        refused(&setup, &goal, &steps),
        [
            "at the end on-prem → 172.30.1.34 of web is not delivered: wrong site: sent to ec2, where no machine answers; its machine is at tokyo"
        ]
    );
}

// §8.4

#[test]
fn failover_routes_from_the_new_home_outward_never_loop() {
    let (setup, goal, steps) = a_failover();
    assert_eq!(
        holes(&setup, &goal, &steps),
        [
            "recovery/app/planned/osaka … route/ap-northeast-1/tgw-rtb-t-edges/172.30.1.0/24/tgw-attach-peer: sent to tokyo while the machine is at osaka"
        ]
    );
}

#[test]
fn failover_routes_outside_in_are_refused_because_they_loop_between_the_regions() {
    let (setup, goal, steps) = a_failover();
    assert_eq!(
        refused(&setup, &goal, &outside_in(&steps)),
        [
            "after step route/ap-northeast-1/tgw-rtb-t-edges/172.30.1.0/24/tgw-attach-peer: on-prem → 172.30.1.34: loop: tgw-o / tgw-rtb-o-vpcs → tgw-t / tgw-rtb-t-vpcs → tgw-o / tgw-rtb-o-vpcs"
        ]
    );
}

#[test]
fn failover_routes_outside_in_are_a_hole_when_osaka_does_not_lead_back() {
    let (mut setup, goal, _) = a_failover();
    setup.table("o-vpcs").static_routes.remove(&cidr(LEGACY));
    let steps = setup.plan(&goal).unwrap().steps;
    assert_eq!(
        holes(&setup, &goal, &outside_in(&steps)),
        [
            "recovery/app/planned/osaka … route/ap-northeast-3/tgw-rtb-o-vpcs/172.30.1.0/24/tgw-attach-nc2o: sent to tokyo while the machine is at osaka"
        ]
    );
}

#[test]
fn failover_of_more_than_the_network_is_refused_because_others_lose_their_way() {
    let mut setup = Setup::small();
    setup.machine("proxy", &["172.30.2.20"], true);
    // Osaka's own edge is the one on-prem prefers, so that what Osaka routes is seen.
    setup
        .estate
        .edges
        .get_mut(&OSAKA.into())
        .unwrap()
        .local_preference = 300;
    let setup = setup.after(&[move_in(&["app"]), protect(&["app"])]);
    let goal = failover(&["app"], OSAKA);
    let mut steps = setup.plan(&goal).unwrap().steps;
    for step in &mut steps {
        if let Action::TgwRoute {
            table,
            cidr: prefix,
            ..
        } = &mut step.action
            && table.as_str().starts_with("tgw-rtb-o")
        {
            *prefix = cidr(LEGACY);
        }
    }
    assert_eq!(
        refused(&setup, &goal, &steps),
        [
            "after step route/ap-northeast-3/tgw-rtb-o-edges/172.30.1.0/24/tgw-attach-nc2o: on-prem → 172.30.2.20: lost: leaves through nat-o at vpc-nc2o / rtb-vpc-nc2o"
        ]
    );
}

#[test]
fn routes_before_the_machines_are_over_are_refused() {
    let (setup, goal, steps) = a_failover();
    let order = early(&steps, |action| {
        is_route(action) || is_transit_prefix(action) && action_is_on(action)
    });
    let order = early(&order, |action| {
        is_transit_prefix(action) && action_is_on(action)
    });
    assert_eq!(
        refused(&setup, &goal, &order),
        [
            "after step route/ap-northeast-1/tgw-rtb-t-edges/172.30.1.0/24/tgw-attach-peer: on-prem → 172.30.1.34: wrong site: sent to osaka, where no machine answers; its machine is at tokyo"
        ]
    );
}

#[test]
fn closing_the_old_home_first_is_refused() {
    let (setup, goal, steps) = a_failover();
    let order = early(&steps, |action| {
        is_transit_prefix(action) && !action_is_on(action)
    });
    assert_eq!(
        refused(&setup, &goal, &order),
        [
            "after step erp/tokyo/transit/app/off: on-prem → 172.30.1.34: lost: leaves through nat-t at vpc-nc2t / rtb-vpc-nc2t"
        ]
    );
}

fn action_is_on(action: &Action) -> bool {
    matches!(action, Action::Erp { present: true, .. })
}

// §8.5

#[test]
fn failback_routes_from_the_old_home_outward_are_refused_because_they_loop() {
    let (setup, goal, _) = a_failover();
    let setup = setup.after(&[goal, protect(&["app"])]);
    let goal = failback(&["app"]);
    let steps = setup.plan(&goal).unwrap().steps;
    assert_eq!(
        refused(&setup, &goal, &outside_in(&steps)),
        [
            "after step route/ap-northeast-3/tgw-rtb-o-vpcs/172.30.1.0/24/tgw-attach-peer: on-prem → 172.30.1.34: loop: tgw-o / tgw-rtb-o-vpcs → tgw-t / tgw-rtb-t-vpcs → tgw-o / tgw-rtb-o-vpcs"
        ]
    );
}

// §8.6

#[test]
fn a_test_failover_changes_no_route_and_no_prefix() {
    let (setup, ..) = a_failover();
    let plan = setup.plan(&test_failover(&["app"], OSAKA)).unwrap();
    assert!(
        plan.steps
            .iter()
            .all(|step| matches!(step.action, Action::RunRecovery { .. }))
    );
    assert_eq!(plan.proof.states.len(), 1);
}

// A state that is wrong already

#[test]
fn a_loop_that_is_there_already_is_repaired_and_not_refused() {
    let (mut setup, goal, steps) = a_failover();
    let by_hand = |step: &&Step| matches!(&step.action, Action::TgwRoute { table, .. } if table.as_str().starts_with("tgw-rtb-t"));
    for step in steps
        .iter()
        .take_while(|step| !is_transit_prefix(&step.action))
    {
        setup.apply(step);
    }
    for step in steps.iter().filter(by_hand) {
        setup.apply(step);
    }
    let plan = setup.plan(&goal).unwrap();
    assert!(
        plan.proof.states[0]
            .undelivered
            .iter()
            .any(|class| matches!(class.delivery, Delivery::NotDelivered(Verdict::Loop { .. }))),
        "{:?}",
        plan.proof
    );
    assert!(plan.proof.states.last().unwrap().undelivered.is_empty());
    assert!(plan.proof.loops_now.contains(&Source::OnPrem));
    assert!(plan.proof.to_string().contains("no new loops"));
}
