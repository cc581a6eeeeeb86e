"""What is said of wrong settings: the place, the message, the hint; all of it at once."""

from pathlib import Path
from typing import Any

import pytest

from nexusctl.environment.credentials import names_credential
from nexusctl.environment.load import load
from nexusctl.environment.model import Duration, Header, Settings, fields
from nexusctl.environment.problem import EnvironmentProblems, Problem

Write = Any

FUNCTION = "arn:aws:lambda:eu-central-1:012345678901:function:rotate"


def rotation(function: str, every: str = "30d") -> str:
    return f"users: {{app: {{rotation: {{function_arn: '{function}', every: {every}}}}}}}"


def problems(text: str, write: Write) -> tuple[Problem, ...]:
    directory = write(a=f"extends: whole\n{text}")
    with pytest.raises(EnvironmentProblems) as caught:
        load("a", directory)
    return caught.value.problems


def only(text: str, write: Write) -> Problem:
    (problem,) = problems(text, write)
    return problem


def said(text: str, write: Write) -> str:
    return str(only(text, write))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Keys
        ("workers: {max_sise: 3}", "did you mean max_size?"),
        ("extend: whole", "did you mean extends?"),
        (
            "proxy: {max_connections_percent: 3}",
            "it exists as proxy.connection_pool.max_connections_percent: move it there",
        ),
        ("aws: {zzz: 3}", "known here: region, account_id"),
        ("tags: {'aws:x': y}", "not aws:…"),
        # Types
        ("database: {engine_version: 16.4}", "not the number 16.4"),
        ("database: {engine_version: 16.4}", 'quote it: "16.4"'),
        ("aws: {account_id: 123456789012}", 'quote it: "123456789012"'),
        ("aws: {account_id: 012345678901}", 'quote it: "012345678901"'),
        ("tags: {a: true}", 'quote it: "true"'),
        ("workers: {min_size: '1'}", "remove the quotes: 1"),
        ("workers: {min_size: 1.0}", "must be a whole number, not the number 1.0"),
        ("workers: {min_size: true}", "must be a whole number, not true"),
        ("database: {multi_az: yes}", "write true: YAML 1.2 reads yes as text"),
        ("database: {multi_az: 1}", "must be true or false"),
        ("database:", "must be a map, not nothing"),
        ("database: []", "must be a map, not a list of 0"),
        ("lambda_clients: {}", "must be a list, not a map"),
        ("tags: [a]", "must be a map, not a list of 1"),
        ("tier: prod", "did you mean production?"),
        ("abstract: maybe", "abstract must be true or false"),
        # Limits
        ("database: {allocated_storage_gib: 19}", "must be at least 20, not the number 19"),
        ("proxy: {connection_pool: {max_connections_percent: 101}}", "must be at most 100"),
        ("aws: {account_id: '12345'}", "12 digits"),
        ("aws: {account_id: '١٢٣٤٥٦٧٨٩٠١٢'}", "12 digits"),
        ("network: {cidr_block: 10.0.0.1/16}", "host bits zero"),
        ("network: {cidr_block: 10.0.0.0/25}", "from /16 to /24"),
        ("network: {cidr_block: 10.0.0.0}", "from /16 to /24"),
        ("network: {availability_zones: [eu-central-1a]}", "2 to 8 different zones"),
        ("network: {availability_zones: [eu-central-1a, eu-central-1a]}", "different zones"),
        ("network: {interface_endpoints: [s3]}", "gateway endpoint"),
        ("database: {instance_class: r6g.xlarge}", "db.r6g.xlarge"),
        ("database: {backup_window: '01:00-01:20'}", "at least 30 minutes"),
        ("database: {maintenance_window: sun:03:00-tue:04:00}", "from 30 minutes to 24 hours"),
        ("database: {name: postgres}", "not reserved"),
        ("database: {master_username: rds_x}", "not reserved"),
        ("database: {parameters: {Work_mem: '1'}}", "lower case"),
        ("users: {app: {username: pg_x}}", "not reserved"),
        ("users: {app: {username: Bad-Name}}", "PostgreSQL identifier"),
        (f"users: {{app: {{username: {'x' * 64}}}}}", "PostgreSQL identifier"),
        ("workers: {instance_type: db.r6g.xlarge}", "EC2 type"),
        ('workers: {command: "a\\nb"}', "one line"),
        ("users: {app: {rotation: 30d}}", "users.app.rotation must be a map"),
        (rotation("arn:aws:iam::012345678901:role/x"), "the ARN of a Lambda function"),
        (rotation(f"{FUNCTION}:live"), "without a version or alias"),
        (rotation(FUNCTION, "36h"), "whole days"),
        (rotation(FUNCTION, "0d"), "from 1d to 1000d"),
        (rotation(FUNCTION, "1001d"), "from 1d to 1000d"),
        ("state: {bucket: Upper}", "bucket's name"),
        ("state: {key: /x}", "object key"),
        ("alarms: {topic_arns: [x]}", "SNS topic"),
        (f"tags: {{a: {'x' * 257}}}", "at most 256"),
        # Durations
        ("proxy: {idle_client_timeout: 30}", "add the unit: 30s, 30m, 30h or 30d"),
        ("proxy: {idle_client_timeout: 30 m}", "without spaces"),
        ("proxy: {idle_client_timeout: 59s}", "from 1m to 8h"),
        ("proxy: {idle_client_timeout: 8h1s}", "from 1m to 8h"),
        ("proxy: {connection_pool: {connection_borrow_timeout: 301s}}", "from 0s to 5m"),
        ("database: {backup_retention: 36h}", "whole days"),
        ("database: {backup_retention: 36d}", "from 0d to 35d"),
        ("database: {log_retention: 15d}", "one of 1d, 3d"),
        # Credentials
        ("database: {password: hunter2}", "password: ***"),
        ("users: {app: {password: hunter2}}", "declare the database user under users:"),
        ("tags: {api_key: hunter2}", "tags: {api_key: ***"),
        ("database: {parameters: {x.secret: hunter2}}", "x.secret: ***"),
        ("description: postgres://u:hunter2@h/db", "a URL with a password"),
        ("workers: {command: PGPASSWORD=hunter2 run}", "a value for PGPASSWORD"),
        ("workers: {command: run --db-password hunter2}", "among a command's arguments"),
        # Rules between settings
        (f"project: {'x' * 55}", "leave room for 56"),
        ("state: {bucket: null}", "state.bucket is missing"),
        ("state: {backend: local}", "no meaning for the backend local"),
        ("aws: {assume_role_arn: 'arn:aws:iam::111122223333:role/x'}", "not in the account"),
        ("network: {vpc_id: vpc-0a1b2c3d}", "both a new VPC"),
        ("network: {cidr_block: null, availability_zones: []}", "describes no VPC"),
        ("network: {availability_zones: []}", "network.availability_zones is missing"),
        (
            "network: {cidr_block: null, availability_zones: [], vpc_id: vpc-0a1b2c3d}",
            "network.private_subnet_ids is missing",
        ),
        (
            "network: {availability_zones: [eu-central-1a, eu-west-1a]}",
            "eu-west-1a is not a zone of the region eu-central-1",
        ),
        ("database: {max_allocated_storage_gib: 21}", "max_allocated_storage_gib: 22 or more"),
        ("database: {backup_window: '03:30-04:30'}", "overlaps the maintenance window"),
        (
            "database: {backup_window: '23:30-00:30', maintenance_window: mon:00:00-mon:01:00}",
            "overlaps the maintenance window",
        ),
        ("database: {parameters: {rds.force_ssl: '0'}}", "rds.force_ssl is always 1"),
        (
            "proxy: {connection_pool: {max_connections_percent: 30}}",
            "cannot keep 35 % idle of at most 30 %",
        ),
        ("database: {master_username: app_user}", "app_user is the master user"),
        (
            rotation(FUNCTION.replace("central", "north")),
            "the function is not in the region eu-central-1, where the secret is",
        ),
        (
            rotation(FUNCTION.replace("0123", "1111")),
            "the function is not in the account 012345678901, where the secret is",
        ),
        ("workers: {user: nobody}", "there is no user nobody"),
        ("workers: {min_size: 3}", "min_size 3 is more than max_size 2"),
        (
            "workers: {instance_refresh: {min_healthy_percentage: 9}}",
            "is over 100 more than min_healthy_percentage 9",
        ),
        ("alarms: {topic_arns: ['arn:aws:sns:us-east-1:111122223333:t']}", "not in the region"),
    ],
    ids=lambda value: value[:50],
)
def test_what_is_said(write: Write, text: str, expected: str) -> None:
    message = said(text, write)
    assert expected in message
    assert "hunter2" not in message
    assert "a.yaml:2:" in message


