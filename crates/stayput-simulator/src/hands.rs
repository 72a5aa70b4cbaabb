//! What people do by hand in the middle of a story.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::AddrRange;
use stayput_estate::Cidr;
use stayput_estate::MacAddr;
use stayput_lab::DeletedVm;
use stayput_lab::Lab;
use stayput_lab::Power;
use stayput_lab::aws::model::InstanceState;
use stayput_lab::aws::model::TgwStatic;
use stayput_lab::faults::Call;
use stayput_lab::faults::CallKind;
use stayput_lab::prism::model::Nic;
use stayput_lab::prism::model::PcState;
use stayput_lab::state::LabState;

use crate::judge::Judge;
use crate::judge::Truth;

/// An act of a person in the middle of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByHand {
    /// Before the call with this number is sent, from 1 over all processes of the story.
    pub at_call: u64,
    /// The machine it is about: its number in the order of instance ids, modulo how many there are.
    pub machine: usize,
    /// What is done.
    pub deed: Deed,
}

/// What a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Starts the instance of a machine, in the EC2 console.
    StartInstance,
    /// Powers the VM of a machine off, in Prism Central.
    PowerOffVm,
    /// Assigns one more address to the first interface of a machine's instance, in the EC2 console.
    AssignAddress,
    /// Deletes the static routes for the networks in every Transit Gateway table.
    DeleteRoutes,
    /// Takes every category from the VM of a machine, in Prism Central.
    TakeCategories,
    /// Deletes the VM of a machine, in Prism Central.
    DeleteVm,
    /// Adds a NIC with a free address to the VM of a machine, in Prism Central.
    AddNic,
    /// Deletes a NIC with captured addresses from the VM of a machine, in Prism Central.
    DeleteNic,
}

impl Deed {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::StartInstance,
        Self::PowerOffVm,
        Self::AssignAddress,
        Self::DeleteRoutes,
        Self::TakeCategories,
        Self::DeleteVm,
        Self::AddNic,
        Self::DeleteNic,
    ];
}

/// What an act changed.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    /// The instance of this machine starts.
    Starts(String),
    /// The VM of this machine is off.
    IsOff(String),
    /// This machine has one more address.
    HasAddress(String, Ipv4Addr),
    /// These static routes are gone: region, table, prefix, target.
    RoutesDeleted(Vec<DeletedRoute>),
    /// The VM of this machine is deleted.
    VmDeleted(String, Deleted),
    /// The NICs of this machine's VM are not as they were.
    NicsChanged(String),
    /// Something else is different.
    Changed,
}

/// A VM that a person deleted, with its site. A person can restore it from a recovery point, a local one too.
#[derive(Debug, Clone)]
pub(crate) struct Deleted {
    pub(crate) site: String,
    pub(crate) id: String,
    vm: DeletedVm,
}

impl Deleted {
    /// Restores it where it was. Returns its new id.
    pub(crate) fn restore(self, state: &mut LabState) -> String {
        state.restore_vm(self.vm)
    }
}

/// A route that a person deleted: region, table, prefix and target.
pub(crate) type DeletedRoute = (String, String, Cidr, TgwStatic);

/// Puts routes back that a person deleted, where none has been written since.
pub(crate) fn put_back(state: &mut LabState, routes: Vec<DeletedRoute>) {
    for (region, table, cidr, target) in routes {
        let region = state.aws.regions.get_mut(&region);
        if let Some(table) = region.and_then(|region| region.tgw_route_tables.get_mut(&table)) {
            table.statics.entry(cidr).or_insert(target);
        }
    }
}

/// Takes the machines' addresses out of the DHCP pools of the overlay subnets at a site.
pub(crate) fn free_pools(state: &mut LabState, truth: &Truth, site: &str) {
    let pc = state.pcs.iter_mut().find(|pc| pc.name == site);
    let subnets = pc.into_iter().flat_map(|pc| pc.subnets.values_mut());
    for subnet in subnets.filter(|subnet| subnet.vpc.is_some()) {
        for address in truth.addresses() {
            let pools = std::mem::take(&mut subnet.pools);
            subnet.pools = pools
                .into_iter()
                .flat_map(|pool| without(pool, address))
                .collect();
        }
        subnet.version += 1;
    }
}

/// Removes the test copies at a site.
pub(crate) fn clean_up_tests(state: &mut LabState, site: &str) {
    if let Some(pc) = state.pcs.iter_mut().find(|pc| pc.name == site) {
        pc.vms.retain(|_, vm| vm.test_of.is_none());
    }
}

