"""A small threaded HTTP server on loopback: the ground both embedded servers stand on.

Real sockets and real HTTP/1.1, so that a client is tested together with its connection pool, its timeouts and its
TLS. Every request is logged, and faults can be injected in front of the handler: a status, a latency, a
connection reset, a truncated body, a silence.

The standard library's server is used on purpose: a fault such as a reset connection needs the socket itself, which
WSGI and ASGI servers hide.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from attrs import Factory, define, field, frozen

FaultKind = Literal["status", "latency", "reset", "truncate", "silence"]


@frozen
class Request:
    """One HTTP request as the handler sees it. Header names are lower case; ``query`` keeps the last of doubled keys."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The decoded JSON body. Raises ``ValueError`` when it is none."""
        return json.loads(self.body)


@define
class Response:
    """What a handler answers. ``stream`` (an iterator of chunks) makes the answer chunked and long-lived."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = Factory(dict)
    stream: Iterator[bytes] | None = None

    @classmethod
    def of_json(cls, status: int, value: object, **headers: str) -> Response:
        return cls(status, json.dumps(value, separators=(",", ":")).encode(), headers=headers)


@frozen
class Exchange:
    """One line of the request log: ``status`` is 0 when the connection was broken on purpose."""

    method: str
    path: str
    query: Mapping[str, str]
    status: int
    seconds: float


@define
class Fault:
    """A fault for requests whose ``METHOD path`` matches ``pattern``, for the next ``times`` of them (None: until removed).

    status: answer ``status`` with ``body``; latency: wait ``seconds``, then go on; reset: TCP RST without an answer
    (with ``after`` the request has been carried out first); truncate: the handler's answer, cut in the middle;
    silence: nothing for ``seconds``, then the connection is closed.
    """

    kind: FaultKind
    pattern: str = ".*"
    times: int | None = 1
    status: int = 500
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = Factory(dict)
    seconds: float = 0.0
    after: bool = False


class Faults:
    """The faults in force; thread-safe. ``with faults.injected(Fault(...)):`` removes the fault at the end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def inject(self, fault: Fault) -> Fault:
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, line: str) -> Fault | None:
        """The first fault in force for this request line, counted down."""
        with self._lock:
            for fault in self._faults:
                if re.search(fault.pattern, line):
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times <= 0:
                            self._faults.remove(fault)
                    return fault
        return None


class HttpServer:
    """A threaded HTTP(S) server on 127.0.0.1; a context manager. Subclasses implement :meth:`handle`.

    Args:
        port: the port, 0 for a free one.
        tls: a server-side context to speak TLS with, None for plain HTTP.
        keep_alive: whether connections are kept between requests (Quay closes them on ``/api``).
    """

    def __init__(self, *, port: int = 0, tls: ssl.SSLContext | None = None, keep_alive: bool = True) -> None:
        self.faults = Faults()
        self.keep_alive = keep_alive
        self._port, self._tls = port, tls
        self._log: list[Exchange] = []
        self._log_lock = threading.Lock()
        self._server: _Server | None = None
        self.stopping = threading.Event()
        self.bugs: list[Exception] = []

    def handle(self, request: Request) -> Response:
        """Answers one request; called from many threads at once."""
        raise NotImplementedError

    @property
    def requests(self) -> tuple[Exchange, ...]:
        """The request log so far, oldest first."""
        with self._log_lock:
            return tuple(self._log)

    def clear_requests(self) -> None:
        with self._log_lock:
            self._log.clear()

    def record(self, exchange: Exchange) -> None:
        with self._log_lock:
            self._log.append(exchange)

    @property
    def port(self) -> int:
        """Also while it is stopped, since it starts again there: requests may be under way when it stops."""
        if not self._port:
            raise RuntimeError("the server was never started: use it as a context manager, `with server:`")
        return self._port

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Binds and serves. A server that was stopped starts again on the same port: an outage with an end."""
        self.stopping.clear()
        self._server = _Server(self, self._port, self._tls)
        self._port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Closes the listener and every open connection, as a killed process would."""
        self.stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.drop_connections()
            self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self.bugs:
            raise RuntimeError("the embedded server has a bug; please report it") from self.bugs[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, owner: HttpServer, port: int, tls: ssl.SSLContext | None) -> None:
        self.owner, self._tls = owner, tls
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        try:
            if self._tls is not None:  # the handshake happens in the connection's own thread: a slow client blocks nobody
                with self._lock:
                    self._open.discard(request)
                request = self._tls.wrap_socket(request, server_side=True)
                with self._lock:
                    self._open.add(request)
            super().finish_request(request, client_address)
        except (OSError, ValueError):
            pass  # the client went away, or the connection was dropped on purpose: nobody is left to be told
        finally:
            with self._lock:
                self._open.discard(request)
            if self._tls is not None:
                request.close()

    def drop_connections(self) -> None:
        with self._lock:
            doomed = list(self._open)
        for connection in doomed:
            with contextlib.suppress(OSError):  # closed by its own thread in the meantime
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr: the log is :attr:`HttpServer.requests`."""

    def _serve(self) -> None:
        owner, started = self.server.owner, time.monotonic()
        request = self._read()
        try:
            response = self._answer(owner, request)
        except Exception as error:  # noqa: BLE001 - a bug of the embedded server must not look like a dropped connection
            owner.bugs.append(error)
            response = Response(500, f"bug in the embedded server: {error!r}".encode(), "text/plain")
        status = response.status if response is not None else 0
        # Before the answer goes out: who has the answer finds the request in the log.
        owner.record(Exchange(request.method, request.path, request.query, status, time.monotonic() - started))
        if response is not None:
            self._write(response)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve

    def _read(self) -> Request:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return Request(self.command, parts.path, query, headers, self._body())

    def _body(self) -> bytes:
        """The body, also a chunked one: docker and podman upload blobs so (RFC 9112, section 7.1)."""
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            continue  # trailers are read, and not used
        return b"".join(chunks)

    def _answer(self, owner: HttpServer, request: Request) -> Response | None:
        fault = owner.faults.take(f"{request.method} {self.path}")
        if fault is None:
            return owner.handle(request)
        if fault.kind == "latency":
            owner.stopping.wait(fault.seconds)
            return owner.handle(request)
        if fault.kind == "status":
            return Response(fault.status, fault.body, fault.content_type, fault.headers)
        if fault.kind == "silence":
            owner.stopping.wait(fault.seconds)
            self._break()
            return None
        response = owner.handle(request) if fault.after or fault.kind == "truncate" else None
        if fault.kind == "truncate" and response is not None:
            with contextlib.suppress(OSError):  # the client went away, or a watch was broken on purpose: no bug of ours
                self._write(response, cut=True)
        self._break()
        return None

    def _break(self) -> None:
        """Ends the connection with a TCP RST: what a killed process or a firewall does."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _write(self, response: Response, cut: bool = False) -> None:
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if not self.server.owner.keep_alive:
            self.send_header("Connection", "close")
            self.close_connection = True
        if response.stream is not None:
            self._write_chunks(response.stream)
            return
        if response.status != 204:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body[: len(response.body) // 2] if cut else response.body)
        self.wfile.flush()

    def _write_chunks(self, chunks: Iterator[bytes]) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        for chunk in chunks:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.flush()
        if self.server.owner.stopping.is_set():  # an abrupt end: no final chunk, as when the server is killed
            self._break()
            return
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
