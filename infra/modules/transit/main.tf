locals {
  vpc_propagations = merge([
    for name, vpc in var.vpc_attachments : {
      for table in vpc.propagate_to : "${name} ${table}" => { attachment = name, table = table }
    }
  ]...)

  return_routes = merge([
    for name, vpc in var.vpc_attachments : {
      for pair in setproduct(keys(vpc.return_routes.route_table_ids), vpc.return_routes.destinations) :
      "${name} ${pair[0]} ${pair[1]}" => {
        attachment     = name
        route_table_id = vpc.return_routes.route_table_ids[pair[0]]
        destination    = pair[1]
      }
    }
  ]...)

  vpn_propagations = merge([
    for name, vpn in var.vpn_connections : {
      for table in vpn.propagate_to : "${name} ${table}" => { vpn = name, table = table }
    } if length(vpn.static_prefixes) == 0
  ]...)

  # A VPN without BGP learns nothing: the on-prem prefixes are static routes of the Transit Gateway.
  vpn_static_routes = merge([
    for name, vpn in var.vpn_connections : {
      for pair in setproduct(vpn.propagate_to, vpn.static_prefixes) :
      "${name} ${pair[0]} ${pair[1]}" => { vpn = name, table = pair[0], destination = pair[1] }
    }
  ]...)

  direct_connect_propagations = merge([
    for name, gateway in var.direct_connect_gateways : {
      for table in gateway.propagate_to : "${name} ${table}" => { gateway = name, table = table }
    }
  ]...)

  # Destinations that overlap a moved network, and destinations that are in one. Two prefixes overlap if they have the same
  # network at the shorter of their lengths.
  all_destinations = distinct(concat(values(local.return_routes)[*].destination, values(var.static_routes)[*].destination))
  overlaps_moved = {
    for destination in local.all_destinations : destination => anytrue([
      for moved in var.moved_prefixes :
      cidrhost("${split("/", moved)[0]}/${min(split("/", moved)[1], split("/", destination)[1])}", 0) ==
      cidrhost("${split("/", destination)[0]}/${min(split("/", moved)[1], split("/", destination)[1])}", 0)
    ])
  }
  within_moved = {
    for destination in local.all_destinations : destination => anytrue([
      for moved in var.moved_prefixes :
      tonumber(split("/", moved)[1]) <= tonumber(split("/", destination)[1]) &&
      cidrhost("${split("/", destination)[0]}/${split("/", moved)[1]}", 0) == split("/", moved)[0]
    ])
  }
}

# ---- The Transit Gateway and its tables -------------------------------------------------------------------------------
# Nothing is associated or propagated by default: each association and propagation below is a decision.

resource "aws_ec2_transit_gateway" "this" {
  description                     = var.name
  amazon_side_asn                 = var.amazon_side_asn
  default_route_table_association = "disable"
  default_route_table_propagation = "disable"
  auto_accept_shared_attachments  = "disable"

  tags = merge(var.tags, { Name = var.name })
}

