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
    RegenerateRobot,
    RememberDeletion,
    RemoveFinalizer,
    SetRepositoryPermission,
    SetRepositoryState,
    UpdatePrototype,
    WritePullSecret,
)
from quaybridge_sdk.model.openshift import FINALIZER
from quaybridge_sdk.model.quay import Organization, Prototype, Robot, Role
from quaybridge_sdk.model.state import Absent, ClusterState, Desired, Fate, Observed, RegistryState, Released
from quaybridge_sdk.record import record


def plan(observed: Observed, desired: Desired | Released) -> tuple[Action, ...]:
    """The actions that bring ``observed`` nearer to ``desired``; ``()`` when there is nothing (more) to do.

    Neither argument is changed, and nothing is raised. No action touches an object of another namespace or organization.
    """
    if isinstance(desired, Released):
        return tuple(_release(observed, desired))
    if observed.cluster.namespace.terminating or not desired.writable:
        return ()
    actions = (*_finalizer(observed, desired), *_registry(observed.registry, desired), *_secrets(observed.cluster, desired))
    return actions or tuple(_given_back(observed, desired)) or tuple(record(observed, desired))


def _release(observed: Observed, desired: Released) -> Iterator[Action]:
    """What must be remembered of the organization, the organization, and only then the namespace."""
    registry, organization = observed.registry, desired.organization
    if organization and desired.fate is Fate.DELETE and registry.organization is not Absent.ABSENT:
        yield DeleteOrganization(organization)
    remember = [RememberDeletion(desired.namespace, r) for r in (desired.remember,) if r and r not in observed.cluster.deletions]
    if observed.cluster.namespace.has_finalizer:  # before anything is shut: the entry says what was shut before
        yield from remember
        remember = []
    if organization and desired.fate is Fate.QUARANTINE:
        found = registry.organization
        if desired.email and isinstance(found, Organization) and found.email != desired.email:
            yield MarkOrganization(organization, desired.email)
        robots = sorted(desired.robots & (registry.robots or {}).keys())
        yield from (DeleteRobot(organization, name) for name in robots)
        open_ones = (repository.name for repository in registry.contents or () if not repository.read_only)
        yield from (SetRepositoryState(organization, name, read_only=True) for name in open_ones)
    yield from remember
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
    return registry.organization is Absent.ABSENT or gone or bool(_shut(registry, desired))


def _shut(registry: RegistryState, desired: Desired) -> list[str]:
    """The repositories that a quarantine has shut; those that were shut before stay so."""
    before = {name for deletion in desired.given_back for name in deletion.shut}
    return [found.name for found in registry.contents or () if found.read_only and found.name not in before]


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
        yield from (SetRepositoryState(desired.organization, name, read_only=False) for name in _shut(registry, desired))
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
    Not only those of ImageStreams: a robot that was deleted has lost its rights on all that we made, and in an organization that
    comes back on all that there is.
    """
    if registry.robots is None or registry.repositories is None:
        return
    doubtful = frozenset[str]() if registry.prototypes is None else _wrongly_ruled(registry.prototypes, desired)
    made = {name for name, text in registry.described.items() if text == desired.mark}
    everything = {repository.name for repository in registry.contents or ()}
    for repository in sorted((desired.repositories | made | everything) & registry.repositories):
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
