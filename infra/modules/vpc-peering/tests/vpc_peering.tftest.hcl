mock_provider "aws" {
  alias = "requester"
}

mock_provider "aws" {
  alias = "accepter"
  mock_resource "aws_vpc_peering_connection_accepter" {
    defaults = { id = "pcx-0123456789abcdef0" }
  }
  mock_data "aws_region" {
    defaults = { id = "ap-northeast-3" }
  }
}

variables {
  name = "tokyo-osaka"
  requester = {
    vpc_id          = "vpc-0aaaaaaaaaaaaaaaa"
    cidr_block      = "10.101.0.0/16"
    route_table_ids = { main = "rtb-0aaaaaaaaaaaaaaaa" }
  }
  accepter = {
    vpc_id          = "vpc-0bbbbbbbbbbbbbbbb"
    cidr_block      = "10.102.0.0/16"
    route_table_ids = { main = "rtb-0bbbbbbbbbbbbbbbb", public = "rtb-0bbbbbbbbbbbbbbb1" }
  }
}

run "routes_to_the_other_vpc_exist_on_both_sides" {
  assert {
    condition     = aws_route.requester["main"].destination_cidr_block == "10.102.0.0/16" && aws_route.requester["main"].vpc_peering_connection_id == "pcx-0123456789abcdef0"
    error_message = "The requester needs a route to the accepter."
  }
  assert {
    condition     = length(aws_route.accepter) == 2 && alltrue([for route in aws_route.accepter : route.destination_cidr_block == "10.101.0.0/16"])
    error_message = "Each table of the accepter needs a route to the requester."
  }
}

run "overlapping_vpcs_are_refused" {
  command = plan
  variables {
    accepter = {
      vpc_id          = "vpc-0bbbbbbbbbbbbbbbb"
      cidr_block      = "10.101.128.0/17"
      route_table_ids = {}
    }
  }
  expect_failures = [aws_vpc_peering_connection.this]
}
