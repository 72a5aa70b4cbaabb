//! The log in a table.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use stayput_ambient::Ambient;
use stayput_aws::Attribute;
use stayput_aws::AwsClient;
use stayput_aws::AwsError;
use stayput_aws::Item;
use stayput_aws::PARTITION;
use stayput_aws::SORT;
use stayput_estate::LedgerTable;
use stayput_estate::Region;
use stayput_ledger::Appended;
use stayput_ledger::Batch;
use stayput_ledger::Beat;
use stayput_ledger::HeldLease;
use stayput_ledger::LeaseGuard;
use stayput_ledger::LeaseScope;
use stayput_ledger::LedgerError;
use stayput_ledger::Log;
use stayput_ledger::LogError;
use stayput_messages::Message;
use tokio::runtime::Handle;
use tokio::runtime::RuntimeFlavor;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::Misfit;
use crate::check;

/// How often the holder of a lease renews its sign of life.
const BEAT_EVERY: Duration = Duration::from_secs(5);

/// How long a lease that is dropped may take to be released.
const RELEASE_WITHIN: Duration = Duration::from_secs(10);

/// A write of another region at the same moment: refused, and to be tried again (AWS reference §6).
const CONFLICT: &str = "ReplicatedWriteConflictException";

/// How often such a write is tried, and the pause between.
const CONFLICTS: u32 = 10;
const CONFLICT_PAUSE: Duration = Duration::from_millis(100);

/// A log in a DynamoDB table. Clones are handles of it.
#[derive(Clone)]
pub struct TableLog(Arc<Shared>);

struct Shared {
    aws: AwsClient,
    table: LedgerTable,
    estate: String,
    ambient: Ambient,
    /// The place of the region, among those of the table, that answered last.
    answering: AtomicUsize,
}

impl TableLog {
    /// Opens the log of one estate in a table, after a look at the table.
    ///
    /// # Errors
    /// The table cannot hold a ledger, or cannot be asked.
    pub async fn open(
        aws: AwsClient,
        table: LedgerTable,
        estate: &str,
        ambient: Ambient,
    ) -> Result<Self, Misfit> {
        let answering = check(&aws, &table).await?;
        Ok(Self(Arc::new(Shared {
            aws,
            table,
            estate: estate.to_owned(),
            ambient,
            answering: AtomicUsize::new(answering),
        })))
    }
}

impl Shared {
    /// The partition of this estate's items of a kind. No two lists are written the same.
    fn partition(&self, kind: &str) -> String {
        serde_json::json!([kind, self.estate]).to_string()
    }

    /// Calls a region, and if it does not answer, the next one. A write that may have taken effect goes nowhere else: its effect is looked
    /// for first, by the caller.
    async fn call<'c, T>(
        &self,
        call: impl Fn(Region) -> BoxFuture<'c, Result<T, AwsError>> + Send,
    ) -> Result<T, LogError> {
        let regions: Vec<_> = self.table.regions().collect();
        let first = self.answering.load(Ordering::Relaxed);
        let mut last = None;
        for turn in 0..regions.len() {
            let at = (first + turn) % regions.len();
            let Some(region) = regions.get(at) else {
                continue;
            };
            let mut conflicts = 0;
            let outcome = loop {
                match call((*region).clone()).await {
                    Err(error) if error.code() == Some(CONFLICT) && conflicts < CONFLICTS => {
                        conflicts += 1;
                        tokio::time::sleep(CONFLICT_PAUSE).await;
                    }
                    outcome => break outcome,
                }
            };
            match outcome {
                Ok(value) => {
                    self.answering.store(at, Ordering::Relaxed);
                    return Ok(value);
                }
                Err(error) => {
                    let is_silent = error.is_unreachable();
                    let error = LogError {
                        is_in_doubt: error.may_have_taken_effect(),
                        source: Box::new(error),
                    };
                    if error.is_in_doubt {
                        // The next call, which looks for the effect, asks another region.
                        self.answering.store(at + 1, Ordering::Relaxed);
                        return Err(error);
                    }
                    if !is_silent {
                        return Err(error);
                    }
                    last = Some(error);
                }
            }
        }
        Err(last.unwrap_or_else(|| LogError {
            source: String::from(Message::new("table-no-region")).into(),
            is_in_doubt: false,
        }))
    }

    /// Renews the sign of life of a lease. Gives whether it is still the newest lease.
    async fn beat(&self, scope: &LeaseScope, epoch: u64, count: u64) -> Result<bool, LogError> {
        let item: Item = [
            (PARTITION.to_owned(), self.partition("beat").as_str().into()),
            (SORT.to_owned(), number_of(scope).into()),
            ("epoch".to_owned(), epoch.into()),
            ("count".to_owned(), count.into()),
        ]
        .into();
        let (aws, table, item) = (&self.aws, &self.table.name, &item);
        let put = |region| {
            async move { aws.put_item_of_epoch(&region, table, item, epoch).await }.boxed()
        };
        self.call(put).await
    }

    fn place(&self) -> String {
        Message::new("ledger-table")
            .with("table", &self.table.name)
            .with("region", &self.table.region)
            .into()
    }

    fn odd(&self, what: Message) -> LogError {
        LogError {
            source: Box::new(LedgerError::NotALedger {
                place: self.place(),
                reason: what.into(),
            }),
            is_in_doubt: false,
        }
    }
}

