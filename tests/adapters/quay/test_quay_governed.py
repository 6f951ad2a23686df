"""The governor under the adapter: what a registry with one sends, and what it does not."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from tests.adapters.quay.support import ENDPOINT, TOKEN, Clock, Script, answer, calls, page, recorded, registry_of

from quaybridge_sdk.adapters.quay import Governor, QuayRegistry
from quaybridge_sdk.adapters.quay.answers import Answer
from quaybridge_sdk.adapters.quay.breaker import THRESHOLD, Circuit
from quaybridge_sdk.adapters.quay.routes import Call
from quaybridge_sdk.errors import QuaybridgeError, ServerFaultError, TokenInvalidError, UnreachableError
from quaybridge_sdk.model.quay import SecretText
from quaybridge_sdk.testing.http import Fault
from quaybridge_sdk.testing.quay import EmbeddedQuay


def test_a_registry_is_governed_and_does_not_retry_what_is_held_back() -> None:
    clock, governed = Clock(), Governor("http://quay.test")
    script = Script([httpx.ConnectError("refused") for _ in range(THRESHOLD)])
    registry = QuayRegistry(ENDPOINT, SecretText(TOKEN), governor=governed, transport=script, sleep=clock.sleep, clock=clock)
    for _ in range(20):
        with pytest.raises(UnreachableError):
            registry.organization("shop")
    assert len(script.lines) == THRESHOLD
    assert len(clock.slept) == THRESHOLD - 1, "between those that were sent, and before none that was not"
    with pytest.raises(UnreachableError, match="not called"):
        registry.create_robot("shop", "builder", "")
    assert len(script.lines) == THRESHOLD, "and a write that was not sent needs no second look"


def test_the_outage_of_a_database_is_found_out_by_the_second_look(quay: EmbeddedQuay) -> None:
    """500 to everything. Each write is followed by a read, which tells."""
    governed = Governor(quay.url)
    with registry_of(quay, governor=governed) as registry:
        quay.faults.inject(Fault("status", "", status=500, content_type="text/html", times=None))
        for number in range(50):
            with pytest.raises((ServerFaultError, UnreachableError)):
                registry.create_repository("shop", f"app-{number}")
    assert governed.standing.circuit is Circuit.OPEN
    assert len(calls(quay)) <= 2 * THRESHOLD


def test_a_mistake_that_quay_crashes_on_stops_nobody(quay: EmbeddedQuay) -> None:
    governed = Governor(quay.url)
    with registry_of(quay, governor=governed) as registry:
        for number in range(20):
            with pytest.raises(QuaybridgeError, match="no organization"):
                registry.create_repository("gone", f"app-{number}")
    assert governed.standing.circuit is Circuit.CLOSED


def test_a_view_for_the_background_shares_all_but_the_turn() -> None:
    seen: list[bool] = []

    class Seeing(Governor):
        def send(self, call: Call, send: Callable[[Call], Answer], *, background: bool = False) -> Answer:
            seen.append(background)
            return super().send(call, send, background=background)

    governed = Seeing("http://quay.test")
    script = Script([recorded("errors", 11), recorded("errors", 11), answer(401, {"error_type": "invalid_token"})])
    with QuayRegistry(ENDPOINT, SecretText(TOKEN), governor=governed, transport=script) as registry:
        view = registry.in_background()
        assert [registry.check_token(), view.check_token()] == ["admin", "admin"]
        with pytest.raises(TokenInvalidError):
            view.robots("shop")
    assert seen == [False, True, True]
    with pytest.raises(RuntimeError, match="closed"):
        view.check_token()


def test_without_a_governor_the_view_is_the_same_client() -> None:
    script = Script([recorded("errors", 11), page(404)])
    with QuayRegistry(ENDPOINT, SecretText(TOKEN), transport=script) as registry:
        assert registry.in_background().check_token() == "admin"
