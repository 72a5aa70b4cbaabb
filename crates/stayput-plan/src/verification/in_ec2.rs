//! Machines that a rollback has brought back to EC2.

use std::collections::BTreeSet;

use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_fabric::Fabric;
use stayput_world::MachineFacts;
use stayput_world::aws::InstanceState;

use super::Verification;
use super::Wrong;
use super::reach;
use crate::survey::Place;
use crate::survey::Power;
use crate::survey::Survey;

/// Sites where machines were before they returned to EC2.
pub(super) fn former_sites(survey: &Survey<'_>) -> BTreeSet<SiteName> {
    let former = survey.former.values().flatten();
    former.map(|(site, _)| site.clone()).collect()
}

/// Checks a machine: it is in EC2, runs there if it ran, with its addresses, and is reached. That no VM it was runs is checked by its place.
pub(super) fn machine(
    survey: &Survey<'_>,
    fabric: &Fabric,
    id: &InstanceId,
    facts: &MachineFacts,
    found: &mut Verification,
) {
    let label = || facts.label(id);
    let must_run = facts.was_running;
    found.expected += usize::from(must_run);
    if must_run {
        found.addresses += facts.addresses().count();
    }
    if let Some(Place::At(at, _)) = survey.places.get(id) {
        found.wrong.push(Wrong::Elsewhere {
            machine: id.clone(),
            label: label(),
            at: at.clone(),
        });
        return;
    }
    let runs = survey.power_in_ec2(id) == Power::On;
    found.found += usize::from(must_run && runs);
    if must_run && !runs {
        found.wrong.push(Wrong::NotRunning {
            machine: id.clone(),
            label: label(),
            power: state(survey, id),
        });
    }
    let (has, wants) = (survey.addresses_in_ec2(id), facts.addresses().collect());
    if has != wants {
        found.wrong.push(Wrong::WrongAddresses {
            machine: id.clone(),
            label: label(),
            has,
            wants,
        });
    }
    if runs {
        let source = &survey.estate.source.name;
        reach(survey, fabric, source, id, facts, found);
    }
}

/// The state of the machine's instance; `None` if it is not listed.
fn state(survey: &Survey<'_>, id: &InstanceId) -> Option<String> {
    let region = survey.world.aws.get(&survey.estate.source.region)?;
    Some(match &region.instances.get(id)?.state {
        InstanceState::Pending => "pending".to_owned(),
        InstanceState::Running => "running".to_owned(),
        InstanceState::Stopping => "stopping".to_owned(),
        InstanceState::Stopped => "stopped".to_owned(),
        InstanceState::ShuttingDown => "shutting-down".to_owned(),
        InstanceState::Terminated => "terminated".to_owned(),
        InstanceState::Unknown(state) => state.clone(),
    })
}
