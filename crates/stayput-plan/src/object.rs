//! Objects of a Prism Central, as messages name them.

use std::fmt::Display;

use stayput_estate::NetworkName;
use stayput_messages::Message;
use stayput_messages::list::commas;
use stayput_messages::list::text;

use crate::step::OverlayKind;

/// A Flow VPC, by its name.
pub(crate) fn flow_vpc(name: impl Display) -> Message {
    Message::new("object-flow-vpc").with("name", name)
}

/// An overlay subnet, by its network, whose name it has.
pub(crate) fn overlay_subnet(kind: OverlayKind, network: &NetworkName) -> Message {
    match kind {
        OverlayKind::Production => Message::new("object-overlay-subnet").with("network", network),
        OverlayKind::Test => Message::new("object-test-subnet").with("network", network),
    }
}

/// A protection policy, by its name.
pub(crate) fn policy(name: impl Display) -> Message {
    Message::new("object-policy").with("name", name)
}

/// A recovery plan, by its name.
pub(crate) fn recovery_plan(name: impl Display) -> Message {
    Message::new("object-recovery-plan").with("name", name)
}

/// What there is none of.
pub(crate) fn none() -> Message {
    Message::new("value-none")
}

/// These with commas, or that there is none.
pub(crate) fn listed(all: impl IntoIterator<Item = impl Display>) -> Message {
    match commas(all) {
        nothing if nothing.is_empty() => none(),
        some => text(some),
    }
}
