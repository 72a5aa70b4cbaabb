//! Why a packet went where it went: which route of which table won, over which, and by which rule.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::AttachmentId;
use stayput_estate::Cidr;
use stayput_estate::EdgeName;
use stayput_estate::EniId;
use stayput_estate::PrefixListId;
use stayput_estate::TgwId;
use stayput_estate::TgwRouteTableId;

use crate::next_hop::NextHop;

/// Where a Transit Gateway route comes from, in the order in which one beats another of equal length (AWS reference §1.2
/// rule 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Written through the API.
    Static,
    /// An entry of a managed prefix list that the table refers to.
    PrefixList,
    /// Propagated from a VPC attachment: its CIDRs.
    Vpc,
    /// Propagated from a Direct Connect gateway.
    DirectConnect,
    /// Propagated from a Connect attachment.
    Connect,
    /// Propagated from a VPN with private addresses, over Direct Connect.
    PrivateVpn,
    /// Propagated from another VPN.
    Vpn,
    /// Propagated from an attachment of a kind this build does not know.
    Other,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Static => "static",
            Self::PrefixList => "by a prefix list",
            Self::Vpc => "propagated from a VPC",
            Self::DirectConnect => "learned by Direct Connect",
            Self::Connect => "learned by Connect",
            Self::PrivateVpn => "learned by private VPN",
            Self::Vpn => "learned by VPN",
            Self::Other => "propagated",
        })
    }
}

/// How on-prem came to know a prefix behind an edge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Announcement {
    /// The Direct Connect gateway originates it, whatever the Transit Gateway holds (AWS reference §2.1).
    AllowedPrefix,
    /// The VPN announces a route of the table its attachment is associated with (AWS reference §2.3).
    TableRoute(TgwRouteTableId),
    /// It is configured on the on-prem router.
    Configured,
}

/// A route that also matched and did not win.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LosingRoute {
    /// Its prefix.
    pub prefix: Cidr,
    /// Where it leads.
    pub toward: NextHop,
    /// Why it lost.
    pub because: LossReason,
}

/// Why a matching route did not win.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LossReason {
    /// Its prefix is shorter.
    Shorter,
    /// Same prefix, and a static route beats it (AWS reference §1.2).
    UnderStatic,
    /// Same prefix, and an entry of a prefix list beats it (AWS reference §1.2, §3 item 1).
    UnderPrefixList,
    /// Same prefix, and its kind ranks lower (AWS reference §1.2).
    LowerRank,
    /// Same prefix and kind, attached later (AWS reference §1.1).
    AttachedLater,
    /// On-prem prefers another edge for the same prefix.
    LessPreferred,
}

impl fmt::Display for LossReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Shorter => "shorter prefix",
            Self::UnderStatic => "a static route comes first",
            Self::UnderPrefixList => "an entry of a prefix list comes first",
            Self::LowerRank => "its kind ranks lower",
            Self::AttachedLater => "attached later",
            Self::LessPreferred => "less preferred",
        })
    }
}

/// Why a network interface that a route names does not carry the packet on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeadEniCause {
    /// It does not exist any more.
    Missing,
    /// It is attached to nothing.
    Detached,
    /// Its instance does not run.
    InstanceDown,
    /// It drops what is not addressed to itself (AWS reference §3 item 7).
    SourceDestCheck,
}

impl fmt::Display for DeadEniCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Missing => "does not exist",
            Self::Detached => "is attached to nothing",
            Self::InstanceDown => "belongs to an instance that does not run",
            Self::SourceDestCheck => {
                "drops what is not addressed to itself (source/dest check is on)"
            }
        })
    }
}

