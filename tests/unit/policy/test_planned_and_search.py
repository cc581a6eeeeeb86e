"""The JSON of a plan, and the search for passwords in it, in settings and in files."""

from typing import Any

import pytest

from nexusctl.policy.planned import incomplete, managed, without_indexes
from nexusctl.policy.search import in_files, in_plan, in_settings
from nexusctl.policy.source import Malformed


def change(address: str, *actions: str, mode: str = "managed", **after: object) -> dict[str, Any]:
    return {
        "address": address,
        "mode": mode,
        "type": address.split(".")[-2],
        "change": {"actions": list(actions), "after": after},
    }


def plan(*changes: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"planned_values": {"root_module": {}}, "resource_changes": list(changes)} | more


def called(**module: object) -> dict[str, Any]:
    return {"root_module": {"module_calls": {"secrets": module}}}


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ('module.a["x.y"].aws_x.y[0]', "module.a.aws_x.y"),
        ('aws_x.y["a[0]\\"]"]', "aws_x.y"),
        ("aws_x.y", "aws_x.y"),
    ],
)
def test_without_indexes(address: str, plain: str) -> None:
    assert without_indexes(address) == plain


def test_managed_is_what_will_exist() -> None:
    subject = plan(
        change("aws_x.made", "create", a=1),
        change("aws_x.kept", "no-op", a=2),
        change("aws_x.replaced", "delete", "create", a=3),
        change("aws_x.gone", "delete"),
        change("aws_x.forgotten", "forget"),
        change("data.aws_x.read", "read", mode="data"),
    )
    subject["planned_values"]["root_module"] = {
        "resources": [
            {"address": "aws_x.forgotten", "mode": "managed", "type": "aws_x"},
            {"address": "data.aws_x.read", "mode": "data", "type": "aws_x"},
        ],
        "child_modules": [
            {
                "child_modules": [
                    {
                        "resources": [
                            {
                                "address": "module.a.module.b.aws_x.y",
                                "mode": "managed",
                                "type": "aws_x",
                                "values": {"a": 4},
                            }
                        ]
                    }
                ]
            }
        ],
    }
    assert {one.address for one in managed(subject)} == {
        "aws_x.made",
        "aws_x.kept",
        "aws_x.replaced",
        "module.a.module.b.aws_x.y",
    }


@pytest.mark.parametrize(
    "flag", [{"errored": True}, {"complete": False}, {"deferred_changes": [1]}]
)
def test_incomplete_plan(flag: dict[str, Any]) -> None:
    assert incomplete(plan(**flag))
    assert not incomplete(plan(errored=False, complete=True))


def test_write_only_literal_through_a_module_call() -> None:
    resource = {
        "address": "aws_db_instance.main",
        "type": "aws_db_instance",
        "expressions": {"password_wo": {"references": ["var.value"]}},
    }
    hits = in_plan(
        plan(
            configuration=called(
                expressions={"value": {"constant_value": "hunter2"}},
                module={"resources": [resource], "variables": {"value": {}}},
            )
        )
    )
    assert [(hit.place, hit.literal.path, hit.literal.length) for hit in hits] == [
        ("module.secrets.aws_db_instance.main", "password_wo", 7)
    ]


def test_write_only_reference_is_none() -> None:
    resource = {
        "address": "aws_db_instance.main",
        "type": "aws_db_instance",
        "expressions": {"password_wo": {"references": ["ephemeral.x.y.random_password"]}},
    }
    assert in_plan(plan(configuration={"root_module": {"resources": [resource]}})) == []


def test_sensitive_argument_of_a_module_call() -> None:
    configuration = called(
        expressions={"values": {"constant_value": {"app": "hunter2"}}},
        module={"variables": {"values": {"sensitive": True}}},
    )
    (hit,) = in_plan(plan(configuration=configuration))
    assert (hit.place, hit.literal.path) == ("module.secrets", "values.app")


def test_usernames_in_a_module_call_are_none() -> None:
    configuration = called(
        expressions={"users": {"constant_value": {"app": {"username": "nexus_app"}}}},
        module={"variables": {"users": {}}},
    )
    assert in_plan(plan(configuration=configuration)) == []


def test_value_that_the_provider_computed_is_none() -> None:
    resource = {"address": "aws_vpn_connection.main", "type": "aws_vpn_connection"}
    subject = plan(
        change("aws_vpn_connection.main", "no-op", tunnel1_preshared_key="made-by-aws"),
        configuration={"root_module": {"resources": [resource | {"expressions": {}}]}},
    )
    assert in_plan(subject) == []


def test_only_secrets_of_what_a_data_source_read() -> None:
    subject = plan(
        configuration={
            "root_module": {
                "resources": [
                    {"address": "data.aws_caller_identity.me", "type": "aws_caller_identity"},
                    {"address": "data.aws_x.secret", "type": "aws_x"},
                ]
            }
        },
        prior_state={
            "values": {
                "root_module": {
                    "resources": [
                        {
                            "address": "data.aws_caller_identity.me",
                            "mode": "data",
                            "type": "aws_caller_identity",
                            "values": {"user_id": "AKIA" + "A" * 16},
                        },
                        {
                            "address": "data.aws_x.secret",
                            "mode": "data",
                            "type": "aws_x",
                            "values": {"secret_string": "hunter2"},
                        },
                    ]
                }
            }
        },
    )
    assert [hit.place for hit in in_plan(subject)] == ["data.aws_x.secret"]


def test_credentials_of_a_provider() -> None:
    expressions = {"secret_key": {"constant_value": "hunter2"}, "region": {"constant_value": "x"}}
    configuration = {"provider_config": {"aws": {"name": "aws", "expressions": expressions}}}
    (hit,) = in_plan(plan(configuration=configuration))
    assert (hit.place, hit.literal.path) == ("provider.aws", "secret_key")


def test_settings() -> None:
    settings = {
        "database": {"parameters": {"password_encryption": "scram-sha-256"}},
        "users": {"app": {"username": "nexus_app", "secret_version": 1}},
        "workers": {"command": "run --password=hunter2"},
        "lambda_clients": ({"name": "x"}, {"name": "postgres://a:hunter2@b"}),
    }
    assert [hit.path for hit in in_settings(settings)] == [
        ("workers", "command"),
        ("lambda_clients", 1, "name"),
    ]


def test_files() -> None:
    hits = in_files(
        {
            "variables.tf": 'variable "db_password" {\n  description = "the password"\n'
            '  default     = "hunter2"\n}\n',
            "main.tf": 'resource "random_password" "password" {\n  keepers = { a = "b" }\n}\n',
            "locals.tf": "locals {\n  boot = <<EOT\npassword: hunter2\nEOT\n}\n",
            "boot.sh": "\n\nexport TOKEN=hunter2\n",
            "key.pem": "-----BEGIN PRIVATE KEY-----\nMIIB\n",
        }
    )
    assert [(hit.place, hit.file, hit.line) for hit in hits] == [
        ("variable.db_password", "variables.tf", 3),
        ("locals.boot", "locals.tf", 2),
        ("boot.sh", "boot.sh", 3),
        ("key.pem", "key.pem", 1),
    ]


def test_file_that_is_not_hcl_is_named() -> None:
    with pytest.raises(Malformed, match=r"main\.tf"):
        in_files({"main.tf": "a {"})
