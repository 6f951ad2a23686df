"""The controller: changes in the caches become keys, workers take keys, and what happened becomes events, metrics and status."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from attrs import field, frozen

from quaybridge_sdk.errors import BusyError, QuaybridgeError
from quaybridge_sdk.importing import BuildImporter
from quaybridge_sdk.mapping.collisions import Inventory, collisions
from quaybridge_sdk.mapping.conditions import NamespaceReport, NamespaceState, Problem, collision_report
from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.scope import assign, scope
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.ports import Change
from quaybridge_sdk.reconcile import Outcome, Reconciler, Result
from quaybridge_sdk.runtime.keys import Key
from quaybridge_sdk.runtime.metrics import Metrics
from quaybridge_sdk.runtime.queue import WorkQueue
from quaybridge_sdk.runtime.status import Ledger
from quaybridge_sdk.runtime.statuses import StatusWriter
from quaybridge_sdk.runtime.surroundings import ControllerOptions, ControllerPorts
from quaybridge_sdk.runtime.telling import Teller
from quaybridge_sdk.runtime.tenures import CLEANUP_SECONDS, Keeper
from quaybridge_sdk.runtime.tokens import TokenWatch

_log = logging.getLogger(__name__)

UNSYNCED_SECONDS = 0.5
SURVEY_SECONDS = 0.2
BUSY_SECONDS = 0.5
BUSY_KEYS = 500.0
"""A key whose Quay has no place for it comes back after half a second, and a second more for each so many that are due."""

IDLE = timedelta(seconds=50)
"""An integration that covers nothing for so long is asked about its token: less than :data:`STATUS_SECONDS`."""

STATUS_SECONDS = 60.0
"""So often a status is looked at although nothing has changed: the webhook may have fallen silent."""

LET_GO_SECONDS = 30.0
"""A namespace that was let go, and still has our finalizer in the cache, is looked at again: an API server that is just starting
says that there is no such thing, and no change follows that would tell the truth."""

NAMESPACE_CHANGES = frozenset({"namespace", "serviceaccount", "secret", "imagestream", "deletion"})


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
    statuses: StatusWriter = field()
    teller: Teller = field()
    keeper: Keeper = field()

    @queue.default
    def _make_queue(self) -> WorkQueue[Key]:
        return WorkQueue(group=lambda key: key.group, observer=self.metrics)

    @reconciler.default
    def _make_reconciler(self) -> Reconciler:
        ports = self.ports
        options = self.options
        return Reconciler(
            ports.caches,
            ports.writer,
            ports.registries,
            self.clock,
            options.full_check_interval,
            options.deletion_deadline,
            ports.streams,
            heard=lambda integration: self.ledger.ask(integration.key),
        )

    @importer.default
    def _make_importer(self) -> BuildImporter:
        return BuildImporter(self.ports.caches, self.ports.importer, self.clock)

    @statuses.default
    def _make_statuses(self) -> StatusWriter:
        ports = self.ports
        return StatusWriter(ports.caches, ports.status, self.ledger, self.metrics, self.clock, ports.heartbeat)

    @teller.default
    def _make_teller(self) -> Teller:
        return Teller(self.ports.caches, self.ports.writer, self.ports.recorder, self.metrics)

    @keeper.default
    def _make_keeper(self) -> Keeper:
        ports = self.ports
        return Keeper(ports.caches, ports.writer, ports.recorder, self.reconciler.under_way)

    @tokens.default
    def _make_tokens(self) -> TokenWatch:
        return TokenWatch(self.ports.caches, self.ports.registries)

    def on_change(self, change: Change) -> None:
        """Turns a change into the keys that are due."""
        if change.kind in NAMESPACE_CHANGES:
            self.queue.add(Key("namespace", change.namespace))
            if change.kind == "deletion":
                self._status_due({integration.key for integration in self.ports.caches.integrations()})
        elif change.kind == "build":
            self.queue.add(Key("build", change.namespace, change.name))
            self.queue.add(Key("namespace", change.namespace))  # a token may wait for its builds to end
        else:
            self.enqueue_all()

    def enqueue_all(self) -> None:
        """Every namespace, Build and integration: at the start, and whenever an integration or a token changed."""
        caches = self.ports.caches
        self.metrics.quays(integration.endpoint.url for integration in caches.integrations())
        remembered = (deletion.namespace for deletion in caches.all_deletions())
        for name in {*(namespace.name for namespace in caches.namespaces()), *remembered}:
            self.queue.add(Key("namespace", name))
        for build in caches.all_builds():
            self.queue.add(Key("build", build.namespace, build.name))
        for key in {tenure.key for tenure in caches.tenures()}:
            self.queue.add(Key("integration", "", key))
            if self.ledger.problem(key) is not None:  # it may be gone with the change, and some are never tried again
                self.queue.add(Key("token", "", key))

    def work(self, key: Key) -> float | None:
        """Does what ``key`` asks for; answers the seconds after which it is due again. Raises QuaybridgeError."""
        try:
            return self._work(key)
        except BusyError:  # no failure: it waits a little, the longer the more there is to do, and lets others through
            self.queue.add_after(key, BUSY_SECONDS + len(self.queue) / BUSY_KEYS)
            return None

    def _work(self, key: Key) -> float | None:
        if key.kind == "namespace":
            return self._work_on_namespace(key.namespace)
        if key.kind == "build":
            self.teller.imported(key, self.importer.process(key.namespace, key.name))
        elif key.kind == "token":
            self._check_token(key.name)
        else:
            return self._work_on_integration(key.name)
        return None

    def _work_on_integration(self, key: str) -> float | None:
        """Writes the status; asks about the token, if it was replaced since the last time. Lets one that is deleted go."""
        tenure = self.keeper.tend(key)
        if tenure is not None and tenure.leaving:
            return CLEANUP_SECONDS if tenure.held else None
        integration = next((i for i in self.ports.caches.integrations() if i.key == key), None)
        if integration is not None and not self.ports.caches.answered(integration.credentials):
            return UNSYNCED_SECONDS
        token = self._notice_token(key, integration) if integration else ""
        doubtful = self.statuses.write(key, integration, token)
        if doubtful and integration is not None and self.ledger.problem(key) is None:
            self.queue.add(Key("token", "", key))  # else it would stand until the next full check
        return STATUS_SECONDS

    def _notice_token(self, key: str, integration: QuayIntegration) -> str:
        """The token's fingerprint; asks about it, if it is another than the last time."""
        known = (self.ports.status.read_status(key) or {}).get("token") if not self.tokens.knows(key) else None
        now = self.clock()
        idle = now - self.ledger.idle_since(key, now) >= IDLE and not self.ledger.was_asked(key)
        quiet = idle and self.ledger.problem(key) is None  # a check that failed comes back by itself, after its back-off
        unused = quiet and not self._covers_any(integration)  # nothing else will ever find out that its token is bad
        if self.tokens.replaced(integration, known if isinstance(known, str) else "") or unused:
            self.queue.add(Key("token", "", key))
        return self.tokens.fingerprint(integration)

    def _covers_any(self, integration: QuayIntegration) -> bool:
        ignored = self.ports.caches.ignored()
        return any(scope(integration, n.name).covered and n.name not in ignored for n in self.ports.caches.namespaces())

    def _check_token(self, key: str) -> None:
        integration = next((i for i in self.ports.caches.integrations() if i.key == key), None)
        if integration is not None:
            ready = (r.namespace for r in self.ledger.reports(key) if r.state is NamespaceState.READY)
            self.tokens.check(integration, next((organization_name(integration.cluster_id, name) for name in ready), None))
            self.ledger.ask(key)
        self.ledger.trouble(key, None)
        self._status_due({key})

    def on_error(self, key: Key, error: Exception) -> None:
        """Tells people what went wrong; called before the key is retried."""
        reason = error.reason if isinstance(error, QuaybridgeError) else "InternalError"
        _log.warning("%s: %s: %s", key, reason, error)
        # Of a namespace that is gone only a remembered deletion was tried: it stays in the status until it is done.
        if key.kind == "namespace" and self.ports.caches.state(key.namespace) is not None:
            self._report(NamespaceReport(key.namespace, NamespaceState.FAILING, reason, str(error)))
        elif key.kind == "token":
            self.ledger.trouble(key.name, Problem(reason, str(error)))
            self._status_due({key.name})
        self.teller.failed(key, reason, str(error))

    def work_done(self, key: Key, result: str, seconds: float) -> None:
        """The worker pool's observer."""
        self.metrics.count("quaybridge_reconciles_total", key.kind, result)
        self.metrics.observe("quaybridge_reconcile_seconds", seconds, key.kind)

    def _work_on_namespace(self, namespace: str) -> float | None:
        caches = self.ports.caches
        integration = assign(caches.integrations(), namespace, caches.ignored()).integration
        if integration is not None and not caches.answered(integration.credentials):
            return UNSYNCED_SECONDS  # its credentials are being read: there is nothing to complain of yet
        outcome = self.reconciler.reconcile(namespace)
        self.teller.passed(namespace, outcome)
        if outcome.result in (Result.GONE, Result.OUT_OF_SCOPE, Result.RELEASED):
            return self._drop(namespace, outcome)
        if outcome.result is Result.SURVEYING:
            return SURVEY_SECONDS
        if outcome.result is Result.PACED:  # in the foreground, where namespaces take turns: it has waited already
            self.queue.add_after(Key("namespace", namespace), outcome.wait)
            self.metrics.count("quaybridge_passes_held_back_total")
            return None
        report = self._collided(namespace, outcome) or _report_of(namespace, outcome)
        self._report(report)
        if outcome.result is not Result.WAITING:
            self.teller.annotate(report, outcome.organization)
        return self.reconciler.seconds_to_full_check(namespace) if outcome.result is Result.CONVERGED else None

    def _drop(self, namespace: str, outcome: Outcome) -> float | None:
        """A namespace that is none of ours any more counts in no status; something may still be remembered of it."""
        changed = self.ledger.drop(namespace)
        if outcome.result is Result.GONE:  # it may have been counted as waiting, without a report
            changed |= {integration.key for integration in self.ports.caches.integrations()}
        self._status_due(changed)
        found = self.ports.caches.state(namespace) if outcome.actions else None
        if found is not None and found.namespace.has_finalizer:
            return LET_GO_SECONDS
        return self.reconciler.seconds_to_deletion(namespace)

    def _collided(self, namespace: str, outcome: Outcome) -> NamespaceReport | None:
        """The report on objects of the namespace that share a name in Quay; between namespaces the rules leave no way to."""
        cluster = self.ports.caches.state(namespace)
        if cluster is None or outcome.integration is None:
            return None
        inventory = Inventory("this cluster", (outcome.integration,), {namespace: cluster.image_streams})
        return collision_report(namespace, collisions([inventory]))

    def _report(self, report: NamespaceReport) -> None:
        covering = assign(self.ports.caches.integrations(), report.namespace, self.ports.caches.ignored()).covering
        self._status_due(self.ledger.record(report, [integration.key for integration in covering]))

    def _status_due(self, integrations: set[str]) -> None:
        for key in integrations:
            self.queue.add_after(Key("integration", "", key), self.options.status_delay)


def _report_of(namespace: str, outcome: Outcome) -> NamespaceReport:
    if outcome.result is Result.CONTESTED:
        names = ", ".join(integration.key for integration in outcome.covering)
        text = f"covered by several QuayIntegrations ({names}), so none acts: make their lists disjoint"
        return NamespaceReport(namespace, NamespaceState.CONTESTED, "Contested", text)
    state = NamespaceState.READY if outcome.result is Result.CONVERGED else NamespaceState.WAITING
    return NamespaceReport(namespace, state)
