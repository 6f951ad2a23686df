"""Quay's answers of any status, body and headers, through every method of the adapter: a value of the documented type, or one of
the documented errors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from attrs import define, field
from hypothesis import example, given
from hypothesis import strategies as st
from tests.adapters.quay.support import ENDPOINT, Clock
from tests.fuzz.corpus import answers, bodies, documents, encoded, odd_values
from tests.fuzz.watching import CANARY, only_documented, quiet_log, told

from quaybridge_sdk.adapters.quay import QuayRegistry
from quaybridge_sdk.errors import InvalidNameError, RemoteError
from quaybridge_sdk.model.quay import Role, SecretText

MOST_CALLS = 40
"""Requests of one call of a method, its own retries and looks included; lists could go on for ever."""

Method = Callable[[QuayRegistry], object]
METHODS: dict[str, Method] = {
    "organization": lambda r: r.organization("org_a"),
    "robots": lambda r: r.robots("org_a"),
    "robot_roles": lambda r: r.robot_roles("org_a", "builder"),
    "prototypes": lambda r: r.prototypes("org_a"),
    "repositories": lambda r: r.repositories("org_a"),
    "repository_states": lambda r: r.repository_states("org_a"),
    "check_token": lambda r: r.check_token(),
    "superuser": lambda r: r.superuser(),
    "create_organization": lambda r: r.create_organization("org_a", "a@b.invalid"),
    "mark_organization": lambda r: r.mark_organization("org_a", "a@b.invalid"),
    "delete_organization": lambda r: r.delete_organization("org_a"),
    "create_robot": lambda r: r.create_robot("org_a", "builder", "x"),
    "delete_robot": lambda r: r.delete_robot("org_a", "builder"),
    "regenerate_robot": lambda r: r.regenerate_robot("org_a", "builder"),
    "create_prototype": lambda r: r.create_prototype("org_a", "org_a+builder", Role.WRITE),
    "update_prototype": lambda r: r.update_prototype("org_a", "id-1", Role.READ),
    "delete_prototype": lambda r: r.delete_prototype("org_a", "id-1"),
    "create_repository": lambda r: r.create_repository("org_a", "app"),
    "delete_repository": lambda r: r.delete_repository("org_a", "app"),
    "set_repository_state": lambda r: r.set_repository_state("org_a", "app", read_only=True),
    "set_repository_permission": lambda r: r.set_repository_permission("org_a", "app", "org_a+builder", Role.READ),
}


def test_every_method_is_here() -> None:
    found = {name for name in dir(QuayRegistry) if not name.startswith("_") and callable(getattr(QuayRegistry, name))}
    assert found - {"close", "in_background"} == set(METHODS)


@define
class Answering(httpx.BaseTransport):
    """Gives these answers in turn, the last one for ever; counts."""

    script: list[tuple[int, dict[str, bytes], bytes]]
    calls: int = field(default=0)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert CANARY not in str(request.url)
        self.calls += 1
        assert self.calls <= MOST_CALLS, "a loop without an end"
        status, headers, body = self.script[min(self.calls, len(self.script)) - 1]
        return httpx.Response(status, headers=[(n.encode(), v) for n, v in headers.items()], stream=httpx.ByteStream(body))


def asked(method: str, script: list[tuple[int, dict[str, bytes], bytes]]) -> object:
    """What a method makes of these answers; the token is the secret."""
    clock = Clock()
    transport = Answering(script)
    with quiet_log(), QuayRegistry(ENDPOINT, SecretText(CANARY), transport=transport, sleep=clock.sleep, clock=clock) as registry:
        assert CANARY not in repr(registry)
        found = only_documented(lambda: METHODS[method](registry), RemoteError, InvalidNameError)
    assert sum(clock.slept) <= 60, "a method that waits without end"
    return found


statuses = st.one_of(
    st.sampled_from([200, 200, 200, 201, 204, 400, 401, 403, 404, 409, 429, 500, 502, 503]), st.integers(200, 599), st.just(999)
)
types = st.sampled_from([b"application/json", b"text/html; charset=utf-8", b"", b"\xff\x00", b"application/json; charset=utf-99"])
waits = st.sampled_from(
    [b"0", b"1", b"2", b"3600", b"9" * 400, b"-1", b"\xb2", b"1e5", b"soon", b"Mon, 01 Jan 2024 00:00:00 +" + b"9" * 18,
     b"Fri, 31 Dec 9999 23:59:59 GMT", b"Mon, 01 Jan 0001 00:00:00 +2359"]
) | st.binary(max_size=12).filter(lambda raw: not set(raw) & set(b"\r\n"))  # fmt: skip
places = st.sampled_from([b"/", b"https://quay.test/x", b"http://a:b@c/", b"//", b"?x", b"", b"\xff\xfe", b"http://a:99999999/"])
headers = st.fixed_dictionaries({"Content-Type": types}, optional={"Retry-After": waits, "Location": places})
quay_bodies = st.one_of(
    bodies(documents("quay_adapter")),
    bodies(documents("quay")),
    st.sampled_from([body.encode() for _, _, body in answers("quay_adapter")]),
    st.dictionaries(st.sampled_from(["message", "detail", "error_message", "error", "title"]), odd_values, max_size=3).map(
        encoded
    ),
    st.sampled_from([b'{"message":"\\ud800"}', b"<title>\xff</title>", b"<title>" * 500, b"null", b"[]", b'"x"']),
)
scripts = st.lists(st.tuples(statuses, headers, quay_bodies), min_size=1, max_size=5)


@pytest.mark.parametrize("method", METHODS)
@given(script=scripts)
@example(script=[(400, {}, b'{"message":"\\ud800"}')])
@example(script=[(429, {"Retry-After": b"Mon, 01 Jan 2024 00:00:00 +999999999999999999"}, b"{}")])
def test_any_answers_become_a_value_or_a_documented_error(method: str, script: Any) -> None:
    asked(method, script)


@given(st.sampled_from(sorted(METHODS)), statuses, st.sampled_from(["body", "type", "title", "name"]))
def test_a_server_that_quotes_the_token_does_not_bring_it_into_a_message(method: str, status: int, where: str) -> None:
    secret = CANARY.encode()
    shapes = {
        "body": (b'{"message": "you sent ' + secret + b'"}', b"application/json"),
        "title": (b"<title>Bearer " + secret + b"</title>", b"text/html"),
        "name": (b'{"name": "' + secret + b'", "token": 7, "robots": [{"name": 1}]}', b"application/json"),
        "type": (b"", b"application/json"),
    }
    body, kind = shapes[where]
    found = asked(method, [(status, {"Content-Type": kind}, body)])
    assert not isinstance(found, Exception) or CANARY not in told(found)


@pytest.mark.parametrize("place", [b"http://[", b"//xn--a/", b"mailto:x"])
def test_a_redirect_to_what_is_no_address_is_a_documented_error(place: bytes) -> None:
    for method in METHODS:
        asked(method, [(302, {"Location": place}, b"")])
