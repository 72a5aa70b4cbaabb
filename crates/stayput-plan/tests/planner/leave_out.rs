//! Machines that are left out of the move of their network, and what plans say of machines that stay in EC2.

use stayput_plan::Action;
use stayput_plan::Finding;
use stayput_plan::Goal;
use stayput_plan::Obstacle;
use stayput_plan::Plan;
use stayput_world::aws::InstanceState;

use crate::fixture::*;

const APP: &[&str] = &["app"];

fn without(networks: &[&str], machines: &[&str]) -> Goal {
    Goal::Move {
        networks: names(networks),
        canaries: [].into(),
        leave_out: machines.iter().map(ToString::to_string).collect(),
    }
}

fn three() -> Setup {
    let mut setup = Setup::small();
    setup.machine("api", &["172.30.1.35"], true);
    setup.machine("old", &["172.30.1.60"], false);
    setup
}

/// Machines that some step but the capture is about.
fn touched(plan: &Plan) -> Vec<String> {
    let steps = plan.steps.iter();
    let steps = steps.filter(|step| !matches!(step.action, Action::Capture { .. }));
    let machines = steps.flat_map(|step| step.action.machines());
    let machines: std::collections::BTreeSet<_> =
        machines.map(|machine| machine.to_string()).collect();
    machines.into_iter().collect()
}

#[test]
fn a_machine_left_out_stays_in_ec2_while_its_network_moves_without_it() {
    let goal = without(APP, &["api"]);
    let setup = three();
    let plan = setup.plan(&goal).unwrap();
    assert_eq!(touched(&plan), ["i-old", "i-web"]);
    assert_eq!(
        warning_texts(&plan),
        [
            "api (i-api) is left out: it stays in EC2, and 172.30.1.35 is no longer reached when its network is routed to NC2; `protect` needs it moved, terminated or in another subnet"
        ]
    );
    let verified = plan.steps.iter().find_map(|step| match &step.action {
        Action::Verify { machines, .. } => Some(machines.clone()),
        _ => None,
    });
    assert_eq!(verified, Some(["i-old".into(), "i-web".into()].into()));
    let mut end = setup.after(std::slice::from_ref(&goal));
    assert_eq!(end.plan(&goal).unwrap().steps, []);
    assert_eq!(end.instance("api").state, InstanceState::Running);
}

#[test]
fn a_move_without_a_machine_is_resumed_from_every_state() {
    let goal = without(APP, &["i-api"]);
    let setup = three();
    let plan = setup.plan(&goal).unwrap();
    for done in 0..=plan.steps.len() {
        let mut killed = setup.clone();
        for step in &plan.steps[..done] {
            killed.apply(step);
        }
        let end = killed.after(std::slice::from_ref(&goal));
        assert_eq!(end.plan(&goal).unwrap().steps, [], "killed after {done}");
    }
}

#[test]
fn obstacles_of_a_machine_do_not_matter_when_it_is_left_out() {
    let mut setup = three();
    setup.instance("api").architecture = "arm64".into();
    setup.instance("api").tags.remove("wave");
    setup.mv().workloads.remove(&"i-api".into());
    assert!(setup.plan(&move_in(APP)).is_err());
    assert!(setup.plan(&without(APP, &["api"])).is_ok());
}

#[test]
fn a_machine_left_out_that_no_network_has_is_not_passed_over() {
    for name in ["mistyped", "i-mistyped"] {
        let obstacles = three().plan(&without(APP, &[name])).unwrap_err();
        let [Obstacle::NoSuchMachine { name: is, found: 0 }] = obstacles.as_slice() else {
            panic!("{obstacles:#?}");
        };
        assert_eq!(is, name);
    }
}

#[test]
fn a_lost_machine_can_be_left_out_by_its_id() {
    let mut setup = three().after(&[capture(APP)]);
    setup.tokyo().instances.remove(&"i-api".into());
    setup.tokyo().enis.remove(&"eni-api-0".into());
    let lost = setup.plan(&move_in(APP)).unwrap_err();
    assert!(
        matches!(lost.as_slice(), [Obstacle::Lost { .. }]),
        "{lost:#?}"
    );
    assert!(setup.plan(&without(APP, &["i-api"])).is_ok());
}

#[test]
fn a_small_network_moves_when_enough_machines_are_left_out() {
    let mut setup = Setup::without_machines();
    let tiny = cidr("172.30.1.0/28");
    setup.network("app").cidr = tiny;
    let subnet = setup.tokyo().subnets.get_mut(&"subnet-app".into());
    subnet.unwrap().cidr = tiny;
    for last in 4..11 {
        setup.machine(&format!("m{last}"), &[format!("172.30.1.{last}")], true);
    }
    assert!(setup.plan(&move_in(APP)).is_err());
    let goal = without(APP, &["m4", "m5", "m6"]);
    let end = setup.after(std::slice::from_ref(&goal));
    assert_eq!(end.plan(&goal).unwrap().steps, []);
}

#[test]
fn a_canary_takes_its_own_addresses_from_machines_in_ec2_and_no_others() {
    let setup = three();
    let told = |goal: &Goal| {
        let plan = setup.plan(goal).unwrap();
        let mut findings = plan.findings.iter();
        let of = findings.find(|finding| matches!(finding, Finding::NeighboursLose { .. }));
        of.map(|finding| format!("{finding} → {}", finding.remedy()))
            .unwrap_or_default()
    };
    assert_eq!(
        told(&canary(APP, &["web"])),
        "machines left in the EC2 VPC cannot reach web, because the VPC's local route always wins: 1 running in subnet-app; they and the rest of the network are reached as before → make sure that nothing in EC2 talks to it meanwhile, or move its network whole"
    );
    assert!(
        told(&without(APP, &["api"])).starts_with(
            "machines left in the EC2 VPC cannot reach network app, because the VPC's local route always wins: 1 running in subnet-app → "
        ),
        "{}",
        told(&without(APP, &["api"]))
    );
}
