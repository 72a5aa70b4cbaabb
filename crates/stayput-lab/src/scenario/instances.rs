//! Instances of a scenario: those that do not move, those that move, and generated machines.

use std::collections::BTreeMap;

use stayput_estate::Cidr;
use stayput_messages::Message;
use stayput_world::aws::Traits;

use super::BulkNetwork;
use super::Fault;
use super::build::Build;
use super::build::SubnetRef;
use super::format;
use super::format::Platform;
use super::format::State;
use super::ids;
use crate::aws::model::Eni;
use crate::aws::model::Instance;
use crate::aws::model::InstanceState;
use crate::aws::model::SsmAgent;
use crate::aws::model::Tags;
use crate::aws::model::architecture_of;
use crate::aws::ssm;
use crate::aws::ssm::guest::GuestKind;

/// First address of generated machines in their network; lower ones are free for listed machines.
const FIRST_BULK_ADDRESS: u32 = 10;
/// One in so many generated machines runs Windows.
const BULK_WINDOWS_EVERY: usize = 10;
const GIB: u64 = 1 << 30;

/// Returns how many generated machines fit into a network.
pub(super) fn room(cidr: Cidr) -> u64 {
    cidr.size()
        .saturating_sub(u64::from(FIRST_BULK_ADDRESS) + 1)
}

/// Creates the instances that do not move and the first `machines` of those that move.
pub(super) fn make(
    build: &mut Build<'_>,
    machines: usize,
    bulk: &[BulkNetwork],
) -> Result<(), Fault> {
    let file = build.file;
    let mut keys = BTreeMap::new();
    for instance in file
        .instances
        .iter()
        .chain(file.machines.iter().take(machines))
    {
        if keys.insert(instance.key.get_ref(), ()).is_some() {
            let message =
                Message::new("scenario-instance-key-twice").with("key", instance.key.get_ref());
            return Err(Fault::at(instance.key.span(), message));
        }
        listed(build, instance)?;
    }
    on_demand(build, file.machines.len(), bulk)
}

fn listed(build: &mut Build<'_>, described: &format::Instance) -> Result<(), Fault> {
    let key = described.key.get_ref();
    let mut place: Option<SubnetRef> = None;
    let mut enis = BTreeMap::new();
    for (device, nic) in (0..).zip(&described.nics) {
        let subnet = build.subnet(&nic.subnet)?;
        if let Some(first) = &place
            && first.vpc != subnet.vpc
        {
            let message = Message::new("scenario-instance-in-two-vpcs").with("vpc", &first.vpc);
            return Err(Fault::at(nic.subnet.span(), message));
        }
        let primary = build.take(&subnet.id, subnet.cidr, &nic.address)?;
        let mut secondary = Vec::new();
        for address in &nic.secondary {
            secondary.push(build.take(&subnet.id, subnet.cidr, address)?);
        }
        let name = format!("{key}/{device}");
        let eni = Eni {
            vpc: ids::vpc(&subnet.vpc),
            subnet: subnet.id.clone(),
            mac: ids::mac(&name),
            kind: "interface".to_owned(),
            description: nic.description.clone(),
            requester_managed: false,
            instance: Some((ids::instance(key), device)),
            source_dest_check: nic.source_dest_check,
            primary,
            secondary,
            tags: Tags::new(),
        };
        build
            .region(&subnet.region)?
            .enis
            .insert(ids::eni(&name), eni);
        enis.insert(device, ids::eni(&name));
        place.get_or_insert(subnet);
    }
    let Some(place) = place else {
        let message = Message::new("scenario-instance-without-interface").with("key", key);
        return Err(Fault::at(described.key.span(), message));
    };
    let mut tags = described.tags.clone();
    if let Some(name) = &described.name {
        tags.insert("Name".to_owned(), name.clone());
    }
    let instance = Instance {
        state: match described.state {
            State::Running => InstanceState::Running,
            State::Stopped => InstanceState::Stopped,
        },
        instance_type: described.instance_type.clone(),
        architecture: architecture_of(&described.instance_type).to_owned(),
        platform_details: platform_details(described.platform),
        image: image(described.platform),
        launched: build.next_made(),
        enis,
        ssm_agent: described.ssm.0,
        guest: guest(described)?,
        metadata_token_required: described.metadata_token_required,
        disk_bytes: described.disk_gib.saturating_mul(GIB),
        traits: traits(described),
        tags,
    };
    let id = ids::instance(key);
    build.region(&place.region)?.instances.insert(id, instance);
    Ok(())
}

