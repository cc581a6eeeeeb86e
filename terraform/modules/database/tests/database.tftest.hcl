mock_provider "aws" {
  override_during = plan

  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_resource "aws_kms_key" {
    defaults = {
      arn    = "arn:aws:kms:eu-central-1:123456789012:key/53accee5-6f27-4e4e-9806-be0b96928878"
      key_id = "53accee5-6f27-4e4e-9806-be0b96928878"
    }
  }
}

variables {
  name                      = "keystone-nexus-test"
  vpc_id                    = "vpc-0a1b2c3d4e5f60718"
  subnet_ids                = ["subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719"]
  database_name             = "nexus"
  master_username           = "nexus_admin"
  engine_version            = "16.4"
  instance_class            = "db.r6g.xlarge"
  allocated_storage_gib     = 100
  max_allocated_storage_gib = 500
  storage_type              = "gp3"
  multi_az                  = true
  backup_retention_days     = 14
  backup_window             = "01:00-02:00"
  maintenance_window        = "sun:03:00-sun:04:00"
  deletion_protection       = true
  skip_final_snapshot       = false
  apply_immediately         = false
  log_retention_days        = 30
  parameters                = { max_connections = "500", log_min_duration_statement = "1000" }
}

run "guards_the_data" {
  command = plan

  assert {
    condition     = aws_db_instance.main.storage_encrypted && aws_db_instance.main.kms_key_id == aws_kms_key.main.arn && aws_kms_key.main.enable_key_rotation
    error_message = "Storage is encrypted with a key that rotates."
  }

  assert {
    condition     = aws_db_instance.main.performance_insights_enabled && aws_db_instance.main.performance_insights_kms_key_id == aws_kms_key.main.arn
    error_message = "Performance Insights holds SQL text: the same key."
  }

  assert {
    condition     = aws_db_instance.main.manage_master_user_password && aws_db_instance.main.password == null && aws_db_instance.main.master_user_secret_kms_key_id == aws_kms_key.main.arn
    error_message = "RDS makes the master password; Terraform never sees it."
  }

  assert {
    condition     = !aws_db_instance.main.publicly_accessible && aws_db_instance.main.iam_database_authentication_enabled
    error_message = "Private, with IAM authentication."
  }

  assert {
    condition     = aws_db_instance.main.deletion_protection && aws_db_instance.main.copy_tags_to_snapshot && aws_db_instance.main.final_snapshot_identifier == "keystone-nexus-test-final-53accee5"
    error_message = "Deleting is refused, and would leave a snapshot."
  }

  assert {
    condition     = aws_db_instance.main.ca_cert_identifier == "rds-ca-rsa2048-g1"
    error_message = "The certificate authority is a current one."
  }

  assert {
    condition     = !aws_db_instance.main.auto_minor_version_upgrade
    error_message = "RDS does not move on from a minor version that is named."
  }
}

run "forces_tls_once" {
  command = plan

  variables {
    parameters = { "rds.force_ssl" = "1", max_connections = "500", log_min_duration_statement = "1000" }
  }

  assert {
    condition     = [for parameter in aws_db_parameter_group.main.parameter : parameter.value if parameter.name == "rds.force_ssl"] == ["1"]
    error_message = "rds.force_ssl is on, and there once."
  }

  assert {
    condition     = { for parameter in aws_db_parameter_group.main.parameter : parameter.name => parameter.apply_method } == { "rds.force_ssl" = "immediate", max_connections = "pending-reboot", log_min_duration_statement = "immediate" }
    error_message = "Static parameters wait for a reboot; the others do not."
  }
}

run "follows_the_major_version" {
  command = plan

  variables {
    engine_version = "17"
    parameters     = {}
  }

  assert {
    condition     = aws_db_parameter_group.main.family == "postgres17" && aws_db_parameter_group.main.name == "keystone-nexus-test-postgres17"
    error_message = "The parameter group is of the major version's family."
  }

  assert {
    condition     = [for parameter in aws_db_parameter_group.main.parameter : parameter.name] == ["rds.force_ssl"]
    error_message = "rds.force_ssl is set without any given parameter."
  }
}

run "keeps_logs_for_the_given_time" {
  command = plan

  assert {
    condition     = { for log_group in aws_cloudwatch_log_group.main : log_group.name => log_group.retention_in_days } == { "/aws/rds/instance/keystone-nexus-test/postgresql" = 30, "/aws/rds/instance/keystone-nexus-test/upgrade" = 30 }
    error_message = "The groups have the names RDS writes to."
  }

  assert {
    condition     = alltrue([for log_group in aws_cloudwatch_log_group.main : log_group.kms_key_id == aws_kms_key.main.arn])
    error_message = "Logs are encrypted."
  }

  assert {
    condition     = jsondecode(aws_kms_key.main.policy).Statement[1].Condition.ArnLike["kms:EncryptionContext:aws:logs:arn"] == "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/rds/instance/keystone-nexus-test/*"
    error_message = "CloudWatch may use the key for this instance's logs alone."
  }
}

run "may_skip_the_final_snapshot" {
  command = plan

  variables {
    skip_final_snapshot = true
  }

  assert {
    condition     = aws_db_instance.main.final_snapshot_identifier == null
    error_message = "No snapshot is named when none is made."
  }
}

run "rejects_what_rds_would" {
  command = plan

  variables {
    subnet_ids            = ["subnet-0a1b2c3d4e5f60718"]
    database_name         = "my-database"
    master_username       = "rdsadmin"
    engine_version        = "16.4.1"
    instance_class        = "r6g.xlarge"
    allocated_storage_gib = 10
    storage_type          = "magnetic"
    backup_retention_days = 36
    backup_window         = "1:00-2:00"
    maintenance_window    = "sunday:03:00-sunday:04:00"
    log_retention_days    = 10
    parameters            = { "rds.force_ssl" = "0" }
  }

  expect_failures = [
    var.subnet_ids,
    var.database_name,
    var.master_username,
    var.engine_version,
    var.instance_class,
    var.allocated_storage_gib,
    var.storage_type,
    var.backup_retention_days,
    var.backup_window,
    var.maintenance_window,
    var.log_retention_days,
    var.parameters,
  ]
}

run "rejects_a_name_in_upper_case" {
  command = plan

  variables {
    name = "Keystone-Nexus"
  }

  expect_failures = [var.name]
}

run "rejects_autoscaling_below_the_storage" {
  command = plan

  variables {
    max_allocated_storage_gib = 99
  }

  expect_failures = [var.max_allocated_storage_gib]
}

run "takes_storage_without_autoscaling" {
  command = plan

  variables {
    max_allocated_storage_gib = 0
  }

  assert {
    condition     = aws_db_instance.main.max_allocated_storage == 0
    error_message = "0 is no autoscaling."
  }
}
