//! Builds a lab from a scenario: the order of the parts, and what they share.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use stayput_estate::Cidr;
use stayput_messages::Message;
use stayput_messages::list::commas;
use toml::Spanned;

use super::Built;
use super::BulkNetwork;
use super::Fault;
use super::appliance;
use super::crowd;
use super::format::Bulk;
use super::format::File;
use super::format::Text;
use super::ids;
use super::instances;
use super::prism;
use super::transit;
use super::vpc;
use crate::aws::model::RegionState;
use crate::aws::model::Tags;
use crate::clock::Clock;
use crate::clock::VTime;
use crate::faults::Policy;
use crate::faults::Rule;
use crate::state::LabState;
use crate::state::Timing;

/// Age of everything in a scenario when the lab starts: instances, attachments and VMs were created before.
const AGE: Duration = Duration::from_secs(30 * 24 * 3600);

/// State that the parts of the build share.
pub(super) struct Build<'a> {
    /// The scenario.
    pub(super) file: &'a File,
    /// The lab so far.
    pub(super) lab: LabState,
    /// Addresses in use, by subnet id.
    taken: BTreeMap<String, BTreeSet<Ipv4Addr>>,
    /// Transit Gateway attachments by name: the Transit Gateways they are on.
    pub(super) attachments: BTreeMap<String, Vec<String>>,
    /// Creation time of the next object.
    made: VTime,
}

/// A VPC subnet that the file refers to.
#[derive(Debug, Clone)]
pub(super) struct SubnetRef {
    pub(super) region: String,
    pub(super) vpc: String,
    pub(super) id: String,
    pub(super) cidr: Cidr,
}

/// Returns how many machines the scenario can have.
pub(super) fn most_machines(file: &File) -> usize {
    let bulk = file.bulk.as_ref().map_or(0, |bulk| {
        u64::from(bulk.networks) * u64::from(*bulk.machines_per_network.get_ref())
    });
    file.machines.len() + usize::try_from(bulk).unwrap_or(usize::MAX)
}

/// Builds the lab with the first `machines` machines.
pub(super) fn build(file: &File, clock: Clock, machines: usize) -> Result<Built, Fault> {
    let start = clock.now();
    let mut build = Build {
        file,
        lab: LabState::new(clock, timing(file)?),
        taken: BTreeMap::new(),
        attachments: BTreeMap::new(),
        made: VTime(
            start
                .0
                .saturating_sub(u64::try_from(AGE.as_millis()).unwrap_or(0)),
        ),
    };
    let bulk = match &file.bulk {
        Some(bulk) => bulk_networks(bulk, machines.saturating_sub(file.machines.len()))?,
        None => Vec::new(),
    };
    account(&mut build);
    vpc::make(&mut build, &bulk)?;
    instances::make(&mut build, machines, &bulk)?;
    vpc::route(&mut build)?;
    transit::make(&mut build)?;
    crowd::make(&mut build)?;
    prism::make(&mut build)?;
    appliance::make(&mut build)?;
    policy(&mut build)?;
    let faults = faults(&build)?;
    Ok(Built {
        faults,
        lab: build.lab,
        machines,
        bulk,
    })
}

fn account(build: &mut Build<'_>) {
    let aws = &mut build.lab.aws;
    if let Some(account) = &build.file.account {
        aws.account = account.id.clone();
        aws.keys
            .insert(account.access_key.clone(), account.secret_key.clone());
        aws.page_cap = account.page_cap;
    }
    if let Some(on_prem) = &build.file.on_prem {
        aws.on_prem = on_prem.prefixes.clone();
    }
    for region in &build.file.regions {
        aws.regions.insert(region.clone(), RegionState::default());
    }
}

/// Services that a policy can have actions of.
const POLICY_SERVICES: [&str; 6] = ["ec2", "ssm", "dynamodb", "sts", "directconnect", "prism"];

fn policy(build: &mut Build<'_>) -> Result<(), Fault> {
    let Some(given) = &build.file.policy else {
        return Ok(());
    };
    let checked = |patterns: &[Text]| -> Result<Vec<String>, Fault> {
        patterns
            .iter()
            .map(|pattern| {
                let text = pattern.get_ref();
                let service = text.split(':').next().unwrap_or_default();
                let is_known = text == "*"
                    || (text.contains(':')
                        && (service.contains('*') || POLICY_SERVICES.contains(&service)));
                if is_known {
                    return Ok(text.clone());
                }
                Err(Fault::at(
                    pattern.span(),
                    Message::new("scenario-bad-action")
                        .with("text", text)
                        .with("services", commas(POLICY_SERVICES)),
                ))
            })
            .collect()
    };
    build.lab.policy = Policy {
        allow: checked(&given.allow)?,
        deny: checked(&given.deny)?,
    };
    Ok(())
}

