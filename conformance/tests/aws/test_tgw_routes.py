"""Transit Gateway route tables: static and propagated routes, and which of them are listed."""

import pytest

from lab_control import until

P = "172.29.1.0/24"


@pytest.fixture(scope="module")
def left(sandbox):
    """An attached VPC 10.233.0.0/16: VPC and attachment ids."""
    return sandbox.attached("10.233.0.0/16", "10.233.1.0/24")


@pytest.fixture(scope="module")
def right(sandbox):
    """An attached VPC 10.234.0.0/16: VPC and attachment ids."""
    return sandbox.attached("10.234.0.0/16", "10.234.1.0/24")


@pytest.fixture
def table(ec2, sandbox):
    made = sandbox.table()
    yield made
    for link in ec2.get_transit_gateway_route_table_associations(TransitGatewayRouteTableId=made)["Associations"]:
        ec2.disassociate_transit_gateway_route_table(
            TransitGatewayRouteTableId=made, TransitGatewayAttachmentId=link["TransitGatewayAttachmentId"]
        )
    until(
        lambda: not ec2.get_transit_gateway_route_table_associations(TransitGatewayRouteTableId=made)["Associations"],
        "the associations to go",
    )
    ec2.delete_transit_gateway_route_table(TransitGatewayRouteTableId=made)


@pytest.fixture
def write(ec2, table):
    """Creates routes in the table and waits until they are settled."""

    def write(cidr, attachment=None):
        target = {"TransitGatewayAttachmentId": attachment} if attachment else {"Blackhole": True}
        made = ec2.create_transit_gateway_route(TransitGatewayRouteTableId=table, DestinationCidrBlock=cidr, **target)[
            "Route"
        ]
        settle(ec2, table, cidr)
        return made

    return write


def exactly(ec2, table, cidr):
    found = ec2.search_transit_gateway_routes(
        TransitGatewayRouteTableId=table, Filters=[{"Name": "route-search.exact-match", "Values": [cidr]}]
    )["Routes"]
    assert len(found) <= 1
    return found[0] if found else None


def settle(ec2, table, cidr):
    return until(
        lambda: (route := exactly(ec2, table, cidr)) and route["State"] in ("active", "blackhole") and route,
        f"{cidr} to settle",
    )


def cidrs(found):
    return sorted(route["DestinationCidrBlock"] for route in found)


def test_a_route_is_pending_then_active(lab, ec2, table, left):
    with lab.frozen():
        made = ec2.create_transit_gateway_route(
            TransitGatewayRouteTableId=table, DestinationCidrBlock=P, TransitGatewayAttachmentId=left[1]
        )["Route"]
        assert (made["Type"], made["State"]) == ("static", "pending")
        assert exactly(ec2, table, P)["State"] == "pending"
    route = settle(ec2, table, P)
    assert route["State"] == "active"
    assert route["TransitGatewayAttachments"] == [
        {"ResourceId": left[0], "TransitGatewayAttachmentId": left[1], "ResourceType": "vpc"}
    ]


def test_a_second_static_route_of_one_prefix_is_refused(ec2, table, write, left, right, refuse):
    write(P, left[1])
    with refuse("RouteAlreadyExists"):
        ec2.create_transit_gateway_route(
            TransitGatewayRouteTableId=table, DestinationCidrBlock=P, TransitGatewayAttachmentId=right[1]
        )
    assert exactly(ec2, table, P)["TransitGatewayAttachments"][0]["TransitGatewayAttachmentId"] == left[1]


def test_replace_changes_a_route_and_creates_a_missing_one(ec2, table, write, left, right):
    write(P, left[1])
    for target in (
        {"TransitGatewayAttachmentId": right[1]},
        {"Blackhole": True},
        {"TransitGatewayAttachmentId": left[1]},
    ):
        ec2.replace_transit_gateway_route(TransitGatewayRouteTableId=table, DestinationCidrBlock=P, **target)
        route = settle(ec2, table, P)
        seen = [one["TransitGatewayAttachmentId"] for one in route.get("TransitGatewayAttachments", [])]
        assert seen == [value for key, value in target.items() if key != "Blackhole"]
        assert route["State"] == ("active" if seen else "blackhole")
    ec2.replace_transit_gateway_route(
        TransitGatewayRouteTableId=table, DestinationCidrBlock="172.29.2.0/24", TransitGatewayAttachmentId=left[1]
    )
    assert settle(ec2, table, "172.29.2.0/24")["Type"] == "static"


