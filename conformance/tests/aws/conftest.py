"""boto3 clients of the lab, and the objects of the scenario by their Name tags."""

import os
import uuid

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config

from lab_control import until

TOKYO = "ap-northeast-1"
OSAKA = "ap-northeast-3"


class Aws:
    """boto3 as a user has it: endpoint, CA and keys come from the environment."""

    tokyo = TOKYO
    osaka = OSAKA

    def __init__(self):
        self._clients = {}

    def client(self, service, region=TOKYO, **keys):
        """A client; `keys` may replace the credentials of the environment."""
        name = (service, region, tuple(sorted(keys.items())))
        if name not in self._clients:
            config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30)
            self._clients[name] = boto3.client(service, region_name=region, config=config, **keys)
        return self._clients[name]

    @property
    def ec2(self):
        """EC2 in Tokyo."""
        return self.client("ec2")

    def named(self, operation, key, name, region=TOKYO):
        """The only object of a describe call with this Name tag."""
        ec2 = self.client("ec2", region)
        pages = ec2.get_paginator(operation).paginate(Filters=[{"Name": "tag:Name", "Values": [name]}])
        found = [thing for page in pages for thing in page[key]]
        assert len(found) == 1, f"{name}: {found}"
        return found[0]

    def tgw(self, name, region=TOKYO):
        return self.named("describe_transit_gateways", "TransitGateways", name, region)["TransitGatewayId"]

    def table(self, name, region=TOKYO):
        found = self.named("describe_transit_gateway_route_tables", "TransitGatewayRouteTables", name, region)
        return found["TransitGatewayRouteTableId"]

    def attachment(self, name, region=TOKYO):
        found = self.named("describe_transit_gateway_attachments", "TransitGatewayAttachments", name, region)
        return found["TransitGatewayAttachmentId"]

    def vpc(self, name, region=TOKYO):
        return self.named("describe_vpcs", "Vpcs", name, region)["VpcId"]

    def instance(self, name, region=TOKYO):
        found = self.named("describe_instances", "Reservations", name, region)
        return found["Instances"][0]

    def search(self, table, region=TOKYO, **filters):
        """Routes of a TGW table; filters by name with `_` for `-` and `.`-less prefixes left out."""
        names = {
            "exact": "route-search.exact-match",
            "longest": "route-search.longest-prefix-match",
            "within": "route-search.subnet-of-match",
            "around": "route-search.supernet-of-match",
            "attachment": "attachment.transit-gateway-attachment-id",
            "resource": "attachment.resource-id",
            "resource_type": "attachment.resource-type",
        }
        wanted = [{"Name": names.get(name, name), "Values": [value]} for name, value in filters.items()]
        pages = (
            self.client("ec2", region)
            .get_paginator("search_transit_gateway_routes")
            .paginate(
                TransitGatewayRouteTableId=table,
                Filters=wanted or [{"Name": "state", "Values": ["active", "blackhole", "pending"]}],
            )
        )
        return [route for page in pages for route in page["Routes"]]


@pytest.fixture(scope="session")
def aws():
    return Aws()


@pytest.fixture(scope="session")
def ec2(aws):
    return aws.ec2


class Refusal:
    """The error of a refused AWS call; set when the block ends."""

    code = ""
    message = ""
    status = 0
    response = None


class refused:
    """Expects the block to be refused with one of these error codes."""

    def __init__(self, *codes):
        self.codes = codes
        self.refusal = Refusal()

    def __enter__(self):
        return self.refusal

    def __exit__(self, kind, error, trace):
        if error is None:
            raise AssertionError(f"expected {' or '.join(self.codes)}, but the call went through")
        if not isinstance(error, botocore.exceptions.ClientError):
            return False
        seen = error.response["Error"]["Code"]
        assert seen in self.codes, f"expected {' or '.join(self.codes)}, got {seen}: {error}"
        self.refusal.code = seen
        self.refusal.message = error.response["Error"].get("Message", "")
        self.refusal.status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        self.refusal.response = error.response
        return True


@pytest.fixture(scope="session")
def refuse():
    """`with refuse("Code") as refusal:` expects an AWS error."""
    return refused


class Sandbox:
    """Two Transit Gateways for tests, one in each region, with VPCs to attach: no object of the scenario is changed."""

    def __init__(self, aws):
        self.aws = aws
        self.ec2 = aws.ec2
        self.far = aws.client("ec2", OSAKA)
        self.tgw = self._tgw(self.ec2, 64700)
        self.far_tgw = self._tgw(self.far, 64701)

    @staticmethod
    def _tgw(ec2, asn):
        made = ec2.create_transit_gateway(
            Description="conformance",
            Options={
                "AmazonSideAsn": asn,
                "DefaultRouteTableAssociation": "disable",
                "DefaultRouteTablePropagation": "disable",
            },
        )["TransitGateway"]
        tgw = made["TransitGatewayId"]
        until(
            lambda: (
                ec2.describe_transit_gateways(TransitGatewayIds=[tgw])["TransitGateways"][0]["State"] == "available"
            ),
            "the Transit Gateway",
        )
        return tgw

    def table(self, region=TOKYO):
        """A new route table."""
        ec2, tgw = (self.ec2, self.tgw) if region == TOKYO else (self.far, self.far_tgw)
        made = ec2.create_transit_gateway_route_table(TransitGatewayId=tgw)["TransitGatewayRouteTable"]
        table = made["TransitGatewayRouteTableId"]
        until(
            lambda: (
                ec2.describe_transit_gateway_route_tables(TransitGatewayRouteTableIds=[table])[
                    "TransitGatewayRouteTables"
                ][0]["State"]
                == "available"
            ),
            "the route table",
        )
        return table

    def vpc(self, cidr, subnet):
        """A VPC with one subnet: their ids."""
        vpc = self.ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
        made = self.ec2.create_subnet(VpcId=vpc, CidrBlock=subnet)["Subnet"]["SubnetId"]
        return vpc, made

    def attach(self, vpc, subnet):
        """Attaches a VPC and waits until it is attached: the attachment's id."""
        made = self.ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=self.tgw, VpcId=vpc, SubnetIds=[subnet])[
            "TransitGatewayVpcAttachment"
        ]["TransitGatewayAttachmentId"]
        until(lambda: self.state(made) == "available", "the attachment")
        return made

    def attached(self, cidr, subnet):
        """A new VPC, attached: VPC id and attachment id."""
        vpc, made = self.vpc(cidr, subnet)
        return vpc, self.attach(vpc, made)

    def state(self, attachment, region=TOKYO):
        """State of an attachment."""
        found = self.aws.client("ec2", region).describe_transit_gateway_attachments(
            TransitGatewayAttachmentIds=[attachment]
        )["TransitGatewayAttachments"]
        return found[0]["State"]


@pytest.fixture(scope="session")
def sandbox(aws):
    return Sandbox(aws)


@pytest.fixture
def fresh_name():
    """A unique name."""
    return f"conformance-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def account_environment():
    """The environment a command-line client is run in."""
    return dict(os.environ)
