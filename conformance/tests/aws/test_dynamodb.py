"""DynamoDB: conditions, update expressions, pages, transactions, and a lease without lost updates under load."""

import concurrent.futures
import decimal
import uuid

import boto3
import boto3.dynamodb.conditions as on
import pytest
from botocore.config import Config

Decimal = decimal.Decimal


@pytest.fixture(scope="module")
def client(aws):
    return aws.client("dynamodb")


@pytest.fixture(scope="module")
def service(aws):
    return boto3.resource("dynamodb", region_name=aws.tokyo, config=Config(retries={"total_max_attempts": 1}))


def make(client, service, keys):
    name = f"conformance-{uuid.uuid4().hex[:8]}"
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, _, kind in keys],
        KeySchema=[{"AttributeName": key, "KeyType": role} for key, role, _ in keys],
    )
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    return service.Table(name)


@pytest.fixture(scope="module")
def table(client, service):
    """A table with a partition key `pk` and a sort key `sk`."""
    made = make(client, service, [("pk", "HASH", "S"), ("sk", "RANGE", "N")])
    yield made
    made.delete()


@pytest.fixture(scope="module")
def plain(client, service):
    """A table with a partition key `pk` only."""
    made = make(client, service, [("pk", "HASH", "S")])
    yield made
    made.delete()


