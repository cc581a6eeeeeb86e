mock_provider "aws" {
  override_during = plan

  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }

  mock_resource "aws_iam_instance_profile" {
    defaults = { arn = "arn:aws:iam::123456789012:instance-profile/keystone-nexus-test-workers" }
  }

  mock_resource "aws_security_group" {
    defaults = { id = "sg-00000000000000001" }
  }

  mock_resource "aws_launch_template" {
    defaults = { id = "lt-ca4a46e0dc8311de5", latest_version = 7 }
  }
}

variables {
  name                        = "keystone-nexus-test"
  vpc_id                      = "vpc-0a1b2c3d4e5f60718"
  subnet_ids                  = ["subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719"]
  instance_type               = "c7g.large"
  min_size                    = 2
  max_size                    = 40
  processes_per_instance      = 3
  connections_per_process     = 10
  command                     = "exec /opt/nexus/bin/worker"
  root_volume_gib             = 20
  target_cpu_percent          = 60
  instance_refresh            = { min_healthy_percentage = 90, max_healthy_percentage = 110 }
  proxy_endpoint              = "keystone-nexus-test.proxy-abcdefghijkl.eu-central-1.rds.amazonaws.com"
  proxy_port                  = 5432
  proxy_security_group_id     = "sg-00000000000000002"
  database_name               = "nexus"
  database_username           = "nexus_app"
  region                      = "eu-central-1"
  connect_policy_arn          = "arn:aws:iam::123456789012:policy/keystone-nexus-test-connect-app"
  endpoints_security_group_id = "sg-00000000000000003"
  s3_prefix_list_id           = "pl-00000000000000004"
}

run "closes_the_instance" {
  command = plan

  assert {
    condition     = aws_launch_template.main.metadata_options[0].http_tokens == "required" && aws_launch_template.main.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "IMDSv2 only, and not from containers."
  }

  assert {
    condition     = aws_launch_template.main.network_interfaces[0].associate_public_ip_address == "false" && aws_launch_template.main.key_name == null
    error_message = "Neither a public address nor a key pair."
  }

  assert {
    condition     = aws_launch_template.main.block_device_mappings[0].ebs[0].encrypted == "true" && aws_launch_template.main.block_device_mappings[0].ebs[0].volume_type == "gp3"
    error_message = "The volume is encrypted."
  }
}

run "reaches_the_proxy_and_endpoints_only" {
  command = plan

  assert {
    condition     = aws_vpc_security_group_egress_rule.proxy.referenced_security_group_id == "sg-00000000000000002" && aws_vpc_security_group_egress_rule.proxy.from_port == 5432 && aws_vpc_security_group_egress_rule.proxy.to_port == 5432
    error_message = "Out to the proxy on its port."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.proxy.security_group_id == "sg-00000000000000002" && aws_vpc_security_group_ingress_rule.proxy.referenced_security_group_id == "sg-00000000000000001"
    error_message = "The proxy lets the workers in."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.endpoints[0].referenced_security_group_id == "sg-00000000000000003" && aws_vpc_security_group_egress_rule.endpoints[0].to_port == 443 && aws_vpc_security_group_ingress_rule.endpoints[0].security_group_id == "sg-00000000000000003"
    error_message = "Out to the interface endpoints, HTTPS."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.s3[0].prefix_list_id == "pl-00000000000000004" && aws_vpc_security_group_egress_rule.s3[0].to_port == 443
    error_message = "Out to S3, HTTPS."
  }
}

run "lives_without_endpoints" {
  command = plan

  variables {
    endpoints_security_group_id = null
    s3_prefix_list_id           = null
  }

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.endpoints) + length(aws_vpc_security_group_ingress_rule.endpoints) + length(aws_vpc_security_group_egress_rule.s3) == 0
    error_message = "No rule without a destination."
  }
}

run "grants_the_least" {
  command = plan

  assert {
    condition     = aws_iam_role_policy_attachment.connect.policy_arn == var.connect_policy_arn && aws_iam_role_policy_attachment.ssm.policy_arn == "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    error_message = "Connect as one user, and Systems Manager."
  }

  assert {
    condition     = jsondecode(aws_iam_role.main.assume_role_policy).Statement == [{ Effect = "Allow", Principal = { Service = "ec2.amazonaws.com" }, Action = "sts:AssumeRole" }]
    error_message = "EC2 alone is trusted."
  }
}

run "starts_the_processes" {
  command = plan

  assert {
    condition = yamldecode(base64decode(aws_launch_template.main.user_data)).runcmd == [
      ["systemctl", "daemon-reload"],
      ["systemctl", "enable", "--now", "keystone-nexus-worker@1.service", "keystone-nexus-worker@2.service", "keystone-nexus-worker@3.service"],
    ]
    error_message = "A unit for each process."
  }

  assert {
    condition = split("\n", trimspace(yamldecode(base64decode(aws_launch_template.main.user_data)).write_files[0].content)) == tolist([
      "AWS_REGION=\"eu-central-1\"",
      "NEXUS_CONNECTIONS_PER_PROCESS=\"10\"",
      "NEXUS_DATABASE_AUTH=\"iam-token\"",
      "PGDATABASE=\"nexus\"",
      "PGHOST=\"keystone-nexus-test.proxy-abcdefghijkl.eu-central-1.rds.amazonaws.com\"",
      "PGPORT=\"5432\"",
      "PGSSLMODE=\"verify-full\"",
      "PGSSLROOTCERT=\"system\"",
      "PGUSER=\"nexus_app\"",
    ])
    error_message = "Workers verify the proxy's certificate and sign in with tokens; there is no password."
  }

  assert {
    condition     = startswith(base64decode(aws_launch_template.main.user_data), "#cloud-config\n")
    error_message = "cloud-init knows the format by its first line."
  }
}

