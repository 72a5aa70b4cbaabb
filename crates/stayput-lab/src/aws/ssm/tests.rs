//! Tests of Systems Manager through its HTTP API.

use serde_json::Value as Json;
use serde_json::json;

use crate::aws::dynamodb::Table;
use crate::aws::dynamodb::value::item_to_json;
use crate::aws::json::tests::fails;
use crate::aws::json::tests::instance;
use crate::aws::json::tests::lab;
use crate::aws::json::tests::machine;
use crate::aws::json::tests::ok;
use crate::aws::json::tests::pass;
use crate::aws::model::InstanceState;
use crate::state::LabState;

const LINUX: &str = "AWS-RunShellScript";
const WINDOWS: &str = "AWS-RunPowerShellScript";

fn estate() -> LabState {
    let mut lab = lab();
    machine(
        &mut lab,
        "i-web",
        Some("web-01"),
        "Linux/UNIX",
        &["172.30.1.10", "172.30.1.20"],
    );
    machine(&mut lab, "i-win", Some("ad"), "Windows", &["172.30.1.34"]);
    machine(&mut lab, "i-off", None, "Linux/UNIX", &["172.30.1.60"]);
    machine(&mut lab, "i-bare", None, "Linux/UNIX", &["172.30.1.50"]);
    instance(&mut lab, "i-off").state = InstanceState::Stopped;
    lab
}

fn send(lab: &mut LabState, document: &str, instances: &[&str], script: &str) -> String {
    let answer = ok(
        lab,
        "AmazonSSM.SendCommand",
        &json!({"DocumentName": document, "InstanceIds": instances, "Parameters": {"commands": [script]}}),
    );
    answer["Command"]["CommandId"].as_str().unwrap().to_owned()
}

fn result(lab: &mut LabState, command: &str, instance: &str) -> Json {
    ok(
        lab,
        "AmazonSSM.GetCommandInvocation",
        &json!({"CommandId": command, "InstanceId": instance}),
    )
}

/// Sends a command to one machine, waits, and returns exit code, output and errors.
fn run(lab: &mut LabState, document: &str, instance: &str, script: &str) -> (i64, String, String) {
    let id = send(lab, document, &[instance], script);
    pass(lab, 10);
    let answer = result(lab, &id, instance);
    let text = |member: &str| answer[member].as_str().unwrap().to_owned();
    (
        answer["ResponseCode"].as_i64().unwrap(),
        text("StandardOutputContent"),
        text("StandardErrorContent"),
    )
}

#[test]
fn an_invocation_does_not_exist_at_first_then_runs_then_has_output() {
    let mut lab = estate();
    let id = send(&mut lab, LINUX, &["i-web"], "hostname");
    let body = json!({"CommandId": id, "InstanceId": "i-web"});
    let (code, _) = fails(&mut lab, "AmazonSSM.GetCommandInvocation", &body);
    assert_eq!(code, "InvocationDoesNotExist");
    pass(&mut lab, 1);
    let running = result(&mut lab, &id, "i-web");
    assert_eq!(running["Status"], "InProgress");
    assert_eq!(
        (&running["StandardOutputContent"], &running["ResponseCode"]),
        (&json!(""), &json!(-1))
    );
    pass(&mut lab, 4);
    let done = result(&mut lab, &id, "i-web");
    assert_eq!(
        (&done["Status"], &done["ResponseCode"]),
        (&json!("Success"), &json!(0))
    );
    assert_eq!(
        done["StandardOutputContent"],
        "ip-172-30-1-10.ap-northeast-1.compute.internal\n"
    );
    assert_eq!(done["PluginName"], "aws:runShellScript");
}

#[test]
fn one_instance_that_is_not_managed_or_not_running_fails_the_whole_call() {
    let mut lab = estate();
    for wrong in ["i-off", "i-missing"] {
        let (code, message) = fails(
            &mut lab,
            "AmazonSSM.SendCommand",
            &json!({"DocumentName": LINUX, "InstanceIds": ["i-web", wrong], "Parameters": {"commands": ["hostname"]}}),
        );
        assert_eq!(code, "InvalidInstanceId");
        assert_eq!(
            message,
            format!("Instances [[{wrong}]] not in a valid state for account 123456789012")
        );
    }
    assert!(lab.aws.regions["ap-northeast-1"].commands.is_empty());
}

