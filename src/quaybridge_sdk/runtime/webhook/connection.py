"""One HTTP/1.1 connection: bytes in, calls to the app, replies out in order.

It stands directly on httptools' parser. An ASGI server would put a task, an event and three dictionaries around each
request, which cost more than the whole answer (see ``benchmarks/webhook.py``, which measures both). What is left out is
what the API server does not use: HTTP/2, upgrades, streamed replies.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import MutableSet
from typing import cast

import httptools

from quaybridge_sdk.runtime.webhook.replies import Call, Cancel, Handler, Reply, text_reply
from quaybridge_sdk.runtime.webhook.room import Room

MAX_BODY = 7 * 1024 * 1024
"""Bytes. The API server takes objects of up to 3 MiB and sends at most the old and the new one, with some frame around them."""

MAX_HEAD = 64 * 1024
RECEIVE_SECONDS = 30.0
"""A request that has begun must be complete after this time: the API server waits no longer for an answer."""

IDLE_SECONDS = 120.0
"""Longer than the 90 s after which Go's client drops an idle connection: who closes first risks to cut off a request on
its way.
"""

QUEUED = 512
"""Bytes. About what a queued call takes beside its body; a client may send many that have none."""

ABORT_SECONDS = 2.0
"""After a connection that took too long was closed, how long its client may still take to read."""

DRAIN_SECONDS = 1.0
"""How long a refused client's bytes are still taken (and dropped): closing at once would reset the connection under the
reply.
"""


class Connection(asyncio.Protocol):
    """Created by the listener, one for each connection; it is in ``alive`` for as long as it is open.

    ``held`` are the bytes that it keeps of requests without an answer, as last told to the room. Bytes that are answered in
    the call that brings them, which is the rule, are never counted.
    """

    def __init__(self, handle: Handler, alive: MutableSet[Connection], room: Room) -> None:
        self._handle = handle
        self._alive = alive
        self._room = room
        self.held = 0
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._target = b""
        self._body: bytes | bytearray = b""
        self._size = 0
        self._asked = 0
        self._received = 0
        self._queue: deque[Call | Reply] = deque()
        self._working = False
        self._draining = False
        self._keep_alive = True
        self._deaf = False
        self._blocked = False
        self._stopping = False
        self._cancel: Cancel | None = None
        self.since = self._loop.time()

    # What the server asks for

    @property
    def idle(self) -> bool:
        """Whether no request is being received, worked on or queued."""
        return not (self._working or self._received or self._target or self._queue)

    @property
    def waits(self) -> bool:
        """Whether it is the client's turn, ``since`` then: to send a request, or the rest of one."""
        return not (self._working or self._transport.is_closing())

    def finish(self) -> None:
        """The next reply is the last one."""
        self._stopping = True

    def close_if_idle(self) -> None:
        """Closes a connection that nothing is under way on, once what was written is sent."""
        if self.idle:
            self._transport.close()

    def abort(self) -> None:
        """Closes the connection at once."""
        self._transport.abort()

    def close_if_stale(self, now: float) -> None:
        """Closes a connection that has been idle, or in the middle of one request, for too long.

        One that is not closed a while later has a client that reads nothing, and would wait for it without an end.
        """
        over = now - self.since - (IDLE_SECONDS if self.idle else RECEIVE_SECONDS)
        if self._working or over <= 0:
            return
        if over > ABORT_SECONDS:
            self._transport.abort()
        else:
            self._transport.close()

    def give_up(self) -> None:
        """Refuses what is held for this client, also what it waits for: others need the room."""
        if self._cancel is not None:
            self._cancel()
        self._cancel, self._working, self._deaf = None, False, True
        self._queue = deque([text_reply(503, "too many bytes of unfinished requests: try again")])
        self._count()
        if self._blocked:
            self._transport.abort()
        elif not self._transport.is_closing():
            self._transport.resume_reading()
            self._work()

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's TLS transport is one in all but its class
        self._alive.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._alive.discard(self)
        self._queue.clear()
        self._deaf, self._working = True, False
        self._count()
        del self._parser  # it holds this object, and so a cycle that only the garbage collector would end
        if self._cancel is not None:
            self._cancel()

    def pause_writing(self) -> None:
        self._blocked = True
        self._transport.pause_reading()  # a client that does not read its replies gets to send nothing more

    def resume_writing(self) -> None:
        self._blocked = False
        self._transport.resume_reading()
        if not self._draining:
            self._work()
            self._count()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        if not self._received:
            self.since = self._loop.time()
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(text_reply(400, "upgrades are not supported"))
        except httptools.HttpParserError as error:
            self._refuse(text_reply(400, f"not HTTP/1.1: {error}"))
        if self._received > MAX_BODY + MAX_HEAD:
            self._refuse(text_reply(413, f"the body is longer than {MAX_BODY} bytes"))
        if self._queue:
            self._work()
        elif data.endswith(b"\r\n\r\n") and b"100-continue" in data.lower():
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")  # one too many does no harm: clients skip it
        if self._target or self._queue or self._working or self.held:
            self._count()

    # The parser's side: it only collects, so that nothing of ours is raised through the parser. A callback for each header
    # would cost as much as the rest together, so there is none

    def on_url(self, part: bytes) -> None:
        self._target += part
        if len(self._target) > MAX_HEAD:
            self._refuse(text_reply(414, f"the target is longer than {MAX_HEAD} bytes"))

    def on_body(self, part: bytes) -> None:
        if not self._size:
            self._body = part
        else:  # joined at once: a list of parts of two bytes would take fifty times their size
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += part
        self._size += len(part)

    def on_message_complete(self) -> None:
        if self._size > MAX_BODY:
            self._refuse(text_reply(413, f"the body is longer than {MAX_BODY} bytes"))
        elif not self._deaf:
            keep_alive = self._parser.should_keep_alive()
            self._queue.append(Call(self._parser.get_method(), self._target, bytes(self._body), keep_alive))
        self._received = self._size = 0
        self._target = self._body = b""

    # Between the two

    def _count(self) -> None:
        """Tells the room what is held now."""
        if self._deaf:
            self._target = self._body = b""
            self._size = 0
        if not self._working:
            self._asked = 0
        calls = (item for item in self._queue if isinstance(item, Call))
        queued = sum(QUEUED + len(call.target) + len(call.body) for call in calls)
        before, self.held = self.held, len(self._target) + self._size + self._asked + queued
        self._room.change(self.held - before)

    def _refuse(self, reply: Reply) -> None:
        """Queues a reply that ends the connection, behind those of the calls that came before."""
        if not self._deaf:
            self._deaf = True
            self._queue.append(reply)

    def _work(self) -> None:
        self._draining = True
        while self._queue and not (self._working or self._blocked or self._transport.is_closing()):
            item = self._queue.popleft()
            if isinstance(item, Reply):
                self._transport.write(item.encode(close=True))
                self._loop.call_later(DRAIN_SECONDS, self._transport.close)
                break
            self._working = True
            self._keep_alive = item.keep_alive
            cancel = self._handle(item, self._respond)
            if self._working:
                self._cancel, self._asked = cancel, len(item.body)
        self._draining = False
        if self._working and self._queue:
            self._transport.pause_reading()  # pipelined behind a held request; no more of them for now

    def _respond(self, reply: Reply) -> None:
        last = self._stopping or not self._keep_alive
        self._working = False
        self._cancel = None
        self.since = self._loop.time()
        if self._transport.is_closing():
            return
        self._transport.write(reply.encode(close=last))
        if last:
            self._transport.close()
        elif not self._draining:
            if self._queue and not self._blocked:
                self._transport.resume_reading()
                self._work()
            if self.held:
                self._count()
