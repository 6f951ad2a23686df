"""Repositories whose ImageStreams are gone: which of them go, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeAlias

from attrs import evolve, field, frozen

from quaybridge_sdk.effects import Result
from quaybridge_sdk.mapping.removal import empty, removable
from quaybridge_sdk.model.actions import Action, DeleteRepository
from quaybridge_sdk.model.deletion import StreamDeletionPolicy
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.state import Desired, RegistryState
from quaybridge_sdk.ports import RegistryReader, StreamLister
from quaybridge_sdk.reconcile.rate import DeletionRate

Perform: TypeAlias = Callable[[Action], Result]


@frozen
class Remover:
    """Attributes: ``streams``: None proves nothing, so that no repository is ever deleted; ``clock``: with a time zone."""

    streams: StreamLister | None
    clock: Callable[[], datetime]
    rate: DeletionRate = field(factory=DeletionRate)

    def prove(
        self,
        registry: RegistryReader,
        desired: Desired,
        integration: QuayIntegration,
        state: RegistryState,
        rate: DeletionRate | None = None,
    ) -> Desired:
        """``desired`` with the repositories that are to go now: by what Quay says just now, and the API itself, not a cache.

        At most the integration's ``deletion_limit`` within an hour: what is beyond stays until the next full check.

        Args:
            rate: what counts them; None: the one that counts what is deleted.

        Raises:
            QuaybridgeError: one of the two could not be asked.
        """
        if self.streams is None or not desired.forsaken(state):
            return desired
        there = self.streams.image_streams(desired.namespace, desired.namespace_uid)
        found = removable(desired, state, there)
        if found and desired.stream_policy is StreamDeletionPolicy.DELETE_IF_EMPTY:
            found = empty(found, registry.repository_states(desired.organization))
        now, counting = self.clock(), rate or self.rate
        return evolve(desired, removable=frozenset(name for name in sorted(found) if counting.take(integration, now)))

    @contextmanager
    def counted(self, integration: QuayIntegration, desired: Desired, perform: Perform) -> Iterator[Perform]:
        """``perform``, after which only the deletions that were made count against the limit: the others are tried again."""
        gone: set[str] = set()

        def performing(action: Action) -> Result:
            result = perform(action)
            if isinstance(action, DeleteRepository):
                gone.add(action.repository)
            return result

        try:
            yield performing
        finally:
            for _ in desired.removable - gone:
                self.rate.give_back(integration)
