"""The server process of the sandbox: `python -m nexusctl.sandbox.server --directory DIR`.

Started detached by `Sandbox.ensure_running`. It listens on 127.0.0.1 alone, holds everything in
memory, and ends on SIGTERM or SIGINT, or when its directory is removed.
"""

import argparse
import fcntl
import io
import json
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from logging.handlers import RotatingFileHandler
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from nexusctl.sandbox.record import (
    PRIVATE_PATH,
    TOKEN_HEADER,
    Files,
    Record,
    open_private,
    try_lock,
)

LOG_BYTES = 1_000_000
ANSWER_BYTES = 256 * 1024  # more than nearly any answer has
POLL = 2.0  # seconds
LOCK_PATIENCE = 2.0  # seconds: a client that looks whether we live holds the lock for microseconds
# The query protocol looks for Error, EC2's for Errors, and S3's at the top.
XML_ERROR = (
    '<?xml version="1.0"?><Response>{error}<Error>{error}</Error>'
    "<Errors><Error>{error}</Error></Errors><RequestId>sandbox</RequestId></Response>"
)

log = logging.getLogger("nexusctl.sandbox")

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Application:
    """AWS on one port, and beside it nexusctl's own requests, which need the record's token."""

    def __init__(self, token: str) -> None:
        # Imported late: settings of moto are read from the process environment at import.
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication

        from nexusctl.sandbox import accounts, extensions

        accounts.install()
        extensions.install()
        self._token = token
        self._aws = DomainDispatcherApplication(service_application)
        # moto iterates over its dictionaries without locks, and Terraform sends ten requests at
        # once. All its work holds the interpreter's lock anyway, so one at a time costs nothing.
        self._one_at_a_time = Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        path = environ.get("PATH_INFO", "")
        try:
            with self._one_at_a_time:
                if path.startswith(PRIVATE_PATH):
                    return self._private(path.removeprefix(PRIVATE_PATH), environ, start_response)
                if path.startswith("/moto-api"):  # moto's own dashboard and switches
                    return respond(start_response, HTTPStatus.NOT_FOUND, {})
                return self._aws(environ, start_response)  # type: ignore[no-any-return]
        except NotImplementedError as missing:
            log.warning("%s %s: %s", environ.get("REQUEST_METHOD"), path, missing)
            return refuse(environ, start_response, "NotImplemented", str(missing))
        except Exception as bug:
            log.exception("%s %s", environ.get("REQUEST_METHOD"), path)
            return refuse(environ, start_response, "SandboxFailure", f"{type(bug).__name__}: {bug}")

    def _private(
        self, command: str, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        given = environ.get("HTTP_" + TOKEN_HEADER.upper().replace("-", "_"), "")
        if not secrets.compare_digest(given.encode(), self._token.encode()):
            return respond(start_response, HTTPStatus.FORBIDDEN, {})
        if command == "identity":
            pass
        elif command == "reset":
            from moto.moto_api._internal import moto_api_backend

            moto_api_backend.reset()
        elif command == "prepare":
            from nexusctl.sandbox.prerequisites import Prerequisites
            from nexusctl.sandbox.presumed import create

            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            create(Prerequisites(**json.loads(body)))
        else:
            return respond(start_response, HTTPStatus.NOT_FOUND, {})
        return respond(start_response, HTTPStatus.OK, {"pid": os.getpid()})


def service_application(service: str | None) -> Any:
    """The WSGI application of one AWS service; None is a service that moto does not know."""
    from moto.moto_server.werkzeug_app import create_backend_app

    if service is None:
        raise NotImplementedError("the sandbox does not have this service")
    return create_backend_app(service)


def respond(
    start_response: StartResponse, status: HTTPStatus, body: dict[str, Any]
) -> Iterable[bytes]:
    """Answer with JSON."""
    text = json.dumps(body).encode()
    start_response(
        f"{status} {status.phrase}",
        [("Content-Type", "application/json"), ("Content-Length", str(len(text)))],
    )
    return [text]


def refuse(
    environ: Environ, start_response: StartResponse, code: str, message: str
) -> Iterable[bytes]:
    """Answer as AWS reports an error, in the format the request's protocol expects.

    The status is 501: SDKs retry 500 for minutes.
    """
    from xml.sax.saxutils import escape

    if "json" in environ.get("CONTENT_TYPE", ""):
        kind, text = "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message})
    else:
        error = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
        kind, text = "text/xml", XML_ERROR.format(error=error)
    body = text.encode()
    start_response(
        "501 Not Implemented",
        [
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("x-amzn-ErrorType", code),
        ],
    )
    return [body]


class LogStream(io.TextIOBase):
    """A text stream whose writes become log lines: moto prints its complaints."""

    def write(self, text: str) -> int:
        """Log a text that is not blank."""
        if text.strip():
            log.info("%s", text.rstrip())
        return len(text)


def prepare_process(files: Files) -> None:
    """Send all that moto and its libraries say to a bounded log, and set moto's switches."""
    os.umask(0o077)
    handler = RotatingFileHandler(files.log, maxBytes=LOG_BYTES, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    sys.stdout = sys.stderr = LogStream()
    logging.captureWarnings(capture=True)
    # A profile or account of the user's has no business here, and breaks botocore's session.
    for name in [name for name in os.environ if name.startswith(("AWS_", "MOTO_"))]:
        del os.environ[name]
    os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"  # no web page reads from here
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"  # AmazonSSMManagedInstanceCore, ...


def serve(files: Files, alive: int) -> None:
    """Serve until SIGTERM or SIGINT, or until no client can see the lock `alive` any more."""
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    class Handler(MotoRequestHandler):  # type: ignore[misc]
        # An answer goes out in one piece. While its body is still to come, the HTTP client of the
        # AWS SDK for Go may close the connection and ask once more for what was done
        # (aws/aws-sdk-go-v2#2737); on a machine under load it does.
        wbufsize = ANSWER_BYTES

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    token = secrets.token_urlsafe()
    server = make_server("127.0.0.1", 0, Application(token), threaded=True, request_handler=Handler)
    Thread(target=server.serve_forever, args=(POLL,), daemon=True).start()
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    record = Record(os.getpid(), server.server_port, started_at, token)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit())
    try:
        files.write_record(record)
        log.info("listening on 127.0.0.1:%d, pid %d", record.port, record.pid)
        while is_open_file(files.alive, alive):
            time.sleep(POLL)
        log.info("ending: the directory was removed, so that no command can find this server")
    finally:
        if files.read_record() == record:
            files.remove_record()
            log.info("ended")


def is_open_file(path: Path, descriptor: int) -> bool:
    """Whether `path` is the file that `descriptor` has open."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def main() -> int:
    """Run the server.

    Returns:
        0, or 1 when another server holds the directory.
    """
    parser = argparse.ArgumentParser(prog="python -m nexusctl.sandbox.server")
    parser.add_argument("--directory", type=Path, required=True)
    files = Files(parser.parse_args().directory)
    alive = open_private(files.alive, os.O_RDWR | os.O_CREAT)
    deadline = time.monotonic() + LOCK_PATIENCE
    while not try_lock(alive, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            return 1
        time.sleep(0.01)
    # The child inherits the lock. Its parent, the process that was started, ends, so that the
    # server is no command's child.
    if os.fork():
        os._exit(0)
    prepare_process(files)
    try:
        serve(files, alive)
    except Exception:
        log.exception("the server could not run")
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
