use super::*;
use crate::testing::Reply;
use crate::testing::Seen;
use crate::testing::Server;

fn json(text: &str) -> Reply {
    Reply::Answer(200, text.to_owned())
}

fn online(ids: &[&str]) -> Reply {
    let entries: Vec<String> = ids
        .iter()
        .map(|id| format!(r#"{{"InstanceId":"{id}","PingStatus":"Online"}}"#))
        .collect();
    json(&format!(
        r#"{{"InstanceInformationList":[{}]}}"#,
        entries.join(",")
    ))
}

fn ids(names: &[&str]) -> Vec<InstanceId> {
    names.iter().map(|name| InstanceId::from(*name)).collect()
}

fn document() -> PinnedDocument {
    PinnedDocument {
        name: "AWS-RunShellScript".to_owned(),
        version: "1".to_owned(),
        hash: "99749de5e62f71e5ebe9a55c2321e2c394796afe7208cff048696541e6f6771e".to_owned(),
        step: None,
    }
}

fn parameters() -> BTreeMap<&'static str, Vec<String>> {
    [("commands", vec!["true".to_owned()])].into()
}

#[tokio::test]
async fn a_command_names_the_pinned_version_and_hash_of_its_document() {
    let server = Server::start(|seen: &Seen| match seen.operation().as_str() {
        "DescribeDocument" => json(
            r#"{"Document":{"Name":"stayput","DocumentVersion":"7","Hash":"c0ffee","HashType":"Sha256","Status":"Active"}}"#,
        ),
        "GetDocument" => json(r#"{"Name":"stayput","DocumentVersion":"7","Content":"{}"}"#),
        _ => json(r#"{"Command":{"CommandId":"c-1","Status":"Pending"}}"#),
    })
    .await;
    let (client, region) = (server.client(), server.region());
    let document = client.pin_document(&region, "stayput").await.unwrap();
    let content = client.document_content(&region, &document).await.unwrap();
    assert_eq!(content, "{}");
    let to = ids(&["i-1", "i-3"]);
    let run = client
        .send_command(&region, &to, &document, &BTreeMap::new())
        .await;
    assert_eq!(run.sent.len(), 1);
    assert_eq!(run.sent[0].id.as_str(), "c-1");
    assert!(run.not_sent.is_empty());
    let sent = server.seen().pop().unwrap();
    assert_eq!(sent.headers["x-amz-target"], "AmazonSSM.SendCommand");
    assert_eq!(sent.headers["content-type"], "application/x-amz-json-1.1");
    assert_eq!(
        sent.body,
        r#"{"DocumentName":"stayput","DocumentVersion":"7","DocumentHash":"c0ffee","DocumentHashType":"Sha256","InstanceIds":["i-1","i-3"],"Comment":"sent by stayput"}"#
    );
}

#[tokio::test]
async fn agents_are_told_apart_by_what_they_report() {
    let server = Server::start(|seen: &Seen| {
        // A first page that is empty is not the end.
        if !seen.body.contains("NextToken") {
            return json(r#"{"InstanceInformationList":[],"NextToken":"n"}"#);
        }
        json(
            r#"{"InstanceInformationList":[{"InstanceId":"i-1","PingStatus":"Online","PlatformType":"Linux"},
            {"InstanceId":"i-2","PingStatus":"ConnectionLost","PlatformType":"Windows"},
            {"InstanceId":"i-3","PingStatus":"Asleep","PlatformType":"MacOS"},{"InstanceId":"i-4"}]}"#,
        )
    })
    .await;
    let asked = ids(&["i-1", "i-2", "i-3", "i-4", "i-5"]);
    let agents = server.client().agents(&server.region(), &asked).await;
    let agent = |ping, platform| Agent { ping, platform };
    let expected = [
        agent(Ping::Online, Some(AgentPlatform::Linux)),
        agent(Ping::ConnectionLost, Some(AgentPlatform::Windows)),
        agent(
            Ping::Unknown("Asleep".to_owned()),
            Some(AgentPlatform::Other("MacOS".to_owned())),
        ),
        agent(Ping::Unknown(String::new()), None),
    ];
    let expected: BTreeMap<_, _> = asked.iter().cloned().zip(expected).collect();
    assert_eq!(agents.unwrap(), expected);
}

#[tokio::test]
async fn a_batch_is_sent_again_without_the_agent_that_has_gone() {
    let server = Server::start(|seen: &Seen| match seen.operation().as_str() {
        "DescribeInstanceInformation" => online(&["i-1", "i-3"]),
        _ if seen.body.contains("i-2") => Reply::json_error("InvalidInstanceId"),
        _ => json(r#"{"Command":{"CommandId":"c-1"}}"#),
    })
    .await;
    let to = ids(&["i-1", "i-2", "i-3"]);
    let run = server
        .client()
        .send_command(&server.region(), &to, &document(), &parameters())
        .await;
    assert_eq!(run.sent.len(), 1);
    let sent: Vec<_> = run.sent[0].instances.iter().cloned().collect();
    assert_eq!(sent, ids(&["i-1", "i-3"]));
    let not_sent: Vec<_> = run.not_sent.into_iter().collect();
    assert!(
        matches!(&not_sent[..], [(id, NotSent::AgentNotOnline)] if *id == InstanceId::from("i-2")),
        "{not_sent:?}"
    );
}

#[tokio::test]
async fn a_command_of_unknown_outcome_is_never_sent_again_but_a_throttled_one_is() {
    for doubtful in [Reply::Close, json("<html/>")] {
        let lost = Server::start(move |_| doubtful.clone()).await;
        let run = lost
            .client()
            .send_command(&lost.region(), &ids(&["i-1"]), &document(), &parameters())
            .await;
        let not_sent = run.not_sent.get(&InstanceId::from("i-1"));
        assert!(
            matches!(not_sent, Some(NotSent::Failed(error)) if error.may_have_taken_effect()),
            "{not_sent:?}"
        );
        assert_eq!(lost.operations(), ["SendCommand"]);
    }
    let throttled = std::sync::atomic::AtomicBool::new(false);
    let busy =
        Server::start(
            move |_| match throttled.swap(true, std::sync::atomic::Ordering::SeqCst) {
                false => Reply::json_error("ThrottlingException"),
                true => json(r#"{"Command":{"CommandId":"c-1"}}"#),
            },
        )
        .await;
    let run = busy
        .client()
        .send_command(&busy.region(), &ids(&["i-1"]), &document(), &parameters())
        .await;
    assert_eq!(run.sent.len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_not_the_list_of_agents_is_an_error() {
    for body in [
        "",
        "{}",
        "<html/>",
        r#"{"InstanceInformationList":null}"#,
        r#"{"InstanceInformationList":[{}]}"#,
    ] {
        let server = Server::start(move |_| json(body)).await;
        let agents = server
            .client()
            .agents(&server.region(), &ids(&["i-1"]))
            .await;
        assert!(
            matches!(agents, Err(AwsError::Parse { .. })),
            "{body}: {agents:?}"
        );
    }
}

#[tokio::test]
async fn output_is_fetched_once_the_command_has_ended() {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |seen: &Seen| match seen.operation().as_str() {
        "ListCommandInvocations" if !seen.body.contains("NextToken") => json(
            r#"{"CommandInvocations":[{"InstanceId":"i-1","Status":"Failed"}],"NextToken":"n"}"#,
        ),
        "ListCommandInvocations" => {
            json(r#"{"CommandInvocations":[{"InstanceId":"i-2","Status":"Dreaming"}]}"#)
        }
        _ if !seen.body.contains(r#""PluginName":"captureLinux""#) => json("{}"),
        _ if asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 => {
            Reply::json_error("InvocationDoesNotExist")
        }
        _ => json(
            r#"{"Status":"Failed","ResponseCode":3,"StandardOutputContent":"out","StandardErrorContent":"err"}"#,
        ),
    })
    .await;
    let sent = SentCommand {
        id: CommandId::new("c-1"),
        instances: ids(&["i-1", "i-2", "i-3"]).into_iter().collect(),
        step: Some("captureLinux".to_owned()),
    };
    let results = server
        .client()
        .command_results(&server.region(), &sent)
        .await
        .unwrap();
    assert_eq!(
        *results[&InstanceId::from("i-1")].as_ref().unwrap(),
        CommandResult {
            status: CommandStatus::Failed,
            exit_code: Some(3),
            stdout: "out".to_owned(),
            stderr: "err".to_owned(),
        }
    );
    assert_eq!(
        results[&InstanceId::from("i-2")].as_ref().unwrap().status,
        CommandStatus::Unknown("Dreaming".to_owned())
    );
    assert_eq!(
        results[&InstanceId::from("i-3")].as_ref().unwrap().status,
        CommandStatus::Pending
    );
}
