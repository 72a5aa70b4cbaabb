//! One instance, its interfaces, its power: on the wire.

use super::*;
use crate::error::EndpointState;
use crate::testing::Reply;
use crate::testing::Seen;
use crate::testing::Server;
use stayput_world::aws::InstanceState;

fn instance_xml(id: &str, state: &str, enis: &[&str]) -> String {
    let enis: String = enis
        .iter()
        .zip(0..)
        .map(|(eni, index)| {
            format!(
                "<item><networkInterfaceId>{eni}</networkInterfaceId><attachment><deviceIndex>{index}</deviceIndex></attachment></item>"
            )
        })
        .collect();
    format!(
        "<item><instancesSet><item><instanceId>{id}</instanceId><instanceState><name>{state}</name></instanceState>\
         <instanceType>m5.large</instanceType><architecture>x86_64</architecture>\
         <networkInterfaceSet>{enis}</networkInterfaceSet></item></instancesSet></item>"
    )
}

fn eni_xml(id: &str, address: &str, instance: &str) -> String {
    format!(
        "<item><networkInterfaceId>{id}</networkInterfaceId><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>\
         <macAddress>06:1a:2b:3c:4d:5e</macAddress><status>in-use</status><privateIpAddress>{address}</privateIpAddress>\
         <attachment><instanceId>{instance}</instanceId><deviceIndex>0</deviceIndex></attachment></item>"
    )
}

async fn look(reply: Reply) -> Result<InstanceNow, AwsError> {
    let server = Server::start(move |_| reply.clone()).await;
    let outcome = server
        .client()
        .instance(&server.region(), &InstanceId::new("i-1"))
        .await;
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| seen.form("InstanceId.1").as_deref() == Some("i-1"))
    );
    outcome
}

fn reservations(inside: &str) -> Reply {
    Reply::ec2(&format!("<reservationSet>{inside}</reservationSet>"))
}

#[tokio::test]
async fn an_instance_is_seen_in_its_state_or_gone_by_the_word_of_aws() {
    for (state, wanted) in [
        ("stopped", InstanceState::Stopped),
        ("running", InstanceState::Running),
        ("shutting-down", InstanceState::ShuttingDown),
    ] {
        match look(reservations(&instance_xml("i-1", state, &[]))).await {
            Ok(InstanceNow::Seen(instance)) => assert_eq!(instance.state, wanted),
            other => panic!("{other:?}"),
        }
    }
    let terminated = look(reservations(&instance_xml("i-1", "terminated", &[]))).await;
    assert_eq!(terminated.unwrap(), InstanceNow::Gone(Gone::Terminated));
    let message = "The instance ID \'i-1\' does not exist";
    let unknown = look(Reply::not_found("InvalidInstanceID.NotFound", message)).await;
    assert_eq!(unknown.unwrap(), InstanceNow::Gone(Gone::NotFound));
}

#[tokio::test]
async fn what_says_nothing_of_the_instance_is_neither_stopped_nor_gone() {
    for reply in [
        reservations(""),
        reservations(&instance_xml("i-2", "stopped", &[])),
        reservations("<item><instancesSet/></item>"),
        Reply::ec2(""),
        Reply::Answer(200, String::new()),
        Reply::Answer(200, "<html><body>Maintenance</body></html>".to_owned()),
        Reply::Answer(200, "{}".to_owned()),
        Reply::Half("<DescribeInstancesResponse>".to_owned()),
    ] {
        let error = look(reply.clone()).await.unwrap_err();
        assert_eq!(
            error.endpoint_state(),
            EndpointState::Faulty,
            "{reply:?}: {error:?}"
        );
    }
    let refused = look(Reply::ec2_error(403, "UnauthorizedOperation"))
        .await
        .unwrap_err();
    assert_eq!(refused.endpoint_state(), EndpointState::RefusesUs);
    let silent = look(Reply::Close).await.unwrap_err();
    assert_eq!(silent.endpoint_state(), EndpointState::Silent);
}

#[tokio::test]
async fn interfaces_are_read_from_both_sides_and_none_is_left_out() {
    let server = Server::start(|seen: &Seen| match seen.operation().as_str() {
        "DescribeInstances" => {
            let one = instance_xml("i-1", "running", &["eni-1", "eni-late"]);
            let two = instance_xml("i-2", "terminated", &[]);
            Reply::entries(seen, &format!("{one}{two}"))
        }
        _ if seen.form("NetworkInterfaceId.1").is_some() => {
            assert_eq!(
                seen.form("NetworkInterfaceId.1").as_deref(),
                Some("eni-late")
            );
            Reply::entries(seen, &eni_xml("eni-late", "10.0.0.6", "i-1"))
        }
        _ => {
            assert_eq!(
                seen.form("Filter.1.Name").as_deref(),
                Some("attachment.instance-id")
            );
            let listed = eni_xml("eni-1", "10.0.0.4", "i-1");
            // Attached, and not yet among those the instance lists.
            let early = eni_xml("eni-early", "10.0.0.5", "i-1");
            Reply::entries(seen, &format!("{listed}{early}"))
        }
    })
    .await;
    let ids = ["i-1", "i-2"].map(InstanceId::from);
    let now = server
        .client()
        .interfaces_of(&server.region(), &ids)
        .await
        .unwrap();
    assert_eq!(now[&ids[1]], InterfacesNow::Gone(Gone::Terminated));
    let InterfacesNow::Seen(one) = &now[&ids[0]] else {
        panic!("{now:?}");
    };
    let addresses: Vec<(&str, Option<String>)> = one
        .enis
        .iter()
        .map(|(id, eni)| (id.as_str(), eni.primary.map(|address| address.to_string())))
        .collect();
    let wanted = [
        ("eni-1", "10.0.0.4"),
        ("eni-early", "10.0.0.5"),
        ("eni-late", "10.0.0.6"),
    ];
    assert_eq!(
        addresses,
        wanted.map(|(id, address)| (id, Some(address.to_owned())))
    );
}

