//! The topology of the reference: an EC2 VPC and an NC2 VPC in Tokyo, an NC2 VPC in Osaka, a Transit Gateway in each region with a
//! peering between them, a BGP VPN to on-prem on each. Tests bend it by editing `estate` and `world` before `fabric()`.

// Each test file uses its own part of this; clippy knows tests by attribute, not helpers of tests.
#![allow(dead_code, clippy::unwrap_used)]

pub mod strategies;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use stayput_estate::*;
use stayput_fabric::*;
use stayput_world::Prism;
use stayput_world::World;
use stayput_world::aws::*;
use stayput_world::prism::*;

pub const T: &str = "ap-northeast-1";
pub const O: &str = "ap-northeast-3";
pub const EC2: &str = "ec2";
pub const NC2_T: &str = "nc2-tokyo";
pub const NC2_O: &str = "nc2-osaka";
/// The moving network.
pub const P: &str = "172.30.1.0/24";
/// The EC2 VPC.
pub const V: &str = "172.30.0.0/16";
pub const ON_PREM: &str = "10.0.0.0/16";
/// A machine in P.
pub const WEB: &str = "172.30.1.34";
/// Its neighbour in P.
pub const WEB2: &str = "172.30.1.35";
/// A machine of the EC2 VPC that stays.
pub const STAYS: &str = "172.30.2.20";
/// A load balancer of the EC2 VPC.
pub const BALANCER: &str = "172.30.2.50";
/// A machine in the other moving network.
pub const DB: &str = "172.30.3.10";

pub fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

pub fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

pub fn to(attachment: &str) -> TgwTarget {
    TgwTarget::Attachment(attachment.into())
}

/// The estate and what was observed of it.
#[derive(Clone)]
pub struct Setup {
    pub estate: Estate,
    pub world: World,
}

impl Setup {
    pub fn new() -> Self {
        let mut world = World::default();
        world.aws.insert(T.into(), tokyo());
        world.aws.insert(O.into(), osaka());
        world.prism.insert(NC2_T.into(), prism("t"));
        world.prism.insert(NC2_O.into(), prism("o"));
        Self {
            estate: estate(),
            world,
        }
    }

    pub fn fabric(&self) -> Fabric {
        Fabric::new(&self.estate, &self.world)
    }

    pub fn aws(&mut self, region: &str) -> &mut AwsRegion {
        self.world.aws.get_mut(&Region::from(region)).unwrap()
    }

    pub fn tgw_table(&mut self, region: &str, table: &str) -> &mut TgwRouteTable {
        self.aws(region)
            .tgw_route_tables
            .get_mut(&TgwRouteTableId::from(table))
            .unwrap()
    }

    pub fn vpc_table(&mut self, region: &str, table: &str) -> &mut VpcRouteTable {
        self.aws(region)
            .route_tables
            .get_mut(&RouteTableId::from(table))
            .unwrap()
    }

    pub fn attachment(&mut self, region: &str, attachment: &str) -> &mut TgwAttachment {
        self.aws(region)
            .attachments
            .get_mut(&AttachmentId::from(attachment))
            .unwrap()
    }

    pub fn prism(&mut self, site: &str) -> &mut Prism {
        self.world.prism.get_mut(&SiteName::from(site)).unwrap()
    }

    pub fn edge(&mut self, edge: &str) -> &mut Edge {
        self.estate.edges.get_mut(&EdgeName::from(edge)).unwrap()
    }

    /// Both edges become Direct Connect, each on a gateway of this name.
    pub fn direct_connect(&mut self, tokyo: (&str, &[&str]), osaka: (&str, &[&str])) {
        for (region, letter, edge, (gateway, allowed)) in
            [(T, "t", "tokyo", tokyo), (O, "o", "osaka", osaka)]
        {
            self.edge(edge).kind = EdgeKind::DirectConnect {
                gateway: gateway.into(),
            };
            self.attachment(region, &format!("tgw-attach-edge-{letter}"))
                .kind = AttachmentKind::DirectConnect(gateway.into());
            self.aws(region).dx_associations.push(DxAssociation {
                id: format!("assoc-{letter}"),
                gateway: gateway.into(),
                tgw: format!("tgw-{letter}").as_str().into(),
                state: "associated".into(),
                allowed_prefixes: allowed.iter().map(|text| cidr(text)).collect(),
            });
        }
    }
}

