//! What is left of an approved plan: the same or less, and everything else is told.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;
use stayput_fabric::Source;
use stayput_plan::Action;
use stayput_plan::Difference;
use stayput_plan::EntryPath;
use stayput_plan::FailoverMode;
use stayput_plan::Goal;
use stayput_plan::Hole;
use stayput_plan::Phase;
use stayput_plan::Plan;
use stayput_plan::StepField;
use stayput_plan::Warning;
use stayput_plan::differences;
use stayput_plan::left_over;

use crate::fixture::*;
use crate::resume::applied;
use crate::resume::lifecycle;

/// The lifecycle of two networks and other ways to change a home.
fn cases() -> Vec<(Setup, Goal)> {
    let mut cases = lifecycle();
    let protected = Setup::new().after(&[move_in(&["app", "db"]), protect(&["app", "db"])]);
    let both = ["app", "db"];
    let by_b = failover_by(&both, OSAKA, FailoverMode::Planned, EntryPath::B);
    for goal in [test_failover(&both, OSAKA), by_b] {
        cases.push((protected.clone(), goal));
    }
    // Without a machine that is off: it would run when it is recovered, and its address be lost until the routes lead to it.
    let small = Setup::small().after(&[move_in(&["app"]), protect(&["app"])]);
    let lost = unplanned_without_tokyo(&["app"], EntryPath::A);
    cases.push((small, lost));
    let old_vm = Setup::small().after(&[
        move_in(&["app"]),
        protect(&["app"]),
        unplanned_without_tokyo(&["app"], EntryPath::A),
    ]);
    cases.push((old_vm, clean_up(&["app"], TOKYO, true)));
    let one = canary(&["app"], &["web"]);
    let mut pair = Setup::small();
    pair.machine("api", &["172.30.1.20"], true);
    cases.push((pair.clone(), one.clone()));
    cases.push((pair.after(&[one]), move_in(&["app"])));
    cases
}

#[test]
fn after_each_phase_what_is_planned_again_is_what_is_left_of_the_plan() {
    for (setup, goal) in cases() {
        let plan = setup.plan(&goal).unwrap();
        assert_eq!(left_over(&plan, &plan), [], "{goal}");
        for phase in Phase::ALL {
            let done = plan.steps.iter().filter(|step| step.phase <= phase);
            let now = applied(&setup, done).plan(&goal).unwrap();
            assert_eq!(left_over(&plan, &now), [], "{goal} after {phase}");
        }
    }
}

#[test]
fn the_steps_of_the_last_phases_alone_are_left_over_from_the_plan() {
    for (setup, goal) in cases() {
        let plan = setup.plan(&goal).unwrap();
        for phase in Phase::ALL {
            let mut suffix = plan.clone();
            suffix.steps.retain(|step| step.phase >= phase);
            assert_eq!(left_over(&plan, &suffix), [], "{goal} from {phase}");
            let fewer = suffix.steps.len() < plan.steps.len();
            assert_eq!(!differences(&plan, &suffix).is_empty(), fewer, "{goal}");
            if fewer {
                assert_ne!(left_over(&suffix, &plan), [], "{goal} from {phase}");
            }
        }
    }
}

/// Every value that differs from this one in one place, with that place; values that are no longer of its type are among them.
fn altered(value: &Value, place: &str) -> Vec<(String, Value)> {
    let here = |value: Value| (place.to_owned(), value);
    match value {
        Value::Null => vec![here(json!("blackhole"))],
        Value::Bool(flag) => vec![here(json!(!flag))],
        Value::Number(number) => vec![here(json!(number.as_u64().unwrap_or(0) + 1))],
        Value::String(text) => {
            let others = [
                "10.9.9.0/24",
                "10.9.9.9",
                "02:00:00:00:00:09",
                "user",
                "transit",
                "production",
                "test",
                "validate",
                "from-recovery",
                "from-pool",
                "blackhole",
                "as-it-is",
            ];
            let mut altered: Vec<_> = others.map(|other| here(json!(other))).into();
            altered.push(here(json!(format!("{text}-9"))));
            altered.push(here(Value::Null));
            altered
        }
        Value::Array(items) => {
            let mut altered: Vec<_> = Vec::new();
            for (at, item) in items.iter().enumerate() {
                for (place, item) in self::altered(item, &format!("{place}[]")) {
                    let mut items = items.clone();
                    items[at] = item;
                    altered.push((place, Value::Array(items)));
                }
            }
            let more = items.first().into_iter().cloned();
            for item in more.chain(["x-9", "10.9.9.9", "10.9.9.0/24"].map(Value::from)) {
                let mut longer = items.clone();
                longer.push(item);
                altered.push(here(Value::Array(longer)));
            }
            altered
        }
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, field)| {
                let altered = altered(field, &format!("{place}.{name}"));
                altered.into_iter().map(move |(place, field)| {
                    let mut fields = fields.clone();
                    fields.insert(name.clone(), field);
                    (place, Value::Object(fields))
                })
            })
            .collect(),
    }
}

