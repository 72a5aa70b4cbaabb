//! The routing model at the Transit Gateway's quota: 20 tables with 10,000 routes together.

use std::net::Ipv4Addr;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;
use stayput_engine::Engine;
use stayput_engine::Events;
use stayput_estate::Cidr;
use stayput_estate::Estate;
use stayput_fabric::Change;
use stayput_fabric::Fabric;
use stayput_fabric::Reachability;
use stayput_plan::Goal;
use stayput_world::World;
use stayput_world::aws::Eni;
use stayput_world::aws::TgwRouteTable;
use stayput_world::aws::TgwTarget;

use super::Bench;
use super::forget_peak;
use super::median;
use super::memory;
use super::output;
use super::say;
use super::sizes;
use super::table;
use crate::cli::BenchArgs;
use crate::cli::Global;
use crate::error::CommandError;
use crate::output::Output;
use crate::session;

const SIZES: [usize; 3] = [1000, 10_000, 100_000];
/// As many machines as the lab has; what is more are interfaces in the source VPC.
const MACHINES: usize = 10_000;
const RUNS: usize = 5;
/// Route tables of the source's Transit Gateway.
const TABLES: usize = 20;
/// Their routes together: the quota (AWS reference §1.5), but for what a plan writes.
const ROUTES: usize = 9_950;
/// Route changes checked.
const CHECKS: u32 = 1000;

/// For each size: a lab to observe, and one probe.
pub async fn run(global: &Global, args: &BenchArgs) -> Result<Output, CommandError> {
    let mut rows = Vec::new();
    let mut figures = Vec::new();
    for &addresses in sizes(&args.machines, &SIZES) {
        say(global, format!("routing for {addresses} addresses"));
        let bench = Bench::up(global, addresses.min(MACHINES)).await?;
        let runs = args.runs.unwrap_or(RUNS).to_string();
        let size = addresses.to_string();
        let words = [
            "bench",
            "fabric-probe",
            "--runs",
            &runs,
            "--machines",
            &size,
        ];
        let words = words.map(str::to_owned);
        let measured = bench.command(&words).await;
        bench.down().await?;
        let figure = measured?;
        let of = |key: &str| figure[key].as_u64().unwrap_or(0);
        rows.push(vec![
            of("addresses").to_string(),
            of("routes").to_string(),
            of("sources").to_string(),
            of("classes").to_string(),
            format!("{} MB", of("peak_kib") / 1024),
            format!("{:.1} ms", of("load_us") as f64 / 1000.0),
            format!("{:.1} ms", of("trace_us") as f64 / 1000.0),
            format!("{} µs", of("check_median_us")),
            format!("{} µs", of("check_max_us")),
            of("states").to_string(),
            format!("{:.1} ms", of("prove_us") as f64 / 1000.0),
        ]);
        figures.push(figure);
    }
    let header = [
        "addresses",
        "routes",
        "sources",
        "classes",
        "peak with world and model",
        "from the loaded world to the model",
        "all classes from all sources, there and back",
        "one route change, median",
        "one route change, longest",
        "states of the plan",
        "its proof",
    ];
    Ok(output(table(&header, &rows), &figures))
}

/// Observes once, fills the tables, then measures again and again. Runs in a process of its own.
pub async fn probe(global: &Global, args: &BenchArgs) -> Result<Output, CommandError> {
    let engine = session::engine(global, Events::none()).await?;
    let mut world = engine.observe().await?;
    let estate = &engine.estate;
    fill(estate, &mut world);
    populate(
        estate,
        &mut world,
        args.machines.first().copied().unwrap_or(0),
    );
    forget_peak();
    let (mut load, mut trace) = (Vec::new(), Vec::new());
    let mut measured = None;
    for _ in 0..args.runs.unwrap_or(RUNS).max(1) {
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
        return Ok(Output::new(String::new(), Value::Null));
    };
    let peak = memory("VmHWM");
    let (sources, classes) = (matrix.sources().len(), matrix.classes().len());
    let mut checks = check(estate, &world, &mut matrix);
    checks.sort_unstable();
    let (states, proofs) = prove(&engine, &world, args.runs.unwrap_or(RUNS).max(1))?;
    let figure = json!({
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
    });
    Ok(Output::new(format!("{figure}\n"), figure))
}

