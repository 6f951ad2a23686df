"""Who is next: foreground before background, in the order of arrival, and everybody in the end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.quay.simulation import Quay, Run

from quaybridge_sdk.adapters.quay.budget import Budget
from quaybridge_sdk.adapters.quay.turns import PATIENCE, Turns, Waiter

ARRIVALS = st.lists(st.tuples(st.booleans(), st.floats(0, 3)), min_size=1, max_size=30)


@given(ARRIVALS, st.floats(1, 8), st.floats(1, 50))
def test_exactly_one_is_next_and_foreground_comes_first(arrivals: list[tuple[bool, float]], limit: float, rate: float) -> None:
    turns, budget, now, waiting = Turns(), Budget(in_flight_limit=limit, rate=rate), 0.0, list[Waiter]()
    for background, passed in arrivals:
        now += passed
        waiting.append(turns.arrive(background, now))
    free = [waiter for waiter in waiting if turns.wait(waiter, budget, now) == 0]
    assert len(free) == 1
    (chosen,) = free
    patient = [waiter for waiter in waiting if waiter.background and now - waiter.since < PATIENCE]
    others = [waiter for waiter in waiting if waiter not in patient]
    assert chosen is (others or patient)[0]
    if any(not waiter.background for waiter in waiting):
        assert not chosen.background or now - chosen.since >= PATIENCE


def test_a_background_call_without_room_in_its_share_lets_the_foreground_pass() -> None:
    turns, budget = Turns(), Budget(in_flight_limit=2.0)
    budget.take(True, 0.0)
    old = turns.arrive(True, 0.0)
    new = turns.arrive(False, PATIENCE)
    assert turns.wait(old, budget, PATIENCE) == float("inf")
    assert turns.wait(new, budget, PATIENCE) == 0


def test_nobody_starves_however_much_goes_on() -> None:
    run = Run(Quay(), foreground=24, background=8).go_on(60)
    foreground = [wait for background, wait in run.waits if not background]
    background = [wait for background, wait in run.waits if background]
    assert len(background) >= 8
    assert max(background) < PATIENCE + 12, "patience, then the queue of those who came before"
    assert sorted(foreground)[len(foreground) // 2] < sorted(background)[len(background) // 2]


def test_the_foreground_hardly_feels_the_background() -> None:
    """A person pushes a button while a full check runs."""
    alone = Run(Quay(), foreground=2).go_on(60)
    busy = Run(Quay(), foreground=2, background=8).go_on(60)
    assert max(wait for background, wait in busy.waits if not background) < 0.5
    assert max(wait for background, wait in alone.waits if not background) < 0.5
