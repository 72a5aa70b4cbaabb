"""Transit Gateways, attachments, peerings, associations and propagations as objects."""

import pytest

from lab_control import until


@pytest.fixture(scope="module")
def spoke(sandbox):
    """An attached VPC: VPC and attachment ids."""
    return sandbox.attached("10.236.0.0/16", "10.236.1.0/24")


def associations(ec2, table):
    found = ec2.get_transit_gateway_route_table_associations(TransitGatewayRouteTableId=table)["Associations"]
    return {one["TransitGatewayAttachmentId"]: one["State"] for one in found}


def propagations(ec2, table):
    found = ec2.get_transit_gateway_route_table_propagations(TransitGatewayRouteTableId=table)
    return {one["TransitGatewayAttachmentId"]: one["State"] for one in found["TransitGatewayRouteTablePropagations"]}


def test_a_vpc_attachment_becomes_available_later(lab, ec2, sandbox):
    vpc, subnet = sandbox.vpc("10.237.0.0/16", "10.237.1.0/24")
    with lab.frozen():
        made = ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=sandbox.tgw, VpcId=vpc, SubnetIds=[subnet])[
            "TransitGatewayVpcAttachment"
        ]
        assert made["State"] == "pending"
        assert (made["VpcId"], made["SubnetIds"]) == (vpc, [subnet])
    ident = made["TransitGatewayAttachmentId"]
    until(lambda: sandbox.state(ident) == "available", "the attachment")
    (enis,) = [
        ec2.describe_network_interfaces(
            Filters=[
                {"Name": "subnet-id", "Values": [subnet]},
                {"Name": "interface-type", "Values": ["transit_gateway"]},
            ]
        )["NetworkInterfaces"]
    ]
    assert len(enis) == 1
    ec2.delete_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=ident)
    until(lambda: sandbox.state(ident) == "deleted", "the attachment to go; it stays listed")


def test_one_vpc_is_attached_once_to_one_gateway(ec2, sandbox, spoke, refuse):
    subnet = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [spoke[0]]}])["Subnets"][0]["SubnetId"]
    with refuse("DuplicateTransitGatewayAttachment"):
        ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=sandbox.tgw, VpcId=spoke[0], SubnetIds=[subnet])


def test_an_attachment_is_associated_with_one_table_only(ec2, sandbox, spoke, refuse):
    table, other = sandbox.table(), sandbox.table()
    ec2.associate_transit_gateway_route_table(TransitGatewayRouteTableId=table, TransitGatewayAttachmentId=spoke[1])
    until(lambda: associations(ec2, table).get(spoke[1]) == "associated", "the association")
    for again in (table, other):
        with refuse("Resource.AlreadyAssociated"):
            ec2.associate_transit_gateway_route_table(
                TransitGatewayRouteTableId=again, TransitGatewayAttachmentId=spoke[1]
            )
    (seen,) = ec2.describe_transit_gateway_attachments(TransitGatewayAttachmentIds=[spoke[1]])[
        "TransitGatewayAttachments"
    ]
    assert seen["Association"] == {"TransitGatewayRouteTableId": table, "State": "associated"}
    with refuse("IncorrectState"):
        ec2.delete_transit_gateway_route_table(TransitGatewayRouteTableId=table)
    ec2.disassociate_transit_gateway_route_table(TransitGatewayRouteTableId=table, TransitGatewayAttachmentId=spoke[1])
    until(lambda: not associations(ec2, table), "the association to go")
    for one in (table, other):
        ec2.delete_transit_gateway_route_table(TransitGatewayRouteTableId=one)


def test_a_propagation_is_enabled_once_and_disabled_once(ec2, sandbox, spoke, refuse):
    table = sandbox.table()
    pair = {"TransitGatewayRouteTableId": table, "TransitGatewayAttachmentId": spoke[1]}
    with refuse("TransitGatewayRouteTablePropagation.NotFound"):
        ec2.disable_transit_gateway_route_table_propagation(**pair)
    ec2.enable_transit_gateway_route_table_propagation(**pair)
    until(lambda: propagations(ec2, table).get(spoke[1]) == "enabled", "the propagation")
    with refuse("TransitGatewayRouteTablePropagation.Duplicate"):
        ec2.enable_transit_gateway_route_table_propagation(**pair)
    ec2.disable_transit_gateway_route_table_propagation(**pair)
    until(lambda: not propagations(ec2, table), "the propagation to go")
    ec2.delete_transit_gateway_route_table(TransitGatewayRouteTableId=table)


def test_two_vpcs_of_one_prefix_do_not_both_propagate(aws, ec2, sandbox):
    table = sandbox.table()
    twins = [sandbox.attached("10.238.0.0/16", "10.238.1.0/24") for _ in range(2)]
    for _, attachment in twins:
        ec2.enable_transit_gateway_route_table_propagation(
            TransitGatewayRouteTableId=table, TransitGatewayAttachmentId=attachment
        )
    (route,) = until(lambda: aws.search(table, exact="10.238.0.0/16"), "the propagated route")
    assert [one["TransitGatewayAttachmentId"] for one in route["TransitGatewayAttachments"]] == [twins[0][1]]


