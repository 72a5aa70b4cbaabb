//! Resume is plan again: from every state a run can be killed in, the rest of the same work leads to the same end.

use proptest::prelude::*;

use stayput_fabric::Fabric;
use stayput_fabric::Source;
use stayput_fabric::Verdict;
use stayput_plan::Action;
use stayput_plan::Goal;
use stayput_plan::Plan;
use stayput_plan::RecoveryRun;
use stayput_plan::Step;
use stayput_plan::StepId;

use crate::fixture::*;

/// The steps that change anything, done one after the other. Others come again in a resumed plan: those that look, those that
/// check and repair, and replication, from which a run learns which Move plan has the machines.
fn work<'s>(setup: &Setup, steps: impl IntoIterator<Item = &'s Step>) -> Vec<&'s StepId> {
    let mut state = setup.clone();
    let mut work = Vec::new();
    for step in steps {
        let before = state.clone();
        state.apply(step);
        if state != before {
            work.push(&step.id);
        }
    }
    work
}

pub fn applied<'s>(setup: &Setup, steps: impl IntoIterator<Item = &'s Step>) -> Setup {
    let mut setup = setup.clone();
    for step in steps {
        setup.apply(step);
    }
    setup
}

/// The lifecycle of two networks that share a machine, goal after goal, each with the setup it starts from.
pub fn lifecycle() -> Vec<(Setup, Goal)> {
    let both: &[&str] = &["app", "db"];
    let goals = [
        capture(both),
        move_in(both),
        protect(both),
        failover(both, OSAKA),
        protect(both),
        failback(both),
    ];
    let mut setup = Setup::new();
    let mut cases = Vec::new();
    for goal in goals {
        let next = setup.clone().after(std::slice::from_ref(&goal));
        cases.push((setup, goal));
        setup = next;
    }
    cases
}

#[test]
fn from_every_state_of_every_goal_the_rest_of_the_same_work_is_planned() {
    for (setup, goal) in lifecycle() {
        let plan = setup.plan(&goal).unwrap();
        let end = applied(&setup, &plan.steps);
        for done in 0..=plan.steps.len() {
            let killed = applied(&setup, &plan.steps[..done]);
            let rest = killed.plan(&goal).unwrap();
            assert_eq!(
                work(&killed, &rest.steps),
                work(&killed, &plan.steps[done..]),
                "{goal}, killed after {done}"
            );
            let resumed = applied(&killed, &rest.steps);
            assert_eq!(resumed, end, "{goal}, killed after {done}");
            let nothing = resumed.plan(&goal).unwrap();
            assert_eq!(nothing.steps, [], "{goal}, killed after {done}");
        }
    }
}

#[test]
fn a_move_without_a_captured_ledger_is_resumed_as_well() {
    let (setup, goal) = (Setup::new(), move_in(&["app", "db"]));
    let plan = setup.plan(&goal).unwrap();
    let end = applied(&setup, &plan.steps);
    for done in 0..=plan.steps.len() {
        let killed = applied(&setup, &plan.steps[..done]);
        let rest = killed.plan(&goal).unwrap();
        assert_eq!(
            work(&killed, &rest.steps),
            work(&killed, &plan.steps[done..]),
            "killed after {done}"
        );
        assert_eq!(applied(&killed, &rest.steps), end, "killed after {done}");
    }
}

/// Where the fabric of this world says each of these addresses goes.
fn verdicts(setup: &Setup, addresses: &[std::net::Ipv4Addr]) -> Vec<Verdict> {
    let fabric = Fabric::new(&setup.estate, &setup.world);
    addresses
        .iter()
        .map(|address| fabric.verdict(&Source::OnPrem, *address))
        .collect()
}

/// Addresses at which a machine answers now.
fn answered(setup: &Setup) -> Vec<std::net::Ipv4Addr> {
    let fabric = Fabric::new(&setup.estate, &setup.world);
    let of_interest = fabric.addresses_of_interest().into_iter();
    of_interest
        .filter(|address| fabric.verdict(&Source::OnPrem, *address).is_delivered())
        .collect()
}

#[test]
fn the_states_of_the_proof_are_those_the_world_goes_through() {
    for (mut setup, goal) in lifecycle() {
        let plan = setup.plan(&goal).unwrap();
        let addresses = answered(&setup);
        assert_eq!(addresses.len(), plan.proof.addresses, "{goal}");
        let mut states = plan.proof.states.iter().peekable();
        let mut check = |setup: &Setup, after: Option<&StepId>| {
            let Some(state) = states.next_if(|state| state.after.as_ref() == after) else {
                return;
            };
            let mut delivered = std::collections::BTreeMap::new();
            let mut undelivered = std::collections::BTreeMap::new();
            let said: std::collections::BTreeMap<_, _> = state
                .undelivered
                .iter()
                .map(|class| (class.delivery.to_string(), class.addresses))
                .collect();
            for verdict in verdicts(setup, &addresses) {
                match verdict.site().filter(|_| verdict.is_delivered()) {
                    Some(site) => *delivered.entry(site.clone()).or_default() += 1,
                    None => *undelivered.entry(verdict.to_string()).or_default() += 1,
                }
            }
            assert_eq!(
                (&state.delivered, said),
                (&delivered, undelivered),
                "{goal} after {after:?}"
            );
        };
        check(&setup, None);
        for step in &plan.steps {
            setup.apply(step);
            check(&setup, Some(&step.id));
        }
        assert_eq!(states.next(), None, "{goal}: states that were not passed");
    }
}

