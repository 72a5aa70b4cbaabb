//! Routes of Transit Gateways, and a look at those of VPCs.

use std::collections::BTreeMap;
use std::time::Duration;

use stayput_estate::Cidr;
use stayput_estate::Region;
use stayput_estate::RouteTableId;
use stayput_estate::TgwRouteTableId;
use stayput_estate::VpcId;
use stayput_messages::Message;
use stayput_world::aws::TgwTarget;
use stayput_world::aws::VpcRouteTable;

use crate::bounds::Pages;
use crate::client::AwsClient;
use crate::endpoint::Service;
use crate::error::AwsError;
use crate::error::EndpointState;
use crate::list::ASSOCIATIONS;
use crate::list::PREFIX_LIST_REFERENCES;
use crate::list::PROPAGATIONS;
use crate::list::ROUTE_TABLES;
use crate::list::TGW_ROUTES;
use crate::parse::Sorted;
use crate::parse::tgw;
use crate::parse::tgw::TgwRoute;
use crate::parse::vpc;
use crate::query::Query;
use crate::rights::Permission;
use crate::xml::Element;
use crate::xml::Malformed;

/// How often a table is read while a route in it is `pending`, and the pause between: half a minute, of the seconds that AWS takes.
const PENDING_LOOKS: usize = 16;
const PENDING_PAUSE: Duration = Duration::from_secs(2);

const REPLACE: &str = "ReplaceTransitGatewayRoute";
const CREATE: &str = "CreateTransitGatewayRoute";
const DELETE: &str = "DeleteTransitGatewayRoute";

/// There is no such static route (AWS reference §1.4).
const NO_SUCH_ROUTE: &str = "InvalidRoute.NotFound";
/// There is a static route for the prefix already (AWS reference §1.4).
const ROUTE_EXISTS: &str = "RouteAlreadyExists";
/// How a dry run says yes.
pub(crate) const WOULD_SUCCEED: &str = "DryRunOperation";

/// Searches for the routes of one table, narrowed because the endpoint keeps some back. A Transit Gateway holds 10,000 routes (AWS reference
/// §1.5); a thousand to an answer, each of those ten parts is at most 32 halvings down, and each halving takes three searches.
const SEARCHES_MAX: usize = 1000;

/// Which routes a search asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RouteType {
    /// Written by a client.
    Static,
    /// Learned from an attachment and not hidden by a static one.
    Propagated,
}

impl RouteType {
    fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Propagated => "propagated",
        }
    }
}

/// Which part of a table one search covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    All,
    Exactly(Cidr),
    Within(Cidr),
}

impl Scope {
    /// Whether a route to this prefix is part of it. Asked also of what an endpoint answers: it may not filter.
    fn holds(self, cidr: Cidr) -> bool {
        match self {
            Self::All => true,
            Self::Exactly(exactly) => exactly == cidr,
            Self::Within(outer) => outer.covers(cidr),
        }
    }

    /// Smaller scopes that together cover this one; `None` for a single prefix.
    fn parts(self) -> Option<[Self; 3]> {
        let whole = match self {
            Self::All => Cidr::ALL,
            Self::Within(cidr) => cidr,
            Self::Exactly(_) => return None,
        };
        let [low, high] = whole.halves()?;
        Some([Self::Exactly(whole), Self::Within(low), Self::Within(high)])
    }
}

impl AwsClient {
    /// The static route for exactly this prefix; `None` if there is none. A propagated route does not count, nor does the entry of a prefix
    /// list, which is shown as static too; one that the data plane does not use yet does: see [`AwsClient::tgw_route_in_use`].
    ///
    /// # Errors
    ///
    /// Any [`AwsError`].
    pub async fn tgw_route(
        &self,
        region: &Region,
        table: &TgwRouteTableId,
        cidr: Cidr,
    ) -> Result<Option<TgwTarget>, AwsError> {
        let route = self.static_route(region, table, cidr).await?;
        Ok(route.map(|route| route.target()))
    }

    /// The same for packets: a route in state `pending` is none yet. What was written right before is what packets follow until then
    /// (AWS reference §1.5: the write returns before its effect).
    ///
    /// # Errors
    ///
    /// Any [`AwsError`].
    pub async fn tgw_route_in_use(
        &self,
        region: &Region,
        table: &TgwRouteTableId,
        cidr: Cidr,
    ) -> Result<Option<TgwTarget>, AwsError> {
        let route = self.static_route(region, table, cidr).await?;
        Ok(route
            .filter(|route| !route.pending)
            .map(|route| route.target()))
    }

    async fn static_route(
        &self,
        region: &Region,
        table: &TgwRouteTableId,
        cidr: Cidr,
    ) -> Result<Option<TgwRoute>, AwsError> {
        let (routes, _) = self
            .search(region, table, RouteType::Static, Scope::Exactly(cidr))
            .await?;
        Ok(routes
            .into_iter()
            .find(|route| route.cidr == cidr && route.prefix_list.is_none()))
    }

