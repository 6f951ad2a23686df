"""How many calls a Quay gets: never more than allowed, fewer when it suffers, and in the end always some."""

from __future__ import annotations

import math

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.quay.simulation import Quay, Run

from quaybridge_sdk.adapters.quay.budget import (
    BACKGROUND_SHARE,
    BURST,
    IN_FLIGHT_CEILING,
    IN_FLIGHT_FLOOR,
    LONGEST_PAUSE,
    RATE_CEILING,
    RATE_FLOOR,
    RATE_START,
    WINDOW,
    Baseline,
    Budget,
    Leave,
    Sign,
)

STEPS = st.lists(
    st.tuples(
        st.floats(0, 20, allow_nan=False),
        st.booleans(),
        st.integers(0, 40),
        st.sampled_from(Sign),
        st.none() | st.floats(0, 1e9),
    ),
    max_size=150,
)


@given(STEPS)
def test_the_limits_hold_whatever_happens(steps: list[tuple[float, bool, int, Sign, float | None]]) -> None:
    budget, now, under_way, taken = Budget(), 0.0, list[Leave](), list[float]()
    for passed, background, which, sign, retry_after in steps:
        now += passed
        while budget.wait(background, now) == 0:
            under_way.append(budget.take(background, now))
            taken.append(now)
            assert len(under_way) == budget.in_flight <= int(budget.in_flight_limit)
            ours = sum(leave.background for leave in under_way)
            if background:
                assert ours == budget.in_flight_background <= max(1, int(budget.in_flight_limit * BACKGROUND_SHARE))
        if under_way:
            budget.give_back(under_way.pop(which % len(under_way)), sign, f"GET {which % 3}", now, retry_after)
        assert RATE_FLOOR <= budget.rate <= RATE_CEILING
        assert IN_FLIGHT_FLOOR <= budget.in_flight_limit <= IN_FLIGHT_CEILING
    for second in set(taken):
        assert sum(second <= at < second + 1 for at in taken) <= RATE_CEILING * (BURST + 1) + 1
    assert _next(budget, under_way, now) <= LONGEST_PAUSE + 1 / (RATE_FLOOR * BACKGROUND_SHARE) + 1e-6, "in the end, always some"


def _next(budget: Budget, under_way: list[Leave], now: float) -> float:
    """Seconds until each kind can make a call once nothing is under way."""
    for leave in under_way:
        budget.give_back(leave, Sign.NOTHING, "GET", now)
    return max(budget.wait(False, now), budget.wait(True, now))


def test_what_is_not_allowed_is_a_bug() -> None:
    budget = Budget(in_flight_limit=2.0)
    budget.take(False, 0.0)
    budget.take(False, 0.0)
    assert budget.wait(False, 0.0) == math.inf
    with pytest.raises(AssertionError):
        budget.take(False, 0.0)


def test_the_start_slows_nothing_down() -> None:
    """Eight workers on two processors: as many calls as with no limit at all, which is what two processors can do."""
    run = Run(Quay(), foreground=8).go_on(28)
    assert len(run.calls) >= 28 * 2 / 0.215 - 8
    assert run.budget.in_flight_limit >= 8


@pytest.mark.parametrize("processors", [1, 2, 4, 16])
def test_the_processors_are_kept_busy_and_the_queue_short(processors: int) -> None:
    run = Run(Quay(processors), foreground=24).go_on(100)
    before = len(run.calls)
    run.go_on(30)
    assert len(run.calls) - before >= 0.97 * 30 * min(processors, IN_FLIGHT_CEILING) / 0.215
    assert run.budget.in_flight <= processors + 12


def test_others_need_quay_more() -> None:
    """Pushes take its processors: few calls of ours take long, which we do not bring about ourselves."""
    run = Run(Quay(), foreground=8).go_on(30)
    run.quay.service = 4.0
    run.go_on(150)
    assert run.budget.in_flight_limit < 4
    run.quay.service = 0.215
    run.go_on(60)
    assert run.budget.in_flight_limit >= 5, "and up again, as far as that helps two processors"


def test_a_quay_that_is_slow_for_good_is_learned() -> None:
    baseline = Baseline()
    assert [baseline.learn("GET", 0.2, 0.0), baseline.learn("GET", 1.0, 1.0)] == [1.0, 5.0]
    assert baseline.learn("GET", 1.0, WINDOW) == 5.0
    assert baseline.learn("GET", 1.0, 2 * WINDOW) == 1.0
    assert baseline.learn("POST", 2.0, 2 * WINDOW) == 1.0, "each kind of call has its own"


def test_what_is_quick_is_no_load() -> None:
    baseline = Baseline()
    baseline.learn("GET", 0.001, 0.0)
    assert baseline.learn("GET", 0.099, 0.0) == 1.0


def test_a_proxys_limit_is_found_and_kept_to() -> None:
    run = Run(Quay(most_a_second=5.0), foreground=8).go_on(120)
    run.calls.clear()
    run.go_on(300)
    refused = sum(sign is Sign.THROTTLED for _, _, sign in run.calls)
    assert len(run.calls) - refused >= 0.7 * 5 * 300
    assert refused < 0.12 * len(run.calls)
    run.quay.most_a_second = None
    run.go_on(60)
    assert run.budget.rate > 8, "and up again"


def test_calls_that_were_under_way_together_count_once() -> None:
    budget = Budget()
    leaves = [budget.take(False, 0.0) for _ in range(8)]
    for leave in leaves:
        budget.give_back(leave, Sign.THROTTLED, "GET", 1.0)
    assert budget.in_flight_limit == pytest.approx(16 * 0.7)
    assert budget.rate == pytest.approx(8 * 0.7), "of what was really called, not of what had been allowed"


@pytest.mark.parametrize(("asked", "wait"), [(None, 0.2), (3.0, 3.0), (1e9, LONGEST_PAUSE)])
def test_a_retry_after_holds_for_all_calls(asked: float | None, wait: float) -> None:
    budget = Budget()
    leaves = [budget.take(False, 0.0) for _ in range(8)]
    budget.give_back(leaves[0], Sign.THROTTLED, "GET", 1.0, asked)
    assert budget.wait(False, 1.0) == pytest.approx(wait, abs=0.05)


def test_what_is_not_used_does_not_grow() -> None:
    run = Run(Quay(processors=8), foreground=1, budget=Budget(rate=10.0, in_flight_limit=8.0)).go_on(60)
    assert run.budget.in_flight_limit == 8.0
    assert run.budget.rate == 10.0


def test_the_background_gets_its_share_and_no_more() -> None:
    alone = Run(Quay(processors=16), foreground=0, background=20).go_on(30)
    assert alone.budget.in_flight_background <= IN_FLIGHT_CEILING * BACKGROUND_SHARE
    assert len(alone.calls) <= 30 * RATE_START * BACKGROUND_SHARE + RATE_START
    limited = Run(Quay(processors=16), foreground=8, background=8, budget=Budget(rate=4.0)).go_on(30)
    assert 0 < sum(background for _, background, _ in limited.calls) <= len(limited.calls) / 2 + 5


def test_a_leave_is_a_value() -> None:
    leave = Budget().take(True, 5.0)
    assert leave == Leave(5.0, 1, True) == evolve(leave)
