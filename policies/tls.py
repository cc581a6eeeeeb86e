"""Connections to the proxy and the database are encrypted, and the other end is verified."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from nexusctl.configuration.values import Json, Partial, Unknown
from nexusctl.policy.check import ABSENT, UNKNOWN, About, Answer, Policy, Resource
from nexusctl.policy.encodings import layers
from nexusctl.policy.verdict import Severity


class ProxyTls(Policy):
    """The proxy turns away clients that do not use TLS."""

    about = About(
        id="NEXUS_PROXY_TLS",
        title="RDS Proxy requires TLS",
        severity=Severity.CRITICAL,
        why="Without require_tls a worker may send its IAM token and every row in clear.",
        fact="A proxy takes connections without TLS unless RequireTLS is on; it is off by default "
        "(RDS User Guide, Using TLS/SSL with RDS Proxy; API, CreateDBProxy).",
        fix="set proxy.require_tls: true",
        resources=("aws_db_proxy",),
        settings=("proxy.require_tls",),
        remedy=True,
        waivable=False,
    )

    def judge(self, resource: Resource) -> Answer:
        """`require_tls` is true; the provider's default is false."""
        return resource.answer("require_tls", True)


# The argument that names a database's parameter group, and the type of that group.
_GROUPS = {
    "aws_db_instance": ("parameter_group_name", "aws_db_parameter_group"),
    "aws_rds_cluster": ("db_cluster_parameter_group_name", "aws_rds_cluster_parameter_group"),
}


class DatabaseTls(Policy):
    """The database turns away connections that do not use TLS."""

    about = About(
        id="NEXUS_DATABASE_TLS",
        title="The database requires TLS",
        severity=Severity.CRITICAL,
        why="Whoever connects past the proxy, an administrator say, could send a password and rows "
        "in clear.",
        fact="rds.force_ssl is 0 by default up to PostgreSQL 14, 1 from 15 on (RDS User Guide, "
        "Requiring an SSL connection to a PostgreSQL DB instance). ssl_min_protocol_version is "
        "TLSv1.2 by default (PostgreSQL documentation, Connections and authentication).",
        fix="leave rds.force_ssl and ssl_min_protocol_version out of database.parameters, or set "
        'them to "1" and "TLSv1.2" or "TLSv1.3"',
        resources=("aws_db_instance", "aws_rds_cluster"),
        settings=("database.parameters",),
    )

    def judge(self, resource: Resource) -> Answer:
        """The database's parameter group sets `rds.force_ssl` to 1, everywhere it sets it.

        It does not set `ssl_min_protocol_version` below TLS 1.2.
        """
        engine = resource.value("engine")
        if engine is UNKNOWN:
            return Answer.unknown("engine is not known", "engine")
        if isinstance(engine, str) and not engine.startswith(("postgres", "aurora-postgresql")):
            return Answer.failed(
                "engine is not PostgreSQL, which alone has rds.force_ssl", "engine"
            )
        argument, kind = _GROUPS[resource.type]
        name = resource.value(argument)
        if name is ABSENT:
            return Answer.failed(f"{argument} is not set: nothing sets rds.force_ssl to 1")
        groups = resource.refers_to(argument, kind)
        if name is UNKNOWN:
            rests_on = _rests_on(resource, argument)
            certain = bool(rests_on) and all(_kind(each) == kind for each in rests_on)
            groups = groups if certain else []
        else:
            groups = [group for group in groups if group.value("name") == name]
        if not groups:
            return Answer.unknown(f"{argument} is not that of a group managed here", argument)
        answers = [_forces_ssl(group) for group in groups]
        return Answer.worst(answers, "its parameter group sets rds.force_ssl to 1")


def _forces_ssl(group: Resource) -> Answer:
    """All that a group says of TLS, as often as it says it. Case does not count in names."""
    settings = [(block.value("name"), block.value("value")) for block in group.blocks("parameter")]
    forced = [value for name, value in settings if str(name).lower() == "rds.force_ssl"]
    oldest = [value for name, value in settings if str(name).lower() == "ssl_min_protocol_version"]
    if any(value is not UNKNOWN and str(value) != "1" for value in forced):
        return Answer.failed(f"{group.address} sets rds.force_ssl to something other than 1")
    if any(value is not UNKNOWN and value not in _CURRENT_TLS for value in oldest):
        return Answer.failed(f"{group.address} allows a TLS older than 1.2")
    if UNKNOWN in (*forced, *oldest, *(name for name, _ in settings)):
        return Answer.unknown(f"what {group.address} says of TLS is not known")
    if group.uncertain("parameter"):
        return Answer.unknown(f"rds.force_ssl in {group.address} is not known")
    if not forced:
        return Answer.failed(f"{group.address} does not set rds.force_ssl")
    return Answer.passed(f"{group.address} sets rds.force_ssl to 1")


