variable "name" {
  description = "Name of the Transit Gateway, and prefix of the names of its route tables and attachments."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,39}$", var.name))
    error_message = "The name must have 1 to 40 of a-z, 0-9 and dashes."
  }
}

variable "amazon_side_asn" {
  description = "Private ASN of the Transit Gateway. Each Transit Gateway of the estate needs its own."
  type        = number

  validation {
    condition     = (var.amazon_side_asn >= 64512 && var.amazon_side_asn <= 65534) || (var.amazon_side_asn >= 4200000000 && var.amazon_side_asn <= 4294967294)
    error_message = "The ASN must be private: 64512 to 65534 or 4200000000 to 4294967294."
  }
}

variable "route_tables" {
  description = "Route tables of the Transit Gateway. With the default, packets from on-prem, from VPCs and from the peering each have their own table."
  type        = set(string)
  default     = ["edge", "vpc", "peering"]

  validation {
    condition     = length(var.route_tables) > 0
    error_message = "At least one route table is needed, because the default association is off."
  }
}

variable "moved_prefixes" {
  description = "CIDRs of the networks that move. stayput writes their Transit Gateway routes. Here they are only used to refuse routes that would conflict with them."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for prefix in var.moved_prefixes : try("${cidrhost(prefix, 0)}/${split("/", prefix)[1]}" == prefix && can(cidrnetmask(prefix)), false)])
    error_message = "Each moved prefix must be an IPv4 prefix without host bits."
  }
}

variable "vpc_attachments" {
  description = <<-EOT
    VPCs to attach, by name:
    - vpc_id, subnet_ids: the VPC, and one subnet in each Availability Zone that must reach the Transit Gateway. In an NC2 VPC
      the subnets must use the main route table.
    - route_table: the table for packets that enter from the VPC.
    - propagate_to: the tables that get the VPC's CIDRs.
    - return_routes: routes in the VPC's own tables to the Transit Gateway. destinations are written into each of
      route_table_ids, a map with any keys.
    - appliance_mode: keep both directions of a flow in one Availability Zone.
  EOT
  type = map(object({
    vpc_id       = string
    subnet_ids   = list(string)
    route_table  = optional(string, "vpc")
    propagate_to = optional(set(string), ["edge", "vpc", "peering"])
    return_routes = optional(object({
      route_table_ids = map(string)
      destinations    = set(string)
    }), { route_table_ids = {}, destinations = [] })
    appliance_mode = optional(bool, false)
  }))
  default = {}

  validation {
    condition     = alltrue([for vpc in values(var.vpc_attachments) : length(vpc.subnet_ids) > 0])
    error_message = "Each VPC attachment needs at least one subnet."
  }

  validation {
    condition = alltrue(flatten([
      for vpc in values(var.vpc_attachments) : [
        for destination in vpc.return_routes.destinations :
        try("${cidrhost(destination, 0)}/${split("/", destination)[1]}" == destination && can(cidrnetmask(destination)), false)
      ]
    ]))
    error_message = "Each destination of a return route must be an IPv4 prefix without host bits."
  }
}

variable "vpn_connections" {
  description = <<-EOT
    Site-to-Site VPN connections to on-prem, by name:
    - customer_gateway_address, customer_gateway_asn: the on-prem router.
    - static_prefixes: the on-prem prefixes behind a VPN without BGP. Empty means BGP.
    - route_table: the table for packets that enter from on-prem. A BGP VPN announces the routes of this table.
    - propagate_to: the tables that get the on-prem prefixes.
  EOT
  type = map(object({
    customer_gateway_address = string
    customer_gateway_asn     = optional(number, 65000)
    static_prefixes          = optional(set(string), [])
    route_table              = optional(string, "edge")
    propagate_to             = optional(set(string), ["vpc", "peering"])
  }))
  default = {}

  validation {
    condition     = alltrue([for vpn in values(var.vpn_connections) : can(cidrnetmask("${vpn.customer_gateway_address}/32"))])
    error_message = "The address of a customer gateway must be an IPv4 address."
  }
}

variable "direct_connect_gateways" {
  description = <<-EOT
    Existing Direct Connect gateways to associate, by name:
    - gateway_id: the Direct Connect gateway.
    - allowed_prefixes: the prefixes that the gateway announces to on-prem. They must cover the moved networks. On one gateway
      the allowed prefixes of two Transit Gateways must not overlap.
    - route_table, propagate_to: as for a VPN.
  EOT
  type = map(object({
    gateway_id       = string
    allowed_prefixes = set(string)
    route_table      = optional(string, "edge")
    propagate_to     = optional(set(string), ["vpc", "peering"])
  }))
  default = {}

  validation {
    condition     = alltrue([for gateway in values(var.direct_connect_gateways) : length(gateway.allowed_prefixes) > 0 && length(gateway.allowed_prefixes) <= 200])
    error_message = "A Direct Connect gateway announces 1 to 200 prefixes of a Transit Gateway."
  }
}

variable "static_routes" {
  description = <<-EOT
    Further static routes in the Transit Gateway's tables, by name. Exactly one of vpc_attachment, vpn_connection (both by name)
    and blackhole is the target. Routes of moved networks belong to stayput and are refused here.
  EOT
  type = map(object({
    route_table    = string
    destination    = string
    vpc_attachment = optional(string)
    vpn_connection = optional(string)
    blackhole      = optional(bool, false)
  }))
  default = {}

  validation {
    condition = alltrue([
      for route in values(var.static_routes) :
      length([for target in [route.vpc_attachment != null, route.vpn_connection != null, route.blackhole] : target if target]) == 1
    ])
    error_message = "A static route needs exactly one target."
  }
}

variable "tags" {
  description = "Tags for all resources."
  type        = map(string)
  default     = {}
}
