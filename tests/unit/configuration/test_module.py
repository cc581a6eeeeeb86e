"""Modules, variables and instances."""

import pytest

from nexusctl.configuration.configuration import Configuration, Instance, read
from nexusctl.configuration.values import Json, Partial, Unknown
from nexusctl.environment.load import load
from nexusctl.render.render import render
from nexusctl.workspace import PACKAGE, shipped_assets


def only(found: Configuration) -> Instance:
    (instance,) = found.instances
    return instance


def addresses(text: str, **files: str) -> list[str]:
    found = read({"main.tf": text, **files})
    assert not found.problems
    return [one.address for one in found.instances]


def test_values_lines_and_nested_blocks() -> None:
    found = read(
        {
            "main.tf": """resource "aws_db_proxy" "main" {
  name        = "n"
  require_tls = true
  nothing     = null
  count       = 1
  auth {
    iam_auth = "REQUIRED"
  }
  dynamic "auth" {
    for_each = { b = "2", a = aws_secret.s.arn }
    content {
      key        = auth.key
      secret_arn = auth.value
      inner {
        x = 1
      }
    }
  }
  auth {
    iam_auth = "DISABLED"
  }
  lifecycle {
    prevent_destroy = true
  }
  depends_on = [aws_secret.s]
}
"""
        }
    )
    one = only(found)
    assert (one.address, one.declared) == ("aws_db_proxy.main[0]", "aws_db_proxy.main")
    assert (one.mode, one.type, one.file, one.line) == ("managed", "aws_db_proxy", "main.tf", 1)
    assert one.known
    assert not one.dynamic_unknown
    assert set(one.values) == {"name", "require_tls", "auth"}
    auth = one.values["auth"]
    assert isinstance(auth, list)
    assert auth[0] == {"iam_auth": "REQUIRED"}
    assert (auth[1]["key"], auth[2]["key"]) == ("a", "b")
    assert isinstance(auth[1]["secret_arn"], Unknown)
    assert auth[2] == {"key": "b", "secret_arn": "2", "inner": [{"x": 1}]}
    assert auth[3] == {"iam_auth": "DISABLED"}
    assert one.lines["require_tls",] == 3
    assert one.lines["auth", 0] == 6
    assert one.lines["auth", 0, "iam_auth"] == 7
    assert one.lines["auth", 2, "inner", 0, "x"] == 15
    assert one.references["auth", 1, "secret_arn"] == {"aws_secret.s.arn"}
    assert one.references["name",] == frozenset()


def test_addresses_and_order() -> None:
    found = read(
        {
            "z.tf": 'resource "aws_a" "b" {}\n',
            "main.tf": """
module "m" {
  source   = "./modules/../m"
  for_each = toset(["x", "a\\"b"])
  name     = each.key
}
resource "aws_c" "none" {
  count = 0
}
resource "aws_c" "two" {
  count = 2
}
data "aws_d" "e" {}
ephemeral "aws_f" "g" {}
""",
            "m/main.tf": """
variable "name" {}
resource "aws_h" "i" {
  for_each = { k = 1 }
  name     = "${var.name}-${each.key}"
}
""",
        }
    )
    assert not found.problems
    assert [one.address for one in found.instances] == [
        *('module.m["a\\"b"].aws_h.i["k"]', 'module.m["x"].aws_h.i["k"]'),
        *("aws_c.two[0]", "aws_c.two[1]", "data.aws_d.e", "ephemeral.aws_f.g", "aws_a.b"),
    ]
    assert found.instances[1].values == {"name": "x-k"}
    assert {one.declared for one in found.instances} >= {"module.m.aws_h.i", "data.aws_d.e"}
    assert [one.mode for one in found.instances[-3:]] == ["data", "ephemeral", "managed"]