def test_a_deleted_route_is_not_listed_and_cannot_be_deleted_again(ec2, table, write, left, refuse):
    write(P, left[1])
    gone = ec2.delete_transit_gateway_route(TransitGatewayRouteTableId=table, DestinationCidrBlock=P)["Route"]
    assert gone["State"] in ("deleting", "deleted")
    until(lambda: exactly(ec2, table, P) is None, "the route to go")
    with refuse("InvalidRoute.NotFound"):
        ec2.delete_transit_gateway_route(TransitGatewayRouteTableId=table, DestinationCidrBlock=P)


def test_a_static_route_hides_the_equal_propagated_one_until_it_is_deleted(ec2, table, write, left, right):
    ec2.enable_transit_gateway_route_table_propagation(
        TransitGatewayRouteTableId=table, TransitGatewayAttachmentId=left[1]
    )
    propagated = settle(ec2, table, "10.233.0.0/16")
    assert (propagated["Type"], propagated["State"]) == ("propagated", "active")
    assert propagated["TransitGatewayAttachments"][0]["TransitGatewayAttachmentId"] == left[1]
    write("10.233.0.0/16", right[1])
    hidden = exactly(ec2, table, "10.233.0.0/16")
    assert hidden["Type"] == "static"
    assert hidden["TransitGatewayAttachments"][0]["TransitGatewayAttachmentId"] == right[1]
    ec2.delete_transit_gateway_route(TransitGatewayRouteTableId=table, DestinationCidrBlock="10.233.0.0/16")
    back = until(
        lambda: (route := exactly(ec2, table, "10.233.0.0/16")) and route["Type"] == "propagated" and route,
        "the propagated route to come back",
    )
    assert back["TransitGatewayAttachments"][0]["TransitGatewayAttachmentId"] == left[1]
    ec2.disable_transit_gateway_route_table_propagation(
        TransitGatewayRouteTableId=table, TransitGatewayAttachmentId=left[1]
    )
    assert exactly(ec2, table, "10.233.0.0/16") is None


def test_a_propagated_route_cannot_be_deleted(ec2, table, left, refuse):
    ec2.enable_transit_gateway_route_table_propagation(
        TransitGatewayRouteTableId=table, TransitGatewayAttachmentId=left[1]
    )
    settle(ec2, table, "10.233.0.0/16")
    with refuse("InvalidRoute.NotFound"):
        ec2.delete_transit_gateway_route(TransitGatewayRouteTableId=table, DestinationCidrBlock="10.233.0.0/16")


def test_an_explicit_blackhole_has_no_attachment(table, write, ec2):
    write(P)
    route = exactly(ec2, table, P)
    assert (route["Type"], route["State"]) == ("static", "blackhole")
    assert not route.get("TransitGatewayAttachments")


def test_a_static_route_becomes_a_blackhole_when_its_attachment_is_deleted(ec2, sandbox, table, write):
    vpc, subnet = sandbox.vpc("10.235.0.0/16", "10.235.1.0/24")
    attachment = sandbox.attach(vpc, subnet)
    ec2.enable_transit_gateway_route_table_propagation(
        TransitGatewayRouteTableId=table, TransitGatewayAttachmentId=attachment
    )
    settle(ec2, table, "10.235.0.0/16")
    write(P, attachment)
    ec2.delete_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=attachment)
    until(lambda: sandbox.state(attachment) == "deleted", "the attachment to be deleted")
    route = exactly(ec2, table, P)
    assert route["State"] == "blackhole" and not route.get("TransitGatewayAttachments")
    assert exactly(ec2, table, "10.235.0.0/16") is None
    again = sandbox.attach(vpc, subnet)
    assert again != attachment
    assert exactly(ec2, table, P)["State"] == "blackhole"


@pytest.fixture
def three(ec2, table, write, left):
    """10.40.0.0/16, 10.40.1.0/24 and a blackhole 10.40.1.128/25, and the propagated 10.233.0.0/16."""
    write("10.40.0.0/16", left[1])
    write("10.40.1.0/24", left[1])
    write("10.40.1.128/25")
    ec2.enable_transit_gateway_route_table_propagation(
        TransitGatewayRouteTableId=table, TransitGatewayAttachmentId=left[1]
    )
    settle(ec2, table, "10.233.0.0/16")
    return table


def test_search_finds_by_exact_prefix(aws, three):
    assert cidrs(aws.search(three, exact="10.40.1.0/24")) == ["10.40.1.0/24"]
    assert aws.search(three, exact="10.40.2.0/24") == []


