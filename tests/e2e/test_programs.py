"""The real programs as real processes over real sockets: what a stranger types, and what a pod does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from tests.e2e.running import World

from quaybridge_sdk.cli.main import COMMANDS
from quaybridge_sdk.cli.stage import bridge, eventually, process

ROOT = Path(__file__).parents[2]
BUILD = {
    "source": {"type": "Dockerfile", "dockerfile": "FROM scratch"},
    "strategy": {"type": "Docker", "dockerStrategy": {}},
    "output": {"to": {"kind": "ImageStreamTag", "name": "app:latest"}},
}


def quaybridge(*arguments: str, module: str = "quaybridge_sdk.cli") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT, env=environment)


def test_the_demo_converges() -> None:
    done = quaybridge("demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "was imported into its ImageStream" in done.stdout
    assert "all of it is cleaned up" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_there_for_each_command(name: str) -> None:
    done = quaybridge(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: quaybridge")


@pytest.mark.parametrize(
    "arguments",
    [
        ("nope",),
        ("controller", "--workers", "none"),
        ("names",),
        ("controller", "--metrics-bind-address", "x"),
        ("plan", "--kubeconfig"),
    ],
)
def test_bad_arguments_get_one_line_and_exit_code_2(arguments: tuple[str, ...]) -> None:
    done = quaybridge(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.parametrize("module", ["entrypoints.controller", "entrypoints.webhook"])
def test_the_entrypoints_are_the_same_programs(module: str) -> None:
    assert quaybridge("--help", module=module).stdout == quaybridge(module.partition(".")[2], "--help").stdout


def test_a_missing_kubeconfig_is_one_line() -> None:
    done = quaybridge("controller", "--kubeconfig", "/does/not/exist")
    assert done.returncode == 2
    assert "kubeconfig" in done.stderr
    assert "Traceback" not in done.stderr


def test_only_the_leader_works_and_the_other_takes_over(world: World) -> None:
    common = ["--kubeconfig", str(world.stage.kubeconfig), "--metrics-bind-address", "0", "--health-probe-bind-address", "0"]
    elect = [*common, "--leader-elect", "--leader-election-namespace", "default"]
    lease = "/apis/coordination.k8s.io/v1/namespaces/default/leases/0111fb36.redhat.com"
    with process(world.stage, "controller", *elect) as first:
        eventually("a leader", lambda: world.cluster.find(lease))
        holder = (world.cluster.find(lease) or {})["spec"]["holderIdentity"]
        with process(world.stage, "controller", *elect):
            first.send_signal(signal.SIGTERM)
            assert first.wait(20) == 0
            eventually("the other", lambda: (world.cluster.find(lease) or {})["spec"]["holderIdentity"] not in ("", holder))


def test_a_first_build_right_after_its_namespace_is_held_and_then_rewritten(world: World) -> None:
    with bridge(world.stage):
        world.link(allowlistNamespaces=["shop"])
        world.namespace("shop", "app")
        made = world.cluster.call(
            "POST", "/apis/build.openshift.io/v1/namespaces/shop/builds", {"metadata": {"name": "app-1"}, "spec": BUILD}
        )
        assert made["spec"]["output"]["to"]["kind"] == "DockerImage"
        assert world.credentials("shop") is not None


def test_plan_shows_sync_does_and_then_there_is_nothing_left(world: World) -> None:
    world.namespace("shop", "app")
    world.link(allowlistNamespaces=["shop"])
    kubeconfig = ("--kubeconfig", str(world.stage.kubeconfig))
    world.stage.openshift.settle()
    plan = quaybridge("plan", *kubeconfig)
    assert plan.returncode == 0, plan.stderr
    assert "+ organization openshift_shop" in plan.stdout
    assert "+ repository openshift_shop/app" in plan.stdout
    assert "openshift_shop" not in world.stage.quay.organizations()
    sync = quaybridge("sync", *kubeconfig)
    assert sync.returncode == 0, sync.stderr
    assert "1 of 1 namespaces are as wanted" in sync.stdout
    assert set(world.stage.quay.organizations()["openshift_shop"].repositories) == {"app"}
    assert "0 changes in 0 of 1 namespaces" in quaybridge("plan", *kubeconfig).stdout
    headers = {"Authorization": f"Bearer {world.stage.quay.token}"}
    url = f"{world.stage.quay.url}/api/v1/organization/openshift_shop/robots/deployer"
    assert httpx.delete(url, headers=headers, trust_env=False).status_code == 204
    drifted = quaybridge("plan", *kubeconfig, "--detailed-exit-code")
    assert drifted.returncode == 3, drifted.stdout
    assert quaybridge("sync", *kubeconfig).returncode == 0
    assert "deployer" in world.stage.quay.organizations()["openshift_shop"].robots
    assert "0 changes in 0 of 1 namespaces" in quaybridge("plan", *kubeconfig).stdout


def test_what_no_single_integration_covers_is_told_and_no_success(world: World) -> None:
    kubeconfig = ("--kubeconfig", str(world.stage.kubeconfig))
    for command in ("plan", "sync"):
        none = quaybridge(command, *kubeconfig)
        assert (none.returncode, "there is no QuayIntegration" in none.stderr) == (1, True)
    world.namespace("shop")
    world.link("one", allowlistNamespaces=["shop"])
    world.link("two", allowlistNamespaces=["shop"])
    for command in ("plan", "sync"):
        contested = quaybridge(command, *kubeconfig)
        assert contested.returncode == 1
        assert "namespace shop is covered by several QuayIntegrations" in contested.stderr
        assert "not covered" in quaybridge(command, "-n", "openshift-operators", *kubeconfig).stderr


def test_doctor_finds_what_is_missing_and_says_how_to_mend_it(world: World) -> None:
    kubeconfig = ("--kubeconfig", str(world.stage.kubeconfig))
    assert quaybridge("doctor", *kubeconfig).returncode == 1
    world.link()
    good = quaybridge("doctor", *kubeconfig, "--output", "json", "--skip", "webhook")
    assert good.returncode == 0, good.stdout
    assert "the token belongs to admin" in good.stdout
    world.token("expired-token-of-old")
    bad = quaybridge("doctor", *kubeconfig)
    assert bad.returncode == 1
    assert "make a new OAuth token" in " ".join(bad.stdout.split())


def test_no_program_shows_a_token(world: World) -> None:
    world.namespace("shop", "app")
    world.link(allowlistNamespaces=["shop"])
    with process(world.stage, "controller", "--kubeconfig", str(world.stage.kubeconfig), "--zap-log-level", "debug",
                 "--metrics-bind-address", "127.0.0.1:0", "--health-probe-bind-address", "0"):  # fmt: skip
        eventually("credentials", lambda: world.credentials("shop", "deployer"))
    log = (world.stage.folder / "controller.log").read_text(encoding="utf-8")
    assert log
    secrets = [world.stage.quay.token, *(c[1] for a in ("builder", "default", "deployer") if (c := world.credentials("shop", a)))]
    assert len(secrets) == 4
    assert not [secret for secret in secrets if secret in log]
    assert httpx.__name__ not in log
