"""What an integration's namespaces went through -> the conditions of its status. Pure: the times of transition are kept by the
caller.

The conditions say what the work itself met; no call is made to find out. A condition about Quay of which nothing was met
yet is ``Unknown``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Literal

from attrs import frozen

from quaybridge_sdk.mapping.collisions import Collision
from quaybridge_sdk.model.integration import QuayIntegration

Status = Literal["True", "False", "Unknown"]
MESSAGE_LENGTH = 1024
WORST = 5


class NamespaceState(Enum):
    """How a namespace stands."""

    READY = "ready"
    WAITING = "waiting"
    FAILING = "failing"
    CONTESTED = "contested"


@frozen
class NamespaceReport:
    """One namespace's last pass: its state, and for a failing one the error's reason and message."""

    namespace: str
    state: NamespaceState
    reason: str = ""
    message: str = ""


@frozen
class Problem:
    """What is wrong with an integration as a whole, whatever its namespaces went through: an error's reason and message."""

    reason: str
    message: str


@frozen
class Condition:
    """One ``metav1.Condition`` without its times."""

    type: str
    status: Status
    reason: str
    message: str


CONDITION_OF_REASON: Mapping[str, str] = MappingProxyType(
    {
        "Unreachable": "QuayReachable",
        "ServerFault": "QuayReachable",
        "Throttled": "QuayReachable",
        "ReadOnly": "QuayReachable",
        "TLSVerification": "TLSVerified",
        "TokenInvalid": "TokenValid",
        "InvalidCredentials": "TokenValid",
        "Forbidden": "ScopesSufficient",
        "InvalidName": "NamesMappable",
        "NameNotFree": "NamesMappable",
        "Ownership": "NoConflict",
        "Contested": "NoConflict",
        "NameCollision": "NoConflict",
    }
)
"""Which condition an error's reason makes False."""

CONDITIONS = ("QuayReachable", "TLSVerified", "TokenValid", "ScopesSufficient", "NamesMappable", "NoConflict")


def conditions(
    integration: QuayIntegration, reports: Iterable[NamespaceReport], problem: Problem | None = None
) -> tuple[Condition, ...]:
    """The conditions of one integration, ``Ready`` first. The order of ``reports`` does not matter.

    ``problem`` goes before what the namespaces met: they may have met it, or not yet.
    """
    rows = sorted(reports, key=lambda report: report.namespace)
    troubles = [row for row in rows if row.state in (NamespaceState.FAILING, NamespaceState.CONTESTED)]
    ready = sum(row.state is NamespaceState.READY for row in rows)
    parts = tuple(_part(kind, problem, troubles, ready) for kind in CONDITIONS)
    prefix = _prefix(integration)
    whole = Condition("Ready", "False", problem.reason, problem.message[:MESSAGE_LENGTH]) if problem else None
    return (whole or _ready(rows, troubles, ready), *parts, *((prefix,) if prefix else ()))


def collision_report(namespace: str, found: Iterable[Collision]) -> NamespaceReport | None:
    """What ``found`` means for its namespace, None when nothing collides; what only the incumbent would mix up is none."""
    ours = [collision for collision in found if not collision.incumbent]
    if not ours:
        return None
    objects = ", ".join(claim.object for claim in ours[0].claimants)
    text = f"{objects} share the {ours[0].kind} {ours[0].name}: give one of them another name"
    return NamespaceReport(namespace, NamespaceState.FAILING, "NameCollision", text)


def invalid_conditions(message: str) -> tuple[Condition, ...]:
    """The conditions of a QuayIntegration that cannot be read."""
    return (Condition("Ready", "False", "InvalidSpec", message[:MESSAGE_LENGTH]),)


def _ready(rows: list[NamespaceReport], troubles: list[NamespaceReport], ready: int) -> Condition:
    if troubles:
        worst = "; ".join(f"{row.namespace}: {row.message}" for row in troubles[:WORST])
        more = f"; and {len(troubles) - WORST} more" if len(troubles) > WORST else ""
        return Condition(
            "Ready", "False", troubles[0].reason, f"{len(troubles)} of {len(rows)} namespaces: {worst}{more}"[:MESSAGE_LENGTH]
        )
    if ready < len(rows):
        return Condition("Ready", "False", "Progressing", f"{ready} of {len(rows)} namespaces are ready")
    return Condition("Ready", "True", "Synchronized", f"{ready} namespaces are organizations in Quay")


def _part(kind: str, problem: Problem | None, troubles: list[NamespaceReport], ready: int) -> Condition:
    if problem and CONDITION_OF_REASON.get(problem.reason) == kind:
        return Condition(kind, "False", problem.reason, problem.message[:MESSAGE_LENGTH])
    met = [row for row in troubles if CONDITION_OF_REASON.get(row.reason) == kind]
    if met:
        return Condition(kind, "False", met[0].reason, f"{met[0].namespace}: {met[0].message}"[:MESSAGE_LENGTH])
    if ready or kind in ("NamesMappable", "NoConflict"):
        return Condition(kind, "True", "AsExpected", "")
    return Condition(kind, "Unknown", "NotMet", "nothing was asked of Quay yet")


def _prefix(integration: QuayIntegration) -> Condition | None:
    if not integration.organization_prefix:
        return None
    text = "spec.organizationPrefix is set, and changes no name: the operator that this one replaces ignored it, too"
    return Condition("OrganizationPrefixIgnored", "True", "NoEffect", text)
