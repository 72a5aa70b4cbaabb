variable "name" {
  description = "Name of the peering attachment, on both sides."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,39}$", var.name))
    error_message = "The name must have 1 to 40 of a-z, 0-9 and dashes."
  }
}

variable "requester" {
  description = <<-EOT
    The side that asks for the peering (provider aws.requester):
    - transit_gateway_id: its Transit Gateway.
    - association_route_table_id: the table for packets that enter from the peering.
    - route_table_ids: the tables, a map with any keys, that get a static route to each of destinations over the peering. Leave
      out the associated table, so that a packet from the peering is never sent back to it.
    - destinations: prefixes that are behind the other side.
  EOT
  type = object({
    transit_gateway_id         = string
    association_route_table_id = string
    route_table_ids            = optional(map(string), {})
    destinations               = optional(set(string), [])
  })

  validation {
    condition     = alltrue([for destination in var.requester.destinations : try("${cidrhost(destination, 0)}/${split("/", destination)[1]}" == destination && can(cidrnetmask(destination)), false)])
    error_message = "Each destination must be an IPv4 prefix without host bits."
  }
}

variable "accepter" {
  description = "The side that accepts the peering (provider aws.accepter), with the same attributes as requester."
  type = object({
    transit_gateway_id         = string
    association_route_table_id = string
    route_table_ids            = optional(map(string), {})
    destinations               = optional(set(string), [])
  })

  validation {
    condition     = alltrue([for destination in var.accepter.destinations : try("${cidrhost(destination, 0)}/${split("/", destination)[1]}" == destination && can(cidrnetmask(destination)), false)])
    error_message = "Each destination must be an IPv4 prefix without host bits."
  }
}

variable "moved_prefixes" {
  description = "CIDRs of the networks that move. stayput writes their Transit Gateway routes, so that a destination in one of them is refused. A destination that covers them is allowed."
  type        = list(string)
  default     = []
}

variable "tags" {
  description = "Tags for both sides of the attachment."
  type        = map(string)
  default     = {}
}
