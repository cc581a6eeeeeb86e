"""Each way to write a password down is found, what only looks like one is not, nothing tells it."""

import base64
import gzip
import json
import string
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexusctl.configuration.configuration import read
from nexusctl.policy.forms import masked
from nexusctl.policy.literals import literals_of_resource
from nexusctl.policy.search import Hit, in_configuration, in_files

DATABASE = 'resource "aws_db_instance" "main" {\n  password = %s\n}\n'
# Sensitive as well, but not by its name.
SECURE = 'resource "aws_ssm_parameter" "main" {\n  value = %s\n}\n'
SECRET = 'resource "aws_secretsmanager_secret_version" "main" {\n  secret_string = %s\n}\n'
FUNCTION = """
resource "aws_lambda_function" "main" {
  environment {
    variables = { %s }
  }
}
"""
TEMPLATE = 'resource "aws_launch_template" "main" {\n  user_data = %s\n}\n'
STATE = json.dumps(
    {
        "version": 4,
        "resources": [
            {
                "mode": "managed",
                "type": "random_password",
                "name": "made",
                "instances": [{"attributes": {"result": "PLANTED"}}],
            }
        ],
    }
)
UNKNOWN = 'variable "x" {}\n'
PICKED = UNKNOWN + 'locals {\n  m = { a = "PLANTED", b = "other" }\n}\n'


def searched(files: Mapping[str, str]) -> list[Hit]:
    """What is found in the files, in what they are evaluated to, and in the resources."""
    configuration = read(files)
    hits = [*in_files(files), *in_configuration(configuration)]
    for each in configuration.instances:
        hits += [Hit(each.address, one) for one in literals_of_resource(each.type, each.values)]
    return hits


def script(*lines: str) -> str:
    """The user data of a launch template with these lines."""
    return TEMPLATE % "base64encode(<<-EOT\n{}\nEOT\n)".format("\n".join(lines))


CHOSEN = {
    "by an unknown key": SECURE % "local.m[var.x]",
    "by lookup": SECURE % "lookup(local.m, var.x)",
    "by lookup in what is merged": SECURE % 'lookup(merge(var.x, local.m), "a", "")',
    "as the default of lookup": SECURE % 'lookup(var.x, "a", "PLANTED")',
    "by a condition": SECURE % 'var.x ? "PLANTED" : random_password.a.result',
    "in the other branch": SECURE % 'var.x == "a" ? var.x : "PLANTED"',
    "by merge": SECURE % 'merge(var.x, { p = "PLANTED" }).p',
    "by merge and an index": SECURE % 'merge({ p = "PLANTED" }, var.x)["p"]',
    "by concat": SECURE % 'concat(var.x, ["PLANTED"])[0]',
    "by element": SECURE % 'element(["PLANTED", "b"], var.x)',
    "by an unknown index": SECURE % '["a", "PLANTED"][var.x]',
    "by coalesce": SECURE % 'coalesce(var.x, "PLANTED")',
    "by try": SECURE % 'try(var.x.p, "PLANTED")',
    "in a loop over what is unknown": SECURE % '[for k in var.x : "PLANTED"][0]',
    "in a loop with keys": SECURE % '{ for k in var.x : k => "PLANTED" }["a"]',
    "under an unknown key": SECURE % '{ (var.x) = "PLANTED" }["a"]',
    "by a directive": SECURE % '"%{ if var.x }PLANTED%{ else }b%{ endif }"',
    "joined": SECURE % '"${var.x}PLANTED"',
    "joined by join": SECURE % 'join("", [var.x, "PLANTED"])',
    "joined by format": SECURE % 'format("%sPLANTED", var.x)',
    "chosen and joined": SECURE % '"${var.x ? "PLANTED" : "b"}-${aws_vpc.main.id}"',
    "through a function": SECURE % 'trimspace(nonsensitive(lookup(local.m, var.x, "c")))',
    "through a hash": SECURE % 'sha256("PLANTED")',
    "in JSON": SECRET % 'jsonencode({ p = local.m[var.x], host = "h" })',
    "out of JSON": SECURE % 'jsondecode(jsonencode({ p = "PLANTED", q = var.x })).p',
    "out of YAML": SECURE % 'yamldecode("p: PLANTED").p',
    "by splat": SECURE % 'merge(var.x, { a = { p = "PLANTED" } })[*].a.p',
    "of one of several modules": 'module "m" {\n  source = "./m"\n  for_each = var.x\n}\n'
    + SECURE % 'module.m["a"].value',
    "by an attribute of another": 'resource "aws_x" "y" {\n  note = local.m[var.x]\n}\n'
    + SECURE % "aws_x.y.note",
    "to a dynamic block": """
resource "aws_mq_broker" "main" {
  dynamic "user" {
    for_each = var.x ? { a = "PLANTED" } : {}
    content {
      password = user.value
    }
  }
}
""",
    "to each of unknown instances": SECURE.replace("{", "{\n  for_each = merge(var.x, local.m)", 1)
    % "each.value",
    "as an optional attribute": """
variable "o" {
  type = object({ p = optional(string, "PLANTED") })
}
"""
    + SECURE % "var.o.p",
}


