//! Who had which address before anything was done, and who has it now, by the lab's own state.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use stayput_estate::Cidr;
use stayput_lab::aws::model::Instance;
use stayput_lab::aws::model::InstanceState;
use stayput_lab::aws::model::RegionState;
use stayput_lab::prism::model::Vm;
use stayput_lab::state::LabState;
use stayput_lab::walk::Origin;
use stayput_messages::Message;

use super::Promise;

/// A machine of the networks, as it was in EC2 in the beginning.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) name: String,
    pub(crate) addresses: BTreeSet<Ipv4Addr>,
    pub(crate) ran: bool,
    /// Whether a person powered it off, or started it though it was off: it may then be off or on.
    pub(crate) power_open: bool,
}

/// What was true in the beginning, and what people changed since.
#[derive(Debug, Clone)]
pub(crate) struct Truth {
    pub(crate) machines: BTreeMap<String, Machine>,
    owner: BTreeMap<Ipv4Addr, String>,
    networks: Vec<Cidr>,
    others: Arc<Others>,
}

/// What is none of the tool's business.
#[derive(Debug, PartialEq, Eq)]
struct Others {
    /// Instances with their state and interfaces.
    instances: BTreeMap<String, (InstanceState, Vec<String>)>,
    /// VMs with their power state and addresses, by site and id.
    vms: BTreeMap<(String, String), (bool, Vec<Ipv4Addr>)>,
    /// Static routes of Transit Gateway tables that do not overlap the networks.
    routes: BTreeSet<(String, String, Cidr, String)>,
}

/// Who answers for an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A running instance, by its subnet.
    Instance {
        id: String,
        region: String,
        subnet: String,
    },
    /// A VM that is on, in a production VPC.
    Vm { pc: usize, id: String },
}

impl Holder {
    /// As the lab's walk calls it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Instance { id, .. } | Self::Vm { id, .. } => id,
        }
    }

    pub(crate) fn origin(&self) -> Origin {
        match self {
            Self::Instance { region, subnet, .. } => Origin::Subnet {
                region: region.clone(),
                subnet: subnet.clone(),
            },
            Self::Vm { pc, id } => Origin::Vm {
                pc: *pc,
                vm: id.clone(),
            },
        }
    }
}

fn addresses_of(region: &RegionState, instance: &Instance) -> BTreeSet<Ipv4Addr> {
    let enis = instance
        .enis
        .values()
        .filter_map(|eni| region.enis.get(eni));
    enis.flat_map(|eni| std::iter::once(eni.primary).chain(eni.secondary.iter().copied()))
        .collect()
}

/// Addresses of a VM's NICs.
pub(crate) fn addresses_of_vm(vm: &Vm) -> BTreeSet<Ipv4Addr> {
    let nics = vm.nics.iter();
    nics.flat_map(|nic| nic.address.iter().chain(&nic.secondary).copied())
        .collect()
}

impl Truth {
    pub(crate) fn of(lab: &LabState, networks: &[Cidr]) -> Self {
        let mut machines = BTreeMap::new();
        for region in lab.aws.regions.values() {
            for (id, instance) in &region.instances {
                let addresses = addresses_of(region, instance);
                let inside =
                    |address: &Ipv4Addr| networks.iter().any(|cidr| cidr.contains(*address));
                if addresses.iter().any(inside) {
                    let machine = Machine {
                        name: instance.tags.get("Name").cloned().unwrap_or_default(),
                        ran: instance.state == InstanceState::Running,
                        power_open: false,
                        addresses,
                    };
                    machines.insert(id.clone(), machine);
                }
            }
        }
        let owner = machines
            .iter()
            .flat_map(|(id, machine)| {
                machine
                    .addresses
                    .iter()
                    .map(|address| (*address, id.clone()))
            })
            .collect();
        let others = Arc::new(Others::of(lab, &machines, None, networks));
        Self {
            machines,
            owner,
            networks: networks.to_vec(),
            others,
        }
    }

