//! Replication and cutover with Nutanix Move.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use stayput_estate::InstanceId;
use stayput_estate::MovePlanId;
use stayput_estate::MoveVmId;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_estate::VpcId;
use stayput_messages::Message;
use stayput_nutanix::GuestCredentials;
use stayput_nutanix::MoveClient;
use stayput_nutanix::MoveError;
use stayput_nutanix::MovePlanSpec;
use stayput_nutanix::PrepareSpec;
use stayput_plan::OverlayKind;
use stayput_world::mv::MovePlan;
use stayput_world::mv::MovePlanState;
use stayput_world::mv::MoveProviderKind;
use stayput_world::mv::MoveVm;

use super::source::source_is_as_captured;
use super::source::source_is_stopped;
use crate::StepError;
use crate::clock::Stopwatch;
use crate::context::StepContext;

/// How long seeding may take. Days are normal for large disks over thin lines (Move reference §10).
const SEEDED_WITHIN: Duration = Duration::from_secs(14 * 24 * 3600);
/// How long a cutover may take once requested.
const CUT_OVER_WITHIN: Duration = Duration::from_secs(12 * 3600);
/// How long Move may continue to offer a cutover that was requested, before it is requested again. Move takes seconds to act (inferred).
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// What Move offers while a VM may be cut over. Gate on this, not on state names (Move reference §7).
const CUTOVER: &str = "CUTOVER";

/// What Move offers while a failed VM can be retried (Move reference §6).
const RETRY: &str = "RETRY";

/// How long Move may take to start a retry: seconds (inferred).
const RETRIED_WITHIN: Duration = Duration::from_secs(300);

fn offers(vm: &MoveVm, wanted: &str) -> bool {
    let mut actions = vm.actions.iter();
    actions.any(|action| action.eq_ignore_ascii_case(wanted))
}

fn may_cut_over(vm: &MoveVm) -> bool {
    offers(vm, CUTOVER)
}

fn failed(plan: &str, vm: &MoveVm) -> Option<StepError> {
    let reason = vm.error.clone()?;
    Some(StepError::Failed {
        what: Message::new("object-move-plan").with("plan", plan).into(),
        reason,
    })
}

/// Whether the VM is being cut over or is cut over.
fn is_past_ready(vm: &MoveVm) -> bool {
    vm.completed
        || vm.state.to_ascii_lowercase().contains("cutoverinprogress")
        || vm.state.to_ascii_lowercase().contains("lastsync")
}