def test_search_finds_the_longest_match_of_a_bare_address(aws, three):
    assert cidrs(aws.search(three, longest="10.40.1.5")) == ["10.40.1.0/24"]
    assert cidrs(aws.search(three, longest="10.40.1.200")) == ["10.40.1.128/25"]
    assert cidrs(aws.search(three, longest="10.40.9.9")) == ["10.40.0.0/16"]
    assert aws.search(three, longest="10.99.9.9") == []


def test_search_finds_subnets_and_supernets_of_a_prefix_inclusively(aws, three):
    assert cidrs(aws.search(three, within="10.40.1.0/24")) == ["10.40.1.0/24", "10.40.1.128/25"]
    assert cidrs(aws.search(three, around="10.40.1.0/24")) == ["10.40.0.0/16", "10.40.1.0/24"]


def test_search_finds_by_type_state_and_attachment(aws, three, left):
    assert cidrs(aws.search(three, type="propagated")) == ["10.233.0.0/16"]
    assert cidrs(aws.search(three, type="static")) == ["10.40.0.0/16", "10.40.1.0/24", "10.40.1.128/25"]
    assert cidrs(aws.search(three, state="blackhole")) == ["10.40.1.128/25"]
    assert len(aws.search(three, attachment=left[1])) == 3
    assert len(aws.search(three, resource=left[0], type="static")) == 2
    assert len(aws.search(three, resource_type="vpc")) == 3
    assert aws.search(three, resource_type="peering") == []


def test_search_without_a_known_filter_is_refused(ec2, three, refuse):
    with refuse("InvalidParameterValue"):
        ec2.search_transit_gateway_routes(
            TransitGatewayRouteTableId=three, Filters=[{"Name": "no-such-filter", "Values": ["x"]}]
        )
    with refuse("MissingParameter"):
        ec2.search_transit_gateway_routes(TransitGatewayRouteTableId=three, Filters=[])


def test_search_pages_through_a_long_table(aws, ec2):
    table = aws.table("tokyo-isolated")
    first = ec2.search_transit_gateway_routes(
        TransitGatewayRouteTableId=table, Filters=[{"Name": "type", "Values": ["static"]}], MaxResults=5
    )
    assert len(first["Routes"]) == 5 and first["AdditionalRoutesAvailable"] is True
    everything = aws.search(table, type="static")
    assert len(everything) >= 25
    assert len(set(cidrs(everything))) == len(everything)
    assert cidrs(everything)[:1] and "10.0.0.0/16" in cidrs(aws.search(table, state="blackhole"))


def test_wrong_ids_are_refused(aws, ec2, table, left, refuse):
    with refuse("InvalidRouteTableID.NotFound"):
        ec2.create_transit_gateway_route(
            TransitGatewayRouteTableId="tgw-rtb-0123456789abcdef0",
            DestinationCidrBlock=P,
            TransitGatewayAttachmentId=left[1],
        )
    with refuse("InvalidTransitGatewayAttachmentID.NotFound"):
        ec2.create_transit_gateway_route(
            TransitGatewayRouteTableId=table,
            DestinationCidrBlock=P,
            TransitGatewayAttachmentId="tgw-attach-0123456789abcdef0",
        )
    with refuse("InvalidTransitGatewayAttachmentID.NotFound"):
        ec2.replace_transit_gateway_route(
            TransitGatewayRouteTableId=table,
            DestinationCidrBlock=P,
            TransitGatewayAttachmentId=aws.attachment("legacy"),
        )


def test_a_dry_run_writes_nothing(ec2, table, left, refuse):
    with refuse("DryRunOperation"):
        ec2.create_transit_gateway_route(
            TransitGatewayRouteTableId=table, DestinationCidrBlock=P, TransitGatewayAttachmentId=left[1], DryRun=True
        )
    assert exactly(ec2, table, P) is None


def test_the_scenarios_tables_have_the_routes_of_its_attachments(aws):
    found = {route["DestinationCidrBlock"]: route for route in aws.search(aws.table("tokyo-default"))}
    assert found["172.30.0.0/16"]["Type"] == "propagated"
    assert found["10.101.0.0/16"]["TransitGatewayAttachments"][0]["ResourceId"] == aws.vpc("nc2-tokyo")
    assert found["10.0.0.0/16"]["TransitGatewayAttachments"][0]["ResourceType"] == "vpn"
    assert found["10.102.0.0/16"]["Type"] == "static"
    assert found["10.102.0.0/16"]["TransitGatewayAttachments"][0]["ResourceType"] == "peering"
