//! One region, whole.
//!
//! Every list is read to its end. Then what the lists say of each other is compared, and what one names and another lacks is asked for by id,
//! as is what the caller expects: only AWS's answer about an id makes it absent.

mod known;
mod machines;
mod places;
mod prefix_lists;
mod transit;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use stayput_estate::AccountId;
use stayput_estate::EniId;
use stayput_estate::InstanceId;
use stayput_estate::Region;
use stayput_estate::RouteTableId;
use stayput_estate::SubnetId;
use stayput_estate::TgwId;
use stayput_estate::TgwRouteTableId;
use stayput_estate::VpcId;
use stayput_estate::VpnId;
use stayput_messages::Message;
use stayput_world::AwsRegion;
use stayput_world::aws::Absent;
use stayput_world::aws::Eni;
use stayput_world::aws::Gone;
use stayput_world::aws::Instance;
use stayput_world::aws::Tgw;
use stayput_world::aws::Unreadable;
use stayput_world::aws::Vpc;
use stayput_world::aws::VpcRouteTable;
use stayput_world::aws::VpcSubnet;
use stayput_world::aws::Vpn;

use crate::client::AwsClient;
use crate::error::AwsError;
use crate::error::EndpointState;
use crate::list;
use crate::list::Listing;
use crate::parse::Sorted;
use crate::parse::tgw;
use crate::parse::tgw::ListedTable;
use crate::parse::vpc;
use crate::query::Query;
use crate::xml::Element;
use crate::xml::Malformed;

pub use known::KnownAwsObjects;
use transit::Attachments;

/// Things read at once in a loop. Each table takes four calls from a bucket that NC2's nodes drink from too (AWS reference §1.5).
const AT_ONCE: usize = 4;

/// What the region's lists say, while it is put together.
#[derive(Debug, Default)]
struct Lists {
    account: Option<AccountId>,
    vpcs: Sorted<VpcId, Vpc>,
    subnets: Sorted<SubnetId, VpcSubnet>,
    route_tables: Sorted<RouteTableId, VpcRouteTable>,
    instances: Sorted<InstanceId, Instance>,
    enis: Sorted<EniId, Eni>,
    tgws: Sorted<TgwId, Tgw>,
    attachments: Attachments,
    tables: Sorted<TgwRouteTableId, ListedTable>,
    vpns: BTreeMap<VpnId, Vpn>,
    /// What AWS was asked for and does not have.
    absent: Absent,
    /// What could not be read or settled.
    unreadable: BTreeSet<Unreadable>,
}

/// What became of calls that were made at the same time.
#[derive(Debug, Default)]
struct Failures {
    /// The first failure that is an answer, else the first of all: a region that refuses one call and is silent about another is not silent.
    worst: Option<AwsError>,
}

impl Failures {
    fn note<T: Default>(&mut self, outcome: Result<T, AwsError>) -> T {
        outcome.unwrap_or_else(|error| {
            let is_silence = |error: &AwsError| error.endpoint_state() == EndpointState::Silent;
            if self.worst.as_ref().is_none_or(is_silence) {
                let first = self.worst.take().filter(|_| is_silence(&error));
                self.worst = Some(first.unwrap_or(error));
            }
            T::default()
        })
    }
}

impl AwsClient {
    /// Everything stayput wants to know of one region: lists are read to their end, independent ones at the same time.
    ///
    /// What `known` names and no list shows is asked for by id, after a list that lacks everything known has been read once more; so is what
    /// the lists name of each other. What AWS then says it does not have is in [`AwsRegion::absent`]; what it says nothing about is in
    /// [`AwsRegion::unreadable`] and stays unknown.
    ///
    /// The result is not of one instant: AWS has no snapshots, and its lists lag behind its writes.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`] of any call, with one exception: an STS that does not answer, or only nonsense, leaves the account unknown, so that a
    /// region can be observed while only that service is down.
    pub async fn observe(
        &self,
        region: &Region,
        known: &KnownAwsObjects,
    ) -> Result<AwsRegion, AwsError> {
        let mut lists = self.lists(region, known).await?;
        self.settle_machines(region, known, &mut lists).await?;
        self.settle_places(region, known, &mut lists).await?;
        self.settle_transit(region, known, &mut lists).await?;

        let mut tgw_route_tables = self.tables(region, &lists).await?;
        self.settle_attachments(region, known, &tgw_route_tables, &mut lists)
            .await?;
        if tgw_route_tables.names_lists {
            self.add_references(region, &mut tgw_route_tables.tables)
                .await?;
        }
        let tgw_route_tables = tgw_route_tables.tables;
        let prefix_lists = self
            .prefix_lists(region, &tgw_route_tables, &lists.route_tables.here)
            .await?;
        let attachments = lists.attachments.joined(&tgw_route_tables);
        let dx_associations = self.dx_of(region, &attachments).await?;
        Ok(lists.region(attachments, tgw_route_tables, prefix_lists, dx_associations))
    }

    /// The regions that the account has enabled, asked of one of them.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`].
    pub async fn regions(&self, asked: &Region) -> Result<Vec<Region>, AwsError> {
        self.query(asked, &Query::ec2("DescribeRegions"), |root| {
            let regions = root.items("regionInfo")?.into_iter();
            let names = regions.map(|region| region.required("regionName").map(Region::new));
            names.collect()
        })
        .await
    }

