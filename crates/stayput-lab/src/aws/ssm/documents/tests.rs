//! Tests of documents through the HTTP API.

use serde_json::Value as Json;
use serde_json::json;

use crate::aws::json::tests::fails;
use crate::aws::json::tests::lab;
use crate::aws::json::tests::machine;
use crate::aws::json::tests::ok;
use crate::aws::json::tests::pass;
use crate::state::LabState;

fn estate() -> LabState {
    let mut lab = lab();
    machine(
        &mut lab,
        "i-web",
        Some("web-01"),
        "Linux/UNIX",
        &["172.30.1.10"],
    );
    machine(&mut lab, "i-win", Some("ad"), "Windows", &["172.30.1.34"]);
    lab
}

/// A document with one step for each platform.
fn both(linux: &str) -> String {
    json!({
        "schemaVersion": "2.2",
        "description": "Prints the name of the host.",
        "mainSteps": [
            {
                "name": "onLinux", "action": "aws:runShellScript",
                "precondition": { "StringEquals": ["platformType", "Linux"] },
                "inputs": { "timeoutSeconds": "60", "runCommand": [linux] },
            },
            {
                "name": "onWindows", "action": "aws:runPowerShellScript",
                "precondition": { "StringEquals": ["platformType", "Windows"] },
                "inputs": { "runCommand": ["hostname"] },
            },
        ],
    })
    .to_string()
}

fn create(lab: &mut LabState, content: &str) -> Json {
    let body = json!({
        "Name": "names", "Content": content, "DocumentType": "Command", "DocumentFormat": "JSON",
        "TargetType": "/AWS::EC2::Instance", "Tags": [{ "Key": "Owner", "Value": "ops" }],
    });
    ok(lab, "AmazonSSM.CreateDocument", &body)["DocumentDescription"].clone()
}

fn describe(lab: &mut LabState, body: &Json) -> Json {
    ok(lab, "AmazonSSM.DescribeDocument", body)["Document"].clone()
}

#[test]
fn documents_of_aws_are_described_with_hash_and_platforms() {
    let mut lab = estate();
    let shell = describe(&mut lab, &json!({ "Name": "AWS-RunShellScript" }));
    assert_eq!(shell["Owner"], "Amazon");
    assert_eq!(shell["DocumentVersion"], "1");
    assert_eq!(shell["Status"], "Active");
    assert_eq!(shell["HashType"], "Sha256");
    assert_eq!(shell["PlatformTypes"], json!(["Linux", "MacOS"]));
    let got = ok(
        &mut lab,
        "AmazonSSM.GetDocument",
        &json!({ "Name": "arn:aws:ssm:ap-northeast-1::document/AWS-RunShellScript" }),
    );
    let content = got["Content"].as_str().unwrap();
    use sha2::Digest;
    let hash = format!("{:x}", sha2::Sha256::digest(content.as_bytes()));
    assert_eq!(shell["Hash"], hash);
    let powershell = describe(&mut lab, &json!({ "Name": "AWS-RunPowerShellScript" }));
    assert_eq!(powershell["PlatformTypes"][0], "Windows");
    for operation in ["DeleteDocument", "UpdateDocument"] {
        let body = json!({ "Name": "AWS-RunShellScript", "Content": both("hostname") });
        let (code, _) = fails(&mut lab, &format!("AmazonSSM.{operation}"), &body);
        assert_eq!(code, "InvalidDocument");
    }
}

#[test]
fn a_document_is_created_updated_and_deleted_with_its_versions() {
    let mut lab = estate();
    let made = create(&mut lab, &both("hostname"));
    assert_eq!(
        (&made["Status"], &made["Owner"]),
        (&json!("Creating"), &json!("123456789012"))
    );
    assert_eq!(made["PlatformTypes"], json!(["Windows", "Linux"]));
    let again = json!({ "Name": "names", "Content": both("hostname") });
    let (code, _) = fails(&mut lab, "AmazonSSM.CreateDocument", &again);
    assert_eq!(code, "DocumentAlreadyExists");
    let (code, _) = fails(&mut lab, "AmazonSSM.UpdateDocument", &again);
    assert_eq!(code, "DuplicateDocumentContent");
    let new = json!({ "Name": "names", "Content": both("ip addr"), "DocumentVersion": "$LATEST" });
    let new = ok(&mut lab, "AmazonSSM.UpdateDocument", &new)["DocumentDescription"].clone();
    assert_eq!(
        (
            &new["DocumentVersion"],
            &new["DefaultVersion"],
            &new["LatestVersion"]
        ),
        (&json!("2"), &json!("1"), &json!("2"))
    );
    let now = describe(&mut lab, &json!({ "Name": "names" }));
    assert_eq!(
        (&now["DocumentVersion"], &now["Hash"]),
        (&json!("1"), &made["Hash"])
    );
    let body = json!({ "Name": "names", "DocumentVersion": "2" });
    let set = ok(&mut lab, "AmazonSSM.UpdateDocumentDefaultVersion", &body);
    assert_eq!(set["Description"]["DefaultVersion"], "2");
    let (code, _) = fails(&mut lab, "AmazonSSM.DeleteDocument", &body);
    assert_eq!(code, "InvalidDocumentOperation");
    let versions = ok(
        &mut lab,
        "AmazonSSM.ListDocumentVersions",
        &json!({ "Name": "names" }),
    );
    assert_eq!(versions["DocumentVersions"][0]["IsDefaultVersion"], true);
    let (code, _) = fails(
        &mut lab,
        "AmazonSSM.DescribeDocument",
        &json!({ "Name": "names", "DocumentVersion": "3" }),
    );
    assert_eq!(code, "InvalidDocumentVersion");
    ok(
        &mut lab,
        "AmazonSSM.DeleteDocument",
        &json!({ "Name": "names" }),
    );
    let (code, _) = fails(
        &mut lab,
        "AmazonSSM.DescribeDocument",
        &json!({ "Name": "names" }),
    );
    assert_eq!(code, "InvalidDocument");
}

