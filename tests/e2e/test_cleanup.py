"""QuayIntegrations that are deleted: with cleanupPolicy Cluster all that was made in the cluster goes, and nothing else."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from tests.e2e.running import INTEGRATIONS, Bridge, World, bridge
from tests.e2e.test_bridge import MERGE, gone
from tests.e2e.test_deletion import entries, there

from quaybridge_sdk.cli.main import run
from quaybridge_sdk.cli.stage import eventually
from quaybridge_sdk.model.cleanup import CLEANUP_FINALIZER
from quaybridge_sdk.testing.http import Fault, HttpServer

ACCOUNTS = ("builder", "default", "deployer")
SECRETS = tuple(f"{account}-quay-openshift" for account in ACCOUNTS)


def linked(world: World, running: Bridge, *names: str, **spec: Any) -> None:
    """Namespaces with an ImageStream each, integrated by an integration that asks for a cleanup."""
    for name in names:
        world.namespace(name, "app")
    world.link(**{"allowlistNamespaces": list(names), "cleanupPolicy": "Cluster", **spec})
    running.settle(world, len(names))
    eventually("held", lambda: finalizers(world) == [CLEANUP_FINALIZER])


def finalizers(world: World, path: str = f"{INTEGRATIONS}/quay") -> list[str]:
    return list((world.cluster.find(path) or {"metadata": {}})["metadata"].get("finalizers") or ())


def account(world: World, namespace: str, name: str) -> Mapping[str, Any]:
    return world.cluster.call("GET", f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}")


def references(world: World, namespace: str, name: str) -> list[list[str]]:
    found = account(world, namespace, name)
    return [[each["name"] for each in found.get(field) or ()] for field in ("secrets", "imagePullSecrets")]


def secrets(world: World, namespace: str) -> set[str]:
    return {name for name in SECRETS if world.cluster.find(f"/api/v1/namespaces/{namespace}/secrets/{name}")}


def notes(world: World, namespace: str) -> dict[str, str]:
    found = world.cluster.call("GET", f"/api/v1/namespaces/{namespace}")["metadata"]
    return {key: text for key, text in (found.get("annotations") or {}).items() if key.startswith("quaybridge.io/")}


def unlink(world: World, name: str = "quay") -> None:
    world.cluster.call("DELETE", f"{INTEGRATIONS}/{name}")


def is_unlinked(world: World, name: str = "quay") -> bool:
    return world.cluster.find(f"{INTEGRATIONS}/{name}") is None


def is_clean(world: World, namespace: str) -> bool:
    links = [name for each in ACCOUNTS for names in references(world, namespace, each) for name in names if name in SECRETS]
    left = (links, secrets(world, namespace), notes(world, namespace), finalizers(world, f"/api/v1/namespaces/{namespace}"))
    return left == ([], set(), {}, [])


def patch(world: World, path: str, body: dict[str, Any]) -> None:
    world.cluster.call("PATCH", path, body, MERGE)


@contextmanager
def broken(server: HttpServer, fault: Fault) -> Iterator[None]:
    server.faults.inject(fault)
    try:
        yield
    finally:
        server.faults.clear()


def test_all_that_was_made_in_the_cluster_goes_and_quay_is_not_touched(world: World) -> None:
    with bridge(world) as running:
        linked(world, running, "shop", "pay")
        before, digest = references(world, "shop", "builder"), world.push("shop", "app")
        calls, organizations = len(world.stage.quay.api_calls), world.stage.quay.organizations()
        unlink(world)
        eventually("gone", lambda: is_unlinked(world))
        running.settle(world)
        assert is_clean(world, "shop")
        assert is_clean(world, "pay")
        own = [[name for name in names if name not in SECRETS] for names in before]
        assert references(world, "shop", "builder") == own
        assert len(world.stage.quay.api_calls) == calls
        assert world.stage.quay.organizations() == organizations
        world.link(allowlistNamespaces=["shop", "pay"])  # a later one finds its own
        running.settle(world, 2)
        assert world.condition() == ("True", "Synchronized")
        assert digest in str(world.stage.quay.organizations()["openshift_shop"].repositories["app"])
        assert secrets(world, "shop") == set(SECRETS)


def test_by_default_everything_stays_but_the_finalizers(world: World) -> None:
    with bridge(world) as running:
        world.namespace("shop", "app")
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        assert finalizers(world) == []
        unlink(world)
        eventually("let go", lambda: finalizers(world, "/api/v1/namespaces/shop") == [])
        running.settle(world)
        assert secrets(world, "shop") == set(SECRETS)
        assert "quaybridge.io/applied" in notes(world, "shop")
        assert all("builder-quay-openshift" in names for names in references(world, "shop", "builder"))


def test_entries_of_others_keep_their_place_and_their_fields(world: World) -> None:
    with bridge(world) as running:
        linked(world, running, "shop")
        path, ours = "/api/v1/namespaces/shop/serviceaccounts/builder", {"name": "builder-quay-openshift"}
        mine = [{"name": "first"}, {"name": "builder-quay-openshift-2"}, {"name": "last"}]
        body = {"secrets": [mine[0], ours, *mine[1:]], "imagePullSecrets": [*mine[:2], ours, mine[2]]}
        patch(world, path, body)
        patch(world, "/api/v1/namespaces/shop", {"metadata": {"annotations": {"quaybridge.io/check": "mine", "their": "own"}}})
        world.cluster.call("POST", "/api/v1/namespaces/shop/secrets", {"metadata": {"name": "mine-quay-openshift"}})
        running.settle(world, 1)
        unlink(world)
        eventually("gone", lambda: is_unlinked(world))
        found = account(world, "shop", "builder")
        assert [each for each in found["secrets"] if "dockercfg" not in each["name"]] == mine
        assert [each for each in found["imagePullSecrets"] if "dockercfg" not in each["name"]] == mine
        assert notes(world, "shop") == {"quaybridge.io/check": "mine"}
        assert world.cluster.find("/api/v1/namespaces/shop/secrets/mine-quay-openshift") is not None


def test_a_secret_that_somebody_changed_stays_with_its_links(world: World) -> None:
    with bridge(world) as running:
        linked(world, running, "shop")
    unlink(world)  # nobody repairs what is changed now
    data = {"data": {".dockerconfigjson": base64.b64encode(b'{"auths":{"mine":{}}}').decode()}}
    patch(world, "/api/v1/namespaces/shop/secrets/default-quay-openshift", data)
    with bridge(world):
        eventually("gone", lambda: is_unlinked(world))
    assert secrets(world, "shop") == {"default-quay-openshift"}
    assert all("default-quay-openshift" in names for names in references(world, "shop", "default"))
    assert not any("builder-quay-openshift" in names for names in references(world, "shop", "builder"))
    assert notes(world, "shop") == {}


SHOP = "/api/v1/namespaces/shop"
STEPS = (
    *(f"PUT {SHOP}/serviceaccounts/{name}" for name in ACCOUNTS),
    *(f"DELETE {SHOP}/secrets/{name}" for name in SECRETS),
    f"PUT {SHOP}",
    f"PUT {INTEGRATIONS}/quay",
)
"""All writes of one namespace's cleanup, in order."""


