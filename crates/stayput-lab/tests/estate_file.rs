//! The `stayput.toml` that a lab writes is valid for stayput and describes the lab.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::path::PathBuf;
use std::time::Duration;

use stayput_estate::EdgeKind;
use stayput_estate::Estate;
use stayput_estate::Trust;
use stayput_lab::Endpoints;
use stayput_lab::LabOptions;
use stayput_lab::aws::model::AwsState;
use tempfile::TempDir;

/// Starts a lab, reads its estate file with stayput's parser, and returns both.
async fn estate_of(scenario: &str, machines: usize) -> (TempDir, Endpoints, Estate, AwsState) {
    let dir = tempfile::tempdir().unwrap();
    let lab = stayput_lab::start(LabOptions {
        scenario: scenario.to_owned(),
        machines: Some(machines),
        speed: 0.0,
        dir: dir.path().to_path_buf(),
        ..LabOptions::default()
    })
    .await
    .unwrap();
    let endpoints = lab.endpoints().clone();
    let text = std::fs::read_to_string(&endpoints.estate_file).unwrap();
    let estate = stayput_estate::parse("stayput.toml", &text, &endpoints.dir)
        .unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
    let aws = std::mem::take(&mut lab.state().lock().unwrap().aws);
    lab.shutdown().await;
    (dir, endpoints, estate, aws)
}

fn assert_everything_named_exists(estate: &Estate, aws: &AwsState) {
    let region = |name: &stayput_estate::Region| &aws.regions[name.as_str()];
    let source = region(&estate.source.region);
    assert!(source.vpcs.contains_key(estate.source.vpc.as_str()));
    assert!(source.tgws.contains_key(estate.source.tgw.as_str()));
    for site in estate.sites.values() {
        assert!(region(&site.region).vpcs.contains_key(site.vpc.as_str()));
        assert!(region(&site.region).tgws.contains_key(site.tgw.as_str()));
    }
    for network in estate.networks.values() {
        let subnet = &source.subnets[network.ec2_subnet.as_str()];
        assert_eq!(subnet.cidr, network.cidr);
        assert_eq!(subnet.vpc, estate.source.vpc.as_str());
    }
    for edge in estate.edges.values() {
        let attachment = &region(&edge.region).attachments[edge.attachment.as_str()];
        assert_eq!(attachment.tgw, edge.tgw.as_str());
    }
}

#[tokio::test]
async fn the_estate_file_of_every_scenario_is_valid_and_names_existing_objects() {
    for scenario in stayput_lab::scenarios() {
        for machines in [5, 12, 250, 10_000] {
            let (_dir, endpoints, estate, aws) = estate_of(&scenario.name, machines).await;
            assert_eq!(estate.name, scenario.name);
            assert_everything_named_exists(&estate, &aws);
            assert_eq!(estate.aws.endpoint.as_ref(), Some(&endpoints.aws));
            let bulk = machines.saturating_sub(12).div_ceil(2000);
            let listed = if scenario.name == "dmz-obstacle" {
                3
            } else {
                2
            };
            assert_eq!(estate.networks.len(), listed + bulk);
            assert_eq!(estate.waves.len(), listed + bulk);
            let in_a_wave = aws.regions["ap-northeast-1"]
                .instances
                .iter()
                .filter(|(id, instance)| {
                    let id = stayput_estate::InstanceId::new(id.as_str());
                    estate
                        .waves
                        .values()
                        .any(|wave| wave.select.selects(&id, &instance.tags))
                })
                .count();
            let dmz = if scenario.name == "dmz-obstacle" {
                3
            } else {
                0
            };
            assert_eq!(in_a_wave, machines + dmz);
        }
    }
}

#[tokio::test]
async fn the_articles_scenario_gives_the_articles_estate() {
    let (_dir, endpoints, estate, _) = estate_of("tokyo-osaka", 12).await;
    let [osaka, tokyo]: [_; 2] = estate
        .sites
        .values()
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    assert_eq!(tokyo.region.as_str(), "ap-northeast-1");
    assert_eq!(osaka.region.as_str(), "ap-northeast-3");
    assert_eq!(tokyo.prism.url, endpoints.prism["tokyo"]);
    assert_eq!(
        tokyo.prism.trust,
        Trust::CaFile(PathBuf::from(&endpoints.ca))
    );
    assert_eq!(
        tokyo.mv.as_ref().unwrap().appliance.url,
        endpoints.moves["tokyo"]
    );
    assert_eq!(tokyo.tgw, estate.source.tgw);
    for network in estate.networks.values() {
        assert_eq!(network.primary.as_str(), "tokyo");
        assert_eq!(network.recovery.as_ref().unwrap().as_str(), "osaka");
    }
    let preferences: Vec<_> = estate
        .edges
        .values()
        .map(|edge| (edge.name.as_str(), edge.local_preference))
        .collect();
    assert_eq!(preferences, [("osaka-vpn", 100), ("tokyo-vpn", 200)]);
    assert!(estate.edges.values().all(|e| e.kind == EdgeKind::BgpVpn));
    assert_eq!(estate.protection.rpo, Duration::from_secs(3600));
    assert_eq!(estate.protection.retention, 2);
    assert_eq!(estate.engine.poll_interval, Duration::from_millis(20));
    let order: Vec<_> = {
        let mut waves: Vec<_> = estate.waves.values().collect();
        waves.sort_by_key(|wave| wave.order);
        waves.iter().map(|wave| wave.name.as_str()).collect()
    };
    assert_eq!(order, ["first", "second"]);
}

#[tokio::test]
async fn every_kind_of_edge_keeps_its_kind_in_the_estate_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("edges.toml");
    std::fs::write(
        &file,
        r#"
summary = "a Direct Connect gateway and a VPN without BGP"
extends = "tokyo-osaka"

[dx-gateways.main]
asn = 64600
on-prem = ["10.0.0.0/16"]
local-preference = 300
[dx-gateways.main.associations.tokyo-dx]
tgw = "tokyo"
allowed = ["172.30.0.0/16", "10.101.0.0/16"]

[vpns.osaka-static]
tgw = "osaka"
static-only = true
on-prem = ["10.0.0.0/16"]
on-prem-statics = ["10.102.0.0/16"]

[estate.edges.tokyo-dx]
attachment = "tokyo-dx"
[estate.edges.osaka-static]
attachment = "osaka-static"
"#,
    )
    .unwrap();
    let (_dir, _, estate, aws) = estate_of(file.to_str().unwrap(), 12).await;
    assert_everything_named_exists(&estate, &aws);
    let edge = |name: &str| &estate.edges[&name.into()];
    let EdgeKind::DirectConnect { gateway } = &edge("tokyo-dx").kind else {
        panic!("not a Direct Connect edge");
    };
    assert!(aws.dx_gateways.contains_key(gateway.as_str()));
    assert_eq!(edge("tokyo-dx").local_preference, 300);
    assert_eq!(
        edge("osaka-static").kind,
        EdgeKind::StaticVpn {
            on_prem_routes: vec!["10.102.0.0/16".parse().unwrap()]
        }
    );
}
