"""A project to run nexusctl in, as a user does."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from nexusctl.sandbox.sandbox import Running, Sandbox
from nexusctl.workspace import Workspace

REGION = "eu-central-1"


@dataclass(frozen=True)
class Project:
    """A directory with environments/, and nexusctl run in it as a user does."""

    root: Path
    variables: dict[str, str] = field(default_factory=dict)

    def start(
        self,
        *arguments: str,
        stdin: int = subprocess.DEVNULL,
        output: int = subprocess.PIPE,
        through: Sequence[str] = (),
    ) -> "subprocess.Popen[str]":
        """Start nexusctl. No credentials of the tester's are within reach.

        `through` is a command that runs the one that is appended to it.
        """
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("AWS_") or name == "AWS_CA_BUNDLE"
        }
        return subprocess.Popen(
            [*through, sys.executable, "-m", "nexusctl", *arguments],
            cwd=self.root,
            env=inherited | {"COLUMNS": "120", "NO_COLOR": "1"} | self.variables,
            stdin=stdin,
            stdout=output,
            stderr=output,
            text=True,
        )

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run nexusctl to its end."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=400)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def type(self, answer: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run nexusctl at a terminal on which `answer` is typed."""
        keyboard, terminal = pty.openpty()
        os.write(keyboard, f"{answer}\n".encode())
        process = self.start(*arguments, stdin=terminal)
        os.close(terminal)
        out, err = process.communicate(timeout=400)
        os.close(keyboard)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def must(self, *arguments: str, exit_code: int = 0) -> str:
        """Run nexusctl, insist on its exit code, and return all that it said."""
        done = self.run(*arguments)
        said = f"{done.stdout}{done.stderr}"
        assert done.returncode == exit_code, f"nexusctl {arguments}: {done.returncode}\n{said}"
        assert "Traceback" not in said
        return said

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace text in an environment file."""
        file = self.root / "environments" / f"{name}.yaml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    @property
    def sandbox(self) -> Sandbox:
        """The project's embedded AWS."""
        return Sandbox(Workspace(self.root).sandbox)

    def client(self, service: str, account_id: str = "000000000000") -> Any:
        """A boto3 client of the embedded AWS."""
        running = self.sandbox.status()
        assert isinstance(running, Running)
        reached = self.sandbox.environment_variables(
            running, {}, account_id=account_id, region=REGION
        )
        return boto3.client(  # type: ignore[call-overload]
            service,
            region_name=REGION,
            endpoint_url=running.endpoint,
            aws_access_key_id=reached["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=reached["AWS_SECRET_ACCESS_KEY"],
        )


NewProject = Callable[[], Project]
