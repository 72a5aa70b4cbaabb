//! One region, whole.

mod lists;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream;
use stayput_estate::AccountId;
use stayput_estate::AttachmentId;
use stayput_estate::Cidr;
use stayput_estate::Region;
use stayput_estate::TgwId;
use stayput_estate::TgwRouteTableId;
use stayput_world::AwsRegion;
use stayput_world::aws::AttachmentKind;
use stayput_world::aws::InstanceState;
use stayput_world::aws::TgwAttachment;
use stayput_world::aws::TgwRouteTable;

use crate::client::AwsClient;
use crate::error::AwsError;
use crate::parse::tgw;
use crate::parse::vpc;
use crate::query::Query;
use crate::routes::RouteType;

/// Route tables read at once. Each takes four calls from a bucket that NC2's nodes drink from too (AWS reference §1.5).
const TABLES_AT_ONCE: usize = 4;

impl AwsClient {
    /// Everything stayput wants to know of one region: lists are read to their end, independent ones at the same time.
    ///
    /// The result is not of one instant: AWS has no snapshots, and its lists lag behind its writes.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`] of any call, with one exception: an STS that cannot be reached leaves the account unknown, so that a
    /// region can be observed while only that service is down.
    pub async fn observe(&self, region: &Region) -> Result<AwsRegion, AwsError> {
        let page = |action| Query::ec2(action).with("MaxResults", 1000);
        let (
            account,
            vpcs,
            subnets,
            route_tables,
            reservations,
            enis,
            tgws,
            listed,
            subnets_of,
            peerings,
            tables,
            vpns,
        ) = tokio::try_join!(
            self.account(region),
            self.list(region, page("DescribeVpcs"), "vpcSet", vpc::vpc),
            self.list(region, page("DescribeSubnets"), "subnetSet", vpc::subnet),
            self.list(
                region,
                // This list's pages are limited to a hundred.
                Query::ec2("DescribeRouteTables").with("MaxResults", 100),
                "routeTableSet",
                vpc::route_table,
            ),
            self.list(
                region,
                page("DescribeInstances"),
                "reservationSet",
                vpc::reservation,
            ),
            self.list(
                region,
                page("DescribeNetworkInterfaces"),
                "networkInterfaceSet",
                vpc::eni,
            ),
            self.list(
                region,
                page("DescribeTransitGateways"),
                "transitGatewaySet",
                tgw::tgw,
            ),
            self.list(
                region,
                page("DescribeTransitGatewayAttachments"),
                "transitGatewayAttachments",
                tgw::attachment,
            ),
            self.list(
                region,
                page("DescribeTransitGatewayVpcAttachments"),
                "transitGatewayVpcAttachments",
                tgw::vpc_attachment,
            ),
            self.list(
                region,
                page("DescribeTransitGatewayPeeringAttachments"),
                "transitGatewayPeeringAttachments",
                tgw::peering_attachment,
            ),
            self.list(
                region,
                page("DescribeTransitGatewayRouteTables"),
                "transitGatewayRouteTables",
                tgw::table,
            ),
            // The one list without pages.
            self.list(
                region,
                Query::ec2("DescribeVpnConnections"),
                "vpnConnectionSet",
                tgw::vpn,
            ),
        )?;

        let read: Vec<ReadTable> = stream::iter(tables)
            .map(|(id, tgw, name)| self.table(region, id, tgw, name))
            .buffer_unordered(TABLES_AT_ONCE)
            .try_collect()
            .await?;
        let names_lists = read.iter().any(|read| read.names_lists);
        let mut tgw_route_tables: BTreeMap<TgwRouteTableId, TgwRouteTable> =
            read.into_iter().map(|read| (read.id, read.table)).collect();
        if names_lists {
            self.add_references(region, &mut tgw_route_tables).await?;
        }
        let route_tables: BTreeMap<_, _> = route_tables.into_iter().collect();
        let prefix_lists = self
            .prefix_lists(region, &tgw_route_tables, &route_tables)
            .await?;

        let subnets_of: BTreeMap<_, _> = subnets_of.into_iter().collect();
        let peerings: BTreeMap<_, _> = peerings
            .into_iter()
            .map(|peering| (peering.id.clone(), peering))
            .collect();
        let mut attachments = BTreeMap::new();
        for listed in listed {
            let kind = tgw::attachment_kind(
                &listed,
                subnets_of.get(&listed.id),
                peerings.get(&listed.id),
            );
            // The table's own list first, so that both views are of one answer; tables of a shared Transit Gateway's owner
            // are not listed to us.
            let association =
                associated_table(&tgw_route_tables, &listed.id, &listed.tgw).or(listed.association);
            attachments.insert(
                listed.id,
                TgwAttachment {
                    tgw: listed.tgw,
                    kind,
                    state: listed.state,
                    association,
                },
            );
        }

        // An association always shows as an attachment of its Transit Gateway. Without one there is nothing to ask: accounts
        // without Direct Connect need neither the right nor the endpoint.
        let with_dx: BTreeSet<TgwId> = attachments
            .values()
            .filter(|attachment| matches!(attachment.kind, AttachmentKind::DirectConnect(_)))
            .map(|attachment| attachment.tgw.clone())
            .collect();
        let mut dx_associations = Vec::new();
        for tgw in &with_dx {
            dx_associations.extend(self.dx_associations(region, tgw).await?);
        }
        dx_associations.sort_by(|a, b| a.id.cmp(&b.id));

        Ok(AwsRegion {
            account,
            vpcs: vpcs.into_iter().collect(),
            subnets: subnets.into_iter().collect(),
            route_tables,
            instances: reservations
                .into_iter()
                .flatten()
                .filter(|(_, instance)| instance.state != InstanceState::Terminated)
                .collect(),
            enis: enis.into_iter().collect(),
            tgws: tgws.into_iter().collect(),
            attachments,
            tgw_route_tables,
            vpns: vpns.into_iter().collect(),
            dx_associations,
            prefix_lists,
        })
    }

