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

variable "cidr_block" {
  description = "IPv4 block of the VPC to create, /16 to /24; null to use an existing VPC."
  type        = string
  default     = null

  validation {
    condition = var.cidr_block == null ? true : (
      can(regex("/(1[6-9]|2[0-4])$", var.cidr_block)) &&
      try(cidrsubnet(var.cidr_block, 0, 0) == var.cidr_block && can(cidrnetmask(var.cidr_block)), false)
    )
    error_message = "cidr_block must be null or an IPv4 network from /16 to /24 with its host bits zero, for example 10.20.0.0/16."
  }

  validation {
    condition     = (var.cidr_block == null) != (var.vpc_id == null)
    error_message = "Set either cidr_block (to create a VPC) or vpc_id (to use an existing one), not both and not neither."
  }
}

variable "availability_zones" {
  description = "Availability Zones of the VPC to create, one private subnet each, for example [\"eu-central-1a\", \"eu-central-1b\"]. Only append: the position decides the subnet's address block."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = var.cidr_block == null ? length(var.availability_zones) == 0 : (
      length(var.availability_zones) >= 2 && length(var.availability_zones) <= 8
    )
    error_message = "availability_zones must name 2 to 8 zones with cidr_block, and none with vpc_id."
  }

  validation {
    condition = alltrue([
      for zone in var.availability_zones : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]+[a-z]$", zone))
    ])
    error_message = "availability_zones must be zone names such as eu-central-1a."
  }

  validation {
    condition     = length(distinct(var.availability_zones)) == length(var.availability_zones)
    error_message = "availability_zones must not repeat a zone."
  }
}

variable "interface_endpoints" {
  description = "Short names of the AWS services to reach through interface endpoints, for example [\"logs\", \"ssm\"]."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = var.cidr_block != null || length(var.interface_endpoints) == 0
    error_message = "interface_endpoints must be empty with vpc_id: endpoints belong to whoever owns the VPC."
  }

  validation {
    condition = alltrue([
      for service in var.interface_endpoints :
      can(regex("^[a-z0-9]+([.-][a-z0-9]+)*$", service)) && service != "s3"
    ])
    error_message = "interface_endpoints must be service short names such as logs, ssm or ecr.api; s3 has its gateway endpoint already."
  }

  validation {
    condition     = length(distinct(var.interface_endpoints)) == length(var.interface_endpoints)
    error_message = "interface_endpoints must not repeat a service."
  }
}

variable "vpc_id" {
  description = "Existing VPC to use instead of creating one."
  type        = string
  default     = null

  validation {
    condition     = var.vpc_id == null ? true : can(regex("^vpc-[0-9a-f]{8,17}$", var.vpc_id))
    error_message = "vpc_id must be null or a VPC id such as vpc-0a1b2c3d4e5f60718."
  }
}

variable "private_subnet_ids" {
  description = "Existing private subnets to use, in at least two Availability Zones; only with vpc_id."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = var.vpc_id == null ? length(var.private_subnet_ids) == 0 : length(distinct(var.private_subnet_ids)) >= 2
    error_message = "private_subnet_ids must name at least two subnets with vpc_id, and none with cidr_block."
  }

  validation {
    condition     = alltrue([for id in var.private_subnet_ids : can(regex("^subnet-[0-9a-f]{8,17}$", id))])
    error_message = "private_subnet_ids must be subnet ids such as subnet-0a1b2c3d4e5f60718."
  }
}
