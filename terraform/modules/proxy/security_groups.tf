resource "aws_security_group" "main" {
  name        = "${var.name}-proxy"
  description = "Proxy of ${var.name}"
  vpc_id      = var.vpc_id

  tags = merge(var.tags, { Name = "${var.name}-proxy" })
}

resource "aws_vpc_security_group_egress_rule" "database" {
  security_group_id            = aws_security_group.main.id
  description                  = "To the database"
  referenced_security_group_id = var.database_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = var.database_port
  to_port                      = var.database_port

  tags = merge(var.tags, { Name = "${var.name}-proxy-to-database" })
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  security_group_id            = var.database_security_group_id
  description                  = "From the proxy"
  referenced_security_group_id = aws_security_group.main.id
  ip_protocol                  = "tcp"
  from_port                    = var.database_port
  to_port                      = var.database_port

  tags = merge(var.tags, { Name = "${var.name}-database-from-proxy" })
}

# Functions often share a security group; AWS refuses a rule twice.
resource "aws_vpc_security_group_ingress_rule" "lambda" {
  for_each = toset(values(var.lambda_clients)[*].security_group_id)

  security_group_id            = aws_security_group.main.id
  description                  = "From Lambda functions"
  referenced_security_group_id = each.key
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port

  tags = merge(var.tags, { Name = "${var.name}-proxy-from-${each.key}" })
}
