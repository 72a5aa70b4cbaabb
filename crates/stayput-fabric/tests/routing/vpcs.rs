//! AWS reference §3: routing in a VPC.

use std::collections::BTreeSet;

use stayput_estate::PrefixListId;
use stayput_fabric::*;
use stayput_world::aws::*;

use crate::common::*;
use crate::last_reason;

#[test]
fn replies_without_a_route_to_on_prem_leave_through_the_nat_gateway() {
    let mut setup = Setup::new();
    let routes = &mut setup.vpc_table(T, "rtb-nc2t").routes;
    routes.retain(|route| route.destination != RouteDestination::Cidr(cidr(ON_PREM)));
    let fabric = moved(&setup);
    let trip = fabric.round_trip(&Source::OnPrem, ip(WEB));
    assert!(trip.forward.verdict.is_delivered() && !trip.works());
    assert_eq!(brief(&trip.back.unwrap().verdict), "leaves by nat-t");
    let remedy = Change::VpcRoute {
        region: T.into(),
        table: "rtb-nc2t".into(),
        cidr: cidr(ON_PREM),
        target: Some(VpcRouteTarget::Tgw("tgw-t".into())),
    };
    let trip = after(fabric, [remedy]).round_trip(&Source::OnPrem, ip(WEB));
    assert!(trip.works() && trip.symmetric);
}

#[test]
fn a_prefix_missing_in_the_table_of_an_attachment_subnet_is_not_reached() {
    let mut setup = Setup::new();
    let aws = setup.aws(T);
    // The usual advice: a subnet of its own for the attachment, with a table of its own.
    add_subnet(aws, "subnet-attach", "vpc-nc2t", "10.101.9.0/28");
    add_table(
        aws,
        "rtb-attach",
        "vpc-nc2t",
        vec![route("0.0.0.0/0", VpcRouteTarget::Gateway("nat-t".into()))],
    );
    setup.vpc_table(T, "rtb-attach").subnets = BTreeSet::from(["subnet-attach".into()]);
    setup.attachment(T, "tgw-attach-nc2t").kind = AttachmentKind::Vpc {
        vpc: "vpc-nc2t".into(),
        subnets: BTreeSet::from(["subnet-attach".into()]),
    };
    assert_eq!(from_on_prem(&moved(&setup), WEB), "leaves by nat-t");
    // With two attachment subnets, each must do: which one a packet enters by is not ours to say.
    setup.attachment(T, "tgw-attach-nc2t").kind = AttachmentKind::Vpc {
        vpc: "vpc-nc2t".into(),
        subnets: BTreeSet::from(["subnet-attach".into(), "subnet-metal-t".into()]),
    };
    assert_eq!(from_on_prem(&moved(&setup), WEB), "leaves by nat-t");
    // Where NC2 writes the table today, it writes the next prefix too.
    let gateway = VpcRouteTarget::Eni("eni-gw-t".into());
    let db = "172.30.3.0/24";
    setup
        .vpc_table(T, "rtb-attach")
        .routes
        .push(route(db, gateway));
    let transit = setup.prism(NC2_T).vpcs.get_mut(&"flow-transit".into());
    transit.unwrap().erps.insert(cidr(db));
    assert_eq!(from_on_prem(&moved(&setup), WEB), "delivered at nc2-tokyo");
}

#[test]
fn hosts_of_the_ec2_vpc_cannot_be_steered_to_what_has_moved() {
    let setup = Setup::new();
    let mut fabric = moved(&setup);
    let local = "local at ec2, machine at nc2-tokyo";
    assert_eq!(ends(&fabric, &ec2_subnet("subnet-stays"), WEB), local);
    assert!(
        !fabric
            .verdict(&ec2_subnet("subnet-stays"), ip(WEB))
            .is_harmful()
    );
    for prefix in [V, P, "172.30.1.34/32"] {
        let refused = fabric.try_apply(&Change::VpcRoute {
            region: T.into(),
            table: "rtb-ec2".into(),
            cidr: cidr(prefix),
            target: Some(VpcRouteTarget::Tgw("tgw-t".into())),
        });
        assert!(matches!(refused, Err(Refused::LocalToVpc { .. })));
    }
}

