//! Transit Gateways: tables with what is in them, attachments with their details.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream;
use stayput_estate::AccountId;
use stayput_estate::AttachmentId;
use stayput_estate::Cidr;
use stayput_estate::Region;
use stayput_estate::SubnetId;
use stayput_estate::TgwId;
use stayput_estate::TgwRouteTableId;
use stayput_estate::VpcId;
use stayput_messages::Message;
use stayput_world::aws::AttachmentKind;
use stayput_world::aws::DxAssociation;
use stayput_world::aws::TgwAttachment;
use stayput_world::aws::TgwRouteTable;
use stayput_world::aws::TgwTarget;
use stayput_world::aws::VpcRouteTarget;

use super::AT_ONCE;
use super::KnownAwsObjects;
use super::Lists;
use crate::client::AwsClient;
use crate::error::AwsError;
use crate::list;
use crate::parse::Entry;
use crate::parse::Sorted;
use crate::parse::tgw;
use crate::parse::tgw::ListedAttachment;
use crate::parse::tgw::ListedTable;
use crate::parse::tgw::Peering;
use crate::routes::RouteType;
use crate::xml::Element;
use crate::xml::Malformed;

/// Attachments as the common list shows them, and the details of the two kinds that have any.
#[derive(Debug, Default)]
pub(super) struct Attachments {
    pub(super) listed: Sorted<AttachmentId, ListedAttachment>,
    subnets: BTreeMap<AttachmentId, BTreeSet<SubnetId>>,
    peerings: BTreeMap<AttachmentId, Peering>,
}

/// Route tables with what is in them.
pub(super) struct ReadTables {
    pub(super) tables: BTreeMap<TgwRouteTableId, TgwRouteTable>,
    /// Whether a route of any is an entry of a prefix list.
    pub(super) names_lists: bool,
}

impl AwsClient {
    /// Reads the lists of attachments.
    pub(super) async fn attachments(
        &self,
        region: &Region,
        is_expected: bool,
    ) -> Result<Attachments, AwsError> {
        let (listed, subnets, peerings) = tokio::try_join!(
            self.read(region, list::ATTACHMENTS, is_expected, tgw::attachment),
            self.read(region, list::VPC_ATTACHMENTS, false, tgw::vpc_attachment),
            self.read(region, list::PEERINGS, false, tgw::peering_attachment),
        )?;
        let subnets: Sorted<_, _> = subnets.into_iter().collect();
        let peerings: Sorted<_, _> = peerings.into_iter().collect();
        Ok(Attachments {
            listed: listed.into_iter().collect(),
            subnets: subnets.here,
            peerings: peerings.here,
        })
    }

    /// Asks for Transit Gateways and tables that are expected or referred to and not listed.
    pub(super) async fn settle_transit(
        &self,
        region: &Region,
        known: &KnownAwsObjects,
        lists: &mut Lists,
    ) -> Result<(), AwsError> {
        let tgws = lists.tgws_to_ask_for(known);
        let tables = lists.tables_to_ask_for(known);
        let (tgws, tables) = tokio::try_join!(
            self.ask(region, list::TGWS_BY_ID, tgws, one(tgw::tgw)),
            self.ask(
                region,
                list::TGW_ROUTE_TABLES_BY_ID,
                tables,
                one(tgw::table)
            ),
        )?;
        lists.tgws.here.extend(tgws.seen.here);
        lists.tgws.gone.extend(tgws.seen.gone);
        lists.absent.tgws.extend(tgws.not_found);
        lists.note_silent(&Message::new("kind-tgw"), tgws.silent);
        lists.tables.here.extend(tables.seen.here);
        lists.tables.gone.extend(tables.seen.gone);
        lists.absent.tgw_route_tables.extend(tables.not_found);
        lists.note_silent(&Message::new("kind-tgw-route-table"), tables.silent);
        Ok(())
    }

    /// Asks for attachments that are expected or that tables name and are not listed, then for the details that the list of their kind lacks.
    pub(super) async fn settle_attachments(
        &self,
        region: &Region,
        known: &KnownAwsObjects,
        tables: &ReadTables,
        lists: &mut Lists,
    ) -> Result<(), AwsError> {
        let wanted = lists.attachments.to_ask_for(known, tables);
        let asked = self
            .ask(
                region,
                list::ATTACHMENTS_BY_ID,
                wanted,
                one(tgw::attachment),
            )
            .await?;
        lists.attachments.listed.here.extend(asked.seen.here);
        lists.attachments.listed.gone.extend(asked.seen.gone);
        lists.absent.attachments.extend(asked.not_found);
        lists.note_silent(&Message::new("kind-attachment"), asked.silent);

        let vpcs = lists.attachments.without_subnets();
        let peerings = lists.attachments.without_ends();
        let (vpcs, peerings) = tokio::try_join!(
            self.ask(
                region,
                list::VPC_ATTACHMENTS_BY_ID,
                vpcs,
                one(tgw::vpc_attachment)
            ),
            self.ask(
                region,
                list::PEERINGS_BY_ID,
                peerings,
                one(tgw::peering_attachment)
            ),
        )?;
        lists.attachments.subnets.extend(vpcs.seen.here);
        let ends = peerings.seen.here.into_iter();
        let (ends, endless): (BTreeMap<_, _>, BTreeMap<_, _>) =
            ends.partition(|(_, peering)| peering.is_whole);
        lists.attachments.peerings.extend(ends);
        let subnetless = vpcs.not_found.into_iter().chain(vpcs.silent);
        lists.note_silent(&Message::new("kind-subnets-of-attachment"), subnetless);
        let endless = endless.into_keys();
        let endless = endless.chain(peerings.not_found).chain(peerings.silent);
        lists.note_silent(&Message::new("kind-ends-of-peering"), endless);
        Ok(())
    }

