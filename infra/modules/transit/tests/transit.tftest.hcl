mock_provider "aws" {
  mock_resource "aws_ec2_transit_gateway" {
    defaults = { id = "tgw-0123456789abcdef0", arn = "arn:aws:ec2:ap-northeast-1:111122223333:transit-gateway/tgw-0123456789abcdef0" }
  }
}

variables {
  name            = "tokyo"
  amazon_side_asn = 64512
  moved_prefixes  = ["172.30.1.0/24", "172.30.3.0/24"]
  vpc_attachments = {
    ec2 = {
      vpc_id     = "vpc-0ec20000000000000"
      subnet_ids = ["subnet-0ec20000000000000"]
      return_routes = {
        route_table_ids = { main = "rtb-0ec20000000000000" }
        destinations    = ["10.0.0.0/16", "10.101.0.0/16"]
      }
    }
    nc2 = {
      vpc_id     = "vpc-0c200000000000000"
      subnet_ids = ["subnet-0c200000000000000"]
      return_routes = {
        route_table_ids = { main = "rtb-0aaaaaaaaaaaaaaaa", public = "rtb-0bbbbbbbbbbbbbbbb" }
        destinations    = ["10.0.0.0/16", "172.30.2.0/24"]
      }
    }
  }
  vpn_connections = {
    tokyo-vpn = { customer_gateway_address = "203.0.113.10" }
  }
}

run "no_default_association_or_propagation" {
  assert {
    condition = (
      aws_ec2_transit_gateway.this.default_route_table_association == "disable" &&
      aws_ec2_transit_gateway.this.default_route_table_propagation == "disable"
    )
    error_message = "The Transit Gateway must have no default table."
  }
  assert {
    condition = alltrue([
      for attachment in aws_ec2_transit_gateway_vpc_attachment.this :
      !attachment.transit_gateway_default_route_table_association && !attachment.transit_gateway_default_route_table_propagation
    ])
    error_message = "No attachment may use a default table."
  }
}

run "return_routes_to_on_prem_exist_in_all_tables" {
  assert {
    condition = toset([for route in aws_route.return : route.route_table_id if route.destination_cidr_block == "10.0.0.0/16"]) == toset([
      "rtb-0ec20000000000000", "rtb-0aaaaaaaaaaaaaaaa", "rtb-0bbbbbbbbbbbbbbbb"
    ])
    error_message = "Each table of each VPC needs the route to on-prem."
  }
  assert {
    condition     = alltrue([for route in aws_route.return : route.transit_gateway_id == "tgw-0123456789abcdef0"])
    error_message = "Return routes must lead to the Transit Gateway."
  }
}

run "vpcs_and_vpn_have_explicit_tables" {
  assert {
    condition = (
      aws_ec2_transit_gateway_route_table_association.vpc["nc2"].transit_gateway_route_table_id == output.route_table_ids["vpc"] &&
      aws_ec2_transit_gateway_route_table_association.vpn["tokyo-vpn"].transit_gateway_route_table_id == output.route_table_ids["edge"]
    )
    error_message = "VPCs must use the table vpc and the VPN the table edge."
  }
  assert {
    condition     = sort(keys(aws_ec2_transit_gateway_route_table_propagation.vpn)) == tolist(["tokyo-vpn peering", "tokyo-vpn vpc"])
    error_message = "On-prem prefixes must not be propagated into the table for packets from on-prem."
  }
  assert {
    condition     = length(aws_ec2_transit_gateway_route.static) == 0
    error_message = "There must be no static route that is not named."
  }
}

run "attachment_arns_are_derived_from_the_transit_gateway" {
  assert {
    condition     = output.vpc_attachment_arns["nc2"] == "arn:aws:ec2:ap-northeast-1:111122223333:transit-gateway-attachment/${output.vpc_attachment_ids["nc2"]}"
    error_message = "The ARN must name the attachment in the account and region of the Transit Gateway."
  }
}

run "static_vpn_has_static_routes_and_no_propagation" {
  variables {
    vpn_connections = {
      tokyo-vpn = { customer_gateway_address = "203.0.113.10", static_prefixes = ["10.0.0.0/16"] }
    }
  }
  assert {
    condition     = aws_vpn_connection.this["tokyo-vpn"].static_routes_only && length(aws_ec2_transit_gateway_route_table_propagation.vpn) == 0
    error_message = "A VPN with static prefixes must not use BGP."
  }
  assert {
    condition     = sort(keys(aws_ec2_transit_gateway_route.vpn)) == tolist(["tokyo-vpn peering 10.0.0.0/16", "tokyo-vpn vpc 10.0.0.0/16"])
    error_message = "The on-prem prefix must be a static route in each table."
  }
  assert {
    condition     = output.edges["tokyo-vpn"].kind == "static-vpn"
    error_message = "The edge must be reported as a static VPN."
  }
}

run "direct_connect_gateway_is_associated" {
  variables {
    direct_connect_gateways = {
      tokyo-dx = { gateway_id = "00000000-0000-0000-0000-000000000001", allowed_prefixes = ["172.30.0.0/16"] }
    }
  }
  assert {
    condition     = aws_ec2_transit_gateway_route_table_association.direct_connect["tokyo-dx"].transit_gateway_route_table_id == output.route_table_ids["edge"]
    error_message = "The Direct Connect gateway must use the table edge."
  }
  assert {
    condition     = output.edges["tokyo-dx"].kind == "direct-connect" && output.edges["tokyo-dx"].gateway == "00000000-0000-0000-0000-000000000001"
    error_message = "The edge must name its gateway."
  }
}

run "one_table_for_everything_is_possible" {
  variables {
    route_tables = ["main"]
    vpc_attachments = {
      nc2 = { vpc_id = "vpc-0c200000000000000", subnet_ids = ["subnet-0c200000000000000"], route_table = "main", propagate_to = ["main"] }
    }
    vpn_connections = {
      tokyo-vpn = { customer_gateway_address = "203.0.113.10", route_table = "main", propagate_to = ["main"] }
    }
    static_routes = {
      unused = { route_table = "main", destination = "172.31.0.0/16", blackhole = true }
    }
  }
  assert {
    condition     = length(output.route_table_ids) == 1 && aws_ec2_transit_gateway_route.static["unused"].blackhole
    error_message = "The Transit Gateway must have one table, with the blackhole."
  }
}

run "return_route_that_covers_a_moved_network_is_refused" {
  command = plan
  variables {
    vpc_attachments = {
      nc2 = {
        vpc_id     = "vpc-0c200000000000000"
        subnet_ids = ["subnet-0c200000000000000"]
        return_routes = {
          route_table_ids = { main = "rtb-0aaaaaaaaaaaaaaaa" }
          destinations    = ["172.16.0.0/12"]
        }
      }
    }
  }
  expect_failures = [aws_route.return]
}

run "static_route_in_a_moved_network_is_refused" {
  command = plan
  variables {
    static_routes = {
      app = { route_table = "vpc", destination = "172.30.1.0/24", vpc_attachment = "nc2" }
    }
  }
  expect_failures = [aws_ec2_transit_gateway_route.static]
}

run "static_route_with_two_targets_is_refused" {
  command = plan
  variables {
    static_routes = {
      app = { route_table = "vpc", destination = "172.31.0.0/16", vpc_attachment = "nc2", blackhole = true }
    }
  }
  expect_failures = [var.static_routes]
}
