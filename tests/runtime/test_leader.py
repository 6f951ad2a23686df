"""Leader election: two candidates, one lease, clocks that nobody trusts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from quaybridge_sdk.errors import ConflictError, UnreachableError
from quaybridge_sdk.ports import LeaseRecord
from quaybridge_sdk.runtime.leader import ElectionTimes, LeaderElector, Term


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


class SlowLease(Lease):
    """Each call takes so long, by the candidates' clock; one that is ``stuck`` does not come back before it is ``freed``."""

    def __init__(self, clock: Clock, seconds: float = 0.0) -> None:
        super().__init__()
        self.clock, self.seconds = clock, seconds
        self.stuck, self.freed = threading.Event(), threading.Event()
        self.freed.set()

    def _up(self) -> None:
        self.clock.now += self.seconds
        if not self.freed.is_set():
            self.stuck.set()
            assert self.freed.wait(20)
        super()._up()


def test_the_deadline_counts_from_before_the_renewal_was_sent() -> None:
    """The lease may have been written at once, and only the answer have been slow: others count from the write."""
    clock = Clock()
    port = SlowLease(clock, seconds=4.0)
    first = candidate(port, clock, "a")
    assert acquire(first, clock)
    assert first.seconds_left() == 10 - 8
    port.down, port.seconds = True, 0.0
    assert hold(first, clock, rounds=1) is False


REAL = ElectionTimes(duration=4.0, renew_deadline=1.0, retry_period=0.02)


@contextmanager
def term(port: Lease, times: ElectionTimes = REAL) -> Iterator[tuple[LeaderElector, Term, Callable[[float], bool], list[str]]]:
    """A term in real time: the elector, the term, a wait for the loss, and by which threads the loss was told."""
    elector = LeaderElector(port, "ns", "lock", "a", times)
    lost, told = threading.Event(), list[str]()

    def lose() -> None:
        told.append(threading.current_thread().name)
        lost.set()

    assert elector.acquire(lambda seconds: False)
    with Term(elector, lose) as running:
        yield elector, running, lost.wait, told


def test_a_term_renews_and_ends_with_a_lease_that_may_be_released() -> None:
    port = Lease()
    with term(port) as (elector, running, lost, told):
        assert not lost(2.5), "longer than the renew deadline"
        assert running.end()
        elector.release()
    assert port.version > 10
    assert port.record is not None
    assert (port.record.holder, told) == ("", [])


def test_a_call_that_hangs_does_not_keep_a_leader_in_office() -> None:
    port = SlowLease(Clock())
    with term(port) as (elector, running, lost, told):
        port.freed.clear()
        assert port.stuck.wait(5)
        assert lost(5)
        assert elector.seconds_left() > -REAL.renew_deadline, "before anybody else can lead"
        port.freed.set()
        assert not running.end(), "a lease that was lost once is not released"
    assert told == ["lease-deadline"]


def test_no_release_while_a_renewal_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """It could come after the release, and take the lease again for a process that is gone."""
    monkeypatch.setattr("quaybridge_sdk.runtime.leader.LAST_CALL", 0.05)
    port = SlowLease(Clock())
    with term(port, ElectionTimes(retry_period=0.02)) as (_, running, _lost, told):
        port.freed.clear()
        assert port.stuck.wait(5)
        assert not running.end()
        port.freed.set()
        running._renewing.join(5)
        assert running.end()
    assert told == []


def test_a_lease_that_another_took_is_lost_at_once() -> None:
    port = Lease()
    with term(port, ElectionTimes(retry_period=0.02)) as (_, running, lost, told):
        while True:
            found = port.record
            assert found is not None
            try:
                port.write(evolve(found, holder="b"))
            except ConflictError:
                continue
            break
        assert lost(5)
        assert not running.end()
    assert told == ["lease"]


def test_a_bug_in_the_renewal_is_a_loss(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Lease):
        def read(self, namespace: str, name: str) -> LeaseRecord | None:
            if self.version:
                raise ZeroDivisionError
            return super().read(namespace, name)

    with term(Broken(), ElectionTimes(retry_period=0.02)) as (_, running, lost, told):
        assert lost(5)
        assert not running.end()
    assert told == ["lease"]
    assert "please report it" in caplog.text
