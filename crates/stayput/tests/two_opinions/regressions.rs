//! Readable cases in which the two models once disagreed, or could have: each is a simple world with one change, in which packets from
//! all senders to all addresses are compared.

use std::collections::BTreeMap;

use stayput_estate::*;
use stayput_fabric::*;
use stayput_world::aws::*;

use crate::changes::Both;
use crate::judge;
use crate::places::*;
use crate::tape::Tape;
use crate::world;
use crate::world::Built;

const TABLE_T: &str = "tgw-rtb-t0";
const NEWCOMER: &str = "tgw-rtb-t9";

fn tame() -> Built {
    world::build(&mut Tape::tame())
}

fn tokyo(built: &mut Built) -> &mut AwsRegion {
    built
        .world
        .aws
        .get_mut(&Region::from(TOKYO.region))
        .unwrap()
}

fn agree(built: Built, changes: &[Change]) -> Both {
    let mut both = Both::new(built);
    look(&both);
    for change in changes {
        both.make(change).unwrap();
        look(&both);
    }
    both
}

fn look(both: &Both) {
    judge::compare_all(both, &[ip("10.9.0.9")]).unwrap_or_else(|error| panic!("{error}"));
}

fn from_on_prem(both: &Both, to: &str) -> Verdict {
    both.fabric.verdict(&Source::OnPrem, ip(to))
}

fn tgw_route(prefix: &str, target: Option<TgwTarget>) -> Change {
    Change::TgwRoute {
        region: TOKYO.region.into(),
        table: TABLE_T.into(),
        cidr: cidr(prefix),
        target,
    }
}

fn list(built: &mut Built, entries: &[&str], target: TgwTarget) {
    let aws = tokyo(built);
    let entries = entries.iter().map(|text| cidr(text)).collect();
    aws.prefix_lists
        .insert("pl-t1".into(), PrefixList { entries });
    let table = aws
        .tgw_route_tables
        .get_mut(&TgwRouteTableId::from(TABLE_T));
    let references = &mut table.unwrap().prefix_list_references;
    references.insert("pl-t1".into(), target);
}

/// The fabric went by what each table propagates; the reference says that the later of two VPCs with one CIDR is not propagated.
#[test]
fn an_earlier_vpc_suppresses_a_later_one_with_its_cidr_everywhere() {
    let mut built = tame();
    let aws = tokyo(&mut built);
    let tokyos = aws
        .tgw_route_tables
        .get_mut(&TgwRouteTableId::from(TABLE_T));
    // The spoke, attached later, has the EC2 VPC's CIDR, and of the two only the spoke is propagated.
    let propagations = &mut tokyos.unwrap().propagations;
    propagations.remove(&AttachmentId::from("tgw-attach-ec2"));
    aws.vpcs.get_mut(&VpcId::from("vpc-spoket")).unwrap().cidrs = vec![cidr(EC2_CIDR)];
    let both = agree(built, &[]);
    let verdict = from_on_prem(&both, "172.30.1.34");
    assert!(matches!(verdict, Verdict::NoRoute { .. }), "{verdict}");
    // Once the earlier one is gone, it is propagated.
    let gone = Change::Attachment {
        region: TOKYO.region.into(),
        attachment: "tgw-attach-ec2".into(),
        attached: false,
    };
    let mut both = both;
    both.make(&gone).unwrap();
    look(&both);
    let verdict = from_on_prem(&both, "172.30.1.34");
    assert!(!matches!(verdict, Verdict::NoRoute { .. }), "{verdict}");
}

/// The fabric chose by the edge's name, the lab by the connection's id; on-prem may choose either.
#[test]
fn the_worse_of_two_edges_with_one_preference_counts() {
    let mut built = tame();
    let mut second = built.estate.edges[&EdgeName::from("edge0")].clone();
    second.name = "edge1".into();
    second.attachment = "tgw-attach-edge1".into();
    let aws = tokyo(&mut built);
    let mut vpn = aws.vpns[&VpnId::from("vpn-0")].clone();
    vpn.tunnels_up = 2;
    aws.vpns.insert("vpn-1".into(), vpn);
    let mut attachment = aws.attachments[&AttachmentId::from("tgw-attach-edge0")].clone();
    attachment.kind = AttachmentKind::Vpn("vpn-1".into());
    // Its own table knows every prefix the first one's knows, and drops them all.
    attachment.association = Some(NEWCOMER.into());
    aws.attachments
        .insert("tgw-attach-edge1".into(), attachment);
    let mut drops = aws.tgw_route_tables[&TgwRouteTableId::from(TABLE_T)].clone();
    drops.associations = ["tgw-attach-edge1".into()].into();
    drops.propagations.clear();
    drops.learned_routes.clear();
    drops.static_routes = BTreeMap::from([(cidr(EC2_CIDR), TgwTarget::Blackhole)]);
    aws.tgw_route_tables.insert(NEWCOMER.into(), drops);
    built.estate.edges.insert(second.name.clone(), second);
    let both = agree(built, &[]);
    let verdict = from_on_prem(&both, "172.30.1.34");
    assert!(matches!(verdict, Verdict::Blackhole { .. }), "{verdict}");
    let alone = |edge: &str| {
        let via = Source::OnPremVia { edge: edge.into() };
        both.fabric.verdict(&via, ip("172.30.1.34"))
    };
    assert!(alone("edge0").is_delivered());
    assert!(!alone("edge1").is_delivered());
}

