"""A fixed number of worker threads on one queue. What a failure means for the key is a property of the error."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, Self, TypeVar

from quaybridge_sdk.errors import PermanentRemoteError, QuaybridgeError, Retry, ThrottledError, TransientRemoteError
from quaybridge_sdk.runtime.queue import WorkQueue

K = TypeVar("K", bound=Hashable)
K_contra = TypeVar("K_contra", bound=Hashable, contravariant=True)
_log = logging.getLogger(__name__)

PERMANENT_FLOOR = 15.0
"""Seconds before something is tried again that an administrator must mend first; the back-off grows from there."""


LONGEST_ASKED = 300.0
"""Seconds that a server may ask us to wait: its answer, or a proxy's, may name any number, and no lock waits for centuries."""

TRANSIENT_CEILING = 30.0
"""Seconds after which at the latest something is tried again that mends itself: so long an outage lasts beyond its end."""


class WorkObserver(Protocol[K_contra]):
    """Told about each piece of work, for metrics."""

    def work_done(self, key: K_contra, result: str, seconds: float) -> None:
        """``result`` is ``ok``, an error's reason, or ``bug``."""


class WorkerPool(Generic[K]):
    """Runs ``handler`` for each key of ``queue`` in ``count`` threads; a context manager.

    Args:
        handler: answers None, or the seconds after which the key is due again in the background.
        on_error: told of each error before the key is retried. When it raises itself, that is logged as a bug, and the key is
            retried all the same.
        grace: seconds that :meth:`stop` waits for work that is under way.
    """

    def __init__(
        self,
        queue: WorkQueue[K],
        handler: Callable[[K], float | None],
        count: int,
        on_error: Callable[[K, Exception], None],
        observer: WorkObserver[K] | None = None,
        grace: float = 8.0,
        name: str = "worker",
    ) -> None:
        self._queue, self._handler, self._on_error, self._observer, self._grace = queue, handler, on_error, observer, grace
        self._threads = [threading.Thread(target=self._run, name=f"{name}-{n}", daemon=True) for n in range(count)]
        self._running = False
        self._deadline: float | None = None

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        self._running = True
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def count(self) -> int:
        """How many workers there are."""
        return len(self._threads)

    @property
    def alive(self) -> bool:
        """False when a worker has died while the pool runs: what it worked on is lost, and the process should be started anew."""
        return not self._running or all(thread.is_alive() for thread in self._threads)

    def stop(self) -> bool:
        """Hands out no more keys and waits for those under way; False when some were not finished within the grace.

        The grace counts from the first call on: a further one only tells how it is now.
        """
        self._running = False
        self._queue.shut_down()
        if self._deadline is None:
            self._deadline = time.monotonic() + self._grace
        for thread in self._threads:
            thread.join(max(0.0, self._deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while (key := self._queue.get()) is not None:
            started = time.monotonic()
            try:
                result = self._work(key)
            except BaseException as error:  # whatever it is, the key is not lost, and the other keys need this worker
                self._queue.retry(key)
                if isinstance(error, SystemExit):
                    raise
                _log.exception("bug: unexpected end of the work on %s; please report it", key)
                result = "bug"
            finally:
                self._queue.done(key)
            self._tell_done(key, result, time.monotonic() - started)

    def _work(self, key: K) -> str:
        """One piece of work, and when the key is due again. Returns its result, as the observer is told it."""
        try:
            again = self._handler(key)
        except QuaybridgeError as error:
            told = self._tell_error(key, error)
            self._schedule(key, error)
            return error.reason if told else "bug"
        except Exception as error:  # noqa: BLE001 - a bug in one key's work must not end the worker, and with it everybody's
            _log.exception("bug: unexpected error while working on %s; please report it", key)
            self._tell_error(key, error)
            self._queue.retry(key)
            return "bug"
        self._queue.forget(key)
        if again is not None:
            self._queue.add_after(key, again, background=True)
        return "ok"

    def _tell_error(self, key: K, error: Exception) -> bool:
        """Whether it could be told: telling makes calls of its own, and a bug in it must not keep the key from its retry."""
        try:
            self._on_error(key, error)
        except Exception:  # noqa: BLE001 - see above
            _log.exception("bug: an error of %s could not be told; please report it", key)
            return False
        return True

    def _tell_done(self, key: K, result: str, seconds: float) -> None:
        if self._observer is None:
            return
        try:
            self._observer.work_done(key, result, seconds)
        except Exception:  # noqa: BLE001 - a worker is worth more than a number
            _log.exception("bug: the work on %s was not counted; please report it", key)

    def _schedule(self, key: K, error: QuaybridgeError) -> None:
        if error.retry is Retry.NEVER:
            self._queue.forget(key)
            return
        floor = PERMANENT_FLOOR if isinstance(error, PermanentRemoteError) else 0.0
        if isinstance(error, ThrottledError) and error.retry_after is not None:
            floor = min(error.retry_after, LONGEST_ASKED)
        ceiling = TRANSIENT_CEILING if isinstance(error, TransientRemoteError) else math.inf
        self._queue.retry(key, floor, ceiling)
