"""Clients prove who they are with IAM; the proxy takes its passwords from Secrets Manager."""

from nexusctl.policy.check import ABSENT, UNKNOWN, About, Answer, Block, Policy, Resource
from nexusctl.policy.verdict import Severity


class ProxyAuthentication(Policy):
    """No password is needed, or accepted, to reach the database through the proxy."""

    about = About(
        id="NEXUS_PROXY_AUTHENTICATION",
        title="RDS Proxy requires IAM authentication",
        severity=Severity.CRITICAL,
        why="A proxy that takes passwords needs them on every worker, where they leak and stay.",
        fix="set proxy.iam_auth: REQUIRED",
        resources=("aws_db_proxy",),
        setting="proxy.iam_auth",
    )

    def judge(self, resource: Resource) -> Answer:
        """Every `auth` block is looked at: the proxy uses whichever fits the client's user name."""
        blocks = resource.blocks("auth")
        if not blocks and not resource.has_dynamic("auth"):
            return Answer.failed("no auth block: the proxy knows no database user")
        answers = [
            answer for number, auth in enumerate(blocks, 1) for answer in _auth(number, auth)
        ]
        if resource.has_dynamic("auth"):
            answers.append(Answer.unknown("a dynamic block makes its auth blocks"))
        return Answer.worst(answers, f"all {len(blocks)} auth blocks use secrets and require IAM")


def _auth(number: int, auth: Block) -> list[Answer]:
    answers = [
        _is(number, auth, "auth_scheme", "SECRETS"),
        _is(number, auth, "iam_auth", "REQUIRED"),
    ]
    # Left out, AWS chooses the type itself, and the plan shows it as unknown: only a value that is
    # written and different is wrong. In HCL what is written may still be a variable.
    password_type = auth.value("client_password_auth_type")
    if not (password_type is ABSENT or (password_type is UNKNOWN and auth.planned)):
        answers.append(_is(number, auth, "client_password_auth_type", "POSTGRES_SCRAM_SHA_256"))
    # An ARN is unknown until its secret exists. The provider never computes this argument, so
    # unknown in a plan says that it is set, to what a resource of the plan will give.
    secret = auth.value("secret_arn")
    if secret is ABSENT or secret == "":
        answers.append(Answer.failed(f"auth block {number} has no secret_arn"))
    elif secret is UNKNOWN and not auth.planned:
        answers.append(Answer.unknown(f"secret_arn of auth block {number} is not known"))
    username = auth.value("username")
    if username is UNKNOWN:
        answers.append(Answer.unknown(f"username of auth block {number} is not known"))
    elif username is not ABSENT and username != "":
        answers.append(
            Answer.failed(f"auth block {number} sets username, which AWS refuses with secrets")
        )
    return answers


def _is(number: int, auth: Block, argument: str, wanted: str) -> Answer:
    value = auth.value(argument)
    if value is UNKNOWN:
        return Answer.unknown(f"{argument} of auth block {number} is not known")
    if value == wanted:
        return Answer.passed(f"{argument} of auth block {number} is {wanted}")
    shown = "not set" if value in (ABSENT, "") else value
    return Answer.failed(f"{argument} of auth block {number} is {shown}, not {wanted}")


proxy_authentication = ProxyAuthentication()
