"""What is known after an action: the observation, with the action's outcome folded in. Pure and total.

``reconcile`` uses it to go on without reading again; the tests use it as the model of both worlds.
"""

from __future__ import annotations

from typing import TypeAlias

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
    LinkPullSecret,
    RecordApplied,
    RemoveFinalizer,
    SetRepositoryPermission,
    UpdatePrototype,
    WritePullSecret,
)
from quaybridge_sdk.model.openshift import APPLIED_ANNOTATION, FINALIZER, SEED_FINALIZER, ServiceAccount
from quaybridge_sdk.model.quay import Organization, Prototype, Robot
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
        case CreateOrganization(organization, email):
            return evolve(registry, organization=Organization(organization, email))
        case DeleteOrganization():
            return evolve(registry, organization=Absent.ABSENT, robots={}, prototypes=(), repositories=frozenset())
        case CreateRobot(_, name, description):
            made = result if isinstance(result, Robot) else Robot(name, description)
            return _with_robot(registry, evolve(made, repositories=frozenset()))
        case CreatePrototype(_, name, role):
            added = result if isinstance(result, Prototype) else Prototype("", name, role)
            return _with_prototypes(registry, None, added)
        case UpdatePrototype(_, prototype, role):
            return _with_prototypes(registry, prototype, evolve(prototype, role=role))
        case DeletePrototype(_, prototype):
            return _with_prototypes(registry, prototype)
        case CreateRepository(_, repository):
            return _with_repository(registry, repository, made=result is not False)
        case SetRepositoryPermission(_, repository, name, _):
            return _with_robot(registry, _with_right((registry.robots or {}).get(name, Robot(name)), repository))
        case _:
            return registry


def _with_prototypes(registry: RegistryState, gone: Prototype | None, *added: Prototype) -> RegistryState:
    if registry.prototypes is None:
        return registry
    return evolve(registry, prototypes=(*(p for p in registry.prototypes if p != gone), *added))


def _with_robot(registry: RegistryState, robot: Robot) -> RegistryState:
    return registry if registry.robots is None else evolve(registry, robots={**registry.robots, robot.name: robot})


def _with_right(robot: Robot, repository: str) -> Robot:
    return robot if robot.repositories is None else evolve(robot, repositories=robot.repositories | {repository})


def _with_repository(registry: RegistryState, repository: str, *, made: bool) -> RegistryState:
    """A repository is made with the rights of all default permissions of that moment; one that was there may have none.

    A default permission for the repositories of one creator (a person: the bridge sets none) gives nothing here.
    """
    general = (prototype for prototype in registry.prototypes or () if prototype.activating_user is None)
    delegates = {prototype.delegate for prototype in general} if made else set()
    robots = registry.robots and {
        name: _with_right(robot, repository) if name in delegates else robot for name, robot in registry.robots.items()
    }
    repositories = None if registry.repositories is None else registry.repositories | {repository}
    return evolve(registry, robots=robots, repositories=repositories)


def _cluster_after(cluster: ClusterState, action: Action) -> ClusterState:
    namespace = cluster.namespace
    match action:
        case AddFinalizer():
            others = tuple(f for f in namespace.finalizers if f != FINALIZER)
            return evolve(cluster, namespace=evolve(namespace, finalizers=(*others, FINALIZER)))
        case RemoveFinalizer():
            kept = tuple(f for f in namespace.finalizers if f not in (FINALIZER, SEED_FINALIZER))
            return evolve(cluster, namespace=evolve(namespace, finalizers=kept))
        case WritePullSecret(_, secret, content):
            return evolve(cluster, pull_secrets={**cluster.pull_secrets, secret: content.fingerprint()})
        case LinkPullSecret(_, account, secret) if account in cluster.accounts:
            return evolve(cluster, accounts={**cluster.accounts, account: linked(cluster.accounts[account], secret)})
        case RecordApplied(_, applied):
            annotations = {**namespace.annotations, APPLIED_ANNOTATION: applied.dumps()}
            return evolve(cluster, namespace=evolve(namespace, annotations=annotations))
        case _:
            return cluster


def linked(account: ServiceAccount, secret: str) -> ServiceAccount:
    """``account`` with the Secret at the end of both lists, where it is not in them yet; every other entry is kept."""
    return evolve(
        account,
        secrets=account.secrets if secret in account.secrets else (*account.secrets, secret),
        image_pull_secrets=account.image_pull_secrets
        if secret in account.image_pull_secrets
        else (*account.image_pull_secrets, secret),
    )
