//! A log in memory, whose answers can be lost and whose workers can be suspended, and what only a shared log has to do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::executor::block_on;
use futures::future::join_all;
use serde_json::json;
use stayput_ledger::Appended;
use stayput_ledger::Batch;
use stayput_ledger::Beat;
use stayput_ledger::HeldLease;
use stayput_ledger::LeaseGuard;
use stayput_ledger::LeaseScope;
use stayput_ledger::LeaseScope::Estate;
use stayput_ledger::LeaseTimes;
use stayput_ledger::Ledger;
use stayput_ledger::LedgerError;
use stayput_ledger::Log;
use stayput_ledger::LogError;
use stayput_ledger::LogLedger;
use stayput_ledger::Outcome;

use crate::fixture;
use crate::fixture::at;

/// Handles of one log.
#[derive(Clone)]
pub struct TestLog(Arc<Store>);

#[derive(Default)]
struct Store {
    items: Mutex<Vec<Batch>>,
    beats: Mutex<BTreeMap<LeaseScope, Beat>>,
    /// Whether holders show signs of life.
    are_suspended: Mutex<bool>,
    appends: AtomicU64,
    nonces: AtomicU64,
    /// Every third append is written without an answer, and every one after those is lost on the way.
    loses_answers: bool,
    /// The next append is written without an answer, and this happens before its writer goes on.
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    loses_next: AtomicBool,
    /// Whether pauses do not end.
    hangs: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

impl TestLog {
    pub fn new() -> Self {
        Self(Arc::default())
    }

    pub fn losing_answers() -> Self {
        Self(Arc::new(Store {
            loses_answers: true,
            ..Store::default()
        }))
    }

    /// The ledger as one worker has it.
    pub fn worker(&self) -> LogLedger {
        let times = LeaseTimes {
            length: Duration::from_secs(30),
            look: Duration::from_secs(1),
        };
        LogLedger::new(Arc::new(self.clone()), times)
    }

    fn suspend_holders(&self) {
        *locked(&self.0.are_suspended) = true;
    }

    fn put(&self, batch: &Batch) -> Appended {
        let mut items = locked(&self.0.items);
        if items.iter().any(|item| item.number == batch.number) {
            return Appended::Taken;
        }
        items.push(batch.clone());
        Appended::Written
    }
}

#[async_trait]
impl Log for TestLog {
    fn place(&self) -> String {
        "a log in memory".to_owned()
    }

    async fn read(&self, after: u64) -> Result<Vec<Batch>, LogError> {
        let items = locked(&self.0.items);
        Ok(items
            .iter()
            .filter(|item| item.number > after)
            .cloned()
            .collect())
    }

    async fn append(&self, batch: &Batch) -> Result<Appended, LogError> {
        let doubt = || LogError {
            source: "no answer".into(),
            is_in_doubt: true,
        };
        if self.0.loses_next.swap(false, Ordering::Relaxed) {
            self.put(batch);
            return Err(doubt());
        }
        match self.0.appends.fetch_add(1, Ordering::Relaxed) % 3 {
            1 if self.0.loses_answers => {
                self.put(batch);
                Err(doubt())
            }
            2 if self.0.loses_answers => Err(doubt()),
            _ => Ok(self.put(batch)),
        }
    }

    async fn beat(&self, scope: &LeaseScope) -> Result<Option<Beat>, LogError> {
        Ok(locked(&self.0.beats).get(scope).cloned())
    }

    async fn hold(&self, lease: HeldLease) -> Result<Box<dyn LeaseGuard>, LogError> {
        let (epoch, count) = (lease.epoch, 1);
        locked(&self.0.beats).insert(lease.scope.clone(), Beat { epoch, count });
        Ok(Box::new(Held(Some(lease))))
    }

    async fn pause(&self, _: Duration) {
        let meanwhile = locked(&self.0.meanwhile).take();
        if let Some(meanwhile) = meanwhile {
            std::thread::spawn(meanwhile).join().unwrap();
        }
        if self.0.hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        if !*locked(&self.0.are_suspended) {
            for beat in locked(&self.0.beats).values_mut() {
                beat.count += 1;
            }
        }
    }

