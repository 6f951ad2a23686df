"""The look at Quay with which a pass begins; for a new integration, together with those of its other namespaces."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from attrs import evolve, field, frozen

from quaybridge_sdk.depth import Depth
from quaybridge_sdk.errors import (
    ClusterConflictError,
    QuaybridgeError,
    TransientRemoteError,
)
from quaybridge_sdk.mapping.desired import desired_state, settle, waits_for_project
from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.scope import assign
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.openshift import APPLIED_ANNOTATION, Namespace
from quaybridge_sdk.model.state import Absent, Applied, ClusterState, Desired, Observed, RegistryState, place_of
from quaybridge_sdk.observe import observe_contents
from quaybridge_sdk.ports import ClusterReader, Registry
from quaybridge_sdk.reconcile.look import look_again, look_at_owner, look_first, require_writable, with_roles
from quaybridge_sdk.reconcile.standing import Standing


@frozen
class Surveyor:
    """Attributes: those of :class:`.Reconciler`."""

    reader: ClusterReader
    clock: Callable[[], datetime]
    standing: Standing = field()

    @standing.default
    def _make_standing(self) -> Standing:
        return Standing(self.clock)

    def look(
        self,
        registry: Registry,
        cluster: ClusterState,
        desired: Desired,
        integration: QuayIntegration,
        wanted: Depth,
        believed: RegistryState,
    ) -> RegistryState | None:
        """Quay's side as deep as ``wanted``; None while a new integration is still looking around.

        Raises:
            ClusterConflictError: another cluster uses the clusterID.
            QuaybridgeError: as :func:`.look.look_again`.
        """
        subject = _subject(integration)
        if wanted is not Depth.FIRST:
            self.standing.establish(subject)
            state = look_again(registry, cluster, desired, believed, wanted, self.clock())
            return with_roles(registry, cluster, desired, state) if wanted is Depth.ROLES else state
        if not self._may_write(registry, cluster, desired, subject, integration):
            return None
        owned = self.standing.recall(subject, cluster.namespace.name)
        state = with_contents(registry, desired, look_first(registry, cluster, desired, self.clock(), owned))
        return with_roles(registry, cluster, desired, state)

    def look_ahead(
        self, registry: Registry, cluster: ClusterState, desired: Desired, integration: QuayIntegration
    ) -> RegistryState:
        """For a preview, in which nobody else looks around: Quay's side as a first pass sees it, and what a survey would say.

        Raises:
            ClusterConflictError: another cluster uses the clusterID, so that nothing would be written.
            QuaybridgeError: as :func:`.look.look_first`.
        """
        subject, name = _subject(integration), cluster.namespace.name
        if not self.standing.established(subject, partial(self._survey, integration)):
            for other in self.standing.unseen(subject):
                self._look_at(registry, other, integration)
            self._has_looked(subject, name)
        owned = self.standing.recall(subject, name)
        return with_contents(registry, desired, look_first(registry, cluster, desired, self.clock(), owned))

    def _look_at(self, registry: Registry, namespace: str, integration: QuayIntegration) -> None:
        """One part of the survey. Trouble of one namespace is told when that is looked at for itself.

        Raises:
            TransientRemoteError: Quay could not be asked.
        """
        state = self.reader.state(namespace)
        if state is None:
            return
        desired = desired_state(integration, state, self.reader.cluster_uid())
        try:
            self._look_around(registry, state, desired, _subject(integration))
        except TransientRemoteError:
            raise
        except QuaybridgeError:  # noted by the survey
            return

    def _may_write(
        self, registry: Registry, cluster: ClusterState, desired: Desired, subject: str, integration: QuayIntegration
    ) -> bool:
        name = cluster.namespace.name
        if self.standing.established(subject, partial(self._survey, integration)):
            return True
        return not self._has_looked(subject, name) and self._look_around(registry, cluster, desired, subject)

    def pass_over(self, cluster: ClusterState, integration: QuayIntegration) -> None:
        """The namespace could not be looked at, and will not be until somebody acts: the others do not wait for it."""
        self.standing.note(_subject(integration), cluster.namespace.name, None)

    def waits(self, cluster: ClusterState, integration: QuayIntegration) -> bool:
        """Whether a first pass has nothing to ask: a new integration's survey is under way, and has seen the namespace.

        Raises:
            ClusterConflictError: another cluster uses the clusterID.
        """
        subject = _subject(integration)
        established = self.standing.established(subject, partial(self._survey, integration))
        return not established and self._has_looked(subject, cluster.namespace.name)

    def _has_looked(self, subject: str, namespace: str) -> bool:
        other = self.standing.conflict(subject, namespace)
        if other is not None:
            raise ClusterConflictError(other)
        return self.standing.looked(subject, namespace)

    def _look_around(self, registry: Registry, cluster: ClusterState, desired: Desired, subject: str) -> bool:
        """One namespace's part of the survey; True when the survey is complete with it."""
        name = cluster.namespace.name
        try:
            found = look_at_owner(registry, desired.organization, self.clock())
            require_writable(settle(desired, Observed(cluster, found)))
        except ClusterConflictError as error:
            self.standing.note(subject, name, None, str(error))
            raise
        except TransientRemoteError:
            self.standing.skip(subject, name)
            raise
        except QuaybridgeError:  # the namespace's own trouble: it says nothing of another cluster, and nobody waits for its end
            self.standing.note(subject, name, None)
            raise
        return self.standing.note(subject, name, found)

    def _survey(self, integration: QuayIntegration) -> tuple[bool, tuple[str, ...]]:
        """Whether the integration has written before, and the namespaces that it covers."""
        integrations = self.reader.integrations()
        there = (n for n in self.reader.namespaces() if not n.terminating and not waits_for_project(ClusterState(n)))
        covered = [n for n in there if assign(integrations, n.name, self.reader.ignored()).integration == integration]
        return any(_recorded(integration, namespace) for namespace in covered), tuple(n.name for n in covered)


def _subject(integration: QuayIntegration) -> str:
    return f"{integration.key} {integration.cluster_id} {integration.endpoint.url}"


def with_contents(registry: Registry, desired: Desired, state: RegistryState) -> RegistryState:
    """``state``, with what is in the repositories of an organization that is given back to the namespace."""
    if not desired.given_back:
        return state
    if state.organization is Absent.ABSENT:
        return evolve(state, contents=())
    return observe_contents(registry, desired.organization, state)


def _recorded(integration: QuayIntegration, namespace: Namespace) -> bool:
    """Whether a record on the namespace says that this integration has brought its organization about."""
    applied = Applied.loads(namespace.annotations.get(APPLIED_ANNOTATION))
    if applied is None:
        return False
    organization = organization_name(integration.cluster_id, namespace.name)
    return applied.registry.startswith(place_of(namespace.uid, organization, integration.endpoint))
