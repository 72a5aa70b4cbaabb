//! Tests of a lab that starts from a snapshot: one small world, changed slightly, checked in the lab and by packets.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use stayput_estate::*;
use stayput_world::AwsRegion;
use stayput_world::Prism;
use stayput_world::World;
use stayput_world::aws::*;
use stayput_world::prism::*;

use super::from_world;
use crate::aws::model;
use crate::aws::model::RouteTarget;
use crate::aws::routing;
use crate::clock::Clock;
use crate::clock::VTime;
use crate::state::LabState;
use crate::walk::End;
use crate::walk::Origin;
use crate::walk::SiteKind;
use crate::walk::walk;

const T: &str = "ap-northeast-1";
const WEB: Ipv4Addr = Ipv4Addr::new(172, 30, 1, 34);
const ON_PREM_HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 5, 5);
const ESTATE: &str = r#"
[estate]
name = "saved"
[on-prem]
prefixes = ["10.0.0.0/16"]
[source.ec2]
region = "ap-northeast-1"
vpc = "vpc-ec2"
tgw = "tgw-t"
[sites.tokyo]
region = "ap-northeast-1"
vpc = "vpc-nc2"
tgw = "tgw-t"
flow-vpc = "user"
dns-servers = ["10.101.0.2"]
prism = { url = "https://prism.example:9440" }
move = { url = "https://move.example", source-provider = "aws", target-provider = "aos", container = "default" }
[networks.web]
cidr = "172.30.1.0/24"
ec2-subnet = "subnet-web"
primary = "tokyo"
[edges.vpn]
kind = "bgp-vpn"
region = "ap-northeast-1"
tgw = "tgw-t"
attachment = "tgw-attach-vpn"
local-preference = 150
[protection]
rpo = "1h"
retention = 2
[ledger]
kind = "sqlite"
path = "stayput.db"
"#;

fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

fn vpc(aws: &mut AwsRegion, name: &str, range: &str, routes: Vec<(&str, VpcRouteTarget)>) {
    let id = VpcId::new(format!("vpc-{name}"));
    let vpc = Vpc {
        cidrs: vec![cidr(range)],
        tags: BTreeMap::new(),
    };
    aws.vpcs.insert(id.clone(), vpc);
    let local = (range, VpcRouteTarget::Local);
    let routes = std::iter::once(local)
        .chain(routes)
        .map(|(range, target)| VpcRoute {
            destination: RouteDestination::Cidr(cidr(range)),
            target,
            state: VpcRouteState::Active,
            propagated: false,
        });
    let table = VpcRouteTable {
        vpc: id.clone(),
        main: true,
        subnets: BTreeSet::new(),
        routes: routes.collect(),
    };
    aws.route_tables
        .insert(RouteTableId::new(format!("rtb-{name}")), table);
}

fn machine(aws: &mut AwsRegion, name: &str, place: (&str, &str, &str), address: &str) {
    let (vpc, subnet, range) = place;
    let subnet = SubnetId::new(format!("subnet-{subnet}"));
    aws.subnets
        .entry(subnet.clone())
        .or_insert_with(|| VpcSubnet {
            vpc: vpc.into(),
            cidr: cidr(range),
            availability_zone: "ap-northeast-1a".to_owned(),
            name: None,
        });
    let id = InstanceId::new(format!("i-{name}"));
    let eni = Eni {
        vpc: vpc.into(),
        subnet: subnet.clone(),
        mac: MacAddr::new([6, 0, 0, 0, 0, 1]),
        interface_type: "interface".to_owned(),
        description: String::new(),
        requester_managed: false,
        attached_to: Some((id.clone(), 0)),
        source_dest_check: name != "host",
        in_use: true,
        other_status: None,
        primary: Some(address.parse().unwrap()),
        secondary: Vec::new(),
        public: BTreeMap::new(),
        not_carried: Vec::new(),
    };
    let eni_id = EniId::new(format!("eni-{name}"));
    aws.enis.insert(eni_id.clone(), eni);
    let instance = Instance {
        state: InstanceState::Running,
        instance_type: "m5.large".to_owned(),
        architecture: "x86_64".to_owned(),
        platform: "Linux/UNIX".to_owned(),
        vpc: Some(vpc.into()),
        subnet: Some(subnet),
        enis: vec![eni_id],
        root_device: None,
        traits: None,
        tags: BTreeMap::from([("Name".to_owned(), name.to_owned())]),
    };
    aws.instances.insert(id, instance);
}

