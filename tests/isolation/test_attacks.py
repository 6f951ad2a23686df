"""Attacks from one namespace on a running bridge: the victim's side of both servers stays as it was, and the bridge goes on."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from attrs import define
from tests.e2e.running import BUILDS, DESTINATION, IMAGES, MANAGED, Bridge, World, bridge
from tests.e2e.running import world as make_world

from quaybridge_sdk.admission import Admission, Answer
from quaybridge_sdk.cli.stage import DemoError, eventually
from quaybridge_sdk.model.admission import parse_review
from quaybridge_sdk.testing.http import Fault
from quaybridge_sdk.testing.registry_client import RegistryError, push_image

MERGE = "application/merge-patch+json"
SECRET = "builder-quay-openshift"
ABSENT = "sha256:" + "0" * 64


@define
class Scene:
    """A running bridge with a victim, an attacker, and a bystander by whom it is seen whether the bridge still works."""

    world: World
    bridge: Bridge
    digest: str
    passwords: tuple[str, ...]
    probes: int = 0

    def call(self, method: str, path: str, body: object = None, content_type: str = "application/json") -> dict[str, Any]:
        """The attacker's calls: into the attacker's own namespace, and nowhere else."""
        assert "/namespaces/mallory/" in path
        return self.world.cluster.call(method, path, body, content_type)

    def output(self, namespace: str) -> dict[str, Any]:
        host = self.world.stage.quay.url.removeprefix("http://")
        return {"to": {"kind": "DockerImage", "name": f"{host}/openshift_{namespace}/app:latest"}}

    def build(self, name: str, destination: str, output: dict[str, Any], digest: str = "", **changes: Any) -> None:
        """A Build of the attacker's that says of itself that the bridge rewrote it, and that it is complete."""
        self.world.rewritten_build("mallory", name, "app", output=output, annotations={DESTINATION: destination}, **changes)
        self.world.finish("mallory", name, digest or self.digest)

    def secret(self, name: str, kind: str, data: dict[str, str]) -> None:
        """In place of the bridge's own, which makes a missing one at once: it is quicker while Quay is slow."""
        self.world.stage.quay.faults.inject(Fault("latency", "GET /api/v1/organization/", times=None, seconds=0.3))
        path = "/api/v1/namespaces/mallory/secrets"

        def made() -> bool:
            with suppress(DemoError):
                self.call("DELETE", f"{path}/{name}")
            with suppress(DemoError):
                self.call("POST", path, {"metadata": {"name": name}, "type": kind, "data": data})
                return True
            return False

        eventually(f"Secret {name}", made)
        self.world.stage.quay.faults.clear()

    def victims_side(self) -> tuple[object, ...]:
        """All of the victim, on both sides, with the versions of its objects."""
        openshift, quay = self.world.stage.openshift, self.world.stage.quay
        kinds = ("secrets", "serviceaccounts", "imagestreams", "builds")
        mine = [openshift.objects(kind, "victim") for kind in kinds]
        namespace = self.world.cluster.call("GET", "/api/v1/namespaces/victim")
        return json.dumps([*mine, namespace], sort_keys=True), repr(quay.organizations()["openshift_victim"])

    def still_works(self) -> None:
        """A new ImageStream elsewhere gets its repository, no thread has died, and no bug was met."""
        self.probes += 1
        name = f"probe-{self.probes}"
        self.world.image_stream("bystander", name)
        found = self.world.stage.quay.organizations
        eventually(name, lambda: name in found()["openshift_bystander"].repositories)
        assert self.bridge.assembly.caches.alive

    def attempts(self) -> int:
        """Imports that were tried, and those that ended at a stream that is not there."""
        paths = [entry.path for entry in self.world.stage.openshift.requests]
        return sum(path.endswith("/imagestreamimports") or "/imagestreams/none-" in path for path in paths)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with make_world(tmp_path_factory.mktemp("isolation")) as world:
        names = ("victim", "mallory", "bystander")
        for name in names:
            world.namespace(name, "app")
        with bridge(world) as running:
            world.link(allowlistNamespaces=list(names))
            running.settle(world, 3)
            digest = world.push("victim", "app")
            world.push("mallory", "app")
            accounts = [world.credentials(name, account) for name in names for account in ("builder", "default", "deployer")]
            passwords = tuple(found[1] for found in accounts if found)
            assert len(passwords) == 9
            yield Scene(world, running, digest, passwords)


