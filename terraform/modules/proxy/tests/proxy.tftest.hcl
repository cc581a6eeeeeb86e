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

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/keystone-nexus-test-proxy" }
  }

  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/connect" }
  }

  mock_resource "aws_db_proxy" {
    defaults = {
      arn      = "arn:aws:rds:eu-central-1:123456789012:db-proxy:prx-0123456789abcdef0"
      endpoint = "keystone-nexus-test.proxy-abcdefghijkl.eu-central-1.rds.amazonaws.com"
    }
  }

  mock_resource "aws_security_group" {
    defaults = { id = "sg-00000000000000001" }
  }
}

variables {
  name                       = "keystone-nexus-test"
  vpc_id                     = "vpc-0a1b2c3d4e5f60718"
  subnet_ids                 = ["subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719"]
  database_identifier        = "keystone-nexus-test"
  database_security_group_id = "sg-00000000000000002"
  secrets_kms_key_arn        = "arn:aws:kms:eu-central-1:123456789012:key/af5afe5a-a3ca-4742-ab0c-ddea0bd1caa9"
  connection_pool = {
    max_connections_percent           = 40
    max_idle_connections_percent      = 20
    connection_borrow_timeout_seconds = 30
  }
  secrets = {
    app    = { arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app-AbCdEf", username = "nexus_app" }
    report = { arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:report-AbCdEf", username = "nexus_report" }
  }
}

run "insists_on_tls_and_iam" {
  command = plan

  assert {
    condition     = aws_db_proxy.main.require_tls && !aws_db_proxy.main.debug_logging
    error_message = "TLS is required and statements are not logged, unless said otherwise."
  }

  assert {
    condition = length(aws_db_proxy.main.auth) == 2 && alltrue([
      for auth in aws_db_proxy.main.auth :
      auth.iam_auth == "REQUIRED" && auth.auth_scheme == "SECRETS" && auth.client_password_auth_type == "POSTGRES_SCRAM_SHA_256"
    ])
    error_message = "Each user signs in with an IAM token."
  }

  assert {
    condition = alltrue([
      for pool in aws_db_proxy_default_target_group.main.connection_pool_config :
      pool.max_connections_percent == 40 && pool.max_idle_connections_percent == 20 && pool.connection_borrow_timeout == 30
    ])
    error_message = "All settings of the pool are set."
  }
}

run "admits_the_proxy_to_the_database_only" {
  command = plan

  assert {
    condition     = aws_vpc_security_group_ingress_rule.database.security_group_id == "sg-00000000000000002" && aws_vpc_security_group_ingress_rule.database.referenced_security_group_id == "sg-00000000000000001" && aws_vpc_security_group_ingress_rule.database.from_port == 5432 && aws_vpc_security_group_ingress_rule.database.to_port == 5432
    error_message = "The database lets the proxy in, on its port."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.database.security_group_id == "sg-00000000000000001" && aws_vpc_security_group_egress_rule.database.referenced_security_group_id == "sg-00000000000000002" && aws_vpc_security_group_egress_rule.database.from_port == 5432 && aws_vpc_security_group_egress_rule.database.to_port == 5432
    error_message = "The proxy reaches the database, on its port."
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.lambda) == 0
    error_message = "Nobody is let into the proxy who was not named."
  }
}

run "grants_the_least" {
  command = plan

  assert {
    condition     = jsondecode(aws_iam_role.main.assume_role_policy).Statement == [{ Effect = "Allow", Principal = { Service = "rds.amazonaws.com" }, Action = "sts:AssumeRole" }]
    error_message = "RDS is trusted, with no condition keys, which proxies do not support."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.secrets.policy).Statement[0].Resource == [var.secrets.app.arn, var.secrets.report.arn] && jsondecode(aws_iam_role_policy.secrets.policy).Statement[0].Action == "secretsmanager:GetSecretValue"
    error_message = "The proxy reads its users' secrets and no others."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.secrets.policy).Statement[1].Resource == var.secrets_kms_key_arn && jsondecode(aws_iam_role_policy.secrets.policy).Statement[1].Condition.StringEquals["kms:ViaService"] == "secretsmanager.eu-central-1.amazonaws.com"
    error_message = "The proxy uses the key through Secrets Manager alone."
  }

  assert {
    condition     = jsondecode(aws_iam_policy.connect["app"].policy).Statement == [{ Sid = "ConnectAsOneUser", Effect = "Allow", Action = "rds-db:connect", Resource = "arn:aws:rds-db:eu-central-1:123456789012:dbuser:prx-0123456789abcdef0/nexus_app" }]
    error_message = "A connect policy is for one user on this proxy."
  }

  assert {
    condition     = output.resource_id == "prx-0123456789abcdef0" && output.port == 5432
    error_message = "The outputs name the proxy as IAM does."
  }
}

