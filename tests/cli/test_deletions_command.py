"""Which of the remembered deletions an administrator's word is about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.running import INTEGRATIONS, World
from tests.e2e.running import world as make_world

from quaybridge_sdk.cli.main import run

ORG = "openshift_shop"
ENTRY = {
    "organization": ORG,
    "namespace": "shop",
    "namespaceUID": "gone",
    "policy": "Delete",
    "reason": "Quarantine",
    "due": "2100-01-01T00:00:00+00:00",
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Two integrations of two Quays; both remember an organization of the same name."""
    with make_world(tmp_path) as made:
        for name, reason in (("a", "Quarantine"), ("b", "Burst")):
            made.link(name, allowlistNamespaces=[name], quayHostname=f"https://{name}.example.com")
            rows = [{**ENTRY, "quay": f"https://{name}.example.com", "reason": reason}]
            body = {"status": {"deletions": rows}}
            made.cluster.call("PATCH", f"{INTEGRATIONS}/{name}/status", body, "application/merge-patch+json")
        yield made


def deletions(world: World, *arguments: str) -> int:
    return run(["deletions", *arguments, "--kubeconfig", str(world.stage.kubeconfig)])


def due(world: World, name: str) -> str:
    found = (world.cluster.find(f"{INTEGRATIONS}/{name}") or {})["status"]["deletions"]
    return str(found[0].get("due", "never"))


@pytest.mark.parametrize("word", ["confirm", "undo"])
def test_a_name_that_two_integrations_remember_is_refused_until_one_is_chosen(
    world: World, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deletions(world, word, ORG) == 2
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert "--integration quay.redhat.com/a (https://a.example.com) or --integration quay.redhat.com/b" in told
    assert due(world, "a") == due(world, "b") == ENTRY["due"]
    for chosen in ("b", "quay.redhat.com/b"):
        assert deletions(world, word, ORG, "--integration", chosen) == 0
        assert capsys.readouterr().out.startswith(f"{ORG} of quay.redhat.com/b: is ")
    assert due(world, "a") == ENTRY["due"]
    assert due(world, "b") != ENTRY["due"]


def test_all_is_what_a_burst_has_held_and_no_namesake(world: World) -> None:
    assert deletions(world, "confirm", "--all", "--integration", "a") == 0
    assert due(world, "b") == ENTRY["due"]
    assert deletions(world, "confirm", "--all") == 0
    assert due(world, "a") == ENTRY["due"]
    assert due(world, "b") != ENTRY["due"]


def test_the_table_tells_namesakes_apart(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    assert deletions(world) == 0
    told = capsys.readouterr().out
    for name in ("a", "b"):
        assert any(f"quay.redhat.com/{name} " in line and f"https://{name}.example.com" in line for line in told.splitlines())
    assert deletions(world, "--integration", "a") == 0
    told = capsys.readouterr().out
    assert "quay.redhat.com/a" in told
    assert "https://" not in told
    assert deletions(world, "--integration", "a", "--output", "json") == 0
    assert [row["integration"] for row in json.loads(capsys.readouterr().out)] == ["quay.redhat.com/a"]


def test_an_integration_that_is_not_there_is_told(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert deletions(world, "--integration", "c") == 2
    assert "no QuayIntegration c, but: quay.redhat.com/a, quay.redhat.com/b" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["confirm", "undo"])
def test_a_word_on_which_nothing_would_follow_is_refused(world: World, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    spec = {"spec": {"quayHostname": "https://moved.example.com"}}
    world.cluster.call("PATCH", f"{INTEGRATIONS}/a", spec, "application/merge-patch+json")
    assert deletions(world, word, ORG, "--integration", "a") == 2
    assert "remembered for https://a.example.com, which quayHostname does not say" in capsys.readouterr().err
    assert due(world, "a") == ENTRY["due"]
