//! NIC restores a second against a slow lab, beside what its latencies allow.
//!
//! The machines are moved for real first. Then their NICs are made wrong again, through the Prism client, and the engine restores
//! them: only that run is measured.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use futures::StreamExt;
use futures::TryStreamExt;
use serde_json::Value;
use serde_json::json;
use stayput_engine::Engine;
use stayput_engine::Observation;
use stayput_engine::Session;
use stayput_engine::Stop;
use stayput_estate::Estate;
use stayput_estate::InstanceId;
use stayput_estate::NicExtId;
use stayput_estate::SiteName;
use stayput_estate::SubnetExtId;
use stayput_estate::VmExtId;
use stayput_lab::LabOptions;
use stayput_messages::Message;
use stayput_nutanix::NicSpec;
use stayput_nutanix::PrismClient;
use stayput_nutanix::PrismError;
use stayput_nutanix::RequestId;
use stayput_plan::Action;
use stayput_plan::Goal;
use stayput_plan::Place;
use stayput_plan::Plan;
use stayput_plan::Survey;
use stayput_world::World;

use super::BenchLab;
use super::BenchOptions;
use super::BenchReport;
use super::open;
use super::sizes;
use super::table;
use crate::control::Control;
use crate::error::RehearsalError;
use crate::lab_engine;
use crate::narrator::Narrator;

/// Concurrency and how many machines give a steady figure at it.
const USUAL: [(usize, usize); 3] = [(1, 8), (16, 96), (64, 256)];
/// What every answer takes, in milliseconds of wall time.
const LATENCY_MS: u64 = 200;
/// What a Prism task takes at speed 1, in milliseconds (the lab's `Timing::prism_task`).
const TASK_MS: u64 = 2000;
/// Calls one restore cannot do without, one after the other, that are not the start of a task: look at the VM, at the EC2 instance;
/// to add: look at the VM for its ETag, at the task, at the NIC made; to delete: look at the NIC for its ETag, at the task;
/// look at the VM.
const CALLS: u64 = 8;
/// Tasks of one restore: add a NIC, delete a NIC. The call that starts a task passes while the task runs.
const TASKS: u64 = 2;
/// Calls to Prism Central of one restore at least: all but the look at EC2, and the two that start tasks.
const PRISM_CALLS: u64 = CALLS - 1 + TASKS;
/// Calls that the Prism client has under way at once, so as to stay in the budget of a small Prism Central.
const PRISM_AT_ONCE: u64 = 8;
/// How many NICs are made wrong side by side.
const MADE_WRONG_AT_ONCE: usize = 8;

/// Measures NIC restores. For each concurrency one probe, all against one lab.
///
/// # Errors
/// The lab does not start, or a command or probe fails.
pub async fn run(
    options: &BenchOptions,
    narrator: &dyn Narrator,
) -> Result<BenchReport, RehearsalError> {
    let concurrencies: Vec<_> = USUAL.iter().map(|(concurrency, _)| *concurrency).collect();
    let cases: Vec<(usize, usize)> = sizes(&options.concurrency, &concurrencies)
        .iter()
        .enumerate()
        .map(|(at, &concurrency)| {
            let usual = USUAL.iter().find(|(usual, _)| *usual == concurrency);
            let machines = usual.map_or(concurrency.saturating_mul(4).max(8), |(_, machines)| {
                *machines
            });
            (
                concurrency.max(1),
                options.machines.get(at).copied().unwrap_or(machines),
            )
        })
        .collect();
    let most = cases
        .iter()
        .map(|(_, machines)| *machines)
        .max()
        .unwrap_or(1);
    // Some machines of the scenario have several NICs or are off, and are not measured.
    let bench = BenchLab::up(&options.program, most + 12).await?;
    let measured = measure(narrator, &bench, &cases, options.poll).await;
    bench.down().await?;
    let figures = measured?;
    let header = [
        Message::new("bench-nics-at-once"),
        Message::new("bench-machines"),
        Message::new("bench-nics-wall"),
        Message::new("bench-nics-rate"),
        Message::new("bench-nics-floor"),
        Message::new("bench-nics-of-floor"),
        Message::new("bench-nics-client"),
        Message::new("bench-nics-median"),
    ];
    let rows: Vec<_> = figures
        .iter()
        .map(|figure| {
            let rate = |key: &str| format!("{:.2}/s", figure[key].as_f64().unwrap_or(0.0));
            let time = |key: &str| format!("{:.1} s", figure[key].as_f64().unwrap_or(0.0) / 1000.0);
            vec![
                figure["concurrency"].to_string(),
                figure["machines"].to_string(),
                time("wall_ms"),
                rate("rate"),
                rate("floor_rate"),
                format!(
                    "{:.0} %",
                    100.0 * figure["of_floor"].as_f64().unwrap_or(0.0)
                ),
                rate("client_rate"),
                time("median_ms"),
            ]
        })
        .collect();
    Ok(BenchReport {
        table: table(&header, &rows),
        figures,
    })
}

