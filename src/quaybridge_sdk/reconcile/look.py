"""Looks at Quay's side as deep as a pass needs, and concludes nothing from what does not prove it."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve

from quaybridge_sdk.depth import Depth, asks_for_roles
from quaybridge_sdk.errors import ClusterConflictError, ForbiddenError, OwnershipError, ServerFaultError
from quaybridge_sdk.mapping.desired import robots_prove, settle
from quaybridge_sdk.model.ownership import ADOPT_ANNOTATION, Ownership
from quaybridge_sdk.model.quay import Organization
from quaybridge_sdk.model.state import Absent, ClusterState, Desired, Observed, RegistryState
from quaybridge_sdk.observe import observe_all, observe_organization, observe_rest, observe_robots, observe_roles
from quaybridge_sdk.ports import RegistryReader


def look_first(
    registry: RegistryReader, cluster: ClusterState, desired: Desired, now: datetime, owned: RegistryState | None = None
) -> RegistryState:
    """All of Quay's side, when nothing is known of it: 1 call for an organization that is not there, 4 for one that is.

    Args:
        owned: what :func:`look_at_owner` gave, if it was asked already.

    Raises:
        OwnershipError: the organization may not be written to: then nothing more of it is read.
        QuaybridgeError: as :func:`look_again`.
    """
    owned = owned or look_at_owner(registry, desired.organization, now)
    require_writable(settle(desired, Observed(cluster, owned)))
    return owned if owned.complete_at else observe_rest(registry, desired.organization, owned, now)


def look_again(
    registry: RegistryReader, cluster: ClusterState, desired: Desired, believed: RegistryState, wanted: Depth, now: datetime
) -> RegistryState:
    """Quay's side of an organization that is recorded as ours, as deep as ``wanted``.

    Raises:
        QuaybridgeError: Quay could not be read, or does not show what would be needed to conclude.
    """
    if wanted is Depth.NOTHING:
        return believed
    read = observe_all(registry, desired.organization, now) if wanted.is_full else None
    return _proved(registry, cluster, desired, read or observe_robots(registry, desired.organization, believed), now)


def with_roles(registry: RegistryReader, cluster: ClusterState, desired: Desired, state: RegistryState) -> RegistryState:
    """``state``, with the roles on single repositories of our robots, if somebody asks for such a check: 1 call for each.

    Raises:
        ForbiddenError: Quay wants the scope user:admin for it, which the other reads do without.
        QuaybridgeError: as :func:`look_again`.
    """
    if not asks_for_roles(cluster, desired):
        return state
    return observe_roles(registry, desired.organization, state, [robot.name for robot in desired.robots])


def look_at_owner(registry: RegistryReader, organization: str, now: datetime) -> RegistryState:
    """All places where the mark is: 1 call when there is no such organization, 2 when there is.

    Raises:
        ForbiddenError: the token cannot see whose the organization is.
    """
    first = observe_organization(registry, organization, now)
    _require_insight(first)
    return first if first.complete_at else observe_robots(registry, organization, first)


def look_at_the_end(registry: RegistryReader, organization: str, now: datetime) -> RegistryState:
    """As :func:`look_at_owner`, before what belongs to the organization is let go. One that is said not to be there is looked for
    in another way, since nobody will look again: 2 calls more.

    Raises:
        ServerFaultError: Quay says that it is not there, and shows it.
    """
    owned = look_at_owner(registry, organization, now)
    if owned.organization is Absent.ABSENT and registry.robots(organization) is not None:
        raise ServerFaultError(f"Quay says that there is no organization {organization!r}, and shows its robots", system="quay")
    return owned


def _proved(
    registry: RegistryReader, cluster: ClusterState, desired: Desired, state: RegistryState, now: datetime
) -> RegistryState:
    """``state``, with the organization's own mark when its robots do not prove that it is still ours: it may have been made anew
    by somebody else. One call, and only for organizations that were taken over and then changed.
    """
    if isinstance(state.organization, Absent) or robots_prove(desired, Observed(cluster, state)):
        return state
    found = observe_organization(registry, desired.organization, now)
    _require_insight(found)
    return evolve(state, organization=found.organization)


def _require_insight(state: RegistryState) -> None:
    """Raises ForbiddenError when the token cannot see whose the organization is: then nothing may be concluded from it."""
    found = state.organization
    if isinstance(found, Organization) and not found.administered:
        raise ForbiddenError(
            f"the organization {found.name!r} exists, but the token may not administer it, so whose it is cannot be told: "
            "the token needs super:user, or org:admin and an owner of the organization",
            system="quay",
        )


def require_writable(desired: Desired) -> None:
    """Raises OwnershipError, or ClusterConflictError, when the organization was found to be somebody else's."""
    if desired.found is None:
        return
    name = desired.organization
    if desired.found is Ownership.ELSEWHERE:
        raise ClusterConflictError(
            f"the organization {name!r} was {desired.found.value}, so two clusters use one clusterID on this Quay: nothing is "
            f"written. Give this cluster's QuayIntegration another clusterID; or, if the other cluster is gone for good, "
            f"hand the organization over: oc annotate namespace {desired.namespace} {ADOPT_ANNOTATION}={name}"
        )
    unproved = ", as its e-mail says, but nothing in this cluster bears that out" if desired.found is Ownership.INCUMBENT else ""
    raise OwnershipError(
        f"the organization {name!r} exists in Quay, and it is left alone: {desired.found.value}{unproved}. "
        "Rename or delete it in Quay, "
        f"or exclude the namespace; or hand it over: oc annotate namespace {desired.namespace} {ADOPT_ANNOTATION}={name}"
    )