fn estate() -> Estate {
    let site = |name: &str, region: &str, letter: &str| Nc2Site {
        name: name.into(),
        region: region.into(),
        vpc: format!("vpc-nc2{letter}").as_str().into(),
        tgw: format!("tgw-{letter}").as_str().into(),
        flow_vpc: "user-vpc".into(),
        transit_vpc: "transit-vpc".into(),
        test_vpc: "test-vpc".into(),
        dns_servers: Vec::new(),
        prism: Appliance {
            url: "https://127.0.0.1:9440".into(),
            trust: Trust::System,
        },
        mv: None,
    };
    let network = |name: &str, prefix: &str, subnet: &str| Network {
        name: name.into(),
        cidr: cidr(prefix),
        ec2_subnet: subnet.into(),
        primary: NC2_T.into(),
        recovery: Some(NC2_O.into()),
    };
    let edge = |name: &str, region: &str, letter: &str, local_preference| Edge {
        name: name.into(),
        region: region.into(),
        tgw: format!("tgw-{letter}").as_str().into(),
        attachment: format!("tgw-attach-edge-{letter}").as_str().into(),
        kind: EdgeKind::BgpVpn,
        local_preference,
    };
    Estate {
        name: "test".into(),
        source: Ec2Site {
            name: EC2.into(),
            region: T.into(),
            vpc: "vpc-ec2".into(),
            tgw: "tgw-t".into(),
            capture_document: None,
        },
        sites: [site(NC2_T, T, "t"), site(NC2_O, O, "o")]
            .map(|site| (site.name.clone(), site))
            .into(),
        networks: [
            network("web", P, "subnet-web"),
            network("db", "172.30.3.0/24", "subnet-db"),
        ]
        .map(|network| (network.name.clone(), network))
        .into(),
        waves: BTreeMap::new(),
        edges: [edge("tokyo", T, "t", 200), edge("osaka", O, "o", 100)]
            .map(|edge| (edge.name.clone(), edge))
            .into(),
        on_prem: vec![cidr(ON_PREM)],
        protection: Protection {
            rpo: Duration::from_secs(3600),
            retention: 2,
            category: "stayput".into(),
        },
        ledger: LedgerConfig::Sqlite {
            path: PathBuf::from("ledger.db"),
        },
        aws: AwsAccess::default(),
        engine: EngineConfig::default(),
        accepted: BTreeMap::new(),
    }
}

fn tokyo() -> AwsRegion {
    let mut aws = nc2_region("t", "10.101.0.0/16", "10.102.0.0/16", O, "o");
    add_vpc(&mut aws, "vpc-ec2", V);
    for (subnet, prefix) in [
        ("subnet-web", P),
        ("subnet-stays", "172.30.2.0/24"),
        ("subnet-db", "172.30.3.0/24"),
        ("subnet-tgw", "172.30.255.0/28"),
    ] {
        add_subnet(&mut aws, subnet, "vpc-ec2", prefix);
    }
    add_table(
        &mut aws,
        "rtb-ec2",
        "vpc-ec2",
        vec![
            route(V, VpcRouteTarget::Local),
            route(ON_PREM, VpcRouteTarget::Tgw("tgw-t".into())),
            route("0.0.0.0/0", VpcRouteTarget::Gateway("igw-ec2".into())),
        ],
    );
    for (name, subnet, address) in [
        ("web", "subnet-web", WEB),
        ("web2", "subnet-web", WEB2),
        ("stays", "subnet-stays", STAYS),
        ("db", "subnet-db", DB),
    ] {
        add_instance(&mut aws, name, "vpc-ec2", subnet, "m5.large");
        add_eni(&mut aws, name, "vpc-ec2", subnet, address, Some(name));
    }
    add_eni(&mut aws, "lb", "vpc-ec2", "subnet-stays", BALANCER, None);
    attach_vpc(&mut aws, "t", "ec2", "vpc-ec2", &["subnet-tgw"]);
    aws
}

