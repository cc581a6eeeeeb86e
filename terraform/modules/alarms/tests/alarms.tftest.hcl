mock_provider "aws" {}

variables {
  name       = "keystone-nexus-test"
  proxy_name = "keystone-nexus-test"
  topic_arns = ["arn:aws:sns:eu-central-1:123456789012:on-call"]
}

run "watches_the_proxy" {
  command = plan

  assert {
    condition = output.alarm_names == tolist([
      "keystone-nexus-test-proxy-availability",
      "keystone-nexus-test-proxy-borrow-latency",
      "keystone-nexus-test-proxy-client-authentication-failures",
      "keystone-nexus-test-proxy-client-connections-without-tls",
      "keystone-nexus-test-proxy-database-connections",
      "keystone-nexus-test-proxy-database-setup-failures",
      "keystone-nexus-test-proxy-pinned-connections",
    ])
    error_message = "Seven alarms."
  }

  assert {
    condition = { for key, alarm in aws_cloudwatch_metric_alarm.metric : alarm.metric_name => [alarm.comparison_operator, tostring(alarm.threshold)] } == {
      AvailabilityPercentage           = ["LessThanThreshold", "100"]
      ClientConnectionsNoTLS           = ["GreaterThanThreshold", "0"]
      ClientConnectionsSetupFailedAuth = ["GreaterThanThreshold", "0"]
      DatabaseConnectionsBorrowLatency = ["GreaterThanThreshold", "100000"]
      DatabaseConnectionsSetupFailed   = ["GreaterThanThreshold", "0"]
    }
    error_message = "The thresholds AWS advises."
  }

  assert {
    condition     = { for key, alarm in aws_cloudwatch_metric_alarm.ratio : key => alarm.threshold } == { database-connections = 0.77, pinned-connections = 0.10 }
    error_message = "The shares AWS advises."
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.metric), values(aws_cloudwatch_metric_alarm.ratio)) :
      alarm.alarm_actions == toset(var.topic_arns) && alarm.ok_actions == toset(var.topic_arns)
    ])
    error_message = "Beginning and end are told to the topics."
  }
}

run "counts_shares_of_the_right_whole" {
  command = plan

  assert {
    condition = {
      for key, alarm in aws_cloudwatch_metric_alarm.ratio :
      key => { for query in alarm.metric_query : query.id => query.metric[0].metric_name if query.id != "ratio" }
      } == {
      database-connections = { numerator = "DatabaseConnections", denominator = "MaxDatabaseConnectionsAllowed" }
      pinned-connections   = { numerator = "DatabaseConnectionsCurrentlySessionPinned", denominator = "DatabaseConnections" }
    }
    error_message = "Connections of those allowed, pinned ones of those open."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.metric["availability"].dimensions == tomap({ ProxyName = "keystone-nexus-test", TargetGroup = "default", TargetRole = "READ_WRITE" })
    error_message = "Availability is published for a target role only."
  }
}

run "rejects_impossible_thresholds" {
  command = plan

  variables {
    database_connections_ratio                = 77
    pinned_connections_ratio                  = 0
    borrow_latency_microseconds               = 0
    database_setup_failures_per_minute        = -1
    client_authentication_failures_per_minute = -1
    availability_percent                      = 101
    topic_arns                                = ["on-call"]
    proxy_name                                = "keystone_nexus"
  }

  expect_failures = [
    var.database_connections_ratio,
    var.pinned_connections_ratio,
    var.borrow_latency_microseconds,
    var.database_setup_failures_per_minute,
    var.client_authentication_failures_per_minute,
    var.availability_percent,
    var.topic_arns,
    var.proxy_name,
  ]
}
