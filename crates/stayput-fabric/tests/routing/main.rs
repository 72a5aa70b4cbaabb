//! AWS reference §1 to §4, rule by rule.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod edges;
mod overlay;
mod transit_gateways;
mod vpcs;

use common::*;
use stayput_fabric::*;
use stayput_world::World;
use stayput_world::aws::*;

fn tgw_reason(trace: &Trace) -> Reason {
    trace
        .hops
        .iter()
        .find(|hop| matches!(hop.at, Node::Tgw { .. }))
        .unwrap()
        .reason
        .clone()
}

fn last_reason(trace: &Trace) -> &Reason {
    &trace.hops.last().unwrap().reason
}

#[test]
fn an_empty_world_gives_verdicts_and_no_failure() {
    let setup = Setup::new();
    let fabric = Fabric::new(&setup.estate, &World::default());
    for source in [
        Source::OnPrem,
        via("tokyo"),
        via("nowhere"),
        ec2_subnet("subnet-web"),
        nc2(NC2_T),
        overlay(NC2_T, "web"),
        Source::Spoke {
            vpc: "vpc-x".into(),
        },
        Source::Machine {
            place: Place::Site(NC2_T.into()),
            address: ip(WEB),
        },
    ] {
        let trip = fabric.round_trip(&source, ip(WEB));
        assert!(!trip.works());
        assert!(!trip.to_string().is_empty());
    }
    assert!(fabric.addresses_of_interest().is_empty());
}

#[test]
fn the_sources_are_all_there_and_each_can_be_traced() {
    let mut setup = Setup::new();
    let aws = setup.aws(T);
    add_vpc(aws, "vpc-spoke", "10.50.0.0/16");
    add_subnet(aws, "subnet-spoke", "vpc-spoke", "10.50.1.0/24");
    add_table(
        aws,
        "rtb-spoke",
        "vpc-spoke",
        vec![route("0.0.0.0/0", VpcRouteTarget::Tgw("tgw-t".into()))],
    );
    attach_vpc(aws, "t", "spoke", "vpc-spoke", &["subnet-spoke"]);
    let fabric = setup.fabric();
    let names: Vec<_> = fabric.sources().iter().map(ToString::to_string).collect();
    assert_eq!(
        names,
        [
            "on-prem",
            "on-prem through osaka",
            "on-prem through tokyo",
            "EC2 subnet subnet-db",
            "EC2 subnet subnet-stays",
            "EC2 subnet subnet-tgw",
            "EC2 subnet subnet-web",
            "NC2 VPC of nc2-osaka",
            "NC2 VPC of nc2-tokyo",
            "overlay db at nc2-osaka",
            "overlay web at nc2-osaka",
            "overlay db at nc2-tokyo",
            "overlay web at nc2-tokyo",
            "VPC vpc-spoke",
        ]
    );
    let spoke = Source::Spoke {
        vpc: "vpc-spoke".into(),
    };
    let trip = fabric.round_trip(&spoke, ip(STAYS));
    assert!(trip.forward.verdict.is_delivered());
    assert_eq!(brief(&trip.back.unwrap().verdict), "leaves by igw-ec2");
}

#[test]
fn a_trace_is_shown_with_a_line_for_each_hop() {
    let trip = failed_over(&Setup::new()).round_trip(&Source::OnPrem, ip(WEB));
    assert_eq!(
        trip.to_string(),
        "\
on-prem → 172.30.1.34: delivered at nc2-osaka to VM web
  on-prem router                  172.30.1.0/24 → tokyo, announced from tgw-rtb-t; beats 172.30.1.0/24 → osaka: less preferred
  edge tokyo                      into tgw-t by tgw-attach-edge-t
  tgw-t / tgw-rtb-t               172.30.1.0/24 → tgw-attach-peer (peering to tgw-o in ap-northeast-3), static; beats 172.30.0.0/16 → VPC vpc-ec2 of ec2: shorter prefix
  tgw-o / tgw-rtb-o               172.30.1.0/24 → tgw-attach-nc2o (VPC vpc-nc2o of nc2-osaka), static; beats 172.30.0.0/16 → peering to tgw-t in ap-northeast-1: shorter prefix
  vpc-nc2o / rtb-nc2o             172.30.1.0/24 → eni-gw-o; beats 0.0.0.0/0 → nat-o: shorter prefix
  transit VPC of nc2-osaka        172.30.1.0/24 is externally routable → user-vpc
  Flow VPC user-vpc of nc2-osaka  172.30.1.0/24 is overlay subnet web
  VM web at nc2-osaka             answers
reply: 172.30.1.34 at nc2-osaka → 10.0.0.10: delivered at on-prem to on-prem host
  overlay 172.30.1.0/24 of nc2-osaka  to the default gateway
  Flow VPC user-vpc of nc2-osaka      out by the no-NAT uplink
  transit VPC of nc2-osaka            out into the AWS VPC by eni-gw-o
  vpc-nc2o / rtb-nc2o                 10.0.0.0/16 → tgw-o; beats 0.0.0.0/0 → nat-o: shorter prefix
  tgw-o / tgw-rtb-o                   10.0.0.0/16 → tgw-attach-edge-o (VPN vpn-o), learned by VPN
  edge osaka                          out to on-prem
  on-prem router                      10.0.0.0/16 is here
  on-prem host at on-prem             answers
the reply takes another path than the request"
    );
    let json = serde_json::to_string(&trip).unwrap();
    assert_eq!(serde_json::from_str::<RoundTrip>(&json).unwrap(), trip);
}

#[test]
fn a_refused_change_changes_nothing() {
    let setup = Setup::new();
    let mut fabric = setup.fabric();
    let before = fabric.trace(&Source::OnPrem, ip(WEB));
    let wrong_side = tgw_t(P, Some(to("tgw-attach-nc2o")));
    // Osaka's attachment is not in Tokyo at all: such a route would be a blackhole, so it is one here.
    fabric.try_apply(&wrong_side).unwrap();
    assert_eq!(from_on_prem(&fabric, WEB), "blackhole at tgw-t / tgw-rtb-t");
    fabric.apply(&tgw_t(P, None));
    let unknown = tgw_route(T, "tgw-rtb-x", P, None);
    assert!(matches!(
        fabric.try_apply(&unknown),
        Err(Refused::NotObserved { what }) if what == "tgw-rtb-x"
    ));
    assert!(fabric.inverse_of(&unknown).is_err());
    assert_eq!(fabric.trace(&Source::OnPrem, ip(WEB)), before);
}