    pub(crate) fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.owner.keys().copied()
    }

    /// The machine that has a captured address.
    pub(crate) fn owner(&self, address: Ipv4Addr) -> Option<&String> {
        self.owner.get(&address)
    }

    /// The network that an address is in.
    pub(crate) fn network_of(&self, address: Ipv4Addr) -> Option<Cidr> {
        self.networks
            .iter()
            .find(|network| network.contains(address))
            .copied()
    }

    /// Whether a prefix is one of the networks or in one.
    pub(crate) fn is_in_network(&self, cidr: Cidr) -> bool {
        let mut networks = self.networks.iter();
        networks.any(|network| network.overlaps(cidr) && network.len() <= cidr.len())
    }

    /// A machine has one more address.
    pub(crate) fn add_address(&mut self, machine: &str, address: Ipv4Addr) {
        if let Some(known) = self.machines.get_mut(machine) {
            known.addresses.insert(address);
            self.owner.insert(address, machine.to_owned());
        }
    }

    /// Captured addresses of machines that ran in the beginning and were not powered off by a person.
    pub(crate) fn addresses_that_ran(&self) -> impl Iterator<Item = Ipv4Addr> {
        let ran = self
            .machines
            .values()
            .filter(|machine| machine.ran && !machine.power_open);
        ran.flat_map(|machine| machine.addresses.iter().copied())
    }

    /// Who answers for each captured address, in production, in regions and at sites that are up.
    pub(crate) fn holders(&self, lab: &LabState) -> BTreeMap<Ipv4Addr, Vec<Holder>> {
        let mut holders: BTreeMap<Ipv4Addr, Vec<Holder>> = BTreeMap::new();
        let up = |region: &str| !lab.aws.down_regions.contains(region);
        for (name, region) in lab.aws.regions.iter().filter(|(name, _)| up(name)) {
            for eni in region.enis.values() {
                let Some((id, _)) = &eni.instance else {
                    continue;
                };
                let instance = region.instances.get(id);
                if instance.is_none_or(|instance| instance.state != InstanceState::Running) {
                    continue;
                }
                for address in std::iter::once(&eni.primary).chain(&eni.secondary) {
                    if self.owner.contains_key(address) {
                        holders.entry(*address).or_default().push(Holder::Instance {
                            id: id.clone(),
                            region: name.clone(),
                            subnet: eni.subnet.clone(),
                        });
                    }
                }
            }
        }
        for (pc, site) in lab.pcs.iter().enumerate() {
            if site.down || !up(&site.aws.0) {
                continue;
            }
            for (id, vm) in &site.vms {
                if !vm.on || vm.test_of.is_some() {
                    continue;
                }
                for address in addresses_of_vm(vm) {
                    if self.owner.contains_key(&address) {
                        let holder = Holder::Vm { pc, id: id.clone() };
                        holders.entry(address).or_default().push(holder);
                    }
                }
            }
        }
        holders
    }

    /// The machine that a VM is: Move made it from an instance, or it was recovered from such a VM.
    pub(crate) fn instance_of(lab: &LabState, pc: usize, vm: &str) -> Option<String> {
        let (mut pc, mut vm) = (pc, vm.to_owned());
        for _ in 0..32 {
            let moves = lab.moves.iter().filter(|mv| mv.pc == pc);
            let mut made = moves
                .flat_map(|mv| mv.plans.values())
                .flat_map(|plan| plan.vms.values());
            if let Some(made) = made.find(|made| made.vm.as_ref() == Some(&vm)) {
                return Some(made.instance.clone());
            }
            let (manager, origin) = lab.pcs.get(pc)?.origins.get(&vm)?.clone();
            pc = lab
                .pcs
                .iter()
                .position(|site| site.domain_manager == manager)?;
            vm = origin;
        }
        None
    }

    /// Whether the right machine answers.
    pub(crate) fn is_owner(&self, lab: &LabState, address: Ipv4Addr, holder: &Holder) -> bool {
        let Some(owner) = self.owner.get(&address) else {
            return true;
        };
        match holder {
            Holder::Instance { id, .. } => id == owner,
            Holder::Vm { pc, id } => Self::instance_of(lab, *pc, id).as_ref() == Some(owner),
        }
    }

    pub(crate) fn others_harmed(&self, lab: &LabState) -> Vec<(Promise, String)> {
        let now = Others::of(lab, &self.machines, Some(&*self.others), &self.networks);
        let mut harmed = Vec::new();
        for (id, was) in &self.others.instances {
            if now.instances.get(id) != Some(was) {
                harmed.push(
                    Message::new("broken-instance-changed")
                        .with("instance", id)
                        .with("was", format_args!("{was:?}"))
                        .with("is", format_args!("{:?}", now.instances.get(id))),
                );
            }
        }
        for (id, was) in &self.others.vms {
            if now.vms.get(id) != Some(was) {
                harmed.push(
                    Message::new("broken-vm-changed")
                        .with("vm", format_args!("{id:?}"))
                        .with("was", format_args!("{was:?}"))
                        .with("is", format_args!("{:?}", now.vms.get(id))),
                );
            }
        }
        for route in self.others.routes.difference(&now.routes) {
            harmed.push(Message::new("broken-route-gone").with("route", format_args!("{route:?}")));
        }
        for route in now.routes.difference(&self.others.routes) {
            harmed.push(Message::new("broken-route-new").with("route", format_args!("{route:?}")));
        }
        harmed
            .into_iter()
            .map(|what| (Promise::HarmsNoOther, what.into()))
            .collect()
    }
}

