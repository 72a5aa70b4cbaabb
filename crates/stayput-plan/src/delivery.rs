//! What happens to packets and their replies, with the places.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::SiteName;
use stayput_fabric::CellState;
use stayput_fabric::Place;
use stayput_fabric::Reachability;
use stayput_fabric::Shift;
use stayput_fabric::Verdict;
use stayput_fabric::Visibility;
use stayput_messages::Message;
use stayput_messages::list::and;

use crate::StepId;
use crate::outcome::Outcome;

/// What happens to packets of a source to some addresses, and to the replies.
///
/// `Display` is a sentence with all that is known; [`Delivery::brief`] is for lists of many.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// No machine is at the source to send.
    NoSender,
    /// Requests arrive here, and replies come back as far as that is modelled.
    Delivered {
        /// Where.
        at: Place,
    },
    /// Requests arrive here, replies do not come back.
    ReplyLost {
        /// Where.
        at: Place,
        /// How a reply ends.
        reply: Verdict,
    },
    /// Requests do not arrive.
    NotDelivered(Verdict),
}

impl Delivery {
    /// Of a source and a class, by their positions.
    pub(crate) fn of(matrix: &Reachability, source: usize, class: usize) -> Self {
        Self::new(
            matrix.cell_state(source, class),
            matrix.verdict(source, class),
            || matrix.reply_verdict(source, class),
        )
    }

    /// What it was before a change.
    pub(crate) fn before(shift: &Shift) -> Self {
        Self::new(shift.before, shift.was.clone(), || shift.reply_was.clone())
    }

    fn new(
        cell_state: CellState,
        verdict: Verdict,
        reply: impl FnOnce() -> Option<Verdict>,
    ) -> Self {
        let outcome = Outcome::of(cell_state);
        if outcome == Outcome::NoSender {
            return Self::NoSender;
        }
        let Verdict::Delivered { place: at, .. } = verdict else {
            return Self::NotDelivered(verdict);
        };
        let reply = if outcome == Outcome::Works {
            None
        } else {
            reply()
        };
        match reply {
            Some(reply) => Self::ReplyLost { at, reply },
            None => Self::Delivered { at },
        }
    }

    /// The site at which requests arrive and are answered.
    pub fn site(&self) -> Option<&SiteName> {
        match self {
            Self::Delivered { at } => at.site(),
            Self::NoSender | Self::ReplyLost { .. } | Self::NotDelivered(_) => None,
        }
    }

    /// Whether a route sends requests or replies to a site where their machine is not.
    pub fn is_to_wrong_site(&self) -> bool {
        let by_a_route = |verdict: &Verdict| {
            matches!(
                verdict,
                Verdict::WrongSite {
                    steerable: true,
                    ..
                }
            )
        };
        match self {
            Self::NoSender | Self::Delivered { .. } => false,
            Self::ReplyLost { reply, .. } => by_a_route(reply),
            Self::NotDelivered(verdict) => by_a_route(verdict),
        }
    }

    /// As a clause about packets in a hole. When machines have moved and routes have not yet, packets still go where the machine was:
    /// no route has led them wrong.
    pub(crate) fn in_a_hole(&self) -> Message {
        match self {
            Self::NotDelivered(Verdict::WrongSite {
                sent_to,
                machine_at,
                steerable,
            }) => Message::new("hole-wrong-site")
                .with("led", led(*steerable))
                .with("sent_to", sent_to)
                .with("machine_at", machine_at),
            Self::NoSender
            | Self::Delivered { .. }
            | Self::ReplyLost { .. }
            | Self::NotDelivered(_) => self.message(),
        }
    }

    /// With all that is known, as a message of the catalogue.
    pub fn message(&self) -> Message {
        match self {
            Self::NoSender => Message::new("delivery-no-sender"),
            Self::Delivered { at } => Message::new("delivery-delivered").with("place", at),
            Self::ReplyLost { at, reply } => Message::new("delivery-reply-lost")
                .with("place", at)
                .with("reply", reply),
            Self::NotDelivered(verdict) => {
                Message::new("delivery-not-delivered").with("verdict", verdict)
            }
        }
    }

