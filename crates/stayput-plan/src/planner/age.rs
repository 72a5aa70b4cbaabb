//! How old recovery points are, without a clock: compared with the newest one of the same site.

use std::collections::BTreeSet;

use stayput_estate::InstanceId;
use stayput_messages::Message;

use super::Draft;
use super::protection::Protected;
use crate::Warning;

/// A recovery point is told of when it is older than the newest of its site by so many times the RPO: its machine is not replicated as
/// the others are.
const OLD: u64 = 2;

impl Draft<'_> {
    /// Warns of machines whose newest recovery point is much older than those of other machines.
    pub(super) fn points_are_recent(&mut self, of: Protected<'_>, machines: &BTreeSet<InstanceId>) {
        let survey = self.survey;
        let Some(prism) = survey.world.prism.get(of.other) else {
            return;
        };
        let all = prism.recovery_points.values();
        let Some(newest) = all.filter_map(|time| seconds_of(time)).max() else {
            return;
        };
        let limit = survey.estate.protection.rpo.as_secs().saturating_mul(OLD);
        for machine in machines {
            let vm = survey.vm_at(machine, of.site);
            let point = vm.and_then(|(id, _)| prism.recovery_points.get(id));
            let Some((text, time)) = point.and_then(|text| Some((text, seconds_of(text)?))) else {
                continue;
            };
            let age = u64::try_from(newest - time).unwrap_or(0);
            if age > limit {
                let label = survey.label(machine);
                self.warnings.push(Warning::of_machine(
                    machine,
                    Message::new("warning-old-recovery-point")
                        .with("label", label)
                        .with("site", of.other)
                        .with("time", text)
                        .with("older", age / 60)
                        .with("rpo", survey.estate.protection.rpo.as_secs() / 60),
                ));
            }
        }
    }
}

/// Seconds since 1970 of a time as RFC 3339 writes it; fractions are dropped. `None` for anything else.
fn seconds_of(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse().ok()).flatten()
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let zone = text
        .get(19..)?
        .trim_start_matches(['.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    let offset = match zone.as_bytes() {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), rest @ ..] if rest.len() == 5 => {
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            let seconds = hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60;
            if *sign == b'+' { seconds } else { -seconds }
        }
        _ => return None,
    };
    // Days since 1970 of a date of the Gregorian calendar, with years that begin in March (Hinnant, "chrono-compatible low-level date
    // algorithms").
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second - offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_rfc_3339_are_seconds_since_1970() {
        let cases = [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T12:30:15.123456Z", Some(951_827_415)),
            ("2026-11-20T11:00:00+01:00", Some(1_795_168_800)),
            ("2026-11-20T10:00:00Z", Some(1_795_168_800)),
            ("2026-11-20T05:30:00-04:30", Some(1_795_168_800)),
            ("2026-11-20", None),
            ("2026-11-20T10:00:00", None),
            ("yesterday, some time", None),
            ("2026-11-20T1o:00:00Z", None),
            ("", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(seconds_of(text), seconds, "{text}");
        }
    }
}
