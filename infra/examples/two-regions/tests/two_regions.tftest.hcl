mock_provider "aws" {
  mock_resource "aws_vpc" {
    defaults = { id = "vpc-0aaaaaaaaaaaaaaaa", main_route_table_id = "rtb-0aaaaaaaaaaaaaaaa" }
  }
  mock_resource "aws_ec2_transit_gateway" {
    defaults = { id = "tgw-0aaaaaaaaaaaaaaaa", arn = "arn:aws:ec2:ap-northeast-1:111122223333:transit-gateway/tgw-0aaaaaaaaaaaaaaaa" }
  }
  mock_resource "aws_ec2_transit_gateway_route_table" {
    defaults = { arn = "arn:aws:ec2:ap-northeast-1:111122223333:transit-gateway-route-table/tgw-rtb-0aaaaaaaaaaaaaaaa" }
  }
  mock_resource "aws_cloudformation_stack" {
    defaults = { outputs = { TableName = "estate-stayput" } }
  }
  mock_data "aws_region" {
    defaults = { id = "ap-northeast-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

mock_provider "aws" {
  alias = "osaka"
  mock_resource "aws_vpc" {
    defaults = { id = "vpc-0bbbbbbbbbbbbbbbb", main_route_table_id = "rtb-0bbbbbbbbbbbbbbbb" }
  }
  mock_resource "aws_ec2_transit_gateway" {
    defaults = { id = "tgw-0bbbbbbbbbbbbbbbb", arn = "arn:aws:ec2:ap-northeast-3:111122223333:transit-gateway/tgw-0bbbbbbbbbbbbbbbb" }
  }
  mock_resource "aws_ec2_transit_gateway_route_table" {
    defaults = { arn = "arn:aws:ec2:ap-northeast-3:111122223333:transit-gateway-route-table/tgw-rtb-0bbbbbbbbbbbbbbbb" }
  }
  mock_resource "aws_ec2_transit_gateway_peering_attachment_accepter" {
    defaults = { id = "tgw-attach-0cccccccccccccccc" }
  }
  mock_data "aws_region" {
    defaults = { id = "ap-northeast-3" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
}

variables {
  on_prem_prefixes = ["10.0.0.0/16"]
  ec2_vpc = {
    vpc_id                = "vpc-0ec20000000000000"
    cidr_block            = "172.30.0.0/16"
    attachment_subnet_ids = ["subnet-0ec20000000000000"]
    route_table_ids       = ["rtb-0ec20000000000000"]
    moved_networks        = ["172.30.1.0/24", "172.30.3.0/24"]
    remaining_networks    = ["172.30.2.0/24"]
  }
  tokyo = {
    availability_zone        = "ap-northeast-1a"
    cidr_block               = "10.101.0.0/16"
    subnets                  = { public = "10.101.0.0/24", private = "10.101.1.0/24", cluster = "10.101.2.0/24", prism_central = "10.101.3.0/24", flow = "10.101.4.0/24" }
    customer_gateway_address = "203.0.113.10"
  }
  osaka = {
    availability_zone        = "ap-northeast-3a"
    cidr_block               = "10.102.0.0/16"
    subnets                  = { public = "10.102.0.0/24", private = "10.102.1.0/24", cluster = "10.102.2.0/24", prism_central = "10.102.3.0/24", flow = "10.102.4.0/24" }
    customer_gateway_address = "203.0.113.20"
  }
}

run "output_has_all_ids_by_site" {
  assert {
    condition     = output.stayput.sites.tokyo.vpc == "vpc-0aaaaaaaaaaaaaaaa" && output.stayput.sites.osaka.vpc == "vpc-0bbbbbbbbbbbbbbbb"
    error_message = "Each site must have its VPC."
  }
  assert {
    condition     = output.stayput.sites.tokyo.route_tables.main == "rtb-0aaaaaaaaaaaaaaaa" && output.stayput.sites.osaka.route_tables.main == "rtb-0bbbbbbbbbbbbbbbb"
    error_message = "Each site must have its VPC's main table."
  }
  assert {
    condition     = output.stayput.sites.tokyo.tgw != output.stayput.sites.osaka.tgw && output.stayput.source.ec2.tgw == output.stayput.sites.tokyo.tgw
    error_message = "The sites must be on different Transit Gateways, the source on that of Tokyo."
  }
  assert {
    condition     = output.stayput.edges["tokyo-vpn"].region == "ap-northeast-1" && output.stayput.edges["osaka-vpn"].region == "ap-northeast-3"
    error_message = "Each VPN must be an edge in its region."
  }
  assert {
    condition     = output.stayput.peering == "tgw-attach-0cccccccccccccccc" && output.stayput.state_table.name == "estate-stayput"
    error_message = "The peering and the state table must be in the output."
  }
}

run "replication_over_vpc_peering_replaces_the_routes_between_the_vpcs" {
  variables {
    replication_over_vpc_peering = true
  }
  assert {
    condition     = length(module.vpc_peering) == 1 && output.stayput.vpc_peering != null
    error_message = "The VPC peering connection must exist."
  }
}
