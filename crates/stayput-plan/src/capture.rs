//! Capture: from what EC2 reports to the facts that must survive. Keyed by instance id, never by name.
//!
//! Whatever has to do with a network ends in one of three places: the facts, an obstacle, or the list of what will not come along. Nothing is
//! left out because it does not fit.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use stayput_estate::EniId;
use stayput_estate::Estate;
use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::Rule;
use stayput_estate::SubnetId;
use stayput_estate::mutants::Mutant;
use stayput_messages::Message;
use stayput_world::AwsRegion;
use stayput_world::MachineFacts;
use stayput_world::NicFacts;
use stayput_world::World;
use stayput_world::aws::Eni;
use stayput_world::aws::EniStatus;
use stayput_world::aws::Gone;
use stayput_world::aws::Instance;
use stayput_world::aws::InstanceState;

use crate::Obstacle;
use crate::Warning;
use crate::check;
use crate::obstacle::InterfaceDoubt;

/// What EC2 says about the machines with an interface in `networks`, and what stands in their way.
pub fn observe_facts(
    estate: &Estate,
    world: &World,
    networks: &BTreeSet<NetworkName>,
) -> (BTreeMap<InstanceId, Arc<MachineFacts>>, BTreeSet<Obstacle>) {
    let Some(region) = world.aws.get(&estate.source.region) else {
        return (BTreeMap::new(), BTreeSet::new());
    };
    let mut capture = Capture::new(estate, region, networks);
    capture.source();
    for (id, eni) in &region.enis {
        capture.interface(id, eni);
    }
    for (id, instance) in &region.instances {
        capture.machine(id, instance);
    }
    (capture.facts, capture.obstacles)
}

/// One capture under way.
struct Capture<'a> {
    estate: &'a Estate,
    region: &'a AwsRegion,
    networks: &'a BTreeSet<NetworkName>,
    network_of: BTreeMap<&'a SubnetId, &'a NetworkName>,
    facts: BTreeMap<InstanceId, Arc<MachineFacts>>,
    obstacles: BTreeSet<Obstacle>,
}

impl<'a> Capture<'a> {
    fn new(estate: &'a Estate, region: &'a AwsRegion, networks: &'a BTreeSet<NetworkName>) -> Self {
        Self {
            estate,
            region,
            networks,
            network_of: estate
                .networks
                .values()
                .map(|network| (&network.ec2_subnet, &network.name))
                .collect(),
            facts: BTreeMap::new(),
            obstacles: BTreeSet::new(),
        }
    }

