"""How often the passes over one namespace may ask Quay.

Who may edit a namespace makes passes that cost calls: with each new text of an annotation, each damage to a pull secret, each
new ImageStream. Without a limit such a loop would spend the calls that all namespaces share. A pass that has to wait loses
nothing: it works on the whole state, so the one that follows does the work of all that were held back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from attrs import define, field

BURST = 20
"""So many passes may ask at once, if there were none before: whoever makes twenty ImageStreams one by one waits for none."""

SECONDS_A_PASS = 5.0
"""After those one pass each so many seconds: of a Quay that bears five calls a second, a loop of checks takes a fifth."""


@define
class Pace:
    """A token bucket for each namespace; thread-safe.

    Of a bucket only the time is kept at which it will be full again, and of a full one nothing.

    Attributes:
        clock: monotonic seconds.
    """

    clock: Callable[[], float] = time.monotonic
    burst: int = BURST
    seconds: float = SECONDS_A_PASS
    _full_at: dict[str, float] = field(factory=dict)
    _swept_at: float = float("-inf")
    _lock: threading.Lock = field(factory=threading.Lock)

    def take(self, namespace: str) -> float:
        """Takes a token and answers 0; or takes none, and answers the seconds until there is one."""
        with self._lock:
            now = self.clock()
            self._sweep(now)
            full_at = max(self._full_at.get(namespace, now), now)
            wait = full_at - now - (self.burst - 1) * self.seconds
            if wait > 0:
                return wait
            self._full_at[namespace] = full_at + self.seconds
            return 0.0

    def forget(self, namespace: str) -> None:
        """The namespace is gone."""
        with self._lock:
            self._full_at.pop(namespace, None)

    def __len__(self) -> int:
        """Of how many namespaces something is kept."""
        with self._lock:
            return len(self._full_at)

    def _sweep(self, now: float) -> None:
        """Drops full buckets, once in the time in which an empty one fills: each take pays for it but little."""
        if now - self._swept_at < self.burst * self.seconds:
            return
        self._full_at = {namespace: full_at for namespace, full_at in self._full_at.items() if full_at > now}
        self._swept_at = now
