//! The Nutanix side of a generated world.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::*;
use stayput_world::Prism;
use stayput_world::prism::*;

use crate::places::*;
use crate::tape::Tape;

/// An externally routable prefix of every transit VPC that no change touches.
pub const STANDING: &str = "172.31.99.0/24";

/// A Prism Central.
pub fn prism(side: Side, tape: &mut Tape) -> Prism {
    let letter = side.letter;
    let mut prism = Prism {
        domain_manager: format!("dm-{letter}").as_str().into(),
        registrations: BTreeMap::new(),
        vpcs: BTreeMap::new(),
        subnets: BTreeMap::new(),
        vms: BTreeMap::new(),
        categories: BTreeMap::new(),
        policies: BTreeMap::new(),
        recovery_plans: BTreeMap::new(),
        jobs: BTreeMap::new(),
        recovery_points: BTreeMap::new(),
        unreadable: Vec::new(),
        confirmed_absent: BTreeSet::new(),
        confirmed_absent_objects: BTreeSet::new(),
    };
    for (name, nat) in [("nat", true), ("nonat", false)] {
        let mut uplink = subnet(name, None, "100.64.10.0/24");
        uplink.external = true;
        uplink.nat = nat;
        let id = SubnetExtId::new(format!("fs-{name}-{letter}"));
        prism.subnets.insert(id, uplink);
    }
    let mut erps = |more: &[&str]| -> BTreeSet<Cidr> {
        let chosen: Vec<&str> = ERPS.iter().copied().filter(|_| tape.rarely(2)).collect();
        more.iter().copied().chain(chosen).map(cidr).collect()
    };
    let transit = erps(&[OTHER.1, STANDING]);
    let user = erps(&[]);
    let other = BTreeSet::from([cidr(OTHER.1)]);
    let both: &[&str] = &["nat", "nonat"];
    let uplinks: &[&str] =
        tape.pick(&[&["nonat"][..], &["nonat"], &["nonat"], both, &["nat"], &[]]);
    add_vpc(&mut prism, letter, "transit", both, transit);
    add_vpc(&mut prism, letter, "user", uplinks, user);
    add_vpc(&mut prism, letter, "other", &["nonat"], other);
    add_vpc(&mut prism, letter, "test", &[], BTreeSet::new());
    for (name, prefix) in NETWORKS {
        if tape.mostly(5) {
            add_subnet(&mut prism, letter, name, "user", prefix);
        }
        if tape.rarely(3) {
            add_subnet(&mut prism, letter, &format!("test-{name}"), "test", prefix);
        }
    }
    add_subnet(&mut prism, letter, OTHER.0, "other", OTHER.1);
    for (number, (name, network, addresses)) in (100..).zip(MACHINES) {
        if tape.rarely(2) {
            let addresses: Vec<Ipv4Addr> = addresses.iter().map(|text| ip(text)).collect();
            // As Move leaves it (an address from the pool), or as it was.
            let pool = cidr_of(network).and_then(|cidr| cidr.nth(number));
            let addresses = match pool {
                Some(pool) if tape.rarely(4) => vec![pool],
                Some(_) | None => addresses,
            };
            add_vm(&mut prism, letter, name, network, &addresses, tape);
        }
        if tape.rarely(6) {
            let copy = format!("test-{name}");
            let network = format!("test-{network}");
            let addresses: Vec<_> = addresses.iter().map(|text| ip(text)).collect();
            add_vm(&mut prism, letter, &copy, &network, &addresses, tape);
        }
    }
    add_vm(
        &mut prism,
        letter,
        OTHER.0,
        OTHER.0,
        &[ip("172.31.7.10")],
        tape,
    );
    prism
}

fn cidr_of(network: &str) -> Option<Cidr> {
    NETWORKS
        .iter()
        .find(|(name, _)| *name == network)
        .map(|(_, prefix)| cidr(prefix))
}

fn add_vpc(prism: &mut Prism, letter: &str, name: &str, uplinks: &[&str], erps: BTreeSet<Cidr>) {
    let transit = name == "transit";
    let vpc = FlowVpc {
        name: if transit { "transit-vpc" } else { name }.to_owned(),
        transit,
        external_subnets: uplinks
            .iter()
            .map(|uplink| SubnetExtId::new(format!("fs-{uplink}-{letter}")))
            .collect(),
        erps,
    };
    let id = FlowVpcExtId::new(format!("fv-{name}-{letter}"));
    prism.vpcs.insert(id, vpc);
}

fn add_subnet(prism: &mut Prism, letter: &str, name: &str, vpc: &str, prefix: &str) {
    let vpc = FlowVpcExtId::new(format!("fv-{vpc}-{letter}"));
    let id = SubnetExtId::new(format!("fs-{name}-{letter}"));
    prism.subnets.insert(id, subnet(name, Some(vpc), prefix));
}

fn subnet(name: &str, vpc: Option<FlowVpcExtId>, prefix: &str) -> FlowSubnet {
    FlowSubnet {
        name: name.to_owned(),
        vpc,
        cidr: Some(cidr(prefix)),
        gateway: cidr(prefix).nth(1),
        pools: Vec::new(),
        external: false,
        nat: false,
        reserved: BTreeSet::new(),
        dns: None,
    }
}

/// A VM, if there is an overlay for it.
fn add_vm(
    prism: &mut Prism,
    letter: &str,
    name: &str,
    network: &str,
    addresses: &[Ipv4Addr],
    tape: &mut Tape,
) {
    let subnet = SubnetExtId::new(format!("fs-{network}-{letter}"));
    if !prism.subnets.contains_key(&subnet) {
        return;
    }
    let nic = Nic {
        id: format!("nic-{name}-{letter}").as_str().into(),
        mac: None,
        subnet: Some(subnet),
        address: addresses.first().copied(),
        secondary: addresses.iter().skip(1).copied().collect(),
        learned: Vec::new(),
        connected: tape.mostly(10),
    };
    let vm = Vm {
        name: name.to_owned(),
        cluster: Some(format!("cluster-{letter}").as_str().into()),
        power: tape.pick(&[PowerState::On, PowerState::On, PowerState::Off]),
        categories: BTreeSet::new(),
        nics: vec![nic],
    };
    prism
        .vms
        .insert(format!("vm-{name}-{letter}").as_str().into(), vm);
}
