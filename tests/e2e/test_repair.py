"""What somebody changes on either side is put right, or left alone where it is not ours, and said."""

from __future__ import annotations

import base64
import time
from datetime import timedelta

import pytest
from tests.e2e.running import INTEGRATIONS, Bridge, World, bridge
from tests.e2e.test_bridge import MERGE, gone, quay

from quaybridge_sdk.cli.stage import eventually
from quaybridge_sdk.runtime import workers
from quaybridge_sdk.runtime.keys import Key
from quaybridge_sdk.testing.http import Fault
from quaybridge_sdk.testing.quay import EmbeddedQuay

ORG = "/api/v1/organization/openshift_shop"
SHOP = "/api/v1/namespaces/shop"


def checked(world: World, running: Bridge) -> list[str]:
    """A full check is due now; the calls that it made."""
    world.clock_offset += timedelta(hours=11)
    before = len(world.stage.quay.api_calls)
    running.controller.queue.add(Key("namespace", "shop"))
    running.settle(world)
    return [f"{e.method} {e.path}" for e in world.stage.quay.api_calls[before:]]


def remade(world: World, email: str, *robots: str, description: str = "") -> None:
    """The organization is deleted in Quay, and made again by somebody else."""
    quay(world, "DELETE", ORG)
    world.stage.quay.collect_garbage()
    quay(world, "POST", "/api/v1/organization/", {"name": "openshift_shop", "email": email})
    for robot in robots:
        quay(world, "PUT", f"{ORG}/robots/{robot}", {"description": description})


@pytest.mark.parametrize("damaged", [False, True])
@pytest.mark.parametrize("whose", ["another cluster's", "a person's"])
def test_an_organization_made_anew_by_somebody_else_is_not_written_to(world: World, whose: str, damaged: bool) -> None:
    """Its robots have our robots' names; at a full check, and when only the robots are read for a damaged Secret."""
    world.namespace("shop", "app")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        if whose == "a person's":
            remade(world, "mallory@example.com")
        else:
            mark = "quaybridge: integration=quay cluster=another namespace=theirs"
            remade(world, "theirs@another.quaybridge.invalid", "builder", "default", "deployer", description=mark)
        before = world.stage.quay.organizations()
        if damaged:
            world.cluster.call("DELETE", f"{SHOP}/secrets/builder-quay-openshift")
        else:
            checked(world, running)
        eventually("said so", lambda: world.condition("NoConflict")[0] == "False")
        assert world.stage.quay.organizations() == before
        assert (world.credentials("shop") is None) == damaged


@pytest.mark.parametrize(
    ("path", "repair"),
    [
        (f"{ORG}/robots/deployer", "PUT"),
        ("/api/v1/repository/openshift_shop/app/permissions/user/openshift_shop+builder", "PUT"),
        ("/api/v1/repository/openshift_shop/app", "POST"),
        (ORG, "POST"),
    ],
)
def test_what_is_removed_in_quay_comes_back_with_the_next_full_check(world: World, path: str, repair: str) -> None:
    world.namespace("shop", "app")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        quay(world, "DELETE", path)
        calls = checked(world, running)
        assert any(call.startswith(repair) for call in calls)
        assert world.push("shop", "app")
        assert all(not call.startswith(("POST", "PUT", "DELETE")) for call in checked(world, running))


def set_role(world: World, account: str, role: str) -> None:
    """Somebody changes the default permission of an account's robot."""
    found = quay(world, "GET", f"{ORG}/prototypes").json()["prototypes"]
    one = next(p for p in found if p["delegate"]["name"] == f"openshift_shop+{account}")
    quay(world, "PUT", f"{ORG}/prototypes/{one['id']}", {"role": role})


def double(world: World, account: str, role: str) -> None:
    """Somebody makes a second default permission for it."""
    delegate = {"kind": "user", "name": f"openshift_shop+{account}", "is_robot": True, "is_org_member": True}
    quay(world, "POST", f"{ORG}/prototypes", {"id": "", "role": role, "delegate": delegate})


