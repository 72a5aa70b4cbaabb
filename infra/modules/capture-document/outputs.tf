output "name" {
  description = "Name of the document, for SendCommand."
  value       = aws_ssm_document.this.name
}

output "arn" {
  description = "ARN of the document, for the operator's policy."
  value       = aws_ssm_document.this.arn
}

output "version" {
  description = "Newest version of the document."
  value       = aws_ssm_document.this.latest_version
}
