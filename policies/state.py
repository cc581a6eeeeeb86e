"""Terraform's state is encrypted, locked while it is written, and not on one machine.

Backends are judged by what is written in the `backend` block: no plan tells of them, and neither
does anything else of what `terraform init` is given by -backend-config or the environment.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from nexusctl.configuration.values import Json, Partial, Unknown
from nexusctl.policy.check import ABSENT, UNKNOWN, About, Answer, Policy, Resource
from nexusctl.policy.iam import items
from nexusctl.policy.verdict import Severity

# The arguments without which a backend cannot be used: if one is missing, init is given the rest.
_NEEDED = {
    "backend.consul": ("path",),
    "backend.cos": ("bucket",),
    "backend.gcs": ("bucket",),
    "backend.http": ("address",),
    "backend.oss": ("bucket",),
    "backend.pg": ("conn_str",),
    "backend.s3": ("bucket", "key"),
}


def _partial(backend: Resource) -> Iterator[Answer]:
    """A doubt about a backend of which only a part is written."""
    missing = [
        name for name in _NEEDED.get(backend.type, ()) if backend.value(name) in (ABSENT, UNKNOWN)
    ]
    if missing:
        yield Answer.unknown(
            f"{' and '.join(missing)} left to terraform init, and what else it is given neither "
            "files nor plan tell; write the whole backend block"
        )


# The key of an instance, or of a module around it, in an address.
_INDEX = re.compile(r"\[[^\]]*\]")


class StateTls(Policy):
    """Terraform's state travels and lies encrypted."""

    about = About(
        id="NEXUS_STATE_TLS",
        title="Terraform's state is encrypted, at rest and on its way",
        severity=Severity.HIGH,
        why="The state tells every address, ARN and setting of the stack to whoever reads it.",
        fact="S3 also answers plain HTTP until a bucket policy denies requests with "
        "aws:SecureTransport false (S3 User Guide, Security best practices). A backend uses what "
        "scheme its addresses name, and consul http unless told otherwise; insecure and "
        "skip_cert_verification verify no certificate (Terraform, Backend Type). Azure Storage, "
        "Google Cloud Storage and HCP Terraform encrypt whatever they keep; others do as their "
        "server is set up.",
        fix="in the backend: encrypt = true for s3, addresses with https:// only, no insecure; for "
        "a bucket: an aws_s3_bucket_policy that denies s3:* on it and its objects to everybody "
        "when aws:SecureTransport is false",
        resources=(
            "aws_s3_bucket",
            "backend.artifactory",
            "backend.azurerm",
            "backend.cloud",
            "backend.consul",
            "backend.cos",
            "backend.etcd",
            "backend.etcdv3",
            "backend.gcs",
            "backend.http",
            "backend.kubernetes",
            "backend.manta",
            "backend.oss",
            "backend.pg",
            "backend.remote",
            "backend.s3",
            "backend.swift",
        ),
    )

    def judge(self, resource: Resource) -> Answer:
        """The backend encrypts and uses TLS; a bucket refuses whoever does not."""
        if resource.type == "aws_s3_bucket":
            return _bucket(resource)
        answers = [*_in_clear(resource), *_at_rest(resource), *_partial(resource)]
        return Answer.worst(answers, "it is encrypted, and no address is plain http")


# Of proxies and of an instance's metadata: the state does not go there, or goes through in TLS.
_NO_WAY_OF_THE_STATE = frozenset(
    {"ec2_metadata_service_endpoint", "http_proxy", "https_proxy", "proxy_url"}
)


def _in_clear(backend: Resource) -> Iterator[Answer]:
    """What lets the state travel without TLS, or to anybody who answers."""
    for name in ("insecure", "skip_cert_verification"):
        if backend.value(name) is UNKNOWN:
            yield Answer.unknown(f"{name} is not known", name)
        elif backend.value(name) not in (ABSENT, False, "false"):
            yield Answer.failed(f"{name} is set: no certificate is verified", name)
    for name, value in backend.values.items():
        if name not in _NO_WAY_OF_THE_STATE and re.search(r"(?im)^http:", _shown(value)):
            yield Answer.failed(f"{name} names plain http", name)
    if backend.type == "backend.consul":
        yield _scheme(backend)
    if backend.type == "backend.pg":
        yield _mode(backend)


