"""What clients without any credential can make the webhook keep: little, whatever they send and however many they are."""

from __future__ import annotations

import json
import select
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.admission_caches import Caches, recorded
from tests.runtime.webhook.conftest import Serve
from tests.runtime.webhook.test_server import until
from tests.runtime.webhook.wire import PATIENCE, Wire, post, request, review_request, wire

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