def roles(world: World, account: str) -> tuple[list[str], set[str]]:
    """The default permissions of an account's robot, and what it was given."""
    organization, robot = world.stage.quay.organizations()["openshift_shop"], f"openshift_shop+{account}"
    given = {repository.users[robot] for repository in organization.repositories.values()}
    return [p.role for p in organization.prototypes if p.delegate == robot], given


@pytest.mark.parametrize("beside", ["read", "write", None])
def test_a_wrong_or_doubled_default_permission_is_put_right_with_the_roles_that_it_gave(world: World, beside: str | None) -> None:
    """The other one is wrong, too, or right; or there is none."""
    world.namespace("shop", "app")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        set_role(world, "builder", "read")
        if beside is not None:
            double(world, "builder", beside)
        world.image_stream("shop", "late")  # made with the wrong role
        running.settle(world, 1)
        checked(world, running)
        assert roles(world, "builder") == (["write"], {"write"})
        assert roles(world, "default") == (["read"], {"read"})
        assert world.push("shop", "late")


def test_a_wrong_default_permission_is_kept_until_the_roles_that_it_gave_are_put_right(world: World) -> None:
    """It is all that tells of them: a list of a robot's repositories names no roles."""
    world.namespace("shop", "app")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        set_role(world, "default", "admin")
        world.image_stream("shop", "late")
        running.settle(world, 1)
        refused = Fault("status", "PUT .*/permissions/", times=2, status=409, body=b'{"message": "x"}')
        world.stage.quay.faults.inject(refused)
        checked(world, running)
        assert roles(world, "default") == (["admin"], {"read", "admin"})
        checked(world, running)
        assert roles(world, "default") == (["read"], {"read"})


def test_a_regenerated_token_reaches_the_cluster_with_the_next_full_check(world: World) -> None:
    world.namespace("shop", "app")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        before = world.credentials("shop")
        quay(world, "POST", f"{ORG}/robots/builder/regenerate")
        assert len(checked(world, running)) == 3
        assert world.credentials("shop") != before
        assert world.push("shop", "app")


def test_one_secret_that_cannot_be_written_does_not_stop_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "PERMANENT_FLOOR", 0.5)
    world.namespace("shop", "app", "db")
    data = {"mine": base64.b64encode(b"x").decode()}
    body = {"metadata": {"name": "builder-quay-openshift"}, "type": "Opaque", "data": data}
    world.cluster.call("POST", f"{SHOP}/secrets", body)
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        eventually("said", lambda: world.condition() == ("False", "ApiRequestRefused"))
        assert world.credentials("shop", "default") is not None
        assert world.credentials("shop", "deployer") is not None
        assert set(world.stage.quay.organizations()["openshift_shop"].repositories) == {"app", "db"}
        assert world.cluster.call("GET", f"{SHOP}/secrets/builder-quay-openshift")["data"] == data
        world.cluster.call("DELETE", f"{SHOP}/secrets/builder-quay-openshift")
        running.settle(world, 1)
        assert world.push("shop", "app")


@pytest.mark.parametrize("trouble", ["unreadable", "contested"])
def test_a_deletion_waits_for_an_integration_that_may_be_mended(world: World, trouble: str) -> None:
    world.namespace("shop")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        if trouble == "unreadable":
            world.cluster.call("PATCH", f"{INTEGRATIONS}/quay", {"spec": {"caBundle": "AAAA"}}, MERGE)
            eventually("unreadable", lambda: world.condition() == ("False", "InvalidSpec"))
        else:
            world.link("second", allowlistNamespaces=["shop"])
            eventually("contested", lambda: world.condition("NoConflict") == ("False", "Contested"))
        world.cluster.call("DELETE", SHOP)
        running.settle(world)
        assert not gone(world, "shop")
        if trouble == "unreadable":
            world.cluster.call("PATCH", f"{INTEGRATIONS}/quay", {"spec": {"caBundle": None}}, MERGE)
        else:
            world.cluster.call("DELETE", f"{INTEGRATIONS}/second")
        eventually("gone", lambda: gone(world, "shop"), 40)
        assert "openshift_shop" not in world.stage.quay.organizations()


