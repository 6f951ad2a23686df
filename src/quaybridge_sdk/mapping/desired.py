"""One namespace -> all that is wanted for it: the name rules, the roles and the mark, put together."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.ownership import MAY_DELETE, MAY_WRITE, organization_mark, ownership, robot_description
from quaybridge_sdk.mapping.pull_secret import pull_secret_bytes, pull_secret_name
from quaybridge_sdk.mapping.repository import is_image_stream_name, repository_name
from quaybridge_sdk.mapping.robot import robot_name
from quaybridge_sdk.mapping.roles import DEFAULT_ROLES
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.quay import Organization, Role
from quaybridge_sdk.model.state import ClusterState, Desired, DesiredRobot, RegistryState, Released


def desired_state(
    integration: QuayIntegration,
    cluster: ClusterState,
    cluster_uid: str,
    roles: Mapping[str, Role] = DEFAULT_ROLES,
) -> Desired:
    """What ``integration`` wants for the namespace of ``cluster``.

    Robots are wanted for each account of ``roles``, whether the account exists yet or not: their Secrets are ready when it comes.

    Raises:
        InvalidNameError: the namespace's name is none that Kubernetes allows.
    """
    namespace = cluster.namespace
    organization = organization_name(integration.cluster_id, namespace.name)
    description = robot_description(integration.name, cluster_uid, namespace.uid)
    robots = tuple(
        DesiredRobot(
            account=account,
            name=robot_name(organization, account),
            role=role,
            description=description,
            secret=pull_secret_name(account, integration.cluster_id),
        )
        for account, role in sorted(roles.items())
    )
    streams = (name for name in cluster.image_streams if is_image_stream_name(name))
    return Desired(
        namespace=namespace.name,
        namespace_uid=namespace.uid,
        organization=organization,
        email=organization_mark(cluster_uid, namespace.uid),
        endpoint=integration.endpoint,
        robots=robots,
        repositories=frozenset(repository_name(organization, name) for name in streams),
    )


def settle(desired: Desired, registry: RegistryState, cluster_uid: str) -> Desired:
    """``desired`` with what only a look at Quay can add: the bytes of the pull secrets, and whether we may write there."""
    robots = registry.robots or {}
    contents = {
        wanted.secret: pull_secret_bytes(desired.endpoint.host, wanted.name, token)
        for wanted in desired.robots
        if (robot := robots.get(wanted.name)) is not None and (token := robot.token) is not None
    }
    writable = True
    if isinstance(registry.organization, Organization):
        writable = ownership(registry.organization, cluster_uid, desired.namespace_uid) in MAY_WRITE
    return evolve(desired, contents=contents, writable=writable)


def released_state(
    integration: QuayIntegration | None, cluster: ClusterState, registry: RegistryState, cluster_uid: str
) -> Released:
    """What is wanted for a terminating namespace. Without an integration nothing is known of Quay, and nothing is deleted
    there.
    """
    namespace = cluster.namespace
    if integration is None:
        return Released(namespace.name, None)
    organization = organization_name(integration.cluster_id, namespace.name)
    found = registry.organization
    proved = isinstance(found, Organization) and ownership(found, cluster_uid, namespace.uid) in MAY_DELETE
    return Released(namespace.name, organization, deletable=proved)


def waits_for_project(cluster: ClusterState) -> bool:
    """Whether a project is still being made: the contract waits for its SCC annotation when both texts are there.

    Source: the incumbent's namespace controller, lines 195 to 202.
    """
    have = cluster.namespace.annotations
    texts = "openshift.io/display-name" in have and "openshift.io/description" in have
    return texts and "openshift.io/sa.scc.mcs" not in have
