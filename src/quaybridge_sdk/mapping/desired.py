"""One namespace -> all that is wanted for it: the name rules, the roles and the mark, put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import evolve

from quaybridge_sdk.mapping.escape import digest
from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.ownership import adoptable, description_mark, organization_mark, ownership, robot_description
from quaybridge_sdk.mapping.pull_secret import pull_secret_bytes, pull_secret_name
from quaybridge_sdk.mapping.repository import repositories_of
from quaybridge_sdk.mapping.robot import robot_name
from quaybridge_sdk.mapping.roles import DEFAULT_ROLES
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.openshift import CHECK_ANNOTATION
from quaybridge_sdk.model.ownership import ADOPT_ANNOTATION, Ownership
from quaybridge_sdk.model.quay import Organization, Role
from quaybridge_sdk.model.state import ClusterState, Desired, DesiredRobot, Observed

MOST_ASKED = 100
"""So many robots a namespace may have besides the usual ones; each costs calls, and a place in the record on the namespace."""

LONGEST_TEXT = 64


def bounded(text: str) -> str:
    """A text that anybody may write, as it is kept in the record: a namespace's annotations have a limit that all share."""
    return text if len(text) <= LONGEST_TEXT else digest(text)


def desired_state(
    integration: QuayIntegration,
    cluster: ClusterState,
    cluster_uid: str,
    roles: Mapping[str, Role] = DEFAULT_ROLES,
) -> Desired:
    """What ``integration`` wants for the namespace of ``cluster``.

    Robots are wanted for each account of ``roles``, whether the account exists yet or not: their Secrets are ready when it comes;
    and for each other account whose annotation names a role.

    Raises:
        InvalidNameError: the namespace's name is none that Kubernetes allows.
    """
    namespace = cluster.namespace
    organization = organization_name(integration.cluster_id, namespace.name)
    mark = robot_description(integration.name, cluster_uid, namespace.uid)
    robots = _robots(integration, cluster, organization, mark, roles)
    by_hand = namespace.annotations.get(ADOPT_ANNOTATION) == organization
    kept = [d for d in cluster.deletions if d.organization == organization and d.quay == integration.endpoint.url]
    back = tuple(deletion for deletion in kept if deletion.restorable or by_hand)
    return Desired(
        namespace=namespace.name,
        namespace_uid=namespace.uid,
        organization=organization,
        cluster_uid=cluster_uid,
        email=organization_mark(cluster_uid, namespace.uid),
        endpoint=integration.endpoint,
        robots=robots,
        repositories=repositories_of(integration.endpoint.host, organization, cluster.image_streams),
        mark=mark,
        stream_policy=integration.stream_deletion_policy,
        check=bounded(namespace.annotations.get(CHECK_ANNOTATION, "")),
        rotations=_due_rotations(cluster, robots),
        adoptable=adoptable(integration.adoption_policy, by_hand=by_hand, restorable=bool(back)),
        given_back=back,
        unfinished=tuple(deletion for deletion in kept if deletion not in back),
    )


def _robots(
    integration: QuayIntegration, cluster: ClusterState, organization: str, description: str, roles: Mapping[str, Role]
) -> tuple[DesiredRobot, ...]:
    annotated = ((name, account.role) for name, account in sorted(cluster.accounts.items()) if name not in roles)
    asked = dict([(name, role) for name, role in annotated if role is not None][:MOST_ASKED])
    return tuple(
        DesiredRobot(
            account=account,
            name=robot_name(organization, account),
            role=role,
            description=description,
            secret=pull_secret_name(account, integration.cluster_id),
            rotate=bounded(cluster.accounts[account].rotate) if account in cluster.accounts else "",
        )
        for account, role in sorted({**asked, **roles}.items())
    )


def settle(desired: Desired, observed: Observed) -> Desired:
    """``desired`` with what only a look at Quay can add: the bytes of the pull secrets, and whether we may write there."""
    robots = observed.registry.robots or {}
    contents = {
        wanted.secret: pull_secret_bytes(desired.endpoint.host, wanted.name, token)
        for wanted in desired.robots
        if (robot := robots.get(wanted.name)) is not None and (token := robot.token) is not None
    }
    found = None
    if isinstance(observed.registry.organization, Organization):
        found = ownership(observed.registry.organization, robots.values(), desired.cluster_uid, desired.namespace_uid)
    marks = {name: mark for name, robot in robots.items() if (mark := description_mark(robot.description)) is not None}
    ours = {name for name, mark in marks.items() if mark.cluster_uid == desired.cluster_uid}  # also an earlier namespace's
    settled = evolve(desired, contents=contents, obsolete=frozenset(ours - {robot.name for robot in desired.robots}))
    return settled if found is None or _may_write(found, settled, observed.cluster) else evolve(settled, found=found)


def _due_rotations(cluster: ClusterState, robots: Iterable[DesiredRobot]) -> frozenset[str]:
    """The robots whose accounts ask for a new token; none while a build runs, which would push with the old one."""
    if cluster.applied is None or cluster.busy:
        return frozenset()
    followed = cluster.applied.rotated
    return frozenset(r.name for r in robots if r.rotate and followed.get(r.account, "") != r.rotate)


def _may_write(found: Ownership, desired: Desired, cluster: ClusterState) -> bool:
    if found is Ownership.INCUMBENT and Ownership.FOREIGN not in desired.adoptable:
        return found in desired.adoptable and _known_here(cluster)
    return found is Ownership.OURS or found in desired.adoptable


def _known_here(cluster: ClusterState) -> bool:
    """Whether the Go operator worked on this namespace in this cluster, and not in another one with the same clusterID: it left
    its finalizer. Its pull secrets prove nothing: whoever may edit the namespace could have copied one that can only read.
    """
    return cluster.namespace.has_incumbents_finalizer


def robots_prove(desired: Desired, observed: Observed) -> bool:
    """Whether the robots alone prove that the organization is still the one that was last recorded.

    One of them bears our mark; or none bears any, and one still has the token that was recorded: it is the robot of that time.
    """
    robots = observed.registry.robots or {}
    verdict = ownership(None, robots.values(), desired.cluster_uid, desired.namespace_uid)
    if verdict is not Ownership.FOREIGN:
        return verdict is Ownership.OURS
    recorded = observed.cluster.applied.secrets if observed.cluster.applied else {}
    contents = settle(desired, observed).contents
    return any(recorded.get(name) == content.fingerprint() for name, content in contents.items())


def waits_for_project(cluster: ClusterState) -> bool:
    """Whether a project is still being made: the contract waits for its SCC annotation when both texts are there.

    Source: the incumbent's namespace controller, lines 195 to 202.
    """
    have = cluster.namespace.annotations
    texts = "openshift.io/display-name" in have and "openshift.io/description" in have
    return texts and "openshift.io/sa.scc.mcs" not in have
