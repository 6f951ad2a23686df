"""``/healthz``, ``/readyz`` and ``/metrics`` over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from attrs import frozen

from quaybridge_sdk.errors import InvalidInputError

Check = Callable[[], bool]


@frozen
class Address:
    """Where to listen. ``host`` "" is every address."""

    host: str
    port: int


def parse_address(text: str) -> Address | None:
    """Reads a bind address as Go programs write it: ``:8080``, ``127.0.0.1:8080``, ``[::1]:8080``; None for ``0`` (off).

    Raises:
        InvalidInputError: anything else.
    """
    if text in ("0", ""):
        return None
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise InvalidInputError(f"not an address of the form [host]:port, or 0 for none: {text!r}")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


@frozen
class Page:
    """One path's answer: status, body, content type."""

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


def checks_page(checks: Mapping[str, Check]) -> Callable[[], Page]:
    """A page that is 200 ``ok`` when every check holds, and else 503 with the names of those that do not."""

    def page() -> Page:
        failing = [name for name, check in checks.items() if not check()]
        if not failing:
            return Page(200, b"ok\n")
        return Page(503, "".join(f"not ready: {name}\n" for name in failing).encode())

    return page


class PageServer:
    """Serves a few pages by path; a context manager. Answers GET and HEAD; anything else is 404 or 501."""

    def __init__(self, address: Address, pages: Mapping[str, Callable[[], Page]]) -> None:
        handler = type("Handler", (_PageHandler,), {"pages": pages})
        self._server = _PageHTTPServer((address.host, address.port), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="pages", daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _PageHTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


class _PageHandler(BaseHTTPRequestHandler):
    timeout = 10  # seconds that a silent client may hold a thread
    pages: Mapping[str, Callable[[], Page]]

    def do_GET(self) -> None:
        self.wfile.write(self._head())

    def do_HEAD(self) -> None:
        self._head()

    def _head(self) -> bytes:
        """Sends what comes before the body, and gives that."""
        make = self.pages.get(self.path.partition("?")[0])
        page = make() if make else Page(404, b"not found\n")
        self.send_response(page.status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(page.body)))
        self.end_headers()
        return page.body

    def log_message(self, format: str, *args: object) -> None:
        """Probes are not worth a line each."""
