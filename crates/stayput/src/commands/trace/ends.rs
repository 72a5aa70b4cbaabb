//! Parses the source and the destination of a trace.

use std::net::Ipv4Addr;

use stayput_estate::Cidr;
use stayput_estate::EdgeName;
use stayput_estate::Estate;
use stayput_estate::NetworkName;
use stayput_estate::SubnetId;
use stayput_estate::VpcId;
use stayput_fabric::Fabric;
use stayput_fabric::Place;
use stayput_fabric::Source;
use stayput_messages::Message;
use stayput_world::Facts;
use stayput_world::World;

use crate::error::CommandError;
use crate::error::Kind;
use crate::session;

fn wrong(what: Message) -> CommandError {
    CommandError::new(Kind::Usage, what).hint(Message::new("hint-sources"))
}

/// The source in one state: machines move.
///
/// # Errors
/// There is no source of this name, or it does not run in this state.
pub fn source(
    estate: &Estate,
    world: &World,
    facts: &Facts,
    fabric: &Fabric,
    text: &str,
) -> Result<Source, CommandError> {
    if text == "on-prem" {
        return Ok(Source::OnPrem);
    }
    if let Some(edge) = estate.edges.get(&EdgeName::new(text)) {
        return Ok(Source::OnPremVia {
            edge: edge.name.clone(),
        });
    }
    if let Some(site) = text.strip_prefix("nc2:") {
        return Ok(Source::Nc2Vpc {
            site: session::site(estate, site)?,
        });
    }
    if let Some(overlay) = text.strip_prefix("overlay:") {
        return of_overlay(estate, overlay);
    }
    if text.starts_with("subnet-") {
        return of_subnet(world, text);
    }
    if text.starts_with("vpc-") {
        return of_vpc(estate, world, text);
    }
    let address = match text.parse() {
        Ok(address) => address,
        Err(_) => machine(facts, text)?
            .ok_or_else(|| wrong(Message::new("trace-no-source").with("text", text)))?,
    };
    if estate.on_prem.iter().any(|prefix| prefix.contains(address)) {
        return Ok(Source::OnPrem);
    }
    let site = fabric.served_at(address).into_iter().next();
    site.map(|site| Source::Machine {
        place: Place::Site(site),
        address,
    })
    .ok_or_else(|| wrong(Message::new("trace-no-machine-has").with("address", address)))
}

fn of_overlay(estate: &Estate, text: &str) -> Result<Source, CommandError> {
    let (network, site) = text
        .split_once('@')
        .ok_or_else(|| wrong(Message::new("trace-overlay-incomplete").with("text", text)))?;
    let network = NetworkName::new(network);
    if !estate.networks.contains_key(&network) {
        return Err(wrong(
            Message::new("trace-no-network").with("network", network),
        ));
    }
    Ok(Source::Overlay {
        site: session::site(estate, site)?,
        network,
    })
}

fn of_subnet(world: &World, text: &str) -> Result<Source, CommandError> {
    let id = SubnetId::new(text);
    let mut regions = world.aws.values();
    let subnet = regions.find_map(|region| region.subnets.get(&id));
    match subnet {
        Some(subnet) => Ok(Source::Ec2Subnet {
            vpc: subnet.vpc.clone(),
            subnet: id,
        }),
        None => Err(wrong(Message::new("trace-no-subnet").with("id", id))),
    }
}

fn of_vpc(estate: &Estate, world: &World, text: &str) -> Result<Source, CommandError> {
    let vpc = VpcId::new(text);
    if let Some(site) = estate.sites.values().find(|site| site.vpc == vpc) {
        return Ok(Source::Nc2Vpc {
            site: site.name.clone(),
        });
    }
    let mut regions = world.aws.values();
    if regions.any(|region| region.vpcs.contains_key(&vpc)) {
        Ok(Source::Spoke { vpc })
    } else {
        Err(wrong(Message::new("trace-no-vpc").with("vpc", vpc)))
    }
}

/// The destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// One address.
    Address(Ipv4Addr),
    /// Every address of a prefix.
    Prefix(Cidr),
}

/// The most addresses a destination may have: a /16.
const MOST: u64 = 1 << 16;

/// The destination.
///
/// # Errors
/// It is neither an address, nor a prefix of at most a /16, nor one machine.
pub fn destination(facts: &Facts, text: &str) -> Result<Destination, CommandError> {
    if let Ok(address) = text.parse() {
        return Ok(Destination::Address(address));
    }
    if text.contains('/') {
        let wrong = |what: String| {
            CommandError::new(Kind::Usage, what).hint(Message::new("hint-destinations"))
        };
        let prefix: Cidr = text
            .parse()
            .map_err(|error: stayput_estate::CidrError| wrong(error.to_string()))?;
        return if prefix.size() <= MOST {
            Ok(Destination::Prefix(prefix))
        } else {
            Err(wrong(
                Message::new("trace-prefix-too-large")
                    .with("prefix", prefix)
                    .into(),
            ))
        };
    }
    match machine(facts, text)? {
        Some(address) => Ok(Destination::Address(address)),
        None => Err(CommandError::new(
            Kind::Usage,
            Message::new("trace-no-destination").with("text", text),
        )
        .hint(Message::new("hint-status-lists"))),
    }
}

/// The first address of the machine with this id or name.
fn machine(facts: &Facts, text: &str) -> Result<Option<Ipv4Addr>, CommandError> {
    // Anyone may call a machine by the id of another: the id itself decides.
    let by_id = facts.machines.iter().find(|(id, _)| id.as_str() == text);
    let found: Vec<_> = match by_id {
        Some(machine) => vec![machine],
        None => facts
            .machines
            .iter()
            .filter(|(_, machine)| machine.name.as_deref() == Some(text))
            .collect(),
    };
    match found.as_slice() {
        [] => Ok(None),
        [(id, machine)] => machine.addresses().next().map(Some).ok_or_else(|| {
            CommandError::new(
                Kind::Usage,
                Message::new("machine-without-address").with("id", id),
            )
        }),
        several => {
            let ids: Vec<_> = several.iter().map(|(id, _)| id.as_str()).collect();
            Err(CommandError::new(
                Kind::Usage,
                Message::new("several-machines-called")
                    .count("machines", several.len())
                    .with("text", text),
            )
            .hint(Message::new("hint-use-id").with("ids", ids.join(", "))))
        }
    }
}
