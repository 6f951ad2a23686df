"""How much of Quay a pass must read, given the record in the cluster and what this process remembers. Pure and total."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

from quaybridge_sdk.model.quay import Prototype, Robot
from quaybridge_sdk.model.state import Applied, ClusterState, Desired, RegistryState


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
