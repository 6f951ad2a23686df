"""Compares what is with what should be, and returns ordered frozen actions. Pure and total.

Order of one plan (what breaks otherwise):

1. the finalizer, before anything exists in Quay: a namespace deleted in between would leave an organization behind;
2. organization, or its mark when it is taken over, then robots: Quay wants what a thing belongs to first;
3. permissions on repositories that are there already, then default permissions: a crash in between finds the default
   permissions missing, and gives the (idempotent) permissions again;
4. repositories, which get the default permissions at their creation; and those go whose ImageStreams are gone;
5. pull secrets, then the links to them: a link to a Secret that is not there yet would be taken for a provisioned account;
6. for an organization that was kept for the namespace: that it is no longer to be deleted;
7. the record of all that, when there is nothing else left to do.

A pull secret needs its robot's token, which is known only after the robot was created. So a plan holds what can be done
now; the caller applies it, adds what it learned (:mod:`quaybridge_sdk.effects`), and plans again until nothing is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum

from attrs import evolve

from quaybridge_sdk.model.actions import (
    Action,
    AddFinalizer,
    CreateOrganization,
    CreatePrototype,
    CreateRepository,
    CreateRobot,
    DeleteOrganization,
    DeletePrototype,
    DeleteRepository,
    DeleteRobot,
    ForgetDeletion,
    LinkPullSecret,
    MarkOrganization,
    RecordApplied,
    RegenerateRobot,
    RememberDeletion,
    RemoveFinalizer,
    SetRepositoryPermission,
    SetRepositoryState,
    UpdatePrototype,
    WritePullSecret,
)
from quaybridge_sdk.model.openshift import FINALIZER, READY_STATUS
from quaybridge_sdk.model.quay import Organization, Prototype, Robot, Role
from quaybridge_sdk.model.state import Absent, Applied, ClusterState, Desired, Fate, Observed, RegistryState, Released


class Depth(Enum):
    """How much of Quay a namespace's next pass reads. The numbers of calls are those of the call budget."""

    NOTHING = "0 calls: the record in the cluster, or memory, says enough"
    ROBOTS = "1 call: a pull secret is damaged, or a token is to be renewed, so the robots are needed"
    FULL = "3 calls: the lists of robots, default permissions and repositories"
    ROLES = "3 calls, and 1 for each robot: quaybridge.io/check has a new text, so roles on single repositories are read, too"
    FIRST = "1 call for a new organization, 4 for one that exists: nothing is known yet; with that text 1 more for each robot"

    @property
    def is_full(self) -> bool:
        """Whether the three lists are read."""
        return self in (Depth.FULL, Depth.ROLES)


def depth(cluster: ClusterState, desired: Desired, believed: RegistryState, now: datetime, interval: timedelta) -> Depth:
    """How much of Quay must be read, given the record in the cluster and what this process remembers.

    Args:
        believed: what this process knows of Quay's side from earlier passes.
        interval: the longest time between two full checks.
    """
    applied = cluster.applied
    full = Depth.ROLES if asks_for_roles(cluster, desired) else Depth.FULL
    if believed.complete_at is None and not (applied and applied.registry.startswith(desired.place)):
        return Depth.FIRST  # no record is of this organization in this Quay: whose is it?
    checked_at = believed.complete_at or (applied.checked_at if applied and applied.registry == desired.fingerprint else None)
    if checked_at is None or not timedelta(0) <= now - checked_at < interval:  # also one from the future: a clock was wrong
        return full
    if _nameless(believed, desired) or desired.forsaken(believed) or (applied and applied.check != desired.check):
        return full
    return Depth.ROBOTS if desired.rotations or _damaged(cluster, desired, applied) else Depth.NOTHING


def asks_for_roles(cluster: ClusterState, desired: Desired) -> bool:
    """Whether somebody asks for a check with a text that was not followed yet."""
    followed = cluster.applied.check if cluster.applied else ""
    return desired.check not in ("", followed)


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
    actions = (*_finalizer(observed, desired), *_registry(observed.registry, desired), *_secrets(observed.cluster, desired))
    return actions or tuple(_given_back(observed, desired)) or tuple(_record(observed, desired))


def _release(observed: Observed, desired: Released) -> Iterator[Action]:
    """The organization first, then what must be remembered of it, and only then the namespace."""
    registry, organization = observed.registry, desired.organization
    if organization and desired.fate is Fate.DELETE and registry.organization is not Absent.ABSENT:
        yield DeleteOrganization(organization)
    if organization and desired.fate is Fate.QUARANTINE:
        found = registry.organization
        if desired.email and isinstance(found, Organization) and found.email != desired.email:
            yield MarkOrganization(organization, desired.email)
        robots = sorted(desired.robots & (registry.robots or {}).keys())
        yield from (DeleteRobot(organization, name) for name in robots)
        open_ones = (repository.name for repository in registry.contents or () if not repository.read_only)
        yield from (SetRepositoryState(organization, name, read_only=True) for name in open_ones)
    if desired.remember and desired.remember not in observed.cluster.deletions:
        yield RememberDeletion(desired.namespace, desired.remember)
    if desired.forget and desired.forget in observed.cluster.deletions:
        yield ForgetDeletion(desired.namespace, desired.forget)
    if observed.cluster.namespace.has_finalizer:
        yield RemoveFinalizer(desired.namespace)


def _finalizer(observed: Observed, desired: Desired) -> Iterator[Action]:
    """Also where the cache says that it is there, before anything is brought back to life: the action asks the API itself, so
    that nothing is made for a namespace which only a stale cache still holds.
    """
    namespace = observed.cluster.namespace
    if FINALIZER not in namespace.finalizers or _revives(observed.registry, desired):
        yield AddFinalizer(namespace.name, namespace.uid)


