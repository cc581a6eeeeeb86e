"""The policies there are, read from their source: neither imported nor run."""

import ast
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from nexusctl.errors import Location, ToolUnfit
from nexusctl.policy.verdict import TIERS, About, Severity

# Every policy that nexusctl ships. A folder that lacks one of them does not judge all it should; a
# policy that is taken out is taken out here, too.
REQUIRED = (
    "CKV_AWS_16",
    "CKV_AWS_161",
    "CKV_AWS_355",
    "CKV_AWS_62",
    "CKV_AWS_63",
    "NEXUS_BACKUPS",
    "NEXUS_BACKUP_RETENTION",
    "NEXUS_CLIENT_PROXY",
    "NEXUS_CLIENT_TLS",
    "NEXUS_CONNECTION_BUDGET",
    "NEXUS_CONNECT_SCOPE",
    "NEXUS_CUSTOMER_KEYS",
    "NEXUS_DATABASE_CA",
    "NEXUS_DATABASE_REACH",
    "NEXUS_DATABASE_TLS",
    "NEXUS_DELETION_PROTECTION",
    "NEXUS_FINAL_SNAPSHOT",
    "NEXUS_IAM_SCOPE",
    "NEXUS_IDLE_CLIENT_TIMEOUT",
    "NEXUS_KEY_ROTATION",
    "NEXUS_MANAGED_POLICIES",
    "NEXUS_MASTER_PASSWORD",
    "NEXUS_MINOR_UPGRADES",
    "NEXUS_MULTI_AZ",
    "NEXUS_NOT_PUBLIC",
    "NEXUS_NOT_SHARED",
    "NEXUS_NO_HARDCODED_PASSWORD",
    "NEXUS_NO_INTERNET_ROUTE",
    "NEXUS_NO_OPEN_INGRESS",
    "NEXUS_OWN_GROUPS",
    "NEXUS_PASSWORD_SCRAM",
    "NEXUS_POOL_HEADROOM",
    "NEXUS_POOL_IDLE",
    "NEXUS_POOL_INIT_QUERY",
    "NEXUS_POOL_PINNING",
    "NEXUS_POOL_TIMEOUTS",
    "NEXUS_PRIVATE_SUBNETS",
    "NEXUS_PROXY_AUTHENTICATION",
    "NEXUS_PROXY_REACH",
    "NEXUS_PROXY_ROLE",
    "NEXUS_PROXY_SCRAM",
    "NEXUS_PROXY_SECRETS",
    "NEXUS_PROXY_TARGET",
    "NEXUS_PROXY_TLS",
    "NEXUS_SECRET_ROTATION",
    "NEXUS_STATE_LOCK",
    "NEXUS_STATE_REMOTE",
    "NEXUS_STATE_TLS",
    "NEXUS_TWO_ZONES",
    "NEXUS_WORKER_ADDRESS",
    "NEXUS_WORKER_DISKS",
    "NEXUS_WORKER_KEY_PAIR",
    "NEXUS_WORKER_METADATA",
    "NEXUS_WORKER_REACH",
    "NEXUS_WORKER_ROLE",
    "NEXUS_WORKER_TEMPLATE",
)
# Those of them that an environment may have nothing for: its state may be on this machine, and its
# network there already. Each of the others has something to judge in every environment.
OPTIONAL = frozenset(
    {
        "NEXUS_NO_INTERNET_ROUTE",
        "NEXUS_OWN_GROUPS",
        "NEXUS_PRIVATE_SUBNETS",
        "NEXUS_STATE_LOCK",
        "NEXUS_STATE_REMOTE",
        "NEXUS_STATE_TLS",
    }
)


_LOCK = Lock()


def policy_files(directory: Path) -> tuple[Path, ...]:
    """The files of `directory` that hold policies, in order.

    Raises:
        ToolUnfit: there is no such directory, or no policy in it.
    """
    files = tuple(
        sorted(file for file in directory.rglob("*.py") if not file.name.startswith(("_", ".")))
    )
    if not files:
        raise ToolUnfit(
            f"no policies in {directory}",
            hint="restore the policies directory: without it nothing can be judged",
        )
    return files


def read_catalogue(directory: Path) -> Mapping[str, About]:
    """Every policy in `directory`, by id.

    Raises:
        ToolUnfit: the directory is missing or empty, a file does not parse or holds no policy, an
            `About` is not made of literals, or an id is there twice.
    """
    files = policy_files(directory)
    # CPython 3.11's ast.parse is not to be called in two threads at once (gh-106905).
    with _LOCK:
        return _read(files, tuple((file.stat().st_mtime_ns, file.stat().st_size) for file in files))


@lru_cache(maxsize=8)
def _read(files: tuple[Path, ...], _version: tuple[tuple[int, int], ...]) -> Mapping[str, About]:
    catalogue: dict[str, About] = {}
    for file in files:
        found = False
        for node in ast.walk(_parse(file)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) == About.__name__:
                about = _about(file, node)
                if about.id in catalogue:
                    raise ToolUnfit(
                        f"policy {about.id} is there twice",
                        hint="give one of the two another id",
                        location=Location(file, node.lineno),
                    )
                catalogue[about.id] = about
                found = True
        if not found:
            raise ToolUnfit(
                f"{file}: holds no policy",
                hint="declare one with About(...), or begin the file's name with an underscore",
            )
    return catalogue


def _parse(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_bytes(), str(file))
    except (SyntaxError, ValueError) as error:
        raise ToolUnfit(
            f"the policy file is not Python: {type(error).__name__}",
            hint="mend or restore the file",
            location=Location(file, getattr(error, "lineno", None) or 1),
        ) from None


def _about(file: Path, call: ast.Call) -> About:
    try:
        arguments: dict[str, Any] = {
            str(keyword.arg): _literal(keyword.value) for keyword in call.keywords
        }
        about = About(**arguments)
    except (KeyError, TypeError, ValueError) as error:
        raise ToolUnfit(
            f"the policy's About(...) cannot be read: {error}",
            hint=f"its arguments are literals: {', '.join(each.name for each in fields(About))}",
            location=Location(file, call.lineno),
        ) from None
    if not about.resources or not about.tiers or not set(about.tiers) <= set(TIERS):
        raise ToolUnfit(
            f"{about.id} applies to nothing",
            hint=f"resources has types, and tiers some of {', '.join(TIERS)}",
            location=Location(file, call.lineno),
        )
    return about


def _literal(node: ast.expr) -> object:
    if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) == Severity.__name__:
        return Severity[node.attr]
    return ast.literal_eval(node)
