//! Durations such as `30m`, `1h30m`, `500ms`.

use std::time::Duration;

use stayput_messages::Message;

use crate::error::DurationProblem;
use crate::error::TextFault;

const MINUTE_MS: u64 = 60_000;

/// A unit: how it is written, and its milliseconds.
type Unit = (&'static str, u64);

const UNITS: [Unit; 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", MINUTE_MS),
    ("h", 60 * MINUTE_MS),
    ("d", 24 * 60 * MINUTE_MS),
];

/// Parses a recovery point objective: more than zero and a multiple of a minute (Prism reference §6.2). Every unit is parsed, so
/// that `90s` gets the right error.
pub(super) fn rpo(text: &str) -> Result<Duration, TextFault> {
    let millis = millis(text, &UNITS)
        .map_err(|problem| fault(text, problem, Message::new("estate-rpo-remedy")))?;
    if millis % MINUTE_MS == 0 {
        Ok(Duration::from_millis(millis))
    } else {
        let above = millis / MINUTE_MS + 1;
        let remedy = Message::new("estate-rpo-not-whole-minutes-remedy").with("minutes", above);
        Err(fault(text, DurationProblem::NotWholeMinutes, remedy))
    }
}

/// Parses an interval or a time limit in `ms`, `s` or `m`; more than zero.
pub(super) fn pause(text: &str) -> Result<Duration, TextFault> {
    millis(text, &UNITS[..3])
        .map(Duration::from_millis)
        .map_err(|problem| fault(text, problem, Message::new("estate-pause-remedy")))
}

fn fault(text: &str, problem: DurationProblem, remedy: Message) -> TextFault {
    TextFault::Duration {
        text: text.to_owned(),
        problem,
        remedy,
    }
}

/// Returns the milliseconds of one or more numbers with units; more than zero.
fn millis(text: &str, units: &[Unit]) -> Result<u64, DurationProblem> {
    let mut rest = text.trim();
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (digits, after) = split_where(rest, |c| !c.is_ascii_digit());
        let (unit, after) = split_where(after, |c| !c.is_ascii_alphabetic());
        if digits.is_empty() || unit.is_empty() {
            return Err(DurationProblem::Syntax);
        }
        let known = |units: &[Unit]| units.iter().find(|(name, _)| *name == unit).copied();
        let (_name, worth) = known(units).ok_or(match known(&UNITS) {
            Some(_) => DurationProblem::Unit,
            None => DurationProblem::Syntax,
        })?;
        total = digits
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(worth))
            .and_then(|part| total.checked_add(part))
            .ok_or(DurationProblem::TooLong)?;
        rest = after;
    }
    match (total, text.trim().is_empty()) {
        (_, true) => Err(DurationProblem::Syntax),
        (0, false) => Err(DurationProblem::Zero),
        (total, false) => Ok(total),
    }
}

fn split_where(text: &str, end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(end).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(result: Result<Duration, TextFault>) -> DurationProblem {
        match result {
            Err(TextFault::Duration { problem, .. }) => problem,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn recovery_point_objectives_are_whole_minutes() {
        assert_eq!(rpo("30m").unwrap(), Duration::from_secs(30 * 60));
        assert_eq!(rpo("1h30m").unwrap(), Duration::from_secs(90 * 60));
        assert_eq!(rpo("1d").unwrap(), Duration::from_secs(86_400));
        assert_eq!(rpo("120s").unwrap(), Duration::from_secs(120));
        assert_eq!(problem(rpo("90s")), DurationProblem::NotWholeMinutes);
        assert_eq!(problem(rpo("59s")), DurationProblem::NotWholeMinutes);
        assert_eq!(problem(rpo("0m")), DurationProblem::Zero);
    }

    #[test]
    fn intervals_in_hours_are_refused() {
        assert_eq!(pause("500ms").unwrap(), Duration::from_millis(500));
        assert_eq!(pause("2s").unwrap(), Duration::from_secs(2));
        assert_eq!(problem(pause("1h")), DurationProblem::Unit);
        assert_eq!(problem(pause("0s")), DurationProblem::Zero);
    }

    #[test]
    fn an_invalid_duration_is_refused() {
        for text in [
            "", "h", "1", "1 h", "-1h", "1.5h", "1w", "h1", "1h30", "１h",
        ] {
            assert_eq!(problem(rpo(text)), DurationProblem::Syntax, "{text}");
        }
        for text in ["99999999999999999999m", "9999999999999999d"] {
            assert_eq!(problem(rpo(text)), DurationProblem::TooLong, "{text}");
        }
    }
}
