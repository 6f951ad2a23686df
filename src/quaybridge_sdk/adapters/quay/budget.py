"""How many calls one Quay gets: so many at once, and so many a second; less when it suffers, more while it goes well.

Both limits grow by addition and shrink by multiplication, which is what makes several callers of one server share it evenly
(Chiu and Jain, 1989). A 429 shrinks both. Latency shrinks the first: as TCP Vegas does (Brakmo and Peterson, 1995), the
calls that only wait in Quay's own queue are reckoned from the latency now and the least that the same kind of call took
lately. A few of those keep Quay's processors busy; more only make everybody else wait, above all the people who push and pull.

The start is generous, and :data:`QUEUE_LONG` above what eight workers can bring about on two processors (six), so that nothing
is slowed down before a Quay has shown that it needs it.

A state machine without a clock or a lock of its own: every method gets the time, in seconds.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from statistics import median

from attrs import Factory, define, field, frozen

IN_FLIGHT_START, IN_FLIGHT_FLOOR, IN_FLIGHT_CEILING = 16.0, 2.0, 20.0
"""Calls at once. The ceiling is that of the transport's connections."""

RATE_START, RATE_FLOOR, RATE_CEILING = 100.0, 1.0, 100.0
"""Calls a second. The start is more than the most calls at once can come to, so only a 429 brings this limit into play: Quay's
own template for nginx, where it is used, allows 5."""

BURST = 1.0
"""Seconds of the rate that can be saved up."""

BACKGROUND_SHARE = 0.5
"""What calls of the background may use of either limit at most, even when nothing else goes on."""

DECREASE, INCREASE = 0.7, 1.0
"""Factor, and calls: at once, after a round of answers; a second, after each second."""

QUEUE_SHORT, QUEUE_LONG = 3.0, 8.0
"""Calls waiting in Quay: below the one more are let through, above the other fewer."""

FOREIGN_LOAD = 1.5
"""How many times longer than our own calls at once explain a call may take, before others are taken to need Quay more."""

NOTICEABLE = 0.1
"""Seconds; Quay's own work on a call with a token takes about 0.2. What is quicker is no sign of a load."""

ROUND = 8
"""Answers at least whose median is looked at: one slow answer says nothing."""

WINDOW = 120.0
"""Seconds after which the least latency is learned anew, over two of which it is known: a Quay can become slower for good."""

OBSERVED = 5.0
"""Seconds over which our own calls a second are counted."""

_ROUNDING = 1e-6
"""What a token may lack: whoever has waited for as long as was said must find it there."""

LONGEST_PAUSE = 30.0
"""Seconds that a Retry-After holds back all calls at most: a proxy may name any number."""


class Sign(Enum):
    """What the end of a call says about the load."""

    GOOD = "an answer whose latency counts"
    NOTHING = "an answer that came about otherwise: a refusal is made without the work"
    THROTTLED = "too many requests"
    OVERLOADED = "no answer in time, or a gateway's"


@frozen
class Leave:
    """The permission to make one call: when it was given, how many were then under way with it, and for which kind of work."""

    since: float
    in_flight: int
    background: bool


@define
class Baseline:
    """The least latency of each kind of call, in this window and the one before."""

    _now: dict[str, float] = Factory(dict)
    _before: dict[str, float] = Factory(dict)
    _until: float | None = None

    def learn(self, kind: str, seconds: float, now: float) -> float:
        """Takes in one answer; how many times longer than the least it took, 1 when that is nothing to notice."""
        if self._until is None or now >= self._until:
            self._now, self._before, self._until = {}, self._now, now + WINDOW
        self._now[kind] = min(seconds, self._now.get(kind, seconds))
        return max(1.0, seconds / max(NOTICEABLE, min(self._now[kind], self._before.get(kind, seconds))))


@define
class Bucket:
    """Tokens, one a call, that come in at a rate and can be saved up."""

    share: float
    tokens: float = 1.0

    def fill(self, seconds: float, rate: float) -> None:
        most = max(1.0, rate * self.share * BURST)
        self.tokens = min(most, self.tokens + seconds * rate * self.share)

    def wait(self, rate: float) -> float:
        missing = 1.0 - self.tokens
        return missing / (rate * self.share) if missing > _ROUNDING else 0.0


