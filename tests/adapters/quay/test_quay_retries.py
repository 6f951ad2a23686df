"""What is sent again, how often, and after how long."""

from __future__ import annotations

import httpx
import pytest
from tests.adapters.quay.support import Clock, answer, page, recorded, scripted

from quaybridge_sdk.adapters.quay.retries import LONGEST, RETRIES
from quaybridge_sdk.errors import ReadOnlyError, ServerFaultError, ThrottledError, UnreachableError

GOOD = recorded("errors", 11)
CREATED = answer(201, {"name": "shop+builder", "token": "T"})


@pytest.mark.parametrize("hiccup", [page(502), page(503), page(504), httpx.ReadError("x"), httpx.ConnectError("x")])
def test_a_read_survives_a_hiccup(hiccup: httpx.Response | Exception) -> None:
    clock = Clock()
    registry, script = scripted(hiccup, hiccup, hiccup, recorded("errors", 11), clock=clock)
    assert registry.check_token() == "admin"
    assert len(script.requests) == 1 + RETRIES
    assert len(clock.slept) == RETRIES
    assert sum(clock.slept) <= LONGEST


def test_waits_grow_and_differ() -> None:
    """Full jitter: many clients that saw the same outage do not come back at the same moment."""
    waits = []
    for _ in range(60):
        clock = Clock()
        registry, _ = scripted(page(502), page(502), page(502), recorded("errors", 11), clock=clock)
        registry.check_token()
        waits.append(clock.slept)
    first, _, third = zip(*waits, strict=True)
    assert len(set(first)) > 50
    assert max(first) <= 0.2
    assert max(third) > 0.2
    assert max(third) <= 1.5


@pytest.mark.parametrize(
    ("last", "error"), [(page(503), ServerFaultError), (httpx.ReadError("x"), UnreachableError)], ids=["answer", "none"]
)
def test_an_outage_ends_the_attempts(last: httpx.Response | Exception, error: type[Exception]) -> None:
    registry, script = scripted(*[last] * 4)
    with pytest.raises(error):
        registry.check_token()
    assert len(script.requests) == 4


@pytest.mark.parametrize("status", [400, 403, 404, 500, 520])
def test_what_would_be_the_same_again_is_not_asked_again(status: int) -> None:
    registry, script = scripted(page(status))
    with pytest.raises(Exception, match=str(status)):
        registry.check_token()
    assert len(script.requests) == 1


def test_a_timeout_is_not_asked_again() -> None:
    registry, script = scripted(httpx.ReadTimeout("x"))
    with pytest.raises(UnreachableError):
        registry.check_token()
    assert len(script.requests) == 1


def test_read_only_is_no_hiccup() -> None:
    registry, script = scripted(answer(503, {"is_readonly": True, "message": "read-only"}))
    with pytest.raises(ReadOnlyError):
        registry.check_token()
    assert len(script.requests) == 1


@pytest.mark.parametrize("read", [True, False], ids=["read", "write"])
def test_a_small_retry_after_is_obeyed(read: bool) -> None:
    """Also for a write: it was turned away at the door."""
    clock = Clock()
    first = httpx.Response(429, headers={"Retry-After": "2"})
    registry, script = scripted(first, recorded("errors", 11) if read else CREATED, clock=clock)
    assert registry.check_token() if read else registry.create_robot("shop", "builder", "")
    assert clock.slept == [2.0]
    assert len(script.requests) == 2


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "3"}, {"Retry-After": "3600"}])
def test_throttled_without_a_small_one_is_the_queues_matter(headers: dict[str, str]) -> None:
    clock = Clock()
    registry, script = scripted(httpx.Response(429, headers=headers), clock=clock)
    with pytest.raises(ThrottledError):
        registry.check_token()
    assert (len(script.requests), clock.slept) == (1, [])


def test_quay_cannot_hold_a_thread_with_small_ones() -> None:
    clock = Clock()
    registry, script = scripted(*[httpx.Response(429, headers={"Retry-After": "2"}) for _ in range(5)], clock=clock)
    with pytest.raises(ThrottledError):
        registry.check_token()
    assert len(script.requests) == 1 + RETRIES


def test_the_time_of_slow_attempts_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """tenacity measures by time.monotonic: here each attempt takes three seconds, so the next would begin too late."""
    clock = Clock()
    monkeypatch.setattr("tenacity.time.monotonic", clock)

    def slow(request: httpx.Request) -> httpx.Response:
        clock.now += 3.0
        return page(502)

    registry, script = scripted(clock=clock)
    monkeypatch.setattr(type(script), "handle_request", lambda self, request: (self.requests.append(request), slow(request))[1])
    with pytest.raises(ServerFaultError):
        registry.check_token()
    assert len(script.requests) == 2


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_write_is_never_sent_again_without_a_look(status: int) -> None:
    registry, script = scripted(page(status), recorded("robots", 6))
    assert registry.create_robot("openshift_vcr-robots", "builder", "").token
    assert [line.split()[0] for line in script.lines] == ["PUT", "GET"]
