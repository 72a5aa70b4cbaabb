//! The on-prem router: longest prefix over what the edges announce, then local preference (AWS reference §2).

use stayput_estate::Cidr;

use super::At;
use super::End;
use super::SiteKind;
use super::Walker;
use crate::aws::model::AttachmentKind;
use crate::aws::routing;
use crate::state::LabState;

/// A route of the on-prem router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Destination.
    pub prefix: Cidr,
    /// Of routes to one prefix, the one with the highest preference wins.
    pub preference: u32,
    /// Name of the edge: for display, and to decide between equal routes.
    pub name: String,
    /// Next hop.
    pub next: Next,
}

/// Next hop of a route of the on-prem router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// On-prem itself.
    Here,
    /// Through an edge whose tunnels or attachment are down.
    Down,
    /// Into a Transit Gateway.
    Into {
        /// Its region.
        region: String,
        /// Its id.
        tgw: String,
        /// The attachment a packet comes in by; empty in a region that is down.
        ingress: String,
    },
}

impl Walker<'_> {
    pub(super) fn on_prem(&mut self) -> Result<At, End> {
        let to = self.to;
        let mut matching = candidates(self.lab);
        matching.retain(|route| route.prefix.contains(to));
        let rank = |route: &Candidate| (route.prefix.len(), route.preference);
        let best = matching.iter().map(rank).max();
        matching.retain(|route| Some(rank(route)) == best);
        // What decides between edges with the same preference (AS paths, router ids, …) is not in the lab's model.
        matching.sort_by(|a, b| a.name.cmp(&b.name));
        let chosen = self.choices.of(matching.len(), || "on-prem".to_owned());
        if matching.is_empty() {
            self.hop(format!("on-prem: no route to {to}"));
            return Err(End::NoRoute);
        }
        let best = matching.swap_remove(chosen);
        self.hop(format!("on-prem: {} → {}", best.prefix, best.name));
        match best.next {
            Next::Here => Err(End::Delivered {
                site: SiteKind::OnPrem,
                holder: "on-prem".to_owned(),
                region: None,
            }),
            // A static route remains when its target is down (inferred, AWS reference §2.3).
            Next::Down => {
                self.hop(format!("{}: no tunnel or no attachment is up", best.name));
                Err(End::NoRoute)
            }
            Next::Into {
                region,
                tgw,
                ingress,
            } => Ok(At::Tgw {
                region,
                tgw,
                ingress,
            }),
        }
    }
}

/// Returns every route of the on-prem router, in no particular order.
pub fn candidates(lab: &LabState) -> Vec<Candidate> {
    let own = lab.aws.on_prem.iter().map(|prefix| Candidate {
        prefix: *prefix,
        preference: u32::MAX,
        name: "own network".to_owned(),
        next: Next::Here,
    });
    own.chain(over_vpns(lab))
        .chain(over_direct_connect(lab))
        .collect()
}

fn over_vpns(lab: &LabState) -> Vec<Candidate> {
    let mut routes = Vec::new();
    for (name, region) in &lab.aws.regions {
        for (id, vpn) in &region.vpns {
            let announced = if vpn.static_only {
                vpn.on_prem_statics.clone()
            } else {
                routing::announced(lab, name, id)
            };
            let ingress = routing::vpn_attachment(region, id).filter(|_| vpn.tunnels_up > 0);
            // Nothing else is known about a region that is down.
            let down = lab.aws.down_regions.contains(name).then_some("");
            routes.extend(announced.into_iter().map(|prefix| Candidate {
                prefix,
                preference: vpn.local_preference,
                name: id.clone(),
                next: match down.or(ingress) {
                    None => Next::Down,
                    Some(ingress) => Next::Into {
                        region: name.clone(),
                        tgw: vpn.tgw.clone(),
                        ingress: ingress.to_owned(),
                    },
                },
            }));
        }
    }
    routes
}

/// A Direct Connect gateway announces the allowed prefixes of its associations, independent of the Transit Gateways.
fn over_direct_connect(lab: &LabState) -> Vec<Candidate> {
    let mut routes = Vec::new();
    for association in lab.aws.dx_associations.values() {
        let Some(gateway) = lab.aws.dx_gateways.get(&association.gateway) else {
            continue;
        };
        if !routing::dx_carries(&association.state) {
            continue;
        }
        let ingress = lab
                .aws
                .regions
                .get(&association.region)
                .and_then(|region| {
                    region.attachments.iter().find(|(_, attachment)| {
                        attachment.tgw == association.tgw
                            && routing::forwards(attachment)
                            && matches!(&attachment.kind, AttachmentKind::DirectConnect(id) if *id == association.gateway)
                    })
                });
        let Some((ingress, _)) = ingress else {
            continue;
        };
        routes.extend(association.allowed.iter().map(|prefix| Candidate {
            prefix: *prefix,
            preference: gateway.local_preference,
            name: association.gateway.clone(),
            next: Next::Into {
                region: association.region.clone(),
                tgw: association.tgw.clone(),
                ingress: ingress.clone(),
            },
        }));
    }
    routes
}
