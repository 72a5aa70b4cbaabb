"""EC2 lists: paging returns every object, filters select the right objects, unknown objects have specific errors."""

import pytest

LISTS = [
    ("describe_instances", "Reservations", "ReservationId"),
    ("describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    ("describe_subnets", "Subnets", "SubnetId"),
    ("describe_vpcs", "Vpcs", "VpcId"),
    ("describe_route_tables", "RouteTables", "RouteTableId"),
    ("describe_tags", "Tags", None),
    ("describe_transit_gateway_attachments", "TransitGatewayAttachments", "TransitGatewayAttachmentId"),
    ("describe_transit_gateway_vpc_attachments", "TransitGatewayVpcAttachments", "TransitGatewayAttachmentId"),
]


def pages_of(client, operation, **arguments):
    return list(client.get_paginator(operation).paginate(**arguments))


def names_of(pages, key, ident):
    things = [thing for page in pages for thing in page[key]]
    return [thing[ident] if ident else (thing["ResourceId"], thing["Key"]) for thing in things]


@pytest.mark.parametrize(("operation", "key", "ident"), LISTS, ids=[name for name, *_ in LISTS])
def test_paging_reaches_everything_once(ec2, operation, key, ident):
    pages = pages_of(ec2, operation)
    assert len(pages) > 1, "the scenario has more than a page of everything"
    names = names_of(pages, key, ident)
    assert len(names) == len(set(names))
    smaller = pages_of(ec2, operation, PaginationConfig={"PageSize": 7})
    again = names_of(smaller, key, ident)
    assert len(again) == len(set(again))
    # An instance of an earlier test may disappear meanwhile.
    later = names_of(pages_of(ec2, operation), key, ident)
    assert set(names) & set(later) <= set(again) <= set(names) | set(later)
    assert all(len(page[key]) <= 7 for page in smaller)


def test_a_page_can_have_fewer_entries_than_requested(ec2):
    first = ec2.describe_instances(MaxResults=1000)
    assert first["NextToken"]
    assert len(first["Reservations"]) < 1000


def test_a_page_size_out_of_bounds_is_refused(ec2, refuse):
    with refuse("InvalidParameterValue"):
        ec2.describe_instances(MaxResults=2)


def test_an_invalid_token_is_refused(ec2, refuse):
    with refuse("InvalidParameterValue", "InvalidNextToken", "InvalidPaginationToken"):
        ec2.describe_instances(NextToken="nowhere")


def test_the_regions_are_independent(aws, ec2):
    osaka = aws.client("ec2", aws.osaka)
    tokyo_vpcs = {vpc["VpcId"] for page in pages_of(ec2, "describe_vpcs") for vpc in page["Vpcs"]}
    osaka_vpcs = {vpc["VpcId"] for page in pages_of(osaka, "describe_vpcs") for vpc in page["Vpcs"]}
    assert tokyo_vpcs and osaka_vpcs and not tokyo_vpcs & osaka_vpcs


def test_the_regions_and_zones_are_listed(aws, ec2):
    assert {aws.tokyo, aws.osaka} <= {region["RegionName"] for region in ec2.describe_regions()["Regions"]}
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    assert zones and all(zone["ZoneName"].startswith(aws.tokyo) for zone in zones)


def test_an_instance_is_described_with_all_its_addresses(aws):
    web = aws.instance("web-01")
    assert web["PrivateIpAddress"] == "172.30.1.10"
    assert web["State"]["Name"] == "running"
    (nic,) = web["NetworkInterfaces"]
    addresses = {address["PrivateIpAddress"]: address["Primary"] for address in nic["PrivateIpAddresses"]}
    assert addresses == {"172.30.1.10": True, "172.30.1.110": False, "172.30.1.111": False}
    assert nic["Attachment"]["DeviceIndex"] == 0
    assert nic["MacAddress"].count(":") == 5


def test_an_instance_with_two_interfaces_lists_them_by_device_index(aws):
    app = aws.instance("app-01")
    by_index = {nic["Attachment"]["DeviceIndex"]: nic["PrivateIpAddress"] for nic in app["NetworkInterfaces"]}
    assert by_index == {0: "172.30.1.20", 1: "172.30.3.20"}


def test_windows_and_linux_have_different_platforms(aws):
    assert aws.instance("ad-win2019")["Platform"] == "windows"
    assert "Platform" not in aws.instance("web-01")


def test_filters_narrow_and_combine(aws, ec2):
    stopped = pages_of(ec2, "describe_instances", Filters=[{"Name": "instance-state-name", "Values": ["stopped"]}])
    names = [
        tag["Value"]
        for page in stopped
        for one in page["Reservations"]
        for tag in one["Instances"][0]["Tags"]
        if tag["Key"] == "Name"
    ]
    assert "report" in names
    both = ec2.describe_instances(
        Filters=[
            {"Name": "vpc-id", "Values": [aws.vpc("legacy")]},
            {"Name": "tag:Name", "Values": ["web-0*"]},
        ]
    )
    assert len([one for found in both["Reservations"] for one in found["Instances"]]) == 2
    none = ec2.describe_instances(Filters=[{"Name": "tag:Name", "Values": ["no such name"]}])
    assert none["Reservations"] == []


def test_two_instances_have_the_same_name_and_one_has_none(ec2):
    batch = ec2.describe_instances(Filters=[{"Name": "tag:Name", "Values": ["batch"]}])
    assert len([one for found in batch["Reservations"] for one in found["Instances"]]) == 2
    nameless = ec2.describe_instances(Filters=[{"Name": "private-ip-address", "Values": ["172.30.1.50"]}])
    (instance,) = nameless["Reservations"][0]["Instances"]
    assert "Name" not in {tag["Key"] for tag in instance.get("Tags", [])}


def test_an_interface_of_a_service_names_its_service(aws, ec2):
    found = ec2.describe_network_interfaces(
        Filters=[
            {"Name": "vpc-id", "Values": [aws.vpc("legacy")]},
            {"Name": "addresses.private-ip-address", "Values": ["172.30.2.10"]},
        ]
    )["NetworkInterfaces"]
    assert len(found) == 1
    assert found[0]["InterfaceType"] == "network_load_balancer"
    assert found[0]["RequesterManaged"] is True
    assert found[0]["Status"] == "in-use"


def test_an_unknown_filter_is_refused(ec2, refuse):
    for call in (ec2.describe_instances, ec2.describe_vpcs, ec2.describe_subnets, ec2.describe_transit_gateways):
        with refuse("InvalidParameterValue"):
            call(Filters=[{"Name": "no-such-filter", "Values": ["x"]}])


@pytest.mark.parametrize(
    ("operation", "argument", "ident", "missing"),
    [
        ("describe_instances", "InstanceIds", "i-0123456789abcdef0", "InvalidInstanceID.NotFound"),
        ("describe_instances", "InstanceIds", "i-nonsense", "InvalidInstanceID.Malformed"),
        (
            "describe_network_interfaces",
            "NetworkInterfaceIds",
            "eni-0123456789abcdef0",
            "InvalidNetworkInterfaceID.NotFound",
        ),
        ("describe_subnets", "SubnetIds", "subnet-0123456789abcdef0", "InvalidSubnetID.NotFound"),
        ("describe_vpcs", "VpcIds", "vpc-0123456789abcdef0", "InvalidVpcID.NotFound"),
        ("describe_route_tables", "RouteTableIds", "rtb-0123456789abcdef0", "InvalidRouteTableID.NotFound"),
        ("describe_transit_gateways", "TransitGatewayIds", "tgw-0123456789abcdef0", "InvalidTransitGatewayID.NotFound"),
        (
            "describe_transit_gateway_attachments",
            "TransitGatewayAttachmentIds",
            "tgw-attach-0123456789abcdef0",
            "InvalidTransitGatewayAttachmentID.NotFound",
        ),
        (
            "describe_transit_gateway_route_tables",
            "TransitGatewayRouteTableIds",
            "tgw-rtb-0123456789abcdef0",
            "InvalidRouteTableID.NotFound",
        ),
        (
            "describe_transit_gateway_route_tables",
            "TransitGatewayRouteTableIds",
            "tgw-rtb-nonsense",
            "InvalidRouteTableId.Malformed",
        ),
        ("describe_vpn_connections", "VpnConnectionIds", "vpn-0123456789abcdef0", "InvalidVpnConnectionID.NotFound"),
    ],
)
def test_an_unknown_id_has_the_error_of_its_kind(ec2, refuse, operation, argument, ident, missing):
    with refuse(missing):
        getattr(ec2, operation)(**{argument: [ident]})


def test_tags_are_written_read_and_removed(aws, ec2, fresh_name):
    vpc = aws.vpc("shared")
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": fresh_name, "Value": "<&\"'>"}])
    tags = {tag["Key"]: tag["Value"] for tag in ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Tags"]}
    assert tags[fresh_name] == "<&\"'>"
    (found,) = ec2.describe_tags(Filters=[{"Name": "key", "Values": [fresh_name]}])["Tags"]
    assert (found["ResourceId"], found["ResourceType"]) == (vpc, "vpc")
    ec2.delete_tags(Resources=[vpc], Tags=[{"Key": fresh_name}])
    assert not ec2.describe_tags(Filters=[{"Name": "key", "Values": [fresh_name]}])["Tags"]


def test_vpn_connections_show_their_tunnels_and_gateway(aws, ec2):
    vpn = next(
        one
        for one in ec2.describe_vpn_connections()["VpnConnections"]
        if {"Key": "Name", "Value": "tokyo-vpn"} in one["Tags"]
    )
    assert vpn["State"] == "available"
    assert vpn["TransitGatewayId"] == aws.tgw("tokyo")
    assert vpn["Options"]["StaticRoutesOnly"] is False
    assert [tunnel["Status"] for tunnel in vpn["VgwTelemetry"]] == ["UP", "UP"]


def test_dhcp_options_and_security_groups_of_a_vpc_can_be_read(aws, ec2):
    vpc = ec2.describe_vpcs(VpcIds=[aws.vpc("legacy")])["Vpcs"][0]
    options = ec2.describe_dhcp_options(DhcpOptionsIds=[vpc["DhcpOptionsId"]])["DhcpOptions"]
    assert "domain-name-servers" in {one["Key"] for one in options[0]["DhcpConfigurations"]}
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["SecurityGroups"]
    assert "default" in {group["GroupName"] for group in groups}


def test_a_dry_run_of_a_valid_call_returns_dryrunoperation(aws, ec2, refuse):
    with refuse("DryRunOperation") as refusal:
        ec2.describe_vpcs(DryRun=True)
    assert refusal.status == 412
    with refuse("DryRunOperation"):
        ec2.stop_instances(InstanceIds=[aws.instance("web-02")["InstanceId"]], DryRun=True)
    assert aws.instance("web-02")["State"]["Name"] == "running"


def test_a_dry_run_with_a_wrong_argument_is_refused(ec2, refuse):
    with refuse("InvalidInstanceID.NotFound"):
        ec2.stop_instances(InstanceIds=["i-0123456789abcdef0"], DryRun=True)


def test_an_unknown_operation_is_an_invalid_action(ec2, refuse):
    with refuse("InvalidAction", "UnsupportedOperation"):
        ec2.describe_fleets()
