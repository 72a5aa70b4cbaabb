data "aws_region" "accepter" {
  provider = aws.accepter
}

data "aws_caller_identity" "accepter" {
  provider = aws.accepter
}

resource "aws_vpc_peering_connection" "this" {
  provider = aws.requester

  vpc_id        = var.requester.vpc_id
  peer_vpc_id   = var.accepter.vpc_id
  peer_owner_id = data.aws_caller_identity.accepter.account_id
  peer_region   = data.aws_region.accepter.id

  tags = merge(var.tags, { Name = var.name })

  lifecycle {
    precondition {
      condition = (
        cidrhost("${split("/", var.requester.cidr_block)[0]}/${min(split("/", var.requester.cidr_block)[1], split("/", var.accepter.cidr_block)[1])}", 0) !=
        cidrhost("${split("/", var.accepter.cidr_block)[0]}/${min(split("/", var.requester.cidr_block)[1], split("/", var.accepter.cidr_block)[1])}", 0)
      )
      error_message = "VPCs with overlapping CIDRs cannot be peered."
    }
  }
}

resource "aws_vpc_peering_connection_accepter" "this" {
  provider = aws.accepter

  vpc_peering_connection_id = aws_vpc_peering_connection.this.id
  auto_accept               = true

  tags = merge(var.tags, { Name = var.name })
}

resource "aws_route" "requester" {
  provider = aws.requester
  for_each = var.requester.route_table_ids

  route_table_id            = each.value
  destination_cidr_block    = var.accepter.cidr_block
  vpc_peering_connection_id = aws_vpc_peering_connection_accepter.this.id
}

resource "aws_route" "accepter" {
  provider = aws.accepter
  for_each = var.accepter.route_table_ids

  route_table_id            = each.value
  destination_cidr_block    = var.requester.cidr_block
  vpc_peering_connection_id = aws_vpc_peering_connection_accepter.this.id
}
