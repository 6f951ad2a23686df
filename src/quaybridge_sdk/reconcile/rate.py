"""How many organizations were deleted lately."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta

from attrs import field, frozen

from quaybridge_sdk.model.deletion import Deletion, DeletionReason
from quaybridge_sdk.model.integration import QuayIntegration

HOUR = timedelta(hours=1)


@frozen
class DeletionRate:
    """The times of the deletions of the last hour, for each integration; thread-safe. A restart begins anew."""

    _lock: threading.Lock = field(factory=threading.Lock)
    _times: dict[str, deque[datetime]] = field(factory=dict)

    def take(self, integration: QuayIntegration, now: datetime) -> bool:
        """Counts a deletion that is about to be made; False: it would be more than the ``deletion_limit``, and is not counted."""
        with self._lock:
            if self._is_full(integration, now):
                return False
            self._times[integration.key].append(now)
            return True

    def copy(self) -> DeletionRate:
        """As many, counted apart from here on."""
        with self._lock:
            return DeletionRate(times={key: deque(times) for key, times in self._times.items()})

    def fill(self, integration: QuayIntegration, now: datetime) -> None:
        """Counts as many as the limit allows: others, who are not asked, have used it up."""
        with self._lock:
            self._times[integration.key] = deque([now] * integration.deletion_limit)

    def give_back(self, integration: QuayIntegration) -> None:
        """A deletion that was counted was not made."""
        with self._lock:
            self._times[integration.key].pop()

    def _is_full(self, integration: QuayIntegration, now: datetime) -> bool:
        """The lock is held."""
        times = self._times.setdefault(integration.key, deque())
        while times and now - times[0] >= HOUR:
            times.popleft()
        return 0 < integration.deletion_limit <= len(times)


@frozen
class Shown:
    """The deletions that the previews of one run have shown: they count as if they were made, and apart from those that are.

    Each preview alone would show one that the limit allows, and all together more than it does.
    """

    organizations: DeletionRate = field(factory=DeletionRate)
    repositories: DeletionRate = field(factory=DeletionRate)


def held_lately(integration: QuayIntegration, deletions: Iterable[Deletion], now: datetime) -> bool:
    """Whether a burst was held within the hour of the limit; an entry does not say since when, but until when."""
    since = now + timedelta(days=integration.quarantine_days) - HOUR
    held = (d.due for d in deletions if d.integration == integration.key and d.reason is DeletionReason.BURST)
    return any(due is not None and due > since for due in held)
