//! A class of which a change acts on a part only is split before the change is made.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::SiteName;

use super::Reachability;
use super::id;
use crate::change::Change;
use crate::classes::Class;

impl Reachability {
    /// Splits classes of which a change acts on a part only.
    pub(super) fn split(&mut self, change: &Change) {
        let inside: BTreeSet<Ipv4Addr> = match change {
            Change::TgwRoute { cidr, .. }
            | Change::Erp { cidr, .. }
            | Change::Subnet { cidr, .. }
            | Change::VpcRoute { cidr, .. }
            | Change::Announce { cidr, .. } => {
                let members = self.between(cidr.network(), cidr.broadcast());
                match self.is_part_of_any(members) {
                    true => members.iter().map(|(member, _)| *member).collect(),
                    false => BTreeSet::new(),
                }
            }
            Change::Propagation { .. } => {
                for prefix in self.fabric.prefixes_touched(change) {
                    let members = self.between(prefix.network(), prefix.broadcast());
                    let inside = members.iter().map(|(member, _)| *member).collect();
                    self.split_off(&inside);
                }
                return;
            }
            Change::Serve { .. }
            | Change::Edge { .. }
            | Change::Attachment { .. }
            | Change::Region { .. } => return,
        };
        self.split_off(&inside);
        for address in self.fabric.newly_routed(change) {
            self.split_off(&[address].into());
        }
    }

    /// The same for machines that start or stop: those that do the same stay together.
    pub(super) fn split_by_machines(&mut self, changes: &[Change]) {
        let mut switched: BTreeMap<(&SiteName, bool), BTreeSet<Ipv4Addr>> = BTreeMap::new();
        for change in changes {
            if let Change::Serve {
                site,
                address,
                serving,
            } = change
            {
                let alike = switched.entry((site, *serving)).or_default();
                alike.insert(*address);
            }
        }
        for alike in switched.values() {
            self.split_off(alike);
        }
    }

    /// Whether some class has members among these and others that are not.
    fn is_part_of_any(&self, members: &[(Ipv4Addr, u32)]) -> bool {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for (_, class) in members {
            *counts.entry(*class).or_default() += 1;
        }
        counts
            .into_iter()
            .any(|(class, count)| count < self.classes[class as usize].members.len())
    }

    fn split_off(&mut self, inside: &BTreeSet<Ipv4Addr>) {
        let mut parts: BTreeMap<u32, Vec<Ipv4Addr>> = BTreeMap::new();
        for address in inside {
            if let Ok(at) = self
                .members
                .binary_search_by_key(address, |(member, _)| *member)
            {
                parts.entry(self.members[at].1).or_default().push(*address);
            }
        }
        for (class, part) in parts {
            let whole = &mut self.classes[class as usize];
            if part.len() == whole.members.len() {
                continue;
            }
            let cut: BTreeSet<_> = part.iter().copied().collect();
            whole.members.retain(|member| !cut.contains(member));
            let Some(first) = whole.members.first().copied() else {
                continue;
            };
            whole.representative = first;
            let new = self.classes.len();
            for address in &part {
                if let Ok(at) = self
                    .members
                    .binary_search_by_key(address, |(member, _)| *member)
                {
                    self.members[at].1 = id(new);
                }
            }
            self.classes.push(Class {
                representative: part[0],
                members: part,
            });
            // They behaved the same until now; each has its own representative, so both are walked again.
            for source in 0..self.sources.len() {
                let cell = self.walk(source, class as usize);
                let at = class as usize * self.sources.len() + source;
                self.cells[at] = cell;
            }
            for source in 0..self.sources.len() {
                let cell = self.walk(source, new);
                self.cells.push(cell);
            }
        }
    }
}
