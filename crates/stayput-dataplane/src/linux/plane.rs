//! The data plane: applies a layout to the kernel, records what was changed when, and sends test packets.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use stayput_lab::state::LabState;

use super::echo;
use super::echo::Echo;
use super::node::Failures;
use super::node::Indices;
use super::node::KernelNode;
use crate::clock::RunClock;
use crate::layout::Layout;
use crate::layout::LinkId;
use crate::layout::Node;
use crate::layout::NodeId;
use crate::privilege::Privilege;
use crate::report::Change;
use crate::report::Delays;
use crate::report::RouterDrops;

/// Index of the first interface; the loopback interface has 1.
const FIRST_LINK: u32 = 10;
/// Pause between two checks for answers.
const LOOK: Duration = Duration::from_millis(1);

/// A test packet: where does a packet from this node to this address end?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestPacket {
    /// The sending node.
    pub from: NodeId,
    /// Its source address.
    pub source: Ipv4Addr,
    /// The destination address.
    pub to: Ipv4Addr,
}

/// The result of a test packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The node that received it, if one did.
    pub heard_by: Option<NodeId>,
    /// Whether the answer came back.
    pub answered: bool,
}

/// The data plane. Its namespaces end when it is dropped.
#[derive(Debug)]
pub struct Plane {
    privilege: Privilege,
    clock: RunClock,
    standing: Layout,
    nodes: BTreeMap<NodeId, KernelNode>,
    links: Indices,
    next_link: u32,
    echo: Echo,
    asker: u64,
    changes: Vec<Change>,
    delays: Vec<u64>,
    failures: Failures,
}

