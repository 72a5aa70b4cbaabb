//! Lists of EC2: what they are called, how they are read to their end, and how single objects of them are asked for.

use stayput_estate::Region;
use stayput_messages::Message;

use crate::bounds::Pages;
use crate::client::AwsClient;
use crate::endpoint::Service;
use crate::error::AwsError;
use crate::query::Query;
use crate::xml::Element;
use crate::xml::Malformed;

/// One list of EC2.
///
/// Its member `set` is in every answer: EC2 sends an empty element for an empty list. That is so for every action named here: the EC2 model
/// gives each output that one list member (API reference, "Response Elements"; botocore's `service-2.json` of 2016-11-15), AWS's recorded
/// answers have `<reservationSet/>`, `<networkInterfaceSet/>` and the like, and so have moto 5.2 and LocalStack. An answer without it is not
/// the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listing {
    /// The action.
    pub(crate) action: &'static str,
    /// The element around its entries.
    pub(crate) set: &'static str,
    /// The element of an entry that names it in messages.
    pub(crate) id: &'static str,
    /// The most entries a page may have; `None` for the list that has no pages.
    pub(crate) page: Option<u32>,
}

/// How objects of a list are asked for by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ById {
    /// The list they are of.
    pub(crate) listing: Listing,
    /// The parameter that takes their ids.
    pub(crate) parameter: &'static str,
    /// What its error codes begin with, in whatever case: `InvalidRouteTableID.NotFound`, but `InvalidRouteTableId.Malformed` (AWS reference
    /// §1.4).
    pub(crate) fault: &'static str,
}

const fn listing(action: &'static str, set: &'static str, id: &'static str) -> Listing {
    Listing {
        action,
        set,
        id,
        page: Some(1000),
    }
}

const fn by_id(listing: Listing, parameter: &'static str, fault: &'static str) -> ById {
    ById {
        listing,
        parameter,
        fault,
    }
}

/// VPCs.
pub(crate) const VPCS: Listing = listing("DescribeVpcs", "vpcSet", "vpcId");
/// Subnets.
pub(crate) const SUBNETS: Listing = listing("DescribeSubnets", "subnetSet", "subnetId");
/// Route tables of VPCs; their pages are limited to a hundred.
pub(crate) const ROUTE_TABLES: Listing = Listing {
    page: Some(100),
    ..listing("DescribeRouteTables", "routeTableSet", "routeTableId")
};
/// Instances, in reservations.
pub(crate) const RESERVATIONS: Listing =
    listing("DescribeInstances", "reservationSet", "reservationId");
/// Network interfaces.
pub(crate) const ENIS: Listing = listing(
    "DescribeNetworkInterfaces",
    "networkInterfaceSet",
    "networkInterfaceId",
);
/// Transit Gateways.
pub(crate) const TGWS: Listing = listing(
    "DescribeTransitGateways",
    "transitGatewaySet",
    "transitGatewayId",
);
/// Attachments of every kind.
pub(crate) const ATTACHMENTS: Listing = listing(
    "DescribeTransitGatewayAttachments",
    "transitGatewayAttachments",
    "transitGatewayAttachmentId",
);
/// Attachments of VPCs.
pub(crate) const VPC_ATTACHMENTS: Listing = listing(
    "DescribeTransitGatewayVpcAttachments",
    "transitGatewayVpcAttachments",
    "transitGatewayAttachmentId",
);
/// Attachments of other Transit Gateways.
pub(crate) const PEERINGS: Listing = listing(
    "DescribeTransitGatewayPeeringAttachments",
    "transitGatewayPeeringAttachments",
    "transitGatewayAttachmentId",
);
/// Route tables of Transit Gateways.
pub(crate) const TGW_ROUTE_TABLES: Listing = listing(
    "DescribeTransitGatewayRouteTables",
    "transitGatewayRouteTables",
    "transitGatewayRouteTableId",
);
/// Associations of a Transit Gateway route table.
pub(crate) const ASSOCIATIONS: Listing = listing(
    "GetTransitGatewayRouteTableAssociations",
    "associations",
    "transitGatewayAttachmentId",
);
/// Propagations into a Transit Gateway route table.
pub(crate) const PROPAGATIONS: Listing = listing(
    "GetTransitGatewayRouteTablePropagations",
    "transitGatewayRouteTablePropagations",
    "transitGatewayAttachmentId",
);
/// Routes of a Transit Gateway route table. Without a page size: its default is its maximum of 1000, and moto fails on it.
pub(crate) const TGW_ROUTES: Listing = Listing {
    page: None,
    ..listing(
        "SearchTransitGatewayRoutes",
        "routeSet",
        "destinationCidrBlock",
    )
};
/// Prefix lists that a Transit Gateway route table refers to.
pub(crate) const PREFIX_LIST_REFERENCES: Listing = listing(
    "GetTransitGatewayPrefixListReferences",
    "transitGatewayPrefixListReferenceSet",
    "prefixListId",
);
/// Entries of a prefix list; their pages are limited to a hundred.
pub(crate) const PREFIX_LIST_ENTRIES: Listing = Listing {
    page: Some(100),
    ..listing("GetManagedPrefixListEntries", "entrySet", "cidr")
};
/// VPN connections, the one list without pages.
pub(crate) const VPNS: Listing = Listing {
    page: None,
    ..listing(
        "DescribeVpnConnections",
        "vpnConnectionSet",
        "vpnConnectionId",
    )
};

