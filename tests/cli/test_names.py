"""`quaybridge names`: what people and machines read, and what is refused. No server is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from quaybridge_sdk.cli.main import run

SPEC = "{quayHostname: quay.example.com, credentialsSecret: {namespace: ops, name: quay}}"
CLUSTER = f"""
  integrations: [{{apiVersion: quay.redhat.com/v1, metadata: {{name: quay}}, spec: {SPEC}}}]
  namespaces: {{shop: [app]}}
"""


def names(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(["names", *arguments])
    return code, *capsys.readouterr()


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    return json.loads(names(capsys, *arguments, "--output", "json")[1])


@pytest.mark.parametrize("host", ["[/x]", "[fe80::1]:8443", "[bold]quay", "quay\\"])
def test_a_host_that_no_integration_could_have_is_told_as_it_was_given(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = names(capsys, "-n", "shop", "-i", "app", "--host", host)
    assert (code, out) == (2, "")
    assert f"{host!r}" in err


def test_a_host_is_taken_as_an_integration_has_it_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("-n", "shop", "-i", "x" * 240)
    (without,) = document(capsys, *arguments)["repositories"]
    (found,) = document(capsys, *arguments, "--host", "https://quay.example.com/")["repositories"]
    assert without["repository"] == "x" * 240
    assert found["image"] == f"quay.example.com/openshift_shop/{found['repository']}:latest"
    assert len(found["image"].removesuffix(":latest")) == 255


def test_a_cluster_id_is_tried_where_a_name_holds_only_its_digest(capsys: pytest.CaptureFixture[str]) -> None:
    organization = document(capsys, "-n", "shop", "--cluster-id", "Prod")["organization"]
    assert "clusterID" not in document(capsys, "--reverse", organization)
    assert document(capsys, "--reverse", organization, "--cluster-id", "Prod")["clusterID"] == "Prod"


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_long_text_is_folded_and_never_cut(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    stream = "s" * 200
    out = names(capsys, "-n", "shop", "-i", stream)[1]
    assert "…" not in out
    assert out.count("s") >= 3 * len(stream)  # the ImageStream, its repository, its image
    assert max(map(len, out.splitlines())) <= int(columns)


def test_json_is_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("-n", "team--blue", "-i", "app", "-s", "builder", "--host", "quay.example.com", "--tag", "v1")
    assert document(capsys, *arguments) == {
        "organization": "openshift_team.2.blue",
        "robots": [{"account": "builder", "robot": "openshift_team.2.blue+builder", "secret": "builder-quay-openshift"}],
        "repositories": [
            {"imageStream": "app", "repository": "app", "image": "quay.example.com/openshift_team.2.blue/app:v1"},
        ],
    }


def test_without_accounts_it_is_the_three_of_openshift(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "-n", "shop")
    assert [robot["account"] for robot in found["robots"]] == ["builder", "default", "deployer"]
    assert found["repositories"] == []


def test_one_object_for_a_name_read_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert document(capsys, "--reverse", "quay.example.com/openshift_shop/app:v1") == {
        "namespace": "shop",
        "clusterID": "openshift",
        "organization": "openshift_shop",
        "host": "quay.example.com",
        "repository": "app",
        "imageStream": "app",
        "tag": "v1",
    }
    assert document(capsys, "--reverse", "openshift_shop+builder")["account"] == "builder"
    assert "openshift_shop" in names(capsys, "--reverse", "openshift_shop")[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give one of --namespace, --reverse, --collisions: none was given"),
        (("-n", "shop", "--reverse", "x"), "not --namespace and --reverse together"),
        (("--reverse", "x", "--collisions", __file__), "not --reverse and --collisions together"),
        (("--reverse", "[/x]"), "not a name that the bridge makes: '[/x]'"),
    ],
)
def test_wrong_arguments(arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = names(capsys, *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.endswith("(see `quaybridge names --help`)\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- cluster: a\n  namespaces: [", "line 2, column 16: "),
        (f"- cluster: a{CLUSTER}- cluster: b\n  integrations: []\n", "cluster 2 has no `namespaces`"),
        ("- integrations: []\n  namespaces: {}\n", "cluster 1 has no `cluster`"),
        ("- nothing", "cluster 1 has no `cluster`"),
        ("", "not a list of clusters"),
        ("cluster: a", "not a list of clusters"),
        ("- {cluster: a, integrations: {}, namespaces: {}}", "cluster 1: `integrations` is not a list"),
        ("- {cluster: a, integrations: [], namespaces: [x]}", "cluster 1: `namespaces` is not a mapping"),
        ("- {cluster: a, integrations: [quay], namespaces: {}}", "cluster 1: integration 1 is not a QuayIntegration"),
        ("- {cluster: a, integrations: [{spec: {}}], namespaces: {}}", "cluster 1: integration 1: "),
        ("- {cluster: a, integrations: [], namespaces: {shop: app}}", "cluster 1: namespace shop: not a list"),
        ("- 2026-02-31", "not YAML"),
    ],
)
def test_an_inventory_of_another_form(text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "inventory.yaml"
    file.write_text(text, encoding="utf-8")
    code, out, err = names(capsys, "--collisions", str(file))
    assert (code, out) == (2, "")
    assert f"{file}: {words}" in err
    assert len(err.splitlines()) == 1


def test_bytes_that_are_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "inventory.yaml"
    file.write_bytes(b"- \xff")
    assert names(capsys, "--collisions", str(file))[0] == 2


def test_collisions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "inventory.yaml"
    file.write_text(f"- cluster: east{CLUSTER}- cluster: west{CLUSTER}", encoding="utf-8")
    code, out, _ = names(capsys, "--collisions", str(file), "--output", "json")
    assert code == 1
    assert json.loads(out)[0] == {
        "kind": "organization",
        "name": "openshift_shop",
        "where": "quay.example.com",
        "claimants": [
            {"cluster": "east", "namespace": "shop", "object": "shop"},
            {"cluster": "west", "namespace": "shop", "object": "shop"},
        ],
        "rule": "quaybridge",
    }
    assert names(capsys, "--collisions", str(file))[0] == 1
    file.write_text(f"- cluster: east{CLUSTER}", encoding="utf-8")
    assert names(capsys, "--collisions", str(file)) == (0, "nothing collides\n", "")
    assert document(capsys, "--collisions", str(file)) == []
