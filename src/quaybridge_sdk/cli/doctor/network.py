"""Real connections, without credentials; and what went wrong with one, told apart."""

from __future__ import annotations

import email.utils
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx

from quaybridge_sdk.adapters.quay.tls import tls_context
from quaybridge_sdk.cli.doctor.ports import NoAnswerError, Page, Trouble
from quaybridge_sdk.model.quay import QuayEndpoint

SECONDS = 10.0

VERIFY_CODES = {
    9: Trouble.NOT_YET_VALID,
    10: Trouble.EXPIRED,
    18: Trouble.UNKNOWN_CA,
    19: Trouble.UNKNOWN_CA,
    20: Trouble.UNKNOWN_CA,
    21: Trouble.UNKNOWN_CA,
    62: Trouble.WRONG_HOST,
    64: Trouble.WRONG_HOST,
}
"""OpenSSL's X509_V_ERR codes, as in its x509_vfy.h."""


class Network:
    """Implements :class:`~quaybridge_sdk.cli.doctor.ports.NetworkPort` with httpx and sockets."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds

    def page(self, url: str, endpoint: QuayEndpoint | None = None) -> Page:
        context = httpx.create_ssl_context(verify=False) if endpoint is None else tls_context(endpoint)
        try:
            answer = httpx.get(url, verify=context, timeout=self._seconds, headers={"User-Agent": "quaybridge-sdk"})
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise NoAnswerError(trouble_of(error), str(error)[:200]) from error
        return Page(answer.status_code, answer.content, parse_date(answer.headers.get("Date", "")))

    def certificate(self, host: str, port: int) -> bytes:
        context = httpx.create_ssl_context(verify=False)
        try:
            with (
                socket.create_connection((host, port), self._seconds) as plain,
                context.wrap_socket(plain, server_hostname=host) as wrapped,
            ):
                return wrapped.getpeercert(binary_form=True) or b""
        except OSError as error:  # ssl.SSLError is one of them
            raise NoAnswerError(trouble_of(error), str(error)[:200]) from error


def trouble_of(error: BaseException) -> Trouble:
    """What the first cause that says something says."""
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return VERIFY_CODES.get(cause.verify_code, Trouble.UNTRUSTED)
        if isinstance(cause, ssl.SSLError):
            return Trouble.NO_TLS
        if isinstance(cause, socket.gaierror):
            return Trouble.DNS
        if isinstance(cause, ConnectionRefusedError):
            return Trouble.REFUSED
        if isinstance(cause, TimeoutError | httpx.TimeoutException):
            return Trouble.TIMEOUT
    return Trouble.UNREACHABLE


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        yield error
        seen.append(error)
        error = error.__cause__ or error.__context__


def parse_date(header: str) -> datetime | None:
    """The ``Date`` header (RFC 9110, section 6.6.1)."""
    try:
        return email.utils.parsedate_to_datetime(header).astimezone(UTC) if header else None
    except (ValueError, OverflowError):
        return None
