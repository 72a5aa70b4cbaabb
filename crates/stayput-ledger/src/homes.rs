//! Which VM each machine is, from the records in the order of writing.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_world::Facts;

/// A VM and its site.
type Known = (SiteName, VmExtId);

/// Reads records into facts. Facts have one VM of each site only; of a machine that returns to EC2 every VM on record must be known.
#[derive(Default)]
pub struct Homes {
    ever: BTreeMap<InstanceId, BTreeSet<Known>>,
}

impl Homes {
    /// A machine became a VM.
    pub fn became(&mut self, facts: &mut Facts, machine: InstanceId, known: Known) {
        let ever = self.ever.entry(machine.clone()).or_default();
        ever.insert(known.clone());
        let (site, vm) = known;
        facts.became(machine, site, vm);
    }

    /// A machine returned to EC2.
    pub fn returned(&self, facts: &mut Facts, machine: &InstanceId, was: BTreeSet<Known>) {
        let ever = self.ever.get(machine).into_iter().flatten().cloned();
        facts.returned(machine, was.into_iter().chain(ever));
    }
}