#[test]
fn wrong_documents_are_refused_with_the_codes_of_the_service() {
    let mut lab = estate();
    let large = both(&"x".repeat(65_536));
    for (name, content, expected) in [
        ("names", "{", "InvalidDocumentContent"),
        (
            "names",
            r#"{"schemaVersion":"9.9"}"#,
            "InvalidDocumentSchemaVersion",
        ),
        (
            "names",
            r#"{"schemaVersion":"2.2"}"#,
            "InvalidDocumentContent",
        ),
        ("names", &both("echo {{ who }}"), "InvalidDocumentContent"),
        ("names", &large, "MaxDocumentSizeExceeded"),
        ("AWS-Mine", &both("hostname"), "ValidationException"),
        ("a b", &both("hostname"), "ValidationException"),
    ] {
        let body = json!({ "Name": name, "Content": content });
        let (code, message) = fails(&mut lab, "AmazonSSM.CreateDocument", &body);
        assert_eq!(code, expected, "{name}: {message}");
    }
}

#[test]
fn tags_lists_and_permissions_are_as_terraform_reads_them() {
    let mut lab = estate();
    create(&mut lab, &both("hostname"));
    let resource = json!({ "ResourceType": "Document", "ResourceId": "names" });
    let mut add = resource.clone();
    add["Tags"] = json!([{ "Key": "Wave", "Value": "1" }]);
    ok(&mut lab, "AmazonSSM.AddTagsToResource", &add);
    let mut remove = resource.clone();
    remove["TagKeys"] = json!(["Owner"]);
    ok(&mut lab, "AmazonSSM.RemoveTagsFromResource", &remove);
    let tags = ok(&mut lab, "AmazonSSM.ListTagsForResource", &resource);
    assert_eq!(tags["TagList"], json!([{ "Key": "Wave", "Value": "1" }]));
    let body = json!({ "Name": "names", "PermissionType": "Share" });
    let shared = ok(&mut lab, "AmazonSSM.DescribeDocumentPermission", &body);
    assert_eq!(shared["AccountIds"], json!([]));
    let own = json!({ "Filters": [{ "Key": "Owner", "Values": ["Self"] }] });
    let own = ok(&mut lab, "AmazonSSM.ListDocuments", &own);
    assert_eq!(own["DocumentIdentifiers"].as_array().unwrap().len(), 1);
    let all = ok(&mut lab, "AmazonSSM.ListDocuments", &json!({}));
    assert_eq!(all["DocumentIdentifiers"].as_array().unwrap().len(), 3);
    let (code, _) = fails(
        &mut lab,
        "AmazonSSM.ListTagsForResource",
        &json!({ "ResourceType": "Document", "ResourceId": "absent" }),
    );
    assert_eq!(code, "InvalidResourceId");
}

