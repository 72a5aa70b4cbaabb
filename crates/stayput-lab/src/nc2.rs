//! What NC2 does on its own: it keeps the AWS VPC's route tables in step with the transit VPC's externally routable
//! prefixes (AWS reference §4). It never touches a Transit Gateway.

use std::time::Duration;

use stayput_estate::Cidr;

use crate::aws::model::Eni;
use crate::aws::model::RegionState;
use crate::aws::model::RouteTarget;
use crate::aws::set_nc2_route;
use crate::prism;
use crate::state;
use crate::state::LabState;

/// How a host interface that carries Flow traffic is described.
const HOST_INTERFACE: &str = "NC2 host ENI";

/// How long the writer of a dead site waits until it looks again.
const DEAD_SITE_RETRY: Duration = Duration::from_secs(60);

/// Says that these prefixes came to or went from the transit VPC: NC2 will follow in its own time.
pub fn erps_changed(lab: &mut LabState, pc: usize, prefixes: &[Cidr]) {
    let delay = lab.timing.nc2_route;
    for prefix in prefixes {
        lab.after(
            delay,
            state::Event::Prism(pc, prism::Event::Nc2Route(*prefix)),
        );
    }
}

/// Makes the AWS VPC's tables agree with the transit VPC about one prefix, as it is now.
pub fn write_route(lab: &mut LabState, pc: usize, prefix: Cidr) {
    let site = &lab.pcs[pc];
    if site.down {
        let again = state::Event::Prism(pc, prism::Event::Nc2Route(prefix));
        lab.after(DEAD_SITE_RETRY, again);
        return;
    }
    let wanted = site
        .vpcs
        .values()
        .any(|vpc| vpc.transit && vpc.erps.contains(&prefix));
    let (region, vpc) = site.aws.clone();
    let gateway = if wanted {
        let found = lab
            .aws
            .regions
            .get(&region)
            .and_then(|state| gateway(state, &vpc));
        // Without a gateway host there is nothing to point at; the tables stay as they are.
        let Some(found) = found else {
            return;
        };
        Some(found.to_owned())
    } else {
        None
    };
    set_nc2_route(lab, &region, &vpc, prefix, gateway.as_deref());
}

/// The gateway host's interface: the one existing prefixes lead to, else the first Flow interface of a host.
fn gateway<'a>(region: &'a RegionState, vpc: &str) -> Option<&'a str> {
    let serves = |eni: &Eni| eni.vpc == vpc && !eni.source_dest_check;
    let in_use = region
        .route_tables
        .values()
        .filter(|table| table.vpc == vpc)
        .flat_map(|table| table.routes.values())
        .find_map(|target| match target {
            RouteTarget::Eni(id) => region
                .enis
                .get_key_value(id)
                .filter(|(_, eni)| serves(eni))
                .map(|(id, _)| id.as_str()),
            RouteTarget::Tgw(_)
            | RouteTarget::Nat(_)
            | RouteTarget::Igw(_)
            | RouteTarget::Pcx(_) => None,
        });
    in_use.or_else(|| {
        region
            .enis
            .iter()
            .find(|(_, eni)| serves(eni) && eni.description.contains(HOST_INTERFACE))
            .map(|(id, _)| id.as_str())
    })
}

#[cfg(test)]
mod tests;
