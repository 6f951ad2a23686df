"""The caches against an embedded cluster: what they hold, what they drop, what they tell."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from tests.adapters.kubernetes.support import client_of, configuration, eventually

from quaybridge_sdk.adapters.kubernetes.caches import ClusterCaches
from quaybridge_sdk.adapters.kubernetes.client import JSON, KubernetesClient
from quaybridge_sdk.adapters.kubernetes.kinds import Kind
from quaybridge_sdk.adapters.kubernetes.objects import Json
from quaybridge_sdk.adapters.kubernetes.sources import Pace
from quaybridge_sdk.errors import ForbiddenError, InvalidCredentialsError, UnreachableError
from quaybridge_sdk.model.integration import SecretKey
from quaybridge_sdk.model.openshift import DESTINATION_ANNOTATION, IMPORTED_ANNOTATION, MANAGED_ANNOTATION
from quaybridge_sdk.model.quay import SecretText
from quaybridge_sdk.ports import Change, ChangeFeed, ClusterReader
from quaybridge_sdk.testing.http import Fault
from quaybridge_sdk.testing.openshift import EmbeddedOpenShift, Settings

PACE = Pace(watch=(30.0, 30.0), silence=10.0, first=0.01, limit=0.05, absent=0.1)
NAMESPACES, SEED = "/api/v1/namespaces", "/apis/redhatcop.redhat.io/v1alpha1/quayintegrations"
INTEGRATIONS = "/apis/quay.redhat.com/v1/quayintegrations"


@contextmanager
def caching(client: KubernetesClient, **options: Any) -> Iterator[tuple[ClusterCaches, list[Change]]]:
    caches, changes = ClusterCaches(client, pace=PACE, **options), list[Change]()
    caches.subscribe(changes.append)
    with caches:
        assert caches.wait_synced(10)
        yield caches, changes
    assert [thread for thread in threading.enumerate() if thread.name.startswith("watch-")] == []


def make_namespace(client: KubernetesClient, cluster: EmbeddedOpenShift, name: str) -> None:
    client.create(NAMESPACES, {"metadata": {"name": name}})
    cluster.settle()


def make_secret(
    client: KubernetesClient, name: str, namespace: str = "team", kind: str = "kubernetes.io/dockerconfigjson", **data: str
) -> Json:
    values = {key.replace("_", "."): base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return client.create(f"{NAMESPACES}/{namespace}/secrets", {"metadata": {"name": name}, "type": kind, "data": values})


def make_integration(client: KubernetesClient, name: str = "quay", key: str | None = None, secret: str = "quay-token") -> Json:
    where = {"namespace": "team", "name": secret} | ({"key": key} if key else {})
    spec = {"clusterID": "c", "quayHostname": "https://quay.example.com", "credentialsSecret": where}
    return client.create(
        INTEGRATIONS, {"apiVersion": "quay.redhat.com/v1", "kind": "QuayIntegration", "metadata": {"name": name}, "spec": spec}
    )


@pytest.fixture
def team(cluster: EmbeddedOpenShift, client: KubernetesClient) -> str:
    make_namespace(client, cluster, "team")
    return "team"


def test_it_is_a_cluster_reader(client: KubernetesClient) -> None:
    reader: ClusterReader = ClusterCaches(client)
    assert reader.integrations() == ()


def test_before_anything_was_read(client: KubernetesClient) -> None:
    caches = ClusterCaches(client)
    assert not caches.synced
    assert caches.state("team") is None
    with pytest.raises(UnreachableError, match="kube-system"):
        caches.cluster_uid()


def test_the_state_of_a_namespace(cluster: EmbeddedOpenShift, client: KubernetesClient, team: str) -> None:
    make_secret(client, "builder-quay-c", _dockerconfigjson='{"auths":{}}')
    make_secret(client, "foreign", _dockerconfigjson='{"auths":{}}')
    client.create(f"/apis/image.openshift.io/v1/namespaces/{team}/imagestreams", {"metadata": {"name": "app"}})
    client.create(f"{NAMESPACES}/{team}/serviceaccounts", {"metadata": {"name": "other"}})
    with caching(client) as (caches, _):
        state = caches.state(team)
        assert state is not None
        assert (state.namespace.name, state.namespace.terminating) == (team, False)
        assert state.accounts.keys() == {"builder", "default", "deployer"}
        assert state.pull_secrets == {"builder-quay-c": SecretText('{"auths":{}}').fingerprint()}
        assert state.image_streams == {"app"}
        assert caches.service_account(team, "builder") == state.accounts["builder"]
        assert caches.service_account(team, "other") is None
        assert {"default", "kube-system", team} <= {namespace.name for namespace in caches.namespaces()}
        assert caches.cluster_uid() == client.get(f"{NAMESPACES}/kube-system")["metadata"]["uid"]
        assert caches.uid("Namespace", "", team) == state.namespace.uid
        assert caches.state("nowhere") is None
        assert caches.alive
        assert caches.faults() == {}


class Noting(KubernetesClient):
    """Writes down which collections were asked for their objects' metadata alone."""

    partial: set[str]

    def get(self, path: str, query: Mapping[str, str] | None = None, *, accept: str = JSON) -> Json:
        if "PartialObjectMetadata" in accept:
            self.partial.add(path.rpartition("/")[2])
        return super().get(path, query, accept=accept)


