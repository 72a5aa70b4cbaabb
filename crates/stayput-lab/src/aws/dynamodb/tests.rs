//! Tests of DynamoDB through its HTTP API.

use serde_json::Value as Json;
use serde_json::json;

use crate::aws::json::tests::call;
use crate::aws::json::tests::fails;
use crate::aws::json::tests::lab;
use crate::aws::json::tests::ok;
use crate::aws::json::tests::pass;
use crate::state::LabState;

fn target(operation: &str) -> String {
    format!("DynamoDB_20120810.{operation}")
}

fn run(lab: &mut LabState, operation: &str, body: Json) -> Json {
    ok(lab, &target(operation), &body)
}

fn code(lab: &mut LabState, operation: &str, body: Json) -> String {
    fails(lab, &target(operation), &body).0
}

/// A lab with the table `things` of partition key `pk` and sort key `n`, and an index by `kind`.
fn table() -> LabState {
    let mut lab = lab();
    run(
        &mut lab,
        "CreateTable",
        json!({
            "TableName": "things",
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "n", "AttributeType": "N"},
                {"AttributeName": "kind", "AttributeType": "S"},
            ],
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "n", "KeyType": "RANGE"},
            ],
            "GlobalSecondaryIndexes": [{
                "IndexName": "by-kind",
                "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }],
            "BillingMode": "PAY_PER_REQUEST",
        }),
    );
    pass(&mut lab, 5);
    lab
}

fn put(lab: &mut LabState, pk: &str, n: i32) {
    run(
        lab,
        "PutItem",
        json!({"TableName": "things", "Item": {
            "pk": {"S": pk}, "n": {"N": n.to_string()}, "kind": {"S": if n % 2 == 0 { "even" } else { "odd" }},
            "name": {"S": format!("{pk}-{n}")},
        }}),
    );
}

