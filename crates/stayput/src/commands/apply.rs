//! `stayput plan` and `stayput apply`, the same for every goal: observe, plan, prove, show; then ask and apply.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use jiff::SignedDuration;
use jiff::Timestamp;
use jiff::Zoned;
use serde_json::json;
use stayput_engine::ApplyOptions;
use stayput_engine::Events;
use stayput_engine::RunReport;
use stayput_engine::Session;
use stayput_engine::Stop;
use stayput_engine::Stopper;
use stayput_engine::rollback_goal;
use stayput_estate::Estate;
use stayput_ledger::Entry;
use stayput_ledger::Ledger;
use stayput_messages::Message;
use stayput_plan::Action;
use stayput_plan::EntryPath;
use stayput_plan::FailoverMode;
use stayput_plan::Goal;
use stayput_plan::Plan;

use crate::ask;
use crate::cli;
use crate::cli::Global;
use crate::cli::GoalCommand;
use crate::cli::Mode;
use crate::cli::PlanArgs;
use crate::commands::journal;
use crate::error::CommandError;
use crate::error::Kind;
use crate::observed;
use crate::output::Output;
use crate::saved;
use crate::session;
use crate::ui;

/// The goal a command names.
///
/// # Errors
/// It names a network or site that is not in the estate, or a run that is not in the ledger or cannot be rolled back.
pub async fn goal(estate: &Estate, command: &GoalCommand) -> Result<Goal, CommandError> {
    let networks = |names: &[String]| session::networks(estate, names);
    Ok(match command {
        GoalCommand::Capture { networks: names } => Goal::Capture {
            networks: networks(names)?,
        },
        GoalCommand::Move {
            networks: names,
            canary,
            leave_out,
        } => {
            if let Some(both) = canary.iter().find(|machine| leave_out.contains(*machine)) {
                let what = Message::new("canary-is-left-out").with("machine", both);
                return Err(CommandError::new(Kind::Usage, what));
            }
            Goal::Move {
                networks: networks(names)?,
                canaries: canary.iter().cloned().collect(),
                leave_out: leave_out.iter().cloned().collect(),
            }
        }
        GoalCommand::Protect { networks: names } => Goal::Protect {
            networks: networks(names)?,
        },
        GoalCommand::Failover {
            networks: names,
            to,
            mode,
            path,
            lost,
        } => {
            let goal = Goal::Failover {
                networks: networks(names)?,
                to: session::site(estate, to)?,
                mode: match mode {
                    Mode::Test => FailoverMode::Test,
                    Mode::Planned => FailoverMode::Planned,
                    Mode::Unplanned => FailoverMode::Unplanned,
                },
                path: match path {
                    None => EntryPath::Keep,
                    Some(cli::OnPremPath::A) => EntryPath::A,
                    Some(cli::OnPremPath::B) => EntryPath::B,
                },
                lost: lost
                    .iter()
                    .map(|name| session::site(estate, name))
                    .collect::<Result<_, _>>()?,
            };
            lost_sites_are_left(estate, &goal)?;
            goal
        }
        GoalCommand::Failback { networks: names } => Goal::Failback {
            networks: networks(names)?,
        },
        GoalCommand::CleanUp {
            networks: names,
            site,
            remove,
        } => Goal::CleanUp {
            networks: networks(names)?,
            site: session::site(estate, site)?,
            remove: *remove,
        },
        GoalCommand::Rollback { run } => {
            let ledger = session::open_ledger(estate).await?;
            let runs = ledger.runs().await?;
            rollback_goal(&*ledger, journal::called(&runs, run)?).await?
        }
    })
}

/// The goal as the ledger is now: until the estate was locked, another process may have worked on the run that is rolled back.
async fn goal_now(ledger: &dyn Ledger, goal: Goal, is_saved: bool) -> Result<Goal, CommandError> {
    let Goal::Rollback { run, .. } = &goal else {
        return Ok(goal);
    };
    let runs = ledger.runs().await?;
    let now = rollback_goal(ledger, journal::called(&runs, run.as_str())?).await?;
    if is_saved && now != goal {
        return Err(CommandError::new(
            Kind::WorldChanged,
            Message::new("apply-run-did-more").with("run", run),
        )
        .hint(Message::new("hint-save-rollback-again").with("run", run)));
    }
    Ok(now)
}

