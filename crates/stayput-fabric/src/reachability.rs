//! Every source × every class of addresses, judged in one state and kept right change by change.
//!
//! The technique is that of atoms (Horn et al., *Delta-net*, NSDI 2017) with the walk in place of the forwarding graph: addresses
//! are divided into classes that behave the same, a change acts on the classes inside its prefix only, and of those only on the cells
//! whose walk used the table it changes. A class that a change would divide is split first.
//!
//! What is kept is exactly what [`Fabric::round_trip`] gives for each source and representative; tests compare the two.

mod dirty;
mod end;
mod split;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use crate::change::Change;
use crate::classes::Class;
use crate::fabric::Fabric;
use crate::source::Source;
use crate::trace::RoundTrip;
use crate::trace::Trace;
use crate::trace::Verdict;
use crate::walk::Answerer;
use crate::walk::At;
use crate::walk::Ending;
use crate::walk::Sender;
use crate::walk::Walked;
use dirty::Dirty;
use dirty::Reads;
pub use end::End;

/// What is known of one source and one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellState {
    /// How a request ends.
    pub there: End,
    /// How the reply ends; `None` when the request did not arrive.
    pub back: Option<End>,
    /// Whether both were delivered and pass the same edges and Transit Gateways.
    pub symmetric: bool,
    /// Whether a machine is at the source to send.
    pub populated: bool,
}

/// A cell that a change affected: how a request or its reply ends, or the path that a request takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// Position in [`Reachability::sources`].
    pub source: usize,
    /// Position in [`Reachability::classes`].
    pub class: usize,
    /// What it was.
    pub before: CellState,
    /// How the request ended before. The verdict now is [`Reachability::verdict`].
    pub was: Verdict,
    /// How the reply ended before, where the request arrived and the reply did not.
    pub reply_was: Option<Verdict>,
}

/// What is judged again after changes: everything that may have changed, nothing that cannot have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Cells whose walk was made again.
    pub walks: usize,
    /// Cells there are.
    pub cells: usize,
}

/// A source with the state that a walk from it starts in, and the addresses that replies go to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    start: Option<At>,
    senders: Vec<(Ipv4Addr, Option<Sender>)>,
    populated: bool,
}

/// One source and one class.
#[derive(Debug, Clone)]
struct Cell {
    there: Walked,
    reads: Reads,
    /// Which reply it gets.
    reply: Option<ReplyKey>,
}

/// Replies that start in the same state to the same senders take the same path.
type ReplyKey = (u32, At, Option<Ipv4Addr>);

#[derive(Debug, Clone)]
struct Reply {
    /// The sender's address that the worst reply goes to.
    to: Ipv4Addr,
    walked: Walked,
    reads: Reads,
}

/// What changes have replaced.
#[derive(Default)]
struct Earlier {
    replies: BTreeMap<ReplyKey, Reply>,
    rows: BTreeMap<usize, Row>,
}

/// The matrix of all sources and classes.
#[derive(Debug, Clone)]
pub struct Reachability {
    fabric: Fabric,
    sources: Vec<Source>,
    rows: Vec<Row>,
    classes: Vec<Class>,
    /// Every member with its class, in order of addresses.
    members: Vec<(Ipv4Addr, u32)>,
    /// Class by class, one cell a source.
    cells: Vec<Cell>,
    replies: BTreeMap<ReplyKey, Reply>,
    work: Work,
    /// States of the walk under way, kept for their allocation.
    passed: Vec<At>,
}

impl Reachability {
    /// Judges every source of the fabric and every class of these addresses.
    pub fn of(fabric: Fabric, addresses: impl IntoIterator<Item = Ipv4Addr>) -> Self {
        let (sources, classes) = (fabric.sources(), fabric.classes(addresses));
        Self::new(fabric, sources, classes)
    }

    /// The same for given sources, and for classes that hold in this state at least ([`Fabric::classes_across`] gives ones that hold
    /// in later ones too, and are then never cut).
    pub fn new(fabric: Fabric, sources: Vec<Source>, classes: Vec<Class>) -> Self {
        let rows = sources.iter().map(|source| row(&fabric, source)).collect();
        Self::of_rows(fabric, sources, rows, classes)
    }

