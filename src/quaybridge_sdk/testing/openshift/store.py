"""The state of the cluster: objects, one counter of resourceVersions for all of them, and what happened, for watches.

Stored objects are never changed in place: who wants to change one copies it first. So they can be read without a lock.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection

from attrs import frozen

from quaybridge_sdk.testing.openshift.status import Json

Key = tuple[str, str]
"""Group and plural: the version of the API plays no part in storage."""


@frozen
class Event:
    """One change. ``object`` carries the resourceVersion of the change, also when it was deleted."""

    version: int
    type: str
    key: Key
    object: Json
    previous: Json | None


class Store:
    """Objects by resource, namespace ("" for cluster scope) and name. ``changed`` guards all of it, and is notified.

    The counter starts at 1000 and everything below counts as compacted: 1 and 5 are too old, as in any real cluster.
    """

    def __init__(self, first: int = 1000) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.version = first
        self._floors: dict[str, int] = {"*": first}
        self._objects: dict[Key, dict[tuple[str, str], Json]] = defaultdict(dict)
        self._events: dict[Key, list[Event]] = defaultdict(list)
        self.listeners: list[Callable[[Event], None]] = []

    def get(self, key: Key, namespace: str, name: str) -> Json | None:
        return self._objects[key].get((namespace, name))

    def items(self, key: Key, namespace: str = "") -> list[Json]:
        """The objects of one resource, all namespaces for ``""``, in the order of a list: by namespace, then by name."""
        with self.changed:
            found = sorted(self._objects[key].items(), key=lambda item: item[0])
        return [value for (place, _), value in found if not namespace or place == namespace]

    def content(self, namespace: str) -> list[tuple[Key, Json]]:
        """Everything that lies in a namespace."""
        with self.changed:
            tables = list(self._objects.items())
            return [(key, value) for key, table in tables for (place, _), value in table.items() if place == namespace]

    def put(self, key: Key, value: Json) -> Json:
        """Stores a new state and returns it with its new resourceVersion. The caller gives the object away."""
        with self.changed:
            self.version += 1
            meta = value["metadata"]
            meta["resourceVersion"] = str(self.version)
            place = (meta.get("namespace", ""), meta["name"])
            previous = self._objects[key].get(place)
            self._objects[key][place] = value
            self._publish(Event(self.version, "MODIFIED" if previous else "ADDED", key, value, previous))
        return value

    def remove(self, key: Key, value: Json) -> Json:
        """Deletes an object; returns its last state with the resourceVersion of the deletion."""
        with self.changed:
            self.version += 1
            meta = value["metadata"]
            previous = self._objects[key].pop((meta.get("namespace", ""), meta["name"]))
            last = previous | {"metadata": previous["metadata"] | {"resourceVersion": str(self.version)}}
            self._publish(Event(self.version, "DELETED", key, last, previous))
        return last

    def _publish(self, event: Event) -> None:
        self._events[event.key].append(event)
        self.changed.notify_all()
        for listener in self.listeners:
            listener(event)

    def events_since(self, key: Key, version: int) -> list[Event]:
        events = self._events[key]
        return events[bisect_right(events, version, key=lambda event: event.version) :]

    def oldest(self, key: Key) -> int:
        """The oldest resourceVersion a watch of this resource may start from."""
        return max(self._floors["*"], self._floors.get(key[0], 0))

    def compact(self, groups: Collection[str] = ()) -> None:
        """Makes every resourceVersion so far too old, for some groups or (without groups) for all.

        What a restart of an API server does. The counter moves, as it does in a real cluster all the time; open watches
        are not disturbed.
        """
        with self.changed:
            self.version += 1
            for group in groups or ("*",):
                self._floors[group] = self.version
