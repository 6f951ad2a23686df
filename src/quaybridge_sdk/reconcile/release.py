"""Lets namespaces go, and brings to an end what is remembered of those that went before their organizations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from attrs import field, frozen

from quaybridge_sdk.apply import apply, apply_to_cluster
from quaybridge_sdk.errors import BusyError, InvalidCredentialsError, InvalidIntegrationError, OwnershipError, RemoteError
from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.release import deletion_policy, finished_state, is_workable, released_state, unfinished_state
from quaybridge_sdk.mapping.scope import Assignment
from quaybridge_sdk.model.actions import Action, DeleteOrganization
from quaybridge_sdk.model.deletion import Deletion, DeletionPolicy, DeletionReason
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.openshift import Namespace
from quaybridge_sdk.model.state import ClusterState, Observed, RegistryState, Released
from quaybridge_sdk.observe import observe_contents
from quaybridge_sdk.plan import plan
from quaybridge_sdk.ports import ClusterReader, ClusterWriter, Registry, RegistryProvider
from quaybridge_sdk.reconcile.look import look_at_the_end
from quaybridge_sdk.reconcile.outcome import Outcome, Result, unheard
from quaybridge_sdk.reconcile.rate import DeletionRate


@frozen
class Releaser:
    """Attributes: those of :class:`.Reconciler`; ``deadline``: so long Quay may hold a terminating namespace up."""

    reader: ClusterReader
    writer: ClusterWriter
    registries: RegistryProvider
    clock: Callable[[], datetime]
    deadline: timedelta
    heard: Callable[[QuayIntegration], None] = unheard
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
        except (RemoteError, InvalidCredentialsError, InvalidIntegrationError) as error:
            ours = isinstance(error, BusyError) or (isinstance(error, RemoteError) and error.system == "kubernetes")
            if ours or not self._overdue(cluster.namespace):
                raise
        return self._let_go(cluster, integration, unfinished_state(integration, cluster, self.clock()))

    def plan_release(self, cluster: ClusterState, integration: QuayIntegration, shown: DeletionRate) -> tuple[Action, ...]:
        """What :meth:`release` would do, counted by ``shown``; it asks Quay only where that would.

        Raises:
            QuaybridgeError: Quay could not be asked.
        """
        if not cluster.namespace.has_finalizer:
            return ()
        if deletion_policy(integration, cluster) is DeletionPolicy.RETAIN:
            return plan(Observed(cluster), Released(cluster.namespace.name, None))
        with self.registries.registry(integration) as registry:
            return self._within_limit(integration, self._plans(registry, cluster, integration), shown)[0]

    def finish(self, deletion: Deletion, integration: QuayIntegration) -> tuple[Action, ...]:
        """Does of a remembered deletion what is due now.

        Raises:
            QuaybridgeError: Quay could not be asked; the entry stays.
        """
        if not self._is_to_be_finished(deletion, integration):
            return ()
        with self.registries.registry(integration) as registry:
            # What was waited for, or confirmed, is no burst; and an administrator may speak while Quay is asked.
            limited = deletion.reason is DeletionReason.UNFINISHED
            still = partial(self._is_remembered, deletion)
            planned = self._finishing(registry, deletion, integration)
            return self._carry_out(registry, integration, planned, limited=limited, still=still)

    def plan_finish(self, deletion: Deletion, integration: QuayIntegration, shown: DeletionRate) -> tuple[Action, ...]:
        """What :meth:`finish` would do, counted by ``shown``. Raises as that does."""
        if not self._is_to_be_finished(deletion, integration):
            return ()
        limited = shown if deletion.reason is DeletionReason.UNFINISHED else None
        with self.registries.registry(integration) as registry:
            return self._within_limit(integration, self._finishing(registry, deletion, integration), limited)[0]

    def _is_to_be_finished(self, deletion: Deletion, integration: QuayIntegration) -> bool:
        living = (namespace.uid for namespace in self.reader.namespaces())
        return deletion.is_due(self.clock()) and is_workable(deletion, integration, living)

    def _finishing(
        self, registry: Registry, deletion: Deletion, integration: QuayIntegration
    ) -> Callable[[bool], tuple[Action, ...]]:
        """As :meth:`_plans`, for an organization whose namespace is gone."""
        now, cluster_uid = self.clock(), self.reader.cluster_uid()
        gone = ClusterState(Namespace(deletion.namespace, deletion.namespace_uid, terminating=True), deletions=(deletion,))
        owned = look_at_the_end(registry, deletion.organization, now)

        def planned(burst: bool) -> tuple[Action, ...]:
            at_once = deletion.policy is DeletionPolicy.DELETE and deletion.due is not None and deletion.due <= now
            state = owned if at_once and not burst else _look_inside(registry, deletion.organization, owned)
            return plan(Observed(gone, state), finished_state(deletion, integration, state, cluster_uid, now, burst=burst))

        return planned

    def _is_remembered(self, deletion: Deletion) -> bool:
        return deletion in self.reader.deletions(deletion.namespace)

    def _release_with(self, cluster: ClusterState, integration: QuayIntegration) -> Outcome:
        organization = organization_name(integration.cluster_id, cluster.namespace.name)
        with self.registries.registry(integration) as registry:
            actions = self._carry_out(registry, integration, self._plans(registry, cluster, integration))
        self.heard(integration)
        return Outcome(Result.RELEASED, integration, organization, actions)

    def _plans(
        self, registry: Registry, cluster: ClusterState, integration: QuayIntegration
    ) -> Callable[[bool], tuple[Action, ...]]:
        """Looks whose the organization is, and answers what gives the plan, told whether it is one of a burst."""
        now, cluster_uid = self.clock(), self.reader.cluster_uid()
        organization = organization_name(integration.cluster_id, cluster.namespace.name)
        owned = look_at_the_end(registry, organization, now)

        def planned(burst: bool) -> tuple[Action, ...]:
            policy = deletion_policy(integration, cluster, burst=burst)
            state = owned if policy is DeletionPolicy.DELETE else _look_inside(registry, organization, owned)
            return plan(Observed(cluster, state), released_state(integration, cluster, state, cluster_uid, now, burst=burst))

        return planned

    def _carry_out(
        self,
        registry: Registry,
        integration: QuayIntegration,
        planned: Callable[[bool], tuple[Action, ...]],
        *,
        limited: bool = True,
        still: Callable[[], bool] = lambda: True,
    ) -> tuple[Action, ...]:
        """Does what is planned, or what is planned for a burst when its deletion would be one too many.

        Args:
            limited: whether a deletion counts.
            still: whether it is wanted, asked once more before the first action.
        """
        actions, counted = self._within_limit(integration, planned, self.rate if limited else None)
        deleted = False
        try:
            actions = actions if still() else ()
            for action in actions:
                apply(action, registry, self.writer)
                deleted |= isinstance(action, DeleteOrganization)
        finally:
            if counted and not deleted:  # it is tried again, and counted again then
                self.rate.give_back(integration)
        return actions

    def _within_limit(
        self, integration: QuayIntegration, planned: Callable[[bool], tuple[Action, ...]], rate: DeletionRate | None
    ) -> tuple[tuple[Action, ...], bool]:
        """What is planned, and whether ``rate`` has counted its deletion; what is planned for a burst when it has no room."""
        actions = planned(False)
        if rate is None or not any(isinstance(action, DeleteOrganization) for action in actions):
            return actions, False
        return (actions, True) if rate.take(integration, self.clock()) else (planned(True), False)

    def _wait_for_integration(self, cluster: ClusterState, assignment: Assignment) -> None:
        mendable = assignment.contested or not self.reader.integrations_complete()
        if mendable and cluster.namespace.has_our_finalizer and not self._overdue(cluster.namespace):
            trouble = "several QuayIntegrations cover it" if assignment.contested else "a QuayIntegration cannot be read"
            raise OwnershipError(
                f"the namespace {cluster.namespace.name!r} is being deleted, and {trouble}: its organization goes if that is "
                f"mended within {self.deadline}, and else it is kept"
            )

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


def _look_inside(registry: Registry, organization: str, owned: RegistryState) -> RegistryState:
    """What is in the organization besides; 1 call for each 100 repositories, none when it is not there."""
    return owned if owned.complete_at else observe_contents(registry, organization, owned)
