//! Machines from one NC2 site to another, and what that needs.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_messages::Message;
use stayput_messages::list::arguments;
use stayput_world::prism::Connectivity;

use super::Draft;
use super::nics::Arrival;
use super::protection::Protected;
use crate::Action;
use crate::Obstacle;
use crate::Phase;
use crate::Warning;
use crate::object;
use crate::planner::protect::recovery_name;
use crate::step::OverlayKind;
use crate::step::RecoveryRun;
use crate::survey::Place;
use crate::survey::Power;
use crate::survey::VmSight;
use crate::survey::overlay_subnet;

/// Networks that go from one NC2 site to another.
pub(super) struct Relocation<'r> {
    /// Where their machines are, or were.
    pub(super) from: SiteName,
    pub(super) to: &'r SiteName,
    pub(super) networks: &'r BTreeSet<NetworkName>,
    is_left: bool,
    /// Networks with machines that have not arrived, their recovery plans, and those machines.
    left: Vec<(&'r NetworkName, String, BTreeSet<InstanceId>)>,
}

impl Draft<'_> {
    /// What must be so before these networks leave the NC2 site where their machines are for `to`: every recovery plan is there and, of a
    /// site that is not lost, validated. No machine of any network stops before all are.
    pub(super) fn prepare_relocation<'r>(
        &mut self,
        to: &'r SiteName,
        networks: &'r BTreeSet<NetworkName>,
    ) -> Option<Relocation<'r>> {
        let from = self.other_site(networks, to)?;
        let is_left = self.survey.left.contains(&from);
        if is_left {
            self.fence(&from, networks);
        } else {
            self.paired(&from, to);
        }
        let mut left = Vec::new();
        for network in networks {
            self.targets_exist(to, network, is_left);
            let here = |id: &&InstanceId| matches!(self.survey.places.get(*id), Some(Place::At(site, _)) if *site == from);
            let machines = self.first_nic_in(network);
            let machines: BTreeSet<_> = machines.iter().filter(here).cloned().collect();
            if machines.is_empty() {
                continue;
            }
            for machine in &machines {
                self.is_not_there_yet(machine, to);
            }
            let plan = recovery_name(self.survey.estate, network);
            self.recovery_plan_exists(if is_left { to } else { &from }, network);
            if is_left {
                self.has_no_old_points(&from, to, network);
                self.warn_of_unprotected(&from, to, network, &machines);
            } else {
                let of = Protected {
                    network,
                    site: &from,
                    other: to,
                };
                self.is_protected(of, &machines);
                self.points_are_recent(of, &machines);
                for machine in &machines {
                    self.leaves_nothing_behind(&from, machine);
                }
            }
            if !is_left {
                let action = Action::RunRecovery {
                    plan: plan.clone(),
                    run: RecoveryRun::Validate,
                    from: from.clone(),
                    to: to.clone(),
                    machines: machines.clone(),
                };
                let why = Message::new("why-validate-failover");
                let id = format!("recovery/{network}/validate/{to}");
                self.step(id, &BTreeSet::new(), action, why);
            }
            left.push((network, plan, machines));
        }
        Some(Relocation {
            from,
            to,
            networks,
            is_left,
            left,
        })
    }

    /// Refuses to recover a machine a second time: a job whose record was lost may have done so.
    fn is_not_there_yet(&mut self, machine: &InstanceId, to: &SiteName) {
        let vms = self.survey.may_be_at(machine, to);
        if !vms.is_empty() {
            self.obstacle(Obstacle::MayBeThere {
                machine: machine.clone(),
                label: self.survey.label(machine),
                site: to.clone(),
                vms,
            });
        }
    }

    /// Refuses to start a network's machines from recovery points at a site that also has some of VMs that they are not any more.
    fn has_no_old_points(&mut self, from: &SiteName, to: &SiteName, network: &NetworkName) {
        let survey = self.survey;
        let Some(prism) = survey.world.prism.get(to) else {
            return;
        };
        for id in self.first_nic_in(network) {
            let Some(replaced) = survey.replaced.get(&id) else {
                continue;
            };
            // One that was replaced at the target came from a VM at the source, which then counts as not recovered.
            let came_from = match replaced.iter().any(|(site, _)| site == to) {
                true => survey.former.get(&id),
                false => None,
            };
            let old = replaced.iter().chain(came_from.into_iter().flatten());
            let vms: BTreeSet<_> = old
                .filter(|(site, vm)| {
                    let exists = matches!(survey.vm_sight(site, vm), VmSight::Seen(_));
                    site == from && !exists && prism.recovery_points.contains_key(vm)
                })
                .map(|(_, vm)| vm)
                .collect();
            for vm in vms {
                self.obstacle(Obstacle::OldPoints {
                    machine: id.clone(),
                    label: survey.label(&id),
                    site: to.clone(),
                    vm: vm.clone(),
                });
            }
        }
    }

    /// Machines from one NC2 site to another, with their own addresses.
    pub(super) fn recover(&mut self, relocation: &Relocation<'_>) {
        let Relocation {
            from,
            to,
            networks,
            is_left,
            left,
        } = relocation;
        let mut arrived = BTreeMap::new();
        for (network, plan, machines) in left {
            let (word, run, why) = match is_left {
                true => (
                    "unplanned",
                    RecoveryRun::Unplanned,
                    Message::new("why-unplanned"),
                ),
                false => ("planned", RecoveryRun::Planned, Message::new("why-planned")),
            };
            let action = Action::RunRecovery {
                plan: plan.clone(),
                run,
                from: from.clone(),
                to: (*to).clone(),
                machines: machines.clone(),
            };
            let id = format!("recovery/{network}/{word}/{to}");
            arrived.insert(*network, self.step(id, &BTreeSet::new(), action, why));
        }
        let why = Message::new("why-restore-recovered").to_string();
        for network in *networks {
            let needs: BTreeSet<_> = arrived.get(network).cloned().into_iter().collect();
            for id in self.first_nic_in(network) {
                let there =
                    matches!(self.survey.places.get(&id), Some(Place::At(site, _)) if site == *to);
                if there && self.survey.nics_are_right(&id, to) && !self.survey.is_to_be_on(&id) {
                    continue;
                }
                let arrival = match there {
                    true => Arrival::There,
                    false => Arrival::ByRecovery,
                };
                self.restore(to, &id, arrival, &needs, &why);
            }
        }
    }

    /// Copies in the isolated VPC, then gone again; nothing is routed.
    pub(super) fn test_failover(&mut self, to: &SiteName) {
        let networks: BTreeSet<_> = self
            .survey
            .networks
            .iter()
            .map(|network| network.name.clone())
            .collect();
        let Some(from) = self.other_site(&networks, to) else {
            return;
        };
        self.paired(&from, to);
        let survey = self.survey;
        for (id, place) in &survey.places {
            if matches!(place, Place::At(at, _) if at == to) {
                let label = survey.label(id);
                self.obstacle(Obstacle::Elsewhere {
                    machine: id.clone(),
                    label,
                    at: to.clone(),
                    wanted: from.clone(),
                });
            }
        }
        let mut drilled = Vec::new();
        for network in &networks {
            let machines = self.first_nic_in(network);
            if machines.is_empty() {
                continue;
            }
            let plan = recovery_name(self.survey.estate, network);
            self.recovery_plan_exists(&from, network);
            self.all_are_on(&machines);
            self.has_no_old_points(&from, to, network);
            // A copy has the NICs of its VM.
            for machine in &machines {
                self.leaves_nothing_behind(&from, machine);
                self.has_its_addresses(&from, machine);
            }
            let of = Protected {
                network,
                site: &from,
                other: to,
            };
            self.is_protected(of, &machines);
            self.test_network_is_isolated(to, network);
            self.no_other_client_tests(to, network, &plan);
            drilled.push((network, plan, machines));
        }
        for (phase, word, run, why) in [
            (
                Phase::Prepare,
                "validate",
                RecoveryRun::Validate,
                Message::new("why-validate-test"),
            ),
            (
                Phase::Verify,
                "test",
                RecoveryRun::Test,
                Message::new("why-test"),
            ),
            (
                Phase::Close,
                "clean-up",
                RecoveryRun::CleanUp,
                Message::new("why-test-clean-up"),
            ),
        ] {
            self.phase = phase;
            for (network, plan, machines) in &drilled {
                let action = Action::RunRecovery {
                    plan: plan.clone(),
                    run,
                    from: from.clone(),
                    to: to.clone(),
                    machines: machines.clone(),
                };
                let id = format!("recovery/{network}/{word}/{to}");
                self.step(id, &BTreeSet::new(), action, why.clone());
            }
        }
    }

    /// Refuses a test while a machine is off that ran when it was captured: its copy would be off, too.
    fn all_are_on(&mut self, machines: &BTreeSet<InstanceId>) {
        let survey = self.survey;
        for id in machines {
            let ran = survey.machines.get(id).is_some_and(|of| of.was_running);
            let Some(Place::At(site, vm)) = survey.places.get(id) else {
                continue;
            };
            if ran && survey.power(id) == Power::Off {
                self.obstacle(Obstacle::NotOn {
                    machine: id.clone(),
                    label: survey.label(id),
                    site: site.clone(),
                    vm: vm.clone(),
                });
            }
        }
    }

    /// The one other site of these networks.
    fn other_site(&mut self, networks: &BTreeSet<NetworkName>, to: &SiteName) -> Option<SiteName> {
        let mut others = BTreeSet::new();
        for network in networks
            .iter()
            .filter_map(|name| self.survey.estate.networks.get(name))
        {
            match &network.recovery {
                Some(recovery) if network.primary == *to => others.insert(recovery.clone()),
                Some(_) => others.insert(network.primary.clone()),
                None => {
                    self.obstacles.insert(Obstacle::NoRecoverySite {
                        network: network.name.clone(),
                    });
                    false
                }
            };
        }
        let mut others = others.into_iter();
        let from = others.next()?;
        let survey = self.survey;
        let machines: BTreeSet<_> = networks
            .iter()
            .flat_map(|network| self.first_nic_in(network))
            .collect();
        for (id, place) in survey
            .places
            .iter()
            .filter(|(id, _)| machines.contains(*id))
        {
            let at = match place {
                Place::At(site, _) if *site == from || site == to => continue,
                Place::At(site, _) => site.clone(),
                Place::Ec2 => survey.estate.source.name.clone(),
            };
            let label = survey.label(id);
            self.obstacle(Obstacle::Elsewhere {
                machine: id.clone(),
                label,
                at,
                wanted: from.clone(),
            });
        }
        Some(from)
    }

    pub(super) fn paired(&mut self, from: &SiteName, to: &SiteName) {
        let prism = &self.survey.world.prism;
        let (Some(a), Some(b)) = (prism.get(from), prism.get(to)) else {
            return;
        };
        let sees = |a: &stayput_world::Prism, b: &stayput_world::Prism| {
            a.registrations.get(&b.domain_manager) == Some(&Connectivity::Connected)
        };
        if !sees(a, b) || !sees(b, a) {
            self.obstacle(Obstacle::NotPaired {
                from: from.clone(),
                to: to.clone(),
            });
        }
    }

    /// What copies of the network's machines are started on: a subnet with its addresses in a VPC that nothing is routed to.
    fn test_network_is_isolated(&mut self, to: &SiteName, network: &NetworkName) {
        let survey = self.survey;
        let (Some(prism), Some(config), Some(definition)) = (
            survey.world.prism.get(to),
            survey.estate.sites.get(to),
            survey.estate.networks.get(network),
        ) else {
            return;
        };
        self.is_isolated(to, &config.test_vpc);
        let kind = OverlayKind::Test;
        match overlay_subnet(survey.estate, prism, to, kind, network) {
            Ok(Some((id, subnet))) => self.compare_subnet(to, kind, definition, id, subnet),
            Ok(None) => self.obstacle(Obstacle::Missing {
                site: to.clone(),
                what: object::overlay_subnet(kind, network).into(),
                remedy: self.protect_first(network),
            }),
            Err(count) => self.obstacle(Obstacle::NotUnique {
                site: to.clone(),
                what: object::overlay_subnet(kind, network).into(),
                count,
            }),
        }
    }

    /// Warns of machines that an unplanned failover cannot start: nothing can be refused when the site is lost.
    fn warn_of_unprotected(
        &mut self,
        lost: &SiteName,
        to: &SiteName,
        network: &NetworkName,
        machines: &BTreeSet<InstanceId>,
    ) {
        let survey = self.survey;
        let Some(prism) = survey.world.prism.get(to) else {
            return;
        };
        for machine in machines {
            let Some(Place::At(_, vm)) = survey.places.get(machine) else {
                continue;
            };
            if !prism.recovery_points.contains_key(vm) {
                self.warnings.push(Warning::of_machine(
                    machine,
                    Message::new("warning-no-recovery-point")
                        .with("label", survey.label(machine))
                        .with("machine", machine)
                        .with("network", network)
                        .with("to", to)
                        .with("lost", lost),
                ));
            }
        }
    }

    /// The remedy for what `protect` makes.
    pub(super) fn protect_first(&self, network: &NetworkName) -> String {
        let networks = self.survey.linked_with(&[network.clone()].into());
        Message::new("remedy-protect-first")
            .with("networks", arguments(networks))
            .into()
    }

    fn recovery_plan_exists(&mut self, site: &SiteName, network: &NetworkName) {
        let name = &recovery_name(self.survey.estate, network);
        let prism = self.survey.world.prism.get(site);
        match prism.map_or(0, |prism| {
            prism
                .recovery_plans
                .values()
                .filter(|plan| plan.name == *name)
                .count()
        }) {
            1 => {}
            0 => self.obstacle(Obstacle::Missing {
                site: site.clone(),
                what: object::recovery_plan(name).into(),
                remedy: self.protect_first(network),
            }),
            count => self.obstacle(Obstacle::NotUnique {
                site: site.clone(),
                what: object::recovery_plan(name).into(),
                count,
            }),
        }
    }

    /// What must stand at the new home before machines come.
    fn targets_exist(&mut self, site: &SiteName, network: &NetworkName, is_left: bool) {
        let survey = self.survey;
        let Some(prism) = survey.world.prism.get(site) else {
            return;
        };
        let subnet = overlay_subnet(survey.estate, prism, site, OverlayKind::Production, network);
        if let (Ok(Some((id, subnet))), Some(definition)) =
            (&subnet, survey.estate.networks.get(network))
        {
            let before = self.obstacles.clone();
            self.compare_subnet(site, OverlayKind::Production, definition, id, subnet);
            // When the old home is lost, a subnet that is not as planned is better than none.
            if is_left {
                let found = std::mem::replace(&mut self.obstacles, before.clone());
                let found = found.difference(&before).map(Obstacle::message);
                self.warnings.extend(found.map(Warning::general));
            }
        }
        let erp = survey
            .estate
            .sites
            .get(site)
            .zip(survey.estate.networks.get(network))
            .is_some_and(|(config, definition)| {
                prism
                    .vpcs
                    .values()
                    .any(|vpc| vpc.name == config.flow_vpc && vpc.erps.contains(&definition.cidr))
            });
        let missing = match subnet {
            Ok(Some(_)) if erp => return,
            Ok(Some(_)) => Message::new("object-prefix-of-network").with("network", network),
            _ => Message::new("object-subnet-of-network").with("network", network),
        };
        self.obstacle(Obstacle::Missing {
            site: site.clone(),
            what: missing.into(),
            remedy: self.protect_first(network),
        });
    }

    /// Machines whose first interface is in the network: each machine belongs to exactly one network this way.
    pub(super) fn first_nic_in(&self, network: &NetworkName) -> BTreeSet<InstanceId> {
        self.survey
            .machines
            .iter()
            .filter(|(_, machine)| {
                machine
                    .nics
                    .first()
                    .is_some_and(|nic| nic.network == *network)
            })
            .map(|(id, _)| id.clone())
            .collect()
    }
}