    /// Judges other classes in the same state, without a new look at which machines of each source send.
    pub fn with_classes(&self, classes: Vec<Class>) -> Self {
        let (sources, rows) = (self.sources.clone(), self.rows.clone());
        Self::of_rows(self.fabric.clone(), sources, rows, classes)
    }

    fn of_rows(fabric: Fabric, sources: Vec<Source>, rows: Vec<Row>, classes: Vec<Class>) -> Self {
        let mut members: Vec<_> = classes
            .iter()
            .enumerate()
            .flat_map(|(at, class)| class.members.iter().map(move |member| (*member, id(at))))
            .collect();
        members.sort_unstable();
        let mut matrix = Self {
            fabric,
            sources,
            rows,
            classes,
            members,
            cells: Vec::new(),
            replies: BTreeMap::new(),
            work: Work::default(),
            passed: Vec::new(),
        };
        for class in 0..matrix.classes.len() {
            for source in 0..matrix.sources.len() {
                let cell = matrix.walk(source, class);
                matrix.cells.push(cell);
            }
        }
        matrix.work.cells = matrix.cells.len();
        matrix
    }

    /// The state it judges.
    pub fn fabric(&self) -> &Fabric {
        &self.fabric
    }

    /// The sources, as given.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The classes. Changes add to them where they cut one; none is ever removed or moved.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// How often a walk was made, and how many cells there are: what the last change cost.
    pub fn work(&self) -> Work {
        self.work
    }

    /// What is known of a source and a class, by their positions.
    pub fn cell_state(&self, source: usize, class: usize) -> CellState {
        let cell = self.cell(source, class);
        let reply = cell.reply.and_then(|key| self.replies.get(&key));
        cell_state(&self.rows[source], cell, reply)
    }

    /// How a request of a source to a class ends.
    pub fn verdict(&self, source: usize, class: usize) -> Verdict {
        let to = self.classes[class].representative;
        if self.rows[source].start.is_none() {
            return self.fabric.verdict(&self.sources[source], to);
        }
        self.fabric.verdict_of(to, &self.cell(source, class).there)
    }

    /// How the reply to a request of a source to a class ends; `None` when the request did not arrive.
    pub fn reply_verdict(&self, source: usize, class: usize) -> Option<Verdict> {
        let reply = self.replies.get(&self.cell(source, class).reply?)?;
        Some(self.fabric.verdict_of(reply.to, &reply.walked))
    }

    /// The way of a request of a source to a class.
    pub fn trace(&self, source: usize, class: usize) -> Trace {
        let to = self.classes[class].representative;
        self.fabric.trace(&self.sources[source], to)
    }

    /// The way there and back of a source and a class.
    pub fn round_trip(&self, source: usize, class: usize) -> RoundTrip {
        let to = self.classes[class].representative;
        self.fabric.round_trip(&self.sources[source], to)
    }

    /// Makes changes, all at once, and gives the cells that changed. What the remote system would refuse changes nothing.
    pub fn apply(&mut self, changes: &[Change]) -> Vec<Shift> {
        let mut dirty = Dirty::default();
        self.split_by_machines(changes);
        // All before the first is made: a class is walked again when it is split, and its earlier result must be known afterwards.
        for change in changes {
            self.split(change);
        }
        for change in changes {
            dirty.mark(&self.fabric, change);
            self.fabric.apply(change);
            dirty.mark(&self.fabric, change);
        }
        self.judge_again(&dirty)
    }

    fn judge_again(&mut self, dirty: &Dirty) -> Vec<Shift> {
        let mut earlier = Earlier::default();
        for at in 0..self.rows.len() {
            if dirty.turns(&self.fabric, &self.sources[at]) {
                let row = row(&self.fabric, &self.sources[at]);
                if row != self.rows[at] {
                    let old = std::mem::replace(&mut self.rows[at], row);
                    earlier.rows.insert(at, old);
                }
            }
        }
        let mut shifts = Vec::new();
        self.work = Work {
            walks: 0,
            cells: self.cells.len(),
        };
        self.renew_replies(dirty, &mut earlier);
        let hit = self.classes_hit(dirty, !earlier.rows.is_empty());
        for class in hit {
            let dirty = dirty.reads_of(&self.classes[class]);
            for source in 0..self.sources.len() {
                let cell = self.cell(source, class);
                if !earlier.rows.contains_key(&source) && !cell.reads.meet(dirty) {
                    continue;
                }
                let (old, was) = (cell.clone(), self.standing_before(&earlier, source, class));
                let reply_was = self.lost_reply_before(&earlier, source, class);
                let new = self.walk(source, class);
                let at = class * self.sources.len() + source;
                let same_way = old.there.goes_as(&new.there);
                self.cells[at] = new;
                let is = self.cell_state(source, class);
                if !same_way || was != is {
                    let to = self.classes[class].representative;
                    shifts.push(Shift {
                        source,
                        class,
                        before: was,
                        was: self.fabric.verdict_of(to, &old.there),
                        reply_was,
                    });
                }
            }
        }
        self.shifts_by_replies(&earlier, &mut shifts);
        shifts.sort_by_key(|shift| (shift.source, shift.class));
        shifts
    }

