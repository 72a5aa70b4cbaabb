//! A small estate for tests: EC2 and NC2 in Tokyo, NC2 in Osaka, a BGP VPN on each Transit Gateway, and two Prism Centrals.
//!
//! Network P is 172.30.1.0/24 with one machine, 172.30.1.10: instance [`APP`] in EC2, VM [`VM`] (powered off) at both NC2 sites.
//! 172.30.2.10 ([`DMZ`]) does not move.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use stayput_estate::Cidr;
use stayput_estate::MacAddr;

use super::model::*;
use crate::clock::Clock;
use crate::clock::VTime;
use crate::prism::model::FlowSubnet;
use crate::prism::model::FlowVpc;
use crate::prism::model::Nic;
use crate::prism::model::PcState;
use crate::prism::model::Vm;
use crate::state::LabState;
use crate::state::Timing;

pub const TOKYO: &str = "ap-northeast-1";
pub const OSAKA: &str = "ap-northeast-3";
pub const EC2_VPC: &str = "vpc-0000ec20";
pub const EC2_APP: &str = "subnet-0000ec21";
pub const EC2_DMZ: &str = "subnet-0000ec22";
pub const EC2_TGW: &str = "subnet-0000ec2f";
pub const EC2_TABLE: &str = "rtb-0000ec20";
pub const APP: &str = "i-00000001";
pub const DMZ: &str = "i-00000002";
pub const NC2_T: &str = "vpc-00000c20";
pub const NC2_T_METAL: &str = "subnet-000c2021";
pub const NC2_T_TGW: &str = "subnet-000c202f";
pub const NC2_T_TABLE: &str = "rtb-00000c20";
pub const NC2_T_ENI: &str = "eni-00000c20";
pub const NC2_T_HOST: &str = "i-00000c20";
pub const NC2_O: &str = "vpc-00000c30";
pub const NC2_O_ENI: &str = "eni-00000c30";
pub const TGW_T: &str = "tgw-00000001";
pub const TGW_O: &str = "tgw-00000002";
pub const TABLE_T: &str = "tgw-rtb-00000001";
pub const TABLE_O: &str = "tgw-rtb-00000002";
pub const A_EC2: &str = "tgw-attach-0000ec20";
pub const A_NC2_T: &str = "tgw-attach-00000c20";
pub const A_NC2_O: &str = "tgw-attach-00000c30";
pub const A_VPN_T: &str = "tgw-attach-00000f01";
pub const A_VPN_O: &str = "tgw-attach-00000f02";
pub const A_PEER: &str = "tgw-attach-00000999";
pub const VPN_T: &str = "vpn-00000001";
pub const VPN_O: &str = "vpn-00000002";
pub const VM: &str = "vm-10";
pub const P: &str = "172.30.1.0/24";
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(172, 30, 1, 10);
pub const DMZ_ADDRESS: Ipv4Addr = Ipv4Addr::new(172, 30, 2, 10);

pub fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

fn subnet(vpc: &str, range: &str, az: &str) -> Subnet {
    Subnet {
        vpc: vpc.to_owned(),
        cidr: cidr(range),
        az: az.to_owned(),
        tags: Tags::new(),
    }
}

fn table(vpc: &str, routes: &[(&str, RouteTarget)]) -> RouteTable {
    RouteTable {
        vpc: vpc.to_owned(),
        main: true,
        associations: BTreeMap::new(),
        routes: routes
            .iter()
            .map(|(range, target)| (cidr(range), target.clone()))
            .collect(),
        list_routes: BTreeMap::new(),
        propagated: BTreeMap::new(),
        tags: Tags::new(),
    }
}

fn machine(region: &mut RegionState, id: &str, eni: &str, at: (&str, Ipv4Addr), forwards: bool) {
    let vpc = region.subnets[at.0].vpc.clone();
    let n = u8::try_from(region.enis.len()).unwrap();
    region.enis.insert(
        eni.to_owned(),
        Eni {
            vpc,
            subnet: at.0.to_owned(),
            mac: MacAddr::new([6, 0, 0, 0, 0, n]),
            kind: "interface".to_owned(),
            description: String::new(),
            requester_managed: false,
            instance: Some((id.to_owned(), 0)),
            source_dest_check: !forwards,
            primary: at.1,
            secondary: Vec::new(),
            tags: Tags::new(),
        },
    );
    region.instances.insert(
        id.to_owned(),
        Instance {
            state: InstanceState::Running,
            instance_type: "m5.large".to_owned(),
            architecture: "x86_64".to_owned(),
            platform_details: "Linux/UNIX".to_owned(),
            image: "ami-00000001".to_owned(),
            launched: VTime(1_700_000_000_000),
            enis: BTreeMap::from([(0, eni.to_owned())]),
            ssm_agent: SsmAgent::Online,
            guest: None,
            metadata_token_required: false,
            disk_bytes: 20 << 30,
            traits: stayput_world::aws::Traits::default(),
            tags: Tags::from([("Name".to_owned(), format!("name of {id}"))]),
        },
    );
}

