"""Namespaces that go: what becomes of their organizations under each policy, under faults, in bursts, and when they come back."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from typing import Any

import pytest
from tests.e2e.running import INTEGRATIONS, Bridge, World, bridge
from tests.e2e.test_bridge import MERGE, gone, quay

from quaybridge_sdk.cli.assembly import assemble, make_reconciler
from quaybridge_sdk.cli.main import run
from quaybridge_sdk.cli.stage import eventually
from quaybridge_sdk.runtime.keys import Key
from quaybridge_sdk.testing.http import Fault
from quaybridge_sdk.testing.registry_client import RegistryError, push_image


def made(world: World, running: Bridge, *names: str, **spec: Any) -> None:
    """Namespaces with an ImageStream each, integrated."""
    for name in names:
        world.namespace(name, "app")
    world.link(allowlistNamespaces=[*names, "never-made"], **spec)
    running.settle(world, len(names))


def delete(world: World, name: str) -> None:
    world.cluster.call("DELETE", f"/api/v1/namespaces/{name}")
    eventually(f"namespace {name} gone", lambda: gone(world, name))


def entries(world: World) -> list[dict[str, str]]:
    status = (world.cluster.find(f"{INTEGRATIONS}/quay") or {}).get("status") or {}
    return list(status.get("deletions") or ())


def there(world: World, name: str = "shop") -> bool:
    return f"openshift_{name}" in world.stage.quay.organizations()


def test_retain_keeps_everything_and_asks_quay_nothing(world: World) -> None:
    with bridge(world) as running:
        made(world, running, "shop", deletionPolicy="Retain")
        digest = world.push("shop", "app")
        calls = len(world.stage.quay.api_calls)
        delete(world, "shop")
        assert len(world.stage.quay.api_calls) == calls
        assert digest in str(world.stage.quay.organizations()["openshift_shop"].repositories["app"])


@pytest.mark.parametrize("pushed", [True, False])
def test_delete_if_empty_keeps_what_holds_an_image(world: World, pushed: bool) -> None:
    with bridge(world) as running:
        made(world, running, "shop", deletionPolicy="DeleteIfEmpty")
        if pushed:
            world.push("shop", "app")
        delete(world, "shop")
        assert there(world) == pushed


def test_a_namespace_that_was_wrongly_said_to_be_gone_is_let_go_in_the_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An API server that is just starting knows nothing of any path; and no change follows when it does."""
    monkeypatch.setattr("quaybridge_sdk.runtime.controller.LET_GO_SECONDS", 0.2)
    body = json.dumps({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404, "message": "no such resource"})
    with bridge(world) as running:
        made(world, running, "shop")
        server = world.stage.openshift
        server.faults.inject(Fault("status", "PUT /api/v1/namespaces/shop$", times=None, status=404, body=body.encode()))
        world.cluster.call("DELETE", "/api/v1/namespaces/shop")
        eventually("its content is gone", lambda: not server.objects("serviceaccounts", "shop"))
        running.settle(world)
        server.faults.clear()
        eventually("namespace shop gone", lambda: gone(world, "shop"))
        assert not there(world)


def test_an_annotation_on_the_namespace_speaks_before_the_integration(world: World) -> None:
    with bridge(world) as running:
        made(world, running, "shop", "pay")
        annotation = {"metadata": {"annotations": {"quaybridge.io/deletion-policy": "Retain"}}}
        world.cluster.call("PATCH", "/api/v1/namespaces/shop", annotation, MERGE)
        running.settle(world, 2)
        delete(world, "shop")
        delete(world, "pay")
        assert there(world, "shop")
        assert not there(world, "pay")


