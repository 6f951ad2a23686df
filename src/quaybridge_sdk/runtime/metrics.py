"""Prometheus metrics. :data:`METRICS` is the one table: the registry is made from it, and so is the page in the docs.

No label takes its values from users (no namespace, no name), so the number of series stays fixed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Literal

from attrs import frozen
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.metrics import MetricWrapperBase

Kind = Literal["counter", "gauge", "histogram"]

_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_FAST = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)


@frozen
class Metric:
    """One metric's row."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = _SECONDS


METRICS = (
    Metric("quaybridge_queue_depth", "gauge", (), "Keys that are due and wait for a worker"),
    Metric("quaybridge_queue_latency_seconds", "histogram", (), "Time from a key's being due to a worker's taking it"),
    Metric("quaybridge_reconciles_total", "counter", ("kind", "result"), "Passes by kind of key and result"),
    Metric("quaybridge_passes_held_back_total", "counter", (), "Passes that wait, since their namespace has asked Quay so often"),
    Metric("quaybridge_reconcile_seconds", "histogram", ("kind",), "Duration of a pass"),
    Metric(
        "quaybridge_quay_calls_total", "counter", ("method", "route", "status"), "Quay calls by route shape; status 0: no answer"
    ),
    Metric("quaybridge_quay_call_seconds", "histogram", ("method", "route"), "Duration of a Quay call"),
    Metric("quaybridge_quay_circuits_open", "gauge", (), "Quays that are not called at present, since the last calls failed"),
    Metric("quaybridge_quay_calls_allowed", "gauge", (), "Quay calls that may be under way at once, all Quays together"),
    Metric("quaybridge_watches_failing", "gauge", (), "Collections of the cluster that cannot be watched at present"),
    Metric("quaybridge_actions_total", "counter", ("action",), "Actions carried out, by kind"),
    Metric("quaybridge_imports_total", "counter", ("result",), "Imports of built tags, by result"),
    Metric("quaybridge_admission_total", "counter", ("verdict",), "Admission answers, by verdict"),
    Metric("quaybridge_admission_seconds", "histogram", (), "Time to an admission answer, the hold included", _FAST),
    Metric("quaybridge_leader", "gauge", (), "1 while this process leads"),
    Metric("quaybridge_namespaces", "gauge", ("state",), "Namespaces by state"),
)

_KINDS: dict[Kind, type[MetricWrapperBase]] = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}


class Metrics:
    """All metrics of one process, with a registry of its own. Implements the observers of queue, workers, Quay and webhook."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._by_name = {row.name: self._make(row) for row in METRICS}
        self._governed: dict[str, tuple[bool, int]] = {}
        self._concerned: frozenset[str] | None = None
        self._lock = threading.Lock()

    def _make(self, row: Metric) -> MetricWrapperBase:
        if row.kind == "histogram":
            return Histogram(row.name, row.help, row.labels, registry=self.registry, buckets=row.buckets)
        return _KINDS[row.kind](row.name, row.help, row.labels, registry=self.registry)

    def count(self, name: str, *labels: str) -> None:
        """Adds one to a counter."""
        metric = self._by_name[name]
        assert isinstance(metric, Counter)  # noqa: S101 - the table says so
        (metric.labels(*labels) if labels else metric).inc()

    def set(self, name: str, value: float, *labels: str) -> None:
        """Sets a gauge."""
        metric = self._by_name[name]
        assert isinstance(metric, Gauge)  # noqa: S101 - the table says so
        (metric.labels(*labels) if labels else metric).set(value)

    def observe(self, name: str, seconds: float, *labels: str) -> None:
        """Adds one duration to a histogram."""
        metric = self._by_name[name]
        assert isinstance(metric, Histogram)  # noqa: S101 - the table says so
        (metric.labels(*labels) if labels else metric).observe(seconds)

    def queue_depth(self, depth: int) -> None:
        self.set("quaybridge_queue_depth", depth)

    def queue_latency(self, seconds: float) -> None:
        self.observe("quaybridge_queue_latency_seconds", seconds)

    def quay_call(self, method: str, route: str, status: int, seconds: float) -> None:
        self.count("quaybridge_quay_calls_total", method, route, str(status))
        self.observe("quaybridge_quay_call_seconds", seconds, method, route)

    def quay_governed(self, quay: str, *, is_called: bool, at_once: int) -> None:
        with self._lock:
            self._governed[quay] = (is_called, at_once)
            self._show_governed()

    def quays(self, urls: Iterable[str]) -> None:
        """Those that there is an integration for: what was told of others counts no more, and again when one comes back."""
        with self._lock:
            self._concerned = frozenset(urls)
            self._show_governed()

    def _show_governed(self) -> None:
        """The lock is held."""
        found = [told for quay, told in self._governed.items() if self._concerned is None or quay in self._concerned]
        self.set("quaybridge_quay_circuits_open", sum(not called for called, _ in found))
        self.set("quaybridge_quay_calls_allowed", sum(allowed for _, allowed in found))

    def admission(self, verdict: str, seconds: float) -> None:
        self.count("quaybridge_admission_total", verdict)
        self.observe("quaybridge_admission_seconds", seconds)

    def page(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)
