"""Which instances a reference is to, by the files and by a plan."""

from typing import Any

import pytest

from nexusctl.configuration.configuration import Instance, read
from nexusctl.policy.check import Resource
from nexusctl.policy.planned import instances
from nexusctl.policy.subject import Subject, judged

GROUPS = """
locals {
  groups = toset(["proxy", "clients.eu"])
}
resource "aws_security_group" "this" {
  for_each = local.groups
}
resource "aws_security_group" "counted" {
  count = 2
}
"""


def subject_of(text: str, **files: str) -> Subject:
    given = {name.replace("__", "/") + ".tf": more for name, more in files.items()}
    found = read({"main.tf": text, **given})
    assert not found.problems
    return Subject(found.instances)


def pointed(subject: Subject, address: str, name: str = "groups") -> tuple[set[str], bool]:
    instance = subject.get(address)
    assert instance is not None
    found = Resource.of(instance, subject).points_at(name, "aws_security_group")
    return found.names, found.unknown


PROXY, CLIENTS = 'aws_security_group.this["proxy"]', 'aws_security_group.this["clients.eu"]'


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ('aws_security_group.this["proxy"].id', {PROXY}),
        ('aws_security_group.this["clients.eu"].id', {CLIENTS}),
        ("aws_security_group.counted[1].id", {"aws_security_group.counted[1]"}),
        ("aws_security_group.this[each.key].id", {PROXY}),
        ("aws_security_group.this[local.name].id", {PROXY}),
        ("values(aws_security_group.this)[*].id", {PROXY, CLIENTS}),
        ("[for key, one in aws_security_group.this : one.id if key != local.name]", {CLIENTS}),
    ],
)
def test_a_key_that_is_known_leads_to_one_instance(written: str, names: set[str]) -> None:
    text = f"""
locals {{
  name = "proxy"
}}
resource "aws_x" "y" {{
  for_each = toset(["proxy"])
  groups   = {written}
}}
"""
    assert pointed(subject_of(GROUPS + text), 'aws_x.y["proxy"]') == (names, False)


def test_a_key_that_is_not_known_leads_to_no_one_for_certain() -> None:
    text = 'variable "name" {}\nresource "aws_x" "y" {\n  groups = GROUP\n}\n'
    one = text.replace("GROUP", "aws_security_group.this[var.name].id")
    assert pointed(subject_of(GROUPS + one), "aws_x.y")[1]
    some = GROUPS.replace('toset(["proxy", "clients.eu"])', "toset(var.name)")
    one = text.replace("GROUP", 'aws_security_group.this["proxy"].id')
    assert pointed(subject_of(some + one), "aws_x.y") == (set(), True)


def test_one_instance_of_a_module() -> None:
    root = """
module "group" {
  source   = "./group"
  for_each = toset(["proxy", "clients"])
}
resource "aws_x" "y" {
  groups = [module.group["proxy"].id]
}
"""
    group = """
resource "aws_security_group" "main" {}
output "id" {
  value = aws_security_group.main.id
}
resource "aws_x" "inside" {
  groups = [aws_security_group.main.id]
}
"""
    subject = subject_of(root, group__main=group)
    only = ({'module.group["proxy"].aws_security_group.main'}, False)
    assert pointed(subject, "aws_x.y") == only
    assert pointed(subject, 'module.group["proxy"].aws_x.inside') == only


def planned(
    address: str, configuration: dict[str, Any], more: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A plan of two security groups, and of an `aws_x.y` whose groups are not known yet."""
    kinds = {PROXY: "aws_security_group", CLIENTS: "aws_security_group", address: "aws_x"}
    changes = [
        {
            "address": each,
            "mode": "managed",
            "type": kind,
            "change": {"actions": ["create"], "after": {}, "after_unknown": {"groups": True}},
        }
        for each, kind in kinds.items()
    ]
    resource = {"address": "aws_x.y", "type": "aws_x", "expressions": {"groups": configuration}}
    return {
        "planned_values": {"root_module": {}},
        "resource_changes": changes,
        "configuration": {"root_module": {"resources": [{**resource, **(more or {})}]}},
    }


def references(*written: str) -> dict[str, Any]:
    """As Terraform lists them: each, and then the same without its last steps."""
    return {"references": list(written)}


def test_a_plan_has_the_keys_that_are_constant() -> None:
    every = references(f"{PROXY}.id", PROXY, "aws_security_group.this")
    subject = Subject(instances(planned("aws_x.y", every)))
    assert pointed(subject, "aws_x.y") == ({PROXY}, False)


@pytest.mark.parametrize(
    "written",
    [
        references("aws_security_group.this", "var.name"),
        references(f"{PROXY}.id", PROXY, "aws_security_group.this", "aws_security_group.this"),
    ],
)
def test_a_plan_does_not_tell_of_a_key_that_is_computed(written: dict[str, Any]) -> None:
    subject = Subject(instances(planned("aws_x.y", written)))
    assert pointed(subject, "aws_x.y")[1]


def test_the_files_know_the_key_that_a_plan_does_not() -> None:
    text = 'locals {\n  key = "proxy"\n}\nresource "aws_x" "y" {\n  groups = [GROUP]\n}\n'
    text = text.replace("GROUP", "aws_security_group.this[local.key].id")
    plan = planned("aws_x.y", references("aws_security_group.this", "local.key"))
    subject = Subject(instances(plan, read({"main.tf": GROUPS + text})))
    assert pointed(subject, "aws_x.y") == ({PROXY}, False)
    instance = subject.get("aws_x.y")
    assert instance is not None
    assert [each.address for each in subject.referred(instance, "groups")] == [PROXY]


# What a live resource keeps.


def live(ignored: str) -> Instance:
    text = f"""
resource "aws_x" "y" {{
  a = 1
  b {{
    c = true
  }}
  lifecycle {{
    ignore_changes = {ignored}
  }}
}}
terraform {{
  backend "s3" {{}}
}}
"""
    _, instance = judged(read({"main.tf": text}))
    return instance


@pytest.mark.parametrize(
    ("ignored", "unknown"),
    [
        ("[a]", {"a"}),
        ("[b[0].c, absent]", {"b", "absent"}),
        ('[tags["Owner"]]', {"tags"}),
        ("all", {"a", "b"}),
        ('["a"]', {"a"}),
        ("[]", set()),
    ],
)
def test_an_argument_whose_changes_are_ignored_is_not_known(
    ignored: str, unknown: set[str]
) -> None:
    values = Resource.of(live(ignored), Subject(())).instance.values
    body = Resource.of(live(ignored), Subject(()))
    assert {name for name in values if body.uncertain(name)} == unknown


def test_an_override_does_not_take_back_what_is_ignored() -> None:
    one = 'resource "aws_x" "y" {\n  a = 1\n  lifecycle {\n    ignore_changes = [a]\n  }\n}\n'
    other = one.replace("  a = 1\n", "").replace("ignore_changes = [a]", "prevent_destroy = true")
    found = read({"main.tf": one, "override.tf": other})
    assert found.instances[0].ignored == {"a"}


def test_json_syntax_names_what_is_ignored_in_texts() -> None:
    text = '{"resource": {"aws_x": {"y": {"a": 1, "lifecycle": {"ignore_changes": IGNORED}}}}}'
    for written in ('["a"]', '"all"'):
        found = read({"main.tf.json": text.replace("IGNORED", written)})
        assert not found.problems
        assert found.instances[0].ignored == {written.strip('["]')}
