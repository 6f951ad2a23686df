"""What users ask for with annotations: to be left alone, a check, a new token, a robot for an account of their own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.e2e.running import BUILDS, IMAGES, World, bridge
from tests.e2e.test_bridge import MERGE, quay

from quaybridge_sdk.cli.assembly import assemble, utc_now
from quaybridge_sdk.cli.stage import bridge as programs
from quaybridge_sdk.cli.stage import eventually
from quaybridge_sdk.model.actions import SetRepositoryPermission
from quaybridge_sdk.model.quay import Role
from quaybridge_sdk.reconcile import Reconciler
from quaybridge_sdk.runtime.keys import Key
from quaybridge_sdk.testing.http import Fault

SHOP = "/api/v1/namespaces/shop"


def annotate(world: World, path: str, key: str, value: str | None) -> None:
    world.cluster.call("PATCH", path, {"metadata": {"annotations": {f"quaybridge.io/{key}": value}}}, MERGE)


def robots(world: World) -> dict[str, Any]:
    return dict(world.stage.quay.organizations()["openshift_shop"].robots)


def test_a_namespace_is_left_alone_while_its_annotation_says_so(world: World) -> None:
    world.namespace("shop", "app")
    annotate(world, SHOP, "ignore", "true")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world)
        assert world.stage.quay.organizations() == {}
        annotate(world, SHOP, "ignore", None)
        running.settle(world, 1)
        assert "openshift_shop" in world.stage.quay.organizations()
        annotate(world, SHOP, "ignore", "true")
        eventually("released", lambda: not world.cluster.call("GET", SHOP)["metadata"].get("finalizers"))
        running.settle(world)
        world.cluster.call("DELETE", SHOP)
        eventually("gone", lambda: world.cluster.find(SHOP) is None)
        assert "openshift_shop" in world.stage.quay.organizations()


def test_an_image_stream_is_left_alone_while_its_annotation_says_so(world: World) -> None:
    world.namespace("shop", "app", "mine")
    annotate(world, f"{IMAGES}/shop/imagestreams/mine", "ignore", "true")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        assert set(world.stage.quay.organizations()["openshift_shop"].repositories) == {"app"}
        annotate(world, f"{IMAGES}/shop/imagestreams/mine", "ignore", None)
        eventually("made", lambda: "mine" in world.stage.quay.organizations()["openshift_shop"].repositories)


def test_builds_of_what_is_left_alone_are_not_rewritten(world: World) -> None:
    for name in ("shop", "pay"):
        world.namespace(name, "app", "mine")
    annotate(world, f"{IMAGES}/shop/imagestreams/mine", "ignore", "true")
    annotate(world, "/api/v1/namespaces/pay", "ignore", "true")
    with programs(world.stage):
        world.link(allowlistNamespaces=["shop", "pay"])
        eventually("ready", lambda: world.condition() == ("True", "Synchronized"))
        for namespace, stream, kind in (
            ("shop", "app", "DockerImage"),
            ("shop", "mine", "ImageStreamTag"),
            ("pay", "app", "ImageStreamTag"),
        ):
            spec = {
                "source": {"type": "Dockerfile", "dockerfile": "FROM scratch"},
                "strategy": {"type": "Docker", "dockerStrategy": {}},
                "output": {"to": {"kind": "ImageStreamTag", "name": f"{stream}:latest"}},
                "serviceAccount": "builder",
            }
            body = {"metadata": {"name": f"{stream}-1"}, "spec": spec}
            made = world.cluster.call("POST", f"{BUILDS}/{namespace}/builds", body)
            assert made["spec"]["output"]["to"]["kind"] == kind


def test_a_check_that_is_asked_for_costs_the_three_lists_and_the_roles_of_the_robots_that_are_there(world: World) -> None:
    world.namespace("shop", "app")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        quay(world, "DELETE", "/api/v1/organization/openshift_shop/robots/deployer")
        before = len(world.stage.quay.api_calls)
        annotate(world, SHOP, "check", "now")
        eventually("repaired", lambda: "deployer" in robots(world))
        running.settle(world, 1)
        made = [f"{e.method} {e.path.rpartition('/')[2]}" for e in world.stage.quay.api_calls[before:]]
        repair = ["PUT deployer", "PUT openshift_shop+deployer", "POST prototypes"]
        assert made == ["GET robots", "GET prototypes", "GET repository", *["GET permissions"] * 2, *repair]
        at = len(world.stage.quay.api_calls)
        annotate(world, SHOP, "other", "now")
        running.settle(world, 1)
        assert len(world.stage.quay.api_calls) == at  # the same text asks for nothing again


@pytest.mark.parametrize("role", ["admin", "write", None])
def test_a_role_changed_by_hand_on_one_repository_is_put_right_by_a_check_that_is_asked_for(
    world: World, role: str | None
) -> None:
    """And by no periodic one, which costs the three lists; what is not wanted of us stays as somebody set it."""
    world.namespace("shop", "app", "db")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        mine = {"repository": "mine", "namespace": "openshift_shop", "visibility": "private", "description": ""}
        quay(world, "POST", "/api/v1/repository", mine)
        for repository in ("app", "mine"):
            path = f"/api/v1/repository/openshift_shop/{repository}/permissions/user/openshift_shop+default"
            quay(world, "PUT", path, {"role": role or "read"})
        before = len(world.stage.quay.api_calls)
        world.clock_offset += timedelta(hours=11)
        running.controller.queue.add(Key("namespace", "shop"))
        running.settle(world, 1)
        assert len(world.stage.quay.api_calls) - before == 3
        assert roles_of_default(world) == {"app": role or "read", "db": "read", "mine": role or "read"}
        before = len(world.stage.quay.api_calls)
        annotate(world, SHOP, "check", "look")
        eventually("put right", lambda: roles_of_default(world)["app"] == "read")
        eventually("followed", lambda: '"check":"look"' in applied(world))
        running.settle(world, 1)
        assert len(world.stage.quay.api_calls) - before == 3 + 3 + (role is not None)
        assert roles_of_default(world) == {"app": "read", "db": "read", "mine": role or "read"}


def test_a_check_is_also_made_where_nothing_is_known_yet_and_a_plan_shows_what_it_would_do(world: World) -> None:
    world.namespace("shop", "app")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        path = "/api/v1/repository/openshift_shop/app/permissions/user/openshift_shop+default"
        quay(world, "PUT", path, {"role": "admin"})
        assert running.controller.reconciler.preview("shop") == ()
    annotate(world, SHOP, "check", "look")
    annotate(world, SHOP, "applied", None)
    with bridge(world) as running:
        eventually("followed", lambda: '"check":"look"' in applied(world))
        assert roles_of_default(world) == {"app": "read"}
        running.settle(world, 1)
        quay(world, "PUT", path, {"role": "admin"})
    annotate(world, SHOP, "check", "again")
    with assemble(str(world.stage.kubeconfig), None) as assembly:
        assembly.require_synced(20)
        found = Reconciler(assembly.caches, assembly.ports.writer, assembly.ports.registries, utc_now).preview("shop")
        assert found[:-1] == (SetRepositoryPermission("openshift_shop", "app", "openshift_shop+default", Role.READ),)
    assert roles_of_default(world) == {"app": "admin"}


def roles_of_default(world: World) -> dict[str, str]:
    repositories = world.stage.quay.organizations()["openshift_shop"].repositories
    return {name: found.users["openshift_shop+default"] for name, found in repositories.items()}


def applied(world: World) -> str:
    return str(world.cluster.call("GET", SHOP)["metadata"]["annotations"].get("quaybridge.io/applied"))


def test_a_token_is_rotated_when_no_build_runs_and_the_secret_follows(world: World) -> None:
    world.namespace("shop", "app")
    builder = f"{SHOP}/serviceaccounts/builder"
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        before, others = world.credentials("shop"), world.credentials("shop", "default")
        world.rewritten_build("shop", "app-1", "app")
        running.settle(world, 1)
        annotate(world, builder, "rotate", "first")
        running.settle(world, 1)
        assert world.credentials("shop") == before  # the build could not push any more
        world.finish("shop", "app-1", world.push("shop", "app"))
        eventually("rotated", lambda: world.credentials("shop") != before)
        running.settle(world, 1)
        assert world.push("shop", "app", "new")
        assert world.credentials("shop", "default") == others
        now = world.credentials("shop")
    with bridge(world) as running:
        running.settle(world, 1)
        assert world.credentials("shop") == now  # once


def test_an_account_of_their_own_gets_a_robot_with_its_role_and_loses_it_again(world: World) -> None:
    world.namespace("shop", "app")
    account = f"{SHOP}/serviceaccounts/pipeline"
    body = {"metadata": {"name": "pipeline", "annotations": {"quaybridge.io/role": "write"}}}
    world.cluster.call("POST", f"{SHOP}/serviceaccounts", body)
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        assert set(robots(world)) == {"builder", "default", "deployer", "pipeline"}
        assert world.stage.quay.organizations()["openshift_shop"].repositories["app"].users["openshift_shop+pipeline"] == "write"
        linked = world.cluster.call("GET", account)
        assert {"name": "pipeline-quay-openshift"} in linked["imagePullSecrets"]
        annotate(world, account, "role", "admin")  # not one that may be asked for
        eventually("taken away", lambda: "pipeline" not in robots(world))
        annotate(world, account, "role", "read")
        eventually("given", lambda: "pipeline" in robots(world))
        running.settle(world, 1)
        users = world.stage.quay.organizations()["openshift_shop"].repositories["app"].users
        assert users["openshift_shop+pipeline"] == "read"


def test_each_new_text_rotates_once_also_when_something_else_is_refused(world: World) -> None:
    world.namespace("shop")
    builder = f"{SHOP}/serviceaccounts/builder"
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        seen = [world.credentials("shop")]
        for text in ("first", "second"):
            annotate(world, builder, "rotate", text)
            eventually("rotated", lambda: world.credentials("shop") not in seen)
            running.settle(world, 1)
            seen.append(world.credentials("shop"))
        deployer = f"{SHOP}/serviceaccounts/deployer"
        world.stage.openshift.faults.inject(Fault("status", f"PUT {deployer}", times=None, status=422, body=b'{"message": "x"}'))
        world.cluster.call("PATCH", deployer, {"secrets": []}, MERGE)
        eventually("refused", lambda: world.condition() == ("False", "ApiRequestRefused"))
        annotate(world, builder, "rotate", "third")
        eventually("rotated", lambda: world.credentials("shop") not in seen)
        eventually("quiet", lambda: running.controller.queue.idle)
        made = [e.path for e in world.stage.quay.api_calls if e.path.endswith("/regenerate")]
        assert len(made) == 3
