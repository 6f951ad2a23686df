"""The life of many namespaces on real servers, and the checker that compares both sides of each."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
from attrs import define, evolve, field
from tests.e2e.running import World

from quaybridge_sdk.cli.stage import Cluster, DemoError, set_stage
from quaybridge_sdk.testing.registry_client import RegistryError

ROLES = {"builder": "write", "default": "read", "deployer": "read"}
FINALIZER = "quay.redhat.com/quayintegrations"
USER = "fieldManager=tests"
"""In the query of every request of a user: so that no fault is spent on it."""


class User(Cluster):
    """A user's client, whose requests can be told from the bridge's."""

    def call(self, method: str, path: str, body: object = None, content_type: str = "application/json") -> dict[str, Any]:
        return super().call(method, f"{path}?{USER}", body, content_type)

    def find(self, path: str) -> dict[str, Any] | None:
        return super().find(f"{path}?{USER}")


@define
class Life:
    """What happens to some namespaces, step by step, and what must be there after each step."""

    world: World
    names: tuple[str, ...]
    digests: dict[str, str] = field(factory=dict)

    def quay(self, method: str, path: str, body: object = None) -> httpx.Response:
        """What somebody with rights does in Quay."""
        stage = self.world.stage
        headers = {"Authorization": f"Bearer {stage.quay.token}"}
        return httpx.request(method, f"{stage.quay.url}{path}?{USER}", json=body, headers=headers, trust_env=False, timeout=30)

    def link(self) -> None:
        self.quay("POST", "/api/v1/organization/", {"name": "openshift_strangers", "email": "somebody@example.com"})
        self.world.link(allowlistNamespaces=list(self.names))

    def make(self) -> None:
        for name in self.names:
            self.world.namespace(name, "app")

    def build(self) -> None:
        for name in self.names:
            try:
                self.digests[name] = self.world.push(name, "app", content=name.encode())
            except RegistryError:  # its credentials are not good: the checker says so
                continue
            self.world.rewritten_build(name, "app-1", "app")
            self.world.finish(name, "app-1", self.digests[name])

    def damage(self) -> None:
        """On both sides."""
        for name in self.names:
            organization = f"/api/v1/organization/openshift_{name}"
            self.quay("DELETE", f"{organization}/robots/deployer")
            delegate = {"kind": "user", "name": f"openshift_{name}+builder", "is_robot": True}
            self.quay("POST", f"{organization}/prototypes", {"role": "read", "delegate": delegate})
            self.world.image_stream(name, "web")
            with suppress(DemoError):  # it was never made: the checker has said so
                self.world.cluster.call("DELETE", f"/api/v1/namespaces/{name}/secrets/builder-quay-openshift")

    def delete(self) -> None:
        for name in self.names:
            self.world.cluster.call("DELETE", f"/api/v1/namespaces/{name}")

    # -- the checker

    def objects(self, plural: str, namespace: str | None = None) -> Mapping[str, dict[str, Any]]:
        return {item["metadata"]["name"]: item for item in self.world.stage.openshift.objects(plural, namespace)}

    def wrong(self, name: str, streams: tuple[str, ...]) -> str:
        """What is not as wanted for a living namespace, on either side; "" when all is."""
        found = self.world.stage.quay.organizations().get(f"openshift_{name}")
        namespace = self.objects("namespaces").get(name)
        if found is None or namespace is None:
            return "no organization" if found is None else "no namespace"
        robots = {robot: f"openshift_{name}+{robot}" for robot in ROLES}
        wanted = sorted((full, ROLES[robot], None) for robot, full in robots.items())
        rights = {full: ROLES[robot] for robot, full in robots.items()}
        checks = {
            "mark": found.email.startswith(namespace["metadata"]["uid"]),
            "robots": set(found.robots) == set(ROLES),
            "default permissions": sorted((p.delegate, p.role, p.activating_user) for p in found.prototypes) == wanted,
            "repositories": set(found.repositories) == set(streams),
            "rights": all(rights.items() <= dict(row.users).items() for row in found.repositories.values()),
            "finalizer": FINALIZER in namespace["metadata"].get("finalizers", ()),
            "secrets": all(self._holds_token(name, robot, found.robots[robot].token_sha256) for robot in found.robots),
            "links": all(self._is_linked(name, robot) for robot in ROLES),
            "record": "quaybridge.io/applied" in (namespace["metadata"].get("annotations") or {}),
            "image": self._has_image(name),
        }
        return ", ".join(what for what, right in checks.items() if not right)

    def _has_image(self, name: str) -> bool:
        """What was pushed is still there."""
        digest = self.digests.get(name)
        row = self.world.stage.quay.organizations()[f"openshift_{name}"].repositories.get("app")
        return digest is None or (row is not None and row.tags.get("latest") == digest)

    def imported(self, name: str) -> str:
        tag = self.world.tag(name, "app")
        if tag is None or tag["image"]["metadata"]["name"] != self.digests.get(name):
            return "no tag of the image that was built"
        return "" if self.world.is_imported(name, "app-1") else "the Build is not marked"

    def left(self, name: str) -> str:
        """What is left of a deleted namespace."""
        there = {"organization": f"openshift_{name}" in self.world.stage.quay.organizations()}
        there["namespace"] = name in self.objects("namespaces")
        return ", ".join(what for what, found in there.items() if found)

    def _holds_token(self, namespace: str, account: str, sha256: str) -> bool:
        secret = self.objects("secrets", namespace).get(f"{account}-quay-openshift")
        if secret is None:
            return False
        auths = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))["auths"]
        password = base64.b64decode(next(iter(auths.values()))["auth"]).decode().partition(":")[2]
        return hashlib.sha256(password.encode()).hexdigest() == sha256

    def _is_linked(self, namespace: str, account: str) -> bool:
        item = self.objects("serviceaccounts", namespace).get(account, {})
        lists = ({entry["name"] for entry in item.get(key, ())} for key in ("secrets", "imagePullSecrets"))
        return all(f"{account}-quay-openshift" in names for names in lists)


@contextmanager
def life(folder: Path, names: tuple[str, ...]) -> Iterator[Life]:
    with set_stage(folder) as stage:
        user = User(stage.cluster.url, stage.cluster.token)
        yield Life(World(evolve(stage, cluster=user)), names)
