"""The JSON of a plan, and the search for passwords in it, in settings and in files."""

from typing import Any

import pytest

from nexusctl.errors import ToolUnfit
from nexusctl.policy.planned import incomplete, managed, without_indexes
from nexusctl.policy.search import in_files, in_plan, in_settings, in_state
from nexusctl.policy.sensitive import PROVIDER, sensitive


def change(address: str, *actions: str, mode: str = "managed", **after: object) -> dict[str, Any]:
    return {
        "address": address,
        "mode": mode,
        "type": address.split(".")[-2],
        "change": {"actions": list(actions), "after": after},
    }


def plan(*changes: dict[str, Any], **more: object) -> dict[str, Any]:
    told = {"planned_values": {"root_module": {}}, "resource_changes": list(changes)}
    return {"format_version": "1.2"} | told | more


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
    whole: dict[str, Any] = {"configuration": {"root_module": {}}}
    assert incomplete(plan(**flag, **whole))
    assert not incomplete(plan(errored=False, complete=True, **whole))


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


def test_file_that_is_not_hcl_is_read_as_text() -> None:
    (hit,) = in_files({"main.tf": "a {\nexport TOKEN=hunter2\n"})
    assert (hit.place, hit.line, hit.literal.length) == ("main.tf", 2, 7)


def test_files_of_values() -> None:
    hits = in_files(
        {
            "a.tfvars": 'note = "x"\ndb_password = "hunter2"\nusers = { token = "hunter22" }\n',
            "b.tfvars.json": '{\n  "note": "x",\n  "users": {"token": "hunter2"}\n}\n',
            "c.json": "{ export TOKEN=hunter2",
        }
    )
    assert [(hit.place, hit.file, hit.line) for hit in hits] == [
        ("variable.db_password", "a.tfvars", 2),
        ("variable.users", "a.tfvars", 3),
        ("b.tfvars.json", "b.tfvars.json", 3),
        ("c.json", "c.json", 1),
    ]


def test_default_of_a_sensitive_variable() -> None:
    block = 'variable "plain" {\n  SENSITIVE\n  default = "hunter2"\n}\n'
    (hit,) = in_files({"a.tf": block.replace("SENSITIVE", "sensitive = true")})
    assert (hit.place, hit.line) == ("variable.plain", 3)
    assert in_files({"a.tf": block.replace("SENSITIVE", "sensitive = false")}) == []


# The same passwords in the two forms of a state: one of an argument, one made by Terraform, one
# that the state itself calls sensitive, one in an output; and what is none.
_SHOWN = {
    "format_version": "1.0",
    "values": {
        "outputs": {
            "admin": {"value": "hunter2", "sensitive": True},
            "host": {"value": "h", "sensitive": False},
        },
        "root_module": {
            "resources": [
                {
                    "address": "aws_db_instance.main[0]",
                    "mode": "managed",
                    "type": "aws_db_instance",
                    "values": {"password": "hunter2", "username": "nexus_admin", "tags": None},
                    "sensitive_values": {"password": True},
                },
                {
                    "address": "data.aws_caller_identity.me",
                    "mode": "data",
                    "type": "aws_caller_identity",
                    "values": {"user_id": "AKIA" + "A" * 16},
                },
            ],
            "child_modules": [
                {
                    "resources": [
                        {
                            "address": 'module.a.random_password.user["x"]',
                            "mode": "managed",
                            "type": "random_password",
                            "values": {"result": "hunter2", "length": 7},
                        },
                        {
                            "address": "module.a.other_thing.main",
                            "mode": "managed",
                            "type": "other_thing",
                            "values": {"login": [{"pin": "hunter2", "id": "i"}]},
                            "sensitive_values": {"login": [{"pin": True}]},
                        },
                    ]
                }
            ],
        },
    },
}
_RAW = {
    "version": 4,
    "outputs": {
        "admin": {"value": "hunter2", "type": "string", "sensitive": True},
        "host": {"value": "h", "type": "string"},
    },
    "resources": [
        {
            "mode": "managed",
            "type": "aws_db_instance",
            "name": "main",
            "instances": [
                {
                    "index_key": 0,
                    "attributes": {"password": "hunter2", "username": "nexus_admin", "tags": None},
                    "sensitive_attributes": [],
                }
            ],
        },
        {
            "mode": "data",
            "type": "aws_caller_identity",
            "name": "me",
            "instances": [{"attributes": {"user_id": "AKIA" + "A" * 16}}],
        },
        {
            "module": "module.a",
            "mode": "managed",
            "type": "random_password",
            "name": "user",
            "instances": [{"index_key": "x", "attributes": {"result": "hunter2", "length": 7}}],
        },
        {
            "module": "module.a",
            "mode": "managed",
            "type": "other_thing",
            "name": "main",
            "instances": [
                {
                    "attributes": {"login": [{"pin": "hunter2", "id": "i"}]},
                    "sensitive_attributes": [
                        [
                            {"type": "get_attr", "value": "login"},
                            {"type": "index", "value": {"value": 0, "type": "number"}},
                            {"type": "get_attr", "value": "pin"},
                        ]
                    ],
                }
            ],
        },
    ],
}