@define
class Budget:
    """The two limits, what is used of them, and what is learned."""

    in_flight_limit: float = IN_FLIGHT_START
    rate: float = RATE_START
    in_flight: int = 0
    in_flight_background: int = 0
    _all: Bucket = field(factory=lambda: Bucket(1.0, RATE_START * BURST))
    _background: Bucket = field(factory=lambda: Bucket(BACKGROUND_SHARE, RATE_START * BURST * BACKGROUND_SHARE))
    _filled: float | None = None
    _decreased: float = float("-inf")
    _paused_until: float = float("-inf")
    _given: deque[float] = field(factory=deque)
    _baseline: Baseline = Factory(Baseline)
    _ratios: list[tuple[float, int]] = Factory(list)

    def wait(self, background: bool, now: float) -> float:
        """Seconds until a call of this kind could be made as far as the rate goes, 0 for now; infinity: one must end before."""
        self._fill(now)
        if self.in_flight >= int(self.in_flight_limit):
            return float("inf")
        if background and self.in_flight_background >= max(1, int(self.in_flight_limit * BACKGROUND_SHARE)):
            return float("inf")
        wait = max(self._paused_until - now, self._all.wait(self.rate))
        return max(0.0, wait, self._background.wait(self.rate) if background else 0.0)

    def take(self, background: bool, now: float) -> Leave:
        """One call is made, :meth:`wait` being 0; to be given back to :meth:`give_back`."""
        if self.wait(background, now):
            raise AssertionError("no call may be made now")
        self.in_flight += 1
        self._all.tokens -= 1
        if background:
            self.in_flight_background += 1
            self._background.tokens -= 1
        self._given.append(now)
        return Leave(now, self.in_flight, background)

    def give_back(self, leave: Leave, sign: Sign, kind: str, now: float, retry_after: float | None = None) -> None:
        """A call of the shape ``kind`` has ended."""
        self._fill(now)
        self.in_flight -= 1
        self.in_flight_background -= leave.background
        if sign is Sign.GOOD:
            self._good(leave, kind, now)
        elif sign is Sign.THROTTLED:
            self._paused_until = max(self._paused_until, now + min(retry_after or 0.0, LONGEST_PAUSE))
            self._decrease(leave, now, throttled=True)
        elif sign is Sign.OVERLOADED:
            self._decrease(leave, now)

    def _good(self, leave: Leave, kind: str, now: float) -> None:
        if self._observed(now) >= self.rate / 2:  # what is not used needs not grow, and is not known to be borne
            self.rate = min(RATE_CEILING, self.rate + INCREASE / self.rate)
        self._ratios.append((self._baseline.learn(kind, now - leave.since, now), leave.in_flight))
        if len(self._ratios) < max(ROUND, int(self.in_flight_limit)):
            return
        ratio, at_once = median(r for r, _ in self._ratios), median(n for _, n in self._ratios)
        self._ratios.clear()
        queued = at_once * (1 - 1 / ratio)
        if queued > QUEUE_LONG or ratio > max(3.0, FOREIGN_LOAD * at_once):
            self._decrease(leave, now)
        elif queued < QUEUE_SHORT and at_once >= int(self.in_flight_limit) / 2:
            self.in_flight_limit = min(IN_FLIGHT_CEILING, self.in_flight_limit + INCREASE)

    def _decrease(self, leave: Leave, now: float, *, throttled: bool = False) -> None:
        """Once for all calls that were under way together: they met the same moment."""
        if leave.since <= self._decreased:
            return
        self._decreased = now
        self._ratios.clear()
        self.in_flight_limit = max(IN_FLIGHT_FLOOR, self.in_flight_limit * DECREASE)
        if throttled:
            self.rate = max(RATE_FLOOR, min(self.rate, self._observed(now)) * DECREASE)
            self._all.tokens, self._background.tokens = min(0.0, self._all.tokens), min(0.0, self._background.tokens)

    def _observed(self, now: float) -> float:
        """Our calls a second, lately."""
        while self._given and now - self._given[0] > OBSERVED:
            self._given.popleft()
        return len(self._given) / max(1.0, now - self._given[0]) if self._given else 0.0

    def _fill(self, now: float) -> None:
        passed = 0.0 if self._filled is None else max(0.0, now - self._filled)
        self._filled = now if self._filled is None else max(self._filled, now)
        self._all.fill(passed, self.rate)
        self._background.fill(passed, self.rate)