fn attach(aws: &mut AwsRegion, name: &str, kind: AttachmentKind) {
    let id = AttachmentId::new(format!("tgw-attach-{name}"));
    let attachment = TgwAttachment {
        tgw: "tgw-t".into(),
        kind,
        state: AttachmentState::Available,
        association: Some("tgw-rtb-t".into()),
    };
    aws.attachments.insert(id.clone(), attachment);
    if let Some(table) = aws
        .tgw_route_tables
        .get_mut(&TgwRouteTableId::from("tgw-rtb-t"))
    {
        table.associations.insert(id.clone());
        table.propagations.insert(id);
    }
}

/// EC2 and NC2 in one region; web runs in EC2 and has a copy at NC2 that is powered off.
fn world() -> World {
    let mut aws = AwsRegion {
        account: Some("123456789012".into()),
        ..AwsRegion::default()
    };
    aws.tgws.insert(
        "tgw-t".into(),
        Tgw {
            state: "available".to_owned(),
            asn: Some(64512),
            default_association_table: Some("tgw-rtb-t".into()),
        },
    );
    aws.tgw_route_tables.insert(
        "tgw-rtb-t".into(),
        TgwRouteTable {
            tgw: "tgw-t".into(),
            name: Some("main".to_owned()),
            associations: BTreeSet::new(),
            propagations: BTreeSet::new(),
            static_routes: BTreeMap::new(),
            prefix_list_references: BTreeMap::new(),
            learned_routes: BTreeMap::from([(
                cidr("10.0.0.0/16"),
                BTreeSet::from(["tgw-attach-vpn".into()]),
            )]),
        },
    );
    let to_tgw = || ("10.0.0.0/16", VpcRouteTarget::Tgw("tgw-t".into()));
    vpc(&mut aws, "ec2", "172.30.0.0/16", vec![to_tgw()]);
    let erp = ("172.30.1.0/24", VpcRouteTarget::Eni("eni-host".into()));
    let nat = ("0.0.0.0/0", VpcRouteTarget::Gateway("nat-1".to_owned()));
    vpc(&mut aws, "nc2", "10.101.0.0/16", vec![to_tgw(), erp, nat]);
    let web = ("vpc-ec2", "web", "172.30.1.0/24");
    machine(&mut aws, "web", web, "172.30.1.34");
    let flow = ("vpc-nc2", "flow", "10.101.1.0/24");
    machine(&mut aws, "host", flow, "10.101.1.10");
    for (name, subnet) in [("ec2", "subnet-web"), ("nc2", "subnet-flow")] {
        let kind = AttachmentKind::Vpc {
            vpc: VpcId::new(format!("vpc-{name}")),
            subnets: BTreeSet::from([subnet.into()]),
        };
        attach(&mut aws, name, kind);
    }
    attach(&mut aws, "vpn", AttachmentKind::Vpn("vpn-1".into()));
    aws.vpns.insert(
        "vpn-1".into(),
        Vpn {
            tgw: Some("tgw-t".into()),
            state: "available".to_owned(),
            static_routes_only: false,
            private: false,
            tunnels_up: 2,
        },
    );
    let mut world = World::default();
    world.aws.insert(T.into(), aws);
    world.prism.insert("tokyo".into(), prism());
    world
}

fn prism() -> Prism {
    let flow_vpc = |name: &str, transit: bool| FlowVpc {
        name: name.to_owned(),
        transit,
        external_subnets: BTreeSet::from(["nonat".into()]),
        erps: BTreeSet::from([cidr("172.30.1.0/24")]),
    };
    let subnet = |name: &str, vpc: Option<&str>, range: &str| FlowSubnet {
        name: name.to_owned(),
        vpc: vpc.map(Into::into),
        cidr: Some(cidr(range)),
        gateway: None,
        pools: Vec::new(),
        external: vpc.is_none(),
        nat: false,
        reserved: BTreeSet::from([Ipv4Addr::new(172, 30, 1, 9)]),
        dns: None,
    };
    let vm = Vm {
        name: "web".to_owned(),
        cluster: Some("cluster-1".into()),
        power: PowerState::Off,
        categories: BTreeSet::from(["category-1".into()]),
        nics: vec![Nic {
            id: "nic-1".into(),
            mac: None,
            subnet: Some("overlay".into()),
            address: Some(WEB),
            secondary: Vec::new(),
            learned: Vec::new(),
            connected: true,
        }],
    };
    let category = Category {
        key: "stayput-protect".to_owned(),
        value: "web".to_owned(),
    };
    Prism {
        domain_manager: "dm-t".into(),
        registrations: BTreeMap::new(),
        vpcs: [flow_vpc("transit-vpc", true), flow_vpc("user", false)]
            .map(|vpc| (FlowVpcExtId::new(vpc.name.clone()), vpc))
            .into(),
        subnets: BTreeMap::from([
            ("nonat".into(), subnet("nonat", None, "100.64.10.0/24")),
            (
                "overlay".into(),
                subnet("web", Some("user"), "172.30.1.0/24"),
            ),
        ]),
        vms: BTreeMap::from([("vm-web".into(), vm)]),
        categories: BTreeMap::from([("category-1".into(), category)]),
        policies: BTreeMap::new(),
        recovery_plans: BTreeMap::new(),
        jobs: BTreeMap::new(),
        recovery_points: BTreeMap::new(),
        unreadable: Vec::new(),
        confirmed_absent: BTreeSet::new(),
        confirmed_absent_objects: BTreeSet::new(),
    }
}