# --- Builds ---


def names_the_victim_in_the_annotation(scene: Scene) -> None:
    scene.build("deputy", "victim/app:latest", scene.output("mallory"))


def pushes_elsewhere_and_names_the_victim(scene: Scene) -> None:
    scene.build("elsewhere", "victim/app:latest", {"to": {"kind": "DockerImage", "name": "evil.example.com/x:y"}})


def says_that_it_pushed_to_the_victims_repository(scene: Scene) -> None:
    scene.build("liar", "victim/app:latest", scene.output("victim"))
    scene.build("account", "victim/app:latest", scene.output("victim"), serviceAccount="victim:builder")


def imports_the_victims_image_into_its_own_stream(scene: Scene) -> None:
    scene.build("thief", "mallory/app:latest", scene.output("victim"))


def writes_destinations_that_are_none(scene: Scene) -> None:
    for number, text in enumerate(("../victim/app:latest", "victim/app:latest/x", "kube-system/app:latest", "", "x" * 9_000)):
        scene.build(f"odd-{number}", text, scene.output("victim"))


def has_no_output_and_no_annotations(scene: Scene) -> None:
    scene.world.rewritten_build("mallory", "bare", "app", output={})
    scene.world.finish("mallory", "bare", ABSENT)
    scene.call("PATCH", f"{BUILDS}/mallory/builds/bare", {"metadata": {"annotations": None}}, MERGE)


def completes_at_the_end_of_all_days(scene: Scene) -> None:
    scene.build("future", "mallory/app:latest", scene.output("mallory"), ABSENT)
    status = {"completionTimestamp": "9999-12-31T23:59:59Z"}
    scene.call("PATCH", f"{BUILDS}/mallory/builds/future", {"status": status}, MERGE)


def completes_many_builds_for_streams_that_are_not_there(scene: Scene) -> None:
    host = scene.world.stage.quay.url.removeprefix("http://")
    for number in range(30):
        output = {"to": {"kind": "DockerImage", "name": f"{host}/openshift_mallory/none-{number}:latest"}}
        scene.build(f"none-{number}", f"mallory/none-{number}:latest", output, ABSENT)


# --- Secrets, accounts, streams ---


def writes_the_victims_name_into_its_own_pull_secret(scene: Scene) -> None:
    host = scene.world.stage.quay.url.removeprefix("http://")
    auth = base64.b64encode(b"openshift_victim+builder:guess").decode()
    content = base64.b64encode(json.dumps({"auths": {host: {"auth": auth}}}).encode()).decode()
    path = f"/api/v1/namespaces/mallory/secrets/{SECRET}"
    scene.call("PATCH", path, {"data": {".dockerconfigjson": content}}, MERGE)
    mine = lambda: (scene.world.credentials("mallory") or ("",))[0] == "openshift_mallory+builder"  # noqa: E731
    eventually("the pull secret is right again", mine)


def fills_its_pull_secret_with_noise(scene: Scene) -> None:
    noise = {".dockerconfigjson": base64.b64encode(b'{"auths":{}}').decode()}
    for name in (SECRET, "default-quay-openshift"):
        scene.call("PATCH", f"/api/v1/namespaces/mallory/secrets/{name}", {"data": noise}, MERGE)
    for name in ("x-quay-victim", "builder.quay.victim.x"):
        scene.secret(name, "kubernetes.io/dockerconfigjson", noise)


def takes_the_pull_secrets_name_for_another_type(scene: Scene) -> None:
    scene.secret(SECRET, "evil/" + "x" * 100_000, {})


def spoils_its_service_accounts(scene: Scene) -> None:
    many = [{"name": f"no-such-{number}"} for number in range(2_000)]
    body = {"secrets": [*many, {"name": "../victim/" + SECRET}], "imagePullSecrets": many}
    for account in ("builder", "default"):
        scene.call("PATCH", f"/api/v1/namespaces/mallory/serviceaccounts/{account}", body, MERGE)
    scene.call("DELETE", "/api/v1/namespaces/mallory/serviceaccounts/deployer")


