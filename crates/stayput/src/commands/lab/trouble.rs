//! `stayput lab fault`, `site`, `region`, `vm` and `instance`: what goes wrong in a lab, on request.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;
use serde_json::json;
use stayput_lab::faults::Rule;
use stayput_messages::Message;
use stayput_messages::list::and;
use stayput_rehearsal::Control;
use stayput_rehearsal::ControlError;
use stayput_rehearsal::LabProcessError;

use crate::cli::FaultAddArgs;
use crate::cli::FaultCommand;
use crate::cli::InstanceCommand;
use crate::cli::PlaceArgs;
use crate::cli::RegionCommand;
use crate::cli::SiteCommand;
use crate::cli::VmArgs;
use crate::cli::VmCommand;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;

/// The control of the lab in a folder.
fn control(dir: &Path) -> Result<Control, CommandError> {
    let endpoints = super::read(dir)?;
    Ok(Control::of(&endpoints).map_err(LabProcessError::from)?)
}

/// What the lab does not accept is wrong usage, in its own words; what it cannot do now is a failure.
fn refused(error: ControlError) -> CommandError {
    match error {
        ControlError::Refused {
            status: 400 | 404,
            reason,
            ..
        } => CommandError::new(Kind::Usage, reason).hint(Message::new("hint-nothing-changed")),
        ControlError::Refused {
            status: 409,
            reason,
            ..
        } => CommandError::new(Kind::Failed, reason).hint(Message::new("hint-nothing-changed")),
        other => LabProcessError::from(other).into(),
    }
}

