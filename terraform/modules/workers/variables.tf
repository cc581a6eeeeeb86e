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
  description = "VPC of the workers: the proxy's."
  type        = string
  nullable    = false
}

variable "subnet_ids" {
  description = "Private subnets the workers run in."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 1
    error_message = "subnet_ids must name at least one subnet."
  }
}

variable "instance_type" {
  description = "EC2 instance type, for example c7g.large. It decides the architecture: Graviton types have a \"g\" after the generation."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9-]+$", var.instance_type)) && !startswith(var.instance_type, "db.")
    error_message = "instance_type must be an EC2 instance type such as c7g.large or m7i.xlarge."
  }
}

variable "ami_ssm_parameter" {
  description = "SSM parameter that names the AMI; null for Amazon Linux 2023 of the instance type's architecture. Needs cloud-init and systemd."
  type        = string
  default     = null

  validation {
    condition     = var.ami_ssm_parameter == null ? true : can(regex("^/[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$", var.ami_ssm_parameter))
    error_message = "ami_ssm_parameter must be null or a parameter's name, such as /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64."
  }
}

variable "min_size" {
  description = "Fewest instances."
  type        = number
  nullable    = false

  validation {
    condition     = var.min_size >= 0 && var.min_size <= var.max_size && floor(var.min_size) == var.min_size
    error_message = "min_size must be a whole number from 0 to max_size."
  }
}

variable "max_size" {
  description = "Most instances."
  type        = number
  nullable    = false

  validation {
    condition     = var.max_size >= 1 && floor(var.max_size) == var.max_size
    error_message = "max_size must be a whole number from 1."
  }
}

variable "processes_per_instance" {
  description = "Worker processes on each instance."
  type        = number
  nullable    = false

  validation {
    condition     = var.processes_per_instance >= 1 && var.processes_per_instance <= 128 && floor(var.processes_per_instance) == var.processes_per_instance
    error_message = "processes_per_instance must be a whole number from 1 to 128."
  }
}

variable "connections_per_process" {
  description = "Connections that each process opens to the proxy, told to it as NEXUS_CONNECTIONS_PER_PROCESS."
  type        = number
  nullable    = false

  validation {
    condition     = var.connections_per_process >= 1 && floor(var.connections_per_process) == var.connections_per_process
    error_message = "connections_per_process must be a whole number from 1."
  }
}

variable "command" {
  description = "What each process runs: the body of a bash script, in most cases one command. Anybody who may describe launch templates can read it: no secrets."
  type        = string
  nullable    = false

  validation {
    condition     = trimspace(var.command) != "" && length(var.command) <= 4096
    error_message = "command must not be empty, and have at most 4096 characters."
  }

  validation {
    condition     = !can(regex("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\x{fffe}\\x{ffff}]", var.command))
    error_message = "command must not hold control characters other than tabs and line feeds."
  }
}

variable "root_volume_gib" {
  description = "Root volume, in GiB."
  type        = number
  nullable    = false

  validation {
    condition     = var.root_volume_gib >= 8 && var.root_volume_gib <= 16384 && floor(var.root_volume_gib) == var.root_volume_gib
    error_message = "root_volume_gib must be a whole number from 8 to 16384."
  }
}

variable "target_cpu_percent" {
  description = "Average CPU use of the group, in percent, that scaling aims at."
  type        = number
  nullable    = false

  validation {
    condition     = var.target_cpu_percent >= 1 && var.target_cpu_percent <= 100
    error_message = "target_cpu_percent must be from 1 to 100."
  }
}

variable "instance_refresh" {
  description = "Share of the group, in percent of its desired size, that stays in service (min) and may exist (max) while instances are replaced."
  type = object({
    min_healthy_percentage = number
    max_healthy_percentage = number
  })
  nullable = false

  validation {
    condition     = var.instance_refresh.min_healthy_percentage >= 0 && var.instance_refresh.min_healthy_percentage <= 100 && floor(var.instance_refresh.min_healthy_percentage) == var.instance_refresh.min_healthy_percentage
    error_message = "instance_refresh.min_healthy_percentage must be a whole number from 0 to 100."
  }

  validation {
    condition     = var.instance_refresh.max_healthy_percentage >= 100 && var.instance_refresh.max_healthy_percentage <= 200 && floor(var.instance_refresh.max_healthy_percentage) == var.instance_refresh.max_healthy_percentage
    error_message = "instance_refresh.max_healthy_percentage must be a whole number from 100 to 200."
  }

  validation {
    condition     = var.instance_refresh.max_healthy_percentage - var.instance_refresh.min_healthy_percentage <= 100
    error_message = "instance_refresh must have at most 100 between its two percentages."
  }
}

variable "proxy_endpoint" {
  description = "Host name of the proxy."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$", var.proxy_endpoint))
    error_message = "proxy_endpoint must be a host name."
  }
}

variable "proxy_port" {
  description = "Port of the proxy."
  type        = number
  nullable    = false

  validation {
    condition     = var.proxy_port >= 1 && var.proxy_port <= 65535 && floor(var.proxy_port) == var.proxy_port
    error_message = "proxy_port must be a whole number from 1 to 65535."
  }
}

variable "proxy_security_group_id" {
  description = "Security group of the proxy; the workers are let into it."
  type        = string
  nullable    = false
}

variable "database_name" {
  description = "Database the workers connect to."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z_][A-Za-z0-9_]{0,62}$", var.database_name))
    error_message = "database_name must be 1 to 63 letters, digits and underscores, and not start with a digit."
  }
}

variable "database_username" {
  description = "Database user the workers become."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z_][a-z0-9_]{0,62}$", var.database_username))
    error_message = "database_username must be 1 to 63 lower-case letters, digits and underscores, and not start with a digit."
  }
}

variable "region" {
  description = "AWS Region of the proxy, for which the workers sign their tokens."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]+$", var.region))
    error_message = "region must be an AWS Region such as eu-central-1."
  }
}

variable "connect_policy_arn" {
  description = "IAM policy that allows to connect through the proxy as database_username."
  type        = string
  nullable    = false
}

variable "endpoints_security_group_id" {
  description = "Security group of the interface endpoints; null when there are none."
  type        = string
  default     = null
}

variable "s3_prefix_list_id" {
  description = "Prefix list of the S3 gateway endpoint; null when there is none."
  type        = string
  default     = null
}
