//! The stayput command line: terminal, environment and exit codes. Everything else is in the libraries.

mod ask;
mod cli;
mod commands;
mod error;
mod observed;
mod output;
mod reach;
mod saved;
mod session;
mod ui;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::error::CommandError;
use crate::error::Kind;
use crate::error::Reader;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // One provider for every TLS client and server in this process. An error means that one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = Cli::parse();
    let json = cli.global.json;
    let privilege = match commands::before_threads(&cli) {
        Ok(privilege) => privilege,
        Err(error) => return report(&error, json),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return report(&CommandError::from_error(Kind::Failed, &error), json);
        }
    };
    let result = runtime.block_on(commands::run(cli, privilege));
    // Tasks that still run are dropped.
    runtime.shutdown_background();
    match result {
        Ok(output) => {
            let text = if json {
                let mut line = ui::clean_json(output.json.to_string());
                line.push('\n');
                line
            } else {
                ui::clean_lines(&output.text)
            };
            // A closed pipe (`| head`) is not a failure.
            let _ = anstream::stdout().write_all(text.as_bytes());
            match output.failure {
                None => ExitCode::SUCCESS,
                Some(kind) => kind.exit_code(),
            }
        }
        Err(error) => report(&error, json),
    }
}

fn report(error: &CommandError, json: bool) -> ExitCode {
    let reader = if json {
        let line = ui::clean_json(error.json().to_string());
        let _ = writeln!(anstream::stdout(), "{line}");
        Reader::Program
    } else {
        Reader::Person
    };
    let text = error.render(reader);
    let _ = write!(anstream::stderr(), "{}", ui::clean_lines(&text));
    error.kind.exit_code()
}