/// The places of a value that can be altered.
fn places(value: &Value) -> BTreeSet<String> {
    altered(value, "")
        .into_iter()
        .map(|(place, _)| place)
        .collect()
}

#[test]
fn an_action_with_any_field_altered_is_not_part_of_the_approved_one() {
    let mut kinds = BTreeSet::new();
    for (setup, goal) in cases() {
        for step in setup.plan(&goal).unwrap().steps {
            let json = serde_json::to_value(&step.action).unwrap();
            let mut told = BTreeSet::new();
            for (place, altered) in altered(&json, "") {
                let Ok(action) = serde_json::from_value::<Action>(altered) else {
                    continue;
                };
                if action != step.action {
                    assert!(!action.is_part_of(&step.action), "{place}: {action:?}");
                    told.insert(place);
                }
            }
            let mut all = places(&json);
            // The tag: another kind has other fields.
            all.remove(".do");
            assert_eq!(told, all, "{json}");
            kinds.insert(json["do"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(kinds.len(), 16, "{kinds:?}");
}

#[test]
fn an_action_for_fewer_machines_is_part_of_the_approved_one() {
    let mut fewer = 0;
    for (setup, goal) in cases() {
        for step in setup.plan(&goal).unwrap().steps {
            assert!(step.action.is_part_of(&step.action));
            let Some(machine) = step.action.machines().into_iter().next() else {
                continue;
            };
            let mut action = step.action.clone();
            match &mut action {
                Action::Capture { machines } => drop(machines.remove(&machine)),
                Action::Replicate { machines, .. }
                | Action::Categorize { machines, .. }
                | Action::AwaitRecoveryPoints { machines, .. }
                | Action::RunRecovery { machines, .. } => drop(machines.remove(&machine)),
                _ => continue,
            }
            assert!(action.is_part_of(&step.action), "{action:?}");
            assert!(!step.action.is_part_of(&action), "{action:?}");
            fewer += 1;
        }
    }
    assert!(fewer > 5, "{fewer}");
}

#[test]
fn verifying_all_machines_is_more_than_verifying_some() {
    let verify = |machines: &[&str]| Action::Verify {
        site: TOKYO.into(),
        networks: names(&["app"]),
        machines: machines.iter().map(|id| (*id).into()).collect(),
        lost: BTreeSet::new(),
        routes: Vec::new(),
    };
    assert!(verify(&["i-a"]).is_part_of(&verify(&["i-a", "i-b"])));
    assert!(verify(&["i-a"]).is_part_of(&verify(&[])));
    assert!(!verify(&[]).is_part_of(&verify(&["i-a"])));
    assert!(!verify(&["i-a", "i-b"]).is_part_of(&verify(&["i-a"])));
}

/// A failover, and a step of it with a need and an undo.
fn approved() -> Plan {
    let setup = Setup::new().after(&[move_in(&["app", "db"]), protect(&["app", "db"])]);
    setup.plan(&failover(&["app", "db"], OSAKA)).unwrap()
}

fn told(approved: &Plan, alter: impl Fn(&mut Plan)) -> Vec<Difference> {
    let mut now = approved.clone();
    alter(&mut now);
    left_over(approved, &now)
}

#[test]
fn another_phase_undo_order_id_or_goal_of_a_step_is_told() {
    let plan = approved();
    for at in 0..plan.steps.len() {
        let id = &plan.steps[at].id;
        for phase in Phase::ALL {
            let found = told(&plan, |now| now.steps[at].phase = phase);
            let fields: BTreeSet<_> = [StepField::Phase].into();
            let same = phase == plan.steps[at].phase;
            assert_eq!(found.is_empty(), same, "{found:?}");
            assert!(
                found.iter().all(
                    |one| matches!(one, Difference::Changed { fields: of, .. } if *of == fields)
                )
            );
        }
        let undo = plan.steps[at].inverse.clone();
        let found = told(&plan, |now| {
            now.steps[at].inverse = match undo {
                Some(_) => None,
                None => Some(plan.steps[at].action.clone()),
            }
        });
        assert!(matches!(&*found, [Difference::Changed { .. }]), "{found:?}");
        let found = told(&plan, |now| {
            now.steps[at].id.0 = format!("{}9", now.steps[at].id).into()
        });
        assert!(
            found
                .iter()
                .any(|one| matches!(one, Difference::New { .. })),
            "{found:?}"
        );
        if !plan.steps[at].needs.is_empty() {
            let found = told(&plan, |now| now.steps[at].needs = Default::default());
            let about: Vec<_> = found.iter().map(Difference::step).collect();
            assert!(about.contains(&Some(id)), "{found:?}");
            assert!(
                found
                    .iter()
                    .all(|one| matches!(one, Difference::Reordered { .. })),
                "{found:?}"
            );
        }
    }
    let found = told(&plan, |now| now.goal = failback(&["app", "db"]));
    assert!(matches!(&*found, [Difference::Goal { .. }]), "{found:?}");
}

#[test]
fn a_new_warning_is_told_if_it_is_about_a_machine_of_the_plan() {
    let plan = approved();
    let warn = |warning: Warning| told(&plan, |now| now.warnings.push(warning.clone()));
    let found = warn(Warning::of_machine(&"i-web".into(), "it runs in EC2 again"));
    assert!(matches!(&*found, [Difference::Warning { .. }]), "{found:?}");
    assert_eq!(
        warn(Warning::of_machine(&"i-elsewhere".into(), "it runs")),
        []
    );
    assert_eq!(warn(Warning::general("the weather is bad")), []);
    let mut warned = plan.clone();
    let known = Warning::of_machine(&"i-web".into(), "known");
    warned.warnings.push(known);
    assert_eq!(left_over(&warned, &warned), []);
    assert_eq!(left_over(&warned, &plan), []);
}

#[test]
fn a_longer_wider_or_new_hole_is_told_and_a_smaller_one_is_not() {
    let plan = approved();
    let of_on_prem = |hole: &Hole| hole.is_of_on_prem();
    let at = plan.proof.holes.iter().position(of_on_prem).unwrap();
    let hole = &plan.proof.holes[at];
    let (first, last) = (&plan.steps[0].id, &plan.steps[plan.steps.len() - 1].id);
    let with = |alter: &dyn Fn(&mut Hole)| told(&plan, |now| alter(&mut now.proof.holes[at]));
    let worse: [&dyn Fn(&mut Hole); 6] = [
        &|hole| hole.opens = Some(first.clone()),
        &|hole| hole.opens = None,
        &|hole| hole.closes = Some(last.clone()),
        &|hole| hole.closes = None,
        &|hole| hole.ranges[0].first = ip("172.30.1.3"),
        &|hole| {
            hole.source = Source::Spoke {
                vpc: "vpc-9".into(),
            }
        },
    ];
    for alter in worse {
        let found = with(alter);
        assert!(matches!(&*found, [Difference::Hole { .. }]), "{found:?}");
    }
    let found = with(&|hole| hole.ranges[0].first = ip("172.30.1.3"));
    let [Difference::Hole { ranges, .. }] = &*found else {
        panic!("{found:?}");
    };
    assert_eq!(ranges[0].first, ip("172.30.1.3"));
    assert!(
        ranges
            .iter()
            .all(|range| !range.contains(hole.ranges[0].first))
    );
    let better: [&dyn Fn(&mut Hole); 3] = [
        &|hole| hole.opens = hole.closes.clone(),
        &|hole| hole.closes = hole.opens.clone(),
        &|hole| hole.ranges.truncate(1),
    ];
    for alter in better {
        assert_eq!(with(alter), []);
    }
    assert_eq!(told(&plan, |now| now.proof.holes.clear()), []);
}

#[test]
fn a_hole_is_approved_when_the_step_that_opened_it_is_done() {
    let plan = approved();
    let routes_are_left = |plan: &mut Plan| {
        plan.steps.retain(|step| step.phase >= Phase::Route);
        for hole in &mut plan.proof.holes {
            hole.opens = None;
        }
    };
    assert_eq!(told(&plan, routes_are_left), []);
    // The same hole, although no machine has stopped by a step of the plan.
    let found = told(&plan, |now| {
        let of_on_prem = now
            .proof
            .holes
            .iter_mut()
            .filter(|hole| hole.is_of_on_prem());
        of_on_prem.for_each(|hole| hole.opens = None);
    });
    assert!(!found.is_empty());
}

#[test]
fn differences_say_what_changed_in_a_line_for_people() {
    let plan = approved();
    let mut now = plan.clone();
    now.goal = failback(&["app"]);
    let gone = now.steps.remove(0);
    let mut new = gone.clone();
    new.id.0 = "new".into();
    now.steps.push(new);
    now.steps[0].phase = Phase::Close;
    let text: Vec<_> = differences(&plan, &now)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        text,
        [
            "the goal is failback app instead of failover app db --to osaka",
            "no longer needed: osaka: stayput-acme-app validates tokyo → osaka",
            "changed (phase): osaka: stayput-acme-db validates tokyo → osaka",
            "new: osaka: stayput-acme-app validates tokyo → osaka",
        ]
    );
    let json = serde_json::to_value(differences(&plan, &now)).unwrap();
    assert_eq!(json[1]["difference"], "gone");
    assert_eq!(json[1]["step"]["id"], gone.id.0.as_str());
    let back: Vec<Difference> = serde_json::from_value(json).unwrap();
    assert_eq!(back, differences(&plan, &now));
}
