//! `stayput trace`: one packet's way there and back, hop by hop, and why.

use std::net::Ipv4Addr;

use serde_json::json;
use stayput_engine::captured_or_observed;
use stayput_estate::EdgeName;
use stayput_estate::Estate;
use stayput_fabric::Fabric;
use stayput_fabric::Place;
use stayput_fabric::Source;
use stayput_world::Facts;

use crate::cli::Global;
use crate::cli::TraceArgs;
use crate::error::CommandError;
use crate::error::Kind;
use crate::observed;
use crate::observed::Observed;
use crate::output::Output;
use crate::session;

pub async fn run(global: &Global, args: &TraceArgs) -> Result<Output, CommandError> {
    let seen = observed::observe(global, args.world.world.as_deref()).await?;
    let Observed { estate, world, .. } = &seen;
    let facts = captured_or_observed(estate, world, &seen.facts);
    let fabric = Fabric::new(estate, world);
    let source = source(estate, &fabric, &args.source)?;
    let destination = destination(&facts, &args.destination)?;
    let trip = fabric.round_trip(&source, destination);
    let delivered = trip.forward.verdict.is_delivered();
    let text = format!("{trip}\n");
    let path: Vec<_> = trip
        .forward
        .hops
        .iter()
        .map(|hop| hop.at.to_string())
        .collect();
    let json = json!({
        "ok": delivered,
        "path": path,
        "verdict": trip.forward.verdict.to_string(),
        "symmetric": trip.symmetric,
        "works": trip.works(),
        "trip": trip,
    });
    Ok(Output {
        text,
        json,
        ok: delivered,
    })
}

fn source(estate: &Estate, fabric: &Fabric, text: &str) -> Result<Source, CommandError> {
    if text == "on-prem" {
        return Ok(Source::OnPrem);
    }
    if let Some(edge) = estate.edges.get(&EdgeName::new(text)) {
        return Ok(Source::OnPremVia {
            edge: edge.name.clone(),
        });
    }
    if let Some(site) = text.strip_prefix("nc2:") {
        return Ok(Source::Nc2Vpc {
            site: session::site(estate, site)?,
        });
    }
    let hint =
        "a source is `on-prem`, an edge's name, `nc2:SITE` or an address of a running machine";
    let address: Ipv4Addr = text.parse().map_err(|_| {
        CommandError::new(Kind::Usage, format!("`{text}` is no source of packets")).hint(hint)
    })?;
    if estate.on_prem.iter().any(|prefix| prefix.contains(address)) {
        return Ok(Source::OnPrem);
    }
    let mut sites = fabric.served_at(address).into_iter();
    sites
        .next()
        .map(|site| Source::Machine {
            place: Place::Site(site),
            address,
        })
        .ok_or_else(|| {
            CommandError::new(Kind::Usage, format!("no running machine has {address}")).hint(hint)
        })
}

fn destination(facts: &Facts, text: &str) -> Result<Ipv4Addr, CommandError> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let found: Vec<_> = facts
        .machines
        .iter()
        .filter(|(id, machine)| id.as_str() == text || machine.name.as_deref() == Some(text))
        .collect();
    match found.as_slice() {
        [(id, machine)] => machine
            .addresses()
            .next()
            .ok_or_else(|| CommandError::new(Kind::Usage, format!("{id} has no address"))),
        [] => Err(CommandError::new(
            Kind::Usage,
            format!("`{text}` is neither an address nor a machine"),
        )
        .hint("`stayput status` lists the machines")),
        several => {
            let ids: Vec<_> = several.iter().map(|(id, _)| id.as_str()).collect();
            Err(CommandError::new(
                Kind::Usage,
                format!("{} machines are called `{text}`", several.len()),
            )
            .hint(format!("use an instance id: {}", ids.join(", "))))
        }
    }
}
