//! What `stayput check` finds, rule by rule.

use std::collections::BTreeSet;

use stayput_estate::Acceptance;
use stayput_estate::Date;
use stayput_estate::Rule;
use stayput_plan::CheckFinding;
use stayput_plan::Obstacle;
use stayput_plan::Severity;
use stayput_plan::accept;
use stayput_plan::check;
use stayput_world::Silence;
use stayput_world::aws::*;

use crate::fixture::*;

/// What each machine of an estate without surprises has: nothing.
fn quiet() -> Setup {
    let mut setup = Setup::new();
    for site in setup.estate.sites.values_mut() {
        site.dns_servers = vec![ip("10.0.0.2")];
    }
    for instance in setup.tokyo().instances.values_mut() {
        instance.traits = Some(Box::default());
    }
    setup
}

fn found(setup: &Setup, networks: &[&str]) -> BTreeSet<CheckFinding> {
    check(&setup.estate, &setup.world, &setup.facts, &names(networks))
}

/// Rule and object of each finding that is no note.
fn told(setup: &Setup, networks: &[&str]) -> Vec<(Rule, String)> {
    found(setup, networks)
        .into_iter()
        .filter(|one| one.severity != Severity::Note)
        .map(|one| (one.rule, one.object))
        .collect()
}

#[track_caller]
fn one(rule: Rule, object: &str, change: impl FnOnce(&mut Setup)) {
    let mut setup = quiet();
    change(&mut setup);
    let before = told(&quiet(), &["app"]);
    let mut now = told(&setup, &["app"]);
    now.retain(|one| !before.contains(one));
    assert_eq!(now, [(rule, object.to_owned())]);
}

fn traits(setup: &mut Setup, change: impl FnOnce(&mut Traits)) {
    let mut traits = Traits::default();
    change(&mut traits);
    setup.instance("web").traits = Some(Box::new(traits));
}

#[test]
fn each_property_of_a_machine_that_matters_has_its_rule() {
    one(Rule::Arm64, "i-web", |setup| {
        setup.instance("web").architecture = "arm64".into();
    });
    one(Rule::MacInstance, "i-web", |setup| {
        setup.instance("web").architecture = "arm64_mac".into();
    });
    one(Rule::AutoScaling, "i-web", |setup| {
        let tags = &mut setup.instance("web").tags;
        tags.insert("aws:autoscaling:groupName".into(), "front".into());
    });
    one(Rule::BareMetal, "i-web", |setup| {
        setup.instance("web").instance_type = "m5.metal".into();
    });
    one(Rule::InstanceStoreRoot, "i-web", |setup| {
        traits(setup, |it| {
            it.root_device_type = Some("instance-store".into())
        });
    });
    one(Rule::SpotInstance, "i-web", |setup| {
        traits(setup, |it| it.lifecycle = Some("spot".into()));
    });
    one(Rule::UefiBoot, "i-web", |setup| {
        traits(setup, |it| it.boot_mode = Some("uefi".into()));
    });
    one(Rule::ProductCodes, "i-web", |setup| {
        traits(setup, |it| it.product_codes = vec!["abc123".into()]);
    });
    one(Rule::InstanceProfile, "i-web", |setup| {
        traits(setup, |it| {
            it.instance_profile = Some("arn:aws:iam::1:instance-profile/app".into())
        });
    });
    one(Rule::NotExamined, "i-web", |setup| {
        setup.instance("web").traits = None
    });
    one(Rule::WindowsActivation, "i-web", |setup| {
        setup.instance("web").platform = "Windows".into();
    });
    one(Rule::PublicAddress, "i-web", |setup| {
        let public = (ip("172.30.1.34"), ip("203.0.113.7"));
        setup.eni("web", 0).public.extend([public]);
    });
    one(Rule::Ipv6, "i-web", |setup| {
        setup.eni("web", 0).not_carried = vec!["2001:db8::1".into()];
    });
    one(Rule::DelegatedPrefix, "i-web", |setup| {
        setup.eni("web", 0).not_carried = vec!["172.30.1.48/28".into()];
    });
    one(Rule::ElasticFabricAdapter, "i-web", |setup| {
        setup.eni("web", 0).interface_type = "efa".into();
    });
    one(Rule::SourceDestCheckOff, "i-web", |setup| {
        setup.eni("web", 0).source_dest_check = false;
    });
    one(Rule::RouteToMachine, "i-web", |setup| {
        let route = vpc_route(cidr("10.9.0.0/16"), VpcRouteTarget::Eni("eni-web-0".into()));
        let tables = &mut setup.tokyo().route_tables;
        let table = tables
            .values_mut()
            .find(|table| table.vpc == "vpc-legacy".into());
        table.unwrap().routes.push(route);
    });
}

#[test]
fn instance_store_volumes_are_told_by_the_type() {
    let has = |kind: &str| {
        let mut setup = quiet();
        setup.instance("web").instance_type = kind.into();
        let found = told(&setup, &["app"]);
        found
            .iter()
            .any(|(rule, _)| *rule == Rule::InstanceStoreVolumes)
    };
    for kind in [
        "m5d.large",
        "c6id.xlarge",
        "r5dn.large",
        "i3.large",
        "i4i.large",
        "im4gn.large",
        "d3en.xlarge",
        "m3.medium",
    ] {
        assert!(has(kind), "{kind}");
    }
    for kind in [
        "m5.large",
        "t3.micro",
        "inf1.xlarge",
        "u-6tb1.metal",
        "m6i.large",
        "r5n.large",
        "hpc7a.48xlarge",
    ] {
        assert!(!has(kind), "{kind}");
    }
}

