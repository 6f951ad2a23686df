"""The body of a watch: lines as they come, that another thread can end at once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import urllib3
from attrs import define

from quaybridge_sdk.adapters.kubernetes.answers import Call, transport_error


@define(eq=False)
class Stream:
    """An open watch, used by one thread as a context manager, except for :meth:`interrupt`."""

    _call: Call
    _response: urllib3.BaseHTTPResponse
    _interrupted: bool = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._response.close()

    def lines(self) -> Iterator[bytes]:
        """Each complete line; the rest of a line that was cut off is dropped.

        Ends when the server ends the body cleanly, or after :meth:`interrupt`.

        Raises:
            UnreachableError: the body broke off, or nothing came for too long.
        """
        pending: list[bytes] = []  # joined once: a line may come in thousands of pieces
        try:
            for chunk in self._chunks():
                first, *others = chunk.split(b"\n")
                pending.append(first)
                if others:
                    yield b"".join(pending)
                    yield from others[:-1]
                    pending = [others[-1]]
        except urllib3.exceptions.HTTPError as error:
            if not self._interrupted:
                raise transport_error(self._call, error) from error
        except ValueError:  # `ssl` reads on a socket that interrupt() has just unwrapped
            if not self._interrupted:
                raise

    def _chunks(self) -> Iterator[bytes]:
        """What comes, without waiting for more: ``stream`` and ``read`` would fill a buffer first."""
        if self._response.chunked:
            yield from self._response.read_chunked()
        else:
            yield from iter(self._response.read1, b"")

    def interrupt(self) -> None:
        """Wakes a thread that is blocked in :meth:`lines`: closing the socket would not, shutting it down does."""
        self._interrupted = True
        with contextlib.suppress(ValueError, RuntimeError, OSError):  # it had ended already
            self._response.shutdown()