    /// In a few words, for lists of many.
    pub fn brief(&self) -> Message {
        let verdict = match self {
            Self::NoSender => return Message::new("delivery-no-sender"),
            Self::Delivered { at } => return Message::new("brief-delivered").with("place", at),
            Self::ReplyLost { at, .. } => {
                return Message::new("brief-reply-lost").with("place", at);
            }
            Self::NotDelivered(verdict) => verdict,
        };
        match verdict {
            Verdict::NoMachine { place } => Message::new("brief-no-machine").with("place", place),
            Verdict::WrongSite {
                sent_to,
                machine_at,
                steerable,
            } => Message::new("brief-wrong-site")
                .with("led", led(*steerable))
                .with("sent_to", sent_to)
                .with("machine_at", machine_at),
            Verdict::LeavesByNat { gateway, .. } => {
                Message::new("brief-leaves-by-nat").with("gateway", gateway)
            }
            Verdict::Loop { .. } => Message::new("brief-loop"),
            Verdict::Unmodelled { .. } => Message::new("brief-not-modelled"),
            Verdict::Delivered { .. }
            | Verdict::NoRoute { .. }
            | Verdict::Blackhole { .. }
            | Verdict::DeadEni { .. }
            | Verdict::RegionDown { .. } => self.message(),
        }
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

/// The key of how packets come to a wrong site: by a route, or because the address is local to the sender's VPC or segment, which no
/// route changes (AWS reference §3 item 2, §4).
fn led(steerable: bool) -> &'static str {
    if steerable { "by-route" } else { "local" }
}

/// A time in a plan at which packets are harmed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// When the step is done.
    After(StepId),
    /// While the step's change is visible in some places and not yet in others.
    During(StepId),
}

impl Moment {
    /// The time, as a message of the catalogue.
    pub fn message(&self) -> Message {
        match self {
            Self::After(step) => Message::new("moment-after").with("step", step),
            Self::During(step) => Message::new("moment-during").with("step", step),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

/// What a step must not do to packets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Harm {
    /// This happens to them when the step is done.
    Settled(Delivery),
    /// This happens to them while the step's change is visible in part.
    InFlight {
        /// How they end.
        verdict: Verdict,
        /// What is visible already and what is not.
        visibility: Visibility,
    },
    /// Machines at several sites answer for the address.
    ServedTwice {
        /// The sites.
        sites: BTreeSet<SiteName>,
    },
}

impl Harm {
    /// What happens, as a message of the catalogue.
    pub fn message(&self) -> Message {
        match self {
            Self::Settled(delivery) => delivery.message(),
            Self::InFlight {
                verdict,
                visibility,
            } => Message::new("harm-in-flight")
                .with("verdict", verdict)
                .with("visibility", visibility),
            Self::ServedTwice { sites } => {
                Message::new("harm-served-twice").part("sites", and(sites))
            }
        }
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use stayput_fabric::End;

    use super::*;

    const LOOPING: CellState = CellState {
        there: End::Loop,
        back: None,
        symmetric: false,
        populated: true,
    };

    #[test]
    fn a_source_without_machines_sends_nothing_whatever_the_routes() {
        let verdict = || Verdict::Loop { cycle: Vec::new() };
        let looping = Delivery::new(LOOPING, verdict(), || None);
        assert_eq!(looping, Delivery::NotDelivered(verdict()));
        let gone = CellState {
            populated: false,
            ..LOOPING
        };
        assert_eq!(Delivery::new(gone, verdict(), || None), Delivery::NoSender);
    }

    #[test]
    fn a_lost_reply_is_not_called_delivered() {
        let at = Place::OnPrem;
        let arrives = Verdict::Delivered {
            place: at.clone(),
            holder: stayput_fabric::Holder::OnPrem,
        };
        let looping = CellState {
            there: End::Delivered,
            back: Some(End::Loop),
            ..LOOPING
        };
        let reply = Verdict::Loop { cycle: Vec::new() };
        let found = Delivery::new(looping, arrives, || Some(reply.clone()));
        assert_eq!(found.brief().to_string(), "on-prem, replies lost");
        assert_eq!(found, Delivery::ReplyLost { at, reply });
        assert_eq!(found.site(), None);
    }

    #[test]
    fn json_has_a_stable_form_that_reads_back() {
        let wrong = Delivery::NotDelivered(Verdict::WrongSite {
            sent_to: Place::Site("tokyo".into()),
            machine_at: "osaka".into(),
            steerable: true,
        });
        let json = serde_json::json!({ "not-delivered": { "wrong-site": {
            "sent_to": { "site": "tokyo" }, "machine_at": "osaka", "steerable": true,
        } } });
        assert_eq!(serde_json::to_value(&wrong).unwrap(), json);
        assert_eq!(serde_json::from_value::<Delivery>(json).unwrap(), wrong);
    }
}
