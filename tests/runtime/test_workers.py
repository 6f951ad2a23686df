"""Workers: what an error means for its key, and that nothing kills a worker."""

from __future__ import annotations

import threading
import time
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


def raising(error: BaseException) -> Callable[[str], float | None]:
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


class Failing(Recorder):
    """An observer all of whose methods fail, on the first key."""

    def __init__(self) -> None:
        super().__init__()
        self.served = threading.Event()

    def on_error(self, key: str, error: Exception) -> None:
        raise TypeError("str is not valid UTF-8: surrogates not allowed")

    def work_done(self, key: str, result: str, seconds: float) -> None:
        super().work_done(key, result, seconds)
        if key == "key":
            raise ZeroDivisionError


def outlive(error: BaseException) -> tuple[DelayedQueue, Failing]:
    """One worker meets the error, and then another key."""
    queue, failing = DelayedQueue(), Failing()

    def handler(key: str) -> None:
        if key == "key":
            raise error
        failing.served.set()

    with WorkerPool(queue, handler, 1, failing.on_error, failing) as pool:
        queue.add("key")
        queue.add("other")
        assert failing.served.wait(5)
        assert pool.alive
    return queue, failing


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (UnreachableError("x", system="quay"), [("key", 1.0)]),
        (TokenInvalidError("x", system="quay"), [("key", PERMANENT_FLOOR)]),
        (InvalidNameError("x"), []),
        (ZeroDivisionError("x"), [("key", 1.0)]),
        (KeyboardInterrupt(), [("key", 1.0)]),
        (GeneratorExit(), [("key", 1.0)]),
    ],
)
def test_a_worker_survives_what_goes_wrong_beside_the_work(
    error: BaseException, waits: list[tuple[str, float]], caplog: pytest.LogCaptureFixture
) -> None:
    queue, failing = outlive(error)
    assert queue.waits == waits, "the key is retried as its error says, whether it could be told or not"
    assert failing.results == ["bug", "ok"]
    bugs = [record for record in caplog.records if "please report it" in record.message]
    assert bugs
    assert all(record.exc_info for record in bugs)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_has_died_shows_and_its_key_is_not_lost() -> None:
    queue = DelayedQueue()
    pool = WorkerPool(queue, raising(SystemExit()), 2, lambda key, error: None)
    assert pool.alive, "not started yet"
    with pool:
        assert pool.alive
        queue.add("key")
        while all(thread.is_alive() for thread in pool._threads):
            pool._threads[0].join(0.01)
            pool._threads[1].join(0.01)
        assert not pool.alive
        assert queue.waits == [("key", 1.0)]
    assert pool.alive, "it was told to stop"


def test_a_second_stop_does_not_wait_once_more() -> None:
    started, release = threading.Event(), threading.Event()

    def handler(key: str) -> None:
        started.set()
        release.wait(30)

    queue: WorkQueue[str] = WorkQueue()
    with WorkerPool(queue, handler, 1, lambda key, error: None, grace=1.0) as pool:
        queue.add("a")
        assert started.wait(5)
        assert not pool.stop()
        before = time.monotonic()
        assert not pool.stop()
        assert time.monotonic() - before < 0.9
        release.set()
        pool._threads[0].join(5)
        assert pool.stop()
