"""How many organizations were deleted lately."""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime, timedelta

from attrs import field, frozen

from quaybridge_sdk.model.integration import QuayIntegration

HOUR = timedelta(hours=1)


@frozen
class DeletionRate:
    """The times of the deletions of the last hour, for each integration; thread-safe. A restart begins anew."""

    _lock: threading.Lock = field(factory=threading.Lock)
    _times: dict[str, deque[datetime]] = field(factory=dict)

    def exceeded(self, integration: QuayIntegration, now: datetime) -> bool:
        """Whether one more would be more than the integration's ``deletion_limit``."""
        with self._lock:
            return self._is_full(integration, now)

    def take(self, integration: QuayIntegration, now: datetime) -> bool:
        """Counts a deletion that is about to be made; False: it would be one too many, and is not counted."""
        with self._lock:
            if self._is_full(integration, now):
                return False
            self._times[integration.key].append(now)
            return True

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