    /// Makes the static route for this prefix lead to `target`, whatever it was before.
    ///
    /// Replace is the write verb: one call without a moment of no route. Where it turns out not to create what is absent
    /// (AWS reference §1.4 has that from one source), the route is created. Safe to repeat.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`].
    pub async fn put_tgw_route(
        &self,
        region: &Region,
        table: &TgwRouteTableId,
        cidr: Cidr,
        target: &TgwTarget,
    ) -> Result<(), AwsError> {
        let write = |action| aim(on_route(action, table, cidr), target);
        match self.query(region, &write(REPLACE), route_answer).await {
            Err(error) if error.has_code(NO_SUCH_ROUTE) => {}
            other => return other,
        }
        match self.query(region, &write(CREATE), route_answer).await {
            // Our own create whose answer was lost, or another client was quicker: either way there is something to replace now.
            Err(error) if error.has_code(ROUTE_EXISTS) => {
                self.query(region, &write(REPLACE), route_answer).await
            }
            other => other,
        }
    }

    /// Deletes the static route for exactly this prefix. That there is none is fine.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`].
    pub async fn delete_tgw_route(
        &self,
        region: &Region,
        table: &TgwRouteTableId,
        cidr: Cidr,
    ) -> Result<(), AwsError> {
        let query = on_route(DELETE, table, cidr);
        match self.query(region, &query, route_answer).await {
            Err(error) if error.has_code(NO_SUCH_ROUTE) => Ok(()),
            other => other,
        }
    }

