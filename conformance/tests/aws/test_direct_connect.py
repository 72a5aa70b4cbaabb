"""Direct Connect gateways: associations, allowed prefixes, and the rule that they must not overlap."""

import pytest

from lab_control import until


@pytest.fixture(scope="module")
def dx(aws):
    return aws.client("directconnect")


@pytest.fixture(scope="module")
def gateway(dx):
    made = dx.create_direct_connect_gateway(directConnectGatewayName="conformance", amazonSideAsn=64900)
    return made["directConnectGateway"]["directConnectGatewayId"]


def prefixes(*cidrs):
    return [{"cidr": cidr} for cidr in cidrs]


def association(dx, ident):
    (found,) = dx.describe_direct_connect_gateway_associations(associationId=ident)["directConnectGatewayAssociations"]
    return found


def allowed(dx, ident):
    return sorted(one["cidr"] for one in association(dx, ident)["allowedPrefixesToDirectConnectGateway"])


def associate(dx, gateway, tgw, *cidrs):
    made = dx.create_direct_connect_gateway_association(
        directConnectGatewayId=gateway, gatewayId=tgw, addAllowedPrefixesToDirectConnectGateway=prefixes(*cidrs)
    )["directConnectGatewayAssociation"]
    return made["associationId"]


def associated(dx, ident):
    until(lambda: association(dx, ident)["associationState"] == "associated", "the association")


@pytest.fixture(scope="module")
def pair(dx, gateway, sandbox):
    """Both Transit Gateways on one Direct Connect gateway: association ids."""
    here = associate(dx, gateway, sandbox.tgw, "172.27.1.0/24", "10.50.0.0/16")
    there = associate(dx, gateway, sandbox.far_tgw, "10.51.0.0/16")
    associated(dx, here)
    associated(dx, there)
    return here, there


def test_a_gateway_lists_its_associations(dx, gateway, pair, sandbox):
    found = dx.describe_direct_connect_gateway_associations(directConnectGatewayId=gateway)[
        "directConnectGatewayAssociations"
    ]
    assert {one["associatedGateway"]["id"] for one in found} == {sandbox.tgw, sandbox.far_tgw}
    assert {one["associatedGateway"]["type"] for one in found} == {"transitGateway"}
    assert allowed(dx, pair[0]) == ["10.50.0.0/16", "172.27.1.0/24"]


def test_gateways_are_listed(dx, gateway):
    found = dx.describe_direct_connect_gateways()["directConnectGateways"]
    (ours,) = [one for one in found if one["directConnectGatewayId"] == gateway]
    assert (ours["amazonSideAsn"], ours["directConnectGatewayState"]) == (64900, "available")


@pytest.mark.parametrize("overlap", ["172.27.1.0/24", "172.27.0.0/16", "172.27.1.128/25"])
def test_prefixes_that_overlap_those_of_the_other_gateway_are_refused(dx, pair, refuse, overlap):
    with refuse("DirectConnectClientException") as refusal:
        dx.update_direct_connect_gateway_association(
            associationId=pair[1], addAllowedPrefixesToDirectConnectGateway=prefixes(overlap)
        )
    assert refusal.message
    assert allowed(dx, pair[1]) == ["10.51.0.0/16"]


def test_a_prefix_moves_when_it_is_removed_first(lab, dx, pair):
    here, there = pair
    with lab.frozen():
        answer = dx.update_direct_connect_gateway_association(
            associationId=here, removeAllowedPrefixesToDirectConnectGateway=prefixes("172.27.1.0/24")
        )["directConnectGatewayAssociation"]
        assert answer["associationState"] == "updating"
        assert association(dx, here)["associationState"] == "updating"
    associated(dx, here)
    assert allowed(dx, here) == ["10.50.0.0/16"]
    dx.update_direct_connect_gateway_association(
        associationId=there, addAllowedPrefixesToDirectConnectGateway=prefixes("172.27.1.0/24")
    )
    associated(dx, there)
    assert allowed(dx, there) == ["10.51.0.0/16", "172.27.1.0/24"]
    dx.update_direct_connect_gateway_association(
        associationId=there, removeAllowedPrefixesToDirectConnectGateway=prefixes("172.27.1.0/24")
    )
    associated(dx, there)
    dx.update_direct_connect_gateway_association(
        associationId=here, addAllowedPrefixesToDirectConnectGateway=prefixes("172.27.1.0/24")
    )
    associated(dx, here)


def test_more_prefixes_than_the_limit_are_refused(dx, pair, refuse):
    many = [f"10.60.{number}.0/24" for number in range(201)]
    with refuse("DirectConnectClientException"):
        dx.update_direct_connect_gateway_association(
            associationId=pair[0], addAllowedPrefixesToDirectConnectGateway=prefixes(*many)
        )


def test_unknown_associations_and_gateways_are_refused(dx, refuse, sandbox):
    with refuse("DirectConnectClientException"):
        dx.update_direct_connect_gateway_association(
            associationId="00000000-0000-4000-8000-000000000000",
            addAllowedPrefixesToDirectConnectGateway=prefixes("10.70.0.0/16"),
        )
    with refuse("DirectConnectClientException"):
        associate(dx, "00000000-0000-4000-8000-000000000000", sandbox.tgw, "10.70.0.0/16")


def test_every_region_answers_for_the_global_gateways(aws, gateway):
    osaka = aws.client("directconnect", aws.osaka)
    found = osaka.describe_direct_connect_gateways(directConnectGatewayId=gateway)["directConnectGateways"]
    assert len(found) == 1


def test_an_association_is_an_attachment_of_the_transit_gateway(ec2, pair, sandbox, gateway):
    found = ec2.describe_transit_gateway_attachments(
        Filters=[
            {"Name": "transit-gateway-id", "Values": [sandbox.tgw]},
            {"Name": "resource-type", "Values": ["direct-connect-gateway"]},
        ]
    )["TransitGatewayAttachments"]
    assert [one["ResourceId"] for one in found] == [gateway]