def test_streams_and_namespaces_are_asked_for_their_metadata_only(cluster: EmbeddedOpenShift) -> None:
    client = Noting(configuration(cluster.url, cluster.admin_token))
    client.partial = set()
    with client, caching(client) as (caches, _):
        assert client.partial == {"namespaces", "imagestreams"}
        client.create("/apis/image.openshift.io/v1/namespaces/default/imagestreams", {"metadata": {"name": "app"}})
        eventually(lambda: caches.image_stream_version("default", "app"))
        live = client.get("/apis/image.openshift.io/v1/namespaces/default/imagestreams/app")
        assert caches.image_stream_version("default", "app") == live["metadata"]["resourceVersion"]
        assert caches.image_stream_version("default", "none") is None


def test_changes_are_told_and_what_does_not_matter_is_not(
    cluster: EmbeddedOpenShift, client: KubernetesClient, team: str
) -> None:
    with caching(client) as (caches, changes):
        changes.clear()
        path = f"/apis/image.openshift.io/v1/namespaces/{team}/imagestreams"
        client.create(path, {"metadata": {"name": "app"}})
        eventually(lambda: changes)
        client.patch_merge(f"{path}/app", {"metadata": {"labels": {"a": "b"}}})
        client.patch_merge(f"{NAMESPACES}/{team}", {"metadata": {"labels": {"a": "b"}}})
        make_secret(client, "foreign", _dockerconfigjson="{}")
        client.patch_merge(f"{NAMESPACES}/{team}", {"metadata": {"annotations": {"quaybridge.io/applied": "x"}}})
        client.delete(f"{path}/app")
        eventually(lambda: len(changes) == 3)
        assert set(changes) == {Change(Kind.IMAGE_STREAM, team, "app"), Change(Kind.NAMESPACE, team, team)}
        state = caches.state(team)
        assert state is not None
        assert state.namespace.annotations["quaybridge.io/applied"] == "x"


def test_a_damaged_or_deleted_secret_and_account_are_told(
    cluster: EmbeddedOpenShift, client: KubernetesClient, team: str
) -> None:
    make_secret(client, "builder-quay-c", _dockerconfigjson="{}")
    with caching(client) as (caches, changes):
        changes.clear()
        client.delete(f"{NAMESPACES}/{team}/secrets/builder-quay-c")
        eventually(lambda: changes == [Change(Kind.SECRET, team, "builder-quay-c")])
        client.patch_merge(f"{NAMESPACES}/{team}/serviceaccounts/builder", {"secrets": [{"name": "x"}]})
        eventually(lambda: changes[1:] == [Change(Kind.SERVICE_ACCOUNT, team, "builder")])
        account = caches.service_account(team, "builder")
        assert account is not None
        assert account.secrets == ("x",)


def test_a_deleted_namespace(cluster: EmbeddedOpenShift, client: KubernetesClient, team: str) -> None:
    client.patch_merge(f"{NAMESPACES}/{team}", {"metadata": {"finalizers": ["quay.redhat.com/quayintegrations"]}})
    with caching(client) as (caches, _):
        client.delete(f"{NAMESPACES}/{team}")
        eventually(lambda: (state := caches.state(team)) and state.namespace.terminating)
        client.patch_merge(f"{NAMESPACES}/{team}", {"metadata": {"finalizers": []}})
        eventually(lambda: caches.state(team) is None)


def make_build(client: KubernetesClient, name: str, namespace: str = "team", **annotations: str) -> Json:
    body = {
        "metadata": {"name": name, "annotations": annotations},
        "spec": {
            "source": {"type": "Dockerfile", "dockerfile": "FROM scratch"},
            "strategy": {"type": "Docker", "dockerStrategy": {}},
            "output": {"to": {"kind": "DockerImage", "name": "quay.example.com/c_team/app:1"}},
        },
    }
    return client.create(f"/apis/build.openshift.io/v1/namespaces/{namespace}/builds", body)