def test_a_quarantined_organization_is_given_back_with_its_images(world: World) -> None:
    with bridge(world) as running:
        made(world, running, "shop", deletionPolicy="Quarantine")
        digest, user = world.push("shop", "app"), world.credentials("shop")
        delete(world, "shop")
        found = world.stage.quay.organizations()["openshift_shop"]
        assert (dict(found.robots), found.repositories["app"].state) == ({}, "READ_ONLY")
        assert user is not None
        assert [(entry["organization"], entry["reason"]) for entry in entries(world)] == [("openshift_shop", "Quarantine")]
        world.namespace("shop", "app")
        running.settle(world, 1)
        found = world.stage.quay.organizations()["openshift_shop"]
        assert found.repositories["app"].state == "NORMAL"
        assert digest in str(found.repositories["app"])
        assert world.push("shop", "app", "second") != ""
        assert entries(world) == []
        assert world.condition() == ("True", "Synchronized")


def test_a_quarantine_ends_with_the_deletion_also_after_a_restart(world: World) -> None:
    with bridge(world) as running:
        made(world, running, "shop", deletionPolicy="Quarantine", quarantineDays=3)
        delete(world, "shop")
    world.clock_offset = timedelta(days=2)
    calls = len(world.stage.quay.api_calls)
    with bridge(world) as running:
        running.settle(world)
        assert there(world)
        assert len(world.stage.quay.api_calls) == calls
        world.clock_offset = timedelta(days=3, minutes=1)
        running.controller.queue.add(Key("namespace", "shop"))
        eventually("deleted", lambda: not there(world))
        eventually("forgotten", lambda: entries(world) == [])


def test_an_organization_made_anew_by_somebody_else_outlives_its_remembered_deletion(world: World) -> None:
    with bridge(world) as running:
        made(world, running, "shop", deletionPolicy="Quarantine")
        delete(world, "shop")
        quay(world, "DELETE", "/api/v1/organization/openshift_shop")
        world.stage.quay.collect_garbage()
        quay(world, "POST", "/api/v1/organization/", {"name": "openshift_shop", "email": "somebody@example.com"})
        world.clock_offset = timedelta(days=8)
        running.controller.queue.add(Key("namespace", "shop"))
        eventually("forgotten", lambda: entries(world) == [])
        assert there(world)


def test_a_quay_that_is_down_holds_no_namespace_for_longer_than_the_deadline(world: World) -> None:
    with bridge(world, deadline=timedelta(0)) as running:
        made(world, running, "shop")
        world.stage.quay.faults.inject(Fault("reset", "organization", times=None))
        delete(world, "shop")
        assert [(entry["organization"], entry["reason"]) for entry in entries(world)] == [("openshift_shop", "Unfinished")]
        assert there(world)
        world.stage.quay.faults.clear()
        eventually("deleted after all", lambda: not there(world), 40)
        eventually("forgotten", lambda: entries(world) == [])


def test_a_namespace_that_comes_back_before_its_deletion_is_done_starts_anew(world: World) -> None:
    with bridge(world, deadline=timedelta(0)) as running:
        made(world, running, "shop")
        world.push("shop", "app")
        world.stage.quay.faults.inject(Fault("reset", "organization", times=None))
        delete(world, "shop")
        world.namespace("shop", "app")
        eventually("tried", lambda: world.condition()[0] == "False")
        world.stage.quay.faults.clear()
        eventually("ready", lambda: world.condition() == ("True", "Synchronized"), 60)
        eventually("empty", lambda: not world.stage.quay.organizations()["openshift_shop"].repositories["app"].tags)
        assert entries(world) == []


def test_a_plan_shows_first_what_an_earlier_namespace_has_left(world: World) -> None:
    with bridge(world, deadline=timedelta(0)) as running:
        made(world, running, "shop")
        world.stage.quay.faults.inject(Fault("reset", "organization", times=None))
        delete(world, "shop")
    world.stage.quay.faults.clear()
    world.namespace("shop", "app")
    with assemble(str(world.stage.kubeconfig), None) as assembly:
        assembly.require_synced(20)
        actions = make_reconciler(assembly).preview("shop")
    assert [type(action).__name__ for action in actions] == ["DeleteOrganization", "ForgetDeletion"]
    assert there(world)


