locals {
  port = 5432 # of every proxy for PostgreSQL
}

resource "aws_db_proxy" "main" {
  name                   = var.name
  engine_family          = "POSTGRESQL"
  role_arn               = aws_iam_role.main.arn
  vpc_subnet_ids         = var.subnet_ids
  vpc_security_group_ids = [aws_security_group.main.id]
  require_tls            = var.require_tls
  idle_client_timeout    = var.idle_client_timeout_seconds
  debug_logging          = var.debug_logging

  dynamic "auth" {
    for_each = var.secrets

    content {
      description               = "Database user ${auth.value.username}"
      auth_scheme               = "SECRETS"
      secret_arn                = auth.value.arn
      iam_auth                  = var.iam_auth
      client_password_auth_type = "POSTGRES_SCRAM_SHA_256"
    }
  }

  tags = merge(var.tags, { Name = var.name })

  # AWS may take an hour to delete a proxy.
  timeouts {
    delete = "90m"
  }

  # The proxy reads the secrets while it is made.
  depends_on = [aws_iam_role_policy.secrets]
}

resource "aws_db_proxy_default_target_group" "main" {
  db_proxy_name = aws_db_proxy.main.name

  # All are set: the provider's default of 50 idle percent contradicts a smaller maximum.
  connection_pool_config {
    max_connections_percent      = var.connection_pool.max_connections_percent
    max_idle_connections_percent = var.connection_pool.max_idle_connections_percent
    connection_borrow_timeout    = var.connection_pool.connection_borrow_timeout_seconds
  }

  # A proxy that replaces another has the same name but AWS's own settings, and no target.
  lifecycle {
    replace_triggered_by = [aws_db_proxy.main.arn]
  }
}

resource "aws_db_proxy_target" "main" {
  db_proxy_name          = aws_db_proxy.main.name
  target_group_name      = aws_db_proxy_default_target_group.main.name
  db_instance_identifier = var.database_identifier

  # The proxy signs in to the database as soon as it has a target.
  depends_on = [
    aws_vpc_security_group_egress_rule.database,
    aws_vpc_security_group_ingress_rule.database,
  ]

  lifecycle {
    replace_triggered_by = [aws_db_proxy.main.arn]
  }
}
