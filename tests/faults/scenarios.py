"""What can happen to a namespace, as a table: a new row is one more scenario, with every fault at every call that it makes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache

from attrs import evolve, field, frozen
from tests.faults.bridge import FULL_CHECK, Bridge
from tests.faults.cluster import CLUSTER_UID
from tests.faults.facts import ACCOUNTS
from tests.faults.marks import MARK
from tests.faults.quay import FakeOrganization, FakeRepository

from quaybridge_sdk.model.deletion import DeletionPolicy, StreamDeletionPolicy
from quaybridge_sdk.model.integration import CleanupPolicy, QuayIntegration, SecretKey
from quaybridge_sdk.model.openshift import (
    APPLIED_ANNOTATION,
    CHECK_ANNOTATION,
    DESTINATION_ANNOTATION,
    FINALIZER,
    MANAGED_ANNOTATION,
    Build,
    ServiceAccount,
)
from quaybridge_sdk.model.quay import QuayEndpoint, Role, SecretText
from quaybridge_sdk.reconcile.pace import BURST

HOST = "quay.example.com"
LINK = QuayIntegration("quay", "openshift", SecretKey("operators", "quay"), QuayEndpoint(f"https://{HOST}", HOST))
SHOP, STRANGERS = "openshift_shop", "openshift_strangers"
Step = Callable[[Bridge], None]


@frozen
class Scenario:
    """One row.

    Attributes:
        before: what is there when the bridge starts; it settles before anything else.
        event: what happens then; the faults are in force from here on.
        link: the integration.
        loses: organizations that may go, with their images.
        seldom: what is new in it is told by one event only, and no periodic check looks for it: a restart, or a list, does.
        ends: names of the errors in which it ends also without a fault, none when all ends well.
    """

    name: str
    before: Step
    event: Step
    link: QuayIntegration = LINK
    loses: frozenset[str] = frozenset()
    ends: frozenset[str] = frozenset()
    seldom: bool = False
    places: frozenset[str] = field(default=frozenset({"shop", "target", SHOP, "openshift_target"}))

    def prepared(self) -> Bridge:
        """A bridge that has brought ``before`` about, next to a stranger's organization that it must not touch."""
        return _prepared(self).twin()


@cache
def _prepared(scenario: Scenario) -> Bridge:
    bridge = Bridge()
    bridge.quay.organizations[STRANGERS] = strangers()
    bridge.cluster.make_namespace("kube-system")
    bridge.cluster.link(scenario.link)
    bridge.boot()
    scenario.before(bridge)
    bridge.run()
    fill(bridge)
    return bridge


def strangers() -> FakeOrganization:
    return FakeOrganization("somebody@example.com", repositories={"app": FakeRepository(images={"sha256:theirs"})})


def fill(bridge: Bridge) -> None:
    """Users push images into all that there is."""
    for organization in bridge.quay.organizations.values():
        for name, repository in organization.repositories.items():
            repository.images.add(f"sha256:{name}")


def nothing(_: Bridge) -> None:
    """No step."""


def shop(bridge: Bridge) -> None:
    bridge.cluster.make_namespace("shop", "app", "db")


def two(bridge: Bridge) -> None:
    shop(bridge)
    bridge.cluster.make_namespace("target", "app")


def restart(bridge: Bridge) -> None:
    bridge.boot()


def forget_record(bridge: Bridge) -> None:
    """As after a restore of the cluster from a backup."""
    found = bridge.cluster.truth.namespaces["shop"].namespace
    rest = {key: value for key, value in found.annotations.items() if key != APPLIED_ANNOTATION}
    bridge.cluster.change("shop", namespace=evolve(found, annotations=rest))
    bridge.boot()


def come_back(bridge: Bridge) -> None:
    """An earlier process met a Quay that was away, and said so."""
    status = dict(bridge.cluster.statuses[LINK.key])
    away = {"type": "QuayReachable", "status": "False", "reason": "Unreachable", "lastTransitionTime": "2026-01-02T03:04:05Z"}
    status["conditions"] = [away if c["type"] == away["type"] else c for c in status["conditions"]]
    bridge.cluster.statuses[LINK.key] = status
    forget_record(bridge)


def add_stream(bridge: Bridge) -> None:
    bridge.cluster.change("shop", streams=frozenset({"app", "db", "web"}))


