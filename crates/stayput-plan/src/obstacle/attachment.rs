//! What there is in place of a usable Transit Gateway attachment.

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::AttachmentId;
use stayput_estate::Region;
use stayput_estate::TgwId;
use stayput_world::aws::AttachmentState;
use stayput_world::aws::TgwAttachment;

/// Why an attachment of a Transit Gateway cannot be used (AWS reference §1.1, §1.3).
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error,
)]
#[serde(rename_all = "kebab-case", tag = "fault")]
pub enum AttachmentFault {
    /// It is associated with no route table, so what comes in by it is dropped.
    #[error("{attachment} is associated with no route table")]
    NotAssociated {
        /// The attachment.
        attachment: AttachmentId,
    },
    /// It waits to be accepted.
    #[error("{attachment} is pendingAcceptance")]
    PendingAcceptance {
        /// The attachment.
        attachment: AttachmentId,
    },
    /// It is in another state that forwards nothing.
    #[error("{attachment} is {state}")]
    State {
        /// The attachment.
        attachment: AttachmentId,
        /// Its state as reported.
        state: String,
    },
    /// There is none.
    #[error("there is none")]
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

    /// What a person can do about an attachment of a VPC.
    pub(super) fn remedy_of_vpc(&self, region: &Region, tgw: &TgwId) -> String {
        match self {
            Self::NotAssociated { attachment } => associate(attachment, region),
            Self::PendingAcceptance { attachment } => format!(
                "have the owner of {tgw} accept the attachment: aws ec2 accept-transit-gateway-vpc-attachment --transit-gateway-attachment-id {attachment} --region {region}"
            ),
            Self::State { .. } | Self::Absent => format!(
                "attach the VPC to {tgw} and associate the attachment with a route table (VPC console, Transit gateway attachments, {region})"
            ),
        }
    }

    /// What a person can do about a peering of a Transit Gateway.
    pub(super) fn remedy_of_peering(&self, region: &Region, from: &TgwId, to: &TgwId) -> String {
        match self {
            Self::NotAssociated { attachment } => associate(attachment, region),
            Self::PendingAcceptance { attachment } => format!(
                "accept the peering from the side that did not request it: aws ec2 accept-transit-gateway-peering-attachment --transit-gateway-attachment-id {attachment} --region REGION"
            ),
            Self::State { .. } | Self::Absent => format!(
                "peer {from} with {to}, accept the peering on the other side, and associate it with a route table on both (VPC console, Transit gateway attachments, {region})"
            ),
        }
    }
}

fn associate(attachment: &AttachmentId, region: &Region) -> String {
    format!(
        "associate it with a route table: aws ec2 associate-transit-gateway-route-table --transit-gateway-attachment-id {attachment} --transit-gateway-route-table-id TABLE --region {region}"
    )
}
