//! Capture: from what EC2 reports to the facts that must survive. Keyed by instance id, never by name.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::Estate;
use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::SubnetId;
use stayput_world::AwsRegion;
use stayput_world::MachineFacts;
use stayput_world::NicFacts;
use stayput_world::World;
use stayput_world::aws::Eni;
use stayput_world::aws::InstanceState;

use crate::Obstacle;

/// What EC2 says about the machines with an interface in `networks`, and what stands in their way.
pub fn observe_facts(
    estate: &Estate,
    world: &World,
    networks: &BTreeSet<NetworkName>,
) -> (BTreeMap<InstanceId, MachineFacts>, BTreeSet<Obstacle>) {
    let mut facts = BTreeMap::new();
    let mut obstacles = BTreeSet::new();
    let Some(region) = world.aws.get(&estate.source.region) else {
        return (facts, obstacles);
    };
    let network_of: BTreeMap<&SubnetId, &NetworkName> = estate
        .networks
        .values()
        .map(|network| (&network.ec2_subnet, &network.name))
        .collect();
    let in_goal = |eni: &Eni| {
        network_of
            .get(&eni.subnet)
            .is_some_and(|name| networks.contains(*name))
    };

    for (id, eni) in region.enis.iter().filter(|(_, eni)| in_goal(eni)) {
        let movable = eni
            .attached_to
            .as_ref()
            .is_some_and(|(instance, _)| region.instances.contains_key(instance));
        if movable || !eni.in_use && !eni.requester_managed {
            continue;
        }
        let what = [eni.interface_type.as_str(), eni.description.as_str()]
            .into_iter()
            .filter(|t| !t.is_empty());
        obstacles.insert(Obstacle::UnmovableInterface {
            network: network_of[&eni.subnet].clone(),
            eni: id.clone(),
            address: eni.primary,
            what: what.collect::<Vec<_>>().join(", "),
        });
    }
    for (id, instance) in &region.instances {
        let enis: Vec<_> = instance
            .enis
            .iter()
            .filter_map(|eni| region.enis.get_key_value(eni))
            .collect();
        if !enis.iter().any(|(_, eni)| in_goal(eni)) {
            continue;
        }
        let label = instance
            .tags
            .get("Name")
            .cloned()
            .unwrap_or_else(|| id.to_string());
        let mut nics = Vec::new();
        for (eni_id, eni) in enis {
            match network_of.get(&eni.subnet) {
                Some(network) => nics.push(NicFacts {
                    device_index: eni.attached_to.as_ref().map_or(0, |(_, index)| *index),
                    eni: eni_id.clone(),
                    mac: eni.mac,
                    subnet: eni.subnet.clone(),
                    network: (*network).clone(),
                    primary: eni.primary,
                    secondary: eni.secondary.clone(),
                }),
                None => {
                    obstacles.insert(Obstacle::ForeignInterface {
                        machine: id.clone(),
                        label: label.clone(),
                        eni: eni_id.clone(),
                        address: eni.primary,
                    });
                }
            }
        }
        nics.sort_by_key(|nic| nic.device_index);
        for nic in nics.iter().filter(|nic| !networks.contains(&nic.network)) {
            obstacles.insert(Obstacle::SpansNetworks {
                machine: id.clone(),
                label: label.clone(),
                network: nic.network.clone(),
            });
        }
        if instance.architecture.starts_with("arm64") {
            let reason = "its architecture is arm64 and AHV on bare metal x86 has none".to_owned();
            obstacles.insert(Obstacle::CannotRun {
                machine: id.clone(),
                label: label.clone(),
                reason,
            });
        }
        facts.insert(
            id.clone(),
            MachineFacts {
                name: instance.tags.get("Name").cloned(),
                platform: instance.platform.clone(),
                instance_type: instance.instance_type.clone(),
                was_running: matches!(
                    instance.state,
                    InstanceState::Running | InstanceState::Pending
                ),
                nics,
                tags: instance.tags.clone(),
            },
        );
    }
    (facts, obstacles)
}

/// What of a machine will not come along, for the operator to know.
pub fn losses(region: &AwsRegion, id: &InstanceId, facts: &MachineFacts) -> Vec<String> {
    let label = facts.label(id);
    let mut losses = Vec::new();
    for eni in facts
        .nics
        .iter()
        .filter_map(|nic| region.enis.get(&nic.eni))
    {
        for (private, public) in &eni.public {
            losses.push(format!(
                "{label}: public address {public} of {private} stays in EC2"
            ));
        }
        for lost in &eni.not_carried {
            losses.push(format!("{label}: {lost} is not carried over"));
        }
        if !eni.source_dest_check {
            losses.push(format!("{label}: source/destination check is off on {}; what it routes for must be moved too", eni.primary));
        }
    }
    losses
}
