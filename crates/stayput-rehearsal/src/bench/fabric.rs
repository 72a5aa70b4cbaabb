//! The routing model at the Transit Gateway's quota: 20 tables with 10,000 routes together.

mod quota;

use std::path::Path;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;
use stayput_engine::Engine;
use stayput_estate::Cidr;
use stayput_estate::Estate;
use stayput_fabric::Change;
use stayput_fabric::Fabric;
use stayput_fabric::Reachability;
use stayput_messages::Message;
use stayput_plan::Goal;
use stayput_world::World;
use stayput_world::aws::TgwTarget;

use super::BenchLab;
use super::BenchOptions;
use super::BenchReport;
use super::median;
use super::memory;
use super::open;
use super::reset_peak;
use super::sizes;
use super::table;
use crate::error::RehearsalError;
use crate::narrator::Narrator;
pub use quota::About;
use quota::fill;

const SIZES: [usize; 3] = [1000, 10_000, 100_000];
/// As many machines as the lab has; what is more are interfaces in the source VPC.
const MACHINES: usize = 10_000;
const RUNS: usize = 5;
/// Route changes checked.
const CHECKS: u32 = 1000;

/// Measures the routing model. For each size, and for what the routes are about: a lab to observe, and one probe.
///
/// # Errors
/// A lab does not start, or a probe fails.
pub async fn run(
    options: &BenchOptions,
    narrator: &dyn Narrator,
) -> Result<BenchReport, RehearsalError> {
    let mut rows = Vec::new();
    let mut figures = Vec::new();
    for about in [About::Others, About::Addresses] {
        for &addresses in sizes(&options.machines, &SIZES) {
            let told = Message::new("bench-fabric-run")
                .count("addresses", addresses)
                .part("about", as_text(about));
            narrator.say(&told.to_string());
            let figure = measure(options, addresses, about).await?;
            rows.push(row(&figure, about));
            figures.push(figure);
        }
    }
    let header = [
        Message::new("bench-addresses"),
        Message::new("bench-fabric-routes"),
        Message::new("bench-fabric-about"),
        Message::new("bench-fabric-sources"),
        Message::new("bench-fabric-classes"),
        Message::new("bench-fabric-peak"),
        Message::new("bench-fabric-load"),
        Message::new("bench-fabric-trace"),
        Message::new("bench-fabric-check-median"),
        Message::new("bench-fabric-check-longest"),
        Message::new("bench-fabric-states"),
        Message::new("bench-fabric-proof"),
    ];
    Ok(BenchReport {
        table: table(&header, &rows),
        figures,
    })
}

fn as_text(about: About) -> Message {
    match about {
        About::Others => Message::new("bench-fabric-about-others"),
        About::Addresses => Message::new("bench-fabric-about-addresses"),
    }
}

async fn measure(
    options: &BenchOptions,
    addresses: usize,
    about: About,
) -> Result<Value, RehearsalError> {
    let (machines, probe) = match about {
        About::Others => (addresses.min(MACHINES), "fabric-probe"),
        // The rest are services, to which no plan does anything and routes may be about them.
        About::Addresses => (MACHINES.min(addresses / 10), "fabric-probe-addresses"),
    };
    let bench = BenchLab::up(&options.program, machines).await?;
    let runs = options.runs.unwrap_or(RUNS).to_string();
    let size = addresses.to_string();
    let words = ["bench", probe, "--runs", &runs, "--machines", &size];
    let words = words.map(str::to_owned);
    let measured = bench.command(&words).await;
    bench.down().await?;
    measured
}

fn row(figure: &Value, about: About) -> Vec<String> {
    let of = |key: &str| figure[key].as_u64().unwrap_or(0);
    let ms = |key: &str| format!("{:.1} ms", of(key) as f64 / 1000.0);
    vec![
        of("addresses").to_string(),
        of("routes").to_string(),
        as_text(about).into(),
        of("sources").to_string(),
        of("classes").to_string(),
        format!("{} MB", of("peak_kib") / 1024),
        ms("load_us"),
        ms("trace_us"),
        format!("{} µs", of("check_median_us")),
        format!("{} µs", of("check_max_us")),
        of("states").to_string(),
        ms("prove_us"),
    ]
}

