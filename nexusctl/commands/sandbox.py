"""`nexusctl sandbox start|stop|status|reset`."""

import json
from argparse import Namespace

from nexusctl.commands.project import workspace
from nexusctl.errors import Exit
from nexusctl.sandbox.sandbox import Lost, Running, Sandbox, Stopped


def run(arguments: Namespace) -> int:
    """Do one thing to the sandbox's server, and say what is so now."""
    sandbox = Sandbox(workspace(arguments).sandbox)
    match arguments.action:
        case "start":
            found: Running | Stopped | Lost = sandbox.ensure_running()
        case "stop":
            sandbox.stop()
            found = Stopped()
        case "reset":
            sandbox.reset()
            found = sandbox.status()
        case _:
            found = sandbox.status()
    print(json.dumps(_document(found), indent=2) if arguments.json else _text(found))
    return Exit.DONE


def _document(found: Running | Stopped | Lost) -> dict[str, object]:
    match found:
        case Running():
            started = found.started_at.isoformat()
            return {
                "status": "running",
                "endpoint": found.endpoint,
                "pid": found.pid,
                "started_at": started,
            }
        case Lost():
            return {"status": "lost", "pid": found.pid, "started_at": found.started_at.isoformat()}
    return {"status": "stopped"}


def _text(found: Running | Stopped | Lost) -> str:
    match found:
        case Running():
            return (
                f"running at {found.endpoint} (pid {found.pid}, since {found.started_at:%F %T %Z})"
            )
        case Lost():
            return (
                f"lost: the server (pid {found.pid}, started {found.started_at:%F %T %Z}) ended "
                "unexpectedly, and what it held is gone\n"
                "next: nexusctl sandbox start (or any command on a sandbox environment)"
            )
    return "stopped (it starts by itself when a command needs it)"
