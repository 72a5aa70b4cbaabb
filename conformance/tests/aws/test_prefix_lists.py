"""Managed prefix lists: in Transit Gateway tables below static routes and above propagated ones, in VPC tables too."""

import pytest

from lab_control import until

P = "172.29.1.0/24"
OTHER = "172.29.9.0/24"


@pytest.fixture(scope="module")
def left(sandbox):
    """An attached VPC 10.245.0.0/16: VPC and attachment ids."""
    return sandbox.attached("10.245.0.0/16", "10.245.1.0/24")


@pytest.fixture
def table(ec2, sandbox):
    made = sandbox.table()
    yield made
    for reference in references(ec2, made):
        ec2.delete_transit_gateway_prefix_list_reference(
            TransitGatewayRouteTableId=made, PrefixListId=reference["PrefixListId"]
        )
    ec2.delete_transit_gateway_route_table(TransitGatewayRouteTableId=made)


@pytest.fixture
def make(ec2, fresh_name):
    """Creates prefix lists with these entries."""
    made = []

    def make(*entries, most=5):
        found = ec2.create_managed_prefix_list(
            PrefixListName=f"{fresh_name}-{len(made)}",
            AddressFamily="IPv4",
            MaxEntries=most,
            Entries=[{"Cidr": entry, "Description": f"to {entry}"} for entry in entries],
        )["PrefixList"]
        made.append(found["PrefixListId"])
        return found["PrefixListId"]

    return make


def references(ec2, table):
    return ec2.get_transit_gateway_prefix_list_references(TransitGatewayRouteTableId=table)[
        "TransitGatewayPrefixListReferences"
    ]


def refer(ec2, table, prefix_list, attachment=None, change="create"):
    target = {"TransitGatewayAttachmentId": attachment} if attachment else {"Blackhole": True}
    call = getattr(ec2, f"{change}_transit_gateway_prefix_list_reference")
    made = call(TransitGatewayRouteTableId=table, PrefixListId=prefix_list, **target)[
        "TransitGatewayPrefixListReference"
    ]
    until(lambda: all(one["State"] == "available" for one in references(ec2, table)), "the references to settle")
    return made


def exactly(ec2, table, cidr):
    found = ec2.search_transit_gateway_routes(
        TransitGatewayRouteTableId=table, Filters=[{"Name": "route-search.exact-match", "Values": [cidr]}]
    )["Routes"]
    assert len(found) <= 1
    return found[0] if found else None


def test_a_list_is_created_read_changed_and_deleted(ec2, make, refuse):
    made = make(P, most=2)
    (found,) = ec2.describe_managed_prefix_lists(PrefixListIds=[made])["PrefixLists"]
    assert (found["Version"], found["MaxEntries"], found["State"]) == (1, 2, "create-complete")
    assert found["PrefixListArn"].endswith(made)
    changed = ec2.modify_managed_prefix_list(
        PrefixListId=made, CurrentVersion=1, AddEntries=[{"Cidr": OTHER}], RemoveEntries=[{"Cidr": P}]
    )["PrefixList"]
    assert changed["Version"] == 2
    assert ec2.get_managed_prefix_list_entries(PrefixListId=made)["Entries"] == [{"Cidr": OTHER}]
    with refuse("PrefixListVersionMismatch"):
        ec2.modify_managed_prefix_list(PrefixListId=made, CurrentVersion=1, AddEntries=[{"Cidr": P}])
    ec2.delete_managed_prefix_list(PrefixListId=made)
    with refuse("InvalidPrefixListID.NotFound"):
        ec2.get_managed_prefix_list_entries(PrefixListId=made)