def test_a_token_that_was_replaced_while_nobody_looked_is_asked_about_after_the_restart(world: World) -> None:
    world.namespace("shop")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        eventually("ready", lambda: world.condition() == ("True", "Synchronized"))
        assert world.condition("TokenValid")[0] == "True"
    world.token("no-such-token")
    before = len(world.stage.quay.api_calls)
    with bridge(world):
        eventually("said", lambda: world.condition("TokenValid") == ("False", "TokenInvalid"))
        assert len(world.stage.quay.api_calls) == before + 1


def test_a_projects_people_see_how_it_stands_on_their_own_namespace(world: World) -> None:
    def says() -> str:
        return str((world.cluster.call("GET", SHOP)["metadata"].get("annotations") or {}).get("quaybridge.io/status", ""))

    world.namespace("shop")
    with bridge(world) as running:
        world.token("no-such-token")
        world.link(allowlistNamespaces=["shop"])
        eventually("told", lambda: says().startswith("TokenInvalid: "))
        world.token(world.stage.quay.token)
        running.settle(world, 1)
        assert says() == "Ready: images are in Quay's organization openshift_shop"
        events = world.cluster.call("GET", f"{SHOP}/events")["items"]
        assert {event["reason"] for event in events} >= {"TokenInvalid", "Synchronized"}


def test_a_quay_that_hangs_holds_up_nothing_that_needs_it_not(world: World) -> None:
    """Two of the workers never wait for it: links are repaired, and another Quay is served, at once."""
    silent = EmbeddedQuay()
    with silent, bridge(world, workers=4, places=2) as running:
        world.link(allowlistNamespaces=["shop", "late"])
        world.namespace("shop")
        running.settle(world, 1)
        fault = silent.faults.inject(Fault("silence", "GET", times=1000, seconds=30))
        world.link("silent", clusterID="silent", quayHostname=silent.url, allowlistNamespaces=[f"held{n}" for n in range(6)])
        for number in range(6):
            world.namespace(f"held{number}")
        eventually("hangs", lambda: fault.times == 998)
        started = time.monotonic()
        account = world.cluster.call("GET", f"{SHOP}/serviceaccounts/builder")
        world.cluster.call("PUT", f"{SHOP}/serviceaccounts/builder", {**account, "imagePullSecrets": [], "secrets": []})
        eventually("linked again", lambda: world.cluster.call("GET", f"{SHOP}/serviceaccounts/builder").get("secrets"))
        world.namespace("late", "app")
        eventually("served", lambda: "openshift_late" in world.stage.quay.organizations())
        assert time.monotonic() - started < 20  # a call to the silent one takes 30
        silent.faults.clear()


def test_an_integration_that_covers_nothing_is_asked_about_its_token_all_the_same(world: World) -> None:
    with bridge(world) as running:
        world.token("no-such-token")
        world.link(allowlistNamespaces=["never-made"])
        running.settle(world)
        assert world.stage.quay.api_calls == ()
        world.clock_offset = timedelta(minutes=1)
        running.controller.queue.add(Key("integration", "", "quay.redhat.com/quay"))
        eventually("said", lambda: world.condition() == ("False", "TokenInvalid"))


def test_all_that_waited_for_a_quay_goes_on_as_soon_as_it_is_called_again(world: World) -> None:
    """Not each after its own back-off, which an outage has made long."""
    with bridge(world, workers=8) as running:
        world.link(allowlistNamespaces=[f"n{n}" for n in range(8)])
        world.namespace("n0")
        running.settle(world, 1)
        world.stage.quay.faults.inject(Fault("reset", "", times=None))
        for number in range(1, 8):
            world.namespace(f"n{number}")
        eventually("not called", lambda: "is not called for half a minute" in world.message())
        world.stage.quay.faults.clear()
        eventually("one is served", lambda: len(world.stage.quay.organizations()) > 1, 40)
        eventually("all are", lambda: len(world.stage.quay.organizations()) == 8, 5)
