//! The lab's own packet walk: where a packet to an address ends, hop by hop, in the current state.
//!
//! Written from the AWS reference alone, as the second implementation of routing that tests compare with the fabric. It follows
//! one packet with a time to live through on-prem, Transit Gateways, VPCs and Flow VPCs. A loop is a packet whose time to live
//! ends. Where AWS or the on-prem router may choose (equal-cost routes, several attachment subnets, edges with the same
//! preference), [`walk`] takes the first by id and [`ways`] takes each in turn.

mod choices;
pub mod nc2;
pub mod on_prem;
mod tgw;
mod vpc;

#[cfg(test)]
mod differences;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::Serialize;
use stayput_messages::Message;

use self::choices::Choices;
use crate::aws::routing;
use crate::state::LabState;

/// Time to live of a packet, in routing decisions.
const TTL: u32 = 64;

/// Where a packet starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A host behind the on-prem router.
    OnPrem,
    /// A host in a VPC subnet.
    Subnet {
        /// Region.
        region: String,
        /// Subnet.
        subnet: String,
    },
    /// A VM of a Prism Central.
    Vm {
        /// Index in `LabState::pcs`.
        pc: usize,
        /// VM.
        vm: String,
    },
    /// The holder of this address: a powered-on VM, else a running instance or service, else on-prem.
    Address(Ipv4Addr),
}

/// The text is neither `on-prem` nor an IPv4 address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", Message::new("lab-bad-origin").with("text", .0))]
pub struct InvalidOrigin(pub String);

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        if text == "on-prem" {
            return Ok(Self::OnPrem);
        }
        text.parse()
            .map(Self::Address)
            .map_err(|_| InvalidOrigin(text.to_owned()))
    }
}

/// Kind of network in which a packet was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SiteKind {
    /// Behind the on-prem router.
    OnPrem,
    /// A VPC.
    Ec2,
    /// A Flow VPC.
    Nc2,
}

/// How a packet ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum End {
    /// Delivered to a running machine or service that has the address.
    Delivered {
        /// Kind of network.
        site: SiteKind,
        /// Instance, interface of a service, VM, or `on-prem`.
        holder: String,
        /// AWS region; `None` for on-prem.
        region: Option<String>,
    },
    /// A router had no route.
    NoRoute,
    /// A Transit Gateway or VPC route dropped it.
    Blackhole,
    /// A VPC route led to an interface that is gone, whose machine is off, or that does not forward.
    DeadEni,
    /// The network that owns the address has no machine with it.
    NoMachine,
    /// Lost: it left through a NAT or internet gateway.
    NatLost,
    /// Its time to live ended, in a loop.
    TtlExceeded,
    /// It reached a region that is down.
    RegionDown,
}

/// The path of a packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Walk {
    /// Every routing decision, as text.
    pub hops: Vec<String>,
    /// How it ended.
    #[serde(flatten)]
    pub end: End,
}

/// Where a packet is before its next routing decision.
#[derive(Debug, Clone)]
enum At {
    /// At the on-prem router.
    OnPrem,
    /// In a Transit Gateway, having entered by an attachment.
    Tgw {
        region: String,
        tgw: String,
        ingress: String,
    },
    /// In a VPC, to be routed by the table of this subnet; `starts` when a host of the VPC has just sent it.
    Subnet {
        region: String,
        subnet: String,
        starts: bool,
    },
    /// In a transit VPC, having come from AWS or from a user VPC.
    TransitVpc { pc: usize },
    /// In a user VPC, having come from its transit VPC.
    UserVpc { pc: usize, vpc: String },
}

struct Walker<'a> {
    lab: &'a LabState,
    to: Ipv4Addr,
    hops: Vec<String>,
    choices: Choices,
}

/// Follows a packet. Where several routes are equal, it takes the first.
pub fn walk(lab: &LabState, from: Origin, to: Ipv4Addr) -> Walk {
    one_way(lab, from, to, Vec::new()).0
}

