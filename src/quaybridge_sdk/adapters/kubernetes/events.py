"""Events: what ``oc describe`` and ``oc get events`` show. One that cannot be written is logged, and nothing else happens."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from attrs import define, frozen

from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient, api_path
from quaybridge_sdk.adapters.kubernetes.objects import Json, text
from quaybridge_sdk.errors import InvalidNameError, NotFoundError, RemoteError

LOG = logging.getLogger(__name__)
COMPONENT = "quaybridge"
LONGEST_MESSAGE = 1024
"""The API refuses longer ones."""

API_VERSIONS = {
    "Namespace": "v1",
    "ServiceAccount": "v1",
    "Secret": "v1",
    "Build": "build.openshift.io/v1",
    "ImageStream": "image.openshift.io/v1",
    "QuayIntegration": "quay.redhat.com/v1",
}

LOST = "\N{REPLACEMENT CHARACTER}"

Identity: TypeAlias = tuple[str, str, str, str, str, bool]


@frozen
class Aggregation:
    """How equal events are made one.

    Attributes:
        window: an event that comes again within this time after its last one raises the count of the one that is there.
        quiet: but it is not written more often than this.
        remembered: so many events are remembered, the oldest forgotten first.
    """

    window: timedelta = timedelta(minutes=10)
    quiet: timedelta = timedelta(seconds=60)
    remembered: int = 1000


@define
class _Told:
    """An event that was written, and how often it has come since. ``path`` is "" while it is being created."""

    seen: datetime
    written: datetime
    path: str = ""
    count: int = 1


def printable(text: str) -> str:
    """``text`` with nothing in it that UTF-8 cannot express, or that acts on a terminal: a server's text may be quoted in it."""
    return "".join(char if char.isprintable() else " " if char.isspace() else LOST for char in text)


def unknown_uid(_kind: str, _namespace: str, _name: str) -> str:
    """For those who keep no caches."""
    return ""


class KubernetesEvents:
    """Implements :class:`~quaybridge_sdk.ports.EventRecorder` with core/v1 Events. Never raises; thread-safe.

    An event about a namespace goes into that namespace, as the API wants it: its owners look there.

    Args:
        uid: the UID of an object, "" when unknown; ``oc describe`` finds only events that carry it.
        clock: the current time, with a time zone.
    """

    def __init__(
        self,
        client: KubernetesClient,
        uid: Callable[[str, str, str], str] = unknown_uid,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        aggregation: Aggregation = Aggregation(),
    ) -> None:
        self._client, self._uid, self._clock, self._aggregation = client, uid, clock, aggregation
        self._lock = threading.Lock()
        self._told: OrderedDict[Identity, _Told] = OrderedDict()

    def event(self, kind: str, namespace: str, name: str, reason: str, message: str, *, warning: bool) -> None:
        """Records one event on an object; ``namespace`` is "" for objects of the cluster."""
        about = (kind, name if kind == "Namespace" else namespace, name)
        identity, now = (*about, printable(reason), printable(message), warning), self._clock()
        told = self._due(identity, now)
        if told is None:
            return
        try:
            self._write(identity, told, now)
        except (RemoteError, InvalidNameError) as error:
            where = printable(f"{kind} {namespace}/{name}: {reason}: {error}")
            LOG.warning("event not written: %s", where)
            with self._lock:
                self._told.pop(identity, None)

    def _due(self, identity: Identity, now: datetime) -> _Told | None:
        """What is to be written now; None when the event is only counted. No call is made under the lock."""
        with self._lock:
            told = self._told.get(identity)
            if told is None or now - told.seen > self._aggregation.window:
                told = self._told[identity] = _Told(now, now)
                self._told.move_to_end(identity)
                while len(self._told) > self._aggregation.remembered:
                    self._told.popitem(last=False)
                return told
            told.count, told.seen = told.count + 1, now
            if not told.path or now - told.written < self._aggregation.quiet:
                return None
            told.written = now
            return told

    def _write(self, identity: Identity, told: _Told, now: datetime) -> None:
        if told.path:
            try:
                self._client.patch_merge(told.path, {"count": told.count, "lastTimestamp": _seconds(now)})
            except NotFoundError:  # events live an hour
                told.count = 1
            else:
                return
        collection = api_path("/api/v1/namespaces", identity[1] or "default", "events")
        made = self._client.create(collection, self._body(identity, now))
        told.path = api_path(collection, text(made, "metadata", "name"))

    def _body(self, identity: Identity, now: datetime) -> Json:
        kind, namespace, name, reason, message, warning = identity
        about = {"apiVersion": API_VERSIONS.get(kind, ""), "kind": kind, "name": name, "namespace": namespace}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{COMPONENT}-", "namespace": namespace or "default"},
            "involvedObject": {key: value for key, value in about.items() if value} | self._identified(kind, namespace, name),
            "reason": reason,
            "message": message if len(message) <= LONGEST_MESSAGE else message[: LONGEST_MESSAGE - 3] + "...",
            "type": "Warning" if warning else "Normal",
            "source": {"component": COMPONENT},
            "firstTimestamp": _seconds(now),
            "lastTimestamp": _seconds(now),
            "count": 1,
        }

    def _identified(self, kind: str, namespace: str, name: str) -> Json:
        uid = self._uid(kind, namespace, name)
        return {"uid": uid} if uid else {}


def _seconds(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