def test_a_table_is_created_described_listed_and_deleted(client, service, refuse):
    table = make(client, service, [("pk", "HASH", "S")])
    described = client.describe_table(TableName=table.name)["Table"]
    assert described["TableStatus"] == "ACTIVE"
    assert described["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}]
    assert table.name in [
        name for page in client.get_paginator("list_tables").paginate() for name in page["TableNames"]
    ]
    with refuse("ResourceInUseException"):
        client.create_table(
            TableName=table.name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
    client.delete_table(TableName=table.name)
    client.get_waiter("table_not_exists").wait(TableName=table.name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    with refuse("ResourceNotFoundException"):
        client.describe_table(TableName=table.name)


def test_every_type_is_read_as_it_was_written(plain):
    item = {
        "pk": "types",
        "text": "äöü <&> \u65e5\u672c",
        "number": Decimal("1234567890123456789.0123456789"),
        "tiny": Decimal("1E-100"),
        "yes": True,
        "nothing": None,
        "bytes": b"\x00\xff",
        "list": [1, "two", [Decimal("3.5")]],
        "map": {"inner": {"deep": "x"}},
        "texts": {"a", "b"},
        "numbers": {Decimal(1), Decimal("2.50")},
    }
    plain.put_item(Item=item)
    back = plain.get_item(Key={"pk": "types"}, ConsistentRead=True)["Item"]
    assert bytes(back.pop("bytes")) == item.pop("bytes")
    assert back == item


def test_a_missing_item_is_an_empty_answer(plain):
    assert "Item" not in plain.get_item(Key={"pk": "no such"})


def test_a_failed_condition_changes_nothing_and_can_show_the_item(plain, refuse):
    plain.put_item(Item={"pk": "once", "by": "first"}, ConditionExpression="attribute_not_exists(pk)")
    with refuse("ConditionalCheckFailedException") as refusal:
        plain.put_item(
            Item={"pk": "once", "by": "second"},
            ConditionExpression=on.Attr("pk").not_exists(),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert refusal.response["Item"]["by"] == {"S": "first"}
    assert plain.get_item(Key={"pk": "once"})["Item"]["by"] == "first"
    with refuse("ConditionalCheckFailedException"):
        plain.delete_item(Key={"pk": "once"}, ConditionExpression=on.Attr("by").eq("second"))
    plain.delete_item(Key={"pk": "once"}, ConditionExpression=on.Attr("by").eq("first"))
    assert "Item" not in plain.get_item(Key={"pk": "once"})


@pytest.mark.parametrize(
    "condition",
    [
        on.Attr("n").eq(7),
        on.Attr("n").ne(8),
        on.Attr("n").lt(Decimal("7.5")) & on.Attr("n").gte(7),
        on.Attr("n").between(1, 10),
        on.Attr("n").is_in([5, 6, 7]),
        on.Attr("name").begins_with("web"),
        on.Attr("name").contains("-0"),
        on.Attr("tags").contains("blue"),
        on.Attr("tags").size().eq(2),
        on.Attr("name").size().gt(5),
        on.Attr("name").attribute_type("S"),
        on.Attr("map.inner").eq("x"),
        on.Attr("list[1]").eq("b"),
        on.Attr("n").eq(0) | ~on.Attr("name").eq("db"),
        on.Attr("absent").not_exists() & on.Attr("map.inner").exists(),
    ],
    ids=range(15),
)
def test_conditions_evaluate_as_documented(plain, refuse, condition):
    plain.put_item(
        Item={
            "pk": "cond",
            "n": 7,
            "name": "web-01",
            "tags": {"blue", "green"},
            "map": {"inner": "x"},
            "list": ["a", "b"],
        }
    )
    plain.put_item(Item={"pk": "cond"} | plain.get_item(Key={"pk": "cond"})["Item"], ConditionExpression=condition)
    with refuse("ConditionalCheckFailedException"):
        plain.delete_item(Key={"pk": "cond"}, ConditionExpression=~condition)


def test_update_expressions_set_remove_add_and_delete(plain):
    plain.put_item(Item={"pk": "up", "n": 5, "list": ["a"], "gone": 1, "set": {"x", "y"}, "map": {}})
    answer = plain.update_item(
        Key={"pk": "up"},
        UpdateExpression=(
            "SET n = n + :two, #l = list_append(#l, :b), fresh = if_not_exists(fresh, :two)"
            ", #m.#k = :two, m2 = :ten - n REMOVE gone ADD counted :two, more :s DELETE #s :x"
        ),
        ExpressionAttributeNames={"#l": "list", "#k": "weird key", "#m": "map", "#s": "set"},
        ExpressionAttributeValues={":two": 2, ":ten": 10, ":b": ["b"], ":s": {"new"}, ":x": {"x"}},
        ReturnValues="ALL_NEW",
    )["Attributes"]
    assert answer == {
        "pk": "up",
        "n": 7,
        "m2": 5,
        "list": ["a", "b"],
        "fresh": 2,
        "map": {"weird key": 2},
        "counted": 2,
        "more": {"new"},
        "set": {"y"},
    }
    old = plain.update_item(
        Key={"pk": "up"}, UpdateExpression="SET n = :n", ExpressionAttributeValues={":n": 1}, ReturnValues="UPDATED_OLD"
    )
    assert old["Attributes"] == {"n": 7}


@pytest.mark.parametrize(
    "arguments",
    [
        {"UpdateExpression": "SET name = :v", "ExpressionAttributeValues": {":v": 1}},
        {"UpdateExpression": "SET a = :missing"},
        {"UpdateExpression": "SET a = :v", "ExpressionAttributeValues": {":v": 1, ":unused": 2}},
        {"UpdateExpression": "SOMETHING a = :v", "ExpressionAttributeValues": {":v": 1}},
        {"UpdateExpression": "SET pk = :v", "ExpressionAttributeValues": {":v": "x"}},
        {"UpdateExpression": "SET a = :v, a = :v", "ExpressionAttributeValues": {":v": "x"}},
    ],
    ids=["reserved word", "value not given", "value not used", "no such clause", "key", "twice"],
)
def test_a_wrong_expression_is_a_validation_error(plain, refuse, arguments):
    with refuse("ValidationException"):
        plain.update_item(Key={"pk": "bad"}, **arguments)


def test_a_key_of_the_wrong_shape_is_a_validation_error(plain, table, refuse):
    for call in (
        lambda: plain.get_item(Key={"other": "x"}),
        lambda: plain.get_item(Key={"pk": 1}),
        lambda: table.get_item(Key={"pk": "only half"}),
        lambda: plain.put_item(Item={"name": "no key"}),
    ):
        with refuse("ValidationException"):
            call()


def test_an_item_over_400_kb_is_refused(plain, refuse):
    with refuse("ValidationException"):
        plain.put_item(Item={"pk": "big", "blob": "x" * (401 * 1024)})


def test_query_orders_by_number_and_pages(table):
    with table.batch_writer() as batch:
        for number in range(30):
            batch.put_item(Item={"pk": "q", "sk": number, "odd": number % 2 == 1})
    everything = table.query(KeyConditionExpression=on.Key("pk").eq("q"))
    assert [int(item["sk"]) for item in everything["Items"]] == list(range(30))
    some = table.query(
        KeyConditionExpression=on.Key("pk").eq("q") & on.Key("sk").between(9, 12), ScanIndexForward=False
    )
    assert [int(item["sk"]) for item in some["Items"]] == [12, 11, 10, 9]
    first = table.query(KeyConditionExpression=on.Key("pk").eq("q"), Limit=4, FilterExpression=on.Attr("odd").eq(True))
    assert (first["Count"], first["ScannedCount"]) == (2, 4)
    assert first["LastEvaluatedKey"] == {"pk": "q", "sk": 3}
    rest = table.query(
        KeyConditionExpression=on.Key("pk").eq("q"),
        ExclusiveStartKey=first["LastEvaluatedKey"],
        ProjectionExpression="sk",
    )
    assert rest["Items"][0] == {"sk": 4} and len(rest["Items"]) == 26


def test_a_scan_stops_at_a_megabyte_before_it_filters(client, service):
    table = make(client, service, [("pk", "HASH", "S")])
    with table.batch_writer() as batch:
        for number in range(30):
            batch.put_item(Item={"pk": f"{number:03}", "blob": "x" * 100_000, "last": number == 29})
    pages = 0
    seen = set()
    arguments = {}
    while True:
        answer = table.scan(FilterExpression=on.Attr("blob").begins_with("x"), ProjectionExpression="pk", **arguments)
        pages += 1
        assert answer["ScannedCount"] <= 11
        seen |= {item["pk"] for item in answer["Items"]}
        if "LastEvaluatedKey" not in answer:
            break
        arguments = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    assert len(seen) == 30 and pages >= 3
    empty = table.scan(FilterExpression=on.Attr("blob").begins_with("y"))
    assert empty["Items"] == [] and "LastEvaluatedKey" in empty, "an empty page is not the end"
    paginator = client.get_paginator("scan").paginate(TableName=table.name, Select="COUNT")
    assert sum(page["Count"] for page in paginator) == 30
    table.delete()


def test_batches_write_and_read_many_items(client, plain, refuse):
    requests = [{"PutRequest": {"Item": {"pk": {"S": f"batch-{n}"}}}} for n in range(25)]
    assert client.batch_write_item(RequestItems={plain.name: requests})["UnprocessedItems"] == {}
    keys = [{"pk": {"S": f"batch-{n}"}} for n in range(27)]
    found = client.batch_get_item(RequestItems={plain.name: {"Keys": keys}})["Responses"][plain.name]
    assert len(found) == 25
    with refuse("ValidationException"):
        client.batch_write_item(
            RequestItems={plain.name: requests + [{"PutRequest": {"Item": {"pk": {"S": "one too many"}}}}]}
        )


def test_a_transaction_is_all_or_nothing_and_returns_the_reasons(client, plain):
    plain.put_item(Item={"pk": "t1", "n": 1})

    def transact(expected):
        return client.transact_write_items(
            TransactItems=[
                {
                    "Update": {
                        "TableName": plain.name,
                        "Key": {"pk": {"S": "t1"}},
                        "UpdateExpression": "SET n = n + :one",
                        "ConditionExpression": "n = :expected",
                        "ExpressionAttributeValues": {":one": {"N": "1"}, ":expected": {"N": str(expected)}},
                    }
                },
                {
                    "Put": {
                        "TableName": plain.name,
                        "Item": {"pk": {"S": "t2"}},
                        "ConditionExpression": "attribute_not_exists(pk)",
                    }
                },
            ]
        )

    transact(1)
    with pytest.raises(client.exceptions.TransactionCanceledException) as cancelled:
        transact(2)
    reasons = [reason["Code"] for reason in cancelled.value.response["CancellationReasons"]]
    assert reasons == ["None", "ConditionalCheckFailed"]
    assert plain.get_item(Key={"pk": "t1"})["Item"]["n"] == 2


def test_a_counter_under_eight_threads_loses_no_compare_and_set(aws, plain):
    plain.put_item(Item={"pk": "lease", "epoch": 0, "owner": "none"})
    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=8)
    client = boto3.client("dynamodb", region_name=aws.tokyo, config=config)

    def take(owner):
        """Takes the lease ten times by compare-and-set; returns how often it lost a race."""
        lost = 0
        for _ in range(10):
            while True:
                item = client.get_item(TableName=plain.name, Key={"pk": {"S": "lease"}}, ConsistentRead=True)["Item"]
                try:
                    client.update_item(
                        TableName=plain.name,
                        Key={"pk": {"S": "lease"}},
                        UpdateExpression="SET epoch = epoch + :one, #owner = :me",
                        ConditionExpression="epoch = :seen",
                        ExpressionAttributeNames={"#owner": "owner"},
                        ExpressionAttributeValues={":one": {"N": "1"}, ":seen": item["epoch"], ":me": {"S": owner}},
                    )
                    break
                except client.exceptions.ConditionalCheckFailedException:
                    lost += 1
        return lost

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(take, [f"operator-{number}" for number in range(8)]))
    assert plain.get_item(Key={"pk": "lease"}, ConsistentRead=True)["Item"]["epoch"] == 80


def test_a_lease_is_taken_only_when_it_is_free_or_expired(plain, refuse):
    def acquire(owner, now):
        return plain.update_item(
            Key={"pk": "net/app"},
            UpdateExpression="SET #o = :me, expires_at = :until ADD epoch :one",
            ConditionExpression="attribute_not_exists(pk) OR expires_at < :now",
            ExpressionAttributeNames={"#o": "owner"},
            ExpressionAttributeValues={":me": owner, ":until": now + 10, ":now": now, ":one": 1},
            ReturnValues="ALL_NEW",
        )["Attributes"]

    assert acquire("tokyo", 100)["epoch"] == 1
    with refuse("ConditionalCheckFailedException"):
        acquire("osaka", 105)
    assert acquire("osaka", 111)["epoch"] == 2


def test_tables_of_two_regions_are_two_tables(aws, plain, refuse):
    with refuse("ResourceNotFoundException"):
        aws.client("dynamodb", aws.osaka).describe_table(TableName=plain.name)


def test_a_missing_table_is_not_found(client, refuse):
    with refuse("ResourceNotFoundException"):
        client.get_item(TableName="no-such-table", Key={"pk": {"S": "x"}})
