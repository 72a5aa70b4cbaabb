//! VMs: reading, power, NICs, categories (Prism reference §2.2).

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::PoisonError;

use futures::StreamExt;
use futures::TryStreamExt;
use serde::Serialize;
use stayput_estate::CategoryExtId;
use stayput_estate::MacAddr;
use stayput_estate::NicExtId;
use stayput_estate::SubnetExtId;
use stayput_estate::VmExtId;
use stayput_messages::Message;
use stayput_world::prism::Nic;
use stayput_world::prism::PowerState;
use stayput_world::prism::Vm;

use super::api::Entity;
use super::api::Path;
use super::change::Change;
use super::change::Finished;
use super::change::Next;
use super::version::Minor;
use super::version::Namespace;
use super::wire::Ipv4;
use super::wire::Ref;
use super::wire::vm::WireNic;
use super::wire::vm::WireVm;
use crate::prism::PrismClient;
use crate::prism::error::PrismError;
use crate::prism::request_id::RequestId;
use crate::prism::spec::NicDeletion;
use crate::prism::spec::NicSpec;
use crate::retry::Looks;

/// The first minor whose NICs have `nicBackingInfo` and `nicNetworkInfo` (Prism reference §0).
const NEW_NICS: Minor = Minor(1);

/// VMs asked for side by side.
const VMS_AT_ONCE: usize = 8;

/// A NIC to make, in the shape of the server's minor.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum NewNic<'a> {
    #[serde(rename_all = "camelCase")]
    Old {
        backing_info: NewBacking,
        network_info: NewNetwork<'a>,
    },
    #[serde(rename_all = "camelCase")]
    New {
        nic_backing_info: NewBacking,
        nic_network_info: NewNetwork<'a>,
    },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewBacking {
    #[serde(rename = "$objectType")]
    object_type: &'static str,
    model: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mac_address: Option<MacAddr>,
    is_connected: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewNetwork<'a> {
    #[serde(rename = "$objectType")]
    object_type: &'static str,
    nic_type: &'static str,
    vlan_mode: &'static str,
    subnet: Ref<&'a SubnetExtId>,
    ipv4_config: NewIpv4Config,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewIpv4Config {
    should_assign_ip: bool,
    ip_address: Ipv4,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secondary_ip_address_list: Vec<Ipv4>,
}

fn new_nic(spec: &NicSpec, minor: Minor) -> NewNic<'_> {
    let backing = |object_type| NewBacking {
        object_type,
        model: "VIRTIO",
        mac_address: spec.mac,
        is_connected: true,
    };
    let network = |object_type| NewNetwork {
        object_type,
        nic_type: "NORMAL_NIC",
        vlan_mode: "ACCESS",
        subnet: Ref {
            ext_id: &spec.subnet,
        },
        ipv4_config: NewIpv4Config {
            should_assign_ip: true,
            ip_address: spec.address.into(),
            secondary_ip_address_list: spec.secondary.iter().map(|&one| one.into()).collect(),
        },
    };
    if minor < NEW_NICS {
        NewNic::Old {
            backing_info: backing("vmm.v4.ahv.config.EmulatedNic"),
            network_info: network("vmm.v4.ahv.config.NicNetworkInfo"),
        }
    } else {
        NewNic::New {
            nic_backing_info: backing("vmm.v4.ahv.config.VirtualEthernetNic"),
            nic_network_info: network("vmm.v4.ahv.config.VirtualEthernetNicNetworkInfo"),
        }
    }
}

/// Whether a NIC is as asked for. `shouldAssignIp` and the MAC are not compared (Prism reference §2.3).
fn is_as_specified(nic: &Nic, spec: &NicSpec) -> bool {
    let has: BTreeSet<_> = nic.secondary.iter().collect();
    nic.subnet.as_ref() == Some(&spec.subnet)
        && nic.address == Some(spec.address)
        && spec.secondary.iter().all(|address| has.contains(address))
}

/// The NIC of a VM that is as asked for.
fn nic_like(vm: WireVm, spec: &NicSpec) -> Option<NicExtId> {
    let mut nics = Vm::from(vm).nics.into_iter();
    nics.find(|nic| is_as_specified(nic, spec))
        .map(|nic| nic.id)
}

pub(super) fn vms() -> Path {
    Path::new(Namespace::Vmm, &["ahv", "config", "vms"])
}

fn vm_path(vm: &VmExtId) -> Path {
    vms().join(vm.as_str())
}