@pytest.mark.parametrize("way", CHOSEN)
def test_chosen_by_what_is_not_known(way: str) -> None:
    module = {"m/main.tf": 'output "value" {\n  value = "PLANTED"\n}\n'}
    assert_planted({"main.tf": PICKED + CHOSEN[way]} | module)


def assert_planted(files: Mapping[str, str], password: str = "PLANTED") -> None:
    lengths = {hit.literal.length for hit in searched(files)}
    assert lengths & {len(password), len(password) + 1, None}, lengths
    assert password not in repr(searched(files))


LOCAL = 'locals {\n  p = "PLANTED"\n}\n'
ELSEWHERE = {
    "optional attribute": 'variable "o" {\n'
    '  type = object({ token = optional(string, "PLANTED") })\n}',
    "provider": 'provider "postgresql" {\n  password = "PLANTED"\n}',
    "provider, by a local": LOCAL + 'provider "mysql" {\n  password = local.p\n}',
    "provider, token": 'provider "vault" {\n  token = "PLANTED"\n}',
    "provider, nested": 'provider "helm" {\n  kubernetes {\n    token = "PLANTED"\n  }\n}',
    "module": 'module "m" {\n  source = "a/b/aws"\n  db_password = "PLANTED"\n}',
    "module, by a local": LOCAL + 'module "m" {\n  source = "a/b/aws"\n  db_password = local.p\n}',
    "provisioner, command": 'resource "null_resource" "n" {\n  provisioner "local-exec" {\n'
    '    command = "psql --password PLANTED"\n  }\n}',
    "provisioner, by a local": LOCAL + 'resource "null_resource" "n" {\n'
    '  provisioner "local-exec" {\n    command = "mysql -p${local.p}"\n  }\n}',
    "provisioner, environment": LOCAL + 'resource "null_resource" "n" {\n'
    '  provisioner "local-exec" {\n    environment = { PGPASSWORD = local.p }\n  }\n}',
    "connection": LOCAL + 'resource "aws_instance" "n" {\n'
    "  connection {\n    password = local.p\n  }\n}",
    "triggers": 'resource "null_resource" "n" {\n  triggers = { password = "PLANTED" }\n}',
    "input": 'resource "terraform_data" "n" {\n  input = { db_password = "PLANTED" }\n}',
    "output of a module": 'module "m" {\n  source = "./m"\n}\n',
    "sensitive output": LOCAL + 'output "o" {\n  value = local.p\n  sensitive = true\n}',
    "tags": 'resource "aws_vpc" "v" {\n  tags = merge(var.x, { password = "PLANTED" })\n}',
    "key of a map": 'resource "aws_vpc" "v" {\n  tags = { "postgres://a:PLANTED@h" = "x" }\n}',
    "Name and Value": 'resource "aws_x" "v" {\n  e = [{ Name = "DB_PASSWORD",'
    ' Value = "PLANTED" }]\n}',
    "ParameterKey": 'resource "aws_x" "v" {\n  e = [{ ParameterKey = "DbPassword",'
    ' ParameterValue = "PLANTED" }]\n}',
    "blocks of a chart": 'resource "helm_release" "v" {\n  set {\n    name = "auth.password"\n'
    '    value = "PLANTED"\n  }\n}',
    "sensitive blocks of a chart": 'resource "helm_release" "v" {\n  set_sensitive {\n'
    '    name = "a"\n    value = "PLANTED"\n  }\n}',
    "values of a chart": 'resource "helm_release" "v" {\n'
    '  values = [yamlencode({ auth = { password = "PLANTED" } })]\n}',
    "text of values": 'resource "helm_release" "v" {\n'
    "  values = [<<-E\n    password: PLANTED\n  E\n  ]\n}",
    "secret of Kubernetes": 'resource "kubernetes_secret" "v" {\n'
    '  data = { anything = "PLANTED" }\n}',
    "secret of Vault": 'resource "vault_generic_secret" "v" {\n'
    '  data_json = jsonencode({ anything = "PLANTED" })\n}',
    "parameter in clear": 'resource "aws_ssm_parameter" "v" {\n  name = "/app/db_password"\n'
    '  type = "String"\n  value = "PLANTED"\n}',
    "secret of GitHub": 'resource "github_actions_secret" "v" {\n  plaintext_value = "PLANTED"\n}',
    "two lines of YAML": script("env:", "- name: DB_PASSWORD", "  value: PLANTED"),
    "block of YAML": script("password: |", "  PLANTED"),
}