pub async fn replicate(
    context: &StepContext,
    site: &SiteName,
    name: &str,
    source_vpc: &VpcId,
    network: &NetworkName,
    machines: &BTreeSet<InstanceId>,
) -> Result<bool, StepError> {
    let client = context.move_client(site)?;
    let config = context.move_config(site)?;
    let world = context.move_world(site)?;
    let region = &context.estate.source.region;
    let missing = |what: Message| StepError::Missing {
        what: what.into(),
        site: site.clone(),
    };
    let mut vms = BTreeMap::new();
    for machine in machines {
        let workload = world.workloads.get(machine);
        let workload = workload
            .ok_or_else(|| missing(Message::new("object-in-inventory").with("machine", machine)))?;
        vms.insert(workload.id.clone(), machine.clone());
    }
    let provider = |kind: &MoveProviderKind, name: &str| {
        world
            .providers
            .iter()
            .find(|(_, provider)| provider.kind == *kind && provider.name == name)
    };
    let source = provider(&MoveProviderKind::Aws, &config.source_provider);
    let target = provider(&MoveProviderKind::Aos, &config.target_provider);
    let (source, _) = source.ok_or_else(|| {
        missing(Message::new("object-aws-provider").with("provider", &config.source_provider))
    })?;
    let (target, inventory) = target.ok_or_else(|| {
        missing(Message::new("object-aos-provider").with("provider", &config.target_provider))
    })?;
    let (cluster, container) = inventory
        .clusters
        .iter()
        .find_map(|(id, cluster)| {
            Some((
                id.clone(),
                cluster.containers.get(&config.container)?.clone(),
            ))
        })
        .ok_or_else(|| {
            missing(Message::new("object-container").with("container", &config.container))
        })?;
    let target_subnet = context
        .catalog
        .subnet(site, OverlayKind::Production, network)?;
    if !inventory
        .clusters
        .values()
        .any(|cluster| cluster.networks.contains_key(&target_subnet))
    {
        // The subnet was created after Move last read its target.
        context
            .watcher
            .refresh_once(site, client, &config.source_provider, region)
            .await?;
    }
    let existed = world.plans.values().any(|plan| plan.name == name);
    let spec = MovePlanSpec {
        name: name.to_owned(),
        source: source.clone(),
        region: region.clone(),
        target: target.clone(),
        cluster,
        container,
        source_network: source_vpc.to_string(),
        target_subnet,
        vms: vms.clone(),
    };
    let plan = client.create_plan(&spec).await?;
    context.catalog.put_move_plan(site, name, plan.clone());
    let created = !existed;
    context
        .record(&serde_json::json!({"move_plan": plan, "created": created}))
        .await?;
    let seen = client.plan_status(&plan).await?;
    if seen.state == MovePlanState::NotStarted {
        context.progress(None, Message::new("note-preparing"));
        let spec = PrepareSpec {
            region: region.clone(),
            credentials: GuestCredentials::default(),
            vms: vms.keys().cloned().collect(),
        };
        client.prepare(&plan, &spec).await?;
        client.readiness(&plan).await?;
        client.start(&plan).await?;
    }
    let mut changed = created || seen.state == MovePlanState::NotStarted;
    changed |= try_again(context, client, (name, &plan), &seen, &vms).await?;
    let what = Message::new("wait-replication")
        .with("name", name)
        .to_string();
    let wanted: Vec<MoveVmId> = vms.into_keys().collect();
    context
        .until(&what, SEEDED_WITHIN, async || {
            let seen = context.watcher.look(site, client, &plan).await?;
            let mut ready = 0;
            let mut sum = 0;
            for id in &wanted {
                let Some(vm) = seen.vms.get(id) else { continue };
                if let Some(error) = failed(name, vm) {
                    return Err(error);
                }
                let arrived = may_cut_over(vm) || is_past_ready(vm);
                ready += usize::from(arrived);
                sum += if arrived {
                    100
                } else {
                    usize::from(vm.progress.unwrap_or(0))
                };
            }
            plan_is_alive(name, &seen)?;
            let percent = u8::try_from(sum / wanted.len().max(1)).ok();
            context.progress(
                percent,
                Message::new("note-ready")
                    .with("ready", ready)
                    .count("machines", wanted.len()),
            );
            Ok((ready == wanted.len()).then_some(()))
        })
        .await?;
    Ok(changed)
}

/// Requests a retry of the VMs that failed in an earlier attempt, where Move offers it: a retry needs no new copy, and Move keeps whether
/// the source was running.
async fn try_again(
    context: &StepContext,
    client: &MoveClient,
    (name, plan): (&str, &MovePlanId),
    seen: &MovePlan,
    vms: &BTreeMap<MoveVmId, InstanceId>,
) -> Result<bool, StepError> {
    let failed: Vec<_> = vms
        .iter()
        .filter_map(|(id, machine)| Some((id, machine, seen.vms.get(id)?)))
        .filter(|(_, _, vm)| vm.error.is_some() && offers(vm, RETRY))
        .collect();
    for (id, machine, vm) in &failed {
        context
            .record(&serde_json::json!({"failed": vm, "machine": machine}))
            .await?;
        context.progress(None, Message::new("note-retrying").with("machine", machine));
        context.holds_the_lease().await?;
        client.retry_vm(plan, id).await?;
    }
    if failed.is_empty() {
        return Ok(false);
    }
    // Until Move has started the retry, it continues to show the earlier error.
    let what = Message::new("wait-retry").with("name", name).to_string();
    context
        .until(&what, RETRIED_WITHIN, async || {
            let now = client.plan_status(plan).await?;
            let shows_failure =
                |id: &MoveVmId| now.vms.get(id).is_some_and(|vm| vm.error.is_some());
            let any = failed.iter().any(|(id, _, _)| shows_failure(id));
            Ok((!any).then_some(()))
        })
        .await?;
    Ok(true)
}