def _scheme(backend: Resource) -> Answer:
    scheme = backend.value("scheme")
    if scheme is UNKNOWN or (scheme is ABSENT and backend.value("address") is ABSENT):
        return Answer.unknown("scheme is not known", "scheme")
    if scheme == "https" or str(backend.value("address")).startswith("https://"):
        return Answer.passed("scheme is https")
    return Answer.failed("scheme is not https", "scheme")


def _mode(backend: Resource) -> Answer:
    name = "conn_str"
    written = _shown(backend.values.get(name))
    mode = re.search(r"sslmode(?:\s*=\s*|%3D)'?([\w-]+)", written, re.IGNORECASE)
    if mode and mode[1] != "verify-full":
        return Answer.failed(f"the sslmode in {name} is not verify-full", name)
    # It may also be in PGSSLMODE.
    return Answer.passed(f"{name} has no weaker sslmode")


# They encrypt whatever they keep.
_ENCRYPTING = ("backend.azurerm", "backend.cloud", "backend.gcs", "backend.remote")


def _at_rest(backend: Resource) -> Iterator[Answer]:
    """Whether what keeps the state encrypts it."""
    name = "encrypt"
    if backend.type in ("backend.s3", "backend.oss"):
        # What is not written init may be given.
        if backend.value(name) is not ABSENT or not any(_partial(backend)):
            yield backend.answer(name, True)
    elif backend.type == "backend.cos":
        # It encrypts unless told not to.
        if backend.value(name) is not ABSENT:
            yield backend.answer(name, True)
    elif backend.type not in _ENCRYPTING:
        kind = backend.type.partition(".")[2]
        yield Answer.unknown(f"whether the {kind} backend's server encrypts it is not known")


def _bucket(bucket: Resource) -> Answer:
    policies = [
        (policy, policy.address)
        for policy in bucket.of_type("aws_s3_bucket_policy")
        if _is_policy_of(policy, bucket)
    ]
    inline = bucket.value("policy")
    # A plan without its files shows it as unknown wherever nobody wrote it.
    if inline is not ABSENT and not (inline is UNKNOWN and policies):
        policies.append((bucket, "its own policy"))
    if not policies:
        return Answer.failed("no aws_s3_bucket_policy denies requests without TLS")
    answers = [_denies_plain_http(policy, shown, bucket) for policy, shown in policies]
    return Answer.worst(answers, "its policy denies requests without TLS")


def _is_policy_of(policy: Resource, bucket: Resource) -> bool:
    name, other = bucket.value("bucket"), policy.value("bucket")
    if isinstance(name, str) and isinstance(other, str):
        return name == other
    # References do not tell instances apart: of for_each, the policy with the same key is meant.
    indexes = _INDEX.findall(bucket.address)
    refers = any(each.address == bucket.address for each in policy.refers_to("bucket", bucket.type))
    return refers and indexes in ([], _INDEX.findall(policy.address))


def _denies_plain_http(policy: Resource, shown: str, bucket: Resource) -> Answer:
    written = policy.values.get("policy")
    # Not `document`: what is known of an ARN matters here.
    document = written.value if isinstance(written, Json) else policy.document("policy")
    if not isinstance(document, Mapping):
        return Answer.unknown(f"the document of {shown} is not known")
    statements = [each for each in items(document.get("Statement")) if isinstance(each, Mapping)]
    denying = [each for each in statements if _is_of_plain_http(each)]
    named = [arn for each in denying for arn in items(each.get("Resource"))]
    if any(_names(arn, bucket, objects=False) for arn in named) and any(
        _names(arn, bucket, objects=True) for arn in named
    ):
        return Answer.passed(f"{shown} denies requests without TLS")
    if any(isinstance(arn, Unknown) or "${}" in _shown(arn) for arn in named):
        return Answer.unknown(f"what {shown} denies requests to is not known")
    return Answer.failed(
        f"{shown} does not deny s3:* on bucket and objects when aws:SecureTransport is false"
    )


def _is_of_plain_http(statement: Mapping[str, Any]) -> bool:
    """Whether a statement denies everything to everybody who does not use TLS."""
    principal = statement.get("Principal")
    if isinstance(principal, Mapping):
        principal = principal.get("AWS")
    condition = statement.get("Condition")
    operators = list(condition.items()) if isinstance(condition, Mapping) else []
    if len(operators) != 1:
        return False  # more conditions deny less
    (operator, keys) = operators[0]
    wanted = {str(key).lower(): item for key, item in keys.items()} if keys else {}
    return (
        statement.get("Effect") == "Deny"
        and "*" in items(principal)
        and not {"s3:*", "*"}.isdisjoint(map(str, items(statement.get("Action"))))
        and operator in {"Bool", "BoolIfExists"}
        and [str(each).lower() for each in items(wanted.get("aws:securetransport"))] == ["false"]
        and len(wanted) == 1
    )


