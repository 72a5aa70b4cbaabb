//! How two plans for one goal differ: what must have changed in the world between them.
//!
//! [`differences`] compares a saved plan with the one made now, which must be the same. [`left_over`] compares what is left of an
//! approved plan, planned again after a phase, with what was approved: it may be less, and nothing else.

mod holes;
mod part;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::AddrRange;
use stayput_messages::Message;
use stayput_messages::list::commas;

use crate::Goal;
use crate::Hole;
use crate::Names;
use crate::Phase;
use crate::Plan;
use crate::Step;
use crate::StepId;
use crate::Warning;
use crate::proof::closing;
use crate::proof::opening;
use crate::render::which;

/// One way in which two plans differ. `Display` is a line for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "difference")]
pub enum Difference {
    /// They are for different goals.
    Goal {
        /// The goal of the first plan.
        was: Goal,
        /// The goal of the second.
        is: Goal,
    },
    /// A step of the first plan is not in the second.
    Gone {
        /// The step.
        step: StepTitle,
    },
    /// A step of the second plan is not in the first.
    New {
        /// The step.
        step: StepTitle,
    },
    /// A step does something else, or in another phase, or is undone by something else.
    Changed {
        /// The step in the first plan.
        was: StepTitle,
        /// The step in the second.
        is: StepTitle,
        /// What of it changed.
        fields: BTreeSet<StepField>,
    },
    /// A step comes after other steps, of those that both plans have.
    Reordered {
        /// The step in the second plan.
        step: StepTitle,
    },
    /// There is a warning about a machine that was not there.
    Warning {
        /// The warning.
        warning: Warning,
    },
    /// Addresses are not reached at a time at which they were to be.
    Hole {
        /// The hole in the second plan.
        hole: Hole,
        /// Those of its addresses that were to be reached for some of its time.
        ranges: Vec<AddrRange>,
    },
}

/// What a step of a plan is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StepTitle {
    /// Its id.
    pub id: StepId,
    /// Its phase.
    pub phase: Phase,
    /// What shall be true, in one line.
    pub title: String,
}

impl StepTitle {
    fn of(step: &Step, names: &Names) -> Self {
        Self {
            id: step.id.clone(),
            phase: step.phase,
            title: step.action.describe(names).into(),
        }
    }
}

/// A part of a step that two plans may disagree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepField {
    /// When it is done.
    Phase,
    /// What it does.
    Action,
    /// What would undo it.
    Inverse,
}

impl StepField {
    fn message(self) -> Message {
        match self {
            Self::Phase => Message::new("step-field-phase"),
            Self::Action => Message::new("step-field-action"),
            Self::Inverse => Message::new("step-field-undo"),
        }
    }
}

impl Difference {
    /// The step it is about, if it is about one.
    pub fn step(&self) -> Option<&StepId> {
        match self {
            Self::Gone { step } | Self::New { step } | Self::Reordered { step } => Some(&step.id),
            Self::Changed { is, .. } => Some(&is.id),
            Self::Goal { .. } | Self::Warning { .. } | Self::Hole { .. } => None,
        }
    }
}