def drift(bridge: Bridge) -> None:
    """Somebody has worked in Quay: nothing there is as it was, the images aside."""
    quay, found = bridge.quay, bridge.quay.organizations[SHOP]
    quay.delete_robot(SHOP, "deployer")
    quay.regenerate_robot(SHOP, "default")
    quay.create_prototype(SHOP, f"{SHOP}+builder", Role.READ)
    found.repositories["db"].rights.pop(f"{SHOP}+builder")
    found.repositories["new"] = found.repositories.pop("app")  # renamed, images and all
    quay.writes.clear()


def damage(bridge: Bridge) -> None:
    found = bridge.cluster.truth.namespaces["shop"]
    broken = {**found.secrets, "builder-quay-openshift": SecretText(f"edited {MARK}")}
    broken.pop("default-quay-openshift")
    unlinked = {**found.accounts, "deployer": ServiceAccount("deployer", secrets=("mine",))}
    bridge.cluster.change("shop", secrets=broken, accounts=unlinked)


def replace_account(bridge: Bridge) -> None:
    found = bridge.cluster.truth.namespaces["shop"]
    bridge.cluster.change("shop", accounts={**found.accounts, "builder": ServiceAccount("builder")})


def delete(bridge: Bridge) -> None:
    bridge.cluster.delete_namespace("shop")


def delete_and_make_anew(bridge: Bridge) -> None:
    """The old one must be gone before: the API server takes no second one of the name. So a lasting fault ends first."""
    delete(bridge)
    bridge.run()
    if "shop" in bridge.cluster.truth.namespaces:
        bridge.wire.heal()
        bridge.controller.enqueue_all()
        bridge.run()
    shop(bridge)


def wait_for_full_check(step: Step) -> Step:
    def stepped(bridge: Bridge) -> None:
        step(bridge)
        bridge.moment.seconds += FULL_CHECK

    return stepped


def foreign(email: str, **made: FakeRepository) -> Step:
    """The organization is there before the namespace is, with this e-mail."""

    def stepped(bridge: Bridge) -> None:
        repositories = made or {"app": FakeRepository(images={"sha256:theirs"})}
        bridge.quay.organizations[SHOP] = FakeOrganization(email, repositories=repositories)

    return stepped


def taken_over(bridge: Bridge) -> None:
    """A namespace that the Go operator has worked on."""
    bridge.cluster.make_namespace("shop", "app", finalizers=(FINALIZER,))


def build(name: str, source: str, to: str, now: datetime, digest: str = "sha256:built") -> Build:
    """One that is complete just now: an old one whose image is not there would be given up at once."""
    annotations = {MANAGED_ANNOTATION: "true", DESTINATION_ANNOTATION: f"{to}/app:latest"}
    output, times = f"{HOST}/openshift_{to}/app:latest", ((now - timedelta(minutes=4)).isoformat(), now.isoformat())
    return Build(source, name, "Docker", "DockerImage", output, None, None, None, "Complete", digest, *times, annotations, name)


def finish_build(to: str, *, allowed: bool = False) -> Step:
    def stepped(bridge: Bridge) -> None:
        made = build("app-1", "shop", to, bridge.moment.now())
        bridge.cluster.registry[str(made.output_name)] = made.digest
        if allowed:
            bridge.cluster.allowed.add(("system:serviceaccount:shop:builder", to))
        bridge.cluster.change("shop", builds={"app-1": made})

    return stepped


def replace_token(bridge: Bridge) -> None:
    bridge.caches.token = SecretText(f"{MARK}-another")
    bridge.controller.enqueue_all()


def link_late(bridge: Bridge) -> None:
    bridge.cluster.link(LINK)


def unlink_and_delete(bridge: Bridge) -> None:
    bridge.cluster.link()
    delete(bridge)


def ask(bridge: Bridge, text: str) -> None:
    found = bridge.cluster.truth.namespaces["shop"].namespace
    bridge.cluster.change("shop", namespace=evolve(found, annotations={**found.annotations, CHECK_ANNOTATION: text}))


def change_role_and_ask(bridge: Bridge) -> None:
    """Only such a check looks for it."""
    bridge.quay.organizations[SHOP].repositories["app"].rights[f"{SHOP}+builder"] = Role.READ
    ask(bridge, "roles")