    fn nonce(&self) -> String {
        self.0.nonces.fetch_add(1, Ordering::Relaxed).to_string()
    }
}

struct Held(Option<HeldLease>);

impl LeaseGuard for Held {
    fn is_held(&self) -> bool {
        true
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let lease = self.0.take().unwrap();
        // The test itself is driven by an executor, which must not be entered twice.
        let release = std::thread::spawn(move || block_on((lease.release)()));
        release.join().unwrap();
    }
}

#[test]
fn the_former_holder_of_a_lease_writes_nothing_more() {
    let log = TestLog::new();
    let (kim, lee) = (log.worker(), log.worker());
    block_on(async {
        let first = kim.acquire(&Estate, &"kim".into(), at(1)).await.unwrap();
        let goal = fixture::goal("app");
        let run = kim
            .open_run(&goal, &"run-1".into(), &"kim".into(), at(1))
            .await
            .unwrap();
        // Alive: refused as soon as a sign of life is seen.
        let error = lee
            .acquire(&Estate, &"lee".into(), at(2))
            .await
            .unwrap_err();
        assert!(matches!(error, LedgerError::Held { .. }), "{error:?}");
        log.suspend_holders();
        let second = lee.acquire(&Estate, &"lee".into(), at(3)).await.unwrap();
        assert!(second.epoch() > first.epoch());

        let (step, intent) = (fixture::step("route"), json!({}));
        let error = kim
            .begin_attempt(&run.id, &step, &"kim".into(), &intent, at(4))
            .await
            .unwrap_err();
        let epoch = first.epoch();
        let is_lost = |error: &LedgerError| matches!(error, LedgerError::LeaseLost { epoch: lost, .. } if *lost == epoch);
        assert!(is_lost(&error), "{error:?}");
        assert!(is_lost(&kim.check_lease(&first).await.unwrap_err()));
        // Also a release that comes late releases nothing of the other's.
        drop(first);
        lee.check_lease(&second).await.unwrap();
        let holder = kim.holder(&Estate).await.unwrap().unwrap();
        assert_eq!(holder.who, Some("lee".into()));
        assert!(lee.journal(&run.id).await.unwrap().is_empty());
    });
}

#[test]
fn a_lease_taken_over_before_its_answer_is_not_acquired() {
    let log = TestLog::new();
    let (kim, lee) = (log.worker(), log.worker());
    let (held, taken) = std::sync::mpsc::channel();
    log.suspend_holders();
    log.0.loses_next.store(true, Ordering::Relaxed);
    let second = lee.clone();
    *locked(&log.0.meanwhile) = Some(Box::new(move || {
        let lease = block_on(second.acquire(&Estate, &"lee".into(), at(2)));
        held.send(lease.unwrap()).unwrap();
    }));
    let error = block_on(kim.acquire(&Estate, &"kim".into(), at(1))).unwrap_err();
    assert!(
        matches!(error, LedgerError::LeaseLost { epoch: 1, .. }),
        "{error:?}"
    );
    let lease = taken.recv().unwrap();
    assert_eq!(lease.epoch(), 2);
    block_on(lee.check_lease(&lease)).unwrap();
    let late =
        block_on(kim.put_machines(&fixture::one("i-1", "172.30.1.10"), at(3), &fixture::kim()));
    assert!(
        matches!(late, Err(LedgerError::LeaseLost { .. })),
        "{late:?}"
    );
}

#[test]
fn a_write_that_is_dropped_before_its_answer_is_applied_once() {
    let log = TestLog::new();
    let ledger = log.worker();
    let run =
        block_on(ledger.open_run(&fixture::goal("app"), &"run-1".into(), &"kim".into(), at(1)));
    let run = run.unwrap().id;
    log.0.loses_next.store(true, Ordering::Relaxed);
    let (step, who, intent) = (fixture::step("route"), "kim".into(), json!({}));
    let mut dropped = Box::pin(async {
        let attempt = ledger.begin_attempt(&run, &step, &who, &intent, at(2));
        attempt.await.unwrap()
    });
    // It stays in the pause after the lost answer.
    log.0.hangs.store(true, Ordering::Relaxed);
    assert!(dropped.as_mut().now_or_never().is_none());
    drop(dropped);
    log.0.hangs.store(false, Ordering::Relaxed);
    let attempt = block_on(ledger.begin_attempt(&run, &step, &who, &intent, at(3))).unwrap();
    assert_eq!((attempt.sequence.0, attempt.number), (2, 2));
    let journal = block_on(log.worker().journal(&run)).unwrap();
    assert_eq!(journal, block_on(ledger.journal(&run)).unwrap());
}

#[test]
fn of_many_workers_that_write_at_once_each_write_is_there_once_for_all() {
    for log in [TestLog::new(), TestLog::losing_answers()] {
        let first = log.worker();
        let run =
            block_on(first.open_run(&fixture::goal("app"), &"run-1".into(), &"kim".into(), at(1)));
        let run = run.unwrap().id;
        let threads = (0..8).map(|worker| {
            let (log, run) = (log.clone(), run.clone());
            std::thread::spawn(move || {
                let ledger = log.worker();
                let writes = (0..5).map(|number| {
                    let (ledger, run) = (&ledger, &run);
                    async move {
                        let step = fixture::step(&format!("step/{worker}/{number}"));
                        let (who, intent) = (format!("worker-{worker}").into(), json!({}));
                        let attempt = ledger.begin_attempt(run, &step, &who, &intent, at(2));
                        let attempt = attempt.await.unwrap();
                        let done = ledger.conclude(attempt.sequence, &Outcome::Done, at(3));
                        done.await.unwrap();
                    }
                });
                block_on(join_all(writes));
            })
        });
        for thread in threads.collect::<Vec<_>>() {
            thread.join().unwrap();
        }
        let journal = block_on(log.worker().journal(&run)).unwrap();
        assert_eq!(journal.len(), 40);
        assert!(
            journal.iter().all(|entry| entry.attempt == 1),
            "{journal:#?}"
        );
        assert!(
            journal
                .iter()
                .all(|entry| entry.outcome == Some(Outcome::Done))
        );
        assert_eq!(journal, block_on(first.journal(&run)).unwrap());
    }
}

#[test]
fn an_altered_or_missing_item_is_noticed() {
    let alter: [fn(&mut Vec<Batch>); 4] = [
        |items| items[1].body = items[1].body.replace("172.30.1.10", "172.30.1.99"),
        |items| items[0].number = 7,
        |items| drop(items.remove(1)),
        |items| items.swap(0, 1),
    ];
    for alter in alter {
        let log = TestLog::new();
        let ledger = log.worker();
        block_on(async {
            for machine in ["i-1", "i-2", "i-3"] {
                let facts = fixture::one(machine, "172.30.1.10");
                ledger
                    .put_machines(&facts, at(1), &fixture::kim())
                    .await
                    .unwrap();
            }
            alter(&mut locked(&log.0.items));
            let error = log.worker().facts().await.unwrap_err();
            assert!(matches!(error, LedgerError::Altered { .. }), "{error:?}");
        });
    }
}

#[test]
fn an_item_of_a_newer_build_is_refused() {
    let log = TestLog::new();
    let facts = fixture::one("i-1", "172.30.1.10");
    block_on(log.worker().put_machines(&facts, at(1), &fixture::kim())).unwrap();
    // Builds that do not know captures of guests read what has none.
    assert_eq!(locked(&log.0.items)[0].format, 1);
    let guest = stayput_world::GuestCapture {
        document: "AWS-RunShellScript".to_owned(),
        version: "1".to_owned(),
        hash: "c0ffee".to_owned(),
        output: "{}".to_owned(),
    };
    let guests = [("i-1".into(), guest)].into();
    block_on(log.worker().put_guests(&guests, at(2), &fixture::kim())).unwrap();
    assert_eq!(locked(&log.0.items)[1].format, 2);
    locked(&log.0.items)[0].format = 3;
    let error = block_on(log.worker().facts()).unwrap_err();
    assert!(
        matches!(error, LedgerError::TooNew { found: 3, .. }),
        "{error:?}"
    );
}

#[test]
fn the_facts_of_many_machines_fit_into_items() {
    let log = TestLog::new();
    let ids: Vec<_> = (0..2000).map(|number| format!("i-{number:017x}")).collect();
    let machines: BTreeMap<_, _> = ids
        .iter()
        .flat_map(|id| fixture::one(id, "172.30.1.10"))
        .collect();
    block_on(async {
        let ledger = log.worker();
        ledger
            .put_machines(&machines, at(1), &fixture::kim())
            .await
            .unwrap();
        assert_eq!(log.worker().facts().await.unwrap().machines, machines);
    });
    let items = locked(&log.0.items);
    assert!(items.len() > 1);
    assert!(items.iter().all(|item| item.body.len() < 350_000));
}
