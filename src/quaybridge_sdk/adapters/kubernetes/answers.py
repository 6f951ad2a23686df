"""The API's failures -> the error tree: the one place that knows statuses and reasons.

Source: answers of kube-apiserver 1.36 and openshift-apiserver, recorded in ``tests/cassettes/openshift``. The aggregation layer's
own failures are no JSON.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Literal

import orjson
import urllib3.exceptions
from attrs import frozen
from urllib3.util.ssl_match_hostname import CertificateError

from quaybridge_sdk.adapters.kubernetes.objects import Json, dig, entries, text
from quaybridge_sdk.errors import (
    AlreadyExistsError,
    ConflictError,
    ExpiredError,
    ForbiddenError,
    NotFoundError,
    RemoteError,
    RequestRefusedError,
    ServerFaultError,
    ThrottledError,
    TLSVerificationError,
    TokenInvalidError,
    UnreachableError,
)

SYSTEM: Literal["kubernetes"] = "kubernetes"
TOLD = 500
"""A server's text is quoted up to this length: a refused patch quotes the whole object."""

_BY_STATUS: Mapping[int, type[RemoteError]] = {
    401: TokenInvalidError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: ExpiredError,
    503: UnreachableError,  # of the aggregation layer, as text: nobody is behind it
    504: UnreachableError,
}
_BY_REASON: Mapping[str, type[RemoteError]] = {
    "AlreadyExists": AlreadyExistsError,
    "Expired": ExpiredError,
    "Gone": ExpiredError,
    # A server that is behind the asked-for resourceVersion (504). What helps is what helps against an expired one: a new list.
    "ResourceVersionTooLarge": ExpiredError,
    # A create in a namespace that is going (403): what the object was to live in is not there any more.
    "NamespaceTerminating": NotFoundError,
}


@frozen
class Call:
    """A request, as messages name it: without query, body or credentials."""

    method: str
    path: str
    authenticated: bool = True

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_confidential(self) -> bool:
        """Whether an answer may quote a Secret: a body that does not decode comes back whole in the message."""
        return "/secrets" in self.path


def decode(call: Call, body: bytes) -> Json:
    """A JSON object.

    Raises:
        ServerFaultError: it is none.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ServerFaultError(f"{call}: the answer is not JSON", system=SYSTEM) from error
    if not isinstance(value, dict):
        raise ServerFaultError(f"{call}: the answer is not a JSON object", system=SYSTEM)
    return value


def answer_error(call: Call, code: int, headers: Mapping[str, str], body: bytes) -> RemoteError:
    """The error that an HTTP answer stands for. Its body is a Status, or plain text."""
    try:
        status = decode(call, body)
    except ServerFaultError:
        status = {"message": body.decode("utf-8", "replace").strip()}
    return status_error(call, code, status, headers.get("Retry-After"))


def status_error(call: Call, code: int, status: Json, retry_after: str | None = None) -> RemoteError:
    """The error that a Status object stands for, wherever it came: as an answer, or as a watch's ERROR event."""
    message = f"{call}: {code} {_told(call, status)}"
    if code == 429:
        seconds = float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else None
        return ThrottledError(message, system=SYSTEM, retry_after=seconds)
    return _error_class(call, code, status)(message, system=SYSTEM)


def _error_class(call: Call, code: int, status: Json) -> type[RemoteError]:
    reasons = [text(status, "reason"), *(text(cause, "reason") for cause in entries(status, "details", "causes"))]
    named = next((_BY_REASON[reason] for reason in reasons if reason in _BY_REASON), None)
    if named is not None:
        return named
    # While openshift-apiserver starts it takes callers with valid credentials for anonymous ones: it passes within a second.
    if code == 403 and call.authenticated and "system:anonymous" in text(status, "message"):
        return UnreachableError
    if code in _BY_STATUS:
        return _BY_STATUS[code]
    return RequestRefusedError if 400 <= code < 500 else ServerFaultError


def _told(call: Call, status: Json) -> str:
    reason = text(status, "reason")
    if call.is_confidential and reason not in ("NotFound", "AlreadyExists", "Conflict", "Forbidden"):
        fields = [text(cause, "field") for cause in entries(status, "details", "causes") if dig(cause, "field")]
        return " ".join(part for part in (reason or "(text withheld)", ", ".join(fields)) if part)
    told = text(status, "message") or reason or "(no text)"
    return told if len(told) <= TOLD else told[:TOLD] + "..."


def transport_error(call: Call, error: urllib3.exceptions.HTTPError) -> RemoteError:
    """The error that a failure of the connection stands for."""
    if any(isinstance(cause, ssl.SSLCertVerificationError | CertificateError) for cause in error.args):
        return TLSVerificationError(f"{call}: the API server's certificate is not trusted: {error}", system=SYSTEM)
    return UnreachableError(f"{call}: {type(error).__name__}: {error}", system=SYSTEM)