    /// Reads every listed table.
    pub(super) async fn tables(
        &self,
        region: &Region,
        lists: &Lists,
    ) -> Result<ReadTables, AwsError> {
        let listed = lists.tables.here.clone();
        let read: Vec<(TgwRouteTableId, TgwRouteTable, bool)> = stream::iter(listed)
            .map(|(id, listed)| self.table(region, id, listed))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let names_lists = read.iter().any(|(.., names_lists)| *names_lists);
        let tables = read.into_iter().map(|(id, table, _)| (id, table));
        Ok(ReadTables {
            tables: tables.collect(),
            names_lists,
        })
    }

    /// Reads one table, its references to prefix lists still missing; says whether it has any.
    async fn table(
        &self,
        region: &Region,
        id: TgwRouteTableId,
        listed: ListedTable,
    ) -> Result<(TgwRouteTableId, TgwRouteTable, bool), AwsError> {
        let of_table =
            |listing: list::Listing| listing.query().with("TransitGatewayRouteTableId", &id);
        let (associations, propagations, statics, propagated) = tokio::try_join!(
            self.list(
                region,
                list::ASSOCIATIONS,
                of_table(list::ASSOCIATIONS),
                tgw::association,
            ),
            self.list(
                region,
                list::PROPAGATIONS,
                of_table(list::PROPAGATIONS),
                tgw::propagation,
            ),
            self.settled_static_routes(region, &id),
            self.all_routes(region, &id, RouteType::Propagated),
        )?;
        let mut learned_routes: BTreeMap<Cidr, BTreeSet<AttachmentId>> = BTreeMap::new();
        for route in propagated.into_iter().filter(|route| !route.blackhole) {
            let learned: Vec<AttachmentId> = route
                .attachments
                .into_iter()
                .filter(|(_, resource_type)| resource_type != "vpc")
                .map(|(id, _)| id)
                .collect();
            if !learned.is_empty() {
                learned_routes
                    .entry(route.cidr)
                    .or_default()
                    .extend(learned);
            }
        }
        let (of_lists, statics): (Vec<_>, Vec<_>) = statics
            .into_iter()
            .partition(|route| route.prefix_list.is_some());
        let table = TgwRouteTable {
            tgw: listed.tgw,
            name: listed.name,
            associations: associations.into_iter().flatten().collect(),
            propagations: propagations.into_iter().flatten().collect(),
            static_routes: statics
                .into_iter()
                .map(|route| (route.cidr, route.target()))
                .collect(),
            prefix_list_references: BTreeMap::new(),
            learned_routes,
        };
        Ok((id, table, !of_lists.is_empty()))
    }

    /// Associations with Direct Connect gateways. One always shows as an attachment of its Transit Gateway. Without one there is nothing to
    /// ask: accounts without Direct Connect need neither the right nor the endpoint.
    pub(super) async fn dx_of(
        &self,
        region: &Region,
        attachments: &BTreeMap<AttachmentId, TgwAttachment>,
    ) -> Result<Vec<DxAssociation>, AwsError> {
        let with_dx: BTreeSet<&TgwId> = attachments
            .values()
            .filter(|attachment| matches!(attachment.kind, AttachmentKind::DirectConnect(_)))
            .map(|attachment| &attachment.tgw)
            .collect();
        let mut associations = Vec::new();
        for tgw in with_dx {
            associations.extend(self.dx_associations(region, tgw).await?);
        }
        associations.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(associations)
    }
}

/// Reads entries of which each is one thing.
fn one<K, V>(
    read: fn(Element<'_, '_>) -> Result<Entry<K, V>, Malformed>,
) -> impl Fn(Element<'_, '_>) -> Result<Vec<Entry<K, V>>, Malformed> + Clone + Send + Sync + 'static
where
    K: 'static,
    V: 'static,
{
    move |entry| read(entry).map(|entry| vec![entry])
}

impl Attachments {
    /// VPCs that are attached and belong to this account, or may.
    pub(super) fn own_vpcs(&self, account: Option<&AccountId>) -> impl Iterator<Item = VpcId> {
        let listed = self.listed.here.values();
        listed
            .filter(move |listed| {
                listed.resource_type == "vpc" && is_own(listed.resource_owner.as_ref(), account)
            })
            .map(|listed| VpcId::new(listed.resource_id.as_str()))
    }

