"""Verdicts to report: a few that are like real ones, and one that is as hostile as can be."""

from pathlib import Path

from nexusctl.environment.origin import Origin
from nexusctl.errors import Location
from nexusctl.policy.verdict import (
    About,
    Finding,
    Outcome,
    Remedy,
    Setting,
    Severity,
    Subject,
    Verdict,
    Waived,
)

PROD = Path("environments/prod.yaml")
PROXY = "module.proxy.aws_db_proxy.main"

# ESC and its 8-bit form, BEL, carriage return, a right-to-left override, a null, a lone surrogate.
STEERING = "\x1b]0;owned\x07\x9b31m\r\u202e\x00\ud800"
HOSTILE = (
    f"{STEERING}\n::error::owned\n| a | ``` ` </details><img src=x> @octocat #1 GH-1 "
    "www.evil.example https://evil.example [x](https://evil.example) ![x](y) %0A, "
    "<!-- ]]> & \\| $x$"
)

TLS_DIFF = """--- environments/prod.yaml
+++ environments/prod.yaml
@@ -28,4 +28,4 @@
 proxy:
-  require_tls: false
+  require_tls: true
   iam_auth: REQUIRED
   idle_client_timeout: 30m"""
BORROW_DIFF = """--- environments/prod.yaml
+++ environments/prod.yaml
@@ -34,3 +34,4 @@
   connection_pool:
     max_connections_percent: 70
     max_idle_connections_percent: 35
+    connection_borrow_timeout: 30s"""


def about(
    name: str = "NEXUS_PROXY_TLS",
    title: str = "RDS Proxy requires TLS",
    severity: Severity = Severity.CRITICAL,
    why: str = "Without require_tls a client may send its IAM token and every row in clear.",
    fix: str = "set proxy.require_tls: true",
) -> About:
    return About(
        id=name,
        title=title,
        severity=severity,
        why=why,
        fact="RDS Proxy takes connections in clear unless require_tls is true.",
        fix=fix,
        resources=("aws_db_proxy",),
    )


def setting(
    path: str = "proxy.require_tls", value: str | None = "false", line: int | None = 29
) -> Setting:
    place = Location(PROD, line, 16) if line else None
    return Setting(Origin(tuple(path.split(".")), place), value, "Turns away clients without TLS.")


TLS = about()
BORROW = about(
    "NEXUS_BORROW_TIMEOUT",
    "A client waits for a connection no longer than its caller",
    Severity.MEDIUM,
    "A Lambda function that waits for longer than its own timeout is billed and answers nobody.",
    "set proxy.connection_pool.connection_borrow_timeout to 30s or less",
)
LOGS = about(
    "NEXUS_LOG_RETENTION",
    "Logs are kept for a year",
    Severity.HIGH,
    "An incident is often found months after it began.",
    "set logs.retention to 365d or more",
)
BACKUPS = about("NEXUS_BACKUPS", "Backups are kept for two weeks", Severity.LOW)


def finding(
    policy: About = TLS,
    outcome: Outcome = Outcome.FAILED,
    resource: str = PROXY,
    message: str = "require_tls is not true: clients may connect without TLS",
    *,
    file: str | None = "modules/proxy/main.tf",
    line: int | None = 14,
    behind: Setting | None = None,
    remedy: Remedy | None = None,
    diff: str | None = None,
    waived: Waived | None = None,
) -> Finding:
    return Finding(policy, resource, outcome, message, file, line, behind, remedy, diff, waived)


def verdict(
    *findings: Finding,
    subject: Subject = "files",
    name: str = "prod",
    source: Path = PROD,
    root: Path | None = None,
    unjudged: tuple[str, ...] = (),
    notices: tuple[str, ...] = (),
) -> Verdict:
    policies = {each.policy.id: each.policy for each in findings}
    return Verdict(subject, name, source, findings, unjudged, notices, root, policies)


DENIED = finding(
    behind=setting(),
    remedy=Remedy(("proxy", "require_tls"), value=True, here=False),
    diff=TLS_DIFF,
)
WAIVED = finding(
    BACKUPS,
    Outcome.WAIVED,
    "module.database.aws_db_instance.main",
    "backup_retention_period is 7",
    file="modules/database/main.tf",
    waived=Waived("the data is loaded anew every night", "ann", "2027-03-31", f"{PROD}:61"),
)
KNOWN = finding(LOGS, Outcome.KNOWN, "aws_cloudwatch_log_group.old", "retention is 30 days")
DEFERRED = finding(BACKUPS, Outcome.DEFERRED, message="retention is not known")


def real() -> Verdict:
    """Denied three times over: a setting with a diff, a default with a diff, two log groups."""
    logs = [
        finding(
            LOGS,
            resource=f"module.{name}.aws_cloudwatch_log_group.main",
            message="retention_in_days is 30",
            file=f"modules/{name}/logs.tf",
            line=3,
            behind=Setting(
                Origin(("logs", "retention"), Location(Path("environments/base.yaml"), 12, 14)),
                "30d",
            ),
        )
        for name in ("proxy", "workers")
    ]
    borrow = finding(
        BORROW,
        message="connection_borrow_timeout is 120 seconds",
        line=31,
        behind=Setting(
            Origin(("proxy", "connection_pool", "connection_borrow_timeout"), None),
            "120s",
            "How long a client waits for a free connection before it gets an error.",
        ),
        diff=BORROW_DIFF,
    )
    passed = finding(BACKUPS, Outcome.PASSED, "aws_db_instance.main", "it is 14 days")
    return verdict(
        passed,
        borrow,
        *logs,
        DENIED,
        WAIVED,
        KNOWN,
        DEFERRED,
        notices=("the waiver of NEXUS_BACKUPS expires in 6 days (environments/prod.yaml:61)",),
    )


def hostile() -> Verdict:
    """Every text that comes from a file, a plan or a person tries to break out."""
    evil = finding(
        resource=HOSTILE,
        message=HOSTILE,
        file=f"modules/{HOSTILE}",
        behind=Setting(Origin(("tags", HOSTILE), Location(Path(HOSTILE), 3)), HOSTILE, HOSTILE),
        remedy=Remedy(("tags", HOSTILE), HOSTILE, here=True),
        diff=f"--- a\n+++ a\n@@ -1,1 +1,1 @@\n-{HOSTILE}",
    )
    return verdict(
        evil,
        finding(BACKUPS, Outcome.WAIVED, HOSTILE, HOSTILE, waived=Waived(*[HOSTILE] * 4)),
        finding(BORROW, Outcome.KNOWN, HOSTILE, HOSTILE),
        finding(LOGS, Outcome.DEFERRED, HOSTILE, HOSTILE),
        name=HOSTILE,
        source=Path(HOSTILE),
        unjudged=(HOSTILE,),
        notices=(HOSTILE,),
    )
