"""Whose an organization is: two clusters on one Quay, what the Go operator left, edited marks, and what is given by hand."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from pathlib import Path

import pytest
from tests.e2e.running import World, bridge, neighbour
from tests.e2e.test_bridge import MERGE, gone, quay

from quaybridge_sdk.cli.assembly import assemble, make_reconciler
from quaybridge_sdk.cli.stage import eventually
from quaybridge_sdk.errors import ClusterConflictError
from quaybridge_sdk.runtime.keys import Key
from quaybridge_sdk.testing.http import Fault

WRITES = {"POST", "PUT", "DELETE"}


def writes(world: World, start: int) -> list[str]:
    """What was written to Quay since the request with this number."""
    return [f"{e.method} {e.path}" for e in world.stage.quay.api_calls[start:] if e.method in WRITES]


def email(world: World, organization: str = "openshift_shop") -> str:
    return str(quay(world, "GET", f"/api/v1/organization/{organization}").json()["email"])


def mark(world: World, namespace: str = "shop") -> str:
    uids = [world.cluster.call("GET", f"/api/v1/namespaces/{name}")["metadata"]["uid"] for name in (namespace, "kube-system")]
    return f"{uids[0]}@{uids[1]}.quaybridge.invalid"


def test_two_clusters_with_their_own_cluster_ids_live_side_by_side(world: World, tmp_path: Path) -> None:
    with neighbour(world, tmp_path / "second") as other, bridge(world) as first, bridge(other) as second:
        for cluster, cluster_id in ((world, "one"), (other, "two")):
            cluster.namespace("shop", "app")
            cluster.link(clusterID=cluster_id, allowlistNamespaces=["shop"])
        first.settle(world, 1)
        second.settle(other, 1)
        assert set(world.stage.quay.organizations()) == {"one_shop", "two_shop"}
        other.cluster.call("DELETE", "/api/v1/namespaces/shop")
        eventually("the second one's is gone", lambda: gone(other, "shop"))
        assert set(world.stage.quay.organizations()) == {"one_shop"}
        first.settle(world, 1)
        assert world.condition() == ("True", "Synchronized")


def test_a_second_cluster_with_the_same_cluster_id_writes_and_deletes_nothing(world: World, tmp_path: Path) -> None:
    world.namespace("shop", "app")
    with neighbour(world, tmp_path / "second") as other, bridge(world) as first:
        world.link(allowlistNamespaces=["shop"])
        first.settle(world, 1)
        before, calls = world.stage.quay.organizations(), len(world.stage.quay.api_calls)
        for name in ("alone", "shop", "zoo"):  # two that the first cluster does not have
            other.namespace(name, "app")
        with bridge(other):
            other.link(allowlistNamespaces=["alone", "shop", "zoo"])
            eventually("said so", lambda: other.condition("NoConflict") == ("False", "ClusterConflict"))
            other.cluster.call("DELETE", "/api/v1/namespaces/shop")
            eventually("not held", lambda: gone(other, "shop"))
        assert writes(world, calls) == []
        assert world.stage.quay.organizations() == before


def test_a_plan_says_that_a_new_integration_would_write_nothing_beside_another_cluster(world: World, tmp_path: Path) -> None:
    world.namespace("shop")
    with neighbour(world, tmp_path / "second") as other:
        with bridge(world) as first:
            world.link(allowlistNamespaces=["shop"])
            first.settle(world, 1)
        for name in ("alone", "shop", "zoo"):
            other.namespace(name)
        other.link(allowlistNamespaces=["alone", "shop", "zoo"])
        start = len(world.stage.quay.api_calls)
        with assemble(str(other.stage.kubeconfig), None) as assembly:
            assembly.require_synced(20)
            reconciler = make_reconciler(assembly)
            for name in ("alone", "shop", "zoo"):
                with pytest.raises(ClusterConflictError, match="openshift_shop"):
                    reconciler.preview(name)
        assert len(world.stage.quay.api_calls) - start <= 8
        assert writes(world, start) == []
        other.cluster.call("DELETE", "/api/v1/namespaces/shop")
        with assemble(str(other.stage.kubeconfig), None) as assembly:
            assembly.require_synced(20)
            assert make_reconciler(assembly).preview("alone")


def test_both_say_so_where_each_meets_the_others(world: World, tmp_path: Path) -> None:
    """Each was first in one namespace; a conflict that comes when both have their standing concerns that namespace alone."""
    with neighbour(world, tmp_path / "second") as other, bridge(world) as first, bridge(other) as second:
        world.namespace("shop")
        other.namespace("pay")
        for cluster, running in ((world, first), (other, second)):
            cluster.link(allowlistNamespaces=["shop", "pay"])
            running.settle(cluster, 1)
        world.namespace("pay")
        other.namespace("shop")
        for cluster in (world, other):
            eventually("said so", lambda cluster=cluster: cluster.condition("NoConflict") == ("False", "ClusterConflict"))  # type: ignore[misc]
        assert (email(world), email(world, "openshift_pay")) == (mark(world), mark(other, "pay"))


def incumbents(world: World) -> dict[str, str]:
    """What the Go operator leaves: finalizer, organization, robots, prototypes, Secrets, links. Answers the robots' tokens."""
    finalizer = {"metadata": {"finalizers": ["quay.redhat.com/quayintegrations"]}}
    world.cluster.call("PATCH", "/api/v1/namespaces/shop", finalizer, MERGE)
    quay(world, "POST", "/api/v1/organization/", {"name": "openshift_shop", "email": "openshift_shop@redhat.com"})
    tokens = {}
    for account, role in (("builder", "write"), ("default", "read"), ("deployer", "read")):
        path = f"/api/v1/organization/openshift_shop/robots/{account}"
        tokens[account] = quay(world, "PUT", path).json()["token"]
        delegate = {"kind": "user", "name": f"openshift_shop+{account}", "is_robot": True, "is_org_member": True}
        quay(world, "POST", "/api/v1/organization/openshift_shop/prototypes", {"id": "", "role": role, "delegate": delegate})
        secret(world, account, tokens[account])
    body = {"namespace": "openshift_shop", "repository": "app", "visibility": "private", "description": "", "repo_kind": "image"}
    quay(world, "POST", "/api/v1/repository", body)
    return tokens


