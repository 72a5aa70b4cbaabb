//! Where everything is now: which machines the goal is about, who they have become, what stands at the sites.

mod facts;
mod identity;
mod power;
mod remains;
mod returning;
mod sight;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::OnceLock;

use stayput_estate::Cidr;
use stayput_estate::EdgeName;
use stayput_estate::Estate;
use stayput_estate::FlowVpcExtId;
use stayput_estate::InstanceId;
use stayput_estate::MoveVmId;
use stayput_estate::Network;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_estate::SubnetExtId;
use stayput_estate::SubnetId;
use stayput_estate::VmExtId;
use stayput_fabric::Change;
use stayput_fabric::Fabric;
use stayput_world::Facts;
use stayput_world::MachineFacts;
use stayput_world::ObjectKind;
use stayput_world::Prism;
use stayput_world::World;
use stayput_world::mv::MoveVm;
use stayput_world::prism::FlowSubnet;
use stayput_world::prism::Nic;
use stayput_world::prism::Vm;

use crate::FailoverMode;
use crate::Goal;
use crate::Obstacle;
use crate::capture::observe_facts;
use crate::step::OverlayKind;

pub(crate) use facts::is_being_cut_over;
pub use identity::linked_networks;
pub use power::ExpectedRunning;
pub use power::Power;
pub(crate) use power::power_of;
pub use remains::Remains;
pub use remains::RemainsState;
pub(crate) use sight::VmSight;

/// Where a machine is.
///
/// A machine that has become a VM is at that VM's site until a later word says otherwise: of the ledger, a recovery job or a person. That a
/// list lacks the VM moves the machine nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In EC2; perhaps on its way (Move knows).
    Ec2,
    /// At an NC2 site, as this VM. Of a site that was not observed it is what was known last.
    At(SiteName, VmExtId),
}

/// What a plan is made from.
pub struct Survey<'a> {
    /// The estate.
    pub estate: &'a Estate,
    /// The world.
    pub world: &'a World,
    /// Networks of the goal.
    pub networks: Vec<&'a Network>,
    /// Machines of the goal whose place is known, with the facts that hold: the ledger's once a machine has begun to move.
    pub machines: BTreeMap<InstanceId, Arc<MachineFacts>>,
    /// Machines of the goal of which it is not known where they are, each with an obstacle that says why. Their addresses are not free.
    pub unplaced: BTreeMap<InstanceId, Arc<MachineFacts>>,
    /// Those whose facts are not in the ledger as they are.
    pub uncaptured: BTreeMap<InstanceId, Arc<MachineFacts>>,
    /// Where each is.
    pub places: BTreeMap<InstanceId, Place>,
    /// VMs that a machine was, by some system's own word, besides the one it is; of machines that were any.
    pub former: BTreeMap<InstanceId, BTreeSet<(SiteName, VmExtId)>>,
    /// Machines the goal moves: all, or the canaries it names, without those it leaves out.
    pub moving: BTreeSet<InstanceId>,
    /// Machines that the goal leaves behind although their network moves: their addresses are not reached afterwards.
    pub left_out: BTreeSet<InstanceId>,
    /// Whether those are canaries: routed by prefixes of their own, while the network stays where it is.
    pub are_canaries: bool,
    /// Machines whose facts in the ledger are kept although EC2 shows other interfaces: they have moved, or their cutover may have begun.
    pub kept: BTreeSet<InstanceId>,
    /// Whether machines that ran and are off at the site of the goal are powered on: a move, a planned failover and a failback do so. After
    /// an unplanned one the source's region may be lost, and then nothing says that the source is stopped.
    pub(crate) powers_on: bool,
    /// Whether an address that EC2 gives to the stopped instance of a machine that is a VM, and that is not on record, is a fault: after a move
    /// it was assigned while the machine moved, and would be lost. For other goals, what people do with the old instance is their own affair;
    /// `status` shows it while the machine is at its primary site.
    pub(crate) compares_source: bool,
    /// Sites that the operator declares lost: whatever is observed there counts as not answering.
    pub lost: BTreeSet<SiteName>,
    /// Sites that an unplanned failover leaves: nothing is asked of their Prism Centrals.
    pub left: BTreeSet<SiteName>,
    /// Machines that a rollback brings back to EC2.
    pub returning: BTreeSet<InstanceId>,
    /// What machines were before they returned to EC2.
    was: returning::Was,
    /// VMs that machines were at a site until they were adopted as others there.
    pub(crate) replaced: BTreeMap<InstanceId, BTreeSet<(SiteName, VmExtId)>>,
    /// What was found in the way.
    pub obstacles: BTreeSet<Obstacle>,
    /// Groups of networks that machines link, directly or by others, of the ledger and of EC2.
    links: Vec<BTreeSet<NetworkName>>,
    /// Production overlay subnets by site: looked up for every machine, so made once.
    overlays: BTreeMap<&'a SiteName, Overlays<'a>>,
    /// What the Move plans say of each workload of a site: looked up for every machine, so made once.
    in_plans: InPlans<'a>,
    /// What is made of the survey, once, when it is first asked for.
    derived: Derived,
}

