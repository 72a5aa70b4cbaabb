//! Links, addresses, routes and rules through netlink, one request and its answer at a time.

mod guest;

use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;

use netlink_packet_core::NLM_F_ACK;
use netlink_packet_core::NLM_F_CREATE;
use netlink_packet_core::NLM_F_EXCL;
use netlink_packet_core::NLM_F_REPLACE;
use netlink_packet_core::NLM_F_REQUEST;
use netlink_packet_core::NetlinkHeader;
use netlink_packet_core::NetlinkMessage;
use netlink_packet_core::NetlinkPayload;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::AddressAttribute;
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::link::InfoData;
use netlink_packet_route::link::InfoKind;
use netlink_packet_route::link::InfoVeth;
use netlink_packet_route::link::LinkAttribute;
use netlink_packet_route::link::LinkFlags;
use netlink_packet_route::link::LinkInfo;
use netlink_packet_route::link::LinkMessage;
use netlink_packet_route::route::RouteAddress;
use netlink_packet_route::route::RouteAttribute;
use netlink_packet_route::route::RouteMessage;
use netlink_packet_route::route::RouteProtocol;
use netlink_packet_route::route::RouteScope;
use netlink_packet_route::route::RouteType;
use netlink_packet_route::rule::RuleAction;
use netlink_packet_route::rule::RuleAttribute;
use netlink_packet_route::rule::RuleMessage;
use netlink_sys::Socket;
use netlink_sys::SocketAddr;
use netlink_sys::protocols::NETLINK_ROUTE;
use stayput_estate::Cidr;

pub use self::guest::GuestLink;

/// Index of the loopback interface in every namespace.
const LOOPBACK: u32 = 1;

/// Type of a route, as in the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sends out of an interface, by index.
    Out(u32),
    /// Delivers locally.
    Local,
    /// Drops silently.
    Blackhole,
}

/// Which packets a rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selector {
    /// Packets that come in by an interface, by index.
    In(u32),
    /// Packets from an address.
    From(Ipv4Addr),
}

/// A socket that stays in the namespace it was opened in, from whichever thread it is used.
#[derive(Debug)]
pub struct Netlink {
    socket: Socket,
    sequence: u32,
}