/// Only a site that an unplanned failover leaves can be declared lost.
fn lost_sites_are_left(estate: &Estate, goal: &Goal) -> Result<(), CommandError> {
    let Goal::Failover { lost, mode, .. } = goal else {
        return Ok(());
    };
    if *mode != FailoverMode::Unplanned && !lost.is_empty() {
        return Err(
            CommandError::new(Kind::Usage, Message::new("lost-only-unplanned"))
                .hint(Message::new("hint-mode-unplanned")),
        );
    }
    let leaves = goal.leaves(estate);
    match lost.iter().find(|site| !leaves.contains(*site)) {
        None => Ok(()),
        Some(site) => {
            let leaves: Vec<_> = leaves.iter().map(ToString::to_string).collect();
            Err(CommandError::new(
                Kind::Usage,
                Message::new("lost-not-left").with("site", site),
            )
            .hint(Message::new("hint-leaves").with("sites", leaves.join(", "))))
        }
    }
}

/// Shows what reaching a goal would do.
pub async fn plan(global: &Global, args: &PlanArgs) -> Result<Output, CommandError> {
    // Errors in the file or the goal are reported before any system is contacted.
    let estate = session::load_estate(&global.file)?;
    let goal = goal(&estate, &args.goal).await?;
    if let Some(step) = &args.explain {
        names_a_step(step)?;
    }
    if let Some(file) = &args.out {
        saved::can_be_written(file)?;
    }
    let seen = observed::observe(global, estate, args.world.world.as_deref()).await?;
    let plan = stayput_plan::plan(&seen.estate, &seen.world, &seen.facts, &goal)?;
    // Before the file is written: a step that the plan does not have changes nothing.
    let explained = args.explain.as_ref().map(|step| {
        let text = stayput_plan::explain(&plan, step).ok_or_else(|| no_such_step(&plan, step))?;
        Ok::<_, CommandError>((step, text))
    });
    let explained = explained.transpose()?;
    if let Some(file) = &args.out {
        saved::write(file, &plan)?;
    }
    match explained {
        None if global.json => Ok(Output::new("", plan)),
        None => Ok(Output::new(stayput_plan::render(&plan), plan)),
        Some((step, text)) => {
            let json =
                json!({ "ok": true, "plan": plan, "explained": { "step": step, "text": text } });
            Ok(Output::new(text, json))
        }
    }
}

/// Checks that a text can name a step of some plan: a number from 1, or an id, which has parts. Whether the plan has it is known only when
/// it is made.
fn names_a_step(step: &str) -> Result<(), CommandError> {
    let is_id = step == "capture" || step.contains('/');
    let is_number = step.parse().is_ok_and(|number: usize| number > 0);
    if is_id || is_number {
        return Ok(());
    }
    let wrong = Message::new("no-plan-has-step").with("step", step);
    Err(CommandError::new(Kind::Usage, wrong).hint(Message::new("hint-name-step-early")))
}

/// The error for a step that a plan does not have.
pub fn no_such_step(plan: &Plan, step: &str) -> CommandError {
    let last = stayput_plan::Numbered::of(plan).iter().count();
    let wrong = match last {
        0 => Message::new("plan-has-no-steps"),
        _ => Message::new("plan-has-no-such-step")
            .with("step", step)
            .with("last", last),
    };
    CommandError::new(Kind::Usage, wrong).hint(Message::new("hint-name-step"))
}

