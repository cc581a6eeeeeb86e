"""JSON syntax, override files, files of variables and fetched modules: lines, and what is refused.

What they come to, Terraform's own plan of tests/fixtures/policy/json says.
"""

import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexusctl.configuration.configuration import Configuration, Instance, read
from nexusctl.configuration.values import Unknown

# JSON syntax.


def test_lines_of_json() -> None:
    text = """{
\t"resource": {
\t\t"aws_db_proxy": {
\t\t\t"main": {
\t\t\t\t"require_tls":
\t\t\t\t\ttrue,
\t\t\t\t"auth": [
\t\t\t\t\t{"iam_auth": "REQUIRED"},
\t\t\t\t\t{
\t\t\t\t\t\t"iam_auth": "DISABLED"
\t\t\t\t\t}
\t\t\t\t]
\t\t\t}
\t\t}
\t},
\t"terraform": {"backend": {"s3": {"bucket": "b"}}, "required_version": "1"},
\t"output": {"x": {"value": "${aws_db_proxy.main.auth[1].iam_auth}"}}
}
"""
    found = read({"main.tf.json": text.replace("\n", "\r\n")})
    assert not found.problems
    (one,) = found.instances
    assert one.line == 4
    assert one.lines == {
        ("require_tls",): 6,
        ("auth", 0): 8,
        ("auth", 0, "iam_auth"): 8,
        ("auth", 1): 9,
        ("auth", 1, "iam_auth"): 10,
    }
    assert found.backend is not None
    assert (found.backend.type, found.backend.line) == ("s3", 16)


def test_blocks_and_maps_of_other_providers_are_not_told_apart() -> None:
    text = '{"resource": {"other_x": {"y": {"a": {"b": 1}, "c": [{"d": "${var.e}"}]}}}}'
    (one,) = read({"main.tf.json": text}).instances
    assert one.values["a"] == {"b": 1}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "Expecting"),
        ("\n\n{", 3, "Expecting"),
        ("\ufeff{}", 1, "Expecting"),
        ("{}{}", 1, "Extra data"),
        ('{"locals": {"a": NaN}}', 1, "NaN"),
        ('{"locals": {"a": "\x00"}}', 1, "control character"),
        ("[" * 100_000, 1, "nested too deeply"),
        ('{"locals": {"a":\n' + "[" * 50 + "]" * 50 + "}}", 2, "nested too deeply"),
        ("5", 1, "an object expected"),
        ('{\n"invented": {}}', 2, "not read: invented"),
        ('{\n"locals": 5}', 2, "an object expected"),
        ('{"resource": {\n"aws_x": {"y": "z"}}}', 2, "an object expected"),
        ('{"resource": {\n"//": "no comment", "aws_x": {}}}', 2, "an object expected"),
        ('{"locals": {"a": 1,\n"a": 2}}', 2, "a is set twice"),
        ('{"locals": {"a": {"b": 1,\n"b": 2}}}', 1, "a key is there twice"),
        ('{"locals": {"x": 1,\n"a": "${"}}', 2, "not closed"),
        ('{"variable": {"a":\n{"type": "list("}}}', 2, "expected"),
        ('{"resource": {"aws_x": {"y": [{},\n{}]}}}', 2, "declared twice"),
    ],
)
def test_malformed_json_is_a_problem(text: str, line: int, message: str) -> None:
    (problem,) = read({"a/x.tf": "", "main.tf.json": text}).problems
    assert (problem.file, problem.line) == ("main.tf.json", line)
    assert message in problem.message


