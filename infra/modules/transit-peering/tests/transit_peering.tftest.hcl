mock_provider "aws" {
  alias = "requester"
  mock_data "aws_region" {
    defaults = { id = "ap-northeast-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
}

mock_provider "aws" {
  alias = "accepter"
  mock_resource "aws_ec2_transit_gateway_peering_attachment_accepter" {
    defaults = { id = "tgw-attach-0123456789abcdef0" }
  }
  mock_data "aws_region" {
    defaults = { id = "ap-northeast-3" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  name = "tokyo-osaka"
  requester = {
    transit_gateway_id         = "tgw-0aaaaaaaaaaaaaaaa"
    association_route_table_id = "tgw-rtb-0aaaaaaaaaaaaaaa1"
    route_table_ids            = { edge = "tgw-rtb-0aaaaaaaaaaaaaaa2", vpc = "tgw-rtb-0aaaaaaaaaaaaaaa3" }
    destinations               = ["10.102.0.0/16"]
  }
  accepter = {
    transit_gateway_id         = "tgw-0bbbbbbbbbbbbbbbb"
    association_route_table_id = "tgw-rtb-0bbbbbbbbbbbbbbb1"
    route_table_ids            = { edge = "tgw-rtb-0bbbbbbbbbbbbbbb2", vpc = "tgw-rtb-0bbbbbbbbbbbbbbb3" }
    destinations               = ["10.101.0.0/16", "172.30.0.0/16"]
  }
  moved_prefixes = ["172.30.1.0/24"]
}

run "peering_is_accepted_and_associated_on_both_sides" {
  assert {
    condition     = aws_ec2_transit_gateway_peering_attachment.this.peer_region == "ap-northeast-3" && aws_ec2_transit_gateway_peering_attachment.this.peer_account_id == "111122223333"
    error_message = "The peering must name the accepter's region and account."
  }
  assert {
    condition = alltrue([
      for association in [aws_ec2_transit_gateway_route_table_association.requester, aws_ec2_transit_gateway_route_table_association.accepter] :
      association.transit_gateway_attachment_id == "tgw-attach-0123456789abcdef0"
    ])
    error_message = "The accepted attachment must be associated on both sides."
  }
}

run "static_routes_exist_on_both_sides" {
  assert {
    condition     = length(aws_ec2_transit_gateway_route.requester) == 2 && length(aws_ec2_transit_gateway_route.accepter) == 4
    error_message = "Each destination must be in each table."
  }
  assert {
    condition = !contains(
      [for route in aws_ec2_transit_gateway_route.requester : route.transit_gateway_route_table_id], var.requester.association_route_table_id
    )
    error_message = "Packets from the peering must not be sent back to it."
  }
}

run "attachment_arns_name_both_regions" {
  assert {
    condition = output.attachment_arns == {
      requester = "arn:aws:ec2:ap-northeast-1:111122223333:transit-gateway-attachment/tgw-attach-0123456789abcdef0"
      accepter  = "arn:aws:ec2:ap-northeast-3:111122223333:transit-gateway-attachment/tgw-attach-0123456789abcdef0"
    }
    error_message = "The attachment has an ARN in each region."
  }
}

run "destination_in_a_moved_network_is_refused" {
  command = plan
  variables {
    moved_prefixes = ["172.30.0.0/16"]
  }
  expect_failures = [aws_ec2_transit_gateway_route.accepter]
}
