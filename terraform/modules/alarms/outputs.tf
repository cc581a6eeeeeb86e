output "alarm_names" {
  description = "Names of all alarms, sorted."
  value = sort([
    for alarm in concat(
      values(aws_cloudwatch_metric_alarm.metric),
      values(aws_cloudwatch_metric_alarm.ratio),
    ) : alarm.alarm_name
  ])
}