    /// Classes that a change may act on.
    fn classes_hit(&self, dirty: &Dirty, all: bool) -> Vec<usize> {
        if all || dirty.everything {
            return (0..self.classes.len()).collect();
        }
        let mut hit: Vec<usize> = dirty
            .ranges()
            .flat_map(|(first, last)| self.between(first, last))
            .map(|(_, class)| *class as usize)
            .collect();
        hit.sort_unstable();
        hit.dedup();
        hit
    }

    /// Members between two addresses, both included.
    fn between(&self, first: Ipv4Addr, last: Ipv4Addr) -> &[(Ipv4Addr, u32)] {
        let from = self.members.partition_point(|(member, _)| *member < first);
        let to = self.members.partition_point(|(member, _)| *member <= last);
        self.members.get(from..to).unwrap_or_default()
    }

    /// Makes the walks of replies again that may have changed.
    fn renew_replies(&mut self, dirty: &Dirty, earlier: &mut Earlier) {
        let keys: Vec<_> = self
            .replies
            .iter()
            .filter(|((source, _, own), reply)| {
                let source = *source as usize;
                let is_dirty = |address| reply.reads.meet(dirty.reads_at(address));
                earlier.rows.contains_key(&source)
                    || dirty.everything
                    || is_dirty(reply.to)
                    || self
                        .senders_of(source, *own)
                        .iter()
                        .any(|(address, _)| is_dirty(*address))
            })
            .map(|(key, _)| *key)
            .collect();
        for key in keys {
            if let Some(old) = self.replies.remove(&key) {
                earlier.replies.insert(key, old);
                self.ensure_reply(key);
            }
        }
    }

    /// Cells whose request goes as before, and whose reply does not.
    fn shifts_by_replies(&self, earlier: &Earlier, shifts: &mut Vec<Shift>) {
        let changed: BTreeSet<_> = earlier
            .replies
            .iter()
            .filter(|(key, old)| {
                self.replies.get(*key).is_none_or(|new| {
                    new.walked.end() != old.walked.end()
                        || new.walked.waypoints() != old.walked.waypoints()
                })
            })
            .map(|(key, _)| *key)
            .collect();
        if changed.is_empty() {
            return;
        }
        let known: BTreeSet<_> = shifts
            .iter()
            .map(|shift| (shift.source, shift.class))
            .collect();
        for class in 0..self.classes.len() {
            for source in 0..self.sources.len() {
                let key = self.cell(source, class).reply;
                if !key.is_some_and(|key| changed.contains(&key))
                    || known.contains(&(source, class))
                {
                    continue;
                }
                let was = self.standing_before(earlier, source, class);
                if was != self.cell_state(source, class) {
                    shifts.push(Shift {
                        source,
                        class,
                        before: was,
                        was: self.verdict(source, class),
                        reply_was: self.lost_reply_before(earlier, source, class),
                    });
                }
            }
        }
    }

    /// What a cell stood at before sources and replies were replaced.
    fn standing_before(&self, earlier: &Earlier, source: usize, class: usize) -> CellState {
        let row = earlier.rows.get(&source).unwrap_or(&self.rows[source]);
        let reply = self.reply_before(earlier, source, class);
        cell_state(row, self.cell(source, class), reply)
    }

    /// How the reply ended before replies were replaced, if it was lost.
    fn lost_reply_before(&self, earlier: &Earlier, source: usize, class: usize) -> Option<Verdict> {
        let reply = self.reply_before(earlier, source, class)?;
        let is_lost = !End::of(reply.walked.ending).is_delivered();
        is_lost.then(|| self.fabric.verdict_of(reply.to, &reply.walked))
    }

