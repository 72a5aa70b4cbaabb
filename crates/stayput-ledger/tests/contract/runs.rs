//! Runs: one open run for each goal.

use std::sync::Arc;

use stayput_ledger::Ledger;
use stayput_ledger::LedgerError;
use stayput_ledger::Run;
use stayput_ledger::RunId;
use stayput_ledger::RunState;

use crate::fixture::at;
use crate::fixture::goal;
use crate::fixture::step;

async fn opened(ledger: &dyn Ledger, network: &str, id: &str, second: i64) -> Run {
    ledger
        .open_run(&goal(network), &id.into(), &"kim".into(), at(second))
        .await
        .unwrap()
}

pub async fn an_open_run_is_resumed_under_its_id_by_any_worker(open: &dyn Fn() -> Arc<dyn Ledger>) {
    let first = opened(&*open(), "app", "run-1", 1).await;
    let ledger = open();
    let again = ledger
        .open_run(&goal("app"), &"run-2".into(), &"lee".into(), at(2))
        .await
        .unwrap();
    assert_eq!(again, first);
    assert_eq!(again.state, RunState::Open);
    assert_eq!(again.who.as_str(), "kim");
    let other = opened(&*ledger, "db", "run-3", 3).await;
    assert_eq!(other.id, RunId::from("run-3"));
}

pub async fn runs_are_listed_newest_first_whatever_the_clocks(open: &dyn Fn() -> Arc<dyn Ledger>) {
    let ledger = open();
    for (network, id, second) in [
        ("app", "run-1", 50),
        ("db", "run-2", 10),
        ("web", "run-3", 30),
    ] {
        opened(&*ledger, network, id, second).await;
    }
    let runs = ledger.runs().await.unwrap();
    let ids: Vec<_> = runs.iter().map(|run| run.id.as_str()).collect();
    assert_eq!(ids, ["run-3", "run-2", "run-1"]);
}

pub async fn a_run_that_reached_its_goal_is_not_resumed(open: &dyn Fn() -> Arc<dyn Ledger>) {
    let ledger = open();
    opened(&*ledger, "app", "run-1", 1).await;
    ledger.close_run(&"run-1".into(), at(2)).await.unwrap();
    assert_eq!(
        opened(&*ledger, "app", "run-2", 3).await.id,
        RunId::from("run-2")
    );
    assert_eq!(
        ledger.runs().await.unwrap()[1].state,
        RunState::Reached { at: at(2) }
    );
}

pub async fn an_abandoned_run_is_not_resumed_and_has_its_reason(
    open: &dyn Fn() -> Arc<dyn Ledger>,
) {
    let ledger = open();
    opened(&*ledger, "app", "run-1", 1).await;
    ledger
        .abandon_run(&"run-1".into(), at(2), &"lee".into(), "moved by hand")
        .await
        .unwrap();
    assert_eq!(
        opened(&*ledger, "app", "run-2", 3).await.id,
        RunId::from("run-2")
    );
    assert_eq!(
        ledger.runs().await.unwrap()[1].state,
        RunState::Abandoned {
            at: at(2),
            by: "lee".into(),
            why: "moved by hand".to_owned()
        }
    );
}

pub async fn a_run_that_ended_cannot_end_in_another_way(open: &dyn Fn() -> Arc<dyn Ledger>) {
    let ledger = open();
    let (reached, abandoned) = (RunId::from("run-1"), RunId::from("run-2"));
    opened(&*ledger, "app", "run-1", 1).await;
    opened(&*ledger, "db", "run-2", 2).await;
    let (lee, why) = ("lee".into(), "superseded");
    for second in [3, 4] {
        // The second time changes nothing.
        ledger.close_run(&reached, at(second)).await.unwrap();
        ledger
            .abandon_run(&abandoned, at(second), &lee, why)
            .await
            .unwrap();
    }
    let before = ledger.runs().await.unwrap();
    assert_eq!(before[1].state, RunState::Reached { at: at(3) });
    let errors = [
        ledger
            .abandon_run(&reached, at(5), &lee, why)
            .await
            .unwrap_err(),
        ledger.close_run(&abandoned, at(5)).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, LedgerError::RunEnded { .. }), "{error:?}");
    }
    assert_eq!(ledger.runs().await.unwrap(), before);
}

pub async fn no_attempt_starts_in_a_run_that_has_ended(open: &dyn Fn() -> Arc<dyn Ledger>) {
    let ledger = open();
    let run = opened(&*ledger, "app", "run-1", 1).await.id;
    ledger
        .abandon_run(&run, at(2), &"lee".into(), "superseded")
        .await
        .unwrap();
    let error = ledger
        .begin_attempt(&run, &step("a"), &"kim".into(), &1.into(), at(3))
        .await
        .unwrap_err();
    assert!(
        matches!(
            &error,
            LedgerError::RunEnded {
                state: RunState::Abandoned { .. },
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(ledger.journal(&run).await.unwrap(), []);
}

pub async fn runs_that_do_not_exist_are_refused(open: &dyn Fn() -> Arc<dyn Ledger>) {
    let ledger = open();
    let run = RunId::from("run-9");
    let who = "kim".into();
    let errors = [
        ledger.close_run(&run, at(0)).await.unwrap_err(),
        ledger
            .abandon_run(&run, at(0), &who, "superseded")
            .await
            .unwrap_err(),
        ledger
            .begin_attempt(&run, &step("a"), &who, &1.into(), at(0))
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, LedgerError::NoSuchRun { .. }), "{error:?}");
    }
    assert_eq!(ledger.journal(&run).await.unwrap(), []);
}
