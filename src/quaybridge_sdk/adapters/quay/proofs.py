"""Of which organizations the token was lately proved to show everything.

Quay treats a wrong, expired or revoked token as no token at all: whatever is public stays readable, lists come back
empty or short, and an organization shows no e-mail. So an absence counts only next to a call that needs rights.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

VALID_FOR = 10.0
"""Seconds that a proof counts: about as long as one pass over a namespace takes."""


class Proofs:
    """When each organization's administration last answered; thread-safe, and as small as what was used in the last seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._proved: dict[str, float] = {}

    def add(self, organization: str) -> None:
        """A call that needs rights in this organization has just succeeded."""
        with self._lock:
            now = self._clock()
            self._proved = {name: at for name, at in self._proved.items() if now - at <= VALID_FOR}
            self._proved[organization] = now

    def holds(self, organization: str) -> bool:
        with self._lock:
            at = self._proved.get(organization)
            return at is not None and self._clock() - at <= VALID_FOR
