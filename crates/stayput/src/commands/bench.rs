//! `stayput bench`: figures for `docs/benchmarks.md`.

use crate::cli::BenchArgs;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;

pub async fn run(_args: &BenchArgs) -> Result<Output, CommandError> {
    Err(CommandError::new(Kind::Failed, "not measured yet"))
}
