//! Asking by id, on the wire.

use std::sync::Mutex;

use stayput_estate::VpcId;
use stayput_world::aws::Vpc;

use super::*;
use crate::list::VPCS_BY_ID;
use crate::parse::vpc;
use crate::testing::Reply;
use crate::testing::Seen;
use crate::testing::Server;

/// The ids a request is about.
fn ids(seen: &Seen) -> Vec<String> {
    (1..)
        .map_while(|number| seen.form(&format!("VpcId.{number}")))
        .collect()
}

fn vpc_xml(id: &str) -> String {
    format!("<item><vpcId>{id}</vpcId><cidrBlock>10.0.0.0/16</cidrBlock></item>")
}

/// An EC2 that has these VPCs, and names the first unknown id of a request, all of them, or none.
fn having(exists: fn(&str) -> bool, name: fn(&[String]) -> String) -> impl Fn(&Seen) -> Reply {
    move |seen| {
        let (known, unknown): (Vec<_>, Vec<_>) = ids(seen).into_iter().partition(|id| exists(id));
        if unknown.is_empty() {
            let items: String = known.iter().map(|id| vpc_xml(id)).collect();
            Reply::entries(seen, &items)
        } else {
            Reply::not_found("InvalidVpcID.NotFound", &name(&unknown))
        }
    }
}

async fn ask(
    server: &Server,
    ids: impl IntoIterator<Item = String>,
) -> Result<Asked<VpcId, Vpc>, AwsError> {
    let ids = ids.into_iter().map(VpcId::new).collect();
    let read = |entry: Element<'_, '_>| vpc::vpc(entry).map(|vpc| vec![vpc]);
    server
        .client()
        .ask(&server.region(), VPCS_BY_ID, ids, read)
        .await
}

fn even(id: &str) -> bool {
    id.ends_with(['0', '2', '4', '6', '8'])
}

#[tokio::test]
async fn one_unknown_id_does_not_hide_the_others() {
    let namings: [fn(&[String]) -> String; 3] = [
        |unknown| format!("The vpc ID \'{}\' does not exist", unknown[0]),
        |unknown| format!("The vpc IDs \'{}\' do not exist", unknown.join(", ")),
        |_| "An id does not exist".to_owned(),
    ];
    let wanted = || (0..23).map(|number| format!("vpc-{number}"));
    for name in namings {
        let server = Server::start(having(even, name)).await;
        let asked = ask(&server, wanted()).await.unwrap();
        let found: BTreeSet<String> = asked.seen.here.keys().map(ToString::to_string).collect();
        let missing: BTreeSet<String> = asked.not_found.iter().map(ToString::to_string).collect();
        assert_eq!(found, wanted().filter(|id| even(id)).collect());
        assert_eq!(missing, wanted().filter(|id| !even(id)).collect());
        assert!(asked.silent.is_empty());
        assert!(server.seen().len() <= 2 * 23, "{}", server.seen().len());
    }
}

#[tokio::test]
async fn a_name_that_only_begins_like_another_is_not_taken_for_it() {
    let exists = |id: &str| id != "vpc-1";
    let server = Server::start(having(exists, |unknown| format!("No {}.", unknown[0]))).await;
    let asked = ask(&server, ["vpc-1", "vpc-10", "vpc-11"].map(str::to_owned))
        .await
        .unwrap();
    assert_eq!(asked.not_found, [VpcId::new("vpc-1")].into());
    assert_eq!(asked.seen.here.len(), 2);
}

#[tokio::test]
async fn ids_are_asked_for_in_batches_without_a_page_size() {
    let server = Server::start(having(|_| true, |_| String::new())).await;
    let asked = ask(&server, (0..250).map(|number| format!("vpc-{number}")))
        .await
        .unwrap();
    assert_eq!(asked.seen.here.len(), 250);
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    assert!(
        seen.iter()
            .all(|request| request.form("MaxResults").is_none())
    );
}

#[tokio::test]
async fn an_answer_without_what_was_asked_for_is_no_absence() {
    // It answers with something else, and with nothing.
    for items in [vpc_xml("vpc-other"), String::new()] {
        let server = Server::start(move |seen| Reply::entries(seen, &items)).await;
        let asked = ask(&server, ["vpc-1".to_owned()]).await.unwrap();
        assert_eq!(asked.silent, [VpcId::new("vpc-1")].into());
        assert!(asked.seen.here.is_empty() && asked.not_found.is_empty());
        assert_eq!(server.seen().len(), 2, "asked twice");
    }
}

#[tokio::test]
async fn an_id_that_the_second_answer_shows_is_there() {
    let asked_before = Mutex::new(BTreeSet::new());
    let server = Server::start(move |seen| {
        let first = asked_before.lock().unwrap().insert(ids(seen));
        match first {
            true => Reply::nothing(seen),
            false => Reply::entries(
                seen,
                &ids(seen).iter().map(|id| vpc_xml(id)).collect::<String>(),
            ),
        }
    })
    .await;
    let asked = ask(&server, ["vpc-1".to_owned()]).await.unwrap();
    assert_eq!(asked.seen.here.len(), 1);
}

#[tokio::test]
async fn an_endpoint_that_never_answers_about_ids_is_not_asked_for_each() {
    let server = Server::start(Reply::nothing).await;
    let asked = ask(&server, (0..1000).map(|number| format!("vpc-{number}")))
        .await
        .unwrap();
    assert_eq!(asked.silent.len(), 1000);
    assert!(server.seen().len() < 100, "{}", server.seen().len());
}

#[tokio::test]
async fn another_refusal_is_an_error_and_proves_nothing() {
    for (status, code) in [
        (400, "InvalidSubnetID.NotFound"),
        (400, "InvalidParameterValue"),
        (403, "UnauthorizedOperation"),
    ] {
        let server = Server::start(move |_| Reply::ec2_error(status, code)).await;
        let error = ask(&server, ["vpc-1".to_owned()]).await.unwrap_err();
        assert_eq!(error.code(), Some(code));
    }
    let malformed =
        Server::start(|_| Reply::not_found("InvalidVpcId.Malformed", "Invalid id: vpc-x")).await;
    let asked = ask(&malformed, ["vpc-x".to_owned()]).await.unwrap();
    assert_eq!(asked.not_found.len(), 1, "no object can have such an id");
}
