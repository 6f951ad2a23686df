"""Time: the API's timestamps, and a scheduler for what the controllers do later."""

from __future__ import annotations

import sched
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime


def now() -> str:
    """The current second as the API writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Scheduler:
    """Runs actions after a delay, one at a time, in a thread of its own that lives from :meth:`start` to :meth:`stop`."""

    def __init__(self) -> None:
        self._due = sched.scheduler()
        self._changed = threading.Condition()
        self._unfinished, self._thread = 0, 0

    def start(self) -> None:
        self._thread += 1
        threading.Thread(target=self._run, args=(self._thread,), daemon=True).start()

    def stop(self) -> None:
        with self._changed:
            self._thread += 1
            self._changed.notify_all()

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        with self._changed:
            self._unfinished += 1
            self._due.enter(seconds, 0, self._finish, (action,))
            self._changed.notify_all()

    def settle(self, timeout: float) -> bool:
        """Waits until nothing is due any more; False after ``timeout`` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._unfinished, timeout)

    def _finish(self, action: Callable[[], None]) -> None:
        action()
        with self._changed:
            self._unfinished -= 1
            self._changed.notify_all()

    def _run(self, thread: int) -> None:
        while thread == self._thread:
            self._due.run(blocking=False)
            with self._changed:
                due = self._due.queue
                self._changed.wait(max(0.0, due[0].time - time.monotonic()) if due else None)
