"""HTTP as it comes: in pieces, in rows, too long, or not HTTP at all."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import pytest
from tests.admission_caches import Caches, linked_caches, recorded
from tests.runtime.webhook.conftest import Serve
from tests.runtime.webhook.wire import PATIENCE, request, review_request, wire

from quaybridge_sdk.runtime.webhook.connection import ABORT_SECONDS, IDLE_SECONDS, MAX_BODY, RECEIVE_SECONDS, Connection
from quaybridge_sdk.runtime.webhook.replies import Call, Cancel, Respond, text_reply
from quaybridge_sdk.runtime.webhook.room import Room

REVIEW = recorded("docker-annotated")
UID = REVIEW["request"]["uid"]


def with_uid(uid: str) -> Any:
    return {**REVIEW, "request": {**REVIEW["request"], "uid": uid}}


@pytest.mark.parametrize(
    ("method", "target", "status", "allow"),
    [
        ("GET", "/healthz", 200, None),
        ("GET", "/readyz", 200, None),
        ("GET", "/readyz?verbose", 200, None),
        ("POST", "/healthz", 405, "GET"),
        ("GET", "/admissionwebhook", 405, "POST"),
        ("PUT", "/admissionwebhook?timeout=10s", 405, "POST"),
        ("POST", "/", 404, None),
        ("POST", "/admissionwebhook/", 404, None),
        ("GET", "/metrics", 404, None),
        ("DELETE", "//", 404, None),
    ],
)
def test_routes(serve: Serve, method: str, target: str, status: int, allow: str | None) -> None:
    with wire(serve().port) as connection:
        response = connection.send(request(b"", method=method, target=target)).read()
        assert (response.status, response.headers.get("allow")) == (status, allow)
        assert connection.send(request(b"", method="GET", target="/healthz")).read().body == b"ok\n", "the connection goes on"


def test_a_review(serve: Serve) -> None:
    with wire(serve().port) as connection:
        for _ in range(3):
            response = connection.send(review_request(REVIEW)).read()
            assert (response.status, response.headers["content-type"]) == (200, "application/json")
            assert response.json["response"]["uid"] == UID


@pytest.mark.parametrize("size", [1, 7, 100, 1000])
def test_a_request_in_pieces(serve: Serve, size: int) -> None:
    data = review_request(REVIEW)
    with wire(serve().port) as connection:
        for start in range(0, len(data), size):
            connection.send(data[start : start + size])
        assert connection.read().json["response"]["uid"] == UID


def test_a_chunked_body(serve: Serve) -> None:
    body = json.dumps(REVIEW).encode()
    parts = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:50], body[50:]))
    head = b"POST /admissionwebhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with wire(serve().port) as connection:
        assert connection.send(head + parts + b"0\r\n\r\n").read().json["response"]["uid"] == UID


def test_requests_in_a_row_are_answered_in_order(serve: Serve) -> None:
    rows = b"".join(review_request(with_uid(f"row-{number}")) for number in range(50))
    with wire(serve().port) as connection:
        connection.send(rows)
        assert [connection.read().json["response"]["uid"] for _ in range(50)] == [f"row-{number}" for number in range(50)]


def test_a_request_behind_a_held_one_waits_its_turn(serve: Serve) -> None:
    caches = linked_caches()
    del caches.accounts["peer-b", "builder"]
    server = serve(caches)
    with wire(server.port) as connection:
        connection.send(review_request(with_uid("held")))
        assert all(caches.looked.acquire(timeout=PATIENCE) for _ in range(2)), "it is held"
        connection.send(request(b"", method="GET", target="/healthz") + request(b"", method="GET", target="/nowhere"))
        connection.send(review_request(with_uid("after")))
        caches.link("peer-b")
        assert connection.read().json["response"]["uid"] == "held"
        assert [connection.read().status for _ in range(2)] == [200, 404]
        assert connection.read().json["response"]["uid"] == "after"


def test_expect_continue(serve: Serve) -> None:
    body = json.dumps(REVIEW).encode()
    data = request(body, more="Expect: 100-continue\r\n")
    with wire(serve().port) as connection:
        connection.send(data[: -len(body)])
        assert connection.read().status == 100
        assert connection.send(body).read().status == 200


@pytest.mark.parametrize("more", ["Connection: close\r\n", "connection: Close\r\n"])
def test_the_client_may_ask_for_the_end(serve: Serve, more: str) -> None:
    with wire(serve().port) as connection:
        response = connection.send(review_request(REVIEW, more=more)).read()
        assert response.headers["connection"] == "close"
        assert connection.at_end()


def test_http_1_0(serve: Serve) -> None:
    with wire(serve().port) as connection:
        assert connection.send(b"GET /healthz HTTP/1.0\r\n\r\n").read().status == 200
        assert connection.at_end()


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS where plain HTTP is spoken",
        b"GET\r\n\r\n",
        b"POST /admissionwebhook HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /admissionwebhook HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello",
        b"POST /admissionwebhook HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nx",
        b"CONNECT elsewhere:443 HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_not_our_protocol_gets_a_clear_400(serve: Serve, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quaybridge_sdk.runtime.webhook.connection.DRAIN_SECONDS", 0.02)
    with wire(serve().port) as connection:
        responses = [connection.send(data).read()]
        if responses[-1].status != 400:  # the request itself was fine, what it asks for besides is not
            responses.append(connection.read())
        assert responses[-1].status == 400
        assert responses[-1].headers["connection"] == "close"
        assert responses[-1].body.startswith((b"not HTTP/1.1: ", b"upgrades are not supported"))
        assert connection.at_end()


def test_what_came_before_the_nonsense_is_answered_first(serve: Serve) -> None:
    with wire(serve().port) as connection:
        connection.send(review_request(REVIEW) + b"nonsense\r\n\r\n")
        assert [connection.read().status for _ in range(2)] == [200, 400]


def big_review(size: int) -> Any:
    body = json.loads(json.dumps(REVIEW))
    body["request"]["object"]["spec"]["source"]["dockerfile"] = "x" * size
    return body


def test_as_much_as_the_api_server_may_send(serve: Serve) -> None:
    with wire(serve().port) as connection:
        assert connection.send(review_request(big_review(6 * 1024 * 1024))).read().json["response"]["allowed"] is True


def test_more_is_refused_and_can_be_read_by_the_client(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quaybridge_sdk.runtime.webhook.connection.DRAIN_SECONDS", 0.2)
    with wire(serve().port) as connection:
        response = connection.send(review_request(big_review(MAX_BODY))).read()
        assert (response.status, response.headers["connection"]) == (413, "close")
        assert response.body == b"the body is longer than 7340032 bytes\n"
        assert connection.at_end()


def test_an_endless_body_is_refused_while_it_comes(serve: Serve) -> None:
    head = b"POST /admissionwebhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with wire(serve().port) as connection:
        connection.send(head)
        for _ in range(48):  # also long after it was refused: more than the buffers on the way can hold
            connection.send(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
        assert connection.read().status == 413


def test_an_endless_head_is_refused(serve: Serve) -> None:
    with wire(serve().port) as connection:
        connection.send(b"GET /healthz HTTP/1.1\r\n" + b"X: " + b"y" * (MAX_BODY + 70_000))
        assert connection.read().status in (400, 413)


def test_a_client_that_goes_away_while_it_is_held_leaves_nothing(serve: Serve) -> None:
    caches = Caches()
    told: list[str] = []

    class Observer:
        def admission(self, verdict: str, seconds: float) -> None:
            told.append(verdict)

    server = serve(caches, observer=Observer())
    with wire(server.port) as connection:
        connection.send(review_request(REVIEW))
        assert all(caches.looked.acquire(timeout=PATIENCE) for _ in range(2)), "it is held"
    with wire(server.port) as other:
        assert other.send(request(b"", method="GET", target="/healthz")).read().status == 200
        while server.connections > 1:
            assert other.send(request(b"", method="GET", target="/healthz")).read().status == 200
        caches.link("peer-b")
        assert other.send(request(b"", method="GET", target="/healthz")).read().status == 200, "the change was heard before this"
    assert told == [], "nobody was there to be answered"


# Without a network: what only time brings about


class Transport:
    """Records what a connection does to its transport."""

    def __init__(self) -> None:
        self.written = b""
        self.done: list[str] = []

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return "close" in self.done or "abort" in self.done

    def close(self) -> None:
        self.done.append("close")

    def abort(self) -> None:
        self.done.append("abort")

    def pause_reading(self) -> None:
        self.done.append("pause")

    def resume_reading(self) -> None:
        self.done.append("resume")


class Slow:
    """A handler that answers when it is told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[Call, Respond]] = []
        self.cancelled = 0

    def __call__(self, call: Call, respond: Respond) -> Cancel | None:
        self.calls.append((call, respond))
        return self.cancel

    def cancel(self) -> None:
        self.cancelled += 1


