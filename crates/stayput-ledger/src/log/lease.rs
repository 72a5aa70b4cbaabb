//! Leases of a log: taken on record, kept by a sign of life, taken over from a holder that shows none.

use jiff::Timestamp;

use super::Beat;
use super::HeldLease;
use super::LogLedger;
use crate::Holder;
use crate::Lease;
use crate::LeaseScope;
use crate::LedgerError;
use crate::Record;
use crate::Who;
use crate::state::Applied;
use crate::state::State;

impl LogLedger {
    pub(super) async fn take(
        &self,
        scope: &LeaseScope,
        who: &Who,
        at: Timestamp,
    ) -> Result<Lease, LedgerError> {
        let dead = self.wait_for(scope).await?;
        let holder = |epoch| Holder {
            who: Some(who.clone()),
            process: Some(std::process::id()),
            since: Some(at),
            epoch: Some(epoch),
        };
        let decide = |state: &State| {
            // Another worker may have been faster.
            if let Some(held) = state.holder(scope)
                && held.epoch != dead
            {
                let holder = Box::new(held.clone());
                return Err(LedgerError::Held { holder });
            }
            let epoch = state.epoch(scope).unwrap_or_default() + 1;
            Ok(vec![Record::LeaseTaken {
                scope: scope.clone(),
                epoch,
                holder: holder(epoch),
            }])
        };
        let taken = self.write_by(decide).await?;
        // The epoch that was written, also if another worker has taken the lease over since.
        let Applied::Lease(epoch) = taken else {
            let (scope, epoch) = (scope.clone(), 0);
            return Err(LedgerError::LeaseLost { scope, epoch });
        };
        self.mine().insert(scope.clone(), epoch);
        let (worker, released) = (self.clone(), scope.clone());
        let held = HeldLease {
            scope: scope.clone(),
            epoch,
            release: Box::new(move || {
                Box::pin(async move { worker.release(released, epoch).await })
            }),
        };
        let guard = match self.log.hold(held).await {
            Ok(guard) => guard,
            Err(error) => {
                self.release(scope.clone(), epoch).await;
                return Err(self.store(error));
            }
        };
        let lease = Lease::new(scope.clone(), epoch, guard);
        // This worker may have been suspended since.
        self.is_newest(&lease).await?;
        Ok(lease)
    }

    /// Waits until a lease that is held has shown no sign of life for its length. Gives the epoch of that lease; an error as soon as
    /// there is one.
    async fn wait_for(&self, scope: &LeaseScope) -> Result<Option<u64>, LedgerError> {
        let (Some(held), beat) = self.sign_of_life(scope).await? else {
            return Ok(None);
        };
        if self.mine().get(scope).copied() == held.epoch {
            let holder = Box::new(held);
            return Err(LedgerError::Held { holder });
        }
        let is_of_it = |beat: &Beat| Some(beat.epoch) == held.epoch;
        let seen = beat.filter(is_of_it);
        let mut waited = std::time::Duration::ZERO;
        while waited < self.times.length {
            self.log.pause(self.times.look).await;
            waited += self.times.look;
            match self.sign_of_life(scope).await? {
                (None, _) => return Ok(None),
                (Some(now), beat) if now != held || beat.clone().filter(is_of_it) != seen => {
                    let holder = Box::new(now);
                    return Err(LedgerError::Held { holder });
                }
                _ => {}
            }
        }
        Ok(held.epoch)
    }

    /// Who holds a lease by the log, and the last sign of life of a holder.
    async fn sign_of_life(
        &self,
        scope: &LeaseScope,
    ) -> Result<(Option<Holder>, Option<Beat>), LedgerError> {
        let held = self.ask(|state| state.holder(scope).cloned()).await?;
        let beat = self.log.beat(scope).await;
        Ok((held, beat.map_err(|error| self.store(error))?))
    }

    async fn release(&self, scope: LeaseScope, epoch: u64) {
        // What cannot be released is taken over when it shows no sign of life any more.
        let released = Record::LeaseReleased {
            scope: scope.clone(),
            epoch,
        };
        let released = self.write(&[released]).await;
        if matches!(released, Err(LedgerError::LeaseLost { .. })) {
            // Its former holder writes nothing more.
            return;
        }
        let mut mine = self.mine();
        if mine.get(&scope) == Some(&epoch) {
            mine.remove(&scope);
        }
    }
}
