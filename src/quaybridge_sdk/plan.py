"""Compares what is with what should be, and returns ordered frozen actions. Pure and total.

Order of one plan (what breaks otherwise):

1. the finalizer, before anything exists in Quay: a namespace deleted in between would leave an organization behind;
2. organization, then robots: Quay wants what a thing belongs to first;
3. permissions on repositories that are there already, then default permissions: a crash in between finds the default
   permissions missing, and gives the (idempotent) permissions again;
4. repositories, which get the default permissions at their creation;
5. pull secrets, then the links to them: a link to a Secret that is not there yet would be taken for a provisioned account;
6. the record of all that, when there is nothing else left to do.

A pull secret needs its robot's token, which is known only after the robot was created. So a plan holds what can be done
now; the caller applies it, adds what it learned (:mod:`quaybridge_sdk.effects`), and plans again until nothing is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum

from quaybridge_sdk.model.actions import (
    Action,
    AddFinalizer,
    CreateOrganization,
    CreatePrototype,
    CreateRepository,
    CreateRobot,
    DeleteOrganization,
    DeletePrototype,
    LinkPullSecret,
    RecordApplied,
    RemoveFinalizer,
    SetRepositoryPermission,
    UpdatePrototype,
    WritePullSecret,
)
from quaybridge_sdk.model.openshift import FINALIZER
from quaybridge_sdk.model.quay import Prototype, Robot
from quaybridge_sdk.model.state import Absent, Applied, ClusterState, Desired, Observed, RegistryState, Released


class Depth(Enum):
    """How much of Quay a namespace's next pass reads. The numbers of calls are those of the call budget."""

    NOTHING = "0 calls: the record in the cluster, or memory, says enough"
    ROBOTS = "1 call: a pull secret is damaged, so the tokens are needed"
    FULL = "3 calls: the lists of robots, default permissions and repositories"
    FIRST = "1 call for a new organization, 4 for one that exists: nothing is known yet"


def depth(cluster: ClusterState, desired: Desired, believed: RegistryState, now: datetime, interval: timedelta) -> Depth:
    """How much of Quay must be read, given the record in the cluster and what this process remembers.

    Args:
        believed: what this process knows of Quay's side from earlier passes.
        interval: the longest time between two full checks.
    """
    applied = cluster.applied
    if believed.complete_at is None and not (applied and applied.registry.startswith(desired.place)):
        return Depth.FIRST  # no record is of this organization in this Quay: whose is it?
    checked_at = believed.complete_at or (applied.checked_at if applied and applied.registry == desired.fingerprint else None)
    if checked_at is None or not timedelta(0) <= now - checked_at < interval:  # also one from the future: a clock was wrong
        return Depth.FULL
    if _nameless(believed, desired):
        return Depth.FULL
    return Depth.ROBOTS if _damaged(cluster, desired, applied) else Depth.NOTHING


def assumed(desired: Desired, applied: Applied | None) -> RegistryState:
    """What the record in the cluster lets us believe of Quay's side: all of ``desired``, when it was brought about."""
    if applied is None or applied.registry != desired.fingerprint:
        return RegistryState()
    robots = {r.name: Robot(r.name, r.description, repositories=desired.repositories) for r in desired.robots}
    prototypes = tuple(Prototype("", robot.name, robot.role) for robot in desired.robots)
    return RegistryState(None, robots, prototypes, desired.repositories, applied.checked_at)


def plan(observed: Observed, desired: Desired | Released) -> tuple[Action, ...]:
    """The actions that bring ``observed`` nearer to ``desired``; ``()`` when there is nothing (more) to do.

    Neither argument is changed, and nothing is raised. No action touches an object of another namespace or organization.
    """
    if isinstance(desired, Released):
        return tuple(_release(observed, desired))
    if observed.cluster.namespace.terminating or not desired.writable:
        return ()
    actions = (*_finalizer(observed), *_registry(observed.registry, desired), *_secrets(observed.cluster, desired))
    return actions or tuple(_record(observed, desired))


def _release(observed: Observed, desired: Released) -> Iterator[Action]:
    if desired.deletable and desired.organization and observed.registry.organization is not Absent.ABSENT:
        yield DeleteOrganization(desired.organization)
    if observed.cluster.namespace.has_finalizer:
        yield RemoveFinalizer(desired.namespace)


def _finalizer(observed: Observed) -> Iterator[Action]:
    if FINALIZER not in observed.cluster.namespace.finalizers:
        yield AddFinalizer(observed.cluster.namespace.name)


