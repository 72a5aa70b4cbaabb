use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::aws::model::RouteTable;
use crate::clock::Clock;
use crate::clock::VTime;
use crate::prism::effects::Effect;
use crate::prism::model::FlowVpc;
use crate::prism::model::PcState;
use crate::prism::tasks;
use crate::prism::vpcs::VpcEffect;
use crate::state::Timing;

fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

fn eni(description: &str, check: bool) -> Eni {
    Eni {
        vpc: "vpc-nc2".to_owned(),
        subnet: "subnet-flow".to_owned(),
        mac: "06:00:00:00:00:01".parse().unwrap(),
        kind: "interface".to_owned(),
        description: description.to_owned(),
        requester_managed: false,
        instance: None,
        source_dest_check: check,
        primary: "10.101.3.11".parse().unwrap(),
        secondary: Vec::new(),
        tags: BTreeMap::new(),
    }
}

fn lab() -> LabState {
    let clock = Clock::new(VTime(1_780_000_000_000), 0.0);
    let mut lab = LabState::new(clock, Timing::default());
    let mut region = RegionState::default();
    region
        .enis
        .insert("eni-1".to_owned(), eni("NC2 host management", true));
    region
        .enis
        .insert("eni-2".to_owned(), eni("NC2 host ENI for Flow", false));
    region
        .enis
        .insert("eni-3".to_owned(), eni("NC2 host ENI for Flow", false));
    let main = RouteTable {
        vpc: "vpc-nc2".to_owned(),
        main: true,
        associations: BTreeMap::new(),
        routes: BTreeMap::new(),
        list_routes: BTreeMap::new(),
        propagated: BTreeMap::new(),
        tags: BTreeMap::new(),
    };
    region.route_tables.insert("rtb-1".to_owned(), main);
    lab.aws.regions.insert("tokyo".to_owned(), region);
    let mut pc = PcState {
        aws: ("tokyo".to_owned(), "vpc-nc2".to_owned()),
        ..PcState::default()
    };
    for (id, transit) in [("transit", true), ("user", false)] {
        let vpc = FlowVpc {
            transit,
            ..FlowVpc::default()
        };
        pc.vpcs.insert(id.to_owned(), vpc);
    }
    lab.pcs.push(pc);
    lab
}

fn set(lab: &mut LabState, vpc: &str, erps: &[&str]) {
    let mut changed = lab.pcs[0].vpcs[vpc].clone();
    changed.erps = erps.iter().map(|erp| cidr(erp)).collect();
    let effect = Effect::Vpc(vpc.to_owned(), VpcEffect::Update(changed));
    tasks::start(lab, 0, "UpdateVpc", Vec::new(), effect);
    lab.advance(Duration::from_secs(3));
}

fn routes(lab: &LabState) -> BTreeMap<Cidr, RouteTarget> {
    lab.aws.regions["tokyo"].route_tables["rtb-1"]
        .routes
        .clone()
}

#[test]
fn nc2_writes_and_removes_aws_routes_for_transit_vpc_prefixes() {
    let mut lab = lab();
    set(&mut lab, "user", &["172.30.1.0/24"]);
    lab.advance(Duration::from_secs(60));
    assert!(
        routes(&lab).is_empty(),
        "a prefix of the user VPC alone writes no route"
    );
    set(&mut lab, "transit", &["172.30.1.0/24"]);
    assert!(routes(&lab).is_empty(), "not yet");
    lab.advance(Duration::from_secs(10));
    let expected = RouteTarget::Eni("eni-2".to_owned());
    assert_eq!(routes(&lab).get(&cidr("172.30.1.0/24")), Some(&expected));
    set(&mut lab, "transit", &[]);
    lab.advance(Duration::from_secs(10));
    assert!(routes(&lab).is_empty());
}

#[test]
fn a_new_prefix_is_routed_to_the_gateway_of_the_other_prefixes() {
    let mut lab = lab();
    let third = RouteTarget::Eni("eni-3".to_owned());
    let table = lab
        .aws
        .regions
        .get_mut("tokyo")
        .unwrap()
        .route_tables
        .get_mut("rtb-1")
        .unwrap();
    table.routes.insert(cidr("192.168.50.0/24"), third.clone());
    set(&mut lab, "transit", &["172.30.1.0/24"]);
    lab.advance(Duration::from_secs(10));
    assert_eq!(routes(&lab).get(&cidr("172.30.1.0/24")), Some(&third));
}

#[test]
fn a_prefix_removed_before_nc2_writes_it_leaves_no_route() {
    let mut lab = lab();
    set(&mut lab, "transit", &["172.30.1.0/24"]);
    set(&mut lab, "transit", &[]);
    lab.advance(Duration::from_secs(30));
    assert!(routes(&lab).is_empty());
}

#[test]
fn a_site_that_was_down_writes_its_routes_when_it_is_up() {
    let mut lab = lab();
    set(&mut lab, "transit", &["172.30.1.0/24"]);
    lab.pcs[0].down = true;
    lab.advance(Duration::from_secs(300));
    assert!(routes(&lab).is_empty());
    lab.pcs[0].down = false;
    lab.advance(Duration::from_secs(60));
    assert_eq!(routes(&lab).len(), 1);
}
