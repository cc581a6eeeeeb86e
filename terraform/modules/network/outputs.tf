output "vpc_id" {
  description = "VPC, created or given."
  value       = local.create ? one(aws_vpc.main[*].id) : var.vpc_id
}

output "private_subnet_ids" {
  description = "Private subnets, in the order of the zones or as given."
  value = local.create ? [
    for zone in var.availability_zones : aws_subnet.private[zone].id
  ] : var.private_subnet_ids

  # An instance that starts before the routes exist cannot reach S3.
  depends_on = [aws_route_table_association.private]
}

# join() tells Terraform, before the id is known, that it will not be null; others may then count on it.
output "endpoints_security_group_id" {
  description = "Security group of the interface endpoints; null when there are none."
  value       = length(aws_security_group.endpoints) > 0 ? join("", aws_security_group.endpoints[*].id) : null
}

output "s3_prefix_list_id" {
  description = "Prefix list of S3, for egress rules; null with an existing VPC."
  value       = local.create ? join("", aws_vpc_endpoint.s3[*].prefix_list_id) : null
}
