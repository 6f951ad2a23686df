"""The cluster adapter, one suite: over the embedded OpenShift, and over a live one when ``QUAYBRIDGE_TEST_KUBECONFIG`` names it.

The user of that kubeconfig must be a cluster admin. What the suite makes has names of its own and is deleted at the end; both
generations' CRDs must be installed, and an address in ``QUAYBRIDGE_TEST_IMAGE`` that the API server can import without a password
("registry:5000/repository:tag") lets the import be tried there too.
"""

from __future__ import annotations

import base64
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import Factory, define, evolve, frozen
from kubernetes.client import Configuration
from tests.contract.openshift_replay import SmallRegistry, _image

from quaybridge_sdk.adapters.kubernetes.caches import ClusterCaches
from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient
from quaybridge_sdk.adapters.kubernetes.events import KubernetesEvents
from quaybridge_sdk.adapters.kubernetes.imports import KubernetesImporter
from quaybridge_sdk.adapters.kubernetes.kinds import Kind
from quaybridge_sdk.adapters.kubernetes.leases import KubernetesLeases
from quaybridge_sdk.adapters.kubernetes.objects import Json, parse_build
from quaybridge_sdk.adapters.kubernetes.sources import Pace
from quaybridge_sdk.adapters.kubernetes.status import KubernetesStatus
from quaybridge_sdk.adapters.kubernetes.writer import KubernetesWriter
from quaybridge_sdk.errors import (
    ConflictError,
    ExpiredError,
    InvalidCredentialsError,
    NotFoundError,
    RequestRefusedError,
    TokenInvalidError,
    UnreachableError,
)
from quaybridge_sdk.model.integration import SecretKey
from quaybridge_sdk.model.openshift import (
    DESTINATION_ANNOTATION,
    FINALIZER,
    IMPORTED_ANNOTATION,
    MANAGED_ANNOTATION,
    ImageImport,
    ImageStreamTag,
)
from quaybridge_sdk.model.quay import SecretText
from quaybridge_sdk.ports import Change, LeaseRecord
from quaybridge_sdk.testing.openshift import EmbeddedOpenShift, Settings

LIVE, LIVE_IMAGE = os.environ.get("QUAYBRIDGE_TEST_KUBECONFIG", ""), os.environ.get("QUAYBRIDGE_TEST_IMAGE", "")
NAMESPACES, INTEGRATIONS = "/api/v1/namespaces", "/apis/quay.redhat.com/v1/quayintegrations"
SEED = "/apis/redhatcop.redhat.io/v1alpha1/quayintegrations"
STREAMS, BUILDS = "/apis/image.openshift.io/v1/namespaces", "/apis/build.openshift.io/v1/namespaces"
ACCOUNTS = ("builder", "default", "deployer")
CONTENT = SecretText('{"auths":{"quay.example.com":{"auth":"eDp5"}}}')
PACE = Pace(first=0.02, limit=1.0)


@define
class World:
    """One cluster to hold the adapter against, and a namespace of its own in it."""

    client: KubernetesClient
    namespace: str
    kubeconfig: Path
    image: str
    unreachable: str = "127.0.0.1:5999/team/app:latest"
    _made: list[str] = Factory(list)

    @property
    def path(self) -> str:
        return f"{NAMESPACES}/{self.namespace}"

    def get(self, path: str) -> Json:
        return self.client.get(f"{self.path}/{path}")

    def make(self, path: str, **body: Any) -> Json:
        return self.client.create(f"{self.path}/{path}", body)

    def make_cluster_object(self, collection: str, name: str, spec: Json) -> str:
        group = "/".join(collection.split("/")[2:4])
        body = {"apiVersion": group, "kind": "QuayIntegration", "metadata": {"name": name}, "spec": spec}
        self.client.create(collection, body)
        self._made.append(f"{collection}/{name}")
        return name

    def clean(self) -> None:
        for path in self._made:
            self._delete(path)
        KubernetesWriter(self.client).remove_finalizer(self.namespace)
        self._delete(self.path)

    def _delete(self, path: str) -> None:
        try:
            self.client.delete(path)
        except NotFoundError:
            return