def cluster_writes(world: World, start: int, *unheard: int) -> list[str]:
    """What was written since then, without events and statuses. ``unheard``: 0, where broken connections count as well."""
    done = (e for e in world.stage.openshift.api_writes[start:] if e.status in (200, 201, *unheard))
    return [line for line in (f"{e.method} {e.path}" for e in done) if "/events" not in line and "/status" not in line]


@pytest.mark.parametrize("carried_out", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_a_restart_at_any_write_goes_on_with_the_rest(world: World, step: str, carried_out: bool) -> None:
    """The process ends before the write is carried out, or after, before it hears of it. What was done is not done twice."""
    with bridge(world) as running:
        linked(world, running, "shop")
    unlink(world)
    calls, start = len(world.stage.quay.api_calls), len(world.stage.openshift.api_writes)
    fault = Fault("reset", f"^{step}$", times=None, after=carried_out)
    with broken(world.stage.openshift, fault), bridge(world):
        eventually("it came so far", lambda: step in cluster_writes(world, start, 0))
    with bridge(world):
        eventually("gone", lambda: is_unlinked(world))
    assert is_clean(world, "shop")
    assert cluster_writes(world, start, *([0] if carried_out else [])) == list(STEPS)
    assert len(world.stage.quay.api_calls) == calls


def test_the_policy_switched_back_lets_the_object_go_and_leaves_the_rest(world: World) -> None:
    with bridge(world) as running:
        linked(world, running, "shop")
        with broken(world.stage.openshift, Fault("status", f"^DELETE {SHOP}/secrets/", times=None, status=403)):
            unlink(world)
            eventually("links gone", lambda: not any("builder-quay-openshift" in n for n in references(world, "shop", "builder")))
            running.settle(world)
            assert not is_unlinked(world)
            patch(world, f"{INTEGRATIONS}/quay", {"spec": {"cleanupPolicy": "Retain"}})
            eventually("gone", lambda: is_unlinked(world))
        running.settle(world)
        assert secrets(world, "shop") == set(SECRETS)


def test_the_finalizer_follows_the_policy_beside_those_of_others(world: World) -> None:
    path, start = f"{INTEGRATIONS}/quay", 0
    with bridge(world) as running:
        linked(world, running, "shop")
        patch(world, path, {"metadata": {"finalizers": ["example.com/theirs", CLEANUP_FINALIZER]}})
        running.settle(world, 1)
        start = len(world.stage.openshift.api_writes)
        running.controller.enqueue_all()
        running.settle(world, 1)
        assert cluster_writes(world, start) == []  # nothing to do, nothing written
        patch(world, path, {"spec": {"cleanupPolicy": "Retain"}})
        eventually("taken off", lambda: finalizers(world) == ["example.com/theirs"])
        patch(world, path, {"spec": {"cleanupPolicy": "Cluster"}})
        eventually("put on", lambda: finalizers(world) == ["example.com/theirs", CLEANUP_FINALIZER])
        unlink(world)
        eventually("clean", lambda: is_clean(world, "shop"))
        eventually("ours is off", lambda: finalizers(world) == ["example.com/theirs"])
        running.settle(world)
        start = len(world.stage.openshift.api_writes)
        running.controller.enqueue_all()
        running.settle(world)
        assert cluster_writes(world, start) == []
        assert is_clean(world, "shop")  # it is not provisioned for one that is going


def test_it_needs_neither_quay_nor_credentials_nor_a_spec_that_can_be_read(world: World) -> None:
    with bridge(world) as running:
        linked(world, running, "shop")
    patch(world, f"{INTEGRATIONS}/quay", {"spec": {"caBundle": "bm8gUEVN"}})
    world.cluster.call("DELETE", "/api/v1/namespaces/openshift-operators/secrets/quay-integration")
    unlink(world)
    calls = len(world.stage.quay.api_calls)
    with broken(world.stage.quay, Fault("reset", times=None)), bridge(world):
        eventually("gone", lambda: is_unlinked(world))
    assert is_clean(world, "shop")
    assert len(world.stage.quay.api_calls) == calls


@pytest.mark.parametrize("cluster_id", ["openshift", "second"])
def test_what_another_integration_owns_by_then_is_not_taken_away(world: World, cluster_id: str) -> None:
    """Under the same clusterID everything is the other's; under another one its own comes, and what was there goes."""
    with bridge(world) as running:
        linked(world, running, "shop", "pay")
        world.link("other", clusterID=cluster_id, allowlistNamespaces=["shop"])
        eventually("contested", lambda: "shop: covered by several" in world.message())
        start = len(world.stage.openshift.api_writes)
        unlink(world)
        eventually("gone", lambda: is_unlinked(world))
        eventually("the other's", lambda: world.condition(name="other") == ("True", "Synchronized"))
        assert is_clean(world, "pay")
        assert secrets(world, "shop") == (set(SECRETS) if cluster_id == "openshift" else set())
        assert world.credentials("shop", cluster_id=cluster_id) is not None
        found = references(world, "shop", "builder")
        assert [[n for n in names if "-quay-" in n] for names in found] == [[f"builder-quay-{cluster_id}"]] * 2
        assert finalizers(world, SHOP) != []
        touched = [
            line for line in cluster_writes(world, start) if line.startswith((f"DELETE {SHOP}/secrets", f"PUT {SHOP}/serv"))
        ]
        assert touched == [] or cluster_id == "second"


def test_a_pass_that_is_under_way_is_waited_for(world: World) -> None:
    """What it writes last is taken back as well: the pull secrets of a namespace whose first pass had begun before."""
    with bridge(world) as running:
        linked(world, running, "shop")
        slow = Fault("latency", "^POST /api/v1/organization/openshift_pay/prototypes", times=1, seconds=2.0)
        with broken(world.stage.quay, slow):
            world.namespace("pay", "app")
            patch(world, f"{INTEGRATIONS}/quay", {"spec": {"allowlistNamespaces": ["shop", "pay"]}})
            eventually("begun", lambda: there(world, "pay"))
            unlink(world)
            eventually("gone", lambda: is_unlinked(world))
        assert there(world, "pay")
        assert is_clean(world, "pay")
        assert is_clean(world, "shop")


def test_remembered_deletions_are_forgotten_and_said_so(world: World) -> None:
    with bridge(world) as running:
        linked(world, running, "shop", "pay", deletionPolicy="Quarantine")
        world.cluster.call("DELETE", SHOP)
        eventually("gone", lambda: gone(world, "shop"))
        eventually("remembered", lambda: len(entries(world)) == 1)
        calls = len(world.stage.quay.api_calls)
        unlink(world)
        eventually("gone", lambda: is_unlinked(world))
        running.settle(world)
        assert len(world.stage.quay.api_calls) == calls
        assert there(world, "shop")
        told = [e for e in world.cluster.call("GET", "/api/v1/events")["items"] if e["reason"] == "OrganizationsStay"]
        assert [e["involvedObject"]["name"] for e in told] == ["quay"]
        assert "openshift_shop" in told[0]["message"]


def test_a_namespace_that_is_going_holds_nothing_up(world: World) -> None:
    with bridge(world) as running:
        linked(world, running, "shop")
        patch(world, SHOP, {"metadata": {"finalizers": [*finalizers(world, SHOP), "example.com/theirs"]}})
        running.settle(world, 1)
    unlink(world)
    world.cluster.call("DELETE", SHOP)
    with bridge(world):
        eventually("gone", lambda: is_unlinked(world))
        eventually("let go", lambda: finalizers(world, SHOP) == ["example.com/theirs"])
    assert there(world)


def test_doctor_and_plan_take_no_offence(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    with bridge(world) as running:
        linked(world, running, "shop")
    unlink(world)
    config = ["--kubeconfig", str(world.stage.kubeconfig)]
    assert run(["plan", *config]) == 1
    assert "what is being deleted (quay.redhat.com/quay)" in capsys.readouterr().err
    run(["doctor", *config])
    assert "is being deleted, and waits until the controller" in " ".join(capsys.readouterr().out.split())
