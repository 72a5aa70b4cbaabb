//! The check as text and as JSON.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write;

use comfy_table::Table;
use comfy_table::presets;
use serde_json::Value;
use serde_json::json;
use stayput_estate::Rule;
use stayput_messages::Message;
use stayput_plan::CheckFinding;
use stayput_plan::Severity;

use super::access::Row;
use super::policy::Statement;
use crate::output::Output;
use crate::ui;

/// Objects of one rule that are listed before `--all` is needed.
const LISTED: usize = 10;

/// Where a rule is explained.
pub(super) fn docs(rule: Rule) -> String {
    format!("docs/checks.md#{rule}")
}

/// Both forms.
pub(super) fn output(
    systems: &[Row],
    found: &BTreeSet<CheckFinding>,
    statements: &[Statement],
    all: bool,
) -> Output {
    let mut text = String::new();
    match systems {
        [] => {
            let _ = writeln!(text, "{}\n", Message::new("check-nothing-read"));
        }
        _ => {
            let _ = writeln!(text, "{}\n", table(systems));
        }
    }
    sections(&mut text, found, all);
    if !statements.is_empty() {
        let policy = serde_json::to_string_pretty(&statements).unwrap_or_default();
        let _ = writeln!(text, "{}\n{policy}\n", Message::new("check-statements"));
    }
    let mut json = summary(&mut text, found);
    json["systems"] = json!(systems);
    json["missing_statements"] = json!(statements);
    Output::new(text, json)
}

/// The findings rule by rule, then those that are accepted.
pub(in crate::commands) fn sections(text: &mut String, found: &BTreeSet<CheckFinding>, all: bool) {
    let (accepted, open): (Vec<_>, Vec<_>) =
        found.iter().partition(|finding| finding.accepted.is_some());
    let mut by_rule: BTreeMap<(Severity, Rule), Vec<&CheckFinding>> = BTreeMap::new();
    for finding in &open {
        let key = (finding.severity, finding.rule);
        by_rule.entry(key).or_default().push(finding);
    }
    for ((severity, rule), findings) in &by_rule {
        section(text, *severity, *rule, findings, all);
    }
    for finding in &accepted {
        if let Some(by) = &finding.accepted {
            let line = Message::new("check-accepted")
                .with("name", &by.name)
                .with("reason", &by.reason)
                .with("until", by.until);
            let _ = writeln!(
                text,
                "{}: {}\n  {line}",
                finding.rule,
                ui::clean(&finding.what)
            );
        }
    }
    if !accepted.is_empty() {
        text.push('\n');
    }
}

/// Writes how many findings there are. Gives the findings and their numbers for programs.
pub(in crate::commands) fn summary(text: &mut String, found: &BTreeSet<CheckFinding>) -> Value {
    let (accepted, open): (Vec<_>, Vec<_>) =
        found.iter().partition(|finding| finding.accepted.is_some());
    let count = |severity| open.iter().filter(|one| one.severity == severity).count();
    let summary = Message::new("check-summary")
        .count("standing", count(Severity::Error))
        .with("warnings", count(Severity::Warning))
        .with("notes", count(Severity::Note))
        .with("accepted", accepted.len());
    let _ = writeln!(text, "{summary}");
    let findings: Vec<_> = found
        .iter()
        .map(|finding| {
            let mut value = json!(finding);
            value["docs"] = json!(docs(finding.rule));
            value
        })
        .collect();
    json!({
        "ok": !found.iter().any(CheckFinding::stands),
        "findings": findings,
        "errors": count(Severity::Error),
        "warnings": count(Severity::Warning),
        "notes": count(Severity::Note),
        "accepted": accepted.len(),
    })
}

/// The findings of one rule.
fn section(
    text: &mut String,
    severity: Severity,
    rule: Rule,
    findings: &[&CheckFinding],
    all: bool,
) {
    let Some(first) = findings.first() else {
        return;
    };
    let word = match severity {
        Severity::Error => Message::new("check-severity-error"),
        Severity::Warning => Message::new("check-severity-warning"),
        Severity::Note => Message::new("check-severity-note"),
    };
    let heading = Message::new("check-rule")
        .part("severity", word)
        .with("rule", rule)
        .with("why", &first.why);
    let _ = writeln!(text, "{heading}");
    // What is helped in the same way stands together.
    let mut by_remedy: Vec<(&CheckFinding, Vec<&str>)> = Vec::new();
    let listed = if all { findings.len() } else { LISTED };
    for finding in findings.iter().take(listed) {
        let is_alike =
            |one: &CheckFinding| one.remedy == finding.remedy && one.commands == finding.commands;
        match by_remedy.iter_mut().find(|(one, _)| is_alike(one)) {
            Some((_, found)) => found.push(&finding.what),
            None => by_remedy.push((finding, vec![&finding.what])),
        }
    }
    for (one, found) in by_remedy {
        for what in found {
            let _ = writeln!(text, "  {}", ui::clean(what));
        }
        let _ = writeln!(text, "  → {}", ui::clean(&one.remedy));
        commands(text, one);
    }
    if findings.len() > listed {
        let more = Message::new("check-more").with("more", findings.len() - listed);
        let _ = writeln!(text, "  {more}");
    }
    text.push('\n');
}

/// The lines that do what the remedy says, ready to be copied.
fn commands(text: &mut String, finding: &CheckFinding) {
    for line in finding.commands.iter().flat_map(|command| command.lines()) {
        let _ = writeln!(text, "      {}", ui::clean(line));
    }
}

fn table(systems: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        Message::new("check-head-systems").to_string(),
        Message::new("check-head-as").to_string(),
        Message::new("check-head-version").to_string(),
        Message::new("check-head-clock").to_string(),
        Message::new("check-head-rights").to_string(),
        Message::new("check-head-state").to_string(),
    ]);
    let or_none = |text: Option<String>| {
        text.unwrap_or_else(|| Message::new("check-no-identity").to_string())
    };
    for row in systems {
        let clock = row.clock_ahead_s;
        let clock = clock.map(|s| Message::new("check-seconds").with("seconds", s).into());
        let allowed = row.rights_asked - row.rights_denied.len();
        let rights = (row.rights_asked > 0).then(|| {
            Message::new("check-rights-of")
                .with("allowed", allowed)
                .with("asked", row.rights_asked)
                .into()
        });
        let state = match row.problem {
            None => Message::new("check-reached"),
            Some(_) => Message::new("check-not-usable"),
        };
        table.add_row([
            ui::clean(&row.system),
            or_none(row.identity.as_deref().map(ui::clean)),
            or_none(row.version.as_deref().map(ui::clean)),
            or_none(clock),
            or_none(rights),
            state.into(),
        ]);
    }
    table
}
