//! Machines that go back to EC2: the VM is off before the instance starts, and the ledger says where the machine is.

use std::collections::BTreeSet;
use std::time::Duration;

use stayput_aws::InstanceNow;
use stayput_estate::InstanceId;
use stayput_estate::RecoveryJobExtId;
use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_messages::Message;
use stayput_plan::OverlayKind;
use stayput_world::aws::InstanceState;
use stayput_world::mv::MovePlanState;
use stayput_world::prism::PowerState;

use super::recovery::are_copies_gone;
use super::source::source_is_as_captured;
use super::vm;
use crate::StepError;
use crate::clock::Stopwatch;
use crate::context::StepContext;
use crate::error::chain;

/// How long a guest may take to shut down before its VM is powered off: Windows takes minutes to install updates (memory).
const GUEST_WITHIN: Duration = Duration::from_secs(300);
/// How long a VM may take until it is reported as off.
const OFF_WITHIN: Duration = Duration::from_secs(300);
/// How long an instance may take to start: seconds to minutes (memory).
const RUNNING_WITHIN: Duration = Duration::from_secs(900);
/// How long EC2 may show a started instance as stopped, and Move a cancelled plan as alive, before the request is repeated.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// How long Move may take to end a plan: minutes (inferred).
const ENDED_WITHIN: Duration = Duration::from_secs(900);

/// Shuts the VM of a machine down: by its guest, and if that does not answer by its power.
pub async fn shut_down(
    context: &StepContext,
    site: &SiteName,
    machine: &InstanceId,
    vm: &VmExtId,
) -> Result<bool, StepError> {
    let prism = context.prism(site)?;
    let Some(before) = vm::seen(context, site, vm).await? else {
        return Ok(false);
    };
    if before.power == PowerState::Off {
        return Ok(false);
    }
    // The instance must be able to take over right before nothing serves the addresses any more.
    let facts = context.machine(machine).await?;
    source_is_as_captured(context, machine, &facts).await?;
    context
        .record(&serde_json::json!({"vm": vm, "site": site, "before": before}))
        .await?;
    context.holds_the_lease().await?;
    prism.shutdown(vm, context.request("shutdown")).await?;
    match vm::is_off(context, site, vm, GUEST_WITHIN).await {
        Ok(()) => return Ok(true),
        Err(StepError::TooSlow { .. }) => {}
        Err(error) => return Err(error),
    }
    context.progress(None, Message::new("note-powering-off"));
    context.holds_the_lease().await?;
    prism.power_off(vm, context.request("power-off")).await?;
    vm::is_off(context, site, vm, OFF_WITHIN).await?;
    Ok(true)
}

/// Starts a machine in EC2 and records that it is there. Every VM it was must be off (promise 2 of README.md).
pub async fn start_source(
    context: &StepContext,
    region: &Region,
    machine: &InstanceId,
    was: &BTreeSet<(SiteName, VmExtId)>,
    start: bool,
) -> Result<bool, StepError> {
    for (site, vm) in was {
        let found = vm::seen(context, site, vm).await?;
        if let Some(found) = found.filter(|vm| vm.power != PowerState::Off) {
            return Err(StepError::Refused(
                Message::new("refused-served-twice")
                    .with("name", found.name)
                    .with("vm", vm)
                    .with("site", site)
                    .with("machine", machine)
                    .into(),
            ));
        }
    }
    let started = start && run(context, region, machine).await?;
    let facts = context.ledger.facts().await?;
    let known = facts.was.get(machine);
    let is_known =
        !facts.vms.contains_key(machine) && known.is_some_and(|known| was.is_subset(known));
    // One that never became a VM has not left EC2.
    let recorded = !was.is_empty() && !is_known;
    if recorded {
        let (now, by) = (context.now(), context.by());
        context.ledger.put_returned(machine, was, now, &by).await?;
    }
    Ok(started || recorded)
}

/// Starts an instance, and waits until it runs.
async fn run(
    context: &StepContext,
    region: &Region,
    machine: &InstanceId,
) -> Result<bool, StepError> {
    let aws = &context.clients.aws;
    let what = Message::new("wait-runs-in-ec2")
        .with("machine", machine)
        .to_string();
    let mut asked: Option<Stopwatch> = None;
    context
        .until(&what, RUNNING_WITHIN, async || {
            let state = match aws.instance(region, machine).await? {
                InstanceNow::Seen(instance) => instance.state,
                InstanceNow::Gone(_) => InstanceState::Terminated,
            };
            match state {
                InstanceState::Running => return Ok(Some(())),
                InstanceState::Pending | InstanceState::Stopping | InstanceState::Unknown(_) => {}
                InstanceState::Stopped => {
                    let may_ask = asked.is_none_or(|asked| asked.elapsed() > ASKED_AGAIN_AFTER);
                    if may_ask {
                        context
                            .record(&serde_json::json!({"before": "stopped"}))
                            .await?;
                        context.holds_the_lease().await?;
                        start(context, region, machine).await?;
                        asked = Some(Stopwatch::start());
                    }
                }
                InstanceState::ShuttingDown | InstanceState::Terminated => {
                    return Err(StepError::Failed {
                        what: Message::new("object-start-of")
                            .with("machine", machine)
                            .into(),
                        reason: Message::new("failed-terminated").into(),
                    });
                }
            }
            Ok(None)
        })
        .await?;
    Ok(asked.is_some())
}

