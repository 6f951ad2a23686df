"""The commands against the embedded servers: real adapters, real sockets, the real webhook."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.pki import issue
from tests.e2e.running import World
from tests.e2e.running import world as make_world

from quaybridge_sdk.cli.doctor.catalogue import CHECKS, TOPICS
from quaybridge_sdk.cli.main import run
from quaybridge_sdk.cli.stage import bridge

ACCOUNT = "system:serviceaccount:openshift-operators:bridge"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_world(tmp_path) as made:
        yield made


def doctor(world: World, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = run(["doctor", "--kubeconfig", str(world.stage.kubeconfig), "--output", "json", *arguments])
    return code, json.loads(capsys.readouterr().out)


def failures(document: dict[str, Any]) -> set[str]:
    return {row["check"] for row in document["findings"] if row["status"] == "failure"}


def test_before_anything_is_there(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    code, document = doctor(world, capsys)
    assert code == 1
    assert failures(document) == {"integrations.present", "webhook.configuration"}
    assert {row["check"] for row in document["findings"]} <= set(CHECKS)


def test_with_the_bridge_at_work_nothing_fails(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.link(allowlistNamespaces=["shop"])
    world.namespace("shop", "app")
    with bridge(world.stage):
        code, document = doctor(world, capsys)
    assert (code, failures(document)) == (0, set())
    good = {row["check"] for row in document["findings"] if row["status"] == "ok"}
    assert {
        "webhook.trust",
        "webhook.certificate",
        "quay.token",
        "quay.health",
        "clocks.skew",
        "rights.rules",
        "webhook.way",
    } <= good
    assert world.stage.quay.token not in json.dumps(document)


def test_a_webhook_whose_bundle_is_another_ca(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.link()
    path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/quay-bridge-operator"
    with bridge(world.stage):
        webhook = (world.cluster.find(path) or {})["webhooks"][0]
        webhook["clientConfig"]["caBundle"] = issue(ca=True).base64
        world.cluster.call("PATCH", path, {"webhooks": [webhook]}, "application/merge-patch+json")
        assert failures(doctor(world, capsys)[1]) == {"webhook.trust"}


def test_an_expired_token_and_a_token_with_too_little(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.link()
    world.token("expired-token-of-old")
    assert failures(doctor(world, capsys, "--skip", "webhook")[1]) == {"quay.token"}
    world.stage.quay.add_user("alice")
    world.token(world.stage.quay.issue_token("alice", ["user:read", "org:admin"]))
    code, document = doctor(world, capsys, "--skip", "webhook")
    assert code == 0
    warned = {row["check"] for row in document["findings"] if row["status"] == "warning"}
    assert "quay.superuser" in warned


def test_scopes_show_in_what_the_bridge_has_made(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.namespace("shop", "app")
    world.link(allowlistNamespaces=["shop"])
    assert run(["sync", "--kubeconfig", str(world.stage.kubeconfig)]) == 0
    world.token(world.stage.quay.issue_token("admin", ["user:read", "org:admin"]))
    capsys.readouterr()
    _, document = doctor(world, capsys, "--skip", "webhook")
    found = {row["subject"].partition(": ")[2]: row["status"] for row in document["findings"] if row["check"] == "quay.scopes"}
    assert found["org:admin or super:user"] == "ok"
    assert found["repo:admin or super:user"] == "failure"


def test_rights_of_a_service_account(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.stage.openshift.allow(ACCOUNT, "*", "secrets")
    world.token("any")
    body = {"metadata": {"name": "bridge"}}
    world.cluster.call("POST", "/api/v1/namespaces/openshift-operators/serviceaccounts", body)
    code, document = doctor(world, capsys, "--service-account", "openshift-operators/bridge", "--skip", "webhook")
    rights = {row["subject"]: row for row in document["findings"] if row["check"] == "rights.rules"}
    assert code == 1
    assert rights["secrets"]["status"] == "ok"
    assert rights["namespaces"]["status"] == "failure"
    assert "--serviceaccount=openshift-operators:bridge" in rights["namespaces"]["commands"][1]


def test_a_quay_that_is_down(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.link()
    world.stage.quay.stop()
    assert failures(doctor(world, capsys, "--skip", "webhook")[1]) == {"quay.reachable"}


def test_a_cluster_that_is_down_is_the_only_finding(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.stage.openshift.stop()
    code, document = doctor(world, capsys)
    assert code == 1
    assert [row["check"] for row in document["findings"]] == ["cluster.api"]


def test_openshift_api_that_is_away(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.stage.openshift.aggregation = "refused"
    assert "cluster.groups" in failures(doctor(world, capsys)[1])


def test_the_table_is_for_people(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--kubeconfig", str(world.stage.kubeconfig), *(f"--skip={t}" for t in TOPICS if t != "cluster")]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert out.splitlines()[-1].startswith("0 failed, ")


@pytest.mark.parametrize("arguments", [("--service-account", "bridge"), ("--skip", "nope"), ("--service-account", "a/b c")])
def test_bad_arguments(arguments: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", *arguments]) == 2
    assert capsys.readouterr().out == ""


def test_plan_in_json_and_its_exit_code(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.namespace("shop", "app")
    world.link(allowlistNamespaces=["shop"])
    plan = ["plan", "--kubeconfig", str(world.stage.kubeconfig), "--output", "json", "--detailed-exit-code"]
    assert run(plan) == 3
    document = json.loads(capsys.readouterr().out)
    assert {"side": "quay", "verb": "create", "kind": "organization", "name": "openshift_shop", "namespace": "shop",
            "detail": ""} in document["actions"]  # fmt: skip
    assert run(["sync", "--kubeconfig", str(world.stage.kubeconfig)]) == 0
    capsys.readouterr()
    assert run(plan) == 0
    assert json.loads(capsys.readouterr().out)["actions"] == []
    world.stage.quay.stop()
    assert run(plan) == 1


def test_sync_lists_failures_at_the_end(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.namespace("shop", "app")
    world.link(allowlistNamespaces=["shop"])
    world.token("expired-token-of-old")
    assert run(["sync", "--kubeconfig", str(world.stage.kubeconfig)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "0 of 1 namespaces are as wanted"
    assert lines[-2] == "  -> run `quaybridge doctor`, and mend what it finds"


def test_sync_interrupted_and_resumed(world: World) -> None:
    names = [f"team-{number:02}" for number in range(12)]
    for name in names:
        world.namespace(name)
    world.link(allowlistNamespaces=names)
    world.stage.openshift.settle()
    world.stage.quay.latency = 0.05
    command = [sys.executable, "-m", "quaybridge_sdk.cli", "sync", "--kubeconfig", str(world.stage.kubeconfig), "--parallel", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "src"}) as running:
        deadline = time.monotonic() + 30
        while not world.stage.quay.organizations() and time.monotonic() < deadline:
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=30)
    assert running.returncode == 130, out
    assert "namespaces are left" in out
    made = dict(world.stage.quay.organizations())
    assert 0 < len(made) < len(names)
    world.stage.quay.latency = 0
    before = len([call for call in world.stage.quay.api_calls if call.method == "POST" and call.path.endswith("organization/")])
    assert run(["sync", "--kubeconfig", str(world.stage.kubeconfig)]) == 0
    calls = [call for call in world.stage.quay.api_calls if call.method == "POST" and call.path.endswith("organization/")]
    assert len(calls) - before == len(names) - len(made)
    assert len(world.stage.quay.organizations()) == len(names)


def test_tokens_are_nowhere_in_the_output(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.namespace("shop", "app")
    world.link(allowlistNamespaces=["shop"])
    for command in ("plan", "sync", "doctor"):
        run([command, "--kubeconfig", str(world.stage.kubeconfig)])
    out = "".join(capsys.readouterr())
    robot = world.credentials("shop")
    assert robot is not None
    for secret in (world.stage.quay.token, robot[1]):
        assert secret not in out
        assert base64.b64encode(secret.encode()).decode() not in out
