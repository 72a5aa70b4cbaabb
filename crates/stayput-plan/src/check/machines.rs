//! Machines in EC2: what of them does not come along, and what keeps them from being moved.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::EniId;
use stayput_estate::Estate;
use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::Rule;
use stayput_messages::Message;
use stayput_messages::list::text;
use stayput_world::AwsRegion;
use stayput_world::Facts;
use stayput_world::World;
use stayput_world::aws::Instance;
use stayput_world::aws::VpcRouteTarget;

use super::CheckFinding;
use super::interfaces::interfaces;
use crate::Goal;
use crate::Obstacle;
use crate::capture;
use crate::plan;

/// The tag by which Auto Scaling marks the members of a group.
const GROUP_TAG: &str = "aws:autoscaling:groupName";

/// Instance families with instance store volumes whose names do not say so (memory).
const STORAGE_FAMILIES: [&str; 30] = [
    "c1", "c3", "d2", "d3", "d3en", "dl1", "f1", "f2", "g2", "g5", "g6", "g6e", "g6f", "gr6",
    "gr6f", "h1", "m1", "m2", "m3", "p5", "p5e", "p5en", "r3", "trn1", "trn1n", "trn2", "trn2u",
    "x1", "x1e", "p6-b200",
];

/// What is looked at.
pub(super) struct Look<'a> {
    pub(super) estate: &'a Estate,
    pub(super) region: &'a AwsRegion,
    /// The networks that were asked for.
    pub(super) names: &'a BTreeSet<NetworkName>,
    /// Machines in the networks that have not become VMs.
    pub(super) in_ec2: BTreeMap<&'a InstanceId, &'a Instance>,
    world: &'a World,
    facts: &'a Facts,
}

impl<'a> Look<'a> {
    pub(super) fn new(
        estate: &'a Estate,
        world: &'a World,
        region: &'a AwsRegion,
        facts: &'a Facts,
        names: &'a BTreeSet<NetworkName>,
    ) -> Self {
        let subnets: BTreeSet<_> = names
            .iter()
            .filter_map(|name| Some(&estate.networks.get(name)?.ec2_subnet))
            .collect();
        let is_in = |instance: &Instance| {
            let enis = instance.enis.iter();
            let of_enis = enis.filter_map(|eni| Some(&region.enis.get(eni)?.subnet));
            of_enis
                .chain(&instance.subnet)
                .any(|subnet| subnets.contains(subnet))
        };
        let in_ec2 = region
            .instances
            .iter()
            .filter(|(id, instance)| !facts.vms.contains_key(*id) && is_in(instance))
            .collect();
        Self {
            estate,
            region,
            names,
            in_ec2,
            world,
            facts,
        }
    }

    /// The machines' findings.
    pub(super) fn machines(&self, found: &mut BTreeSet<CheckFinding>) {
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        for name in self.in_ec2.values().filter_map(|machine| machine.name()) {
            *names.entry(name).or_default() += 1;
        }
        let routes = self.routes();
        for (id, instance) in &self.in_ec2 {
            let label = capture::label(id, instance);
            let mut add = |rule, what| {
                found.insert(CheckFinding::new(rule, id.as_str(), what));
            };
            for (rule, what) in of_instance(&label, instance) {
                add(rule, what);
            }
            for (rule, what) in interfaces(self.region, &label, instance.enis.iter()) {
                add(rule, what);
            }
            if instance.enis.len() > 1 {
                let what = Message::new("check-several-interfaces")
                    .with("label", &label)
                    .count("interfaces", instance.enis.len());
                add(Rule::SeveralInterfaces, what);
            }
            match instance.name() {
                None => add(Rule::NoName, Message::new("check-no-name").with("id", id)),
                Some(name) if names.get(name).is_some_and(|count| *count > 1) => {
                    let what = Message::new("check-duplicate-name")
                        .with("id", id)
                        .with("name", name);
                    add(Rule::DuplicateName, what);
                }
                Some(_) => {}
            }
            if instance.platform.starts_with("Windows") && !instance.platform.contains("BYOL") {
                let what = Message::new("check-windows-activation").with("label", &label);
                add(Rule::WindowsActivation, what);
            }
            if instance.traits.is_none() {
                let what = Message::new("check-not-examined").with("label", &label);
                add(Rule::NotExamined, what);
            }
            let routes = instance.enis.iter().filter_map(|eni| routes.get(eni));
            for (table, route) in routes.flatten() {
                let what = Message::new("check-route-to-machine")
                    .with("label", &label)
                    .with("route", route)
                    .with("table", table);
                add(Rule::RouteToMachine, what);
            }
        }
    }