/// Why a hop did what it did.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The address is on-prem itself.
    OwnPrefix {
        /// The on-prem prefix.
        prefix: Cidr,
    },
    /// On-prem sends by the edge behind which it knows the longest prefix.
    Announced {
        /// That prefix.
        prefix: Cidr,
        /// The edge.
        edge: EdgeName,
        /// How on-prem knows.
        by: Announcement,
        /// What else matched.
        over: Vec<LosingRoute>,
    },
    /// On-prem knows no way.
    NothingAnnounced,
    /// Enters AWS.
    Enters {
        /// By this attachment.
        attachment: AttachmentId,
        /// Of this Transit Gateway.
        tgw: TgwId,
    },
    /// Leaves AWS for on-prem.
    ToOnPrem,
    /// The edge's attachment was not observed.
    EdgeNotObserved {
        /// The edge.
        edge: EdgeName,
        /// The attachment the estate names.
        attachment: AttachmentId,
    },
    /// No tunnel is up.
    SessionDown,
    /// The attachment is gone or does not forward.
    AttachmentDown {
        /// The attachment.
        attachment: AttachmentId,
    },
    /// No route table is associated with the attachment it came in by, so it is dropped (AWS reference §1.1).
    NotAssociated,
    /// The winning route of a Transit Gateway table.
    TgwRoute {
        /// Its prefix.
        prefix: Cidr,
        /// Where it comes from.
        origin: Origin,
        /// The prefix list it is an entry of, if it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        list: Option<PrefixListId>,
        /// The attachment it leads to.
        attachment: AttachmentId,
        /// What is behind that.
        toward: NextHop,
        /// How many equal ways there were; the worst was followed. 1 when there was no choice.
        ways: usize,
        /// What else matched.
        over: Vec<LosingRoute>,
    },
    /// The winning route drops; nothing shorter is tried (AWS reference §1.2 rule 4).
    TgwBlackhole {
        /// Its prefix.
        prefix: Cidr,
        /// The attachment it still names, when it became a blackhole by that going away (AWS reference §1.3).
        gone: Option<AttachmentId>,
        /// The prefix list it is an entry of, if it is one. Such a blackhole cannot be taken away by deleting a static route.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        list: Option<PrefixListId>,
        /// What else matched.
        over: Vec<LosingRoute>,
    },
    /// Nothing matches.
    NoMatch,
    /// The subnet has no route table that was observed.
    NoTable,
    /// The winning route of a VPC table.
    VpcRoute {
        /// Its prefix.
        prefix: Cidr,
        /// Where it leads.
        toward: NextHop,
        /// The prefix list it is an entry of, if it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        list: Option<PrefixListId>,
        /// What else matched.
        over: Vec<LosingRoute>,
    },
    /// The winning route of a VPC table has lost its target.
    VpcRouteDead {
        /// Its prefix.
        prefix: Cidr,
        /// Where it led.
        toward: NextHop,
    },
    /// A route leads to a Transit Gateway that this VPC has no working attachment to.
    NotAttached {
        /// The route's prefix.
        prefix: Cidr,
        /// The Transit Gateway.
        toward: NextHop,
    },
    /// A route leads to a Transit Gateway that has no attachment subnet in this zone (AWS reference §1.1).
    ZoneNotAttached {
        /// The route's prefix.
        prefix: Cidr,
        /// The Transit Gateway.
        toward: NextHop,
        /// The zone.
        zone: String,
    },
    /// A route leads to a network interface that carries nothing on.
    DeadEni {
        /// The route's prefix.
        prefix: Cidr,
        /// The interface.
        toward: NextHop,
        /// Why it does not.
        cause: DeadEniCause,
    },
    /// A VPC peering carries only what starts in one VPC and ends in the other (AWS reference §3.3).
    PeeringRefuses {
        /// The route's prefix.
        prefix: Cidr,
        /// The VPC peering.
        toward: NextHop,
    },
    /// The far VPC of a VPC peering.
    PeerLocal,
    /// The transit VPC routes an externally routable prefix to a user VPC.
    TransitPrefix {
        /// The prefix.
        prefix: Cidr,
        /// The user VPC.
        to: String,
    },
    /// The transit VPC has no externally routable prefix for the address.
    NoTransitPrefix,
    /// No user VPC with a no-NAT uplink has an externally routable prefix for the address.
    NoUserPrefix {
        /// The transit VPC's prefix.
        prefix: Cidr,
    },
    /// The transit VPC sends into the AWS VPC.
    TransitUplink {
        /// By this interface.
        eni: EniId,
    },
    /// No interface could be found by which the transit VPC reaches the AWS VPC.
    NoGateway,
    /// The user VPC has an overlay subnet for the address.
    OverlaySubnet {
        /// The subnet's prefix.
        prefix: Cidr,
        /// Its name.
        name: String,
    },
    /// The user VPC has no overlay subnet for the address.
    NoOverlaySubnet,
    /// The user VPC sends by its no-NAT uplink.
    NoNatUplink,
    /// The user VPC has only a NAT uplink, which changes the sender's address.
    NatUplink,
    /// The user VPC has no uplink.
    NoUplink,
    /// The address is on-link: the whole overlay prefix is one segment (AWS reference §4, "on-link"), and so is a VPC subnet to its own hosts.
    OnLink {
        /// The segment or subnet.
        prefix: Cidr,
    },
    /// The address is not in the sender's own segment.
    OffLink,
    /// The machine has this address.
    Answers,
    /// The region is down.
    RegionDown,
    /// This was not observed.
    NotObserved,
}

fn of_list(f: &mut fmt::Formatter<'_>, list: Option<&PrefixListId>) -> fmt::Result {
    match list {
        Some(list) => write!(f, ", of prefix list {list}"),
        None => Ok(()),
    }
}

