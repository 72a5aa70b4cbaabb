//! The article's estate as data: an EC2 VPC and an NC2 cluster in Tokyo, an NC2 cluster in Osaka, a Transit Gateway in each region
//! with a table for its edge and one for its VPCs, a peering between them, a BGP VPN to on-prem on each.

mod parts;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::*;
use stayput_plan::EntryPath;
use stayput_plan::FailoverMode;
use stayput_plan::Goal;
use stayput_plan::Obstacle;
use stayput_plan::Plan;
use stayput_world::AwsRegion;
use stayput_world::Facts;
use stayput_world::Prism;
use stayput_world::Silence;
use stayput_world::System;
use stayput_world::Unobserved;
use stayput_world::World;
use stayput_world::aws::*;
use stayput_world::mv::*;
use stayput_world::prism::FlowSubnet;
use stayput_world::prism::Vm;

pub use parts::*;

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

/// Networks: name, prefix, whether they fail over. Only machines of no goal are in dmz.
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

/// The texts of a plan's warnings.
pub fn warnings(plan: &Plan) -> Vec<String> {
    plan.warnings.iter().map(ToString::to_string).collect()
}

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
    canary(networks, &[])
}

pub fn canary(networks: &[&str], machines: &[&str]) -> Goal {
    Goal::Move {
        networks: names(networks),
        canaries: machines.iter().map(ToString::to_string).collect(),
        leave_out: BTreeSet::new(),
    }
}

pub fn protect(networks: &[&str]) -> Goal {
    Goal::Protect {
        networks: names(networks),
    }
}

pub fn failover(networks: &[&str], to: &str) -> Goal {
    failover_by(networks, to, FailoverMode::Planned, EntryPath::Keep)
}

pub fn test_failover(networks: &[&str], to: &str) -> Goal {
    failover_by(networks, to, FailoverMode::Test, EntryPath::Keep)
}

pub fn unplanned(networks: &[&str], to: &str) -> Goal {
    failover_by(networks, to, FailoverMode::Unplanned, EntryPath::Keep)
}

/// An unplanned failover to Osaka for which Tokyo is declared lost.
pub fn unplanned_without_tokyo(networks: &[&str], path: EntryPath) -> Goal {
    Goal::Failover {
        networks: names(networks),
        to: OSAKA.into(),
        mode: FailoverMode::Unplanned,
        path,
        lost: [TOKYO.into()].into(),
    }
}

pub fn clean_up(networks: &[&str], site: &str, remove: bool) -> Goal {
    Goal::CleanUp {
        networks: names(networks),
        site: site.into(),
        remove,
    }
}

pub fn failover_by(networks: &[&str], to: &str, mode: FailoverMode, path: EntryPath) -> Goal {
    Goal::Failover {
        networks: names(networks),
        to: to.into(),
        mode,
        path,
        lost: BTreeSet::new(),
    }
}

pub fn failback(networks: &[&str]) -> Goal {
    Goal::Failback {
        networks: names(networks),
    }
}

/// The sentences of a plan's warnings.
pub fn warning_texts(plan: &Plan) -> Vec<&str> {
    let warnings = plan.warnings.iter();
    warnings.map(|warning| warning.text.as_str()).collect()
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

    /// A VM that its Prism Central says is deleted.
    pub fn delete_vm(&mut self, site: &str, vm: &str) {
        let prism = self.prism(site);
        prism.vms.remove(&vm.into()).unwrap();
        prism.confirmed_absent.insert(vm.into());
    }

    /// A Prism Central that was asked and could not be read.
    pub fn without_prism(&mut self, site: &str, silence: Silence) {
        self.world.prism.remove(&SiteName::from(site));
        self.unobserved(System::PrismCentral(site.into()), silence);
    }

    /// A site's Move that was asked and could not be read.
    pub fn without_move(&mut self, site: &str, silence: Silence) {
        self.world.moves.remove(&SiteName::from(site));
        self.unobserved(System::Move(site.into()), silence);
    }

    /// A region of AWS that was asked and could not be read.
    pub fn without_region(&mut self, region: &str, silence: Silence) {
        self.world.aws.remove(&Region::from(region));
        self.unobserved(System::Aws(region.into()), silence);
    }

    fn unobserved(&mut self, system: System, silence: Silence) {
        self.world.unobserved.push(Unobserved {
            system,
            silence,
            why: "as the test wants it".to_owned(),
        });
    }

    /// The VM a machine is at a site, by the ledger.
    pub fn vm(&mut self, name: &str, site: &str) -> &mut Vm {
        let id = InstanceId::new(format!("i-{name}"));
        let vm = self.facts.vms[&id][&SiteName::from(site)].clone();
        self.prism(site).vms.get_mut(&vm).unwrap()
    }

    /// A VM with a machine's addresses at a site that no job and no record names.
    pub fn made_unnoticed(&mut self, name: &str, site: &str) {
        let mut vm = self.vm(name, TOKYO).clone();
        for nic in &mut vm.nics {
            nic.subnet = Some("overlay-app".into());
        }
        self.prism(site).vms.insert("vm-unnoticed".into(), vm);
    }

    /// A machine's VM at a site was deleted, restored as another one, adopted and protected.
    pub fn restored(&mut self, name: &str, site: &str) {
        let machine = InstanceId::new(format!("i-{name}"));
        let site = SiteName::from(site);
        let old = self.facts.vms[&machine][&site].clone();
        let prism = self.prism(site.as_str());
        let vm = prism.vms.remove(&old).unwrap();
        prism.confirmed_absent.insert(old.clone());
        prism.vms.insert("vm-restored".into(), vm);
        for prism in self.world.prism.values_mut() {
            if let Some(at) = prism.recovery_points.get(&old).cloned() {
                prism.recovery_points.insert("vm-restored".into(), at);
            }
        }
        self.facts.became(machine, site, "vm-restored".into());
    }

    /// An overlay subnet for a network in Tokyo's production VPC, made by a person, with these DHCP pools.
    pub fn overlay(&mut self, name: &str, prefix: &str, pools: &[&str]) -> &mut FlowSubnet {
        let mut subnet = flow_subnet(name, "flow-prod", cidr(prefix));
        let range = |text: &&str| {
            let (first, last) = text.split_once('-').unwrap();
            AddrRange {
                first: ip(first),
                last: ip(last),
            }
        };
        subnet.pools = pools.iter().map(range).collect();
        let id = SubnetExtId::new(format!("overlay-{name}"));
        let subnets = &mut self.prism(TOKYO).subnets;
        subnets.insert(id.clone(), subnet);
        subnets.get_mut(&id).unwrap()
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
            Cidr::containing([11, number, 0, 0].into(), 16),
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
                name: None,
            };
            aws.subnets.insert(network.ec2_subnet.clone(), subnet);
        }
        let routes = [(ON_PREM, VpcRouteTarget::Tgw("tgw-t".into()))];
        add_routes(aws, "vpc-legacy", &routes);
        attach_vpc(aws, "t", "t-vpcs", "legacy", "vpc-legacy", "tgw");
        propagate(aws, "tgw-attach-legacy", "t-edges");
    }
}
