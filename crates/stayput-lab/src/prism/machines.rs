//! Changes of VMs and their NICs when a task completes.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use crate::prism::effects::Details;
use crate::prism::ipam;
use crate::prism::ipam::AddressRequest;
use crate::prism::ipam::NicSpec;
use crate::prism::model::Failure;
use crate::prism::model::Nic;
use crate::prism::model::Vm;
use crate::prism::protection;
use crate::state::LabState;

/// A VM that Move creates on its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigratedVm {
    /// Name.
    pub name: String,
    /// Whether it is powered on.
    pub on: bool,
    /// vCPUs and memory in bytes.
    pub shape: (u32, u64),
    /// Target subnet of each source NIC, in order.
    pub nics: Vec<String>,
}

/// A change of one VM.
#[derive(Debug, Clone)]
pub enum VmEffect {
    /// Creates it, powered off.
    Create(NewVm),
    /// Changes its own properties.
    Update(NewVm),
    /// Deletes it.
    Delete,
    /// Changes its power state.
    Power(PowerAction),
    /// Attaches categories.
    Associate(BTreeSet<String>),
    /// Detaches categories.
    Disassociate(BTreeSet<String>),
    /// Adds a NIC.
    AddNic(NicSpec),
    /// Changes a NIC.
    ChangeNic(String, NicChange),
    /// Deletes a NIC.
    RemoveNic(String),
}

/// Properties of a VM as sent.
#[derive(Debug, Clone)]
pub struct NewVm {
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// Categories.
    pub categories: BTreeSet<String>,
    /// vCPUs and memory in bytes.
    pub shape: (u32, u64),
    /// NICs; only for the creation of the VM.
    pub nics: Vec<NicSpec>,
}

/// A power action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerAction {
    /// Powers on.
    On,
    /// Powers off, hard or by ACPI.
    Off,
    /// Power-cycles, or restarts the guest.
    Cycle,
    /// An action through the guest tools.
    Guest,
}

/// A change of one NIC.
#[derive(Debug, Clone)]
pub enum NicChange {
    /// Replaces its properties, as a PUT does.
    Put(NicSpec),
    /// Assigns an address.
    Assign(AddressRequest),
    /// Releases its address.
    Release,
    /// Moves it to another subnet.
    Migrate(String, AddressRequest),
}

/// Applies a change of one VM.
///
/// # Errors
/// The reason why it is not possible; nothing has changed then.
pub fn apply(
    lab: &mut LabState,
    pc: usize,
    id: &str,
    effect: VmEffect,
) -> Result<Details, Failure> {
    match effect {
        VmEffect::Create(new) => create(lab, pc, id, &new)?,
        VmEffect::Update(new) => {
            known_categories(lab, pc, &new.categories)?;
            let vm = touch(lab, pc, id)?;
            vm.name = new.name;
            vm.description = new.description;
            vm.categories = new.categories;
            vm.shape = new.shape;
            protection::protect(lab, pc, id);
        }
        VmEffect::Delete => {
            touch(lab, pc, id)?;
            remove(lab, pc, id);
        }
        VmEffect::Power(action) => power(lab, pc, id, action)?,
        VmEffect::Associate(categories) => {
            known_categories(lab, pc, &categories)?;
            touch(lab, pc, id)?.categories.extend(categories);
            protection::protect(lab, pc, id);
        }
        VmEffect::Disassociate(categories) => {
            let vm = touch(lab, pc, id)?;
            vm.categories
                .retain(|category| !categories.contains(category));
        }
        VmEffect::AddNic(spec) => {
            find(lab, pc, id)?;
            let nic = ipam::make_nic(lab, pc, &spec)?;
            touch(lab, pc, id)?.nics.push(nic);
        }
        VmEffect::ChangeNic(nic, change) => change_nic(lab, pc, id, &nic, change)?,
        VmEffect::RemoveNic(nic) => {
            nic_of(lab, pc, id, &nic)?;
            touch(lab, pc, id)?.nics.retain(|other| other.id != nic);
        }
    }
    Ok(Vec::new())
}

