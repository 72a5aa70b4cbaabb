//! What every generated world has in common: names, prefixes, addresses.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use stayput_estate::*;
use stayput_lab::state::LabState;

/// A region with the letter its ids end with and the CIDR of its NC2 VPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    pub region: &'static str,
    pub letter: &'static str,
    pub site: &'static str,
    /// First two octets of the NC2 VPC.
    pub nc2: &'static str,
    /// CIDRs the region's spoke VPC may have.
    pub spokes: [&'static str; 4],
}

pub const TOKYO: Side = Side {
    region: "ap-northeast-1",
    letter: "t",
    site: "nc2-tokyo",
    nc2: "10.101",
    // The last is that of the EC2 VPC.
    spokes: ["10.50.0.0/16", "172.30.128.0/17", "172.30.2.0/24", EC2_CIDR],
};
pub const OSAKA: Side = Side {
    region: "ap-northeast-3",
    letter: "o",
    site: "nc2-osaka",
    nc2: "10.102",
    spokes: [
        "10.60.0.0/16",
        "172.16.0.0/12",
        "172.30.1.0/24",
        "10.60.0.0/16",
    ],
};
pub const SIDES: [Side; 2] = [TOKYO, OSAKA];
pub const EC2: &str = "ec2";
pub const EC2_CIDR: &str = "172.30.0.0/16";
/// The networks: name, CIDR.
pub const NETWORKS: [(&str, &str); 3] = [
    ("app", "172.30.1.0/24"),
    ("db", "172.30.2.0/24"),
    ("small", "172.30.3.128/25"),
];
/// An overlay network that never was in EC2, on a user VPC of its own.
pub const OTHER: (&str, &str) = ("other", "172.31.7.0/24");
/// What is behind the on-prem router.
pub const ON_PREM: [&str; 3] = ["10.0.0.0/16", "192.168.0.0/20", "10.0.5.0/24"];

/// Machines of the EC2 VPC: name, subnet, addresses. They run in EC2 before the move, and at NC2 after it.
pub const MACHINES: [(&str, &str, &[&str]); 5] = [
    ("web", "app", &["172.30.1.34", "172.30.1.44"]),
    ("web2", "app", &["172.30.1.35"]),
    ("db", "db", &["172.30.2.20"]),
    ("small", "small", &["172.30.3.130"]),
    ("rest", "rest", &["172.30.9.9"]),
];
/// A load balancer in the app subnet.
pub const BALANCER: &str = "172.30.1.200";

/// Prefixes that routes are written for: they nest, overlap and miss the networks.
pub const PREFIXES: [&str; 20] = [
    "172.30.1.0/24",
    "172.30.2.0/24",
    "172.30.3.128/25",
    "172.30.0.0/16",
    "172.30.1.0/25",
    "172.30.1.128/25",
    "172.30.1.34/32",
    "172.30.1.35/32",
    "172.30.2.20/32",
    "172.30.2.0/23",
    "172.16.0.0/12",
    "172.31.7.0/24",
    "0.0.0.0/0",
    "10.0.0.0/16",
    "192.168.0.0/20",
    "10.0.0.0/8",
    "10.101.0.0/16",
    "10.102.0.0/16",
    "10.50.0.0/16",
    "10.60.0.0/16",
];

/// Prefixes that are made externally routable.
pub const ERPS: [&str; 5] = [
    "172.30.1.0/24",
    "172.30.2.0/24",
    "172.30.3.128/25",
    "172.30.0.0/16",
    "172.30.1.0/25",
];

/// Further destinations: unused addresses, stand-ins, pool addresses.
pub const UNUSED: [&str; 10] = [
    "172.30.1.77",
    "172.30.1.201",
    "172.30.2.99",
    "172.30.3.5",
    "172.31.7.9",
    "172.30.200.10",
    "10.0.0.10",
    "10.0.5.10",
    "192.168.1.1",
    "8.8.8.8",
];

pub fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

pub fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

/// The estate without edges.
pub fn estate(on_prem: Vec<Cidr>) -> Estate {
    let site = |side: Side| Nc2Site {
        name: side.site.into(),
        region: side.region.into(),
        vpc: format!("vpc-nc2{}", side.letter).as_str().into(),
        tgw: format!("tgw-{}", side.letter).as_str().into(),
        flow_vpc: "user".to_owned(),
        transit_vpc: "transit-vpc".to_owned(),
        test_vpc: "test".to_owned(),
        dns_servers: Vec::new(),
        prism: Appliance {
            url: format!("https://prism-{}.example", side.letter),
            trust: Trust::System,
        },
        mv: None,
    };
    let networks = NETWORKS.map(|(name, prefix)| {
        let network = Network {
            name: name.into(),
            cidr: cidr(prefix),
            ec2_subnet: format!("subnet-{name}").as_str().into(),
            primary: TOKYO.site.into(),
            recovery: Some(OSAKA.site.into()),
        };
        (NetworkName::from(name), network)
    });
    Estate {
        name: "two-opinions".to_owned(),
        source: Ec2Site {
            name: EC2.into(),
            region: TOKYO.region.into(),
            vpc: "vpc-ec2".into(),
            tgw: "tgw-t".into(),
            capture_document: None,
        },
        sites: SIDES
            .map(|side| (SiteName::from(side.site), site(side)))
            .into(),
        networks: networks.into(),
        waves: BTreeMap::new(),
        edges: BTreeMap::new(),
        on_prem,
        protection: Protection {
            rpo: Duration::from_secs(3600),
            retention: 2,
            category: "stayput-protect".to_owned(),
        },
        ledger: LedgerConfig::Sqlite {
            path: PathBuf::from("stayput.db"),
        },
        aws: AwsAccess::default(),
        engine: EngineConfig::default(),
        accepted: BTreeMap::new(),
    }
}

/// Used addresses, and some unused ones.
pub fn known(lab: &LabState) -> Vec<Ipv4Addr> {
    let regions = lab.aws.regions.values();
    let enis = regions.flat_map(|region| region.enis.values());
    let of_enis = enis.flat_map(|eni| std::iter::once(eni.primary).chain(eni.secondary.clone()));
    let vms = lab.pcs.iter().flat_map(|pc| pc.vms.values());
    let nics = vms.flat_map(|vm| &vm.nics);
    let of_vms = nics.flat_map(|nic| nic.address.into_iter().chain(nic.secondary.clone()));
    // Machines of the networks are what it is about.
    let machines = MACHINES.iter().flat_map(|(_, _, addresses)| *addresses);
    let known = machines.chain(&UNUSED).map(|text| ip(text));
    known.chain(of_enis).chain(of_vms).collect()
}
