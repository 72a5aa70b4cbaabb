//! The article's estate as data: an EC2 VPC and an NC2 cluster in Tokyo, an NC2 cluster in Osaka, a Transit Gateway in each region
//! with a table for its edge and one for its VPCs, a peering between them, a BGP VPN to on-prem on each.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use stayput_estate::*;
use stayput_plan::FailoverMode;
use stayput_plan::Goal;
use stayput_plan::Obstacle;
use stayput_plan::Plan;
use stayput_world::AwsRegion;
use stayput_world::Facts;
use stayput_world::Prism;
use stayput_world::World;
use stayput_world::aws::*;
use stayput_world::mv::*;
use stayput_world::prism::*;

pub const TOKYO: &str = "tokyo";
pub const OSAKA: &str = "osaka";
pub const EC2: &str = "ec2";
/// The EC2 VPC.
pub const LEGACY: &str = "172.30.0.0/16";
pub const ON_PREM: &str = "10.0.0.0/16";

/// Site, its region, the letter in its ids, its VPC.
const SITES: [(&str, &str, &str, &str); 2] = [
    (TOKYO, "ap-northeast-1", "t", "10.101.0.0/16"),
    (OSAKA, "ap-northeast-3", "o", "10.102.0.0/16"),
];

/// Networks: name, prefix, whether they fail over. Of dmz only bystanders are on the way.
const NETWORKS: [(&str, &str, bool); 3] = [
    ("app", "172.30.1.0/24", true),
    ("db", "172.30.3.0/24", true),
    ("dmz", "172.30.2.0/24", false),
];

/// Machines: name, interfaces as `primary secondary…`, whether they run.
const MACHINES: [(&str, &[&str], bool); 6] = [
    ("web", &["172.30.1.34"], true),
    ("api", &["172.30.1.35 172.30.1.110 172.30.1.111"], true),
    ("bridge", &["172.30.1.20", "172.30.3.20"], true),
    ("old", &["172.30.1.60"], false),
    ("postgres", &["172.30.3.10 172.30.3.110"], true),
    ("proxy", &["172.30.2.20"], true),
];

pub fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

pub fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

pub fn to(attachment: &str) -> TgwTarget {
    TgwTarget::Attachment(attachment.into())
}

pub fn names(networks: &[&str]) -> BTreeSet<NetworkName> {
    networks
        .iter()
        .map(|name| NetworkName::from(*name))
        .collect()
}

pub fn capture(networks: &[&str]) -> Goal {
    Goal::Capture {
        networks: names(networks),
    }
}

pub fn move_in(networks: &[&str]) -> Goal {
    Goal::Move {
        networks: names(networks),
    }
}

pub fn protect(networks: &[&str]) -> Goal {
    Goal::Protect {
        networks: names(networks),
    }
}

pub fn failover(networks: &[&str], to: &str) -> Goal {
    let mode = FailoverMode::Planned;
    Goal::Failover {
        networks: names(networks),
        to: to.into(),
        mode,
    }
}

pub fn test_failover(networks: &[&str], to: &str) -> Goal {
    let mode = FailoverMode::Test;
    Goal::Failover {
        networks: names(networks),
        to: to.into(),
        mode,
    }
}

pub fn failback(networks: &[&str]) -> Goal {
    Goal::Failback {
        networks: names(networks),
    }
}

/// What a plan is made from. Tests bend it by editing its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup {
    pub estate: Estate,
    pub world: World,
    pub facts: Facts,
}

impl Setup {
    /// Everything in EC2, nothing captured.
    pub fn new() -> Self {
        let mut setup = Self::without_machines();
        for (name, nics, runs) in MACHINES {
            setup.machine(name, nics, runs);
        }
        setup
    }

    /// One machine in app.
    pub fn small() -> Self {
        let mut setup = Self::without_machines();
        setup.machine("web", &["172.30.1.34"], true);
        setup
    }

