variable "name" {
  description = "Prefix of every name, for example keystone-nexus-prod."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 56
    error_message = "name must be lower-case letters, digits and single hyphens, start with a letter, not end with a hyphen, and have at most 56 characters (an IAM role name of 64 less \"-workers\")."
  }
}

variable "tags" {
  description = "Tags for every resource, besides Name."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for key, value in var.tags :
      length(key) >= 1 && length(key) <= 128 && length(value) <= 256 && !startswith(lower(key), "aws:")
    ])
    error_message = "tags must have keys of 1 to 128 characters that do not start with \"aws:\", and values of at most 256 characters."
  }
}

variable "proxy_name" {
  description = "Proxy to watch."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*$", var.proxy_name)) && length(var.proxy_name) <= 63
    error_message = "proxy_name must be a proxy's name: letters, digits and single hyphens, at most 63."
  }
}

variable "topic_arns" {
  description = "SNS topics told when an alarm is raised or ends."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(var.topic_arns) <= 5 && alltrue([for arn in var.topic_arns : can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+$", arn))])
    error_message = "topic_arns must be at most five SNS topic ARNs, such as arn:aws:sns:eu-central-1:123456789012:on-call."
  }
}

variable "database_connections_ratio" {
  description = "Share of the allowed database connections in use above which to raise the alarm."
  type        = number
  default     = 0.77
  nullable    = false

  validation {
    condition     = var.database_connections_ratio > 0 && var.database_connections_ratio <= 1
    error_message = "database_connections_ratio must be above 0 and at most 1."
  }
}

variable "pinned_connections_ratio" {
  description = "Share of the database connections pinned to one client above which to raise the alarm."
  type        = number
  default     = 0.10
  nullable    = false

  validation {
    condition     = var.pinned_connections_ratio > 0 && var.pinned_connections_ratio <= 1
    error_message = "pinned_connections_ratio must be above 0 and at most 1."
  }
}

variable "borrow_latency_microseconds" {
  description = "Average wait for a database connection, in microseconds, above which to raise the alarm."
  type        = number
  default     = 100000
  nullable    = false

  validation {
    condition     = var.borrow_latency_microseconds > 0
    error_message = "borrow_latency_microseconds must be above 0."
  }
}

variable "database_setup_failures_per_minute" {
  description = "Failed database connections a minute above which to raise the alarm."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.database_setup_failures_per_minute >= 0
    error_message = "database_setup_failures_per_minute must be 0 or more."
  }
}

variable "client_authentication_failures_per_minute" {
  description = "Client connections refused for their credentials, a minute, above which to raise the alarm."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.client_authentication_failures_per_minute >= 0
    error_message = "client_authentication_failures_per_minute must be 0 or more."
  }
}

variable "availability_percent" {
  description = "Share of time the database was available to the proxy, in percent, below which to raise the alarm."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.availability_percent > 0 && var.availability_percent <= 100
    error_message = "availability_percent must be above 0 and at most 100."
  }
}