fn estate() -> Estate {
    parse("stayput.toml", ESTATE, Path::new("/")).unwrap()
}

fn lab_of(world: &World) -> LabState {
    from_world(world, &estate(), Clock::new(VTime(1_800_000_000_000), 0.0))
}

fn aws(world: &mut World) -> &mut AwsRegion {
    world.aws.get_mut(&Region::from(T)).unwrap()
}

fn table(world: &mut World) -> &mut TgwRouteTable {
    aws(world)
        .tgw_route_tables
        .get_mut(&TgwRouteTableId::from("tgw-rtb-t"))
        .unwrap()
}

fn to_web(lab: &LabState) -> End {
    walk(lab, Origin::OnPrem, WEB).end
}

fn delivered(site: SiteKind, holder: &str) -> End {
    End::Delivered {
        site,
        holder: holder.to_owned(),
        region: Some(T.to_owned()),
    }
}

#[test]
fn packets_are_delivered_as_in_the_saved_world() {
    let lab = lab_of(&world());
    assert_eq!(to_web(&lab), delivered(SiteKind::Ec2, "i-web"));
    let back = walk(&lab, Origin::Address(WEB), ON_PREM_HOST).end;
    assert!(matches!(back, End::Delivered { site, .. } if site == SiteKind::OnPrem));
}

#[test]
fn a_lab_from_a_world_can_be_cut_over_and_rolled_back() {
    let mut world = world();
    let target = TgwTarget::Attachment("tgw-attach-nc2".into());
    table(&mut world)
        .static_routes
        .insert(cidr("172.30.1.0/24"), target);
    let prism = world.prism.get_mut(&SiteName::from("tokyo")).unwrap();
    prism.vms.get_mut(&VmExtId::from("vm-web")).unwrap().power = PowerState::On;
    let lab = lab_of(&world);
    assert_eq!(to_web(&lab), delivered(SiteKind::Nc2, "vm-web"));
    let vm = Origin::Vm {
        pc: 0,
        vm: "vm-web".to_owned(),
    };
    let back = walk(&lab, vm, ON_PREM_HOST).end;
    assert!(matches!(back, End::Delivered { site, .. } if site == SiteKind::OnPrem));
}

#[test]
fn an_edge_has_the_settings_that_only_the_estate_gives() {
    let lab = lab_of(&world());
    let vpn = &lab.aws.regions[T].vpns["vpn-1"];
    assert_eq!(vpn.local_preference, 150);
    assert_eq!(vpn.on_prem, BTreeSet::from([cidr("10.0.0.0/16")]));
    assert_eq!(lab.aws.on_prem, [cidr("10.0.0.0/16")]);
}

#[test]
fn a_learned_route_hidden_in_the_snapshot_reappears_without_the_static_one() {
    let mut world = world();
    let hidden = table(&mut world);
    hidden.learned_routes.clear();
    hidden
        .static_routes
        .insert(cidr("10.0.0.0/16"), TgwTarget::Blackhole);
    let mut lab = lab_of(&world);
    lab.aws
        .regions
        .get_mut(T)
        .unwrap()
        .tgw_route_tables
        .get_mut("tgw-rtb-t")
        .unwrap()
        .statics
        .clear();
    let shown = routing::table(&lab, T, "tgw-rtb-t");
    assert_eq!(shown[&cidr("10.0.0.0/16")].origin, routing::Origin::Vpn);
}

