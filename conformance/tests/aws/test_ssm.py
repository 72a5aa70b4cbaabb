"""SSM: one invalid instance fails the call, an invocation appears after a delay, the capture script has its effect."""

import json
import uuid

import pytest

from lab_control import until

CAPTURE = "aws dynamodb put-item --table-name {table} --item file:///tmp/me.json"


@pytest.fixture(scope="module")
def ssm(aws):
    return aws.client("ssm")


@pytest.fixture(scope="module")
def linux(aws):
    return aws.instance("web-01")["InstanceId"]


@pytest.fixture(scope="module")
def windows(aws):
    return aws.instance("ad-win2019")["InstanceId"]


def send(ssm, ids, *commands, document="AWS-RunShellScript", **more):
    answer = ssm.send_command(InstanceIds=ids, DocumentName=document, Parameters={"commands": list(commands)}, **more)
    return answer["Command"]["CommandId"]


def result(ssm, command, instance):
    """The result of a run; waits for its end."""

    def ended():
        seen = appeared(ssm, command, instance)
        return seen and seen["Status"] not in ("Pending", "InProgress", "Delayed") and seen

    return until(ended, "the command to end")


def test_managed_instances_are_listed_over_several_pages(aws, ssm):
    pages = list(ssm.get_paginator("describe_instance_information").paginate(PaginationConfig={"PageSize": 5}))
    assert len(pages) > 1
    found = {one["InstanceId"]: one for page in pages for one in page["InstanceInformationList"]}
    assert found[aws.instance("web-01")["InstanceId"]]["PingStatus"] == "Online"
    assert found[aws.instance("web-01")["InstanceId"]]["PlatformType"] == "Linux"
    assert found[aws.instance("ad-win2019")["InstanceId"]]["PlatformType"] == "Windows"
    online = [
        one["InstanceId"]
        for page in ssm.get_paginator("describe_instance_information").paginate(
            Filters=[{"Key": "PingStatus", "Values": ["Online"]}]
        )
        for one in page["InstanceInformationList"]
    ]
    assert aws.instance("report")["InstanceId"] not in online, "it is switched off"


def test_one_instance_that_is_not_managed_fails_the_whole_call(aws, ssm, linux, refuse):
    for bad in (
        aws.instance("report")["InstanceId"],
        aws.instance("nc2-tokyo-host-1")["InstanceId"],
        "i-0123456789abcdef0",
    ):
        with refuse("InvalidInstanceId"):
            send(ssm, [linux, bad], "hostname")


def test_a_document_for_another_system_is_refused(ssm, linux, windows, refuse):
    with refuse("UnsupportedPlatformType"):
        send(ssm, [windows], "hostname")
    with refuse("UnsupportedPlatformType"):
        send(ssm, [linux, windows], "hostname", document="AWS-RunPowerShellScript")
    with refuse("InvalidDocument"):
        send(ssm, [linux], "hostname", document="No-Such-Document")


def test_an_invocation_does_not_exist_right_after_sending(lab, ssm, linux, refuse):
    with lab.frozen():
        command = send(ssm, [linux], "hostname")
        with refuse("InvocationDoesNotExist"):
            ssm.get_command_invocation(CommandId=command, InstanceId=linux)
        with lab.at_speed(1):
            seen = until(lambda: appeared(ssm, command, linux), "the invocation to appear")
        assert seen["Status"] in ("Pending", "InProgress") and seen["StandardOutputContent"] == ""
        (listed,) = ssm.list_command_invocations(CommandId=command)["CommandInvocations"]
        assert listed["InstanceId"] == linux and listed["Status"] in ("Pending", "InProgress")
    done = result(ssm, command, linux)
    assert done["Status"] == "Success" and done["StandardOutputContent"].strip()


def appeared(ssm, command, instance):
    """The invocation, or None while it does not exist."""
    try:
        return ssm.get_command_invocation(CommandId=command, InstanceId=instance)
    except ssm.exceptions.InvocationDoesNotExist:
        return None


def test_a_command_prints_the_output_of_the_guest(ssm, linux, windows):
    addresses = result(ssm, send(ssm, [linux], "ip -j addr"), linux)
    assert (addresses["Status"], addresses["ResponseCode"]) == ("Success", 0)
    found = {one["local"] for link in json.loads(addresses["StandardOutputContent"]) for one in link["addr_info"]}
    assert {"172.30.1.10", "172.30.1.110", "172.30.1.111"} <= found
    shown = result(ssm, send(ssm, [windows], "ipconfig /all", document="AWS-RunPowerShellScript"), windows)
    assert "172.30.1.34" in shown["StandardOutputContent"]


def test_an_unknown_command_fails_with_its_exit_code(ssm, linux):
    failed = result(ssm, send(ssm, [linux], "no-such-program --at-all"), linux)
    assert (failed["Status"], failed["ResponseCode"]) == ("Failed", 127)
    assert failed["StandardErrorContent"]


def test_a_command_to_tags_reaches_the_instances_with_these_tags(aws, ssm):
    answer = ssm.send_command(
        Targets=[{"Key": "tag:Name", "Values": ["web-01", "web-02", "report"]}],
        DocumentName="AWS-RunShellScript",
        Parameters={"commands": ["hostname"]},
    )["Command"]
    wanted = {aws.instance(name)["InstanceId"] for name in ("web-01", "web-02")}

    def finished():
        found = ssm.list_command_invocations(CommandId=answer["CommandId"], Details=True)["CommandInvocations"]
        done = {one["InstanceId"] for one in found if one["Status"] == "Success"}
        return done == wanted and found

    found = until(finished, "both to finish")
    assert all(one["CommandPlugins"][0]["Output"].strip() for one in found)
    (command,) = ssm.list_commands(CommandId=answer["CommandId"])["Commands"]
    assert (command["Status"], command["TargetCount"], command["CompletedCount"]) == ("Success", 2, 2)


def test_more_than_fifty_instances_are_too_many(ssm, refuse):
    with refuse("ValidationException", "InvalidInstanceId"):
        send(ssm, [f"i-{number:017x}" for number in range(51)], "hostname")


def test_a_command_is_cancelled(lab, ssm, linux):
    with lab.frozen():
        command = send(ssm, [linux], "hostname")
        ssm.cancel_command(CommandId=command)
    assert result(ssm, command, linux)["Status"] == "Cancelled"


def test_the_capture_script_writes_each_guest_into_the_table(aws, ssm, linux, windows):
    dynamodb = aws.client("dynamodb")
    table = f"conformance-{uuid.uuid4().hex[:8]}"
    dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "InstanceId", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "InstanceId", "KeyType": "HASH"}],
    )
    dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    done = result(ssm, send(ssm, [linux], CAPTURE.format(table=table)), linux)
    assert done["Status"] == "Success", done
    script = f"Set-DDBItem -TableName {table} -Item $item"
    done = result(ssm, send(ssm, [windows], script, document="AWS-RunPowerShellScript"), windows)
    assert done["Status"] == "Success", done
    items = {item["InstanceId"]["S"]: item for item in dynamodb.scan(TableName=table)["Items"]}
    assert set(items) == {linux, windows}
    assert {"S": "172.30.1.10"} in items[linux].values() and {"S": "web-01"} in items[linux].values()
    assert {"S": "172.30.1.34"} in items[windows].values()
    dynamodb.delete_table(TableName=table)


def test_a_capture_into_a_missing_table_fails(ssm, linux):
    failed = result(ssm, send(ssm, [linux], CAPTURE.format(table="no-such-table")), linux)
    assert failed["Status"] == "Failed"
    assert "ResourceNotFoundException" in failed["StandardErrorContent"]
