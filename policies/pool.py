"""The proxy's pool: how many of the database's connections it takes, and how long clients wait."""

import re
from typing import Any

from nexusctl.policy.check import ABSENT, UNKNOWN, About, Answer, Block, Policy, Resource
from nexusctl.policy.literals import literals_in_text
from nexusctl.policy.verdict import Severity


class PoolIdle(Policy):
    """The pool's two shares are written, and fit each other."""

    about = About(
        id="NEXUS_POOL_IDLE",
        title="The pool keeps no more idle connections than it may open",
        severity=Severity.MEDIUM,
        why="AWS refuses the pool in the middle of an apply, or idles at a size that nobody chose.",
        fact="MaxIdleConnectionsPercent must be between 0 and MaxConnectionsPercent (RDS API, "
        "ConnectionPoolConfiguration); the provider's default of 50 contradicts any smaller "
        "maximum.",
        fix="set proxy.connection_pool.max_idle_connections_percent to at most "
        "proxy.connection_pool.max_connections_percent",
        resources=("aws_db_proxy_default_target_group",),
        settings=(
            "proxy.connection_pool.max_idle_connections_percent",
            "proxy.connection_pool.max_connections_percent",
        ),
    )

    def judge(self, resource: Resource) -> Answer:
        """Both percentages are set, and the idle one is not the larger."""
        return _each_pool(resource, _idle)


def _idle(pool: Block) -> Answer:
    most = pool.value("max_connections_percent")
    idle = pool.value("max_idle_connections_percent")
    if most is ABSENT:
        return Answer.failed(
            "max_connections_percent is not set",
            *pool.path,
            "max_connections_percent",
            setting="proxy.connection_pool.max_connections_percent",
        )
    here = (*pool.path, "max_idle_connections_percent")
    highest, lowest = _number(most), _number(idle)
    if idle is ABSENT:
        return Answer.failed("max_idle_connections_percent is not set", *here, remedy=highest)
    if highest is None or lowest is None:
        return Answer.unknown("the percentages of the pool are not known", *here)
    if lowest > highest:
        return Answer.failed(
            f"max_idle_connections_percent is {lowest}, above max_connections_percent, {highest}",
            *here,
            remedy=highest,
        )
    return Answer.passed(f"max_idle_connections_percent is {lowest} of {highest}")


class PoolTimeouts(Policy):
    """AWS takes the timeouts as they are written."""

    about = About(
        id="NEXUS_POOL_TIMEOUTS",
        title="The timeouts of the proxy are such as AWS takes",
        severity=Severity.MEDIUM,
        why="The provider plans what AWS refuses: the apply ends half way, with the proxy made and "
        "no database behind it.",
        fact="ConnectionBorrowTimeout is 0 to 300 seconds (RDS API, ConnectionPoolConfiguration), "
        "the idle client timeout 1 minute to 8 hours (RDS User Guide, RDS Proxy). The provider "
        "lets 3600 and anything through.",
        fix="set proxy.connection_pool.connection_borrow_timeout to 0s to 5m, and "
        "proxy.idle_client_timeout to 1m to 8h",
        resources=("aws_db_proxy_default_target_group", "aws_db_proxy"),
        settings=("proxy.connection_pool.connection_borrow_timeout", "proxy.idle_client_timeout"),
    )

    def judge(self, resource: Resource) -> Answer:
        """The borrow timeout is set; that and the idle client timeout are in AWS's ranges."""
        if resource.type == "aws_db_proxy":
            if resource.value("idle_client_timeout") is ABSENT:
                return Answer.passed("idle_client_timeout is AWS's default, 1800 seconds")
            setting = "proxy.idle_client_timeout"
            return _within(resource, "idle_client_timeout", 60, 28_800, setting)
        setting = "proxy.connection_pool.connection_borrow_timeout"
        return _each_pool(
            resource, lambda pool: _within(pool, "connection_borrow_timeout", 0, 300, setting)
        )


class IdleClientTimeout(Policy):
    """Clients that do nothing are let go."""

    about = About(
        id="NEXUS_IDLE_CLIENT_TIMEOUT",
        title="RDS Proxy closes clients that are idle for half an hour",
        severity=Severity.MEDIUM,
        why="Workers that hang keep their connections to the proxy, and a pinned one keeps a "
        "database connection from all others.",
        fact="The proxy closes a client connection after IdleClientTimeout without a request, 1800 "
        "seconds by default, up to 8 hours (RDS User Guide, RDS Proxy, idle client connection "
        "timeout).",
        fix="set proxy.idle_client_timeout to at most 30m",
        resources=("aws_db_proxy",),
        settings=("proxy.idle_client_timeout",),
        remedy="30m",
    )

    def judge(self, resource: Resource) -> Answer:
        """`idle_client_timeout` is set, to at most 1800 seconds."""
        return _within(resource, "idle_client_timeout", 0, 1_800, self.about.settings[0])


