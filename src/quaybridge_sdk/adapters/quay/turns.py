"""Who of those that wait makes the next call: foreground first, and each kind in the order of arrival.

A call of the background that has waited for :data:`PATIENCE` keeps its place among those of the foreground: it is overtaken by
nobody who came later, so that it is made in the end however much goes on. It still needs room in the background's share.
"""

from __future__ import annotations

import itertools

from attrs import Factory, define

from quaybridge_sdk.adapters.quay.budget import Budget

PATIENCE = 5.0
"""Seconds that a call of the background lets others pass: some twenty calls' time."""


@define(eq=False)
class Waiter:
    """One call that is to be made."""

    background: bool
    since: float
    place: int


@define
class Turns:
    """Those that wait for a call to one Quay. A state machine without a clock or a lock of its own."""

    _waiting: list[Waiter] = Factory(list)
    _places: itertools.count[int] = Factory(itertools.count)

    def arrive(self, background: bool, now: float) -> Waiter:
        """Somebody wants to make a call; whatever becomes of it, :meth:`leave` follows."""
        waiter = Waiter(background, now, next(self._places))
        self._waiting.append(waiter)
        return waiter

    def leave(self, waiter: Waiter) -> None:
        self._waiting.remove(waiter)

    def wait(self, waiter: Waiter, budget: Budget, now: float) -> float:
        """Seconds until it may be ``waiter``'s turn, 0 for now; infinity: somebody else must leave or end a call before."""
        for other in sorted(self._waiting, key=lambda w: (w.background and now - w.since < PATIENCE, w.place)):
            wait = budget.wait(other.background, now)
            if other is waiter:
                return wait
            if wait == 0:
                return float("inf")
        raise AssertionError("it has left")
