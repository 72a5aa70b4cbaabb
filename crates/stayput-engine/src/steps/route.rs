//! One static route of one Transit Gateway route table.

use std::time::Duration;

use stayput_estate::Cidr;
use stayput_estate::Region;
use stayput_estate::TgwRouteTableId;
use stayput_estate::mutants::Mutant;
use stayput_messages::Message;
use stayput_world::aws::TgwTarget;

use crate::StepError;
use crate::context::StepContext;

/// How long a written route may take to be active. Terraform's provider allows five minutes (AWS reference §1.5).
const ACTIVE_WITHIN: Duration = Duration::from_secs(300);

pub async fn tgw_route(
    context: &StepContext,
    region: &Region,
    table: &TgwRouteTableId,
    cidr: Cidr,
    from: Option<&TgwTarget>,
    to: Option<&TgwTarget>,
) -> Result<bool, StepError> {
    let aws = &context.clients.aws;
    let name = |target: Option<&TgwTarget>| {
        target.map_or_else(|| Message::new("value-absent").into(), ToString::to_string)
    };
    // Read right before writing: there is no other protection against a second writer (AWS reference §6).
    let found = aws.tgw_route(region, table, cidr).await?;
    context
        .record(&serde_json::json!({"before": found}))
        .await?;
    let is_in_place = found.as_ref() == to;
    if !is_in_place && found.as_ref() != from {
        return Err(StepError::WorldChanged {
            what: Message::new("object-route")
                .with("cidr", cidr)
                .with("table", table)
                .with("region", region)
                .into(),
            found: name(found.as_ref()),
            expected: name(from),
        });
    }
    if !is_in_place {
        context.holds_the_lease().await?;
        match to {
            Some(target) => aws.put_tgw_route(region, table, cidr, target).await?,
            None => aws.delete_tgw_route(region, table, cidr).await?,
        }
    }
    // A table further out must not route here before this route is active: a written route is not enough. This also applies to a route
    // that a killed run has written.
    let what = Message::new("wait-route")
        .with("cidr", cidr)
        .with("to", name(to))
        .with("table", table)
        .with("region", region)
        .to_string();
    let seen = context
        .until(&what, ACTIVE_WITHIN, async || {
            let found = aws.tgw_route_in_use(region, table, cidr).await?;
            let is_active = found.as_ref() == to || Mutant::RouteNotAwaited.is_chosen();
            Ok(is_active.then_some(found))
        })
        .await?;
    context.record(&serde_json::json!({"after": seen})).await?;
    Ok(!is_in_place)
}
