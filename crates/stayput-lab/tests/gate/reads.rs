//! Reads that show less than there is, or what was before.

use std::time::Duration;

use serde_json::json;
use stayput_lab::Service;

use crate::fixture::CATEGORIES;
use crate::fixture::MOVE_TOKYO;
use crate::fixture::PRISM_OSAKA;
use crate::fixture::PRISM_TOKYO;
use crate::fixture::TOKYO;
use crate::fixture::VMS;
use crate::fixture::add;
use crate::fixture::answer;
use crate::fixture::body;
use crate::fixture::ec2;
use crate::fixture::has_category;
use crate::fixture::has_vpc;
use crate::fixture::lab;
use crate::fixture::lab_with;
use crate::fixture::login;
use crate::fixture::mv;
use crate::fixture::pass;
use crate::fixture::prism;
use crate::fixture::samples;
use crate::fixture::target;
use crate::fixture::text;
use crate::fixture::vm_names;
use crate::fixture::with_token;

#[tokio::test(start_paused = true)]
async fn reads_are_stale_for_a_while_after_a_change_of_the_same_service() {
    let lab = lab_with("kind = 'change'\nstale = '30s'\nservice = 'ec2'");
    add(&lab, "kind = 'change'\nstale = '20s'\nservice = 'prism'");
    let [ec2, _, _, prism, _] = samples();
    answer(&lab, ec2.service, &(ec2.change)()).await;
    answer(&lab, prism.service, &(prism.change)()).await;
    assert!(!has_vpc(&lab).await);
    assert!(!has_category(&lab).await);
    // The change is made, and a change sees it.
    let vpcs = lab.with(|state| state.aws.regions[TOKYO].vpcs.len());
    answer(&lab, ec2.service, &(ec2.change)()).await;
    assert_eq!(
        lab.with(|state| state.aws.regions[TOKYO].vpcs.len()),
        vpcs + 1
    );
    // The other site is not affected.
    assert!(!vm_names(&lab, PRISM_OSAKA).await.is_empty());
    pass(Duration::from_secs(20)).await;
    assert!(has_category(&lab).await);
    assert!(!has_vpc(&lab).await);
    pass(Duration::from_secs(10)).await;
    assert!(has_vpc(&lab).await);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_is_cleared_no_longer_makes_reads_stale() {
    let lab = lab();
    let id = add(&lab, "kind = 'change'\nstale = '1h'");
    let [ec2, ..] = samples();
    answer(&lab, ec2.service, &(ec2.change)()).await;
    assert!(!has_vpc(&lab).await);
    assert_eq!(lab.clear_faults(Some(id)), 1);
    assert!(has_vpc(&lab).await);
}

#[tokio::test(start_paused = true)]
async fn stale_reads_of_move_accept_a_token_that_is_newer() {
    let lab = lab_with("service = 'move'\nkind = 'read'\nstale = '1h'");
    let token = login(&lab).await;
    let list = |token: &str| with_token(mv("POST", "/providers/list", &json!({})), token);
    assert_eq!(answer(&lab, MOVE_TOKYO, &list(&token)).await.status, 200);
    let token = login(&lab).await;
    assert_eq!(answer(&lab, MOVE_TOKYO, &list(&token)).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn one_element_is_missing_from_a_list_and_from_its_total() {
    let lab = lab();
    let all = vm_names(&lab, PRISM_OSAKA).await;
    assert!(all.len() > 2);
    add(&lab, "drop = 2");
    let mut without = all.clone();
    without.remove(1);
    let response = answer(&lab, PRISM_OSAKA, &prism("GET", VMS, &json!(null))).await;
    let list = body(&response);
    let names: Vec<&str> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|vm| vm["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, without);
    assert_eq!(vm_names(&lab, PRISM_OSAKA).await, all);

    let regions = || ec2(TOKYO, "Action=DescribeRegions");
    let before = text(&answer(&lab, Service::Aws, &regions()).await);
    add(&lab, "call = 'DescribeRegions'\ndrop = 1");
    let after = text(&answer(&lab, Service::Aws, &regions()).await);
    assert_eq!(
        after.matches("<item>").count() + 1,
        before.matches("<item>").count()
    );

    let managed = || target("ssm", "AmazonSSM.DescribeInstanceInformation", json!({}));
    let count = |response: &stayput_lab::http::Response| {
        let list = body(response);
        list["InstanceInformationList"].as_array().unwrap().len()
    };
    let before = count(&answer(&lab, Service::Aws, &managed()).await);
    add(&lab, "service = 'ssm'\ndrop = 1");
    assert_eq!(
        count(&answer(&lab, Service::Aws, &managed()).await) + 1,
        before
    );

    let token = login(&lab).await;
    let list = || with_token(mv("POST", "/providers/list", &json!({})), &token);
    let before = body(&answer(&lab, MOVE_TOKYO, &list()).await);
    add(&lab, "service = 'move'\ndrop = 1");
    let after = body(&answer(&lab, MOVE_TOKYO, &list()).await);
    assert_eq!(before["MetaData"]["Count"], 2);
    assert_eq!(after["MetaData"]["Count"], 1);
    assert_eq!(after["Entities"].as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_page_limit_makes_a_service_page_its_lists() {
    let lab = lab_with("page = 2\nforever = true");
    let path = format!("{VMS}?$limit=50");
    for path in [VMS, &path, CATEGORIES] {
        let response = answer(&lab, PRISM_TOKYO, &prism("GET", path, &json!(null))).await;
        let list = body(&response);
        assert_eq!(list["data"].as_array().unwrap().len(), 2, "{path}");
        let links = list["metadata"]["links"].to_string();
        assert!(links.contains("\"next\""), "{links}");
    }
    let form = "Action=DescribeInstances&MaxResults=1000";
    let page = text(&answer(&lab, Service::Aws, &ec2(TOKYO, form)).await);
    assert!(page.contains("<nextToken>"), "{page}");
    assert_eq!(page.matches("<instanceId>").count(), 2);
    let managed = target("ssm", "AmazonSSM.DescribeInstanceInformation", json!({}));
    let page = body(&answer(&lab, Service::Aws, &managed).await);
    assert_eq!(page["InstanceInformationList"].as_array().unwrap().len(), 2);
    assert!(page["NextToken"].is_string());
    assert_eq!(lab.with(|state| state.aws.page_cap), lab_cap());
}

/// The page size of the scenario.
fn lab_cap() -> Option<usize> {
    lab().with(|state| state.aws.page_cap)
}
