"""The settings of an environment: every key of the YAML files, its type, limits and meaning.

The descriptions here are what the JSON Schema and docs/environment-reference.md say. Rules between
several values are in rules.py. Limits are AWS's own (their source stands beside those that are easy
to doubt), or those of the modules in terraform/modules.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic import GetJsonSchemaHandler as JsonHandler
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


@dataclass(frozen=True, slots=True)
class Allowed:
    """A limit on one value: the test, and the same in words."""

    words: str
    holds: Callable[[Any], object]
    pattern: str | None = None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: JsonHandler
    ) -> JsonSchemaValue:
        return handler(schema) | ({"pattern": self.pattern} if self.pattern else {})

    def _check(self, value: Any) -> Any:
        if not self.holds(value):
            raise PydanticCustomError("not_allowed", "must be {words}", {"words": self.words})
        return value


@dataclass(frozen=True, slots=True)
class Computed:
    """Marks a setting that the loader fills in when nobody wrote it, from other settings."""

    words: str


def _matching(pattern: str, words: str) -> Allowed:
    """A text that matches as a whole. The pattern must mean the same to Python and ECMAScript."""
    return Allowed(words, re.compile(pattern, re.ASCII).fullmatch, f"^(?:{pattern})$")


def _distinct(least: int, most: int, what: str) -> Allowed:
    """A list that is empty or has so many different items."""
    return Allowed(
        f"{least} to {most} different {what}",
        lambda items: not items or (least <= len(items) <= most and len(set(items)) == len(items)),
    )


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time, written with units: `45s`, `30m`, `1h30m`, `14d`.

    Durations of the same length are equal, however they are written; str() gives them as written.
    """

    PATTERN: ClassVar = r"(?=[0-9])([0-9]{1,6}d)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?"
    _UNITS: ClassVar = (86_400, 3_600, 60, 1)

    seconds: int
    text: str = field(compare=False)

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """The duration that `text` writes.

        Raises:
            ValueError: the text is not one.
        """
        match = re.fullmatch(cls.PATTERN, text)
        if not match:
            raise ValueError(f"{text!r} is not a duration")
        numbers = (int(part[:-1]) if part else 0 for part in match.groups())
        return cls(sum(n * unit for n, unit in zip(numbers, cls._UNITS, strict=True)), text)

    @property
    def days(self) -> int:
        """Whole days, rounded down."""
        return self.seconds // 86_400

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validated,
            json_schema_input_schema=core_schema.str_schema(),
            serialization=core_schema.to_string_ser_schema(),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: CoreSchema, _handler: JsonHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "pattern": f"^{cls.PATTERN}$"}

    @classmethod
    def _validated(cls, value: Any) -> "Duration":
        if isinstance(value, Duration):
            return value
        try:
            return cls.parse(value)
        except (TypeError, ValueError):
            raise PydanticCustomError("duration", "must be a duration") from None


def _between(shortest: str, longest: str) -> Allowed:
    low, high = Duration.parse(shortest), Duration.parse(longest)
    return Allowed(f"from {low} to {high}", lambda value: low <= value <= high)


# CloudWatch Logs API, PutRetentionPolicy: the possible values of retentionInDays.
LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)

ENVIRONMENT_NAME = _matching(
    "[a-z][a-z0-9]*(-[a-z0-9]+)*",
    "lower-case letters, digits and single hyphens, starting with a letter",
)
_TIME = "([01][0-9]|2[0-3]):[0-5][0-9]"
_DAY = "(mon|tue|wed|thu|fri|sat|sun)"
_ACCOUNT = "[0-9]{12}"
# Letters of any language: everything but the ASCII characters that tags may not hold.
_TAG_CHARACTER = r"""[^\x00-\x1f\x7f!"#$%&'()*,;<>?\[\\\]^`{|}~]"""