/// What several parts of the planner need and costs a walk over all machines. Asked for only when the survey is complete.
#[derive(Default)]
struct Derived {
    fabric: OnceLock<Fabric>,
    running: OnceLock<BTreeMap<Ipv4Addr, String>>,
    by_network: OnceLock<BTreeMap<NetworkName, BTreeSet<InstanceId>>>,
    in_subnets: OnceLock<BTreeMap<SubnetId, BTreeSet<Ipv4Addr>>>,
}

/// Addresses of a prefix that EC2 delegates to an interface: sixteen, always.
fn delegated_addresses(delegated: Cidr) -> impl Iterator<Item = Ipv4Addr> {
    (0..16).map_while(move |offset| delegated.nth(offset))
}

/// The estate's overlay subnets at one site, with the networks they are for.
type Overlays<'a> = BTreeMap<&'a SubnetExtId, &'a NetworkName>;

/// A workload in each Move plan that has it.
type InPlans<'a> = BTreeMap<(&'a SiteName, &'a MoveVmId), Vec<&'a MoveVm>>;

impl<'a> Survey<'a> {
    /// Looks at the machines of these networks.
    pub fn new(
        estate: &'a Estate,
        world: &'a World,
        facts: &Facts,
        names: &BTreeSet<NetworkName>,
    ) -> Self {
        Self::without(estate, world, facts, names, BTreeSet::new())
    }

    /// The same with sites that are declared lost.
    pub fn without(
        estate: &'a Estate,
        world: &'a World,
        facts: &Facts,
        names: &BTreeSet<NetworkName>,
        lost: BTreeSet<SiteName>,
    ) -> Self {
        let networks: Vec<_> = names
            .iter()
            .filter_map(|name| estate.networks.get(name))
            .collect();
        let (mut observed, mut obstacles) = observe_facts(estate, world, names);
        // What is left in EC2 of a machine that was retired is nothing to move, unless it runs.
        observed.retain(|id, machine| machine.was_running || !facts.retired.contains(id));
        let known: BTreeMap<_, _> = facts
            .machines
            .iter()
            .filter(|(_, machine)| machine.nics.iter().any(|nic| names.contains(&nic.network)))
            .collect();

        let mut survey = Self {
            estate,
            world,
            networks,
            machines: BTreeMap::new(),
            unplaced: BTreeMap::new(),
            uncaptured: BTreeMap::new(),
            places: BTreeMap::new(),
            former: BTreeMap::new(),
            moving: BTreeSet::new(),
            left_out: BTreeSet::new(),
            are_canaries: false,
            kept: BTreeSet::new(),
            powers_on: false,
            compares_source: false,
            lost,
            left: BTreeSet::new(),
            returning: BTreeSet::new(),
            was: facts.was.clone(),
            replaced: identity::replaced(facts),
            obstacles: BTreeSet::new(),
            links: identity::links(facts.machines.values().chain(observed.values())),
            overlays: world
                .prism
                .iter()
                .map(|(site, prism)| (site, overlays(estate, site, prism)))
                .collect(),
            in_plans: in_plans(world),
            derived: Derived::default(),
        };
        for id in observed
            .keys()
            .chain(known.keys().copied())
            .collect::<BTreeSet<_>>()
        {
            // What has an obstacle of its own there is there, though its facts are not those of a machine that can move.
            let is_troubled = |obstacle: &Obstacle| obstacle.about_machine_in_ec2() == Some(id);
            let in_ec2 = observed.contains_key(id) || obstacles.iter().any(is_troubled);
            survey.take(id, known.get(id).copied(), observed.get(id), in_ec2, facts);
        }
        // What EC2 shows stands in the way of machines that are still there only.
        let is_retired = |machine: &InstanceId| {
            facts.retired.contains(machine) && !observed.contains_key(machine)
        };
        obstacles.retain(|obstacle| match obstacle.about_machine_in_ec2() {
            Some(machine) => {
                let has_left = matches!(survey.places.get(machine), Some(Place::At(..)));
                !has_left && !is_retired(machine)
            }
            None => {
                !matches!(obstacle, Obstacle::SpansNetworks { machine, .. } if is_retired(machine))
            }
        });
        survey.obstacles.append(&mut obstacles);
        survey.sources_that_run();
        survey.moving = survey.machines.keys().cloned().collect();
        survey
    }