fn osaka() -> AwsRegion {
    let mut aws = nc2_region("o", "10.102.0.0/16", "10.101.0.0/16", T, "t");
    // Osaka reaches the EC2 VPC, and what came from it, through Tokyo.
    let table = aws
        .tgw_route_tables
        .get_mut(&TgwRouteTableId::from("tgw-rtb-o"))
        .unwrap();
    table.static_routes.insert(cidr(V), to("tgw-attach-peer"));
    aws
}

/// A region with an NC2 cluster: its VPC with a host, a Transit Gateway with one default table, a VPN and a peering.
fn nc2_region(letter: &str, own: &str, other: &str, far_region: &str, far: &str) -> AwsRegion {
    let mut aws = AwsRegion::default();
    let tgw = format!("tgw-{letter}");
    let table = format!("tgw-rtb-{letter}");
    aws.tgws.insert(
        tgw.as_str().into(),
        Tgw {
            state: "available".into(),
            asn: None,
            default_association_table: Some(table.as_str().into()),
        },
    );
    aws.tgw_route_tables.insert(
        table.as_str().into(),
        TgwRouteTable {
            tgw: tgw.as_str().into(),
            name: None,
            associations: BTreeSet::new(),
            propagations: BTreeSet::new(),
            static_routes: BTreeMap::from([(cidr(other), to("tgw-attach-peer"))]),
            prefix_list_references: BTreeMap::new(),
            learned_routes: BTreeMap::new(),
        },
    );
    let vpc = format!("vpc-nc2{letter}");
    let base = &own[..own.len() - "0.0/16".len()];
    add_vpc(&mut aws, &vpc, own);
    add_subnet(
        &mut aws,
        &format!("subnet-metal-{letter}"),
        &vpc,
        &format!("{base}1.0/24"),
    );
    add_subnet(
        &mut aws,
        &format!("subnet-flow-{letter}"),
        &vpc,
        &format!("{base}2.0/24"),
    );
    add_table(
        &mut aws,
        &format!("rtb-nc2{letter}"),
        &vpc,
        vec![
            route(own, VpcRouteTarget::Local),
            route(ON_PREM, VpcRouteTarget::Tgw(tgw.as_str().into())),
            route(other, VpcRouteTarget::Tgw(tgw.as_str().into())),
            route(
                "0.0.0.0/0",
                VpcRouteTarget::Gateway(format!("nat-{letter}")),
            ),
        ],
    );
    let host = format!("host-{letter}");
    let metal = format!("subnet-metal-{letter}");
    let flow = format!("subnet-flow-{letter}");
    add_instance(&mut aws, &host, &vpc, &metal, "i4i.metal");
    add_eni(
        &mut aws,
        &host,
        &vpc,
        &metal,
        &format!("{base}1.10"),
        Some(&host),
    );
    let gateway = format!("gw-{letter}");
    add_eni(
        &mut aws,
        &gateway,
        &vpc,
        &flow,
        &format!("{base}2.10"),
        Some(&host),
    );
    aws.enis
        .get_mut(&EniId::new(format!("eni-{gateway}")))
        .unwrap()
        .source_dest_check = false;
    attach_vpc(&mut aws, letter, &format!("nc2{letter}"), &vpc, &[&metal]);
    attach(
        &mut aws,
        letter,
        &format!("tgw-attach-edge-{letter}"),
        AttachmentKind::Vpn(VpnId::new(format!("vpn-{letter}"))),
    );
    aws.vpns.insert(
        VpnId::new(format!("vpn-{letter}")),
        Vpn {
            tgw: Some(tgw.as_str().into()),
            state: "available".into(),
            static_routes_only: false,
            private: false,
            tunnels_up: 2,
        },
    );
    attach(
        &mut aws,
        letter,
        "tgw-attach-peer",
        AttachmentKind::Peering {
            region: far_region.into(),
            tgw: TgwId::new(format!("tgw-{far}")),
        },
    );
    aws.tgw_route_tables
        .get_mut(&TgwRouteTableId::from(table.as_str()))
        .unwrap()
        .learned_routes
        .insert(
            cidr(ON_PREM),
            BTreeSet::from([AttachmentId::new(format!("tgw-attach-edge-{letter}"))]),
        );
    aws
}