def connected(handler: Slow) -> tuple[Connection, Transport]:
    connection, transport = Connection(handler, set(), Room(())), Transport()
    connection.connection_made(cast("asyncio.BaseTransport", transport))
    return connection, transport


def in_loop(check: Any) -> None:
    """Runs a check that needs a running loop, though it waits for nothing."""

    async def run() -> None:
        check()

    asyncio.run(run())


def test_idle_half_sent_and_held_connections_have_each_their_time() -> None:
    def check() -> None:
        now = asyncio.get_running_loop().time()
        idle, idle_transport = connected(Slow())
        half, half_transport = connected(Slow())
        half.data_received(b"POST /admissionwebhook HTTP/1.1\r\nContent-Le")
        held, held_transport = connected(Slow())
        held.data_received(request(b"x"))
        transports = (idle_transport, half_transport, held_transport)
        closed = []
        for seconds in (RECEIVE_SECONDS - 5, RECEIVE_SECONDS + 5, IDLE_SECONDS - 5, IDLE_SECONDS + 5):
            for connection in (idle, half, held):
                connection.close_if_stale(now + seconds)
            closed.append([transport.is_closing() for transport in transports])
        assert closed == [[False, False, False], [False, True, False], [False, True, False], [True, True, False]]

    in_loop(check)


