output "documents" {
  description = "The policies as JSON, by role: reader, operator, guest."
  value       = { for role, document in local.documents : role => document.json }
}

output "policy_arns" {
  description = "ARNs of the managed policies, by role; empty if none were created."
  value       = { for role, policy in aws_iam_policy.this : role => policy.arn }
}
