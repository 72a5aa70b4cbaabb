use super::*;

/// A ledger with two machines, one of which was captured twice and became a VM.
fn written() -> (Folder, SqliteLedger) {
    let folder = Folder::new();
    let ledger = folder.open();
    put(&ledger, "i-1", "172.30.1.10").unwrap();
    put(&ledger, "i-2", "172.30.1.20").unwrap();
    put(&ledger, "i-1", "172.30.1.11").unwrap();
    put_vm(&ledger, "i-1", "tokyo", "vm-a").unwrap();
    let returned = [("tokyo".into(), "vm-c".into())].into();
    let by = By::person("kim");
    block_on(ledger.put_returned(&"i-3".into(), &returned, at(5), &by)).unwrap();
    (folder, ledger)
}

fn names(error: &LedgerError, machine: &str) -> bool {
    matches!(error, LedgerError::Altered { what } if what.contains(machine))
        && error.to_string().contains(machine)
}

/// Changes the stored rows, then expects that every way of reading the machine fails.
fn noticed(change: &str, machine: &str) {
    let (folder, ledger) = written();
    assert_eq!(folder.sql().execute(change, []).unwrap(), 1, "{change}");
    for ledger in [ledger, folder.open()] {
        let errors = [
            block_on(ledger.facts()).unwrap_err(),
            block_on(ledger.machine_history(&machine.into())).unwrap_err(),
        ];
        for error in errors {
            assert!(names(&error, machine), "{change}: {error:?}");
        }
    }
}

#[test]
fn an_address_altered_by_hand_is_refused_with_the_machine_named() {
    let change = "UPDATE machine SET facts = replace(facts, '172.30.1.11', '172.30.1.12') WHERE sequence = 3";
    noticed(change, "i-1");
    let (folder, ledger) = written();
    folder.sql().execute(change, []).unwrap();
    let error = block_on(ledger.machine(&"i-1".into())).unwrap_err();
    assert!(names(&error, "i-1"), "{error:?}");
    // Rows that were not changed can still be read.
    assert_eq!(
        block_on(ledger.machine(&"i-2".into())).unwrap(),
        Some(machine("172.30.1.20"))
    );
}

#[test]
fn a_row_given_to_another_machine_by_hand_is_refused() {
    noticed("UPDATE machine SET id = 'i-2' WHERE sequence = 3", "i-2");
}

#[test]
fn an_earlier_version_made_the_newest_by_hand_is_refused() {
    noticed("UPDATE machine SET sequence = 9 WHERE sequence = 1", "i-1");
}

#[test]
fn a_vm_or_its_order_altered_by_hand_is_refused() {
    noticed("UPDATE vm SET vm = 'vm-b'", "i-1");
    noticed("UPDATE vm SET site = 'osaka'", "i-1");
    noticed("UPDATE vm SET sequence = 8", "i-1");
}

#[test]
fn a_return_to_ec2_altered_by_hand_is_refused() {
    noticed("UPDATE returned SET was = '[]'", "i-3");
    noticed("UPDATE returned SET machine = 'i-2'", "i-2");
    noticed("UPDATE returned SET sequence = 8", "i-3");
}

#[test]
fn a_guest_altered_by_hand_is_refused() {
    let (folder, ledger) = written();
    let guest = GuestCapture {
        document: "AWS-RunShellScript".to_owned(),
        version: "1".to_owned(),
        hash: "c0ffee".to_owned(),
        output: "172.30.1.10".to_owned(),
    };
    let guests = [("i-2".into(), guest)].into();
    block_on(ledger.put_guests(&guests, at(6), &kim())).unwrap();
    let change = "UPDATE guest SET guest = replace(guest, '172.30.1.10', '172.30.1.1')";
    assert_eq!(folder.sql().execute(change, []).unwrap(), 1);
    let error = block_on(ledger.guests(&["i-2".into()].into())).unwrap_err();
    assert!(names(&error, "i-2"), "{error:?}");
    let error = block_on(ledger.machine_history(&"i-2".into())).unwrap_err();
    assert!(names(&error, "i-2"), "{error:?}");
}

#[test]
fn an_author_or_time_altered_by_hand_is_refused() {
    noticed("UPDATE machine SET who = 'lee' WHERE sequence = 3", "i-1");
    noticed("UPDATE machine SET at = 'then' WHERE sequence = 3", "i-1");
    noticed("UPDATE machine SET run = 'run-1' WHERE sequence = 3", "i-1");
}

#[test]
fn a_machine_retired_by_hand_is_refused_and_not_planned() {
    noticed(
        "UPDATE machine SET facts = NULL, retired = 'gone' WHERE sequence = 2",
        "i-2",
    );
}

#[test]
fn only_what_the_store_gives_back_unchanged_counts_as_written() {
    let folder = Folder::new();
    let ledger = folder.open();
    // A store that loses an address.
    folder
        .sql()
        .execute_batch(
            "CREATE TRIGGER loss AFTER INSERT ON machine BEGIN DELETE FROM machine WHERE sequence = new.sequence; END;",
        )
        .unwrap();
    let error = put(&ledger, "i-1", "172.30.1.10").unwrap_err();
    assert!(
        matches!(&error, LedgerError::NotReadBack { machine } if machine.as_str() == "i-1"),
        "{error:?}"
    );
}

#[test]
fn an_unreadable_value_is_reported_with_its_record() {
    let (folder, ledger) = written();
    open_run(&ledger).unwrap();
    let _ = begin(&ledger, "restore").unwrap();
    let sql = folder.sql();
    sql.execute("UPDATE journal SET at = 'noon'", []).unwrap();
    let error = block_on(ledger.journal(&"run-1".into())).unwrap_err();
    assert!(
        matches!(&error, LedgerError::Row { what, .. } if what.contains("entry 1")),
        "{error:?}"
    );
    sql.execute("UPDATE run SET state = '{}'", []).unwrap();
    let error = block_on(ledger.runs()).unwrap_err();
    assert!(
        matches!(&error, LedgerError::Row { what, .. } if what == "run run-1"),
        "{error:?}"
    );
}