async fn measure(
    narrator: &dyn Narrator,
    bench: &BenchLab<'_>,
    cases: &[(usize, usize)],
    poll: Duration,
) -> Result<Vec<Value>, RehearsalError> {
    narrator.say(&Message::new("bench-nics-moving").to_string());
    let mut words = vec!["apply".to_owned(), "move".to_owned()];
    words.extend(bench.networks()?);
    words.push("--yes".to_owned());
    bench.command(&words).await?;
    let mut figures = Vec::new();
    for &(concurrency, machines) in cases {
        let told = Message::new("bench-nics-run")
            .count("machines", machines)
            .with("concurrency", concurrency);
        narrator.say(&told.to_string());
        let words = [
            "bench",
            "nics-probe",
            "--machines",
            &machines.to_string(),
            "--concurrency",
            &concurrency.to_string(),
            "--poll",
            &poll.as_millis().to_string(),
        ]
        .map(str::to_owned);
        figures.push(bench.command(&words).await?);
    }
    Ok(figures)
}

/// In the lab in a folder: makes the NICs of so many machines wrong, makes the lab slow, and measures the engine restoring them, so many machines at
/// once, with this pause between two looks at a task. To be run in a process of its own; `operator` is for the journal.
///
/// # Errors
/// Too few machines are fit for it, the lab does not answer, or the restore fails.
pub async fn probe(
    lab_dir: &Path,
    machines: usize,
    concurrency: usize,
    poll: Duration,
    operator: &str,
) -> Result<Value, RehearsalError> {
    let (endpoints, fast) = open(lab_dir)?;
    let estate = &fast.estate;
    make_nics_wrong(&fast, machines).await?;
    let seen = fast.look().await?;
    let goal = Goal::Move {
        networks: estate.networks.keys().cloned().collect(),
        canaries: Default::default(),
        leave_out: Default::default(),
    };
    let plan = stayput_plan::plan(estate, &seen.world, &seen.facts, &goal)?;
    let plan = only_restores(plan, machines)?;

    let mut slowly = Estate::clone(estate);
    slowly.engine.concurrency = concurrency;
    slowly.engine.poll_interval = poll;
    let slow = lab_engine::engine(&endpoints, slowly.into())?;
    // What a run has negotiated before its first restore: the planning of a real one has contacted every system.
    slow.look().await?;
    let control = Control::of(&endpoints)?;
    let usual_speed = LabOptions::default().speed;
    set_pace(&control, 1.0, LATENCY_MS).await?;
    let start = Instant::now();
    let session = Session::new(slow, operator, Stop::never());
    let applied = async { session.lock().await?.rehearse_unproven(&plan, &seen).await }.await;
    let wall = start.elapsed();
    set_pace(&control, usual_speed, 0).await?;
    let report = applied?;
    if report.len() != machines || report.iter().any(|step| !step.changed) {
        return Err(RehearsalError::NothingMeasured);
    }

    let single_ms = CALLS * LATENCY_MS + TASKS * TASK_MS;
    let rounds = machines.div_ceil(concurrency.max(1)) as u64;
    let floor_ms = rounds * single_ms;
    let per_second = |ms: u64| machines as f64 * 1000.0 / ms.max(1) as f64;
    let wall_ms = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
    Ok(json!({
        "ok": true,
        "machines": machines,
        "concurrency": concurrency,
        "poll_ms": u64::try_from(poll.as_millis()).unwrap_or(u64::MAX),
        "wall_ms": wall_ms,
        "rate": per_second(wall_ms),
        "single_floor_ms": single_ms,
        "floor_ms": floor_ms,
        "floor_rate": per_second(floor_ms),
        "of_floor": floor_ms as f64 / wall_ms.max(1) as f64,
        "client_rate": PRISM_AT_ONCE as f64 * 1000.0 / (PRISM_CALLS * LATENCY_MS) as f64,
        "median_ms": super::median(report.iter().map(|step| step.ms).collect()),
    }))
}