run "writes_any_command_byte_for_byte" {
  command = plan

  variables {
    command = <<-EOT
      cd "/opt/ne$${x}us" # `id` $(id) %i %%{ if } 'single' "double" \ \\ \n
      - content: |
      	EOF
      write_files: [] # ü 漢字 😀 </script> &amp; : {} !!python/object
      exec ./worker
    EOT
  }

  assert {
    condition     = yamldecode(base64decode(aws_launch_template.main.user_data)).write_files[1].content == "#!/bin/bash\n${var.command}\n"
    error_message = "The script holds what was given and nothing else."
  }

  assert {
    condition     = length(yamldecode(base64decode(aws_launch_template.main.user_data)).write_files) == 3 && length(yamldecode(base64decode(aws_launch_template.main.user_data)).runcmd) == 2
    error_message = "The command does not break out of its string."
  }
}

run "rejects_more_user_data_than_ec2_takes" {
  command = plan

  variables {
    command                = replace(format("%04096d", 0), "0", "漢")
    processes_per_instance = 128
  }

  expect_failures = [aws_launch_template.main]
}

run "takes_many_processes_and_a_long_command" {
  command = plan

  variables {
    command                = format("%04096d", 0)
    processes_per_instance = 128
  }

  assert {
    condition     = length(aws_launch_template.main.user_data) < 21848
    error_message = "The largest inputs fit."
  }
}

run "chooses_the_image_of_the_architecture" {
  command = plan

  assert {
    condition     = aws_launch_template.main.image_id == "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
    error_message = "c7g is Graviton."
  }
}

run "knows_gpu_types_from_graviton" {
  command = plan

  variables {
    instance_type = "g4dn.xlarge"
  }

  assert {
    condition     = aws_launch_template.main.image_id == "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    error_message = "g4dn is Intel."
  }
}

run "takes_another_image" {
  command = plan

  variables {
    ami_ssm_parameter = "/keystone/nexus/worker-ami"
  }

  assert {
    condition     = aws_launch_template.main.image_id == "resolve:ssm:/keystone/nexus/worker-ami"
    error_message = "The given parameter names the image."
  }
}

run "scales_and_refreshes" {
  command = plan

  variables {
    tags = { Team = "platform" }
  }

  assert {
    condition     = aws_autoscaling_group.main.min_size == 2 && aws_autoscaling_group.main.max_size == 40 && aws_autoscaling_group.main.launch_template[0].version == "7"
    error_message = "The group uses the newest template, so that a change of it refreshes the instances."
  }

  assert {
    condition     = aws_autoscaling_group.main.instance_refresh[0].strategy == "Rolling" && aws_autoscaling_group.main.instance_refresh[0].preferences[0].min_healthy_percentage == 90 && aws_autoscaling_group.main.instance_refresh[0].preferences[0].max_healthy_percentage == 110
    error_message = "Instances are replaced within the given bounds."
  }

  assert {
    condition     = aws_autoscaling_policy.cpu.target_tracking_configuration[0].target_value == 60
    error_message = "Scaling aims at the given use of CPU."
  }

  assert {
    condition     = { for tag in aws_autoscaling_group.main.tag : tag.key => tag.value if tag.propagate_at_launch } == { Name = "keystone-nexus-test-worker", Team = "platform" }
    error_message = "Instances carry the tags."
  }
}

run "rejects_what_ec2_would" {
  command = plan

  variables {
    subnet_ids              = []
    instance_type           = "large"
    ami_ssm_parameter       = "ami-0123456789abcdef0"
    min_size                = 41
    processes_per_instance  = 0
    connections_per_process = 1.5
    command                 = "  "
    root_volume_gib         = 7
    target_cpu_percent      = 0
    instance_refresh        = { min_healthy_percentage = 50, max_healthy_percentage = 160 }
    region                  = "Frankfurt"
  }

  expect_failures = [
    var.subnet_ids,
    var.instance_type,
    var.ami_ssm_parameter,
    var.min_size,
    var.processes_per_instance,
    var.connections_per_process,
    var.command,
    var.root_volume_gib,
    var.target_cpu_percent,
    var.instance_refresh,
    var.region,
  ]
}

run "rejects_what_would_leave_its_line" {
  command = plan

  variables {
    command           = "worker\u0000\u0007"
    proxy_endpoint    = "proxy\nPGSSLMODE=disable"
    database_name     = "nexus\"; id"
    database_username = "nexus_app$HOME"
  }

  expect_failures = [
    var.command,
    var.proxy_endpoint,
    var.database_name,
    var.database_username,
  ]
}