/// Requests the start. Starting a running instance changes nothing, so a lost answer is resolved by the next read.
async fn start(
    context: &StepContext,
    region: &Region,
    machine: &InstanceId,
) -> Result<(), StepError> {
    let aws = &context.clients.aws;
    match aws
        .start_instances(region, std::slice::from_ref(machine))
        .await
    {
        Ok(()) => Ok(()),
        // Also when EC2 has no capacity for it now.
        Err(error) if error.may_have_taken_effect() => {
            let note = Message::new("note-start-not-confirmed").with("error", chain(&error));
            context.progress(None, note);
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Cancels a Move plan, unless it has ended.
pub async fn cancel_move_plan(
    context: &StepContext,
    site: &SiteName,
    name: &str,
) -> Result<bool, StepError> {
    let client = context.move_client(site)?;
    let plan = context.catalog.move_plan(site, name)?;
    let before = client.plan_status(&plan).await?;
    if has_ended(&before.state) {
        return Ok(false);
    }
    context
        .record(&serde_json::json!({"move_plan": plan, "before": before}))
        .await?;
    context.holds_the_lease().await?;
    client.cancel_plan(&plan).await?;
    let mut asked = Stopwatch::start();
    let what = Message::new("wait-move-plan-ended")
        .with("plan", name)
        .to_string();
    context
        .until(&what, ENDED_WITHIN, async || {
            let now = client.plan_status(&plan).await?;
            if has_ended(&now.state) {
                return Ok(Some(()));
            }
            let note = Message::new("note-move-plan-goes-on").with("plan", name);
            context.progress(None, note);
            // Something on the way may have answered for Move.
            if asked.elapsed() > ASKED_AGAIN_AFTER {
                context.holds_the_lease().await?;
                client.cancel_plan(&plan).await?;
                asked = Stopwatch::start();
            }
            Ok(None)
        })
        .await?;
    Ok(true)
}

fn has_ended(state: &MovePlanState) -> bool {
    match state {
        MovePlanState::Completed | MovePlanState::Failed | MovePlanState::Aborted => true,
        MovePlanState::NotStarted
        | MovePlanState::InProgress
        | MovePlanState::Paused
        | MovePlanState::Unknown(_) => false,
    }
}

/// Removes the NICs of a VM that was a machine from the estate's overlay subnets. The addresses are in the ledger, and the machine in EC2.
pub async fn release_nics(
    context: &StepContext,
    site: &SiteName,
    machine: &InstanceId,
    vm: &VmExtId,
) -> Result<bool, StepError> {
    let prism = context.prism(site)?;
    let Some(before) = vm::seen(context, site, vm).await? else {
        return Ok(false);
    };
    let networks = context.estate.networks.keys();
    let overlays: BTreeSet<_> = networks
        .filter_map(|network| {
            let catalog = &context.catalog;
            catalog.find_subnet(site, OverlayKind::Production, network)
        })
        .collect();
    let is_ours = |subnet: &Option<_>| {
        let subnet = subnet.as_ref();
        subnet.is_some_and(|subnet| overlays.contains(subnet))
    };
    let nics: Vec<_> = before
        .nics
        .iter()
        .filter(|nic| is_ours(&nic.subnet))
        .collect();
    if nics.is_empty() {
        return Ok(false);
    }
    if before.power != PowerState::Off {
        return Err(StepError::Refused(
            Message::new("refused-nics-of-running")
                .with("name", before.name)
                .with("vm", vm)
                .with("site", site)
                .into(),
        ));
    }
    // Promise 1: its addresses are on record, and it is another's by the ledger's word.
    context.machine(machine).await?;
    if !context.ledger.facts().await?.has_returned(machine) {
        return Err(StepError::Refused(
            Message::new("refused-nics-of-current")
                .with("machine", machine)
                .into(),
        ));
    }
    context
        .record(&serde_json::json!({"vm": vm, "before": before.nics}))
        .await?;
    for nic in nics {
        context.holds_the_lease().await?;
        let request = context.request(&format!("delete/{}", nic.id));
        prism
            .delete_nic_if(vm, &nic.id, request, |now| is_ours(&now.subnet))
            .await?;
    }
    Ok(true)
}

/// Removes the copies that these tests have made.
pub async fn remove_copies(
    context: &StepContext,
    plan: &str,
    site: &SiteName,
    jobs: &BTreeSet<RecoveryJobExtId>,
) -> Result<bool, StepError> {
    let prism = context.prism(site)?;
    let jobs: Vec<_> = jobs.iter().cloned().collect();
    if are_copies_gone(prism, &jobs).await? {
        return Ok(false);
    }
    let plan = context.catalog.plan(site, plan)?;
    context.record(&serde_json::json!({"jobs": jobs})).await?;
    prism.clean_up(&plan, context.request("clean-up")).await?;
    Ok(true)
}