/// The lab only looked at the first attachment subnet.
#[test]
fn the_worse_of_two_attachment_subnets_counts() {
    let mut built = tame();
    let aws = tokyo(&mut built);
    let second = VpcSubnet {
        vpc: "vpc-ec2".into(),
        cidr: cidr("172.30.255.16/28"),
        availability_zone: "c".to_owned(),
        name: None,
    };
    aws.subnets.insert("subnet-tgw-ec2-c".into(), second);
    let mut table = aws.route_tables[&RouteTableId::from("rtb-ec2")].clone();
    table.main = false;
    table.subnets = ["subnet-tgw-ec2-c".into()].into();
    // What comes in by zone c goes to an interface that is gone, instead of staying local.
    let app = VpcRoute {
        destination: RouteDestination::Cidr(cidr("172.30.1.0/24")),
        target: VpcRouteTarget::Eni("eni-gone".into()),
        state: VpcRouteState::Blackhole,
        propagated: false,
    };
    table.routes.push(app);
    aws.route_tables.insert("rtb-tgw-ec2-c".into(), table);
    let attachment = aws
        .attachments
        .get_mut(&AttachmentId::from("tgw-attach-ec2"));
    let AttachmentKind::Vpc { subnets, .. } = &mut attachment.unwrap().kind else {
        panic!("a VPC is attached");
    };
    subnets.insert("subnet-tgw-ec2-c".into());
    let both = agree(built, &[]);
    let verdict = from_on_prem(&both, "172.30.1.34");
    assert!(matches!(verdict, Verdict::DeadEni { .. }), "{verdict}");
}

/// Snapshots had the entries of prefix lists among the static routes: deleting one seemed to take them away.
#[test]
fn a_deleted_static_route_uncovers_the_entry_of_a_list() {
    let mut built = tame();
    list(&mut built, &[EC2_CIDR], TgwTarget::Blackhole);
    let to_ec2 = TgwTarget::Attachment("tgw-attach-ec2".into());
    let both = agree(built.clone(), &[tgw_route(EC2_CIDR, Some(to_ec2.clone()))]);
    assert!(from_on_prem(&both, "172.30.1.34").is_delivered());
    let there_and_back = [tgw_route(EC2_CIDR, Some(to_ec2)), tgw_route(EC2_CIDR, None)];
    let both = agree(built, &there_and_back);
    let verdict = from_on_prem(&both, "172.30.1.34");
    assert!(matches!(verdict, Verdict::Blackhole { .. }), "{verdict}");
}

/// The lab kept propagated routes among the written ones, so that deleting a written one left nothing.
#[test]
fn a_vpc_table_falls_back_to_a_listed_before_a_propagated_route() {
    let mut built = tame();
    let aws = tokyo(&mut built);
    let on_prem = cidr(ON_PREM[0]);
    let entries = [on_prem].into();
    aws.prefix_lists
        .insert("pl-t2".into(), PrefixList { entries });
    let table = aws
        .route_tables
        .get_mut(&RouteTableId::from("rtb-ec2"))
        .unwrap();
    let written = table.routes.iter().position(|route| {
        route.destination == RouteDestination::Cidr(on_prem) && !route.propagated
    });
    let written = table.routes[written.unwrap()].clone();
    let mut propagated = written.clone();
    propagated.propagated = true;
    propagated.target = VpcRouteTarget::Gateway("nat-vgw".to_owned());
    let mut listed = written;
    listed.destination = RouteDestination::PrefixList("pl-t2".into());
    table.routes.extend([propagated, listed]);
    let delete = Change::VpcRoute {
        region: TOKYO.region.into(),
        table: "rtb-ec2".into(),
        cidr: on_prem,
        target: None,
    };
    let both = agree(built, &[delete]);
    let from = Source::Ec2Subnet {
        vpc: "vpc-ec2".into(),
        subnet: "subnet-app".into(),
    };
    let trace = both.fabric.trace(&from, ip("10.0.0.10"));
    assert!(trace.verdict.is_delivered(), "{trace}");
    assert!(
        trace.to_string().contains("of prefix list pl-t2"),
        "{trace}"
    );
}

