locals {
  namespace = "AWS/RDS"

  # CloudWatch gets one value a minute from each of the proxy's hosts, so gauges are summed over a
  # minute to have the proxy's.
  period_seconds = 60

  proxy = { ProxyName = var.proxy_name }

  # Published for a target group's role only.
  target_role = {
    ProxyName   = var.proxy_name
    TargetGroup = "default"
    TargetRole  = "READ_WRITE"
  }

  ratios = {
    database-connections = {
      description = "The pool is nearly used up: clients are about to wait for connections."
      numerator   = "DatabaseConnections"
      denominator = "MaxDatabaseConnectionsAllowed"
      threshold   = var.database_connections_ratio
      minutes     = 5
    }
    pinned-connections = {
      description = "Sessions are pinned, so their database connections are not shared."
      numerator   = "DatabaseConnectionsCurrentlySessionPinned"
      denominator = "DatabaseConnections"
      threshold   = var.pinned_connections_ratio
      minutes     = 5
    }
  }

  metrics = {
    borrow-latency = {
      description  = "Clients wait for a database connection."
      metric_name  = "DatabaseConnectionsBorrowLatency"
      dimensions   = local.proxy
      statistic    = "Average"
      comparison   = "GreaterThanThreshold"
      threshold    = var.borrow_latency_microseconds
      minutes      = 5
      missing_data = "notBreaching"
    }
    database-setup-failures = {
      description  = "The proxy cannot open database connections: credentials, max_connections or the network."
      metric_name  = "DatabaseConnectionsSetupFailed"
      dimensions   = local.proxy
      statistic    = "Sum"
      comparison   = "GreaterThanThreshold"
      threshold    = var.database_setup_failures_per_minute
      minutes      = 1
      missing_data = "notBreaching"
    }
    client-authentication-failures = {
      description  = "Clients are refused for their token, password or missing TLS."
      metric_name  = "ClientConnectionsSetupFailedAuth"
      dimensions   = local.proxy
      statistic    = "Sum"
      comparison   = "GreaterThanThreshold"
      threshold    = var.client_authentication_failures_per_minute
      minutes      = 1
      missing_data = "notBreaching"
    }
    client-connections-without-tls = {
      description  = "A client is connected without TLS, which must never happen."
      metric_name  = "ClientConnectionsNoTLS"
      dimensions   = local.proxy
      statistic    = "Sum"
      comparison   = "GreaterThanThreshold"
      threshold    = 0
      minutes      = 1
      missing_data = "notBreaching"
    }
    availability = {
      description  = "The proxy could not reach the database, or says nothing."
      metric_name  = "AvailabilityPercentage"
      dimensions   = local.target_role
      statistic    = "Average"
      comparison   = "LessThanThreshold"
      threshold    = var.availability_percent
      minutes      = 2
      missing_data = "breaching"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "ratio" {
  for_each = local.ratios

  alarm_name          = "${var.name}-proxy-${each.key}"
  alarm_description   = each.value.description
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  evaluation_periods  = each.value.minutes
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.topic_arns
  ok_actions          = var.topic_arns

  metric_query {
    id          = "ratio"
    label       = each.key
    expression  = "IF(denominator > 0, numerator / denominator, 0)"
    return_data = true
  }

  metric_query {
    id = "numerator"

    metric {
      namespace   = local.namespace
      metric_name = each.value.numerator
      dimensions  = local.proxy
      period      = local.period_seconds
      stat        = "Sum"
    }
  }

  metric_query {
    id = "denominator"

    metric {
      namespace   = local.namespace
      metric_name = each.value.denominator
      dimensions  = local.proxy
      period      = local.period_seconds
      stat        = "Sum"
    }
  }

  tags = merge(var.tags, { Name = "${var.name}-proxy-${each.key}" })
}

resource "aws_cloudwatch_metric_alarm" "metric" {
  for_each = local.metrics

  alarm_name          = "${var.name}-proxy-${each.key}"
  alarm_description   = each.value.description
  namespace           = local.namespace
  metric_name         = each.value.metric_name
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = local.period_seconds
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  evaluation_periods  = each.value.minutes
  treat_missing_data  = each.value.missing_data
  alarm_actions       = var.topic_arns
  ok_actions          = var.topic_arns

  tags = merge(var.tags, { Name = "${var.name}-proxy-${each.key}" })
}
