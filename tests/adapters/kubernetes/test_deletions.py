"""What is remembered of organizations whose namespaces are gone: in the status of either generation, and in the caches."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve
from tests.adapters.kubernetes.support import client_of, eventually
from tests.adapters.kubernetes.test_caches import caching
from tests.adapters.kubernetes.test_status import NEW, OLD, make

from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient
from quaybridge_sdk.adapters.kubernetes.status import KubernetesStatus
from quaybridge_sdk.adapters.kubernetes.writer import KubernetesWriter
from quaybridge_sdk.cli.crds import definitions
from quaybridge_sdk.errors import NotFoundError, RequestRefusedError
from quaybridge_sdk.model.deletion import Deletion, DeletionPolicy, DeletionReason
from quaybridge_sdk.model.integration import parse_integration
from quaybridge_sdk.ports import Change
from quaybridge_sdk.testing.openshift import EmbeddedOpenShift

DUE = datetime(2026, 1, 2, tzinfo=UTC)


def entry(key: str, name: str) -> Deletion:
    return Deletion(key, f"c_{name}", name, "uid", "https://q", DeletionPolicy.DELETE, DeletionReason.QUARANTINE, DUE)


@pytest.mark.parametrize("old", [False, True])
def test_it_is_written_replaced_and_struck_out_beside_the_rest_of_the_status(
    cluster: EmbeddedOpenShift, client: KubernetesClient, old: bool
) -> None:
    key, path = parse_integration(make(client, old)).key, f"{OLD if old else NEW}/quay"
    writer, one, two = KubernetesWriter(client), entry(key, "one"), entry(key, "two")
    KubernetesStatus(client).write_status(key, {"lastUpdate": "x"})
    for deletion in (one, two, evolve(one, due=None)):
        writer.remember_deletion(deletion)
    KubernetesStatus(client).write_status(key, {"lastUpdate": "y"})
    status = client.get(path)["status"]
    assert status == {"lastUpdate": "y", "deletions": [two.dumps(), evolve(one, due=None).dumps()]}
    writer.forget_deletion(one)
    cluster.clear_requests()
    writer.forget_deletion(one)
    assert [e.method for e in cluster.api_writes] == []
    assert client.get(path)["status"]["deletions"] == [two.dumps()]


def test_an_integration_that_is_gone(cluster: EmbeddedOpenShift, client: KubernetesClient) -> None:
    deletion = entry("quay.redhat.com/none", "one")
    KubernetesWriter(client).forget_deletion(deletion)
    with pytest.raises(NotFoundError):
        KubernetesWriter(client).remember_deletion(deletion)


def test_the_caches_tell_the_namespaces_of_whose_names_something_is_remembered(
    cluster: EmbeddedOpenShift, client: KubernetesClient
) -> None:
    key = parse_integration(make(client)).key
    one, two = entry(key, "one"), entry(key, "two")
    with caching(client) as (caches, changes):
        changes.clear()
        writer = KubernetesWriter(client, caches.observe)
        writer.remember_deletion(one)
        assert caches.deletions("one") == (one,)  # written through: nothing was waited for
        KubernetesWriter(client).remember_deletion(two)
        eventually(lambda: caches.all_deletions() == (one, two))
        known = caches.integrations()
        writer.forget_deletion(one)
        assert (caches.deletions("one"), caches.deletions("two")) == ((), (two,))
        client.patch_merge(f"{NEW}/quay/status", {"status": {"deletions": [two.dumps() | {"policy": "spoilt"}]}})
        eventually(lambda: caches.all_deletions() == ())
        assert caches.integrations() is known  # the integration itself has not changed, so nobody is woken for it
        assert changes == [Change("deletion", name, name) for name in ("one", "two", "one", "two")]


def test_what_is_read_by_a_restart(cluster: EmbeddedOpenShift, client: KubernetesClient) -> None:
    deletion = entry(parse_integration(make(client)).key, "one")
    KubernetesWriter(client).remember_deletion(deletion)
    with caching(client) as (caches, _):
        assert caches.all_deletions() == (deletion,)
        client.delete(f"{NEW}/quay")
        eventually(lambda: caches.all_deletions() == ())


def without_deletions() -> list[dict[str, Any]]:
    """The CRDs as an older release, and the Go operator, have them."""
    found = definitions()
    for crd in found:
        for version in crd["spec"]["versions"]:
            del version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]["deletions"]
    return found


def test_a_cluster_that_cannot_remember_it_is_told_so() -> None:
    """Else the namespace would go, and its organization be forgotten."""
    with EmbeddedOpenShift(definitions=without_deletions()) as cluster:
        cluster.settle()
        with client_of(cluster, cluster.admin_token) as client:
            key = parse_integration(make(client)).key
            with pytest.raises(RequestRefusedError, match="apply the CRDs of this release"):
                KubernetesWriter(client).remember_deletion(entry(key, "one"))
            KubernetesWriter(client).forget_deletion(entry(key, "one"))