def test_managed_builds(cluster: EmbeddedOpenShift, client: KubernetesClient, team: str) -> None:
    mine = {MANAGED_ANNOTATION: "true", DESTINATION_ANNOTATION: "team/app:1"}
    made = make_build(client, "mine", **mine)
    make_build(client, "plain")
    make_build(client, "elsewhere", "default", **mine)
    make_build(client, "foreign", "default", **(mine | {DESTINATION_ANNOTATION: "teamx/app:1"}))
    with caching(client) as (caches, changes):
        assert {build.name for build in caches.builds(team)} == {"mine", "elsewhere"}
        assert caches.build(team, "plain") is None
        assert caches.uid("Build", team, "mine") == made["metadata"]["uid"]
        changes.clear()
        path = f"/apis/build.openshift.io/v1/namespaces/{team}/builds/mine"
        client.patch_merge(path, {"status": {"phase": "Complete"}})
        eventually(lambda: (build := caches.build(team, "mine")) and build.phase == "Complete")
        assert changes == [Change(Kind.BUILD, team, "mine")]
        client.patch_merge(path, {"metadata": {"annotations": {IMPORTED_ANNOTATION: "true"}}})
        eventually(lambda: (build := caches.build(team, "mine")) and build.strategy == "")


def test_integrations_of_both_generations_and_a_malformed_one(
    cluster: EmbeddedOpenShift, client: KubernetesClient, team: str
) -> None:
    make_integration(client)
    seed = {"clusterID": "c", "quayHostname": "https://q.example", "credentialsSecretName": "team/seed"}
    kind = {"apiVersion": "redhatcop.redhat.io/v1alpha1", "kind": "QuayIntegration"}
    client.create(SEED, kind | {"metadata": {"name": "old"}, "spec": seed})
    client.create(SEED, kind | {"metadata": {"name": "bad"}, "spec": seed | {"credentialsSecretName": "seed"}})
    with caching(client) as (caches, changes):
        assert [item.key for item in caches.integrations()] == ["quay.redhat.com/quay", "redhatcop.redhat.io/old"]
        assert caches.invalid_integrations().keys() == {"redhatcop.redhat.io/bad"}
        assert caches.integrations() is caches.integrations()
        assert caches.uid("QuayIntegration", "", "quay") == caches.integrations()[0].uid
        assert caches.uid("QuayIntegration", "", "none") == caches.uid("Secret", "team", "x") == ""
        changes.clear()
        client.patch_merge(f"{INTEGRATIONS}/quay", {"spec": {"allowlistNamespaces": ["team"]}})
        eventually(lambda: caches.integrations()[0].allowlist == {"team"})
        client.patch_merge(f"{SEED}/bad", {"spec": seed})
        eventually(lambda: len(caches.integrations()) == 3)
        assert caches.invalid_integrations() == {}
        client.patch_merge(f"{INTEGRATIONS}/quay/status", {"status": {"lastUpdate": "now"}})
        client.delete(f"{SEED}/old")
        eventually(lambda: len(caches.integrations()) == 2)
        assert changes == [Change(Kind.INTEGRATION, "", name) for name in ("quay", "bad", "old")]


def test_generations_that_are_not_installed_hold_nothing_back() -> None:
    with (
        EmbeddedOpenShift(settings=Settings(pace=0.1), definitions=()) as cluster,
        client_of(cluster, cluster.admin_token) as client,
        caching(client) as (caches, _),
    ):
        assert caches.integrations() == ()
        assert set(caches.faults()) == {INTEGRATIONS, SEED}


def test_a_required_api_that_is_down_holds_it_back(cluster: EmbeddedOpenShift, client: KubernetesClient) -> None:
    cluster.aggregation = "refused"
    with ClusterCaches(client, pace=PACE) as caches:
        assert not caches.wait_synced(0.3)
        eventually(lambda: len(caches.faults()) == 2)
        assert all("503" in text for text in caches.faults().values())
        cluster.aggregation = "up"
        assert caches.wait_synced(10)
        eventually(lambda: not caches.faults())


