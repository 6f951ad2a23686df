"""Holds what is kept of one resource, and never goes back in time.

resourceVersions of one resource are compared as integers: Kubernetes promises that order since 1.35 (KEP 5504), and etcd has
always kept it. One that is no number is taken as newer than anything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from attrs import define, field

from quaybridge_sdk.adapters.kubernetes.objects import Json, Key, key_of, version_of

T = TypeVar("T")


def ordinal(version: str) -> int | None:
    """A resourceVersion as a number, None when it is none."""
    return int(version) if len(version) <= 20 and version.isascii() and version.isdigit() else None  # 64 bits


def is_older(one: int | None, other: int | None) -> bool:
    return one is not None and other is not None and one < other


@define
class _Listing:
    """A list that is being read. ``restored``: it is older than what was seen before, so the server's data was put back."""

    version: int | None
    restored: bool
    seen: set[Key] = field(factory=set)


class Store(Generic[T]):
    """Objects by namespace and name, each reduced to a ``T``: a :class:`~.sources.Sink` to be read from any thread.

    Args:
        parse: reduces an object; None: it is not kept.
        changed: called, without the lock, with the key of each object whose reduced value has changed, come or gone.
    """

    def __init__(self, parse: Callable[[Json], T | None], changed: Callable[[Key], None]) -> None:
        self._parse, self._changed = parse, changed
        self._lock = threading.Lock()
        self._entries: dict[str, dict[str, tuple[int | None, T]]] = {}
        self._progress: int | None = None
        self._listing = _Listing(None, restored=False)

    def get(self, namespace: str, name: str) -> T | None:
        with self._lock:
            entry = self._entries.get(namespace, {}).get(name)
        return entry[1] if entry else None

    def version(self, namespace: str, name: str) -> int | None:
        """The resourceVersion that the object was last seen with."""
        with self._lock:
            entry = self._entries.get(namespace, {}).get(name)
        return entry[0] if entry else None

    def within(self, namespace: str) -> dict[str, T]:
        """All of one namespace, by name."""
        with self._lock:
            return {name: value for name, (_, value) in self._entries.get(namespace, {}).items()}

    def all(self) -> list[T]:
        with self._lock:
            return [value for entries in self._entries.values() for _, value in entries.values()]

    def start_list(self, version: str) -> None:
        number = ordinal(version)
        with self._lock:
            self._listing = _Listing(number, is_older(number, self._progress))

    def list_item(self, item: Json) -> None:
        key, listing = key_of(item), self._listing
        value, version = self._parse(item), ordinal(version_of(item))
        if value is None:
            return
        listing.seen.add(key)
        with self._lock:
            have = self._find(key)
            if have is not None and self._outlives_list(have[0]):
                return
            self._set(key, version, value)
        self._announce(key, have, value)

    def end_list(self) -> None:
        with self._lock:
            listing = self._listing
            gone = [
                (namespace, name)
                for namespace, entries in self._entries.items()
                for name, (version, _) in entries.items()
                if (namespace, name) not in listing.seen and not self._outlives_list(version)
            ]
            for key in gone:
                self._drop(key)
            self._progress, self._listing = listing.version, _Listing(None, restored=False)
        for key in gone:
            self._changed(key)

    def put(self, item: Json) -> None:
        self._put(item, watched=True)

    def observe(self, item: Json) -> None:
        """Write-through of the answer to a write of our own; what the watch has gone past already stays as the watch left it."""
        self._put(item, watched=False)

    def remove(self, item: Json) -> None:
        key, version = key_of(item), ordinal(version_of(item))
        with self._lock:
            self._advance(version)
            have = self._find(key)
            if have is None or is_older(version, have[0]):  # made anew since, and written through
                return
            self._drop(key)
        self._changed(key)

    def progress(self, version: str) -> None:
        with self._lock:
            self._advance(ordinal(version))

    def _put(self, item: Json, *, watched: bool) -> None:
        key, version = key_of(item), ordinal(version_of(item))
        value = self._parse(item)
        with self._lock:
            have = self._find(key)
            passed = not watched and version is not None and self._progress is not None and version <= self._progress
            if watched:
                self._advance(version)
            if passed or (have is not None and is_older(version, have[0])):
                return
            if value is not None:
                self._set(key, version, value)
            elif have is not None:
                self._drop(key)
        self._announce(key, have, value)

    def _announce(self, key: Key, have: tuple[int | None, T] | None, value: T | None) -> None:
        if (have[1] if have else None) != value:
            self._changed(key)

    def _outlives_list(self, version: int | None) -> bool:
        """Whether an entry is newer than the list being read: written through while it was read."""
        return not self._listing.restored and is_older(self._listing.version, version)

    def _find(self, key: Key) -> tuple[int | None, T] | None:
        return self._entries.get(key[0], {}).get(key[1])

    def _set(self, key: Key, version: int | None, value: T) -> None:
        self._entries.setdefault(key[0], {})[key[1]] = (version, value)

    def _drop(self, key: Key) -> None:
        entries = self._entries[key[0]]
        del entries[key[1]]
        if not entries:
            del self._entries[key[0]]

    def _advance(self, version: int | None) -> None:
        if version is not None and not is_older(version, self._progress):
            self._progress = version
