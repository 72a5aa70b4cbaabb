//! The holes a plan announced, in wall time: between the start of the step that opens one and the end of the step that closes it,
//! packets to its addresses may be lost. All other losses are a broken promise.

use std::net::Ipv4Addr;

use stayput_estate::AddrRange;
use stayput_plan::StepId;

use crate::demo::chapter::Chapter;
use crate::demo::chapter::Timed;
use crate::demo::chapter::WallMs;

/// A hole in wall time.
#[derive(Debug, Clone)]
pub struct Announced {
    from_ms: WallMs,
    to_ms: WallMs,
    ranges: Vec<AddrRange>,
}

impl Announced {
    /// Whether a packet to this address, sent then, may be lost.
    pub fn covers(&self, address: Ipv4Addr, sent_ms: WallMs) -> bool {
        (self.from_ms..=self.to_ms).contains(&sent_ms)
            && self.ranges.iter().any(|range| range.contains(address))
    }
}

/// The holes for packets from on-prem that a chapter's plan announced.
pub fn announced(chapter: &Chapter) -> Vec<Announced> {
    let windows = chapter.plan.proof.windows().into_iter();
    windows
        .map(|window| Announced {
            from_ms: window
                .opens
                .as_ref()
                .and_then(|step| find(chapter, step))
                .map_or(chapter.began_ms, |step| step.began_ms),
            to_ms: window
                .closes
                .as_ref()
                .and_then(|step| find(chapter, step))
                .map_or(chapter.ended_ms, |step| step.ended_ms),
            ranges: window.ranges,
        })
        .collect()
}

fn find<'c>(chapter: &'c Chapter, id: &StepId) -> Option<&'c Timed> {
    chapter.steps.iter().find(|step| step.step == id.0)
}
