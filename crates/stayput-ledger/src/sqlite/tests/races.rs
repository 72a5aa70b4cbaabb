use std::collections::BTreeSet;
use std::process::Command;
use std::process::Stdio;
use std::sync::Barrier;

use super::*;

/// Names the ledger that this process opens, if a test has started it for that.
const CHILD: &str = "STAYPUT_LEDGER_TEST_PATH";

/// Workers that open at once.
const WORKERS: usize = 6;

/// Opens, writes one row and reads.
fn use_once(path: &Path, worker: &str) -> Result<(), LedgerError> {
    let ledger = SqliteLedger::open(path)?;
    put_vm(&ledger, worker, "tokyo", "vm-a")?;
    put(&ledger, worker, "172.30.1.10")?;
    block_on(ledger.facts()).map(|_| ())
}

/// Threads that use one file at the same time, each with its own connection.
fn at_once(path: &Path) {
    let start = Barrier::new(WORKERS);
    let results: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    use_once(path, &format!("i-new-{worker}"))
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .collect()
    });
    for result in results {
        result.unwrap();
    }
}

#[test]
fn many_threads_can_open_a_new_ledger_at_once() {
    for _ in 0..12 {
        let folder = Folder::new();
        at_once(&folder.path());
        let facts = block_on(folder.open().facts()).unwrap();
        assert_eq!(facts.machines.len(), WORKERS);
        assert_eq!(facts.vms.len(), WORKERS);
    }
}

#[test]
fn many_threads_migrate_a_ledger_of_format_1_once() {
    for _ in 0..5 {
        let folder = formats::format_1();
        at_once(&folder.path());
        let facts = block_on(folder.open().facts()).unwrap();
        assert_eq!(facts.vms.len(), 2 + WORKERS);
        let history = block_on(folder.open().machine_history(&"i-1".into())).unwrap();
        assert_eq!(history.len(), 3);
    }
}

#[test]
fn many_processes_can_open_a_new_ledger_at_once() {
    for _ in 0..3 {
        let folder = Folder::new();
        let children: Vec<_> = (0..WORKERS)
            .map(|_| {
                Command::new(std::env::current_exe().unwrap())
                    .args([
                        "--exact",
                        "sqlite::tests::races::a_process_of_another_test_opens_its_ledger",
                    ])
                    .env(CHILD, folder.path())
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for child in children {
            let output = child.wait_with_output().unwrap();
            let told = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{told}");
        }
        let facts = block_on(folder.open().facts()).unwrap();
        assert_eq!(facts.machines.len(), WORKERS);
    }
}

/// The process that the test above starts; does nothing when run alone.
#[test]
fn a_process_of_another_test_opens_its_ledger() {
    if let Some(path) = std::env::var_os(CHILD) {
        let worker = format!("i-{}", std::process::id());
        use_once(Path::new(&path), &worker).unwrap();
    }
}

#[test]
fn a_new_file_that_another_process_is_writing_is_waited_for() {
    let folder = Folder::new();
    let sql = folder.sql();
    sql.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = Barrier::new(2);
    std::thread::scope(|scope| {
        let opening = scope.spawn(|| {
            start.wait();
            SqliteLedger::open(&folder.path()).map(drop)
        });
        start.wait();
        // Takes long enough for the other thread to meet the write in most runs; if it does not, it has nothing to wait for.
        for _ in 0..20_000 {
            std::fs::metadata(folder.path()).unwrap();
        }
        sql.execute_batch("ROLLBACK").unwrap();
        opening.join().unwrap().unwrap();
    });
}

#[test]
fn simultaneous_attempts_of_two_handles_have_different_numbers() {
    let folder = Folder::new();
    open_run(&folder.open()).unwrap();
    let numbers: Vec<u32> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| -> Vec<u32> {
                    let ledger = folder.open();
                    (0..10)
                        .map(|_| begin(&ledger, "restore").unwrap().number)
                        .collect()
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    let distinct: BTreeSet<_> = numbers.iter().copied().collect();
    assert_eq!(distinct, (1..=30).collect());
}
