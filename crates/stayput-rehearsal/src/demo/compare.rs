//! Stayput's order beside the article's, chapter by chapter.

use std::net::Ipv4Addr;

use comfy_table::Table;
use comfy_table::presets;
use serde::Serialize;
use stayput_messages::Message;
use stayput_messages::list::text;

use super::watch::Outage;
use super::watch::Seen;
use super::watchlist::Watchlist;
use stayput_plan::seconds;

/// What one order did to the addresses in one chapter, by the lab's own walk, asked again and again.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// The longest time in which an address of a machine that moves was not reached.
    pub moving_longest: Option<Outage>,
    /// The longest time in which an address that stays was not reached.
    pub staying_longest: Option<Outage>,
    /// Addresses that stay, were reached when the chapter began, and were not at some time in it.
    pub staying_lost: Vec<Ipv4Addr>,
    /// Addresses to which packets looped at some time.
    pub looped: Vec<Ipv4Addr>,
    /// Addresses not reached when the chapter ended.
    pub broken_at_end: Vec<Ipv4Addr>,
}

impl Figures {
    /// From what was seen.
    pub fn of(watchlist: &Watchlist, seen: &Seen) -> Self {
        let longest = |stays: bool| {
            let of_them = seen
                .iter()
                .filter(|(address, _)| watchlist.stays(**address) == stays);
            of_them.filter_map(|(_, watched)| watched.longest).max()
        };
        let all = |wanted: &dyn Fn(Ipv4Addr, &super::watch::Watched) -> bool| -> Vec<Ipv4Addr> {
            let found = seen
                .iter()
                .filter(|(address, watched)| wanted(**address, watched));
            found.map(|(address, _)| *address).collect()
        };
        Self {
            moving_longest: longest(false),
            staying_longest: longest(true),
            staying_lost: all(&|address, watched| {
                watchlist.stays(address) && watched.reached_at_first && watched.longest.is_some()
            }),
            looped: all(&|_, watched| watched.looped),
            broken_at_end: all(&|_, watched| !watched.reached_at_last),
        }
    }
}

/// Both orders in one chapter.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The chapter.
    pub phase: &'static str,
    /// Stayput's order.
    pub ours: Figures,
    /// The article's.
    pub article: Figures,
}

fn outage(outage: Option<Outage>) -> Message {
    match outage {
        None => Message::new("demo-always-reached"),
        Some(Outage { goes_on: true, .. }) => Message::new("demo-never-again"),
        Some(outage) => Message::new("demo-outage")
            .with("time", seconds(outage.virtual_ms))
            .with("within", seconds(outage.within_virtual_ms)),
    }
}

fn addresses(list: &[Ipv4Addr]) -> Message {
    match list.len() {
        0 => Message::new("demo-none"),
        n => text(n),
    }
}

/// The table.
pub fn render(comparisons: &[Comparison]) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header([
        text(""),
        text(""),
        Message::new("demo-order-stayput"),
        Message::new("demo-order-article"),
    ]);
    for comparison in comparisons {
        let both = |row: Message, cell: &dyn Fn(&Figures) -> Message| {
            [
                text(""),
                row,
                cell(&comparison.ours),
                cell(&comparison.article),
            ]
        };
        let mut rows = [
            both(Message::new("demo-longest-moving"), &|f| {
                outage(f.moving_longest)
            }),
            both(Message::new("demo-longest-staying"), &|f| {
                outage(f.staying_longest)
            }),
            both(Message::new("demo-staying-lost"), &|f| {
                addresses(&f.staying_lost)
            }),
            both(Message::new("demo-looped"), &|f| addresses(&f.looped)),
            both(Message::new("demo-broken-at-end"), &|f| {
                addresses(&f.broken_at_end)
            }),
        ];
        rows[0][0] = text(comparison.phase);
        for row in rows {
            table.add_row(row);
        }
    }
    format!("{table}\n{}\n", Message::new("demo-about-prefixes"))
}