pub fn add_vpc(aws: &mut AwsRegion, vpc: &str, prefix: &str) {
    aws.vpcs.insert(
        vpc.into(),
        Vpc {
            cidrs: vec![cidr(prefix)],
            tags: BTreeMap::new(),
        },
    );
}

pub fn add_subnet(aws: &mut AwsRegion, subnet: &str, vpc: &str, prefix: &str) {
    aws.subnets.insert(
        subnet.into(),
        VpcSubnet {
            vpc: vpc.into(),
            cidr: cidr(prefix),
            availability_zone: "a".into(),
            name: None,
        },
    );
}

/// Adds a main table when it is the VPC's first.
pub fn add_table(aws: &mut AwsRegion, table: &str, vpc: &str, routes: Vec<VpcRoute>) {
    let vpc = VpcId::from(vpc);
    let main = !aws.route_tables.values().any(|table| table.vpc == vpc);
    aws.route_tables.insert(
        table.into(),
        VpcRouteTable {
            vpc,
            main,
            subnets: BTreeSet::new(),
            routes,
        },
    );
}

pub fn route(destination: &str, target: VpcRouteTarget) -> VpcRoute {
    VpcRoute {
        destination: RouteDestination::Cidr(cidr(destination)),
        target,
        state: VpcRouteState::Active,
        propagated: false,
    }
}

pub fn add_instance(aws: &mut AwsRegion, name: &str, vpc: &str, subnet: &str, kind: &str) {
    aws.instances.insert(
        InstanceId::new(format!("i-{name}")),
        Instance {
            state: InstanceState::Running,
            instance_type: kind.into(),
            architecture: "x86_64".into(),
            platform: "Linux/UNIX".into(),
            vpc: Some(vpc.into()),
            subnet: Some(subnet.into()),
            enis: Vec::new(),
            root_device: None,
            traits: None,
            tags: BTreeMap::from([("Name".to_owned(), name.to_owned())]),
        },
    );
}

pub fn add_eni(
    aws: &mut AwsRegion,
    name: &str,
    vpc: &str,
    subnet: &str,
    address: &str,
    instance: Option<&str>,
) {
    let number = u8::try_from(aws.enis.len() % 256).unwrap();
    aws.enis.insert(
        EniId::new(format!("eni-{name}")),
        Eni {
            vpc: vpc.into(),
            subnet: subnet.into(),
            mac: MacAddr::new([2, 0, 0, 0, 0, number]),
            interface_type: if instance.is_some() {
                "interface".into()
            } else {
                "network_load_balancer".into()
            },
            description: String::new(),
            requester_managed: instance.is_none(),
            attached_to: instance.map(|name| (InstanceId::new(format!("i-{name}")), 0)),
            source_dest_check: true,
            in_use: true,
            other_status: None,
            primary: Some(ip(address)),
            secondary: Vec::new(),
            public: BTreeMap::new(),
            not_carried: Vec::new(),
        },
    );
}

/// Attaches something and, as a default table does, associates it and propagates from it.
pub fn attach(aws: &mut AwsRegion, letter: &str, attachment: &str, kind: AttachmentKind) {
    let id = AttachmentId::from(attachment);
    let table = TgwRouteTableId::new(format!("tgw-rtb-{letter}"));
    let peering = matches!(kind, AttachmentKind::Peering { .. });
    aws.attachments.insert(
        id.clone(),
        TgwAttachment {
            tgw: TgwId::new(format!("tgw-{letter}")),
            kind,
            state: AttachmentState::Available,
            association: Some(table.clone()),
        },
    );
    let table = aws.tgw_route_tables.get_mut(&table).unwrap();
    table.associations.insert(id.clone());
    if !peering {
        table.propagations.insert(id);
    }
}

