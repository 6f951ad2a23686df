"""The work queue: examples with a clock of their own, and a state machine for what must hold whatever happens."""

from __future__ import annotations

import threading

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from quaybridge_sdk.runtime.queue import STALE_ALLOWED, Backoff, WorkQueue


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def make(clock: Clock | None = None, jitter: float = 1.0) -> WorkQueue[str]:
    return WorkQueue(group=lambda key: key[0], backoff=Backoff(1.0, 60.0), clock=clock or Clock(), jitter=lambda: jitter)


def drain(queue: WorkQueue[str]) -> list[str]:
    taken = []
    while (key := queue.get(0)) is not None:
        taken.append(key)
        queue.done(key)
    return taken


def test_a_key_added_twice_is_handed_out_once() -> None:
    queue = make()
    queue.add("a1")
    queue.add("a1")
    assert drain(queue) == ["a1"]


def test_groups_take_turns() -> None:
    queue = make()
    for key in ("a1", "a2", "a3", "b1", "c1"):
        queue.add(key)
    assert drain(queue) == ["a1", "b1", "c1", "a2", "a3"]


def test_foreground_goes_first_and_lifts_a_background_key() -> None:
    queue = make()
    queue.add("a1", background=True)
    queue.add("b1", background=True)
    queue.add("c1")
    queue.add("b1")
    queue.add("c1", background=True)  # never lowers
    assert drain(queue) == ["c1", "b1", "a1"]


def test_a_key_in_work_is_handed_out_again_only_after_it_is_done() -> None:
    queue = make()
    queue.add("a1")
    assert queue.get(0) == "a1"
    queue.add("a1")
    assert queue.get(0) is None
    queue.done("a1")
    assert drain(queue) == ["a1"]


def test_a_delayed_key_comes_when_it_is_due_and_an_earlier_add_supersedes_it() -> None:
    clock = Clock()
    queue = make(clock)
    queue.add_after("a1", 5)
    queue.add_after("a1", 9)  # later: changes nothing
    queue.add_after("b1", 5)
    queue.add("b1")
    assert drain(queue) == ["b1"]
    clock.now += 5
    assert drain(queue) == ["a1"]
    clock.now += 60
    assert drain(queue) == []


def test_an_earlier_delay_replaces_a_later_one() -> None:
    clock = Clock()
    queue = make(clock)
    queue.add_after("a1", 9)
    queue.add_after("a1", 2)
    clock.now += 2
    assert drain(queue) == ["a1"]
    clock.now += 9
    assert drain(queue) == []


def test_backoff_doubles_up_to_its_limit_and_forget_resets_it() -> None:
    clock = Clock()
    queue = make(clock)
    waits = [queue.retry("a1") for _ in range(8)]
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]
    assert queue.failures("a1") == 8
    queue.forget("a1")
    assert queue.retry("a1") == 2
    assert queue.retry("a1", floor=30) == 30
    assert queue.retry("a1", ceiling=5) == 5


def test_jitter_spreads_between_the_base_and_the_ceiling() -> None:
    assert Backoff(1.0, 60.0).delay(5, 0.0) == 1.0
    assert Backoff(1.0, 60.0).delay(5, 0.5) == 16.5
    assert Backoff().delay(10_000, 0.999) <= 300.0


def test_shut_down_wakes_those_who_wait() -> None:
    queue: WorkQueue[str] = WorkQueue()
    answers: list[str | None] = []
    waiting = threading.Thread(target=lambda: answers.append(queue.get()))
    waiting.start()
    queue.shut_down()
    waiting.join(5)
    assert answers == [None]
    queue.add("a")
    assert queue.get(0) is None


def test_who_waits_is_woken_by_an_add() -> None:
    queue: WorkQueue[str] = WorkQueue()
    answers: list[str | None] = []
    waiting = threading.Thread(target=lambda: answers.append(queue.get(5)))
    waiting.start()
    queue.add("a")
    waiting.join(5)
    assert answers == ["a"]


@pytest.mark.parametrize("seconds_each", [1.0, 0.0])
def test_delays_that_were_superseded_do_not_pile_up(seconds_each: float) -> None:
    """As with full checks: each pass delays its key by hours, and an event brings it forward long before."""
    clock = Clock()
    queue, keys = make(clock), [f"{group}{number}" for group in "ab" for number in range(100)]
    most = 0
    for _ in range(1000):
        for key in keys:
            queue.add(key)
            assert queue.get(0) is not None
            queue.done(key)
            queue.add_after(key, 36_000, background=True)
            most = max(most, len(queue._delayed))
        clock.now += seconds_each
    assert most <= 2 * len(keys) + STALE_ALLOWED + 1
    clock.now += 36_000
    assert sorted(drain(queue)) == sorted(keys)


class QueueMachine(RuleBasedStateMachine):
    """No key is lost, none is in two hands, and each added key is handed out."""

    stale_allowed = STALE_ALLOWED

    keys = st.sampled_from([f"{group}{number}" for group in "abc" for number in range(3)])

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.queue = make(self.clock, jitter=0.5)
        self.queue._stale_allowed = self.stale_allowed
        self.owed: set[str] = set()  # added since it was last handed out
        self.delayed: dict[str, float] = {}
        self.working: set[str] = set()

    @rule(key=keys, background=st.booleans())
    def add(self, key: str, background: bool) -> None:
        self.queue.add(key, background=background)
        self.owed.add(key)
        self.delayed.pop(key, None)

    @rule(key=keys, seconds=st.floats(0.1, 50))
    def add_after(self, key: str, seconds: float) -> None:
        self.queue.add_after(key, seconds)
        if key not in self.owed:  # else it is handed out sooner: now, or when it is given back
            due = self.clock.now + seconds
            self.delayed[key] = min(due, self.delayed.get(key, due))

    @rule(seconds=st.floats(0.1, 30))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds
        for key, due in list(self.delayed.items()):
            if due <= self.clock.now:
                self.owed.add(key)
                del self.delayed[key]

    @rule()
    def take(self) -> None:
        key = self.queue.get(0)
        if key is None:
            assert self.owed <= self.working, "a key that is due and in nobody's hands was not handed out"
            return
        assert key not in self.working, "a key is in two hands"
        assert key in self.owed, "a key was handed out that nobody had added"
        self.owed.discard(key)
        self.working.add(key)

    @rule(key=keys)
    def done(self, key: str) -> None:
        if key in self.working:
            self.queue.done(key)
            self.working.discard(key)

    @invariant()
    def depth_is_right(self) -> None:
        assert len(self.queue) <= len(self.owed)

    def teardown(self) -> None:
        for key in list(self.working):
            self.queue.done(key)
        self.working.clear()
        self.clock.now += 1000
        rest = set(drain(self.queue))
        assert rest == self.owed | set(self.delayed), "a key was lost"


class TidyQueueMachine(QueueMachine):
    """The same, with superseded delays dropped as early as can be."""

    stale_allowed = 0


TestQueueMachine = QueueMachine.TestCase
TestTidyQueueMachine = TidyQueueMachine.TestCase
