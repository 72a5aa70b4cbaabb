//! What is wrong with machines themselves, whatever the goal wants of them.

use std::collections::BTreeSet;

use stayput_estate::InstanceId;
use stayput_messages::Message;
use stayput_messages::list::commas;

use super::Draft;
use crate::Goal;
use crate::Obstacle;
use crate::Warning;
use crate::survey::Place;

impl Draft<'_> {
    /// What is wrong with machines themselves: an obstacle to whatever routes, a warning to what does not. It is no concern of writing down
    /// who is there.
    pub(super) fn machines_are_fine(&mut self, goal: &Goal) {
        let survey = self.survey;
        if let Goal::CleanUp { site, .. } = goal {
            // That it is there is what this is for.
            let is_old = |obstacle: &Obstacle| matches!(obstacle, Obstacle::RunsTwice { at, .. } if at == site);
            self.obstacles.retain(|obstacle| !is_old(obstacle));
        }
        let warns = |obstacle: &Obstacle| match goal {
            Goal::Capture { .. } => {
                obstacle.whose_identity().is_some()
                    || matches!(
                        obstacle,
                        Obstacle::UnmovableInterface { .. }
                            | Obstacle::SpansNetworks { .. }
                            | Obstacle::CannotRun { .. }
                            | Obstacle::NoIpv4Address { .. }
                            | Obstacle::BeingTerminated { .. }
                            | Obstacle::UnsettledInterface { machine: None, .. }
                    )
            }
            Goal::Protect { .. } | Goal::CleanUp { .. } => {
                matches!(obstacle, Obstacle::SourceRuns { .. })
            }
            // Where nothing is done, nothing stands in the way.
            Goal::Rollback { of, .. } => match &**of {
                Goal::Capture { .. }
                | Goal::Protect { .. }
                | Goal::CleanUp { .. }
                | Goal::Rollback { .. } => true,
                Goal::Move { .. } | Goal::Failover { .. } | Goal::Failback { .. } => false,
            },
            Goal::Move { .. } | Goal::Failover { .. } | Goal::Failback { .. } => false,
        };
        let all = std::mem::take(&mut self.obstacles).into_iter();
        let (told, stopping): (BTreeSet<_>, BTreeSet<_>) = all.partition(warns);
        self.obstacles = stopping;
        for obstacle in told {
            if let Some(machine) = obstacle.whose_identity() {
                let text = Message::new("warning-obstacle")
                    .part("obstacle", obstacle.message())
                    .part("remedy", obstacle.remedy_message());
                self.warnings.push(Warning::of_machine(machine, text));
            }
        }
        if let Goal::Capture { .. } = goal {
            for id in &survey.kept {
                let text = Message::new("warning-facts-kept")
                    .with("label", survey.label(id))
                    .with("machine", id);
                self.warnings.push(Warning::of_machine(id, text));
            }
            return;
        }
        if let Goal::Rollback { .. } = goal {
            return;
        }
        if survey.compares_source {
            for id in &survey.moving {
                let addresses = survey.added_in_ec2(id);
                if !addresses.is_empty() {
                    let text = Message::new("warning-added-in-ec2")
                        .with("label", survey.label(id))
                        .with("machine", id)
                        .with("addresses", commas(&addresses));
                    self.warnings.push(Warning::of_machine(id, text));
                }
            }
        }
        let expected = survey.expected_running();
        let at_a_site = |id: &&InstanceId| matches!(survey.places.get(*id), Some(Place::At(site, _)) if !survey.left.contains(site));
        for id in expected.off.iter().filter(at_a_site) {
            let text = Message::new("warning-off")
                .with("label", survey.label(id))
                .with("machine", id);
            self.warnings.push(Warning::of_machine(id, text));
        }
    }
}