# What PostgreSQL takes for ssl_min_protocol_version without an older version; the first is its
# default.
_CURRENT_TLS = ("TLSv1.2", "TLSv1.3")


class DatabaseCa(Policy):
    """The database's certificate is signed by an authority that has not expired."""

    about = About(
        id="NEXUS_DATABASE_CA",
        title="The database has a certificate of a current authority",
        severity=Severity.HIGH,
        why="A client that verifies the certificate, as it must, cannot connect to a database "
        "whose authority has expired, so somebody turns the verification off.",
        fact="rds-ca-2019 expired in August 2024; rds-ca-rsa2048-g1, rds-ca-rsa4096-g1 and "
        "rds-ca-ecc384-g1 are current. Left out, the account's default decides (RDS User Guide, "
        "Certificate authorities).",
        fix="set ca_cert_identifier of the database to rds-ca-rsa2048-g1, as "
        "terraform/modules/database does",
        resources=("aws_db_instance", "aws_rds_cluster_instance"),
    )

    _CURRENT = ("rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1")

    def judge(self, resource: Resource) -> Answer:
        """`ca_cert_identifier` is written and one of the current ones."""
        name = resource.value("ca_cert_identifier")
        if name is UNKNOWN:
            return Answer.unknown("ca_cert_identifier is not known", "ca_cert_identifier")
        if name in self._CURRENT:
            return Answer.passed(f"ca_cert_identifier is {name}")
        found = "not set" if name is ABSENT else "not a current authority"
        return Answer.failed(f"ca_cert_identifier is {found}", "ca_cert_identifier")


# What gives a PostgreSQL client away: libpq's variables, a connection URL or string, psql.
_CLIENT = re.compile(
    r"""\bPG(?:HOST|HOSTADDR|PORT|DATABASE|USER|SERVICE)\b
    | \bpostgres(?:ql)?(?:\+\w+)?:// | \bdbname\s*= | \bpsql\s+\S
    | \b(?:DATABASE|POSTGRES(?:QL)?|DB|PG)_?(?:URL|URI|DSN)\b""",
    re.VERBOSE | re.IGNORECASE,
)
# A connection string nobody knows yet: the mode may stand in it.
_UNKNOWN_CLIENT = re.compile(r"""(?:URL|URI|DSN)["'\\]*\s*[=:]\s*["'\\]*\$\{\}""", re.IGNORECASE)
# Nothing of a line is known: it could be a client.
_UNKNOWN_LINE = re.compile(r"^[ \t$]*\$\{\}[ \t]*$", re.MULTILINE)
# The mode by libpq's name or a driver's, as a variable, an option, in a URL or in a string.
_MODE = re.compile(
    r"""(?:(?<![a-z])|(?<=%3F)|(?<=%26))(?:PG)?SSL[-_ ]?MODE["'\\]*
    (?:\s*(?:=|:|%3D)\s* | (?<=--sslmode)\s+ | (?<=--ssl-mode)\s+ | (?<=mode["'])\s*,\s*)
    ["'\\]*(?P<mode>[^\s"'\\&;,)\]}]*)""",
    re.VERBOSE | re.IGNORECASE,
)
# What turns TLS off, or the verification of certificates, whatever the mode.
_NO = r"""["'\\]*(?:\s*(?:=|:|%3D)\s*)["'\\]*(?:false|0|no|off|none|disabled?)\b"""
_OFF = re.compile(
    rf"""--(?:no|skip|disable)-(?:ssl|tls)\b | --(?:ssl|tls){_NO}
    | (?:\b|_)(?:DB|DATABASE|PG|POSTGRES(?:QL)?|RDS|PROXY)_?(?:USE_?)?(?:SSL|TLS)(?:_?ENABLED)?{_NO}
    | (?:[?&;]|%3F|%26)ssl{_NO} | NonValidatingFactory
    | \b(?:NODE_TLS_REJECT_UNAUTHORIZED|rejectUnauthorized){_NO}""",
    re.VERBOSE | re.IGNORECASE,
)
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
# What a shell only reads or prints, without writing it to a file.
_TALK = re.compile(
    r"[ \t]\#.*$ | (?:^|(?<=[;&]))[-\t\x20]*(?:echo|printf|logger)\s[^>|;&\n]*(?=$|[;&])",
    re.VERBOSE | re.MULTILINE,
)
# One command of a shell, or one line of anything else.
_COMMAND = re.compile(r"""(?:"[^"\n]*"|'[^'\n]*'|&(?!&)|[^;&|\n"'])+""")
# A command that takes PGSSLMODE from what it starts.
_CLEARS = re.compile(
    r"""\bunset\s(?:.*\s)?PGSSLMODE\b
    | \benv\s(?:.*\s)?(?:-(?=\s)|-[a-z0]*i\b|--ignore-env\w*|(?:-u|--unset)[\s=]*PGSSLMODE\b)""",
    re.VERBOSE,
)
# A command with a connection of its own, and one whose variables are for itself alone.
_CONNECTS = re.compile(r"\b(?:psql|pg_dump(?:all)?|pg_restore|pgbench)\s+\S|\bpostgres(?:ql)?://")
_PREFIXED = re.compile(r"[-\s]*(?:\w+=\S*\s+)+(?!\w+=)[\w./]")
# The provider keeps no user data of an instance in plans, only this.
_SHA1 = re.compile(r"[0-9a-f]{40}")


