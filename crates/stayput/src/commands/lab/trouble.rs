//! `stayput lab fault`, `site`, `region`, `vm` and `instance`: what goes wrong in a lab, on request.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;
use serde_json::json;
use stayput_lab::faults::Rule;
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
        } => CommandError::new(Kind::Usage, reason).hint("nothing was changed"),
        ControlError::Refused {
            status: 409,
            reason,
            ..
        } => CommandError::new(Kind::Failed, reason).hint("nothing was changed"),
        other => LabProcessError::from(other).into(),
    }
}

/// What is down and how many faults are in force, one line each; nothing if all is well.
pub(super) fn in_force(status: &Value) -> String {
    let mut text = String::new();
    for (what, names) in [("site", "sites_down"), ("region", "regions_down")] {
        for name in status[names].as_array().into_iter().flatten() {
            let name = name.as_str().unwrap_or_default();
            let _ = writeln!(text, "{what} {name} is down (stayput lab {what} up {name})");
        }
    }
    match status["faults"].as_u64() {
        Some(0) | None => {}
        Some(1) => text.push_str("1 fault is in force (stayput lab fault list)\n"),
        Some(many) => {
            let _ = writeln!(text, "{many} faults are in force (stayput lab fault list)");
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
                text.push_str("no faults\n");
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
            let text = match answer["cleared"].as_u64() {
                Some(1) => "1 fault was removed\n".to_owned(),
                Some(0) | None => "there was no fault\n".to_owned(),
                Some(many) => format!("{many} faults were removed\n"),
            };
            Ok(Output::new(text, done(answer)))
        }
    }
}

async fn add(args: &FaultAddArgs) -> Result<Output, CommandError> {
    let wrong = |message: String| {
        CommandError::new(Kind::Usage, message).hint("see: stayput lab fault add --help")
    };
    let rule = match &args.rule {
        Some(text) => Rule::from_toml(text).map_err(wrong)?,
        None => Rule::try_from(args.options.form()).map_err(|error| wrong(error.to_string()))?,
    };
    let control = control(&args.dir.dir)?;
    let form = json!(rule);
    let answer = control.tell("/faults", &form).await.map_err(refused)?;
    let text = format!("fault {} is in force: {}\n", answer["id"], rule_text(&form));
    Ok(Output::new(
        text,
        json!({ "ok": true, "id": answer["id"], "rule": form }),
    ))
}

/// One line for a fault, and one for the last call it applied to.
fn describe(fault: &Value) -> String {
    let mut text = format!(
        "{:<3} {}  applied {} of {} matching calls{}\n",
        fault["id"].to_string(),
        rule_text(&fault["rule"]),
        fault["hits"],
        fault["matched"],
        if fault["active"] == true {
            ""
        } else {
            ", over"
        },
    );
    let last = &fault["last"];
    if let Some(call) = last["call"].as_str() {
        let place = last["site"].as_str().or(last["region"].as_str());
        let _ = writeln!(
            text,
            "    last: {} {} {call} at {}",
            last["service"].as_str().unwrap_or_default(),
            place.unwrap_or_default(),
            last["virtual_time"].as_str().unwrap_or_default(),
        );
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
    place("site", args, state).await
}

/// `lab region`.
pub(super) async fn region(command: &RegionCommand) -> Result<Output, CommandError> {
    let (args, state) = match command {
        RegionCommand::Down(args) => (args, "down"),
        RegionCommand::Up(args) => (args, "up"),
    };
    place("region", args, state).await
}

async fn place(what: &str, args: &PlaceArgs, state: &str) -> Result<Output, CommandError> {
    let control = control(&args.dir.dir)?;
    let wanted = json!({ "name": args.name, "state": state });
    let answer = control.tell(&format!("/{what}s"), &wanted).await;
    let answer = answer.map_err(refused)?;
    let already = if answer["before"] == state {
        "was already"
    } else {
        "is now"
    };
    let with = match answer["sites"].as_array() {
        Some(sites) if !sites.is_empty() => {
            let names: Vec<&str> = sites.iter().filter_map(Value::as_str).collect();
            format!(", with site {}", names.join(" and "))
        }
        Some(_) | None => String::new(),
    };
    let text = format!("{what} {} {already} {state}{with}\n", args.name);
    Ok(Output::new(text, done(answer)))
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
    let already = if answer["before"] == power {
        "was already"
    } else {
        "is now"
    };
    let text = format!(
        "VM {} ({}) at site {} {already} {power}\n",
        answer["name"].as_str().unwrap_or_default(),
        answer["vm"].as_str().unwrap_or_default(),
        answer["site"].as_str().unwrap_or_default(),
    );
    Ok(Output::new(text, done(answer)))
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
    let text = format!(
        "instance {} ({}) in {} {}\n",
        answer["instance"].as_str().unwrap_or_default(),
        answer["name"].as_str().unwrap_or_default(),
        answer["region"].as_str().unwrap_or_default(),
        if moves {
            format!("is {becomes}; it was {before}")
        } else {
            format!("was already {before}")
        },
    );
    Ok(Output::new(text, done(answer)))
}
