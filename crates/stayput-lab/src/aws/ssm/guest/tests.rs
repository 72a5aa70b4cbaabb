//! Tests of capture scripts in guests, through the HTTP API.

use serde_json::Value as Json;
use serde_json::json;

use super::GuestKind;
use crate::aws::json::tests::instance;
use crate::aws::json::tests::lab;
use crate::aws::json::tests::machine;
use crate::aws::json::tests::ok;
use crate::aws::json::tests::pass;
use crate::aws::ssm;
use crate::state::LabState;

const LINUX: &str = include_str!("../../../../../../guest/capture.sh");
const WINDOWS: &str = include_str!("../../../../../../guest/capture.ps1");

fn estate() -> LabState {
    let mut lab = lab();
    machine(
        &mut lab,
        "i-0eb",
        Some("web-01"),
        "Linux/UNIX",
        &["172.30.1.10", "172.30.1.20"],
    );
    machine(&mut lab, "i-0ad", Some("ad"), "Windows", &["172.30.1.34"]);
    lab
}

fn send(lab: &mut LabState, document: &str, id: &str, script: &str) -> Json {
    let sent = ok(
        lab,
        "AmazonSSM.SendCommand",
        &json!({"DocumentName": document, "InstanceIds": [id], "Parameters": {"commands": [script]}}),
    );
    pass(lab, 10);
    json!({ "CommandId": sent["Command"]["CommandId"], "InstanceId": id })
}

fn captured(lab: &mut LabState, id: &str) -> Json {
    let (document, script) = if id == "i-0ad" {
        ("AWS-RunPowerShellScript", WINDOWS)
    } else {
        ("AWS-RunShellScript", LINUX)
    };
    let about = send(lab, document, id, script);
    let done = ok(lab, "AmazonSSM.GetCommandInvocation", &about);
    assert_eq!(done["Status"], "Success");
    serde_json::from_str(done["StandardOutputContent"].as_str().unwrap()).unwrap()
}

