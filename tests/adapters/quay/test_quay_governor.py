"""The governor of one Quay: its lock, its waiting, and what it reads from the end of a call."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress

import httpx
import pytest
from attrs import Factory, define
from tests.adapters.quay.support import Clock

from quaybridge_sdk.adapters.quay import Governor
from quaybridge_sdk.adapters.quay import governor as module
from quaybridge_sdk.adapters.quay.answers import Answer
from quaybridge_sdk.adapters.quay.breaker import THRESHOLD, Circuit, most_calls
from quaybridge_sdk.adapters.quay.budget import IN_FLIGHT_START
from quaybridge_sdk.adapters.quay.failures import mapped
from quaybridge_sdk.adapters.quay.routes import CREATE_REPOSITORY, GET_ORGANIZATION, GET_USER, Call
from quaybridge_sdk.errors import (
    RemoteError,
    ServerFaultError,
    ThrottledError,
    TLSVerificationError,
    UnreachableError,
)

READ, WRITE = GET_USER.call({}), CREATE_REPOSITORY.call({}, body={})
QUAY = "https://quay.test"


@define
class Told:
    """An observer."""

    seen: list[tuple[str, bool, int]] = Factory(list)

    def quay_governed(self, quay: str, *, is_called: bool, at_once: int) -> None:
        self.seen.append((quay, is_called, at_once))


def governor(clock: Callable[[], float] | None = None, told: Told | None = None) -> Governor:
    return Governor(QUAY, observer=told, clock=clock or Clock())


def refuse(call: Call) -> Answer:
    raise mapped(httpx.ConnectError("refused"), str(call), "quay.test") from httpx.ConnectError("refused")


def refusal(call: Call = READ) -> UnreachableError:
    with pytest.raises(UnreachableError) as caught:
        refuse(call)
    return caught.value


def never(call: Call) -> Answer:
    raise AssertionError(f"{call} was sent")


def gives(status: int, body: bytes = b"{}", retry_after: float | None = None) -> Callable[[Call], Answer]:
    return lambda call: Answer(call, status, body=body, retry_after=retry_after)


def fail(governed: Governor, times: int = THRESHOLD) -> None:
    for number in range(times):
        with pytest.raises(UnreachableError):
            governed.send(GET_ORGANIZATION.call({"organization": f"org-{number}"}), refuse)


# -- the breaker


def test_calls_fail_at_once_when_quay_cannot_be_reached() -> None:
    governed = governor()
    fail(governed)
    with pytest.raises(UnreachableError, match="not called for half a minute at most, since the last calls failed"):
        governed.send(READ, never)
    assert governed.standing.circuit is Circuit.OPEN


def test_the_cause_names_nobodys_organization() -> None:
    """It is quoted in the errors of all namespaces, which may be other tenants'."""
    governed = governor()
    fail(governed)
    with pytest.raises(UnreachableError) as caught:
        governed.send(READ, never)
    assert "org-0" not in str(caught.value)


def test_a_probe_that_succeeds_lets_all_calls_go_again() -> None:
    clock = Clock()
    governed = governor(clock)
    fail(governed)
    clock.now += 1
    assert governed.send(READ, gives(200)).status == 200
    assert governed.standing == module.Standing(Circuit.CLOSED, int(IN_FLIGHT_START), governed.standing.rate, "")


def test_while_one_call_probes_the_others_fail_at_once() -> None:
    clock = Clock()
    governed = governor(clock)
    fail(governed)
    clock.now += 1

    def probe(call: Call) -> Answer:
        with pytest.raises(UnreachableError, match="not called"):
            governed.send(READ, never)
        return gives(200)(call)

    governed.send(READ, probe)
    assert governed.standing.circuit is Circuit.CLOSED


REACHED: list[Callable[[Call], Answer]] = [
    gives(200),
    gives(400),
    gives(401),
    gives(403),
    gives(404),
    gives(429),
    gives(503, b'{"is_readonly": true}'),
]
FAILED: list[Callable[[Call], Answer]] = [refuse, gives(500), gives(502), gives(503), gives(504), gives(520)]


