//! `stayput demo`: the whole procedure in the lab, by `stayput-rehearsal`.

use stayput_rehearsal::ChildProgress;
use stayput_rehearsal::demo;
use stayput_rehearsal::demo::AfterDemo;
use stayput_rehearsal::demo::DemoOptions;

use super::lab;
use super::narration::Story;
use crate::cli::DemoArgs;
use crate::cli::Global;
use crate::cli::Order;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;
use crate::session;

pub async fn run(global: &Global, args: &DemoArgs) -> Result<Output, CommandError> {
    let options = DemoOptions {
        program: lab::this_program()?,
        machines: args.machines,
        speed: args.speed,
        dir: args.dir.clone(),
        after: if args.keep {
            AfterDemo::KeepLab
        } else {
            AfterDemo::StopLab
        },
        order: match args.order {
            Order::Stayput => demo::Order::Stayput,
            Order::Article => demo::Order::Article,
        },
        data_plane: args.dataplane.into(),
        progress: if global.quiet {
            ChildProgress::Hidden
        } else {
            ChildProgress::Shown
        },
        operator: session::who(),
    };
    let interrupted = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    let report = demo::run(&options, &Story(global), interrupted).await?;
    Ok(Output {
        text: report.render(),
        json: report.json().into(),
        failure: (!report.is_ok()).then_some(Kind::Failed),
    })
}
