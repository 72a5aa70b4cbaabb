locals {
  # Subnets whose packets NC2 must be able to route. All of them use the main route table, see README.md.
  main_subnets = ["private", "cluster", "prism_central", "flow"]

  peer_prefixes = distinct(concat(var.on_prem_prefixes, var.overlay_peer_prefixes))

  overlay_rules = {
    for pair in setproduct(local.peer_prefixes, keys(var.overlay_traffic)) : "${pair[0]} ${pair[1]}" => merge(
      var.overlay_traffic[pair[1]], { prefix = pair[0] }
    )
  }

  nc2_tags = var.nc2_cluster_uuid == null ? {} : merge([
    for prefix in var.nc2_tag_prefixes : {
      (prefix)                 = ""
      "${prefix}:cluster-uuid" = var.nc2_cluster_uuid
      "${prefix}:networks"     = var.subnets.flow
    }
  ]...)
}

resource "aws_vpc" "this" {
  cidr_block = var.cidr_block

  # NC2 requires both.
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = merge(var.tags, { Name = var.name })

  lifecycle {
    precondition {
      # Two prefixes overlap if they have the same network at the shorter of their lengths.
      condition = alltrue([
        for prefix in local.peer_prefixes :
        cidrhost("${split("/", prefix)[0]}/${min(split("/", prefix)[1], split("/", var.cidr_block)[1])}", 0) !=
        cidrhost("${split("/", var.cidr_block)[0]}/${min(split("/", prefix)[1], split("/", var.cidr_block)[1])}", 0)
      ])
      error_message = "The CIDR of the VPC overlaps an on-prem prefix or an overlay peer prefix. Its local route would capture these packets."
    }
  }
}

resource "aws_subnet" "this" {
  for_each = var.subnets

  vpc_id                  = aws_vpc.this.id
  cidr_block              = each.value
  availability_zone       = var.availability_zone
  map_public_ip_on_launch = false

  tags = merge(var.tags, { Name = "${var.name}-${replace(each.key, "_", "-")}" })
}

# ---- Internet access --------------------------------------------------------------------------------------------------

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = merge(var.tags, { Name = var.name })
}

resource "aws_eip" "nat" {
  count = var.create_nat_gateway ? 1 : 0

  domain = "vpc"

  tags = merge(var.tags, { Name = "${var.name}-nat" })

  depends_on = [aws_internet_gateway.this]
}

resource "aws_nat_gateway" "this" {
  count = var.create_nat_gateway ? 1 : 0

  allocation_id = aws_eip.nat[0].id
  subnet_id     = aws_subnet.this["public"].id

  tags = merge(var.tags, { Name = var.name })

  depends_on = [aws_internet_gateway.this]
}

# ---- The main route table ---------------------------------------------------------------------------------------------
# NC2 writes routes into this table while it runs. It is therefore not managed with aws_default_route_table, which owns all
# routes of a table, and has no inline routes: each route is a resource, and the routes of NC2 are left alone.

resource "aws_ec2_tag" "main_route_table_name" {
  resource_id = aws_vpc.this.main_route_table_id
  key         = "Name"
  value       = "${var.name}-main"
}

resource "aws_route" "main_default" {
  count = var.create_nat_gateway ? 1 : 0

  route_table_id         = aws_vpc.this.main_route_table_id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[0].id
}

# Explicit, so that a plan reports a subnet that was moved to another table.
resource "aws_route_table_association" "main" {
  for_each = toset(local.main_subnets)

  subnet_id      = aws_subnet.this[each.key].id
  route_table_id = aws_vpc.this.main_route_table_id
}

# ---- The public route table -------------------------------------------------------------------------------------------

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id

  tags = merge(var.tags, { Name = "${var.name}-public" })
}

resource "aws_route" "public_default" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table_association" "public" {
  subnet_id      = aws_subnet.this["public"].id
  route_table_id = aws_route_table.public.id
}

# ---- Security group of the overlay ------------------------------------------------------------------------------------
# It is attached by NC2, in addition to the groups of NC2, to the interfaces in the Flow subnet. Security groups see the
# addresses of the overlay: a rule names the other end.

resource "aws_security_group" "overlay" {
  name        = "${var.name}-overlay"
  description = "Traffic between the Flow overlay and on-prem"
  vpc_id      = aws_vpc.this.id

  tags = merge(var.tags, local.nc2_tags, { Name = "${var.name}-overlay" })
}

resource "aws_vpc_security_group_ingress_rule" "overlay" {
  for_each = local.overlay_rules

  security_group_id = aws_security_group.overlay.id
  description       = "To the overlay from ${each.value.prefix}"
  cidr_ipv4         = each.value.prefix
  ip_protocol       = each.value.ip_protocol
  from_port         = each.value.from_port
  to_port           = each.value.to_port

  tags = var.tags
}

resource "aws_vpc_security_group_egress_rule" "overlay" {
  for_each = local.overlay_rules

  security_group_id = aws_security_group.overlay.id
  description       = "From the overlay to ${each.value.prefix}"
  cidr_ipv4         = each.value.prefix
  ip_protocol       = each.value.ip_protocol
  from_port         = each.value.from_port
  to_port           = each.value.to_port

  tags = var.tags
}