/// VPCs by id.
pub(crate) const VPCS_BY_ID: ById = by_id(VPCS, "VpcId", "InvalidVpcID");
/// Subnets by id.
pub(crate) const SUBNETS_BY_ID: ById = by_id(SUBNETS, "SubnetId", "InvalidSubnetID");
/// Instances by id.
pub(crate) const INSTANCES_BY_ID: ById = by_id(RESERVATIONS, "InstanceId", "InvalidInstanceID");
/// Network interfaces by id.
pub(crate) const ENIS_BY_ID: ById = by_id(ENIS, "NetworkInterfaceId", "InvalidNetworkInterfaceID");
/// Transit Gateways by id.
pub(crate) const TGWS_BY_ID: ById = by_id(TGWS, "TransitGatewayIds", "InvalidTransitGatewayID");
/// Attachments of every kind by id.
pub(crate) const ATTACHMENTS_BY_ID: ById = by_id(
    ATTACHMENTS,
    "TransitGatewayAttachmentIds",
    "InvalidTransitGatewayAttachmentID",
);
/// Attachments of VPCs by id.
pub(crate) const VPC_ATTACHMENTS_BY_ID: ById = by_id(
    VPC_ATTACHMENTS,
    "TransitGatewayAttachmentIds",
    "InvalidTransitGatewayAttachmentID",
);
/// Attachments of other Transit Gateways by id.
pub(crate) const PEERINGS_BY_ID: ById = by_id(
    PEERINGS,
    "TransitGatewayAttachmentIds",
    "InvalidTransitGatewayAttachmentID",
);
/// Route tables of Transit Gateways by id.
pub(crate) const TGW_ROUTE_TABLES_BY_ID: ById = by_id(
    TGW_ROUTE_TABLES,
    "TransitGatewayRouteTableIds",
    "InvalidRouteTableID",
);

impl Listing {
    /// The request for the whole list.
    pub(crate) fn query(self) -> Query {
        Query::ec2(self.action).with_optional("MaxResults", self.page)
    }

    /// The request without a page size.
    pub(crate) fn unpaged(self) -> Query {
        Query::ec2(self.action)
    }

    /// Reads the entries of one answer; a complaint about one names it.
    pub(crate) fn read<T>(
        self,
        answer: Element<'_, '_>,
        mut read: impl FnMut(Element<'_, '_>) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let entries = answer.items(self.set)?;
        entries
            .into_iter()
            .zip(1_usize..)
            .map(|(entry, number)| {
                read(entry).map_err(|error| match entry.text(self.id) {
                    Some(id) => error.of(id),
                    None => error.of(Message::new("answer-entry")
                        .with("list", self.set)
                        .with("number", number)),
                })
            })
            .collect()
    }
}

impl AwsClient {
    /// Makes a paged EC2 call and reads every page to the end.
    ///
    /// `query` is the listing's own, perhaps narrowed; `read` reads one entry.
    pub(crate) async fn list<T: Send + 'static>(
        &self,
        region: &Region,
        listing: Listing,
        query: Query,
        read: impl Fn(Element<'_, '_>) -> Result<T, Malformed> + Clone + Send + Sync + 'static,
    ) -> Result<Vec<T>, AwsError> {
        let mut entries = Vec::new();
        let mut pages = Pages::default();
        let mut token: Option<String> = None;
        loop {
            let page = query.clone().with_optional("NextToken", token.take());
            let read = read.clone();
            let (found, next, size) = self
                .query(region, &page, move |root| {
                    let found = listing.read(root, &read)?;
                    let next = root.text("nextToken").map(str::to_owned);
                    Ok((found, next, root.size()))
                })
                .await?;
            entries.extend(found);
            token = pages.next(next, size).map_err(|problem| {
                self.unexpected(region, Service::Ec2, listing.action, problem)
            })?;
            if token.is_none() {
                return Ok(entries);
            }
        }
    }
}

#[cfg(test)]
pub(crate) const ALL: [Listing; 16] = [
    VPCS,
    SUBNETS,
    ROUTE_TABLES,
    RESERVATIONS,
    ENIS,
    TGWS,
    ATTACHMENTS,
    VPC_ATTACHMENTS,
    PEERINGS,
    TGW_ROUTE_TABLES,
    ASSOCIATIONS,
    PROPAGATIONS,
    TGW_ROUTES,
    PREFIX_LIST_REFERENCES,
    PREFIX_LIST_ENTRIES,
    VPNS,
];

#[cfg(test)]
mod tests;