/// Most paths that are followed.
const MOST_WAYS: usize = 256;

/// Follows a packet on every path that it may take, that of [`walk`] first. A router that has chosen once for this packet chooses
/// the same when the packet returns, as routers do for all packets of a flow.
pub fn ways(lab: &LabState, from: &Origin, to: Ipv4Addr) -> Vec<Walk> {
    let mut walks = Vec::new();
    let mut script = Some(Vec::new());
    while let Some(wanted) = script.filter(|_| walks.len() < MOST_WAYS) {
        let (walk, choices) = one_way(lab, from.clone(), to, wanted);
        walks.push(walk);
        script = choices.next();
    }
    walks
}

fn one_way(lab: &LabState, from: Origin, to: Ipv4Addr, script: Vec<usize>) -> (Walk, Choices) {
    let mut walker = Walker {
        lab,
        to,
        hops: Vec::new(),
        choices: Choices::following(script),
    };
    let end = walker.run(from);
    let walk = Walk {
        hops: walker.hops,
        end,
    };
    (walk, walker.choices)
}

impl Walker<'_> {
    fn run(&mut self, from: Origin) -> End {
        let mut at = match self.start(from) {
            Ok(at) => at,
            Err(end) => return end,
        };
        for _ in 0..TTL {
            at = match self.step(at) {
                Ok(next) => next,
                Err(end) => return end,
            };
        }
        End::TtlExceeded
    }

    /// Makes one routing decision: the next position, or the end.
    fn step(&mut self, at: At) -> Result<At, End> {
        match at {
            At::OnPrem => self.on_prem(),
            At::Tgw {
                region,
                tgw,
                ingress,
            } => self.tgw(&region, &tgw, &ingress),
            At::Subnet {
                region,
                subnet,
                starts,
            } => self.subnet(&region, &subnet, starts),
            At::TransitVpc { pc } => self.transit_vpc(pc),
            At::UserVpc { pc, vpc } => Err(self.user_vpc(pc, &vpc)),
        }
    }

    /// Checks that a region is up, and records it as a hop if it is not.
    fn check_up(&mut self, region: &str) -> Result<(), End> {
        if self.lab.aws.down_regions.contains(region) {
            self.hop(format!("{region} is down"));
            Err(End::RegionDown)
        } else {
            Ok(())
        }
    }

    fn hop(&mut self, text: String) {
        self.hops.push(text);
    }

    fn start(&mut self, from: Origin) -> Result<At, End> {
        match from {
            Origin::OnPrem => Ok(At::OnPrem),
            Origin::Subnet { region, subnet } => self.host_sends(region, subnet),
            Origin::Vm { pc, vm } => self.vm_sends(pc, &vm),
            Origin::Address(address) => match self.holder(address) {
                Some(Origin::Subnet { region, subnet }) => self.host_sends(region, subnet),
                Some(Origin::Vm { pc, vm }) => self.vm_sends(pc, &vm),
                Some(Origin::OnPrem) => Ok(At::OnPrem),
                Some(Origin::Address(_)) | None => {
                    self.hop(format!("no machine has the source address {address}"));
                    Err(End::NoMachine)
                }
            },
        }
    }

    fn holder(&self, address: Ipv4Addr) -> Option<Origin> {
        self.vm_with(address)
            .or_else(|| self.interface_with(address))
            .or_else(|| {
                self.lab
                    .aws
                    .on_prem
                    .iter()
                    .any(|prefix| prefix.contains(address))
                    .then_some(Origin::OnPrem)
            })
    }

    fn interface_with(&self, address: Ipv4Addr) -> Option<Origin> {
        self.lab.aws.regions.iter().find_map(|(name, region)| {
            let (_, eni) = region.enis.iter().find(|(_, eni)| {
                (eni.primary == address || eni.secondary.contains(&address))
                    && routing::is_up(region, eni)
            })?;
            Some(Origin::Subnet {
                region: name.clone(),
                subnet: eni.subnet.clone(),
            })
        })
    }
}