    /// Attachment subnets of such VPCs.
    pub(super) fn own_subnets(
        &self,
        account: Option<&AccountId>,
    ) -> impl Iterator<Item = SubnetId> {
        self.subnets
            .iter()
            .filter(move |(id, _)| {
                let listed = self.listed.here.get(*id);
                listed.is_some_and(|listed| is_own(listed.resource_owner.as_ref(), account))
            })
            .flat_map(|(_, subnets)| subnets.iter().cloned())
    }

    fn to_ask_for(&self, known: &KnownAwsObjects, tables: &ReadTables) -> BTreeSet<AttachmentId> {
        let named = tables.tables.values().flat_map(|table| {
            let targets = table.static_routes.values();
            let targets = targets.filter_map(|target| match target {
                TgwTarget::Attachment(id) => Some(id),
                TgwTarget::Blackhole => None,
            });
            table
                .associations
                .iter()
                .chain(&table.propagations)
                .chain(targets)
                .chain(table.learned_routes.values().flatten())
        });
        known
            .attachments
            .iter()
            .chain(named)
            .filter(|id| !self.listed.here.contains_key(*id) && !self.listed.gone.contains(*id))
            .cloned()
            .collect()
    }

    fn without_subnets(&self) -> BTreeSet<AttachmentId> {
        self.without("vpc", |id| self.subnets.contains_key(id))
    }

    fn without_ends(&self) -> BTreeSet<AttachmentId> {
        let is_whole = |id: &AttachmentId| {
            self.peerings
                .get(id)
                .is_some_and(|peering| peering.is_whole)
        };
        self.without("peering", is_whole)
    }

    fn without(&self, kind: &str, has: impl Fn(&AttachmentId) -> bool) -> BTreeSet<AttachmentId> {
        let listed = self.listed.here.iter();
        listed
            .filter(|(id, listed)| listed.resource_type == kind && !has(id))
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// The attachments with their details, as the world has them.
    pub(super) fn joined(
        &self,
        tables: &BTreeMap<TgwRouteTableId, TgwRouteTable>,
    ) -> BTreeMap<AttachmentId, TgwAttachment> {
        let listed = self.listed.here.iter();
        listed
            .map(|(id, listed)| {
                let kind =
                    tgw::attachment_kind(listed, self.subnets.get(id), self.peerings.get(id));
                // The table's own list first, so that both views are of one answer; tables of a shared Transit Gateway's owner are not
                // listed to us.
                let association = associated_table(tables, id, &listed.tgw)
                    .or_else(|| listed.association.clone());
                let attachment = TgwAttachment {
                    tgw: listed.tgw.clone(),
                    kind,
                    state: listed.state.clone(),
                    association,
                };
                (id.clone(), attachment)
            })
            .collect()
    }
}

impl Lists {
    fn tgws_to_ask_for(&self, known: &KnownAwsObjects) -> BTreeSet<TgwId> {
        let attached = self.attachments.listed.here.values();
        let tables = self.tables.here.values().map(|table| &table.tgw);
        let routes = self
            .route_tables
            .here
            .values()
            .flat_map(|table| &table.routes);
        let routed = routes.filter_map(|route| match &route.target {
            VpcRouteTarget::Tgw(id) => Some(id),
            VpcRouteTarget::Local
            | VpcRouteTarget::Eni(_)
            | VpcRouteTarget::Gateway(_)
            | VpcRouteTarget::Peering(_)
            | VpcRouteTarget::Unknown(_) => None,
        });
        known
            .tgws
            .iter()
            .chain(attached.map(|listed| &listed.tgw))
            .chain(tables)
            .chain(routed)
            .chain(self.vpns.values().filter_map(|vpn| vpn.tgw.as_ref()))
            .filter(|id| !self.tgws.here.contains_key(*id) && !self.tgws.gone.contains(*id))
            .cloned()
            .collect()
    }

    /// Tables of a Transit Gateway that another account shares with us are not shown to us: they are not asked for.
    fn tables_to_ask_for(&self, known: &KnownAwsObjects) -> BTreeSet<TgwRouteTableId> {
        let attached = self.attachments.listed.here.values();
        let attached = attached
            .filter(|listed| is_own(listed.tgw_owner.as_ref(), self.account.as_ref()))
            .filter_map(|listed| listed.association.as_ref());
        known
            .tgw_route_tables
            .iter()
            .chain(attached)
            .filter(|id| !self.tables.here.contains_key(*id) && !self.tables.gone.contains(*id))
            .cloned()
            .collect()
    }
}

/// Whether something of this owner may be this account's: it is, or one of the two is not known.
fn is_own(owner: Option<&AccountId>, account: Option<&AccountId>) -> bool {
    match (owner, account) {
        (Some(owner), Some(account)) => owner == account,
        (_, _) => true,
    }
}

/// The table of this Transit Gateway that has the attachment among its associations.
fn associated_table(
    tables: &BTreeMap<TgwRouteTableId, TgwRouteTable>,
    attachment: &AttachmentId,
    tgw: &TgwId,
) -> Option<TgwRouteTableId> {
    tables
        .iter()
        .find(|(_, table)| table.tgw == *tgw && table.associations.contains(attachment))
        .map(|(id, _)| id.clone())
}
