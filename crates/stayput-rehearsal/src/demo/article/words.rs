//! What a step of the article does to the addresses, as text.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use stayput_fabric::Place;
use stayput_fabric::Verdict;

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
        let whose = |n: usize| match (stays, n) {
            (true, 1) => "1 address that stays in EC2".to_owned(),
            (true, n) => format!("{n} addresses that stay in EC2"),
            (false, 1) => "1 address of a machine that moves".to_owned(),
            (false, n) => format!("{n} addresses of machines that move"),
        };
        let by_verdict = |addresses: &[Ipv4Addr]| {
            let mut groups: BTreeMap<Option<&Verdict>, Vec<Ipv4Addr>> = BTreeMap::new();
            for address in addresses {
                let verdict = after.0.get(address).map(|sight| &sight.verdict);
                groups.entry(verdict).or_default().push(*address);
            }
            let told = groups.iter().map(|(verdict, addresses)| {
                let verdict = verdict.map_or("?".to_owned(), ToString::to_string);
                format!("{} ({verdict})", named(watchlist, addresses))
            });
            told.collect::<Vec<_>>().join("; ")
        };
        let taken = changed(&|was, is| {
            was == Fate::Delivered && !matches!(is, Fate::Delivered | Fate::Looping)
        });
        if !taken.is_empty() {
            let unasked = if stays { " (not part of the goal)" } else { "" };
            says.push(format!(
                "cuts {} off from on-prem{unasked}: {}",
                whose(taken.len()),
                by_verdict(&taken)
            ));
        }
        let circling = changed(&|was, is| was != Fate::Looping && is == Fate::Looping);
        if !circling.is_empty() {
            says.push(format!(
                "makes packets to {} loop until their TTL expires: {}",
                whose(circling.len()),
                by_verdict(&circling)
            ));
        }
        let given = changed(&|was, is| was != Fate::Delivered && is == Fate::Delivered);
        if !given.is_empty() {
            says.push(format!(
                "makes {} reachable from on-prem",
                whose(given.len())
            ));
        }
    }
    if says.is_empty() {
        says.push("changes nothing for packets from on-prem".to_owned());
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
    (!lost.is_empty()).then(|| named(watchlist, &lost))
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
                Predicted::Delivered(place) => format!("delivered at {place}"),
                Predicted::NotDelivered(verdict) => verdict.to_string(),
            };
            format!("{count:>3} × {part}: {fabric} | the lab's walk: {walk}")
        })
        .collect()
}

fn named(watchlist: &Watchlist, addresses: &[Ipv4Addr]) -> String {
    let mut names: Vec<String> = addresses
        .iter()
        .take(NAMED)
        .map(|address| match watchlist.0.get(address) {
            Some(member) => format!("{address} {}", member.name),
            None => address.to_string(),
        })
        .collect();
    if addresses.len() > NAMED {
        names.push(format!("and {} more", addresses.len() - NAMED));
    }
    names.join(", ")
}
