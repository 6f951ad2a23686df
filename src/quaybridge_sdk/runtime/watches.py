"""Says when the cluster cannot be watched: until then nobody would know that what happens there is not seen."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from quaybridge_sdk.runtime.metrics import Metrics

LOOK_SECONDS = 5.0
_log = logging.getLogger(__name__)


def tell_of_watches(faults: Callable[[], Mapping[str, str]], metrics: Metrics, wait: Callable[[float], bool]) -> None:
    """Looks at the watches until ``wait`` answers True. One that fails twice in a row is told of once, and so is its end.

    Args:
        faults: what goes wrong at the moment: a collection's path, and the error's text.
        wait: waits so many seconds; True: it is time to stop.
    """
    before, told = frozenset[str](), frozenset[str]()
    while not wait(LOOK_SECONDS):
        now = faults()
        metrics.set("quaybridge_watches_failing", len(now))
        lasting = (now.keys() & before) - told
        for path in sorted(lasting):
            _log.warning("%s cannot be watched at present, so that what happens there is not seen: %s", path, now[path])
        for path in sorted(told - now.keys()):
            _log.info("%s is watched again", path)
        before, told = frozenset(now), (told & now.keys()) | lasting
