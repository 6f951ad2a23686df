"""The matrix on the wire: one world for each kind of fault, one namespace for each row that it can strike, all at once."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from unittest import mock

from attrs import define, field, frozen
from tests.e2e.running import Bridge
from tests.e2e.running import bridge as run_bridge
from tests.faults.breaks import TIMES, Break, Twice
from tests.faults.bridge import logs_kept
from tests.faults.life import Life, life
from tests.faults.routes import ROWS, Row, Side

from quaybridge_sdk.adapters.kubernetes.caches import ClusterCaches
from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient, Timeouts
from quaybridge_sdk.adapters.kubernetes.sources import Pace
from quaybridge_sdk.adapters.quay import QuayRegistry
from quaybridge_sdk.cli.stage import DemoError, eventually
from quaybridge_sdk.testing.http import Fault, HttpServer

PATIENCE = 40.0
"""Seconds; after a 429 the bridge asks that Quay less for a while, on purpose."""

CALLS = 150
"""Requests for each namespace: its whole life needs about 60."""

Step = tuple[str, Callable[[], None], Callable[[str], str]]


@frozen
class WireCell:
    """One kind of fault on one row: ``met`` is how often it struck."""

    row: str
    fault: str
    met: int
    broken: tuple[str, ...] = ()


@define
class Batch:
    """Faults and the rows that they strike, each in a namespace of its own."""

    pairs: Sequence[tuple[Break, Row]]
    troubles: dict[str, list[str]] = field(factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"n{number:02d}" for number in range(max(1, len(self.pairs))))

    def run(self, folder: Path) -> list[WireCell]:
        """Plays the life of all namespaces with the faults in force; each fault ends by itself."""
        with logs_kept() as logs, quick(*(kind for kind, _ in self.pairs)), life(folder, self.names) as lived:
            faults = self._inject(lived)
            with run_bridge(lived.world) as bridge:
                for step in steps(lived, bridge):
                    self._play(*step)
            tokens = [lived.world.stage.quay.token]
            everywhere = misdeeds(lived, tokens, logs)
        found = zip(self.pairs, faults, self.names, strict=False)
        return [self._cell(kind, row, fault, name, everywhere) for (kind, row), fault, name in found]

    def _cell(self, kind: Break, row: Row, fault: Fault, name: str, everywhere: list[str]) -> WireCell:
        shared = [other for (_, at), other in zip(self.pairs, self.names, strict=False) if at.shared]
        concerned = {other: self.troubles.get(other, []) for other in (shared if row.shared else [name])}
        found = [f"{where}: {text}" for where, texts in concerned.items() for text in texts]
        foreign = [other for other in self.names if other not in concerned]
        theirs = [text for text in everywhere if any(f"namespace {other};" in text for other in foreign)]
        return WireCell(row.name, kind.name, TIMES - (fault.times or 0), (*found, *(t for t in everywhere if t not in theirs)))

    def _inject(self, lived: Life) -> list[Fault]:
        stage = lived.world.stage
        servers: dict[Side, HttpServer] = {"quay": stage.quay, "kubernetes": stage.openshift}
        twice = {side: Twice(server) for side, server in servers.items()}
        faults = []
        for (kind, row), name in zip(self.pairs, self.names, strict=False):
            fault = kind.make(row, row.regex(name)) if kind.make else Fault("status", row.regex(name), TIMES)
            faults.append(fault)
            if kind.make:
                servers[row.side].faults.inject(fault)
            else:
                twice[row.side].faults.append(fault)
        for each in twice.values():
            each.install()
        return faults

    def _play(self, what: str, act: Callable[[], None], wrong: Callable[[str], str]) -> None:
        act()
        waiting = list(self.names)

        def all_right() -> bool:
            """One after the other: to look at all of them each time would take longer than what is looked for."""
            while waiting and not wrong(waiting[-1]):
                waiting.pop()
            return not waiting

        with suppress(DemoError):
            eventually(what, all_right, PATIENCE * (5 if any(kind.name == "429" for kind, _ in self.pairs) else 1))
        for name in self.names:
            if text := wrong(name):
                self.troubles.setdefault(name, []).append(f"{what}: {text}")


def steps(lived: Life, bridge: Bridge) -> Iterator[Step]:
    def begin() -> None:
        lived.link()
        lived.make()

    def check_in_full() -> None:
        lived.world.clock_offset += timedelta(hours=11)
        bridge.controller.enqueue_all()

    def damage() -> None:
        lived.damage()
        check_in_full()

    yield "made", begin, lambda name: until_checked(lived.wrong(name, ("app",)))
    yield "imported", lived.build, lived.imported
    yield "repaired", damage, lambda name: until_checked(lived.wrong(name, ("app", "web")))
    yield "checked again", check_in_full, lambda name: lived.wrong(name, ("app", "web"))
    yield "deleted", lived.delete, lived.left
    yield "at ease", lambda: None, lambda _: "" if lived.world.condition()[0] == "True" else str(lived.world.condition())


def until_checked(text: str) -> str:
    """Without doubled default permissions: only a full check looks for those."""
    return ", ".join(part for part in text.split(", ") if part != "default permissions")


def misdeeds(lived: Life, tokens: Sequence[str], logs: Sequence[str]) -> list[str]:
    """What no fault excuses."""
    quay, openshift = lived.world.stage.quay, lived.world.stage.openshift
    stranger = quay.organizations().get("openshift_strangers")
    wrong = [] if stranger and not stranger.robots and not stranger.repositories else ["the stranger's organization was changed"]
    wrong += [f"a bug of an embedded server: {bug!r}" for bug in (*quay.bugs, *openshift.bugs)]
    wrong += [f"a token is shown: {line[:200]}" for line in logs if any(token in line for token in tokens)]
    wrong += [f"a bug: {line[:2000]}" for line in logs if "please report it" in line]
    calls = sum("fieldManager" not in entry.query for entry in (*quay.requests, *openshift.requests))
    return wrong + ([f"{calls} requests"] if calls > CALLS * (len(lived.names) + 4) else [])


@contextmanager
def quick(*kinds: Break) -> Iterator[None]:
    """Short timeouts and waits, so that a fault's end is soon seen."""
    silence = 2.0 if any(kind.name == "silent watch" for kind in kinds) else 150.0
    pace = Pace(first=0.05, limit=0.5, silence=silence, absent=0.5)
    timeouts = Timeouts(connect=2.0, read=1.0)
    with ExitStack() as stack:
        stack.enter_context(mock.patch("quaybridge_sdk.cli.assembly.QuayRegistry", partial(QuayRegistry, timeout=1.0)))
        stack.enter_context(mock.patch("quaybridge_sdk.cli.assembly.ClusterCaches", partial(ClusterCaches, pace=pace)))
        stack.enter_context(mock.patch("quaybridge_sdk.runtime.workers.PERMANENT_FLOOR", 0.5))
        stack.enter_context(mock.patch("quaybridge_sdk.runtime.workers.TRANSIENT_CEILING", 2.0))
        connect = partial(KubernetesClient.from_kubeconfig, timeouts=timeouts)
        stack.enter_context(mock.patch("quaybridge_sdk.cli.assembly.connect", connect))
        yield


def used_rows(folder: Path) -> tuple[list[Row], list[str]]:
    """The rows that a life without a fault uses, and the bridge's requests that no row names."""
    batch = Batch(())
    with quick(), life(folder, batch.names) as lived:
        lines: list[str] = []
        lock = threading.Lock()
        for server in (lived.world.stage.quay, lived.world.stage.openshift):
            taken = server.faults.take

            def take(line: str, taken: Callable[[str], Fault | None] = taken) -> Fault | None:
                with lock:
                    lines.append(line)
                return taken(line)

            setattr(server.faults, "take", take)  # noqa: B010 - the place where every request line comes by
        with run_bridge(lived.world) as bridge:
            for step in steps(lived, bridge):
                batch._play(*step)
    name = batch.names[0]
    rows = [row for row in ROWS if any(re.search(row.regex(name), line) for line in lines)]
    foreign = ("fieldManager=tests", "/v2/", "GET /version")  # users, pushes and pulls, and this test's own start
    unnamed = [line for line in lines if not any(text in line for text in foreign)]
    return rows, sorted({line for line in unnamed if not any(re.search(row.regex(name), line) for row in ROWS)})
