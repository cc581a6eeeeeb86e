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
  description = "VPC of the database."
  type        = string
  nullable    = false
}

variable "subnet_ids" {
  description = "Private subnets in at least two Availability Zones."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must name at least two subnets, in two Availability Zones."
  }
}

variable "database_name" {
  description = "Database created with the instance."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9_]{0,62}$", var.database_name)) && !contains(["postgres", "rdsadmin", "template0", "template1"], lower(var.database_name))
    error_message = "database_name must be 1 to 63 letters, digits and underscores, start with a letter, and not be postgres, rdsadmin, template0 or template1."
  }
}

variable "master_username" {
  description = "Master user; RDS makes its password and keeps it in Secrets Manager."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z_][a-z0-9_]{0,62}$", var.master_username)) && !can(regex("^(rds|pg_)", var.master_username)) && !contains(["admin", "postgres", "public", "user"], var.master_username)
    error_message = "master_username must be 1 to 63 lower-case letters, digits and underscores, not start with a digit, rds or pg_, and not be admin, postgres, public or user."
  }
}

variable "engine_version" {
  description = "PostgreSQL version: with the major one alone (\"16\") RDS installs minor upgrades; \"16.4\" stays until it is edited."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^1[3-9](\\.[0-9]+)?$", var.engine_version))
    error_message = "engine_version must be a PostgreSQL version from 13 to 19, such as \"16\" or \"16.4\"."
  }
}

variable "instance_class" {
  description = "Class of the instance, for example db.r6g.xlarge."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^db\\.[a-z0-9-]+\\.[a-z0-9-]+$", var.instance_class))
    error_message = "instance_class must be an RDS class such as db.t4g.medium or db.r6g.xlarge."
  }
}

variable "allocated_storage_gib" {
  description = "Storage, in GiB."
  type        = number
  nullable    = false

  validation {
    condition     = var.allocated_storage_gib >= 20 && var.allocated_storage_gib <= 65536 && floor(var.allocated_storage_gib) == var.allocated_storage_gib
    error_message = "allocated_storage_gib must be a whole number from 20 to 65536."
  }
}

variable "max_allocated_storage_gib" {
  description = "Limit of storage autoscaling, in GiB; 0 for no autoscaling."
  type        = number
  nullable    = false

  validation {
    condition     = var.max_allocated_storage_gib == 0 || (var.max_allocated_storage_gib >= var.allocated_storage_gib && var.max_allocated_storage_gib <= 65536 && floor(var.max_allocated_storage_gib) == var.max_allocated_storage_gib)
    error_message = "max_allocated_storage_gib must be 0 (no autoscaling) or a whole number from allocated_storage_gib to 65536."
  }
}

variable "storage_type" {
  description = "Type of storage."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["gp2", "gp3"], var.storage_type)
    error_message = "storage_type must be gp2 or gp3."
  }
}

variable "multi_az" {
  description = "Whether a standby runs in a second Availability Zone."
  type        = bool
  nullable    = false
}

variable "backup_retention_days" {
  description = "Days that automated backups are kept; 0 for none."
  type        = number
  nullable    = false

  validation {
    condition     = var.backup_retention_days >= 0 && var.backup_retention_days <= 35 && floor(var.backup_retention_days) == var.backup_retention_days
    error_message = "backup_retention_days must be a whole number from 0 to 35."
  }
}

variable "backup_window" {
  description = "Daily window of the backup, UTC, for example 01:00-02:00; outside the maintenance window."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$", var.backup_window))
    error_message = "backup_window must be hh:mm-hh:mm in UTC, such as 01:00-02:00."
  }
}

variable "maintenance_window" {
  description = "Weekly window of maintenance, UTC, for example sun:03:00-sun:04:00."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):[0-5][0-9]-(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):[0-5][0-9]$", var.maintenance_window))
    error_message = "maintenance_window must be ddd:hh:mm-ddd:hh:mm in UTC with days mon to sun, such as sun:03:00-sun:04:00."
  }
}

variable "deletion_protection" {
  description = "Whether AWS refuses to delete the instance."
  type        = bool
  nullable    = false
}

variable "skip_final_snapshot" {
  description = "Whether the instance is deleted without a last snapshot."
  type        = bool
  nullable    = false
}

variable "apply_immediately" {
  description = "Whether changes happen at once, also those that interrupt, instead of in the maintenance window."
  type        = bool
  nullable    = false
}

variable "log_retention_days" {
  description = "Days that CloudWatch keeps PostgreSQL's logs."
  type        = number
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

variable "parameters" {
  description = "Parameters of the parameter group, by name, besides rds.force_ssl, which is always 1."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for parameter in keys(var.parameters) : can(regex("^[a-z][a-z0-9_.]*$", parameter))])
    error_message = "parameters must be named in lower case, such as log_min_duration_statement or pg_stat_statements.track."
  }

  validation {
    condition     = lookup(var.parameters, "rds.force_ssl", "1") == "1"
    error_message = "parameters must leave rds.force_ssl at \"1\": every connection to the database is encrypted."
  }
}