TEXTS = st.text(max_size=5).filter(lambda text: "{" not in text)
# Numbers as a float holds them: of others the reader knows more digits than Python's JSON.
LEAVES = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | TEXTS
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=10
)
NAMES = st.sampled_from(
    [
        *("resource", "data", "locals", "variable", "output", "module", "terraform", "provider"),
        *("aws_db_proxy", "main", "dynamic", "content", "for_each", "source", "default", "//"),
        *("${", "%{ if x }", "${var.a}", "./", "type", "list(", "count", "lifecycle", "iterator"),
    ]
)
DOCUMENTS = st.recursive(
    LEAVES | NAMES,
    lambda inner: st.lists(inner) | st.dictionaries(NAMES | TEXTS, inner),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_json_is_read_as_it_is(value: object) -> None:
    text = json.dumps({"output": {"x": {"value": value}}}, indent="\t")
    found = read({"main.tf.json": text})
    assert not found.problems
    assert found.outputs["x"] == json.loads(
        unicodedata.normalize("NFC", json.dumps(value, ensure_ascii=False))
    )


@settings(max_examples=300, deadline=None)
@given(
    DOCUMENTS.map(json.dumps) | st.text() | st.binary().map(lambda data: data.decode("latin-1")),
    st.integers(0, 200),
)
def test_any_json_is_read_or_a_problem_with_its_line(text: str, cut: int) -> None:
    names = ("main.tf.json", "override.tf.json", "terraform.tfvars.json")
    for each in (text, text[:cut], text[cut:]):
        files = {**dict.fromkeys(names, each), ".terraform/modules/modules.json": each}
        problems = read(files).problems
        assert all(1 <= problem.line <= each.count("\n") + 1 for problem in problems)
        try:
            json.loads(each)
        except ValueError:
            assert {problem.file for problem in problems} == files.keys()


# Override files.

PROXY = 'resource "aws_db_proxy" "main" {\n  require_tls = true\n  auth {}\n}\n'


def only(found: Configuration) -> Instance:
    assert not found.problems
    (one,) = found.instances
    return one


def test_overridden_arguments_have_the_lines_of_the_override() -> None:
    override = '\n\nresource "aws_db_proxy" "main" {\n  require_tls = false\n}\n'
    one = only(read({"z.tf": PROXY, "a_override.tf": override}))
    assert one.values == {"require_tls": False, "auth": [{}]}
    assert (one.file, one.line) == ("z.tf", 1)
    assert one.overridden == {"require_tls": "a_override.tf"}
    assert one.lines["require_tls",] == 4


def test_override_files_are_read_in_the_order_of_their_names() -> None:
    files = {
        f"{name}override.tf": PROXY.replace("true", f'"{name}"') for name in ("", "a_", "b_", "C_")
    }
    assert only(read({"main.tf": PROXY, **files})).values["require_tls"] == ""


def test_backend_of_an_override_is_the_only_one() -> None:
    override = 'terraform {\n  backend "local" {}\n}\n'
    found = read(
        {"main.tf": 'terraform {\n  backend "s3" {}\n}\n', "override.tf": override, "x.tf": ""}
    )
    assert not found.problems
    assert found.backend is not None
    assert (found.backend.type, found.backend.file) == ("local", "override.tf")


@pytest.mark.parametrize(
    ("override", "line", "message"),
    [
        ('resource "aws_db_proxy" "other" {}\n', 1, "aws_db_proxy.other overrides nothing"),
        ("locals {\n  a = 1\n}\n", 2, "local.a overrides nothing"),
        ('\nvariable "a" {}\n', 2, "var.a overrides nothing"),
        ('resource "aws_db_proxy" "main" {\n  auth = []\n}\n', 1, "a block in another"),
        ('resource "aws_db_proxy" "counted" {\n  for_each = {}\n}\n', 1, "both count and for_each"),
        ("a {", 1, "expected"),
    ],
)
def test_overrides_that_terraform_refuses_are_problems(
    override: str, line: int, message: str
) -> None:
    main = f'{PROXY}resource "aws_db_proxy" "counted" {{\n  count = 1\n}}\n'
    (problem,) = read({"main.tf": main, "override.tf": override}).problems
    assert (problem.file, problem.line) == ("override.tf", line)
    assert message in problem.message


# Variables.

VARIABLE = 'variable "x" {\n  default = "default"\n}\noutput "x" {\n  value = var.x\n}\n'


def test_given_files_of_variables_are_read_after_the_automatic_ones() -> None:
    files = {
        "main.tf": VARIABLE,
        "terraform.tfvars": 'x = "terraform"',
        "a.auto.tfvars": 'x = "automatic"',
        "../given.tfvars": 'x = "given"',
        "last.json": '{"x": "last ${x}"}',
        "prod.tfvars": 'x = "prod"',
    }
    assert read(files, var_files=["../given.tfvars"]).outputs["x"] == "given"
    assert read(files, var_files=["../given.tfvars", "last.json"]).outputs["x"] == "last ${x}"
    assert read(files, var_files=["prod.tfvars"]).open_variables == {}


def test_what_may_be_given_is_not_known() -> None:
    files = {
        "main.tf": VARIABLE,
        "terraform.tfvars": 'x = "terraform"',
        "prod.tfvars": 'x = "prod"\nundeclared = 1\n',
        "empty.tfvars": "",
        "a/deeper.tfvars": 'x = "deeper"',
    }
    found = read(files)
    assert isinstance(found.outputs["x"], Unknown)
    assert found.outputs["x"].references == {"var.x"}
    assert found.open_variables == {"prod.tfvars": ("x",)}
    assert read({"main.tf": VARIABLE}).outputs["x"] == "default"


@pytest.mark.parametrize("name", ["terraform.tfvars.json", "a.auto.tfvars.json", "b.tfvars.json"])
def test_malformed_variables_are_a_problem(name: str) -> None:
    (problem,) = read({"main.tf": VARIABLE, name: "[]"}).problems
    assert (problem.file, problem.line) == (name, 1)


# Modules that terraform init has fetched.

CALL = 'module "a" {\n  source  = "org/name/aws"\n  version = "~> 1.2"\n}\n'
FETCHED = {
    ".terraform/modules/a/main.tf": f'{PROXY}module "b" {{\n  source = "./deep"\n}}\n'
    'module "c" {\n  source = "github.com/org/repo//inside?ref=v1"\n}\n',
    ".terraform/modules/a/deep/main.tf": PROXY,
    ".terraform/modules/a.c/inside/main.tf": PROXY,
}


def manifest(**changed: str) -> str:
    registry = "registry.terraform.io/org/name/aws"
    a = {"Key": "a", "Source": registry, "Version": "1.9.0", "Dir": ".terraform/modules/a"}
    b = {"Key": "a.b", "Source": "./deep", "Dir": ".terraform/modules/a/deep"}
    c = {"Key": "a.c", "Source": "git::https://github.com/org/repo.git//inside?ref=v1"}
    root = {"Key": "", "Source": "", "Dir": "."}
    inside = {"Dir": ".terraform/modules/a.c/inside"}
    return json.dumps({"Modules": [root, {**a, **changed}, b, c | inside]})


def reading(manifest: str, call: str = CALL) -> Configuration:
    return read({"main.tf": call, ".terraform/modules/modules.json": manifest, **FETCHED})


def test_fetched_modules_are_read() -> None:
    found = reading(manifest())
    assert not found.problems
    assert {one.address: one.file for one in found.instances} == {
        "module.a.aws_db_proxy.main": ".terraform/modules/a/main.tf",
        "module.a.module.b.aws_db_proxy.main": ".terraform/modules/a/deep/main.tf",
        "module.a.module.c.aws_db_proxy.main": ".terraform/modules/a.c/inside/main.tf",
    }


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ('{"Modules": []}', "org/name/aws is not here: run terraform init"),
        (manifest(Dir=".terraform/modules/other"), "is not here"),
        (manifest(Dir="../a"), "is not here"),
        (manifest(Version="2.0.0"), "another one was fetched"),
        (manifest(Version="1.1.9"), "another one was fetched"),
        (manifest(Version="1.9.0-beta"), "another one was fetched"),
        (manifest(Version=""), "another one was fetched"),
        (manifest(Source="registry.terraform.io/org/other/aws"), "another one was fetched"),
        (manifest(Source="registry.example.com/org/name/aws"), "another one was fetched"),
    ],
)
def test_what_was_not_fetched_for_the_call_is_not_read(listed: str, said: str) -> None:
    found = reading(listed)
    (problem,) = found.problems
    assert (problem.file, problem.line) == ("main.tf", 1)
    assert said in problem.message
    assert found.instances == ()


