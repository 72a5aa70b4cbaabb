//! The journal: attempts, their observations and outcomes.

use std::sync::Arc;

use serde_json::json;
use stayput_ledger::Attempt;
use stayput_ledger::Ledger;
use stayput_ledger::LedgerError;
use stayput_ledger::Outcome;
use stayput_ledger::RunId;
use stayput_ledger::Sequence;

use crate::fixture::at;
use crate::fixture::goal;
use crate::fixture::step;

async fn opened(ledger: &dyn Ledger, network: &str, id: &str) -> RunId {
    let run = ledger
        .open_run(&goal(network), &id.into(), &"kim".into(), at(0))
        .await
        .unwrap();
    run.id
}

async fn begun(ledger: &dyn Ledger, run: &RunId, name: &str) -> Attempt {
    ledger
        .begin_attempt(run, &step(name), &"kim".into(), &json!({"do": name}), at(1))
        .await
        .unwrap()
}

fn failed() -> Outcome {
    Outcome::Failed {
        error: "address in use".to_owned(),
    }
}

fn in_doubt() -> Outcome {
    Outcome::InDoubt {
        error: "no answer within 30 s".to_owned(),
    }
}

pub async fn attempts_are_numbered_and_only_known_outcomes_counted(
    open: &dyn Fn() -> Arc<dyn Ledger>,
) {
    let ledger = open();
    let run = opened(&*ledger, "app", "run-1").await;
    // Each outcome, and how many known outcomes the next attempt finds.
    let story = [
        (Some(failed()), 1),
        (Some(in_doubt()), 1),
        (None, 1),
        (Some(Outcome::Unchanged), 2),
        (Some(Outcome::Done), 3),
        (Some(in_doubt()), 3),
    ];
    let mut known = 0;
    for (number, (outcome, then_known)) in (1..).zip(story) {
        let attempt = begun(&*ledger, &run, "restore").await;
        assert_eq!((attempt.number, attempt.concluded), (number, known));
        if let Some(outcome) = outcome {
            ledger
                .conclude(attempt.sequence, &outcome, at(2))
                .await
                .unwrap();
        }
        known = then_known;
    }
    let attempt = begun(&*open(), &run, "restore").await;
    assert_eq!((attempt.number, attempt.concluded), (7, 3));
}

pub async fn attempts_at_other_steps_and_in_other_runs_do_not_count(
    open: &dyn Fn() -> Arc<dyn Ledger>,
) {
    let ledger = open();
    let (app, db) = (
        opened(&*ledger, "app", "run-1").await,
        opened(&*ledger, "db", "run-2").await,
    );
    for (run, name) in [(&app, "restore"), (&app, "route"), (&db, "restore")] {
        let attempt = begun(&*ledger, run, name).await;
        assert_eq!((attempt.number, attempt.concluded), (1, 0), "{run} {name}");
        ledger
            .conclude(attempt.sequence, &failed(), at(2))
            .await
            .unwrap();
    }
}

pub async fn an_entry_has_its_author_observations_and_duration(open: &dyn Fn() -> Arc<dyn Ledger>) {
    let ledger = open();
    let run = opened(&*ledger, "app", "run-1").await;
    let attempt = ledger
        .begin_attempt(
            &run,
            &step("restore"),
            &"lee".into(),
            &json!({"do": 1}),
            at(10),
        )
        .await
        .unwrap();
    for seen in [json!({"before": [1.5, null]}), json!({"after": "\u{9b}"})] {
        ledger.observe(attempt.sequence, &seen).await.unwrap();
    }
    ledger
        .conclude(attempt.sequence, &Outcome::Done, at(12))
        .await
        .unwrap();
    let journal = open().journal(&run).await.unwrap();
    let [entry] = journal.as_slice() else {
        panic!("{journal:?}")
    };
    assert_eq!(entry.sequence, attempt.sequence);
    assert_eq!(entry.run, run);
    assert_eq!(entry.step, step("restore"));
    assert_eq!(entry.attempt, 1);
    assert_eq!(entry.who.as_str(), "lee");
    assert_eq!((entry.at, entry.ended), (at(10), Some(at(12))));
    assert_eq!(entry.intent, json!({"do": 1}));
    assert_eq!(
        entry.observed,
        [json!({"before": [1.5, null]}), json!({"after": "\u{9b}"})]
    );
    assert_eq!(entry.outcome, Some(Outcome::Done));
}

pub async fn an_attempt_of_a_killed_process_has_no_outcome(open: &dyn Fn() -> Arc<dyn Ledger>) {
    let ledger = open();
    let run = opened(&*ledger, "app", "run-1").await;
    let _ = begun(&*ledger, &run, "restore").await;
    drop(ledger);
    let journal = open().journal(&run).await.unwrap();
    assert_eq!(journal[0].outcome, None);
    assert_eq!(journal[0].ended, None);
}

pub async fn an_outcome_is_written_once_and_never_changed(open: &dyn Fn() -> Arc<dyn Ledger>) {
    let ledger = open();
    let run = opened(&*ledger, "app", "run-1").await;
    let sequence = begun(&*ledger, &run, "restore").await.sequence;
    for second in [2, 3] {
        // The second time changes nothing.
        ledger
            .conclude(sequence, &in_doubt(), at(second))
            .await
            .unwrap();
    }
    for other in [Outcome::Done, Outcome::Unchanged, failed()] {
        let error = ledger.conclude(sequence, &other, at(4)).await.unwrap_err();
        assert!(
            matches!(&error, LedgerError::Concluded { outcome, .. } if *outcome == in_doubt()),
            "{error:?}"
        );
    }
    let entry = &ledger.journal(&run).await.unwrap()[0];
    assert_eq!(entry.outcome, Some(in_doubt()));
    assert_eq!(entry.ended, Some(at(2)));
}

pub async fn entries_that_do_not_exist_are_refused(open: &dyn Fn() -> Arc<dyn Ledger>) {
    let ledger = open();
    let none = Sequence(99);
    let errors = [
        ledger.observe(none, &json!(1)).await.unwrap_err(),
        ledger
            .conclude(none, &Outcome::Done, at(0))
            .await
            .unwrap_err(),
        ledger.conclude(none, &failed(), at(0)).await.unwrap_err(),
    ];
    for error in errors {
        assert!(
            matches!(error, LedgerError::NoSuchEntry { sequence } if sequence == none),
            "{error:?}"
        );
    }
}

pub async fn a_process_reads_what_another_one_wrote(open: &dyn Fn() -> Arc<dyn Ledger>) {
    let (writer, reader) = (open(), open());
    let run = opened(&*writer, "app", "run-1").await;
    for count in 1..=3 {
        let attempt = begun(&*writer, &run, "restore").await;
        writer
            .observe(attempt.sequence, &json!(count))
            .await
            .unwrap();
        writer
            .conclude(attempt.sequence, &Outcome::Unchanged, at(2))
            .await
            .unwrap();
        let journal = reader.journal(&run).await.unwrap();
        assert_eq!(journal.len(), count);
        assert_eq!(journal[count - 1].outcome, Some(Outcome::Unchanged));
        assert_eq!(journal[count - 1].observed, [json!(count)]);
    }
    let sequences: Vec<_> = reader
        .journal(&run)
        .await
        .unwrap()
        .iter()
        .map(|entry| entry.sequence)
        .collect();
    assert!(sequences.is_sorted(), "{sequences:?}");
}
