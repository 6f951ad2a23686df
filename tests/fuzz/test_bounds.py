"""Bounded time and memory: ten times the input takes twenty times the time at most, and megabytes a few times themselves."""

from __future__ import annotations

import base64
import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.adapters.quay.support import ENDPOINT
from tests.admission_caches import linked_caches, recorded
from tests.fuzz.test_cluster_answers import stream_of
from tests.fuzz.watching import assert_scales, only_documented, peak
from tests.fuzz.wires import exchange
from tests.laws.strategies import bare
from tests.runtime.webhook.wire import request

from quaybridge_sdk.adapters.kubernetes import objects
from quaybridge_sdk.adapters.quay import QuayRegistry
from quaybridge_sdk.admission import Admission, decode_review
from quaybridge_sdk.errors import InvalidReviewError, QuaybridgeError, ThrottledError
from quaybridge_sdk.mapping.build_import import parse_destination
from quaybridge_sdk.mapping.desired import desired_state
from quaybridge_sdk.mapping.reverse import reverse
from quaybridge_sdk.model.admission import AdmissionRequest
from quaybridge_sdk.model.integration import HOSTNAME_RULE
from quaybridge_sdk.model.openshift import Namespace
from quaybridge_sdk.model.quay import SecretText
from quaybridge_sdk.model.state import Applied, ClusterState
from quaybridge_sdk.runtime.logs import redact
from quaybridge_sdk.runtime.queue import WorkQueue
from quaybridge_sdk.runtime.webhook.app import parse_timeout
from quaybridge_sdk.runtime.workers import WorkerPool

MEGABYTE = 1 << 20
LINKED = linked_caches()


def review_with(*path: str, value: Any) -> bytes:
    review = recorded("docker-annotated")
    found = review["request"]["object"]
    for step in path[:-1]:
        found = found[step]
    found[path[-1]] = value
    return json.dumps(review).encode()


def reviewed(body: bytes) -> None:
    result = only_documented(lambda: decode_review(body), InvalidReviewError)
    if isinstance(result, AdmissionRequest):
        Admission(LINKED).review(result)


