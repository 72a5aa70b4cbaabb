//! Instances and interfaces: two lists that lag behind each other, made to agree.

use std::collections::BTreeSet;

use stayput_estate::EniId;
use stayput_estate::InstanceId;
use stayput_estate::Region;
use stayput_messages::Message;
use stayput_world::aws::Eni;
use stayput_world::aws::Gone;
use stayput_world::aws::Instance;

use super::KnownAwsObjects;
use super::Lists;
use crate::ask::Asked;
use crate::client::AwsClient;
use crate::error::AwsError;

/// Rounds of asking. An instance found by id may name interfaces not seen so far, and one of these another instance; the chain is short.
const ROUNDS: usize = 3;

/// Ids that were asked for once are not asked for again.
#[derive(Default)]
struct Done {
    instances: BTreeSet<InstanceId>,
    enis: BTreeSet<EniId>,
}

impl AwsClient {
    /// Asks for instances and interfaces that are expected, that only the other list names, or that disagree with it.
    pub(super) async fn settle_machines(
        &self,
        region: &Region,
        known: &KnownAwsObjects,
        lists: &mut Lists,
    ) -> Result<(), AwsError> {
        let mut done = Done::default();
        for _ in 0..ROUNDS {
            let instances = lists.instances_to_ask_for(known, &done);
            let enis = lists.enis_to_ask_for(known, &done);
            if instances.is_empty() && enis.is_empty() {
                break;
            }
            let (found, attached) = tokio::try_join!(
                self.ask_instances(region, instances.clone(), known.vpcs.clone()),
                self.ask_enis(region, enis.clone(), known.vpcs.clone()),
            )?;
            lists.add_instances(found);
            lists.add_enis(attached);
            done.instances.extend(instances);
            done.enis.extend(enis);
        }
        Ok(())
    }
}

impl Lists {
    /// Instances that are expected or that interfaces name, and are not listed; and those that do not list an interface attached to them.
    fn instances_to_ask_for(&self, known: &KnownAwsObjects, done: &Done) -> BTreeSet<InstanceId> {
        let attached = self.enis.here.iter().filter_map(|(eni, found)| {
            let (instance, _) = found.attached_to.as_ref()?;
            let listed = self.instances.here.get(instance);
            let agrees = listed.is_some_and(|listed| listed.enis.contains(eni));
            (!agrees).then_some(instance)
        });
        let expected = known
            .instances
            .iter()
            .filter(|id| !self.instances.here.contains_key(*id));
        attached
            .chain(expected)
            .filter(|id| !self.instances.gone.contains(*id) && !done.instances.contains(*id))
            .cloned()
            .collect()
    }

    /// Interfaces that are expected or that instances name, and are not listed; and those that do not name the instance that lists them.
    fn enis_to_ask_for(&self, known: &KnownAwsObjects, done: &Done) -> BTreeSet<EniId> {
        let named = self.instances.here.iter().flat_map(|(id, instance)| {
            instance.enis.iter().filter(move |eni| {
                let of = self.enis.here.get(*eni).map(|eni| &eni.attached_to);
                !matches!(of, Some(Some((of, _))) if of == id)
            })
        });
        let expected = known
            .enis
            .iter()
            .filter(|id| !self.enis.here.contains_key(*id));
        named
            .chain(expected)
            .filter(|id| !done.enis.contains(*id))
            .cloned()
            .collect()
    }

    fn add_instances(&mut self, asked: Asked<InstanceId, Instance>) {
        for id in asked.seen.gone.iter().chain(&asked.not_found) {
            self.instances.here.remove(id);
        }
        self.instances.here.extend(asked.seen.here);
        self.instances.gone.extend(asked.seen.gone);
        self.instances.unreadable.extend(asked.seen.unreadable);
        let not_found = asked.not_found.into_iter();
        self.absent
            .instances
            .extend(not_found.map(|id| (id, Gone::NotFound)));
        let listed = &self.instances.here;
        let silent: Vec<_> = asked
            .silent
            .into_iter()
            .filter(|id| !listed.contains_key(id))
            .collect();
        self.note_silent(&Message::new("kind-instance"), silent);
    }

    fn add_enis(&mut self, asked: Asked<EniId, Eni>) {
        for id in &asked.not_found {
            self.enis.here.remove(id);
        }
        self.enis.here.extend(asked.seen.here);
        self.enis.unreadable.extend(asked.seen.unreadable);
        self.absent.enis.extend(asked.not_found);
        let listed = &self.enis.here;
        let silent: Vec<_> = asked
            .silent
            .into_iter()
            .filter(|id| !listed.contains_key(id))
            .collect();
        self.note_silent(&Message::new("kind-interface"), silent);
    }
}
