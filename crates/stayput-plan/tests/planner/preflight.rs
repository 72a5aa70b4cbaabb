//! What the model finds in the routing: each from a world that has just it, and nothing from one that is as it should be.

use stayput_estate::EdgeKind;
use stayput_estate::EdgeName;
use stayput_plan::EntryPath;
use stayput_plan::FailoverMode;
use stayput_plan::Finding;
use stayput_plan::Goal;
use stayput_plan::Obstacle;
use stayput_world::aws::*;

use crate::fixture::*;

/// What is found, and whether it stops the plan.
#[derive(Debug)]
struct Found {
    told: Vec<Finding>,
    stops: Vec<Obstacle>,
}

fn look(setup: &Setup, goal: &Goal) -> Found {
    match setup.plan(goal) {
        Ok(plan) => Found {
            told: plan.findings,
            stops: Vec::new(),
        },
        Err(stops) => Found {
            told: Vec::new(),
            stops,
        },
    }
}

/// The one finding that the plan tells.
#[track_caller]
fn told(setup: &Setup, goal: &Goal) -> Finding {
    let found = look(setup, goal);
    let [finding] = found.told.as_slice() else {
        panic!("{found:#?}");
    };
    assert!(!finding.remedy().is_empty());
    finding.clone()
}

/// The one finding that stops the plan.
#[track_caller]
fn stops(setup: &Setup, goal: &Goal) -> Finding {
    let found = look(setup, goal);
    let [Obstacle::Found { finding }] = found.stops.as_slice() else {
        panic!("{found:#?}");
    };
    assert!(!finding.remedy().is_empty());
    (**finding).clone()
}

fn moving() -> Goal {
    move_in(&["app"])
}

fn moved() -> Setup {
    Setup::small().after(&[moving(), protect(&["app"])])
}

fn nc2_table(setup: &mut Setup) -> &mut VpcRouteTable {
    let tables = &mut setup.tokyo().route_tables;
    tables.get_mut(&"rtb-vpc-nc2t".into()).unwrap()
}

#[test]
fn a_world_as_it_should_be_gives_no_finding() {
    assert_eq!(look(&Setup::small(), &moving()).told, []);
}

#[test]
fn replies_without_a_route_to_on_prem_stop_a_move() {
    let mut setup = Setup::small();
    let on_prem = RouteDestination::Cidr(cidr(ON_PREM));
    nc2_table(&mut setup)
        .routes
        .retain(|route| route.destination != on_prem);
    let found = stops(&setup, &moving());
    assert!(matches!(found, Finding::NoReturnRoute { .. }), "{found}");
    assert!(found.remedy().contains(ON_PREM), "{}", found.remedy());
}

#[test]
fn a_prefix_that_nc2_does_not_write_into_the_attachment_subnet_stops_a_move() {
    let mut setup = Setup::small();
    let mut table = nc2_table(&mut setup).clone();
    table.main = false;
    table.subnets = ["subnet-vpc-nc2t-tgw".into()].into();
    setup.tokyo().route_tables.insert("rtb-own".into(), table);
    let found = stops(&setup, &moving());
    assert!(matches!(found, Finding::PrefixNotInTable { .. }), "{found}");
    assert!(found.to_string().contains("rtb-own"), "{found}");
}

#[test]
fn an_aggregate_that_would_loop_without_the_prefix_is_told() {
    let mut setup = Setup::small();
    let aggregate = vpc_route(cidr("172.16.0.0/12"), VpcRouteTarget::Tgw("tgw-t".into()));
    nc2_table(&mut setup).routes.push(aggregate);
    let found = told(&setup, &moving());
    let Finding::LoopingAggregate { aggregate, .. } = found else {
        panic!("{found}");
    };
    assert_eq!(aggregate, cidr("172.16.0.0/12"));
}

#[test]
fn a_finding_does_not_hide_an_obstacle_it_has_nothing_to_do_with() {
    let mut setup = Setup::small();
    let aggregate = vpc_route(cidr("172.16.0.0/12"), VpcRouteTarget::Tgw("tgw-t".into()));
    nc2_table(&mut setup).routes.push(aggregate);
    for aws in setup.world.aws.values_mut() {
        aws.vpns.values_mut().for_each(|vpn| vpn.tunnels_up = 0);
    }
    let found = look(&setup, &moving());
    let [Obstacle::Unreachable { .. }] = found.stops.as_slice() else {
        panic!("{found:#?}");
    };
}

#[test]
fn the_articles_summary_is_told_with_what_it_takes_along() {
    let mut setup = Setup::new().after(&[move_in(&["app", "db"]), protect(&["app", "db"])]);
    setup
        .table("o-edges")
        .static_routes
        .insert(cidr("172.30.0.0/16"), to("tgw-attach-nc2o"));
    let found = look(&setup, &failover(&["app", "db"], OSAKA));
    let summary = found
        .told
        .iter()
        .find(|finding| matches!(finding, Finding::WideSummary { .. }));
    let Some(Finding::WideSummary { captured, .. }) = summary else {
        panic!("{found:#?}");
    };
    assert!(captured.contains(&cidr("172.30.2.0/24")), "{captured:?}");
    // The networks of the goal will live there.
    assert!(!captured.contains(&cidr("172.30.1.0/24")), "{captured:?}");
}

