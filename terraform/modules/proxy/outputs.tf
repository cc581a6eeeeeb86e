output "name" {
  description = "Name of the proxy."
  value       = aws_db_proxy.main.name
}

output "arn" {
  description = "ARN of the proxy."
  value       = aws_db_proxy.main.arn
}

output "endpoint" {
  description = "Host name that clients connect to, known once the database is behind it."
  value       = aws_db_proxy.main.endpoint

  depends_on = [aws_db_proxy_target.main]
}

output "port" {
  description = "Port that clients connect to."
  value       = local.port
}

output "resource_id" {
  description = "Resource id of the proxy (prx-...), as IAM policies name it."
  value       = local.resource_id
}

output "security_group_id" {
  description = "Security group of the proxy; clients are let into it on the port."
  value       = aws_security_group.main.id
}

output "connect_policy_arns" {
  description = "IAM policy that allows to connect as one user, by user key."
  value       = { for key, policy in aws_iam_policy.connect : key => policy.arn }
}
