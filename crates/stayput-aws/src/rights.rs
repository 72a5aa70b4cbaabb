//! Which calls the credentials may make, asked by dry run (AWS reference §1.4): nothing is changed, and nothing is said about whether a call
//! would otherwise succeed.

use futures::StreamExt;
use futures::stream;
use stayput_estate::Cidr;
use stayput_estate::InstanceId;
use stayput_estate::Region;
use stayput_estate::TgwId;
use stayput_estate::TgwRouteTableId;
use stayput_messages::Message;
use stayput_world::aws::TgwTarget;

use crate::client::AwsClient;
use crate::endpoint::Service;
use crate::error::AwsError;
use crate::error::Effect;
use crate::list;
use crate::query::Query;
use crate::routes;
use crate::routes::WOULD_SUCCEED;
use crate::xml::Malformed;

/// Dry runs under way at once in a region.
const AT_ONCE: usize = 4;

/// A call of the API and whether it may be made.
#[derive(Debug)]
pub struct Right {
    /// As a policy names it: `ec2:DescribeVpcs`.
    pub action: String,
    /// What AWS says.
    pub permission: Permission,
}

/// Whether a call may be made.
#[derive(Debug)]
pub enum Permission {
    /// AWS would make it, as far as rights are concerned.
    Allowed,
    /// AWS refuses it.
    Denied(AwsError),
    /// Its answer says nothing about rights.
    Unknown(AwsError),
}

/// Lists of EC2 that are read of every region.
const LISTS: [list::Listing; 11] = [
    list::VPCS,
    list::SUBNETS,
    list::ROUTE_TABLES,
    list::RESERVATIONS,
    list::ENIS,
    list::TGWS,
    list::ATTACHMENTS,
    list::VPC_ATTACHMENTS,
    list::TGW_ROUTE_TABLES,
    list::PEERINGS,
    list::VPNS,
];

impl AwsClient {
    /// The calls by which the lists of a region are read.
    pub async fn rights_to_read(&self, region: &Region) -> Vec<Right> {
        let lists = LISTS.map(|listing| Query::ec2(listing.action));
        self.rights(region, lists).await
    }

    /// The calls by which a Transit Gateway route table is read.
    pub async fn rights_to_read_table(
        &self,
        region: &Region,
        table: &TgwRouteTableId,
    ) -> Vec<Right> {
        self.rights(region, routes::reads_of_table(table)).await
    }

    /// The calls by which static routes of a Transit Gateway route table are written.
    pub async fn rights_to_route(
        &self,
        region: &Region,
        table: &TgwRouteTableId,
        cidr: Cidr,
        target: &TgwTarget,
    ) -> Vec<Right> {
        let queries = routes::writes_of_route(table, cidr, target);
        self.rights_to_write(region, queries, routes::is_objection)
            .await
    }

    /// The call that starts an instance, as `stayput rollback` does.
    pub async fn right_to_start(&self, region: &Region, instance: &InstanceId) -> Vec<Right> {
        let query = Query::ec2("StartInstances").with_list("InstanceId", [instance]);
        // An objection to the state of an instance comes after the question of rights.
        let objects = |error: &AwsError| error.has_code("IncorrectInstanceState");
        self.rights_to_write(region, [query], objects).await
    }

    /// The call by which associations with Direct Connect gateways are read. It has no dry run, so it is made.
    pub async fn right_to_read_dx(&self, region: &Region, tgw: &TgwId) -> Right {
        let permission = match self.dx_associations(region, tgw).await {
            Ok(_) => Permission::Allowed,
            Err(error) if error.is_permission() => Permission::Denied(error),
            Err(error) => Permission::Unknown(error),
        };
        Right {
            action: "directconnect:DescribeDirectConnectGatewayAssociations".to_owned(),
            permission,
        }
    }

    async fn rights(
        &self,
        region: &Region,
        queries: impl IntoIterator<Item = Query>,
    ) -> Vec<Right> {
        stream::iter(queries)
            .map(|query| async move {
                Right {
                    action: format!("ec2:{}", query.action()),
                    // An objection of AWS to the object itself comes after the question of rights.
                    permission: self.permission(region, query, routes::is_objection).await,
                }
            })
            .buffered(AT_ONCE)
            .collect()
            .await
    }

    /// The same of calls that write. None is sent to an endpoint that does not know dry runs, and none after one whose outcome is unknown.
    async fn rights_to_write(
        &self,
        region: &Region,
        queries: impl IntoIterator<Item = Query>,
        objects: impl Fn(&AwsError) -> bool,
    ) -> Vec<Right> {
        let mut rights = Vec::new();
        for query in queries {
            let action = format!("ec2:{}", query.action());
            let permission = match self.ignored_dry_run(region).await {
                Some(error) => Permission::Unknown(error),
                None => self.permission(region, query, &objects).await,
            };
            let is_unknown = matches!(permission, Permission::Unknown(_));
            rights.push(Right { action, permission });
            if is_unknown {
                break;
            }
        }
        rights
    }

    /// Why no dry run of a write may be sent: the endpoint makes the call of a dry run, or has not shown that it does not. `None` after it has
    /// answered one as AWS does.
    async fn ignored_dry_run(&self, region: &Region) -> Option<AwsError> {
        let action = list::VPCS.action;
        let dry = Query::ec2(action).dry();
        match self.query(region, &dry, |_| Ok(())).await {
            Ok(()) => {
                let what = Message::new("answer-dry-run-ignored").with("action", action);
                let problem = Malformed::new("DryRun", what);
                Some(self.unexpected(region, Service::Ec2, action, problem))
            }
            Err(error) if error.has_code(WOULD_SUCCEED) || error.is_permission() => None,
            Err(error) => Some(error),
        }
    }

    /// Whether a call may be made. `objects` tells which errors come after the question of rights.
    pub(crate) async fn permission(
        &self,
        region: &Region,
        query: Query,
        objects: impl Fn(&AwsError) -> bool,
    ) -> Permission {
        let action = query.action();
        match self.query(region, &query.dry(), |_| Ok(())).await {
            Ok(()) => {
                let what = Message::new("answer-dry-run-ignored").with("action", action);
                let problem = Malformed::new("DryRun", what);
                let error = self.unexpected(region, Service::Ec2, action, problem);
                match Effect::of(action) {
                    // It has been done.
                    Effect::Writes => Permission::Unknown(error.in_doubt()),
                    Effect::Reads => Permission::Allowed,
                }
            }
            Err(error) if error.has_code(WOULD_SUCCEED) => Permission::Allowed,
            Err(error) if error.is_permission() => Permission::Denied(error),
            Err(error) if objects(&error) => Permission::Allowed,
            Err(error) => Permission::Unknown(error),
        }
    }
}