impl Others {
    /// Those of the lab; of VMs only `known` ones, as others are made later by the tool.
    fn of(
        lab: &LabState,
        machines: &BTreeMap<String, Machine>,
        known: Option<&Self>,
        networks: &[Cidr],
    ) -> Self {
        let mut instances = BTreeMap::new();
        let mut routes = BTreeSet::new();
        for (name, region) in &lab.aws.regions {
            for (id, instance) in &region.instances {
                if !machines.contains_key(id) {
                    let enis = instance.enis.values().cloned().collect();
                    instances.insert(id.clone(), (instance.state, enis));
                }
            }
            for (table, found) in &region.tgw_route_tables {
                for (cidr, route) in &found.statics {
                    if !networks
                        .iter()
                        .any(|network| network.overlaps(*cidr) && network.len() <= cidr.len())
                    {
                        let route = (name.clone(), table.clone(), *cidr, format!("{route:?}"));
                        routes.insert(route);
                    }
                }
            }
        }
        let mut vms = BTreeMap::new();
        for site in &lab.pcs {
            for (id, vm) in &site.vms {
                let key = (site.name.clone(), id.clone());
                if known.is_none_or(|known| known.vms.contains_key(&key)) {
                    vms.insert(key, (vm.on, addresses_of_vm(vm).into_iter().collect()));
                }
            }
        }
        Self {
            instances,
            vms,
            routes,
        }
    }
}

/// An object of which there may be one at a site.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Made<'l> {
    /// With its name and the Flow VPC that it is in.
    Subnet(&'l str, &'l Option<String>),
    FlowVpc(&'l str),
    Policy(&'l str),
    Plan(&'l str),
    /// By its key and value.
    Category(&'l (String, String)),
    /// A running VM, by the instance that it was.
    Vm(String),
}
impl Made<'_> {
    fn message(&self) -> Message {
        match self {
            Self::Subnet(name, vpc) => Message::new("made-subnet")
                .with("name", name)
                .with("vpc", format_args!("{vpc:?}")),
            Self::FlowVpc(name) => Message::new("made-flow-vpc").with("name", name),
            Self::Policy(name) => Message::new("made-policy").with("name", name),
            Self::Plan(name) => Message::new("made-plan").with("name", name),
            Self::Category(category) => {
                Message::new("made-category").with("name", format_args!("{category:?}"))
            }
            Self::Vm(instance) => Message::new("made-vm").with("instance", instance),
        }
    }
}

/// Objects of which there are two where one was to be made.
pub(crate) fn made_twice(lab: &LabState) -> Vec<(Promise, String)> {
    let mut twice = Vec::new();
    for (index, site) in lab.pcs.iter().enumerate() {
        let mut counts = BTreeMap::<Made<'_>, usize>::new();
        let mut count = |what| *counts.entry(what).or_default() += 1;
        for subnet in site.subnets.values().filter(|subnet| subnet.vpc.is_some()) {
            count(Made::Subnet(&subnet.name, &subnet.vpc));
        }
        for vpc in site.vpcs.values() {
            count(Made::FlowVpc(&vpc.name));
        }
        for policy in site.policies.values() {
            count(Made::Policy(&policy.name));
        }
        for plan in site.plans.values() {
            count(Made::Plan(&plan.name));
        }
        for category in site.categories.values() {
            count(Made::Category(category));
        }
        for (id, vm) in site.vms.iter().filter(|(_, vm)| vm.test_of.is_none()) {
            if let Some(instance) = Truth::instance_of(lab, index, id).filter(|_| vm.on) {
                count(Made::Vm(instance));
            }
        }
        let several = counts.into_iter().filter(|(_, count)| *count > 1);
        twice.extend(several.map(|(what, count)| {
            let what = Message::new("broken-made-twice")
                .with("count", count)
                .with("site", &site.name)
                .part("what", what.message());
            (Promise::MakesOnce, what.into())
        }));
    }
    twice
}
