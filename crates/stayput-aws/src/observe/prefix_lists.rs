//! Managed prefix lists: read only where a route uses one, so that an account without them needs neither the calls nor the rights.
//!
//! A reference all of whose entries are hidden by static routes, in a region where no Transit Gateway route shows an entry of any list, is
//! therefore not seen (AWS reference §1.2, "only the winner is visible").

use std::collections::BTreeMap;

use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream;
use stayput_estate::PrefixListId;
use stayput_estate::Region;
use stayput_estate::RouteTableId;
use stayput_estate::TgwRouteTableId;
use stayput_world::aws::PrefixList;
use stayput_world::aws::RouteDestination;
use stayput_world::aws::TgwRouteTable;
use stayput_world::aws::VpcRouteTable;

use super::AT_ONCE;
use crate::client::AwsClient;
use crate::error::AwsError;
use crate::list::PREFIX_LIST_ENTRIES;
use crate::list::PREFIX_LIST_REFERENCES;
use crate::parse::tgw;

/// Whose list it is does not show it to us, or it is gone.
const NO_SUCH_LIST: [&str; 2] = [
    "InvalidPrefixListID.NotFound",
    "InvalidPrefixListId.NotFound",
];

impl AwsClient {
    /// Reads which lists each Transit Gateway table refers to.
    pub(super) async fn add_references(
        &self,
        region: &Region,
        tables: &mut BTreeMap<TgwRouteTableId, TgwRouteTable>,
    ) -> Result<(), AwsError> {
        let ids: Vec<_> = tables.keys().cloned().collect();
        let read: Vec<_> = stream::iter(ids)
            .map(|id| async move {
                let listing = PREFIX_LIST_REFERENCES;
                let query = listing.query().with("TransitGatewayRouteTableId", &id);
                let references = self
                    .list(region, listing, query, tgw::prefix_list_reference)
                    .await?;
                Ok::<_, AwsError>((id, references))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        for (id, references) in read {
            if let Some(table) = tables.get_mut(&id) {
                table.prefix_list_references = references.into_iter().flatten().collect();
            }
        }
        Ok(())
    }

    /// The contents of every list that a table names.
    ///
    /// What a Transit Gateway routes by has to be known. A VPC table may use lists that do not matter here, such as AWS's own for
    /// a gateway endpoint: one of those that may not be read stays unknown, and traces past that table say so.
    pub(super) async fn prefix_lists(
        &self,
        region: &Region,
        tgw_tables: &BTreeMap<TgwRouteTableId, TgwRouteTable>,
        vpc_tables: &BTreeMap<RouteTableId, VpcRouteTable>,
    ) -> Result<BTreeMap<PrefixListId, PrefixList>, AwsError> {
        let of_vpcs = vpc_tables
            .values()
            .flat_map(|table| &table.routes)
            .filter_map(|route| match &route.destination {
                RouteDestination::PrefixList(list) => Some((list.clone(), false)),
                RouteDestination::Cidr(_) | RouteDestination::Ipv6(_) => None,
            });
        let of_tgws = tgw_tables
            .values()
            .flat_map(|table| table.prefix_list_references.keys())
            .map(|list| (list.clone(), true));
        // What a Transit Gateway names comes last and stays needed.
        let named: BTreeMap<PrefixListId, bool> = of_vpcs.chain(of_tgws).collect();
        let read: Vec<Option<_>> = stream::iter(named)
            .map(|(id, needed)| async move {
                let listing = PREFIX_LIST_ENTRIES;
                let query = listing.query().with("PrefixListId", &id);
                let entries = self
                    .list(region, listing, query, tgw::prefix_list_entry)
                    .await;
                match entries {
                    Ok(entries) => {
                        let entries = entries.into_iter().flatten().collect();
                        Ok(Some((id, PrefixList { entries })))
                    }
                    Err(error) if !needed && may_stay_unknown(&error) => Ok(None),
                    Err(error) => Err(error),
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(read.into_iter().flatten().collect())
    }
}

fn may_stay_unknown(error: &AwsError) -> bool {
    error.is_permission() || NO_SUCH_LIST.iter().any(|code| error.has_code(code))
}
