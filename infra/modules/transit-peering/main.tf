locals {
  requester_routes = {
    for pair in setproduct(keys(var.requester.route_table_ids), var.requester.destinations) :
    "${pair[0]} ${pair[1]}" => { route_table_id = var.requester.route_table_ids[pair[0]], destination = pair[1] }
  }

  accepter_routes = {
    for pair in setproduct(keys(var.accepter.route_table_ids), var.accepter.destinations) :
    "${pair[0]} ${pair[1]}" => { route_table_id = var.accepter.route_table_ids[pair[0]], destination = pair[1] }
  }

  within_moved = {
    for destination in setunion(var.requester.destinations, var.accepter.destinations) : destination => anytrue([
      for moved in var.moved_prefixes :
      tonumber(split("/", moved)[1]) <= tonumber(split("/", destination)[1]) &&
      cidrhost("${split("/", destination)[0]}/${split("/", moved)[1]}", 0) == split("/", moved)[0]
    ])
  }

  # The id is the same on both sides. Taken from the accepter, it is known when the attachment is available.
  attachment_id = aws_ec2_transit_gateway_peering_attachment_accepter.this.id
}

data "aws_partition" "this" {
  provider = aws.accepter
}

data "aws_region" "requester" {
  provider = aws.requester
}

data "aws_region" "accepter" {
  provider = aws.accepter
}

data "aws_caller_identity" "requester" {
  provider = aws.requester
}

data "aws_caller_identity" "accepter" {
  provider = aws.accepter
}

resource "aws_ec2_transit_gateway_peering_attachment" "this" {
  provider = aws.requester

  transit_gateway_id      = var.requester.transit_gateway_id
  peer_transit_gateway_id = var.accepter.transit_gateway_id
  peer_account_id         = data.aws_caller_identity.accepter.account_id
  peer_region             = data.aws_region.accepter.id

  tags = merge(var.tags, { Name = var.name })
}

# Needed within one account, too.
resource "aws_ec2_transit_gateway_peering_attachment_accepter" "this" {
  provider = aws.accepter

  transit_gateway_attachment_id = aws_ec2_transit_gateway_peering_attachment.this.id

  tags = merge(var.tags, { Name = var.name })
}

# Without an association a Transit Gateway drops the packets that enter from the peering.
resource "aws_ec2_transit_gateway_route_table_association" "requester" {
  provider = aws.requester

  transit_gateway_attachment_id  = local.attachment_id
  transit_gateway_route_table_id = var.requester.association_route_table_id
}

resource "aws_ec2_transit_gateway_route_table_association" "accepter" {
  provider = aws.accepter

  transit_gateway_attachment_id  = local.attachment_id
  transit_gateway_route_table_id = var.accepter.association_route_table_id
}

# A peering propagates nothing: all routes over it are static.
resource "aws_ec2_transit_gateway_route" "requester" {
  provider = aws.requester
  for_each = local.requester_routes

  destination_cidr_block         = each.value.destination
  transit_gateway_attachment_id  = local.attachment_id
  transit_gateway_route_table_id = each.value.route_table_id

  lifecycle {
    precondition {
      condition     = !local.within_moved[each.value.destination]
      error_message = "The destination ${each.value.destination} is in a moved network. stayput writes these routes; Terraform would revert them."
    }
  }
}

resource "aws_ec2_transit_gateway_route" "accepter" {
  provider = aws.accepter
  for_each = local.accepter_routes

  destination_cidr_block         = each.value.destination
  transit_gateway_attachment_id  = local.attachment_id
  transit_gateway_route_table_id = each.value.route_table_id

  lifecycle {
    precondition {
      condition     = !local.within_moved[each.value.destination]
      error_message = "The destination ${each.value.destination} is in a moved network. stayput writes these routes; Terraform would revert them."
    }
  }
}
