"""The controller as a process, between embedded servers; the Quay spends 215 ms a call on 2 processors, as a real one does.

``python -m benchmarks.bridge``; about two minutes.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.figures import Figure, counted, table
from quaybridge_sdk.cli.stage import Stage, eventually, free_ports, process, set_stage
from quaybridge_sdk.testing.quay import EmbeddedQuay

NAMESPACES, STREAMS = 20, 5
LATENCY, PROCESSORS = 0.215, 2
ALLOWED_CALLS = NAMESPACES * (8 + STREAMS)
ALLOWED_SECONDS = min(31.0, 1.15 * ALLOWED_CALLS * LATENCY / PROCESSORS)
"""Quay's own time for the calls, and at most 15 % for all else. The one place where this limit is."""

FOREIGN_SECRETS, FOREIGN_BYTES = 20_000, 4_096


def run() -> list[Figure]:
    """All measurements, in one run."""
    quay = EmbeddedQuay(latency=LATENCY, parallelism=PROCESSORS)
    with tempfile.TemporaryDirectory() as folder, set_stage(Path(folder), quay) as stage:
        _populate(stage)
        figures = _converge(stage)
        figures.extend(_restart(stage))
        _plant_secrets(stage)
        figures.append(_memory(stage, f"controller with {FOREIGN_SECRETS:,} foreign Secrets of 4 KB", 90, "355 MB"))
        return figures


def _populate(stage: Stage) -> None:
    stage.cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": "openshift-operators"}})
    secret = {"metadata": {"name": "quay-integration"}, "stringData": {"token": stage.quay.token}}
    stage.cluster.call("POST", "/api/v1/namespaces/openshift-operators/secrets", secret)
    for number in range(NAMESPACES):
        stage.cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": f"team-{number}"}})
        for stream in range(STREAMS):
            _add_stream(stage, f"team-{number}", f"app-{stream}")
    stage.openshift.settle()


def _add_stream(stage: Stage, namespace: str, name: str) -> None:
    path = f"/apis/image.openshift.io/v1/namespaces/{namespace}/imagestreams"
    stage.cluster.call("POST", path, {"metadata": {"name": name}})


def _link(stage: Stage) -> None:
    reference = {"namespace": "openshift-operators", "name": "quay-integration"}
    spec = {"credentialsSecret": reference, "quayHostname": stage.quay.url, "insecureRegistry": True}
    body = {"apiVersion": "quay.redhat.com/v1", "kind": "QuayIntegration", "metadata": {"name": "quay"}, "spec": spec}
    stage.cluster.call("POST", "/apis/quay.redhat.com/v1/quayintegrations", body)


@contextmanager
def _controller(stage: Stage) -> Iterator[subprocess.Popen[bytes]]:
    (port,) = free_ports(1)
    flags = [
        "--kubeconfig",
        str(stage.kubeconfig),
        "--metrics-bind-address",
        "0",
        "--health-probe-bind-address",
        f"127.0.0.1:{port}",
    ]
    with process(stage, "controller", *flags) as running:
        eventually("controller working", lambda: b"working with" in (stage.folder / "controller.log").read_bytes())
        yield running
    (stage.folder / "controller.log").unlink()


def _converge(stage: Stage) -> list[Figure]:
    with _controller(stage):
        stage.quay.clear_requests()
        started = time.monotonic()
        _link(stage)
        eventually("all namespaces", lambda: _is_complete(stage), 120)
        seconds, made = time.monotonic() - started, len(stage.quay.api_calls)
        stage.quay.clear_requests()
        started = time.monotonic()
        _add_stream(stage, "team-0", "another")
        eventually("repository", lambda: "another" in stage.quay.organizations()["openshift_team-0"].repositories)
        added = time.monotonic() - started
        _wait_for_record(stage)
        one = len(stage.quay.api_calls)
    what = f"{NAMESPACES} namespaces with {STREAMS} ImageStreams each"
    return [
        Figure(
            what,
            f"{counted(made, 'call')}, {seconds:.1f} s",
            f"{counted(ALLOWED_CALLS, 'call')}, {ALLOWED_SECONDS:.1f} s",
            "480 calls, 91.5 s",
            made <= ALLOWED_CALLS and seconds <= ALLOWED_SECONDS,
        ),
        Figure(
            "one ImageStream added",
            f"{counted(one, 'call')}, {added:.2f} s",
            "1 call, 0.4 s",
            "14 calls, 2.36 s",
            one <= 1 and added < 0.4,
        ),
    ]


def _is_complete(stage: Stage) -> bool:
    organizations = stage.quay.organizations()
    return len(organizations) == NAMESPACES and _recorded(stage) == NAMESPACES


def _recorded(stage: Stage) -> int:
    """Namespaces whose record says that all was brought about."""
    return sum("quaybridge.io/applied" in (n["metadata"].get("annotations") or {}) for n in stage.openshift.objects("namespaces"))


def _wait_for_record(stage: Stage) -> None:
    before = next(n for n in stage.openshift.objects("namespaces") if n["metadata"]["name"] == "team-0")["metadata"]
    version = before["resourceVersion"]
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        now = next(n for n in stage.openshift.objects("namespaces") if n["metadata"]["name"] == "team-0")["metadata"]
        if now["resourceVersion"] != version:
            return
        time.sleep(0.02)


def _restart(stage: Stage) -> list[Figure]:
    stage.quay.clear_requests()
    figure = _memory(stage, f"controller at {NAMESPACES} namespaces", 80, "")
    calls = len(stage.quay.api_calls)
    return [Figure("restart with nothing to do", counted(calls, "call"), "0 calls", "253 calls", calls == 0), figure]


def _memory(stage: Stage, what: str, limit: int, incumbent: str) -> Figure:
    """The highest resident memory of a fresh controller that has settled, by the kernel's own count."""
    with _controller(stage) as running:
        time.sleep(3)  # a measurement, not a test: whatever it still does is to be in the figure
        status = Path(f"/proc/{running.pid}/status").read_text(encoding="utf-8")
    peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
    return Figure(what, f"{peak:.0f} MB", f"{limit} MB", incumbent, peak <= limit)


def _plant_secrets(stage: Stage) -> None:
    body = {
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": "e30=", "filling": "eHh4" * (FOREIGN_BYTES // 4)},
    }
    headers = {"Authorization": f"Bearer {stage.cluster.token}"}
    with httpx.Client(base_url=stage.cluster.url, headers=headers, trust_env=False) as client:

        def plant(number: int) -> None:
            named = {"metadata": {"name": f"foreign-{number}"}, **body}
            client.post("/api/v1/namespaces/team-1/secrets", json=named).raise_for_status()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(plant, range(FOREIGN_SECRETS)))


if __name__ == "__main__":
    print(table(run()))
