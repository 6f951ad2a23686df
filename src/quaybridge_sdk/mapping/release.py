"""A namespace that goes -> what becomes of its organization. Whatever is not proved ours is kept as it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from attrs import evolve

from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.ownership import Mark, adoptable, description_mark, organization_mark, ownership
from quaybridge_sdk.mapping.robot import robot_name
from quaybridge_sdk.mapping.roles import DEFAULT_ROLES
from quaybridge_sdk.model.deletion import Deletion, DeletionPolicy, DeletionReason, annotated_policy
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.ownership import Ownership
from quaybridge_sdk.model.quay import Organization
from quaybridge_sdk.model.state import ClusterState, Fate, RegistryState, Released

HELD = (DeletionReason.BURST, DeletionReason.UNDONE)
"""What is remembered of an organization that is not to be deleted before somebody says so."""


def deletion_policy(integration: QuayIntegration, cluster: ClusterState, *, burst: bool = False) -> DeletionPolicy:
    """What is to become of the organization of a namespace that goes: the namespace's annotation speaks before the integration.

    Args:
        burst: more organizations were deleted lately than the integration allows: then they are kept for a while; also where
            that was begun, and cut short by a restart, which forgets how many they were.
    """
    policy = annotated_policy(cluster.namespace.annotations, integration.deletion_policy)
    begun = any(d.reason in HELD and d.namespace_uid == cluster.namespace.uid for d in cluster.deletions)
    return DeletionPolicy.QUARANTINE if (burst or begun) and policy is not DeletionPolicy.RETAIN else policy


def released_state(
    integration: QuayIntegration,
    cluster: ClusterState,
    registry: RegistryState,
    cluster_uid: str,
    now: datetime,
    *,
    burst: bool = False,
) -> Released:
    """What is wanted for a terminating namespace whose organization was looked at."""
    namespace, organization = cluster.namespace, organization_name(integration.cluster_id, cluster.namespace.name)
    kept = Released(namespace.name, organization)
    policy = deletion_policy(integration, cluster, burst=burst)
    if policy is DeletionPolicy.RETAIN or not _proved(integration, cluster, registry, cluster_uid):
        return kept
    if policy is DeletionPolicy.QUARANTINE:
        asked = annotated_policy(namespace.annotations, integration.deletion_policy)
        reason = DeletionReason.QUARANTINE if asked is policy else DeletionReason.BURST
        entry = remembered(integration, cluster, now, reason)
        begun = entry in cluster.deletions  # what is shut by now may have been shut by us
        return _quarantined(kept, registry, cluster_uid, entry if begun else _with_shut(entry, registry))
    if policy is DeletionPolicy.DELETE_IF_EMPTY and not is_empty(registry):
        return kept
    return evolve(kept, fate=Fate.DELETE)


def unfinished_state(integration: QuayIntegration, cluster: ClusterState, now: datetime) -> Released:
    """What is wanted for a terminating namespace that Quay has held up for too long: it goes, and the rest is remembered."""
    kept = Released(cluster.namespace.name, None)
    if deletion_policy(integration, cluster) is DeletionPolicy.RETAIN:
        return kept
    return evolve(kept, remember=remembered(integration, cluster, now, DeletionReason.UNFINISHED))


def is_workable(deletion: Deletion, integration: QuayIntegration, living: Iterable[str]) -> bool:
    """Whether something may be done on the word of an entry: it is of the integration's Quay and of the name that the rule gives.

    And its namespace is none of those that live: their own marks would prove right an entry that somebody forged.

    Args:
        living: the UIDs of all namespaces that are there.
    """
    named = deletion.organization == organization_name(integration.cluster_id, deletion.namespace)
    return deletion.quay == integration.endpoint.url and named and deletion.namespace_uid not in set(living)


def finished_state(
    deletion: Deletion,
    integration: QuayIntegration,
    registry: RegistryState,
    cluster_uid: str,
    now: datetime,
    *,
    burst: bool = False,
) -> Released:
    """What is wanted of a remembered deletion whose organization was looked at: what is due, if it is still that one's.

    Args:
        burst: more organizations were deleted lately than the integration allows: what was only not done in time is kept for a
            while. What was waited for, or confirmed, is no burst.
    """
    kept = Released(deletion.namespace, deletion.organization)
    found, robots = registry.organization, (registry.robots or {}).values()
    if not isinstance(found, Organization) or (
        ownership(found, robots, cluster_uid, deletion.namespace_uid) is not Ownership.OURS
    ):
        return evolve(kept, forget=deletion)
    if deletion.due is None or not deletion.is_due(now):
        return kept
    if deletion.due > now:
        held = _with_shut(evolve(deletion, reason=DeletionReason.QUARANTINE), registry)
        return _quarantined(kept, registry, cluster_uid, held)
    if burst and deletion.reason is DeletionReason.UNFINISHED:
        until = now + timedelta(days=integration.quarantine_days)
        held = _with_shut(evolve(deletion, reason=DeletionReason.BURST, due=until), registry)
        return _quarantined(kept, registry, cluster_uid, held)
    full = deletion.policy is DeletionPolicy.DELETE_IF_EMPTY and not is_empty(registry)
    return evolve(kept, fate=Fate.KEEP if full else Fate.DELETE, forget=deletion)


def remembered(integration: QuayIntegration, cluster: ClusterState, now: datetime, reason: DeletionReason) -> Deletion:
    """The entry for a namespace that goes before its organization; the one that is there already keeps its time."""
    organization = organization_name(integration.cluster_id, cluster.namespace.name)
    for there in cluster.deletions:
        if (there.organization, there.namespace_uid, there.reason) == (organization, cluster.namespace.uid, reason):
            return there
    policy = annotated_policy(cluster.namespace.annotations, integration.deletion_policy)
    waits = reason in (DeletionReason.QUARANTINE, DeletionReason.BURST) or policy is DeletionPolicy.QUARANTINE
    return Deletion(
        integration=integration.key,
        organization=organization,
        namespace=cluster.namespace.name,
        namespace_uid=cluster.namespace.uid,
        quay=integration.endpoint.url,
        policy=policy if policy is DeletionPolicy.DELETE_IF_EMPTY else DeletionPolicy.DELETE,
        reason=reason,
        due=now + timedelta(days=integration.quarantine_days if waits else 0),
    )


def is_empty(registry: RegistryState) -> bool:
    """Whether it was looked at, and no repository holds an image."""
    return registry.contents is not None and all(repository.empty for repository in registry.contents)


def _quarantined(kept: Released, registry: RegistryState, cluster_uid: str, deletion: Deletion) -> Released:
    """Our robots: those that bear our mark, and those of the Go operator, which has left none."""
    usual = {robot_name(deletion.organization, account) for account in DEFAULT_ROLES}
    mark = Mark(cluster_uid, deletion.namespace_uid)
    marked = {name for name, robot in (registry.robots or {}).items() if description_mark(robot.description) == mark}
    email = organization_mark(cluster_uid, deletion.namespace_uid)  # the robots' marks go with them
    return evolve(kept, fate=Fate.QUARANTINE, robots=frozenset(usual | marked), email=email, remember=deletion)


def _with_shut(deletion: Deletion, registry: RegistryState) -> Deletion:
    """With the repositories that take no pushes now, before anything is done."""
    return evolve(deletion, shut=tuple(found.name for found in registry.contents or () if found.read_only))


def _proved(integration: QuayIntegration, cluster: ClusterState, registry: RegistryState, cluster_uid: str) -> bool:
    """Ours by its marks; or the Go operator's, which left its finalizer here, where we never wrote."""
    found, namespace = registry.organization, cluster.namespace
    if not isinstance(found, Organization):
        return False
    verdict = ownership(found, (registry.robots or {}).values(), cluster_uid, namespace.uid)
    policy = adoptable(integration.adoption_policy)
    taken = verdict is Ownership.INCUMBENT and verdict in policy and namespace.has_incumbents_finalizer
    return verdict is Ownership.OURS or taken
