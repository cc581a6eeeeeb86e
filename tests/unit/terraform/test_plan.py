import base64
from typing import Any

import pytest

from nexusctl.errors import ToolUnfit
from nexusctl.terraform.plan import Action, AttributeChange, Plan, parse_plan

Document = dict[str, Any]


def change(
    actions: list[str], before: Document | None = None, after: Document | None = None, **more: Any
) -> Document:
    body = {"actions": actions, "before": before, "after": after, **more}
    return {"address": "aws_db_proxy.main", "type": "aws_db_proxy", "change": body}


def parsed(*changes: Document, outputs: Document | None = None) -> Plan:
    return parse_plan({"resource_changes": list(changes), "output_changes": outputs or {}})


def test_a_plan_without_changes_is_empty() -> None:
    plan = parsed(change(["no-op"]), change(["read"]), outputs={"a": {"actions": ["no-op"]}})
    assert plan.empty
    assert plan.changes == ()


def test_a_changed_output_alone_is_a_change() -> None:
    assert not parsed(outputs={"a": {"actions": ["create"]}}).empty


def test_every_action_of_terraform_has_a_name() -> None:
    plan = parsed(
        change(["create"]),
        change(["update"]),
        change(["delete"]),
        change(["delete", "create"]),
        change(["create", "delete"]),
        change(["create", "forget"]),
        change(["forget"]),
    )
    assert [each.action for each in plan.changes] == [
        Action.CREATE,
        Action.UPDATE,
        Action.DESTROY,
        Action.REPLACE,
        Action.REPLACE,
        Action.REPLACE,
        Action.FORGET,
    ]
    assert plan.count(Action.REPLACE) == 3


def test_an_action_that_nobody_knows_is_not_passed_over() -> None:
    with pytest.raises(ToolUnfit, match=r"aws_db_proxy\.main: .* teleport"):
        parsed(change(["teleport"]))


def test_an_update_names_the_attributes_that_differ() -> None:
    before = {"same": 1, "pool": [{"percent": 70, "idle": 35}], "arn": "a", "list": [1]}
    after = {"same": 1, "pool": [{"percent": 80, "idle": 35}], "list": [1, 2]}
    plan = parsed(change(["update"], before, after, after_unknown={"arn": True}))
    assert plan.changes[0].attributes == (
        AttributeChange("arn", "a", "(known after apply)"),
        AttributeChange("list", [1], [1, 2]),
        AttributeChange("pool[0].percent", 70, 80),
    )


def test_blocks_that_have_names_are_compared_by_name() -> None:
    memory, timeout = {"name": "work_mem", "value": "4"}, {"name": "timeout", "value": "9"}
    before = {"parameter": [memory, timeout]}
    after = {"parameter": [timeout, memory | {"value": "8"}, {"name": "new", "value": "1"}]}
    plan = parsed(change(["update"], before, after))
    assert plan.changes[0].attributes == (
        AttributeChange('parameter["new"].name', None, "new"),
        AttributeChange('parameter["new"].value', None, "1"),
        AttributeChange('parameter["work_mem"].value', "4", "8"),
    )


@pytest.mark.parametrize("none", [[], None])
def test_blocks_that_all_come_or_go_are_told_by_what_is_in_them(none: list[Any] | None) -> None:
    before = {"metadata": [{"tokens": "required", "hops": None}], "secret": [{"key": "hush"}]}
    after = {"metadata": none, "secret": none, "names": ["a"]}
    hidden = {"before_sensitive": {"secret": [{"key": True}]}}
    plan = parsed(change(["update"], before, after, **hidden))
    assert plan.changes[0].attributes == (
        AttributeChange("metadata[0].tokens", "required", None),
        AttributeChange("names", None, ["a"]),
        AttributeChange("secret[0].key", "(sensitive)", "(sensitive)"),
    )


def test_names_of_blocks_with_something_sensitive_are_not_told() -> None:
    before, after = ({"block": [{"name": name, "x": 1}]} for name in ("hush-1", "hush-2"))
    marks = {"before_sensitive": {"block": [{"name": True}]}}
    assert "hush" not in repr(parsed(change(["update"], before, after, **marks)))


def test_a_replacement_names_what_forces_it() -> None:
    paths = [["vpc_subnet_ids"], ["pool", 0, "idle"]]
    plan = parsed(change(["delete", "create"], {}, {}, replace_paths=paths))
    assert plan.changes[0].forced_by == ("vpc_subnet_ids", "pool[0].idle")


def test_sensitive_values_are_in_no_part_of_a_plan() -> None:
    plan = parsed(
        change(
            ["update"],
            {"password": "old-secret", "tags": {"a": "old-secret"}, "list": ["old-secret"]},
            {"password": "new-secret", "tags": {"a": "new-secret"}, "list": ["x", "new-secret"]},
            before_sensitive={"password": True, "tags": {"a": True}, "list": [True]},
            after_sensitive={"password": True, "list": [False, True]},
        )
    )
    assert [each.path for each in plan.changes[0].attributes] == ["list", "password", "tags.a"]
    assert "secret" not in repr(plan)


def test_passwords_that_the_provider_does_not_hold_sensitive_are_in_no_part_of_a_plan() -> None:
    planted = "run --pw planted"
    encoded = base64.b64encode(planted.encode()).decode()
    before = {"command": planted, "user_data": encoded, "tags": {"Password": "planted"}, "size": 1}
    after = {"command": "run", "user_data": "", "tags": {}, "size": 2}
    (found,) = parsed(change(["update"], before, after)).changes
    assert {each.path for each in found.attributes} == {
        "command",
        "user_data",
        "tags.Password",
        "size",
    }
    assert "planted" not in repr(found)
    assert encoded not in repr(found)
    assert AttributeChange("size", 1, 2) in found.attributes
