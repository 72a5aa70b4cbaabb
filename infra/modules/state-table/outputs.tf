output "name" {
  description = "Name of the table, in each of its regions. Known when the table exists."
  value       = local.strong ? aws_cloudformation_stack.this[0].outputs["TableName"] : aws_dynamodb_table.this[0].name
}

output "regions" {
  description = "Regions in which the table can be read and written. The witness is not one of them."
  value       = local.regions
}

output "arns" {
  description = "ARNs of the table, by region."
  value = {
    for region in local.regions : region =>
    "arn:${data.aws_partition.this.partition}:dynamodb:${region}:${data.aws_caller_identity.this.account_id}:table/${var.name}"
  }
}

output "consistency" {
  description = "strong or single-region."
  value       = var.consistency
}
