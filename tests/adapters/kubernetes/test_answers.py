"""Every failure that was recorded from real servers, and every one that the transport can have, becomes the right error."""

from __future__ import annotations

import json
import ssl
from typing import Any

import pytest
import urllib3.exceptions
from tests.adapters.kubernetes.support import CASSETTES, Recorded, cassette, recorded

from quaybridge_sdk import errors
from quaybridge_sdk.adapters.kubernetes.answers import Call, answer_error, status_error, transport_error

NAMES = tuple(sorted(path.stem for path in CASSETTES.glob("*.yaml")))
PASSING = "system:anonymous"

EXPECTED: dict[tuple[int, str], type[errors.RemoteError]] = {
    (400, "BadRequest"): errors.RequestRefusedError,
    (401, "Unauthorized"): errors.TokenInvalidError,
    (403, "Forbidden"): errors.ForbiddenError,
    (403, "NamespaceTerminating"): errors.NotFoundError,
    (404, "NotFound"): errors.NotFoundError,
    (404, "text"): errors.NotFoundError,
    (405, "MethodNotAllowed"): errors.RequestRefusedError,
    (405, "text"): errors.RequestRefusedError,
    (406, "NotAcceptable"): errors.RequestRefusedError,
    (409, "AlreadyExists"): errors.AlreadyExistsError,
    (409, "Conflict"): errors.ConflictError,
    (410, "Expired"): errors.ExpiredError,
    (413, "RequestEntityTooLarge"): errors.RequestRefusedError,
    (415, "UnsupportedMediaType"): errors.RequestRefusedError,
    (422, "Invalid"): errors.RequestRefusedError,
    (500, ""): errors.ServerFaultError,
    (503, "text"): errors.UnreachableError,
    (504, "ResourceVersionTooLarge"): errors.ExpiredError,
}


def failures() -> list[Recorded]:
    return [answer for name in NAMES for answer in cassette(name) if answer.status >= 400]


def meaning(answer: Recorded) -> str:
    if not answer.answer or "json" not in answer.headers.get("content-type", ""):
        return "text"
    status = answer.json()
    causes = {cause.get("reason") for cause in (status.get("details") or {}).get("causes", ())}
    special = causes & {"NamespaceTerminating", "ResourceVersionTooLarge"}
    return str(special.pop() if special else status.get("reason") or "")


def test_every_recorded_failure_has_its_error() -> None:
    assert len(failures()) > 200
    for answer in failures():
        call = Call(answer.method, answer.path, not answer.anonymous)
        error = answer_error(call, answer.status, answer.headers, answer.answer.encode())
        passing = answer.status == 403 and PASSING in answer.answer and not answer.anonymous
        wanted = errors.UnreachableError if passing else EXPECTED[answer.status, meaning(answer)]
        assert type(error) is wanted, answer
        assert error.system == "kubernetes"
        assert str(error).startswith(f"{answer.method} {answer.path}: {answer.status} ")


def test_the_recordings_hold_each_kind_of_failure_of_the_table() -> None:
    assert {(answer.status, meaning(answer)) for answer in failures()} == EXPECTED.keys()


def test_a_403_as_anonymous_is_passing_only_for_one_who_sent_credentials() -> None:
    passing = recorded("12-aggregation-outage", 15)
    assert PASSING in passing.answer
    for authenticated, wanted in ((True, errors.UnreachableError), (False, errors.ForbiddenError)):
        call = Call("GET", passing.path, authenticated)
        assert type(answer_error(call, 403, passing.headers, passing.answer.encode())) is wanted


def test_a_missing_right_says_which() -> None:
    denied = recorded("12-aggregation-outage", 13)
    error = answer_error(Call("GET", denied.path), 403, denied.headers, denied.answer.encode())
    assert type(error) is errors.ForbiddenError
    assert 'cannot list resource "imagestreams" in API group "image.openshift.io"' in str(error)


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), (None, None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)])
def test_429_says_when_to_come_back(header: str | None, seconds: float | None) -> None:
    error = answer_error(Call("GET", "/x"), 429, {"Retry-After": header} if header else {}, b"Too many requests")
    assert isinstance(error, errors.ThrottledError)
    assert error.retry_after == seconds


def test_what_a_refused_secret_holds_is_not_told() -> None:
    """A patch or body that does not decode comes back whole in the message."""
    quoting = {"message": 'patch: Invalid value: "{\\"data\\":{\\"token\\":\\"c2VjcmV0\\"}}"', "reason": "Invalid",
               "details": {"causes": [{"field": "data[.dockerconfigjson]", "message": "c2VjcmV0"}]}}  # fmt: skip
    path = "/api/v1/namespaces/team/secrets/pull"
    error = status_error(Call("PUT", path), 422, quoting)
    assert str(error) == f"PUT {path}: 422 Invalid data[.dockerconfigjson]"
    text = answer_error(Call("PUT", path), 500, {}, b"c2VjcmV0")
    assert "c2VjcmV0" not in str(text)
    assert "c2VjcmV0" in str(status_error(Call("PUT", "/api/v1/namespaces/team"), 422, quoting))


def test_a_long_text_is_cut() -> None:
    error = status_error(Call("GET", "/x"), 422, {"message": "y" * 5000})
    assert len(str(error)) < 600


def urllib3_errors() -> list[type[urllib3.exceptions.HTTPError]]:
    found = [value for value in vars(urllib3.exceptions).values() if isinstance(value, type)]
    return [value for value in found if issubclass(value, urllib3.exceptions.HTTPError)]


@pytest.mark.parametrize("kind", urllib3_errors(), ids=lambda kind: kind.__name__)
def test_every_error_of_the_transport_is_mapped(kind: type[urllib3.exceptions.HTTPError]) -> None:
    error: Any = kind.__new__(kind)
    error.args = ("broken",)
    error.partial = error.expected = error.length = 0  # what the texts of two of them are made of
    error.response = None
    assert type(transport_error(Call("GET", "/x"), error)) is errors.UnreachableError


def test_an_untrusted_certificate_is_an_error_of_its_own() -> None:
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate")
    assert type(transport_error(Call("GET", "/x"), urllib3.exceptions.SSLError(cause))) is errors.TLSVerificationError
    other = urllib3.exceptions.SSLError(ssl.SSLEOFError(8, "EOF occurred in violation of protocol"))
    assert type(transport_error(Call("GET", "/x"), other)) is errors.UnreachableError


def test_an_error_event_of_a_watch_is_read_like_an_answer() -> None:
    last = recorded("12-aggregation-outage", 30).answer.splitlines()[-1]
    status = json.loads(last)["object"]
    error = status_error(Call("GET", "/apis/image.openshift.io/v1/imagestreams"), status["code"], status)
    assert type(error) is errors.ExpiredError
    assert "too old resource version" in str(error)
