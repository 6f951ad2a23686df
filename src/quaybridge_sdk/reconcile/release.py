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

    def reserve(self, integration: QuayIntegration, now: datetime) -> bool:
        """Takes one of the deletions that are allowed, before it is known whether it will be made; False: there is none left."""
        if self.exceeded(integration, now):
            return False
        with self._lock:
            times = self._times.setdefault(integration.key, deque())
            if 0 < integration.deletion_limit <= len(times):
                return False
            times.append(now)
            return True

    def give_back(self, integration: QuayIntegration) -> None:
        """What was reserved was not needed."""
        with self._lock:
            times = self._times.get(integration.key)
            if times:
                times.pop()


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
        return self._plan(registry, cluster, integration, burst=self.rate.exceeded(integration, self.clock()))

    def _plan(
        self, registry: Registry, cluster: ClusterState, integration: QuayIntegration, *, burst: bool
    ) -> tuple[Action, ...]:
        name, now = organization_name(integration.cluster_id, cluster.namespace.name), self.clock()
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
        if not self._is_workable(deletion, integration) or deletion.due is None:
            return ()
        now = self.clock()
        if deletion.due > now and deletion.reason is not DeletionReason.UNFINISHED:
            return ()
        with self.registries.registry(integration) as registry:
            state = look_at_owner(registry, deletion.organization, now)
            if not state.complete_at:
                state = observe_contents(registry, deletion.organization, state)
            actions = self._within_limit(integration, lambda burst: self._plan_finish(deletion, integration, state, burst=burst))
            if deletion not in self.reader.deletions(deletion.namespace):  # an administrator has spoken in the meantime
                return ()
            for action in actions:
                apply(action, registry, self.writer)
        return actions

    def _plan_finish(
        self, deletion: Deletion, integration: QuayIntegration, state: RegistryState, *, burst: bool
    ) -> tuple[Action, ...]:
        now, cluster_uid = self.clock(), self.reader.cluster_uid()
        held = burst and deletion.reason is DeletionReason.UNFINISHED  # what was waited for, or confirmed, is no burst
        until = now + timedelta(days=integration.quarantine_days) if held else None
        gone = ClusterState(Namespace(deletion.namespace, deletion.namespace_uid, terminating=True), deletions=(deletion,))
        return plan(Observed(gone, state), finished_state(deletion, state, cluster_uid, now, held_until=until))

    def _is_workable(self, deletion: Deletion, integration: QuayIntegration) -> bool:
        """Whether the entry is of this Quay and of the rule's own name, and its namespace is really gone: a living one's own mark
        would prove a forged entry right.
        """
        same = deletion.quay == integration.endpoint.url
        named = deletion.organization == organization_name(integration.cluster_id, deletion.namespace)
        return same and named and all(namespace.uid != deletion.namespace_uid for namespace in self.reader.namespaces())

    def _within_limit(self, integration: QuayIntegration, planned: Callable[[bool], tuple[Action, ...]]) -> tuple[Action, ...]:
        """What ``planned`` gives, told whether the limit on deletions is reached; one is reserved while it plans."""
        granted = self.rate.reserve(integration, self.clock())
        actions: tuple[Action, ...] = ()
        try:
            actions = planned(not granted)
        finally:
            if granted and not any(isinstance(action, DeleteOrganization) for action in actions):
                self.rate.give_back(integration)
        return actions

    def _wait_for_integration(self, cluster: ClusterState, assignment: Assignment) -> None:
        mendable = assignment.contested or not self.reader.integrations_complete()
        if mendable and cluster.namespace.has_our_finalizer and not self._overdue(cluster.namespace):
            trouble = "several QuayIntegrations cover it" if assignment.contested else "a QuayIntegration cannot be read"
            raise OwnershipError(
                f"the namespace {cluster.namespace.name!r} is being deleted, and {trouble}: its organization goes if that is "
                f"mended within {self.deadline}, and else it is kept"
            )

    def _release_with(self, cluster: ClusterState, integration: QuayIntegration) -> Outcome:
        organization = organization_name(integration.cluster_id, cluster.namespace.name)
        with self.registries.registry(integration) as registry:
            actions = self._within_limit(integration, lambda burst: self._plan(registry, cluster, integration, burst=burst))
            for action in actions:
                apply(action, registry, self.writer)
        return Outcome(Result.RELEASED, integration, organization, actions, asked=True)

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