EnvironmentName: TypeAlias = Annotated[str, ENVIRONMENT_NAME]
_Line: TypeAlias = Annotated[str, _matching(r"\S([^\r\n]*\S)?", "one line of text")]
_Region: TypeAlias = Annotated[
    str, _matching("[a-z]{2}(-[a-z]+)+-[0-9]+", 'an AWS region such as "eu-central-1"')
]
_UserKey: TypeAlias = Annotated[
    str,
    _matching(
        "[a-z][a-z0-9_]{0,55}",
        "1 to 56 lower-case letters, digits and underscores, starting with a letter",
    ),
]
_Identifier: TypeAlias = Annotated[
    str,
    _matching(
        "[a-z_][a-z0-9_]{0,62}",
        "a PostgreSQL identifier: 1 to 63 lower-case letters, digits and underscores, not "
        "starting with a digit",
    ),
]
# RDS keeps rds* and pg_* for itself, PostgreSQL the other names.
_Role: TypeAlias = Annotated[
    _Identifier,
    Allowed(
        'a name not reserved: no "rds…", no "pg_…", not admin, none, postgres, public or user',
        lambda name: (
            not name.startswith(("rds", "pg_"))
            and name not in ("admin", "none", "postgres", "public", "user")
        ),
    ),
]


# VPC User Guide: from /16; smaller than /24 would leave the proxy too few addresses in each subnet.
_VPC_PREFIXES = range(16, 25)


def _is_network(text: str) -> bool:
    try:
        return ipaddress.IPv4Network(text).prefixlen in _VPC_PREFIXES
    except ValueError:
        return False


_Cidr: TypeAlias = Annotated[
    str,
    Allowed(
        'an IPv4 network from /16 to /24 with its host bits zero, such as "10.40.0.0/16"',
        lambda text: "/" in text and _is_network(text),
        pattern=r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/(1[6-9]|2[0-4])$",
    ),
]


class _Part(BaseModel):
    """Strict: nothing is converted. Closed: no key but these. Frozen: never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Aws(_Part):
    """Where in AWS the stack lives, and how to get there."""

    region: _Region = Field(description="Region of everything but the state.")
    account_id: Annotated[str, _matching(_ACCOUNT, "12 digits in quotes")] = Field(
        description="Account of the stack. nexusctl refuses to work in any other."
    )
    assume_role_arn: (
        Annotated[
            str,
            _matching(
                rf"arn:aws(-[a-z]+)*:iam::{_ACCOUNT}:role/[\w+=,.@/-]{{1,576}}",
                "the ARN of an IAM role",
            ),
        ]
        | None
    ) = Field(None, description="Role to assume for all work in the account.")
    profile: Annotated[str, _matching(r"\S+", "a profile's name")] | None = Field(
        None, description="Profile of the AWS configuration files to work with."
    )


class State(_Part):
    """Where Terraform's state is kept."""

    backend: Literal["s3", "local"] = Field(
        description="`s3` keeps the state in a bucket, locked by a lock file beside it; `local` on "
        "this machine."
    )
    bucket: (
        Annotated[
            str,
            _matching(
                r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
                "a bucket's name: 3 to 63 lower-case letters, digits, dots and hyphens",
            ),
        ]
        | None
    ) = Field(None, description="Bucket of the state. Required with `s3`, forbidden with `local`.")
    key: Annotated[
        str,
        # S3's limit of 1024 less the ".tflock" of the lock file.
        _matching(
            r"[\w!.*'()-][\w!.*'()/-]{0,1014}[\w!.*'()-]",
            "an object key of letters, digits, slashes and ! _ . * ' ( ) -",
        ),
        Computed("`PROJECT/ENVIRONMENT/terraform.tfstate`"),
    ] = Field(description="Object key of the state in the bucket.")
    region: Annotated[_Region, Computed("`aws.region`")] = Field(
        description="Region of the bucket."
    )