@pytest.fixture(
    params=["embedded", pytest.param("live", marks=pytest.mark.skipif(not LIVE, reason="QUAYBRIDGE_TEST_KUBECONFIG is not set"))]
)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        kubeconfig, image = Path(LIVE), LIVE_IMAGE
        if request.param == "embedded":
            cluster = stack.enter_context(EmbeddedOpenShift(settings=Settings(namespace_grace=0.1)))
            registry = stack.enter_context(SmallRegistry("team/app", _image("latest", 10, 200, oci=False)))
            kubeconfig, image = cluster.kubeconfig(tmp_path / "kubeconfig"), f"{registry.url[7:]}/team/app:latest"
        client = stack.enter_context(KubernetesClient.from_kubeconfig(str(kubeconfig)))
        made = World(client, f"qbc-{secrets.token_hex(3)}", kubeconfig, image)
        client.create(NAMESPACES, {"metadata": {"name": made.namespace}})
        stack.callback(made.clean)
        eventually(lambda: {item["metadata"]["name"] for item in made.get("serviceaccounts")["items"]} >= set(ACCOUNTS))
        yield made


@frozen
class Watching:
    caches: ClusterCaches
    changes: list[Change]

    def saw(self, kind: Kind, name: str) -> bool:
        return any((change.kind, change.name) == (kind, name) for change in self.changes)


@pytest.fixture
def watching(world: World) -> Iterator[Watching]:
    caches, changes = ClusterCaches(world.client, pace=PACE), list[Change]()
    caches.subscribe(changes.append)
    with caches:
        assert caches.wait_synced(30), caches.faults()
        yield Watching(caches, changes)


@pytest.fixture
def writer(world: World) -> KubernetesWriter:
    return KubernetesWriter(world.client)


def eventually(condition: Callable[[], object], timeout: float = 20.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.02)


def names(references: list[Json] | None) -> list[str]:
    return [reference["name"] for reference in references or ()]


# Reads


def test_the_state_of_a_namespace(world: World, watching: Watching) -> None:
    world.make("secrets", metadata={"name": "foreign"}, type="Opaque")
    encoded = base64.b64encode(CONTENT.reveal().encode()).decode()
    data = {".dockerconfigjson": encoded}
    world.make("secrets", metadata={"name": "builder-quay-c"}, type="kubernetes.io/dockerconfigjson", data=data)
    world.client.create(f"{STREAMS}/{world.namespace}/imagestreams", {"metadata": {"name": "my_app.x"}})

    def seen() -> bool:
        state = watching.caches.state(world.namespace)
        return state is not None and bool(state.pull_secrets and state.image_streams) and state.accounts.keys() == set(ACCOUNTS)

    eventually(seen)
    state = watching.caches.state(world.namespace)
    assert state is not None
    assert state.pull_secrets == {"builder-quay-c": CONTENT.fingerprint()}
    assert state.image_streams == {"my_app.x"}
    assert not state.namespace.terminating
    assert watching.caches.cluster_uid() == world.client.get(f"{NAMESPACES}/kube-system")["metadata"]["uid"]


def test_builds(world: World, watching: Watching) -> None:
    destination = f"{world.namespace}/app:1"
    made = make_build(world, "mine", {MANAGED_ANNOTATION: "true", DESTINATION_ANNOTATION: destination})
    make_build(world, "plain", None)
    eventually(lambda: watching.caches.build(world.namespace, "mine"))
    world.client.patch_merge(f"{BUILDS}/{world.namespace}/builds/mine", {"status": {"phase": "Complete"}})
    eventually(lambda: (build := watching.caches.build(world.namespace, "mine")) and build.phase == "Complete")
    (build,) = watching.caches.builds(world.namespace)
    assert (build.name, build.uid, build.strategy) == ("mine", made["metadata"]["uid"], "Docker")
    assert (build.output_kind, build.output_name) == ("DockerImage", "quay.example.com/o/app:1")
    KubernetesImporter(world.client).mark_imported(build)
    eventually(lambda: (found := watching.caches.build(world.namespace, "mine")) and found.strategy == "")