/// The sort key of a scope's sign of life.
fn number_of(scope: &LeaseScope) -> u64 {
    match scope {
        LeaseScope::Estate => 0,
    }
}

fn text<'i>(item: &'i Item, name: &str) -> Option<&'i str> {
    item.get(name).and_then(Attribute::text)
}

fn number(item: &Item, name: &str) -> Option<u64> {
    item.get(name).and_then(Attribute::number)
}

fn batch_of(item: &Item) -> Option<Batch> {
    Some(Batch {
        format: i64::try_from(number(item, "format")?).ok()?,
        number: number(item, SORT)?,
        nonce: text(item, "nonce")?.to_owned(),
        body: text(item, "body")?.to_owned(),
        hash: text(item, "hash")?.to_owned(),
    })
}

#[async_trait]
impl Log for TableLog {
    fn place(&self) -> String {
        self.0.place()
    }

    async fn read(&self, after: u64) -> Result<Vec<Batch>, LogError> {
        let shared = &self.0;
        let partition = &shared.partition("log");
        let (aws, table) = (&shared.aws, &shared.table.name);
        let read =
            |region| async move { aws.items_after(&region, table, partition, after).await }.boxed();
        let items = shared.call(read).await?;
        let batches = items.iter().map(|item| {
            let sort = item
                .get(SORT)
                .map_or_else(|| "?".to_owned(), ToString::to_string);
            batch_of(item)
                .ok_or_else(|| shared.odd(Message::new("table-odd-item").with("item", sort)))
        });
        batches.collect()
    }

    async fn append(&self, batch: &Batch) -> Result<Appended, LogError> {
        let shared = &self.0;
        let item: Item = [
            (
                PARTITION.to_owned(),
                shared.partition("log").as_str().into(),
            ),
            (SORT.to_owned(), batch.number.into()),
            ("format".to_owned(), batch.format.unsigned_abs().into()),
            ("nonce".to_owned(), batch.nonce.as_str().into()),
            ("body".to_owned(), batch.body.as_str().into()),
            ("hash".to_owned(), batch.hash.as_str().into()),
        ]
        .into();
        let (aws, table, item) = (&shared.aws, &shared.table.name, &item);
        let put = |region| async move { aws.put_new_item(&region, table, item).await }.boxed();
        Ok(match shared.call(put).await? {
            true => Appended::Written,
            false => Appended::Taken,
        })
    }

    async fn beat(&self, scope: &LeaseScope) -> Result<Option<Beat>, LogError> {
        let shared = &self.0;
        let (partition, sort) = (&shared.partition("beat"), number_of(scope));
        let (aws, table) = (&shared.aws, &shared.table.name);
        let get = |region| async move { aws.item(&region, table, partition, sort).await }.boxed();
        let Some(item) = shared.call(get).await? else {
            return Ok(None);
        };
        let beat = number(&item, "epoch").zip(number(&item, "count"));
        let (epoch, count) =
            beat.ok_or_else(|| shared.odd(Message::new("table-odd-item").with("item", sort)))?;
        Ok(Some(Beat { epoch, count }))
    }

    async fn hold(&self, lease: HeldLease) -> Result<Box<dyn LeaseGuard>, LogError> {
        let is_held = Arc::new(AtomicBool::new(true));
        if !self.0.beat(&lease.scope, lease.epoch, 1).await? {
            is_held.store(false, Ordering::Relaxed);
        }
        let (shared, scope, epoch) = (Arc::clone(&self.0), lease.scope.clone(), lease.epoch);
        let held = Arc::clone(&is_held);
        let beating = tokio::spawn(async move {
            let mut turns = tokio::time::interval(BEAT_EVERY);
            turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for count in 2.. {
                turns.tick().await;
                // A sign of life that is late is worth nothing: the next one goes to the next region.
                let beat = shared.beat(&scope, epoch, count);
                match tokio::time::timeout(BEAT_EVERY, beat).await {
                    Ok(Ok(true) | Err(_)) => {}
                    Ok(Ok(false)) => {
                        held.store(false, Ordering::Relaxed);
                        return;
                    }
                    Err(_) => {
                        shared.answering.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        });
        Ok(Box::new(Held {
            lease: Some(lease),
            beating,
            is_held,
        }))
    }

    async fn pause(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn nonce(&self) -> String {
        self.0.ambient.entropy.uuid().to_string()
    }
}

/// A lease that shows signs of life until it is dropped.
struct Held {
    lease: Option<HeldLease>,
    beating: JoinHandle<()>,
    is_held: Arc<AtomicBool>,
}

impl LeaseGuard for Held {
    fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Relaxed)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.is_held.store(false, Ordering::Relaxed);
        self.beating.abort();
        let Some(lease) = self.lease.take() else {
            return;
        };
        // Without this the next command would have to wait until the lease shows no sign of life.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let release = tokio::time::timeout(RELEASE_WITHIN, (lease.release)());
        match runtime.runtime_flavor() {
            RuntimeFlavor::MultiThread => tokio::task::block_in_place(|| {
                let _ = runtime.block_on(release);
            }),
            // Its one thread cannot wait.
            _ => drop(runtime.spawn(release)),
        }
    }
}
