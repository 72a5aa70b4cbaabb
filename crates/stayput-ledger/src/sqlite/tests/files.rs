use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;

use super::*;

const ALL: [&str; 4] = [
    "stayput.db",
    "stayput.db-wal",
    "stayput.db-shm",
    "stayput.lock",
];

/// Those of the database itself.
const DATABASE: [&str; 3] = ["stayput.db", "stayput.db-wal", "stayput.db-shm"];

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn acquire(ledger: &SqliteLedger) -> Result<Lease, LedgerError> {
    block_on(ledger.acquire(&LeaseScope::Estate, &"kim".into(), at(0)))
}

fn is_unsafe(error: &LedgerError, reason: &str) -> bool {
    matches!(error, LedgerError::Unsafe { reason: found, .. } if found.contains(reason))
}

#[test]
fn every_file_of_a_ledger_is_accessible_only_to_its_owner() {
    let folder = Folder::new();
    let ledger = folder.open();
    let _lease = acquire(&ledger).unwrap();
    for name in ALL {
        assert_eq!(mode(&folder.file(name)), 0o600, "{name}");
    }
}

#[test]
fn opening_a_ledger_removes_permissions_of_others() {
    let folder = Folder::new();
    // Open, so that the files of the write-ahead log exist.
    let ledger = folder.open();
    drop(acquire(&ledger).unwrap());
    for name in ALL {
        fs::set_permissions(folder.file(name), fs::Permissions::from_mode(0o664)).unwrap();
    }
    folder.open();
    for name in ALL {
        assert_eq!(mode(&folder.file(name)), 0o600, "{name}");
    }
}

#[test]
fn a_symbolic_link_in_place_of_the_ledger_is_refused() {
    let (folder, other) = (Folder::new(), Folder::new());
    other.open();
    let before = fs::read(other.path()).unwrap();
    symlink(other.path(), folder.path()).unwrap();
    let error = folder.refused();
    assert!(is_unsafe(&error, "symbolic link"), "{error:?}");
    assert_eq!(fs::read(other.path()).unwrap(), before);
}

#[test]
fn a_dangling_link_does_not_create_a_ledger_elsewhere() {
    let (folder, other) = (Folder::new(), Folder::new());
    symlink(other.path(), folder.path()).unwrap();
    let error = folder.refused();
    assert!(is_unsafe(&error, "symbolic link"), "{error:?}");
    assert!(!other.path().exists());
}

#[test]
fn a_symbolic_link_in_place_of_the_lock_is_refused() {
    let folder = Folder::new();
    let ledger = folder.open();
    let precious = folder.file("precious");
    fs::write(&precious, "text").unwrap();
    symlink(&precious, folder.file("stayput.lock")).unwrap();
    let error = acquire(&ledger).unwrap_err();
    assert!(is_unsafe(&error, "symbolic link"), "{error:?}");
    let error = block_on(ledger.holder(&LeaseScope::Estate)).unwrap_err();
    assert!(is_unsafe(&error, "symbolic link"), "{error:?}");
    let error = folder.refused();
    assert!(is_unsafe(&error, "symbolic link"), "{error:?}");
    assert_eq!(fs::read_to_string(&precious).unwrap(), "text");
}

#[test]
fn symbolic_links_in_place_of_the_log_files_are_refused() {
    for name in ["stayput.db-wal", "stayput.db-shm"] {
        let folder = Folder::new();
        symlink(folder.file("elsewhere"), folder.file(name)).unwrap();
        let error = folder.refused();
        assert!(is_unsafe(&error, "symbolic link"), "{name}: {error:?}");
    }
}

#[test]
fn a_linked_directory_above_the_ledger_is_followed() {
    let folder = Folder::new();
    symlink(folder.0.path(), folder.file("link")).unwrap();
    SqliteLedger::open(&folder.file("link").join("stayput.db")).unwrap();
    assert!(folder.path().is_file());
}

