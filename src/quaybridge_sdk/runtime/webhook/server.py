"""The webhook's server: a listener with TLS, an event loop in a thread of its own, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Self

from quaybridge_sdk.admission import Admission, AdmissionReader
from quaybridge_sdk.ports import ChangeFeed
from quaybridge_sdk.runtime.webhook.app import AdmissionObserver, App
from quaybridge_sdk.runtime.webhook.certificates import CertificateSource, LiveCertificate
from quaybridge_sdk.runtime.webhook.connection import Connection
from quaybridge_sdk.runtime.webhook.listener import Listener, listen
from quaybridge_sdk.runtime.webhook.room import Room

_log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
"""How often certificate files and stale connections are looked at."""

LINGER_SECONDS = 0.25
"""On a stop, how long idle connections stay open: a request that is on its way then gets its answer, and is told to be
the last.
"""

FLUSH_SECONDS = 1.0
"""After the grace, how long the last replies have to leave."""


class _Unobserved:
    """For a server that nobody observes."""

    def admission(self, verdict: str, seconds: float) -> None:
        """Does nothing."""


class WebhookServer:
    """Serves ``POST /admissionwebhook``, ``GET /healthz`` and ``GET /readyz``; a context manager.

    It answers from ``reader`` alone and makes no call. A Build whose pull secret is not linked yet waits, without
    keeping others from being answered, for a change told by ``changes``; after ``hold`` seconds, or a second before the
    API server's own timeout, it is denied. Nothing here handles signals: the caller calls :meth:`stop`, from any thread.

    Args:
        reader: the caches.
        changes: tells of changes once the caches hold them.
        ready: whether the caches are filled. Before that admission requests get 503, so the failurePolicy of the webhook
            configuration decides.
        host: the address to listen on; "" is every one, of IPv6 too where there is any.
        port: 0 takes a free one (see :attr:`port`). 9443 is the incumbent's.
        certificates: where the serving certificate is; None serves plain HTTP, for a proxy in front that does TLS.
        observer: is told of each admission request.
        hold: seconds that a Build may wait. 8 leaves room below the usual timeout of 10.
        grace: seconds that requests under way get when the server is stopped. 5 fits twice into the pod's grace period of 10.
    """

    def __init__(
        self,
        reader: AdmissionReader,
        changes: ChangeFeed,
        *,
        ready: Callable[[], bool],
        host: str = "",
        port: int = 9443,
        certificates: CertificateSource | None = None,
        observer: AdmissionObserver | None = None,
        hold: float = 8.0,
        grace: float = 5.0,
    ) -> None:
        self._admission = Admission(reader)
        self._changes = changes
        self._ready = ready
        self._address = (host, port)
        self._source = certificates
        self._observer = observer or _Unobserved()
        self._hold = hold
        self._grace = grace
        self._alive: set[Connection] = set()
        self._room = Room(self._alive)
        self._thread: threading.Thread | None = None
        self._ended: Future[None] = Future()
        self._port: int | None = None
        self._lock = threading.Lock()
        self._ask_to_stop: Callable[[], object] | None = None

    @property
    def port(self) -> int:
        """The port that is listened on.

        Raises:
            RuntimeError: the server was not started.
        """
        if self._port is None:
            raise RuntimeError("the webhook server was not started: use it in a `with`, or call start()")
        return self._port

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._alive)

    def start(self) -> None:
        """Loads the certificate, listens, and returns once requests are answered.

        Raises:
            InvalidInputError: there is no usable certificate, or the address cannot be listened on.
            RuntimeError: the server was started before; make another one.
        """
        if self._thread is not None:
            raise RuntimeError("a webhook server can be started once: make another one")
        live = LiveCertificate(self._source) if self._source is not None else None
        listener = listen(*self._address)
        self._port = int(listener.getsockname()[1])
        started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(listener, live, started), name="webhook", daemon=True)
        self._thread.start()
        started.result()
        _log.info("answering on %s:%d", self._address[0] or "*", self._port)

    def stop(self) -> None:
        """Refuses new connections, finishes the requests under way within ``grace``, and returns when all is closed.

        A held request may still be answered by a change in that time; at the end of it, it is denied. A second call only waits.
        """
        with self._lock:
            if self._ask_to_stop is not None:
                self._ask_to_stop()
        if self._thread is not None:
            self._thread.join()

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until the server has ended; False when ``timeout`` seconds were not enough. Raises what made it end, if
        anything did.
        """
        try:
            self._ended.result(timeout)
        except TimeoutError:
            if not self._ended.done():
                return False
            raise
        return True

    def run_forever(self, stopped: threading.Event) -> None:
        """Serves until ``stopped`` is set. Raises what :meth:`start` raises, and what ended the server before, if
        anything did.
        """
        with self:
            self._ended.add_done_callback(lambda _: stopped.set())
            stopped.wait()
        self.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self, listener: socket.socket, live: LiveCertificate | None, started: Future[None]) -> None:
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(self._serve(listener, live, started))
        except BaseException as error:  # noqa: BLE001 - it crosses over to the threads in start() or wait()
            (self._ended if started.done() else started).set_exception(error)
            if not self._ended.done():
                self._ended.set_result(None)
        else:
            self._ended.set_result(None)

    async def _serve(self, sock: socket.socket, live: LiveCertificate | None, started: Future[None]) -> None:
        loop = asyncio.get_running_loop()
        asked = asyncio.Event()
        app = App(self._admission, self._observer, ready=self._ready, hold=self._hold, loop=loop)
        context = live.context if live else None
        listener = Listener(sock, lambda: Connection(app.handle, self._alive, self._room), self._alive, context)
        unsubscribe = self._changes.subscribe(app.changed)
        self._ask_to_stop = lambda: loop.call_soon_threadsafe(asked.set)
        started.set_result(None)
        try:
            while not asked.is_set():
                await self._tick(live, asked)
            listener.close()
            await self._drain(app)
        finally:  # also after a bug: nothing may stay open
            with self._lock:
                self._ask_to_stop = None  # the loop is about to close
            unsubscribe()
            listener.close()
            await listener.cut_off()
            await self._cut_off()

    async def _tick(self, live: LiveCertificate | None, asked: asyncio.Event) -> None:
        try:
            await asyncio.wait_for(asked.wait(), TICK_SECONDS)
        except TimeoutError:
            if live is not None:
                live.refresh()
            now = asyncio.get_running_loop().time()
            for connection in tuple(self._alive):
                connection.close_if_stale(now)

    async def _drain(self, app: App) -> None:
        app.stopping = True
        for connection in tuple(self._alive):
            connection.finish()
        await self._emptied(min(LINGER_SECONDS, self._grace), close_idle=False)
        if not await self._emptied(self._grace - min(LINGER_SECONDS, self._grace)):
            app.deny_held()
            await self._emptied(FLUSH_SECONDS)

    async def _cut_off(self) -> None:
        """Ends what is still open, also after a bug: uvloop may never come back from closing a loop with open transports."""
        for connection in tuple(self._alive):
            connection.abort()
        await self._emptied(FLUSH_SECONDS, close_idle=False)

    async def _emptied(self, seconds: float, *, close_idle: bool = True) -> bool:
        """Whether all connections have ended within ``seconds``."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while self._alive:
            if close_idle:
                for connection in tuple(self._alive):
                    connection.close_if_idle()
            if loop.time() >= end:
                return False
            await asyncio.sleep(0.01)
        return True


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop's, and asyncio's own where there is no uvloop (it is several times slower with TLS)."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