def test_the_credentials_of_an_integration_and_their_rotation(
    cluster: EmbeddedOpenShift, client: KubernetesClient, team: str
) -> None:
    make_integration(client)
    make_secret(client, "quay-token", kind="Opaque", token="first\n", other="elsewhere")
    key = SecretKey("team", "quay-token")
    with caching(client) as (caches, changes):
        assert caches.credentials(key) == SecretText("first")
        assert caches.credentials(SecretKey("team", "quay-token", "other")) == SecretText("elsewhere")
        changes.clear()
        path = f"{NAMESPACES}/{team}/secrets/quay-token"
        client.patch_merge(path, {"data": {"token": base64.b64encode(b"second").decode()}})
        eventually(lambda: changes == [Change(Kind.CREDENTIALS, "team", "quay-token")])
        assert caches.credentials(key) == SecretText("second")
        client.delete(path)
        eventually(lambda: len(changes) == 2)
        with pytest.raises(InvalidCredentialsError, match="does not exist"):
            caches.credentials(key)


def test_a_custom_key(cluster: EmbeddedOpenShift, client: KubernetesClient, team: str) -> None:
    make_integration(client, key="quay")
    make_secret(client, "quay-token", kind="Opaque", quay="mine", empty=" \n", token="not this one")
    with caching(client) as (caches, _):
        assert caches.credentials(caches.integrations()[0].credentials) == SecretText("mine")
        for missing in ("none", "empty"):
            with pytest.raises(InvalidCredentialsError, match=missing) as caught:
                caches.credentials(SecretKey("team", "quay-token", missing))
            assert "not this one" not in str(caught.value)


def test_an_integration_that_comes_later_brings_its_watch_and_takes_it_along(
    cluster: EmbeddedOpenShift, client: KubernetesClient, team: str
) -> None:
    make_secret(client, "quay-token", kind="Opaque", token="a")
    make_secret(client, "other", kind="Opaque", token="b")
    key, other = SecretKey("team", "quay-token"), SecretKey("team", "other")
    with caching(client) as (caches, changes):
        with pytest.raises(InvalidCredentialsError, match="not one that"):
            caches.credentials(key)
        make_integration(client)
        eventually(lambda: Change(Kind.CREDENTIALS, "team", "quay-token") in changes)
        assert caches.credentials(key) == SecretText("a")
        client.patch_merge(f"{INTEGRATIONS}/quay", {"spec": {"credentialsSecret": {"name": "other"}}})
        eventually(lambda: Change(Kind.CREDENTIALS, "team", "other") in changes)
        assert caches.credentials(other) == SecretText("b")
        with pytest.raises(InvalidCredentialsError):
            caches.credentials(key)
        names = [thread.name for thread in threading.enumerate() if "credentials" in thread.name and thread.is_alive()]
        eventually(lambda: not any(t.name == "watch-credentials-team-quay-token" for t in threading.enumerate()))
        assert "watch-credentials-team-other" in names


def test_credentials_that_may_not_be_read_hold_nothing_back(
    cluster: EmbeddedOpenShift, client: KubernetesClient, team: str
) -> None:
    make_integration(client)
    cluster.faults.inject(
        Fault("status", r"GET /api/v1/namespaces/team/secrets\?", None, 403, b'{"kind":"Status","reason":"Forbidden"}')
    )
    with caching(client) as (caches, _), pytest.raises(ForbiddenError):
        caches.credentials(SecretKey("team", "quay-token"))


def test_a_slow_answer_about_one_secret_concerns_only_that_one(
    cluster: EmbeddedOpenShift, client: KubernetesClient, team: str
) -> None:
    make_integration(client, "quick", secret="quick")
    make_integration(client, "slow", secret="slow")
    make_secret(client, "quick", kind="Opaque", token="a")
    make_secret(client, "slow", kind="Opaque", token="b")
    quick, slow = SecretKey("team", "quick"), SecretKey("team", "slow")
    cluster.faults.inject(Fault("latency", r"GET /api/v1/namespaces/team/secrets\?.*name%3Dslow", seconds=3.0))
    with ClusterCaches(client, pace=PACE) as caches:
        eventually(lambda: caches.answered(quick))
        assert caches.credentials(quick) == SecretText("a")
        assert (caches.answered(slow), caches.synced) == (False, False)
        eventually(lambda: caches.answered(slow))
        assert caches.credentials(slow) == SecretText("b")
        assert caches.wait_synced(5)