impl PrismClient {
    /// One VM as it is now; `None` if Prism Central says that it does not exist.
    ///
    /// # Errors
    /// Those of any read: also when it exists and is not understood, or does not answer. An error never means that the VM is gone.
    pub async fn vm(&self, vm: &VmExtId) -> Result<Option<Vm>, PrismError> {
        let what = Message::new("call-look-at-vm").with("vm", vm);
        let api = self.v4.patient();
        let found = api.find::<WireVm>(&vm_path(vm), &what).await?;
        Ok(found.map(|entity| entity.value.into()))
    }

    /// One VM as it is now; `None` if Prism Central says so at each of these looks.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn find_vm(&self, vm: &VmExtId, looks: Looks) -> Result<Option<Vm>, PrismError> {
        self.v4.look(looks, || self.vm(vm)).await
    }

    /// These VMs as they are now, read side by side; those that Prism Central says do not exist are left out.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn vms_by_ids(
        &self,
        vms: &BTreeSet<VmExtId>,
    ) -> Result<BTreeMap<VmExtId, Vm>, PrismError> {
        let found: Vec<Option<(VmExtId, Vm)>> = futures::stream::iter(vms.iter().cloned())
            .map(|id| async move { Ok::<_, PrismError>(self.vm(&id).await?.map(|vm| (id, vm))) })
            .buffered(VMS_AT_ONCE)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn vm_to_change(
        &self,
        vm: &VmExtId,
        what: &Message,
    ) -> Result<Entity<WireVm>, PrismError> {
        self.v4
            .get(&vm_path(vm), what, &Message::new("thing-vm").with("vm", vm))
            .await
    }

    /// Deletes a VM with its disks; one that does not exist is fine. Waits until it is gone.
    ///
    /// # Errors
    /// Those of any change; [`PrismError::InDoubt`] when it is still there afterwards.
    pub async fn delete_vm(&self, vm: &VmExtId, id: RequestId) -> Result<(), PrismError> {
        let what = Message::new("call-delete-vm").with("vm", vm);
        let path = vm_path(vm);
        self.v4
            .apply(&id, &what, |_| async {
                Ok(match self.v4.find::<WireVm>(&path, &what).await? {
                    Some(found) => Next::Send(Change::delete(path.clone()).etag(found.etag)),
                    None => Next::There(()),
                })
            })
            .await?;
        let gone = || async {
            let found = self.v4.find::<WireVm>(&path, &what).await?;
            Ok(found.is_none().then_some(()))
        };
        match self.v4.look(Looks::Several, gone).await {
            Ok(Some(())) => Ok(()),
            Ok(None) => {
                let name = Message::new("thing-end-of-vm").with("vm", vm);
                Err(self.v4.not_found(&path, &what, &name).await)
            }
            Err(error) => Err(self.v4.not_looked_up(&what, error)),
        }
    }

    /// Removes a NIC, also from a running VM; one that is gone already is fine.
    ///
    /// # Errors
    /// Those of any change.
    pub async fn delete_nic(
        &self,
        vm: &VmExtId,
        nic: &NicExtId,
        id: RequestId,
    ) -> Result<(), PrismError> {
        self.delete_nic_if(vm, nic, id, |_| true).await?;
        Ok(())
    }

    /// Deletes a NIC that `may_go` accepts as it is right before the call; its ETag makes Prism Central refuse the call if it is
    /// changed in between. One that is gone already is fine.
    ///
    /// # Errors
    /// Those of any change.
    pub async fn delete_nic_if(
        &self,
        vm: &VmExtId,
        nic: &NicExtId,
        id: RequestId,
        may_go: impl Fn(&Nic) -> bool,
    ) -> Result<NicDeletion, PrismError> {
        let what = Message::new("call-delete-nic")
            .with("nic", nic)
            .with("vm", vm);
        let path = vm_path(vm).join("nics").join(nic.as_str());
        // The NIC's own ETag; the VM's only where a NIC has none (Prism reference §1.1).
        let finished = self
            .v4
            .apply(&id, &what, |_| async {
                let Some(found) = self.v4.find::<WireNic>(&path, &what).await? else {
                    return Ok(Next::There(NicDeletion::Gone));
                };
                let etag = match found.etag {
                    Some(etag) => Some(etag),
                    None => self.vm_to_change(vm, &what).await?.etag,
                };
                let nic = Nic::from(found.value);
                if !may_go(&nic) {
                    return Ok(Next::There(NicDeletion::Kept(nic)));
                }
                Ok(Next::Send(Change::delete(path.clone()).etag(etag)))
            })
            .await?;
        Ok(match finished {
            Finished::There(there) => there,
            Finished::Task(_) | Finished::AtOnce(_) => NicDeletion::Gone,
        })
    }

    /// The NIC of a VM with this subnet and these addresses, whatever its MAC; `None` if it has none.
    ///
    /// # Errors
    /// Those of any read; [`PrismError::Missing`] when the VM does not exist.
    pub async fn find_nic(
        &self,
        vm: &VmExtId,
        spec: &NicSpec,
        looks: Looks,
    ) -> Result<Option<NicExtId>, PrismError> {
        let what = Message::new("call-find-nic")
            .with("address", spec.address)
            .with("vm", vm);
        self.v4
            .look(looks, || async {
                let found = self.vm_to_change(vm, &what).await?;
                Ok(nic_like(found.value, spec))
            })
            .await
    }

    /// Adds a NIC with a fixed address, also to a running VM. One with that subnet and these addresses is left as it is.
    ///
    /// The MAC of a NIC that is there already is not compared.
    ///
    /// # Errors
    /// [`PrismError::TaskFailed`] when the address is in use or the subnet is not managed (Prism reference §7 items 13–14);
    /// [`PrismError::Missing`] when the VM does not exist; [`PrismError::TaskUndone`] when neither the NIC nor any
    /// other new one is there after its task succeeded; [`PrismError::InDoubt`] when only the first is so.
    pub async fn create_nic(
        &self,
        vm: &VmExtId,
        spec: &NicSpec,
        id: RequestId,
    ) -> Result<NicExtId, PrismError> {
        let what = &Message::new("call-add-nic")
            .with("address", spec.address)
            .with("vm", vm);
        let minor = self.v4.minor(Namespace::Vmm).await?;
        let path = &vm_path(vm).join("nics");
        let body = &new_nic(spec, minor);
        let before = &Mutex::new(BTreeSet::new());
        let finished = self
            .v4
            .apply(&id, what, |looks| async move {
                // Not with the VM of an earlier look: the ETag must be of the look that showed no NIC.
                if looks == Looks::Several
                    && let Some(there) = self.find_nic(vm, spec, looks).await?
                {
                    return Ok(Next::There(there));
                }
                let entity = self.vm_to_change(vm, what).await?;
                let nics = Vm::from(entity.value).nics;
                let ids = nics.iter().map(|nic| nic.id.clone()).collect();
                *before.lock().unwrap_or_else(PoisonError::into_inner) = ids;
                let mut nics = nics.into_iter();
                Ok(match nics.find(|nic| is_as_specified(nic, spec)) {
                    Some(there) => Next::There(there.id),
                    None => Next::Send(Change::post(path.clone()).etag(entity.etag).body(body)),
                })
            })
            .await?;
        let task = match finished {
            Finished::There(there) => return Ok(there),
            Finished::Task(task) => Some(task.ext_id),
            Finished::AtOnce(_) => None,
        };
        // The task often does not name the NIC it made (Prism reference §1.5), so it is looked up.
        match self.find_nic(vm, spec, Looks::Several).await {
            Ok(Some(nic)) => Ok(nic),
            Ok(None) => {
                let name = Message::new("thing-nic").with("address", spec.address);
                let now = match self.vm_to_change(vm, what).await {
                    Ok(now) => Vm::from(now.value).nics,
                    Err(error) => return Err(self.v4.not_looked_up(what, error)),
                };
                // A NIC that is new, or that has the address, may be what the task made, different from what was asked for.
                let before = before
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone();
                let may_be_it = |nic: &Nic| {
                    let has = nic.address.iter().chain(&nic.secondary);
                    !before.contains(&nic.id) || has.into_iter().any(|has| *has == spec.address)
                };
                match task.filter(|_| !now.iter().any(may_be_it)) {
                    // To add it again is safe: an address in use is refused.
                    Some(task) => Err(self.v4.undone(path, what, task, name).await),
                    None => Err(self.v4.not_found(path, what, &name).await),
                }
            }
            Err(error) => Err(self.v4.not_looked_up(what, error)),
        }
    }

    /// Switches a VM on; one that is on is left as it is.
    ///
    /// # Errors
    /// Those of any change.
    pub async fn power_on(&self, vm: &VmExtId, id: RequestId) -> Result<(), PrismError> {
        let what = Message::new("call-power-on").with("vm", vm);
        self.power(vm, what, "power-on", &PowerState::On, id).await
    }

    /// Switches a VM off at once, without asking its guest; one that is off is left as it is.
    ///
    /// # Errors
    /// Those of any change.
    pub async fn power_off(&self, vm: &VmExtId, id: RequestId) -> Result<(), PrismError> {
        let what = Message::new("call-power-off").with("vm", vm);
        self.power(vm, what, "power-off", &PowerState::Off, id)
            .await
    }

    /// Asks the guest to shut down (ACPI); a VM that is off is left as it is. The VM may still be on afterwards: look at it
    /// until it is off.
    ///
    /// # Errors
    /// Those of any change.
    pub async fn shutdown(&self, vm: &VmExtId, id: RequestId) -> Result<(), PrismError> {
        let what = Message::new("call-shut-down").with("vm", vm);
        self.power(vm, what, "shutdown", &PowerState::Off, id).await
    }

    async fn power(
        &self,
        vm: &VmExtId,
        what: Message,
        action: &str,
        wanted: &PowerState,
        id: RequestId,
    ) -> Result<(), PrismError> {
        let path = vm_path(vm).join("$actions").join(action);
        self.v4
            .apply(&id, &what, |_| async {
                let entity = self.vm_to_change(vm, &what).await?;
                let there = Vm::from(entity.value).power == *wanted;
                Ok(Next::send_if(!there, || {
                    Change::post(path.clone()).etag(entity.etag)
                }))
            })
            .await?;
        Ok(())
    }

    /// Gives a VM a category in addition to those it has.
    ///
    /// # Errors
    /// Those of any change.
    pub async fn associate_category(
        &self,
        vm: &VmExtId,
        category: &CategoryExtId,
        id: RequestId,
    ) -> Result<(), PrismError> {
        #[derive(Serialize)]
        struct Categories<'a> {
            categories: [Ref<&'a CategoryExtId>; 1],
        }
        let what = Message::new("call-give-category")
            .with("vm", vm)
            .with("category", category);
        let path = vm_path(vm).join("$actions").join("associate-categories");
        self.v4
            .apply(&id, &what, |_| async {
                let entity = self.vm_to_change(vm, &what).await?;
                let there = Vm::from(entity.value).categories.contains(category);
                let body = Categories {
                    categories: [Ref { ext_id: category }],
                };
                Ok(Next::send_if(!there, || {
                    Change::post(path.clone()).etag(entity.etag).body(&body)
                }))
            })
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(mac: Option<&str>) -> NicSpec {
        NicSpec {
            subnet: "0ccc7c20-4028-4665-81ea-6021ca45c462".into(),
            address: "10.0.1.10".parse().unwrap(),
            secondary: vec!["10.0.1.11".parse().unwrap()],
            mac: mac.map(|mac| mac.parse().unwrap()),
        }
    }

    #[test]
    fn a_nic_is_written_in_the_shape_of_the_servers_minor() {
        let spec = spec(Some("50:6b:8d:aa:bb:cc"));
        let old = serde_json::to_value(new_nic(&spec, Minor(0))).unwrap();
        assert_eq!(old["backingInfo"]["macAddress"], "50:6b:8d:aa:bb:cc");
        assert!(old.get("nicBackingInfo").is_none());
        let new = serde_json::to_value(new_nic(&spec, Minor(1))).unwrap();
        assert_eq!(
            new["nicNetworkInfo"],
            json!({
                "$objectType": "vmm.v4.ahv.config.VirtualEthernetNicNetworkInfo",
                "nicType": "NORMAL_NIC",
                "vlanMode": "ACCESS",
                "subnet": {"extId": "0ccc7c20-4028-4665-81ea-6021ca45c462"},
                "ipv4Config": {
                    "shouldAssignIp": true,
                    "ipAddress": {"value": "10.0.1.10"},
                    "secondaryIpAddressList": [{"value": "10.0.1.11"}],
                },
            })
        );
    }

    #[test]
    fn ahv_chooses_the_mac_unless_one_is_asked_for() {
        let spec = spec(None);
        let new = serde_json::to_value(new_nic(&spec, Minor(3))).unwrap();
        assert!(new["nicBackingInfo"].get("macAddress").is_none());
    }
}