fn attachment(tgw: &str, kind: AttachmentKind, created: u64) -> Attachment {
    Attachment {
        tgw: tgw.to_owned(),
        kind,
        state: "available".to_owned(),
        created: VTime(created),
        tags: Tags::new(),
    }
}

fn vpc_attachment(tgw: &str, vpc: &str, subnet: &str, created: u64) -> Attachment {
    let kind = AttachmentKind::Vpc {
        vpc: vpc.to_owned(),
        subnets: BTreeSet::from([subnet.to_owned()]),
    };
    attachment(tgw, kind, created)
}

fn peering(tgw: &str, region: &str, far: &str, requester: bool) -> Attachment {
    let kind = AttachmentKind::Peering {
        region: region.to_owned(),
        tgw: far.to_owned(),
        requester,
    };
    attachment(tgw, kind, 9)
}

fn vpn(tgw: &str, local_preference: u32) -> Vpn {
    Vpn {
        tgw: tgw.to_owned(),
        static_only: false,
        private: false,
        tunnels_up: 2,
        on_prem: BTreeSet::from([cidr("10.0.0.0/16")]),
        on_prem_statics: BTreeSet::new(),
        local_preference,
        customer_gateway: "198.51.100.1".to_owned(),
        tags: Tags::new(),
    }
}

fn tgw_table(tgw: &str, associations: &[&str], propagations: &[&str]) -> TgwRouteTable {
    let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    TgwRouteTable {
        tgw: tgw.to_owned(),
        associations: owned(associations),
        propagations: owned(propagations),
        statics: BTreeMap::new(),
        prefix_lists: BTreeMap::new(),
        tags: Tags::new(),
    }
}

fn vpc(range: &str) -> Vpc {
    Vpc {
        cidrs: vec![cidr(range)],
        tags: Tags::new(),
    }
}

fn tokyo() -> RegionState {
    let tgw = || RouteTarget::Tgw(TGW_T.to_owned());
    let mut region = RegionState::default();
    region.vpcs.insert(EC2_VPC.to_owned(), vpc("172.30.0.0/16"));
    region.vpcs.insert(NC2_T.to_owned(), vpc("10.101.0.0/16"));
    for (id, of, range) in [
        (EC2_APP, EC2_VPC, P),
        (EC2_DMZ, EC2_VPC, "172.30.2.0/24"),
        (EC2_TGW, EC2_VPC, "172.30.255.0/28"),
        (NC2_T_METAL, NC2_T, "10.101.1.0/24"),
        ("subnet-000c2023", NC2_T, "10.101.3.0/24"),
        (NC2_T_TGW, NC2_T, "10.101.255.0/28"),
    ] {
        let made = subnet(of, range, "ap-northeast-1a");
        region.subnets.insert(id.to_owned(), made);
    }
    region.route_tables.insert(
        EC2_TABLE.to_owned(),
        table(
            EC2_VPC,
            &[
                ("10.0.0.0/16", tgw()),
                ("10.101.0.0/16", tgw()),
                ("10.102.0.0/16", tgw()),
                ("0.0.0.0/0", RouteTarget::Igw("igw-00000001".to_owned())),
            ],
        ),
    );
    region.route_tables.insert(
        NC2_T_TABLE.to_owned(),
        table(
            NC2_T,
            &[
                ("10.0.0.0/16", tgw()),
                ("10.102.0.0/16", tgw()),
                ("0.0.0.0/0", RouteTarget::Nat("nat-00000001".to_owned())),
            ],
        ),
    );
    machine(&mut region, APP, "eni-00000001", (EC2_APP, ADDRESS), false);
    machine(
        &mut region,
        DMZ,
        "eni-00000002",
        (EC2_DMZ, DMZ_ADDRESS),
        false,
    );
    let host = ("subnet-000c2023", Ipv4Addr::new(10, 101, 3, 20));
    machine(&mut region, NC2_T_HOST, NC2_T_ENI, host, true);
    region.tgws.insert(
        TGW_T.to_owned(),
        Tgw {
            asn: 64512,
            default_table: None,
            tags: Tags::new(),
        },
    );
    region.attachments = BTreeMap::from([
        (A_EC2.to_owned(), vpc_attachment(TGW_T, EC2_VPC, EC2_TGW, 1)),
        (
            A_NC2_T.to_owned(),
            vpc_attachment(TGW_T, NC2_T, NC2_T_TGW, 2),
        ),
        (
            A_VPN_T.to_owned(),
            attachment(TGW_T, AttachmentKind::Vpn(VPN_T.to_owned()), 3),
        ),
        (A_PEER.to_owned(), peering(TGW_T, OSAKA, TGW_O, true)),
    ]);
    region.vpns.insert(VPN_T.to_owned(), vpn(TGW_T, 200));
    let all = [A_EC2, A_NC2_T, A_VPN_T, A_PEER];
    let mut table = tgw_table(TGW_T, &all, &[A_EC2, A_NC2_T, A_VPN_T]);
    table.statics = BTreeMap::from([(cidr("10.102.0.0/16"), standing(Some(A_PEER)))]);
    region.tgw_route_tables.insert(TABLE_T.to_owned(), table);
    region
}