def make_build(world: World, name: str, annotations: Json | None) -> Json:
    body = {
        "metadata": {"name": name, "annotations": annotations},
        "spec": {
            "source": {"type": "Dockerfile", "dockerfile": "FROM scratch"},
            "strategy": {"type": "Docker", "dockerStrategy": {}},
            "output": {"to": {"kind": "DockerImage", "name": "quay.example.com/o/app:1"}},
        },
    }
    return world.client.create(f"{BUILDS}/{world.namespace}/builds", body)


def test_integrations_of_both_generations_and_their_credentials(world: World, watching: Watching) -> None:
    unique, secret = world.namespace, f"{world.path}/secrets/quay-token"
    where = {"namespace": world.namespace, "name": "quay-token", "key": "quay"}
    common = {"clusterID": unique, "quayHostname": "https://quay.example.com"}
    new = {"credentialsSecret": where, "allowlistNamespaces": ["none"]}
    world.make_cluster_object(INTEGRATIONS, f"{unique}-new", common | new)
    seed = {"credentialsSecretName": f"{unique}/quay-token", "whitelistNamespaces": ["none"]}
    world.make_cluster_object(SEED, f"{unique}-old", common | seed)
    eventually(lambda: len([item for item in watching.caches.integrations() if item.cluster_id == unique]) == 2)
    (old,) = (item for item in watching.caches.integrations() if item.name == f"{unique}-old")
    assert old.seed
    key = SecretKey(world.namespace, "quay-token", "quay")
    eventually(lambda: watching.caches.synced)
    with pytest.raises(InvalidCredentialsError, match="does not exist"):
        watching.caches.credentials(key)
    world.make("secrets", metadata={"name": "quay-token"}, data={"quay": base64.b64encode(b"first").decode()})
    eventually(lambda: watching.saw(Kind.CREDENTIALS, "quay-token"))
    assert watching.caches.credentials(key) == SecretText("first")
    with pytest.raises(InvalidCredentialsError, match="no such key"):
        watching.caches.credentials(old.credentials)
    watching.changes.clear()
    world.client.patch_merge(secret, {"data": {"quay": base64.b64encode(b"second").decode()}})
    eventually(lambda: watching.saw(Kind.CREDENTIALS, "quay-token"))
    assert watching.caches.credentials(key) == SecretText("second")