fn numbers(answer: &Json) -> Vec<i32> {
    answer["Items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["n"]["N"].as_str().unwrap().parse().unwrap())
        .collect()
}

#[test]
fn a_table_is_created_becomes_active_is_listed_and_deleted() {
    let mut lab = lab();
    let body = json!({
        "TableName": "t-1",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    });
    let made = run(&mut lab, "CreateTable", body.clone());
    assert_eq!(made["TableDescription"]["TableStatus"], "CREATING");
    assert_eq!(
        made["TableDescription"]["TableArn"],
        "arn:aws:dynamodb:ap-northeast-1:123456789012:table/t-1"
    );
    assert_eq!(
        code(&mut lab, "CreateTable", body),
        "ResourceInUseException"
    );
    let get = json!({"TableName": "t-1", "Key": {"pk": {"S": "a"}}});
    assert_eq!(
        code(&mut lab, "GetItem", get.clone()),
        "ResourceNotFoundException"
    );
    pass(&mut lab, 5);
    let seen = run(&mut lab, "DescribeTable", json!({"TableName": "t-1"}));
    assert_eq!(seen["Table"]["TableStatus"], "ACTIVE");
    assert_eq!(run(&mut lab, "GetItem", get), json!({}));
    assert_eq!(
        run(&mut lab, "ListTables", json!({}))["TableNames"],
        json!(["t-1"])
    );
    run(&mut lab, "DeleteTable", json!({"TableName": "t-1"}));
    assert_eq!(
        code(&mut lab, "DescribeTable", json!({"TableName": "t-1"})),
        "ResourceNotFoundException"
    );
}

#[test]
fn a_table_without_keys_or_with_undefined_ones_is_refused() {
    let mut lab = lab();
    for body in [
        json!({"TableName": "ttt", "AttributeDefinitions": [], "KeySchema": []}),
        json!({"TableName": "ttt", "AttributeDefinitions": [],
               "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}),
        json!({"TableName": "ttt", "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
               "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]}),
        json!({"TableName": "t"}),
        json!({}),
    ] {
        assert_eq!(code(&mut lab, "CreateTable", body), "ValidationException");
    }
}

#[test]
fn a_conditional_put_succeeds_once_and_then_returns_the_existing_item() {
    let mut lab = table();
    let lease = |owner: &str| {
        json!({
            "TableName": "things",
            "Item": {"pk": {"S": "lease"}, "n": {"N": "0"}, "owner": {"S": owner}},
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        })
    };
    run(&mut lab, "PutItem", lease("a"));
    let (status, answer) = call(&mut lab, &target("PutItem"), &lease("b"));
    assert_eq!(status, 400);
    assert_eq!(
        answer["__type"],
        "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"
    );
    assert_eq!(answer["message"], "The conditional request failed");
    assert_eq!(answer["Item"]["owner"], json!({"S": "a"}));
}

#[test]
fn an_update_creates_the_item_and_returns_the_requested_values() {
    let mut lab = table();
    let body = |mode: &str| {
        json!({
            "TableName": "things",
            "Key": {"pk": {"S": "x"}, "n": {"N": "1"}},
            "UpdateExpression": "SET epoch = if_not_exists(epoch, :zero) + :one, extra = :zero",
            "ExpressionAttributeValues": {":zero": {"N": "0"}, ":one": {"N": "1"}},
            "ReturnValues": mode,
        })
    };
    assert_eq!(
        run(&mut lab, "UpdateItem", body("ALL_NEW"))["Attributes"],
        json!({"pk": {"S": "x"}, "n": {"N": "1"}, "epoch": {"N": "1"}, "extra": {"N": "0"}})
    );
    assert_eq!(
        run(&mut lab, "UpdateItem", body("UPDATED_NEW"))["Attributes"],
        json!({"epoch": {"N": "2"}, "extra": {"N": "0"}})
    );
    assert_eq!(
        run(&mut lab, "UpdateItem", body("UPDATED_OLD"))["Attributes"]["epoch"],
        json!({"N": "2"})
    );
    assert_eq!(run(&mut lab, "UpdateItem", body("NONE")), json!({}));
    assert_eq!(
        code(&mut lab, "UpdateItem", body("SOME")),
        "ValidationException"
    );
}

#[test]
fn a_key_is_never_updated_and_must_fit_the_schema() {
    let mut lab = table();
    let key = json!({"pk": {"S": "x"}, "n": {"N": "1"}});
    for body in [
        json!({"TableName": "things", "Key": key, "UpdateExpression": "SET n = :v",
               "ExpressionAttributeValues": {":v": {"N": "2"}}}),
        json!({"TableName": "things", "Key": {"pk": {"S": "x"}}, "UpdateExpression": "REMOVE a"}),
        json!({"TableName": "things", "Key": {"pk": {"S": "x"}, "n": {"S": "1"}}, "UpdateExpression": "REMOVE a"}),
    ] {
        assert_eq!(code(&mut lab, "UpdateItem", body), "ValidationException");
    }
    for item in [
        json!({"pk": {"S": "x"}}),
        json!({"pk": {"S": ""}, "n": {"N": "1"}}),
        json!({"pk": {"N": "1"}, "n": {"N": "1"}}),
        json!({"pk": {"S": "x"}, "n": {"N": "1"}, "kind": {"N": "1"}}),
        json!({"pk": {"S": "x"}, "n": {"N": "1"}, "big": {"S": "x".repeat(400 * 1024)}}),
    ] {
        let body = json!({"TableName": "things", "Item": item});
        assert_eq!(code(&mut lab, "PutItem", body), "ValidationException");
    }
}

#[test]
fn a_delete_returns_the_old_item_and_accepts_a_missing_one() {
    let mut lab = table();
    put(&mut lab, "a", 1);
    let body = json!({"TableName": "things", "Key": {"pk": {"S": "a"}, "n": {"N": "1.0"}}, "ReturnValues": "ALL_OLD"});
    assert_eq!(
        run(&mut lab, "DeleteItem", body.clone())["Attributes"]["name"],
        json!({"S": "a-1"})
    );
    assert_eq!(run(&mut lab, "DeleteItem", body), json!({}));
}

#[test]
fn a_query_returns_one_partition_in_the_order_of_the_sort_key() {
    let mut lab = table();
    for n in [10, 9, -1, 100] {
        put(&mut lab, "a", n);
        put(&mut lab, "b", n);
    }
    let query = |more: Json| {
        let mut body = json!({
            "TableName": "things", "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "a"}},
        });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    assert_eq!(
        numbers(&run(&mut lab, "Query", query(json!({})))),
        [-1, 9, 10, 100]
    );
    assert_eq!(
        numbers(&run(
            &mut lab,
            "Query",
            query(json!({"ScanIndexForward": false}))
        )),
        [100, 10, 9, -1]
    );
    let between = query(json!({
        "KeyConditionExpression": "pk = :pk AND n BETWEEN :a AND :b",
        "ExpressionAttributeValues": {":pk": {"S": "a"}, ":a": {"N": "0"}, ":b": {"N": "10"}},
    }));
    assert_eq!(numbers(&run(&mut lab, "Query", between)), [9, 10]);
    let filtered = query(json!({
        "FilterExpression": "kind = :k",
        "ExpressionAttributeValues": {":pk": {"S": "a"}, ":k": {"S": "odd"}},
        "ProjectionExpression": "n",
    }));
    let answer = run(&mut lab, "Query", filtered);
    assert_eq!(
        answer["Items"],
        json!([{"n": {"N": "-1"}}, {"n": {"N": "9"}}])
    );
    assert_eq!(
        (&answer["Count"], &answer["ScannedCount"]),
        (&json!(2), &json!(4))
    );
}

#[test]
fn limits_apply_before_the_filter_and_a_full_page_has_a_last_key() {
    let mut lab = table();
    for n in 1..=5 {
        put(&mut lab, "a", n);
    }
    for forward in [true, false] {
        let mut start = Json::Null;
        let mut seen = Vec::new();
        let mut pages = 0;
        loop {
            let mut body = json!({
                "TableName": "things", "KeyConditionExpression": "pk = :pk", "Limit": 1, "ScanIndexForward": forward,
                "FilterExpression": "kind = :k",
                "ExpressionAttributeValues": {":pk": {"S": "a"}, ":k": {"S": "even"}},
            });
            body["ExclusiveStartKey"] = start;
            let answer = run(&mut lab, "Query", body);
            seen.extend(numbers(&answer));
            pages += 1;
            start = answer["LastEvaluatedKey"].clone();
            if start.is_null() {
                break;
            }
        }
        // Five full pages, of which three are empty after the filter, and one that reaches the end.
        assert_eq!(pages, 6);
        assert_eq!(seen, if forward { [2, 4] } else { [4, 2] });
    }
}

#[test]
fn a_scan_is_cut_at_one_megabyte_before_the_filter() {
    let mut lab = table();
    for n in 0..8 {
        run(
            &mut lab,
            "PutItem",
            json!({"TableName": "things", "Item": {
                "pk": {"S": format!("p{n}")}, "n": {"N": "0"}, "load": {"S": "x".repeat(300 * 1024)},
            }}),
        );
    }
    let mut start = Json::Null;
    let (mut pages, mut scanned) = (0, 0);
    loop {
        let mut body = json!({
            "TableName": "things", "FilterExpression": "attribute_not_exists(#l)",
            "ExpressionAttributeNames": {"#l": "load"},
        });
        body["ExclusiveStartKey"] = start;
        let answer = run(&mut lab, "Scan", body);
        assert_eq!(answer["Items"], json!([]), "an empty page is not the end");
        pages += 1;
        scanned += answer["ScannedCount"].as_i64().unwrap();
        start = answer["LastEvaluatedKey"].clone();
        if start.is_null() {
            break;
        }
    }
    assert_eq!((pages, scanned), (3, 8));
}

#[test]
fn the_segments_of_a_scan_together_have_every_item_once() {
    let mut lab = table();
    for n in 0..40 {
        put(&mut lab, &format!("p{n}"), n);
    }
    let mut seen = Vec::new();
    for segment in 0..3 {
        let body = json!({"TableName": "things", "Segment": segment, "TotalSegments": 3});
        seen.extend(numbers(&run(&mut lab, "Scan", body)));
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..40).collect::<Vec<_>>());
}

#[test]
fn an_index_is_queried_by_its_keys_and_returns_its_projection() {
    let mut lab = table();
    for n in 0..6 {
        put(&mut lab, &format!("p{n}"), 10 - n);
    }
    let mut start = Json::Null;
    let mut seen = Vec::new();
    loop {
        let mut body = json!({
            "TableName": "things", "IndexName": "by-kind", "KeyConditionExpression": "kind = :k", "Limit": 2,
            "ExpressionAttributeValues": {":k": {"S": "even"}},
        });
        body["ExclusiveStartKey"] = start;
        let answer = run(&mut lab, "Query", body);
        for item in answer["Items"].as_array().unwrap() {
            assert_eq!(item.get("name"), None, "only keys are projected");
        }
        seen.extend(numbers(&answer));
        start = answer["LastEvaluatedKey"].clone();
        if start.is_null() {
            break;
        }
        assert!(start.get("pk").is_some() && start.get("kind").is_some());
    }
    assert_eq!(seen, [6, 8, 10]);
}

#[test]
fn an_invalid_query_is_refused() {
    let mut lab = table();
    for (condition, values) in [
        ("n = :v", json!({":v": {"N": "1"}})),
        ("pk > :v", json!({":v": {"S": "1"}})),
        (
            "pk = :v OR pk = :w",
            json!({":v": {"S": "1"}, ":w": {"S": "2"}}),
        ),
        ("pk = :v AND other = :v", json!({":v": {"S": "1"}})),
        ("pk = :v AND contains(n, :v)", json!({":v": {"S": "1"}})),
        ("NOT pk = :v", json!({":v": {"S": "1"}})),
    ] {
        let body = json!({
            "TableName": "things", "KeyConditionExpression": condition, "ExpressionAttributeValues": values,
        });
        assert_eq!(
            code(&mut lab, "Query", body),
            "ValidationException",
            "{condition}"
        );
    }
    let on_key = json!({
        "TableName": "things", "KeyConditionExpression": "pk = :v", "FilterExpression": "n = :v",
        "ExpressionAttributeValues": {":v": {"S": "1"}},
    });
    assert_eq!(code(&mut lab, "Query", on_key), "ValidationException");
    assert_eq!(
        code(
            &mut lab,
            "Query",
            json!({"TableName": "nope", "KeyConditionExpression": "pk = :v",
            "ExpressionAttributeValues": {":v": {"S": "1"}}})
        ),
        "ResourceNotFoundException"
    );
    assert_eq!(
        code(
            &mut lab,
            "Query",
            json!({"TableName": "things", "KeyConditions": {}})
        ),
        "ValidationException"
    );
}

#[test]
fn batches_refuse_duplicates_and_too_many_items() {
    let mut lab = table();
    let puts = |range: std::ops::Range<i32>| {
        json!({"RequestItems": {"things": range.map(|n| json!({"PutRequest": {"Item": {
            "pk": {"S": "a"}, "n": {"N": n.to_string()}}}})).collect::<Vec<_>>()}})
    };
    assert_eq!(
        run(&mut lab, "BatchWriteItem", puts(0..25)),
        json!({"UnprocessedItems": {}})
    );
    assert_eq!(
        code(&mut lab, "BatchWriteItem", puts(0..26)),
        "ValidationException"
    );
    let twice = json!({"RequestItems": {"things": [
        {"PutRequest": {"Item": {"pk": {"S": "a"}, "n": {"N": "1"}}}},
        {"DeleteRequest": {"Key": {"pk": {"S": "a"}, "n": {"N": "1.0"}}}},
    ]}});
    assert_eq!(
        code(&mut lab, "BatchWriteItem", twice),
        "ValidationException"
    );
    let got = run(
        &mut lab,
        "BatchGetItem",
        json!({"RequestItems": {"things": {"Keys": [
            {"pk": {"S": "a"}, "n": {"N": "3"}}, {"pk": {"S": "a"}, "n": {"N": "99"}},
        ], "ProjectionExpression": "n"}}}),
    );
    assert_eq!(got["Responses"]["things"], json!([{"n": {"N": "3"}}]));
    assert_eq!(got["UnprocessedKeys"], json!({}));
}

#[test]
fn a_transaction_is_all_or_nothing_and_returns_a_reason_for_each_part() {
    let mut lab = table();
    put(&mut lab, "a", 1);
    let body = |epoch: &str| {
        json!({"TransactItems": [
            {"Put": {"TableName": "things", "Item": {"pk": {"S": "new"}, "n": {"N": "1"}}}},
            {"Update": {"TableName": "things", "Key": {"pk": {"S": "a"}, "n": {"N": "1"}},
                "UpdateExpression": "SET epoch = :n", "ConditionExpression": "attribute_not_exists(epoch)",
                "ExpressionAttributeValues": {":n": {"N": epoch}}}},
        ], "ClientRequestToken": format!("token-{epoch}")})
    };
    run(&mut lab, "TransactWriteItems", body("1"));
    // The same token again is the same transaction, which is already done.
    run(&mut lab, "TransactWriteItems", body("1"));
    let (_, answer) = call(&mut lab, &target("TransactWriteItems"), &body("2"));
    assert_eq!(
        answer["Message"],
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]"
    );
    assert_eq!(answer["CancellationReasons"][0], json!({"Code": "None"}));
    let mut other = body("3");
    other["ClientRequestToken"] = json!("token-1");
    assert_eq!(
        code(&mut lab, "TransactWriteItems", other),
        "IdempotentParameterMismatchException"
    );
    let got = run(
        &mut lab,
        "TransactGetItems",
        json!({"TransactItems": [
            {"Get": {"TableName": "things", "Key": {"pk": {"S": "a"}, "n": {"N": "1"}}}},
            {"Get": {"TableName": "things", "Key": {"pk": {"S": "zz"}, "n": {"N": "1"}}}},
        ]}),
    );
    assert_eq!(got["Responses"][0]["Item"]["epoch"], json!({"N": "1"}));
    assert_eq!(got["Responses"][1], json!({}));
}

#[test]
fn consumed_capacity_is_returned_on_request() {
    let mut lab = table();
    put(&mut lab, "a", 1);
    let answer = run(
        &mut lab,
        "GetItem",
        json!({"TableName": "things", "Key": {"pk": {"S": "a"}, "n": {"N": "1"}}, "ReturnConsumedCapacity": "TOTAL"}),
    );
    assert_eq!(
        answer["ConsumedCapacity"],
        json!({"TableName": "things", "CapacityUnits": 0.5})
    );
}
