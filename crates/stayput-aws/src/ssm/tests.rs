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

#[tokio::test]
async fn a_command_goes_only_to_instances_whose_agent_is_online() {
    let server = Server::start(|seen: &Seen| match seen.operation().as_str() {
        "DescribeInstanceInformation" => online(&["i-1", "i-3"]),
        _ => json(r#"{"Command":{"CommandId":"c-1","Status":"Pending"}}"#),
    })
    .await;
    let run = server
        .client()
        .run_command(
            &server.region(),
            &ids(&["i-1", "i-2", "i-3"]),
            "AWS-RunShellScript",
            &["true".to_owned()],
        )
        .await
        .unwrap();
    assert_eq!(run.sent.len(), 1);
    assert_eq!(run.sent[0].id.as_str(), "c-1");
    assert_eq!(
        run.not_sent.keys().cloned().collect::<Vec<_>>(),
        ids(&["i-2"])
    );
    let sent = server.seen().pop().unwrap();
    assert_eq!(sent.headers["x-amz-target"], "AmazonSSM.SendCommand");
    assert_eq!(sent.headers["content-type"], "application/x-amz-json-1.1");
    assert_eq!(
        sent.body,
        r#"{"DocumentName":"AWS-RunShellScript","InstanceIds":["i-1","i-3"],"Parameters":{"commands":["true"]},"Comment":"sent by stayput"}"#
    );
}

#[tokio::test]
async fn a_command_of_unknown_outcome_is_never_sent_again_but_a_throttled_one_is() {
    let lost = Server::start(|seen: &Seen| match seen.operation().as_str() {
        "DescribeInstanceInformation" => online(&["i-1"]),
        _ => Reply::Close,
    })
    .await;
    let error = lost
        .client()
        .run_command(&lost.region(), &ids(&["i-1"]), "D", &[])
        .await
        .unwrap_err();
    assert!(error.may_have_taken_effect(), "{error:?}");
    assert_eq!(
        lost.operations(),
        ["DescribeInstanceInformation", "SendCommand"]
    );

    let throttled = std::sync::atomic::AtomicBool::new(false);
    let busy = Server::start(move |seen: &Seen| match seen.operation().as_str() {
        "DescribeInstanceInformation" => online(&["i-1"]),
        _ if !throttled.swap(true, std::sync::atomic::Ordering::SeqCst) => {
            Reply::json_error("ThrottlingException")
        }
        _ => json(r#"{"Command":{"CommandId":"c-1"}}"#),
    })
    .await;
    let run = busy
        .client()
        .run_command(&busy.region(), &ids(&["i-1"]), "D", &[])
        .await
        .unwrap();
    assert_eq!(run.sent.len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_not_the_list_of_agents_sends_no_command() {
    for body in [
        "",
        "{}",
        "<html/>",
        r#"{"InstanceInformationList":null}"#,
        r#"{"InstanceInformationList":[{}]}"#,
    ] {
        let server = Server::start(move |_| json(body)).await;
        let error = server
            .client()
            .run_command(&server.region(), &ids(&["i-1"]), "D", &[])
            .await
            .unwrap_err();
        assert!(matches!(error, AwsError::Parse { .. }), "{body}: {error:?}");
        assert!(!error.may_have_taken_effect());
        assert!(!server.operations().contains(&"SendCommand".to_owned()));
    }
}

#[tokio::test]
async fn a_sent_command_whose_answer_is_nonsense_is_in_doubt() {
    let server = Server::start(|seen: &Seen| match seen.operation().as_str() {
        "DescribeInstanceInformation" => online(&["i-1"]),
        _ => json("<html/>"),
    })
    .await;
    let error = server
        .client()
        .run_command(&server.region(), &ids(&["i-1"]), "D", &[])
        .await
        .unwrap_err();
    assert!(error.may_have_taken_effect(), "{error:?}");
    let sent = server.operations();
    assert_eq!(sent.iter().filter(|sent| *sent == "SendCommand").count(), 1);
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
    };
    let results = server
        .client()
        .command_results(&server.region(), &sent)
        .await
        .unwrap();
    assert_eq!(
        results[&InstanceId::from("i-1")],
        CommandResult {
            status: CommandStatus::Failed,
            exit_code: Some(3),
            stdout: "out".to_owned(),
            stderr: "err".to_owned(),
        }
    );
    assert_eq!(
        results[&InstanceId::from("i-2")].status,
        CommandStatus::Unknown("Dreaming".to_owned())
    );
    assert_eq!(
        results[&InstanceId::from("i-3")].status,
        CommandStatus::Pending
    );
}
