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

MAX_BODY = 7 * 1024 * 1024
"""Bytes. The API server takes objects of up to 3 MiB and sends at most the old and the new one, with some frame around them."""

MAX_HEAD = 64 * 1024
RECEIVE_SECONDS = 30.0
"""A request that has begun must be complete after this time: the API server waits no longer for an answer."""

IDLE_SECONDS = 120.0
"""Longer than the 90 s after which Go's client drops an idle connection: who closes first risks to cut off a request on
its way.
"""

DRAIN_SECONDS = 1.0
"""How long a refused client's bytes are still taken (and dropped): closing at once would reset the connection under the
reply.
"""


class Connection(asyncio.Protocol):
    """Created by the listener, one for each connection; it is in ``alive`` for as long as it is open."""

    def __init__(self, handle: Handler, alive: MutableSet[Connection]) -> None:
        self._handle = handle
        self._alive = alive
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._target = b""
        self._body: list[bytes] = []
        self._size = 0
        self._received = 0
        self._queue: deque[Call | Reply] = deque()
        self._working = False
        self._draining = False
        self._keep_alive = True
        self._deaf = False
        self._stopping = False
        self._cancel: Cancel | None = None
        self._since = self._loop.time()

    # What the server asks for

    @property
    def idle(self) -> bool:
        """Whether no request is being received, worked on or queued."""
        return not (self._working or self._received or self._queue)

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
        """Closes a connection that has been idle, or in the middle of one request, for too long."""
        limit = IDLE_SECONDS if self.idle else RECEIVE_SECONDS
        if not self._working and now - self._since > limit:
            self._transport.close()

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's TLS transport is one in all but its class
        self._alive.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._alive.discard(self)
        self._queue.clear()
        del self._parser  # it holds this object, and so a cycle that only the garbage collector would end
        if self._cancel is not None:
            self._cancel()

    def pause_writing(self) -> None:
        self._transport.pause_reading()  # a client that does not read its replies gets to send nothing more

    def resume_writing(self) -> None:
        self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        if not self._received:
            self._since = self._loop.time()
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

    # The parser's side: it only collects, so that nothing of ours is raised through the parser. A callback for each header
    # would cost as much as the rest together, so there is none

    def on_url(self, part: bytes) -> None:
        self._target += part
        if len(self._target) > MAX_HEAD:
            self._refuse(text_reply(414, f"the target is longer than {MAX_HEAD} bytes"))

    def on_body(self, part: bytes) -> None:
        self._body.append(part)
        self._size += len(part)

    def on_message_complete(self) -> None:
        if self._size > MAX_BODY:
            self._refuse(text_reply(413, f"the body is longer than {MAX_BODY} bytes"))
        elif not self._deaf:
            keep_alive = self._parser.should_keep_alive()
            self._queue.append(Call(self._parser.get_method(), self._target, b"".join(self._body), keep_alive))
        self._received = self._size = 0
        self._target = b""
        self._body = []

    # Between the two

    def _refuse(self, reply: Reply) -> None:
        """Queues a reply that ends the connection, behind those of the calls that came before."""
        if not self._deaf:
            self._deaf = True
            self._queue.append(reply)

    def _work(self) -> None:
        self._draining = True
        while self._queue and not self._working and not self._transport.is_closing():
            item = self._queue.popleft()
            if isinstance(item, Reply):
                self._transport.write(item.encode(close=True))
                self._loop.call_later(DRAIN_SECONDS, self._transport.close)
                break
            self._working = True
            self._keep_alive = item.keep_alive
            cancel = self._handle(item, self._respond)
            self._cancel = cancel if self._working else None
        self._draining = False
        if self._working and self._queue:
            self._transport.pause_reading()  # pipelined behind a held request; no more of them for now

    def _respond(self, reply: Reply) -> None:
        last = self._stopping or not self._keep_alive
        self._working = False
        self._cancel = None
        self._since = self._loop.time()
        if self._transport.is_closing():
            return
        self._transport.write(reply.encode(close=last))
        if last:
            self._transport.close()
        elif not self._draining and self._queue:
            self._transport.resume_reading()
            self._work()
