//! What every implementation of the trait must do. Pass the constructor of a store to `contract_tests!`; the checks use only the trait.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

mod content;
mod facts;
mod fixture;
mod journal;
mod leases;
mod log;
mod model;
mod runs;

use std::sync::Arc;

use async_trait::async_trait;
use stayput_ledger::GatedLedger;
use stayput_ledger::Ledger;
use stayput_ledger::LedgerError;
use stayput_ledger::MemoryLedger;
use stayput_ledger::SqliteLedger;
use stayput_ledger::Write;
use stayput_ledger::WriteGate;

/// Opens one store, the same at every call.
type Open = Box<dyn Fn() -> Arc<dyn Ledger>>;

/// Makes each check a test of the store that `$fresh` makes. `$fresh` is a `fn() -> Open` that makes an empty store.
macro_rules! contract_tests {
    ($fresh:path: $($module:ident::$check:ident),+ $(,)?) => {
        $(
            #[test]
            fn $check() {
                let open = $fresh();
                futures::executor::block_on(crate::$module::$check(&*open));
            }
        )+

        #[test]
        fn any_sequence_of_operations_gives_the_state_of_the_model() {
            crate::model::agrees_with(&$fresh);
        }
    };
    ($fresh:path) => {
        contract_tests! {
            $fresh:
            facts::captured_facts_are_read_again_by_the_next_process,
            facts::capturing_again_keeps_the_earlier_version_in_the_history,
            facts::the_newest_vm_is_the_last_written_whatever_the_clocks,
            facts::a_machine_that_returned_to_ec2_is_no_vm_that_it_ever_was,
            facts::the_last_capture_of_a_guest_is_read_until_its_machine_is_retired,
            content::the_content_of_a_ledger_gives_another_ledger_like_it,
            facts::a_retired_machine_leaves_the_facts_and_stays_in_the_history,
            facts::capturing_a_retired_machine_again_restores_its_vms,
            facts::retiring_an_unknown_machine_is_refused,
            facts::every_record_of_a_machine_names_its_author_and_time,
            journal::attempts_are_numbered_and_only_known_outcomes_counted,
            journal::attempts_at_other_steps_and_in_other_runs_do_not_count,
            journal::an_entry_has_its_author_observations_and_duration,
            journal::an_attempt_of_a_killed_process_has_no_outcome,
            journal::an_outcome_is_written_once_and_never_changed,
            journal::entries_that_do_not_exist_are_refused,
            journal::a_process_reads_what_another_one_wrote,
            leases::a_second_worker_is_refused_with_the_name_of_the_holder,
            leases::a_lease_that_is_dropped_is_free_and_has_no_holder,
            leases::every_lease_has_a_greater_epoch_than_all_before,
            leases::a_lease_that_is_held_passes_its_check,
            leases::a_dropped_lease_that_was_acquired_by_another_is_lost,
            runs::an_open_run_is_resumed_under_its_id_by_any_worker,
            runs::runs_are_listed_newest_first_whatever_the_clocks,
            runs::a_run_that_reached_its_goal_is_not_resumed,
            runs::an_abandoned_run_is_not_resumed_and_has_its_reason,
            runs::a_run_that_ended_cannot_end_in_another_way,
            runs::no_attempt_starts_in_a_run_that_has_ended,
            runs::runs_that_do_not_exist_are_refused,
        }
    };
}

fn new_sqlite_ledger() -> Open {
    let dir = tempfile::tempdir().unwrap();
    Box::new(move || Arc::new(SqliteLedger::open(&dir.path().join("stayput.db")).unwrap()))
}

fn new_memory_ledger() -> Open {
    let ledger = MemoryLedger::new();
    Box::new(move || Arc::new(ledger.clone()))
}

fn new_log_ledger() -> Open {
    let log = log::TestLog::new();
    Box::new(move || Arc::new(log.worker()))
}

fn new_log_ledger_with_lost_answers() -> Open {
    let log = log::TestLog::losing_answers();
    Box::new(move || Arc::new(log.worker()))
}

/// Lets every write through.
struct OpenGate;

#[async_trait]
impl WriteGate for OpenGate {
    async fn before(&self, _: Write) -> Result<(), LedgerError> {
        Ok(())
    }
}

fn new_gated_ledger() -> Open {
    let ledger = MemoryLedger::new();
    Box::new(move || {
        Arc::new(GatedLedger::new(
            Arc::new(ledger.clone()),
            Arc::new(OpenGate),
        ))
    })
}

mod sqlite {
    contract_tests!(crate::new_sqlite_ledger);
}

mod memory {
    contract_tests!(crate::new_memory_ledger);
}

mod shared_log {
    contract_tests!(crate::new_log_ledger);
}

mod shared_log_with_lost_answers {
    contract_tests!(crate::new_log_ledger_with_lost_answers);
}

mod gated {
    contract_tests!(crate::new_gated_ledger);
}
