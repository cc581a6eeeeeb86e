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

  # Rotations take AWS's labels away, and of versions without a label AWS deletes all but about 100.
  # If this one were deleted, Terraform would make it again: a new password over the rotated one.
  version_stages = ["AWSCURRENT", "terraform"]

  lifecycle {
    ignore_changes = [version_stages] # or Terraform would take AWSCURRENT back

    # Another username is another user, with a password of its own; the description has its name.
    replace_triggered_by = [aws_secretsmanager_secret.main[each.key].description]
  }
}

resource "aws_secretsmanager_secret_rotation" "main" {
  for_each = { for key, user in var.users : key => user.rotation if user.rotation != null }

  secret_id           = aws_secretsmanager_secret.main[each.key].id
  rotation_lambda_arn = each.value.lambda_arn

  # At once would be before anybody created the user in PostgreSQL: the function could not sign in,
  # and its rotation would stay pending. AWS runs the function's test instead, which changes nothing.
  rotate_immediately = false

  rotation_rules {
    automatically_after_days = each.value.automatically_after_days
  }

  depends_on = [aws_secretsmanager_secret_version.main]
}
