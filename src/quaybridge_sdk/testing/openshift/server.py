"""The embedded OpenShift API: a Kubernetes API server on loopback with the OpenShift groups that quaybridge uses."""

from __future__ import annotations

import json
import ssl
import uuid
from collections.abc import Iterable
from pathlib import Path

from quaybridge_sdk.testing.http import Exchange, HttpServer, Request, Response
from quaybridge_sdk.testing.openshift import access, crds, routes
from quaybridge_sdk.testing.openshift.clock import now
from quaybridge_sdk.testing.openshift.cluster import Cluster, Outage, Settings
from quaybridge_sdk.testing.openshift.controllers import NAMESPACES, Controllers
from quaybridge_sdk.testing.openshift.status import Json

WRITES = ("POST", "PUT", "PATCH", "DELETE")
SYSTEM_NAMESPACES = ("default", "kube-system", "openshift")
_DEFINITIONS = ("apiextensions.k8s.io", "customresourcedefinitions")
_SUBORDINATES = {"unavailable": True, "refused": False, "reset": False}
"""How an outage ends the open watches of the OpenShift groups: SIGTERM cleanly, SIGKILL not."""


class EmbeddedOpenShift(HttpServer):
    """A small, truthful Kubernetes and OpenShift API; a context manager. What it leaves out is in ``NOT_IMITATED``.

    It starts with the namespaces of ``namespaces`` and the CRDs of ``definitions`` (by default both generations of
    QuayIntegration). Its state outlives :meth:`stop`: a server started again has it still, with all earlier
    resourceVersions expired, as after the restart of a real one.

    Args:
        port: the port, 0 for a free one.
        tls: a server-side context to speak TLS with, None for plain HTTP.
        controllers: whether namespaces get their service accounts and annotations in the background.
        ca: PEM of the authority behind ``tls``, for kubeconfigs; without it they skip verification.
        settings: its timing and its names.
        namespaces: namespaces that are there from the start.
        definitions: CustomResourceDefinitions that are there from the start; None for those of quaybridge.
    """

    def __init__(
        self,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        controllers: bool = True,
        *,
        ca: str = "",
        settings: Settings | None = None,
        namespaces: Iterable[str] = SYSTEM_NAMESPACES,
        definitions: Iterable[Json] | None = None,
    ) -> None:
        super().__init__(port=port, tls=tls)
        self.cluster = Cluster(settings or Settings())
        self._ca, self._ran = ca, False
        for definition in crds.installed() if definitions is None else definitions:
            self.install(definition)
        Controllers(self.cluster, controllers)
        for name in namespaces:
            meta = {"name": name, "labels": {"kubernetes.io/metadata.name": name}}
            self._plant(NAMESPACES, {"kind": "Namespace", "apiVersion": "v1", "metadata": meta,
                                     "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}})  # fmt: skip

    def handle(self, request: Request) -> Response:
        return routes.answer(self.cluster, request)

    def start(self) -> None:
        if self._ran:
            self.compact()
        self._ran = True
        super().start()
        self.cluster.scheduler.start()

    def stop(self) -> None:
        self.cluster.scheduler.stop()
        self.stopping.set()
        self.cluster.break_watches(clean=False)
        super().stop()

    def _plant(self, key: tuple[str, str], value: Json) -> None:
        value["metadata"] = value["metadata"] | {"uid": str(uuid.uuid4()), "creationTimestamp": now()}
        self.cluster.store.put(key, value)

    def install(self, definition: Json) -> None:
        """Adds a CustomResourceDefinition without a request."""
        value: Json = json.loads(json.dumps(definition))
        rules = self.cluster.catalogue.of_key(*_DEFINITIONS).rules
        rules.default(value)
        rules.on_create(value)
        value["metadata"] |= {"generation": 1}
        self._plant(_DEFINITIONS, value)

    @property
    def admin_token(self) -> str:
        """The bearer token of a cluster admin."""
        return self.cluster.access.admin_token

    def token(self, user: str) -> str:
        """A new bearer token for a user, e.g. ``system:serviceaccount:team:app``; it may do what :meth:`allow` grants."""
        return self.cluster.access.token(access.user_named(user))

    def allow(self, user: str, verb: str, resource: str, namespace: str = "*", *, group: str = "*", name: str = "*") -> None:
        """Grants a user or group one verb on one resource ("imagestreams", "imagestreams/status"); "*" grants all.

        ``namespace=""`` is the cluster scope alone, "*" everything. Members of system:masters need no grant.
        """
        self.cluster.access.allow(access.Rule(user, verb, resource, group, namespace, name))

    def allow_path(self, user: str, path: str, verb: str = "get") -> None:
        """Grants a non-resource URL, e.g. ``/metrics``."""
        self.cluster.access.allow(access.Rule(user, verb, path=path))

    def kubeconfig(self, path: Path, user: str | None = None) -> Path:
        """Writes a kubeconfig (JSON, which is YAML) for a cluster admin, or for a user; returns its path."""
        token = self.token(user) if user else self.admin_token
        trust: Json = {"insecure-skip-tls-verify": True} if self._tls and not self._ca else {}
        if self._ca:
            beside = path.with_suffix(".ca.crt")
            beside.write_text(self._ca)
            trust = {"certificate-authority": str(beside)}
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "embedded",
            "clusters": [{"name": "embedded", "cluster": {"server": self.url} | trust}],
            "users": [{"name": "embedded", "user": {"token": token}}],
            "contexts": [{"name": "embedded", "context": {"cluster": "embedded", "user": "embedded", "namespace": "default"}}],
        }  # fmt: skip
        path.write_text(json.dumps(config, indent=2))
        return path

    @property
    def api_writes(self) -> tuple[Exchange, ...]:
        """The logged requests that write: POST, PUT, PATCH, DELETE, refused ones among them."""
        return tuple(exchange for exchange in self.requests if exchange.method in WRITES)

    def objects(self, plural: str, namespace: str | None = None) -> list[Json]:
        """A snapshot of the stored objects of a resource ("imagestreams", "quayintegrations"), of all groups of that name."""
        keys = {resource.key for resource in self.cluster.catalogue.all() if resource.plural == plural}
        found = [value for key in sorted(keys) for value in self.cluster.store.items(key, namespace or "")]
        return [json.loads(json.dumps(value)) for value in found]

    @property
    def services(self) -> dict[str, str]:
        """Where the webhooks of services really listen: ``services["namespace/name"] = "https://127.0.0.1:9443"``."""
        return self.cluster.services

    @property
    def aggregation(self) -> Outage:
        """How openshift-apiserver does behind the aggregator.

        "up"; "refused" and "reset" (killed: 503, watches break off), "unavailable" (stopped: 503, watches end cleanly),
        "anonymous" (starting: 403 as system:anonymous). Back to "up" makes the resourceVersions of its groups expire.
        """
        return self.cluster.outage

    @aggregation.setter
    def aggregation(self, outage: Outage) -> None:
        before, self.cluster.outage = self.cluster.outage, outage
        if outage in _SUBORDINATES:
            self.cluster.break_watches(_SUBORDINATES[outage], "openshift")
        elif outage == "up" and before != "up":
            self.cluster.store.compact({"image.openshift.io", "build.openshift.io", "project.openshift.io"})

    def compact(self) -> None:
        """Makes all earlier resourceVersions expired: a watch from one gets the 410 ERROR event."""
        self.cluster.store.compact()

    def break_watches(self, clean: bool) -> None:
        """Ends all open watches: with a clean end of the body, or abruptly, without its final chunk."""
        self.cluster.break_watches(clean)

    def settle(self, timeout: float = 10.0) -> None:
        """Waits until the controllers have nothing left to do. Raises TimeoutError."""
        if not self.cluster.scheduler.settle(timeout):
            raise TimeoutError(f"the controllers are still at work after {timeout} s")
