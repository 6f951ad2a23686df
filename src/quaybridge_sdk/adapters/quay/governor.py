"""One for each Quay: every call of all its clients asks here before it is made, and tells how it ended.

It joins :mod:`.breaker` (is Quay called at all?), :mod:`.budget` (how many calls does it get?) and :mod:`.turns` (whose is
the next?), and adds the lock and the waiting.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from attrs import define, frozen

from quaybridge_sdk.adapters.quay.answers import Answer, is_read_only
from quaybridge_sdk.adapters.quay.breaker import Breaker, Circuit, Outcome
from quaybridge_sdk.adapters.quay.budget import Budget, Leave, Sign
from quaybridge_sdk.adapters.quay.failures import HeldBackError, cut, timed_out
from quaybridge_sdk.adapters.quay.routes import Call
from quaybridge_sdk.adapters.quay.turns import Turns, Waiter
from quaybridge_sdk.errors import RemoteError, ThrottledError, UnreachableError

LONGEST_WAIT = 60.0
"""Seconds that a call waits for its turn: at the lowest rate, the background's half of it serves some thirty in this time."""

_GATEWAY = frozenset({502, 503, 504})


class GovernorObserver(Protocol):
    """Is told of each change, under the governor's lock: it must be quick, and must not raise or call Quay."""

    def quay_governed(self, quay: str, *, is_called: bool, at_once: int) -> None:
        """``quay`` is the address; ``at_once`` is how many calls may be under way together."""


@frozen
class Standing:
    """What a governor allows at the moment. ``rate`` is in calls a second; ``cause`` is the failure that began an outage."""

    circuit: Circuit
    at_once: int
    rate: float
    cause: str


@define
class _Admitted:
    leave: Leave
    probe: bool
    outcome: Outcome = Outcome.UNCLEAR
    sign: Sign = Sign.NOTHING
    cause: str = ""
    retry_after: float | None = None


class Governor:
    """Governs the calls to one Quay; thread-safe.

    While Quay cannot be reached, calls fail at once and cost it nothing: in an outage of ten minutes, 8 workers with any number
    of namespaces make at most 35 calls (93 to a Quay that answers 500 to everything); :func:`.breaker.most_calls` is the bound.

    Args:
        quay: its address, for messages and the observer.
        observer: is told what is allowed.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        quay: str,
        *,
        observer: GovernorObserver | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._quay, self._observer, self._clock = quay, observer, clock
        self._changed = threading.Condition()
        self._breaker, self._budget, self._turns = Breaker(), Budget(), Turns()
        self._stopped, self._next_probe = False, ""
        self._told: tuple[bool, int] | None = None

    @property
    def standing(self) -> Standing:
        with self._changed:
            budget = self._budget
            return Standing(self._breaker.circuit, int(budget.in_flight_limit), budget.rate, self._breaker.cause)

    def stop(self) -> None:
        """No further call is made: those that wait, and those to come, fail at once; those under way end as they would have."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def send(self, call: Call, send: Callable[[Call], Answer], *, background: bool = False) -> Answer:
        """The answer of ``send``, when it is the call's turn.

        Raises:
            UnreachableError: Quay is not called at present, or no more at all; nothing was sent. Or ``send`` raised it.
            ThrottledError: the call's turn did not come within :data:`LONGEST_WAIT`; nothing was sent.
        """
        with self._under_way(call, background) as admitted:
            try:
                answer = send(call)
            except RemoteError as error:
                _read_error(admitted, call, error)
                raise
            _read_answer(admitted, answer)
            return answer

    @contextmanager
    def _under_way(self, call: Call, background: bool) -> Iterator[_Admitted]:
        admitted = self._admit(call, background)
        try:
            yield admitted
        finally:
            with self._changed:
                now, shape = self._clock(), f"{call.route.method} {call.route.shape}"
                self._budget.give_back(admitted.leave, admitted.sign, shape, now, admitted.retry_after)
                self._breaker.end(admitted.probe, admitted.outcome, now, admitted.cause)
                self._tell()
                self._changed.notify_all()

    def _admit(self, call: Call, background: bool) -> _Admitted:
        with self._changed:
            waiter = self._turns.arrive(background, self._clock())
            try:
                return self._wait(call, waiter)
            finally:
                self._turns.leave(waiter)
                self._changed.notify_all()

    def _wait(self, call: Call, waiter: Waiter) -> _Admitted:
        while True:
            now = self._clock()
            self._require_called(call, now)
            wait, left = self._turns.wait(waiter, self._budget, now), waiter.since + LONGEST_WAIT - now
            if wait == 0:
                return _Admitted(self._budget.take(waiter.background, now), self._breaker.begin(now))
            if left <= 0:
                text = f"{call}: not sent: its turn did not come in {LONGEST_WAIT:.0f} s, since Quay takes so few calls"
                raise ThrottledError(cut(text), system="quay") from HeldBackError()
            self._changed.wait(min(wait, left))

    def _require_called(self, call: Call, now: float) -> None:
        if self._stopped:
            raise UnreachableError(cut(f"{call}: not sent: the program ends"), system="quay") from HeldBackError()
        if self._breaker.wait(now):
            text = f"{self._quay} is not called for half a minute at most, since the last calls failed: {self._breaker.cause}"
            raise UnreachableError(cut(text), system="quay") from HeldBackError()

    def _tell(self) -> None:
        standing = self._breaker.circuit is Circuit.CLOSED, int(self._budget.in_flight_limit)
        if self._observer is not None and standing != self._told:
            self._told = standing
            self._observer.quay_governed(self._quay, is_called=standing[0], at_once=standing[1])


def _read_error(admitted: _Admitted, call: Call, error: RemoteError) -> None:
    """Only what could not be reached has failed; whose certificate is not trusted, or whose answer is too long, was reached."""
    if not isinstance(error, UnreachableError):
        admitted.outcome = Outcome.REACHED
        return
    # Without the call: everybody's errors quote the cause, and what it called may be another tenant's.
    admitted.outcome, admitted.cause = Outcome.FAILED, str(error).removeprefix(f"{call} at ")
    if timed_out(error):
        admitted.sign = Sign.OVERLOADED


def _read_answer(admitted: _Admitted, answer: Answer) -> None:
    status = answer.status
    if status < 500 or is_read_only(answer):
        admitted.outcome = Outcome.REACHED
    elif status != 500 or answer.call.is_read:
        admitted.outcome, admitted.cause = Outcome.FAILED, f"Quay answered {status}"
    if status == 429:
        admitted.sign, admitted.retry_after = Sign.THROTTLED, answer.retry_after
    elif status in _GATEWAY and admitted.outcome is Outcome.FAILED:
        admitted.sign = Sign.OVERLOADED
    elif answer.is_success:
        admitted.sign = Sign.GOOD