@pytest.mark.parametrize("way", ELSEWHERE)
def test_elsewhere(way: str) -> None:
    module = {
        "m/main.tf": 'locals {\n  p = "PLANTED"\n}\noutput "password" {\n  value = local.p\n}\n'
    }
    assert_planted({"main.tf": UNKNOWN + ELSEWHERE[way]} | module)


def test_user_and_password_of_a_provider() -> None:
    provider = 'provider "grafana" {\n  auth = "admin:${local.p}"\n}\n'
    (hit,) = searched({"main.tf": LOCAL + provider})
    assert (hit.place, hit.literal.path) == ("provider.grafana", "auth")


@pytest.mark.parametrize(
    "name",
    [
        *("SECRET_VALUE", "ENCRYPTION_KEY", "REDIS_AUTH", "API_KEY", "PRIVATE_KEY", "AUTH_TOKEN"),
        *(
            "DB_PASS",
            "POSTGRES_PW",
            "clientSecret",
            "jwt_signing_key",
            "requirepass",
            "PGPASSFILE_PW",
        ),
    ],
)
def test_names(name: str) -> None:
    assert_planted({"main.tf": FUNCTION % f'{name} = "PLANTED"'})


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("prod.s3.tfbackend", 'bucket = "b"\nsecret_key = "PLANTED"\n'),
        ("backend.hcl", 'access_key = "PLANTED"\n'),
        ("tests/a.tftest.hcl", 'variables {\n  db_password = "PLANTED"\n}\n'),
        ("prod.auto.tfvars", 'db_password = "PLANTED"\n'),
        ("prod.auto.tfvars", 'plain = "PLANTED"\n'),
        ("terraform.tfvars.json", '{"db_password": "PLANTED"}'),
        ("worker.env", "DB_PASSWORD=PLANTED\n"),
        (".env", "export REDIS_AUTH='PLANTED'\n"),
        ("boot.sh.tftpl", "curl -u admin:PLANTED https://${host}/\n"),
        ("values.yaml", "auth:\n  rootPassword: PLANTED\n"),
        ("settings.xml", "<password>PLANTED</password>\n"),
        (".pgpass", "db.example:5432:nexus:app:PLANTED\n"),
        ("Dockerfile", "ENV PGPASSWORD=PLANTED\n"),
        (".netrc", "machine h login app password PLANTED\n"),
        ("terraform.tfstate", STATE),
        ("terraform.tfstate.backup", STATE),
        ("notes.tf", '# password = "PLANTED"\n'),
        ("notes.tf", "// PGPASSWORD=PLANTED psql\n"),
        ("notes.tf", '/*\ndb_password: "PLANTED"\n*/\n'),
    ],
)
def test_files(file: str, text: str) -> None:
    declared = 'variable "plain" {\n  sensitive = true\n}\nvariable "db_password" {}\n'
    assert_planted({"main.tf": declared, file: text})