    /// The first call that making a static route so takes ([`Self::put_tgw_route`]; with no target [`Self::delete_tgw_route`]) and that the
    /// credentials may not make, asked by dry run; `None` when they may make all. Changes nothing, and says nothing about whether such a
    /// call would otherwise succeed (AWS reference §1.4).
    ///
    /// # Errors
    ///
    /// Any [`AwsError`]; [`AwsError::Parse`] if the endpoint ignored the dry run.
    pub async fn denied_route_call(
        &self,
        region: &Region,
        table: &TgwRouteTableId,
        cidr: Cidr,
        target: Option<&TgwTarget>,
    ) -> Result<Option<&'static str>, AwsError> {
        let calls = match target {
            Some(target) => [REPLACE, CREATE]
                .map(|verb| aim(on_route(verb, table, cidr), target))
                .to_vec(),
            None => vec![on_route(DELETE, table, cidr)],
        };
        for call in calls {
            let action = call.action();
            // An objection of AWS to the route itself comes after the question of rights; anything else says nothing of rights.
            match self.permission(region, call, is_objection).await {
                Permission::Allowed => {}
                Permission::Denied(_) => return Ok(Some(action)),
                Permission::Unknown(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// The route tables of a VPC: to watch NC2 write and withdraw externally routable prefixes.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`]; [`AwsError::Parse`] when the VPC's main table, which every VPC has, is not among them, read twice.
    pub async fn vpc_route_tables(
        &self,
        region: &Region,
        vpc: &VpcId,
    ) -> Result<BTreeMap<RouteTableId, VpcRouteTable>, AwsError> {
        for _ in 0..2 {
            let query = ROUTE_TABLES.query().with_filter("vpc-id", [vpc]);
            let tables = self
                .list(region, ROUTE_TABLES, query, vpc::route_table)
                .await?;
            let tables: Sorted<RouteTableId, VpcRouteTable> = tables.into_iter().collect();
            let mut tables = tables.here;
            // Should the endpoint not filter.
            tables.retain(|_, table| table.vpc == *vpc);
            if tables.values().any(|table| table.main) {
                return Ok(tables);
            }
        }
        let problem = Malformed::new(vpc.as_str(), Message::new("answer-no-main-table"));
        Err(self.unexpected(region, Service::Ec2, ROUTE_TABLES.action, problem))
    }

    /// Every IPv4 route of one type in a table.
    ///
    /// Endpoints that say there is more without a token for it (AWS reference §1.4) are asked again for each half of the
    /// address space, and so on. The prefix that is split is asked for by itself, for it lies in neither half.
    pub(crate) async fn all_routes(
        &self,
        region: &Region,
        table: &TgwRouteTableId,
        kind: RouteType,
    ) -> Result<Vec<TgwRoute>, AwsError> {
        let mut routes = Vec::new();
        let mut scopes = vec![Scope::All];
        for _ in 0..SEARCHES_MAX {
            let Some(scope) = scopes.pop() else {
                return Ok(routes);
            };
            let (found, cut) = self.search(region, table, kind, scope).await?;
            match scope.parts() {
                Some(parts) if cut => scopes.extend(parts),
                Some(_) | None if !cut => routes.extend(found),
                Some(_) | None => {
                    let problem = Message::new("answer-routes-of-prefix");
                    return Err(self.endless(region, &problem));
                }
            }
        }
        let problem = Message::new("answer-routes-kept-back").with("searches", SEARCHES_MAX);
        Err(self.endless(region, &problem))
    }

    /// Every static IPv4 route in a table, once none is in state `pending`: until a written route is active, packets follow what was there
    /// before, which no call shows (AWS reference §1.5). One that stays pending for long counts as it was written.
    pub(crate) async fn settled_static_routes(
        &self,
        region: &Region,
        table: &TgwRouteTableId,
    ) -> Result<Vec<TgwRoute>, AwsError> {
        for _ in 1..PENDING_LOOKS {
            let routes = self.all_routes(region, table, RouteType::Static).await?;
            if !routes.iter().any(|route| route.pending) {
                return Ok(routes);
            }
            tokio::time::sleep(PENDING_PAUSE).await;
        }
        self.all_routes(region, table, RouteType::Static).await
    }

    fn endless(&self, region: &Region, problem: &Message) -> AwsError {
        let problem = Malformed::too_large("additionalRoutesAvailable", problem);
        self.unexpected(region, Service::Ec2, TGW_ROUTES.action, problem)
    }

    /// Routes within a scope, and whether the endpoint kept some back without a token to get them by.
    async fn search(
        &self,
        region: &Region,
        table: &TgwRouteTableId,
        kind: RouteType,
        scope: Scope,
    ) -> Result<(Vec<TgwRoute>, bool), AwsError> {
        let query = TGW_ROUTES
            .query()
            .with("TransitGatewayRouteTableId", table)
            .with_filter("type", [kind.name()]);
        let query = match scope {
            Scope::All => query,
            Scope::Exactly(cidr) => query.with_filter("route-search.exact-match", [cidr]),
            Scope::Within(cidr) => query.with_filter("route-search.subnet-of-match", [cidr]),
        };
        let mut routes = Vec::new();
        let mut pages = Pages::default();
        let mut token: Option<String> = None;
        loop {
            let page = query.clone().with_optional("NextToken", token.take());
            let (found, next, more, size) = self
                .query(region, &page, move |root| {
                    let found = TGW_ROUTES.read(root, |entry| tgw::route(entry, kind.name()))?;
                    let next = root.text("nextToken").map(str::to_owned);
                    let more = root.flag("additionalRoutesAvailable")?;
                    Ok((found, next, more, root.size()))
                })
                .await?;
            let found = found.into_iter().flatten();
            routes.extend(found.filter(|route| scope.holds(route.cidr)));
            token = pages.next(next, size).map_err(|problem| {
                self.unexpected(region, Service::Ec2, TGW_ROUTES.action, problem)
            })?;
            if token.is_none() {
                return Ok((routes, more));
            }
        }
    }
}

/// The calls that read a table, beside the list of tables.
pub(crate) fn reads_of_table(table: &TgwRouteTableId) -> Vec<Query> {
    let on_table = |action| Query::ec2(action).with("TransitGatewayRouteTableId", table);
    let search = on_table(TGW_ROUTES.action).with_filter("type", [RouteType::Static.name()]);
    let lists = [ASSOCIATIONS, PROPAGATIONS, PREFIX_LIST_REFERENCES];
    let lists = lists.map(|listing| on_table(listing.action));
    lists.into_iter().chain([search]).collect()
}

/// Every call that writes a static route.
pub(crate) fn writes_of_route(
    table: &TgwRouteTableId,
    cidr: Cidr,
    target: &TgwTarget,
) -> [Query; 3] {
    let put = |verb| aim(on_route(verb, table, cidr), target);
    [put(REPLACE), put(CREATE), on_route(DELETE, table, cidr)]
}

/// Whether AWS itself objects to the call, as opposed to a throttle, a server fault or a page of a proxy.
pub(crate) fn is_objection(error: &AwsError) -> bool {
    error.endpoint_state() == EndpointState::Answers && !error.is_throttle()
}

/// The answer to a write shows the route as it is then.
fn route_answer(root: Element<'_, '_>) -> Result<(), Malformed> {
    root.required_child("route").map(|_| ())
}

fn on_route(action: &'static str, table: &TgwRouteTableId, cidr: Cidr) -> Query {
    Query::ec2(action)
        .with("TransitGatewayRouteTableId", table)
        .with("DestinationCidrBlock", cidr)
}

fn aim(query: Query, target: &TgwTarget) -> Query {
    match target {
        TgwTarget::Attachment(id) => query.with("TransitGatewayAttachmentId", id),
        TgwTarget::Blackhole => query.with("Blackhole", true),
    }
}

#[cfg(test)]
mod tests;
