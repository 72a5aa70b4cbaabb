//! VPCs, subnets and their route tables: what others refer to must be there.

use std::collections::BTreeSet;

use stayput_estate::Region;
use stayput_estate::SubnetId;
use stayput_estate::VpcId;
use stayput_messages::Message;
use stayput_world::aws::Unreadable;

use super::KnownAwsObjects;
use super::Lists;
use crate::client::AwsClient;
use crate::error::AwsError;
use crate::list::SUBNETS_BY_ID;
use crate::list::VPCS_BY_ID;
use crate::parse::vpc;
use crate::xml::Element;

impl AwsClient {
    /// Asks for VPCs and subnets that are expected or referred to and not listed, and for the tables of a VPC that seems to have none.
    pub(super) async fn settle_places(
        &self,
        region: &Region,
        known: &KnownAwsObjects,
        lists: &mut Lists,
    ) -> Result<(), AwsError> {
        let vpcs = lists.vpcs_to_ask_for(known);
        let subnets = lists.subnets_to_ask_for(known);
        let (vpcs, subnets) = tokio::try_join!(
            self.ask(region, VPCS_BY_ID, vpcs, |entry: Element<'_, '_>| {
                vpc::vpc(entry).map(|vpc| vec![vpc])
            }),
            self.ask(region, SUBNETS_BY_ID, subnets, |entry: Element<'_, '_>| {
                vpc::subnet(entry).map(|subnet| vec![subnet])
            }),
        )?;
        lists.vpcs.here.extend(vpcs.seen.here);
        lists.absent.vpcs.extend(vpcs.not_found);
        lists.note_silent(&Message::new("kind-vpc"), vpcs.silent);
        lists.subnets.here.extend(subnets.seen.here);
        lists.subnets.unreadable.extend(subnets.seen.unreadable);
        lists.absent.subnets.extend(subnets.not_found);
        lists.note_silent(&Message::new("kind-subnet"), subnets.silent);

        for vpc in lists.vpcs_without_main_table() {
            match self.vpc_route_tables(region, &vpc).await {
                Ok(tables) => lists.route_tables.here.extend(tables),
                Err(error @ AwsError::Parse { .. }) if !known.vpcs.contains(&vpc) => {
                    // The owner of a VPC that is shared with us need not show its tables.
                    lists.unreadable.insert(Unreadable {
                        kind: Message::new("kind-main-route-table").to_string(),
                        id: vpc.to_string(),
                        why: error.to_string(),
                    });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Lists {
    fn vpcs_to_ask_for(&self, known: &KnownAwsObjects) -> BTreeSet<VpcId> {
        let subnets = self.subnets.here.values().map(|subnet| &subnet.vpc);
        let tables = self.route_tables.here.values().map(|table| &table.vpc);
        let enis = self.enis.here.values().map(|eni| &eni.vpc);
        let instances = self.instances.here.values();
        let instances = instances.filter_map(|instance| instance.vpc.as_ref());
        let attached = self.attachments.own_vpcs(self.account.as_ref());
        known
            .vpcs
            .iter()
            .chain(subnets)
            .chain(tables)
            .chain(enis)
            .chain(instances)
            .cloned()
            .chain(attached)
            .filter(|id| !self.vpcs.here.contains_key(id))
            .collect()
    }

    fn subnets_to_ask_for(&self, known: &KnownAwsObjects) -> BTreeSet<SubnetId> {
        let tables = self.route_tables.here.values();
        let tables = tables.flat_map(|table| &table.subnets);
        let enis = self.enis.here.values().map(|eni| &eni.subnet);
        let instances = self.instances.here.values();
        let instances = instances.filter_map(|instance| instance.subnet.as_ref());
        let attached = self.attachments.own_subnets(self.account.as_ref());
        let unreadable = |id: &SubnetId| {
            let mut noted = self.subnets.unreadable.iter();
            noted.any(|noted| noted.id == id.as_str())
        };
        known
            .subnets
            .iter()
            .chain(tables)
            .chain(enis)
            .chain(instances)
            .cloned()
            .chain(attached)
            .filter(|id| !self.subnets.here.contains_key(id) && !unreadable(id))
            .collect()
    }

    /// Every VPC has a main table, which decides for the subnets that name no other.
    fn vpcs_without_main_table(&self) -> Vec<VpcId> {
        let main = |vpc: &VpcId| {
            let mut tables = self.route_tables.here.values();
            tables.any(|table| table.main && table.vpc == *vpc)
        };
        self.vpcs
            .here
            .keys()
            .filter(|vpc| !main(vpc))
            .cloned()
            .collect()
    }
}