def test_status(world: World) -> None:
    where = {"namespace": world.namespace, "name": "x"}
    spec = {
        "clusterID": "c",
        "quayHostname": "https://q.example.com",
        "credentialsSecret": where,
        "allowlistNamespaces": ["none"],
    }
    key = f"quay.redhat.com/{world.make_cluster_object(INTEGRATIONS, world.namespace, spec)}"
    condition = {"type": "Ready", "status": "False", "reason": "R", "message": "m", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    status = KubernetesStatus(world.client)
    assert status.read_status(key) == {}
    status.write_status(key, {"conditions": [condition]})
    assert status.read_status(key) == {"conditions": [condition]}
    assert status.read_status("quay.redhat.com/there-is-none") is None


# Writes


def test_finalizers(world: World, writer: KubernetesWriter, watching: Watching) -> None:
    writer.add_finalizer(world.namespace)
    writer.add_finalizer(world.namespace)
    assert world.client.get(world.path)["metadata"]["finalizers"] == [FINALIZER]
    world.client.delete(world.path)
    with pytest.raises(NotFoundError):
        writer.add_finalizer(world.namespace)
    eventually(lambda: (state := watching.caches.state(world.namespace)) and state.namespace.terminating)
    writer.annotate_namespace(world.namespace, {"quaybridge.io/applied": "x"})
    with pytest.raises(NotFoundError):
        writer.write_pull_secret(world.namespace, "late", CONTENT)
    writer.remove_finalizer(world.namespace)
    eventually(lambda: watching.caches.state(world.namespace) is None)
    writer.remove_finalizer(world.namespace)
    with pytest.raises(NotFoundError):
        writer.annotate_namespace(world.namespace, {"a": "b"})


def test_pull_secrets_and_links(world: World, writer: KubernetesWriter) -> None:
    before = world.get("serviceaccounts/builder")
    for _ in range(2):
        writer.write_pull_secret(world.namespace, "builder-quay-c", CONTENT)
        writer.link_pull_secret(world.namespace, "builder", "builder-quay-c")
    account = world.get("serviceaccounts/builder")
    assert names(account["secrets"]) == [*names(before.get("secrets")), "builder-quay-c"]
    assert names(account["imagePullSecrets"]) == [*names(before.get("imagePullSecrets")), "builder-quay-c"]
    made = world.get("secrets/builder-quay-c")
    assert base64.b64decode(made["data"][".dockerconfigjson"]).decode() == CONTENT.reveal()
    writer.write_pull_secret(world.namespace, "builder-quay-c", SecretText('{"auths":{}}'))
    changed = world.get("secrets/builder-quay-c")
    assert changed["metadata"]["uid"] == made["metadata"]["uid"]
    assert changed["data"] != made["data"]


def test_a_write_without_effect_keeps_the_version(world: World, writer: KubernetesWriter) -> None:
    writer.link_pull_secret(world.namespace, "builder", "q")
    version = world.get("serviceaccounts/builder")["metadata"]["resourceVersion"]
    writer.link_pull_secret(world.namespace, "builder", "q")
    assert world.get("serviceaccounts/builder")["metadata"]["resourceVersion"] == version


def test_a_secret_of_another_type(world: World, writer: KubernetesWriter) -> None:
    world.make("secrets", metadata={"name": "s"}, type="Opaque")
    with pytest.raises(RequestRefusedError, match="cannot be changed"):
        writer.write_pull_secret(world.namespace, "s", CONTENT)


def test_the_lost_update(world: World) -> None:
    """A change between our read and our write is a conflict, and nothing of it is lost."""

    class Rival(KubernetesClient):
        met = False

        def replace(self, path: str, body: Json) -> Json:
            if not self.met:
                self.met = True
                entry = [*(body.get("secrets") or [])[:-1], {"name": "rival"}]
                self.patch_merge(path, {"secrets": entry})
            return super().replace(path, body)

    with Rival.from_kubeconfig(str(world.kubeconfig)) as client:
        KubernetesWriter(client).link_pull_secret(world.namespace, "deployer", "q")
    account = world.get("serviceaccounts/deployer")
    assert names(account["secrets"])[-2:] == ["rival", "q"]
    assert names(account["imagePullSecrets"])[-1:] == ["q"]


def test_write_through_and_the_event_that_follows(world: World, watching: Watching) -> None:
    writer = KubernetesWriter(world.client, watching.caches.observe)
    for number in range(5):
        content = SecretText(f'{{"auths":{{"h{number}":{{}}}}}}')
        writer.write_pull_secret(world.namespace, "a-quay-b", content)
        state = watching.caches.state(world.namespace)
        assert state is not None
        assert state.pull_secrets["a-quay-b"] == content.fingerprint()


# Imports


def test_an_import(world: World) -> None:
    if not world.image:
        pytest.skip("QUAYBRIDGE_TEST_IMAGE is not set")
    request = ImageImport(ImageStreamTag(world.namespace, "app", "built"), world.image, insecure=True, scheduled=False)
    importer = KubernetesImporter(world.client)
    with pytest.raises(NotFoundError):
        importer.import_image(request)
    world.client.create(f"{STREAMS}/{world.namespace}/imagestreams", {"metadata": {"name": "app"}})
    imported = importer.import_image(request)
    assert imported.digest.startswith("sha256:")
    tags = world.client.get(f"{STREAMS}/{world.namespace}/imagestreams/app")["status"]["tags"]
    assert tags[0]["items"][0]["image"] == imported.digest
    missing = evolve(request, pull_spec=f"{world.image.rpartition(':')[0]}:none")
    with pytest.raises(NotFoundError, match="none"):
        importer.import_image(missing)


def test_an_import_from_nowhere(world: World) -> None:
    world.client.create(f"{STREAMS}/{world.namespace}/imagestreams", {"metadata": {"name": "app"}})
    destination = ImageStreamTag(world.namespace, "app", "down")
    with pytest.raises(UnreachableError, match="refused"):
        KubernetesImporter(world.client).import_image(ImageImport(destination, world.unreachable, True, False))


def test_a_review(world: World) -> None:
    nobody = f"system:serviceaccount:{world.namespace}:deployer"
    assert not KubernetesImporter(world.client).may_import(nobody, "default")


def test_a_mark_on_a_build_of_another_time(world: World) -> None:
    first = parse_build(make_build(world, "b", {MANAGED_ANNOTATION: "true"}))
    assert first is not None
    world.client.delete(f"{BUILDS}/{world.namespace}/builds/b")
    make_build(world, "b", {MANAGED_ANNOTATION: "true"})
    with pytest.raises(NotFoundError):
        KubernetesImporter(world.client).mark_imported(first)
    live = world.client.get(f"{BUILDS}/{world.namespace}/builds/b")
    assert IMPORTED_ANNOTATION not in live["metadata"]["annotations"]


# The rest


def test_leases(world: World) -> None:
    leases, now = KubernetesLeases(world.client), datetime.now(UTC)
    assert leases.read(world.namespace, "leader") is None
    fresh = LeaseRecord(world.namespace, "leader", "a", 15, now, now)
    made = leases.write(fresh)
    assert evolve(made, version="") == fresh
    with pytest.raises(ConflictError):
        leases.write(fresh)
    taken = leases.write(evolve(made, holder="b", transitions=1))
    with pytest.raises(ConflictError):
        leases.write(evolve(made, holder="a"))
    assert leases.read(world.namespace, "leader") == taken


def test_events(world: World) -> None:
    recorder = KubernetesEvents(world.client)
    for _ in range(3):
        recorder.event("Namespace", "", world.namespace, "Tried", "m" * 2000, warning=True)
    recorder.event("ImageStream", world.namespace, "my_app", "Tried", "one", warning=False)
    found = [event for event in world.get("events")["items"] if event["source"].get("component") == "quaybridge"]
    assert sorted((event["involvedObject"]["kind"], event["type"]) for event in found) == [
        ("ImageStream", "Normal"),
        ("Namespace", "Warning"),
    ]


def test_failures_of_the_api(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.get("secrets/there-is-none")
    with pytest.raises(RequestRefusedError):
        world.make("secrets", metadata={"name": "Bad_Name"})
    with pytest.raises(ExpiredError):
        world.client.get(NAMESPACES, {"resourceVersion": "5", "resourceVersionMatch": "Exact", "limit": "1"})
    with pytest.raises(ExpiredError):
        world.client.get(NAMESPACES, {"resourceVersion": "999999999999"})
    stranger = Configuration(host=world.client.host)
    stranger.ssl_ca_cert, stranger.verify_ssl = world.client._configuration.ssl_ca_cert, world.client._configuration.verify_ssl
    stranger.api_key["BearerToken"] = "Bearer wrong"
    with KubernetesClient(stranger) as client, pytest.raises(TokenInvalidError):
        client.get(NAMESPACES)
