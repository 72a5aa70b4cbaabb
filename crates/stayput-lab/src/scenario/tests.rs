use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;

use super::*;
use crate::aws::model::RouteTarget;
use crate::clock::VTime;

fn clock() -> Clock {
    Clock::new(VTime(1_780_000_000_000), 0.0)
}

fn built(name: &str, machines: Option<usize>) -> Built {
    Scenario::load(name)
        .and_then(|scenario| scenario.build(clock(), machines))
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Loads a scenario from this text and builds it; returns the error's text.
fn refusal(text: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine.toml");
    fs::write(&path, text).unwrap();
    let error = Scenario::load(path.to_str().unwrap())
        .and_then(|scenario| scenario.build(clock(), None))
        .unwrap_err();
    error
        .to_string()
        .replace(&dir.path().display().to_string(), "DIR")
}

fn assert_addresses_and_macs_are_unique(lab: &LabState) {
    for region in lab.aws.regions.values() {
        let mut addresses: BTreeMap<&str, BTreeSet<Ipv4Addr>> = BTreeMap::new();
        let mut macs = BTreeSet::new();
        for (id, eni) in &region.enis {
            let subnet = &region.subnets[&eni.subnet];
            assert_eq!(subnet.vpc, eni.vpc, "{id}");
            assert!(macs.insert(eni.mac), "{id} has the MAC of another");
            for address in std::iter::once(&eni.primary).chain(&eni.secondary) {
                assert!(subnet.cidr.contains(*address), "{address} of {id}");
                assert!(
                    addresses.entry(&eni.vpc).or_default().insert(*address),
                    "{address} of {id} is another's"
                );
            }
        }
        for (id, instance) in &region.instances {
            for (device, eni) in &instance.enis {
                let back = region.enis[eni].instance.as_ref();
                assert_eq!(back, Some(&(id.clone(), *device)));
            }
        }
    }
    for pc in &lab.pcs {
        let mut addresses = BTreeSet::new();
        let mut macs = BTreeSet::new();
        for nic in pc.vms.values().flat_map(|vm| &vm.nics) {
            assert!(macs.insert(nic.mac), "{} has the MAC of another", nic.id);
            let subnet = &pc.subnets[&nic.subnet];
            if let Some(address) = nic.address {
                assert!(subnet.cidr.unwrap().contains(address), "{address}");
                assert_ne!(Some(address), subnet.gateway);
                assert!(addresses.insert((&nic.subnet, address)), "{address}");
            }
        }
    }
}

#[test]
fn every_built_in_scenario_has_unique_addresses_and_macs_at_every_size() {
    for scenario in scenarios() {
        for machines in [1, 5, 12, 250, 10_000] {
            let built = built(&scenario.name, Some(machines));
            assert_eq!(built.machines, machines);
            assert_addresses_and_macs_are_unique(&built.lab);
            let moving = built.lab.aws.regions["ap-northeast-1"]
                .instances
                .values()
                .filter(|instance| {
                    let wave = instance.tags.get("Wave").map(String::as_str);
                    wave.is_some_and(|wave| wave != "3")
                })
                .count();
            assert_eq!(moving, machines, "{} at {machines}", scenario.name);
        }
    }
}

#[test]
fn all_built_in_scenarios_are_listed() {
    let names: Vec<String> = scenarios().into_iter().map(|s| s.name).collect();
    assert_eq!(names, ["tokyo-osaka", "dmz-obstacle", "large-estate"]);
}

#[test]
fn the_twelve_machines_have_the_difficulties_of_the_article() {
    let lab = built("tokyo-osaka", None).lab;
    let tokyo = &lab.aws.regions["ap-northeast-1"];
    let named = |name: &str| {
        tokyo
            .instances
            .values()
            .filter(|instance| instance.tags.get("Name").map(String::as_str) == Some(name))
            .collect::<Vec<_>>()
    };
    assert_eq!(named("batch").len(), 2);
    assert_eq!(named("ad-win2019")[0].platform_details, "Windows");
    assert_eq!(
        named("report")[0].state,
        crate::aws::model::InstanceState::Stopped
    );
    let web = &tokyo.enis[&named("web-01")[0].enis[&0]];
    assert_eq!(web.secondary.len(), 2);
    let app = named("app-01")[0];
    let subnets: BTreeSet<&str> = app
        .enis
        .values()
        .map(|eni| tokyo.enis[eni].subnet.as_str())
        .collect();
    assert_eq!(subnets.len(), 2);
    let nameless = tokyo
        .instances
        .values()
        .filter(|instance| !instance.tags.contains_key("Name"))
        .count();
    assert_eq!(nameless, 1);
}

#[test]
fn every_list_has_more_than_one_page() {
    let lab = built("tokyo-osaka", None).lab;
    let cap = lab.aws.page_cap.unwrap();
    let tokyo = &lab.aws.regions["ap-northeast-1"];
    assert!(tokyo.instances.len() >= 110);
    for (what, count) in [
        ("VPCs", tokyo.vpcs.len()),
        ("subnets", tokyo.subnets.len()),
        ("tables", tokyo.route_tables.len()),
        ("attachments", tokyo.attachments.len()),
        ("interfaces", tokyo.enis.len()),
    ] {
        assert!(count > cap, "{count} {what}");
    }
    let isolated = tokyo
        .tgw_route_tables
        .values()
        .find(|table| table.tags["Name"] == "tokyo-isolated")
        .unwrap();
    assert!(isolated.statics.len() >= 25);
    assert_eq!(isolated.associations.len(), 22);
    for pc in &lab.pcs {
        assert!(pc.vms.len() >= 110);
        assert!(pc.subnets.values().filter(|s| s.vpc.is_none()).count() >= 105);
        assert!(pc.categories.len() >= 105);
    }
}

#[test]
fn the_nc2_vpcs_route_no_aggregate_to_the_tgw() {
    let lab = built("tokyo-osaka", None).lab;
    let moving = ["172.30.1.0/24", "172.30.3.0/24"].map(|p| p.parse().unwrap());
    for (region, pc) in [("ap-northeast-1", "tokyo"), ("ap-northeast-3", "osaka")] {
        let region = &lab.aws.regions[region];
        let pc = lab.pcs.iter().find(|found| found.name == pc).unwrap();
        let table = region
            .route_tables
            .values()
            .find(|table| table.main && table.vpc == pc.aws.1)
            .unwrap();
        let erps = &pc.vpcs.values().find(|vpc| vpc.transit).unwrap().erps;
        for erp in erps {
            let Some(RouteTarget::Eni(eni)) = table.routes.get(erp) else {
                panic!("{erp} does not lead to an interface");
            };
            assert!(!region.enis[eni].source_dest_check);
            assert!(region.enis[eni].instance.is_some());
        }
        for (cidr, target) in &table.routes {
            let covers: bool = moving.iter().any(|p| cidr.covers(*p));
            assert!(!covers || matches!(target, RouteTarget::Nat(_)), "{cidr}");
        }
    }
}

#[test]
fn the_prism_centrals_are_paired_with_each_other() {
    let lab = built("tokyo-osaka", None).lab;
    for pc in &lab.pcs {
        assert_eq!(pc.paired.len(), 1);
        for (domain_manager, index) in &pc.paired {
            assert_eq!(&lab.pcs[*index].domain_manager, domain_manager);
            assert!(lab.pcs[*index].paired.contains_key(&pc.domain_manager));
        }
    }
    assert_eq!(lab.pcs[lab.moves[0].pc].name, "tokyo");
}

#[test]
fn ids_are_the_same_every_time_and_addresses_do_not_depend_on_the_size() {
    let small = built("tokyo-osaka", Some(13)).lab;
    let large = built("tokyo-osaka", Some(5_000)).lab;
    for (region, state) in &small.aws.regions {
        for (id, eni) in &state.enis {
            assert_eq!(eni.primary, large.aws.regions[region].enis[id].primary);
        }
    }
    assert!(small.pcs[0].vms.keys().eq(large.pcs[0].vms.keys()));
}

#[test]
fn more_machines_than_the_scenario_can_have_are_refused() {
    let error = Scenario::load("tokyo-osaka")
        .unwrap()
        .build(clock(), Some(10_013))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "scenario `tokyo-osaka` can have 1 to 10012 machines that move, not 10013"
    );
}

