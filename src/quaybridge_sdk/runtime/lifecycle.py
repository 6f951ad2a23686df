"""How a process ends: the first signal asks it to stop, the second ends it at once."""

from __future__ import annotations

import logging
import os
import signal
import threading
from types import FrameType
from typing import Self

_log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopper:
    """Turns SIGTERM and SIGINT into an event; a context manager, for the main thread. The former handlers come back at its
    end.
    """

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._former: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        for number in SIGNALS:
            self._former[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, former in self._former.items():
            signal.signal(number, former)  # type: ignore[arg-type]  # what signal.signal gave

    def stop(self) -> None:
        """The same as a first signal."""
        self.stopped.set()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.stopped.is_set():
            os._exit(128 + number)
        _log.info("%s: finishing the work that is under way", signal.Signals(number).name)
        self.stopped.set()