def names_its_streams_after_the_victims_organization(scene: Scene) -> None:
    for name in ("openshift_victim", "openshift_victim.app"):
        scene.call("POST", f"{IMAGES}/mallory/imagestreams", {"metadata": {"name": name}})
    body = {"metadata": {"name": "quay-integration"}, "data": {"token": "x"}}
    scene.call("POST", "/api/v1/namespaces/mallory/configmaps", body)


ATTACKS: tuple[Callable[[Scene], None], ...] = (
    names_the_victim_in_the_annotation,
    pushes_elsewhere_and_names_the_victim,
    says_that_it_pushed_to_the_victims_repository,
    imports_the_victims_image_into_its_own_stream,
    writes_destinations_that_are_none,
    has_no_output_and_no_annotations,
    completes_at_the_end_of_all_days,
    completes_many_builds_for_streams_that_are_not_there,
    writes_the_victims_name_into_its_own_pull_secret,
    fills_its_pull_secret_with_noise,
    spoils_its_service_accounts,
    names_its_streams_after_the_victims_organization,
    takes_the_pull_secrets_name_for_another_type,
)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_an_attack_changes_nothing_of_the_victim_and_the_bridge_goes_on(
    scene: Scene, attack: Callable[[Scene], None], caplog: pytest.LogCaptureFixture
) -> None:
    before = scene.victims_side()
    attack(scene)
    scene.still_works()
    eventually("quiet", lambda: scene.bridge.controller.queue.idle)
    assert scene.victims_side() == before
    assert scene.world.tag("victim", "app") is None
    assert "bug" not in caplog.text
    assert not any(password in caplog.text for password in scene.passwords)
    assert max(map(len, caplog.messages), default=0) < 5_000, "a message of the attacker's length"


def test_what_fails_for_good_is_not_tried_in_a_hot_loop(scene: Scene) -> None:
    """After all attacks, tens of imports among them that cannot succeed: in two seconds each is tried once or twice at most."""
    before = scene.attempts()
    time.sleep(2)
    assert scene.attempts() - before <= 60
    scene.still_works()


def test_the_attackers_robots_can_neither_push_nor_pull_in_the_victims_organization(scene: Scene) -> None:
    """An output in the victim's namespace is rewritten to the victim's repository; the Build's own secret opens no door there."""
    user, password = scene.world.credentials("mallory", "default") or ("", "")
    assert user == "openshift_mallory+default"
    with pytest.raises(RegistryError, match="401"):
        push_image(scene.world.stage.quay.url, "openshift_victim/app", "evil", user, password)
    request = {"uid": "u", "operation": "CREATE", "namespace": "mallory"}
    resource = {"group": "build.openshift.io", "version": "v1", "resource": "builds"}
    to = {"kind": "ImageStreamTag", "name": "app:latest", "namespace": "victim"}
    spec = {"strategy": {"type": "Docker"}, "output": {"to": to, "pushSecret": {"name": "mine"}}}
    body = {"request": {**request, "resource": resource, "object": {"metadata": {}, "spec": spec}}}
    review = parse_review({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", **body})
    answer = Admission(scene.bridge.assembly.caches).review(review)
    assert isinstance(answer, Answer)
    assert not any("pushSecret" in operation["path"] for operation in answer.outcome.patch)


def test_with_the_right_to_push_there_the_import_is_made(scene: Scene) -> None:
    """The last of all: the one way into another namespace is the review, so the tests above could have failed."""
    assert scene.world.tag("victim", "app") is None
    scene.world.stage.openshift.allow("system:serviceaccount:mallory:builder", "update", "imagestreams/layers", "victim")
    scene.build("allowed", "victim/app:latest", scene.output("victim"))
    eventually("imported", lambda: scene.world.tag("victim", "app"))
    assert scene.world.cluster.call("GET", f"{BUILDS}/mallory/builds/allowed")["metadata"]["annotations"][MANAGED] == "true"
