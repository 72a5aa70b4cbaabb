//! What became of the packets: which were lost in which step, and whether their loss had been announced. Pure: from what the prober
//! reported, what was done when, and what the plans said.

use std::net::Ipv4Addr;

use serde::Serialize;
use stayput_dataplane::report::Change;
use stayput_dataplane::report::Delays;
use stayput_dataplane::report::LossRun;

use super::Packets;
use super::announced::Announced;
use super::announced::announced;
use crate::demo::chapter::Chapter;
use crate::demo::chapter::WallMs;
use crate::demo::watchlist::Watchlist;

/// Losses outside of holes that are told one by one.
const TOLD: usize = 20;
/// A packet sent so long before a table changed may still have been on its way when it did, and the other way round.
const ON_ITS_WAY_MS: u64 = 2;

/// The prober's counters at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub at_ms: WallMs,
    /// Packets sent until then.
    pub sent: u64,
    /// Packets whose TTL had expired by then.
    pub ttl_exceeded: u64,
}

/// Whose order it is, and so what its losses are held against.
#[derive(Debug, Clone, Copy)]
pub enum Judged {
    /// Stayput's: against the holes its plans announced.
    Stayput,
    /// The article's, which announces nothing.
    Article,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepAccount {
    /// Its chapter.
    pub chapter: &'static str,
    /// Its id.
    pub step: String,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// Packets sent while it ran. Steps that run at once share them.
    pub sent: u64,
    /// Of these, lost.
    pub lost: u64,
    /// The longest time in it without an answer from an address, in milliseconds.
    pub longest_gap_ms: u64,
    /// Of the lost, those in a hole that the plan had announced.
    pub announced: u64,
}

/// The routing work of one chapter: from the first route's call until the last route is in use.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Switch {
    /// The chapter.
    pub chapter: &'static str,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// Packets sent in it.
    pub sent: u64,
    /// Of these, lost.
    pub lost: u64,
    /// Of the lost, those to addresses that stay in EC2.
    pub lost_to_staying: u64,
    /// Packets whose TTL expired in a loop.
    pub ttl_exceeded: u64,
    /// Of the lost, those lost while a table changed although the address was reached just before and just after.
    pub lost_in_route_switch: u64,
    /// The longest time in it without an answer from an address, in milliseconds.
    pub longest_gap_ms: u64,
}

/// A loss that no hole had announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outside {
    /// Its destination.
    pub address: Ipv4Addr,
    /// When it was sent.
    pub sent_ms: WallMs,
    /// The last step that had begun by then.
    pub after: Option<String>,
}

/// What became of all packets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Account {
    /// Packets sent.
    pub sent: u64,
    /// Packets no reply came for.
    pub lost: u64,
    /// Of the lost, those that no hole of a plan had announced; `None` for the article's order, which announces none.
    pub lost_outside_announced_holes: Option<u64>,
    /// Of the lost, those lost while a table changed although the address was reached just before and just after.
    pub lost_in_route_switch: u64,
    /// The longest time without an answer from an address, in milliseconds.
    pub longest_gap_ms: u64,
    /// By step.
    pub steps: Vec<StepAccount>,
    /// By routing work.
    pub switches: Vec<Switch>,
    /// The first of the losses outside of holes.
    pub outside: Vec<Outside>,
    /// Pause between two packets to one address.
    pub interval_ms: u64,
    /// How long a reply might take.
    pub timeout_ms: u64,
    /// How late the latest packet was sent.
    pub worst_lateness_ms: f64,
    /// How long the kernel needed to follow a change of routes.
    pub delay_us: Delays,
    /// By what right there were namespaces.
    pub privilege: String,
    /// How many there were.
    pub namespaces: usize,
    /// Changes of the lab the kernel could not follow.
    pub failures: Vec<String>,
}

/// Half-open stretch of wall time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: WallMs,
    to: WallMs,
}

impl Span {
    fn contains(self, at: WallMs) -> bool {
        (self.from..self.to).contains(&at)
    }

    fn common(self, other: Self) -> Option<Self> {
        let both = Self {
            from: self.from.max(other.from),
            to: self.to.min(other.to),
        };
        (both.from < both.to).then_some(both)
    }

