//! Machines in EC2: what of them does not come along, and what keeps them from being moved.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

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
use crate::Obstacle;
use crate::capture;

/// The tag by which Auto Scaling marks the members of a group.
const GROUP_TAG: &str = "aws:autoscaling:groupName";

/// Instance families with instance store volumes whose names do not say so (memory).
const STORAGE_FAMILIES: [&str; 20] = [
    "c1", "c3", "d2", "d3", "d3en", "dl1", "f1", "f2", "g2", "g5", "g6", "gr6", "h1", "m1", "m2",
    "m3", "r3", "trn1", "x1", "x1e",
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
            if instance.platform.starts_with("Windows") {
                let what = Message::new("check-windows-activation").with("label", &label);
                add(Rule::WindowsActivation, what);
            }
            if instance.traits.is_none() {
                let what = Message::new("check-not-examined").with("label", &label);
                add(Rule::NotExamined, what);
            }
            for (table, route) in self.routes_to(instance) {
                let what = Message::new("check-route-to-machine")
                    .with("label", &label)
                    .with("route", route)
                    .with("table", table);
                add(Rule::RouteToMachine, what);
            }
        }
    }

    /// Routes of VPCs that lead to an interface of the machine: table and destination.
    fn routes_to(&self, instance: &'a Instance) -> impl Iterator<Item = (String, String)> + 'a {
        let tables = self.region.route_tables.iter();
        tables.flat_map(move |(id, table)| {
            let leads_there = |target: &VpcRouteTarget| matches!(target, VpcRouteTarget::Eni(eni) if instance.enis.contains(eni));
            let routes = table.routes.iter();
            let there: Vec<_> = routes
                .filter(|route| leads_there(&route.target))
                .map(|route| (id.to_string(), destination(&route.destination)))
                .collect();
            there
        })
    }

    /// What a capture or a move would refuse, of networks that have machines in EC2 or none on record.
    pub(super) fn obstacles(&self, found: &mut BTreeSet<CheckFinding>) {
        let all = self.estate.networks.keys();
        let staying = all.filter(|name| !self.has_left(name)).cloned().collect();
        let (_, captured) = capture::observe_facts(self.estate, self.world, &staying);
        let cidrs = capture::other_cidrs(self.estate, self.region, &staying);
        let obstacles = captured.into_iter().chain(cidrs);
        for obstacle in obstacles.filter(|obstacle| self.is_asked_for(obstacle)) {
            found.insert(CheckFinding::of_obstacle(object(&obstacle), &obstacle));
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

    /// Whether an obstacle is about the networks that were asked for, and no rule of its own says it.
    fn is_asked_for(&self, obstacle: &Obstacle) -> bool {
        let of_interface = |eni| {
            let eni = self.region.enis.get(eni);
            let networks = self.names.iter();
            let mut networks = networks.filter_map(|name| self.estate.networks.get(name));
            eni.is_none_or(|eni| networks.any(|network| network.ec2_subnet == eni.subnet))
        };
        match obstacle {
            Obstacle::CannotRun { .. } => false,
            Obstacle::OtherCidr { network, .. } => self.names.contains(network),
            Obstacle::UnmovableInterface { eni, .. } | Obstacle::UnsettledInterface { eni, .. } => {
                of_interface(eni)
            }
            other => other
                .about_machine_in_ec2()
                .is_none_or(|machine| self.in_ec2.contains_key(machine)),
        }
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

/// The id of what an obstacle is about.
fn object(obstacle: &Obstacle) -> String {
    if let Some(machine) = obstacle.about_machine_in_ec2() {
        return machine.to_string();
    }
    match obstacle {
        Obstacle::SourceNotSeen { vpc, .. } => vpc.to_string(),
        Obstacle::UnmovableInterface { eni, .. } | Obstacle::UnsettledInterface { eni, .. } => {
            eni.to_string()
        }
        Obstacle::OtherCidr { network, .. } => network.to_string(),
        _ => String::new(),
    }
}
