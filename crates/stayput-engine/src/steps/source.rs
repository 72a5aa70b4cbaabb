//! The EC2 side of a machine, read right before a step depends on it.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_aws::InstanceNow;
use stayput_aws::InterfacesNow;
use stayput_estate::InstanceId;
use stayput_estate::mutants::Mutant;
use stayput_messages::Message;
use stayput_world::MachineFacts;
use stayput_world::System;
use stayput_world::aws::InstanceState;

use crate::StepError;
use crate::context::StepContext;

/// Promise 2: the source is stopped before the target gets its address, unless its region is lost by the operator's word and silent.
/// Requested by id: an answer that is not about the instance is an
/// error, never a stopped instance.
pub async fn source_is_stopped(
    context: &StepContext,
    machine: &InstanceId,
) -> Result<(), StepError> {
    if Mutant::SourceNotChecked.is_chosen() {
        return Ok(());
    }
    let region = &context.estate.source.region;
    // It does not answer, and an unplanned failover must end without it. When it answers again, an instance that runs is named.
    if context.is_lost(&System::Aws(region.clone())) {
        return Ok(());
    }
    match context.clients.aws.instance(region, machine).await? {
        InstanceNow::Gone(_) => Ok(()),
        InstanceNow::Seen(instance) => match instance.state {
            InstanceState::Stopped | InstanceState::Terminated => Ok(()),
            state @ (InstanceState::Pending
            | InstanceState::Running
            | InstanceState::Stopping
            | InstanceState::ShuttingDown
            | InstanceState::Unknown(_)) => Err(StepError::Refused(
                Message::new("refused-source-runs")
                    .with("machine", machine)
                    .with("state", format_args!("{:?}", state))
                    .into(),
            )),
        },
    }
}

/// The machine has the addresses that were captured, and no others: seeding takes days, and an address that is assigned meanwhile would
/// be lost.
pub async fn source_is_as_captured(
    context: &StepContext,
    machine: &InstanceId,
    facts: &MachineFacts,
) -> Result<(), StepError> {
    let region = &context.estate.source.region;
    let aws = &context.clients.aws;
    let mut found = aws
        .interfaces_of(region, std::slice::from_ref(machine))
        .await?;
    let label = &facts.label(machine);
    let expected: BTreeSet<Ipv4Addr> = facts.addresses().collect();
    let has: BTreeSet<Ipv4Addr> = match found.remove(machine) {
        Some(InterfacesNow::Seen(seen)) => {
            seen.enis.values().flat_map(|eni| eni.addresses()).collect()
        }
        Some(InterfacesNow::Gone(_)) | None => {
            return Err(StepError::WorldChanged {
                what: Message::new("object-machine")
                    .with("label", label)
                    .with("machine", machine)
                    .into(),
                found: Message::new("found-not-in-ec2").into(),
                expected: Message::new("expected-instance").into(),
            });
        }
    };
    if has == expected {
        return Ok(());
    }
    Err(StepError::WorldChanged {
        what: Message::new("object-addresses-of")
            .with("label", label)
            .with("machine", machine)
            .into(),
        found: list(&has),
        expected: list(&expected),
    })
}

fn list(addresses: &BTreeSet<Ipv4Addr>) -> String {
    let texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    texts.join(", ")
}
