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

variable "users" {
  description = "Database users, by key. Raising secret_version writes a new password; with rotation, a Lambda function does so from time to time."
  type = map(object({
    username       = string
    secret_version = number

    rotation = optional(object({
      lambda_arn               = string
      automatically_after_days = number
    }))
  }))
  nullable = false

  validation {
    condition     = length(var.users) >= 1 && alltrue([for key in keys(var.users) : can(regex("^[a-z][a-z0-9_-]{0,55}$", key))])
    error_message = "users must have at least one key, each of 1 to 56 lower-case letters, digits, hyphens and underscores, starting with a letter."
  }

  validation {
    condition     = alltrue([for user in values(var.users) : can(regex("^[a-z_][a-z0-9_]{0,62}$", user.username))])
    error_message = "users must have a username of 1 to 63 lower-case letters, digits and underscores that does not start with a digit."
  }

  validation {
    condition     = length(distinct(values(var.users)[*].username)) == length(var.users)
    error_message = "users must not repeat a username: the proxy finds credentials by username."
  }

  validation {
    condition     = alltrue([for user in values(var.users) : user.secret_version >= 1 && floor(user.secret_version) == user.secret_version])
    error_message = "users must have a secret_version that is a whole number from 1."
  }

  validation {
    condition     = alltrue([for user in values(var.users) : user.rotation == null || can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}$", user.rotation.lambda_arn))])
    error_message = "users must have a rotation whose lambda_arn is the ARN of a Lambda function, without a version or alias."
  }

  validation {
    condition     = alltrue([for user in values(var.users) : user.rotation == null || try(user.rotation.automatically_after_days >= 1 && user.rotation.automatically_after_days <= 1000 && floor(user.rotation.automatically_after_days) == user.rotation.automatically_after_days, false)])
    error_message = "users must have a rotation whose automatically_after_days is a whole number from 1 to 1000."
  }
}

variable "passwords" {
  description = "Password of every user, by the same keys. Ephemeral: neither plan nor state holds it."
  type        = map(string)
  nullable    = false
  ephemeral   = true
  sensitive   = true
}

variable "recovery_window_days" {
  description = "Days in which a deleted secret can be restored; 0 to delete at once."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = contains(concat([0], range(7, 31)), var.recovery_window_days)
    error_message = "recovery_window_days must be 0 or a whole number from 7 to 30."
  }
}