    /// Looks at the machines of a goal's networks as the goal takes them: which of them move, which sites are lost.
    pub fn of_goal(estate: &'a Estate, world: &'a World, facts: &Facts, goal: &Goal) -> Self {
        let lost = goal.declared_lost().clone();
        let mut survey = Self::without(estate, world, facts, goal.networks(), lost);
        survey.left = goal.leaves(estate);
        survey.compares_source = matches!(goal, Goal::Move { .. });
        survey.powers_on = match goal {
            Goal::Move { .. } | Goal::Failback { .. } => true,
            Goal::Failover { mode, .. } => *mode == FailoverMode::Planned,
            // A recovery that did not end may have shut machines down where they are.
            Goal::Rollback { did, .. } => !did.recoveries.is_empty(),
            Goal::Capture { .. } | Goal::Protect { .. } | Goal::CleanUp { .. } => false,
        };
        match goal {
            Goal::Move {
                canaries,
                leave_out,
                ..
            } => {
                if !canaries.is_empty() {
                    survey.only(canaries);
                }
                if !leave_out.is_empty() {
                    survey.leave_out(leave_out);
                }
            }
            Goal::Capture { .. } => {}
            Goal::Rollback { of, did, .. } if matches!(**of, Goal::Move { .. }) => {
                survey.only_returning(did.machines.keys());
            }
            Goal::Rollback { .. }
            | Goal::Protect { .. }
            | Goal::Failover { .. }
            | Goal::Failback { .. }
            | Goal::CleanUp { .. } => {
                survey
                    .obstacles
                    .retain(|obstacle| !obstacle.is_about_leaving_ec2());
            }
        }
        survey
    }

    /// Only these machines move, and only what stands in their way matters.
    fn only(&mut self, canaries: &BTreeSet<String>) {
        self.moving = self.called(canaries);
        self.are_canaries = true;
        let is_of_the_network = |obstacle: &Obstacle| {
            matches!(
                obstacle,
                Obstacle::UnmovableInterface { .. }
                    | Obstacle::UnsettledInterface { machine: None, .. }
            )
        };
        self.obstacles
            .retain(|obstacle| !is_of_the_network(obstacle));
        self.only_of_who_moves();
    }

    /// These machines stay where they are, and what stands in their way does not matter.
    fn leave_out(&mut self, names: &BTreeSet<String>) {
        let left = self.called(names);
        self.moving.retain(|id| !left.contains(id));
        // While its network stays, a machine that is no canary is reached as before.
        if !self.are_canaries {
            self.left_out = left;
        }
        self.only_of_who_moves();
    }

    /// The machines of these names or ids. A name that is not one machine's is an obstacle.
    fn called(&mut self, names: &BTreeSet<String>) -> BTreeSet<InstanceId> {
        let mut called = BTreeSet::new();
        for name in names {
            let known = || self.machines.iter().chain(&self.unplaced);
            // Anyone may call a machine by the id of another: the id itself decides.
            let by_id = known().find(|(id, _)| id.as_str() == name);
            let mut found: BTreeSet<_> = match by_id {
                Some((id, _)) => [id.clone()].into(),
                None => known()
                    .filter(|(_, machine)| machine.name.as_ref() == Some(name))
                    .map(|(id, _)| id.clone())
                    .collect(),
            };
            // A machine of which nothing is known but what is wrong with it can be named by its id.
            let troubled = self.obstacles.iter().filter_map(|obstacle| {
                obstacle
                    .about_machine_in_ec2()
                    .or(obstacle.whose_identity())
            });
            found.extend(troubled.filter(|id| id.as_str() == name).cloned());
            if found.len() == 1 {
                called.append(&mut found);
            } else {
                self.obstacles.insert(Obstacle::NoSuchMachine {
                    name: name.clone(),
                    found: found.len(),
                });
            }
        }
        called
    }

