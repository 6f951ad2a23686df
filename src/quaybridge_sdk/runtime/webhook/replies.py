"""What the webhook's HTTP server passes between its parts: a call that came in whole, and the reply to it."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol, TypeAlias

from attrs import frozen

JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"


@frozen
class Call:
    """A request whose body is complete. ``target`` is the path with its query, as sent."""

    method: bytes
    target: bytes
    body: bytes
    keep_alive: bool = True


@frozen
class Reply:
    """``allow`` are the methods named in a 405."""

    status: int
    body: bytes
    content_type: bytes = TEXT
    allow: bytes = b""

    def encode(self, *, close: bool) -> bytes:
        """The bytes on the wire; ``close`` tells the client that the connection ends with them."""
        more = b"connection: close\r\n" if close else b""
        if self.allow:
            more += b"allow: " + self.allow + b"\r\n"
        return b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n%b\r\n%b" % (
            _STATUS[self.status],
            self.content_type,
            len(self.body),
            more,
            self.body,
        )


def text_reply(status: int, text: str, *, allow: bytes = b"") -> Reply:
    """A reply for people to read."""
    return Reply(status, text.encode("utf-8", "replace") + b"\n", allow=allow)


_STATUS = {status.value: f"{status.value} {status.phrase}".encode("ascii") for status in HTTPStatus}

Respond: TypeAlias = Callable[[Reply], None]
"""Sends the reply to one call; to be called once, in the loop's thread."""

Cancel: TypeAlias = Callable[[], None]
"""Gives a call up whose client has gone; then nothing is sent any more."""


class Handler(Protocol):
    """Answers calls. Never raises."""

    def __call__(self, call: Call, respond: Respond) -> Cancel | None:
        """Calls ``respond`` at once and returns None, or returns what gives the call up and calls ``respond`` later."""
