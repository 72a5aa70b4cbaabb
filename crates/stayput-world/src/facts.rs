//! Facts: what cannot be observed again after machines have moved. Stored in the ledger.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::EniId;
use stayput_estate::InstanceId;
use stayput_estate::MacAddr;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_estate::SubnetId;
use stayput_estate::VmExtId;

/// All captured facts, by EC2 instance id; never by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Identity and addresses of each machine.
    pub machines: BTreeMap<InstanceId, Arc<MachineFacts>>,
    /// The VM of each machine, by site.
    pub vms: BTreeMap<InstanceId, BTreeMap<SiteName, VmExtId>>,
    /// The site at which each machine became a VM last. Absent in worlds saved by earlier builds.
    #[serde(default)]
    pub newest: BTreeMap<InstanceId, SiteName>,
    /// Machines that were struck off by a person: nothing above is about them, whatever is still listed of them. Absent in worlds saved by
    /// earlier builds.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub retired: BTreeSet<InstanceId>,
    /// VMs that a machine was before it was brought back to EC2, with their sites: it is none of them now. A machine that is here and not in
    /// `vms` is its EC2 instance again. Absent in worlds saved by earlier builds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub was: BTreeMap<InstanceId, BTreeSet<(SiteName, VmExtId)>>,
    /// VMs that a machine was at a site until it became another one there, which only `adopt` does: failovers change the site. Absent in
    /// worlds saved by earlier builds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub replaced: BTreeMap<InstanceId, BTreeSet<(SiteName, VmExtId)>>,
}

impl Facts {
    /// Records that a machine has become this VM at a site, later than everything recorded before.
    pub fn became(&mut self, machine: InstanceId, site: SiteName, vm: VmExtId) {
        if let Some(was) = self.was.get_mut(&machine) {
            was.remove(&(site.clone(), vm.clone()));
        }
        let was_here = self.newest.insert(machine.clone(), site.clone()) == Some(site.clone());
        let vms = self.vms.entry(machine.clone()).or_default();
        let before = vms.insert(site.clone(), vm.clone());
        if let Some(replaced) = self.replaced.get_mut(&machine) {
            replaced.remove(&(site.clone(), vm.clone()));
        }
        if let Some(before) = before.filter(|before| was_here && *before != vm) {
            let replaced = self.replaced.entry(machine).or_default();
            replaced.insert((site, before));
        }
    }

    /// Records that a machine is its EC2 instance again, later than everything recorded before: it is none of the VMs recorded so far, and
    /// none of these.
    pub fn returned(
        &mut self,
        machine: &InstanceId,
        was: impl IntoIterator<Item = (SiteName, VmExtId)>,
    ) {
        self.newest.remove(machine);
        let recorded = self.vms.remove(machine).unwrap_or_default();
        let all = self.was.entry(machine.clone()).or_default();
        all.extend(recorded);
        all.extend(was);
    }

    /// Whether a machine was a VM and is its EC2 instance again.
    pub fn has_returned(&self, machine: &InstanceId) -> bool {
        self.was.contains_key(machine) && !self.vms.contains_key(machine)
    }
}

/// One machine as captured in EC2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineFacts {
    /// `Name` tag, if there is one that is not blank. For people; never a key.
    pub name: Option<String>,
    /// `PlatformDetails`.
    pub platform: String,
    /// Instance type.
    pub instance_type: String,
    /// Whether it ran when captured. A machine captured stopped stays powered off.
    pub was_running: bool,
    /// Interfaces by device index.
    pub nics: Vec<NicFacts>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

impl MachineFacts {
    /// Name for people: the `Name` tag or the instance id. A blank name in facts captured by earlier builds counts as none.
    pub fn label(&self, id: &InstanceId) -> String {
        match &self.name {
            Some(name) if !name.trim().is_empty() => name.clone(),
            Some(_) | None => id.to_string(),
        }
    }

    /// Returns every address of the machine: by NIC, primary first.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.nics
            .iter()
            .flat_map(|nic| std::iter::once(nic.primary).chain(nic.secondary.iter().copied()))
    }
}

/// One interface as captured in EC2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NicFacts {
    /// Device index on the instance, 0 is the primary interface.
    pub device_index: u32,
    /// The EC2 interface.
    pub eni: EniId,
    /// Its MAC address in EC2; a VM gets another one.
    pub mac: MacAddr,
    /// Its EC2 subnet.
    pub subnet: SubnetId,
    /// The network it belongs to.
    pub network: NetworkName,
    /// Primary address.
    pub primary: Ipv4Addr,
    /// Secondary addresses.
    pub secondary: Vec<Ipv4Addr>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_vm_at_the_same_site_replaces_a_vm() {
        let mut facts = Facts::default();
        let machine = InstanceId::new("i-1");
        for (site, vm) in [
            ("tokyo", "a"),
            ("osaka", "b"),
            ("tokyo", "c"),
            ("tokyo", "c"),
        ] {
            facts.became(machine.clone(), site.into(), vm.into());
        }
        assert_eq!(facts.replaced, BTreeMap::new());
        facts.became(machine.clone(), "tokyo".into(), "d".into());
        let replaced = BTreeSet::from([("tokyo".into(), "c".into())]);
        assert_eq!(facts.replaced[&machine], replaced);
    }

    #[test]
    fn a_machine_whose_name_is_blank_is_called_by_its_id() {
        let called = |name: Option<&str>| {
            let facts = MachineFacts {
                name: name.map(str::to_owned),
                platform: String::new(),
                instance_type: String::new(),
                was_running: true,
                nics: Vec::new(),
                tags: BTreeMap::new(),
            };
            facts.label(&InstanceId::new("i-1"))
        };
        assert_eq!(called(Some("web")), "web");
        assert_eq!(called(Some(" \t")), "i-1");
        assert_eq!(called(Some("")), "i-1");
        assert_eq!(called(None), "i-1");
    }
}

/// What a script printed inside a machine's guest, and which script that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestCapture {
    /// Name of the Systems Manager document that ran.
    pub document: String,
    /// Its version, pinned when it was sent.
    pub version: String,
    /// SHA-256 of the document's content, pinned when it was sent; in hexadecimal digits.
    pub hash: String,
    /// The script's standard output as it was received: at most 24,000 characters (AWS reference §5).
    pub output: String,
}