def twice(text: str) -> str:
    return base64.b64encode(base64.b64encode(text.encode())).decode()


@pytest.mark.parametrize(
    "encoded",
    [
        base64.b64encode(b"TOKEN=PLANTED").decode(),
        base64.b64encode(b"TOKEN=PLANTED").decode().rstrip("="),
        base64.urlsafe_b64encode("p=\u00ff\u00ff\u00fe;TOKEN=PLANTED".encode()).decode(),
        base64.b64encode("caf\u00e9 TOKEN=PLANTED".encode("latin-1")).decode(),
        base64.b64encode("$TOKEN = 'PLANTED'".encode("utf-16-le")).decode(),
        base64.b64encode(
            gzip.compress(b"echo\n", mtime=0) + gzip.compress(b"TOKEN=PLANTED", mtime=0)
        ).decode(),
        b"DB_PASSWORD=PLANTED".hex(),
        twice("DB_PASSWORD=PLANTED"),
        "DB_PASSWORD%3DPLANTED",
        "postgres%3A%2F%2Fa%3APLANTED%40h%2Fd",
        json.dumps(json.dumps({"password": "PLANTED"})),
    ],
)
def test_encodings(encoded: str) -> None:
    text = encoded if encoded.startswith('"') else f'"{encoded}"'
    assert_planted({"main.tf": TEMPLATE % text.replace('\\"', '\\"')})


