"""`nexusctl watch ENV`."""

import json
import time
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

from nexusctl.commands.judging import judge_environment
from nexusctl.commands.project import environments_directory, workspace
from nexusctl.commands.show import show
from nexusctl.errors import Exit, NexusError
from nexusctl.policy.gate import Gate
from nexusctl.report.document import verdict as as_document
from nexusctl.report.verdict_text import verdicts as as_text
from nexusctl.workspace import shipped_assets

POLL_SECONDS = 0.04

_Seen = dict[Path, tuple[int, int, int]]


def run(arguments: Namespace) -> int:
    """Judge, and judge again whenever a file is saved, until interrupted."""
    directory, assets = environments_directory(arguments), shipped_assets()
    log = workspace(arguments).state / "logs" / "policy-watch.log"
    shown = (directory, assets.templates, assets.terraform)
    with Gate(assets.policies, log) as gate:
        gate.start()
        while True:
            before, policies = _seen(shown), _seen([assets.policies])
            _judge(arguments, directory, gate)
            try:
                _await_save((*shown, assets.policies), before | policies)
            except KeyboardInterrupt:
                return Exit.INTERRUPTED
            if policies != _seen([assets.policies]):
                gate.stop()  # the next worker loads them as they are now


def _await_save(directories: Iterable[Path], judged: _Seen) -> None:
    """Return when a file is not as it was judged, and has been so for a moment.

    Many editors empty a file before they write it.
    """
    every = list(directories)
    last = judged
    while True:
        time.sleep(POLL_SECONDS)
        now = _seen(every)
        if now == last and now != judged:
            return
        last = now


def _judge(arguments: Namespace, directory: Path, gate: Gate) -> None:
    started = time.perf_counter()
    try:
        verdict = judge_environment(arguments.environment, directory, gate)
    except NexusError as error:
        if arguments.json:
            document = {"error": error.message, "hint": error.hint, "exit_code": error.exit_code}
            print(json.dumps(document), flush=True)
        else:
            print(f"error: {error}\n hint: {error.hint}" if error.hint else f"error: {error}")
        return
    if arguments.json:
        print(json.dumps(as_document(verdict)), flush=True)
        return
    show(as_text([verdict]))
    seconds = time.perf_counter() - started
    print(
        f"{time.strftime('%T')}  judged in {seconds:.2f} s; waiting for the next save", flush=True
    )


def _seen(directories: Iterable[Path]) -> _Seen:
    """What tells one version of a file from the next, for every file in the directories."""
    found: _Seen = {}
    for directory in directories:
        for file in directory.rglob("*"):
            try:
                status = file.stat()
            except OSError:  # an editor has just replaced it
                continue
            found[file] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return found
