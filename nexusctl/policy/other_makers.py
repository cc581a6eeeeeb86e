"""Resources that make what nexusctl judges in a way that it does not read."""

import json
import re
from collections.abc import Iterable, Iterator

from nexusctl.configuration.configuration import Instance

_BY_NAME = re.compile(r"awscc_(?:rds|secretsmanager)_")
_CLOUD_CONTROL = "aws_cloudcontrolapi_resource"
_CLOUD_CONTROL_TYPES = ("AWS::RDS::", "AWS::SecretsManager::")
_STACKS = ("aws_cloudformation_stack", "aws_cloudformation_stack_set")
_IN_TEMPLATE = re.compile(
    r"AWS::(?:RDS|SecretsManager|EC2|AutoScaling)::|AWS::CloudFormation::Stack\b"
)


def other_makers(instances: Iterable[Instance]) -> Iterator[tuple[Instance, str]]:
    """The resources that are, or may be, such; with what is to be said of each."""
    for instance in instances:
        how = _how(instance)
        if how:
            yield instance, f"{instance.address}: {how}: nexusctl judges aws_db_proxy and the like"


def _how(instance: Instance) -> str | None:
    if _BY_NAME.match(instance.type):
        return "it makes by the awscc provider what is not read"
    if instance.type == _CLOUD_CONTROL:
        kind = instance.values.get("type_name")
        if not isinstance(kind, str):
            return "what it makes by Cloud Control is not known"
        return (
            f"it makes {kind} by Cloud Control" if kind.startswith(_CLOUD_CONTROL_TYPES) else None
        )
    if instance.type in _STACKS:
        template = instance.values.get("template_body")
        if not isinstance(template, str):
            return "the template of what it makes by CloudFormation is not known"
        found = _IN_TEMPLATE.search(_unescaped(template))
        return f"it makes {found[0]}… by CloudFormation" if found else None
    return None


def _unescaped(template: str) -> str:
    """A template without the escapes of JSON, which could hide a name."""
    try:
        return json.dumps(json.loads(template), ensure_ascii=False)
    except (RecursionError, ValueError):
        return template
