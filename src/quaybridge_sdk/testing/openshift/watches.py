"""watch: what happened since a resourceVersion, then what happens, until the timeout.

Source: k8s.io/apiserver (watch handler, watch cache) as measured: bookmarks about every minute and one 2 s before a timeout of
more than 4 s; a resourceVersion that is too old gives HTTP 200 and an ERROR event, one from the future gives silence.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator

from quaybridge_sdk.testing.http import Response
from quaybridge_sdk.testing.openshift import options, reads
from quaybridge_sdk.testing.openshift.cluster import Call
from quaybridge_sdk.testing.openshift.status import ApiError, Json
from quaybridge_sdk.testing.openshift.store import Event

BOOKMARK_EVERY, BOOKMARK_BEFORE_END, NO_BOOKMARK_UP_TO = 60.0, 2.0, 4.0
DEFAULT_TIMEOUT = {"kube": (1800, 3600), "crd": (1800, 3600), "openshift": (3600, 7200)}


def watch(call: Call) -> Response:
    query = dict(call.request.query)
    options.check_list(query, watch=True)
    chosen, text = reads.selection(call), query.get("resourceVersion", "")
    if text and not text.isdigit():
        fault = f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        raise ApiError(500, None, fault)
    return Response(200, stream=_Watch(call, chosen, query).events())


class _Watch:
    """One open watch; its thread is that of the connection."""

    def __init__(self, call: Call, chosen: Callable[[Json], bool], query: dict[str, str]) -> None:
        self.call, self.chosen, self.store = call, chosen, call.cluster.store
        self.family = call.resource.family
        self.version = int(query.get("resourceVersion") or 0)
        self.initial = query.get("sendInitialEvents", "") == "true"
        self.bookmarks = query.get("allowWatchBookmarks") in ("true", "1")
        pace = call.cluster.settings.pace
        seconds = options.number(query.get("timeoutSeconds") or "0") or _random_timeout(self.family)
        self.end = time.monotonic() + seconds * pace
        self.next_bookmark = self._first_bookmark(seconds, pace)
        self.breaks = len(call.cluster.breaks)

    def _first_bookmark(self, seconds: float, pace: float) -> float:
        if not self.bookmarks or seconds <= NO_BOOKMARK_UP_TO:
            return self.end + 1
        return min(time.monotonic() + BOOKMARK_EVERY * pace, self.end - BOOKMARK_BEFORE_END * pace)

    def events(self) -> Iterator[bytes]:
        oldest = self.store.oldest(self.call.key)
        if 0 < self.version < oldest:
            text = f"too old resource version: {self.version} ({oldest})"
            yield _line("ERROR", ApiError(410, "Expired", text).body())
            return
        if not self.version or self.initial:
            yield from self._existing()
        while (happened := self._wait()) is not None:
            for event in happened:
                self.version = event.version
                if (line := self._shown(event)) is not None:
                    yield line
            if time.monotonic() >= self.next_bookmark:
                yield self._bookmark({})
                self.next_bookmark = self._after_bookmark()

    def _after_bookmark(self) -> float:
        """Every minute until the one before the end, which is the last."""
        pace, now = self.call.cluster.settings.pace, time.monotonic()
        last = self.end - BOOKMARK_BEFORE_END * pace
        return self.end + 1 if now >= last else min(now + BOOKMARK_EVERY * pace, last)

    def _existing(self) -> Iterator[bytes]:
        with self.store.changed:
            found = [value for value in self.store.items(self.call.key, self.call.namespace) if self.chosen(value)]
            self.version = self.store.version
        for value in found:
            yield _line("ADDED", self._form(value))
        if self.initial and self.bookmarks:
            yield self._bookmark({"annotations": {"k8s.io/initial-events-end": "true"}})

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
        mine = [clean for clean, family in self.call.cluster.breaks[self.breaks :] if family in ("", self.family)]
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

    def _bookmark(self, extra: Json) -> bytes:
        """A bookmark's object is its kind's zero value: use nothing of it but the resourceVersion."""
        resource = self.call.resource
        zero = dict(resource.rules.zero)
        with self.store.changed:  # never past an event this watch has not sent yet
            if not self.store.events_since(self.call.key, self.version):
                self.version = max(self.version, self.store.version)
        meta = zero.pop("metadata", {}) | {"resourceVersion": str(self.version)} | extra
        head = {"kind": resource.kind, "apiVersion": resource.group_version, "metadata": meta}
        return _line("BOOKMARK", self._form(head | zero))


def _random_timeout(family: str) -> float:
    least, most = DEFAULT_TIMEOUT[family]
    return float(least + secrets.randbelow(most - least))


def _line(kind: str, value: Json) -> bytes:
    return json.dumps({"type": kind, "object": value}, separators=(",", ":")).encode() + b"\n"