/// Fills the tables of the source's Transit Gateway, and adds tables, up to the quota.
fn fill(estate: &Estate, world: &mut World) {
    let Some(aws) = world.aws.get_mut(&estate.source.region) else {
        return;
    };
    let tgw = &estate.source.tgw;
    let Some(target) = aws
        .attachments
        .iter()
        .find(|(_, attachment)| attachment.tgw == *tgw)
        .map(|(id, _)| id.clone())
    else {
        return;
    };
    let own = aws
        .tgw_route_tables
        .values()
        .filter(|table| table.tgw == *tgw);
    for number in own.count()..TABLES {
        let table = TgwRouteTable {
            tgw: tgw.clone(),
            name: None,
            associations: Default::default(),
            propagations: Default::default(),
            static_routes: Default::default(),
            prefix_list_references: Default::default(),
            learned_routes: Default::default(),
        };
        let id = format!("tgw-rtb-bench{number}");
        aws.tgw_route_tables.insert(id.as_str().into(), table);
    }
    let mut tables: Vec<_> = aws
        .tgw_route_tables
        .values_mut()
        .filter(|table| table.tgw == *tgw)
        .collect();
    let standing: usize = tables.iter().map(|table| table.static_routes.len()).sum();
    let count = tables.len().max(1);
    for number in standing..ROUTES {
        if let Some(table) = tables.get_mut(number % count) {
            let target = TgwTarget::Attachment(target.clone());
            table.static_routes.insert(filler(number), target);
        }
    }
}

/// Adds interfaces of services to the source VPC until so many addresses are held.
fn populate(estate: &Estate, world: &mut World, addresses: usize) {
    let Some(aws) = world.aws.get_mut(&estate.source.region) else {
        return;
    };
    // One in a subnet that is no network: those move.
    let stays = |eni: &&Eni| {
        let mut networks = estate.networks.values();
        eni.vpc == estate.source.vpc && !networks.any(|network| network.ec2_subnet == eni.subnet)
    };
    let Some(like) = aws.enis.values().find(stays).cloned() else {
        return;
    };
    // Beside everything the scenario has.
    let cidr = Cidr::containing(Ipv4Addr::new(11, 0, 0, 0), 12);
    let held = aws
        .enis
        .values()
        .filter(|eni| eni.vpc == estate.source.vpc)
        .count();
    if held < addresses
        && let Some(vpc) = aws.vpcs.get_mut(&estate.source.vpc)
    {
        vpc.cidrs.push(cidr);
    }
    for number in held..addresses {
        let primary = u32::try_from(number)
            .ok()
            .and_then(|number| cidr.nth(number));
        let eni = Eni {
            attached_to: None,
            in_use: true,
            primary: primary.unwrap_or(like.primary),
            secondary: Vec::new(),
            ..like.clone()
        };
        let id = format!("eni-bench{number}");
        aws.enis.insert(id.as_str().into(), eni);
    }
}

/// Plans the move of every network once, then proves it again and again: how many states, and how long each proof took.
fn prove(engine: &Engine, world: &World, runs: usize) -> Result<(usize, Vec<u64>), CommandError> {
    let facts = engine.ledger.facts()?;
    let estate = &engine.estate;
    let goal = Goal::Move {
        networks: estate.networks.keys().cloned().collect(),
        canaries: Default::default(),
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

/// A prefix that nothing else is about: /24s from 96.0.0.0 on.
fn filler(number: usize) -> Cidr {
    let number = u32::try_from(number).unwrap_or(0);
    Cidr::containing(Ipv4Addr::from(0x6000_0000 + (number << 8)), 24)
}

/// Blackholes for the networks' prefixes and for single addresses, written and taken away in tables with associations; how long each took,
/// with everything that becomes otherwise for anybody.
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
