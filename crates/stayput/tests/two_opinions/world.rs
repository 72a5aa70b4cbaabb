//! Generated estates and worlds: one skeleton, everything on it left to chance.

use std::collections::BTreeMap;

use stayput_estate::*;
use stayput_world::aws::*;
use stayput_world::*;

use crate::flow;
use crate::places::*;
use crate::tape::Tape;
use crate::transit;

/// An estate and what would be observed of it.
#[derive(Debug, Clone)]
pub struct Built {
    pub estate: Estate,
    pub world: World,
}

/// Builds a world from choices.
pub fn build(tape: &mut Tape) -> Built {
    let count = 1 + tape.below(ON_PREM.len());
    let on_prem: Vec<Cidr> = ON_PREM.iter().take(count).map(|text| cidr(text)).collect();
    let mut estate = estate(on_prem);
    let mut world = World::default();
    for side in SIDES {
        let mut aws = AwsRegion::default();
        transit::prefix_lists(&mut aws, side, tape);
        nc2_vpc(&mut aws, side, tape);
        spoke(&mut aws, side, tape);
        if side == TOKYO {
            ec2_vpc(&mut aws, tape);
        }
        world.aws.insert(side.region.into(), aws);
    }
    transit::edges(&mut estate, &mut world, tape);
    for side in SIDES {
        let aws = world.aws.get_mut(&Region::from(side.region)).unwrap();
        transit::transit(aws, side, tape);
        let prism = flow::prism(side, tape);
        externally_routed(aws, side, &prism, tape);
        vpc_routes(aws, side, tape);
        transit::learn(aws, &estate, tape);
        world.prism.insert(side.site.into(), prism);
    }
    Built { estate, world }
}

fn vpc(aws: &mut AwsRegion, id: &str, cidrs: &[&str], zone: &str, subnets: &[(&str, String)]) {
    let found = Vpc {
        cidrs: cidrs.iter().map(|text| cidr(text)).collect(),
        tags: BTreeMap::new(),
    };
    aws.vpcs.insert(id.into(), found);
    for (name, prefix) in subnets {
        subnet(aws, id, name, prefix, zone);
    }
    table(aws, id, &format!("rtb-{}", &id[4..]), true, &[]);
}

fn subnet(aws: &mut AwsRegion, vpc: &str, name: &str, prefix: &str, zone: &str) {
    let subnet = VpcSubnet {
        vpc: vpc.into(),
        cidr: cidr(prefix),
        availability_zone: zone.to_owned(),
        name: None,
    };
    aws.subnets
        .insert(format!("subnet-{name}").as_str().into(), subnet);
}

fn table(aws: &mut AwsRegion, vpc: &str, id: &str, main: bool, subnets: &[&str]) {
    let local = aws.vpcs[&VpcId::from(vpc)]
        .cidrs
        .iter()
        .map(|cidr| VpcRoute {
            destination: RouteDestination::Cidr(*cidr),
            target: VpcRouteTarget::Local,
            state: VpcRouteState::Active,
            propagated: false,
        });
    let table = VpcRouteTable {
        vpc: vpc.into(),
        main,
        subnets: subnets
            .iter()
            .map(|name| SubnetId::new(format!("subnet-{name}")))
            .collect(),
        routes: local.collect(),
    };
    aws.route_tables.insert(id.into(), table);
}

fn instance(
    aws: &mut AwsRegion,
    vpc: &str,
    subnet: &str,
    name: &str,
    state: InstanceState,
    addresses: &[&str],
) {
    let eni = EniId::new(format!("eni-{name}"));
    let id = InstanceId::new(format!("i-{name}"));
    let metal = name.starts_with("host");
    let found = Instance {
        state,
        instance_type: if metal { "i4i.metal" } else { "m5.large" }.to_owned(),
        architecture: "x86_64".to_owned(),
        platform: "Linux/UNIX".to_owned(),
        vpc: Some(vpc.into()),
        subnet: Some(SubnetId::new(format!("subnet-{subnet}"))),
        enis: vec![eni.clone()],
        root_device: None,
        traits: None,
        tags: BTreeMap::new(),
    };
    let description = if metal { "NC2 host ENI" } else { "" };
    interface(aws, vpc, subnet, name, addresses);
    let found_eni = aws.enis.get_mut(&eni).unwrap();
    found_eni.attached_to = Some((id.clone(), 0));
    found_eni.description = description.to_owned();
    aws.instances.insert(id, found);
}