/// The steps in an order of their own that respects what each needs.
pub fn interleaved(plan: &Plan, choices: &[prop::sample::Index]) -> Vec<Step> {
    let mut left: Vec<&Step> = plan.steps.iter().collect();
    let mut order: Vec<Step> = Vec::new();
    let mut choices = choices.iter().cycle();
    while !left.is_empty() {
        let done: Vec<&StepId> = order.iter().map(|step| &step.id).collect();
        let phase = left.iter().map(|step| step.phase).min();
        let ready: Vec<usize> = (0..left.len())
            .filter(|at| Some(left[*at].phase) == phase)
            .filter(|at| left[*at].needs.iter().all(|need| done.contains(&need)))
            .collect();
        let at = ready[choices.next().unwrap().index(ready.len())];
        order.push(left.remove(at).clone());
    }
    order
}

/// Promises 2 and 3 in the world itself, between two states: no address served twice; no loop, from anywhere; no change of routes
/// that takes an address from who answers for it.
pub fn keeps_promises(before: &Setup, step: &Step, after: &Setup) -> Result<(), TestCaseError> {
    let [was, is] = [before, after].map(|setup| Fabric::new(&setup.estate, &setup.world));
    prop_assert_eq!(is.served_twice(), [].into(), "after {}", step.id);
    let moves_machines = !step.action.machines().is_empty();
    let addresses = is.addresses_of_interest();
    for address in &addresses {
        let [was, is] = [&was, &is].map(|fabric| fabric.verdict(&Source::OnPrem, *address));
        let text = format!("{address} after {}: {was}, then {is}", step.id);
        prop_assert!(!matches!(is, Verdict::Loop { .. }), "{}", text);
        prop_assert!(
            moves_machines || is.is_delivered() || !was.is_delivered(),
            "{}",
            text
        );
    }
    // Addresses of one network go the same way as far as tables can tell.
    for network in after.estate.networks.values() {
        let Some(address) = addresses
            .iter()
            .find(|address| network.cidr.contains(**address))
        else {
            continue;
        };
        for source in is.sources() {
            let verdict = is.verdict(&source, *address);
            let loops = matches!(verdict, Verdict::Loop { .. });
            prop_assert!(
                !loops,
                "{} → {} after {}: {}",
                source,
                address,
                step.id,
                verdict
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(crate::cases(16))]

    #[test]
    fn any_order_that_respects_needs_is_safe_ends_alike_and_can_be_killed_anywhere(
        which in 0usize..6,
        choices in prop::collection::vec(any::<prop::sample::Index>(), 64),
        kill in any::<prop::sample::Index>(),
    ) {
        let (setup, goal) = lifecycle().remove(which);
        let plan = setup.plan(&goal).unwrap();
        let end = applied(&setup, &plan.steps);
        let order = interleaved(&plan, &choices);
        let mut state = setup.clone();
        for step in &order {
            let next = applied(&state, [step]);
            keeps_promises(&state, step, &next)?;
            state = next;
        }
        prop_assert_eq!(&state, &end);

        let done = kill.index(order.len() + 1);
        let killed = applied(&setup, &order[..done]);
        let rest = killed.plan(&goal).unwrap();
        let (mut left, mut planned) = (work(&killed, &order[done..]), work(&killed, &rest.steps));
        left.sort();
        planned.sort();
        prop_assert_eq!(planned, left);
        prop_assert_eq!(applied(&killed, &rest.steps), end);
    }
}

#[test]
fn protection_of_machines_at_two_sites_is_set_at_each() {
    let app = &["app"];
    let mut setup = Setup::small();
    setup.machine("old", &["172.30.1.60"], true);
    let mut setup = setup.after(&[move_in(app), protect(app)]);
    // A person took the category from one right before the recovery plan ran: it stays behind.
    for mut step in setup.plan(&failover(app, OSAKA)).unwrap().steps {
        let mut is_split = false;
        if let Action::RunRecovery {
            run: RecoveryRun::Planned,
            machines,
            ..
        } = &mut step.action
        {
            is_split = machines.remove(&"i-old".into());
        }
        setup.apply(&step);
        if is_split {
            break;
        }
    }
    setup.vm("old", TOKYO).categories.clear();
    let plan = setup.plan(&protect(app)).unwrap();
    let given = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Categorize { site, machines, .. } => Some((site.to_string(), machines.clone())),
        _ => None,
    });
    let given: Vec<_> = given.collect();
    assert_eq!(given, [(TOKYO.to_owned(), ["i-old".into()].into())]);
    let protected = setup.after(&[protect(app)]);
    let back = protected.after(&[failover(app, OSAKA)]);
    assert!(back.plan(&failover(app, OSAKA)).unwrap().steps.is_empty());
}
