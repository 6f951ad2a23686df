"""Workers: what an error means for its key, and that nothing kills a worker."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from quaybridge_sdk.errors import (
    InvalidNameError,
    QuaybridgeError,
    ThrottledError,
    TokenInvalidError,
    UnreachableError,
)
from quaybridge_sdk.runtime.queue import Backoff, WorkQueue
from quaybridge_sdk.runtime.workers import PERMANENT_FLOOR, TRANSIENT_CEILING, WorkerPool


class Recorder:
    def __init__(self) -> None:
        self.results: list[str] = []
        self.errors: list[Exception] = []
        self.seen = threading.Event()

    def work_done(self, key: str, result: str, seconds: float) -> None:
        assert seconds >= 0
        self.results.append(result)
        self.seen.set()

    def on_error(self, key: str, error: Exception) -> None:
        self.errors.append(error)


class DelayedQueue(WorkQueue[str]):
    """Remembers the waits, and never makes a retried key due again."""

    def __init__(self) -> None:
        super().__init__(backoff=Backoff(1.0, 60.0), jitter=lambda: 0.0)
        self.waits: list[tuple[str, float]] = []

    def add_after(self, key: str, seconds: float, *, background: bool = False) -> None:
        self.waits.append((key, seconds))


def run_once(handler: Callable[[str], float | None]) -> tuple[DelayedQueue, Recorder]:
    queue, recorder = DelayedQueue(), Recorder()
    with WorkerPool(queue, handler, 1, recorder.on_error, recorder):
        queue.add("key")
        assert recorder.seen.wait(5)
    return queue, recorder


def raising(error: Exception) -> Callable[[str], float | None]:
    def handler(key: str) -> float | None:
        raise error

    return handler


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (InvalidNameError("x"), []),
        (UnreachableError("x", system="quay"), [("key", 1.0)]),
        (TokenInvalidError("x", system="quay"), [("key", PERMANENT_FLOOR)]),
        (ThrottledError("x", system="quay", retry_after=42), [("key", 42.0)]),
        (ThrottledError("x", system="quay"), [("key", 1.0)]),
    ],
)
def test_the_error_decides_on_the_retry(error: QuaybridgeError, waits: list[tuple[str, float]]) -> None:
    queue, recorder = run_once(raising(error))
    assert queue.waits == waits
    assert recorder.errors == [error]
    assert recorder.results == [error.reason]


def test_success_forgets_failures_and_comes_back_when_asked() -> None:
    queue, recorder = run_once(lambda key: 7.5)
    assert queue.waits == [("key", 7.5)]
    assert recorder.results == ["ok"]


def test_a_bug_is_logged_retried_and_does_not_end_the_worker(caplog: pytest.LogCaptureFixture) -> None:
    queue, recorder = run_once(raising(ZeroDivisionError("boom")))
    assert recorder.results == ["bug"]
    assert queue.waits == [("key", 1.0)]
    assert "please report it" in caplog.text


def test_stop_waits_for_the_work_under_way() -> None:
    started, release = threading.Event(), threading.Event()
    finished: list[str] = []

    def handler(key: str) -> None:
        started.set()
        assert release.wait(5)
        finished.append(key)

    queue: WorkQueue[str] = WorkQueue()
    pool = WorkerPool(queue, handler, 2, lambda key, error: None, grace=5)
    with pool:
        queue.add("a")
        assert started.wait(5)
        threading.Timer(0.05, release.set).start()
    assert finished == ["a"]


def test_stop_says_when_the_grace_was_too_short() -> None:
    started, release = threading.Event(), threading.Event()

    def handler(key: str) -> None:
        started.set()
        release.wait(5)

    queue: WorkQueue[str] = WorkQueue()
    pool = WorkerPool(queue, handler, 1, lambda key, error: None, grace=0.05)
    with pool:
        queue.add("a")
        assert started.wait(5)
        assert not pool.stop()
        release.set()


def test_what_mends_itself_never_waits_longer_than_half_a_minute() -> None:
    class Stubborn(DelayedQueue):
        def __init__(self) -> None:
            super().__init__()
            self._backoff, self._jitter = Backoff(1.0, 300.0), lambda: 1.0

    queue, recorder = Stubborn(), Recorder()
    for _ in range(9):
        queue.retry("key")
    with WorkerPool(queue, raising(UnreachableError("x", system="quay")), 1, recorder.on_error, recorder):
        queue.add("key")
        assert recorder.seen.wait(5)
    assert queue.waits[-2:] == [("key", 300.0), ("key", TRANSIENT_CEILING)]
