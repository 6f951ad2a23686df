"""The matrix on the ports: each scenario, each kind of fault, each call at which it can strike. One cell is one such run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial

from attrs import define, field, frozen
from tests.faults.bridge import FULL_CHECK, Bridge, logs_kept
from tests.faults.scenarios import Scenario
from tests.faults.verdicts import Ending, ending, misdeeds
from tests.faults.wire import Call, Fault, HotLoopError, KilledError, System

from quaybridge_sdk.errors import (
    BusyError,
    ExpiredError,
    InvalidCredentialsError,
    InvalidIntegrationError,
    NameNotFreeError,
    QuaybridgeError,
    ReadOnlyError,
    RemoteError,
    Retry,
    StaleImageError,
    ThrottledError,
)

OUTAGE = 600.0
"""Seconds that a lasting fault lasts."""

PASSES = 40
"""So many passes over one key may fall into an outage: back-off allows about 25, a hot loop makes thousands."""

FIRST_PASS = 20
"""Calls of the largest pass over one namespace."""

MOST_POSITIONS = 30
"""A scenario that ends in an error repeats itself: later calls are like those."""

TOLD_BY_NOBODY = frozenset({BusyError, StaleImageError})
"""The process's own words: of its limits, and of an image that it compares."""

NOT_OF: Mapping[System, frozenset[type[QuaybridgeError]]] = {
    "quay": TOLD_BY_NOBODY | {ExpiredError},
    "kubernetes": TOLD_BY_NOBODY | {ReadOnlyError, NameNotFreeError},
}
AT_THE_DOOR: tuple[type[QuaybridgeError], ...] = (InvalidCredentialsError, InvalidIntegrationError)
"""What getting a registry may say, which makes no call."""

READS = (
    *("registry", "organization", "robots", "robot_roles", "prototypes", "repositories", "repository_states", "check_token"),
    *("image_streams", "read_", "may_"),
)


@frozen
class Cell:
    """One fault in one scenario. ``strike`` readies the bridge; the event follows; ``after`` lets time pass when it is healed.

    ``missed``: what happened is only found by a periodic check.
    """

    name: str
    strike: Callable[[Bridge], None]
    lasting: bool = False
    missed: bool = False
    again: bool = False


@define
class Report:
    """How many cells were run, and what was wrong in those that broke."""

    run: int = 0
    broken: dict[str, list[str]] = field(factory=dict)


@frozen
class Clean:
    """The run without a fault: the names of its calls, and how it ends."""

    calls: tuple[str, ...]
    ending: Ending
    complaints: tuple[str, ...]


@cache
def clean(scenario: Scenario) -> Clean:
    with logs_kept() as logs:
        bridge = scenario.prepared()
        bridge.wire.arm(None)
        scenario.event(bridge)
        bridge.run()
        calls = bridge.wire.since
        return Clean(calls, ending(bridge), tuple(misdeeds(scenario, bridge, logs)))


def play(scenario: Scenario, cell: Cell) -> list[str]:
    """Runs one cell; what is wrong, nothing when it held."""
    with logs_kept() as logs:
        bridge = scenario.prepared()
        bridge.wire.arm(None)
        cell.strike(bridge)
        scenario.event(bridge)
        try:
            bridge.run(outage=OUTAGE if cell.lasting else 0.0)
            calls, usual = len(bridge.wire.since), len(clean(scenario).calls)
            _heal(bridge, scenario, cell)
        except HotLoopError as error:
            return [f"a hot loop: {error}"]
        found = ending(bridge).unlike(clean(scenario).ending) + misdeeds(scenario, bridge, logs)
    if calls > PASSES * (usual + FIRST_PASS):
        found.append(f"{calls} calls while the fault lasted, {usual} without it")
    return found


def _heal(bridge: Bridge, scenario: Scenario, cell: Cell) -> None:
    bridge.wire.heal()
    if not cell.missed:
        bridge.caches.relist()
    if cell.again:
        bridge.controller.enqueue_all()
    bridge.run()
    if cell.missed:
        bridge.pass_time(FULL_CHECK)
    if cell.missed and scenario.seldom:
        bridge.boot()
        bridge.run()


def run(scenario: Scenario, cells: Iterator[Cell]) -> Report:
    report = Report()
    for cell in cells:
        report.run += 1
        found = play(scenario, cell)
        if found:
            report.broken[cell.name] = found
    return report


def positions(scenario: Scenario) -> range:
    return range(min(MOST_POSITIONS, len(clean(scenario).calls)))


def leaves(kind: type[QuaybridgeError] = QuaybridgeError) -> list[type[QuaybridgeError]]:
    """The classes of the error tree that have none below them."""
    below = [leaf for child in kind.__subclasses__() for leaf in leaves(child)]
    return below or [kind]


def errors(*prefixes: str) -> list[type[QuaybridgeError]]:
    """What the calls with these names can give: what their server can say."""
    if prefixes == ("quay.registry",):
        return list(AT_THE_DOOR)
    systems = [system for system in NOT_OF if any(prefix.startswith(system) or not prefix for prefix in prefixes)]
    return [kind for kind in leaves(RemoteError) if all(kind not in NOT_OF[system] for system in systems)]


def made(kind: type[QuaybridgeError], name: str, after: float | None = None) -> QuaybridgeError:
    text = f"{name}: injected"
    system: System = "kubernetes" if name.startswith("kubernetes") else "quay"
    if issubclass(kind, ThrottledError):
        return kind(text, system=system, retry_after=after)
    if issubclass(kind, RemoteError):
        return kind(text, system=system)
    return kind("spec", text) if issubclass(kind, InvalidIntegrationError) else kind(text)


