//! The commands. Each takes its arguments and returns an [`Output`]; none prints a result or exits.

mod adopt;
mod apply;
mod bench;
mod capture;
mod check;
mod config;
mod demo;
mod expect;
mod init;
mod journal;
mod lab;
mod ledger;
mod narration;
mod retire;
mod status;
mod trace;

use std::fs;

use clap::CommandFactory;
use stayput_dataplane::NoNamespaces;
use stayput_dataplane::Privilege;
use stayput_messages::Message;

use crate::cli::Cli;
use crate::cli::Command;
use crate::cli::GoalCommand;
use crate::cli::LabCommand;
use crate::cli::LedgerCommand;
use crate::cli::WorldCommand;
use crate::error::CommandError;
use crate::error::Kind;
use crate::observed;
use crate::output::Output;

/// What must be done before this process has a second thread. Returns the privilege for the network namespaces of a lab in
/// this process, or why it has none; `None`: the command needs none.
///
/// # Errors
/// The command needs network namespaces, and none can be made.
pub fn before_threads(cli: &Cli) -> Result<Option<Result<Privilege, NoNamespaces>>, CommandError> {
    match &cli.command {
        Command::Lab(LabCommand::Up(args)) if args.foreground => lab::privilege(args).map(Some),
        _ => Ok(None),
    }
}

/// Runs one command.
pub async fn run(
    cli: Cli,
    privilege: Option<Result<Privilege, NoNamespaces>>,
) -> Result<Output, CommandError> {
    let global = &cli.global;
    match cli.command {
        Command::Init(args) => init::run(global, &args).await,
        Command::Config(command) => config::run(global, &command),
        Command::Capture(args) => capture::capture(global, args).await,
        Command::Plan(args) => apply::plan(global, &args).await,
        Command::Apply(args) => {
            let how = apply::How::of(&args)?;
            match (&args.goal, &args.plan) {
                (Some(goal), _) => apply::apply(global, apply::ApplyInput::Goal(goal), &how).await,
                (None, Some(file)) => {
                    apply::apply(global, apply::ApplyInput::Plan(file), &how).await
                }
                (None, None) => Err(CommandError::new(
                    Kind::Usage,
                    Message::new("name-goal-or-plan"),
                )),
            }
        }
        Command::Rollback(args) => {
            let goal = GoalCommand::Rollback { run: args.run };
            let how = apply::How {
                yes: args.yes,
                ..apply::How::default()
            };
            apply::apply(global, apply::ApplyInput::Goal(&goal), &how).await
        }
        Command::Status(args) => status::run(global, &args).await,
        Command::Check(args) => check::run(global, &args).await,
        Command::Trace(args) => trace::run(global, &args).await,
        Command::World(WorldCommand::Save { path }) => {
            let bytes = observed::save(global, &path).await?;
            let text = Message::new("world-saved")
                .with("file", path.display())
                .with("bytes", bytes);
            Ok(Output::line(
                &text,
                serde_json::json!({ "ok": true, "file": path, "bytes": bytes }),
            ))
        }
        Command::Adopt(args) => adopt::run(global, &args).await,
        Command::Retire(args) => retire::run(global, &args).await,
        Command::Expect(args) => expect::run(global, &args).await,
        Command::Journal(args) => journal::run(global, &args).await,
        Command::Ledger(LedgerCommand::Init) => ledger::init(global).await,
        Command::Ledger(LedgerCommand::Verify { export: None }) => ledger::verify(global).await,
        Command::Ledger(LedgerCommand::Verify { export: Some(file) }) => {
            ledger::content::verify(&file)
        }
        Command::Ledger(LedgerCommand::Export { path }) => {
            ledger::content::export(global, &path).await
        }
        Command::Ledger(LedgerCommand::Import { path }) => {
            ledger::content::import(global, &path).await
        }
        Command::Ledger(LedgerCommand::Copy { to }) => ledger::content::copy(global, &to).await,
        Command::Lab(command) => lab::run(&command, privilege, global.quiet).await,
        Command::Demo(args) => demo::run(global, &args).await,
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "stayput", &mut text);
            let text = String::from_utf8_lossy(&text).into_owned();
            Ok(Output::new(
                text.clone(),
                serde_json::json!({ "script": text }),
            ))
        }
        Command::Man { dir } => {
            let io = |error: std::io::Error| {
                CommandError::new(
                    Kind::Failed,
                    Message::new("file-unwritable")
                        .with("file", dir.display())
                        .with("error", error),
                )
            };
            fs::create_dir_all(&dir).map_err(io)?;
            clap_mangen::generate_to(Cli::command(), &dir).map_err(io)?;
            let text = Message::new("man-pages-written").with("dir", dir.display());
            Ok(Output::line(&text, serde_json::json!({ "dir": dir })))
        }
        Command::Bench(args) => bench::run(global, &args).await,
    }
}