#[test]
fn a_summary_that_draws_on_prem_to_the_wrong_site_is_told_too() {
    let mut setup = Setup::new().after(&[move_in(&["app", "db"])]);
    setup
        .table("t-edges")
        .static_routes
        .insert(cidr("172.30.2.0/23"), to("tgw-attach-nc2t"));
    let found = look(&setup, &move_in(&["app", "db"]));
    let captured = found.told.iter().find_map(|finding| match finding {
        Finding::WideSummary { captured, .. } => Some(captured),
        _ => None,
    });
    assert_eq!(
        captured,
        Some(&[cidr("172.30.2.0/24")].into()),
        "{found:#?}"
    );
}

#[test]
fn a_leftover_host_route_inside_the_network_is_named() {
    let mut setup = moved();
    setup
        .table("t-edges")
        .static_routes
        .insert(cidr("172.30.1.34/32"), to("tgw-attach-legacy"));
    let found = look(&setup, &failover(&["app"], OSAKA));
    let [Obstacle::MoreSpecific { cidr: left, .. }] = found.stops.as_slice() else {
        panic!("{found:#?}");
    };
    assert_eq!(*left, cidr("172.30.1.34/32"));
}

#[test]
fn replies_that_take_another_way_are_told() {
    let found = told(&moved(), &failover(&["app"], OSAKA));
    assert!(matches!(found, Finding::AsymmetricReturn { .. }), "{found}");
    let by_b = failover_by(&["app"], OSAKA, FailoverMode::Planned, EntryPath::B);
    assert_eq!(look(&moved(), &by_b).told, []);
}

#[test]
fn a_prefix_held_by_another_gateway_association_stops_path_b() {
    let mut setup = moved();
    setup.direct_connect_to_tokyo();
    let gateway = setup
        .estate
        .edges
        .values()
        .find_map(|edge| match &edge.kind {
            EdgeKind::DirectConnect { gateway } => Some(gateway.clone()),
            EdgeKind::BgpVpn | EdgeKind::StaticVpn { .. } => None,
        });
    let edge = setup.estate.edges.get_mut(&EdgeName::from(OSAKA)).unwrap();
    edge.kind = EdgeKind::DirectConnect {
        gateway: gateway.unwrap(),
    };
    let by_b = failover_by(&["app"], OSAKA, FailoverMode::Planned, EntryPath::B);
    let found = look(&setup, &by_b);
    let named = found.stops.iter().any(|obstacle| {
        matches!(obstacle, Obstacle::Found { finding } if matches!(&**finding, Finding::DxOverlap { held_by, .. } if held_by.as_str() == "tgw-t"))
    });
    assert!(named, "{found:#?}");
    assert!(
        !found
            .stops
            .iter()
            .any(|obstacle| matches!(obstacle, Obstacle::NoAnnouncement { .. })),
        "said twice: {found:#?}"
    );
}

#[test]
fn neighbours_that_stay_in_the_ec2_vpc_are_told_of_what_they_lose() {
    let found = look(&Setup::new(), &move_in(&["app", "db"]));
    let lose: Vec<_> = found
        .told
        .iter()
        .filter(|finding| matches!(finding, Finding::NeighboursLose { hosts: 1, .. }))
        .collect();
    assert_eq!(lose.len(), 2, "{found:#?}");
}

#[test]
fn an_nc2_vpc_with_the_networks_addresses_stops_a_move() {
    let mut setup = Setup::small();
    let vpc = setup.tokyo().vpcs.get_mut(&"vpc-nc2t".into()).unwrap();
    vpc.cidrs.push(cidr("172.30.1.0/24"));
    let found = look(&setup, &moving());
    let named = found.stops.iter().any(|obstacle| {
        matches!(obstacle, Obstacle::Found { finding } if matches!(**finding, Finding::OverlappingCidr { site: Some(_), .. }))
    });
    assert!(named, "{found:#?}");
}

#[test]
fn a_peering_without_a_route_table_on_the_homes_side_stops_a_failover() {
    let mut setup = moved();
    let peering =
        |attachment: &&mut TgwAttachment| matches!(attachment.kind, AttachmentKind::Peering { .. });
    let osaka = setup.osaka();
    let attachment = osaka.attachments.values_mut().find(peering).unwrap();
    attachment.association = None;
    for table in osaka.tgw_route_tables.values_mut() {
        table
            .associations
            .retain(|id| !id.as_str().contains("peer"));
    }
    let found = stops(&setup, &failover(&["app"], OSAKA));
    let Finding::PeeringNotAssociated { cut_off, .. } = found else {
        panic!("{found}");
    };
    assert_eq!(cut_off, names(&["app"]));
}

#[test]
fn more_routes_than_aws_allows_stop_a_move() {
    let mut setup = Setup::small();
    let routes = &mut setup.table("t-edges").static_routes;
    for number in 0..10_000_u32 {
        let network = std::net::Ipv4Addr::from(0x6000_0000 + (number << 8));
        let prefix = stayput_estate::Cidr::containing(network, 24);
        routes.insert(prefix, to("tgw-attach-nc2t"));
    }
    let found = stops(&setup, &moving());
    assert!(
        matches!(
            found,
            Finding::TooManyRoutes {
                allowed: 10_000,
                ..
            }
        ),
        "{found}"
    );
}

#[test]
fn a_full_vpc_table_is_told() {
    let mut setup = Setup::small();
    for number in 0..50_u32 {
        let network = std::net::Ipv4Addr::from(0x6000_0000 + (number << 8));
        let prefix = stayput_estate::Cidr::containing(network, 24);
        let route = vpc_route(prefix, VpcRouteTarget::Tgw("tgw-t".into()));
        nc2_table(&mut setup).routes.push(route);
    }
    let found = told(&setup, &moving());
    assert!(matches!(found, Finding::FullVpcTable { .. }), "{found}");
}
