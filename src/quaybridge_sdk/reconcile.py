"""One namespace, once: observe, map, plan, apply, joined. The only module that knows all four.

It works from a namespace's name and the whole state, never from an event: a lost or doubled event changes nothing.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum
from functools import partial

from attrs import evolve, field, frozen

from quaybridge_sdk.apply import apply, apply_to_cluster
from quaybridge_sdk.effects import Result as ActionResult
from quaybridge_sdk.effects import after
from quaybridge_sdk.errors import AlreadyExistsError, ForbiddenError, OwnershipError
from quaybridge_sdk.mapping.desired import desired_state, released_state, settle, waits_for_project
from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.scope import assign
from quaybridge_sdk.model.actions import Action, CreateRobot, RecordApplied
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.quay import Organization, Robot, SecretText
from quaybridge_sdk.model.state import Absent, ClusterState, Desired, Observed, RegistryState
from quaybridge_sdk.observe import observe_all, observe_organization, observe_robots
from quaybridge_sdk.plan import Depth, assumed, depth, plan
from quaybridge_sdk.ports import ClusterReader, ClusterWriter, Registry, RegistryProvider

MAX_ROUNDS = 6
"""A pass plans at most this often: finalizer and Quay's side, secrets and links, record, and the empty plan make four."""


class Result(Enum):
    """How a pass ended, when it did not raise."""

    CONVERGED = "both sides are as wanted"
    RELEASED = "the namespace was let go"
    GONE = "the namespace is gone"
    OUT_OF_SCOPE = "no integration covers the namespace"
    CONTESTED = "several integrations cover the namespace, so none acts"
    WAITING = "the project is still being made"


@frozen
class Outcome:
    """What a pass did. ``actions`` are those that were carried out, in order."""

    result: Result
    integration: QuayIntegration | None = None
    organization: str | None = None
    actions: tuple[Action, ...] = ()
    covering: tuple[QuayIntegration, ...] = ()


@frozen
class Beliefs:
    """What this process knows of Quay's side of each namespace, without tokens; thread-safe."""

    _lock: threading.Lock = field(factory=threading.Lock)
    _states: dict[str, tuple[str, RegistryState]] = field(factory=dict)

    def recall(self, namespace: str, subject: str) -> RegistryState:
        """What is believed, if it was learned about the same ``subject`` (organization, Quay and namespace UID)."""
        with self._lock:
            known, state = self._states.get(namespace, ("", RegistryState()))
        return state if known == subject else RegistryState()

    def learn(self, namespace: str, subject: str, state: RegistryState) -> None:
        with self._lock:
            self._states[namespace] = (subject, without_tokens(state))

    def checked_at(self, namespace: str) -> datetime | None:
        """When all of the namespace's side of Quay was last known together."""
        with self._lock:
            return self._states.get(namespace, ("", RegistryState()))[1].complete_at

    def forget(self, namespace: str) -> None:
        with self._lock:
            self._states.pop(namespace, None)

    def clear(self) -> None:
        with self._lock:
            self._states.clear()


def without_tokens(state: RegistryState) -> RegistryState:
    """``state`` with no secret left in it: what is kept between passes."""
    robots = state.robots and {name: evolve(robot, token=None) for name, robot in state.robots.items()}
    return evolve(state, robots=robots)


