//! What a step of the article does to the addresses, as text.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use stayput_fabric::Place;
use stayput_fabric::Verdict;
use stayput_messages::Message;
use stayput_messages::list::commas;
use stayput_messages::list::semicolons;
use stayput_messages::list::text;

use crate::demo::look::Fate;
use crate::demo::look::Look;
use crate::demo::watchlist::Part;
use crate::demo::watchlist::Watchlist;

/// Addresses named before the rest is only counted.
const NAMED: usize = 6;

/// What changed from one look to the next, losses first.
pub fn difference(watchlist: &Watchlist, before: &Look, after: &Look) -> Vec<String> {
    let mut says = Vec::new();
    for stays in [true, false] {
        let changed = |wanted: &dyn Fn(Fate, Fate) -> bool| -> Vec<Ipv4Addr> {
            let here = watchlist
                .0
                .keys()
                .copied()
                .filter(|a| watchlist.stays(*a) == stays);
            here.filter(|a| wanted(before.fate(*a), after.fate(*a)))
                .collect()
        };
        let whose = |n: usize| match stays {
            true => Message::new("demo-addresses-staying").count("addresses", n),
            false => Message::new("demo-addresses-moving").count("addresses", n),
        };
        let by_verdict = |addresses: &[Ipv4Addr]| {
            let mut groups: BTreeMap<Option<&Verdict>, Vec<Ipv4Addr>> = BTreeMap::new();
            for address in addresses {
                let verdict = after.0.get(address).map(|sight| &sight.verdict);
                groups.entry(verdict).or_default().push(*address);
            }
            let told = groups.iter().map(|(verdict, addresses)| {
                Message::new("demo-addresses-because")
                    .part("addresses", named(watchlist, addresses))
                    .part("verdict", verdict.map_or_else(|| text("?"), text))
            });
            semicolons(told)
        };
        let taken = changed(&|was, is| {
            was == Fate::Delivered && !matches!(is, Fate::Delivered | Fate::Looping)
        });
        if !taken.is_empty() {
            let (whose, which) = (whose(taken.len()), by_verdict(&taken));
            let said = match stays {
                true => Message::new("demo-cuts-off-without-goal")
                    .part("whose", whose)
                    .part("which", which),
                false => Message::new("demo-cuts-off")
                    .part("whose", whose)
                    .part("which", which),
            };
            says.push(said.into());
        }
        let circling = changed(&|was, is| was != Fate::Looping && is == Fate::Looping);
        if !circling.is_empty() {
            let said = Message::new("demo-makes-loop")
                .part("whose", whose(circling.len()))
                .part("which", by_verdict(&circling));
            says.push(said.into());
        }
        let given = changed(&|was, is| was != Fate::Delivered && is == Fate::Delivered);
        if !given.is_empty() {
            let said = Message::new("demo-makes-reachable").part("whose", whose(given.len()));
            says.push(said.into());
        }
    }
    if says.is_empty() {
        says.push(Message::new("demo-changes-nothing").into());
    }
    says
}

/// Which addresses are not reached; `None` if all are.
pub fn broken(watchlist: &Watchlist, look: &Look) -> Option<String> {
    let lost: Vec<_> = watchlist
        .0
        .keys()
        .copied()
        .filter(|address| look.fate(*address) != Fate::Delivered)
        .collect();
    (!lost.is_empty()).then(|| named(watchlist, &lost).into())
}

/// What the fabric says, whichever machine answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Predicted<'s> {
    Delivered(&'s Place),
    NotDelivered(&'s Verdict),
}

/// All addresses, grouped by what the fabric and the walk say of them.
pub fn table(watchlist: &Watchlist, look: &Look) -> Vec<String> {
    let mut groups: BTreeMap<(&Part, Predicted<'_>, &str), usize> = BTreeMap::new();
    for (address, member) in &watchlist.0 {
        let Some(sight) = look.0.get(address) else {
            continue;
        };
        // Each address has another machine.
        let fabric = match &sight.verdict {
            Verdict::Delivered { place, .. } => Predicted::Delivered(place),
            verdict => Predicted::NotDelivered(verdict),
        };
        *groups
            .entry((&member.part, fabric, &sight.walk.end))
            .or_default() += 1;
    }
    groups
        .into_iter()
        .map(|((part, fabric, walk), count)| {
            let fabric = match fabric {
                Predicted::Delivered(place) => {
                    Message::new("demo-delivered-at").with("place", place)
                }
                Predicted::NotDelivered(verdict) => text(verdict),
            };
            let opinions = Message::new("demo-opinions")
                .with("part", part)
                .part("fabric", fabric)
                .with("walk", walk);
            format!("{count:>3} × {opinions}")
        })
        .collect()
}

fn named(watchlist: &Watchlist, addresses: &[Ipv4Addr]) -> Message {
    let names = addresses
        .iter()
        .take(NAMED)
        .map(|address| match watchlist.0.get(address) {
            Some(member) => format!("{address} {}", member.name),
            None => address.to_string(),
        });
    let names = commas(names);
    match addresses.len().saturating_sub(NAMED) {
        0 => text(names),
        more => Message::new("demo-addresses-and-more")
            .with("names", names)
            .count("more", more),
    }
}