/// Creates the VM that Move has copied: NICs on the given subnets, addresses from their pools. Returns its id.
///
/// # Errors
/// A message when a subnet is unknown or its pools are exhausted; nothing has been created then.
pub fn create_migrated_vm(
    lab: &mut LabState,
    pc: usize,
    migrated: MigratedVm,
) -> Result<String, String> {
    if pc >= lab.pcs.len() {
        return Err("the target Prism Central does not exist".to_owned());
    }
    let id = lab.uuid();
    let new = NewVm {
        name: migrated.name,
        description: String::new(),
        categories: BTreeSet::new(),
        shape: migrated.shape,
        nics: migrated
            .nics
            .into_iter()
            .map(|subnet| NicSpec {
                subnet,
                mac: None,
                address: AddressRequest::Any,
                secondary: Vec::new(),
                connected: true,
            })
            .collect(),
    };
    create(lab, pc, &id, &new).map_err(|failure| failure.message)?;
    if let Some(vm) = lab.pcs[pc].vms.get_mut(&id) {
        vm.on = migrated.on;
    }
    Ok(id)
}

fn create(lab: &mut LabState, pc: usize, id: &str, new: &NewVm) -> Result<(), Failure> {
    known_categories(lab, pc, &new.categories)?;
    let vm = Vm {
        name: new.name.clone(),
        description: new.description.clone(),
        on: false,
        categories: new.categories.clone(),
        nics: Vec::new(),
        shape: new.shape,
        created: lab.now(),
        test_of: None,
        version: 1,
    };
    // The VM exists while its NICs are created, so that two of them cannot get the same address.
    lab.pcs[pc].vms.insert(id.to_owned(), vm);
    for spec in &new.nics {
        match ipam::make_nic(lab, pc, spec) {
            Ok(nic) => touch(lab, pc, id)?.nics.push(nic),
            Err(failure) => {
                lab.pcs[pc].vms.remove(id);
                return Err(failure);
            }
        }
    }
    protection::protect(lab, pc, id);
    Ok(())
}

/// Deletes a VM and the records about it.
pub fn remove(lab: &mut LabState, pc: usize, id: &str) -> Option<Vm> {
    let state = &mut lab.pcs[pc];
    state.stale.remove(id);
    if let Some((domain_manager, vm)) = state.origins.get(id).cloned() {
        // A recovered VM that an operator deletes can be recovered again while its original still exists.
        let original_exists = lab
            .pcs
            .iter()
            .any(|other| other.domain_manager == domain_manager && other.stale.contains(&vm));
        if original_exists {
            lab.pcs[pc].origins.remove(id);
        }
    }
    lab.pcs[pc].vms.remove(id)
}

/// Switches a VM on or off without a task, as a person at the console does. Returns whether it was on.
pub fn switch(lab: &mut LabState, pc: usize, id: &str, on: bool) -> bool {
    let was_on = lab.pcs[pc].vms.get(id).is_some_and(|vm| vm.on);
    if was_on != on
        && let Ok(vm) = touch(lab, pc, id)
    {
        vm.on = on;
    }
    was_on
}

fn power(lab: &mut LabState, pc: usize, id: &str, action: PowerAction) -> Result<(), Failure> {
    let vm = find(lab, pc, id)?;
    // A power action on a VM that already has that state fails (inferred).
    let wrong_state = |state: &str| {
        Failure::new(
            "VMM-30102",
            "VM_INVALID_POWER_STATE",
            format!(
                "InvalidVmState: cannot complete the request, VM {} is {state}",
                vm.name
            ),
        )
    };
    let on = match (action, vm.on) {
        (PowerAction::On, true) => return Err(wrong_state("powered on")),
        (PowerAction::Off | PowerAction::Cycle | PowerAction::Guest, false) => {
            return Err(wrong_state("powered off"));
        }
        (PowerAction::Guest, true) => {
            return Err(Failure::new(
                "VMM-30103",
                "VM_NGT_NOT_INSTALLED",
                format!("Nutanix Guest Tools is not installed on VM {}", vm.name),
            ));
        }
        (PowerAction::On, false) | (PowerAction::Cycle, true) => true,
        (PowerAction::Off, true) => false,
    };
    touch(lab, pc, id)?.on = on;
    Ok(())
}

fn change_nic(
    lab: &mut LabState,
    pc: usize,
    id: &str,
    nic_id: &str,
    change: NicChange,
) -> Result<(), Failure> {
    let nic = nic_of(lab, pc, id, nic_id)?;
    let mut changed = nic.clone();
    match change {
        NicChange::Put(spec) => put_nic(lab, pc, &mut changed, &spec)?,
        NicChange::Assign(requested) => {
            changed.address = address_for(lab, pc, &changed, &changed.subnet, requested)?;
        }
        NicChange::Release => changed.address = None,
        NicChange::Migrate(subnet, requested) => {
            changed.address = address_for(lab, pc, &changed, &subnet, requested)?;
            changed.secondary.clear();
            changed.subnet = subnet;
        }
    }
    changed.version += 1;
    if let Some(place) = touch(lab, pc, id)?
        .nics
        .iter_mut()
        .find(|other| other.id == nic_id)
    {
        *place = changed;
    }
    Ok(())
}