    /// Drops what stands in the way of machines that do not move.
    fn only_of_who_moves(&mut self) {
        let moving = &self.moving;
        self.obstacles.retain(|obstacle| match obstacle {
            Obstacle::SpansNetworks { machine, .. }
            | Obstacle::UnsettledInterface {
                machine: Some(machine),
                ..
            } => moving.contains(machine),
            other => other
                .about_machine_in_ec2()
                .or(other.whose_identity())
                .is_none_or(|machine| moving.contains(machine)),
        });
    }

    /// Where packets go now, as the goal takes it: no machine answers at a site that is declared lost, and the edges of its region are down
    /// if that was not observed. What else was not observed is unknown to the fabric, and delivers nothing.
    pub fn fabric(&self) -> Fabric {
        self.derived
            .fabric
            .get_or_init(|| self.make_fabric())
            .clone()
    }

    /// Addresses of the goal's machines that run, with the machine's name.
    pub(crate) fn running_addresses(&self) -> &BTreeMap<Ipv4Addr, String> {
        self.derived.running.get_or_init(|| {
            let machines = self.machines.iter();
            machines
                .filter(|(id, _)| self.moving.contains(*id) && self.runs(id))
                .flat_map(|(id, machine)| {
                    let addresses = machine.addresses();
                    addresses.map(move |address| (address, machine.label(id)))
                })
                .collect()
        })
    }

    fn make_fabric(&self) -> Fabric {
        let mut fabric = Fabric::new(self.estate, self.world);
        for site in &self.lost {
            let machines = self.machines.values();
            for address in machines.flat_map(|machine| machine.addresses()) {
                fabric.apply(&Change::Serve {
                    site: site.clone(),
                    address,
                    serving: false,
                });
            }
        }
        for edge in self.edges_taken_as_down() {
            fabric.apply(&Change::Edge {
                edge: edge.clone(),
                up: false,
            });
        }
        fabric
    }