fn osaka() -> RegionState {
    let tgw = || RouteTarget::Tgw(TGW_O.to_owned());
    let mut region = RegionState::default();
    region.vpcs.insert(NC2_O.to_owned(), vpc("10.102.0.0/16"));
    for (id, range) in [
        ("subnet-000c3021", "10.102.1.0/24"),
        ("subnet-000c3023", "10.102.3.0/24"),
        ("subnet-000c302f", "10.102.255.0/28"),
    ] {
        let made = subnet(NC2_O, range, "ap-northeast-3a");
        region.subnets.insert(id.to_owned(), made);
    }
    region.route_tables.insert(
        "rtb-00000c30".to_owned(),
        table(
            NC2_O,
            &[
                ("10.0.0.0/16", tgw()),
                ("10.101.0.0/16", tgw()),
                ("0.0.0.0/0", RouteTarget::Nat("nat-00000002".to_owned())),
            ],
        ),
    );
    let host = ("subnet-000c3023", Ipv4Addr::new(10, 102, 3, 20));
    machine(&mut region, "i-00000c30", NC2_O_ENI, host, true);
    region.tgws.insert(
        TGW_O.to_owned(),
        Tgw {
            asn: 64513,
            default_table: None,
            tags: Tags::new(),
        },
    );
    region.attachments = BTreeMap::from([
        (
            A_NC2_O.to_owned(),
            vpc_attachment(TGW_O, NC2_O, "subnet-000c302f", 2),
        ),
        (
            A_VPN_O.to_owned(),
            attachment(TGW_O, AttachmentKind::Vpn(VPN_O.to_owned()), 3),
        ),
        (A_PEER.to_owned(), peering(TGW_O, TOKYO, TGW_T, false)),
    ]);
    region.vpns.insert(VPN_O.to_owned(), vpn(TGW_O, 100));
    let mut table = tgw_table(TGW_O, &[A_NC2_O, A_VPN_O, A_PEER], &[A_NC2_O, A_VPN_O]);
    table.statics = BTreeMap::from([(cidr("10.101.0.0/16"), standing(Some(A_PEER)))]);
    region.tgw_route_tables.insert(TABLE_O.to_owned(), table);
    region
}

fn prism(name: &str, region: &str, vpc: &str) -> PcState {
    let mut pc = PcState {
        name: name.to_owned(),
        aws: (region.to_owned(), vpc.to_owned()),
        ..PcState::default()
    };
    let external = |nat| FlowSubnet {
        external: true,
        nat,
        ..FlowSubnet::default()
    };
    pc.subnets.insert("nat".to_owned(), external(true));
    pc.subnets.insert("nonat".to_owned(), external(false));
    pc.subnets.insert(
        "overlay".to_owned(),
        FlowSubnet {
            vpc: Some("prod".to_owned()),
            cidr: Some(cidr(P)),
            ..FlowSubnet::default()
        },
    );
    pc.vpcs.insert(
        "transit".to_owned(),
        FlowVpc {
            transit: true,
            external: BTreeSet::from(["nat".to_owned(), "nonat".to_owned()]),
            ..FlowVpc::default()
        },
    );
    pc.vpcs.insert(
        "prod".to_owned(),
        FlowVpc {
            external: BTreeSet::from(["nonat".to_owned()]),
            erps: BTreeSet::from([cidr(P)]),
            ..FlowVpc::default()
        },
    );
    pc.vms.insert(
        VM.to_owned(),
        Vm {
            name: "app".to_owned(),
            description: String::new(),
            on: false,
            categories: BTreeSet::new(),
            nics: vec![Nic {
                id: "nic".to_owned(),
                mac: MacAddr::new([0x50, 0x6b, 0x8d, 0, 0, 1]),
                subnet: "overlay".to_owned(),
                address: Some(ADDRESS),
                secondary: Vec::new(),
                connected: true,
                version: 0,
            }],
            shape: (2, 4 << 30),
            created: VTime(0),
            test_of: None,
            version: 0,
        },
    );
    pc
}

