//! Checks of a world: locations of addresses, what must be unchanged, and the paths of packets in both models.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::Value;
use serde_json::json;
use stayput_estate::SiteName;
use stayput_fabric::Fabric;
use stayput_fabric::Holder;
use stayput_fabric::Place;
use stayput_fabric::Source;
use stayput_fabric::Verdict;
use stayput_world::World;
use stayput_world::prism::PowerState;
use stayput_world::prism::Prism;

use crate::lab::Lab;

/// Addresses of each machine by instance id, as `status` observes them, sorted.
pub fn addresses(status: &Value) -> BTreeMap<String, Vec<String>> {
    let machines = status["machines"].as_array().unwrap().iter();
    machines
        .map(|machine| {
            let mut addresses = texts(&machine["addresses"]);
            addresses.sort();
            (
                machine["instance_id"].as_str().unwrap().to_owned(),
                addresses,
            )
        })
        .collect()
}

/// A JSON list of texts.
pub fn texts(list: &Value) -> Vec<String> {
    let texts = list.as_array().unwrap().iter();
    texts
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

/// Asserts that `status` shows: all twelve machines are at the site with their original addresses, those that ran run and
/// are reached, and the one that was off is off.
#[track_caller]
pub fn assert_kept(status: &Value, site: &str, original: &BTreeMap<String, Vec<String>>) {
    assert_eq!(original.len(), 12);
    assert_eq!(addresses(status), *original, "addresses at {site}");
    for machine in status["machines"].as_array().unwrap() {
        assert_eq!(machine["site"], site, "{machine}");
        let runs = machine["name"] != "report";
        assert_eq!(machine["running"], runs, "{machine}");
        if runs {
            assert_eq!(machine["verdicts"], json!([]), "{machine}");
            let captured = machine["captured"].as_array().unwrap().len();
            assert_eq!(machine["delivered"], captured, "{machine}");
        }
    }
    for network in status["networks"].as_array().unwrap() {
        assert_eq!(network["home"], site, "{network}");
    }
    assert_eq!(status["traces_total"], 15);
    assert_eq!(status["traces_delivered"], 15);
    assert_eq!(status["obstacles"], json!([]));
}

/// Asserts that nothing was changed that stayput never changes: attachments, associations, propagations, VPCs, the EC2
/// side's tables and interfaces, other teams' tables, and machines that stay.
#[track_caller]
pub fn assert_untouched(before: &World, now: &World) {
    assert_eq!(before.aws.len(), 2);
    for (region, before) in &before.aws {
        let now = &now.aws[region];
        assert_eq!(
            before.attachments, now.attachments,
            "attachments of {region}"
        );
        assert_eq!(before.vpcs, now.vpcs);
        assert_eq!(before.subnets, now.subnets);
        assert_eq!(before.enis, now.enis);
        assert_eq!(before.tgws, now.tgws);
        assert_eq!(before.vpns, now.vpns);
        for (id, before) in &before.tgw_route_tables {
            let now = &now.tgw_route_tables[id];
            assert_eq!(before.associations, now.associations, "{id}");
            assert_eq!(before.propagations, now.propagations, "{id}");
            if before.name.as_deref() == Some("tokyo-isolated") {
                assert_eq!(before.static_routes, now.static_routes);
            }
        }
        for (id, before) in &before.route_tables {
            let now = &now.route_tables[id];
            assert_eq!(before.subnets, now.subnets, "{id}");
            let of_nc2 = now.routes.len() != before.routes.len();
            if !of_nc2 {
                assert_eq!(before.routes, now.routes, "{id}");
            }
        }
        assert!(before.instances.keys().eq(now.instances.keys()));
        for (id, before) in &before.instances {
            let moves = before.tags.contains_key("Wave");
            if !moves {
                assert_eq!(before, &now.instances[id], "{id}");
            }
        }
    }
    let isolated = before
        .aws
        .values()
        .flat_map(|region| region.tgw_route_tables.values());
    assert!(
        isolated
            .into_iter()
            .any(|table| table.name.as_deref() == Some("tokyo-isolated"))
    );
}

/// Asserts that no two running VMs have one address, and that each of these has exactly one.
#[track_caller]
pub fn assert_one_vm_each(world: &World, addresses: impl IntoIterator<Item = Ipv4Addr>) {
    let mut holders: BTreeMap<Ipv4Addr, Vec<String>> = BTreeMap::new();
    for (site, prism) in &world.prism {
        for vm in prism.vms.values().filter(|vm| vm.power == PowerState::On) {
            for nic in &vm.nics {
                for address in nic.address.iter().chain(&nic.secondary) {
                    let holder = format!("{} at {site}", vm.name);
                    holders.entry(*address).or_default().push(holder);
                }
            }
        }
    }
    for address in addresses {
        let found = holders.get(&address).map_or(0, Vec::len);
        assert_eq!(found, 1, "{address} is at {:?}", holders.get(&address));
    }
}

/// What a world is to its users, without ids and times: comparable between two labs.
pub fn shape(world: &World) -> Value {
    let prism: BTreeMap<_, _> = world
        .prism
        .iter()
        .map(|(site, prism)| (site.to_string(), shape_of_prism(prism)))
        .collect();
    let plans = world.moves.values().flat_map(|mv| mv.plans.values());
    let moved: BTreeMap<_, _> = plans
        .map(|plan| (&plan.name, (format!("{:?}", plan.state), plan.vms.len())))
        .collect();
    // Ids of AWS are made from the scenario's names, so they are the same in every lab.
    json!({ "aws": world.aws.iter().map(|(region, aws)| (region.to_string(), json!({
        "tgw_route_tables": aws.tgw_route_tables,
        "route_tables": aws.route_tables,
        "instances": aws.instances,
        "attachments": aws.attachments,
    }))).collect::<BTreeMap<_, _>>(), "prism": prism, "moves": moved })
}

fn shape_of_prism(prism: &Prism) -> Value {
    let subnet_name = |id| {
        let subnet = &prism.subnets[id];
        let vpc = subnet.vpc.as_ref().map(|vpc| prism.vpcs[vpc].name.as_str());
        format!("{}/{}", vpc.unwrap_or("vlan"), subnet.name)
    };
    let mut vms: Vec<_> = prism
        .vms
        .values()
        .map(|vm| {
            let mut nics: Vec<_> = vm
                .nics
                .iter()
                .map(|nic| {
                    let secondary: BTreeSet<_> = nic.secondary.iter().collect();
                    json!([nic.subnet.as_ref().map(subnet_name), nic.address, secondary])
                })
                .collect();
            nics.sort_by_key(Value::to_string);
            let categories: BTreeSet<_> = vm
                .categories
                .iter()
                .filter_map(|id| prism.categories.get(id))
                .map(|category| format!("{}={}", category.key, category.value))
                .collect();
            json!([vm.name, vm.power, nics, categories])
        })
        .collect();
    vms.sort_by_key(Value::to_string);
    let vpcs: BTreeMap<_, _> = prism
        .vpcs
        .values()
        .map(|vpc| (&vpc.name, &vpc.erps))
        .collect();
    let subnets: BTreeMap<_, _> = prism
        .subnets
        .iter()
        .map(|(id, subnet)| {
            let shape = json!([subnet.cidr, subnet.gateway, subnet.pools, subnet.reserved]);
            (subnet_name(id), shape)
        })
        .collect();
    let names = |names: Vec<&String>| {
        let mut names = names;
        names.sort();
        json!(names)
    };
    json!({
        "vms": vms,
        "vpcs": vpcs,
        "subnets": subnets,
        "categories": names(prism.categories.values().map(|category| &category.value).collect()),
        "policies": names(prism.policies.values().map(|policy| &policy.name).collect()),
        "recovery_plans": names(prism.recovery_plans.values().map(|plan| &plan.name).collect()),
    })
}

/// Asserts that the fabric and the lab's own walk agree on packets to these addresses, from on-prem and from a
/// machine that stays in EC2, and returns the fabric's verdicts from on-prem.
#[track_caller]
pub fn assert_two_models_agree(
    lab: &Lab,
    world: &World,
    addresses: &BTreeSet<Ipv4Addr>,
) -> BTreeMap<Ipv4Addr, Verdict> {
    let estate = lab.estate();
    let fabric = Fabric::new(&estate, world);
    let staying: Ipv4Addr = "172.30.2.20".parse().unwrap();
    let sources = [
        ("on-prem".to_owned(), Source::OnPrem),
        (
            staying.to_string(),
            Source::Machine {
                place: Place::Site(SiteName::new("ec2")),
                address: staying,
            },
        ),
    ];
    let mut verdicts = BTreeMap::new();
    let mut differ = Vec::new();
    for (from, source) in sources {
        for address in addresses {
            let verdict = fabric.trace(&source, *address).verdict;
            let walk = lab.ask(&format!("/walk?from={from}&to={address}"));
            if as_end_of_the_walk(&verdict) != end_of(&walk) {
                differ.push(format!("{from} → {address}: {verdict}, but {walk}"));
            }
            if source == Source::OnPrem {
                verdicts.insert(*address, verdict);
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    verdicts
}

fn end_of(walk: &Value) -> String {
    let end = walk["end"].as_str().unwrap();
    match end {
        "delivered" => format!("{end} to {}", walk["holder"].as_str().unwrap()),
        _ => end.to_owned(),
    }
}

fn as_end_of_the_walk(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Delivered { holder, .. } => {
            let holder = match holder {
                Holder::Instance { id, .. } => id.to_string(),
                Holder::Interface { id, .. } => id.to_string(),
                Holder::Vm { id, .. } => id.to_string(),
                Holder::OnPrem => "on-prem".to_owned(),
                Holder::Planned | Holder::Sender => "unobserved holder".to_owned(),
            };
            format!("delivered to {holder}")
        }
        Verdict::NoRoute { .. } => "no-route".to_owned(),
        Verdict::Blackhole { .. } => "blackhole".to_owned(),
        Verdict::DeadEni { .. } => "dead-eni".to_owned(),
        Verdict::LeavesByNat { .. } => "nat-lost".to_owned(),
        // The walk does not know other locations of a machine.
        Verdict::WrongSite { .. } | Verdict::NoMachine { .. } => "no-machine".to_owned(),
        Verdict::Loop { .. } => "ttl-exceeded".to_owned(),
        Verdict::RegionDown { .. } => "region-down".to_owned(),
        Verdict::Unmodelled { .. } => "unmodelled".to_owned(),
    }
}