    /// Whether a region has a Transit Gateway of the account, or one that is shared with it.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`].
    pub async fn has_transit_gateways(&self, region: &Region) -> Result<bool, AwsError> {
        let listing = list::TGWS;
        let found = self
            .list(region, listing, listing.query(), tgw::tgw)
            .await?;
        let found: Sorted<TgwId, Tgw> = found.into_iter().collect();
        Ok(!found.here.is_empty())
    }

    /// Every list of the region.
    async fn lists(&self, region: &Region, known: &KnownAwsObjects) -> Result<Lists, AwsError> {
        let ours = Arc::new(known.vpcs.clone());
        let ours_too = Arc::clone(&ours);
        let eni = move |entry: Element<'_, '_>| vpc::eni_of(entry, &ours);
        let reservation = move |entry: Element<'_, '_>| {
            vpc::reservation(entry, |entry| vpc::instance_of(entry, &ours_too))
        };
        // All are awaited, also after one has failed: whether the region is silent is judged by what it answers to each.
        let (
            account,
            vpcs,
            subnets,
            route_tables,
            reservations,
            enis,
            tgws,
            tables,
            vpns,
            attachments,
        ) = tokio::join!(
            self.account(region),
            self.read(region, list::VPCS, !known.vpcs.is_empty(), vpc::vpc),
            self.read(
                region,
                list::SUBNETS,
                !known.subnets.is_empty(),
                vpc::subnet
            ),
            self.read(
                region,
                list::ROUTE_TABLES,
                !known.vpcs.is_empty(),
                vpc::route_table
            ),
            self.read(
                region,
                list::RESERVATIONS,
                !known.instances.is_empty(),
                reservation
            ),
            self.read(region, list::ENIS, !known.enis.is_empty(), eni),
            self.read(region, list::TGWS, !known.tgws.is_empty(), tgw::tgw),
            self.read(
                region,
                list::TGW_ROUTE_TABLES,
                !known.tgw_route_tables.is_empty(),
                tgw::table
            ),
            self.read(region, list::VPNS, false, tgw::vpn),
            self.attachments(region, !known.attachments.is_empty()),
        );
        let mut failures = Failures::default();
        let lists = Lists {
            account: failures.note(account),
            vpcs: failures.note(vpcs).into_iter().collect(),
            subnets: failures.note(subnets).into_iter().collect(),
            route_tables: failures.note(route_tables).into_iter().collect(),
            instances: failures.note(reservations).into_iter().flatten().collect(),
            enis: failures.note(enis).into_iter().collect(),
            tgws: failures.note(tgws).into_iter().collect(),
            attachments: failures.note(attachments),
            tables: failures.note(tables).into_iter().collect(),
            vpns: failures.note(vpns).into_iter().flatten().collect(),
            absent: Absent::default(),
            unreadable: BTreeSet::new(),
        };
        failures.worst.map_or(Ok(lists), Err)
    }

    /// Reads a list, once more if it is empty where something is expected: that is believed only if it is so twice.
    async fn read<T: Send + 'static>(
        &self,
        region: &Region,
        listing: Listing,
        is_expected: bool,
        read: impl Fn(Element<'_, '_>) -> Result<T, Malformed> + Clone + Send + Sync + 'static,
    ) -> Result<Vec<T>, AwsError> {
        let found = self
            .list(region, listing, listing.query(), read.clone())
            .await?;
        if found.is_empty() && is_expected {
            self.list(region, listing, listing.query(), read).await
        } else {
            Ok(found)
        }
    }

    async fn account(&self, region: &Region) -> Result<Option<AccountId>, AwsError> {
        match self.caller(region).await {
            Ok(caller) => Ok(Some(caller.account)),
            Err(error) if error.is_unreachable() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Lists {
    /// Notes ids that AWS was asked for and said nothing about.
    fn note_silent<K: std::fmt::Display>(
        &mut self,
        kind: &Message,
        silent: impl IntoIterator<Item = K>,
    ) {
        self.unreadable
            .extend(silent.into_iter().map(|id| Unreadable {
                kind: kind.to_string(),
                id: id.to_string(),
                why: Message::new("answer-object-not-told").to_string(),
            }));
    }

    /// The region as the world has it.
    fn region(
        self,
        attachments: BTreeMap<stayput_estate::AttachmentId, stayput_world::aws::TgwAttachment>,
        tgw_route_tables: BTreeMap<TgwRouteTableId, stayput_world::aws::TgwRouteTable>,
        prefix_lists: BTreeMap<stayput_estate::PrefixListId, stayput_world::aws::PrefixList>,
        dx_associations: Vec<stayput_world::aws::DxAssociation>,
    ) -> AwsRegion {
        let Self {
            account,
            vpcs,
            subnets,
            route_tables,
            instances,
            enis,
            tgws,
            attachments: listed,
            tables,
            vpns,
            mut absent,
            mut unreadable,
        } = self;
        for id in instances.gone {
            absent.instances.insert(id, Gone::Terminated);
        }
        absent.tgws.extend(tgws.gone);
        absent.tgw_route_tables.extend(tables.gone);
        absent.attachments.extend(listed.listed.gone);
        for more in [
            vpcs.unreadable,
            subnets.unreadable,
            route_tables.unreadable,
            instances.unreadable,
            enis.unreadable,
        ] {
            unreadable.extend(more);
        }
        AwsRegion {
            account,
            vpcs: vpcs.here,
            subnets: subnets.here,
            route_tables: route_tables.here,
            instances: instances.here,
            enis: enis.here,
            tgws: tgws.here,
            attachments,
            tgw_route_tables,
            vpns,
            dx_associations,
            prefix_lists,
            absent,
            unreadable: unreadable.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests;