#[test]
fn a_wrong_document_more_than_fifty_instances_and_other_errors_are_refused() {
    let mut lab = estate();
    let many: Vec<String> = (0..51).map(|n| format!("i-{n}")).collect();
    let commands = json!({"commands": ["hostname"]});
    for (body, expected) in [
        (
            json!({"DocumentName": WINDOWS, "InstanceIds": ["i-web"], "Parameters": commands}),
            "UnsupportedPlatformType",
        ),
        (
            json!({"DocumentName": "AWS-Nope", "InstanceIds": ["i-web"], "Parameters": commands}),
            "InvalidDocument",
        ),
        (
            json!({"DocumentName": LINUX, "InstanceIds": many, "Parameters": commands}),
            "ValidationException",
        ),
        (
            json!({"DocumentName": LINUX, "InstanceIds": ["i-web", "i-web"], "Parameters": commands}),
            "DuplicateInstanceId",
        ),
        (
            json!({"DocumentName": LINUX, "InstanceIds": ["i-web"]}),
            "InvalidParameters",
        ),
        (
            json!({"DocumentName": LINUX, "InstanceIds": ["i-web"], "Parameters": {"x": ["y"]}}),
            "InvalidParameters",
        ),
        (
            json!({"DocumentName": LINUX, "Parameters": commands}),
            "ValidationException",
        ),
        (
            json!({"DocumentName": LINUX, "InstanceIds": ["i-web"], "Parameters": commands, "TimeoutSeconds": 5}),
            "ValidationException",
        ),
    ] {
        let (code, _) = fails(&mut lab, "AmazonSSM.SendCommand", &body);
        assert_eq!(code, expected, "{body}");
    }
}

