variable "name" {
  description = "Name of the estate; prefix of the names of all resources."
  type        = string
  default     = "estate"
}

variable "on_prem_prefixes" {
  description = "Prefixes behind the VPNs, exact: no aggregate that covers a moved network."
  type        = list(string)
}

variable "ec2_vpc" {
  description = <<-EOT
    The existing VPC in Tokyo that the machines leave:
    - vpc_id, cidr_block: the VPC.
    - attachment_subnet_ids: one subnet in each of its Availability Zones, for the Transit Gateway attachment.
    - route_table_ids: the tables that get routes to on-prem and to the NC2 VPCs.
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

variable "tokyo" {
  description = "NC2 in Tokyo: VPC, subnets, ASN of the Transit Gateway, address and ASN of the on-prem router, and the cluster's UUID once it is deployed."
  type = object({
    availability_zone        = string
    cidr_block               = string
    subnets                  = object({ public = string, private = string, cluster = string, prism_central = string, flow = string })
    transit_gateway_asn      = optional(number, 64512)
    customer_gateway_address = string
    customer_gateway_asn     = optional(number, 65000)
    nc2_cluster_uuid         = optional(string)
  })
}

variable "osaka" {
  description = "NC2 in Osaka, with the same attributes as tokyo."
  type = object({
    availability_zone        = string
    cidr_block               = string
    subnets                  = object({ public = string, private = string, cluster = string, prism_central = string, flow = string })
    transit_gateway_asn      = optional(number, 64513)
    customer_gateway_address = string
    customer_gateway_asn     = optional(number, 65000)
    nc2_cluster_uuid         = optional(string)
  })
}

variable "replication_over_vpc_peering" {
  description = "Whether the two NC2 VPCs exchange replication traffic over a VPC peering connection, which costs less per GB. The moved networks always use the peering of the Transit Gateways."
  type        = bool
  default     = false
}

variable "state_table_consistency" {
  description = "strong: replicas in Tokyo and Osaka, witness in Seoul. single-region: Tokyo only."
  type        = string
  default     = "strong"
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
