//! The on-prem router: longest prefix over what the edges announce, then local preference (AWS reference §2).

use stayput_estate::Cidr;

use super::At;
use super::End;
use super::SiteKind;
use super::Walker;
use crate::aws::model::AttachmentKind;
use crate::aws::routing;

/// A route of the on-prem router.
struct Candidate {
    prefix: Cidr,
    preference: u32,
    /// For ties and for people.
    name: String,
    next: Next,
}

enum Next {
    /// It is an own network.
    Here,
    /// Through an edge whose tunnels or attachment are down.
    Down,
    /// Into a Transit Gateway.
    Into(At),
}

impl Walker<'_> {
    pub(super) fn on_prem(&mut self) -> Result<At, End> {
        let to = self.to;
        let mut matching = self.candidates();
        matching.retain(|route| route.prefix.contains(to));
        let rank = |route: &Candidate| (route.prefix.len(), route.preference);
        let best = matching.iter().map(rank).max();
        matching.retain(|route| Some(rank(route)) == best);
        // Edges with one preference: what decides then (AS paths, router ids, …) is not ours to know.
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
            // Nothing withdraws a static route when what it leads into dies (inferred, AWS reference §2.3).
            Next::Down => {
                self.hop(format!("{}: no tunnel or no attachment is up", best.name));
                Err(End::NoRoute)
            }
            Next::Into(at) => Ok(at),
        }
    }

    fn candidates(&self) -> Vec<Candidate> {
        let own = self.lab.aws.on_prem.iter().map(|prefix| Candidate {
            prefix: *prefix,
            preference: u32::MAX,
            name: "own network".to_owned(),
            next: Next::Here,
        });
        own.chain(self.over_vpns())
            .chain(self.over_direct_connect())
            .collect()
    }

    fn over_vpns(&self) -> Vec<Candidate> {
        let mut routes = Vec::new();
        for (name, region) in &self.lab.aws.regions {
            for (id, vpn) in &region.vpns {
                let announced = if vpn.static_only {
                    vpn.on_prem_statics.clone()
                } else {
                    routing::announced(self.lab, name, id)
                };
                let ingress = routing::vpn_attachment(region, id).filter(|_| vpn.tunnels_up > 0);
                // Of a region that is down nothing else is known.
                let down = self.lab.aws.down_regions.contains(name).then_some("");
                routes.extend(announced.into_iter().map(|prefix| Candidate {
                    prefix,
                    preference: vpn.local_preference,
                    name: id.clone(),
                    next: match down.or(ingress) {
                        None => Next::Down,
                        Some(ingress) => Next::Into(At::Tgw {
                            region: name.clone(),
                            tgw: vpn.tgw.clone(),
                            ingress: ingress.to_owned(),
                        }),
                    },
                }));
            }
        }
        routes
    }

    /// A Direct Connect gateway announces the allowed prefixes of its associations, whatever the Transit Gateways hold.
    fn over_direct_connect(&self) -> Vec<Candidate> {
        let mut routes = Vec::new();
        for association in self.lab.aws.dx_associations.values() {
            let Some(gateway) = self.lab.aws.dx_gateways.get(&association.gateway) else {
                continue;
            };
            if !routing::dx_carries(&association.state) {
                continue;
            }
            let ingress = self
                .lab
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
                next: Next::Into(At::Tgw {
                    region: association.region.clone(),
                    tgw: association.tgw.clone(),
                    ingress: ingress.clone(),
                }),
            }));
        }
        routes
    }
}
