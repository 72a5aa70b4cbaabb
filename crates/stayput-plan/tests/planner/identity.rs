//! Which VM a machine is: said by a system or a person; never guessed.

use stayput_estate::VmExtId;
use stayput_plan::Obstacle;
use stayput_world::prism::JobStatus;
use stayput_world::prism::RecoveryAction;
use stayput_world::prism::RecoveryJob;

use crate::fixture::*;

const WEB: &str = "vm-tokyo-i-web";

fn moved() -> Setup {
    Setup::small().after(&[move_in(&["app"])])
}

/// A VM like the machine's, on, at a site.
fn twin(setup: &mut Setup, site: &str, id: &str) {
    let like = setup.prism(TOKYO).vms[&WEB.into()].clone();
    setup.prism(site).vms.insert(id.into(), like);
}

/// A failover to Osaka that is over and made this VM of the machine.
fn recovered(setup: &mut Setup, job: &str, vm: &str) {
    twin(setup, OSAKA, vm);
    let prism = setup.prism(OSAKA);
    let job_of = RecoveryJob {
        plan: "plan-by-hand".into(),
        action: RecoveryAction::UnplannedFailover,
        status: JobStatus::Succeeded,
        source: None,
        target: Some(prism.domain_manager.clone()),
        started: None,
        ended: None,
        name: None,
        recovered: [(WEB.into(), vm.into())].into(),
    };
    prism.jobs.insert(job.into(), job_of);
}

/// What a failback says of who the machine is.
#[track_caller]
fn said(setup: &Setup) -> Obstacle {
    let obstacles = setup.plan(&failback(&["app"])).unwrap_err();
    let mut said = obstacles
        .iter()
        .filter(|obstacle| obstacle.whose_place_is_unknown().is_some());
    let one = said.next().unwrap_or_else(|| panic!("{obstacles:#?}"));
    assert_eq!(said.next(), None);
    one.clone()
}

#[track_caller]
fn ambiguous(setup: &Setup, among: &[&str]) {
    match said(setup) {
        Obstacle::AmbiguousVm { candidates, .. } => {
            let among = among.iter().map(|id| VmExtId::from(*id));
            assert_eq!(candidates, among.collect());
        }
        other => panic!("{other}"),
    }
}

#[track_caller]
fn runs_twice(setup: &Setup, is_at: &str, besides: (&str, &str)) {
    match said(setup) {
        Obstacle::RunsTwice { site, at, vm, .. } => {
            assert_eq!(site.as_str(), is_at);
            assert_eq!((at.as_str(), vm.as_str()), besides);
        }
        other => panic!("{other}"),
    }
}

#[test]
fn of_two_vms_that_move_made_none_is_taken_unless_the_ledger_says_which() {
    let mut setup = moved();
    twin(&mut setup, TOKYO, "vm-again");
    let mut again = setup.mv().plans.values().next().unwrap().clone();
    for vm in again.vms.values_mut() {
        vm.vm = Some("vm-again".into());
    }
    setup.mv().plans.insert("plan-again".into(), again);
    runs_twice(&setup, TOKYO, (TOKYO, "vm-again"));

    setup.facts.vms.clear();
    ambiguous(&setup, &[WEB, "vm-again"]);
}

#[test]
fn of_two_vms_that_unrecorded_failovers_made_none_is_taken() {
    let mut setup = moved();
    recovered(&mut setup, "job-1", "vm-1");
    recovered(&mut setup, "job-2", "vm-2");
    setup.prism(TOKYO).vms.remove(&WEB.into());
    ambiguous(&setup, &["vm-1", "vm-2"]);

    // The decision holds; the other must not run.
    setup
        .facts
        .became("i-web".into(), OSAKA.into(), "vm-2".into());
    runs_twice(&setup, OSAKA, (OSAKA, "vm-1"));
}

#[test]
fn an_unrecorded_failover_is_followed_and_what_was_before_must_not_run() {
    let mut setup = moved();
    recovered(&mut setup, "job-1", "vm-1");
    runs_twice(&setup, OSAKA, (TOKYO, WEB));
}