def test_a_connection_whose_close_its_client_does_not_take_is_cut_off() -> None:
    def check() -> None:
        connection, transport = connected(Slow())
        connection.data_received(b"POST /admissionwebhook HTTP/1.1\r\n")
        end = asyncio.get_running_loop().time() + RECEIVE_SECONDS
        for seconds, done in ((-1, []), (1, ["close"]), (ABORT_SECONDS + 1, ["close", "abort"])):
            connection.close_if_stale(end + seconds)
            assert transport.done == done

    in_loop(check)


def test_a_client_that_sends_no_end_of_requests_is_made_to_wait() -> None:
    def check() -> None:
        handler = Slow()
        connection, transport = connected(handler)
        connection.data_received(request(b"1") * 3)
        assert (len(handler.calls), transport.done) == (1, ["pause"])
        handler.calls[0][1](text_reply(200, "one"))
        assert (len(handler.calls), transport.done) == (2, ["pause", "resume", "pause"])

    in_loop(check)


def test_a_client_that_reads_no_answers_is_made_to_wait() -> None:
    def check() -> None:
        connection, transport = connected(Slow())
        connection.pause_writing()
        connection.resume_writing()
        assert transport.done == ["pause", "resume"]

    in_loop(check)


def test_no_more_answers_are_written_than_a_client_reads() -> None:
    """A short request has an answer of many times its length."""

    connection: Connection

    def answer(call: Call, respond: Respond) -> None:
        connection.pause_writing()
        respond(text_reply(200, "one"))

    def check() -> None:
        nonlocal connection
        transport = Transport()
        connection = Connection(answer, set(), Room(()))
        connection.connection_made(cast("asyncio.BaseTransport", transport))
        connection.data_received(request(b"") * 3)
        for count in (1, 2, 3, 3):
            assert transport.written.count(b"200 OK") == count
            connection.resume_writing()
        assert connection.held == 0

    in_loop(check)


def test_a_lost_connection_gives_its_call_up_once() -> None:
    def check() -> None:
        handler = Slow()
        connection, transport = connected(handler)
        connection.data_received(request(b"1"))
        transport.close()
        connection.connection_lost(None)
        assert handler.cancelled == 1
        handler.calls[0][1](text_reply(200, "too late"))
        assert transport.written == b""

    in_loop(check)