class ClientTls(Policy):
    """What connects to the proxy or the database verifies whom it has reached."""

    about = About(
        id="NEXUS_CLIENT_TLS",
        title="Workers verify the certificate of what they connect to",
        severity=Severity.HIGH,
        why="With any weaker sslmode a worker hands its IAM token and its rows to whoever answers "
        "under the proxy's name.",
        fact="libpq's default, prefer, also connects without TLS; only verify-full compares the "
        "host's name with the certificate (PostgreSQL documentation, libpq SSL support). A proxy's "
        "certificate is signed by the public Amazon roots (RDS User Guide, Using TLS/SSL with RDS "
        "Proxy). SslMode of a DMS endpoint is none by default (DMS API, CreateEndpoint).",
        fix="set PGSSLMODE=verify-full and PGSSLROOTCERT=system where the client runs, as the user "
        "data of terraform/modules/workers does; leave sslmode out of workers.command",
        resources=(
            "aws_launch_template",
            "aws_launch_configuration",
            "aws_instance",
            "aws_spot_instance_request",
            "aws_lambda_function",
            "aws_ecs_task_definition",
            "aws_batch_job_definition",
            "aws_dms_endpoint",
            "aws_ssm_association",
            "aws_ssm_document",
        ),
        settings=("workers.command",),
    )

    def judge(self, resource: Resource) -> Answer:
        """Every sslmode in its text is verify-full, and there is one for every client.

        Nothing in it turns TLS off, or takes the mode away.
        """
        if resource.type == "aws_dms_endpoint":
            return _endpoint(resource)
        answers = [_client(text, argument) for argument, text in _client_texts(resource)]
        messages = dict.fromkeys(answer.message for answer in answers)
        return Answer.worst(answers, "; ".join(messages) or "it runs no text of its own")


def _endpoint(endpoint: Resource) -> Answer:
    """Whether the Database Migration Service verifies the PostgreSQL that it copies from or to."""
    engine = endpoint.value("engine_name")
    if engine is UNKNOWN:
        return Answer.unknown("engine_name is not known", "engine_name")
    if not str(engine).startswith(("postgres", "aurora-postgresql")):
        return Answer.passed(f"{engine} is not PostgreSQL")
    return endpoint.answer("ssl_mode", "verify-full")


# The arguments with what a machine runs, a job or a command on a machine.
_TEXTS = ("user_data", "user_data_base64", "container_properties", "content", "parameters")


def _client_texts(resource: Resource) -> Iterator[tuple[str, Any]]:
    """What a machine, function or container runs or reads, each text with its argument."""
    if resource.type == "aws_lambda_function":
        for block in resource.blocks("environment"):
            yield "environment", _variables(block.values.get("variables") or {})
        if resource.uncertain("environment"):
            yield "environment", UNKNOWN
    elif resource.type == "aws_ecs_task_definition":
        yield from (("container_definitions", text) for text in _containers(resource))
    else:
        for name in _TEXTS:
            text = resource.text(name)
            if text is not ABSENT:
                hashed = isinstance(text, str) and _SHA1.fullmatch(text)
                yield name, UNKNOWN if hashed else text


