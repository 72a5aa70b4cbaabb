//! `stayput expect`: sets whether a machine must run after a move or failover. Contacts no system.

use jiff::Timestamp;
use serde_json::json;
use stayput_ledger::By;
use stayput_ledger::LeaseScope;
use stayput_messages::Message;
use stayput_world::MachineFacts;

use crate::cli::ExpectArgs;
use crate::cli::ExpectedState;
use crate::cli::Global;
use crate::error::CommandError;
use crate::output::Output;
use crate::session;

pub async fn run(global: &Global, args: &ExpectArgs) -> Result<Output, CommandError> {
    let estate = session::load_estate(&global.file)?;
    let ledger = session::open_ledger(&estate).await?;
    let who = session::who();
    let _lease = ledger
        .acquire(&LeaseScope::Estate, &who.as_str().into(), Timestamp::now())
        .await?;
    let facts = ledger.facts().await?;
    let id = session::machine(&facts, &args.machine)?;
    let mut machine = MachineFacts::clone(&facts.machines[&id]);
    let must_run = match args.state {
        ExpectedState::Running => true,
        ExpectedState::Off => false,
    };
    let changed = machine.was_running != must_run;
    if changed {
        machine.was_running = must_run;
        let machines = [(id.clone(), machine.clone().into())].into();
        ledger
            .put_machines(&machines, Timestamp::now(), &By::person(who))
            .await?;
    }
    let label = machine.label(&id);
    let text = match (must_run, changed) {
        (true, true) => Message::new("expect-runs")
            .with("label", label)
            .with("machine", &id),
        (true, false) => Message::new("expect-runs-as-before")
            .with("label", label)
            .with("machine", &id),
        (false, true) => Message::new("expect-off")
            .with("label", label)
            .with("machine", &id),
        (false, false) => Message::new("expect-off-as-before")
            .with("label", label)
            .with("machine", &id),
    };
    Ok(Output::line(
        &text,
        json!({ "ok": true, "machine": id, "must_run": must_run, "changed": changed }),
    ))
}
