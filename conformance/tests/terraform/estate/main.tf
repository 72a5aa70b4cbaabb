# A small estate beside the scenario's: read what is there, attach a VPC of our own, peer a Transit Gateway of our own.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

# Endpoint, CA and keys come from the environment.
provider "aws" {
  region                      = "ap-northeast-1"
  skip_metadata_api_check     = true
  skip_credentials_validation = false
  max_retries                 = 1

  default_tags {
    tags = { Estate = "conformance" }
  }
}

provider "aws" {
  alias                   = "osaka"
  region                  = "ap-northeast-3"
  skip_metadata_api_check = true
  max_retries             = 1
}

variable "moved" {
  description = "Whether the prefix has moved: to a blackhole, so that a route changes its target."
  type        = bool
  default     = false
}

# ---- What is there ----------------------------------------------------------------------------------------------------

data "aws_caller_identity" "me" {}

data "aws_vpc" "legacy" {
  tags = { Name = "legacy" }
}

data "aws_subnets" "legacy" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.legacy.id]
  }
}

data "aws_subnet" "app" {
  vpc_id     = data.aws_vpc.legacy.id
  cidr_block = "172.30.1.0/24"
}

data "aws_route_table" "legacy" {
  vpc_id = data.aws_vpc.legacy.id
  filter {
    name   = "association.main"
    values = ["true"]
  }
}

data "aws_instances" "wave" {
  instance_tags        = { Wave = "1" }
  instance_state_names = ["running"]
}

data "aws_instance" "web" {
  filter {
    name   = "tag:Name"
    values = ["web-01"]
  }
}

data "aws_ec2_transit_gateway" "tokyo" {
  filter {
    name   = "tag:Name"
    values = ["tokyo"]
  }
}

data "aws_ec2_transit_gateway" "osaka" {
  provider = aws.osaka
  filter {
    name   = "tag:Name"
    values = ["osaka"]
  }
}

data "aws_ec2_transit_gateway_vpc_attachment" "legacy" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.legacy.id]
  }
}

# ---- A VPC of our own -------------------------------------------------------------------------------------------------

resource "aws_vpc" "own" {
  cidr_block           = "10.240.0.0/16"
  enable_dns_hostnames = true
  tags                 = { Name = "terraform" }
}

resource "aws_subnet" "own" {
  count             = 2
  vpc_id            = aws_vpc.own.id
  cidr_block        = cidrsubnet(aws_vpc.own.cidr_block, 8, count.index + 1)
  availability_zone = "ap-northeast-1${element(["a", "c"], count.index)}"
  tags              = { Name = "terraform-${count.index}" }
}

resource "aws_route_table" "own" {
  vpc_id = aws_vpc.own.id
  tags   = { Name = "terraform" }
}

resource "aws_route_table_association" "own" {
  count          = length(aws_subnet.own)
  subnet_id      = aws_subnet.own[count.index].id
  route_table_id = aws_route_table.own.id
}

resource "aws_route" "on_prem" {
  route_table_id         = aws_route_table.own.id
  destination_cidr_block = "10.0.0.0/16"
  transit_gateway_id     = data.aws_ec2_transit_gateway.tokyo.id
  depends_on             = [aws_ec2_transit_gateway_vpc_attachment.own]
}

# ---- Attached, with a table of its own --------------------------------------------------------------------------------

resource "aws_ec2_transit_gateway_vpc_attachment" "own" {
  transit_gateway_id                              = data.aws_ec2_transit_gateway.tokyo.id
  vpc_id                                          = aws_vpc.own.id
  subnet_ids                                      = aws_subnet.own[*].id
  transit_gateway_default_route_table_association = false
  transit_gateway_default_route_table_propagation = false
  tags                                            = { Name = "terraform" }
}

resource "aws_ec2_transit_gateway_route_table" "own" {
  transit_gateway_id = data.aws_ec2_transit_gateway.tokyo.id
  tags               = { Name = "terraform" }
}

resource "aws_ec2_transit_gateway_route_table_association" "own" {
  transit_gateway_attachment_id  = aws_ec2_transit_gateway_vpc_attachment.own.id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.own.id
}

resource "aws_ec2_transit_gateway_route_table_propagation" "legacy" {
  transit_gateway_attachment_id  = data.aws_ec2_transit_gateway_vpc_attachment.legacy.id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.own.id
}

resource "aws_ec2_transit_gateway_route" "prefix" {
  destination_cidr_block         = "172.26.1.0/24"
  transit_gateway_attachment_id  = var.moved ? null : data.aws_ec2_transit_gateway_vpc_attachment.legacy.id
  blackhole                      = var.moved
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.own.id
}

resource "aws_ec2_transit_gateway_route" "nowhere" {
  destination_cidr_block         = "172.26.0.0/16"
  blackhole                      = true
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.own.id
}

# ---- A gateway of our own, peered with Osaka's ------------------------------------------------------------------------

resource "aws_ec2_transit_gateway" "own" {
  description                     = "conformance"
  amazon_side_asn                 = 64800
  default_route_table_association = "disable"
  default_route_table_propagation = "disable"
  tags                            = { Name = "terraform" }
}

resource "aws_ec2_transit_gateway_peering_attachment" "own" {
  transit_gateway_id      = aws_ec2_transit_gateway.own.id
  peer_transit_gateway_id = data.aws_ec2_transit_gateway.osaka.id
  peer_region             = "ap-northeast-3"
  peer_account_id         = data.aws_caller_identity.me.account_id
  tags                    = { Name = "terraform requester" }
}

resource "aws_ec2_transit_gateway_peering_attachment_accepter" "own" {
  provider                      = aws.osaka
  transit_gateway_attachment_id = aws_ec2_transit_gateway_peering_attachment.own.id
  tags                          = { Name = "terraform accepter" }
}

# ---- The edge, and where facts are kept --------------------------------------------------------------------------------

resource "aws_dx_gateway" "own" {
  name            = "terraform"
  amazon_side_asn = "64990"
}

resource "aws_dx_gateway_association" "own" {
  dx_gateway_id         = aws_dx_gateway.own.id
  associated_gateway_id = aws_ec2_transit_gateway.own.id
  allowed_prefixes      = ["10.240.0.0/16", "172.26.1.0/24"]
}

resource "aws_dynamodb_table" "facts" {
  name         = "terraform-facts"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "InstanceId"

  attribute {
    name = "InstanceId"
    type = "S"
  }
}

# ---- For the test -----------------------------------------------------------------------------------------------------

output "account" {
  value = data.aws_caller_identity.me.account_id
}

output "app_subnet" {
  value = data.aws_subnet.app.cidr_block
}

output "legacy_subnets" {
  value = length(data.aws_subnets.legacy.ids)
}

output "legacy_routes" {
  value = [for route in data.aws_route_table.legacy.routes : route.cidr_block]
}

output "wave" {
  value = sort(data.aws_instances.wave.private_ips)
}

output "table" {
  value = aws_ec2_transit_gateway_route_table.own.id
}

output "peering" {
  value = aws_ec2_transit_gateway_peering_attachment.own.id
}

output "web" {
  value = {
    address     = data.aws_instance.web.private_ip
    secondaries = data.aws_instance.web.secondary_private_ips
  }
}

# ---- The landing zone's document for capturing in guests ------------------------------------------------------------------

module "capture" {
  source = "./capture-document"

  name                = "conformance-capture"
  linux_script_file   = "capture.sh"
  windows_script_file = "capture.ps1"
}

output "capture_document" {
  value = module.capture.name
}

output "capture_version" {
  value = module.capture.version
}

output "web_instance" {
  value = data.aws_instance.web.id
}
