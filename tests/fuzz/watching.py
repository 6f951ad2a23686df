"""What every fuzz test asks for: documented errors only, nothing secret told, and bounded time and memory."""

from __future__ import annotations

import gc
import logging
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from quaybridge_sdk.errors import QuaybridgeError

T = TypeVar("T")

CANARY = "CANARYTOKEN0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZCANARYTOKEN987654"
"""Stands for every secret: it must be found in no message, ``repr`` or log line."""


def told(error: BaseException) -> str:
    """All that a traceback or a log line would show of an error: its causes too."""
    texts = []
    found: BaseException | None = error
    while found is not None:
        texts.append(f"{found!r} {found}")
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
    return "\n".join(texts)


def only_documented(call: Callable[[], T], *allowed: type[Exception]) -> T | QuaybridgeError:
    """What ``call`` returns, or the documented error that it raised; any other exception fails the test.

    The error's text must be one that can be sent and logged, of bounded length, and without the secret.
    """
    try:
        return call()
    except QuaybridgeError as raised:
        error = raised
    assert not allowed or isinstance(error, allowed), f"{type(error).__name__} is not documented here"
    text = str(error)
    text.encode()
    assert len(text) < 5_000, "a message that quotes without end"
    assert CANARY not in told(error)
    return error


class _Keeping(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(logging.Formatter("%(levelname)s %(message)s").format(record))


@contextmanager
def quiet_log() -> Iterator[list[str]]:
    """Keeps what is logged; in the end it must neither speak of a bug nor hold the secret."""
    handler, log = _Keeping(), logging.getLogger("quaybridge_sdk")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        yield handler.lines
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
    whole = "\n".join(handler.lines)
    assert "bug" not in whole
    assert CANARY not in whole


def seconds(work: Callable[[], object]) -> float:
    """Of processor time, the best of three: what else the machine does only ever adds, and garbage is collected by chance."""
    best = float("inf")
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            started = time.process_time()
            work()
            best = min(best, time.process_time() - started)
    finally:
        gc.enable()
    return best


def assert_scales(work: Callable[[int], Callable[[], object]], size: int, floor: float = 0.005) -> None:
    """Ten times the input takes at most some twenty times the time; below ``floor`` seconds nothing is compared.

    ``work`` prepares the input of a size, outside of the measurement. One more try is granted: machines are shared.
    """
    for last in (False, True):
        small, large = seconds(work(size)), seconds(work(10 * size))
        if large <= 20 * max(small, floor):
            return
        assert not last, f"{size} take {small:.4f} s, ten times as much take {large:.4f} s"


def peak(work: Callable[[], object]) -> int:
    """Bytes of memory that ``work`` had at most, beyond those that were there before."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