def test_a_rule_names_the_other_values_too(write: Write) -> None:
    problem = only("proxy:\n  connection_pool:\n    max_connections_percent: 30", write)
    assert (problem.location.line, problem.location.column) == (4, 30)
    assert "max_idle_connections_percent is written at" in problem.message
    assert "whole.yaml:21:35" in problem.message


def test_everything_is_said_at_once_and_in_order(write: Write) -> None:
    found = problems(
        "tier: x\naws: {account_id: 1}\nworkers:\n  min_size: 9\n  zzz: 1\n  max_size: 8\n"
        "database:\n  password: hunter2\n  allocated_storage_gib: 01\n",
        write,
    )
    assert [problem.location.line for problem in found] == [2, 3, 5, 6, 9, 10]


def test_keys_of_users(write: Write) -> None:
    text = "\n".join(map(str, problems("users: {App: {username: x}, second: {}}", write)))
    assert "a.yaml:2:9: the key users.App must be 1 to 56 lower-case" in text
    assert "a.yaml:2:29: users.second.username is missing" in text
    text = "\n".join(map(str, problems("users: {token: hunter2}", write)))
    assert "token is a credential" in text
    assert "hunter2" not in text


def test_two_users(write: Write) -> None:
    found = problems("users:\n  b: {username: app_user}\n", write)
    text = "\n".join(map(str, found))
    assert text.count("2 users are called app_user") == 2
    assert "workers.user is missing" in text


