//! One poller per Move plan, for any number of its machines.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use stayput_estate::MovePlanId;
use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_nutanix::MoveClient;
use stayput_nutanix::MoveError;
use stayput_world::mv::MovePlan;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// The last state of a plan, and when it was read.
type LastState = Arc<Mutex<Option<(Instant, Arc<MovePlan>)>>>;

/// Shared reads of Move plans: all callers within one poll interval get the same answer.
#[derive(Debug)]
pub struct Watcher {
    interval: Duration,
    plans: Mutex<BTreeMap<(SiteName, MovePlanId), LastState>>,
    refreshed: Mutex<BTreeSet<SiteName>>,
}

impl Watcher {
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            plans: Mutex::default(),
            refreshed: Mutex::default(),
        }
    }

    /// Makes Move read its inventory again, once per run for any number of callers.
    pub async fn refresh_once(
        &self,
        site: &SiteName,
        client: &MoveClient,
        source_provider: &str,
        region: &Region,
    ) -> Result<(), MoveError> {
        let mut refreshed = self.refreshed.lock().await;
        if !refreshed.contains(site) {
            client.refresh_inventory(source_provider, region).await?;
            refreshed.insert(site.clone());
        }
        Ok(())
    }

    /// The plan as it is now, or was less than one poll interval ago.
    pub async fn look(
        &self,
        site: &SiteName,
        client: &MoveClient,
        plan: &MovePlanId,
    ) -> Result<Arc<MovePlan>, MoveError> {
        let key = (site.clone(), plan.clone());
        let slot = Arc::clone(self.plans.lock().await.entry(key).or_default());
        let mut last = slot.lock().await;
        if let Some((at, seen)) = &*last
            && at.elapsed() < self.interval
        {
            return Ok(Arc::clone(seen));
        }
        let seen = Arc::new(client.plan_status(plan).await?);
        *last = Some((Instant::now(), Arc::clone(&seen)));
        Ok(seen)
    }
}
