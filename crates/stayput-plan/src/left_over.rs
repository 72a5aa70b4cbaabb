//! Whether what is left of a plan is what was approved. (Replaced by `difference.rs`.)

use std::collections::BTreeSet;

use crate::Action;
use crate::Plan;

impl Action {
    /// Whether this does nothing that `approved` does not do: the same, or the same for fewer machines.
    pub fn is_part_of(&self, approved: &Self) -> bool {
        if self == approved {
            return true;
        }
        if let (
            Self::RestoreNics {
                site,
                machine,
                nics,
            },
            Self::RestoreNics {
                site: site_then,
                machine: machine_then,
                nics: nics_then,
            },
        ) = (self, approved)
        {
            let is_same = site == site_then && machine == machine_then;
            return is_same && nics.is_within(nics_then);
        }
        let (mut own, mut other) = (self.clone(), approved.clone());
        let fewer = {
            let (own, other) = (sets(&mut own), sets(&mut other));
            own.is_subset(&other)
        };
        fewer && own == other
    }
}

/// Takes the sets that may shrink out of an action.
fn sets(action: &mut Action) -> BTreeSet<String> {
    let mut taken = BTreeSet::new();
    match action {
        Action::Replicate { machines, .. }
        | Action::Categorize { machines, .. }
        | Action::AwaitRecoveryPoints { machines, .. }
        | Action::RunRecovery { machines, .. } => {
            taken.extend(
                std::mem::take(machines)
                    .into_iter()
                    .map(|id| id.to_string()),
            );
        }
        Action::Verify { networks, .. } => {
            taken.extend(
                std::mem::take(networks)
                    .into_iter()
                    .map(|id| id.to_string()),
            );
        }
        Action::Capture { machines } => {
            taken.extend(
                std::mem::take(machines)
                    .into_iter()
                    .map(|(id, facts)| format!("{id}{facts:?}")),
            );
        }
        _ => {}
    }
    taken
}

/// In which way `now` is not what is left of `approved`, one line each.
pub fn left_over(approved: &Plan, now: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for step in &now.steps {
        match approved.steps.iter().find(|one| one.id == step.id) {
            None => lines.push(format!("new: {}", step.action.describe(&now.names))),
            Some(one) if !step.action.is_part_of(&one.action) => lines.push(format!(
                "was: {}; is: {}",
                one.action.describe(&approved.names),
                step.action.describe(&now.names)
            )),
            Some(_) => {}
        }
    }
    lines
}
