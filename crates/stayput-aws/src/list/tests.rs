//! What counts as a list, on the wire.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use super::*;
use crate::error::EndpointState;
use crate::parse::vpc;
use crate::testing::Reply;
use crate::testing::Seen;
use crate::testing::Server;

const VPC: &str = "<item><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/16</cidrBlock></item>";

async fn vpcs(server: &Server) -> Result<usize, AwsError> {
    let found = server
        .client()
        .list(&server.region(), VPCS, VPCS.query(), vpc::vpc)
        .await?;
    Ok(found.len())
}

fn place_of(error: &AwsError) -> &Malformed {
    match error {
        AwsError::Parse { source, .. } => source,
        other => panic!("{other:?}"),
    }
}

/// Answers that are none of the list, each with what is said of it.
fn strange() -> Vec<(Reply, &'static str)> {
    let answer = |body: &str| Reply::Answer(200, body.to_owned());
    vec![
        (answer(""), "is empty"),
        (
            answer("<html><body>Sign in</body></html>"),
            "the outermost element is html",
        ),
        (answer("<html><body>Sign in"), "it begins: <html><body>"),
        (answer("{\"vpcSet\":[]}"), "is no XML"),
        (answer("[]"), "is no XML"),
        (answer("<DescribeVpcsResponse/>"), "missing"),
        (answer("<DescribeVpcsResponse><vpcSet>"), "is no XML"),
        (answer("<DescribeVpcsResponse><vpcSet/>"), "is no XML"),
        (
            answer("<DescribeSubnetsResponse><subnetSet/></DescribeSubnetsResponse>"),
            "not DescribeVpcsResponse",
        ),
        (
            answer("<Response><Errors><Error><Code>Busy</Code></Error></Errors></Response>"),
            "the outermost element is Response",
        ),
        (
            answer("<DescribeVpcsResponse><vpcSet>none</vpcSet></DescribeVpcsResponse>"),
            "text where a list belongs",
        ),
        (
            answer("<DescribeVpcsResponse><vpcSet><error/></vpcSet></DescribeVpcsResponse>"),
            "not an entry of a list",
        ),
    ]
}

#[tokio::test]
async fn an_answer_that_is_not_the_list_is_retried_and_then_an_error() {
    for (reply, said) in strange() {
        let answered = reply.clone();
        let server = Server::start(move |_| answered.clone()).await;
        let error = vpcs(&server).await.unwrap_err();
        let problem = &place_of(&error).problem;
        assert!(problem.contains(said), "{reply:?}: {problem}");
        assert_eq!(server.seen().len(), 3, "{reply:?}");
        assert_eq!(error.endpoint_state(), EndpointState::Faulty);
        assert!(!error.may_have_taken_effect());

        let asked = AtomicUsize::new(0);
        let once = reply.clone();
        let server = Server::start(move |seen| match asked.fetch_add(1, Ordering::SeqCst) {
            0 => once.clone(),
            _ => Reply::entries(seen, VPC),
        })
        .await;
        assert_eq!(vpcs(&server).await.unwrap(), 1, "{reply:?}");
    }
}

#[tokio::test]
async fn every_list_must_have_its_own_element_and_may_be_empty() {
    let none = Server::start(|_| Reply::ec2("")).await;
    let empty = Server::start(Reply::nothing).await;
    let anything = |_: Element<'_, '_>| Ok(());
    for listing in ALL {
        let region = none.region();
        let error = none
            .client()
            .list(&region, listing, listing.query(), anything)
            .await
            .unwrap_err();
        assert!(place_of(&error).place.ends_with(listing.set), "{error:?}");
        let region = empty.region();
        let found = empty
            .client()
            .list(&region, listing, listing.query(), anything)
            .await
            .unwrap();
        assert!(found.is_empty());
    }
}

#[tokio::test]
async fn half_a_body_is_asked_for_again() {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |seen| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::Half("<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>".to_owned()),
        _ => Reply::entries(seen, VPC),
    })
    .await;
    assert_eq!(vpcs(&server).await.unwrap(), 1);

    let always = Server::start(|_| Reply::Half("<DescribeVpcsResponse>".to_owned())).await;
    let error = vpcs(&always).await.unwrap_err();
    assert_eq!(error.endpoint_state(), EndpointState::Faulty, "{error:?}");
    assert_eq!(always.seen().len(), 3);
}

#[tokio::test]
async fn a_complaint_names_the_entry_it_is_about() {
    let server = Server::start(|seen| {
        let broken = "<item><vpcId>vpc-2</vpcId><cidrBlock>10.0.0.1/8</cidrBlock></item><item/>";
        Reply::entries(seen, &format!("{VPC}{broken}"))
    })
    .await;
    let error = vpcs(&server).await.unwrap_err();
    assert_eq!(
        place_of(&error).place,
        "vpc-2: DescribeVpcsResponse/vpcSet/item/cidrBlock"
    );
    let nameless = Server::start(|seen| Reply::entries(seen, &format!("{VPC}<item/>"))).await;
    let error = vpcs(&nameless).await.unwrap_err();
    assert!(
        place_of(&error).place.starts_with("vpcSet entry 2: "),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_list_that_repeats_its_token_is_an_error_at_once() {
    let server = Server::start(|_| Reply::ec2("<vpcSet/><nextToken>again</nextToken>")).await;
    let error = vpcs(&server).await.unwrap_err();
    assert!(place_of(&error).problem.contains("repeats"), "{error:?}");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn an_answer_beyond_a_limit_is_an_error_at_once() {
    let wide = format!("<DescribeVpcsResponse {}/>", "a=\"b\" ".repeat(300_000));
    let deep = "<a>".repeat(100_000);
    let replies: [(Reply, &str); 4] = [
        (Reply::Answer(200, wide), "attributes"),
        (Reply::Answer(200, deep), "deep"),
        (Reply::Announce(1_000_000_000_000_000), "bytes"),
        (Reply::Endless("<item>nothing</item>".to_owned()), "bytes"),
    ];
    for (reply, said) in replies {
        let server = Server::start(move |_: &Seen| reply.clone()).await;
        let error = vpcs(&server).await.unwrap_err();
        assert!(place_of(&error).problem.contains(said), "{error:?}");
        assert!(place_of(&error).is_too_large());
        assert_eq!(server.seen().len(), 1, "{said}: it would be the same again");
    }
}