@pytest.mark.parametrize("state", [_SHOWN, _RAW])
def test_state(state: dict[str, Any]) -> None:
    hits = in_state(state)
    assert [(hit.place, hit.literal.path, hit.literal.length) for hit in hits] == [
        ("aws_db_instance.main[0]", "password", 7),
        ('module.a.random_password.user["x"]', "result", 7),
        ("module.a.other_thing.main", "login.pin", 7),
        ("output.admin", "admin", 7),
    ]
    assert "hunter2" not in repr(hits)


@pytest.mark.parametrize("state", [{"format_version": "1.0"}, {"version": 4, "resources": []}])
def test_empty_state(state: dict[str, Any]) -> None:
    assert in_state(state) == []


@pytest.mark.parametrize("state", [{}, {"version": 3, "modules": []}])
def test_what_is_no_state_is_not_taken_for_an_empty_one(state: dict[str, Any]) -> None:
    with pytest.raises(ToolUnfit):
        in_state(state)


_READ = {"address": "data.aws_caller_identity.me", "type": "aws_caller_identity"}


def test_state_that_a_plan_starts_from_and_leaves() -> None:
    drifted = change("aws_db_instance.drifted", "update")
    drifted["change"] |= {"before": {}, "after": {"password": "hunter2"}}
    subject = plan(
        prior_state={"values": _SHOWN["values"]},
        configuration={"root_module": {"resources": [_READ]}},
        resource_drift=[drifted],
    )
    assert [hit.place for hit in in_plan(subject)] == [
        "aws_db_instance.main[0]",
        'module.a.random_password.user["x"]',
        "module.a.other_thing.main",
        "aws_db_instance.drifted",
        "output.admin",
    ]


def test_plan_that_takes_a_password_out_of_the_state_may_do_so() -> None:
    cleaned = change("aws_db_instance.main[0]", "update", identifier="main")
    cleaned["change"]["before"] = {"password": "hunter2"}
    gone = change("aws_db_instance.gone", "delete")
    gone["change"] |= {"before": {"password": "hunter2"}, "after": None}
    instance = {
        "address": "aws_db_instance.main[0]",
        "mode": "managed",
        "type": "aws_db_instance",
        "values": {"password": "hunter2"},
    }
    outputs = {"admin": {"value": "hunter2", "sensitive": True}}
    subject = plan(
        cleaned,
        gone,
        prior_state={"values": {"root_module": {"resources": [instance]}, "outputs": outputs}},
        output_changes={"admin": {"actions": ["delete"], "before": "hunter2"}},
    )
    assert in_plan(subject) == []


def test_password_that_stays_is_found_once() -> None:
    kept = change("aws_db_instance.main[0]", "no-op", password="hunter2")
    kept["change"]["before"] = {"password": "hunter2"}
    subject = plan(kept, prior_state={"values": _SHOWN["values"]})
    places = [hit.place for hit in in_plan(subject)]
    assert places.count("aws_db_instance.main[0]") == 1