@pytest.mark.parametrize("end", REACHED, ids=["200", "400", "401", "403", "404", "429", "read-only"])
def test_whoever_answers_was_reached(end: Callable[[Call], Answer]) -> None:
    clock = Clock()
    governed = governor(clock)
    fail(governed, THRESHOLD - 1)
    governed.send(READ, end)
    for _ in range(THRESHOLD - 1):
        clock.now += 10  # whoever was throttled is slow afterwards
        fail(governed, 1)
    assert governed.standing.circuit is Circuit.CLOSED


def test_so_was_one_whose_certificate_is_not_trusted_or_whose_answer_is_no_good() -> None:
    for error in (TLSVerificationError("x", system="quay"), ServerFaultError("too long", system="quay")):
        governed = governor()
        fail(governed, THRESHOLD - 1)

        def end(_: Call, error: RemoteError = error) -> Answer:
            raise error

        with suppress(RemoteError):
            governed.send(READ, end)
        fail(governed, THRESHOLD - 1)
        assert governed.standing.circuit is Circuit.CLOSED


@pytest.mark.parametrize("end", FAILED, ids=["refused", "500", "502", "503", "504", "520"])
def test_what_counts_as_a_failure(end: Callable[[Call], Answer]) -> None:
    governed = governor()
    for _ in range(THRESHOLD):
        with suppress(UnreachableError):
            governed.send(READ, end)
    assert governed.standing.circuit is Circuit.OPEN


def test_a_500_to_a_write_is_no_evidence() -> None:
    """A bridge whose organizations went away must not stop for everybody."""
    governed = governor()
    for _ in range(100):
        governed.send(WRITE, gives(500))
    assert governed.standing.circuit is Circuit.CLOSED


