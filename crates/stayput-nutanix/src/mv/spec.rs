//! What calls to Move take.

use std::collections::BTreeMap;

use stayput_estate::ClusterExtId;
use stayput_estate::InstanceId;
use stayput_estate::MoveProviderId;
use stayput_estate::MoveVmId;
use stayput_estate::Region;
use stayput_estate::SubnetExtId;

use crate::credentials::Credentials;
use crate::credentials::Secret;

/// The most VMs one migration plan takes (Move reference §6 Limits). Not checked here; Move refuses more.
pub const MAX_VMS_PER_PLAN: usize = 50;

/// A migration plan to make: EC2 to AHV, into one subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovePlanSpec {
    /// Its name; how it is found again after a lost answer, so make it unique.
    pub name: String,
    /// The AWS provider.
    pub source: MoveProviderId,
    /// The AWS region.
    pub region: Region,
    /// The AOS provider.
    pub target: MoveProviderId,
    /// The cluster, from that provider's inventory.
    pub cluster: ClusterExtId,
    /// The storage container's id, from that cluster's inventory.
    pub container: String,
    /// The source network as the workloads report it; for AWS the VPC, not the subnet (Move reference §6).
    pub source_network: String,
    /// The AHV subnet the VMs arrive in; needs DHCP.
    pub target_subnet: SubnetExtId,
    /// The workloads with the EC2 instances they are; at most [`MAX_VMS_PER_PLAN`].
    pub vms: BTreeMap<MoveVmId, InstanceId>,
}

/// What is needed to prepare the machines of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrepareSpec {
    /// The AWS region.
    pub region: Region,
    /// How Move gets into the guests.
    pub credentials: GuestCredentials,
    /// The workloads of the plan.
    pub vms: Vec<MoveVmId>,
}

/// How Move gets into guests; what is not given is sent empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GuestCredentials {
    /// User of Linux guests.
    pub linux: Option<Credentials>,
    /// User of Windows guests.
    pub windows: Option<Credentials>,
    /// Private key of the EC2 key pair, as PEM text.
    pub pem: Option<Secret>,
}

impl GuestCredentials {
    /// Everything in it that must not be seen.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let passwords = [&self.linux, &self.windows].into_iter().flatten();
        passwords
            .map(|credentials| credentials.password.clone())
            .chain(self.pem.clone())
            .collect()
    }
}
