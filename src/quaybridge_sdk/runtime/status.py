"""What the controller knows of each namespace, and the status of each integration that is written from it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from quaybridge_sdk.mapping.conditions import NOT_MET, Condition, NamespaceReport, NamespaceState, Problem


class Ledger:
    """The last report of each namespace, for each integration that covers it, and each integration's own problem; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, dict[str, NamespaceReport]] = {}
        self._problems: dict[str, Problem] = {}
        self._asked: set[str] = set()
        self._since: dict[str, datetime] = {}

    def idle_since(self, integration: str, now: datetime) -> datetime:
        """When the integration was first looked at."""
        with self._lock:
            return self._since.setdefault(integration, now)

    def ask(self, integration: str) -> None:
        """Quay has answered this process for the integration."""
        with self._lock:
            self._asked.add(integration)

    def was_asked(self, integration: str) -> bool:
        with self._lock:
            return integration in self._asked

    def trouble(self, integration: str, problem: Problem | None) -> None:
        """Keeps what is wrong with an integration as a whole; None: nothing is."""
        with self._lock:
            if problem is None:
                self._problems.pop(integration, None)
            else:
                self._problems[integration] = problem

    def problem(self, integration: str) -> Problem | None:
        with self._lock:
            return self._problems.get(integration)

    def record(self, report: NamespaceReport, integrations: Sequence[str]) -> set[str]:
        """Keeps ``report`` for these integrations, and drops the namespace from all others.

        Returns:
            The keys of the integrations for which something changed.
        """
        changed = set()
        with self._lock:
            for key in {*self._rows, *integrations}:
                rows = self._rows.setdefault(key, {})
                before = rows.get(report.namespace)
                after = report if key in integrations else None
                if after is None:
                    rows.pop(report.namespace, None)
                else:
                    rows[report.namespace] = after
                if before != after:
                    changed.add(key)
        return changed

    def drop(self, namespace: str) -> set[str]:
        """Forgets a namespace; returns the integrations for which that changed something."""
        return self.record(NamespaceReport(namespace, NamespaceState.READY), ())

    def reports(self, integration: str) -> tuple[NamespaceReport, ...]:
        with self._lock:
            return tuple(self._rows.get(integration, {}).values())

    def counts(self) -> Mapping[NamespaceState, int]:
        """Namespaces by state, over all integrations."""
        with self._lock:
            latest = {row.namespace: row.state for rows in self._rows.values() for row in rows.values()}
        return {state: sum(found is state for found in latest.values()) for state in NamespaceState}


def merge_status(
    current: Mapping[str, Any], found: Sequence[Condition], fields: Mapping[str, Any], generation: int, now: datetime
) -> dict[str, Any] | None:
    """The status to write, None when it would say the same: a condition keeps its transition time until its status changes.

    ``lastUpdate`` is the contract's field; unlike the incumbent's it is RFC 3339, and changes only together with something else.
    """
    before = _conditions_of(current)
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    conditions = [_merge_condition(before.get(c.type, {}), c, generation, stamp) for c in found]
    status = {**fields, "conditions": conditions, "observedGeneration": generation}
    if all(current.get(key) == value for key, value in status.items()):
        return None
    return {**status, "lastUpdate": stamp}


def is_doubtful(current: Mapping[str, Any], found: Sequence[Condition], *, settled: bool) -> bool:
    """Whether a condition is False of which this process has met nothing, or nothing more; or is still unknown, where there is
    nothing left to do that would tell: an earlier process ended between its work and its status.
    """
    before = _conditions_of(current)
    doubted = ("False", "Unknown", None) if settled else ("False",)
    return any(c.reason == NOT_MET and before.get(c.type, {}).get("status") in doubted for c in found)


def _conditions_of(status: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    listed = status.get("conditions")
    return {str(c.get("type")): c for c in (listed if isinstance(listed, list) else ()) if isinstance(c, Mapping)}


def _merge_condition(before: Mapping[str, Any], condition: Condition, generation: int, stamp: str) -> dict[str, Any]:
    if condition.reason == NOT_MET and isinstance(before.get("lastTransitionTime"), str):
        return dict(before)  # what an earlier process met stands until something else is met: a restart asks nothing
    same = before.get("status") == condition.status and isinstance(before.get("lastTransitionTime"), str)
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message,
        "observedGeneration": generation,
        "lastTransitionTime": before["lastTransitionTime"] if same else stamp,
    }
