"""Every connection is encrypted: client to proxy, and proxy to database."""

from nexusctl.policy.check import ABSENT, UNKNOWN, About, Answer, Policy, Resource
from nexusctl.policy.verdict import Severity


class ProxyTls(Policy):
    """The proxy turns away clients that do not use TLS."""

    about = About(
        id="NEXUS_PROXY_TLS",
        title="RDS Proxy requires TLS",
        severity=Severity.CRITICAL,
        why="Without require_tls a client may send its IAM token and every row in clear.",
        fix="set proxy.require_tls: true",
        resources=("aws_db_proxy",),
        setting="proxy.require_tls",
    )

    def judge(self, resource: Resource) -> Answer:
        """`require_tls` is true; the provider's default is false."""
        require_tls = resource.value("require_tls")
        if require_tls is UNKNOWN:
            return Answer.unknown("require_tls is not known")
        if require_tls is True:
            return Answer.passed("require_tls is true")
        shown = "not set" if require_tls is ABSENT else "not true"
        return Answer.failed(f"require_tls is {shown}: clients may connect without TLS")


class DatabaseTls(Policy):
    """The database turns away connections that do not use TLS."""

    about = About(
        id="NEXUS_DATABASE_TLS",
        title="The database requires TLS",
        severity=Severity.CRITICAL,
        why="rds.force_ssl is 0 by default up to PostgreSQL 14: connections in clear are taken.",
        fix='leave rds.force_ssl out of database.parameters, or set it to "1"',
        resources=("aws_db_instance",),
        setting="database.parameters",
    )

    def judge(self, resource: Resource) -> Answer:
        """The instance's parameter group sets `rds.force_ssl` to 1, everywhere it sets it."""
        engine = resource.value("engine")
        if isinstance(engine, str) and not engine.startswith("postgres"):
            return Answer.failed(f"engine is {engine}: only PostgreSQL has rds.force_ssl")
        name = resource.value("parameter_group_name")
        if name is ABSENT:
            return Answer.failed("no parameter_group_name: nothing sets rds.force_ssl to 1")
        every = resource.of_type("aws_db_parameter_group")
        if name is not UNKNOWN:
            groups = [group for group in every if group.value("name") == name]
        else:
            groups = resource.referred("parameter_group_name", "aws_db_parameter_group")
        if not groups and not resource.planned:
            # checkov may have put the group's own expression in place of the reference to it.
            text = resource.conf["parameter_group_name"]
            groups = [group for group in every if group.conf.get("name") == text]
        if not groups:
            return Answer.unknown(
                "parameter_group_name is not that of a parameter group managed here"
            )
        return Answer.worst(
            [_forces_ssl(group) for group in groups], "its parameter group sets rds.force_ssl to 1"
        )


def _forces_ssl(group: Resource) -> Answer:
    parameters = group.blocks("parameter")
    names = [parameter.value("name") for parameter in parameters]
    values = [
        parameter.value("value")
        for name, parameter in zip(names, parameters, strict=True)
        if name == "rds.force_ssl"
    ]
    if any(value is not UNKNOWN and str(value) != "1" for value in values):
        return Answer.failed(f"{group.address} sets rds.force_ssl to something other than 1")
    if UNKNOWN in values or UNKNOWN in names or group.has_dynamic("parameter"):
        return Answer.unknown(f"rds.force_ssl in {group.address} is not known")
    if not values:
        return Answer.failed(f"{group.address} does not set rds.force_ssl")
    return Answer.passed(f"{group.address} sets rds.force_ssl to 1")


proxy_tls = ProxyTls()
database_tls = DatabaseTls()
