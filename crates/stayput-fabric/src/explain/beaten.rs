//! The routes that also matched, and by which rule each lost.

use super::Explainer;
use crate::index::TgwTableIx;
use crate::reason::Beaten;
use crate::reason::Because;
use crate::reason::Origin;
use crate::walk::At;

impl Explainer<'_> {
    pub(super) fn beaten_in_tgw(&self, at: At) -> Vec<Beaten> {
        let At::Tgw {
            table: Some(table), ..
        } = at
        else {
            return Vec::new();
        };
        self.beaten_in_table(table)
    }

    fn beaten_in_table(&self, table: TgwTableIx) -> Vec<Beaten> {
        let mut beaten = Vec::new();
        let mut longest = None;
        let shared = self.walker.beliefs.equal_learned_routes_share;
        for candidates in self.walker.candidates(table) {
            let first = *longest.get_or_insert(candidates.prefix) == candidates.prefix;
            let mut best = None;
            if let Some(fixed) = candidates.fixed {
                best = Some((self.fixed(fixed), Origin::Static));
            }
            for learned in self.walker.learned(&candidates) {
                let toward = self.behind(learned.attachment);
                let Some((_, winner)) = &best else {
                    best = Some((toward, learned.origin));
                    continue;
                };
                let because = if *winner == Origin::Static {
                    Because::UnderStatic
                } else if *winner != learned.origin {
                    Because::LowerRank
                } else if learned.origin == Origin::Vpc || !shared {
                    Because::AttachedLater
                } else {
                    // One of several equal ways: it did not lose.
                    continue;
                };
                if first {
                    beaten.push(Beaten {
                        prefix: candidates.prefix,
                        toward,
                        because,
                    });
                }
            }
            if let Some((toward, _)) = best
                && !first
            {
                beaten.push(Beaten {
                    prefix: candidates.prefix,
                    toward,
                    because: Because::Shorter,
                });
            }
        }
        beaten
    }

    pub(super) fn beaten_in_vpc(&self, at: At) -> Vec<Beaten> {
        let routes = at
            .vpc_table()
            .and_then(|table| self.walker.vpc_routes(table));
        routes
            .into_iter()
            .flat_map(|routes| routes.matches(self.walker.to).skip(1))
            .map(|(prefix, entry)| Beaten {
                prefix,
                toward: self.toward(&entry.hop),
                because: Because::Shorter,
            })
            .collect()
    }
}