    async fn account(&self, region: &Region) -> Result<Option<AccountId>, AwsError> {
        match self.caller(region).await {
            Ok(caller) => Ok(Some(caller.account)),
            Err(error) if error.is_unreachable() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn table(
        &self,
        region: &Region,
        id: TgwRouteTableId,
        tgw: TgwId,
        name: Option<String>,
    ) -> Result<ReadTable, AwsError> {
        let of_table = |action| {
            Query::ec2(action)
                .with("TransitGatewayRouteTableId", &id)
                .with("MaxResults", 1000)
        };
        let (associations, propagations, statics, propagated) = tokio::try_join!(
            self.list(
                region,
                of_table("GetTransitGatewayRouteTableAssociations"),
                "associations",
                tgw::association,
            ),
            self.list(
                region,
                of_table("GetTransitGatewayRouteTablePropagations"),
                "transitGatewayRouteTablePropagations",
                tgw::propagation,
            ),
            self.all_routes(region, &id, RouteType::Static),
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
        let (listed, statics): (Vec<_>, Vec<_>) = statics
            .into_iter()
            .partition(|route| route.prefix_list.is_some());
        let table = TgwRouteTable {
            tgw,
            name,
            associations: associations.into_iter().collect(),
            propagations: propagations.into_iter().collect(),
            static_routes: statics
                .into_iter()
                .map(|route| (route.cidr, route.target()))
                .collect(),
            prefix_list_references: BTreeMap::new(),
            learned_routes,
        };
        Ok(ReadTable {
            id,
            table,
            names_lists: !listed.is_empty(),
        })
    }
}

/// A Transit Gateway route table as read, its references to prefix lists still missing.
struct ReadTable {
    id: TgwRouteTableId,
    table: TgwRouteTable,
    /// Whether one of its routes is an entry of a prefix list.
    names_lists: bool,
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

#[cfg(test)]
mod tests;
