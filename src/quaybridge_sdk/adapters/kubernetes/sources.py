"""What a reflector needs to be told: what to follow, at what pace, and who takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from attrs import field, frozen

from quaybridge_sdk.adapters.kubernetes.objects import Json


@frozen
class Source:
    """What is listed and watched.

    Attributes:
        path: of the collection.
        query: selectors.
        metadata_only: ask for ``metadata`` alone (PartialObjectMetadata).
        page_size: objects in one page of the list, which is what is in memory at once.
        optional: the API may not be installed (a CRD): then it counts as empty, and is looked for now and then.
    """

    path: str
    query: Mapping[str, str] = field(factory=dict)
    metadata_only: bool = False
    page_size: int = 500
    optional: bool = False


@frozen
class Pace:
    """How a reflector times itself, in seconds.

    Attributes:
        watch: a watch's length is drawn from between these, so that not all end together.
        silence: bookmarks come about every minute, and a stopping API server is silent for up to 60 s before it ends its
            watches: one that is silent for longer than both is broken. One that was silent from its start may wait for a
            resourceVersion that is in the future (an etcd restored from a backup): then the list is read again.
        healthy: a watch that lasted as long, or brought anything, ends a series of failures.
        first, limit: the back-off's shortest and longest step; each is shortened by a random part of up to a half.
        absent: between two looks for an API that is not installed.
    """

    watch: tuple[float, float] = (240.0, 360.0)
    silence: float = 150.0
    healthy: float = 5.0
    first: float = 0.2
    limit: float = 30.0
    absent: float = 60.0


NORMAL = Pace()


class Sink(Protocol):
    """Takes what a reflector reads. Called by one thread."""

    def start_list(self, version: str) -> None:
        """A list begins, of this resourceVersion; one that was begun before and not ended is void."""

    def list_item(self, item: Json) -> None: ...

    def end_list(self) -> None:
        """The list is complete: what was in none of its pages is gone."""

    def put(self, item: Json) -> None:
        """Added or modified."""

    def remove(self, item: Json) -> None: ...

    def progress(self, version: str) -> None:
        """All up to this resourceVersion has been told."""


@frozen
class Tee:
    """A :class:`Sink` that passes all on to several: two things are kept of one resource, and only one watch is needed."""

    sinks: tuple[Sink, ...]

    def start_list(self, version: str) -> None:
        for sink in self.sinks:
            sink.start_list(version)

    def list_item(self, item: Json) -> None:
        for sink in self.sinks:
            sink.list_item(item)

    def end_list(self) -> None:
        for sink in self.sinks:
            sink.end_list()

    def put(self, item: Json) -> None:
        for sink in self.sinks:
            sink.put(item)

    def remove(self, item: Json) -> None:
        for sink in self.sinks:
            sink.remove(item)

    def progress(self, version: str) -> None:
        for sink in self.sinks:
            sink.progress(version)
