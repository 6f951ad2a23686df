"""Namespaces that go, without a controller: the plan shows what sync does, and sync does what the controller would."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.running import IMAGES, World
from tests.e2e.running import world as make_world

from quaybridge_sdk.cli.assembly import assemble, make_reconciler
from quaybridge_sdk.cli.main import run
from quaybridge_sdk.model.actions import DeleteOrganization, DeleteRepository


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


def test_quay_is_not_asked_where_nothing_of_it_is_needed(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    made(world, "shop", deletionPolicy="Retain")
    world.cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": "held", "finalizers": ["example.com/other"]}})
    delete(world, "shop", "held")
    world.stage.quay.stop()
    code, actions = plan(world, capsys)
    assert (code, [a["detail"] for a in actions]) == (0, ["remove finalizer"])


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