resource "aws_ec2_transit_gateway_route_table" "this" {
  for_each = var.route_tables

  transit_gateway_id = aws_ec2_transit_gateway.this.id

  tags = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

# ---- VPCs -------------------------------------------------------------------------------------------------------------

resource "aws_ec2_transit_gateway_vpc_attachment" "this" {
  for_each = var.vpc_attachments

  transit_gateway_id     = aws_ec2_transit_gateway.this.id
  vpc_id                 = each.value.vpc_id
  subnet_ids             = each.value.subnet_ids
  appliance_mode_support = each.value.appliance_mode ? "enable" : "disable"

  transit_gateway_default_route_table_association = false
  transit_gateway_default_route_table_propagation = false

  tags = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

resource "aws_ec2_transit_gateway_route_table_association" "vpc" {
  for_each = var.vpc_attachments

  transit_gateway_attachment_id  = aws_ec2_transit_gateway_vpc_attachment.this[each.key].id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.this[each.value.route_table].id
}

resource "aws_ec2_transit_gateway_route_table_propagation" "vpc" {
  for_each = local.vpc_propagations

  transit_gateway_attachment_id  = aws_ec2_transit_gateway_vpc_attachment.this[each.value.attachment].id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.this[each.value.table].id
}

# Return routes: without them replies to on-prem follow the default route to the NAT gateway and are lost.
resource "aws_route" "return" {
  for_each = local.return_routes

  route_table_id         = each.value.route_table_id
  destination_cidr_block = each.value.destination
  # By way of the attachment: a route to a Transit Gateway can only be created in an attached VPC.
  transit_gateway_id = aws_ec2_transit_gateway_vpc_attachment.this[each.value.attachment].transit_gateway_id

  lifecycle {
    precondition {
      condition     = !local.overlaps_moved[each.value.destination]
      error_message = "The return route ${each.value.destination} overlaps a moved network. While NC2 has not written the network's prefix, packets would loop between the VPC and the Transit Gateway. Use the exact prefixes of what does not move."
    }
  }
}

# ---- VPN --------------------------------------------------------------------------------------------------------------

resource "aws_customer_gateway" "this" {
  for_each = var.vpn_connections

  type       = "ipsec.1"
  ip_address = each.value.customer_gateway_address
  bgp_asn    = tostring(each.value.customer_gateway_asn)

  tags = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

resource "aws_vpn_connection" "this" {
  for_each = var.vpn_connections

  type                = "ipsec.1"
  transit_gateway_id  = aws_ec2_transit_gateway.this.id
  customer_gateway_id = aws_customer_gateway.this[each.key].id
  static_routes_only  = length(each.value.static_prefixes) > 0

  tags = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

resource "aws_ec2_transit_gateway_route_table_association" "vpn" {
  for_each = var.vpn_connections

  transit_gateway_attachment_id  = aws_vpn_connection.this[each.key].transit_gateway_attachment_id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.this[each.value.route_table].id
}

resource "aws_ec2_transit_gateway_route_table_propagation" "vpn" {
  for_each = local.vpn_propagations

  transit_gateway_attachment_id  = aws_vpn_connection.this[each.value.vpn].transit_gateway_attachment_id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.this[each.value.table].id
}

resource "aws_ec2_transit_gateway_route" "vpn" {
  for_each = local.vpn_static_routes

  destination_cidr_block         = each.value.destination
  transit_gateway_attachment_id  = aws_vpn_connection.this[each.value.vpn].transit_gateway_attachment_id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.this[each.value.table].id
}

# ---- Direct Connect ---------------------------------------------------------------------------------------------------

resource "aws_dx_gateway_association" "this" {
  for_each = var.direct_connect_gateways

  dx_gateway_id         = each.value.gateway_id
  associated_gateway_id = aws_ec2_transit_gateway.this.id
  allowed_prefixes      = each.value.allowed_prefixes
}

# The association does not export the id of the attachment. The reference to its id delays this data source until the
# association exists. depends_on would do so at each change of the allowed prefixes too, and the attachment's id, unknown in
# such a plan, would replace the route table association.
data "aws_ec2_transit_gateway_dx_gateway_attachment" "this" {
  for_each = var.direct_connect_gateways

  dx_gateway_id      = aws_dx_gateway_association.this[each.key].id == "" ? null : each.value.gateway_id
  transit_gateway_id = aws_ec2_transit_gateway.this.id
}

resource "aws_ec2_transit_gateway_route_table_association" "direct_connect" {
  for_each = var.direct_connect_gateways

  transit_gateway_attachment_id  = data.aws_ec2_transit_gateway_dx_gateway_attachment.this[each.key].id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.this[each.value.route_table].id
}

resource "aws_ec2_transit_gateway_route_table_propagation" "direct_connect" {
  for_each = local.direct_connect_propagations

  transit_gateway_attachment_id  = data.aws_ec2_transit_gateway_dx_gateway_attachment.this[each.value.gateway].id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.this[each.value.table].id
}

# ---- Static routes ----------------------------------------------------------------------------------------------------

resource "aws_ec2_transit_gateway_route" "static" {
  for_each = var.static_routes

  destination_cidr_block         = each.value.destination
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.this[each.value.route_table].id
  blackhole                      = each.value.blackhole
  transit_gateway_attachment_id = (
    each.value.vpc_attachment != null ? aws_ec2_transit_gateway_vpc_attachment.this[each.value.vpc_attachment].id :
    each.value.vpn_connection != null ? aws_vpn_connection.this[each.value.vpn_connection].transit_gateway_attachment_id : null
  )

  lifecycle {
    precondition {
      condition     = !local.within_moved[each.value.destination]
      error_message = "The static route ${each.value.destination} is in a moved network. stayput writes these routes; Terraform would revert them."
    }
  }
}