class PoolHeadroom(Policy):
    """Some connections are left for people."""

    about = About(
        id="NEXUS_POOL_HEADROOM",
        title="The pool leaves a tenth of the database's connections to others",
        severity=Severity.MEDIUM,
        why="When a storm fills the pool, administrators and migrations, which connect past the "
        "proxy, must still get in.",
        fact="MaxConnectionsPercent is the pool's share of max_connections, by default 100 (RDS "
        "API, ConnectionPoolConfiguration).",
        fix="set proxy.connection_pool.max_connections_percent to at most 90",
        resources=("aws_db_proxy_default_target_group", "aws_db_proxy"),
        settings=("proxy.connection_pool.max_connections_percent",),
        remedy=90,
    )

    def judge(self, resource: Resource) -> Answer:
        """`max_connections_percent` is set, to at most 90; a proxy has a pool for that."""
        if resource.type == "aws_db_proxy":
            # Of for_each, which pool is whose is not asked: only that nobody forgot them.
            if resource.referring("aws_db_proxy_default_target_group", "db_proxy_name"):
                return Answer.passed("its pool is managed here")
            return Answer.failed(
                "no aws_db_proxy_default_target_group: the pool may take every connection"
            )
        setting = self.about.settings[0]
        return _each_pool(
            resource, lambda pool: _within(pool, "max_connections_percent", 1, 90, setting)
        )


class PoolPinning(Policy):
    """No filter that does nothing."""

    about = About(
        id="NEXUS_POOL_PINNING",
        title="A PostgreSQL pool has no session pinning filters",
        severity=Severity.LOW,
        why="Whoever reads the filter believes that SET no longer pins a worker's session, and it "
        "does.",
        fact="Session pinning filters do not apply to PostgreSQL (RDS User Guide, Avoiding pinning "
        "an RDS Proxy).",
        fix="leave session_pinning_filters out of connection_pool_config, as "
        "terraform/modules/proxy does",
        resources=("aws_db_proxy_default_target_group",),
    )

    def judge(self, resource: Resource) -> Answer:
        """`session_pinning_filters` is empty, unless all proxies of the pool are of MySQL."""
        proxies = resource.refers_to("db_proxy_name", "aws_db_proxy")
        families = {proxy.value("engine_family") for proxy in proxies}
        if families and families <= {"MYSQL", "SQLSERVER"}:
            return Answer.passed("its proxy is not of PostgreSQL")
        return _each_pool(resource, _pinning, absent="without a pool's settings there is no filter")


def _pinning(pool: Block) -> Answer:
    here = (*pool.path, "session_pinning_filters")
    filters = pool.value("session_pinning_filters")
    if filters is UNKNOWN:
        return Answer.unknown("session_pinning_filters is not known", *here)
    if filters in (ABSENT, []):
        return Answer.passed("there are no session_pinning_filters")
    return Answer.failed("session_pinning_filters is set, which PostgreSQL does not know", *here)


class PoolInitQuery(Policy):
    """No statement of the pool holds a secret."""

    about = About(
        id="NEXUS_POOL_INIT_QUERY",
        title="The pool's initialization query holds no secret",
        severity=Severity.HIGH,
        why="Everybody who may look at the pool, its plan or its state can read the query.",
        fact="The initialization query is not protected: who may describe the target group can "
        "read it (RDS API, ConnectionPoolConfiguration, InitQuery).",
        fix="leave init_query out of connection_pool_config, as terraform/modules/proxy does, or "
        "write nothing but SET statements into it",
        resources=("aws_db_proxy_default_target_group",),
    )

    def judge(self, resource: Resource) -> Answer:
        """`init_query` is absent, or has no password in it."""
        return _each_pool(resource, _init_query, absent="without a pool's settings there is none")


def _init_query(pool: Block) -> Answer:
    here = (*pool.path, "init_query")
    query = pool.text("init_query")
    if query is ABSENT:
        return Answer.passed("there is no init_query")
    if isinstance(query, str) and any(literals_in_text(query, written=True)):
        return Answer.failed("init_query has a password in it", *here)
    if pool.value("init_query") is UNKNOWN:
        return Answer.unknown("init_query is not known", *here)
    return Answer.passed("init_query holds no secret")


def _each_pool(group: Resource, judge: Any, absent: str | None = None) -> Answer:
    """What is said of each `connection_pool_config`; without any, AWS's defaults hold."""
    pools = group.blocks("connection_pool_config")
    answers = [judge(pool) for pool in pools]
    if group.uncertain("connection_pool_config"):
        answers.append(Answer.unknown("connection_pool_config is not known"))
    elif not pools and absent is None:
        answers.append(Answer.failed("there is no connection_pool_config: AWS's defaults hold"))
    return Answer.worst(answers, answers[0].message if answers else absent or "")


def _within(block: Block, name: str, least: int, most: int, setting: str) -> Answer:
    """Whether a number is written and in a range."""
    here, value = (*block.path, name), block.value(name)
    if value is ABSENT:
        return Answer.failed(f"{name} is not set", *here, setting=setting)
    number = _number(value)
    if number is None:
        return Answer.unknown(f"{name} is not known", *here)
    if not least <= number <= most:
        return Answer.failed(f"{name} is {number}, not {least} to {most}", *here, setting=setting)
    return Answer.passed(f"{name} is {number}")


def _number(value: Any) -> int | None:
    """A whole number, which may be written as text."""
    if isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


pool_idle = PoolIdle()
pool_timeouts = PoolTimeouts()
idle_client_timeout = IdleClientTimeout()
pool_headroom = PoolHeadroom()
pool_pinning = PoolPinning()
pool_init_query = PoolInitQuery()
