"""One resource's list and watch, kept going: for a thread of its own.

A paged list, then watches that each go on where the last one ended. How a watch ends is of no consequence: a clean end and an
abrupt one both mean «connect again», an expired resourceVersion means «list again», and every failure is tried again with
back-off.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from random import SystemRandom

import orjson

from quaybridge_sdk.adapters.kubernetes.answers import SYSTEM, Call, status_error
from quaybridge_sdk.adapters.kubernetes.client import JSON, KubernetesClient
from quaybridge_sdk.adapters.kubernetes.objects import Json, dig, entries, text, version_of
from quaybridge_sdk.adapters.kubernetes.sources import NORMAL, Pace, Sink, Source
from quaybridge_sdk.adapters.kubernetes.stream import Stream
from quaybridge_sdk.errors import ExpiredError, NotFoundError, RemoteError, ServerFaultError, UnreachableError

UNIFORM = SystemRandom().uniform
METADATA_ONLY = f"{JSON};as=PartialObjectMetadata;v=v1;g=meta.k8s.io,{JSON}"
METADATA_ONLY_LIST = f"{JSON};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,{JSON}"


class Reflector:
    """Keeps ``sink`` as the server has ``source``, for as long as :meth:`run` runs.

    Attributes:
        ready: the first list is complete, or the API is optional and not installed.
        answered: ``ready``, or the first attempt has failed: then ``error`` says why, until one succeeds.
    """

    def __init__(
        self,
        client: KubernetesClient,
        source: Source,
        sink: Sink,
        pace: Pace = NORMAL,
        *,
        wait: Callable[[float], object] | None = None,
        uniform: Callable[[float, float], float] = UNIFORM,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``wait`` replaces the pause between attempts (a stop must end it); ``uniform`` and ``monotonic``: chance and time."""
        self.source = source
        self.ready = threading.Event()
        self.answered = threading.Event()
        self.error: RemoteError | None = None
        self._client, self._sink, self._pace = client, sink, pace
        self._stopping = threading.Event()
        self._wait = wait or self._stopping.wait
        self._uniform, self._monotonic = uniform, monotonic
        self._version = ""
        self._failures = 0
        self._misses = 0
        self._stream: Stream | None = None
        self._stream_lock = threading.Lock()

    def run(self) -> None:
        """Lists and watches until :meth:`stop`. Raises nothing that is not a bug."""
        while not self._stopping.is_set():
            started, before = self._monotonic(), self._version
            error = self._round()
            if self._stopping.is_set():
                break
            moved = error is None and self._version not in ("", before)
            healthy = moved or self._monotonic() - started >= self._pace.healthy
            self._failures = 0 if healthy else self._failures + 1
            self._wait(self._pause(error))

    def stop(self) -> None:
        """Makes :meth:`run` end at once, also when it is blocked in a read; safe from any thread, and more than once."""
        self._stopping.set()
        with self._stream_lock:
            if self._stream is not None:
                self._stream.interrupt()

    def _pause(self, error: RemoteError | None) -> float:
        """Never zero: a server that ends each watch at once must not be asked in a hot loop."""
        if self.source.optional and isinstance(error, NotFoundError):
            return self._pace.absent * self._uniform(0.5, 1.0)
        return min(self._pace.limit, self._pace.first * 2.0 ** min(self._failures, 20)) * self._uniform(0.5, 1.0)

    def _round(self) -> RemoteError | None:
        try:
            if not self._version:
                self._list()
            if self._version:
                self._watch()
        except RemoteError as error:
            if isinstance(error, ExpiredError | NotFoundError):
                self._version = ""
            if isinstance(error, NotFoundError) and self.source.optional:
                self._missed()
            self.error = error
            self.answered.set()
            return error
        return None

    def _missed(self) -> None:
        """The API is not installed. When it was, the second look decides: a starting API server may not know its CRDs yet."""
        self._misses += 1
        if self._misses > 1 or not self.ready.is_set():
            self._sink.start_list("")
            self._sink.end_list()
        self.ready.set()

    def _list(self) -> None:
        """All pages, each let go before the next. They are one snapshot: a token that has expired (410) starts it anew."""
        version, token = self._page("")
        while token and not self._stopping.is_set():
            _, token = self._page(token)
        if self._stopping.is_set():
            return
        self._sink.end_list()
        self._version = version
        self._succeeded()

    def _page(self, token: str) -> tuple[str, str]:
        source = self.source
        query = {**source.query, "limit": str(source.page_size)} | ({"continue": token} if token else {})
        page = self._client.get(source.path, query, accept=METADATA_ONLY_LIST if source.metadata_only else JSON)
        version = version_of(page)
        if not version:
            raise ServerFaultError(f"GET {source.path}: a list without a resourceVersion", system=SYSTEM)
        if not token:
            self._sink.start_list(version)
        for item in entries(page, "items"):
            self._sink.list_item(item)
        return version, text(page, "metadata", "continue")

    def _watch(self) -> None:
        started, told = self._monotonic(), False
        try:
            with self._open() as stream:
                for line in stream.lines():
                    told = True
                    self._event(line)
        except UnreachableError:
            self._relist_if_silent(told, started)
            raise
        self._relist_if_silent(told, started)

    def _relist_if_silent(self, told: bool, started: float) -> None:
        if not told and self._monotonic() - started >= self._pace.silence:
            self._version = ""

    def _open(self) -> Stream:
        source = self.source
        query = {
            **source.query,
            "watch": "1",
            "resourceVersion": self._version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(max(1, round(self._uniform(*self._pace.watch)))),
        }
        accept = METADATA_ONLY if source.metadata_only else JSON
        stream = self._client.stream(source.path, query, accept=accept, silence=self._pace.silence)
        with self._stream_lock:
            self._stream = stream
            if self._stopping.is_set():  # stop() came while the connection was being made, and had nothing to interrupt
                stream.interrupt()
        return stream

    def _event(self, line: bytes) -> None:
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise ServerFaultError(f"GET {self.source.path}: a watch event that is not JSON", system=SYSTEM) from error
        item, kind = dig(event, "object"), text(event, "type")
        if not isinstance(item, dict):
            raise ServerFaultError(f"GET {self.source.path}: a watch event without an object", system=SYSTEM)
        if kind == "ERROR":
            code = item.get("code")
            raise status_error(Call("GET", self.source.path), code if isinstance(code, int) else 500, item)
        self._told(kind, item)
        self._version = version_of(item) or self._version
        self._succeeded()

    def _told(self, kind: str, item: Json) -> None:
        if kind in ("ADDED", "MODIFIED"):
            self._sink.put(item)
        elif kind == "DELETED":
            self._sink.remove(item)
        elif kind == "BOOKMARK":  # its object has no name, only the resourceVersion is meant
            self._sink.progress(version_of(item))

    def _succeeded(self) -> None:
        self.error, self._misses = None, 0
        self.ready.set()
        self.answered.set()