class Network(_Part):
    """The VPC: either a new one (the first three settings) or an existing one (the others)."""

    cidr_block: _Cidr | None = Field(
        None,
        description="Addresses of the VPC to create. Fixed once the stack stands: the database "
        "cannot leave its VPC.",
    )
    availability_zones: Annotated[
        tuple[
            Annotated[
                str,
                _matching(
                    "[a-z]{2}(-[a-z]+)+-[0-9]+[a-z]", 'an Availability Zone such as "eu-central-1a"'
                ),
            ],
            ...,
        ],
        _distinct(2, 8, "zones"),
    ] = Field(
        (),
        description="Availability Zones of the VPC to create, with one private subnet in each. "
        "Only append: the position decides a subnet's addresses.",
    )
    interface_endpoints: Annotated[
        tuple[
            Annotated[
                str,
                _matching(
                    r"(?!s3$)[a-z0-9]+([.-][a-z0-9]+)*",
                    "a service's short name such as logs or ecr.api (s3 has its gateway endpoint)",
                ),
            ],
            ...,
        ],
        _distinct(1, 50, "services"),
        Computed("`[logs, ssm, ssmmessages, ec2messages]` in a VPC to create"),
    ] = Field(
        description="AWS services that the VPC to create reaches without the internet, by short "
        "name."
    )
    vpc_id: (
        Annotated[str, _matching("vpc-[0-9a-f]{8,17}", "a VPC id such as vpc-0a1b2c3d4e5f60718")]
        | None
    ) = Field(None, description="Existing VPC to use. Fixed once the stack stands.")
    private_subnet_ids: Annotated[
        tuple[
            Annotated[
                str,
                _matching("subnet-[0-9a-f]{8,17}", "a subnet id such as subnet-0a1b2c3d4e5f60718"),
            ],
            ...,
        ],
        _distinct(2, 20, "subnets"),
    ] = Field(
        (),
        description="Subnets of the existing VPC for the database, the proxy and the workers, in "
        "two Availability Zones or more.",
    )


_BACKUP_WINDOW = 'a window of at least 30 minutes in UTC such as "01:00-02:00"'
_MAINTENANCE_WINDOW = 'a window from 30 minutes to 24 hours in UTC such as "sun:03:00-sun:04:00"'
_WINDOW_MINUTES = range(30, 1440 + 1)


def minutes_of(window: str) -> tuple[int, int]:
    """Start and length in minutes of a backup or maintenance window.

    The start counts from Monday 00:00 where the window names days, else from 00:00.
    """
    times = re.findall(r"(?:(\w{3}):)?(\d\d):(\d\d)", window)
    days = _DAY.strip("()").split("|")
    start, end = (
        (days.index(day) if day else 0) * 1440 + int(hour) * 60 + int(minute)
        for day, hour, minute in times
    )
    return start, (end - start) % (7 * 1440 if times[0][0] else 1440)


