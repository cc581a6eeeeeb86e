data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  region = data.aws_region.current.name

  # The last part of the ARN, prx-...: what IAM policies call the proxy.
  resource_id = regex("[^:]+$", aws_db_proxy.main.arn)

  user_arn_prefix = join(":", [
    "arn", data.aws_partition.current.partition, "rds-db", local.region,
    data.aws_caller_identity.current.account_id, "dbuser", local.resource_id,
  ])

  keys_by_username = { for key, secret in var.secrets : secret.username => key }

  # Functions often share a role, too.
  lambda_attachments = {
    for client in distinct([
      for client in values(var.lambda_clients) :
      { role_name = client.role_name, user_key = local.keys_by_username[client.username] }
    ]) : "${client.role_name}/${client.user_key}" => client
  }
}

resource "aws_iam_role" "main" {
  name        = "${var.name}-proxy"
  description = "Lets the proxy ${var.name} read its database users' secrets"

  # Proxies support no global condition keys, so aws:SourceArn and the like would shut them out.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "rds.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })

  tags = merge(var.tags, { Name = "${var.name}-proxy" })
}

resource "aws_iam_role_policy" "secrets" {
  name = "read-secrets"
  role = aws_iam_role.main.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadSecrets"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = [for secret in values(var.secrets) : secret.arn]
      },
      {
        Sid      = "DecryptSecrets"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = var.secrets_kms_key_arn
        Condition = {
          StringEquals = {
            "kms:ViaService" = "secretsmanager.${local.region}.${data.aws_partition.current.dns_suffix}"
          }
        }
      },
    ]
  })
}

resource "aws_iam_policy" "connect" {
  for_each = var.secrets

  name        = "${var.name}-connect-${each.key}"
  description = "Connect through the proxy ${var.name} as ${each.value.username}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "ConnectAsOneUser"
      Effect   = "Allow"
      Action   = "rds-db:connect"
      Resource = "${local.user_arn_prefix}/${each.value.username}"
    }]
  })

  tags = merge(var.tags, { Name = "${var.name}-connect-${each.key}" })
}

resource "aws_iam_role_policy_attachment" "lambda" {
  for_each = local.lambda_attachments

  role       = each.value.role_name
  policy_arn = aws_iam_policy.connect[each.value.user_key].arn
}
