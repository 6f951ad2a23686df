"""The writes of a cleanup: nothing of another's is lost, nothing is sent that changes nothing, what is gone is success."""

from __future__ import annotations

import base64
import threading

import pytest
from tests.adapters.kubernetes.support import eventually, recorded
from tests.adapters.kubernetes.test_caches import caching
from tests.adapters.kubernetes.test_status import NEW, OLD, make
from tests.adapters.kubernetes.test_writer import BUILDER, CONTENT, TEAM, meddled, names
from tests.adapters.kubernetes.test_writer import team as team
from tests.adapters.kubernetes.test_writer import writer as writer

from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient
from quaybridge_sdk.adapters.kubernetes.kinds import tenure_parser
from quaybridge_sdk.adapters.kubernetes.objects import Json
from quaybridge_sdk.adapters.kubernetes.writer import KubernetesWriter
from quaybridge_sdk.errors import ConflictError, RequestRefusedError
from quaybridge_sdk.model.cleanup import CLEANUP_FINALIZER, Tenure
from quaybridge_sdk.model.integration import CleanupPolicy, parse_integration
from quaybridge_sdk.model.openshift import APPLIED_ANNOTATION, FINALIZER, FINALIZER_ANNOTATION, SEED_FINALIZER, STATUS_ANNOTATION
from quaybridge_sdk.ports import Change
from quaybridge_sdk.testing.http import Fault
from quaybridge_sdk.testing.openshift import EmbeddedOpenShift

SECRET = f"{TEAM}/secrets/builder-quay-c"
THEIRS = {"data": {".dockerconfigjson": base64.b64encode(b'{"auths":{"mine":{}}}').decode()}}


def methods(cluster: EmbeddedOpenShift) -> list[str]:
    return [entry.method for entry in cluster.api_writes]


def ended_watches() -> None:
    """The Secret of an integration that leaves is not watched any more; nobody waits for the thread."""
    eventually(lambda: not any(thread.name.startswith("watch-credentials") for thread in threading.enumerate()))


def is_there(cluster: EmbeddedOpenShift, plural: str, name: str) -> bool:
    return any(item["metadata"]["name"] == name for item in cluster.objects(plural))


def test_a_link_goes_from_both_lists_and_the_others_stay_where_they_are(
    client: KubernetesClient, writer: KubernetesWriter, cluster: EmbeddedOpenShift
) -> None:
    lists = {"secrets": [{"name": "a"}, {"name": "q"}, {"name": "b"}], "imagePullSecrets": [{"name": "q"}, {"name": "q-2"}]}
    client.patch_merge(BUILDER, lists)
    cluster.clear_requests()
    writer.unlink_pull_secret("team", "builder", "q")
    writer.unlink_pull_secret("team", "builder", "q")
    writer.unlink_pull_secret("team", "nobody", "q")
    writer.unlink_pull_secret("nowhere", "builder", "q")
    assert methods(cluster) == ["PUT"]
    account = client.get(BUILDER)
    assert (names(account["secrets"]), names(account["imagePullSecrets"])) == (["a", "b"], ["q-2"])


def test_an_entry_that_comes_at_the_same_moment_is_not_lost(client: KubernetesClient, team: str) -> None:
    client.patch_merge(BUILDER, {"secrets": [{"name": "q"}]})
    rival = lambda: client.patch_merge(BUILDER, {"secrets": [{"name": "q"}, {"name": "new"}]})  # noqa: E731
    meddled(client, rival).unlink_pull_secret("team", "builder", "q")
    assert names(client.get(BUILDER)["secrets"]) == ["new"]


def test_a_pull_secret_goes_only_as_it_was_last_written(
    client: KubernetesClient, writer: KubernetesWriter, cluster: EmbeddedOpenShift
) -> None:
    writer.write_pull_secret("team", "builder-quay-c", CONTENT)
    cluster.clear_requests()
    writer.delete_pull_secret("team", "builder-quay-c", "0123456789abcdef")
    assert methods(cluster) == []
    writer.delete_pull_secret("team", "builder-quay-c", CONTENT.fingerprint())
    writer.delete_pull_secret("team", "builder-quay-c", CONTENT.fingerprint())
    assert methods(cluster) == ["DELETE"]
    assert not is_there(cluster, "secrets", "builder-quay-c")


