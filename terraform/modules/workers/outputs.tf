output "autoscaling_group_name" {
  description = "Name of the Auto Scaling group."
  value       = aws_autoscaling_group.main.name
}

output "launch_template_id" {
  description = "Id of the launch template."
  value       = aws_launch_template.main.id
}

output "security_group_id" {
  description = "Security group of the workers."
  value       = aws_security_group.main.id
}

output "role_name" {
  description = "Name of the workers' role."
  value       = aws_iam_role.main.name
}