#[test]
fn names_are_missed_and_compared() {
    let mut setup = quiet();
    setup.instance("web").tags.insert("Name".into(), " ".into());
    let notes = found(&setup, &["app"]);
    assert!(
        notes
            .iter()
            .any(|one| one.rule == Rule::NoName && one.object == "i-web")
    );
    let mut setup = quiet();
    for name in ["web", "api"] {
        setup
            .instance(name)
            .tags
            .insert("Name".into(), "twin".into());
    }
    let told = told(&setup, &["app"]);
    for object in ["i-web", "i-api"] {
        assert!(
            told.contains(&(Rule::DuplicateName, object.into())),
            "{told:?}"
        );
    }
}

#[test]
fn dns_servers_that_machines_would_not_reach_are_found_at_each_site() {
    let mut setup = quiet();
    let sites = &mut setup.estate.sites;
    sites.get_mut(&TOKYO.into()).unwrap().dns_servers = vec![ip("172.30.0.2")];
    sites.get_mut(&OSAKA.into()).unwrap().dns_servers.clear();
    let told = told(&setup, &["app"]);
    assert!(
        told.contains(&(Rule::DnsServerOfSource, TOKYO.into())),
        "{told:?}"
    );
    assert!(
        told.contains(&(Rule::NoDnsServers, OSAKA.into())),
        "{told:?}"
    );
}

#[test]
fn what_a_capture_or_move_would_refuse_is_an_error() {
    let mut setup = quiet();
    setup.network("app").cidr = cidr("172.30.1.0/25");
    setup.eni("web", 0).other_status = Some(EniStatus::Detaching);
    let told = told(&setup, &["app"]);
    assert!(told.contains(&(Rule::OtherCidr, "app".into())), "{told:?}");
    assert!(
        told.contains(&(Rule::PlanObstacle, "eni-web-0".into())),
        "{told:?}"
    );
}

#[test]
fn a_machine_that_has_become_a_vm_is_not_looked_at_in_ec2() {
    let mut setup = Setup::new().after(&[move_in(&["app", "db"])]);
    for site in setup.estate.sites.values_mut() {
        site.dns_servers = vec![ip("10.0.0.2")];
    }
    setup.instance("web").architecture = "arm64".into();
    assert_eq!(told(&setup, &["app", "db"]), []);
}

#[test]
fn only_the_networks_that_were_named_are_looked_at() {
    let mut setup = quiet();
    setup.instance("postgres").architecture = "arm64".into();
    let told =
        |networks: &[&str]| told(&setup, networks).contains(&(Rule::Arm64, "i-postgres".into()));
    assert!(told(&["db"]));
    assert!(!told(&["app"]));
}

#[test]
fn a_system_that_was_not_read_is_never_counted_as_fine() {
    let mut setup = quiet();
    setup.without_prism(TOKYO, Silence::Silent);
    let told = told(&setup, &["app"]);
    assert!(
        told.iter().any(|(rule, _)| *rule == Rule::NotObserved),
        "{told:?}"
    );
}

#[test]
fn an_acceptance_counts_until_its_last_day_and_for_its_objects() {
    let mut setup = quiet();
    for name in ["web", "api"] {
        setup.instance(name).architecture = "arm64".into();
    }
    let acceptance = Acceptance {
        rule: Rule::Arm64,
        objects: ["i-web".to_owned()].into(),
        reason: "it is rebuilt first".into(),
        until: "2027-03-31".parse().unwrap(),
    };
    setup.estate.accepted.insert("rebuilt".into(), acceptance);
    let on = |setup: &Setup, day: &str| -> Vec<_> {
        let today: Date = day.parse().unwrap();
        accept(&setup.estate, today, true, found(setup, &["app", "db"]))
            .into_iter()
            .collect()
    };
    let stands = |found: &[CheckFinding]| -> Vec<String> {
        let left = found.iter().filter(|one| one.stands());
        left.map(|one| one.object.clone()).collect()
    };
    let last_day = on(&setup, "2027-03-31");
    assert_eq!(stands(&last_day), ["i-api"]);
    let after = on(&setup, "2027-04-01");
    assert_eq!(stands(&after), ["i-api", "i-web"]);
    let expired =
        |found: &[CheckFinding]| found.iter().any(|one| one.rule == Rule::AcceptanceExpired);
    assert!(!expired(&last_day) && expired(&after));

    setup.instance("web").architecture = "x86_64".into();
    let unused = on(&setup, "2027-03-31");
    assert!(
        unused
            .iter()
            .any(|one| one.rule == Rule::AcceptanceUnused && one.object == "rebuilt")
    );
}

#[test]
fn a_member_of_an_auto_scaling_group_is_not_moved() {
    let mut setup = quiet();
    let tags = &mut setup.instance("web").tags;
    tags.insert("aws:autoscaling:groupName".into(), "front".into());
    let obstacles = setup.plan(&move_in(&["app", "db"])).unwrap_err();
    let is_it = |one: &Obstacle| {
        matches!(
            one,
            Obstacle::CannotRun {
                rule: Rule::AutoScaling,
                ..
            }
        )
    };
    assert!(obstacles.iter().any(is_it), "{obstacles:?}");
}
