variable "name" {
  description = "Name of the VPC peering connection, on both sides."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,39}$", var.name))
    error_message = "The name must have 1 to 40 of a-z, 0-9 and dashes."
  }
}

variable "requester" {
  description = <<-EOT
    The side that asks for the peering (provider aws.requester):
    - vpc_id: its VPC.
    - cidr_block: the CIDR of its VPC, which the other side gets a route to.
    - route_table_ids: its tables, a map with any keys, that get a route to the other side.
  EOT
  type = object({
    vpc_id          = string
    cidr_block      = string
    route_table_ids = map(string)
  })
}

variable "accepter" {
  description = "The side that accepts the peering (provider aws.accepter), with the same attributes as requester."
  type = object({
    vpc_id          = string
    cidr_block      = string
    route_table_ids = map(string)
  })
}

variable "tags" {
  description = "Tags for both sides of the connection."
  type        = map(string)
  default     = {}
}