def _registry(registry: RegistryState, desired: Desired) -> Iterator[Action]:
    if registry.organization is Absent.ABSENT:
        yield CreateOrganization(desired.organization, desired.email)
    if registry.robots is not None:
        missing = (robot for robot in desired.robots if robot.name not in (registry.robots or {}))
        yield from (CreateRobot(desired.organization, robot.name, robot.description) for robot in missing)
    yield from _permissions(registry, desired)
    if registry.prototypes is not None:
        yield from _prototypes(registry.prototypes, desired)
    if registry.repositories is not None:
        new = sorted(desired.repositories - registry.repositories)
        yield from (CreateRepository(desired.organization, name) for name in new)


def _permissions(registry: RegistryState, desired: Desired) -> Iterator[Action]:
    """Rights on repositories that exist: a default permission only works on those made after it."""
    if registry.robots is None or registry.repositories is None:
        return
    for repository in sorted(desired.repositories & registry.repositories):
        for robot in desired.robots:
            known = registry.robots.get(robot.name, Robot(robot.name, repositories=frozenset()))
            if known.repositories is not None and repository not in known.repositories:
                yield SetRepositoryPermission(desired.organization, repository, robot.name, robot.role)


def _prototypes(prototypes: tuple[Prototype, ...], desired: Desired) -> Iterator[Action]:
    """Exactly one default permission with the right role for each robot; those for one creator only are somebody's own."""
    for robot in desired.robots:
        found = [p for p in prototypes if p.delegate == robot.name and p.activating_user is None]
        if not found:
            yield CreatePrototype(desired.organization, robot.name, robot.role)
            continue
        kept, *doubled = sorted(found, key=lambda p: (p.role is not robot.role, p.id))
        if kept.role is not robot.role:
            yield UpdatePrototype(desired.organization, kept, robot.role)
        yield from (DeletePrototype(desired.organization, p) for p in doubled)


def _secrets(cluster: ClusterState, desired: Desired) -> Iterator[Action]:
    for robot in desired.robots:
        content = desired.contents.get(robot.secret)
        wrong = content is not None and cluster.pull_secrets.get(robot.secret) != content.fingerprint()
        if content is not None and wrong:
            yield WritePullSecret(desired.namespace, robot.secret, content)
        account = cluster.accounts.get(robot.account)
        if account is not None and not account.links(robot.secret) and (wrong or robot.secret in cluster.pull_secrets):
            yield LinkPullSecret(desired.namespace, robot.account, robot.secret)


def _record(observed: Observed, desired: Desired) -> Iterator[Action]:
    cluster, registry = observed.cluster, observed.registry
    before = cluster.applied
    secrets = _vouched_secrets(cluster, desired, before)
    checked_at = registry.complete_at or (before.checked_at if before else None)
    if checked_at is None or len(secrets) < len(desired.robots) or not _vouched(registry, desired, before):
        return
    applied = Applied(desired.fingerprint, secrets, checked_at)
    if applied != before:
        yield RecordApplied(desired.namespace, applied)


def _vouched_secrets(cluster: ClusterState, desired: Desired, before: Applied | None) -> dict[str, str]:
    """The pull secrets that are known to be right: compared with their tokens just now, or unchanged since they were recorded."""
    recorded = before.secrets if before else {}
    found = {robot.secret: cluster.pull_secrets.get(robot.secret) for robot in desired.robots}
    return {
        name: fingerprint
        for name, fingerprint in found.items()
        if fingerprint is not None and (name in desired.contents or recorded.get(name) == fingerprint)
    }


def _vouched(registry: RegistryState, desired: Desired, before: Applied | None) -> bool:
    """Whether all of Quay's side was looked at, or was recorded before for the very same wishes."""
    complete = None not in (registry.robots, registry.prototypes, registry.repositories)
    return complete or (before is not None and before.registry == desired.fingerprint)


def _nameless(believed: RegistryState, desired: Desired) -> bool:
    """Whether a default permission must change that is only assumed: it has no id by which it could be changed."""
    wanted = {robot.name: robot.role for robot in desired.robots}
    return any(not p.id and wanted.get(p.delegate, p.role) is not p.role for p in believed.prototypes or ())


def _damaged(cluster: ClusterState, desired: Desired, applied: Applied | None) -> bool:
    recorded = applied.secrets if applied else {}
    return any(
        robot.secret not in cluster.pull_secrets or cluster.pull_secrets[robot.secret] != recorded.get(robot.secret)
        for robot in desired.robots
    )
