//! What becomes of packets, in few words.

use stayput_fabric::Reachability;
use stayput_fabric::Standing;
use stayput_fabric::Verdict;

use crate::fate::Fate;

/// What happens to packets of a source to a class, or to the replies if only those are lost.
pub(crate) fn says(matrix: &Reachability, source: usize, class: usize) -> String {
    let standing = matrix.standing(source, class);
    let lost_reply = standing.there.is_delivered() && Fate::of(standing) != Fate::Works;
    match matrix.round_trip(source, class).back {
        Some(back) if lost_reply => format!("arrives, but the reply does not: {}", back.verdict),
        Some(_) | None => matrix.verdict(source, class).to_string(),
    }
}

/// What is said of packets of a source where nobody is.
pub(crate) const NOBODY_SENDS: &str = "nobody sends";

/// Where packets end, for lists of many.
pub(super) fn brief(verdict: &Verdict, standing: Standing) -> String {
    if !standing.populated {
        return NOBODY_SENDS.to_owned();
    }
    match verdict {
        Verdict::Delivered { place, .. } if Fate::of(standing) == Fate::Works => place.to_string(),
        Verdict::Delivered { place, .. } => format!("{place}, replies lost"),
        Verdict::NoMachine { place } => format!("nobody at {place}"),
        Verdict::WrongSite {
            delivered_to,
            lives_at,
            ..
        } => format!("sent to {delivered_to}, machine at {lives_at}"),
        Verdict::LeavesByNat { gateway, .. } => format!("lost by {gateway}"),
        Verdict::Loop { .. } => "loop".to_owned(),
        Verdict::Unmodelled { .. } => "unknown".to_owned(),
        other => other.to_string(),
    }
}

/// What happens to packets in a hole. When machines have moved and routes have not yet, that is no wrong turn: the packets go
/// where they went before, and nobody is there any more.
pub(super) fn in_a_hole(matrix: &Reachability, source: usize, class: usize) -> String {
    match matrix.verdict(source, class) {
        Verdict::WrongSite {
            delivered_to,
            lives_at,
            ..
        } => format!("still sent to {delivered_to} while the machine is at {lives_at} already"),
        _ => says(matrix, source, class),
    }
}

#[cfg(test)]
mod tests {
    use stayput_fabric::End;

    use super::*;

    #[test]
    fn a_lost_reply_is_not_called_delivered() {
        let verdict = Verdict::Loop { cycle: Vec::new() };
        let standing = Standing {
            there: End::Loop,
            back: None,
            symmetric: false,
            populated: true,
        };
        assert_eq!(brief(&verdict, standing), "loop");
        let gone = Standing {
            populated: false,
            ..standing
        };
        assert_eq!(brief(&verdict, gone), NOBODY_SENDS);
    }
}
