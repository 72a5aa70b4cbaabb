use std::fs;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use super::*;

fn acquire(ledger: &SqliteLedger, who: &str) -> Result<Lease, LedgerError> {
    block_on(ledger.acquire(&LeaseScope::Estate, &who.into(), at(0)))
}

fn holder(ledger: &SqliteLedger) -> Option<Holder> {
    block_on(ledger.holder(&LeaseScope::Estate)).unwrap()
}

#[test]
fn a_lease_whose_lock_file_was_deleted_is_lost() {
    let folder = Folder::new();
    let ledger = folder.open();
    let lease = acquire(&ledger, "kim").unwrap();
    fs::remove_file(folder.file("stayput.lock")).unwrap();
    let error = block_on(ledger.check_lease(&lease)).unwrap_err();
    assert!(matches!(error, LedgerError::LeaseLost { .. }), "{error:?}");
    // Another worker acquires it, which the first one also notices by the epoch.
    let other = acquire(&folder.open(), "lee").unwrap();
    assert!(lease.epoch() < other.epoch());
    let error = block_on(ledger.check_lease(&lease)).unwrap_err();
    assert!(matches!(error, LedgerError::LeaseLost { .. }), "{error:?}");
    block_on(ledger.check_lease(&other)).unwrap();
}

#[test]
fn the_name_of_a_killed_worker_is_not_taken_for_a_holder() {
    let folder = Folder::new();
    let ledger = folder.open();
    let left = r#"{"who":"kim-with-a-name-that-is-longer-than-all-that-comes-after-it","process":4000000,"since":null,"epoch":1000000}"#;
    fs::write(folder.file("stayput.lock"), left).unwrap();
    assert_eq!(holder(&ledger), None);
    let _lease = acquire(&ledger, "lee").unwrap();
    assert_eq!(holder(&ledger).unwrap().who, Some("lee".into()));
}

#[test]
fn a_worker_of_an_older_build_is_shown_under_its_own_name() {
    let folder = Folder::new();
    let ledger = folder.open();
    let lock = fs::File::create(folder.file("stayput.lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(
        holder(&ledger).unwrap().to_string(),
        "it has not written its name yet"
    );
    fs::write(folder.file("stayput.lock"), "kim@desk, process 12").unwrap();
    let error = acquire(&ledger, "lee").unwrap_err();
    assert_eq!(
        error.to_string(),
        "another stayput is working on this estate (kim@desk, process 12)"
    );
}

#[test]
fn a_simultaneous_check_is_not_taken_for_a_holder() {
    let folder = Folder::new();
    let ledger = folder.open();
    drop(acquire(&ledger, "kim").unwrap());
    let look = fs::File::open(folder.file("stayput.lock")).unwrap();
    look.lock_shared().unwrap();
    assert_eq!(holder(&ledger), None);
}

#[test]
fn a_check_neither_creates_the_lock_nor_blocks_a_worker() {
    let folder = Folder::new();
    let ledger = folder.open();
    assert_eq!(holder(&ledger), None);
    assert!(!folder.file("stayput.lock").exists());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let looking = folder.open();
                while !done.load(Ordering::Relaxed) {
                    holder(&looking);
                }
            });
        }
        let acquired: Vec<_> = (0..50).map(|_| acquire(&ledger, "kim").map(drop)).collect();
        done.store(true, Ordering::Relaxed);
        for result in acquired {
            result.unwrap();
        }
    });
}
