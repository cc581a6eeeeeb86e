mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:123456789012:key/af5afe5a-a3ca-4742-ab0c-ddea0bd1caa9" }
  }

  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:test-AbCdEf" }
  }
}

variables {
  name = "keystone-nexus-test"
  users = {
    app    = { username = "nexus_app", secret_version = 1 }
    report = { username = "nexus_report", secret_version = 3 }
  }
  passwords = { app = "not-a-password", report = "nor-this-one" }
}

run "writes_passwords_that_nobody_stores" {
  assert {
    condition     = { for key, secret in aws_secretsmanager_secret.main : key => secret.name } == { app = "keystone-nexus-test/database-users/app", report = "keystone-nexus-test/database-users/report" }
    error_message = "A secret for each user."
  }

  assert {
    condition     = { for key, version in aws_secretsmanager_secret_version.main : key => version.secret_string_wo_version } == { app = 1, report = 3 }
    error_message = "Each user's secret_version decides when a new value is written."
  }

  assert {
    condition     = alltrue([for version in aws_secretsmanager_secret_version.main : version.secret_string_wo == null && !strcontains(coalesce(version.secret_string, "-"), "password")])
    error_message = "The state holds no value."
  }

  assert {
    condition     = alltrue([for secret in aws_secretsmanager_secret.main : secret.kms_key_id == aws_kms_key.main.arn]) && aws_kms_key.main.enable_key_rotation
    error_message = "Secrets are encrypted with a key that rotates."
  }

  assert {
    condition     = output.secrets.report == { arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:test-AbCdEf", username = "nexus_report" }
    error_message = "The output tells where a user's credentials are."
  }
}

run "keeps_what_it_wrote_when_the_password_is_rotated" {
  assert {
    condition     = alltrue([for version in aws_secretsmanager_secret_version.main : version.version_stages == toset(["AWSCURRENT", "terraform"])])
    error_message = "Each version keeps a label, so that AWS does not delete it."
  }
}

run "rotates_only_where_that_is_declared" {
  variables {
    users = {
      app = {
        username       = "nexus_app"
        secret_version = 1
        rotation = {
          lambda_arn               = "arn:aws:lambda:eu-central-1:123456789012:function:rotate"
          automatically_after_days = 30
        }
      }
      report = { username = "nexus_report", secret_version = 3 }
    }
  }

  assert {
    condition     = keys(aws_secretsmanager_secret_rotation.main) == ["app"]
    error_message = "Only the user with a rotation has one."
  }

  assert {
    condition     = aws_secretsmanager_secret_rotation.main["app"].secret_id == aws_secretsmanager_secret.main["app"].id && aws_secretsmanager_secret_rotation.main["app"].rotation_lambda_arn == "arn:aws:lambda:eu-central-1:123456789012:function:rotate"
    error_message = "The function rotates this user's secret."
  }

  assert {
    condition     = aws_secretsmanager_secret_rotation.main["app"].rotation_rules[0].automatically_after_days == 30
    error_message = "The days are passed on."
  }

  assert {
    condition     = !aws_secretsmanager_secret_rotation.main["app"].rotate_immediately
    error_message = "The user need not exist yet."
  }
}

run "may_delete_at_once" {
  command = plan

  variables {
    recovery_window_days = 0
  }

  assert {
    condition     = aws_secretsmanager_secret.main["app"].recovery_window_in_days == 0
    error_message = "The window is passed on."
  }
}

run "rejects_a_short_recovery_window" {
  command = plan

  variables {
    recovery_window_days = 3
  }

  expect_failures = [var.recovery_window_days]
}

run "rejects_a_username_with_a_wildcard" {
  command = plan

  variables {
    users     = { app = { username = "nexus_*", secret_version = 1 } }
    passwords = { app = "not-a-password" }
  }

  expect_failures = [var.users]
}

run "rejects_a_repeated_username" {
  command = plan

  variables {
    users = {
      app    = { username = "nexus_app", secret_version = 1 }
      report = { username = "nexus_app", secret_version = 1 }
    }
  }

  expect_failures = [var.users]
}

run "rejects_version_zero" {
  command = plan

  variables {
    users     = { app = { username = "nexus_app", secret_version = 0 } }
    passwords = { app = "not-a-password" }
  }

  expect_failures = [var.users]
}

run "rejects_what_is_no_function" {
  command = plan

  variables {
    users = {
      app = {
        username       = "nexus_app"
        secret_version = 1
        rotation       = { lambda_arn = "rotate", automatically_after_days = 30 }
      }
    }
    passwords = { app = "not-a-password" }
  }

  expect_failures = [var.users]
}

run "rejects_a_rotation_in_half_days" {
  command = plan

  variables {
    users = {
      app = {
        username       = "nexus_app"
        secret_version = 1
        rotation = {
          lambda_arn               = "arn:aws:lambda:eu-central-1:123456789012:function:rotate"
          automatically_after_days = 1.5
        }
      }
    }
    passwords = { app = "not-a-password" }
  }

  expect_failures = [var.users]
}

run "rejects_a_rotation_after_no_days" {
  command = plan

  variables {
    users = {
      app = {
        username       = "nexus_app"
        secret_version = 1
        rotation = {
          lambda_arn               = "arn:aws:lambda:eu-central-1:123456789012:function:rotate"
          automatically_after_days = null
        }
      }
    }
    passwords = { app = "not-a-password" }
  }

  expect_failures = [var.users]
}
