"""The transport: the token shows nowhere, everything has a limit, and a closed one says so."""

from __future__ import annotations

import email.utils
import logging
import os
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from tests.adapters.quay.support import ENDPOINT, TOKEN, Clock, Observed, Script, answer, page, recorded, registry_of, scripted

from quaybridge_sdk.adapters.quay import QuayRegistry, routes, transport
from quaybridge_sdk.adapters.quay.transport import Transport
from quaybridge_sdk.errors import (
    InvalidCredentialsError,
    InvalidIntegrationError,
    QuaybridgeError,
    ServerFaultError,
    ThrottledError,
    UnreachableError,
)
from quaybridge_sdk.model.quay import QuayEndpoint, SecretText
from quaybridge_sdk.testing.http import Fault
from quaybridge_sdk.testing.quay import EmbeddedQuay

USER = routes.GET_USER.call({})


def test_the_token_is_in_the_one_header() -> None:
    registry, script = scripted(recorded("errors", 11))
    assert registry.check_token() == "admin"
    sent = script.requests[0]
    assert sent.headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in str(sent.url)
    assert sent.headers["Accept"] == "application/json"
    assert "Content-Type" not in sent.headers


def test_no_part_of_the_client_holds_the_token_in_the_clear() -> None:
    sender = Transport(ENDPOINT, SecretText(TOKEN), transport=Script([]))
    assert "Authorization" not in sender._client.headers
    assert TOKEN not in repr([vars(sender), vars(sender._client), vars(sender._client._auth)])


def test_everything_has_a_timeout() -> None:
    registry, script = scripted(recorded("errors", 11))
    registry.check_token()
    assert script.requests[0].extensions["timeout"] == {"connect": 10.0, "read": 30.0, "write": 30.0, "pool": 30.0}


