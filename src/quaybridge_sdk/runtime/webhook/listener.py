"""Takes connections in, and never more of them than a pod has memory for."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from collections.abc import Set as AbstractSet

from quaybridge_sdk.errors import InvalidInputError
from quaybridge_sdk.runtime.webhook.connection import Connection

_log = logging.getLogger(__name__)

BACKLOG = 1024
MAX_CONNECTIONS = 512
"""One with TLS takes some 50 KiB, and several times as much while a client floods it."""

RECEIVE_BUFFER = 64 * 1024
"""Bytes. What the kernel has is read at once, and the buffers of TLS stay as large as the largest read: without this, a
connection that was flooded once keeps a megabyte.
"""

HANDSHAKE_SECONDS = 10.0
SHUTDOWN_SECONDS = 2.0
"""How long a client has to say its end of TLS, too. One that says nothing would keep its connection for asyncio's 30 s."""

RETRY_SECONDS = 0.1
AT_ONCE = 16
"""How many connections are accepted before requests get their turn: a flood of them keeps nobody waiting."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; "" is every address.

    Raises:
        InvalidInputError: the address cannot be listened on.
    """
    dual = not host and socket.has_dualstack_ipv6()
    try:
        family = socket.AF_INET6 if dual or ":" in host else socket.AF_INET
        sock = socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=dual)
    except OSError as error:
        raise InvalidInputError(f"cannot listen on {host or '*'}:{port}: {error.strerror or error}") from error
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)  # before a connection comes: it inherits this
    sock.setblocking(False)
    return sock


class Listener:
    """Accepts connections until it is closed.

    asyncio's own server says nothing of a connection before its handshake has ended, so with it those could not be bounded
    that never end theirs.

    Args:
        sock: listens.
        make: makes the protocol of a connection.
        alive: the connections whose handshake has ended.
        context: None does without TLS.
    """

    def __init__(
        self,
        sock: socket.socket,
        make: Callable[[], Connection],
        alive: AbstractSet[Connection],
        context: ssl.SSLContext | None,
    ) -> None:
        self._sock = sock
        self._make = make
        self._alive = alive
        self._context = context
        self._arriving: dict[asyncio.Task[None], socket.socket] = {}
        self._loop = asyncio.get_running_loop()
        self._retry: asyncio.TimerHandle | None = None
        self._listen()

    def close(self) -> None:
        """Accepts those who have connected already, and nobody more. Handshakes go on."""
        if self._sock.fileno() < 0:
            return
        self._accept(BACKLOG)
        if self._retry is not None:
            self._retry.cancel()
        self._loop.remove_reader(self._sock)
        self._sock.close()

    async def cut_off(self) -> None:
        """Ends the handshakes, too."""
        tasks = tuple(self._arriving)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _listen(self) -> None:
        self._retry = None
        self._loop.add_reader(self._sock, self._accept)

    def _accept(self, most: int = AT_ONCE) -> None:
        for _ in range(most):
            try:
                sock, _address = self._sock.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:  # for example no file descriptor is left; whoever connects waits meanwhile
                _log.warning("a connection was not accepted: %s", error)
                self._loop.remove_reader(self._sock)
                self._retry = self._loop.call_later(RETRY_SECONDS, self._listen)
                return
            if self._has_room():
                self._greet(sock)
            else:
                sock.close()

    def _greet(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        task = self._loop.create_task(self._shake_hands(sock))
        self._arriving[task] = sock
        task.add_done_callback(self._greeted)

    def _greeted(self, task: asyncio.Task[None]) -> None:
        sock = self._arriving.pop(task, None)
        if sock is not None and task.cancelled():
            sock.close()  # it may have been cancelled before it began

    def _has_room(self) -> bool:
        """Whether one more can be taken, for which the oldest that waits for its client may have to go.

        An API server's client loses an idle connection by that at most, and makes another. With the newest refused
        instead, whoever came first and does nothing would keep it out.
        """
        if len(self._alive) + len(self._arriving) < MAX_CONNECTIONS:
            return True
        if len(self._arriving) > len(self._alive):
            return any(task.cancel() for task in self._arriving if not task.cancelling())
        waiting = min((c for c in self._alive if c.waits), key=_since, default=None)
        if waiting is not None:
            waiting.abort()
        return waiting is not None

    async def _shake_hands(self, sock: socket.socket) -> None:
        shake, shut = (HANDSHAKE_SECONDS, SHUTDOWN_SECONDS) if self._context else (None, None)
        try:
            await self._loop.connect_accepted_socket(
                self._make, sock, ssl=self._context, ssl_handshake_timeout=shake, ssl_shutdown_timeout=shut
            )
        except OSError:  # what a client does wrong is its own affair; ssl.SSLError and TimeoutError are among them
            sock.close()


def _since(connection: Connection) -> float:
    return connection.since
