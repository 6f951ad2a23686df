"""What clients without any credential can make the webhook keep: little, whatever they send and however many they are."""

from __future__ import annotations

import json
import select
import socket
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.admission_caches import Caches, linked_caches, recorded
from tests.runtime.webhook.conftest import Serve
from tests.runtime.webhook.test_server import until
from tests.runtime.webhook.wire import PATIENCE, Wire, post, request, review_request, wire, write_pair

from quaybridge_sdk.runtime.webhook import CertificateDirectory, WebhookServer
from quaybridge_sdk.runtime.webhook.room import MAX_HELD

REVIEW = recorded("docker-annotated")
CHUNKED = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
PART = 6 * 1024 * 1024
MOST = MAX_HELD // PART
"""So many connections may keep a part each."""


@pytest.fixture
def wires() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def half(size: int = PART) -> bytes:
    """A request whose last byte is missing."""
    return request(b"x" * (size + 1), target="/nowhere")[:-1]


def big_held_review() -> bytes:
    """Its Build is kept until it is answered, and an annotation of any size with it."""
    review = json.loads(json.dumps(REVIEW))
    review["request"]["object"]["metadata"]["annotations"]["x"] = "x" * PART
    return review_request(review)


def refused(connections: list[Wire]) -> list[Wire]:
    """Those that got an answer; waits for the first one."""
    found, _, _ = select.select([connection.sock for connection in connections], [], [], PATIENCE)
    return [connection for connection in connections if connection.sock in found]


def opened(server: WebhookServer, wires: ExitStack, count: int) -> list[Wire]:
    """So many connections, each of which has been served, the oldest first."""
    made = []
    for _ in range(count):
        made.append(wires.enter_context(wire(server.port)))
        assert made[-1].send(request(b"", method="GET", target="/healthz")).read().status == 200
    return made


def closed(connection: Wire | socket.socket) -> bool:
    """Whether the server has closed it; waits for that."""
    sock = connection.sock if isinstance(connection, Wire) else connection
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_body_in_chunks_of_two_bytes_costs_what_it_has(serve: Serve) -> None:
    """Kept in parts, this one of 200 kB would cost five megabytes."""
    data = CHUNKED + b"2\r\nxx\r\n" * 100_000 + b"0\r\n\r\n"
    with wire(serve().port) as connection:
        tracemalloc.start()
        try:
            assert connection.send(data).read().status == 404
            assert tracemalloc.get_traced_memory()[1] < 2_000_000
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("what", ["unfinished", "held"])
def test_all_requests_together_have_so_much_room(serve: Serve, wires: ExitStack, what: str) -> None:
    server = serve(Caches(), hold=PATIENCE)
    data = half() if what == "unfinished" else big_held_review()
    connections = [wires.enter_context(wire(server.port)) for _ in range(MOST + 1)]
    for connection in connections:
        connection.send(data)
    (loser,) = refused(connections)
    response = loser.read()
    assert (response.status, response.headers["connection"]) == (503, "close")
    assert response.body == b"too many bytes of unfinished requests: try again\n"
    assert post(server.port, None, method="GET", target="/healthz").status == 200, "others are answered meanwhile"
    wires.close()
    until(lambda: server.connections == 0)
    assert server._room.taken == 0


def test_room_comes_back_with_each_answer_and_each_lost_connection(serve: Serve, wires: ExitStack) -> None:
    server = serve()
    for _ in range(3):
        connections = [wires.enter_context(wire(server.port)) for _ in range(MOST)]
        for connection in connections:
            connection.send(half())
        until(lambda: server._room.taken >= MOST * PART)
        assert [connection.send(b"x").read().status for connection in connections[1:]] == [404] * (MOST - 1)
        until(lambda: server._room.taken <= PART + 1000)
        wires.close()
        until(lambda: server._room.taken == 0)


def test_the_one_that_takes_most_makes_room_for_the_others(serve: Serve, wires: ExitStack) -> None:
    server = serve()
    large, *rest = (wires.enter_context(wire(server.port)) for _ in range(MOST + 1))
    large.send(half(PART + 1000))
    for connection in rest:
        connection.send(half())
    assert refused([large, *rest]) == [large]
    assert [connection.send(b"x").read().status for connection in rest] == [404] * MOST


def test_beyond_the_limit_the_connection_goes_that_waits_longest(
    serve: Serve, wires: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    first, second, third = opened(server, wires, 3)
    opening = max(connection.since for connection in tuple(server._alive))
    while sum(connection.since > opening for connection in tuple(server._alive)) < 2:  # the clock may be a coarse one
        for busier in (first, third):
            assert busier.send(review_request(REVIEW)).read().status == 200
    third.send(half(100))
    until(lambda: server._room.taken > 0)
    monkeypatch.setattr("quaybridge_sdk.runtime.webhook.listener.MAX_CONNECTIONS", 3)
    opened(server, wires, 1)
    assert closed(second)
    assert first.send(review_request(REVIEW)).read().status == 200
    assert third.send(b"x").read().status == 404


def test_beyond_the_limit_a_new_connection_is_closed_when_all_others_are_at_work(
    serve: Serve, wires: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    caches = linked_caches()
    del caches.accounts["peer-b", "builder"]
    server = serve(caches, hold=PATIENCE)
    busy = opened(server, wires, 2)
    for connection in busy:
        connection.send(review_request(REVIEW))
        assert all(caches.looked.acquire(timeout=PATIENCE) for _ in range(2)), "it is held"
    monkeypatch.setattr("quaybridge_sdk.runtime.webhook.listener.MAX_CONNECTIONS", 2)
    assert closed(wires.enter_context(wire(server.port)))
    caches.link("peer-b")
    assert [connection.read().status for connection in busy] == [200, 200]
    until(lambda: server._room.taken == 0)
    assert server.connections == 2


def test_handshakes_that_never_end_keep_nobody_out(
    serve: Serve, wires: ExitStack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("quaybridge_sdk.runtime.webhook.listener.MAX_CONNECTIONS", 3)
    write_pair(tmp_path)
    server = serve(certificates=CertificateDirectory(tmp_path))
    silent = [wires.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)) for _ in range(3)]
    assert post(server.port, REVIEW, tls=True).status == 200
    assert closed(silent[0])


def test_who_never_ends_a_handshake_is_closed(serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("quaybridge_sdk.runtime.webhook.listener.HANDSHAKE_SECONDS", 0.05)
    write_pair(tmp_path)
    server = serve(certificates=CertificateDirectory(tmp_path))
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as plain:
        assert closed(plain)


def test_who_never_ends_a_request_is_gone_soon_though_it_says_no_end_of_tls(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("server.TICK_SECONDS", "connection.RECEIVE_SECONDS", "connection.ABORT_SECONDS"):
        monkeypatch.setattr(f"quaybridge_sdk.runtime.webhook.{name}", 0.05)
    write_pair(tmp_path)
    server = serve(certificates=CertificateDirectory(tmp_path))
    with wire(server.port, tls=True) as connection:
        connection.send(half())
        until(lambda: server._room.taken > 0)
        until(lambda: server.connections == 0)
    assert server._room.taken == 0
