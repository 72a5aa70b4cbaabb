//! `lab simulate`.

use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;

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
    /// Each fault of each call, one time that the call is made in each act.
    Kinds,
    /// Each fault of each time that a call is made. That takes days.
    All,
}

/// `lab simulate`.
#[derive(Debug, Args)]
#[command(after_help = "\
A story is the life of an estate: capture, canary, move, protection, drill, failovers, failbacks, the loss of
a region and the way back. It runs in this process and in virtual time: no lab has to be up.

Examples:
  stayput lab simulate --seeds 0..1000
  stayput lab simulate --seeds 42                  # one story again, in full if it is bad
  stayput lab simulate --single-faults kinds --range 0..500
  stayput lab simulate --single-faults kinds --state told.json    # run it again to go on

Exit code 0: every promise was kept and every story came to its end. Otherwise 1.")]
pub struct SimulateArgs {
    /// Stories with several faults, drawn from these seeds: A..B, without B, or one seed.
    #[arg(long, value_name = "A..B", value_parser = span, required_unless_present = "single_faults", conflicts_with = "single_faults")]
    pub seeds: Option<Span>,
    /// Stories with one fault each.
    #[arg(long, value_enum, value_name = "WHICH")]
    pub single_faults: Option<Singles>,
    /// Of the single faults only these, by number: A..B, without B.
    #[arg(long, value_name = "A..B", value_parser = span, requires = "single_faults")]
    pub range: Option<Span>,
    /// Of the single faults, or seeds, only every N-th.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub step: u32,
    /// Of single faults: how many further acts are told after the act with the fault.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub acts_after: usize,
    /// A built-in scenario or a scenario file.
    #[arg(long, default_value = "tokyo-osaka", value_name = "NAME|PATH")]
    pub scenario: String,
    /// Remembers in this file what was told, and goes on from there.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// How many stories are told at the same time; by default one for each core.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
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
