resource "aws_iam_role" "main" {
  name        = "${var.name}-workers"
  description = "Workers of ${var.name}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.${data.aws_partition.current.dns_suffix}" }
      Action    = "sts:AssumeRole"
    }]
  })

  tags = merge(var.tags, { Name = "${var.name}-workers" })
}

resource "aws_iam_role_policy_attachment" "connect" {
  role       = aws_iam_role.main.name
  policy_arn = var.connect_policy_arn
}

# Sessions and patches, in place of SSH.
resource "aws_iam_role_policy_attachment" "ssm" {
  role       = aws_iam_role.main.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

resource "aws_iam_instance_profile" "main" {
  name = "${var.name}-workers"
  role = aws_iam_role.main.name

  tags = merge(var.tags, { Name = "${var.name}-workers" })
}
