"""The webhook's own connection and app, without sockets: bytes in, pieces as a test likes, bytes out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from attrs import define, field
from tests.admission_caches import Caches

from quaybridge_sdk.admission import Admission
from quaybridge_sdk.runtime.webhook.app import App
from quaybridge_sdk.runtime.webhook.connection import Connection
from quaybridge_sdk.runtime.webhook.room import Room

STATUSES = frozenset({200, 400, 404, 405, 413, 503})
"""All that the webhook ever answers; 500 is a bug."""


@define
class Transport:
    """Keeps what a connection does to its transport."""

    written: bytearray = field(factory=bytearray)
    closing: bool = False
    paused: bool = False

    def write(self, data: bytes) -> None:
        assert not self.closing
        self.written += data

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    abort = close

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


class Observer:
    def admission(self, verdict: str, seconds: float) -> None:
        assert verdict != "error"


@define
class Response:
    status: int
    body: bytes


def responses(data: bytes) -> list[Response]:
    """The replies on the wire; fails when they are no HTTP. Those that only say «go on» are left out."""
    found = []
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        assert end, "half a reply"
        first, *lines = head.decode("ascii").split("\r\n")
        version, code, _ = first.split(" ", 2)
        headers = dict(line.split(": ", 1) for line in lines)
        length = int(headers.get("content-length", "0"))
        assert version == "HTTP/1.1"
        assert len(data) >= length
        if code != "100":
            found.append(Response(int(code), data[:length]))
        data = data[length:]
    return found


def exchange(pieces: list[bytes], caches: Caches, *, hold: float = 0.0, lost: bool = False) -> tuple[list[Response], Transport]:
    """All replies to what comes in these pieces; ``lost``: the client goes away in the end, while something may be held."""
    transport = Transport()

    def converse() -> None:
        loop = asyncio.get_running_loop()
        app = App(Admission(caches), Observer(), ready=lambda: True, hold=hold, loop=loop)
        alive: set[Connection] = set()
        room = Room(alive)
        connection = Connection(app.handle, alive, room)
        connection.connection_made(cast("asyncio.BaseTransport", transport))
        for piece in pieces:
            if transport.closing:
                break
            connection.data_received(piece)
        if lost:
            connection.connection_lost(None)
            assert (app.held, alive) == (0, set())
            assert room.taken == 0
        else:
            while app.held:  # behind a held request others may wait, in its connection
                app.deny_held()
            connection.close_if_stale(loop.time() + 1000)
            assert transport.closing or connection._deaf, "nothing of a client's choosing keeps a connection for ever"

    _in_loop(converse)
    return responses(bytes(transport.written)), transport


def _in_loop(check: Callable[[], None]) -> None:
    async def run() -> None:
        check()

    asyncio.run(run())