fn faults(build: &Build<'_>) -> Result<Vec<Rule>, Fault> {
    let rules = build.file.faults.iter();
    rules
        .map(|rule| {
            let checked = rule.get_ref().check(&build.lab);
            checked.map_err(|wrong| Fault::at(rule.span(), wrong.to_string()))?;
            Ok(rule.get_ref().clone())
        })
        .collect()
}

fn timing(file: &File) -> Result<Timing, Fault> {
    let usual = Timing::default();
    let given = &file.timing;
    let or = |given: &Option<Spanned<jiff::SignedDuration>>, usual: Duration| match given {
        None => Ok(usual),
        Some(duration) => Duration::try_from(*duration.get_ref())
            .map_err(|_| Fault::at(duration.span(), Message::new("scenario-negative-duration"))),
    };
    Ok(Timing {
        prism_task: or(&given.prism_task, usual.prism_task)?,
        tgw_route: or(&given.tgw_route, usual.tgw_route)?,
        nc2_route: or(&given.nc2_route, usual.nc2_route)?,
        instance: or(&given.instance, usual.instance)?,
        move_prepare: or(&given.move_prepare, usual.move_prepare)?,
        move_bytes_per_second: given
            .move_bytes_per_second
            .unwrap_or(usual.move_bytes_per_second)
            .max(1),
        move_cutover: or(&given.move_cutover, usual.move_cutover)?,
        recovery_stage: or(&given.recovery_stage, usual.recovery_stage)?,
        dx_update: or(&given.dx_update, usual.dx_update)?,
        ssm_command: or(&given.ssm_command, usual.ssm_command)?,
    })
}

/// Spreads generated machines over networks. It fills one network after the other, so that a machine's address does not depend on
/// the number of machines.
fn bulk_networks(bulk: &Bulk, machines: usize) -> Result<Vec<BulkNetwork>, Fault> {
    let each = *bulk.machines_per_network.get_ref();
    let room = instances::room(*bulk.first.get_ref());
    if each == 0 || u64::from(each) > room {
        let message = Message::new("scenario-network-too-small")
            .with("cidr", bulk.first.get_ref())
            .with("room", room);
        return Err(Fault::at(bulk.machines_per_network.span(), message));
    }
    let each = usize::try_from(each).unwrap_or(usize::MAX);
    let mut left = machines;
    let mut networks = Vec::new();
    while left > 0 {
        let number = networks.len();
        let here = left.min(each);
        networks.push(BulkNetwork {
            name: format!("bulk-{}", number + 1),
            cidr: nth_sibling(&bulk.first, number)?,
            machines: here,
        });
        left -= here;
    }
    Ok(networks)
}

/// Returns the prefix `number` positions after `first`, of the same length.
pub(super) fn nth_sibling(first: &Spanned<Cidr>, number: usize) -> Result<Cidr, Fault> {
    let cidr = *first.get_ref();
    let beyond = || {
        Fault::at(
            first.span(),
            Message::new("scenario-too-few-prefixes").with("prefixes", number + 1),
        )
    };
    let step = u64::try_from(number).map_err(|_| beyond())? * cidr.size();
    let network = u64::from(u32::from(cidr.network())) + step;
    let network = u32::try_from(network).map_err(|_| beyond())?;
    Ok(Cidr::containing(network.into(), cidr.len()))
}

