//! What NC2 does without a request: it keeps the route tables of the AWS VPC in step with the externally routable prefixes of the
//! transit VPC (AWS reference §4). It never changes a Transit Gateway.

use std::collections::BTreeSet;
use std::time::Duration;

use stayput_estate::Cidr;

use crate::aws::model::Eni;
use crate::aws::model::RegionState;
use crate::aws::model::RouteTarget;
use crate::aws::routing;
use crate::aws::set_nc2_route;
use crate::prism;
use crate::prism::model::PcState;
use crate::state;
use crate::state::LabState;

/// Description of a host interface that carries Flow traffic.
const HOST_INTERFACE: &str = "NC2 host ENI";

/// How long the writer at a site that is down waits before it tries again.
const DEAD_SITE_RETRY: Duration = Duration::from_secs(60);

/// Reports that these prefixes were added to or removed from the transit VPC. NC2 follows after its usual delay.
pub(crate) fn erps_changed(lab: &mut LabState, pc: usize, prefixes: &[Cidr]) {
    let delay = lab.timing.nc2_route;
    for prefix in prefixes {
        lab.after(
            delay,
            state::LabEvent::Prism(pc, prism::PrismEvent::Nc2Route(*prefix)),
        );
    }
}

/// Makes the AWS VPC's tables agree with the transit VPC about one prefix, as it is now.
pub(crate) fn write_route(lab: &mut LabState, pc: usize, prefix: Cidr) {
    if lab.is_site_down(pc) {
        let again = state::LabEvent::Prism(pc, prism::PrismEvent::Nc2Route(prefix));
        lab.after(DEAD_SITE_RETRY, again);
        return;
    }
    let site = &lab.pcs[pc];
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
            .and_then(|state| gateway(state, site));
        // Without a gateway host there is no target for a route: the tables stay as they are.
        let Some(found) = found else {
            return;
        };
        Some(found.to_owned())
    } else {
        None
    };
    set_nc2_route(lab, &region, &vpc, prefix, gateway.as_deref());
}

/// Returns the interface by which a cluster is joined to its AWS VPC, in both directions.
///
/// Assumptions (AWS reference §4 says only that it is an interface of a host, in the Flow subnet): an interface that NC2 has
/// chosen stays, whatever is written into the tables. Otherwise, of the interfaces that forward: the target of the routes for the
/// transit VPC's prefixes; then the target of routes for other prefixes outside the VPC, even when its host is down, because NC2
/// has not noticed that yet; then an interface of a host that runs. If there is none, the target of routes that does not forward.
pub fn gateway<'a>(region: &'a RegionState, site: &PcState) -> Option<&'a str> {
    let chosen = site.gateway.as_ref();
    if let Some((id, _)) = chosen.and_then(|id| region.enis.get_key_value(id)) {
        return Some(id);
    }
    let vpc = site.aws.1.as_str();
    let erps: BTreeSet<Cidr> = site
        .vpcs
        .values()
        .filter(|vpc| vpc.transit)
        .flat_map(|vpc| vpc.erps.iter().copied())
        .collect();
    let serves = |eni: &Eni| eni.vpc == vpc && !eni.source_dest_check;
    let own = region.vpcs.get(vpc).map_or(&[][..], |vpc| &vpc.cidrs);
    let mut routed: Vec<_> = region
        .route_tables
        .values()
        .filter(|table| table.vpc == vpc)
        .flat_map(|table| &table.routes)
        .filter(|(prefix, _)| !own.iter().any(|own| own.overlaps(**prefix)))
        .filter_map(|(prefix, target)| match target {
            RouteTarget::Eni(id) => {
                let (id, eni) = region.enis.get_key_value(id)?;
                Some((!erps.contains(prefix), id.as_str(), eni))
            }
            RouteTarget::Tgw(_)
            | RouteTarget::Nat(_)
            | RouteTarget::Igw(_)
            | RouteTarget::Pcx(_) => None,
        })
        .collect();
    routed.sort_by_key(|(other, ..)| *other);
    let in_use = routed.iter().find(|(.., eni)| serves(eni));
    let host = || {
        region
            .enis
            .iter()
            .filter(|(_, eni)| serves(eni) && routing::is_up(region, eni))
            .min_by_key(|(_, eni)| !eni.description.contains(HOST_INTERFACE))
            .map(|(id, _)| id.as_str())
    };
    in_use
        .map(|(_, id, _)| *id)
        .or_else(host)
        .or_else(|| routed.first().map(|(_, id, _)| *id))
}

#[cfg(test)]
mod tests;