#[test]
fn an_unknown_scenario_is_refused_and_the_known_ones_are_listed() {
    assert_eq!(
        Scenario::load("tokio").unwrap_err().to_string(),
        "no scenario is called `tokio`: the built-in ones are `tokyo-osaka`, `dmz-obstacle`, `large-estate`; or give the path of a .toml file"
    );
}

#[test]
fn a_scenario_that_extends_another_replaces_what_it_names_and_keeps_the_rest() {
    let lab = built("dmz-obstacle", None).lab;
    let tokyo = &lab.aws.regions["ap-northeast-1"];
    let third = tokyo
        .instances
        .values()
        .filter(|instance| instance.tags.get("Wave").map(String::as_str) == Some("3"))
        .count();
    assert_eq!(third, 3);
    let base = built("tokyo-osaka", None).lab;
    assert!(
        tokyo
            .enis
            .keys()
            .eq(base.aws.regions["ap-northeast-1"].enis.keys())
    );
}

#[test]
fn a_mistake_in_an_extending_file_is_shown_with_its_own_line() {
    assert_eq!(
        refusal(
            "summary = \"mine\"\nextends = \"tokyo-osaka\"\n\n[tgws.tokyo]\nregion = \"ap-northeast-9\"\nasn = 64512\n"
        ),
        "DIR/mine.toml:5:10: no region is called `ap-northeast-9`; did you mean `ap-northeast-1`?\n    5 | region = \"ap-northeast-9\""
    );
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    assert_eq!(
        refusal("summary = \"mine\"\nregions = []\ncolour = 3\n")
            .lines()
            .next()
            .unwrap()
            .split(", expected")
            .next()
            .unwrap(),
        "DIR/mine.toml:3:1: unknown field `colour`"
    );
}

