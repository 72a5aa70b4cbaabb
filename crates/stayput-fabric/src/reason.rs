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
use stayput_messages::Message;

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
        let text = match self {
            Self::Static => Message::new("origin-static"),
            Self::PrefixList => Message::new("origin-prefix-list"),
            Self::Vpc => Message::new("origin-vpc"),
            Self::DirectConnect => Message::new("origin-direct-connect"),
            Self::Connect => Message::new("origin-connect"),
            Self::PrivateVpn => Message::new("origin-private-vpn"),
            Self::Vpn => Message::new("origin-vpn"),
            Self::Other => Message::new("origin-other"),
        };
        text.fmt(f)
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
        let text = match self {
            Self::Shorter => Message::new("loss-shorter"),
            Self::UnderStatic => Message::new("loss-under-static"),
            Self::UnderPrefixList => Message::new("loss-under-prefix-list"),
            Self::LowerRank => Message::new("loss-lower-rank"),
            Self::AttachedLater => Message::new("loss-attached-later"),
            Self::LessPreferred => Message::new("loss-less-preferred"),
        };
        text.fmt(f)
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
        let text = match self {
            Self::Missing => Message::new("dead-missing"),
            Self::Detached => Message::new("dead-detached"),
            Self::InstanceDown => Message::new("dead-instance-down"),
            Self::SourceDestCheck => Message::new("dead-source-dest-check"),
        };
        text.fmt(f)
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
        Some(list) => {
            let list = Message::new("reason-of-list").with("list", list);
            write!(f, ", {list}")
        }
        None => Ok(()),
    }
}

