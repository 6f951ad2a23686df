"""Tells the controller that a webhook is ready: a Lease that every ready webhook renews, whichever comes first."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Self

from attrs import evolve

from quaybridge_sdk.errors import ConflictError, QuaybridgeError
from quaybridge_sdk.ports import LeasePort, LeaseRecord

_log = logging.getLogger(__name__)

HEARTBEAT_LEASE = "quaybridge-webhook"
BEAT_SECONDS = 20.0


class Heartbeat:
    """A context manager with one thread. A beat that fails is logged once, and never in the way of an answer.

    Args:
        ready: whether the webhook answers reviews now.
        clock: the current time, with a time zone.
    """

    def __init__(
        self,
        port: LeasePort,
        namespace: str,
        identity: str,
        ready: Callable[[], bool],
        clock: Callable[[], datetime],
        seconds: float = BEAT_SECONDS,
    ) -> None:
        self._port, self._namespace, self._identity, self._ready, self._clock = port, namespace, identity, ready, clock
        self._seconds, self._stopped, self._failing = seconds, threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(5)

    def beat(self) -> None:
        """Renews the Lease, if the webhook is ready."""
        if not self._ready():
            return
        try:
            found = self._port.read(self._namespace, HEARTBEAT_LEASE) or LeaseRecord(self._namespace, HEARTBEAT_LEASE)
            self._port.write(evolve(found, holder=self._identity, duration_seconds=int(self._seconds), renewed=self._clock()))
        except ConflictError:  # another replica has just done it
            return
        except QuaybridgeError as error:
            if not self._failing:
                _log.warning("the controller cannot be told that this webhook is ready: %s", error)
            self._failing = True
            return
        self._failing = False

    def _run(self) -> None:
        self.beat()
        while not self._stopped.wait(self._seconds if self._ready() else 1.0):
            self.beat()


def last_beat(port: LeasePort, namespace: str) -> datetime | None:
    """When a webhook was last ready, None when none ever said so.

    Raises:
        QuaybridgeError: the Lease could not be read.
    """
    found = port.read(namespace, HEARTBEAT_LEASE)
    return found.renewed if found else None
