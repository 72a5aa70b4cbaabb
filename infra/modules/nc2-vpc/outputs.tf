output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "cidr_block" {
  description = "CIDR of the VPC."
  value       = aws_vpc.this.cidr_block
}

output "subnet_ids" {
  description = "The subnets, by role: public, private, cluster, prism_central, flow."
  value       = { for role, subnet in aws_subnet.this : role => subnet.id }
}

output "attachment_subnet_ids" {
  description = "Subnets for the attachment of a Transit Gateway. They use the main route table, so that packets from the Transit Gateway find the routes of NC2."
  value       = [aws_route_table_association.main["private"].subnet_id]
}

output "route_table_ids" {
  description = "The route tables, by role: main (all subnets except public) and public."
  value = {
    main   = aws_vpc.this.main_route_table_id
    public = aws_route_table.public.id
  }
}

output "overlay_security_group_id" {
  description = "The security group for traffic between the overlay and on-prem."
  value       = aws_security_group.overlay.id
}

output "nat_public_ip" {
  description = "Public address of the NAT gateway, or null."
  value       = one(aws_eip.nat[*].public_ip)
}
