"""Rules of the checker that a soak without a defect never sees fail: repositories that go with ImageStreams, or must not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from tests.soak import records
from tests.soak.checker import Checker
from tests.soak.diary import Page

from quaybridge_sdk.testing.quay.snapshots import OrganizationSnapshot, RepositorySnapshot

GROUND: Any = SimpleNamespace(cluster_uid="c0ffee")
CHECKER = Checker(GROUND, (), {})


def page(cluster_id: str = "openshift", **facts: Any) -> Page:
    return Page("shop", cluster_id, uid="7f1c", streams={"app"}, ever={"app", "web"}, **facts)


def organization(tags: dict[str, str] | None = None, **descriptions: str) -> OrganizationSnapshot:
    """With these repositories; each has the same tags."""
    rows = {name: RepositorySnapshot(text, False, "NORMAL", {}, tags or {}) for name, text in descriptions.items()}
    return OrganizationSnapshot("", {}, (), rows)


def told(page: Page, found: OrganizationSnapshot) -> str:
    return "; ".join([*CHECKER._repositories(page, found), *CHECKER._images(page, found)])


OURS = records.mark(GROUND, page())
KEPT = {"cluster_id": "second"}


@pytest.mark.parametrize(
    ("facts", "web", "text"),
    [
        ({}, OURS, "repositories left over: ['web']"),
        ({"ignored": {"web"}}, OURS, ""),
        ({}, "by hand", ""),
        ({}, OURS.replace("7f1c", "0ther"), ""),
        (KEPT, OURS, ""),
    ],
)
def test_only_what_bears_the_mark_must_go(facts: dict[str, Any], web: str, text: str) -> None:
    assert told(page(**facts), organization(app=OURS, web=web)) == text


def test_what_somebody_has_described_must_stay() -> None:
    assert told(page(kept={"web"}), organization(app=OURS)) == "repositories gone that had to stay: ['web']"


def test_the_images_of_an_image_stream_that_was_made_again_may_be_there_or_not_until_the_bridge_has_seen_it() -> None:
    known = page(images={("app", "v1"): "sha256:1"})
    known.doubt("app")
    there, gone = organization({"v1": "sha256:1"}, app=OURS), organization(app=OURS)
    assert told(known, there) == told(known, gone) == ""
    known.settle("app", {"v1": "sha256:1"})
    assert told(known, there) == ""
    assert told(known, gone) == "images lost: [('app', 'v1')]"


def test_an_image_that_had_gone_by_then_must_not_come_back() -> None:
    known = page(images={("app", "v1"): "sha256:1"})
    known.doubt("app")
    known.settle("app", {})
    assert told(known, organization(app=OURS)) == ""
    assert told(known, organization({"v1": "sha256:1"}, app=OURS)) == "images left over: [('app', 'v1')]"