    pub fn without_machines() -> Self {
        let mut world = World::default();
        for (site, region, letter, prefix) in SITES {
            let far = SITES.iter().find(|(other, ..)| *other != site).unwrap();
            world
                .aws
                .insert(region.into(), region_of(letter, prefix, far));
            world.prism.insert(site.into(), prism(letter, far.2));
        }
        let target = MoveCluster {
            name: "nc2-tokyo".into(),
            containers: BTreeMap::from([("default".into(), "container-1".into())]),
            networks: BTreeMap::new(),
        };
        let provider = |name: &str, kind, clusters| MoveProvider {
            name: name.into(),
            kind,
            clusters,
        };
        let providers = BTreeMap::from([
            (
                "provider-aws".into(),
                provider("aws", MoveProviderKind::Aws, BTreeMap::new()),
            ),
            (
                "provider-aos".into(),
                provider(
                    "nc2",
                    MoveProviderKind::Aos,
                    BTreeMap::from([("cluster-t".into(), target)]),
                ),
            ),
        ]);
        world.moves.insert(
            TOKYO.into(),
            MoveAppliance {
                providers,
                ..MoveAppliance::default()
            },
        );
        let mut setup = Self {
            estate: estate(),
            world,
            facts: Facts::default(),
        };
        setup.legacy_vpc();
        setup
    }

    /// The setup after goals have been reached one after the other.
    pub fn after(mut self, goals: &[Goal]) -> Self {
        for goal in goals {
            for step in self.plan(goal).unwrap().steps {
                self.apply(&step);
            }
        }
        self
    }

    pub fn plan(&self, goal: &Goal) -> Result<Plan, Vec<Obstacle>> {
        stayput_plan::plan(&self.estate, &self.world, &self.facts, goal)
    }

    /// The plan as a person reads it, or the obstacles with their remedies.
    pub fn shown(&self, goal: &Goal) -> String {
        match self.plan(goal) {
            Ok(plan) => stayput_plan::render(&plan),
            Err(obstacles) => obstacles
                .iter()
                .map(|obstacle| format!("{obstacle}\n  → {}\n", obstacle.remedy()))
                .collect(),
        }
    }

    pub fn aws(&mut self, region: &str) -> &mut AwsRegion {
        self.world.aws.get_mut(&Region::from(region)).unwrap()
    }

    pub fn tokyo(&mut self) -> &mut AwsRegion {
        self.aws(SITES[0].1)
    }

    pub fn osaka(&mut self) -> &mut AwsRegion {
        self.aws(SITES[1].1)
    }

    /// A Transit Gateway table, `t-edges`, `t-vpcs`, `o-edges` or `o-vpcs`.
    pub fn table(&mut self, name: &str) -> &mut TgwRouteTable {
        let aws = if name.starts_with('t') {
            self.tokyo()
        } else {
            self.osaka()
        };
        aws.tgw_route_tables
            .get_mut(&TgwRouteTableId::new(format!("tgw-rtb-{name}")))
            .unwrap()
    }

    pub fn prism(&mut self, site: &str) -> &mut Prism {
        self.world.prism.get_mut(&SiteName::from(site)).unwrap()
    }

    pub fn mv(&mut self) -> &mut MoveAppliance {
        self.world.moves.get_mut(&SiteName::from(TOKYO)).unwrap()
    }

    pub fn instance(&mut self, name: &str) -> &mut Instance {
        let id = InstanceId::new(format!("i-{name}"));
        self.tokyo().instances.get_mut(&id).unwrap()
    }

    /// An interface of a machine, by device index.
    pub fn eni(&mut self, name: &str, index: usize) -> &mut Eni {
        let id = EniId::new(format!("eni-{name}-{index}"));
        self.tokyo().enis.get_mut(&id).unwrap()
    }

    pub fn network(&mut self, name: &str) -> &mut Network {
        self.estate
            .networks
            .get_mut(&NetworkName::from(name))
            .unwrap()
    }