/// Applies a PUT. It may change connection and addresses, never MAC or subnet, and must change something (Prism reference §2.3).
fn put_nic(lab: &LabState, pc: usize, nic: &mut Nic, spec: &NicSpec) -> Result<(), Failure> {
    let refused =
        |message: &str| Failure::new("VMM-20107", "VM_NIC_INVALID_UPDATE", message.to_owned());
    if spec.subnet != nic.subnet {
        return Err(refused("The subnet of an existing NIC cannot be changed"));
    }
    if spec.mac.is_some_and(|mac| mac != nic.mac) {
        return Err(refused(
            "The MAC address of an existing NIC cannot be changed",
        ));
    }
    let address = match spec.address {
        // Without a requested address the NIC keeps its address.
        AddressRequest::Any => nic.address,
        AddressRequest::None => None,
        AddressRequest::This(address) => Some(address),
    };
    if address == nic.address && spec.secondary == nic.secondary && spec.connected == nic.connected
    {
        return Err(refused("NicUpdate: invalid input arguments"));
    }
    let state = &lab.pcs[pc];
    let subnet = ipam::subnet(state, &nic.subnet)?;
    let mut taken = ipam::taken(state, &nic.subnet, Some(&nic.id));
    for address in address.iter().chain(&spec.secondary) {
        ipam::check(subnet, &taken, *address)?;
        taken.insert(*address);
    }
    nic.address = address;
    nic.secondary.clone_from(&spec.secondary);
    nic.connected = spec.connected;
    Ok(())
}

fn address_for(
    lab: &LabState,
    pc: usize,
    nic: &Nic,
    subnet_id: &str,
    requested: AddressRequest,
) -> Result<Option<Ipv4Addr>, Failure> {
    let state = &lab.pcs[pc];
    let subnet = ipam::subnet(state, subnet_id)?;
    let mut taken = ipam::taken(state, subnet_id, Some(&nic.id));
    taken.extend(nic.secondary.iter().filter(|_| nic.subnet == subnet_id));
    if requested == AddressRequest::Any && subnet.cidr.is_none() && nic.subnet == subnet_id {
        // `assign-ip` works on managed networks only.
        return ipam::next_free(subnet, &taken).map(Some);
    }
    ipam::resolve(subnet, &taken, requested)
}

fn known_categories(
    lab: &LabState,
    pc: usize,
    categories: &BTreeSet<String>,
) -> Result<(), Failure> {
    match categories
        .iter()
        .find(|category| !lab.pcs[pc].categories.contains_key(*category))
    {
        None => Ok(()),
        Some(unknown) => Err(Failure::new(
            "VMM-30104",
            "VM_CATEGORY_NOT_FOUND",
            format!("Category {unknown} was not found"),
        )),
    }
}

fn gone(id: &str) -> Failure {
    Failure::new(
        "VMM-30100",
        "VM_NOT_FOUND",
        format!("VM {id} was not found"),
    )
}

fn find<'a>(lab: &'a LabState, pc: usize, id: &str) -> Result<&'a Vm, Failure> {
    lab.pcs[pc].vms.get(id).ok_or_else(|| gone(id))
}

fn nic_of<'a>(lab: &'a LabState, pc: usize, id: &str, nic: &str) -> Result<&'a Nic, Failure> {
    find(lab, pc, id)?
        .nics
        .iter()
        .find(|other| other.id == nic)
        .ok_or_else(|| {
            Failure::new(
                "VMM-20100",
                "VM_NIC_NOT_FOUND",
                format!("NIC {nic} was not found"),
            )
        })
}

/// Returns the VM and increases its version, which makes ETags read before stale.
fn touch<'a>(lab: &'a mut LabState, pc: usize, id: &str) -> Result<&'a mut Vm, Failure> {
    let vm = lab.pcs[pc].vms.get_mut(id).ok_or_else(|| gone(id))?;
    vm.version += 1;
    Ok(vm)
}