#[test]
fn broken_toml_is_refused_with_its_line() {
    let error = refusal("summary = \"mine\"\nregions = [\n");
    assert!(error.starts_with("DIR/mine.toml:"), "{error}");
}

#[test]
fn references_to_the_extended_file_are_resolved_and_wrong_ones_get_a_hint() {
    let error = refusal(
        "summary = \"mine\"\nextends = \"tokyo-osaka\"\n[[machines]]\nkey = \"x\"\nnics = [{ subnet = \"legacy/apps\", address = \"172.30.1.99\" }]\n",
    );
    assert_eq!(
        error,
        "DIR/mine.toml:5:20: no subnet of this VPC is called `apps`; did you mean `app`?\n    5 | nics = [{ subnet = \"legacy/apps\", address = \"172.30.1.99\" }]"
    );
}

#[test]
fn an_address_used_twice_is_refused() {
    let error = refusal(
        "summary = \"mine\"\nextends = \"tokyo-osaka\"\n[[machines]]\nkey = \"x\"\nnics = [{ subnet = \"legacy/app\", address = \"172.30.1.10\" }]\n",
    );
    assert!(
        error.contains(":5:44: 172.30.1.10 is used twice"),
        "{error}"
    );
}

#[test]
fn a_file_that_extends_itself_by_another_spelling_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    let file = dir.path().join("mine.toml");
    fs::write(
        &file,
        "summary = \"mine\"\nextends = \"sub/../mine.toml\"\n",
    )
    .unwrap();
    let error = Scenario::load(file.to_str().unwrap()).unwrap_err();
    assert!(
        error.to_string().contains("files extend each other"),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn a_file_without_an_end_is_refused() {
    let error = refusal("summary = \"mine\"\nextends = \"/dev/zero\"\n");
    assert!(error.contains("/dev/zero"), "{error}");
}

#[test]
fn a_file_that_extends_itself_is_refused() {
    let error = refusal("summary = \"mine\"\nextends = \"mine.toml\"\n");
    assert!(
        error.contains(":2:11: `mine.toml` extends itself"),
        "{error}"
    );
}

#[test]
fn a_reference_broken_by_an_extending_file_is_shown_in_the_extended_file() {
    let error = refusal(
        "summary = \"mine\"\nextends = \"tokyo-osaka\"\n[vpcs.shared]\nregion = \"ap-northeast-1\"\ncidrs = [\"10.200.0.0/16\"]\n",
    );
    let text = include_str!("../../scenarios/tokyo-osaka.toml");
    let line = text
        .lines()
        .position(|line| line.contains("shared/services"))
        .unwrap()
        + 1;
    assert!(
        error.starts_with(&format!(
            "tokyo-osaka:{line}:20: no subnet of this VPC is called `services`; none is defined\n"
        )),
        "{error}"
    );
}

#[test]
fn one_attachment_in_two_tables_is_refused() {
    let error = refusal(
        "summary = \"mine\"\nextends = \"tokyo-osaka\"\n[tgws.osaka]\nregion = \"ap-northeast-3\"\nasn = 1\n[tgws.osaka.tables]\na.associations = [\"nc2-osaka\"]\nb.associations = [\"nc2-osaka\"]\n",
    );
    assert!(
        error.contains(":8:19: attachment `nc2-osaka` is associated with two tables"),
        "{error}"
    );
}

#[test]
fn an_attachment_of_another_transit_gateway_is_refused() {
    let error = refusal(
        "summary = \"mine\"\nextends = \"tokyo-osaka\"\n[tgws.osaka]\nregion = \"ap-northeast-3\"\nasn = 1\n[tgws.osaka.tables]\na.statics = { \"10.9.0.0/16\" = \"legacy\" }\n",
    );
    assert!(
        error.contains(":7:31: attachment `legacy` is on Transit Gateway tokyo, not on `osaka`"),
        "{error}"
    );
}

#[test]
fn overlapping_prefixes_on_one_direct_connect_gateway_are_refused() {
    let error = refusal(
        "summary = \"mine\"\nextends = \"tokyo-osaka\"\n[dx-gateways.one]\nasn = 64600\non-prem = []\n[dx-gateways.one.associations]\na = { tgw = \"tokyo\", allowed = [\"172.30.0.0/16\"] }\nb = { tgw = \"osaka\", allowed = [\"172.30.1.0/24\"] }\n",
    );
    assert!(
        error.contains(":8:13: 172.30.1.0/24 is announced twice"),
        "{error}"
    );
}

#[test]
fn timings_can_be_set_and_must_not_be_negative() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("slow.toml");
    let text = "summary = \"slow\"\nextends = \"tokyo-osaka\"\n[timing]\nprism-task = \"1m 30s\"\n";
    fs::write(&path, text).unwrap();
    let lab = built(path.to_str().unwrap(), None).lab;
    assert_eq!(lab.timing.prism_task, std::time::Duration::from_secs(90));
    let error = refusal("summary = \"x\"\n[timing]\nprism-task = \"-1s\"\n");
    assert!(
        error.contains(":3:14: a duration cannot be negative"),
        "{error}"
    );
}
