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

variable "vpc_id" {
  description = "VPC of the proxy: the database's."
  type        = string
  nullable    = false
}

variable "subnet_ids" {
  description = "Private subnets in at least two Availability Zones, with free addresses for the proxy (10 for a small database, up to 110). Changing them replaces the proxy."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must name at least two subnets, in two Availability Zones."
  }
}

variable "database_identifier" {
  description = "Identifier of the database instance behind the proxy."
  type        = string
  nullable    = false
}

variable "database_security_group_id" {
  description = "Security group of the database; the proxy is let into it."
  type        = string
  nullable    = false
}

variable "database_port" {
  description = "Port of the database."
  type        = number
  default     = 5432
  nullable    = false

  validation {
    condition     = var.database_port >= 1150 && var.database_port <= 65535 && floor(var.database_port) == var.database_port
    error_message = "database_port must be a whole number from 1150 to 65535."
  }
}

variable "require_tls" {
  description = "Whether clients without TLS are refused."
  type        = bool
  default     = true
  nullable    = false
}

variable "iam_auth" {
  description = "Whether clients sign in with IAM tokens (REQUIRED) or with the passwords of the secrets (DISABLED)."
  type        = string
  default     = "REQUIRED"
  nullable    = false

  validation {
    condition     = contains(["REQUIRED", "DISABLED"], var.iam_auth)
    error_message = "iam_auth must be REQUIRED or DISABLED; ENABLED is for SQL Server."
  }
}

variable "idle_client_timeout_seconds" {
  description = "Seconds after which an idle client is disconnected."
  type        = number
  default     = 1800
  nullable    = false

  validation {
    condition     = var.idle_client_timeout_seconds >= 60 && var.idle_client_timeout_seconds <= 28800 && floor(var.idle_client_timeout_seconds) == var.idle_client_timeout_seconds
    error_message = "idle_client_timeout_seconds must be a whole number from 60 to 28800 (8 hours)."
  }
}

variable "debug_logging" {
  description = "Whether the proxy logs the text of SQL statements. AWS turns it off again after a day."
  type        = bool
  default     = false
  nullable    = false
}

variable "connection_pool" {
  description = "How many of the database's connections the proxy may open and keep idle (percent of max_connections), and how long a client waits for one (seconds)."
  type = object({
    max_connections_percent           = number
    max_idle_connections_percent      = number
    connection_borrow_timeout_seconds = number
  })
  nullable = false

  validation {
    condition     = var.connection_pool.max_connections_percent >= 1 && var.connection_pool.max_connections_percent <= 100 && floor(var.connection_pool.max_connections_percent) == var.connection_pool.max_connections_percent
    error_message = "connection_pool.max_connections_percent must be a whole number from 1 to 100."
  }

  validation {
    condition     = var.connection_pool.max_idle_connections_percent >= 0 && var.connection_pool.max_idle_connections_percent <= var.connection_pool.max_connections_percent && floor(var.connection_pool.max_idle_connections_percent) == var.connection_pool.max_idle_connections_percent
    error_message = "connection_pool.max_idle_connections_percent must be a whole number from 0 to max_connections_percent."
  }

  validation {
    condition     = var.connection_pool.connection_borrow_timeout_seconds >= 0 && var.connection_pool.connection_borrow_timeout_seconds <= 300 && floor(var.connection_pool.connection_borrow_timeout_seconds) == var.connection_pool.connection_borrow_timeout_seconds
    error_message = "connection_pool.connection_borrow_timeout_seconds must be a whole number from 0 to 300."
  }
}

variable "secrets" {
  description = "Secrets with the database users' credentials, by user key. They must hold a value before the proxy is made."
  type = map(object({
    arn      = string
    username = string
  }))
  nullable = false

  validation {
    condition     = length(var.secrets) >= 1 && length(var.secrets) <= 200
    error_message = "secrets must have 1 to 200 entries: the most a proxy takes."
  }

  # The username becomes a part of an ARN in IAM policies, where "*" would mean every user.
  validation {
    condition     = alltrue([for secret in values(var.secrets) : can(regex("^[a-z_][a-z0-9_]{0,62}$", secret.username))])
    error_message = "secrets must have a username of 1 to 63 lower-case letters, digits and underscores that does not start with a digit."
  }

  validation {
    condition     = length(distinct(values(var.secrets)[*].username)) == length(var.secrets)
    error_message = "secrets must not repeat a username: the proxy finds credentials by username."
  }
}

variable "secrets_kms_key_arn" {
  description = "Key the secrets are encrypted with."
  type        = string
  nullable    = false
}

variable "lambda_clients" {
  description = "Lambda functions let into the proxy, by function name: their security group, the name of their role, and the database user they become. The values must be known when planning."
  type = map(object({
    security_group_id = string
    role_name         = string
    username          = string
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for client in values(var.lambda_clients) : can(regex("^sg-[0-9a-f]{8,17}$", client.security_group_id))])
    error_message = "lambda_clients must have a security_group_id such as sg-0a1b2c3d4e5f60718."
  }

  validation {
    condition     = alltrue([for client in values(var.lambda_clients) : can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", client.role_name))])
    error_message = "lambda_clients must have the role_name of an IAM role (its name, not its ARN)."
  }

  validation {
    condition     = alltrue([for client in values(var.lambda_clients) : contains(values(var.secrets)[*].username, client.username)])
    error_message = "lambda_clients must name a username that secrets has."
  }
}
