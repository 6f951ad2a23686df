"""The pass over one namespace."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial

from attrs import evolve, field, frozen

from quaybridge_sdk.apply import apply, apply_to_cluster
from quaybridge_sdk.depth import Depth, assumed, depth
from quaybridge_sdk.effects import Result as ActionResult
from quaybridge_sdk.errors import (
    AlreadyExistsError,
    InvalidIntegrationError,
    OwnershipError,
)
from quaybridge_sdk.mapping.desired import desired_state, settle, waits_for_project
from quaybridge_sdk.mapping.removal import remembered
from quaybridge_sdk.mapping.scope import assign
from quaybridge_sdk.model.actions import (
    Action,
    CreateRobot,
    RecordApplied,
    RegenerateRobot,
    RegistryAction,
    RemoveFinalizer,
)
from quaybridge_sdk.model.deletion import Deletion
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.quay import Robot, SecretText
from quaybridge_sdk.model.state import ClusterState, Desired, Observed, RegistryState
from quaybridge_sdk.plan import plan
from quaybridge_sdk.ports import ClusterReader, ClusterWriter, Registry, RegistryProvider, StreamLister
from quaybridge_sdk.reconcile.beliefs import Beliefs
from quaybridge_sdk.reconcile.cleanup import UnderWay, clean_up
from quaybridge_sdk.reconcile.look import with_roles
from quaybridge_sdk.reconcile.outcome import Outcome, Result, unheard
from quaybridge_sdk.reconcile.pace import Pace
from quaybridge_sdk.reconcile.rate import Shown
from quaybridge_sdk.reconcile.release import Releaser
from quaybridge_sdk.reconcile.removal import Remover
from quaybridge_sdk.reconcile.rounds import advance
from quaybridge_sdk.reconcile.survey import Surveyor


@frozen
class Reconciler:
    """Reconciles namespaces; one instance for all threads. Two passes on one namespace must not overlap (the queue sees to it).

    Attributes:
        full_check_interval: the longest time between two full reads of a namespace's side of Quay.
        deletion_deadline: so long Quay may hold up a namespace that is being deleted.
        streams: proves that an ImageStream is gone; without it no repository is ever deleted.
        heard: is told that Quay has answered for an integration; also when the rest of the pass fails, which the next one need
            not ask again.
        clock: the current time, with a time zone.
        pace: how often the passes over one namespace may ask Quay.
    """

    reader: ClusterReader
    writer: ClusterWriter
    registries: RegistryProvider
    clock: Callable[[], datetime]
    full_check_interval: timedelta = timedelta(hours=10)
    deletion_deadline: timedelta = timedelta(minutes=5)
    streams: StreamLister | None = None
    heard: Callable[[QuayIntegration], None] = unheard
    beliefs: Beliefs = field(factory=Beliefs)
    pace: Pace = field(factory=Pace)
    under_way: UnderWay = field(factory=UnderWay)
    surveyor: Surveyor = field()
    releaser: Releaser = field()
    remover: Remover = field()

    @surveyor.default
    def _make_surveyor(self) -> Surveyor:
        return Surveyor(self.reader, self.clock)

    @releaser.default
    def _make_releaser(self) -> Releaser:
        return Releaser(self.reader, self.writer, self.registries, self.clock, self.deletion_deadline, self.heard)

    @remover.default
    def _make_remover(self) -> Remover:
        return Remover(self.streams, self.clock)

    def reconcile(self, namespace: str, *, full: bool = False) -> Outcome:
        """Brings one namespace nearer to what is wanted.

        Args:
            full: Quay's side is read in full, whatever the record in the cluster says, and at once.

        Raises:
            QuaybridgeError: a call failed, or the organization is not proved ours. What was done stays done; the next
                pass reads Quay's side again.
        """
        cluster = self.reader.state(namespace)
        if cluster is None:
            self.beliefs.forget(namespace)
            self.pace.forget(namespace)
            return Outcome(Result.GONE, actions=self._finish(self.reader.deletions(namespace)))
        cluster, taken = clean_up(self.reader, self.writer, cluster)
        if taken:
            self.beliefs.forget(namespace)
        outcome = self._reconcile(cluster, full=full)
        return evolve(outcome, actions=(*taken, *outcome.actions)) if taken else outcome

    def _reconcile(self, cluster: ClusterState, *, full: bool) -> Outcome:
        namespace = cluster.namespace.name
        assignment = assign(self.reader.integrations(), namespace, self.reader.ignored())
        if cluster.namespace.terminating:
            self.beliefs.forget(namespace)
            return self.releaser.release(cluster, assignment)
        if assignment.contested:
            return Outcome(Result.CONTESTED, covering=assignment.covering)
        if assignment.integration is None:
            return self._leave(cluster)
        if waits_for_project(cluster):
            return Outcome(Result.WAITING, assignment.integration)
        with self.under_way.on(assignment.integration.key):
            if assignment.integration.key not in {integration.key for integration in self.reader.integrations()}:
                return Outcome(Result.OUT_OF_SCOPE)  # deleted just now: that change makes the namespace due again
            try:
                return self._converge(cluster, assignment.integration, full=full)
            except InvalidIntegrationError:  # there is no client for it
                self.surveyor.pass_over(cluster, assignment.integration)
                raise

    def _leave(self, cluster: ClusterState) -> Outcome:
        """A namespace that no integration covers (any more) must not wait for us when it goes: the finalizer is taken off.

        Not while a QuayIntegration cannot be read: it may be the one. Nor where we never wrote: the finalizer of the Go operator
        proves, when its integration comes, that the organization was made for this very namespace.
        """
        if not cluster.namespace.has_our_finalizer or not self.reader.integrations_complete():
            return Outcome(Result.OUT_OF_SCOPE)
        action = RemoveFinalizer(cluster.namespace.name)
        apply_to_cluster(action, self.writer)
        return Outcome(Result.OUT_OF_SCOPE, actions=(action,))

    def _finish(self, deletions: Iterable[Deletion]) -> tuple[Action, ...]:
        """What is due of these. Here, in the pass over their namespace's name, so that nothing else works on it meanwhile."""
        integrations = {integration.key: integration for integration in self.reader.integrations()}
        known = [(deletion, integrations[deletion.integration]) for deletion in deletions if deletion.integration in integrations]
        return tuple(action for deletion, integration in known for action in self.releaser.finish(deletion, integration))

    def seconds_to_deletion(self, namespace: str) -> float | None:
        """Seconds until the next remembered deletion of a namespace of this name is due; None when there is none."""
        quays = {integration.key: integration.endpoint.url for integration in self.reader.integrations()}
        known = (d for d in self.reader.deletions(namespace) if quays.get(d.integration) == d.quay)
        due = [deletion.due for deletion in known if deletion.due is not None]
        return max(60.0, (min(due) - self.clock()).total_seconds()) if due else None

    def seconds_to_full_check(self, namespace: str) -> float | None:
        """Seconds until the namespace's side of Quay is to be read in full again; None when nothing is known of it."""
        checked_at = self.beliefs.checked_at(namespace)
        if checked_at is None:
            return None
        return max(1.0, (checked_at + self._interval(namespace) - self.clock()).total_seconds())

    def _interval(self, namespace: str) -> timedelta:
        """Between 80 % and 100 % of the interval, by name: namespaces that were made together are not checked together."""
        return self.full_check_interval * (0.8 + 0.2 * (zlib.crc32(namespace.encode()) % 1000) / 1000)

    def shown(self) -> Shown:
        """What has been deleted lately, for the previews of one run to count on."""
        return Shown(self.releaser.rate.copy(), self.remover.rate.copy())

    def preview(self, namespace: str, shown: Shown | None = None) -> tuple[Action, ...]:
        """All that :meth:`reconcile` would do now, with nothing changed: it reads Quay in full, and plays the rest.

        Args:
            shown: :meth:`shown`, once for all namespaces that are shown together; None: this one is shown alone.

        Raises:
            QuaybridgeError: as :meth:`reconcile`.
        """
        shown = shown or self.shown()
        cluster = self.reader.state(namespace)
        integration = assign(self.reader.integrations(), namespace, self.reader.ignored()).integration
        if cluster is None or integration is None or waits_for_project(cluster):
            return ()
        if cluster.namespace.terminating:
            return self.releaser.plan_release(cluster, integration, shown.organizations)
        desired = desired_state(integration, cluster, self.reader.cluster_uid())
        if desired.unfinished:  # first what an earlier namespace has left; the rest when that is done
            finish = partial(self.releaser.plan_finish, integration=integration, shown=shown.organizations)
            return tuple(action for deletion in desired.unfinished for action in finish(deletion))
        with self.registries.registry(integration) as registry:
            state = self.surveyor.look_ahead(registry, cluster, desired, integration)
            state = with_roles(registry, cluster, desired, state)
            desired = self.remover.prove(registry, desired, integration, state, shown.repositories)
            actions = advance(Observed(cluster, state), desired, _imagined)[1]
        return () if all(isinstance(action, RecordApplied) for action in actions) else actions  # the time alone is no change

    def _converge(self, cluster: ClusterState, integration: QuayIntegration, *, full: bool) -> Outcome:
        namespace = cluster.namespace.name
        desired = desired_state(integration, cluster, self.reader.cluster_uid())
        if desired.unfinished:
            return Outcome(Result.WAITING, integration, actions=self._finish(desired.unfinished))
        subject = f"{desired.namespace_uid} {desired.organization} {desired.endpoint.url}"
        recalled = self.beliefs.recall(namespace, subject)
        believed = recalled if recalled.complete_at else assumed(desired, cluster.applied)
        wanted = depth(cluster, desired, believed, self.clock(), timedelta(0) if full else self._interval(namespace))
        observed = Observed(cluster, believed)
        if wanted is Depth.NOTHING and not plan(observed, desired):
            self.beliefs.learn(namespace, subject, believed)
            return Outcome(Result.CONVERGED, integration, desired.organization)
        if wanted is Depth.FIRST and self.surveyor.waits(cluster, integration):
            return Outcome(Result.SURVEYING, integration)
        with self.registries.registry(integration, background=wanted.is_full) as registry:
            free = full or self._is_periodic(cluster, desired, recalled, wanted) or not _asks(observed, desired, wanted)
            wait = 0.0 if free else self.pace.take(namespace)
            if wait:
                return Outcome(Result.PACED, integration, wait=wait)
            self.beliefs.forget(namespace)  # until this pass has succeeded: a failure in the middle leaves nothing to believe
            try:
                state = self.surveyor.look(registry, cluster, desired, integration, wanted, believed)
                if state is None:
                    return Outcome(Result.SURVEYING, integration)
                if wanted is not Depth.NOTHING:
                    self.heard(integration)
                    desired = self.remover.prove(registry, desired, integration, state)
                perform = partial(self._perform, desired, registry)
                state = self.beliefs.with_renewed(desired, state)
                with self.remover.counted(integration, desired, perform) as counted:
                    observed, done = advance(Observed(cluster, state), desired, counted)
            except AlreadyExistsError as error:
                raise OwnershipError(f"{error}; it was made by somebody else in the meantime") from error
        self.beliefs.learn(namespace, subject, remembered(observed.registry, desired))
        self.beliefs.recorded(desired)
        return Outcome(Result.CONVERGED, integration, desired.organization, done)

    def _perform(self, desired: Desired, registry: Registry, action: Action) -> ActionResult:
        result = apply(action, registry, self.writer)
        if isinstance(action, RegenerateRobot):  # at once: a pass that fails afterwards must not do it again
            self.beliefs.renewed(desired, action.robot)
        return result

    def _is_periodic(self, cluster: ClusterState, desired: Desired, recalled: RegistryState, wanted: Depth) -> bool:
        """Whether the time alone makes this pass read Quay; by what this process knows: a namespace's record can be edited."""
        if wanted is not Depth.FULL or recalled.complete_at is None:
            return False
        return depth(cluster, desired, recalled, self.clock(), timedelta.max) is Depth.NOTHING


def _asks(observed: Observed, desired: Desired, wanted: Depth) -> bool:
    """Whether the pass will call Quay, to read or to write."""
    if wanted is not Depth.NOTHING:
        return True
    return any(isinstance(action, RegistryAction) for action in plan(observed, settle(desired, observed)))


def _imagined(action: Action) -> ActionResult:
    """What an action would answer: only a robot's new token matters for what comes after it."""
    if isinstance(action, CreateRobot):
        return Robot(action.robot, action.description, SecretText("made by Quay"))
    if isinstance(action, RegenerateRobot):
        return Robot(action.robot, token=SecretText("made by Quay"))
    return None