    fn ms(self) -> u64 {
        self.to.saturating_sub(self.from)
    }
}

/// What was seen, ready to be asked.
struct Book<'a> {
    packets: &'a Packets,
    watchlist: &'a Watchlist,
    stills: Vec<Span>,
}

impl Book<'_> {
    /// Every loss run with its address.
    fn losses(&self) -> impl Iterator<Item = (Ipv4Addr, &LossRun)> {
        let targets = self.packets.report.targets.iter();
        targets.flat_map(|(address, target)| target.losses.iter().map(|run| (*address, run)))
    }

    /// Lost packets by address and sending time, without those sent while the lab's clock stood still.
    fn lost(&self) -> impl Iterator<Item = (Ipv4Addr, WallMs)> {
        self.losses()
            .flat_map(|(address, run)| run.sent_at().map(move |at| (address, at)))
            .filter(|(_, at)| !self.stills.iter().any(|still| still.contains(*at)))
    }

    /// A counter's rise in a stretch of time, but for times in which the lab's clock stood still.
    fn rise(&self, of: fn(&Sample) -> u64, span: Span) -> u64 {
        let whole = self
            .counter(of, span.to)
            .saturating_sub(self.counter(of, span.from));
        let stood = self.stills.iter().filter_map(|still| still.common(span));
        let still: u64 = stood
            .map(|still| {
                self.counter(of, still.to)
                    .saturating_sub(self.counter(of, still.from))
            })
            .sum();
        whole.saturating_sub(still)
    }

    /// A counter at a time: on the line between the samples around it.
    fn counter(&self, of: fn(&Sample) -> u64, at: WallMs) -> u64 {
        let samples = &self.packets.samples;
        let after = samples.partition_point(|sample| sample.at_ms < at);
        match (
            after.checked_sub(1).and_then(|n| samples.get(n)),
            samples.get(after),
        ) {
            (Some(a), Some(b)) => {
                let (rise, width) = (of(b).saturating_sub(of(a)), b.at_ms - a.at_ms);
                of(a) + rise * (at - a.at_ms) / width.max(1)
            }
            (Some(only), None) => of(only),
            // Before the first sample nothing was sent.
            (None, _) => 0,
        }
    }

    /// The longest time without an answer from an address, within a stretch of time, but for times in which the clock stood still.
    fn longest_gap(&self, span: Span) -> u64 {
        let gaps = self.losses().filter_map(|(_, run)| {
            let from = run.first.epoch_ms;
            let gap = Span {
                from,
                // A gap is not negative, and far below what a float holds exactly.
                to: from + run.gap_ms.max(0.0).ceil() as u64,
            };
            let gap = gap.common(span)?;
            let stood = self.stills.iter().filter_map(|still| still.common(gap));
            Some(gap.ms().saturating_sub(stood.map(Span::ms).sum()))
        });
        gaps.max().unwrap_or(0)
    }

    /// Packets sent in a stretch of time and lost while a table changed, to addresses reached just before and just after.
    fn lost_in_changes(&self, span: Span) -> u64 {
        let changes = &self.packets.changes.changes;
        let flips: Vec<Span> = changes.iter().filter(|c| c.routes > 0).map(flip).collect();
        let within = |run: &LossRun| {
            let sent = (run.first.epoch_ms, run.last.epoch_ms);
            flips
                .iter()
                .any(|flip| flip.contains(sent.0) && flip.contains(sent.1))
        };
        self.losses()
            .filter(|(_, run)| span.contains(run.first.epoch_ms) && within(run))
            .map(|(_, run)| run.count)
            .sum()
    }
}

/// When a change may have cost a packet that was sent.
fn flip(change: &Change) -> Span {
    Span {
        from: change.begun.epoch_ms.saturating_sub(ON_ITS_WAY_MS),
        to: change.done.epoch_ms + ON_ITS_WAY_MS + 1,
    }
}

