//! Routes of Transit Gateways, and a look at those of VPCs.

use std::collections::BTreeMap;

use stayput_estate::Cidr;
use stayput_estate::Region;
use stayput_estate::RouteTableId;
use stayput_estate::TgwRouteTableId;
use stayput_estate::VpcId;
use stayput_world::aws::TgwTarget;
use stayput_world::aws::VpcRouteTable;

use crate::client::AwsClient;
use crate::endpoint::Service;
use crate::error::AwsError;
use crate::parse::tgw;
use crate::parse::tgw::TgwRoute;
use crate::parse::vpc;
use crate::query::Query;

const SEARCH: &str = "SearchTransitGatewayRoutes";
const REPLACE: &str = "ReplaceTransitGatewayRoute";
const CREATE: &str = "CreateTransitGatewayRoute";
const DELETE: &str = "DeleteTransitGatewayRoute";

/// There is no such static route (AWS reference §1.4).
const NO_SUCH_ROUTE: &str = "InvalidRoute.NotFound";
/// There is a static route for the prefix already (AWS reference §1.4).
const ROUTE_EXISTS: &str = "RouteAlreadyExists";
/// How a dry run says yes.
const WOULD_SUCCEED: &str = "DryRunOperation";

/// Pages of one search after which we believe the service is going in circles; a Transit Gateway holds 10,000 routes.
const MAX_PAGES: usize = 100;

/// Which routes a search asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RouteType {
    /// Written by someone.
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
        match self.query(region, &write(REPLACE), |_| Ok(())).await {
            Err(error) if error.has_code(NO_SUCH_ROUTE) => {}
            other => return other,
        }
        match self.query(region, &write(CREATE), |_| Ok(())).await {
            // Our own create whose answer was lost, or someone was quicker: either way there is something to replace now.
            Err(error) if error.has_code(ROUTE_EXISTS) => {
                self.query(region, &write(REPLACE), |_| Ok(())).await
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
        match self.query(region, &query, |_| Ok(())).await {
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
            let dry = call.with("DryRun", true);
            match self.query(region, &dry, |_| Ok(())).await {
                Err(error) if error.has_code(WOULD_SUCCEED) => {}
                Err(error) if error.is_permission() => return Ok(Some(action)),
                // An objection to the route itself comes after the question of rights.
                Err(error) if error.code().is_some() && !error.is_throttle() => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    return Err(self.unexpected(
                        region,
                        Service::Ec2,
                        action,
                        "DryRun",
                        "the endpoint ignored the dry run and may have changed the route",
                    ));
                }
            }
        }
        Ok(None)
    }

    /// The route tables of a VPC: to watch NC2 write and withdraw externally routable prefixes.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`].
    pub async fn vpc_route_tables(
        &self,
        region: &Region,
        vpc: &VpcId,
    ) -> Result<BTreeMap<RouteTableId, VpcRouteTable>, AwsError> {
        // This list's pages are limited to a hundred.
        let query = Query::ec2("DescribeRouteTables")
            .with_filter("vpc-id", [vpc])
            .with("MaxResults", 100);
        let tables = self
            .list(region, query, "routeTableSet", vpc::route_table)
            .await?;
        Ok(tables.into_iter().collect())
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
        while let Some(scope) = scopes.pop() {
            let (found, cut) = self.search(region, table, kind, scope).await?;
            match scope.parts() {
                Some(parts) if cut => scopes.extend(parts),
                Some(_) | None => routes.extend(found),
            }
        }
        Ok(routes)
    }

    /// Routes within a scope, and whether the endpoint kept some back without a token to get them by.
    async fn search(
        &self,
        region: &Region,
        table: &TgwRouteTableId,
        kind: RouteType,
        scope: Scope,
    ) -> Result<(Vec<TgwRoute>, bool), AwsError> {
        // Without `MaxResults`: its default is its maximum of 1000, and moto fails on it.
        let query = Query::ec2(SEARCH)
            .with("TransitGatewayRouteTableId", table)
            .with_filter("type", [kind.name()]);
        let query = match scope {
            Scope::All => query,
            Scope::Exactly(cidr) => query.with_filter("route-search.exact-match", [cidr]),
            Scope::Within(cidr) => query.with_filter("route-search.subnet-of-match", [cidr]),
        };
        let mut routes = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let page = query.clone().with_optional("NextToken", token.take());
            let (found, next, more) = self
                .query(region, &page, |root| {
                    let found: Vec<Option<TgwRoute>> = root
                        .items("routeSet")
                        .map(tgw::route)
                        .collect::<Result<_, _>>()?;
                    let next = root.text("nextToken").map(str::to_owned);
                    Ok((found, next, root.flag("additionalRoutesAvailable")))
                })
                .await?;
            routes.extend(found.into_iter().flatten());
            match next {
                Some(next) => token = Some(next),
                None => return Ok((routes, more)),
            }
        }
        Err(self.endless(region, Service::Ec2, SEARCH))
    }
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
