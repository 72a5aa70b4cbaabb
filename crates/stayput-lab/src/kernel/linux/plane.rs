//! All of it: makes a layout stand, keeps what was changed when, and asks it questions.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use super::super::clock::RunClock;
use super::super::layout::Layout;
use super::super::layout::LinkId;
use super::super::layout::Node;
use super::super::layout::NodeId;
use super::super::privilege::Privilege;
use super::super::report::Change;
use super::super::report::Delays;
use super::super::report::Swallowed;
use super::echo;
use super::echo::Echo;
use super::node::Failures;
use super::node::Indices;
use super::node::Standing;
use crate::state::LabState;

/// The first interface's index; the loopback has 1.
const FIRST_LINK: u32 = 10;
/// Pause between two looks for answers.
const LOOK: Duration = Duration::from_millis(1);

/// A question to the kernel: what becomes of a packet from here to there?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Who sends.
    pub from: NodeId,
    /// From which of its addresses.
    pub source: Ipv4Addr,
    /// To whom.
    pub to: Ipv4Addr,
}

/// What became of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Who got it, if anybody.
    pub heard_by: Option<NodeId>,
    /// Whether the answer came back.
    pub answered: bool,
}

/// The data plane. When it is dropped its namespaces are gone.
#[derive(Debug)]
pub struct Plane {
    privilege: Privilege,
    clock: RunClock,
    standing: Layout,
    nodes: BTreeMap<NodeId, Standing>,
    links: Indices,
    next_link: u32,
    echo: Echo,
    asker: u64,
    changes: Vec<Change>,
    delays: Vec<u64>,
    failures: Failures,
}

impl Plane {
    /// An empty one.
    ///
    /// # Errors
    /// No thread can be started.
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
        // What is built at the start is not a change.
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

    /// Lets go of every namespace; the kernel takes them down, and what is in them, by itself.
    pub fn clear(&mut self) {
        self.nodes.clear();
        self.links.clear();
        self.standing = Layout::default();
    }

    /// Makes a layout stand: first what is new, then what is other, last goes what is no more. What cannot be done is a failure on
    /// record, and is not tried again.
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
                match Standing::new(id.clone()) {
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
            // With a namespace go its interfaces and their other ends.
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
        let missing = || io::Error::other("one of its ends does not stand");
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

    /// Sends a packet for each question and waits until all are answered, at most so long.
    ///
    /// # Errors
    /// A question is from a node that does not stand, or from an address it does not have.
    pub fn ask(&mut self, questions: &[Asked], patience: Duration) -> io::Result<Vec<Outcome>> {
        self.asker += 1;
        self.echo.attend(self.asker);
        let mut sockets = Vec::with_capacity(questions.len());
        for (number, asked) in (0..).zip(questions) {
            let socket = self.socket(&asked.from, asked.source)?;
            socket.set_nonblocking(true)?;
            // Where there is no route at all the sender is told so: the packet is as lost as any other.
            let question = echo::question(self.asker, number);
            let _ = socket.send_to(&question, (asked.to, echo::PORT));
            sockets.push((socket, false));
        }
        let until = Instant::now() + patience;
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

    /// A socket of a node, at one of its addresses.
    pub(in crate::kernel) fn socket(
        &self,
        node: &NodeId,
        address: Ipv4Addr,
    ) -> io::Result<UdpSocket> {
        let node = self
            .nodes
            .get(node)
            .ok_or_else(|| io::Error::other(format!("{node} does not stand")))?;
        node.namespace.inside(|| UdpSocket::bind((address, 0)))
    }

    /// The clock that everything of the data plane is timed by.
    pub(in crate::kernel) fn clock(&self) -> RunClock {
        self.clock
    }

    /// What stands.
    pub fn layout(&self) -> &Layout {
        &self.standing
    }

    /// By what right there are namespaces.
    pub fn privilege(&self) -> Privilege {
        self.privilege
    }

    /// What was changed, in order.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// What the kernel would not do, in order. Empty, or the kernel does not show the lab.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// How long the kernel needed to follow.
    pub fn delays(&self) -> Delays {
        let mut sorted = self.delays.clone();
        sorted.sort_unstable();
        Delays {
            count: sorted.len() as u64,
            median: sorted.get(sorted.len() / 2).copied().unwrap_or(0),
            max: sorted.last().copied().unwrap_or(0),
        }
    }

    /// What ended in routers so far.
    pub fn swallowed(&mut self) -> Swallowed {
        let counted = self.nodes.values_mut().map(|node| {
            // A counter that cannot be read counts nothing.
            node.namespace.ttl_exceeded().unwrap_or(0)
        });
        Swallowed {
            ttl_exceeded: counted.sum(),
        }
    }
}