#[test]
fn an_on_prem_prefix_that_no_table_shows_is_not_announced() {
    let mut world = world();
    table(&mut world).learned_routes.clear();
    let lab = lab_of(&world);
    assert!(lab.aws.regions[T].vpns["vpn-1"].on_prem.is_empty());
}

#[test]
fn prefixes_hidden_by_a_down_session_are_announced_once_it_is_up() {
    let mut world = world();
    table(&mut world).learned_routes.clear();
    aws(&mut world)
        .vpns
        .get_mut(&VpnId::from("vpn-1"))
        .unwrap()
        .tunnels_up = 0;
    let mut lab = lab_of(&world);
    assert!(!routing::table(&lab, T, "tgw-rtb-t").contains_key(&cidr("10.0.0.0/16")));
    let region = lab.aws.regions.get_mut(T).unwrap();
    region.vpns.get_mut("vpn-1").unwrap().tunnels_up = 1;
    assert!(routing::table(&lab, T, "tgw-rtb-t").contains_key(&cidr("10.0.0.0/16")));
}

#[test]
fn a_direct_connect_edge_keeps_its_allowed_prefixes_and_its_preference() {
    let mut world = world();
    let kind = AttachmentKind::DirectConnect("dx-1".into());
    attach(aws(&mut world), "dx", kind);
    aws(&mut world).dx_associations.push(DxAssociation {
        id: "association-1".to_owned(),
        gateway: "dx-1".into(),
        tgw: "tgw-t".into(),
        state: "associated".to_owned(),
        allowed_prefixes: BTreeSet::from([cidr("172.30.0.0/16")]),
    });
    let mut estate = estate();
    let edge = Edge {
        name: "dx".into(),
        region: T.into(),
        tgw: "tgw-t".into(),
        attachment: "tgw-attach-dx".into(),
        kind: EdgeKind::DirectConnect {
            gateway: "dx-1".into(),
        },
        local_preference: 300,
    };
    estate.edges.insert("dx".into(), edge);
    let lab = from_world(&world, &estate, Clock::new(VTime(1_800_000_000_000), 0.0));
    assert_eq!(lab.aws.dx_gateways["dx-1"].local_preference, 300);
    let association = &lab.aws.dx_associations["association-1"];
    assert_eq!(association.allowed, BTreeSet::from([cidr("172.30.0.0/16")]));
    assert_eq!(association.region, T);
}

#[test]
fn an_instance_that_was_stopping_becomes_stopped() {
    let mut world = world();
    aws(&mut world)
        .instances
        .get_mut(&InstanceId::from("i-web"))
        .unwrap()
        .state = InstanceState::Stopping;
    let mut lab = lab_of(&world);
    let state = |lab: &LabState| lab.aws.regions[T].instances["i-web"].state;
    assert_eq!(state(&lab), model::InstanceState::Stopping);
    lab.advance(Duration::from_secs(60));
    assert_eq!(state(&lab), model::InstanceState::Stopped);
}

#[test]
fn a_prism_central_has_the_networks_vms_and_categories_of_the_world() {
    let lab = lab_of(&world());
    let pc = &lab.pcs[0];
    assert_eq!(pc.aws, (T.to_owned(), "vpc-nc2".to_owned()));
    assert!(pc.vpcs["transit-vpc"].transit && !pc.vpcs["user"].transit);
    assert_eq!(pc.vpcs["user"].dns, [Ipv4Addr::new(10, 101, 0, 2)]);
    assert_eq!(pc.subnets["overlay"].vpc.as_deref(), Some("user"));
    let vm = &pc.vms["vm-web"];
    assert!(!vm.on && vm.categories.contains("category-1"));
    assert_eq!(vm.nics[0].address, Some(WEB));
    assert!(pc.categories.contains_key("category-1"));
}

#[test]
fn an_interface_attached_to_nothing_is_left_out() {
    let mut world = world();
    let eni = aws(&mut world)
        .enis
        .get_mut(&EniId::from("eni-host"))
        .unwrap();
    eni.attached_to = None;
    eni.in_use = false;
    let lab = lab_of(&world);
    assert!(!lab.aws.regions[T].enis.contains_key("eni-host"));
    // The route remains, and drops packets.
    let routes = &lab.aws.regions[T].route_tables["rtb-nc2"].routes;
    let expected = RouteTarget::Eni("eni-host".to_owned());
    assert_eq!(routes[&cidr("172.30.1.0/24")], expected);
}
