# EC2 and NC2 in Tokyo, NC2 in Osaka: a Transit Gateway with a VPN in each region, peered.

locals {
  tokyo_region = "ap-northeast-1"
  osaka_region = "ap-northeast-3"
  seoul_region = "ap-northeast-2"

  moved = var.ec2_vpc.moved_networks

  # The other NC2 VPC is reached over the Transit Gateways, or over the VPC peering connection.
  tokyo_over_tgw = var.replication_over_vpc_peering ? [] : [var.tokyo.cidr_block]
  osaka_over_tgw = var.replication_over_vpc_peering ? [] : [var.osaka.cidr_block]
}

provider "aws" {
  region = local.tokyo_region
}

provider "aws" {
  alias  = "osaka"
  region = local.osaka_region
}

# ---- VPCs of NC2 ------------------------------------------------------------------------------------------------------

module "nc2_tokyo" {
  source = "../../modules/nc2-vpc"

  name                  = "${var.name}-nc2-tokyo"
  cidr_block            = var.tokyo.cidr_block
  availability_zone     = var.tokyo.availability_zone
  subnets               = var.tokyo.subnets
  on_prem_prefixes      = var.on_prem_prefixes
  overlay_peer_prefixes = [var.osaka.cidr_block, var.ec2_vpc.cidr_block]
  nc2_cluster_uuid      = var.tokyo.nc2_cluster_uuid
  tags                  = var.tags
}

module "nc2_osaka" {
  source    = "../../modules/nc2-vpc"
  providers = { aws = aws.osaka }

  name                  = "${var.name}-nc2-osaka"
  cidr_block            = var.osaka.cidr_block
  availability_zone     = var.osaka.availability_zone
  subnets               = var.osaka.subnets
  on_prem_prefixes      = var.on_prem_prefixes
  overlay_peer_prefixes = [var.tokyo.cidr_block, var.ec2_vpc.cidr_block]
  nc2_cluster_uuid      = var.osaka.nc2_cluster_uuid
  tags                  = var.tags
}

# ---- Transit Gateways -------------------------------------------------------------------------------------------------

module "transit_tokyo" {
  source = "../../modules/transit"

  name            = "${var.name}-tokyo"
  amazon_side_asn = var.tokyo.transit_gateway_asn
  moved_prefixes  = local.moved

  vpc_attachments = {
    ec2 = {
      vpc_id     = var.ec2_vpc.vpc_id
      subnet_ids = var.ec2_vpc.attachment_subnet_ids
      return_routes = {
        route_table_ids = { for id in var.ec2_vpc.route_table_ids : id => id }
        destinations    = concat(var.on_prem_prefixes, [var.tokyo.cidr_block, var.osaka.cidr_block])
      }
    }
    nc2 = {
      vpc_id     = module.nc2_tokyo.vpc_id
      subnet_ids = module.nc2_tokyo.attachment_subnet_ids
      return_routes = {
        route_table_ids = module.nc2_tokyo.route_table_ids
        destinations    = concat(var.on_prem_prefixes, local.osaka_over_tgw, var.ec2_vpc.remaining_networks)
      }
    }
  }

  vpn_connections = {
    tokyo-vpn = {
      customer_gateway_address = var.tokyo.customer_gateway_address
      customer_gateway_asn     = var.tokyo.customer_gateway_asn
    }
  }

  tags = var.tags
}

module "transit_osaka" {
  source    = "../../modules/transit"
  providers = { aws = aws.osaka }

  name            = "${var.name}-osaka"
  amazon_side_asn = var.osaka.transit_gateway_asn
  moved_prefixes  = local.moved

  vpc_attachments = {
    nc2 = {
      vpc_id     = module.nc2_osaka.vpc_id
      subnet_ids = module.nc2_osaka.attachment_subnet_ids
      return_routes = {
        route_table_ids = module.nc2_osaka.route_table_ids
        destinations    = concat(var.on_prem_prefixes, local.tokyo_over_tgw, var.ec2_vpc.remaining_networks)
      }
    }
  }

  vpn_connections = {
    osaka-vpn = {
      customer_gateway_address = var.osaka.customer_gateway_address
      customer_gateway_asn     = var.osaka.customer_gateway_asn
    }
  }

  tags = var.tags
}

# The table "peering" gets no route over the peering: a packet that came over it is never sent back.
# Osaka announces the CIDR of the EC2 VPC, shorter than the networks that Tokyo announces: on-prem prefers Tokyo, and uses
# Osaka when the VPN of Tokyo is lost.
module "transit_peering" {
  source    = "../../modules/transit-peering"
  providers = { aws.requester = aws, aws.accepter = aws.osaka }

  name           = "${var.name}-tokyo-osaka"
  moved_prefixes = local.moved

  requester = {
    transit_gateway_id         = module.transit_tokyo.transit_gateway_id
    association_route_table_id = module.transit_tokyo.route_table_ids["peering"]
    route_table_ids            = { for table in ["edge", "vpc"] : table => module.transit_tokyo.route_table_ids[table] }
    destinations               = [var.osaka.cidr_block]
  }

  accepter = {
    transit_gateway_id         = module.transit_osaka.transit_gateway_id
    association_route_table_id = module.transit_osaka.route_table_ids["peering"]
    route_table_ids            = { for table in ["edge", "vpc"] : table => module.transit_osaka.route_table_ids[table] }
    destinations               = [var.tokyo.cidr_block, var.ec2_vpc.cidr_block]
  }

  tags = var.tags
}

module "vpc_peering" {
  source    = "../../modules/vpc-peering"
  providers = { aws.requester = aws, aws.accepter = aws.osaka }
  count     = var.replication_over_vpc_peering ? 1 : 0

  name = "${var.name}-nc2"

  requester = {
    vpc_id          = module.nc2_tokyo.vpc_id
    cidr_block      = var.tokyo.cidr_block
    route_table_ids = { main = module.nc2_tokyo.route_table_ids["main"] }
  }

  accepter = {
    vpc_id          = module.nc2_osaka.vpc_id
    cidr_block      = var.osaka.cidr_block
    route_table_ids = { main = module.nc2_osaka.route_table_ids["main"] }
  }

  tags = var.tags
}

# ---- State, capture, rights -------------------------------------------------------------------------------------------

module "state_table" {
  source = "../../modules/state-table"

  name           = "${var.name}-stayput"
  consistency    = var.state_table_consistency
  replica_region = local.osaka_region
  witness_region = local.seoul_region
  tags           = var.tags
}

module "capture_document" {
  source = "../../modules/capture-document"

  name                = "${var.name}-stayput-capture"
  linux_script_file   = "${path.module}/../../../guest/capture.sh"
  windows_script_file = "${path.module}/../../../guest/capture.ps1"
  tags                = var.tags
}

module "iam_policies" {
  source = "../../modules/iam-policies"

  name                  = "${var.name}-stayput"
  regions               = [local.tokyo_region, local.osaka_region]
  route_table_arns      = concat(values(module.transit_tokyo.route_table_arns), values(module.transit_osaka.route_table_arns))
  attachment_arns       = concat(values(module.transit_tokyo.vpc_attachment_arns), values(module.transit_osaka.vpc_attachment_arns), values(module.transit_peering.attachment_arns))
  state_table_arns      = values(module.state_table.arns)
  capture_document_arns = [module.capture_document.arn]
  instance_tags         = var.instance_tags
  tags                  = var.tags
}