pub fn attach_vpc(aws: &mut AwsRegion, letter: &str, name: &str, vpc: &str, subnets: &[&str]) {
    let kind = AttachmentKind::Vpc {
        vpc: vpc.into(),
        subnets: subnets
            .iter()
            .map(|subnet| SubnetId::from(*subnet))
            .collect(),
    };
    attach(aws, letter, &format!("tgw-attach-{name}"), kind);
}

fn prism(letter: &str) -> Prism {
    let flow_vpc = |name: &str, transit, uplink: Option<&str>| FlowVpc {
        name: name.into(),
        transit,
        external_subnets: uplink.into_iter().map(SubnetExtId::from).collect(),
        erps: BTreeSet::new(),
    };
    let subnet = |name: &str, vpc: Option<&str>, prefix: &str, external, nat| FlowSubnet {
        name: name.into(),
        vpc: vpc.map(FlowVpcExtId::from),
        cidr: Some(cidr(prefix)),
        gateway: None,
        pools: Vec::new(),
        external,
        nat,
        reserved: BTreeSet::new(),
        dns: None,
    };
    let vm = |name: &str, subnet: &str, address: &str| Vm {
        name: name.into(),
        cluster: None,
        power: PowerState::Off,
        categories: BTreeSet::new(),
        nics: vec![Nic {
            id: NicExtId::new(format!("nic-{name}")),
            mac: None,
            subnet: Some(subnet.into()),
            address: Some(ip(address)),
            secondary: Vec::new(),
            learned: Vec::new(),
            connected: true,
        }],
    };
    Prism {
        domain_manager: DomainManagerId::new(format!("dm-{letter}")),
        registrations: BTreeMap::new(),
        vpcs: BTreeMap::from([
            ("flow-test".into(), flow_vpc("test-vpc", false, None)),
            ("flow-transit".into(), flow_vpc("transit-vpc", true, None)),
            (
                "flow-user".into(),
                flow_vpc("user-vpc", false, Some("uplink-nonat")),
            ),
        ]),
        subnets: BTreeMap::from([
            (
                "uplink-nonat".into(),
                subnet("nonat", Some("flow-transit"), "100.64.10.0/24", true, false),
            ),
            (
                "uplink-nat".into(),
                subnet("nat", Some("flow-transit"), "100.64.11.0/24", true, true),
            ),
            (
                "overlay-web".into(),
                subnet("web", Some("flow-user"), P, false, false),
            ),
            (
                "overlay-db".into(),
                subnet("db", Some("flow-user"), "172.30.3.0/24", false, false),
            ),
            (
                "test-web".into(),
                subnet("test-web", Some("flow-test"), P, false, false),
            ),
        ]),
        vms: BTreeMap::from([
            (VmExtId::from("vm-web"), vm("web", "overlay-web", WEB)),
            (VmExtId::from("vm-web2"), vm("web2", "overlay-web", WEB2)),
            (VmExtId::from("vm-db"), vm("db", "overlay-db", DB)),
        ]),
        categories: BTreeMap::new(),
        policies: BTreeMap::new(),
        recovery_plans: BTreeMap::new(),
        jobs: BTreeMap::new(),
        recovery_points: BTreeMap::new(),
        unreadable: Vec::new(),
        confirmed_absent: BTreeSet::new(),
        confirmed_absent_objects: BTreeSet::new(),
    }
}

// Changes by short names.

pub fn tgw_t(prefix: &str, target: Option<TgwTarget>) -> Change {
    tgw_route(T, "tgw-rtb-t", prefix, target)
}

pub fn tgw_o(prefix: &str, target: Option<TgwTarget>) -> Change {
    tgw_route(O, "tgw-rtb-o", prefix, target)
}

pub fn tgw_route(region: &str, table: &str, prefix: &str, target: Option<TgwTarget>) -> Change {
    Change::TgwRoute {
        region: region.into(),
        table: table.into(),
        cidr: cidr(prefix),
        target,
    }
}

pub fn erp(site: &str, scope: ErpScope, prefix: &str, present: bool) -> Change {
    Change::Erp {
        site: site.into(),
        scope,
        cidr: cidr(prefix),
        present,
    }
}

