//! The account of packets as tables.

use comfy_table::Table;
use comfy_table::presets;
use stayput_messages::Message;
use stayput_messages::list::text;

use super::Account;
use super::account::StepAccount;
use super::account::Switch;
use crate::demo::chapter::Chapter;
use stayput_plan::seconds;

/// Steps of one kind in a row, shown as one: twelve cutovers at once are one thing to a packet.
struct Row {
    chapter: &'static str,
    kind: String,
    steps: usize,
    ms: u64,
    sent: u64,
    lost: u64,
    longest_gap_ms: u64,
    announced: u64,
}

/// What a step is shown as: routes and prefixes by themselves, work on machines together.
fn kind(step: &str) -> String {
    match step.split_once('/') {
        Some((first @ ("cutover" | "restore" | "replicate"), _)) => first.to_owned(),
        Some(_) | None => step.to_owned(),
    }
}

fn rows(steps: &[StepAccount]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for step in steps {
        let kind = kind(&step.step);
        let same = rows
            .iter_mut()
            .find(|row| row.chapter == step.chapter && row.kind == kind);
        match same {
            // They run at once, so the packets of one are those of the others; the longest has seen most.
            Some(row) => {
                row.steps += 1;
                row.ms = row.ms.max(step.ms);
                row.sent = row.sent.max(step.sent);
                row.lost = row.lost.max(step.lost);
                row.announced = row.announced.max(step.announced);
                row.longest_gap_ms = row.longest_gap_ms.max(step.longest_gap_ms);
            }
            None => rows.push(Row {
                chapter: step.chapter,
                kind,
                steps: 1,
                ms: step.ms,
                sent: step.sent,
                lost: step.lost,
                longest_gap_ms: step.longest_gap_ms,
                announced: step.announced,
            }),
        }
    }
    rows
}

/// Everything of one order.
pub fn render(account: &Account, chapters: &[Chapter]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        Message::new("demo-packets-chapter"),
        Message::new("demo-packets-step"),
        Message::new("demo-packets-took"),
        Message::new("demo-packets-sent"),
        Message::new("demo-packets-lost"),
        Message::new("demo-packets-announced"),
        Message::new("demo-packets-gap"),
    ]);
    let announces = account.lost_outside_announced_holes.is_some();
    for row in rows(&account.steps) {
        // Steps too short for a packet say nothing.
        if row.sent == 0 {
            continue;
        }
        let mut name = row.kind;
        for chapter in chapters {
            for (id, known) in &chapter.plan.names.0 {
                name = name.replace(id.as_str(), known);
            }
        }
        if row.steps > 1 {
            name = Message::new("demo-packets-machines")
                .with("step", name)
                .count("machines", row.steps)
                .into();
        }
        table.add_row([
            row.chapter.to_owned(),
            name,
            seconds(row.ms),
            row.sent.to_string(),
            row.lost.to_string(),
            if announces {
                row.announced.to_string()
            } else {
                "–".to_owned()
            },
            gap(row.longest_gap_ms),
        ]);
    }
    let total = Message::new("demo-packets-total")
        .count("sent", account.sent)
        .with("lost", account.lost)
        .with("switch", account.lost_in_route_switch);
    let mut text = format!("{table}\n{total}\n");
    if let Some(packets) = account.lost_outside_announced_holes {
        let outside = Message::new("demo-packets-outside").with("packets", packets);
        text.push_str(&format!("{outside}\n"));
    }
    for loss in &account.outside {
        let loss = match &loss.after {
            Some(step) => Message::new("demo-packets-outside-after")
                .with("address", loss.address)
                .with("step", step),
            None => Message::new("demo-packets-outside-at-start").with("address", loss.address),
        };
        text.push_str(&format!("  ! {loss}\n"));
    }
    for failure in &account.failures {
        let failure = Message::new("demo-packets-kernel-failed").with("failure", failure);
        text.push_str(&format!("  ! {failure}\n"));
    }
    let how = Message::new("demo-packets-how")
        .with("interval", account.interval_ms)
        .with("namespaces", account.namespaces)
        .with("privilege", &account.privilege)
        .with("lateness", format!("{:.1}", account.worst_lateness_ms))
        .with("longest", account.delay_us.max)
        .with("median", account.delay_us.median);
    text.push_str(&format!("{how}\n"));
    text
}

fn gap(ms: u64) -> String {
    match ms {
        0 => "–".to_owned(),
        ms => seconds(ms),
    }
}

/// A line of the comparison: its title, and what is in its cells.
type Line = (Message, fn(&Switch) -> String);

/// The routing work of both orders side by side.
pub fn render_switches(ours: &[Switch], article: &[Switch]) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header([
        text(""),
        text(""),
        Message::new("demo-order-stayput"),
        Message::new("demo-order-article"),
    ]);
    for theirs in article {
        let Some(ours) = ours.iter().find(|ours| ours.chapter == theirs.chapter) else {
            continue;
        };
        let rows: [Line; 6] = [
            (Message::new("demo-switch-took"), |s| seconds(s.ms)),
            (Message::new("demo-switch-sent"), |s| s.sent.to_string()),
            (Message::new("demo-switch-lost"), |s| s.lost.to_string()),
            (Message::new("demo-switch-lost-staying"), |s| {
                s.lost_to_staying.to_string()
            }),
            (Message::new("demo-switch-looped"), |s| {
                s.ttl_exceeded.to_string()
            }),
            (Message::new("demo-switch-lost-in-change"), |s| {
                s.lost_in_route_switch.to_string()
            }),
        ];
        for (n, (title, cell)) in rows.into_iter().enumerate() {
            let chapter = if n == 0 { theirs.chapter } else { "" };
            table.add_row([
                chapter.to_owned(),
                title.to_string(),
                cell(ours),
                cell(theirs),
            ]);
        }
    }
    format!("{table}\n")
}
