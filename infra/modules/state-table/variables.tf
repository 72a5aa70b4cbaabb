variable "name" {
  description = "Name of the table, in all regions."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_.-]{3,255}$", var.name))
    error_message = "The name must have 3 to 255 letters, digits, dots, dashes and underscores."
  }
}

variable "consistency" {
  description = "strong: a global table with multi-region strong consistency. single-region: a table in the provider's region only."
  type        = string
  default     = "strong"

  validation {
    condition     = contains(["strong", "single-region"], var.consistency)
    error_message = "The consistency must be strong or single-region."
  }
}

variable "replica_region" {
  description = "Region of the second replica of a strong table. The first one is the provider's region."
  type        = string
  default     = "ap-northeast-3"
}

variable "witness_region" {
  description = "Region of the witness of a strong table: it stores changes, so that a write survives the loss of one region, and cannot be read."
  type        = string
  default     = "ap-northeast-2"
}

variable "deletion_protection" {
  description = "Whether deletion of the table is refused. Set it to false and apply before a destroy."
  type        = bool
  default     = true
}

variable "tags" {
  description = "Tags for the table."
  type        = map(string)
  default     = {}
}