pub fn serve(site: &str, address: &str, serving: bool) -> Change {
    Change::Serve {
        site: site.into(),
        address: ip(address),
        serving,
    }
}

pub fn detach(region: &str, attachment: &str) -> Change {
    Change::Attachment {
        region: region.into(),
        attachment: attachment.into(),
        attached: false,
    }
}

/// Both machines of P from one site to another, stopped before they start.
pub fn machines(from: &str, at: &str) -> Vec<Change> {
    [WEB, WEB2]
        .into_iter()
        .flat_map(|address| [serve(from, address, false), serve(at, address, true)])
        .collect()
}

pub fn after(mut fabric: Fabric, changes: impl IntoIterator<Item = Change>) -> Fabric {
    for change in changes {
        fabric.try_apply(&change).unwrap();
    }
    fabric
}

/// The state after the cutover of AWS reference §8.2: P is in Tokyo.
pub fn moved(setup: &Setup) -> Fabric {
    let mut changes = vec![erp(NC2_T, ErpScope::UserVpc, P, true)];
    changes.extend(machines(EC2, NC2_T));
    changes.push(erp(NC2_T, ErpScope::TransitVpc, P, true));
    changes.push(tgw_t(P, Some(to("tgw-attach-nc2t"))));
    after(setup.fabric(), changes)
}

/// The state after the failover of AWS reference §8.4: P is in Osaka.
pub fn failed_over(setup: &Setup) -> Fabric {
    let mut changes = vec![erp(NC2_O, ErpScope::UserVpc, P, true)];
    changes.extend(machines(NC2_T, NC2_O));
    changes.push(erp(NC2_O, ErpScope::TransitVpc, P, true));
    changes.push(tgw_o(P, Some(to("tgw-attach-nc2o"))));
    changes.push(tgw_t(P, Some(to("tgw-attach-peer"))));
    changes.push(erp(NC2_T, ErpScope::TransitVpc, P, false));
    after(moved(setup), changes)
}

pub fn via(edge: &str) -> Source {
    Source::OnPremVia { edge: edge.into() }
}

/// The verdict in one short text: what tests compare.
pub fn brief(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Delivered { place, .. } => format!("delivered at {place}"),
        Verdict::NoRoute { at } => format!("no route at {at}"),
        Verdict::Blackhole { at } => format!("blackhole at {at}"),
        Verdict::DeadEni { eni, cause, .. } => format!("dead {eni}: {cause:?}"),
        Verdict::LeavesByNat { gateway, .. } => format!("leaves by {gateway}"),
        Verdict::WrongSite {
            sent_to,
            machine_at,
            steerable,
        } => format!(
            "{} {sent_to}, machine at {machine_at}",
            if *steerable { "wrong site" } else { "local at" }
        ),
        Verdict::NoMachine { place } => format!("no machine at {place}"),
        Verdict::Loop { cycle } => {
            let names: Vec<_> = cycle.iter().map(ToString::to_string).collect();
            format!("loop {}", names.join(", "))
        }
        Verdict::RegionDown { region, .. } => format!("{region} is down"),
        Verdict::Unmodelled { what, .. } => format!("unknown: {what}"),
    }
}

pub fn ends(fabric: &Fabric, from: &Source, address: &str) -> String {
    let verdict = fabric.verdict(from, ip(address));
    assert_eq!(verdict, fabric.trace(from, ip(address)).verdict);
    brief(&verdict)
}

pub fn from_on_prem(fabric: &Fabric, address: &str) -> String {
    ends(fabric, &Source::OnPrem, address)
}

pub fn ec2_subnet(subnet: &str) -> Source {
    Source::Ec2Subnet {
        vpc: "vpc-ec2".into(),
        subnet: subnet.into(),
    }
}

pub fn nc2(site: &str) -> Source {
    Source::Nc2Vpc { site: site.into() }
}

pub fn overlay(site: &str, network: &str) -> Source {
    Source::Overlay {
        site: site.into(),
        network: network.into(),
    }
}
