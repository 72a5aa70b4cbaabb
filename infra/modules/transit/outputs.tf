output "transit_gateway_id" {
  description = "The Transit Gateway."
  value       = aws_ec2_transit_gateway.this.id
}

output "transit_gateway_arn" {
  description = "ARN of the Transit Gateway."
  value       = aws_ec2_transit_gateway.this.arn
}

output "route_table_ids" {
  description = "The route tables, by name."
  value       = { for name, table in aws_ec2_transit_gateway_route_table.this : name => table.id }
}

output "route_table_arns" {
  description = "ARNs of the route tables, by name; for the operator's policy."
  value       = { for name, table in aws_ec2_transit_gateway_route_table.this : name => table.arn }
}

output "vpc_attachment_ids" {
  description = "The VPC attachments, by name."
  value       = { for name, attachment in aws_ec2_transit_gateway_vpc_attachment.this : name => attachment.id }
}

output "vpc_attachment_arns" {
  description = "ARNs of the VPC attachments, by name; for the operator's policy."
  # Not from the attachment: older versions of the provider do not export its ARN.
  value = {
    for name, attachment in aws_ec2_transit_gateway_vpc_attachment.this :
    name => replace(aws_ec2_transit_gateway.this.arn, "/:transit-gateway/.*$/", ":transit-gateway-attachment/${attachment.id}")
  }
}

output "vpn_attachment_ids" {
  description = "The attachments of the VPN connections, by name."
  value       = { for name, vpn in aws_vpn_connection.this : name => vpn.transit_gateway_attachment_id }
}

output "vpn_connection_ids" {
  description = "The VPN connections, by name. Their tunnels and keys are in the state file and in the AWS console."
  value       = { for name, vpn in aws_vpn_connection.this : name => vpn.id }
}

output "direct_connect_attachment_ids" {
  description = "The attachments of the Direct Connect gateways, by name."
  value       = { for name, attachment in data.aws_ec2_transit_gateway_dx_gateway_attachment.this : name => attachment.id }
}

output "edges" {
  description = "How on-prem reaches this Transit Gateway, by name, with the keys of [edges.NAME] in stayput.toml."
  value = merge(
    {
      for name, vpn in var.vpn_connections : name => {
        kind       = length(vpn.static_prefixes) > 0 ? "static-vpn" : "bgp-vpn"
        tgw        = aws_ec2_transit_gateway.this.id
        attachment = aws_vpn_connection.this[name].transit_gateway_attachment_id
        gateway    = null
      }
    },
    {
      for name, gateway in var.direct_connect_gateways : name => {
        kind       = "direct-connect"
        tgw        = aws_ec2_transit_gateway.this.id
        attachment = data.aws_ec2_transit_gateway_dx_gateway_attachment.this[name].id
        gateway    = gateway.gateway_id
      }
    },
  )
}
