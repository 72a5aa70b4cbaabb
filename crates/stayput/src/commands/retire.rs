//! `stayput retire`: removes a machine from the ledger. Its history is kept; capturing it again reverts this.

use std::collections::BTreeSet;
use std::fmt::Write;

use jiff::Timestamp;
use serde_json::json;
use stayput_engine::Events;
use stayput_engine::Session;
use stayput_engine::Stop;
use stayput_estate::InstanceId;
use stayput_ledger::By;
use stayput_messages::Message;
use stayput_plan::Remains;
use stayput_plan::RemainsState;
use stayput_plan::Survey;

use crate::ask;
use crate::cli::Global;
use crate::cli::RetireArgs;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;
use crate::session;
use crate::ui;

pub async fn run(global: &Global, args: &RetireArgs) -> Result<Output, CommandError> {
    let estate = session::load_estate(&global.file)?;
    let events = Events::none();
    let engine = session::engine(estate.clone(), events.clone()).await?;
    let ledger = engine.ledger.clone();
    // A machine that is not in the ledger is reported before any system is contacted.
    let id = session::machine(&ledger.facts().await?, &args.machine)?;
    let session = Session::new(engine, session::who(), Stop::never());
    let locked = session.lock().await?;
    let display = ui::show(events.listen(), global.quiet);
    let seen = locked.look().await;
    events.close();
    let _ = display.await;
    let seen = seen?;
    let id = session::machine(&seen.facts, id.as_str())?;
    let machine = &seen.facts.machines[&id];
    let networks = machine.nics.iter().map(|nic| nic.network.clone()).collect();
    let survey = Survey::new(&estate, &seen.world, &seen.facts, &networks);
    let remains = survey.remains(&id, &seen.facts);
    let label = machine.label(&id);
    let is_left = remains.iter().filter(|one| may_run(one));
    let is_left: Vec<_> = is_left.map(ToString::to_string).collect();
    if !is_left.is_empty() && !args.force {
        return Err(refused(&label, &id, &is_left));
    }
    let announced = Message::new("retire-announced")
        .with("label", &label)
        .with("machine", &id);
    let mut text = format!("{announced}\n");
    for one in &remains {
        let _ = writeln!(text, "  {one}");
    }
    if !args.yes {
        ask::confirm(global, &text, Message::new("hint-check-first"))?;
    }
    ledger
        .retire(
            &id,
            Timestamp::now(),
            &By::person(session::who()),
            &args.why,
        )
        .await?;
    let retired = match args.why.as_str() {
        "" => Message::new("retire-done")
            .with("label", &label)
            .with("machine", &id),
        why => Message::new("retire-done-because")
            .with("label", &label)
            .with("machine", &id)
            .with("why", why),
    };
    Ok(Output::line(
        &retired,
        json!({
            "ok": true,
            "machine": id,
            "name": machine.name,
            "why": args.why,
            "remains": remains,
            "addresses": machine.addresses().collect::<BTreeSet<_>>(),
        }),
    ))
}

/// Whether this may answer for the machine's addresses.
fn may_run(remains: &Remains) -> bool {
    match remains.state() {
        RemainsState::On | RemainsState::Unknown => true,
        RemainsState::Off | RemainsState::Gone => false,
    }
}

fn refused(label: &str, id: &InstanceId, is_left: &[String]) -> CommandError {
    let mut error = CommandError::new(
        Kind::Obstacles,
        Message::new("retire-refused")
            .with("label", label)
            .with("id", id),
    );
    error.causes = is_left.to_vec();
    error
        .hint(Message::new("hint-stop-it"))
        .hint(Message::new("hint-move-without-it"))
}