    /// The network of the goal that a subnet is.
    fn in_goal(&self, subnet: &SubnetId) -> Option<&'a NetworkName> {
        let name = self.network_of.get(subnet).copied()?;
        self.networks.contains(name).then_some(name)
    }

    /// Without the source VPC nothing is there to capture, and the reason is most often the wrong account or region.
    fn source(&mut self) {
        let source = &self.estate.source;
        if !self.region.vpcs.contains_key(&source.vpc) {
            self.obstacles.insert(Obstacle::SourceNotSeen {
                vpc: source.vpc.clone(),
                region: source.region.clone(),
                account: self.region.account.clone(),
            });
        }
    }

    /// What an interface in the networks stands in the way of, if it is no machine's.
    fn interface(&mut self, id: &EniId, eni: &'a Eni) {
        let Some(network) = self.in_goal(&eni.subnet) else {
            return;
        };
        let machine = eni.attached_to.as_ref().and_then(|(machine, _)| {
            let (machine, instance) = self.region.instances.get_key_value(machine)?;
            Some((machine, instance))
        });
        if let Some(status) = unsettled(eni) {
            self.obstacles.insert(Obstacle::UnsettledInterface {
                network: network.clone(),
                eni: id.clone(),
                address: eni.primary,
                machine: machine.map(|(machine, _)| machine.clone()),
                what: what(eni, machine),
                status: status.clone(),
            });
            return;
        }
        let unseen = self.unseen_machine(eni);
        match machine {
            Some((_, instance)) if instance.enis.contains(id) => {}
            Some((machine, instance)) => {
                self.obstacles.insert(Obstacle::InterfaceInDoubt {
                    machine: machine.clone(),
                    label: label(machine, instance),
                    eni: id.clone(),
                    doubt: InterfaceDoubt::NotListedByMachine {
                        address: eni.primary,
                    },
                });
            }
            None if eni.is_available() && !eni.requester_managed => {}
            None => {
                if let Some(machine) = unseen {
                    self.obstacles.insert(Obstacle::InterfaceInDoubt {
                        machine: machine.clone(),
                        label: machine.to_string(),
                        eni: id.clone(),
                        doubt: InterfaceDoubt::MachineNotShown {
                            address: eni.primary,
                        },
                    });
                } else if let Some(address) = eni.primary {
                    // Without an address in the network it can stay where it is: see `left_behind`.
                    self.obstacles.insert(Obstacle::UnmovableInterface {
                        network: network.clone(),
                        eni: id.clone(),
                        address,
                        what: what(eni, None),
                    });
                }
            }
        }
    }

    /// The instance that an interface names and EC2 does not show, unless EC2 says that this account has no such instance: then it is of
    /// another account, as those of some services are.
    fn unseen_machine(&self, eni: &'a Eni) -> Option<&'a InstanceId> {
        let (machine, _) = eni.attached_to.as_ref()?;
        match self.region.gone(machine) {
            Some(Gone::NotFound) => None,
            Some(Gone::Terminated) | None => Some(machine),
        }
    }

    /// The facts of a machine in the networks, and what stands in its way.
    fn machine(&mut self, id: &InstanceId, instance: &Instance) {
        let label = label(id, instance);
        let known: Vec<(&EniId, &Eni)> = instance
            .enis
            .iter()
            .filter_map(|eni| self.region.enis.get_key_value(eni))
            .collect();
        let subnets = known.iter().map(|(_, eni)| &eni.subnet);
        let network = subnets
            .chain(&instance.subnet)
            .find_map(|subnet| self.in_goal(subnet));
        if instance.state == InstanceState::ShuttingDown {
            if let Some(network) = network {
                self.obstacles.insert(Obstacle::BeingTerminated {
                    machine: id.clone(),
                    label,
                    network: network.clone(),
                });
            }
            return;
        }
        // An interface of which nothing is known may be in any subnet of the VPC.
        if network.is_some() || instance.vpc.as_ref() == Some(&self.estate.source.vpc) {
            for eni in &instance.enis {
                if !self.region.enis.contains_key(eni) {
                    self.obstacles.insert(Obstacle::InterfaceInDoubt {
                        machine: id.clone(),
                        label: label.clone(),
                        eni: eni.clone(),
                        doubt: InterfaceDoubt::NotShown,
                    });
                }
            }
        }
        let Some(network) = network else {
            return;
        };
        let nics = self.nics(id, &label, &known);
        if !nics.iter().any(|nic| self.networks.contains(&nic.network)) {
            self.obstacles.insert(Obstacle::NoIpv4Address {
                machine: id.clone(),
                label,
                network: network.clone(),
            });
            return;
        }
        for nic in nics
            .iter()
            .filter(|nic| !self.networks.contains(&nic.network))
        {
            self.obstacles.insert(Obstacle::SpansNetworks {
                machine: id.clone(),
                label: label.clone(),
                network: nic.network.clone(),
            });
        }
        for (rule, _) in check::of_instance(&label, instance) {
            if check::stops_a_move(rule) {
                self.obstacles.insert(Obstacle::CannotRun {
                    machine: id.clone(),
                    label: label.clone(),
                    rule,
                });
            }
        }
        let facts = MachineFacts {
            name: instance.name().map(str::to_owned),
            platform: instance.platform.clone(),
            instance_type: instance.instance_type.clone(),
            was_running: matches!(
                instance.state,
                InstanceState::Running | InstanceState::Pending
            ),
            nics,
            tags: instance.tags.clone(),
        };
        self.facts.insert(id.clone(), Arc::new(facts));
    }

    /// The interfaces that have an IPv4 address in a network of the estate, by device index.
    fn nics(&mut self, id: &InstanceId, label: &str, known: &[(&EniId, &Eni)]) -> Vec<NicFacts> {
        let mut nics = Vec::new();
        for (eni_id, eni) in known {
            // Without one there is nothing to keep: see `losses`.
            let Some(primary) = eni.primary else {
                continue;
            };
            match self.network_of.get(&eni.subnet) {
                Some(network) => nics.push(NicFacts {
                    device_index: eni.attached_to.as_ref().map_or(0, |(_, index)| *index),
                    eni: (*eni_id).clone(),
                    mac: eni.mac,
                    subnet: eni.subnet.clone(),
                    network: (*network).clone(),
                    primary,
                    secondary: match Mutant::SecondaryAddressesForgotten.is_chosen() {
                        true => Vec::new(),
                        false => eni.secondary.clone(),
                    },
                }),
                None => {
                    self.obstacles.insert(Obstacle::ForeignInterface {
                        machine: id.clone(),
                        label: label.to_owned(),
                        eni: (*eni_id).clone(),
                        address: primary,
                    });
                }
            }
        }
        nics.sort_by_key(|nic| nic.device_index);
        nics
    }
}

