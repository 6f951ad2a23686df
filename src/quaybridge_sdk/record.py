"""What is written on a namespace of what was brought about, so that a restart need not ask Quay. Pure and total."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from quaybridge_sdk.model.actions import RecordApplied
from quaybridge_sdk.model.openshift import READY_STATUS
from quaybridge_sdk.model.state import Applied, ClusterState, Desired, Observed, RegistryState


def record(observed: Observed, desired: Desired) -> Iterator[RecordApplied]:
    """That all is done, when it is, and was not recorded so."""
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

    Of their pull secrets those that hold the new token: one that could not be written is no more among the right ones, so the
    next pass writes it.
    """
    cluster, registry, before = observed.cluster, observed.registry, observed.cluster.applied
    if before is None or not registry.rotated:
        return None
    renewed = {r.secret for r in desired.robots if r.name in registry.rotated}
    kept = {name: text for name, text in before.secrets.items() if name not in renewed}
    written = {name: desired.contents[name].fingerprint() for name in renewed & desired.contents.keys()}
    right = {name: text for name, text in written.items() if cluster.pull_secrets.get(name) == text}
    applied = evolve(before, secrets={**kept, **right}, rotated=_rotated(registry, desired, before))
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