/// The parts of a pool before and after an address.
fn without(pool: AddrRange, address: Ipv4Addr) -> Vec<AddrRange> {
    if !pool.contains(address) {
        return vec![pool];
    }
    let at = u32::from(address);
    let before = (u32::from(pool.first), at.checked_sub(1));
    let after = (at.checked_add(1), u32::from(pool.last));
    let range = |first: u32, last: u32| {
        (first <= last).then(|| AddrRange {
            first: first.into(),
            last: last.into(),
        })
    };
    let before = before.1.and_then(|last| range(before.0, last));
    let after = after.0.and_then(|first| range(first, after.1));
    before.into_iter().chain(after).collect()
}

/// How often faults took effect so far.
pub(crate) fn hits(lab: &Lab) -> u64 {
    lab.list_faults().iter().map(|fault| fault.hits).sum()
}

impl ByHand {
    /// Does it. Returns whether there was anything to do.
    pub(crate) fn carry_out(self, lab: &Lab, judge: &Judge) -> bool {
        let truth = judge.truth();
        let ids: Vec<_> = truth.machines.keys().collect();
        let Some(id) = ids.get(self.machine.checked_rem(ids.len()).unwrap_or_default()) else {
            return false;
        };
        let mut done = None;
        let hits = hits(lab);
        lab.with(|state| {
            done = self.deed.carry_out(state, &truth, id);
            if let Some(effect) = &done {
                judge.by_hand(effect, state.now(), hits);
            }
        });
        done.is_some()
    }
}

impl Deed {
    /// Whether a call may be wrong after the deed.
    pub(crate) fn makes_wrong(self, call: &Call) -> bool {
        let is = |service: &str, part: &str| call.service == service && call.name.contains(part);
        call.kind == CallKind::Change
            && match self {
                Self::StartInstance => is("prism", "/nics"),
                Self::PowerOffVm | Self::TakeCategories | Self::DeleteVm => {
                    is("prism", "/recovery-plans/")
                }
                Self::AssignAddress => is("move", "") || is("prism", "/nics"),
                Self::AddNic | Self::DeleteNic => {
                    is("prism", "/nics") || is("prism", "/recovery-plans/") || is("ec2", "Route")
                }
                Self::DeleteRoutes => is("ec2", "Route"),
            }
    }

    fn carry_out(self, state: &mut LabState, truth: &Truth, machine: &str) -> Option<Effect> {
        match self {
            Self::StartInstance => {
                let before = state.set_instance(machine, Power::On).ok()?.1;
                (before == InstanceState::Stopped).then(|| Effect::Starts(machine.to_owned()))
            }
            Self::PowerOffVm => {
                let (site, vm) = running_vm(state, machine)?;
                let (_, before) = state.set_vm_power(&vm, Some(&site), Power::Off).ok()?;
                (before == Power::On).then(|| Effect::IsOff(machine.to_owned()))
            }
            Self::AssignAddress => {
                let (address, eni) = free_address(state, truth, machine)?;
                let mut regions = state.aws.regions.values_mut();
                let eni = regions.find_map(|region| region.enis.get_mut(&eni))?;
                eni.secondary.push(address);
                Some(Effect::HasAddress(machine.to_owned(), address))
            }
            Self::DeleteRoutes => {
                let mut deleted = Vec::new();
                for (name, region) in &mut state.aws.regions {
                    for (id, table) in &mut region.tgw_route_tables {
                        let routes = std::mem::take(&mut table.statics);
                        let (gone, left) = routes
                            .into_iter()
                            .partition(|(cidr, _)| truth.is_in_network(*cidr));
                        table.statics = left;
                        let gone: BTreeMap<_, _> = gone;
                        deleted.extend(
                            gone.into_iter()
                                .map(|(cidr, to)| (name.clone(), id.clone(), cidr, to)),
                        );
                    }
                }
                (!deleted.is_empty()).then_some(Effect::RoutesDeleted(deleted))
            }
            Self::DeleteVm => {
                let (site, id) = running_vm(state, machine)?;
                let vm = state.delete_vm(&id, &site)?;
                let deleted = Deleted { site, id, vm };
                Some(Effect::VmDeleted(machine.to_owned(), deleted))
            }
            Self::AddNic => {
                let (pc, vm, at) = own_nic(state, truth, machine)?;
                let pc = state.pcs.get_mut(pc)?;
                let own = pc.vms.get(&vm)?.nics.get(at)?.clone();
                let address = free_overlay_address(pc, truth, own.address?)?;
                let vm = pc.vms.get_mut(&vm)?;
                let id = by_hand_id(&own.id);
                if vm.nics.iter().any(|nic| nic.id == id) {
                    return None;
                }
                vm.nics.push(Nic {
                    id,
                    mac: MacAddr::new([0x50, 0x6b, 0x8d, 0xfa, 0xce, address.octets()[3]]),
                    address: Some(address),
                    secondary: Vec::new(),
                    ..own
                });
                vm.version += 1;
                Some(Effect::NicsChanged(machine.to_owned()))
            }
            Self::DeleteNic => {
                let (pc, vm, at) = own_nic(state, truth, machine)?;
                let vm = state.pcs.get_mut(pc)?.vms.get_mut(&vm)?;
                vm.nics.remove(at);
                vm.version += 1;
                Some(Effect::NicsChanged(machine.to_owned()))
            }
            Self::TakeCategories => {
                let (site, vm) = running_vm(state, machine)?;
                let pc = state.pcs.iter_mut().find(|pc| pc.name == site)?;
                let vm = pc.vms.get_mut(&vm)?;
                let had = !std::mem::take(&mut vm.categories).is_empty();
                vm.version += 1;
                had.then_some(Effect::Changed)
            }
        }
    }
}

