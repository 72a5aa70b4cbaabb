//! Findings that the estate accepts.

use std::collections::BTreeSet;

use stayput_estate::Date;
use stayput_estate::Estate;
use stayput_estate::Rule;
use stayput_messages::Message;

use super::Accepted;
use super::CheckFinding;

/// Marks what the estate accepts on this day. An acceptance that has expired is a finding itself, and so is one that nothing matches if
/// `is_whole`: everything was looked at.
pub fn accept(
    estate: &Estate,
    today: Date,
    is_whole: bool,
    found: BTreeSet<CheckFinding>,
) -> BTreeSet<CheckFinding> {
    let mut found: Vec<_> = found.into_iter().collect();
    let mut more = Vec::new();
    for (name, acceptance) in &estate.accepted {
        let is_meant = |finding: &CheckFinding| {
            let objects = &acceptance.objects;
            finding.rule == acceptance.rule
                && (objects.is_empty() || objects.contains(&finding.object))
        };
        let is_used = found.iter().any(is_meant);
        let is_over = acceptance.until < today;
        if is_over && is_used {
            let what = Message::new("check-acceptance-expired")
                .with("name", name)
                .with("until", acceptance.until);
            more.push(CheckFinding::new(Rule::AcceptanceExpired, name, what));
        }
        if !is_used && is_whole {
            let what = Message::new("check-acceptance-unused")
                .with("name", name)
                .with("rule", acceptance.rule);
            more.push(CheckFinding::new(Rule::AcceptanceUnused, name, what));
        }
        if is_over {
            continue;
        }
        for finding in found.iter_mut().filter(|finding| is_meant(finding)) {
            finding.accepted = Some(Accepted {
                name: name.clone(),
                reason: acceptance.reason.clone(),
                until: acceptance.until,
            });
        }
    }
    found.extend(more);
    found.into_iter().collect()
}