def secret(world: World, account: str, token: str) -> None:
    host = world.stage.quay.url.removeprefix("http://")
    auth = base64.b64encode(f"openshift_shop+{account}:{token}".encode()).decode()
    content = json.dumps({"auths": {host: {"auth": auth}}}, separators=(",", ":"))
    data = {".dockerconfigjson": base64.b64encode(content.encode()).decode()}
    body = {"metadata": {"name": f"{account}-quay-openshift"}, "type": "kubernetes.io/dockerconfigjson", "data": data}
    world.cluster.call("POST", "/api/v1/namespaces/shop/secrets", body)
    path = f"/api/v1/namespaces/shop/serviceaccounts/{account}"
    found = eventually("account", lambda: world.cluster.find(path))
    for field in ("secrets", "imagePullSecrets"):
        found[field] = [*found.get(field, ()), {"name": f"{account}-quay-openshift"}]
    world.cluster.call("PUT", path, found)


def test_what_the_go_operator_made_is_taken_over_with_the_mark_alone(world: World) -> None:
    world.namespace("shop", "app")
    world.stage.openshift.settle()
    tokens = incumbents(world)
    calls, changes = len(world.stage.quay.api_calls), len(world.stage.openshift.api_writes)
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        assert writes(world, calls) == ["PUT /api/v1/organization/openshift_shop"]
        assert email(world) == mark(world)
        assert {account: world.credentials("shop", account) for account in tokens} == {
            account: (f"openshift_shop+{account}", token) for account, token in tokens.items()
        }
        in_shop = [f"{e.method} {e.path}" for e in world.stage.openshift.api_writes[changes:] if "/shop" in e.path]
        assert in_shop == ["PUT /api/v1/namespaces/shop", "POST /api/v1/namespaces/shop/events"]  # the record, and an event
        running.controller.queue.add(Key("namespace", "shop"))
        world.clock_offset = timedelta(hours=11)
        at = len(world.stage.quay.api_calls)
        running.controller.queue.add(Key("namespace", "shop"))
        running.settle(world, 1)
        assert len(world.stage.quay.api_calls) - at == 3  # the tokens prove that they are still the same robots
        world.cluster.call("DELETE", "/api/v1/namespaces/shop")
        eventually("gone", lambda: gone(world, "shop"))
        assert "openshift_shop" not in world.stage.quay.organizations()


