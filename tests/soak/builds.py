"""Pushes and builds, as OpenShift does them: created through the webhook, pushed with the pull secret, completed."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

from attrs import frozen
from tests.soak.diary import BuildNote, Counters, Page
from tests.soak.ground import Ground, RefusedError

from quaybridge_sdk.testing.registry_client import push_image

BUILDS = "/apis/build.openshift.io/v1/namespaces"
MANAGED = "quay-registry-operator.quay.redhat.com/quay-registry-operator-managed"
DESTINATION = "quay-registry-operator.quay.redhat.com/destination-imagestream"
SOURCE = {"source": {"type": "Dockerfile", "dockerfile": "FROM scratch"}, "strategy": {"type": "Docker", "dockerStrategy": {}}}
NEVER = "sha256:" + "0" * 64
MOST = 5
"""Builds that are kept in a namespace, as a BuildConfig's history limit does it."""


@frozen
class Maker:
    ground: Ground
    chance: random.Random
    counters: Counters

    def push(self, page: Page) -> None:
        """A user's own push, under a tag of its own."""
        if page.cluster_id and not page.blocked and page.usable:
            self._push(page, self.chance.choice(page.usable), f"v{page.number()}")

    def _push(self, page: Page, stream: str, tag: str) -> str:
        found = self.ground.credentials(page.name, page.secret("builder"))
        if found is None:
            raise RefusedError("no pull secret yet")
        path, content = f"{page.organization}/{stream}", f"{page.uid} {page.number()}".encode()
        with self.ground.quay_gate.passing():
            digest = push_image(self.ground.quay_url, path, tag, *found, content=content)
        page.images[(stream, tag)] = digest
        self.counters.count("images pushed")
        return digest

    def build(self, page: Page) -> None:
        """One that succeeds."""
        if not page.usable or len(page.builds) >= MOST:
            return
        stream = self.chance.choice(page.usable)
        name = self._create(page, stream)
        if not page.cluster_id or name is None:
            return
        note = BuildNote(name, stream, "", imports=False)
        page.builds.append(note)
        note.digest = self._push(page, stream, "latest")
        page.built.pop(stream, None)
        self._end(page, name, "Complete", note.digest)
        note.imports = True
        page.built[stream] = note.digest
        self.counters.count("builds completed")

    def fail(self, page: Page) -> None:
        if page.usable and page.cluster_id and len(page.builds) < MOST:
            stream = self.chance.choice(page.usable)
            name = self._create(page, stream)
            if name is not None:
                page.builds.append(BuildNote(name, stream, "", imports=False))
                self._end(page, name, "Failed", NEVER)
                self.counters.count("builds failed")

    def forge(self, page: Page) -> None:
        """A Build that claims to have been rewritten, and wants a stranger's image in the namespace's own ImageStream."""
        if page.usable and page.cluster_id and len(page.builds) < MOST:
            host = self.ground.quay_url.removeprefix("http://")
            stream = self.chance.choice(page.usable)
            annotations = {MANAGED: "true", DESTINATION: f"{page.name}/{stream}:stolen"}
            output = {"to": {"kind": "DockerImage", "name": f"{host}/openshift_foreign/app:latest"}}
            name = f"forged-{page.number()}"
            self._post(page, name, output, annotations)
            page.builds.append(BuildNote(name, stream, "", imports=False))
            self._end(page, name, "Complete", NEVER)
            self.counters.count("builds forged")

    def prune(self, page: Page) -> None:
        """Takes the oldest away, as a BuildConfig does."""
        if len(page.builds) >= MOST - 1:
            note = page.builds.pop(0)
            if page.built.get(note.stream) == note.digest:
                page.built.pop(note.stream)
            self.ground.oc("DELETE", f"{BUILDS}/{page.name}/builds/{note.name}")

    def _create(self, page: Page, stream: str) -> str | None:
        """The name of the new Build; None when it was not rewritten, which is told at once."""
        name = f"{stream}-{page.number()}"
        made = self._post(page, name, {"to": {"kind": "ImageStreamTag", "name": f"{stream}:latest"}}, {})
        self.counters.count("builds created")
        rewritten = made["spec"]["output"]["to"]["kind"] == "DockerImage"
        if rewritten != bool(page.cluster_id):
            self.counters.count("BUILDS ADMITTED WRONGLY")
            return None
        return name

    def _post(self, page: Page, name: str, output: dict[str, Any], annotations: dict[str, str]) -> dict[str, Any]:
        body = {"metadata": {"name": name, "annotations": annotations}, "spec": {**SOURCE, "output": output}}
        return self.ground.oc("POST", f"{BUILDS}/{page.name}/builds", body)

    def _end(self, page: Page, name: str, phase: str, digest: str) -> None:
        status = {"phase": phase, "completionTimestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        body = {"status": {**status, "output": {"to": {"imageDigest": digest}}}}
        self.ground.oc("PATCH", f"{BUILDS}/{page.name}/builds/{name}", body)