@pytest.mark.parametrize("listed", ["", "[]", "{}", '{"Modules": [{}]}', '{"Modules": 5}', "null"])
def test_a_list_of_modules_that_is_none_is_a_problem(listed: str) -> None:
    problems = reading(listed).problems
    assert [problem.file for problem in problems] == [".terraform/modules/modules.json", "main.tf"]


@pytest.mark.parametrize(
    ("constraint", "fits"),
    [
        *(("1.9.0", True), ("= 1.9", True), ("v1.9.0", True), (">= 1, < 2", True)),
        *((">=1.9.1", False), ("<= 1.9.0", True), ("> 1.9.0", False), ("!= 1.9.0", False)),
        *(("~> 1.9.0", True), ("~> 1.8.0", False), ("~> 1.10", False), ("~> 1", True)),
        *(("~> 2", False), ("< 1.10", True), ("", False), ("latest", False), ("~> 1.9.0.1", False)),
    ],
)
def test_versions_that_a_call_asks_for(constraint: str, fits: bool) -> None:
    call = CALL.replace("~> 1.2", constraint)
    assert (not reading(manifest(), call).problems) is fits


@pytest.mark.parametrize(
    ("source", "listed"),
    [
        ("app.example.io/org/name/aws", "app.example.io/org/name/aws"),
        ("org/name/aws//inside", "registry.terraform.io/org/name/aws//inside"),
        ("github.com/org/repo", "git::https://github.com/org/repo.git"),
        ("github.com/org/repo.git?ref=v1", "git::https://github.com/org/repo.git?ref=v1"),
        ("git@github.com:org/repo.git", "git::ssh://git@github.com/org/repo.git"),
        ("git::https://example.com/x.git", "git::https://example.com/x.git"),
        ("s3::https://s3.amazonaws.com/b/x.zip", "s3::https://s3.amazonaws.com/b/x.zip"),
    ],
)
def test_sources_as_terraform_lists_them(source: str, listed: str) -> None:
    call = f'module "a" {{\n  source = "{source}"\n}}\n'
    assert not reading(manifest(Source=listed), call).problems


def test_a_version_that_is_no_text_is_not_trusted() -> None:
    assert reading(manifest(), CALL.replace('"~> 1.2"', "var.x")).problems


# Names that Terraform passes over.


@pytest.mark.parametrize("name", [".x.tf", ".x_override.tf", "m/.x.tf", ".x.tf.json", ".x.tofu"])
def test_hidden_files_are_no_configuration(name: str) -> None:
    found = read({"main.tf": "locals {}\n", "m/main.tf": "", name: "} refused"})
    assert found.problems == ()


def test_hidden_override_changes_nothing() -> None:
    proxy = 'resource "aws_db_proxy" "main" {\n  require_tls = %s\n}\n'
    found = read({"main.tf": proxy % "false", ".x_override.tf": proxy % "true"})
    assert found.instances[0].values == {"require_tls": False}


def test_hidden_files_of_variables_are_read_as_terraform_reads_them() -> None:
    text = 'variable "x" {\n  default = 1\n}\nresource "aws_x" "y" {\n  a = var.x\n}\n'
    found = read({"main.tf": text, ".x.auto.tfvars": "x = 2"})
    assert found.instances[0].values == {"a": 2}
