//! The holes a plan announced, in wall time: between the start of the step that opens one and the end of the step that closes it,
//! packets to its addresses may be lost. All other losses are a broken promise.

use std::net::Ipv4Addr;

use serde::Deserialize;
use serde_json::Value;
use stayput_estate::Estate;

use crate::demo::chapter::Chapter;
use crate::demo::chapter::Timed;
use crate::demo::chapter::WallMs;

/// A hole as the plan has it.
#[derive(Debug, Clone, Deserialize)]
struct Hole {
    opens: Option<String>,
    closes: Option<String>,
    #[serde(default)]
    ranges: Option<Vec<Range>>,
    #[serde(default)]
    source: Value,
}

/// Addresses from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct Range {
    #[serde(rename = "first")]
    from: Ipv4Addr,
    #[serde(rename = "last")]
    to: Ipv4Addr,
}

impl Range {
    fn contains(&self, address: Ipv4Addr) -> bool {
        (self.from..=self.to).contains(&address)
    }
}

/// A hole in wall time.
#[derive(Debug, Clone)]
pub struct Announced {
    from_ms: WallMs,
    to_ms: WallMs,
    ranges: Vec<Range>,
}

impl Announced {
    /// Whether a packet to this address, sent then, may be lost.
    pub fn covers(&self, address: Ipv4Addr, sent_ms: WallMs) -> bool {
        (self.from_ms..=self.to_ms).contains(&sent_ms)
            && self.ranges.iter().any(|range| range.contains(address))
    }
}

/// What a chapter's plan announced to packets from on-prem.
///
/// # Errors
/// The plan's holes are not of the form known here.
pub fn announced(estate: &Estate, chapter: &Chapter) -> Result<Vec<Announced>, serde_json::Error> {
    let holes = serde_json::to_value(&chapter.plan.proof.holes)?;
    let holes: Vec<Hole> = serde_json::from_value(holes)?;
    Ok(holes
        .into_iter()
        .filter(|hole| is_of_on_prem(&hole.source))
        .map(|hole| Announced {
            from_ms: hole
                .opens
                .as_ref()
                .and_then(|step| find(chapter, step))
                .map_or(chapter.began_ms, |step| step.began_ms),
            to_ms: hole
                .closes
                .as_ref()
                .and_then(|step| find(chapter, step))
                .map_or(chapter.ended_ms, |step| step.ended_ms),
            ranges: hole.ranges.unwrap_or_else(|| networks(estate, chapter)),
        })
        .collect())
}

fn find<'c>(chapter: &'c Chapter, id: &str) -> Option<&'c Timed> {
    chapter.steps.iter().find(|step| step.step == id)
}

/// Plans of earlier formats do not say whose holes they are: those of on-prem.
fn is_of_on_prem(source: &Value) -> bool {
    source.is_null() || *source == "on-prem"
}

/// Plans of earlier formats do not say which addresses are in a hole: some of the goal's networks.
fn networks(estate: &Estate, chapter: &Chapter) -> Vec<Range> {
    let networks = chapter.plan.goal.networks().iter();
    networks
        .filter_map(|name| estate.networks.get(name))
        .map(|network| Range {
            from: network.cidr.network(),
            to: network.cidr.broadcast(),
        })
        .collect()
}
