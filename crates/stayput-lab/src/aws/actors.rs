//! Changes of EC2 by other parts of the lab: Move stops instances, NC2 writes routes.

use std::collections::BTreeSet;

use stayput_estate::Cidr;

use super::AwsEvent;
use super::model::AttachmentKind;
use super::model::InstanceState;
use super::model::RegionState;
use super::model::RouteTarget;
use super::query::Fault;
use super::routing;
use crate::state::LabEvent;
use crate::state::LabState;

/// Asks an instance to stop; it is stopped after `timing.instance`. Returns its state before; stopping a stopped or stopping
/// instance does nothing.
///
/// # Errors
/// `InvalidInstanceID.NotFound`, or `IncorrectInstanceState` when it is terminated or still starting.
pub fn stop_instance(lab: &mut LabState, region: &str, id: &str) -> Result<InstanceState, Fault> {
    let instance = instance_mut(lab, region, id)?;
    let before = instance.state;
    match before {
        InstanceState::Stopped | InstanceState::Stopping => {}
        InstanceState::Running => {
            instance.state = InstanceState::Stopping;
            settle(lab, region, id);
        }
        InstanceState::Pending | InstanceState::Terminated => {
            return Err(incorrect_state(id, "stopped"));
        }
    }
    Ok(before)
}

/// Asks an instance to start; it runs after `timing.instance`. Returns its state before; starting a running or starting instance
/// does nothing.
///
/// # Errors
/// `InvalidInstanceID.NotFound`, or `IncorrectInstanceState` when it is terminated or still stopping.
pub fn start_instance(lab: &mut LabState, region: &str, id: &str) -> Result<InstanceState, Fault> {
    let instance = instance_mut(lab, region, id)?;
    let before = instance.state;
    match before {
        InstanceState::Running | InstanceState::Pending => {}
        InstanceState::Stopped => {
            instance.state = InstanceState::Pending;
            settle(lab, region, id);
        }
        InstanceState::Stopping | InstanceState::Terminated => {
            return Err(incorrect_state(id, "started"));
        }
    }
    Ok(before)
}

fn incorrect_state(id: &str, wanted: &str) -> Fault {
    Fault::bad(
        "IncorrectInstanceState",
        format!("The instance '{id}' is not in a state from which it can be {wanted}."),
    )
}

fn instance_mut<'a>(
    lab: &'a mut LabState,
    region: &str,
    id: &str,
) -> Result<&'a mut super::model::Instance, Fault> {
    lab.aws
        .regions
        .get_mut(region)
        .and_then(|region| region.instances.get_mut(id))
        .ok_or_else(|| {
            Fault::bad(
                "InvalidInstanceID.NotFound",
                format!("The instance ID '{id}' does not exist"),
            )
        })
}

/// Queues the end of an instance's transition.
pub(super) fn settle(lab: &mut LabState, region: &str, id: &str) {
    let event = AwsEvent::InstanceSettles(region.to_owned(), id.to_owned());
    lab.after(lab.timing.instance, LabEvent::Aws(event));
}

/// Ends an instance's transition.
pub(super) fn instance_settles(lab: &mut LabState, region: &str, id: &str) {
    if let Ok(instance) = instance_mut(lab, region, id) {
        instance.state = match instance.state {
            InstanceState::Pending => InstanceState::Running,
            InstanceState::Stopping => InstanceState::Stopped,
            settled @ (InstanceState::Running
            | InstanceState::Stopped
            | InstanceState::Terminated) => settled,
        };
    }
}

/// Returns the VPC route tables to which NC2 writes externally routable prefixes: the main one, and those of the subnets with a
/// Transit Gateway interface, in any state of the attachment, because NC2 has no permission to read it (AWS reference §4).
/// (memory: which other tables it writes depends on its version.)
pub fn nc2_route_tables(region: &RegionState, vpc: &str) -> BTreeSet<String> {
    let main = region
        .route_tables
        .iter()
        .filter(|(_, table)| table.main && table.vpc == vpc)
        .map(|(id, _)| id.clone());
    let entered = region
        .attachments
        .values()
        .filter_map(|attachment| match &attachment.kind {
            AttachmentKind::Vpc {
                vpc: attached,
                subnets,
            } if attached == vpc => Some(subnets),
            AttachmentKind::Vpc { .. }
            | AttachmentKind::Vpn(_)
            | AttachmentKind::DirectConnect(_)
            | AttachmentKind::Peering { .. } => None,
        })
        .flatten()
        .filter_map(|subnet| routing::subnet_table(region, subnet))
        .map(str::to_owned);
    main.chain(entered).collect()
}

/// Applies NC2's change of an externally routable prefix that is added, moves to another host's interface, or is removed: writes
/// `cidr → eni`, or deletes its route, in [`nc2_route_tables`]. A removal does not change routes to other targets.
pub fn set_nc2_route(lab: &mut LabState, region: &str, vpc: &str, cidr: Cidr, eni: Option<&str>) {
    let Some(state) = lab.aws.regions.get_mut(region) else {
        return;
    };
    for id in nc2_route_tables(state, vpc) {
        let Some(table) = state.route_tables.get_mut(&id) else {
            continue;
        };
        match eni {
            Some(eni) => {
                table.routes.insert(cidr, RouteTarget::Eni(eni.to_owned()));
            }
            None => {
                if matches!(table.routes.get(&cidr), Some(RouteTarget::Eni(_))) {
                    table.routes.remove(&cidr);
                }
            }
        }
    }
}