/// What to apply.
pub enum ApplyInput<'a> {
    /// Whatever reaches this goal now.
    Goal(&'a GoalCommand),
    /// Exactly the plan in this file.
    Plan(&'a Path),
}

/// How to apply it.
#[derive(Debug, Default)]
pub struct How {
    /// Without asking.
    pub yes: bool,
    /// How far, and when.
    pub options: ApplyOptions,
}

impl How {
    /// As the arguments say.
    ///
    /// # Errors
    /// A time that cannot be read, or that is long ago.
    pub fn of(args: &cli::ApplyArgs) -> Result<Self, CommandError> {
        let time = args
            .cutover_after
            .as_deref()
            .map(cutover_time)
            .transpose()?;
        Ok(Self {
            yes: args.yes,
            options: ApplyOptions {
                until: args.until.map(Into::into),
                cutover_after: time,
            },
        })
    }
}

/// A window that was missed by more than this is a wrong date: a run is resumed sooner.
const WINDOW_PAST_MAX: SignedDuration = SignedDuration::from_hours(24);

fn cutover_time(text: &str) -> Result<Timestamp, CommandError> {
    let time = time(text)?;
    if Timestamp::now().duration_since(time) > WINDOW_PAST_MAX {
        let what = Message::new("cutover-time-past").with("text", text);
        return Err(CommandError::new(Kind::Usage, what).hint(Message::new("hint-correct-date")));
    }
    Ok(time)
}

/// A time as typed: RFC 3339, or with a time zone in brackets.
fn time(text: &str) -> Result<Timestamp, CommandError> {
    let zoned = || text.parse::<Zoned>().map(|zoned| zoned.timestamp());
    text.parse().or_else(|_| zoned()).map_err(|error| {
        let what = Message::new("cutover-time-wrong")
            .with("text", text)
            .with("error", error);
        CommandError::new(Kind::Usage, what).hint(Message::new("hint-write-time"))
    })
}

/// A saved plan is used only if the same plan would be made now: a difference means that the world has changed.
///
/// # Errors
/// The world has changed.
pub fn still_holds(saved: &Plan, now: &Plan) -> Result<(), CommandError> {
    unchanged(&stayput_plan::differences(saved, now))
}

/// A saved plan whose run was begun is continued only if nothing is left to do but what it has.
///
/// # Errors
/// The world has changed.
fn is_rest_of(saved: &Plan, now: &Plan) -> Result<(), CommandError> {
    unchanged(&stayput_plan::left_over(saved, now))
}

fn unchanged(differences: &[stayput_plan::Difference]) -> Result<(), CommandError> {
    if differences.is_empty() {
        return Ok(());
    }
    let mut error = CommandError::new(Kind::WorldChanged, Message::new("plan-is-stale"))
        .hint(Message::new("hint-save-again"));
    error.causes = differences.iter().map(ToString::to_string).collect();
    Err(error)
}

/// Shows, asks, applies.
pub async fn apply(
    global: &Global,
    input: ApplyInput<'_>,
    how: &How,
) -> Result<Output, CommandError> {
    // Errors in the file or the goal are reported before any system is contacted.
    let estate = session::load_estate(&global.file)?;
    let (goal, saved) = match input {
        ApplyInput::Goal(command) => (goal(&estate, command).await?, None),
        ApplyInput::Plan(file) => {
            let saved = saved::PLAN.read(&estate, file)?;
            (saved.goal.clone(), Some(saved))
        }
    };
    let events = Events::none();
    let engine = session::engine(estate, events.clone()).await?;
    let (stopper, stop) = Stop::channel();
    let session = Session::new(engine, session::who(), stop);
    let locked = session.lock().await?;
    let goal = goal_now(&*session.engine().ledger, goal, saved.is_some()).await?;
    let display = ui::show(events.listen(), global.quiet);
    let seen = locked.look().await;
    events.close();
    let _ = display.await;
    let seen = seen?;
    observed::something(&seen.world)?;
    let plan = locked.plan(&seen, &goal)?;
    // Of a goal that is reached nothing is left to compare.
    if let Some(saved) = saved.as_ref().filter(|_| !plan.steps.is_empty()) {
        match locked.is_begun(&goal).await? {
            true => is_rest_of(saved, &plan)?,
            false => still_holds(saved, &plan)?,
        }
    }
    let mut shown = stayput_plan::render(&plan);
    if plan.steps.is_empty() {
        // Closes a run whose process ended after its last step.
        let abandoned = locked.reached(&goal, &seen).await?;
        shown.push_str(&closed(&goal, &abandoned));
        let json = json!({ "ok": true, "goal": goal, "changed": false, "steps": [], "plan": plan.as_plan(), "abandoned": abandoned, "arrivals": {} });
        return Ok(Output::new(shown, json));
    }
    if let Some(time) = how.options.cutover_after
        && time <= Timestamp::now()
    {
        let passed = Message::new("cutover-time-has-passed").with("time", time);
        shown.push_str(&format!("! {passed}\n"));
    }
    if !how.yes {
        ask::confirm(global, &shown, Message::new("hint-plan-first"))?;
    } else if !global.json && !global.quiet {
        let _ = writeln!(anstream::stderr(), "{}", ui::clean_lines(&shown));
    }
    let display = ui::show(events.listen(), global.quiet);
    let interrupts = tokio::spawn(interrupts(stopper, global.quiet));
    let applied = locked.apply(&plan, &how.options).await;
    interrupts.abort();
    events.close();
    let _ = display.await;
    let report = applied?;
    let changed = report.steps.iter().filter(|step| step.changed).count();
    let result = match report.stopped_after {
        None => Message::new("apply-reached").with("goal", &goal),
        Some(phase) => Message::new("apply-stopped")
            .with("goal", &goal)
            .with("phase", phase),
    };
    let result = Message::new("apply-result")
        .part("result", result)
        .count("steps", report.steps.len())
        .count("changed", changed)
        .with("took", ui::seconds(report.ms))
        .with("run", &report.run);
    let mut text = format!("{result}\n");
    if report.stopped_after.is_some() {
        let _ = writeln!(text, "{}", Message::new("apply-continue"));
    }
    if let Some(unreached) = report.unreached.filter(|unreached| *unreached > 0) {
        let unreached = Message::new("apply-unreached").count("addresses", unreached);
        let _ = writeln!(text, "! {unreached}");
    }
    let warnings = match report.of_lost.is_empty() {
        true => &plan.warnings,
        false => &report.of_lost,
    };
    for warning in warnings {
        let _ = writeln!(text, "! {warning}");
    }
    text.push_str(&closed(&goal, &report.abandoned));
    let run = report.run.as_str().into();
    let journal = session.engine().ledger.journal(&run).await?;
    let arrivals = arrivals(&journal);
    let verified = verified(&journal, &report);
    for (site, found) in &verified {
        let count = |key: &str| found[key].as_u64().unwrap_or_default();
        let verified = Message::new("apply-verified")
            .with("site", site)
            .with("found", count("found"))
            .with("expected", count("expected"))
            .with("delivered", count("delivered"))
            .with("addresses", count("addresses"));
        let _ = writeln!(text, "{verified}");
    }
    let json = json!({
        "ok": true,
        "goal": goal,
        "changed": changed > 0,
        "reached": report.stopped_after.is_none(),
        "stopped_after": report.stopped_after,
        "unreached": report.unreached,
        "run": report.run,
        "ms": report.ms,
        "steps": report.steps,
        "changes": report.changes,
        "abandoned": report.abandoned,
        "plan": plan.as_plan(),
        "arrivals": arrivals,
        "verified": verified,
    });
    Ok(Output::new(text, json))
}

/// What the verifications of this command found, by site: the last of each.
fn verified(journal: &[Entry], report: &RunReport) -> BTreeMap<String, serde_json::Value> {
    let steps: BTreeSet<_> = report.steps.iter().map(|step| &step.step).collect();
    let entries = journal.iter().filter(|entry| steps.contains(&entry.step));
    let observed = entries.flat_map(|entry| &entry.observed);
    observed
        .filter_map(|observed| {
            let site = observed.get("site")?.as_str()?;
            Some((site.to_owned(), observed.get("verification")?.clone()))
        })
        .collect()
}

/// Runs that were closed without their goals being reached, one line each.
fn closed(goal: &Goal, abandoned: &[String]) -> String {
    let mut text = String::new();
    for run in abandoned {
        let closed = match goal {
            Goal::Rollback { .. } => Message::new("run-rolled-back").with("run", run),
            Goal::Capture { .. }
            | Goal::Move { .. }
            | Goal::Protect { .. }
            | Goal::Failover { .. }
            | Goal::Failback { .. }
            | Goal::CleanUp { .. } => Message::new("run-superseded").with("run", run),
        };
        let _ = writeln!(text, "{closed}");
    }
    text
}

/// The first interrupt asks the run to stop; the second ends the process.
async fn interrupts(stopper: Stopper, quiet: bool) {
    if tokio::signal::ctrl_c().await.is_err() {
        return;
    }
    stopper.ask();
    if !quiet {
        let _ = writeln!(anstream::stderr(), "{}", Message::new("apply-stopping"));
    }
    if tokio::signal::ctrl_c().await.is_ok() {
        // 128 + SIGINT, as a shell reports it.
        std::process::exit(130);
    }
}

/// Each machine's NICs on arrival, before they were restored: the first state in the run's journal.
fn arrivals(journal: &[Entry]) -> BTreeMap<String, serde_json::Value> {
    let mut arrivals = BTreeMap::new();
    for entry in journal {
        let action = serde_json::from_value::<Action>(entry.intent["action"].clone());
        let Ok(Action::RestoreNics { machine, .. }) = action else {
            continue;
        };
        let before = entry.observed.iter().find_map(|seen| seen.get("before"));
        if let Some(before) = before {
            arrivals
                .entry(machine.to_string())
                .or_insert_with(|| before.clone());
        }
    }
    arrivals
}