def test_a_bug_ends_a_probe_too() -> None:
    clock = Clock()
    governed = governor(clock)
    fail(governed)
    clock.now += 1
    with pytest.raises(ZeroDivisionError):
        governed.send(READ, lambda _: 1 // 0)  # type: ignore[arg-type,return-value]
    assert governed.send(READ, gives(200)).status == 200


# -- an outage


@pytest.mark.parametrize(("end", "bound"), [(refuse, 35), (gives(500), 93)], ids=["refused", "500"])
def test_ten_minutes_of_outage_with_a_thousand_namespaces_that_are_due(end: Callable[[Call], Answer], bound: int) -> None:
    """Each is tried as the work queue does: again after 1, 2, 4, ... 30 s. It begins with 8 calls under way."""
    clock, made = Clock(0.0), 0
    governed = governor(clock)

    def counted(call: Call) -> Answer:
        nonlocal made
        made += 1
        return end(call)

    with _under_way(governed, 7, counted):
        due = [(0.0, number, 1.0) for number in range(1000)]
        while due[0][0] <= 600:
            clock.now, number, back_off = heapq.heappop(due)
            for call in (WRITE, READ):
                with suppress(UnreachableError):
                    governed.send(call, counted)
            heapq.heappush(due, (clock.now + back_off, number, min(30.0, 2 * back_off)))
    assert made <= bound <= most_calls(600, 8)


@contextmanager
def _under_way(governed: Governor, count: int, send: Callable[[Call], Answer]) -> Iterator[None]:
    """So many calls have begun, and end last of all."""
    begun, go_on = threading.Semaphore(0), threading.Event()

    def late(call: Call) -> Answer:
        begun.release()
        go_on.wait(30)
        return send(call)

    with ThreadPoolExecutor(count) as pool:
        futures: list[Future[Answer]] = [pool.submit(governed.send, READ, late) for _ in range(count)]
        for _ in range(count):
            assert begun.acquire(timeout=30)
        yield
        go_on.set()
        for future in futures:
            with suppress(UnreachableError):
                future.result(30)


# -- the budget


def test_never_more_at_once_than_allowed() -> None:
    governed, lock, at_once, most = Governor(QUAY), threading.Lock(), 0, 0

    def send(call: Call) -> Answer:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        threading.Event().wait(0.002)  # the call's own time
        with lock:
            at_once -= 1
        return gives(200)(call)

    with ThreadPoolExecutor(40) as pool:
        assert all(f.result().status == 200 for f in [pool.submit(governed.send, READ, send) for _ in range(200)])
    assert most <= governed.standing.at_once


def test_a_429_slows_all_calls_down() -> None:
    governed = governor()
    before = governed.standing
    governed.send(READ, gives(429, retry_after=0.0))
    after = governed.standing
    assert after.at_once < before.at_once
    assert after.rate < before.rate


def test_a_timeout_is_a_sign_of_a_load_and_a_refused_connection_is_none() -> None:
    governed = governor()

    def hang(call: Call) -> Answer:
        raise mapped(httpx.ReadTimeout("x"), str(call), "quay.test") from httpx.ReadTimeout("x")

    fail(governed, 1)
    assert governed.standing.at_once == IN_FLIGHT_START
    with pytest.raises(UnreachableError):
        governed.send(READ, hang)
    assert governed.standing.at_once < IN_FLIGHT_START


@pytest.mark.parametrize("ends", ["the circuit opens", "the program ends"])
def test_nobody_waits_for_what_does_not_come(ends: str) -> None:
    governed = governor()
    fail(governed, THRESHOLD - 1)  # the next one opens it
    with _full(governed) as (release, pool):
        waiting = [pool.submit(governed.send, READ, never, background=background) for background in (False, True)]
        _until(lambda: len(governed._turns._waiting) == 2)
        if ends == "the program ends":
            governed.stop()
        else:
            release(refusal())
        for future in waiting:
            with pytest.raises(UnreachableError, match="not called for half a minute" if ends == "the circuit opens" else ends):
                future.result(30)
        release(None)


def test_who_waited_too_long_gives_up() -> None:
    clock = Clock()
    governed = governor(clock)
    with _full(governed) as (release, pool):
        waiting = pool.submit(governed.send, READ, never)
        _until(lambda: len(governed._turns._waiting) == 1)
        clock.now += module.LONGEST_WAIT
        release(None, 1, lambda: setattr(governed._budget, "in_flight_limit", 2.0))
        with pytest.raises(ThrottledError, match="its turn did not come in 60 s"):
            waiting.result(30)
        release(None)


Release = Callable[..., None]


@contextmanager
def _full(governed: Governor) -> Iterator[tuple[Release, ThreadPoolExecutor]]:
    """As many calls under way as may be; ``release`` ends some of them, with an error or well."""
    size = int(IN_FLIGHT_START)
    begun, ends = threading.Semaphore(0), threading.Semaphore(0)
    errors: list[RemoteError] = []

    def held(call: Call) -> Answer:
        begun.release()
        assert ends.acquire(timeout=30)
        if errors:
            raise errors[0]
        return gives(404)(call)

    with ThreadPoolExecutor(size + 4) as pool:
        futures = [pool.submit(governed.send, READ, held) for _ in range(size)]
        for _ in range(size):
            assert begun.acquire(timeout=30)

        def release(error: RemoteError | None, count: int = size, first: Callable[[], None] = lambda: None) -> None:
            errors[:] = [error] if error else []
            first()
            ends.release(count)

        yield release, pool
        for future in futures:
            with suppress(UnreachableError):
                future.result(30)


def _until(condition: Callable[[], object]) -> None:
    """A thread waits for its turn inside the governor, which tells nobody so."""
    pause = threading.Event()
    for _ in range(30_000):
        if condition():
            return
        pause.wait(0.001)
    raise AssertionError("it never came true")


def test_the_observer_is_told_of_changes_only() -> None:
    told, clock = Told(), Clock()
    governed = governor(clock, told)
    for _ in range(5):
        governed.send(READ, gives(404))
    fail(governed)
    clock.now += 1
    governed.send(READ, gives(404))
    assert told.seen == [(QUAY, True, 16), (QUAY, False, 16), (QUAY, True, 16)]