    /// An EC2 machine, in the wave of its first network, known to Move.
    pub fn machine(&mut self, name: &str, nics: &[impl AsRef<str>], runs: bool) {
        let enis: Vec<_> = (0..nics.len())
            .map(|i| EniId::new(format!("eni-{name}-{i}")))
            .collect();
        let mut subnets = Vec::new();
        for (index, (id, addresses)) in enis.iter().zip(nics).enumerate() {
            let mut addresses = addresses.as_ref().split(' ').map(ip);
            let primary = addresses.next().unwrap();
            let aws = self.tokyo();
            let of = aws
                .subnets
                .iter()
                .find(|(_, subnet)| subnet.cidr.contains(primary));
            let subnet = of.unwrap().0.clone();
            subnets.push(subnet.clone());
            let mut eni = eni("vpc-legacy", subnet.as_str(), primary);
            eni.attached_to = Some((
                InstanceId::new(format!("i-{name}")),
                u32::try_from(index).unwrap(),
            ));
            eni.secondary = addresses.collect();
            aws.enis.insert(id.clone(), eni);
        }
        let networks = self.estate.networks.values();
        let wave = networks
            .clone()
            .find(|network| network.ec2_subnet == subnets[0]);
        let wave = wave.map_or_else(String::new, |network| network.name.to_string());
        let tags = [
            ("Name".to_owned(), name.to_owned()),
            ("wave".to_owned(), wave),
        ];
        let mut instance = instance("m5.large", "vpc-legacy", enis);
        instance.state = if runs {
            InstanceState::Running
        } else {
            InstanceState::Stopped
        };
        instance.subnet = subnets.first().cloned();
        instance.tags = tags.into();
        let id = InstanceId::new(format!("i-{name}"));
        self.tokyo().instances.insert(id.clone(), instance);
        let workload = MoveWorkload {
            id: MoveVmId::new(format!("mv-{name}")),
            name: name.into(),
            networks: vec!["vpc-legacy".into()],
        };
        self.mv().workloads.insert(id, workload);
    }

    /// Tokyo's edge becomes Direct Connect that announces the EC2 VPC, wherever its networks are.
    pub fn direct_connect_to_tokyo(&mut self) {
        let gateway = DxGatewayId::from("dxgw");
        let edge = self.estate.edges.get_mut(&TOKYO.into()).unwrap();
        edge.kind = EdgeKind::DirectConnect {
            gateway: gateway.clone(),
        };
        let aws = self.tokyo();
        let attachment = aws
            .attachments
            .get_mut(&"tgw-attach-edge-t".into())
            .unwrap();
        attachment.kind = AttachmentKind::DirectConnect(gateway.clone());
        aws.dx_associations.push(DxAssociation {
            id: "dx-association".into(),
            gateway,
            tgw: "tgw-t".into(),
            state: "associated".into(),
            allowed_prefixes: [cidr(LEGACY)].into(),
        });
    }

    /// A VPC on a Transit Gateway with a table of its own and these static routes there.
    pub fn spoke(&mut self, letter: &str, name: &str, statics: &[(Cidr, TgwTarget)]) {
        let region = SITES.iter().find(|site| site.2 == letter).unwrap().1;
        let aws = self.aws(region);
        let vpc = format!("vpc-{name}");
        let number = u8::try_from(aws.vpcs.len()).unwrap();
        add_vpc(
            aws,
            &vpc,
            Cidr::containing([10, 200 + number, 0, 0].into(), 16),
            &["all"],
        );
        let table = format!("{letter}-{name}");
        add_tgw_table(aws, letter, &table);
        attach_vpc(aws, letter, &table, name, &vpc, "all");
        let id = TgwRouteTableId::new(format!("tgw-rtb-{table}"));
        let table = aws.tgw_route_tables.get_mut(&id).unwrap();
        table.static_routes.extend(statics.iter().cloned());
    }

    fn legacy_vpc(&mut self) {
        let networks: Vec<_> = self.estate.networks.values().cloned().collect();
        let aws = self.tokyo();
        add_vpc(aws, "vpc-legacy", cidr(LEGACY), &["tgw"]);
        for network in networks {
            let subnet = VpcSubnet {
                vpc: "vpc-legacy".into(),
                cidr: network.cidr,
                availability_zone: "a".into(),
            };
            aws.subnets.insert(network.ec2_subnet.clone(), subnet);
        }
        let routes = [(ON_PREM, VpcRouteTarget::Tgw("tgw-t".into()))];
        add_routes(aws, "vpc-legacy", &routes);
        attach_vpc(aws, "t", "t-vpcs", "legacy", "vpc-legacy", "tgw");
        propagate(aws, "tgw-attach-legacy", "t-edges");
    }
}