/// What the bindings depend on, without repetitions.
fn kinds(document: &Json) -> Vec<&str> {
    let bindings = document["bindings"].as_array().unwrap();
    let mut found: Vec<&str> = bindings
        .iter()
        .map(|binding| binding["by"].as_str().unwrap())
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[test]
fn an_emulated_capture_has_what_the_lab_knows_about_the_machine() {
    let mut lab = estate();
    let seen = captured(&mut lab, "i-0eb");
    assert_eq!(
        seen["identity"],
        json!({
            "instance_id": "i-0eb", "region": "ap-northeast-1", "account": "123456789012",
            "zone": "ap-northeast-1a", "private_ip": "172.30.1.10",
        })
    );
    let first = &seen["interfaces"][0];
    assert_eq!(
        (&first["name"], &first["mac"]),
        (&json!("ens5"), &json!("06:00:00:00:01:0a"))
    );
    assert_eq!(first["method"], "mixed");
    assert_eq!(
        first["addresses"][1],
        json!({ "address": "172.30.1.110/24", "origin": "static", "secondary": true })
    );
    assert_eq!(first["gateways"], json!(["172.30.1.1"]));
    assert_eq!(
        seen["routes"][0],
        "default via 172.30.1.1 dev ens5 proto dhcp src 172.30.1.10 metric 100"
    );
    assert_eq!(seen["dns"]["servers"], json!(["172.30.0.2"]));
    assert_eq!(
        (&seen["dropped"], &seen["failed"], &seen["row"]),
        (&json!([]), &json!([]), &Json::Null)
    );
    assert_eq!(
        lab.guests.runs[0].emulated.as_deref(),
        Some("the lab has no shell for guests")
    );
}

#[test]
fn each_configuration_has_its_files_and_bindings() {
    for (kind, path, by) in [
        (GuestKind::Dhcp, "/etc/netplan/90-default.yaml", &[][..]),
        (
            GuestKind::NetplanMac,
            "/etc/netplan/50-cloud-init.yaml",
            &["mac", "name"],
        ),
        (
            GuestKind::IfcfgHwaddr,
            "/etc/sysconfig/network-scripts/ifcfg-eth0",
            &["mac", "name"],
        ),
        (
            GuestKind::UdevPersistent,
            "/etc/udev/rules.d/70-persistent-net.rules",
            &["mac", "name"],
        ),
        (
            GuestKind::NetworkdMac,
            "/etc/systemd/network/10-ens5.link",
            &["mac", "name"],
        ),
        (
            GuestKind::StaticIfupdown,
            "/etc/network/interfaces",
            &["name"],
        ),
    ] {
        let mut lab = estate();
        instance(&mut lab, "i-0eb").guest = Some(kind);
        let seen = captured(&mut lab, "i-0eb");
        assert_eq!(kinds(&seen), by, "{kind:?}");
        let files = seen["files"].as_array().unwrap();
        assert!(
            files.iter().any(|file| file["path"] == path),
            "{kind:?}: {files:?}"
        );
    }
}

#[test]
fn windows_guests_show_their_static_settings_as_bindings() {
    let mut lab = estate();
    let seen = captured(&mut lab, "i-0ad");
    // It has a secondary address.
    assert_eq!(seen["interfaces"][0]["method"], "static");
    assert_eq!(
        seen["bindings"][0]["static"]["addresses"],
        json!(["172.30.1.34", "172.30.1.134"])
    );
    let eni = instance(&mut lab, "i-0ad").enis[&0].clone();
    let place = lab.aws.regions.get_mut("ap-northeast-1").unwrap();
    place.enis.get_mut(&eni).unwrap().secondary.clear();
    let seen = captured(&mut lab, "i-0ad");
    assert_eq!(
        (&seen["interfaces"][0]["method"], &seen["bindings"]),
        (&json!("dhcp"), &json!([]))
    );
    instance(&mut lab, "i-0ad").guest = Some(GuestKind::WindowsStatic);
    let seen = captured(&mut lab, "i-0ad");
    assert_eq!(seen["bindings"][0]["by"], "device");
}

#[test]
fn a_capture_for_a_shell_stays_in_progress_until_it_answers() {
    let mut lab = estate();
    lab.guests.has_shell = true;
    let about = send(&mut lab, "AWS-RunShellScript", "i-0eb", LINUX);
    let running = ok(&mut lab, "AmazonSSM.GetCommandInvocation", &about);
    assert_eq!(running["Status"], "InProgress");
    let job = lab.guests.jobs.pop().unwrap();
    let said = super::ScriptOutput {
        code: 3,
        stdout: "{}\n".to_owned(),
        stderr: String::new(),
    };
    ssm::resume(&mut lab, &job, Ok(said));
    let done = ok(&mut lab, "AmazonSSM.GetCommandInvocation", &about);
    assert_eq!(
        (&done["Status"], &done["ResponseCode"]),
        (&json!("Failed"), &json!(3))
    );
    assert_eq!(lab.guests.runs[0].emulated, None);
}

#[test]
fn a_shell_that_refuses_and_a_changed_script_are_emulated() {
    let mut lab = estate();
    lab.guests.has_shell = true;
    let about = send(&mut lab, "AWS-RunShellScript", "i-0eb", LINUX);
    let job = lab.guests.jobs.pop().unwrap();
    ssm::resume(&mut lab, &job, Err(super::NoShell("no bash".to_owned())));
    let done = ok(&mut lab, "AmazonSSM.GetCommandInvocation", &about);
    assert_eq!(done["Status"], "Success");
    assert_eq!(lab.guests.runs[0].emulated.as_deref(), Some("no bash"));
    let changed = format!("export STAYPUT_TABLE=ips\n{LINUX}");
    let about = send(&mut lab, "AWS-RunShellScript", "i-0eb", &changed);
    assert!(lab.guests.jobs.is_empty());
    let done = ok(&mut lab, "AmazonSSM.GetCommandInvocation", &about);
    let seen: Json = serde_json::from_str(done["StandardOutputContent"].as_str().unwrap()).unwrap();
    assert_eq!(seen["row"]["written"], false);
}
