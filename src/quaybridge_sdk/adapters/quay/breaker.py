"""Whether a Quay is called at all: a circuit breaker, which saves an outage from our calls and us from waiting for it.

What counts is whether the server was reached:

* **Failed**: no connection, a broken one, no answer in time; 502, 504 and other 5xx; a 503 that is not Quay's read-only mode; a
  500 to a *read*.
* **Reached**: any other answer, also 4xx and 429, and a certificate that is not trusted.
* **Unclear**: a 500 to a *write*. Quay answers so when its database is gone, but also to some mistakes (a repository in an
  organization that is gone) and races, all of them writes. It counts for nothing by itself; the adapter then reads the
  state, and that read is the second opinion that counts.

A state machine without a clock or a lock of its own: every method gets the time, in seconds.
"""

from __future__ import annotations

from enum import Enum

from attrs import define, field

THRESHOLD = 5
"""Failures in a row. One call of the adapter, sent again by the retries for passing hiccups, is four at most."""

FIRST_INTERVAL, LONGEST_INTERVAL = 1.0, 30.0
"""Seconds from opening to the first probe, doubled with each that fails, and at most: so long an outage lasts beyond its end."""

UNCLEAR_PROBES = 3
"""Probes in a row that may end unclear before they count as a failed one: then a read may go, which tells."""


class Outcome(Enum):
    REACHED = "reached"
    FAILED = "failed"
    UNCLEAR = "unclear"


class Circuit(Enum):
    CLOSED = "calls are made"
    OPEN = "no call is made"
    PROBING = "one call is under way to see whether others can be made"


@define
class Breaker:
    """Opens after :data:`THRESHOLD` failures in a row, then lets one call at a time through, at growing intervals.

    A success closes it, also a late one of a call from before it opened. The calls made in an outage of T seconds, by callers
    of which W have a call under way at once, are at most :func:`most_calls`.
    """

    circuit: Circuit = Circuit.CLOSED
    next_probe: float = 0.0
    cause: str = ""
    _failures: int = 0
    _unclear: int = 0
    _interval: float = field(default=FIRST_INTERVAL)

    def wait(self, now: float) -> float:
        """Seconds until a call could be made: 0 for now; the interval again while a probe is under way."""
        if self.circuit is Circuit.CLOSED:
            return 0.0
        return max(0.0, self.next_probe - now) if self.circuit is Circuit.OPEN else self._interval

    def begin(self, now: float) -> bool:
        """A call is about to be made, :meth:`wait` being 0. True: it is the probe, and must be given back to :meth:`end`."""
        if self.wait(now):
            raise AssertionError("no call may be made now")
        if self.circuit is Circuit.CLOSED:
            return False
        self.circuit = Circuit.PROBING
        return True

    def end(self, probe: bool, outcome: Outcome, now: float, cause: str = "") -> None:
        """A call has ended. ``cause`` is what failed, in words."""
        if outcome is Outcome.REACHED:
            self._close()
        elif probe:
            self._probe_failed(outcome, now)
        elif outcome is Outcome.FAILED and self.circuit is Circuit.CLOSED:
            self.cause = self.cause or cause
            self._failures += 1
            if self._failures >= THRESHOLD:
                self._open(now)

    def _probe_failed(self, outcome: Outcome, now: float) -> None:
        if self.circuit is not Circuit.PROBING:
            return  # a late success of another call has closed it meanwhile
        self._unclear += 1
        if outcome is Outcome.UNCLEAR and self._unclear < UNCLEAR_PROBES:
            self.circuit, self.next_probe = Circuit.OPEN, now
            return
        self._interval = min(2 * self._interval, LONGEST_INTERVAL)
        self._open(now)

    def _open(self, now: float) -> None:
        self.circuit, self.next_probe, self._unclear = Circuit.OPEN, now + self._interval, 0

    def _close(self) -> None:
        self.circuit, self.cause, self._failures, self._unclear = Circuit.CLOSED, "", 0, 0
        self._interval = FIRST_INTERVAL


def most_calls(seconds: float, at_once: int) -> int:
    """The most calls that are made to a Quay that cannot be reached for ``seconds``, ``at_once`` being under way when it goes.

    A 500 to each call (a Quay without its database) is the worst: every read may come after a write, which tells nothing. Then a
    read and a write for each of those that open the breaker, and :data:`UNCLEAR_PROBES` for each probe::

        >>> most_calls(600, 8)
        93
    """
    opening = 2 * (THRESHOLD + at_once - 1)
    probes, due, interval = 0, FIRST_INTERVAL, FIRST_INTERVAL
    while due <= seconds:
        probes, interval = probes + 1, min(2 * interval, LONGEST_INTERVAL)
        due += interval
    return opening + UNCLEAR_PROBES * probes