LEAKS = [
    httpx.ConnectError("refused"),
    httpx.RemoteProtocolError("illegal status line"),
    httpx.LocalProtocolError("Illegal header value"),
    answer(400, {"message": f"you sent Authorization: Bearer {TOKEN}"}),
    page(502, f"<title>proxy error for Bearer {TOKEN}</title>"),
    page(200, TOKEN),
    httpx.Response(302, headers={"Location": f"https://login.test/?token={TOKEN}"}),
]


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: type(leak).__name__ + str(getattr(leak, "status_code", "")))
def test_the_token_shows_nowhere(leak: httpx.Response | Exception, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    registry, _ = scripted(*[leak] * 5)
    with pytest.raises(QuaybridgeError) as caught:
        registry.create_organization("shop", "a@b.cc")
    shown = [repr(registry), repr(vars(registry)), str(caught.value), repr(caught.value), caplog.text]
    shown += traceback.format_exception(caught.value)
    error: BaseException | None = caught.value
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        request = getattr(error, "_request", None)
        shown += [repr(vars(error)), repr(request), repr(getattr(request, "headers", ""))]
        error = error.__cause__
    assert not [text for text in shown if TOKEN in text]


def test_the_logs_of_httpx_and_httpcore_do_not_show_it(quay: EmbeddedQuay, caplog: pytest.LogCaptureFixture) -> None:
    for logger in ("", "httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, logger)
    with registry_of(quay) as registry:
        registry.create_organization("shop", "a@b.cc")
        registry.robots("shop")
    names = {record.name.partition(".")[0] for record in caplog.records}
    assert {"httpx", "httpcore"} <= names, "nothing was logged, so nothing is shown"
    assert quay.token not in caplog.text
    assert not [record for record in caplog.records if quay.token in repr(record.__dict__)]


@pytest.mark.parametrize("text", ["tok\n", "  tok", "tok\r\n", "\ttok "])
def test_white_space_around_a_token_is_dropped(text: str) -> None:
    script = Script([recorded("errors", 11)])
    with QuayRegistry(ENDPOINT, SecretText(text), transport=script) as registry:
        registry.check_token()
    assert script.requests[0].headers["Authorization"] == "Bearer tok"


@pytest.mark.parametrize("text", ["", " \n", "two words", "line\nbreak", "tökén", "nul\x00"])
def test_what_is_no_token_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(InvalidCredentialsError) as caught:
        QuayRegistry(ENDPOINT, SecretText(text))
    assert not text.strip() or text not in str(caught.value)


@pytest.mark.parametrize("url", ["", "quay.test", "ftp://quay.test", "https://", "http://[::1", "http://a:99999"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidIntegrationError, match=r"spec\.quayHostname"):
        QuayRegistry(QuayEndpoint(url, "x"), SecretText(TOKEN))


def test_use_after_close_says_what_to_do(quay: EmbeddedQuay) -> None:
    with registry_of(quay) as registry:
        assert registry.check_token() == "admin"
    with pytest.raises(RuntimeError, match=r"closed: make a new one, best as `with QuayRegistry"):
        registry.check_token()
    with pytest.raises(RuntimeError, match="closed"), registry:
        pass
    registry.close()
    assert len(quay.api_calls) == 1


def test_closing_lets_calls_under_way_end(quay: EmbeddedQuay) -> None:
    entered, go_on = threading.Event(), threading.Event()

    class Slow(httpx.BaseTransport):
        closed = False

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            entered.set()
            assert go_on.wait(10)
            assert not self.closed, "the connections were closed under a call"
            return recorded("errors", 11)

        def close(self) -> None:
            self.closed = True

    slow = Slow()
    registry = QuayRegistry(ENDPOINT, SecretText(TOKEN), transport=slow)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(registry.check_token)
        assert entered.wait(10)
        registry.close()
        go_on.set()
        assert call.result(10) == "admin"
    assert slow.closed, "the last call closes the connections"


def test_the_observer_is_told_shapes() -> None:
    observed, clock = Observed(), Clock()
    script = Script([answer(200, {"robots": []}), recorded("organization", 0), httpx.ReadTimeout("x")])
    registry = QuayRegistry(ENDPOINT, SecretText(TOKEN), transport=script, observer=observed, clock=clock)
    registry.robots("shop")
    with pytest.raises(UnreachableError):
        registry.prototypes("shop")
    assert observed.calls == [
        ("GET", "/api/v1/organization/{organization}/robots", 200),
        ("GET", "/api/v1/organization/{organization}", 404),
        ("GET", "/api/v1/organization/{organization}/prototypes", 0),
    ]


def test_no_answer_in_time(quay: EmbeddedQuay) -> None:
    quay.faults.inject(Fault("silence", seconds=30))
    with registry_of(quay, timeout=0.1) as registry, pytest.raises(UnreachableError, match="no answer in time"):
        registry.check_token()
    assert len(quay.requests) <= 1, "whoever was too slow once is not asked again"


def test_nobody_listens() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        waits: list[float] = []
        registry = QuayRegistry(QuayEndpoint(url, url[7:]), SecretText(TOKEN), sleep=waits.append)
        with registry, pytest.raises(UnreachableError, match="no connection"):
            registry.check_token()
    assert len(waits) == 3


@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_a_broken_connection(quay: EmbeddedQuay, kind: str) -> None:
    quay.faults.inject(Fault(kind, times=None))  # type: ignore[arg-type]
    with registry_of(quay) as registry, pytest.raises(UnreachableError, match="the connection broke"):
        registry.check_token()
    assert len(quay.requests) == 4


@contextmanager
def _raw_server(payload: Iterator[bytes]) -> Iterator[QuayEndpoint]:
    """Answers one connection with these bytes, as slowly as they come."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                for part in payload:
                    try:
                        connection.sendall(part)
                    except OSError:
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        port = listener.getsockname()[1]
        yield QuayEndpoint(f"http://127.0.0.1:{port}", f"127.0.0.1:{port}")
        thread.join(10)
        assert not thread.is_alive()


def test_an_answer_byte_by_byte_ends_too() -> None:
    """Each byte comes in time, all of them never would."""
    stop = threading.Event()

    def drip() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
        while not stop.wait(0.02):
            yield b" "

    with _raw_server(drip()) as endpoint:
        with (
            QuayRegistry(endpoint, SecretText(TOKEN), timeout=0.2) as registry,
            pytest.raises(UnreachableError, match="too slowly"),
        ):
            registry.check_token()
        stop.set()


def test_this_is_no_http_server() -> None:
    with _raw_server(iter([b"SSH-2.0-OpenSSH_9.6\r\n"])) as endpoint:
        sender = Transport(endpoint, SecretText(TOKEN), timeout=5.0)
        with pytest.raises(UnreachableError, match="no HTTP server"):
            sender.send(USER)
        sender.close()


def test_an_endless_answer_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_BODY", 1000)
    registry, _ = scripted(page(200, "x" * 1001))
    with pytest.raises(ServerFaultError, match="larger than 1000 bytes"):
        registry.check_token()


def test_an_answer_that_cannot_be_decompressed() -> None:
    stream = httpx.ByteStream(b"no gzip")
    registry, _ = scripted(httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=stream))
    with pytest.raises(ServerFaultError, match="decompressed"):
        registry.check_token()


def test_no_cookie_is_kept() -> None:
    first = recorded("errors", 11)
    first.headers["Set-Cookie"] = "session=somebody-else; Path=/"
    registry, script = scripted(first, recorded("errors", 11))
    registry.check_token()
    registry.check_token()
    assert "Cookie" not in script.requests[1].headers


def test_redirects_are_not_followed() -> None:
    """The token goes to no other place."""
    registry, script = scripted(httpx.Response(302, headers={"Location": "https://elsewhere.test/x?next_page=abc"}))
    with pytest.raises(ServerFaultError, match=r"a redirect to https://elsewhere\.test/x, which is not followed"):
        registry.check_token()
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("7", 7.0),
        ("-7", None),
        ("soon", None),
        ("", None),
        ("٣", None),
        ("Mon, 23 Nov 1998 12:39:46 GMT", 0.0),
        ("Mon, 23 Nov 1998 12:39:46 -0000", 0.0),
    ],
)
def test_retry_after(header: str, expected: float | None) -> None:
    registry, _ = scripted(httpx.Response(429, headers=[(b"Retry-After", header.encode())]), page(429), page(429))
    with pytest.raises(ThrottledError) as caught:
        registry.check_token()
    assert caught.value.retry_after == (None if expected == 0.0 else expected), "0 is waited for, then the next has none"


def test_retry_after_as_a_date() -> None:
    when = email.utils.format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    registry, _ = scripted(httpx.Response(429, headers={"Retry-After": when}))
    with pytest.raises(ThrottledError) as caught:
        registry.check_token()
    assert caught.value.retry_after == pytest.approx(100, abs=5)


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are enough


@pytest.mark.parametrize("closes", [True, False], ids=["quay closes", "a proxy in front keeps"])
def test_connections_do_not_pile_up(monkeypatch: pytest.MonkeyPatch, closes: bool) -> None:
    quay = EmbeddedQuay()
    if not closes:
        handle = quay.handle

        def keeping(request: object) -> object:
            response = handle(request)  # type: ignore[arg-type]
            response.headers = {name: text for name, text in response.headers.items() if name != "Connection"}
            return response

        monkeypatch.setattr(quay, "handle", keeping)
    with quay, registry_of(quay) as registry, ThreadPoolExecutor(16) as pool:
        registry.check_token()
        before = _open_files()
        for _ in pool.map(lambda _: registry.check_token(), range(200)):
            pass
        # Both ends of a connection are this process's. Closing ends in the server's own thread: hence the deadline.
        allowed, deadline = 0 if closes else 2 * 4, time.monotonic() + 10
        while _open_files() - before > allowed and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        assert _open_files() - before <= allowed
    assert len(quay.requests) == 201


def test_one_client_for_all_threads(quay: EmbeddedQuay) -> None:
    with registry_of(quay) as registry, ThreadPoolExecutor(8) as pool:
        names = [f"org-{number}" for number in range(40)]
        list(pool.map(lambda name: registry.create_organization(name, f"{name}@b.cc"), names))
        found = list(pool.map(registry.organization, names))
    assert [organization and organization.email for organization in found] == [f"{name}@b.cc" for name in names]


def test_text_that_utf8_cannot_hold_is_sent() -> None:
    script = Script([answer(201, {"name": "shop+builder", "token": "T", "description": None})])
    with QuayRegistry(ENDPOINT, SecretText(TOKEN), transport=script) as registry:
        registry.create_robot("shop", "builder", "half a pair \ud800, é")
    assert script.requests[0].content == rb'{"description":"half a pair \ud800, \u00e9"}'


def test_environment_proxies_are_used(monkeypatch: pytest.MonkeyPatch, quay: EmbeddedQuay) -> None:
    monkeypatch.setenv("http_proxy", quay.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    sender = Transport(QuayEndpoint("http://quay.invalid", "quay.invalid"), SecretText(TOKEN))
    sender.send(USER)
    sender.close()
    assert quay.requests, "the call went to the proxy"
