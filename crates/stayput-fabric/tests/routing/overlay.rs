//! AWS reference §4: Flow VPCs and externally routable prefixes.

use std::collections::BTreeSet;

use stayput_fabric::*;
use stayput_world::aws::*;

use crate::common::*;
use crate::last_reason;

#[test]
fn a_prefix_missing_on_either_flow_vpc_stops_at_the_transit_vpc() {
    let setup = Setup::new();
    let without_user = after(moved(&setup), [erp(NC2_T, ErpScope::UserVpc, P, false)]);
    let trace = without_user.trace(&Source::OnPrem, ip(WEB));
    assert_eq!(
        brief(&trace.verdict),
        "no route at transit VPC of nc2-tokyo"
    );
    assert_eq!(
        last_reason(&trace),
        &Reason::NoUserPrefix { prefix: cidr(P) }
    );
    // The route NC2 wrote outlives the prefix only in a snapshot that says so.
    let mut setup = Setup::new();
    let table = setup.vpc_table(T, "rtb-nc2t");
    table
        .routes
        .push(route(P, VpcRouteTarget::Eni("eni-gw-t".into())));
    let fabric = after(setup.fabric(), [tgw_t(P, Some(to("tgw-attach-nc2t")))]);
    let trace = fabric.trace(&Source::OnPrem, ip(WEB));
    assert_eq!(last_reason(&trace), &Reason::NoTransitPrefix);
}

#[test]
fn without_a_no_nat_uplink_a_prefix_is_not_routable() {
    let mut setup = Setup::new();
    let user = setup.prism(NC2_T).vpcs.get_mut(&"flow-user".into());
    user.unwrap().external_subnets = BTreeSet::from(["uplink-nat".into()]);
    let fabric = moved(&setup);
    assert_eq!(
        from_on_prem(&fabric, WEB),
        "no route at transit VPC of nc2-tokyo"
    );
    assert_eq!(
        ends(&fabric, &overlay(NC2_T, "web"), "10.0.0.10"),
        "leaves by NAT uplink"
    );
}

#[test]
fn the_prefix_affects_the_nc2_vpc_at_once_and_remains_after_a_failover() {
    let setup = Setup::new();
    let fabric = after(
        setup.fabric(),
        [
            erp(NC2_T, ErpScope::UserVpc, P, true),
            erp(NC2_T, ErpScope::TransitVpc, P, true),
        ],
    );
    assert_eq!(
        ends(&fabric, &nc2(NC2_T), WEB),
        "wrong site nc2-tokyo, machine at ec2"
    );
    let stale = after(
        failed_over(&setup),
        [erp(NC2_T, ErpScope::TransitVpc, P, true)],
    );
    assert_eq!(
        ends(&stale, &nc2(NC2_T), WEB),
        "wrong site nc2-tokyo, machine at nc2-osaka"
    );
}

#[test]
fn a_machine_on_a_pool_address_answers_for_that_address_only() {
    let mut setup = Setup::new();
    let vms = &mut setup.prism(NC2_T).vms;
    let vm = vms.get_mut(&"vm-web".into()).unwrap();
    vm.power = stayput_world::prism::PowerState::On;
    vm.nics[0].address = Some(ip("172.30.1.200"));
    for vpc in ["flow-transit", "flow-user"] {
        let vpcs = &mut setup.prism(NC2_T).vpcs;
        vpcs.get_mut(&vpc.into()).unwrap().erps.insert(cidr(P));
    }
    setup
        .vpc_table(T, "rtb-nc2t")
        .routes
        .push(route(P, VpcRouteTarget::Eni("eni-gw-t".into())));
    let fabric = after(
        setup.fabric(),
        [
            serve(EC2, WEB, false),
            tgw_t(P, Some(to("tgw-attach-nc2t"))),
        ],
    );
    assert_eq!(
        from_on_prem(&fabric, "172.30.1.200"),
        "delivered at nc2-tokyo"
    );
    assert_eq!(from_on_prem(&fabric, WEB), "no machine at nc2-tokyo");
    assert!(fabric.is_populated(&overlay(NC2_T, "web")));
    assert!(!fabric.is_populated(&overlay(NC2_O, "web")));
}

#[test]
fn an_overlay_subnet_that_is_yet_to_be_made_can_be_a_change() {
    let mut setup = Setup::new();
    setup.prism(NC2_T).subnets.remove(&"overlay-web".into());
    let fabric = moved(&setup);
    assert_eq!(
        from_on_prem(&fabric, WEB),
        "no route at Flow VPC user-vpc of nc2-tokyo"
    );
    let subnet = Change::Subnet {
        site: NC2_T.into(),
        cidr: cidr(P),
        name: "web".into(),
        present: true,
    };
    let fabric = after(fabric, [subnet]);
    assert_eq!(from_on_prem(&fabric, WEB), "delivered at nc2-tokyo");
}
