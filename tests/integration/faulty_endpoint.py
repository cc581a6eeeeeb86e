"""An AWS endpoint that fails on demand: a proxy in front of a project's embedded AWS.

What an environment meets that is used without `--sandbox` while AWS_ENDPOINT_URL leads here is an
AWS that can be gone, slow, throttling, broken or tired of its credentials, from any request on.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

from nexusctl.sandbox.prerequisites import Prerequisites
from nexusctl.sandbox.server import XML_ERROR
from tests.integration.project import REGION, Project

ACCOUNT = "000000000000"
BUCKET = "keystone-nexus-sandbox-tfstate"

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class Request:
    """A request to AWS. `action` is the API's own name; for S3 it is the method and the key."""

    service: str
    action: str


@dataclass(frozen=True)
class Fault:
    """What is answered instead: an error of AWS's, or with `hang` nothing at all.

    With `late` AWS does what it is asked, and says so after that many seconds. With `lost` it does
    so too, and the connection breaks before the answer has come.
    """

    status: int = 500
    code: str = "InternalError"
    hang: bool = False
    late: float = 0.0
    lost: bool = False


EXPIRED = Fault(403, "ExpiredToken")
THROTTLED = Fault(503, "SlowDown")
BROKEN = Fault(500, "InternalError")
SILENT = Fault(hang=True)
SLOW = Fault(late=0.5)
LOST = Fault(lost=True)

When = Callable[[Request], bool]


class FaultyEndpoint:
    """The proxy; `url` is where it listens, `seen` every request that came."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.seen: list[Request] = []
        self._fault: tuple[Fault, When] | None = None
        self._healed = threading.Event()
        self._server = self._listening(0)
        self._port = self._server.server_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def fail(self, fault: Fault, when: When = lambda _request: True) -> None:
        """From now on, answer the requests that `when` picks with `fault`."""
        self._healed.clear()
        self._fault = (fault, when)

    def heal(self) -> None:
        """Answer as the embedded AWS does, hanging requests too."""
        self._fault = None
        self._healed.set()

    @contextmanager
    def gone(self) -> Iterator[None]:
        """Within the block nobody listens: connections are refused."""
        self.close()
        try:
            yield
        finally:
            self._server = self._listening(self._port)

    def close(self) -> None:
        self._healed.set()
        self._server.open = False
        self._server.shutdown()
        self._server.server_close()

    def answer_of(self, request: Request) -> Fault | None:
        """The fault that `request` meets, if one."""
        self.seen.append(request)
        fault = self._fault
        if fault is None or not fault[1](request):
            return None
        if not fault[0].hang:
            return fault[0]
        self._healed.wait()
        return None

    def _listening(self, port: int) -> "_Server":
        server = _Server(self, port)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 100
    open = True

    def __init__(self, endpoint: FaultyEndpoint, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.endpoint = endpoint

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has left is none of a test's business."""


def request_of(method: str, path: str, headers: dict[str, str], body: bytes) -> Request:
    scope = re.search(r"Credential=[^/]+/\d+/[^/]*/([^/]+)/", headers.get("authorization", ""))
    service = scope[1] if scope else "unknown"
    if service == "s3":
        return Request(service, f"{method} {path.partition('?')[0]}")
    if "x-amz-target" in headers:
        return Request(service, headers["x-amz-target"].rpartition(".")[2])
    form = parse_qs(body.decode("utf-8", "replace"))
    return Request(service, form.get("Action", [f"{method} {path}"])[0])


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer goes out in one piece, as the sandbox's own do

    def handle_any(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        if not self.server.open:
            self.close_connection = True  # one that was kept alive
            return
        body = self.rfile.read(int(headers.get("content-length", 0)))
        fault = self.server.endpoint.answer_of(request_of(self.command, self.path, headers, body))
        if fault and not (fault.late or fault.lost):
            self._fail(fault, json="json" in headers.get("content-type", ""))
        else:
            self._forward(body, fault)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815

    def _forward(self, body: bytes, fault: Fault | None) -> None:
        connection = HTTPConnection("127.0.0.1", self.server.endpoint.target_port, timeout=60)
        kept = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
        try:
            connection.request(self.command, self.path, body, kept)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, HTTPException):
            self.close_connection = True
            return
        finally:
            connection.close()
        if fault and fault.lost:
            self.close_connection = True
            return
        time.sleep(fault.late if fault else 0.0)
        self.send_response_only(response.status)
        for name, value in response.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        length = response.getheader("Content-Length", "0") if self.command == "HEAD" else None
        self._send(answer, length or str(len(answer)))

    def _fail(self, fault: Fault, *, json: bool) -> None:
        said = f"<Code>{fault.code}</Code><Message>made by a test</Message>"
        text = XML_ERROR.format(error=said)
        if self.path != "/":
            text = f"<Error>{said}</Error>"  # S3's
        if json:
            text = f'{{"__type": "{fault.code}", "message": "made by a test"}}'
        self.send_response_only(fault.status)
        self.send_header("Content-Type", "application/x-amz-json-1.1" if json else "text/xml")
        self.send_header("x-amzn-ErrorType", fault.code)
        self._send(text.encode(), str(len(text)))

    def _send(self, answer: bytes, length: str) -> None:
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Tests read `seen` instead."""


@dataclass(frozen=True)
class FaultyAws:
    """A project that is used without --sandbox, behind a faulty endpoint."""

    project: Project
    endpoint: FaultyEndpoint

    def beside(self, root: Path) -> "FaultyAws":
        """The same AWS behind an endpoint of its own, for the project in `root`."""
        endpoint = FaultyEndpoint(self.endpoint.target_port)
        variables = self.project.variables | {"AWS_ENDPOINT_URL": endpoint.url}
        return FaultyAws(Project(root, variables), endpoint)


def faulty_aws(project: Project, *names: str) -> FaultyAws:
    """Put a faulty endpoint in front of a project's embedded AWS, and add environments for it."""
    for name in names:
        file = project.root / "environments" / f"{name}.yaml"
        file.write_text("extends: sandbox\ntier: development\n")
    running = project.sandbox.ensure_running()
    project.sandbox.prepare(
        Prerequisites(ACCOUNT, REGION, state_bucket=BUCKET, state_region=REGION)
    )
    variables = project.sandbox.environment_variables(
        running, {}, account_id=ACCOUNT, region=REGION
    )
    endpoint = FaultyEndpoint(int(running.endpoint.rpartition(":")[2]))
    reached = variables | {"AWS_ENDPOINT_URL": endpoint.url}
    return FaultyAws(Project(project.root, reached), endpoint)