/// The site and the id of the VM that is on and is this machine.
fn running_vm(state: &LabState, machine: &str) -> Option<(String, String)> {
    let sites = state.pcs.iter().enumerate();
    let mut vms = sites.flat_map(|(index, pc)| pc.vms.iter().map(move |(id, vm)| (index, id, vm)));
    let (index, id, _) = vms.find(|(index, id, vm)| {
        vm.on
            && vm.test_of.is_none()
            && Truth::instance_of(state, *index, id).as_deref() == Some(machine)
    })?;
    Some((state.pcs.get(index)?.name.clone(), id.clone()))
}

/// An address that is free in the network of a running instance's first interface, with the interface.
fn free_address(state: &LabState, truth: &Truth, machine: &str) -> Option<(Ipv4Addr, String)> {
    let regions = &state.aws.regions;
    let (region, instance) = regions.values().find_map(|region| {
        let instance = region.instances.get(machine)?;
        Some((region, instance))
    })?;
    // The old instance of a machine that has left is none of it.
    if instance.state != InstanceState::Running || running_vm(state, machine).is_some() {
        return None;
    }
    let eni = instance.enis.get(&0)?;
    let primary = region.enis.get(eni)?.primary;
    let network = truth.network_of(primary)?;
    let all = region.enis.values();
    let used: BTreeSet<Ipv4Addr> = all
        .flat_map(|eni| std::iter::once(eni.primary).chain(eni.secondary.iter().copied()))
        .chain(truth.addresses())
        .collect();
    // From the end: the DHCP pools of the overlay subnets begin elsewhere.
    let first = u32::from(network.network());
    let last = u32::from(network.broadcast());
    let free = (first + 16..last).rev().map(Ipv4Addr::from);
    let address = free.into_iter().find(|address| !used.contains(address))?;
    Some((address, eni.clone()))
}

/// A NIC with captured addresses of a machine's running VM: the number of its Prism Central, the VM, and the NIC's place.
fn own_nic(state: &LabState, truth: &Truth, machine: &str) -> Option<(usize, String, usize)> {
    let (site, id) = running_vm(state, machine)?;
    let at = state.pcs.iter().position(|pc| pc.name == site)?;
    let captured = &truth.machines.get(machine)?.addresses;
    let mut nics = state.pcs.get(at)?.vms.get(&id)?.nics.iter();
    let nic = nics.position(|nic| {
        nic.address
            .is_some_and(|address| captured.contains(&address))
    })?;
    Some((at, id, nic))
}

/// A free address of the network, from its beginning: the DHCP pools of the overlay subnets begin later.
fn free_overlay_address(pc: &PcState, truth: &Truth, own: Ipv4Addr) -> Option<Ipv4Addr> {
    let network = truth.network_of(own)?;
    let nics = pc.vms.values().flat_map(|vm| &vm.nics);
    let used: BTreeSet<Ipv4Addr> = nics
        .flat_map(|nic| nic.address.into_iter().chain(nic.secondary.iter().copied()))
        .chain(truth.addresses())
        .collect();
    let first = u32::from(network.network());
    let mut free = (first + 4..first + 100).map(Ipv4Addr::from);
    free.find(|address| !used.contains(address))
}

/// The id of a NIC that a person adds: that of another NIC, with its end changed.
fn by_hand_id(own: &str) -> String {
    let kept = own.len().saturating_sub(4);
    format!("{}face", own.get(..kept).unwrap_or_default())
}

/// Deletes a NIC of a VM at a site.
pub(crate) fn delete_nic(state: &mut LabState, site: &str, nic: &str) {
    let pc = state.pcs.iter_mut().find(|pc| pc.name == site);
    for vm in pc.into_iter().flat_map(|pc| pc.vms.values_mut()) {
        let had = vm.nics.len();
        vm.nics.retain(|one| one.id != nic);
        vm.version += u64::from(vm.nics.len() < had);
    }
}
