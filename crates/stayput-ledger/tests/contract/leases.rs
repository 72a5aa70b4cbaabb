//! Leases: one worker at a time.

use std::sync::Arc;

use stayput_ledger::Lease;
use stayput_ledger::LeaseScope::Estate;
use stayput_ledger::Ledger;
use stayput_ledger::LedgerError;

use crate::fixture::at;

async fn acquired(ledger: &dyn Ledger, who: &str, second: i64) -> Lease {
    ledger
        .acquire(&Estate, &who.into(), at(second))
        .await
        .unwrap()
}

pub async fn a_second_worker_is_refused_with_the_name_of_the_holder(
    open: &dyn Fn() -> Arc<dyn Ledger>,
) {
    let (first, second) = (open(), open());
    let lease = acquired(&*first, "kim", 5).await;
    let holder = second.holder(&Estate).await.unwrap().unwrap();
    assert_eq!(holder.who, Some("kim".into()));
    assert_eq!(holder.process, Some(std::process::id()));
    assert_eq!(holder.since, Some(at(5)));
    assert_eq!(holder.epoch, Some(lease.epoch()));
    // Neither by another handle nor by the same one.
    for ledger in [&second, &first] {
        let error = ledger
            .acquire(&Estate, &"lee".into(), at(6))
            .await
            .unwrap_err();
        let LedgerError::Held { holder: found } = error else {
            panic!("{error:?}")
        };
        assert_eq!(*found, holder);
    }
}

pub async fn a_lease_that_is_dropped_is_free_and_has_no_holder(open: &dyn Fn() -> Arc<dyn Ledger>) {
    let ledger = open();
    assert_eq!(ledger.holder(&Estate).await.unwrap(), None);
    let lease = acquired(&*ledger, "kim", 1).await;
    drop(lease);
    assert_eq!(ledger.holder(&Estate).await.unwrap(), None);
    let lease = acquired(&*open(), "lee", 2).await;
    assert_eq!(lease.scope(), &Estate);
    // The handle was dropped, the lease was not.
    let holder = ledger.holder(&Estate).await.unwrap().unwrap();
    assert_eq!(holder.who, Some("lee".into()));
}

pub async fn every_lease_has_a_greater_epoch_than_all_before(open: &dyn Fn() -> Arc<dyn Ledger>) {
    let mut before = 0;
    for second in 0..3 {
        let lease = acquired(&*open(), "kim", second).await;
        assert!(before < lease.epoch(), "{before} {lease:?}");
        before = lease.epoch();
    }
}

pub async fn a_lease_that_is_held_passes_its_check(open: &dyn Fn() -> Arc<dyn Ledger>) {
    let ledger = open();
    let lease = acquired(&*ledger, "kim", 1).await;
    ledger.check_lease(&lease).await.unwrap();
    open().check_lease(&lease).await.unwrap();
}

pub async fn a_dropped_lease_that_was_acquired_by_another_is_lost(
    open: &dyn Fn() -> Arc<dyn Ledger>,
) {
    let ledger = open();
    let first = acquired(&*ledger, "kim", 1).await;
    let (scope, epoch) = (first.scope().clone(), first.epoch());
    drop(first);
    let second = acquired(&*open(), "lee", 2).await;
    let stale = Lease::new(scope, epoch, AlwaysHeld);
    let error = ledger.check_lease(&stale).await.unwrap_err();
    assert!(
        matches!(error, LedgerError::LeaseLost { epoch: lost, .. } if lost == epoch),
        "{error:?}"
    );
    ledger.check_lease(&second).await.unwrap();
}

/// A worker that was suspended while its lease was lost and still assumes that it holds it.
struct AlwaysHeld;

impl stayput_ledger::LeaseGuard for AlwaysHeld {
    fn is_held(&self) -> bool {
        true
    }
}
