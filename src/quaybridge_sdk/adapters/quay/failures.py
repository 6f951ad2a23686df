"""What went wrong before there was an answer: httpx's exceptions, each mapped to the most specific of our errors.

A test fails when httpx grows a class that is in neither of the two tables.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import httpx

from quaybridge_sdk.errors import RemoteError, RequestRefusedError, ServerFaultError, TLSVerificationError, UnreachableError

MESSAGE_LENGTH = 300
"""Error messages end up in conditions, events and logs: longer ones are cut."""

_Row = tuple[type[RemoteError], str]
_BROKEN: _Row = (UnreachableError, "the connection broke")
_SILENT: _Row = (UnreachableError, "no answer in time")

MAPPED: Mapping[type[httpx.RequestError], _Row] = MappingProxyType(
    {
        httpx.RequestError: (UnreachableError, "no answer"),
        httpx.TransportError: (UnreachableError, "no answer"),
        httpx.TimeoutException: _SILENT,
        httpx.ConnectTimeout: (UnreachableError, "no connection in time"),
        httpx.ReadTimeout: _SILENT,
        httpx.WriteTimeout: (UnreachableError, "the request was not taken in time"),
        httpx.PoolTimeout: (UnreachableError, "no free connection in time: too many calls at once"),
        httpx.NetworkError: _BROKEN,
        httpx.ConnectError: (UnreachableError, "no connection"),
        httpx.ReadError: _BROKEN,
        httpx.WriteError: _BROKEN,
        httpx.CloseError: _BROKEN,
        httpx.ProtocolError: _BROKEN,
        httpx.RemoteProtocolError: (UnreachableError, "the connection broke, or this is no HTTP server"),
        httpx.LocalProtocolError: (RequestRefusedError, "the request cannot be written as HTTP"),
        httpx.ProxyError: (UnreachableError, "the proxy does not lead there"),
        httpx.UnsupportedProtocol: (RequestRefusedError, "the address has an unknown scheme"),
        httpx.DecodingError: (ServerFaultError, "the answer cannot be decompressed"),
    }
)

NOT_RAISED: Mapping[type[Exception], str] = MappingProxyType(
    {
        httpx.HTTPError: "abstract",
        httpx.HTTPStatusError: "statuses are read, raise_for_status is not called",
        httpx.TooManyRedirects: "redirects are not followed: the token goes to no other place",
        httpx.InvalidURL: "the address is checked when the client is made, names when a call is made",
        httpx.CookieConflict: "no cookie is kept",
        httpx.StreamError: "a bug in the transport",
        httpx.StreamConsumed: "a bug in the transport",
        httpx.StreamClosed: "a bug in the transport",
        httpx.ResponseNotRead: "a bug in the transport",
        httpx.RequestNotRead: "a bug in the transport",
    }
)


class HeldBackError(Exception):
    """The cause of an error that stands for a call which was not sent: the governor did not let it go. It leaves no adapter
    but as such a cause.
    """


_NEVER_SENT = (
    HeldBackError,
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


def mapped(error: httpx.RequestError, what: str, host: str) -> RemoteError:
    """Our error for httpx's; ``what`` names the call. The caller raises it from ``error``, which the predicates below read."""
    untrusted = next((cause for cause in _chain(error) if isinstance(cause, ssl.SSLCertVerificationError)), None)
    if untrusted is not None:
        reason = untrusted.verify_message or "verification failed"
        hint = "give its CA in spec.caBundle, or set insecureRegistry"
        return TLSVerificationError(cut(f"{what}: the certificate of {host} is not trusted ({reason}): {hint}"), system="quay")
    kind, words = next(MAPPED[cls] for cls in type(error).__mro__ if cls in MAPPED)
    return kind(cut(f"{what} at {host}: {words} ({str(error) or type(error).__name__})"), system="quay")


def was_sent(error: RemoteError) -> bool:
    """Whether the request may have reached Quay, so that its outcome is in doubt."""
    return not isinstance(error.__cause__, _NEVER_SENT)


def held_back(error: RemoteError) -> bool:
    """Whether the call was not even tried, so that trying again at once cannot help."""
    return isinstance(error.__cause__, HeldBackError)


def timed_out(error: RemoteError) -> bool:
    """Whether Quay may still be at work on the request."""
    return isinstance(error.__cause__, httpx.TimeoutException)


def cut(message: str) -> str:
    message = message.encode("utf-8", "replace").decode()  # a lone surrogate, which JSON can escape, can be sent nowhere
    return message if len(message) <= MESSAGE_LENGTH else message[: MESSAGE_LENGTH - 1] + "…"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    while error is not None and error not in seen:  # an exception that is raised twice can be its own cause's cause
        yield error
        seen.append(error)
        error = error.__cause__ or error.__context__
