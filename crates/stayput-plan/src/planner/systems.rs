//! Which systems a goal needs to have been observed.

use std::collections::BTreeSet;

use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_messages::Message;
use stayput_world::Silence;
use stayput_world::System;

use super::Draft;
use crate::FailoverMode;
use crate::Goal;
use crate::Obstacle;
use crate::survey::Place;

impl Draft<'_> {
    /// An obstacle for every system that the goal needs and that was not observed.
    pub(super) fn not_observed(&self, goal: &Goal) -> BTreeSet<Obstacle> {
        let world = self.survey.world;
        let is_observed = |system: &System| match system {
            System::Aws(region) => world.aws.contains_key(region),
            System::PrismCentral(site) => world.prism.contains_key(site),
            System::Move(site) => world.moves.contains_key(site),
        };
        let needed = self.needed_systems(goal).into_iter();
        needed
            .filter(|system| !is_observed(system))
            .map(|system| {
                let known = world.unobserved(&system);
                let silence = known.map(|known| known.silence);
                Obstacle::NotObserved {
                    otherwise: self.otherwise(goal, &system, silence),
                    silence,
                    why: known.map_or_else(String::new, |known| known.why.clone()),
                    system,
                }
            })
            .collect()
    }

    /// The systems without which nothing can be said of the goal. Those of sites that an unplanned failover leaves are not among them.
    fn needed_systems(&self, goal: &Goal) -> BTreeSet<System> {
        let survey = self.survey;
        let estate = survey.estate;
        let source = System::Aws(estate.source.region.clone());
        // Routes are written in every region, and what a region that was not seen does with the networks' packets is unknown.
        let regions = estate.regions().into_iter().map(System::Aws);
        match goal {
            Goal::Capture { .. } => [source].into(),
            Goal::Move { .. } => {
                let primaries: BTreeSet<_> = survey
                    .networks
                    .iter()
                    .map(|network| network.primary.clone())
                    .collect();
                let with_move = self.sites_to_move_to();
                regions
                    .chain(primaries.into_iter().map(System::PrismCentral))
                    .chain(with_move.into_iter().map(System::Move))
                    .collect()
            }
            // A new overlay's pool is kept clear of what EC2 shows.
            Goal::Protect { .. } => self
                .sites_concerned()
                .into_iter()
                .map(System::PrismCentral)
                .chain([source])
                .collect(),
            Goal::Failover {
                mode: FailoverMode::Test,
                ..
            } => self
                .sites_concerned()
                .into_iter()
                .map(System::PrismCentral)
                .collect(),
            Goal::Failover {
                to,
                mode: FailoverMode::Unplanned,
                ..
            } => {
                let left: BTreeSet<&Region> = survey
                    .left
                    .iter()
                    .filter_map(|site| Some(&estate.sites.get(site)?.region))
                    .collect();
                regions
                    .filter(
                        |system| !matches!(system, System::Aws(region) if left.contains(region)),
                    )
                    .chain([System::PrismCentral(to.clone())])
                    .collect()
            }
            Goal::Failover {
                to,
                mode: FailoverMode::Planned,
                ..
            } => {
                let sites = self.sites_concerned().into_iter().chain([to.clone()]);
                regions.chain(sites.map(System::PrismCentral)).collect()
            }
            Goal::Failback { .. } => {
                let sites = self.sites_concerned().into_iter();
                regions.chain(sites.map(System::PrismCentral)).collect()
            }
            Goal::CleanUp { site, .. } => {
                let places = survey.places.values();
                let homes = places.filter_map(|place| match place {
                    Place::At(home, _) => Some(home.clone()),
                    Place::Ec2 => None,
                });
                let sites = homes.chain([site.clone()]);
                regions.chain(sites.map(System::PrismCentral)).collect()
            }
            Goal::Rollback { of, .. } => self.needed_for_rollback(of),
        }
    }

    /// The systems without which nothing can be said of taking a run to this goal back.
    fn needed_for_rollback(&self, of: &Goal) -> BTreeSet<System> {
        let survey = self.survey;
        let regions = survey.estate.regions().into_iter().map(System::Aws);
        let prisms = self.sites_concerned().into_iter().map(System::PrismCentral);
        match of {
            Goal::Move { .. } => {
                let ids = survey.moving.iter();
                let was = ids.flat_map(|id| survey.vms_of(id));
                let sites = was.map(|(site, _)| System::PrismCentral(site));
                let with_move = self.sites_to_move_to().into_iter().map(System::Move);
                regions.chain(sites).chain(with_move).collect()
            }
            Goal::Failover {
                mode: FailoverMode::Planned | FailoverMode::Unplanned,
                ..
            }
            | Goal::Failback { .. } => regions.chain(prisms).collect(),
            Goal::Failover {
                mode: FailoverMode::Test,
                ..
            } => prisms.collect(),
            // Nothing is done about them.
            Goal::Capture { .. }
            | Goal::Protect { .. }
            | Goal::CleanUp { .. }
            | Goal::Rollback { .. } => BTreeSet::new(),
        }
    }

    /// The sites the goal's networks live at, or may, and those their machines are at.
    fn sites_concerned(&self) -> BTreeSet<SiteName> {
        let survey = self.survey;
        let networks = survey.networks.iter();
        let configured =
            networks.flat_map(|network| network.recovery.iter().chain([&network.primary]));
        let places = survey.places.values().filter_map(|place| match place {
            Place::At(site, _) => Some(site),
            Place::Ec2 => None,
        });
        configured.chain(places).cloned().collect()
    }

    /// Primary sites of machines that still have to be migrated. Move is needed for these only.
    pub(super) fn sites_to_move_to(&self) -> BTreeSet<SiteName> {
        let survey = self.survey;
        let in_ec2 = survey.machines.iter().filter(|(id, _)| {
            survey.moving.contains(*id) && survey.places.get(*id) == Some(&Place::Ec2)
        });
        in_ec2
            .filter_map(|(_, machine)| {
                let network = survey.estate.networks.get(&machine.nics.first()?.network)?;
                let site = survey.estate.sites.get(&network.primary)?;
                site.mv.as_ref().map(|_| site.name.clone())
            })
            .collect()
    }

    /// What else a person can do than to have a system observed.
    fn otherwise(&self, goal: &Goal, system: &System, silence: Option<Silence>) -> Option<String> {
        let is_lost = match (system, silence) {
            (System::PrismCentral(site), Some(Silence::Silent)) => Some(site),
            (_, _) => None,
        };
        match goal {
            Goal::Failover {
                to,
                mode: FailoverMode::Planned,
                ..
            } => is_lost.filter(|site| *site != to).map(|site| {
                Message::new("remedy-fail-over-unplanned")
                    .with("site", site)
                    .into()
            }),
            Goal::Failover { .. }
            | Goal::Capture { .. }
            | Goal::Move { .. }
            | Goal::Protect { .. }
            | Goal::Failback { .. }
            | Goal::CleanUp { .. }
            | Goal::Rollback { .. } => None,
        }
    }
}