/// Returns the configuration of the guest, which must be one of its operating system.
fn guest(described: &format::Instance) -> Result<Option<GuestKind>, Fault> {
    let platform = ssm::Platform::of(&platform_details(described.platform));
    match &described.guest {
        Some(guest) if guest.get_ref().platform() != platform => {
            let message =
                Message::new("scenario-guest-of-other-system").with("key", described.key.get_ref());
            Err(Fault::at(guest.span(), message))
        }
        guest => Ok(guest.as_ref().map(|guest| *guest.get_ref())),
    }
}

fn traits(described: &format::Instance) -> Traits {
    Traits {
        root_device_type: described.root_device_type.clone(),
        lifecycle: described.spot.then(|| "spot".to_owned()),
        instance_profile: described.instance_profile.clone(),
        boot_mode: described.boot_mode.clone(),
        product_codes: described.product_codes.clone(),
    }
}

fn on_demand(build: &mut Build<'_>, listed: usize, networks: &[BulkNetwork]) -> Result<(), Fault> {
    let Some(bulk) = &build.file.bulk else {
        return Ok(());
    };
    let vpc = bulk.vpc.get_ref();
    let region = super::build::find(&build.file.vpcs, &bulk.vpc, Message::new("lab-kind-vpc"))?
        .region
        .get_ref()
        .clone();
    let mut number = listed;
    for network in networks {
        for offset in (FIRST_BULK_ADDRESS..).take(network.machines) {
            number += 1;
            let name = format!("vm-{number:05}");
            let platform = if number.is_multiple_of(BULK_WINDOWS_EVERY) {
                Platform::Windows
            } else {
                Platform::Linux
            };
            Simple {
                region: &region,
                vpc,
                subnet: &network.name,
                cidr: network.cidr,
                offset,
                key: &name,
                platform,
                disk_gib: bulk.disk_gib,
                ssm: SsmAgent::Online,
                guest: None,
                tags: Tags::from([
                    ("Name".to_owned(), name.clone()),
                    ("Wave".to_owned(), network.name.clone()),
                ]),
            }
            .make(build)?;
        }
    }
    Ok(())
}

/// A generated instance with one interface.
pub(super) struct Simple<'s> {
    pub(super) region: &'s str,
    pub(super) vpc: &'s str,
    pub(super) subnet: &'s str,
    pub(super) cidr: Cidr,
    pub(super) offset: u32,
    pub(super) key: &'s str,
    pub(super) platform: Platform,
    pub(super) disk_gib: u64,
    pub(super) ssm: SsmAgent,
    pub(super) guest: Option<GuestKind>,
    pub(super) tags: Tags,
}

impl Simple<'_> {
    /// Adds the instance to its region.
    pub(super) fn make(self, build: &mut Build<'_>) -> Result<(), Fault> {
        let subnet = ids::subnet(&format!("{}/{}", self.vpc, self.subnet));
        let primary = build.take_nth(&subnet, self.cidr, self.offset)?;
        let launched = build.next_made();
        let name = format!("{}/0", self.key);
        let id = ids::instance(self.key);
        let eni = Eni {
            vpc: ids::vpc(self.vpc),
            subnet,
            mac: ids::mac(&name),
            kind: "interface".to_owned(),
            description: String::new(),
            requester_managed: false,
            instance: Some((id.clone(), 0)),
            source_dest_check: true,
            primary,
            secondary: Vec::new(),
            tags: Tags::new(),
        };
        let instance = Instance {
            state: InstanceState::Running,
            instance_type: "m5.large".to_owned(),
            architecture: "x86_64".to_owned(),
            platform_details: platform_details(self.platform),
            image: image(self.platform),
            launched,
            enis: BTreeMap::from([(0, ids::eni(&name))]),
            ssm_agent: self.ssm,
            guest: self.guest,
            metadata_token_required: false,
            disk_bytes: self.disk_gib.saturating_mul(GIB),
            traits: Traits::default(),
            tags: self.tags,
        };
        let region = build.region(self.region)?;
        region.enis.insert(ids::eni(&name), eni);
        region.instances.insert(id, instance);
        Ok(())
    }
}

fn platform_details(platform: Platform) -> String {
    match platform {
        Platform::Linux => "Linux/UNIX",
        Platform::Windows => "Windows",
    }
    .to_owned()
}

fn image(platform: Platform) -> String {
    ids::image(match platform {
        Platform::Linux => "linux",
        Platform::Windows => "windows",
    })
}
