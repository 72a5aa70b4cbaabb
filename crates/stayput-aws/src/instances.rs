//! Instances: look, start, stop.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::EniId;
use stayput_estate::InstanceId;
use stayput_estate::Region;
use stayput_estate::VpcId;
use stayput_messages::Message;
use stayput_world::aws::Eni;
use stayput_world::aws::Gone;
use stayput_world::aws::Instance;

use crate::ask::Asked;
use crate::client::AwsClient;
use crate::endpoint::Service;
use crate::error::AwsError;
use crate::list::ENIS;
use crate::list::ENIS_BY_ID;
use crate::list::INSTANCES_BY_ID;
use crate::parse::Entry;
use crate::parse::Sorted;
use crate::parse::vpc;
use crate::query::Query;
use crate::rights::Permission;
use crate::xml::Element;
use crate::xml::Malformed;

/// Values one filter may have.
const FILTER_VALUES: usize = 200;
/// Instances started or stopped by one call. AWS publishes no limit and advises small batches.
const BATCH: usize = 50;

/// What AWS says of one instance. That AWS says nothing, or something else, is an error instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstanceNow {
    /// It exists, in this state.
    Seen(Box<Instance>),
    /// It does not exist (any more), by AWS's own word.
    Gone(Gone),
}

/// An instance and its interfaces at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithInterfaces {
    /// The instance.
    pub instance: Instance,
    /// Every interface that the instance names or that names the instance, with all its addresses.
    pub enis: BTreeMap<EniId, Eni>,
}

/// What AWS says of one instance and its interfaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InterfacesNow {
    /// It exists, with these.
    Seen(Box<WithInterfaces>),
    /// The instance does not exist (any more), by AWS's own word.
    Gone(Gone),
}

impl AwsClient {
    /// One instance as it is now, asked for by id.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`]; [`AwsError::Parse`] when the answer is about neither the instance nor its absence.
    pub async fn instance(
        &self,
        region: &Region,
        id: &InstanceId,
    ) -> Result<InstanceNow, AwsError> {
        let mut found = self.instances(region, std::slice::from_ref(id)).await?;
        found
            .remove(id)
            .ok_or_else(|| self.no_answer_about(region, id))
    }

    /// These instances as they are now, asked for by id. Each id is in the result.
    ///
    /// # Errors
    ///
    /// As [`AwsClient::instance`].
    pub async fn instances(
        &self,
        region: &Region,
        ids: &[InstanceId],
    ) -> Result<BTreeMap<InstanceId, InstanceNow>, AwsError> {
        let ids = ids.iter().cloned().collect();
        let asked = self.ask_instances(region, ids, BTreeSet::new()).await?;
        if let Some(id) = asked.silent.first() {
            return Err(self.no_answer_about(region, id));
        }
        let seen = asked.seen.here.into_iter();
        let terminated = asked.seen.gone.into_iter();
        let not_found = asked.not_found.into_iter();
        Ok(terminated
            .map(|id| (id, InstanceNow::Gone(Gone::Terminated)))
            .chain(not_found.map(|id| (id, InstanceNow::Gone(Gone::NotFound))))
            .chain(seen.map(|(id, instance)| (id, InstanceNow::Seen(Box::new(instance)))))
            .collect())
    }

    /// The interfaces of these instances as they are now, for a comparison right before something depends on it. Each id is in the result.
    ///
    /// Read from both sides, the instance's list and the interfaces' own attachments, and every interface asked for by id: none is left out
    /// because one list lags behind the other.
    ///
    /// # Errors
    ///
    /// As [`AwsClient::instance`]; [`AwsError::Parse`] also when AWS does not return an interface that an instance lists.
    pub async fn interfaces_of(
        &self,
        region: &Region,
        ids: &[InstanceId],
    ) -> Result<BTreeMap<InstanceId, InterfacesNow>, AwsError> {
        let mut enis = self.attached_to(region, ids).await?;
        let instances = self.instances(region, ids).await?;
        let listed: BTreeSet<EniId> = instances
            .values()
            .flat_map(|now| match now {
                InstanceNow::Seen(instance) => instance.enis.as_slice(),
                InstanceNow::Gone(_) => &[],
            })
            .filter(|eni| !enis.contains_key(*eni))
            .cloned()
            .collect();
        if !listed.is_empty() {
            let asked = self.ask_enis(region, listed, BTreeSet::new()).await?;
            if let Some(id) = asked.silent.iter().chain(&asked.not_found).next() {
                let problem =
                    Malformed::new(id.as_str(), Message::new("answer-interface-not-returned"));
                return Err(self.unexpected(region, Service::Ec2, ENIS.action, problem));
            }
            enis.extend(asked.seen.here);
        }
        let mut of: BTreeMap<InstanceId, InterfacesNow> = BTreeMap::new();
        for (id, now) in instances {
            let now = match now {
                InstanceNow::Seen(instance) => {
                    let names = |eni: &EniId, found: &Eni| {
                        let names_it = found.attached_to.as_ref().map(|(of, _)| of);
                        instance.enis.contains(eni) || names_it == Some(&id)
                    };
                    let enis = enis
                        .iter()
                        .filter(|(eni, found)| names(eni, found))
                        .map(|(eni, found)| (eni.clone(), found.clone()))
                        .collect();
                    let instance = *instance;
                    InterfacesNow::Seen(Box::new(WithInterfaces { instance, enis }))
                }
                InstanceNow::Gone(gone) => InterfacesNow::Gone(gone),
            };
            of.insert(id, now);
        }
        Ok(of)
    }