impl Plane {
    /// Creates an empty data plane.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn new(privilege: Privilege) -> io::Result<Self> {
        Ok(Self {
            privilege,
            clock: RunClock::new(),
            standing: Layout::default(),
            nodes: BTreeMap::new(),
            links: BTreeMap::new(),
            next_link: FIRST_LINK,
            echo: Echo::start()?,
            asker: 0,
            changes: Vec::new(),
            delays: Vec::new(),
            failures: Vec::new(),
        })
    }

    /// Makes the kernel agree with the lab.
    pub fn follow(&mut self, lab: &LabState) {
        let begun = self.clock.now();
        let layout = Layout::of(lab);
        if layout == self.standing {
            return;
        }
        let first = self.nodes.is_empty();
        let starts = self.clock.now();
        let routes = self.make(layout);
        let done = self.clock.now();
        // Building the first layout is not recorded as a change.
        if !first && routes > 0 {
            self.delays.push(done.us_since(begun));
            self.changes.push(Change {
                number: self.changes.len() as u64 + 1,
                begun: starts,
                done,
                routes,
            });
        }
    }

    /// Drops every namespace. The kernel then removes them with their content.
    pub fn clear(&mut self) {
        self.nodes.clear();
        self.links.clear();
        self.standing = Layout::default();
    }

    /// Applies a layout: first new objects, then changed ones, last it removes what is no longer needed. An operation that fails
    /// is recorded as a failure and not tried again.
    fn make(&mut self, layout: Layout) -> u64 {
        let moved = |(link, ends): (&LinkId, &(NodeId, NodeId))| {
            let new = layout.links.get(link);
            new.is_some_and(|new| new != ends)
        };
        let moved: Vec<LinkId> = self
            .standing
            .links
            .iter()
            .filter(|standing| moved(*standing))
            .map(|(link, _)| link.clone())
            .collect();
        let mut routes = 0;
        if !moved.is_empty() {
            routes += self.make(self.standing.clone().without_links(&moved));
        }
        for id in layout.nodes.keys() {
            if !self.nodes.contains_key(id) {
                match KernelNode::new(id.clone()) {
                    Ok(node) => {
                        self.nodes.insert(id.clone(), node);
                    }
                    Err(error) => self.failures.push(format!("{id}: {error}")),
                }
            }
        }
        for (link, (a, b)) in &layout.links {
            if !self.links.contains_key(link)
                && let Err(error) = self.add_link(link, a, b)
            {
                self.failures.push(format!("{link:?}: {error}"));
            }
        }
        let nothing = Node::default();
        let old = std::mem::take(&mut self.standing);
        for (id, node) in &mut self.nodes {
            let old = old.nodes.get(id).unwrap_or(&nothing);
            if let Some(new) = layout.nodes.get(id) {
                routes += node.add(old, new, &self.links, &self.echo, &mut self.failures);
            }
        }
        for (id, node) in &mut self.nodes {
            if let (Some(old), Some(new)) = (old.nodes.get(id), layout.nodes.get(id)) {
                routes += node.remove(old, new, &mut self.failures);
            }
        }
        for (link, (a, b)) in &old.links {
            if layout.links.contains_key(link) {
                continue;
            }
            let stays = layout.nodes.contains_key(a) && layout.nodes.contains_key(b);
            // A namespace takes its interfaces and their peers with it.
            if let Some(index) = self.links.remove(link)
                && stays
                && let Some(node) = self.nodes.get_mut(a)
                && let Err(error) = node.namespace.netlink.delete_link(index)
            {
                self.failures.push(format!("no {link:?}: {error}"));
            }
        }
        self.nodes.retain(|id, _| layout.nodes.contains_key(id));
        self.standing = layout;
        routes
    }

    fn add_link(&mut self, link: &LinkId, a: &NodeId, b: &NodeId) -> io::Result<()> {
        let missing = || io::Error::other("one of its ends does not exist");
        let far = self
            .nodes
            .get(b)
            .ok_or_else(missing)?
            .namespace
            .as_fd()
            .try_clone_to_owned()?;
        let near = self.nodes.get_mut(a).ok_or_else(missing)?;
        let index = self.next_link;
        near.namespace.netlink.add_link(index, far.as_fd())?;
        for end in [a, b] {
            let node = self.nodes.get_mut(end).ok_or_else(missing)?;
            node.namespace.netlink.link_up(index)?;
        }
        self.next_link += 1;
        self.links.insert(link.clone(), index);
        Ok(())
    }

    /// Sends the test packets and waits until all are answered, at most for `timeout`.
    ///
    /// # Errors
    /// When a packet is from a node that does not exist, or from an address that the node does not have.
    pub fn ask(&mut self, questions: &[TestPacket], timeout: Duration) -> io::Result<Vec<Outcome>> {
        self.asker += 1;
        self.echo.record(self.asker);
        let mut sockets = Vec::with_capacity(questions.len());
        for (number, asked) in (0..).zip(questions) {
            let socket = self.socket(&asked.from, asked.source)?;
            socket.set_nonblocking(true)?;
            // Without any route, sending fails: the packet counts as lost.
            let question = echo::question(self.asker, number);
            let _ = socket.send_to(&question, (asked.to, echo::PORT));
            sockets.push((socket, false));
        }
        let until = Instant::now() + timeout;
        loop {
            for (socket, answered) in &mut sockets {
                let mut bytes = [0; 64];
                *answered = *answered || socket.recv_from(&mut bytes).is_ok();
            }
            if sockets.iter().all(|(_, answered)| *answered) || Instant::now() >= until {
                break;
            }
            thread::sleep(LOOK);
        }
        let heard = self.echo.heard();
        Ok((0..)
            .zip(sockets)
            .map(|(number, (_, answered))| Outcome {
                heard_by: heard.get(&number).cloned(),
                answered,
            })
            .collect())
    }

    /// Opens a socket of a node, at one of its addresses.
    pub(crate) fn socket(&self, node: &NodeId, address: Ipv4Addr) -> io::Result<UdpSocket> {
        let node = self
            .nodes
            .get(node)
            .ok_or_else(|| io::Error::other(format!("{node} does not exist")))?;
        node.namespace.inside(|| UdpSocket::bind((address, 0)))
    }

    /// Returns the clock for all times of the data plane.
    pub(crate) fn clock(&self) -> RunClock {
        self.clock
    }

    /// Returns the layout that is applied.
    pub fn layout(&self) -> &Layout {
        &self.standing
    }

    /// Returns the privilege with which namespaces are created.
    pub fn privilege(&self) -> Privilege {
        self.privilege
    }

    /// Returns all changes, in order.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Returns the operations that the kernel refused, in order. Unless it is empty, the data plane does not match the lab.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// Returns how long the kernel needed to apply changes.
    pub fn delays(&self) -> Delays {
        let mut sorted = self.delays.clone();
        sorted.sort_unstable();
        Delays {
            count: sorted.len() as u64,
            median: sorted.get(sorted.len() / 2).copied().unwrap_or(0),
            max: sorted.last().copied().unwrap_or(0),
        }
    }

    /// Returns how many packets were dropped in routers so far.
    pub fn router_drops(&mut self) -> RouterDrops {
        let counted = self.nodes.values_mut().map(|node| {
            // A counter that cannot be read counts as zero.
            node.namespace.ttl_exceeded().unwrap_or(0)
        });
        RouterDrops {
            ttl_exceeded: counted.sum(),
        }
    }
}
