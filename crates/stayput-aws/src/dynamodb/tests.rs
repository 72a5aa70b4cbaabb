use super::*;
use crate::testing::Reply;
use crate::testing::Server;

fn answer(body: &str) -> Reply {
    Reply::Answer(200, body.to_owned())
}

fn item(number: u64) -> Item {
    [
        (PARTITION.to_owned(), "log".into()),
        (SORT.to_owned(), number.into()),
    ]
    .into()
}

#[tokio::test]
async fn every_page_is_read_and_an_empty_one_is_not_the_end() {
    let server = Server::start(|seen| {
        let last =
            |at: u64| format!(r#","LastEvaluatedKey":{{"pk":{{"S":"log"}},"sk":{{"N":"{at}"}}}}"#);
        let one = |at: u64| format!(r#"{{"pk":{{"S":"log"}},"sk":{{"N":"{at}"}}}}"#);
        let input: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
        assert_eq!(input["ConsistentRead"], true);
        assert_eq!(input["ExpressionAttributeValues"][":after"]["N"], "4");
        match input["ExclusiveStartKey"]["sk"]["N"].as_str() {
            None => answer(&format!(r#"{{"Items":[{}]{}}}"#, one(5), last(5))),
            Some("5") => answer(&format!(r#"{{"Items":[]{}}}"#, last(6))),
            Some("6") => answer(&format!(r#"{{"Items":[{}]}}"#, one(7))),
            Some(other) => panic!("{other}"),
        }
    })
    .await;
    let client = server.client();
    let items = client.items_after(&server.region(), "t", "log", 4).await;
    assert_eq!(items.unwrap(), [item(5), item(7)]);
    let seen = &server.seen()[0];
    assert_eq!(seen.headers["content-type"], "application/x-amz-json-1.0");
    assert_eq!(seen.headers["x-amz-target"], "DynamoDB_20120810.Query");
}

#[tokio::test]
async fn a_page_that_names_its_own_key_again_ends_in_an_error() {
    let again = r#"{"Items":[],"LastEvaluatedKey":{"pk":{"S":"log"},"sk":{"N":"1"}}}"#;
    let server = Server::start(move |_| answer(again)).await;
    let client = server.client();
    let error = client.items_after(&server.region(), "t", "log", 0).await;
    assert!(matches!(error, Err(AwsError::Parse { .. })), "{error:?}");
}

#[tokio::test]
async fn an_item_that_exists_is_not_written_and_no_error() {
    let server = Server::start(|seen| {
        let input: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
        match input["Item"]["sk"]["N"].as_str() {
            Some("1") => answer("{}"),
            _ => Reply::json_error(
                "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
            ),
        }
    })
    .await;
    let (client, region) = (server.client(), server.region());
    assert!(client.put_new_item(&region, "t", &item(1)).await.unwrap());
    assert!(!client.put_new_item(&region, "t", &item(2)).await.unwrap());
}

#[tokio::test]
async fn a_write_without_an_answer_is_not_repeated_and_may_have_taken_effect() {
    let server = Server::start(|_| Reply::Close).await;
    let (client, region) = (server.client(), server.region());
    let written = client.put_new_item(&region, "t", &item(1)).await;
    let error = written.unwrap_err();
    assert!(error.may_have_taken_effect(), "{error}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_table_is_told_from_none_and_its_replicas_are_read() {
    let server = Server::start(|seen| match seen.body.contains("\"none\"") {
        true => Reply::json_error("ResourceNotFoundException"),
        false => answer(
            r#"{"Table":{"TableStatus":"ACTIVE","KeySchema":[{"AttributeName":"sk","KeyType":"RANGE"},
                {"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},
                {"AttributeName":"sk","AttributeType":"N"}],"MultiRegionConsistency":"STRONG",
                "Replicas":[{"RegionName":"ap-northeast-3","ReplicaStatus":"ACTIVE"}],
                "GlobalTableWitnesses":[{"RegionName":"ap-northeast-2","WitnessStatus":"ACTIVE"}]}}"#,
        ),
    })
    .await;
    let (client, region) = (server.client(), server.region());
    assert_eq!(client.dynamodb_table(&region, "none").await.unwrap(), None);
    let table = client.dynamodb_table(&region, "t").await.unwrap().unwrap();
    let keys: Vec<_> = table
        .keys
        .iter()
        .map(|(name, of)| (name.as_str(), of.as_str()))
        .collect();
    assert_eq!(keys, [("pk", "S"), ("sk", "N")]);
    assert_eq!(table.consistency.as_deref(), Some("STRONG"));
    assert_eq!(table.replicas, ["ap-northeast-3".into()].into());
    assert_eq!(table.witnesses, ["ap-northeast-2".into()].into());
}