#[test]
fn a_directory_in_place_of_the_ledger_is_refused() {
    let folder = Folder::new();
    fs::create_dir(folder.path()).unwrap();
    let error = folder.refused();
    assert!(is_unsafe(&error, "not a regular file"), "{error:?}");
}

#[test]
fn a_ledger_named_like_its_own_lock_file_is_refused() {
    let folder = Folder::new();
    let error = SqliteLedger::open(&folder.file("stayput.lock")).unwrap_err();
    assert!(is_unsafe(&error, "another name"), "{error:?}");
}

#[test]
fn a_missing_folder_is_reported_with_the_ledger() {
    let folder = Folder::new();
    let error = SqliteLedger::open(&folder.file("absent").join("stayput.db")).unwrap_err();
    assert!(
        matches!(&error, LedgerError::Store { place, .. } if place.ends_with("absent/stayput.db")),
        "{error:?}"
    );
}

/// Every write and every read of this ledger fails, before anything is written.
fn is_unusable(ledger: &SqliteLedger) {
    let errors = [
        put(ledger, "i-9", "172.30.1.99").unwrap_err(),
        put_vm(ledger, "i-9", "tokyo", "vm-a").unwrap_err(),
        begin(ledger, "restore").unwrap_err(),
        block_on(ledger.observe(Sequence(1), &1.into())).unwrap_err(),
        block_on(ledger.conclude(Sequence(1), &Outcome::Done, at(2))).unwrap_err(),
        block_on(ledger.facts()).unwrap_err(),
        acquire(ledger).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, LedgerError::Replaced { .. }), "{error:?}");
    }
}

fn in_use() -> (Folder, SqliteLedger) {
    let folder = Folder::new();
    let ledger = folder.open();
    put(&ledger, "i-1", "172.30.1.10").unwrap();
    open_run(&ledger).unwrap();
    let _ = begin(&ledger, "restore").unwrap();
    (folder, ledger)
}

#[test]
fn a_ledger_deleted_while_open_is_noticed_at_the_next_call() {
    for name in DATABASE {
        let (folder, ledger) = in_use();
        fs::remove_file(folder.file(name)).unwrap();
        is_unusable(&ledger);
        assert!(!folder.file(name).exists(), "{name}");
    }
}

#[test]
fn a_ledger_replaced_while_open_is_noticed_and_the_new_one_kept() {
    for name in DATABASE {
        let (folder, ledger) = in_use();
        let (copy, file) = (folder.file("copy"), folder.file(name));
        fs::copy(&file, &copy).unwrap();
        fs::rename(&copy, &file).unwrap();
        let before = fs::read(&file).unwrap();
        is_unusable(&ledger);
        assert_eq!(fs::read(&file).unwrap(), before, "{name}");
    }
}

#[test]
fn closing_a_replaced_ledger_leaves_the_files_of_the_new_one() {
    let (folder, ledger) = in_use();
    for name in DATABASE {
        fs::remove_file(folder.file(name)).unwrap();
    }
    let new = folder.open();
    put(&new, "i-2", "172.30.1.20").unwrap();
    drop(ledger);
    // SQLite deletes the log by its name when it closes, but not when the database was replaced. The facts are still only in the log.
    put(&new, "i-3", "172.30.1.30").unwrap();
    let facts = block_on(folder.open().facts()).unwrap();
    assert_eq!(facts.machines.len(), 2);
}

#[test]
fn an_unsynced_write_leaves_the_next_write_synced() {
    let (_folder, ledger) = in_use();
    let level = || -> i64 {
        let connection = ledger.connection();
        connection
            .pragma_query_value(None, "synchronous", |row| row.get(0))
            .unwrap()
    };
    const FULL: i64 = 2;
    block_on(ledger.observe(Sequence(1), &1.into())).unwrap();
    assert_eq!(level(), FULL);
    // Also after a write that fails.
    block_on(ledger.observe(Sequence(9), &1.into())).unwrap_err();
    assert_eq!(level(), FULL);
    let during = ledger.write_unsynced(|transaction| {
        Ok(transaction.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0))?)
    });
    assert!(during.unwrap() < FULL);
}