/// Returns the estate, with time stopped.
pub fn estate() -> LabState {
    let clock = Clock::new(VTime(1_780_000_000_000), 0.0);
    let mut lab = LabState::new(clock, Timing::default());
    lab.aws.account = "111122223333".to_owned();
    lab.aws.keys = BTreeMap::from([("AKIATEST".to_owned(), "secret".to_owned())]);
    lab.aws.on_prem = vec![cidr("10.0.0.0/16")];
    lab.aws.regions.insert(TOKYO.to_owned(), tokyo());
    lab.aws.regions.insert(OSAKA.to_owned(), osaka());
    lab.pcs = vec![prism("tokyo", TOKYO, NC2_T), prism("osaka", OSAKA, NC2_O)];
    lab
}

/// Returns a static route that is active already.
pub fn standing(target: Option<&str>) -> TgwStatic {
    TgwStatic {
        attachment: target.map(str::to_owned),
        active_from: VTime(0),
        before: None,
    }
}

impl LabState {
    /// Returns a region of the estate.
    pub fn region(&mut self, name: &str) -> &mut RegionState {
        self.aws.regions.get_mut(name).unwrap()
    }

    /// Adds or replaces an active static Transit Gateway route. The region follows from the table's id.
    pub fn route(&mut self, table: &str, range: &str, target: Option<&str>) {
        self.tgw_table(table)
            .statics
            .insert(cidr(range), standing(target));
    }

    /// Removes a static Transit Gateway route.
    pub fn unroute(&mut self, table: &str, range: &str) {
        self.tgw_table(table).statics.remove(&cidr(range));
    }

    fn tgw_table(&mut self, table: &str) -> &mut TgwRouteTable {
        self.aws
            .regions
            .values_mut()
            .find_map(|region| region.tgw_route_tables.get_mut(table))
            .unwrap()
    }

    /// Stops the source machine at once.
    pub fn stop_source(&mut self) {
        self.region(TOKYO).instances.get_mut(APP).unwrap().state = InstanceState::Stopped;
    }

    /// Powers the VM at a site on or off.
    pub fn power(&mut self, pc: usize, on: bool) {
        self.pcs[pc].vms.get_mut(VM).unwrap().on = on;
    }

    /// Adds or removes P as externally routable prefix of a site's transit VPC, and lets NC2 write its route.
    pub fn transit_erp(&mut self, pc: usize, on: bool) {
        let erps = &mut self.pcs[pc].vpcs.get_mut("transit").unwrap().erps;
        if on {
            erps.insert(cidr(P));
        } else {
            erps.remove(&cidr(P));
        }
        let (region, vpc) = self.pcs[pc].aws.clone();
        let eni = if pc == 0 { NC2_T_ENI } else { NC2_O_ENI };
        super::set_nc2_route(self, &region, &vpc, cidr(P), on.then_some(eni));
    }

    /// P is in NC2 Tokyo, after every step of AWS reference §8.2.
    pub fn moved(mut self) -> Self {
        self.stop_source();
        self.power(0, true);
        self.transit_erp(0, true);
        self.route(TABLE_T, P, Some(A_NC2_T));
        self
    }

    /// P is in NC2 Osaka, after every step of AWS reference §8.4.
    pub fn failed_over(self) -> Self {
        let mut lab = self.moved();
        lab.power(0, false);
        lab.power(1, true);
        lab.transit_erp(1, true);
        lab.route(TABLE_O, P, Some(A_NC2_O));
        lab.route(TABLE_T, P, Some(A_PEER));
        lab.transit_erp(0, false);
        lab
    }

    /// Advances virtual time by a second.
    pub fn one_second(&mut self) {
        let later = self.now().after(Duration::from_secs(3));
        self.clock = Clock::new(later, 0.0);
        self.catch_up();
    }
}
