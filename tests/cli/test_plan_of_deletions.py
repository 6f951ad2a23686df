"""Namespaces that go, without a controller: the plan shows what sync does, and sync does what the controller would."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from tests.e2e.running import IMAGES, INTEGRATIONS, World
from tests.e2e.running import world as make_world
from tests.e2e.test_bridge import MERGE, quay
from tests.laws.strategies import bare

from quaybridge_sdk.cli.assembly import assemble, make_reconciler
from quaybridge_sdk.cli.main import run
from quaybridge_sdk.cli.stage import eventually
from quaybridge_sdk.model.actions import DeleteOrganization, DeleteRepository
from quaybridge_sdk.model.deletion import Deletion, DeletionPolicy, DeletionReason
from quaybridge_sdk.reconcile.rate import held_lately


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_world(tmp_path) as made:
        yield made


def made(world: World, *names: str, **spec: Any) -> None:
    """Namespaces, integrated."""
    for name in names:
        world.namespace(name, "app")
    world.link(allowlistNamespaces=[*names, "held"], **spec)
    world.stage.openshift.settle()
    assert sync(world) == 0


def delete(world: World, *names: str) -> None:
    for name in names:
        world.cluster.call("DELETE", f"/api/v1/namespaces/{name}")
    world.stage.openshift.settle()


def sync(world: World, *arguments: str) -> int:
    return run(["sync", "--kubeconfig", str(world.stage.kubeconfig), *arguments])


def plan(world: World, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, str]]]:
    capsys.readouterr()
    code = run(["plan", "--kubeconfig", str(world.stage.kubeconfig), "--output", "json", *arguments])
    return code, json.loads(capsys.readouterr().out)["actions"]


def gone(world: World, *names: str) -> bool:
    return not any(world.cluster.find(f"/api/v1/namespaces/{name}") for name in names)


def entries(world: World) -> list[dict[str, str]]:
    status = (world.cluster.find(f"{INTEGRATIONS}/quay") or {}).get("status") or {}
    return list(status.get("deletions") or ())


def test_sync_does_what_the_plan_shows_and_then_there_is_nothing_left(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    made(world, "shop", "stays")
    delete(world, "shop")
    code, actions = plan(world, capsys)
    assert code == 0
    assert [(a["verb"], a["kind"], a["name"]) for a in actions] == [
        ("delete", "organization", "openshift_shop"),
        ("change", "namespace", "shop"),
    ]
    assert sync(world) == 0
    out = capsys.readouterr().out
    assert "shop: - organization openshift_shop" in out
    assert out.splitlines()[-1] == "2 of 2 namespaces are as wanted"
    eventually("gone", lambda: gone(world, "shop"))
    assert set(world.stage.quay.organizations()) == {"openshift_stays"}
    assert plan(world, capsys) == (0, [])


def test_a_burst_is_planned_and_held_as_the_controller_holds_it(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    made(world, "one", "two", "three", "later", deletionLimit=1)
    delete(world, "one", "two", "three")
    _, actions = plan(world, capsys)
    assert [a["name"] for a in actions if (a["verb"], a["kind"]) == ("delete", "organization")] == ["openshift_one"]
    assert Counter(a["namespace"] for a in actions if "(Burst)" in a["detail"]) == Counter({"three": 1, "two": 1})
    assert sync(world, "--parallel", "8") == 0
    eventually("gone", lambda: gone(world, "one", "two", "three"))
    assert set(world.stage.quay.organizations()) == {"openshift_two", "openshift_three", "openshift_later"}
    assert {entry["reason"] for entry in entries(world)} == {"Burst"}
    delete(world, "later")
    assert not [a for a in plan(world, capsys)[1] if (a["verb"], a["kind"]) == ("delete", "organization")]
    assert sync(world) == 0, "what another run has held counts"
    assert "openshift_later" in world.stage.quay.organizations()


def test_quay_is_not_asked_where_nothing_of_it_is_needed(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    made(world, "shop", deletionPolicy="Retain")
    world.cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": "held", "finalizers": ["example.com/other"]}})
    delete(world, "shop", "held")
    world.stage.quay.stop()
    code, actions = plan(world, capsys)
    assert (code, [a["detail"] for a in actions]) == (0, ["remove finalizer"])
    assert sync(world) == 0
    eventually("gone", lambda: gone(world, "shop"))


def test_an_organization_that_is_not_proved_ours_is_kept_by_sync(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    made(world, "shop")
    quay(world, "DELETE", "/api/v1/organization/openshift_shop")
    world.stage.quay.collect_garbage()
    quay(world, "POST", "/api/v1/organization/", {"name": "openshift_shop", "email": "somebody@example.com"})
    delete(world, "shop")
    assert [a["detail"] for a in plan(world, capsys)[1]] == ["remove finalizer"]
    assert sync(world) == 0
    eventually("gone", lambda: gone(world, "shop"))
    assert "openshift_shop" in world.stage.quay.organizations()


def test_what_is_only_shown_is_not_counted_as_done(world: World) -> None:
    made(world, "shop", "one", deletionLimit=1, imageStreamDeletionPolicy="Delete")
    world.cluster.call("DELETE", f"{IMAGES}/shop/imagestreams/app")
    delete(world, "one")
    with assemble(str(world.stage.kubeconfig), None) as assembly:
        assembly.require_synced(20)
        reconciler = make_reconciler(assembly)
        for _ in range(2):
            assert isinstance(reconciler.preview("shop")[0], DeleteRepository)
            assert isinstance(reconciler.preview("one")[0], DeleteOrganization)
        assert isinstance(reconciler.reconcile("shop", full=True).actions[0], DeleteRepository)
        assert isinstance(reconciler.reconcile("one").actions[0], DeleteOrganization)


def test_a_rotation_is_planned_with_its_pull_secret_in_the_words_of_sync(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    made(world, "shop")
    annotation = {"metadata": {"annotations": {"quaybridge.io/rotate": "now"}}}
    world.cluster.call("PATCH", "/api/v1/namespaces/shop/serviceaccounts/builder", annotation, MERGE)
    lines = ["~ robot openshift_shop+builder: new token, the old one ends", "~ pull secret shop/builder-quay-openshift"]
    capsys.readouterr()
    assert run(["plan", "--kubeconfig", str(world.stage.kubeconfig)]) == 0
    assert [line.strip() for line in capsys.readouterr().out.splitlines()][1:3] == lines
    assert sync(world) == 0
    assert [line.strip().removeprefix("shop: ") for line in capsys.readouterr().out.splitlines()][:2] == lines


def test_a_secret_of_another_type_in_the_way_is_told_by_sync_alone(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.namespace("shop")
    world.link(allowlistNamespaces=["shop"])
    world.stage.openshift.settle()
    body = {"metadata": {"name": "builder-quay-openshift"}, "type": "Opaque"}
    world.cluster.call("POST", "/api/v1/namespaces/shop/secrets", body)
    _, actions = plan(world, capsys)
    assert ("create", "shop/builder-quay-openshift") in [(a["verb"], a["name"]) for a in actions if a["kind"] == "pull secret"]
    assert sync(world) == 1
    assert "is there with type 'Opaque'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("minutes", "reason", "key", "lately"),
    [
        (59, DeletionReason.BURST, "quay.redhat.com/quay", True),
        (61, DeletionReason.BURST, "quay.redhat.com/quay", False),
        (1, DeletionReason.QUARANTINE, "quay.redhat.com/quay", False),
        (1, DeletionReason.BURST, "quay.redhat.com/other", False),
    ],
)
def test_only_what_was_held_within_the_hour_uses_the_limit_up(
    minutes: int, reason: DeletionReason, key: str, lately: bool
) -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    integration = evolve(bare(), name="quay", quarantine_days=3)
    due = now - timedelta(minutes=minutes) + timedelta(days=3)
    held = Deletion(key, "openshift_shop", "shop", "U", "https://quay", DeletionPolicy.DELETE, reason, due)
    undone = evolve(held, reason=DeletionReason.UNDONE, due=None)
    assert held_lately(integration, (held, undone), now) is lately
