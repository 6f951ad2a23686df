"""A keyed work queue: level-triggered, fair between groups, with per-key back-off. As client-go's, and with two classes.

* A key is in one worker's hands at most; a key that is added meanwhile is handed out once more when it is done.
* Groups (namespaces, say) take turns, so that one with ten thousand keys does not starve the others.
* Foreground keys (events) go before background ones (periodic full checks).
* It has no thread of its own and never polls: who waits sleeps until the next delayed key is due.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

from attrs import frozen

K = TypeVar("K", bound=Hashable)

STALE_ALLOWED = 64
"""Superseded delays that are kept in any case, so that a small queue is not sorted again and again."""


@frozen
class Backoff:
    """Exponential back-off with full jitter, in seconds: retry n waits from ``base`` to ``base * 2**n``, at most ``limit``."""

    base: float = 0.5
    limit: float = 300.0

    def delay(self, failures: int, jitter: float) -> float:
        """The wait before retry number ``failures`` (from 1). ``jitter`` is in [0, 1)."""
        ceiling = min(self.limit, self.base * 2 ** min(failures, 32))
        return float(self.base + (ceiling - self.base) * jitter)


LONGEST_SLEEP = 3600.0
"""Seconds; a lock cannot wait for centuries, which somebody may ask for."""


class QueueObserver(Protocol):
    """Told about the queue, for metrics."""

    def queue_depth(self, depth: int) -> None: ...

    def queue_latency(self, seconds: float) -> None: ...


class WorkQueue(Generic[K]):
    """See the module. Thread-safe.

    Args:
        group: the group of a key, for fairness.
        backoff: the waits of :meth:`retry`.
        clock: a monotonic clock in seconds.
        jitter: gives a number in [0, 1).
    """

    def __init__(
        self,
        group: Callable[[K], Hashable] = lambda key: key,
        backoff: Backoff = Backoff(),
        observer: QueueObserver | None = None,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._group, self._backoff, self._observer, self._clock, self._jitter = group, backoff, observer, clock, jitter
        self._ready = (_Lanes[K](), _Lanes[K]())  # foreground, background
        self._queued: dict[K, tuple[bool, float]] = {}  # key -> (background, since when)
        self._delayed: list[tuple[float, int, K, bool]] = []
        self._due: dict[K, float] = {}
        self._working: set[K] = set()
        self._again: dict[K, bool] = {}  # added while in work -> background
        self._failures: dict[K, int] = {}
        self._numbers = itertools.count()
        self._stale_allowed = STALE_ALLOWED
        self._changed = threading.Condition()
        self._closed = False

    def add(self, key: K, *, background: bool = False) -> None:
        """Makes ``key`` due now. A foreground add lifts a background key; adding twice is adding once."""
        with self._changed:
            self._add(key, background)

    def add_after(self, key: K, seconds: float, *, background: bool = False) -> None:
        """Makes ``key`` due in ``seconds``, unless it is due earlier anyway."""
        with self._changed:
            due = self._clock() + seconds
            if self._closed or key in self._queued or self._due.get(key, due + 1) <= due:
                return
            self._due[key] = due
            heapq.heappush(self._delayed, (due, next(self._numbers), key, background))
            self._compact()
            self._changed.notify()

    def retry(self, key: K, floor: float = 0.0, ceiling: float = math.inf) -> float:
        """Makes ``key`` due after its back-off, at least ``floor`` and at most ``ceiling`` seconds; returns the wait."""
        with self._changed:
            failures = self._failures[key] = self._failures.get(key, 0) + 1
        seconds = max(floor, min(ceiling, self._backoff.delay(failures, self._jitter())))
        self.add_after(key, seconds)
        return seconds

    def forget(self, key: K) -> None:
        """Ends the back-off of ``key``: its next retry waits as the first."""
        with self._changed:
            self._failures.pop(key, None)

    def failures(self, key: K) -> int:
        """How often ``key`` was retried since it was last forgotten."""
        with self._changed:
            return self._failures.get(key, 0)

    def get(self, timeout: float | None = None) -> K | None:
        """The next key, now in the caller's hands until :meth:`done`; None when the queue is shut down, or after ``timeout``."""
        deadline = None if timeout is None else self._clock() + timeout
        with self._changed:
            while True:
                if self._closed:
                    return None
                self._promote()
                key = self._take()
                if key is not None:
                    return key
                wait = self._wait_seconds(deadline)
                if wait is not None and wait <= 0:
                    return None
                self._changed.wait(wait if wait is None else min(wait, LONGEST_SLEEP))

    def done(self, key: K) -> None:
        """Gives ``key`` back."""
        with self._changed:
            self._working.discard(key)
            if key in self._again:
                self._add(key, self._again.pop(key))

    def shut_down(self) -> None:
        """Wakes all who wait; from now on :meth:`get` answers None."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __len__(self) -> int:
        """Keys that are due and in nobody's hands."""
        with self._changed:
            return len(self._queued)

    @property
    def idle(self) -> bool:
        """Whether nothing is due or in work (delayed keys may be waiting)."""
        with self._changed:
            self._promote()
            return not self._queued and not self._working

    def _add(self, key: K, background: bool) -> None:
        if self._closed:
            return
        self._due.pop(key, None)
        if key in self._working:
            self._again[key] = self._again.get(key, True) and background
            return
        was_background, since = self._queued.get(key, (True, self._clock()))
        if key in self._queued:
            if background or not was_background:
                return
            self._ready[True].remove(self._group(key), key)
        self._queued[key] = (background, since)
        self._ready[background].append(self._group(key), key)
        self._report_depth()
        self._changed.notify()

    def _promote(self) -> None:
        now = self._clock()
        while self._delayed and self._delayed[0][0] <= now:
            due, _, key, background = heapq.heappop(self._delayed)
            if self._due.get(key) == due:  # not superseded by an earlier add
                self._add(key, background)

    def _compact(self) -> None:
        """Drops delays that something earlier has superseded, before they outnumber the others.

        A key that every full check delays by hours and an event brings forward would else leave one entry behind each time. As
        at least half of the entries go at once, the cost of one :meth:`add_after` stays logarithmic.
        """
        if len(self._delayed) <= 2 * len(self._due) + self._stale_allowed:
            return
        # By key, the latest last: under a clock that stands still two entries of a key may be due at the very same time.
        live = {entry[2]: entry for entry in sorted(self._delayed) if self._due.get(entry[2]) == entry[0]}
        self._delayed = list(live.values())
        heapq.heapify(self._delayed)

    def _take(self) -> K | None:
        for lanes in self._ready:
            key = lanes.pop()
            if key is not None:
                _, since = self._queued.pop(key)
                self._working.add(key)
                self._report_depth()
                if self._observer is not None:
                    self._observer.queue_latency(self._clock() - since)
                return key
        return None

    def _wait_seconds(self, deadline: float | None) -> float | None:
        ends = [end for end in (deadline, self._delayed[0][0] if self._delayed else None) if end is not None]
        return min(ends) - self._clock() if ends else None

    def _report_depth(self) -> None:
        if self._observer is not None:
            self._observer.queue_depth(len(self._queued))


class _Lanes(Generic[K]):
    """Keys by group; groups take turns, keys of one group come in their order."""

    def __init__(self) -> None:
        self._lanes: OrderedDict[Hashable, deque[K]] = OrderedDict()

    def append(self, group: Hashable, key: K) -> None:
        self._lanes.setdefault(group, deque()).append(key)

    def remove(self, group: Hashable, key: K) -> None:
        lane = self._lanes[group]
        lane.remove(key)
        if not lane:
            del self._lanes[group]

    def pop(self) -> K | None:
        if not self._lanes:
            return None
        group, lane = self._lanes.popitem(last=False)
        key = lane.popleft()
        if lane:
            self._lanes[group] = lane  # at the end: the others come first
        return key
