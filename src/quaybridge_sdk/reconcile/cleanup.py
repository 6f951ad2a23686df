"""Takes back what was made in a namespace for a QuayIntegration that is deleted; and knows for which ones passes still write."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import field, frozen

from quaybridge_sdk.apply import apply_to_cluster
from quaybridge_sdk.effects import after
from quaybridge_sdk.mapping.cleanup import take_back
from quaybridge_sdk.model.actions import Action
from quaybridge_sdk.model.state import ClusterState, Observed
from quaybridge_sdk.ports import ClusterReader, ClusterWriter


def clean_up(reader: ClusterReader, writer: ClusterWriter, cluster: ClusterState) -> tuple[ClusterState, tuple[Action, ...]]:
    """What the namespace is afterwards, and what was done. No call, when there is nothing to take back.

    Raises:
        QuaybridgeError: the API could not be written. The record goes last, so the next pass goes on with the rest.
    """
    actions = take_back(cluster, reader.tenures())
    observed = Observed(cluster)
    for action in actions:
        apply_to_cluster(action, writer)
        observed = after(observed, action)
    return observed.cluster, actions


@frozen
class UnderWay:
    """The integrations for which a pass writes at the moment; thread-safe.

    One that is deleted must not be gone before such a pass has ended: what it writes last would be taken back by nobody.
    """

    _lock: threading.Lock = field(factory=threading.Lock)
    _passes: Counter[str] = field(factory=Counter)

    @contextmanager
    def on(self, integration: str) -> Iterator[None]:
        """Counts a pass until the end of the ``with``. Look only then whether the integration is still there."""
        with self._lock:
            self._passes[integration] += 1
        try:
            yield
        finally:
            with self._lock:
                self._passes[integration] -= 1

    def __contains__(self, integration: str) -> bool:
        with self._lock:
            return self._passes[integration] > 0
