//! Direct Connect's answers, on the wire.

use super::*;
use crate::testing::Reply;
use crate::testing::Server;

const WHOLE: &str = r#"{"directConnectGatewayAssociations":[{"associationId":"a-1","directConnectGatewayId":"dxgw",
    "associationState":"associated","associatedGateway":{"id":"tgw-1","type":"transitGateway"},
    "allowedPrefixesToDirectConnectGateway":[{"cidr":"172.30.0.0/16"},{"cidr":"2001:db8::/32"}]}]}"#;

async fn look(body: String) -> Result<Vec<DxAssociation>, AwsError> {
    let server = Server::start(move |_| Reply::Answer(200, body.clone())).await;
    let client = server.client();
    client
        .dx_associations(&server.region(), &TgwId::new("tgw-1"))
        .await
}

#[tokio::test]
async fn associations_are_read_with_their_ipv4_prefixes() {
    let found = look(WHOLE.to_owned()).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].allowed_prefixes.len(), 1);
    let none = look(r#"{"directConnectGatewayAssociations":[]}"#.to_owned()).await;
    assert!(none.unwrap().is_empty());
    let ended = look(WHOLE.replace("\"associated\"", "\"disassociated\"")).await;
    assert!(ended.unwrap().is_empty());
    let of_another = look(WHOLE.replace("tgw-1", "tgw-2")).await;
    assert!(
        of_another.unwrap().is_empty(),
        "the endpoint does not filter"
    );
}

#[tokio::test]
async fn an_answer_that_is_not_the_list_is_never_an_empty_one() {
    let mut bodies = vec![
        String::new(),
        "{}".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        r#"{"directConnectGatewayAssociations":null}"#.to_owned(),
        "<html><body>Sign in</body></html>".to_owned(),
        WHOLE[..WHOLE.len() - 3].to_owned(),
        "[".repeat(100_000),
        WHOLE.replace("172.30.0.0/16", "172.30.0.1/16"),
    ];
    for member in [
        "associationId",
        "directConnectGatewayId",
        "associationState",
        "cidr",
    ] {
        bodies.push(WHOLE.replacen(member, "other", 1));
    }
    bodies.push(WHOLE.replace("allowedPrefixesToDirectConnectGateway", "other"));
    for body in bodies {
        let error = look(body.clone()).await.unwrap_err();
        assert!(matches!(error, AwsError::Parse { .. }), "{body}: {error:?}");
    }
}

#[tokio::test]
async fn an_association_being_made_may_not_have_prefixes_yet() {
    let making = WHOLE
        .replace("\"associated\"", "\"associating\"")
        .replace("allowedPrefixesToDirectConnectGateway", "other");
    let found = look(making).await.unwrap();
    assert!(found[0].allowed_prefixes.is_empty());
}
