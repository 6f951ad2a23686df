"""Writes the status of an integration from what is known of its namespaces: only when it would say something else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from attrs import field, frozen

from quaybridge_sdk.errors import InvalidIntegrationError, QuaybridgeError
from quaybridge_sdk.mapping.conditions import (
    Condition,
    Facts,
    NamespaceReport,
    NamespaceState,
    WebhookState,
    conditions,
    invalid_conditions,
)
from quaybridge_sdk.mapping.scope import scope
from quaybridge_sdk.model.deletion import Deletion
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.openshift import Namespace
from quaybridge_sdk.ports import StatusPort
from quaybridge_sdk.runtime.metrics import Metrics
from quaybridge_sdk.runtime.status import Ledger, is_doubtful, merge_status

HEARTBEAT_OLD = timedelta(seconds=90)
"""A webhook that has not renewed its Lease for so long serves no more: it does so every 20 seconds."""


class StatusCaches(Protocol):
    """The caches, as far as a status is made from them."""

    def namespaces(self) -> tuple[Namespace, ...]: ...

    def ignored(self) -> frozenset[str]: ...

    def all_deletions(self) -> tuple[Deletion, ...]: ...

    def invalid_integrations(self) -> Mapping[str, InvalidIntegrationError]: ...


@frozen
class StatusWriter:
    """Attributes: ``heartbeat``: when a webhook was last ready, None when none ever said so."""

    caches: StatusCaches
    status: StatusPort
    ledger: Ledger
    metrics: Metrics
    clock: Callable[[], datetime]
    heartbeat: Callable[[], datetime | None] = field(default=lambda: None)

    def write(self, key: str, integration: QuayIntegration | None, token: str) -> bool:
        """Writes the status of the integration with this key.

        Args:
            integration: None when it is gone, or cannot be read.
            token: the fingerprint of its token, "" when there is none.

        Returns:
            Whether it says of Quay what nothing bears out now, or nothing where nothing more will come: Quay is to be asked.

        Raises:
            QuaybridgeError: the API could not be asked.
        """
        for state, count in self.ledger.counts().items():  # here, where changes are gathered: it looks at every namespace
            self.metrics.set("quaybridge_namespaces", count, state.value)
        error = self.caches.invalid_integrations().get(key)
        current = self.status.read_status(key)
        if current is None or (integration is None and error is None):
            return False
        reports = self._reports(integration) if integration else ()
        found = self._conditions(integration, reports) if integration else invalid_conditions(str(error))
        fields = {**_counts(reports), **({"token": token} if token else {})}
        status = merge_status(current, found, fields, integration.generation if integration else 0, self.clock())
        if status is not None:
            self.status.write_status(key, status)
        settled = bool(reports) and all(report.state is NamespaceState.READY for report in reports)
        return is_doubtful(current, found, settled=settled)

    def _conditions(self, integration: QuayIntegration, reports: tuple[NamespaceReport, ...]) -> tuple[Condition, ...]:
        key = integration.key
        facts = Facts(
            problem=self.ledger.problem(key),
            asked=self.ledger.was_asked(key),
            deletions=tuple(deletion for deletion in self.caches.all_deletions() if deletion.integration == key),
            webhook=self._webhook(),
        )
        return conditions(integration, reports, facts)

    def _webhook(self) -> WebhookState:
        try:
            at = self.heartbeat()
        except QuaybridgeError:  # the Lease cannot be read: nothing is known, and what else fails says why
            return WebhookState.UNKNOWN
        if at is None:
            return WebhookState.UNKNOWN
        return WebhookState.SERVING if self.clock() - at < HEARTBEAT_OLD else WebhookState.SILENT

    def _reports(self, integration: QuayIntegration) -> tuple[NamespaceReport, ...]:
        """The reports of all namespaces that the integration covers; one that was not worked on yet is waiting."""
        known = {report.namespace: report for report in self.ledger.reports(integration.key)}
        there = (namespace.name for namespace in self.caches.namespaces() if not namespace.terminating)
        ignored = self.caches.ignored()
        names = (name for name in there if name not in ignored and scope(integration, name).covered)
        waiting = (NamespaceReport(name, NamespaceState.WAITING) for name in names if name not in known)
        return (*known.values(), *waiting)


def _counts(reports: tuple[NamespaceReport, ...]) -> dict[str, int]:
    states = [report.state for report in reports]
    return {
        "namespaces": len(states),
        "organizations": states.count(NamespaceState.READY),
        "failing": states.count(NamespaceState.FAILING) + states.count(NamespaceState.CONTESTED),
    }
