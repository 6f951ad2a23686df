"""What the embedded OpenShift API promises beyond the recordings: its switches, its background work, and its clients."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import kubernetes
import pytest
from tests.contract.openshift_replay import SmallRegistry, _image

from quaybridge_sdk.testing import tls
from quaybridge_sdk.testing.http import Fault, Request
from quaybridge_sdk.testing.openshift import NOT_IMITATED, EmbeddedOpenShift, Settings, watches
from quaybridge_sdk.testing.openshift.access import ADMIN
from quaybridge_sdk.testing.openshift.cluster import Call
from quaybridge_sdk.testing.quay import EmbeddedQuay
from quaybridge_sdk.testing.registry_client import push_image

STREAMS = "/apis/image.openshift.io/v1/namespaces/default/imagestreams"
IMPORTS = "/apis/image.openshift.io/v1/namespaces/default/imagestreamimports"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
MERGE = {"content-type": "application/merge-patch+json"}


@pytest.fixture
def cluster() -> Iterator[EmbeddedOpenShift]:
    with EmbeddedOpenShift(settings=Settings(pace=0.1, namespace_grace=0.1)) as running:
        running.settle()
        yield running


@pytest.fixture
def api(cluster: EmbeddedOpenShift) -> Iterator[httpx.Client]:
    with admin(cluster) as client:
        yield client


def admin(cluster: EmbeddedOpenShift) -> httpx.Client:
    headers = {"authorization": f"Bearer {cluster.admin_token}"}
    return httpx.Client(base_url=cluster.url, headers=headers, timeout=20, verify=False)


class Watch:
    """A watch read in the background."""

    def __init__(self, cluster: EmbeddedOpenShift, path: str, **query: str) -> None:
        self.events: list[Any] = []
        self.error: Exception | None = None
        self._client = admin(cluster)
        request = self._client.build_request("GET", path, params={"watch": "1"} | query)
        self._response = self._client.send(request, stream=True)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for line in self._response.iter_lines():
                self.events.append(json.loads(line))
        except httpx.TransportError as error:
            self.error = error

    def end(self) -> list[Any]:
        self._thread.join(timeout=20)
        assert not self._thread.is_alive()
        self._client.close()
        return self.events

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


def namespace(api: httpx.Client, name: str, **metadata: Any) -> Any:
    return api.post("/api/v1/namespaces", json={"metadata": {"name": name} | metadata}).raise_for_status().json()


def import_body(stream: str, *references: str, **more: Any) -> Any:
    images = [{"from": {"kind": "DockerImage", "name": name}, "to": {"name": "latest"}, "importPolicy": {"insecure": True}}
              for name in references]  # fmt: skip
    return {"metadata": {"name": stream}, "spec": {"import": True, "images": images}} | more


# Background work


def test_a_put_from_the_added_event_conflicts_with_later_annotations(cluster: EmbeddedOpenShift, api: httpx.Client) -> None:
    made = namespace(api, "team")
    cluster.settle()
    answer = api.put("/api/v1/namespaces/team", json=made)
    assert (answer.status_code, answer.json()["reason"]) == (409, "Conflict")
    assert "openshift.io/sa.scc.mcs" in api.get("/api/v1/namespaces/team").json()["metadata"]["annotations"]


def test_a_deleted_default_service_account_is_made_again(cluster: EmbeddedOpenShift, api: httpx.Client) -> None:
    before = api.delete("/api/v1/namespaces/default/serviceaccounts/builder").json()["metadata"]["uid"]
    cluster.settle()
    assert api.get("/api/v1/namespaces/default/serviceaccounts/builder").json()["metadata"]["uid"] != before


def test_without_controllers_a_namespace_stays_empty() -> None:
    with EmbeddedOpenShift(controllers=False) as cluster, admin(cluster) as api:
        namespace(api, "team")
        cluster.settle()
        assert cluster.objects("serviceaccounts") == []


def test_an_object_with_a_finalizer_holds_its_namespace(cluster: EmbeddedOpenShift, api: httpx.Client) -> None:
    namespace(api, "team")
    place = "/apis/image.openshift.io/v1/namespaces/team/imagestreams"
    api.post(place, json={"metadata": {"name": "app", "finalizers": ["example.com/mine"]}}).raise_for_status()
    api.delete("/api/v1/namespaces/team").raise_for_status()
    _until(lambda: _conditions(api).get("NamespaceContentRemaining") == "True")
    assert [value["metadata"]["name"] for value in cluster.objects("imagestreams", "team")] == ["app"]
    api.patch(f"{place}/app", json={"metadata": {"finalizers": None}}, headers=MERGE).raise_for_status()
    cluster.settle()
    assert api.get("/api/v1/namespaces/team").status_code == 404


def test_a_namespace_does_not_go_while_an_aggregated_api_is_away(cluster: EmbeddedOpenShift, api: httpx.Client) -> None:
    namespace(api, "team")
    cluster.settle()
    cluster.aggregation = "refused"
    api.delete("/api/v1/namespaces/team").raise_for_status()
    time.sleep(0.3)
    assert api.get("/api/v1/namespaces/team").json()["spec"] == {"finalizers": ["kubernetes"]}
    cluster.aggregation = "up"
    cluster.settle()
    assert api.get("/api/v1/namespaces/team").status_code == 404


def _conditions(api: httpx.Client) -> dict[str, str]:
    status = api.get("/api/v1/namespaces/team").json().get("status", {})
    return {entry["type"]: entry["status"] for entry in status.get("conditions", [])}


def _until(holds: Any) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# Switches


@pytest.mark.parametrize(("clean", "error"), [(True, None), (False, httpx.RemoteProtocolError)])
def test_watches_can_be_broken(clean: bool, error: Any, cluster: EmbeddedOpenShift) -> None:
    watch = Watch(cluster, CONFIG_MAPS, timeoutSeconds="600")
    cluster.break_watches(clean)
    watch.end()
    assert (type(watch.error) if watch.error else None) is error


def test_a_watch_that_a_fault_truncates_may_be_broken_too(cluster: EmbeddedOpenShift) -> None:
    """The embedded server does not take it for a bug of its own, which would be told at its end."""
    cluster.faults.inject(Fault("truncate", CONFIG_MAPS, times=1))
    watch = Watch(cluster, CONFIG_MAPS, timeoutSeconds="600")
    cluster.break_watches(clean=False)
    watch.end()
    assert watch.error is not None
    assert cluster.bugs == []


def test_compaction_expires_what_was_listed_before(cluster: EmbeddedOpenShift, api: httpx.Client) -> None:
    version = api.get(CONFIG_MAPS).json()["metadata"]["resourceVersion"]
    cluster.compact()
    old, new = Watch(cluster, CONFIG_MAPS, resourceVersion=version), api.get(CONFIG_MAPS).json()["metadata"]["resourceVersion"]
    assert old.end()[0]["object"]["code"] == 410
    assert Watch(cluster, CONFIG_MAPS, resourceVersion=new, timeoutSeconds="1").end() == []


def test_a_restart_keeps_the_state_and_the_port_and_expires_the_versions(cluster: EmbeddedOpenShift, api: httpx.Client) -> None:
    api.post(CONFIG_MAPS, json={"metadata": {"name": "kept"}}).raise_for_status()
    version, url = api.get(CONFIG_MAPS).json()["metadata"]["resourceVersion"], cluster.url
    watch = Watch(cluster, CONFIG_MAPS, timeoutSeconds="600")
    cluster.stop()
    watch.end()
    assert isinstance(watch.error, httpx.RemoteProtocolError)
    cluster.start()
    with admin(cluster) as again:
        assert cluster.url == url
        assert again.get(f"{CONFIG_MAPS}/kept").status_code == 200
    assert Watch(cluster, CONFIG_MAPS, resourceVersion=version).end()[0]["type"] == "ERROR"


@pytest.mark.parametrize(("outage", "status"), [("refused", 503), ("reset", 503), ("unavailable", 503), ("anonymous", 403)])
def test_an_outage_of_the_aggregated_apis_leaves_the_others_alone(outage: Any, status: int, cluster: EmbeddedOpenShift) -> None:
    core = Watch(cluster, CONFIG_MAPS, timeoutSeconds="5")
    with admin(cluster) as api:
        cluster.aggregation = outage
        assert api.get(STREAMS).status_code == api.post(IMPORTS, json={}).status_code == status
        assert api.get("/apis/quay.redhat.com/v1/quayintegrations").status_code == 200
        api.post(CONFIG_MAPS, json={"metadata": {"name": "new"}}).raise_for_status()
        cluster.aggregation = "up"
        assert api.get(STREAMS).status_code == 200
    assert core.end()[-1]["object"]["metadata"]["name"] == "new"


# Watches


def test_bookmarks_come_before_the_end_of_a_longer_watch(cluster: EmbeddedOpenShift, api: httpx.Client) -> None:
    watch = Watch(cluster, STREAMS, allowWatchBookmarks="true", timeoutSeconds="7")
    api.post(CONFIG_MAPS, json={"metadata": {"name": "elsewhere"}}).raise_for_status()
    bookmark = watch.end()[-1]
    assert watch.types == ["BOOKMARK"]
    assert bookmark["object"]["metadata"]["resourceVersion"] == api.get(STREAMS).json()["metadata"]["resourceVersion"]
    assert Watch(cluster, STREAMS, allowWatchBookmarks="true", timeoutSeconds="4").end() == []


def test_no_event_is_lost_or_doubled_among_many_writers(cluster: EmbeddedOpenShift, api: httpx.Client) -> None:
    start = api.get(CONFIG_MAPS).json()["metadata"]["resourceVersion"]
    watches = [Watch(cluster, CONFIG_MAPS, resourceVersion=start, timeoutSeconds="600") for _ in range(3)]

    def write(writer: int) -> None:
        with admin(cluster) as client:
            for turn in range(10):
                name = f"c{writer}-{turn}"
                client.post(CONFIG_MAPS, json={"metadata": {"name": name}, "data": {"n": "0"}}).raise_for_status()
                client.patch(f"{CONFIG_MAPS}/{name}", json={"data": {"n": "1"}}, headers=MERGE).raise_for_status()
                if turn % 2:
                    client.delete(f"{CONFIG_MAPS}/{name}").raise_for_status()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    _until(lambda: all(len(watch.events) == 8 * 25 for watch in watches))
    cluster.break_watches(clean=True)
    for watch in watches:
        versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in watch.end()]
        assert versions == sorted(set(versions))
        state: dict[str, Any] = {}
        for event in watch.events:
            name = event["object"]["metadata"]["name"]
            assert (event["type"] == "ADDED") == (name not in state)
            state.pop(name, None)
            state |= {} if event["type"] == "DELETED" else {name: event["object"]}
        assert sorted(state) == sorted(value["metadata"]["name"] for value in cluster.objects("configmaps", "default"))


def test_racing_patches_all_count_and_racing_puts_of_one_version_do_not(cluster: EmbeddedOpenShift, api: httpx.Client) -> None:
    made = api.post(CONFIG_MAPS, json={"metadata": {"name": "c"}}).json()

    def patch(index: int) -> int:
        with admin(cluster) as client:
            return client.patch(f"{CONFIG_MAPS}/c", json={"data": {f"k{index}": "v"}}, headers=MERGE).status_code

    def put(index: int) -> int:
        with admin(cluster) as client:
            return client.put(f"{CONFIG_MAPS}/c", json=current | {"data": {"winner": str(index)}}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(patch, range(16))) == {200}
        current = api.get(f"{CONFIG_MAPS}/c").json()
        assert len(current["data"]) == 16
        assert sorted(pool.map(put, range(8))) == [200] + [409] * 7
    assert made["metadata"]["uid"] == current["metadata"]["uid"]


def test_a_bookmark_never_passes_an_event_that_was_not_sent(cluster: EmbeddedOpenShift, api: httpx.Client) -> None:
    """Seen from inside: a write that comes between the last event and the bookmark cannot be timed from outside."""
    request = Request("GET", CONFIG_MAPS, {"watch": "1", "allowWatchBookmarks": "true"}, {}, b"")
    call = Call(cluster.cluster, request, ADMIN, cluster.cluster.catalogue.of_key("", "configmaps"), "default")
    watch = watches.Watch(call, lambda _: True)
    watch.version = cluster.cluster.store.version
    unsent = api.post(CONFIG_MAPS, json={"metadata": {"name": "c"}}).json()["metadata"]["resourceVersion"]
    bookmark = json.loads(watch.bookmark())["object"]["metadata"]["resourceVersion"]
    assert int(bookmark) < int(unsent)


# Imports


@pytest.fixture
def registry() -> Iterator[SmallRegistry]:
    with SmallRegistry("team/app", _image("latest", 10, 200, oci=False)) as running:
        yield running


def test_of_racing_imports_into_one_stream_one_wins(cluster: EmbeddedOpenShift, registry: SmallRegistry) -> None:
    registry.faults.inject(Fault("latency", r"manifests", times=None, seconds=0.3))
    reference = f"{registry.url[7:]}/team/app:latest"

    def once(_: int) -> httpx.Response:
        with admin(cluster) as client:
            return client.post(IMPORTS, json=import_body("app", reference))

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(once, range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    (said,) = {answer.json()["message"] for answer in answers if answer.status_code == 409}
    assert said.startswith('Operation cannot be fulfilled on imagestreamimports.image.openshift.io "app": the object has been')


def test_a_repeated_import_makes_no_event(cluster: EmbeddedOpenShift, api: httpx.Client, registry: SmallRegistry) -> None:
    references = [f"{registry.url[7:]}/team/app:{tag}" for tag in ("latest", "missing")]
    for reference in references:
        watch = Watch(cluster, STREAMS, timeoutSeconds="600")
        for _ in range(3):
            api.post(IMPORTS, json=import_body(f"s{references.index(reference)}", reference)).raise_for_status()
        cluster.break_watches(clean=True)
        mine = [event for event in watch.end() if event["object"]["metadata"]["name"] == f"s{references.index(reference)}"]
        assert [event["type"] for event in mine] == ["ADDED"]


def test_a_silent_registry_is_given_up(api: httpx.Client, registry: SmallRegistry) -> None:
    registry.faults.inject(Fault("silence", times=None, seconds=8))
    (image,) = api.post(IMPORTS, json=import_body("app", f"{registry.url[7:]}/team/app:latest")).json()["status"]["images"]
    assert image["status"]["message"].endswith("context deadline exceeded")


def test_an_index_of_images_is_not_imported(api: httpx.Client, registry: SmallRegistry) -> None:
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}
    registry.content = dict(registry.content) | {"manifests/multi": json.dumps(index).encode()}
    answer = api.post(IMPORTS, json=import_body("app", f"{registry.url[7:]}/team/app:multi")).json()
    assert (answer["status"]["images"][0]["status"]["code"], "indexes of several images" in NOT_IMITATED) == (501, True)


@pytest.mark.parametrize(("kind", "key"), [("dockerconfigjson", ".dockerconfigjson"), ("dockercfg", ".dockercfg")])
def test_only_a_secret_for_the_registrys_host_and_port_helps(kind: str, key: str, api: httpx.Client) -> None:
    with SmallRegistry("team/app", _image("latest", 10, 200, oci=False), password="secret") as registry:
        host = registry.url[7:]
        for attempt, (place, outcome) in enumerate([("127.0.0.1:1", "Failure"), (host, "Success")]):
            entry = {place: {"auth": base64.b64encode(b"robot:secret").decode()}}
            config = {"auths": entry} if kind == "dockerconfigjson" else entry
            data = {key: base64.b64encode(json.dumps(config).encode()).decode()}
            body = {"metadata": {"name": f"s{attempt}"}, "type": f"kubernetes.io/{kind}", "data": data}
            api.post("/api/v1/namespaces/default/secrets", json=body).raise_for_status()
            (image,) = api.post(IMPORTS, json=import_body("app", f"{host}/team/app:latest")).json()["status"]["images"]
            assert image["status"]["status"] == outcome


def test_an_import_checks_the_registrys_certificate_by_the_authorities_it_is_given(tmp_path: Path) -> None:
    public, key, authority = tls.self_signed(tmp_path, "127.0.0.1")
    for trusted, outcome in ((authority.read_text(), "Success"), ("", "Failure")):
        registry = SmallRegistry("team/app", _image("latest", 10, 200, oci=False), tls=tls.server_context(public, key))
        with registry, EmbeddedOpenShift(settings=Settings(registry_ca=trusted)) as cluster, admin(cluster) as api:
            body = import_body("app", f"{registry.url[8:]}/team/app:latest")
            body["spec"]["images"][0]["importPolicy"] = {}
            (image,) = api.post(IMPORTS, json=body).json()["status"]["images"]
        assert image["status"]["status"] == outcome
        assert outcome == "Success" or "x509" in image["status"]["message"]


def test_an_image_pushed_to_the_embedded_quay_is_imported_with_a_robots_pull_secret(api: httpx.Client) -> None:
    with EmbeddedQuay() as quay:
        headers = {"authorization": f"Bearer {quay.token}"}
        with httpx.Client(base_url=f"{quay.url}/api/v1", headers=headers, verify=False) as admin_of_quay:
            admin_of_quay.post("/organization/", json={"name": "team"}).raise_for_status()
            private = {"namespace": "team", "repository": "app", "visibility": "private", "description": ""}
            admin_of_quay.post("/repository", json=private).raise_for_status()
            password = admin_of_quay.put("/organization/team/robots/builder").json()["token"]
            grant = {"role": "write"}
            admin_of_quay.put("/repository/team/app/permissions/user/team+builder", json=grant).raise_for_status()
        pushed = push_image(quay.url, "team/app", "v1", "team+builder", password, b"layer", verify=False)
        host = quay.url.partition("//")[2]
        before = api.post(IMPORTS, json=import_body("app", f"{host}/team/app:v1")).json()["status"]["images"][0]
        entry = {host: {"auth": base64.b64encode(f"team+builder:{password}".encode()).decode()}}
        data = {".dockerconfigjson": base64.b64encode(json.dumps({"auths": entry}).encode()).decode()}
        secret = {"metadata": {"name": "quay"}, "type": "kubernetes.io/dockerconfigjson", "data": data}
        api.post("/api/v1/namespaces/default/secrets", json=secret).raise_for_status()
        after = api.post(IMPORTS, json=import_body("app", f"{host}/team/app:v1")).json()["status"]["images"][0]
    assert before["status"]["reason"] == "Unauthorized"
    assert (after["status"]["status"], after["image"]["metadata"]["name"]) == ("Success", pushed)


# Clients, users, assertions


def test_it_speaks_tls_and_its_kubeconfig_says_whom_to_trust(tmp_path: Path) -> None:
    public, key, authority = tls.self_signed(tmp_path, "127.0.0.1")
    with EmbeddedOpenShift(tls=tls.server_context(public, key), ca=authority.read_text()) as cluster:
        config: Any = kubernetes.client.Configuration()
        load: Any = kubernetes.config.load_kube_config
        load(str(cluster.kubeconfig(tmp_path / "kubeconfig")), client_configuration=config)
        with kubernetes.client.ApiClient(config) as client:
            core: Any = kubernetes.client.CoreV1Api(client)
            names = [found.metadata.name for found in core.list_namespace().items]
            client.rest_client.pool_manager.clear()
    assert names == ["default", "kube-system", "openshift"]


def test_the_official_client_works_with_the_kubeconfig_from_many_threads(cluster: EmbeddedOpenShift, tmp_path: Path) -> None:
    path = cluster.kubeconfig(tmp_path / "kubeconfig")
    config: Any = kubernetes.client.Configuration()
    load: Any = kubernetes.config.load_kube_config
    load(str(path), client_configuration=config)
    with kubernetes.client.ApiClient(config) as client:
        core: Any = kubernetes.client.CoreV1Api(client)
        custom: Any = kubernetes.client.CustomObjectsApi(client)
        group = ("image.openshift.io", "v1", "default", "imagestreams")

        def work(index: int) -> None:
            core.create_namespace({"metadata": {"name": f"team-{index}"}})
            custom.create_namespaced_custom_object(*group, {"metadata": {"name": f"app-{index}"}})
            custom.patch_namespaced_custom_object(*group, f"app-{index}", {"metadata": {"annotations": {"a": "b"}}},
                                                  _content_type="application/merge-patch+json")  # fmt: skip

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(16)))
        make_watch: Any = kubernetes.watch.Watch
        watch = make_watch()
        found = [event["object"]["metadata"]["name"] for event in
                 watch.stream(custom.list_namespaced_custom_object, *group, timeout_seconds=1)]  # fmt: skip
        with pytest.raises(kubernetes.client.ApiException) as caught:
            core.create_namespace({"metadata": {"name": "team-0"}})
        client.rest_client.pool_manager.clear()
    assert sorted(found) == sorted(f"app-{index}" for index in range(16))
    assert caught.value.status == 409


def test_a_user_may_do_what_was_allowed_and_nothing_else(cluster: EmbeddedOpenShift) -> None:
    user = "system:serviceaccount:bridge:controller"
    cluster.allow(user, "create", "imagestreamimports", "default")
    cluster.allow(user, "get", "secrets", "default", name="only")
    cluster.allow_path(user, "/metrics")
    with httpx.Client(base_url=cluster.url, headers={"authorization": f"Bearer {cluster.token(user)}"}) as client:
        made = client.post(IMPORTS, json=import_body("app", "127.0.0.1:1/a/b:c")).status_code
        answers = [client.get(path).status_code for path in (
            STREAMS, "/api/v1/namespaces/default/secrets/only", "/api/v1/namespaces/default/secrets/other", "/metrics",
        )]  # fmt: skip
    assert (made, answers) == (201, [403, 404, 403, 501])


def test_a_project_is_a_namespace_with_its_requester(cluster: EmbeddedOpenShift, api: httpx.Client) -> None:
    body = {"metadata": {"name": "team"}, "displayName": "The team"}
    made = api.post("/apis/project.openshift.io/v1/projectrequests", json=body).json()
    annotations = api.get("/api/v1/namespaces/team").json()["metadata"]["annotations"]
    assert (made["kind"], annotations["openshift.io/display-name"]) == ("Project", "The team")
    assert annotations["openshift.io/requester"] == "system:admin"
    assert cluster.objects("namespaces")[-1]["spec"]["finalizers"] == ["openshift.io/origin", "kubernetes"]


def test_writes_are_counted_exactly(cluster: EmbeddedOpenShift, api: httpx.Client) -> None:
    cluster.clear_requests()
    api.get(CONFIG_MAPS)
    api.post(CONFIG_MAPS, json={"metadata": {"name": "c"}})
    api.post(CONFIG_MAPS, json={"metadata": {"name": "c"}})
    api.delete(f"{CONFIG_MAPS}/c")
    assert [(entry.method, entry.status) for entry in cluster.api_writes] == [("POST", 201), ("POST", 409), ("DELETE", 200)]


def test_a_snapshot_is_nobodys_state(cluster: EmbeddedOpenShift) -> None:
    cluster.objects("namespaces")[0]["metadata"]["name"] = "changed"
    assert cluster.objects("namespaces")[0]["metadata"]["name"] == "default"


def test_a_definition_comes_and_goes(cluster: EmbeddedOpenShift, api: httpx.Client) -> None:
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "size": {"type": "integer", "minimum": 1, "default": 3}, "mode": {"type": "string", "enum": ["a", "b"]}}}}}  # fmt: skip
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    spec = {"group": "example.com", "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing"}, "versions": [version]}
    things = "/apis/example.com/v1/namespaces/default/things"
    assert api.get(things).status_code == 404
    api.post(definitions, json={"metadata": {"name": "things.example.com"}, "spec": spec}).raise_for_status()
    assert api.post(things, json={"metadata": {"name": "t"}, "spec": {"mode": "a"}}).json()["spec"] == {"mode": "a", "size": 3}
    refused = api.post(things, json={"metadata": {"name": "u"}, "spec": {"mode": "c", "size": 0}}).json()["details"]["causes"]
    assert [cause["field"] for cause in refused] == ["spec.mode", "spec.size"]
    api.delete(f"{definitions}/things.example.com").raise_for_status()
    assert api.get(things).status_code == 404


def outside_requests() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """A request for every row of NOT_IMITATED that one can ask for."""
    one, apply = f"{CONFIG_MAPS}/c", "application/apply-patch+yaml"
    version = {"resourceVersion": "1001", "resourceVersionMatch": "Exact", "limit": "1"}
    repository = {"from": {"kind": "DockerImage", "name": "127.0.0.1:1/a/b"}}
    return {
        "server-side apply": ("PATCH", one, {"content": b"{}", "headers": {"content-type": apply}}),
        "strategic merge patch": (
            "PATCH", one, {"content": b"{}", "headers": {"content-type": "application/strategic-merge-patch+json"}}),
        "huge JSON patches": ("PATCH", one, {
            "json": [{"op": "test", "path": "/kind", "value": "ConfigMap"}] * 10_001,
            "headers": {"content-type": "application/json-patch+json"}}),
        "other representations": ("GET", CONFIG_MAPS, {"headers": {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}}),
        "bodies of another kind": ("POST", CONFIG_MAPS, {"json": {"kind": "Secret", "metadata": {"name": "d"}}}),
        "options of a write": ("DELETE", one, {"params": {"dryRun": "All"}}),
        "malformed numbers": ("GET", CONFIG_MAPS, {"params": {"limit": "x"}}),
        "streaming lists": ("GET", CONFIG_MAPS, {"params": {"watch": "1", "sendInitialEvents": "true"}}),
        "foreign continue tokens": ("GET", CONFIG_MAPS, {"params": {"limit": "1", "continue": "nope"}}),
        "faulty webhook configurations": ("POST", WEBHOOKS, {
            "json": {"metadata": {"name": "w"}, "webhooks": [{"name": "one", "clientConfig": {"url": "https://a"}}]}}),
        "unlisted groups": ("GET", "/apis/apps/v1/deployments", {}),
        "unlisted resources": ("GET", "/api/v1/pods", {}),
        "whole repository import": ("POST", IMPORTS, {"json": {"metadata": {"name": "a"}, "spec": {"repository": repository}}}),
        "garbage collection": ("DELETE", one, {"params": {"propagationPolicy": "Foreground"}}),
        "lists at a version": ("GET", CONFIG_MAPS, {"params": version}),
        "duplicate fields": ("POST", CONFIG_MAPS, {"content": b'{"metadata":{"name":"d","name":"e"}}'}),
        "OpenAPI": ("GET", "/openapi/v2", {}),
        "unknown HTTP methods": ("BREW", CONFIG_MAPS, {}),
    }  # fmt: skip


@pytest.mark.parametrize("row", outside_requests())
def test_what_is_not_imitated_is_said_to_be(row: str, api: httpx.Client) -> None:
    api.post(CONFIG_MAPS, json={"metadata": {"name": "c"}}).raise_for_status()
    method, path, options = outside_requests()[row]
    answer = api.request(method, path, **options)
    assert row in NOT_IMITATED
    assert answer.status_code == 501
    if row != "unknown HTTP methods":
        assert answer.json()["kind"] == "Status"
        assert row in answer.json()["message"]