class Database(_Part):
    """The RDS for PostgreSQL instance."""

    name: Annotated[
        _Identifier,
        Allowed(
            "a name not reserved: not postgres, rdsadmin, template0 or template1",
            lambda name: name not in ("postgres", "rdsadmin", "template0", "template1"),
        ),
    ] = Field("nexus", description="Name of the database inside the instance.")
    master_username: _Role = Field(
        "nexus_admin",
        description="Master user. RDS makes and rotates its password; applications do not use it.",
    )
    engine_version: Annotated[
        str, _matching(r"1[3-9](\.[0-9]{1,2})?", 'a PostgreSQL version in quotes such as "16.4"')
    ] = Field(
        description="Version of PostgreSQL. With the major one alone (`16`) RDS installs minor "
        "upgrades in the maintenance window; `16.4` stays until it is edited."
    )
    instance_class: Annotated[
        str, _matching(r"db\.[a-z0-9-]+\.[a-z0-9-]+", "an RDS class such as db.r6g.xlarge")
    ] = Field(description="Instance class. Its memory decides `max_connections`.")
    allocated_storage_gib: Annotated[int, Field(ge=20, le=65_536)] = Field(
        description="Storage in GiB."
    )
    max_allocated_storage_gib: Annotated[
        int,
        Field(ge=0, le=65_536),
        BeforeValidator(
            lambda value: 0 if value is None else value,
            json_schema_input_type=Annotated[int, Field(ge=0, le=65_536)] | None,
        ),
    ] = Field(
        0,
        description="What storage may grow to on its own, in GiB; at least 10 % more than "
        "`allocated_storage_gib`. 0 or null: it does not grow.",
    )
    storage_type: Literal["gp2", "gp3"] = Field("gp3", description="Type of storage.")
    multi_az: bool = Field(description="Keep a standby in a second Availability Zone.")
    backup_retention: Annotated[
        Duration,
        _between("0d", "35d"),
        Allowed("whole days such as 7d", lambda time: time.seconds % 86_400 == 0),
    ] = Field(description="How long automatic backups are kept. 0d: there are none.")
    backup_window: Annotated[
        str,
        _matching(f"{_TIME}-{_TIME}", _BACKUP_WINDOW),
        Allowed(_BACKUP_WINDOW, lambda text: minutes_of(text)[1] in _WINDOW_MINUTES),
    ] = Field("01:00-02:00", description="When backups are made, every day.")
    maintenance_window: Annotated[
        str,
        _matching(f"{_DAY}:{_TIME}-{_DAY}:{_TIME}", _MAINTENANCE_WINDOW),
        Allowed(_MAINTENANCE_WINDOW, lambda text: minutes_of(text)[1] in _WINDOW_MINUTES),
    ] = Field("sun:03:00-sun:04:00", description="When RDS may maintain the instance, every week.")
    deletion_protection: bool = Field(description="RDS refuses to delete the instance.")
    skip_final_snapshot: bool = Field(
        False, description="Delete the instance without a last snapshot."
    )
    apply_immediately: bool = Field(
        False, description="Make changes at once instead of in the maintenance window."
    )
    log_retention: Annotated[
        Duration,
        Allowed(
            f"one of {', '.join(f'{days}d' for days in LOG_RETENTION_DAYS)}",
            lambda time: time.seconds % 86_400 == 0 and time.days in LOG_RETENTION_DAYS,
        ),
    ] = Field(Duration.parse("30d"), description="How long CloudWatch keeps the database's logs.")
    parameters: Mapping[
        Annotated[
            str, _matching(r"[a-z_][a-z0-9_.]{0,254}", "the name of a parameter in lower case")
        ],
        str,
    ] = Field(
        {},
        description="PostgreSQL parameters, by name. `rds.force_ssl` is always 1.",
    )
    measured_max_connections: Annotated[int, Ge(1), Le(262_143)] | None = Field(
        None,
        description="What `SHOW max_connections` says in the running database, for the connection "
        "budget. null: estimated from the memory of `instance_class`.",
    )
    direct_connections: Annotated[int, Field(ge=0)] = Field(
        0,
        description="Connections past the proxy at the peak, for the connection budget: "
        "migrations, reports, administrators, monitoring.",
    )
    other_proxies_percent: Annotated[int, Field(ge=0, le=100)] = Field(
        0,
        description="Share of `max_connections` that other proxies on this database may open, for "
        "the connection budget.",
    )


class ConnectionPool(_Part):
    """How the proxy shares the database's connections."""

    max_connections_percent: Annotated[int, Field(ge=1, le=100)] = Field(
        description="Share of the database's `max_connections` that the proxy may open."
    )
    max_idle_connections_percent: Annotated[int, Field(ge=0, le=100)] = Field(
        description="Share of `max_connections` that the proxy keeps open while idle; at most "
        "`max_connections_percent`."
    )
    # RDS API, ConnectionPoolConfiguration: the borrow timeout must be between 0 and 300 seconds.
    connection_borrow_timeout: Annotated[Duration, _between("0s", "5m")] = Field(
        description="How long a client waits for a connection before it gets an error."
    )


class Proxy(_Part):
    """The RDS Proxy between the workers and the database."""

    require_tls: bool = Field(True, description="Refuse connections without TLS.")
    iam_auth: Literal["REQUIRED", "DISABLED"] = Field(
        "REQUIRED", description="Whether clients authenticate with IAM tokens or with passwords."
    )
    # RDS User Guide, RDS Proxy: the idle client timeout is between 1 minute and 8 hours.
    idle_client_timeout: Annotated[Duration, _between("1m", "8h")] = Field(
        Duration.parse("30m"), description="How long a client's connection may be idle."
    )
    debug_logging: bool = Field(
        False, description="Log SQL statements. They may hold personal data."
    )
    connection_pool: ConnectionPool = Field(
        description="How the proxy shares the database's connections."
    )
    other_client_connections: Annotated[int, Field(ge=0)] = Field(
        0,
        description="Connections to the proxy at the peak, for the connection budget, of clients "
        "other than `workers` and `lambda_clients`.",
    )


