"""What Quay says to be gone, before what belongs to it is let go."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import field, frozen

from quaybridge_sdk.errors import ServerFaultError
from quaybridge_sdk.model.quay import Organization, Robot
from quaybridge_sdk.model.state import Absent
from quaybridge_sdk.reconcile.look import look_at_owner, look_at_the_end

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ROBOT = Robot("shop+builder", "")


@frozen
class Quay:
    """``found`` is what it says of the organization itself; ``listed`` are the robots that it lists in it."""

    found: Organization | None
    listed: Mapping[str, Robot] | None
    calls: list[str] = field(factory=list)

    def organization(self, name: str) -> Organization | None:
        self.calls.append("organization")
        return self.found

    def robots(self, organization: str) -> Mapping[str, Robot] | None:
        self.calls.append("robots")
        return self.listed


@pytest.mark.parametrize("listed", [{}, {ROBOT.name: ROBOT}], ids=["found at the second look", "with robots"])
def test_an_organization_that_shows_is_not_gone(listed: dict[str, Robot]) -> None:
    quay: Any = Quay(None, listed)
    with pytest.raises(ServerFaultError, match="no organization 'shop', and shows"):
        look_at_the_end(quay, "shop", NOW)


def test_one_that_is_gone_is_looked_for_twice_at_the_end_only() -> None:
    quay: Any = Quay(None, None)
    assert look_at_the_end(quay, "shop", NOW).organization is Absent.ABSENT
    assert quay.calls == ["organization", "robots"]
    quay.calls.clear()
    assert look_at_owner(quay, "shop", NOW).organization is Absent.ABSENT
    assert quay.calls == ["organization"]


def test_one_that_is_there_costs_no_third_look() -> None:
    quay: Any = Quay(Organization("shop", "mail"), {ROBOT.name: ROBOT})
    assert look_at_the_end(quay, "shop", NOW).robots == {ROBOT.name: ROBOT}
    assert quay.calls == ["organization", "robots"]