#[test]
fn each_guest_runs_the_step_of_its_platform_and_skips_the_other() {
    let mut lab = estate();
    create(&mut lab, &both("hostname"));
    let body = json!({ "DocumentName": "names", "InstanceIds": ["i-web", "i-win"], "DocumentVersion": "1" });
    let sent = ok(&mut lab, "AmazonSSM.SendCommand", &body)["Command"].clone();
    pass(&mut lab, 10);
    let listed = json!({ "CommandId": sent["CommandId"], "Details": true });
    let listed = ok(&mut lab, "AmazonSSM.ListCommandInvocations", &listed);
    let invocation = &listed["CommandInvocations"][0];
    assert_eq!(
        (&invocation["DocumentName"], &invocation["DocumentVersion"]),
        (&json!("names"), &json!("1"))
    );
    let plugins = &invocation["CommandPlugins"];
    assert_eq!(
        plugins[0]["Output"],
        "ip-172-30-1-10.ap-northeast-1.compute.internal\n"
    );
    assert_eq!(plugins[1]["Status"], "Success");
    assert_eq!(
        plugins[1]["Output"],
        "Step execution skipped due to unsatisfied preconditions: '\"StringEquals\": [platformType, Windows]'. Step name: onWindows"
    );
    let step = |lab: &mut LabState, name: Option<&str>| {
        let body =
            json!({ "CommandId": sent["CommandId"], "InstanceId": "i-win", "PluginName": name });
        ok(lab, "AmazonSSM.GetCommandInvocation", &body)
    };
    assert_eq!(
        step(&mut lab, Some("onWindows"))["StandardOutputContent"],
        "EC2AMAZ-NIW-I\n"
    );
    assert_eq!(step(&mut lab, Some("onLinux"))["StandardOutputContent"], "");
    let summary = step(&mut lab, None);
    assert_eq!(
        (&summary["Status"], &summary["StandardOutputContent"]),
        (&json!("Success"), &json!(""))
    );
    let wrong = json!({ "CommandId": sent["CommandId"], "InstanceId": "i-win", "PluginName": "aws:runShellScript" });
    let (code, _) = fails(&mut lab, "AmazonSSM.GetCommandInvocation", &wrong);
    assert_eq!(code, "InvalidPluginName");
}

#[test]
fn a_command_for_another_hash_or_version_is_refused() {
    let mut lab = estate();
    let hash = create(&mut lab, &both("hostname"))["Hash"].clone();
    let body = json!({ "Name": "names", "Content": both("ip addr") });
    let newer =
        ok(&mut lab, "AmazonSSM.UpdateDocument", &body)["DocumentDescription"]["Hash"].clone();
    for (version, hash, expected) in [
        ("$DEFAULT", &hash, None),
        ("1", &hash, None),
        ("$LATEST", &newer, None),
        ("$LATEST", &hash, Some("InvalidDocument")),
        ("7", &hash, Some("InvalidDocumentVersion")),
        ("new", &hash, Some("ValidationException")),
    ] {
        let body = json!({
            "DocumentName": "names", "InstanceIds": ["i-web"], "DocumentVersion": version,
            "DocumentHash": hash, "DocumentHashType": "Sha256",
        });
        match expected {
            None => {
                ok(&mut lab, "AmazonSSM.SendCommand", &body);
            }
            Some(expected) => {
                let (code, message) = fails(&mut lab, "AmazonSSM.SendCommand", &body);
                assert_eq!(code, expected, "{message}");
            }
        }
    }
}

#[test]
fn parameters_must_be_declared_and_replace_their_names() {
    let mut lab = estate();
    let content = json!({
        "schemaVersion": "2.2",
        "parameters": { "what": { "type": "String", "default": "hostname", "allowedValues": ["hostname", "ip addr"] } },
        "mainSteps": [{
            "name": "run", "action": "aws:runShellScript", "inputs": { "runCommand": ["{{ what }}"] },
        }],
    });
    create(&mut lab, &content.to_string());
    let send = |what: Json| json!({ "DocumentName": "names", "InstanceIds": ["i-web"], "Parameters": what });
    for (parameters, expected) in [
        (json!({ "commands": ["hostname"] }), "InvalidParameters"),
        (json!({ "what": ["rm"] }), "InvalidParameters"),
        (json!({ "what": "hostname" }), "SerializationException"),
    ] {
        let (code, _) = fails(&mut lab, "AmazonSSM.SendCommand", &send(parameters));
        assert_eq!(code, expected);
    }
    for (parameters, start) in [
        (json!({}), "ip-172"),
        (json!({ "what": ["ip addr"] }), "1: lo"),
    ] {
        let sent = ok(&mut lab, "AmazonSSM.SendCommand", &send(parameters));
        pass(&mut lab, 10);
        let body = json!({ "CommandId": sent["Command"]["CommandId"], "InstanceId": "i-web" });
        let done = ok(&mut lab, "AmazonSSM.GetCommandInvocation", &body);
        assert_eq!(done["PluginName"], "run");
        assert!(
            done["StandardOutputContent"]
                .as_str()
                .unwrap()
                .starts_with(start),
            "{done}"
        );
    }
    let windows = json!({ "DocumentName": "names", "InstanceIds": ["i-win"] });
    let (code, _) = fails(&mut lab, "AmazonSSM.SendCommand", &windows);
    assert_eq!(code, "UnsupportedPlatformType");
}