class Rotation(_Part):
    """How Secrets Manager replaces a user's password, again and again."""

    function_arn: Annotated[
        str,
        _matching(
            rf"arn:aws(-[a-z]+)*:lambda:[a-z0-9-]+:{_ACCOUNT}:function:[\w-]{{1,64}}",
            "the ARN of a Lambda function, without a version or alias",
        ),
    ] = Field(
        description="Lambda function, owned elsewhere, that rotates by the single-user strategy. "
        "Alternating users does not fit: the proxy finds credentials by username."
    )
    # Secrets Manager API, RotationRulesType: AutomaticallyAfterDays is from 1 to 1000.
    every: Annotated[
        Duration,
        _between("1d", "1000d"),
        Allowed("whole days such as 30d", lambda time: time.seconds % 86_400 == 0),
    ] = Field(
        Duration.parse("30d"),
        description="How often the password is replaced. The first time is so long after the "
        "rotation is set up, not at once.",
    )


class User(_Part):
    """A database user of applications, with a secret of its own."""

    username: _Role = Field(
        description="Name in PostgreSQL; no two users share one. Another name gets a new password."
    )
    secret_version: Annotated[int, Field(ge=1)] = Field(
        1, description="Raise it by one to replace the user's password."
    )
    rotation: Rotation | None = Field(
        None, description="How Secrets Manager replaces the user's password, again and again."
    )


class InstanceRefresh(_Part):
    """How many instances a rolling replacement leaves in service."""

    # EC2 Auto Scaling API, RefreshPreferences.
    min_healthy_percentage: Annotated[int, Field(ge=0, le=100)] = Field(
        90, description="Percentage of the group in service at least."
    )
    max_healthy_percentage: Annotated[int, Field(ge=100, le=200)] = Field(
        110,
        description="Percentage of the group in service at most; at most 100 more than "
        "`min_healthy_percentage`.",
    )


class Workers(_Part):
    """The Auto Scaling group of ingest workers."""

    user: Annotated[_UserKey, Computed("the only user")] = Field(
        description="Key under `users` of the database user that the workers are."
    )
    instance_type: Annotated[
        str, _matching(r"(?!db\.)[a-z][a-z0-9-]*\.[a-z0-9-]+", "an EC2 type such as c7g.large")
    ] = Field(description="EC2 instance type.")
    ami_ssm_parameter: (
        Annotated[
            str, _matching(r"/[\w./-]{1,1010}", "the name of an SSM parameter, starting with /")
        ]
        | None
    ) = Field(
        None,
        description="Public or own SSM parameter that holds the AMI id. null: Amazon Linux 2023 "
        "for the architecture of `instance_type`.",
    )
    min_size: Annotated[int, Field(ge=0)] = Field(description="Instances at least.")
    max_size: Annotated[int, Field(ge=1)] = Field(description="Instances at most.")
    processes_per_instance: Annotated[int, Field(ge=1)] = Field(
        description="Worker processes on each instance."
    )
    connections_per_process: Annotated[int, Field(ge=1)] = Field(
        description="Connections that each process opens to the proxy."
    )
    command: _Line = Field(description="What each worker process runs.")
    root_volume_gib: Annotated[int, Field(ge=8, le=16_384)] = Field(
        20, description="Size of each instance's disk in GiB."
    )
    target_cpu_percent: Annotated[int, Field(ge=1, le=100)] = Field(
        60, description="CPU use that the group grows and shrinks to keep."
    )
    instance_refresh: InstanceRefresh = Field(
        InstanceRefresh(),
        description="How many instances a rolling replacement leaves in service.",
    )


class LambdaClient(_Part):
    """A Lambda function, owned elsewhere, that may connect to the proxy."""

    name: Annotated[
        str, _matching(r"[\w-]{1,64}", "a Lambda function's name: letters, digits, - and _")
    ] = Field(description="Name of the function.")
    security_group_id: Annotated[
        str, _matching("sg-[0-9a-f]{8,17}", "a security group id such as sg-0a1b2c3d4e5f60718")
    ] = Field(description="Security group of the function; the proxy lets it in.")
    role_name: Annotated[str, _matching(r"[\w+=,.@-]{1,64}", "an IAM role's name, not its ARN")] = (
        Field(description="Execution role of the function; it is allowed to connect.")
    )
    reserved_concurrency: Annotated[int, Field(ge=1)] = Field(
        description="Reserved concurrency of the function: how many connections it may open."
    )
    user: Annotated[_UserKey, Computed("the only user")] = Field(
        description="Key under `users` of the database user that the function is."
    )


