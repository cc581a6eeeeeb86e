"""`nexusctl doctor`."""

import json
import os
import platform
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata

from nexusctl.commands import project
from nexusctl.errors import Exit, ToolUnfit, UsageWrong
from nexusctl.rehearsal.find import find_programs
from nexusctl.sandbox.sandbox import Running, Sandbox
from nexusctl.terraform.engine import INSTALL_HINT, Engine, candidates
from nexusctl.terraform.providers import find_provider, user_configuration
from nexusctl.workspace import shipped_assets

PACKAGES = ("checkov", "python-terraform", "jinja2", "pyyaml", "boto3", "moto")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked for, whether it serves, and whether nothing works without it."""

    subject: str
    found: str | None
    hint: str | None = None
    needed: bool = True
    fit: bool = True


def run(arguments: Namespace) -> int:
    """Show what was found, where, and what to do about what is missing."""
    findings = [*_python(), *_terraform(), *_rehearsal(), *_project(arguments)]
    if arguments.json:
        print(json.dumps([asdict(each) for each in findings], indent=2))
    else:
        width = max(len(each.subject) for each in findings)
        for each in findings:
            mark = "✓" if each.fit else "✗" if each.needed else "-"
            print(f"{mark} {each.subject:<{width}}  {each.found or 'not found'}")
            if each.hint:
                print(f"  {'':<{width}}  → {each.hint}")
    unfit = any(each.needed and not each.fit for each in findings)
    return Exit.TOOL_UNFIT if unfit else Exit.DONE


def _python() -> Iterator[Finding]:
    yield Finding("Python", f"{platform.python_version()} at {sys.executable}")
    for package in PACKAGES:
        try:
            yield Finding(package, metadata.version(package))
        except metadata.PackageNotFoundError:
            yield Finding(package, None, f"pip install {package}", fit=False)
    assets = shipped_assets()
    missing = [
        path for path in (assets.templates, assets.terraform, assets.policies) if not path.is_dir()
    ]
    hint = "reinstall nexusctl" if missing else None
    yield Finding(
        "templates, modules, policies", str(assets.templates.parent), hint, fit=not missing
    )


def _terraform() -> Iterator[Finding]:
    chosen: Engine | None = None
    for candidate in candidates():
        used = candidate.engine is not None and chosen is None
        if used:
            chosen = candidate.engine
        found = f"{candidate.engine or candidate.unfit}"
        if candidate.path:
            found += f" at {candidate.path}"
        found += ", used" if used else ""
        yield Finding(candidate.product, found, needed=False, fit=candidate.engine is not None)
    if chosen is None:
        yield Finding("a usable Terraform", None, INSTALL_HINT, fit=False)
        return
    yield Finding("AWS provider from", str(find_provider(chosen, os.environ)))
    named = os.environ.get("TF_CLI_CONFIG_FILE")
    if named and user_configuration(os.environ) is None:
        hint = "unset TF_CLI_CONFIG_FILE, or create the file; nexusctl goes on without it"
        yield Finding(
            "TF_CLI_CONFIG_FILE", f"{named} does not exist", hint, needed=False, fit=False
        )


def _rehearsal() -> Iterator[Finding]:
    subject = "PostgreSQL, pgbouncer"
    try:
        programs = find_programs()
    except ToolUnfit as error:
        yield Finding(subject, error.message, error.hint, needed=False, fit=False)
    else:
        yield Finding(subject, f"{programs.postgres}, {programs.pgbouncer}", needed=False)


def _project(arguments: Namespace) -> Iterator[Finding]:
    try:
        workspace = project.workspace(arguments)
    except UsageWrong as error:
        yield Finding("project", error.message, error.hint, fit=False)
        return
    yield Finding("project", str(workspace.root))
    try:
        status = Sandbox(workspace.sandbox).status()
    except ToolUnfit as error:
        yield Finding("sandbox", error.message, error.hint, fit=False)
        return
    said = "not running (starts by itself)"
    if isinstance(status, Running):
        said = f"running at {status.endpoint}"
    yield Finding("sandbox", said, needed=False)