    /// Routes of VPCs that lead to interfaces: table and destination.
    fn routes(&self) -> BTreeMap<&'a EniId, Vec<(String, String)>> {
        let mut routes: BTreeMap<&EniId, Vec<_>> = BTreeMap::new();
        for (id, table) in &self.region.route_tables {
            for route in &table.routes {
                if let VpcRouteTarget::Eni(eni) = &route.target {
                    let there = (id.to_string(), destination(&route.destination));
                    routes.entry(eni).or_default().push(there);
                }
            }
        }
        routes
    }

    /// What a plan would refuse now that moves the networks that were asked for and have machines in EC2, or none on record.
    pub(super) fn obstacles(&self, found: &mut BTreeSet<CheckFinding>) {
        let all = self.estate.networks.keys();
        let staying: BTreeSet<_> = all.filter(|name| !self.has_left(name)).cloned().collect();
        // Machines that are not captured yet count as EC2 shows them now.
        let mut facts = self.facts.clone();
        let (seen, _) = capture::observe_facts(self.estate, self.world, &staying);
        for (id, machine) in seen {
            facts.machines.entry(id).or_insert(machine);
        }
        let mut networks: BTreeSet<_> = self.names.intersection(&staying).cloned().collect();
        if networks.is_empty() {
            return;
        }
        // A machine moves with all its networks.
        for _ in 0..staying.len() {
            for machine in facts.machines.values() {
                let of_machine = || machine.nics.iter().map(|nic| &nic.network);
                if of_machine().any(|network| networks.contains(network)) {
                    let more = of_machine().filter(|network| staying.contains(*network));
                    networks.extend(more.cloned());
                }
            }
        }
        let names = networks.iter().map(NetworkName::as_str);
        let names = names.collect::<Vec<_>>().join(" ");
        let goal = Goal::Move {
            networks,
            canaries: BTreeSet::new(),
            leave_out: BTreeSet::new(),
        };
        let Err(obstacles) = plan(self.estate, self.world, &facts, &goal) else {
            return;
        };
        for obstacle in obstacles {
            // It has a rule of its own.
            if matches!(obstacle, Obstacle::CannotRun { .. }) {
                continue;
            }
            let object = object(&obstacle).unwrap_or_else(|| names.clone());
            found.insert(CheckFinding::of_obstacle(object, &obstacle));
        }
    }

    /// Whether every machine of the network on record has become a VM.
    fn has_left(&self, name: &NetworkName) -> bool {
        let machines = self.facts.machines.iter();
        let mut here = machines
            .filter(|(_, machine)| machine.nics.iter().any(|nic| nic.network == *name))
            .map(|(id, _)| self.facts.vms.contains_key(id))
            .peekable();
        here.peek().is_some() && here.all(|is_vm| is_vm)
    }
}