impl Netlink {
    /// Opens a socket in the calling thread's namespace.
    pub fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self {
            socket,
            sequence: 0,
        })
    }

    /// Sets the loopback interface up.
    pub fn loopback_up(&mut self) -> io::Result<()> {
        self.link_up(LOOPBACK)
    }

    /// Sets an interface up.
    pub fn link_up(&mut self, index: u32) -> io::Result<()> {
        let mut link = LinkMessage::default();
        link.header.index = index;
        link.header.flags = LinkFlags::Up;
        link.header.change_mask = LinkFlags::Up;
        self.ask(RouteNetlinkMessage::SetLink(link), 0)
    }

    /// Creates a pair of interfaces with one index, one end here and one in another namespace, both down: neither can be up while
    /// it has no peer.
    ///
    /// Both ends have the same MAC address and no ARP: each end accepts what the other sends, independent of IP addresses.
    pub fn add_link(&mut self, index: u32, far: BorrowedFd<'_>) -> io::Result<()> {
        let mut peer = end(index);
        peer.attributes
            .push(LinkAttribute::NetNsFd(far.as_raw_fd()));
        let mut link = end(index);
        link.attributes.push(LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
        ]));
        self.ask(
            RouteNetlinkMessage::NewLink(link),
            NLM_F_CREATE | NLM_F_EXCL,
        )
    }

    /// Deletes a pair of interfaces, by this end.
    pub fn delete_link(&mut self, index: u32) -> io::Result<()> {
        let mut link = LinkMessage::default();
        link.header.index = index;
        self.ask(RouteNetlinkMessage::DelLink(link), 0)
    }

    /// Adds an address to the namespace.
    pub fn add_address(&mut self, address: Ipv4Addr) -> io::Result<()> {
        let message = RouteNetlinkMessage::NewAddress(own(address));
        self.ask(message, NLM_F_CREATE | NLM_F_REPLACE)
    }

    /// Deletes an address.
    pub fn delete_address(&mut self, address: Ipv4Addr) -> io::Result<()> {
        self.ask(RouteNetlinkMessage::DelAddress(own(address)), 0)
    }

    /// Adds or replaces a route in one step.
    pub fn put_route(&mut self, table: u32, prefix: Cidr, kind: Kind) -> io::Result<()> {
        let mut route = route(table, prefix);
        route.header.protocol = RouteProtocol::Static;
        match kind {
            Kind::Out(index) => {
                route.header.kind = RouteType::Unicast;
                route.header.scope = RouteScope::Link;
                route.attributes.push(RouteAttribute::Oif(index));
            }
            Kind::Local => {
                route.header.kind = RouteType::Local;
                route.header.scope = RouteScope::Host;
                route.attributes.push(RouteAttribute::Oif(LOOPBACK));
            }
            Kind::Blackhole => {
                route.header.kind = RouteType::BlackHole;
                route.header.scope = RouteScope::Universe;
            }
        }
        self.ask(
            RouteNetlinkMessage::NewRoute(route),
            NLM_F_CREATE | NLM_F_REPLACE,
        )
    }

    /// Deletes a route.
    pub fn delete_route(&mut self, table: u32, prefix: Cidr) -> io::Result<()> {
        let mut route = route(table, prefix);
        route.header.scope = RouteScope::NoWhere;
        self.ask(RouteNetlinkMessage::DelRoute(route), 0)
    }

    /// Adds a rule. Of several rules that match a packet, the one with the lowest priority number applies.
    pub fn add_rule(&mut self, priority: u32, packets: Selector, table: u32) -> io::Result<()> {
        let rule = rule(priority, packets, table);
        self.ask(
            RouteNetlinkMessage::NewRule(rule),
            NLM_F_CREATE | NLM_F_EXCL,
        )
    }

    /// Deletes a rule.
    pub fn delete_rule(&mut self, priority: u32, packets: Selector, table: u32) -> io::Result<()> {
        let rule = rule(priority, packets, table);
        self.ask(RouteNetlinkMessage::DelRule(rule), 0)
    }

    fn ask(&mut self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        header.sequence_number = self.sequence;
        let mut request = NetlinkMessage::new(header, NetlinkPayload::from(message));
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        self.socket.send(&bytes, 0)?;
        let (answer, _) = self.socket.recv_from_full()?;
        let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer)
            .map_err(io::Error::other)?;
        match answer.payload {
            NetlinkPayload::Error(error) if error.code.is_some() => Err(error.to_io()),
            NetlinkPayload::Error(_) => Ok(()),
            other => Err(io::Error::other(format!(
                "unexpected netlink message: {other:?}"
            ))),
        }
    }
}

/// Returns the name of an interface with an index.
fn name(index: u32) -> String {
    format!("v{index}")
}

fn end(index: u32) -> LinkMessage {
    let mut link = LinkMessage::default();
    link.header.index = index;
    link.header.flags = LinkFlags::Noarp;
    link.header.change_mask = LinkFlags::Noarp;
    let [a, b, c, d] = index.to_be_bytes();
    // A locally administered address.
    let mac = vec![0x02, 0, a, b, c, d];
    link.attributes = vec![
        LinkAttribute::IfName(name(index)),
        LinkAttribute::Address(mac),
    ];
    link
}

fn own(address: Ipv4Addr) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = AddressFamily::Inet;
    message.header.prefix_len = 32;
    message.header.index = LOOPBACK;
    message.attributes = vec![
        AddressAttribute::Address(IpAddr::V4(address)),
        AddressAttribute::Local(IpAddr::V4(address)),
    ];
    message
}

fn route(table: u32, prefix: Cidr) -> RouteMessage {
    let mut route = RouteMessage::default();
    route.header.address_family = AddressFamily::Inet;
    route.header.destination_prefix_length = prefix.len();
    route.attributes.push(RouteAttribute::Table(table));
    if !prefix.is_default() {
        let network = RouteAddress::Inet(prefix.network());
        route.attributes.push(RouteAttribute::Destination(network));
    }
    route
}

fn rule(priority: u32, packets: Selector, table: u32) -> RuleMessage {
    let mut rule = RuleMessage::default();
    rule.header.family = AddressFamily::Inet;
    rule.header.action = RuleAction::ToTable;
    rule.attributes = vec![
        RuleAttribute::Priority(priority),
        RuleAttribute::Table(table),
    ];
    match packets {
        Selector::In(index) => rule.attributes.push(RuleAttribute::Iifname(name(index))),
        Selector::From(address) => {
            rule.header.src_len = 32;
            let source = RuleAttribute::Source(IpAddr::V4(address));
            rule.attributes.push(source);
        }
    }
    rule
}
