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
from quaybridge_sdk.model.deletion import MEANING, Deletion, DeletionReason
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.openshift import READY_STATUS

Status = Literal["True", "False", "Unknown"]
MESSAGE_LENGTH = 1024
WORST = 5
WORST_LENGTH = 150
"""Of each of the worst, so that one line of a terminal or two hold them."""


STATUS_LENGTH = 500


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
        "InvalidIntegration": "TLSVerified",
        "TokenInvalid": "TokenValid",
        "InvalidCredentials": "TokenValid",
        "Forbidden": "ScopesSufficient",
        "InvalidName": "NamesMappable",
        "NameNotFree": "NamesMappable",
        "Ownership": "NoConflict",
        "ClusterConflict": "NoConflict",
        "Contested": "NoConflict",
        "NameCollision": "NoConflict",
    }
)
"""Which condition an error's reason makes False."""

CONDITIONS = ("QuayReachable", "TLSVerified", "TokenValid", "ScopesSufficient", "NamesMappable", "NoConflict")
OF_QUAY = frozenset(CONDITIONS) - {"NamesMappable", "NoConflict"}
"""What only an answer of Quay can tell."""

NOT_MET = "NotMet"
"""The reason of a condition of which nothing is known; one that was known before stays as it was."""


class WebhookState(Enum):
    """What the webhook's heartbeat says."""

    SERVING = "a webhook answers"
    SILENT = "no webhook has been ready for a while, so new builds fail, or are not changed to push to Quay"
    UNKNOWN = "no webhook has ever told that it is ready"


@frozen
class Facts:
    """What is known of an integration besides its namespaces.

    Attributes:
        problem: goes before what the namespaces met: they may have met it, or not yet.
        asked: Quay has answered since the process began.
        deletions: what is remembered of organizations whose namespaces are gone.
    """

    problem: Problem | None = None
    asked: bool = True
    deletions: tuple[Deletion, ...] = ()
    webhook: WebhookState = WebhookState.UNKNOWN


def conditions(integration: QuayIntegration, reports: Iterable[NamespaceReport], facts: Facts = Facts()) -> tuple[Condition, ...]:
    """The conditions of one integration, ``Ready`` first. The order of ``reports`` does not matter."""
    rows = sorted(reports, key=lambda report: report.namespace)
    troubles = [row for row in rows if row.state in (NamespaceState.FAILING, NamespaceState.CONTESTED)]
    parts = tuple(_part(kind, integration, facts, troubles) for kind in CONDITIONS)
    more = (condition for condition in (_prefix(integration), _held(facts.deletions)) if condition)
    return (_ready(rows, troubles, facts), *parts, _webhook(facts.webhook), *more)


def namespace_status(report: NamespaceReport, organization: str | None) -> str:
    """The text of a namespace's own status annotation: a word that is a condition's reason, a colon, and what to know."""
    if report.state is NamespaceState.READY:
        return READY_STATUS.format(organization=organization or "")
    return f"{report.reason or report.state.value.capitalize()}: {report.message[:STATUS_LENGTH]}"


def says_the_same(one: str, other: str) -> bool:
    """Whether two texts of that annotation have the same reason: a message that varies is not worth a write each time."""
    return one.partition(":")[0] == other.partition(":")[0]


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


def _ready(rows: list[NamespaceReport], troubles: list[NamespaceReport], facts: Facts) -> Condition:
    ready = sum(row.state is NamespaceState.READY for row in rows)
    if facts.problem:
        return Condition("Ready", "False", facts.problem.reason, facts.problem.message[:MESSAGE_LENGTH])
    if troubles:
        worst = "; ".join(f"{row.namespace}: {row.message[:WORST_LENGTH]}" for row in troubles[:WORST])
        more = f"; and {len(troubles) - WORST} more" if len(troubles) > WORST else ""
        return Condition(
            "Ready", "False", troubles[0].reason, f"{len(troubles)} of {len(rows)} namespaces: {worst}{more}"[:MESSAGE_LENGTH]
        )
    if facts.webhook is WebhookState.SILENT:
        return Condition("Ready", "False", "WebhookSilent", facts.webhook.value)
    if ready < len(rows):
        return Condition("Ready", "False", "Progressing", f"{ready} of {len(rows)} namespaces are ready")
    return Condition("Ready", "True", "Synchronized", f"{ready} namespaces are organizations in Quay")


def _part(kind: str, integration: QuayIntegration, facts: Facts, troubles: list[NamespaceReport]) -> Condition:
    if facts.problem and CONDITION_OF_REASON.get(facts.problem.reason) == kind:
        return Condition(kind, "False", facts.problem.reason, facts.problem.message[:MESSAGE_LENGTH])
    met = [row for row in troubles if CONDITION_OF_REASON.get(row.reason) == kind]
    if met:
        return Condition(kind, "False", met[0].reason, f"{met[0].namespace}: {met[0].message}"[:MESSAGE_LENGTH])
    if kind == "TLSVerified" and (integration.insecure or integration.endpoint.url.startswith("http://")):
        text = "the certificate is not looked at" if integration.insecure else "there is no TLS: the token is sent in clear"
        return Condition(kind, "False", "NotVerified", text)
    if facts.asked or kind not in OF_QUAY:
        return Condition(kind, "True", "AsExpected", "")
    return Condition(kind, "Unknown", NOT_MET, "nothing was asked of Quay yet")


def _webhook(state: WebhookState) -> Condition:
    status: Status = {WebhookState.SERVING: "True", WebhookState.SILENT: "False"}.get(state, "Unknown")  # type: ignore[assignment]
    reason = {WebhookState.SERVING: "AsExpected", WebhookState.SILENT: "WebhookSilent"}.get(state, "NoHeartbeat")
    return Condition("WebhookServing", status, reason, "" if state is WebhookState.SERVING else state.value)


def _held(deletions: Iterable[Deletion]) -> Condition | None:
    """That a burst of deletions waits for somebody who confirms it or undoes it."""
    held = sorted(d.organization for d in deletions if d.reason is DeletionReason.BURST)
    if not held:
        return None
    named = ", ".join(held[:WORST]) + (f" and {len(held) - WORST} more" if len(held) > WORST else "")
    text = f"{named}: {MEANING[DeletionReason.BURST]} (quaybridge deletions)"
    return Condition("DeletionsHeld", "True", DeletionReason.BURST.value, text[:MESSAGE_LENGTH])


def _prefix(integration: QuayIntegration) -> Condition | None:
    if not integration.organization_prefix:
        return None
    text = "spec.organizationPrefix is set, and changes no name: the operator that this one replaces ignored it, too"
    return Condition("OrganizationPrefixIgnored", "True", "NoEffect", text)