pub(crate) fn label(id: &InstanceId, instance: &Instance) -> String {
    instance
        .name()
        .map_or_else(|| id.to_string(), str::to_owned)
}

/// The status of an interface that is being attached or detached, or has an unknown one. One bound to a trunk is in use.
fn unsettled(eni: &Eni) -> Option<&EniStatus> {
    let status = eni.other_status.as_ref()?;
    match status {
        EniStatus::Associated => None,
        EniStatus::Attaching | EniStatus::Detaching | EniStatus::Unknown(_) => Some(status),
    }
}

/// What an interface is, for people: its type, its description, the machine that has it.
pub(crate) fn what(eni: &Eni, machine: Option<(&InstanceId, &Instance)>) -> String {
    let of = machine.map(|(id, instance)| {
        let of = match instance.name() {
            Some(name) => Message::new("interface-of-named-machine")
                .with("name", name)
                .with("machine", id),
            None => Message::new("interface-of-machine").with("machine", id),
        };
        of.to_string()
    });
    [
        Some(eni.interface_type.as_str()),
        Some(eni.description.as_str()),
        of.as_deref(),
    ]
    .into_iter()
    .flatten()
    .filter(|text| !text.is_empty())
    .collect::<Vec<_>>()
    .join(", ")
}

/// What of a machine will not come along, for the operator to know.
pub fn losses(region: &AwsRegion, id: &InstanceId, facts: &MachineFacts) -> Vec<Warning> {
    let label = facts.label(id);
    let present = region.instances.get(id);
    let captured = facts.nics.iter().map(|nic| &nic.eni);
    let enis = captured.chain(present.into_iter().flat_map(|instance| &instance.enis));
    let of_interfaces = check::interfaces(region, &label, enis);
    let of_instance = present.map(|instance| check::of_instance(&label, instance));
    // What is lost without anything that says so later; the rest `stayput check` tells.
    let is_told = |rule: Rule| matches!(rule, Rule::InstanceStoreVolumes | Rule::ProductCodes);
    let of_instance = of_instance.into_iter().flatten();
    of_interfaces
        .into_iter()
        .chain(of_instance.filter(|(rule, _)| is_told(*rule)))
        .map(|(_, text)| Warning::of_machine(id, text))
        .collect()
}

/// Networks whose CIDR is not that of their EC2 subnet.
pub(crate) fn other_cidrs<'a>(
    estate: &'a Estate,
    region: &'a AwsRegion,
    networks: &'a BTreeSet<NetworkName>,
) -> impl Iterator<Item = Obstacle> + 'a {
    let networks = networks.iter();
    let networks = networks.filter_map(|name| estate.networks.get(name));
    networks.filter_map(|network| {
        let subnet = region.subnets.get(&network.ec2_subnet)?;
        (subnet.cidr != network.cidr).then(|| Obstacle::OtherCidr {
            network: network.name.clone(),
            cidr: network.cidr,
            subnet: network.ec2_subnet.clone(),
            found: subnet.cidr,
        })
    })
}

/// What is in the networks' subnets, is no machine's and has no IPv4 address there: it stays, and nothing stands in its way.
pub fn left_behind(
    estate: &Estate,
    region: &AwsRegion,
    networks: &BTreeSet<NetworkName>,
) -> Vec<Warning> {
    let capture = Capture::new(estate, region, networks);
    let in_goal = region
        .enis
        .iter()
        .filter_map(|(id, eni)| Some((id, eni, capture.in_goal(&eni.subnet)?)));
    in_goal
        .filter(|(_, eni, _)| {
            let of_machine = eni
                .attached_to
                .as_ref()
                .is_some_and(|(machine, _)| region.instances.contains_key(machine));
            eni.primary.is_none() && !of_machine && !eni.is_available()
        })
        .map(|(id, eni, network)| {
            Warning::general(
                Message::new("warning-without-address-stays")
                    .with("eni", id)
                    .with("what", what(eni, None))
                    .with("network", network),
            )
        })
        .collect()
}
