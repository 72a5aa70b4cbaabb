output "attachment_id" {
  description = "The peering attachment. It has the same id on both sides."
  value       = local.attachment_id
}

output "attachment_arns" {
  description = "ARNs of the attachment on both sides; for the operator's policy."
  value = {
    requester = "arn:${data.aws_partition.this.partition}:ec2:${data.aws_region.requester.id}:${data.aws_caller_identity.requester.account_id}:transit-gateway-attachment/${local.attachment_id}"
    accepter  = "arn:${data.aws_partition.this.partition}:ec2:${data.aws_region.accepter.id}:${data.aws_caller_identity.accepter.account_id}:transit-gateway-attachment/${local.attachment_id}"
  }
}