fn interface(aws: &mut AwsRegion, vpc: &str, subnet: &str, name: &str, addresses: &[&str]) {
    let number = u8::try_from(aws.enis.len()).unwrap();
    let eni = Eni {
        vpc: vpc.into(),
        subnet: SubnetId::new(format!("subnet-{subnet}")),
        mac: MacAddr::new([6, 0, 0, 0, 0, number]),
        interface_type: "interface".to_owned(),
        description: String::new(),
        requester_managed: false,
        attached_to: None,
        source_dest_check: true,
        in_use: true,
        other_status: None,
        primary: Some(ip(addresses[0])),
        secondary: addresses[1..].iter().map(|text| ip(text)).collect(),
        public: BTreeMap::new(),
        not_carried: Vec::new(),
    };
    aws.enis.insert(EniId::new(format!("eni-{name}")), eni);
}

fn state(tape: &mut Tape) -> InstanceState {
    use InstanceState::*;
    tape.pick(&[
        Running, Running, Running, Stopped, Stopped, Stopping, Pending,
    ])
}

fn ec2_vpc(aws: &mut AwsRegion, tape: &mut Tape) {
    let more = tape.rarely(4).then_some("172.29.0.0/20");
    let cidrs: Vec<_> = std::iter::once(EC2_CIDR).chain(more).collect();
    let subnets = [
        ("app", "172.30.1.0/24".to_owned()),
        ("small", "172.30.3.128/25".to_owned()),
        ("rest", "172.30.9.0/24".to_owned()),
        ("tgw-ec2", "172.30.255.0/28".to_owned()),
    ];
    vpc(aws, "vpc-ec2", &cidrs, "a", &subnets);
    let zone = if tape.rarely(4) { "c" } else { "a" };
    subnet(aws, "vpc-ec2", "db", "172.30.2.0/24", zone);
    let explicit: &[&str] = tape.pick(&[&[][..], &["app"], &["db", "small"], &["tgw-ec2"]]);
    if !explicit.is_empty() {
        table(aws, "vpc-ec2", "rtb-ec2-own", false, explicit);
    }
    for (name, subnet, addresses) in MACHINES {
        let state = state(tape);
        instance(aws, "vpc-ec2", subnet, name, state, addresses);
    }
    interface(aws, "vpc-ec2", "app", "balancer", &[BALANCER]);
    let entries = second_entry(aws, "vpc-ec2", "tgw-ec2", "172.30.255.16/28", tape);
    attach_vpc(aws, "t", "ec2", "vpc-ec2", &borrowed(&entries));
}

/// Attachment subnets of a VPC: this one, and at times another in another zone, with a table of its own.
fn second_entry(
    aws: &mut AwsRegion,
    vpc: &str,
    first: &str,
    prefix: &str,
    tape: &mut Tape,
) -> Vec<String> {
    let mut entries = vec![first.to_owned()];
    if tape.rarely(3) {
        let second = format!("{first}-c");
        subnet(aws, vpc, &second, prefix, "c");
        if tape.mostly(3) {
            table(aws, vpc, &format!("rtb-{second}"), false, &[&second]);
        }
        entries.push(second);
    }
    entries
}