def test_a_secret_of_another_type_stays(client: KubernetesClient, writer: KubernetesWriter, cluster: EmbeddedOpenShift) -> None:
    data = {".dockerconfigjson": base64.b64encode(CONTENT.reveal().encode()).decode()}
    client.create(f"{TEAM}/secrets", {"metadata": {"name": "builder-quay-c"}, "type": "Opaque", "data": data})
    cluster.clear_requests()
    writer.delete_pull_secret("team", "builder-quay-c", CONTENT.fingerprint())
    assert methods(cluster) == []


class Meddling(KubernetesClient):
    """Somebody changes the Secret between our look and our DELETE."""

    def delete(self, path: str, preconditions: object = None) -> dict[str, object]:
        super().patch_merge(path, THEIRS)
        return super().delete(path, preconditions)  # type: ignore[arg-type]


def test_a_secret_that_is_changed_while_it_is_looked_at_stays(client: KubernetesClient, writer: KubernetesWriter) -> None:
    writer.write_pull_secret("team", "builder-quay-c", CONTENT)
    meddling = Meddling(client._configuration)
    KubernetesWriter(meddling, sleep=lambda _: None).delete_pull_secret("team", "builder-quay-c", CONTENT.fingerprint())
    assert client.get(SECRET)["data"] == THEIRS["data"]
    with pytest.raises(ConflictError):
        client.delete(SECRET, {"uid": "of-another-one"})


@pytest.mark.parametrize("finalizer", [True, False])
def test_annotations_and_finalizer_go_in_one_write(
    client: KubernetesClient, writer: KubernetesWriter, cluster: EmbeddedOpenShift, finalizer: bool
) -> None:
    ours = {APPLIED_ANNOTATION: "{}", STATUS_ANNOTATION: "Ready", FINALIZER_ANNOTATION: "true"}
    theirs = {"quaybridge.io/check": "mine", "their": "own"}
    finalizers = ["example.com/other", SEED_FINALIZER, FINALIZER]
    client.patch_merge(TEAM, {"metadata": {"finalizers": finalizers, "annotations": {**ours, **theirs}}})
    cluster.clear_requests()
    for _ in range(2):
        writer.clear_record("team", finalizer=finalizer)
        writer.clear_record("nowhere", finalizer=finalizer)
    assert methods(cluster) == ["PUT"]
    found = client.get(TEAM)["metadata"]
    assert found["finalizers"] == (finalizers[:1] if finalizer else finalizers)
    kept = {name: text for name, text in found["annotations"].items() if name in {**ours, **theirs}}
    assert kept == (theirs if finalizer else {**theirs, FINALIZER_ANNOTATION: "true"})


@pytest.mark.parametrize("old", [False, True])
def test_a_held_integration_waits_and_goes_when_it_is_let_go(
    client: KubernetesClient, cluster: EmbeddedOpenShift, old: bool
) -> None:
    key, path = parse_integration(make(client, old)).key, f"{OLD if old else NEW}/quay"
    writer = KubernetesWriter(client)
    client.patch_merge(path, {"metadata": {"finalizers": ["example.com/other"]}})
    cluster.clear_requests()
    writer.hold_integration(key)
    writer.hold_integration(key)
    assert client.get(path)["metadata"]["finalizers"] == ["example.com/other", CLEANUP_FINALIZER]
    assert methods(cluster) == ["PUT"]
    client.delete(path)
    cluster.clear_requests()
    writer.let_integration_go(key)
    writer.let_integration_go(key)
    writer.hold_integration(key)  # one that is going takes none
    assert methods(cluster) == ["PUT"]
    assert client.get(path)["metadata"]["finalizers"] == ["example.com/other"]
    client.patch_merge(path, {"metadata": {"finalizers": []}})
    assert not is_there(cluster, "quayintegrations", "quay")
    writer.hold_integration(key)
    writer.let_integration_go(key)