def _variables(variables: object) -> Any:
    if not isinstance(variables, Mapping):
        return UNKNOWN
    return "\n".join(f"{name}={_shown(value)}" for name, value in variables.items())


def _containers(resource: Resource) -> Iterator[Any]:
    """The environment and commands of each container; one text for all that is no list of them."""
    containers = resource.document("container_definitions")
    written = resource.values.get("container_definitions")
    if isinstance(written, Json):
        containers = written.value  # with the known parts of each text
    if not isinstance(containers, list):
        yield containers if containers is UNKNOWN else _shown(containers)
        return
    for container in containers:
        if not isinstance(container, Mapping):
            yield UNKNOWN
            continue
        lines = [_shown(part) for name, part in container.items() if name != "environment"]
        pairs = container.get("environment") or []
        for pair in pairs if isinstance(pairs, list) else [pairs]:
            known = isinstance(pair, Mapping)
            lines.append(f"{pair.get('name')}={_shown(pair.get('value'))}" if known else "${}")
        for secret in container.get("secrets") or []:
            # Its value is Secrets Manager's: nobody here knows it.
            name = secret.get("name") if isinstance(secret, Mapping) else ""
            lines.append(f"{name}=${{}}")
        yield "\n".join(lines)


def _shown(value: object) -> str:
    """The known text in a value, a line for each, with `${}` for what is not known."""
    if isinstance(value, Partial):
        return value.text
    if isinstance(value, Unknown) or value is UNKNOWN:
        return "${}"
    if isinstance(value, Mapping):
        return "\n".join(f"{name}={_shown(item)}" for name, item in value.items())
    if isinstance(value, list):
        return "\n".join(map(_shown, value))
    return "" if value is None else str(value)


def _client(text: Any, argument: str) -> Answer:
    # A file within cloud-init's user data is often a JSON string: one line, with \n in it.
    written = "\n".join(layer.replace("\\n", "\n") for layer in layers(_shown(text)))
    plain = _COMMENT.sub("", re.sub(r"\\\n\s*", " ", written))
    commands = _COMMAND.findall(_TALK.sub("", plain))
    protected = [command for command in commands if _MODE.search(command)]
    modes = {match["mode"] for match in _MODE.finditer(plain)}
    unknown = {mode for mode in modes if "$" in mode}
    client = bool(modes) or bool(_CLIENT.search(plain))
    if _OFF.search(plain):
        wrong = "turns TLS or its verification off"
    elif any(re.sub("[-_]", "", mode).lower() != "verifyfull" for mode in modes - unknown):
        wrong = "sets an sslmode other than verify-full"
    elif client and any(_CLEARS.search(each) for each in commands if each not in protected):
        wrong = "takes PGSSLMODE away from what it starts"
    else:
        wrong = ""
    if wrong:
        return Answer.failed(f"{argument} {wrong}", argument)
    if unknown:
        return Answer.unknown(f"the sslmode in {argument} is not known", argument)
    if protected and _for_every_client(commands, protected):
        return Answer.passed(f"the sslmode in {argument} is verify-full")
    if not protected and _UNKNOWN_CLIENT.search(plain):
        return Answer.unknown(f"a connection URL in {argument} is not known", argument)
    if client:
        return Answer.failed(
            f"{argument} has a PostgreSQL client without sslmode=verify-full", argument
        )
    if _UNKNOWN_LINE.search(plain):
        return Answer.unknown(f"{argument} is not known", argument)
    return Answer.passed(f"no sign of a PostgreSQL client in {argument}")


def _for_every_client(commands: list[str], protected: list[str]) -> bool:
    """Whether a mode is set for all commands, or each that connects has one of its own."""
    if not all(_CONNECTS.search(each) or _PREFIXED.match(each) for each in protected):
        return True
    return all(each in protected for each in commands if _CONNECTS.search(each))


def _rests_on(resource: Resource, name: str) -> frozenset[str]:
    """What an unknown argument is made of: the addresses of resources, variables and the like."""
    value = resource.values.get(name)
    return _references(value) or resource.instance.references.get((name,), frozenset())


def _references(value: object) -> frozenset[str]:
    return value.references if isinstance(value, Unknown) else frozenset()


def _kind(address: str) -> str:
    """The resource type in an address, `var` or `data` for what is no resource."""
    return re.sub(r"^(?:module\.[\w-]+(?:\[[^]]*\])?\.)*", "", address).split(".")[0]


proxy_tls = ProxyTls()
database_tls = DatabaseTls()
database_ca = DatabaseCa()
client_tls = ClientTls()