COMMANDS = [
    *("mysql -u root -pPLANTED db", "mysql --password=PLANTED", "mysqldump -h h -p'PLANTED' db"),
    *("sshpass -p PLANTED ssh a@b", "PGPASSWORD=PLANTED psql -h h", "tool --pass PLANTED"),
    *("tool --pass=PLANTED", "curl -u user:PLANTED https://h", "curl --user 'user:PLANTED' h"),
    *("echo 'user:PLANTED' | chpasswd", "echo user:PLANTED | sudo chpasswd"),
    *("curl -H 'Authorization: Bearer PLANTED' h", 'curl -H "X-Vault-Token: PLANTED" h'),
    *("docker login -u u -p PLANTED r", "redis-cli -h h -a PLANTED ping"),
    *("echo PLANTED | docker login --password-stdin", "chpasswd <<< 'root:PLANTED'"),
    *("keytool -storepass PLANTED", "openssl rsa -passin pass:PLANTED", "ldapsearch -w PLANTED"),
    "kubectl create secret generic s --from-literal=password=PLANTED",
    "mysql -e \"CREATE USER 'a'@'%' IDENTIFIED BY 'PLANTED'\"",
    "aws rds modify-db-instance --master-user-password PLANTED",
    'echo "db.internal.corp:5432:nexus:ingest:PLANTED" >> ~/.pgpass',
    "printf '%s' 'db:5432:nexus:ingest:PLANTED' > ~/.pgpass",
    "printf 'db.internal.corp:5432:nexus:ingest:PLANTED\\n' > ~/.pgpass",
    "echo '*:*:*:ingest:PLANTED' > /home/app/.pgpass",
    "X=PLANTED; export PGPASSWORD=$X",
    "X='PLANTED'; export PGPASSWORD=\"$${X}\"",
    'read -r PW <<< PLANTED; export PGPASSWORD="$PW"',
    "htpasswd -bc /etc/htpasswd admin PLANTED",
    "htpasswd -nb admin PLANTED",
    "echo PLANTED | kinit admin",
    "echo PLANTED | gpg --batch --passphrase-fd 0 -d x",
    "vault login PLANTED",
    "openssl passwd -1 PLANTED",
    "openssl passwd -6 -salt ab PLANTED",
    "psql -c 'ALTER ROLE ingest WITH PASSWORD $$PLANTED$$'",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(command: str) -> None:
    assert_planted({"main.tf": script("#!/bin/sh", command)})
    assert "PLANTED" not in masked(f"failed: {command}")


NUMBERS = {
    "variable": 'variable "db_password" {\n  type = number\n  default = 73519284\n}\n',
    "local": "locals {\n  db_password = 73519284\n}\n",
    "output": 'output "db_password" {\n  value = 73519284\n}\n',
    "part of an output": 'output "app" {\n  value = { password = 73519284 }\n}\n',
    "secret": SECRET % "tostring(73519284)",
    "secret of a local": "locals {\n  n = 73519284\n}\n" + SECRET % "jsonencode({ p = local.n })",
    "file of values": FUNCTION % "DB_PASSWORD = 73519284",
}


def test_number_in_json() -> None:
    declared = {"variable": {"db_password": {"type": "number", "default": 73519284}}}
    assert_planted({"main.tf.json": json.dumps(declared)}, "73519284")


@pytest.mark.parametrize("way", NUMBERS)
def test_numbers(way: str) -> None:
    assert_planted({"main.tf": NUMBERS[way]}, "73519284")


@pytest.mark.parametrize(
    "expression",
    [
        'trimspace(file("pw.bin"))',
        'filebase64("s.b64")',
        'uuidv5("dns", "nexus")',
        "aws_vpc.main.id",
        "jsonencode({ username = aws_db_instance.main.username, password = aws_vpc.main.arn })",
    ],
)
def test_what_is_no_secret_in_a_sensitive_argument(expression: str) -> None:
    found = {hit.literal.length for hit in searched({"main.tf": SECRET % expression})}
    assert found == {None}


def test_what_only_begins_like_a_public_key() -> None:
    assert_planted({"main.tf": SECRET % '"ssh-rsa PLANTED"'}, "ssh-rsa PLANTED")


@pytest.mark.parametrize("password", ["$ecret", "%x9yz", "aws_x", "{hunter", "<x", "$tart!", "*x9"])
def test_what_begins_like_a_reference(password: str) -> None:
    assert_planted({"main.tf": FUNCTION % f'DB_PASSWORD = "{password}"'}, password)
    assert_planted({"main.tf": script(f"export DB_PASSWORD='{password}'")}, password)


def test_escape_is_no_interpolation() -> None:
    assert_planted({"main.tf": DATABASE % '"$${PLANTED}"'}, "${PLANTED}")
    assert_planted({"main.tf": DATABASE % '"PLANTED$${}"'}, "PLANTED${}")


@pytest.mark.parametrize(
    "link",
    [
        "merge(var.x, { p = local.before, q = local.before })",
        '"${var.x ? local.before : "${local.before}b"}-${local.before}"',
        "[var.x, local.before, local.before][var.x]",
        "jsonencode({ a = local.before, b = local.before, c = var.x })",
        '"${var.x ? "a" : "b"}${local.before}"',
        'base64encode("${local.before}${local.before}${var.x}")',
    ],
)
def test_what_is_chosen_again_and_again_is_searched_soon(link: str) -> None:
    links = [f"l{n} = {link}".replace("local.before", f"local.l{n - 1}") for n in range(1, 60)]
    chain = "locals {{\n  l0 = var.x\n  {}\n}}\n".format("\n  ".join(links))
    started = time.process_time()
    searched({"main.tf": UNKNOWN + chain + SECURE % "local.l59"})
    assert time.process_time() - started < 5


ORDINARY = [
    UNKNOWN + DATABASE % "var.x",
    UNKNOWN + DATABASE % 'var.x == "prod" ? random_password.a.result : random_password.b.result',
    DATABASE % "random_password.main.result",
    DATABASE % 'replace(random_password.main.result, "/[@:]/", "-")',
    DATABASE % 'format("%s", random_password.main.result)',
    DATABASE % '"${random_password.main.result}!Aa1"',
    DATABASE % 'try(random_password.main[0].result, "")',
    DATABASE % "data.aws_secretsmanager_secret_version.db.secret_string",
    DATABASE % 'jsondecode(data.aws_secretsmanager_secret_version.db.secret_string)["password"]',
    'locals {\n  password = lookup(var.secrets, "db_password")\n}\n',
    SECRET % 'jsonencode({ username = "app", password = random_password.a.result, port = 5432 })',
    SECRET % '"postgres://app:${random_password.a.result}@${aws_db_instance.a.endpoint}/nexus"',
    SECRET % '<<-E\n{"username": "app", "password": "${random_password.a.result}"}\nE',
    UNKNOWN
    + FUNCTION % 'DB_PASSWORD_SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:1:secret:db"',
    FUNCTION % 'DB_PASSWORD_SECRET_NAME = "nexus/db", SECRET = "nexus/db", TOKEN_TTL = "60"',
    FUNCTION % 'DB_PASSWORD = "$DB_PASSWORD", API_KEY = "{{ api_key }}", PW = "%PW%"',
    FUNCTION % 'ENCRYPTION_KEY = "alias/nexus", KMS_KEY_ID = "mrk-0123456789abcdef"',
    FUNCTION % 'ENCRYPTION_KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"',
    FUNCTION % f'HASH = "{"0123456789abcdef" * 4}", VERSION = "{"a1b2c3d4" * 5}"',
    UNKNOWN + FUNCTION % 'DB_PASSWORD = "${var.x}-db-password", TOKEN = "${var.x}-token"',
    (
        'resource "aws_iam_account_password_policy" "p" {\n  minimum_password_length = 20\n'
        "  password_reuse_prevention = 24\n  max_password_age = 90\n}\n"
    ),
    (
        'resource "aws_db_parameter_group" "p" {\n  parameter {\n    name = "password_encryption"\n'
        '    value = "scram-sha-256"\n  }\n}\n'
    ),
    'resource "kubernetes_secret" "p" {\n  data = { password = random_password.a.result }\n}\n',
    (
        'variable "db_password" {\n  type = string\n  sensitive = true\n'
        '  description = "The password: see the wiki"\n}\n'
    ),
    (
        'module "m" {\n  source = "a/b/aws"\n  password_length = 20\n  secret_name = "nexus-db"\n'
        "  db_password = var.x\n}\n"
    ),
    (
        'provider "postgresql" {\n  host = "h"\n  username = "admin"\n  password = var.x\n'
        '  sslmode = "require"\n}\n'
    ),
    'provider "aws" {\n  region = "eu-central-1"\n  profile = "nexus"\n}\n',
    script(
        'export PGPASSWORD="$(aws rds generate-db-auth-token --hostname $H)"',
        "PGPASSWORD=$(aws secretsmanager get-secret-value --secret-id prod/db)",
        "TOKEN=`curl -X PUT http://169.254.169.254/latest/api/token`",
        'curl -H "X-aws-ec2-metadata-token: $TOKEN" http://169.254.169.254/',
        'curl -H "Authorization: Bearer $TOKEN" https://example.com',
        "aws ecr get-login-password | docker login --username AWS --password-stdin r",
        'echo "$DB_PASSWORD" | docker login --password-stdin r',
        'echo "root:$ROOT_PASSWORD" | chpasswd',
        'password=$(pwgen 20 1); mysql -u root -p"$password" -e "SELECT 1"',
        "mysql -u root -p nexus < schema.sql",
        "docker run -u 1000:1000 -p 5432:5432 image",
        "mkdir -p /etc/nexus && cp -p a b",
        'if [ -z "$PGPASSWORD" ]; then exit 1; fi',
        "read -r secret_value; export DB_PASS=$secret_value",
        "psql --no-password -h h",
        "DB_PASSWORD_FILE=/run/secrets/db",
        "PASSWORD=/run/secrets/db",
        "export PASS=$((PASS + 1)) BYPASS=1",
        "password = os.environ['PGPASSWORD']",
        "password: {{ vault_password }}",
        "password: !vault |",
        "aws s3 cp s3://bucket/key-with-a-long-name /opt/nexus/application",
        f"sha256sum -c <<< '{'0123456789abcdef' * 4}  file'",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7vbqajDhA nobody@example",
    ),
    (
        'resource "aws_x" "y" {\n  arn = "arn:aws:iam::123456789012:role/token"\n'
        '  etag = "W/5d41402abc4b2a76b9719d911017c592"\n'
        '  id = "550e8400-e29b-41d4-a716-446655440000"\n'
        '  redirect = "https://example.com/login?next=%2Fsecret%3Fa"\n}\n'
    ),
    SECRET
    % """jsonencode({
    "username" = "nexus_app", DB_HOST = "h.example", bucketName = "nexus"
    "password" = random_password.a.result
    "${upper(var.x)}_USERNAME" = "nexus_ro"
    "url" = "${var.x == "postgres" ? "postgres" : "mysql2"}://a:${random_password.a.result}@h"
  })""",
    'variable "db_password_rotated_date" {\n  default = "2026-01-31"\n}\n',
    'variable "kube_token" {\n  default = "KUBE_TOKEN_DEV"\n}\n',
    'locals {\n  credentials = { db = { username = "nexus", description = "of it" } }\n}\n',
    'resource "aws_efs_file_system" "f" {\n  creation_token = "nexus-files"\n}\n',
    'data "google_secret_manager_secret_version" "s" {\n  secret = "oauth-client-id"\n}\n',
    (
        'resource "aws_db_proxy" "p" {\n  auth {\n    auth_scheme = "SECRETS"\n'
        '    client_password_auth_type = "POSTGRES_SCRAM_SHA_256"\n'
        "    secret_arn = aws_secretsmanager_secret.a.arn\n  }\n}\n"
    ),
    "# password = var.x\n# set the password here\n// token = local.token, or the key=value form\n",
    "# the password: one of those that RDS makes\n# PGPASSWORD=$PASSWORD psql\n",
    '/* secret_arn = "arn:aws:secretsmanager:eu-central-1:1:secret:a" */\n',
    "locals {\n  max_token = 40960\n  password_max_age = 7776000\n  enable_password = 1\n}\n",
    "locals {\n  first_password = 00\n}\n",
    script("gpg --batch --passphrase-fd 0 -d x < y", "read -r PASSWORD <<< $(cat /run/pw)"),
    script('X=$(fetch db)\nexport PGPASSWORD="$X"', "vault login -method=aws role=app"),
    script("openssl passwd -6 -stdin < /run/pw", 'htpasswd -bc f admin "$PASSWORD"'),
    script('echo "$HOST:5432:nexus:app:$PASSWORD" > ~/.pgpass', "docker pull h.io:5000/a:b:c"),
    SECRET
    % "jsonencode({ host = aws_db_instance.m.address, password = random_password.p.result })",
    SECRET % "jsonencode({ password = var.password, arn = aws_vpc.main.arn })"
    + 'variable "password" {\n  sensitive = true\n}\n',
    SECRET % "data.aws_ssm_parameter.p.value",
    SECRET % "ephemeral.random_password.p.result",
    DATABASE % "var.db_password" + 'variable "db_password" {}\n',
]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_terraform_is_silent(text: str) -> None:
    assert searched({"main.tf": text}) == []


# As somebody types or generates it; without what ends a word in a shell or a URL.
PASSWORDS = st.text(
    string.ascii_letters + string.digits + "!*_.^~+", min_size=8, max_size=40
).filter(lambda text: any(map(str.isdigit, text)) and text[0].isalpha() and text[-1].isalpha())
WAYS = [*CHOSEN.values(), *ELSEWHERE.values(), *map(script, COMMANDS)]


@settings(deadline=None, max_examples=60)
@given(PASSWORDS, st.sampled_from(WAYS))
def test_any_password_is_found_and_never_told(password: str, way: str) -> None:
    planted = (PICKED + way).replace("PLANTED", password)
    planted = planted.replace(UNKNOWN + UNKNOWN, UNKNOWN)
    value = (
        'output "value" {\n  value = "PLANTED"\n}\noutput "password" {\n  value = "PLANTED"\n}\n'
    )
    files: dict[str, Any] = {"main.tf": planted, "m/main.tf": value.replace("PLANTED", password)}
    found = searched(files)
    assert found
    assert password not in repr(found)