/// A learned route that only a list hides is there all the same: it shows in tables the list is not in.
#[test]
fn a_vpn_route_hidden_by_a_list_shows_in_other_tables() {
    let mut built = tame();
    let peer = TgwTarget::Attachment("tgw-attach-peer".into());
    list(&mut built, &[ON_PREM[0]], peer);
    let aws = tokyo(&mut built);
    let mut other = aws.tgw_route_tables[&TgwRouteTableId::from(TABLE_T)].clone();
    other.prefix_list_references.clear();
    other.associations = ["tgw-attach-spoket".into()].into();
    other.propagations.clear();
    other.learned_routes.clear();
    aws.tgw_route_tables.insert(NEWCOMER.into(), other);
    for (id, table) in &mut aws.tgw_route_tables {
        if id.as_str() != NEWCOMER {
            table.associations.remove(&"tgw-attach-spoket".into());
            // As the table shows it: the entry hides what is learned.
            table.learned_routes.clear();
        }
    }
    let spoke = aws
        .attachments
        .get_mut(&AttachmentId::from("tgw-attach-spoket"));
    spoke.unwrap().association = Some(NEWCOMER.into());
    let propagate = Change::Propagation {
        region: TOKYO.region.into(),
        table: NEWCOMER.into(),
        attachment: "tgw-attach-edge0".into(),
        enabled: true,
    };
    let both = agree(built, &[propagate]);
    let spoke = Source::Spoke {
        vpc: "vpc-spoket".into(),
    };
    let verdict = both.fabric.verdict(&spoke, ip("10.0.0.10"));
    assert!(verdict.is_delivered(), "{verdict}");
}

/// A write returns before the data plane follows: until then the route before it is used.
#[test]
fn a_pending_route_is_not_used_before_its_time() {
    let mut both = Both::new(tame());
    let drop = tgw_route(EC2_CIDR, Some(TgwTarget::Blackhole));
    assert!(both.begin(&drop));
    look(&both);
    assert!(from_on_prem(&both, "172.30.1.34").is_delivered());
    both.settle();
    look(&both);
    assert!(!from_on_prem(&both, "172.30.1.34").is_delivered());
}

#[test]
fn a_region_that_is_down_withdraws_its_vpns_and_drops_packets() {
    let down = Change::Region {
        region: TOKYO.region.into(),
        up: false,
    };
    let both = agree(tame(), std::slice::from_ref(&down));
    let verdict = from_on_prem(&both, "172.30.1.34");
    assert!(matches!(verdict, Verdict::NoRoute { .. }), "{verdict}");
    // Nothing withdraws a route that is configured on the on-prem router.
    let mut built = tame();
    let edge = built
        .estate
        .edges
        .get_mut(&EdgeName::from("edge0"))
        .unwrap();
    edge.kind = EdgeKind::StaticVpn {
        on_prem_routes: vec![cidr(EC2_CIDR)],
    };
    let vpn = tokyo(&mut built)
        .vpns
        .get_mut(&VpnId::from("vpn-0"))
        .unwrap();
    vpn.static_routes_only = true;
    vpn.tunnels_up = 0;
    let both = agree(built, &[down]);
    let verdict = from_on_prem(&both, "172.30.1.34");
    assert!(matches!(verdict, Verdict::RegionDown { .. }), "{verdict}");
}

#[test]
fn two_transit_gateways_of_one_dx_gateway_attract_only_their_prefixes() {
    let mut built = tame();
    let gateway = DxGatewayId::from("dx-0");
    for (number, side, prefix) in [(7, TOKYO, "172.30.1.0/24"), (8, OSAKA, "172.30.2.0/24")] {
        let aws = built.world.aws.get_mut(&Region::from(side.region)).unwrap();
        let name = format!("edge{number}");
        world::attach(
            aws,
            side.letter,
            &name,
            AttachmentKind::DirectConnect(gateway.clone()),
        );
        let attachment = AttachmentId::new(format!("tgw-attach-{name}"));
        let table = TgwRouteTableId::new(format!("tgw-rtb-{}0", side.letter));
        aws.attachments.get_mut(&attachment).unwrap().association = Some(table.clone());
        let table = aws.tgw_route_tables.get_mut(&table).unwrap();
        table.associations.insert(attachment.clone());
        aws.dx_associations.push(DxAssociation {
            id: format!("assoc-{number}"),
            gateway: gateway.clone(),
            tgw: format!("tgw-{}", side.letter).as_str().into(),
            state: "associated".to_owned(),
            allowed_prefixes: [cidr(prefix)].into(),
        });
        let edge = Edge {
            name: name.as_str().into(),
            region: side.region.into(),
            tgw: format!("tgw-{}", side.letter).as_str().into(),
            attachment,
            kind: EdgeKind::DirectConnect {
                gateway: gateway.clone(),
            },
            local_preference: 300,
        };
        built.estate.edges.insert(edge.name.clone(), edge);
    }
    let announce = |edge: &str, prefix: &str| Change::Announce {
        edge: edge.into(),
        cidr: cidr(prefix),
        present: true,
    };
    let mut both = agree(built, &[announce("edge8", "172.30.3.128/25")]);
    // Not even a cover of what the other Transit Gateway has (AWS reference §2.2).
    let refused = both.make(&announce("edge8", "172.30.0.0/16")).unwrap_err();
    assert!(
        matches!(refused, Refused::AllowedPrefixOverlap { .. }),
        "{refused}"
    );
    // A lost route does not withdraw the prefix: on-prem keeps sending, and the packets are lost (AWS reference §2.1).
    both.make(&tgw_route("172.30.1.0/24", Some(TgwTarget::Blackhole)))
        .unwrap();
    look(&both);
    let verdict = from_on_prem(&both, "172.30.1.34");
    assert!(matches!(verdict, Verdict::Blackhole { .. }), "{verdict}");
}
