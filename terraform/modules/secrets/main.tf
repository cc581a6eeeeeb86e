data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

resource "aws_kms_key" "main" {
  description             = "Passwords of the database users of ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "IamPoliciesOfThisAccountDecide"
      Effect    = "Allow"
      Principal = { AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root" }
      Action    = "kms:*"
      Resource  = "*"
    }]
  })

  tags = merge(var.tags, { Name = "${var.name}-secrets" })
}

resource "aws_kms_alias" "main" {
  name          = "alias/${var.name}-secrets"
  target_key_id = aws_kms_key.main.key_id
}

resource "aws_secretsmanager_secret" "main" {
  for_each = var.users

  name                    = "${var.name}/database-users/${each.key}"
  description             = "Credentials of the database user ${each.value.username}, read by the proxy"
  kms_key_id              = aws_kms_key.main.arn
  recovery_window_in_days = var.recovery_window_days

  tags = merge(var.tags, { Name = "${var.name}/database-users/${each.key}" })
}

# The keys "username" and "password" are those RDS Proxy looks for.
resource "aws_secretsmanager_secret_version" "main" {
  for_each = var.users

  secret_id = aws_secretsmanager_secret.main[each.key].id

  secret_string_wo_version = each.value.secret_version
  secret_string_wo = jsonencode({
    username = each.value.username
    password = var.passwords[each.key]
  })
}