def test_a_name_that_is_not_free_yet_is_waited_for_without_help(world: World) -> None:
    """Quay holds a deleted organization's name until its garbage collector has run."""
    with bridge(world) as running:
        made(world, running, "shop")
        world.stage.quay.name_release = math.inf
        delete(world, "shop")
        world.namespace("shop")
        eventually("told", lambda: world.condition("NamesMappable") == ("False", "NameNotFree"))
        world.stage.quay.collect_garbage()
        eventually("ready", lambda: world.condition() == ("True", "Synchronized"), 60)


def test_a_burst_of_deletions_is_quarantined_and_said(world: World) -> None:
    with bridge(world) as running:
        made(world, running, "one", "two", "three", deletionLimit=1)
        for name in ("one", "two", "three"):
            delete(world, name)
        assert (there(world, "one"), there(world, "two"), there(world, "three")) == (False, True, True)
        assert {entry["reason"] for entry in entries(world)} == {"Burst"}
        eventually("said", lambda: world.condition("DeletionsHeld") == ("True", "Burst"))


def test_deleting_the_integration_lets_every_namespace_go_and_leaves_all_data(world: World) -> None:
    with bridge(world) as running:
        made(world, running, "shop")
        world.cluster.call("DELETE", f"{INTEGRATIONS}/quay")
        path = "/api/v1/namespaces/shop"
        eventually("released", lambda: not world.cluster.call("GET", path)["metadata"].get("finalizers"))
        running.settle(world)
    delete(world, "shop")
    assert there(world)


def test_an_integration_that_cannot_be_read_releases_nothing(world: World) -> None:
    with bridge(world) as running:
        made(world, running, "shop")
        world.cluster.call("PATCH", f"{INTEGRATIONS}/quay", {"spec": {"caBundle": "AAAA"}}, MERGE)
        eventually("said", lambda: world.condition() == ("False", "InvalidSpec"))
        running.settle(world)
        assert world.cluster.call("GET", "/api/v1/namespaces/shop")["metadata"]["finalizers"]


def test_pushes_into_a_quarantine_are_refused(world: World) -> None:
    with bridge(world) as running:
        made(world, running, "shop", deletionPolicy="Quarantine")
        user, password = world.credentials("shop") or ("", "")
        delete(world, "shop")
        with pytest.raises(RegistryError):
            push_image(world.stage.quay.url, "openshift_shop/app", "latest", user, password)


@pytest.mark.parametrize("word", ["confirm", "undo"])
def test_an_administrator_confirms_or_undoes_with_one_command(world: World, word: str, capfd: pytest.CaptureFixture[str]) -> None:
    with bridge(world) as running:
        made(world, running, "one", "two", deletionLimit=1)
        delete(world, "one")
        delete(world, "two")
        eventually("held", lambda: world.condition("DeletionsHeld")[1] == "Burst")
        kubeconfig = ["--kubeconfig", str(world.stage.kubeconfig)]
        assert run(["deletions", "--output", "json", *kubeconfig]) == 0
        assert [row["organization"] for row in json.loads(capfd.readouterr().out)] == ["openshift_two"]
        assert run(["deletions", word, "openshift_none", *kubeconfig]) == 2
        assert run(["deletions", word, *kubeconfig]) == 2
        assert run(["deletions", word, "--all", *kubeconfig]) == 0
        if word == "confirm":
            eventually("deleted", lambda: not there(world, "two"))
            eventually("nothing left", lambda: entries(world) == [])
        else:
            world.clock_offset = timedelta(days=1000)
            world.namespace("two", "app")
            running.settle(world, 1)
            assert there(world, "two")
            assert entries(world) == []
        eventually("no longer held", lambda: world.condition("DeletionsHeld") == ("", ""))
        capfd.readouterr()
        assert run(["deletions", word, "--all", *kubeconfig]) == 0
        assert capfd.readouterr().out == "nothing is held\n"


