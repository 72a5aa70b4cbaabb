//! What `stayput check` finds in a world: machines and resources that a move loses something of, or that cannot be moved.
//!
//! Each finding has a rule with a stable id, so that an estate can accept it and programs can match it. What the routing would do to packets
//! is not looked at here: a plan proves that.

mod accept;
mod guests;
mod interfaces;
mod machines;
mod networks;
mod rules;

use std::collections::BTreeSet;

use serde::Serialize;
use stayput_estate::Date;
use stayput_estate::Estate;
use stayput_estate::NetworkName;
use stayput_estate::Rule;
use stayput_messages::Message;
use stayput_world::Facts;
use stayput_world::System;
use stayput_world::World;

pub use accept::accept;
pub use guests::check_guests;
pub use guests::machines_in_ec2;
pub(crate) use interfaces::interfaces;
pub(crate) use machines::of_instance;
pub use rules::Severity;
pub(crate) use rules::remedy;
pub(crate) use rules::stops_a_move;
pub(crate) use rules::why;

use crate::Obstacle;

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct CheckFinding {
    /// How bad it is.
    pub severity: Severity,
    /// The rule.
    pub rule: Rule,
    /// The object: an id where there is one, otherwise a name of the estate.
    pub object: String,
    /// What was found, in one sentence without a full stop.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What to do.
    pub remedy: String,
    /// Lines to run in the guest of the machine that do it; the remedy says when.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// By which acceptance of the estate it is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
}

/// Why and until when a finding is accepted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Accepted {
    /// The acceptance's name.
    pub name: String,
    /// Its reason.
    pub reason: String,
    /// The last day on which it counts.
    pub until: Date,
}

impl CheckFinding {
    /// A finding whose reason and remedy are those of its rule.
    pub fn new(rule: Rule, object: impl Into<String>, what: Message) -> Self {
        let object = object.into();
        let remedy = remedy(rule, &object).into();
        Self {
            severity: Severity::of(rule),
            rule,
            object,
            what: what.into(),
            why: why(rule).into(),
            remedy,
            commands: Vec::new(),
            accepted: None,
        }
    }

    /// Whether it stands in the way: an error that is not accepted.
    pub fn stands(&self) -> bool {
        self.severity == Severity::Error && self.accepted.is_none()
    }

    fn of_obstacle(object: String, obstacle: &Obstacle) -> Self {
        let rule = match obstacle {
            Obstacle::OtherCidr { .. } => Rule::OtherCidr,
            _ => Rule::PlanObstacle,
        };
        Self {
            remedy: obstacle.remedy(),
            ..Self::new(rule, object, obstacle.message())
        }
    }
}

/// What was found about machines and resources of these networks, worst first. Machines that have become VMs are not looked at: what EC2
/// shows of them is their past.
pub fn check(
    estate: &Estate,
    world: &World,
    facts: &Facts,
    names: &BTreeSet<NetworkName>,
) -> BTreeSet<CheckFinding> {
    let mut found = BTreeSet::new();
    for unobserved in &world.unobserved {
        let what = Message::new("check-not-observed").with("what", unobserved);
        let object = unobserved.system.to_string();
        found.insert(CheckFinding::new(Rule::NotObserved, object, what));
    }
    networks::of_sites(estate, world, names, &mut found);
    let of_source = &estate.source.region;
    let was_tried = world.unobserved(&System::Aws(of_source.clone())).is_some();
    if !world.aws.contains_key(of_source) && !was_tried {
        let what = Message::new("check-region-not-read").with("region", of_source);
        found.insert(CheckFinding::new(
            Rule::NotObserved,
            of_source.as_str(),
            what,
        ));
    }
    if let Some(region) = world.aws.get(of_source) {
        for odd in &region.unreadable {
            let what = Message::new("warning-not-looked-at")
                .with("kind", &odd.kind)
                .with("id", &odd.id)
                .with("region", of_source)
                .with("why", &odd.why);
            found.insert(CheckFinding::new(Rule::NotExamined, &odd.id, what));
        }
        let look = machines::Look::new(estate, world, region, facts, names);
        look.machines(&mut found);
        look.obstacles(&mut found);
        networks::of_networks(&look, &mut found);
    }
    found
}
