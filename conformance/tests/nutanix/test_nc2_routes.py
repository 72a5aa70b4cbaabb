"""What NC2 does in AWS: a prefix on the transit VPC becomes a route to a host's interface, read with boto3."""

import boto3
import ntnx_networking_py_client as networking
import pytest

from lab_control import until

PREFIX = "10.250.8.0/24"


@pytest.fixture(scope="module")
def ec2():
    return boto3.client("ec2", region_name="ap-northeast-1")


def tables_with(ec2, prefix):
    """Routes to a prefix in the NC2 VPC's tables: table to interface."""
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["nc2-tokyo"]}])["Vpcs"]
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["RouteTables"]
    return {
        table["RouteTableId"]: route["NetworkInterfaceId"]
        for table in tables
        for route in table["Routes"]
        if route.get("DestinationCidrBlock") == prefix and route["State"] == "active"
    }


def change(tokyo, name, *cidrs):
    """Adds prefixes to a VPC; without prefixes, removes all except that of the other overlay."""
    vpc = tokyo.vpcs.get_vpc_by_id(tokyo.vpc(name).ext_id).data
    vpc.externally_routable_prefixes = [
        networking.IPSubnet(
            ipv4=networking.IPv4Subnet(
                ip=networking.IPv4Address(value=cidr.split("/")[0], prefix_length=32),
                prefix_length=int(cidr.split("/")[1]),
            )
        )
        for cidr in ("192.168.50.0/24", *cidrs)
    ]
    tokyo.done(tokyo.vpcs.update_vpc_by_id(vpc.ext_id, vpc))


def test_a_prefix_on_the_transit_vpc_becomes_an_aws_route(lab, tokyo, ec2):
    change(tokyo, "prod", PREFIX)
    lab.pass_time(120)
    assert tables_with(ec2, PREFIX) == {}, "the user VPC's prefixes alone change nothing in AWS"
    change(tokyo, "transit-vpc", PREFIX)
    found = until(lambda: tables_with(ec2, PREFIX), "the route to appear")
    other = tables_with(ec2, "192.168.50.0/24")
    assert set(found) == set(other), "in every table that has the other overlay's"
    (eni,) = ec2.describe_network_interfaces(NetworkInterfaceIds=list(set(found.values())))["NetworkInterfaces"]
    assert eni["SourceDestCheck"] is False and eni["Status"] == "in-use"
    change(tokyo, "transit-vpc")
    until(lambda: not tables_with(ec2, PREFIX), "the route to go")
    assert tables_with(ec2, "192.168.50.0/24") == other
    change(tokyo, "prod")
