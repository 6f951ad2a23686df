"""One soak: sets all up, lets it run, heals everything, waits until it is quiet, and compares."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field, frozen
from tests.soak.burst import Burst
from tests.soak.checker import Checker
from tests.soak.checks import Checks
from tests.soak.diary import Counters, Page, Phase
from tests.soak.figures import Calls, Memory, bridge_calls, leaks
from tests.soak.ground import Ground
from tests.soak.programs import Programs, kill_now_and_then, programs
from tests.soak.renewal import PATIENCE, Renewal
from tests.soak.scene import SECRETS, names, set_up
from tests.soak.trouble import Trouble
from tests.soak.workload import Actor, watch_it_go

from quaybridge_sdk.cli.stage import set_stage
from quaybridge_sdk.testing.quay import EmbeddedQuay

FULL_CHECK_SECONDS = 12.0
CALLS_PER_CHECK = 6
MOST_A_MINUTE = 3000
"""Half of what the bridge's own budget allows."""


@frozen
class Options:
    """How long, how much, and by which dice.

    ``patience``: seconds that both sides may take to be right after everything was healed; a retry waits 300 at most. ``quiet``:
    seconds for which all must then stay as it is; ``renewal``: seconds between two cleanups on average.
    """

    seconds: float
    seed: int
    names: int = 16
    actors: int = 3
    pace: float = 0.5
    patience: float = 420.0
    quiet: float = 20.0
    renewal: float = 45.0


@define
class Report:
    """What came of it."""

    counters: Counters
    differences: list[str] = field(factory=list)
    lines: list[str] = field(factory=list)


def run(options: Options, folder: Path) -> Report:
    """A whole soak. Its logs are in ``folder``."""
    report = Report(Counters())
    try:
        _run(options, folder, report)
    except RuntimeError as error:  # an embedded server's bug, told when it is stopped: what was found until then must not be lost
        report.differences.append(f"a bug of the soak itself: {error}: {error.__cause__!r}")
    return report


def _run(options: Options, folder: Path, report: Report) -> None:
    with set_stage(folder, EmbeddedQuay(name_release=1.5)) as stage:
        ground, secrets = Ground(stage), {}
        for secret in SECRETS.values():
            secrets[secret] = ground.new_token()
        strangers = set_up(ground, secrets)
        pages = names(options.names, strangers)
        with programs(stage, report.counters) as made:
            Soak(options, ground, pages, made, report, Checker(ground, pages, strangers), secrets).go()


