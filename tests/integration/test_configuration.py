"""The reader of configurations against Terraform itself: its plans and its console."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from nexusctl.configuration.configuration import Instance, read
from nexusctl.configuration.conversion import to_text
from nexusctl.configuration.values import Unknown, is_known
from nexusctl.policy.planned import without_indexes
from nexusctl.terraform.engine import find_engine
from nexusctl.workspace import PACKAGE

FIXTURES = PACKAGE.parent / "tests" / "fixtures" / "policy"
ROOTS = sorted(path.stem for path in FIXTURES.glob("*.json"))

EXPRESSIONS = r"""
1 + 2 * 3 - 4 / 2 % 3
(1 + 2) * 3
-7 % 3
7 % -3
-2 + 3
10 - 3 - 2
2 * 3 == 6 && !false || false
true || false && false
1 < 2 == true
1 + 1 == 2 ? "yes" : "no"
false ? 1 : true ? 2 : 3
0.1 + 0.2
1.50
1e3
1e21
2.5 * 4
7 / 2
1 == 1.0
1 == "1"
"a" == null
null == null
[1, 2] == [1, 3]
"1" + "2"
"5" > 4
"${1}"
"${1}${2}"
"${true}-${1.5}-${1e-7}"
"a\tb\n\"\\ \u00e9 \U0001F642"
"$${x} $$${x} $$$${x} %%{y} $ % 100%"
"a ${~ "b" ~} c"
"x%{ if true } yes %{ else } no %{ endif }y"
"x%{ if false }yes%{ endif }y"
"x%{ if true ~}   yes   %{~ endif }y"
"%{ for i, v in ["a", "b"] }${i}=${v};%{ endfor }"
"%{ for k, v in { b = 1, a = 2 } ~} ${k}${v} %{~ endfor }"
[for i, v in ["a", "b"] : "${i}${v}"]
[for v in [1, 2, 3, 4] : v * 2 if v % 2 == 0]
[for k, v in { b = 1, a = 2 } : "${k}${v}"]
[for v in toset(["b", "a", "b"]) : v]
{ for k, v in toset(["b", "a"]) : k => v }
{ for i, v in ["a", "b"] : v => i }
{ for v in ["a", "b", "ab"] : substr(v, 0, 1) => v... }
{ for k, v in { a = 1, b = 2 } : k => v if v > 1 }
[{ a = [1, 2] }, { a = [3] }][*].a[0]
[{ a = [1, 2] }, { a = [3] }].*.a[0]
[{ a = [{ b = 1 }] }][*].a[*].b
"x"[*]
null[*]
[1, 2, 3].1
[[1, 2], [3]][0][1]
{ a = { b = [10, 20] } }.a.b[1]
{ "a" = 1, b : 2, (join("", ["c", "d"])) = 3, 4 = 5, true = 6 }
{ a = 1 }["a"]
[1, 2,]
[]
{}
true ? 1 : "a"
true ? [1] : ["a", "b"]
true ? { a = 1 } : { b = "x" }
true ? null : 1
abs(-3.5)
base64decode("aGVsbG8=")
base64encode("héllo")
can(tonumber("x"))
can({ a = 1 }.a)
ceil(1.2)
ceil(10 / 3)
floor(-1.5)
chomp("a\n\n")
chunklist([1, 2, 3, 4, 5], 2)
cidrhost("10.0.0.0/24", 5)
cidrhost("10.0.0.0/24", -1)
cidrnetmask("172.16.0.0/12")
cidrsubnet("10.40.0.0/16", 3, 2)
cidrsubnet("fd00:fd12:3456:7890::/56", 16, 162)
cidrsubnets("10.1.0.0/16", 4, 4, 8, 4)
coalesce("", null, "b", "c")
coalesce(1, "a")
coalescelist([], ["a"])
compact(["a", "", "b", null])
concat([1], ["a"], [])
concat(tolist([1]), tolist([2]))
contains(["a", "b"], "a")
contains(["1"], 1)
distinct(["b", "a", "b"])
element(["a", "b", "c"], 4)
endswith("hello", "lo")
flatten([["a", ["b"]], [], "c"])
format("%s-%d-%05d-%.2f-%q-%t-%%-%v", "a", 5, 42, 3.14159, "q\"q", true, [1, "a"])
format("%5s|%-5s|%x", "ab", "cd", 255)
format("%s and %s", "x", 1.5)
formatlist("%s-%s", ["a", "b"], "x")
indent(2, "a\nb")
index(["a", "b"], "b")
join(", ", ["a", "b"], ["c"])
jsondecode("{\"a\": [1, 2.5, null, true, \"x\"]}")
jsonencode({ b = 1, a = "<&>\u2028\u0001\n/" , c = [true, null, 0.1]})
keys({ b = 1, a = 2 })
length("abc")
length([1, 2])
length({ a = 1 })
lookup({ a = "x" }, "b", "d")
lookup({ a = "x" }, "a", "d")
lower("ÀB")
upper("àé")
max(1, 5, 3)
min(2, 1.5)
merge({ a = 1, b = 2 }, null, { b = "x" })
one([])
one(["a"])
parseint("ff", 16)
range(3)
range(1, 8, 3)
range(5, 2)
regex("^([a-z]+)-(\\d+)$", "ab-12")
regex("(?P<name>[a-z]+)=(?P<value>.*)", "key=va lue")
regex("[0-9]+", "ab12cd34")
regexall("[0-9]+", "ab12cd34")
replace("a-b-c", "-", "+")
replace("a1b22", "/[0-9]+/", "#")
reverse([1, 2, 3])
setintersection(["a", "b"], ["b", "c"])
setproduct(["b", "a"], ["x", "y"])
setproduct(toset(["b", "a"]), toset(["y", "x"]))
setsubtract(["a", "b"], ["b"])
setunion(["b"], ["a", "b"])
slice(["a", "b", "c"], 1, 3)
sort(["b", "A", "a", "_"])
split(",", "a,b,")
split(",", "")
startswith("hello", "he")
strcontains("hello", "ell")
strrev("abc")
substr("hello", 1, 3)
substr("hello", -2, 2)
substr("hello", 1, -1)
sum([1, 2.5, "3"])
title("hello wOrld a_b c-d")
tobool("true")
tolist([1, "a", true])
tolist(toset(["c", "a"]))
tomap({ a = 1, b = "x" })
tonumber("1.50")
toset([3, 1, 2, 1])
toset(["b", "a", 1])
toset([true, false])
toset([{ a = "x", b = 2 }, { a = "b", b = 3 }, { a = "x", b = 2 }])
tostring(1.0)
tostring(true)
trim("xxhixx", "x")
trimprefix("helloworld", "hello")
trimspace("  a \n")
trimsuffix("helloworld", "world")
try({ a = 1 }.b, "no")
try(tonumber("x"), regex("b", "a"), 5)
urlencode("a b&c/d~é*")
values({ b = 1, a = 2 })
zipmap(["a", "b"], [1, 2])
alltrue([true, true])
alltrue([])
anytrue([false, true])
nonsensitive(sensitive("a")) == "a" ? 1 : 2
max([1, 2, 3]...)
"e\u0301"
{ "e\u0301" = 1 }["\u00e9"]
local.heredoc
local.indented
local.stripped
local.control
templatefile("lines.tftpl", { items = ["a", "b"] })
file("lines.tftpl")
path.module
path.root
local.typed
local.typed_set
""".strip().split("\n")
# True to their type only where the reader knows whether something is a list or a tuple.
NOT_KNOWN = {
    'true ? [1] : ["a", "b"]',
    'true ? { a = 1 } : { b = "x" }',
    'concat([1], ["a"], [])',
}
FILES = {
    "main.tf": r"""
