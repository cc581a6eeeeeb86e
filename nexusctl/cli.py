"""The command line: arguments in, one call out. Commands are imported when they run."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from nexusctl import __version__
from nexusctl.errors import Exit, UsageWrong

FORMATS = ("text", "json", "sarif", "junit", "github", "markdown")
TIERS = ("sandbox", "development", "staging", "production")

EPILOG = """\
exit codes:
  0 done · 2 changes present (plan --detailed-exitcode, drift) · 3 environment invalid
  4 render failed · 5 policy denied · 6 Terraform failed · 7 AWS failed · 8 tool missing or unfit
  9 refused · 64 wrong command line · 130 interrupted · 1 a bug in nexusctl

start with:  nexusctl doctor, then nexusctl plan sandbox
"""


class Parser(argparse.ArgumentParser):
    """An argument parser that ends with nexusctl's exit code for a wrong command line.

    Options are written out: `--y` does not mean `--yes`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Report a wrong command line."""
        raise UsageWrong(message, hint=f"{self.prog} --help")


def main(arguments: Sequence[str]) -> int:
    """Parse the command line and run its command.

    Raises:
        NexusError: whatever the command raises; UsageWrong for the command line itself.
    """
    try:
        parsed, rest = parser().parse_known_args(_before_dashes(arguments))
    except SystemExit as done:  # --help and --version
        return int(done.code or 0)
    if rest:
        raise UsageWrong(
            f"unrecognized arguments: {' '.join(rest)}",
            hint=f"nexusctl {parsed.command or ''} --help",
        )
    if parsed.command is None:
        parser().print_help(sys.stderr)
        return Exit.USAGE
    parsed.arguments = _after_dashes(arguments)
    if parsed.arguments and parsed.command != "terraform":
        raise UsageWrong("only `nexusctl terraform ENV` takes arguments after --")
    module = import_module(f"nexusctl.commands.{parsed.command}")
    code: int = module.run(parsed)
    return code


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = Parser(
        prog="nexusctl",
        description="The Keystone Nexus database as code: RDS for PostgreSQL behind RDS Proxy.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"nexusctl {__version__}")
    top.add_argument(
        "--project",
        type=Path,
        metavar="DIR",
        help="the directory that holds environments/ (default: here, or the nearest above)",
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)

    envs = commands.add_parser("envs", help="list the environments")
    _json(envs)

    validate = commands.add_parser("validate", help="check environment files, all errors at once")
    validate.add_argument("environments", nargs="*", metavar="ENV")
    validate.add_argument("--all", action="store_true", help="every environment")
    validate.add_argument(
        "--sandbox", action="store_true", help="taken as everywhere; a file is valid or not anyway"
    )
    _json(validate)

    render = commands.add_parser("render", help="render the Terraform root module")
    _environment(render)
    render.add_argument("--out", type=Path, metavar="DIR", help="write the files there")
    _json(render)

    check = commands.add_parser(
        "check", help="the policy gate: on environments, or on any Terraform root, plan or state"
    )
    _check(check)

    watch = commands.add_parser("watch", help="judge again whenever a file is saved")
    _environment(watch)
    _json(watch)

    policies = commands.add_parser("policies", help="list the policies, or explain one")
    policies.add_argument("id", nargs="?", metavar="ID", help="explain this one")
    _json(policies)

    plan = commands.add_parser("plan", help="render, judge, plan, and judge the plan")
    _environment(plan)
    plan.add_argument(
        "--detailed-exitcode", action="store_true", help="exit 2 when there is something to do"
    )
    _json(plan)

    apply = commands.add_parser("apply", help="plan as `plan` does, then apply that plan")
    _environment(apply)
    _allow_replace(apply)
    _yes(apply)

    destroy = commands.add_parser("destroy", help="destroy everything the environment has")
    _environment(destroy)
    _yes(destroy)

    _drift(commands.add_parser("drift", help="what was changed outside Terraform, and its impact"))

    output = commands.add_parser("output", help="show the outputs of what is applied")
    _environment(output)
    output.add_argument("name", nargs="?", metavar="NAME", help="only this one, bare")
    _json(output)

    budget = commands.add_parser(
        "budget", help="whether the environment holds its own peak, in connections and waiting time"
    )
    _budget(budget)

    _rehearse(
        commands.add_parser(
            "rehearse",
            help="a real connection storm on this machine, and what the budget predicted",
        )
    )
    _json(commands.add_parser("doctor", help="what nexusctl needs, and what it found"))

    sandbox = commands.add_parser("sandbox", help="the embedded AWS: start, stop, status, reset")
    sandbox.add_argument("action", choices=["start", "stop", "status", "reset"])
    _json(sandbox)

    terraform = commands.add_parser(
        "terraform", help="run Terraform itself in the environment's directory: ENV -- ARGS…"
    )
    _environment(terraform)
    return top


def _budget(budget: argparse.ArgumentParser) -> None:
    _environment(budget)
    budget.add_argument(
        "--chart",
        type=Path,
        metavar="FILE",
        help="also draw waiting time and errors against load (.png or .svg)",
    )
    budget.add_argument(
        "--measure", action="store_true", help="ask AWS what the running database has"
    )
    _json(budget)


def _check(check: argparse.ArgumentParser) -> None:
    check.add_argument("environments", nargs="*", metavar="ENV", help="environments to judge")
    check.add_argument("--all", action="store_true", help="every environment")
    check.add_argument("--path", type=Path, metavar="DIR", help="judge the Terraform root in DIR")
    check.add_argument(
        "--plan",
        type=Path,
        metavar="FILE",
        help="judge a plan (terraform show -json); with --path the files of that root decide what "
        "the plan does not know yet",
    )
    check.add_argument(
        "--state", type=Path, metavar="FILE", help="search a state for passwords (tfstate or JSON)"
    )
    check.add_argument(
        "--tier",
        choices=TIERS,
        help="the tier to judge --path and --plan by (default: production, the strictest)",
    )
    check.add_argument(
        "--defer",
        action="store_true",
        help="with --path: leave what only a plan knows to the plan, which will be judged too",
    )
    check.add_argument(
        "--format",
        action="append",
        choices=FORMATS,
        help="how to report (default: text); may be repeated, each with its --output",
    )
    check.add_argument(
        "--output", action="append", type=Path, metavar="FILE", help="where a --format goes"
    )
    check.add_argument(
        "--baseline", type=Path, metavar="FILE", help="findings in FILE are known and fail nothing"
    )
    check.add_argument(
        "--write-baseline", type=Path, metavar="FILE", help="write all that fails now into FILE"
    )
    check.add_argument(
        "--fix", action="store_true", help="edit the environment's YAML where the fix is certain"
    )
    check.add_argument(
        "--sandbox", action="store_true", help="taken as everywhere; the files are the same anyway"
    )
    _json(check)


def _rehearse(rehearse: argparse.ArgumentParser) -> None:
    _environment(rehearse)
    rehearse.add_argument("--html", type=Path, metavar="FILE", help="write a page with plots")
    rehearse.add_argument(
        "--scale", type=float, metavar="SHARE", help="of the storm (default: what fits here, ≤ 1)"
    )
    rehearse.add_argument("--clients", type=int, metavar="N", help="clients, whatever the scale")
    rehearse.add_argument(
        "--seconds",
        type=float,
        default=10.0,
        metavar="N",
        help="how long transactions run in each act (default: 10; all acts take about a minute)",
    )
    _json(rehearse)


def _environment(command: argparse.ArgumentParser) -> None:
    command.add_argument("environment", metavar="ENV", help="a file in environments/, by its name")
    command.add_argument(
        "--sandbox", action="store_true", help="on the embedded AWS instead of the real one"
    )


def _drift(drift: argparse.ArgumentParser) -> None:
    drift.add_argument("environments", nargs="*", metavar="ENV", help="environments to look at")
    drift.add_argument("--all", action="store_true", help="every environment")
    drift.add_argument(
        "--sandbox", action="store_true", help="on the embedded AWS instead of the real one"
    )
    drift.add_argument(
        "--format", choices=("text", "json", "markdown"), default="text", help="how to report"
    )


def _allow_replace(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--allow-replace",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="let the plan destroy this, which cannot be made again; may be repeated",
    )


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON for machines")


def _yes(command: argparse.ArgumentParser) -> None:
    command.add_argument("--yes", action="store_true", help="do not ask (for automation)")


def _before_dashes(arguments: Sequence[str]) -> list[str]:
    return list(arguments[: arguments.index("--")] if "--" in arguments else arguments)


def _after_dashes(arguments: Sequence[str]) -> list[str]:
    return list(arguments[arguments.index("--") + 1 :] if "--" in arguments else [])