def test_an_entry_hides_a_propagated_route_and_a_static_route_hides_the_entry(ec2, table, left, make, refuse):
    vpc = "10.245.0.0/16"
    ec2.enable_transit_gateway_route_table_propagation(
        TransitGatewayRouteTableId=table, TransitGatewayAttachmentId=left[1]
    )
    assert exactly(ec2, table, vpc)["Type"] == "propagated"
    made = make(vpc, P)
    reference = refer(ec2, table, made)
    assert reference["PrefixListId"] == made and reference["Blackhole"]
    listed = exactly(ec2, table, vpc)
    assert (listed["PrefixListId"], listed["State"]) == (made, "blackhole")
    assert exactly(ec2, table, P)["PrefixListId"] == made
    of_list = ec2.search_transit_gateway_routes(
        TransitGatewayRouteTableId=table, Filters=[{"Name": "prefix-list-id", "Values": [made]}]
    )["Routes"]
    assert sorted(route["DestinationCidrBlock"] for route in of_list) == sorted([vpc, P])

    ec2.create_transit_gateway_route(
        TransitGatewayRouteTableId=table, DestinationCidrBlock=vpc, TransitGatewayAttachmentId=left[1]
    )
    until(lambda: exactly(ec2, table, vpc)["State"] == "active", "the static route to settle")
    assert "PrefixListId" not in exactly(ec2, table, vpc)
    ec2.delete_transit_gateway_route(TransitGatewayRouteTableId=table, DestinationCidrBlock=vpc)
    assert exactly(ec2, table, vpc)["PrefixListId"] == made
    with refuse("InvalidRoute.NotFound"):
        ec2.delete_transit_gateway_route(TransitGatewayRouteTableId=table, DestinationCidrBlock=vpc)


def test_one_call_moves_a_set_of_prefixes(ec2, table, left, make, refuse):
    made = make(P, OTHER)
    refer(ec2, table, made)
    with refuse("TransitGatewayPrefixListReference.Duplicate"):
        refer(ec2, table, made, left[1])
    moved = refer(ec2, table, made, left[1], change="modify")
    assert not moved["Blackhole"]
    assert moved["TransitGatewayAttachment"] == {
        "TransitGatewayAttachmentId": left[1],
        "ResourceType": "vpc",
        "ResourceId": left[0],
    }
    for cidr in (P, OTHER):
        (attachment,) = exactly(ec2, table, cidr)["TransitGatewayAttachments"]
        assert attachment["TransitGatewayAttachmentId"] == left[1]
    ec2.delete_transit_gateway_prefix_list_reference(TransitGatewayRouteTableId=table, PrefixListId=made)
    assert exactly(ec2, table, P) is None and references(ec2, table) == []
    with refuse("TransitGatewayPrefixListReference.NotFound"):
        refer(ec2, table, made, left[1], change="modify")


def test_a_list_in_use_is_not_deleted(ec2, table, make, refuse):
    made = make(P)
    refer(ec2, table, made)
    with refuse("DependencyViolation"):
        ec2.delete_managed_prefix_list(PrefixListId=made)


def test_a_vpc_table_routes_by_a_list(ec2, left, make, refuse):
    made = make(P)
    table = ec2.create_route_table(VpcId=left[0])["RouteTable"]["RouteTableId"]
    tgw = ec2.describe_transit_gateway_attachments(TransitGatewayAttachmentIds=[left[1]])[
        "TransitGatewayAttachments"
    ][0]["TransitGatewayId"]
    route = {"RouteTableId": table, "DestinationPrefixListId": made, "TransitGatewayId": tgw}
    with refuse("InvalidRoute.NotFound"):
        ec2.replace_route(**route)
    assert ec2.create_route(**route)["Return"]
    with refuse("RouteAlreadyExists"):
        ec2.create_route(**route)
    (found,) = ec2.describe_route_tables(
        Filters=[{"Name": "route.destination-prefix-list-id", "Values": [made]}]
    )["RouteTables"]
    (listed,) = [one for one in found["Routes"] if "DestinationPrefixListId" in one]
    assert (listed["DestinationPrefixListId"], listed["TransitGatewayId"]) == (made, tgw)
    assert (listed["State"], "DestinationCidrBlock" in listed) == ("active", False)
    ec2.delete_route(RouteTableId=table, DestinationPrefixListId=made)
    ec2.delete_route_table(RouteTableId=table)