/// Observes the lab in a folder once, fills the tables until so many addresses are held, then measures again and again. To be run in a process
/// of its own.
///
/// # Errors
/// The lab does not answer, or there is no plan.
pub async fn probe(
    lab_dir: &Path,
    addresses: usize,
    about: About,
    runs: Option<usize>,
) -> Result<Value, RehearsalError> {
    let runs = runs.unwrap_or(RUNS).max(1);
    let (_, engine) = open(lab_dir)?;
    let mut world = World::clone(&engine.look().await?.world);
    let estate = &engine.estate;
    fill(estate, &mut world, addresses, about);
    reset_peak();
    let (mut load, mut trace) = (Vec::new(), Vec::new());
    let mut measured = None;
    for _ in 0..runs {
        let start = Instant::now();
        let fabric = Fabric::new(estate, &world);
        load.push(micros(start));
        let routes = fabric.routes_of_tgw(&estate.source.region, &estate.source.tgw);
        let addresses = fabric.addresses_of_interest();
        let start = Instant::now();
        let matrix = Reachability::of(fabric, addresses.iter().copied());
        trace.push(micros(start));
        measured = Some((routes, addresses.len(), matrix));
    }
    let Some((routes, addresses, mut matrix)) = measured else {
        return Ok(Value::Null);
    };
    let peak = memory("VmHWM");
    let (sources, classes) = (matrix.sources().len(), matrix.classes().len());
    let mut checks = check(estate, &world, &mut matrix);
    checks.sort_unstable();
    let (states, proofs) = prove(&engine, &world, runs).await?;
    Ok(json!({
        "ok": true,
        "addresses": addresses,
        "routes": routes,
        "sources": sources,
        "classes": classes,
        "load_us": median(load),
        "trace_us": median(trace),
        "check_median_us": median(checks.clone()),
        "check_max_us": checks.last(),
        "checks": checks.len(),
        "peak_kib": peak,
        "states": states,
        "prove_us": median(proofs),
    }))
}

/// Plans the move of every network once, then proves it again and again: how many states, and how long each proof took.
async fn prove(
    engine: &Engine,
    world: &World,
    runs: usize,
) -> Result<(usize, Vec<u64>), RehearsalError> {
    let facts = engine.ledger.facts().await?;
    let estate = &engine.estate;
    let goal = Goal::Move {
        networks: estate.networks.keys().cloned().collect(),
        canaries: Default::default(),
        leave_out: Default::default(),
    };
    let plan = stayput_plan::plan(estate, world, &facts, &goal)?;
    let mut took = Vec::new();
    for _ in 0..runs {
        let start = Instant::now();
        let proof = stayput_plan::prove(estate, world, &facts, &goal, &plan.steps)?;
        took.push(micros(start));
        std::hint::black_box(proof);
    }
    Ok((plan.proof.states.len(), took))
}

/// Blackholes for the networks' prefixes and for single addresses, written and taken away in tables with associations; how long each took,
/// with every difference it makes for any source.
fn check(estate: &Estate, world: &World, matrix: &mut Reachability) -> Vec<u64> {
    let Some(aws) = world.aws.get(&estate.source.region) else {
        return Vec::new();
    };
    let tables: Vec<_> = aws
        .tgw_route_tables
        .iter()
        .filter(|(_, table)| table.tgw == estate.source.tgw && !table.associations.is_empty())
        .map(|(id, _)| id.clone())
        .collect();
    let networks: Vec<_> = estate
        .networks
        .values()
        .map(|network| network.cidr)
        .collect();
    let mut took = Vec::new();
    for number in 0..CHECKS {
        let at = number as usize;
        let (Some(table), Some(network)) = (
            tables.get(at % tables.len().max(1)),
            networks.get(at % networks.len().max(1)),
        ) else {
            break;
        };
        let inside = network.nth(10 + number % 200).map(Cidr::host);
        let cidr = if at.is_multiple_of(2) {
            Some(*network)
        } else {
            inside
        };
        for target in [Some(TgwTarget::Blackhole), None] {
            let change = Change::TgwRoute {
                region: estate.source.region.clone(),
                table: table.clone(),
                cidr: cidr.unwrap_or(*network),
                target,
            };
            let start = Instant::now();
            let shifts = matrix.apply(std::slice::from_ref(&change));
            took.push(micros(start));
            std::hint::black_box(shifts);
        }
    }
    took
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}