fn join(f: &mut fmt::Formatter<'_>, over: &[LosingRoute]) -> fmt::Result {
    for beaten in over {
        write!(
            f,
            "; beats {} → {}: {}",
            beaten.prefix, beaten.toward, beaten.because
        )?;
    }
    Ok(())
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OwnPrefix { prefix } => write!(f, "{prefix} is here"),
            Self::Announced {
                prefix,
                edge,
                by,
                over,
            } => {
                match by {
                    Announcement::AllowedPrefix => {
                        write!(f, "{prefix} → {edge}, an allowed prefix of its gateway")?;
                    }
                    Announcement::TableRoute(table) => {
                        write!(f, "{prefix} → {edge}, announced from {table}")?;
                    }
                    Announcement::Configured => {
                        write!(f, "{prefix} → {edge}, configured on-prem")?;
                    }
                }
                join(f, over)
            }
            Self::NothingAnnounced => f.write_str("no edge announces a prefix for it"),
            Self::Enters { attachment, tgw } => write!(f, "into {tgw} by {attachment}"),
            Self::ToOnPrem => f.write_str("out to on-prem"),
            Self::EdgeNotObserved { edge, attachment } => {
                write!(f, "attachment {attachment} of edge {edge} was not observed")
            }
            Self::SessionDown => f.write_str("no tunnel is up"),
            Self::AttachmentDown { attachment } => {
                write!(f, "attachment {attachment} is gone or does not forward")
            }
            Self::NotAssociated => {
                f.write_str("no route table is associated with the attachment it came in by")
            }
            Self::TgwRoute {
                prefix,
                origin,
                list,
                attachment,
                toward,
                ways,
                over,
            } => {
                write!(f, "{prefix} → {attachment} ({toward})")?;
                match list {
                    Some(_) => of_list(f, list.as_ref())?,
                    None => write!(f, ", {origin}")?,
                }
                if *ways > 1 {
                    write!(f, ", one of {ways} ways")?;
                }
                join(f, over)
            }
            Self::TgwBlackhole {
                prefix,
                gone,
                list,
                over,
            } => {
                match (gone, list) {
                    (Some(attachment), _) => {
                        write!(f, "{prefix} → blackhole, left by {attachment} that is gone")?;
                    }
                    (None, None) => write!(f, "{prefix} → blackhole, static")?,
                    (None, Some(_)) => write!(f, "{prefix} → blackhole")?,
                }
                of_list(f, list.as_ref())?;
                join(f, over)
            }
            Self::NoMatch => f.write_str("no route matches"),
            Self::NoTable => f.write_str("its subnet has no route table that was observed"),
            Self::VpcRoute {
                prefix,
                toward,
                list,
                over,
            } => {
                write!(f, "{prefix} → {toward}")?;
                of_list(f, list.as_ref())?;
                join(f, over)
            }
            Self::VpcRouteDead { prefix, toward } => {
                write!(f, "{prefix} → {toward}, which is gone")
            }
            Self::NotAttached { prefix, toward } => {
                write!(
                    f,
                    "{prefix} → {toward}, to which this VPC has no working attachment"
                )
            }
            Self::ZoneNotAttached {
                prefix,
                toward,
                zone,
            } => {
                write!(
                    f,
                    "{prefix} → {toward}, which has no attachment subnet in {zone}"
                )
            }
            Self::DeadEni {
                prefix,
                toward,
                cause,
            } => write!(f, "{prefix} → {toward}, which {cause}"),
            Self::PeeringRefuses { prefix, toward } => write!(
                f,
                "{prefix} → {toward}, which only carries what starts in one VPC and ends in the other"
            ),
            Self::PeerLocal => f.write_str("local at the far side of the VPC peering"),
            Self::TransitPrefix { prefix, to } => {
                write!(f, "{prefix} is externally routable → {to}")
            }
            Self::NoTransitPrefix => {
                f.write_str("no externally routable prefix of the transit VPC covers it")
            }
            Self::NoUserPrefix { prefix } => write!(
                f,
                "{prefix} is externally routable here, but in no user VPC with a no-NAT uplink"
            ),
            Self::TransitUplink { eni } => write!(f, "out into the AWS VPC by {eni}"),
            Self::NoGateway => f.write_str("no interface leads into the AWS VPC"),
            Self::OverlaySubnet { prefix, name } => write!(f, "{prefix} is overlay subnet {name}"),
            Self::NoOverlaySubnet => f.write_str("no overlay subnet has it"),
            Self::NoNatUplink => f.write_str("out by the no-NAT uplink"),
            Self::NatUplink => f.write_str("out by the NAT uplink, which changes its sender"),
            Self::NoUplink => f.write_str("no uplink"),
            Self::OnLink { prefix } => write!(f, "on-link in {prefix}"),
            Self::OffLink => f.write_str("to the default gateway"),
            Self::Answers => f.write_str("answers"),
            Self::RegionDown => f.write_str("the region is down"),
            Self::NotObserved => f.write_str("was not observed"),
        }
    }
}