/// Draws up the account.
pub fn account(
    judged: Judged,
    packets: &Packets,
    chapters: &[Chapter],
    watchlist: &Watchlist,
) -> Account {
    let book = Book {
        packets,
        watchlist,
        stills: chapters
            .iter()
            .flat_map(|chapter| &chapter.stills)
            .map(|(from, to)| Span {
                from: *from,
                to: *to,
            })
            .collect(),
    };
    let mut holes = Vec::new();
    match judged {
        Judged::Stayput => holes.extend(chapters.iter().flat_map(announced)),
        Judged::Article => {}
    }
    let is_announced = |(address, at): (Ipv4Addr, WallMs)| {
        holes
            .iter()
            .any(|hole: &Announced| hole.covers(address, at))
    };
    let all = Span {
        from: 0,
        to: WallMs::MAX,
    };
    let lost: Vec<_> = book.lost().collect();
    let outside: Vec<_> = match judged {
        Judged::Stayput => lost
            .iter()
            .copied()
            .filter(|packet| !is_announced(*packet))
            .collect(),
        Judged::Article => Vec::new(),
    };
    let mut steps = Vec::new();
    let mut switches = Vec::new();
    for chapter in chapters {
        for step in &chapter.steps {
            let span = Span {
                from: step.began_ms,
                to: step.ended_ms,
            };
            let here = lost.iter().copied().filter(|(_, at)| span.contains(*at));
            steps.push(StepAccount {
                chapter: chapter.name,
                step: step.name().to_owned(),
                ms: span.ms(),
                sent: book.rise(|sample| sample.sent, span),
                lost: here.clone().count() as u64,
                longest_gap_ms: book.longest_gap(span),
                announced: here.filter(|packet| is_announced(*packet)).count() as u64,
            });
        }
        switches.extend(switch(&book, chapter, &lost));
    }
    let report = &packets.report;
    let sent_still: u64 = {
        let counter = |at| book.counter(|sample| sample.sent, at);
        let stills = book.stills.iter();
        stills
            .map(|still| counter(still.to).saturating_sub(counter(still.from)))
            .sum()
    };
    Account {
        sent: report.sent.saturating_sub(sent_still),
        lost: lost.len() as u64,
        lost_outside_announced_holes: match judged {
            Judged::Stayput => Some(outside.len() as u64),
            Judged::Article => None,
        },
        lost_in_route_switch: book.lost_in_changes(all),
        longest_gap_ms: book.longest_gap(all),
        steps,
        switches,
        outside: outside
            .iter()
            .take(TOLD)
            .map(|(address, at)| Outside {
                address: *address,
                sent_ms: *at,
                after: last_begun(chapters, *at),
            })
            .collect(),
        interval_ms: report.interval_ms,
        timeout_ms: report.timeout_ms,
        worst_lateness_ms: report.worst_lateness_ms,
        delay_us: packets.status.delay_us,
        privilege: packets.status.privilege.clone(),
        namespaces: packets.status.namespaces,
        failures: packets.status.failures.clone(),
    }
}

fn switch(book: &Book<'_>, chapter: &Chapter, lost: &[(Ipv4Addr, WallMs)]) -> Option<Switch> {
    let routing = || chapter.steps.iter().filter(|step| step.is_routing());
    let span = Span {
        from: routing().map(|step| step.began_ms).min()?,
        to: routing().map(|step| step.ended_ms).max()?,
    };
    let here = lost.iter().filter(|(_, at)| span.contains(*at));
    let stood = book.stills.iter().filter_map(|still| still.common(span));
    Some(Switch {
        chapter: chapter.name,
        ms: span.ms().saturating_sub(stood.map(Span::ms).sum()),
        sent: book.rise(|sample| sample.sent, span),
        lost: here.clone().count() as u64,
        lost_to_staying: here
            .filter(|(address, _)| book.watchlist.stays(*address))
            .count() as u64,
        ttl_exceeded: book.rise(|sample| sample.ttl_exceeded, span),
        lost_in_route_switch: book.lost_in_changes(span),
        longest_gap_ms: book.longest_gap(span),
    })
}

fn last_begun(chapters: &[Chapter], at: WallMs) -> Option<String> {
    let steps = chapters.iter().flat_map(|chapter| &chapter.steps);
    steps
        .filter(|step| step.began_ms <= at)
        .max_by_key(|step| step.began_ms)
        .map(|step| step.step.clone())
}

#[cfg(test)]
mod tests;
