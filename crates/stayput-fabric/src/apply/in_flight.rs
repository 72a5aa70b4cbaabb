//! Changes while they spread: one call, seen by some tables and not yet by others (AWS reference §1.5, §8).

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::RouteTableId;
use stayput_messages::Message;
use stayput_messages::list::commas;

use crate::change::Change;
use crate::change::ErpScope;
use crate::fabric::Fabric;
use crate::index::Id;
use crate::index::TgwTableIx;
use crate::index::VpcTableIx;
use crate::topology::AttKind;

/// So many parts of one change are combined in every way; of more, each alone and each as the last one missing.
const COMBINED: usize = 6;

/// A state in which a change has begun and is not seen everywhere yet.
#[derive(Debug, Clone)]
pub struct InFlight {
    /// The state.
    pub fabric: Fabric,
    /// Which parts of the change are visible.
    pub visibility: Visibility,
}

/// Which parts of a change are visible already, and which are not yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Visibility {
    /// Parts that are in effect.
    pub visible: Vec<ChangePart>,
    /// Parts that are not.
    pub pending: Vec<ChangePart>,
}

/// A part of a change that takes effect on its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangePart {
    /// The Transit Gateway table forwards by it.
    Forwarding,
    /// BGP neighbours of the Transit Gateway table have learned it.
    Announcement,
    /// The Flow transit VPC has the prefix.
    TransitPrefix,
    /// NC2 has written the prefix into this VPC route table.
    VpcTable(RouteTableId),
}

impl fmt::Display for ChangePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forwarding => Message::new("part-forwarding").fmt(f),
            Self::Announcement => Message::new("part-announcement").fmt(f),
            Self::TransitPrefix => Message::new("part-transit-prefix").fmt(f),
            Self::VpcTable(table) => Message::new("part-vpc-table").with("table", table).fmt(f),
        }
    }
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let visible = self.visible.iter();
        let visible = visible.map(|part| Message::new("visible-already").with("part", part));
        let pending = self.pending.iter();
        let pending = pending.map(|part| Message::new("visible-not-yet").with("part", part));
        f.write_str(&commas(visible.chain(pending)))
    }
}

/// A piece of a change that becomes visible on its own.
#[derive(Clone, Copy)]
enum Part {
    Forwarding(TgwTableIx),
    Announcing(TgwTableIx),
    Prefix,
    VpcTable(VpcTableIx),
}

impl Fabric {
    /// Every state between before and after a change in which it is visible in some places and not in others: a route that is
    /// forwarded by and not announced yet, or the other way about; a prefix that NC2 has written into some tables and not into
    /// others. None for a change that one place sees.
    pub fn in_flight(&self, change: &Change) -> Vec<InFlight> {
        let mut after = self.clone();
        if after.try_apply(change).is_err() {
            return Vec::new();
        }
        let parts = self.parts(change, &after);
        if parts.len() < 2 {
            return Vec::new();
        }
        let all = (1_u64 << parts.len().min(63)) - 1;
        let subsets: Vec<u64> = if parts.len() <= COMBINED {
            (1..all).collect()
        } else {
            let singles = (0..parts.len().min(63)).map(|at| 1_u64 << at);
            singles
                .clone()
                .chain(singles.map(|one| all & !one))
                .collect()
        };
        subsets
            .into_iter()
            .map(|seen| self.seen_in_part(&after, &parts, seen))
            .collect()
    }

    fn parts(&self, change: &Change, after: &Self) -> Vec<Part> {
        match change {
            Change::TgwRoute { region, table, .. } => {
                let ix = self
                    .region(region)
                    .and_then(|region| self.tgw_table(region, table));
                match ix {
                    Ok(ix) if self.announces(ix) && self.differs(after, ix) => {
                        vec![Part::Forwarding(ix), Part::Announcing(ix)]
                    }
                    Ok(_) | Err(_) => Vec::new(),
                }
            }
            Change::Erp {
                scope: ErpScope::TransitVpc,
                ..
            } => {
                let tables = self.topology.vpc_tables.iter().map(|(ix, _)| ix);
                let written = tables.filter(|ix| {
                    let at = ix.position();
                    self.state.vpc_tables[at] != after.state.vpc_tables[at]
                });
                std::iter::once(Part::Prefix)
                    .chain(written.map(Part::VpcTable))
                    .collect()
            }
            Change::Erp {
                scope: ErpScope::UserVpc,
                ..
            }
            | Change::Serve { .. }
            | Change::Subnet { .. }
            | Change::VpcRoute { .. }
            | Change::Announce { .. }
            | Change::Edge { .. }
            | Change::Attachment { .. }
            | Change::Propagation { .. }
            | Change::Region { .. } => Vec::new(),
        }
    }

    /// Whether a BGP VPN announces the table (AWS reference §2.3).
    fn announces(&self, table: TgwTableIx) -> bool {
        self.topology.attachments.iter().any(|(ix, node)| {
            node.association == Some(table)
                && node.edge.is_some()
                && matches!(
                    node.kind,
                    AttKind::Vpn {
                        static_routes_only: false,
                        ..
                    }
                )
                && self.state.is_attached(ix)
        })
    }

    fn differs(&self, after: &Self, table: TgwTableIx) -> bool {
        let at = table.position();
        self.state.tgw_tables[at].fixed != after.state.tgw_tables[at].fixed
    }

    fn seen_in_part(&self, after: &Self, parts: &[Part], seen: u64) -> InFlight {
        let mut fabric = self.clone();
        let mut visibility = Visibility {
            visible: Vec::new(),
            pending: Vec::new(),
        };
        for (at, part) in parts.iter().enumerate() {
            let is_seen = seen & (1 << at) != 0;
            let public = match part {
                Part::Forwarding(table) => {
                    let table = table.position();
                    let now = if is_seen { after } else { self };
                    fabric.state.tgw_tables[table].fixed =
                        Arc::clone(&now.state.tgw_tables[table].fixed);
                    ChangePart::Forwarding
                }
                Part::Announcing(table) => {
                    let table = table.position();
                    let now = if is_seen { after } else { self };
                    fabric.state.tgw_tables[table].advertised_fixed =
                        Some(Arc::clone(&now.state.tgw_tables[table].fixed));
                    ChangePart::Announcement
                }
                Part::Prefix => {
                    if is_seen {
                        fabric.state.flows.clone_from(&after.state.flows);
                    }
                    ChangePart::TransitPrefix
                }
                Part::VpcTable(table) => {
                    if is_seen {
                        let at = table.position();
                        fabric.state.vpc_tables[at] = Arc::clone(&after.state.vpc_tables[at]);
                    }
                    ChangePart::VpcTable(self.topology.vpc_tables[*table].id.clone())
                }
            };
            if is_seen {
                visibility.visible.push(public);
            } else {
                visibility.pending.push(public);
            }
        }
        InFlight { fabric, visibility }
    }
}
