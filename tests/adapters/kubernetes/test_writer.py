"""Writes under rivalry: nothing of another's is lost, nothing is sent that changes nothing."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from typing import Any

import pytest
from tests.adapters.kubernetes.support import client_of, eventually, recorded

from quaybridge_sdk.adapters.kubernetes.changing import ATTEMPTS, until_no_conflict
from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient
from quaybridge_sdk.adapters.kubernetes.kinds import Kind
from quaybridge_sdk.adapters.kubernetes.objects import Json
from quaybridge_sdk.adapters.kubernetes.writer import KubernetesWriter
from quaybridge_sdk.errors import ConflictError, NotFoundError, RequestRefusedError, ServerFaultError
from quaybridge_sdk.model.openshift import FINALIZER, SEED_FINALIZER
from quaybridge_sdk.model.quay import SecretText
from quaybridge_sdk.ports import ClusterWriter
from quaybridge_sdk.testing.http import Fault
from quaybridge_sdk.testing.openshift import EmbeddedOpenShift

TEAM = "/api/v1/namespaces/team"
BUILDER = f"{TEAM}/serviceaccounts/builder"
CONTENT = SecretText('{"auths":{}}')


class Meddling(KubernetesClient):
    """Lets somebody else write between our read and our write, as often as ``rivals`` has something to do."""

    rivals: list[Callable[[], object]]

    def replace(self, path: str, body: Json) -> Json:
        if self.rivals:
            self.rivals.pop(0)()
        return super().replace(path, body)


@pytest.fixture
def team(cluster: EmbeddedOpenShift, client: KubernetesClient) -> str:
    client.create("/api/v1/namespaces", {"metadata": {"name": "team"}})
    cluster.settle()
    cluster.clear_requests()
    return "team"


@pytest.fixture
def writer(client: KubernetesClient, team: str) -> KubernetesWriter:
    return KubernetesWriter(client)


def meddled(client: KubernetesClient, *rivals: Callable[[], object]) -> KubernetesWriter:
    meddling = Meddling(client._configuration)
    meddling.rivals = list(rivals)
    return KubernetesWriter(meddling, sleep=lambda _: None)


def names(references: Any) -> list[str]:
    return [reference["name"] for reference in references or ()]


def test_it_is_a_cluster_writer(client: KubernetesClient) -> None:
    port: ClusterWriter = KubernetesWriter(client)
    assert isinstance(port, KubernetesWriter)


def test_a_namespace_s_finalizer_comes_and_goes_beside_others(
    client: KubernetesClient, writer: KubernetesWriter, cluster: EmbeddedOpenShift
) -> None:
    client.patch_merge(TEAM, {"metadata": {"finalizers": ["example.com/other", SEED_FINALIZER]}})
    cluster.clear_requests()
    writer.add_finalizer("team")
    writer.add_finalizer("team")
    assert client.get(TEAM)["metadata"]["finalizers"] == ["example.com/other", SEED_FINALIZER, FINALIZER]
    assert [entry.method for entry in cluster.api_writes] == ["PUT"]
    writer.remove_finalizer("team")
    writer.remove_finalizer("team")
    assert client.get(TEAM)["metadata"]["finalizers"] == ["example.com/other"]
    assert [entry.method for entry in cluster.api_writes] == ["PUT", "PUT"]


def test_removing_the_last_finalizer_of_a_namespace_that_is_going(
    client: KubernetesClient, writer: KubernetesWriter, cluster: EmbeddedOpenShift
) -> None:
    writer.add_finalizer("team")
    client.delete(TEAM)
    with pytest.raises(NotFoundError, match="terminating"):
        writer.add_finalizer("team")
    cluster.settle()
    writer.remove_finalizer("team")
    cluster.settle()
    eventually(lambda: not any(item["metadata"]["name"] == "team" for item in cluster.objects("namespaces")))
    writer.remove_finalizer("team")
    with pytest.raises(NotFoundError):
        writer.add_finalizer("team")
    with pytest.raises(NotFoundError):
        writer.annotate_namespace("team", {"a": "b"})
    assert not any(entry.method == "PATCH" for entry in cluster.api_writes)


def test_a_deletion_that_begins_in_between(
    client: KubernetesClient, writer: KubernetesWriter, cluster: EmbeddedOpenShift
) -> None:
    """The recorded 422 of a server, at which the writer looks again."""
    refused = recorded("02-namespaces", 46)
    fault = Fault("status", "PUT", 1, refused.status, refused.answer.encode())
    cluster.faults.inject(fault)
    with pytest.raises(RequestRefusedError):  # not terminating: so it was refused for another reason
        writer.add_finalizer("team")
    client.patch_merge(TEAM, {"metadata": {"finalizers": ["example.com/other"]}})
    cluster.faults.inject(Fault("status", "PUT", 1, refused.status, refused.answer.encode()))
    deleting = meddled(client, lambda: client.delete(TEAM))
    with pytest.raises(NotFoundError, match="terminating"):
        deleting.add_finalizer("team")


def test_annotations_are_added_to_those_of_others(
    client: KubernetesClient, writer: KubernetesWriter, cluster: EmbeddedOpenShift
) -> None:
    before = client.get(TEAM)["metadata"]["annotations"]
    writer.annotate_namespace("team", {"quaybridge.io/applied": "x"})
    writer.annotate_namespace("team", {"quaybridge.io/applied": "x"})
    assert client.get(TEAM)["metadata"]["annotations"] == before | {"quaybridge.io/applied": "x"}
    assert len(cluster.api_writes) == 1


def test_a_pull_secret_is_made_as_the_contract_has_it(client: KubernetesClient, writer: KubernetesWriter) -> None:
    writer.write_pull_secret("team", "builder-quay-c", CONTENT)
    made = client.get(f"{TEAM}/secrets/builder-quay-c")
    assert made["type"] == "kubernetes.io/dockerconfigjson"
    assert made["data"] == {".dockerconfigjson": base64.b64encode(CONTENT.reveal().encode()).decode()}
    assert "labels" not in made["metadata"]
    assert "ownerReferences" not in made["metadata"]


def test_a_pull_secret_is_repaired_and_what_others_put_on_it_stays(
    client: KubernetesClient, writer: KubernetesWriter, cluster: EmbeddedOpenShift
) -> None:
    writer.write_pull_secret("team", "s", CONTENT)
    damage = {
        "metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}},
        "data": {".dockerconfigjson": "e30=", "more": "e30="},
    }
    client.patch_merge(f"{TEAM}/secrets/s", damage)
    writer.write_pull_secret("team", "s", CONTENT)
    repaired = client.get(f"{TEAM}/secrets/s")
    assert repaired["data"].keys() == {".dockerconfigjson"}
    assert repaired["metadata"]["labels"] == {"a": "b"}
    assert repaired["metadata"]["annotations"] == {"c": "d"}
    cluster.clear_requests()
    writer.write_pull_secret("team", "s", CONTENT)
    assert [entry.method for entry in cluster.api_writes] == ["POST"]


def test_a_secret_of_another_type_is_left_alone(
    client: KubernetesClient, writer: KubernetesWriter, cluster: EmbeddedOpenShift
) -> None:
    client.create(f"{TEAM}/secrets", {"metadata": {"name": "s"}, "type": "Opaque", "data": {"x": "c2VjcmV0"}})
    with pytest.raises(RequestRefusedError, match=r"'Opaque'.*Delete that Secret") as caught:
        writer.write_pull_secret("team", "s", CONTENT)
    assert "c2VjcmV0" not in str(caught.value)
    assert client.get(f"{TEAM}/secrets/s")["data"] == {"x": "c2VjcmV0"}
    assert not any(entry.method == "DELETE" for entry in cluster.requests)


def test_a_refused_pull_secret_does_not_tell_its_content(client: KubernetesClient, writer: KubernetesWriter) -> None:
    with pytest.raises(RequestRefusedError) as caught:
        writer.write_pull_secret("team", "Bad_Name", SecretText("not json: token"))
    assert "token" not in str(caught.value)
    assert "metadata.name" in str(caught.value)


def test_a_pull_secret_in_a_namespace_that_is_going_or_gone(
    client: KubernetesClient, writer: KubernetesWriter, cluster: EmbeddedOpenShift
) -> None:
    writer.add_finalizer("team")
    client.delete(TEAM)
    with pytest.raises(NotFoundError, match=r"terminated|terminating"):
        writer.write_pull_secret("team", "s", CONTENT)
    with pytest.raises(NotFoundError):
        writer.write_pull_secret("nowhere", "s", CONTENT)


def test_links_are_appended_where_they_are_missing(
    client: KubernetesClient, writer: KubernetesWriter, cluster: EmbeddedOpenShift
) -> None:
    lists = {"secrets": [{"name": "dockercfg"}, {"name": "q"}], "imagePullSecrets": [{"name": "dockercfg"}]}
    client.patch_merge(BUILDER, lists)
    cluster.clear_requests()
    writer.link_pull_secret("team", "builder", "q")
    account = client.get(BUILDER)
    assert names(account["secrets"]) == ["dockercfg", "q"]
    assert names(account["imagePullSecrets"]) == ["dockercfg", "q"]
    writer.link_pull_secret("team", "builder", "q")
    assert [entry.method for entry in cluster.api_writes] == ["PUT"]


def test_an_account_without_lists_gets_them(client: KubernetesClient, writer: KubernetesWriter) -> None:
    writer.link_pull_secret("team", "deployer", "q")
    account = client.get(f"{TEAM}/serviceaccounts/deployer")
    assert names(account["secrets"]) == names(account["imagePullSecrets"]) == ["q"]


def test_a_missing_account(writer: KubernetesWriter) -> None:
    with pytest.raises(NotFoundError, match='serviceaccounts "nobody" not found'):
        writer.link_pull_secret("team", "nobody", "q")


def test_the_lost_update_of_a_service_account(client: KubernetesClient, team: str) -> None:
    """The incumbent stamped a fresh resourceVersion on a stale list, so an entry added in between was lost."""

    def rival() -> None:
        entry = [{"name": "builder-dockercfg-x7k2p"}]
        client.patch_merge(BUILDER, {"secrets": entry, "imagePullSecrets": entry})

    meddled(client, rival).link_pull_secret("team", "builder", "q")
    account = client.get(BUILDER)
    assert names(account["secrets"]) == names(account["imagePullSecrets"]) == ["builder-dockercfg-x7k2p", "q"]


def test_many_writers_at_once_lose_nothing(cluster: EmbeddedOpenShift, client: KubernetesClient, team: str) -> None:
    writer = KubernetesWriter(client)
    threads = [threading.Thread(target=writer.link_pull_secret, args=("team", "builder", f"q{number}")) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    account = client.get(BUILDER)
    assert sorted(names(account["secrets"])) == sorted(names(account["imagePullSecrets"])) == ["q0", "q1", "q2", "q3"]


def test_a_rival_that_always_wins(client: KubernetesClient, team: str) -> None:
    count = iter(range(100))
    rivals = [lambda: client.patch_merge(TEAM, {"metadata": {"annotations": {"n": str(next(count))}}})] * 50
    with pytest.raises(ConflictError):
        meddled(client, *rivals).add_finalizer("team")
    assert next(count) == ATTEMPTS


def test_the_pauses_after_conflicts_are_short_and_bounded() -> None:
    pauses: list[float] = []

    def losing() -> None:
        raise ConflictError("lost", system="kubernetes")

    with pytest.raises(ConflictError):
        until_no_conflict(losing, pauses.append)
    assert len(pauses) == ATTEMPTS - 1
    assert all(0 <= pause <= 1 for pause in pauses)


def test_answers_are_observed(client: KubernetesClient, team: str, cluster: EmbeddedOpenShift) -> None:
    seen: list[tuple[Kind, str]] = []
    writer = KubernetesWriter(client, lambda kind, item: seen.append((kind, item["metadata"]["resourceVersion"])))
    writer.write_pull_secret("team", "s", CONTENT)
    writer.link_pull_secret("team", "builder", "s")
    writer.annotate_namespace("team", {"a": "b"})
    writer.annotate_namespace("team", {"a": "b"})
    assert [kind for kind, _ in seen] == [Kind.SECRET, Kind.SERVICE_ACCOUNT, Kind.NAMESPACE, Kind.NAMESPACE]
    assert seen[2][1] == seen[3][1] == client.get(TEAM)["metadata"]["resourceVersion"]


def test_the_rights_of_the_shipped_role_suffice(cluster: EmbeddedOpenShift, team: str) -> None:
    """Namespaces: get and update, no patch. A pass deletes nothing, only a cleanup does."""
    user = "system:serviceaccount:quaybridge:controller"
    for verb in ("get", "update"):
        cluster.allow(user, verb, "namespaces")
    for verb in ("create", "get", "update"):
        cluster.allow(user, verb, "secrets")
        cluster.allow(user, verb, "serviceaccounts")
    with client_of(cluster, cluster.token(user)) as client:
        writer = KubernetesWriter(client)
        writer.add_finalizer(team)
        writer.annotate_namespace(team, {"a": "b"})
        writer.write_pull_secret(team, "s", CONTENT)
        writer.write_pull_secret(team, "s", SecretText("{}"))
        writer.link_pull_secret(team, "builder", "s")
        writer.remove_finalizer(team)


def test_a_namespace_made_anew_gets_no_finalizer_for_the_former_one(client: KubernetesClient, writer: KubernetesWriter) -> None:
    """A stale cache may still hold the former one: an organization made for it would be left behind."""
    uid = client.get(TEAM)["metadata"]["uid"]
    with pytest.raises(NotFoundError, match="made anew"):
        writer.add_finalizer("team", "of-the-former-one")
    writer.add_finalizer("team", uid)
    assert FINALIZER in client.get(TEAM)["metadata"]["finalizers"]


@pytest.mark.parametrize(
    ("method", "act"),
    [
        ("GET", lambda writer: writer.link_pull_secret("team", "builder", "pull")),
        ("PUT", lambda writer: writer.link_pull_secret("team", "builder", "pull")),
        ("POST", lambda writer: writer.write_pull_secret("team", "pull", CONTENT)),
    ],
)
@pytest.mark.usefixtures("team")
def test_an_answer_that_is_no_object_says_nothing_of_a_write(
    method: str, act: Callable[[KubernetesWriter], object], cluster: EmbeddedOpenShift, client: KubernetesClient
) -> None:
    """A proxy in between, say: what came is not taken for the object, and the write is tried again."""
    seen: list[Json] = []
    writer = KubernetesWriter(client, observe=lambda _, item: seen.append(item))
    cluster.faults.inject(Fault("status", f"^{method} ", status=200, body=b'{"metadata": "x", "kind": 7}'))
    with pytest.raises(ServerFaultError, match=f"{method} .*no object of Kubernetes"):
        act(writer)
    assert seen == []
