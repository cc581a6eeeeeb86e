"""What counts as a password that is written down."""

import base64
import gzip
import json
import time

import pytest

from nexusctl.configuration.values import Json, Partial, Unknown
from nexusctl.policy.encodings import layers, plain
from nexusctl.policy.literals import (
    literals_in,
    literals_in_text,
    literals_of_resource,
    sensitive_attributes,
)
from nexusctl.policy.names import names_a_secret


@pytest.mark.parametrize(
    "name",
    ["password", "PGPASSWORD", "db_password", "clientSecret", "api-key", "password_wo", "TOKEN"],
)
def test_names_of_secrets(name: str) -> None:
    assert names_a_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "password_encryption",
        "secret_arn",
        "secret_version",
        "manage_master_user_password_enabled",
        "http_tokens",
        "PWD",
        "username",
    ],
)
def test_names_that_only_speak_of_secrets(name: str) -> None:
    assert not names_a_secret(name)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://nexus_app:hunter2@proxy.example/nexus",
        "postgres://nexus_app:hunter2@${}/nexus",
        "export PGPASSWORD=hunter2",
        "host=h password=hunter2 dbname=d",
        "Environment=PGPASSWORD=hunter2",
        "AKIA" + "A" * 16,
        "-----BEGIN RSA PRIVATE KEY-----\nMIIB",
        "ALTER ROLE nexus_ingest WITH LOGIN PASSWORD 'hunter2'",
        "create user a password 'hunter2';",
    ],
)
def test_text_with_a_password(text: str) -> None:
    (literal,) = literals_in_text(text, path="here")
    assert str(literal).startswith("here: ")
    assert "hunter2" not in repr(literal)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://nexus_app@proxy.example/nexus",
        "https://example.com:443/a@b",
        "postgresql://nexus_app:${PGPASSWORD}@proxy.example/nexus",
        "postgresql://nexus_app:****@proxy.example/nexus",
        'export PGPASSWORD="$(aws rds generate-db-auth-token)"',
        "export PGPASSWORD=",
        "NEXUS_DATABASE_AUTH=iam-token",
        "X-aws-ec2-metadata-token-ttl-seconds: 60",
        "# Holds no secret: workers sign in with IAM tokens",
        "CREATE ROLE nexus_ingest LOGIN; -- RDS makes the PASSWORD 'itself'",
        "ALTER ROLE nexus_ingest PASSWORD NULL",
        "secret=arn:aws:secretsmanager:eu-central-1:123456789012:secret:x",
    ],
)
def test_text_without_a_password(text: str) -> None:
    assert list(literals_in_text(text, written=True)) == []


def test_colon_counts_in_a_script_only() -> None:
    text = "database:\n  password: hunter2\n"
    assert list(literals_in_text(text)) == []
    assert [literal.length for literal in literals_in_text(text, written=True)] == [7]


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("zipped", [False, True])
def test_user_data_is_decoded(layers: int, zipped: bool) -> None:
    data = b"#!/bin/sh\nexport PGPASSWORD=hunter2\n# " + b"x" * 40
    for _ in range(layers):
        data = base64.b64encode(gzip.compress(data) if zipped else data)
    (literal,) = literals_in(data.decode(), ("user_data",))
    assert (literal.path, literal.length) == ("user_data", 7)


def test_layers_of_a_text() -> None:
    inner = "export PGHOST=proxy.example PGSSLMODE=verify-full"
    zipped = base64.b64encode(gzip.compress(inner.encode())).decode()
    outer = f"#cloud-config\ncontent: {zipped}\n"
    assert layers(outer) == [outer, inner]


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        (base64.b64encode(b"reboot\n").decode(), "reboot\n"),
        (base64.b64encode(gzip.compress(b"reboot", mtime=0)).decode(), "reboot"),
        ("#!/bin/sh\nreboot\n", "#!/bin/sh\nreboot\n"),
        (f"echo {base64.b64encode(bytes(40)).decode()}", None),
    ],
)
def test_text_that_is_base64_as_a_whole(text: str, inside: str | None) -> None:
    assert plain(text) == (text if inside is None else inside)


def test_gzip_bomb_is_not_unpacked_in_full() -> None:
    bomb = base64.b64encode(gzip.compress(bytes(50_000_000))).decode()
    assert list(literals_in(bomb, ("user_data",))) == []


@pytest.mark.parametrize(
    "piece", ["a", "a.", "role a ", "QUJD", "a://a:", "password", "- ", '"', "{ "]
)
def test_search_is_linear_in_the_length_of_hostile_text(piece: str) -> None:
    started = time.process_time()
    list(literals_in_text(piece * 100_000, written=True))
    assert time.process_time() - started < 5