    /// Interfaces whose own attachment names one of these instances.
    async fn attached_to(
        &self,
        region: &Region,
        ids: &[InstanceId],
    ) -> Result<BTreeMap<EniId, Eni>, AwsError> {
        let mut enis = BTreeMap::new();
        for ids in ids.chunks(FILTER_VALUES) {
            let query = ENIS.query().with_filter("attachment.instance-id", ids);
            let found = self.list(region, ENIS, query, vpc::eni).await?;
            let found: Sorted<EniId, Eni> = found.into_iter().collect();
            enis.extend(found.here);
        }
        Ok(enis)
    }

    /// Asks for instances by id.
    pub(crate) async fn ask_instances(
        &self,
        region: &Region,
        ids: BTreeSet<InstanceId>,
        ours: BTreeSet<VpcId>,
    ) -> Result<Asked<InstanceId, Instance>, AwsError> {
        let read = move |entry: Element<'_, '_>| {
            vpc::reservation(entry, |entry| vpc::instance_of(entry, &ours))
        };
        self.ask(region, INSTANCES_BY_ID, ids, read).await
    }

    /// Asks for interfaces by id.
    pub(crate) async fn ask_enis(
        &self,
        region: &Region,
        ids: BTreeSet<EniId>,
        ours: BTreeSet<VpcId>,
    ) -> Result<Asked<EniId, Eni>, AwsError> {
        let read = move |entry: Element<'_, '_>| -> Result<Vec<Entry<EniId, Eni>>, Malformed> {
            vpc::eni_of(entry, &ours).map(|eni| vec![eni])
        };
        self.ask(region, ENIS_BY_ID, ids, read).await
    }

    fn no_answer_about(&self, region: &Region, id: &InstanceId) -> AwsError {
        let problem = Malformed::new(id.as_str(), Message::new("answer-instance-not-told"));
        let action = INSTANCES_BY_ID.listing.action;
        self.unexpected(region, Service::Ec2, action, problem)
    }

    /// Starts instances; those already running are left as they are. Returns when AWS has accepted, not when they run.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`]; one after the first batch of fifty says that it [may have taken effect](AwsError::may_have_taken_effect), for
    /// earlier batches have.
    pub async fn start_instances(
        &self,
        region: &Region,
        ids: &[InstanceId],
    ) -> Result<(), AwsError> {
        self.power(region, "StartInstances", ids).await
    }

    /// Whether the credentials may start these instances, asked by dry run (AWS reference §1.4). Changes nothing, and says nothing about
    /// whether a start would otherwise succeed.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`]; [`AwsError::Parse`] if the endpoint ignored the dry run.
    pub async fn may_start(&self, region: &Region, ids: &[InstanceId]) -> Result<bool, AwsError> {
        for ids in ids.chunks(BATCH) {
            let query = Query::ec2("StartInstances").with_list("InstanceId", ids);
            // An objection to the state of an instance comes after the question of rights.
            let objects = |error: &AwsError| error.has_code("IncorrectInstanceState");
            match self.permission(region, query, objects).await {
                Permission::Allowed => {}
                Permission::Denied(_) => return Ok(false),
                Permission::Unknown(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Stops instances, cleanly; those already stopped are left as they are. Returns when AWS has accepted, not when they
    /// have stopped.
    ///
    /// # Errors
    ///
    /// As [`AwsClient::start_instances`].
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
        for (number, ids) in ids.chunks(BATCH).enumerate() {
            let query = Query::ec2(action).with_list("InstanceId", ids);
            let wanted: BTreeSet<InstanceId> = ids.iter().cloned().collect();
            self.query(region, &query, move |root| {
                let mut missing = wanted.clone();
                for item in root.items("instancesSet")? {
                    missing.remove(&InstanceId::new(item.required("instanceId")?));
                }
                match missing.first() {
                    None => Ok(()),
                    Some(id) => Err(Malformed::new(
                        root.place("instancesSet"),
                        Message::new("answer-without-instance").with("id", id),
                    )),
                }
            })
            .await
            .map_err(|error| match number {
                0 => error,
                // Batches before this one have been done.
                _ => error.in_doubt(),
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