def test_a_finalizer_that_was_not_put_on_is_not_shown_to_the_caches(client: KubernetesClient) -> None:
    key, shown = parse_integration(make(client)).key, list[Json]()
    client.patch_merge(f"{NEW}/quay", {"metadata": {"finalizers": ["example.com/other"]}})
    client.delete(f"{NEW}/quay")
    KubernetesWriter(client, lambda _, item: shown.append(item)).hold_integration(key)
    assert [item["metadata"]["finalizers"] for item in shown] == [["example.com/other"]]


def test_an_integration_whose_deletion_begins_in_between(client: KubernetesClient, cluster: EmbeddedOpenShift) -> None:
    key = parse_integration(make(client)).key
    client.patch_merge(f"{NEW}/quay", {"metadata": {"finalizers": ["example.com/other"]}})
    refused = recorded("02-namespaces", 46)
    cluster.faults.inject(Fault("status", "PUT", 1, refused.status, refused.answer.encode()))
    with pytest.raises(RequestRefusedError):  # not going: so it was refused for another reason
        KubernetesWriter(client).hold_integration(key)
    meddled(client, lambda: client.delete(f"{NEW}/quay")).hold_integration(key)
    assert client.get(f"{NEW}/quay")["metadata"]["finalizers"] == ["example.com/other"]


def test_the_caches_leave_out_one_that_is_leaving_and_say_so_once(client: KubernetesClient, cluster: EmbeddedOpenShift) -> None:
    key = parse_integration(make(client)).key
    with caching(client) as (caches, changes):
        writer = KubernetesWriter(client, caches.observe)
        client.patch_merge(f"{NEW}/quay", {"spec": {"cleanupPolicy": "Cluster", "clusterID": "c"}})
        eventually(lambda: caches.integrations()[0].cleanup_policy is CleanupPolicy.CLUSTER)
        changes.clear()
        writer.hold_integration(key)
        assert [found.held for found in caches.tenures()] == [True]  # written through
        assert changes == []  # nobody has anything to do for it
        uid = caches.uid("QuayIntegration", "", "quay")
        client.delete(f"{NEW}/quay")
        eventually(lambda: caches.integrations() == ())
        assert caches.tenures()[0].leaving
        assert caches.uid("QuayIntegration", "", "quay") == uid != ""
        eventually(lambda: Change("quayintegration", "", "quay") in changes)
        writer.let_integration_go(key)
        eventually(lambda: caches.tenures() == ())
        ended_watches()


def test_one_that_has_left_is_not_seen_again_while_it_goes(client: KubernetesClient, cluster: EmbeddedOpenShift) -> None:
    """Several things are kept of it, and go one after the other: a pass in between would make everything anew, for nobody."""
    key = parse_integration(make(client)).key
    KubernetesWriter(client).hold_integration(key)
    client.patch_merge(f"{NEW}/quay", {"spec": {"cleanupPolicy": "Cluster", "caBundle": None}})
    seen: list[object] = []
    with caching(client) as (caches, _):
        client.delete(f"{NEW}/quay")
        eventually(lambda: caches.integrations() == ())
        caches.subscribe(lambda _: seen.append((caches.integrations(), dict(caches.invalid_integrations()))))
        KubernetesWriter(client).let_integration_go(key)
        eventually(lambda: caches.tenures() == () and len(seen) >= 2)
        ended_watches()
    assert {repr(each) for each in seen} == {"((), {})"}


def test_one_that_cannot_be_read_holds_nothing_up_once_it_is_leaving(
    client: KubernetesClient, cluster: EmbeddedOpenShift
) -> None:
    key = parse_integration(make(client)).key
    KubernetesWriter(client).hold_integration(key)
    client.patch_merge(f"{NEW}/quay", {"spec": {"cleanupPolicy": "Cluster", "caBundle": "bm8gUEVN"}})
    with caching(client) as (caches, _):
        assert not caches.integrations_complete()
        client.delete(f"{NEW}/quay")
        eventually(caches.integrations_complete)
        ended_watches()
        basis = caches.tenures()[0].basis
        assert basis is not None
        assert basis.cluster_id == "c"


def test_a_policy_that_is_no_word_takes_nothing_back() -> None:
    parse = tenure_parser("quay.redhat.com", "v1")
    assert parse({"metadata": {"name": "q"}, "spec": {"cleanupPolicy": "Everything"}}) == Tenure("quay.redhat.com/q", "q")
