"""Sends one call and reads its answer whole: one httpx client for all threads, with limits on everything."""

from __future__ import annotations

import email.utils
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import Enum
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Protocol

import httpx

from quaybridge_sdk.adapters.quay.answers import Answer
from quaybridge_sdk.adapters.quay.failures import cut, mapped
from quaybridge_sdk.adapters.quay.routes import Call
from quaybridge_sdk.adapters.quay.tls import tls_context
from quaybridge_sdk.errors import InvalidCredentialsError, InvalidIntegrationError, ServerFaultError
from quaybridge_sdk.model.quay import QuayEndpoint, SecretText

MAX_BODY = 32 << 20
"""Bytes of one answer. The largest that is real, a list of some thousand robots, has about one million."""

LONGEST_CONNECT = 10.0
"""Seconds; a connection that needs longer will not come."""

_LIMITS = httpx.Limits(max_connections=20, max_keepalive_connections=4, keepalive_expiry=5.0)
"""Quay works on as many calls at once as it has processors, so more connections only queue there. It closes each after its
answer (nginx, ``keepalive_timeout 0`` on ``/api``); a few are kept for a load balancer in front that does not."""

_MASK = "********"


class CallObserver(Protocol):
    """Is told of every request that was sent, also of those sent again; for metrics. It must not raise."""

    def quay_call(self, method: str, route: str, status: int, seconds: float) -> None:
        """``route`` is the shape, such as ``/api/v1/organization/{organization}/robots``; ``status`` 0 means no answer."""


class State(Enum):
    OPEN = "calls can be made"
    CLOSED = "no call can be made any more"


class BearerAuth(httpx.Auth):
    """Writes the token into the one header, on the way out: no header of the client holds it, and no ``repr`` shows it."""

    def __init__(self, token: SecretText) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]
        request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        yield request


class Transport:
    """Sends calls to one Quay with one token; thread-safe.

    Args:
        timeout: seconds for each wait (a connection, which gets :data:`LONGEST_CONNECT` at most, a read, a write, a free
            connection); a whole answer gets twice that.
        transport: what httpx sends with instead of sockets.

    Raises:
        InvalidCredentialsError: the token is empty, or has characters that no token has.
        InvalidIntegrationError: the address or the CA bundle cannot be read.
    """

    def __init__(
        self,
        endpoint: QuayEndpoint,
        token: SecretText,
        *,
        timeout: float = 30.0,
        observer: CallObserver | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host, self._observer, self._clock = endpoint.host, observer, clock
        self._longest = 2 * timeout
        self._secret = checked_token(token)
        self._state, self._under_way, self._lock = State.OPEN, 0, threading.Lock()
        self._client = httpx.Client(
            base_url=_checked_url(endpoint.url),
            auth=BearerAuth(self._secret),
            headers={"Accept": "application/json", "User-Agent": "quaybridge-sdk"},
            # A session cookie of Quay must never speak instead of the token.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            verify=tls_context(endpoint) if transport is None else False,
            timeout=httpx.Timeout(timeout, connect=min(timeout, LONGEST_CONNECT)),
            limits=_LIMITS,
            transport=transport,
        )

    def send(self, call: Call) -> Answer:
        """The answer to one call, whatever its status.

        Raises:
            RuntimeError: the transport is closed.
            UnreachableError: no connection, or it broke, or no answer came in time.
            TLSVerificationError: the certificate is not trusted.
            ServerFaultError: the answer is too large, or is no HTTP.
        """
        with self._call_under_way():
            started, status = self._clock(), 0
            try:
                answer = self._exchange(call, started)
                status = answer.status
            except httpx.RequestError as error:
                raise mapped(error, str(call), self._host) from error
            except (httpx.InvalidURL, ValueError) as error:  # httpx reads a redirect's Location although it does not follow it
                raise ServerFaultError(cut(f"{call}: Quay answered a redirect to no address"), system="quay") from error
            finally:
                if self._observer is not None:
                    self._observer.quay_call(call.route.method, call.route.shape, status, self._clock() - started)
        return answer

    def close(self) -> None:
        """No further call can be made. Those under way end as they would have; the last of them closes the connections."""
        with self._lock:
            closes = self._state is State.OPEN and self._under_way == 0
            self._state = State.CLOSED
        if closes:
            self._client.close()

    def require_open(self) -> None:
        """Raises RuntimeError when closed."""
        if self._state is State.CLOSED:
            raise RuntimeError("this QuayRegistry is closed: make a new one, best as `with QuayRegistry(...) as registry:`")

    @contextmanager
    def _call_under_way(self) -> Iterator[None]:
        with self._lock:
            self.require_open()
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
                last = self._state is State.CLOSED and self._under_way == 0
            if last:
                self._client.close()

    def _exchange(self, call: Call, started: float) -> Answer:
        # Written here, not by httpx: ASCII only, so that no text is one that cannot be encoded.
        content = None if call.body is None else json.dumps(call.body, separators=(",", ":")).encode("ascii")
        headers = {} if content is None else {"Content-Type": "application/json"}
        method = call.route.method
        with self._client.stream(method, call.path, params=call.query or None, content=content, headers=headers) as response:
            body = self._read(call, response, started)
        if response.status_code >= 300:  # what Quay says there goes into messages; it might quote the request
            body = self._masked(body)
        return Answer(
            call=call,
            status=response.status_code,
            content_type=response.headers.get("Content-Type", ""),
            body=body,
            location=response.headers.get("Location", ""),
            retry_after=_seconds(response.headers.get("Retry-After", "")),
        )

    def _read(self, call: Call, response: httpx.Response, started: float) -> bytes:
        """The body. httpx limits each wait, not their sum: a server that sends byte by byte would hold a thread for ever."""
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > MAX_BODY:
                raise ServerFaultError(f"{call}: the answer is larger than {MAX_BODY} bytes", system="quay")
            if self._clock() - started > self._longest:
                raise httpx.ReadTimeout("the answer came too slowly", request=response.request)
        return bytes(body)

    def _masked(self, body: bytes) -> bytes:
        return body.replace(self._secret.reveal().encode("ascii"), _MASK.encode("ascii"))


def checked_token(token: SecretText) -> SecretText:
    """The token without the line end that ``echo`` or an editor put behind it.

    Raises:
        InvalidCredentialsError: it is empty, or cannot stand in a header.
    """
    text = token.reveal().strip()
    if not text:
        raise InvalidCredentialsError("the Quay token is empty")
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise InvalidCredentialsError("the Quay token holds characters that no token has: is it really an OAuth access token?")
    return SecretText(text)


def _checked_url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
        host = url.host  # decoded here, which fails for an ``xn--`` label that is none
    except (httpx.InvalidURL, ValueError) as error:
        raise InvalidIntegrationError("spec.quayHostname", f"no address: {text[:100]!r}") from error
    if url.scheme not in ("http", "https") or not host or (url.port or 0) > 65535:
        raise InvalidIntegrationError("spec.quayHostname", f"no address with http or https: {text[:100]!r}")
    return url


def _seconds(header: str) -> float | None:
    """``Retry-After``: seconds or a date (RFC 9110, section 10.2.3)."""
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        when = email.utils.parsedate_to_datetime(header)
    except (ValueError, OverflowError):  # a time zone of any number of digits
        return None
    return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