#[test]
fn a_whole_subnet_may_be_routed_to_a_nat_gateway_only() {
    let mut fabric = Setup::new().fabric();
    let mut write = |target: &str| {
        fabric.try_apply(&Change::VpcRoute {
            region: T.into(),
            table: "rtb-ec2".into(),
            cidr: cidr(P),
            target: Some(VpcRouteTarget::Gateway(target.into())),
        })
    };
    assert!(matches!(write("igw-1"), Err(Refused::LocalToVpc { .. })));
    assert!(write("nat-1").is_ok());
    assert!(write("vpce-1").is_ok());
}

#[test]
fn an_interface_that_is_gone_stopped_or_checks_destinations_is_dead() {
    let with = |bend: fn(&mut AwsRegion)| {
        let mut setup = Setup::new();
        let table = setup.vpc_table(T, "rtb-nc2t");
        table
            .routes
            .push(route(P, VpcRouteTarget::Eni("eni-gw-t".into())));
        for vpc in ["flow-transit", "flow-user"] {
            let vpcs = &mut setup.prism(NC2_T).vpcs;
            vpcs.get_mut(&vpc.into()).unwrap().erps.insert(cidr(P));
        }
        bend(setup.aws(T));
        let mut steps = machines(EC2, NC2_T);
        steps.push(tgw_t(P, Some(to("tgw-attach-nc2t"))));
        from_on_prem(&after(setup.fabric(), steps), WEB)
    };
    assert_eq!(with(|_| ()), "delivered at nc2-tokyo");
    assert_eq!(
        with(|aws| {
            aws.enis.remove(&"eni-gw-t".into());
        }),
        "dead eni-gw-t: Missing"
    );
    assert_eq!(
        with(|aws| {
            aws.instances.get_mut(&"i-host-t".into()).unwrap().state = InstanceState::Stopped;
        }),
        "dead eni-gw-t: InstanceDown"
    );
    let detached = |aws: &mut AwsRegion| {
        aws.enis.get_mut(&"eni-gw-t".into()).unwrap().in_use = false;
    };
    assert_eq!(with(detached), "dead eni-gw-t: Detached");
    let checks = |aws: &mut AwsRegion| {
        let eni = aws.enis.get_mut(&"eni-gw-t".into()).unwrap();
        eni.source_dest_check = true;
    };
    assert_eq!(with(checks), "dead eni-gw-t: SourceDestCheck");
}

#[test]
fn a_vpc_peering_carries_its_own_two_vpcs_and_nothing_through_them() {
    let mut setup = Setup::new();
    for (region, table, other) in [
        (T, "rtb-nc2t", "10.102.0.0/16"),
        (O, "rtb-nc2o", "10.101.0.0/16"),
    ] {
        let routes = &mut setup.vpc_table(region, table).routes;
        routes.retain(|route| route.destination != RouteDestination::Cidr(cidr(other)));
        routes.push(route(other, VpcRouteTarget::Peering("pcx-1".into())));
    }
    setup
        .vpc_table(T, "rtb-nc2t")
        .routes
        .push(route(P, VpcRouteTarget::Peering("pcx-1".into())));
    let mut steps = machines(EC2, NC2_O);
    steps.push(tgw_t(P, Some(to("tgw-attach-nc2t"))));
    let fabric = after(setup.fabric(), steps);
    let trip = fabric.round_trip(&nc2(NC2_T), ip("10.102.1.10"));
    assert!(trip.works() && trip.symmetric, "{trip}");
    let trace = fabric.trace(&via("tokyo"), ip(WEB));
    assert!(matches!(last_reason(&trace), Reason::PeeringRefuses { .. }));
}

#[test]
fn a_prefix_list_whose_contents_are_unknown_is_noted() {
    let mut setup = Setup::new();
    let mut listed = route("10.9.0.0/16", VpcRouteTarget::Tgw("tgw-t".into()));
    listed.destination = RouteDestination::PrefixList(PrefixListId::from("pl-1"));
    setup.vpc_table(T, "rtb-ec2").routes.push(listed);
    let trace = setup.fabric().trace(&Source::OnPrem, ip(WEB));
    assert_eq!(
        trace.caveats,
        [Caveat::PrefixList {
            table: "rtb-ec2".into(),
            list: "pl-1".into()
        }]
    );
}