def test_a_secret_is_answered_when_there_is_something_to_say_about_it(
    cluster: EmbeddedOpenShift, client: KubernetesClient, team: str
) -> None:
    make_integration(client, "missing", secret="missing")
    make_integration(client, "impossible", secret="..")
    make_integration(client, "forbidden", secret="forbidden")
    refusal = b'{"kind":"Status","reason":"Forbidden"}'
    cluster.faults.inject(Fault("status", r"GET /api/v1/namespaces/team/secrets\?.*forbidden", None, 403, refusal))
    missing, impossible, forbidden, foreign = (SecretKey("team", name) for name in ("missing", "..", "forbidden", "foreign"))
    assert not ClusterCaches(client).answered(missing)
    assert ClusterCaches(client, kinds={Kind.INTEGRATION}).answered(missing), "nothing is watched, so nothing is awaited"
    with caching(client) as (caches, _):
        assert [caches.answered(key) for key in (missing, impossible, forbidden, foreign)] == [True, True, True, False]


def test_a_secret_of_an_impossible_name_is_missing(cluster: EmbeddedOpenShift, client: KubernetesClient, team: str) -> None:
    make_integration(client, secret="..")
    with caching(client) as (caches, _):
        assert caches.integrations()
        with pytest.raises(InvalidCredentialsError):
            caches.credentials(SecretKey("team", ".."))


def test_only_what_was_chosen_is_watched(cluster: EmbeddedOpenShift, client: KubernetesClient, team: str) -> None:
    cluster.clear_requests()
    make_integration(client)
    with caching(client, kinds={Kind.INTEGRATION, Kind.SERVICE_ACCOUNT}) as (caches, _):
        assert caches.integrations()
        assert caches.service_account(team, "builder") is not None
        assert caches.namespaces() == ()
        caches.observe(Kind.NAMESPACE, client.get(f"{NAMESPACES}/{team}"))
        assert caches.namespaces() == ()
        paths = {entry.path for entry in cluster.requests if entry.method == "GET" and not entry.path.endswith("/team")}
        assert paths == {INTEGRATIONS, SEED, "/api/v1/serviceaccounts"}


def test_write_through(cluster: EmbeddedOpenShift, client: KubernetesClient, team: str) -> None:
    """No watch comes about here: what is read came from the write itself."""
    cluster.faults.inject(Fault("status", r"GET /api/v1/secrets\?.*watch=1", None, 503))
    with caching(client) as (caches, changes):
        changes.clear()
        made = make_secret(client, "builder-quay-c", _dockerconfigjson="{}")
        caches.observe(Kind.SECRET, made)
        state = caches.state(team)
        assert state is not None
        assert state.pull_secrets == {"builder-quay-c": SecretText("{}").fingerprint()}
        assert changes == [Change(Kind.SECRET, team, "builder-quay-c")]
        cluster.faults.clear()


def test_twenty_thousand_foreign_secrets_leave_nothing_behind(
    cluster: EmbeddedOpenShift, client: KubernetesClient, team: str
) -> None:
    """Here 350 of them: they come in pages of 100, and none is kept."""
    for number in range(350):
        make_secret(client, f"foreign-{number:03}", _dockerconfigjson="{}")
    cluster.clear_requests()
    with caching(client, kinds={Kind.SECRET, Kind.NAMESPACE}) as (caches, changes):
        state = caches.state(team)
        assert state is not None
        assert state.pull_secrets == {}
        assert not [change for change in changes if change.kind is Kind.SECRET]
        pages = [entry for entry in cluster.requests if entry.path == "/api/v1/secrets" and "watch" not in entry.query]
        assert [entry.query["limit"] for entry in pages] == ["100"] * 4
        assert pages[0].query["fieldSelector"] == "type=kubernetes.io/dockerconfigjson"


def test_a_subscription_ends(cluster: EmbeddedOpenShift, client: KubernetesClient) -> None:
    caches, first, second = ClusterCaches(client, kinds={Kind.IMAGE_STREAM}, pace=PACE), list[Change](), list[Change]()
    feed: ChangeFeed = caches
    end = feed.subscribe(first.append)
    feed.subscribe(second.append)
    end()
    with caches:
        assert caches.wait_synced(5)
        client.create("/apis/image.openshift.io/v1/namespaces/default/imagestreams", {"metadata": {"name": "app"}})
        eventually(lambda: second)
    assert first == []


def test_a_listener_that_fails_is_a_bug_that_shows(
    cluster: EmbeddedOpenShift, client: KubernetesClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    died: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", died.append)
    caches = ClusterCaches(client, kinds={Kind.NAMESPACE}, pace=PACE)

    def broken(_: Change) -> None:
        raise ZeroDivisionError

    caches.subscribe(broken)
    with caches:
        eventually(lambda: not caches.alive)
    assert [entry.exc_type for entry in died] == [ZeroDivisionError]