run "admits_functions_that_share" {
  command = plan

  variables {
    lambda_clients = {
      ingest  = { security_group_id = "sg-0a1b2c3d4e5f60718", role_name = "nexus-ingest", username = "nexus_app" }
      replay  = { security_group_id = "sg-0a1b2c3d4e5f60718", role_name = "nexus-ingest", username = "nexus_app" }
      reports = { security_group_id = "sg-0a1b2c3d4e5f60719", role_name = "nexus-reports", username = "nexus_report" }
    }
  }

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.lambda : rule.referenced_security_group_id]) == toset(["sg-0a1b2c3d4e5f60718", "sg-0a1b2c3d4e5f60719"])
    error_message = "One rule for each security group."
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.lambda : rule.from_port == 5432 && rule.to_port == 5432 && rule.security_group_id == "sg-00000000000000001"])
    error_message = "Into the proxy, on its port."
  }

  assert {
    condition     = { for key, attachment in aws_iam_role_policy_attachment.lambda : key => attachment.role } == { "nexus-ingest/app" = "nexus-ingest", "nexus-reports/report" = "nexus-reports" }
    error_message = "A role gets each user's policy once."
  }
}

run "rejects_what_rds_proxy_would" {
  command = plan

  variables {
    subnet_ids                  = ["subnet-0a1b2c3d4e5f60718"]
    database_port               = 80
    iam_auth                    = "ENABLED"
    idle_client_timeout_seconds = 59
    connection_pool = {
      max_connections_percent           = 101
      max_idle_connections_percent      = 102
      connection_borrow_timeout_seconds = 301
    }
  }

  expect_failures = [
    var.subnet_ids,
    var.database_port,
    var.iam_auth,
    var.idle_client_timeout_seconds,
    var.connection_pool,
  ]
}

run "rejects_more_idle_than_allowed_connections" {
  command = plan

  variables {
    connection_pool = {
      max_connections_percent           = 40
      max_idle_connections_percent      = 50
      connection_borrow_timeout_seconds = 30
    }
  }

  expect_failures = [var.connection_pool]
}

run "rejects_a_borrow_timeout_over_five_minutes" {
  command = plan

  variables {
    connection_pool = {
      max_connections_percent           = 40
      max_idle_connections_percent      = 20
      connection_borrow_timeout_seconds = 301
    }
  }

  expect_failures = [var.connection_pool]
}

run "rejects_an_idle_timeout_over_eight_hours" {
  command = plan

  variables {
    idle_client_timeout_seconds = 28801
  }

  expect_failures = [var.idle_client_timeout_seconds]
}

run "rejects_a_username_that_is_everybody" {
  command = plan

  variables {
    secrets = { app = { arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app-AbCdEf", username = "*" } }
  }

  expect_failures = [var.secrets]
}

run "rejects_a_function_without_a_user" {
  command = plan

  variables {
    lambda_clients = {
      ingest = { security_group_id = "sg-0a1b2c3d4e5f60718", role_name = "nexus-ingest", username = "somebody" }
    }
  }

  expect_failures = [var.lambda_clients]
}
