variable "name" {
  description = "Prefix of the names of the policies."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,39}$", var.name))
    error_message = "The name must have 1 to 40 of a-z, 0-9 and dashes."
  }
}

variable "create_policies" {
  description = "Whether to create managed policies. Without them the module only returns the documents."
  type        = bool
  default     = true
}

variable "regions" {
  description = "Regions in which reading is allowed. Empty means all."
  type        = list(string)
  default     = []
}

variable "route_table_arns" {
  description = "Transit Gateway route tables in which the operator may write routes."
  type        = list(string)

  validation {
    condition     = alltrue([for arn in var.route_table_arns : can(regex(":transit-gateway-route-table/", arn))])
    error_message = "Each entry must be the ARN of a Transit Gateway route table."
  }
}

variable "attachment_arns" {
  description = "Attachments that a route of the operator may lead to: those of the EC2 VPC and of the NC2 VPCs, and the peering in both regions."
  type        = list(string)

  validation {
    condition     = alltrue([for arn in var.attachment_arns : can(regex(":transit-gateway-attachment/", arn))])
    error_message = "Each entry must be the ARN of a Transit Gateway attachment."
  }
}

variable "state_table_arns" {
  description = "State tables, in each region. Empty means that the policies give no rights on DynamoDB."
  type        = list(string)
  default     = []
}

variable "capture_document_arns" {
  description = "Documents that the operator may run in guests. Empty means that the operator may run none."
  type        = list(string)
  default     = []
}

variable "instance_tags" {
  description = "Tags of the source instances. The operator may start instances, and run the capture document on them, only if they have all of these tags. Empty means no instance, so that stayput cannot roll back a move."
  type        = map(string)
  default     = {}
}

variable "tags" {
  description = "Tags for the policies."
  type        = map(string)
  default     = {}
}
