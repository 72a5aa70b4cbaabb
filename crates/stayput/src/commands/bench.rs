//! `stayput bench`: figures for `docs/benchmarks.md`, by `stayput-rehearsal`.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use stayput_messages::Message;
use stayput_rehearsal::bench;
use stayput_rehearsal::bench::About;
use stayput_rehearsal::bench::BenchOptions;
use stayput_rehearsal::bench::BenchReport;

use super::lab;
use super::narration::Progress;
use crate::cli::BenchArgs;
use crate::cli::BenchWhat;
use crate::cli::Global;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;
use crate::session;

pub async fn run(global: &Global, args: &BenchArgs) -> Result<Output, CommandError> {
    let poll = Duration::from_millis(args.poll);
    let options = BenchOptions {
        program: lab::this_program()?,
        machines: args.machines.clone(),
        concurrency: args.concurrency.clone(),
        poll,
        runs: args.runs,
    };
    let progress = Progress(global);
    // A probe runs in the environment of its lab, whose folder has the estate file.
    let lab_dir = global.file.parent().unwrap_or(Path::new("."));
    let addresses = args.machines.first().copied().unwrap_or(0);
    match args.what {
        BenchWhat::Plan => Ok(report(bench::plan(&options, &progress).await?)),
        BenchWhat::Nics => Ok(report(bench::nics(&options, &progress).await?)),
        BenchWhat::Demo => Ok(report(bench::demo(&options, &progress).await?)),
        BenchWhat::Fabric => Ok(report(bench::fabric(&options, &progress).await?)),
        BenchWhat::FabricProbe => Ok(figure(
            bench::fabric_probe(lab_dir, addresses, About::Others, args.runs).await?,
        )),
        BenchWhat::FabricProbeAddresses => Ok(figure(
            bench::fabric_probe(lab_dir, addresses, About::Addresses, args.runs).await?,
        )),
        BenchWhat::PlanProbe => Ok(figure(bench::plan_probe(lab_dir, args.runs).await?)),
        BenchWhat::NicsProbe => {
            let (&[machines], &[concurrency]) =
                (args.machines.as_slice(), args.concurrency.as_slice())
            else {
                return Err(CommandError::new(
                    Kind::Usage,
                    Message::new("bench-one-of-each"),
                ));
            };
            let who = session::who();
            Ok(figure(
                bench::nics_probe(lab_dir, machines, concurrency, poll, &who).await?,
            ))
        }
    }
}

fn report(report: BenchReport) -> Output {
    Output::new(
        report.table,
        json!({ "ok": true, "figures": report.figures }),
    )
}

fn figure(figure: Value) -> Output {
    Output::new(format!("{figure}\n"), figure)
}
