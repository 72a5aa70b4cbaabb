//! Parts that several obstacles and remedies share.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_messages::Message;
use stayput_messages::list::and;
use stayput_messages::list::commas;
use stayput_world::Silence;
use stayput_world::System;

/// So many machines, and their verb.
pub(super) fn are(machines: usize) -> Message {
    Message::new("machines-are").count("machines", machines)
}

/// What to do so that a system is observed.
pub(super) fn observe(system: &System, silence: Option<Silence>) -> Message {
    match (silence, system) {
        (None, _) => Message::new("remedy-observe"),
        (Some(Silence::Silent), System::Aws(region)) => {
            Message::new("remedy-observe-silent-aws").with("region", region)
        }
        (Some(Silence::Silent), System::PrismCentral(_) | System::Move(_)) => {
            Message::new("remedy-observe-silent")
        }
        (Some(Silence::Refused), System::Aws(_)) => Message::new("remedy-observe-refused-aws"),
        (Some(Silence::Refused), System::PrismCentral(_)) => {
            Message::new("remedy-observe-refused-prism")
        }
        (Some(Silence::Refused), System::Move(_)) => Message::new("remedy-observe-refused-move"),
        (Some(Silence::Faulty), _) => Message::new("remedy-observe-faulty").with("system", system),
    }
}

/// Which recovery points there are.
pub(super) fn recovery_points(points: &BTreeMap<SiteName, String>) -> Message {
    if points.is_empty() {
        return Message::new("recovery-points-none");
    }
    let points = points.iter().map(|(site, time)| {
        Message::new("recovery-point-at")
            .with("time", time)
            .with("site", site)
    });
    Message::new("recovery-points").with("points", commas(points))
}

/// What to do about a deleted VM.
pub(super) fn of_deleted(
    machine: &InstanceId,
    site: &SiteName,
    points: &BTreeMap<SiteName, String>,
    may_be_at: &BTreeSet<SiteName>,
) -> Message {
    if !may_be_at.is_empty() {
        return Message::new("remedy-vm-deleted-or-elsewhere").part("sites", and(may_be_at));
    }
    match points.keys().next() {
        Some(at) => Message::new("remedy-vm-deleted")
            .with("at", at)
            .with("machine", machine),
        None => Message::new("remedy-vm-deleted-without-point")
            .with("site", site)
            .with("machine", machine),
    }
}
