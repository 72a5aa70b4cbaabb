//! `stayput capture`: records machines by the EC2 API, runs a script in their guests, or replaces the recorded facts of a machine that has moved
//! with what EC2 shows. Without `--replace` these are kept.

mod guests;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use stayput_engine::Events;
use stayput_engine::Session;
use stayput_engine::Stop;
use stayput_estate::Estate;
use stayput_estate::InstanceId;
use stayput_ledger::By;
use stayput_messages::Message;
use stayput_plan::Obstacle;
use stayput_world::MachineFacts;
use stayput_world::System;
use stayput_world::World;

use crate::ask;
use crate::cli::CaptureArgs;
use crate::cli::CaptureVia;
use crate::cli::Global;
use crate::cli::GoalCommand;
use crate::commands::apply;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;
use crate::session;
use crate::ui;

/// One fact that differs between EC2 and the ledger.
#[derive(Debug, Serialize)]
struct Difference {
    fact: &'static str,
    recorded: String,
    observed: String,
}

/// Records machines, or replaces what is recorded.
pub async fn capture(global: &Global, args: CaptureArgs) -> Result<Output, CommandError> {
    if !args.replace.is_empty() {
        return replace(global, &args.replace, args.yes).await;
    }
    match args.via {
        CaptureVia::Api => by_api(global, args.networks).await,
        CaptureVia::Ssm => guests::capture(global, &args.networks).await,
        CaptureVia::Both => {
            let api = by_api(global, args.networks.clone()).await?;
            let guests = guests::capture(global, &args.networks).await;
            let guests = guests.map_err(|mut error| {
                // Something was changed: the machines are recorded.
                error.hints.clear();
                error.hint(Message::new("hint-api-recorded"))
            })?;
            Ok(guests::both(api, guests))
        }
    }
}

async fn by_api(global: &Global, networks: Vec<String>) -> Result<Output, CommandError> {
    // Only reads AWS and writes the ledger: nothing to ask about.
    let goal = GoalCommand::Capture { networks };
    let how = apply::How {
        yes: true,
        ..apply::How::default()
    };
    apply::apply(global, apply::ApplyInput::Goal(&goal), &how).await
}

/// Without a look at the source nothing is known of its machines.
fn source_was_read(estate: &Estate, world: &World) -> Result<(), CommandError> {
    let region = &estate.source.region;
    if world.aws.contains_key(region) {
        return Ok(());
    }
    let system = System::Aws(region.clone());
    let known = world.unobserved(&system);
    Err(vec![Obstacle::NotObserved {
        silence: known.map(|known| known.silence),
        why: known.map_or_else(String::new, |known| known.why.clone()),
        otherwise: None,
        system,
    }]
    .into())
}

async fn replace(global: &Global, names: &[String], yes: bool) -> Result<Output, CommandError> {
    let estate = session::load_estate(&global.file)?;
    let events = Events::none();
    let engine = session::engine(estate.clone(), events.clone()).await?;
    let ledger = engine.ledger.clone();
    let session = Session::new(engine, session::who(), Stop::never());
    let locked = session.lock().await?;
    let facts = ledger.facts().await?;
    let ids = names
        .iter()
        .map(|name| session::machine(&facts, name))
        .collect::<Result<Vec<_>, _>>()?;
    let display = ui::show(events.listen(), global.quiet);
    let seen = locked.look().await;
    events.close();
    let _ = display.await;
    let seen = seen?;
    source_was_read(&estate, &seen.world)?;
    let everything = estate.networks.keys().cloned().collect();
    let (observed, _) = stayput_plan::observe_facts(&estate, &seen.world, &everything);
    let mut replaced: BTreeMap<InstanceId, Arc<MachineFacts>> = BTreeMap::new();
    let mut differences: BTreeMap<InstanceId, Vec<Difference>> = BTreeMap::new();
    for id in ids {
        let recorded = &seen.facts.machines[&id];
        let Some(shown) = observed.get(&id) else {
            return Err(CommandError::new(
                Kind::Obstacles,
                Message::new("capture-no-interface")
                    .with("label", recorded.label(&id))
                    .with("machine", &id),
            )
            .hint(Message::new("hint-facts-from-ec2")));
        };
        let now = MachineFacts {
            // EC2 reports a machine that has moved as stopped.
            was_running: recorded.was_running,
            ..MachineFacts::clone(shown)
        };
        let found = compare(recorded, &now);
        if !found.is_empty() {
            differences.insert(id.clone(), found);
            replaced.insert(id, Arc::new(now));
        }
    }
    if replaced.is_empty() {
        return Ok(Output::line(
            &Message::new("capture-facts-match"),
            json!({ "ok": true, "changed": false, "differences": differences }),
        ));
    }
    let shown = shown(&seen.facts.machines, &differences);
    if !yes {
        ask::confirm(global, &shown, Message::new("hint-check-machines"))?;
    }
    ledger
        .put_machines(&replaced, Timestamp::now(), &By::person(session::who()))
        .await?;
    let json = json!({ "ok": true, "changed": true, "differences": differences });
    let replaced = Message::new("capture-replaced");
    Ok(Output::new(format!("{shown}{replaced}\n"), json))
}

fn shown(
    machines: &BTreeMap<InstanceId, Arc<MachineFacts>>,
    differences: &BTreeMap<InstanceId, Vec<Difference>>,
) -> String {
    let mut text = String::new();
    for (id, found) in differences {
        let label = machines
            .get(id)
            .map_or_else(|| id.to_string(), |machine| machine.label(id));
        let machine = Message::new("machine-with-id")
            .with("label", label)
            .with("machine", id);
        let _ = writeln!(text, "{machine}");
        for Difference {
            fact,
            recorded,
            observed,
        } in found
        {
            let line = Message::new("capture-difference")
                .part("fact", named(fact))
                .with("recorded", recorded)
                .with("observed", observed);
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

/// The name of a fact for people. In JSON it has the one of its column.
fn named(fact: &str) -> Message {
    Message::new("fact").with("fact", fact)
}

/// The differences, fact by fact.
fn compare(recorded: &MachineFacts, observed: &MachineFacts) -> Vec<Difference> {
    let facts = |machine: &MachineFacts| {
        let nics: Vec<_> = machine
            .nics
            .iter()
            .map(|nic| {
                let secondary: Vec<_> = nic.secondary.iter().map(ToString::to_string).collect();
                format!(
                    "{} {} {} {} [{}] in {}",
                    nic.device_index,
                    nic.eni,
                    nic.mac,
                    nic.primary,
                    secondary.join(" "),
                    nic.network
                )
            })
            .collect();
        [
            ("name", machine.name.clone().unwrap_or_default()),
            ("platform", machine.platform.clone()),
            ("instance type", machine.instance_type.clone()),
            ("interfaces", nics.join("; ")),
            ("tags", format!("{:?}", machine.tags)),
        ]
    };
    let both = facts(recorded).into_iter().zip(facts(observed));
    both.filter(|((_, before), (_, now))| before != now)
        .map(|((fact, recorded), (_, observed))| Difference {
            fact,
            recorded,
            observed,
        })
        .collect()
}
