"""The second opinion on HCL."""

import pytest

from nexusctl.policy.source import Malformed, declared, headers, texts


def test_headers() -> None:
    found = headers(
        """# resource "aws_x" "in_a_comment" {
/* resource "aws_x" "in_another" {} */
resource "aws_db_proxy" "main" {
  count = var.on ? 1 : 0
  name  = "resource \\"aws_x\\" \\"in_a_string\\" {"
  auth {
    description = <<-EOT
      resource "aws_x" "in_a_heredoc" {
    EOT
  }
}

module "one" { source = "./modules/one" }
locals {}
"""
    )
    assert [(one.type, one.labels, one.line, one.repeated) for one in found] == [
        ("resource", ("aws_db_proxy", "main"), 3, True),
        ("module", ("one",), 13, False),
        ("locals", (), 14, False),
    ]
    assert found[1].source == "./modules/one"


def test_for_each_of_a_dynamic_block_repeats_no_resource() -> None:
    source = 'resource "aws_x" "y" {\n  dynamic "auth" {\n    for_each = var.a\n  }\n}\n'
    assert [one.repeated for one in headers(source)] == [False]


def test_texts_have_path_line_and_no_interpolation() -> None:
    source = """resource "aws_x" "y" {
  environment {
    variables = { "PGPASSWORD" = "a${var.b["c"]}d", list = ["e"] }
  }
  value = jsonencode({ password = "f" })
}
"""
    found = {text.path[3:]: (text.line, text.text) for text in texts(source) if text.path[3:]}
    assert found["environment", "variables", "PGPASSWORD"] == (3, "a${}d")
    assert found["environment", "variables", "list"] == (3, "e")
    assert found["value", "password"] == (5, "f")


def test_multi_line_list_keeps_its_name() -> None:
    source = 'locals {\n  passwords = [\n    "a",\n    "b",\n  ]\n}\n'
    assert [text.path for text in texts(source)] == [("locals", "passwords")] * 2


def test_heredoc_is_one_text() -> None:
    (text,) = texts("locals {\n  script = <<EOT\nexport A=${var.b}\nEOT\n}\n")
    assert (text.path, text.line, text.heredoc) == (("locals", "script"), 2, True)
    assert text.text == "export A=${var.b}\n"


@pytest.mark.parametrize(
    "source",
    ["a {", "a }", "a = [}", 'a = "b', 'a = "b\n"', "a = <<EOT\nb\n", 'a = "${b"', "a = (]"],
)
def test_malformed(source: str) -> None:
    with pytest.raises(Malformed):
        headers(source)


def test_resources_of_called_modules_are_declared() -> None:
    files = {
        "main.tf": 'module "a" {\n  source = "./modules/a"\n}\n'
        'module "b" {\n  for_each = var.x\n  source = "./modules/a"\n}\n',
        "modules/a/main.tf": 'module "c" {\n  source = "../c"\n}\nresource "aws_x" "y" {}\n',
        "modules/c/main.tf": '\nresource "aws_z" "y" {}\ndata "aws_z" "y" {}\n',
        "modules/unused/main.tf": 'resource "aws_x" "unused" {}\n',
    }
    assert [(one.address, one.file, one.line, one.repeated) for one in declared(files)] == [
        ("module.a.module.c.aws_z.y", "modules/c/main.tf", 2, False),
        ("module.a.aws_x.y", "modules/a/main.tf", 4, False),
        ("module.b.module.c.aws_z.y", "modules/c/main.tf", 2, True),
        ("module.b.aws_x.y", "modules/a/main.tf", 4, True),
    ]


@pytest.mark.parametrize(
    "source", ["./modules/missing", "hashicorp/consul/aws", "../outside", "git::https://x", "./"]
)
def test_module_that_is_not_here_is_malformed(source: str) -> None:
    with pytest.raises(Malformed):
        declared({"main.tf": f'module "a" {{\n  source = "{source}"\n}}\n'})


def test_malformed_file_is_named() -> None:
    with pytest.raises(Malformed, match=r"modules/a/main\.tf"):
        declared({"main.tf": "", "modules/a/main.tf": "a {"})