def test_rotation_is_monthly_unless_written_otherwise(write: Write) -> None:
    assert load("whole", write()).settings.users["app"].rotation is None
    text = f"extends: whole\nusers: {{app: {{rotation: {{function_arn: '{FUNCTION}'}}}}}}"
    rotated = load("a", write(a=text)).settings.users["app"].rotation
    assert rotated is not None
    assert rotated.every.days == 30


def test_lambda_clients(write: Write) -> None:
    client = "{name: f, security_group_id: sg-0a1b2c3d, role_name: r, reserved_concurrency: 1}"
    assert "the function f is listed twice" in said(f"lambda_clients: [{client}, {client}]", write)
    text = f"lambda_clients: [{client[:-1]}, user: nobody}}]"
    assert "there is no user nobody" in said(text, write)


def test_a_missing_key_points_at_its_map(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("proxy:\n  connection_pool:\n    max_connections_percent: 1\n")
    with pytest.raises(EnvironmentProblems) as caught:
        load("a", tmp_path)
    lines = {problem.message: problem.location.line for problem in caught.value.problems}
    assert lines["proxy.connection_pool.max_idle_connections_percent is missing"] == 2
    assert lines["database is missing"] == 1


def test_the_text_shows_line_and_caret(write: Write) -> None:
    text = said("database:\n  multi_az: yes # really", write)
    assert text.splitlines()[1:] == [
        "  3 |   multi_az: yes # really",
        "    |             ^",
        "  hint: write true: YAML 1.2 reads yes as text",
    ]


def test_the_caret_stands_right_after_a_mask(write: Write) -> None:
    found = problems("tags: {a: 'postgres://u:longpassword@h', b: 1}", write)
    source, caret = found[-1].excerpt or ("", "")
    assert source == "tags: {a: ***, b: 1}"
    assert source[caret.index("^")] == "1"


def test_long_lines_are_cut_around_the_caret(write: Write) -> None:
    source, caret = only(f"tags: {{a: {'x' * 200}, b: 1, c: {'y' * 200}}}", write).excerpt or (
        "",
        "",
    )
    assert len(source) <= 120
    assert source[caret.index("^")] == "1"


def test_many_problems_are_cut_short_in_the_text_only(write: Write) -> None:
    text = "\n".join(f"zz{number}: 1" for number in range(80))
    directory = write(a=f"extends: whole\n{text}")
    with pytest.raises(EnvironmentProblems, match="and 30 more") as caught:
        load("a", directory)
    assert len(caught.value.problems) == 80


@pytest.mark.parametrize(
    "text",
    [
        "database: {parameters: {password_encryption: scram-sha-256}}",
        "database: {parameters: {rds.restrict_password_commands: '1', rds.force_ssl: '1'}}",
        "users: {app: {secret_version: 2}}",
        "users: {app: {rotation: null}}",
        rotation(FUNCTION, "1d"),
        rotation(FUNCTION, "1000d"),
        "tags: {Größe: klein & fein}".replace(" & ", " und "),
        "description: see https://example.com:8080/a@b",
        "workers: {command: 'run --password=$PASSWORD postgres://app:${PASSWORD}@proxy/db'}",
        "database: {max_allocated_storage_gib: null}",
        "database: {max_allocated_storage_gib: 22}",
        "database: {backup_window: '02:00-03:00'}",
        "state: {backend: local, bucket: null}",
        "network: {interface_endpoints: []}",
    ],
)
def test_what_is_allowed(write: Write, text: str) -> None:
    load("a", write(a=f"extends: whole\n{text}"))


def test_what_nobody_wrote_is_computed(write: Write) -> None:
    settings = load("whole", write()).settings
    assert settings.project == "keystone-nexus"
    assert settings.state.key == "keystone-nexus/whole/terraform.tfstate"
    assert settings.state.region == "eu-central-1"
    assert settings.workers.user == "app"
    assert settings.network.interface_endpoints == ("logs", "ssm", "ssmmessages", "ec2messages")
    assert settings.database.max_allocated_storage_gib == 0
    assert settings.database.log_retention.days == 30


def test_no_setting_is_called_like_a_credential() -> None:
    for model in (Header, Settings):
        assert not [path for path, _ in fields(model) if names_credential(path[-1])]


@pytest.mark.parametrize(
    ("text", "seconds", "days"),
    [
        ("0s", 0, 0),
        ("45s", 45, 0),
        ("1h30m", 5400, 0),
        ("90m", 5400, 0),
        ("14d", 1209600, 14),
        ("1d12h", 129600, 1),
    ],
)
def test_durations(text: str, seconds: int, days: int) -> None:
    duration = Duration.parse(text)
    assert (duration.seconds, duration.days, str(duration)) == (seconds, days, text)


@pytest.mark.parametrize("text", ["", "5", "m", "1m1h", "1.5h", "-1s", "1 h", "1w", "٣s", "1s\n"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        Duration.parse(text)


def test_durations_compare_by_length() -> None:
    assert Duration.parse("60m") == Duration.parse("1h") < Duration.parse("61m")
