variable "name" {
  description = "Name of the VPC, and prefix of the names of its subnets, route tables and gateways."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,39}$", var.name))
    error_message = "The name must have 1 to 40 of a-z, 0-9 and dashes."
  }
}

variable "cidr_block" {
  description = "CIDR of the VPC, /16 to /25. It must not overlap on-prem, the moved networks, the EC2 VPC or another NC2 VPC."
  type        = string

  validation {
    condition     = can(cidrnetmask(var.cidr_block)) && try(tonumber(split("/", var.cidr_block)[1]), 0) >= 16 && try(tonumber(split("/", var.cidr_block)[1]), 99) <= 25
    error_message = "The CIDR must be an IPv4 prefix of length /16 to /25, which is what NC2 accepts."
  }

  # 192.168.5.0/24 is used inside each node. 100.64.1.0/24 and 100.64.10.0/24 are used by Flow Virtual Networking.
  validation {
    condition = alltrue([
      for reserved in ["192.168.5.0/24", "100.64.1.0/24", "100.64.10.0/24"] : try(
        cidrhost("${split("/", var.cidr_block)[0]}/${min(tonumber(split("/", var.cidr_block)[1]), 24)}", 0) !=
        cidrhost("${split("/", reserved)[0]}/${min(tonumber(split("/", var.cidr_block)[1]), 24)}", 0), false
      )
    ])
    error_message = "The CIDR must not overlap 192.168.5.0/24, 100.64.1.0/24 or 100.64.10.0/24, which NC2 uses."
  }
}

variable "availability_zone" {
  description = "Availability Zone of all subnets. An NC2 cluster is in one Availability Zone."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$", var.availability_zone))
    error_message = "The Availability Zone must be a name such as ap-northeast-1a."
  }
}

variable "subnets" {
  description = <<-EOT
    CIDR of each subnet:
    - public: the NAT gateway.
    - private: the attachment of the Transit Gateway, and virtual machines such as Nutanix Move.
    - cluster: the bare-metal hosts of NC2.
    - prism_central: Prism Central.
    - flow: Flow Virtual Networking; it holds the interface that receives the moved prefixes.
  EOT
  type = object({
    public        = string
    private       = string
    cluster       = string
    prism_central = string
    flow          = string
  })

  validation {
    condition     = alltrue([for cidr in values(var.subnets) : can(cidrnetmask(cidr))])
    error_message = "Each subnet must be an IPv4 prefix."
  }

  validation {
    condition     = length(distinct(values(var.subnets))) == 5
    error_message = "Each subnet must have its own CIDR."
  }
}

variable "create_nat_gateway" {
  description = "Whether to create a NAT gateway and a default route to it. NC2 must reach the NC2 console; without the NAT gateway, another default route is needed."
  type        = bool
  default     = true
}

variable "on_prem_prefixes" {
  description = "Prefixes of the on-prem network. The overlay security group admits them."
  type        = list(string)

  validation {
    condition     = length(var.on_prem_prefixes) > 0 && alltrue([for prefix in var.on_prem_prefixes : try("${cidrhost(prefix, 0)}/${split("/", prefix)[1]}" == prefix && can(cidrnetmask(prefix)) && !endswith(prefix, "/0"), false)])
    error_message = "At least one IPv4 prefix without host bits is needed. A default route is not an on-prem prefix."
  }
}

variable "overlay_peer_prefixes" {
  description = "Further prefixes that exchange packets with the overlay: the EC2 VPC, the other NC2 VPC, the moved networks."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for prefix in var.overlay_peer_prefixes : try("${cidrhost(prefix, 0)}/${split("/", prefix)[1]}" == prefix && can(cidrnetmask(prefix)) && !endswith(prefix, "/0"), false)])
    error_message = "Each entry must be an IPv4 prefix without host bits, other than 0.0.0.0/0."
  }
}

variable "overlay_traffic" {
  description = "Traffic that the overlay security group admits between the overlay and each prefix, in both directions. The default is all traffic, because Flow Network Security filters inside the overlay."
  type = map(object({
    ip_protocol = string
    from_port   = optional(number)
    to_port     = optional(number)
  }))
  default = {
    all = { ip_protocol = "-1" }
  }
}

variable "nc2_cluster_uuid" {
  description = "UUID of the NC2 cluster, known after its deployment. With it the overlay security group gets the tags that make NC2 attach the group to the interfaces in the Flow subnet. Without it the group exists and is attached to nothing."
  type        = string
  default     = null
}

variable "nc2_tag_prefixes" {
  description = "Prefixes of the tag keys that NC2 evaluates. The vendor writes the keys as tag:nutanix:clusters:external; it is not stated whether tag: is part of the key, so both are set by default."
  type        = list(string)
  default     = ["nutanix:clusters:external", "tag:nutanix:clusters:external"]
}

variable "tags" {
  description = "Tags for all resources."
  type        = map(string)
  default     = {}
}
