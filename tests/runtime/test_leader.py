"""Leader election: two candidates, one lease, clocks that nobody trusts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from quaybridge_sdk.errors import ConflictError, UnreachableError
from quaybridge_sdk.ports import LeaseRecord
from quaybridge_sdk.runtime.leader import ElectionTimes, LeaderElector


class Lease:
    """The port: one lease, with resourceVersions, and failures when told."""

    def __init__(self) -> None:
        self.record: LeaseRecord | None = None
        self.version = 0
        self.down = False

    def read(self, namespace: str, name: str) -> LeaseRecord | None:
        self._up()
        return self.record

    def write(self, record: LeaseRecord) -> LeaseRecord:
        self._up()
        if record.version != (self.record.version if self.record else ""):
            raise ConflictError("lease", system="kubernetes")
        self.version += 1
        self.record = evolve(record, version=str(self.version))
        return self.record

    def _up(self) -> None:
        if self.down:
            raise UnreachableError("lease", system="kubernetes")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def candidate(port: Lease, clock: Clock, identity: str) -> LeaderElector:
    return LeaderElector(port, "ns", "lock", identity, ElectionTimes(), clock=clock, jitter=lambda: 0.0)


def waits(clock: Clock, count: int) -> Iterator[bool]:
    """Lets ``count`` waits pass, then says stop."""
    for _ in range(count):
        yield False
    while True:
        yield True


def waiter(clock: Clock, count: int) -> object:
    answers = waits(clock, count)

    def wait(seconds: float) -> bool:
        clock.now += seconds
        return next(answers)

    return wait


def acquire(elector: LeaderElector, clock: Clock, tries: int = 0) -> bool:
    return elector.acquire(waiter(clock, tries))  # type: ignore[arg-type]


def hold(elector: LeaderElector, clock: Clock, rounds: int) -> bool:
    return elector.hold(waiter(clock, rounds))  # type: ignore[arg-type]


def test_the_first_leads_and_the_second_waits() -> None:
    port, clock = Lease(), Clock()
    first, second = candidate(port, clock, "a"), candidate(port, clock, "b")
    assert acquire(first, clock)
    assert not acquire(second, clock, tries=3)
    assert port.record is not None
    assert port.record.holder == "a"


def test_a_lease_that_stops_changing_is_taken_over_after_its_duration() -> None:
    port, clock = Lease(), Clock()
    first, second = candidate(port, clock, "a"), candidate(port, clock, "b")
    assert acquire(first, clock)
    started = clock.now
    assert acquire(second, clock, tries=20)
    assert clock.now - started >= 15
    assert port.record is not None
    assert (port.record.holder, port.record.transitions) == ("b", 1)
    assert hold(first, clock, rounds=1) is False


def test_a_lease_that_is_renewed_is_not_taken_over() -> None:
    port, clock = Lease(), Clock()
    first, second = candidate(port, clock, "a"), candidate(port, clock, "b")
    assert acquire(first, clock)
    assert not acquire(second, clock)
    for _ in range(20):
        assert hold(first, clock, rounds=1)
        assert not acquire(second, clock)


def test_a_leader_that_cannot_renew_stops_before_the_lease_can_be_taken() -> None:
    port, clock = Lease(), Clock()
    first = candidate(port, clock, "a")
    assert acquire(first, clock)
    renewed = clock.now
    port.down = True
    assert hold(first, clock, rounds=100) is False
    assert clock.now - renewed < 15


def test_a_short_outage_is_survived() -> None:
    port, clock = Lease(), Clock()
    first = candidate(port, clock, "a")
    assert acquire(first, clock)
    port.down = True
    answers = iter([False, False, False, True])

    def wait(seconds: float) -> bool:
        clock.now += seconds
        port.down = clock.now - 1000 < 5
        return next(answers)

    assert first.hold(wait)


def test_a_released_lease_is_taken_at_once() -> None:
    port, clock = Lease(), Clock()
    first, second = candidate(port, clock, "a"), candidate(port, clock, "b")
    assert acquire(first, clock)
    first.release()
    assert acquire(second, clock)
    first.release()  # not ours any more: nothing happens
    assert port.record is not None
    assert port.record.holder == "b"


def test_release_survives_an_outage() -> None:
    port, clock = Lease(), Clock()
    first = candidate(port, clock, "a")
    assert acquire(first, clock)
    port.down = True
    first.release()


def test_a_restarted_holder_keeps_its_lease() -> None:
    port, clock = Lease(), Clock()
    assert acquire(candidate(port, clock, "a"), clock)
    assert acquire(candidate(port, clock, "a"), clock)
    assert port.record is not None
    assert port.record.transitions == 0


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.floats(0.0, 4.0), st.booleans()), max_size=60))
def test_never_two_leaders(steps: list[tuple[str, float, bool]]) -> None:
    """Whatever the order of steps and outages: two candidates never believe to lead at the same time."""
    port, clock = Lease(), Clock()
    electors = {name: candidate(port, clock, name) for name in "ab"}
    led_until = {"a": 0.0, "b": 0.0}
    for name, pause, down in steps:
        clock.now += pause
        port.down = down
        attempt = clock.now
        if acquire(electors[name], clock):
            # a leader stops acting when it could not renew for the renew deadline
            led_until[name] = attempt + electors[name].times.renew_deadline
            other = "b" if name == "a" else "a"
            assert led_until[other] <= attempt
            led_until[other] = 0.0


@pytest.mark.parametrize("name", ["duration", "renew_deadline", "retry_period"])
def test_the_times_are_client_gos(name: str) -> None:
    assert getattr(ElectionTimes(), name) == {"duration": 15.0, "renew_deadline": 10.0, "retry_period": 2.0}[name]
