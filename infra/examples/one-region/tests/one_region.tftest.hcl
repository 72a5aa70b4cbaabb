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
  mock_data "aws_region" {
    defaults = { id = "ap-northeast-1" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  on_prem_prefixes = ["10.0.0.0/16"]
  ec2_vpc = {
    vpc_id                = "vpc-0ec20000000000000"
    cidr_block            = "172.30.0.0/16"
    attachment_subnet_ids = ["subnet-0ec20000000000000"]
    route_table_ids       = ["rtb-0ec20000000000000"]
    moved_networks        = ["172.30.1.0/24"]
  }
  nc2 = {
    availability_zone = "ap-northeast-1a"
    cidr_block        = "10.101.0.0/16"
    subnets           = { public = "10.101.0.0/24", private = "10.101.1.0/24", cluster = "10.101.2.0/24", prism_central = "10.101.3.0/24", flow = "10.101.4.0/24" }
  }
}

run "vpn_is_an_edge" {
  variables {
    vpn = { customer_gateway_address = "203.0.113.10" }
  }
  assert {
    condition     = keys(output.stayput.edges) == ["vpn"] && output.stayput.edges["vpn"].kind == "bgp-vpn"
    error_message = "The VPN must be the only edge."
  }
  assert {
    condition     = output.stayput.sites.nc2.route_tables.main == "rtb-0aaaaaaaaaaaaaaaa"
    error_message = "The site must have its VPC's main table."
  }
}

run "direct_connect_is_an_edge" {
  variables {
    direct_connect = { gateway_id = "00000000-0000-0000-0000-000000000001", allowed_prefixes = ["172.30.0.0/16"] }
  }
  assert {
    condition     = keys(output.stayput.edges) == ["dx"] && output.stayput.edges["dx"].gateway == "00000000-0000-0000-0000-000000000001"
    error_message = "The Direct Connect gateway must be the only edge."
  }
}