fn estate() -> Estate {
    let appliance = |url: &str| Appliance {
        url: url.into(),
        trust: Trust::System,
    };
    let site = |(name, region, letter, _): (&str, &str, &str, &str)| Nc2Site {
        name: name.into(),
        region: region.into(),
        vpc: format!("vpc-nc2{letter}").as_str().into(),
        tgw: format!("tgw-{letter}").as_str().into(),
        flow_vpc: "prod".into(),
        transit_vpc: "transit-vpc".into(),
        test_vpc: "test".into(),
        dns_servers: vec![ip("10.0.0.53")],
        prism: appliance("https://prism.example:9440"),
        mv: (name == TOKYO).then(|| MoveConfig {
            appliance: appliance("https://move.example"),
            source_provider: "aws".into(),
            target_provider: "nc2".into(),
            container: "default".into(),
        }),
    };
    let network = |(name, prefix, fails_over): (&str, &str, bool)| Network {
        name: name.into(),
        cidr: cidr(prefix),
        ec2_subnet: format!("subnet-{name}").as_str().into(),
        primary: TOKYO.into(),
        recovery: fails_over.then(|| OSAKA.into()),
    };
    let wave = |(order, (name, ..)): (usize, &(&str, &str, bool))| Wave {
        name: (*name).into(),
        order,
        select: Selector {
            tags: BTreeMap::from([("wave".to_owned(), (*name).to_owned())]),
            ..Selector::default()
        },
    };
    let edge = |(name, region, letter, _): (&str, &str, &str, &str)| Edge {
        name: name.into(),
        region: region.into(),
        tgw: format!("tgw-{letter}").as_str().into(),
        attachment: format!("tgw-attach-edge-{letter}").as_str().into(),
        kind: EdgeKind::BgpVpn,
        local_preference: if name == TOKYO { 200 } else { 100 },
    };
    Estate {
        name: "acme".into(),
        source: Ec2Site {
            name: EC2.into(),
            region: SITES[0].1.into(),
            vpc: "vpc-legacy".into(),
            tgw: "tgw-t".into(),
        },
        sites: SITES.map(|of| (of.0.into(), site(of))).into(),
        networks: NETWORKS.map(|of| (of.0.into(), network(of))).into(),
        waves: NETWORKS
            .iter()
            .enumerate()
            .map(wave)
            .map(|wave| (wave.name.clone(), wave))
            .collect(),
        edges: SITES.map(|of| (of.0.into(), edge(of))).into(),
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
    }
}

/// A region with its Transit Gateway, edge, peering and NC2 VPC. Osaka also leads the EC2 VPC to Tokyo.
fn region_of(letter: &str, own: &str, far: &(&str, &str, &str, &str)) -> AwsRegion {
    let mut aws = AwsRegion::default();
    let tgw = TgwId::new(format!("tgw-{letter}"));
    let default_association_table = Some(TgwRouteTableId::new(format!("tgw-rtb-{letter}-vpcs")));
    let state = "available".into();
    aws.tgws.insert(
        tgw.clone(),
        Tgw {
            state,
            asn: None,
            default_association_table,
        },
    );
    let (edges, vpcs) = (format!("{letter}-edges"), format!("{letter}-vpcs"));
    add_tgw_table(&mut aws, letter, &edges);
    add_tgw_table(&mut aws, letter, &vpcs);

    let vpn = VpnId::new(format!("vpn-{letter}"));
    let observed = Vpn {
        tgw: Some(tgw.clone()),
        state: "available".into(),
        static_routes_only: false,
        tunnels_up: 2,
    };
    aws.vpns.insert(vpn.clone(), observed);
    let edge = format!("tgw-attach-edge-{letter}");
    attach(&mut aws, letter, &edges, &edge, AttachmentKind::Vpn(vpn));
    let peering = AttachmentKind::Peering {
        region: far.1.into(),
        tgw: TgwId::new(format!("tgw-{}", far.2)),
    };
    attach(&mut aws, letter, &vpcs, "tgw-attach-peer", peering);

    let vpc = format!("vpc-nc2{letter}");
    add_vpc(&mut aws, &vpc, cidr(own), &["metal", "flow", "tgw"]);
    let routes = [
        (ON_PREM, VpcRouteTarget::Tgw(tgw.clone())),
        (far.3, VpcRouteTarget::Tgw(tgw)),
        (
            "0.0.0.0/0",
            VpcRouteTarget::Gateway(format!("nat-{letter}")),
        ),
    ];
    add_routes(&mut aws, &vpc, &routes);
    let host = InstanceId::new(format!("i-host-{letter}"));
    let gateway = EniId::new(format!("eni-gateway-{letter}"));
    let address = cidr(own).nth(0x10a).unwrap();
    let mut eni = eni(&vpc, &format!("subnet-{vpc}-flow"), address);
    eni.source_dest_check = false;
    eni.attached_to = Some((host.clone(), 0));
    aws.enis.insert(gateway.clone(), eni);
    aws.instances
        .insert(host, instance("i4i.metal", &vpc, vec![gateway]));
    attach_vpc(
        &mut aws,
        letter,
        &vpcs,
        &format!("nc2{letter}"),
        &vpc,
        "tgw",
    );
    propagate(&mut aws, &format!("tgw-attach-nc2{letter}"), &edges);

    for table in aws.tgw_route_tables.values_mut() {
        table
            .static_routes
            .insert(cidr(far.3), to("tgw-attach-peer"));
        if letter == "o" {
            table
                .static_routes
                .insert(cidr(LEGACY), to("tgw-attach-peer"));
        }
    }
    let table = aws
        .tgw_route_tables
        .get_mut(&TgwRouteTableId::new(format!("tgw-rtb-{vpcs}")));
    let learned = BTreeSet::from([AttachmentId::new(edge)]);
    table.unwrap().learned_routes.insert(cidr(ON_PREM), learned);
    aws
}