#[tokio::test]
async fn a_listed_interface_that_cannot_be_read_is_an_error() {
    for missing in [
        Reply::not_found(
            "InvalidNetworkInterfaceID.NotFound",
            "The networkInterface ID eni-1 does not exist",
        ),
        Reply::ec2("<networkInterfaceSet/>"),
    ] {
        let server = Server::start(move |seen: &Seen| match seen.operation().as_str() {
            "DescribeInstances" => {
                Reply::entries(seen, &instance_xml("i-1", "running", &["eni-1"]))
            }
            _ if seen.form("NetworkInterfaceId.1").is_some() => missing.clone(),
            _ => Reply::nothing(seen),
        })
        .await;
        let error = server
            .client()
            .interfaces_of(&server.region(), &[InstanceId::new("i-1")])
            .await
            .unwrap_err();
        let AwsError::Parse { source, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(source.place, "eni-1");
    }
}

async fn stop(reply: Reply) -> (Result<(), AwsError>, usize) {
    let answered = reply.clone();
    let server = Server::start(move |_| answered.clone()).await;
    let outcome = server
        .client_for(&reply)
        .stop_instances(&server.region(), &[InstanceId::new("i-1")])
        .await;
    (outcome, server.seen().len())
}

#[tokio::test]
async fn a_write_whose_answer_says_nothing_of_it_is_in_doubt_and_not_repeated() {
    let answer = |inside: &str| Reply::ec2(&format!("<instancesSet>{inside}</instancesSet>"));
    let (fine, _) = stop(answer("<item><instanceId>i-1</instanceId></item>")).await;
    fine.unwrap();
    for reply in [
        answer(""),
        answer("<item><instanceId>i-2</instanceId></item>"),
        Reply::ec2(""),
        Reply::Answer(200, "<html/>".to_owned()),
        Reply::Answer(502, "<html>Bad gateway</html>".to_owned()),
        Reply::Answer(404, "<html>No such page</html>".to_owned()),
        Reply::ec2_error(500, "InternalError"),
        Reply::Half("<StopInstancesResponse>".to_owned()),
        Reply::Close,
        Reply::Hang,
    ] {
        let (outcome, requests) = stop(reply.clone()).await;
        let error = outcome.unwrap_err();
        assert!(error.may_have_taken_effect(), "{reply:?}: {error:?}");
        assert_eq!(requests, 1, "{reply:?}");
    }
}

#[tokio::test]
async fn a_write_that_was_refused_certainly_did_nothing() {
    let (outcome, requests) = stop(Reply::ec2_error(400, "IncorrectInstanceState")).await;
    assert!(!outcome.unwrap_err().may_have_taken_effect());
    assert_eq!(requests, 1);
    let (outcome, requests) = stop(Reply::ec2_error(503, "RequestLimitExceeded")).await;
    assert!(!outcome.unwrap_err().may_have_taken_effect());
    assert_eq!(requests, 3, "one too many is sent again");
}

#[tokio::test]
async fn what_fails_after_a_batch_that_was_done_is_in_doubt() {
    let server = Server::start(|seen: &Seen| match seen.form("InstanceId.50") {
        Some(_) => {
            let items: String = (1..=50)
                .filter_map(|number| seen.form(&format!("InstanceId.{number}")))
                .map(|id| format!("<item><instanceId>{id}</instanceId></item>"))
                .collect();
            Reply::ec2(&format!("<instancesSet>{items}</instancesSet>"))
        }
        None => Reply::ec2_error(400, "IncorrectInstanceState"),
    })
    .await;
    let ids: Vec<InstanceId> = (0..51)
        .map(|number| InstanceId::new(format!("i-{number}")))
        .collect();
    let error = server
        .client()
        .start_instances(&server.region(), &ids)
        .await
        .unwrap_err();
    assert!(error.may_have_taken_effect());
}

#[tokio::test]
async fn a_dry_run_tells_whether_instances_may_be_started_and_starts_none() {
    let asked = async |reply: Reply| {
        let answered = reply.clone();
        let server = Server::start(move |_| answered.clone()).await;
        let client = server.client_for(&reply);
        let ids = [InstanceId::new("i-1"), InstanceId::new("i-2")];
        let may = client.may_start(&server.region(), &ids).await;
        let seen = server.seen();
        assert!(
            seen.iter()
                .all(|request| request.form("DryRun").as_deref() == Some("true"))
        );
        may
    };
    let refused =
        |code: &str| Reply::ec2_error(if code == "DryRunOperation" { 412 } else { 403 }, code);
    assert!(asked(refused("DryRunOperation")).await.unwrap());
    assert!(asked(refused("IncorrectInstanceState")).await.unwrap());
    assert!(!asked(refused("UnauthorizedOperation")).await.unwrap());
    // An endpoint that does not know dry runs has started them.
    let error = asked(Reply::ec2("<instancesSet/>")).await.unwrap_err();
    assert!(error.may_have_taken_effect(), "{error}");
}
