"""Each way in which a request can fail on the wire, as a row: a fault of the embedded servers, in the words of each side."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from attrs import define, field, frozen
from tests.faults.routes import Row, Side

from quaybridge_sdk.testing.http import Fault, HttpServer, Request, Response

TIMES = 2
"""So often each fault strikes: once more than the adapters try again by themselves."""

PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
_REASONS = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 410: "Expired", 422: "Invalid"}
_TEXTS: Mapping[int, dict[str, object]] = {
    401: {"message": "Invalid bearer token format"},
    404: {"detail": "Not Found", "error_type": "not_found", "title": "not_found", "status": 404},
    429: {"message": "slow down"},
}


def status(
    code: int, body: bytes | None = None, kind: str = "application/json", headers: Mapping[str, str] | None = None
) -> Callable[[Row, str], Fault]:
    def make(row: Row, pattern: str) -> Fault:
        return Fault("status", pattern, TIMES, code, _body(row.side, code) if body is None else body, kind, headers or {})

    return make


def _body(side: Side, code: int) -> bytes:
    if side == "quay":
        return json.dumps(_TEXTS.get(code, {"message": f"answer {code}"})).encode()
    reason = _REASONS.get(code, "InternalError")
    text = f"injected {code}"
    return json.dumps(
        {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code, "message": text}
    ).encode()


def _expired_in_watch(_: Row, pattern: str) -> Fault:
    event = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}
    return Fault("status", pattern, TIMES, 200, json.dumps(event).encode() + b"\n")


_TEXTLIKE = ("kind", "type", "name", "token", "email", "is_admin", "role")
_LISTLIKE = ("metadata", "items", "status", "object", "robots", "prototypes", "repositories")
_WRONG: dict[str, object] = {**{key: [7] for key in _TEXTLIKE}, **dict.fromkeys(_LISTLIKE, "x")}
"""Every field that the bridge reads of an answer, each of another type than it should be."""


@frozen
class Break:
    """``make`` gives the fault, None when requests are delivered twice instead; ``only``: for which side or kind of row."""

    name: str
    make: Callable[[Row, str], Fault] | None
    fits: Callable[[Row], bool] = lambda row: True


def _of(side: Side) -> Callable[[Row], bool]:
    return lambda row: row.side == side


BREAKS = (
    Break("reset", lambda _, p: Fault("reset", p, TIMES)),
    Break("reset after the effect", lambda _, p: Fault("reset", p, TIMES, after=True), lambda row: not row.stream),
    Break("timeout", lambda _, p: Fault("silence", p, TIMES, seconds=3.0), lambda row: "WATCH" not in row.name),
    Break("silent watch", lambda _, p: Fault("silence", p, TIMES, seconds=20.0), lambda row: "WATCH" in row.name),
    Break("slow", lambda _, p: Fault("latency", p, TIMES, seconds=0.5)),
    Break("401", status(401)),
    Break("403", status(403)),
    Break("403, CSRF page", status(403, b'{"error": "CSRF token was invalid or missing."}', "text/html"), _of("quay")),
    Break("404", status(404)),
    Break("404, a gateway's page", status(404, PAGE, "text/html")),
    Break("409", status(409)),
    Break("410", status(410), lambda row: row.stream),
    Break("410 in the watch", _expired_in_watch, lambda row: "WATCH" in row.name),
    Break("422", status(422)),
    Break("429", status(429, headers={"Retry-After": "1"})),
    Break("500, HTML", status(500, PAGE, "text/html")),
    Break("503, read-only", status(503, b'{"is_readonly": true, "message": "System is currently read-only"}'), _of("quay")),
    Break("503, plain text", status(503, b"upstream connect error", "text/plain")),
    Break("truncated JSON", lambda _, p: Fault("truncate", p, TIMES), lambda row: "WATCH" not in row.name),
    Break("wrong types", status(200, json.dumps(_WRONG).encode())),
    Break("delivered twice", None, lambda row: not row.stream),
)


@define
class Twice:
    """Stands in front of a server's handler and delivers the requests that a pattern chooses twice."""

    server: HttpServer
    faults: list[Fault] = field(factory=list)

    def install(self) -> None:
        handle: Callable[[Request], Response] = self.server.handle

        def doubled(request: Request) -> Response:
            query = f"?{urlencode(request.query)}" if request.query else ""
            line = f"{request.method} {request.path}{query}"
            for fault in self.faults:
                if fault.times and re.search(fault.pattern, line):
                    fault.times -= 1
                    handle(request)
                    break
            return handle(request)

        self._replace(doubled)

    def _replace(self, handler: Any) -> None:
        setattr(self.server, "handle", handler)  # noqa: B010 - a method is replaced on one instance
