"""What is known after an action: the observation, with the action's outcome folded in. Pure and total.

``reconcile`` uses it to go on without reading again; the tests use it as the model of both worlds.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import TypeAlias

from attrs import evolve

from quaybridge_sdk.model.actions import (
    Action,
    AddFinalizer,
    CleanupAction,
    ClearRecord,
    CreateOrganization,
    CreatePrototype,
    CreateRepository,
    CreateRobot,
    DeleteOrganization,
    DeletePrototype,
    DeletePullSecret,
    DeleteRepository,
    DeleteRobot,
    ForgetDeletion,
    LinkPullSecret,
    MarkOrganization,
    OrganizationAction,
    RecordApplied,
    RegenerateRobot,
    RememberDeletion,
    RemoveFinalizer,
    RepositoryAction,
    SetRepositoryPermission,
    SetRepositoryState,
    UnlinkPullSecret,
    UpdatePrototype,
    WritePullSecret,
)
from quaybridge_sdk.model.deletion import Deletion
from quaybridge_sdk.model.openshift import (
    APPLIED_ANNOTATION,
    FINALIZER,
    FINALIZER_ANNOTATION,
    SEED_FINALIZER,
    Namespace,
    ServiceAccount,
)
from quaybridge_sdk.model.quay import Organization, Prototype, Robot, RobotToken, Role
from quaybridge_sdk.model.state import Absent, ClusterState, Observed, RegistryState

Result: TypeAlias = Robot | Prototype | bool | None
"""What a port call answers: the robot with its token, the prototype with its id, whether a repository was made by this
very call; None for the rest."""


def after(observed: Observed, action: Action, result: Result = None) -> Observed:
    """``observed`` as it is once ``action`` was carried out and answered ``result``.

    What was not looked at (None) stays so: that one robot is there now says nothing of the others.
    """
    return evolve(
        observed,
        cluster=_cluster_after(observed.cluster, action),
        registry=_registry_after(observed.registry, action, result),
    )


def _registry_after(registry: RegistryState, action: Action, result: Result) -> RegistryState:
    match action:
        case CreateOrganization() | MarkOrganization() | DeleteOrganization():
            return _organization_after(registry, action)
        case CreateRobot(_, name, description):
            made = result if isinstance(result, Robot) else Robot(name, description)
            return _with_robot(registry, evolve(made, repositories=frozenset()))
        case RegenerateRobot(_, name):
            return _with_new_token(registry, name, result.token if isinstance(result, Robot) else None)
        case DeleteRobot(_, name):
            return _without_robot(registry, name)
        case CreatePrototype(_, name, role):
            added = result if isinstance(result, Prototype) else Prototype("", name, role)
            return _with_prototypes(registry, None, added)
        case UpdatePrototype(_, prototype, role):
            return _with_prototypes(registry, prototype, evolve(prototype, role=role))
        case DeletePrototype(_, prototype):
            return _with_prototypes(registry, prototype)
        case CreateRepository() | DeleteRepository() | SetRepositoryPermission() | SetRepositoryState():
            return _repositories_after(registry, action, result)
        case _:
            return registry


def _organization_after(registry: RegistryState, action: OrganizationAction) -> RegistryState:
    if isinstance(action, DeleteOrganization):
        gone = Absent.ABSENT
        return evolve(registry, organization=gone, robots={}, prototypes=(), repositories=frozenset(), contents=(), described={})
    if isinstance(action, CreateOrganization):
        return evolve(registry, organization=Organization(action.organization, action.email))
    found = registry.organization
    return evolve(registry, organization=evolve(found, email=action.email)) if isinstance(found, Organization) else registry


def _repositories_after(registry: RegistryState, action: RepositoryAction, result: Result) -> RegistryState:
    if isinstance(action, CreateRepository):
        return _with_repository(registry, action, made=result is not False)
    if isinstance(action, DeleteRepository):
        return _without_repository(registry, action.repository)
    if isinstance(action, SetRepositoryState):
        return _with_state(registry, action.repository, read_only=action.read_only)
    robot = (registry.robots or {}).get(action.robot, Robot(action.robot))
    return _with_robot(registry, _with_right(robot, action.repository, {action.role}))


def _with_prototypes(registry: RegistryState, gone: Prototype | None, *added: Prototype) -> RegistryState:
    if registry.prototypes is None:
        return registry
    return evolve(registry, prototypes=(*(p for p in registry.prototypes if p != gone), *added))


def _with_robot(registry: RegistryState, robot: Robot) -> RegistryState:
    return registry if registry.robots is None else evolve(registry, robots={**registry.robots, robot.name: robot})


def _with_new_token(registry: RegistryState, name: str, token: RobotToken | None) -> RegistryState:
    found = (registry.robots or {}).get(name, Robot(name))
    return evolve(_with_robot(registry, evolve(found, token=token)), rotated=registry.rotated | {name})


def _without_robot(registry: RegistryState, name: str) -> RegistryState:
    """A robot goes with its default permissions, as in Quay."""
    robots = registry.robots and {other: robot for other, robot in registry.robots.items() if other != name}
    prototypes = registry.prototypes and tuple(p for p in registry.prototypes if p.delegate != name)
    return evolve(registry, robots=robots, prototypes=prototypes)


def _with_state(registry: RegistryState, name: str, *, read_only: bool) -> RegistryState:
    contents = registry.contents and tuple(
        evolve(found, read_only=read_only) if found.name == name else found for found in registry.contents
    )
    return evolve(registry, contents=contents)


def _with_right(robot: Robot, repository: str, given: AbstractSet[Role]) -> Robot:
    """One of the roles ``given``; which of several is not known, so none of them is."""
    if robot.repositories is None:
        return robot
    known = robot.roles is not None and len(given) == 1
    roles = {**(robot.roles or {}), repository: next(iter(given))} if known else robot.roles
    return evolve(robot, repositories=robot.repositories | {repository}, roles=roles)


def _without_right(robot: Robot, repository: str) -> Robot:
    roles = robot.roles and {name: role for name, role in robot.roles.items() if name != repository}
    return evolve(robot, repositories=robot.repositories and robot.repositories - {repository}, roles=roles)


def _with_repository(registry: RegistryState, action: CreateRepository, *, made: bool) -> RegistryState:
    """A repository is made with the rights of all default permissions of that moment; one that was there may have none.

    A default permission for the repositories of one creator (a person: the bridge sets none) gives nothing here.
    """
    repository = action.repository
    general = [prototype for prototype in registry.prototypes or () if made and prototype.activating_user is None]
    given = {delegate: {p.role for p in general if p.delegate == delegate} for delegate in {p.delegate for p in general}}
    robots = registry.robots and {
        name: _with_right(robot, repository, given[name]) if name in given else robot for name, robot in registry.robots.items()
    }
    repositories = None if registry.repositories is None else registry.repositories | {repository}
    described = {**registry.described, repository: action.description} if made and action.description else registry.described
    return evolve(registry, robots=robots, repositories=repositories, described=described)


def _without_repository(registry: RegistryState, repository: str) -> RegistryState:
    """A repository goes with all rights on it."""
    robots = registry.robots and {name: _without_right(robot, repository) for name, robot in registry.robots.items()}
    repositories = registry.repositories and registry.repositories - {repository}
    described = {name: text for name, text in registry.described.items() if name != repository}
    return evolve(registry, robots=robots, repositories=repositories, described=described)


def _cluster_after(cluster: ClusterState, action: Action) -> ClusterState:
    namespace = cluster.namespace
    match action:
        case AddFinalizer():
            others = tuple(f for f in namespace.finalizers if f != FINALIZER)
            annotations = {**namespace.annotations, FINALIZER_ANNOTATION: "true"}
            return evolve(cluster, namespace=evolve(namespace, finalizers=(*others, FINALIZER), annotations=annotations))
        case RemoveFinalizer():
            kept = tuple(f for f in namespace.finalizers if f not in (FINALIZER, SEED_FINALIZER))
            return evolve(cluster, namespace=evolve(namespace, finalizers=kept))
        case WritePullSecret(_, secret, content):
            return evolve(cluster, pull_secrets={**cluster.pull_secrets, secret: content.fingerprint()})
        case LinkPullSecret(_, account, secret) if account in cluster.accounts:
            return evolve(cluster, accounts={**cluster.accounts, account: linked(cluster.accounts[account], secret)})
        case RememberDeletion(_, deletion):
            return evolve(cluster, deletions=(*_other_deletions(cluster, deletion), deletion))
        case ForgetDeletion(_, deletion):
            return evolve(cluster, deletions=_other_deletions(cluster, deletion))
        case RecordApplied(_, applied, status):
            annotations = {**namespace.annotations, APPLIED_ANNOTATION: applied.dumps()}
            return evolve(cluster, namespace=evolve(namespace, annotations=annotations, status=status))
        case UnlinkPullSecret() | DeletePullSecret() | ClearRecord():
            return _taken_back(cluster, action)
        case _:
            return cluster


def _taken_back(cluster: ClusterState, action: CleanupAction) -> ClusterState:
    if isinstance(action, ClearRecord):
        return evolve(cluster, namespace=cleared(cluster.namespace, finalizer=action.finalizer))
    if isinstance(action, UnlinkPullSecret):
        there = {name: found for name, found in cluster.accounts.items() if name == action.account}
        without = {name: unlinked(account, action.secret) for name, account in there.items()}
        return evolve(cluster, accounts={**cluster.accounts, **without})
    same = cluster.pull_secrets.get(action.secret) == action.fingerprint
    kept = {name: found for name, found in cluster.pull_secrets.items() if name != action.secret or not same}
    return evolve(cluster, pull_secrets=kept)


def cleared(namespace: Namespace, *, finalizer: bool) -> Namespace:
    """``namespace`` without our annotations. A finalizer that stays keeps the one that says it is ours, not the Go operator's."""
    ours = (APPLIED_ANNOTATION, FINALIZER_ANNOTATION)
    annotations = {name: text for name, text in namespace.annotations.items() if name not in ours}
    kept = tuple(f for f in namespace.finalizers if not finalizer or f not in (FINALIZER, SEED_FINALIZER))
    if FINALIZER in kept or SEED_FINALIZER in kept:
        annotations[FINALIZER_ANNOTATION] = "true"
    return evolve(namespace, annotations=annotations, finalizers=kept, status="")


def unlinked(account: ServiceAccount, secret: str) -> ServiceAccount:
    """``account`` without the Secret; every other entry stays where it is."""
    lists = (account.secrets, account.image_pull_secrets)
    secrets, pulls = (tuple(name for name in names if name != secret) for names in lists)
    return evolve(account, secrets=secrets, image_pull_secrets=pulls)


def _other_deletions(cluster: ClusterState, deletion: Deletion) -> tuple[Deletion, ...]:
    same = (deletion.integration, deletion.organization, deletion.namespace_uid)
    others = ((other.integration, other.organization, other.namespace_uid) for other in cluster.deletions)
    return tuple(other for other, its in zip(cluster.deletions, others, strict=True) if its != same)


def linked(account: ServiceAccount, secret: str) -> ServiceAccount:
    """``account`` with the Secret at the end of both lists, where it is not in them yet; every other entry is kept."""
    return evolve(
        account,
        secrets=account.secrets if secret in account.secrets else (*account.secrets, secret),
        image_pull_secrets=account.image_pull_secrets
        if secret in account.image_pull_secrets
        else (*account.image_pull_secrets, secret),
    )