/// A VPC with these subnets, /24 each, one after the other from its end.
fn add_vpc(aws: &mut AwsRegion, vpc: &str, prefix: Cidr, subnets: &[&str]) {
    aws.vpcs.insert(
        vpc.into(),
        Vpc {
            cidrs: vec![prefix],
            tags: BTreeMap::new(),
        },
    );
    for (index, name) in subnets.iter().enumerate() {
        let third = u32::try_from(index).unwrap();
        let start = if vpc == "vpc-legacy" {
            255 - third
        } else {
            third
        };
        let subnet = VpcSubnet {
            vpc: vpc.into(),
            cidr: Cidr::containing(prefix.nth(start << 8).unwrap(), 24),
            availability_zone: "a".into(),
        };
        aws.subnets
            .insert(SubnetId::new(format!("subnet-{vpc}-{name}")), subnet);
    }
}

/// The VPC's main table.
fn add_routes(aws: &mut AwsRegion, vpc: &str, routes: &[(&str, VpcRouteTarget)]) {
    let local = aws.vpcs[&VpcId::from(vpc)]
        .cidrs
        .iter()
        .map(|cidr| (*cidr, VpcRouteTarget::Local));
    let others = routes
        .iter()
        .map(|(prefix, target)| (cidr(prefix), target.clone()));
    let routes = local
        .chain(others)
        .map(|(prefix, target)| vpc_route(prefix, target))
        .collect();
    let table = VpcRouteTable {
        vpc: vpc.into(),
        main: true,
        subnets: BTreeSet::new(),
        routes,
    };
    aws.route_tables
        .insert(RouteTableId::new(format!("rtb-{vpc}")), table);
}

pub fn vpc_route(prefix: Cidr, target: VpcRouteTarget) -> VpcRoute {
    VpcRoute {
        destination: RouteDestination::Cidr(prefix),
        target,
        state: VpcRouteState::Active,
        propagated: false,
    }
}

fn instance(kind: &str, vpc: &str, enis: Vec<EniId>) -> Instance {
    Instance {
        state: InstanceState::Running,
        instance_type: kind.into(),
        architecture: "x86_64".into(),
        platform: "Linux/UNIX".into(),
        vpc: Some(vpc.into()),
        subnet: None,
        enis,
        root_device: None,
        tags: BTreeMap::new(),
    }
}

/// An interface attached to nothing yet; its MAC address is made of its address.
pub fn eni(vpc: &str, subnet: &str, primary: Ipv4Addr) -> Eni {
    let [a, b, c, d] = primary.octets();
    Eni {
        vpc: vpc.into(),
        subnet: subnet.into(),
        mac: MacAddr::new([6, 0, a, b, c, d]),
        interface_type: "interface".into(),
        description: String::new(),
        requester_managed: false,
        attached_to: None,
        source_dest_check: true,
        in_use: true,
        primary,
        secondary: Vec::new(),
        public: BTreeMap::new(),
        not_carried: Vec::new(),
    }
}