class Workload(_Part):
    """What the clients of the proxy ask for at the peak."""

    peak_transactions_per_second: Annotated[float, Field(gt=0, le=10_000_000)] = Field(
        description="Transactions of all clients in a second, at the peak."
    )
    # A number: durations have whole seconds.
    mean_transaction_ms: Annotated[float, Field(gt=0, le=86_400_000)] = Field(
        description="How long a transaction holds a database connection on average, in "
        "milliseconds: from its first statement to its commit, the client's own pauses included."
    )
    variability: Annotated[float, Field(ge=0, le=10)] = Field(
        1.0,
        description="Coefficient of variation of that time: its standard deviation by its mean. 0: "
        "all transactions are alike; 1: exponential; more: some are far longer than most.",
    )
    pinned_fraction: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0,
        description="Fraction of the client connections that keep a database connection to "
        "themselves (session pinning).",
    )
    ramp: Annotated[Duration, _between("1s", "1d")] = Field(
        Duration.parse("5m"),
        description="Time in which the clients go from those of `min_size` to those of the peak.",
    )


class Alarms(_Part):
    """Who is told when the proxy is in trouble."""

    topic_arns: Annotated[
        tuple[
            Annotated[
                str,
                _matching(
                    rf"arn:aws(-[a-z]+)*:sns:[a-z0-9-]+:{_ACCOUNT}:[\w.-]{{1,256}}",
                    "the ARN of an SNS topic",
                ),
            ],
            ...,
        ],
        # CloudWatch API, PutMetricAlarm: at most 5 actions for each state.
        _distinct(1, 5, "topics"),
    ] = Field((), description="SNS topics that are told.")


class Waiver(_Part):
    """A finding of the policy gate that is allowed for a time."""

    policy: Annotated[str, _matching("[A-Z][A-Z0-9_]{2,63}", "a policy's id")] = Field(
        description="Policy that is waived; `nexusctl policies` lists them. Some cannot be waived."
    )
    resource: Annotated[str, _matching(r"\S([^\r\n]{0,510}\S)?", "a resource's address")] = Field(
        description="Address of the resource, as the finding names it; without an index it stands "
        "for all instances."
    )
    reason: _Line = Field(description="Why it is allowed.")
    owner: _Line = Field(description="Who answers for it.")
    expires: _Line = Field(
        description="Last day on which it holds, such as 2026-12-31. What is no date has expired."
    )


class Settings(_Part):
    """All settings of one environment, its files merged and defaults filled in."""

    project: EnvironmentName = Field(
        "keystone-nexus", description="Every resource's name starts with `PROJECT-ENVIRONMENT`."
    )
    description: Annotated[str, _matching(r"[^\r\n]*", "one line of text")] = Field(
        "", description="What the environment is for, in one line."
    )
    tier: Literal["sandbox", "development", "staging", "production"] = Field(
        description="How much is at stake; policies are stricter in higher tiers. `sandbox` always "
        "runs on the embedded AWS."
    )
    aws: Aws = Field(description="Where in AWS the stack lives, and how to get there.")
    state: State = Field(description="Where Terraform's state is kept.")
    network: Network = Field(
        description="The VPC: either a new one (`cidr_block`, `availability_zones`) or an existing "
        "one (`vpc_id`, `private_subnet_ids`)."
    )
    database: Database = Field(description="The RDS for PostgreSQL instance.")
    proxy: Proxy = Field(description="The RDS Proxy between the workers and the database.")
    users: Annotated[Mapping[_UserKey, User], Field(min_length=1)] = Field(
        description="Database users of applications, by a key of your choice. nexusctl makes a "
        "secret for each."
    )
    workers: Workers = Field(description="The Auto Scaling group of ingest workers.")
    lambda_clients: tuple[LambdaClient, ...] = Field(
        (), description="Lambda functions, owned elsewhere, that may connect to the proxy."
    )
    workload: Workload | None = Field(
        None,
        description="What the clients of the proxy ask for at the peak; the connection budget says "
        "whether the stack holds it. null: the budget is judged on connections alone.",
    )
    alarms: Alarms = Field(Alarms(), description="Who is told when the proxy is in trouble.")
    waivers: tuple[Waiver, ...] = Field(
        (),
        description="Findings of the policy gate that are allowed for a time. One that has expired "
        "or matches nothing is itself a finding.",
    )
    # AWS General Reference, tag limits; some of the 50 are left to the modules.
    tags: Annotated[
        Mapping[
            Annotated[
                str,
                _matching(
                    rf"(?![aA][wW][sS]:){_TAG_CHARACTER}{{1,128}}",
                    "a tag's key: 1 to 128 letters, digits, spaces and _ . : / = + - @, not aws:…",
                ),
            ],
            Annotated[
                str,
                _matching(
                    rf"{_TAG_CHARACTER}{{0,256}}",
                    "a tag's value: at most 256 letters, digits, spaces and _ . : / = + - @",
                ),
            ],
        ],
        Field(max_length=40),
    ] = Field({}, description="Tags of every resource.")