@define
class Soak:
    """One that is set up."""

    options: Options
    ground: Ground
    pages: tuple[Page, ...]
    programs: Programs
    report: Report
    checker: Checker
    secrets: dict[str, str]
    over: threading.Event = field(factory=threading.Event)
    calm: threading.Event = field(factory=threading.Event)
    measured: threading.Event = field(factory=threading.Event)

    def go(self) -> None:
        """Fills the report."""
        chance, counters = random.Random(self.options.seed), self.report.counters
        trouble = Trouble(self.ground, random.Random(chance.random()), counters, self.over, self.calm)
        actors = [self._actor(number, chance) for number in range(self.options.actors)]
        self._begin(actors)
        memory, calls = Memory(self.programs), Calls(self.ground)
        with self._threads(self.measured, lambda: memory.watch(self.measured), lambda: calls.watch(self.measured)):
            strikes = random.Random(chance.random())
            renewal, seconds = self._renewal(random.Random(chance.random())), self.options.seconds
            with self._threads(
                self.over,
                *[lambda actor=actor: actor.act(self.over) for actor in actors],
                lambda: trouble.faults("Quay"),
                lambda: trouble.faults("the cluster"),
                trouble.outages,
                lambda: trouble.credentials(self.secrets),
                lambda: renewal.act(seconds * 0.9, self.options.renewal),
                lambda: kill_now_and_then(self.programs, strikes, counters, self.over, self.calm),
            ):
                self.over.wait(seconds * 0.6)
                self.calm.set()
                self.over.wait(seconds * 0.4)
            trouble.heal(self.secrets)
            self._compare()
            self._burst(random.Random(chance.random()))
        self._figures(memory, calls)

    def _actor(self, number: int, chance: random.Random) -> Actor:
        mine = self.pages[number :: self.options.actors]
        return Actor(self.ground, mine, random.Random(chance.random()), self.report.counters, self.options.pace)

    def _renewal(self, chance: random.Random) -> Renewal:
        pages = tuple(page for page in self.pages if page.cluster_id == "second")
        return Renewal(self.ground, pages, chance, self.report.counters, self.checker, self.report.differences, self.over)

    def _begin(self, actors: list[Actor]) -> None:
        """Each integration writes its first organization before it can meet another cluster's mark: then it is new no more."""
        for actor in actors:
            for page in actor.pages:
                if page.stays:
                    actor.come(page)
        self._wait(lambda: [text for text in self.checker.differences() if text.startswith(("first0:", "second0:"))])

    @contextmanager
    def _threads(self, end: threading.Event, *works: Callable[[], None]) -> Iterator[None]:
        threads = [threading.Thread(target=self._guarded, args=(work,), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            end.set()
            for thread in threads:
                thread.join(2 * PATIENCE)

    def _guarded(self, work: Callable[[], None]) -> None:
        """A thread of the soak that dies must not go unseen."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever it is, the soak is worth nothing then
            self.report.differences.append(f"a bug of the soak itself: {error!r}")
            self.over.set()

    def _wait(self, look: Callable[[], list[str]]) -> list[str]:
        """Looks until there is nothing to see, or patience is over; what is still there then."""
        started = told = time.monotonic()
        while (found := look()) and time.monotonic() - started < self.options.patience:
            time.sleep(1)
            if time.monotonic() - told > 30:
                told = time.monotonic()
                sys.stderr.write(f"still {len(found)} differences, such as {found[:3]}\n")
        self.report.lines.append(f"right after {time.monotonic() - started:.0f} s" if not found else "not right in time")
        return found

    def _look(self) -> list[str]:
        for page in self.pages:
            watch_it_go(self.ground, page)
        return self.checker.differences()

    def _compare(self) -> None:
        """Once all is right it must stay so, without a write, at no more calls than the periodic checks need."""
        quay, differences = self.ground.stage.quay, self.report.differences
        differences += self._wait(self._look)
        start = len(quay.requests)
        time.sleep(self.options.quiet)
        calls, writes = bridge_calls(quay, start), bridge_calls(quay, start, writes=True)
        live = sum(page.phase is Phase.LIVE for page in self.pages)
        most = live * CALLS_PER_CHECK * (self.options.quiet / (0.8 * FULL_CHECK_SECONDS) + 1)
        self.report.lines.append(
            f"quiet: {calls} calls, {writes} of them writes, in {self.options.quiet:.0f} s for {live} namespaces"
        )
        if (writes or calls > most) and not differences:
            differences.append(f"no quiet: {calls} calls (at most {most:.0f}) and {writes} writes (none) where nothing happens")
        differences += [text for text in self.checker.differences() if text not in differences]

    def _burst(self, chance: random.Random) -> None:
        """Only when all was right: then a difference comes from the burst alone."""
        if self.report.differences:
            return
        here, *others = (page for page in self.pages if page.phase is Phase.LIVE and page.cluster_id and not page.blocked)
        line, wrong = Burst(self.ground, Checks(self.ground, chance, self.report.counters), here, tuple(others)).go()
        self.report.lines.append(line)
        self.report.differences += [*wrong, *self._wait(self._look)]

    def _figures(self, memory: Memory, calls: Calls) -> None:
        report = self.report
        lines, wrong = memory.report()
        report.lines += [f"calls to Quay a minute: {calls.minutes}", f"their answers: {dict(calls.statuses())}", *lines]
        report.differences += wrong + leaks(self.ground)
        report.differences += [text for program in self.programs.all for text in program.odd_ends]
        if report.counters["BUILDS ADMITTED WRONGLY"]:
            report.differences.append("builds were admitted that were not rewritten, or rewritten where nothing covers them")
        if any(count > MOST_A_MINUTE for count in calls.minutes):
            report.differences.append(f"more than {MOST_A_MINUTE} calls to Quay in a minute")
