resource "aws_security_group" "main" {
  name        = "${var.name}-workers"
  description = "Workers of ${var.name}"
  vpc_id      = var.vpc_id

  tags = merge(var.tags, { Name = "${var.name}-workers" })
}

resource "aws_vpc_security_group_egress_rule" "proxy" {
  security_group_id            = aws_security_group.main.id
  description                  = "To the proxy"
  referenced_security_group_id = var.proxy_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = var.proxy_port
  to_port                      = var.proxy_port

  tags = merge(var.tags, { Name = "${var.name}-workers-to-proxy" })
}

resource "aws_vpc_security_group_ingress_rule" "proxy" {
  security_group_id            = var.proxy_security_group_id
  description                  = "From the workers"
  referenced_security_group_id = aws_security_group.main.id
  ip_protocol                  = "tcp"
  from_port                    = var.proxy_port
  to_port                      = var.proxy_port

  tags = merge(var.tags, { Name = "${var.name}-proxy-from-workers" })
}

resource "aws_vpc_security_group_egress_rule" "endpoints" {
  count = var.endpoints_security_group_id == null ? 0 : 1

  security_group_id            = aws_security_group.main.id
  description                  = "To the interface endpoints"
  referenced_security_group_id = var.endpoints_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443

  tags = merge(var.tags, { Name = "${var.name}-workers-to-endpoints" })
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  count = var.endpoints_security_group_id == null ? 0 : 1

  security_group_id            = var.endpoints_security_group_id
  description                  = "From the workers"
  referenced_security_group_id = aws_security_group.main.id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443

  tags = merge(var.tags, { Name = "${var.name}-endpoints-from-workers" })
}

resource "aws_vpc_security_group_egress_rule" "s3" {
  count = var.s3_prefix_list_id == null ? 0 : 1

  security_group_id = aws_security_group.main.id
  description       = "To S3 through its gateway endpoint"
  prefix_list_id    = var.s3_prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443

  tags = merge(var.tags, { Name = "${var.name}-workers-to-s3" })
}
