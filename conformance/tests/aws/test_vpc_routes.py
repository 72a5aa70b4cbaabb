"""VPC route tables: their associations, and the rules of CreateRoute, ReplaceRoute and DeleteRoute."""

import pytest

PREFIX = "192.168.77.0/24"


@pytest.fixture(scope="module")
def vpc(sandbox):
    """A VPC with a subnet, attached to the test's Transit Gateway: VPC and subnet ids."""
    vpc, subnet = sandbox.vpc("10.232.0.0/16", "10.232.1.0/24")
    sandbox.attach(vpc, subnet)
    return vpc, subnet


@pytest.fixture
def table(ec2, vpc):
    made = ec2.create_route_table(VpcId=vpc[0])["RouteTable"]["RouteTableId"]
    yield made
    ec2.delete_route_table(RouteTableId=made)


@pytest.fixture
def interface(ec2, vpc):
    """An interface in the VPC: that of an instance."""
    made = ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, SubnetId=vpc[1])["Instances"][0]
    yield made["NetworkInterfaces"][0]["NetworkInterfaceId"]
    ec2.terminate_instances(InstanceIds=[made["InstanceId"]])
    ec2.get_waiter("instance_terminated").wait(
        InstanceIds=[made["InstanceId"]], WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )


def routes(ec2, table):
    found = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    return {route["DestinationCidrBlock"]: route for route in found}


def test_a_new_table_has_the_local_route_only(ec2, table):
    (local,) = routes(ec2, table).values()
    assert (local["DestinationCidrBlock"], local["GatewayId"]) == ("10.232.0.0/16", "local")
    assert (local["State"], local["Origin"]) == ("active", "CreateRouteTable")


def test_every_vpc_has_one_main_table(aws, ec2):
    found = ec2.describe_route_tables(
        Filters=[{"Name": "vpc-id", "Values": [aws.vpc("legacy")]}, {"Name": "association.main", "Values": ["true"]}]
    )["RouteTables"]
    assert len(found) == 1
    assert [link["Main"] for link in found[0]["Associations"] if link["Main"]] == [True]


def test_a_route_is_created_once_then_replaced(ec2, sandbox, table, interface, refuse):
    assert ec2.create_route(RouteTableId=table, DestinationCidrBlock=PREFIX, TransitGatewayId=sandbox.tgw)["Return"]
    with refuse("RouteAlreadyExists"):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock=PREFIX, NetworkInterfaceId=interface)
    assert routes(ec2, table)[PREFIX]["TransitGatewayId"] == sandbox.tgw
    ec2.replace_route(RouteTableId=table, DestinationCidrBlock=PREFIX, NetworkInterfaceId=interface)
    replaced = routes(ec2, table)[PREFIX]
    assert replaced["NetworkInterfaceId"] == interface
    assert (replaced["State"], replaced["Origin"]) == ("active", "CreateRoute")
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock=PREFIX)
    assert PREFIX not in routes(ec2, table)


def test_replacing_a_missing_route_is_refused(ec2, sandbox, table, refuse):
    with refuse("InvalidRoute.NotFound", "InvalidParameterValue"):
        ec2.replace_route(RouteTableId=table, DestinationCidrBlock=PREFIX, TransitGatewayId=sandbox.tgw)


def test_deleting_a_missing_route_is_refused(ec2, table, refuse):
    with refuse("InvalidRoute.NotFound"):
        ec2.delete_route(RouteTableId=table, DestinationCidrBlock=PREFIX)


def test_a_route_inside_the_vpc_must_be_for_a_whole_subnet(ec2, sandbox, table, interface, refuse):
    with refuse("InvalidParameterValue"):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.232.1.0/24", TransitGatewayId=sandbox.tgw)
    with refuse("InvalidParameterValue"):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.232.1.7/32", NetworkInterfaceId=interface)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.232.1.0/24", NetworkInterfaceId=interface)
    assert routes(ec2, table)["10.232.1.0/24"]["NetworkInterfaceId"] == interface
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="10.232.1.0/24")


def test_the_local_route_cannot_be_deleted(ec2, table, refuse):
    with refuse("InvalidParameterValue"):
        ec2.delete_route(RouteTableId=table, DestinationCidrBlock="10.232.0.0/16")


def test_a_missing_target_is_refused(ec2, table, refuse):
    with refuse("InvalidTransitGatewayID.NotFound"):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock=PREFIX, TransitGatewayId="tgw-0123456789abcdef0")
    with refuse("InvalidNetworkInterfaceID.NotFound"):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock=PREFIX, NetworkInterfaceId="eni-0123456789abcdef0")
    with refuse("InvalidRouteTableID.NotFound"):
        ec2.create_route(RouteTableId="rtb-0123456789abcdef0", DestinationCidrBlock=PREFIX, GatewayId="igw-0")


def test_a_route_to_a_deleted_interface_is_a_blackhole(ec2, vpc, table):
    made = ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, SubnetId=vpc[1])["Instances"][0]
    eni = made["NetworkInterfaces"][0]["NetworkInterfaceId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=PREFIX, NetworkInterfaceId=eni)
    ec2.terminate_instances(InstanceIds=[made["InstanceId"]])
    ec2.get_waiter("instance_terminated").wait(
        InstanceIds=[made["InstanceId"]], WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )
    assert routes(ec2, table)[PREFIX]["State"] == "blackhole"


def test_a_subnet_uses_the_table_it_is_associated_with(ec2, vpc, table):
    link = ec2.associate_route_table(RouteTableId=table, SubnetId=vpc[1])["AssociationId"]
    found = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [vpc[1]]}])["RouteTables"]
    assert [one["RouteTableId"] for one in found] == [table]
    ec2.disassociate_route_table(AssociationId=link)
    assert not ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [vpc[1]]}])["RouteTables"]


def test_an_associated_table_cannot_be_deleted(ec2, vpc, table, refuse):
    link = ec2.associate_route_table(RouteTableId=table, SubnetId=vpc[1])["AssociationId"]
    with refuse("DependencyViolation"):
        ec2.delete_route_table(RouteTableId=table)
    ec2.disassociate_route_table(AssociationId=link)


def test_nc2_has_written_the_other_overlays_prefix_to_a_host_interface(aws, ec2):
    vpc = aws.vpc("nc2-tokyo")
    (table,) = ec2.describe_route_tables(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}]
    )["RouteTables"]
    route = routes(ec2, table["RouteTableId"])["192.168.50.0/24"]
    (eni,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[route["NetworkInterfaceId"]])["NetworkInterfaces"]
    assert eni["SourceDestCheck"] is False and eni["Status"] == "in-use"
