"""What the adapter's tests share: recordings, a scripted server, and waiting for what other threads do."""

from __future__ import annotations

import functools
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from attrs import frozen
from kubernetes.client import Configuration

from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient, Timeouts
from quaybridge_sdk.adapters.kubernetes.objects import Json
from quaybridge_sdk.testing.http import HttpServer, Request, Response

CASSETTES = Path(__file__).parents[2] / "cassettes" / "openshift"
PATIENT = Timeouts(connect=5, read=10)
TOKEN = "a-bearer-token-that-nobody-must-see"


@frozen
class Recorded:
    """One recorded request and its answer."""

    method: str
    path: str
    query: dict[str, str]
    body: str
    anonymous: bool
    status: int
    headers: dict[str, str]
    answer: str

    def json(self) -> Any:
        return json.loads(self.answer)

    def response(self) -> Response:
        headers = {name: value for name, value in self.headers.items() if name != "content-type"}
        return Response(self.status, self.answer.encode(), self.headers.get("content-type", "application/json"), headers)


@functools.cache
def cassette(name: str) -> tuple[Recorded, ...]:
    """All of one cassette, in the order recorded."""
    loaded = yaml.load((CASSETTES / f"{name}.yaml").read_text(), Loader=yaml.CSafeLoader)
    return tuple(_recorded(item["request"], item["response"]) for item in loaded["interactions"])


def recorded(name: str, number: int) -> Recorded:
    """The ``number``-th of a cassette, counted from 1 as in its index."""
    return cassette(name)[number - 1]


def _recorded(request: Any, response: Any) -> Recorded:
    parts = urlsplit(request["uri"])
    headers = {name.lower(): values[0] for name, values in response["headers"].items()}
    return Recorded(
        method=request["method"],
        path=parts.path,
        query=dict(parse_qsl(parts.query)),
        body=request["body"] or "",
        anonymous=request["headers"].get("x-vcr-identity") == ["anonymous"],
        status=response["status"]["code"],
        headers=headers,
        answer=response["body"]["string"],
    )


class Scripted(HttpServer):
    """Answers one request after the other as ``script`` says; requests beyond it get the last answer again."""

    def __init__(self, script: Sequence[Response | Callable[[Request], Response]], tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls=tls)
        self.script = list(script)
        self.received: list[Request] = []
        self._order = threading.Lock()

    def handle(self, request: Request) -> Response:
        with self._order:
            self.received.append(request)
            step = self.script[0] if len(self.script) == 1 else self.script.pop(0)
        return step(request) if callable(step) else step


def configuration(url: str, token: str = TOKEN) -> Configuration:
    made = Configuration(host=url)
    if token:
        made.api_key["BearerToken"] = f"Bearer {token}"
    return made


def client_of(server: HttpServer, token: str = TOKEN, timeouts: Timeouts = PATIENT) -> KubernetesClient:
    return KubernetesClient(configuration(server.url, token), timeouts)


def eventually(condition: Callable[[], object], timeout: float = 10.0) -> None:
    """Waits until ``condition()`` is true; fails after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.005)


def item(name: str, version: int | str, namespace: str = "team", **more: Any) -> Json:
    return {"metadata": {"namespace": namespace, "name": name, "resourceVersion": str(version)}, **more}


def page(version: int, *items: Json, token: str = "") -> Response:
    metadata = {"resourceVersion": str(version)} | ({"continue": token} if token else {})
    return Response.of_json(200, {"kind": "List", "metadata": metadata, "items": list(items)})


def event(kind: str, thing: Json) -> bytes:
    return json.dumps({"type": kind, "object": thing}).encode() + b"\n"


def events(*lines: bytes, then: Callable[[], object] | None = None) -> Response:
    """A watch: these lines, then its end, held back by ``then``, which may raise to break it off."""

    def stream() -> Iterator[bytes]:
        yield from lines
        if then is not None:
            then()

    return Response(200, stream=stream())


def break_off() -> None:
    raise ConnectionAbortedError("the body ends without its final chunk")
