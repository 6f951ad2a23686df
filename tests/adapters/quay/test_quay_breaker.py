"""Whether Quay is called at all: closed, open, one probe; never stuck, and few calls however long an outage lasts."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quaybridge_sdk.adapters.quay.breaker import (
    FIRST_INTERVAL,
    LONGEST_INTERVAL,
    THRESHOLD,
    UNCLEAR_PROBES,
    Breaker,
    Circuit,
    Outcome,
    most_calls,
)


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for number in range(THRESHOLD):
        assert breaker.begin(now) is False
        breaker.end(False, Outcome.FAILED, now, f"cause {number}")
    return breaker


def test_it_opens_after_failures_in_a_row_and_names_the_first() -> None:
    breaker = opened()
    assert breaker.circuit is Circuit.OPEN
    assert breaker.cause == "cause 0"
    assert breaker.wait(0.0) == FIRST_INTERVAL
    with pytest.raises(AssertionError):
        breaker.begin(0.5)


def test_a_success_in_between_begins_anew() -> None:
    breaker = Breaker()
    for _ in range(10):
        for _ in range(THRESHOLD - 1):
            breaker.end(False, Outcome.FAILED, 0.0, "cause")
        breaker.end(False, Outcome.REACHED, 0.0)
    assert (breaker.circuit, breaker.cause) == (Circuit.CLOSED, "")


def test_unclear_answers_alone_never_open_it_and_never_help() -> None:
    breaker = Breaker()
    for _ in range(100):
        breaker.end(False, Outcome.UNCLEAR, 0.0)
    assert not breaker.wait(0.0)
    for _ in range(THRESHOLD):
        breaker.end(False, Outcome.UNCLEAR, 0.0)
        breaker.end(False, Outcome.FAILED, 0.0, "cause")
    assert breaker.circuit is Circuit.OPEN


def test_one_probe_at_a_time_at_growing_intervals() -> None:
    breaker, now, intervals = opened(), 0.0, list[float]()
    for _ in range(8):
        intervals.append(breaker.wait(now))
        now += intervals[-1]
        assert breaker.begin(now) is True
        assert breaker.wait(now) > 0, "only one"
        breaker.end(True, Outcome.FAILED, now)
    assert intervals == [1, 2, 4, 8, 16, 30, 30, 30]
    now += LONGEST_INTERVAL
    breaker.begin(now)
    breaker.end(True, Outcome.REACHED, now)
    assert breaker == Breaker(next_probe=breaker.next_probe)


def test_an_unclear_probe_leaves_room_for_a_read() -> None:
    breaker = opened()
    for _ in range(UNCLEAR_PROBES - 1):
        assert breaker.begin(1.0) is True
        breaker.end(True, Outcome.UNCLEAR, 1.0)
        assert breaker.wait(1.0) == 0
    breaker.begin(1.0)
    breaker.end(True, Outcome.UNCLEAR, 1.0)
    assert breaker.wait(1.0) == 2.0


def test_a_late_success_closes_it_also_under_a_probe() -> None:
    breaker = opened()
    breaker.begin(1.0)
    breaker.end(False, Outcome.REACHED, 1.0)
    breaker.end(True, Outcome.FAILED, 1.0)
    assert breaker.circuit is Circuit.CLOSED


def test_late_failures_change_nothing() -> None:
    breaker = opened()
    for _ in range(10):
        breaker.end(False, Outcome.FAILED, 0.5, "late")
    assert (breaker.wait(0.5), breaker.cause) == (0.5, "cause 0")


STEPS = st.lists(st.tuples(st.floats(0, 40), st.sampled_from(Outcome), st.integers(0, 10)), max_size=150)


@given(STEPS)
def test_it_is_never_stuck_and_never_lets_two_probes_go(steps: list[tuple[float, Outcome, int]]) -> None:
    breaker, now, under_way = Breaker(), 0.0, list[bool]()
    for passed, outcome, which in steps:
        now += passed
        if breaker.wait(now) == 0:
            under_way.append(breaker.begin(now))
        if under_way and which % 3:
            breaker.end(under_way.pop(which % len(under_way)), outcome, now, "cause")
            if outcome is Outcome.REACHED:
                assert breaker.circuit is Circuit.CLOSED
        assert breaker.circuit is not Circuit.PROBING or any(under_way)
    for probe in under_way:
        breaker.end(probe, Outcome.FAILED, now, "cause")
    assert breaker.wait(now) <= LONGEST_INTERVAL
    assert breaker.wait(now + LONGEST_INTERVAL) == 0, "in the end, always another try"


@given(
    callers=st.integers(1, 16),
    seconds=st.floats(0, 900),
    draw=st.randoms(use_true_random=False),
    share=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_the_calls_of_an_outage_are_bounded(callers: int, seconds: float, draw: random.Random, share: float) -> None:
    """Each caller makes its calls as the adapter does: whatever was unclear is followed by a read, which tells."""
    breaker, now, made = Breaker(), 0.0, 0
    must_read = [False] * callers
    while now <= seconds:
        batch = [caller for caller in range(callers) if draw.random() < 0.8]
        begun = [(caller, breaker.begin(now)) for caller in batch if breaker.wait(now) == 0]
        made += len(begun)
        for caller, probe in begun:
            outcome = Outcome.UNCLEAR if not must_read[caller] and draw.random() < share else Outcome.FAILED
            must_read[caller] = outcome is Outcome.UNCLEAR
            breaker.end(probe, outcome, now, "cause")
        now += breaker.wait(now) or draw.choice([0.01, 1.0])
    assert made <= most_calls(seconds, callers)


def test_the_bound_that_is_promised() -> None:
    assert most_calls(600, 8) == 93
