"""A Quay and its callers in simulated time, to see what the budget and the turns come to: no thread, no clock, no chance."""

from __future__ import annotations

import heapq

from attrs import Factory, define, field

from quaybridge_sdk.adapters.quay.budget import Budget, Leave, Sign
from quaybridge_sdk.adapters.quay.turns import Turns, Waiter


@define
class Quay:
    """Works on ``processors`` calls at once, ``service`` seconds each, the others queue; with ``most_a_second``, a proxy in
    front turns away what exceeds it, as nginx does with a burst of as many.
    """

    processors: int = 2
    service: float = 0.215
    most_a_second: float | None = None
    _free: list[float] = field(factory=list)
    _level: float = 0.0
    _seen: float = 0.0

    def arrive(self, now: float) -> tuple[float, Sign]:
        """When the call that arrives now ends, and how."""
        if self.most_a_second is not None:
            self._level = max(0.0, self._level - (now - self._seen) * self.most_a_second)
            self._seen = now
            if self._level + 1 > self.most_a_second:
                return now + 0.005, Sign.THROTTLED
            self._level += 1
        start = now if len(self._free) < self.processors else max(now, heapq.heappop(self._free))
        heapq.heappush(self._free, start + self.service)
        return start + self.service, Sign.GOOD


@define
class Run:
    """``foreground`` and ``background`` callers that each make one call after the other. ``calls`` are (end, kind, sign)."""

    quay: Quay
    foreground: int = 8
    background: int = 0
    budget: Budget = Factory(Budget)
    calls: list[tuple[float, bool, Sign]] = Factory(list)
    waits: list[tuple[bool, float]] = Factory(list)
    now: float = 0.0
    _turns: Turns = Factory(Turns)
    _waiting: list[Waiter] = Factory(list)
    _under_way: list[tuple[float, int, Leave, Sign]] = Factory(list)

    def go_on(self, seconds: float) -> Run:
        until = self.now + seconds
        self._arrive_missing()
        while True:
            wait = self._admit()
            ends = self._under_way[0][0] if self._under_way else float("inf")
            following = min(ends, self.now + wait)
            if following > until:
                self.now = until
                return self
            self.now = following
            while self._under_way and self._under_way[0][0] <= self.now:
                self._end()

    def _arrive_missing(self) -> None:
        for background, wanted in ((False, self.foreground), (True, self.background)):
            held = [w for w in self._waiting if w.background is background]
            held_calls = [entry for entry in self._under_way if entry[2].background is background]
            for _ in range(wanted - len(held) - len(held_calls)):
                self._waiting.append(self._turns.arrive(background, self.now))

    def _admit(self) -> float:
        """Lets go whoever may; the shortest wait of the others."""
        while True:
            waits = [(self._turns.wait(waiter, self.budget, self.now), waiter.place, waiter) for waiter in self._waiting]
            wait, _, waiter = min(waits, default=(float("inf"), 0, None))
            if waiter is None or wait > 1e-9:
                return wait
            if wait > 0:
                self.now += wait
            self._turns.leave(waiter)
            self._waiting.remove(waiter)
            leave = self.budget.take(waiter.background, self.now)
            self.waits.append((waiter.background, self.now - waiter.since))
            end, sign = self.quay.arrive(self.now)
            heapq.heappush(self._under_way, (end, waiter.place, leave, sign))

    def _end(self) -> None:
        _, _, leave, sign = heapq.heappop(self._under_way)
        self.budget.give_back(leave, sign, "GET", self.now)
        self.calls.append((self.now, leave.background, sign))
        self._arrive_missing()