def is_read(name: str) -> bool:
    return name.partition(".")[2].startswith(READS)


def at(position: int) -> Callable[[Call], bool]:
    return one_of(position)


def one_of(*positions: int) -> Callable[[Call], bool]:
    return lambda call: call.position in positions


def named(*prefixes: str) -> Callable[[Call], bool]:
    """At the door there is no server yet, unless it is meant by its own name."""
    door = "quay.registry"
    return lambda call: call.name.startswith(prefixes) and (call.name != door or door in prefixes)


def breaks(hits: Callable[[Call], bool], kind: type[QuaybridgeError], *, before: bool) -> Callable[[Bridge], None]:
    def act(call: Call) -> None:
        raise made(kind, call.name)

    return lambda bridge: bridge.wire.arm(Fault(hits, act, before))


def does(hits: Callable[[Call], bool], act: Callable[[Bridge], None], *, before: bool = True) -> Callable[[Bridge], None]:
    return lambda bridge: bridge.wire.arm(Fault(hits, lambda _: act(bridge), before))


def kill(_: Bridge) -> None:
    raise KilledError


# -- the kinds of faults: each gives the cells of a scenario


def errors_once(scenario: Scenario) -> Iterator[Cell]:
    """Each call fails once, with each error, before its effect or after it: then the answer is lost."""
    for position, name in enumerate(clean(scenario).calls[:MOST_POSITIONS]):
        for kind in errors(name):
            for before in (True,) if is_read(name) else (True, False):
                when = "before" if before else "after"
                text = f"{kind.__name__} {when} call {position} {name}"
                yield Cell(text, breaks(at(position), kind, before=before), again=kind.retry is Retry.NEVER)


def outages(scenario: Scenario) -> Iterator[Cell]:
    """Each kind of call, one side, everything, and Quay together with one of the cluster's calls fail for ten minutes."""
    names = sorted(set(clean(scenario).calls))
    both = [("quay.", name) for name in names if name.startswith("kubernetes")]
    for prefixes in (("quay.",), ("kubernetes.",), ("",), *((name,) for name in names), *both):
        for kind in errors(*prefixes):
            for before in (True,) if is_read(prefixes[0]) else (True, False):
                text = f"{' and '.join(prefixes) or 'all'}: {kind.__name__} {'before' if before else 'after'}"
                strike = breaks(named(*prefixes), kind, before=before)
                yield Cell(f"outage of {text}", strike, lasting=True, again=kind.retry is Retry.NEVER)


def kills(scenario: Scenario) -> Iterator[Cell]:
    """The process is killed at each call, before and after its effect, and once more some calls after its restart."""
    for position in positions(scenario):
        for before in (True, False):
            yield Cell(f"killed {'before' if before else 'after'} call {position}", does(at(position), kill, before=before))
        for second in range(position + 1, position + MOST_POSITIONS, 4):
            strike = does(one_of(position, second), kill, before=False)
            yield Cell(f"killed after calls {position} and {second}", strike)


def duplicates(scenario: Scenario) -> Iterator[Cell]:
    """The keys are handed out twice; and another process, which thinks that it leads, does all the work in the middle of ours."""

    def twice(bridge: Bridge) -> None:
        bridge.controller.enqueue_all()

    def rival(bridge: Bridge) -> None:
        listener = bridge.caches.listener
        other = bridge.another()
        other.boot()
        other.run()
        bridge.caches.listener = listener

    for position in positions(scenario):
        yield Cell(f"handed out twice at call {position}", does(at(position), twice))
        for before in (True, False):
            when = "before" if before else "after"
            yield Cell(f"a second process {when} call {position}", does(at(position), rival, before=before), missed=True)


def stale_caches(scenario: Scenario) -> Iterator[Cell]:
    """From each call on the cache is some writes behind; or it goes back to what it was some writes ago, and stays there."""
    for position in positions(scenario):
        for lag in (1, 2, 4, 8):
            yield Cell(f"cache {lag} behind from call {position}", does(at(position), partial(_behind, lag)))
            yield Cell(f"cache {lag} back at call {position}", does(at(position), partial(_back, lag)))


def _behind(lag: int, bridge: Bridge) -> None:
    """It only ever goes forward."""
    seen = len(bridge.cluster.history)
    bridge.caches.choose = lambda cluster: [*cluster.history, cluster.truth][max(seen, len(cluster.history) - lag)]


def _back(lag: int, bridge: Bridge) -> None:
    history = bridge.cluster.history
    old = history[-min(lag, len(history))] if history else bridge.cluster.truth
    bridge.caches.choose = lambda _: old
    bridge.caches.refresh()


def lost_events(scenario: Scenario) -> Iterator[Cell]:
    """From each call on no event comes; only the periodic check helps, or for Builds the next look at all of them."""

    def deafen(bridge: Bridge) -> None:
        bridge.caches.deaf = True

    for position in positions(scenario):
        yield Cell(f"no event after call {position}", does(at(position), deafen), missed=True)


FAMILIES: dict[str, Callable[[Scenario], Iterator[Cell]]] = {
    "error once": errors_once,
    "outage": outages,
    "killed": kills,
    "duplicated": duplicates,
    "stale cache": stale_caches,
    "lost events": lost_events,
}
