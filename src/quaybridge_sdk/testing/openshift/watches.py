"""watch: what happened since a resourceVersion, then what happens, until the timeout.

Source: k8s.io/apiserver (watch handler, watch cache) as measured: bookmarks about every minute and one 2 s before a timeout of
more than 4 s; a resourceVersion that is too old gives HTTP 200 and an ERROR event, one from the future gives silence.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

from quaybridge_sdk.testing.http import Response
from quaybridge_sdk.testing.openshift import options, reads
from quaybridge_sdk.testing.openshift.cluster import Call
from quaybridge_sdk.testing.openshift.outside import not_imitated
from quaybridge_sdk.testing.openshift.status import ApiError, Json
from quaybridge_sdk.testing.openshift.store import Event

BOOKMARK_EVERY, BOOKMARK_BEFORE_END, NO_BOOKMARK_UP_TO = 60.0, 2.0, 4.0
DEFAULT_TIMEOUT = 1800


def watch(call: Call) -> Response:
    query = call.request.query
    if "sendInitialEvents" in query or "resourceVersionMatch" in query:
        raise not_imitated("streaming lists")
    return Response(200, stream=Watch(call, reads.selection(call)).events())


class Watch:
    """One open watch; its thread is that of the connection."""

    def __init__(self, call: Call, chosen: Callable[[Json], bool]) -> None:
        self.call, self.chosen, self.store = call, chosen, call.cluster.store
        query, pace = call.request.query, call.cluster.settings.pace
        self.version = options.number(query, "resourceVersion")
        seconds = options.number(query, "timeoutSeconds") or DEFAULT_TIMEOUT
        self.end = time.monotonic() + seconds * pace
        wanted = query.get("allowWatchBookmarks") in ("true", "1") and seconds > NO_BOOKMARK_UP_TO
        self.next_bookmark = self._after_bookmark() if wanted else self.end + 1
        self.breaks = len(call.cluster.breaks)

    def _after_bookmark(self) -> float:
        """Every minute until the one before the end, which is the last."""
        pace, now = self.call.cluster.settings.pace, time.monotonic()
        last = self.end - BOOKMARK_BEFORE_END * pace
        return self.end + 1 if now >= last else min(now + BOOKMARK_EVERY * pace, last)

    def events(self) -> Iterator[bytes]:
        oldest = self.store.oldest(self.call.key)
        if 0 < self.version < oldest:
            text = f"too old resource version: {self.version} ({oldest})"
            yield _line("ERROR", ApiError(410, "Expired", text).body())
            return
        if not self.version:
            yield from self._existing()
        while (happened := self._wait()) is not None:
            for event in happened:
                self.version = event.version
                if (line := self._shown(event)) is not None:
                    yield line
            if time.monotonic() >= self.next_bookmark:
                yield self.bookmark()
                self.next_bookmark = self._after_bookmark()

    def _existing(self) -> Iterator[bytes]:
        with self.store.changed:
            found = [value for value in self.store.items(self.call.key, self.call.namespace) if self.chosen(value)]
            self.version = self.store.version
        for value in found:
            yield _line("ADDED", self._form(value))

    def _wait(self) -> list[Event] | None:
        """The next events, [] when only a bookmark is due, None when the watch is over.

        Raises ConnectionAbortedError when the watch was broken on purpose and not cleanly: the body then lacks its final chunk.
        """
        with self.store.changed:
            while True:
                ended, now = self._ended(), time.monotonic()
                if ended == "abruptly":
                    raise ConnectionAbortedError("the watch was broken on purpose")
                if happened := self.store.events_since(self.call.key, self.version):
                    return happened
                if ended or now >= self.end:
                    return None
                if now >= self.next_bookmark:
                    return []
                self.store.changed.wait(min(self.end, self.next_bookmark) - now)

    def _ended(self) -> str:
        """How the watch was ended on purpose since it began: "cleanly", "abruptly" or "" for not at all."""
        family = self.call.resource.family
        mine = [clean for clean, ended in self.call.cluster.breaks[self.breaks :] if ended in ("", family)]
        return "" if not mine else "cleanly" if mine[0] else "abruptly"

    def _shown(self, event: Event) -> bytes | None:
        """An event as this watch sees it: what leaves the selection is deleted, what enters it is added."""
        if self.call.namespace and event.object["metadata"].get("namespace") != self.call.namespace:
            return None
        before = event.previous is not None and self.chosen(event.previous)
        after = event.type != "DELETED" and self.chosen(event.object)
        if not before and not after:
            return None
        if event.previous is not None and not after:
            stamped = event.previous["metadata"] | {"resourceVersion": str(event.version)}
            return _line("DELETED", self._form(event.previous | {"metadata": stamped}))
        return _line("MODIFIED" if before else "ADDED", self._form(event.object))

    def _form(self, value: Json) -> Json:
        return reads.partial_of(value) if self.call.partial else value

    def bookmark(self) -> bytes:
        """A bookmark's object is its kind's zero value: use nothing of it but the resourceVersion."""
        resource = self.call.resource
        zero = dict(resource.rules.zero)
        with self.store.changed:  # never past an event this watch has not sent yet
            if not self.store.events_since(self.call.key, self.version):
                self.version = max(self.version, self.store.version)
        meta = zero.pop("metadata", {}) | {"resourceVersion": str(self.version)}
        head = {"kind": resource.kind, "apiVersion": resource.group_version, "metadata": meta}
        return _line("BOOKMARK", self._form(head | zero))


def _line(kind: str, value: Json) -> bytes:
    return json.dumps({"type": kind, "object": value}, separators=(",", ":")).encode() + b"\n"