impl Build<'_> {
    /// Returns a time before the lab's start, a second later than the previous one.
    pub(super) fn next_made(&mut self) -> VTime {
        self.made = self.made.after(Duration::from_secs(1));
        self.made
    }

    /// Returns the state of a region.
    pub(super) fn region(&mut self, name: &str) -> Result<&mut RegionState, Fault> {
        self.lab
            .aws
            .regions
            .get_mut(name)
            .ok_or_else(|| Fault::new(Message::new("scenario-no-region").with("name", name)))
    }

    /// Checks that a region in the file is one of the scenario's regions.
    pub(super) fn known_region(&self, region: &Text) -> Result<String, Fault> {
        let regions = &self.lab.aws.regions;
        find(regions, region, Message::new("lab-kind-region")).map(|_| region.get_ref().clone())
    }

    /// Resolves `VPC/SUBNET`.
    pub(super) fn subnet(&self, path: &Text) -> Result<SubnetRef, Fault> {
        let (vpc_name, subnet_name) = path
            .get_ref()
            .split_once('/')
            .ok_or_else(|| Fault::at(path.span(), Message::new("scenario-bad-subnet")))?;
        let vpc = find_str(
            &self.file.vpcs,
            vpc_name,
            path,
            Message::new("lab-kind-vpc"),
        )?;
        let cidr = find_str(
            &vpc.subnets,
            subnet_name,
            path,
            Message::new("lab-kind-subnet-of-vpc"),
        )?;
        Ok(SubnetRef {
            region: vpc.region.get_ref().clone(),
            vpc: vpc_name.to_owned(),
            id: ids::subnet(path.get_ref()),
            cidr: *cidr.get_ref(),
        })
    }

    /// Takes an address of a subnet. It must be free and not one of the five that AWS reserves (AWS reference §5).
    pub(super) fn take(
        &mut self,
        subnet: &str,
        cidr: Cidr,
        address: &Spanned<Ipv4Addr>,
    ) -> Result<Ipv4Addr, Fault> {
        let wanted = *address.get_ref();
        if !cidr.contains(wanted) {
            let message = Message::new("scenario-address-outside")
                .with("address", wanted)
                .with("cidr", cidr);
            return Err(Fault::at(address.span(), message));
        }
        let kept = wanted == cidr.broadcast() || (0..4).any(|n| cidr.nth(n) == Some(wanted));
        if kept {
            let message = Message::new("scenario-address-reserved")
                .with("address", wanted)
                .with("cidr", cidr);
            return Err(Fault::at(address.span(), message));
        }
        if self
            .taken
            .entry(subnet.to_owned())
            .or_default()
            .insert(wanted)
        {
            Ok(wanted)
        } else {
            let message = Message::new("scenario-address-twice").with("address", wanted);
            Err(Fault::at(address.span(), message))
        }
    }

    /// Takes the highest free address of a subnet, for an object without an address in the file.
    pub(super) fn take_highest(&mut self, subnet: &str, cidr: Cidr) -> Result<Ipv4Addr, Fault> {
        let taken = self.taken.entry(subnet.to_owned()).or_default();
        let count = u32::try_from(cidr.size()).unwrap_or(u32::MAX);
        let free = (4..count.saturating_sub(1))
            .rev()
            .filter_map(|n| cidr.nth(n))
            .find(|address| !taken.contains(address))
            .ok_or_else(|| no_address_left(cidr))?;
        taken.insert(free);
        Ok(free)
    }

    /// Takes an address that was generated.
    pub(super) fn take_nth(&mut self, subnet: &str, cidr: Cidr, n: u32) -> Result<Ipv4Addr, Fault> {
        let address = cidr
            .nth(n)
            .filter(|address| *address != cidr.broadcast())
            .ok_or_else(|| no_address_left(cidr))?;
        if self
            .taken
            .entry(subnet.to_owned())
            .or_default()
            .insert(address)
        {
            Ok(address)
        } else {
            let message = Message::new("scenario-address-twice-in")
                .with("address", address)
                .with("cidr", cidr);
            Err(Fault::new(message))
        }
    }
}

fn no_address_left(cidr: Cidr) -> Fault {
    Fault::new(Message::new("scenario-no-address-left").with("cidr", cidr))
}

/// Returns only the `Name` tag.
pub(super) fn named(name: &str) -> Tags {
    Tags::from([("Name".to_owned(), name.to_owned())])
}

/// Returns what a text names in a table.
///
/// # Errors
/// A fault that suggests or lists the known names.
pub(crate) fn find<'m, T>(
    map: &'m BTreeMap<String, T>,
    name: &Text,
    kind: Message,
) -> Result<&'m T, Fault> {
    find_str(map, name.get_ref(), name, kind)
}

/// The same for a part of a text.
pub(super) fn find_str<'m, T>(
    map: &'m BTreeMap<String, T>,
    name: &str,
    at: &Text,
    kind: Message,
) -> Result<&'m T, Fault> {
    map.get(name).ok_or_else(|| {
        let nearest = map
            .keys()
            .map(|known| (strsim::damerau_levenshtein(known, name), known))
            .min()
            .filter(|(distance, _)| *distance <= 2);
        let message = match nearest {
            Some((_, known)) => Message::new("lab-unknown-near")
                .part("kind", kind)
                .with("name", name)
                .with("known", known),
            None if map.is_empty() => Message::new("lab-unknown-undefined")
                .part("kind", kind)
                .with("name", name),
            None => {
                let known = map.keys().take(12).map(|known| format!("`{known}`"));
                Message::new("lab-unknown-of")
                    .part("kind", kind)
                    .with("name", name)
                    .with("known", commas(known))
            }
        };
        Fault::at(at.span(), message)
    })
}
