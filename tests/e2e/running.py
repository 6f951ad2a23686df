"""A whole bridge in this process: both embedded servers, the real adapters, the real controller and its workers."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from attrs import define, field

from quaybridge_sdk.cli.assembly import Assembly, assemble, utc_now
from quaybridge_sdk.cli.controller import Feed
from quaybridge_sdk.cli.stage import Cluster, Stage, eventually, set_cluster, set_stage
from quaybridge_sdk.runtime.controller import Controller
from quaybridge_sdk.runtime.keys import Key
from quaybridge_sdk.runtime.metrics import Metrics
from quaybridge_sdk.runtime.surroundings import ControllerOptions
from quaybridge_sdk.runtime.workers import WorkerPool
from quaybridge_sdk.testing.registry_client import push_image

IMAGES, BUILDS = "/apis/image.openshift.io/v1/namespaces", "/apis/build.openshift.io/v1/namespaces"
INTEGRATIONS = "/apis/quay.redhat.com/v1/quayintegrations"
MANAGED = "quay-registry-operator.quay.redhat.com/quay-registry-operator-managed"
DESTINATION = "quay-registry-operator.quay.redhat.com/destination-imagestream"
IMPORTED = "quay-registry-operator.quay.redhat.com/destination-imagestreamtag-imported"


@define
class World:
    """The servers, and what tests do to them."""

    stage: Stage
    clock_offset: timedelta = field(factory=timedelta)

    @property
    def cluster(self) -> Cluster:
        return self.stage.cluster

    def link(self, name: str = "quay", **spec: Any) -> None:
        """A QuayIntegration, with the Secret it needs."""
        if self.cluster.find("/api/v1/namespaces/openshift-operators/secrets/quay-integration") is None:
            self.token(self.stage.quay.token)
        reference = {"namespace": "openshift-operators", "name": "quay-integration"}
        whole = {"credentialsSecret": reference, "quayHostname": self.stage.quay.url, "insecureRegistry": True, **spec}
        body = {"apiVersion": "quay.redhat.com/v1", "kind": "QuayIntegration", "metadata": {"name": name}, "spec": whole}
        self.cluster.call("POST", INTEGRATIONS, body)

    def token(self, token: str, key: str = "token") -> None:
        """Makes or changes the credentials Secret."""
        if self.cluster.find("/api/v1/namespaces/openshift-operators") is None:
            self.cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": "openshift-operators"}})
        secrets = "/api/v1/namespaces/openshift-operators/secrets"
        data = {key: base64.b64encode(token.encode()).decode()}
        if self.cluster.find(f"{secrets}/quay-integration") is None:
            self.cluster.call("POST", secrets, {"metadata": {"name": "quay-integration"}, "data": data})
        else:
            self.cluster.call("PATCH", f"{secrets}/quay-integration", {"data": data}, "application/merge-patch+json")

    def namespace(self, name: str, *streams: str) -> None:
        self.cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        for stream in streams:
            self.image_stream(name, stream)

    def image_stream(self, namespace: str, name: str) -> None:
        self.cluster.call("POST", f"{IMAGES}/{namespace}/imagestreams", {"metadata": {"name": name}})

    def credentials(self, namespace: str, account: str = "builder", cluster_id: str = "openshift") -> tuple[str, str] | None:
        """User and password of an account's pull secret, None when there is none."""
        secret = self.cluster.find(f"/api/v1/namespaces/{namespace}/secrets/{account}-quay-{cluster_id}")
        if secret is None:
            return None
        auths = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))["auths"]
        user, _, password = base64.b64decode(next(iter(auths.values()))["auth"]).decode().partition(":")
        return user, password

    def push(self, namespace: str, repository: str, tag: str = "latest", content: bytes = b"layer") -> str:
        user, password = self.credentials(namespace) or ("", "")
        path = f"{user.partition('+')[0]}/{repository}"
        return push_image(self.stage.quay.url, path, tag, user, password, content=content)

    def rewritten_build(self, namespace: str, name: str, stream: str, **changes: Any) -> None:
        """A Build as the webhook leaves it."""
        host = self.stage.quay.url.removeprefix("http://")
        annotations = {MANAGED: "true", DESTINATION: f"{namespace}/{stream}:latest", **changes.pop("annotations", {})}
        output = changes.pop("output", {"to": {"kind": "DockerImage", "name": f"{host}/openshift_{namespace}/{stream}:latest"}})
        spec = {
            "source": {"type": "Dockerfile", "dockerfile": "FROM scratch"},
            "strategy": {"type": "Docker", "dockerStrategy": {}},
        }
        body = {"metadata": {"name": name, "annotations": annotations}, "spec": {**spec, "output": output, **changes}}
        self.cluster.call("POST", f"{BUILDS}/{namespace}/builds", body)

    def finish(self, namespace: str, name: str, digest: str, phase: str = "Complete") -> None:
        status = {"phase": phase, "completionTimestamp": utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")}
        body = {"status": {**status, "output": {"to": {"imageDigest": digest}}}}
        self.cluster.call("PATCH", f"{BUILDS}/{namespace}/builds/{name}", body, "application/merge-patch+json")

    def is_imported(self, namespace: str, name: str) -> bool:
        build = self.cluster.find(f"{BUILDS}/{namespace}/builds/{name}") or {}
        return bool((build.get("metadata", {}).get("annotations") or {}).get(IMPORTED) == "true")

    def tag(self, namespace: str, stream: str) -> dict[str, Any] | None:
        return self.cluster.find(f"{IMAGES}/{namespace}/imagestreamtags/{stream}:latest")

    def condition(self, kind: str = "Ready", name: str = "quay") -> tuple[str, str]:
        """Status and reason of a QuayIntegration's condition."""
        status = (self.cluster.find(f"{INTEGRATIONS}/{name}") or {}).get("status") or {}
        found = [c for c in status.get("conditions", ()) if c["type"] == kind]
        return (found[0]["status"], found[0]["reason"]) if found else ("", "")

    def message(self, kind: str = "Ready", name: str = "quay") -> str:
        """What the condition says."""
        status = (self.cluster.find(f"{INTEGRATIONS}/{name}") or {}).get("status") or {}
        return next((str(c["message"]) for c in status.get("conditions", ()) if c["type"] == kind), "")


@define
class Bridge:
    """A running controller."""

    assembly: Assembly
    controller: Controller

    def settle(self, world: World, namespaces: int = 0) -> None:
        """Waits until ``namespaces`` are ready in the ledger, all is quiet, and the status says so."""
        queue = self.controller.queue
        calm: list[float] = []

        def quiet() -> bool:
            ready = sum(r.state.value == "ready" for r in self.controller.ledger.reports("quay.redhat.com/quay"))
            if not queue.idle or ready < namespaces:
                calm.clear()
            elif not calm:
                calm.append(time.monotonic())
            return bool(calm) and time.monotonic() - calm[0] > 0.3

        eventually("the bridge is quiet", quiet)


@contextmanager
def world(folder: Path) -> Iterator[World]:
    with set_stage(folder) as stage:
        yield World(stage)


@contextmanager
def neighbour(world: World, folder: Path) -> Iterator[World]:
    """A second cluster on the same Quay."""
    folder.mkdir()
    with set_cluster(folder, world.stage.quay) as stage:
        yield World(stage)


@contextmanager
def bridge(
    world: World,
    *,
    interval: timedelta = timedelta(hours=10),
    deadline: timedelta = timedelta(minutes=5),
    workers: int = 4,
    places: int | None = None,
) -> Iterator[Bridge]:
    """Runs a controller until the end of the ``with``."""
    metrics, feed = Metrics(), Feed()
    with ExitStack() as stack:
        assembly = stack.enter_context(assemble(str(world.stage.kubeconfig), None, metrics, feed, places=places))
        assembly.require_synced(20)
        clock: Callable[[], Any] = lambda: utc_now() + world.clock_offset  # noqa: E731 - a clock that tests can turn
        controller = Controller(assembly.ports, ControllerOptions(interval, deadline, status_delay=0.05), metrics, clock)
        feed.listener = controller.on_change
        pool: WorkerPool[Key] = WorkerPool(controller.queue, controller.work, workers, controller.on_error, controller, grace=10)
        with pool:
            controller.enqueue_all()
            yield Bridge(assembly, controller)