@pytest.mark.parametrize(
    "repeat", ["count = aws_x.y.n", "for_each = aws_x.y.ids", 'for_each = ["list"]', "count = -1"]
)
def test_unknown_number_of_instances(repeat: str) -> None:
    found = read(
        {
            "main.tf": f'resource "aws_a" "b" {{\n  {repeat}\n  n = try(each.key, 0)\n}}\n'
            f'module "m" {{\n  source = "./m"\n  {repeat}\n}}\n',
            "m/main.tf": 'resource "aws_c" "d" {\n  count = 1\n}\n',
        }
    )
    inner, outer = sorted(found.instances, key=lambda one: one.address, reverse=True)
    assert (outer.address, outer.known) == ("aws_a.b", False)
    assert isinstance(outer.values["n"], Unknown)
    assert (inner.address, inner.known) == ("module.m.aws_c.d[0]", False)


def test_unknown_number_of_blocks() -> None:
    one = only(
        read(
            {
                "main.tf": """
resource "aws_a" "b" {
  rule {
    x = 1
  }
  dynamic "rule" {
    for_each = data.aws_c.d.ids
    iterator = it
    content {
      x = 2
      y = it.value.arn
    }
  }
}
"""
            }
        )
    )
    assert one.dynamic_unknown == {"rule"}
    rules = one.values["rule"]
    assert isinstance(rules, list)
    assert [rule["x"] for rule in rules] == [1, 2]
    assert one.references["rule", 1, "y"] == {"data.aws_c.d.ids.arn"}


def test_variables_of_the_root() -> None:
    files = {
        "main.tf": """
variable "a" {
  default = "default"
}
variable "b" {
  type = number
}
variable "c" {}
variable "d" {
  default  = "d"
  nullable = false
}
output "all" {
  value = [var.a, var.b, var.c, var.d]
}
""",
        "terraform.tfvars": 'a = "tfvars"\nb = "1"\nd = null\n',
        "x.auto.tfvars": 'a = "auto"\n',
        "m/terraform.tfvars": 'a = "not read"\n',
    }
    everything = read(files).outputs["all"]
    assert isinstance(everything, list)
    assert everything[:2] == ["auto", 1]
    assert isinstance(everything[2], Unknown)
    assert everything[2].references == {"var.c"}
    assert everything[3] == "d"
    assert read(files, {"a": "given", "c": 2}).outputs["all"] == ["given", 1, 2, "d"]


def test_arguments_outputs_and_what_they_rest_on() -> None:
    found = read(
        {
            "main.tf": """
module "a" {
  source = "./a"
  id     = aws_x.y.id
}
module "b" {
  source = "./b"
  things = module.a.things
}
""",
            "a/main.tf": """
variable "id" {
  type = string
}
variable "unset" {
  type = string
}
resource "aws_s" "t" {
  name = "t"
}
output "things" {
  value = { k = { arn = aws_s.t.arn, name = aws_s.t.name, id = var.id, unset = var.unset } }
}
""",
            "b/main.tf": """
variable "things" {
  type = map(object({ arn = string, name = string, id = string, unset = string }))
}
resource "aws_u" "v" {
  for_each = var.things
  arn      = each.value.arn
  id       = each.value.id
  name     = each.value.name
  unset    = each.value.unset
}
""",
        }
    )
    (one,) = (one for one in found.instances if one.type == "aws_u")
    assert one.address == 'module.b.aws_u.v["k"]'
    assert one.values["name"] == "t"
    assert one.references["arn",] == {"module.a.aws_s.t.arn"}
    assert one.references["id",] == {"aws_x.y.id"}
    assert one.references["unset",] == {"module.a.var.unset"}
    assert "module.a.aws_s.t.name" in one.references["name",]


def test_backend() -> None:
    found = read(
        {
            "versions.tf": """terraform {
  required_version = ">= 1.11"
  backend "s3" {
    bucket = "b"
    assume_role = {
      role_arn = "r"
    }
  }
}
"""
        }
    )
    assert found.backend is not None
    assert (found.backend.type, found.backend.file, found.backend.line) == ("s3", "versions.tf", 3)
    assert found.backend.values == {"bucket": "b", "assume_role": {"role_arn": "r"}}
    assert found.backend.lines["bucket",] == 4
    assert read({"main.tf": ""}).backend is None