/// What is down and how many faults are in force, one line each; nothing if all is well.
pub(super) fn in_force(status: &Value) -> String {
    let mut text = String::new();
    let down = |names: &str| status[names].as_array().into_iter().flatten();
    for site in down("sites_down").filter_map(Value::as_str) {
        let line = Message::new("lab-site-is-down").with("site", site);
        let _ = writeln!(text, "{line}");
    }
    for region in down("regions_down").filter_map(Value::as_str) {
        let line = Message::new("lab-region-is-down").with("region", region);
        let _ = writeln!(text, "{line}");
    }
    match status["faults"].as_u64() {
        Some(0) | None => {}
        Some(faults) => {
            let line = Message::new("lab-faults").count("faults", faults);
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

/// `lab fault`.
pub(super) async fn fault(command: &FaultCommand) -> Result<Output, CommandError> {
    match command {
        FaultCommand::Add(args) => add(args).await,
        FaultCommand::List(args) => {
            let answer = control(&args.dir)?.get("/faults").await.map_err(refused)?;
            let faults = answer["faults"].as_array().map_or(&[][..], Vec::as_slice);
            let mut text = String::new();
            for fault in faults {
                text.push_str(&describe(fault));
            }
            if faults.is_empty() {
                let _ = writeln!(text, "{}", Message::new("lab-no-faults"));
            }
            Ok(Output::new(text, answer))
        }
        FaultCommand::Clear(args) => {
            let path = match args.id {
                Some(id) => format!("/faults/{id}"),
                None => "/faults".to_owned(),
            };
            let control = control(&args.dir.dir)?;
            let answer = control.delete(&path).await.map_err(refused)?;
            let cleared = answer["cleared"].as_u64().unwrap_or_default();
            let text = Message::new("lab-faults-removed").count("faults", cleared);
            Ok(Output::line(&text, done(answer)))
        }
    }
}

async fn add(args: &FaultAddArgs) -> Result<Output, CommandError> {
    let wrong = |message: String| {
        CommandError::new(Kind::Usage, message).hint(Message::new("hint-fault-help"))
    };
    let rule = match &args.rule {
        Some(text) => Rule::from_toml(text).map_err(wrong)?,
        None => Rule::try_from(args.options.form()).map_err(|error| wrong(error.to_string()))?,
    };
    let control = control(&args.dir.dir)?;
    let form = json!(rule);
    let answer = control.tell("/faults", &form).await.map_err(refused)?;
    let text = Message::new("lab-fault-added")
        .with("id", &answer["id"])
        .with("rule", rule_text(&form));
    Ok(Output::line(
        &text,
        json!({ "ok": true, "id": answer["id"], "rule": form }),
    ))
}

/// One line for a fault, and one for the last call it applied to.
fn describe(fault: &Value) -> String {
    let applied = match fault["active"] == true {
        true => Message::new("lab-fault-applied")
            .with("hits", &fault["hits"])
            .with("matched", &fault["matched"]),
        false => Message::new("lab-fault-over")
            .with("hits", &fault["hits"])
            .with("matched", &fault["matched"]),
    };
    let (id, rule) = (fault["id"].to_string(), rule_text(&fault["rule"]));
    let mut text = format!("{id:<3} {rule}  {applied}\n");
    let last = &fault["last"];
    if let Some(call) = last["call"].as_str() {
        let place = last["site"].as_str().or(last["region"].as_str());
        let line = Message::new("lab-fault-last")
            .with("service", last["service"].as_str().unwrap_or_default())
            .with("place", place.unwrap_or_default())
            .with("call", call)
            .with("time", last["virtual_time"].as_str().unwrap_or_default());
        let _ = writeln!(text, "    {line}");
    }
    text
}

/// The order in which a rule is read: which calls, then what becomes of them, then how often.
const FIRST: [&str; 6] = ["service", "site", "region", "call", "object", "kind"];
const LAST: [&str; 4] = ["nth", "times", "forever", "lasts"];

/// A rule as its options, without dashes.
fn rule_text(rule: &Value) -> String {
    let position = |name: &str, list: &[&str]| list.iter().position(|known| *known == name);
    let place = |name: &str| {
        let last = position(name, &LAST).map(|at| FIRST.len() + 1 + at);
        position(name, &FIRST).or(last).unwrap_or(FIRST.len())
    };
    let mut options: Vec<(&String, &Value)> = rule.as_object().into_iter().flatten().collect();
    options.sort_by_key(|(name, _)| place(name));
    let words: Vec<String> = options
        .into_iter()
        .map(|(name, value)| match value {
            Value::Bool(_) => name.clone(),
            Value::String(text) if text.contains(' ') => format!("{name}='{text}'"),
            Value::String(text) => format!("{name}={text}"),
            other => format!("{name}={other}"),
        })
        .collect();
    words.join(" ")
}

/// The answer with `ok`.
fn done(mut answer: Value) -> Value {
    answer["ok"] = json!(true);
    answer
}

/// `lab site`.
pub(super) async fn site(command: &SiteCommand) -> Result<Output, CommandError> {
    let (args, state) = match command {
        SiteCommand::Down(args) => (args, "down"),
        SiteCommand::Up(args) => (args, "up"),
    };
    place(Message::new("lab-kind-site"), "/sites", args, state).await
}

/// `lab region`.
pub(super) async fn region(command: &RegionCommand) -> Result<Output, CommandError> {
    let (args, state) = match command {
        RegionCommand::Down(args) => (args, "down"),
        RegionCommand::Up(args) => (args, "up"),
    };
    place(Message::new("lab-kind-region"), "/regions", args, state).await
}

async fn place(
    kind: Message,
    path: &str,
    args: &PlaceArgs,
    state: &str,
) -> Result<Output, CommandError> {
    let control = control(&args.dir.dir)?;
    let wanted = json!({ "name": args.name, "state": state });
    let answer = control.tell(path, &wanted).await;
    let answer = answer.map_err(refused)?;
    let becomes = becomes(&answer, state);
    let sites = answer["sites"].as_array().into_iter().flatten();
    let sites: Vec<&str> = sites.filter_map(Value::as_str).collect();
    let text = match sites.is_empty() {
        true => Message::new("lab-place")
            .part("kind", kind)
            .with("name", &args.name)
            .part("becomes", becomes),
        false => Message::new("lab-place-with-sites")
            .part("kind", kind)
            .with("name", &args.name)
            .part("becomes", becomes)
            .part("sites", and(sites)),
    };
    Ok(Output::line(&text, done(answer)))
}

/// The state of something, and whether it was in it already.
fn becomes(answer: &Value, state: &str) -> Message {
    match answer["before"] == state {
        true => Message::new("lab-was-already").with("state", state),
        false => Message::new("lab-is-now").with("state", state),
    }
}

/// `lab vm`.
pub(super) async fn vm(command: &VmCommand) -> Result<Output, CommandError> {
    let (args, power): (&VmArgs, _) = match command {
        VmCommand::Off(args) => (args, "off"),
        VmCommand::On(args) => (args, "on"),
    };
    let control = control(&args.dir.dir)?;
    let wanted = json!({ "vm": args.vm, "site": args.site, "power": power });
    let answer = control.tell("/vms", &wanted).await.map_err(refused)?;
    let text = Message::new("lab-vm")
        .with("name", answer["name"].as_str().unwrap_or_default())
        .with("vm", answer["vm"].as_str().unwrap_or_default())
        .with("site", answer["site"].as_str().unwrap_or_default())
        .part("becomes", becomes(&answer, power));
    Ok(Output::line(&text, done(answer)))
}

/// `lab instance`.
pub(super) async fn instance(command: &InstanceCommand) -> Result<Output, CommandError> {
    let (args, power, becomes) = match command {
        InstanceCommand::Start(args) => (args, "on", "starting"),
        InstanceCommand::Stop(args) => (args, "off", "stopping"),
    };
    let control = control(&args.dir.dir)?;
    let wanted = json!({ "instance": args.instance, "power": power });
    let answer = control.tell("/instances", &wanted).await.map_err(refused)?;
    let before = answer["before"].as_str().unwrap_or_default();
    let moves = matches!((power, before), ("on", "stopped") | ("off", "running"));
    let becomes = match moves {
        true => Message::new("lab-changes")
            .with("state", becomes)
            .with("before", before),
        false => Message::new("lab-was-already").with("state", before),
    };
    let text = Message::new("lab-instance")
        .with("instance", answer["instance"].as_str().unwrap_or_default())
        .with("name", answer["name"].as_str().unwrap_or_default())
        .with("region", answer["region"].as_str().unwrap_or_default())
        .part("becomes", becomes);
    Ok(Output::line(&text, done(answer)))
}
