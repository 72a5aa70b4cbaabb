//! What is known not to be there, and what was seen but could not be read.
//!
//! That a list lacks something proves nothing: lists lag and pages are cut. Only AWS's own answer about an id does.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::AttachmentId;
use stayput_estate::EniId;
use stayput_estate::InstanceId;
use stayput_estate::SubnetId;
use stayput_estate::TgwId;
use stayput_estate::TgwRouteTableId;
use stayput_estate::VpcId;

/// Ids that AWS, asked for each by id, said it does not have, or lists in a state without return.
///
/// "Does not have" is for the account of the credentials: AWS gives the same answer for an object of another account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Absent {
    /// Instances.
    pub instances: BTreeMap<InstanceId, Gone>,
    /// Network interfaces.
    pub enis: BTreeSet<EniId>,
    /// VPCs.
    pub vpcs: BTreeSet<VpcId>,
    /// Subnets.
    pub subnets: BTreeSet<SubnetId>,
    /// Transit Gateways.
    pub tgws: BTreeSet<TgwId>,
    /// Transit Gateway attachments.
    pub attachments: BTreeSet<AttachmentId>,
    /// Transit Gateway route tables.
    pub tgw_route_tables: BTreeSet<TgwRouteTableId>,
}

impl Absent {
    /// Whether nothing is known to be absent.
    pub fn is_empty(&self) -> bool {
        let Self {
            instances,
            enis,
            vpcs,
            subnets,
            tgws,
            attachments,
            tgw_route_tables,
        } = self;
        instances.is_empty()
            && enis.is_empty()
            && vpcs.is_empty()
            && subnets.is_empty()
            && tgws.is_empty()
            && attachments.is_empty()
            && tgw_route_tables.is_empty()
    }
}

/// How it is known that an instance does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gone {
    /// EC2 still lists it, as terminated: it was deleted, within the last hours.
    Terminated,
    /// EC2 was asked for it by id and has none: it was terminated long ago, never existed, or belongs to another account or region.
    NotFound,
}

/// Something that was listed and cannot be held in this world's terms.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unreadable {
    /// Its kind, such as `subnet`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Why it is not among the others.
    pub why: String,
}
