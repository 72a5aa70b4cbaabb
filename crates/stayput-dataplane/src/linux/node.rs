//! One node in the kernel: its namespace, and the numbers of its tables and rules.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::net::UdpSocket;

use stayput_estate::Cidr;

use super::echo::Echo;
use super::echo::EchoHandle;
use super::echo::PORT;
use super::namespace::Namespace;
use super::netlink::Kind;
use super::netlink::Selector;
use crate::layout::Hop;
use crate::layout::LinkId;
use crate::layout::Match;
use crate::layout::Node;
use crate::layout::NodeId;
use crate::layout::Routes;
use crate::layout::TableId;

/// Number of the kernel's main table.
const MAIN: u32 = 254;
/// The first table number that is used for the lab's tables.
const FIRST_TABLE: u32 = 1000;
/// Priority of the first rule. Later rules get higher numbers, so that a rule that replaces another one is added before the other
/// is deleted.
const FIRST_PRIORITY: u32 = 30_000;

/// Error messages of operations that failed.
pub type Failures = Vec<String>;

/// A node that exists in the kernel.
#[derive(Debug)]
pub struct KernelNode {
    id: NodeId,
    /// Its namespace.
    pub namespace: Namespace,
    tables: BTreeMap<TableId, u32>,
    rules: BTreeMap<Match, (u32, Selector, u32)>,
    next_priority: u32,
    ears: BTreeMap<Ipv4Addr, EchoHandle>,
}

/// Interface indices of links.
pub type Indices = BTreeMap<LinkId, u32>;

impl KernelNode {
    /// Creates an empty node.
    pub fn new(id: NodeId) -> io::Result<Self> {
        Ok(Self {
            id,
            namespace: Namespace::new()?,
            tables: BTreeMap::from([(TableId::Main, MAIN)]),
            rules: BTreeMap::new(),
            next_priority: FIRST_PRIORITY,
            ears: BTreeMap::new(),
        })
    }

    /// Adds new and changed objects. Returns how many routes changed.
    pub fn add(
        &mut self,
        old: &Node,
        new: &Node,
        links: &Indices,
        echo: &Echo,
        failures: &mut Failures,
    ) -> u64 {
        for address in new.addresses.difference(&old.addresses) {
            let added = self.add_address(*address, echo);
            self.note(added, &format!("address {address}"), failures);
        }
        let mut changed = 0;
        for (table, routes) in &new.tables {
            let before = old.tables.get(table).unwrap_or(&NO_ROUTES);
            for (prefix, hop) in routes {
                if before.get(prefix) != Some(hop) {
                    changed += 1;
                    let put = self.put_route(table, *prefix, hop, links);
                    self.note(put, &format!("route {prefix}"), failures);
                }
            }
        }
        for (packets, table) in &new.rules {
            if old.rules.get(packets) != Some(table) {
                changed += 1;
                let put = self.put_rule(packets, table, links);
                self.note(put, &format!("rule {packets:?}"), failures);
            }
        }
        changed
    }

    /// Removes objects that are no longer in the layout. Returns how many routes changed.
    pub fn remove(&mut self, old: &Node, new: &Node, failures: &mut Failures) -> u64 {
        let mut changed = 0;
        for packets in old.rules.keys() {
            if !new.rules.contains_key(packets)
                && let Some((priority, selector, table)) = self.rules.remove(packets)
            {
                changed += 1;
                let netlink = &mut self.namespace.netlink;
                let deleted = netlink.delete_rule(priority, selector, table);
                self.note(deleted, &format!("no rule {packets:?}"), failures);
            }
        }
        for (table, routes) in &old.tables {
            let after = new.tables.get(table).unwrap_or(&NO_ROUTES);
            let number = self.table(table);
            for prefix in routes.keys().filter(|prefix| !after.contains_key(prefix)) {
                changed += 1;
                let deleted = self.namespace.netlink.delete_route(number, *prefix);
                self.note(deleted, &format!("no route {prefix}"), failures);
            }
        }
        for address in old.addresses.difference(&new.addresses) {
            self.ears.remove(address);
            let deleted = self.namespace.netlink.delete_address(*address);
            self.note(deleted, &format!("no address {address}"), failures);
        }
        changed
    }

    fn note(&self, done: io::Result<()>, what: &str, failures: &mut Failures) {
        if let Err(error) = done {
            failures.push(format!("{}: {what}: {error}", self.id));
        }
    }

    fn add_address(&mut self, address: Ipv4Addr, echo: &Echo) -> io::Result<()> {
        self.namespace.netlink.add_address(address)?;
        let socket = self.namespace.inside(|| UdpSocket::bind((address, PORT)))?;
        let ear = echo.listen(socket, self.id.clone())?;
        self.ears.insert(address, ear);
        Ok(())
    }

    fn put_route(
        &mut self,
        table: &TableId,
        prefix: Cidr,
        hop: &Hop,
        links: &Indices,
    ) -> io::Result<()> {
        let kind = match hop {
            Hop::Over(link) => Kind::Out(index(links, link)?),
            Hop::Local => Kind::Local,
            Hop::Drop => Kind::Blackhole,
        };
        let table = self.table(table);
        self.namespace.netlink.put_route(table, prefix, kind)
    }

    fn put_rule(&mut self, packets: &Match, table: &TableId, links: &Indices) -> io::Result<()> {
        let selector = match packets {
            Match::In(link) => Selector::In(index(links, link)?),
            Match::From(address) => Selector::From(*address),
        };
        let table = self.table(table);
        let priority = self.next_priority;
        self.next_priority -= 1;
        let netlink = &mut self.namespace.netlink;
        netlink.add_rule(priority, selector, table)?;
        let before = self
            .rules
            .insert(packets.clone(), (priority, selector, table));
        match before {
            Some((priority, selector, table)) => netlink.delete_rule(priority, selector, table),
            None => Ok(()),
        }
    }

    /// Returns the number of a table. A table keeps its number.
    fn table(&mut self, id: &TableId) -> u32 {
        let next = FIRST_TABLE + u32::try_from(self.tables.len()).unwrap_or(0);
        *self.tables.entry(id.clone()).or_insert(next)
    }
}

static NO_ROUTES: Routes = Routes::new();

fn index(links: &Indices, link: &LinkId) -> io::Result<u32> {
    links
        .get(link)
        .copied()
        .ok_or_else(|| io::Error::other(format!("no link {link:?}")))
}
