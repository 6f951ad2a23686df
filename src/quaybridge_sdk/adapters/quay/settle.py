"""Sending a write until its outcome is known: what all writes share.

Each write is one call when all goes well. When its outcome is in doubt (no answer, 5xx, a 400 whose words cannot be
relied on, since Quay says the same in several ways and lets its database speak when two create at once), the state is read
again; only when that shows that nothing came of it, the call is sent a second time, and not while Quay may still be at work on
the first.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from quaybridge_sdk.adapters.quay import routes
from quaybridge_sdk.adapters.quay.answers import Answer, require_done, value
from quaybridge_sdk.adapters.quay.failures import cut, timed_out, was_sent
from quaybridge_sdk.adapters.quay.reader import QuayReader
from quaybridge_sdk.adapters.quay.routes import Call
from quaybridge_sdk.errors import (
    AlreadyExistsError,
    ForbiddenError,
    NotFoundError,
    RemoteError,
    RequestRefusedError,
    ServerFaultError,
    UnreachableError,
)

T = TypeVar("T")

_DOUBTFUL = (UnreachableError, ServerFaultError, AlreadyExistsError, RequestRefusedError)


class Settling(QuayReader):
    """A reader that can also send writes, and look what came of them."""

    def _settle(self, call: Call, outcome: Callable[[Answer], T], look: Callable[[RemoteError], T | None]) -> T:
        """Sends a write until its outcome is known, twice at most.

        Args:
            outcome: reads the answer of a success, raises for any other.
            look: reads the state after a doubtful answer: what came of the call, None when nothing did.
        """
        sent = 0
        while True:
            sent += 1
            try:
                return outcome(self._send(call))
            except _DOUBTFUL as error:
                if not was_sent(error):
                    raise
                found = look(error)
                if found is not None:
                    return found
                if sent == 2 or timed_out(error) or isinstance(error, RequestRefusedError):
                    raise

    def _remove(self, call: Call, organization: str, is_gone: Callable[[], bool]) -> None:
        """Sends a deletion until nothing is there; what was gone already is success, once a look bears that out: nobody would
        look again.

        To a token that is no superuser's Quay forbids the deletion of what lies in an organization that is gone, since nobody
        administers one; whether it is gone, anybody may ask.
        """
        try:
            self._settle(call, removed, lambda _: is_gone() or None)
        except NotFoundError as error:
            with suppress(NotFoundError):  # what it lay in is gone, too
                if not is_gone():
                    raise ServerFaultError(cut(f"{call}: not found, says Quay, and shows it: {error}"), system="quay") from error
        except ForbiddenError:
            if self._organization(organization) is not None:
                raise

    def _has_repository(self, organization: str, name: str) -> bool:
        names = {"organization": organization, "repository": name}
        try:
            require_done(self._send(routes.GET_REPOSITORY.call(names, query={"includeTags": "false"})))
        except NotFoundError:
            return False
        return True


def told(parse: Callable[[object], object]) -> Callable[[Answer], bool]:
    """Reads the documented answer of a success: where something else came, nothing says that it was done."""

    def outcome(answer: Answer) -> bool:
        value(answer, parse)
        return True

    return outcome


def removed(answer: Answer) -> bool:
    """Reads the answer to a deletion, which has no content: any other success is not Quay's."""
    require_done(answer)
    if answer.status != 204:
        raise ServerFaultError(cut(f"a deletion was answered with status {answer.status} instead of 204"), system="quay")
    return True


def exists(message: str) -> AlreadyExistsError:
    return AlreadyExistsError(cut(message), system="quay")


def missing(message: str) -> NotFoundError:
    return NotFoundError(cut(message), system="quay")
