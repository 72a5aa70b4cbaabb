# EC2 and NC2 in one region: machines move, without a second cluster for failover. On-prem is reached by a VPN, by Direct
# Connect, or by both.

provider "aws" {
  region = var.region
}

module "nc2" {
  source = "../../modules/nc2-vpc"

  name                  = "${var.name}-nc2"
  cidr_block            = var.nc2.cidr_block
  availability_zone     = var.nc2.availability_zone
  subnets               = var.nc2.subnets
  on_prem_prefixes      = var.on_prem_prefixes
  overlay_peer_prefixes = [var.ec2_vpc.cidr_block]
  nc2_cluster_uuid      = var.nc2.nc2_cluster_uuid
  tags                  = var.tags
}

module "transit" {
  source = "../../modules/transit"

  name            = var.name
  amazon_side_asn = var.transit_gateway_asn
  route_tables    = ["edge", "vpc"]
  moved_prefixes  = var.ec2_vpc.moved_networks

  vpc_attachments = {
    ec2 = {
      vpc_id       = var.ec2_vpc.vpc_id
      subnet_ids   = var.ec2_vpc.attachment_subnet_ids
      propagate_to = ["edge", "vpc"]
      return_routes = {
        route_table_ids = { for id in var.ec2_vpc.route_table_ids : id => id }
        destinations    = concat(var.on_prem_prefixes, [var.nc2.cidr_block])
      }
    }
    nc2 = {
      vpc_id       = module.nc2.vpc_id
      subnet_ids   = module.nc2.attachment_subnet_ids
      propagate_to = ["edge", "vpc"]
      return_routes = {
        route_table_ids = module.nc2.route_table_ids
        destinations    = concat(var.on_prem_prefixes, var.ec2_vpc.remaining_networks)
      }
    }
  }

  vpn_connections = {
    for name, vpn in { vpn = var.vpn } : name => merge(vpn, { propagate_to = ["vpc"] }) if vpn != null
  }

  direct_connect_gateways = {
    for name, gateway in { dx = var.direct_connect } : name => merge(gateway, { propagate_to = ["vpc"] }) if gateway != null
  }

  tags = var.tags
}

module "state_table" {
  source = "../../modules/state-table"

  name        = "${var.name}-stayput"
  consistency = "single-region"
  tags        = var.tags
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
  regions               = [var.region]
  route_table_arns      = values(module.transit.route_table_arns)
  attachment_arns       = values(module.transit.vpc_attachment_arns)
  state_table_arns      = values(module.state_table.arns)
  capture_document_arns = [module.capture_document.arn]
  instance_tags         = var.instance_tags
  tags                  = var.tags
}