def test_sensitive_attribute_of_a_resource() -> None:
    (literal,) = literals_of_resource("aws_ssm_parameter", {"name": "n", "value": "hunter2"})
    assert str(literal) == "value: a literal in a sensitive argument, 7 characters"


def test_nested_sensitive_attribute() -> None:
    conf = {"user": [{"username": "u", "password": "hunter2"}, {"username": "v"}]}
    (literal,) = literals_of_resource("aws_mq_broker", conf)
    assert literal.path == "user.password"


def test_secret_json_is_looked_into() -> None:
    text = json.dumps({"username": "nexus_app", "password": "hunter2", "port": 5432})
    found = literals_of_resource("aws_secretsmanager_secret_version", {"secret_string": text})
    assert [(literal.path, literal.length) for literal in found] == [("secret_string.password", 7)]


def test_what_is_not_known_is_no_literal() -> None:
    unknown = Unknown(frozenset({"aws_x.y.z"}))
    values = {
        "password": unknown,
        "tags": {"password": Partial(frozenset(), ("prefix-", unknown))},
        "identifier": Json(frozenset(), {"password": unknown}),
    }
    assert literals_of_resource("aws_db_instance", values) == []


def test_literal_beside_something_unknown() -> None:
    unknown = Unknown(frozenset({"aws_x.y.z"}))
    values = {
        "secret_string": Json(frozenset(), {"host": unknown, "password": "hunter2"}),
        "description": Partial(frozenset(), ("postgres://a:hunter2@", unknown)),
    }
    found = literals_of_resource("aws_secretsmanager_secret_version", values)
    assert [(literal.path, literal.length) for literal in found] == [
        ("description", 7),
        ("secret_string.password", 7),
    ]


def test_user_data_of_which_a_part_is_unknown() -> None:
    script = Partial(frozenset(), ("HOST=", Unknown(), " PGPASSWORD=hunter2\n"), base64=True)
    (literal,) = literals_of_resource("aws_launch_template", {"user_data": script})
    assert (literal.path, literal.length) == ("user_data", 7)


@pytest.mark.parametrize("value", ["var.password", "random_password.x.result"])
def test_what_looks_like_an_expression_is_a_value(value: str) -> None:
    assert literals_of_resource("aws_db_instance", {"password": value})


def test_more_sensitive_arguments_than_the_list_has() -> None:
    values = {"result": "hunter2", "length": 7, "user": [{"pin": 1234, "name": "n"}]}
    assert literals_of_resource("random_password", values) == []
    found = literals_of_resource("random_password", values, ["result", "user.pin"])
    assert [(literal.path, literal.length) for literal in found] == [("result", 7), ("user.pin", 4)]


def test_pairs_of_a_name_and_a_value() -> None:
    pairs = [{"name": "PGPASSWORD", "value": "hunter2"}, {"name": "PGHOST", "value": "h"}]
    (literal,) = literals_in({"environment": pairs})
    assert literal.path == "environment[0].PGPASSWORD"


@pytest.mark.parametrize("value", ["$tart", "arn:hunter2", "<x>", "null", "${hunter2"])
def test_odd_value_of_a_sensitive_argument_is_a_password(value: str) -> None:
    (literal,) = literals_of_resource("aws_db_instance", {"password": value})
    assert literal.length == len(value)


@pytest.mark.parametrize("value", [None, "", True])
def test_nothing_is_no_password(value: object) -> None:
    assert literals_of_resource("aws_db_instance", {"password": value}) == []


def test_passwords_by_user_are_found_under_their_name() -> None:
    found = list(literals_in({"passwords": {"app": "hunter2"}}))
    assert [literal.path for literal in found] == ["passwords.app"]


def test_usernames_under_secrets_are_none() -> None:
    value = {"secrets": {"app": {"arn": "arn:aws:x", "username": "nexus_app"}}}
    assert list(literals_in(value)) == []


def test_list_of_sensitive_attributes() -> None:
    assert {"password", "password_wo"} <= sensitive_attributes("aws_db_instance")
    assert "secret_string_wo" in sensitive_attributes("aws_secretsmanager_secret_version")
    assert sensitive_attributes("aws_vpc") == frozenset()


@pytest.mark.parametrize(
    ("command", "length"),
    [
        ("run --password hunter2secret", 13),
        ("run --db-password 'hunter2secret' --fast", 13),
        ("worker --api-key hunter2secret", 13),
        ("curl -u admin:hunter2secret host", 13),
        ("run --password-file /run/password", None),
        ("run --password $PGPASSWORD", None),
        ("run --token --verbose", None),
        ("run -u nexus --max-tokens 30", None),
    ],
)
def test_a_password_among_the_arguments_of_a_command(command: str, length: int | None) -> None:
    lengths = [literal.length for literal in literals_in(command, ("command",))]
    assert lengths == ([length] if length else [])
