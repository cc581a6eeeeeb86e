locals {
  port   = 5432
  family = "postgres${split(".", var.engine_version)[0]}"

  log_exports = toset(["postgresql", "upgrade"])

  # The default is 1 only from PostgreSQL 15 on.
  parameters = merge(var.parameters, { "rds.force_ssl" = "1" })
}

resource "aws_db_subnet_group" "main" {
  name        = var.name
  description = "Private subnets of ${var.name}"
  subnet_ids  = var.subnet_ids

  tags = merge(var.tags, { Name = var.name })
}

# Without rules of its own: the proxy module adds the only way in.
resource "aws_security_group" "main" {
  name        = "${var.name}-database"
  description = "Database of ${var.name}"
  vpc_id      = var.vpc_id

  tags = merge(var.tags, { Name = "${var.name}-database" })
}

resource "aws_db_parameter_group" "main" {
  name        = "${var.name}-${local.family}"
  description = "PostgreSQL settings of ${var.name}"
  family      = local.family

  dynamic "parameter" {
    for_each = local.parameters

    content {
      name         = parameter.key
      value        = parameter.value
      apply_method = contains(local.static_parameters, parameter.key) ? "pending-reboot" : "immediate"
    }
  }

  tags = merge(var.tags, { Name = "${var.name}-${local.family}" })

  # A new major version means a new group, which the instance has to move to first.
  lifecycle {
    create_before_destroy = true
  }
}

# Made before the instance, because RDS would make them without encryption and keep them for ever.
resource "aws_cloudwatch_log_group" "main" {
  for_each = local.log_exports

  name              = "/aws/rds/instance/${var.name}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.main.arn

  tags = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

resource "aws_db_instance" "main" {
  identifier = var.name

  engine         = "postgres"
  engine_version = var.engine_version
  instance_class = var.instance_class
  db_name        = var.database_name
  port           = local.port

  username                            = var.master_username
  manage_master_user_password         = true
  master_user_secret_kms_key_id       = aws_kms_key.main.arn
  iam_database_authentication_enabled = true

  allocated_storage     = var.allocated_storage_gib
  max_allocated_storage = var.max_allocated_storage_gib
  storage_type          = var.storage_type
  storage_encrypted     = true
  kms_key_id            = aws_kms_key.main.arn

  multi_az               = var.multi_az
  db_subnet_group_name   = aws_db_subnet_group.main.name
  vpc_security_group_ids = [aws_security_group.main.id]
  publicly_accessible    = false
  ca_cert_identifier     = "rds-ca-rsa2048-g1"

  # A version that names its minor one is upgraded by whoever edits it: if RDS did, the next plan
  # would try to go back, which RDS refuses.
  auto_minor_version_upgrade = !strcontains(var.engine_version, ".")

  parameter_group_name = aws_db_parameter_group.main.name
  maintenance_window   = var.maintenance_window
  apply_immediately    = var.apply_immediately

  backup_retention_period = var.backup_retention_days
  backup_window           = var.backup_window
  copy_tags_to_snapshot   = true
  deletion_protection     = var.deletion_protection
  skip_final_snapshot     = var.skip_final_snapshot

  # The key is as old as the stack, so a stack made again does not meet its ancestor's snapshot.
  final_snapshot_identifier = var.skip_final_snapshot ? null : "${var.name}-final-${substr(aws_kms_key.main.key_id, 0, 8)}"

  enabled_cloudwatch_logs_exports = local.log_exports
  performance_insights_enabled    = true
  performance_insights_kms_key_id = aws_kms_key.main.arn

  tags = merge(var.tags, { Name = var.name })

  depends_on = [aws_cloudwatch_log_group.main]
}
