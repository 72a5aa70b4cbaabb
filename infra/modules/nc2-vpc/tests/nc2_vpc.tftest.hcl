mock_provider "aws" {
  mock_resource "aws_vpc" {
    defaults = {
      id                  = "vpc-0123456789abcdef0"
      main_route_table_id = "rtb-0aaaaaaaaaaaaaaaa"
    }
  }
  mock_resource "aws_route_table" {
    defaults = { id = "rtb-0bbbbbbbbbbbbbbbb" }
  }
}

variables {
  name              = "nc2-tokyo"
  cidr_block        = "10.101.0.0/16"
  availability_zone = "ap-northeast-1a"
  subnets = {
    public        = "10.101.0.0/24"
    private       = "10.101.1.0/24"
    cluster       = "10.101.2.0/24"
    prism_central = "10.101.3.0/24"
    flow          = "10.101.4.0/24"
  }
  on_prem_prefixes      = ["10.0.0.0/16"]
  overlay_peer_prefixes = ["10.102.0.0/16"]
}

run "subnets_of_nc2_use_the_main_table" {
  assert {
    condition     = sort(keys(aws_route_table_association.main)) == tolist(["cluster", "flow", "prism_central", "private"])
    error_message = "The private, cluster, Prism Central and Flow subnets must be associated with the main table."
  }
  assert {
    condition     = alltrue([for association in aws_route_table_association.main : association.route_table_id == "rtb-0aaaaaaaaaaaaaaaa"])
    error_message = "These subnets must use the VPC's main table, because NC2 writes into no other table."
  }
  assert {
    condition     = aws_route_table_association.public.route_table_id == "rtb-0bbbbbbbbbbbbbbbb"
    error_message = "The public subnet must have its own table."
  }
  assert {
    condition     = aws_route.main_default[0].route_table_id == "rtb-0aaaaaaaaaaaaaaaa" && aws_route.main_default[0].gateway_id == null
    error_message = "The default route of the main table must lead to the NAT gateway."
  }
  assert {
    condition     = output.attachment_subnet_ids == [aws_subnet.this["private"].id]
    error_message = "The subnet for the attachment must use the main table."
  }
}

run "security_group_admits_both_directions" {
  assert {
    condition = toset([for rule in aws_vpc_security_group_ingress_rule.overlay : rule.cidr_ipv4]) == toset(["10.0.0.0/16", "10.102.0.0/16"]) && (
      toset([for rule in aws_vpc_security_group_egress_rule.overlay : rule.cidr_ipv4]) == toset(["10.0.0.0/16", "10.102.0.0/16"])
    )
    error_message = "On-prem and the overlay's peers must be admitted in both directions."
  }
  assert {
    condition     = !anytrue([for key in keys(aws_security_group.overlay.tags) : strcontains(key, "nutanix")])
    error_message = "Without a cluster UUID NC2 must not attach the group."
  }
}

run "with_a_cluster_uuid_nc2_attaches_the_group" {
  variables {
    nc2_cluster_uuid = "0005f1ab-0000-0000-0000-000000000001"
  }
  assert {
    condition     = aws_security_group.overlay.tags["nutanix:clusters:external:networks"] == "10.101.4.0/24"
    error_message = "The group must be limited to the Flow subnet."
  }
}

run "without_a_nat_gateway_no_default_route_is_written" {
  variables {
    create_nat_gateway = false
  }
  assert {
    condition     = length(aws_route.main_default) == 0 && length(aws_eip.nat) == 0 && output.nat_public_ip == null
    error_message = "No NAT gateway, no address, no route."
  }
}

run "cidr_that_overlaps_on_prem_is_refused" {
  command = plan
  variables {
    on_prem_prefixes = ["10.0.0.0/8"]
  }
  expect_failures = [aws_vpc.this]
}

run "cidr_that_nc2_uses_is_refused" {
  command = plan
  variables {
    cidr_block = "192.168.0.0/16"
  }
  expect_failures = [var.cidr_block]
}

run "default_route_as_on_prem_prefix_is_refused" {
  command = plan
  variables {
    on_prem_prefixes = ["0.0.0.0/0"]
  }
  expect_failures = [var.on_prem_prefixes]
}