/// What an instance says of itself that matters for a move, beside its interfaces.
pub(crate) fn of_instance(label: &str, instance: &Instance) -> Vec<(Rule, Message)> {
    let mut found = Vec::new();
    let architecture = instance.architecture.as_str();
    if architecture.ends_with("_mac") {
        let what = Message::new("check-mac-instance")
            .with("label", label)
            .with("kind", &instance.instance_type);
        found.push((Rule::MacInstance, what));
    } else if architecture.starts_with("arm64") {
        let what = Message::new("check-arm64")
            .with("label", label)
            .with("architecture", architecture);
        found.push((Rule::Arm64, what));
    }
    if let Some(group) = instance.tags.get(GROUP_TAG) {
        let what = Message::new("check-auto-scaling")
            .with("label", label)
            .with("group", group);
        found.push((Rule::AutoScaling, what));
    }
    let (family, size) = instance
        .instance_type
        .split_once('.')
        .unwrap_or((&instance.instance_type, ""));
    if has_instance_store(family) {
        let what = Message::new("check-instance-store-volumes")
            .with("label", label)
            .with("kind", &instance.instance_type);
        found.push((Rule::InstanceStoreVolumes, what));
    }
    if size.starts_with("metal") && !architecture.ends_with("_mac") {
        let what = Message::new("check-bare-metal")
            .with("label", label)
            .with("kind", &instance.instance_type);
        found.push((Rule::BareMetal, what));
    }
    let Some(traits) = instance.traits.as_deref() else {
        return found;
    };
    if traits.root_device_type.as_deref() == Some("instance-store") {
        let what = Message::new("check-instance-store-root").with("label", label);
        found.push((Rule::InstanceStoreRoot, what));
    }
    if traits.lifecycle.as_deref() == Some("spot") {
        let what = Message::new("check-spot-instance").with("label", label);
        found.push((Rule::SpotInstance, what));
    }
    if traits
        .boot_mode
        .as_deref()
        .is_some_and(|mode| mode != "legacy-bios")
    {
        let mode = traits.boot_mode.as_deref().unwrap_or_default();
        let what = Message::new("check-uefi-boot")
            .with("label", label)
            .with("mode", mode);
        found.push((Rule::UefiBoot, what));
    }
    if !traits.product_codes.is_empty() {
        let what = Message::new("check-product-codes")
            .with("label", label)
            .with("codes", traits.product_codes.join(", "));
        found.push((Rule::ProductCodes, what));
    }
    if let Some(profile) = &traits.instance_profile {
        let what = Message::new("check-instance-profile")
            .with("label", label)
            .with("profile", profile);
        found.push((Rule::InstanceProfile, what));
    }
    found
}

/// Whether types of a family have instance store volumes: the convention is a `d` among the letters behind the generation, and some families
/// have them without it.
fn has_instance_store(family: &str) -> bool {
    let options = family
        .trim_start_matches(|sign: char| sign.is_ascii_alphabetic())
        .trim_start_matches(|sign: char| sign.is_ascii_digit());
    // `m5dn` and `c6id` have them, as do the storage families `i4i`, `im4gn` and `is4gen`; `p4d` is one too.
    options
        .split('-')
        .next()
        .is_some_and(|letters| letters.contains('d'))
        || STORAGE_FAMILIES.contains(&family)
        || (family.starts_with('i') && !family.starts_with("inf"))
}

fn destination(destination: &stayput_world::aws::RouteDestination) -> String {
    use stayput_world::aws::RouteDestination;
    match destination {
        RouteDestination::Cidr(cidr) => cidr.to_string(),
        RouteDestination::PrefixList(list) => list.to_string(),
        RouteDestination::Ipv6(prefix) => text(prefix).into(),
    }
}

/// The id of what an obstacle is about, if it is about one object.
fn object(obstacle: &Obstacle) -> Option<String> {
    if let Some(machine) = obstacle.about_machine_in_ec2() {
        return Some(machine.to_string());
    }
    match obstacle {
        Obstacle::SourceNotSeen { vpc, .. } => Some(vpc.to_string()),
        Obstacle::UnmovableInterface { eni, .. } | Obstacle::UnsettledInterface { eni, .. } => {
            Some(eni.to_string())
        }
        Obstacle::OtherCidr { network, .. } => Some(network.to_string()),
        _ => None,
    }
}
