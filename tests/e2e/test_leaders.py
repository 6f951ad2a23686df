"""Never two leaders at once, with real sockets and real processes; how a controller ends, and when it is not alive."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.adapters.kubernetes.support import client_of
from tests.e2e.running import INTEGRATIONS, World

from quaybridge_sdk.adapters.kubernetes.leases import KubernetesLeases
from quaybridge_sdk.cli.controller import LEASE_LOST
from quaybridge_sdk.cli.stage import eventually, free_ports, process
from quaybridge_sdk.runtime.leader import INCUMBENT_LOCK, ElectionTimes, LeaderElector, Term
from quaybridge_sdk.testing.http import Fault, HttpServer, Request, Response
from quaybridge_sdk.testing.openshift import EmbeddedOpenShift

LEASE = f"/apis/coordination.k8s.io/v1/namespaces/default/leases/{INCUMBENT_LOCK}"
NO_PAGES = ("--metrics-bind-address", "0", "--health-probe-bind-address", "0")
ELECT = ("--leader-elect", "--leader-election-namespace", "default")


class Relay(HttpServer):
    """Another way to the same API server, so that faults on it concern only the one who takes it."""

    def __init__(self, cluster: EmbeddedOpenShift) -> None:
        super().__init__()
        self._cluster = cluster

    def handle(self, request: Request) -> Response:
        return self._cluster.handle(request)


@pytest.fixture
def relay(world: World) -> Iterator[Relay]:
    with Relay(world.stage.openshift) as running:
        yield running


def holder(world: World) -> str:
    lease = world.cluster.find(LEASE)
    return str(lease["spec"]["holderIdentity"]) if lease else ""


@pytest.mark.parametrize("calls", ["GET .*/leases/", "PUT .*/leases/", ".*"])
def test_two_electors_never_lead_at_once_while_the_leader_s_calls_hang(world: World, relay: Relay, calls: str) -> None:
    token, times = world.stage.openshift.admin_token, ElectionTimes(duration=4.0, renew_deadline=2.0, retry_period=0.2)
    lost_at: list[float] = []
    with client_of(relay, token) as slow, client_of(world.stage.openshift, token) as quick:
        first = LeaderElector(KubernetesLeases(slow), "default", INCUMBENT_LOCK, "first", times)
        second = LeaderElector(KubernetesLeases(quick), "default", INCUMBENT_LOCK, "second", times)
        assert first.acquire(lambda _: True)
        with Term(first, lambda: lost_at.append(time.monotonic())):
            relay.faults.inject(Fault("silence", calls, times=None, seconds=60))
            assert second.acquire(threading.Event().wait)
            led_at = time.monotonic()
            relay.stop()
    assert len(lost_at) == 1
    assert led_at - lost_at[0] > 1.0, "there is time for the first one's last request to arrive"


@contextmanager
def controller(world: World, kubeconfig: Path, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    with process(world.stage, "controller", "--kubeconfig", str(kubeconfig), *NO_PAGES, *more) as running:
        yield running


def test_a_leading_process_whose_calls_hang_is_gone_before_another_leads(world: World, relay: Relay, tmp_path: Path) -> None:
    hanging = world.stage.quay.faults.inject(Fault("silence", "POST /api/v1/organization/", times=2, seconds=60))
    relayed = tmp_path / "relayed"
    relayed.write_text(world.stage.kubeconfig.read_text().replace(world.stage.openshift.url, relay.url))
    with controller(world, relayed, *ELECT) as first:
        leader = eventually("a leader", lambda: holder(world))
        world.link(allowlistNamespaces=["shop"])
        world.namespace("shop")
        eventually("a call that hangs", lambda: hanging.times == 1)
        with controller(world, world.stage.kubeconfig, *ELECT):
            relay.faults.inject(Fault("silence", "/leases/", times=None, seconds=60))
            assert first.wait(15) == LEASE_LOST, "at once, though work was under way"
            assert holder(world) == leader
            world.stage.quay.faults.clear()
            eventually("another leader", lambda: holder(world) not in ("", leader), 25)
            eventually("its work", lambda: world.credentials("shop"))


def test_one_silent_call_costs_no_leadership(world: World, relay: Relay, tmp_path: Path) -> None:
    relayed = tmp_path / "relayed"
    relayed.write_text(world.stage.kubeconfig.read_text().replace(world.stage.openshift.url, relay.url))
    with controller(world, relayed, *ELECT) as first:
        leader = eventually("a leader", lambda: holder(world))
        relay.faults.inject(Fault("silence", "GET .*/leases/", times=1, seconds=60))
        version = (world.cluster.find(LEASE) or {})["metadata"]["resourceVersion"]
        renewed = lambda: (world.cluster.find(LEASE) or {})["metadata"]["resourceVersion"] != version  # noqa: E731
        eventually("the renewal after it", renewed, 12)
        assert (first.poll(), holder(world)) == (None, leader)
        first.send_signal(signal.SIGTERM)
        assert first.wait(20) == 0
        assert holder(world) == "", "all work had ended, so the lease was given back"


def test_a_lease_is_not_released_while_a_call_to_quay_still_hangs(world: World) -> None:
    hanging = world.stage.quay.faults.inject(Fault("silence", "POST /api/v1/organization/", times=2, seconds=60))
    with controller(world, world.stage.kubeconfig, *ELECT, "--grace", "0.5") as first:
        leader = eventually("a leader", lambda: holder(world))
        world.link(allowlistNamespaces=["shop"])
        world.namespace("shop")
        eventually("a call that hangs", lambda: hanging.times == 1)
        first.send_signal(signal.SIGTERM)
        assert first.wait(20) == 0
        assert holder(world) == leader, "the call may still arrive: nobody else may lead yet"
    assert "runs out by itself" in (world.stage.folder / "controller.log").read_text(encoding="utf-8")


DYING = """
from quaybridge_sdk.runtime.controller import Controller
def work(self, key):
    raise SystemExit
Controller.work = work
from quaybridge_sdk.cli.__main__ import main
main()
"""


def test_a_controller_without_its_workers_is_not_alive(world: World) -> None:
    (port,) = free_ports(1)
    pages = ("--metrics-bind-address", "0", "--health-probe-bind-address", f"127.0.0.1:{port}")
    command = [sys.executable, "-c", DYING, "controller", "--kubeconfig", str(world.stage.kubeconfig), *pages]

    def dead() -> bool:
        try:
            answer = httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)
        except httpx.TransportError:
            return False
        return (answer.status_code, answer.text) == (503, "not ready: workers\n")

    assert world.cluster.find(f"{INTEGRATIONS}/quay") is None
    running = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=dict(os.environ))
    try:
        eventually("liveness fails", dead)
    finally:
        running.terminate()
        running.wait(20)