def test_a_peering_is_requested_in_one_region_and_accepted_in_the_other(aws, ec2, sandbox, refuse):
    osaka = sandbox.far
    account = aws.client("sts").get_caller_identity()["Account"]
    made = ec2.create_transit_gateway_peering_attachment(
        TransitGatewayId=sandbox.tgw,
        PeerTransitGatewayId=sandbox.far_tgw,
        PeerAccountId=account,
        PeerRegion=aws.osaka,
    )["TransitGatewayPeeringAttachment"]
    ident = made["TransitGatewayAttachmentId"]
    assert made["State"] in ("initiatingRequest", "pendingAcceptance")
    assert made["RequesterTgwInfo"]["Region"] == aws.tokyo and made["AccepterTgwInfo"]["Region"] == aws.osaka
    until(lambda: sandbox.state(ident, aws.osaka) == "pendingAcceptance", "the request to arrive")
    with refuse("IncorrectState", "InvalidTransitGatewayAttachmentID.NotFound", "InvalidTransitGatewayID.NotFound"):
        ec2.accept_transit_gateway_peering_attachment(TransitGatewayAttachmentId=ident)
    accepted = osaka.accept_transit_gateway_peering_attachment(TransitGatewayAttachmentId=ident)
    assert accepted["TransitGatewayPeeringAttachment"]["State"] in ("pending", "available")
    for region in (aws.tokyo, aws.osaka):
        until(lambda: sandbox.state(ident, region) == "available", f"the peering in {region}")
    with refuse("IncorrectState"):
        osaka.accept_transit_gateway_peering_attachment(TransitGatewayAttachmentId=ident)
    ends = {}
    for region, client in ((aws.tokyo, ec2), (aws.osaka, osaka)):
        table = sandbox.table(region)
        client.associate_transit_gateway_route_table(TransitGatewayRouteTableId=table, TransitGatewayAttachmentId=ident)
        client.create_transit_gateway_route(
            TransitGatewayRouteTableId=table, DestinationCidrBlock="172.28.0.0/16", TransitGatewayAttachmentId=ident
        )
        (route,) = until(
            lambda: [one for one in aws.search(table, region, exact="172.28.0.0/16") if one["State"] == "active"],
            "the route over the peering",
        )
        ends[region] = route["TransitGatewayAttachments"][0]
    assert all(end["ResourceType"] == "peering" for end in ends.values())
    assert ends[aws.tokyo]["ResourceId"] == sandbox.far_tgw
    assert ends[aws.osaka]["ResourceId"] == sandbox.tgw


def test_a_peering_does_not_propagate(aws, ec2, sandbox, refuse):
    table = sandbox.table()
    with refuse(
        "InvalidParameterValue", "UnsupportedOperation", "IncorrectState", "InvalidTransitGatewayAttachmentID.NotFound"
    ):
        ec2.enable_transit_gateway_route_table_propagation(
            TransitGatewayRouteTableId=table, TransitGatewayAttachmentId=aws.attachment("tokyo-osaka")
        )


def test_the_scenarios_peering_is_one_id_with_two_ends(aws):
    here = aws.named("describe_transit_gateway_peering_attachments", "TransitGatewayPeeringAttachments", "tokyo-osaka")
    there = aws.named(
        "describe_transit_gateway_peering_attachments", "TransitGatewayPeeringAttachments", "tokyo-osaka", aws.osaka
    )
    assert here["TransitGatewayAttachmentId"] == there["TransitGatewayAttachmentId"]
    assert here["State"] == there["State"] == "available"
    assert here["RequesterTgwInfo"] == there["RequesterTgwInfo"]


def test_attachments_of_every_kind_are_listed_with_their_resource(aws, ec2):
    pages = ec2.get_paginator("describe_transit_gateway_attachments").paginate(
        Filters=[{"Name": "transit-gateway-id", "Values": [aws.tgw("tokyo")]}]
    )
    kinds = {}
    for page in pages:
        for one in page["TransitGatewayAttachments"]:
            kinds.setdefault(one["ResourceType"], []).append(one["ResourceId"])
    assert set(kinds) == {"vpc", "vpn", "peering"}
    assert len(kinds["vpc"]) >= 25
    assert kinds["vpn"][0].startswith("vpn-") and kinds["peering"] == [aws.tgw("osaka", aws.osaka)]


def test_a_gateway_shows_its_number_and_default_tables(aws, ec2, sandbox):
    (tgw,) = ec2.describe_transit_gateways(TransitGatewayIds=[sandbox.tgw])["TransitGateways"]
    assert tgw["Options"]["AmazonSideAsn"] == 64700
    assert tgw["Options"]["DefaultRouteTableAssociation"] == "disable"
    assert tgw["TransitGatewayArn"].split(":")[3] == aws.tokyo
