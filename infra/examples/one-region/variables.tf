variable "name" {
  description = "Name of the estate; prefix of the names of all resources."
  type        = string
  default     = "estate"
}

variable "region" {
  description = "Region of the EC2 VPC and of NC2."
  type        = string
  default     = "ap-northeast-1"
}

variable "on_prem_prefixes" {
  description = "Prefixes of the on-prem network, exact: no aggregate that covers a moved network."
  type        = list(string)
}

variable "ec2_vpc" {
  description = <<-EOT
    The existing VPC that the machines leave:
    - vpc_id, cidr_block: the VPC.
    - attachment_subnet_ids: one subnet in each of its Availability Zones, for the Transit Gateway attachment.
    - route_table_ids: the tables that get routes to on-prem and to the NC2 VPC.
    - moved_networks: the CIDRs of the subnets whose machines move.
    - remaining_networks: the CIDRs of the subnets that stay and must be reached from NC2.
  EOT
  type = object({
    vpc_id                = string
    cidr_block            = string
    attachment_subnet_ids = list(string)
    route_table_ids       = set(string)
    moved_networks        = list(string)
    remaining_networks    = optional(list(string), [])
  })
}

variable "nc2" {
  description = "The VPC of NC2, and the cluster's UUID once it is deployed."
  type = object({
    availability_zone = string
    cidr_block        = string
    subnets           = object({ public = string, private = string, cluster = string, prism_central = string, flow = string })
    nc2_cluster_uuid  = optional(string)
  })
}

variable "transit_gateway_asn" {
  description = "Private ASN of the Transit Gateway."
  type        = number
  default     = 64512
}

variable "vpn" {
  description = "The on-prem router of a Site-to-Site VPN; null for none. Without static_prefixes the VPN uses BGP."
  type = object({
    customer_gateway_address = string
    customer_gateway_asn     = optional(number, 65000)
    static_prefixes          = optional(set(string), [])
  })
  default = null
}

variable "direct_connect" {
  description = "An existing Direct Connect gateway, and the prefixes that it announces to on-prem; null for none. The prefixes must cover the moved networks."
  type = object({
    gateway_id       = string
    allowed_prefixes = set(string)
  })
  default = null
}

variable "instance_tags" {
  description = "Tags of the source instances that the operator may start, and on which the operator may run the capture document."
  type        = map(string)
  default     = {}
}

variable "tags" {
  description = "Tags for all resources."
  type        = map(string)
  default     = {}
}
