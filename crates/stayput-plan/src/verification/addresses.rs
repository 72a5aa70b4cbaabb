//! Addresses that a machine's VM should have and does not, or has and should not.

use stayput_estate::InstanceId;

use super::Wrong;
use crate::survey::Place;
use crate::survey::Survey;

/// What is wrong with the addresses of a machine that is a VM: its NICs, and addresses that its EC2 instance has, and neither its VM nor the
/// record. Empty for a machine in EC2, and for what is not known.
///
/// What EC2 gives to the old instance of a machine that is not at its primary site is not looked at: no move is under way.
pub fn wrong_addresses(survey: &Survey<'_>, id: &InstanceId) -> Vec<Wrong> {
    let Some(Place::At(site, _)) = survey.places.get(id) else {
        return Vec::new();
    };
    if !survey.knows_nics(id, site) {
        return Vec::new();
    }
    let is_at_primary = survey.is_primary_of(site, &survey.networks_of(id));
    let added = is_at_primary.then(|| added(survey, id)).flatten();
    let has = survey.overlay_addresses(id, site);
    let lacks = added.filter(|wrong| match wrong {
        Wrong::AddedInEc2 { addresses, .. } => !addresses.is_subset(&has),
        _ => true,
    });
    nics(survey, id).into_iter().chain(lacks).collect()
}

/// The NICs of the machine's VM are not as captured.
pub(super) fn nics(survey: &Survey<'_>, id: &InstanceId) -> Option<Wrong> {
    let facts = survey.machines.get(id)?;
    let Some(Place::At(site, _)) = survey.places.get(id) else {
        return None;
    };
    survey.vm_at(id, site)?;
    (!survey.nics_are_right(id, site)).then(|| Wrong::WrongAddresses {
        machine: id.clone(),
        label: facts.label(id),
        has: survey.overlay_addresses(id, site),
        wants: facts.addresses().collect(),
    })
}

/// People assigned addresses to the machine's instance in EC2 that its VM does not have.
pub(super) fn added(survey: &Survey<'_>, id: &InstanceId) -> Option<Wrong> {
    let facts = survey.machines.get(id)?;
    let addresses = survey.added_in_ec2(id);
    (!addresses.is_empty()).then(|| Wrong::AddedInEc2 {
        machine: id.clone(),
        label: facts.label(id),
        addresses,
    })
}