    /// Edges of regions that were not observed and whose site is declared lost: the declaration is the only word about them.
    pub(crate) fn edges_taken_as_down(&self) -> impl Iterator<Item = &'a EdgeName> {
        let estate = self.estate;
        let sites = self.lost.iter().filter_map(|site| estate.sites.get(site));
        let regions: BTreeSet<_> = sites
            .map(|site| &site.region)
            .filter(|region| !self.world.aws.contains_key(*region))
            .collect();
        let edges = estate.edges.values();
        edges
            .filter(move |edge| regions.contains(&edge.region))
            .map(|edge| &edge.name)
    }

    /// Name for people.
    pub fn label(&self, id: &InstanceId) -> String {
        self.machines
            .get(id)
            .map_or_else(|| id.to_string(), |machine| machine.label(id))
    }

    /// The networks a machine has interfaces in.
    pub fn networks_of(&self, id: &InstanceId) -> BTreeSet<NetworkName> {
        self.machines
            .get(id)
            .map(|machine| identity::networks_of(machine))
            .unwrap_or_default()
    }

    /// These networks and all that machines link with them: a goal takes them together.
    pub(crate) fn linked_with(&self, names: &BTreeSet<NetworkName>) -> BTreeSet<NetworkName> {
        identity::linked(&self.links, names)
    }

    /// Machines with an interface in this network, of those whose place is known.
    pub fn machines_in(
        &self,
        network: &NetworkName,
    ) -> impl Iterator<Item = (&InstanceId, &MachineFacts)> {
        let by_network = self.derived.by_network.get_or_init(|| {
            let mut by_network: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
            for (id, machine) in &self.machines {
                for nic in &machine.nics {
                    let machines = by_network.entry(nic.network.clone()).or_default();
                    machines.insert(id.clone());
                }
            }
            by_network
        });
        let ids = by_network.get(network).into_iter().flatten();
        ids.filter_map(|id| self.machines.get_key_value(id))
            .map(|(id, machine)| (id, &**machine))
    }

    /// Whether any machine has an interface in this network, wherever it is.
    pub fn has_machines_in(&self, network: &NetworkName) -> bool {
        let mut unplaced = self.unplaced.values();
        self.machines_in(network).next().is_some()
            || unplaced.any(|machine| machine.nics.iter().any(|nic| nic.network == *network))
    }

    /// Every captured address in this network, also of machines whose place is not known.
    pub fn addresses_in(&self, network: &NetworkName) -> BTreeSet<Ipv4Addr> {
        self.machines_in(network)
            .map(|(_, machine)| machine)
            .chain(self.unplaced.values().map(|machine| &**machine))
            .flat_map(|machine| &machine.nics)
            .filter(|nic| nic.network == *network)
            .flat_map(|nic| std::iter::once(nic.primary).chain(nic.secondary.iter().copied()))
            .collect()
    }

    /// Addresses of every interface in a subnet of the source region, with those that EC2 has delegated to it.
    pub(crate) fn addresses_in_subnet(&self, subnet: &SubnetId) -> Option<&BTreeSet<Ipv4Addr>> {
        let in_subnets = self.derived.in_subnets.get_or_init(|| {
            let mut in_subnets: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
            let region = self.world.aws.get(&self.estate.source.region);
            for eni in region.into_iter().flat_map(|region| region.enis.values()) {
                let delegated = eni.delegated().flat_map(delegated_addresses);
                let addresses: &mut BTreeSet<_> = in_subnets.entry(eni.subnet.clone()).or_default();
                addresses.extend(eni.addresses().chain(delegated));
            }
            in_subnets
        });
        in_subnets.get(subnet)
    }

    /// Addresses that the goal does not keep: of machines that are left out, and those that only VMs at a site that is left have, which were a
    /// machine.
    pub fn addresses_not_kept(&self) -> BTreeSet<Ipv4Addr> {
        let mut addresses = self.left_out_addresses();
        for site in &self.left {
            addresses.extend(self.added_to_former(site).into_values().flatten());
        }
        addresses
    }

    /// Addresses that no machine of the goal was captured with, on VMs at a site that were one of its machines.
    pub(crate) fn added_to_former(
        &self,
        site: &SiteName,
    ) -> BTreeMap<&InstanceId, BTreeSet<Ipv4Addr>> {
        let mut added: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        let machines = self.machines.values().chain(self.unplaced.values());
        let captured: BTreeSet<_> = machines.flat_map(|machine| machine.addresses()).collect();
        for (machine, former) in &self.former {
            let place = self.places.get(machine);
            if !matches!(place, Some(Place::At(at, _)) if at != site) {
                continue;
            }
            for (at, vm) in former.iter().filter(|(at, _)| at == site) {
                // Also at a site that is declared lost, if it is seen all the same: its packets would be led away from there.
                let Some(vm) = self.world.prism.get(at).and_then(|prism| prism.vms.get(vm)) else {
                    continue;
                };
                let nics = vm.nics.iter();
                let has = nics.flat_map(|nic| nic.address.iter().chain(&nic.secondary));
                let more = has.filter(|address| !captured.contains(address)).copied();
                let mut more: BTreeSet<_> = more.collect();
                more.retain(|address| !self.is_elsewhere(*address, site));
                if !more.is_empty() {
                    added.entry(machine).or_default().extend(more);
                }
            }
        }
        added
    }

    /// Whether a VM at another site, or an interface in EC2, has an address.
    fn is_elsewhere(&self, address: Ipv4Addr, site: &SiteName) -> bool {
        let others = self.world.prism.iter().filter(|(at, _)| *at != site);
        let nics = others
            .flat_map(|(_, prism)| prism.vms.values())
            .flat_map(|vm| &vm.nics);
        let mut at_sites = nics.flat_map(|nic| nic.address.iter().chain(&nic.secondary));
        let enis = self
            .world
            .aws
            .values()
            .flat_map(|region| region.enis.values());
        let mut in_ec2 = enis.flat_map(stayput_world::aws::Eni::addresses);
        at_sites.any(|other| *other == address) || in_ec2.any(|other| other == address)
    }

    /// Every address of machines that are left out: captured, or on an interface they have in EC2.
    fn left_out_addresses(&self) -> BTreeSet<Ipv4Addr> {
        if self.left_out.is_empty() {
            return BTreeSet::new();
        }
        let known = |id| self.machines.get(id).or(self.unplaced.get(id));
        let facts = self.left_out.iter().filter_map(known);
        let captured = facts.flat_map(|machine| machine.addresses());
        let enis = self.world.aws.get(&self.estate.source.region).into_iter();
        let enis = enis.flat_map(|region| region.enis.values()).filter(|eni| {
            let instance = eni.attached_to.as_ref().map(|(instance, _)| instance);
            instance.is_some_and(|instance| self.left_out.contains(instance))
        });
        captured
            .chain(enis.flat_map(stayput_world::aws::Eni::addresses))
            .collect()
    }

    /// The VM a machine is at a site; `None` also where that was not observed.
    pub fn vm_at(&self, id: &InstanceId, site: &SiteName) -> Option<(&VmExtId, &Vm)> {
        match self.places.get(id)? {
            Place::At(at, vm) if at == site => self.world.prism.get(site)?.vms.get_key_value(vm),
            Place::At(..) | Place::Ec2 => None,
        }
    }

    /// The network of an overlay subnet of a site, if it is one of the estate's.
    pub fn overlay_network(
        &self,
        site: &SiteName,
        subnet: &SubnetExtId,
    ) -> Option<&'a NetworkName> {
        self.overlays.get(site)?.get(subnet).copied()
    }

    /// Whether a site is the primary site of all these networks. `false` for no network, and for one that the estate does not have.
    pub(crate) fn is_primary_of(&self, site: &SiteName, networks: &BTreeSet<NetworkName>) -> bool {
        let is_primary = |name| {
            let network = self.estate.networks.get(name);
            network.is_some_and(|network| network.primary == *site)
        };
        !networks.is_empty() && networks.iter().all(is_primary)
    }

    /// Whether it is known which NICs the machine's VM has on the estate's overlay subnets: these subnets are found, and the VM was read whole.
    pub(crate) fn knows_nics(&self, id: &InstanceId, site: &SiteName) -> bool {
        let (Some(machine), Some((vm, _)), Some(overlays), Some(prism)) = (
            self.machines.get(id),
            self.vm_at(id, site),
            self.overlays.get(site),
            self.world.prism.get(site),
        ) else {
            return false;
        };
        let mut networks = machine.nics.iter().map(|nic| &nic.network);
        let are_found = networks.all(|network| overlays.values().any(|of| *of == network));
        let mut unreadable = prism.unreadable_object(ObjectKind::Vm, vm.as_str());
        are_found && unreadable.next().is_none()
    }

    /// Whether the VM's NICs on the estate's overlay subnets are exactly the captured ones. `false` where that is not known.
    pub fn nics_are_right(&self, id: &InstanceId, site: &SiteName) -> bool {
        let (Some(machine), Some((_, vm)), Some(overlays)) = (
            self.machines.get(id),
            self.vm_at(id, site),
            self.overlays.get(site),
        ) else {
            return false;
        };
        nics_are_right(overlays, machine, vm)
    }

    /// VMs at a site that have exactly the machine's addresses, and that no system calls this machine, now or before.
    pub(crate) fn may_be_at(&self, id: &InstanceId, site: &SiteName) -> BTreeSet<VmExtId> {
        let (Some(machine), Some(overlays), Some(prism)) = (
            self.machines.get(id),
            self.overlays.get(site),
            self.world.prism.get(site),
        ) else {
            return BTreeSet::new();
        };
        let was = self.former.get(id);
        let is_known = |vm: &VmExtId| {
            let is =
                matches!(self.places.get(id), Some(Place::At(at, of)) if at == site && of == vm);
            is || was.is_some_and(|was| was.contains(&(site.clone(), vm.clone())))
        };
        let vms = prism.vms.iter();
        vms.filter(|(vm, of)| nics_are_right(overlays, machine, of) && !is_known(vm))
            .map(|(vm, _)| vm.clone())
            .collect()
    }

    /// Every address that the machine's VM has on the estate's overlay subnets at a site.
    pub fn overlay_addresses(&self, id: &InstanceId, site: &SiteName) -> BTreeSet<Ipv4Addr> {
        let (Some((_, vm)), Some(overlays)) = (self.vm_at(id, site), self.overlays.get(site))
        else {
            return BTreeSet::new();
        };
        let on_overlay = |nic: &&Nic| {
            nic.subnet
                .as_ref()
                .is_some_and(|id| overlays.contains_key(id))
        };
        let nics = vm.nics.iter().filter(on_overlay);
        nics.flat_map(|nic| nic.address.iter().chain(&nic.secondary).copied())
            .collect()
    }

    /// A machine's workload in every Move plan that has it, by site.
    fn in_plans(&self, id: &InstanceId) -> impl Iterator<Item = (&'a SiteName, &'a MoveVm)> {
        let world = self.world;
        world.moves.iter().flat_map(move |(site, mv)| {
            let workload = mv.workloads.get(id);
            let found = workload.and_then(|workload| self.in_plans.get(&(site, &workload.id)));
            let found = found.into_iter().flatten().map(move |vm| (site, *vm));
            found.filter(move |(_, vm)| !self.is_past(id, vm))
        })
    }
}

