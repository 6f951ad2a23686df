"""Which calls are sent again at once, how often, and after how long: a passing hiccup should not cost a whole pass.

Longer outages are the work queue's matter: it knows how many others wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    retry_if_result,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from quaybridge_sdk.adapters.quay.answers import Answer, is_read_only
from quaybridge_sdk.adapters.quay.failures import held_back, timed_out
from quaybridge_sdk.adapters.quay.routes import Call
from quaybridge_sdk.errors import UnreachableError

RETRIES = 3
LONGEST = 5.0
"""Seconds from the first attempt within which the last one must begin."""

SMALL_RETRY_AFTER = 2.0
"""Seconds that Quay may ask for with a 429 and get at once; longer ones are the queue's matter."""

PASSING = frozenset({502, 503, 504})
"""What nginx answers while Quay's own processes start. A 500 is no hiccup: Quay answers it to mistakes, and each time."""

_BACK_OFF = wait_random_exponential(multiplier=0.2, max=1.5)


def _broke(error: BaseException) -> bool:
    """Not after a timeout: whoever was too slow once is not helped by more work."""
    return isinstance(error, UnreachableError) and not timed_out(error) and not held_back(error)


def _is_passing(answer: Answer) -> bool:
    return answer.status in PASSING and not is_read_only(answer)


def _asks_for_a_moment(answer: Answer) -> bool:
    return answer.status == 429 and answer.retry_after is not None and answer.retry_after <= SMALL_RETRY_AFTER


def _wait(state: RetryCallState) -> float:
    outcome = state.outcome
    if outcome is not None and not outcome.failed:
        answer: Answer = outcome.result()
        if _asks_for_a_moment(answer) and answer.retry_after is not None:
            return answer.retry_after
    return _BACK_OFF(state)


def _last(state: RetryCallState) -> Answer:
    """The last attempt's outcome as it is: its answer, or its error raised."""
    if state.outcome is None:
        raise AssertionError("tenacity stops after an attempt, not before")
    answer: Answer = state.outcome.result()
    return answer


class Retries:
    """Sends calls through ``send``, again where that is safe and may help.

    A read after a broken connection or 502, 503, 504. Any call after a 429 with a small Retry-After: that one was turned
    away at the door. Nothing else is ever sent again here: a write whose outcome is in doubt needs a look first.
    """

    def __init__(self, send: Callable[[Call], Answer], sleep: Callable[[float], None] = time.sleep) -> None:
        moment = retry_if_result(_asks_for_a_moment)
        self._send = send
        self._writes = self._policy(moment, sleep)
        self._reads = self._policy(moment | retry_if_result(_is_passing) | retry_if_exception(_broke), sleep)

    @staticmethod
    def _policy(retry: Callable[[RetryCallState], bool], sleep: Callable[[float], None]) -> Retrying:
        stop = stop_after_attempt(RETRIES + 1) | stop_before_delay(LONGEST)
        return Retrying(retry=retry, stop=stop, wait=_wait, sleep=sleep, retry_error_callback=_last)

    def send(self, call: Call) -> Answer:
        """The answer to ``call``; raises what ``send`` raises at the last attempt."""
        policy = self._reads if call.is_read else self._writes
        return policy(self._send, call)
