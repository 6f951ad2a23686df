"""The three Quays of the contract suite: recordings of a real one, the embedded one, and a live one when its address is given.

``QUAYBRIDGE_TEST_QUAY_URL`` and ``QUAYBRIDGE_TEST_QUAY_TOKEN`` (of the superuser ``admin``) name a live Quay;
``QUAYBRIDGE_TEST_QUAY_OWNER_TOKEN``, of the same user without the scope super:user, is needed by one test only. With
``QUAYBRIDGE_TEST_RECORD=1`` a run against it writes the recordings anew: without Authorization and cookies, every robot's
token replaced, and the random part of organizations' names made a fixed one, so that a recording can be played back and made
again at any time.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import vcr
from attrs import Factory, define, field

from quaybridge_sdk.adapters.quay import QuayRegistry
from quaybridge_sdk.model.quay import QuayEndpoint, SecretText
from quaybridge_sdk.testing.quay import EmbeddedQuay

CASSETTES = Path(__file__).parents[1] / "cassettes" / "quay_adapter"
RECORDED_HOST = "127.0.0.1:8085"
RECORDED_SUFFIX = "000000"
LIVE_URL, LIVE_TOKEN = os.environ.get("QUAYBRIDGE_TEST_QUAY_URL", ""), os.environ.get("QUAYBRIDGE_TEST_QUAY_TOKEN", "")
LIVE_OWNER_TOKEN = os.environ.get("QUAYBRIDGE_TEST_QUAY_OWNER_TOKEN", "")
OWNER_SCOPES = ("user:admin", "org:admin", "repo:create", "repo:admin")
RECORD = os.environ.get("QUAYBRIDGE_TEST_RECORD") == "1"
_ROBOT_TOKEN = re.compile(r'("token": ?")[^"]+"')
_KEPT_HEADERS = ("content-type", "connection")


@define
class Backend:
    """One Quay to hold the adapter against. ``calls`` are those made by registries of this backend, oldest first.

    ``drop_states`` makes it a Quay without FEATURE_REPO_MIRROR, where that can be chosen. ``owner_token`` gives a token of all
    scopes but super:user. ``shows_tokens`` is False for recordings, where all robots' tokens are replaced by one.
    """

    endpoint: QuayEndpoint
    token: SecretText
    suffix: str
    calls: list[str] = Factory(list)
    drop_states: Callable[[], None] = field(default=lambda: None)
    owner_token: Callable[[], str] = field(default=lambda: pytest.skip("no token of an owner given"))
    shows_tokens: bool = True
    _made: list[str] = field(factory=list)

    def quay_call(self, method: str, route: str, status: int, seconds: float) -> None:
        self.calls.append(f"{method} {route} {status}")

    def registry(self, token: str | None = None) -> QuayRegistry:
        return QuayRegistry(self.endpoint, SecretText(token) if token else self.token, observer=self)

    def name(self, part: str) -> str:
        """An organization's name that nobody else uses; it is deleted at the end."""
        self._made.append(f"qbc-{part}-{self.suffix}")
        return self._made[-1]

    def clean(self) -> None:
        with self.registry() as registry:
            for name in self._made:
                registry.delete_organization(name)


@contextmanager
def embedded() -> Iterator[Backend]:
    with EmbeddedQuay(name_release=float("inf")) as quay:
        backend = Backend(QuayEndpoint(quay.url, quay.url.partition("//")[2]), SecretText(quay.token), secrets.token_hex(3))
        backend.drop_states = lambda: setattr(quay, "repository_states", False)
        backend.owner_token = lambda: quay.issue_token(scopes=OWNER_SCOPES)
        yield backend


@contextmanager
def recorded(test: str) -> Iterator[Backend]:
    backend = Backend(QuayEndpoint(f"http://{RECORDED_HOST}", RECORDED_HOST), SecretText("not-recorded"), RECORDED_SUFFIX)
    backend.shows_tokens = False
    with _vcr(backend).use_cassette(f"{test}.yaml", record_mode="none") as cassette:
        yield backend
        backend.clean()
        assert cassette.all_played, "the recording holds more calls than the adapter makes now: record it again"


@contextmanager
def live(test: str, *, record: bool) -> Iterator[Backend]:
    endpoint = QuayEndpoint(LIVE_URL.rstrip("/"), LIVE_URL.partition("//")[2].rstrip("/"))
    backend = Backend(endpoint, SecretText(LIVE_TOKEN), secrets.token_hex(3))
    if LIVE_OWNER_TOKEN:
        backend.owner_token = lambda: LIVE_OWNER_TOKEN
    try:
        if record:
            (CASSETTES / f"{test}.yaml").unlink(missing_ok=True)
            with _vcr(backend).use_cassette(f"{test}.yaml", record_mode="all"):
                yield backend
                backend.clean()
        else:
            yield backend
    finally:
        backend.clean()


def _vcr(backend: Backend) -> Any:
    def scrubbed(text: str) -> str:
        text = _ROBOT_TOKEN.sub(rf'\g<1>{"SCRUBBEDROBOTTOKEN":0<64}"', text)
        return text.replace(LIVE_TOKEN or "\0", "SCRUBBED").replace(backend.suffix, RECORDED_SUFFIX)

    def request_hook(request: Any) -> Any:
        request.uri = scrubbed(request.uri)
        request.body = scrubbed((request.body or b"").decode()).encode()
        request.headers = {name: text for name, text in request.headers.items() if name.lower() in ("accept", "content-type")}
        return request

    def response_hook(response: Any) -> Any:
        body = response["body"]["string"]
        response["body"]["string"] = scrubbed(body if isinstance(body, str) else body.decode()).encode()
        headers = response["headers"].items()
        response["headers"] = {name: text for name, text in headers if name.lower() in _KEPT_HEADERS}
        return response

    return vcr.VCR(
        cassette_library_dir=str(CASSETTES),
        match_on=["method", "path", "query", "body"],
        before_record_request=request_hook,
        before_record_response=response_hook,
        decode_compressed_response=True,
    )
