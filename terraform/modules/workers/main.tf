data "aws_partition" "current" {}

locals {
  # a1, and families such as c7g, m6gd, im4gn; not g5, g4dn.
  architecture = can(regex("^(a1|[a-z]+[0-9]+g[a-z]*)\\.", var.instance_type)) ? "arm64" : "x86_64"

  ami_ssm_parameter = coalesce(
    var.ami_ssm_parameter,
    "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${local.architecture}",
  )

  tags = merge(var.tags, { Name = "${var.name}-worker" })
}

resource "aws_launch_template" "main" {
  name                   = "${var.name}-workers"
  description            = "Workers of ${var.name}"
  update_default_version = true

  # Resolved when an instance starts: new instances have the newest image.
  image_id      = "resolve:ssm:${local.ami_ssm_parameter}"
  instance_type = var.instance_type
  user_data     = base64encode(local.user_data)

  iam_instance_profile {
    arn = aws_iam_instance_profile.main.arn
  }

  # IMDSv2 only, and not from containers: the instance's credentials stay on the instance.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    instance_metadata_tags      = "disabled"
  }

  network_interfaces {
    device_index                = 0
    associate_public_ip_address = false
    delete_on_termination       = true
    security_groups             = [aws_security_group.main.id]
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = var.root_volume_gib
      encrypted             = true
      delete_on_termination = true
    }
  }

  # CPU every minute: target tracking on five-minute values lags behind a storm.
  monitoring {
    enabled = true
  }

  # The group tags its instances; their volumes and interfaces only the template can.
  dynamic "tag_specifications" {
    for_each = toset(["network-interface", "volume"])

    content {
      resource_type = tag_specifications.key
      tags          = local.tags
    }
  }

  tags = merge(var.tags, { Name = "${var.name}-workers" })

  lifecycle {
    precondition {
      condition     = length(base64encode(local.user_data)) <= 21848
      error_message = "The user data must have at most 16 KiB, which EC2 accepts; shorten command."
    }
  }
}

# desired_capacity is the scaling policy's, so it is not set.
resource "aws_autoscaling_group" "main" {
  name                = "${var.name}-workers"
  min_size            = var.min_size
  max_size            = var.max_size
  vpc_zone_identifier = var.subnet_ids

  health_check_type         = "EC2"
  health_check_grace_period = 120
  default_instance_warmup   = 120

  launch_template {
    id      = aws_launch_template.main.id
    version = aws_launch_template.main.latest_version
  }

  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage = var.instance_refresh.min_healthy_percentage
      max_healthy_percentage = var.instance_refresh.max_healthy_percentage
    }
  }

  dynamic "tag" {
    for_each = local.tags

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }

  # A worker that starts before these can neither sign in nor reach the proxy.
  depends_on = [
    aws_iam_role_policy_attachment.connect,
    aws_iam_role_policy_attachment.ssm,
    aws_vpc_security_group_egress_rule.endpoints,
    aws_vpc_security_group_egress_rule.proxy,
    aws_vpc_security_group_egress_rule.s3,
    aws_vpc_security_group_ingress_rule.endpoints,
    aws_vpc_security_group_ingress_rule.proxy,
  ]
}

resource "aws_autoscaling_policy" "cpu" {
  name                   = "${var.name}-workers-cpu"
  autoscaling_group_name = aws_autoscaling_group.main.name
  policy_type            = "TargetTrackingScaling"

  target_tracking_configuration {
    target_value = var.target_cpu_percent

    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
  }
}
