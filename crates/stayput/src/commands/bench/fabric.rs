//! The routing model at the Transit Gateway's quota: 20 tables with 10,000 routes together.

use std::net::Ipv4Addr;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;
use stayput_engine::Events;
use stayput_estate::Cidr;
use stayput_estate::Estate;
use stayput_fabric::Change;
use stayput_fabric::Fabric;
use stayput_fabric::Reachability;
use stayput_world::World;
use stayput_world::aws::TgwRouteTable;
use stayput_world::aws::TgwTarget;

use super::Bench;
use super::median;
use super::output;
use super::say;
use super::sizes;
use super::table;
use crate::cli::BenchArgs;
use crate::cli::Global;
use crate::error::CommandError;
use crate::output::Output;
use crate::session;

const SIZES: [usize; 2] = [1000, 10_000];
const RUNS: usize = 5;
/// Route tables of the source's Transit Gateway.
const TABLES: usize = 20;
/// Their routes together: the quota (AWS reference §1.5).
const ROUTES: usize = 10_000;
/// Route changes checked.
const CHECKS: u32 = 1000;

/// For each size: a lab to observe, and one probe.
pub async fn run(global: &Global, args: &BenchArgs) -> Result<Output, CommandError> {
    let mut rows = Vec::new();
    let mut figures = Vec::new();
    for &machines in sizes(&args.machines, &SIZES) {
        say(global, format!("routing for {machines} machines"));
        let bench = Bench::up(global, machines).await?;
        let runs = args.runs.unwrap_or(RUNS).to_string();
        let words = ["bench", "fabric-probe", "--runs", &runs].map(str::to_owned);
        let measured = bench.command(&words).await;
        bench.down().await?;
        let figure = measured?;
        let of = |key: &str| figure[key].as_u64().unwrap_or(0);
        rows.push(vec![
            of("addresses").to_string(),
            of("routes").to_string(),
            of("sources").to_string(),
            of("classes").to_string(),
            format!("{:.1} ms", of("load_us") as f64 / 1000.0),
            format!("{:.1} ms", of("trace_us") as f64 / 1000.0),
            format!("{} µs", of("check_median_us")),
            format!("{} µs", of("check_max_us")),
        ]);
        figures.push(figure);
    }
    let header = [
        "addresses",
        "routes",
        "sources",
        "classes",
        "from the loaded world to the model",
        "all classes from all sources, there and back",
        "one route change, median",
        "one route change, longest",
    ];
    Ok(output(table(&header, &rows), &figures))
}

/// Observes once, fills the tables, then measures again and again. Runs in a process of its own.
pub async fn probe(global: &Global, args: &BenchArgs) -> Result<Output, CommandError> {
    let engine = session::engine(global, Events::none()).await?;
    let mut world = engine.observe().await?;
    let estate = &engine.estate;
    fill(estate, &mut world);
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
    let (sources, classes) = (matrix.sources().len(), matrix.classes().len());
    let mut checks = check(estate, &world, &mut matrix);
    checks.sort_unstable();
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
