//! What a route leads to.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::AttachmentId;
use stayput_estate::DxGatewayId;
use stayput_estate::EdgeName;
use stayput_estate::EniId;
use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_estate::TgwId;
use stayput_estate::VpcId;
use stayput_estate::VpnId;
use stayput_messages::Message;

/// What a route leads to: the target of a VPC route, or what is behind the attachment of a Transit Gateway route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NextHop {
    /// Inside the VPC.
    Local,
    /// A Transit Gateway.
    Tgw(TgwId),
    /// A network interface.
    Eni(EniId),
    /// A NAT, internet, virtual private or other gateway, by its id.
    Gateway(String),
    /// The NAT uplink of a Flow VPC.
    NatUplink,
    /// A VPC peering connection, by its id.
    VpcPeering(String),
    /// A VPC behind an attachment.
    Vpc {
        /// The VPC.
        vpc: VpcId,
        /// The site whose VPC it is.
        site: Option<SiteName>,
    },
    /// A Site-to-Site VPN behind an attachment.
    Vpn(VpnId),
    /// A Direct Connect gateway behind an attachment.
    DirectConnect(DxGatewayId),
    /// Another Transit Gateway behind a peering attachment.
    TgwPeering {
        /// Its region.
        region: Region,
        /// The Transit Gateway.
        tgw: TgwId,
    },
    /// An edge, seen from on-prem.
    Edge(EdgeName),
    /// Nothing: packets are dropped.
    Blackhole,
    /// An attachment that no longer exists: packets are dropped (AWS reference §1.3).
    Gone(AttachmentId),
    /// A target of a kind that this build does not know.
    Unknown {
        /// The kind as reported; empty when none was.
        kind: String,
        /// Its id as reported.
        id: String,
    },
}

impl fmt::Display for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => Message::new("hop-local").fmt(f),
            Self::Tgw(tgw) => tgw.fmt(f),
            Self::Eni(eni) => eni.fmt(f),
            Self::Gateway(id) | Self::VpcPeering(id) => f.pad(id),
            Self::NatUplink => Message::new("hop-nat-uplink").fmt(f),
            Self::Vpc { vpc, site: None } => Message::new("hop-vpc").with("vpc", vpc).fmt(f),
            Self::Vpc {
                vpc,
                site: Some(site),
            } => Message::new("hop-vpc-of-site")
                .with("vpc", vpc)
                .with("site", site)
                .fmt(f),
            Self::Vpn(vpn) => Message::new("hop-vpn").with("vpn", vpn).fmt(f),
            Self::DirectConnect(gateway) => Message::new("hop-direct-connect")
                .with("gateway", gateway)
                .fmt(f),
            Self::TgwPeering { region, tgw } => Message::new("hop-peering")
                .with("tgw", tgw)
                .with("region", region)
                .fmt(f),
            Self::Edge(edge) => edge.fmt(f),
            Self::Blackhole => Message::new("hop-blackhole").fmt(f),
            Self::Gone(attachment) => attachment.fmt(f),
            Self::Unknown { kind, id } if kind.is_empty() => f.pad(id),
            Self::Unknown { kind, id } => Message::new("hop-unknown")
                .with("kind", kind)
                .with("id", id)
                .fmt(f),
        }
    }
}