    fn reply_before<'r>(
        &'r self,
        earlier: &'r Earlier,
        source: usize,
        class: usize,
    ) -> Option<&'r Reply> {
        let key = self.cell(source, class).reply?;
        earlier.replies.get(&key).or_else(|| self.replies.get(&key))
    }

    fn cell(&self, source: usize, class: usize) -> &Cell {
        &self.cells[class * self.sources.len() + source]
    }

    fn walk(&mut self, source: usize, class: usize) -> Cell {
        let to = self.classes[class].representative;
        self.work.walks += 1;
        let Some(start) = self.rows[source].start else {
            return Cell {
                there: Walked {
                    path: Vec::new(),
                    ending: Ending::Unmodelled,
                },
                reads: Reads::default(),
                reply: None,
            };
        };
        let mut passed = std::mem::take(&mut self.passed);
        let there = self.fabric.walker(to, None).walk_noting(start, &mut passed);
        let reads = Reads::of(&self.fabric, &passed);
        self.passed = passed;
        let reply = match there.ending {
            Ending::Delivered(_, Answerer::Location(location)) => {
                Some(self.fabric.leaving_location(location, to))
            }
            Ending::Delivered(_, Answerer::OnPrem) => Some(At::OnPrem { only: None }),
            Ending::Delivered(_, Answerer::Sender)
            | Ending::NoRoute
            | Ending::Blackhole
            | Ending::DeadEni(_)
            | Ending::LeavesByNat
            | Ending::NoAnswer(_)
            | Ending::WrongSite { .. }
            | Ending::NoMachine(_)
            | Ending::Loop(_)
            | Ending::RegionDown(_)
            | Ending::Unmodelled => None,
        }
        .map(|leaves| {
            // A source that asks for its own address is answered at another address of its place.
            let own = self.rows[source]
                .senders
                .iter()
                .any(|(sender, _)| *sender == to);
            (id(source), leaves, own.then_some(to))
        });
        if let Some(key) = reply {
            self.ensure_reply(key);
        }
        Cell {
            there,
            reads,
            reply,
        }
    }

    /// The addresses that a reply to a source goes to; others than its own when it asked for that.
    fn senders_of(
        &self,
        source: usize,
        own: Option<Ipv4Addr>,
    ) -> Cow<'_, [(Ipv4Addr, Option<Sender>)]> {
        match own {
            Some(to) => Cow::Owned(self.fabric.senders(&self.sources[source], to)),
            None => Cow::Borrowed(&self.rows[source].senders),
        }
    }

    fn ensure_reply(&mut self, key: ReplyKey) {
        if self.replies.contains_key(&key) {
            return;
        }
        let (source, leaves, own) = key;
        let senders = self.senders_of(source as usize, own).into_owned();
        let mut passed = std::mem::take(&mut self.passed);
        let mut reads = Reads::default();
        let mut worst: Option<(Ipv4Addr, Walked)> = None;
        for (address, sender) in senders {
            let walker = self.fabric.walker(address, sender);
            let back = walker.walk_noting(leaves, &mut passed);
            self.work.walks += 1;
            reads.add(Reads::of(&self.fabric, &passed));
            let is_worst = worst
                .as_ref()
                .is_none_or(|(_, worst)| back.is_worse_than(worst));
            if is_worst {
                worst = Some((address, back));
            }
        }
        self.passed = passed;
        if let Some((to, walked)) = worst {
            self.replies.insert(key, Reply { to, walked, reads });
        }
    }
}

fn id(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

fn row(fabric: &Fabric, source: &Source) -> Row {
    Row {
        start: fabric.start(source).ok(),
        senders: fabric.senders(source, Ipv4Addr::UNSPECIFIED),
        populated: fabric.is_populated(source),
    }
}

fn cell_state(row: &Row, cell: &Cell, reply: Option<&Reply>) -> CellState {
    let back = reply.map(|reply| End::of(reply.walked.ending));
    CellState {
        there: match row.start {
            Some(_) => End::of(cell.there.ending),
            None => End::Unmodelled,
        },
        back,
        symmetric: back == Some(End::Delivered)
            && reply.is_some_and(|reply| reply.walked.waypoints() == cell.there.waypoints()),
        populated: row.populated,
    }
}
