//! What a guest's namespace has and a router's has not: named links with addresses, and a default route.

use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;

use netlink_packet_core::NLM_F_CREATE;
use netlink_packet_core::NLM_F_EXCL;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::AddressAttribute;
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::address::CacheInfo;
use netlink_packet_route::link::InfoData;
use netlink_packet_route::link::InfoKind;
use netlink_packet_route::link::InfoVeth;
use netlink_packet_route::link::LinkAttribute;
use netlink_packet_route::link::LinkInfo;
use netlink_packet_route::link::LinkMessage;
use netlink_packet_route::route::RouteAddress;
use netlink_packet_route::route::RouteAttribute;
use netlink_packet_route::route::RouteProtocol;
use netlink_packet_route::route::RouteScope;
use netlink_packet_route::route::RouteType;
use stayput_estate::Cidr;
use stayput_estate::MacAddr;

use super::Netlink;
use super::route;

/// The kernel's main table.
const MAIN: u32 = 254;

/// A pair of interfaces: one end in the guest, the other in the network behind it.
#[derive(Debug)]
pub struct GuestLink<'a> {
    /// Index of both ends.
    pub index: u32,
    /// Name in the guest.
    pub name: &'a str,
    /// MAC address in the guest.
    pub mac: MacAddr,
    /// Largest packet.
    pub mtu: u32,
}

impl Netlink {
    /// Creates the link, both ends down.
    pub fn add_guest_link(&mut self, link: &GuestLink<'_>, far: BorrowedFd<'_>) -> io::Result<()> {
        let mut peer = LinkMessage::default();
        peer.header.index = link.index;
        peer.attributes = vec![
            LinkAttribute::IfName(format!("far{}", link.index)),
            LinkAttribute::Mtu(link.mtu),
            LinkAttribute::NetNsFd(far.as_raw_fd()),
        ];
        let mut near = LinkMessage::default();
        near.header.index = link.index;
        near.attributes = vec![
            LinkAttribute::IfName(link.name.to_owned()),
            LinkAttribute::Address(octets(link.mac)),
            LinkAttribute::Mtu(link.mtu),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::Veth),
                LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
            ]),
        ];
        let message = RouteNetlinkMessage::NewLink(near);
        self.ask(message, NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Adds an address with the prefix length of its subnet. With a lifetime in seconds it is one from DHCP.
    pub fn add_subnet_address(
        &mut self,
        index: u32,
        address: Ipv4Addr,
        subnet: Cidr,
        lifetime: Option<u32>,
    ) -> io::Result<()> {
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.prefix_len = subnet.len();
        message.header.index = index;
        message.attributes = vec![
            AddressAttribute::Address(IpAddr::V4(address)),
            AddressAttribute::Local(IpAddr::V4(address)),
            AddressAttribute::Broadcast(subnet.broadcast()),
        ];
        if let Some(seconds) = lifetime {
            let mut info = CacheInfo::default();
            info.ifa_preferred = seconds;
            info.ifa_valid = seconds;
            message.attributes.push(AddressAttribute::CacheInfo(info));
        }
        let message = RouteNetlinkMessage::NewAddress(message);
        self.ask(message, NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Adds the default route. With a source it is one that a DHCP client has made.
    pub fn add_default_route(
        &mut self,
        index: u32,
        gateway: Ipv4Addr,
        leased: Option<Ipv4Addr>,
    ) -> io::Result<()> {
        let mut route = route(MAIN, Cidr::ALL);
        route.header.kind = RouteType::Unicast;
        route.header.scope = RouteScope::Universe;
        route.header.protocol = RouteProtocol::Boot;
        let gateway = RouteAddress::Inet(gateway);
        route.attributes.push(RouteAttribute::Gateway(gateway));
        route.attributes.push(RouteAttribute::Oif(index));
        if let Some(source) = leased {
            route.header.protocol = RouteProtocol::Dhcp;
            let source = RouteAddress::Inet(source);
            route.attributes.push(RouteAttribute::PrefSource(source));
            route.attributes.push(RouteAttribute::Priority(100));
        }
        let message = RouteNetlinkMessage::NewRoute(route);
        self.ask(message, NLM_F_CREATE | NLM_F_EXCL)
    }
}

fn octets(mac: MacAddr) -> Vec<u8> {
    let text = mac.to_string();
    let octets = text.split(':').map(|octet| u8::from_str_radix(octet, 16));
    octets.filter_map(Result::ok).collect()
}