@frozen
class Reconciler:
    """Reconciles namespaces; one instance for all threads. Two passes on one namespace must not overlap (the queue sees to it).

    Attributes:
        full_check_interval: the longest time between two full reads of a namespace's side of Quay.
        clock: the current time, with a time zone.
    """

    reader: ClusterReader
    writer: ClusterWriter
    registries: RegistryProvider
    clock: Callable[[], datetime]
    full_check_interval: timedelta = timedelta(hours=10)
    beliefs: Beliefs = field(factory=Beliefs)

    def reconcile(self, namespace: str) -> Outcome:
        """Brings one namespace nearer to what is wanted.

        Raises:
            QuaybridgeError: a call failed, or the organization is not proved ours. What was done stays done; the next
                pass reads Quay's side again.
        """
        cluster = self.reader.state(namespace)
        if cluster is None:
            self.beliefs.forget(namespace)
            return Outcome(Result.GONE)
        assignment = assign(self.reader.integrations(), namespace)
        if cluster.namespace.terminating:
            return self._release(cluster, assignment.integration)
        if assignment.integration is None:
            result = Result.CONTESTED if assignment.contested else Result.OUT_OF_SCOPE
            return Outcome(result, covering=assignment.covering)
        if waits_for_project(cluster):
            return Outcome(Result.WAITING, assignment.integration)
        return self._converge(cluster, assignment.integration)

    def seconds_to_full_check(self, namespace: str) -> float | None:
        """Seconds until the namespace's side of Quay is to be read in full again; None when nothing is known of it."""
        checked_at = self.beliefs.checked_at(namespace)
        if checked_at is None:
            return None
        return max(1.0, (checked_at + self._interval(namespace) - self.clock()).total_seconds())

    def _interval(self, namespace: str) -> timedelta:
        """Between 80 % and 100 % of the interval, by name: namespaces that were made together are not checked together."""
        return self.full_check_interval * (0.8 + 0.2 * (zlib.crc32(namespace.encode()) % 1000) / 1000)

    def preview(self, namespace: str) -> tuple[Action, ...]:
        """All that :meth:`reconcile` would do now, with nothing changed: it reads Quay in full, and plays the rest.

        Raises:
            QuaybridgeError: as :meth:`reconcile`.
        """
        cluster = self.reader.state(namespace)
        integration = assign(self.reader.integrations(), namespace).integration
        if cluster is None or integration is None or waits_for_project(cluster):
            return ()
        with self.registries.registry(integration) as registry:
            if cluster.namespace.terminating:
                if not cluster.namespace.has_finalizer:
                    return ()
                return self._plan_release(registry, cluster, integration)
            desired = desired_state(integration, cluster, self.reader.cluster_uid())
            state = self._look(registry, desired, RegistryState(), Depth.FIRST)
            actions = self._advance(Observed(cluster, state), desired, _imagined)[1]
        return () if all(isinstance(action, RecordApplied) for action in actions) else actions  # the time alone is no change

    def _converge(self, cluster: ClusterState, integration: QuayIntegration) -> Outcome:
        namespace = cluster.namespace.name
        desired = desired_state(integration, cluster, self.reader.cluster_uid())
        subject = f"{desired.namespace_uid} {desired.organization} {desired.endpoint.url}"
        believed = self.beliefs.recall(namespace, subject)
        if believed.complete_at is None:
            believed = assumed(desired, cluster.applied)
        wanted = depth(cluster, desired, believed, self.clock(), self._interval(namespace))
        observed = Observed(cluster, believed)
        if wanted is Depth.NOTHING and not plan(observed, desired):
            self.beliefs.learn(namespace, subject, believed)
            return Outcome(Result.CONVERGED, integration, desired.organization)
        self.beliefs.forget(namespace)  # until this pass has succeeded: a failure in the middle leaves nothing to believe
        with self.registries.registry(integration) as registry:
            try:
                state = self._look(registry, desired, believed, wanted)
                perform = partial(apply, registry=registry, cluster=self.writer)
                observed, done = self._advance(Observed(cluster, state), desired, perform)
            except AlreadyExistsError as error:
                raise OwnershipError(f"{error}; it was made by somebody else in the meantime") from error
        self.beliefs.learn(namespace, subject, observed.registry)
        return Outcome(Result.CONVERGED, integration, desired.organization, done)

    def _look(self, registry: Registry, desired: Desired, believed: RegistryState, wanted: Depth) -> RegistryState:
        now, name = self.clock(), desired.organization
        if wanted is Depth.FIRST:
            first = observe_organization(registry, name, now)
            _require_insight(first)
            return first if first.complete_at else observe_all(registry, name, first, now)
        if wanted is Depth.FULL:
            return self._proved(registry, desired, observe_all(registry, name, RegistryState(), now))
        return observe_robots(registry, name, believed) if wanted is Depth.ROBOTS else believed

    def _proved(self, registry: Registry, desired: Desired, state: RegistryState) -> RegistryState:
        """``state``, with the organization's mark read again when none of our robots is in it: it may have been made anew by
        somebody else since it was ours. One call, in a case that is none of every day.
        """
        known = state.robots or {}
        if isinstance(state.organization, Absent) or any(robot.name in known for robot in desired.robots):
            return state
        found = observe_organization(registry, desired.organization, self.clock())
        _require_insight(found)
        return evolve(state, organization=found.organization)

    def _advance(
        self, observed: Observed, desired: Desired, perform: Callable[[Action], ActionResult]
    ) -> tuple[Observed, tuple[Action, ...]]:
        """Plans, performs, learns, and plans again until nothing is left."""
        done: list[Action] = []
        cluster_uid = self.reader.cluster_uid()
        for _ in range(MAX_ROUNDS):
            settled = settle(desired, observed.registry, cluster_uid)
            _require_writable(settled)
            actions = plan(observed, settled)
            for action in actions:
                observed = after(observed, action, perform(action))
                done.append(action)
            if not actions:
                break
        return observed, tuple(done)

    def _release(self, cluster: ClusterState, integration: QuayIntegration | None) -> Outcome:
        """Lets a terminating namespace go; its organization goes first, if it is proved ours."""
        namespace = cluster.namespace
        self.beliefs.forget(namespace.name)
        if not namespace.has_finalizer:
            return Outcome(Result.RELEASED, integration)
        if integration is None:
            released = released_state(None, cluster, RegistryState(), self.reader.cluster_uid())
            actions = plan(Observed(cluster), released)
            for action in actions:
                apply_to_cluster(action, self.writer)
            return Outcome(Result.RELEASED, None, None, actions)
        return self._release_with(cluster, integration)

    def _release_with(self, cluster: ClusterState, integration: QuayIntegration) -> Outcome:
        with self.registries.registry(integration) as registry:
            actions = self._plan_release(registry, cluster, integration)
            for action in actions:
                apply(action, registry, self.writer)
        return Outcome(Result.RELEASED, integration, organization_name(integration.cluster_id, cluster.namespace.name), actions)

    def _plan_release(self, registry: Registry, cluster: ClusterState, integration: QuayIntegration) -> tuple[Action, ...]:
        name = organization_name(integration.cluster_id, cluster.namespace.name)
        state = observe_organization(registry, name, self.clock())
        _require_insight(state)
        return plan(Observed(cluster, state), released_state(integration, cluster, state, self.reader.cluster_uid()))


def _imagined(action: Action) -> ActionResult:
    """What an action would answer: only a new robot's token matters for what comes after it."""
    if isinstance(action, CreateRobot):
        return Robot(action.robot, action.description, SecretText("made by Quay"))
    return None


def _require_insight(state: RegistryState) -> None:
    """Raises ForbiddenError when the token cannot see whose the organization is: then nothing may be concluded from it."""
    found = state.organization
    if isinstance(found, Organization) and not found.administered:
        raise ForbiddenError(
            f"the organization {found.name!r} exists, but the token may not administer it, so whose it is cannot be told: "
            "the token needs super:user, or org:admin and an owner of the organization",
            system="quay",
        )


def _require_writable(desired: Desired) -> None:
    if not desired.writable:
        raise OwnershipError(
            f"the organization {desired.organization!r} exists in Quay, and nothing proves that it was made for namespace "
            f"{desired.namespace!r} of this cluster: it is left alone. Rename or delete it in Quay, or exclude the namespace."
        )