fn plan_is_alive(name: &str, plan: &MovePlan) -> Result<(), StepError> {
    match &plan.state {
        MovePlanState::Failed | MovePlanState::Aborted => Err(StepError::Failed {
            what: Message::new("object-move-plan").with("plan", name).into(),
            reason: Message::new("failed-move-plan")
                .with("state", format!("{:?}", plan.state).to_lowercase())
                .into(),
        }),
        MovePlanState::NotStarted
        | MovePlanState::InProgress
        | MovePlanState::Paused
        | MovePlanState::Completed
        | MovePlanState::Unknown(_) => Ok(()),
    }
}

pub async fn cutover(
    context: &StepContext,
    site: &SiteName,
    name: &str,
    machine: &InstanceId,
) -> Result<bool, StepError> {
    let client = context.move_client(site)?;
    let facts = context.machine(machine).await?;
    let workload = context
        .move_world(site)?
        .workloads
        .get(machine)
        .map(|workload| workload.id.clone());
    let missing = |what: Message| StepError::Missing {
        what: what.into(),
        site: site.clone(),
    };
    let workload = workload
        .ok_or_else(|| missing(Message::new("object-in-inventory").with("machine", machine)))?;
    let plan = context.catalog.move_plan(site, name)?;
    let look = async || -> Result<MoveVm, StepError> {
        let seen = context.watcher.look(site, client, &plan).await?;
        seen.vms.get(&workload).cloned().ok_or_else(|| {
            missing(
                Message::new("object-in-move-plan")
                    .with("machine", machine)
                    .with("name", name),
            )
        })
    };
    let what = Message::new("wait-cutover")
        .with("machine", machine)
        .to_string();
    let mut asked: Option<Stopwatch> = None;
    let vm = context
        .until(&what, CUT_OVER_WITHIN, async || {
            let seen = look().await?;
            if let Some(error) = failed(name, &seen) {
                return Err(error);
            }
            context.progress(seen.progress, seen.state.clone());
            match (seen.completed, &seen.vm) {
                (true, Some(vm)) => return Ok(Some(vm.clone())),
                (true, None) => {
                    return Err(StepError::Failed {
                        what: Message::new("object-move-plan").with("plan", name).into(),
                        reason: Message::new("failed-became-unknown")
                            .with("machine", machine)
                            .into(),
                    });
                }
                (false, _) => {}
            }
            // By what is offered now, not by one read: Move may offer it late, or lose the request.
            let may_ask = asked.is_none_or(|asked| asked.elapsed() > ASKED_AGAIN_AFTER);
            if may_cut_over(&seen) && may_ask {
                source_is_as_captured(context, machine, &facts).await?;
                context.holds_the_lease().await?;
                ask_for_cutover(client, &plan, &workload).await?;
                asked = Some(Stopwatch::start());
            }
            Ok(None)
        })
        .await?;
    source_is_stopped(context, machine).await?;
    let arrived = context.prism(site)?.vm(&vm).await?.ok_or_else(|| {
        missing(
            Message::new("object-made-by-move")
                .with("vm", &vm)
                .with("machine", machine),
        )
    })?;
    context.became(machine, site, &vm).await?;
    context
        .record(&serde_json::json!({"vm": vm, "arrived": arrived, "facts": facts}))
        .await?;
    Ok(asked.is_some())
}

/// Requests the cutover of a VM. The next read resolves a lost answer, and a state in which Move no longer offers it.
async fn ask_for_cutover(
    client: &MoveClient,
    plan: &MovePlanId,
    workload: &MoveVmId,
) -> Result<(), StepError> {
    match client.cutover(plan, workload).await {
        Ok(()) | Err(MoveError::NotOffered(_)) => Ok(()),
        Err(error) if error.may_have_taken_effect() => Ok(()),
        Err(error) => Err(error.into()),
    }
}