locals {
  heredoc = <<EOT
  a ${1 + 1} "q" \n $${x}
EOT
  indented = <<-EOT
      a
    ${"b"}
        c

     %{if true}x%{endif}
    EOT
  stripped = <<-EOT
      a
         ${~"b"}
        c
    EOT
  control = <<-EOT
      %{for x in [1, 2]~}
      l ${x}
      %{endfor~}
      end
    EOT
  typed = [module.typed.objects, module.typed.flag, module.typed.nothing, module.typed.numbers]
  typed_set = module.typed.set
}

module "typed" {
  source  = "./typed"
  objects = { x = { name = 5, extra = true, nested = {} }, y = { name = "n", size = "7" } }
  set     = ["b", "a", "b", 1]
  flag    = "true"
  nothing = null
}
""",
    "typed/main.tf": """
variable "objects" {
  type = map(object({
    name   = string
    size   = optional(number, 3)
    maybe  = optional(string)
    nested = optional(object({ deep = optional(list(string), ["d"]) }), {})
  }))
}
variable "set" {
  type = set(string)
}
variable "flag" {
  type = bool
}
variable "nothing" {
  type     = string
  default  = "default"
  nullable = false
}
variable "numbers" {
  type    = list(number)
  default = ["1", 2]
}
output "objects" {
  value = var.objects
}
output "set" {
  value = var.set
}
output "flag" {
  value = var.flag
}
output "nothing" {
  value = var.nothing
}
output "numbers" {
  value = var.numbers
}
""",
    "lines.tftpl": "a=%{ for x in items ~}\n  l ${x}\n%{ endfor ~}\n  \\n end $${x}\n",
}


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """What Terraform makes of EXPRESSIONS among FILES."""
    root = tmp_path_factory.mktemp("console")
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}

    def run(*arguments: str, stdin: str = "") -> str:
        done = subprocess.run(
            [*find_engine().argv, *arguments, "-no-color"],
            cwd=root,
            env=environment | {"CHECKPOINT_DISABLE": "1"},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    run("init", "-backend=false")
    # Of what is piped in, the console shows the last value only.
    every = ", ".join(f"jsonencode({expression})" for expression in EXPRESSIONS)
    shown = run("console", stdin=f"jsonencode([{every}])\n")
    encoded = json.loads(json.loads(shown))
    return [json.loads(each) for each in encoded]


def test_expressions_are_what_terraform_makes_of_them(console: list[object]) -> None:
    outputs = "".join(
        f'output "o{number}" {{\n  value = jsonencode({expression})\n}}\n'
        for number, expression in enumerate(EXPRESSIONS)
    )
    found = read({**FILES, "outputs.tf": outputs})
    assert not found.problems
    assert len(EXPRESSIONS) > 150
    different = []
    for number, expression in enumerate(EXPRESSIONS):
        value = found.outputs[f"o{number}"]
        if expression in NOT_KNOWN:
            assert isinstance(value, Unknown)
        elif not isinstance(value, str):
            different.append(f"{expression}: not known")
        elif json.loads(value) != console[number]:
            different.append(f"{expression}: {value} instead of {json.dumps(console[number])}")
    assert different == []


# What the provider plans in a form of its own.
NORMALISED = {
    "aws_instance.user_data": "its SHA-1",
    "aws_ecs_task_definition.container_definitions": "sorted by the containers' names",
}


def planned(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from planned(child)


def read_root(name: str) -> tuple[Instance, ...]:
    root = FIXTURES / name
    files = {str(path.relative_to(root)): path.read_text() for path in root.rglob("*.tf*")}
    found = read(files)
    assert not found.problems
    return found.instances


def differences(path: str, value: object, plan: object) -> Iterator[str]:
    """Where a value that is called known is another in the plan."""
    if isinstance(value, Unknown):
        return
    if isinstance(value, dict) and isinstance(plan, dict):
        for key, item in value.items():
            # The provider also leaves out what is known, beside something unknown in a set.
            if key in plan:
                yield from differences(f"{path}.{key}", item, plan[key])
    elif isinstance(value, list) and isinstance(plan, list):
        yield from differences_of_lists(path, value, plan)
    elif as_provider(value) != as_provider(plan):
        yield f"{path}: {value!r} instead of {plan!r}"


def differences_of_lists(path: str, value: list[object], plan: list[object]) -> Iterator[str]:
    # It may be a set to the provider, which has its own order and merges what is alike.
    pairs = [(item, other) for item in value for other in plan]
    fits = [pair for pair in pairs if not list(differences("", *pair))]
    for item in value:
        if all(item is not one for one, _ in fits):
            yield f"{path}: {item} is not in {plan}"
    for other in plan:
        if all(other is not one for _, one in fits):
            yield f"{path}: {other} is planned, but not in {value}"


def as_provider(value: object) -> object:
    """A value as written is converted by the provider's schema, and its JSON is rewritten."""
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            return json.loads(value)
        except ValueError:
            return value
    if isinstance(value, list | dict):
        return value or None
    return to_text(value)


