"""Auto Scaling: default instance warm-up, enabled policies, instance refreshes."""

import uuid
from collections.abc import Callable
from typing import Any

from moto.autoscaling.models import FakeAutoScalingGroup
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult
from moto.core.utils import utcnow

Operation = Callable[[AutoScalingResponse], ActionResult]


def install() -> None:
    """Add everything."""
    for operation in ("create_auto_scaling_group", "update_auto_scaling_group"):
        setattr(
            AutoScalingResponse, operation, with_warmup(getattr(AutoScalingResponse, operation))
        )
    AutoScalingResponse.put_scaling_policy = with_enabled(AutoScalingResponse.put_scaling_policy)
    AutoScalingResponse.start_instance_refresh = start_instance_refresh
    AutoScalingResponse.describe_instance_refreshes = describe_instance_refreshes
    FakeAutoScalingGroup.default_instance_warmup = None
    FakeAutoScalingGroup.instance_refreshes = ()


def group_named(self: AutoScalingResponse) -> FakeAutoScalingGroup:
    """The group that a request names."""
    name = self._get_param("AutoScalingGroupName")
    return self.autoscaling_backend.autoscaling_groups[name]


def with_warmup(operation: Operation) -> Operation:
    """autoscaling:CreateAutoScalingGroup and Update...: DefaultInstanceWarmup, -1 for none."""

    def completed(self: AutoScalingResponse) -> ActionResult:
        answer = operation(self)
        warmup = self._get_int_param("DefaultInstanceWarmup")
        if warmup is not None:
            group_named(self).default_instance_warmup = None if warmup == -1 else warmup
        return answer

    return completed


def with_enabled(operation: Operation) -> Operation:
    """autoscaling:PutScalingPolicy: Enabled, and no predictive scaling unless it was given."""

    def completed(self: AutoScalingResponse) -> ActionResult:
        answer = operation(self)
        policy = self.autoscaling_backend.policies[self._get_param("PolicyName")]
        policy.enabled = self._get_bool_param("Enabled", if_none=True)
        policy.predictive_scaling_configuration = policy.predictive_scaling_configuration or None
        return answer

    return completed


def start_instance_refresh(self: AutoScalingResponse) -> ActionResult:
    """autoscaling:StartInstanceRefresh, absent in moto. Instances have no life here: it is over."""
    group = group_named(self)
    now = utcnow()
    refresh: dict[str, Any] = {
        "InstanceRefreshId": str(uuid.uuid4()),
        "AutoScalingGroupName": group.name,
        "Status": "Successful",
        "StartTime": now,
        "EndTime": now,
        "PercentageComplete": 100,
        "InstancesToUpdate": 0,
        "Preferences": self._get_param("Preferences", {}),
    }
    group.instance_refreshes = (refresh, *group.instance_refreshes)
    return ActionResult({"InstanceRefreshId": refresh["InstanceRefreshId"]})


def describe_instance_refreshes(self: AutoScalingResponse) -> ActionResult:
    """autoscaling:DescribeInstanceRefreshes, absent in moto; the latest comes first."""
    return ActionResult({"InstanceRefreshes": list(group_named(self).instance_refreshes)})
