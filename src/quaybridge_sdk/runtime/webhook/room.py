"""How much memory the requests of all clients together may take: whoever reaches the port may send, with no credential."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

MAX_HELD = 64 * 1024 * 1024
"""Bytes. Nine requests of the largest size; a pod with the usual limit of 512 MiB has room for it several times."""


class Holder(Protocol):
    """A connection that keeps parts of requests."""

    held: int

    def give_up(self) -> None:
        """Drops what it keeps, and tells the room so."""


class Room:
    """Counts what the ``holders`` keep, and takes it from the one with most when it is too much.

    From that one, and not from the one that came last: else a few clients that fill the room would keep out all others.
    It is used in the loop's thread alone, hence there is no lock.
    """

    def __init__(self, holders: Collection[Holder], limit: int = MAX_HELD) -> None:
        self.taken = 0
        self._holders = holders
        self._limit = limit

    def change(self, by: int) -> None:
        """To be called by a holder whose ``held`` has changed. One that gives up is enough: it has as much as came just now."""
        self.taken += by
        if self.taken > self._limit:
            max(self._holders, key=_held).give_up()


def _held(holder: Holder) -> int:
    return holder.held
