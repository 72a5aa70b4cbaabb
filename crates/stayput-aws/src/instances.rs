//! Instances: look, start, stop.

use std::collections::BTreeMap;

use stayput_estate::InstanceId;
use stayput_estate::Region;
use stayput_world::aws::Instance;

use crate::client::AwsClient;
use crate::error::AwsError;
use crate::parse::vpc;
use crate::query::Query;

/// Values one filter may have.
const FILTER_VALUES: usize = 200;
/// Instances started or stopped by one call. AWS publishes no limit and advises small batches.
const BATCH: usize = 50;

impl AwsClient {
    /// One instance as it is now; `None` if there is none of that id, or none any more.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`].
    pub async fn instance(
        &self,
        region: &Region,
        id: &InstanceId,
    ) -> Result<Option<Instance>, AwsError> {
        let mut found = self.instances(region, std::slice::from_ref(id)).await?;
        Ok(found.remove(id))
    }

    /// These instances as they are now; ids that AWS does not know are absent. Terminated ones are included as long as AWS
    /// lists them.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`].
    pub async fn instances(
        &self,
        region: &Region,
        ids: &[InstanceId],
    ) -> Result<BTreeMap<InstanceId, Instance>, AwsError> {
        let mut found = BTreeMap::new();
        // By filter, because one unknown id in an id list fails the whole call.
        for ids in ids.chunks(FILTER_VALUES) {
            let query = Query::ec2("DescribeInstances")
                .with_filter("instance-id", ids)
                .with("MaxResults", 1000);
            let reservations = self
                .list(region, query, "reservationSet", vpc::reservation)
                .await?;
            found.extend(reservations.into_iter().flatten());
        }
        Ok(found)
    }

    /// Starts instances; those already running are left as they are. Returns when AWS has accepted, not when they run.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`]; instances of earlier batches of fifty may then have been started.
    pub async fn start_instances(
        &self,
        region: &Region,
        ids: &[InstanceId],
    ) -> Result<(), AwsError> {
        self.power(region, "StartInstances", ids).await
    }

    /// Stops instances, cleanly; those already stopped are left as they are. Returns when AWS has accepted, not when they
    /// have stopped.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`]; instances of earlier batches of fifty may then have been stopped.
    pub async fn stop_instances(
        &self,
        region: &Region,
        ids: &[InstanceId],
    ) -> Result<(), AwsError> {
        self.power(region, "StopInstances", ids).await
    }

    async fn power(
        &self,
        region: &Region,
        action: &'static str,
        ids: &[InstanceId],
    ) -> Result<(), AwsError> {
        for ids in ids.chunks(BATCH) {
            let query = Query::ec2(action).with_list("InstanceId", ids);
            self.query(region, &query, |_| Ok(())).await?;
        }
        Ok(())
    }
}
