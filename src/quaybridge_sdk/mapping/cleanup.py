"""A QuayIntegration that is deleted -> what is taken back of what was made for it in the cluster. Quay is never touched.

Whose a namespace's things are is told by its record alone, not by the lists of the integration: they may have changed since. And
nothing is taken that another integration owns: it would have to be made again at once.
"""

from __future__ import annotations

from collections.abc import Iterable

from quaybridge_sdk.mapping.desired import desired_state
from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.scope import scope
from quaybridge_sdk.model.actions import CleanupAction, ClearRecord, DeletePullSecret, UnlinkPullSecret
from quaybridge_sdk.model.cleanup import HoldIntegration, IntegrationAction, LetIntegrationGo, Tenure
from quaybridge_sdk.model.integration import CleanupPolicy, QuayIntegration
from quaybridge_sdk.model.openshift import APPLIED_ANNOTATION, Namespace
from quaybridge_sdk.model.state import Applied, ClusterState, place_of


def take_back(cluster: ClusterState, tenures: Iterable[Tenure]) -> tuple[CleanupAction, ...]:
    """What is taken back in this namespace, in order: links, Secrets, and the record last, so that after a crash it still says
    what is left to do. ``()``: nothing.

    Of the recorded Secrets one that somebody has changed is theirs now: it stays, with its links. One that is gone leaves its
    links to be taken away.
    """
    known, name, applied = tuple(tenures), cluster.namespace.name, cluster.applied
    if applied is None or not any(tenure.cleans for tenure in known) or not is_taken_back(cluster.namespace, known):
        return ()
    living = _covering(cluster.namespace, known)
    owned = {robot.secret for integration in living for robot in desired_state(integration, cluster, "").robots}
    unchanged = {s for s, fingerprint in applied.secrets.items() if cluster.pull_secrets.get(s, fingerprint) == fingerprint}
    ours = sorted(unchanged - owned)
    accounts = sorted(cluster.accounts.items())
    links = [(account, s) for account, found in accounts for s in ours if s in (*found.secrets, *found.image_pull_secrets)]
    secrets = (DeletePullSecret(name, s, applied.secrets[s]) for s in ours if s in cluster.pull_secrets)
    kept = not cluster.namespace.ignored and (living or any(t.basis is None and not t.leaving for t in known))
    return (*(UnlinkPullSecret(name, account, s) for account, s in links), *secrets, ClearRecord(name, finalizer=not kept))


def is_taken_back(namespace: Namespace, tenures: Iterable[Tenure]) -> bool:
    """Whether the namespace's record is of an integration that is cleaned up after, and of none that covers the namespace.

    A namespace that is going is not: what is in it goes with it.
    """
    known = tuple(tenures)
    asked = any(tenure.cleans and is_record_of(tenure.basis, namespace) for tenure in known)
    return asked and not namespace.terminating and not any(is_record_of(i, namespace) for i in _covering(namespace, known))


def is_record_of(integration: QuayIntegration | None, namespace: Namespace) -> bool:
    """Whether the record says that the namespace's organization was brought about in this integration's Quay under its name."""
    applied = Applied.loads(namespace.annotations.get(APPLIED_ANNOTATION))
    if integration is None or applied is None:
        return False
    organization = organization_name(integration.cluster_id, namespace.name)
    return applied.registry.startswith(place_of(namespace.uid, organization, integration.endpoint))


def left_over(tenure: Tenure, tenures: Iterable[Tenure], namespaces: Iterable[Namespace]) -> tuple[str, ...]:
    """The namespaces that a QuayIntegration which is cleaned up after still waits for, sorted."""
    known = tuple(tenures)
    its = (n for n in namespaces if tenure.cleans and is_record_of(tenure.basis, n) and is_taken_back(n, known))
    return tuple(sorted(namespace.name for namespace in its))


def tenure_step(tenure: Tenure, left: Iterable[str]) -> IntegrationAction | None:
    """What is done to the QuayIntegration itself, None when nothing.

    Args:
        left: what :func:`left_over` gave.
    """
    if not tenure.held:
        wanted = tenure.policy is CleanupPolicy.CLUSTER and not tenure.deleted  # the API takes none for one that is going
        return HoldIntegration(tenure.key) if wanted else None
    keeps = bool(tuple(left)) if tenure.deleted else tenure.policy is CleanupPolicy.CLUSTER
    return None if keeps else LetIntegrationGo(tenure.key)


def _covering(namespace: Namespace, tenures: Iterable[Tenure]) -> tuple[QuayIntegration, ...]:
    """The integrations that cover the namespace and stay."""
    staying = (t.basis for t in tenures if not (t.leaving or t.basis is None or namespace.ignored))
    return tuple(integration for integration in staying if scope(integration, namespace.name).covered)