fn join(f: &mut fmt::Formatter<'_>, over: &[LosingRoute]) -> fmt::Result {
    for LosingRoute {
        prefix,
        toward,
        because,
    } in over
    {
        let beats = Message::new("reason-beats")
            .with("prefix", prefix)
            .with("toward", toward)
            .with("because", because);
        write!(f, "; {beats}")?;
    }
    Ok(())
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OwnPrefix { prefix } => Message::new("reason-own-prefix")
                .with("prefix", prefix)
                .fmt(f),
            Self::Announced {
                prefix,
                edge,
                by,
                over,
            } => {
                match by {
                    Announcement::AllowedPrefix => {
                        Message::new("reason-allowed-prefix")
                            .with("prefix", prefix)
                            .with("edge", edge)
                            .fmt(f)?;
                    }
                    Announcement::TableRoute(table) => {
                        Message::new("reason-announced")
                            .with("prefix", prefix)
                            .with("edge", edge)
                            .with("table", table)
                            .fmt(f)?;
                    }
                    Announcement::Configured => {
                        Message::new("reason-configured")
                            .with("prefix", prefix)
                            .with("edge", edge)
                            .fmt(f)?;
                    }
                }
                join(f, over)
            }
            Self::NothingAnnounced => Message::new("reason-nothing-announced").fmt(f),
            Self::Enters { attachment, tgw } => Message::new("reason-enters")
                .with("tgw", tgw)
                .with("attachment", attachment)
                .fmt(f),
            Self::ToOnPrem => Message::new("reason-to-on-prem").fmt(f),
            Self::EdgeNotObserved { edge, attachment } => Message::new("reason-edge-not-observed")
                .with("attachment", attachment)
                .with("edge", edge)
                .fmt(f),
            Self::SessionDown => Message::new("reason-session-down").fmt(f),
            Self::AttachmentDown { attachment } => Message::new("reason-attachment-down")
                .with("attachment", attachment)
                .fmt(f),
            Self::NotAssociated => Message::new("reason-not-associated").fmt(f),
            Self::TgwRoute {
                prefix,
                origin,
                list,
                attachment,
                toward,
                ways,
                over,
            } => {
                Message::new("reason-tgw-route")
                    .with("prefix", prefix)
                    .with("attachment", attachment)
                    .with("toward", toward)
                    .fmt(f)?;
                match list {
                    Some(_) => of_list(f, list.as_ref())?,
                    None => write!(f, ", {origin}")?,
                }
                if *ways > 1 {
                    let one_of = Message::new("reason-one-of").with("ways", ways);
                    write!(f, ", {one_of}")?;
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
                        Message::new("reason-blackhole-left")
                            .with("prefix", prefix)
                            .with("attachment", attachment)
                            .fmt(f)?;
                    }
                    (None, None) => Message::new("reason-blackhole-static")
                        .with("prefix", prefix)
                        .fmt(f)?,
                    (None, Some(_)) => Message::new("reason-blackhole")
                        .with("prefix", prefix)
                        .fmt(f)?,
                }
                of_list(f, list.as_ref())?;
                join(f, over)
            }
            Self::NoMatch => Message::new("reason-no-match").fmt(f),
            Self::NoTable => Message::new("reason-no-table").fmt(f),
            Self::VpcRoute {
                prefix,
                toward,
                list,
                over,
            } => {
                Message::new("reason-vpc-route")
                    .with("prefix", prefix)
                    .with("toward", toward)
                    .fmt(f)?;
                of_list(f, list.as_ref())?;
                join(f, over)
            }
            Self::VpcRouteDead { prefix, toward } => Message::new("reason-vpc-route-dead")
                .with("prefix", prefix)
                .with("toward", toward)
                .fmt(f),
            Self::NotAttached { prefix, toward } => Message::new("reason-not-attached")
                .with("prefix", prefix)
                .with("toward", toward)
                .fmt(f),
            Self::ZoneNotAttached {
                prefix,
                toward,
                zone,
            } => Message::new("reason-zone-not-attached")
                .with("prefix", prefix)
                .with("toward", toward)
                .with("zone", zone)
                .fmt(f),
            Self::DeadEni {
                prefix,
                toward,
                cause,
            } => Message::new("reason-dead-interface")
                .with("prefix", prefix)
                .with("toward", toward)
                .with("cause", cause)
                .fmt(f),
            Self::PeeringRefuses { prefix, toward } => Message::new("reason-peering-refuses")
                .with("prefix", prefix)
                .with("toward", toward)
                .fmt(f),
            Self::PeerLocal => Message::new("reason-peer-local").fmt(f),
            Self::TransitPrefix { prefix, to } => Message::new("reason-transit-prefix")
                .with("prefix", prefix)
                .with("to", to)
                .fmt(f),
            Self::NoTransitPrefix => Message::new("reason-no-transit-prefix").fmt(f),
            Self::NoUserPrefix { prefix } => Message::new("reason-no-user-prefix")
                .with("prefix", prefix)
                .fmt(f),
            Self::TransitUplink { eni } => Message::new("reason-transit-uplink")
                .with("eni", eni)
                .fmt(f),
            Self::NoGateway => Message::new("reason-no-gateway").fmt(f),
            Self::OverlaySubnet { prefix, name } => Message::new("reason-overlay-subnet")
                .with("prefix", prefix)
                .with("name", name)
                .fmt(f),
            Self::NoOverlaySubnet => Message::new("reason-no-overlay-subnet").fmt(f),
            Self::NoNatUplink => Message::new("reason-no-nat-uplink").fmt(f),
            Self::NatUplink => Message::new("reason-nat-uplink").fmt(f),
            Self::NoUplink => Message::new("reason-no-uplink").fmt(f),
            Self::OnLink { prefix } => Message::new("reason-on-link").with("prefix", prefix).fmt(f),
            Self::OffLink => Message::new("reason-off-link").fmt(f),
            Self::Answers => Message::new("reason-answers").fmt(f),
            Self::RegionDown => Message::new("reason-region-down").fmt(f),
            Self::NotObserved => Message::new("reason-not-observed").fmt(f),
        }
    }
}
