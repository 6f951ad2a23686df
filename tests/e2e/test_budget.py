"""The call budget: exact counts from the embedded Quay's own log, and the page of the documentation that shows them.

``QUAYBRIDGE_TEST_WRITE_DOCS=1`` writes the page anew.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from tests.e2e.running import World, bridge

from quaybridge_sdk.cli.stage import eventually

APPLIED = "quaybridge.io/applied"
PAGE = Path(__file__).parents[2] / "docs" / "generated" / "budget.md"
BUDGET = {
    "new namespace with 3 ImageStreams": 8 + 3,
    "restart, nothing changed": 0,
    "full check, nothing to repair": 3,
    "check asked for, nothing to repair": 3 + 3,
    "one ImageStream added": 1,
    "ImageStream changed, no new name": 0,
    "pull secret deleted": 1,
    "pull secret edited": 1,
    "service account unlinked": 0,
    "build finished and imported": 0,
}
"""What is allowed, for a namespace with three service accounts."""


def counted(world: World) -> int:
    calls = len(world.stage.quay.api_calls)
    world.stage.quay.clear_requests()
    return calls


def measure(world: World) -> dict[str, int]:
    seen: dict[str, int] = {}
    secret = "/api/v1/namespaces/shop/secrets/default-quay-openshift"
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        world.namespace("shop", "a", "b", "c")
        running.settle(world, 1)
        seen["new namespace with 3 ImageStreams"] = counted(world)
    with bridge(world) as running:
        running.settle(world, 1)
        seen["restart, nothing changed"] = counted(world)
        world.image_stream("shop", "d")
        eventually("repository", lambda: "d" in world.stage.quay.organizations()["openshift_shop"].repositories)
        running.settle(world, 1)
        seen["one ImageStream added"] = counted(world)
        labels = {"metadata": {"labels": {"x": "y"}}}
        stream = "/apis/image.openshift.io/v1/namespaces/shop/imagestreams/d"
        world.cluster.call("PATCH", stream, labels, "application/merge-patch+json")
        running.settle(world, 1)
        seen["ImageStream changed, no new name"] = counted(world)
        world.cluster.call("DELETE", secret)
        eventually("secret again", lambda: world.credentials("shop", "default"))
        running.settle(world, 1)
        seen["pull secret deleted"] = counted(world)
        world.cluster.call("PATCH", secret, {"data": {".dockerconfigjson": "e30="}}, "application/merge-patch+json")
        eventually("secret mended", lambda: _is_whole(world, secret))
        running.settle(world, 1)
        seen["pull secret edited"] = counted(world)
        account = "/api/v1/namespaces/shop/serviceaccounts/default"
        world.cluster.call("PATCH", account, {"imagePullSecrets": None}, "application/merge-patch+json")
        eventually("link again", lambda: (world.cluster.find(account) or {}).get("imagePullSecrets"))
        running.settle(world, 1)
        seen["service account unlinked"] = counted(world)
        world.rewritten_build("shop", "a-1", "a")
        digest = world.push("shop", "a")
        world.finish("shop", "a-1", digest)
        eventually("import", lambda: world.is_imported("shop", "a-1"))
        running.settle(world, 1)
        seen["build finished and imported"] = counted(world)
        asked = {"metadata": {"annotations": {"quaybridge.io/check": "now"}}}
        shop = "/api/v1/namespaces/shop"
        world.cluster.call("PATCH", shop, asked, "application/merge-patch+json")
        eventually("followed", lambda: '"check":"now"' in (world.cluster.find(shop) or {})["metadata"]["annotations"][APPLIED])
        running.settle(world, 1)
        seen["check asked for, nothing to repair"] = counted(world)
    world.clock_offset = timedelta(hours=11)
    with bridge(world) as running:
        running.settle(world, 1)
        seen["full check, nothing to repair"] = counted(world)
    return seen


def _is_whole(world: World, secret: str) -> bool:
    return bool((world.cluster.find(secret) or {}).get("data", {}).get(".dockerconfigjson") != "e30=")


def test_the_budget_is_kept_and_the_page_says_what_was_counted(world: World) -> None:
    seen = measure(world)
    over = {name: (seen[name], allowed) for name, allowed in BUDGET.items() if seen[name] > allowed}
    assert not over
    rows = [f"| {name} | {BUDGET[name]} | {seen[name]} |" for name in BUDGET]
    page = "\n".join(["| situation | at most | counted |", "| --- | --- | --- |", *rows]) + "\n"
    if os.environ.get("QUAYBRIDGE_TEST_WRITE_DOCS"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page


def test_a_restart_writes_nothing(world: World) -> None:
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        world.namespace("shop", "a")
        running.settle(world, 1)
        eventually("status", lambda: world.condition() == ("True", "Synchronized"))
        running.settle(world, 1)
    world.stage.openshift.clear_requests()
    with bridge(world) as running:
        running.settle(world, 1)
    assert [(e.method, e.path) for e in world.stage.openshift.api_writes] == []
