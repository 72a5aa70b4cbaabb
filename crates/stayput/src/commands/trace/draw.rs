//! Draws a packet's path from top to bottom, with the reason for each hop.

use std::fmt::Write;

use similar::ChangeTag;
use similar::TextDiff;
use stayput_fabric::RoundTrip;
use stayput_fabric::Trace;
use stayput_messages::Message;

/// One direction.
fn way(text: &mut String, trace: &Trace) {
    let last = trace.hops.len().saturating_sub(1);
    for (at, hop) in trace.hops.iter().enumerate() {
        let delivered = trace.verdict.is_delivered();
        let mark = match (at == last, delivered) {
            (false, _) => '●',
            (true, true) => '✓',
            (true, false) => '✗',
        };
        let _ = writeln!(text, "  {mark} {}", hop.at);
        // The last hop, which answers, has no reason.
        if !(at == last && delivered) {
            let rail = if at == last { ' ' } else { '│' };
            let _ = writeln!(text, "  {rail}   {}", hop.reason);
        }
    }
    let _ = writeln!(text, "  {}", trace.verdict);
    for caveat in &trace.caveats {
        let note = Message::new("trace-note").with("caveat", caveat);
        let _ = writeln!(text, "  {note}");
    }
}

/// There and back.
pub fn draw(trip: &RoundTrip) -> String {
    let mut text = String::new();
    way(&mut text, &trip.forward);
    match &trip.back {
        None => {
            let _ = writeln!(text, "{}", Message::new("trace-no-reply"));
        }
        Some(back) => {
            let reply = Message::new("trace-reply").with("to", back.destination);
            let _ = writeln!(text, "{reply}");
            way(&mut text, back);
            if trip.works() {
                let symmetry = match trip.symmetric {
                    true => Message::new("trace-symmetric"),
                    false => Message::new("trace-asymmetric"),
                };
                let _ = writeln!(text, "{symmetry}");
            }
        }
    }
    text
}

/// The differences: removed and added lines, among the unchanged ones.
pub fn draw_difference(before: &RoundTrip, after: &RoundTrip) -> String {
    let (before, after) = (draw(before), draw(after));
    let mut text = String::new();
    for change in TextDiff::from_lines(&before, &after).iter_all_changes() {
        let mark = match change.tag() {
            ChangeTag::Equal => ' ',
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
        };
        let _ = write!(text, "{mark} {}", change.value());
    }
    text
}
