"""The demo's stage: both embedded servers, the bridge's real processes, and a small client that plays `oc`."""

from __future__ import annotations

import base64
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import httpx
from attrs import field, frozen

from quaybridge_sdk.cli import crds
from quaybridge_sdk.testing.openshift import EmbeddedOpenShift
from quaybridge_sdk.testing.quay import EmbeddedQuay
from quaybridge_sdk.testing.tls import self_signed, server_context

T = TypeVar("T")
WEBHOOK_NAME = "quayintegration.quay.redhat.com"


class DemoError(Exception):
    """Something did not happen in time, or not as it should."""


def eventually(what: str, look: Callable[[], T | None], seconds: float = 20.0) -> T:
    """Looks again and again until there is something; it returns that.

    Raises:
        DemoError: nothing came within ``seconds``.
    """
    deadline, pause = time.monotonic() + seconds, 0.01
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(pause)
        pause = min(0.1, pause * 1.3)  # a look costs the servers processor time, which what is waited for needs
    raise DemoError(f"{what}: not within {seconds:.0f} s")


@frozen
class Cluster:
    """Plays the user and the administrator: a thin client of the OpenShift API. ``trust`` verifies its certificate."""

    url: str
    token: str = field(repr=False)
    trust: ssl.SSLContext | None = None

    def call(self, method: str, path: str, body: object = None, content_type: str = "application/json") -> dict[str, Any]:
        """One request; the decoded answer. Raises DemoError when it is refused."""
        response = self._request(method, path, json=body, headers={"Content-Type": content_type})
        if response.status_code >= 400:
            raise DemoError(f"{method} {path}: {response.status_code} {response.text[:300]}")
        answer = response.json()
        assert isinstance(answer, dict)  # noqa: S101 - every answer of a Kubernetes API is an object
        return answer

    def find(self, path: str) -> dict[str, Any] | None:
        """The object, None when it is not there."""
        response = self._request("GET", path)
        return response.json() if response.status_code == 200 else None

    def _request(self, method: str, path: str, headers: Mapping[str, str] = MappingProxyType({}), **more: Any) -> httpx.Response:
        signed = {"Authorization": f"Bearer {self.token}", **headers}
        verify = self.trust if self.trust is not None else False
        return httpx.request(method, self.url + path, headers=signed, timeout=30, trust_env=False, verify=verify, **more)


@frozen
class Stage:
    """What is on the stage."""

    quay: EmbeddedQuay
    openshift: EmbeddedOpenShift
    cluster: Cluster
    folder: Path

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"


@contextmanager
def set_stage(folder: Path, quay: EmbeddedQuay | None = None, *, tls: bool = False) -> Iterator[Stage]:
    """Starts both servers and installs the CRDs; stops both at the end. ``quay``: one that was set up in another way."""
    with quay or EmbeddedQuay() as running, set_cluster(folder, running, tls=tls) as stage:
        yield stage


@contextmanager
def set_cluster(folder: Path, quay: EmbeddedQuay, *, tls: bool = False) -> Iterator[Stage]:
    """Starts a cluster beside a Quay that is running, and installs the CRDs; stops it at the end.

    ``tls``: with a certificate, since kubectl and oc send a token over nothing else.
    """
    with _openshift(folder, tls) as (openshift, trust):
        openshift.kubeconfig(folder / "kubeconfig")
        stage = Stage(quay, openshift, Cluster(openshift.url, openshift.admin_token, trust), folder)
        for definition in crds.definitions():
            stage.cluster.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
        yield stage


@contextmanager
def _openshift(folder: Path, tls: bool) -> Iterator[tuple[EmbeddedOpenShift, ssl.SSLContext | None]]:
    if not tls:
        with EmbeddedOpenShift(definitions=()) as openshift:
            yield openshift, None
        return
    certificate, key, authority = self_signed(folder, "127.0.0.1", stem="cluster")
    trust = ssl.create_default_context(cafile=authority)
    with EmbeddedOpenShift(tls=server_context(certificate, key), ca=authority.read_text(), definitions=()) as openshift:
        yield openshift, trust


@contextmanager
def bridge(stage: Stage) -> Iterator[tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]]:
    """The controller and the webhook as real processes, ready; ended with SIGTERM, as a pod is."""
    certificate, key, authority = self_signed(stage.folder, "127.0.0.1")
    health, webhook_health, port = free_ports(3)
    with ExitStack() as stack:
        common = ["--kubeconfig", str(stage.kubeconfig), "--metrics-bind-address", "0", "--health-probe-bind-address"]
        controller = stack.enter_context(process(stage, "controller", *common, f"127.0.0.1:{health}"))
        served = ["--webhook-bind-address", f"127.0.0.1:{port}", "--webhook-cert-file", str(certificate)]
        arguments = [*common, f"127.0.0.1:{webhook_health}", *served, "--webhook-key-file", str(key)]
        webhook = stack.enter_context(process(stage, "webhook", *arguments))
        for name, number, running in (("controller", health, controller), ("webhook", webhook_health, webhook)):
            eventually(f"{name} ready", lambda n=name, p=number, r=running: _ready(n, p, r))  # type: ignore[misc]
        register_webhook(stage.cluster, f"https://127.0.0.1:{port}/admissionwebhook", Path(authority))
        yield controller, webhook


@contextmanager
def process(stage: Stage, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """``quaybridge <arguments>`` in a process of its own; its log goes into the stage's folder.

    It is in a process group of its own, too: Ctrl-C is for the one who started it, who then ends it in good order.
    """
    log = stage.folder / f"{arguments[0]}.log"
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("KUBE", "QUAYBRIDGE_"))}
    with log.open("ab") as output:
        command = [sys.executable, "-m", "quaybridge_sdk.cli", *arguments]
        running = subprocess.Popen(  # noqa: S603 - our own program
            command, stdout=output, stderr=output, env=environment, process_group=0
        )
        try:
            yield running
        finally:
            _end(running)


def _end(running: subprocess.Popen[bytes]) -> None:
    running.terminate()
    try:
        running.wait(20)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()


def require_running(name: str, running: subprocess.Popen[bytes]) -> None:
    """Raises DemoError when the program has ended: which one, and its exit code."""
    if running.poll() is not None:
        raise DemoError(f"the {name} ended with exit code {running.returncode}")


def _ready(name: str, port: int, running: subprocess.Popen[bytes]) -> bool:
    require_running(name, running)
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def register_webhook(cluster: Cluster, url: str, authority: Path) -> None:
    """The MutatingWebhookConfiguration of the contract, with an address on this machine in place of a Service."""
    bundle = base64.b64encode(authority.read_bytes()).decode("ascii")
    rule = {"operations": ["CREATE"], "apiGroups": ["build.openshift.io"], "apiVersions": ["v1"], "resources": ["builds"]}
    webhook = {
        "name": WEBHOOK_NAME,
        "clientConfig": {"url": url, "caBundle": bundle},
        "rules": [rule],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1", "v1beta1"],
        "timeoutSeconds": 10,
    }
    path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
    cluster.call("POST", path, {"metadata": {"name": "quay-bridge-operator"}, "webhooks": [webhook]})


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [opened.getsockname()[1] for opened in sockets]
    finally:
        for opened in sockets:
            opened.close()