fn add_tgw_table(aws: &mut AwsRegion, letter: &str, name: &str) {
    let table = TgwRouteTable {
        tgw: TgwId::new(format!("tgw-{letter}")),
        name: Some(name.into()),
        associations: BTreeSet::new(),
        propagations: BTreeSet::new(),
        static_routes: BTreeMap::new(),
        learned_routes: BTreeMap::new(),
    };
    aws.tgw_route_tables
        .insert(TgwRouteTableId::new(format!("tgw-rtb-{name}")), table);
}

fn attach(aws: &mut AwsRegion, letter: &str, table: &str, attachment: &str, kind: AttachmentKind) {
    let table = TgwRouteTableId::new(format!("tgw-rtb-{table}"));
    let attached = TgwAttachment {
        tgw: TgwId::new(format!("tgw-{letter}")),
        kind,
        state: AttachmentState::Available,
        association: Some(table.clone()),
    };
    aws.attachments.insert(attachment.into(), attached);
    aws.tgw_route_tables
        .get_mut(&table)
        .unwrap()
        .associations
        .insert(attachment.into());
}

fn attach_vpc(aws: &mut AwsRegion, letter: &str, table: &str, name: &str, vpc: &str, subnet: &str) {
    let subnets = BTreeSet::from([SubnetId::new(format!("subnet-{vpc}-{subnet}"))]);
    let kind = AttachmentKind::Vpc {
        vpc: vpc.into(),
        subnets,
    };
    let attachment = format!("tgw-attach-{name}");
    attach(aws, letter, table, &attachment, kind);
    propagate(aws, &attachment, table);
}

fn propagate(aws: &mut AwsRegion, attachment: &str, table: &str) {
    let table = aws
        .tgw_route_tables
        .get_mut(&TgwRouteTableId::new(format!("tgw-rtb-{table}")));
    table.unwrap().propagations.insert(attachment.into());
}

fn prism(letter: &str, far: &str) -> Prism {
    let flow_vpc = |name: &str, transit, uplink: Option<&str>| FlowVpc {
        name: name.into(),
        transit,
        external_subnets: uplink.into_iter().map(SubnetExtId::from).collect(),
        erps: BTreeSet::new(),
    };
    let uplink = FlowSubnet {
        external: true,
        ..flow_subnet("nonat", "flow-transit", cidr("100.64.10.0/24"))
    };
    Prism {
        domain_manager: DomainManagerId::new(format!("dm-{letter}")),
        registrations: BTreeMap::from([(
            DomainManagerId::new(format!("dm-{far}")),
            Connectivity::Connected,
        )]),
        vpcs: BTreeMap::from([
            ("flow-transit".into(), flow_vpc("transit-vpc", true, None)),
            ("flow-prod".into(), flow_vpc("prod", false, Some("uplink"))),
        ]),
        subnets: BTreeMap::from([("uplink".into(), uplink)]),
        vms: BTreeMap::new(),
        categories: BTreeMap::new(),
        policies: BTreeMap::new(),
        recovery_plans: BTreeMap::new(),
        jobs: BTreeMap::new(),
        recovery_points: BTreeMap::new(),
    }
}

pub fn flow_subnet(name: &str, vpc: &str, prefix: Cidr) -> FlowSubnet {
    FlowSubnet {
        name: name.into(),
        vpc: Some(vpc.into()),
        cidr: Some(prefix),
        gateway: prefix.nth(1),
        pools: Vec::new(),
        external: false,
        nat: false,
        reserved: BTreeSet::new(),
    }
}

/// A VM that is on, with one NIC.
pub fn vm(name: &str, subnet: &str, address: &str) -> Vm {
    Vm {
        name: name.into(),
        cluster: None,
        power: PowerState::On,
        categories: BTreeSet::new(),
        nics: vec![nic(subnet, ip(address), &[])],
    }
}

pub fn nic(subnet: &str, address: Ipv4Addr, secondary: &[Ipv4Addr]) -> Nic {
    Nic {
        id: NicExtId::new(format!("nic-{address}")),
        mac: None,
        subnet: Some(subnet.into()),
        address: Some(address),
        secondary: secondary.to_vec(),
        connected: true,
    }
}