def test_another_clusters_go_operator_leaves_the_same_fingerprint_and_is_left_alone(world: World, tmp_path: Path) -> None:
    world.namespace("shop", "app")
    world.stage.openshift.settle()
    incumbents(world)
    calls = len(world.stage.quay.api_calls)
    with neighbour(world, tmp_path / "second") as other, bridge(other):
        other.namespace("shop", "app")
        other.link(allowlistNamespaces=["shop"])
        eventually("said so", lambda: other.condition("NoConflict") == ("False", "Ownership"))
        assert writes(world, calls) == []


@pytest.mark.parametrize("policy", ["Never", "Always"])
def test_the_adoption_policy_decides(world: World, policy: str) -> None:
    world.namespace("shop")
    quay(world, "POST", "/api/v1/organization/", {"name": "openshift_shop", "email": "somebody@example.com"})
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"], adoptionPolicy=policy)
        if policy == "Always":
            running.settle(world, 1)
            assert email(world) == mark(world)
            return
        eventually("said so", lambda: world.condition("NoConflict") == ("False", "Ownership"))
        assert email(world) == "somebody@example.com"


def test_an_administrator_hands_one_organization_over_by_an_annotation(world: World) -> None:
    world.namespace("shop")
    quay(world, "POST", "/api/v1/organization/", {"name": "openshift_shop", "email": "n@another-cluster.quaybridge.invalid"})
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        eventually("said so", lambda: world.condition("NoConflict") == ("False", "ClusterConflict"))
        annotation = {"metadata": {"annotations": {"quaybridge.io/adopt": "openshift_shop"}}}
        world.cluster.call("PATCH", "/api/v1/namespaces/shop", annotation, MERGE)
        running.settle(world, 1)
        assert email(world) == mark(world)
        assert world.condition() == ("True", "Synchronized")


def test_an_edited_mark_does_no_harm_and_is_put_right(world: World) -> None:
    """The robots' descriptions still tell: a restart that knows nothing more, and a deletion, both believe them."""
    world.namespace("shop")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
    quay(world, "PUT", "/api/v1/organization/openshift_shop", {"email": "somebody@example.com"})
    world.cluster.call("PATCH", "/api/v1/namespaces/shop", {"metadata": {"annotations": {"quaybridge.io/applied": None}}}, MERGE)
    with bridge(world) as running:
        running.settle(world, 1)
        assert email(world) == mark(world)
        quay(world, "PUT", "/api/v1/organization/openshift_shop", {"email": "somebody@example.com"})
        world.cluster.call("DELETE", "/api/v1/namespaces/shop")
        eventually("gone", lambda: gone(world, "shop"))
        assert "openshift_shop" not in world.stage.quay.organizations()


@pytest.mark.parametrize("ending", ["adopted", "deleted"])
def test_our_own_finalizer_is_no_proof_that_the_go_operator_made_an_organization(world: World, ending: str) -> None:
    """We put it on before the organization is made; when that fails, somebody else may make one with the fingerprint."""
    world.namespace("shop")
    world.stage.quay.faults.inject(Fault("status", "POST /api/v1/organization/", times=None, status=500))
    with bridge(world):
        world.link(allowlistNamespaces=["shop"])
        eventually("finalizer", lambda: world.cluster.call("GET", "/api/v1/namespaces/shop")["metadata"].get("finalizers"))
    world.stage.quay.faults.clear()
    quay(world, "POST", "/api/v1/organization/", {"name": "openshift_shop", "email": "openshift_shop@redhat.com"})
    if ending == "deleted":
        world.cluster.call("DELETE", "/api/v1/namespaces/shop")
    with bridge(world) as running:
        if ending == "adopted":
            eventually("said so", lambda: world.condition("NoConflict") == ("False", "Ownership"))
        else:
            eventually("gone", lambda: gone(world, "shop"), 40)
        running.settle(world)
        assert email(world) == "openshift_shop@redhat.com"
