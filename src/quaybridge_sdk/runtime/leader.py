"""Leader election on a coordination Lease, with client-go's rules: at most one leader, whatever the clocks say.

A lease is free when it has not *changed* for its whole duration, by the candidate's own monotonic clock: times written by others
are never compared with ours. A leader that cannot renew within the renew deadline (shorter than the duration) stops before
anybody else can start.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

from attrs import define, evolve, field, frozen

from quaybridge_sdk.errors import QuaybridgeError
from quaybridge_sdk.ports import LeasePort, LeaseRecord

_log = logging.getLogger(__name__)

INCUMBENT_LOCK = "0111fb36.redhat.com"
"""The Go operator's lease. We take the same, so that it and we never act at the same time."""


@frozen
class ElectionTimes:
    """Seconds; client-go's defaults. ``duration > renew_deadline > retry_period``."""

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

    def acquire(self, wait: Callable[[float], bool]) -> bool:
        """Waits until this candidate leads; False when it was told to stop first."""
        while not self._tried():
            if wait(self.times.retry_period * (1 + 0.2 * self.jitter())):
                return False
        _log.info("became the leader as %s", self.identity)
        return True

    def hold(self, wait: Callable[[float], bool]) -> bool:
        """Renews until told to stop (then True), or until the lease is lost (then False: the process must end)."""
        renewed_at = self.clock()
        while not wait(self.times.retry_period):
            attempt = self.clock()
            if self._tried():
                renewed_at = attempt
            elif self._other_holds() or self.clock() - renewed_at >= self.times.renew_deadline - self.times.retry_period:
                _log.error("lost the lease %s/%s", self.namespace, self.name)
                return False
        return True

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
