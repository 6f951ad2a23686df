"""What Quay meant: the one place that turns answers into values and errors.

Quay has five shapes of error bodies, answers 400 for what is missing and for what exists, 500 for some mistakes of the
client, and a web page for paths that it does not know. All that is measured on a running Quay; the shapes:

A  JSON ``{detail, error_message, error_type, title, type, status}``
B  JSON ``{"message": ...}``
C  ``text/html`` that is JSON ``{"error": ...}``
D  a web page
E  JSON ``{"is_readonly": true, "message": ...}``

No message quotes the body of a success: it may hold robots' tokens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import urlsplit

from attrs import field, frozen

from quaybridge_sdk.adapters.quay.failures import cut
from quaybridge_sdk.adapters.quay.parse import MalformedError
from quaybridge_sdk.adapters.quay.routes import Call
from quaybridge_sdk.errors import (
    AlreadyExistsError,
    ConflictError,
    ForbiddenError,
    NameNotFreeError,
    NotFoundError,
    ReadOnlyError,
    RemoteError,
    RequestRefusedError,
    ServerFaultError,
    ThrottledError,
    TokenInvalidError,
)

T = TypeVar("T")


@frozen
class Answer:
    """One answer of Quay, read whole. ``retry_after`` is in seconds, None when there was none."""

    call: Call
    status: int
    content_type: str = ""
    body: bytes = field(default=b"", repr=False)
    location: str = field(default="", repr=False)
    retry_after: float | None = None

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


MEANINGS: tuple[tuple[re.Pattern[str], type[RemoteError]], ...] = tuple(
    (re.compile(pattern), error)
    for pattern, error in (
        (r"Username is not available", NameNotFreeError),
        (r"A user or organization with this name already exists", AlreadyExistsError),
        (r"Existing robot with name: ", AlreadyExistsError),
        (r"Repository already exists", AlreadyExistsError),
        # The database's own words, which come through when two create at once: PostgreSQL, MySQL, SQLite.
        (r".*duplicate key value violates unique constraint", AlreadyExistsError),
        (r".*Duplicate entry ", AlreadyExistsError),
        (r".*UNIQUE constraint failed", AlreadyExistsError),
        (r"Organization does not exist: ", NotFoundError),
        (r"Could not find robot with (specified )?username", NotFoundError),
        (r"User does not have permission for repo", NotFoundError),
        (r"Invalid username: ", NotFoundError),  # of a robot that was to get a permission
        (r"Missing delegate user or team", NotFoundError),
    )
)
"""What a 400 means, by how its text begins. Tried in order; a text in no row means that the request itself was refused."""


def value(answer: Answer, parse: Callable[[object], T]) -> T:
    """The parsed JSON of a success.

    Raises:
        RemoteError: the answer is no success (see :func:`failure`).
        ServerFaultError: it is, but no JSON, or not of the documented types.
    """
    if not answer.is_success:
        raise failure(answer)
    document = _json(answer.body)
    if document is _NO_JSON:
        what = f"a success of {len(answer.body)} bytes that is no JSON, but {answer.content_type[:60] or 'untyped'}"
        raise _fault(answer, what)
    try:
        return parse(document)
    except MalformedError as error:
        raise _fault(answer, f"a success that is not as documented: {error}") from error


def require_done(answer: Answer) -> None:
    """Raises what :func:`value` raises, for a write whose answer says nothing but that it was done."""
    if answer.status != 204:
        value(answer, lambda _: None)


def failure(answer: Answer) -> RemoteError:
    """The error that an answer other than a success stands for."""
    status, text = answer.status, _cause(answer)
    if status == 401 or (status == 403 and "CSRF token" in text):
        # Quay asks whoever shows it no valid token for a browser's CSRF token, on each write.
        return _error(TokenInvalidError, answer, f"the token is wrong, expired or revoked: {text}")
    if status == 403:
        return _error(ForbiddenError, answer, f"{_rights(answer.call)}: {text}")
    if status == 429:
        return ThrottledError(_message(answer, f"too many requests: {text}"), system="quay", retry_after=answer.retry_after)
    if is_read_only(answer):
        return _error(ReadOnlyError, answer, text)
    record = _record(answer.body)
    if status < 400 or status >= 500 or record is None or status == 413:
        return _fault(answer, text)
    return _refused(answer, record, text)


def is_read_only(answer: Answer) -> bool:
    """Whether Quay is in read-only mode (shape E); other 503s come from a proxy, or from a Quay that starts."""
    return answer.status == 503 and (_record(answer.body) or {}).get("is_readonly") is True


def _refused(answer: Answer, record: Mapping[str, object], text: str) -> RemoteError:
    """Of a 4xx with a JSON body. A 404 counts only in Quay's own words: a gateway in front has its own."""
    if answer.status == 404:
        ours = "not_found" in (record.get("error_type"), record.get("title"))
        return _error(NotFoundError if ours else ServerFaultError, answer, text)
    if answer.status == 409:
        return _error(ConflictError, answer, text)
    rows = MEANINGS if answer.status == 400 else ()
    return _error(next((error for pattern, error in rows if pattern.match(text)), RequestRefusedError), answer, text)


def _rights(call: Call) -> str:
    if not call.route.scopes:
        return "forbidden"
    scopes = " or ".join(call.route.scopes)
    return f"the token needs the scope {scopes}, and its user the right to do this there"


def _cause(answer: Answer) -> str:
    """What the answer says in words, in one line."""
    if 300 <= answer.status < 400:
        return f"a redirect to {_place(answer.location)}, which is not followed: is quayHostname Quay's own address?"
    record = _record(answer.body)
    if record is None:
        return _title(answer)
    words = next((record[key] for key in ("detail", "error_message", "message", "error") if record.get(key)), "no reason given")
    # Behind the first line of a schema's complaint stands the whole schema.
    return " ".join(str(words).partition("\n\nFailed validating")[0].split())


def _title(answer: Answer) -> str:
    page = answer.body[:4096].decode("utf-8", "replace")
    title = re.search(r"<title[^>]*>(.*?)</title>", page, re.DOTALL | re.IGNORECASE)
    said = " ".join(title[1].split()) if title else ""
    hint = ": is quayHostname Quay's own address?" if answer.status == 404 else ""
    return f"a page {said!r} that is no answer of Quay's API{hint}"


def _place(location: str) -> str:
    try:
        parts = urlsplit(location)
    except ValueError:
        return "no address"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:120] if parts.netloc else parts.path[:120]


_NO_JSON = object()


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return _NO_JSON  # told, not raised: json's own error carries the whole text with it


def _record(body: bytes) -> Mapping[str, object] | None:
    document = _json(body)
    return document if isinstance(document, dict) else None


def _message(answer: Answer, text: str) -> str:
    return cut(f"{answer.call}: Quay answered {answer.status}: {text}")


def _error(kind: type[RemoteError], answer: Answer, text: str) -> RemoteError:
    return kind(_message(answer, text), system="quay")


def _fault(answer: Answer, text: str) -> ServerFaultError:
    return ServerFaultError(_message(answer, text), system="quay")
