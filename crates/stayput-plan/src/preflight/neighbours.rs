//! Who stays in the EC2 VPC and talks to what moves.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_fabric::Source;
use stayput_world::aws::InstanceState;

use super::Look;
use crate::Finding;
use crate::Goal;

impl Look<'_> {
    /// Subnets of the source VPC with running hosts that stay, from which what moves is reached now and is not when it has moved: the
    /// network, or the canaries in it.
    pub(super) fn neighbours(&self, found: &mut BTreeSet<Finding>) {
        let (Goal::Move { .. }, Some(aws)) = (
            self.goal,
            self.survey.world.aws.get(&self.survey.estate.source.region),
        ) else {
            return;
        };
        let vpc = &self.survey.estate.source.vpc;
        let mut staying: BTreeMap<_, usize> = BTreeMap::new();
        for eni in aws.enis.values().filter(|eni| eni.vpc == *vpc) {
            let stays = eni.attached_to.as_ref().is_some_and(|(instance, _)| {
                let known = aws.instances.get(instance);
                let runs = known.is_some_and(|known| known.state == InstanceState::Running);
                runs && !self.survey.moving.contains(instance)
            });
            if stays {
                *staying.entry(&eni.subnet).or_default() += 1;
            }
        }
        for (network, _) in &self.homes {
            let Some(address) = self.representative(network) else {
                continue;
            };
            let mut subnets = BTreeSet::new();
            let mut hosts = 0;
            for (subnet, count) in &staying {
                let source = Source::Ec2Subnet {
                    vpc: vpc.clone(),
                    subnet: (*subnet).clone(),
                };
                if self.now.verdict(&source, address).is_delivered()
                    && !self.end.verdict(&source, address).is_delivered()
                {
                    subnets.insert((*subnet).clone());
                    hosts += count;
                }
            }
            if hosts > 0 {
                let mut canaries = BTreeSet::new();
                if self.survey.are_canaries {
                    let machines = self.survey.machines_in(&network.name);
                    let moving = machines.filter(|(id, _)| self.survey.moving.contains(*id));
                    canaries.extend(moving.map(|(id, machine)| machine.label(id)));
                }
                found.insert(Finding::NeighboursLose {
                    network: network.name.clone(),
                    canaries,
                    subnets,
                    hosts,
                });
            }
        }
    }
}
