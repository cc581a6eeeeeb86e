output "identifier" {
  description = "Identifier of the instance."
  value       = aws_db_instance.main.identifier
}

output "arn" {
  description = "ARN of the instance."
  value       = aws_db_instance.main.arn
}

output "resource_id" {
  description = "Resource id of the instance (db-...), never reused."
  value       = aws_db_instance.main.resource_id
}

output "address" {
  description = "Host name of the instance. Clients use the proxy's endpoint instead."
  value       = aws_db_instance.main.address
}

output "port" {
  description = "Port of the instance."
  value       = aws_db_instance.main.port
}

output "database_name" {
  description = "Database created with the instance."
  value       = aws_db_instance.main.db_name
}

output "security_group_id" {
  description = "Security group of the instance, without rules of its own."
  value       = aws_security_group.main.id
}

output "master_user_secret_arn" {
  description = "Secret in which RDS keeps the master user's password."
  value       = one(aws_db_instance.main.master_user_secret[*].secret_arn)
}

output "kms_key_arn" {
  description = "Key of the storage, backups, logs and master password."
  value       = aws_kms_key.main.arn
}
