"""What the adapter's unit tests share: scripted and recorded answers, and a registry over them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import yaml
from attrs import Factory, define

from quaybridge_sdk.adapters.quay import Governor, QuayRegistry
from quaybridge_sdk.model.quay import QuayEndpoint, SecretText
from quaybridge_sdk.testing.quay import EmbeddedQuay

RECORDINGS = Path(__file__).parents[2] / "cassettes" / "quay"
TOKEN = "s3cr3t-oauth-access-token"
ENDPOINT = QuayEndpoint("http://quay.test", "quay.test")
PAGE = "<!DOCTYPE html><html><head><title>Some\n page</title></head></html>"
Handler = Callable[[httpx.Request], httpx.Response]


@cache
def _interactions(cassette: str) -> list[dict[str, Any]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    content: dict[str, Any] = yaml.load((RECORDINGS / f"{cassette}.yaml").read_text(), Loader=loader)
    return list(content["interactions"])


def recorded(cassette: str, index: int) -> httpx.Response:
    """A real Quay's answer."""
    response = _interactions(cassette)[index]["response"]
    headers = {name: values[0] for name, values in response["headers"].items() if name.lower() != "content-length"}
    return httpx.Response(response["status"]["code"], headers=headers, content=response["body"]["string"].encode())


def recorded_request(cassette: str, index: int) -> tuple[str, str]:
    """The method and path that a recorded answer was given to."""
    request = _interactions(cassette)[index]["request"]
    return request["method"], httpx.URL(request["uri"]).path


def recordings() -> Iterable[tuple[str, int, int]]:
    """Cassette, index and status of each recorded answer."""
    for path in sorted(RECORDINGS.glob("*.yaml")):
        for index, interaction in enumerate(_interactions(path.stem)):
            yield path.stem, index, interaction["response"]["status"]["code"]


def answer(status: int, document: object = None, **headers: str) -> httpx.Response:
    return httpx.Response(status, content=json.dumps(document).encode(), headers={"Content-Type": "application/json"} | headers)


def page(status: int, text: str = PAGE) -> httpx.Response:
    return httpx.Response(status, content=text.encode(), headers={"Content-Type": "text/html"})


@define
class Script(httpx.BaseTransport):
    """Gives one answer after the other; an exception among them is raised. ``requests`` are those that came."""

    answers: list[httpx.Response | Exception]
    requests: list[httpx.Request] = Factory(list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        if not self.answers:
            raise AssertionError(f"one call too many: {request.method} {request.url}")
        following = self.answers.pop(0)
        if isinstance(following, Exception):
            raise following
        return following

    @property
    def lines(self) -> list[str]:
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.requests]


@define
class Clock:
    """A clock that only moves when somebody sleeps, or a test says so."""

    now: float = 1000.0
    slept: list[float] = Factory(list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@define
class Observed:
    """A call observer that keeps what it is told."""

    calls: list[tuple[str, str, int]] = Factory(list)
    seconds: list[float] = Factory(list)

    def quay_call(self, method: str, route: str, status: int, seconds: float) -> None:
        self.calls.append((method, route, status))
        self.seconds.append(seconds)


def scripted(*answers: httpx.Response | Exception, clock: Clock | None = None) -> tuple[QuayRegistry, Script]:
    script, clock = Script(list(answers)), clock or Clock()
    return QuayRegistry(ENDPOINT, SecretText(TOKEN), transport=script, sleep=clock.sleep, clock=clock), script


def registry_of(
    quay: EmbeddedQuay, *, timeout: float = 5.0, token: str | None = None, governor: Governor | None = None, **more: Any
) -> QuayRegistry:
    """A registry on an embedded Quay that does not wait between retries."""
    endpoint = QuayEndpoint(quay.url, quay.url.partition("//")[2], **more)
    secret = SecretText(token or quay.token)
    return QuayRegistry(endpoint, secret, timeout=timeout, governor=governor, sleep=lambda _: None)


def calls(quay: EmbeddedQuay) -> list[str]:
    """The request log, as ``METHOD path``, without the part that every path has."""
    return [f"{call.method} {call.path.removeprefix('/api/v1/')}" for call in quay.api_calls]