fn borrowed(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

fn spoke(aws: &mut AwsRegion, side: Side, tape: &mut Tape) {
    let prefix = tape.pick(&side.spokes);
    let id = format!("vpc-spoke{}", side.letter);
    let name = format!("spoke{}", side.letter);
    let inside = Cidr::containing(cidr(prefix).network(), cidr(prefix).len().max(24));
    vpc(aws, &id, &[prefix], "a", &[(&name, inside.to_string())]);
    let host = inside.nth(10).unwrap().to_string();
    let state = state(tape);
    instance(aws, &id, &name, &name, state, &[&host]);
    attach_vpc(aws, side.letter, &name, &id, &[&name]);
    if tape.rarely(3) {
        // Another VPC with the same CIDR, attached later.
        let twin = format!("twin{}", side.letter);
        let id = format!("vpc-{twin}");
        vpc(aws, &id, &[prefix], "a", &[(&twin, inside.to_string())]);
        let host = inside.nth(11).unwrap().to_string();
        instance(aws, &id, &twin, &twin, InstanceState::Running, &[&host]);
        attach_vpc(aws, side.letter, &twin, &id, &[&twin]);
    }
}

fn nc2_vpc(aws: &mut AwsRegion, side: Side, tape: &mut Tape) {
    let Side { letter, nc2, .. } = side;
    let id = format!("vpc-nc2{letter}");
    let entry = format!("tgw-nc2{letter}");
    let flow = format!("flow-{letter}");
    let mgmt = format!("mgmt-{letter}");
    let subnets = [
        (entry.as_str(), format!("{nc2}.0.0/28")),
        (flow.as_str(), format!("{nc2}.1.0/24")),
        (mgmt.as_str(), format!("{nc2}.2.0/24")),
    ];
    vpc(aws, &id, &[&format!("{nc2}.0.0/16")], "a", &subnets);
    if tape.rarely(3) {
        table(aws, &id, &format!("rtb-entry-{letter}"), false, &[&entry]);
    }
    if tape.rarely(4) {
        table(aws, &id, &format!("rtb-mgmt-{letter}"), false, &[&mgmt]);
    }
    for number in 1..=if tape.rarely(3) { 2 } else { 1 } {
        let name = format!("host{number}-{letter}");
        let state = if tape.mostly(6) {
            InstanceState::Running
        } else {
            InstanceState::Stopped
        };
        let address = format!("{nc2}.1.1{number}");
        instance(aws, &id, &flow, &name, state, &[&address]);
        let eni = EniId::new(format!("eni-{name}"));
        aws.enis.get_mut(&eni).unwrap().source_dest_check = tape.rarely(8);
    }
    let name = format!("pc-{letter}");
    let state = state(tape);
    instance(aws, &id, &mgmt, &name, state, &[&format!("{nc2}.2.10")]);
    let name = format!("free-{letter}");
    interface(aws, &id, &mgmt, &name, &[&format!("{nc2}.2.99")]);
    let free = aws
        .enis
        .get_mut(&EniId::new(format!("eni-{name}")))
        .unwrap();
    free.in_use = false;
    let second = format!("{nc2}.0.16/28");
    let entries = second_entry(aws, &id, &entry, &second, tape);
    attach_vpc(
        aws,
        letter,
        &format!("nc2{letter}"),
        &id,
        &borrowed(&entries),
    );
}

fn attach_vpc(aws: &mut AwsRegion, letter: &str, name: &str, vpc: &str, subnets: &[&str]) {
    let subnets = subnets
        .iter()
        .map(|name| SubnetId::new(format!("subnet-{name}")))
        .collect();
    let vpc = vpc.into();
    attach(aws, letter, name, AttachmentKind::Vpc { vpc, subnets });
}

pub fn attach(aws: &mut AwsRegion, letter: &str, name: &str, kind: AttachmentKind) {
    let attachment = TgwAttachment {
        tgw: format!("tgw-{letter}").as_str().into(),
        kind,
        state: AttachmentState::Available,
        association: None,
    };
    aws.attachments
        .insert(format!("tgw-attach-{name}").as_str().into(), attachment);
}

/// Whether an attachment is in use.
pub fn forwards(attachment: &TgwAttachment) -> bool {
    match attachment.state {
        AttachmentState::Available | AttachmentState::Modifying => true,
        AttachmentState::PendingAcceptance | AttachmentState::Other(_) => false,
    }
}

/// Where a route of a VPC's table may lead.
pub fn vpc_targets(vpc: &str, side: Side) -> Vec<VpcRouteTarget> {
    let Side { letter, .. } = side;
    let eni = |name: &str| VpcRouteTarget::Eni(EniId::new(format!("eni-{name}")));
    let tgw = VpcRouteTarget::Tgw(TgwId::new(format!("tgw-{letter}")));
    let mut targets = vec![
        tgw.clone(),
        tgw.clone(),
        tgw,
        VpcRouteTarget::Gateway("nat-1".to_owned()),
        VpcRouteTarget::Gateway("igw-1".to_owned()),
        VpcRouteTarget::Peering("pcx-1".to_owned()),
        VpcRouteTarget::Tgw("tgw-elsewhere".into()),
        eni("gone"),
    ];
    if vpc == "vpc-ec2" {
        targets.extend([eni("web"), eni("db"), eni("balancer")]);
    } else if vpc.starts_with("vpc-nc2") {
        targets
            .extend(["host1", "host1", "pc", "free"].map(|name| eni(&format!("{name}-{letter}"))));
    }
    targets
}

/// Whether a VPC lets a prefix be routed (AWS reference §3 item 2): outside it anything, inside only whole subnets to interfaces.
pub fn may_be_routed(aws: &AwsRegion, vpc: &VpcId, prefix: Cidr, target: &VpcRouteTarget) -> bool {
    let inside = aws.vpcs[vpc].cidrs.iter().any(|local| local.covers(prefix));
    let whole_subnet = aws
        .subnets
        .values()
        .any(|subnet| subnet.vpc == *vpc && subnet.cidr == prefix);
    let is_cidr = aws.vpcs[vpc].cidrs.contains(&prefix);
    !inside || (whole_subnet && !is_cidr && matches!(target, VpcRouteTarget::Eni(_)))
}

fn vpc_routes(aws: &mut AwsRegion, side: Side, tape: &mut Tape) {
    let ids: Vec<_> = aws.route_tables.keys().cloned().collect();
    for id in ids {
        let vpc = aws.route_tables[&id].vpc.clone();
        let targets = vpc_targets(vpc.as_str(), side);
        let mut routes: BTreeMap<Cidr, VpcRouteTarget> = BTreeMap::new();
        if tape.mostly(8) {
            routes.insert(cidr(ON_PREM[0]), targets[0].clone());
        }
        for _ in 0..tape.below(6) {
            let prefix = cidr(tape.pick(&PREFIXES));
            routes.insert(prefix, tape.pick(&targets));
        }
        for (prefix, target) in routes {
            if may_be_routed(aws, &vpc, prefix, &target) {
                write(aws, &id, prefix, target);
            }
        }
        let lists: Vec<_> = aws.prefix_lists.keys().cloned().collect();
        for list in lists {
            let target = tape.pick(&targets);
            if tape.mostly(4) {
                continue;
            }
            let entries = &aws.prefix_lists[&list].entries;
            let mut entries = entries.iter();
            if entries.all(|entry| may_be_routed(aws, &vpc, *entry, &target)) {
                let listed = route(aws, &vpc, RouteDestination::PrefixList(list), target);
                aws.route_tables.get_mut(&id).unwrap().routes.push(listed);
            }
        }
        if tape.rarely(4) {
            let on_prem = RouteDestination::Cidr(cidr(tape.pick(&ON_PREM)));
            let nat = VpcRouteTarget::Gateway("nat-vgw".to_owned());
            let mut learned = route(aws, &vpc, on_prem, nat);
            learned.propagated = true;
            aws.route_tables.get_mut(&id).unwrap().routes.push(learned);
        }
    }
}

/// Writes a route, unless there is one.
fn write(aws: &mut AwsRegion, table: &RouteTableId, prefix: Cidr, target: VpcRouteTarget) {
    let vpc = aws.route_tables[table].vpc.clone();
    let route = route(aws, &vpc, RouteDestination::Cidr(prefix), target);
    let routes = &mut aws.route_tables.get_mut(table).unwrap().routes;
    if !routes
        .iter()
        .any(|old| old.destination == route.destination && !old.propagated)
    {
        routes.push(route);
    }
}

/// A route with the state AWS would report.
fn route(
    aws: &AwsRegion,
    vpc: &VpcId,
    destination: RouteDestination,
    target: VpcRouteTarget,
) -> VpcRoute {
    let dead = match &target {
        VpcRouteTarget::Eni(id) => !aws.enis.get(id).is_some_and(|eni| eni.in_use),
        VpcRouteTarget::Tgw(tgw) => !aws.attachments.values().any(|attachment| {
            attachment.tgw == *tgw
                && forwards(attachment)
                && matches!(&attachment.kind, AttachmentKind::Vpc { vpc: of, .. } if of == vpc)
        }),
        VpcRouteTarget::Local
        | VpcRouteTarget::Gateway(_)
        | VpcRouteTarget::Peering(_)
        | VpcRouteTarget::Unknown(_) => false,
    };
    VpcRoute {
        destination,
        target,
        state: if dead {
            VpcRouteState::Blackhole
        } else {
            VpcRouteState::Active
        },
        propagated: false,
    }
}

/// What NC2 has written for the transit VPC's prefixes: mostly what it should.
fn externally_routed(aws: &mut AwsRegion, side: Side, prism: &Prism, tape: &mut Tape) {
    let letter = side.letter;
    let gateway = VpcRouteTarget::Eni(EniId::new(format!("eni-host1-{letter}")));
    let main = RouteTableId::new(format!("rtb-nc2{letter}"));
    let entry = RouteTableId::new(format!("rtb-entry-{letter}"));
    let second = RouteTableId::new(format!("rtb-tgw-nc2{letter}-c"));
    // Which further tables NC2 writes depends on its version (AWS reference §4): here the entry tables are among them, which this prefix
    // shows, that nothing else is about.
    let standing = cidr(flow::STANDING);
    let entries = [&entry, &second].map(|table| aws.route_tables.contains_key(table));
    for table in [&main, &entry, &second] {
        if !aws.route_tables.contains_key(table) {
            continue;
        }
        if entries.contains(&true) || tape.mostly(4) {
            write(aws, table, standing, gateway.clone());
        }
        for erp in &prism.vpcs[&FlowVpcExtId::new(format!("fv-transit-{letter}"))].erps {
            let target = match tape.below(12) {
                1 => VpcRouteTarget::Eni("eni-gone".into()),
                2 => VpcRouteTarget::Eni(EniId::new(format!("eni-pc-{letter}"))),
                3 => VpcRouteTarget::Eni(EniId::new(format!("eni-free-{letter}"))),
                4 => continue,
                _ => gateway.clone(),
            };
            write(aws, table, *erp, target);
        }
    }
}