def test_variables_and_outputs_of_a_plan() -> None:
    subject = plan(
        variables={"db_password": {"value": "hunter2"}, "plain": {"value": "hunter2"}},
        configuration={"root_module": {"variables": {"db_password": {}, "plain": {}}}},
    )
    subject["planned_values"]["outputs"] = {
        "url": {"value": "postgresql://a:hunter2@h/d"},
        "secret": {"value": "hunter2", "sensitive": True},
    }
    assert [hit.place for hit in in_plan(subject)] == [
        "var.db_password",
        "output.url",
        "output.secret",
    ]


def test_list_of_sensitive_attributes_from_a_schema() -> None:
    leaf = {"optional": True, "sensitive": True}
    block = {
        "attributes": {
            "password": leaf,
            "password_wo": {"optional": True, "write_only": True},
            "made": {"computed": True, "sensitive": True},
            "name": {"required": True},
        },
        "block_types": {"user": {"block": {"attributes": {"password": leaf}}}},
    }
    plain = {"block": {"attributes": {"name": {"required": True}}}}
    schemas = {"aws_b": {"block": block}, "aws_a": plain}
    made = sensitive({"provider_schemas": {PROVIDER: {"resource_schemas": schemas}}}, "1.2.3")
    assert made["attributes"] == {"aws_b": ["password", "password_wo", "user.password"]}
    assert made["version"] == "1.2.3"


def _resource(**expressions: object) -> dict[str, Any]:
    return {
        "address": "aws_db_instance.main",
        "type": "aws_db_instance",
        "expressions": expressions,
    }


@pytest.mark.parametrize(
    ("root", "found"),
    [
        ({"resources": [_resource(password_wo={"constant_value": "hunter2"})]}, 7),
        (
            {
                "resources": [_resource(password_wo={"references": ["var.a", "var.b"]})],
                "variables": {"a": {"default": "hunter2"}, "b": {"default": "hunter2"}},
            },
            7,
        ),
        (
            {
                "resources": [_resource(password_wo={"references": ["var.a.b", "var.a"]})],
                "variables": {"a": {"default": {"b": "hunter2", "c": "other"}}},
            },
            7,
        ),
        (
            {
                "resources": [
                    _resource(password_wo={"references": ["each.value"]})
                    | {"for_each_expression": {"constant_value": {"a": "hunter2"}}}
                ]
            },
            7,
        ),
        (
            {
                "resources": [_resource(password_wo={"references": ["module.m.b", "module.m"]})],
                "module_calls": {
                    "m": {
                        "module": {"outputs": {"b": {"expression": {"constant_value": "hunter2"}}}}
                    }
                },
            },
            7,
        ),
        ({"resources": [_resource(identifier={})]}, None),
        ({"resources": [_resource(password_wo={"references": ["local.a"]})]}, None),
        (
            {
                "resources": [_resource(password_wo={"references": ["var.a", "ephemeral.b.c"]})],
                "variables": {"a": {"default": "hunter2"}},
            },
            None,
        ),
        (
            {
                "resources": [_resource(password_wo={"references": ["var.a"]})],
                "variables": {"a": {}},
            },
            None,
        ),
    ],
)
def test_what_a_write_only_argument_comes_from(root: dict[str, Any], found: int | None) -> None:
    hits = in_plan(plan(configuration={"root_module": root}))
    assert [hit.literal.length for hit in hits] == ([found] if found else [])


def test_argument_that_the_plan_marks_sensitive() -> None:
    marked = change("other_thing.main", "create", note="hunter2")
    marked["change"]["after_sensitive"] = {"note": True}
    resource = {"address": "other_thing.main", "type": "other_thing", "expressions": {"note": {}}}
    subject = plan(marked, configuration={"root_module": {"resources": [resource]}})
    (hit,) = in_plan(subject)
    assert (hit.place, hit.literal.path) == ("other_thing.main", "note")


def test_provider_by_a_variable() -> None:
    provider = {"name": "mysql", "expressions": {"password": {"references": ["var.p"]}}}
    root = {"variables": {"p": {"default": "hunter2"}}}
    configuration = {"root_module": root, "provider_config": {"mysql": provider}}
    (hit,) = in_plan(plan(configuration=configuration))
    assert (hit.place, hit.literal.path) == ("provider.mysql", "password")
