"""The controller: changes in the caches become keys, workers take keys, and what happened becomes events, metrics and status."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal, Protocol

from attrs import field, frozen

from quaybridge_sdk.errors import InvalidIntegrationError, QuaybridgeError
from quaybridge_sdk.importing import BuildImporter, ImportOutcome, ImportResult
from quaybridge_sdk.mapping.collisions import Inventory, collisions
from quaybridge_sdk.mapping.conditions import (
    NamespaceReport,
    NamespaceState,
    Problem,
    collision_report,
    conditions,
    invalid_conditions,
)
from quaybridge_sdk.mapping.scope import assign, scope
from quaybridge_sdk.model.integration import QuayIntegration, SecretKey
from quaybridge_sdk.model.openshift import Build
from quaybridge_sdk.model.quay import SecretText
from quaybridge_sdk.ports import Change, ClusterReader, ClusterWriter, EventRecorder, ImageImporter, RegistryProvider, StatusPort
from quaybridge_sdk.reconcile import Outcome, Reconciler, Result
from quaybridge_sdk.runtime.metrics import Metrics
from quaybridge_sdk.runtime.queue import WorkQueue
from quaybridge_sdk.runtime.status import Ledger, merge_status
from quaybridge_sdk.runtime.tokens import TokenWatch

_log = logging.getLogger(__name__)

KeyKind = Literal["namespace", "build", "integration", "token"]
UNSYNCED_SECONDS = 0.1
NAMESPACE_CHANGES = frozenset({"namespace", "serviceaccount", "secret", "imagestream"})


@frozen
class Key:
    """What a worker works on. ``name`` is a Build's name, or the key of an integration: of kind ``integration`` when its status
    is due, of kind ``token`` when its token was replaced.
    """

    kind: KeyKind
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.kind, "/".join(filter(None, (self.namespace, self.name))))))


class ControllerCaches(ClusterReader, Protocol):
    """The caches, as the controller needs them."""

    def credentials(self, key: SecretKey) -> SecretText:
        """The Quay token; raises InvalidCredentialsError when there is none."""
        ...

    @property
    def synced(self) -> bool:
        """Whether all that is watched has been read, the credentials of each integration included."""
        ...

    def all_builds(self) -> tuple[Build, ...]:
        """All managed Builds of the cluster."""
        ...

    def invalid_integrations(self) -> Mapping[str, InvalidIntegrationError]:
        """The QuayIntegrations that cannot be read, by key."""
        ...


@frozen
class ControllerPorts:
    """Everything outside that the controller uses."""

    caches: ControllerCaches
    writer: ClusterWriter
    importer: ImageImporter
    recorder: EventRecorder
    status: StatusPort
    registries: RegistryProvider


@frozen
class ControllerOptions:
    """Settings. ``full_check_interval``: between two full reads of one namespace's side of Quay; ``status_delay``: seconds for
    which changes of a status are gathered before it is written.
    """

    full_check_interval: timedelta = timedelta(hours=10)
    status_delay: float = 0.5


def _group(key: Key) -> str:
    return key.namespace or key.name


@frozen
class Controller:
    """Has no thread of its own: the caches call :meth:`on_change`, a worker pool calls :meth:`work` and :meth:`on_error`."""

    ports: ControllerPorts
    options: ControllerOptions
    metrics: Metrics
    clock: Callable[[], datetime]
    queue: WorkQueue[Key] = field()
    reconciler: Reconciler = field()
    importer: BuildImporter = field()
    tokens: TokenWatch = field()
    ledger: Ledger = field(factory=Ledger)

    @queue.default
    def _make_queue(self) -> WorkQueue[Key]:
        return WorkQueue(group=_group, observer=self.metrics)

    @reconciler.default
    def _make_reconciler(self) -> Reconciler:
        ports = self.ports
        return Reconciler(ports.caches, ports.writer, ports.registries, self.clock, self.options.full_check_interval)

    @importer.default
    def _make_importer(self) -> BuildImporter:
        return BuildImporter(self.ports.caches, self.ports.importer, self.clock)

    @tokens.default
    def _make_tokens(self) -> TokenWatch:
        return TokenWatch(self.ports.caches, self.ports.registries)

    def on_change(self, change: Change) -> None:
        """Turns a change into the keys that are due."""
        if change.kind in NAMESPACE_CHANGES:
            self.queue.add(Key("namespace", change.namespace))
        elif change.kind == "build":
            self.queue.add(Key("build", change.namespace, change.name))
        else:
            self.enqueue_all()

    def enqueue_all(self) -> None:
        """Every namespace, Build and integration: at the start, and whenever an integration or a token changed."""
        caches = self.ports.caches
        for namespace in caches.namespaces():
            self.queue.add(Key("namespace", namespace.name))
        for build in caches.all_builds():
            self.queue.add(Key("build", build.namespace, build.name))
        for key in (*(i.key for i in caches.integrations()), *caches.invalid_integrations()):
            self.queue.add(Key("integration", "", key))

    def work(self, key: Key) -> float | None:
        """Does what ``key`` asks for; answers the seconds after which it is due again. Raises QuaybridgeError."""
        if key.kind == "namespace":
            return self._work_on_namespace(key.namespace)
        if key.kind == "build":
            self._report_import(key, self.importer.process(key.namespace, key.name))
        elif key.kind == "token":
            self._check_token(key.name)
        else:
            return self._work_on_integration(key.name)
        return None

    def _work_on_integration(self, key: str) -> float | None:
        """Writes the status; asks about the token, if it was replaced since the last time."""
        if not self.ports.caches.synced:
            return UNSYNCED_SECONDS
        integration = next((i for i in self.ports.caches.integrations() if i.key == key), None)
        if integration is not None and self.tokens.replaced(integration):
            self.queue.add(Key("token", "", key))
        self._write_status(key, integration)
        return None

    def _check_token(self, key: str) -> None:
        integration = next((i for i in self.ports.caches.integrations() if i.key == key), None)
        if integration is not None:
            self.tokens.check(integration)
        self.ledger.trouble(key, None)
        self._status_due({key})

    def on_error(self, key: Key, error: Exception) -> None:
        """Tells people what went wrong; called before the key is retried."""
        reason = error.reason if isinstance(error, QuaybridgeError) else "InternalError"
        _log.warning("%s: %s: %s", key, reason, error)
        if key.kind == "namespace":
            self._report(NamespaceReport(key.namespace, NamespaceState.FAILING, reason, str(error)))
            cluster = self.ports.caches.state(key.namespace)
            if cluster is not None and not cluster.namespace.terminating:  # no event can be made in a terminating one
                self.ports.recorder.event("Namespace", "", key.namespace, reason, str(error), warning=True)
        elif key.kind == "build":
            self.metrics.count("quaybridge_imports_total", reason)
            self.ports.recorder.event("Build", key.namespace, key.name, reason, str(error), warning=True)
        elif key.kind == "token":
            self.ledger.trouble(key.name, Problem(reason, str(error)))
            self._status_due({key.name})

    def work_done(self, key: Key, result: str, seconds: float) -> None:
        """The worker pool's observer."""
        self.metrics.count("quaybridge_reconciles_total", key.kind, result)
        self.metrics.observe("quaybridge_reconcile_seconds", seconds, key.kind)

    def _work_on_namespace(self, namespace: str) -> float | None:
        if not self.ports.caches.synced:  # a new integration's credentials are being read: there is nothing to complain of yet
            return UNSYNCED_SECONDS
        outcome = self.reconciler.reconcile(namespace)
        for action in outcome.actions:
            self.metrics.count("quaybridge_actions_total", type(action).__name__)
        if outcome.result in (Result.GONE, Result.OUT_OF_SCOPE, Result.RELEASED):
            changed = self.ledger.drop(namespace)
            if outcome.result is Result.GONE:  # it may have been counted as waiting, without a report
                changed |= {integration.key for integration in self.ports.caches.integrations()}
            self._status_due(changed)
            self._tell_released(namespace, outcome)
            return None
        self._report(self._collided(namespace, outcome) or _report_of(namespace, outcome))
        if outcome.result is Result.CONVERGED:
            self._tell_converged(namespace, outcome)
            return self.reconciler.seconds_to_full_check(namespace)
        return None

    def _collided(self, namespace: str, outcome: Outcome) -> NamespaceReport | None:
        """The report on objects of the namespace that share a name in Quay; between namespaces the rules leave no way to."""
        cluster = self.ports.caches.state(namespace)
        if cluster is None or outcome.integration is None:
            return None
        inventory = Inventory("this cluster", (outcome.integration,), {namespace: cluster.image_streams})
        return collision_report(namespace, collisions([inventory]))

    def _tell_converged(self, namespace: str, outcome: Outcome) -> None:
        if outcome.actions:
            _log.info(
                "namespace %s: organization %s is as wanted (%d actions)", namespace, outcome.organization, len(outcome.actions)
            )
            text = f"organization {outcome.organization} in Quay is as wanted"
            self.ports.recorder.event("Namespace", "", namespace, "Synchronized", text, warning=False)

    def _tell_released(self, namespace: str, outcome: Outcome) -> None:
        if outcome.result is Result.RELEASED and outcome.actions:
            _log.info("namespace %s: released (%s)", namespace, ", ".join(type(action).__name__ for action in outcome.actions))

    def _report(self, report: NamespaceReport) -> None:
        covering = assign(self.ports.caches.integrations(), report.namespace).covering
        self._status_due(self.ledger.record(report, [integration.key for integration in covering]))

    def _status_due(self, integrations: set[str]) -> None:
        for key in integrations:
            self.queue.add_after(Key("integration", "", key), self.options.status_delay)

    def _report_import(self, key: Key, outcome: ImportOutcome) -> None:
        if outcome.result in (ImportResult.GONE, ImportResult.SKIPPED):
            return
        if not outcome.recent:  # told when it happened: a restart does not tell it again
            return
        self.metrics.count("quaybridge_imports_total", outcome.result.name.lower())
        good = outcome.result in (ImportResult.IMPORTED, ImportResult.SUPERSEDED)
        what = f" ({outcome.request.destination} from {outcome.request.pull_spec})" if outcome.request else ""
        reason = "ImageImported" if good else "ImageNotImported"
        _log.log(logging.INFO if good else logging.WARNING, "%s: %s%s", key, outcome.result.value, what)
        self.ports.recorder.event("Build", key.namespace, key.name, reason, outcome.result.value + what, warning=not good)

    def _reports(self, integration: QuayIntegration) -> tuple[NamespaceReport, ...]:
        """The reports of all namespaces that the integration covers; one that was not worked on yet is waiting."""
        known = {report.namespace: report for report in self.ledger.reports(integration.key)}
        there = (namespace.name for namespace in self.ports.caches.namespaces() if not namespace.terminating)
        names = (name for name in there if scope(integration, name).covered)
        waiting = (NamespaceReport(name, NamespaceState.WAITING) for name in names if name not in known)
        return (*known.values(), *waiting)

    def _write_status(self, key: str, integration: QuayIntegration | None) -> None:
        for state, count in self.ledger.counts().items():  # here, where changes are gathered: it looks at every namespace
            self.metrics.set("quaybridge_namespaces", count, state.value)
        error = self.ports.caches.invalid_integrations().get(key)
        current = self.ports.status.read_status(key)
        if current is None or (integration is None and error is None):
            return
        reports = self._reports(integration) if integration else ()
        states = [report.state for report in reports]
        found = conditions(integration, reports, self.ledger.problem(key)) if integration else invalid_conditions(str(error))
        fields = {
            "namespaces": len(states),
            "organizations": states.count(NamespaceState.READY),
            "failing": states.count(NamespaceState.FAILING) + states.count(NamespaceState.CONTESTED),
        }
        generation = integration.generation if integration else 0
        status = merge_status(current, found, fields, generation, self.clock())
        if status is not None:
            self.ports.status.write_status(key, status)


def _report_of(namespace: str, outcome: Outcome) -> NamespaceReport:
    if outcome.result is Result.CONTESTED:
        names = ", ".join(integration.name for integration in outcome.covering)
        text = f"covered by several QuayIntegrations ({names}), so none acts: make their lists disjoint"
        return NamespaceReport(namespace, NamespaceState.CONTESTED, "Contested", text)
    state = NamespaceState.READY if outcome.result is Result.CONVERGED else NamespaceState.WAITING
    return NamespaceReport(namespace, state)
