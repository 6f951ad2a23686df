"""The webhook's connection under any bytes in any pieces: whole replies, in order, or a clear end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.admission_caches import Caches, linked_caches
from tests.fuzz.corpus import admission_reviews, bodies, encoded, mangled, pieces, snippets
from tests.fuzz.watching import CANARY, quiet_log
from tests.fuzz.wires import STATUSES, exchange, responses
from tests.runtime.webhook.wire import request

from quaybridge_sdk.runtime.webhook.connection import MAX_BODY, MAX_HEAD

LINKED = linked_caches()
CREATIONS = tuple(review for review in admission_reviews() if review["request"]["operation"] == "CREATE")
cuts = st.lists(st.integers(0, 100_000), max_size=12)

content_types = st.sampled_from(
    ["", "text/plain", "application/json; charset=utf-16", "multipart/form-data; boundary=x", "\x01", "a" * 500]
)
targets = st.sampled_from(
    ["/admissionwebhook", "/admissionwebhook?timeout=10s", "/admissionwebhook?timeout=" + "9" * 400 + "h", "/healthz", "/%00",
     "//admissionwebhook", "/admissionwebhook?timeout=1ms&timeout=" + "1m" * 200 + "x", "*", "http://x/healthz", "/\xff"]
)  # fmt: skip
methods = st.sampled_from(["POST", "POST", "POST", "GET", "PUT", "OPTIONS", "SUBSCRIBE"])


def chunked(body: bytes, cuts_of_body: list[int], method: str, target: str) -> bytes:
    """A request whose body comes in chunks, with an extension and a trailer."""
    parts = b"".join(b"%x;x=y\r\n%b\r\n" % (len(part), part) for part in pieces(body, cuts_of_body))
    head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode("latin-1")
    return head + parts + b"0\r\nX-Trailer: y\r\n\r\n"


@st.composite
def requests(draw: st.DrawFn, payloads: st.SearchStrategy[bytes]) -> bytes:
    body, method, target = draw(payloads), draw(methods), draw(targets)
    if draw(st.booleans()):
        return chunked(body, draw(cuts), method, target)
    lines = [f"{method} {target} HTTP/1.1", f"Content-Length: {len(body)}", f"Content-Type: {draw(content_types)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def with_uid(number: int) -> bytes:
    review: Any = json.loads(json.dumps(CREATIONS[number % len(CREATIONS)]))
    review["request"]["uid"] = f"row-{number}"
    return encoded(review)


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans(), cuts), min_size=1, max_size=5), cuts)
def test_requests_in_a_row_are_answered_in_order_however_they_are_cut(
    rows: list[tuple[int, bool, list[int]]], at: list[int]
) -> None:
    """With a body's length or in chunks, pipelined, and split at any byte."""
    sent = b""
    for number, in_chunks, parts in rows:
        body = with_uid(number)
        sent += chunked(body, parts, "POST", "/admissionwebhook") if in_chunks else request(body)
    for given_pieces in (pieces(sent, at), [sent]):
        found, transport = exchange(given_pieces, LINKED)
        assert [json.loads(reply.body)["response"]["uid"] for reply in found] == [f"row-{number}" for number, *_ in rows]
        assert not transport.paused


def test_one_request_split_at_every_single_byte() -> None:
    sent = chunked(with_uid(1), [50, 900], "POST", "/admissionwebhook?timeout=10s")
    whole, _ = exchange([sent], LINKED)
    assert len(whole) == 1
    for place in range(1, len(sent)):
        assert exchange([sent[:place], sent[place:]], LINKED)[0] == whole


@given(st.lists(requests(bodies(admission_reviews())), min_size=1, max_size=4), cuts, st.booleans(), st.booleans())
def test_any_requests_get_whole_replies_and_no_bug(sent: list[bytes], at: list[int], linked: bool, lost: bool) -> None:
    with quiet_log():
        found, _ = exchange(pieces(b"".join(sent), at), LINKED if linked else Caches(), hold=5.0, lost=lost)
    assert {reply.status for reply in found} <= STATUSES
    assert len(found) <= len(b"".join(sent))


def test_a_held_request_goes_with_its_client() -> None:
    assert exchange([request(with_uid(1))], Caches(), hold=5.0, lost=True)[0] == []


@given(st.one_of(requests(bodies(CREATIONS)).flatmap(mangled), st.lists(snippets, max_size=9).map(b"".join), st.binary()), cuts)
@example(b"POST /admissionwebhook HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", [])
@example(b"POST /admissionwebhook HTTP/1.1\r\nContent-Length: -1\r\n\r\n", [])
@example(b"POST /admissionwebhook HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n", [])
@example(b"POST /admissionwebhook HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [])
@example(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n", [])
@example(b"GET /healthz HTTP/0.9\r\n\r\n" * 3, [])
@example(b"GET /healthz HTTP/1.1\r\nExpect: 100-continue\r\n\r\n" * 3, [5, 60])
def test_any_bytes_at_all_end_in_replies_or_in_silence(sent: bytes, at: list[int]) -> None:
    with quiet_log():
        found, _ = exchange(pieces(sent, at), LINKED)
    assert {reply.status for reply in found} <= STATUSES
    assert all(b"\n" not in reply.body[:-1] for reply in found if reply.status == 400)


@given(st.sampled_from(["body", "head", "target"]), cuts)
def test_a_refusal_quotes_nothing(where: str, at: list[int]) -> None:
    body = {"body": CANARY.encode() + b"{"}.get(where, b"{}")
    target = "/admissionwebhook?x=" + (CANARY if where == "target" else "")
    sent = request(body, target=target, more=f"Authorization: Bearer {CANARY}\r\n" if where == "head" else "") + CANARY.encode()
    with quiet_log():
        found, _ = exchange(pieces(sent, at), LINKED)
    assert [reply.status for reply in found] == [400, 400][: len(found)]
    assert found
    assert CANARY.encode() not in b"".join(reply.body for reply in found)


@pytest.mark.parametrize("piece", [4_096, 262_144])
def test_what_is_too_large_is_refused_while_it_comes(piece: int) -> None:
    """Body with a length, body in chunks, a target and a header without an end."""
    flood = b"x" * piece
    chunk = b"%x\r\n%b\r\n" % (piece, flood)
    starts = {
        b"POST /admissionwebhook HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n": flood,
        b"POST /admissionwebhook HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n": chunk,
        b"POST /": flood,
        b"POST /admissionwebhook HTTP/1.1\r\nX: ": flood,
    }
    for start, more in starts.items():
        count = (MAX_BODY + MAX_HEAD) // len(more) + 3
        found, _ = exchange([start, *([more] * count)], LINKED)
        assert [reply.status for reply in found] in ([413], [414], [400]), start


def test_replies_are_read_as_they_are_written() -> None:
    assert [r.status for r in responses(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx")] == [200]
