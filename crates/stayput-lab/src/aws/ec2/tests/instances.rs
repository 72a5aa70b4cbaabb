//! Tests of instances: their states over time, launching, terminating.

use std::time::Duration;

use super::ok;
use super::refused;
use crate::aws::fixture::*;
use crate::state::LabState;

fn state(lab: &mut LabState, id: &str) -> String {
    let params = [("InstanceId.1", id), ("IncludeAllInstances", "true")];
    ok(lab, TOKYO, "DescribeInstanceStatus", &params).one("name")
}

#[test]
fn stopping_and_starting_take_time() {
    let mut lab = estate();
    let id = [("InstanceId.1", APP)];
    let answer = ok(&mut lab, TOKYO, "StopInstances", &id);
    assert_eq!(answer.all("name"), ["stopping", "running"]);
    assert_eq!(answer.all("code"), ["64", "16"]);
    let code = refused(&mut lab, TOKYO, "StartInstances", &id);
    assert_eq!(code, "IncorrectInstanceState");
    lab.advance(Duration::from_secs(29));
    assert_eq!(state(&mut lab, APP), "stopping");
    lab.advance(Duration::from_secs(1));
    assert_eq!(state(&mut lab, APP), "stopped");
    // Stopping a stopped instance is not an error and changes nothing.
    let again = ok(&mut lab, TOKYO, "StopInstances", &id);
    assert_eq!(again.all("name"), ["stopped", "stopped"]);
    assert_eq!(
        ok(&mut lab, TOKYO, "StartInstances", &id).one("name"),
        "pending"
    );
    lab.advance(Duration::from_secs(30));
    assert_eq!(state(&mut lab, APP), "running");
}

#[test]
fn one_instance_in_a_wrong_state_refuses_the_whole_call() {
    let mut lab = estate();
    ok(&mut lab, TOKYO, "StopInstances", &[("InstanceId.1", DMZ)]);
    let both = [("InstanceId.1", APP), ("InstanceId.2", DMZ)];
    ok(&mut lab, TOKYO, "StopInstances", &both);
    lab.advance(Duration::from_secs(60));
    ok(&mut lab, TOKYO, "StartInstances", &[("InstanceId.1", DMZ)]);
    let code = refused(&mut lab, TOKYO, "StopInstances", &both);
    assert_eq!(code, "IncorrectInstanceState");
    assert_eq!(state(&mut lab, APP), "stopped");
}

#[test]
fn status_lists_running_instances_only_unless_all_are_included() {
    let mut lab = estate();
    lab.stop_source();
    let shown = ok(&mut lab, TOKYO, "DescribeInstanceStatus", &[]).all("instanceId");
    assert!(!shown.contains(&APP.to_owned()) && shown.contains(&DMZ.to_owned()));
    let all = [("IncludeAllInstances", "true")];
    let shown = ok(&mut lab, TOKYO, "DescribeInstanceStatus", &all).all("instanceId");
    assert!(shown.contains(&APP.to_owned()));
}

#[test]
fn an_instance_lists_its_interfaces_and_addresses() {
    let mut lab = estate();
    let enis = &mut lab.region(TOKYO).enis;
    enis.get_mut("eni-00000001").unwrap().secondary = vec![[172, 30, 1, 110].into()];
    let answer = ok(
        &mut lab,
        TOKYO,
        "DescribeInstances",
        &[("InstanceId.1", APP)],
    );
    assert_eq!(answer.all("primary"), ["true", "false"]);
    assert_eq!(answer.one("deviceIndex"), "0");
    assert_eq!(answer.one("macAddress"), "06:00:00:00:00:00");
    assert_eq!(answer.one("httpTokens"), "optional");
    assert!(
        answer
            .all("privateIpAddress")
            .contains(&"172.30.1.110".to_owned())
    );
}

#[test]
fn a_launched_instance_has_the_requested_address_or_a_free_one() {
    let mut lab = estate();
    let asked = [
        ("ImageId", "ami-00000001"),
        ("InstanceType", "m6g.large"),
        ("SubnetId", EC2_APP),
        ("PrivateIpAddress", "172.30.1.50"),
        ("TagSpecification.1.ResourceType", "instance"),
        ("TagSpecification.1.Tag.1.Key", "Name"),
        ("TagSpecification.1.Tag.1.Value", "new"),
    ];
    let made = ok(&mut lab, TOKYO, "RunInstances", &asked);
    assert_eq!(made.one("privateIpAddress"), "172.30.1.50");
    assert_eq!(made.one("architecture"), "arm64");
    assert_eq!(made.one("value"), "new");
    let id = made.one("instanceId");
    assert_eq!(state(&mut lab, &id), "pending");
    lab.advance(Duration::from_secs(30));
    assert_eq!(state(&mut lab, &id), "running");
    assert_eq!(
        refused(&mut lab, TOKYO, "RunInstances", &asked),
        "InvalidIPAddress.InUse"
    );
    let free = ok(&mut lab, TOKYO, "RunInstances", &asked[..3]);
    assert_eq!(free.one("privateIpAddress"), "172.30.1.4");
    let reserved = [asked[0], asked[2], ("PrivateIpAddress", "172.30.1.1")];
    assert_eq!(
        refused(&mut lab, TOKYO, "RunInstances", &reserved),
        "InvalidIPAddress.InUse"
    );
    let outside = [asked[0], asked[2], ("PrivateIpAddress", "172.30.2.50")];
    assert_eq!(
        refused(&mut lab, TOKYO, "RunInstances", &outside),
        "InvalidParameterValue"
    );
}

#[test]
fn a_terminated_instance_frees_its_addresses_and_is_listed_for_a_while() {
    let mut lab = estate();
    let id = [("InstanceId.1", APP)];
    let answer = ok(&mut lab, TOKYO, "TerminateInstances", &id);
    assert_eq!(answer.all("name"), ["terminated", "running"]);
    assert!(!lab.region(TOKYO).enis.contains_key("eni-00000001"));
    assert_eq!(
        refused(&mut lab, TOKYO, "StartInstances", &id),
        "IncorrectInstanceState"
    );
    lab.advance(Duration::from_secs(3600));
    let code = refused(&mut lab, TOKYO, "DescribeInstances", &id);
    assert_eq!(code, "InvalidInstanceID.NotFound");
}