/// The Flow VPC of this name at a site, if there is exactly one.
pub fn flow_vpc<'w>(prism: &'w Prism, name: &str) -> Result<Option<&'w FlowVpcExtId>, usize> {
    let mut found = prism
        .vpcs
        .iter()
        .filter(|(_, vpc)| vpc.name == name)
        .map(|(id, _)| id);
    match (found.next(), found.count()) {
        (first, 0) => Ok(first),
        (_, more) => Err(more + 1),
    }
}

/// The overlay subnet of a network at a site, if there is exactly one.
pub fn overlay_subnet<'w>(
    estate: &Estate,
    prism: &'w Prism,
    site: &SiteName,
    kind: OverlayKind,
    network: &NetworkName,
) -> Result<Option<(&'w SubnetExtId, &'w FlowSubnet)>, usize> {
    let Some(config) = estate.sites.get(site) else {
        return Ok(None);
    };
    let Some(vpc) = flow_vpc(prism, kind.vpc_name(config))? else {
        return Ok(None);
    };
    let mut found = prism
        .subnets
        .iter()
        .filter(|(_, subnet)| subnet.vpc.as_ref() == Some(vpc) && subnet.name == network.as_str());
    match (found.next(), found.count()) {
        (first, 0) => Ok(first),
        (_, more) => Err(more + 1),
    }
}

