//! What the caller expects.

use std::collections::BTreeSet;

use stayput_estate::AttachmentId;
use stayput_estate::EniId;
use stayput_estate::InstanceId;
use stayput_estate::SubnetId;
use stayput_estate::TgwId;
use stayput_estate::TgwRouteTableId;
use stayput_estate::VpcId;

/// Ids that the caller expects in a region, from its configuration and its ledger. They are asked for by id when no list shows them; with
/// none, only what the lists name of each other is.
///
/// `vpcs` has a second use: an interface or instance that cannot be read is an error where it is in one of them or where its VPC is not
/// readable, and a note where it is certainly in another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownAwsObjects {
    /// Instances: those captured and not retired, and those that waves name.
    pub instances: BTreeSet<InstanceId>,
    /// Network interfaces of machines that are still in EC2. Those of machines that left are not expected: they are deleted with their
    /// instance.
    pub enis: BTreeSet<EniId>,
    /// The source VPC and the VPCs of sites.
    pub vpcs: BTreeSet<VpcId>,
    /// The networks' subnets.
    pub subnets: BTreeSet<SubnetId>,
    /// Transit Gateways of sites.
    pub tgws: BTreeSet<TgwId>,
    /// Transit Gateway attachments.
    pub attachments: BTreeSet<AttachmentId>,
    /// Transit Gateway route tables.
    pub tgw_route_tables: BTreeSet<TgwRouteTableId>,
}