def _revives(registry: RegistryState, desired: Desired) -> bool:
    """Whether an organization or a robot is to be made, or a repository opened: all that a namespace's end takes away."""
    gone = registry.robots is not None and any(robot.name not in registry.robots for robot in desired.robots)
    shut = any(repository.read_only for repository in registry.contents or ())
    return registry.organization is Absent.ABSENT or gone or shut


def _registry(registry: RegistryState, desired: Desired) -> Iterator[Action]:
    if registry.organization is Absent.ABSENT:
        yield CreateOrganization(desired.organization, desired.email)
    elif isinstance(registry.organization, Organization) and registry.organization.email != desired.email:
        yield MarkOrganization(desired.organization, desired.email)
    if registry.robots is not None:
        missing = (robot for robot in desired.robots if robot.name not in (registry.robots or {}))
        yield from (CreateRobot(desired.organization, robot.name, robot.description) for robot in missing)
        known = registry.robots.keys() - registry.rotated
        yield from (RegenerateRobot(desired.organization, name) for name in sorted(desired.rotations & known))
        yield from (DeleteRobot(desired.organization, name) for name in sorted(desired.obsolete & known))
    if registry.contents is not None:  # looked at for an organization that comes back
        shut = (repository.name for repository in registry.contents if repository.read_only)
        yield from (SetRepositoryState(desired.organization, name, read_only=False) for name in shut)
    yield from _permissions(registry, desired)
    if registry.prototypes is not None:
        yield from _prototypes(registry.prototypes, desired)
    if registry.repositories is not None:
        new = sorted(desired.repositories - registry.repositories)
        yield from (CreateRepository(desired.organization, name, desired.mark) for name in new)
        yield from (DeleteRepository(desired.organization, name) for name in sorted(desired.removable & registry.repositories))


def _permissions(registry: RegistryState, desired: Desired) -> Iterator[Action]:
    """Rights on repositories that exist: a default permission only works on those made after it.

    Which role a robot has there is mostly not known; where its default permission is wrong, it may have been given the wrong one.
    """
    if registry.robots is None or registry.repositories is None:
        return
    doubtful = frozenset[str]() if registry.prototypes is None else _wrongly_ruled(registry.prototypes, desired)
    for repository in sorted(desired.repositories & registry.repositories):
        for robot in desired.robots:
            known = registry.robots.get(robot.name, Robot(robot.name, repositories=frozenset()))
            if known.repositories is not None and not _has_role(known, repository, robot.role, robot.name in doubtful):
                yield SetRepositoryPermission(desired.organization, repository, robot.name, robot.role)


def _has_role(robot: Robot, repository: str, role: Role, doubtful: bool) -> bool:
    """What was read there counts, and is in no doubt; a role of which nothing is known is a wrong one."""
    if robot.roles is not None:
        return robot.roles.get(repository) is role
    return not doubtful and repository in (robot.repositories or ())


def _wrongly_ruled(prototypes: tuple[Prototype, ...], desired: Desired) -> frozenset[str]:
    """The robots with no default permission, or a wrong one, be it beside a right one: either may have been given."""
    found: dict[str, set[Role]] = {robot.name: set() for robot in desired.robots}
    for prototype in prototypes:
        if prototype.activating_user is None and prototype.delegate in found:
            found[prototype.delegate].add(prototype.role)
    return frozenset(robot.name for robot in desired.robots if found[robot.name] != {robot.role})


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


def _given_back(observed: Observed, desired: Desired) -> Iterator[Action]:
    """An organization that was kept for the namespace is no longer to be deleted, once its repositories take pushes again."""
    if observed.registry.contents is not None:
        there = (deletion for deletion in desired.given_back if deletion in observed.cluster.deletions)
        yield from (ForgetDeletion(desired.namespace, deletion) for deletion in there)


def _record(observed: Observed, desired: Desired) -> Iterator[Action]:
    cluster, registry = observed.cluster, observed.registry
    before = cluster.applied
    secrets = _vouched_secrets(cluster, desired, before)
    checked_at = registry.complete_at or (before.checked_at if before else None)
    if checked_at is None or len(secrets) < len(desired.robots) or not _vouched(registry, desired, before):
        return
    checked = before is None or checked_at != before.checked_at
    applied = Applied(
        registry=desired.fingerprint,
        secrets=secrets,
        checked_at=checked_at,
        check=desired.check if before is None or checked else before.check,
        rotated=_rotated(registry, desired, before),
    )
    if applied != before:
        yield RecordApplied(desired.namespace, applied, READY_STATUS.format(organization=desired.organization))


def _rotated(registry: RegistryState, desired: Desired, before: Applied | None) -> dict[str, str]:
    """For each account the last text that was followed. Those of a namespace's first record were, by making the robots."""
    former = before.rotated if before else {}
    followed = {r.account: r.rotate for r in desired.robots if before is None or r.name in registry.rotated}
    texts = {robot.account: followed.get(robot.account, former.get(robot.account, "")) for robot in desired.robots}
    return {account: text for account, text in texts.items() if text}


def followed_rotations(observed: Observed, desired: Desired) -> RecordApplied | None:
    """The former record, with the tokens that were renewed in this pass: when the rest could not be done, they are not renewed
    again for it. None: there were none.
    """
    cluster, registry, before = observed.cluster, observed.registry, observed.cluster.applied
    if before is None or not registry.rotated:
        return None
    renewed = {r.secret for r in desired.robots if r.name in registry.rotated} & cluster.pull_secrets.keys()
    secrets = {**before.secrets, **{name: cluster.pull_secrets[name] for name in renewed}}
    applied = evolve(before, secrets=secrets, rotated=_rotated(registry, desired, before))
    return RecordApplied(desired.namespace, applied, cluster.namespace.status)


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