#[test]
fn targets_select_by_tag_and_skip_offline_instances() {
    let mut lab = estate();
    for id in ["i-web", "i-off", "i-win"] {
        instance(&mut lab, id)
            .tags
            .insert("Wave".to_owned(), "1".to_owned());
    }
    let answer = ok(
        &mut lab,
        "AmazonSSM.SendCommand",
        &json!({"DocumentName": LINUX, "Targets": [{"Key": "tag:Wave", "Values": ["1"]}], "Parameters": {"commands": ["hostname"]}}),
    );
    pass(&mut lab, 10);
    let id = answer["Command"]["CommandId"].clone();
    let listed = ok(
        &mut lab,
        "AmazonSSM.ListCommandInvocations",
        &json!({"CommandId": id, "Details": true}),
    );
    let seen: Vec<_> = listed["CommandInvocations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|invocation| {
            (
                invocation["InstanceId"].as_str().unwrap(),
                invocation["StatusDetails"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(seen, [("i-web", "Success"), ("i-win", "InvalidPlatform")]);
    assert_eq!(
        listed["CommandInvocations"][0]["CommandPlugins"][0]["Output"],
        "ip-172-30-1-10.ap-northeast-1.compute.internal\n"
    );
    let command = ok(
        &mut lab,
        "AmazonSSM.ListCommands",
        &json!({"CommandId": id}),
    );
    assert_eq!(command["Commands"][0]["Status"], "Failed");
    assert_eq!(command["Commands"][0]["TargetCount"], 2);
}

#[test]
fn instance_information_is_filtered_and_paged() {
    let mut lab = estate();
    for n in 0..60 {
        machine(
            &mut lab,
            &format!("i-x{n:02}"),
            None,
            "Linux/UNIX",
            &["172.30.1.99"],
        );
    }
    let mut token = Json::Null;
    let mut seen = 0;
    let mut pages = 0;
    loop {
        let mut body =
            json!({"Filters": [{"Key": "PingStatus", "Values": ["Online"]}], "MaxResults": 25});
        body["NextToken"] = token;
        let answer = ok(&mut lab, "AmazonSSM.DescribeInstanceInformation", &body);
        seen += answer["InstanceInformationList"].as_array().unwrap().len();
        pages += 1;
        token = answer["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!((seen, pages), (63, 3));
    let one = ok(
        &mut lab,
        "AmazonSSM.DescribeInstanceInformation",
        &json!({"Filters": [{"Key": "InstanceIds", "Values": ["i-off"]}]}),
    );
    assert_eq!(
        one["InstanceInformationList"][0]["PingStatus"],
        "ConnectionLost"
    );
    let (code, _) = fails(
        &mut lab,
        "AmazonSSM.DescribeInstanceInformation",
        &json!({"Filters": [{"Key": "Colour", "Values": ["red"]}]}),
    );
    assert_eq!(code, "InvalidFilterKey");
}

#[test]
fn the_articles_script_stores_id_name_and_primary_address() {
    let mut lab = estate();
    lab.aws
        .regions
        .get_mut("ap-northeast-1")
        .unwrap()
        .tables
        .insert("ips".to_owned(), Table::new("InstanceId", None));
    let powershell = "$t = \"ips\"\nSet-DDBItem -TableName $t -Item $item";
    assert_eq!(run(&mut lab, WINDOWS, "i-win", powershell).0, 0);
    let bash = "aws dynamodb put-item --table-name ips --item file:///tmp/item.json";
    assert_eq!(run(&mut lab, LINUX, "i-bare", bash).0, 0);
    assert_eq!(run(&mut lab, LINUX, "i-web", bash).0, 0);
    let items: Vec<Json> = lab.aws.regions["ap-northeast-1"].tables["ips"]
        .items
        .values()
        .map(item_to_json)
        .collect();
    for (id, name, address) in [
        ("i-win", "ad", "172.30.1.34"),
        ("i-bare", "NoNameTag", "172.30.1.50"),
        ("i-web", "web-01", "172.30.1.10"),
    ] {
        let item = json!({"InstanceId": {"S": id}, "InstanceName": {"S": name}, "PrivateIp": {"S": address}});
        assert!(items.contains(&item), "{item}");
    }
}

#[test]
fn an_attribute_that_a_person_adds_to_the_articles_script_is_stored() {
    let mut lab = estate();
    let place = lab.aws.regions.get_mut("ap-northeast-1").unwrap();
    place
        .tables
        .insert("ips".to_owned(), Table::new("InstanceId", None));
    let bash = "cat > /tmp/item.json <<END\n{\"InstanceId\": {\"S\": \"$ID\"}, \"PrivateIp\": {\"S\": \"$IP\"}, \
                \"Owner\": {\"S\": \"ops\"}}\nEND\naws dynamodb put-item --table-name ips --item file:///tmp/item.json";
    assert_eq!(run(&mut lab, LINUX, "i-web", bash).0, 0);
    let table = &lab.aws.regions["ap-northeast-1"].tables["ips"];
    let item = item_to_json(table.items.values().next().unwrap());
    assert_eq!(item["Owner"], json!({"S": "ops"}));
    assert_eq!(item["PrivateIp"], json!({"S": "172.30.1.10"}));
}

#[test]
fn the_articles_script_fails_without_its_table_or_with_imdsv2_enforced() {
    let mut lab = estate();
    let bash = "aws dynamodb put-item --table-name ips --item file:///tmp/item.json";
    let (code, _, errors) = run(&mut lab, LINUX, "i-web", bash);
    assert_ne!(code, 0);
    assert!(errors.contains("ResourceNotFoundException"), "{errors}");
    instance(&mut lab, "i-web").metadata_token_required = true;
    let (code, _, errors) = run(&mut lab, LINUX, "i-web", bash);
    assert_ne!(code, 0);
    assert!(errors.contains("401"), "{errors}");
}

#[test]
fn guests_print_the_addresses_of_their_interfaces() {
    let mut lab = estate();
    let (code, output, _) = run(&mut lab, LINUX, "i-web", "ip -j addr");
    assert_eq!(code, 0);
    let links: Json = serde_json::from_str(&output).unwrap();
    assert_eq!(links[1]["address"], "06:00:00:00:01:0a");
    assert_eq!(links[1]["addr_info"][0]["local"], "172.30.1.10");
    assert_eq!(links[1]["addr_info"][1]["local"], "172.30.1.110");
    assert_eq!(links[2]["addr_info"][0]["local"], "172.30.1.20");
    let (_, output, _) = run(&mut lab, LINUX, "i-web", "ip addr");
    assert!(output.contains("inet 172.30.1.110/24 brd 172.30.1.255 scope global secondary ens5"));
    let (_, output, _) = run(&mut lab, WINDOWS, "i-win", "ipconfig /all");
    for line in [
        "   Host Name . . . . . . . . . . . . : EC2AMAZ-NIW-I",
        "   Physical Address. . . . . . . . . : 06-00-00-00-01-22",
        "   IPv4 Address. . . . . . . . . . . : 172.30.1.34(Preferred)",
        "   Subnet Mask . . . . . . . . . . . : 255.255.255.0",
        "   Default Gateway . . . . . . . . . : 172.30.1.1",
    ] {
        assert!(
            output.lines().any(|found| found == line),
            "{line}\nin\n{output}"
        );
    }
}

#[test]
fn an_unknown_command_ends_with_exit_code_127() {
    let mut lab = estate();
    let (code, _, errors) = run(&mut lab, LINUX, "i-web", "hostname\nfrobnicate --all");
    assert_eq!(code, 127);
    assert!(
        errors.ends_with("line 2: frobnicate: command not found\n"),
        "{errors}"
    );
    let (code, _, errors) = run(&mut lab, WINDOWS, "i-win", "frobnicate");
    assert_eq!(code, 127);
    assert!(
        errors.contains("'frobnicate' is not recognized"),
        "{errors}"
    );
}

#[test]
fn a_cancelled_command_stays_cancelled_and_a_stopped_machine_times_out() {
    let mut lab = estate();
    let id = send(&mut lab, LINUX, &["i-web", "i-bare"], "hostname");
    ok(
        &mut lab,
        "AmazonSSM.CancelCommand",
        &json!({"CommandId": id, "InstanceIds": ["i-web"]}),
    );
    instance(&mut lab, "i-bare").state = InstanceState::Stopping;
    pass(&mut lab, 10);
    assert_eq!(result(&mut lab, &id, "i-web")["Status"], "Cancelled");
    assert_eq!(
        result(&mut lab, &id, "i-bare")["StatusDetails"],
        "DeliveryTimedOut"
    );
    let (code, _) = fails(
        &mut lab,
        "AmazonSSM.CancelCommand",
        &json!({"CommandId": "nope"}),
    );
    assert_eq!(code, "InvalidCommandId");
}

#[test]
fn long_output_is_cut_at_24_000_characters() {
    let mut lab = estate();
    let script = "ip -j addr\n".repeat(200);
    let (_, output, _) = run(&mut lab, LINUX, "i-web", &script);
    assert_eq!(output.chars().count(), 24_000);
}
