"""The real controller, reconciler and importer on fake ports and a clock that is moved: no thread, no socket, no waiting."""

from __future__ import annotations

import copy
import itertools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from attrs import define, field
from tests.faults.cluster import FakeCaches, FakeCluster
from tests.faults.quay import FakeQuay
from tests.faults.wire import HotLoopError, KilledError, Wire, Wired

from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.ports import Registry
from quaybridge_sdk.runtime.controller import Controller
from quaybridge_sdk.runtime.keys import Key
from quaybridge_sdk.runtime.metrics import Metrics
from quaybridge_sdk.runtime.queue import WorkQueue
from quaybridge_sdk.runtime.surroundings import ControllerOptions, ControllerPorts
from quaybridge_sdk.runtime.workers import WorkerPool

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
QUIET = 400.0
"""Seconds: longer than any back-off. What is due later is a periodic check."""

FULL_CHECK = 11 * 3600.0
LONGEST = 1_500.0
"""Seconds after which it is quiet enough: what still fails then fails for good, and is tried again for ever."""

PIECE = 0.01
"""Seconds that a piece of work takes."""

MOST_STEPS = 5_000
"""More pieces of work than any run can need."""

_METRICS = Metrics()


@define
class Moment:
    """The only clock."""

    seconds: float = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)


@define
class Registries:
    """Gives the fake Quay to whoever has the token."""

    caches: FakeCaches
    quay: FakeQuay
    wire: Wire

    @contextmanager
    def registry(self, integration: QuayIntegration, *, background: bool = False) -> Iterator[Registry]:
        self.wire.pass_on("quay.registry", lambda: self.caches.credentials(integration.credentials))
        yield cast(Registry, Wired(self.quay, self.wire, "quay"))


@define
class Bridge:
    """One cluster, one Quay, and the process between them, which can be killed and started anew."""

    moment: Moment = field(factory=Moment)
    quay: FakeQuay = field(factory=FakeQuay)
    wire: Wire = field(factory=Wire)
    bugs: list[str] = field(factory=list)
    raised: list[str] = field(factory=list)
    cluster: FakeCluster = field()
    caches: FakeCaches = field()
    controller: Controller = field()
    _pool: WorkerPool[Key] = field()

    @cluster.default
    def _make_cluster(self) -> FakeCluster:
        return FakeCluster(self.moment.now)

    @caches.default
    def _make_caches(self) -> FakeCaches:
        caches = FakeCaches(self.cluster)
        self.cluster.on_write = caches.refresh
        return caches

    @controller.default
    def _make_controller(self) -> Controller:
        writer: Any = Wired(self.cluster, self.wire, "kubernetes")
        registries = Registries(self.caches, self.quay, self.wire)
        ports = ControllerPorts(self.caches, writer, writer, self.cluster, writer, registries, streams=writer)
        queue: WorkQueue[Key] = WorkQueue(
            lambda key: key.namespace or key.name, clock=self.moment.monotonic, jitter=lambda: 0.5, observer=_METRICS
        )
        controller = Controller(ports, ControllerOptions(), _METRICS, self.moment.now, queue)
        controller.reconciler.pace.clock = self.moment.monotonic
        return controller

    @_pool.default
    def _make_pool(self) -> WorkerPool[Key]:
        controller = self.controller

        def on_error(key: Key, error: Exception) -> None:
            self.raised.append("; ".join(f"{cause!r} {cause}" for cause in _chain(error)))
            controller.on_error(key, error)

        return WorkerPool(controller.queue, controller.work, 0, on_error)

    def boot(self) -> None:
        """A new process: nothing is remembered, and all that there is is looked at."""
        self.controller = self._make_controller()
        self._pool = self._make_pool()
        self.start()

    def start(self) -> None:
        self.caches.listener = self.controller.on_change
        self.caches.refresh()
        self.controller.enqueue_all()

    def twin(self) -> Bridge:
        """The same servers and the same memory once more, to be changed without this one."""
        twin = Bridge(Moment(self.moment.seconds), copy.deepcopy(self.quay))
        twin.cluster.resume(self.cluster)
        twin.caches.token = self.caches.token
        twin.controller.reconciler.beliefs._states.update(self.controller.reconciler.beliefs._states)
        twin.start()
        twin.run()
        twin.wire.calls.clear()
        return twin

    def another(self) -> Bridge:
        """A second process on the same servers, past the wire's faults: as a leader that does not know that it was replaced."""
        return Bridge(self.moment, self.quay, Wire(), self.bugs, self.raised, self.cluster, self.caches)

    def run(self, until: float = QUIET, *, outage: float = 0.0) -> None:
        """Works until nothing is due within ``until`` seconds, or for exactly ``outage`` seconds, if that is given."""
        end = self.moment.seconds + (outage or LONGEST)
        steps = itertools.count()
        while self.moment.seconds < end:
            key = self.controller.queue.get(timeout=0)
            if key is None:
                wait = self.controller.queue._wait_seconds(None)
                if wait is None or wait > until:
                    break
                self.moment.seconds += max(wait, 0.001)
                continue
            if next(steps) > MOST_STEPS:
                raise HotLoopError(f"{MOST_STEPS} pieces of work, the last one {key}")
            self._work(key)
        if outage:
            self.moment.seconds = max(self.moment.seconds, end)

    def pass_time(self, seconds: float) -> None:
        """Lets so much time pass, and does what becomes due in it."""
        self.run(outage=seconds)
        self.run()

    def _work(self, key: Key) -> None:
        queue = self.controller.queue
        self.moment.seconds += PIECE
        try:
            if self._pool._work(key) == "bug":
                self.bugs.append(self.raised[-1])
        except KilledError:
            self.boot()
        finally:
            queue.done(key)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and all that led to it: what a traceback would show."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@contextmanager
def logs_kept() -> Iterator[list[str]]:
    """All that the bridge logs, at every level, with the tracebacks."""
    kept: list[str] = []
    logger, handler = logging.getLogger("quaybridge_sdk"), _Keeper(kept.append)
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield kept
    finally:
        logger.removeHandler(handler)
        logger.level, logger.propagate = before


class _Keeper(logging.Handler):
    def __init__(self, keep: Callable[[str], None]) -> None:
        super().__init__()
        self._keep = keep

    def emit(self, record: logging.LogRecord) -> None:
        self._keep(f"{record.levelname} {self.format(record)} {record.args!r}")
