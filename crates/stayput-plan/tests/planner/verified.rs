//! What a verification expects, finds and misses: one world for each thing that is wrong.

use stayput_plan::Goal;
use stayput_plan::Survey;
use stayput_plan::Verification;
use stayput_plan::Wrong;
use stayput_plan::verify_goal;
use stayput_world::Silence;
use stayput_world::aws::InstanceState;
use stayput_world::prism::PowerState;

use crate::fixture::*;

/// A machine that ran and one that was off, both moved.
fn moved() -> Setup {
    let mut setup = Setup::small();
    setup.machine("old", &["172.30.1.60"], false);
    setup.after(&[move_in(&["app"])])
}

fn verified(setup: &Setup) -> Verification {
    let survey = Survey::new(&setup.estate, &setup.world, &setup.facts, &names(&["app"]));
    stayput_plan::verify(&survey, &TOKYO.into(), &[].into())
}

/// The only thing that is wrong.
#[track_caller]
fn wrong(bend: impl FnOnce(&mut Setup)) -> Wrong {
    let mut setup = moved();
    bend(&mut setup);
    let verification = verified(&setup);
    assert!(!verification.is_passed());
    let [one] = verification.wrong.as_slice() else {
        panic!("{:#?}", verification.wrong);
    };
    one.clone()
}

#[test]
fn a_verification_counts_expected_found_and_reached() {
    let verification = verified(&moved());
    assert!(verification.is_passed(), "{:#?}", verification.wrong);
    assert_eq!(verification.machines, 2);
    assert_eq!((verification.expected, verification.found), (1, 1));
    assert_eq!((verification.addresses, verification.delivered), (1, 1));

    let mut off = moved();
    off.vm("web", TOKYO).power = PowerState::Off;
    let verification = verified(&off);
    assert_eq!((verification.expected, verification.found), (1, 0));
    assert_eq!((verification.addresses, verification.delivered), (1, 0));
}

#[test]
fn only_a_move_misses_what_was_assigned_to_the_source_after_its_capture() {
    let mut setup = moved();
    setup.eni("web", 0).secondary.push(ip("172.30.1.99"));
    let of = |setup: &Setup, goal: &Goal| {
        let verified = verify_goal(&setup.estate, &setup.world, &setup.facts, goal);
        verified[&TOKYO.into()].wrong.clone()
    };
    let wrong = of(&setup, &move_in(&["app"]));
    let [Wrong::AddedInEc2 { addresses, .. }] = wrong.as_slice() else {
        panic!("{wrong:#?}");
    };
    assert_eq!(*addresses, [ip("172.30.1.99")].into());
    let warnings = warnings(&setup.plan(&move_in(&["app"])).unwrap());
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("172.30.1.99"))
    );

    assert_eq!(of(&setup, &failback(&["app"])), []);
    // Fewer addresses, or none of the network's, are nothing that the machine lacks.
    setup.eni("web", 0).secondary = vec![ip("10.250.0.9")];
    assert_eq!(of(&setup, &move_in(&["app"])), []);
}

#[test]
fn what_ran_before_must_run_with_its_own_addresses() {
    for power in [PowerState::Off, PowerState::Other("PAUSED".to_owned())] {
        let found = wrong(|setup| setup.vm("web", TOKYO).power = power);
        assert!(matches!(found, Wrong::NotRunning { .. }), "{found}");
    }
    let found = wrong(|setup| {
        let added = nic("overlay-app", ip("172.30.1.200"), &[]);
        setup.vm("web", TOKYO).nics.push(added);
    });
    assert!(matches!(found, Wrong::WrongAddresses { .. }), "{found}");
}

#[test]
fn a_source_that_runs_again_fails_the_verification() {
    for state in [
        InstanceState::Running,
        InstanceState::Pending,
        InstanceState::Unknown("rebooting".to_owned()),
    ] {
        let found = wrong(|setup| setup.instance("web").state = state);
        assert!(matches!(found, Wrong::ServedTwice { .. }), "{found}");
    }
}

#[test]
fn an_address_that_is_not_reached_fails_the_verification() {
    let found = wrong(|setup| {
        let routes = &mut setup.table("t-edges").static_routes;
        routes.remove(&cidr("172.30.1.0/24")).unwrap();
    });
    assert!(
        matches!(found, Wrong::NotReached { reply: false, .. }),
        "{found}"
    );
}

#[test]
fn a_verification_of_nothing_does_not_pass() {
    let nothing = Setup::without_machines();
    let verification = verified(&nothing);
    assert!(
        matches!(verification.wrong[..], [Wrong::NoMachines]),
        "{verification:#?}"
    );

    let mut blind = moved();
    blind.without_prism(TOKYO, Silence::Silent);
    let verification = verified(&blind);
    assert!(!verification.is_passed());
    let mut all = verification.wrong.iter();
    assert!(all.any(|wrong| matches!(wrong, Wrong::Unobserved { .. })));
}

#[test]
fn a_machine_whose_vm_is_not_known_fails_the_verification() {
    let mut setup = moved();
    setup.delete_vm(TOKYO, "vm-tokyo-i-web");
    let verification = verified(&setup);
    let mut all = verification.wrong.iter();
    assert!(
        all.any(|wrong| matches!(wrong, Wrong::Unknown { .. })),
        "{:#?}",
        verification.wrong
    );
}