/// The production overlay subnets of the estate's networks at a site. One that is not unique is none.
fn overlays<'a>(estate: &'a Estate, site: &SiteName, prism: &'a Prism) -> Overlays<'a> {
    estate
        .networks
        .keys()
        .filter_map(|network| {
            let found = overlay_subnet(estate, prism, site, OverlayKind::Production, network);
            let (id, _) = found.ok()??;
            Some((id, network))
        })
        .collect()
}

fn in_plans(world: &World) -> InPlans<'_> {
    let mut found = InPlans::new();
    for (site, mv) in &world.moves {
        for (id, vm) in mv.plans.values().flat_map(|plan| &plan.vms) {
            found.entry((site, id)).or_default().push(vm);
        }
    }
    found
}

/// Whether a VM's NICs on the estate's overlay subnets are exactly those of the captured machine.
fn nics_are_right(overlays: &Overlays<'_>, machine: &MachineFacts, vm: &Vm) -> bool {
    let mut have: Vec<_> = vm
        .nics
        .iter()
        .filter_map(|nic| {
            let network = overlays.get(nic.subnet.as_ref()?)?;
            let secondary: BTreeSet<_> = nic.secondary.iter().copied().collect();
            Some((*network, nic.address, secondary))
        })
        .collect();
    let mut want: Vec<_> = machine
        .nics
        .iter()
        .map(|nic| {
            (
                &nic.network,
                Some(nic.primary),
                nic.secondary.iter().copied().collect(),
            )
        })
        .collect();
    have.sort();
    want.sort();
    have == want
}
