mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}

variables {
  name                = "keystone-nexus-test"
  cidr_block          = "10.20.0.0/16"
  availability_zones  = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  interface_endpoints = ["logs", "ssm"]
  tags                = { Team = "platform" }
}

run "creates_a_closed_network" {
  command = plan

  assert {
    condition     = { for zone, subnet in aws_subnet.private : zone => subnet.cidr_block } == { eu-central-1a = "10.20.0.0/19", eu-central-1b = "10.20.32.0/19", eu-central-1c = "10.20.64.0/19" }
    error_message = "One /19 for each zone, in the zones' order."
  }

  assert {
    condition     = alltrue([for subnet in aws_subnet.private : !subnet.map_public_ip_on_launch])
    error_message = "No subnet gives public addresses."
  }

  assert {
    condition     = length(aws_default_security_group.main) == 1
    error_message = "The default security group is managed, and so emptied."
  }

  assert {
    condition     = toset([for endpoint in aws_vpc_endpoint.interface : endpoint.service_name]) == toset(["com.amazonaws.eu-central-1.logs", "com.amazonaws.eu-central-1.ssm"])
    error_message = "An interface endpoint for each service."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_vpc_endpoint.s3[0].policy).Statement :
      statement.Action == "s3:GetObject" || try(statement.Condition.StringEquals["aws:ResourceAccount"], "") == "123456789012"
    ])
    error_message = "Only buckets of this account are reachable, and Amazon Linux's for reading."
  }

  assert {
    condition     = aws_vpc.main[0].tags == tomap({ Name = "keystone-nexus-test", Team = "platform" })
    error_message = "Given tags besides Name."
  }
}

run "needs_no_interface_endpoint" {
  command = plan

  variables {
    interface_endpoints = []
  }

  assert {
    condition     = output.endpoints_security_group_id == null && length(aws_security_group.endpoints) == 0
    error_message = "Without endpoints no security group."
  }
}

run "uses_an_existing_vpc" {
  command = plan

  variables {
    cidr_block          = null
    availability_zones  = []
    interface_endpoints = []
    vpc_id              = "vpc-0a1b2c3d4e5f60718"
    private_subnet_ids  = ["subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719"]
  }

  assert {
    condition     = output.vpc_id == var.vpc_id && output.private_subnet_ids == var.private_subnet_ids
    error_message = "The given network is passed through."
  }

  assert {
    condition     = output.endpoints_security_group_id == null && output.s3_prefix_list_id == null
    error_message = "An existing VPC's endpoints are its owner's."
  }

  assert {
    condition     = length(aws_vpc.main) + length(aws_subnet.private) + length(aws_vpc_endpoint.s3) + length(aws_default_security_group.main) + length(aws_route_table.private) == 0
    error_message = "Nothing is made in an existing VPC."
  }
}

run "rejects_a_block_with_host_bits" {
  command = plan

  variables {
    cidr_block = "10.20.0.1/16"
  }

  expect_failures = [var.cidr_block]
}

run "rejects_a_block_too_small" {
  command = plan

  variables {
    cidr_block = "10.20.0.0/26"
  }

  expect_failures = [var.cidr_block]
}

run "rejects_both_networks" {
  command = plan

  variables {
    vpc_id             = "vpc-0a1b2c3d4e5f60718"
    private_subnet_ids = ["subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719"]
  }

  expect_failures = [var.cidr_block]
}

run "rejects_one_zone" {
  command = plan

  variables {
    availability_zones = ["eu-central-1a"]
  }

  expect_failures = [var.availability_zones]
}

run "rejects_a_repeated_zone" {
  command = plan

  variables {
    availability_zones = ["eu-central-1a", "eu-central-1a"]
  }

  expect_failures = [var.availability_zones]
}

run "rejects_s3_as_interface_endpoint" {
  command = plan

  variables {
    interface_endpoints = ["s3"]
  }

  expect_failures = [var.interface_endpoints]
}

run "rejects_subnets_without_vpc" {
  command = plan

  variables {
    private_subnet_ids = ["subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719"]
  }

  expect_failures = [var.private_subnet_ids]
}

run "rejects_a_name_with_double_hyphen" {
  command = plan

  variables {
    name = "keystone--nexus"
  }

  expect_failures = [var.name]
}

run "rejects_a_reserved_tag" {
  command = plan

  variables {
    tags = { "aws:team" = "platform" }
  }

  expect_failures = [var.tags]
}