def ask_often(bridge: Bridge) -> None:
    """More often than the passes over one namespace may call Quay."""
    for number in range(BURST + 4):
        ask(bridge, f"text {number}")
        bridge.run(until=0.0)


def drop_stream(bridge: Bridge) -> None:
    bridge.cluster.change("shop", streams=frozenset({"app"}))


def rotate(bridge: Bridge) -> None:
    found = bridge.cluster.truth.namespaces["shop"]
    asked = evolve(found.accounts["builder"], rotate="now")
    bridge.cluster.change("shop", accounts={**found.accounts, "builder": asked})


def delete_link(bridge: Bridge) -> None:
    bridge.cluster.delete_integration(LINK.key)


def link_anew(bridge: Bridge) -> None:
    """When the first one is gone: so a lasting fault ends first."""
    delete_link(bridge)
    bridge.run()
    if bridge.cluster.truth.integrations:
        bridge.wire.heal()
        bridge.caches.relist()
        bridge.controller.enqueue_all()
        bridge.run()
    bridge.cluster.link(CLEANED)


def policy(kind: DeletionPolicy, days: int = 1) -> QuayIntegration:
    return evolve(LINK, deletion_policy=kind, quarantine_days=days)


CLEANED = evolve(LINK, cleanup_policy=CleanupPolicy.CLUSTER)
SWEPT = evolve(LINK, stream_deletion_policy=StreamDeletionPolicy.DELETE)
OURS = frozenset({SHOP})
ELSEWHERE = f"x@{CLUSTER_UID[::-1]}.quaybridge.invalid"
SCENARIOS = (
    Scenario("new namespace", nothing, shop),
    Scenario("two new namespaces", nothing, two),
    Scenario("restart, nothing changed", shop, restart),
    Scenario("restart, the record is lost", shop, forget_record),
    Scenario("restart after an outage of Quay", shop, come_back),
    Scenario("ImageStream added", shop, add_stream),
    Scenario("full check, nothing to repair", shop, wait_for_full_check(nothing)),
    Scenario("full check with drift", shop, wait_for_full_check(drift)),
    Scenario("secrets damaged, account unlinked", shop, damage),
    Scenario("service account made anew", shop, replace_account),
    Scenario("deletion", shop, delete, loses=OURS),
    Scenario("deletion, policy Retain", shop, delete, policy(DeletionPolicy.RETAIN)),
    Scenario("deletion, policy DeleteIfEmpty, images", shop, delete, policy(DeletionPolicy.DELETE_IF_EMPTY)),
    Scenario("deletion, policy Quarantine", shop, delete, policy(DeletionPolicy.QUARANTINE, days=30)),
    Scenario("quarantine, then made anew", shop, delete_and_make_anew, policy(DeletionPolicy.QUARANTINE, days=30), seldom=True),
    Scenario("deletion, then made anew", shop, delete_and_make_anew, loses=OURS, seldom=True),
    Scenario("deletion without an integration", shop, unlink_and_delete),
    Scenario("stranger's organization", foreign("somebody@example.com"), shop, ends=frozenset({"Ownership"})),
    Scenario("another cluster's organization", foreign(ELSEWHERE), shop, ends=frozenset({"ClusterConflict"})),
    Scenario("taken over from the Go operator", foreign(f"{SHOP}@redhat.com"), taken_over),
    Scenario("finished build", shop, finish_build("shop")),
    Scenario("finished build into another namespace", two, finish_build("target", allowed=True)),
    Scenario("finished build, refused elsewhere", two, finish_build("target")),
    Scenario("token replaced", shop, replace_token),
    Scenario("a token is renewed", shop, rotate),
    Scenario("a role changed by hand, and a check", shop, change_role_and_ask),
    Scenario("more checks than the limit allows", shop, ask_often),
    Scenario("ImageStream deleted, its repository kept", shop, drop_stream),
    Scenario("ImageStream deleted, its repository goes", shop, drop_stream, SWEPT, loses=OURS),
    Scenario("QuayIntegration deleted", shop, delete_link),
    Scenario("QuayIntegration deleted, with a cleanup", shop, delete_link, CLEANED),
    Scenario("QuayIntegration deleted with a cleanup, then made anew", shop, link_anew, CLEANED, seldom=True),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
assert set(ACCOUNTS) == {"builder", "default", "deployer"}