def quay_answers(status: int, *chunks: bytes, headers: dict[str, str] | None = None) -> None:
    class Flood(httpx.BaseTransport):
        def handle_request(self, _: httpx.Request) -> httpx.Response:
            return httpx.Response(status, headers=headers or {}, stream=Chunks())

    class Chunks(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            return iter(chunks)

    with QuayRegistry(ENDPOINT, SecretText("t"), transport=Flood(), sleep=lambda _: None) as registry:
        only_documented(lambda: registry.robots("org_a"))


Prepare = Callable[[int], Callable[[], object]]


def on(call: Callable[[Any], object], of: Callable[[int], Any]) -> Prepare:
    """The work of ``call`` on an input that is made once."""

    def prepare(size: int) -> Callable[[], object]:
        value = of(size)
        return lambda: call(value)

    return prepare


def namespace_with(streams: int) -> ClusterState:
    return ClusterState(Namespace("shop", "u"), image_streams=frozenset(f"app-{n}" for n in range(streams)))


SCALING: dict[str, tuple[Prepare, int]] = {
    "review: long output name": (on(reviewed, lambda n: review_with("spec", "output", "to", "name", value="a:" * n)), 100_000),
    "review: many annotations": (
        on(reviewed, lambda n: review_with("metadata", "annotations", value={f"k{i}": "v" for i in range(n)})),
        10_000,
    ),
    "review: deep": (on(reviewed, lambda n: b'{"a":' * n), 100_000),
    "review: long number": (on(reviewed, lambda n: b'{"kind":' + b"9" * n), 100_000),
    "connection: small pieces": (
        on(lambda d: exchange([d[i : i + 100] for i in range(0, len(d), 100)], LINKED), lambda n: request(b"x" * n)),
        100_000,
    ),
    "connection: many requests": (on(lambda d: exchange([d], LINKED), lambda n: b"GET /healthz HTTP/1.1\r\n\r\n" * n), 500),
    "timeout": (on(parse_timeout, lambda n: "timeout=" + "1m" * n + "x&timeout=" + "1ms" * n), 10_000),
    "quay: error text": (on(lambda d: quay_answers(400, d), lambda n: b'{"message":"' + b"duplicate key " * n + b'"}'), 20_000),
    "quay: page": (on(lambda d: quay_answers(500, d), lambda n: b"<title>" * n), 20_000),
    "quay: robots": (
        on(
            lambda d: quay_answers(200, d),
            lambda n: json.dumps(
                {"robots": [{"name": f"o+{i}", "token": "t", "repositories": ["a"]} for i in range(n)]}
            ).encode(),
        ),
        2_000,
    ),
    "watch: many lines": (on(lambda d: list(stream_of([d]).lines()), lambda n: b'{"a":1}\n' * n), 10_000),
    "record": (on(Applied.loads, lambda n: '{"registry":' + "[" * n), 100_000),
    "destination": (on(parse_destination, lambda n: "a/" * n + ":" * n), 100_000),
    "reverse": (on(reverse, lambda n: "q/" + "a_b." * n + "+" * n), 20_000),
    "hostname": (on(HOSTNAME_RULE.fullmatch, lambda n: "a" + ".-" * n), 100_000),
    "redaction": (on(redact, lambda n: 'bearer "token" : "' * n + "A" * n), 5_000),
    "secret": (
        on(objects.parse_pull_secret, lambda n: {"data": {objects.PULL_SECRET_KEY: base64.b64encode(b"x" * n).decode()}}),
        100_000,
    ),
    "image streams": (on(lambda c: desired_state(bare(), c, "c").fingerprint, namespace_with), 1_000),
}


@pytest.mark.parametrize("case", SCALING)
def test_time_grows_with_the_input_and_no_faster(case: str) -> None:
    assert_scales(*SCALING[case])


def test_a_long_line_of_a_watch_in_pieces_costs_what_it_is_long() -> None:
    assert_scales(on(lambda parts: list(stream_of(list(parts)).lines()), lambda n: [b"x" * 3_000] * n + [b"\n"]), 100)


@pytest.mark.parametrize(
    ("work", "times"),
    [
        (lambda: reviewed(review_with("spec", "output", "to", "name", value="a" * 3 * MEGABYTE)), 18),
        (lambda: reviewed(b"[" * 3 * MEGABYTE), 16),
        (lambda: exchange([request(b"x" * 3 * MEGABYTE)], LINKED), 18),
        (lambda: exchange([request(b"x" * 50_000)] * 60, LINKED), 2),
        (lambda: quay_answers(200, *([b"x" * 65_536] * 48)), 6),
        (lambda: quay_answers(400, b'{"message":"' + b"x" * 3 * MEGABYTE + b'"}'), 12),
        (lambda: Applied.loads("[" * 3 * MEGABYTE), 4),
        (lambda: objects.parse_pull_secret({"data": {objects.PULL_SECRET_KEY: "QUFB" * (3 * MEGABYTE // 4)}}), 4),
    ],
)
def test_three_megabytes_cost_a_few_times_themselves(work: Callable[[], object], times: int) -> None:
    """Of a review's multiple, 12 are what orjson reserves before it reads, and mostly never touches."""
    assert peak(work) < times * 3 * MEGABYTE


def test_an_answer_that_inflates_without_end_is_given_up() -> None:
    """64 KiB, which is what is read at once, become 64 MiB at most; the answer is refused at 32 MiB."""
    bomb = gzip.compress(b"\x00" * (64 * MEGABYTE), 9)
    parts = [bomb[at : at + 16_384] for at in range(0, len(bomb), 16_384)]
    assert peak(lambda: quay_answers(200, *parts, headers={"Content-Encoding": "gzip"})) < 130 * MEGABYTE


def test_an_answer_without_end_is_given_up() -> None:
    assert peak(lambda: quay_answers(200, *([b"x" * 65_536] * 1_000))) < 100 * MEGABYTE


@given(st.one_of(st.floats(0, allow_nan=False), st.sampled_from([1e11, float("inf"), 9_223_372_037.0, 1e-9])))
@settings(max_examples=8)
@example(1e11)
@example(float("inf"))
def test_however_long_a_server_asks_us_to_wait_workers_live_and_the_key_comes_back(seconds: float) -> None:
    failed = threading.Event()
    errors: list[Exception] = []

    def work(key: str) -> float | None:
        if key == "throttled":
            raise ThrottledError("x", system="quay", retry_after=seconds)
        return None

    def on_error(_: str, error: Exception) -> None:
        assert isinstance(error, QuaybridgeError)
        errors.append(error)
        failed.set()

    queue: WorkQueue[str] = WorkQueue()
    with WorkerPool(queue, work, 1, on_error, grace=5.0) as pool:
        queue.add("throttled")
        assert failed.wait(5)
        deadline = time.monotonic() + 2
        while not queue._due and len(errors) < 2:
            assert time.monotonic() < deadline, "the key is forgotten"
        queue.add("other")
        assert pool._threads[0].is_alive()
        assert all(due - queue._clock() <= 301 for due in queue._due.values())
