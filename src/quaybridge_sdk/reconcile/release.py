"""Lets namespaces go, and brings to an end what is remembered of those that went before their organizations."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from attrs import field, frozen

from quaybridge_sdk.apply import apply, apply_to_cluster
from quaybridge_sdk.errors import BusyError, InvalidCredentialsError, OwnershipError, RemoteError
from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.release import LOOKS_INSIDE, deletion_policy, finished_state, released_state, unfinished_state
from quaybridge_sdk.mapping.scope import Assignment
from quaybridge_sdk.model.actions import Action, DeleteOrganization
from quaybridge_sdk.model.deletion import Deletion, DeletionPolicy, DeletionReason
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.openshift import Namespace
from quaybridge_sdk.model.state import ClusterState, Observed, RegistryState, Released
from quaybridge_sdk.observe import observe_contents
from quaybridge_sdk.plan import plan
from quaybridge_sdk.ports import ClusterReader, ClusterWriter, Registry, RegistryProvider
from quaybridge_sdk.reconcile.look import look_at_owner
from quaybridge_sdk.reconcile.outcome import Outcome, Result

HOUR = timedelta(hours=1)


@frozen
class DeletionRate:
    """The times of the deletions of the last hour, for each integration; thread-safe. A restart begins anew."""

    _lock: threading.Lock = field(factory=threading.Lock)
    _times: dict[str, deque[datetime]] = field(factory=dict)

    def exceeded(self, integration: QuayIntegration, now: datetime) -> bool:
        """Whether one more would be more than the integration's ``deletion_limit``."""
        with self._lock:
            times = self._times.setdefault(integration.key, deque())
            while times and now - times[0] >= HOUR:
                times.popleft()
            return 0 < integration.deletion_limit <= len(times)

    def count(self, integration: str, now: datetime) -> None:
        with self._lock:
            self._times.setdefault(integration, deque()).append(now)


@frozen
class Releaser:
    """Attributes: those of :class:`.Reconciler`; ``deadline``: so long Quay may hold a terminating namespace up."""

    reader: ClusterReader
    writer: ClusterWriter
    registries: RegistryProvider
    clock: Callable[[], datetime]
    deadline: timedelta
    rate: DeletionRate = field(factory=DeletionRate)

    def release(self, cluster: ClusterState, assignment: Assignment) -> Outcome:
        """Lets a terminating namespace go; its organization goes first, as the deletion policy says, if it is proved ours.

        Without an integration nothing is known of Quay, and nothing is deleted there. One that is contested or cannot be read
        may be mended before the deadline: so long the namespace waits.

        Raises:
            OwnershipError: it waits for an integration.
            QuaybridgeError: Quay could not be asked, and the deadline is not over.
        """
        integration = assignment.integration
        if not cluster.namespace.has_finalizer:
            return Outcome(Result.RELEASED, integration)
        if integration is None:
            self._wait_for_integration(cluster, assignment)
            return self._let_go(cluster, None, Released(cluster.namespace.name, None))
        if deletion_policy(integration, cluster) is DeletionPolicy.RETAIN:
            return self._let_go(cluster, integration, Released(cluster.namespace.name, None))
        try:
            return self._release_with(cluster, integration)
        except (RemoteError, InvalidCredentialsError) as error:
            ours = isinstance(error, BusyError) or (isinstance(error, RemoteError) and error.system == "kubernetes")
            if ours or not self._overdue(cluster.namespace):
                raise
        return self._let_go(cluster, integration, unfinished_state(integration, cluster, self.clock()))

    def plan_release(self, registry: Registry, cluster: ClusterState, integration: QuayIntegration) -> tuple[Action, ...]:
        """What :meth:`release` would do."""
        name, now = organization_name(integration.cluster_id, cluster.namespace.name), self.clock()
        burst = self.rate.exceeded(integration, now)
        state = look_at_owner(registry, name, now)
        if deletion_policy(integration, cluster, burst=burst) in LOOKS_INSIDE and not state.complete_at:
            state = observe_contents(registry, name, state)
        released = released_state(integration, cluster, state, self.reader.cluster_uid(), now, burst=burst)
        return plan(Observed(cluster, state), released)

    def finish(self, deletion: Deletion, integration: QuayIntegration) -> tuple[Action, ...]:
        """Does of a remembered deletion what is due now.

        Raises:
            QuaybridgeError: Quay could not be asked; the entry stays.
        """
        if deletion.quay != integration.endpoint.url or deletion.due is None:
            return ()
        now = self.clock()
        if deletion.due > now and deletion.reason is not DeletionReason.UNFINISHED:
            return ()
        with self.registries.registry(integration) as registry:
            state = look_at_owner(registry, deletion.organization, now)
            if not state.complete_at:
                state = observe_contents(registry, deletion.organization, state)
            gone = ClusterState(Namespace(deletion.namespace, deletion.namespace_uid, terminating=True), deletions=(deletion,))
            return self._carry_out(
                registry, gone, integration, finished_state(deletion, state, self.reader.cluster_uid(), now), state
            )

    def _wait_for_integration(self, cluster: ClusterState, assignment: Assignment) -> None:
        mendable = assignment.contested or not self.reader.integrations_complete()
        if mendable and cluster.applied is not None and not self._overdue(cluster.namespace):
            trouble = "several QuayIntegrations cover it" if assignment.contested else "a QuayIntegration cannot be read"
            raise OwnershipError(
                f"the namespace {cluster.namespace.name!r} is being deleted, and {trouble}: its organization goes if that is "
                f"mended within {self.deadline}, and else it is kept"
            )

    def _release_with(self, cluster: ClusterState, integration: QuayIntegration) -> Outcome:
        organization = organization_name(integration.cluster_id, cluster.namespace.name)
        with self.registries.registry(integration) as registry:
            actions = self.plan_release(registry, cluster, integration)
            for action in actions:
                self._apply(action, registry, integration)
        return Outcome(Result.RELEASED, integration, organization, actions, asked=True)

    def _carry_out(
        self, registry: Registry, cluster: ClusterState, integration: QuayIntegration, released: Released, state: RegistryState
    ) -> tuple[Action, ...]:
        actions = plan(Observed(cluster, state), released)
        for action in actions:
            self._apply(action, registry, integration)
        return actions

    def _apply(self, action: Action, registry: Registry, integration: QuayIntegration) -> None:
        apply(action, registry, self.writer)
        if isinstance(action, DeleteOrganization):
            self.rate.count(integration.key, self.clock())

    def _let_go(self, cluster: ClusterState, integration: QuayIntegration | None, released: Released) -> Outcome:
        """What needs no Quay."""
        actions = plan(Observed(cluster), released)
        for action in actions:
            apply_to_cluster(action, self.writer)
        return Outcome(Result.RELEASED, integration, None, actions)

    def _overdue(self, namespace: Namespace) -> bool:
        try:
            deleted = datetime.fromisoformat(namespace.deleted)
        except ValueError:  # it is not known since when: then it is not held up
            return True
        return deleted.tzinfo is None or self.clock() - deleted >= self.deadline
