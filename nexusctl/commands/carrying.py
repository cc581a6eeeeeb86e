"""Sealed plans in files, on their way from one machine to another."""

import os
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from nexusctl.change.bundle import (
    KEY_VARIABLE,
    SUFFIX,
    find_key,
    is_bundle_name,
    read_bundle,
    refuse_other_files,
    write_bundle,
)
from nexusctl.change.sealed import Sealed
from nexusctl.commands.display import Display
from nexusctl.commands.project import invocation
from nexusctl.errors import Refused, UsageWrong
from nexusctl.report.shell import argument

Carry = Callable[[Sealed, Display], None]


def prepared(arguments: Namespace) -> Carry | None:
    """What writes a sealed plan into the file that --out names; None without --out.

    All that the command line has to say is asked for first: planning takes its time.

    Raises:
        UsageWrong: the options do not fit together, or no key can be read.
        Refused: there is no key; or the file is there, and is none of nexusctl's.
    """
    file: Path | None = arguments.out
    if file is None:
        if arguments.key_file or arguments.unencrypted:
            raise UsageWrong("--key-file and --unencrypted are about the file that --out names")
        return None
    if not is_bundle_name(str(file)):
        raise UsageWrong(
            f"--out {file}: apply would take it for an environment",
            hint=f"name it {file}{SUFFIX}, say",
        )
    if not file.parent.is_dir():
        raise UsageWrong(f"--out {file}: there is no directory {file.parent}")
    refuse_other_files(file)
    key = None if arguments.unencrypted else find_key(arguments.key_file, os.environ)
    if key is None and not arguments.unencrypted:
        raise Refused(
            f"there is no key to encrypt {file} with, and a plan may hold secrets in clear",
            hint=f"give one in {KEY_VARIABLE} or with --key-file FILE (openssl rand -base64 32 "
            "makes one); or add --unencrypted",
        )

    def carry(sealed: Sealed, display: Display) -> None:
        write_bundle(file, sealed, key)
        if key is None:
            display.warn(
                f"{file} is not encrypted: it may hold secrets in clear (what Terraform calls "
                "sensitive), and whoever can change it can change what is applied"
            )

    return carry


def apply_command(file: str | Path, arguments: Namespace) -> str:
    """The command that applies a carried plan, with the engine and the key of this one."""
    command = f"{invocation(arguments.project)} apply {argument(file)}"
    if arguments.engine:
        command += f" --engine {arguments.engine}"
    if arguments.key_file:
        command += f" --key-file {argument(arguments.key_file)}"
    return f"{command} --unencrypted" if arguments.unencrypted else command


def carried(arguments: Namespace) -> Sealed | None:
    """The sealed plan in the file that `apply` was given; None where it was given an environment.

    From then on `arguments` name the environment of that plan.

    Raises:
        UsageWrong, Refused: see `read_bundle`.
    """
    if not is_bundle_name(arguments.environment):
        if arguments.key_file or arguments.unencrypted:
            raise UsageWrong(
                "--key-file and --unencrypted are about a file of plan --out",
                hint="nexusctl apply FILE",
            )
        return None
    file = Path(arguments.environment)
    sealed = read_bundle(
        file, find_key(arguments.key_file, os.environ), unencrypted=arguments.unencrypted
    )
    if arguments.sandbox and not sealed.receipt.sandbox:
        raise Refused(f"{file} was planned on AWS, not on the sandbox", hint="plan with --sandbox")
    arguments.environment, arguments.sandbox = sealed.receipt.environment, sealed.receipt.sandbox
    return sealed