/// How fast the lab's time runs, and how long its answers take at least.
async fn set_pace(control: &Control, speed: f64, latency_ms: u64) -> Result<(), RehearsalError> {
    control.set_speed(speed).await?;
    control
        .tell("/latency", &json!({ "ms": latency_ms }))
        .await?;
    Ok(())
}

/// The plan's restores, and nothing else.
fn only_restores(mut plan: Plan, machines: usize) -> Result<Plan, RehearsalError> {
    plan.steps
        .retain(|step| matches!(step.action, Action::RestoreNics { .. }));
    for step in &mut plan.steps {
        step.needs = Arc::default();
    }
    if plan.steps.len() == machines {
        Ok(plan)
    } else {
        Err(RehearsalError::OtherPlan {
            wrong: machines,
            restored: plan.steps.len(),
        })
    }
}

/// A VM with one right NIC, and the wrong address it gets.
struct WrongNic {
    site: SiteName,
    vm: VmExtId,
    nic: NicExtId,
    subnet: SubnetExtId,
    address: Ipv4Addr,
}

/// Gives machines an address of the pool instead of their own, as they have it when Move is done.
async fn make_nics_wrong(engine: &Engine, machines: usize) -> Result<(), RehearsalError> {
    let Observation { world, facts } = engine.look().await?;
    let names = engine.estate.networks.keys().cloned().collect();
    let survey = Survey::new(&engine.estate, &world, &facts, &names);
    let wrong: Vec<_> = wrong_addresses(&survey, &world)
        .into_iter()
        .take(machines)
        .collect();
    if wrong.len() < machines {
        return Err(RehearsalError::TooFewMachines { found: wrong.len() });
    }
    futures::stream::iter(wrong)
        .map(|one| async move {
            let prism = &engine.clients.prism[&one.site];
            make_wrong(prism, &one).await
        })
        .buffer_unordered(MADE_WRONG_AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(())
}

async fn make_wrong(prism: &PrismClient, one: &WrongNic) -> Result<(), PrismError> {
    let spec = NicSpec {
        subnet: one.subnet.clone(),
        address: one.address,
        secondary: Vec::new(),
        mac: None,
    };
    prism
        .create_nic(&one.vm, &spec, RequestId::random())
        .await?;
    prism
        .delete_nic(&one.vm, &one.nic, RequestId::random())
        .await
}

fn wrong_addresses(survey: &Survey<'_>, world: &World) -> Vec<WrongNic> {
    let mut free: BTreeMap<(SiteName, SubnetExtId), Vec<Ipv4Addr>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (id, place) in &survey.places {
        let Place::At(site, vm) = place else { continue };
        let Some(nic) = single_nic(survey, id, site) else {
            continue;
        };
        let (nic, subnet) = nic;
        let pool = free
            .entry((site.clone(), subnet.clone()))
            .or_insert_with(|| pool(world, site, &subnet));
        let Some(address) = pool.pop() else { continue };
        wrong.push(WrongNic {
            site: site.clone(),
            vm: vm.clone(),
            nic,
            subnet,
            address,
        });
    }
    wrong
}

/// The NIC of a machine that runs and has just one with one address, and that one right.
fn single_nic(
    survey: &Survey<'_>,
    id: &InstanceId,
    site: &SiteName,
) -> Option<(NicExtId, SubnetExtId)> {
    let (_, vm) = survey.vm_at(id, site)?;
    let [nic] = vm.nics.as_slice() else {
        return None;
    };
    let usable = survey.runs(id) && nic.secondary.is_empty() && survey.nics_are_right(id, site);
    usable.then(|| Some((nic.id.clone(), nic.subnet.clone()?)))?
}

/// Addresses of a subnet's pools that no VM has.
fn pool(world: &World, site: &SiteName, subnet: &SubnetExtId) -> Vec<Ipv4Addr> {
    let Some(prism) = world.prism.get(site) else {
        return Vec::new();
    };
    let nics = prism
        .vms
        .values()
        .flat_map(|vm| &vm.nics)
        .filter(|nic| nic.subnet.as_ref() == Some(subnet));
    let taken: BTreeSet<_> = nics
        .flat_map(|nic| nic.address.iter().chain(&nic.secondary))
        .collect();
    let pools = prism
        .subnets
        .get(subnet)
        .into_iter()
        .flat_map(|subnet| &subnet.pools);
    pools
        .flat_map(|range| u32::from(range.first)..=u32::from(range.last))
        .map(Ipv4Addr::from)
        .filter(|address| !taken.contains(address))
        .collect()
}