def _names(arn: object, bucket: Resource, *, objects: bool) -> bool:
    """Whether an ARN in a policy is the bucket's, or that of all its objects."""
    text = _shown(arn)
    if text == "*":
        return True
    if text.endswith("/*") != objects:
        return False
    text, name = text.removesuffix("/*"), bucket.value("bucket")
    if isinstance(name, str) and re.fullmatch(rf"arn:[^:]*:s3:::{re.escape(name)}", text):
        return True
    references = arn.references if isinstance(arn, Unknown) else ()
    of_resources = {each for each in references if _kind(each) != "data"}
    declared = f"{bucket.instance.declared}."
    return (
        bool(re.fullmatch(r"(arn:[^:]*:s3:::)?\$\{\}", text))
        and bool(of_resources)
        and all(each.startswith(declared) for each in of_resources)
    )


def _shown(value: object) -> str:
    """The known text in a value, a line for each, with `${}` for what is not known."""
    if isinstance(value, Partial):
        return value.text
    if isinstance(value, Unknown):
        return "${}"
    if isinstance(value, Mapping):
        return "\n".join(map(_shown, value.values()))
    if isinstance(value, list):
        return "\n".join(map(_shown, value))
    return "" if value is None else str(value)


def _kind(address: str) -> str:
    """The resource type in an address, `var` or `data` for what is no resource."""
    return re.sub(r"^(?:module\.[\w-]+(?:\[[^]]*\])?\.)*", "", address).split(".")[0]


class StateLock(Policy):
    """Two applies cannot write the state at once."""

    about = About(
        id="NEXUS_STATE_LOCK",
        title="Terraform's state is locked while it is written",
        severity=Severity.MEDIUM,
        why="Two applies at once overwrite each other's state, and the stack has resources that "
        "Terraform knows nothing of.",
        fact="The S3 backend locks only with use_lockfile = true or a dynamodb_table; neither is "
        "its default (Terraform, Backend Type: s3, State Locking). http locks with a lock_address, "
        "oss with a tablestore_table, and consul unless lock is false; the others always do, but "
        "for artifactory, etcd and swift, which cannot.",
        fix="nexusctl writes use_lockfile = true; elsewhere set it in the backend block",
        resources=(
            "backend.artifactory",
            "backend.consul",
            "backend.etcd",
            "backend.http",
            "backend.oss",
            "backend.s3",
            "backend.swift",
        ),
    )

    def judge(self, resource: Resource) -> Answer:
        """The backend block says how it locks. It holds constants only."""
        names = _LOCKS.get(resource.type, ())
        if any(isinstance(resource.value(name), str) for name in names):
            return Answer.passed("it names what it locks with")
        if resource.type == "backend.consul":
            unlocked = resource.value("lock") in (False, "false")
            return Answer.failed("lock is false", "lock") if unlocked else Answer.passed("it locks")
        written = resource.value("use_lockfile") is not ABSENT
        for doubt in () if written else _partial(resource):
            return doubt
        if resource.type == "backend.s3":
            return resource.answer("use_lockfile", True)
        return Answer.failed(f"{names[0]} is not set" if names else "it cannot lock", *names[:1])


# The argument that names what a backend locks with.
_LOCKS = {
    "backend.http": ("lock_address",),
    "backend.oss": ("tablestore_table",),
    "backend.s3": ("dynamodb_table",),
}


class StateRemote(Policy):
    """The state is not on one machine."""

    about = About(
        id="NEXUS_STATE_REMOTE",
        title="Terraform's state is kept remotely",
        severity=Severity.HIGH,
        why="A state on one machine is lost with it, cannot be locked against a colleague, and "
        "leaves a stack that Terraform can neither change nor destroy.",
        fact="The local backend keeps the state in a file beside the configuration, locked on "
        "that machine only (Terraform, Backend Type: local).",
        fix="set state.backend: s3 and state.bucket",
        resources=("backend.local",),
        settings=("state.backend",),
        tiers=("staging", "production"),
    )

    def judge(self, resource: Resource) -> Answer:
        """There is nothing to look at: that it is a local backend decides."""
        return Answer.failed(f"{resource.address} keeps the state on this machine")


state_tls = StateTls()
state_lock = StateLock()
state_remote = StateRemote()