impl Difference {
    /// The line for people, as a message of the catalogue.
    pub fn message(&self) -> Message {
        match self {
            Self::Goal { was, is } => Message::new("difference-goal")
                .with("was", was)
                .with("is", is),
            Self::Gone { step } => Message::new("difference-gone").with("title", &step.title),
            Self::New { step } => Message::new("difference-new").with("title", &step.title),
            Self::Changed { was, is, fields } if was.title == is.title => {
                let fields = fields.iter().map(|field| field.message());
                Message::new("difference-changed")
                    .with("fields", commas(fields))
                    .with("title", &is.title)
            }
            Self::Changed { was, is, .. } => Message::new("difference-other")
                .with("was", &was.title)
                .with("is", &is.title),
            Self::Reordered { step } => {
                Message::new("difference-reordered").with("title", &step.title)
            }
            Self::Warning { warning } => {
                Message::new("difference-warning").with("warning", warning)
            }
            Self::Hole { hole, ranges } => Message::new("difference-hole")
                .part("opens", opening(hole.opens.as_ref()))
                .part("closes", closing(hole.closes.as_ref()))
                .with("source", &hole.source)
                .count(
                    "addresses",
                    ranges.iter().map(|range| range.size()).sum::<u64>(),
                )
                .with("ranges", which(ranges))
                .part("what", hole.what()),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

/// Why `now` is not `then`; empty if they do the same in the same order, and to packets nothing worse.
///
/// A warning about a machine and a hole that `then` does not have are differences even where every step is the same. Names and reasons are
/// not compared: they follow from the world and the steps.
pub fn differences(then: &Plan, now: &Plan) -> Vec<Difference> {
    let both = Both::new(then, now);
    let mut found: Vec<_> = both.goal().into_iter().collect();
    for (id, was) in &both.old {
        let Some(is) = both.new.get(id) else {
            let step = StepTitle::of(was, &then.names);
            found.push(Difference::Gone { step });
            continue;
        };
        let mut fields = BTreeSet::new();
        if was.phase != is.phase {
            fields.insert(StepField::Phase);
        }
        if was.action != is.action {
            fields.insert(StepField::Action);
        }
        if was.inverse != is.inverse {
            fields.insert(StepField::Inverse);
        }
        found.extend(both.of_step(was, is, fields));
    }
    found.extend(both.added());
    found.extend(both.warnings());
    found.extend(holes::not_approved(then, now));
    found
}

/// In which way what is left, `now`, is not what was `approved`; empty if it is the same or less.
///
/// Every step must be an approved one with its id, phase, action and undo, where steps may be gone and machines may be fewer
/// ([`Action::is_part_of`](crate::Action::is_part_of)), in the same order. A warning about a machine of the plans that was not approved is a difference, and so is
/// a hole with addresses that were to be reached for some of its time. Steps that are gone are what was done since.
pub fn left_over(approved: &Plan, now: &Plan) -> Vec<Difference> {
    let both = Both::new(approved, now);
    let mut found: Vec<_> = both.goal().into_iter().collect();
    for (id, is) in &both.new {
        let Some(was) = both.old.get(id) else {
            continue;
        };
        let mut fields = BTreeSet::new();
        if was.phase != is.phase {
            fields.insert(StepField::Phase);
        }
        if !is.action.is_part_of(&was.action) {
            fields.insert(StepField::Action);
        }
        let same_undo = match (&is.inverse, &was.inverse) {
            (Some(is), Some(was)) => is.is_part_of(was),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !same_undo {
            fields.insert(StepField::Inverse);
        }
        found.extend(both.of_step(was, is, fields));
    }
    found.extend(both.added());
    found.extend(both.warnings());
    found.extend(holes::not_approved(approved, now));
    found
}

/// Two plans, step by step.
struct Both<'p> {
    then: &'p Plan,
    now: &'p Plan,
    old: BTreeMap<&'p StepId, &'p Step>,
    new: BTreeMap<&'p StepId, &'p Step>,
    /// All that must be done before each step, directly or not.
    old_order: BTreeMap<&'p StepId, BTreeSet<&'p StepId>>,
    new_order: BTreeMap<&'p StepId, BTreeSet<&'p StepId>>,
}

impl<'p> Both<'p> {
    fn new(then: &'p Plan, now: &'p Plan) -> Self {
        let by_id = |plan: &'p Plan| -> BTreeMap<_, _> {
            plan.steps.iter().map(|step| (&step.id, step)).collect()
        };
        Self {
            then,
            now,
            old: by_id(then),
            new: by_id(now),
            old_order: order(then),
            new_order: order(now),
        }
    }

    fn goal(&self) -> Option<Difference> {
        let (was, is) = (&self.then.goal, &self.now.goal);
        (was != is).then(|| Difference::Goal {
            was: was.clone(),
            is: is.clone(),
        })
    }

    /// How a step that both have differs.
    fn of_step(&self, was: &Step, is: &Step, fields: BTreeSet<StepField>) -> Option<Difference> {
        let title = StepTitle::of(is, &self.now.names);
        if !fields.is_empty() {
            return Some(Difference::Changed {
                was: StepTitle::of(was, &self.then.names),
                is: title,
                fields,
            });
        }
        let before = |order: &BTreeMap<&'p StepId, BTreeSet<&'p StepId>>| -> BTreeSet<&'p StepId> {
            let earlier = order.get(&is.id).into_iter().flatten().copied();
            earlier
                .filter(|step| self.old.contains_key(step) && self.new.contains_key(step))
                .collect()
        };
        (before(&self.old_order) != before(&self.new_order))
            .then_some(Difference::Reordered { step: title })
    }

    fn added(&self) -> impl Iterator<Item = Difference> {
        let added = self.now.steps.iter();
        let added = added.filter(|step| !self.old.contains_key(&step.id));
        added.map(|step| Difference::New {
            step: StepTitle::of(step, &self.now.names),
        })
    }

    /// Warnings about machines of the plans that the first one does not have.
    fn warnings(&self) -> impl Iterator<Item = Difference> {
        let steps = self.then.steps.iter().chain(&self.now.steps);
        let machines: BTreeSet<_> = steps.flat_map(|step| step.action.machines()).collect();
        let known: BTreeSet<_> = self.then.warnings.iter().collect();
        let new = self.now.warnings.iter().filter(move |warning| {
            let about = warning.machine.as_ref();
            about.is_some_and(|machine| machines.contains(machine)) && !known.contains(warning)
        });
        new.map(|warning| Difference::Warning {
            warning: warning.clone(),
        })
    }
}

/// All that must be done before each step of its phase, directly or not. Steps are listed after what they need.
fn order(plan: &Plan) -> BTreeMap<&StepId, BTreeSet<&StepId>> {
    let mut order: BTreeMap<&StepId, BTreeSet<&StepId>> = BTreeMap::new();
    for step in &plan.steps {
        let mut earlier = BTreeSet::new();
        for need in step.needs.iter() {
            earlier.insert(need);
            earlier.extend(order.get(need).into_iter().flatten());
        }
        order.insert(&step.id, earlier);
    }
    order
}
