"""Leader election on a coordination Lease, with client-go's rules: at most one leader, whatever the clocks say.

A lease is free when it has not *changed* for its whole duration, by the candidate's own monotonic clock: times written by others
are never compared with ours. A leader that cannot renew within the renew deadline (shorter than the duration) stops before
anybody else can start, also while its own call to the API server hangs: :class:`Term` watches the deadline apart from the calls.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self

from attrs import define, evolve, field, frozen

from quaybridge_sdk.errors import QuaybridgeError
from quaybridge_sdk.ports import LeasePort, LeaseRecord

_log = logging.getLogger(__name__)

INCUMBENT_LOCK = "0111fb36.redhat.com"
"""The Go operator's lease. We take the same, so that it and we never act at the same time."""


LAST_CALL = 5.0
"""Seconds for which the end of a term waits for a call about the lease that is under way."""


@frozen
class ElectionTimes:
    """Seconds; client-go's defaults. ``duration > renew_deadline > retry_period``.

    Between the renew deadline and the duration lies the time in which the former leader's process ends, and in which what it has
    sent already arrives.
    """

    duration: float = 15.0
    renew_deadline: float = 10.0
    retry_period: float = 2.0


@define
class LeaderElector:
    """One candidate.

    Attributes:
        identity: unique among all candidates; the pod's name and a random part.
        wait: sleeps up to so many seconds; True when the candidate was told to stop.
    """

    port: LeasePort
    namespace: str
    name: str
    identity: str
    times: ElectionTimes = ElectionTimes()
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    jitter: Callable[[], float] = random.random
    _seen: LeaseRecord | None = field(default=None, init=False)
    _seen_at: float = field(default=0.0, init=False)
    _renewed_at: float = field(default=0.0, init=False)

    def acquire(self, wait: Callable[[float], bool]) -> bool:
        """Waits until this candidate leads; False when it was told to stop first."""
        while not self._tried():
            if wait(self.times.retry_period * (1 + 0.2 * self.jitter())):
                return False
        _log.info("became the leader as %s", self.identity)
        return True

    def hold(self, wait: Callable[[float], bool]) -> bool:
        """Renews until told to stop (then True), or until the lease is lost (then False: the process must end).

        It may be late to notice, by as long as a call hangs: see :meth:`seconds_left`.
        """
        while not wait(self.times.retry_period):
            if not self._tried() and (self._other_holds() or self.seconds_left() <= 0):
                _log.error("lost the lease %s/%s", self.namespace, self.name)
                return False
        return True

    def seconds_left(self) -> float:
        """The time after which this leader must not act any more, unless it renews the lease before; for any thread.

        It counts from before the last renewal was sent: a candidate cannot have seen it earlier.
        """
        return self._renewed_at + self.times.renew_deadline - self.clock()

    def release(self) -> None:
        """Frees the lease, so that the next leader need not wait for its end. Called once nothing acts any more."""
        if self._seen is None or self._seen.holder != self.identity:
            return
        try:
            self.port.write(evolve(self._seen, holder="", duration_seconds=1, renewed=self.now()))
        except QuaybridgeError as error:
            _log.info("the lease was not released, and runs out by itself: %s", error)

    def _other_holds(self) -> bool:
        return self._seen is not None and self._seen.holder not in ("", self.identity)

    def _tried(self) -> bool:
        try:
            return self._try()
        except QuaybridgeError as error:
            _log.info("the lease %s/%s could not be taken or renewed: %s", self.namespace, self.name, error)
            return False

    def _try(self) -> bool:
        started = self.clock()
        found = self.port.read(self.namespace, self.name)
        if found is None:
            found = LeaseRecord(self.namespace, self.name)
        elif self._seen is None or found != self._seen:
            self._see(found)
        ours = found.holder == self.identity
        free = not found.holder or self.clock() - self._seen_at >= found.duration_seconds
        if not ours and not free:
            return False
        self._see(self.port.write(self._renewed(found, ours)))
        self._renewed_at = started
        return True

    def _renewed(self, found: LeaseRecord, ours: bool) -> LeaseRecord:
        now = self.now()
        return evolve(
            found,
            holder=self.identity,
            duration_seconds=int(self.times.duration),
            renewed=now,
            acquired=found.acquired if ours else now,
            transitions=found.transitions + (not ours and bool(found.version)),
        )

    def _see(self, record: LeaseRecord) -> None:
        self._seen, self._seen_at = record, self.clock()


class Term:
    """The time for which a candidate leads; a context manager.

    One thread renews the lease. Another one, which makes no call, watches the deadline: a call to the API server may hang for
    longer than the lease lasts.

    Args:
        elector: it has just acquired the lease.
        lost: called once, by one of the two threads, when the lease is lost or could not be renewed in time. Somebody else may
            lead soon, so it must end at once all that acts, and must not wait for work under way.
    """

    def __init__(self, elector: LeaderElector, lost: Callable[[], object]) -> None:
        self._elector, self._lost = elector, lost
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._held = True
        self._renewing = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._watching = threading.Thread(target=self._watch, name="lease-deadline", daemon=True)

    def __enter__(self) -> Self:
        self._renewing.start()
        self._watching.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> bool:
        """Renews no more; called when nothing acts any more. True when the lease is held and may be released.

        False also when a renewal is still under way: it could take the lease again after the release.
        """
        with self._lock:
            self._ended.set()
        self._watching.join(LAST_CALL)
        self._renewing.join(LAST_CALL)
        return self._held and not self._renewing.is_alive()

    def _renew(self) -> None:
        try:
            held = self._elector.hold(self._ended.wait)
        except Exception:  # noqa: BLE001 - whatever it is, nobody renews any more
            _log.exception("bug: the lease is not renewed any more; please report it")
            held = False
        if not held:
            self._lose()

    def _watch(self) -> None:
        while not self._ended.wait(max(0.0, self._elector.seconds_left())):
            if self._elector.seconds_left() <= 0:
                _log.error("the lease was not renewed within %.0f s, so it counts as lost", self._elector.times.renew_deadline)
                self._lose()

    def _lose(self) -> None:
        with self._lock:
            if self._ended.is_set():
                return
            self._held = False
            self._ended.set()
        self._lost()
