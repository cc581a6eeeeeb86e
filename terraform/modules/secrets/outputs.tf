# depends_on makes users of the output wait for the values; the versions' own ARNs would do so too, but
# become unknown, and with them the proxy's settings, whenever a new password is planned.
output "secrets" {
  description = "ARN of each user's secret and the user's name, by key, once the secrets hold their values."
  value = {
    for key, secret in aws_secretsmanager_secret.main :
    key => { arn = secret.arn, username = var.users[key].username }
  }

  depends_on = [aws_secretsmanager_secret_version.main]
}

output "kms_key_arn" {
  description = "Key the secrets are encrypted with."
  value       = aws_kms_key.main.arn
}
