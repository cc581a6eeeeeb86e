data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  create = var.cidr_block != null
  region = data.aws_region.current.name

  # Three bits: room for eight zones, so that adding one renumbers none.
  subnet_cidr_blocks = {
    for index, zone in var.availability_zones : zone => cidrsubnet(var.cidr_block, 3, index)
  }
}

resource "aws_vpc" "main" {
  count = local.create ? 1 : 0

  cidr_block = var.cidr_block

  # Private DNS of the interface endpoints needs both.
  enable_dns_hostnames = true
  enable_dns_support   = true

  tags = merge(var.tags, { Name = var.name })
}

# Without rules: nothing that forgets to name a security group can talk.
resource "aws_default_security_group" "main" {
  count = local.create ? 1 : 0

  vpc_id = aws_vpc.main[0].id
  tags   = merge(var.tags, { Name = "${var.name}-default-closed" })
}

resource "aws_subnet" "private" {
  for_each = local.subnet_cidr_blocks

  vpc_id                  = aws_vpc.main[0].id
  availability_zone       = each.key
  cidr_block              = each.value
  map_public_ip_on_launch = false

  tags = merge(var.tags, { Name = "${var.name}-private-${each.key}" })
}

# No route to an internet or NAT gateway: the subnets reach AWS through endpoints only.
resource "aws_route_table" "private" {
  count = local.create ? 1 : 0

  vpc_id = aws_vpc.main[0].id
  tags   = merge(var.tags, { Name = "${var.name}-private" })
}

resource "aws_route_table_association" "private" {
  for_each = aws_subnet.private

  subnet_id      = each.value.id
  route_table_id = aws_route_table.private[0].id
}

resource "aws_vpc_endpoint" "s3" {
  count = local.create ? 1 : 0

  vpc_id            = aws_vpc.main[0].id
  service_name      = "com.amazonaws.${local.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.private[0].id]

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # dnf does not sign its requests, so this cannot ask for a principal of the account.
        Sid       = "AmazonLinuxRepositories"
        Effect    = "Allow"
        Principal = "*"
        Action    = "s3:GetObject"
        Resource  = "arn:${data.aws_partition.current.partition}:s3:::al2023-repos-${local.region}-de612dc2/*"
      },
      {
        # What is allowed on them is for the caller's own policies to say.
        Sid       = "BucketsOfThisAccount"
        Effect    = "Allow"
        Principal = "*"
        Action    = "s3:*"
        Resource  = "*"
        Condition = {
          StringEquals = {
            "aws:PrincipalAccount" = data.aws_caller_identity.current.account_id
            "aws:ResourceAccount"  = data.aws_caller_identity.current.account_id
          }
        }
      },
    ]
  })

  tags = merge(var.tags, { Name = "${var.name}-s3" })
}

# Rules are added by the modules whose instances use the endpoints.
resource "aws_security_group" "endpoints" {
  count = length(var.interface_endpoints) > 0 ? 1 : 0

  name        = "${var.name}-endpoints"
  description = "Interface endpoints of ${var.name}"
  vpc_id      = aws_vpc.main[0].id

  tags = merge(var.tags, { Name = "${var.name}-endpoints" })
}

resource "aws_vpc_endpoint" "interface" {
  for_each = toset(var.interface_endpoints)

  vpc_id              = aws_vpc.main[0].id
  service_name        = "com.amazonaws.${local.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [for zone in var.availability_zones : aws_subnet.private[zone].id]
  security_group_ids  = [aws_security_group.endpoints[0].id]

  tags = merge(var.tags, { Name = "${var.name}-${each.key}" })
}
