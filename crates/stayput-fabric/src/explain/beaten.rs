//! The routes that also matched, and by which rule each lost.

use super::Explainer;
use crate::index::Id;
use crate::index::TgwTableIx;
use crate::reason::LosingRoute;
use crate::reason::LossReason;
use crate::reason::Origin;
use crate::state::VpcOrigin;
use crate::walk::At;

impl Explainer<'_> {
    pub(super) fn beaten_in_tgw(&self, at: At) -> Vec<LosingRoute> {
        let At::Tgw {
            table: Some(table), ..
        } = at
        else {
            return Vec::new();
        };
        self.beaten_in_table(table)
    }

    fn beaten_in_table(&self, table: TgwTableIx) -> Vec<LosingRoute> {
        let mut beaten = Vec::new();
        let mut longest = None;
        let shared = self.walker.assumptions.equal_learned_routes_share;
        for candidates in self.walker.candidates(table) {
            let first = *longest.get_or_insert(candidates.prefix) == candidates.prefix;
            let mut best = None;
            if let Some(fixed) = candidates.fixed {
                best = Some((self.fixed(fixed), Origin::Static));
            }
            if let Some(listed) = candidates.listed {
                let toward = self.fixed(listed.fixed);
                match best {
                    None => best = Some((toward, Origin::PrefixList)),
                    Some(_) if first => beaten.push(LosingRoute {
                        prefix: candidates.prefix,
                        toward,
                        because: LossReason::UnderStatic,
                    }),
                    Some(_) => {}
                }
            }
            for learned in self.walker.learned(&candidates) {
                let toward = self.behind(learned.attachment);
                let Some((_, winner)) = &best else {
                    best = Some((toward, learned.origin));
                    continue;
                };
                let because = if *winner == Origin::Static {
                    LossReason::UnderStatic
                } else if *winner == Origin::PrefixList {
                    LossReason::UnderPrefixList
                } else if *winner != learned.origin {
                    LossReason::LowerRank
                } else if !shared {
                    LossReason::AttachedLater
                } else {
                    // One of several equal ways: it did not lose.
                    continue;
                };
                if first {
                    beaten.push(LosingRoute {
                        prefix: candidates.prefix,
                        toward,
                        because,
                    });
                }
            }
            if first {
                beaten.extend(self.walker.later(&candidates).map(|learned| LosingRoute {
                    prefix: candidates.prefix,
                    toward: self.behind(learned.attachment),
                    because: LossReason::AttachedLater,
                }));
            }
            if let Some((toward, _)) = best
                && !first
            {
                beaten.push(LosingRoute {
                    prefix: candidates.prefix,
                    toward,
                    because: LossReason::Shorter,
                });
            }
        }
        beaten
    }

    pub(super) fn beaten_in_vpc(&self, at: At) -> Vec<LosingRoute> {
        let Some(table) = at.vpc_table() else {
            return Vec::new();
        };
        let mut beaten = Vec::new();
        let matches = self.walker.vpc_routes(table).into_iter();
        let mut matches = matches.flat_map(|routes| routes.matches(self.walker.to));
        if let Some((prefix, winner)) = matches.next() {
            let under = self.walker.state.vpc_under.get(table.position());
            let because = match winner.origin {
                VpcOrigin::Written => LossReason::UnderStatic,
                VpcOrigin::Listed(_) | VpcOrigin::Propagated => LossReason::UnderPrefixList,
            };
            beaten.extend(
                under
                    .and_then(|under| under.get(prefix))
                    .into_iter()
                    .flatten()
                    .filter(|entry| entry.origin > winner.origin)
                    .map(|entry| LosingRoute {
                        prefix,
                        toward: self.toward(&entry.hop),
                        because,
                    }),
            );
        }
        beaten.extend(matches.map(|(prefix, entry)| LosingRoute {
            prefix,
            toward: self.toward(&entry.hop),
            because: LossReason::Shorter,
        }));
        beaten
    }
}
