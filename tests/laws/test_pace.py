"""Laws of how often the passes over one namespace may ask Quay."""

from __future__ import annotations

from attrs import define
from hypothesis import example, given
from hypothesis import strategies as st

from quaybridge_sdk.reconcile.pace import BURST, SECONDS_A_PASS, Pace


@define
class Clock:
    """Moved by hand, in eighths of a second: so sums of them are exact."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


pauses = st.lists((st.integers(0, 4) | st.integers(0, 100)).map(lambda eighths: eighths / 8), max_size=60)
bursts, periods = st.integers(1, 5), st.sampled_from([0.5, 1.0, 5.0])


def paced(burst: int = BURST, seconds: float = SECONDS_A_PASS) -> tuple[Pace, Clock]:
    clock = Clock()
    return Pace(clock, burst, seconds), clock


@given(pauses, bursts, periods)
def test_no_window_has_more_passes_than_the_burst_and_what_the_time_gave(waits: list[float], burst: int, seconds: float) -> None:
    pace, clock = paced(burst, seconds)
    made: list[float] = []
    for pause in waits:
        clock.now += pause
        if pace.take("shop") == 0:
            made.append(clock.now)
    for first, begin in enumerate(made):
        for last, end in enumerate(made[first:], first):
            assert last - first + 1 <= burst + (end - begin) / seconds


@given(pauses, bursts, periods)
def test_who_waits_as_long_as_told_is_served_then_and_not_before_whoever_else_asks(
    waits: list[float], burst: int, seconds: float
) -> None:
    """Nobody starves: asking too early takes nothing, so it does not put the next token off."""
    pace, clock = paced(burst, seconds)
    for pause in waits:
        clock.now += pause
        wait = pace.take("shop")
        assert 0 <= wait <= seconds
        if wait:
            pace.take("other")
            clock.now += wait - 0.125
            assert pace.take("shop") == 0.125
            clock.now += 0.125
            assert pace.take("shop") == 0


@given(pauses, bursts, periods)
@example([0.0, 0.875, 0.125, 0.0], 2, 0.5)  # swept while half full
def test_what_is_dropped_is_what_says_nothing(waits: list[float], burst: int, seconds: float) -> None:
    """A bucket that is never swept gives the same answers."""
    pace, clock = paced(burst, seconds)
    other = Pace(clock, burst, seconds)
    other._swept_at = float("inf")  # never
    for number, pause in enumerate(waits):
        clock.now += pause
        pace.take(f"passing-{number}")
        assert pace.take("shop") == other.take("shop")


def test_a_burst_goes_at_once_and_then_one_in_five_seconds() -> None:
    pace, clock = paced()
    assert [pace.take("shop") for _ in range(BURST + 1)] == [0.0] * 20 + [5.0]
    assert pace.take("other") == 0
    clock.now += 4
    assert pace.take("shop") == 1
    clock.now += 1
    assert (pace.take("shop"), pace.take("shop")) == (0, 5)
    clock.now += 1000
    assert [pace.take("shop") for _ in range(BURST + 1)] == [0.0] * 20 + [5.0]


def test_a_namespace_that_is_gone_is_forgotten() -> None:
    pace, _ = paced()
    for _ in range(BURST):
        pace.take("shop")
    pace.forget("shop")
    pace.forget("never seen")
    assert len(pace) == 0
    assert pace.take("shop") == 0


def test_of_ten_thousand_namespaces_only_those_are_kept_that_asked_lately() -> None:
    pace, clock = paced()
    for number in range(10_000):
        pace.take(f"n{number}")
    assert len(pace) == 10_000
    clock.now += BURST * SECONDS_A_PASS
    pace.take("shop")
    assert len(pace) == 1
    for number in range(10_000):  # eight a second: what asked in the last two hundred seconds
        clock.now += 0.125
        pace.take(f"n{number}")
        assert len(pace) <= 2 * BURST * SECONDS_A_PASS / 0.125 + 1