@pytest.mark.parametrize(
    ("file", "text", "line", "message"),
    [
        ("x.tf", "a {", 1, "expected"),
        ("x.tf", '\nmodule "m" {\n  source = "hashicorp/consul/aws"\n}\n', 2, "module m"),
        ("x.tf", '\nmodule "m" {\n  source = "./missing"\n}\n', 2, "module m"),
        ("x.tf", '\nmodule "m" {\n  source = "../outside"\n}\n', 2, "module m"),
        ("x.tf", '\nmodule "m" {\n  source = var.x\n}\n', 2, "module m"),
        ("x.tf", '\nmodule "m" {\n  source = "./"\n}\n', 2, "calls itself"),
        ("x.tofu", "", 1, "OpenTofu"),
        ("x.tofu.json", "{}", 1, "OpenTofu"),
        ("x.tf", 'resource "aws_a" "b" {}\nresource "aws_a" "b" {}\n', 2, "twice"),
        ("x.tf", "locals {\n  a = 1\n}\nlocals {\n  a = 1\n}\n", 5, "twice"),
        ("x.tf", 'resource "aws_a" {}\n', 1, "not read"),
        ("x.tf", "a = 1\n", 1, "not read"),
        ("x.tf", "invented {}\n", 1, "not read"),
        ("terraform.tfvars", "a = ", 1, "expected"),
    ],
)
def test_what_is_not_read_is_a_problem(file: str, text: str, line: int, message: str) -> None:
    (problem,) = read({file: text}).problems
    assert (problem.file, problem.line) == (file, line)
    assert message in problem.message


def test_modules_in_a_circle_end() -> None:
    files = {
        "main.tf": 'module "a" {\n  source = "./a"\n}\n',
        "a/main.tf": 'module "b" {\n  source = "../b"\n  x = module.b.x\n}\n',
        "b/main.tf": 'module "a" {\n  source = "../a"\n}\nvariable "x" {}\noutput "x" {\n'
        "  value = var.x\n}\n",
    }
    assert [problem.file for problem in read(files).problems] == ["b/main.tf"]


def test_templates_and_files_are_among_the_files() -> None:
    found = read(
        {
            "main.tf": 'module "m" {\n  source = "./m"\n}\n',
            "m/main.tf": """
resource "aws_x" "y" {
  user_data = base64encode(templatefile("${path.module}/t.tftpl", { host = aws_x.z.id, n = 1 }))
  script    = file("${path.module}/s.sh")
  missing   = file("${path.module}/none")
}
""",
            "m/t.tftpl": "n=${n}\nhost=${host}\n",
            "m/s.sh": "echo\n",
        }
    )
    values = only(found).values
    user_data = values["user_data"]
    assert isinstance(user_data, Partial)
    assert (user_data.base64, user_data.text) == (True, "n=1\nhost=${}\n")
    assert values["script"] == "echo\n"
    assert isinstance(values["missing"], Unknown)


def test_the_rendered_production_root() -> None:
    root = render(load("prod", PACKAGE.parent / "environments"), shipped_assets())
    found = read(root.files)
    assert found.problems == ()
    by_address = {one.address: one for one in found.instances}
    assert all(one.known and not one.dynamic_unknown for one in found.instances)
    proxy = by_address["module.proxy.aws_db_proxy.main"].values
    assert proxy["require_tls"] is True
    assert isinstance(proxy["auth"], list)
    assert [auth["iam_auth"] for auth in proxy["auth"]] == ["REQUIRED"]
    parameters = by_address["module.database.aws_db_parameter_group.main"].values["parameter"]
    assert isinstance(parameters, list)
    assert {one["name"]: one["value"] for one in parameters}["rds.force_ssl"] == "1"
    database = by_address["module.database.aws_db_instance.main"]
    assert database.references["parameter_group_name",] == {
        "module.database.aws_db_parameter_group.main.name"
    }
    user_data = by_address["module.workers.aws_launch_template.main"].values["user_data"]
    assert isinstance(user_data, Partial)
    assert user_data.base64
    assert "PGSSLMODE" in user_data.text
    assert "verify-full" in user_data.text
    assert user_data.references == {"module.proxy.aws_db_proxy.main.endpoint"}
    version = 'module.secrets.aws_secretsmanager_secret_version.main["ingest"]'
    secret = by_address[version].values["secret_string_wo"]
    assert isinstance(secret, Json)
    assert found.backend is not None
    assert found.backend.values["encrypt"] is True