def test_a_burst_is_held_whoever_counts_at_the_same_time(world: World) -> None:
    with bridge(world, workers=8) as running:
        made(world, running, *(f"n{n}" for n in range(6)), deletionLimit=1)
        world.stage.quay.faults.inject(Fault("latency", "DELETE /api/v1/organization/", times=None, seconds=0.3))
        for number in range(6):
            world.cluster.call("DELETE", f"/api/v1/namespaces/n{number}")
        for number in range(6):
            eventually("gone", lambda number=number: gone(world, f"n{number}"))  # type: ignore[misc] # the loop's own
        assert sum(there(world, f"n{number}") for number in range(6)) == 5
        assert {entry["reason"] for entry in entries(world)} == {"Burst"}


def test_a_burst_during_an_outage_is_held_too(world: World) -> None:
    with bridge(world, deadline=timedelta(0)) as running:
        made(world, running, "one", "two", "three", deletionLimit=1)
        world.stage.quay.faults.inject(Fault("reset", "organization", times=None))
        for name in ("one", "two", "three"):
            delete(world, name)
        world.stage.quay.faults.clear()
        eventually("held", lambda: sorted(entry["reason"] for entry in entries(world)) == ["Burst", "Burst"], 60)
        assert sum(there(world, name) for name in ("one", "two", "three")) == 2


def test_an_entry_about_a_living_namespace_deletes_nothing(world: World) -> None:
    with bridge(world) as running:
        made(world, running, "shop")
        uid = world.cluster.call("GET", "/api/v1/namespaces/shop")["metadata"]["uid"]
        forged = {"organization": "openshift_shop", "namespaceUID": uid, "quay": world.stage.quay.url, "policy": "Delete"}
        due = {"reason": "Quarantine", "due": "2020-01-01T00:00:00+00:00"}
        rows = [{**forged, **due, "namespace": name} for name in ("ghost", "shop")]
        world.cluster.call("PATCH", f"{INTEGRATIONS}/quay/status", {"status": {"deletions": rows}}, MERGE)
        running.settle(world)
        assert there(world)


def test_an_administrator_saves_what_was_only_not_deleted_yet(world: World) -> None:
    with bridge(world, deadline=timedelta(0)) as running:
        made(world, running, "shop")
        digest = world.push("shop", "app")
        world.stage.quay.faults.inject(Fault("reset", "organization", times=None))
        delete(world, "shop")
        annotations = {"quaybridge.io/adopt": "openshift_shop"}
        world.cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": "shop", "annotations": annotations}})
        world.stage.quay.faults.clear()
        eventually("given back", lambda: entries(world) == [], 60)
        running.settle(world, 1)
        assert digest in str(world.stage.quay.organizations()["openshift_shop"].repositories["app"])


def test_a_quarantine_of_an_organization_whose_mark_was_edited_can_be_given_back(world: World) -> None:
    with bridge(world) as running:
        made(world, running, "shop", deletionPolicy="Quarantine")
        digest = world.push("shop", "app")
        quay(world, "PUT", "/api/v1/organization/openshift_shop", {"email": "somebody@example.com"})
        delete(world, "shop")
        world.namespace("shop", "app")
        running.settle(world, 1)
        assert digest in str(world.stage.quay.organizations()["openshift_shop"].repositories["app"])


def test_a_deletion_that_quay_refuses_is_counted_once_it_is_done(world: World) -> None:
    """Each retry took one of the allowed deletions, until the organization was quarantined for a burst of one."""
    with bridge(world) as running:
        made(world, running, "shop", deletionLimit=1)
        world.stage.quay.faults.inject(Fault("status", "DELETE /api/v1/organization/", times=3, status=500))
        delete(world, "shop")
        assert not there(world)
        assert entries(world) == []