class Header(_Part):
    """What one file says of itself. It is not passed on to files that extend it."""

    extends: EnvironmentName | None = Field(
        None,
        description="Environment to build on: its file is read first, and the values here are laid "
        "over it. Maps merge key by key; lists and other values replace.",
    )
    abstract: bool = Field(
        False, description="This file is only for others to extend, not an environment of its own."
    )


def complete(data: Mapping[str, Any], environment: str) -> dict[str, Any]:
    """Merged settings with what `Computed` promises, as far as it can be computed."""

    def part(name: str) -> Mapping[str, Any]:
        value = data.get(name)
        return value if isinstance(value, dict) else {}

    project = data.get("project", Settings.model_fields["project"].default)
    state = {"key": f"{project}/{environment}/terraform.tfstate"}
    if "region" in part("aws"):
        state["region"] = part("aws")["region"]
    endpoints = (
        ("logs", "ssm", "ssmmessages", "ec2messages")
        if part("network").get("cidr_block") is not None
        else ()
    )
    users = list(part("users"))
    user = {"user": users[0]} if len(users) == 1 else {}

    completed = dict(data)
    for name, computed in (
        ("state", state),
        ("network", {"interface_endpoints": endpoints}),
        ("workers", user),
    ):
        if isinstance(data.get(name), dict):
            completed[name] = computed | data[name]
    clients = data.get("lambda_clients")
    if isinstance(clients, tuple):
        completed["lambda_clients"] = tuple(
            user | client if isinstance(client, dict) else client for client in clients
        )
    return completed


@dataclass(frozen=True, slots=True)
class Shape:
    """The type of a setting without its limits. `parts` are the types inside a list or a map."""

    base: Any
    parts: tuple["Shape", ...]
    limits: tuple[Any, ...]
    nullable: bool

    @property
    def model(self) -> type[BaseModel] | None:
        """The model of a map with fixed keys."""
        return (
            self.base if isinstance(self.base, type) and issubclass(self.base, BaseModel) else None
        )


def shape_of(annotation: Any, limits: tuple[Any, ...] = ()) -> Shape:
    """The shape of a field's annotation."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return shape_of(inner, (*more, *limits))
    if origin in (Union, UnionType):
        inner = next(arm for arm in get_args(annotation) if arm is not NoneType)
        return replace(shape_of(inner, limits), nullable=True)
    if origin in (tuple, Mapping):
        parts = tuple(shape_of(arm) for arm in get_args(annotation) if arm is not ...)
        return Shape(origin, parts, limits, nullable=False)
    return Shape(annotation, (), limits, nullable=False)


def fields(
    model: type[BaseModel], below: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Every key of a model and of those inside; `*` stands for a map's keys, `[]` for items."""
    for name, info in model.model_fields.items():
        path = (*below, name)
        yield path, info
        shape = shape_of(info.annotation)
        if shape.parts:
            path, shape = (*path, "[]" if shape.base is tuple else "*"), shape.parts[-1]
        if shape.model:
            yield from fields(shape.model, path)
