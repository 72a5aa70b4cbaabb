//! `lab simulate`.

use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;
use stayput_messages::Message;

/// Which seeds, or single faults by number: from the first to the one before the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first.
    pub from: u64,
    /// The one after the last.
    pub to: u64,
}

/// Which single faults are injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Singles {
    #[value(help = Message::new("help-lab-singles-kinds").to_string())]
    Kinds,
    #[value(help = Message::new("help-lab-singles-all").to_string())]
    All,
}

/// `lab simulate`.
#[derive(Debug, Args)]
#[command(after_help = Message::new("help-after-simulate").to_string())]
pub struct SimulateArgs {
    #[arg(long, value_name = "A..B", value_parser = span, required_unless_present = "single_faults", conflicts_with = "single_faults")]
    #[arg(help = Message::new("help-lab-simulate-seeds").to_string())]
    pub seeds: Option<Span>,
    #[arg(long, value_enum, value_name = "WHICH")]
    #[arg(help = Message::new("help-lab-simulate-single-faults").to_string())]
    pub single_faults: Option<Singles>,
    #[arg(long, value_name = "A..B", value_parser = span, requires = "single_faults")]
    #[arg(help = Message::new("help-lab-simulate-range").to_string())]
    pub range: Option<Span>,
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    #[arg(help = Message::new("help-lab-simulate-step").to_string())]
    pub step: u32,
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(help = Message::new("help-lab-simulate-acts-after").to_string())]
    pub acts_after: usize,
    #[arg(long, default_value = "tokyo-osaka", value_name = "NAME|PATH")]
    #[arg(help = Message::new("help-lab-simulate-scenario").to_string())]
    pub scenario: String,
    #[arg(long, value_name = "FILE")]
    #[arg(help = Message::new("help-lab-simulate-state").to_string())]
    pub state: Option<PathBuf>,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    #[arg(help = Message::new("help-lab-simulate-threads").to_string())]
    pub threads: Option<u16>,
}

fn span(text: &str) -> Result<Span, String> {
    let number = |text: &str| {
        text.parse::<u64>()
            .map_err(|_| format!("`{text}` is not a number; write A..B, such as 0..1000"))
    };
    match text.split_once("..") {
        None => {
            let from = number(text)?;
            let to = from.checked_add(1).ok_or("the number is too large")?;
            Ok(Span { from, to })
        }
        Some((from, to)) => {
            let span = Span {
                from: number(from)?,
                to: number(to)?,
            };
            if span.from >= span.to {
                return Err(format!("{text} is empty: the second number is not in it"));
            }
            Ok(span)
        }
    }
}
