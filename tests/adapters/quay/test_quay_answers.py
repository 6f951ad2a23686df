"""Every shape of an answer, recorded from a real Quay wherever it was recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.quay.support import answer, page, recorded, recordings

from quaybridge_sdk.adapters.quay import routes
from quaybridge_sdk.adapters.quay.answers import MEANINGS, Answer, failure, require_done, value
from quaybridge_sdk.adapters.quay.parse import prototype, repositories, repository_names, robots
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

CALL = routes.LIST_ROBOTS.call({"organization": "shop"})

RECORDED: dict[tuple[str, int], tuple[type[RemoteError], str]] = {
    ("errors", 1): (ServerFaultError, "a redirect to http://127.0.0.1:8080/api/v1/organization/"),
    ("errors", 2): (ServerFaultError, "is quayHostname Quay's own address"),
    ("errors", 5): (RequestRefusedError, "method is not allowed"),
    ("errors", 6): (RequestRefusedError, "could not understand"),
    ("errors", 7): (RequestRefusedError, "Content-Type was not"),
    ("errors", 8): (RequestRefusedError, "'name' is a required property"),
    ("errors", 9): (TokenInvalidError, "CSRF token"),
    ("errors", 13): (TokenInvalidError, "Requires authentication"),
    ("errors", 16): (ForbiddenError, "Unauthorized"),
    ("errors", 21): (ServerFaultError, "Internal Server Error"),
    ("organization", 0): (NotFoundError, "Not Found"),
    ("organization", 2): (AlreadyExistsError, "already exists"),
    ("organization", 8): (RequestRefusedError, "must match expression"),
    ("organization", 14): (RequestRefusedError, "Email has already been used"),
    ("organization", 19): (ForbiddenError, "org:admin or super:user"),
    ("organization", 21): (NotFoundError, "Not Found"),
    ("organization", 23): (NameNotFreeError, "not available"),
    ("robots", 2): (NotFoundError, "Could not find robot"),
    ("robots", 4): (AlreadyExistsError, "Existing robot"),
    ("robots", 11): (RequestRefusedError, "must match expression"),
    ("robots", 14): (RequestRefusedError, "value too long"),
    ("robots", 16): (NotFoundError, "Organization does not exist"),
    ("repositories", 3): (AlreadyExistsError, "already exists"),
    ("prototypes", 8): (RequestRefusedError, "None is not of type 'object'"),
    ("prototypes", 10): (NotFoundError, "Missing delegate"),
    ("prototypes", 19): (NotFoundError, "Not Found"),
    ("permissions", 4): (NotFoundError, "does not have permission"),
    ("permissions", 12): (NotFoundError, "Invalid username"),
    ("permissions", 13): (RequestRefusedError, "Cannot add robot"),
    ("permissions", 14): (ServerFaultError, "Internal Server Error"),
}


def _answer(response: httpx.Response, call: routes.Call = CALL) -> Answer:
    headers = response.headers
    return Answer(call, response.status_code, headers.get("Content-Type", ""), response.content, headers.get("Location", ""))


@pytest.mark.parametrize(("cassette", "index"), RECORDED, ids=lambda part: str(part))
def test_recorded_refusals(cassette: str, index: int) -> None:
    expected, words = RECORDED[cassette, index]
    error = failure(_answer(recorded(cassette, index)))
    assert type(error) is expected
    assert words in str(error)
    assert error.system == "quay"


@pytest.mark.parametrize(("cassette", "index", "status"), [row for row in recordings() if row[2] >= 300])
def test_each_recorded_refusal_is_an_error_of_ours_in_one_short_line(cassette: str, index: int, status: int) -> None:
    error = failure(_answer(recorded(cassette, index)))
    assert isinstance(error, RemoteError)
    assert len(str(error)) <= 300
    assert "\n" not in str(error)
    assert f"Quay answered {status}" in str(error)


MEASURED = [  # shapes that were measured, but are in no recording
    (answer(503, {"is_readonly": True, "message": "System is currently read-only."}), ReadOnlyError, "read-only"),
    (page(401, '{"error": "Anonymous access is not allowed"}'), TokenInvalidError, "Anonymous access"),
    (
        page(400, '{"error": "API calls must be invoked with an X-Requested-With header"}'),
        RequestRefusedError,
        "X-Requested-With",
    ),
    (page(413), ServerFaultError, "Some page"),
    (answer(413, {"message": "too large for the gateway"}), ServerFaultError, "too large"),
    (page(429), ThrottledError, "too many requests"),
    (page(502), ServerFaultError, "Some page"),
    (page(503), ServerFaultError, "Some page"),
    (page(504, "no title at all"), ServerFaultError, "a page ''"),
    (page(404), ServerFaultError, "is quayHostname"),
    (page(403), ForbiddenError, "org:admin or super:user"),
    (page(405), ServerFaultError, "Some page"),
    (answer(404, {"message": "no Route matched"}), ServerFaultError, "no Route matched"),
    (answer(409, {"detail": "tag is immutable"}), ConflictError, "immutable"),
    (answer(415, {"message": "Repository already exists"}), RequestRefusedError, "already"),  # only a 400 means it
    (answer(402, {"detail": "exceeds licence"}), RequestRefusedError, "exceeds"),
    (answer(520, {"detail": "downstream", "error_type": "downstream_issue"}), ServerFaultError, "downstream"),
    (answer(400, {}), RequestRefusedError, "no reason given"),
    (
        answer(400, {"message": 'duplicate key value violates unique constraint "user_username"\nDETAIL: Key'}),
        AlreadyExistsError,
        "duplicate",
    ),
    (answer(400, {"message": "(1062, \"Duplicate entry 'a-b' for key\")"}), AlreadyExistsError, "1062"),
    (answer(400, {"message": "UNIQUE constraint failed: user.username"}), AlreadyExistsError, "UNIQUE"),
    (answer(400, {"message": "Existing robot with name: a+b"}), AlreadyExistsError, "Existing"),  # 3.9 and before: shape B
    (answer(400, ["a", "list"]), ServerFaultError, "no answer of Quay"),
]


@pytest.mark.parametrize(("response", "expected", "words"), MEASURED)
def test_measured_shapes(response: httpx.Response, expected: type[RemoteError], words: str) -> None:
    error = failure(_answer(response))
    assert type(error) is expected
    assert words in str(error)


def test_a_forbidden_call_names_the_scopes_it_needs() -> None:
    call = routes.CREATE_ORGANIZATION.call({})
    assert "the scope user:admin," in str(failure(_answer(recorded("errors", 16), call)))
    assert "scope" not in str(failure(_answer(answer(403, {"detail": "no"}), routes.LIST_REPOSITORIES.call({}))))


def test_a_schema_is_not_quoted() -> None:
    assert "Failed validating" not in str(failure(_answer(recorded("prototypes", 8))))


def test_throttled_carries_the_time() -> None:
    error = failure(Answer(CALL, 429, retry_after=7.0))
    assert isinstance(error, ThrottledError)
    assert error.retry_after == 7.0


@pytest.mark.parametrize("body", [b"", b"{", b'{"robots": [{"name": "shop+builder", "token": "TOPSECRET'])
def test_a_truncated_success_is_a_fault_that_quotes_nothing(body: bytes) -> None:
    with pytest.raises(ServerFaultError) as caught:
        value(Answer(CALL, 200, "application/json", body), robots)
    assert f"{len(body)} bytes" in str(caught.value)
    assert "TOPSECRET" not in str(caught.value)
    assert caught.value.__cause__ is None, "json's own error would carry the text with it"
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "the answer must be an object"),
        ({}, "robots must be a list"),
        ({"robots": ["TOPSECRET"]}, "the robot must be an object"),
        ({"robots": [{"token": "TOPSECRET"}]}, "name must be a string"),
        ({"robots": [{"name": "a+b", "token": ["TOPSECRET"]}]}, "token must be a string"),
        ({"robots": [{"name": "a+b", "token": "TOPSECRET", "repositories": [{}]}]}, "repositories must be a list of names"),
        ({"robots": [{"name": "a+b", "repositories": "TOPSECRET"}]}, "repositories must be a list of names"),
    ],
)
def test_wrong_types_are_a_fault_that_says_where(document: object, words: str) -> None:
    with pytest.raises(ServerFaultError, match=words) as caught:
        value(_answer(answer(200, document)), robots)
    assert "TOPSECRET" not in str(caught.value)


def test_a_role_that_quay_does_not_have() -> None:
    document = {"id": "1", "delegate": {"name": "a+b"}, "role": "owner"}
    with pytest.raises(ServerFaultError, match="role is none of Quay's"):
        value(_answer(answer(200, document)), prototype)


def test_done_needs_quays_own_answer() -> None:
    require_done(Answer(CALL, 204))
    require_done(_answer(answer(201, "Created")))
    with pytest.raises(ServerFaultError, match="no JSON, but text/html"):
        require_done(_answer(page(200)))


KEYS = st.sampled_from(
    [
        "robots",
        "name",
        "token",
        "repositories",
        "role",
        "id",
        "delegate",
        "activating_user",
        "is_public",
        "next_page",
        "message",
        "detail",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


@given(
    document=JSON,
    parse=st.sampled_from([robots, prototype, repository_names, repositories]),
    status=st.sampled_from([200, 400, 404, 500]),
)
def test_any_json_is_a_value_or_an_error_of_ours(document: object, parse: Callable[[object], object], status: int) -> None:
    with suppress(RemoteError):
        value(Answer(CALL, status, "application/json", json.dumps(document).encode()), parse)


def test_a_repository_that_does_not_say_whether_it_is_public() -> None:
    """It could be a public one, and so a stranger's view."""
    with pytest.raises(ServerFaultError, match="is_public must be true or false"):
        value(_answer(answer(200, {"repositories": [{"name": "app"}]})), repository_names)


@given(status=st.integers(100, 599), body=st.binary(max_size=200), content_type=st.text(max_size=100))
def test_any_bytes_are_an_error_of_ours(status: int, body: bytes, content_type: str) -> None:
    error = failure(Answer(CALL, status, content_type, body))
    assert isinstance(error, RemoteError)
    assert len(str(error)) <= 300


def test_deep_json_is_no_crash() -> None:
    with pytest.raises(ServerFaultError):
        value(Answer(CALL, 200, "application/json", b"[" * 100_000), robots)


def test_each_meaning_is_used() -> None:
    """A row that no answer of a test falls into may be wrong, or dead."""
    answers = [recorded(*where) for where in RECORDED] + [response for response, _, _ in MEASURED]
    texts = [json.loads(a.content) for a in answers if a.status_code == 400 and a.content.startswith(b"{")]
    words = [str(text.get("detail") or text.get("message")) for text in texts]
    for pattern, _ in MEANINGS:
        assert any(pattern.match(text) for text in words), pattern.pattern
