"""Tells people what happened: events, the status on a namespace, log lines and counters."""

from __future__ import annotations

import logging

from attrs import frozen

from quaybridge_sdk.errors import OF_API, QuaybridgeError
from quaybridge_sdk.importing import ImportOutcome, ImportResult
from quaybridge_sdk.mapping.conditions import NamespaceReport, NamespaceState, namespace_status, says_the_same
from quaybridge_sdk.mapping.scope import assign
from quaybridge_sdk.model.openshift import STATUS_ANNOTATION
from quaybridge_sdk.ports import ClusterReader, ClusterWriter, EventRecorder
from quaybridge_sdk.reconcile import Outcome, Result
from quaybridge_sdk.runtime.keys import Key
from quaybridge_sdk.runtime.metrics import Metrics

_log = logging.getLogger(__name__)

AWAY = frozenset(OF_API + reason for reason in ("Unreachable", "ServerFault", "Throttled"))
"""Reasons for which the API takes no annotation either."""


@frozen
class Teller:
    """One for all threads."""

    reader: ClusterReader
    writer: ClusterWriter
    recorder: EventRecorder
    metrics: Metrics

    def failed(self, key: Key, reason: str, message: str) -> None:
        """That work on a namespace or Build failed. Never raises: what cannot be told is logged."""
        if key.kind == "build":
            self.metrics.count("quaybridge_imports_total", reason)
            self.recorder.event("Build", key.namespace, key.name, reason, message, warning=True)
        elif key.kind == "namespace" and self._is_there(key.namespace):  # no event can be made in one that goes
            self.recorder.event("Namespace", "", key.namespace, reason, message, warning=True)
            if reason in AWAY or not self._is_covered(key.namespace):
                return  # it is the API that cannot be written; or nobody would ever take the word back
            try:
                self.annotate(NamespaceReport(key.namespace, NamespaceState.FAILING, reason, message), None)
            except QuaybridgeError as error:  # the trouble itself is told
                _log.warning("%s: its status could not be written onto it: %s", key, error)

        elif key.kind == "namespace":
            for deletion in self.reader.deletions(key.namespace):  # its namespace is gone, so nothing else could tell of it
                name, text = deletion.integration.partition("/")[2], f"{deletion.organization} is not deleted yet: {message}"
                self.recorder.event("QuayIntegration", "", name, "DeletionNotDone", text, warning=True)

    def passed(self, namespace: str, outcome: Outcome) -> None:
        """What a pass over a namespace has done, if it has done anything."""
        for action in outcome.actions:
            self.metrics.count("quaybridge_actions_total", type(action).__name__)
        if not outcome.actions:
            return
        done = ", ".join(dict.fromkeys(type(action).__name__ for action in outcome.actions))
        _log.info("namespace %s: %s (%d actions: %s)", namespace, outcome.result.value, len(outcome.actions), done)
        if outcome.result is Result.CONVERGED:
            text = f"organization {outcome.organization} in Quay is as wanted"
            self.recorder.event("Namespace", "", namespace, "Synchronized", text, warning=False)

    def imported(self, key: Key, outcome: ImportOutcome) -> None:
        """What became of a Build's tag; once, when it happens: a restart does not tell it again."""
        if outcome.result in (ImportResult.GONE, ImportResult.SKIPPED) or not outcome.recent:
            return
        self.metrics.count("quaybridge_imports_total", outcome.result.name.lower())
        good = outcome.result in (ImportResult.IMPORTED, ImportResult.SUPERSEDED)
        what = f" ({outcome.request.destination} from {outcome.request.pull_spec})" if outcome.request else ""
        reason = "ImageImported" if good else "ImageNotImported"
        _log.log(logging.INFO if good else logging.WARNING, "%s: %s%s", key, outcome.result.value, what)
        self.recorder.event("Build", key.namespace, key.name, reason, outcome.result.value + what, warning=not good)

    def annotate(self, report: NamespaceReport, organization: str | None) -> None:
        """Writes how a namespace stands onto it, when that is something else than what it says.

        Raises:
            QuaybridgeError: the API could not be written.
        """
        cluster, text = self.reader.state(report.namespace), namespace_status(report, organization)
        if cluster is not None and not says_the_same(cluster.namespace.status, text):
            self.writer.annotate_namespace(report.namespace, {STATUS_ANNOTATION: text})

    def _is_covered(self, namespace: str) -> bool:
        return bool(assign(self.reader.integrations(), namespace, self.reader.ignored()).covering)

    def _is_there(self, namespace: str) -> bool:
        cluster = self.reader.state(namespace)
        return cluster is not None and not cluster.namespace.terminating
