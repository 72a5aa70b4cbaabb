//! `stayput capture --via ssm`: runs the capture script in the guests, records what it prints, and compares that with what EC2 shows.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write;

use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;
use stayput_aws::AwsError;
use stayput_engine::EngineError;
use stayput_engine::Events;
use stayput_engine::Guests;
use stayput_engine::NoGuest;
use stayput_engine::Session;
use stayput_engine::Stop;
use stayput_engine::capture_guests;
use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::Rule;
use stayput_ledger::By;
use stayput_messages::Message;
use stayput_plan::CheckFinding;
use stayput_world::Facts;

use crate::cli::Global;
use crate::commands::check;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Json;
use crate::output::Output;
use crate::session;
use crate::ui;

/// Captures the guests of the machines of these networks that are recorded and still in EC2.
pub async fn capture(global: &Global, names: &[String]) -> Result<Output, CommandError> {
    let estate = session::load_estate(&global.file)?;
    let names = session::networks(&estate, names)?;
    let events = Events::none();
    let engine = session::engine(estate.clone(), events.clone()).await?;
    let (ledger, aws) = (engine.ledger.clone(), engine.clients.aws.clone());
    let session = Session::new(engine, session::who(), Stop::never());
    let locked = session.lock().await?;
    let display = ui::show(events.listen(), global.quiet);
    let has_document = estate.source.capture_document.is_some();
    let captured = async {
        let seen = locked.look().await?;
        let machines = stayput_plan::machines_in_ec2(&seen.facts, &names);
        let machines: BTreeSet<_> = machines.map(|(id, _)| id.clone()).collect();
        if machines.is_empty() {
            return Err(no_machines(&seen.facts, &names));
        }
        super::source_was_read(&estate, &seen.world)?;
        let guests = capture_guests(&estate, &aws, &seen.world, &machines, &events)
            .await
            .map_err(|error| with_hint(error, has_document))?;
        let by = By::person(session::who());
        ledger
            .put_guests(&guests.captured, Timestamp::now(), &by)
            .await?;
        Ok::<_, CommandError>((seen.facts, guests))
    };
    let captured = captured.await;
    events.close();
    // The display ends and leaves the terminal clean for what comes next.
    let _ = display.await;
    let (facts, guests) = captured?;
    let mut found = stayput_plan::check_guests(&facts, &names, &guests.captured);
    // Each machine is listed with its own reason.
    found.retain(|finding| finding.rule != Rule::GuestNotCaptured);
    let found = stayput_plan::accept(&estate, check::today(), false, found);
    Ok(output(&facts, &guests, &found))
}

/// The error when no machine is in EC2: none was recorded, or all have moved.
fn no_machines(facts: &Facts, names: &BTreeSet<NetworkName>) -> CommandError {
    let mut nics = facts.machines.values().flat_map(|machine| &machine.nics);
    match nics.any(|nic| names.contains(&nic.network)) {
        true => CommandError::new(Kind::Obstacles, Message::new("capture-all-moved")),
        false => CommandError::new(Kind::Obstacles, Message::new("capture-no-machines"))
            .hint(Message::new("hint-capture-first")),
    }
}

/// An error, with what to do if the estate's document is missing.
fn with_hint(error: EngineError, has_document: bool) -> CommandError {
    let is_missing = match &error {
        EngineError::Aws(error) => has_document && is_about_document(error),
        _ => false,
    };
    let error = CommandError::from(error);
    match is_missing {
        true => error.hint(Message::new("hint-no-document")),
        false => error,
    }
}

/// `InvalidDocument` and what begins so.
fn is_about_document(error: &AwsError) -> bool {
    error
        .code()
        .is_some_and(|code| code.starts_with("InvalidDocument"))
}

fn output(facts: &Facts, guests: &Guests, found: &BTreeSet<CheckFinding>) -> Output {
    let of = guests.captured.len() + guests.missing.len();
    let summary = Message::new("capture-guests")
        .count("captured", guests.captured.len())
        .count("of", of);
    let mut text = format!("{summary}\n");
    let mut missing = BTreeMap::new();
    for (id, why) in &guests.missing {
        let why = why.message();
        let label = facts.machines.get(id);
        let label = label.map_or_else(|| id.to_string(), |machine| machine.label(id));
        let line = Message::new("capture-guest-missing")
            .with("label", label)
            .with("machine", id)
            .part("why", why.clone());
        let _ = writeln!(text, "  {line}");
        missing.insert(id, why.to_string());
    }
    text.push('\n');
    check::report::sections(&mut text, found, true);
    // Of nothing there is nothing to sum up.
    let mut summary = String::new();
    let report = check::report::summary(&mut summary, found);
    if !guests.captured.is_empty() {
        text.push_str(&summary);
    }
    // A guest whose instance is off has nothing that runs the script.
    let is_off = |why: &NoGuest| matches!(why, NoGuest::NotRunning { .. });
    let is_whole = guests.missing.values().all(is_off);
    let mut json = json!({
        "captured": guests.captured.keys().collect::<Vec<&InstanceId>>(),
        "not_captured": missing,
    });
    merge(&mut json, report);
    json["ok"] = json!(is_whole);
    let mut output = Output::new(text, json);
    if !is_whole {
        output.failure = Some(Kind::Obstacles);
    }
    output
}

/// The results of both ways as one. The second one's failure is that of both: the first one has none.
pub fn both(api: Output, guests: Output) -> Output {
    let value = |json| match json {
        Json::Value(value) => value,
        Json::Plan(plan) => json!(plan),
    };
    let (api_json, guests_json) = (value(api.json), value(guests.json));
    let ok = guests_json.get("ok").cloned();
    Output {
        text: format!("{}{}", api.text, guests.text),
        json: json!({ "ok": ok, "api": api_json, "guests": guests_json }).into(),
        failure: api.failure.or(guests.failure),
    }
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}
