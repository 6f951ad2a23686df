"""What users and administrators do, against the whole bridge: the answers must come by themselves."""

from __future__ import annotations

import base64
from datetime import timedelta

import httpx
import pytest
from tests.e2e.running import IMAGES, INTEGRATIONS, World, bridge

from quaybridge_sdk.cli.stage import eventually
from quaybridge_sdk.runtime.keys import Key
from quaybridge_sdk.testing.http import Fault
from quaybridge_sdk.testing.quay import EmbeddedQuay
from quaybridge_sdk.testing.tls import self_signed, server_context

MERGE = "application/merge-patch+json"


def quay(world: World, method: str, path: str, body: object = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {world.stage.quay.token}"}
    response = httpx.request(method, world.stage.quay.url + path, json=body, headers=headers, trust_env=False)
    assert response.is_success, response.text
    return response


def gone(world: World, namespace: str) -> bool:
    return world.cluster.find(f"/api/v1/namespaces/{namespace}") is None


def test_a_changed_allowlist_and_a_changed_token_take_effect_at_once_on_existing_namespaces(world: World) -> None:
    world.namespace("shop", "app")
    world.namespace("later")
    with bridge(world) as running:
        world.token("no-such-token-in-this-quay")
        world.link(allowlistNamespaces=["shop"])
        eventually("token refused", lambda: world.condition("TokenValid") == ("False", "TokenInvalid"))
        world.token(world.stage.quay.token)
        eventually("ready", lambda: world.condition() == ("True", "Synchronized"))
        running.settle(world, 1)
        assert set(world.stage.quay.organizations()) == {"openshift_shop"}
        patch = {"spec": {"allowlistNamespaces": ["shop", "later"]}}
        world.cluster.call("PATCH", f"{INTEGRATIONS}/quay", patch, MERGE)
        eventually("second organization", lambda: "openshift_later" in world.stage.quay.organizations())


def test_a_replaced_token_is_asked_about_at_once_whose_it_is_and_what_it_may(world: World) -> None:
    """Also when all namespaces are as wanted, so that nothing else would need Quay for hours."""
    world.namespace("shop")
    good = world.stage.quay.token
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        eventually("ready", lambda: world.condition() == ("True", "Synchronized"))
        before = len(world.stage.quay.api_calls)
        world.token("no-such-token-in-this-quay")
        eventually("not ready", lambda: world.condition() == ("False", "TokenInvalid"))
        assert world.condition("TokenValid") == ("False", "TokenInvalid")
        assert [entry.path for entry in world.stage.quay.api_calls[before:]] == ["/api/v1/user/"]
        world.token(good)
        eventually("ready again", lambda: world.condition() == ("True", "Synchronized"))
        assert world.condition("TokenValid")[0] == "True"
        asked = [entry.path for entry in world.stage.quay.api_calls[before + 1 :]]
        assert asked == ["/api/v1/user/", "/api/v1/organization/openshift_shop/robots"]
        world.token(world.stage.quay.issue_token(scopes={"user:read"}))
        eventually("lacks scopes", lambda: world.condition("ScopesSufficient") == ("False", "Forbidden"))


def test_an_integration_is_not_ready_before_its_namespaces_are(world: World) -> None:
    world.namespace("shop")
    world.stage.openshift.settle()
    fault = world.stage.quay.faults.inject(Fault("latency", "POST /api/v1/organization/", times=None, seconds=0.5))
    with bridge(world):
        world.link(allowlistNamespaces=["shop"])
        eventually("ready", lambda: world.condition()[0] == "True")
        assert "openshift_shop" in world.stage.quay.organizations()
    assert fault.seconds == 0.5


def test_a_namespace_that_goes_is_not_waited_for(world: World) -> None:
    """It is counted as waiting while it is there without a report; once it is gone, the status says so without another event."""
    world.namespace("shop")
    world.namespace("brief")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop", "brief"])
        running.settle(world, 2)
        controller = running.controller
        controller.ledger.drop("brief")  # as if a status were due between the release and the end of the namespace
        controller.queue.add(Key("integration", "", "quay.redhat.com/quay"))
        eventually("waited for", lambda: world.condition() == ("False", "Progressing"))
        world.cluster.call("DELETE", "/api/v1/namespaces/brief")
        eventually("ready again", lambda: world.condition() == ("True", "Synchronized"))


def test_no_event_is_tried_in_a_terminating_namespace(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.namespace("shop")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        world.stage.quay.faults.inject(Fault("status", "DELETE /api/v1/organization/", times=2, status=500))
        world.cluster.call("DELETE", "/api/v1/namespaces/shop")
        eventually("gone", lambda: gone(world, "shop"), 30)
    assert "ServerFault" in caplog.text
    assert "event not written" not in caplog.text


def test_a_refused_build_is_told_once_and_not_again_after_a_restart(world: World) -> None:
    world.namespace("shop", "app")
    forged = {"to": {"kind": "DockerImage", "name": "evil.example.com/x:y"}}

    def told() -> int:
        events = world.stage.openshift.objects("events", "shop")
        return sum(event.get("count", 1) for event in events if event["reason"] == "ImageNotImported")

    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        world.rewritten_build("shop", "forged", "app", output=forged)
        world.finish("shop", "forged", "sha256:" + "0" * 64)
        eventually("told", lambda: told() == 1)
    world.clock_offset = timedelta(hours=1)
    with bridge(world) as running:
        running.settle(world, 1)
        assert told() == 1


def test_an_organization_that_somebody_else_made_anew_is_left_alone_at_the_next_full_check(world: World) -> None:
    world.namespace("shop")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
    quay(world, "DELETE", "/api/v1/organization/openshift_shop")
    quay(world, "POST", "/api/v1/organization/", {"name": "openshift_shop", "email": "somebody@example.com"})
    world.clock_offset = timedelta(hours=11)
    with bridge(world):
        eventually("said so", lambda: world.condition("NoConflict") == ("False", "Ownership"))
        assert dict(world.stage.quay.organizations()["openshift_shop"].robots) == {}


def test_without_an_integration_nothing_happens_and_nothing_is_said(world: World) -> None:
    world.namespace("shop")
    world.stage.openshift.settle()
    world.stage.openshift.clear_requests()
    with bridge(world) as running:
        running.settle(world)
        assert world.stage.openshift.api_writes == ()
        assert world.stage.quay.api_calls == ()


def test_overlapping_integrations_say_so_and_none_acts_on_the_overlap(world: World) -> None:
    world.namespace("shared")
    world.namespace("alone")
    with bridge(world):
        world.link(allowlistNamespaces=["shared", "alone"])
        eventually("organization", lambda: "openshift_alone" in world.stage.quay.organizations())
        world.link("second", clusterID="other", allowlistNamespaces=["shared"])
        for name in ("quay", "second"):
            eventually(f"{name} says so", lambda name=name: world.condition("NoConflict", name) == ("False", "Contested"))  # type: ignore[misc]
        assert "other_shared" not in world.stage.quay.organizations()
        world.cluster.call("DELETE", f"{INTEGRATIONS}/second")
        eventually("conflict over", lambda: world.condition("NoConflict") == ("True", "AsExpected"))


def test_two_streams_that_would_share_a_repository_are_told_of(world: World) -> None:
    with bridge(world) as running:
        world.link(clusterID="c" * 182, allowlistNamespaces=["n" * 63])
        world.namespace("n" * 63, "app-13287", "app-13351")
        eventually("told", lambda: world.condition("NoConflict") == ("False", "NameCollision"))
        assert world.condition() == ("False", "NameCollision")
        world.cluster.call("DELETE", f"{IMAGES}/{'n' * 63}/imagestreams/app-13351")
        eventually("mended", lambda: world.condition() == ("True", "Synchronized"))
        running.settle(world, 1)


def test_a_key_of_the_administrators_choice_is_honoured(world: World) -> None:
    world.namespace("shop")
    with bridge(world):
        reference = {"namespace": "openshift-operators", "name": "quay-integration", "key": "quay"}
        world.link(allowlistNamespaces=["shop"], credentialsSecret=reference)
        eventually("key missing", lambda: world.condition("TokenValid") == ("False", "InvalidCredentials"))
        world.token(world.stage.quay.token, "quay")
        eventually("organization", lambda: "openshift_shop" in world.stage.quay.organizations())


def test_a_missing_service_account_does_not_stop_the_rest(world: World) -> None:
    world.namespace("shop", "app")
    world.stage.openshift.settle()
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        world.cluster.call("DELETE", "/api/v1/namespaces/shop/serviceaccounts/deployer")
        running.settle(world, 1)
        assert "app" in world.stage.quay.organizations()["openshift_shop"].repositories


def test_a_repository_made_before_its_default_permissions_gets_its_rights(world: World) -> None:
    world.namespace("shop", "app")
    namespace = world.cluster.call("GET", "/api/v1/namespaces/shop")
    system = world.cluster.call("GET", "/api/v1/namespaces/kube-system")
    email = f"{namespace['metadata']['uid']}@{system['metadata']['uid']}.quaybridge.invalid"
    quay(world, "POST", "/api/v1/organization/", {"name": "openshift_shop", "email": email})
    body = {"namespace": "openshift_shop", "repository": "app", "visibility": "private", "description": ""}
    quay(world, "POST", "/api/v1/repository", body)
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        users = world.stage.quay.organizations()["openshift_shop"].repositories["app"].users
        roles = {name.partition("+")[2]: role for name, role in users.items() if "+" in name}
        assert roles == {"builder": "write", "default": "read", "deployer": "read"}


def test_a_strangers_organization_is_neither_written_nor_deleted(world: World) -> None:
    world.namespace("shop", "app")
    quay(world, "POST", "/api/v1/organization/", {"name": "openshift_shop", "email": "somebody@example.com"})
    with bridge(world):
        world.link(allowlistNamespaces=["shop"])
        eventually("said so", lambda: world.condition("NoConflict") == ("False", "Ownership"))
        found = world.stage.quay.organizations()["openshift_shop"]
        assert (dict(found.robots), dict(found.repositories)) == ({}, {})
        world.cluster.call("DELETE", "/api/v1/namespaces/shop")
        eventually("namespace gone", lambda: gone(world, "shop"))
        assert "openshift_shop" in world.stage.quay.organizations()


def test_a_refused_deletion_keeps_the_finalizer_and_is_tried_again(world: World) -> None:
    world.namespace("shop")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        fault = world.stage.quay.faults.inject(Fault("status", "DELETE /api/v1/organization/", times=None, status=500))
        world.cluster.call("DELETE", "/api/v1/namespaces/shop")
        eventually("refused", lambda: any(e.method == "DELETE" and e.status == 500 for e in world.stage.quay.requests))
        assert not gone(world, "shop")
        assert "openshift_shop" in world.stage.quay.organizations()
        world.stage.quay.faults.clear()
        assert fault.status == 500
        eventually("gone after all", lambda: gone(world, "shop"), 30)
        assert "openshift_shop" not in world.stage.quay.organizations()


def test_a_token_that_cannot_see_whose_an_organization_is_deletes_nothing_and_lets_nothing_go(world: World) -> None:
    world.namespace("shop")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        world.token(world.stage.quay.issue_token(scopes={"repo:admin"}))
        running.settle(world, 1)
        world.cluster.call("DELETE", "/api/v1/namespaces/shop")
        eventually("said so", lambda: world.condition("ScopesSufficient") == ("False", "Forbidden"))
        assert not gone(world, "shop")
        assert "openshift_shop" in world.stage.quay.organizations()
        world.token(world.stage.quay.token)
        eventually("gone with the right token", lambda: gone(world, "shop"))
        assert "openshift_shop" not in world.stage.quay.organizations()


def test_an_outage_of_quay_is_survived_while_namespaces_come_and_go(world: World) -> None:
    world.namespace("old")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["old", "new"])
        running.settle(world, 1)
        world.stage.quay.stop()
        world.namespace("new", "app")
        world.cluster.call("DELETE", "/api/v1/namespaces/old")
        eventually("said so", lambda: world.condition("QuayReachable") == ("False", "Unreachable"))
        world.stage.quay.start()
        eventually("new is there", lambda: "openshift_new" in world.stage.quay.organizations(), 30)
        eventually("old is gone", lambda: gone(world, "old"), 30)
        assert "openshift_old" not in world.stage.quay.organizations()


def test_a_certificate_that_is_not_trusted_is_a_condition_and_no_call(
    tmp_path_factory: pytest.TempPathFactory, world: World
) -> None:
    certificate, key, authority = self_signed(tmp_path_factory.mktemp("tls"), "127.0.0.1")
    world.namespace("shop")
    with EmbeddedQuay(tls=server_context(certificate, key)) as secure, bridge(world):
        world.link(allowlistNamespaces=["shop"], quayHostname=secure.url, insecureRegistry=False)
        world.token(secure.token)
        eventually("refused", lambda: world.condition("TLSVerified") == ("False", "TLSVerification"))
        assert secure.api_calls == ()
        bundle = base64.b64encode(authority.read_bytes()).decode()
        world.cluster.call("PATCH", f"{INTEGRATIONS}/quay", {"spec": {"caBundle": bundle}}, MERGE)
        eventually("organization", lambda: "openshift_shop" in secure.organizations())


def test_a_build_is_imported_once_on_complete_only_and_never_when_forged(world: World) -> None:
    world.namespace("shop", "app")
    world.namespace("victim", "app")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop", "victim"])
        running.settle(world, 2)
        digest = world.push("shop", "app")
        world.rewritten_build("shop", "good", "app")
        host = world.stage.quay.url.removeprefix("http://")
        evil = {"to": {"kind": "DockerImage", "name": f"{host}/openshift_shop/app:latest"}}
        forged = {"quay-registry-operator.quay.redhat.com/destination-imagestream": "victim/app:latest"}
        world.rewritten_build("shop", "forged", "app", output=evil, annotations=forged)
        world.rewritten_build("shop", "failed", "app")
        running.settle(world, 2)
        assert _imports(world) == 0
        world.finish("shop", "failed", digest, "Failed")
        world.finish("shop", "forged", digest)
        world.finish("shop", "good", digest)
        eventually("imported", lambda: world.is_imported("shop", "good"))
        running.settle(world, 2)
        assert _imports(world) == 1
        assert world.tag("victim", "app") is None
        assert not world.is_imported("shop", "forged")
        tag = world.tag("shop", "app")
        assert tag is not None
        assert tag["image"]["metadata"]["name"] == digest
    with bridge(world) as running:
        running.settle(world, 2)
        assert _imports(world) == 1


def test_a_failed_import_is_not_marked_and_is_tried_again(world: World) -> None:
    world.namespace("shop", "app")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        world.rewritten_build("shop", "app-1", "app")
        world.finish("shop", "app-1", "sha256:" + "0" * 64)  # says complete, but nothing is there yet
        eventually("tried", lambda: _imports(world) >= 1)
        assert not world.is_imported("shop", "app-1")
        digest = world.push("shop", "app")
        eventually("imported in the end", lambda: world.tag("shop", "app"), 30)
        tag = world.tag("shop", "app")
        assert tag is not None
        assert tag["image"]["metadata"]["name"] == digest


def test_an_import_into_another_namespace_needs_the_right_to_push_there(world: World) -> None:
    world.namespace("shop", "app")
    world.namespace("target", "app")
    host = world.stage.quay.url.removeprefix("http://")
    output = {"to": {"kind": "DockerImage", "name": f"{host}/openshift_target/app:latest"}}
    forged = {"quay-registry-operator.quay.redhat.com/destination-imagestream": "target/app:latest"}
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop", "target"])
        running.settle(world, 2)
        digest = world.push("target", "app")
        world.rewritten_build("shop", "refused", "app", output=output, annotations=forged)
        world.finish("shop", "refused", digest)
        running.settle(world, 2)
        assert world.tag("target", "app") is None
        user = "system:serviceaccount:shop:builder"
        world.stage.openshift.allow(user, "update", "imagestreams/layers", "target")
        world.rewritten_build("shop", "allowed", "app", output=output, annotations=forged)
        world.finish("shop", "allowed", digest)
        eventually("imported", lambda: world.tag("target", "app"))


def _imports(world: World) -> int:
    return sum(e.path.endswith("/imagestreamimports") for e in world.stage.openshift.requests if e.method == "POST")
