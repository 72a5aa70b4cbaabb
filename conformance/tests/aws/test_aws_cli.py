"""The AWS CLI as an operator types it."""

import json
import pathlib
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def cli(account_environment):
    """Runs `aws …`; returns standard output as JSON, or the finished process when it must fail."""
    program = str(pathlib.Path(sys.executable).with_name("aws"))
    environment = account_environment | {"AWS_MAX_ATTEMPTS": "1", "AWS_PAGER": ""}

    def run(*words, fails=False):
        done = subprocess.run(
            [program, *words, "--output", "json"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if fails:
            assert done.returncode != 0, done.stdout
            return done
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


def test_the_caller_identity_is_returned(cli):
    assert cli("sts", "get-caller-identity")["Account"]


def test_lists_are_complete_with_every_page_size(cli):
    everything = cli("ec2", "describe-instances", "--query", "Reservations[].Instances[].InstanceId")
    small = cli("ec2", "describe-instances", "--page-size", "5", "--query", "Reservations[].Instances[].InstanceId")
    assert len(everything) > 100 and sorted(small) == sorted(everything)


def test_a_list_can_be_cut_and_continued(cli):
    first = cli("ec2", "describe-vpcs", "--max-items", "3")
    assert len(first["Vpcs"]) == 3
    second = cli("ec2", "describe-vpcs", "--max-items", "3", "--starting-token", first["NextToken"])
    assert not {one["VpcId"] for one in first["Vpcs"]} & {one["VpcId"] for one in second["Vpcs"]}


def test_filters_and_queries(cli):
    found = cli(
        "ec2",
        "describe-subnets",
        "--filters",
        "Name=cidr-block,Values=172.30.1.0/24",
        "--query",
        "Subnets[0].[CidrBlock,AvailabilityZone]",
    )
    assert found[0] == "172.30.1.0/24" and found[1].startswith("ap-northeast-1")


def test_stop_wait_start_wait(cli):
    (ident,) = cli(
        "ec2",
        "describe-instances",
        "--filters",
        "Name=tag:Name,Values=dmz-03",
        "--query",
        "Reservations[].Instances[].InstanceId",
    )
    changed = cli("ec2", "stop-instances", "--instance-ids", ident)
    assert changed["StoppingInstances"][0]["CurrentState"]["Name"] in ("stopping", "stopped")
    cli("ec2", "wait", "instance-stopped", "--instance-ids", ident)
    cli("ec2", "start-instances", "--instance-ids", ident)
    cli("ec2", "wait", "instance-running", "--instance-ids", ident)


def test_a_transit_gateway_route_is_written_searched_and_removed(cli):
    table = cli(
        "ec2",
        "describe-transit-gateway-route-tables",
        "--filters",
        "Name=tag:Name,Values=tokyo-spoke",
        "--query",
        "TransitGatewayRouteTables[0].TransitGatewayRouteTableId",
    )
    made = cli(
        "ec2",
        "create-transit-gateway-route",
        "--transit-gateway-route-table-id",
        table,
        "--destination-cidr-block",
        "198.18.9.0/24",
        "--blackhole",
    )
    assert made["Route"]["Type"] == "static"
    found = cli(
        "ec2",
        "search-transit-gateway-routes",
        "--transit-gateway-route-table-id",
        table,
        "--filters",
        "Name=route-search.exact-match,Values=198.18.9.0/24",
    )
    assert len(found["Routes"]) == 1
    cli(
        "ec2",
        "delete-transit-gateway-route",
        "--transit-gateway-route-table-id",
        table,
        "--destination-cidr-block",
        "198.18.9.0/24",
    )


def test_an_error_reaches_the_terminal(cli):
    failed = cli("ec2", "describe-instances", "--instance-ids", "i-0123456789abcdef0", fails=True)
    assert failed.returncode in (254, 255), "254 from version 2, 255 from version 1"
    assert "(InvalidInstanceID.NotFound)" in failed.stderr
    dry = cli("ec2", "describe-vpcs", "--dry-run", fails=True)
    assert "DryRunOperation" in dry.stderr


def test_dynamodb_from_the_shell(cli):
    cli(
        "dynamodb",
        "create-table",
        "--table-name",
        "cli",
        "--attribute-definitions",
        "AttributeName=InstanceId,AttributeType=S",
        "--key-schema",
        "AttributeName=InstanceId,KeyType=HASH",
        "--billing-mode",
        "PAY_PER_REQUEST",
    )
    cli("dynamodb", "wait", "table-exists", "--table-name", "cli")
    cli(
        "dynamodb", "put-item", "--table-name", "cli", "--item", '{"InstanceId": {"S": "i-1"}, "IP": {"S": "10.0.0.1"}}'
    )
    assert cli("dynamodb", "scan", "--table-name", "cli")["Count"] == 1
    cli("dynamodb", "delete-table", "--table-name", "cli")


def test_systems_manager_from_the_shell(cli):
    found = cli(
        "ssm",
        "describe-instance-information",
        "--query",
        "InstanceInformationList[?PingStatus=='Online'].InstanceId",
    )
    assert found


def test_direct_connect_from_the_shell(cli):
    assert "directConnectGateways" in cli("directconnect", "describe-direct-connect-gateways")


def test_the_region_option_selects_the_region(cli):
    found = cli(
        "ec2",
        "describe-transit-gateways",
        "--region",
        "ap-northeast-3",
        "--query",
        "TransitGateways[].Options.AmazonSideAsn",
    )
    assert 64513 in found