@pytest.mark.parametrize("name", ROOTS)
def test_known_values_are_what_terraform_plans(name: str) -> None:
    plan = json.loads((FIXTURES / f"{name}.json").read_text())
    expected = {
        resource["address"]: resource.get("values", {})
        for resource in planned(plan["planned_values"]["root_module"])
        if resource["mode"] == "managed"
    }
    instances = [one for one in read_root(name) if one.mode == "managed"]
    assert {one.address for one in instances if one.known} <= expected.keys()
    # One whose number is not known stands for all.
    pairs = [
        (address, one)
        for one in instances
        for address in expected
        if address == one.address or (not one.known and without_indexes(address) == one.declared)
    ]
    assert [address for address, _ in sorted(pairs, key=lambda each: each[0])] == sorted(expected)
    different: list[str] = []
    for address, one in pairs:
        for argument, value in one.values.items():
            # Write-only arguments are null in every plan.
            if argument.endswith("_wo") or argument in one.dynamic_unknown:
                continue
            if f"{one.type}.{argument}" in NORMALISED:
                continue
            if argument not in expected[address]:
                # An empty collection is as good as none, where the provider computes one.
                if is_known(value) and value != []:
                    different.append(f"{address}.{argument} is not planned")
                continue
            planned_value = expected[address][argument]
            different += differences(f"{address}.{argument}", value, planned_value)
    assert different == []
