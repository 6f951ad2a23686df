"""Each of httpx's exceptions has an error of ours, or a reason why it cannot occur."""

from __future__ import annotations

import inspect
import ssl

import httpx
import pytest
from tests.adapters.quay.support import scripted

from quaybridge_sdk.adapters.quay.failures import MAPPED, NOT_RAISED, mapped, timed_out, was_sent
from quaybridge_sdk.errors import RemoteError, ServerFaultError, TLSVerificationError, UnreachableError

HTTPX = {cls for _, cls in inspect.getmembers(httpx, inspect.isclass) if issubclass(cls, Exception)}


def test_no_exception_of_httpx_is_forgotten() -> None:
    assert set(MAPPED) | set(NOT_RAISED) == HTTPX
    assert not set(MAPPED) & set(NOT_RAISED)


@pytest.mark.parametrize("cls", MAPPED, ids=lambda cls: cls.__name__)
def test_each_row_reaches_the_caller(cls: type[httpx.RequestError]) -> None:
    registry, _ = scripted(*[cls("the reason")] * 4)
    with pytest.raises(MAPPED[cls][0], match=r"GET /api/v1/user/ at quay\.test: .* \(the reason\)") as caught:
        registry.check_token()
    assert isinstance(caught.value, RemoteError)
    assert type(caught.value.__cause__) is cls


def test_a_class_that_httpx_may_grow_is_what_its_parent_is() -> None:
    class NewError(httpx.ReadTimeout):
        pass

    error = mapped(NewError(""), "GET /x", "quay.test")
    assert type(error) is UnreachableError
    assert "NewError" in str(error)


def test_an_untrusted_certificate_is_found_wherever_it_is_in_the_chain() -> None:
    outer, middle = httpx.ConnectError("outer"), RuntimeError("middle")
    inner = ssl.SSLCertVerificationError("inner")
    inner.verify_message = "self-signed certificate"
    outer.__cause__, middle.__context__ = middle, inner
    error = mapped(outer, "GET /x", "quay.test")
    assert type(error) is TLSVerificationError
    assert "self-signed certificate" in str(error)
    assert "spec.caBundle" in str(error)


def test_a_chain_without_an_end() -> None:
    first, second = httpx.ConnectError("first"), RuntimeError("second")
    first.__context__, second.__context__ = second, first
    assert type(mapped(first, "GET /x", "quay.test")) is UnreachableError


@pytest.mark.parametrize(
    ("cls", "sent", "late"),
    [
        (httpx.ConnectError, False, False),
        (httpx.ConnectTimeout, False, True),
        (httpx.PoolTimeout, False, True),
        (httpx.ProxyError, False, False),
        (httpx.ReadTimeout, True, True),
        (httpx.WriteTimeout, True, True),
        (httpx.ReadError, True, False),
        (httpx.RemoteProtocolError, True, False),
    ],
)
def test_what_is_known_of_a_request_without_an_answer(cls: type[httpx.RequestError], sent: bool, late: bool) -> None:
    error = mapped(cls("x"), "GET /x", "quay.test")
    error.__cause__ = cls("x")
    assert (was_sent(error), timed_out(error)) == (sent, late)


def test_an_answer_is_sent_and_in_time() -> None:
    error = ServerFaultError("500", system="quay")
    assert was_sent(error)
    assert not timed_out(error)


def test_a_long_reason_is_cut() -> None:
    assert len(str(mapped(httpx.ReadError("x" * 1000), "GET /x", "quay.test"))) == 300
