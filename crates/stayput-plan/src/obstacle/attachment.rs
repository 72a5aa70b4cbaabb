//! What there is in place of a usable Transit Gateway attachment.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::AttachmentId;
use stayput_estate::Region;
use stayput_estate::TgwId;
use stayput_messages::Message;
use stayput_world::aws::AttachmentState;
use stayput_world::aws::TgwAttachment;

/// Why an attachment of a Transit Gateway cannot be used (AWS reference §1.1, §1.3).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "fault")]
pub enum AttachmentFault {
    /// It is associated with no route table, so what comes in by it is dropped.
    NotAssociated {
        /// The attachment.
        attachment: AttachmentId,
    },
    /// It waits to be accepted.
    PendingAcceptance {
        /// The attachment.
        attachment: AttachmentId,
    },
    /// It is in another state that forwards nothing.
    State {
        /// The attachment.
        attachment: AttachmentId,
        /// Its state as reported.
        state: String,
    },
    /// There is none.
    Absent,
}

impl AttachmentFault {
    /// The fault of the one that is nearest to being usable.
    pub(crate) fn of<'w>(
        found: impl Iterator<Item = (&'w AttachmentId, &'w TgwAttachment)>,
    ) -> Self {
        let faults = found.map(|(id, attachment)| {
            let attachment_id = id.clone();
            match &attachment.state {
                AttachmentState::Available | AttachmentState::Modifying => Self::NotAssociated {
                    attachment: attachment_id,
                },
                AttachmentState::PendingAcceptance => Self::PendingAcceptance {
                    attachment: attachment_id,
                },
                AttachmentState::Other(state) => Self::State {
                    attachment: attachment_id,
                    state: state.clone(),
                },
            }
        });
        faults.min().unwrap_or(Self::Absent)
    }

    /// What there is, as a message of the catalogue.
    pub(super) fn message(&self) -> Message {
        match self {
            Self::NotAssociated { attachment } => {
                Message::new("attachment-not-associated").with("attachment", attachment)
            }
            Self::PendingAcceptance { attachment } => {
                Message::new("attachment-pending-acceptance").with("attachment", attachment)
            }
            Self::State { attachment, state } => Message::new("attachment-state")
                .with("attachment", attachment)
                .with("state", state),
            Self::Absent => Message::new("attachment-absent"),
        }
    }

    /// What a person can do about an attachment of a VPC.
    pub(super) fn remedy_of_vpc(&self, region: &Region, tgw: &TgwId) -> Message {
        match self {
            Self::NotAssociated { attachment } => associate(attachment, region),
            Self::PendingAcceptance { attachment } => Message::new("remedy-accept-attachment")
                .with("tgw", tgw)
                .with("attachment", attachment)
                .with("region", region),
            Self::State { .. } | Self::Absent => Message::new("remedy-attach")
                .with("tgw", tgw)
                .with("region", region),
        }
    }

    /// What a person can do about a peering of a Transit Gateway.
    pub(super) fn remedy_of_peering(&self, region: &Region, from: &TgwId, to: &TgwId) -> Message {
        match self {
            Self::NotAssociated { attachment } => associate(attachment, region),
            Self::PendingAcceptance { attachment } => {
                Message::new("remedy-accept-peering").with("attachment", attachment)
            }
            Self::State { .. } | Self::Absent => Message::new("remedy-peer")
                .with("from", from)
                .with("to", to)
                .with("region", region),
        }
    }
}

impl fmt::Display for AttachmentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

impl std::error::Error for AttachmentFault {}

fn associate(attachment: &AttachmentId, region: &Region) -> Message {
    Message::new("remedy-associate")
        .with("attachment", attachment)
        .with("region", region)
}
